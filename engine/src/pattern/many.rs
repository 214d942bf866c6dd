//! Shortest paths from many starts: the starts of a scan are searched in batches, and where only
//! sums over the starts are wanted no pair is ever listed.

use std::ops::ControlFlow;

use crate::graph::NodeId;

use super::bindings::Binding;
use super::closed::{Closed, closed};
use super::ir::{Condition, Read, Var};
use super::lanes::{Keep, Lanes, count, lanes_of, one, without};
use super::run::{Flow, Host, Run};
use super::select::is_plain_shortest;
use super::shortest::{Distances, Known};
use super::step::{HopStep, Part, PathStep, Step, Sums};

/// Words of a wide search: 512 sources at once.
const WIDE: usize = 8;
/// A batch begins with one start and grows, so that a few rows are found soon.
const GROWTH: usize = 16;
/// Pairs that one batch may list.
const PAIRS: u64 = 1 << 22;
/// A search takes no more memory than this, nor more than a quarter of the limit.
const MOST_BYTES: u64 = 128 << 20;

/// A path step that can be searched from many starts at once, with the step itself.
pub(super) struct Many<'s, C> {
    /// The start.
    pub(super) var: Var,
    /// The scan's step.
    pub(super) scan: &'s Step<C>,
    pub(super) path: &'s PathStep<C>,
    /// The path's step.
    pub(super) step: &'s Step<C>,
    /// What follows.
    pub(super) rest: &'s [Step<C>],
}

impl<'s, C: Condition + Clone> Many<'s, C> {
    /// Recognises a scan followed by shortest paths from it: what a search admits must not depend
    /// on where it starts.
    pub(super) fn new(var: Var, scan: &'s Step<C>, rest: &'s [Step<C>]) -> Option<Self> {
        let (step, rest) = rest.split_first()?;
        let super::step::Op::Path(path) = &step.op else {
            return None;
        };
        let (from, to) = (path.from()?, path.to()?);
        if from != var || from == to || !is_plain_shortest(path) {
            return None;
        }
        let part = path.parts.first()?;
        let hops = part.hops.iter().flat_map(|hop| &hop.conditions);
        let mut inside = part.start_conditions.iter().chain(hops);
        let is_local = |var: Var| {
            var == part.start
                || part
                    .hops
                    .iter()
                    .any(|hop| var == hop.edge || var == hop.target)
        };
        let reads_ends = inside.any(|condition| {
            let vars = condition.variables().iter();
            vars.filter(|&&var| !is_local(var) || part.is_single)
                .any(|&var| var == from || var == to)
        });
        (!reads_ends).then_some(Many {
            var,
            scan,
            path,
            step,
            rest,
        })
    }

    /// The variable of the end.
    pub(super) fn end(&self) -> Var {
        self.path.to().unwrap_or(self.var)
    }
}

/// Whether a step after a scan of `var` is searched from many starts at once.
pub(super) fn is_searched_together<C: Condition + Clone>(var: Var, step: &Step<C>) -> bool {
    Many::new(var, step, std::slice::from_ref(step)).is_some()
}

/// Scratch space for both widths.
#[derive(Default)]
struct Space {
    narrow: Option<Lanes<1>>,
    wide: Option<Lanes<WIDE>>,
    charged: u64,
}

/// The distances of one source of many.
struct FromOne<'l, const W: usize> {
    lanes: &'l Lanes<W>,
    at: usize,
    start: NodeId,
}

impl<const W: usize> Distances for FromOne<'_, W> {
    fn of(&self, node: NodeId) -> Option<u32> {
        if node == self.start {
            Some(0)
        } else {
            self.lanes.level(node, self.at)
        }
    }
}

/// How many pairs there are, by end and length as far as they are told apart.
type Totals = Vec<Vec<u64>>;

impl<H> Run<'_, H> {
    pub(super) fn many<C: Condition + Clone>(
        &mut self,
        many: &Many<'_, C>,
        starts: &mut dyn Iterator<Item = u32>,
    ) -> Flow<H::Error>
    where
        H: Host<C>,
    {
        let mut space = Space::default();
        let flow = match &many.path.sums {
            Some(sums) => self.sum_pairs(many, sums, starts, &mut space),
            None => self.list_pairs(many, starts, &mut space),
        };
        let lanes = [
            space.narrow.as_ref().map_or(0, Lanes::charged),
            space.wide.as_ref().map_or(0, Lanes::charged),
        ];
        self.budget
            .release(space.charged + lanes.iter().sum::<u64>());
        self.bindings.set(many.var, Binding::Unbound);
        flow
    }

    fn list_pairs<C: Condition + Clone>(
        &mut self,
        many: &Many<'_, C>,
        starts: &mut dyn Iterator<Item = u32>,
        space: &mut Space,
    ) -> Flow<H::Error>
    where
        H: Host<C>,
    {
        let largest = self.largest_batch(many.path);
        let mut size = 1;
        loop {
            let batch = self.batch(many, starts, size)?;
            let flow = match batch.as_slice() {
                [] => return Ok(ControlFlow::Continue(())),
                [start] => {
                    self.bindings.set(many.var, Binding::Node(*start));
                    self.path(many.path, many.step, many.rest)
                }
                _ if batch.len() <= 64 => {
                    let mut lanes = self.narrow(space)?;
                    let flow = self.list(many, &batch, &mut lanes);
                    space.narrow = Some(lanes);
                    flow
                }
                _ => {
                    let mut lanes = self.wide(space)?;
                    let flow = self.list(many, &batch, &mut lanes);
                    space.wide = Some(lanes);
                    flow
                }
            };
            if flow?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            if batch.len() < size {
                return Ok(ControlFlow::Continue(()));
            }
            size = (size * GROWTH).min(largest);
        }
    }

    /// The next starts that the scan's conditions and those on the start admit.
    fn batch<C: Condition + Clone>(
        &mut self,
        many: &Many<'_, C>,
        starts: &mut dyn Iterator<Item = u32>,
        size: usize,
    ) -> Result<Vec<NodeId>, H::Error>
    where
        H: Host<C>,
    {
        let mut batch = Vec::new();
        while batch.len() < size {
            let Some(id) = starts.next() else {
                break;
            };
            self.tick()?;
            self.bindings.set(many.var, Binding::Node(NodeId(id)));
            if self.hold(&many.scan.conditions)? && self.hold(&many.path.start_conditions)? {
                batch.push(NodeId(id));
            }
        }
        self.bindings.set(many.var, Binding::Unbound);
        Ok(batch)
    }

    fn largest_batch<C: Condition + Clone>(&self, path: &PathStep<C>) -> usize {
        let n_nodes = self.snapshot.n_nodes();
        let room = (self.budget.limits().memory_bytes / 4).min(MOST_BYTES);
        let n_ends = match (path.parts.first(), path.sums.is_some()) {
            (Some(part), false) => part.to_test.count(self.snapshot).max(1),
            _ => 1,
        };
        let fitting = if Lanes::<WIDE>::bytes(n_nodes) <= room {
            64 * WIDE
        } else if Lanes::<1>::bytes(n_nodes) <= room {
            64
        } else {
            1
        };
        fitting.min((PAIRS / n_ends).max(1) as usize)
    }

    fn narrow(&mut self, space: &mut Space) -> Result<Lanes<1>, crate::budget::Stop> {
        if let Some(lanes) = space.narrow.take() {
            return Ok(lanes);
        }
        let n_nodes = self.snapshot.n_nodes();
        space.charged += Lanes::<1>::bytes(n_nodes);
        self.budget.charge(Lanes::<1>::bytes(n_nodes))?;
        Ok(Lanes::new(n_nodes))
    }

    fn wide(&mut self, space: &mut Space) -> Result<Lanes<WIDE>, crate::budget::Stop> {
        if let Some(lanes) = space.wide.take() {
            return Ok(lanes);
        }
        let n_nodes = self.snapshot.n_nodes();
        space.charged += Lanes::<WIDE>::bytes(n_nodes);
        self.budget.charge(Lanes::<WIDE>::bytes(n_nodes))?;
        Ok(Lanes::new(n_nodes))
    }

    /// Every pair of a batch, by start, then by end.
    fn list<C: Condition + Clone, const W: usize>(
        &mut self,
        many: &Many<'_, C>,
        starts: &[NodeId],
        lanes: &mut Lanes<W>,
    ) -> Flow<H::Error>
    where
        H: Host<C>,
    {
        let Some((part, hop)) = only_part(many.path) else {
            return Ok(ControlFlow::Continue(()));
        };
        let keep = if many.path.takes_all() || part.read == Read::Edges {
            Keep::Every
        } else {
            Keep::Ends
        };
        self.flood(part, hop, starts, keep, lanes)?;
        let mut found: Vec<Vec<(NodeId, u32)>> = vec![Vec::new(); starts.len()];
        let mut n_pairs = 0_u64;
        for end in lanes.ends() {
            if !part.to_test.holds(self.snapshot, NodeId(end)) {
                continue;
            }
            for (level, bits) in lanes.levels(end) {
                n_pairs += count(bits);
                for lane in lanes_of(bits) {
                    if let Some(ends) = found.get_mut(lane) {
                        ends.push((NodeId(end), level));
                    }
                }
            }
        }
        self.budget.charge(n_pairs * 8)?;
        let flow = self.list_found(many, starts, &found, lanes);
        self.budget.release(n_pairs * 8);
        flow
    }

    fn list_found<C: Condition + Clone, const W: usize>(
        &mut self,
        many: &Many<'_, C>,
        starts: &[NodeId],
        found: &[Vec<(NodeId, u32)>],
        lanes: &Lanes<W>,
    ) -> Flow<H::Error>
    where
        H: Host<C>,
    {
        let Many { path, step, .. } = many;
        let Some((part, hop)) = only_part(path) else {
            return Ok(ControlFlow::Continue(()));
        };
        for (lane, (&start, ends)) in starts.iter().zip(found).enumerate() {
            self.bindings.set(many.var, Binding::Node(start));
            let closes = closed(path, start, start);
            let distances = FromOne {
                lanes,
                at: lane,
                start,
            };
            for &(end, length) in ends {
                self.tick()?;
                if end == start && !matches!(closes, Closed::Plain) {
                    continue;
                }
                self.bindings.set(part.to, Binding::Node(end));
                let is_wanted =
                    self.hold(&part.exit_conditions)? && self.hold(&path.end_conditions)?;
                self.bindings.set(part.to, Binding::Unbound);
                if !is_wanted {
                    continue;
                }
                let known = Known {
                    length,
                    forward: &distances,
                    backward: None,
                };
                let flow = self.give(path, (part, hop), (start, end), &known, step, many.rest);
                if flow?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            let may_close =
                matches!(closes, Closed::Search) && part.to_test.holds(self.snapshot, start);
            if may_close && self.search_closed(path, start, step, many.rest)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Counts pairs instead of listing them, and hands on each different end and length once, with
    /// the number of starts it stands for.
    fn sum_pairs<C: Condition + Clone>(
        &mut self,
        many: &Many<'_, C>,
        sums: &Sums<C>,
        starts: &mut dyn Iterator<Item = u32>,
        space: &mut Space,
    ) -> Flow<H::Error>
    where
        H: Host<C>,
    {
        let size = self.largest_batch(many.path).max(1);
        let mut totals: Totals = Vec::new();
        // Whether an end is wanted: 0 not judged yet, 1 yes, 2 no.
        let mut judged = vec![0_u8; self.snapshot.n_nodes()];
        loop {
            let batch = self.batch(many, starts, size)?;
            if batch.is_empty() {
                break;
            }
            if batch.len() <= 64 {
                let mut lanes = self.narrow(space)?;
                let result = self.sum(many, sums, &batch, &mut lanes, &mut judged, &mut totals);
                space.narrow = Some(lanes);
                result?;
            } else {
                let mut lanes = self.wide(space)?;
                let result = self.sum(many, sums, &batch, &mut lanes, &mut judged, &mut totals);
                space.wide = Some(lanes);
                result?;
            }
            if batch.len() < size {
                break;
            }
        }
        let Some((part, _)) = only_part(many.path) else {
            return Ok(ControlFlow::Continue(()));
        };
        let weight = self.weight;
        let mut flow = Ok(ControlFlow::Continue(()));
        'ends: for (end, by_length) in totals.iter().enumerate() {
            for (length, &n) in by_length.iter().enumerate() {
                if n == 0 {
                    continue;
                }
                self.tick()?;
                if sums.by_end {
                    self.bindings
                        .set(part.to, Binding::Node(NodeId(end as u32)));
                }
                if sums.by_length {
                    self.bindings.set(part.var, Binding::Length(length as u32));
                }
                self.weight = weight.saturating_mul(n);
                flow = self.proceed(many.step, many.rest);
                if !matches!(flow, Ok(ControlFlow::Continue(()))) {
                    break 'ends;
                }
            }
        }
        self.weight = weight;
        self.bindings.set(part.to, Binding::Unbound);
        self.bindings.set(part.var, Binding::Unbound);
        flow
    }

    fn sum<C: Condition + Clone, const W: usize>(
        &mut self,
        many: &Many<'_, C>,
        sums: &Sums<C>,
        starts: &[NodeId],
        lanes: &mut Lanes<W>,
        judged: &mut [u8],
        totals: &mut Totals,
    ) -> Result<(), H::Error>
    where
        H: Host<C>,
    {
        let Some((part, hop)) = only_part(many.path) else {
            return Ok(());
        };
        self.flood(part, hop, starts, Keep::Ends, lanes)?;
        for end in lanes.ends() {
            if !self.is_end(part, sums, NodeId(end), judged)? {
                continue;
            }
            let own = match starts.binary_search(&NodeId(end)) {
                Ok(lane) if sums.excludes_start => one::<W>(lane),
                _ => [0; W],
            };
            let outer = if sums.by_end { end as usize } else { 0 };
            if totals.len() <= outer {
                totals.resize_with(outer + 1, Vec::new);
            }
            for (level, bits) in lanes.levels(end) {
                self.tick()?;
                let inner = if sums.by_length { level as usize } else { 0 };
                let Some(by_length) = totals.get_mut(outer) else {
                    continue;
                };
                if by_length.len() <= inner {
                    by_length.resize(inner + 1, 0);
                }
                if let Some(total) = by_length.get_mut(inner) {
                    *total += count(&without(*bits, &own));
                }
            }
        }
        Ok(())
    }

    fn is_end<C: Condition + Clone>(
        &mut self,
        part: &Part<C>,
        sums: &Sums<C>,
        end: NodeId,
        judged: &mut [u8],
    ) -> Result<bool, H::Error>
    where
        H: Host<C>,
    {
        let at = end.0 as usize;
        if let Some(&known) = judged.get(at)
            && known != 0
        {
            return Ok(known == 1);
        }
        let mut is_end = part.to_test.holds(self.snapshot, end);
        if is_end && !sums.conditions.is_empty() {
            self.bindings.set(part.to, Binding::Node(end));
            is_end = self.hold(&sums.conditions)?;
            self.bindings.set(part.to, Binding::Unbound);
        }
        if let Some(known) = judged.get_mut(at) {
            *known = if is_end { 1 } else { 2 };
        }
        Ok(is_end)
    }
}

fn only_part<C>(path: &PathStep<C>) -> Option<(&Part<C>, &HopStep<C>)> {
    let part = path.parts.first()?;
    Some((part, part.hops.first()?))
}
