//! The snapshot: everything a query or rule may read.

mod extend;
mod splice;

use std::sync::{Arc, OnceLock};

use roaring::RoaringBitmap;

use crate::model::{SourceInfo, Value};

use super::column::Column;
use super::corridor::Corridors;
use super::index::{ValueIndex, ValueRange};
use super::label_reach::LabelReach;
use super::levels::{LevelPool, Levels};
use super::neighbours::Neighbours;
use super::provenance::{Provenance, SourceId, seen};
use super::rows::{EdgeTable, InRow, OutRow};
use super::symbols::{StringValues, Symbols, TextPool};
use super::{EdgeId, KindId, LabelId, NodeId, PropId};

pub use extend::MoreEdge;
pub(crate) use splice::Replaced;

/// By property. What a change does not touch is shared with the snapshot before it.
pub(crate) type Columns = Vec<Option<Arc<Column>>>;

/// The pieces a builder hands over.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    pub(crate) ids: Arc<TextPool>,
    pub(crate) labels: Symbols,
    pub(crate) kinds: Symbols,
    pub(crate) props: Symbols,
    pub(crate) label_sets: Vec<Box<[LabelId]>>,
    pub(crate) label_set_of_node: Vec<u32>,
    pub(crate) edges: Option<Arc<EdgeTable>>,
    pub(crate) node_columns: Columns,
    pub(crate) edge_columns: Columns,
    pub(crate) strings: crate::model::Strings,
    /// Strings that are shared already, in place of `strings`.
    pub(crate) string_values: Option<StringValues>,
    pub(crate) sources: Vec<SourceInfo>,
    pub(crate) node_provenance: super::ProvenanceBuilder,
    pub(crate) edge_provenance: super::ProvenanceBuilder,
}

/// The labels that all nodes at one end of the edges of a kind have.
type EndLabels = OnceLock<Box<[LabelId]>>;

/// An immutable property graph.
#[derive(Debug)]
pub struct Snapshot {
    ids: Arc<TextPool>,
    labels: Symbols,
    kinds: Symbols,
    props: Symbols,
    label_sets: Box<[Box<[LabelId]>]>,
    label_set_of_node: Box<[u32]>,
    labelled: Box<[RoaringBitmap]>,
    edges: Arc<EdgeTable>,
    node_columns: Box<[Option<Arc<Column>>]>,
    edge_columns: Box<[Option<Arc<Column>>]>,
    strings: StringValues,
    node_indexes: Box<[OnceLock<ValueIndex>]>,
    sources: Box<[SourceInfo]>,
    node_provenance: Arc<Provenance>,
    edge_provenance: Arc<Provenance>,
    levels: LevelPool,
    label_reach: OnceLock<LabelReach>,
    corridors: Corridors,
    /// What all ends of the edges of a kind have, sources then targets.
    end_labels: Box<[[EndLabels; 2]]>,
}

/// One edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EdgeRef {
    /// Where it starts.
    pub source: NodeId,
    /// What it says.
    pub kind: KindId,
    /// Where it ends.
    pub target: NodeId,
}

/// Sizes of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Nodes.
    pub n_nodes: usize,
    /// Edges.
    pub n_edges: usize,
    /// Bytes on the heap, value indexes left out.
    pub heap_bytes: usize,
    /// Bytes of the edges alone: ends, both directions, offsets.
    pub topology_bytes: usize,
}

impl Snapshot {
    pub(crate) fn from_parts(parts: Parts) -> Self {
        let n_labels = parts.labels.len();
        let mut labelled = vec![RoaringBitmap::new(); n_labels];
        for (node, &set) in parts.label_set_of_node.iter().enumerate() {
            for label in &parts.label_sets[set as usize] {
                // Nodes ascend, so that each is added at the end.
                let _ = labelled[usize::from(label.0)].try_push(node as u32);
            }
        }
        let node_indexes = parts.node_columns.iter().map(|_| OnceLock::new()).collect();
        let end_labels = (0..parts.kinds.len()).map(|_| Default::default()).collect();
        Snapshot {
            ids: parts.ids,
            labels: parts.labels,
            kinds: parts.kinds,
            props: parts.props,
            label_sets: parts.label_sets.into_boxed_slice(),
            label_set_of_node: parts.label_set_of_node.into_boxed_slice(),
            labelled: labelled.into_boxed_slice(),
            edges: (parts.edges).unwrap_or_else(|| Arc::new(EdgeTable::new(&[], 0, 0))),
            node_columns: parts.node_columns.into_boxed_slice(),
            edge_columns: parts.edge_columns.into_boxed_slice(),
            strings: parts
                .string_values
                .unwrap_or_else(|| StringValues::new(parts.strings)),
            node_indexes,
            sources: parts.sources.into_boxed_slice(),
            node_provenance: Arc::new(parts.node_provenance.finish()),
            edge_provenance: Arc::new(parts.edge_provenance.finish()),
            levels: LevelPool::default(),
            label_reach: OnceLock::new(),
            corridors: Corridors::default(),
            end_labels,
        }
    }

    /// The snapshot without nodes.
    pub fn empty() -> Self {
        Self::from_parts(Parts::default())
    }

    /// How many nodes.
    pub fn n_nodes(&self) -> usize {
        self.ids.len()
    }

    /// How many edges.
    pub fn n_edges(&self) -> usize {
        self.edges.len()
    }

    /// Every node, ascending.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = NodeId> + Clone + use<> {
        (0..self.ids.len() as u32).map(NodeId)
    }

    /// Every edge, ascending.
    pub fn edges(&self) -> impl Iterator<Item = EdgeId> + Clone + use<> {
        (0..self.edges.len() as u32).map(EdgeId)
    }

    /// The node with this stable id. O(log nodes).
    pub fn node(&self, stable_id: &str) -> Option<NodeId> {
        self.ids.find(stable_id).map(NodeId)
    }

    /// The stable id of a node (`scheme:rest`).
    pub fn stable_id(&self, node: NodeId) -> &str {
        self.ids.get(node.0)
    }

    // --- symbols ---

    /// The label of this name, if any node has it.
    pub fn label_id(&self, name: &str) -> Option<LabelId> {
        self.labels.find(name).map(|id| LabelId(id as u16))
    }

    /// The name of a label.
    pub fn label_name(&self, label: LabelId) -> &str {
        self.labels.name(u32::from(label.0))
    }

    /// Every label, in order of name.
    pub fn labels(&self) -> impl ExactSizeIterator<Item = LabelId> + use<> {
        (0..self.labels.len() as u16).map(LabelId)
    }

    /// The kind of this name, if any edge has it.
    pub fn kind_id(&self, name: &str) -> Option<KindId> {
        self.kinds.find(name).map(|id| KindId(id as u16))
    }

    /// The name of a kind.
    pub fn kind_name(&self, kind: KindId) -> &str {
        self.kinds.name(u32::from(kind.0))
    }

    /// Every kind, in order of name.
    pub fn kinds(&self) -> impl ExactSizeIterator<Item = KindId> + use<> {
        (0..self.kinds.len() as u16).map(KindId)
    }

    /// The property of this name, if any node or edge has it.
    pub fn prop_id(&self, name: &str) -> Option<PropId> {
        self.props.find(name).map(|id| PropId(id as u16))
    }

    /// The name of a property.
    pub fn prop_name(&self, prop: PropId) -> &str {
        self.props.name(u32::from(prop.0))
    }

    /// Every property name, in order.
    pub fn props(&self) -> impl ExactSizeIterator<Item = PropId> + use<> {
        (0..self.props.len() as u16).map(PropId)
    }

    // --- nodes ---

    /// The labels of a node, in order of name.
    pub fn labels_of(&self, node: NodeId) -> &[LabelId] {
        &self.label_sets[self.label_set_of_node[node.0 as usize] as usize]
    }

    /// Whether a node has a label.
    pub fn has_label(&self, node: NodeId, label: LabelId) -> bool {
        self.labels_of(node).contains(&label)
    }

    /// The nodes with a label.
    pub fn labelled(&self, label: LabelId) -> &RoaringBitmap {
        &self.labelled[usize::from(label.0)]
    }

    /// The value of a property of a node.
    pub fn node_prop(&self, node: NodeId, prop: PropId) -> Option<Value> {
        self.node_column(prop)?.get(node.0, &self.strings)
    }

    /// The text of a string property of a node, borrowed.
    pub fn node_str(&self, node: NodeId, prop: PropId) -> Option<&str> {
        self.node_column(prop)?.get_str(node.0, &self.strings)
    }

    /// The properties of a node, in order of name. O(properties of the snapshot).
    pub fn node_props(&self, node: NodeId) -> impl Iterator<Item = (PropId, Value)> + '_ {
        self.props()
            .filter_map(move |prop| Some((prop, self.node_prop(node, prop)?)))
    }

    /// The confidence of a node in hundredths: the highest of its sources.
    pub fn node_confidence(&self, node: NodeId) -> u8 {
        self.node_provenance.confidence(node.0)
    }

    /// The sources that state a node.
    pub fn node_sources(&self, node: NodeId) -> &[SourceId] {
        self.node_provenance.sources(node.0)
    }

    /// First and last time a source observed the node, in milliseconds since 1970 UTC.
    pub fn node_seen(&self, node: NodeId) -> Option<(i64, i64)> {
        seen(self.node_sources(node), &self.sources)
    }

    // --- edges ---

    /// The ends and kind of an edge. O(log kinds).
    pub fn edge(&self, edge: EdgeId) -> EdgeRef {
        let (source, target) = self.edges.ends(edge);
        EdgeRef {
            source,
            kind: self.edges.kind(edge),
            target,
        }
    }

    /// Whether every edge of a kind ends at (or, with `is_source`, starts at) a node with a label. The
    /// first call for a kind looks at its edges.
    pub fn ends_have_label(&self, kind: KindId, is_source: bool, label: LabelId) -> bool {
        self.labels_of_all_ends(kind, is_source).contains(&label)
    }

    fn labels_of_all_ends(&self, kind: KindId, is_source: bool) -> &[LabelId] {
        let Some([of_sources, of_targets]) = self.end_labels.get(usize::from(kind.0)) else {
            return &[];
        };
        let slot = if is_source { of_sources } else { of_targets };
        slot.get_or_init(|| self.labels_of_ends(kind, is_source))
    }

    fn labels_of_ends(&self, kind: KindId, is_source: bool) -> Box<[LabelId]> {
        let mut is_found = vec![false; self.label_sets.len()];
        for edge in self.edges_of_kind(kind) {
            let (source, target) = self.edges.ends(EdgeId(edge));
            let end = if is_source { source } else { target };
            is_found[self.label_set_of_node[end.0 as usize] as usize] = true;
        }
        let sets = self.label_sets.iter().zip(&is_found);
        let mut sets = sets.filter(|(_, is_found)| **is_found);
        let Some((first, _)) = sets.next() else {
            return Box::new([]);
        };
        let mut common = first.to_vec();
        for (set, _) in sets {
            common.retain(|label| set.contains(label));
        }
        common.into_boxed_slice()
    }

    /// The ids of all edges of a kind.
    pub fn edges_of_kind(&self, kind: KindId) -> std::ops::Range<u32> {
        self.edges.of_kind(kind)
    }

    /// The outgoing edges of one kind. O(1) where many nodes have such edges, else O(log nodes).
    pub fn out_edges(&self, node: NodeId, kind: KindId) -> OutRow<'_> {
        self.edges.out_row(node, kind)
    }

    /// The incoming edges of one kind.
    pub fn in_edges(&self, node: NodeId, kind: KindId) -> InRow<'_> {
        self.edges.in_row(node, kind)
    }

    /// The ends of all outgoing edges of a node as raw ids, in the order of [`Snapshot::out_all`]. The
    /// first call sorts the edges of the snapshot.
    #[inline]
    pub fn every_target(&self, node: NodeId) -> &[u32] {
        self.edges.every_target().of(node)
    }

    /// The same against the edges, in the order of [`Snapshot::in_all`].
    #[inline]
    pub fn every_source(&self, node: NodeId) -> &[u32] {
        self.edges.every_source().of(node)
    }

    /// Does at once what searches over every kind and the first patterns would wait for, or do
    /// without: 8 bytes an edge and two bits a node for each rare label; O(edges) for each of those
    /// labels. Whoever keeps a snapshot for many queries calls it before the first. Answers are the
    /// same without.
    pub fn prepare_searches(&self) {
        if self.n_nodes() > 0 {
            self.edges.every_target();
            self.edges.every_source();
            self.label_reach.get_or_init(|| LabelReach::new(self));
        }
        for kind in self.kinds() {
            self.labels_of_all_ends(kind, true);
            self.labels_of_all_ends(kind, false);
        }
    }

    /// Who is next to whom along the edges, and against them.
    pub(crate) fn neighbours(&self) -> [&Neighbours; 2] {
        [self.edges.every_target(), self.edges.every_source()]
    }

    /// What lies between labels and was searched often.
    pub(crate) fn corridors(&self) -> &Corridors {
        &self.corridors
    }

    /// Which nodes lie between labels, if that was prepared.
    pub(crate) fn label_reach(&self) -> Option<&LabelReach> {
        self.label_reach.get()
    }

    /// The kinds of the outgoing edges, ascending. O(1).
    pub fn out_kinds(&self, node: NodeId) -> &[KindId] {
        self.edges.out_kinds(node)
    }

    /// The kinds of the incoming edges, ascending. O(1).
    pub fn in_kinds(&self, node: NodeId) -> &[KindId] {
        self.edges.in_kinds(node)
    }

    /// All outgoing edges with kind and target, by kind.
    pub fn out_all(&self, node: NodeId) -> impl Iterator<Item = (EdgeId, KindId, NodeId)> + '_ {
        self.out_kinds(node).iter().flat_map(move |&kind| {
            self.out_edges(node, kind)
                .iter()
                .map(move |(edge, end)| (edge, kind, end))
        })
    }

    /// All incoming edges with kind and source, by kind.
    pub fn in_all(&self, node: NodeId) -> impl Iterator<Item = (EdgeId, KindId, NodeId)> + '_ {
        self.in_kinds(node).iter().flat_map(move |&kind| {
            self.in_edges(node, kind)
                .iter()
                .map(move |(edge, end)| (edge, kind, end))
        })
    }

    /// The value of a property of an edge. Inferred edges have `method` and `confidence`.
    pub fn edge_prop(&self, edge: EdgeId, prop: PropId) -> Option<Value> {
        self.edge_column(prop)?.get(edge.0, &self.strings)
    }

    /// The text of a string property of an edge, borrowed.
    pub fn edge_str(&self, edge: EdgeId, prop: PropId) -> Option<&str> {
        self.edge_column(prop)?.get_str(edge.0, &self.strings)
    }

    /// The properties of an edge, in order of name. O(properties of the snapshot).
    pub fn edge_props(&self, edge: EdgeId) -> impl Iterator<Item = (PropId, Value)> + '_ {
        self.props()
            .filter_map(move |prop| Some((prop, self.edge_prop(edge, prop)?)))
    }

    /// The confidence of an edge in hundredths: the highest of its sources.
    pub fn edge_confidence(&self, edge: EdgeId) -> u8 {
        self.edge_provenance.confidence(edge.0)
    }

    /// The sources that state an edge.
    pub fn edge_sources(&self, edge: EdgeId) -> &[SourceId] {
        self.edge_provenance.sources(edge.0)
    }

    /// First and last time a source observed the edge, in milliseconds since 1970 UTC.
    pub fn edge_seen(&self, edge: EdgeId) -> Option<(i64, i64)> {
        seen(self.edge_sources(edge), &self.sources)
    }

    // --- sources ---

    /// Every source, in order of name.
    pub fn sources(&self) -> &[SourceInfo] {
        &self.sources
    }

    /// One source.
    pub fn source(&self, source: SourceId) -> &SourceInfo {
        &self.sources[source.0 as usize]
    }

    // --- indexes ---

    /// The nodes whose property equals `value`. The first call for a property sorts its column.
    pub fn nodes_with(&self, prop: PropId, value: &Value) -> RoaringBitmap {
        self.node_index(prop)
            .map(|index| index.equal(value))
            .unwrap_or_default()
    }

    /// The nodes whose property is a string that starts with `prefix`.
    pub fn nodes_with_prefix(&self, prop: PropId, prefix: &str) -> RoaringBitmap {
        self.node_index(prop)
            .map(|index| index.prefix(prefix))
            .unwrap_or_default()
    }

    /// The nodes whose property lies in a range of values of one type.
    pub fn nodes_in_range(&self, prop: PropId, range: ValueRange<'_>) -> RoaringBitmap {
        self.node_index(prop)
            .map(|index| index.range(range))
            .unwrap_or_default()
    }

    /// The nodes that have a property at all.
    pub fn nodes_having(&self, prop: PropId) -> RoaringBitmap {
        self.node_column(prop)
            .map(|column| column.rows().collect())
            .unwrap_or_default()
    }

    /// How many nodes and edges have a property, and the types of their values.
    pub fn prop_usage(&self, prop: PropId) -> PropUsage {
        let nodes = self.node_column(prop);
        let edges = self.edge_column(prop);
        PropUsage {
            n_nodes: nodes.map_or(0, |column| column.len()),
            n_edges: edges.map_or(0, |column| column.len()),
            node_type: nodes.map(|column| column.type_name()),
            edge_type: edges.map(|column| column.type_name()),
        }
    }

    /// How many distinct values a property has on nodes; builds its index.
    pub fn n_distinct(&self, prop: PropId) -> usize {
        self.node_index(prop).map_or(0, ValueIndex::n_distinct)
    }

    /// Sizes.
    pub fn stats(&self) -> Stats {
        let columns = self.node_columns.iter().chain(&self.edge_columns).flatten();
        let columns = columns.map(|column| column.heap_bytes()).sum::<usize>();
        let labelled = self
            .labelled
            .iter()
            .map(RoaringBitmap::serialized_size)
            .sum::<usize>();
        let topology_bytes = self.edges.heap_bytes();
        Stats {
            n_nodes: self.n_nodes(),
            n_edges: self.n_edges(),
            heap_bytes: topology_bytes
                + columns
                + labelled
                + self.ids.heap_bytes()
                + self.strings.heap_bytes()
                + self.label_set_of_node.len() * 4
                + self.label_reach.get().map_or(0, LabelReach::heap_bytes)
                + self.corridors.heap_bytes()
                + self.node_provenance.heap_bytes()
                + self.edge_provenance.heap_bytes(),
            topology_bytes,
        }
    }

    /// Room for the distances of one search, perhaps used before. Give it back when done.
    pub(crate) fn take_levels(&self) -> Levels {
        self.levels.take(self.n_nodes())
    }

    pub(crate) fn give_levels(&self, levels: Levels) {
        self.levels.give(levels);
    }

    /// The ends of an edge. O(1).
    pub(super) fn edge_ends(&self, edge: EdgeId) -> (NodeId, NodeId) {
        self.edges.ends(edge)
    }

    /// An edge and those beside it: of its kind, between its ends.
    pub(crate) fn parallel(&self, edge: EdgeId) -> std::ops::Range<u32> {
        let ends = self.edge(edge);
        let row = self.out_edges(ends.source, ends.kind);
        let first = row
            .targets()
            .partition_point(|&target| target < ends.target.0);
        let n = row.targets()[first..].partition_point(|&target| target == ends.target.0);
        let start = row.edge(first).map_or(edge.0, |first| first.0);
        start..start + n as u32
    }

    /// The nodes whose set of sources is such a one, ascending. Asked once a set.
    pub(crate) fn nodes_by_sources(&self, is_such: impl Fn(&[SourceId]) -> bool) -> Vec<u32> {
        self.node_provenance.rows_by_sources(is_such)
    }

    /// The edges whose set of sources is such a one, ascending. Asked once a set.
    pub(crate) fn edges_by_sources(&self, is_such: impl Fn(&[SourceId]) -> bool) -> Vec<u32> {
        self.edge_provenance.rows_by_sources(is_such)
    }

    /// The properties that a node has.
    pub(crate) fn node_prop_ids(&self, node: NodeId) -> impl Iterator<Item = PropId> + '_ {
        let columns = self.props().zip(&self.node_columns);
        columns.filter_map(move |(prop, column)| column.as_ref()?.has(node.0).then_some(prop))
    }

    /// The properties that an edge has.
    pub(crate) fn edge_prop_ids(&self, edge: EdgeId) -> impl Iterator<Item = PropId> + '_ {
        let columns = self.props().zip(&self.edge_columns);
        columns.filter_map(move |(prop, column)| column.as_ref()?.has(edge.0).then_some(prop))
    }

    /// How many texts values may have.
    pub(crate) fn n_texts(&self) -> usize {
        self.strings.len()
    }

    /// Sources and targets of a range of edges.
    pub(super) fn ends_in(&self, edges: std::ops::Range<u32>) -> [&[u32]; 2] {
        self.edges.ends_in(edges)
    }

    /// The number of a node's set of labels; nodes with equal labels may share one.
    pub(super) fn label_set(&self, node: NodeId) -> u32 {
        self.label_set_of_node[node.0 as usize]
    }

    pub(super) fn strings(&self) -> &StringValues {
        &self.strings
    }

    pub(super) fn node_column(&self, prop: PropId) -> Option<&Arc<Column>> {
        self.node_columns.get(usize::from(prop.0))?.as_ref()
    }

    pub(super) fn edge_column(&self, prop: PropId) -> Option<&Arc<Column>> {
        self.edge_columns.get(usize::from(prop.0))?.as_ref()
    }

    /// Whether its nodes are those of the other, shared: the same ids and numbers.
    pub(super) fn shares_nodes(&self, other: &Snapshot) -> bool {
        Arc::ptr_eq(&self.ids, &other.ids)
    }

    /// The same of its edges.
    pub(crate) fn shares_edges(&self, other: &Snapshot) -> bool {
        Arc::ptr_eq(&self.edges, &other.edges) && self.shares_nodes(other)
    }

    fn node_index(&self, prop: PropId) -> Option<&ValueIndex> {
        let column = self.node_column(prop)?;
        let slot = self.node_indexes.get(usize::from(prop.0))?;
        Some(slot.get_or_init(|| ValueIndex::new(column, &self.strings)))
    }
}

/// How a property name is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PropUsage {
    /// Nodes that have it.
    pub n_nodes: usize,
    /// Edges that have it.
    pub n_edges: usize,
    /// `bool`, `int`, `float`, `string` or `mixed` over nodes.
    pub node_type: Option<&'static str>,
    /// The same over edges.
    pub edge_type: Option<&'static str>,
}
