//! `ORDER BY`: keeps every row, or the best few when a limit follows.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use crate::exec::{Cx, Flow, Sink, limit};
use crate::fault::Fault;
use crate::plan::SortOp;
use crate::value::{Val, order};

struct Row<'p> {
    op: &'p SortOp,
    keys: Box<[Val]>,
    values: Box<[Val]>,
    /// Rows with equal keys keep their order.
    number: u64,
}

impl Row<'_> {
    fn bytes(&self) -> u64 {
        let values = self.keys.iter().chain(&self.values);
        64 + values
            .map(|value| Val::BYTES + value.heap_bytes())
            .sum::<u64>()
    }
}

impl Ord for Row<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let keys = self.keys.iter().zip(&other.keys).zip(&self.op.keys);
        for ((left, right), (_, is_descending)) in keys {
            let compared = order(left, right);
            let compared = if *is_descending {
                compared.reverse()
            } else {
                compared
            };
            if compared != Ordering::Equal {
                return compared;
            }
        }
        self.number.cmp(&other.number)
    }
}

impl PartialOrd for Row<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Row<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Row<'_> {}

/// So many rows are sorted at once; between two such runs the budget is asked.
const RUN: usize = 1 << 14;

/// Sorts. With a bound, a heap of the best rows so far; its worst row is the first to go. Without
/// one, sorted runs that are merged while rows are handed on.
pub(super) struct SortSink<'p> {
    op: &'p SortOp,
    id: usize,
    best: BinaryHeap<Row<'p>>,
    open: Vec<Row<'p>>,
    runs: Vec<Vec<Row<'p>>>,
    n_seen: u64,
    bytes: u64,
    bound: Option<u64>,
    next: Box<dyn Sink + 'p>,
}

impl<'p> SortSink<'p> {
    pub(super) fn new(op: &'p SortOp, id: usize, next: Box<dyn Sink + 'p>) -> Self {
        SortSink {
            op,
            id,
            best: BinaryHeap::new(),
            open: Vec::new(),
            runs: Vec::new(),
            n_seen: 0,
            bytes: 0,
            bound: None,
            next,
        }
    }

    /// Ends a run.
    fn close_run(&mut self, cx: &mut Cx<'_>) -> Result<(), Fault> {
        cx.budget.check()?;
        let mut run = std::mem::take(&mut self.open);
        // The worst first, so that the best is taken from the end.
        run.sort_unstable_by(|a, b| b.cmp(a));
        self.runs.push(run);
        Ok(())
    }

    fn bound(&mut self, cx: &mut Cx<'_>) -> Result<u64, Fault> {
        if let Some(bound) = self.bound {
            return Ok(bound);
        }
        let mut bound = u64::MAX;
        if let Some((skip, top, span)) = &self.op.top {
            bound = limit::count(top, *span, cx)?;
            if let Some(skip) = skip {
                bound = bound.saturating_add(limit::count(skip, *span, cx)?);
            }
        }
        self.bound = Some(bound);
        Ok(bound)
    }
}

impl Sink for SortSink<'_> {
    fn row(&mut self, cx: &mut Cx<'_>) -> Result<Flow, Fault> {
        let bound = self.bound(cx)?;
        if bound == 0 {
            return Ok(Flow::Break(()));
        }
        self.n_seen += 1;
        let row = Row {
            op: self.op,
            keys: self
                .op
                .keys
                .iter()
                .map(|(slot, _)| cx.get(*slot).clone())
                .collect(),
            values: self
                .op
                .carried
                .iter()
                .map(|&slot| cx.get(slot).clone())
                .collect(),
            number: self.n_seen,
        };
        if self.best.len() as u64 == bound {
            if let Some(mut worst) = self.best.peek_mut()
                && row < *worst
            {
                *worst = row;
            }
            return Ok(Flow::Continue(()));
        }
        let bytes = row.bytes();
        cx.kept(self.id, bytes)?;
        self.bytes += bytes;
        if bound < u64::MAX {
            self.best.push(row);
            return Ok(Flow::Continue(()));
        }
        self.open.push(row);
        if self.open.len() == RUN {
            self.close_run(cx)?;
        }
        Ok(Flow::Continue(()))
    }

    fn finish(&mut self, cx: &mut Cx<'_>) -> Result<(), Fault> {
        self.bound(cx)?;
        for row in std::mem::take(&mut self.best) {
            self.open.push(row);
            if self.open.len() == RUN {
                self.close_run(cx)?;
            }
        }
        self.close_run(cx)?;
        let mut runs = std::mem::take(&mut self.runs);
        let mut heads: BinaryHeap<Reverse<(Row<'_>, usize)>> = BinaryHeap::new();
        for (at, run) in runs.iter_mut().enumerate() {
            heads.extend(run.pop().map(|row| Reverse((row, at))));
        }
        while let Some(Reverse((row, at))) = heads.pop() {
            cx.tick()?;
            let following = runs.get_mut(at).and_then(Vec::pop);
            heads.extend(following.map(|row| Reverse((row, at))));
            for (&slot, value) in self.op.carried.iter().zip(row.values) {
                cx.set(slot, value);
            }
            if self.next.row(cx)?.is_break() {
                break;
            }
        }
        cx.budget.release(std::mem::take(&mut self.bytes));
        self.next.finish(cx)
    }
}
