//! `/api/v1/openapi.json`: the document that describes this API.

use axum::http::header;
use axum::response::IntoResponse;

/// Written by hand, compared with the router by a test.
const DOCUMENT: &str = include_str!("openapi.json");

/// The document.
pub(super) async fn get() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT)
}
