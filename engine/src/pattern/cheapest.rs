//! One cheapest path to each end: Dijkstra's algorithm, ended early when the end is known.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::ControlFlow;

use rustc_hash::FxHashMap;

use crate::graph::{EdgeId, NodeId};

use super::bindings::Binding;
use super::closed::{Closed, closed};
use super::ir::{Condition, Selector};
use super::predecessors::Cost;
use super::run::{Flow, Host, Run};
use super::step::{HopStep, Part, PathStep, Step};

/// What a node costs to reach, in how many steps, and from where.
#[derive(Debug, Clone, Copy)]
struct Reached {
    cost: f64,
    n_steps: u32,
    before: Option<(NodeId, EdgeId)>,
    is_settled: bool,
}

/// Bytes accounted for each node reached.
const NODE_BYTES: u64 = 64;

/// Whether Dijkstra's algorithm alone answers: one path wanted, one part of single edges without
/// bounds. Costs are not negative, so the cheapest walk repeats nothing.
pub(super) fn is_plain_cheapest<C>(path: &PathStep<C>) -> bool {
    match path.parts.as_slice() {
        [part] => {
            path.selector == Selector::Cheapest(1)
                && part.hops.len() == 1
                && part.min <= 1
                && part.max.is_none()
        }
        _ => false,
    }
}

impl<H> Run<'_, H> {
    /// Answers a plain cheapest path; also tells whether the start itself may be an end that only
    /// a search can judge.
    pub(super) fn plain_cheapest<C: Condition + Clone>(
        &mut self,
        path: &PathStep<C>,
        start: NodeId,
        step: &Step<C>,
        rest: &[Step<C>],
    ) -> Result<(ControlFlow<()>, bool), H::Error>
    where
        H: Host<C>,
    {
        let Some((part, hop)) = path
            .parts
            .first()
            .and_then(|part| Some((part, part.hops.first()?)))
        else {
            return Ok((ControlFlow::Continue(()), false));
        };
        let given = self.bindings.node(part.to);
        let mut reached: FxHashMap<NodeId, Reached> = FxHashMap::default();
        let mut charged = 0;
        let result = self.settle(part, hop, start, given, &mut reached, &mut charged);
        let flow = match result {
            Ok(cycle) => self.cheapest_ends(path, part, start, &reached, cycle, step, rest),
            Err(error) => Err(error),
        };
        self.budget.release(charged);
        let needs_search = matches!(closed(path, start, start), Closed::Search);
        Ok((flow?, needs_search))
    }

    /// Reaches nodes in order of cost; returns the cheapest way back to the start: its cost, the
    /// node before the end, and the last edge.
    fn settle<C: Condition + Clone>(
        &mut self,
        part: &Part<C>,
        hop: &HopStep<C>,
        start: NodeId,
        given: Option<NodeId>,
        reached: &mut FxHashMap<NodeId, Reached>,
        charged: &mut u64,
    ) -> Result<Option<(f64, NodeId, EdgeId)>, H::Error>
    where
        H: Host<C>,
    {
        let snapshot = self.snapshot;
        let mut cycle: Option<(f64, NodeId, EdgeId)> = None;
        let mut heap = BinaryHeap::new();
        reached.insert(
            start,
            Reached {
                cost: 0.0,
                n_steps: 0,
                before: None,
                is_settled: false,
            },
        );
        heap.push(Reverse((Cost(0.0), 0_u32, start)));
        while let Some(Reverse((Cost(cost), n_steps, node))) = heap.pop() {
            match reached.get_mut(&node) {
                Some(known) if !known.is_settled => known.is_settled = true,
                _ => continue,
            }
            let is_cycle_found = cycle.is_some_and(|(least, ..)| least <= cost);
            if given == Some(node) && node != start || given == Some(start) && is_cycle_found {
                break;
            }
            for (edge, end) in hop.edges.neighbours(snapshot, node) {
                self.tick()?;
                let is_open =
                    end == start || reached.get(&end).is_none_or(|known| !known.is_settled);
                if !is_open {
                    continue;
                }
                let Some(weight) = self.step_cost(part, hop, (node, edge, end))? else {
                    continue;
                };
                let (cost, n_steps) = (cost + weight, n_steps + 1);
                if end == start {
                    if cycle.is_none_or(|(least, ..)| cost < least) {
                        cycle = Some((cost, node, edge));
                    }
                    continue;
                }
                let is_better = reached
                    .get(&end)
                    .is_none_or(|known| (Cost(cost), n_steps) < (Cost(known.cost), known.n_steps));
                if is_better {
                    let before = Some((node, edge));
                    reached.insert(
                        end,
                        Reached {
                            cost,
                            n_steps,
                            before,
                            is_settled: false,
                        },
                    );
                    heap.push(Reverse((Cost(cost), n_steps, end)));
                }
            }
            let bytes = reached.len() as u64 * NODE_BYTES;
            if bytes > *charged + 65_536 {
                self.budget.charge(bytes - *charged)?;
                *charged = bytes;
            }
        }
        Ok(cycle)
    }

    /// What a hop costs; `None` when it is not admitted.
    fn step_cost<C: Condition + Clone>(
        &mut self,
        part: &Part<C>,
        hop: &HopStep<C>,
        (from, edge, to): (NodeId, EdgeId, NodeId),
    ) -> Result<Option<f64>, H::Error>
    where
        H: Host<C>,
    {
        if !self.admits(part, hop, (from, edge, to))? {
            return Ok(None);
        }
        let Some(cost) = &hop.cost else {
            return Ok(Some(1.0));
        };
        let vars = [part.start, hop.edge, hop.target];
        let saved = vars.map(|var| self.bindings.get(var).clone());
        self.bindings.set(part.start, Binding::Node(from));
        self.bindings.set(hop.edge, Binding::Edge(edge));
        self.bindings.set(hop.target, Binding::Node(to));
        let cost = self.host.cost(cost, self.bindings);
        for (var, binding) in vars.into_iter().zip(saved) {
            self.bindings.set(var, binding);
        }
        cost.map(Some)
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one search state, split for reading"
    )]
    fn cheapest_ends<C: Condition + Clone>(
        &mut self,
        path: &PathStep<C>,
        part: &Part<C>,
        start: NodeId,
        reached: &FxHashMap<NodeId, Reached>,
        cycle: Option<(f64, NodeId, EdgeId)>,
        step: &Step<C>,
        rest: &[Step<C>],
    ) -> Flow<H::Error>
    where
        H: Host<C>,
    {
        let given = self.bindings.node(part.to);
        let mut ends: Vec<NodeId> = match given {
            Some(end) => vec![end],
            None => reached.keys().copied().collect(),
        };
        ends.sort_unstable();
        for end in ends {
            let mut walk = Vec::new();
            let mut at = end;
            if end == start {
                let is_plain = matches!(closed(path, start, start), Closed::Plain);
                match cycle {
                    _ if !is_plain => continue,
                    _ if part.min == 0 => {}
                    Some((_, before, edge)) => {
                        walk.push(edge);
                        at = before;
                    }
                    None => continue,
                }
            } else if !reached.get(&end).is_some_and(|known| known.is_settled) {
                continue;
            }
            while let Some((before, edge)) = reached.get(&at).and_then(|known| known.before) {
                walk.push(edge);
                at = before;
            }
            walk.reverse();
            if given.is_none() && !part.to_test.holds(self.snapshot, end) {
                continue;
            }
            self.bindings.set(part.to, Binding::Node(end));
            let is_wanted = self.hold(&part.exit_conditions)? && self.hold(&path.end_conditions)?;
            self.bindings
                .set(part.to, given.map_or(Binding::Unbound, Binding::Node));
            if is_wanted
                && self
                    .emit_parts(path, vec![walk], &[end], step, rest)?
                    .is_break()
            {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}
