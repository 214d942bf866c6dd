//! Bulk recomputation: exploitability and blast radius of every asset.

use std::sync::{Arc, PoisonError};

use foothold_engine::budget::{Budget, Stop};
use foothold_engine::graph::SnapshotDelta;
use foothold_engine::recompute::{
    Affected, Checkpoint, Computed, EstateRisk, NoCheckpoint, Phase, Timing, recompute_affected,
    recompute_resuming,
};
use foothold_engine::store::StoreError;

use super::App;
use super::checkpoint::StoredCheckpoint;
use super::world::World;
use crate::clock::Stopwatch;
use crate::jobs::{JobFailure, JobHandle};

/// What every asset of a world risks and endangers.
pub(crate) struct Analysis {
    /// The world it speaks of.
    pub(crate) world: Arc<World>,
    /// One entry an asset.
    pub(crate) risk: EstateRisk,
    /// Why it is partial, if it is.
    pub(crate) stop: Option<Stop>,
    /// How long it took.
    pub(crate) elapsed_ms: f64,
    /// How many assets had their blast radius computed; the others have it from the analysis before.
    pub(crate) n_computed: usize,
}

impl Analysis {
    /// Computes everything that the checkpoint does not hold.
    pub(crate) fn new(
        world: &Arc<World>,
        pool: &rayon::ThreadPool,
        budget: &Budget,
        progress: &(dyn Fn(Timing) + Sync),
        checkpoint: &dyn Checkpoint,
    ) -> Self {
        let watch = Stopwatch::start();
        let starts = world.internet_states();
        let attack = &world.attack;
        let above = world.rules.estimate_above;
        let outcome =
            recompute_resuming(attack, &starts, pool, budget, progress, checkpoint, above);
        let (risk, stop) = outcome.into_parts();
        Self {
            n_computed: risk.assets.len(),
            world: Arc::clone(world),
            risk,
            stop,
            elapsed_ms: watch.elapsed_ms(),
        }
    }

    /// The analysis of a world that came after this one: only of what the change between them
    /// affects, with the result of computing everything. Nothing where that would not be less work, or
    /// where sizes are estimated.
    fn after(
        &self,
        world: &Arc<World>,
        pool: &rayon::ThreadPool,
        budget: &Budget,
        progress: &(dyn Fn(Timing) + Sync),
    ) -> Option<Self> {
        let watch = Stopwatch::start();
        let is_estimated = world.attack.n_states() > world.rules.estimate_above;
        if self.stop.is_some() || self.risk.size_error.is_some() || is_estimated {
            return None;
        }
        let old = Computed {
            graph: &self.world.attack,
            risk: &self.risk,
        };
        let phase = Phase::Prepare;
        progress(Timing { phase, done: 0.0 });
        let delta = pool.install(|| SnapshotDelta::new(&self.world.snapshot, &world.snapshot));
        let affected = Affected::new(old.graph, &world.attack, &delta);
        if !affected.is_few() {
            return None;
        }
        let phase = Phase::BlastRadius;
        progress(Timing { phase, done: 0.25 });
        let starts = world.internet_states();
        let change = (&delta, &affected);
        let outcome = recompute_affected(old, &world.attack, change, &starts, pool, budget);
        let (risk, stop) = outcome.into_parts();
        Some(Self {
            world: Arc::clone(world),
            risk,
            stop,
            elapsed_ms: watch.elapsed_ms(),
            n_computed: affected.n_assets(),
        })
    }
}

impl App {
    /// The newest whole analysis of the current world, if there is one.
    pub(crate) fn analysis(&self) -> Option<Arc<Analysis>> {
        let analysis = self.analysis.lock().unwrap_or_else(PoisonError::into_inner);
        let world = self.world();
        analysis
            .as_ref()
            .filter(|analysis| Arc::ptr_eq(&analysis.world, &world))
            .cloned()
    }

    /// The newest whole analysis, of whichever world.
    fn last_analysis(&self) -> Option<Arc<Analysis>> {
        let analysis = self.analysis.lock().unwrap_or_else(PoisonError::into_inner);
        analysis.clone()
    }

    /// Keeps an analysis, unless it is partial.
    pub(crate) fn keep_analysis(&self, analysis: &Arc<Analysis>) {
        if analysis.stop.is_none() {
            *self.analysis.lock().unwrap_or_else(PoisonError::into_inner) =
                Some(Arc::clone(analysis));
        }
    }
}

/// The work of a recomputation job. What an earlier one over the same snapshot and rules had done
/// when it was cancelled, or the process died, is not done again; nor is what the changes since the
/// last whole analysis do not affect.
pub(crate) fn recompute(app: &App, job: &JobHandle) -> Result<(), JobFailure> {
    let budget = job.budget();
    let world = app.world();
    let stored = StoredCheckpoint::of(app.records(), &world);
    let failed = |error: StoreError| JobFailure::Failed(error.to_string());
    if let Some(stored) = &stored {
        stored.forget_others().map_err(failed)?;
    }
    let checkpoint: &dyn Checkpoint = match &stored {
        Some(stored) => stored,
        None => &NoCheckpoint,
    };
    let progress = |timing: Timing| {
        job.progress(percent(timing.done), 100, phase_name(timing.phase));
    };
    let again = app
        .last_analysis()
        .and_then(|last| last.after(&world, app.pool(), &budget, &progress));
    let analysis = match again {
        Some(analysis) => analysis,
        None => Analysis::new(&world, app.pool(), &budget, &progress, checkpoint),
    };
    match analysis.stop {
        Some(Stop::Cancelled) => return Err(JobFailure::Cancelled),
        Some(stop) => return Err(JobFailure::Failed(stop.to_string())),
        None => {}
    }
    if let Some(stored) = &stored {
        stored.clear().map_err(failed)?;
    }
    let (n_computed, n_all) = (analysis.n_computed, analysis.risk.assets.len());
    let done = format!("done: {n_computed} of {n_all} assets computed again");
    job.progress(100, 100, &done);
    app.keep_analysis(&Arc::new(analysis));
    Ok(())
}

/// A part of one in whole percent.
#[allow(
    clippy::cast_sign_loss,
    reason = "the part is between 0 and 1, and saturates if it is not"
)]
pub(crate) fn percent(done: f64) -> u64 {
    (done * 100.0).round() as u64
}

/// What a phase is called.
pub(crate) fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Prepare => "preparing",
        Phase::Exploitability => "exploitability",
        Phase::BlastRadius => "blast radius",
        Phase::ExpectedLoss => "expected loss",
    }
}
