//! Which connections the policies of one cluster let through.

use std::collections::BTreeSet;

use super::address::AddressRange;
use super::policy::{
    Action, AdminPolicy, AdminRule, Namespaces, NetworkPolicy, PortMatch, PortRule, Rule, RulePeer,
};
use super::ports::{Connections, Protocol};
use super::selector::{LabelSelector, Labels};

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
    /// A pod of the cluster, where blocks of addresses see pods as well: whether they do Kubernetes
    /// leaves to the network plugin.
    PodByAddress(&'a Endpoint),
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

/// The policies that apply to one pod, in the order in which they decide.
#[derive(Debug, Clone, Default)]
pub struct Applied<'a> {
    network: Vec<&'a NetworkPolicy>,
    admin: Vec<&'a AdminPolicy>,
    baseline: Vec<&'a AdminPolicy>,
}

/// What policies look at, and so what can tell two pods apart.
#[derive(Debug, Clone, Default)]
pub struct Sight {
    /// Namespaces that have policies.
    namespaces: BTreeSet<String>,
    namespace_keys: BTreeSet<String>,
    pod_keys: BTreeSet<String>,
    port_names: BTreeSet<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    /// source and the ingress side of the target let through. Linear in the number of policies
    /// and the rules that select either.
    pub fn allowed(&self, source: Peer<'_>, target: Peer<'_>) -> Connections {
        let applied = |peer| match peer {
            Peer::Pod(pod) | Peer::PodByAddress(pod) => self.applied(pod),
            Peer::Outside(_) => Applied::default(),
        };
        applied(source).allowed_to(&applied(target), source, target)
    }

    /// The policies that apply to `pod`.
    pub fn applied(&self, pod: &Endpoint) -> Applied<'_> {
        let network = self.network.iter().filter(|policy| policy.selects(pod));
        let admin = self.admin.iter().filter(|policy| policy.selects(pod));
        let baseline = self.baseline.iter().filter(|policy| policy.selects(pod));
        Applied {
            network: network.collect(),
            admin: admin.collect(),
            baseline: baseline.collect(),
        }
    }

    /// What the policies look at.
    pub fn sight(&self) -> Sight {
        let mut sight = Sight::default();
        for policy in &self.network {
            sight.namespaces.insert(policy.namespace.clone());
            sight.see_pods(&policy.pod_selector);
            let rules = policy.ingress.iter().chain(&policy.egress).flatten();
            for rule in rules {
                rule.peers
                    .iter()
                    .flatten()
                    .for_each(|peer| sight.see_peer(peer));
                sight.see_ports(&rule.ports);
            }
        }
        for policy in self.admin.iter().chain(&self.baseline) {
            sight.see_pods(&policy.pods);
            sight.see_namespaces(&policy.namespaces);
            for rule in policy.ingress.iter().chain(&policy.egress) {
                rule.peers.iter().for_each(|peer| sight.see_peer(peer));
                sight.see_ports(&rule.ports);
            }
        }
        sight
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

    /// Whether a block of some policy may hold the addresses of pods.
    pub fn may_name_pods(&self) -> bool {
        self.network.iter().any(NetworkPolicy::may_name_pods)
    }

    /// Cuts `range` at the blocks of the policies, so that each part is decided as one.
    pub fn cut(&self, range: AddressRange) -> Vec<AddressRange> {
        let admin = self.admin.iter().chain(&self.baseline);
        let blocks = self.network.iter().flat_map(NetworkPolicy::blocks);
        range.cut(blocks.chain(admin.flat_map(AdminPolicy::blocks)))
    }
}

impl Applied<'_> {
    /// The connections from `source`, whose policies these are, to `target`.
    pub fn allowed_to(
        &self,
        target_applied: &Applied<'_>,
        source: Peer<'_>,
        target: Peer<'_>,
    ) -> Connections {
        let egress = match source {
            Peer::Pod(_) | Peer::PodByAddress(_) => {
                self.one_side(Direction::Egress, target, target)
            }
            Peer::Outside(_) => Connections::all(),
        };
        match target {
            Peer::Pod(_) | Peer::PodByAddress(_) if !egress.is_empty() => {
                let ingress = target_applied.one_side(Direction::Ingress, source, target);
                egress.intersection(&ingress)
            }
            _ => egress,
        }
    }

    /// Whether nothing restricts what comes in.
    pub fn ingress_is_open(&self) -> bool {
        self.is_open(Direction::Ingress)
    }

    /// Whether nothing restricts what goes out.
    pub fn egress_is_open(&self) -> bool {
        self.is_open(Direction::Egress)
    }

    /// Whether what comes in from `source` can be anything but nothing: cheap, and never wrong when
    /// it says no.
    pub fn may_admit(&self, source: Peer<'_>) -> bool {
        if !self.admin.is_empty() || !self.baseline.is_empty() {
            return true;
        }
        let mut isolated = false;
        for policy in &self.network {
            let Some(rules) = policy.rules(Direction::Ingress) else {
                continue;
            };
            isolated = true;
            if rules
                .iter()
                .any(|rule| rule.matches(&policy.namespace, source))
            {
                return true;
            }
        }
        !isolated
    }

    fn is_open(&self, direction: Direction) -> bool {
        let mut admin = self.admin.iter().chain(&self.baseline);
        self.network
            .iter()
            .all(|policy| policy.rules(direction).is_none())
            && admin.all(|policy| policy.rules(direction).is_empty())
    }

    /// What the policies let through in one direction, `other` being the far side and `target`
    /// the side whose ports are named.
    fn one_side(&self, direction: Direction, other: Peer<'_>, target: Peer<'_>) -> Connections {
        let mut allowed = Connections::none();
        let mut undecided = Connections::all();
        let mut passed = Connections::none();
        for rule in self.admin.iter().flat_map(|policy| policy.rules(direction)) {
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
        for policy in &self.network {
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

        for rule in self
            .baseline
            .iter()
            .flat_map(|policy| policy.rules(direction))
        {
            let decided = rule.connections(other, target).intersection(&undecided);
            if rule.action == Action::Allow {
                allowed = allowed.union(&decided);
            }
            undecided = undecided.difference(&decided);
        }
        allowed.union(&undecided)
    }
}

impl Sight {
    /// The endpoint with only what the policies look at. Endpoints that are equal after it are
    /// decided alike.
    #[must_use]
    pub fn reduce(&self, endpoint: &Endpoint) -> Endpoint {
        let keep = |labels: &Labels, keys: &BTreeSet<String>| -> Labels {
            let kept = labels.iter().filter(|(key, _)| keys.contains(*key));
            kept.map(|(key, value)| (key.clone(), value.clone()))
                .collect()
        };
        let namespace = &endpoint.namespace;
        let mut named_ports = endpoint.named_ports.clone();
        named_ports.retain(|(name, ..)| self.port_names.contains(name));
        named_ports.sort();
        Endpoint {
            namespace: if self.namespaces.contains(namespace) {
                namespace.clone()
            } else {
                String::new()
            },
            namespace_labels: keep(&endpoint.namespace_labels, &self.namespace_keys),
            labels: keep(&endpoint.labels, &self.pod_keys),
            named_ports,
            host_network: endpoint.host_network,
        }
    }

    fn see_pods(&mut self, selector: &LabelSelector) {
        self.pod_keys.extend(selector.keys().map(str::to_owned));
    }

    fn see_namespaces(&mut self, selector: &LabelSelector) {
        self.namespace_keys
            .extend(selector.keys().map(str::to_owned));
    }

    fn see_peer(&mut self, peer: &RulePeer) {
        if let RulePeer::Pods { namespaces, pods } = peer {
            self.see_pods(pods);
            if let Namespaces::Selected(selector) = namespaces {
                self.see_namespaces(selector);
            }
        }
    }

    fn see_ports(&mut self, ports: &PortRule) {
        for port in ports.iter().flatten() {
            if let PortMatch::Named { name, .. } = port {
                self.port_names.insert(name.clone());
            }
        }
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
    fn matches(&self, own_namespace: &str, other: Peer<'_>) -> bool {
        self.peers
            .as_ref()
            .is_none_or(|peers| peers.iter().any(|peer| peer.matches(own_namespace, other)))
    }

    fn connections(&self, own_namespace: &str, other: Peer<'_>, target: Peer<'_>) -> Connections {
        if self.matches(own_namespace, other) {
            ports(&self.ports, target)
        } else {
            Connections::none()
        }
    }
}

impl AdminRule {
    fn connections(&self, other: Peer<'_>, target: Peer<'_>) -> Connections {
        let other = match other {
            Peer::PodByAddress(pod) => Peer::Pod(pod),
            other => other,
        };
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
            (RulePeer::Pods { namespaces, pods }, Peer::Pod(pod) | Peer::PodByAddress(pod)) => {
                let in_namespace = match namespaces {
                    Namespaces::Own => pod.namespace == own_namespace,
                    Namespaces::Selected(selector) => selector.matches(&pod.namespace_labels),
                };
                !pod.host_network && in_namespace && pods.matches(&pod.labels)
            }
            (RulePeer::Block { block, except }, Peer::Outside(range)) => {
                block.contains(&range) && !except.iter().any(|hole| hole.overlaps(&range))
            }
            (RulePeer::Block { .. }, Peer::PodByAddress(_)) => self.may_name_pods(),
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
            (PortMatch::Named { protocol, name }, Peer::Pod(pod) | Peer::PodByAddress(pod)) => {
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
