//! Who may talk to the server, and what browsers may do with its answers.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use crate::problem::Problem;
use crate::server::Server;

/// Who may talk to the server.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    listen: SocketAddr,
    /// Only its hash is kept.
    token_hash: Option<[u8; 32]>,
}

/// The server would be open to the network without a token.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{0}` is reachable from other machines; set FOOTHOLD_TOKEN or `--token-file`, or listen on 127.0.0.1"
)]
pub(crate) struct OpenToTheNetwork(SocketAddr);

/// The token is too short to be one.
#[derive(Debug, thiserror::Error)]
#[error("the token has fewer than 16 characters; use a longer one")]
pub(crate) struct ShortToken;

impl Access {
    /// Loopback needs no token; everything else does.
    pub(crate) fn new(listen: SocketAddr, token: Option<&str>) -> anyhow::Result<Self> {
        if token.is_some_and(|token| token.len() < 16) {
            return Err(ShortToken.into());
        }
        if token.is_none() && !listen.ip().is_loopback() {
            return Err(OpenToTheNetwork(listen).into());
        }
        Ok(Self {
            listen,
            token_hash: token.map(hash),
        })
    }

    fn permits(&self, headers: &HeaderMap) -> bool {
        let Some(expected) = self.token_hash else {
            return true;
        };
        headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            // Hashes are compared, so the time it takes says nothing about the token.
            .is_some_and(|(_, token)| hash(token.trim()) == expected)
    }

    /// Without a token a page of another site could rebind its name to this machine; then the name
    /// in `Host` gives it away.
    fn knows_host(&self, host: &str) -> bool {
        if self.token_hash.is_some() {
            return true;
        }
        let name = match host.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => host.rsplit_once(':').map_or(host, |(name, _)| name),
        };
        name.eq_ignore_ascii_case("localhost")
            || name
                .parse::<IpAddr>()
                .is_ok_and(|ip| ip.is_loopback() || ip == self.listen.ip())
    }
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// Refuses requests that another site's page sends through the user's browser.
pub(crate) async fn check_origin(
    State(server): State<Arc<Server>>,
    request: Request,
    next: Next,
) -> Response {
    let headers = request.headers();
    let host = headers
        .get(header::HOST)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if !server.access().knows_host(host) {
        return Problem::new(
            StatusCode::FORBIDDEN,
            "request.unknown_host",
            "the `Host` header names no address of this server",
        )
        .into_response();
    }
    let changes = !matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    );
    let is_foreign = headers
        .get(header::ORIGIN)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|origin| {
            let origin_host = origin.split_once("://").map_or(origin, |(_, host)| host);
            !origin_host.eq_ignore_ascii_case(host)
        });
    if changes && is_foreign {
        return Problem::new(
            StatusCode::FORBIDDEN,
            "request.foreign_origin",
            "a page of another origin may not change anything here",
        )
        .into_response();
    }
    next.run(request).await
}

/// Asks for the token, where one is configured.
pub(crate) async fn require_token(
    State(server): State<Arc<Server>>,
    request: Request,
    next: Next,
) -> Response {
    if server.access().permits(request.headers()) {
        return next.run(request).await;
    }
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "request.unauthenticated",
        "send `Authorization: Bearer <token>`",
    )
    .into_response()
}

const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src 'self'; \
    manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Sets what every response says to browsers.
pub(crate) fn set_headers(headers: &mut HeaderMap) {
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), microphone=(), geolocation=()",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // Answers change with every import; only assets with a hash in their name say otherwise.
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "EXAMPLE-TOKEN-EXAMPLE";

    fn access(listen: &str, token: Option<&str>) -> anyhow::Result<Access> {
        Access::new(listen.parse().unwrap(), token)
    }

    #[test]
    fn without_a_token_it_only_listens_on_loopback() {
        assert!(access("127.0.0.1:1", None).is_ok());
        assert!(access("[::1]:1", None).is_ok());
        assert!(access("0.0.0.0:1", None).is_err());
        assert!(access("0.0.0.0:1", Some(TOKEN)).is_ok());
        assert!(access("127.0.0.1:1", Some("short")).is_err());
    }

    #[test]
    fn a_foreign_name_for_this_machine_is_refused() {
        let access = access("127.0.0.1:80", None).unwrap();
        for host in [
            "localhost:80",
            "127.0.0.1",
            "127.0.0.1:80",
            "[::1]:80",
            "LOCALHOST",
        ] {
            assert!(access.knows_host(host), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:80",
            "",
            "127.0.0.1.evil.example",
        ] {
            assert!(!access.knows_host(host), "{host}");
        }
    }

    #[test]
    fn only_the_whole_token_opens() {
        let access = access("127.0.0.1:1", Some(TOKEN)).unwrap();
        let mut headers = HeaderMap::new();
        assert!(!access.permits(&headers));
        for (value, expected) in [
            (format!("Bearer {TOKEN}"), true),
            (format!("bearer {TOKEN}"), true),
            (format!("Bearer {TOKEN}x"), false),
            (format!("Basic {TOKEN}"), false),
            (TOKEN.to_owned(), false),
        ] {
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
            assert_eq!(access.permits(&headers), expected, "{value}");
        }
    }
}
