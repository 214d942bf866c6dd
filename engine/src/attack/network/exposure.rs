//! What the internet can reach, from how a service or an ingress is published.

/// Whether something is published to the internet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exposure {
    /// Not published.
    Internal,
    /// Published in a way that needs facts which were not collected, such as node addresses and
    /// firewall rules.
    Unknown,
    /// Published to everyone.
    Internet,
}

impl Exposure {
    /// The exposure of a Kubernetes service by its type and the load balancer's annotation.
    ///
    /// A node port opens on every node, but whether the nodes have public addresses is unknown.
    pub fn of_service(ty: Option<&str>, internal_only: Option<bool>) -> Self {
        match (ty, internal_only) {
            (_, Some(true)) => Exposure::Internal,
            (Some("LoadBalancer"), _) => Exposure::Internet,
            (Some("NodePort"), _) => Exposure::Unknown,
            _ => Exposure::Internal,
        }
    }

    /// The exposure of an ingress, gateway or route.
    pub fn of_ingress(internal_only: Option<bool>) -> Self {
        if internal_only == Some(true) {
            Exposure::Internal
        } else {
            Exposure::Internet
        }
    }
}
