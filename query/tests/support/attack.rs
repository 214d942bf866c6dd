//! What a verb needs besides the snapshot, derived by some rules.

use std::sync::Arc;

use foothold_engine::attack::derive;
use foothold_engine::budget::Budget;
use foothold_engine::graph::Snapshot;
use foothold_engine::score::ScoringModel;
use foothold_query::define::Definitions;
use foothold_query::verb::{AttackContext, Unknowns};

/// Fails where a definition is broken.
pub(crate) fn context(
    snapshot: &Arc<Snapshot>,
    definitions: Definitions,
    pool: &Arc<rayon::ThreadPool>,
) -> AttackContext {
    let said = definitions.diagnostics();
    assert!(said.is_empty(), "{said:#?}");
    let model = Arc::new(ScoringModel::shipped());
    let (compiled, broken) = definitions.compile(snapshot, &model);
    assert!(broken.is_empty(), "{broken:#?}");
    let graph = derive(snapshot, &Arc::new(compiled), pool, &Budget::unlimited());
    AttackContext {
        graph: Arc::new(graph.expect("derives")),
        definitions: Arc::new(definitions),
        pool: Arc::clone(pool),
        unknowns: Unknowns::default(),
    }
}
