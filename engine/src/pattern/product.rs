//! What a path pattern can reach from one start: a graph of (place in the pattern, node), built
//! once, on which every selector then works.
//!
//! The construction is the product of the graph with the automaton of the pattern; see Mendelzon
//! and Wood, "Finding regular simple paths in graph databases", section 3.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use crate::budget::{Budget, Stop};
use crate::graph::{EdgeId, NodeId};

use super::bindings::Binding;
use super::ir::Condition;
use super::run::{Host, Run};
use super::step::{Part, PathStep};

/// A place in the pattern: which part, and how many rounds of it are done (counted no further than
/// makes a difference).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) part: u32,
    pub(super) rounds: u32,
}

/// A vertex of the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Vertex {
    pub(super) place: Place,
    pub(super) node: NodeId,
}

/// An arc of the product: one round of a part, or none when it only moves to the next part.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arc {
    pub(super) to: u32,
    pub(super) cost: f64,
    /// Its edges in [`Product::edges`].
    pub(super) first_edge: u32,
    pub(super) n_edges: u32,
}

/// The product of a path pattern with the graph, as far as it can be reached from one start.
#[derive(Debug, Default)]
pub(super) struct Product {
    pub(super) vertices: Vec<Vertex>,
    /// The arcs of vertex `v` are `arcs[offsets[v]..offsets[v + 1]]`.
    pub(super) offsets: Vec<u32>,
    pub(super) arcs: Vec<Arc>,
    pub(super) edges: Vec<EdgeId>,
    /// Vertices at which a path may end, by node, then in order of discovery.
    pub(super) accepting: Vec<(NodeId, u32)>,
    pub(super) charged: u64,
}

impl Product {
    fn charge(&mut self, budget: &Budget) -> Result<(), Stop> {
        let bytes = self.vertices.len() as u64 * 48
            + self.arcs.len() as u64 * 24
            + self.edges.len() as u64 * 4;
        if bytes > self.charged + 65_536 {
            budget.charge(bytes - self.charged)?;
            self.charged = bytes;
        }
        Ok(())
    }

    pub(super) fn arcs_of(&self, vertex: u32) -> std::ops::Range<usize> {
        let at = |idx: u32| self.offsets.get(idx as usize).copied().unwrap_or(0) as usize;
        at(vertex)..at(vertex + 1)
    }

    pub(super) fn edges_of(&self, arc: &Arc) -> &[EdgeId] {
        self.edges
            .get(arc.first_edge as usize..(arc.first_edge + arc.n_edges) as usize)
            .unwrap_or_default()
    }
}

/// How a product is built.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// Ask for costs.
    pub(super) is_weighted: bool,
}

struct Builder {
    product: Product,
    index: FxHashMap<Vertex, u32>,
    queue: VecDeque<u32>,
}

impl<H> Run<'_, H> {
    /// Builds the product from `start`. O(rounds × edges reached), charged to the budget.
    pub(super) fn product<C: Condition + Clone>(
        &mut self,
        path: &PathStep<C>,
        start: NodeId,
        shape: Shape,
    ) -> Result<Product, H::Error>
    where
        H: Host<C>,
    {
        let mut builder = Builder {
            product: Product::default(),
            index: FxHashMap::default(),
            queue: VecDeque::new(),
        };
        let origin = Vertex {
            place: Place { part: 0, rounds: 0 },
            node: start,
        };
        builder.vertex(origin);
        let mut round = Vec::new();
        while let Some(vertex_idx) = builder.queue.pop_front() {
            builder
                .product
                .offsets
                .push(builder.product.arcs.len() as u32);
            let Some(&vertex) = builder.product.vertices.get(vertex_idx as usize) else {
                continue;
            };
            builder.product.charge(self.budget)?;
            let Some(part) = path.parts.get(vertex.place.part as usize) else {
                continue;
            };
            let rounds = vertex.place.rounds;
            if rounds >= part.min && self.may_leave(part, vertex.node)? {
                let next = vertex.place.part + 1;
                if (next as usize) < path.parts.len() {
                    let moved = Vertex {
                        place: Place {
                            part: next,
                            rounds: 0,
                        },
                        node: vertex.node,
                    };
                    let to = builder.vertex(moved);
                    let first_edge = builder.product.edges.len() as u32;
                    builder.product.arcs.push(Arc {
                        to,
                        cost: 0.0,
                        first_edge,
                        n_edges: 0,
                    });
                } else {
                    builder.product.accepting.push((vertex.node, vertex_idx));
                }
            }
            if part.max.is_some_and(|max| rounds >= max) {
                continue;
            }
            round.clear();
            self.rounds(part, vertex.node, shape.is_weighted, &mut round)?;
            let after = Place {
                part: vertex.place.part,
                rounds: Builder::after(part, rounds),
            };
            for Round { edges, end, cost } in round.drain(..) {
                let to = builder.vertex(Vertex {
                    place: after,
                    node: end,
                });
                let first_edge = builder.product.edges.len() as u32;
                let n_edges = edges.len() as u32;
                builder.product.edges.extend(edges);
                builder.product.arcs.push(Arc {
                    to,
                    cost,
                    first_edge,
                    n_edges,
                });
            }
        }
        let mut product = builder.product;
        product.offsets.push(product.arcs.len() as u32);
        product.accepting.sort_unstable();
        product.charge(self.budget)?;
        Ok(product)
    }

    /// Whether a part may end at `node`.
    fn may_leave<C: Condition + Clone>(
        &mut self,
        part: &Part<C>,
        node: NodeId,
    ) -> Result<bool, H::Error>
    where
        H: Host<C>,
    {
        if let Some(given) = self.bindings.node(part.to) {
            if given != node {
                return Ok(false);
            }
        } else if !part.to_test.holds(self.snapshot, node) {
            return Ok(false);
        }
        if part.exit_conditions.is_empty() {
            return Ok(true);
        }
        let given = self.bindings.get(part.to).clone();
        self.bindings.set(part.to, Binding::Node(node));
        let holds = self.hold(&part.exit_conditions);
        self.bindings.set(part.to, given);
        holds
    }

    /// Every way to walk one round of `part` from `node`.
    fn rounds<C: Condition + Clone>(
        &mut self,
        part: &Part<C>,
        node: NodeId,
        is_weighted: bool,
        found: &mut Vec<Round>,
    ) -> Result<(), H::Error>
    where
        H: Host<C>,
    {
        if !part.start_test.holds(self.snapshot, node) {
            return Ok(());
        }
        let binds = part.has_conditions();
        let saved = [part.start, part.to].map(|var| (var, self.bindings.get(var).clone()));
        if binds {
            self.bindings.set(part.start, Binding::Node(node));
        }
        if self.hold(&part.start_conditions)? {
            let mut partial = vec![Round {
                edges: Vec::new(),
                end: node,
                cost: 0.0,
            }];
            self.round_from(part, 0, binds, is_weighted, &mut partial, found)?;
        }
        if binds {
            for hop in &part.hops {
                self.bindings.set(hop.edge, Binding::Unbound);
                self.bindings.set(hop.target, Binding::Unbound);
            }
            for (var, binding) in saved {
                self.bindings.set(var, binding);
            }
        }
        Ok(())
    }

    fn round_from<C: Condition + Clone>(
        &mut self,
        part: &Part<C>,
        hop_idx: usize,
        binds: bool,
        is_weighted: bool,
        partial: &mut Vec<Round>,
        found: &mut Vec<Round>,
    ) -> Result<(), H::Error>
    where
        H: Host<C>,
    {
        let Some(round) = partial.last().cloned() else {
            return Ok(());
        };
        let Some(hop) = part.hops.get(hop_idx) else {
            found.push(round);
            return Ok(());
        };
        for (edge, end) in hop.edges.neighbours(self.snapshot, round.end) {
            self.tick()?;
            if !hop.test.holds(self.snapshot, end) {
                continue;
            }
            if part.is_single
                && self
                    .bindings
                    .node(part.to)
                    .is_some_and(|given| given != end)
                && !binds
            {
                continue;
            }
            let mut cost = 1.0;
            if binds {
                self.bindings.set(hop.edge, Binding::Edge(edge));
                self.bindings.set(hop.target, Binding::Node(end));
                if !self.hold(&hop.conditions)? {
                    continue;
                }
                if let (true, Some(weight)) = (is_weighted, &hop.cost) {
                    cost = self.host.cost(weight, self.bindings)?;
                }
            }
            let mut edges = round.edges.clone();
            edges.push(edge);
            partial.push(Round {
                edges,
                end,
                cost: round.cost + cost,
            });
            self.round_from(part, hop_idx + 1, binds, is_weighted, partial, found)?;
            partial.pop();
        }
        Ok(())
    }
}

#[derive(Debug, Clone)]
struct Round {
    edges: Vec<EdgeId>,
    end: NodeId,
    cost: f64,
}

impl Builder {
    fn vertex(&mut self, vertex: Vertex) -> u32 {
        if let Some(&idx) = self.index.get(&vertex) {
            return idx;
        }
        let idx = self.product.vertices.len() as u32;
        self.index.insert(vertex, idx);
        self.product.vertices.push(vertex);
        self.queue.push_back(idx);
        idx
    }

    fn after<C>(part: &Part<C>, rounds: u32) -> u32 {
        let cap = part.max.unwrap_or(part.min);
        (rounds + 1).min(cap.max(1))
    }
}
