//! What of a snapshot a change is about.

use std::collections::HashSet;

use crate::build::aliases::Aliases;
use crate::build::difference::Rows;
use crate::build::scope::Scope;
use crate::graph::{EdgeId, NodeId, Snapshot, SourceId};
use crate::model::{Facts, StrId};

use super::precedence::Precedence;

/// Where a snapshot has what a document names; each id is looked for once.
pub(in crate::build) struct Places<'a> {
    facts: &'a Facts,
    aliases: &'a Aliases,
    known: Vec<Place>,
}

#[derive(Debug, Clone, Copy)]
enum Place {
    Unasked,
    Nowhere,
    At(NodeId),
}

impl<'a> Places<'a> {
    pub(in crate::build) fn new(facts: &'a Facts, aliases: &'a Aliases) -> Self {
        Places {
            known: vec![Place::Unasked; facts.strings().len()],
            facts,
            aliases,
        }
    }

    fn node(&mut self, snapshot: &Snapshot, id: StrId) -> Option<NodeId> {
        let place = &mut self.known[id.0 as usize];
        if let Place::Unasked = place {
            let node = snapshot.node(self.aliases.resolve(self.facts.str(id)));
            *place = node.map_or(Place::Nowhere, Place::At);
        }
        match *place {
            Place::At(node) => Some(node),
            Place::Nowhere | Place::Unasked => None,
        }
    }
}

/// Nodes and edges of a snapshot that are merged again.
#[derive(Debug, Clone, Default)]
pub(in crate::build) struct Touched {
    /// Ascending, once sorted.
    pub(super) nodes: Vec<u32>,
    /// The same.
    pub(super) edges: Vec<u32>,
    /// Whether nodes may come or go.
    pub(super) moves_nodes: bool,
}

impl Touched {
    /// What the rows of a document are about, where the snapshot has it.
    pub(in crate::build) fn add_rows(
        &mut self,
        snapshot: &Snapshot,
        places: &mut Places<'_>,
        rows: &Rows,
    ) {
        let nodes = rows.nodes.iter().copied();
        let nodes = nodes.filter_map(|id| places.node(snapshot, id));
        self.nodes.extend(nodes.map(|node| node.0));
        let facts = places.facts;
        let edges = rows.edges.iter().filter_map(|&(from, kind, to)| {
            let from = places.node(snapshot, from)?;
            Some((from, facts.str(kind), places.node(snapshot, to)?))
        });
        edges.for_each(|(from, kind, to)| self.add_edges(snapshot, from, kind, to));
    }

    /// Notes whether nodes may come or go with these rows.
    pub(super) fn note_moves(&mut self, snapshot: &Snapshot, places: &mut Places<'_>, rows: &Rows) {
        let mut n_sources = |id| {
            let node = places.node(snapshot, id);
            node.map_or(0, |node| snapshot.node_sources(node).len())
        };
        let ends = rows.edges.iter().flat_map(|&(from, _, to)| [from, to]);
        // Who states such a node is the only one; or it is there for its edges alone.
        self.moves_nodes |= rows.nodes.iter().any(|&id| n_sources(id) < 2);
        self.moves_nodes |= ends.into_iter().any(|end| n_sources(end) == 0);
    }

    /// The edges of a kind between two nodes.
    pub(in crate::build) fn add_edges(
        &mut self,
        snapshot: &Snapshot,
        from: NodeId,
        kind: &str,
        to: NodeId,
    ) {
        if let Some(kind) = snapshot.kind_id(kind) {
            let row = snapshot.out_edges(from, kind);
            let first = row.targets().partition_point(|&target| target < to.0);
            let row = row.iter().skip(first);
            let own = row.take_while(|&(_, target)| target == to);
            self.edges.extend(own.map(|(edge, _)| edge.0));
        }
    }

    /// A node.
    pub(in crate::build) fn add_node(&mut self, node: NodeId) {
        self.nodes.push(node.0);
    }

    /// A node, if it is there, and all its edges.
    pub(in crate::build) fn add_node_and_edges(&mut self, snapshot: &Snapshot, id: &str) {
        if let Some(node) = snapshot.node(id) {
            self.nodes.push(node.0);
            let edges = snapshot.out_all(node).chain(snapshot.in_all(node));
            self.edges.extend(edges.map(|(edge, ..)| edge.0));
        }
    }

    /// Everything that one of these sources states.
    pub(super) fn add_stated_by(&mut self, snapshot: &Snapshot, is_one: impl Fn(&str) -> bool) {
        let sources = snapshot.sources().iter();
        let is_one: Vec<bool> = sources.map(|source| is_one(&source.name)).collect();
        if is_one.contains(&true) {
            let any = |set: &[SourceId]| set.iter().any(|source| is_one[source.0 as usize]);
            self.nodes.extend(snapshot.nodes_by_sources(any));
            self.edges.extend(snapshot.edges_by_sources(any));
        }
    }

    /// Everything on which sources may disagree otherwise than before.
    pub(super) fn add_disputed(
        &mut self,
        snapshot: &Snapshot,
        precedence: &Precedence<'_>,
        scope: &mut Scope,
    ) {
        let Precedence {
            moved,
            overtaken,
            joins,
        } = precedence;
        if moved.is_empty() && overtaken.is_empty() {
            return;
        }
        let marked = |names: &[&str]| -> Vec<bool> {
            let names: HashSet<&str> = names.iter().copied().collect();
            let sources = snapshot.sources().iter();
            sources
                .map(|source| names.contains(&*source.name))
                .collect()
        };
        let (moved, overtaken, joins) = (marked(moved), marked(overtaken), marked(joins));
        let any = |set: &[SourceId], of: &[bool]| set.iter().any(|source| of[source.0 as usize]);
        let is_disputed = |set: &[SourceId]| {
            set.len() > 1 && (any(set, &moved) || any(set, &overtaken) && any(set, &joins))
        };
        let (n_nodes, n_edges) = (self.nodes.len(), self.edges.len());
        self.nodes.extend(snapshot.nodes_by_sources(is_disputed));
        self.edges.extend(snapshot.edges_by_sources(is_disputed));
        let nodes = self.nodes[n_nodes..].iter().map(|&node| NodeId(node));
        let edges = self.edges[n_edges..].iter().map(|&edge| EdgeId(edge));
        let mut is_named = vec![false; snapshot.props().len()];
        let of_nodes = nodes.flat_map(|node| snapshot.node_prop_ids(node));
        let of_edges = edges.flat_map(|edge| snapshot.edge_prop_ids(edge));
        for prop in of_nodes.chain(of_edges) {
            is_named[usize::from(prop.0)] = true;
        }
        for prop in snapshot
            .props()
            .filter(|prop| is_named[usize::from(prop.0)])
        {
            scope.prop(snapshot.prop_name(prop));
        }
    }

    /// Each once, with an edge every parallel one of its kind.
    pub(super) fn sorted(mut self, snapshot: &Snapshot) -> Self {
        self.nodes.sort_unstable();
        self.nodes.dedup();
        self.edges.sort_unstable();
        self.edges.dedup();
        let mut edges: Vec<u32> = Vec::with_capacity(self.edges.len());
        for &edge in &self.edges {
            if edges.last().is_none_or(|&last| last < edge) {
                edges.extend(snapshot.parallel(EdgeId(edge)));
            }
        }
        self.edges = edges;
        self
    }

    /// Whether more than one node or edge in so many is.
    pub(super) fn is_more_than(&self, one_in: usize, snapshot: &Snapshot) -> bool {
        self.nodes.len().saturating_mul(one_in) > snapshot.n_nodes()
            || self.edges.len().saturating_mul(one_in) > snapshot.n_edges()
    }
}
