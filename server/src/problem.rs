//! Errors over HTTP: RFC 9457 problem documents, one shape everywhere.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use foothold_engine::store::StoreError;
use serde::Serialize;
use serde_json::Value as Json_;

use crate::app::AppError;

/// What went wrong with a request.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    diagnostics: Vec<Json_>,
    retry_after_s: Option<u32>,
}

/// The document itself.
#[derive(Debug, Serialize)]
struct Document<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
    diagnostics: &'a [Json_],
}

impl Problem {
    /// A problem with a stable dotted code.
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            diagnostics: Vec::new(),
            retry_after_s: None,
        }
    }

    /// 404: there is no such thing.
    pub(crate) fn not_found(what: &str, id: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "request.not_found",
            format!("no {what} `{id}`"),
        )
    }

    /// 400: the request cannot be read.
    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "request.malformed", detail)
    }

    /// 422: the request can be read and makes no sense.
    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "request.invalid", detail)
    }

    /// 500: a bug. What happened goes to the log, not to the client.
    pub(crate) fn internal(cause: &dyn std::fmt::Display) -> Self {
        crate::telemetry::log_bug(cause);
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "server.internal",
            "an internal error; the server's log says more",
        )
    }

    /// Adds what is wrong with a query.
    pub(crate) fn with_diagnostics(mut self, diagnostics: Vec<Json_>) -> Self {
        self.diagnostics = diagnostics;
        self
    }

    /// Says when to try again.
    pub(crate) fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let title = self.status.canonical_reason().unwrap_or("Error");
        let document = Document {
            r#type: format!("urn:foothold:problem:{}", self.code),
            title,
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
            diagnostics: &self.diagnostics,
        };
        let mut response = (self.status, Json(document)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"foothold\""),
            );
        }
        response
    }
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        let status = match &error {
            AppError::Store(StoreError::UnknownSnapshot { .. }) | AppError::NoSuchPath(_) => {
                StatusCode::NOT_FOUND
            }
            AppError::Store(StoreError::ValueTooLarge { .. }) | AppError::Staging(_) => {
                StatusCode::PAYLOAD_TOO_LARGE
            }
            AppError::Store(_) | AppError::Threads(_) => return Problem::internal(&error),
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self::new(status, error.code(), error.to_string())
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::from(AppError::from(error))
    }
}
