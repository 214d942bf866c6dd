//! `/api/v1/schema`: which labels, kinds, properties and rules there are, with counts.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::{Result, blocking};
use crate::dto::schema::SchemaDto;
use crate::server::Server;

/// The schema of the current graph.
pub(super) async fn get(State(server): State<Arc<Server>>) -> Result<Json<SchemaDto>> {
    let world = server.app().world();
    blocking(move || Ok(world.schema().clone())).await.map(Json)
}
