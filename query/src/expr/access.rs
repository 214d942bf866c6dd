//! Reading into values: properties, elements, slices.

use std::sync::Arc;

use foothold_engine::graph::{PropId, Snapshot};

use crate::ast::Span;
use crate::diagnostic::Code;
use crate::fault::Fault;
use crate::value::{Map, Val};

/// `base.name`.
pub(super) fn property(
    snapshot: &Snapshot,
    base: &Val,
    name: &str,
    prop: Option<PropId>,
    span: Span,
) -> Result<Val, Fault> {
    match base {
        Val::Null => Ok(Val::Null),
        Val::Node(node) => Ok(prop
            .and_then(|prop| snapshot.node_prop(*node, prop))
            .map_or(Val::Null, Val::from)),
        Val::Rel(edge) => Ok(prop
            .and_then(|prop| snapshot.edge_prop(*edge, prop))
            .map_or(Val::Null, Val::from)),
        Val::Map(map) => Ok(map.get(name).cloned().unwrap_or_default()),
        Val::Date(date) => field(date.field(name), name, base, span),
        Val::DateTime(at) => field(at.field(name), name, base, span),
        Val::Duration(duration) => field(duration.field(name), name, base, span),
        Val::Foreign(value) => Ok(value.field(snapshot, name).unwrap_or_default()),
        other => Err(Fault::wrong_type(
            span,
            "a node, relationship or map",
            other.type_name(),
        )),
    }
}

fn field(found: Option<i64>, name: &str, base: &Val, span: Span) -> Result<Val, Fault> {
    found.map(Val::Int).ok_or_else(|| {
        let message = format!("{} has no component `{name}`", base.type_name());
        Fault::error(Code::ArgumentValue, span, message)
    })
}

/// `base[index]`.
pub(super) fn index(
    snapshot: &Snapshot,
    base: &Val,
    index: &Val,
    span: Span,
) -> Result<Val, Fault> {
    match (base, index) {
        (Val::List(items), Val::Int(at)) => {
            let at = if *at < 0 {
                at.saturating_add(length(items))
            } else {
                *at
            };
            let found = usize::try_from(at).ok().and_then(|at| items.get(at));
            Ok(found.cloned().unwrap_or_default())
        }
        (Val::Null, _) => Ok(Val::Null),
        (Val::List(_) | Val::Map(_) | Val::Node(_) | Val::Rel(_), Val::Null) => Ok(Val::Null),
        (Val::Map(map), Val::Str(name)) => Ok(map.get(name).cloned().unwrap_or_default()),
        (Val::Node(_) | Val::Rel(_) | Val::Foreign(_), Val::Str(name)) => {
            property(snapshot, base, name, snapshot.prop_id(name), span)
        }
        (Val::List(_), other) => Err(Fault::wrong_type(span, "an integer", other.type_name())),
        (Val::Map(_) | Val::Node(_) | Val::Rel(_) | Val::Foreign(_), other) => {
            Err(Fault::wrong_type(span, "a string", other.type_name()))
        }
        (other, _) => Err(Fault::wrong_type(
            span,
            "a list, map, node or relationship",
            other.type_name(),
        )),
    }
}

/// `base[from..to]`; a missing bound is the end.
pub(super) fn slice(
    base: &Val,
    from: Option<&Val>,
    to: Option<&Val>,
    span: Span,
) -> Result<Val, Fault> {
    let items = match base {
        Val::Null => return Ok(Val::Null),
        Val::List(items) => items,
        other => return Err(Fault::wrong_type(span, "a list", other.type_name())),
    };
    let len = length(items);
    let place = |bound: Option<&Val>, missing: i64| match bound {
        None => Ok(Some(missing)),
        Some(Val::Null) => Ok(None),
        Some(Val::Int(at)) if *at < 0 => Ok(Some((*at).saturating_add(len).max(0))),
        Some(Val::Int(at)) => Ok(Some((*at).min(len))),
        Some(other) => Err(Fault::wrong_type(span, "an integer", other.type_name())),
    };
    let (Some(from), Some(to)) = (place(from, 0)?, place(to, len)?) else {
        return Ok(Val::Null);
    };
    let found = items.get(place_of(from)..place_of(to.max(from)));
    Ok(Val::list(found.unwrap_or_default().to_vec()))
}

fn length(items: &[Val]) -> i64 {
    i64::try_from(items.len()).unwrap_or(i64::MAX)
}

fn place_of(at: i64) -> usize {
    usize::try_from(at).unwrap_or(0)
}

/// All properties of a node, relationship or map.
pub(crate) fn properties(snapshot: &Snapshot, base: &Val) -> Option<Map> {
    let named = |(prop, value): (PropId, foothold_engine::model::Value)| {
        (Arc::from(snapshot.prop_name(prop)), Val::from(value))
    };
    match base {
        Val::Node(node) => Some(snapshot.node_props(*node).map(named).collect()),
        Val::Rel(edge) => Some(snapshot.edge_props(*edge).map(named).collect()),
        Val::Map(map) => Some((**map).clone()),
        _ => None,
    }
}
