//! Functions on strings. Positions count characters, not bytes.

use crate::ast::Span;
use crate::exec::Cx;
use crate::fault::Fault;
use crate::value::Val;

use super::{Function, Out, Param, first, function, int_arg, str_arg, value_error};

pub(super) const TABLE: &[Function] = &[
    function("toLower", &[Param::Str], Out::Str, lower),
    function("lower", &[Param::Str], Out::Str, lower),
    function("toUpper", &[Param::Str], Out::Str, upper),
    function("upper", &[Param::Str], Out::Str, upper),
    function("trim", &[Param::Str], Out::Str, |_, args, span| {
        Ok(Val::str(str_arg(args, 0, span)?.trim()))
    }),
    function("btrim", &[Param::Str], Out::Str, |_, args, span| {
        Ok(Val::str(str_arg(args, 0, span)?.trim()))
    }),
    function("lTrim", &[Param::Str], Out::Str, |_, args, span| {
        Ok(Val::str(str_arg(args, 0, span)?.trim_start()))
    }),
    function("rTrim", &[Param::Str], Out::Str, |_, args, span| {
        Ok(Val::str(str_arg(args, 0, span)?.trim_end()))
    }),
    function(
        "replace",
        &[Param::Str, Param::Str, Param::Str],
        Out::Str,
        |cx, args, span| {
            let (text, from, to) = (
                str_arg(args, 0, span)?,
                str_arg(args, 1, span)?,
                str_arg(args, 2, span)?,
            );
            let n_replaced = text.matches(from).count() as u64;
            let bytes =
                (n_replaced.saturating_mul(to.len() as u64)).saturating_add(text.len() as u64);
            cx.fits(bytes)?;
            cx.built(bytes)?;
            Ok(Val::Str(text.replace(from, to).into()))
        },
    ),
    function("split", &[Param::Str, Param::Sequence], Out::Strs, split),
    function(
        "left",
        &[Param::Str, Param::Int],
        Out::Str,
        |_, args, span| {
            part(args, || {
                let (text, n) = (str_arg(args, 0, span)?, count(args, 1, span)?);
                Ok(text.chars().take(n).collect())
            })
        },
    )
    .lenient(),
    function(
        "right",
        &[Param::Str, Param::Int],
        Out::Str,
        |_, args, span| {
            part(args, || {
                let (text, n) = (str_arg(args, 0, span)?, count(args, 1, span)?);
                let skipped = text.chars().count().saturating_sub(n);
                Ok(text.chars().skip(skipped).collect())
            })
        },
    )
    .lenient(),
    function(
        "substring",
        &[Param::Str, Param::Int, Param::Int],
        Out::Str,
        |_, args, span| {
            part(args, || {
                let (text, start) = (str_arg(args, 0, span)?, count(args, 1, span)?);
                let n = if args.len() > 2 {
                    count(args, 2, span)?
                } else {
                    usize::MAX
                };
                Ok(text.chars().skip(start).take(n).collect())
            })
        },
    )
    .min(2)
    .lenient(),
    function(
        "startsWith",
        &[Param::Str, Param::Str],
        Out::Bool,
        |_, args, span| {
            Ok(Val::Bool(
                str_arg(args, 0, span)?.starts_with(str_arg(args, 1, span)?),
            ))
        },
    ),
];

fn lower(_: &mut Cx<'_>, args: &[Val], span: Span) -> Result<Val, Fault> {
    Ok(Val::Str(str_arg(args, 0, span)?.to_lowercase().into()))
}

fn upper(_: &mut Cx<'_>, args: &[Val], span: Span) -> Result<Val, Fault> {
    Ok(Val::Str(str_arg(args, 0, span)?.to_uppercase().into()))
}

/// A part of the first argument. Of null it is null; a null position or length is a mistake.
fn part(args: &[Val], cut: impl FnOnce() -> Result<String, Fault>) -> Result<Val, Fault> {
    if first(args).is_null() {
        return Ok(Val::Null);
    }
    Ok(Val::Str(cut()?.into()))
}

fn count(args: &[Val], at: usize, span: Span) -> Result<usize, Fault> {
    let number = int_arg(args, at, span)?;
    usize::try_from(number).map_err(|_| value_error(span, "a position or length is negative"))
}

fn split(_: &mut Cx<'_>, args: &[Val], span: Span) -> Result<Val, Fault> {
    let text = str_arg(args, 0, span)?;
    let mut separators: Vec<&str> = Vec::new();
    match args.get(1) {
        Some(Val::List(items)) => separators.extend(items.iter().filter_map(Val::as_str)),
        _ => separators.push(str_arg(args, 1, span)?),
    }
    if separators.contains(&"") {
        let letters = text
            .chars()
            .map(|letter| Val::Str(letter.to_string().into()));
        return Ok(Val::list(letters.collect()));
    }
    let mut parts = vec![text];
    for separator in separators {
        parts = parts
            .into_iter()
            .flat_map(|part| part.split(separator))
            .collect();
    }
    Ok(Val::list(parts.into_iter().map(Val::str).collect()))
}
