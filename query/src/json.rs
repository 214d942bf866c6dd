//! Values as JSON, as answers carry them.

use foothold_engine::graph::{EdgeId, NodeId, Snapshot};
use serde_json::{Map, Value as Json, json};

use crate::func::edge_id;
use crate::value::{Path, Val};

/// A value as JSON. What JSON lacks is wrapped: `{"$float":"NaN"}`, `{"$map":{..}}`,
/// `{"$node":{..}}`, `{"$rel":{..}}`, `{"$path":{..}}`.
pub fn to_json(snapshot: &Snapshot, value: &Val) -> Json {
    match value {
        Val::Null => Json::Null,
        Val::Bool(flag) => Json::Bool(*flag),
        Val::Int(number) => json!(number),
        Val::Float(number) => float(*number),
        Val::Str(text) => Json::String(text.to_string()),
        Val::List(items) => items.iter().map(|item| to_json(snapshot, item)).collect(),
        Val::Map(map) => {
            let entries: Map<String, Json> = map
                .iter()
                .map(|(key, item)| (key.to_string(), to_json(snapshot, item)))
                .collect();
            json!({ "$map": entries })
        }
        Val::Node(node) => json!({ "$node": node_json(snapshot, *node) }),
        Val::Rel(edge) => json!({ "$rel": edge_json(snapshot, *edge) }),
        Val::Path(path) => json!({ "$path": path_json(snapshot, path) }),
        Val::Date(date) => Json::String(date.to_string()),
        Val::DateTime(at) => Json::String(at.to_string()),
        Val::Duration(duration) => Json::String(duration.to_string()),
        Val::Foreign(value) => value.to_json(snapshot),
    }
}

fn float(number: f64) -> Json {
    if number.is_finite() {
        json!(number)
    } else {
        json!({ "$float": crate::func::float_text(number) })
    }
}

/// A node as answers carry it, without its wrapper.
pub fn node_json(snapshot: &Snapshot, node: NodeId) -> Json {
    let labels = snapshot.labels_of(node).iter();
    let labels: Vec<&str> = labels.map(|&label| snapshot.label_name(label)).collect();
    let props: Map<String, Json> = snapshot
        .node_props(node)
        .map(|(prop, value)| {
            let name = snapshot.prop_name(prop).to_owned();
            (name, to_json(snapshot, &Val::from(value)))
        })
        .collect();
    json!({ "id": snapshot.stable_id(node), "labels": labels, "props": props })
}

/// A relationship as answers carry it, without its wrapper.
pub fn edge_json(snapshot: &Snapshot, edge: EdgeId) -> Json {
    let ends = snapshot.edge(edge);
    let props: Map<String, Json> = snapshot
        .edge_props(edge)
        .map(|(prop, value)| {
            let name = snapshot.prop_name(prop).to_owned();
            (name, to_json(snapshot, &Val::from(value)))
        })
        .collect();
    json!({
        "id": edge_id(snapshot, edge),
        "type": snapshot.kind_name(ends.kind),
        "start": snapshot.stable_id(ends.source),
        "end": snapshot.stable_id(ends.target),
        "props": props,
    })
}

fn path_json(snapshot: &Snapshot, path: &Path) -> Json {
    let nodes: Vec<Json> = path.nodes().map(|node| node_json(snapshot, node)).collect();
    let mut rels = Vec::with_capacity(path.steps.len());
    for step in &path.steps {
        let mut rel = edge_json(snapshot, step.edge);
        if let Json::Object(fields) = &mut rel {
            let dir = if step.is_forward { "out" } else { "in" };
            fields.insert("dir".to_owned(), json!(dir));
        }
        rels.push(rel);
    }
    json!({ "nodes": nodes, "rels": rels })
}

/// A parameter given as JSON: plain values as they are, objects as maps.
pub fn from_json(json: &Json) -> Val {
    match json {
        Json::Null => Val::Null,
        Json::Bool(flag) => Val::Bool(*flag),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(int), _) => Val::Int(int),
            (None, Some(float)) => Val::Float(float),
            (None, None) => Val::Null,
        },
        Json::String(text) => Val::str(text),
        Json::Array(items) => Val::list(items.iter().map(from_json).collect()),
        Json::Object(fields) => {
            let only = if fields.len() == 1 {
                fields.iter().next()
            } else {
                None
            };
            match only {
                Some((key, Json::Object(inner))) if key == "$map" => map(inner),
                Some((key, Json::String(text))) if key == "$float" => match text.as_str() {
                    "NaN" => Val::Float(f64::NAN),
                    "Infinity" => Val::Float(f64::INFINITY),
                    "-Infinity" => Val::Float(f64::NEG_INFINITY),
                    _ => Val::Null,
                },
                _ => map(fields),
            }
        }
    }
}

fn map(fields: &Map<String, Json>) -> Val {
    let entries = fields
        .iter()
        .map(|(key, item)| (key.as_str().into(), from_json(item)));
    Val::Map(std::sync::Arc::new(entries.collect()))
}
