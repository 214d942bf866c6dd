//! Enumerating matches: backtracking over the steps of a plan.

use std::ops::{ControlFlow, Range};

use rustc_hash::FxHashSet;

use crate::budget::{Budget, CHECK_EVERY, Stop};
use crate::graph::{EdgeId, NodeId, Snapshot};
use crate::model::Value;

use super::bindings::{Binding, Bindings};
use super::compile::NodeTest;
use super::count::{End, Memo};
use super::ir::{Condition, RuleCondition};
use super::many::Many;
use super::plan::Plan;
use super::step::{Op, Step};

/// Whoever runs a pattern: judges its conditions and takes its matches.
pub trait Host<C> {
    /// Why it stops early.
    type Error: From<Stop>;
    /// Whether the condition is known to hold.
    fn holds(&mut self, condition: &C, bindings: &Bindings) -> Result<bool, Self::Error>;
    /// What a step costs: finite and not negative.
    fn cost(&mut self, cost: &C, bindings: &Bindings) -> Result<f64, Self::Error>;
    /// The value a look-up asks for; `None` when nothing can equal it.
    fn value(&mut self, _: &C, _: &Bindings) -> Result<Option<Value>, Self::Error> {
        Ok(None)
    }
    /// Takes a match that stands for `n` equal ones; `Break` ends the search. `n` is 1 unless the
    /// plan only counts what is not wanted (see [`Wanted`](super::Wanted)).
    fn found(&mut self, bindings: &Bindings, n: u64) -> Result<ControlFlow<()>, Self::Error>;
}

/// Finds every match of `plan`, in a fixed order. `bindings` holds the variables bound beforehand
/// and is unchanged afterwards.
pub fn find<C: Condition + Clone, H: Host<C>>(
    snapshot: &Snapshot,
    budget: &Budget,
    plan: &Plan<C>,
    bindings: &mut Bindings,
    host: &mut H,
) -> Result<ControlFlow<()>, H::Error> {
    find_within(snapshot, budget, plan, bindings, host, None)
}

/// Finds the matches whose first node lies in one of [`Plan::morsels`]. The matches of all morsels
/// in order are those of [`find`] in order; with [`Wanted`](super::Wanted) other than every one,
/// equal matches of several morsels come several times, and their numbers add up.
pub fn find_morsel<C: Condition + Clone, H: Host<C>>(
    snapshot: &Snapshot,
    budget: &Budget,
    plan: &Plan<C>,
    bindings: &mut Bindings,
    host: &mut H,
    morsel: Range<u32>,
) -> Result<ControlFlow<()>, H::Error> {
    find_within(snapshot, budget, plan, bindings, host, Some(morsel))
}

fn find_within<C: Condition + Clone, H: Host<C>>(
    snapshot: &Snapshot,
    budget: &Budget,
    plan: &Plan<C>,
    bindings: &mut Bindings,
    host: &mut H,
    morsel: Option<Range<u32>>,
) -> Result<ControlFlow<()>, H::Error> {
    let mut run = Run {
        snapshot,
        budget,
        host,
        bindings,
        used: Used::default(),
        pending: 0,
        weight: 1,
        end: End::Host,
        memos: (0..plan.n_memos).map(|_| Memo::default()).collect(),
        held: 0,
        is_plain: plan.is_plain,
        morsel,
    };
    for condition in &plan.first {
        if !run.host.holds(condition, run.bindings)? {
            return Ok(ControlFlow::Continue(()));
        }
    }
    let flow = run.steps(&plan.steps);
    let (pending, held) = (run.pending, run.held);
    budget.release(held);
    let flow = flow?;
    budget.expand(pending)?;
    Ok(flow)
}

/// About so many starts make a morsel.
const MORSEL: u64 = 256;
/// No more morsels than this.
const MORSELS: u64 = 256;

impl<C: Condition + Clone> Plan<C> {
    /// Cuts the work at the first node into ranges of nodes with about equally many starts; `None`
    /// when it does not begin with a scan of many nodes. The cuts depend on nothing but the plan.
    pub fn morsels(&self, snapshot: &Snapshot) -> Option<Vec<Range<u32>>> {
        let mut first = self.steps.first()?;
        if let Op::Tail(tail) = &first.op {
            if tail.at_once(snapshot).is_some() {
                return None;
            }
            first = tail.steps.first()?;
        }
        let Op::Scan { test, .. } = &first.op else {
            return None;
        };
        let count = test.count(snapshot);
        let size = MORSEL.max(count.div_ceil(MORSELS));
        if count < 2 * size {
            return None;
        }
        let n_morsels = count / size;
        let mut cuts = vec![0_u32];
        for morsel in 1..n_morsels {
            let at = (morsel * count / n_morsels) as u32;
            cuts.push(match test {
                NodeTest::Any => at,
                NodeTest::Label(label) | NodeTest::Implied(label) => {
                    snapshot.labelled(*label).select(at)?
                }
                NodeTest::Set(set) => set.select(at)?,
            });
        }
        cuts.push(u32::MAX);
        Some(
            cuts.windows(2)
                .filter_map(|pair| Some(*pair.first()?..*pair.last()?))
                .collect(),
        )
    }
}

/// The nodes of a scan.
pub(super) enum Ids<'t> {
    All(Range<u32>),
    Set(roaring::bitmap::Iter<'t>),
}

impl Iterator for Ids<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        match self {
            Ids::All(range) => range.next(),
            Ids::Set(ids) => ids.next(),
        }
    }
}

/// Finds every match of a rule's pattern, calling `found` for each until it breaks.
pub fn for_each_match(
    snapshot: &Snapshot,
    budget: &Budget,
    plan: &Plan<RuleCondition>,
    bindings: &mut Bindings,
    found: impl FnMut(&Bindings) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, Stop> {
    let mut host = RuleHost { snapshot, found };
    find(snapshot, budget, plan, bindings, &mut host)
}

struct RuleHost<'a, F> {
    snapshot: &'a Snapshot,
    found: F,
}

impl<F: FnMut(&Bindings) -> ControlFlow<()>> Host<RuleCondition> for RuleHost<'_, F> {
    type Error = Stop;

    fn holds(&mut self, condition: &RuleCondition, bindings: &Bindings) -> Result<bool, Stop> {
        Ok(condition.eval(self.snapshot, bindings) == Some(true))
    }

    fn cost(&mut self, _: &RuleCondition, _: &Bindings) -> Result<f64, Stop> {
        Ok(1.0)
    }

    fn found(&mut self, bindings: &Bindings, _: u64) -> Result<ControlFlow<()>, Stop> {
        Ok((self.found)(bindings))
    }
}

/// The edges of the match so far; none of them may be used again.
#[derive(Debug, Default)]
pub(super) struct Used {
    stack: Vec<EdgeId>,
    /// Built once the stack is too long to search.
    set: FxHashSet<EdgeId>,
}

const LONG: usize = 24;

impl Used {
    pub(super) fn contains(&self, edge: EdgeId) -> bool {
        if self.stack.len() <= LONG {
            self.stack.contains(&edge)
        } else {
            self.set.contains(&edge)
        }
    }

    pub(super) fn push(&mut self, edge: EdgeId) {
        self.stack.push(edge);
        if self.stack.len() == LONG + 1 {
            self.set.extend(self.stack.iter().copied());
        } else if self.stack.len() > LONG {
            self.set.insert(edge);
        }
    }

    pub(super) fn pop(&mut self) {
        let is_long = self.stack.len() > LONG;
        if let Some(edge) = self.stack.pop()
            && is_long
        {
            self.set.remove(&edge);
            if self.stack.len() == LONG {
                self.set.clear();
            }
        }
    }
}

pub(super) struct Run<'a, H> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) budget: &'a Budget,
    pub(super) host: &'a mut H,
    pub(super) bindings: &'a mut Bindings,
    pub(super) used: Used,
    pub(super) pending: u64,
    /// How many equal matches the one being made stands for.
    pub(super) weight: u64,
    pub(super) end: End,
    pub(super) memos: Vec<Memo>,
    /// Bytes accounted for what is kept until the end.
    pub(super) held: u64,
    /// Each start is searched from by itself.
    pub(super) is_plain: bool,
    /// Where the first scan looks.
    pub(super) morsel: Option<Range<u32>>,
}

pub(super) type Flow<E> = Result<ControlFlow<()>, E>;

impl<H> Run<'_, H> {
    /// Counts one looked-at edge or node.
    pub(super) fn tick(&mut self) -> Result<(), Stop> {
        self.ticks(1)
    }

    /// The same for several.
    pub(super) fn ticks(&mut self, n: u64) -> Result<(), Stop> {
        self.pending += n;
        if self.pending >= CHECK_EVERY {
            let pending = std::mem::take(&mut self.pending);
            self.budget.expand(pending)?;
        }
        Ok(())
    }

    pub(super) fn steps<C: Condition + Clone>(&mut self, steps: &[Step<C>]) -> Flow<H::Error>
    where
        H: Host<C>,
    {
        let Some((step, rest)) = steps.split_first() else {
            return self.end();
        };
        let snapshot = self.snapshot;
        match &step.op {
            Op::Test { var, test } => {
                let admitted = self
                    .bindings
                    .node(*var)
                    .is_some_and(|node| test.holds(snapshot, node));
                if admitted {
                    self.proceed(step, rest)
                } else {
                    Ok(ControlFlow::Continue(()))
                }
            }
            Op::Scan { var, test } => {
                let within = self.morsel.take();
                let ids = match (test, within) {
                    (NodeTest::Any, None) => Ids::All(0..snapshot.n_nodes() as u32),
                    (NodeTest::Any, Some(range)) => {
                        Ids::All(range.start..range.end.min(snapshot.n_nodes() as u32))
                    }
                    (NodeTest::Label(label) | NodeTest::Implied(label), None) => {
                        Ids::Set(snapshot.labelled(*label).iter())
                    }
                    (NodeTest::Label(label) | NodeTest::Implied(label), Some(range)) => {
                        Ids::Set(snapshot.labelled(*label).range(range))
                    }
                    (NodeTest::Set(set), None) => Ids::Set(set.iter()),
                    (NodeTest::Set(set), Some(range)) => Ids::Set(set.range(range)),
                };
                let flow = match Many::new(*var, step, rest) {
                    Some(many) if !self.is_plain && !self.bindings.is_bound(many.end()) => {
                        let mut ids = ids;
                        self.many(&many, &mut ids)?
                    }
                    _ => self.scan(*var, ids, step, rest)?,
                };
                self.bindings.set(*var, Binding::Unbound);
                Ok(flow)
            }
            Op::Lookup {
                var,
                prop,
                value,
                test,
            } => {
                let Some(value) = self.host.value(value, self.bindings)? else {
                    return Ok(ControlFlow::Continue(()));
                };
                let found = snapshot.nodes_with(*prop, &value);
                let admitted = found
                    .iter()
                    .filter(|&node| test.holds(snapshot, NodeId(node)));
                let flow = self.scan(*var, admitted, step, rest)?;
                self.bindings.set(*var, Binding::Unbound);
                Ok(flow)
            }
            Op::Expand {
                edge: edge_var,
                from,
                to,
                edges,
                test,
                is_free,
            } => {
                let Some(start) = self.bindings.node(*from) else {
                    return Ok(ControlFlow::Continue(()));
                };
                for (edge, end) in edges.neighbours(snapshot, start) {
                    self.tick()?;
                    if !test.holds(snapshot, end) {
                        continue;
                    }
                    if *is_free {
                        self.bindings.set(*edge_var, Binding::Edge(edge));
                        self.bindings.set(*to, Binding::Node(end));
                        if self.proceed(step, rest)?.is_break() {
                            return Ok(ControlFlow::Break(()));
                        }
                        continue;
                    }
                    if self.used.contains(edge) {
                        continue;
                    }
                    self.bindings.set(*edge_var, Binding::Edge(edge));
                    self.bindings.set(*to, Binding::Node(end));
                    self.used.push(edge);
                    let flow = self.proceed(step, rest);
                    self.used.pop();
                    if flow?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                self.bindings.set(*edge_var, Binding::Unbound);
                self.bindings.set(*to, Binding::Unbound);
                Ok(ControlFlow::Continue(()))
            }
            Op::Close {
                edge: edge_var,
                from,
                to,
                edges,
            } => {
                let (Some(start), Some(end)) = (self.bindings.node(*from), self.bindings.node(*to))
                else {
                    return Ok(ControlFlow::Continue(()));
                };
                let mut found = Vec::new();
                edges.between(snapshot, start, end, &mut found);
                self.tick()?;
                for edge in found {
                    self.tick()?;
                    if self.used.contains(edge) {
                        continue;
                    }
                    self.bindings.set(*edge_var, Binding::Edge(edge));
                    self.used.push(edge);
                    let flow = self.proceed(step, rest);
                    self.used.pop();
                    if flow?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                self.bindings.set(*edge_var, Binding::Unbound);
                Ok(ControlFlow::Continue(()))
            }
            Op::Intersect(op) => self.intersect(op, step, rest),
            Op::Given {
                edge,
                from,
                to,
                edges,
                from_test,
                to_test,
            } => {
                let Some(edge) = self.bindings.edge(*edge) else {
                    return Ok(ControlFlow::Continue(()));
                };
                if self.used.contains(edge) {
                    return Ok(ControlFlow::Continue(()));
                }
                self.used.push(edge);
                let ends = snapshot.edge(edge);
                let mut flow = Ok(ControlFlow::Continue(()));
                for start in starts(ends.source, ends.target) {
                    let Some(end) = edges.walk(snapshot, edge, start) else {
                        continue;
                    };
                    flow =
                        self.with_ends((*from, start, from_test), (*to, end, to_test), step, rest);
                    if !matches!(flow, Ok(ControlFlow::Continue(()))) {
                        break;
                    }
                }
                self.used.pop();
                flow
            }
            Op::GivenWalk { part, from_test } => self.given_walk(part, from_test, step, rest),
            Op::Repeat(part) if part.is_reach => self.reach(part, step, rest),
            Op::Repeat(part) => self.repeat(part, step, rest),
            Op::Path(path) => self.path(path, step, rest),
            Op::Tail(tail) => self.tail(tail, rest),
            Op::Fold(fold) => self.fold(fold, step, rest),
        }
    }

    /// Judges the step's conditions and goes on.
    pub(super) fn proceed<C: Condition + Clone>(
        &mut self,
        step: &Step<C>,
        rest: &[Step<C>],
    ) -> Flow<H::Error>
    where
        H: Host<C>,
    {
        if !self.hold(&step.conditions)? {
            return Ok(ControlFlow::Continue(()));
        }
        self.steps(rest)
    }

    pub(super) fn hold<C>(&mut self, conditions: &[C]) -> Result<bool, H::Error>
    where
        H: Host<C>,
    {
        for condition in conditions {
            if !self.host.holds(condition, self.bindings)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn scan<C: Condition + Clone>(
        &mut self,
        var: super::Var,
        ids: impl IntoIterator<Item = u32>,
        step: &Step<C>,
        rest: &[Step<C>],
    ) -> Flow<H::Error>
    where
        H: Host<C>,
    {
        for id in ids {
            self.tick()?;
            self.bindings.set(var, Binding::Node(NodeId(id)));
            if self.proceed(step, rest)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Binds or compares two ends, goes on, and unbinds what it bound.
    pub(super) fn with_ends<C: Condition + Clone>(
        &mut self,
        from: (super::Var, NodeId, &NodeTest),
        to: (super::Var, NodeId, &NodeTest),
        step: &Step<C>,
        rest: &[Step<C>],
    ) -> Flow<H::Error>
    where
        H: Host<C>,
    {
        let mut bound = Vec::with_capacity(2);
        let mut is_match = true;
        for (var, node, test) in [from, to] {
            match self.bindings.node(var) {
                Some(other) => is_match &= other == node,
                None => {
                    is_match &= test.holds(self.snapshot, node);
                    self.bindings.set(var, Binding::Node(node));
                    bound.push(var);
                }
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

/// Both ends of an edge, once when they are the same.
pub(super) fn starts(source: NodeId, target: NodeId) -> impl Iterator<Item = NodeId> {
    std::iter::once(source).chain((source != target).then_some(target))
}
