//! From facts of many sources to one snapshot: staging, deterministic merge, correlation.

mod assemble;
mod change;
mod correlate;
mod merge;
mod staging;

pub use assemble::{Join, assemble, assemble_changed};
pub use change::Changes;
pub use staging::{StagedEdge, StagedNode, Staging, StagingError};

#[cfg(test)]
mod tests;
