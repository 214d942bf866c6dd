//! `ORDER BY`: keeps every row, or the best few when a limit follows.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::exec::discard::discard;
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
        by_keys(self.op, &self.keys, &other.keys).then(self.number.cmp(&other.number))
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

/// The order of two rows by what they are sorted by.
fn by_keys(op: &SortOp, left: &[Val], right: &[Val]) -> Ordering {
    for ((left, right), (_, is_descending)) in left.iter().zip(right).zip(&op.keys) {
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
    Ordering::Equal
}

/// So many rows are sorted at once; between two such runs the budget is asked.
const RUN: usize = 1 << 14;

/// Rows in one piece of memory: the keys of each, then what it carries.
#[derive(Default)]
struct Run {
    values: Vec<Val>,
    /// The rows in their order, the best last.
    order: Vec<u32>,
}

impl Run {
    fn sort(&mut self, op: &SortOp) {
        let width = op.keys.len() + op.carried.len();
        let n_rows = self.values.len() / width.max(1);
        let values = &self.values;
        let row = |at: u32| values.get(at as usize * width..).unwrap_or_default();
        self.order = (0..n_rows as u32).collect();
        self.order
            .sort_unstable_by(|&a, &b| by_keys(op, row(b), row(a)).then(b.cmp(&a)));
    }

    /// Moves the best row that is left to `into`; false where there is none.
    fn take_best(&mut self, width: usize, into: &mut Vec<Val>) -> bool {
        into.clear();
        let Some(at) = self.order.pop() else {
            return false;
        };
        let start = at as usize * width;
        let row = self.values.get_mut(start..start + width);
        into.extend(row.into_iter().flatten().map(std::mem::take));
        true
    }
}

/// The best row that is left of a run.
struct Head<'p> {
    op: &'p SortOp,
    values: Vec<Val>,
    run: usize,
}

impl Ord for Head<'_> {
    /// The best is the greatest. Rows of earlier runs came earlier.
    fn cmp(&self, other: &Self) -> Ordering {
        by_keys(self.op, &other.values, &self.values).then(other.run.cmp(&self.run))
    }
}

impl PartialOrd for Head<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Head<'_> {}

/// Sorts. With a bound, a heap of the best rows so far; its worst row is the first to go. Without
/// one, sorted runs that are merged while rows are handed on.
pub(super) struct SortSink<'p> {
    op: &'p SortOp,
    id: usize,
    best: BinaryHeap<Row<'p>>,
    open: Run,
    runs: Vec<Run>,
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
            open: Run::default(),
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
        run.sort(self.op);
        self.runs.push(run);
        Ok(())
    }

    fn width(&self) -> usize {
        self.op.keys.len() + self.op.carried.len()
    }

    /// Merges the runs.
    fn hand_on(&mut self, cx: &mut Cx<'_>) -> Result<(), Fault> {
        let (width, n_keys) = (self.width(), self.op.keys.len());
        let mut heads = BinaryHeap::new();
        for (at, run) in self.runs.iter_mut().enumerate() {
            let mut values = Vec::with_capacity(width);
            if run.take_best(width, &mut values) {
                heads.push(Head {
                    op: self.op,
                    values,
                    run: at,
                });
            }
        }
        while let Some(mut head) = heads.pop() {
            cx.tick()?;
            let carried = head.values.drain(n_keys..);
            for (&slot, value) in self.op.carried.iter().zip(carried) {
                cx.set(slot, value);
            }
            let run = self.runs.get_mut(head.run);
            if run.is_some_and(|run| run.take_best(width, &mut head.values)) {
                heads.push(head);
            }
            if self.next.row(cx)?.is_break() {
                break;
            }
        }
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
        if bound == u64::MAX {
            let op = self.op;
            let slots = op.keys.iter().map(|key| &key.0).chain(&op.carried);
            let row = slots.map(|&slot| cx.get(slot));
            let bytes = row.clone().map(|value| Val::BYTES + value.heap_bytes());
            let bytes = 4 + bytes.sum::<u64>();
            self.open.values.extend(row.cloned());
            cx.kept(self.id, bytes)?;
            self.bytes += bytes;
            if self.open.values.len() >= RUN * self.width() {
                self.close_run(cx)?;
            }
            return Ok(Flow::Continue(()));
        }
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
        self.best.push(row);
        Ok(Flow::Continue(()))
    }

    fn finish(&mut self, cx: &mut Cx<'_>) -> Result<(), Fault> {
        self.bound(cx)?;
        let mut best = std::mem::take(&mut self.best).into_vec();
        // Rows of equal keys in the order they came.
        best.sort_unstable_by_key(|row| row.number);
        for row in best {
            self.open
                .values
                .extend(row.keys.into_iter().chain(row.values));
            if self.open.values.len() >= RUN * self.width() {
                self.close_run(cx)?;
            }
        }
        self.close_run(cx)?;
        self.hand_on(cx)?;
        cx.budget.release(self.bytes);
        self.next.finish(cx)
    }
}

impl Drop for SortSink<'_> {
    fn drop(&mut self) {
        let kept = (
            std::mem::take(&mut self.runs),
            std::mem::take(&mut self.open),
        );
        discard(kept, self.bytes);
    }
}
