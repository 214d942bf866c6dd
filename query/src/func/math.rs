//! Mathematical functions.

use crate::ast::Span;
use crate::exec::Cx;
use crate::fault::Fault;
use crate::value::Val;

use super::{Function, Out, Param, first, float_arg, function, int_arg, value_error};

const NUMBER: &[Param] = &[Param::Number];

macro_rules! float_functions {
    ($($name:literal $body:expr;)*) => {
        &[$(function($name, NUMBER, Out::Float, |_, args, span| {
            let apply: fn(f64) -> f64 = $body;
            Ok(Val::Float(apply(float_arg(args, 0, span)?)))
        }),)*]
    };
}

pub(super) const FLOATS: &[Function] = float_functions! {
    "ceil" f64::ceil;
    "ceiling" f64::ceil;
    "floor" f64::floor;
    "sqrt" f64::sqrt;
    "exp" f64::exp;
    "log" f64::ln;
    "ln" f64::ln;
    "log10" f64::log10;
    "sin" f64::sin;
    "cos" f64::cos;
    "tan" f64::tan;
    "cot" |x| 1.0 / x.tan();
    "asin" f64::asin;
    "acos" f64::acos;
    "atan" f64::atan;
    "sinh" f64::sinh;
    "cosh" f64::cosh;
    "tanh" f64::tanh;
    "degrees" f64::to_degrees;
    "radians" f64::to_radians;
    "haversin" |x| (x / 2.0).sin().powi(2);
};

pub(super) const TABLE: &[Function] = &[
    function("abs", NUMBER, Out::Same, |_, args, span| {
        match first(args) {
            Val::Int(number) => number
                .checked_abs()
                .map(Val::Int)
                .ok_or_else(|| value_error(span, "the result does not fit a 64-bit integer")),
            _ => Ok(Val::Float(float_arg(args, 0, span)?.abs())),
        }
    }),
    function("sign", NUMBER, Out::Int, |_, args, span| {
        let number = float_arg(args, 0, span)?;
        Ok(Val::Int(i64::from(number > 0.0) - i64::from(number < 0.0)))
    }),
    function("round", &[Param::Number, Param::Number], Out::Float, round).min(1),
    function(
        "atan2",
        &[Param::Number, Param::Number],
        Out::Float,
        |_, args, span| {
            Ok(Val::Float(
                float_arg(args, 0, span)?.atan2(float_arg(args, 1, span)?),
            ))
        },
    ),
    function(
        "power",
        &[Param::Number, Param::Number],
        Out::Float,
        |_, args, span| {
            Ok(Val::Float(
                float_arg(args, 0, span)?.powf(float_arg(args, 1, span)?),
            ))
        },
    ),
    function(
        "mod",
        &[Param::Number, Param::Number],
        Out::Number,
        |_, args, span| {
            let (left, right) = (
                first(args).clone(),
                args.get(1).cloned().unwrap_or_default(),
            );
            crate::expr::arithmetic(crate::expr::Arith::Modulo, left, right, span)
        },
    ),
    function("isNaN", NUMBER, Out::Bool, |_, args, span| {
        Ok(Val::Bool(float_arg(args, 0, span)?.is_nan()))
    }),
    function("pi", &[], Out::Float, |_, _, _| {
        Ok(Val::Float(std::f64::consts::PI))
    }),
    function("e", &[], Out::Float, |_, _, _| {
        Ok(Val::Float(std::f64::consts::E))
    }),
    function("rand", &[], Out::Float, |cx, _, _| {
        Ok(Val::Float(cx.random()))
    }),
];

/// Halves go up, as in openCypher; with a precision, away from zero.
fn round(_: &mut Cx<'_>, args: &[Val], span: Span) -> Result<Val, Fault> {
    let number = float_arg(args, 0, span)?;
    if args.len() < 2 {
        // Adding a half first would round what lies just below one, and large odd numbers.
        let below = number.floor();
        let up = if number - below >= 0.5 { 1.0 } else { 0.0 };
        return Ok(Val::Float(below + up));
    }
    let precision = int_arg(args, 1, span)?;
    let Ok(precision) = i32::try_from(precision) else {
        return Err(value_error(
            span,
            "the precision of `round()` is out of range",
        ));
    };
    let scale = 10_f64.powi(precision);
    let rounded = (number * scale).round() / scale;
    Ok(Val::Float(if rounded.is_finite() {
        rounded
    } else {
        number
    }))
}
