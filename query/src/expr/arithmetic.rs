//! `+ - * / % ^ ||` on values.

use std::sync::Arc;

use crate::ast::Span;
use crate::diagnostic::Code;
use crate::fault::Fault;
use crate::value::{Duration, Val};

use super::Arith;

/// Applies an operator. Null in, null out; integers do not wrap around.
pub(crate) fn arithmetic(op: Arith, left: Val, right: Val, span: Span) -> Result<Val, Fault> {
    match (&left, &right) {
        (Val::Null, _) | (_, Val::Null) => return Ok(Val::Null),
        (Val::List(_), _) | (_, Val::List(_)) if matches!(op, Arith::Add | Arith::Concat) => {
            return Ok(join_lists(left, right));
        }
        (Val::Int(a), Val::Int(b)) => return integers(op, *a, *b, span),
        (Val::Int(_) | Val::Float(_), Val::Int(_) | Val::Float(_)) => {
            if let (Some(a), Some(b)) = (left.as_f64(), right.as_f64()) {
                return floats(op, a, b).ok_or_else(|| mismatch(op, &left, &right, span));
            }
        }
        (Val::Str(_), _) | (_, Val::Str(_)) if matches!(op, Arith::Add | Arith::Concat) => {
            if let (Some(a), Some(b)) = (text(&left), text(&right)) {
                return Ok(Val::Str([a.as_ref(), b.as_ref()].concat().into()));
            }
        }
        _ => {
            if let Some(value) = temporal(op, &left, &right, span)? {
                return Ok(value);
            }
        }
    }
    Err(mismatch(op, &left, &right, span))
}

fn mismatch(op: Arith, left: &Val, right: &Val, span: Span) -> Fault {
    let sign = match op {
        Arith::Add => "+",
        Arith::Subtract => "-",
        Arith::Multiply => "*",
        Arith::Divide => "/",
        Arith::Modulo => "%",
        Arith::Power => "^",
        Arith::Concat => "||",
    };
    let message = format!(
        "`{sign}` does not work on {} and {}",
        left.type_name(),
        right.type_name()
    );
    Fault::error(Code::ArgumentType, span, message)
}

fn join_lists(left: Val, right: Val) -> Val {
    match (left, right) {
        (Val::List(a), Val::List(b)) => {
            let joined: Vec<Val> = a.iter().chain(b.iter()).cloned().collect();
            Val::list(joined)
        }
        (Val::List(a), item) => {
            let mut joined = a.to_vec();
            joined.push(item);
            Val::list(joined)
        }
        (item, Val::List(b)) => {
            let mut joined = vec![item];
            joined.extend(b.iter().cloned());
            Val::list(joined)
        }
        _ => Val::Null,
    }
}

fn integers(op: Arith, a: i64, b: i64, span: Span) -> Result<Val, Fault> {
    let result = match op {
        Arith::Add => a.checked_add(b),
        Arith::Subtract => a.checked_sub(b),
        Arith::Multiply => a.checked_mul(b),
        Arith::Divide | Arith::Modulo if b == 0 => {
            return Err(Fault::error(
                Code::DivisionByZero,
                span,
                "an integer is divided by zero",
            ));
        }
        Arith::Divide => a.checked_div(b),
        Arith::Modulo => Some(a.wrapping_rem(b)),
        Arith::Power => return Ok(Val::Float((a as f64).powf(b as f64))),
        Arith::Concat => return Err(mismatch(op, &Val::Int(a), &Val::Int(b), span)),
    };
    result.map(Val::Int).ok_or_else(|| {
        Fault::error(
            Code::OutOfRange,
            span,
            "the result does not fit a 64-bit integer",
        )
    })
}

fn floats(op: Arith, a: f64, b: f64) -> Option<Val> {
    let result = match op {
        Arith::Add => a + b,
        Arith::Subtract => a - b,
        Arith::Multiply => a * b,
        Arith::Divide => a / b,
        Arith::Modulo => a % b,
        Arith::Power => a.powf(b),
        Arith::Concat => return None,
    };
    Some(Val::Float(result))
}

/// What concatenation makes of a value: strings, numbers and truth values.
fn text(value: &Val) -> Option<Arc<str>> {
    match value {
        Val::Str(text) => Some(Arc::clone(text)),
        Val::Int(_) | Val::Float(_) | Val::Bool(_) => crate::func::to_text(value),
        Val::Date(_) | Val::DateTime(_) | Val::Duration(_) => crate::func::to_text(value),
        _ => None,
    }
}

fn temporal(op: Arith, left: &Val, right: &Val, span: Span) -> Result<Option<Val>, Fault> {
    let signed = |duration: &Duration| match op {
        Arith::Subtract => duration.negated(),
        _ => *duration,
    };
    let moved = match (op, left, right) {
        (Arith::Add | Arith::Subtract, Val::Date(date), Val::Duration(duration)) => {
            date.plus(signed(duration)).map(Val::Date)
        }
        (Arith::Add | Arith::Subtract, Val::DateTime(at), Val::Duration(duration)) => {
            at.plus(signed(duration)).map(Val::DateTime)
        }
        (Arith::Add, Val::Duration(duration), Val::Date(date)) => {
            date.plus(*duration).map(Val::Date)
        }
        (Arith::Add, Val::Duration(duration), Val::DateTime(at)) => {
            at.plus(*duration).map(Val::DateTime)
        }
        (Arith::Add | Arith::Subtract, Val::Duration(a), Val::Duration(b)) => {
            Some(Val::Duration(a.plus(signed(b))))
        }
        (Arith::Multiply, Val::Duration(a), factor)
        | (Arith::Multiply, factor, Val::Duration(a)) => match factor.as_f64() {
            Some(factor) => Some(Val::Duration(a.times(factor))),
            None => return Ok(None),
        },
        (Arith::Divide, Val::Duration(a), divisor) => match divisor.as_f64() {
            Some(divisor) => Some(Val::Duration(a.times(1.0 / divisor))),
            None => return Ok(None),
        },
        _ => return Ok(None),
    };
    match moved {
        Some(value) => Ok(Some(value)),
        None => Err(Fault::error(
            Code::OutOfRange,
            span,
            "the date is out of range",
        )),
    }
}
