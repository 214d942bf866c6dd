//! Index use: what a condition tells an index about one node.

use std::ops::Bound;
use std::sync::Arc;

use foothold_engine::model::Value;
use foothold_engine::pattern::Hint;

use crate::ast::CompareOp;
use crate::expr::{Expr, Slot, TextTest};
use crate::value::Val;

/// What a condition of a conjunction tells about the node in some slot.
pub(crate) fn hints(condition: &Expr) -> Vec<(Slot, Hint)> {
    match condition {
        Expr::Compare(first, rest) => {
            let mut found = Vec::new();
            let mut left: &Expr = first;
            for (op, right) in rest {
                found.extend(comparison(*op, left, right));
                found.extend(comparison(mirrored(*op), right, left));
                left = right;
            }
            found
        }
        Expr::In(item, list, _) => match list.constant() {
            Some(Val::List(items)) => one_of(item, items).into_iter().collect(),
            _ => Vec::new(),
        },
        Expr::Text(TextTest::StartsWith, text, prefix) => match (property(text), prefix.constant())
        {
            (Some((slot, name)), Some(Val::Str(prefix))) if !prefix.is_empty() => {
                vec![(slot, Hint::Prefix(name, Arc::clone(prefix)))]
            }
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// The slot of the node for which a condition says no more than its hint does: an index finds exactly
/// the nodes for which it holds.
pub(crate) fn decides(condition: &Expr) -> Option<Slot> {
    let found = match condition {
        Expr::Compare(first, rest) => match rest.as_slice() {
            [(op, right)] => match (right.constant(), first.constant()) {
                (Some(value), None) if is_plain(value) => comparison(*op, first, right),
                (None, Some(value)) if is_plain(value) => comparison(mirrored(*op), right, first),
                _ => None,
            },
            _ => None,
        },
        Expr::In(_, list, _) => match list.constant() {
            Some(Val::List(items)) if items.iter().all(is_plain) => {
                hints(condition).into_iter().next()
            }
            _ => None,
        },
        _ => hints(condition).into_iter().next(),
    };
    found.map(|(slot, _)| slot)
}

/// Whether indexes compare a value as the language does.
fn is_plain(value: &Val) -> bool {
    matches!(
        value,
        Val::Null | Val::Bool(_) | Val::Int(_) | Val::Float(_) | Val::Str(_)
    )
}

/// The slot and name of `n.name`.
fn property(expr: &Expr) -> Option<(Slot, Arc<str>)> {
    match expr {
        Expr::Property { base, name, .. } => match **base {
            Expr::Slot(slot) => Some((slot, Arc::clone(name))),
            _ => None,
        },
        _ => None,
    }
}

/// The slot of `id(n)`.
fn stable_id(expr: &Expr) -> Option<Slot> {
    match expr {
        Expr::Call(function, args, _) if matches!(function.name, "id" | "elementId") => {
            match args.as_slice() {
                [Expr::Slot(slot)] => Some(*slot),
                _ => None,
            }
        }
        _ => None,
    }
}

fn one_of(item: &Expr, values: &[Val]) -> Option<(Slot, Hint)> {
    if let Some(slot) = stable_id(item) {
        let ids = values.iter().filter_map(Val::as_str).map(Arc::from);
        return Some((slot, Hint::Ids(ids.collect())));
    }
    let (slot, name) = property(item)?;
    // A value that no property can hold equals none.
    let values: Vec<Value> = values.iter().filter_map(Val::to_property).collect();
    Some((slot, Hint::In(name, values)))
}

fn comparison(op: CompareOp, left: &Expr, right: &Expr) -> Option<(Slot, Hint)> {
    let value = right.constant()?;
    if op == CompareOp::Equal {
        return one_of(left, std::slice::from_ref(value));
    }
    let (slot, name) = property(left)?;
    let bound = match value {
        Val::Int(_) | Val::Str(_) => value.to_property()?,
        Val::Float(number) if !number.is_nan() => value.to_property()?,
        _ => return None,
    };
    let (low, high) = match op {
        CompareOp::Less => (Bound::Unbounded, Bound::Excluded(bound)),
        CompareOp::LessOrEqual => (Bound::Unbounded, Bound::Included(bound)),
        CompareOp::Greater => (Bound::Excluded(bound), Bound::Unbounded),
        CompareOp::GreaterOrEqual => (Bound::Included(bound), Bound::Unbounded),
        CompareOp::Equal | CompareOp::NotEqual => return None,
    };
    Some((slot, Hint::Range(name, low, high)))
}

fn mirrored(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Less => CompareOp::Greater,
        CompareOp::LessOrEqual => CompareOp::GreaterOrEqual,
        CompareOp::Greater => CompareOp::Less,
        CompareOp::GreaterOrEqual => CompareOp::LessOrEqual,
        same => same,
    }
}
