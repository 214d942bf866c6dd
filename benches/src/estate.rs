//! The generated estate, brought to each stage of the way from lines to answers.

use std::sync::Arc;

use foothold_datasets::estate::{EstateConfig, EstateError, generate};
use foothold_engine::attack::{AttackGraph, DeriveError, derive};
use foothold_engine::budget::Budget;
use foothold_engine::build::{Staging, StagingError, assemble};
use foothold_engine::graph::Snapshot;
use foothold_engine::score::ScoringModel;
use foothold_loaders::{Options, Outcome, load_bytes};
use foothold_query::define::Definitions;

/// Lines of an estate of this scale; 1 is about 100,000 nodes and a million edges.
///
/// # Errors
/// When the scale is out of range.
pub fn lines(scale: f64) -> Result<Vec<u8>, EstateError> {
    let mut lines = Vec::new();
    // Writing to memory does not fail.
    let _ = generate(&EstateConfig::new(scale, 1)?, &mut lines);
    Ok(lines)
}

/// Lines become facts, facts a snapshot with every join.
///
/// # Errors
/// When the estate does not fit the graph's ids.
pub fn import(lines: Vec<u8>) -> Result<Arc<Snapshot>, StagingError> {
    let mut staging = Staging::new();
    if let Outcome::Read(loaded) = load_bytes("estate.jsonl", lines, &Options::new(0)) {
        staging.add(&loaded.source, &loaded.facts);
    }
    let snapshot = assemble(staging)?;
    // As the server does.
    snapshot.prepare_searches();
    Ok(Arc::new(snapshot))
}

/// The shipped rules derive what an attacker can do.
///
/// # Errors
/// When the attack graph does not fit its ids.
pub fn attack(
    snapshot: &Arc<Snapshot>,
    pool: &rayon::ThreadPool,
) -> Result<Arc<AttackGraph>, DeriveError> {
    let model = Arc::new(ScoringModel::shipped());
    let (rules, _) = Definitions::shipped().compile(snapshot, &model);
    Ok(Arc::new(derive(
        snapshot,
        &Arc::new(rules),
        pool,
        &Budget::unlimited(),
    )?))
}
