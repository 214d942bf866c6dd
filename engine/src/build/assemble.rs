//! From staged facts to the snapshot that rules and queries see: identity, merge, joins.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::graph::Snapshot;
use crate::model::{Facts, SourceInfo};

use super::assembly::Document;
use super::change::Changes;
use super::correlate::view::{Asked, View};
use super::correlate::{Identity, ROUNDS};
use super::merge::Orders;
use super::scope::Scope;
use super::staging::{Staging, StagingError};

/// A join: reads what documents say and states what follows from several of them.
///
/// Joins of one round see the same snapshot and not each other's facts. Everything a join states
/// goes through [`Facts::infer`], so that each edge carries its method and confidence.
pub(super) trait Join: Sync {
    /// The name of the join, as the source of its facts: `correlation/<name>`.
    fn name(&self) -> &'static str;

    /// Which source wins when two set one property, as in [`SourceInfo::authority`].
    fn authority(&self) -> u8 {
        0
    }

    /// States what follows. Must not depend on the order of anything but the snapshot's ids.
    fn run(&self, view: View<'_>, facts: &mut Facts);
}

/// Joins, round by round.
#[derive(Clone, Copy)]
pub(super) struct Rounds(pub(super) &'static [&'static [&'static dyn Join]]);

impl Rounds {
    /// The joins of each round by their place among all.
    pub(super) fn places(self) -> impl Iterator<Item = Range<usize>> {
        self.0.iter().scan(0, |next, joins| {
            let first = *next;
            *next += joins.len();
            Some(first..*next)
        })
    }
}

impl fmt::Debug for Rounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |joins: &&[&dyn Join]| joins.iter().map(|join| join.name()).collect();
        let rounds: Vec<Vec<&str>> = self.0.iter().map(names).collect();
        rounds.fmt(f)
    }
}

/// What a join stated when it last ran.
#[derive(Debug, Clone)]
pub(super) struct Joined {
    /// Perhaps without facts.
    pub(super) document: Arc<Document>,
    /// What it read.
    pub(super) scope: Scope,
    /// The names of what it stated.
    pub(super) states: Scope,
}

/// Decides identities, merges, and runs every round of joins. Between rounds the snapshot is
/// rebuilt, so a later round reads what an earlier one stated.
pub fn assemble(staging: Staging) -> Result<Snapshot, StagingError> {
    assemble_changed(staging, &Changes::new())
}

/// The same after changes to what documents state: the snapshot that the changed documents would
/// give.
pub fn assemble_changed(mut staging: Staging, changes: &Changes) -> Result<Snapshot, StagingError> {
    for (id, canonical) in Identity::of_staging(&staging).aliases() {
        staging.alias(&id, &canonical);
    }
    Ok(assemble_named(staging, changes, ROUNDS)?.0)
}

/// The same of facts whose identities are decided, with what each join stated, in the order of the
/// rounds.
pub(super) fn assemble_named(
    mut staging: Staging,
    changes: &Changes,
    rounds: Rounds,
) -> Result<(Snapshot, Vec<Joined>), StagingError> {
    let observed_at_ms = observed_at_ms(staging.sources.iter());
    changes.apply(&mut staging, 0, 0);
    changes.add_to(&mut staging, observed_at_ms);
    let mut orders = Orders::default();
    let mut snapshot = staging.snapshot_after(&mut orders)?;
    let mut joined = Vec::new();
    for round in rounds.0 {
        let mut added = false;
        for join in *round {
            let done = run(*join, &snapshot, observed_at_ms);
            if !done.document.facts.is_empty() {
                added = true;
                let (n_nodes, n_edges) = staging.len();
                staging.add(&done.document.info, &done.document.facts);
                changes.apply(&mut staging, n_nodes, n_edges);
            }
            joined.push(done);
        }
        if added {
            snapshot = staging.snapshot_after(&mut orders)?;
        }
    }
    Ok((snapshot, joined))
}

/// When the newest of these documents was observed.
pub(super) fn observed_at_ms<'a>(sources: impl Iterator<Item = &'a SourceInfo>) -> i64 {
    let times = sources.map(|info| info.observed_at_ms);
    times.max().unwrap_or(0)
}

/// Runs one join on what earlier rounds made.
pub(super) fn run(join: &dyn Join, snapshot: &Snapshot, observed_at_ms: i64) -> Joined {
    let asked = Asked::new(snapshot);
    let mut facts = Facts::new();
    join.run(View::noting(snapshot, &asked), &mut facts);
    let info = SourceInfo {
        name: Arc::from(format!("correlation/{}", join.name())),
        format: Arc::from("correlation"),
        observed_at_ms,
        authority: join.authority(),
        ..SourceInfo::default()
    };
    Joined {
        states: Scope::of(&facts),
        document: Arc::new(Document::new(info, facts)),
        scope: asked.into_scope(snapshot),
    }
}
