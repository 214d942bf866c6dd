//! Correlation: the joins between documents, one file each.

mod exposure;
mod membership;
mod reach;
mod schedule;
mod services;
mod view;

use super::assemble::Join;
use super::staging::Staging;

/// The joins, round by round.
pub(super) const ROUNDS: &[&[&dyn Join]] = &[
    &[
        &exposure::Exposed,
        &membership::Membership,
        &reach::Reach,
        &services::Services,
    ],
    &[&schedule::Schedule],
];

/// Identity: which ids name one thing. Runs before the merge.
pub(super) fn identity(_staging: &mut Staging) {}
