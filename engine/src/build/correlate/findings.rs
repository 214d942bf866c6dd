//! Findings of code analysis to the operations whose handler they lie in.

use std::collections::{BTreeMap, BTreeSet};

use crate::build::Join;
use crate::graph::NodeId;
use crate::model::Facts;

use super::view::{Method, View};

/// The description names the handler, and the finding lies in its file or function.
const HANDLER: Method = Method::new("handler-hint", 90);
/// The same, for a handler file that serves several operations.
const SHARED_HANDLER: Method = Method::new("handler-hint-shared", 60);
/// The finding's function is the operation's id.
const FUNCTION: Method = Method::new("function-name", 70);
/// The finding's words quote the path of the operation.
const LITERAL: Method = Method::new("route-literal", 60);
/// What a join loses where nothing says that the code is the service's, in hundredths.
const WITHOUT_REPOSITORY: u8 = 30;

/// `Finding EXPLOITABLE_VIA Route` and `Route HANDLED_BY File`.
pub(super) struct Findings;

impl Join for Findings {
    fn name(&self) -> &'static str {
        "findings"
    }

    fn run(&self, view: View<'_>, facts: &mut Facts) {
        let operations = Operations::of(view);
        for finding in view.labelled("Finding") {
            // A weakness in a package or a configuration has no handler.
            let Some(path) = view.text(finding, "path") else {
                continue;
            };
            let repositories: Vec<NodeId> = view
                .starts(finding, "HAS_FINDING")
                .into_iter()
                .filter(|holder| view.is(*holder, "Repository"))
                .collect();
            let message = view.text(finding, "message").unwrap_or_default();
            let function = view.text(finding, "function");
            let place = Place {
                path,
                file: segments(path),
                function,
                function_name: function.map(plain_name),
                message,
            };
            let mut matched = operations.matching(&place, &repositories);
            // The best method speaks; weaker ones would only add noise to it.
            let best = matched.iter().map(|found| found.method.confidence).max();
            matched.retain(|found| Some(found.method.confidence) == best);
            let mut handled = BTreeSet::new();
            for found in matched {
                let (from, route) = (view.id(finding), view.id(found.route));
                let method = found.method;
                method.link(facts, from, "EXPLOITABLE_VIA", route, |facts, edge| {
                    facts.set(edge, "repository_known", found.repository_known);
                });
                for file in view.out(finding, "LOCATED_IN") {
                    let is_handler = view.text(file, "path") == Some(path);
                    if is_handler && handled.insert((found.route, file)) {
                        let file = view.id(file);
                        method.link(facts, route, "HANDLED_BY", file, |facts, edge| {
                            facts.set_opt(edge, "function", place.function);
                        });
                    }
                }
            }
        }
    }
}

/// Where a finding lies.
struct Place<'a> {
    path: &'a str,
    /// The parts of the path.
    file: Vec<&'a str>,
    function: Option<&'a str>,
    /// The function as a plain name.
    function_name: Option<String>,
    message: &'a str,
}

struct Operation<'a> {
    api: NodeId,
    route: NodeId,
    handler: Option<Vec<&'a str>>,
    /// `operationId` as a plain name.
    declared_name: Option<String>,
    path: &'a str,
    /// Repositories of the images behind its service, and of nothing else.
    repositories: BTreeSet<NodeId>,
    /// Names the code may go by: of the service and of the API.
    names: BTreeSet<&'a str>,
}

struct Found {
    route: NodeId,
    method: Method,
    repository_known: bool,
}

struct Operations<'a> {
    all: Vec<Operation<'a>>,
    /// How many operations share a handler.
    sharing: BTreeMap<(NodeId, Vec<&'a str>), usize>,
    /// Operations by repository, so that a finding meets those of its own code only.
    by_repository: BTreeMap<NodeId, Vec<usize>>,
    /// The names of the operations of each repository.
    names_by_repository: BTreeMap<NodeId, BTreeSet<&'a str>>,
    /// Operations by the last part of the handler, for findings whose repository builds nothing
    /// known.
    by_handler: BTreeMap<String, Vec<usize>>,
    repository_names: BTreeMap<NodeId, &'a str>,
}

impl<'a> Operations<'a> {
    fn of(view: View<'a>) -> Self {
        let mut operations = Self {
            all: Vec::new(),
            sharing: BTreeMap::new(),
            by_repository: BTreeMap::new(),
            names_by_repository: BTreeMap::new(),
            by_handler: BTreeMap::new(),
            repository_names: BTreeMap::new(),
        };
        let mut by_name: BTreeMap<&str, Vec<NodeId>> = BTreeMap::new();
        for repository in view.labelled("Repository") {
            let name = view.id(repository).rsplit('/').next().unwrap_or_default();
            operations.repository_names.insert(repository, name);
            by_name.entry(name).or_default().push(repository);
        }
        for api in view.labelled("Api") {
            let api_name = view.id(api).strip_prefix("api://").unwrap_or_default();
            for route in view.out(api, "HAS_ROUTE") {
                let mut names: BTreeSet<&str> = [api_name].into();
                names.extend(view.text(api, "service"));
                let mut repositories = BTreeSet::new();
                for service in view.out(route, "SERVED_BY") {
                    names.extend(view.text(service, "name"));
                    for workload in view.out(service, "ROUTES_TO") {
                        for image in view.out(workload, "RUNS") {
                            repositories.extend(view.starts(image, "BUILDS"));
                        }
                    }
                }
                if repositories.is_empty() {
                    // A repository of the same name is the code, if only one has it.
                    for name in &names {
                        if let Some([repository]) = by_name.get(name).map(Vec::as_slice) {
                            repositories.insert(*repository);
                        }
                    }
                }
                operations.add(view, api, route, repositories, names);
            }
        }
        operations
    }

    fn add(
        &mut self,
        view: View<'a>,
        api: NodeId,
        route: NodeId,
        repositories: BTreeSet<NodeId>,
        names: BTreeSet<&'a str>,
    ) {
        let idx = self.all.len();
        let handler = view.text(route, "handler").map(segments);
        for repository in &repositories {
            self.by_repository.entry(*repository).or_default().push(idx);
            let known = self.names_by_repository.entry(*repository).or_default();
            known.extend(&names);
        }
        if let Some(last) = handler.as_ref().and_then(|handler| handler.last()) {
            let last = last.to_ascii_lowercase();
            self.by_handler.entry(last).or_default().push(idx);
        }
        if let Some(handler) = &handler {
            *self.sharing.entry((api, handler.clone())).or_insert(0) += 1;
        }
        self.all.push(Operation {
            api,
            route,
            declared_name: view.text(route, "operation_id").map(plain_name),
            path: view.text(route, "path").unwrap_or_default(),
            handler,
            repositories,
            names,
        });
    }

    fn matching(&self, place: &Place<'_>, repositories: &[NodeId]) -> Vec<Found> {
        let of_repository: BTreeSet<usize> = repositories
            .iter()
            .filter_map(|repository| self.by_repository.get(repository))
            .flatten()
            .copied()
            .collect();
        let known = !of_repository.is_empty();
        let candidates: BTreeSet<usize> = if known {
            of_repository
        } else {
            let keys = place.file.last().copied().into_iter().chain(place.function);
            keys.filter_map(|key| self.by_handler.get(&key.to_ascii_lowercase()))
                .flatten()
                .copied()
                .collect()
        };
        let folders = if known {
            self.folders_of_services(place, repositories)
        } else {
            Vec::new()
        };
        let mut found = Vec::new();
        for idx in candidates {
            let Some(operation) = self.all.get(idx) else {
                continue;
            };
            if !known && operation.is_elsewhere(repositories) {
                continue;
            }
            // In a repository of several services, a finding in the folder of one is not of another.
            let is_own = |folder: &&str| operation.names.contains(*folder);
            if !folders.is_empty() && !folders.iter().any(is_own) {
                continue;
            }
            if let Some(mut method) = self.method(operation, place) {
                if !known {
                    method.confidence = method.confidence.saturating_sub(WITHOUT_REPOSITORY);
                }
                found.push(Found {
                    route: operation.route,
                    method,
                    repository_known: known,
                });
            }
        }
        found
    }

    /// The folders of a path that are named as a service of these repositories.
    fn folders_of_services<'p>(&self, place: &Place<'p>, repositories: &[NodeId]) -> Vec<&'p str> {
        let is_named = |folder: &&str| {
            let mut names = repositories
                .iter()
                .filter_map(|repository| self.names_by_repository.get(repository));
            names.any(|names| names.contains(folder))
        };
        place.path.split('/').filter(is_named).collect()
    }

    fn method(&self, operation: &Operation<'_>, place: &Place<'_>) -> Option<Method> {
        let is_operation =
            place.function_name.is_some() && place.function_name == operation.declared_name;
        if let Some(handler) = &operation.handler
            && handles(handler, place)
        {
            let key = (operation.api, handler.clone());
            let n_sharing = self.sharing.get(&key).copied();
            return Some(if is_operation || n_sharing == Some(1) {
                HANDLER
            } else {
                SHARED_HANDLER
            });
        }
        if is_operation {
            return Some(FUNCTION);
        }
        let quoted = operation.path.len() > 3 && place.message.contains(operation.path);
        quoted.then_some(LITERAL)
    }
}

impl Operation<'_> {
    /// Whether it is known to come from other repositories than these.
    fn is_elsewhere(&self, repositories: &[NodeId]) -> bool {
        !self.repositories.is_empty()
            && !repositories.is_empty()
            && !repositories
                .iter()
                .any(|repository| self.repositories.contains(repository))
    }
}

/// The parts of a handler (`orders_api.search`, `controllers/customers.js:get`) or of a file name,
/// without the file's ending.
fn segments(text: &str) -> Vec<&str> {
    const ENDINGS: [&str; 14] = [
        ".py", ".js", ".ts", ".mjs", ".cjs", ".tsx", ".jsx", ".java", ".kt", ".go", ".rb", ".php",
        ".cs", ".scala",
    ];
    let without_ending = |part| {
        let mut endings = ENDINGS.iter();
        let stripped = endings.find_map(|ending| str::strip_suffix(part, ending));
        stripped.unwrap_or(part)
    };
    text.split([':', '#'])
        .map(without_ending)
        .flat_map(|part| part.split(['/', '.', '\\']))
        .filter(|part| !part.is_empty())
        .collect()
}

/// Whether a handler means the file: its parts end the file's, or all but the last do and that
/// one is the function.
fn handles(handler: &[&str], place: &Place<'_>) -> bool {
    let is_end = |parts: &[&str]| !parts.is_empty() && place.file.ends_with(parts);
    if is_end(handler) {
        return true;
    }
    let Some((last, module)) = handler.split_last() else {
        return false;
    };
    let function = place.function_name.as_ref();
    is_end(module) && function.is_none_or(|function| *function == plain_name(last))
}

/// `getOrder`, `get_order` and `OrdersApi.get_order` are one name.
fn plain_name(name: &str) -> String {
    let name = name.rsplit(['.', ':', '#']).next().unwrap_or(name);
    name.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect()
}
