//! Ids of cluster objects.

/// Where an object lives: a namespace of a cluster, or the cluster itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Scope {
    pub(super) cluster: String,
    /// `None` for objects of the cluster.
    pub(super) namespace: Option<String>,
}

impl Scope {
    /// The id of an object here: `k8s://<cluster>/<namespace>/<kind>/<name>`, with `-` for the
    /// namespace of cluster-wide objects.
    pub(super) fn id(&self, kind: &str, name: &str) -> String {
        let namespace = self.namespace.as_deref().unwrap_or("-");
        format!(
            "k8s://{}/{}/{}/{name}",
            segment(&self.cluster),
            segment(namespace),
            segment(kind)
        )
    }

    /// The cluster's id.
    pub(super) fn cluster_id(&self) -> String {
        format!("k8s://{}", segment(&self.cluster))
    }

    /// The id of this namespace.
    pub(super) fn namespace_id(&self) -> Option<String> {
        let name = self.namespace.as_deref()?;
        Some(self.cluster_wide().id("Namespace", name))
    }

    /// Another namespace of the same cluster; this one where none is named.
    pub(super) fn namespace_or_here(&self, namespace: Option<&str>) -> Scope {
        match namespace {
            Some(name) if !name.is_empty() => Scope {
                cluster: self.cluster.clone(),
                namespace: Some(name.to_owned()),
            },
            _ => self.clone(),
        }
    }

    /// The cluster itself.
    pub(super) fn cluster_wide(&self) -> Scope {
        Scope {
            cluster: self.cluster.clone(),
            namespace: None,
        }
    }
}

/// Names of managed clusters may hold slashes, which would shift the other parts of an id.
fn segment(text: &str) -> std::borrow::Cow<'_, str> {
    if text.contains('/') {
        text.replace('/', "%2F").into()
    } else {
        text.into()
    }
}

/// Whether objects of a kind live in no namespace.
pub(super) fn is_cluster_wide(group: &str, kind: &str) -> bool {
    matches!(
        (group, kind),
        (
            "",
            "Namespace" | "Node" | "PersistentVolume" | "ComponentStatus"
        ) | (
            "rbac.authorization.k8s.io",
            "ClusterRole" | "ClusterRoleBinding"
        ) | (
            "admissionregistration.k8s.io",
            "MutatingWebhookConfiguration"
                | "ValidatingWebhookConfiguration"
                | "ValidatingAdmissionPolicy"
                | "ValidatingAdmissionPolicyBinding"
        ) | (
            "policy.networking.k8s.io",
            "AdminNetworkPolicy" | "BaselineAdminNetworkPolicy"
        ) | (
            "apiextensions.k8s.io"
                | "apiregistration.k8s.io"
                | "storage.k8s.io"
                | "scheduling.k8s.io"
                | "certificates.k8s.io",
            _
        ) | ("networking.k8s.io", "IngressClass")
            | ("gateway.networking.k8s.io", "GatewayClass")
    )
}
