//! Services to the workloads behind them, and load balancers of a cloud to the services they were
//! made for.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::build::Join;
use crate::graph::NodeId;
use crate::model::{CERTAIN, Facts};

use super::view::{Method, View, cluster_of, namespace_of, plain};

/// Kubernetes itself defines the selector, so this is as sure as the manifests.
const SELECTOR: Method = Method::new("selector", CERTAIN);
const ADDRESS: Method = Method::new("balancer-address", 95);

/// `Service ROUTES_TO Workload` by selector, inside one namespace of one cluster.
pub(super) struct Services;

impl Join for Services {
    fn name(&self) -> &'static str {
        "services"
    }

    fn run(&self, view: View<'_>, facts: &mut Facts) {
        for (service, workloads) in backends(view) {
            for workload in workloads {
                let (from, to) = (view.id(service), view.id(workload));
                SELECTOR.link(facts, from, "ROUTES_TO", to, |facts, edge| {
                    facts.set_key(edge, "selector");
                });
            }
        }
        balancers(view, facts);
    }
}

/// The workloads that each service selects. Linear in services plus labels, since a service looks
/// only at the workloads that carry its first label.
pub(super) fn backends(view: View<'_>) -> BTreeMap<NodeId, Vec<NodeId>> {
    // `<cluster>/<namespace>` and label to workloads.
    let mut carrying: FxHashMap<(&str, &str, String), Vec<NodeId>> = FxHashMap::default();
    let mut labels_of: FxHashMap<NodeId, Vec<String>> = FxHashMap::default();
    for workload in view.labelled("Workload") {
        let id = view.id(workload);
        let (Some(cluster), Some(namespace)) = (cluster_of(id), namespace_of(id)) else {
            continue;
        };
        let labels = view.list(workload, "labels");
        for label in &labels {
            let key = (cluster, namespace, label.clone());
            carrying.entry(key).or_default().push(workload);
        }
        labels_of.insert(workload, labels);
    }
    let mut backends = BTreeMap::new();
    for service in view.labelled("Service") {
        let id = view.id(service);
        let (Some(cluster), Some(namespace)) = (cluster_of(id), namespace_of(id)) else {
            continue;
        };
        let selector = view.list(service, "selector");
        // A service without selector selects nothing.
        let Some(rarest) = selector
            .iter()
            .map(|label| {
                let key = (cluster, namespace, label.clone());
                carrying.get(&key).map_or(&[][..], Vec::as_slice)
            })
            .min_by_key(|workloads| workloads.len())
        else {
            continue;
        };
        let selected: Vec<NodeId> = rarest
            .iter()
            .copied()
            .filter(|workload| {
                let labels = labels_of.get(workload).map_or(&[][..], Vec::as_slice);
                selector.iter().all(|label| labels.contains(label))
            })
            .collect();
        if !selected.is_empty() {
            backends.insert(service, selected);
        }
    }
    backends
}

/// A cloud's load balancer answers on a name that a service or ingress of a cluster carries in its
/// status. Such names are unique in the world.
fn balancers(view: View<'_>, facts: &mut Facts) {
    let in_cluster = |node: &NodeId| cluster_of(view.id(*node)).is_some();
    let mut answering: FxHashMap<String, Vec<NodeId>> = FxHashMap::default();
    for label in ["Service", "Ingress"] {
        for node in view.labelled(label).into_iter().filter(in_cluster) {
            for address in view.list(node, "addresses") {
                let nodes = answering.entry(address.to_ascii_lowercase()).or_default();
                nodes.push(node);
            }
        }
    }
    for balancer in view.labelled("Ingress") {
        if in_cluster(&balancer) {
            continue;
        }
        let mut targets: Vec<NodeId> = view
            .list(balancer, "addresses")
            .into_iter()
            .chain(view.list(balancer, "hosts"))
            .filter_map(|address| answering.get(&address.to_ascii_lowercase()))
            .flatten()
            .copied()
            .collect();
        targets.sort_unstable();
        targets.dedup();
        for target in targets {
            for kind in ["ROUTES_TO", "CAN_REACH"] {
                let (from, to) = (view.id(balancer), view.id(target));
                ADDRESS.link(facts, from, kind, to, plain);
            }
        }
    }
}
