//! Manifests do not say which machine runs a workload. Where a cluster's machines are not listed,
//! one stands for all of them, so that an escape from a container leads somewhere.

use crate::build::Join;
use crate::graph::{EdgeId, Snapshot};
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

    fn run(&self, snapshot: &Snapshot, facts: &mut Facts) {
        let (Some(workload), Some(in_cluster)) = (
            snapshot.label_id("Workload"),
            snapshot.kind_id("IN_CLUSTER"),
        ) else {
            return;
        };
        let scheduled_on = snapshot.kind_id("SCHEDULED_ON");
        let machine = snapshot.label_id("Node");
        for edge in snapshot.edges_of_kind(in_cluster) {
            let ends = snapshot.edge(EdgeId(edge));
            let is_placed =
                scheduled_on.is_some_and(|kind| !snapshot.out_edges(ends.source, kind).is_empty());
            if !snapshot.has_label(ends.source, workload) || is_placed {
                continue;
            }
            let machines: Vec<&str> = snapshot
                .in_edges(ends.target, in_cluster)
                .iter()
                .filter(|&(_, node)| machine.is_some_and(|label| snapshot.has_label(node, label)))
                .map(|(_, node)| snapshot.stable_id(node))
                .collect();
            let from = snapshot.stable_id(ends.source);
            let view = View::new(snapshot);
            let enforced = view
                .out(ends.source, "IN_NAMESPACE")
                .into_iter()
                .find_map(|namespace| view.text(namespace, "pod_security"));
            if let Some(level) = enforced
                && let Ok(node) = facts.node(from, &["Workload"])
            {
                facts.set(node, "pod_security", level);
            }
            if machines.is_empty() {
                let cluster = snapshot.stable_id(ends.target);
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
