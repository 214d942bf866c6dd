//! Which image a reference means, and which repository an image is built from.

use std::collections::BTreeMap;

use crate::build::Join;
use crate::graph::NodeId;
use crate::model::{Facts, Value};

use super::view::{Method, View, plain};

const DIGEST: Method = Method::new("digest", 100);
/// Tags move: what runs may be older than what was scanned.
const TAG: Method = Method::new("registry-repository-tag", 80);
const NAME_AND_TAG: Method = Method::new("name-tag", 50);
const SOURCE_LABEL: Method = Method::new("oci-source-label", 90);
const NAME: Method = Method::new("owner-name", 60);
const SHORT_NAME: Method = Method::new("name", 40);

/// `Workload RUNS Image` for the image that another document describes under another id, and
/// `SAME_AS` between the two.
pub(super) struct Images;

/// A reference taken apart.
#[derive(Debug)]
pub(super) struct Reference {
    digest: Option<String>,
    registry: Option<String>,
    repository: Option<String>,
    tag: Option<String>,
}

impl Reference {
    pub(super) fn of(view: View<'_>, image: NodeId) -> Self {
        let property = |name| view.text(image, name).map(str::to_owned);
        let rest = view.id(image).strip_prefix("image://").unwrap_or_default();
        let mut reference = Self {
            digest: property("digest"),
            registry: property("registry"),
            repository: property("repository"),
            tag: property("tag"),
        };
        if reference.digest.is_none() && rest.starts_with("sha256:") {
            reference.digest = Some(rest.to_owned());
        }
        if reference.repository.is_none()
            && let Some((registry, path)) = rest.split_once('/')
        {
            let (path, tag) = match path.rsplit_once(':') {
                Some((path, tag)) => (path, Some(tag.to_owned())),
                None => (path, None),
            };
            reference.registry = Some(registry.to_owned());
            reference.repository = Some(path.to_owned());
            reference.tag = reference.tag.or(tag);
        }
        reference
    }

    fn by_tag(&self) -> Option<String> {
        let (registry, repository, tag) = (
            self.registry.as_ref()?,
            self.repository.as_ref()?,
            self.tag.as_ref()?,
        );
        Some(format!("{registry}/{repository}:{tag}"))
    }

    /// Where it lies, whatever its tag.
    pub(super) fn by_repository(&self) -> Option<String> {
        let (registry, repository) = (self.registry.as_ref()?, self.repository.as_ref()?);
        Some(format!("{registry}/{repository}"))
    }

    /// The last part of the repository with the tag: what is left when an image is mirrored.
    fn by_name(&self) -> Option<String> {
        let (repository, tag) = (self.repository.as_ref()?, self.tag.as_ref()?);
        let name = repository.rsplit('/').next()?;
        Some(format!("{name}:{tag}"))
    }
}

impl Join for Images {
    fn name(&self) -> &'static str {
        "images"
    }

    fn run(&self, view: View<'_>, facts: &mut Facts) {
        let images = view.labelled("Image");
        // Only an image that some document looks into is worth meaning.
        let is_described = |image: NodeId| {
            !view.out(image, "CONTAINS").is_empty() || !view.out(image, "HAS_FINDING").is_empty()
        };
        let mut described: [BTreeMap<String, Vec<NodeId>>; 3] = Default::default();
        for &image in &images {
            if !is_described(image) {
                continue;
            }
            let reference = Reference::of(view, image);
            let [digests, tags, names] = &mut described;
            for (index, key) in [
                (digests, reference.digest.clone()),
                (tags, reference.by_tag()),
                (names, reference.by_name()),
            ] {
                if let Some(key) = key {
                    index.entry(key).or_default().push(image);
                }
            }
        }
        let [digests, tags, names] = &described;
        for &image in &images {
            let users = view.starts(image, "RUNS");
            if users.is_empty() || is_described(image) {
                continue;
            }
            let reference = Reference::of(view, image);
            let candidates = [
                (DIGEST, digests, reference.digest.clone()),
                (TAG, tags, reference.by_tag()),
                (NAME_AND_TAG, names, reference.by_name()),
            ];
            let found = candidates.into_iter().find_map(|(method, index, key)| {
                let found = index.get(&key?)?;
                // A bare name that several images share means none of them.
                let unique = method.name != NAME_AND_TAG.name || found.len() == 1;
                unique.then_some((method, found))
            });
            let Some((method, found)) = found else {
                continue;
            };
            for meant in found.iter().filter(|meant| **meant != image) {
                method.link(facts, view.id(image), "SAME_AS", view.id(*meant), plain);
                for user in &users {
                    let (from, to) = (view.id(*user), view.id(*meant));
                    let stated = run_of(view, *user, image);
                    method.link(facts, from, "RUNS", to, |facts, edge| {
                        for (name, value) in stated {
                            facts.set(edge, name, value);
                        }
                    });
                }
            }
        }
    }
}

/// How the workload names and pulls the image, as its document says.
fn run_of(view: View<'_>, workload: NodeId, image: NodeId) -> Vec<(&'static str, Value)> {
    let mut edges = view.out_edges(workload, "RUNS");
    edges.retain(|(_, end)| *end == image);
    // An image of an init container and of another is the other's as well.
    let init = edges.iter().all(|(edge, _)| view.edge_flag(*edge, "init"));
    let Some((edge, _)) = edges.first() else {
        return Vec::new();
    };
    let mut stated: Vec<(&'static str, Value)> = ["pinned", "pull_policy"]
        .into_iter()
        .filter_map(|name| Some((name, view.edge_value(*edge, name)?)))
        .collect();
    if init {
        stated.push(("init", Value::Bool(true)));
    }
    stated
}

/// `Repository BUILDS Image`.
pub(super) struct Builds;

impl Join for Builds {
    fn name(&self) -> &'static str {
        "builds"
    }

    fn run(&self, view: View<'_>, facts: &mut Facts) {
        // `<host>/<org>/<name>`, `<org>/<name>` and `<name>` to repositories.
        let mut by_path: BTreeMap<String, Vec<NodeId>> = BTreeMap::new();
        let mut by_owner: BTreeMap<String, Vec<NodeId>> = BTreeMap::new();
        let mut by_name: BTreeMap<String, Vec<NodeId>> = BTreeMap::new();
        for repository in view.labelled("Repository") {
            let Some(path) = view.id(repository).strip_prefix("repo://") else {
                continue;
            };
            let path = path.to_ascii_lowercase();
            let mut parts = path.rsplit('/');
            let (name, owner) = (parts.next(), parts.next());
            if let Some(name) = name {
                by_name.entry(name.to_owned()).or_default().push(repository);
                if let Some(owner) = owner {
                    let key = format!("{owner}/{name}");
                    by_owner.entry(key).or_default().push(repository);
                }
            }
            by_path.entry(path).or_default().push(repository);
        }
        for image in view.labelled("Image") {
            if !view.starts(image, "BUILDS").is_empty() {
                continue;
            }
            if let Some(source) = view.text(image, "source_repository") {
                let path = repository_path(source);
                match by_path.get(&path.to_ascii_lowercase()) {
                    Some(repositories) => {
                        build(view, SOURCE_LABEL, repositories, image, facts);
                    }
                    None => state_repository(facts, &path, view.id(image)),
                }
                continue;
            }
            let Some(path) = Reference::of(view, image).repository else {
                continue;
            };
            let path = path.to_ascii_lowercase();
            let mut parts = path.rsplit('/');
            let (Some(name), owner) = (parts.next(), parts.next()) else {
                continue;
            };
            let owned = owner.and_then(|owner| by_owner.get(&format!("{owner}/{name}")));
            // `library` is a registry's word for nobody's; its names are not ours.
            let named = || by_name.get(name).filter(|_| owner != Some("library"));
            if let Some([_]) = owned.map(Vec::as_slice) {
                build(view, NAME, owned.map_or(&[], Vec::as_slice), image, facts);
            } else if let Some(repositories) = named().filter(|found| found.len() == 1) {
                build(view, SHORT_NAME, repositories, image, facts);
            }
        }
    }
}

fn build(
    view: View<'_>,
    method: Method,
    repositories: &[NodeId],
    image: NodeId,
    facts: &mut Facts,
) {
    for repository in repositories {
        method.link(facts, view.id(*repository), "BUILDS", view.id(image), plain);
    }
}

/// A repository that only the label of an image names.
fn state_repository(facts: &mut Facts, path: &str, image: &str) {
    let id = format!("repo://{path}");
    if path.split('/').count() < 3 {
        return;
    }
    if let Ok(node) = facts.node(&id, &["Repository"]) {
        facts.set(node, "name", path.rsplit('/').next().unwrap_or(path));
    }
    SOURCE_LABEL.link(facts, &id, "BUILDS", image, plain);
}

/// `https://github.com/acme/shop.git`, `git@github.com:acme/shop` -> `github.com/acme/shop`.
fn repository_path(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split_once('@').map_or(rest, |(_, rest)| rest);
    let rest = rest.split(['#', '?']).next().unwrap_or(rest);
    let rest = rest.trim_end_matches('/');
    let rest = rest.strip_suffix(".git").unwrap_or(rest);
    let path = rest.replacen(':', "/", 1);
    // Hosts ignore case, and so do these two in names; others may not.
    let known = ["github.com/", "bitbucket.org/"];
    let lower = path.to_ascii_lowercase();
    if known.iter().any(|host| lower.starts_with(host)) {
        lower
    } else {
        path
    }
}
