//! A path while it is walked, and what its mode still admits.

use crate::graph::{EdgeId, NodeId, Snapshot};

use super::ir::Mode;
use super::product::Product;

/// A path of the product: its arcs in order, from the first vertex.
pub(super) type Arcs = Vec<u32>;

/// A partial path in an arena: its last arc and the path before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Partial {
    pub(super) parent: u32,
    pub(super) arc: u32,
    pub(super) vertex: u32,
    pub(super) n_edges: u32,
    pub(super) cost: f64,
}

/// What a partial path has walked.
pub(super) struct Trace {
    pub(super) nodes: Vec<NodeId>,
    pub(super) edges: Vec<EdgeId>,
    pub(super) arcs: Arcs,
}

impl Trace {
    pub(super) fn new(
        snapshot: &Snapshot,
        product: &Product,
        arena: &[Partial],
        mut at: u32,
        start: NodeId,
    ) -> Self {
        let mut arcs = Vec::new();
        while let Some(partial) = arena.get(at as usize) {
            if partial.arc != u32::MAX {
                arcs.push(partial.arc);
            }
            at = partial.parent;
        }
        arcs.reverse();
        let mut trace = Trace {
            nodes: vec![start],
            edges: Vec::new(),
            arcs: Vec::new(),
        };
        for arc in arcs {
            trace.push(snapshot, product, arc);
        }
        trace
    }

    pub(super) fn push(&mut self, snapshot: &Snapshot, product: &Product, arc_idx: u32) {
        self.arcs.push(arc_idx);
        let Some(arc) = product.arcs.get(arc_idx as usize) else {
            return;
        };
        for &edge in product.edges_of(arc) {
            let end = other_end(snapshot, edge, self.end());
            self.edges.push(edge);
            self.nodes.push(end);
        }
    }

    pub(super) fn pop(&mut self, product: &Product) {
        let Some(arc) = self
            .arcs
            .pop()
            .and_then(|idx| product.arcs.get(idx as usize))
        else {
            return;
        };
        let kept = self.edges.len() - arc.n_edges as usize;
        self.edges.truncate(kept);
        self.nodes.truncate(kept + 1);
    }

    fn end(&self) -> NodeId {
        self.nodes.last().copied().unwrap_or(NodeId(0))
    }

    /// Whether the path may go on over these edges.
    pub(super) fn admits(&self, snapshot: &Snapshot, mode: Mode, edges: &[EdgeId]) -> bool {
        if edges.is_empty() || mode == Mode::Walk {
            return true;
        }
        if mode == Mode::Trail {
            return edges.iter().enumerate().all(|(at, edge)| {
                !self.edges.contains(edge) && !edges.iter().take(at).any(|earlier| earlier == edge)
            });
        }
        let start = self.nodes.first().copied().unwrap_or(NodeId(0));
        let mut is_closed = self.nodes.len() > 1 && self.end() == start;
        let mut fresh: Vec<NodeId> = Vec::new();
        let mut at = self.end();
        for &edge in edges {
            if is_closed {
                return false;
            }
            at = other_end(snapshot, edge, at);
            if at == start && mode == Mode::Simple {
                is_closed = true;
            } else if self.nodes.contains(&at) || fresh.contains(&at) {
                return false;
            }
            fresh.push(at);
        }
        true
    }
}

fn other_end(snapshot: &Snapshot, edge: EdgeId, from: NodeId) -> NodeId {
    let ends = snapshot.edge(edge);
    if ends.source == from {
        ends.target
    } else {
        ends.source
    }
}
