//! Recomputation of the whole estate: exploitability and blast radius of every asset.

mod assets;
mod estate;

pub use assets::AssetGraph;
pub use estate::{AssetRisk, EstateRisk, Phase, Timing, recompute};
