//! The only place that reads a clock; everything below the server is handed the time.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Now, in milliseconds since 1970 UTC.
#[allow(
    clippy::disallowed_methods,
    reason = "the server is where time comes in, and this is its one place"
)]
pub(crate) fn now_ms() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX),
    }
}

/// A time in RFC 3339, UTC, to the millisecond.
pub(crate) fn text(at_ms: i64) -> String {
    match jiff::Timestamp::from_millisecond(at_ms) {
        Ok(at) => format!("{at:.3}"),
        Err(_) => at_ms.to_string(),
    }
}

/// The instant that a text names: RFC 3339, or a date, which means the end of its day in UTC.
pub(crate) fn parse(text: &str) -> Option<i64> {
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Some(at.as_millisecond());
    }
    let date: jiff::civil::Date = text.parse().ok()?;
    let next_day = date
        .tomorrow()
        .ok()?
        .to_zoned(jiff::tz::TimeZone::UTC)
        .ok()?;
    Some(next_day.timestamp().as_millisecond() - 1)
}

/// Measures how long something takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    #[allow(
        clippy::disallowed_methods,
        reason = "the server is where time comes in, and this is its one place"
    )]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// Time since the start.
    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    /// Milliseconds since the start, with their fraction.
    pub(crate) fn elapsed_ms(self) -> f64 {
        (self.elapsed().as_secs_f64() * 1e6).round() / 1e3
    }
}
