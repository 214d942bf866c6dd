//! Derivation: every match of every rule becomes an instance of a step.
//!
//! A rule's pattern reads the asset graph alone; what must be held stands beside it as premises.
//! So one pass over the rules finds every step that could ever apply, from whatever state, and the
//! fixed point over states is the reachability of the resulting graph: no fact is ever joined
//! twice. AND rules give steps with several premises.
//!
//! ```text
//! snapshot, rules ──matching──▶ matches by rule, sorted ──assemble──▶ attack graph
//!                                   ▲
//! old attack graph, delta ──again───┘   kept where nothing it rests on changed
//! ```

mod again;
mod assemble;
mod found;
mod matching;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use rayon::prelude::*;
use thiserror::Error;

use crate::budget::{Budget, Stop};
use crate::graph::{Snapshot, SnapshotDelta};
use crate::pattern::Bindings;
use crate::search::TopologyError;

use super::graph::AttackGraph;
use super::rule::{Rule, RuleSet};
use again::Before;
use found::Found;

/// Why derivation failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DeriveError {
    /// The budget ran out; an attack graph with steps missing would be wrong, so there is none.
    #[error("deriving attack steps stopped: {0}")]
    Stopped(Stop),
    /// There are more steps than fit 32-bit ids.
    #[error("the attack graph does not fit")]
    Topology(#[from] TopologyError),
}

/// Derives every step. Parallel in `pool` over rules and over parts of each; the result does not
/// depend on its size.
pub fn derive(
    snapshot: &Arc<Snapshot>,
    rules: &Arc<RuleSet>,
    pool: &rayon::ThreadPool,
    budget: &Budget,
) -> Result<AttackGraph, DeriveError> {
    pool.install(|| {
        let found: Result<Vec<Found>, Stop> = rules
            .rules()
            .par_iter()
            .map(|rule| matching::matches(snapshot, rule, budget))
            .collect();
        let found = found.map_err(DeriveError::Stopped)?;
        Ok(assemble::assemble(snapshot, rules, &found)?)
    })
}

/// Derives every step of `snapshot`, which differs from the one behind `old` by `delta`.
///
/// The result is that of [`derive`], to the byte. A match of a rule is taken over when nothing that
/// decides about it has changed, and scored again when something else that the rule reads of it has;
/// matches are looked for only around what is new or changed. A rule that was not there before, that reads more than what it matches, or that most of the delta
/// concerns is matched from the start.
pub fn derive_again(
    old: &AttackGraph,
    delta: &SnapshotDelta,
    snapshot: &Arc<Snapshot>,
    rules: &Arc<RuleSet>,
    pool: &rayon::ThreadPool,
    budget: &Budget,
) -> Result<AttackGraph, DeriveError> {
    let before = Before::new(old, delta, again::WORTH);
    again(&before, snapshot, rules, pool, budget)
}

fn again(
    before: &Before<'_>,
    snapshot: &Arc<Snapshot>,
    rules: &Arc<RuleSet>,
    pool: &rayon::ThreadPool,
    budget: &Budget,
) -> Result<AttackGraph, DeriveError> {
    pool.install(|| {
        let found: Result<Vec<Option<Found>>, Stop> = rules
            .rules()
            .par_iter()
            .map(|rule| before.matches(snapshot, rule, budget))
            .collect();
        let found = found.map_err(DeriveError::Stopped)?;
        if let Some(graph) = before.patched(snapshot, rules, &found) {
            return Ok(graph);
        }
        let whole: Result<Vec<Found>, Stop> = rules
            .rules()
            .par_iter()
            .zip(found)
            .map(|(rule, found)| match found {
                Some(found) => Ok(found),
                None => before.same(snapshot, rule),
            })
            .collect();
        let whole = whole.map_err(DeriveError::Stopped)?;
        Ok(assemble::assemble(snapshot, rules, &whole)?)
    })
}

/// The likelihood after guards; 0 removes the match.
pub(super) fn guarded_likelihood(snapshot: &Snapshot, rule: &Rule, bindings: &Bindings) -> f64 {
    let mut likelihood = rule
        .likelihood
        .eval(snapshot, bindings, None)
        .clamp(0.0, 1.0);
    for guard in &rule.guards {
        if likelihood > 0.0 && guard.condition.eval(snapshot, bindings) == Some(true) {
            likelihood *= guard.factor;
        }
    }
    likelihood
}

/// The bindings that an attack graph stored for one match of `rule`.
pub(super) fn unpack(rule: &Rule, packed: &[u32]) -> Bindings {
    found::unpack(rule, packed)
}
