//! The attack rules that are in force.

use std::sync::{Arc, LazyLock};

use foothold_engine::attack::RuleSet;
use foothold_engine::graph::Snapshot;
use foothold_engine::score::ScoringModel;
use foothold_query::define::Definitions;

static SHIPPED: LazyLock<Arc<Definitions>> = LazyLock::new(|| Arc::new(Definitions::shipped()));
static MODEL: LazyLock<Arc<ScoringModel>> = LazyLock::new(|| Arc::new(ScoringModel::shipped()));

/// The definitions that come with the program, read once.
pub(crate) fn in_force() -> Arc<Definitions> {
    Arc::clone(&SHIPPED)
}

/// The rules for one snapshot. Shipped rules compile on every snapshot; a test of the query crate
/// holds that.
pub(crate) fn compile(definitions: &Definitions, snapshot: &Snapshot) -> Arc<RuleSet> {
    Arc::new(definitions.compile(snapshot, &MODEL).0)
}
