//! The queries under way, so that a client can cancel one by the id it gave it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use foothold_engine::budget::{Stop, StopHandle};

/// Running queries by request id.
#[derive(Debug, Default)]
pub(crate) struct Running {
    queries: Mutex<BTreeMap<u64, (Option<String>, StopHandle)>>,
    next: AtomicU64,
}

/// Takes a query off the list when it ends, and stops its work when its client goes away.
#[derive(Debug)]
pub(crate) struct RunningQuery<'a> {
    running: &'a Running,
    number: u64,
}

impl Running {
    /// Notes a query until the result is dropped.
    pub(crate) fn add(&self, id: Option<String>, handle: StopHandle) -> RunningQuery<'_> {
        RunningQuery {
            running: self,
            number: self.note(id, handle),
        }
    }

    /// Notes a query until [`Running::remove`].
    pub(crate) fn note(&self, id: Option<String>, handle: StopHandle) -> u64 {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.queries().insert(number, (id, handle));
        number
    }

    /// Takes a query off the list. Its work, should it still go on, is told to stop: nobody waits
    /// for it any more.
    pub(crate) fn remove(&self, number: u64) {
        let removed = self.queries().remove(&number);
        if let Some((_, handle)) = removed {
            handle.stop(Stop::Cancelled);
        }
    }

    /// Stops the queries with this id; says whether there was one.
    pub(crate) fn cancel(&self, id: &str) -> bool {
        let mut found = false;
        for (query_id, handle) in self.queries().values() {
            if query_id.as_deref() == Some(id) {
                handle.stop(Stop::Cancelled);
                found = true;
            }
        }
        found
    }

    /// Stops every query.
    pub(crate) fn stop_all(&self) {
        for (_, handle) in self.queries().values() {
            handle.stop(Stop::Cancelled);
        }
    }

    fn queries(&self) -> MutexGuard<'_, BTreeMap<u64, (Option<String>, StopHandle)>> {
        self.queries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for RunningQuery<'_> {
    fn drop(&mut self) {
        self.running.remove(self.number);
    }
}
