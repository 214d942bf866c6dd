//! A snapshot after a change: documents first, then round by round the joins that it concerns.

use std::cell::OnceCell;
use std::sync::Arc;

use crate::build::assemble::{Joined, run};
use crate::build::change::Changes;
use crate::build::difference::{Difference, Rows};
use crate::build::scope::Scope;
use crate::build::staging::StagingError;
use crate::graph::{EdgeId, EdgeRef, NodeId, Snapshot, SourceId};
use crate::model::SourceInfo;

use super::change::{Change, RowsBySource};
use super::stage::Stage;
use super::touched::{Places, Touched};
use super::{Assembly, Document};

/// What is taken out while a join runs again, of what joins of its round and later ones state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hiding {
    /// What stands under names that it read when it last ran.
    What,
    /// All of it.
    Everything,
}

/// What comes of it.
pub(super) enum Renewed {
    Done(Box<Snapshot>, Vec<Joined>),
    /// Replacing would be more work than assembling.
    TooMuch,
    /// A join read names that it did not read before, and saw what it must not see.
    SawTooMuch,
}

/// One change of an assembly.
pub(super) struct Renewal<'a> {
    pub(super) before: &'a Assembly,
    pub(super) change: &'a Change,
    pub(super) documents: &'a [Arc<Document>],
    pub(super) changes: &'a Changes,
    pub(super) observed_at_ms: i64,
    pub(super) worth: usize,
}

impl Renewal<'_> {
    pub(super) fn run(&self, hiding: Hiding) -> Result<Renewed, StagingError> {
        let mut joins = Joins::new(self.before, self.observed_at_ms);
        let mut scope = self.change.scope.clone();
        joins.hide_from_concerned(&scope, 0, hiding);
        let mut touched = self.change.touched.clone();
        joins.take_out(&self.before.snapshot, &mut touched);
        let touched = touched.sorted(&self.before.snapshot);
        if touched.is_more_than(self.worth, &self.before.snapshot) {
            return Ok(Renewed::TooMuch);
        }
        let stage = self.stage(joins.present(0));
        let mut snapshot = stage.applied(&self.before.snapshot, &touched, &self.change.rows)?;
        let rounds = self.before.rounds;
        for (round, own) in rounds.places().enumerate() {
            let known = scope.clone();
            let mut touched = Touched::default();
            let mut rows = RowsBySource::new();
            for (at, join) in own.clone().zip(rounds.0[round]) {
                if joins.all[at].scope.meets(&known) {
                    let done = run(*join, &snapshot, self.observed_at_ms);
                    if joins.sees(&done.scope, own.start) {
                        return Ok(Renewed::SawTooMuch);
                    }
                    let earlier = std::mem::replace(&mut joins.all[at], done);
                    let (old, new) = (&earlier.document, &joins.all[at].document);
                    let difference = Difference::new(&old.facts, &new.facts);
                    scope.add(&difference.scope);
                    scope.ids |= difference.only.iter().any(|rows| !rows.is_empty());
                    if !joins.is_hidden[at] {
                        for (facts, rows) in
                            [(&old.facts, &difference.old), (&new.facts, &difference.new)]
                        {
                            let places = &mut Places::new(facts, &self.change.aliases);
                            touched.add_rows(&snapshot, places, rows);
                        }
                        if !(difference.old.is_empty() && difference.new.is_empty()) {
                            rows.insert(Arc::clone(&new.info.name), difference.new);
                        }
                    }
                }
                let Joined { document, .. } = &joins.all[at];
                if joins.is_hidden[at] && !document.facts.is_empty() {
                    let all = Rows::all(&document.facts);
                    let places = &mut Places::new(&document.facts, &self.change.aliases);
                    touched.add_rows(&snapshot, places, &all);
                    rows.insert(Arc::clone(&document.info.name), all);
                }
            }
            let takes_out = joins.hide_from_concerned(&scope, round + 1, hiding);
            if rows.is_empty() && !takes_out {
                continue;
            }
            joins.take_out(&snapshot, &mut touched);
            let aliases = &self.change.aliases;
            self.changes.concern(&snapshot, aliases, &mut touched);
            let stage = self.stage(joins.present(round + 1));
            snapshot = stage.applied(&snapshot, &touched.sorted(&snapshot), &rows)?;
        }
        Ok(Renewed::Done(Box::new(snapshot), joins.all))
    }

    /// Merges the documents and what these joins state.
    fn stage<'b>(&'b self, joined: impl Iterator<Item = &'b Arc<Document>>) -> Stage<'b> {
        Stage {
            documents: self.documents.iter().chain(joined).cloned().collect(),
            aliases: &self.change.aliases,
            before: &self.before.aliases,
            changes: self.changes,
            observed_at_ms: self.observed_at_ms,
        }
    }
}

/// What the joins state while some of them run again.
struct Joins<'a> {
    before: &'a Assembly,
    all: Vec<Joined>,
    /// Whether it is there for nobody before its round is over.
    is_hidden: Vec<bool>,
    /// Whether it is still to be taken out of the snapshot.
    is_due: Vec<bool>,
    /// Whether there may be nodes only because of it; few joins ask for nodes by id.
    brings_nodes: OnceCell<Vec<bool>>,
}

impl<'a> Joins<'a> {
    fn new(before: &'a Assembly, observed_at_ms: i64) -> Self {
        let mut all = before.joined.clone();
        for joined in &mut all {
            joined.observe(observed_at_ms);
        }
        Joins {
            is_hidden: vec![false; all.len()],
            is_due: vec![false; all.len()],
            brings_nodes: OnceCell::new(),
            before,
            all,
        }
    }

    /// Hides from the joins of this round and later ones that `scope` concerns what they must not
    /// see. Whether anything is hidden now that was not.
    fn hide_from_concerned(&mut self, scope: &Scope, round: usize, hiding: Hiding) -> bool {
        let mut takes_out = false;
        for own in self.before.rounds.places().skip(round) {
            for reader in own.clone().filter(|&at| self.all[at].scope.meets(scope)) {
                for at in own.start..self.all.len() {
                    let is_in_the_way =
                        hiding == Hiding::Everything || self.is_seen(&self.all[reader].scope, at);
                    if is_in_the_way && !self.is_hidden[at] && !self.before.joined[at].is_silent() {
                        self.is_hidden[at] = true;
                        self.is_due[at] = true;
                        takes_out = true;
                    }
                }
            }
        }
        takes_out
    }

    /// Whether who reads these names sees what a join stated before.
    fn is_seen(&self, reads: &Scope, at: usize) -> bool {
        let stated = &self.before.joined[at];
        let is_met = reads.meets(&stated.states) || reads.ids && self.brings_nodes(at);
        is_met && !stated.is_silent()
    }

    fn brings_nodes(&self, at: usize) -> bool {
        let Assembly {
            snapshot, joined, ..
        } = self.before;
        self.brings_nodes
            .get_or_init(|| brings_nodes(snapshot, joined))[at]
    }

    /// Whether a join that read these names saw what some join from `first` on states.
    fn sees(&self, reads: &Scope, first: usize) -> bool {
        let mut others = first..self.all.len();
        others.any(|at| !self.is_hidden[at] && self.is_seen(reads, at))
    }

    /// What is to be taken out of the snapshot is touched.
    fn take_out(&mut self, snapshot: &Snapshot, touched: &mut Touched) {
        touched.add_stated_by(snapshot, |name| {
            let mut due = self.all.iter().zip(&self.is_due);
            due.any(|(joined, &is_due)| is_due && *joined.document.info.name == *name)
        });
        self.is_due.fill(false);
    }

    /// What is stated after so many rounds.
    fn present(&self, n_rounds: usize) -> impl Iterator<Item = &Arc<Document>> {
        let n_done = self
            .before
            .rounds
            .places()
            .take(n_rounds)
            .last()
            .map_or(0, |own| own.end);
        let all = self.all.iter().enumerate().filter(move |&(at, joined)| {
            (at < n_done || !self.is_hidden[at]) && !joined.is_silent()
        });
        all.map(|(_, joined)| &joined.document)
    }
}

impl Joined {
    fn is_silent(&self) -> bool {
        self.document.facts.is_empty()
    }

    /// The same facts at another time.
    fn observe(&mut self, observed_at_ms: i64) {
        if self.document.info.observed_at_ms != observed_at_ms {
            let info = SourceInfo {
                observed_at_ms,
                ..self.document.info.clone()
            };
            self.document = Arc::new(self.document.with_info(info));
        }
    }
}

/// For each join whether it states something of a node that no document states.
fn brings_nodes(snapshot: &Snapshot, joined: &[Joined]) -> Vec<bool> {
    let joins = snapshot.sources().iter().map(|source| {
        let mut joined = joined.iter();
        joined.position(|joined| joined.document.info.name == source.name)
    });
    let joins: Vec<Option<usize>> = joins.collect();
    let mut brings = vec![false; joined.len()];
    let is_stated = |node: NodeId| {
        let sources = snapshot.node_sources(node).iter();
        sources
            .into_iter()
            .any(|source| joins[source.0 as usize].is_none())
    };
    let by_join = |sources: &[SourceId]| sources.iter().any(|s| joins[s.0 as usize].is_some());
    let mut mark = |sources: &[SourceId]| {
        for at in sources.iter().filter_map(|s| joins[s.0 as usize]) {
            brings[at] = true;
        }
    };
    for node in snapshot.nodes_by_sources(by_join) {
        if !is_stated(NodeId(node)) {
            mark(snapshot.node_sources(NodeId(node)));
        }
    }
    for edge in snapshot.edges_by_sources(by_join) {
        let edge = EdgeId(edge);
        let EdgeRef { source, target, .. } = snapshot.edge(edge);
        if !(is_stated(source) && is_stated(target)) {
            mark(snapshot.edge_sources(edge));
        }
    }
    brings
}
