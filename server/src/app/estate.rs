//! Where questions are asked: a store with its past, or files with none.

use std::sync::Arc;

use super::App;
use super::world::World;

/// Something that questions can be asked of.
#[derive(Clone)]
pub(crate) enum Estate {
    /// A store.
    Stored(Arc<App>),
    /// Files, read into memory.
    Loaded {
        /// What they say.
        world: Arc<World>,
        /// Where graph work runs.
        pool: Arc<rayon::ThreadPool>,
    },
}

impl Estate {
    /// The newest world.
    pub(crate) fn world(&self) -> Arc<World> {
        match self {
            Estate::Stored(app) => app.world(),
            Estate::Loaded { world, .. } => Arc::clone(world),
        }
    }

    /// Where graph work runs.
    pub(crate) fn pool(&self) -> &Arc<rayon::ThreadPool> {
        match self {
            Estate::Stored(app) => app.pool(),
            Estate::Loaded { pool, .. } => pool,
        }
    }
}
