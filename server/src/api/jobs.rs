//! `/api/v1/jobs`: long work, watched and cancelled.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream};
use serde::Deserialize;
use tokio::sync::watch;

use super::extract::{Body, Params, Part};
use super::{Result, blocking};
use crate::dto::job::JobDto;
use crate::dto::list::{ListDto, PageParams};
use crate::jobs::{JobKind, JobRecord};
use crate::problem::Problem;
use crate::server::Server;

/// What to start.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewJob {
    kind: String,
}

/// Starts a job.
pub(super) async fn create(
    State(server): State<Arc<Server>>,
    Body(new): Body<NewJob>,
) -> Result<Response> {
    if new.kind != "recompute" {
        return Err(Problem::invalid(format!(
            "no job of kind `{}`; there is `recompute`, and imports start by upload",
            new.kind
        )));
    }
    let jobs = Arc::clone(server.jobs());
    let record = blocking(move || Ok(jobs.create(JobKind::Recompute)?)).await?;
    super::start_job(&server, &record);
    Ok(accepted(&record, "jobs"))
}

/// 202, with where to look for the outcome.
pub(super) fn accepted(record: &JobRecord, resource: &str) -> Response {
    let location = format!("/api/v1/{resource}/{}", record.id);
    (
        StatusCode::ACCEPTED,
        [(header::LOCATION, location)],
        Json(JobDto::from(record)),
    )
        .into_response()
}

/// Every job, newest first.
pub(super) async fn list(
    State(server): State<Arc<Server>>,
    Params(page): Params<PageParams>,
) -> Result<Json<ListDto<JobDto>>> {
    let jobs = Arc::clone(server.jobs());
    let records = blocking(move || Ok(jobs.list()?)).await?;
    let items = records.iter().map(JobDto::from).collect();
    Ok(Json(page.cut(items, |item: &JobDto| item.id.clone())))
}

/// One job.
pub(super) async fn get(
    State(server): State<Arc<Server>>,
    Part(id): Part<String>,
) -> Result<Json<JobDto>> {
    let record = find(&server, &id)?;
    Ok(Json(JobDto::from(&record)))
}

/// Tells a job to stop. It ends soon after; what it had not stored by then is not stored.
pub(super) async fn cancel(
    State(server): State<Arc<Server>>,
    Part(id): Part<String>,
) -> Result<Response> {
    let record = find(&server, &id)?;
    if server.jobs().cancel(record.id) {
        let record = find(&server, &id)?;
        return Ok((StatusCode::ACCEPTED, Json(JobDto::from(&record))).into_response());
    }
    Err(Problem::new(
        StatusCode::CONFLICT,
        "job.has_ended",
        format!("job `{id}` has ended: {}", record.status.name()),
    ))
}

/// The progress of a job as server-sent events: `progress` while it is under way, one `end`.
pub(super) async fn events(
    State(server): State<Arc<Server>>,
    Part(id): Part<String>,
) -> Result<Sse<impl Stream<Item = std::result::Result<Event, Infallible>>>> {
    let record = find(&server, &id)?;
    let watching = Watching {
        job: server.jobs().watch(record.id),
        ended: Some(record),
        closing: server.closing(),
        is_first: true,
    };
    Ok(Sse::new(stream::unfold(watching, next_event)).keep_alive(KeepAlive::default()))
}

struct Watching {
    job: Option<watch::Receiver<JobRecord>>,
    /// The state to tell when there is nothing to watch any more.
    ended: Option<JobRecord>,
    closing: watch::Receiver<bool>,
    is_first: bool,
}

async fn next_event(
    mut watching: Watching,
) -> Option<(std::result::Result<Event, Infallible>, Watching)> {
    let Some(job) = &mut watching.job else {
        let record = watching.ended.take()?;
        return Some((Ok(event(&record)), watching));
    };
    if !watching.is_first {
        tokio::select! {
            changed = job.changed() => changed.ok()?,
            // The server is ending; the client reconnects to the next one.
            _ = watching.closing.changed() => return None,
        }
    }
    watching.is_first = false;
    let record = job.borrow_and_update().clone();
    if record.status.has_ended() {
        watching.job = None;
        watching.ended = None;
    }
    Some((Ok(event(&record)), watching))
}

fn event(record: &JobRecord) -> Event {
    let name = if record.status.has_ended() {
        "end"
    } else {
        "progress"
    };
    let event = Event::default().event(name);
    match serde_json::to_string(&JobDto::from(record)) {
        Ok(json) => event.data(json),
        Err(_) => event,
    }
}

pub(super) fn find(server: &Server, id: &str) -> Result<JobRecord> {
    let number = id.parse::<u64>().ok();
    let record = match number {
        Some(number) => server.jobs().get(number)?,
        None => None,
    };
    record.ok_or_else(|| Problem::not_found("job", id))
}
