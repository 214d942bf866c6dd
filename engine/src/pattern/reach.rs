//! Where a repeated part can lead, each end once: breadth-first instead of walk by walk.

use std::collections::hash_map::Entry;
use std::ops::ControlFlow;

use rustc_hash::FxHashMap;

use crate::graph::{NodeId, Snapshot};

use super::bindings::Binding;
use super::ir::{Condition, Direction, Read};
use super::run::{Flow, Host, Run};
use super::step::{HopStep, Part, Step};

/// Distances of a breadth-first search: a small table while few nodes are reached, so that a short
/// search costs nothing in the size of the graph, then one slot a node.
#[derive(Debug, Default)]
pub(super) struct Levels {
    few: FxHashMap<u32, u32>,
    /// Distance and one; 0 when not reached. Empty while the small table serves.
    of_node: Vec<u32>,
    reached: Vec<NodeId>,
}

/// The small table serves up to one node in so many.
const FEW_SHARE: usize = 64;

impl Levels {
    pub(super) fn get(&self, node: NodeId) -> Option<u32> {
        if self.of_node.is_empty() {
            return self.few.get(&node.0).copied();
        }
        self.of_node
            .get(node.0 as usize)
            .copied()
            .and_then(|level| level.checked_sub(1))
    }

    /// Notes a distance in a graph of `n_nodes`; `false` when the node has one already.
    pub(super) fn set(&mut self, n_nodes: usize, node: NodeId, level: u32) -> bool {
        if self.of_node.is_empty() {
            if self.reached.len() < n_nodes / FEW_SHARE {
                return match self.few.entry(node.0) {
                    Entry::Occupied(_) => false,
                    Entry::Vacant(slot) => {
                        slot.insert(level);
                        self.reached.push(node);
                        true
                    }
                };
            }
            self.of_node = vec![0; n_nodes];
            for &node in &self.reached {
                let level = self.few.get(&node.0).copied();
                if let (Some(slot), Some(level)) = (self.of_node.get_mut(node.0 as usize), level) {
                    *slot = level + 1;
                }
            }
            self.few.clear();
        }
        match self.of_node.get_mut(node.0 as usize) {
            Some(slot) if *slot == 0 => {
                *slot = level + 1;
                self.reached.push(node);
                true
            }
            _ => false,
        }
    }

    /// Forgets everything, in the size of what was reached.
    fn clear(&mut self) {
        self.few.clear();
        for node in self.reached.drain(..) {
            if let Some(slot) = self.of_node.get_mut(node.0 as usize) {
                *slot = 0;
            }
        }
    }

    /// The nodes in order of discovery.
    pub(super) fn reached(&self) -> &[NodeId] {
        &self.reached
    }
}

impl<H> Run<'_, H> {
    /// Scratch space for one search.
    pub(super) fn take_levels(&mut self) -> Levels {
        self.levels.pop().unwrap_or_default()
    }

    pub(super) fn give_levels(&mut self, mut levels: Levels) {
        levels.clear();
        self.levels.push(levels);
    }

    /// Whether a hop over `edge` from one node to another is admitted.
    pub(super) fn admits<C: Condition + Clone>(
        &mut self,
        part: &Part<C>,
        hop: &HopStep<C>,
        (from, edge, to): (NodeId, crate::graph::EdgeId, NodeId),
    ) -> Result<bool, H::Error>
    where
        H: Host<C>,
    {
        if !hop.test.holds(self.snapshot, to) {
            return Ok(false);
        }
        if hop.conditions.is_empty() && part.start_conditions.is_empty() {
            return Ok(part.start_test.holds(self.snapshot, from));
        }
        if !part.start_test.holds(self.snapshot, from) {
            return Ok(false);
        }
        let vars = [part.start, hop.edge, hop.target];
        let saved = vars.map(|var| self.bindings.get(var).clone());
        self.bindings.set(part.start, Binding::Node(from));
        self.bindings.set(hop.edge, Binding::Edge(edge));
        self.bindings.set(hop.target, Binding::Node(to));
        let holds = match self.hold(&part.start_conditions) {
            Ok(true) => self.hold(&hop.conditions),
            other => other,
        };
        for (var, binding) in vars.into_iter().zip(saved) {
            self.bindings.set(var, binding);
        }
        holds
    }

    pub(super) fn reach<C: Condition + Clone>(
        &mut self,
        part: &Part<C>,
        step: &Step<C>,
        rest: &[Step<C>],
    ) -> Flow<H::Error>
    where
        H: Host<C>,
    {
        let (Some(start), [hop]) = (self.bindings.node(part.from), part.hops.as_slice()) else {
            return self.repeat(part, step, rest);
        };
        let target = self
            .bindings
            .node(part.to)
            .or((part.from == part.to).then_some(start));
        // Back to the start over an edge of free direction: only a search tells a cycle from an
        // edge walked out and back.
        let is_free = hop.edges.direction == Direction::Any && part.min == 1;
        if is_free && target == Some(start) {
            return self.first_walk(part, start, step, rest);
        }
        let mut levels = self.take_levels();
        let result = self.spread(part, hop, start, target, &mut levels);
        let mut flow = Ok(ControlFlow::Continue(()));
        match result {
            Ok(returns) => {
                let mut ends: Vec<NodeId> = levels.reached().to_vec();
                if part.min > 0 {
                    ends.retain(|&end| end != start);
                    if returns && !is_free {
                        ends.push(start);
                    }
                }
                ends.sort_unstable();
                for end in ends {
                    flow = self.end_at(part, end, target, step, rest);
                    if !matches!(flow, Ok(ControlFlow::Continue(()))) {
                        break;
                    }
                }
                let is_open = matches!(flow, Ok(ControlFlow::Continue(())));
                if is_open && is_free && returns && target.is_none() {
                    self.bindings.set(part.to, Binding::Node(start));
                    let is_admitted = part.to_test.holds(self.snapshot, start);
                    if is_admitted {
                        flow = self.first_walk(part, start, step, rest);
                    }
                    self.bindings.set(part.to, Binding::Unbound);
                }
            }
            Err(error) => flow = Err(error),
        }
        self.give_levels(levels);
        flow
    }

    /// Breadth-first from `start`; tells whether some edge leads back to it.
    fn spread<C: Condition + Clone>(
        &mut self,
        part: &Part<C>,
        hop: &HopStep<C>,
        start: NodeId,
        target: Option<NodeId>,
        levels: &mut Levels,
    ) -> Result<bool, H::Error>
    where
        H: Host<C>,
    {
        let snapshot: &Snapshot = self.snapshot;
        let mut returns = false;
        let mut next = 0;
        let n_nodes = snapshot.n_nodes();
        levels.set(n_nodes, start, 0);
        while let Some(&node) = levels.reached().get(next) {
            next += 1;
            let depth = levels.get(node).unwrap_or(0);
            if part.max.is_some_and(|max| depth >= max) {
                break;
            }
            for (edge, end) in hop.edges.neighbours(snapshot, node) {
                self.tick()?;
                let is_new = levels.get(end).is_none();
                if !is_new && end != start {
                    continue;
                }
                if !self.admits(part, hop, (node, edge, end))? {
                    continue;
                }
                returns |= end == start;
                levels.set(n_nodes, end, depth + 1);
                if target == Some(end) && (end != start || returns) {
                    return Ok(returns);
                }
            }
        }
        Ok(returns)
    }

    fn end_at<C: Condition + Clone>(
        &mut self,
        part: &Part<C>,
        end: NodeId,
        target: Option<NodeId>,
        step: &Step<C>,
        rest: &[Step<C>],
    ) -> Flow<H::Error>
    where
        H: Host<C>,
    {
        match target {
            Some(target) if target != end => Ok(ControlFlow::Continue(())),
            Some(_) => self.proceed(step, rest),
            None if !part.to_test.holds(self.snapshot, end) => Ok(ControlFlow::Continue(())),
            None => {
                self.bindings.set(part.to, Binding::Node(end));
                let flow = self.proceed(step, rest);
                self.bindings.set(part.to, Binding::Unbound);
                flow
            }
        }
    }

    /// Whether any walk leads back to the start; then the match goes on once.
    fn first_walk<C: Condition + Clone>(
        &mut self,
        part: &Part<C>,
        start: NodeId,
        step: &Step<C>,
        rest: &[Step<C>],
    ) -> Flow<H::Error>
    where
        H: Host<C>,
    {
        // Short walks first: most cycles are short, and a long search is cut by the budget.
        let mut probe = part.clone();
        probe.is_reach = false;
        probe.read = Read::Nothing;
        let bounds = [3, 6, 12].into_iter().map(Some).chain([part.max]);
        for bound in bounds {
            if let (Some(bound), Some(max)) = (bound, part.max)
                && bound > max
            {
                continue;
            }
            probe.max = bound;
            if self.closes(&probe, start)? {
                return self.proceed(step, rest);
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Depth-first for one walk from `start` back to it.
    fn closes<C: Condition + Clone>(
        &mut self,
        part: &Part<C>,
        start: NodeId,
    ) -> Result<bool, H::Error>
    where
        H: Host<C>,
    {
        let [hop] = part.hops.as_slice() else {
            return Ok(false);
        };
        let snapshot = self.snapshot;
        let mut stack: Vec<(NodeId, Vec<(crate::graph::EdgeId, NodeId)>)> =
            vec![(start, hop.edges.neighbours(snapshot, start).collect())];
        let mut n_used = 0;
        let mut found = false;
        while let Some((node, open)) = stack.last_mut() {
            let node = *node;
            let Some((edge, end)) = open.pop() else {
                stack.pop();
                if n_used > 0 {
                    self.used.pop();
                    n_used -= 1;
                }
                continue;
            };
            self.tick()?;
            let is_deep = part
                .max
                .is_some_and(|max| stack.len() as u64 > u64::from(max));
            if is_deep || self.used.contains(edge) || !self.admits(part, hop, (node, edge, end))? {
                continue;
            }
            if end == start {
                found = true;
                break;
            }
            self.used.push(edge);
            n_used += 1;
            stack.push((end, hop.edges.neighbours(snapshot, end).collect()));
        }
        for _ in 0..n_used {
            self.used.pop();
        }
        Ok(found)
    }
}
