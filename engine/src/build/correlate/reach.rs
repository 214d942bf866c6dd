//! Who reaches whom inside a cluster: policies evaluated over classes of workloads.
//!
//! Workloads that no policy tells apart form a class, and only classes are compared, and of them
//! only pairs that some rule brings together. A cluster without policies is one class. Where a
//! group of sources reaches a group of places and one edge a pair would be many, the edges go
//! through a zone.

mod classes;

use std::collections::BTreeMap;

use crate::attack::network::{Connections, Protocol};
use crate::build::Join;
use crate::graph::NodeId;
use crate::model::{Facts, Value};

use super::services::backends;
use super::view::{Method, View};

use classes::ClassSources;
pub(super) use classes::{Cluster, clusters};

/// No policy speaks of it: Kubernetes lets everything through.
const POLICY: Method = Method::new("network-policy", 95);
/// A pod on its machine's network against a policy, or a block of addresses against a pod: the network
/// plugin decides.
const NETWORK_PLUGIN: Method = Method::new("network-plugin", 40);

/// Up to so many edges a cluster's reach is stated pair by pair.
const MAX_DIRECT_EDGES: usize = 20_000;

/// `Workload CAN_REACH Service|Workload`, directly or through `NetworkZone`s.
pub(super) struct Reach;

impl Join for Reach {
    fn name(&self) -> &'static str {
        "reach"
    }

    fn run(&self, view: View<'_>, facts: &mut Facts) {
        let backends = backends(view);
        for cluster in clusters(view) {
            let reachable = Reachable::of(view, &cluster, &backends);
            reachable.state(view, &cluster, &backends, facts);
        }
    }
}

/// Places with the same sources.
#[derive(Debug, Default)]
struct Reachable {
    /// What each source class may connect to, to the places for which this holds with the ports
    /// of each place.
    groups: BTreeMap<ClassSources, Vec<(NodeId, Connections)>>,
}

impl Reachable {
    fn of(view: View<'_>, cluster: &Cluster, backends: &BTreeMap<NodeId, Vec<NodeId>>) -> Self {
        let by_class = cluster.sources_of_classes();
        let mut reachable = Self::default();
        // What a workload offers through services, so that it is not stated a second time; and
        // what it offers where the service cannot speak for it.
        let mut offered: BTreeMap<NodeId, Connections> = BTreeMap::new();
        let mut apart: BTreeMap<NodeId, Connections> = BTreeMap::new();
        for &service in &cluster.services {
            let Some(workloads) = backends.get(&service) else {
                continue;
            };
            let mut offers: Vec<(NodeId, Connections, ClassSources)> = Vec::new();
            for workload in workloads {
                let Some(class) = cluster.class_of.get(workload) else {
                    continue;
                };
                let offer = target_ports(view, service, *workload);
                let mut sources = by_class.get(class).cloned().unwrap_or_default();
                sources.retain(|_, connections| !connections.intersection(&offer).is_empty());
                offers.push((*workload, offer, sources));
            }
            // Who reaches the service reaches all behind it: who is kept out of one does not.
            let admits = |source: &(u32, bool)| offers.iter().all(|one| one.2.contains_key(source));
            let mut sources = ClassSources::new();
            let mut ports = Connections::none();
            for (workload, offer, own) in &offers {
                ports = ports.union(offer);
                let is_alike = own.keys().all(admits);
                let stated = if is_alike { &mut offered } else { &mut apart };
                let before = stated.entry(*workload).or_default();
                *before = before.union(offer);
                for (source, connections) in own.iter().filter(|(source, _)| admits(source)) {
                    let entry = sources.entry(*source).or_default();
                    *entry = entry.union(connections);
                }
            }
            reachable.add(service, sources, ports);
        }
        for (&workload, class) in &cluster.class_of {
            let mut ports = container_ports(view, workload);
            if let Some(offer) = offered.get(&workload) {
                ports = ports.difference(offer);
            }
            if let Some(offer) = apart.get(&workload) {
                ports = ports.union(offer);
            }
            let sources = by_class.get(class).cloned().unwrap_or_default();
            reachable.add(workload, sources, ports);
        }
        reachable
    }

    fn add(&mut self, place: NodeId, mut sources: ClassSources, ports: Connections) {
        sources.retain(|_, connections| !connections.intersection(&ports).is_empty());
        // Where one port is surely open, others that may be are no news.
        let sure: Vec<u32> = sources
            .keys()
            .filter(|key| key.1)
            .map(|key| key.0)
            .collect();
        sources.retain(|(class, is_sure), _| *is_sure || sure.binary_search(class).is_err());
        if !sources.is_empty() {
            self.groups.entry(sources).or_default().push((place, ports));
        }
    }

    fn state(
        &self,
        view: View<'_>,
        cluster: &Cluster,
        backends: &BTreeMap<NodeId, Vec<NodeId>>,
        facts: &mut Facts,
    ) {
        // A workload that reaches itself gains nothing, neither directly nor through a service
        // that only it stands behind.
        let is_itself = |source: NodeId, place: NodeId| {
            source == place || backends.get(&place).is_some_and(|all| *all == [source])
        };
        let members = |class: u32| {
            cluster
                .members
                .get(class as usize)
                .map_or(&[][..], Vec::as_slice)
        };
        let n_sources = |sources: &ClassSources| -> usize {
            sources.keys().map(|&(class, _)| members(class).len()).sum()
        };
        let groups = self.groups.iter();
        let n_edges: usize = groups
            .map(|(sources, places)| n_sources(sources).saturating_mul(places.len()))
            .sum();
        for (idx, (sources, places)) in self.groups.iter().enumerate() {
            let few = n_sources(sources).saturating_mul(places.len())
                <= n_sources(sources) + places.len();
            if n_edges <= MAX_DIRECT_EDGES || few {
                for (place, ports) in places {
                    for (&(class, sure), connections) in sources {
                        let through = connections.intersection(ports);
                        for &source in members(class) {
                            if !is_itself(source, *place) {
                                reach(facts, view.id(source), view.id(*place), &through, sure);
                            }
                        }
                    }
                }
                continue;
            }
            let zone = format!("net://zone/{}/{idx}", cluster.name);
            let Ok(node) = facts.node(&zone, &["NetworkZone"]) else {
                continue;
            };
            let name = format!("{} places that the same sources reach", places.len());
            facts.set(node, "name", name);
            for (&(class, sure), connections) in sources {
                for &source in members(class) {
                    reach(facts, view.id(source), &zone, connections, sure);
                }
            }
            for (place, ports) in places {
                reach(facts, &zone, view.id(*place), ports, true);
            }
        }
    }
}

fn reach(facts: &mut Facts, from: &str, to: &str, connections: &Connections, sure: bool) {
    let (method, decision) = if sure {
        (POLICY, "allow")
    } else {
        (NETWORK_PLUGIN, "unknown")
    };
    method.link(facts, from, "CAN_REACH", to, |facts, edge| {
        facts.set(edge, "ports", Value::strings(connections.to_texts()));
        facts.set(edge, "decision", decision);
    });
}

/// The ports of a workload that a service leads to; all where they are not known.
pub(super) fn target_ports(view: View<'_>, service: NodeId, workload: NodeId) -> Connections {
    let targets = view.list(service, "target_ports");
    if targets.is_empty() {
        return Connections::all();
    }
    let names = view.list(workload, "port_names");
    let mut ports = Connections::none();
    for target in &targets {
        // `80/TCP=8080` or `80/TCP=http`
        let Some((published, target)) = target.split_once('=') else {
            continue;
        };
        let protocol = published.split_once('/').map_or("TCP", |(_, name)| name);
        let protocol = Protocol::parse(protocol).unwrap_or_default();
        let number = target.parse::<u16>().ok().or_else(|| {
            let named = names.iter().find_map(|name| {
                let (name, port) = name.split_once('=')?;
                (name == target).then_some(port)
            })?;
            named.split('/').next()?.parse().ok()
        });
        ports = ports.union(&match number {
            Some(number) => Connections::ports(protocol, number, number),
            // A name that the workload does not explain may be any port.
            None => Connections::protocol(protocol),
        });
    }
    ports
}

/// The ports that the containers of a workload declare.
fn container_ports(view: View<'_>, workload: NodeId) -> Connections {
    let mut ports = Connections::none();
    for text in view.list(workload, "ports") {
        let (number, protocol) = text.split_once('/').unwrap_or((&text, "TCP"));
        if let Ok(number) = number.parse::<u16>() {
            let protocol = Protocol::parse(protocol).unwrap_or_default();
            ports = ports.union(&Connections::ports(protocol, number, number));
        }
    }
    ports
}
