//! The admission gate: so many queries at one time, so many waiting, the rest are sent away at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Lets a few in and a few more wait.
#[derive(Debug)]
pub(crate) struct Gate {
    running: Arc<Semaphore>,
    n_slots: usize,
    waiting: AtomicUsize,
    max_waiting: usize,
}

/// There is no room, not even to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

/// Counts a waiting request for as long as it waits, also when its client goes away.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Gate {
    /// `n_slots` run, `max_waiting` wait.
    pub(crate) fn new(n_slots: usize, max_waiting: usize) -> Self {
        Self {
            running: Arc::new(Semaphore::new(n_slots)),
            n_slots,
            waiting: AtomicUsize::new(0),
            max_waiting,
        }
    }

    /// Waits for a slot, unless too many wait already.
    pub(crate) async fn enter(&self) -> Result<OwnedSemaphorePermit, Full> {
        if let Ok(permit) = Arc::clone(&self.running).try_acquire_owned() {
            return Ok(permit);
        }
        let before = self.waiting.fetch_add(1, Ordering::SeqCst);
        let _waiting = Waiting(&self.waiting);
        if before >= self.max_waiting {
            return Err(Full);
        }
        Arc::clone(&self.running)
            .acquire_owned()
            .await
            .map_err(|_| Full)
    }

    /// How many run now.
    pub(crate) fn n_running(&self) -> usize {
        self.n_slots - self.running.available_permits().min(self.n_slots)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_runs_one_waits_and_the_third_is_sent_away() {
        let gate = Arc::new(Gate::new(1, 1));
        let first = gate.enter().await.unwrap();
        let waiting = tokio::spawn({
            let gate = Arc::clone(&gate);
            async move { gate.enter().await.map(drop) }
        });
        while gate.waiting.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(gate.enter().await.err(), Some(Full));
        assert_eq!(gate.n_running(), 1);
        drop(first);
        assert_eq!(waiting.await.unwrap(), Ok(()));
        assert_eq!(gate.n_running(), 0);
    }

    #[tokio::test]
    async fn who_stops_waiting_makes_room() {
        let gate = Arc::new(Gate::new(1, 1));
        let _first = gate.enter().await.unwrap();
        let waiting = tokio::spawn({
            let gate = Arc::clone(&gate);
            async move { gate.enter().await.map(drop) }
        });
        while gate.waiting.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        waiting.abort();
        let _ = waiting.await;
        assert_eq!(gate.waiting.load(Ordering::SeqCst), 0);
    }
}
