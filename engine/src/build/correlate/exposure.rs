//! What the internet reaches: published services, ingresses, load balancers, public stores.

use std::collections::BTreeMap;

use crate::attack::network::{
    AddressRange, Connections, Endpoint, Exposure, Labels, Peer, Protocol,
};
use crate::build::Join;
use crate::graph::NodeId;
use crate::model::schema::INTERNET_ID;
use crate::model::{Facts, Value};

use super::reach::{Cluster, clusters, target_ports};
use super::services::backends;
use super::view::{Method, View, cluster_of};

const PUBLISHED: Method = Method::new("published", 95);
/// Node ports where no machine's public address is known.
const NODE_PORT: Method = Method::new("node-port", 40);
const NODE_PORT_ON_PUBLIC_NODE: Method = Method::new("node-port", 60);
const PUBLIC_API: Method = Method::new("public-api", 90);
/// A public address whose packet filter was not collected.
const UNFILTERED_ADDRESS: Method = Method::new("public-address", 40);
const SECURITY_GROUP: Method = Method::new("security-group", 90);
/// Forwarding by an ingress controller that the policies admit.
const FORWARDED: Method = Method::new("ingress-controller", 90);
const NOT_FILTERED: Method = Method::new("forwarded", 95);

/// Namespaces in which ingress controllers are installed by their own instructions; a policy that
/// admits one of them admits the controller even where its namespace was not exported.
const CONTROLLER_NAMESPACES: [&str; 14] = [
    "ingress-nginx",
    "nginx-ingress",
    "ingress",
    "traefik",
    "istio-system",
    "istio-ingress",
    "projectcontour",
    "kong",
    "haproxy-controller",
    "openshift-ingress",
    "envoy-gateway-system",
    "gateway",
    "gateway-system",
    "kube-system",
];
const CONTROLLER_WORDS: [&str; 10] = [
    "ingress", "gateway", "nginx", "traefik", "haproxy", "envoy", "contour", "kong", "router",
    "istio",
];

/// `Internet CAN_REACH ..` and `Ingress CAN_REACH ..`.
pub(super) struct Exposed;

impl Join for Exposed {
    fn name(&self) -> &'static str {
        "exposure"
    }

    fn run(&self, view: View<'_>, facts: &mut Facts) {
        let backends = backends(view);
        let clusters: BTreeMap<String, Cluster> = clusters(view)
            .into_iter()
            .map(|cluster| (cluster.name.clone(), cluster))
            .collect();
        let estate = Estate {
            view,
            backends,
            clusters,
        };
        for service in view.labelled("Service") {
            estate.service(service, facts);
        }
        for ingress in view.labelled("Ingress") {
            estate.ingress(ingress, facts);
        }
        for store in view.labelled("DataStore") {
            store_exposure(view, store, facts);
        }
        for cluster in view.labelled("Cluster") {
            if view.flag(cluster, "endpoint_public") == Some(true) {
                reach(facts, PUBLISHED, view.id(cluster), "allow", None);
            }
        }
        for instance in view.labelled("Instance") {
            if !view.list(instance, "public_addresses").is_empty() {
                public_address(view, instance, facts);
            }
        }
        state_internet(facts);
    }
}

/// States the internet where an edge starts from it: a graph that nothing outside reaches gets no
/// node that its documents do not speak of.
pub(super) fn state_internet(facts: &mut Facts) {
    let Some(id) = facts.strings().get(INTERNET_ID) else {
        return;
    };
    if facts.edges().iter().any(|edge| edge.from == id)
        && let Ok(node) = facts.node(INTERNET_ID, &["Internet"])
    {
        facts.set(node, "name", "internet");
    }
}

struct Estate<'a> {
    view: View<'a>,
    backends: BTreeMap<NodeId, Vec<NodeId>>,
    clusters: BTreeMap<String, Cluster>,
}

impl Estate<'_> {
    fn cluster(&self, node: NodeId) -> Option<&Cluster> {
        self.clusters.get(cluster_of(self.view.id(node))?)
    }

    fn service(&self, service: NodeId, facts: &mut Facts) {
        let view = self.view;
        let exposure = Exposure::of_service(
            view.text(service, "type"),
            view.flag(service, "internal_only"),
        );
        if exposure == Exposure::Internal || !admits_everyone(view, service) {
            return;
        }
        let workloads = self.backends.get(&service).map_or(&[][..], Vec::as_slice);
        let admitted = workloads.iter().map(|&workload| {
            let offered = target_ports(view, service, workload);
            let open = offered.intersection(&self.outside_connections(workload));
            (workload, open)
        });
        // Default deny is proven where no address outside gets through to the workload.
        let admitted: Vec<(NodeId, Connections)> =
            admitted.filter(|(_, open)| !open.is_empty()).collect();
        if !workloads.is_empty() && admitted.is_empty() {
            return;
        }
        let (method, decision) = match exposure {
            Exposure::Internet => (PUBLISHED, "allow"),
            _ => match self.public_machines(service) {
                Some(true) => (NODE_PORT_ON_PUBLIC_NODE, "allow"),
                Some(false) => return,
                None => (NODE_PORT, "unknown"),
            },
        };
        if admitted.len() < workloads.len() {
            // The service leads to all of them, but not whoever comes from outside.
            for (workload, open) in &admitted {
                reach(facts, method, view.id(*workload), decision, Some(open));
            }
            return;
        }
        let all = admitted.iter().map(|(_, open)| open);
        let ports = all.fold(Connections::none(), |sum, open| sum.union(open));
        reach(facts, method, view.id(service), decision, Some(&ports));
    }

    /// Connections from some public address to a workload.
    fn outside_connections(&self, workload: NodeId) -> Connections {
        let Some((cluster, endpoint)) = self
            .cluster(workload)
            .and_then(|cluster| Some((cluster, cluster.endpoints.get(&workload)?)))
        else {
            return Connections::all();
        };
        let parts = cluster.policies.cut(AddressRange::IPV4);
        let public = parts.into_iter().filter(|part| !part.is_private());
        public.fold(Connections::none(), |sum, part| {
            let allowed = cluster
                .policies
                .allowed(Peer::Outside(part), Peer::Pod(endpoint));
            sum.union(&allowed)
        })
    }

    /// Whether some machine of the cluster has a public address; none where none is listed.
    fn public_machines(&self, service: NodeId) -> Option<bool> {
        let cluster = cluster_of(self.view.id(service));
        let nodes = self.view.labelled("Node").into_iter();
        let mut of_cluster = nodes
            .filter(|&node| cluster_of(self.view.id(node)) == cluster)
            .peekable();
        of_cluster.peek()?;
        Some(of_cluster.any(|node| {
            let addresses = self.view.list(node, "addresses");
            addresses.iter().any(|address| {
                AddressRange::parse(address).is_none_or(|address| !address.is_private())
            })
        }))
    }

    fn ingress(&self, ingress: NodeId, facts: &mut Facts) {
        let view = self.view;
        let id = view.id(ingress);
        let exposure = Exposure::of_ingress(view.flag(ingress, "internal_only"));
        if exposure == Exposure::Internet
            && admits_everyone(view, ingress)
            && security_groups(view, ingress) != Some(false)
        {
            reach(facts, PUBLISHED, id, "allow", None);
        }
        let mut targets = view.out(ingress, "ROUTES_TO");
        targets.sort_unstable();
        targets.dedup();
        for target in targets {
            let Some(cluster) = self.cluster(target).filter(|_| cluster_of(id).is_some()) else {
                forward(facts, NOT_FILTERED, id, view.id(target));
                continue;
            };
            let workloads = self.backends.get(&target).map_or(&[][..], Vec::as_slice);
            let admitted = |workload: &NodeId| {
                let ports = target_ports(view, target, *workload);
                let endpoint = cluster.endpoints.get(workload);
                endpoint.is_none_or(|endpoint| self.controller_reaches(cluster, endpoint, &ports))
            };
            if workloads.iter().all(admitted) {
                forward(facts, FORWARDED, id, view.id(target));
            } else {
                for workload in workloads.iter().copied().filter(admitted) {
                    forward(facts, FORWARDED, id, view.id(workload));
                }
            }
        }
    }

    /// Whether policies let an ingress controller in, wherever it runs.
    fn controller_reaches(
        &self,
        cluster: &Cluster,
        target: &Endpoint,
        ports: &Connections,
    ) -> bool {
        let reaches = |controller: &Endpoint| {
            let (from, to) = (Peer::Pod(controller), Peer::Pod(target));
            let allowed = cluster.policies.allowed(from, to);
            !allowed.intersection(ports).is_empty()
        };
        if cluster.policies.applied(target).ingress_is_open() {
            return true;
        }
        let running = cluster.endpoints.iter().filter(|(node, _)| {
            let id = self.view.id(**node);
            CONTROLLER_WORDS.iter().any(|word| id.contains(word))
        });
        // A controller that only forwards is not the target itself.
        let mut running = running.filter(|(_, endpoint)| **endpoint != *target);
        if running.any(|(_, endpoint)| reaches(endpoint)) {
            return true;
        }
        let known = cluster.namespaces();
        let elsewhere = CONTROLLER_NAMESPACES
            .iter()
            .filter(|namespace| !known.contains(**namespace))
            .map(|&namespace| (namespace, namespace))
            // A controller of which nothing is known is in some namespace that has a name.
            .chain([("", "")]);
        elsewhere
            .map(|(namespace, name)| Endpoint {
                namespace: namespace.to_owned(),
                namespace_labels: labels(&[
                    ("kubernetes.io/metadata.name", namespace),
                    ("name", namespace),
                    ("app.kubernetes.io/name", name),
                    ("app.kubernetes.io/instance", name),
                ]),
                labels: labels(&[
                    ("app.kubernetes.io/name", name),
                    ("app.kubernetes.io/instance", name),
                    ("app.kubernetes.io/component", "controller"),
                    ("app", name),
                ]),
                ..Endpoint::default()
            })
            .any(|controller| reaches(&controller))
    }
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    let filled = pairs.iter().filter(|(_, value)| !value.is_empty());
    filled
        .map(|&(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// Whether the source ranges, where there are any, admit an anonymous caller.
fn admits_everyone(view: View<'_>, node: NodeId) -> bool {
    let ranges = view.list(node, "source_ranges");
    let blocks: Vec<AddressRange> = ranges
        .iter()
        .filter_map(|range| AddressRange::parse(range))
        .collect();
    ranges.is_empty() || AddressRange::IPV4.is_covered_by(&blocks)
}

/// Whether the security groups around something let the internet in on its ports; none where they
/// are not known.
fn security_groups(view: View<'_>, node: NodeId) -> Option<bool> {
    let ports = own_ports(view, node);
    let mut groups = view.out(node, "HAS_SECURITY_GROUP");
    groups.retain(|group| view.is(*group, "SecurityGroup"));
    if groups.is_empty() {
        return None;
    }
    Some(
        groups
            .iter()
            .flat_map(|group| view.list(*group, "open_ports"))
            .any(|open| {
                let open = ports_of_filter(&open);
                let through = ports.as_ref().map(|ports| open.intersection(ports));
                !through.unwrap_or(open).is_empty()
            }),
    )
}

/// The ports that something listens on: `port` of a store, `ports` of a load balancer; none where
/// no document says.
fn own_ports(view: View<'_>, node: NodeId) -> Option<Connections> {
    if let Some(port) = view.value(node, "port").and_then(|port| port.as_int()) {
        let port = u16::try_from(port).ok()?;
        return Some(Connections::ports(Protocol::Tcp, port, port));
    }
    let listed = view.list(node, "ports");
    let ports = listed.iter().filter_map(|text| {
        let (number, protocol) = text.split_once('/').unwrap_or((text, "TCP"));
        let number = number.parse().ok()?;
        Some(Connections::ports(
            Protocol::parse(protocol)?,
            number,
            number,
        ))
    });
    let union = ports.fold(Connections::none(), |sum, port| sum.union(&port));
    (!union.is_empty()).then_some(union)
}

/// `tcp/443`, `tcp/8000-8100`, `tcp`, `all` of a packet filter. Messages about the network itself
/// (`icmp`) reach no port.
fn ports_of_filter(text: &str) -> Connections {
    let (protocol, range) = text.split_once('/').unwrap_or((text, "0-65535"));
    if protocol == "all" {
        return Connections::all();
    }
    let Some(protocol) = Protocol::parse(&protocol.to_ascii_uppercase()) else {
        return Connections::none();
    };
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    match (first.parse::<u16>(), last.parse::<u16>()) {
        (Ok(first), Ok(last)) => Connections::ports(protocol, first, last),
        _ => Connections::protocol(protocol),
    }
}

/// Something with a public address, as its security groups have it.
fn public_address(view: View<'_>, node: NodeId, facts: &mut Facts) {
    match security_groups(view, node) {
        Some(true) => reach(facts, SECURITY_GROUP, view.id(node), "allow", None),
        Some(false) => {}
        None => reach(facts, UNFILTERED_ADDRESS, view.id(node), "unknown", None),
    }
}

fn store_exposure(view: View<'_>, store: NodeId, facts: &mut Facts) {
    let id = view.id(store);
    let is_public = ["public_read", "public_write"]
        .iter()
        .any(|property| view.flag(store, property) == Some(true));
    if is_public && view.flag(store, "public_access_blocked") != Some(true) {
        reach_public_api(facts, id);
    } else if view.flag(store, "publicly_accessible") == Some(true) {
        public_address(view, store, facts);
    }
}

/// States that everyone gets to a store through the interface of the cloud.
pub(super) fn reach_public_api(facts: &mut Facts, store: &str) {
    reach(facts, PUBLIC_API, store, "allow", None);
}

fn reach(facts: &mut Facts, method: Method, to: &str, decision: &str, ports: Option<&Connections>) {
    method.link(facts, INTERNET_ID, "CAN_REACH", to, |facts, edge| {
        facts.set(edge, "decision", decision);
        if let Some(ports) = ports.filter(|ports| !ports.is_empty()) {
            facts.set(edge, "ports", Value::strings(ports.to_texts()));
        }
    });
}

fn forward(facts: &mut Facts, method: Method, from: &str, to: &str) {
    method.link(facts, from, "CAN_REACH", to, |facts, edge| {
        facts.set(edge, "decision", "allow");
    });
}
