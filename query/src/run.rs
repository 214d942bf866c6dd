//! Running a query from its text.

use std::ops::ControlFlow;
use std::sync::Arc;

use foothold_engine::budget::{Budget, Stop};
use foothold_engine::graph::Snapshot;
use foothold_engine::pattern::Order;

use crate::ast::{Query, QueryMode};
use crate::diagnostic::{Code, Diagnostic};
use crate::exec::{Clock, Cx, Parallel, run_body};
use crate::explain::{PlanRow, plan_rows};
use crate::fault::Fault;
use crate::parse::parse_query;
use crate::resolve::{Params, Resolved, Resolver, Scope, Surroundings, VerbTable, resolve};
use crate::value::{DateTime, Val};

/// What a query may know beyond its snapshot.
#[derive(Clone, Copy)]
pub struct Env<'a> {
    /// The instant the snapshot describes, in milliseconds since 1970 UTC: what `datetime()` says.
    pub now_ms: i64,
    /// Groups of kinds and the verbs.
    pub surroundings: &'a dyn Surroundings,
}

impl std::fmt::Debug for Env<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Env")
            .field("now_ms", &self.now_ms)
            .finish_non_exhaustive()
    }
}

/// No groups and no verbs: only the reading core.
#[derive(Debug, Clone, Copy, Default)]
pub struct CoreOnly;

impl Surroundings for CoreOnly {
    fn kind_group(&self, _: &str) -> Option<Vec<String>> {
        None
    }

    fn verb(
        &self,
        _: &mut Resolver<'_>,
        _: &crate::ast::VerbClause,
        _: &Scope,
    ) -> Option<VerbTable> {
        None
    }
}

impl Default for Env<'_> {
    fn default() -> Self {
        Env {
            now_ms: 0,
            surroundings: &CoreOnly,
        }
    }
}

/// How much of the answer was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Completeness {
    /// The limit that cut the answer short, or who cancelled.
    pub stop: Option<Stop>,
}

/// What running took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueryStats {
    /// Rows handed out.
    pub rows: u64,
    /// Edges and nodes looked at, in steps of the budget's accounting.
    pub expansions: u64,
    /// Bytes still accounted for at the end.
    pub memory_bytes: u64,
}

/// The answer of a query.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The names of the columns.
    pub columns: Vec<Arc<str>>,
    /// The rows.
    pub rows: Vec<Vec<Val>>,
    /// Whether these are all rows.
    pub completeness: Completeness,
    /// What it took.
    pub stats: QueryStats,
    /// What is suspicious about the query.
    pub warnings: Vec<Diagnostic>,
    /// The plan, when asked for by `EXPLAIN` or `PROFILE`.
    pub plan: Option<Vec<PlanRow>>,
}

/// What a streamed query ends with: everything of an [`Answer`] but its rows.
#[derive(Debug, Clone)]
pub struct Summary {
    /// Whether all rows were handed out.
    pub completeness: Completeness,
    /// What it took.
    pub stats: QueryStats,
    /// What it did, when asked for by `PROFILE`.
    pub plan: Option<Vec<PlanRow>>,
    /// What running has shown to be suspicious, beside [`Prepared::warnings`].
    pub warnings: Vec<Diagnostic>,
}

/// How a query is run.
#[derive(Clone, Copy, Default)]
pub struct RunOptions<'a> {
    /// Threads that may help; none by default.
    pub parallel: Option<Parallel<'a>>,
    /// What `PROFILE` measures time with; without one it measures none.
    pub clock: Option<Clock<'a>>,
}

impl std::fmt::Debug for RunOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunOptions")
            .field("parallel", &self.parallel)
            .finish_non_exhaustive()
    }
}

/// A query that was read and resolved on one snapshot.
#[derive(Debug, Clone)]
pub struct Prepared {
    snapshot: Arc<Snapshot>,
    mode: QueryMode,
    resolved: Resolved,
    now_ms: i64,
    seed: u64,
}

/// Reads, resolves and runs a query. Errors are everything that is wrong with it; a limit is none,
/// but makes the answer partial.
///
/// ```
/// use std::sync::Arc;
/// use foothold_engine::budget::Budget;
/// use foothold_engine::graph::Snapshot;
/// use foothold_query::{Env, Params, run};
///
/// let snapshot = Arc::new(Snapshot::empty());
/// let text = "UNWIND range(1, 3) AS n RETURN sum(n) AS total";
/// let answer = run(&snapshot, text, &Params::new(), &Budget::unlimited(), &Env::default()).unwrap();
/// assert_eq!(&*answer.columns[0], "total");
/// assert!(matches!(answer.rows[0][0], foothold_query::value::Val::Int(6)));
/// ```
pub fn run(
    snapshot: &Arc<Snapshot>,
    text: &str,
    params: &Params,
    budget: &Budget,
    env: &Env<'_>,
) -> Result<Answer, Vec<Diagnostic>> {
    let prepared = prepare(snapshot, text, params, env)?;
    prepared.run(budget)
}

/// Reads and resolves a query: everything that can be refused before a row is read.
pub fn prepare(
    snapshot: &Arc<Snapshot>,
    text: &str,
    params: &Params,
    env: &Env<'_>,
) -> Result<Prepared, Vec<Diagnostic>> {
    let parsed = parse_query(text);
    let mut warnings = parsed.diagnostics.clone();
    let query = parsed.ok()?;
    if let Some(refused) = refuse_other_snapshots(&query) {
        return Err(vec![refused]);
    }
    let mut prepared = prepare_tree(snapshot, text, &query, params, env)?;
    warnings.append(&mut prepared.resolved.warnings);
    prepared.resolved.warnings = warnings;
    Ok(prepared)
}

/// Resolves a query that was read already. `AT`, `WHAT IF` and `DIFF` choose snapshots and are the
/// caller's to answer before; here they are passed over.
pub fn prepare_tree(
    snapshot: &Arc<Snapshot>,
    text: &str,
    query: &Query,
    params: &Params,
    env: &Env<'_>,
) -> Result<Prepared, Vec<Diagnostic>> {
    prepare_ordered(snapshot, text, query, params, env, Order::Cheapest)
}

/// Reads and resolves a query without any optimisation: what tests compare with.
pub fn prepare_as_written(
    snapshot: &Arc<Snapshot>,
    text: &str,
    params: &Params,
    env: &Env<'_>,
) -> Result<Prepared, Vec<Diagnostic>> {
    let query = parse_query(text).ok()?;
    prepare_ordered(snapshot, text, &query, params, env, Order::AsWritten)
}

fn prepare_ordered(
    snapshot: &Arc<Snapshot>,
    text: &str,
    query: &Query,
    params: &Params,
    env: &Env<'_>,
    order: Order,
) -> Result<Prepared, Vec<Diagnostic>> {
    let resolved = resolve(snapshot, text, query, params, env.surroundings, order)?;
    Ok(Prepared {
        snapshot: Arc::clone(snapshot),
        mode: query.mode,
        resolved,
        now_ms: env.now_ms,
        seed: seed_of(text),
    })
}

impl Prepared {
    /// The names of the columns.
    pub fn columns(&self) -> &[Arc<str>] {
        &self.resolved.body.columns
    }

    /// What is suspicious about the query.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.resolved.warnings
    }

    /// The plan.
    pub fn plan(&self) -> Vec<PlanRow> {
        plan_rows(&self.snapshot, &self.resolved.body, None)
    }

    /// Runs it on this thread and keeps the rows.
    pub fn run(&self, budget: &Budget) -> Result<Answer, Vec<Diagnostic>> {
        self.run_with(&RunOptions::default(), budget)
    }

    /// Runs it and keeps the rows.
    pub fn run_with(
        &self,
        options: &RunOptions<'_>,
        budget: &Budget,
    ) -> Result<Answer, Vec<Diagnostic>> {
        if self.mode == QueryMode::Explain {
            return Ok(self.explained());
        }
        let mut rows = Vec::new();
        let summary = self.stream_with(options, budget, |row| {
            let bytes = 24
                + row
                    .iter()
                    .map(|value| Val::BYTES + value.heap_bytes())
                    .sum::<u64>();
            budget.charge(bytes)?;
            rows.push(row.to_vec());
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(Answer {
            columns: self.columns().to_vec(),
            rows,
            completeness: summary.completeness,
            stats: summary.stats,
            warnings: [self.warnings(), &summary.warnings].concat(),
            plan: summary.plan,
        })
    }

    fn explained(&self) -> Answer {
        let plan = self.plan();
        let lines = plan.iter().map(|row| vec![Val::Str(row.text().into())]);
        Answer {
            columns: vec!["plan".into()],
            rows: lines.collect(),
            completeness: Completeness::default(),
            stats: QueryStats::default(),
            warnings: self.resolved.warnings.clone(),
            plan: Some(plan),
        }
    }

    /// Runs it on this thread and hands out each row as it is found, until `take` breaks.
    pub fn stream(
        &self,
        budget: &Budget,
        take: impl FnMut(&[Val]) -> Result<ControlFlow<()>, Stop>,
    ) -> Result<Summary, Vec<Diagnostic>> {
        self.stream_with(&RunOptions::default(), budget, take)
    }

    /// Runs it and hands out each row as it is found, until `take` breaks. Rows and their order do
    /// not depend on the options.
    pub fn stream_with(
        &self,
        options: &RunOptions<'_>,
        budget: &Budget,
        mut take: impl FnMut(&[Val]) -> Result<ControlFlow<()>, Stop>,
    ) -> Result<Summary, Vec<Diagnostic>> {
        let resolved = &self.resolved;
        let parallel = options.parallel.filter(|_| !resolved.is_random);
        let clock = options.clock.filter(|_| self.mode == QueryMode::Profile);
        let mut cx = Cx::new(
            &self.snapshot,
            budget,
            DateTime(self.now_ms),
            self.seed,
            resolved.n_slots,
            resolved.n_ops,
        )
        .with_parallel(parallel)
        .with_clock(clock);
        let mut row: Vec<Val> = Vec::with_capacity(resolved.body.results.len());
        let mut n_rows = 0_u64;
        let result = run_body(&resolved.body, &mut cx, &mut |cx| {
            if n_rows == budget.limits().rows {
                return Err(budget.give_up(Stop::Rows).into());
            }
            n_rows += 1;
            row.clear();
            row.extend(
                resolved
                    .body
                    .results
                    .iter()
                    .map(|&slot| cx.get(slot).clone()),
            );
            Ok(take(&row)?)
        });
        let stop = match result {
            Ok(_) => None,
            Err(Fault::Stop(stop)) => Some(stop),
            Err(Fault::Error(diagnostic)) => return Err(vec![*diagnostic]),
        };
        let plan = (self.mode == QueryMode::Profile)
            .then(|| plan_rows(&self.snapshot, &resolved.body, Some(&cx.stats)));
        Ok(Summary {
            completeness: Completeness { stop },
            stats: QueryStats {
                rows: n_rows,
                expansions: budget.expansions(),
                memory_bytes: budget.memory_bytes(),
            },
            plan,
            warnings: cx.warnings().collect(),
        })
    }
}

/// The same query text gives the same random numbers (FNV-1a).
fn seed_of(text: &str) -> u64 {
    text.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    })
}

/// Refuses what only whoever holds the snapshots can answer.
pub fn refuse_other_snapshots(query: &Query) -> Option<Diagnostic> {
    let span = match (&query.diff, &query.at, query.what_if.first()) {
        (Some(diff), _, _) => diff.span,
        (_, Some(at), _) => at.span,
        (_, _, Some(change)) => change.span,
        _ => return None,
    };
    let message = "other snapshots than the current one are not at hand here";
    Some(Diagnostic::new(Code::NotSupported, span, message))
}
