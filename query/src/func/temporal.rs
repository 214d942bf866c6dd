//! Dates, instants and durations.

use crate::ast::Span;
use crate::diagnostic::Code;
use crate::exec::Cx;
use crate::fault::Fault;
use crate::value::{Date, DateTime, Duration, Map, Val};

use super::{Function, Out, Param, first, function, int_arg, wrong};

pub(super) const TABLE: &[Function] = &[
    function("date", &[Param::Any], Out::Temporal, date).min(0),
    function("datetime", &[Param::Any], Out::Temporal, datetime).min(0),
    function("localdatetime", &[Param::Any], Out::Temporal, datetime).min(0),
    function("timestamp", &[], Out::Int, |cx, _, _| {
        Ok(Val::Int(cx.now.0))
    }),
    function(
        "datetime.fromEpoch",
        &[Param::Number, Param::Number],
        Out::Temporal,
        |_, args, span| {
            let seconds = int_arg(args, 0, span)?;
            instant(seconds.checked_mul(1000), span)
        },
    )
    .min(1),
    function(
        "datetime.fromEpochMillis",
        &[Param::Number],
        Out::Temporal,
        |_, args, span| instant(Some(int_arg(args, 0, span)?), span),
    ),
    function("duration", &[Param::Any], Out::Temporal, duration),
    function(
        "duration.between",
        &[Param::Any, Param::Any],
        Out::Temporal,
        |_, args, span| {
            let (from, to) = (at(args, 0, span)?, at(args, 1, span)?);
            Ok(Val::Duration(Duration::between(from, to)))
        },
    ),
    function(
        "duration.inDays",
        &[Param::Any, Param::Any],
        Out::Temporal,
        |_, args, span| {
            let (from, to) = (at(args, 0, span)?, at(args, 1, span)?);
            let days = Duration::between(from, to).days;
            Ok(Val::Duration(Duration {
                days,
                ..Duration::default()
            }))
        },
    ),
    function(
        "duration.inSeconds",
        &[Param::Any, Param::Any],
        Out::Temporal,
        |_, args, span| {
            let (from, to) = (at(args, 0, span)?, at(args, 1, span)?);
            let ms = to.0.saturating_sub(from.0);
            Ok(Val::Duration(Duration {
                ms,
                ..Duration::default()
            }))
        },
    ),
    function(
        "daysBetween",
        &[Param::Any, Param::Any],
        Out::Int,
        |_, args, span| {
            let (from, to) = (at(args, 0, span)?, at(args, 1, span)?);
            Ok(Val::Int(i64::from(to.date().0) - i64::from(from.date().0)))
        },
    ),
];

fn invalid(span: Span, text: &str) -> Fault {
    let message = format!("`{text}` is not in ISO 8601 form");
    Fault::error(Code::InvalidTemporal, span, message)
}

fn instant(ms: Option<i64>, span: Span) -> Result<Val, Fault> {
    let fits = |ms: &i64| ms.unsigned_abs() < 8_640_000_000_000_000;
    match ms.filter(fits) {
        Some(ms) => Ok(Val::DateTime(DateTime(ms))),
        None => Err(Fault::error(
            Code::OutOfRange,
            span,
            "the instant is out of range",
        )),
    }
}

fn at(args: &[Val], idx: usize, span: Span) -> Result<DateTime, Fault> {
    match args.get(idx) {
        Some(Val::DateTime(at)) => Ok(*at),
        Some(Val::Date(date)) => Ok(date.midnight()),
        Some(Val::Str(text)) => DateTime::parse(text).map_err(|_| invalid(span, text)),
        other => Err(wrong(
            span,
            "a date or an instant",
            other.unwrap_or(&Val::Null),
        )),
    }
}

fn int_field(map: &Map, name: &str) -> Option<i64> {
    match map.get(name) {
        Some(Val::Int(number)) => Some(*number),
        _ => None,
    }
}

fn date(cx: &mut Cx<'_>, args: &[Val], span: Span) -> Result<Val, Fault> {
    if args.is_empty() {
        return Ok(Val::Date(cx.now.date()));
    }
    match first(args) {
        Val::Date(date) => Ok(Val::Date(*date)),
        Val::DateTime(at) => Ok(Val::Date(at.date())),
        Val::Str(text) => match DateTime::parse(text) {
            Ok(at) => Ok(Val::Date(at.date())),
            Err(_) => Err(invalid(span, text)),
        },
        Val::Map(map) => {
            let field = |name| int_field(map, name).unwrap_or(1);
            let date = Date::new(
                int_field(map, "year").unwrap_or(1970),
                field("month"),
                field("day"),
            );
            date.map(Val::Date)
                .ok_or_else(|| Fault::error(Code::OutOfRange, span, "there is no such day"))
        }
        other => Err(wrong(span, "a date, a string or a map", other)),
    }
}

fn datetime(cx: &mut Cx<'_>, args: &[Val], span: Span) -> Result<Val, Fault> {
    if args.is_empty() {
        return Ok(Val::DateTime(cx.now));
    }
    match first(args) {
        Val::Map(map) => {
            if let Some(ms) = int_field(map, "epochMillis") {
                return instant(Some(ms), span);
            }
            if let Some(seconds) = int_field(map, "epochSeconds") {
                return instant(seconds.checked_mul(1000), span);
            }
            let Val::Date(day) = date(cx, args, span)? else {
                return Ok(Val::Null);
            };
            let field = |name| int_field(map, name).unwrap_or(0);
            let clock = [
                ("hour", 3_600_000),
                ("minute", 60_000),
                ("second", 1000),
                ("millisecond", 1),
            ]
            .iter()
            .try_fold(day.midnight().0, |sum, (name, ms)| {
                sum.checked_add(field(name).checked_mul(*ms)?)
            });
            instant(clock, span)
        }
        _ => Ok(Val::DateTime(at(args, 0, span)?)),
    }
}

fn duration(_: &mut Cx<'_>, args: &[Val], span: Span) -> Result<Val, Fault> {
    match first(args) {
        Val::Duration(duration) => Ok(Val::Duration(*duration)),
        Val::Str(text) => Duration::parse(text)
            .map(Val::Duration)
            .map_err(|_| invalid(span, text)),
        Val::Map(map) => {
            let mut sum = Duration::default();
            for (name, value) in map.iter() {
                let Some(number) = value.as_f64() else {
                    return Err(wrong(span, "a number", value));
                };
                let unit = match &**name {
                    "years" => Duration {
                        months: 12,
                        ..Duration::default()
                    },
                    "months" => Duration {
                        months: 1,
                        ..Duration::default()
                    },
                    "weeks" => Duration {
                        days: 7,
                        ..Duration::default()
                    },
                    "days" => Duration {
                        days: 1,
                        ..Duration::default()
                    },
                    "hours" => Duration {
                        ms: 3_600_000,
                        ..Duration::default()
                    },
                    "minutes" => Duration {
                        ms: 60_000,
                        ..Duration::default()
                    },
                    "seconds" => Duration {
                        ms: 1000,
                        ..Duration::default()
                    },
                    "milliseconds" => Duration {
                        ms: 1,
                        ..Duration::default()
                    },
                    _ => {
                        let message = format!("a duration has no component `{name}`");
                        return Err(Fault::error(Code::ArgumentValue, span, message));
                    }
                };
                sum = sum.plus(unit.times(number));
            }
            Ok(Val::Duration(sum))
        }
        other => Err(wrong(span, "a duration, a string or a map", other)),
    }
}
