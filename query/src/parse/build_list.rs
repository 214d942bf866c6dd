//! Actions for lists, comprehensions and quantifiers, whose heads were read as expressions.

use super::build::{Context, expr};
use crate::ast::{
    BinaryOp, CompareOp, Expr, ExprKind, Ident, PathPattern, QuantifierKind, Span, UnaryOp,
};
use crate::diagnostic::{Code, Diagnostic};

/// A list; `[x IN xs]` alone is a comprehension.
pub(crate) fn list(start: usize, mut items: Vec<(usize, Expr)>, end: usize) -> Expr {
    if items.len() == 1
        && let Some((at, item)) = items.pop()
    {
        let kind = match split_membership(at, item) {
            Ok((variable, list)) => ExprKind::ListComprehension {
                variable,
                list: Box::new(list),
                filter: None,
                map: None,
            },
            Err(item) => ExprKind::List(vec![item]),
        };
        return expr(start, kind, end);
    }
    let items = items.into_iter().map(|(_, item)| item).collect();
    expr(start, ExprKind::List(items), end)
}

/// Splits `x IN list` with a plain variable on the left; gives anything else back.
///
/// The head was read as one expression, so `x IN a OR b` has `IN` deep on its left side; what
/// stands right of it belongs to the list.
fn split_membership(start: usize, mut head: Expr) -> Result<(Ident, Expr), Expr> {
    if !has_membership(start, &head) {
        return Err(head);
    }
    match take_membership(&mut head) {
        Some(variable) => Ok((variable, head)),
        None => Err(head),
    }
}

fn has_membership(start: usize, head: &Expr) -> bool {
    if head.span.start as usize != start {
        return false;
    }
    match &head.kind {
        ExprKind::Binary {
            op: BinaryOp::In,
            left,
            ..
        } if matches!(left.kind, ExprKind::Variable(_)) => left.span.start as usize == start,
        ExprKind::Binary { left, .. } => has_membership(start, left),
        ExprKind::And(operands) | ExprKind::Or(operands) | ExprKind::Xor(operands) => operands
            .first()
            .is_some_and(|first| has_membership(start, first)),
        ExprKind::Compare { first, .. } => has_membership(start, first),
        ExprKind::Unary {
            op: UnaryOp::IsNull | UnaryOp::IsNotNull,
            operand,
        } => has_membership(start, operand),
        _ => false,
    }
}

/// Takes the variable and the word `IN` out of a head that [`has_membership`] accepts.
fn take_membership(head: &mut Expr) -> Option<Ident> {
    let slot = match &mut head.kind {
        ExprKind::Binary {
            op: BinaryOp::In,
            left,
            right,
        } if matches!(left.kind, ExprKind::Variable(_)) => {
            let ExprKind::Variable(name) = take(left).kind else {
                return None;
            };
            let variable = Ident {
                name,
                span: left.span,
            };
            *head = take(right);
            return Some(variable);
        }
        ExprKind::Binary { left, .. } => &mut **left,
        ExprKind::And(operands) | ExprKind::Or(operands) | ExprKind::Xor(operands) => {
            operands.first_mut()?
        }
        ExprKind::Compare { first, .. } => &mut **first,
        ExprKind::Unary { operand, .. } => &mut **operand,
        _ => return None,
    };
    let variable = take_membership(slot)?;
    head.span.start = slot.span.start;
    Some(variable)
}

fn take(slot: &mut Expr) -> Expr {
    let span = slot.span;
    std::mem::replace(
        slot,
        Expr {
            kind: ExprKind::Invalid,
            span,
        },
    )
}

/// `[head WHERE filter | map]`: over a list, or over a pattern.
pub(crate) fn comprehension(
    cx: &Context<'_>,
    left: usize,
    start: usize,
    head: Expr,
    filter: Option<Expr>,
    map: Option<Expr>,
    right: usize,
) -> Expr {
    let span = Span::new(left, right);
    let head = match split_membership(start, head) {
        Ok((variable, list)) => {
            let kind = ExprKind::ListComprehension {
                variable,
                list: Box::new(list),
                filter: filter.map(Box::new),
                map: map.map(Box::new),
            };
            return Expr { kind, span };
        }
        Err(head) => head,
    };
    let head_span = head.span;
    match (split_pattern(head), map) {
        (Some(pattern), Some(map)) => {
            let kind = ExprKind::PatternComprehension {
                pattern: Box::new(pattern),
                filter: filter.map(Box::new),
                map: Box::new(map),
            };
            Expr { kind, span }
        }
        (Some(_), None) => {
            let message = "a pattern comprehension needs `| value` before its end";
            let diagnostic = Diagnostic::new(Code::MissingPart, span, message);
            cx.report(diagnostic.help("write `[(a)-->(b) | b.name]`"));
            expr(left, ExprKind::Invalid, right)
        }
        (None, _) => {
            let message =
                "expected `variable IN list` or a pattern at the start of a comprehension";
            let diagnostic = Diagnostic::new(Code::Syntax, head_span, message);
            cx.report(diagnostic.help("write `[x IN list WHERE x > 1 | x * 2]`"));
            expr(left, ExprKind::Invalid, right)
        }
    }
}

/// A pattern, or `p = pattern` read as a comparison.
fn split_pattern(head: Expr) -> Option<PathPattern> {
    match head.kind {
        ExprKind::Pattern(pattern) => Some(*pattern),
        ExprKind::Compare { first, mut rest } if rest.len() == 1 => {
            let link = rest.pop()?;
            match (first.kind, link.op, link.operand.kind) {
                (ExprKind::Variable(name), CompareOp::Equal, ExprKind::Pattern(mut pattern)) => {
                    pattern.variable = Some(Ident {
                        name,
                        span: first.span,
                    });
                    pattern.span = first.span.to(pattern.span);
                    Some(*pattern)
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// `all(x IN list WHERE filter)` and its kin.
pub(crate) fn quantified(
    cx: &Context<'_>,
    left: usize,
    word: &str,
    start: usize,
    head: Expr,
    filter: Option<Expr>,
    right: usize,
) -> Expr {
    let kind = match word {
        "all" => QuantifierKind::All,
        "any" => QuantifierKind::Any,
        "none" => QuantifierKind::None,
        _ => QuantifierKind::Single,
    };
    let head_span = head.span;
    let Ok((variable, list)) = split_membership(start, head) else {
        let message = format!("expected `variable IN list` inside `{word}(...)`");
        let diagnostic = Diagnostic::new(Code::Syntax, head_span, message);
        cx.report(diagnostic.help(format!("write `{word}(x IN list WHERE x > 1)`")));
        return expr(left, ExprKind::Invalid, right);
    };
    if filter.is_none() {
        let message = format!("`{word}(...)` needs a condition");
        let diagnostic = Diagnostic::new(Code::MissingPart, Span::new(left, right), message);
        cx.report(diagnostic.help(format!(
            "write `{word}({} IN ... WHERE condition)`",
            variable.name
        )));
    }
    let kind = ExprKind::Quantifier {
        kind,
        variable,
        list: Box::new(list),
        filter: filter.map(Box::new),
    };
    expr(left, kind, right)
}
