//! BloodHound OpenGraph: what any BloodHound collector writes.
//!
//! Ids are global to a BloodHound instance and not case-sensitive there, so they become
//! `bloodhound:<ID>`. Kinds become labels, the first one first. Whether an edge is a step of an
//! attacker is not decided here.

use std::collections::{BTreeMap, HashMap, HashSet};

use foothold_engine::model::{FactRef, Facts};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::decode::tree::to_value;
use crate::document::Document;
use crate::error::{LoadError, Place};
use crate::head::Head;
use crate::loader::{Loader, Match};
use crate::report::Report;

/// The loader.
pub(crate) struct OpenGraph;

#[derive(Debug, Deserialize)]
struct File {
    graph: Graph,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Debug, Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    source_kind: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Graph {
    #[serde(default)]
    nodes: Vec<Node>,
    #[serde(default)]
    edges: Vec<Edge>,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
    #[serde(default)]
    kinds: Vec<String>,
    #[serde(default)]
    properties: Option<Map<String, Value>>,
}

#[derive(Debug, Deserialize)]
struct Edge {
    kind: String,
    start: End,
    end: End,
    #[serde(default)]
    properties: Option<Map<String, Value>>,
}

#[derive(Debug, Deserialize)]
struct End {
    value: String,
    #[serde(default)]
    match_by: Option<String>,
    #[serde(default)]
    kind: Option<String>,
}

impl Loader for OpenGraph {
    fn format(&self) -> &'static str {
        "opengraph"
    }

    fn describe(&self) -> &'static str {
        "BloodHound OpenGraph, JSON"
    }

    fn detect(&self, head: &Head<'_>) -> Match {
        let Some(sketch) = head.json() else {
            return Match::No;
        };
        match (sketch.has("graph.nodes"), sketch.has("graph.edges")) {
            (true, true) => Match::Certain,
            (true, false) => Match::Likely,
            (false, true) => Match::Likely,
            (false, false) if sketch.has("graph") => {
                Match::Near("`graph` has neither `nodes` nor `edges`".to_owned())
            }
            _ => Match::No,
        }
    }

    fn load(
        &self,
        document: &Document,
        facts: &mut Facts,
        report: &mut Report,
    ) -> Result<(), LoadError> {
        let file: File = document.value()?;
        report.tool("BloodHound OpenGraph", None);
        let source_kind = file.metadata.source_kind.as_deref();
        let mut known = HashSet::new();
        let mut by_name: HashMap<(String, String), String> = HashMap::new();
        for (index, node) in file.graph.nodes.iter().enumerate() {
            report.count("nodes", 1);
            let kind = node.kinds.first().map_or("", String::as_str);
            report.count(&format!("node_primary_kinds.{kind}"), 1);
            let id = object_id(&node.id);
            if !known.insert(id.clone()) {
                report.count("duplicate_node_ids", 1);
                report.warn("node-twice", || {
                    format!("/graph/nodes/{index}/id: `{}`", node.id)
                });
            }
            if let Some(name) = node.properties.iter().flatten().find_map(name_of) {
                for kind in &node.kinds {
                    let key = (kind.to_uppercase(), name.to_uppercase());
                    by_name.entry(key).or_insert_with(|| id.clone());
                }
            }
            let labels: Vec<&str> = node.kinds.iter().map(String::as_str).collect();
            let fact = facts
                .node(&id, &labels)
                .map_err(|source| at(format!("/graph/nodes/{index}/id"), source))?;
            set_properties(facts, fact, node.properties.as_ref());
            facts.set_opt(fact, "source_kind", source_kind);
        }
        for (index, edge) in file.graph.edges.iter().enumerate() {
            report.count("edges", 1);
            report.count(&format!("edge_kinds.{}", edge.kind), 1);
            let ends = [("start", &edge.start), ("end", &edge.end)].map(|(name, end)| {
                let id = end_id(end, &by_name);
                let is_known = known.contains(&id);
                if !is_known {
                    report.warn("end-not-in-document", || {
                        format!("/graph/edges/{index}/{name}: `{}`", end.value)
                    });
                }
                (id, is_known)
            });
            let [(from, from_known), (to, to_known)] = &ends;
            report.count("dangling_edges", u64::from(!(*from_known && *to_known)));
            let fact = facts
                .edge(from, &edge.kind, to)
                .map_err(|source| at(format!("/graph/edges/{index}"), source))?;
            set_properties(facts, fact, edge.properties.as_ref());
        }
        Ok(())
    }
}

fn at(pointer: String, source: foothold_engine::model::IdError) -> LoadError {
    LoadError::Id {
        place: Place::pointer(pointer),
        source,
    }
}

fn name_of((key, value): (&String, &Value)) -> Option<String> {
    (key == "name").then(|| value.as_str().map(str::to_owned))?
}

fn object_id(id: &str) -> String {
    let id: String = id
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    format!("bloodhound:{}", id.trim().to_uppercase())
}

/// The node an end names: by id, or by name and kind where the document has such a node.
fn end_id(end: &End, by_name: &HashMap<(String, String), String>) -> String {
    if end.match_by.as_deref() != Some("name") {
        return object_id(&end.value);
    }
    let kind = end.kind.as_deref().unwrap_or_default().to_uppercase();
    let key = (kind, end.value.to_uppercase());
    match by_name.get(&key) {
        Some(id) => id.clone(),
        None => object_id(&format!("{}/{}", key.0, key.1)),
    }
}

fn set_properties(facts: &mut Facts, fact: FactRef, properties: Option<&Map<String, Value>>) {
    let sorted: BTreeMap<_, _> = properties.into_iter().flatten().collect();
    for (name, value) in sorted {
        if !value.is_null() {
            facts.set(fact, name, to_value(value));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;
    use expect_test::expect;

    #[test]
    fn nodes_and_edges_by_id_and_by_name() {
        check(
            "g.json",
            r#"{"metadata": {"source_kind": "Base"}, "graph": {
              "nodes": [{"id": "s-1", "kinds": ["User", "Base"], "properties": {"name": "bob", "n": 1, "x": null}}],
              "edges": [
                {"kind": "Knows", "start": {"value": "S-1"}, "end": {"value": "BOB", "match_by": "name", "kind": "User"}, "properties": {"traversable": true}},
                {"kind": "Knows", "start": {"value": "s-1", "match_by": "id"}, "end": {"value": "gone"}}]}}"#,
            &expect![[r#"
                bloodhound:S-1 :User:Base n=1 name="bob" source_kind="Base"
                bloodhound:S-1 -Knows-> bloodhound:S-1 traversable=true
                bloodhound:S-1 -Knows-> bloodhound:GONE
                dangling_edges=1 edge_kinds.Knows=2 edges=2 node_primary_kinds.User=1 nodes=1
                warning end-not-in-document x1: /graph/edges/1/end: `gone`
            "#]],
        );
    }
}
