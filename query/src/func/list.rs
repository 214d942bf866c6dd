//! Functions on lists, and those that work on lists and strings alike.

use crate::ast::Span;
use crate::diagnostic::Code;
use crate::exec::Cx;
use crate::fault::Fault;
use crate::value::Val;

use super::{Function, Out, Param, first, function, int_arg};

pub(super) const TABLE: &[Function] = &[
    function("size", &[Param::Sequence], Out::Int, size),
    function("char_length", &[Param::Str], Out::Int, size),
    function("character_length", &[Param::Str], Out::Int, size),
    function("cardinality", &[Param::List], Out::Int, size),
    function(
        "isEmpty",
        &[Param::Any],
        Out::Bool,
        |_, args, span| match first(args) {
            Val::List(items) => Ok(Val::Bool(items.is_empty())),
            Val::Str(text) => Ok(Val::Bool(text.is_empty())),
            Val::Map(map) => Ok(Val::Bool(map.is_empty())),
            other => Err(Fault::wrong_type(
                span,
                "a list, a string or a map",
                other.type_name(),
            )),
        },
    ),
    function("head", &[Param::List], Out::Element, |_, args, span| {
        Ok(list(args, span)?.first().cloned().unwrap_or_default())
    }),
    function("last", &[Param::List], Out::Element, |_, args, span| {
        Ok(list(args, span)?.last().cloned().unwrap_or_default())
    }),
    function("tail", &[Param::List], Out::Same, |_, args, span| {
        Ok(Val::list(
            list(args, span)?.iter().skip(1).cloned().collect(),
        ))
    }),
    function(
        "reverse",
        &[Param::Sequence],
        Out::Same,
        |_, args, span| match first(args) {
            Val::List(items) => Ok(Val::list(items.iter().rev().cloned().collect())),
            Val::Str(text) => Ok(Val::Str(text.chars().rev().collect::<String>().into())),
            other => Err(Fault::wrong_type(
                span,
                "a list or a string",
                other.type_name(),
            )),
        },
    ),
    function(
        "range",
        &[Param::Any, Param::Any, Param::Any],
        Out::Ints,
        range,
    )
    .min(2),
];

fn list(args: &[Val], span: Span) -> Result<&[Val], Fault> {
    match first(args) {
        Val::List(items) => Ok(items),
        other => Err(Fault::wrong_type(span, "a list", other.type_name())),
    }
}

fn size(_: &mut Cx<'_>, args: &[Val], span: Span) -> Result<Val, Fault> {
    match first(args) {
        Val::List(items) => Ok(Val::count(items.len())),
        Val::Str(text) => Ok(Val::count(text.chars().count())),
        other => Err(Fault::wrong_type(
            span,
            "a list or a string",
            other.type_name(),
        )),
    }
}

/// How many numbers are built between two looks at the limits.
const RANGE_PIECE: usize = 1024;

fn range(cx: &mut Cx<'_>, args: &[Val], span: Span) -> Result<Val, Fault> {
    let (start, end) = (int_arg(args, 0, span)?, int_arg(args, 1, span)?);
    let step = if args.len() > 2 {
        int_arg(args, 2, span)?
    } else {
        1
    };
    if step == 0 {
        let message = "the step of `range()` is zero";
        return Err(Fault::error(Code::OutOfRange, span, message));
    }
    let span_of_numbers = (i128::from(end) - i128::from(start)) / i128::from(step);
    let is_empty = if step > 0 { start > end } else { start < end };
    let n_items = if is_empty {
        0
    } else {
        u64::try_from(span_of_numbers + 1).unwrap_or(u64::MAX)
    };
    cx.fits(n_items.saturating_mul(Val::BYTES))?;
    let mut items = Vec::new();
    let mut next = start;
    for left in (1..=n_items).rev() {
        if items.len() % RANGE_PIECE == 0 {
            cx.built(left.min(RANGE_PIECE as u64) * Val::BYTES)?;
        }
        items.push(Val::Int(next));
        // The number after the last may lie beyond the integers; nobody reads it.
        next = next.wrapping_add(step);
    }
    Ok(Val::list(items))
}
