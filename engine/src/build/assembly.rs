//! An assembled snapshot that the next change builds on.
//!
//! ```text
//! documents ──difference──▶ what is said otherwise ──▶ statements about the same ──merge──▶ part
//!     │                              │                                                       │
//!     └── names ──▶ joins that read them run again                   snapshot before ──with──┴──▶ snapshot
//! ```
//!
//! Merging decides about each node and each group of parallel edges on its own. So it is enough to
//! merge again what some changed statement is about, from the statements of every source about it, and
//! to put the result in place of what the snapshot says of it. A join whose names no change is about
//! states what it stated before.

mod change;
mod precedence;
mod stage;
#[cfg(test)]
mod tests;
mod touched;

use std::sync::Arc;

use crate::graph::Snapshot;
use crate::model::{Facts, SourceInfo};

use super::aliases::Aliases;
use super::assemble::{Joined, assemble_named, observed_at_ms, run};
use super::change::Changes;
use super::correlate::ROUNDS;
use super::difference::{Difference, Rows};
use super::scope::Scope;
use super::staging::{Staging, StagingError};
use change::{Change, RowsBySource};
use stage::Stage;
pub(super) use touched::{Places, Touched};

/// What one document says.
#[derive(Debug)]
pub struct Document {
    /// Where it comes from.
    pub info: SourceInfo,
    /// What it says.
    pub facts: Arc<Facts>,
}

impl Document {
    /// A document.
    pub fn new(info: SourceInfo, facts: Facts) -> Self {
        Document {
            info,
            facts: Arc::new(facts),
        }
    }

    /// The same facts, of which something else is known.
    #[must_use]
    pub fn with_info(&self, info: SourceInfo) -> Self {
        Document {
            info,
            facts: Arc::clone(&self.facts),
        }
    }
}

/// Documents and the snapshot that they give.
#[derive(Debug, Clone)]
pub struct Assembly {
    documents: Vec<Arc<Document>>,
    aliases: Arc<Aliases>,
    /// Every join, in the order of the rounds.
    joined: Vec<Joined>,
    snapshot: Arc<Snapshot>,
    /// Texts of values when all of it was assembled last.
    n_texts: usize,
}

/// With more than one node or edge in so many replaced, assembling all of it is less work.
const WORTH: usize = 3;

/// So many more texts than at first are kept although no value may have them.
const SPARE_TEXTS: usize = 65_536;

impl Assembly {
    /// Assembles all of it. O(facts log facts).
    pub fn new(documents: Vec<Arc<Document>>) -> Result<Self, StagingError> {
        let aliases = Aliases::of(documents.iter().map(|document| &*document.facts));
        let staging = staged(&documents, &aliases);
        let (snapshot, joined) = assemble_named(staging, &Changes::new())?;
        Ok(Assembly {
            n_texts: snapshot.n_texts(),
            snapshot: Arc::new(snapshot),
            aliases: Arc::new(aliases),
            documents,
            joined,
        })
    }

    /// The snapshot: that of [`super::assemble`].
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// The documents, as they were given.
    pub fn documents(&self) -> &[Arc<Document>] {
        &self.documents
    }

    /// The same of other documents: what [`Assembly::new`] gives for them. Those that are shared with
    /// this assembly are not read again; of the others only what they say otherwise counts. O(snapshot)
    /// with a few bytes a row, and O(n log n) of what changed.
    pub fn with_documents(&self, documents: Vec<Arc<Document>>) -> Result<Self, StagingError> {
        let Some(change) = Change::between(self, &documents) else {
            return Assembly::new(documents);
        };
        let Some((snapshot, joined)) = self.renewed(&change, &documents, &Changes::new(), WORTH)?
        else {
            return Assembly::new(documents);
        };
        Ok(Assembly {
            documents,
            aliases: change.aliases,
            joined,
            snapshot: Arc::new(snapshot),
            n_texts: self.n_texts,
        })
    }

    /// The snapshot that the documents would give if they were changed so.
    pub fn changed(&self, changes: &Changes) -> Result<Snapshot, StagingError> {
        if let Some(change) = Change::pretended(self, changes)
            && let Some((snapshot, _)) = self.renewed(&change, &self.documents, changes, WORTH)?
        {
            return Ok(snapshot);
        }
        let staging = staged(&self.documents, &self.aliases);
        Ok(assemble_named(staging, changes)?.0)
    }

    /// Nothing where replacing would be more work than assembling.
    fn renewed(
        &self,
        change: &Change,
        documents: &[Arc<Document>],
        changes: &Changes,
        worth: usize,
    ) -> Result<Option<(Snapshot, Vec<Joined>)>, StagingError> {
        let observed_at_ms = observed_at_ms(documents.iter().map(|document| &document.info));
        let mut joined = self.joined.clone();
        for joined in &mut joined {
            joined.observe(observed_at_ms);
        }
        let mut scope = change.scope.clone();
        let n_before = |round: usize| {
            ROUNDS[..round]
                .iter()
                .map(|joins| joins.len())
                .sum::<usize>()
        };
        let meets = |scope: &Scope, joined: &[Joined], round: usize| {
            let own = n_before(round)..n_before(round + 1);
            joined[own].iter().any(|joined| joined.scope.meets(scope))
        };
        let rounds = 0..ROUNDS.len();
        let first = rounds.clone().find(|&round| meets(&scope, &joined, round));
        let first = first.unwrap_or(ROUNDS.len());

        let mut touched = change.touched.clone();
        let dropped = &joined[n_before(first)..];
        touched.add_stated_by(&self.snapshot, |name| {
            dropped
                .iter()
                .any(|joined| *joined.document.info.name == *name)
        });
        let touched = touched.sorted(&self.snapshot);
        if touched.is_more_than(worth, &self.snapshot) {
            return Ok(None);
        }
        let stage = |n_joined: usize, joined: &[Joined]| Stage {
            documents: documents
                .iter()
                .chain(joined[..n_joined].iter().map(|joined| &joined.document))
                .enumerate()
                .filter(|(at, document)| *at < documents.len() || !document.facts.is_empty())
                .map(|(_, document)| Arc::clone(document))
                .collect(),
            aliases: &change.aliases,
            before: &self.aliases,
            changes,
            observed_at_ms,
        };
        let mut snapshot =
            stage(n_before(first), &joined).applied(&self.snapshot, &touched, &change.rows)?;
        for round in rounds.skip(first) {
            let known = scope.clone();
            for (at, join) in (n_before(round)..).zip(ROUNDS[round]) {
                if !joined[at].scope.meets(&known) {
                    continue;
                }
                let done = run(*join, &snapshot, observed_at_ms);
                let (old, new) = (&joined[at].document.facts, &done.document.facts);
                let difference = Difference::new(old, new);
                scope.add(&difference.scope);
                scope.ids |= difference.only.iter().any(|rows| !rows.is_empty());
                joined[at] = done;
            }
            let own = &joined[n_before(round)..n_before(round + 1)];
            if own.iter().all(|joined| joined.document.facts.is_empty()) {
                continue;
            }
            let stage = stage(n_before(round + 1), &joined);
            let mut touched = Touched::default();
            changes.concern(&snapshot, &change.aliases, &mut touched);
            let mut rows = RowsBySource::new();
            for joined in own {
                let facts = &joined.document.facts;
                let all = Rows::all(facts);
                let places = &mut Places::new(facts, &change.aliases);
                touched.add_rows(&snapshot, places, &all);
                rows.insert(Arc::clone(&joined.document.info.name), all);
            }
            snapshot = stage.applied(&snapshot, &touched.sorted(&snapshot), &rows)?;
        }
        let too_many = snapshot.n_texts() > 2 * self.n_texts + SPARE_TEXTS;
        Ok((!too_many).then_some((snapshot, joined)))
    }
}

/// All that documents say, with what names one thing.
fn staged(documents: &[Arc<Document>], aliases: &Aliases) -> Staging {
    let mut staging = Staging::new();
    for document in documents {
        staging.add(&document.info, &document.facts);
    }
    aliases.state(&mut staging);
    staging
}

impl Joined {
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
