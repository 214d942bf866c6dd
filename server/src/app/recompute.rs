//! Bulk recomputation: exploitability and blast radius of every asset.

use std::sync::{Arc, PoisonError};

use foothold_engine::budget::{Budget, Stop};
use foothold_engine::recompute::{EstateRisk, Phase, Timing, recompute as recompute_estate};

use super::App;
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
    /// Computes everything anew.
    pub(crate) fn new(
        world: &Arc<World>,
        pool: &rayon::ThreadPool,
        budget: &Budget,
        progress: &(dyn Fn(Timing) + Sync),
    ) -> Self {
        let watch = Stopwatch::start();
        let starts = world.internet_states();
        let outcome = recompute_estate(&world.attack, &starts, pool, budget, progress);
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

/// The work of a recomputation job.
pub(crate) fn recompute(app: &App, job: &JobHandle) -> Result<(), JobFailure> {
    let budget = job.budget();
    let analysis = Analysis::new(&app.world(), app.pool(), &budget, &|timing| {
        job.progress(percent(timing.done), 100, phase_name(timing.phase));
    });
    match analysis.stop {
        Some(Stop::Cancelled) => return Err(JobFailure::Cancelled),
        Some(stop) => return Err(JobFailure::Failed(stop.to_string())),
        None => {}
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
