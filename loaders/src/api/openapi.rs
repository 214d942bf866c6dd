//! OpenAPI 3 and Swagger 2 descriptions.
//!
//! What credentials an operation wants follows the specification: its own requirement, else that
//! of the whole document; no requirement, or an empty one among several, admits everyone.
//! References within the document are resolved; those to other documents are counted.

mod classify;
mod references;
mod service;
#[cfg(test)]
#[allow(clippy::needless_raw_string_hashes, reason = "expect-test writes them")]
mod tests;

use std::collections::BTreeSet;

use foothold_engine::model::{Facts, Value as Property};
use serde_json::{Map, Value};

use crate::decode::Tree;
use crate::document::Document;
use crate::error::LoadError;
use crate::head::Head;
use crate::loader::{Loader, Match};
use crate::report::Report;

use self::classify::{DataClass, names};
use self::references::{References, declared};
use self::service::Servers;

/// The methods of operations.
const METHODS: &[&str] = &[
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

/// Extensions that name the code behind an operation.
const HANDLERS: &[&str] = &[
    "x-openapi-router-controller",
    "x-swagger-router-controller",
    "x-handler",
    "x-controller",
    "x-eov-operation-handler",
    "x-exegesis-controller",
];

/// The loader.
pub(crate) struct OpenApi;

impl Loader for OpenApi {
    fn format(&self) -> &'static str {
        "openapi"
    }

    fn describe(&self) -> &'static str {
        "OpenAPI 3.x and Swagger 2.0, JSON or YAML"
    }

    fn detect(&self, head: &Head<'_>) -> Match {
        let Some(sketch) = head.tree() else {
            return Match::No;
        };
        match (sketch.scalar("openapi"), sketch.scalar("swagger")) {
            (Some(version), _) if version.starts_with('3') => {
                let parts = ["paths", "webhooks", "components"];
                if parts.iter().any(|part| sketch.has(part)) {
                    Match::Certain
                } else {
                    Match::Near("has `openapi` but no `paths`".to_owned())
                }
            }
            (_, Some(version)) if version.starts_with('2') => Match::Certain,
            (Some(version), _) | (_, Some(version)) => {
                Match::Near(format!("version `{version}` is not read"))
            }
            (None, None) => Match::No,
        }
    }

    fn load(
        &self,
        source: &Document,
        facts: &mut Facts,
        report: &mut Report,
    ) -> Result<(), LoadError> {
        let Tree(root) = source.value()?;
        let servers = Servers::of(&root);
        let service = service::name(&root, source);
        let mut description = Description {
            root: &root,
            id: format!("api://{service}"),
            base_path: servers.base_path(),
            references: References::new(&root),
            facts,
            report,
        };
        description.state_api(&servers)?;
        description.state_paths()?;
        description.finish();
        Ok(())
    }
}

/// One description while it is read.
struct Description<'a> {
    root: &'a Value,
    id: String,
    base_path: &'a str,
    references: References<'a>,
    facts: &'a mut Facts,
    report: &'a mut Report,
}

impl<'a> Description<'a> {
    fn count(&mut self, name: &str, by: usize) {
        self.report.count(name, by as u64);
    }

    fn state_api(&mut self, servers: &Servers) -> Result<(), LoadError> {
        let root = self.root;
        let size = |pointers: [&str; 2]| {
            let found = pointers.iter().find_map(|pointer| root.pointer(pointer));
            found.and_then(Value::as_object).map_or(0, Map::len)
        };
        let n_schemes = size(["/components/securitySchemes", "/securityDefinitions"]);
        self.count("security_schemes", n_schemes);
        self.count("schemas", size(["/components/schemas", "/definitions"]));
        self.count("webhooks", size(["/webhooks", "/x-webhooks"]));
        self.count("servers", servers.n_listed);
        let info = |member: &str| match root.get("info").and_then(|info| info.get(member)) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let node = self.facts.node(&self.id, &["Api"])?;
        self.facts.set_opt(node, "name", info("title"));
        self.facts.set_opt(node, "version", info("version"));
        self.facts.set_opt(node, "service", service::declared(root));
        self.facts.set(node, "security_declared", n_schemes > 0);
        if !servers.hosts.is_empty() {
            let hosts = Property::strings(&servers.hosts);
            self.facts.set(node, "hosts", hosts);
        }
        if !servers.base_paths.is_empty() {
            let paths = Property::strings(&servers.base_paths);
            self.facts.set(node, "base_paths", paths);
        }
        Ok(())
    }

    fn state_paths(&mut self) -> Result<(), LoadError> {
        let root = self.root;
        let paths = match root.get("paths") {
            None | Some(Value::Null) => return Ok(()),
            Some(Value::Object(paths)) => paths,
            Some(_) => return Err(LoadError::at("/paths", "an object is expected")),
        };
        for (path, item) in paths {
            if path.starts_with("x-") {
                continue;
            }
            self.count("paths", 1);
            self.count("path_parameters", path.matches('{').count());
            if !item.is_object() {
                let pointer = format!("/paths/{}", escaped(path));
                return Err(LoadError::at(pointer, "an object is expected"));
            }
            if is_external(item) {
                self.count("external_path_refs", 1);
                continue;
            }
            let Some(item) = self.references.resolve(item) else {
                continue;
            };
            for method in METHODS {
                if let Some(operation) = item.get(method).filter(|operation| !operation.is_null()) {
                    self.state_operation(path, method, item, operation)?;
                }
            }
        }
        Ok(())
    }

    fn state_operation(
        &mut self,
        path: &str,
        method: &str,
        item: &'a Value,
        operation: &'a Value,
    ) -> Result<(), LoadError> {
        self.count("operations", 1);
        self.count(&format!("methods.{method}"), 1);
        if !operation.is_object() {
            let pointer = format!("/paths/{}/{method}", escaped(path));
            return Err(LoadError::at(pointer, "an object is expected"));
        }
        let elsewhere = is_external(operation);
        self.count("external_path_refs", usize::from(elsewhere));
        let operation = match self.references.resolve(operation) {
            Some(resolved) => resolved,
            None => operation,
        };
        let tags = operation.get("tags").and_then(Value::as_array);
        let has_tags = tags.is_some_and(|tags| !tags.is_empty());
        self.count("operations_with_tags", usize::from(has_tags));
        let security = self.security(operation);
        self.count(
            "operations_without_security",
            usize::from(!security.required),
        );
        let data = self.data(item, operation);
        let method = method.to_ascii_uppercase();
        let id = format!("{}/{method} {path}", self.id);
        let text = |member: &str| operation.get(member).and_then(Value::as_str);
        let handler = HANDLERS.iter().find_map(|member| text(member));
        let node = self.facts.node(&id, &["Route"])?;
        let facts = &mut *self.facts;
        facts.set(node, "name", format!("{method} {path}"));
        facts.set(node, "method", method);
        facts.set(node, "path", path);
        facts.set(node, "full_path", format!("{}{path}", self.base_path));
        facts.set_opt(node, "operation_id", text("operationId"));
        facts.set_opt(node, "handler", handler);
        facts.set(node, "takes_object_id", path.contains('{'));
        // An operation described elsewhere may state its own requirement there.
        if !elsewhere {
            facts.set(node, "authenticated", security.required);
        }
        if !security.schemes.is_empty() {
            facts.set(node, "auth_schemes", Property::strings(&security.schemes));
        }
        if !data.all.is_empty() {
            facts.set(node, "data_class", Property::strings(names(&data.all)));
        }
        facts.set(node, "sensitive", data.sensitive);
        let deprecated = operation.get("deprecated").and_then(Value::as_bool);
        facts.set(node, "deprecated", deprecated == Some(true));
        facts.edge(&self.id, "HAS_ROUTE", &id)?;
        if let Some(function) = lambda(operation) {
            facts.node(function, &["Function"])?;
            facts.edge(&id, "SERVED_BY", function)?;
        }
        Ok(())
    }

    /// The requirement of an operation, else of the document.
    fn security(&self, operation: &Value) -> Security {
        let stated = |value: &'a Value| value.get("security").and_then(Value::as_array);
        let own = operation.get("security").and_then(Value::as_array);
        let Some(alternatives) = own.or_else(|| stated(self.root)) else {
            return Security::default();
        };
        let mut security = Security {
            required: !alternatives.is_empty(),
            schemes: BTreeSet::new(),
        };
        for alternative in alternatives {
            let schemes = alternative.as_object();
            security.required &= schemes.is_some_and(|schemes| !schemes.is_empty());
            security
                .schemes
                .extend(schemes.into_iter().flat_map(Map::keys).cloned());
        }
        security
    }

    /// The kinds of data an operation takes and gives.
    fn data(&mut self, item: &'a Value, operation: &'a Value) -> Data {
        let mut request = BTreeSet::new();
        let mut response = BTreeSet::new();
        for holder in [item, operation] {
            let parameters = holder.get("parameters").and_then(Value::as_array);
            for parameter in parameters.into_iter().flatten() {
                let Some(parameter) = self.references.resolve(parameter) else {
                    continue;
                };
                let place = parameter.get("in").and_then(Value::as_str);
                let name = parameter.get("name").and_then(Value::as_str);
                if place != Some("body") && place != Some("header") {
                    request.extend(name.and_then(classify::class_of_field));
                }
                if let Some(schema) = parameter.get("schema") {
                    self.references.classify(schema, &mut request);
                }
            }
        }
        if let Some(body) = operation.get("requestBody") {
            self.content(body, &mut request);
        }
        let responses = operation.get("responses").and_then(Value::as_object);
        for (status, found) in responses.into_iter().flatten() {
            if status.starts_with(['4', '5']) {
                continue;
            }
            self.content(found, &mut response);
        }
        let stated = declared(operation);
        let marked = operation.get("x-sensitive").and_then(Value::as_bool) == Some(true);
        let grave = [DataClass::Card, DataClass::Health];
        // Giving personal data away is sensitive; taking it is what every sign-up form does.
        let sensitive = marked
            || !stated.is_empty()
            || response.contains(&DataClass::Pii)
            || grave
                .iter()
                .any(|class| response.contains(class) || request.contains(class));
        let mut all = request;
        all.extend(response);
        all.extend(stated);
        Data { all, sensitive }
    }

    /// Adds the data in a request body or response: `content.*.schema`, or `schema` before 3.0.
    fn content(&mut self, holder: &'a Value, classes: &mut BTreeSet<DataClass>) {
        let Some(holder) = self.references.resolve(holder) else {
            return;
        };
        if let Some(schema) = holder.get("schema") {
            self.references.classify(schema, classes);
        }
        let media = holder.get("content").and_then(Value::as_object);
        for medium in media.into_iter().flat_map(Map::values) {
            if let Some(schema) = medium.get("schema") {
                self.references.classify(schema, classes);
            }
        }
    }

    fn finish(self) {
        let Self {
            references, report, ..
        } = self;
        if references.n_external > 0 {
            report.count("external_refs", references.n_external as u64);
            report.warn("references to other documents are not followed", || {
                format!("{} of them", references.n_external)
            });
        }
        if references.n_dangling > 0 {
            report.warn("references to nothing", || {
                format!("{} of them", references.n_dangling)
            });
        }
        if references.is_exhausted() {
            report.warn("too many schemas to look at all", String::new);
        }
    }
}

#[derive(Debug, Default)]
struct Security {
    required: bool,
    schemes: BTreeSet<String>,
}

#[derive(Debug)]
struct Data {
    all: BTreeSet<DataClass>,
    sensitive: bool,
}

fn is_external(value: &Value) -> bool {
    let reference = value.get("$ref").and_then(Value::as_str);
    reference.is_some_and(|reference| !reference.starts_with('#'))
}

/// The function behind an operation of Amazon's API gateway:
/// `arn:aws:apigateway:<region>:lambda:path/../functions/<function>/invocations`.
fn lambda(operation: &Value) -> Option<&str> {
    let uri = operation
        .get("x-amazon-apigateway-integration")?
        .get("uri")?
        .as_str()?;
    let (_, rest) = uri.split_once("/functions/")?;
    let function = rest.strip_suffix("/invocations").unwrap_or(rest);
    let complete = function.starts_with("arn:") && !function.contains(['$', '{', ' ']);
    complete.then_some(function)
}

/// A key as a part of a JSON pointer.
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
