//! Wire types: what clients see, converted by hand from what the engine knows, so that the engine's
//! own types promise nothing.

pub(crate) mod answer;
pub(crate) mod asset;
pub(crate) mod graph;
pub(crate) mod import;
pub(crate) mod job;
pub(crate) mod list;
pub(crate) mod policy;
pub(crate) mod schema;
pub(crate) mod store;
pub(crate) mod text;
pub(crate) mod viz;
