//! The console: files that the build embedded, served with what browsers need to know.

use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::problem::Problem;

/// What `build.rs` put together: the built console, or a page that says how to build it.
#[derive(RustEmbed)]
#[folder = "$OUT_DIR/console"]
struct Console;

/// Serves `/`, the files below it, and `/ui/...`, which the console reads itself.
pub(crate) async fn serve(method: Method, uri: Uri) -> Response {
    let path = uri.path().trim_start_matches('/');
    if method != Method::GET && method != Method::HEAD {
        return Problem::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "request.wrong_method",
            "only GET here; the API is below `/api/v1`",
        )
        .into_response();
    }
    let is_view = path.is_empty() || path == "ui" || path.starts_with("ui/");
    if is_view {
        return match Console::get("index.html") {
            Some(file) => respond("index.html", file),
            None => Problem::not_found("file", "index.html").into_response(),
        };
    }
    match Console::get(path) {
        Some(file) => respond(path, file),
        None => Problem::not_found("page", path).into_response(),
    }
}

fn respond(path: &str, file: EmbeddedFile) -> Response {
    // The build puts a hash of the content into the names below `assets/`.
    let cache = if path.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static(content_type(path)),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static(cache)),
    ];
    (headers, file.data).into_response()
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json" | "map") => "application/json",
        Some("woff2") => "font/woff2",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
