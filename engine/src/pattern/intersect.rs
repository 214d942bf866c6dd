//! Cyclic patterns: the nodes that several bound nodes lead to at once, by a merge of their sorted
//! rows (Veldhuizen, "Leapfrog Triejoin", ICDT 2014), instead of trying each neighbour of one.

use std::cmp::Ordering;
use std::ops::ControlFlow;

use smallvec::SmallVec;

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
        let mut cursors: SmallVec<[Cursor<'_>; 4]> = SmallVec::new();
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
        if let [first, second] = cursors
            && let (Row::Out(one), Row::Out(other)) = (&first.row, &second.row)
        {
            let places = (first.from, second.from);
            let found = meet((one.targets(), other.targets()), places);
            let (at, other_at) = found.unwrap_or((one.len(), other.len()));
            self.ticks((at + other_at - places.0 - places.1) as u64 / 8 + 1)?;
            let node = found.and_then(|_| first.row.end(at));
            (first.from, first.to) = (at, first.row.run(at));
            (second.from, second.to) = (other_at, second.row.run(other_at));
            return Ok(node);
        }
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

/// Rows that differ less in length are merged end by end.
const SKEW: usize = 16;

/// The first places from `places` where two ascending rows have the same end.
fn meet(rows: (&[u32], &[u32]), places: (usize, usize)) -> Option<(usize, usize)> {
    let (one, other) = (rows.0.get(places.0..)?, rows.1.get(places.1..)?);
    let (mut at, mut other_at) = (0, 0);
    let is_skewed = one.len().max(other.len()) / SKEW > one.len().min(other.len());
    while let (Some(&end), Some(&other_end)) = (one.get(at), other.get(other_at)) {
        if end == other_end {
            return Some((places.0 + at, places.1 + other_at));
        }
        if is_skewed {
            // At least one step, so that it ends.
            if end < other_end {
                at += skip(one.get(at..).unwrap_or_default(), other_end);
            } else {
                other_at += skip(other.get(other_at..).unwrap_or_default(), end);
            }
        } else {
            at += usize::from(end < other_end);
            other_at += usize::from(other_end < end);
        }
    }
    None
}

/// How many ends of an ascending row are below `node`: doubling steps, then halving.
fn skip(row: &[u32], node: u32) -> usize {
    let mut bound = 1;
    while row.get(bound).is_some_and(|&end| end < node) {
        bound *= 2;
    }
    let from = bound / 2;
    let within = row.get(from..row.len().min(bound + 1)).unwrap_or_default();
    from + within.partition_point(|&end| end < node)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::meet;

    proptest! {
        #[test]
        fn rows_meet_where_they_share_an_end(
            one in prop::collection::vec(0..300_u32, 0..120),
            other in prop::collection::vec(0..300_u32, 0..6),
            is_turned in any::<bool>(),
        ) {
            let (mut one, mut other) = if is_turned { (other, one) } else { (one, other) };
            one.sort_unstable();
            other.sort_unstable();
            let mut places = (0, 0);
            let mut found = Vec::new();
            while let Some((at, other_at)) = meet((&one, &other), places) {
                prop_assert_eq!(one[at], other[other_at]);
                let end = one[at];
                found.push(end);
                places = (
                    one.partition_point(|&next| next <= end),
                    other.partition_point(|&next| next <= end),
                );
            }
            let mut shared: Vec<u32> = one.into_iter().filter(|end| other.contains(end)).collect();
            shared.dedup();
            prop_assert_eq!(found, shared);
        }
    }
}
