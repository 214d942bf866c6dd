//! The rights that attack rules care about.

use super::PolicyRule;
use crate::attack::network::LabelSelector;

/// A right, named as `HAS_PERMISSION` names it.
#[derive(Debug, Clone, Copy)]
pub struct Right {
    /// `<resource>:<verb>`.
    pub action: &'static str,
    /// API groups, any of which.
    pub groups: &'static [&'static str],
    /// Resources, any of which.
    pub resources: &'static [&'static str],
    /// Verbs, any of which.
    pub verbs: &'static [&'static str],
    /// Whether its objects lie in namespaces.
    pub scoped: Scoped,
    /// Whether `resourceNames` can limit it. Creating has no name yet when it is judged.
    pub nameable: bool,
}

/// Where the objects of a right lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scoped {
    /// In namespaces.
    Namespace,
    /// In the cluster: only a cluster role binding gives it.
    Cluster,
}

use Scoped::{Cluster, Namespace};

const CORE: &[&str] = &[""];
const RBAC: &[&str] = &["rbac.authorization.k8s.io"];
const CERTIFICATES: &[&str] = &["certificates.k8s.io"];
const CONTROLLERS: &[&str] = &[
    "deployments",
    "daemonsets",
    "statefulsets",
    "replicasets",
    "replicationcontrollers",
    "jobs",
    "cronjobs",
];
const APPS: &[&str] = &["apps", "extensions"];
const BATCH: &[&str] = &["batch"];
const WRITE: &[&str] = &["create", "update", "patch"];
const CHANGE: &[&str] = &["update", "patch"];

const fn right(
    action: &'static str,
    groups: &'static [&'static str],
    resources: &'static [&'static str],
    verbs: &'static [&'static str],
    scoped: Scoped,
) -> Right {
    Right {
        action,
        groups,
        resources,
        verbs,
        scoped,
        nameable: true,
    }
}

const fn nameless(right: Right) -> Right {
    Right {
        nameable: false,
        ..right
    }
}

/// Every such right.
pub const RIGHTS: &[Right] = &[
    // A shell through a web socket is a GET.
    right(
        "pods/exec:create",
        CORE,
        &["pods/exec"],
        &["create", "get"],
        Namespace,
    ),
    right(
        "pods/attach:create",
        CORE,
        &["pods/attach"],
        &["create", "get"],
        Namespace,
    ),
    right(
        "pods/portforward:create",
        CORE,
        &["pods/portforward"],
        &["create", "get"],
        Namespace,
    ),
    right(
        "pods/ephemeralcontainers:update",
        CORE,
        &["pods/ephemeralcontainers"],
        CHANGE,
        Namespace,
    ),
    right("pods/log:get", CORE, &["pods/log"], &["get"], Namespace),
    nameless(right(
        "pods:create",
        CORE,
        &["pods"],
        &["create"],
        Namespace,
    )),
    right("pods:patch", CORE, &["pods"], CHANGE, Namespace),
    right(
        "pods:delete",
        CORE,
        &["pods"],
        &["delete", "deletecollection"],
        Namespace,
    ),
    nameless(right(
        "deployments:create",
        APPS,
        &["deployments"],
        &["create"],
        Namespace,
    )),
    right(
        "deployments:patch",
        APPS,
        &["deployments"],
        CHANGE,
        Namespace,
    ),
    nameless(right(
        "daemonsets:create",
        APPS,
        &["daemonsets"],
        &["create"],
        Namespace,
    )),
    right("daemonsets:patch", APPS, &["daemonsets"], CHANGE, Namespace),
    nameless(right(
        "statefulsets:create",
        APPS,
        &["statefulsets"],
        &["create"],
        Namespace,
    )),
    right(
        "statefulsets:patch",
        APPS,
        &["statefulsets"],
        CHANGE,
        Namespace,
    ),
    nameless(right(
        "replicasets:create",
        APPS,
        &["replicasets"],
        &["create"],
        Namespace,
    )),
    right(
        "replicasets:patch",
        APPS,
        &["replicasets"],
        CHANGE,
        Namespace,
    ),
    nameless(right(
        "replicationcontrollers:create",
        CORE,
        &["replicationcontrollers"],
        &["create"],
        Namespace,
    )),
    right(
        "replicationcontrollers:patch",
        CORE,
        &["replicationcontrollers"],
        CHANGE,
        Namespace,
    ),
    nameless(right(
        "jobs:create",
        BATCH,
        &["jobs"],
        &["create"],
        Namespace,
    )),
    right("jobs:patch", BATCH, &["jobs"], CHANGE, Namespace),
    nameless(right(
        "cronjobs:create",
        BATCH,
        &["cronjobs"],
        &["create"],
        Namespace,
    )),
    right("cronjobs:patch", BATCH, &["cronjobs"], CHANGE, Namespace),
    right("secrets:get", CORE, &["secrets"], &["get"], Namespace),
    right(
        "secrets:list",
        CORE,
        &["secrets"],
        &["list", "watch"],
        Namespace,
    ),
    nameless(right(
        "secrets:create",
        CORE,
        &["secrets"],
        &["create"],
        Namespace,
    )),
    right("configmaps:patch", CORE, &["configmaps"], CHANGE, Namespace),
    right(
        "serviceaccounts/token:create",
        CORE,
        &["serviceaccounts/token"],
        &["create"],
        Namespace,
    ),
    right(
        "serviceaccounts:impersonate",
        CORE,
        &["serviceaccounts"],
        &["impersonate"],
        Namespace,
    ),
    right(
        "users:impersonate",
        CORE,
        &["users"],
        &["impersonate"],
        Cluster,
    ),
    right(
        "groups:impersonate",
        CORE,
        &["groups"],
        &["impersonate"],
        Cluster,
    ),
    right("roles:bind", RBAC, &["roles"], &["bind"], Namespace),
    right("roles:escalate", RBAC, &["roles"], &["escalate"], Namespace),
    // Of a new role nobody holds anything yet.
    right("roles:patch", RBAC, &["roles"], CHANGE, Namespace),
    // Binding a cluster role inside a namespace is enough for a role binding there.
    right(
        "clusterroles:bind",
        RBAC,
        &["clusterroles"],
        &["bind"],
        Namespace,
    ),
    right(
        "clusterroles:escalate",
        RBAC,
        &["clusterroles"],
        &["escalate"],
        Cluster,
    ),
    right(
        "clusterroles:patch",
        RBAC,
        &["clusterroles"],
        CHANGE,
        Cluster,
    ),
    right(
        "rolebindings:create",
        RBAC,
        &["rolebindings"],
        WRITE,
        Namespace,
    ),
    right(
        "clusterrolebindings:create",
        RBAC,
        &["clusterrolebindings"],
        WRITE,
        Cluster,
    ),
    nameless(right(
        "certificatesigningrequests:create",
        CERTIFICATES,
        &["certificatesigningrequests"],
        &["create"],
        Cluster,
    )),
    right(
        "certificatesigningrequests/approval:update",
        CERTIFICATES,
        &["certificatesigningrequests/approval"],
        CHANGE,
        Cluster,
    ),
    right(
        "certificatesigningrequests/status:update",
        CERTIFICATES,
        &["certificatesigningrequests/status"],
        CHANGE,
        Cluster,
    ),
    right(
        "signers:approve",
        CERTIFICATES,
        &["signers"],
        &["approve"],
        Cluster,
    ),
    right(
        "signers:sign",
        CERTIFICATES,
        &["signers"],
        &["sign"],
        Cluster,
    ),
    // Commands on the kubelet's port are GET or POST.
    right(
        "nodes/proxy:create",
        CORE,
        &["nodes/proxy"],
        &["create", "get"],
        Cluster,
    ),
    right(
        "nodes:patch",
        CORE,
        &["nodes", "nodes/status"],
        CHANGE,
        Cluster,
    ),
    nameless(right(
        "persistentvolumes:create",
        CORE,
        &["persistentvolumes"],
        &["create"],
        Cluster,
    )),
    right(
        "mutatingwebhookconfigurations:patch",
        &["admissionregistration.k8s.io"],
        &["mutatingwebhookconfigurations"],
        WRITE,
        Cluster,
    ),
    right(
        "validatingwebhookconfigurations:patch",
        &["admissionregistration.k8s.io"],
        &["validatingwebhookconfigurations"],
        WRITE,
        Cluster,
    ),
    right(
        "apiservices:patch",
        &["apiregistration.k8s.io"],
        &["apiservices"],
        WRITE,
        Cluster,
    ),
];

/// What the roles that every cluster has take up beside their own rules. Each takes up what the
/// lesser ones do, since these carry its label as well.
pub(super) fn aggregation_of_built_in(name: &str) -> Vec<LabelSelector> {
    let lesser: &[&str] = match name {
        "admin" => &["admin", "edit", "view"],
        "edit" => &["edit", "view"],
        "view" => &["view"],
        _ => &[],
    };
    let label = |role: &&str| format!("rbac.authorization.k8s.io/aggregate-to-{role}");
    let selectors = lesser.iter().map(label);
    selectors
        .map(|label| LabelSelector::of_label(&label, "true"))
        .collect()
}

/// The rules of roles that every cluster has, as far as [`RIGHTS`] go.
pub(super) fn built_in(name: &str) -> Option<Vec<PolicyRule>> {
    let list = |items: &[&str]| Some(items.iter().map(|&item| item.to_owned()).collect());
    let rule = |groups: &[&str], resources: &[&str], verbs: &[&str]| PolicyRule {
        verbs: list(verbs),
        api_groups: list(groups),
        resources: list(resources),
        resource_names: None,
    };
    let all = &["create", "delete", "deletecollection", "patch", "update"];
    let read = &["get", "list", "watch"];
    let edit = || {
        vec![
            rule(
                CORE,
                &[
                    "pods/attach",
                    "pods/exec",
                    "pods/portforward",
                    "pods/proxy",
                    "secrets",
                    "services/proxy",
                ],
                read,
            ),
            rule(CORE, &["serviceaccounts"], &["impersonate"]),
            rule(CORE, &["serviceaccounts/token"], &["create"]),
            rule(
                CORE,
                &[
                    "pods",
                    "pods/attach",
                    "pods/exec",
                    "pods/portforward",
                    "pods/proxy",
                    "configmaps",
                    "secrets",
                    "serviceaccounts",
                    "services",
                    "replicationcontrollers",
                ],
                all,
            ),
            rule(&["apps", "batch", "extensions"], CONTROLLERS, all),
            rule(CORE, &["pods/log"], read),
        ]
    };
    match name {
        "cluster-admin" => Some(vec![PolicyRule::everything()]),
        "admin" => {
            let mut rules = edit();
            rules.push(rule(RBAC, &["roles", "rolebindings"], all));
            rules.push(rule(RBAC, &["roles", "rolebindings"], read));
            Some(rules)
        }
        "edit" => Some(edit()),
        "view" => Some(vec![rule(CORE, &["pods/log", "pods", "configmaps"], read)]),
        _ => None,
    }
}
