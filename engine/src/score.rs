//! Likelihood of steps and paths: the fixed-point cost that searches add up.

pub mod cost;
