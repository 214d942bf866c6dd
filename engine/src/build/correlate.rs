//! Correlation: the joins between documents, one file each.

mod cloud;
mod exposure;
mod federation;
mod images;
mod membership;
mod reach;
mod rights;
mod schedule;
mod services;
mod view;

use super::assemble::Join;
use super::staging::Staging;

/// The joins, round by round.
pub(super) const ROUNDS: &[&[&dyn Join]] = &[
    &[
        &cloud::Assumption,
        &cloud::Permissions,
        &cloud::Profiles,
        &exposure::Exposed,
        &federation::Federation,
        &images::Builds,
        &images::Images,
        &membership::Membership,
        &reach::Reach,
        &rights::ClusterRights,
        &services::Services,
    ],
    &[&schedule::Schedule],
];

/// Identity: which ids name one thing. Runs before the merge.
pub(super) fn identity(_staging: &mut Staging) {}
