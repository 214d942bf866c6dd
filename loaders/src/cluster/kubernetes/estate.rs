//! What one document says of clusters, while it is being gathered.

use std::collections::{BTreeMap, BTreeSet};

use foothold_engine::model::{FactRef, Facts, Value};

use crate::error::LoadError;
use crate::report::Report;

use super::object::Object;
use super::scope::{Scope, is_cluster_wide};
use super::workload::Workload;

/// The namespace of objects that name none.
const DEFAULT_NAMESPACE: &str = "default";

/// Gathers facts and counts of one document.
pub(super) struct Estate<'a> {
    pub(super) facts: &'a mut Facts,
    pub(super) report: &'a mut Report,
    /// The cluster of objects that name none.
    cluster: String,
    /// Ids stated so far because something refers to them.
    implied: BTreeSet<String>,
    edges: BTreeSet<(String, &'static str, String)>,
    pub(super) index: Index,
    /// By id, so that facts come in a stable order.
    pub(super) workloads: BTreeMap<String, Workload>,
    /// Addresses behind services.
    pub(super) endpoints: BTreeMap<(Scope, String), BTreeSet<String>>,
    images: BTreeSet<String>,
    service_accounts: BTreeSet<(String, String)>,
    namespaces: BTreeSet<String>,
}

/// What other objects of the same document need to be understood.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// The controller, if any, of each replica set and job: scope, kind and name to kind and name.
    pub(super) controllers: BTreeMap<(Scope, String, String), Option<(String, String)>>,
    /// The directory of the machine behind each claim.
    pub(super) claim_paths: BTreeMap<(Scope, String), String>,
    /// The repository behind each source of Flux.
    pub(super) git_sources: BTreeMap<(Scope, String), String>,
}

impl<'a> Estate<'a> {
    pub(super) fn new(cluster: &str, facts: &'a mut Facts, report: &'a mut Report) -> Self {
        Self {
            facts,
            report,
            cluster: cluster.to_owned(),
            implied: BTreeSet::new(),
            edges: BTreeSet::new(),
            index: Index::default(),
            workloads: BTreeMap::new(),
            endpoints: BTreeMap::new(),
            images: BTreeSet::new(),
            service_accounts: BTreeSet::new(),
            namespaces: BTreeSet::new(),
        }
    }

    /// Where an object lives.
    pub(super) fn scope(&self, object: &Object) -> Scope {
        let cluster = object.cluster().unwrap_or(&self.cluster).to_owned();
        let namespace = if is_cluster_wide(&object.group, &object.kind) {
            None
        } else {
            let named = object.namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE);
            Some(named.to_owned())
        };
        Scope { cluster, namespace }
    }

    pub(super) fn count(&mut self, name: &str, by: usize) {
        self.report.count(name, by as u64);
    }

    pub(super) fn count_object(&mut self, object: &Object) {
        self.count("objects", 1);
        self.report.count(&format!("kinds.{}", object.kind), 1);
        if let Some(namespace) = &object.namespace {
            self.namespaces.insert(namespace.clone());
        }
    }

    pub(super) fn count_image(&mut self, image: &str) {
        self.images.insert(image.to_owned());
    }

    pub(super) fn count_service_account(&mut self, namespace: &str, name: &str) {
        self.service_accounts
            .insert((namespace.to_owned(), name.to_owned()));
    }

    /// Writes the counts of distinct things.
    pub(super) fn finish_counts(&mut self) {
        for (name, n_distinct) in [
            ("namespaces", self.namespaces.len()),
            ("distinct_images", self.images.len()),
            ("service_accounts_used", self.service_accounts.len()),
        ] {
            if n_distinct > 0 {
                self.report.count(name, n_distinct as u64);
            }
        }
    }

    /// States a node with what every object has. More properties may be set at once; then
    /// [`Estate::belongs`] says where it lives.
    pub(super) fn node(
        &mut self,
        scope: &Scope,
        labels: &[&str],
        kind: &str,
        name: &str,
    ) -> Result<(String, FactRef), LoadError> {
        let id = scope.id(kind, name);
        let node = self.facts.node(&id, labels).map_err(|error| {
            let shown: String = name.chars().take(80).collect();
            LoadError::at("/metadata/name", format!("{error}, in {kind} {shown:?}"))
        })?;
        self.facts.set(node, "name", name);
        self.facts.set(node, "cluster", scope.cluster.as_str());
        if let Some(namespace) = &scope.namespace {
            self.facts.set(node, "namespace", namespace.as_str());
        }
        self.implied.insert(id.clone());
        Ok((id, node))
    }

    /// States that an object lives in its namespace, or in its cluster.
    pub(super) fn belongs(&mut self, id: &str, scope: &Scope) -> Result<(), LoadError> {
        match scope.namespace_id() {
            Some(namespace) => {
                self.imply_namespace(scope)?;
                self.edge(id, "IN_NAMESPACE", &namespace)?;
            }
            None => {
                self.imply_cluster(scope)?;
                self.edge(id, "IN_CLUSTER", &scope.cluster_id())?;
            }
        }
        Ok(())
    }

    fn imply_cluster(&mut self, scope: &Scope) -> Result<(), LoadError> {
        let id = scope.cluster_id();
        if self.implied.insert(id.clone()) {
            let node = self.facts.node(&id, &["Cluster"])?;
            self.facts.set(node, "name", scope.cluster.as_str());
        }
        Ok(())
    }

    fn imply_namespace(&mut self, scope: &Scope) -> Result<(), LoadError> {
        let (Some(id), Some(name)) = (scope.namespace_id(), scope.namespace.as_deref()) else {
            return Ok(());
        };
        if self.implied.insert(id.clone()) {
            let node = self.facts.node(&id, &["Namespace"])?;
            self.facts.set(node, "name", name);
            self.facts.set(node, "cluster", scope.cluster.as_str());
            self.imply_cluster(scope)?;
            self.edge(&id, "IN_CLUSTER", &scope.cluster_id())?;
        }
        Ok(())
    }

    /// The id of something another object refers to, stated once with its labels.
    pub(super) fn refer(
        &mut self,
        scope: &Scope,
        labels: &[&str],
        kind: &str,
        name: &str,
    ) -> Result<String, LoadError> {
        let id = scope.id(kind, name);
        if !self.implied.contains(&id) {
            self.node(scope, labels, kind, name)?;
            self.belongs(&id, scope)?;
        }
        Ok(id)
    }

    /// States an edge, once however often the document says so.
    pub(super) fn edge(
        &mut self,
        from: &str,
        kind: &'static str,
        to: &str,
    ) -> Result<(), LoadError> {
        if self.edges.insert((from.to_owned(), kind, to.to_owned())) {
            self.facts.edge(from, kind, to)?;
        }
        Ok(())
    }

    /// Sets a list property unless the list is empty.
    pub(super) fn set_list<I, S>(&mut self, fact: FactRef, name: &str, items: I)
    where
        I: IntoIterator<Item = S>,
        S: AsRef<str>,
    {
        let list = Value::strings(items);
        if list.as_list().is_some_and(|items| !items.is_empty()) {
            self.facts.set(fact, name, list);
        }
    }
}
