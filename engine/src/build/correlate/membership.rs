//! What lives in a namespace lives in its cluster, so that a rule about a right that holds in the
//! whole cluster reads one edge and not two.

use crate::build::Join;
use crate::model::{CERTAIN, Facts};

use super::view::View;

/// `x IN_NAMESPACE n IN_CLUSTER c` gives `x IN_CLUSTER c`.
pub(super) struct Membership;

impl Join for Membership {
    fn name(&self) -> &'static str {
        "membership"
    }

    fn run(&self, view: View<'_>, facts: &mut Facts) {
        for (_, from, namespace) in view.edges("IN_NAMESPACE") {
            for cluster in view.out(namespace, "IN_CLUSTER") {
                // Both ids come from the snapshot, so they are valid.
                if let Ok(edge) = facts.edge(view.id(from), "IN_CLUSTER", view.id(cluster)) {
                    facts.infer(edge, "namespace", CERTAIN);
                }
            }
        }
    }
}
