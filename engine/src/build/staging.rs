//! Staging: the facts of every source side by side, before they are merged.

use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use thiserror::Error;

use crate::graph::Snapshot;
use crate::model::{
    EdgeFact, Facts, NodeFact, Origin, PropRange, SourceInfo, StrId, Strings, Value,
};

use super::difference::Rows;
use super::merge::{self, Orders};

/// Why facts could not become a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StagingError {
    /// There are more labels, kinds or property names than 65,535; a document probably uses data
    /// as names.
    #[error("{count} distinct {what} are more than 65535")]
    TooManyNames {
        /// `labels`, `edge kinds` or `property names`.
        what: &'static str,
        /// How many there are.
        count: usize,
    },
    /// There are more nodes or edges than fit 32-bit ids.
    #[error("{count} {what} are more than 4294967295")]
    TooMany {
        /// `nodes` or `edges`.
        what: &'static str,
        /// How many there are.
        count: usize,
    },
}

/// A node as one source states it.
#[derive(Debug, Clone)]
pub(crate) struct NodeRow {
    pub(crate) id: StrId,
    pub(crate) source: u32,
    pub(crate) labels: SmallVec<[StrId; 2]>,
    pub(crate) props: (u32, u32),
    pub(crate) confidence: u8,
}

/// An edge as one source states it.
#[derive(Debug, Clone)]
pub(crate) struct EdgeRow {
    pub(crate) from: StrId,
    pub(crate) to: StrId,
    pub(crate) kind: StrId,
    pub(crate) source: u32,
    pub(crate) key: EdgeKey,
    pub(crate) props: (u32, u32),
    pub(crate) confidence: u8,
    pub(crate) method: Option<StrId>,
}

/// Tells parallel edges apart: a stated key, or the ordinal within the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EdgeKey {
    Ordinal(u32),
    Named(StrId),
}

/// The facts of every source. Add sources in any order; the snapshot is the same.
#[derive(Debug, Default)]
pub struct Staging {
    pub(crate) strings: Strings,
    pub(crate) sources: Vec<SourceInfo>,
    pub(crate) nodes: Vec<NodeRow>,
    pub(crate) edges: Vec<EdgeRow>,
    pub(crate) props: Vec<(StrId, Value)>,
    pub(crate) aliases: FxHashMap<StrId, StrId>,
}

/// A staged node, for joins that decide identity before the merge.
#[derive(Debug, Clone, Copy)]
pub struct StagedNode<'a> {
    staging: &'a Staging,
    row: &'a NodeRow,
}

/// A staged edge, for joins that decide identity before the merge.
#[derive(Debug, Clone, Copy)]
pub struct StagedEdge<'a> {
    staging: &'a Staging,
    row: &'a EdgeRow,
}

impl Staging {
    /// Nothing staged.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds what one source says. O(facts).
    pub fn add(&mut self, info: &SourceInfo, facts: &Facts) {
        self.nodes.reserve(facts.nodes().len());
        self.edges.reserve(facts.edges().len());
        self.add_where(info, facts, |_| true, |_| true);
    }

    /// Adds a source and these of its rows: all that it says of some nodes, and of all edges of a
    /// kind between some ends. O(rows of the source), O(1) without any.
    pub(super) fn add_rows(&mut self, info: &SourceInfo, facts: &Facts, rows: &Rows) {
        if rows.is_empty() {
            self.sources.push(info.clone());
            return;
        }
        // Most rows are told by one byte.
        let marked = |ids: &mut dyn Iterator<Item = StrId>| {
            let mut is_marked = vec![false; facts.strings().len()];
            ids.for_each(|id| is_marked[id.0 as usize] = true);
            is_marked
        };
        let is_start = marked(&mut rows.edges.iter().map(|edge| edge.0));
        let is_node = marked(&mut rows.nodes.iter().copied());
        let of_node = |node: &NodeFact| is_node[node.id.0 as usize];
        let of_edge = |edge: &EdgeFact| {
            is_start[edge.from.0 as usize] && rows.edges.contains(&(edge.from, edge.kind, edge.to))
        };
        self.add_where(info, facts, of_node, of_edge);
    }

    fn add_where(
        &mut self,
        info: &SourceInfo,
        facts: &Facts,
        of_node: impl Fn(&NodeFact) -> bool,
        of_edge: impl Fn(&EdgeFact) -> bool,
    ) {
        let source = self.sources.len() as u32;
        self.sources.push(info.clone());
        let mut moved = Moved {
            facts,
            known: vec![NOT_MOVED; facts.strings().len()],
        };
        for node in facts.nodes().iter().filter(|node| of_node(node)) {
            let props = self.add_props(&node.props, &mut moved);
            let strings = &mut self.strings;
            self.nodes.push(NodeRow {
                id: moved.id(strings, node.id),
                source,
                labels: (node.labels.iter())
                    .map(|&label| moved.id(strings, label))
                    .collect(),
                props,
                confidence: node.confidence,
            });
        }
        let mut ordinals: FxHashMap<(StrId, StrId, StrId), u32> = FxHashMap::default();
        for edge in facts.edges().iter().filter(|edge| of_edge(edge)) {
            let props = self.add_props(&edge.props, &mut moved);
            let strings = &mut self.strings;
            let key = match edge.key {
                Some(key) => EdgeKey::Named(moved.id(strings, key)),
                None => {
                    let next = ordinals.entry((edge.from, edge.to, edge.kind)).or_insert(0);
                    let ordinal = *next;
                    *next += 1;
                    EdgeKey::Ordinal(ordinal)
                }
            };
            self.edges.push(EdgeRow {
                from: moved.id(strings, edge.from),
                to: moved.id(strings, edge.to),
                kind: moved.id(strings, edge.kind),
                source,
                key,
                props,
                confidence: edge.confidence,
                method: match edge.origin {
                    Origin::Stated => None,
                    Origin::Inferred(method) => Some(moved.id(strings, method)),
                },
            });
        }
    }

    /// Says that two ids name one thing: `id` is merged into `canonical`. Chains are followed; a
    /// cycle is cut at the id that closes it.
    pub fn alias(&mut self, id: &str, canonical: &str) {
        let from = self.strings.intern(id);
        let to = self.strings.intern(canonical);
        if self.resolve_alias(to) != from && from != to {
            self.aliases.insert(from, to);
        }
    }

    /// How many facts are staged: nodes, edges.
    pub fn len(&self) -> (usize, usize) {
        (self.nodes.len(), self.edges.len())
    }

    /// Whether nothing is staged.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.edges.is_empty()
    }

    /// The staged nodes; one id may occur several times.
    pub fn nodes(&self) -> impl Iterator<Item = StagedNode<'_>> {
        self.nodes
            .iter()
            .map(|row| StagedNode { staging: self, row })
    }

    /// The staged edges.
    pub fn edges(&self) -> impl Iterator<Item = StagedEdge<'_>> {
        self.edges
            .iter()
            .map(|row| StagedEdge { staging: self, row })
    }

    /// Merges everything into a snapshot. O(facts log facts). Staging is kept, so that joins can
    /// read the snapshot and add what they infer.
    ///
    /// Merging: labels are united; a property that sources disagree on takes the value of the
    /// source with the highest authority, then confidence, then the latest observation, then the
    /// first name in byte order. The result does not depend on the order of [`Staging::add`].
    pub fn snapshot(&self) -> Result<Snapshot, StagingError> {
        self.snapshot_after(&mut Orders::default())
    }

    /// As [`Staging::snapshot`], after an earlier one that found these orders: what was added since
    /// is all that has to be sorted.
    pub(super) fn snapshot_after(&self, orders: &mut Orders) -> Result<Snapshot, StagingError> {
        merge::merge(self, orders)
    }

    pub(crate) fn resolve_alias(&self, id: StrId) -> StrId {
        let mut id = id;
        for _ in 0..=self.aliases.len() {
            match self.aliases.get(&id) {
                Some(&next) => id = next,
                None => break,
            }
        }
        id
    }

    fn add_props(&mut self, range: &PropRange, moved: &mut Moved<'_>) -> (u32, u32) {
        let start = self.props.len() as u32;
        for (name, value) in moved.facts.props(range) {
            let name = moved.id(&mut self.strings, *name);
            self.props.push((name, value.clone()));
        }
        (start, self.props.len() as u32)
    }

    fn prop(&self, range: (u32, u32), name: &str) -> Option<&Value> {
        let props = self.props.get(range.0 as usize..range.1 as usize)?;
        props
            .iter()
            .rev()
            .find(|(prop, _)| self.strings.resolve(*prop) == name)
            .map(|(_, value)| value)
    }
}

const NOT_MOVED: StrId = StrId(u32::MAX);

/// The strings of one source, in the table of all of them once they are met.
struct Moved<'a> {
    facts: &'a Facts,
    known: Vec<StrId>,
}

impl Moved<'_> {
    fn id(&mut self, strings: &mut Strings, id: StrId) -> StrId {
        let known = &mut self.known[id.0 as usize];
        if *known == NOT_MOVED {
            *known = strings.intern(self.facts.str(id));
        }
        *known
    }
}

impl<'a> StagedNode<'a> {
    /// The stable id as stated.
    pub fn id(&self) -> &'a str {
        self.staging.strings.resolve(self.row.id)
    }

    /// Whether the source gives it this label.
    pub fn has_label(&self, label: &str) -> bool {
        self.row
            .labels
            .iter()
            .any(|&id| self.staging.strings.resolve(id) == label)
    }

    /// The labels the source gives it.
    pub fn labels(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let staging = self.staging;
        self.row
            .labels
            .iter()
            .map(move |&id| staging.strings.resolve(id))
    }

    /// A property as the source states it.
    pub fn prop(&self, name: &str) -> Option<&'a Value> {
        self.staging.prop(self.row.props, name)
    }
}

impl<'a> StagedEdge<'a> {
    /// The kind.
    pub fn kind(&self) -> &'a str {
        self.staging.strings.resolve(self.row.kind)
    }

    /// The stable id of the start as stated.
    pub fn from(&self) -> &'a str {
        self.staging.strings.resolve(self.row.from)
    }

    /// The stable id of the end as stated.
    pub fn to(&self) -> &'a str {
        self.staging.strings.resolve(self.row.to)
    }

    /// A property as the source states it.
    pub fn prop(&self, name: &str) -> Option<&'a Value> {
        self.staging.prop(self.row.props, name)
    }
}
