//! The tables of small records, and the versions of what lies in them.

use foothold_engine::store::Table;

/// Saved queries, by number.
pub(crate) const QUERIES: Table = Table(1);
/// Policies that users added, by name.
pub(crate) const POLICIES: Table = Table(2);
/// Runs of policies, by policy and number.
pub(crate) const RUNS: Table = Table(3);
/// Jobs, by number.
pub(crate) const JOBS: Table = Table(4);
/// Documents of imports, by job and position.
pub(crate) const DOCUMENTS: Table = Table(5);
/// Parts of recomputations that have not ended, by what they are of.
pub(crate) const CHECKPOINTS: Table = Table(6);

/// The version of every record type of this release.
pub(crate) const VERSION: u8 = 1;
