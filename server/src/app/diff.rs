//! `DIFF`: one question on two snapshots, and the facts that make the answers differ.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use foothold_engine::graph::{EdgeId, NodeId, Snapshot};
use foothold_engine::model::Value;
use foothold_query::json::to_json;
use foothold_query::value::Val;
use serde_json::{Value as Json, json};

use super::compare::{Difference, Kind, find_step, path_of};
use super::world::World;

/// No more facts than these are named for one difference.
const MAX_CAUSES: usize = 12;

/// The columns that a comparison adds before and after those of the question.
const BEFORE: &str = "change";
const AFTER: [&str; 3] = ["before", "after", "cause"];

/// The columns of a comparison.
pub(super) fn columns(asked: &[String]) -> Vec<String> {
    let mut all = vec![BEFORE.to_owned()];
    all.extend(asked.iter().cloned());
    all.extend(AFTER.map(str::to_owned));
    all
}

/// The rows of a comparison. A cell beyond the question's own columns is for comparing only.
pub(super) fn rows(
    n_columns: usize,
    differences: Vec<Difference>,
    before: &World,
    after: &World,
) -> Vec<Vec<Json>> {
    differences
        .into_iter()
        .map(|difference| {
            let cause = cause(&difference, before, after);
            let mut row = vec![difference.kind.name().into()];
            row.extend(difference.row.into_iter().take(n_columns));
            row.push(difference.before.into());
            row.push(difference.after.into());
            row.push(cause.into());
            row
        })
        .collect()
}

/// The facts behind a difference of two attack paths: what their evidence has in one snapshot and
/// not in the other.
fn cause(difference: &Difference, before: &World, after: &World) -> Vec<Json> {
    let Some(path) = path_of(&difference.row) else {
        return Vec::new();
    };
    // The row's own graph is where its evidence lies.
    let (here, there, is_later) = match difference.kind {
        Kind::New | Kind::Rescored => (after, before, true),
        Kind::Gone => (before, after, false),
    };
    let mut found: BTreeMap<String, Json> = BTreeMap::new();
    for name in ["steps", "supporting_steps"] {
        for step in path[name].as_array().into_iter().flatten() {
            if !differs(step, here, there) {
                continue;
            }
            let sides = Sides {
                here: &here.snapshot,
                there: &there.snapshot,
                is_later,
            };
            let n_before = found.len();
            sides.evidence(step, &mut found);
            if found.len() == n_before {
                sides.around(step, &mut found);
            }
        }
    }
    found.into_values().take(MAX_CAUSES).collect()
}

/// Whether a step is missing there or has another likelihood.
fn differs(step: &Json, here: &World, there: &World) -> bool {
    let cost =
        |world: &World| find_step(world, step).map(|found| world.attack.topology().cost(found));
    cost(here) != cost(there)
}

struct Sides<'a> {
    here: &'a Snapshot,
    there: &'a Snapshot,
    /// Whether `here` is the later snapshot.
    is_later: bool,
}

impl Sides<'_> {
    /// Differences in the facts that the step names as its evidence.
    fn evidence(&self, step: &Json, found: &mut BTreeMap<String, Json>) {
        for item in step["evidence"].as_array().into_iter().flatten() {
            match (
                item["from"].as_str(),
                item["to"].as_str(),
                item["kind"].as_str(),
            ) {
                (Some(from), Some(to), Some(kind)) => {
                    self.edge(from, kind, to, found);
                    self.node(from, found);
                    self.node(to, found);
                }
                _ => self.node(item["id"].as_str().unwrap_or_default(), found),
            }
        }
    }

    fn node(&self, id: &str, found: &mut BTreeMap<String, Json>) {
        let (Some(here), there) = (self.here.node(id), self.there.node(id)) else {
            return;
        };
        let Some(there) = there else {
            let fact = json!({ "change": self.word(), "type": "node", "id": id });
            found.insert(id.to_owned(), fact);
            return;
        };
        let (mine, theirs) = (node_props(self.here, here), node_props(self.there, there));
        self.properties("node", id, &mine, &theirs, found);
    }

    fn edge(&self, from: &str, kind: &str, to: &str, found: &mut BTreeMap<String, Json>) {
        let id = format!("{from} {kind} {to}");
        let mine = edges(self.here, from, kind, to);
        let theirs = edges(self.there, from, kind, to);
        if theirs.is_empty() {
            let fact = json!({
                "change": self.word(), "type": "edge", "id": id,
                "kind": kind, "from": from, "to": to,
                "sources": sources(self.here, mine.first().copied()),
            });
            found.insert(id, fact);
            return;
        }
        let props = |snapshot: &Snapshot, all: &[EdgeId]| -> Props {
            all.first()
                .map_or_else(Props::new, |&edge| edge_props(snapshot, edge))
        };
        if mine.len() == theirs.len() {
            self.properties(
                "edge",
                &id,
                &props(self.here, &mine),
                &props(self.there, &theirs),
                found,
            );
        }
    }

    fn properties(
        &self,
        what: &str,
        id: &str,
        mine: &Props,
        theirs: &Props,
        found: &mut BTreeMap<String, Json>,
    ) {
        let names: std::collections::BTreeSet<&String> = mine.keys().chain(theirs.keys()).collect();
        for name in names {
            let (one, other) = (mine.get(name), theirs.get(name));
            if one == other {
                continue;
            }
            let (old, new) = if self.is_later {
                (other, one)
            } else {
                (one, other)
            };
            let shown = |value: Option<&Value>| {
                value.map_or(Json::Null, |value| {
                    to_json(self.here, &Val::from(value.clone()))
                })
            };
            let fact = json!({
                "change": "changed", "type": what, "id": id, "property": name,
                "before": shown(old), "after": shown(new),
            });
            found.insert(format!("{id}\u{1}{name}"), fact);
        }
    }

    /// Where the evidence itself is the same, a fact beside it decides: an edge of one of its
    /// nodes that only one snapshot has.
    fn around(&self, step: &Json, found: &mut BTreeMap<String, Json>) {
        for item in step["evidence"].as_array().into_iter().flatten() {
            let ends = ["from", "to", "id"].map(|field| item[field].as_str());
            for id in ends.into_iter().flatten() {
                let (Some(here), Some(there)) = (self.here.node(id), self.there.node(id)) else {
                    continue;
                };
                let mine = incident(self.here, here);
                let theirs = incident(self.there, there);
                let other_word = if self.is_later { "removed" } else { "added" };
                for (one, two, word) in
                    [(&mine, &theirs, self.word()), (&theirs, &mine, other_word)]
                {
                    for (from, kind, to) in one.difference(two).take(MAX_CAUSES) {
                        let id = format!("{from} {kind} {to}");
                        let fact = json!({
                            "change": word, "type": "edge", "id": id,
                            "kind": kind, "from": from, "to": to,
                        });
                        found.insert(id, fact);
                    }
                }
            }
        }
    }

    /// How a fact that only `here` has came to differ.
    fn word(&self) -> &'static str {
        if self.is_later { "added" } else { "removed" }
    }
}

type Props = BTreeMap<String, Value>;

fn node_props(snapshot: &Snapshot, node: NodeId) -> Props {
    let props = snapshot.node_props(node);
    props
        .map(|(prop, value)| (snapshot.prop_name(prop).to_owned(), value))
        .collect()
}

fn edge_props(snapshot: &Snapshot, edge: EdgeId) -> Props {
    let props = snapshot.edge_props(edge);
    props
        .map(|(prop, value)| (snapshot.prop_name(prop).to_owned(), value))
        .collect()
}

fn edges(snapshot: &Snapshot, from: &str, kind: &str, to: &str) -> Vec<EdgeId> {
    let ends = (
        snapshot.node(from),
        snapshot.node(to),
        snapshot.kind_id(kind),
    );
    let (Some(from), Some(to), Some(kind)) = ends else {
        return Vec::new();
    };
    let row = snapshot.out_edges(from, kind);
    row.iter()
        .filter(|&(_, target)| target == to)
        .map(|(edge, _)| edge)
        .collect()
}

fn sources(snapshot: &Snapshot, edge: Option<EdgeId>) -> Vec<String> {
    let ids = edge.map_or(&[][..], |edge| snapshot.edge_sources(edge));
    ids.iter()
        .map(|&source| snapshot.source(source).name.to_string())
        .collect()
}

/// The edges of a node by stable names.
fn incident(
    snapshot: &Snapshot,
    node: NodeId,
) -> std::collections::BTreeSet<(String, String, String)> {
    let named = |from: NodeId, kind, to: NodeId| {
        (
            snapshot.stable_id(from).to_owned(),
            snapshot.kind_name(kind).to_owned(),
            snapshot.stable_id(to).to_owned(),
        )
    };
    let out = snapshot
        .out_all(node)
        .map(|(_, kind, to)| named(node, kind, to));
    let back = snapshot
        .in_all(node)
        .map(|(_, kind, from)| named(from, kind, node));
    out.chain(back).collect()
}

/// Hands a table to whoever reads a streamed answer; how many rows were taken.
pub(super) fn hand_out(
    rows: Vec<Vec<Json>>,
    take: &mut dyn FnMut(Vec<Json>) -> ControlFlow<()>,
) -> u64 {
    let mut n_rows = 0;
    for row in rows {
        n_rows += 1;
        if take(row).is_break() {
            break;
        }
    }
    n_rows
}

/// The comparison as a query. Names of snapshots are written as texts, so nothing in them can be
/// read as a part of the query.
pub(crate) fn diff_text(from: &str, to: &str, query: &str) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"));
    format!("DIFF {} TO {} {query}", quoted(from), quoted(to))
}
