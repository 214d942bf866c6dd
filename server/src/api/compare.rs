//! `/api/v1/what-if` and `/api/v1/diff`: one question on two graphs.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Result;
use super::extract::Body;
use super::query::{BudgetRequest, QueryRequest, answer, request_id};
use crate::app::{Mode, diff_text};
use crate::dto::answer::AnswerDto;
use crate::server::Server;

/// What is asked when no question is given.
const QUESTION: &str = "ATTACK PATHS TOP 100";

/// Changes to pretend, and the question to ask then.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WhatIfRequest {
    /// As after `WHAT IF`.
    changes: String,
    #[serde(default)]
    query: Option<String>,
    #[serde(default)]
    at: Option<String>,
    #[serde(default)]
    params: Map<String, Value>,
    #[serde(default)]
    budget: BudgetRequest,
}

/// Two snapshots, and the question to ask of both.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DiffRequest {
    /// The older snapshot: an id, an instant or a date.
    from: String,
    /// The newer one.
    to: String,
    #[serde(default)]
    query: Option<String>,
    #[serde(default)]
    params: Map<String, Value>,
    #[serde(default)]
    budget: BudgetRequest,
}

/// The answer on the changed graph, and what opened and closed against the graph as it is.
pub(super) async fn what_if(
    State(server): State<Arc<Server>>,
    headers: HeaderMap,
    Body(request): Body<WhatIfRequest>,
) -> Result<Json<AnswerDto>> {
    let request = QueryRequest {
        query: request.query.unwrap_or_else(|| QUESTION.to_owned()),
        params: request.params,
        at: request.at,
        what_if: Some(request.changes),
        budget: request.budget,
    };
    answer(&server, request_id(&headers), request, Mode::AsWritten)
        .await
        .map(Json)
}

/// The rows that are new, gone or rescored, each with the facts responsible.
pub(super) async fn diff(
    State(server): State<Arc<Server>>,
    headers: HeaderMap,
    Body(request): Body<DiffRequest>,
) -> Result<Json<AnswerDto>> {
    let question = request.query.as_deref().unwrap_or(QUESTION);
    let request = QueryRequest {
        query: diff_text(&request.from, &request.to, question),
        params: request.params,
        at: None,
        what_if: None,
        budget: request.budget,
    };
    answer(&server, request_id(&headers), request, Mode::AsWritten)
        .await
        .map(Json)
}
