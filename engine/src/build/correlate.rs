//! Correlation: the joins between documents, one file each.

mod apis;
mod cloud;
mod criticality;
mod exposure;
mod federation;
mod findings;
mod identity;
mod images;
mod leaks;
mod membership;
mod openings;
mod owners;
mod pipelines;
mod reach;
mod registries;
mod rights;
mod schedule;
mod services;
mod stores;
mod supplier_word;
mod unlisted;
pub(super) mod view;

use super::assemble::Rounds;

pub(super) use identity::Identity;

/// The joins, round by round.
pub(super) const ROUNDS: Rounds = Rounds(&[
    &[
        &apis::Apis,
        &cloud::Assumption,
        &cloud::Permissions,
        &cloud::Profiles,
        &exposure::Exposed,
        &federation::Federation,
        &images::Builds,
        &images::Images,
        &leaks::Leaks,
        &membership::Membership,
        &openings::Openings,
        &pipelines::Pipelines,
        &reach::Reach,
        &registries::Registries,
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
        &supplier_word::SupplierWord,
    ],
]);
