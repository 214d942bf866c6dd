//! Morsels: the nodes that a query starts at are cut into ranges, workers run the pattern and what
//! looks at one row at a time, and the results are put together in the order of the ranges
//! (Leis et al., "Morsel-Driven Parallelism", SIGMOD 2014). The rows are those of one thread, in
//! the same order.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::exec::aggregate::{AggregateSink, Groups};
use crate::exec::{Cx, Flow, Sink, chain};
use crate::expr::Slot;
use crate::fault::Fault;
use crate::func::aggregate::Accumulator;
use crate::plan::{AggregateOp, Line, Node, Op, SortOp};
use crate::value::Val;

/// Where a query may run beside the calling thread.
#[derive(Clone, Copy)]
pub struct Parallel<'a> {
    /// The pool that lends its threads.
    pub pool: &'a rayon::ThreadPool,
    /// How many of them at most.
    pub n_threads: usize,
    /// Queries that look at fewer nodes and edges than this, roughly, keep to one thread.
    pub least_cost: f64,
}

impl std::fmt::Debug for Parallel<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parallel")
            .field("n_threads", &self.n_threads)
            .field("least_cost", &self.least_cost)
            .finish_non_exhaustive()
    }
}

impl Parallel<'_> {
    /// What pays on common machines: about a millisecond of work.
    pub const LEAST_COST: f64 = 50_000.0;
}

/// A morsel keeps no more rows than this for operators that may not want them all; then it is run
/// again, row by row.
const MOST_ROWS: usize = 4096;

/// A line of operators cut where rows come together.
struct Cut<'p> {
    /// What each worker runs.
    worker: &'p [Node],
    /// What runs on the rows of all workers.
    rest: &'p [Node],
    morsels: Vec<Range<u32>>,
    meets: Meets<'p>,
    /// Slots that the worker fills.
    slots: Vec<Slot>,
}

/// How the rows of workers come together.
enum Meets<'p> {
    /// Groups are merged; the first operator of the rest is the aggregation.
    Groups(&'p AggregateOp, usize),
    /// Every row is wanted.
    Rows,
    /// The best rows of each; the first operator of the rest picks the best of them.
    Top(SortOp, usize),
    /// Perhaps not every row is wanted.
    SomeRows,
}

/// Runs a line on several threads if that pays and changes nothing; `None` when it does not.
pub(super) fn run_line<'p>(
    line: &'p Line,
    emit: &mut Option<Box<dyn Sink + 'p>>,
    cx: &mut Cx<'_>,
) -> Option<Result<(), Fault>> {
    let parallel = cx.parallel?;
    let cut = cut(line, cx, &parallel)?;
    let emit = emit.take()?;
    Some(match &cut.meets {
        Meets::Groups(op, id) => run_groups(&cut, op, *id, emit, cx, &parallel),
        _ => run_rows(&cut, emit, cx, &parallel),
    })
}

fn cut<'p>(line: &'p Line, cx: &Cx<'_>, parallel: &Parallel<'_>) -> Option<Cut<'p>> {
    let Op::Match(first) = &line.nodes.first()?.op else {
        return None;
    };
    let is_plain = !first.is_optional && first.inputs.is_empty();
    if !is_plain || parallel.n_threads < 2 || first.plan.cost() < parallel.least_cost {
        return None;
    }
    let is_row_wise = |node: &Node| {
        matches!(
            node.op,
            Op::Match(_) | Op::Unwind(..) | Op::Filter(..) | Op::Assign(_)
        )
    };
    let at = line
        .nodes
        .iter()
        .position(|node| !is_row_wise(node))
        .unwrap_or(line.nodes.len());
    let (mut worker, rest) = line.nodes.split_at(at);
    let meets = match rest.first().map(|node| (&node.op, node.id)) {
        Some((Op::Aggregate(op), id)) if is_mergeable(op) => Meets::Groups(op, id),
        Some((Op::Aggregate(_), _)) => Meets::Rows,
        Some((Op::Sort(sort), id)) => match sort.top {
            None => Meets::Rows,
            Some(_) => {
                let mut sort = (**sort).clone();
                sort.carried.extend(sort.keys.iter().map(|key| key.0));
                sort.carried.sort_unstable();
                sort.carried.dedup();
                Meets::Top(sort, id)
            }
        },
        // Each worker lets equal rows through once, and so does the rest.
        Some((Op::Distinct(_), _)) => {
            worker = line.nodes.split_at(at + 1).0;
            Meets::SomeRows
        }
        // The first rows are enough.
        Some((Op::Skip(..) | Op::Limit(..), _)) => return None,
        _ => Meets::SomeRows,
    };
    let morsels = first.plan.morsels(cx.snapshot)?;
    let slots = match &meets {
        Meets::Top(sort, _) => sort.carried.clone(),
        _ => filled(worker),
    };
    Some(Cut {
        worker,
        rest,
        morsels,
        meets,
        slots,
    })
}

fn is_mergeable(op: &AggregateOp) -> bool {
    op.aggregates
        .iter()
        .all(|item| Accumulator::is_mergeable(item.aggregate, item.is_distinct))
}

/// The slots that some operator fills.
fn filled(nodes: &[Node]) -> Vec<Slot> {
    let mut slots = Vec::new();
    for node in nodes {
        match &node.op {
            Op::Match(op) => slots.extend(op.outputs.iter().map(|output| output.slot)),
            Op::Unwind(_, slot) => slots.push(*slot),
            Op::Assign(items) => slots.extend(items.iter().map(|item| item.0)),
            _ => {}
        }
    }
    slots.sort_unstable();
    slots.dedup();
    slots
}

/// What a worker found in one morsel, and why it stopped if it did.
struct Found<T> {
    value: T,
    result: Result<(), Fault>,
}

/// Rows that wait for their turn.
#[derive(Default)]
struct Rows {
    kept: Vec<(Box<[Val]>, u64)>,
    bytes: u64,
    /// There are more than were kept.
    overflows: bool,
}

/// Keeps rows.
struct Keep<'k> {
    slots: &'k [Slot],
    most: usize,
    rows: &'k mut Rows,
}

impl Sink for Keep<'_> {
    fn row(&mut self, cx: &mut Cx<'_>) -> Result<Flow, Fault> {
        if self.rows.kept.len() == self.most {
            self.rows.overflows = true;
            return Ok(Flow::Break(()));
        }
        let row: Box<[Val]> = self
            .slots
            .iter()
            .map(|&slot| cx.get(slot).clone())
            .collect();
        let bytes = 32
            + row
                .iter()
                .map(|value| Val::BYTES + value.heap_bytes())
                .sum::<u64>();
        cx.budget.charge(bytes)?;
        self.rows.bytes += bytes;
        self.rows.kept.push((row, cx.weight));
        Ok(Flow::Continue(()))
    }

    fn finish(&mut self, _: &mut Cx<'_>) -> Result<(), Fault> {
        Ok(())
    }
}

/// Runs what workers run on one morsel, into `last`.
fn run_morsel<'p>(
    nodes: &'p [Node],
    morsel: Range<u32>,
    last: Box<dyn Sink + 'p>,
    cx: &mut Cx<'_>,
) -> Result<Flow, Fault> {
    cx.morsel = Some(morsel);
    let mut line = chain(nodes, last);
    let flow = line.row(cx);
    cx.morsel = None;
    let flow = flow?;
    line.finish(cx)?;
    Ok(flow)
}

/// Runs `work` for each morsel of a window on several threads; results in order.
fn on_threads<T: Send>(
    cx: &mut Cx<'_>,
    parallel: &Parallel<'_>,
    window: Range<usize>,
    work: &(dyn Fn(usize, &mut Cx<'_>) -> T + Sync),
) -> Vec<T> {
    let first = window.start;
    let n_morsels = window.len();
    let next = AtomicUsize::new(first);
    let results: Vec<Mutex<Option<T>>> = (0..n_morsels).map(|_| Mutex::new(None)).collect();
    let workers: Mutex<Vec<Cx<'_>>> = Mutex::new(Vec::new());
    let template = cx.fork();
    parallel.pool.scope(|scope| {
        for _ in 0..parallel.n_threads.min(n_morsels) {
            scope.spawn(|_| {
                let mut cx = template.fork();
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= window.end {
                        break;
                    }
                    let found = work(at, &mut cx);
                    if let Some(slot) = results.get(at - first) {
                        *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
                    }
                }
                workers
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(cx);
            });
        }
    });
    for worker in workers.into_inner().unwrap_or_else(PoisonError::into_inner) {
        cx.join(&worker);
    }
    results
        .into_iter()
        .filter_map(|slot| slot.into_inner().unwrap_or_else(PoisonError::into_inner))
        .collect()
}

fn run_groups<'p>(
    cut: &Cut<'p>,
    op: &'p AggregateOp,
    id: usize,
    emit: Box<dyn Sink + 'p>,
    cx: &mut Cx<'_>,
    parallel: &Parallel<'_>,
) -> Result<(), Fault> {
    let after = cut.rest.get(1..).unwrap_or_default();
    let mut total = AggregateSink::new(op, id, super::counted(id, after, chain(after, emit)));
    let n_morsels = cut.morsels.len();
    let window = parallel.n_threads * 8;
    let mut at = 0;
    while at < n_morsels {
        let end = n_morsels.min(at + window);
        let found = on_threads(cx, parallel, at..end, &|at, cx| {
            let mut groups = Groups::default();
            let morsel = cut.morsels.get(at).cloned().unwrap_or(0..0);
            let sink = Box::new(Partial {
                sink: AggregateSink::new(op, id, Box::new(Nowhere)),
                groups: &mut groups,
            });
            let result = run_morsel(cut.worker, morsel, sink, cx).map(|_| ());
            Found {
                value: groups,
                result,
            }
        });
        for Found { value, result } in found {
            result?;
            total.absorb(value, cx)?;
        }
        at = end;
    }
    total.finish(cx)
}

/// An aggregation whose groups are taken out at the end.
struct Partial<'p, 'g> {
    sink: AggregateSink<'p>,
    groups: &'g mut Groups,
}

impl Sink for Partial<'_, '_> {
    fn row(&mut self, cx: &mut Cx<'_>) -> Result<Flow, Fault> {
        self.sink.row(cx)
    }

    fn finish(&mut self, _: &mut Cx<'_>) -> Result<(), Fault> {
        *self.groups = self.sink.take();
        Ok(())
    }
}

struct Nowhere;

impl Sink for Nowhere {
    fn row(&mut self, _: &mut Cx<'_>) -> Result<Flow, Fault> {
        Ok(Flow::Continue(()))
    }

    fn finish(&mut self, _: &mut Cx<'_>) -> Result<(), Fault> {
        Ok(())
    }
}

fn run_rows<'p>(
    cut: &Cut<'p>,
    emit: Box<dyn Sink + 'p>,
    cx: &mut Cx<'_>,
    parallel: &Parallel<'_>,
) -> Result<(), Fault> {
    let mut rest = chain(cut.rest, emit);
    let most = match cut.meets {
        Meets::SomeRows => MOST_ROWS,
        _ => usize::MAX,
    };
    let n_morsels = cut.morsels.len();
    // The first rows should come soon.
    let mut window = parallel.n_threads;
    let mut at = 0;
    let mut is_wanted = true;
    while at < n_morsels && is_wanted {
        let end = n_morsels.min(at + window);
        let found = on_threads(cx, parallel, at..end, &|at, cx| {
            let mut rows = Rows::default();
            let morsel = cut.morsels.get(at).cloned().unwrap_or(0..0);
            let keep: Box<dyn Sink + '_> = Box::new(Keep {
                slots: &cut.slots,
                most,
                rows: &mut rows,
            });
            let last = match &cut.meets {
                Meets::Top(sort, id) => Box::new(super::sort::SortSink::new(sort, *id, keep)),
                _ => keep,
            };
            let result = run_morsel(cut.worker, morsel, last, cx).map(|_| ());
            Found {
                value: rows,
                result,
            }
        });
        for (morsel, Found { value, result }) in (at..end).zip(found) {
            cx.budget.release(value.bytes);
            if !is_wanted {
                continue;
            }
            if value.overflows {
                let range = cut.morsels.get(morsel).cloned().unwrap_or(0..0);
                let again = Box::new(Through {
                    next: rest.as_mut(),
                });
                is_wanted = run_morsel(cut.worker, range, again, cx)?.is_continue();
                continue;
            }
            for (row, weight) in value.kept {
                for (&slot, value) in cut.slots.iter().zip(row) {
                    cx.set(slot, value);
                }
                cx.weight = weight;
                let flow = rest.row(cx);
                cx.weight = 1;
                if flow?.is_break() {
                    is_wanted = false;
                    break;
                }
            }
            if is_wanted {
                result?;
            }
        }
        at = end;
        window = parallel.n_threads * 8;
    }
    rest.finish(cx)
}

/// Hands rows on to an operator that goes on after them.
struct Through<'t, 'p> {
    next: &'t mut (dyn Sink + 'p),
}

impl Sink for Through<'_, '_> {
    fn row(&mut self, cx: &mut Cx<'_>) -> Result<Flow, Fault> {
        self.next.row(cx)
    }

    fn finish(&mut self, _: &mut Cx<'_>) -> Result<(), Fault> {
        Ok(())
    }
}
