//! Every search over the attack graph's topology: fast, deterministic and exact.
//!
//! A search sees states `0..n` and steps; what a state or a step *means* (asset, capability, rule,
//! evidence) stays with `attack::AttackGraph`, which owns one [`StepGraph`].

mod bits;
mod blast;
mod cheapest;
mod closure;
mod components;
mod cut;
mod dominators;
mod fix_plan;
mod frontier;
mod loss;
pub mod paths;
mod random;
mod reach;
mod sample;
#[cfg(test)]
mod testing;
pub mod topology;
mod view;

pub use bits::Bits;
pub use blast::{BlastSizes, blast_sizes};
pub use cheapest::{Cheapest, SideCosts, cheapest_from, cheapest_to};
pub use closure::{closure, closure_within};
pub use components::{Components, Condensation, Links, components};
pub use cut::{Capacity, Cut, Cuttable, minimum_cut};
pub use dominators::{Dominators, choke_points_of, dominators};
pub use fix_plan::{FixPlan, Fixes, PlanGoal, PlanQuality, PlannedFix, fix_plan, fix_plan_within};
pub use loss::{ExpectedLoss, ValuedAsset, expected_loss_of_all};
pub use paths::{AttackPath, PathQuery, Top, attack_paths, side_steps, stream_attack_paths};
pub use reach::{Reach, reach_of_all};
pub use sample::{Estimate, Sampled, probability_ceilings, sample};
pub use topology::{StateId, StepGraph, StepGraphBuilder, StepId, TopologyError};
pub use view::{Additions, AndStep, StepParts, Topology, View};
