//! Crown jewels: assets with a declared value.

use crate::graph::{NodeId, Snapshot};

/// An asset that is worth something to lose.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CrownJewel {
    /// The asset.
    pub asset: NodeId,
    /// Its `value`: on the user's own scale, greater than zero.
    pub value: f64,
}

/// Every asset with a positive `value`, in node order.
pub fn crown_jewels(snapshot: &Snapshot) -> Vec<CrownJewel> {
    let Some(prop) = snapshot.prop_id("value") else {
        return Vec::new();
    };
    snapshot
        .nodes_having(prop)
        .iter()
        .map(NodeId)
        .filter_map(|asset| {
            let value = snapshot.node_prop(asset, prop)?.as_f64()?;
            (value.is_finite() && value > 0.0).then_some(CrownJewel { asset, value })
        })
        .collect()
}

/// Every data store with a sensitivity that is not `public`, in node order: what somebody said is
/// worth keeping, though not what it is worth.
pub fn sensitive_stores(snapshot: &Snapshot) -> Vec<NodeId> {
    let (Some(prop), Some(label)) = (
        snapshot.prop_id("sensitivity"),
        snapshot.label_id("DataStore"),
    ) else {
        return Vec::new();
    };
    snapshot
        .nodes_having(prop)
        .iter()
        .map(NodeId)
        .filter(|&node| {
            let stated = snapshot.node_str(node, prop);
            snapshot.has_label(node, label)
                && stated.is_some_and(|stated| !stated.is_empty() && stated != "public")
        })
        .collect()
}
