//! From staged facts to the snapshot that rules and queries see: identity, merge, joins.

use std::sync::Arc;

use crate::graph::Snapshot;
use crate::model::{Facts, SourceInfo};

use super::change::Changes;
use super::correlate;
use super::merge::Orders;
use super::staging::{Staging, StagingError};

/// A join: reads what documents say and states what follows from several of them.
///
/// Joins of one round see the same snapshot and not each other's facts. Everything a join states
/// goes through [`Facts::infer`], so that each edge carries its method and confidence.
pub trait Join: Sync {
    /// The name of the join, as the source of its facts: `correlation/<name>`.
    fn name(&self) -> &'static str;

    /// Which source wins when two set one property, as in [`SourceInfo::authority`].
    fn authority(&self) -> u8 {
        0
    }

    /// States what follows. Must not depend on the order of anything but the snapshot's ids.
    fn run(&self, snapshot: &Snapshot, facts: &mut Facts);
}

/// Decides identities, merges, and runs every round of joins. Between rounds the snapshot is
/// rebuilt, so a later round reads what an earlier one stated.
pub fn assemble(staging: Staging) -> Result<Snapshot, StagingError> {
    assemble_changed(staging, &Changes::new())
}

/// The same after changes to what documents state: the snapshot that the changed documents would
/// give.
pub fn assemble_changed(mut staging: Staging, changes: &Changes) -> Result<Snapshot, StagingError> {
    correlate::identity(&mut staging);
    let observed_at_ms = staging
        .sources
        .iter()
        .map(|info| info.observed_at_ms)
        .max()
        .unwrap_or(0);
    changes.apply(&mut staging, 0, 0);
    changes.add_to(&mut staging, observed_at_ms);
    let mut orders = Orders::default();
    let mut snapshot = staging.snapshot_after(&mut orders)?;
    for round in correlate::ROUNDS {
        let mut added = false;
        for join in *round {
            let mut facts = Facts::new();
            join.run(&snapshot, &mut facts);
            if !facts.is_empty() {
                added = true;
                let info = SourceInfo {
                    name: Arc::from(format!("correlation/{}", join.name())),
                    format: Arc::from("correlation"),
                    observed_at_ms,
                    authority: join.authority(),
                    ..SourceInfo::default()
                };
                let (n_nodes, n_edges) = staging.len();
                staging.add(&info, &facts);
                changes.apply(&mut staging, n_nodes, n_edges);
            }
        }
        if added {
            snapshot = staging.snapshot_after(&mut orders)?;
        }
    }
    Ok(snapshot)
}
