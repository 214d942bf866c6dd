//! Correlation: the joins between documents, one file each.

mod apis;
mod cloud;
mod criticality;
mod exposure;
mod federation;
mod findings;
mod identity;
mod images;
mod membership;
mod owners;
mod reach;
mod rights;
mod schedule;
mod services;
mod stores;
mod unlisted;
mod view;

use super::assemble::Join;
use super::staging::Staging;

/// The joins, round by round.
pub(super) const ROUNDS: &[&[&dyn Join]] = &[
    &[
        &apis::Apis,
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
        &stores::Stores,
    ],
    &[
        &criticality::Criticality,
        &findings::Findings,
        &owners::Owners,
        &schedule::Schedule,
        &unlisted::Unlisted,
    ],
];

/// Identity: which ids name one thing. Runs before the merge.
pub(super) fn identity(staging: &mut Staging) {
    identity::decide(staging);
}
