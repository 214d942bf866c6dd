//! The composition root that the command line and HTTP both stand on.
//!
//! ```text
//! paths -> loaders -> store -> staging and joins -> snapshot -> rules -> attack graph = World
//! ```
//!
//! The current [`World`] sits in a cell and is swapped whole: whoever took it keeps it, and nobody
//! ever sees half an import.

mod checkpoint;
mod compare;
mod complete;
mod deadline;
mod diff;
mod error;
mod estate;
mod fql;
mod import;
mod recompute;
mod rules;
mod timings;
mod upload;
mod what_if;
mod world;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use foothold_engine::store::{KvStore, Recovery, SnapshotId, Store, StoreError, StoreOptions};

use crate::clock;

pub(crate) use compare::{Difference, Kind as DifferenceKind, as_object};
pub(crate) use complete::{byte_offset, complete, complete_in_bytes};
pub(crate) use diff::diff_text;
pub(crate) use error::AppError;
pub(crate) use estate::Estate;
pub(crate) use fql::{
    Allowance, Mode, Part, Question, Refused, Unanswered, ask, ask_streaming, params_from_json,
    validate,
};
pub(crate) use import::{ImportRequest, import_into_store, load_without_store};
pub(crate) use recompute::{Analysis, percent, phase_name, recompute};
pub(crate) use rules::{InForce, files_below, read as read_text};
pub(crate) use timings::search_timings;
pub(crate) use upload::{import_upload, imported_documents};
pub(crate) use world::World;

/// The result of what the application does.
pub(crate) type Result<T> = std::result::Result<T, AppError>;

/// How many older worlds are kept for questions about the past.
const N_CACHED_WORLDS: usize = 2;

/// A store, the pool that graph work runs on, and the current world.
pub(crate) struct App {
    store: Store,
    pool: Arc<rayon::ThreadPool>,
    current: RwLock<Arc<World>>,
    older: Mutex<Vec<Arc<World>>>,
    /// The newest whole analysis.
    analysis: Mutex<Option<Arc<Analysis>>>,
    /// One import at a time, from reading its files to serving their graph.
    importing: Mutex<()>,
}

impl App {
    /// Opens the folder and builds the world of its newest snapshot.
    pub(crate) fn open(
        db: &Path,
        options: StoreOptions,
        n_threads: usize,
        rules: &Arc<InForce>,
    ) -> Result<(Self, Recovery)> {
        let (store, recovery) = Store::open(db, options)?;
        let pool = new_pool(n_threads)?;
        let world = World::from_store(&store, rules, &pool)?;
        pool.install(|| world.snapshot.prepare_searches());
        let app = Self {
            store,
            pool,
            current: RwLock::new(Arc::new(world)),
            older: Mutex::new(Vec::new()),
            analysis: Mutex::new(None),
            importing: Mutex::new(()),
        };
        Ok((app, recovery))
    }

    /// The current world.
    pub(crate) fn world(&self) -> Arc<World> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The world of a snapshot of the past, or the current one.
    pub(crate) fn world_at(&self, id: Option<SnapshotId>) -> Result<Arc<World>> {
        let current = self.world();
        let Some(id) = id else {
            return Ok(current);
        };
        if current.id == Some(id) {
            return Ok(current);
        }
        let find = |worlds: &[Arc<World>]| worlds.iter().find(|it| it.id == Some(id)).cloned();
        if let Some(world) = find(&self.older.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(world);
        }
        let world = World::beside(&current, &self.store, Some(id), &self.pool)?;
        let world = Arc::new(world);
        let mut older = self.older.lock().unwrap_or_else(PoisonError::into_inner);
        older.insert(0, Arc::clone(&world));
        older.truncate(N_CACHED_WORLDS);
        Ok(world)
    }

    /// The world that a text names: a snapshot's id, or an instant that lies in its time.
    pub(crate) fn world_named(&self, text: &str) -> Result<Arc<World>> {
        if let Ok(id) = text.parse::<SnapshotId>() {
            return self.world_at(Some(id));
        }
        let unknown = || StoreError::UnknownSnapshot {
            id: text.to_owned(),
        };
        let at_ms = clock::parse(text).ok_or_else(unknown)?;
        let snapshots = self.store.segments().snapshots();
        let entry = snapshots
            .iter()
            .rev()
            .find(|entry| entry.created_at_ms <= at_ms)
            .ok_or_else(unknown)?;
        self.world_at(Some(entry.id))
    }

    /// The store.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// The small records.
    pub(crate) fn records(&self) -> &Arc<dyn KvStore> {
        self.store.records()
    }

    /// Where graph work runs.
    pub(crate) fn pool(&self) -> &Arc<rayon::ThreadPool> {
        &self.pool
    }

    /// Removes sources and serves what is left; returns how many there were.
    pub(crate) fn remove_sources(&self, names: &[&str], now_ms: i64) -> Result<usize> {
        let _one = self
            .importing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let n_removed = self.store.segments().remove(names, now_ms)?;
        if n_removed > 0 {
            self.serve_newest()?;
        }
        Ok(n_removed)
    }

    /// Serves the newest stored snapshot.
    fn serve_newest(&self) -> Result<()> {
        let world = World::beside(&self.world(), &self.store, None, &self.pool)?;
        let snapshot = Arc::clone(&world.snapshot);
        // What is known of sources by now holds for the past as well.
        self.older
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|older| older.has_sources_of(&self.store).unwrap_or(false));
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(world);
        // Answers are the same without.
        self.pool.spawn(move || snapshot.prepare_searches());
        Ok(())
    }
}

/// Twice what the deepest query takes in a debug build; a test of the language measures it.
const QUERY_STACK_BYTES: usize = 16 << 20;

/// A pool of its own: graph work never runs on the global one. Zero threads means one per core.
pub(crate) fn new_pool(n_threads: usize) -> Result<Arc<rayon::ThreadPool>> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(n_threads)
        // Queries nest as deep as the language admits.
        .stack_size(QUERY_STACK_BYTES)
        .thread_name(|idx| format!("graph-{idx}"))
        .build()
        .map(Arc::new)
        .map_err(|error| AppError::Threads(error.to_string()))
}
