//! What lives in a namespace lives in its cluster, so that a rule about a right that holds in the
//! whole cluster reads one edge and not two.

use crate::build::Join;
use crate::graph::Snapshot;
use crate::model::{CERTAIN, Facts};

/// `x IN_NAMESPACE n IN_CLUSTER c` gives `x IN_CLUSTER c`.
pub(super) struct Membership;

impl Join for Membership {
    fn name(&self) -> &'static str {
        "membership"
    }

    fn run(&self, snapshot: &Snapshot, facts: &mut Facts) {
        let (Some(in_namespace), Some(in_cluster)) = (
            snapshot.kind_id("IN_NAMESPACE"),
            snapshot.kind_id("IN_CLUSTER"),
        ) else {
            return;
        };
        for edge in snapshot.edges_of_kind(in_namespace) {
            let ends = snapshot.edge(crate::graph::EdgeId(edge));
            for (_, cluster) in snapshot.out_edges(ends.target, in_cluster).iter() {
                let from = snapshot.stable_id(ends.source);
                // Both ids come from the snapshot, so they are valid.
                if let Ok(edge) = facts.edge(from, "IN_CLUSTER", snapshot.stable_id(cluster)) {
                    facts.infer(edge, "namespace", CERTAIN);
                }
            }
        }
    }
}
