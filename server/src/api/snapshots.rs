//! `/api/v1/snapshots`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::Result;
use super::extract::Params;
use crate::dto::list::{ListDto, PageParams};
use crate::dto::store::SnapshotDto;
use crate::server::Server;

/// The states of the graph that can still be asked, newest first.
pub(super) async fn list(
    State(server): State<Arc<Server>>,
    Params(page): Params<PageParams>,
) -> Result<Json<ListDto<SnapshotDto>>> {
    let snapshots = server.app().store().segments().snapshots();
    let items = snapshots.iter().rev().map(SnapshotDto::from).collect();
    Ok(Json(page.cut(items, |item: &SnapshotDto| item.id.clone())))
}
