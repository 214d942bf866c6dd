//! Controllers that keep a namespace or the cluster as a repository says: Argo CD and Flux.

use serde::Deserialize;
use serde_json::Value;

use crate::error::LoadError;
use crate::keys::repository_id;
use crate::subject::state_repository;
use crate::text::Text;

use super::estate::Estate;
use super::object::Object;
use super::scope::Scope;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ApplicationSpec {
    source: Option<Source>,
    sources: Option<Vec<Source>>,
    destination: Option<Destination>,
    sync_policy: Option<SyncPolicy>,
}

#[derive(Debug, Default, Deserialize)]
struct Source {
    #[serde(rename = "repoURL")]
    address: Option<Text>,
    path: Option<Text>,
    /// A chart of a registry: no repository stands behind it.
    chart: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
struct Destination {
    server: Option<Text>,
    name: Option<Text>,
    namespace: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
struct SyncPolicy {
    automated: Option<Value>,
}

impl Destination {
    /// Whether it is the cluster that the controller runs in.
    fn is_here(&self) -> bool {
        let server = self.server.as_deref().filter(|text| !text.is_empty());
        match (server, self.name.as_deref()) {
            (Some(server), _) => server.trim_end_matches('/') == "https://kubernetes.default.svc",
            (None, name) => name == Some("in-cluster"),
        }
    }
}

/// `Application` of Argo CD. Other clusters are known by address only, so nothing is said of them.
pub(super) fn application(estate: &mut Estate<'_>, mut object: Object) -> Result<(), LoadError> {
    let scope = estate.scope(&object);
    let spec: ApplicationSpec = object.take("spec")?;
    let destination = spec.destination.unwrap_or_default();
    if !destination.is_here() {
        return Ok(());
    }
    let policy = spec.sync_policy.unwrap_or_default();
    let automatic = policy
        .automated
        .is_some_and(|automated| automated.get("enabled") != Some(&Value::Bool(false)));
    let namespace = destination.namespace.as_deref();
    for source in spec.source.iter().chain(spec.sources.iter().flatten()) {
        let address = source.address.as_deref().filter(|_| source.chart.is_none());
        let Some(repository) = address.and_then(repository_id) else {
            continue;
        };
        let sync = Sync {
            repository: &repository,
            path: source.path.as_deref(),
            automatic,
            namespace,
        };
        sync.state(estate, &scope)?;
    }
    Ok(())
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct KustomizationSpec {
    source_ref: Option<SourceRef>,
    path: Option<Text>,
    target_namespace: Option<Text>,
    service_account_name: Option<Text>,
    suspend: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
struct SourceRef {
    kind: Option<Text>,
    name: Option<Text>,
    namespace: Option<Text>,
}

/// Takes up which repository each `GitRepository` is.
pub(super) fn index_sources(estate: &mut Estate<'_>, objects: &[Object]) {
    for object in objects {
        if object.group != "source.toolkit.fluxcd.io" || object.kind != "GitRepository" {
            continue;
        }
        let address = object.get("spec").and_then(|spec| spec.get("url"));
        if let Some(repository) = address.and_then(Value::as_str).and_then(repository_id) {
            let key = (estate.scope(object), object.name.clone());
            estate.index.git_sources.insert(key, repository);
        }
    }
}

/// `Kustomization` of Flux. Without an account of its own the controller has every right in the
/// cluster.
pub(super) fn kustomization(estate: &mut Estate<'_>, mut object: Object) -> Result<(), LoadError> {
    let scope = estate.scope(&object);
    let spec: KustomizationSpec = object.take("spec")?;
    let source = spec.source_ref.unwrap_or_default();
    if source.kind.as_deref() != Some("GitRepository") {
        return Ok(());
    }
    let of = scope.namespace_or_here(source.namespace.as_deref());
    let key = (of, source.name.as_deref().unwrap_or_default().to_owned());
    let Some(repository) = estate.index.git_sources.get(&key).cloned() else {
        estate
            .report
            .warn("source of a kustomization not listed", || key.1.clone());
        return Ok(());
    };
    let own = spec.service_account_name.as_ref();
    let own = own.and(scope.namespace.as_deref());
    let sync = Sync {
        repository: &repository,
        path: spec.path.as_deref(),
        automatic: spec.suspend != Some(true),
        namespace: spec.target_namespace.as_deref().or(own),
    };
    sync.state(estate, &scope)
}

struct Sync<'a> {
    repository: &'a str,
    path: Option<&'a str>,
    automatic: bool,
    /// Without one, the repository says in which namespace each object lies.
    namespace: Option<&'a str>,
}

impl Sync<'_> {
    fn state(&self, estate: &mut Estate<'_>, scope: &Scope) -> Result<(), LoadError> {
        estate.count("repositories_followed", 1);
        state_repository(self.repository, estate.facts)?;
        let target = match self.namespace.filter(|namespace| !namespace.is_empty()) {
            Some(namespace) => {
                let scope = scope.cluster_wide();
                estate.refer(&scope, &["Namespace"], "Namespace", namespace)?
            }
            None => scope.cluster_id(),
        };
        let edge = estate.facts.edge(self.repository, "SYNCED_TO", &target)?;
        estate.facts.set_key(edge, self.path.unwrap_or("."));
        estate.facts.set(edge, "automatic", self.automatic);
        estate.facts.set_opt(edge, "path", self.path);
        Ok(())
    }
}
