//! Evaluation.

use std::cmp::Ordering;
use std::sync::Arc;

use foothold_engine::pattern::LabelExpr;

use crate::ast::{CompareOp, QuantifierKind, Span};
use crate::exec::{Cx, subquery};
use crate::fault::Fault;
use crate::value::{self, Map, Val};

use super::{Expr, ProjectionPart, Slot, TextTest, access, arithmetic};

impl Expr {
    /// The value in the current row.
    pub(crate) fn eval(&self, cx: &mut Cx<'_>) -> Result<Val, Fault> {
        match self {
            Expr::Const(value) => Ok(value.clone()),
            Expr::Slot(slot) => Ok(cx.get(*slot).clone()),
            Expr::Property {
                base,
                name,
                prop,
                span,
            } => {
                // The common case reads the slot without copying it.
                if let Expr::Slot(slot) = **base {
                    return access::property(cx.snapshot, cx.get(slot), name, *prop, *span);
                }
                let base = base.eval(cx)?;
                access::property(cx.snapshot, &base, name, *prop, *span)
            }
            Expr::List(items) => Ok(Val::list(eval_all(items, cx)?)),
            Expr::Map(entries) => {
                let mut map = Map::new();
                for (key, value) in entries {
                    map.insert(Arc::clone(key), value.eval(cx)?);
                }
                Ok(Val::Map(Arc::new(map)))
            }
            Expr::Index(base, index, span) => {
                let (base, index) = (base.eval(cx)?, index.eval(cx)?);
                access::index(cx.snapshot, &base, &index, *span)
            }
            Expr::Slice(base, from, to, span) => {
                let base = base.eval(cx)?;
                let from = from.as_ref().map(|from| from.eval(cx)).transpose()?;
                let to = to.as_ref().map(|to| to.eval(cx)).transpose()?;
                access::slice(&base, from.as_ref(), to.as_ref(), *span)
            }
            Expr::Not(operand, span) => {
                let truth = truth(&operand.eval(cx)?, *span)?;
                Ok(truth.map(|flag| !flag).into())
            }
            Expr::Negate(operand, span) => match operand.eval(cx)? {
                Val::Float(number) => Ok(Val::Float(-number)),
                Val::Duration(duration) => Ok(Val::Duration(duration.negated())),
                value => arithmetic(super::Arith::Subtract, Val::Int(0), value, *span),
            },
            Expr::IsNull(operand) => Ok(Val::Bool(operand.eval(cx)?.is_null())),
            Expr::Arith(op, left, right, span) => {
                let (left, right) = (left.eval(cx)?, right.eval(cx)?);
                if let Some(bytes) = joined_bytes(&left, &right) {
                    cx.fits(bytes)?;
                    cx.built(bytes)?;
                }
                arithmetic(*op, left, right, *span)
            }
            Expr::And(operands, span) => Ok(connect(operands, false, *span, cx)?.into()),
            Expr::Or(operands, span) => Ok(connect(operands, true, *span, cx)?.into()),
            Expr::Xor(operands, span) => {
                let mut result = Some(false);
                for operand in operands {
                    let truth = truth(&operand.eval(cx)?, *span)?;
                    result = result.zip(truth).map(|(a, b)| a != b);
                }
                Ok(result.into())
            }
            Expr::Compare(first, rest) => compare_chain(first, rest, cx),
            Expr::In(item, list, span) => {
                let (item, list) = (item.eval(cx)?, list.eval(cx)?);
                Ok(contains(&item, &list, *span)?.into())
            }
            Expr::Text(test, left, right) => {
                let (left, right) = (left.eval(cx)?, right.eval(cx)?);
                let (Some(text), Some(part)) = (left.as_str(), right.as_str()) else {
                    return Ok(Val::Null);
                };
                Ok(Val::Bool(match test {
                    TextTest::StartsWith => text.starts_with(part),
                    TextTest::EndsWith => text.ends_with(part),
                    TextTest::Contains => text.contains(part),
                }))
            }
            Expr::Matches(text, pattern, span) => {
                let (text, pattern) = (text.eval(cx)?, pattern.eval(cx)?);
                let (Some(text), Some(pattern)) = (text.as_str(), pattern.as_str()) else {
                    return Ok(Val::Null);
                };
                let regex = cx.regex(pattern, *span)?;
                Ok(Val::Bool(regex.is_match(text)))
            }
            Expr::HasLabels(operand, labels, span) => {
                let operand = operand.eval(cx)?;
                Ok(has_labels(cx, &operand, labels, *span)?.into())
            }
            Expr::Case {
                subject,
                arms,
                otherwise,
                span,
            } => {
                let subject = subject.as_ref().map(|one| one.eval(cx)).transpose()?;
                for (when, then) in arms {
                    let when = when.eval(cx)?;
                    let is_chosen = match &subject {
                        Some(subject) => value::equals(subject, &when),
                        None => truth(&when, *span)?,
                    };
                    if is_chosen == Some(true) {
                        return then.eval(cx);
                    }
                }
                otherwise.as_ref().map_or(Ok(Val::Null), |one| one.eval(cx))
            }
            Expr::Call(function, args, span) => {
                let args = eval_all(args, cx)?;
                function.call(cx, &args, *span)
            }
            Expr::Coalesce(args) => {
                for arg in args {
                    let value = arg.eval(cx)?;
                    if !value.is_null() {
                        return Ok(value);
                    }
                }
                Ok(Val::Null)
            }
            Expr::Comprehension {
                slot,
                list,
                filter,
                map,
                span,
            } => {
                let Some(items) = list_of(list, *span, cx)? else {
                    return Ok(Val::Null);
                };
                let mut kept = Vec::new();
                for item in items.iter() {
                    cx.tick()?;
                    cx.set(*slot, item.clone());
                    if let Some(filter) = filter
                        && truth(&filter.eval(cx)?, *span)? != Some(true)
                    {
                        continue;
                    }
                    kept.push(match map {
                        Some(map) => map.eval(cx)?,
                        None => item.clone(),
                    });
                }
                Ok(Val::list(kept))
            }
            Expr::Quantifier {
                kind,
                slot,
                list,
                filter,
                span,
            } => {
                let Some(items) = list_of(list, *span, cx)? else {
                    return Ok(Val::Null);
                };
                quantify(*kind, *slot, &items, filter, *span, cx)
            }
            Expr::Reduce {
                accumulator,
                init,
                slot,
                list,
                body,
                span,
            } => {
                let mut value = init.eval(cx)?;
                let Some(items) = list_of(list, *span, cx)? else {
                    return Ok(Val::Null);
                };
                for item in items.iter() {
                    cx.tick()?;
                    cx.set(*accumulator, value);
                    cx.set(*slot, item.clone());
                    value = body.eval(cx)?;
                }
                Ok(value)
            }
            Expr::MapProjection(base, parts, span) => {
                let base = base.eval(cx)?;
                project_map(&base, parts, *span, cx)
            }
            Expr::Subquery(kind, plan) => subquery(*kind, plan, cx),
        }
    }

    /// Whether the condition is known to hold; an error when it is no truth value.
    pub(crate) fn holds(&self, span: Span, cx: &mut Cx<'_>) -> Result<bool, Fault> {
        Ok(truth(&self.eval(cx)?, span)? == Some(true))
    }
}

/// How large two strings or lists are together; `None` where nothing is joined.
fn joined_bytes(left: &Val, right: &Val) -> Option<u64> {
    let bytes = |value: &Val| match value {
        Val::Str(text) => Some(text.len() as u64),
        Val::List(items) => Some(items.len() as u64 * Val::BYTES),
        _ => None,
    };
    match (bytes(left), bytes(right)) {
        (None, None) => None,
        (left, right) => Some(left.unwrap_or(0) + right.unwrap_or(0)),
    }
}

fn eval_all(items: &[Expr], cx: &mut Cx<'_>) -> Result<Vec<Val>, Fault> {
    let mut values = Vec::with_capacity(items.len());
    for item in items {
        values.push(item.eval(cx)?);
    }
    Ok(values)
}

/// A truth value, or null as `None`.
pub(super) fn truth(value: &Val, span: Span) -> Result<Option<bool>, Fault> {
    match value {
        Val::Bool(flag) => Ok(Some(*flag)),
        Val::Null => Ok(None),
        other => Err(Fault::wrong_type(span, "a boolean", other.type_name())),
    }
}

/// `AND` and `OR`: `deciding` is the truth value that decides alone.
fn connect(
    operands: &[Expr],
    deciding: bool,
    span: Span,
    cx: &mut Cx<'_>,
) -> Result<Option<bool>, Fault> {
    let mut result = Some(!deciding);
    for operand in operands {
        match truth(&operand.eval(cx)?, span)? {
            Some(flag) if flag == deciding => return Ok(Some(deciding)),
            Some(_) => {}
            None => result = None,
        }
    }
    Ok(result)
}

fn compare_chain(first: &Expr, rest: &[(CompareOp, Expr)], cx: &mut Cx<'_>) -> Result<Val, Fault> {
    let mut left = first.eval(cx)?;
    let mut result = Some(true);
    for (op, operand) in rest {
        let right = operand.eval(cx)?;
        match compare(*op, &left, &right) {
            Some(false) => return Ok(Val::Bool(false)),
            Some(true) => {}
            None => result = None,
        }
        left = right;
    }
    Ok(result.into())
}

/// One comparison.
pub(crate) fn compare(op: CompareOp, left: &Val, right: &Val) -> Option<bool> {
    let ordered = |holds: fn(Ordering) -> bool| match value::compare(left, right) {
        Ok(order) => Some(holds(order)),
        Err(value::Incomparable::NotANumber) => Some(false),
        Err(value::Incomparable::Unknown) => None,
    };
    match op {
        CompareOp::Equal => value::equals(left, right),
        CompareOp::NotEqual => value::equals(left, right).map(|equal| !equal),
        CompareOp::Less => ordered(Ordering::is_lt),
        CompareOp::LessOrEqual => ordered(Ordering::is_le),
        CompareOp::Greater => ordered(Ordering::is_gt),
        CompareOp::GreaterOrEqual => ordered(Ordering::is_ge),
    }
}

fn contains(item: &Val, list: &Val, span: Span) -> Result<Option<bool>, Fault> {
    let items = match list {
        Val::Null => return Ok(None),
        Val::List(items) => items,
        other => return Err(Fault::wrong_type(span, "a list", other.type_name())),
    };
    let mut result = Some(false);
    for element in items.iter() {
        match value::equals(item, element) {
            Some(true) => return Ok(Some(true)),
            Some(false) => {}
            None => result = None,
        }
    }
    Ok(result)
}

fn has_labels(
    cx: &Cx<'_>,
    operand: &Val,
    labels: &LabelExpr,
    span: Span,
) -> Result<Option<bool>, Fault> {
    let snapshot = cx.snapshot;
    match operand {
        Val::Null => Ok(None),
        Val::Node(node) => Ok(Some(labels.holds(&|name| {
            snapshot
                .label_id(name)
                .is_some_and(|label| snapshot.has_label(*node, label))
        }))),
        Val::Rel(edge) => {
            let kind = snapshot.kind_name(snapshot.edge(*edge).kind);
            Ok(Some(labels.holds(&|name| name == kind)))
        }
        other => Err(Fault::wrong_type(
            span,
            "a node or relationship",
            other.type_name(),
        )),
    }
}

fn list_of(list: &Expr, span: Span, cx: &mut Cx<'_>) -> Result<Option<Arc<[Val]>>, Fault> {
    match list.eval(cx)? {
        Val::Null => Ok(None),
        Val::List(items) => Ok(Some(items)),
        other => Err(Fault::wrong_type(span, "a list", other.type_name())),
    }
}

fn quantify(
    kind: QuantifierKind,
    slot: Slot,
    items: &[Val],
    filter: &Expr,
    span: Span,
    cx: &mut Cx<'_>,
) -> Result<Val, Fault> {
    let (mut n_true, mut n_false, mut n_unknown) = (0_u64, 0_u64, 0_u64);
    for item in items {
        cx.tick()?;
        cx.set(slot, item.clone());
        match truth(&filter.eval(cx)?, span)? {
            Some(true) => n_true += 1,
            Some(false) => n_false += 1,
            None => n_unknown += 1,
        }
    }
    let unless_unknown = |flag| (n_unknown == 0).then_some(flag);
    let result = match kind {
        QuantifierKind::All if n_false > 0 => Some(false),
        QuantifierKind::All => unless_unknown(true),
        QuantifierKind::Any if n_true > 0 => Some(true),
        QuantifierKind::Any => unless_unknown(false),
        QuantifierKind::None if n_true > 0 => Some(false),
        QuantifierKind::None => unless_unknown(true),
        QuantifierKind::Single if n_true > 1 => Some(false),
        QuantifierKind::Single => unless_unknown(n_true == 1),
    };
    Ok(result.into())
}

fn project_map(
    base: &Val,
    parts: &[ProjectionPart],
    span: Span,
    cx: &mut Cx<'_>,
) -> Result<Val, Fault> {
    if base.is_null() {
        return Ok(Val::Null);
    }
    let mut map = Map::new();
    for part in parts {
        match part {
            ProjectionPart::All => {
                let Some(all) = access::properties(cx.snapshot, base) else {
                    let found = base.type_name();
                    return Err(Fault::wrong_type(
                        span,
                        "a node, relationship or map",
                        found,
                    ));
                };
                map.extend(all);
            }
            ProjectionPart::Property(name, prop) => {
                let value = access::property(cx.snapshot, base, name, *prop, span)?;
                map.insert(Arc::clone(name), value);
            }
            ProjectionPart::Entry(name, value) => {
                map.insert(Arc::clone(name), value.eval(cx)?);
            }
        }
    }
    Ok(Val::Map(Arc::new(map)))
}
