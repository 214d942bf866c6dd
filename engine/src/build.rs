//! From facts of many sources to one snapshot: staging, deterministic merge, correlation.

mod assemble;
mod correlate;
mod merge;
mod staging;

pub use assemble::{Join, assemble};
pub use staging::{StagedEdge, StagedNode, Staging, StagingError};

#[cfg(test)]
mod tests;
