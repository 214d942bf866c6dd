//! Which connections the policies of one cluster let through.

use super::address::AddressRange;
use super::policy::{
    Action, AdminPolicy, AdminRule, Namespaces, NetworkPolicy, PortMatch, PortRule, Rule, RulePeer,
};
use super::ports::{Connections, Protocol};
use super::selector::Labels;

/// A pod, or the pods of one workload, as policies see them.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// Its namespace.
    pub namespace: String,
    /// The labels of the namespace. Kubernetes sets `kubernetes.io/metadata.name` on each.
    pub namespace_labels: Labels,
    /// The labels of the pod.
    pub labels: Labels,
    /// Container ports that have names.
    pub named_ports: Vec<(String, Protocol, u16)>,
    /// Shares the network of its node: policies neither select nor match it.
    pub host_network: bool,
}

/// One side of a connection.
#[derive(Debug, Clone, Copy)]
pub enum Peer<'a> {
    /// A pod of the cluster.
    Pod(&'a Endpoint),
    /// Addresses outside the cluster. The answer is exact when no block of the policies cuts the
    /// range (see [`Policies::cut`]); otherwise only what all of it may do is allowed.
    Outside(AddressRange),
}

/// The policies of one cluster.
#[derive(Debug, Clone, Default)]
pub struct Policies {
    network: Vec<NetworkPolicy>,
    admin: Vec<AdminPolicy>,
    baseline: Vec<AdminPolicy>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Ingress,
    Egress,
}

impl Policies {
    /// Sorts the policies into the order in which they decide.
    pub fn new(
        mut network: Vec<NetworkPolicy>,
        mut admin: Vec<AdminPolicy>,
        baseline: Vec<AdminPolicy>,
    ) -> Self {
        network.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
        // Equal priorities are undefined in Kubernetes; the name makes ours deterministic.
        admin.sort_by(|a, b| (a.priority, &a.name).cmp(&(b.priority, &b.name)));
        Self {
            network,
            admin,
            baseline,
        }
    }

    /// Whether there are no policies at all.
    pub fn is_empty(&self) -> bool {
        self.network.is_empty() && self.admin.is_empty() && self.baseline.is_empty()
    }

    /// The connections that get from `source` to `target`: what both the egress side of the
    /// source and the ingress side of the target let through. Linear in the number of rules that
    /// select either.
    pub fn allowed(&self, source: Peer<'_>, target: Peer<'_>) -> Connections {
        let egress = match source {
            Peer::Pod(pod) => self.one_side(Direction::Egress, pod, target, target),
            Peer::Outside(_) => Connections::all(),
        };
        if egress.is_empty() {
            return egress;
        }
        match target {
            Peer::Pod(pod) => {
                egress.intersection(&self.one_side(Direction::Ingress, pod, source, target))
            }
            Peer::Outside(_) => egress,
        }
    }

    /// The network policies that isolate `pod` in ingress, then those that do in egress.
    pub fn isolating(&self, pod: &Endpoint) -> (Vec<&NetworkPolicy>, Vec<&NetworkPolicy>) {
        let selecting = || self.network.iter().filter(|policy| policy.selects(pod));
        (
            selecting()
                .filter(|policy| policy.ingress.is_some())
                .collect(),
            selecting()
                .filter(|policy| policy.egress.is_some())
                .collect(),
        )
    }

    /// Cuts `range` at the blocks of the policies, so that each part is decided as one.
    pub fn cut(&self, range: AddressRange) -> Vec<AddressRange> {
        let admin = self.admin.iter().chain(&self.baseline);
        let blocks = self.network.iter().flat_map(NetworkPolicy::blocks);
        range.cut(blocks.chain(admin.flat_map(AdminPolicy::blocks)))
    }

    /// What policies on `pod` let through in one direction, `other` being the far side and
    /// `target` the side whose ports are named.
    fn one_side(
        &self,
        direction: Direction,
        pod: &Endpoint,
        other: Peer<'_>,
        target: Peer<'_>,
    ) -> Connections {
        let mut allowed = Connections::none();
        if pod.host_network {
            return Connections::all();
        }
        let admin = self.admin.iter().filter(|policy| policy.selects(pod));
        let mut undecided = Connections::all();
        let mut passed = Connections::none();
        for rule in admin.flat_map(|policy| policy.rules(direction)) {
            let decided = rule.connections(other, target).intersection(&undecided);
            match rule.action {
                Action::Allow => allowed = allowed.union(&decided),
                Action::Deny => {}
                Action::Pass => passed = passed.union(&decided),
            }
            undecided = undecided.difference(&decided);
        }
        undecided = undecided.union(&passed);

        let mut isolated = false;
        let mut admitted = Connections::none();
        for policy in self.network.iter().filter(|policy| policy.selects(pod)) {
            let Some(rules) = policy.rules(direction) else {
                continue;
            };
            isolated = true;
            for rule in rules {
                admitted = admitted.union(&rule.connections(&policy.namespace, other, target));
            }
        }
        if isolated {
            return allowed.union(&undecided.intersection(&admitted));
        }

        let baseline = self.baseline.iter().filter(|policy| policy.selects(pod));
        for rule in baseline.flat_map(|policy| policy.rules(direction)) {
            let decided = rule.connections(other, target).intersection(&undecided);
            if rule.action == Action::Allow {
                allowed = allowed.union(&decided);
            }
            undecided = undecided.difference(&decided);
        }
        allowed.union(&undecided)
    }
}

impl NetworkPolicy {
    /// Whether it applies to the pod.
    pub fn selects(&self, pod: &Endpoint) -> bool {
        !pod.host_network
            && pod.namespace == self.namespace
            && self.pod_selector.matches(&pod.labels)
    }

    fn rules(&self, direction: Direction) -> Option<&[Rule]> {
        match direction {
            Direction::Ingress => self.ingress.as_deref(),
            Direction::Egress => self.egress.as_deref(),
        }
    }
}

impl AdminPolicy {
    /// Whether it applies to the pod.
    pub fn selects(&self, pod: &Endpoint) -> bool {
        !pod.host_network
            && self.namespaces.matches(&pod.namespace_labels)
            && self.pods.matches(&pod.labels)
    }

    fn rules(&self, direction: Direction) -> &[AdminRule] {
        match direction {
            Direction::Ingress => &self.ingress,
            Direction::Egress => &self.egress,
        }
    }
}

impl Rule {
    fn connections(&self, own_namespace: &str, other: Peer<'_>, target: Peer<'_>) -> Connections {
        let matches = self
            .peers
            .as_ref()
            .is_none_or(|peers| peers.iter().any(|peer| peer.matches(own_namespace, other)));
        if matches {
            ports(&self.ports, target)
        } else {
            Connections::none()
        }
    }
}

impl AdminRule {
    fn connections(&self, other: Peer<'_>, target: Peer<'_>) -> Connections {
        // Admin peers always name their namespaces, so there is no own one.
        if self.peers.iter().any(|peer| peer.matches("", other)) {
            ports(&self.ports, target)
        } else {
            Connections::none()
        }
    }
}

impl RulePeer {
    fn matches(&self, own_namespace: &str, other: Peer<'_>) -> bool {
        match (self, other) {
            (RulePeer::Pods { namespaces, pods }, Peer::Pod(pod)) => {
                let in_namespace = match namespaces {
                    Namespaces::Own => pod.namespace == own_namespace,
                    Namespaces::Selected(selector) => selector.matches(&pod.namespace_labels),
                };
                !pod.host_network && in_namespace && pods.matches(&pod.labels)
            }
            (RulePeer::Block { block, except }, Peer::Outside(range)) => {
                block.contains(&range) && !except.iter().any(|hole| hole.overlaps(&range))
            }
            // A pod's address is not known from configuration; Kubernetes leaves it open whether
            // blocks see it at all, and the policies in use mean places outside.
            (RulePeer::Block { .. }, Peer::Pod(_))
            | (RulePeer::Pods { .. }, Peer::Outside(_))
            | (RulePeer::Unknown, _) => false,
        }
    }
}

fn ports(rule: &PortRule, target: Peer<'_>) -> Connections {
    let Some(rule) = rule else {
        return Connections::all();
    };
    let mut set = Connections::none();
    for port in rule {
        match (port, target) {
            (PortMatch::Numbers(numbers), _) => set = set.union(numbers),
            (PortMatch::Named { protocol, name }, Peer::Pod(pod)) => {
                for (port_name, port_protocol, number) in &pod.named_ports {
                    if port_name == name && protocol.is_none_or(|wanted| wanted == *port_protocol) {
                        set = set.union(&Connections::ports(*port_protocol, *number, *number));
                    }
                }
            }
            // Outside the cluster nothing has names.
            (PortMatch::Named { .. }, Peer::Outside(_)) => {}
        }
    }
    set
}
