//! Correlation: the joins between documents, one file each.

mod membership;
mod schedule;

use super::assemble::Join;
use super::staging::Staging;

/// The joins, round by round.
pub(super) const ROUNDS: &[&[&dyn Join]] = &[&[&membership::Membership], &[&schedule::Schedule]];

/// Identity: which ids name one thing. Runs before the merge.
pub(super) fn identity(_staging: &mut Staging) {}
