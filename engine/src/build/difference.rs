//! What differs between two versions of a document.

use rustc_hash::FxHashSet;

use crate::model::{EdgeFact, Facts, NodeFact, Origin, PropRange, StrId, Value};

use super::scope::Scope;

/// Rows of one document: by the id of the node, or by the ends and kind of the edge, as the document
/// writes them.
#[derive(Debug, Clone, Default)]
pub(super) struct Rows {
    pub(super) nodes: FxHashSet<StrId>,
    /// Start, kind, end.
    pub(super) edges: FxHashSet<(StrId, StrId, StrId)>,
}

impl Rows {
    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.edges.is_empty()
    }

    /// Every row.
    pub(super) fn all(facts: &Facts) -> Self {
        Rows {
            nodes: facts.nodes().iter().map(|node| node.id).collect(),
            edges: facts.edges().iter().map(key_of).collect(),
        }
    }
}

/// What two versions say differently. Statements about one node, and those about edges of one kind
/// between the same ends, are compared in their order.
#[derive(Debug, Default)]
pub(super) struct Difference {
    /// What the older version says otherwise.
    pub(super) old: Rows,
    /// What the newer one says in its place.
    pub(super) new: Rows,
    /// Of these what only the older version speaks of at all, and what only the newer one does.
    pub(super) only: [Rows; 2],
    /// The names it is about, but whether nodes come or go.
    pub(super) scope: Scope,
}

impl Difference {
    /// Compares two versions. O(rows log rows) for each.
    pub(super) fn new(old: &Facts, new: &Facts) -> Self {
        let mut found = Difference::default();
        let known = old.strings().iter().map(|text| new.strings().get(text));
        let sides = Sides {
            old,
            new,
            known: known.collect(),
        };
        sides.nodes(&mut found);
        sides.edges(&mut found);
        found
    }

    /// A document that is new.
    pub(super) fn appeared(facts: &Facts) -> Self {
        Difference {
            old: Rows::default(),
            new: Rows::all(facts),
            only: [Rows::default(), Rows::all(facts)],
            scope: Scope::of(facts),
        }
    }

    /// A document that is gone.
    pub(super) fn disappeared(facts: &Facts) -> Self {
        Difference {
            old: Rows::all(facts),
            new: Rows::default(),
            only: [Rows::all(facts), Rows::default()],
            scope: Scope::of(facts),
        }
    }
}

fn key_of(edge: &EdgeFact) -> (StrId, StrId, StrId) {
    (edge.from, edge.kind, edge.to)
}

struct Sides<'a> {
    old: &'a Facts,
    new: &'a Facts,
    /// The newer id of each string of the older version.
    known: Vec<Option<StrId>>,
}

impl Sides<'_> {
    fn known(&self, id: StrId) -> Option<StrId> {
        self.known[id.0 as usize]
    }

    fn nodes(&self, found: &mut Difference) {
        let before = self.old.nodes().iter().map(|node| self.known(node.id));
        let now = self.new.nodes().iter().map(|node| node.id);
        each_difference(before, now, |before, now| {
            let before = || before.iter().map(|&at| &self.old.nodes()[at as usize]);
            let now = || now.iter().map(|&at| &self.new.nodes()[at as usize]);
            let same = before().len() == now().len()
                && before().zip(now()).all(|(a, b)| self.is_same_node(a, b));
            if same {
                return;
            }
            found.old.nodes.extend(before().map(|node| node.id));
            found.new.nodes.extend(now().map(|node| node.id));
            if before().len() == 0 {
                found.only[1].nodes.extend(now().map(|node| node.id));
            }
            if now().len() == 0 {
                found.only[0].nodes.extend(before().map(|node| node.id));
            }
            let confidence =
                |rows: &mut dyn Iterator<Item = &NodeFact>| rows.map(|row| row.confidence).max();
            let mut labels = before().flat_map(|node| node.labels.iter().map(|&l| self.old.str(l)));
            let mut of_old: Vec<&str> = labels.by_ref().collect();
            of_old.sort_unstable();
            of_old.dedup();
            let labels = now().flat_map(|node| node.labels.iter().map(|&l| self.new.str(l)));
            let mut of_new: Vec<&str> = labels.collect();
            of_new.sort_unstable();
            of_new.dedup();
            let is_other = confidence(&mut before()) != confidence(&mut now());
            for label in &of_old {
                if is_other || of_new.binary_search(label).is_err() {
                    found.scope.label(label);
                }
            }
            for label in &of_new {
                if is_other || of_old.binary_search(label).is_err() {
                    found.scope.label(label);
                }
            }
            let before = before().map(|node| &node.props);
            let now = now().map(|node| &node.props);
            self.props((before, now), found);
        });
    }

    fn edges(&self, found: &mut Difference) {
        let before = self.old.edges().iter().map(|edge| {
            let (from, kind, to) = key_of(edge);
            Some((self.known(from)?, self.known(kind)?, self.known(to)?))
        });
        let now = self.new.edges().iter().map(key_of);
        each_difference(before, now, |before, now| {
            let before = || before.iter().map(|&at| &self.old.edges()[at as usize]);
            let now = || now.iter().map(|&at| &self.new.edges()[at as usize]);
            let pairs = || before().zip(now());
            let same_edges =
                before().len() == now().len() && pairs().all(|(a, b)| self.is_same_edge(a, b));
            if same_edges && pairs().all(|(a, b)| self.same_props(&a.props, &b.props)) {
                return;
            }
            found.old.edges.extend(before().map(key_of));
            found.new.edges.extend(now().map(key_of));
            if before().len() == 0 {
                found.only[1].edges.extend(now().map(key_of));
            }
            if now().len() == 0 {
                found.only[0].edges.extend(before().map(key_of));
            }
            if !same_edges {
                if let Some(edge) = before().next() {
                    found.scope.kind(self.old.str(edge.kind));
                }
                if let Some(edge) = now().next() {
                    found.scope.kind(self.new.str(edge.kind));
                }
            }
            let before = before().map(|edge| &edge.props);
            let now = now().map(|edge| &edge.props);
            self.props((before, now), found);
        });
    }

    /// Adds the names whose values differ.
    fn props<'b>(
        &self,
        (before, now): (
            impl Iterator<Item = &'b PropRange>,
            impl Iterator<Item = &'b PropRange>,
        ),
        found: &mut Difference,
    ) {
        let mut before: Vec<(&str, &Value)> = before
            .flat_map(|range| self.old.props(range))
            .map(|(name, value)| (self.old.str(*name), value))
            .collect();
        let mut now: Vec<(&str, &Value)> = now
            .flat_map(|range| self.new.props(range))
            .map(|(name, value)| (self.new.str(*name), value))
            .collect();
        before.sort_by_key(|&(name, _)| name);
        now.sort_by_key(|&(name, _)| name);
        let mut before = before.chunk_by(|a, b| a.0 == b.0).peekable();
        let mut now = now.chunk_by(|a, b| a.0 == b.0).peekable();
        loop {
            let name = match (before.peek(), now.peek()) {
                (Some(a), Some(b)) => a[0].0.min(b[0].0),
                (Some(a), None) => a[0].0,
                (None, Some(b)) => b[0].0,
                (None, None) => return,
            };
            let old = before
                .next_if(|group| group[0].0 == name)
                .unwrap_or_default();
            let new = now.next_if(|group| group[0].0 == name).unwrap_or_default();
            let same =
                old.len() == new.len() && old.iter().zip(new).all(|(a, b)| a.1.is_identical(b.1));
            if !same {
                found.scope.prop(name);
            }
        }
    }

    fn is_same_node(&self, old: &NodeFact, new: &NodeFact) -> bool {
        let labels = old.labels.iter().map(|&label| self.known(label));
        old.confidence == new.confidence
            && labels.eq(new.labels.iter().map(|&label| Some(label)))
            && self.same_props(&old.props, &new.props)
    }

    /// But for properties.
    fn is_same_edge(&self, old: &EdgeFact, new: &EdgeFact) -> bool {
        let origin = match old.origin {
            Origin::Stated => Some(Origin::Stated),
            Origin::Inferred(method) => self.known(method).map(Origin::Inferred),
        };
        old.confidence == new.confidence
            && old.key.map(|key| self.known(key)) == new.key.map(Some)
            && origin == Some(new.origin)
    }

    fn same_props(&self, old: &PropRange, new: &PropRange) -> bool {
        let (old, new) = (self.old.props(old), self.new.props(new));
        let mut pairs = old.iter().zip(new);
        old.len() == new.len()
            && pairs.all(|((a, old), (b, new))| self.known(*a) == Some(*b) && old.is_identical(new))
    }
}

/// Hands over the rows of each key on both sides, in their order. Rows without a key have no
/// counterpart.
fn each_difference<K: Ord + Copy>(
    before: impl Iterator<Item = Option<K>>,
    now: impl Iterator<Item = K>,
    mut found: impl FnMut(&[u32], &[u32]),
) {
    let mut lost: Vec<u32> = Vec::new();
    let mut old: Vec<(K, u32)> = Vec::new();
    for (at, key) in (0..).zip(before) {
        match key {
            Some(key) => old.push((key, at)),
            None => lost.push(at),
        }
    }
    for at in &lost {
        found(std::slice::from_ref(at), &[]);
    }
    let mut new: Vec<(K, u32)> = now.zip(0..).collect();
    old.sort_unstable();
    new.sort_unstable();
    let rows = |side: &[(K, u32)]| -> Vec<u32> { side.iter().map(|&(_, at)| at).collect() };
    let (old_rows, new_rows) = (rows(&old), rows(&new));
    let (mut left, mut right) = (0, 0);
    while left < old.len() || right < new.len() {
        let key = match (old.get(left), new.get(right)) {
            (Some(a), Some(b)) => a.0.min(b.0),
            (Some(a), None) => a.0,
            (None, Some(b)) => b.0,
            (None, None) => return,
        };
        let first = (left, right);
        while old.get(left).is_some_and(|row| row.0 == key) {
            left += 1;
        }
        while new.get(right).is_some_and(|row| row.0 == key) {
            right += 1;
        }
        found(&old_rows[first.0..left], &new_rows[first.1..right]);
    }
}
