//! Likelihood of steps and paths: the scoring model, the likelihood of a vulnerability step, and
//! the fixed-point cost that searches add up.

pub mod cost;
mod exploit;
mod model;

pub use exploit::{ExploitFacts, exploit_likelihood};
pub use model::{ExploitModel, ScoringModel};
