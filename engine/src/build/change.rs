//! Changes to pretend: what `WHAT IF` does to the facts before they are merged.
//!
//! A change is put to what documents state and to what joins infer from it alike, so the result is
//! the snapshot that the changed documents would give: joins run on the changed facts, and a fact
//! that was taken away stays away even where a join would state it.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use crate::graph::{EdgeId, NodeId, Snapshot};
use crate::model::{Facts, SourceInfo, StrId, Value};

use super::aliases::Aliases;
use super::assembly::{Places, Touched};
use super::difference::Rows;
use super::scope::Scope;
use super::staging::{EdgeRow, Staging};

/// Properties by name.
type Props = BTreeMap<String, Value>;

/// The properties that the merge writes by itself.
const WRITTEN_BY_MERGE: [&str; 2] = ["method", "confidence"];

/// Changes in terms of one snapshot, by stable ids. Patterns were matched before: nothing here
/// depends on order.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    removed_nodes: BTreeSet<String>,
    /// Changed edges by ends and kind.
    edges: BTreeMap<(String, String, String), Parallel>,
    /// New values of properties; `None` takes a property away.
    nodes: BTreeMap<String, BTreeMap<String, Option<Value>>>,
    added: Facts,
}

/// The edges of one kind between the same ends, some of them changed.
#[derive(Debug, Clone, Default)]
struct Parallel {
    /// What each of them says, in the order of the snapshot.
    all: Vec<Props>,
    changes: BTreeMap<usize, EdgeChange>,
}

#[derive(Debug, Clone)]
enum EdgeChange {
    Remove,
    Set(BTreeMap<String, Option<Value>>),
}

impl Changes {
    /// No change.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.removed_nodes.is_empty()
            && self.edges.is_empty()
            && self.nodes.is_empty()
            && self.added.is_empty()
    }

    /// Takes a node away, and every edge that touches it.
    pub fn remove_node(&mut self, snapshot: &Snapshot, node: NodeId) {
        self.removed_nodes
            .insert(snapshot.stable_id(node).to_owned());
    }

    /// Takes an edge away.
    pub fn remove_edge(&mut self, snapshot: &Snapshot, edge: EdgeId) {
        let (parallel, at) = self.parallel(snapshot, edge);
        parallel.changes.insert(at, EdgeChange::Remove);
    }

    /// Sets a property of a node; `None` takes it away.
    pub fn set_node(&mut self, id: &str, name: &str, value: Option<Value>) {
        let node = self.nodes.entry(id.to_owned()).or_default();
        node.insert(name.to_owned(), value);
    }

    /// Sets a property of an edge; `None` takes it away.
    pub fn set_edge(
        &mut self,
        snapshot: &Snapshot,
        edge: EdgeId,
        name: &str,
        value: Option<Value>,
    ) {
        let (parallel, at) = self.parallel(snapshot, edge);
        let change = parallel
            .changes
            .entry(at)
            .or_insert_with(|| EdgeChange::Set(BTreeMap::new()));
        if let EdgeChange::Set(values) = change {
            values.insert(name.to_owned(), value);
        }
    }

    /// Where nodes and edges are added.
    pub fn added_mut(&mut self) -> &mut Facts {
        &mut self.added
    }

    /// The edges that are taken away, if nothing else changes.
    pub fn only_removed_edges(&self, snapshot: &Snapshot) -> Option<Vec<EdgeId>> {
        if !self.removed_nodes.is_empty() || !self.nodes.is_empty() || !self.added.is_empty() {
            return None;
        }
        let mut found = Vec::new();
        for ((from, kind, to), parallel) in &self.edges {
            let all = siblings(snapshot, snapshot.node(from)?, kind, snapshot.node(to)?);
            for (&at, change) in &parallel.changes {
                match change {
                    EdgeChange::Remove => found.push(*all.get(at)?),
                    EdgeChange::Set(_) => return None,
                }
            }
        }
        Some(found)
    }

    /// What of a snapshot the changes are about.
    pub(super) fn concern(&self, snapshot: &Snapshot, aliases: &Aliases, touched: &mut Touched) {
        for id in &self.removed_nodes {
            touched.add_node_and_edges(snapshot, id);
        }
        for (from, kind, to) in self.edges.keys() {
            if let (Some(from), Some(to)) = (snapshot.node(from), snapshot.node(to)) {
                touched.add_edges(snapshot, from, kind, to);
            }
        }
        for node in self.nodes.keys().filter_map(|id| snapshot.node(id)) {
            touched.add_node(node);
        }
        let places = &mut Places::new(&self.added, aliases);
        touched.add_rows(snapshot, places, &Rows::all(&self.added));
    }

    /// The names that the changes are about.
    pub(super) fn name(&self, snapshot: &Snapshot, scope: &mut Scope) {
        scope.add(&Scope::of(&self.added));
        scope.ids |= !self.added.is_empty() || !self.removed_nodes.is_empty();
        for node in self.removed_nodes.iter().filter_map(|id| snapshot.node(id)) {
            for &label in snapshot.labels_of(node) {
                scope.label(snapshot.label_name(label));
            }
            let kinds = snapshot
                .out_kinds(node)
                .iter()
                .chain(snapshot.in_kinds(node));
            for &kind in kinds {
                scope.kind(snapshot.kind_name(kind));
            }
        }
        for ((from, kind, to), parallel) in &self.edges {
            for change in parallel.changes.values() {
                match change {
                    EdgeChange::Remove => {
                        scope.kind(kind);
                        // Its ends may be there for it alone.
                        let mut ends = [from, to].into_iter().filter_map(|id| snapshot.node(id));
                        scope.ids |= ends.any(|end| snapshot.node_sources(end).is_empty());
                    }
                    EdgeChange::Set(values) => {
                        for name in values.keys() {
                            scope.prop(name);
                        }
                    }
                }
            }
        }
        for (id, values) in &self.nodes {
            scope.ids |= snapshot.node(id).is_none();
            for name in values.keys() {
                scope.prop(name);
            }
        }
    }

    fn parallel(&mut self, snapshot: &Snapshot, edge: EdgeId) -> (&mut Parallel, usize) {
        let ends = snapshot.edge(edge);
        let kind = snapshot.kind_name(ends.kind).to_owned();
        let all = siblings(snapshot, ends.source, &kind, ends.target);
        let at = all.iter().position(|&one| one == edge).unwrap_or_default();
        let key = (
            snapshot.stable_id(ends.source).to_owned(),
            kind,
            snapshot.stable_id(ends.target).to_owned(),
        );
        let parallel = self.edges.entry(key).or_insert_with(|| Parallel {
            all: all
                .iter()
                .map(|&one| {
                    snapshot
                        .edge_props(one)
                        .map(|(prop, value)| (snapshot.prop_name(prop).to_owned(), value))
                        .collect()
                })
                .collect(),
            changes: BTreeMap::new(),
        });
        (parallel, at)
    }

    /// States what is added, as a source of its own that wins over every other.
    pub(super) fn add_to(&self, staging: &mut Staging, observed_at_ms: i64) {
        let mut facts = self.added.clone();
        for (id, values) in &self.nodes {
            // Ids come from a snapshot or were validated when they were added.
            let Ok(fact) = facts.node(id, &[]) else {
                continue;
            };
            for (name, value) in values {
                facts.set_opt(fact, name, value.clone());
            }
        }
        if facts.is_empty() {
            return;
        }
        let info = SourceInfo {
            name: "what-if".into(),
            format: "what-if".into(),
            observed_at_ms,
            authority: u8::MAX,
            ..SourceInfo::default()
        };
        staging.add(&info, &facts);
    }

    /// Puts the changes to the facts from these rows on. O(rows).
    pub(super) fn apply(&self, staging: &mut Staging, first_node: usize, first_edge: usize) {
        if self.is_empty() {
            return;
        }
        let removed: BTreeSet<StrId> = self
            .removed_nodes
            .iter()
            .map(|id| staging.strings.intern(id))
            .collect();
        let changed: FxHashMap<StrId, &BTreeMap<String, Option<Value>>> = self
            .nodes
            .iter()
            .map(|(id, values)| (staging.strings.intern(id), values))
            .collect();
        let edges: FxHashMap<(StrId, StrId, StrId), &Parallel> = self
            .edges
            .iter()
            .map(|((from, kind, to), parallel)| {
                let key = (
                    staging.strings.intern(from),
                    staging.strings.intern(kind),
                    staging.strings.intern(to),
                );
                (key, parallel)
            })
            .collect();

        let mut nodes = staging.nodes.split_off(first_node);
        nodes.retain_mut(|row| {
            let id = staging.resolve_alias(row.id);
            if removed.contains(&id) {
                return false;
            }
            if let Some(values) = changed.get(&id)
                && !is_what_if(staging, row.source)
            {
                let kept = kept_props(staging, row.props, values);
                row.props = push_props(staging, kept);
            }
            true
        });
        staging.nodes.append(&mut nodes);

        let mut rows = staging.edges.split_off(first_edge);
        rows.retain_mut(|row| {
            let from = staging.resolve_alias(row.from);
            let to = staging.resolve_alias(row.to);
            if removed.contains(&from) || removed.contains(&to) {
                return false;
            }
            let Some(parallel) = edges.get(&(from, row.kind, to)) else {
                return true;
            };
            match parallel.change_of(staging, row) {
                None => true,
                Some(EdgeChange::Remove) => false,
                Some(EdgeChange::Set(values)) => {
                    let mut kept = kept_props(staging, row.props, values);
                    for (name, value) in values {
                        if let Some(value) = value {
                            kept.push((staging.strings.intern(name), value.clone()));
                        }
                    }
                    row.props = push_props(staging, kept);
                    true
                }
            }
        });
        staging.edges.append(&mut rows);
    }
}

impl Parallel {
    /// What happens to the edge that this statement is part of: the one that says all the
    /// statement says and the least beyond it.
    fn change_of(&self, staging: &Staging, row: &EdgeRow) -> Option<&EdgeChange> {
        let stated: BTreeMap<&str, &Value> = staging
            .props
            .get(row.props.0 as usize..row.props.1 as usize)
            .unwrap_or_default()
            .iter()
            .map(|(name, value)| (staging.strings.resolve(*name), value))
            .collect();
        let misfit = |props: &Props| {
            let denied = stated
                .iter()
                .filter(|(name, value)| props.get(**name) != Some(value))
                .count();
            let beyond = props
                .keys()
                .filter(|name| !WRITTEN_BY_MERGE.contains(&name.as_str()))
                .filter(|name| !stated.contains_key(name.as_str()))
                .count();
            (denied, beyond)
        };
        let at = (0..self.all.len()).min_by_key(|&at| (self.all.get(at).map(misfit), at))?;
        self.changes.get(&at)
    }
}

fn siblings(snapshot: &Snapshot, from: NodeId, kind: &str, to: NodeId) -> Vec<EdgeId> {
    let Some(kind) = snapshot.kind_id(kind) else {
        return Vec::new();
    };
    let row = snapshot.out_edges(from, kind);
    row.iter()
        .filter(|&(_, target)| target == to)
        .map(|(edge, _)| edge)
        .collect()
}

fn is_what_if(staging: &Staging, source: u32) -> bool {
    let info = staging.sources.get(source as usize);
    info.is_some_and(|info| &*info.format == "what-if")
}

fn kept_props(
    staging: &Staging,
    range: (u32, u32),
    values: &BTreeMap<String, Option<Value>>,
) -> Vec<(StrId, Value)> {
    let props = staging.props.get(range.0 as usize..range.1 as usize);
    props
        .unwrap_or_default()
        .iter()
        .filter(|(name, _)| !values.contains_key(staging.strings.resolve(*name)))
        .cloned()
        .collect()
}

fn push_props(staging: &mut Staging, props: Vec<(StrId, Value)>) -> (u32, u32) {
    let start = staging.props.len() as u32;
    staging.props.extend(props);
    (start, staging.props.len() as u32)
}
