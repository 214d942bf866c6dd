//! Matches counted and not listed: tails and folds (see `shape`).

use std::ops::ControlFlow;

use rustc_hash::FxHashMap;

use crate::budget::Stop;
use crate::graph::NodeId;

use super::bindings::Binding;
use super::compile::every_end;
use super::ir::{Condition, Var};
use super::run::{Flow, Host, Run};
use super::step::{Fold, Op, Step, Tail, Union};

/// Where the end of a line of steps goes.
#[derive(Debug, Default)]
pub(super) enum End {
    /// To the host.
    #[default]
    Host,
    /// Into a sum.
    Count(u64),
    /// Nowhere: one match is enough.
    Once,
    /// Into a sum for each node of a variable.
    Sums(Var, Sums),
}

/// A number for each of some nodes.
#[derive(Debug, Default)]
pub(super) struct Sums {
    of_node: FxHashMap<u32, u64>,
}

/// Bytes accounted for each number.
const NUMBER_BYTES: u64 = 24;

impl Sums {
    fn add(&mut self, node: NodeId, n: u64) -> u64 {
        let before = self.of_node.len();
        let sum = self.of_node.entry(node.0).or_default();
        *sum = sum.saturating_add(n);
        (self.of_node.len() - before) as u64 * NUMBER_BYTES
    }

    fn sorted(self) -> Vec<(u32, u64)> {
        let mut all: Vec<(u32, u64)> = self.of_node.into_iter().collect();
        all.sort_unstable();
        all
    }
}

/// Counts of tails by the node they hang on.
#[derive(Debug, Default)]
pub(super) struct Memo {
    /// A count for each node, and one; 0 when it is not known. Empty until the first is known.
    of_node: Vec<u64>,
}

impl Memo {
    fn get(&self, node: NodeId) -> Option<u64> {
        let known = self.of_node.get(node.0 as usize).copied().unwrap_or(0);
        known.checked_sub(1)
    }
}

impl<H> Run<'_, H> {
    /// A line of steps ends with what is bound now.
    pub(super) fn end<C>(&mut self) -> Flow<H::Error>
    where
        H: Host<C>,
    {
        match &mut self.end {
            End::Host => self.host.found(self.bindings, self.weight),
            End::Count(total) => {
                *total = total.saturating_add(self.weight);
                Ok(ControlFlow::Continue(()))
            }
            End::Once => Ok(ControlFlow::Break(())),
            End::Sums(var, sums) => {
                let Some(node) = self.bindings.node(*var) else {
                    return Ok(ControlFlow::Continue(()));
                };
                let bytes = sums.add(node, self.weight);
                if bytes > 0 {
                    self.held += bytes;
                    self.budget.charge(bytes)?;
                }
                Ok(ControlFlow::Continue(()))
            }
        }
    }

    pub(super) fn tail<C: Condition + Clone>(
        &mut self,
        tail: &Tail<C>,
        rest: &[Step<C>],
    ) -> Flow<H::Error>
    where
        H: Host<C>,
    {
        let key = tail.key.and_then(|key| self.bindings.node(key));
        let known = tail
            .memo
            .zip(key)
            .and_then(|(memo, key)| self.memos.get(memo)?.get(key));
        let n = match known {
            Some(n) => n,
            None => {
                let n = self.counted(tail)?;
                if let (Some(memo), Some(key)) = (tail.memo, key) {
                    self.remember(memo, key, n)?;
                }
                n
            }
        };
        if n == 0 {
            return Ok(ControlFlow::Continue(()));
        }
        let weight = self.weight;
        self.weight = weight.saturating_mul(n);
        let flow = self.steps(rest);
        self.weight = weight;
        flow
    }

    fn remember(&mut self, at: usize, key: NodeId, n: u64) -> Result<(), Stop> {
        let Some(memo) = self.memos.get_mut(at) else {
            return Ok(());
        };
        let mut known = std::mem::take(memo);
        let result = self.note(&mut known, key, n);
        if let Some(memo) = self.memos.get_mut(at) {
            *memo = known;
        }
        result
    }

    fn note(&mut self, memo: &mut Memo, key: NodeId, n: u64) -> Result<(), Stop> {
        if memo.of_node.is_empty() {
            let n_nodes = self.snapshot.n_nodes();
            memo.of_node = vec![0; n_nodes];
            let bytes = n_nodes as u64 * 8;
            self.held += bytes;
            self.budget.charge(bytes)?;
        }
        if let Some(known) = memo.of_node.get_mut(key.0 as usize) {
            *known = n.saturating_add(1);
        }
        Ok(())
    }

    /// A tail of one plain step before another that is remembered: most ends are only looked up.
    fn looked_up<C: Condition + Clone>(&mut self, tail: &Tail<C>) -> Result<Option<u64>, H::Error>
    where
        H: Host<C>,
    {
        let [
            step,
            Step {
                op: Op::Tail(next), ..
            },
        ] = tail.steps.as_slice()
        else {
            return Ok(None);
        };
        let Op::Expand {
            from,
            to,
            edges,
            test,
            is_free: true,
            ..
        } = &step.op
        else {
            return Ok(None);
        };
        let (Some(start), Some(memo)) = (self.bindings.node(*from), next.memo) else {
            return Ok(None);
        };
        if tail.is_once || !step.conditions.is_empty() || next.key != Some(*to) {
            return Ok(None);
        }
        let (snapshot, to) = (self.snapshot, *to);
        // Nothing after it uses this memory.
        let mut known = std::mem::take(self.memos.get_mut(memo).unwrap_or(&mut Memo::default()));
        let mut total = 0_u64;
        let result = edges.each(snapshot, start, |_, end| {
            self.tick()?;
            if !test.holds(snapshot, end) {
                return Ok(());
            }
            let n = match known.get(end) {
                Some(n) => n,
                None => {
                    self.bindings.set(to, Binding::Node(end));
                    let n = self.counted(next);
                    self.bindings.set(to, Binding::Unbound);
                    let n = n?;
                    self.note(&mut known, end, n)?;
                    n
                }
            };
            total = total.saturating_add(n);
            Ok::<(), H::Error>(())
        });
        if let Some(memo) = self.memos.get_mut(memo) {
            *memo = known;
        }
        result?;
        Ok(Some(total))
    }

    fn counted<C: Condition + Clone>(&mut self, tail: &Tail<C>) -> Result<u64, H::Error>
    where
        H: Host<C>,
    {
        if self.morsel.is_none()
            && let Some(n) = tail.at_once(self.snapshot)
        {
            return Ok(if tail.is_once { n.min(1) } else { n });
        }
        if let Some(n) = self.degree(tail)? {
            return Ok(if tail.is_once { n.min(1) } else { n });
        }
        if let Some(n) = self.looked_up(tail)? {
            return Ok(n);
        }
        let inner = if tail.is_once {
            End::Once
        } else {
            End::Count(0)
        };
        let end = std::mem::replace(&mut self.end, inner);
        let weight = std::mem::replace(&mut self.weight, 1);
        let flow = self.steps(&tail.steps);
        let inner = std::mem::replace(&mut self.end, end);
        self.weight = weight;
        for &var in &tail.binds {
            self.bindings.set(var, Binding::Unbound);
        }
        let is_found = flow?.is_break();
        Ok(match inner {
            End::Count(total) => total,
            _ => u64::from(is_found),
        })
    }

    /// A tail of one plain step is a number of edges.
    fn degree<C>(&mut self, tail: &Tail<C>) -> Result<Option<u64>, H::Error>
    where
        H: Host<C>,
    {
        let [
            Step {
                op:
                    Op::Expand {
                        from,
                        edges,
                        test,
                        is_free: true,
                        ..
                    },
                conditions,
                ..
            },
        ] = tail.steps.as_slice()
        else {
            return Ok(None);
        };
        let Some(start) = self.bindings.node(*from).filter(|_| conditions.is_empty()) else {
            return Ok(None);
        };
        self.tick()?;
        if test.admits_all() {
            return Ok(Some(edges.degree(self.snapshot, start)));
        }
        let snapshot = self.snapshot;
        let mut n = 0;
        edges.each(snapshot, start, |_, end| {
            self.tick()?;
            n += u64::from(test.holds(snapshot, end));
            Ok::<(), H::Error>(())
        })?;
        Ok(Some(n))
    }

    pub(super) fn fold<C: Condition + Clone>(
        &mut self,
        fold: &Fold<C>,
        step: &Step<C>,
        rest: &[Step<C>],
    ) -> Flow<H::Error>
    where
        H: Host<C>,
    {
        let inner = match &fold.union {
            Some(union) => union.part.from,
            None => fold.var,
        };
        let end = std::mem::replace(&mut self.end, End::Sums(inner, Sums::default()));
        let weight = std::mem::replace(&mut self.weight, 1);
        let flow = self.steps(&fold.steps);
        let sums = match std::mem::replace(&mut self.end, end) {
            End::Sums(_, sums) => sums.sorted(),
            _ => Vec::new(),
        };
        self.weight = weight;
        // Sums never ask to stop.
        let _ = flow?;
        let reached = match &fold.union {
            Some(union) => self.union(union, &sums)?,
            None => sums,
        };
        let mut flow = Ok(ControlFlow::Continue(()));
        for (node, n) in reached {
            self.tick()?;
            self.bindings.set(fold.var, Binding::Node(NodeId(node)));
            if let Some(union) = &fold.union
                && !self.hold(&union.conditions)?
            {
                continue;
            }
            let n = if fold.is_once { 1 } else { n };
            self.weight = weight.saturating_mul(n);
            flow = self.proceed(step, rest);
            if !matches!(flow, Ok(ControlFlow::Continue(()))) {
                break;
            }
        }
        self.weight = weight;
        self.bindings.set(fold.var, Binding::Unbound);
        flow
    }

    /// Every node that some start leads to, each once, ascending: one search for all starts.
    fn union<C: Condition + Clone>(
        &mut self,
        union: &Union<C>,
        starts: &[(u32, u64)],
    ) -> Result<Vec<(u32, u64)>, H::Error>
    where
        H: Host<C>,
    {
        let part = &union.part;
        let Some(hop) = part.hops.first() else {
            return Ok(Vec::new());
        };
        let snapshot = self.snapshot;
        // 1: to be walked from, or was; 2: an end.
        let mut marks = vec![0_u8; snapshot.n_nodes()];
        let mut frontier: Vec<u32> = starts.iter().map(|start| start.0).collect();
        for &start in &frontier {
            if let Some(mark) = marks.get_mut(start as usize) {
                *mark = if part.min == 0 { 3 } else { 1 };
            }
        }
        let is_bare = self.is_bare(part, hop);
        let mut level = 0;
        while !frontier.is_empty() && part.max.is_none_or(|max| level < max) {
            level += 1;
            let mut next = Vec::new();
            for node in frontier {
                let from = NodeId(node);
                if is_bare {
                    for &end in every_end(snapshot, hop.edges.direction, from) {
                        self.tick()?;
                        if let Some(mark) = marks.get_mut(end as usize) {
                            if *mark & 1 == 0 {
                                next.push(end);
                            }
                            *mark = 3;
                        }
                    }
                    continue;
                }
                hop.edges.each(snapshot, from, |edge, end| {
                    self.tick()?;
                    let mark = marks.get(end.0 as usize).copied().unwrap_or(3);
                    if mark & 2 == 0 && self.admits(part, hop, (from, edge, end))? {
                        if let Some(mark) = marks.get_mut(end.0 as usize) {
                            *mark = 3;
                        }
                        if mark & 1 == 0 {
                            next.push(end.0);
                        }
                    }
                    Ok::<(), H::Error>(())
                })?;
            }
            frontier = next;
        }
        let ends = marks.iter().enumerate().filter(|(_, mark)| **mark & 2 == 2);
        Ok(ends
            .map(|(node, _)| node as u32)
            .filter(|&node| part.to_test.holds(snapshot, NodeId(node)))
            .map(|node| (node, 1))
            .collect())
    }
}
