//! Every search over the attack graph's topology: fast, deterministic and exact.
//!
//! A search sees states `0..n` and steps; what a state or a step *means* (asset, capability, rule,
//! evidence) stays with `attack::AttackGraph`, which owns one [`StepGraph`]. Every search runs on
//! the graph or on a [`View`] of it (steps and states hidden or added, nothing copied; a fix plan
//! makes its own views), under a [`crate::budget::Budget`]. What runs in parallel does so in the pool
//! that the caller hands in, and gives the same bytes as with one thread.
//!
//! | question | search | with AND steps |
//! |---|---|---|
//! | exploitability of all states | [`cheapest_from`] | exact for derivation trees; a shared premise is paid twice, so the likelihood is a lower bound |
//! | at least one path succeeds | [`sample`], [`probability_ceilings`] | exact in every world; ceilings hold |
//! | k most likely paths | [`attack_paths`], [`stream_attack_paths`] | chains of main premises, each with its cheapest side derivations |
//! | what falls with a state, and how likely | [`cheapest_from`], [`cheapest_from_holding`], [`closure`]; within so many steps [`cheapest_within_steps`] | exact as above |
//! | crown-jewel value reached from every state | [`reach_of_all`] | upper bound |
//! | size and value of every blast radius | [`blast_sizes`] | exact |
//! | the same, estimated with a stated error | [`estimate_blast_sizes`] | of an upper bound |
//! | expected loss of every state | [`expected_loss_of_all`] | along main premises, sides paid as [`SideCosts`] says |
//! | costs that stay fresh while steps change | [`FreshCosts`] | exact from starts; towards assets as `SideCosts::free` |
//! | crown-jewel value that stays fresh while steps change | [`FreshReach`] | upper bound, as [`reach_of_all`] |
//! | choke points | [`dominators`]; [`choke_points_of`] for given targets | each found is one, some may be missing; exact for given targets |
//! | cheapest cut | [`minimum_cut`]; [`smallest_cut`] of equal costs | separates, perhaps not at the least cost; exact, or with a bound |
//! | cheapest fixes | [`fix_plan`], [`fix_plan_within`] | exact |
//! | components | [`components`], [`Condensation`] | as [`Links`] says |

mod blast;
mod cheapest;
mod closure;
mod components;
mod cut;
mod dominators;
mod fix_plan;
mod fresh_costs;
mod fresh_reach;
mod frontier;
mod left_out;
mod loss;
pub mod paths;
mod random;
mod reach;
mod sample;
mod sketch;
#[cfg(test)]
mod testing;
pub mod topology;
mod view;
mod within_steps;

pub use crate::bits::Bits;
pub use blast::{BlastSizes, blast_sizes};
pub use cheapest::{Cheapest, SideCosts, cheapest_from, cheapest_from_holding, cheapest_to};
pub use closure::{closure, closure_within};
pub use components::{Components, Condensation, Links, components};
pub use cut::{Capacity, Cut, Cuttable, Cutting, Effort, ProvenCut, minimum_cut, smallest_cut};
pub use dominators::{Dominators, choke_points_of, dominators};
pub use fix_plan::{FixPlan, Fixes, PlanGoal, PlanQuality, PlannedFix, fix_plan, fix_plan_within};
pub use fresh_costs::{FreshCosts, StepChange};
pub use fresh_reach::FreshReach;
pub use left_out::left_out;
pub use loss::{ExpectedLoss, LossSearch, ValuedAsset, expected_loss_of_all, loss_in_units};
pub use paths::{AttackPath, PathQuery, Top, attack_paths, side_steps, stream_attack_paths};
pub use reach::{Reach, reach_of_all};
pub use sample::{Estimate, Sampled, probability_ceilings, sample};
pub use sketch::{SizeEstimate, SizeEstimates, estimate_blast_sizes};
pub use topology::{StateId, StepGraph, StepGraphBuilder, StepId, TopologyError};
pub use view::{Additions, AndStep, StepParts, Topology, View};
pub use within_steps::cheapest_within_steps;
