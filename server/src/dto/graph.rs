//! Nodes, edges and their values.

use foothold_engine::graph::{EdgeId, NodeId, Snapshot};
use foothold_engine::model::Value;
use serde::Serialize;
use serde_json::{Map, Value as Json, json};

/// A value as the query language writes it in JSON.
pub(crate) fn value(value: &Value) -> Json {
    match value {
        Value::Bool(flag) => (*flag).into(),
        Value::Int(number) => (*number).into(),
        Value::Float(number) if number.is_nan() => json!({ "$float": "NaN" }),
        Value::Float(number) if number.is_infinite() && *number > 0.0 => {
            json!({ "$float": "Infinity" })
        }
        Value::Float(number) if number.is_infinite() => json!({ "$float": "-Infinity" }),
        Value::Float(number) => (*number).into(),
        Value::Str(text) => (&**text).into(),
        Value::List(items) => items.iter().map(self::value).collect(),
    }
}

/// A node with everything known about it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct NodeDto {
    pub(crate) id: String,
    pub(crate) labels: Vec<String>,
    pub(crate) props: Map<String, Json>,
    pub(crate) confidence: f64,
    pub(crate) sources: Vec<String>,
}

/// An edge, named by its ends and its kind.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct EdgeDto {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) kind: String,
    pub(crate) props: Map<String, Json>,
    pub(crate) confidence: f64,
    pub(crate) sources: Vec<String>,
}

/// The labels of a node, in order of name.
pub(crate) fn labels(snapshot: &Snapshot, node: NodeId) -> Vec<String> {
    let mut labels: Vec<String> = snapshot
        .labels_of(node)
        .iter()
        .map(|&label| snapshot.label_name(label).to_owned())
        .collect();
    labels.sort();
    labels
}

/// The properties of a node.
pub(crate) fn node_props(snapshot: &Snapshot, node: NodeId) -> Map<String, Json> {
    snapshot
        .node_props(node)
        .map(|(prop, it)| (snapshot.prop_name(prop).to_owned(), value(&it)))
        .collect()
}

/// The properties of an edge.
pub(crate) fn edge_props(snapshot: &Snapshot, edge: EdgeId) -> Map<String, Json> {
    snapshot
        .edge_props(edge)
        .map(|(prop, it)| (snapshot.prop_name(prop).to_owned(), value(&it)))
        .collect()
}

impl NodeDto {
    /// Describes a node.
    pub(crate) fn new(snapshot: &Snapshot, node: NodeId) -> Self {
        Self {
            id: snapshot.stable_id(node).to_owned(),
            labels: labels(snapshot, node),
            props: node_props(snapshot, node),
            confidence: f64::from(snapshot.node_confidence(node)) / 100.0,
            sources: snapshot
                .node_sources(node)
                .iter()
                .map(|&source| snapshot.source(source).name.to_string())
                .collect(),
        }
    }
}

impl EdgeDto {
    /// Describes an edge.
    pub(crate) fn new(snapshot: &Snapshot, edge: EdgeId) -> Self {
        let ends = snapshot.edge(edge);
        Self {
            from: snapshot.stable_id(ends.source).to_owned(),
            to: snapshot.stable_id(ends.target).to_owned(),
            kind: snapshot.kind_name(ends.kind).to_owned(),
            props: edge_props(snapshot, edge),
            confidence: f64::from(snapshot.edge_confidence(edge)) / 100.0,
            sources: snapshot
                .edge_sources(edge)
                .iter()
                .map(|&source| snapshot.source(source).name.to_string())
                .collect(),
        }
    }
}
