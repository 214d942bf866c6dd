//! Deadlines: the engine reads no clock, so a timer outside tells its budget to stop.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use foothold_engine::budget::{Stop, StopHandle};

/// Stops a budget when the time is up, unless it is dropped before.
///
/// One thread a running query: the admission gate keeps those few.
#[derive(Debug)]
pub(crate) struct Deadline {
    _done: Sender<()>,
}

impl Deadline {
    /// Starts the timer. Should the system refuse a thread, the work has no deadline but can still
    /// be cancelled.
    pub(crate) fn after(limit: Duration, handle: StopHandle) -> Self {
        let (done, waiting) = channel::<()>();
        let timer = move || {
            if waiting.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                handle.stop(Stop::Time);
            }
        };
        let _ = thread::Builder::new()
            .name("deadline".to_owned())
            .spawn(timer);
        Self { _done: done }
    }
}

#[cfg(test)]
mod tests {
    use foothold_engine::budget::Budget;

    use super::*;

    #[test]
    fn work_is_told_when_its_time_is_up() {
        let budget = Budget::unlimited();
        let _deadline = Deadline::after(Duration::from_millis(1), budget.stop_handle());
        while budget.check().is_ok() {
            thread::yield_now();
        }
        assert_eq!(budget.check(), Err(Stop::Time));
    }
}
