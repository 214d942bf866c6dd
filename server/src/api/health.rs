//! `/healthz`, `/readyz`, `/metrics`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::Result;
use crate::server::Server;
use crate::telemetry::Gauges;

/// The process is alive.
pub(super) async fn live() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// There is a graph to ask.
pub(super) async fn ready(State(server): State<Arc<Server>>) -> Json<Value> {
    let world = server.app().world();
    Json(json!({
        "status": "ready",
        "snapshot": world.id.map(|id| id.to_string()),
        "version": env!("CARGO_PKG_VERSION"),
    }))
}

/// Counters in the Prometheus text format.
pub(super) async fn metrics(State(server): State<Arc<Server>>) -> Result<impl IntoResponse> {
    let world = server.app().world();
    let gauges = Gauges {
        n_nodes: world.snapshot.n_nodes(),
        n_edges: world.snapshot.n_edges(),
        n_running_queries: server.gate().n_running(),
        records_bytes: server.app().records().size_bytes()?,
    };
    let content_type = "text/plain; version=0.0.4; charset=utf-8";
    Ok((
        [(header::CONTENT_TYPE, content_type)],
        server.metrics().render(gauges),
    ))
}
