//! From facts of many sources to one snapshot: staging, deterministic merge, correlation.

mod aliases;
mod assemble;
mod assembly;
mod change;
mod correlate;
mod difference;
mod merge;
mod scope;
mod staging;

use assemble::Join;
pub use assemble::{assemble, assemble_changed};
pub use assembly::{Assembly, Document};
pub use change::Changes;
pub use staging::{StagedEdge, StagedNode, Staging, StagingError};

#[cfg(test)]
mod tests;
