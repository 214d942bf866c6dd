//! Cyclic patterns: the nodes that several bound nodes lead to at once, by a merge of their sorted
//! rows (Veldhuizen, "Leapfrog Triejoin", ICDT 2014), instead of trying each neighbour of one.

use std::cmp::Ordering;
use std::ops::ControlFlow;

use crate::budget::Stop;
use crate::graph::{EdgeId, InRow, NodeId, OutRow, Snapshot};

use super::bindings::Binding;
use super::compile::{EdgeTest, NodeTest};
use super::count::End;
use super::ir::{Condition, Direction, Var};
use super::plan::Planner;
use super::run::{Flow, Host, Run};
use super::shape::Walked;
use super::step::{Op, Step};

/// The nodes that every leg leads to.
#[derive(Debug, Clone)]
pub(super) struct Intersect {
    pub(super) to: Var,
    pub(super) test: NodeTest,
    /// At least two, each of one kind and one direction, so that its row is sorted.
    pub(super) legs: Vec<Leg>,
}

/// An edge from a bound node.
#[derive(Debug, Clone)]
pub(super) struct Leg {
    pub(super) edge: Var,
    pub(super) from: Var,
    pub(super) edges: EdgeTest,
}

impl Leg {
    fn row<'a>(&self, snapshot: &'a Snapshot, start: NodeId) -> Option<Row<'a>> {
        let kind = *self.edges.kinds.first()?;
        Some(match self.edges.direction {
            Direction::In => Row::In(snapshot.in_edges(start, kind)),
            _ => Row::Out(snapshot.out_edges(start, kind)),
        })
    }
}

/// A row of one kind, ends ascending.
enum Row<'a> {
    Out(OutRow<'a>),
    In(InRow<'a>),
}

impl Row<'_> {
    fn len(&self) -> usize {
        match self {
            Row::Out(row) => row.len(),
            Row::In(row) => row.len(),
        }
    }

    fn end(&self, at: usize) -> Option<u32> {
        match self {
            Row::Out(row) => row.targets().get(at).copied(),
            Row::In(row) => row.source(at).map(|node| node.0),
        }
    }

    fn edge(&self, at: usize) -> Option<EdgeId> {
        match self {
            Row::Out(row) => row.edge(at),
            Row::In(row) => row.edge(at),
        }
    }

    /// The first place from `at` whose end is not below `node`: doubling steps, then halving.
    fn seek(&self, at: usize, node: u32) -> usize {
        let is_below = |at: usize| self.end(at).is_some_and(|end| end < node);
        if !is_below(at) {
            return at;
        }
        let (mut below, mut step) = (at, 1);
        while is_below(below + step) {
            below += step;
            step *= 2;
        }
        let mut beyond = (below + step).min(self.len());
        while beyond - below > 1 {
            let middle = below + (beyond - below) / 2;
            if is_below(middle) {
                below = middle;
            } else {
                beyond = middle;
            }
        }
        beyond
    }

    /// Where the edges to the end at `at` stop.
    fn run(&self, at: usize) -> usize {
        let end = self.end(at);
        let mut next = at + 1;
        while next < self.len() && self.end(next) == end {
            next += 1;
        }
        next
    }
}

/// A row with the edges to the current node.
struct Cursor<'a> {
    row: Row<'a>,
    from: usize,
    to: usize,
}

impl<H> Run<'_, H> {
    pub(super) fn intersect<C: Condition + Clone>(
        &mut self,
        op: &Intersect,
        step: &Step<C>,
        rest: &[Step<C>],
    ) -> Flow<H::Error>
    where
        H: Host<C>,
    {
        let snapshot = self.snapshot;
        let mut cursors: Vec<Cursor<'_>> = Vec::with_capacity(op.legs.len());
        self.tick()?;
        for leg in &op.legs {
            let start = self.bindings.node(leg.from);
            let Some(row) = start.and_then(|start| leg.row(snapshot, start)) else {
                return Ok(ControlFlow::Continue(()));
            };
            if row.len() == 0 {
                return Ok(ControlFlow::Continue(()));
            }
            cursors.push(Cursor {
                row,
                from: 0,
                to: 0,
            });
        }
        let is_counted =
            rest.is_empty() && step.conditions.is_empty() && matches!(self.end, End::Count(_));
        let mut flow = Ok(ControlFlow::Continue(()));
        while let Some(node) = self.common(&mut cursors)? {
            if op.test.holds(snapshot, NodeId(node)) {
                if is_counted {
                    let n = self.count_edges(&cursors)?;
                    if let End::Count(total) = &mut self.end {
                        *total = total.saturating_add(self.weight.saturating_mul(n));
                    }
                } else {
                    self.bindings.set(op.to, Binding::Node(NodeId(node)));
                    flow = self.each_edges(&op.legs, &cursors, step, rest);
                    if !matches!(flow, Ok(ControlFlow::Continue(()))) {
                        break;
                    }
                }
            }
            for cursor in &mut cursors {
                cursor.from = cursor.to;
            }
        }
        if matches!(flow, Ok(ControlFlow::Continue(()))) {
            self.bindings.set(op.to, Binding::Unbound);
        }
        flow
    }

    /// Moves every cursor to the next node that all of them have.
    fn common(&mut self, cursors: &mut [Cursor<'_>]) -> Result<Option<u32>, Stop> {
        let mut node = 0;
        let mut n_agreed = 0;
        let mut at = 0;
        while n_agreed < cursors.len() {
            self.tick()?;
            let Some(cursor) = cursors.get_mut(at) else {
                return Ok(None);
            };
            cursor.from = cursor.row.seek(cursor.from, node);
            let Some(end) = cursor.row.end(cursor.from) else {
                return Ok(None);
            };
            match end.cmp(&node) {
                Ordering::Equal => n_agreed += 1,
                _ => {
                    node = end;
                    n_agreed = 1;
                }
            }
            at = (at + 1) % cursors.len();
        }
        for cursor in cursors {
            cursor.to = cursor.row.run(cursor.from);
        }
        Ok(Some(node))
    }

    /// In how many ways the legs can take an edge each, none twice and none that is used.
    fn count_edges(&mut self, cursors: &[Cursor<'_>]) -> Result<u64, Stop> {
        let Some((first, rest)) = cursors.split_first() else {
            return Ok(1);
        };
        let mut n = 0;
        for edge in (first.from..first.to).filter_map(|at| first.row.edge(at)) {
            self.tick()?;
            if self.used.contains(edge) {
                continue;
            }
            if rest.is_empty() {
                n += 1;
                continue;
            }
            self.used.push(edge);
            let more = self.count_edges(rest);
            self.used.pop();
            n += more?;
        }
        Ok(n)
    }

    /// Goes on with every choice of an edge for each leg.
    fn each_edges<C: Condition + Clone>(
        &mut self,
        legs: &[Leg],
        cursors: &[Cursor<'_>],
        step: &Step<C>,
        rest: &[Step<C>],
    ) -> Flow<H::Error>
    where
        H: Host<C>,
    {
        let (Some((leg, legs)), Some((cursor, cursors))) =
            (legs.split_first(), cursors.split_first())
        else {
            return self.proceed(step, rest);
        };
        for edge in (cursor.from..cursor.to).filter_map(|at| cursor.row.edge(at)) {
            self.tick()?;
            if self.used.contains(edge) {
                continue;
            }
            self.bindings.set(leg.edge, Binding::Edge(edge));
            self.used.push(edge);
            let flow = self.each_edges(legs, cursors, step, rest);
            self.used.pop();
            if flow?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        self.bindings.set(leg.edge, Binding::Unbound);
        Ok(ControlFlow::Continue(()))
    }
}

/// Whether the row of these edges is sorted.
fn is_sorted(edges: &EdgeTest) -> bool {
    edges.kinds.len() == 1 && edges.direction != Direction::Any
}

impl<C: Condition + Clone> Planner<'_, C> {
    /// Makes one step of an expansion and the edges that close a cycle at its end.
    pub(super) fn intersected(steps: Vec<Walked<C>>) -> Vec<Walked<C>> {
        let mut done: Vec<Walked<C>> = Vec::with_capacity(steps.len());
        for (step, walked) in steps {
            if let Some((last, last_walked)) = done.last_mut()
                && close(last, &step)
            {
                last.conditions.extend(step.conditions);
                last.decided.extend(step.decided);
                last.estimate = step.estimate;
                last_walked.extend(walked);
            } else {
                done.push((step, walked));
            }
        }
        done
    }
}

/// Takes a closing edge into the step before it, if it can be.
fn close<C>(last: &mut Step<C>, step: &Step<C>) -> bool {
    let Op::Close {
        edge,
        from,
        to,
        edges,
    } = &step.op
    else {
        return false;
    };
    let end = match &last.op {
        Op::Expand { to, edges, .. } if is_sorted(edges) => *to,
        Op::Intersect(last) => last.to,
        _ => return false,
    };
    if from == to || !is_sorted(edges) || (*from != end && *to != end) {
        return false;
    }
    let leg = if *to == end {
        Leg {
            edge: *edge,
            from: *from,
            edges: edges.clone(),
        }
    } else {
        Leg {
            edge: *edge,
            from: *to,
            edges: edges.reversed(),
        }
    };
    match &mut last.op {
        Op::Intersect(last) => last.legs.push(leg),
        Op::Expand {
            edge,
            from,
            to,
            edges,
            test,
            ..
        } => {
            let first = Leg {
                edge: *edge,
                from: *from,
                edges: edges.clone(),
            };
            last.op = Op::Intersect(Intersect {
                to: *to,
                test: test.clone(),
                legs: vec![first, leg],
            });
        }
        _ => return false,
    }
    true
}
