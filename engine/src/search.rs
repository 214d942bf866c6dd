//! Every search over the attack graph's topology: fast, deterministic and exact.
//!
//! A search sees states `0..n` and steps; what a state or a step *means* (asset, capability, rule,
//! evidence) stays with `attack::AttackGraph`, which owns one [`StepGraph`].

pub mod topology;

pub use topology::{StateId, StepGraph, StepGraphBuilder, StepId, TopologyError};
