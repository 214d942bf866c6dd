//! Long work: started over HTTP, watched, cancelled, and remembered across restarts.
//!
//! A job's state is stored whenever its status changes; its progress in between is only told to
//! those who watch. A job that was under way when the process died is started again at the next
//! start: imports replace what their sources said, so doing one twice is doing it once.

mod record;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foothold_engine::budget::{Budget, Stop, StopHandle};
use foothold_engine::store::records::{get, list, number_key, put};
use foothold_engine::store::{KvStore, StoreError};
use tokio::sync::watch;

use crate::clock;
use crate::records::{JOBS, VERSION};

pub(crate) use record::{JobKind, JobRecord, JobStatus};

/// How many finished jobs are remembered.
const N_KEPT: usize = 500;

/// Every job of one server.
pub(crate) struct Jobs {
    records: Arc<dyn KvStore>,
    live: Mutex<BTreeMap<u64, Arc<Live>>>,
}

/// A job that has not ended.
struct Live {
    cancelled: Arc<AtomicBool>,
    stops: Mutex<Vec<StopHandle>>,
    state: watch::Sender<JobRecord>,
}

/// What a job's work sees of it.
#[derive(Clone)]
pub(crate) struct JobHandle {
    live: Arc<Live>,
}

/// How the work of a job ended other than well.
#[derive(Debug)]
pub(crate) enum JobFailure {
    /// Someone cancelled it.
    Cancelled,
    /// It could not be done.
    Failed(String),
}

impl JobHandle {
    /// Tells those who watch how far the work is.
    pub(crate) fn progress(&self, done: u64, total: u64, phase: &str) {
        self.live.state.send_modify(|record| {
            record.done = done;
            record.total = total;
            if record.phase != phase {
                phase.clone_into(&mut record.phase);
            }
        });
    }

    /// Set once someone cancels.
    pub(crate) fn cancelled(&self) -> &Arc<AtomicBool> {
        &self.live.cancelled
    }

    /// A budget without limits that ends when the job is cancelled.
    pub(crate) fn budget(&self) -> Budget {
        let budget = Budget::unlimited();
        let handle = budget.stop_handle();
        lock(&self.live.stops).push(handle.clone());
        if self.live.cancelled.load(Ordering::SeqCst) {
            handle.stop(Stop::Cancelled);
        }
        budget
    }

    /// The number of the job.
    pub(crate) fn id(&self) -> u64 {
        self.live.state.borrow().id
    }
}

impl Jobs {
    /// The jobs in these records.
    pub(crate) fn new(records: Arc<dyn KvStore>) -> Self {
        Self {
            records,
            live: Mutex::new(BTreeMap::new()),
        }
    }

    /// Gives a new job its number and stores it as queued.
    pub(crate) fn create(&self, kind: JobKind) -> Result<JobRecord, StoreError> {
        self.create_with_id(self.next_id()?, kind)
    }

    /// A number for a job to come.
    pub(crate) fn next_id(&self) -> Result<u64, StoreError> {
        self.records.next_id("jobs")
    }

    /// Stores a new job as queued under a number taken before.
    pub(crate) fn create_with_id(&self, id: u64, kind: JobKind) -> Result<JobRecord, StoreError> {
        let record = JobRecord::queued(id, kind, clock::now_ms());
        self.store(&record)?;
        self.forget_oldest()?;
        Ok(record)
    }

    /// Starts the work of a stored job on a thread of its own.
    pub(crate) fn start<W>(self: &Arc<Self>, mut record: JobRecord, work: W)
    where
        W: FnOnce(&JobHandle) -> Result<(), JobFailure> + Send + 'static,
    {
        record.status = JobStatus::Queued;
        let live = Arc::new(Live {
            cancelled: Arc::new(AtomicBool::new(false)),
            stops: Mutex::new(Vec::new()),
            state: watch::Sender::new(record.clone()),
        });
        lock(&self.live).insert(record.id, Arc::clone(&live));
        let jobs = Arc::clone(self);
        tokio::task::spawn_blocking(move || jobs.run(&live, work));
    }

    fn run<W>(&self, live: &Arc<Live>, work: W)
    where
        W: FnOnce(&JobHandle) -> Result<(), JobFailure>,
    {
        let handle = JobHandle {
            live: Arc::clone(live),
        };
        self.change(live, |record| {
            record.status = JobStatus::Running;
            record.started_at_ms = Some(clock::now_ms());
        });
        let attempt = std::panic::AssertUnwindSafe(|| {
            if live.cancelled.load(Ordering::SeqCst) {
                Err(JobFailure::Cancelled)
            } else {
                work(&handle)
            }
        });
        let outcome = std::panic::catch_unwind(attempt).unwrap_or_else(|_| {
            Err(JobFailure::Failed(
                "it stopped on an internal error".to_owned(),
            ))
        });
        self.change(live, |record| {
            record.finished_at_ms = Some(clock::now_ms());
            (record.status, record.error) = match &outcome {
                Ok(()) => (JobStatus::Done, None),
                Err(JobFailure::Cancelled) => (JobStatus::Cancelled, None),
                Err(JobFailure::Failed(reason)) => (JobStatus::Failed, Some(reason.clone())),
            };
            if outcome.is_ok() {
                record.done = record.total;
            }
        });
        let id = live.state.borrow().id;
        lock(&self.live).remove(&id);
    }

    /// Changes the state of a job: stored first, then told.
    fn change(&self, live: &Live, change: impl FnOnce(&mut JobRecord)) {
        let mut record = live.state.borrow().clone();
        change(&mut record);
        if let Err(error) = self.store(&record) {
            crate::telemetry::log_bug(&error);
        }
        live.state.send_replace(record);
    }

    fn store(&self, record: &JobRecord) -> Result<(), StoreError> {
        let change = put(JOBS, &number_key(record.id), VERSION, record)?;
        self.records.apply(&[change])
    }

    /// One job as it is now.
    pub(crate) fn get(&self, id: u64) -> Result<Option<JobRecord>, StoreError> {
        if let Some(live) = lock(&self.live).get(&id) {
            return Ok(Some(live.state.borrow().clone()));
        }
        get(&*self.records, JOBS, &number_key(id), VERSION)
    }

    /// Every job as it is now, newest first.
    pub(crate) fn list(&self) -> Result<Vec<JobRecord>, StoreError> {
        let stored: Vec<(Vec<u8>, JobRecord)> = list(&*self.records, JOBS, VERSION)?;
        let live = lock(&self.live);
        let mut jobs: Vec<JobRecord> = stored
            .into_iter()
            .map(|(_, record)| match live.get(&record.id) {
                Some(live) => live.state.borrow().clone(),
                None => record,
            })
            .collect();
        jobs.reverse();
        Ok(jobs)
    }

    /// A view of a job that changes with it; `None` once it has ended.
    pub(crate) fn watch(&self, id: u64) -> Option<watch::Receiver<JobRecord>> {
        lock(&self.live).get(&id).map(|live| live.state.subscribe())
    }

    /// Tells a job to stop; says whether there was anything to stop.
    pub(crate) fn cancel(&self, id: u64) -> bool {
        let live = lock(&self.live).get(&id).cloned();
        let Some(live) = live else {
            return false;
        };
        live.cancelled.store(true, Ordering::SeqCst);
        for stop in lock(&live.stops).iter() {
            stop.stop(Stop::Cancelled);
        }
        true
    }

    /// The jobs that were under way when the process ended.
    pub(crate) fn interrupted(&self) -> Result<Vec<JobRecord>, StoreError> {
        let mut jobs = self.list()?;
        jobs.retain(|record| !record.status.has_ended());
        jobs.reverse();
        Ok(jobs)
    }

    /// Marks a job that cannot be started again.
    pub(crate) fn give_up(&self, mut record: JobRecord, reason: &str) -> Result<(), StoreError> {
        record.status = JobStatus::Failed;
        record.error = Some(reason.to_owned());
        record.finished_at_ms = Some(clock::now_ms());
        self.store(&record)
    }

    fn forget_oldest(&self) -> Result<(), StoreError> {
        let jobs = self.list()?;
        let changes: Vec<_> = jobs
            .iter()
            .skip(N_KEPT)
            .filter(|record| record.status.has_ended())
            .map(|record| {
                foothold_engine::store::Change::Delete(JOBS, number_key(record.id).to_vec())
            })
            .collect();
        if changes.is_empty() {
            return Ok(());
        }
        self.records.apply(&changes)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
