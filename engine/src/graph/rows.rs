//! The edges: sorted by kind, start and end, so that the forward row of a node is a range of edge
//! ids; the reverse row is a permutation.

use std::sync::OnceLock;

use crate::bits::ones;

use super::neighbours::Neighbours;
use super::{EdgeId, KindId, NodeId};

/// An edge before the table is built: kind, start, end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct EdgeTriple {
    pub(crate) kind: u16,
    pub(crate) source: u32,
    pub(crate) target: u32,
}

/// Where the row of each node begins, for one kind and direction.
#[derive(Debug, Clone)]
enum Offsets {
    /// One entry a node and one more.
    Dense(Box<[u32]>),
    /// One bit a node that has edges, with the number of such nodes before each block of 64; their
    /// offsets and one more.
    Ranked {
        words: Box<[u64]>,
        ranks: Box<[u32]>,
        offsets: Box<[u32]>,
    },
    /// Only the nodes that have edges, ascending, with their offsets and one more.
    Sparse {
        nodes: Box<[u32]>,
        offsets: Box<[u32]>,
    },
}

/// Fewer nodes than one in so many are listed: a bit and a rank cost 1.5 bits a node, an entry 32.
const RANKED_SHARE: usize = 64;

impl Offsets {
    /// `ends` yields the node of each edge of the kind, ascending; `base` is the first position.
    fn new(ends: impl Iterator<Item = u32> + Clone, base: u32, n_nodes: usize) -> Self {
        let mut n_edges = 0_u32;
        let mut nodes = Vec::new();
        let mut offsets = Vec::new();
        for node in ends {
            if nodes.last() != Some(&node) {
                nodes.push(node);
                offsets.push(base + n_edges);
            }
            n_edges += 1;
        }
        offsets.push(base + n_edges);
        if nodes.len() * RANKED_SHARE < n_nodes {
            return Offsets::Sparse {
                nodes: nodes.into_boxed_slice(),
                offsets: offsets.into_boxed_slice(),
            };
        }
        if nodes.len() * 2 < n_nodes {
            return Self::ranked(&nodes, offsets, n_nodes);
        }
        let mut dense = Vec::with_capacity(n_nodes + 1);
        let mut next = 0;
        for node in 0..=n_nodes as u32 {
            while next < nodes.len() && nodes[next] < node {
                next += 1;
            }
            dense.push(offsets[next.min(offsets.len() - 1)]);
        }
        Offsets::Dense(dense.into_boxed_slice())
    }

    fn ranked(nodes: &[u32], offsets: Vec<u32>, n_nodes: usize) -> Self {
        let mut words = vec![0_u64; n_nodes.div_ceil(64)];
        for &node in nodes {
            words[node as usize / 64] |= 1 << (node % 64);
        }
        let mut n_before = 0;
        let ranks = words.iter().map(|word| {
            let rank = n_before;
            n_before += word.count_ones();
            rank
        });
        Offsets::Ranked {
            ranks: ranks.collect(),
            words: words.into_boxed_slice(),
            offsets: offsets.into_boxed_slice(),
        }
    }

    /// The same rows, beginning elsewhere.
    fn moved(&self, from: u32, to: u32) -> Self {
        let mut moved = self.clone();
        let (Offsets::Dense(offsets)
        | Offsets::Ranked { offsets, .. }
        | Offsets::Sparse { offsets, .. }) = &mut moved;
        for offset in offsets {
            *offset = *offset - from + to;
        }
        moved
    }

    /// The nodes that have edges, ascending.
    fn each_node(&self, mut visit: impl FnMut(u32)) {
        match self {
            Offsets::Dense(offsets) => {
                for (node, ends) in (0..).zip(offsets.windows(2)) {
                    if ends[0] < ends[1] {
                        visit(node);
                    }
                }
            }
            Offsets::Ranked { words, .. } => ones(words).for_each(visit),
            Offsets::Sparse { nodes, .. } => nodes.iter().copied().for_each(visit),
        }
    }

    fn range(&self, node: u32) -> (u32, u32) {
        match self {
            Offsets::Dense(offsets) => (offsets[node as usize], offsets[node as usize + 1]),
            Offsets::Ranked {
                words,
                ranks,
                offsets,
            } => {
                let word = words[node as usize / 64];
                let bit = 1_u64 << (node % 64);
                if word & bit == 0 {
                    return (0, 0);
                }
                let rank = ranks[node as usize / 64] + (word & (bit - 1)).count_ones();
                (offsets[rank as usize], offsets[rank as usize + 1])
            }
            Offsets::Sparse { nodes, offsets } => match nodes.binary_search(&node) {
                Ok(at) => (offsets[at], offsets[at + 1]),
                Err(_) => (0, 0),
            },
        }
    }

    fn heap_bytes(&self) -> usize {
        match self {
            Offsets::Dense(offsets) => offsets.len() * 4,
            Offsets::Ranked {
                words,
                ranks,
                offsets,
            } => words.len() * 8 + (ranks.len() + offsets.len()) * 4,
            Offsets::Sparse { nodes, offsets } => (nodes.len() + offsets.len()) * 4,
        }
    }
}

/// The kinds that occur at each node in one direction: most nodes share a few sets, so that a walk
/// over any kind looks only at rows that are there.
#[derive(Debug, Clone)]
struct KindSets {
    sets: Box<[Box<[KindId]>]>,
    set_of_node: Box<[u32]>,
}

impl KindSets {
    /// `rows` has those of each kind.
    fn new(rows: &[Offsets], n_nodes: usize) -> Self {
        let mut sets: Vec<Vec<KindId>> = vec![Vec::new()];
        let mut set_of_node = vec![0_u32; n_nodes].into_boxed_slice();
        for (kind, rows) in (0..).map(KindId).zip(rows) {
            // The set that each set grows to with this kind.
            let mut grown: Vec<u32> = vec![u32::MAX; sets.len()];
            rows.each_node(|node| {
                let set = &mut set_of_node[node as usize];
                let larger = &mut grown[*set as usize];
                if *larger == u32::MAX {
                    let kinds = sets[*set as usize].iter().copied().chain([kind]);
                    *larger = sets.len() as u32;
                    sets.push(kinds.collect());
                }
                *set = *larger;
            });
        }
        KindSets {
            sets: sets.into_iter().map(Vec::into_boxed_slice).collect(),
            set_of_node,
        }
    }

    fn of(&self, node: NodeId) -> &[KindId] {
        match self.set_of_node.get(node.0 as usize) {
            Some(&set) => &self.sets[set as usize],
            None => &[],
        }
    }

    fn heap_bytes(&self) -> usize {
        self.set_of_node.len() * 4
            + self
                .sets
                .iter()
                .map(|set| 16 + set.len() * 2)
                .sum::<usize>()
    }
}

/// All edges of a snapshot in both directions.
#[derive(Debug, Clone)]
pub(crate) struct EdgeTable {
    every_out: OnceLock<Neighbours>,
    every_in: OnceLock<Neighbours>,
    kind_starts: Box<[u32]>,
    sources: Box<[u32]>,
    targets: Box<[u32]>,
    reverse: Box<[u32]>,
    forward_rows: Box<[Offsets]>,
    reverse_rows: Box<[Offsets]>,
    out_kinds: KindSets,
    in_kinds: KindSets,
}

/// With fewer edges than one for so many nodes, counting nodes takes longer than sorting edges.
const COUNTED_SHARE: usize = 4;

/// Sorts the edges of one kind, ascending from `base`, by target and then by id.
fn sort_by_target(order: &mut [u32], base: u32, targets: &[u32], n_nodes: usize) {
    if order.len() * COUNTED_SHARE < n_nodes {
        order.sort_unstable_by_key(|&edge| (targets[(edge - base) as usize], edge));
        return;
    }
    let mut next = vec![0_u32; n_nodes + 1];
    for &target in targets {
        next[target as usize + 1] += 1;
    }
    for node in 0..n_nodes {
        next[node + 1] += next[node];
    }
    for (edge, &target) in (base..).zip(targets) {
        let place = &mut next[target as usize];
        order[*place as usize] = edge;
        *place += 1;
    }
}

/// An [`EdgeTable`] in the making, kind after kind.
pub(crate) struct EdgeTableBuilder {
    n_nodes: usize,
    kind_starts: Vec<u32>,
    sources: Vec<u32>,
    targets: Vec<u32>,
    reverse: Vec<u32>,
    forward_rows: Vec<Offsets>,
    reverse_rows: Vec<Offsets>,
}

impl EdgeTableBuilder {
    pub(crate) fn new(n_edges: usize, n_nodes: usize) -> Self {
        EdgeTableBuilder {
            n_nodes,
            kind_starts: vec![0],
            sources: Vec::with_capacity(n_edges),
            targets: Vec::with_capacity(n_edges),
            reverse: Vec::with_capacity(n_edges),
            forward_rows: Vec::new(),
            reverse_rows: Vec::new(),
        }
    }

    /// How many edges there are by now.
    pub(crate) fn len(&self) -> usize {
        self.sources.len()
    }

    /// Edges of the next kind, by source and target.
    pub(crate) fn kind(&mut self, edges: impl Iterator<Item = [u32; 2]>) {
        let first = self.len();
        for [source, target] in edges {
            self.sources.push(source);
            self.targets.push(target);
        }
        let base = first as u32;
        self.reverse.extend(base..self.sources.len() as u32);
        let (sources, targets) = (&self.sources[first..], &self.targets[first..]);
        let order = &mut self.reverse[first..];
        sort_by_target(order, base, targets, self.n_nodes);
        let forward = Offsets::new(sources.iter().copied(), base, self.n_nodes);
        let ends = order.iter().map(|&edge| targets[(edge - base) as usize]);
        let reverse = Offsets::new(ends, base, self.n_nodes);
        self.forward_rows.push(forward);
        self.reverse_rows.push(reverse);
        self.kind_starts.push(self.sources.len() as u32);
    }

    /// The edges of a kind of another table of the same nodes are those of the next kind here.
    pub(crate) fn same_kind(&mut self, other: &EdgeTable, kind: KindId) {
        let edges = other.of_kind(kind);
        let (from, to) = (edges.start, self.len() as u32);
        let [sources, targets] = other.ends_in(edges.clone());
        self.sources.extend_from_slice(sources);
        self.targets.extend_from_slice(targets);
        let order = &other.reverse[edges.start as usize..edges.end as usize];
        self.reverse
            .extend(order.iter().map(|&edge| edge - from + to));
        let kind = usize::from(kind.0);
        self.forward_rows
            .push(other.forward_rows[kind].moved(from, to));
        self.reverse_rows
            .push(other.reverse_rows[kind].moved(from, to));
        self.kind_starts.push(self.sources.len() as u32);
    }

    pub(crate) fn finish(self) -> EdgeTable {
        EdgeTable {
            every_out: OnceLock::new(),
            every_in: OnceLock::new(),
            out_kinds: KindSets::new(&self.forward_rows, self.n_nodes),
            in_kinds: KindSets::new(&self.reverse_rows, self.n_nodes),
            kind_starts: self.kind_starts.into_boxed_slice(),
            sources: self.sources.into_boxed_slice(),
            targets: self.targets.into_boxed_slice(),
            reverse: self.reverse.into_boxed_slice(),
            forward_rows: self.forward_rows.into_boxed_slice(),
            reverse_rows: self.reverse_rows.into_boxed_slice(),
        }
    }
}

impl EdgeTable {
    /// Builds the table from edges sorted by kind, source, target.
    pub(crate) fn new(edges: &[EdgeTriple], n_kinds: usize, n_nodes: usize) -> Self {
        debug_assert!(edges.is_sorted());
        let mut builder = EdgeTableBuilder::new(edges.len(), n_nodes);
        let mut rest = edges;
        for kind in 0..n_kinds {
            let n_own = rest.partition_point(|edge| usize::from(edge.kind) <= kind);
            let (own, others) = rest.split_at(n_own);
            builder.kind(own.iter().map(|edge| [edge.source, edge.target]));
            rest = others;
        }
        builder.finish()
    }

    pub(crate) fn len(&self) -> usize {
        self.sources.len()
    }

    /// Sources and targets of a range of edges.
    pub(crate) fn ends_in(&self, edges: std::ops::Range<u32>) -> [&[u32]; 2] {
        let edges = edges.start as usize..edges.end as usize;
        [&self.sources[edges.clone()], &self.targets[edges]]
    }

    pub(crate) fn ends(&self, edge: EdgeId) -> (NodeId, NodeId) {
        (
            NodeId(self.sources[edge.0 as usize]),
            NodeId(self.targets[edge.0 as usize]),
        )
    }

    pub(crate) fn kind(&self, edge: EdgeId) -> KindId {
        let after = self.kind_starts.partition_point(|&start| start <= edge.0);
        KindId(after as u16 - 1)
    }

    pub(crate) fn of_kind(&self, kind: KindId) -> std::ops::Range<u32> {
        let kind = usize::from(kind.0);
        self.kind_starts[kind]..self.kind_starts[kind + 1]
    }

    pub(crate) fn out_row(&self, node: NodeId, kind: KindId) -> OutRow<'_> {
        let (start, end) = self.forward_rows[usize::from(kind.0)].range(node.0);
        OutRow {
            first: start,
            targets: &self.targets[start as usize..end as usize],
        }
    }

    pub(crate) fn in_row(&self, node: NodeId, kind: KindId) -> InRow<'_> {
        let (start, end) = self.reverse_rows[usize::from(kind.0)].range(node.0);
        InRow {
            edges: &self.reverse[start as usize..end as usize],
            sources: &self.sources,
        }
    }

    #[inline]
    pub(crate) fn every_target(&self) -> &Neighbours {
        let n_nodes = self.out_kinds.set_of_node.len();
        self.every_out
            .get_or_init(|| Neighbours::new(&self.sources, &self.targets, n_nodes))
    }

    #[inline]
    pub(crate) fn every_source(&self) -> &Neighbours {
        let n_nodes = self.in_kinds.set_of_node.len();
        self.every_in
            .get_or_init(|| Neighbours::new(&self.targets, &self.sources, n_nodes))
    }

    pub(crate) fn out_kinds(&self, node: NodeId) -> &[KindId] {
        self.out_kinds.of(node)
    }

    pub(crate) fn in_kinds(&self, node: NodeId) -> &[KindId] {
        self.in_kinds.of(node)
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        let rows = self.forward_rows.iter().chain(&self.reverse_rows);
        let every_kind = [&self.every_out, &self.every_in];
        let every_kind = every_kind.into_iter().filter_map(OnceLock::get);
        self.len() * 12
            + every_kind.map(Neighbours::heap_bytes).sum::<usize>()
            + rows.map(Offsets::heap_bytes).sum::<usize>()
            + self.out_kinds.heap_bytes()
            + self.in_kinds.heap_bytes()
    }
}

/// The outgoing edges of one kind at one node: consecutive edge ids, targets ascending.
#[derive(Debug, Clone, Copy)]
pub struct OutRow<'a> {
    first: u32,
    targets: &'a [u32],
}

impl<'a> OutRow<'a> {
    /// Edges with their targets.
    pub fn iter(&self) -> impl Iterator<Item = (EdgeId, NodeId)> + use<'a> {
        let first = self.first;
        self.targets
            .iter()
            .enumerate()
            .map(move |(at, &target)| (EdgeId(first + at as u32), NodeId(target)))
    }

    /// The edge at a place of the row.
    pub fn edge(&self, at: usize) -> Option<EdgeId> {
        (at < self.targets.len()).then(|| EdgeId(self.first + at as u32))
    }

    /// The targets as raw node ids, ascending; parallel edges repeat a target.
    pub fn targets(&self) -> &'a [u32] {
        self.targets
    }

    /// How many edges.
    pub fn len(&self) -> usize {
        self.targets.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }
}

/// The incoming edges of one kind at one node, ordered by source.
#[derive(Debug, Clone, Copy)]
pub struct InRow<'a> {
    edges: &'a [u32],
    sources: &'a [u32],
}

impl<'a> InRow<'a> {
    /// Edges with their sources.
    pub fn iter(&self) -> impl Iterator<Item = (EdgeId, NodeId)> + use<'a> {
        let sources = self.sources;
        self.edges
            .iter()
            .map(move |&edge| (EdgeId(edge), NodeId(sources[edge as usize])))
    }

    /// The edge at a place of the row.
    pub fn edge(&self, at: usize) -> Option<EdgeId> {
        self.edges.get(at).map(|&edge| EdgeId(edge))
    }

    /// The source at a place of the row; sources ascend.
    pub fn source(&self, at: usize) -> Option<NodeId> {
        let edge = *self.edges.get(at)?;
        Some(NodeId(self.sources[edge as usize]))
    }

    /// How many edges.
    pub fn len(&self) -> usize {
        self.edges.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.edges.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layout_of_offsets_answers_alike() {
        let n_nodes = 1000_usize;
        for step in [1, 3, 40, 300] {
            // One to four edges each.
            let ends: Vec<u32> = (7..n_nodes as u32 - 5)
                .step_by(step)
                .flat_map(|node| std::iter::repeat_n(node, node as usize % 4 + 1))
                .collect();
            let base = 11;
            let offsets = Offsets::new(ends.iter().copied(), base, n_nodes);
            for node in 0..n_nodes as u32 {
                let first = ends.partition_point(|&end| end < node) as u32;
                let n_edges = ends.iter().filter(|&&end| end == node).count() as u32;
                let (start, end) = offsets.range(node);
                assert_eq!(end - start, n_edges, "node {node}, one in {step}");
                if n_edges > 0 {
                    assert_eq!(start, base + first, "node {node}, one in {step}");
                }
            }
        }
    }
}
