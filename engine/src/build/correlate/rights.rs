//! What identities of a cluster may do, groups and aggregated roles worked out.

use std::collections::{BTreeMap, BTreeSet};

use crate::attack::network::LabelSelector;
use crate::attack::network::selector::parse_labels;
use crate::attack::permission::rbac::{
    Binding, ClusterRole, Grant, MASTERS, Rbac, Rights, RoleRef, Scope, Subject, UNKNOWN,
    parse_aggregation, parse_rules,
};
use crate::build::Join;
use crate::graph::NodeId;
use crate::model::Facts;

use super::view::{Method, View, cluster_of, namespace_of};

const RBAC: Method = Method::new("rbac", 100);
/// Whoever reaches the API server may call it without credentials.
const ANONYMOUS: Method = Method::new("rbac", 100);
/// The role was not collected.
const UNKNOWN_ROLE: Method = Method::new("rbac", 40);

/// `Identity HAS_PERMISSION Cluster|Namespace|*` for identities of a cluster.
pub(super) struct ClusterRights;

impl Join for ClusterRights {
    fn name(&self) -> &'static str {
        "cluster-rights"
    }

    fn run(&self, view: View<'_>, facts: &mut Facts) {
        let mut subjects: BTreeMap<&str, BTreeSet<NodeId>> = BTreeMap::new();
        for label in ["ServiceAccount", "User", "Group"] {
            for node in view.labelled(label) {
                if let Some(cluster) = cluster_of(view.id(node)) {
                    subjects.entry(cluster).or_default().insert(node);
                }
            }
        }
        let mut roles = roles(view);
        for (cluster, nodes) in subjects {
            let Some(rbac) = roles.remove(cluster) else {
                continue;
            };
            let rights = rbac.resolve();
            anonymous(view, cluster, &rbac, &rights, facts);
            for node in nodes {
                let id = view.id(node);
                let Some(subject) = subject(id) else {
                    continue;
                };
                for grant in rights.of(&subject) {
                    state(view, cluster, &rbac, id, &grant, facts);
                }
            }
        }
    }
}

/// Who calls without credentials, where some binding gives them rights.
fn anonymous(view: View<'_>, cluster: &str, rbac: &Rbac, rights: &Rights, facts: &mut Facts) {
    let name = "system:anonymous";
    let grants = rights.of(&Subject::User(name.to_owned()));
    let cluster_id = format!("k8s://{cluster}");
    let id = format!("{cluster_id}/-/User/{name}");
    if grants.is_empty() {
        return;
    }
    let Ok(node) = facts.node(&id, &["Identity", "User"]) else {
        return;
    };
    facts.set(node, "name", name);
    ANONYMOUS.link(facts, &id, "IN_CLUSTER", &cluster_id, super::view::plain);
    if view.node(&id).is_none() {
        for grant in grants {
            state(view, cluster, rbac, &id, &grant, facts);
        }
    }
}

/// The roles and bindings of every cluster.
fn roles(view: View<'_>) -> BTreeMap<&str, Rbac> {
    let mut clusters: BTreeMap<&str, Rbac> = BTreeMap::new();
    let rules = |node| {
        // A role that is only named by a binding has no rules property: it was not collected.
        let text = view.text(node, "rules")?;
        parse_rules(text).ok()
    };
    for node in view.labelled("ClusterRole") {
        let id = view.id(node);
        let (Some(cluster), Some(rules)) = (cluster_of(id), rules(node)) else {
            continue;
        };
        let labels = view.list(node, "labels");
        let aggregation: Vec<LabelSelector> = view
            .text(node, "aggregation")
            .and_then(|text| parse_aggregation(text).ok())
            .unwrap_or_default();
        let role = ClusterRole {
            rules,
            labels: parse_labels(labels.iter().map(String::as_str)),
            aggregation,
        };
        let rbac = clusters.entry(cluster).or_default();
        rbac.cluster_roles.insert(name_of(id).to_owned(), role);
    }
    for node in view.labelled("Role") {
        let id = view.id(node);
        if let (Some(cluster), Some(namespace), Some(rules)) =
            (cluster_of(id), namespace_of(id), rules(node))
        {
            let rbac = clusters.entry(cluster).or_default();
            let key = (namespace.to_owned(), name_of(id).to_owned());
            rbac.roles.insert(key, rules);
        }
    }
    for label in ["RoleBinding", "ClusterRoleBinding"] {
        for node in view.labelled(label) {
            let id = view.id(node);
            let Some(cluster) = cluster_of(id) else {
                continue;
            };
            let subjects: Vec<_> = view
                .out(node, "GRANTS_TO")
                .into_iter()
                .filter_map(|subject_node| subject(view.id(subject_node)))
                .collect();
            for role in view.out(node, "BINDS") {
                let role = view.id(role);
                let name = name_of(role).to_owned();
                let binding = Binding {
                    name: name_of(id).to_owned(),
                    namespace: namespace_of(id).map(str::to_owned),
                    role: match kind_of(role) {
                        Some("Role") => RoleRef::Role(name),
                        _ => RoleRef::ClusterRole(name),
                    },
                    subjects: subjects.clone(),
                };
                clusters.entry(cluster).or_default().bindings.push(binding);
            }
        }
    }
    clusters
}

/// The last part of `k8s://<cluster>/<namespace>/<kind>/<name>`; names of users and roles may hold
/// slashes and colons.
fn name_of(id: &str) -> &str {
    part(id, 3)
}

fn kind_of(id: &str) -> Option<&str> {
    id.strip_prefix("k8s://")?.split('/').nth(2)
}

fn part(id: &str, idx: usize) -> &str {
    let rest = id.strip_prefix("k8s://").unwrap_or(id);
    rest.splitn(4, '/').nth(idx).unwrap_or_default()
}

fn subject(id: &str) -> Option<Subject> {
    let name = name_of(id).to_owned();
    match kind_of(id)? {
        "ServiceAccount" => Some(Subject::ServiceAccount {
            namespace: namespace_of(id)?.to_owned(),
            name,
        }),
        "User" => Some(Subject::User(name)),
        "Group" => Some(Subject::Group(name)),
        _ => None,
    }
}

fn state(view: View<'_>, cluster: &str, rbac: &Rbac, from: &str, grant: &Grant, facts: &mut Facts) {
    let cluster_id = format!("k8s://{cluster}");
    let whole = match &grant.scope {
        Scope::Cluster => cluster_id.clone(),
        Scope::Namespace(namespace) => format!("{cluster_id}/-/Namespace/{namespace}"),
    };
    let powerful = grant
        .name
        .as_deref()
        .is_some_and(|name| is_powerful(rbac, grant.action, name));
    let targets: Vec<String> = match &grant.name {
        None => vec![whole],
        // What it gives is everything, wherever the object is.
        Some(_) if powerful => vec![whole],
        Some(name) => named(view, &cluster_id, grant.action, name, &grant.scope),
    };
    let (method, decision) = match grant.action {
        UNKNOWN => (UNKNOWN_ROLE, "unknown"),
        _ => (RBAC, "allow"),
    };
    for target in targets {
        method.link(facts, from, "HAS_PERMISSION", &target, |facts, edge| {
            facts.set_key(edge, grant.action);
            facts.set(edge, "action", grant.action);
            facts.set(edge, "decision", decision);
            facts.set(edge, "statement", grant.through.as_str());
            facts.set_opt(edge, "resource_name", grant.name.as_deref());
            if powerful {
                facts.set(edge, "powerful", true);
            }
        });
    }
    if grant.action == "*:*"
        && grant.scope == Scope::Cluster
        && let Ok(node) = facts.node(from, &["Identity"])
    {
        facts.set(node, "admin", true);
    }
}

/// Whether a right on this one object is as good as the right on all: a role that gives
/// everything, the group of those who may do everything, a signer of such certificates, and what
/// stands in the way of every request.
fn is_powerful(rbac: &Rbac, action: &str, name: &str) -> bool {
    match action {
        "clusterroles:bind" => rbac.is_everything(&RoleRef::ClusterRole(name.to_owned()), None),
        "groups:impersonate" => name == MASTERS,
        "signers:approve" | "signers:sign" => {
            matches!(
                name,
                "kubernetes.io/kube-apiserver-client" | "kubernetes.io/*"
            )
        }
        "mutatingwebhookconfigurations:patch"
        | "validatingwebhookconfigurations:patch"
        | "apiservices:patch" => true,
        _ => false,
    }
}

/// The objects of that name that the graph knows: a right on a name is a right on each of them.
fn named(view: View<'_>, cluster_id: &str, action: &str, name: &str, scope: &Scope) -> Vec<String> {
    let resource = action.split([':', '/']).next().unwrap_or_default();
    let kind = match resource {
        "pods" => "Pod",
        "deployments" => "Deployment",
        "daemonsets" => "DaemonSet",
        "statefulsets" => "StatefulSet",
        "replicasets" => "ReplicaSet",
        "replicationcontrollers" => "ReplicationController",
        "jobs" => "Job",
        "cronjobs" => "CronJob",
        "secrets" => "Secret",
        "configmaps" => "ConfigMap",
        "serviceaccounts" => "ServiceAccount",
        "roles" => "Role",
        "rolebindings" => "RoleBinding",
        "clusterroles" => "ClusterRole",
        "clusterrolebindings" => "ClusterRoleBinding",
        "nodes" => "Node",
        "users" => "User",
        "groups" => "Group",
        _ => return Vec::new(),
    };
    let exists = |id: &String| view.node(id).is_some();
    if let Scope::Namespace(namespace) = scope {
        let namespaced = format!("{cluster_id}/{namespace}/{kind}/{name}");
        let of_cluster = format!("{cluster_id}/-/{kind}/{name}");
        return [namespaced, of_cluster]
            .into_iter()
            .filter(exists)
            .collect();
    }
    let suffix = format!("/{kind}/{name}");
    let prefix = format!("{cluster_id}/");
    let label = match kind {
        "Pod"
        | "Deployment"
        | "DaemonSet"
        | "StatefulSet"
        | "ReplicaSet"
        | "ReplicationController"
        | "Job"
        | "CronJob" => "Workload",
        other => other,
    };
    let nodes = view.labelled(label).into_iter().map(|node| view.id(node));
    nodes
        .filter(|id| id.starts_with(&prefix) && id.ends_with(&suffix))
        .map(str::to_owned)
        .collect()
}
