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
mod renewal;
mod stage;
#[cfg(test)]
mod tests;
mod touched;

use std::sync::Arc;

use crate::graph::Snapshot;
use crate::model::{Facts, SourceInfo};

use super::aliases::Aliases;
use super::assemble::{Joined, Rounds, assemble_named, observed_at_ms};
use super::change::Changes;
use super::correlate::ROUNDS;
use super::staging::{Staging, StagingError};
use change::Change;
use renewal::{Hiding, Renewal, Renewed};
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
    rounds: Rounds,
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
        Self::joining(documents, ROUNDS)
    }

    fn joining(documents: Vec<Arc<Document>>, rounds: Rounds) -> Result<Self, StagingError> {
        let aliases = Aliases::of(documents.iter().map(|document| &*document.facts));
        let staging = staged(&documents, &aliases);
        let (snapshot, joined) = assemble_named(staging, &Changes::new(), rounds)?;
        Ok(Assembly {
            n_texts: snapshot.n_texts(),
            snapshot: Arc::new(snapshot),
            aliases: Arc::new(aliases),
            documents,
            rounds,
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
            return Assembly::joining(documents, self.rounds);
        };
        let Some((snapshot, joined)) = self.renewed(&change, &documents, &Changes::new(), WORTH)?
        else {
            return Assembly::joining(documents, self.rounds);
        };
        Ok(Assembly {
            documents,
            aliases: change.aliases,
            rounds: self.rounds,
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
        Ok(assemble_named(staging, changes, self.rounds)?.0)
    }

    /// Nothing where replacing would be more work than assembling.
    fn renewed(
        &self,
        change: &Change,
        documents: &[Arc<Document>],
        changes: &Changes,
        worth: usize,
    ) -> Result<Option<(Snapshot, Vec<Joined>)>, StagingError> {
        for hiding in [Hiding::What, Hiding::Everything] {
            let renewal = Renewal {
                before: self,
                change,
                documents,
                changes,
                observed_at_ms: observed_at_ms(documents.iter().map(|document| &document.info)),
                worth,
            };
            match renewal.run(hiding)? {
                Renewed::Done(snapshot, joined) => {
                    let too_many = snapshot.n_texts() > 2 * self.n_texts + SPARE_TEXTS;
                    return Ok((!too_many).then_some((*snapshot, joined)));
                }
                Renewed::TooMuch => return Ok(None),
                Renewed::SawTooMuch => {}
            }
        }
        Ok(None)
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
