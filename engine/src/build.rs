//! From facts of many sources to one snapshot: staging, deterministic merge, correlation.

mod merge;
mod staging;

pub use staging::{StagedEdge, StagedNode, Staging, StagingError};

#[cfg(test)]
mod tests;
