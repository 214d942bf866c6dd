//! What draws attack paths: their states and steps once each, in layers from left to right.

use std::collections::{BTreeMap, BTreeSet};

use foothold_engine::attack::crown_jewels;
use serde::Serialize;
use serde_json::Value;

use crate::app::World;

/// States and steps of many paths, without repetition.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PathGraphDto {
    pub(crate) nodes: Vec<PathNodeDto>,
    pub(crate) edges: Vec<PathEdgeDto>,
}

/// A state.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PathNodeDto {
    pub(crate) id: String,
    pub(crate) asset: String,
    pub(crate) name: String,
    pub(crate) labels: Vec<Value>,
    pub(crate) capability: String,
    /// The longest way from a source, in steps.
    pub(crate) layer: usize,
    /// Which paths pass it.
    pub(crate) paths: Vec<usize>,
    pub(crate) crown_jewel: bool,
}

/// A step between two states; a step with several premises is several edges.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PathEdgeDto {
    pub(crate) id: String,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) rule: String,
    pub(crate) title: String,
    pub(crate) technique: Option<String>,
    pub(crate) likelihood: f64,
    pub(crate) paths: Vec<usize>,
}

impl PathGraphDto {
    /// Gathers the states and steps of paths as the query language writes them.
    pub(crate) fn new(paths: &[Value], world: &World) -> Self {
        let jewels: BTreeSet<&str> = crown_jewels(&world.snapshot)
            .iter()
            .map(|jewel| world.snapshot.stable_id(jewel.asset))
            .collect();
        let mut nodes: BTreeMap<String, PathNodeDto> = BTreeMap::new();
        let mut edges: BTreeMap<String, PathEdgeDto> = BTreeMap::new();
        for (path_idx, path) in paths.iter().enumerate() {
            for state in array(path, "states") {
                let id = text(state, "id");
                let node = nodes.entry(id.clone()).or_insert_with(|| PathNodeDto {
                    crown_jewel: jewels.contains(&*text(state, "asset")),
                    asset: text(state, "asset"),
                    name: text(state, "name"),
                    labels: array(state, "labels").to_vec(),
                    capability: text(state, "capability"),
                    layer: 0,
                    paths: Vec::new(),
                    id,
                });
                push_once(&mut node.paths, path_idx);
            }
            for step in array(path, "steps") {
                let to = text(step, "gain");
                for from in array(step, "premises").iter().filter_map(Value::as_str) {
                    // A premise that another way supports is drawn only if a path passes it.
                    if !nodes.contains_key(from) {
                        continue;
                    }
                    let rule = text(step, "rule");
                    let id = format!("{from}|{rule}|{to}");
                    let edge = edges.entry(id.clone()).or_insert_with(|| PathEdgeDto {
                        id,
                        from: from.to_owned(),
                        to: to.clone(),
                        rule,
                        title: text(step, "title"),
                        technique: step
                            .get("technique")
                            .and_then(Value::as_str)
                            .map(str::to_owned),
                        likelihood: step
                            .get("likelihood")
                            .and_then(Value::as_f64)
                            .unwrap_or(0.0),
                        paths: Vec::new(),
                    });
                    push_once(&mut edge.paths, path_idx);
                }
            }
        }
        let ends: Vec<(&str, &str)> = edges
            .values()
            .map(|edge| (&*edge.from, &*edge.to))
            .collect();
        let layers = layers(nodes.keys().map(String::as_str), &ends);
        for node in nodes.values_mut() {
            node.layer = layers.get(&node.id).copied().unwrap_or(0);
        }
        Self {
            nodes: nodes.into_values().collect(),
            edges: edges.into_values().collect(),
        }
    }
}

/// The longest way to each node. Paths visit no state twice, but several together may form a
/// cycle; then the rounds are bounded by the number of nodes and the layers are still finite.
fn layers<'a>(
    nodes: impl Iterator<Item = &'a str>,
    edges: &[(&str, &str)],
) -> BTreeMap<String, usize> {
    let mut layers: BTreeMap<String, usize> = nodes.map(|id| (id.to_owned(), 0)).collect();
    let n_nodes = layers.len();
    for _ in 0..n_nodes {
        let mut changed = false;
        for &(from, to) in edges {
            let next = layers.get(from).copied().unwrap_or(0) + 1;
            if next < n_nodes
                && let Some(layer) = layers.get_mut(to)
                && *layer < next
            {
                *layer = next;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    layers
}

fn push_once(paths: &mut Vec<usize>, path: usize) {
    if paths.last() != Some(&path) {
        paths.push(path);
    }
}

fn array<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    let items = value.get(field).and_then(Value::as_array);
    items.map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value, field: &str) -> String {
    let text = value.get(field).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_run_left_to_right_and_cycles_end() {
        let of = |edges: &[(&str, &str)]| layers(["a", "b", "c"].into_iter(), edges);
        let straight = of(&[("a", "b"), ("b", "c"), ("a", "c")]);
        assert_eq!((straight["a"], straight["b"], straight["c"]), (0, 1, 2));
        let cycle = of(&[("a", "b"), ("b", "c"), ("c", "b")]);
        assert!(cycle.values().all(|&layer| layer < 3));
    }
}
