//! HTTP: one file per resource, under `/api/v1`.

mod assets;
mod compare;
mod extract;
mod health;
mod imports;
mod jobs;
mod nodes;
mod openapi;
mod policies;
mod queries;
mod query;
mod schema;
mod search;
mod security;
mod snapshots;
mod sources;
mod verbs;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};

use crate::app::{import_upload, recompute};
use crate::jobs::{JobKind, JobRecord};
use crate::problem::Problem;
use crate::server::Server;

pub(crate) use security::Access;

/// The largest JSON body.
const MAX_JSON_BYTES: usize = 1 << 20;

/// The result of a handler.
pub(crate) type Result<T> = std::result::Result<T, Problem>;

/// Every route of the program.
pub(crate) fn router(server: Arc<Server>) -> Router {
    let api = Router::new()
        .route("/query", post(query::run))
        .route("/query/{id}", delete(query::cancel))
        .route("/query/explain", post(query::explain))
        .route("/query/validate", post(query::validate))
        .route("/query/complete", post(query::complete))
        .route("/queries", get(queries::list).post(queries::create))
        .route(
            "/queries/{id}",
            get(queries::get)
                .put(queries::replace)
                .delete(queries::remove),
        )
        .route("/queries/{id}/run", post(queries::run))
        .route("/policies", get(policies::list).post(policies::create))
        .route(
            "/policies/{id}",
            get(policies::get).delete(policies::remove),
        )
        .route(
            "/policies/{id}/runs",
            get(policies::runs).post(policies::run),
        )
        .route("/paths", post(verbs::paths))
        .route("/exploitability", post(verbs::exploitability))
        .route("/blast-radius", post(verbs::blast_radius))
        .route("/choke-points", post(verbs::choke_points))
        .route("/fix-plan", post(verbs::fix_plan))
        .route("/what-if", post(compare::what_if))
        .route("/diff", post(compare::diff))
        .route("/assets", get(assets::list))
        .route("/schema", get(schema::get))
        .route("/search", get(search::get))
        .route("/nodes/{*id}", get(nodes::get))
        .route(
            "/imports",
            // Uploads have a limit of their own and are counted as they come in.
            post(imports::create)
                .layer(DefaultBodyLimit::disable())
                .get(imports::list),
        )
        .route("/imports/{id}", get(imports::get))
        .route("/sources", get(sources::list).delete(sources::remove))
        .route("/snapshots", get(snapshots::list))
        .route("/jobs", post(jobs::create).get(jobs::list))
        .route("/jobs/{id}", get(jobs::get).delete(jobs::cancel))
        .route("/jobs/{id}/events", get(jobs::events))
        .route("/openapi.json", get(openapi::get))
        .route_layer(DefaultBodyLimit::max(MAX_JSON_BYTES))
        .fallback(no_such_route)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(
            Arc::clone(&server),
            security::require_token,
        ));
    Router::new()
        .nest("/api/v1", api)
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .fallback(crate::assets::serve)
        .layer(middleware::from_fn_with_state(
            Arc::clone(&server),
            security::check_origin,
        ))
        .layer(middleware::from_fn_with_state(Arc::clone(&server), finish))
        .with_state(server)
}

/// Counts every response and sets the headers that every response has.
async fn finish(State(server): State<Arc<Server>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    security::set_headers(response.headers_mut());
    server.metrics().response(response.status().as_u16());
    response
}

/// Runs work that waits for disk or processor away from the async threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(error) => Err(Problem::internal(&error)),
    }
}

/// Starts the work of a stored job.
fn start_job(server: &Arc<Server>, record: &JobRecord) {
    let app = Arc::clone(server.app());
    match &record.kind {
        JobKind::Import { source, context } => {
            let upload = server.upload_dir(record.id);
            let source = source.clone();
            let context = context.clone();
            let metrics = Arc::clone(server.metrics());
            server.jobs().start(record.clone(), move |job| {
                metrics.import();
                let done = import_upload(&app, job, &upload, source.as_deref(), &context);
                // What was uploaded is stored now, or never will be.
                let _ = std::fs::remove_dir_all(&upload);
                done
            });
        }
        JobKind::Recompute => {
            server
                .jobs()
                .start(record.clone(), move |job| recompute(&app, job));
        }
    }
}

/// Starts again what was under way when the process ended, and removes uploads that never became a
/// job.
pub(crate) fn resume_jobs(server: &Arc<Server>) -> anyhow::Result<()> {
    let jobs = server.jobs().interrupted()?;
    let uploads = server.upload_dir(0);
    if let Some(uploads) = uploads
        .parent()
        .filter(|_| server.app().store().root().is_some())
        && uploads.is_dir()
    {
        for entry in std::fs::read_dir(uploads)? {
            let entry = entry?;
            let id = entry.file_name().to_string_lossy().parse::<u64>().ok();
            if !jobs.iter().any(|job| Some(job.id) == id) {
                std::fs::remove_dir_all(entry.path())?;
            }
        }
    }
    for job in jobs {
        let is_import = matches!(job.kind, JobKind::Import { .. });
        if is_import && !server.upload_dir(job.id).is_dir() {
            server
                .jobs()
                .give_up(job, "its upload did not survive the restart")?;
        } else {
            start_job(server, &job);
        }
    }
    Ok(())
}

async fn no_such_route() -> Response {
    Problem::new(
        StatusCode::NOT_FOUND,
        "request.no_such_route",
        "no such resource; `/api/v1/openapi.json` lists them",
    )
    .into_response()
}

async fn wrong_method() -> Response {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "request.wrong_method",
        "this resource does not take this method; `/api/v1/openapi.json` lists them",
    )
    .into_response()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    /// The routes as this file states them, with their methods.
    fn routes() -> BTreeSet<(String, String)> {
        let source = include_str!("api.rs");
        let router = source.split("async fn finish").next().unwrap();
        let mut routes = BTreeSet::new();
        for statement in router.split(".route(").skip(1) {
            let path = statement.split('"').nth(1).unwrap();
            let is_api = !["/healthz", "/readyz", "/metrics"].contains(&path);
            let prefix = if is_api { "/api/v1" } else { "" };
            let path = format!("{prefix}{}", path.replace("{*id}", "{id}"));
            for method in ["get", "post", "put", "delete"] {
                let called = format!("{method}(");
                let is_called = statement
                    .split([' ', '.', '\n'])
                    .any(|word| word.starts_with(&called));
                if is_called {
                    routes.insert((path.clone(), method.to_owned()));
                }
            }
        }
        routes
    }

    #[test]
    fn every_route_is_documented_and_every_documented_route_is_there() {
        let document: Value = serde_json::from_str(include_str!("api/openapi.json")).unwrap();
        let mut documented = BTreeSet::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for method in methods.as_object().unwrap().keys() {
                documented.insert((path.clone(), method.clone()));
            }
        }
        // One route serves a node and its neighbours, because ids hold slashes.
        let neighbors = ("/api/v1/nodes/{id}/neighbors".to_owned(), "get".to_owned());
        assert!(documented.remove(&neighbors));
        assert_eq!(routes(), documented);
    }
}
