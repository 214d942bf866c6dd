//! Walking a repeated part, no edge twice: an explicit stack, so a long walk needs no deep calls.

use std::collections::hash_map::Entry;
use std::ops::ControlFlow;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::graph::{EdgeId, NodeId};

use super::bindings::Binding;
use super::compile::NodeTest;
use super::ir::{Condition, Read};
use super::run::{Flow, Host, Run, starts};
use super::step::{Part, Step};

/// One hop of the walk so far and what is still to be tried after it.
struct Frame {
    /// Where this hop starts.
    node: NodeId,
    /// Which hop of the round it is.
    hop: usize,
    /// Rounds finished before it.
    rounds: u32,
    /// Its untried candidates in the arena.
    next: usize,
    end: usize,
    /// What was taken last, to bind it again after a deeper round changed the variables.
    taken: Option<(EdgeId, NodeId)>,
}

impl<H> Run<'_, H> {
    pub(super) fn repeat<C: Condition + Clone>(
        &mut self,
        part: &Part<C>,
        step: &Step<C>,
        rest: &[Step<C>],
    ) -> Flow<H::Error>
    where
        H: Host<C>,
    {
        let Some(start) = self.bindings.node(part.from) else {
            return Ok(ControlFlow::Continue(()));
        };
        let target = self
            .bindings
            .node(part.to)
            .or((part.from == part.to).then_some(start));
        let Some(remaining) = self.remaining(part, start, target)? else {
            return Ok(ControlFlow::Continue(()));
        };
        if part.min == 0
            && self
                .arrive(part, start, target, &[], step, rest)?
                .is_break()
        {
            return Ok(ControlFlow::Break(()));
        }
        let mut walk = Walk {
            frames: Vec::new(),
            candidates: Vec::new(),
            edges: Vec::new(),
            remaining,
        };
        let flow = self.walk(part, start, target, &mut walk, step, rest);
        for _ in 0..walk.edges.len() {
            self.used.pop();
        }
        self.unbind_locals(part);
        flow
    }

    fn walk<C: Condition + Clone>(
        &mut self,
        part: &Part<C>,
        start: NodeId,
        target: Option<NodeId>,
        walk: &mut Walk,
        step: &Step<C>,
        rest: &[Step<C>],
    ) -> Flow<H::Error>
    where
        H: Host<C>,
    {
        let binds = part.has_conditions();
        self.open_round(part, start, 0, walk)?;
        while let Some(frame) = walk.frames.last_mut() {
            if frame.taken.take().is_some() {
                walk.edges.pop();
                self.used.pop();
            }
            if frame.next == frame.end {
                walk.frames.pop();
                walk.candidates
                    .truncate(walk.frames.last().map_or(0, |frame| frame.end));
                continue;
            }
            let Some(&(edge, end)) = walk.candidates.get(frame.next) else {
                frame.next = frame.end;
                continue;
            };
            frame.next += 1;
            let (hop_idx, rounds) = (frame.hop, frame.rounds);
            let Some(hop) = part.hops.get(hop_idx) else {
                continue;
            };
            self.tick()?;
            if self.used.contains(edge) || !hop.test.holds(self.snapshot, end) {
                continue;
            }
            if binds {
                self.bind_round(part, walk, hop_idx);
                self.bindings.set(hop.edge, Binding::Edge(edge));
                self.bindings.set(hop.target, Binding::Node(end));
                if !self.hold(&hop.conditions)? {
                    continue;
                }
            }
            if let Some(frame) = walk.frames.last_mut() {
                frame.taken = Some((edge, end));
            }
            walk.edges.push(edge);
            self.used.push(edge);
            if hop_idx + 1 < part.hops.len() {
                self.open_hop(part, end, hop_idx + 1, rounds, walk);
                continue;
            }
            let rounds = rounds + 1;
            if rounds >= part.min {
                if binds {
                    self.unbind_locals(part);
                }
                if self
                    .arrive(part, end, target, &walk.edges, step, rest)?
                    .is_break()
                {
                    return Ok(ControlFlow::Break(()));
                }
            }
            if part.max.is_none_or(|max| rounds < max)
                && walk.remaining.may_go_on(part.max, rounds, end)
            {
                self.open_round(part, end, rounds, walk)?;
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn open_round<C: Condition + Clone>(
        &mut self,
        part: &Part<C>,
        node: NodeId,
        rounds: u32,
        walk: &mut Walk,
    ) -> Result<(), H::Error>
    where
        H: Host<C>,
    {
        if part.max == Some(0) || !part.start_test.holds(self.snapshot, node) {
            return Ok(());
        }
        if !part.start_conditions.is_empty() {
            self.bindings.set(part.start, Binding::Node(node));
            if !self.hold(&part.start_conditions)? {
                return Ok(());
            }
        }
        self.open_hop(part, node, 0, rounds, walk);
        Ok(())
    }

    fn open_hop<C>(&self, part: &Part<C>, node: NodeId, hop: usize, rounds: u32, walk: &mut Walk) {
        let Some(hop_step) = part.hops.get(hop) else {
            return;
        };
        let next = walk.candidates.len();
        walk.candidates
            .extend(hop_step.edges.neighbours(self.snapshot, node));
        let frame = Frame {
            node,
            hop,
            rounds,
            next,
            end: walk.candidates.len(),
            taken: None,
        };
        walk.frames.push(frame);
    }

    /// Binds what the current round has walked before hop `hop`.
    fn bind_round<C: Condition>(&mut self, part: &Part<C>, walk: &Walk, hop: usize) {
        let first = walk.frames.len().saturating_sub(hop + 1);
        for (at, frame) in walk.frames.iter().skip(first).enumerate() {
            if at == 0 {
                self.bindings.set(part.start, Binding::Node(frame.node));
            }
            if let (Some((edge, end)), Some(hop)) = (frame.taken, part.hops.get(at)) {
                self.bindings.set(hop.edge, Binding::Edge(edge));
                self.bindings.set(hop.target, Binding::Node(end));
            }
        }
    }

    fn unbind_locals<C>(&mut self, part: &Part<C>) {
        if part.is_single {
            return;
        }
        self.bindings.set(part.start, Binding::Unbound);
        for hop in &part.hops {
            self.bindings.set(hop.edge, Binding::Unbound);
            self.bindings.set(hop.target, Binding::Unbound);
        }
    }

    /// The walk may end here: binds its end and goes on with the next step.
    fn arrive<C: Condition + Clone>(
        &mut self,
        part: &Part<C>,
        end: NodeId,
        target: Option<NodeId>,
        edges: &[EdgeId],
        step: &Step<C>,
        rest: &[Step<C>],
    ) -> Flow<H::Error>
    where
        H: Host<C>,
    {
        match target {
            Some(target) if target != end => return Ok(ControlFlow::Continue(())),
            Some(_) => {}
            None if !part.to_test.holds(self.snapshot, end) => {
                return Ok(ControlFlow::Continue(()));
            }
            None => self.bindings.set(part.to, Binding::Node(end)),
        }
        match part.read {
            Read::Edges => {
                let written: Arc<[EdgeId]> = part.written(edges.to_vec()).into();
                self.bindings.set(part.var, Binding::Walk(written));
            }
            Read::Length => {
                let length = Binding::Length(edges.len() as u32);
                self.bindings.set(part.var, length);
            }
            Read::Nothing => {}
        }
        let flow = self.proceed(step, rest);
        if part.read != Read::Nothing {
            self.bindings.set(part.var, Binding::Unbound);
        }
        if target.is_none() {
            self.bindings.set(part.to, Binding::Unbound);
        }
        flow
    }

    /// How many rounds each node is away from a target that is known: walks that cannot get there
    /// are not begun. `None` when the start cannot get there at all.
    fn remaining<C>(
        &mut self,
        part: &Part<C>,
        start: NodeId,
        target: Option<NodeId>,
    ) -> Result<Option<Remaining>, H::Error>
    where
        H: Host<C>,
    {
        let (Some(target), [hop]) = (target, part.hops.as_slice()) else {
            return Ok(Some(Remaining(None)));
        };
        if part.max.is_some_and(|max| max <= 2) {
            return Ok(Some(Remaining(None)));
        }
        let back = hop.edges.reversed();
        let mut rounds: FxHashMap<NodeId, u32> = FxHashMap::default();
        rounds.insert(target, 0);
        let mut frontier = vec![target];
        let mut distance = 0;
        while !frontier.is_empty() && part.max.is_none_or(|max| distance < max) {
            distance += 1;
            let mut next = Vec::new();
            for node in frontier {
                for (_, before) in back.neighbours(self.snapshot, node) {
                    self.tick()?;
                    if let Entry::Vacant(slot) = rounds.entry(before) {
                        slot.insert(distance);
                        next.push(before);
                    }
                }
            }
            frontier = next;
        }
        if rounds.contains_key(&start) {
            Ok(Some(Remaining(Some(rounds))))
        } else {
            Ok(None)
        }
    }

    /// Takes a walk that was bound beforehand and finds the ends it fits.
    pub(super) fn given_walk<C: Condition + Clone>(
        &mut self,
        part: &Part<C>,
        from_test: &NodeTest,
        step: &Step<C>,
        rest: &[Step<C>],
    ) -> Flow<H::Error>
    where
        H: Host<C>,
    {
        let [hop] = part.hops.as_slice() else {
            return Ok(ControlFlow::Continue(()));
        };
        let edges = part.written(self.bindings.edges_of(part.var).to_vec());
        let rounds = edges.len() as u32;
        if rounds < part.min || part.max.is_some_and(|max| rounds > max) {
            return Ok(ControlFlow::Continue(()));
        }
        let is_repeated = edges.iter().enumerate().any(|(at, edge)| {
            self.used.contains(*edge) || edges.iter().take(at).any(|earlier| earlier == edge)
        });
        if is_repeated {
            return Ok(ControlFlow::Continue(()));
        }
        let possible: Vec<NodeId> = match (self.bindings.node(part.from), edges.first()) {
            (Some(start), _) => vec![start],
            (None, Some(&edge)) => {
                let ends = self.snapshot.edge(edge);
                starts(ends.source, ends.target).collect()
            }
            (None, None) => self.bindings.node(part.to).into_iter().collect(),
        };
        for start in possible {
            let mut at = Some(start);
            for &edge in &edges {
                self.tick()?;
                at = at.and_then(|node| hop.edges.walk(self.snapshot, edge, node));
            }
            let Some(end) = at else {
                continue;
            };
            for &edge in &edges {
                self.used.push(edge);
            }
            let flow = self.with_ends(
                (part.from, start, from_test),
                (part.to, end, &part.to_test),
                step,
                rest,
            );
            for _ in &edges {
                self.used.pop();
            }
            if flow?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

struct Walk {
    frames: Vec<Frame>,
    candidates: Vec<(EdgeId, NodeId)>,
    edges: Vec<EdgeId>,
    remaining: Remaining,
}

/// Rounds to go from each node that can reach the target; `None` when there is no one target.
struct Remaining(Option<FxHashMap<NodeId, u32>>);

impl Remaining {
    fn may_go_on(&self, max: Option<u32>, rounds: u32, node: NodeId) -> bool {
        let Some(known) = &self.0 else {
            return true;
        };
        match (known.get(&node), max) {
            (None, _) => false,
            (Some(0), _) | (_, None) => true,
            (Some(&left), Some(max)) => rounds.saturating_add(left) <= max,
        }
    }
}
