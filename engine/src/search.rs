//! Every search over the attack graph's topology: fast, deterministic and exact.
//!
//! A search sees states `0..n` and steps; what a state or a step *means* (asset, capability, rule,
//! evidence) stays with `attack::AttackGraph`, which owns one [`StepGraph`].

mod bits;
mod cheapest;
mod frontier;
pub mod paths;
#[cfg(test)]
mod random;
#[cfg(test)]
mod testing;
pub mod topology;
mod view;

pub use bits::Bits;
pub use cheapest::{Cheapest, SideCosts, cheapest_from, cheapest_to};
pub use paths::{AttackPath, PathQuery, Top, attack_paths, side_steps, stream_attack_paths};
pub use topology::{StateId, StepGraph, StepGraphBuilder, StepId, TopologyError};
pub use view::{Additions, AndStep, StepParts, Topology, View};
