//! `/api/v1/sources`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::extract::Params;
use super::{Result, blocking};
use crate::clock;
use crate::dto::list::{ListDto, PageParams};
use crate::dto::store::SourceDto;
use crate::problem::Problem;
use crate::server::Server;

/// The sources of facts, by name.
pub(super) async fn list(
    State(server): State<Arc<Server>>,
    Params(page): Params<PageParams>,
) -> Result<Json<ListDto<SourceDto>>> {
    let sources = server.app().store().segments().sources();
    let items = sources.iter().map(SourceDto::from).collect();
    Ok(Json(page.cut(items, |item: &SourceDto| item.name.clone())))
}

/// Which source.
#[derive(Debug, Deserialize)]
pub(super) struct RemoveParams {
    name: String,
}

/// Removes a source, or everything imported under one name, and what only it said.
pub(super) async fn remove(
    State(server): State<Arc<Server>>,
    Params(params): Params<RemoveParams>,
) -> Result<Json<Value>> {
    let app = Arc::clone(server.app());
    let name = params.name.clone();
    let n_removed = blocking(move || {
        app.remove_sources(&[&name], clock::now_ms())
            .map_err(Problem::from)
    })
    .await?;
    if n_removed == 0 {
        return Err(Problem::not_found("source", &params.name));
    }
    Ok(Json(json!({ "removed": n_removed })))
}
