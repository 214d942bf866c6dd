//! Names of a pattern turned into the ids and sets of one snapshot.

use std::ops::Bound;

use roaring::RoaringBitmap;

use crate::graph::{EdgeId, KindId, LabelId, NodeId, Snapshot};
use crate::model::Value;

use super::ir::{Direction, Hint, LabelExpr};

/// Which nodes a node pattern admits, as far as labels and indexes can tell.
#[derive(Debug, Clone)]
pub(super) enum NodeTest {
    /// Every node.
    Any,
    /// The nodes with a label.
    Label(LabelId),
    /// The same, where every node that comes has it.
    Implied(LabelId),
    /// These nodes.
    Set(RoaringBitmap),
}

impl NodeTest {
    /// Evaluates a label expression over the label indexes.
    pub(super) fn new(snapshot: &Snapshot, labels: &LabelExpr) -> Self {
        match labels {
            LabelExpr::Any => NodeTest::Any,
            LabelExpr::Name(name) => match snapshot.label_id(name) {
                Some(label) => NodeTest::Label(label),
                None => NodeTest::Set(RoaringBitmap::new()),
            },
            composite => NodeTest::Set(label_set(snapshot, composite)),
        }
    }

    /// Narrows the test by what indexes know.
    pub(super) fn narrowed(self, snapshot: &Snapshot, hints: &[Hint]) -> Self {
        let mut narrowed: Option<RoaringBitmap> = None;
        for hint in hints {
            let set = hint_set(snapshot, hint);
            narrowed = Some(match narrowed {
                None => set,
                Some(earlier) => earlier & set,
            });
        }
        match (self, narrowed) {
            (test, None) => test,
            (NodeTest::Any, Some(set)) => NodeTest::Set(set),
            (NodeTest::Label(label) | NodeTest::Implied(label), Some(set)) => {
                NodeTest::Set(set & snapshot.labelled(label))
            }
            (NodeTest::Set(labelled), Some(set)) => NodeTest::Set(set & labelled),
        }
    }

    /// Whether `node` is admitted.
    pub(super) fn holds(&self, snapshot: &Snapshot, node: NodeId) -> bool {
        match self {
            NodeTest::Any | NodeTest::Implied(_) => true,
            NodeTest::Label(label) => snapshot.has_label(node, *label),
            NodeTest::Set(set) => set.contains(node.0),
        }
    }

    /// Whether no node is admitted by both.
    pub(super) fn is_disjoint(&self, snapshot: &Snapshot, other: &NodeTest) -> bool {
        let set = |test: &NodeTest| match test {
            NodeTest::Any => None,
            NodeTest::Label(label) | NodeTest::Implied(label) => {
                Some(snapshot.labelled(*label).clone())
            }
            NodeTest::Set(set) => Some(set.clone()),
        };
        match (self, other) {
            (NodeTest::Label(one), NodeTest::Label(other)) => snapshot
                .labelled(*one)
                .is_disjoint(snapshot.labelled(*other)),
            _ => match (set(self), set(other)) {
                (Some(one), Some(other)) => one.is_disjoint(&other),
                _ => false,
            },
        }
    }

    /// Whether every node that comes is admitted.
    pub(super) fn admits_all(&self) -> bool {
        matches!(self, NodeTest::Any | NodeTest::Implied(_))
    }

    /// The test of a node that only these edges lead to.
    pub(super) fn after(self, snapshot: &Snapshot, edges: &EdgeTest) -> Self {
        let NodeTest::Label(label) = self else {
            return self;
        };
        let implies = |kind: &KindId| {
            (edges.direction == Direction::In || snapshot.ends_have_label(*kind, false, label))
                && (edges.direction == Direction::Out
                    || snapshot.ends_have_label(*kind, true, label))
        };
        let is_implied = edges.kinds.len() <= FEW_KINDS && edges.kinds.iter().all(implies);
        if is_implied {
            NodeTest::Implied(label)
        } else {
            self
        }
    }

    /// How many nodes are admitted.
    pub(super) fn count(&self, snapshot: &Snapshot) -> u64 {
        match self {
            NodeTest::Any => snapshot.n_nodes() as u64,
            NodeTest::Label(label) | NodeTest::Implied(label) => snapshot.labelled(*label).len(),
            NodeTest::Set(set) => set.len(),
        }
    }

    /// Up to `n` admitted nodes, spread evenly.
    pub(super) fn sample(&self, snapshot: &Snapshot, n: u64) -> Vec<NodeId> {
        let count = self.count(snapshot);
        let n = n.min(count);
        let at = |i: u64| (i * count / n.max(1)) as u32;
        let pick = |set: &RoaringBitmap| (0..n).filter_map(|i| set.select(at(i))).collect();
        let ids: Vec<u32> = match self {
            NodeTest::Any => (0..n).map(at).collect(),
            NodeTest::Label(label) | NodeTest::Implied(label) => pick(snapshot.labelled(*label)),
            NodeTest::Set(set) => pick(set),
        };
        ids.into_iter().map(NodeId).collect()
    }
}

fn all_nodes(snapshot: &Snapshot) -> RoaringBitmap {
    let mut all = RoaringBitmap::new();
    all.insert_range(0..snapshot.n_nodes() as u32);
    all
}

fn label_set(snapshot: &Snapshot, labels: &LabelExpr) -> RoaringBitmap {
    match labels {
        LabelExpr::Any => all_nodes(snapshot),
        LabelExpr::Name(name) => snapshot
            .label_id(name)
            .map(|label| snapshot.labelled(label).clone())
            .unwrap_or_default(),
        LabelExpr::Not(inner) => all_nodes(snapshot) - label_set(snapshot, inner),
        LabelExpr::And(all) => {
            let mut sets = all.iter().map(|one| label_set(snapshot, one));
            let first = sets.next().unwrap_or_else(|| all_nodes(snapshot));
            sets.fold(first, |both, set| both & set)
        }
        LabelExpr::Or(any) => any.iter().fold(RoaringBitmap::new(), |either, one| {
            either | label_set(snapshot, one)
        }),
    }
}

fn hint_set(snapshot: &Snapshot, hint: &Hint) -> RoaringBitmap {
    match hint {
        Hint::Ids(ids) => ids
            .iter()
            .filter_map(|id| snapshot.node(id))
            .map(|node| node.0)
            .collect(),
        Hint::In(name, values) => {
            let Some(prop) = snapshot.prop_id(name) else {
                return RoaringBitmap::new();
            };
            let mut found = RoaringBitmap::new();
            for value in values.iter().filter(|value| !is_nan(value)) {
                found |= snapshot.nodes_with(prop, value);
            }
            found
        }
        Hint::Prefix(name, prefix) => snapshot
            .prop_id(name)
            .map(|prop| snapshot.nodes_with_prefix(prop, prefix))
            .unwrap_or_default(),
        Hint::Range(name, low, high) => {
            let Some(prop) = snapshot.prop_id(name) else {
                return RoaringBitmap::new();
            };
            snapshot.nodes_in_range(prop, (as_ref(low), as_ref(high)))
        }
    }
}

fn as_ref(bound: &Bound<Value>) -> Bound<&Value> {
    match bound {
        Bound::Included(value) => Bound::Included(value),
        Bound::Excluded(value) => Bound::Excluded(value),
        Bound::Unbounded => Bound::Unbounded,
    }
}

fn is_nan(value: &Value) -> bool {
    matches!(value, Value::Float(float) if float.is_nan())
}

/// Which edges one step admits, and which way they are walked.
#[derive(Debug, Clone)]
pub(super) struct EdgeTest {
    pub(super) direction: Direction,
    pub(super) kinds: Box<[KindId]>,
}

/// Up to so many kinds are tried at each node; of more, only those that the node has.
const FEW_KINDS: usize = 3;

/// The admitted kinds that may occur at one node, ascending.
struct KindsAt<'a> {
    /// Tried as they are.
    few: std::slice::Iter<'a, KindId>,
    /// Those of the node in both directions.
    out: &'a [KindId],
    incoming: &'a [KindId],
    /// What is admitted of them; everything when absent.
    admitted: Option<&'a [KindId]>,
}

impl Iterator for KindsAt<'_> {
    type Item = KindId;

    fn next(&mut self) -> Option<KindId> {
        if let Some(&kind) = self.few.next() {
            return Some(kind);
        }
        loop {
            let kind = match (self.out.first(), self.incoming.first()) {
                (Some(&out), Some(&incoming)) => out.min(incoming),
                (Some(&kind), None) | (None, Some(&kind)) => kind,
                (None, None) => return None,
            };
            for side in [&mut self.out, &mut self.incoming] {
                if let Some((&first, rest)) = side.split_first()
                    && first == kind
                {
                    *side = rest;
                }
            }
            if self
                .admitted
                .is_none_or(|admitted| admitted.binary_search(&kind).is_ok())
            {
                return Some(kind);
            }
        }
    }
}

impl EdgeTest {
    /// Evaluates an expression over kinds; an edge has exactly one.
    pub(super) fn new(snapshot: &Snapshot, direction: Direction, kinds: &LabelExpr) -> Self {
        let kinds = snapshot
            .kinds()
            .filter(|&kind| kinds.holds(&|name| snapshot.kind_name(kind) == name))
            .collect();
        EdgeTest { direction, kinds }
    }

    /// The same edges seen from the other end.
    pub(super) fn reversed(&self) -> Self {
        EdgeTest {
            direction: self.direction.reversed(),
            kinds: self.kinds.clone(),
        }
    }

    /// How many edges have one of the kinds.
    pub(super) fn n_edges(&self, snapshot: &Snapshot) -> u64 {
        self.kinds
            .iter()
            .map(|&kind| snapshot.edges_of_kind(kind).len() as u64)
            .sum()
    }

    /// Every admitted edge at `node` with the node at its other end, in a fixed order. A loop comes
    /// once when both directions are walked.
    pub(super) fn neighbours<'a>(
        &'a self,
        snapshot: &'a Snapshot,
        node: NodeId,
    ) -> impl Iterator<Item = (EdgeId, NodeId)> + 'a {
        let is_out = self.direction != Direction::In;
        let is_in = self.direction != Direction::Out;
        self.kinds_at(snapshot, node).flat_map(move |kind| {
            let out = is_out.then(|| snapshot.out_edges(node, kind).iter());
            let incoming = is_in.then(|| {
                snapshot
                    .in_edges(node, kind)
                    .iter()
                    .filter(move |&(_, source)| !(is_out && source == node))
            });
            out.into_iter()
                .flatten()
                .chain(incoming.into_iter().flatten())
        })
    }

    fn kinds_at<'a>(&'a self, snapshot: &'a Snapshot, node: NodeId) -> KindsAt<'a> {
        if self.kinds.len() <= FEW_KINDS {
            return KindsAt {
                few: self.kinds.iter(),
                out: &[],
                incoming: &[],
                admitted: None,
            };
        }
        let is_all = self.kinds.len() == snapshot.kinds().len();
        KindsAt {
            few: [].iter(),
            out: match self.direction {
                Direction::In => &[],
                _ => snapshot.out_kinds(node),
            },
            incoming: match self.direction {
                Direction::Out => &[],
                _ => snapshot.in_kinds(node),
            },
            admitted: (!is_all).then_some(&*self.kinds),
        }
    }

    /// Calls `visit` for every admitted edge at `node`, in the order of [`EdgeTest::neighbours`].
    pub(super) fn each<E>(
        &self,
        snapshot: &Snapshot,
        node: NodeId,
        mut visit: impl FnMut(EdgeId, NodeId) -> Result<(), E>,
    ) -> Result<(), E> {
        for kind in self.kinds_at(snapshot, node) {
            if self.direction != Direction::In {
                for (edge, end) in snapshot.out_edges(node, kind).iter() {
                    visit(edge, end)?;
                }
            }
            if self.direction != Direction::Out {
                let is_both = self.direction == Direction::Any;
                for (edge, source) in snapshot.in_edges(node, kind).iter() {
                    if !(is_both && source == node) {
                        visit(edge, source)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// How many admitted edges there are at `node`.
    pub(super) fn degree(&self, snapshot: &Snapshot, node: NodeId) -> u64 {
        if self.direction == Direction::Any {
            return self.neighbours(snapshot, node).count() as u64;
        }
        let lengths = self
            .kinds_at(snapshot, node)
            .map(|kind| match self.direction {
                Direction::In => snapshot.in_edges(node, kind).len() as u64,
                _ => snapshot.out_edges(node, kind).len() as u64,
            });
        lengths.sum()
    }

    /// Every admitted edge that leads from `from` to `to`.
    pub(super) fn between(
        &self,
        snapshot: &Snapshot,
        from: NodeId,
        to: NodeId,
        found: &mut Vec<EdgeId>,
    ) {
        for &kind in &self.kinds {
            if self.direction != Direction::In {
                parallel(snapshot, from, kind, to, found);
            }
            if self.direction == Direction::In || (self.direction == Direction::Any && from != to) {
                parallel(snapshot, to, kind, from, found);
            }
        }
    }

    /// Whether `edge` is admitted when walked from `from`, and where it leads.
    pub(super) fn walk(&self, snapshot: &Snapshot, edge: EdgeId, from: NodeId) -> Option<NodeId> {
        let ends = snapshot.edge(edge);
        if !self.kinds.contains(&ends.kind) {
            return None;
        }
        if self.direction != Direction::In && ends.source == from {
            return Some(ends.target);
        }
        (self.direction != Direction::Out && ends.target == from).then_some(ends.source)
    }
}

/// The ends of all edges at `node`, whatever their kind. A loop comes twice when both directions are
/// walked.
#[inline]
pub(super) fn every_end(
    snapshot: &Snapshot,
    direction: Direction,
    node: NodeId,
) -> impl Iterator<Item = &u32> {
    let [out, incoming] = every_row(snapshot, direction, node);
    out.iter().chain(incoming)
}

/// The same as rows: the ends of outgoing edges, and those of incoming ones.
#[inline]
pub(super) fn every_row(snapshot: &Snapshot, direction: Direction, node: NodeId) -> [&[u32]; 2] {
    let out: &[u32] = match direction {
        Direction::In => &[],
        _ => snapshot.every_target(node),
    };
    let incoming: &[u32] = match direction {
        Direction::Out => &[],
        _ => snapshot.every_source(node),
    };
    [out, incoming]
}

/// The edges of one kind from `source` to `target`: a range of the sorted row.
fn parallel(
    snapshot: &Snapshot,
    source: NodeId,
    kind: KindId,
    target: NodeId,
    found: &mut Vec<EdgeId>,
) {
    let row = snapshot.out_edges(source, kind);
    let targets = row.targets();
    let first = targets.partition_point(|&end| end < target.0);
    let here = row.iter().skip(first);
    found.extend(
        here.take_while(|&(_, end)| end == target)
            .map(|(edge, _)| edge),
    );
}
