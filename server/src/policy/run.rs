//! Running a policy: its query's rows against its expectation.

use foothold_engine::budget::Budget;
use foothold_engine::graph::Snapshot;
use foothold_query::Params;
use foothold_query::ast::Expectation;
use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};

use super::{Baseline, Policy};
use crate::app::{Allowance, Estate, Mode, Question, Unanswered, ask};
use crate::dto::answer::AnswerDto;
use crate::dto::text;

/// What the names of sources begin with that join documents and have no file of their own.
const CORRELATION: &str = "correlation/";

/// How a policy ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// The expectation holds.
    Pass,
    /// It does not.
    Fail,
    /// It could not be decided: the query was refused, or a limit cut it short.
    Error,
}

impl Status {
    /// `pass`, `fail` or `error`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Status::Pass => "pass",
            Status::Fail => "fail",
            Status::Error => "error",
        }
    }
}

/// One row that should not be there.
#[derive(Debug, Clone)]
pub(crate) struct Violation {
    /// Names it over time: the signature of an attack path, else a digest of the row.
    pub(crate) signature: String,
    /// Whether the baseline does not know it.
    pub(crate) is_new: bool,
    /// One line for people.
    pub(crate) message: String,
    /// The row by column.
    pub(crate) row: Map<String, Json>,
    /// A document that speaks of what the row names.
    pub(crate) document: Option<String>,
}

/// The verdict on one policy.
#[derive(Debug, Clone)]
pub(crate) struct PolicyResult {
    /// The policy.
    pub(crate) policy: Policy,
    /// The verdict.
    pub(crate) status: Status,
    /// What should not be there, or is there too little.
    pub(crate) violations: Vec<Violation>,
    /// Why there is no verdict.
    pub(crate) error: Option<String>,
    /// What is wrong with the query, or suspicious about it, as JSON diagnostics.
    pub(crate) diagnostics: Vec<Json>,
    /// Milliseconds.
    pub(crate) elapsed_ms: f64,
}

/// Runs a policy. Rows that the baseline knows do not fail it.
pub(crate) fn evaluate(
    estate: &Estate,
    policy: &Policy,
    baseline: Option<&Baseline>,
    allowance: &Allowance,
    budget: &Budget,
) -> PolicyResult {
    let question = Question {
        text: &policy.text,
        tree: Some(&policy.definition.query),
        params: &Params::new(),
        at: None,
        what_if: None,
        mode: Mode::AsWritten,
        time: allowance.time,
    };
    match ask(estate, &question, budget) {
        Ok(answer) => {
            let mut result = judge(policy, &answer, baseline);
            let world = estate.world();
            for violation in &mut result.violations {
                violation.document = document(&violation.row, &world.snapshot);
            }
            result
        }
        Err(unanswered) => refused(policy, unanswered),
    }
}

fn refused(policy: &Policy, unanswered: Unanswered) -> PolicyResult {
    let (error, diagnostics) = match unanswered {
        Unanswered::Refused(refused) => {
            let diagnostics = refused.to_json();
            let diagnostics = diagnostics
                .iter()
                .filter_map(|diagnostic| serde_json::to_value(diagnostic).ok())
                .collect();
            (refused.summary(), diagnostics)
        }
        Unanswered::App(error) => (error.to_string(), Vec::new()),
    };
    PolicyResult {
        policy: policy.clone(),
        status: Status::Error,
        violations: Vec::new(),
        error: Some(error),
        diagnostics,
        elapsed_ms: 0.0,
    }
}

fn judge(policy: &Policy, answer: &AnswerDto, baseline: Option<&Baseline>) -> PolicyResult {
    let n_rows = answer.rows.len() as u64;
    let is_complete = answer.ending.completeness.complete;
    let mut violations = Vec::new();
    let too_many = match policy.expectation() {
        Expectation::NoRows => Some(0),
        Expectation::AtMost(n) => Some(n),
        Expectation::Rows | Expectation::AtLeast(_) => None,
    };
    let wanted = match policy.expectation() {
        Expectation::Rows => 1,
        Expectation::AtLeast(n) => n,
        Expectation::NoRows | Expectation::AtMost(_) => 0,
    };
    if too_many.is_some_and(|most| n_rows > most) {
        violations = answer
            .rows
            .iter()
            .map(|row| violation(policy.name(), &answer.columns, row, baseline))
            .collect();
    } else if n_rows < wanted && is_complete {
        let signature = "too-few-rows".to_owned();
        violations.push(Violation {
            is_new: baseline.is_none_or(|it| !it.knows(policy.name(), &signature)),
            signature,
            message: format!("{n_rows} rows, expected at least {wanted}"),
            row: Map::new(),
            document: None,
        });
    }
    let fails = violations.iter().any(|violation| violation.is_new);
    // Rows beyond a limit can only make a count larger.
    let is_decided = is_complete || fails || (too_many.is_none() && n_rows >= wanted);
    let error = (!is_decided).then(|| {
        let limit = answer.ending.completeness.limit.as_deref();
        let limit = limit.unwrap_or("a limit");
        format!("cut short by the limit on {limit}; the expectation was not decided")
    });
    PolicyResult {
        policy: policy.clone(),
        status: match (fails, is_decided) {
            (true, _) => Status::Fail,
            (false, true) => Status::Pass,
            (false, false) => Status::Error,
        },
        violations,
        error,
        diagnostics: answer
            .ending
            .warnings
            .iter()
            .filter_map(|warning| serde_json::to_value(warning).ok())
            .collect(),
        elapsed_ms: answer.ending.stats.elapsed_ms,
    }
}

fn violation(
    policy: &str,
    columns: &[String],
    row: &[Json],
    baseline: Option<&Baseline>,
) -> Violation {
    let by_column: Map<String, Json> = columns.iter().cloned().zip(row.iter().cloned()).collect();
    let signature = path_signature(row).unwrap_or_else(|| digest(columns, row));
    Violation {
        is_new: baseline.is_none_or(|it| !it.knows(policy, &signature)),
        message: message(columns, row),
        signature,
        row: by_column,
        document: None,
    }
}

/// The first document that is evidence of a path in the row, or that speaks of a thing the row
/// names.
fn document(row: &Map<String, Json>, snapshot: &Snapshot) -> Option<String> {
    let stated = |name: &str| !name.starts_with(CORRELATION);
    let of_node = |id: &str| {
        let sources = snapshot.node_sources(snapshot.node(id)?).iter();
        let mut names = sources.map(|&source| &*snapshot.source(source).name);
        names.find(|name| stated(name)).map(str::to_owned)
    };
    let evidence = row.values().find_map(|value| first_source(value, &stated));
    evidence.or_else(|| row.values().find_map(|value| of_named(value, &of_node)))
}

/// The first document that a value names as its source.
fn first_source(value: &Json, stated: &impl Fn(&str) -> bool) -> Option<String> {
    match value {
        Json::Object(fields) => {
            let sources = fields.get("sources").and_then(Json::as_array);
            let mut names = sources.into_iter().flatten().filter_map(Json::as_str);
            let found = names.find(|name| stated(name)).map(str::to_owned);
            found.or_else(|| fields.values().find_map(|it| first_source(it, stated)))
        }
        Json::Array(items) => items.iter().find_map(|it| first_source(it, stated)),
        _ => None,
    }
}

/// What is found of the first thing that a value names: the target of a path, or a node.
fn of_named(value: &Json, find: &impl Fn(&str) -> Option<String>) -> Option<String> {
    match value {
        Json::Object(fields) => {
            let path = fields.get("$attack_path");
            let target = path.and_then(|path| path["target"]["asset"].as_str());
            let node = fields.get("$node").and_then(|node| node["id"].as_str());
            let found = target.or(node).and_then(find);
            found.or_else(|| fields.values().find_map(|it| of_named(it, find)))
        }
        Json::Array(items) => items.iter().find_map(|it| of_named(it, find)),
        _ => None,
    }
}

fn path_signature(row: &[Json]) -> Option<String> {
    row.iter().find_map(|value| {
        let signature = value.get("$attack_path")?.get("signature")?;
        signature.as_str().map(str::to_owned)
    })
}

/// A digest of what the row names, not of every property of it: a node that got a new property is
/// the same violation.
fn digest(columns: &[String], row: &[Json]) -> String {
    let mut hasher = Sha256::new();
    for (column, value) in columns.iter().zip(row) {
        hasher.update(column.as_bytes());
        hasher.update([0]);
        hasher.update(text::identity(value).as_bytes());
        hasher.update([0]);
    }
    let digest = hasher.finalize();
    digest.iter().take(8).fold(String::new(), |mut hex, byte| {
        use std::fmt::Write;
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn message(columns: &[String], row: &[Json]) -> String {
    if let Some(path) = row.iter().find(|value| value.get("$attack_path").is_some()) {
        return text::cell(path);
    }
    columns
        .iter()
        .zip(row)
        .map(|(column, value)| format!("{column}: {}", text::cell(value)))
        .collect::<Vec<_>>()
        .join(", ")
}
