//! Exports leave things out: manifests list no machines, and few people export their secrets. A
//! right over what is not listed must still lead somewhere, so one node stands for all of them.

use std::collections::BTreeSet;

use crate::build::Join;
use crate::graph::NodeId;
use crate::model::Facts;

use super::view::View;

/// Confidence in hundredths that there is such a thing at all.
const UNLISTED: u8 = 70;

/// Where an identity may read the secrets of a namespace, and no secret of the cluster is listed,
/// `k8s://<cluster>/<namespace>/Secret/*` stands for them. Where it may create pods, and no machine
/// is listed, `k8s://<cluster>/-/Node/*` stands for the machines.
pub(super) struct Unlisted;

impl Join for Unlisted {
    fn name(&self) -> &'static str {
        "unlisted"
    }

    fn run(&self, view: View<'_>, facts: &mut Facts) {
        let mut read = BTreeSet::new();
        let mut deploy = BTreeSet::new();
        for (edge, _, scope) in view.edges("HAS_PERMISSION") {
            if view.edge_text(edge, "resource_name").is_some() {
                continue;
            }
            match view.edge_text(edge, "action") {
                Some("secrets:get" | "secrets:list") => {
                    read.insert(scope);
                }
                Some(action) if action.ends_with(":create") => {
                    deploy.insert(scope);
                }
                _ => {}
            }
        }
        for scope in read {
            for namespace in namespaces(view, scope) {
                stand_for_secrets(view, namespace, facts);
            }
        }
        for scope in deploy {
            if let Some(cluster) = cluster(view, scope)
                && !holds(view, cluster, "Node", |_| true)
            {
                let cluster = view.id(cluster);
                state_machine(facts, &machine_of(cluster), cluster);
            }
        }
    }
}

/// The id of the node that stands for the machines of a cluster.
pub(super) fn machine_of(cluster: &str) -> String {
    format!("{cluster}/-/Node/*")
}

/// States the node that stands for the machines of a cluster.
pub(super) fn state_machine(facts: &mut Facts, id: &str, cluster: &str) {
    // Ids derived from valid ids are valid.
    if let Ok(node) = facts.node(id, &["Node"]) {
        facts.set(node, "name", "any machine of the cluster");
    }
    if let Ok(edge) = facts.edge(id, "IN_CLUSTER", cluster) {
        facts.set_key(edge, "any");
        facts.infer(edge, "unlisted-machines", UNLISTED);
    }
}

fn stand_for_secrets(view: View<'_>, namespace: NodeId, facts: &mut Facts) {
    // Workloads name secrets that no document lists; only the object itself has a type or entries.
    let is_listed =
        |secret| view.text(secret, "type").is_some() || !view.list(secret, "keys").is_empty();
    let Some(cluster) = cluster(view, namespace) else {
        return;
    };
    if holds(view, cluster, "Secret", is_listed) {
        return;
    }
    let (cluster, namespace) = (view.id(cluster), view.id(namespace));
    let Some((_, name)) = namespace.rsplit_once('/') else {
        return;
    };
    let id = format!("{cluster}/{name}/Secret/*");
    if let Ok(node) = facts.node(&id, &["Secret"]) {
        facts.set(node, "name", "any secret of the namespace");
    }
    for (kind, scope) in [("IN_NAMESPACE", namespace), ("IN_CLUSTER", cluster)] {
        if let Ok(edge) = facts.edge(&id, kind, scope) {
            facts.set_key(edge, "any");
            facts.infer(edge, "unlisted-secrets", UNLISTED);
        }
    }
}

fn holds(view: View<'_>, cluster: NodeId, label: &str, is: impl Fn(NodeId) -> bool) -> bool {
    let members = view.starts(cluster, "IN_CLUSTER");
    members
        .into_iter()
        .any(|member| view.is(member, label) && is(member))
}

fn cluster(view: View<'_>, scope: NodeId) -> Option<NodeId> {
    if view.is(scope, "Cluster") {
        return Some(scope);
    }
    view.out(scope, "IN_CLUSTER").first().copied()
}

fn namespaces(view: View<'_>, scope: NodeId) -> Vec<NodeId> {
    if view.is(scope, "Namespace") {
        return vec![scope];
    }
    let mut members = view.starts(scope, "IN_CLUSTER");
    members.retain(|&member| view.is(member, "Namespace"));
    members
}
