//! Request bodies and parameters whose refusals are problem documents.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FailedToBufferBody};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// A JSON body.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let is_json = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| {
                let essence = value.split(';').next().unwrap_or_default().trim();
                essence.eq_ignore_ascii_case("application/json")
            });
        if !is_json {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "request.not_json",
                "the body must be `application/json`",
            ));
        }
        let bytes = read_bytes(request, state).await?;
        serde_json::from_slice(&bytes)
            .map(Body)
            .map_err(|error| Problem::malformed(not_as_expected::<T>(&bytes, &error)))
    }
}

/// What is wrong with a body, with the field it is in; only a wrong one is read twice for it.
fn not_as_expected<T: DeserializeOwned>(bytes: &[u8], error: &serde_json::Error) -> String {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let field = serde_path_to_error::deserialize::<_, T>(&mut deserializer)
        .err()
        .map(|error| error.path().to_string())
        .filter(|path| path != "." && !path.is_empty());
    match field {
        Some(field) => format!("the body is not as expected: `{field}`: {error}"),
        None => format!("the body is not as expected: {error}"),
    }
}

async fn read_bytes<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state)
        .await
        .map_err(|rejection| match rejection {
            BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => {
                Problem::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "request.too_large",
                    "the body is larger than this resource takes",
                )
            }
            _ => Problem::malformed("the body could not be read to its end"),
        })
}

/// Parameters of the query string.
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Query::<T>::from_request_parts(parts, state)
            .await
            .map(|Query(params)| Params(params))
            .map_err(|rejection| Problem::malformed(rejection.body_text()))
    }
}

/// A part of the path.
pub(crate) struct Part<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Part<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Path::<T>::from_request_parts(parts, state)
            .await
            .map(|Path(part)| Part(part))
            .map_err(|rejection| {
                Problem::new(
                    StatusCode::NOT_FOUND,
                    "request.not_found",
                    rejection.body_text(),
                )
            })
    }
}
