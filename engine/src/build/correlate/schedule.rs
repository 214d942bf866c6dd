//! Manifests do not say which machine runs a workload. Where a cluster's machines are not listed,
//! one stands for all of them, so that an escape from a container leads somewhere.

use crate::build::Join;
use crate::model::Facts;

use super::unlisted::{machine_of, state_machine};
use super::view::View;

/// Confidence in hundredths that all workloads of a cluster share machines.
const SHARED_MACHINES: u8 = 70;

/// Workloads of a cluster without a listed machine run on `k8s://<cluster>/-/Node/*`; workloads of
/// a cluster with listed machines and no stated place run on any of them. Such a workload is not
/// known to have been admitted, so it carries what its namespace enforces.
pub(super) struct Schedule;

impl Join for Schedule {
    fn name(&self) -> &'static str {
        "schedule"
    }

    fn run(&self, view: View<'_>, facts: &mut Facts) {
        for (_, placed, cluster) in view.edges("IN_CLUSTER") {
            let is_placed = !view.out(placed, "SCHEDULED_ON").is_empty();
            if !view.is(placed, "Workload") || is_placed {
                continue;
            }
            let machines: Vec<&str> = view
                .starts(cluster, "IN_CLUSTER")
                .into_iter()
                .filter(|&node| view.is(node, "Node"))
                .map(|node| view.id(node))
                .collect();
            let from = view.id(placed);
            let enforced = view
                .out(placed, "IN_NAMESPACE")
                .into_iter()
                .find_map(|namespace| view.text(namespace, "pod_security"));
            if let Some(level) = enforced
                && let Ok(node) = facts.node(from, &["Workload"])
            {
                facts.set(node, "pod_security", level);
            }
            if machines.is_empty() {
                let cluster = view.id(cluster);
                let any = machine_of(cluster);
                state_machine(facts, &any, cluster);
                place(facts, from, &any);
            }
            // A workload without a place among listed machines may land on each of them.
            for id in machines {
                place(facts, from, id);
            }
        }
    }
}

fn place(facts: &mut Facts, workload: &str, machine: &str) {
    if let Ok(edge) = facts.edge(workload, "SCHEDULED_ON", machine) {
        facts.set_key(edge, "any");
        facts.set(edge, "assumed", true);
        facts.infer(edge, "unlisted-place", SHARED_MACHINES);
    }
}
