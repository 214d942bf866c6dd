//! Choosing paths: selectors and modes over the product of a path pattern with the graph.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::ControlFlow;
use std::sync::Arc as Shared;

use crate::graph::{EdgeId, NodeId};

use super::bindings::Binding;
use super::cheapest::is_plain_cheapest;
use super::closed::wants_a_cycle;
use super::ir::{Condition, Mode, Read, Selector};
use super::predecessors::{Cost, Predecessors};
use super::product::{Product, Shape};
use super::run::{Flow, Host, Run};
use super::step::{PathStep, Step};
use super::trace::{Partial, Trace};

impl<H> Run<'_, H> {
    pub(super) fn path<C: Condition + Clone>(
        &mut self,
        path: &PathStep<C>,
        step: &Step<C>,
        rest: &[Step<C>],
    ) -> Flow<H::Error>
    where
        H: Host<C>,
    {
        let (Some(from), Some(to)) = (path.from(), path.to()) else {
            return Ok(ControlFlow::Continue(()));
        };
        let Some(start) = self.bindings.node(from) else {
            return Ok(ControlFlow::Continue(()));
        };
        if !self.hold(&path.start_conditions)? {
            return Ok(ControlFlow::Continue(()));
        }
        let given = self.bindings.node(to);
        if is_plain_shortest(path) || is_plain_cheapest(path) {
            let (flow, needs_search) = if is_plain_cheapest(path) {
                self.plain_cheapest(path, start, step, rest)?
            } else {
                self.plain_shortest(path, start, step, rest)?
            };
            let may_be_start = given.is_none_or(|given| given == start);
            if flow.is_break() || !needs_search || !may_be_start {
                return Ok(flow);
            }
            let is_admitted = path
                .parts
                .last()
                .is_some_and(|part| given.is_some() || part.to_test.holds(self.snapshot, start));
            if !is_admitted {
                return Ok(flow);
            }
            return self.search_closed(path, start, step, rest);
        }
        let flow = self.search(path, start, to, step, rest);
        self.bindings
            .set(to, given.map_or(Binding::Unbound, Binding::Node));
        flow
    }

    /// Paths from a start back to itself that breadth-first search cannot judge.
    pub(super) fn search_closed<C: Condition + Clone>(
        &mut self,
        path: &PathStep<C>,
        start: NodeId,
        step: &Step<C>,
        rest: &[Step<C>],
    ) -> Flow<H::Error>
    where
        H: Host<C>,
    {
        let Some(to) = path.to() else {
            return Ok(ControlFlow::Continue(()));
        };
        let given = self.bindings.get(to).clone();
        self.bindings.set(to, Binding::Node(start));
        let flow = self.back(path, start, to, step, rest);
        self.bindings.set(to, given);
        flow
    }

    /// Paths back to the start, to which the end is bound.
    fn back<C: Condition + Clone>(
        &mut self,
        path: &PathStep<C>,
        start: NodeId,
        to: super::Var,
        step: &Step<C>,
        rest: &[Step<C>],
    ) -> Flow<H::Error>
    where
        H: Host<C>,
    {
        if let Some((part, hop)) = wants_a_cycle(path) {
            if !self.hold(&part.exit_conditions)? || !self.hold(&path.end_conditions)? {
                return Ok(ControlFlow::Continue(()));
            }
            let max = part.max.map_or(usize::MAX, |max| max as usize);
            return match self.shortest_cycle(hop, start)? {
                Some(cycle) if cycle.len() <= max => {
                    self.emit_parts(path, vec![cycle], &[start], step, rest)
                }
                _ => Ok(ControlFlow::Continue(())),
            };
        }
        if !self.may_close(path, start)? {
            return Ok(ControlFlow::Continue(()));
        }
        self.search(path, start, to, step, rest)
    }

    fn search<C: Condition + Clone>(
        &mut self,
        path: &PathStep<C>,
        start: NodeId,
        to: super::Var,
        step: &Step<C>,
        rest: &[Step<C>],
    ) -> Flow<H::Error>
    where
        H: Host<C>,
    {
        let shape = Shape {
            is_weighted: matches!(path.selector, Selector::Cheapest(_)),
        };
        let product = self.product(path, start, shape)?;
        let charged = product.charged;
        let flow = self.choose(path, start, to, &product, step, rest);
        self.budget.release(charged);
        flow
    }

    fn choose<C: Condition + Clone>(
        &mut self,
        path: &PathStep<C>,
        start: NodeId,
        to: super::Var,
        product: &Product,
        step: &Step<C>,
        rest: &[Step<C>],
    ) -> Flow<H::Error>
    where
        H: Host<C>,
    {
        let given = self.bindings.node(to);
        let mut wanted: Vec<(NodeId, Vec<u32>)> = Vec::new();
        let mut unwanted = None;
        for &(node, vertex) in &product.accepting {
            self.tick()?;
            if unwanted == Some(node) {
                continue;
            }
            if let Some((last, vertices)) = wanted.last_mut()
                && *last == node
            {
                vertices.push(vertex);
                continue;
            }
            self.bindings.set(to, Binding::Node(node));
            let is_wanted = self.hold(&path.end_conditions);
            self.bindings
                .set(to, given.map_or(Binding::Unbound, Binding::Node));
            if is_wanted? {
                wanted.push((node, vec![vertex]));
            } else {
                unwanted = Some(node);
            }
        }
        if path.selector == Selector::All {
            let mut is_accepting = vec![false; product.vertices.len()];
            for &vertex in wanted.iter().flat_map(|(_, vertices)| vertices) {
                if let Some(slot) = is_accepting.get_mut(vertex as usize) {
                    *slot = true;
                }
            }
            return self.all(path, start, product, &is_accepting, step, rest);
        }
        let predecessors = Predecessors::new(product);
        for (_, vertices) in wanted {
            let flow = self.best_first(path, start, product, &predecessors, &vertices, step, rest);
            if flow?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Best-first search over partial paths. The exact distance to the target is the bound, so a
    /// walk is extended only when nothing better is open (Hart, Nilsson, Raphael 1968; with several
    /// answers as in Eppstein's k shortest paths).
    #[expect(
        clippy::too_many_arguments,
        reason = "one search state, split for reading"
    )]
    fn best_first<C: Condition + Clone>(
        &mut self,
        path: &PathStep<C>,
        start: NodeId,
        product: &Product,
        predecessors: &Predecessors,
        vertices: &[u32],
        step: &Step<C>,
        rest: &[Step<C>],
    ) -> Flow<H::Error>
    where
        H: Host<C>,
    {
        let is_weighted = matches!(path.selector, Selector::Cheapest(_));
        let remaining = predecessors.distances(self.budget, product, vertices, is_weighted)?;
        let left = |vertex: u32| {
            remaining
                .get(vertex as usize)
                .copied()
                .unwrap_or(f64::INFINITY)
        };
        let is_end = |vertex: u32| vertices.contains(&vertex);
        // A path without a node twice leads back to its start only by staying there.
        let ends_at_start = vertices
            .first()
            .and_then(|&vertex| product.vertices.get(vertex as usize))
            .is_some_and(|vertex| vertex.node == start);
        let stays = ends_at_start && path.mode == Mode::Acyclic;
        let mut arena: Vec<Partial> = Vec::new();
        let mut heap: BinaryHeap<Reverse<(Cost, u32, u32)>> = BinaryHeap::new();
        let mut chosen = Chosen::new(path.selector);
        let mut charged = 0_u64;
        if left(0).is_finite() {
            arena.push(Partial {
                parent: u32::MAX,
                arc: u32::MAX,
                vertex: 0,
                n_edges: 0,
                cost: 0.0,
            });
            heap.push(Reverse((Cost(left(0)), 0, 0)));
        }
        let mut flow = Ok(ControlFlow::Continue(()));
        while let Some(Reverse((Cost(bound), _, at))) = heap.pop() {
            let Some(&partial) = arena.get(at as usize) else {
                continue;
            };
            if chosen.is_done(bound) {
                break;
            }
            self.tick()?;
            let trace = Trace::new(self.snapshot, product, &arena, at, start);
            // A partial path ends here when nothing is left to walk; it may also go on.
            if is_end(partial.vertex) {
                chosen.take(partial.cost);
                flow = self.emit(path, start, product, &trace.arcs, step, rest);
                if !matches!(flow, Ok(ControlFlow::Continue(()))) {
                    break;
                }
            }
            for arc_idx in product.arcs_of(partial.vertex) {
                let Some(arc) = product.arcs.get(arc_idx) else {
                    continue;
                };
                let left = left(arc.to);
                if left.is_infinite()
                    || (stays && arc.n_edges > 0)
                    || !trace.admits(self.snapshot, path.mode, product.edges_of(arc))
                {
                    continue;
                }
                self.tick()?;
                let step_cost = if is_weighted {
                    if arc.n_edges == 0 { 0.0 } else { arc.cost }
                } else {
                    f64::from(arc.n_edges)
                };
                let cost = partial.cost + step_cost;
                let n_edges = partial.n_edges + arc.n_edges;
                let idx = arena.len() as u32;
                arena.push(Partial {
                    parent: at,
                    arc: arc_idx as u32,
                    vertex: arc.to,
                    n_edges,
                    cost,
                });
                // Of equally good ones the cheapest path has the fewest edges; of equally long ones
                // the one that is nearest to its end is taken further, so that it ends soon.
                let rank = if is_weighted {
                    n_edges
                } else {
                    u32::MAX - n_edges
                };
                heap.push(Reverse((Cost(cost + left), rank, idx)));
            }
            if arena.len() as u64 > charged + 1024 {
                self.budget.charge((arena.len() as u64 - charged) * 56)?;
                charged = arena.len() as u64;
            }
        }
        self.budget.release(charged * 56);
        flow
    }

    /// Every path the mode admits, depth first, entering only what can still end.
    fn all<C: Condition + Clone>(
        &mut self,
        path: &PathStep<C>,
        start: NodeId,
        product: &Product,
        is_accepting: &[bool],
        step: &Step<C>,
        rest: &[Step<C>],
    ) -> Flow<H::Error>
    where
        H: Host<C>,
    {
        let ends: Vec<u32> = (0..product.vertices.len() as u32)
            .filter(|&vertex| is_accepting.get(vertex as usize).copied().unwrap_or(false))
            .collect();
        let is_useful = Predecessors::new(product).reaching(product, &ends);
        let useful = |vertex: u32| is_useful.get(vertex as usize).copied().unwrap_or(false);
        if !useful(0) {
            return Ok(ControlFlow::Continue(()));
        }
        let mut trace = Trace {
            nodes: vec![start],
            edges: Vec::new(),
            arcs: Vec::new(),
        };
        let mut stack = vec![(0_u32, product.arcs_of(0), true)];
        while let Some((vertex, _, is_new)) = stack.last_mut() {
            let is_end = is_accepting.get(*vertex as usize).copied().unwrap_or(false);
            if std::mem::take(is_new) && is_end {
                let arcs = trace.arcs.clone();
                if self
                    .emit(path, start, product, &arcs, step, rest)?
                    .is_break()
                {
                    return Ok(ControlFlow::Break(()));
                }
            }
            let Some(arc_idx) = stack.last_mut().and_then(|(_, open, _)| open.next()) else {
                stack.pop();
                trace.pop(product);
                continue;
            };
            let Some(arc) = product.arcs.get(arc_idx) else {
                continue;
            };
            self.tick()?;
            if !useful(arc.to) || !trace.admits(self.snapshot, path.mode, product.edges_of(arc)) {
                continue;
            }
            trace.push(self.snapshot, product, arc_idx as u32);
            stack.push((arc.to, product.arcs_of(arc.to), true));
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Binds everything a path binds and goes on.
    fn emit<C: Condition + Clone>(
        &mut self,
        path: &PathStep<C>,
        start: NodeId,
        product: &Product,
        arcs: &[u32],
        step: &Step<C>,
        rest: &[Step<C>],
    ) -> Flow<H::Error>
    where
        H: Host<C>,
    {
        let mut edges: Vec<Vec<EdgeId>> = vec![Vec::new(); path.parts.len()];
        let mut ends: Vec<NodeId> = vec![start; path.parts.len()];
        let mut part = 0_usize;
        for &arc_idx in arcs {
            let Some(arc) = product.arcs.get(arc_idx as usize) else {
                continue;
            };
            if let Some(list) = edges.get_mut(part) {
                list.extend_from_slice(product.edges_of(arc));
            }
            if let Some(vertex) = product.vertices.get(arc.to as usize) {
                part = vertex.place.part as usize;
                for end in ends.iter_mut().skip(part) {
                    *end = vertex.node;
                }
            }
        }
        self.emit_parts(path, edges, &ends, step, rest)
    }

    /// Binds each part of a path and goes on.
    pub(super) fn emit_parts<C: Condition + Clone>(
        &mut self,
        path: &PathStep<C>,
        edges: Vec<Vec<EdgeId>>,
        ends: &[NodeId],
        step: &Step<C>,
        rest: &[Step<C>],
    ) -> Flow<H::Error>
    where
        H: Host<C>,
    {
        let mut bound = Vec::new();
        let mut is_match = true;
        for (part, (edges, end)) in path
            .parts
            .iter()
            .zip(edges.into_iter().zip(ends.iter().copied()))
        {
            match self.bindings.node(part.to) {
                Some(node) => is_match &= node == end,
                None => {
                    self.bindings.set(part.to, Binding::Node(end));
                    bound.push(part.to);
                }
            }
            if part.is_single {
                if let Some(&edge) = edges.first() {
                    self.bindings.set(part.var, Binding::Edge(edge));
                    bound.push(part.var);
                }
            } else if part.read != Read::Nothing {
                let binding = if part.read == Read::Length {
                    Binding::Length(edges.len() as u32)
                } else {
                    let written: Shared<[EdgeId]> = part.written(edges).into();
                    Binding::Walk(written)
                };
                self.bindings.set(part.var, binding);
                bound.push(part.var);
            }
        }
        let flow = if is_match {
            self.proceed(step, rest)
        } else {
            Ok(ControlFlow::Continue(()))
        };
        for var in bound {
            self.bindings.set(var, Binding::Unbound);
        }
        flow
    }
}

/// Whether breadth-first search alone answers: one length wanted, one part of single edges, and no
/// least count that would force a detour.
pub(super) fn is_plain_shortest<C>(path: &PathStep<C>) -> bool {
    let wants_one_length = matches!(
        path.selector,
        Selector::AllShortest
            | Selector::Any(1)
            | Selector::Shortest(1)
            | Selector::ShortestGroups(1)
    );
    match path.parts.as_slice() {
        [part] => wants_one_length && part.hops.len() == 1 && part.min <= 1,
        _ => false,
    }
}

/// How many paths a selector still wants.
struct Chosen {
    selector: Selector,
    n_paths: u32,
    n_groups: u32,
    last: f64,
}

impl Chosen {
    fn new(selector: Selector) -> Self {
        Chosen {
            selector,
            n_paths: 0,
            n_groups: 0,
            last: f64::NEG_INFINITY,
        }
    }

    /// Whether no path of this cost or more is wanted.
    fn is_done(&self, bound: f64) -> bool {
        match self.selector {
            Selector::All => false,
            Selector::Any(k) | Selector::Shortest(k) | Selector::Cheapest(k) => self.n_paths >= k,
            Selector::AllShortest => self.n_groups >= 1 && bound > self.last,
            Selector::ShortestGroups(k) => k == 0 || (self.n_groups >= k && bound > self.last),
        }
    }

    fn take(&mut self, cost: f64) {
        self.n_paths += 1;
        if cost > self.last {
            self.n_groups += 1;
            self.last = cost;
        }
    }
}
