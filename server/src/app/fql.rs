//! Asking: a query's text to its answer, on the right snapshot, within a budget.

mod compared;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use foothold_engine::budget::{Budget, Limits, Stop};
use foothold_query::ast::{Query, QueryMode, SnapshotRef, SnapshotRefKind};
use foothold_query::diagnostic::{Code, Colour, Diagnostic, DiagnosticJson, Places, render_all};
use foothold_query::exec::Parallel;
use foothold_query::explain::PlanRow;
use foothold_query::json::to_json;
use foothold_query::parse::parse_query;
use foothold_query::verb::StepWatch;
use foothold_query::{Env, Params, RunOptions, prepare_tree};
use serde_json::Value as Json;

use super::deadline::Deadline;
use super::world::World;
use super::{AppError, Estate, Result};
use crate::clock::Stopwatch;
use crate::dto::answer::{AnswerDto, Ending};

/// The default limits of an interactive query.
pub(crate) const DEFAULT_ROWS: u64 = 10_000;
/// Bytes that a query may hold.
pub(crate) const DEFAULT_MEMORY_BYTES: u64 = 256 << 20;
/// Edges that a query may look at.
pub(crate) const DEFAULT_EXPANSIONS: u64 = 200_000_000;
/// How long a query may run.
pub(crate) const DEFAULT_TIME: Duration = Duration::from_secs(10);

/// What may be asked of the machine for one answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowance {
    /// Rows, bytes and expansions.
    pub(crate) limits: Limits,
    /// Time.
    pub(crate) time: Duration,
}

impl Allowance {
    /// The limits of an interactive query.
    pub(crate) fn interactive() -> Self {
        Self {
            limits: Limits {
                rows: DEFAULT_ROWS,
                memory_bytes: DEFAULT_MEMORY_BYTES,
                expansions: DEFAULT_EXPANSIONS,
            },
            time: DEFAULT_TIME,
        }
    }
}

/// Why a query was not answered.
#[derive(Debug)]
pub(crate) enum Unanswered {
    /// Its text is wrong.
    Refused(Refused),
    /// The world it asks for cannot be had.
    App(AppError),
}

impl From<AppError> for Unanswered {
    fn from(error: AppError) -> Self {
        Unanswered::App(error)
    }
}

impl From<Refused> for Unanswered {
    fn from(refused: Refused) -> Self {
        Unanswered::Refused(refused)
    }
}

/// What is wrong with a query.
#[derive(Debug, Clone)]
pub(crate) struct Refused {
    text: String,
    diagnostics: Vec<Diagnostic>,
}

impl Refused {
    /// Diagnostics of a text.
    pub(crate) fn new(text: &str, diagnostics: Vec<Diagnostic>) -> Self {
        Self {
            text: text.to_owned(),
            diagnostics,
        }
    }

    /// As clients see them.
    pub(crate) fn to_json(&self) -> Vec<DiagnosticJson> {
        diagnostics_json(&self.text, &self.diagnostics)
    }

    /// As people see them in a terminal.
    pub(crate) fn render(&self, colour: Colour) -> String {
        render_all(&self.diagnostics, &self.text, colour)
    }

    /// The first message, for places with room for one line.
    pub(crate) fn summary(&self) -> String {
        self.diagnostics
            .first()
            .map_or_else(String::new, |first| first.message.clone())
    }
}

/// Diagnostics with the lines and columns of their text.
pub(crate) fn diagnostics_json(text: &str, diagnostics: &[Diagnostic]) -> Vec<DiagnosticJson> {
    let places = Places::new(text);
    diagnostics
        .iter()
        .map(|diagnostic| diagnostic.to_json_at(&places))
        .collect()
}

/// What to put in front of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// As its text says.
    AsWritten,
    /// `EXPLAIN`, whatever the text says.
    Explain,
}

/// A question ready to be asked.
pub(crate) struct Question<'a> {
    /// The query, or the file that holds it.
    pub(crate) text: &'a str,
    /// The query as read before, when `text` is more than the query.
    pub(crate) tree: Option<&'a Query>,
    /// Its parameters.
    pub(crate) params: &'a Params,
    /// The snapshot to ask, unless the text names one.
    pub(crate) at: Option<&'a str>,
    /// Changes to pretend, as after `WHAT IF`, unless the text names some.
    pub(crate) what_if: Option<&'a str>,
    /// Whether only the plan is wanted.
    pub(crate) mode: Mode,
    /// How long it may take.
    pub(crate) time: Duration,
}

/// Answers a question with all of its rows.
pub(crate) fn ask(
    estate: &Estate,
    question: &Question<'_>,
    budget: &Budget,
) -> std::result::Result<AnswerDto, Unanswered> {
    let mut rows = Vec::new();
    let mut columns = Vec::new();
    let ending = ask_streaming(estate, question, budget, &mut |part| {
        match part {
            Part::Columns(names) => columns = names,
            Part::Row(row) => rows.push(row),
        }
        ControlFlow::Continue(())
    })?;
    Ok(AnswerDto {
        columns,
        rows,
        ending,
    })
}

/// A part of a streamed answer.
pub(crate) enum Part {
    /// Comes once, first.
    Columns(Vec<String>),
    /// One row, in the order of the columns.
    Row(Vec<Json>),
}

/// Answers a question part by part, until `take` breaks.
pub(crate) fn ask_streaming(
    estate: &Estate,
    question: &Question<'_>,
    budget: &Budget,
    take: &mut (dyn FnMut(Part) -> ControlFlow<()> + Send),
) -> std::result::Result<Ending, Unanswered> {
    let watch = Stopwatch::start();
    let refuse = |diagnostics| Unanswered::from(Refused::new(question.text, diagnostics));
    let mut parse_warnings = Vec::new();
    let mut query = match question.tree {
        Some(tree) => tree.clone(),
        None => {
            let parsed = parse_query(question.text);
            parse_warnings.clone_from(&parsed.diagnostics);
            parsed.ok().map_err(refuse)?
        }
    };
    if question.mode == Mode::Explain {
        query.mode = QueryMode::Explain;
    }
    let mut changes_text = question.text;
    let more_changes;
    if let Some(written) = question.what_if
        && query.what_if.is_empty()
    {
        more_changes = format!("WHAT IF {written} RETURN 1 AS one");
        let refuse = |diagnostics| Unanswered::from(Refused::new(&more_changes, diagnostics));
        query.what_if = parse_query(&more_changes).ok().map_err(refuse)?.what_if;
        changes_text = &more_changes;
    }
    let _deadline = Deadline::after(question.time, budget.stop_handle());
    let asking = Asking {
        estate,
        question,
        changes_text,
        query: &query,
        budget,
        parse_warnings,
        watch,
    };
    if let Some(diff) = &query.diff {
        let before = world_of(estate, question, &diff.from)?;
        let after = world_of(estate, question, &diff.to)?;
        return estate
            .pool()
            .install(|| asking.difference(&before, &after, take));
    }
    let world = choose_world(estate, question, &query)?;
    estate.pool().install(|| {
        if query.what_if.is_empty() {
            asking.run(&query, &world, &[], take)
        } else {
            asking.what_if(&world, take)
        }
    })
}

/// Whoever takes an answer part by part.
type TakePart<'a> = dyn FnMut(Part) -> ControlFlow<()> + Send + 'a;

/// A question that is being answered.
pub(super) struct Asking<'a> {
    pub(super) estate: &'a Estate,
    pub(super) question: &'a Question<'a>,
    /// What the changes are written in.
    pub(super) changes_text: &'a str,
    pub(super) query: &'a Query,
    pub(super) budget: &'a Budget,
    parse_warnings: Vec<Diagnostic>,
    watch: Stopwatch,
}

type Answered<T> = std::result::Result<T, Unanswered>;

impl Asking<'_> {
    fn run(
        &self,
        query: &Query,
        world: &Arc<World>,
        more_warnings: &[Diagnostic],
        take: &mut TakePart<'_>,
    ) -> Answered<Ending> {
        let (question, budget, watch) = (self.question, self.budget, self.watch);
        let uses_verbs = uses_verbs(query);
        let mut warnings = self.parse_warnings.clone();
        warnings.extend(more_warnings.iter().cloned());
        let text = question.text;
        let refuse = |diagnostics| Unanswered::from(Refused::new(text, diagnostics));
        let watch_steps = StepWatch::new(world.surroundings());
        let env = Env {
            now_ms: world.created_at_ms,
            surroundings: &watch_steps,
        };
        let mut snapshot = &world.snapshot;
        let mut unknowns = watch_steps.unknowns();
        let mut prepared =
            prepare_tree(snapshot, text, query, question.params, &env).map_err(refuse)?;
        if watch_steps.asks_for_steps() {
            // Attack steps are relationships of a snapshot of their own.
            snapshot = world.with_steps();
            let watch_steps = StepWatch::extended(world.surroundings());
            unknowns = watch_steps.unknowns();
            let env = Env {
                now_ms: world.created_at_ms,
                surroundings: &watch_steps,
            };
            prepared =
                prepare_tree(snapshot, text, query, question.params, &env).map_err(refuse)?;
        }
        warnings.extend(prepared.warnings().iter().cloned());
        let mut warnings = diagnostics_json(text, &warnings);

        if query.mode == QueryMode::Explain {
            let plan: Vec<Json> = prepared
                .plan()
                .iter()
                .map(|row| row.text().into())
                .collect();
            let _ = take(Part::Columns(vec!["plan".to_owned()]));
            let n_rows = plan.len() as u64;
            for line in plan {
                if take(Part::Row(vec![line])).is_break() {
                    break;
                }
            }
            return Ok(Ending::new(
                world, n_rows, None, false, budget, watch, warnings,
            ));
        }

        let columns = prepared.columns().iter().map(ToString::to_string).collect();
        let _ = take(Part::Columns(columns));
        let pool = self.estate.pool();
        let clock = || u64::try_from(watch.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let options = RunOptions {
            parallel: Some(Parallel {
                pool,
                n_threads: pool.current_num_threads(),
                least_cost: Parallel::LEAST_COST,
            }),
            clock: Some(&clock),
        };
        let summary = prepared
            .stream_with(&options, budget, |row| {
                let row = row.iter().map(|value| to_json(snapshot, value)).collect();
                match take(Part::Row(row)) {
                    ControlFlow::Continue(()) => Ok(ControlFlow::Continue(())),
                    // Whoever reads has gone away.
                    ControlFlow::Break(()) => Err(budget.give_up(Stop::Cancelled)),
                }
            })
            .map_err(refuse)?;
        warnings.extend(diagnostics_json(text, &summary.warnings));
        let mut ending = Ending::new(
            world,
            summary.stats.rows,
            summary.completeness.stop,
            uses_verbs,
            budget,
            watch,
            warnings,
        );
        ending.completeness.note_unknown(unknowns.noted());
        ending.plan = summary
            .plan
            .map(|rows| rows.iter().map(PlanRow::text).collect());
        Ok(ending)
    }
}

/// Everything that is wrong or suspicious about a text, without running it.
pub(crate) fn validate(world: &Arc<World>, text: &str, params: &Params) -> Vec<DiagnosticJson> {
    let parsed = parse_query(text);
    let mut diagnostics = parsed.diagnostics.clone();
    if let Ok(query) = parsed.ok() {
        let env = Env {
            now_ms: world.created_at_ms,
            surroundings: world.surroundings(),
        };
        match prepare_tree(&world.snapshot, text, &query, params, &env) {
            Ok(prepared) => diagnostics.extend(prepared.warnings().iter().cloned()),
            Err(found) => diagnostics.extend(found),
        }
    }
    diagnostics_json(text, &diagnostics)
}

fn choose_world(
    estate: &Estate,
    question: &Question<'_>,
    query: &Query,
) -> std::result::Result<Arc<World>, Unanswered> {
    let Some(at) = &query.at else {
        return Ok(match question.at {
            Some(text) => estate.world_at(text)?,
            None => estate.world(),
        });
    };
    world_of(estate, question, at)
}

fn world_of(
    estate: &Estate,
    question: &Question<'_>,
    at: &SnapshotRef,
) -> std::result::Result<Arc<World>, Unanswered> {
    let text = match &at.kind {
        SnapshotRefKind::Text(text) => text.clone(),
        SnapshotRefKind::Parameter(name) => match question.params.get(name) {
            Some(value) => value.as_str().unwrap_or_default().to_owned(),
            None => {
                let message = format!("no value was given for the parameter `${name}`");
                let missing = Diagnostic::new(Code::MissingParameter, at.span, message);
                return Err(Refused::new(question.text, vec![missing]).into());
            }
        },
    };
    estate.world_at(&text).map_err(|error| {
        let diagnostic = Diagnostic::new(Code::ArgumentValue, at.span, error.to_string())
            .help("`foothold snapshots` lists what can be asked");
        Refused::new(question.text, vec![diagnostic]).into()
    })
}

fn uses_verbs(query: &Query) -> bool {
    use foothold_query::ast::Clause;
    let parts = query.body.rest.iter().map(|part| &part.query);
    std::iter::once(&query.body.first)
        .chain(parts)
        .flat_map(|single| &single.clauses)
        .any(|clause| matches!(clause, Clause::Verb(_)))
}

/// Parameters from JSON.
pub(crate) fn params_from_json(json: &serde_json::Map<String, Json>) -> Params {
    json.iter()
        .map(|(name, value)| (name.clone(), foothold_query::json::from_json(value)))
        .collect()
}

impl Estate {
    fn world_at(&self, text: &str) -> Result<Arc<World>> {
        match self {
            Estate::Stored(app) => app.world_named(text),
            Estate::Loaded { .. } => Err(AppError::NoHistory),
        }
    }
}
