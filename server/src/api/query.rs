//! `/api/v1/query`: ask, explain, validate, complete, cancel.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::{Body as HttpBody, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use foothold_engine::budget::{Budget, Limits};
use futures_util::stream;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use super::extract::{Body, Part as PathPart};
use super::{Result, blocking};
use crate::app::{
    Allowance, Estate, Mode, Part, Question, Refused, Unanswered, ask, ask_streaming,
    complete as complete_text, params_from_json, validate as validate_text,
};
use crate::clock::Stopwatch;
use crate::dto::answer::AnswerDto;
use crate::problem::Problem;
use crate::server::Server;
use crate::telemetry::QueryEnd;

/// A question.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct QueryRequest {
    pub(super) query: String,
    #[serde(default)]
    pub(super) params: Map<String, Value>,
    /// The snapshot to ask: an id, an instant or a date.
    #[serde(default)]
    pub(super) at: Option<String>,
    /// Changes to pretend, as after `WHAT IF`.
    #[serde(default)]
    pub(super) what_if: Option<String>,
    #[serde(default)]
    pub(super) budget: BudgetRequest,
}

/// Limits that a client asks for; the server's own are the upper bound.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BudgetRequest {
    #[serde(default)]
    pub(super) ms: Option<u64>,
    #[serde(default)]
    pub(super) rows: Option<u64>,
    #[serde(default)]
    pub(super) memory: Option<u64>,
}

/// Rows of a streamed answer are sent in blocks of about this many bytes.
const BLOCK_BYTES: usize = 16 * 1024;

/// Blocks that wait for a slow client before the query waits too.
const N_BLOCKS: usize = 8;

/// Answers a query: one document, or lines as `Accept: application/x-ndjson` asks.
pub(super) async fn run(
    State(server): State<Arc<Server>>,
    headers: HeaderMap,
    Body(request): Body<QueryRequest>,
) -> Result<Response> {
    let wants_lines = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accept| accept.contains("ndjson"));
    let id = request_id(&headers);
    if wants_lines {
        return run_streaming(server, id, request).await;
    }
    let answer = answer(&server, id, request, Mode::AsWritten).await?;
    Ok(Json(answer).into_response())
}

/// The plan of a query, without running it.
pub(super) async fn explain(
    State(server): State<Arc<Server>>,
    headers: HeaderMap,
    Body(request): Body<QueryRequest>,
) -> Result<Json<Value>> {
    let id = request_id(&headers);
    let answer = answer(&server, id, request, Mode::Explain).await?;
    let plan: Vec<Value> = answer.rows.into_iter().flatten().collect();
    Ok(Json(
        json!({ "plan": plan, "warnings": answer.ending.warnings }),
    ))
}

/// What is wrong or suspicious about a text.
pub(super) async fn validate(
    State(server): State<Arc<Server>>,
    Body(request): Body<QueryRequest>,
) -> Result<Json<Value>> {
    let world = server.app().world();
    let diagnostics = blocking(move || {
        let params = params_from_json(&request.params);
        Ok(validate_text(&world, &request.query, &params))
    })
    .await?;
    Ok(Json(json!({ "diagnostics": diagnostics })))
}

/// A place in a text.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CompleteRequest {
    query: String,
    /// In UTF-16 units, as editors count; beyond the end means the end.
    offset: usize,
}

/// What may stand at a place of a text.
pub(super) async fn complete(
    State(server): State<Arc<Server>>,
    Body(request): Body<CompleteRequest>,
) -> Result<Json<Value>> {
    let world = server.app().world();
    let completion =
        blocking(move || Ok(complete_text(&world, &request.query, request.offset))).await?;
    Ok(Json(completion))
}

/// Cancels the query that was sent with this `X-Request-Id`.
pub(super) async fn cancel(
    State(server): State<Arc<Server>>,
    PathPart(id): PathPart<String>,
) -> Result<StatusCode> {
    if server.running().cancel(&id) {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found("running query", &id))
    }
}

/// Answers a query within the server's limits; the client going away cancels it.
pub(super) async fn answer(
    server: &Arc<Server>,
    id: Option<String>,
    request: QueryRequest,
    mode: Mode,
) -> Result<AnswerDto> {
    let permit = enter(server).await?;
    let allowance = allowance(server, request.budget);
    let budget = Budget::new(allowance.limits);
    // Dropped with this future: when the client goes away, the work stops.
    let _running = server.running().add(id, budget.stop_handle());
    let estate = Estate::Stored(Arc::clone(server.app()));
    let watch = Stopwatch::start();
    let asked = blocking(move || {
        let params = params_from_json(&request.params);
        let question = Question {
            text: &request.query,
            tree: None,
            params: &params,
            at: request.at.as_deref(),
            what_if: request.what_if.as_deref(),
            mode,
            time: allowance.time,
        };
        let answer = ask(&estate, &question, &budget);
        drop(permit);
        Ok(answer)
    })
    .await?;
    count(server, asked.as_ref().map(|answer| &answer.ending), watch);
    asked.map_err(unanswered)
}

pub(super) async fn enter(server: &Server) -> Result<tokio::sync::OwnedSemaphorePermit> {
    server.gate().enter().await.map_err(|_| {
        server.metrics().turned_away();
        Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "query.too_many",
            "too many queries at one time; try again in a moment",
        )
        .retry_after(1)
    })
}

fn count(
    server: &Server,
    asked: std::result::Result<&crate::dto::answer::Ending, &Unanswered>,
    watch: Stopwatch,
) {
    let end = match asked {
        Ok(ending) if ending.completeness.complete => QueryEnd::Complete,
        Ok(_) => QueryEnd::Partial,
        Err(_) => QueryEnd::Refused,
    };
    server.metrics().query(end, watch.elapsed());
}

async fn run_streaming(
    server: Arc<Server>,
    id: Option<String>,
    request: QueryRequest,
) -> Result<Response> {
    let permit = enter(&server).await?;
    let allowance = allowance(&server, request.budget);
    let budget = Budget::new(allowance.limits);
    let handle = budget.stop_handle();
    let estate = Estate::Stored(Arc::clone(server.app()));
    let (blocks, mut received) = mpsc::channel::<Block>(N_BLOCKS);
    let for_count = Arc::clone(&server);
    tokio::task::spawn_blocking(move || {
        let watch = Stopwatch::start();
        let params = params_from_json(&request.params);
        let question = Question {
            text: &request.query,
            tree: None,
            params: &params,
            at: request.at.as_deref(),
            what_if: request.what_if.as_deref(),
            mode: Mode::AsWritten,
            time: allowance.time,
        };
        let mut lines = Lines {
            blocks: &blocks,
            pending: Vec::new(),
        };
        let asked = ask_streaming(&estate, &question, &budget, &mut |part| lines.add(&part));
        count(&for_count, asked.as_ref(), watch);
        match asked {
            Ok(ending) => {
                lines.line(&ending);
                let _ = lines.send();
            }
            Err(error) => lines.fail(error),
        }
        drop(permit);
    });
    // Nothing is sent before the query is known to be accepted, so that a refusal is a status.
    let first = received.recv().await;
    let first = match first {
        Some(Ok(block)) => block,
        Some(Err(error)) => return Err(unanswered(error)),
        None => return Err(Problem::internal(&"a query ended without a word")),
    };
    let streaming = Streaming {
        first: Some(first),
        received,
        server,
        id,
        handle,
    };
    let body = HttpBody::from_stream(stream::unfold(streaming.begin(), next_block));
    let headers = [(header::CONTENT_TYPE, "application/x-ndjson")];
    Ok((headers, body).into_response())
}

type Block = std::result::Result<Bytes, Unanswered>;

/// Collects lines into blocks.
struct Lines<'a> {
    blocks: &'a mpsc::Sender<Block>,
    pending: Vec<u8>,
}

impl Lines<'_> {
    fn add(&mut self, part: &Part) -> ControlFlow<()> {
        match part {
            Part::Columns(columns) => self.line(&json!({ "columns": columns })),
            Part::Row(row) => self.line(row),
        }
        if self.pending.len() >= BLOCK_BYTES {
            return self.send();
        }
        ControlFlow::Continue(())
    }

    fn line(&mut self, value: &impl serde::Serialize) {
        if serde_json::to_writer(&mut self.pending, value).is_ok() {
            self.pending.push(b'\n');
        }
    }

    fn send(&mut self) -> ControlFlow<()> {
        let block = Bytes::from(std::mem::take(&mut self.pending));
        // Waits for a slow client; an error means that nobody reads any more.
        match self.blocks.blocking_send(Ok(block)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }

    /// A refusal before the first block is a status; one after it is the last line.
    fn fail(&mut self, error: Unanswered) {
        let _ = self.blocks.blocking_send(Err(error));
    }
}

/// A body on its way to the client; dropping it stops the query.
struct Streaming {
    first: Option<Bytes>,
    received: mpsc::Receiver<Block>,
    server: Arc<Server>,
    id: Option<String>,
    handle: foothold_engine::budget::StopHandle,
}

struct Begun {
    streaming: Streaming,
    number: u64,
}

impl Streaming {
    fn begin(self) -> Begun {
        let number = self
            .server
            .running()
            .note(self.id.clone(), self.handle.clone());
        Begun {
            streaming: self,
            number,
        }
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.streaming.server.running().remove(self.number);
    }
}

async fn next_block(
    mut begun: Begun,
) -> Option<(std::result::Result<Bytes, std::convert::Infallible>, Begun)> {
    if let Some(first) = begun.streaming.first.take() {
        return Some((Ok(first), begun));
    }
    let block = match begun.streaming.received.recv().await? {
        Ok(block) => block,
        Err(error) => {
            let diagnostics = match error {
                Unanswered::Refused(refused) => json!(refused.to_json()),
                Unanswered::App(error) => {
                    json!([{ "code": error.code(), "message": error.to_string() }])
                }
            };
            Bytes::from(format!("{}\n", json!({ "diagnostics": diagnostics })))
        }
    };
    Some((Ok(block), begun))
}

fn allowance(server: &Server, request: BudgetRequest) -> Allowance {
    let limits = server.limits();
    let default = Allowance::interactive();
    let time = request
        .ms
        .map_or(limits.query_default, Duration::from_millis);
    Allowance {
        time: time.min(limits.query_max),
        limits: Limits {
            rows: request
                .rows
                .unwrap_or(default.limits.rows)
                .min(limits.max_rows),
            memory_bytes: request
                .memory
                .unwrap_or(default.limits.memory_bytes)
                .min(limits.max_memory_bytes),
            expansions: default.limits.expansions,
        },
    }
}

pub(super) fn request_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get("x-request-id")?.to_str().ok()?;
    (!id.is_empty() && id.len() <= 128).then(|| id.to_owned())
}

/// A query that was not answered, as a problem.
pub(super) fn unanswered(error: Unanswered) -> Problem {
    match error {
        Unanswered::Refused(refused) => refused_problem(&refused),
        Unanswered::App(error) => error.into(),
    }
}

/// A text that was refused, as a problem with its diagnostics.
pub(super) fn refused_problem(refused: &Refused) -> Problem {
    let diagnostics = refused.to_json();
    let diagnostics = diagnostics
        .iter()
        .filter_map(|diagnostic| serde_json::to_value(diagnostic).ok())
        .collect();
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "query.refused",
        refused.summary(),
    )
    .with_diagnostics(diagnostics)
}
