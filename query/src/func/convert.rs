//! Conversions between types.

use std::sync::Arc;

use crate::ast::Span;
use crate::exec::Cx;
use crate::fault::Fault;
use crate::value::Val;

use super::{Function, Out, Param, first, function, wrong};

pub(super) const TABLE: &[Function] = &[
    function("toBoolean", &[Param::Any], Out::Bool, to_boolean),
    function("toInteger", &[Param::Any], Out::Int, to_integer),
    function("toInt", &[Param::Any], Out::Int, to_integer),
    function("toFloat", &[Param::Any], Out::Float, to_float),
    function("toString", &[Param::Any], Out::Str, to_string),
    function(
        "toBooleanOrNull",
        &[Param::Any],
        Out::Bool,
        |cx, args, span| Ok(to_boolean(cx, args, span).unwrap_or_default()),
    ),
    function(
        "toIntegerOrNull",
        &[Param::Any],
        Out::Int,
        |cx, args, span| Ok(to_integer(cx, args, span).unwrap_or_default()),
    ),
    function(
        "toFloatOrNull",
        &[Param::Any],
        Out::Float,
        |cx, args, span| Ok(to_float(cx, args, span).unwrap_or_default()),
    ),
    function(
        "toStringOrNull",
        &[Param::Any],
        Out::Str,
        |cx, args, span| Ok(to_string(cx, args, span).unwrap_or_default()),
    ),
    function("valueType", &[Param::Any], Out::Str, |_, args, _| {
        Ok(Val::str(match first(args) {
            Val::Null => "NULL",
            Val::Bool(_) => "BOOLEAN",
            Val::Int(_) => "INTEGER",
            Val::Float(_) => "FLOAT",
            Val::Str(_) => "STRING",
            Val::List(_) => "LIST",
            Val::Map(_) => "MAP",
            Val::Node(_) => "NODE",
            Val::Rel(_) => "RELATIONSHIP",
            Val::Path(_) => "PATH",
            Val::Date(_) => "DATE",
            Val::DateTime(_) => "ZONED DATETIME",
            Val::Duration(_) => "DURATION",
            Val::Foreign(_) => "ATTACK PATH",
        }))
    })
    .lenient(),
];

fn to_boolean(_: &mut Cx<'_>, args: &[Val], span: Span) -> Result<Val, Fault> {
    match first(args) {
        Val::Bool(flag) => Ok(Val::Bool(*flag)),
        Val::Str(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" => Ok(Val::Bool(true)),
            "false" => Ok(Val::Bool(false)),
            _ => Ok(Val::Null),
        },
        other => Err(wrong(span, "a string or a boolean", other)),
    }
}

fn to_integer(_: &mut Cx<'_>, args: &[Val], span: Span) -> Result<Val, Fault> {
    match first(args) {
        Val::Int(number) => Ok(Val::Int(*number)),
        Val::Float(number) => Ok(truncated(*number)),
        Val::Str(text) => {
            let text = text.trim();
            if let Ok(number) = text.parse::<i64>() {
                return Ok(Val::Int(number));
            }
            Ok(parse_float(text).map_or(Val::Null, truncated))
        }
        other => Err(wrong(span, "a number or a string", other)),
    }
}

fn truncated(number: f64) -> Val {
    let fits = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&number);
    if fits {
        Val::Int(number.trunc() as i64)
    } else {
        Val::Null
    }
}

fn to_float(_: &mut Cx<'_>, args: &[Val], span: Span) -> Result<Val, Fault> {
    match first(args) {
        Val::Int(number) => Ok(Val::Float(*number as f64)),
        Val::Float(number) => Ok(Val::Float(*number)),
        Val::Str(text) => Ok(parse_float(text.trim()).map_or(Val::Null, Val::Float)),
        other => Err(wrong(span, "a number or a string", other)),
    }
}

/// Numbers as the language writes them; not the words that Rust also reads as numbers.
fn parse_float(text: &str) -> Option<f64> {
    let is_plain = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E'));
    if is_plain { text.parse().ok() } else { None }
}

fn to_string(_: &mut Cx<'_>, args: &[Val], span: Span) -> Result<Val, Fault> {
    match to_text(first(args)) {
        Some(text) => Ok(Val::Str(text)),
        None => Err(wrong(
            span,
            "a string, a number, a boolean or a date",
            first(args),
        )),
    }
}

/// The text of a value that has one: strings, numbers, truth values, dates.
pub(crate) fn to_text(value: &Val) -> Option<Arc<str>> {
    let text = match value {
        Val::Str(text) => return Some(Arc::clone(text)),
        Val::Bool(flag) => flag.to_string(),
        Val::Int(number) => number.to_string(),
        Val::Float(number) => float_text(*number),
        Val::Date(date) => date.to_string(),
        Val::DateTime(at) => at.to_string(),
        Val::Duration(duration) => duration.to_string(),
        _ => return None,
    };
    Some(text.into())
}

/// A float with a fraction or an exponent, so that it reads back as a float.
pub(crate) fn float_text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        }
        .to_owned();
    }
    let size = number.abs();
    if number != 0.0 && !(1e-3..1e7).contains(&size) {
        let text = format!("{number:E}");
        return match text.split_once('E') {
            Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0E{exponent}"),
            _ => text,
        };
    }
    let text = number.to_string();
    if text.contains('.') {
        text
    } else {
        format!("{text}.0")
    }
}
