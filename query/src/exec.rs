//! Running a plan: rows are pushed from operator to operator through one frame of slots, so a row
//! costs nothing but the slots it changes. Operators that must see every row keep copies, charged
//! to the budget.

mod aggregate;
mod call;
mod discard;
mod distinct;
mod exists;
mod limit;
mod matching;
mod parallel;
mod project;
mod sort;
mod unwind;
mod verb;

pub(crate) use matching::fill;
pub use parallel::Parallel;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use foothold_engine::budget::{Budget, CHECK_EVERY, Stop};
use foothold_engine::graph::Snapshot;
use regex::{Regex, RegexBuilder};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::ast::Span;
use crate::diagnostic::{Code, Diagnostic};
use crate::expr::{Slot, SubqueryKind};
use crate::fault::Fault;
use crate::plan::{Body, Node, Op, Subplan};
use crate::value::{DateTime, RowKey, Val};

/// Whether more rows are wanted.
pub type Flow = ControlFlow<()>;

/// No value grows beyond this, whatever the memory limit.
const LARGEST_VALUE_BYTES: u64 = 1 << 30;

/// A regular expression takes at most so many bytes when compiled.
const REGEX_BYTES: usize = 1 << 20;

/// What one operator did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OpStats {
    /// Rows it handed on.
    pub rows: u64,
    /// Bytes it kept at most.
    pub memory_bytes: u64,
    /// Nanoseconds it worked, what it called for left out; of all threads together. `None` without
    /// a clock.
    pub time_ns: Option<u64>,
}

/// A clock that only goes forward, in nanoseconds. This crate has none of its own.
pub type Clock<'a> = &'a (dyn Fn() -> u64 + Sync);

/// The state of one running query.
pub struct Cx<'a> {
    /// The graph.
    pub snapshot: &'a Snapshot,
    /// The limits.
    pub budget: &'a Budget,
    /// The instant the query runs at: the snapshot's.
    pub now: DateTime,
    frame: Vec<Val>,
    /// How many equal rows the one in the frame stands for, on the way to an aggregate.
    weight: u64,
    seed: u64,
    regexes: FxHashMap<String, Arc<Regex>>,
    pending: u64,
    /// What each operator did, by its number.
    pub stats: Vec<OpStats>,
    clock: Option<Clock<'a>>,
    /// When the clock was read last.
    mark: u64,
    /// Other threads that may help.
    parallel: Option<Parallel<'a>>,
    /// The part of the first pattern that is this worker's.
    morsel: Option<Range<u32>>,
    /// What each `EXISTS` has cost, and what is known of it, by its operator.
    exists: FxHashMap<usize, exists::Asked>,
    /// The ends of verbs by where they are written.
    ends: BTreeMap<(u32, u32), EndSeen>,
    /// What verbs warn of, each once.
    warnings: Vec<Diagnostic>,
}

/// More warnings about one answer are not read.
const MAX_WARNINGS: usize = 20;

/// What became of an end of a verb.
#[derive(Debug, Clone)]
struct EndSeen {
    /// Whether any row had a node for it.
    is_met: bool,
    /// What was probably meant by it.
    near: Option<String>,
}

impl std::fmt::Debug for Cx<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cx")
            .field("frame", &self.frame)
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}

impl<'a> Cx<'a> {
    /// A fresh state with room for `n_slots` variables and `n_ops` operators.
    pub fn new(
        snapshot: &'a Snapshot,
        budget: &'a Budget,
        now: DateTime,
        seed: u64,
        n_slots: usize,
        n_ops: usize,
    ) -> Self {
        Cx {
            snapshot,
            budget,
            now,
            frame: vec![Val::Null; n_slots],
            weight: 1,
            seed,
            regexes: FxHashMap::default(),
            pending: 0,
            stats: vec![OpStats::default(); n_ops],
            clock: None,
            mark: 0,
            parallel: None,
            morsel: None,
            exists: FxHashMap::default(),
            ends: BTreeMap::new(),
            warnings: Vec::new(),
        }
    }

    /// Reads this clock for the profile.
    #[must_use]
    pub fn with_clock(mut self, clock: Option<Clock<'a>>) -> Self {
        self.clock = clock;
        self.mark = clock.map_or(0, |clock| clock());
        for stats in &mut self.stats {
            stats.time_ns = clock.map(|_| 0);
        }
        self
    }

    /// Lets other threads help.
    #[must_use]
    pub fn with_parallel(mut self, parallel: Option<Parallel<'a>>) -> Self {
        self.parallel = parallel;
        self
    }

    /// The state of a worker of the same query.
    fn fork(&self) -> Self {
        let mut worker = Cx::new(
            self.snapshot,
            self.budget,
            self.now,
            self.seed,
            self.frame.len(),
            self.stats.len(),
        );
        worker.frame.clone_from(&self.frame);
        worker.with_clock(self.clock)
    }

    /// Takes over what a worker did.
    fn join(&mut self, worker: &Cx<'_>) {
        for (own, other) in self.stats.iter_mut().zip(&worker.stats) {
            own.rows += other.rows;
            own.memory_bytes += other.memory_bytes;
            if let (Some(own), Some(other)) = (&mut own.time_ns, other.time_ns) {
                *own += other;
            }
        }
        for (&end, seen) in &worker.ends {
            match self.ends.entry(end) {
                Entry::Vacant(entry) => {
                    entry.insert(seen.clone());
                }
                Entry::Occupied(entry) => entry.into_mut().is_met |= seen.is_met,
            }
        }
        // What the workers did while this thread waited is theirs.
        self.mark = self.clock.map_or(0, |clock| clock());
    }

    /// Books the time since the clock was read last.
    fn book(&mut self, id: Option<usize>) {
        let Some(clock) = self.clock else {
            return;
        };
        let now = clock();
        if let Some(stats) = id.and_then(|id| self.stats.get_mut(id)) {
            let before = stats.time_ns.unwrap_or_default();
            stats.time_ns = Some(before + now.saturating_sub(self.mark));
        }
        self.mark = now;
    }

    /// The value in a slot.
    pub fn get(&self, slot: Slot) -> &Val {
        self.frame.get(slot.0 as usize).unwrap_or(&Val::Null)
    }

    /// Puts a value into a slot.
    pub fn set(&mut self, slot: Slot, value: Val) {
        if let Some(place) = self.frame.get_mut(slot.0 as usize) {
            *place = value;
        }
    }

    /// Counts a piece of work that no operator counts otherwise.
    pub fn tick(&mut self) -> Result<(), Fault> {
        self.pending += 1;
        if self.pending >= CHECK_EVERY {
            let done = std::mem::take(&mut self.pending);
            self.budget.expand(done)?;
        }
        Ok(())
    }

    /// Refuses to build a value that would not fit the memory limit. Who keeps the value charges
    /// for it, and who builds it counts the work (see [`Cx::built`]).
    pub(crate) fn fits(&mut self, bytes: u64) -> Result<(), Fault> {
        let held = self.budget.memory_bytes();
        let limit = self.budget.limits().memory_bytes.min(LARGEST_VALUE_BYTES);
        if held.saturating_add(bytes) > limit {
            return Err(self.budget.give_up(Stop::Memory).into());
        }
        Ok(())
    }

    /// Counts the work of building a value, or a further part of it.
    pub(crate) fn built(&mut self, bytes: u64) -> Result<(), Fault> {
        self.pending += bytes / 64;
        if self.pending >= CHECK_EVERY {
            let done = std::mem::take(&mut self.pending);
            self.budget.expand(done)?;
        }
        Ok(())
    }

    /// Notes whether an end of a verb had a node for this row. Only the first row asks for a guess
    /// of what was meant.
    pub(crate) fn note_end(
        &mut self,
        span: Span,
        is_met: bool,
        guess: impl FnOnce() -> Option<String>,
    ) {
        match self.ends.entry((span.start, span.end)) {
            Entry::Vacant(entry) => {
                let near = if is_met { None } else { guess() };
                entry.insert(EndSeen { is_met, near });
            }
            Entry::Occupied(entry) => entry.into_mut().is_met |= is_met,
        }
    }

    /// Warns of something about the answer, once.
    pub(crate) fn warn(&mut self, warning: Diagnostic) {
        let is_known = self
            .warnings
            .iter()
            .any(|known| known.message == warning.message);
        if !is_known && self.warnings.len() < MAX_WARNINGS {
            self.warnings.push(warning);
        }
    }

    /// What was found while running that whoever reads the answer has to know.
    pub fn warnings(&self) -> impl Iterator<Item = Diagnostic> + '_ {
        self.empty_ends().chain(self.warnings.iter().cloned())
    }

    /// Warnings about ends that had no node for any row: nothing follows from an answer about them.
    fn empty_ends(&self) -> impl Iterator<Item = Diagnostic> + '_ {
        let empty = self.ends.iter().filter(|(_, seen)| !seen.is_met);
        empty.map(|(&(start, end), seen)| {
            let message = "no node matches this, so the answer says nothing about it";
            let diagnostic = Diagnostic::new(Code::EmptyEnd, Span { start, end }, message);
            diagnostic.help(match &seen.near {
                Some(near) => format!("did you mean `{near}`?"),
                None => "ask for it alone with `MATCH`, and look at how it is written in the graph"
                    .to_owned(),
            })
        })
    }

    /// The next number of the query's own random sequence (splitmix64), from 0 to below 1.
    pub(crate) fn random(&mut self) -> f64 {
        self.seed = self.seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.seed;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        (mixed >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A compiled regular expression; it must match the whole text.
    pub(crate) fn regex(&mut self, pattern: &str, span: Span) -> Result<Arc<Regex>, Fault> {
        if let Some(known) = self.regexes.get(pattern) {
            return Ok(Arc::clone(known));
        }
        let built = RegexBuilder::new(&format!("^(?:{pattern})$"))
            .size_limit(REGEX_BYTES)
            .dfa_size_limit(REGEX_BYTES)
            .build();
        match built {
            Ok(regex) => {
                let regex = Arc::new(regex);
                self.regexes.insert(pattern.to_owned(), Arc::clone(&regex));
                Ok(regex)
            }
            Err(_) => {
                let message = format!("`{pattern}` is no regular expression, or too large a one");
                Err(Fault::error(Code::InvalidRegex, span, message))
            }
        }
    }

    fn count(&mut self, id: usize) {
        if let Some(stats) = self.stats.get_mut(id) {
            stats.rows += 1;
        }
    }

    fn kept(&mut self, id: usize, bytes: u64) -> Result<(), Fault> {
        self.budget.charge(bytes)?;
        if let Some(stats) = self.stats.get_mut(id) {
            stats.memory_bytes += bytes;
        }
        Ok(())
    }
}

/// An operator at work, with everything after it.
pub(crate) trait Sink {
    /// Takes the row in the frame.
    fn row(&mut self, cx: &mut Cx<'_>) -> Result<Flow, Fault>;
    /// There are no more rows.
    fn finish(&mut self, cx: &mut Cx<'_>) -> Result<(), Fault>;
}

/// Counts what reaches it on behalf of the operator before it, and books time.
struct Counted<'p> {
    id: usize,
    /// The operator after it.
    after: Option<usize>,
    next: Box<dyn Sink + 'p>,
}

impl Sink for Counted<'_> {
    fn row(&mut self, cx: &mut Cx<'_>) -> Result<Flow, Fault> {
        cx.count(self.id);
        if cx.clock.is_none() {
            return self.next.row(cx);
        }
        cx.book(Some(self.id));
        let flow = self.next.row(cx);
        cx.book(self.after);
        flow
    }

    fn finish(&mut self, cx: &mut Cx<'_>) -> Result<(), Fault> {
        cx.book(Some(self.id));
        let result = self.next.finish(cx);
        cx.book(self.after);
        result
    }
}

/// Puts a counter before `next`, which runs `nodes`, for the operator `id`.
fn counted<'p>(id: usize, nodes: &[Node], next: Box<dyn Sink + 'p>) -> Box<dyn Sink + 'p> {
    let after = nodes.first().map(|node| node.id);
    Box::new(Counted { id, after, next })
}

fn chain<'p>(nodes: &'p [Node], last: Box<dyn Sink + 'p>) -> Box<dyn Sink + 'p> {
    let mut sink = last;
    for (at, node) in nodes.iter().enumerate().rev() {
        let id = node.id;
        let next = counted(id, nodes.get(at + 1..).unwrap_or_default(), sink);
        sink = match &node.op {
            Op::Match(op) => Box::new(matching::MatchSink::new(op, next)),
            Op::Unwind(list, slot) => Box::new(unwind::UnwindSink {
                list,
                slot: *slot,
                next,
            }),
            Op::Filter(condition, span) => Box::new(project::FilterSink {
                condition,
                span: *span,
                next,
            }),
            Op::Assign(items) => Box::new(project::AssignSink { items, next }),
            Op::Aggregate(op) => Box::new(aggregate::AggregateSink::new(op, id, next)),
            Op::Distinct(slots) => Box::new(distinct::DistinctSink::new(slots, id, next)),
            Op::Sort(op) => Box::new(sort::SortSink::new(op, id, next)),
            Op::Skip(count, span) => Box::new(limit::SkipSink::new(count, *span, next)),
            Op::Limit(count, span) => Box::new(limit::LimitSink::new(count, *span, next)),
            Op::Call(plan) => Box::new(call::CallSink { plan, next }),
            Op::Verb(op) => Box::new(verb::VerbSink { op, next }),
        };
    }
    sink
}

/// The end of a line: copies the columns to where the body promises them and hands the row out.
struct Emit<'p, 'e> {
    outputs: &'p [Slot],
    results: &'p [Slot],
    seen: Option<&'e mut FxHashSet<RowKey>>,
    charged: &'e mut u64,
    take: &'e mut dyn FnMut(&mut Cx<'_>) -> Result<Flow, Fault>,
    is_done: &'e mut bool,
}

impl Sink for Emit<'_, '_> {
    fn row(&mut self, cx: &mut Cx<'_>) -> Result<Flow, Fault> {
        for (&from, &to) in self.outputs.iter().zip(self.results) {
            if from != to {
                let value = cx.get(from).clone();
                cx.set(to, value);
            }
        }
        if let Some(seen) = &mut self.seen {
            let row = self
                .results
                .iter()
                .map(|&slot| cx.get(slot).clone())
                .collect();
            let key = RowKey(row);
            let bytes = key.heap_bytes() + 32;
            if !seen.insert(key) {
                return Ok(Flow::Continue(()));
            }
            cx.budget.charge(bytes)?;
            *self.charged += bytes;
        }
        let flow = (self.take)(cx)?;
        *self.is_done |= flow.is_break();
        Ok(flow)
    }

    fn finish(&mut self, _: &mut Cx<'_>) -> Result<(), Fault> {
        Ok(())
    }
}

/// Runs a body; `take` is called with each row in the frame until it breaks.
pub(crate) fn run_body(
    body: &Body,
    cx: &mut Cx<'_>,
    take: &mut dyn FnMut(&mut Cx<'_>) -> Result<Flow, Fault>,
) -> Result<Flow, Fault> {
    let mut seen = FxHashSet::default();
    let mut is_done = false;
    let mut charged = 0;
    for part in &body.parts {
        let emit = Emit {
            outputs: &part.outputs,
            results: &body.results,
            seen: body.is_distinct.then_some(&mut seen),
            charged: &mut charged,
            take,
            is_done: &mut is_done,
        };
        let mut emit: Option<Box<dyn Sink + '_>> = Some(Box::new(emit));
        match parallel::run_line(part, &mut emit, cx) {
            Some(result) => result?,
            None => {
                if let Some(emit) = emit.take() {
                    let mut line = chain(&part.nodes, emit);
                    // After a break the operators still finish: one that collects rows hands them
                    // out then.
                    let _ = line.row(cx)?;
                    line.finish(cx)?;
                }
            }
        }
        drop(emit);
        if is_done {
            break;
        }
    }
    cx.budget.release(charged);
    Ok(if is_done {
        Flow::Break(())
    } else {
        Flow::Continue(())
    })
}

/// Evaluates a subquery of an expression.
pub(crate) fn subquery(kind: SubqueryKind, plan: &Subplan, cx: &mut Cx<'_>) -> Result<Val, Fault> {
    cx.tick()?;
    let weight = std::mem::replace(&mut cx.weight, 1);
    let parallel = cx.parallel.take();
    let value = subquery_value(kind, plan, cx);
    cx.parallel = parallel;
    cx.weight = weight;
    value
}

fn subquery_value(kind: SubqueryKind, plan: &Subplan, cx: &mut Cx<'_>) -> Result<Val, Fault> {
    match kind {
        SubqueryKind::Exists => {
            if let Some(known) = exists::known(plan, cx)? {
                return Ok(Val::Bool(known));
            }
            let before = cx.budget.expansions();
            let mut found = false;
            let _ = run_body(&plan.body, cx, &mut |_| {
                found = true;
                Ok(Flow::Break(()))
            })?;
            let spent = cx.budget.expansions() - before;
            exists::note(plan, cx, spent);
            Ok(Val::Bool(found))
        }
        SubqueryKind::Count => {
            let mut n = 0;
            let _ = run_body(&plan.body, cx, &mut |_| {
                n += 1;
                Ok(Flow::Continue(()))
            })?;
            Ok(Val::Int(n))
        }
        SubqueryKind::Collect(slot) => {
            let mut items = Vec::new();
            let mut charged = 0;
            let _ = run_body(&plan.body, cx, &mut |cx| {
                let value = cx.get(slot).clone();
                let bytes = Val::BYTES + value.heap_bytes();
                cx.budget.charge(bytes)?;
                charged += bytes;
                items.push(value);
                Ok(Flow::Continue(()))
            })?;
            // Whoever keeps the list charges for it.
            cx.budget.release(charged);
            Ok(Val::list(items))
        }
        SubqueryKind::First(slot) => {
            let mut first = Val::Null;
            let _ = run_body(&plan.body, cx, &mut |cx| {
                first = cx.get(slot).clone();
                Ok(Flow::Break(()))
            })?;
            Ok(first)
        }
    }
}
