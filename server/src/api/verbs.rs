//! The visualisation API: the verbs of the language as resources, and what draws their answers.
//!
//! A request's parts become the text of a query, so both ways of asking have one meaning and one
//! set of diagnostics. The language cannot change anything, so a part that smuggles in a clause
//! gains nothing that `/query` would not give.

use std::fmt::Write;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Result;
use super::extract::Body;
use super::query::{BudgetRequest, QueryRequest, answer, request_id};
use crate::app::Mode;
use crate::dto::answer::{AnswerDto, Ending};
use crate::dto::viz::PathGraphDto;
use crate::problem::Problem;
use crate::server::Server;

/// The most paths of one request.
const MAX_PATHS: u64 = 10_000;

/// What every verb can be asked.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VerbRequest {
    /// Where the attacker starts, in the words of the language; the internet when left out.
    #[serde(default)]
    from: Option<String>,
    /// Where the attacker wants to go; the crown jewels when left out.
    #[serde(default)]
    to: Option<String>,
    /// What is asked about, for exploitability and blast radius.
    #[serde(default)]
    of: Option<String>,
    #[serde(default)]
    via: Option<String>,
    #[serde(default)]
    avoiding_rules: Vec<String>,
    #[serde(default)]
    top: Option<u64>,
    #[serde(default)]
    min_likelihood: Option<f64>,
    #[serde(default)]
    within_steps: Option<u64>,
    #[serde(default)]
    fixes: Option<u64>,
    #[serde(default)]
    at: Option<String>,
    /// Changes to pretend, as after `WHAT IF`.
    #[serde(default)]
    what_if: Option<String>,
    #[serde(default)]
    params: Map<String, Value>,
    #[serde(default)]
    budget: BudgetRequest,
}

/// Paths, and what draws them.
#[derive(Debug, Serialize)]
pub(super) struct PathsAnswer {
    paths: Vec<Value>,
    graph: PathGraphDto,
    #[serde(flatten)]
    ending: Ending,
}

/// Rows with the verb's columns as keys.
#[derive(Debug, Serialize)]
pub(super) struct RowsAnswer {
    rows: Vec<Map<String, Value>>,
    #[serde(flatten)]
    ending: Ending,
}

/// The likeliest attack paths and the graph they form.
pub(super) async fn paths(
    State(server): State<Arc<Server>>,
    headers: HeaderMap,
    Body(request): Body<VerbRequest>,
) -> Result<Json<PathsAnswer>> {
    let mut text = String::from("ATTACK PATHS");
    request.ends(&mut text);
    part(&mut text, "VIA", request.via.as_deref());
    if !request.avoiding_rules.is_empty() {
        let _ = write!(text, " AVOIDING RULES {}", request.rules()?);
    }
    if let Some(n) = request.within_steps {
        let _ = write!(text, " WITHIN {n} STEPS");
    }
    request.likelihood(&mut text)?;
    let _ = write!(text, " TOP {}", request.top.unwrap_or(10).min(MAX_PATHS));
    let _ = write!(text, " YIELD path");
    let answer = ask(&server, &headers, request, text).await?;
    let paths: Vec<Value> = answer
        .rows
        .into_iter()
        .filter_map(|row| row.into_iter().next())
        .map(|value| match value {
            Value::Object(mut fields) => fields.remove("$attack_path").unwrap_or_default(),
            other => other,
        })
        .collect();
    let world = server.app().world();
    Ok(Json(PathsAnswer {
        graph: PathGraphDto::new(&paths, &world),
        paths,
        ending: answer.ending,
    }))
}

/// How likely an attacker gets somewhere.
pub(super) async fn exploitability(
    State(server): State<Arc<Server>>,
    headers: HeaderMap,
    Body(request): Body<VerbRequest>,
) -> Result<Json<RowsAnswer>> {
    let of = request.of.as_deref().or(request.to.as_deref());
    let mut text = format!("EXPLOITABILITY OF {}", of.unwrap_or("(n)"));
    part(&mut text, "FROM", request.from.as_deref());
    rows(&server, &headers, request, text).await
}

/// What falls if something falls.
pub(super) async fn blast_radius(
    State(server): State<Arc<Server>>,
    headers: HeaderMap,
    Body(request): Body<VerbRequest>,
) -> Result<Json<RowsAnswer>> {
    let of = request.of.as_deref().or(request.from.as_deref());
    let mut text = format!("BLAST RADIUS OF {}", of.unwrap_or("(n)"));
    request.likelihood(&mut text)?;
    if let Some(n) = request.within_steps {
        let _ = write!(text, " WITHIN {n} STEPS");
    }
    rows(&server, &headers, request, text).await
}

/// What every path must pass.
pub(super) async fn choke_points(
    State(server): State<Arc<Server>>,
    headers: HeaderMap,
    Body(request): Body<VerbRequest>,
) -> Result<Json<RowsAnswer>> {
    let mut text = String::from("CHOKE POINTS");
    request.ends(&mut text);
    rows(&server, &headers, request, text).await
}

/// The cheapest changes that break the paths.
pub(super) async fn fix_plan(
    State(server): State<Arc<Server>>,
    headers: HeaderMap,
    Body(request): Body<VerbRequest>,
) -> Result<Json<RowsAnswer>> {
    let mut text = String::from("FIX PLAN");
    request.ends(&mut text);
    if let Some(n) = request.fixes {
        let _ = write!(text, " BUDGET {n}");
    }
    rows(&server, &headers, request, text).await
}

impl VerbRequest {
    fn ends(&self, text: &mut String) {
        part(text, "FROM", self.from.as_deref());
        part(text, "TO", self.to.as_deref());
    }

    fn likelihood(&self, text: &mut String) -> Result<()> {
        if let Some(least) = self.min_likelihood {
            if !(0.0..=1.0).contains(&least) {
                return Err(Problem::invalid("`min_likelihood` is not between 0 and 1"));
            }
            let _ = write!(text, " LIKELIHOOD >= {least:?}");
        }
        Ok(())
    }

    /// Names of rules hold letters, digits and dashes, nothing else.
    fn rules(&self) -> Result<String> {
        let is_name = |name: &String| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        };
        if let Some(name) = self.avoiding_rules.iter().find(|name| !is_name(name)) {
            return Err(Problem::invalid(format!(
                "`{name}` is not the name of a rule"
            )));
        }
        Ok(self.avoiding_rules.join(", "))
    }
}

fn part(text: &mut String, keyword: &str, ends: Option<&str>) {
    if let Some(ends) = ends.filter(|ends| !ends.trim().is_empty()) {
        let _ = write!(text, " {keyword} {ends}");
    }
}

async fn ask(
    server: &Arc<Server>,
    headers: &HeaderMap,
    request: VerbRequest,
    query: String,
) -> Result<AnswerDto> {
    let request = QueryRequest {
        query,
        params: request.params,
        at: request.at,
        what_if: request.what_if,
        budget: request.budget,
    };
    answer(server, request_id(headers), request, Mode::AsWritten).await
}

async fn rows(
    server: &Arc<Server>,
    headers: &HeaderMap,
    request: VerbRequest,
    mut text: String,
) -> Result<Json<RowsAnswer>> {
    let columns_of = |answer: &AnswerDto| answer.columns.clone();
    if let Some(top) = request.top {
        // A verb has no order of its own to cut; the rows come best first.
        let _ = write!(text, " RETURN * LIMIT {top}");
    }
    let answer = ask(server, headers, request, text).await?;
    let columns = columns_of(&answer);
    let rows = answer
        .rows
        .into_iter()
        .map(|row| columns.iter().cloned().zip(row).collect())
        .collect();
    Ok(Json(RowsAnswer {
        rows,
        ending: answer.ending,
    }))
}
