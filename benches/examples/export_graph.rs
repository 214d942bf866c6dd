//! Writes the generated estate as CSV files for other programs: the same graph that
//! `query_timings` asks.
//!
//! `cargo run --release -p foothold-benches --example export_graph -- DIRECTORY SCALE`
//!
//! `nodes/<Label>.csv`: one file for each first label of a node, with `id` (dense over the whole
//! graph), `key` (the stable id) and a column for each property that is a number, a text or a truth
//! value. `edges/<KIND>/<From>-<To>.csv`: `from,to`, the ids. `pairs.csv`: the names of a service
//! and a data store for each pair. `schema.json`: the files with their columns, types and rows.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program that writes files or says why it cannot"
)]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use foothold_benches::estate;
use foothold_benches::query::pairs;
use foothold_engine::graph::{LabelId, NodeId, PropId, Snapshot};
use foothold_engine::model::Value;
use serde_json::json;

fn main() {
    let mut args = std::env::args().skip(1);
    let directory = PathBuf::from(args.next().unwrap());
    let scale: f64 = args.next().map_or(1.0, |scale| scale.parse().unwrap());
    let snapshot = estate::import(estate::lines(scale).unwrap()).unwrap();
    let nodes = write_nodes(&snapshot, &directory.join("nodes"));
    let edges = write_edges(&snapshot, &directory.join("edges"));
    let mut out = file(&directory.join("pairs.csv"));
    writeln!(out, "f,t").unwrap();
    for (from, to) in pairs(&snapshot) {
        writeln!(out, "{from},{to}").unwrap();
    }
    let schema = json!({ "nodes": nodes, "edges": edges });
    fs::write(directory.join("schema.json"), schema.to_string()).unwrap();
    println!("{}", snapshot.n_nodes());
}

fn file(path: &Path) -> BufWriter<File> {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    BufWriter::new(File::create(path).unwrap())
}

/// The label that a node's file is named after. A workload is one whatever its kind.
fn label_of(snapshot: &Snapshot, node: NodeId) -> LabelId {
    const FIRST: [&str; 3] = ["Workload", "DataStore", "Identity"];
    let labels = snapshot.labels_of(node);
    let preferred = FIRST.iter().filter_map(|name| snapshot.label_id(name));
    let mut found = preferred.filter(|label| labels.contains(label));
    found.next().unwrap_or(labels[0])
}

fn type_of(value: &Value) -> Option<&'static str> {
    match value {
        Value::Bool(_) => Some("BOOL"),
        Value::Int(_) => Some("INT64"),
        Value::Float(_) => Some("DOUBLE"),
        Value::Str(_) => Some("STRING"),
        Value::List(_) => None,
    }
}

fn cell(value: Option<&Value>) -> String {
    match value {
        Some(Value::Bool(value)) => value.to_string(),
        Some(Value::Int(value)) => value.to_string(),
        Some(Value::Float(value)) => value.to_string(),
        Some(Value::Str(value)) => format!("\"{}\"", value.replace('"', "\"\"")),
        _ => String::new(),
    }
}

fn write_nodes(snapshot: &Snapshot, folder: &Path) -> serde_json::Value {
    let mut by_label: BTreeMap<&str, Vec<NodeId>> = BTreeMap::new();
    for node in snapshot.nodes() {
        let label = snapshot.label_name(label_of(snapshot, node));
        by_label.entry(label).or_default().push(node);
    }
    let mut written = Vec::new();
    for (label, nodes) in by_label {
        let mut columns: BTreeMap<PropId, &str> = BTreeMap::new();
        for &node in &nodes {
            for (prop, value) in snapshot.node_props(node) {
                if let Some(found) = type_of(&value) {
                    columns.insert(prop, found);
                }
            }
        }
        columns.retain(|&prop, _| !["id", "key"].contains(&snapshot.prop_name(prop)));
        let mut out = file(&folder.join(format!("{label}.csv")));
        write!(out, "id,key").unwrap();
        for &prop in columns.keys() {
            write!(out, ",{}", snapshot.prop_name(prop)).unwrap();
        }
        writeln!(out).unwrap();
        for &node in &nodes {
            write!(out, "{},\"{}\"", node.0, snapshot.stable_id(node)).unwrap();
            for &prop in columns.keys() {
                let value = snapshot.node_prop(node, prop);
                write!(out, ",{}", cell(value.as_ref())).unwrap();
            }
            writeln!(out).unwrap();
        }
        let columns: Vec<_> = columns
            .iter()
            .map(|(&prop, found)| json!([snapshot.prop_name(prop), found]))
            .collect();
        written.push(json!({ "label": label, "columns": columns, "rows": nodes.len() }));
    }
    written.into()
}

fn write_edges(snapshot: &Snapshot, folder: &Path) -> serde_json::Value {
    let mut by_ends: BTreeMap<[&str; 3], Vec<(u32, u32)>> = BTreeMap::new();
    for source in snapshot.nodes() {
        let from = snapshot.label_name(label_of(snapshot, source));
        for (_, kind, target) in snapshot.out_all(source) {
            let to = snapshot.label_name(label_of(snapshot, target));
            let key = [snapshot.kind_name(kind), from, to];
            by_ends.entry(key).or_default().push((source.0, target.0));
        }
    }
    let mut written = Vec::new();
    for ([kind, from, to], rows) in by_ends {
        let mut out = file(&folder.join(kind).join(format!("{from}-{to}.csv")));
        writeln!(out, "from,to").unwrap();
        for (source, target) in &rows {
            writeln!(out, "{source},{target}").unwrap();
        }
        written.push(json!({ "kind": kind, "from": from, "to": to, "rows": rows.len() }));
    }
    written.into()
}
