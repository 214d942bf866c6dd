//! The small part of calendar arithmetic that queries use: days, instants in UTC, and durations.

use std::fmt;

use thiserror::Error;

const MS_PER_DAY: i64 = 86_400_000;

/// A day of the Gregorian calendar, as days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(pub i32);

/// An instant, as milliseconds since 1970 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DateTime(pub i64);

/// A length of time. Months, days and milliseconds stay apart because months and days differ in
/// length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Duration {
    /// Months.
    pub months: i64,
    /// Days.
    pub days: i64,
    /// Milliseconds.
    pub ms: i64,
}

/// The text is not a date, instant or duration in ISO 8601 form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not in ISO 8601 form")]
pub struct ParseTemporalError;

impl Date {
    /// A day by year, month (1 to 12) and day of the month.
    pub fn new(year: i64, month: i64, day: i64) -> Option<Self> {
        if !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
            return None;
        }
        // Days from civil, after Howard Hinnant, "chrono-compatible low-level date algorithms".
        let year = if month <= 2 {
            year.checked_sub(1)?
        } else {
            year
        };
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let days = era.checked_mul(146_097)? + day_of_era - 719_468;
        i32::try_from(days).ok().map(Date)
    }

    /// Year, month and day.
    pub fn parts(self) -> (i64, i64, i64) {
        let shifted = i64::from(self.0) + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 {
            shifted_month + 3
        } else {
            shifted_month - 9
        };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        (year, month, day)
    }

    /// Midnight UTC of this day.
    pub fn midnight(self) -> DateTime {
        DateTime(i64::from(self.0) * MS_PER_DAY)
    }

    /// Reads `2026-11-21` or `20261121`.
    pub fn parse(text: &str) -> Result<Self, ParseTemporalError> {
        let digits: String = match text.len() {
            10 if text.get(4..5) == Some("-") && text.get(7..8) == Some("-") => {
                text.chars().filter(|&c| c != '-').collect()
            }
            8 => text.to_owned(),
            _ => return Err(ParseTemporalError),
        };
        let number = |range| digits.get(range).and_then(parse_digits);
        let parts = (number(0..4), number(4..6), number(6..8));
        let (Some(year), Some(month), Some(day)) = parts else {
            return Err(ParseTemporalError);
        };
        Date::new(year, month, day).ok_or(ParseTemporalError)
    }

    /// A component by name, such as `year`.
    pub fn field(self, name: &str) -> Option<i64> {
        let (year, month, day) = self.parts();
        match name {
            "year" => Some(year),
            "month" => Some(month),
            "day" => Some(day),
            "quarter" => Some((month + 2) / 3),
            "weekDay" | "dayOfWeek" => Some((i64::from(self.0) + 3).rem_euclid(7) + 1),
            "ordinalDay" => Date::new(year, 1, 1).map(|first| i64::from(self.0 - first.0) + 1),
            _ => None,
        }
    }

    /// The day `duration` later; whole days only.
    pub fn plus(self, duration: Duration) -> Option<Self> {
        let moved = self.midnight().plus(duration)?;
        Some(moved.date())
    }
}

impl DateTime {
    /// The day it falls on in UTC.
    pub fn date(self) -> Date {
        Date(self.0.div_euclid(MS_PER_DAY) as i32)
    }

    /// Reads `2026-11-21T20:14:58Z`, with an optional fraction and offset; a day alone is midnight.
    pub fn parse(text: &str) -> Result<Self, ParseTemporalError> {
        let Some((day, time)) = text.split_once(['T', ' ']) else {
            return Date::parse(text).map(Date::midnight);
        };
        let day = Date::parse(day)?;
        let (clock, offset_ms) = split_offset(time)?;
        let clock_ms = parse_clock(clock)?;
        Ok(DateTime(day.midnight().0 + clock_ms - offset_ms))
    }

    /// A component by name, such as `hour` or `epochSeconds`.
    pub fn field(self, name: &str) -> Option<i64> {
        let in_day = self.0.rem_euclid(MS_PER_DAY);
        match name {
            "hour" => Some(in_day / 3_600_000),
            "minute" => Some(in_day / 60_000 % 60),
            "second" => Some(in_day / 1000 % 60),
            "millisecond" => Some(in_day % 1000),
            "epochSeconds" => Some(self.0.div_euclid(1000)),
            "epochMillis" => Some(self.0),
            _ => self.date().field(name),
        }
    }

    /// The instant `duration` later. A month that is too short ends on its last day.
    pub fn plus(self, duration: Duration) -> Option<Self> {
        let (year, month, day) = self.date().parts();
        let months = year
            .checked_mul(12)?
            .checked_add(month - 1)?
            .checked_add(duration.months)?;
        let (year, month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
        let date = Date::new(year, month, day.min(days_in_month(year, month)))?;
        let in_day = self.0.rem_euclid(MS_PER_DAY);
        let ms = date
            .midnight()
            .0
            .checked_add(duration.days.checked_mul(MS_PER_DAY)?)?
            .checked_add(in_day)?
            .checked_add(duration.ms)?;
        i32::try_from(ms.div_euclid(MS_PER_DAY)).ok()?;
        Some(DateTime(ms))
    }
}

impl Duration {
    /// Reads `P1Y2M3W4DT5H6M7.5S`; each part may be negative.
    pub fn parse(text: &str) -> Result<Self, ParseTemporalError> {
        let rest = text.strip_prefix('P').ok_or(ParseTemporalError)?;
        let (days, time) = rest
            .split_once('T')
            .map_or((rest, None), |(days, time)| (days, Some(time)));
        let mut duration = Duration::default();
        let mut found = false;
        for (number, unit) in units(days)? {
            found = true;
            match unit {
                'Y' => duration.months += (number * 12.0).round() as i64,
                'M' => duration.months += number.round() as i64,
                'W' => duration.add_days(number * 7.0),
                'D' => duration.add_days(number),
                _ => return Err(ParseTemporalError),
            }
        }
        for (number, unit) in units(time.unwrap_or_default())? {
            found = true;
            let ms = match unit {
                'H' => number * 3_600_000.0,
                'M' => number * 60_000.0,
                'S' => number * 1000.0,
                _ => return Err(ParseTemporalError),
            };
            duration.ms += ms.round() as i64;
        }
        if found {
            Ok(duration)
        } else {
            Err(ParseTemporalError)
        }
    }

    fn add_days(&mut self, days: f64) {
        self.days += days.trunc() as i64;
        self.ms += (days.fract() * MS_PER_DAY as f64).round() as i64;
    }

    /// The time from one instant to another, in days and milliseconds.
    pub fn between(from: DateTime, to: DateTime) -> Self {
        let ms = to.0.saturating_sub(from.0);
        Duration {
            months: 0,
            days: ms / MS_PER_DAY,
            ms: ms % MS_PER_DAY,
        }
    }

    /// The same length in the other direction.
    #[must_use]
    pub fn negated(self) -> Self {
        Duration {
            months: self.months.saturating_neg(),
            days: self.days.saturating_neg(),
            ms: self.ms.saturating_neg(),
        }
    }

    /// Both lengths together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Duration {
            months: self.months.saturating_add(other.months),
            days: self.days.saturating_add(other.days),
            ms: self.ms.saturating_add(other.ms),
        }
    }

    /// So many times this length.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        let mut product = Duration {
            months: (self.months as f64 * factor).trunc() as i64,
            days: 0,
            ms: (self.ms as f64 * factor).round() as i64,
        };
        product.add_days(self.days as f64 * factor);
        product
    }

    /// A component by name, such as `days`.
    pub fn field(self, name: &str) -> Option<i64> {
        match name {
            "years" => Some(self.months / 12),
            "months" => Some(self.months),
            "weeks" => Some(self.days / 7),
            "days" => Some(self.days),
            "hours" => Some(self.ms / 3_600_000),
            "minutes" => Some(self.ms / 60_000),
            "seconds" => Some(self.ms / 1000),
            "milliseconds" => Some(self.ms),
            _ => None,
        }
    }
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn parse_digits(text: &str) -> Option<i64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// Splits `20:14:58+01:00` into the clock and its offset.
fn split_offset(time: &str) -> Result<(&str, i64), ParseTemporalError> {
    if let Some(clock) = time.strip_suffix(['Z', 'z']) {
        return Ok((clock, 0));
    }
    let Some(at) = time.rfind(['+', '-']) else {
        return Ok((time, 0));
    };
    let (clock, offset) = time.split_at(at);
    let sign = if offset.starts_with('-') { -1 } else { 1 };
    let digits: String = offset.chars().skip(1).filter(|&c| c != ':').collect();
    let hours = digits.get(0..2).and_then(parse_digits);
    let minutes = match digits.len() {
        2 => Some(0),
        4 => digits.get(2..4).and_then(parse_digits),
        _ => None,
    };
    match (hours, minutes) {
        (Some(hours), Some(minutes)) if hours <= 18 && minutes < 60 => {
            Ok((clock, sign * (hours * 3_600_000 + minutes * 60_000)))
        }
        _ => Err(ParseTemporalError),
    }
}

fn parse_clock(clock: &str) -> Result<i64, ParseTemporalError> {
    let (whole, fraction) = clock
        .split_once(['.', ','])
        .map_or((clock, None), |(whole, fraction)| (whole, Some(fraction)));
    let parts: Vec<&str> = whole.split(':').collect();
    let (hour, minute, second) = match *parts.as_slice() {
        [hour, minute] => (hour, minute, "0"),
        [hour, minute, second] => (hour, minute, second),
        _ => return Err(ParseTemporalError),
    };
    let part = |text, limit| {
        parse_digits(text)
            .filter(|&number| number < limit)
            .ok_or(ParseTemporalError)
    };
    let mut ms =
        part(hour, 24)? * 3_600_000 + part(minute, 60)? * 60_000 + part(second, 61)? * 1000;
    if let Some(fraction) = fraction {
        parse_digits(fraction).ok_or(ParseTemporalError)?;
        let padded: String = fraction.chars().chain("00".chars()).take(3).collect();
        ms += parse_digits(&padded).ok_or(ParseTemporalError)?;
    }
    Ok(ms)
}

/// Splits `1Y2.5M` into numbers and units.
fn units(text: &str) -> Result<Vec<(f64, char)>, ParseTemporalError> {
    let mut found = Vec::new();
    let mut start = 0;
    for (at, letter) in text.char_indices() {
        if letter.is_ascii_alphabetic() {
            let number = text.get(start..at).unwrap_or_default().replace(',', ".");
            found.push((number.parse().map_err(|_| ParseTemporalError)?, letter));
            start = at + 1;
        }
    }
    if start == text.len() {
        Ok(found)
    } else {
        Err(ParseTemporalError)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.parts();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let in_day = self.0.rem_euclid(MS_PER_DAY);
        let (hour, minute, second) = (in_day / 3_600_000, in_day / 60_000 % 60, in_day / 1000 % 60);
        write!(f, "{}T{hour:02}:{minute:02}:{second:02}", self.date())?;
        if in_day % 1000 != 0 {
            write!(f, ".{:03}", in_day % 1000)?;
        }
        f.write_str("Z")
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Duration::default() {
            return f.write_str("PT0S");
        }
        f.write_str("P")?;
        for (number, unit) in [
            (self.months / 12, 'Y'),
            (self.months % 12, 'M'),
            (self.days, 'D'),
        ] {
            if number != 0 {
                write!(f, "{number}{unit}")?;
            }
        }
        if self.ms == 0 {
            return Ok(());
        }
        f.write_str("T")?;
        for (number, unit) in [(self.ms / 3_600_000, 'H'), (self.ms / 60_000 % 60, 'M')] {
            if number != 0 {
                write!(f, "{number}{unit}")?;
            }
        }
        let in_minute = self.ms % 60_000;
        if in_minute % 1000 != 0 {
            let sign = if in_minute < 0 { "-" } else { "" };
            let text = format!("{:03}", (in_minute % 1000).abs());
            write!(
                f,
                "{sign}{}.{}S",
                (in_minute / 1000).abs(),
                text.trim_end_matches('0')
            )?;
        } else if in_minute != 0 {
            write!(f, "{}S", in_minute / 1000)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_survive_the_round_trip() {
        for days in (-800_000..800_000).step_by(37) {
            let (year, month, day) = Date(days).parts();
            assert_eq!(Date::new(year, month, day), Some(Date(days)));
        }
        assert_eq!(Date::parse("1970-01-01"), Ok(Date(0)));
        assert_eq!(Date::new(2023, 2, 29), None);
    }

    #[test]
    fn instants_and_durations() {
        let at = DateTime::parse("2026-01-31T23:30:00.5+01:00");
        let at = at.expect("a valid instant");
        assert_eq!(at.to_string(), "2026-01-31T22:30:00.500Z");
        let month = Duration::parse("P1M").expect("a valid duration");
        let later = at.plus(month).map(|later| later.to_string());
        assert_eq!(later.as_deref(), Some("2026-02-28T22:30:00.500Z"));
        let odd = Duration::parse("P1Y2M3W4DT5H6M7.25S").expect("a valid duration");
        assert_eq!(odd.to_string(), "P1Y2M25DT5H6M7.25S");
        assert!(Duration::parse("P").is_err());
        assert!(DateTime::parse("2026-01-31T25:00:00Z").is_err());
    }
}
