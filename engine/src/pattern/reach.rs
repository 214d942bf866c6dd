//! Where a repeated part can lead, each end once: breadth-first instead of walk by walk.

use std::ops::ControlFlow;

use crate::graph::{Levels, NodeId, Snapshot};

use super::bindings::Binding;
use super::compile::{NodeTest, every_end};
use super::ir::{Condition, Direction, Read};
use super::run::{Flow, Host, Run};
use super::step::{HopStep, Part, Step};

impl<H> Run<'_, H> {
    /// Whether a hop is admitted whatever its edge and its ends: then only ends are looked at.
    pub(super) fn is_bare<C>(&self, part: &Part<C>, hop: &HopStep<C>) -> bool {
        matches!(
            (&part.start_test, &hop.test),
            (NodeTest::Any, NodeTest::Any)
        ) && part.start_conditions.is_empty()
            && hop.conditions.is_empty()
            && hop.edges.kinds.len() == self.snapshot.kinds().len()
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
        let mut levels = self.snapshot.take_levels();
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
        self.snapshot.give_levels(levels);
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
        let is_bare = self.is_bare(part, hop);
        levels.set(start, 0);
        while let Some(&node) = levels.reached().get(next) {
            next += 1;
            let depth = levels.get(node).unwrap_or(0);
            if part.max.is_some_and(|max| depth >= max) {
                break;
            }
            if is_bare {
                for &end in every_end(snapshot, hop.edges.direction, node) {
                    self.tick()?;
                    let end = NodeId(end);
                    returns |= end == start;
                    levels.set(end, depth + 1);
                    if target == Some(end) && (end != start || returns) {
                        return Ok(returns);
                    }
                }
                continue;
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
                levels.set(end, depth + 1);
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
