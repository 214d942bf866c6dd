//! What differs between two snapshots: one pass over both.
//!
//! Nodes are the same when their stable ids are. Edges are the same when kind and ends are; of
//! parallel edges the first is the first, the second the second, as long as there are as many of
//! them on both sides, and otherwise all of them count as gone and new. Every pairing keeps the
//! order of ids, so that what was sorted by old ids stays sorted by new ones.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::column::{Column, StringMemo};
use super::{EdgeId, LabelId, NodeId, PropId, Snapshot};

/// The new id of what is gone.
const GONE: u32 = u32::MAX;

/// Nodes or edges of the newer snapshot whose value of one property is not what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedProperty {
    /// The name of the property.
    pub name: Arc<str>,
    /// New ids, ascending. What is new altogether is not among them.
    pub ids: Vec<u32>,
}

/// What differs between an older and a newer snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SnapshotDelta {
    nodes: Vec<u32>,
    edges: Vec<u32>,
    new_nodes: Vec<u32>,
    new_edges: Vec<u32>,
    relabelled: Vec<u32>,
    node_properties: Vec<ChangedProperty>,
    edge_properties: Vec<ChangedProperty>,
    edge_confidence: Vec<u32>,
}

impl SnapshotDelta {
    /// Compares two snapshots. O(nodes + edges + values), parallel in the pool it is called in.
    pub fn new(old: &Snapshot, new: &Snapshot) -> Self {
        let nodes = pair_nodes(old, new);
        let edges = pair_edges(old, new, &nodes);
        let new_nodes = not_paired(&nodes, new.n_nodes());
        let new_edges = not_paired(&edges, new.n_edges());
        let relabelled = relabelled(old, new, &nodes);
        let memo = StringMemo::new(old.strings());
        let node_column = |snapshot, prop| Snapshot::node_column(snapshot, prop);
        let edge_column = |snapshot, prop| Snapshot::edge_column(snapshot, prop);
        let (node_properties, edge_properties) = rayon::join(
            || {
                let paired = (&*nodes, new.shares_nodes(old));
                changed_properties(old, new, paired, &new_nodes, &memo, node_column)
            },
            || {
                let paired = (&*edges, new.shares_edges(old));
                changed_properties(old, new, paired, &new_edges, &memo, edge_column)
            },
        );
        let edge_confidence = (0..).zip(&edges).filter_map(|(before, &now)| {
            let is_changed = now != GONE
                && old.edge_confidence(EdgeId(before)) != new.edge_confidence(EdgeId(now));
            is_changed.then_some(now)
        });
        SnapshotDelta {
            edge_confidence: edge_confidence.collect(),
            nodes,
            edges,
            new_nodes,
            new_edges,
            relabelled,
            node_properties,
            edge_properties,
        }
    }

    /// The new id of an old node, if it is still there.
    pub fn node(&self, old: NodeId) -> Option<NodeId> {
        self.nodes
            .get(old.0 as usize)
            .filter(|&&new| new != GONE)
            .map(|&new| NodeId(new))
    }

    /// The new id of an old edge, if it is still there.
    pub fn edge(&self, old: EdgeId) -> Option<EdgeId> {
        self.edges
            .get(old.0 as usize)
            .filter(|&&new| new != GONE)
            .map(|&new| EdgeId(new))
    }

    /// The nodes that only the newer snapshot has, ascending.
    pub fn new_nodes(&self) -> &[u32] {
        &self.new_nodes
    }

    /// The edges that only the newer snapshot has, ascending.
    pub fn new_edges(&self) -> &[u32] {
        &self.new_edges
    }

    /// New ids of nodes with other labels than before, ascending.
    pub fn relabelled(&self) -> &[u32] {
        &self.relabelled
    }

    /// What changed on nodes that were there before, by property.
    pub fn node_properties(&self) -> &[ChangedProperty] {
        &self.node_properties
    }

    /// What changed on edges that were there before, by property.
    pub fn edge_properties(&self) -> &[ChangedProperty] {
        &self.edge_properties
    }

    /// New ids of edges whose confidence is not what it was.
    pub fn edge_confidence(&self) -> &[u32] {
        &self.edge_confidence
    }

    /// How many old nodes and edges are gone.
    pub fn n_gone(&self) -> usize {
        let gone = |ids: &[u32]| ids.iter().filter(|&&new| new == GONE).count();
        gone(&self.nodes) + gone(&self.edges)
    }

    /// Whether nodes and edges have the ids they had, and no others are there.
    pub fn keeps_ids(&self) -> bool {
        self.new_nodes.is_empty()
            && self.new_edges.is_empty()
            && is_same(&self.nodes)
            && is_same(&self.edges)
    }

    /// Whether no fact that this comparison looks at differs.
    pub fn is_empty(&self) -> bool {
        self.n_facts() == 0
    }

    /// How many facts differ: nodes, edges and values that are gone, new or changed.
    pub fn n_facts(&self) -> usize {
        let values = self.node_properties.iter().chain(&self.edge_properties);
        self.n_gone()
            + self.new_nodes.len()
            + self.new_edges.len()
            + self.relabelled.len()
            + self.edge_confidence.len()
            + values.map(|changed| changed.ids.len()).sum::<usize>()
    }
}

/// Whether everything is paired with what has its own id.
fn is_same(paired: &[u32]) -> bool {
    (0..).zip(paired).all(|(before, &now)| before == now)
}

/// Both sides come in byte order of stable ids.
fn pair_nodes(old: &Snapshot, new: &Snapshot) -> Vec<u32> {
    if new.shares_nodes(old) {
        return (0..old.n_nodes() as u32).collect();
    }
    let n_new = new.n_nodes() as u32;
    let mut next = 0;
    old.nodes()
        .map(|node| {
            let id = old.stable_id(node);
            while next < n_new && new.stable_id(NodeId(next)) < id {
                next += 1;
            }
            if next < n_new && new.stable_id(NodeId(next)) == id {
                next += 1;
                next - 1
            } else {
                GONE
            }
        })
        .collect()
}

fn pair_edges(old: &Snapshot, new: &Snapshot, nodes: &[u32]) -> Vec<u32> {
    if new.shares_edges(old) {
        return (0..old.n_edges() as u32).collect();
    }
    let mut edges = vec![GONE; old.n_edges()];
    let mut rest = edges.as_mut_slice();
    let mut kinds: Vec<(Range<u32>, Range<u32>, &mut [u32])> = Vec::new();
    for kind in old.kinds() {
        let range = old.edges_of_kind(kind);
        let (own, others) = rest.split_at_mut(range.len());
        rest = others;
        if let Some(kind) = new.kind_id(old.kind_name(kind)) {
            kinds.push((range, new.edges_of_kind(kind), own));
        }
    }
    let are_nodes_same = nodes.len() == new.n_nodes() && is_same(nodes);
    kinds.into_par_iter().for_each(|(before, now, paired)| {
        if are_nodes_same && old.ends_in(before.clone()) == new.ends_in(now.clone()) {
            for (paired, now) in paired.iter_mut().zip(now) {
                *paired = now;
            }
        } else {
            pair_kind(old, new, nodes, before, now, paired);
        }
    });
    edges
}

/// Pairs the edges of one kind; both sides are sorted by source and target.
fn pair_kind(
    old: &Snapshot,
    new: &Snapshot,
    nodes: &[u32],
    before: Range<u32>,
    now: Range<u32>,
    paired: &mut [u32],
) {
    let ends_before = |edge: u32| {
        let ends = old.edge_ends(EdgeId(edge));
        (nodes[ends.0.0 as usize], nodes[ends.1.0 as usize])
    };
    let ends_now = |edge: u32| {
        let ends = new.edge_ends(EdgeId(edge));
        (ends.0.0, ends.1.0)
    };
    let mut right = now.start;
    let mut left = before.start;
    while left < before.end {
        let ends = ends_before(left);
        if ends.0 == GONE || ends.1 == GONE {
            left += 1;
            continue;
        }
        while right < now.end && ends_now(right) < ends {
            right += 1;
        }
        let first = (left, right);
        while left < before.end && ends_before(left) == ends {
            left += 1;
        }
        while right < now.end && ends_now(right) == ends {
            right += 1;
        }
        if left - first.0 == right - first.1 {
            for at in 0..left - first.0 {
                paired[(first.0 + at - before.start) as usize] = first.1 + at;
            }
        }
    }
}

/// The ids below `n_new` that nothing is paired with.
fn not_paired(paired: &[u32], n_new: usize) -> Vec<u32> {
    let mut found = Vec::new();
    let mut next = 0;
    for &id in paired.iter().filter(|&&id| id != GONE) {
        found.extend(next..id);
        next = id + 1;
    }
    found.extend(next..n_new as u32);
    found
}

fn relabelled(old: &Snapshot, new: &Snapshot, nodes: &[u32]) -> Vec<u32> {
    let mut known: FxHashMap<(u32, u32), bool> = FxHashMap::default();
    let names = |snapshot: &Snapshot, labels: &[LabelId]| -> Vec<String> {
        let names = labels.iter().map(|&label| snapshot.label_name(label));
        names.map(str::to_owned).collect()
    };
    let paired = (0..)
        .zip(nodes)
        .filter(|&(_, &now)| now != GONE)
        .map(|(before, &now)| (NodeId(before), NodeId(now)));
    paired
        .filter(|&(before, now)| {
            let sets = (old.label_set(before), new.label_set(now));
            *known.entry(sets).or_insert_with(|| {
                names(old, old.labels_of(before)) != names(new, new.labels_of(now))
            })
        })
        .map(|(_, now)| now.0)
        .collect()
}

fn changed_properties<'a>(
    old: &'a Snapshot,
    new: &'a Snapshot,
    (paired, are_shared): (&[u32], bool),
    only_new: &[u32],
    memo: &StringMemo,
    column: impl Fn(&'a Snapshot, PropId) -> Option<&'a Arc<Column>> + Sync,
) -> Vec<ChangedProperty> {
    let mut names: Vec<&str> = old.props().map(|prop| old.prop_name(prop)).collect();
    names.extend(new.props().map(|prop| new.prop_name(prop)));
    names.sort_unstable();
    names.dedup();
    names
        .into_par_iter()
        .filter_map(|name| {
            let before = old.prop_id(name).and_then(|prop| column(old, prop));
            let now = new.prop_id(name).and_then(|prop| column(new, prop));
            let mut ids = Vec::new();
            match (before, now) {
                (None, None) => return None,
                (Some(before), Some(now)) if are_shared && Arc::ptr_eq(before, now) => return None,
                (Some(before), Some(now)) => {
                    before.changed_rows(
                        (old.strings(), memo),
                        (now, new.strings()),
                        paired,
                        &mut ids,
                    );
                }
                (Some(before), None) => {
                    let rows = before.rows().map(|row| paired[row as usize]);
                    ids.extend(rows.filter(|&row| row != GONE));
                }
                (None, Some(now)) => ids.extend(now.rows()),
            }
            remove_all(&mut ids, only_new);
            (!ids.is_empty()).then(|| ChangedProperty {
                name: name.into(),
                ids,
            })
        })
        .collect()
}

/// Takes out what `others` holds; both ascending.
fn remove_all(ids: &mut Vec<u32>, others: &[u32]) {
    let mut others = others.iter().copied().peekable();
    ids.retain(|&id| {
        while others.next_if(|&other| other < id).is_some() {}
        others.peek() != Some(&id)
    });
}
