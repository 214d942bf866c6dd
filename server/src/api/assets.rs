//! `/api/v1/assets`: what every asset risks and endangers, as the last recomputation found.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;

use super::extract::Params;
use super::{Result, blocking};
use crate::dto::asset::AnalysisDto;
use crate::problem::Problem;
use crate::server::Server;

/// How many.
#[derive(Debug, Deserialize)]
pub(super) struct AssetParams {
    #[serde(default)]
    limit: Option<usize>,
}

const DEFAULT_ASSETS: usize = 100;
const MAX_ASSETS: usize = 10_000;

/// The riskiest assets first.
pub(super) async fn list(
    State(server): State<Arc<Server>>,
    Params(params): Params<AssetParams>,
) -> Result<Json<AnalysisDto>> {
    let limit = params.limit.unwrap_or(DEFAULT_ASSETS).clamp(1, MAX_ASSETS);
    let Some(analysis) = server.app().analysis() else {
        return Err(Problem::new(
            StatusCode::NOT_FOUND,
            "analysis.not_computed",
            "the current graph was not analysed yet; start a job of kind `recompute`",
        ));
    };
    blocking(move || Ok(AnalysisDto::new(&analysis, limit)))
        .await
        .map(Json)
}
