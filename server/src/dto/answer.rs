//! The answer to a query.

use std::borrow::Cow;

use foothold_engine::budget::{Budget, Stop};
use foothold_query::diagnostic::DiagnosticJson;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::asset::{SilentRuleDto, silent_rules};
use crate::app::{Difference, DifferenceKind as Kind, World, as_object};
use crate::clock::Stopwatch;

/// A whole answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AnswerDto {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<Json>>,
    #[serde(flatten)]
    pub(crate) ending: Ending,
}

/// What an answer says beside its rows; the last line of a streamed one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Ending {
    pub(crate) completeness: CompletenessDto,
    pub(crate) stats: StatsDto,
    pub(crate) warnings: Vec<DiagnosticJson>,
    /// What each operator did, for `PROFILE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) plan: Option<Vec<String>>,
    /// What opened and closed against the graph as it is, for `WHAT IF`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) what_if: Option<WhatIfDto>,
}

/// How the answer on a changed graph differs from the answer on the graph as it is: rows with
/// their columns as keys.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct WhatIfDto {
    /// Whether both answers were whole; if not, rows that differ may be missing here.
    pub(crate) complete: bool,
    pub(crate) opened: Vec<Map<String, Json>>,
    pub(crate) closed: Vec<Map<String, Json>>,
    /// Rows of both, likelier or less likely than before; `was` is the score as it is.
    pub(crate) rescored: Vec<Map<String, Json>>,
}

impl WhatIfDto {
    /// Sorts differences into what opened and what closed.
    pub(crate) fn new(columns: &[String], complete: bool, differences: Vec<Difference>) -> Self {
        let mut sorted = Self {
            complete,
            opened: Vec::new(),
            closed: Vec::new(),
            rescored: Vec::new(),
        };
        for difference in differences {
            let mut row = as_object(columns, &difference.row);
            match difference.kind {
                Kind::New => sorted.opened.push(row),
                Kind::Gone => sorted.closed.push(row),
                Kind::Rescored => {
                    row.insert("was".to_owned(), difference.before.into());
                    row.insert("now".to_owned(), difference.after.into());
                    sorted.rescored.push(row);
                }
            }
        }
        sorted
    }
}

/// How far the answer reaches.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CompletenessDto {
    /// Whether no limit cut it short.
    pub(crate) complete: bool,
    /// `time`, `rows`, `memory`, `expansions` or `cancelled`.
    pub(crate) limit: Option<Cow<'static, str>>,
    /// Rules that could not fire because no document supplied their facts.
    pub(crate) silent_rules: Vec<SilentRuleDto>,
    /// What could not be decided.
    pub(crate) unknown: Vec<String>,
    /// `some`, `none`, `none_within_bounds` or `unknown`.
    pub(crate) answer: Cow<'static, str>,
}

/// What answering took.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StatsDto {
    pub(crate) elapsed_ms: f64,
    pub(crate) rows: u64,
    pub(crate) expansions: u64,
    pub(crate) memory_bytes: u64,
    /// The stored snapshot that was asked.
    pub(crate) snapshot: Option<String>,
    /// The version of the scoring model behind every likelihood.
    pub(crate) model: String,
}

impl Ending {
    /// Sums an answer up.
    pub(crate) fn new(
        world: &World,
        n_rows: u64,
        stop: Option<Stop>,
        uses_verbs: bool,
        budget: &Budget,
        watch: Stopwatch,
        warnings: Vec<DiagnosticJson>,
    ) -> Self {
        let silent = if uses_verbs {
            silent_rules(world)
        } else {
            Vec::new()
        };
        Self {
            completeness: CompletenessDto::new(n_rows, stop, silent),
            stats: StatsDto {
                elapsed_ms: watch.elapsed_ms(),
                rows: n_rows,
                expansions: budget.expansions(),
                memory_bytes: budget.memory_bytes(),
                snapshot: world.id.map(|id| id.to_string()),
                model: world.rules.model.version.clone(),
            },
            warnings,
            plan: None,
            what_if: None,
        }
    }

    /// Makes it the end of a comparison with another answer.
    pub(crate) fn count(&mut self, n_rows: u64, other: &Ending, watch: Stopwatch) {
        let own = self.completeness.limit.take();
        let limit = own.or_else(|| other.completeness.limit.clone());
        self.completeness.complete = limit.is_none();
        self.completeness.answer = answer_name(n_rows, limit.is_none()).into();
        self.completeness.limit = limit;
        self.stats.rows = n_rows;
        self.stats.elapsed_ms = watch.elapsed_ms();
    }
}

impl CompletenessDto {
    /// Says what could not be decided; an empty answer is then no "none".
    pub(crate) fn note_unknown(&mut self, unknown: Vec<String>) {
        if self.answer == "none" && !unknown.is_empty() {
            self.answer = "unknown".into();
        }
        self.unknown = unknown;
    }

    fn new(n_rows: u64, stop: Option<Stop>, silent_rules: Vec<SilentRuleDto>) -> Self {
        Self {
            complete: stop.is_none(),
            limit: stop.map(|stop| limit_name(stop).into()),
            silent_rules,
            unknown: Vec::new(),
            answer: answer_name(n_rows, stop.is_none()).into(),
        }
    }
}

/// The word for what so many rows mean.
fn answer_name(n_rows: u64, is_complete: bool) -> &'static str {
    match (n_rows, is_complete) {
        (1.., _) => "some",
        (0, false) => "none_within_bounds",
        (0, true) => "none",
    }
}

/// The word for a limit.
pub(crate) fn limit_name(stop: Stop) -> &'static str {
    match stop {
        Stop::Cancelled => "cancelled",
        Stop::Time => "time",
        Stop::Rows => "rows",
        Stop::Memory => "memory",
        Stop::Expansions => "expansions",
        _ => "other",
    }
}
