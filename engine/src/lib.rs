//! The graph, the attack model and every search of Foothold.
//!
//! ```text
//! documents -> loaders -> model::Facts -> build -> graph::Snapshot -> attack (rules) -> AttackGraph -> search
//! ```
//!
//! The crate is synchronous, takes no clock and no randomness but a given seed, and touches files
//! only in `store`. Same input, same bytes out, at any thread count.

pub mod attack;
mod bits;
pub mod budget;
pub mod build;
pub mod graph;
pub mod memory;
pub mod model;
pub mod pattern;
pub mod recompute;
pub mod score;
pub mod search;
pub mod store;
