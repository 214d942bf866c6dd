//! Recomputation of the whole estate: exploitability and blast radius of every asset.

mod again;
mod assets;
mod checkpoint;
mod estate;

pub use again::{Affected, Computed, recompute_affected, recompute_again};
pub use assets::AssetGraph;
pub use checkpoint::{Checkpoint, NoCheckpoint, Part};
pub use estate::{AssetRisk, EstateRisk, Phase, Timing, recompute, recompute_resuming};
