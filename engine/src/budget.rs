//! Budgets: how far a search or query may go, and how it is told to stop.
//!
//! The engine reads no clock. Whoever owns the deadline (the server's timer, a test) calls
//! [`StopHandle::stop`]; workers see the flag at their next [`Budget::check`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use thiserror::Error;

/// Why work stopped before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Stop {
    /// The caller cancelled.
    #[error("cancelled")]
    Cancelled,
    /// The deadline passed; raise the time limit or narrow the question.
    #[error("time limit reached")]
    Time,
    /// As many rows as allowed were produced; raise the limit or add `LIMIT`.
    #[error("row limit reached")]
    Rows,
    /// The memory account is full; raise the limit or narrow the question.
    #[error("memory limit reached")]
    Memory,
    /// As many edges as allowed were expanded.
    #[error("expansion limit reached")]
    Expansions,
}

/// The limits of one piece of work. `u64::MAX` means no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Rows or paths in the answer.
    pub rows: u64,
    /// Bytes of intermediate and final results.
    pub memory_bytes: u64,
    /// Edges looked at.
    pub expansions: u64,
}

impl Limits {
    /// No limit of any kind.
    pub const NONE: Limits = Limits {
        rows: u64::MAX,
        memory_bytes: u64::MAX,
        expansions: u64::MAX,
    };
}

#[derive(Debug)]
struct Account {
    limits: Limits,
    stop: AtomicU8,
    memory_bytes: AtomicU64,
    expansions: AtomicU64,
    /// What this is a part of: everything counts there too.
    whole: Option<Budget>,
}

/// A budget shared by every worker of one query or search. Cloning shares the account.
#[derive(Debug, Clone)]
pub struct Budget(Arc<Account>);

/// Stops the work of one [`Budget`] from another thread.
#[derive(Debug, Clone)]
pub struct StopHandle(Arc<Account>);

/// How many expansions a worker may do between two calls of [`Budget::expand`].
pub const CHECK_EVERY: u64 = 1024;

impl Budget {
    /// A budget with these limits.
    pub fn new(limits: Limits) -> Self {
        Budget(Arc::new(Account {
            limits,
            stop: AtomicU8::new(0),
            memory_bytes: AtomicU64::new(0),
            expansions: AtomicU64::new(0),
            whole: None,
        }))
    }

    /// A part of this work that stops by itself after so many expansions. What it does counts for
    /// the whole as well, and it stops when the whole does.
    #[must_use]
    pub fn part(&self, expansions: u64) -> Self {
        Budget(Arc::new(Account {
            limits: Limits {
                expansions,
                ..self.0.limits
            },
            stop: AtomicU8::new(0),
            memory_bytes: AtomicU64::new(0),
            expansions: AtomicU64::new(0),
            whole: Some(self.clone()),
        }))
    }

    /// A budget that never runs out but can be cancelled.
    pub fn unlimited() -> Self {
        Self::new(Limits::NONE)
    }

    /// The handle that stops this work.
    pub fn stop_handle(&self) -> StopHandle {
        StopHandle(Arc::clone(&self.0))
    }

    /// The limits it was made with.
    pub fn limits(&self) -> Limits {
        self.0.limits
    }

    /// Whether someone or some limit said stop. One relaxed load.
    pub fn check(&self) -> Result<(), Stop> {
        match (decode(self.0.stop.load(Ordering::Relaxed)), &self.0.whole) {
            (Some(stop), _) => Err(stop),
            (None, Some(whole)) => whole.check(),
            (None, None) => Ok(()),
        }
    }

    /// Accounts for `n` expanded edges and checks. Call it every [`CHECK_EVERY`] edges or so.
    pub fn expand(&self, n: u64) -> Result<(), Stop> {
        if let Some(whole) = &self.0.whole {
            whole.expand(n)?;
        }
        let before = self.0.expansions.fetch_add(n, Ordering::Relaxed);
        if before.saturating_add(n) > self.0.limits.expansions {
            return Err(self.give_up(Stop::Expansions));
        }
        self.check()
    }

    /// Accounts for memory that the work holds from now on.
    pub fn charge(&self, bytes: u64) -> Result<(), Stop> {
        if let Some(whole) = &self.0.whole {
            whole.charge(bytes)?;
        }
        let before = self.0.memory_bytes.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > self.0.limits.memory_bytes {
            return Err(self.give_up(Stop::Memory));
        }
        self.check()
    }

    /// Accounts for memory that the work gave back.
    pub fn release(&self, bytes: u64) {
        if let Some(whole) = &self.0.whole {
            whole.release(bytes);
        }
        self.0.memory_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Edges expanded so far.
    pub fn expansions(&self) -> u64 {
        self.0.expansions.load(Ordering::Relaxed)
    }

    /// Bytes accounted for now.
    pub fn memory_bytes(&self) -> u64 {
        self.0.memory_bytes.load(Ordering::Relaxed)
    }

    /// Records `stop` for every worker unless another reason came first; returns the first reason.
    pub fn give_up(&self, stop: Stop) -> Stop {
        set(&self.0, stop)
    }
}

impl StopHandle {
    /// Says stop. The first reason wins.
    pub fn stop(&self, reason: Stop) {
        set(&self.0, reason);
    }
}

fn set(account: &Account, reason: Stop) -> Stop {
    match account
        .stop
        .compare_exchange(0, encode(reason), Ordering::Relaxed, Ordering::Relaxed)
    {
        Ok(_) => reason,
        Err(earlier) => decode(earlier).unwrap_or(reason),
    }
}

fn encode(stop: Stop) -> u8 {
    match stop {
        Stop::Cancelled => 1,
        Stop::Time => 2,
        Stop::Rows => 3,
        Stop::Memory => 4,
        Stop::Expansions => 5,
    }
}

fn decode(code: u8) -> Option<Stop> {
    match code {
        1 => Some(Stop::Cancelled),
        2 => Some(Stop::Time),
        3 => Some(Stop::Rows),
        4 => Some(Stop::Memory),
        5 => Some(Stop::Expansions),
        _ => None,
    }
}

/// The answer of work under a budget: all of it, or a part that says so.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Outcome<T> {
    /// Everything.
    Complete(T),
    /// What was found before the budget ran out.
    Partial(T, Stop),
}

impl<T> Outcome<T> {
    /// Builds the right variant from a value and the reason to stop, if any.
    pub fn new(value: T, stop: Option<Stop>) -> Self {
        match stop {
            None => Outcome::Complete(value),
            Some(stop) => Outcome::Partial(value, stop),
        }
    }

    /// The value, complete or not.
    pub fn value(&self) -> &T {
        match self {
            Outcome::Complete(value) | Outcome::Partial(value, _) => value,
        }
    }

    /// The value and the reason it is partial, if it is.
    pub fn into_parts(self) -> (T, Option<Stop>) {
        match self {
            Outcome::Complete(value) => (value, None),
            Outcome::Partial(value, stop) => (value, Some(stop)),
        }
    }

    /// Applies `f` to the value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Outcome<U> {
        match self {
            Outcome::Complete(value) => Outcome::Complete(f(value)),
            Outcome::Partial(value, stop) => Outcome::Partial(f(value), stop),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_wins() {
        let budget = Budget::new(Limits {
            expansions: 10,
            ..Limits::NONE
        });
        assert_eq!(budget.expand(10), Ok(()));
        assert_eq!(budget.expand(1), Err(Stop::Expansions));
        budget.stop_handle().stop(Stop::Cancelled);
        assert_eq!(budget.check(), Err(Stop::Expansions));
    }

    #[test]
    fn memory_is_given_back() {
        let budget = Budget::new(Limits {
            memory_bytes: 100,
            ..Limits::NONE
        });
        assert_eq!(budget.charge(80), Ok(()));
        budget.release(80);
        assert_eq!(budget.charge(90), Ok(()));
        assert_eq!(budget.charge(20), Err(Stop::Memory));
    }

    #[test]
    fn a_part_counts_for_the_whole_and_stops_alone() {
        let whole = Budget::new(Limits {
            expansions: 100,
            memory_bytes: 50,
            ..Limits::NONE
        });
        let part = whole.part(10);
        assert_eq!(part.expand(10), Ok(()));
        assert_eq!(part.charge(40), Ok(()));
        assert_eq!((whole.expansions(), whole.memory_bytes()), (10, 40));
        assert_eq!(part.expand(1), Err(Stop::Expansions));
        assert_eq!(whole.check(), Ok(()));
        part.release(40);
        assert_eq!(whole.memory_bytes(), 0);

        let other = whole.part(u64::MAX);
        whole.stop_handle().stop(Stop::Cancelled);
        assert_eq!(other.check(), Err(Stop::Cancelled));
        assert_eq!(other.expand(1), Err(Stop::Cancelled));
    }
}
