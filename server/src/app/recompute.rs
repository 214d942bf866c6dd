//! Bulk recomputation: exploitability and blast radius of every asset.

use std::sync::{Arc, PoisonError};

use foothold_engine::budget::{Budget, Stop};
use foothold_engine::recompute::{
    Checkpoint, EstateRisk, NoCheckpoint, Phase, Timing, recompute_resuming,
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
            world: Arc::clone(world),
            risk,
            stop,
            elapsed_ms: watch.elapsed_ms(),
        }
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

    /// Keeps an analysis, unless it is partial.
    pub(crate) fn keep_analysis(&self, analysis: &Arc<Analysis>) {
        if analysis.stop.is_none() {
            *self.analysis.lock().unwrap_or_else(PoisonError::into_inner) =
                Some(Arc::clone(analysis));
        }
    }
}

/// The work of a recomputation job. What an earlier one over the same snapshot and rules had done
/// when it was cancelled, or the process died, is not done again.
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
    let analysis = Analysis::new(&world, app.pool(), &budget, &progress, checkpoint);
    match analysis.stop {
        Some(Stop::Cancelled) => return Err(JobFailure::Cancelled),
        Some(stop) => return Err(JobFailure::Failed(stop.to_string())),
        None => {}
    }
    if let Some(stored) = &stored {
        stored.clear().map_err(failed)?;
    }
    job.progress(100, 100, "done");
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
