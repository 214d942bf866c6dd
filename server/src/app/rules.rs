//! The attack rules that are in force.

use std::sync::{Arc, LazyLock};

use foothold_engine::attack::RuleSet;

static SHIPPED: LazyLock<Arc<RuleSet>> = LazyLock::new(|| Arc::new(RuleSet::new([])));

/// The rules that come with the program, compiled once.
pub(crate) fn shipped() -> Arc<RuleSet> {
    Arc::clone(&SHIPPED)
}
