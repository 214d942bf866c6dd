//! A snapshot in which a part is replaced: what an import or a change of a few facts makes of it.
//!
//! ```text
//! old    a  b  c  d         part      b' x          replaced: b, d
//! new    a  b' c  x                                 d is gone: the part has none
//! ```
//!
//! Rows that stay are copied under their new numbers; both sides come in byte order of stable ids, so
//! everything is a merge of two sorted runs. O(snapshot), a few bytes a row, and O(part log snapshot).

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::super::column::{Column, Splice};
use super::super::provenance::{Provenance, ProvenanceBuilder, SourceId};
use super::super::rows::EdgeTableBuilder;
use super::super::symbols::{Symbols, TextPool};
use super::super::{EdgeId, LabelId, NodeId, PropId};
use super::{Parts, Snapshot};

/// What is replaced in a snapshot.
#[derive(Debug)]
pub(crate) struct Replaced<'a> {
    /// Nodes whose statements changed, ascending. What they are now the part says; if it has none of
    /// them, they are what edges refer to, or gone.
    pub(crate) nodes: &'a [u32],
    /// Edges whose statements changed, ascending; with an edge all parallel ones of its kind.
    pub(crate) edges: &'a [u32],
    /// The merge of every statement about these, among all sources there are now. Of other nodes
    /// it has no more than that edges refer to them.
    pub(crate) part: &'a Snapshot,
}

/// The new number of what is gone.
const GONE: u32 = u32::MAX;

/// Where a new row comes from.
#[derive(Clone, Copy)]
enum From {
    Old(u32),
    Part(u32),
    /// An old node of which no more is known than that edges refer to it.
    Bare(u32),
}

impl Snapshot {
    /// The snapshot after these replacements: that which merging all statements anew would give, but
    /// that it may hold texts that no value has any more.
    pub(crate) fn with_replaced(&self, replaced: &Replaced<'_>) -> Snapshot {
        let part = replaced.part;
        let nodes = Nodes::new(self, replaced);
        let sources = Sources::new(self, part);
        let mut parts = Parts {
            ids: nodes.ids(self, part),
            sources: part.sources.to_vec(),
            ..Parts::default()
        };
        self.splice_labels(part, &nodes, &mut parts);
        sources.splice(
            (&self.node_provenance, &part.node_provenance),
            &nodes.from,
            &mut parts.node_provenance,
        );

        // Where no edge is touched, all there is of edges is shared.
        let keeps_edges = nodes.keep_numbers && replaced.edges.is_empty() && part.n_edges() == 0;
        let edges = if keeps_edges {
            parts.edges = Some(Arc::clone(&self.edges));
            parts.kinds = self.kinds.clone();
            Edges::default()
        } else {
            Edges::new(self, replaced, &nodes, &mut parts)
        };
        let keeps_sources = keeps_edges && sources.keep_numbers();
        if !keeps_sources {
            let all: Vec<From>;
            let rows = if keeps_edges {
                all = (0..self.n_edges() as u32).map(From::Old).collect();
                &all
            } else {
                &edges.from
            };
            sources.splice(
                (&self.edge_provenance, &part.edge_provenance),
                rows,
                &mut parts.edge_provenance,
            );
        }

        let [of_old, of_part] = nodes.rows();
        let of_nodes = Splice {
            of_old: &of_old,
            of_part: &of_part,
            n_rows: nodes.from.len(),
            replaced: nodes.keep_numbers.then_some(replaced.nodes),
            old_strings: &self.strings,
            part_strings: &part.strings,
        };
        let of_edges = Splice {
            of_old: &edges.of_old,
            of_part: &edges.of_part,
            n_rows: edges.from.len(),
            replaced: edges.keep_numbers().then_some(replaced.edges),
            old_strings: &self.strings,
            part_strings: &part.strings,
        };
        let mut strings = self.strings.grow();
        let every_name = Symbols::new(
            self.props()
                .map(|prop| self.prop_name(prop))
                .chain(part.props().map(|prop| part.prop_name(prop))),
        );
        let mut names: Vec<&str> = Vec::new();
        for rank in 0..every_name.len() as u32 {
            let name = every_name.name(rank);
            let (old, new) = (self.prop_id(name), part.prop_id(name));
            let node_column = |snapshot, prop: Option<PropId>| {
                prop.and_then(|prop| Snapshot::node_column(snapshot, prop))
            };
            let edge_column = |snapshot, prop: Option<PropId>| {
                prop.and_then(|prop| Snapshot::edge_column(snapshot, prop))
            };
            let both = (edge_column(self, old), edge_column(part, new));
            let of_nodes: Option<Arc<Column>> =
                of_nodes.column(node_column(self, old), node_column(part, new), &mut strings);
            let of_edges: Option<Arc<Column>> = if keeps_edges {
                both.0.cloned()
            } else {
                of_edges.column(both.0, both.1, &mut strings)
            };
            if of_nodes.is_some() || of_edges.is_some() {
                names.push(name);
                parts.node_columns.push(of_nodes);
                parts.edge_columns.push(of_edges);
            }
        }
        parts.props = Symbols::new(names);
        parts.string_values = Some(strings.finish());
        let mut snapshot = Snapshot::from_parts(parts);
        if keeps_sources {
            snapshot.edge_provenance = Arc::clone(&self.edge_provenance);
        }
        snapshot
    }

    fn splice_labels(&self, part: &Snapshot, nodes: &Nodes, parts: &mut Parts) {
        let side = |from: From| match from {
            From::Old(node) => Some((self, 0, self.label_set_of_node[node as usize])),
            From::Part(node) => Some((part, 1, part.label_set_of_node[node as usize])),
            From::Bare(_) => None,
        };
        let mut known = [
            vec![GONE; self.label_sets.len()],
            vec![GONE; part.label_sets.len()],
        ];
        let mut used: Vec<(&Snapshot, usize, u32)> = Vec::new();
        for &from in &nodes.from {
            if let Some((snapshot, side, set)) = side(from)
                && known[side][set as usize] == GONE
            {
                known[side][set as usize] = 0;
                used.push((snapshot, side, set));
            }
        }
        let names = used.iter().flat_map(|&(snapshot, _, set)| {
            let labels = snapshot.label_sets[set as usize].iter();
            labels.map(|&label| snapshot.label_name(label))
        });
        let labels = Symbols::new(names);
        let mut numbers: FxHashMap<Box<[LabelId]>, u32> = FxHashMap::default();
        let mut number = |set: Box<[LabelId]>, sets: &mut Vec<Box<[LabelId]>>| {
            *numbers.entry(set).or_insert_with_key(|set| {
                sets.push(set.clone());
                sets.len() as u32 - 1
            })
        };
        for (snapshot, side, set) in used {
            let own = snapshot.label_sets[set as usize].iter();
            // Every name was put into the table above.
            let own = own.filter_map(|&label| labels.find(snapshot.label_name(label)));
            let own = own.map(|label| LabelId(label as u16)).collect();
            known[side][set as usize] = number(own, &mut parts.label_sets);
        }
        let of_node = nodes.from.iter().map(|&from| match side(from) {
            Some((_, side, set)) => known[side][set as usize],
            None => number(Box::new([]), &mut parts.label_sets),
        });
        parts.label_set_of_node = of_node.collect();
        parts.labels = labels;
    }

    fn degree(&self, node: NodeId) -> usize {
        let kinds = self.out_kinds(node).iter();
        let out: usize = kinds.map(|&kind| self.out_edges(node, kind).len()).sum();
        let kinds = self.in_kinds(node).iter();
        out + kinds
            .map(|&kind| self.in_edges(node, kind).len())
            .sum::<usize>()
    }
}

/// The nodes there are now.
struct Nodes {
    from: Vec<From>,
    /// The new number of each old node, whether or not it says what it said.
    of_old: Vec<u32>,
    of_part: Vec<u32>,
    /// Whether every old node has the number it had.
    keep_numbers: bool,
}

impl Nodes {
    fn new(old: &Snapshot, replaced: &Replaced<'_>) -> Self {
        let part = replaced.part;
        // How many edges each end loses.
        let mut lost: FxHashMap<u32, usize> = FxHashMap::default();
        for &edge in replaced.edges {
            let (source, target) = old.edge_ends(EdgeId(edge));
            *lost.entry(source.0).or_default() += 1;
            *lost.entry(target.0).or_default() += 1;
        }
        let is_referred_to = |node: u32| {
            let n_lost = lost.get(&node).copied().unwrap_or(0);
            old.degree(NodeId(node)) > n_lost
        };
        // Those that no source states are there for their edges.
        let mut loose: Vec<u32> = lost.keys().copied().collect();
        loose.retain(|&node| old.node_sources(NodeId(node)).is_empty());
        loose.sort_unstable();

        let mut nodes = Nodes {
            from: Vec::with_capacity(old.n_nodes() + part.n_nodes()),
            of_old: Vec::with_capacity(old.n_nodes()),
            of_part: Vec::with_capacity(part.n_nodes()),
            keep_numbers: false,
        };
        let mut replaced = replaced.nodes.iter().copied().peekable();
        let mut loose = loose.into_iter().peekable();
        let places = part.nodes().map(|node| old.ids.place(part.stable_id(node)));
        let mut places = (0..).zip(places).peekable();
        for node in 0..old.n_nodes() as u32 {
            while let Some((new, _)) = places.next_if(|&(_, place)| place == Err(node)) {
                nodes.of_part.push(nodes.from.len() as u32);
                nodes.from.push(From::Part(new));
            }
            let of_part = places.next_if(|&(_, place)| place == Ok(node));
            let is_replaced = replaced.next_if_eq(&node).is_some();
            let is_loose = loose.next_if_eq(&node).is_some();
            let from = match of_part {
                Some((new, _)) if is_replaced => Some(From::Part(new)),
                Some(_) => Some(From::Old(node)),
                None if !is_replaced && !is_loose => Some(From::Old(node)),
                None if !is_referred_to(node) => None,
                None if is_replaced => Some(From::Bare(node)),
                None => Some(From::Old(node)),
            };
            let number = from.map_or(GONE, |_| nodes.from.len() as u32);
            nodes.of_old.push(number);
            nodes.of_part.extend(of_part.map(|_| number));
            nodes.from.extend(from);
        }
        for (new, _) in places {
            nodes.of_part.push(nodes.from.len() as u32);
            nodes.from.push(From::Part(new));
        }
        let is_same = (0..).zip(&nodes.of_old).all(|(old, &new)| old == new);
        nodes.keep_numbers = is_same && nodes.from.len() == old.n_nodes();
        nodes
    }

    fn ids(&self, old: &Snapshot, part: &Snapshot) -> Arc<TextPool> {
        if self.keep_numbers {
            return Arc::clone(&old.ids);
        }
        let ids = self.from.iter().map(|&from| match from {
            From::Old(node) | From::Bare(node) => old.ids.get(node),
            From::Part(node) => part.ids.get(node),
        });
        Arc::new(TextPool::from_sorted(ids))
    }

    /// Of the old nodes and of those of the part the new numbers of the ones that say what they said
    /// there.
    fn rows(&self) -> [Vec<u32>; 2] {
        let mut rows = [
            vec![GONE; self.of_old.len()],
            vec![GONE; self.of_part.len()],
        ];
        for (number, &from) in (0..).zip(&self.from) {
            match from {
                From::Old(node) => rows[0][node as usize] = number,
                From::Part(node) => rows[1][node as usize] = number,
                From::Bare(_) => {}
            }
        }
        rows
    }
}

/// The edges there are now.
#[derive(Default)]
struct Edges {
    from: Vec<From>,
    of_old: Vec<u32>,
    of_part: Vec<u32>,
}

impl Edges {
    /// Whether every old edge has the number it had.
    fn keep_numbers(&self) -> bool {
        self.from.len() == self.of_old.len()
            && (0..).zip(&self.from).all(|(number, from)| match from {
                From::Old(edge) => *edge == number,
                From::Part(_) | From::Bare(_) => true,
            })
    }

    /// Merges the edges of both sides, and puts the table of them into `parts`.
    fn new(old: &Snapshot, replaced: &Replaced<'_>, nodes: &Nodes, parts: &mut Parts) -> Self {
        let part = replaced.part;
        let n_edges = old.n_edges() + part.n_edges() - replaced.edges.len();
        let mut edges = Edges {
            from: Vec::with_capacity(n_edges),
            of_old: vec![GONE; old.n_edges()],
            of_part: vec![GONE; part.n_edges()],
        };
        let mut table = EdgeTableBuilder::new(n_edges, nodes.from.len());
        let every_kind = Symbols::new(
            old.kinds()
                .map(|kind| old.kind_name(kind))
                .chain(part.kinds().map(|kind| part.kind_name(kind))),
        );
        let mut kinds: Vec<&str> = Vec::new();
        let mut gone = replaced.edges;
        let mut ends: Vec<[u32; 2]> = Vec::new();
        for rank in 0..every_kind.len() as u32 {
            let name = every_kind.name(rank);
            let kind = old.kind_id(name);
            let of_old = kind.map_or(0..0, |kind| old.edges_of_kind(kind));
            let of_part = part.kind_id(name);
            let of_part = of_part.map_or(0..0, |kind| part.edges_of_kind(kind));
            let is_touched =
                !of_part.is_empty() || gone.first().is_some_and(|&edge| edge < of_old.end);
            if let Some(kind) = kind
                && nodes.keep_numbers
                && !is_touched
            {
                for edge in of_old {
                    edges.of_old[edge as usize] = edges.from.len() as u32;
                    edges.from.push(From::Old(edge));
                }
                table.same_kind(&old.edges, kind);
                kinds.push(name);
                continue;
            }
            let numbered = |snapshot: &Snapshot, numbers: &[u32], edge: u32| {
                let (source, target) = snapshot.edge_ends(EdgeId(edge));
                [numbers[source.0 as usize], numbers[target.0 as usize]]
            };
            let mut news = of_part
                .map(|edge| (numbered(part, &nodes.of_part, edge), edge))
                .peekable();
            ends.clear();
            for edge in of_old {
                if gone.first() == Some(&edge) {
                    gone = &gone[1..];
                    continue;
                }
                let own = numbered(old, &nodes.of_old, edge);
                while let Some((before, new)) = news.next_if(|(new, _)| *new < own) {
                    edges.of_part[new as usize] = edges.from.len() as u32;
                    edges.from.push(From::Part(new));
                    ends.push(before);
                }
                edges.of_old[edge as usize] = edges.from.len() as u32;
                edges.from.push(From::Old(edge));
                ends.push(own);
            }
            for (own, new) in news {
                edges.of_part[new as usize] = edges.from.len() as u32;
                edges.from.push(From::Part(new));
                ends.push(own);
            }
            if !ends.is_empty() {
                table.kind(ends.iter().copied());
                kinds.push(name);
            }
        }
        parts.edges = Some(Arc::new(table.finish()));
        parts.kinds = Symbols::new(kinds);
        edges
    }
}

/// The sources there are now, which are those of the part.
struct Sources {
    /// The new number of each old source.
    of_old: Vec<SourceId>,
}

impl Sources {
    fn new(old: &Snapshot, part: &Snapshot) -> Self {
        let numbers: FxHashMap<&str, u32> = (0..)
            .zip(&part.sources)
            .map(|(number, source)| (&*source.name, number))
            .collect();
        let of_old = old.sources.iter().map(|source| {
            // No row that stays is stated by a source that is gone.
            SourceId(numbers.get(&*source.name).copied().unwrap_or(GONE))
        });
        Sources {
            of_old: of_old.collect(),
        }
    }

    /// Whether every source has the number it had, and there is no other.
    fn keep_numbers(&self) -> bool {
        (0..)
            .zip(&self.of_old)
            .all(|(old, new)| *new == SourceId(old))
    }

    fn splice(
        &self,
        (old, part): (&Provenance, &Provenance),
        rows: &[From],
        provenance: &mut ProvenanceBuilder,
    ) {
        let mut known = [vec![GONE; old.sets().len()], vec![GONE; part.sets().len()]];
        let [of_old, of_part] = &mut known;
        for &from in rows {
            match from {
                From::Old(row) => {
                    let renamed = |source: SourceId| self.of_old[source.0 as usize];
                    provenance.push_row((old, row), of_old, renamed);
                }
                From::Part(row) => provenance.push_row((part, row), of_part, |source| source),
                From::Bare(_) => provenance.push(&mut Vec::new(), 0),
            }
        }
    }
}
