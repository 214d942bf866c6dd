//! Functions on nodes, relationships and paths.

use std::sync::Arc;

use foothold_engine::graph::{EdgeId, NodeId, Snapshot};

use crate::ast::Span;
use crate::exec::Cx;
use crate::expr::access;
use crate::fault::Fault;
use crate::value::{Path, Val};

use super::{Function, Out, Param, first, function, wrong};

pub(super) const TABLE: &[Function] = &[
    function("id", &[Param::Entity], Out::Str, id),
    function("elementId", &[Param::Entity], Out::Str, id),
    function(
        "labels",
        &[Param::Node],
        Out::Strs,
        |cx, args, span| match first(args) {
            Val::Node(node) => {
                let labels = cx.snapshot.labels_of(*node).iter();
                let names = labels.map(|&label| Val::str(cx.snapshot.label_name(label)));
                Ok(Val::list(names.collect()))
            }
            other => Err(wrong(span, "a node", other)),
        },
    ),
    function(
        "type",
        &[Param::Rel],
        Out::Str,
        |cx, args, span| match first(args) {
            Val::Rel(edge) => {
                let kind = cx.snapshot.edge(*edge).kind;
                Ok(Val::str(cx.snapshot.kind_name(kind)))
            }
            other => Err(wrong(span, "a relationship", other)),
        },
    ),
    function(
        "properties",
        &[Param::Properties],
        Out::Map,
        |cx, args, span| match access::properties(cx.snapshot, first(args)) {
            Some(map) => Ok(Val::Map(Arc::new(map))),
            None => Err(wrong(span, "a node, a relationship or a map", first(args))),
        },
    ),
    function(
        "keys",
        &[Param::Properties],
        Out::Strs,
        |cx, args, span| match access::properties(cx.snapshot, first(args)) {
            Some(map) => Ok(Val::list(map.into_keys().map(Val::Str).collect())),
            None => Err(wrong(span, "a node, a relationship or a map", first(args))),
        },
    ),
    function(
        "startNode",
        &[Param::Rel],
        Out::Node,
        |cx, args, span| match first(args) {
            Val::Rel(edge) => Ok(Val::Node(cx.snapshot.edge(*edge).source)),
            other => Err(wrong(span, "a relationship", other)),
        },
    ),
    function(
        "endNode",
        &[Param::Rel],
        Out::Node,
        |cx, args, span| match first(args) {
            Val::Rel(edge) => Ok(Val::Node(cx.snapshot.edge(*edge).target)),
            other => Err(wrong(span, "a relationship", other)),
        },
    ),
    function("nodes", &[Param::Path], Out::Nodes, |_, args, span| {
        Ok(Val::list(
            path(args, span)?.nodes().map(Val::Node).collect(),
        ))
    }),
    function("relationships", &[Param::Path], Out::Rels, relationships),
    function("rels", &[Param::Path], Out::Rels, relationships),
    function("edges", &[Param::Path], Out::Rels, relationships),
    function("length", &[Param::Path], Out::Int, |_, args, span| {
        Ok(Val::count(path(args, span)?.steps.len()))
    }),
    function("path_length", &[Param::Path], Out::Int, |_, args, span| {
        Ok(Val::count(path(args, span)?.steps.len()))
    }),
    function(
        "confidence",
        &[Param::Entity],
        Out::Float,
        |cx, args, span| {
            let hundredths = match first(args) {
                Val::Node(node) => cx.snapshot.node_confidence(*node),
                Val::Rel(edge) => cx.snapshot.edge_confidence(*edge),
                other => return Err(wrong(span, "a node or a relationship", other)),
            };
            Ok(Val::Float(f64::from(hundredths) / 100.0))
        },
    ),
    function("sources", &[Param::Entity], Out::Strs, |cx, args, span| {
        let sources = match first(args) {
            Val::Node(node) => cx.snapshot.node_sources(*node),
            Val::Rel(edge) => cx.snapshot.edge_sources(*edge),
            other => return Err(wrong(span, "a node or a relationship", other)),
        };
        let names = sources
            .iter()
            .map(|&source| Val::Str(Arc::clone(&cx.snapshot.source(source).name)));
        Ok(Val::list(names.collect()))
    }),
    function("degree", &[Param::Node], Out::Int, |cx, args, span| {
        let node = node(args, span)?;
        Ok(Val::count(out_degree(cx, node) + in_degree(cx, node)))
    }),
    function("outDegree", &[Param::Node], Out::Int, |cx, args, span| {
        Ok(Val::count(out_degree(cx, node(args, span)?)))
    }),
    function("inDegree", &[Param::Node], Out::Int, |cx, args, span| {
        Ok(Val::count(in_degree(cx, node(args, span)?)))
    }),
];

fn node(args: &[Val], span: Span) -> Result<NodeId, Fault> {
    match first(args) {
        Val::Node(node) => Ok(*node),
        other => Err(wrong(span, "a node", other)),
    }
}

fn out_degree(cx: &Cx<'_>, node: NodeId) -> usize {
    let kinds = cx.snapshot.kinds();
    kinds
        .map(|kind| cx.snapshot.out_edges(node, kind).len())
        .sum()
}

fn in_degree(cx: &Cx<'_>, node: NodeId) -> usize {
    let kinds = cx.snapshot.kinds();
    kinds
        .map(|kind| cx.snapshot.in_edges(node, kind).len())
        .sum()
}

fn path(args: &[Val], span: Span) -> Result<&Path, Fault> {
    match first(args) {
        Val::Path(path) => Ok(path),
        other => Err(wrong(span, "a path", other)),
    }
}

fn relationships(_: &mut Cx<'_>, args: &[Val], span: Span) -> Result<Val, Fault> {
    Ok(Val::list(path(args, span)?.edges().map(Val::Rel).collect()))
}

fn id(cx: &mut Cx<'_>, args: &[Val], span: Span) -> Result<Val, Fault> {
    match first(args) {
        Val::Node(node) => Ok(Val::str(cx.snapshot.stable_id(*node))),
        Val::Rel(edge) => Ok(Val::Str(edge_id(cx.snapshot, *edge).into())),
        other => Err(wrong(span, "a node or a relationship", other)),
    }
}

/// The id of a relationship in answers: its ends and kind, and its place among parallel ones.
pub(crate) fn edge_id(snapshot: &Snapshot, edge: EdgeId) -> String {
    let ends = snapshot.edge(edge);
    let row = snapshot.out_edges(ends.source, ends.kind);
    let earlier = row
        .iter()
        .filter(|&(other, target)| target == ends.target && other < edge)
        .count();
    let (from, to) = (
        snapshot.stable_id(ends.source),
        snapshot.stable_id(ends.target),
    );
    let kind = snapshot.kind_name(ends.kind);
    if earlier == 0 {
        format!("{from} {kind} {to}")
    } else {
        format!("{from} {kind} {to} {}", earlier + 1)
    }
}
