//! A running server as what the shell asks.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use foothold_engine::budget::Limits;
use foothold_query::diagnostic::{Diagnostic, DiagnosticJson, Places};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json, json};
use ureq::http::{Method, Request};

use super::Interrupt;
use super::graph::{NoAnswer, Offer};
use crate::app::{Refused, byte_offset};
use crate::clock;
use crate::dto::answer::AnswerDto;
use crate::dto::schema::SchemaDto;

/// The largest answer that is read.
const MAX_ANSWER_BYTES: u64 = 1 << 30;
/// How long the server may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// How long it may be silent beyond the time of the query.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server and how to be let in.
#[derive(Clone)]
pub(super) struct Remote {
    agent: ureq::Agent,
    /// Without a slash at the end.
    url: Arc<str>,
    token: Option<Arc<str>>,
    n_asked: Arc<AtomicU64>,
}

/// What a server says when it refuses.
#[derive(Deserialize)]
struct ProblemDto {
    #[serde(default)]
    title: String,
    #[serde(default)]
    detail: Option<String>,
    #[serde(default)]
    diagnostics: Vec<DiagnosticJson>,
}

/// What came back.
enum Reply<T> {
    Answer(T),
    Problem(u16, ProblemDto),
}

#[derive(Deserialize)]
struct CompletionDto {
    from: usize,
    items: Vec<ItemDto>,
}

#[derive(Deserialize)]
struct ItemDto {
    label: String,
    detail: String,
}

impl Remote {
    /// A server at `http://host:port`; nothing is sent yet.
    pub(super) fn new(url: &str, token: Option<String>) -> anyhow::Result<Self> {
        let url = url.trim_end_matches('/');
        match url.split_once("://") {
            Some(("http", host)) if !host.is_empty() => {}
            Some(("https", _)) => bail!(
                "`{url}`: `https` is not spoken here; go through a tunnel, such as `ssh -L 7171:127.0.0.1:7171 host`"
            ),
            _ => bail!("`{url}` is not of the form `http://host:port`"),
        }
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            // A token is for one server.
            .max_redirects(0)
            .timeout_connect(Some(CONNECT))
            .build();
        Ok(Self {
            agent: agent.into(),
            url: url.into(),
            token: token.map(Into::into),
            n_asked: Arc::default(),
        })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn ask(
        &self,
        text: &str,
        params: &Map<String, Json>,
        (time, limits): (Duration, Limits),
        interrupt: &Interrupt,
    ) -> Result<AnswerDto, NoAnswer> {
        let number = self.n_asked.fetch_add(1, Ordering::Relaxed);
        let id = format!("shell-{}-{}-{number}", std::process::id(), clock::now_ms());
        let time_ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let body = json!({
            "query": text,
            "params": params,
            "budget": { "ms": time_ms, "rows": limits.rows, "memory": limits.memory_bytes },
        });
        let _running = {
            let (remote, id) = (self.clone(), id.clone());
            interrupt.during(move || remote.cancel(&id))
        };
        let sent = self.send(
            Method::POST,
            "/query",
            Some(&id),
            Some(&body),
            time.saturating_add(PATIENCE),
        );
        match sent {
            Ok(Reply::Answer(answer)) => Ok(answer),
            Ok(Reply::Problem(status, problem)) => Err(refused(text, status, &problem)),
            Err(error) => Err(NoAnswer::Failed(format!("{error:#}"))),
        }
    }

    /// Best effort: the query may have ended.
    fn cancel(&self, id: &str) {
        let path = format!("/query/{id}");
        let _ = self.send::<Json>(Method::DELETE, &path, None, None, PATIENCE);
    }

    pub(super) fn complete(&self, text: &str, at: usize) -> anyhow::Result<Offer> {
        // Editors count in UTF-16 units.
        let offset = text.get(..at).unwrap_or(text).encode_utf16().count();
        let body = json!({ "query": text, "offset": offset });
        let completion: CompletionDto = self.get(Method::POST, "/query/complete", Some(&body))?;
        let items = completion.items.into_iter();
        Ok(Offer {
            from: byte_offset(text, completion.from),
            items: items.map(|item| (item.label, item.detail)).collect(),
        })
    }

    pub(super) fn schema(&self) -> anyhow::Result<SchemaDto> {
        self.get(Method::GET, "/schema", None)
    }

    fn get<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Json>,
    ) -> anyhow::Result<T> {
        match self.send(method, path, None, body, PATIENCE)? {
            Reply::Answer(answer) => Ok(answer),
            Reply::Problem(status, problem) => Err(anyhow!(said(status, &problem))),
        }
    }

    fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        id: Option<&str>,
        body: Option<&Json>,
        time: Duration,
    ) -> anyhow::Result<Reply<T>> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}/api/v1{path}", self.url))
            .header("content-type", "application/json");
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(id) = id {
            request = request.header("x-request-id", id);
        }
        let body = body.map(ToString::to_string).unwrap_or_default();
        let request = request.body(body)?;
        let request = self
            .agent
            .configure_request(request)
            .timeout_global(Some(time))
            .build();
        let failed = || format!("`{}` does not answer", self.url);
        let mut response = self.agent.run(request).with_context(failed)?;
        let status = response.status();
        let mut text = String::new();
        let reader = response.body_mut().with_config().limit(MAX_ANSWER_BYTES);
        reader
            .reader()
            .read_to_string(&mut text)
            .with_context(failed)?;
        if !status.is_success() {
            let problem = serde_json::from_str(&text).unwrap_or(ProblemDto {
                title: status.to_string(),
                detail: None,
                diagnostics: Vec::new(),
            });
            return Ok(Reply::Problem(status.as_u16(), problem));
        }
        // A cancelled query is answered with nothing.
        let text = if text.is_empty() { "null" } else { &text };
        let answer = serde_json::from_str(text)
            .with_context(|| format!("`{}` answers in another form", self.url))?;
        Ok(Reply::Answer(answer))
    }
}

fn said(status: u16, problem: &ProblemDto) -> String {
    if status == 401 {
        return "the server wants a token: set FOOTHOLD_TOKEN or `--token-file`".to_owned();
    }
    match &problem.detail {
        Some(detail) if !detail.is_empty() => detail.clone(),
        _ => problem.title.clone(),
    }
}

fn refused(text: &str, status: u16, problem: &ProblemDto) -> NoAnswer {
    let places = Places::new(text);
    let diagnostics = problem.diagnostics.iter();
    let known: Option<Vec<Diagnostic>> = diagnostics
        .map(|json| Diagnostic::from_json(json, &places))
        .collect();
    match known {
        Some(known) if !known.is_empty() => NoAnswer::Refused(Refused::new(text, known)),
        _ => NoAnswer::Failed(said(status, problem)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_http_is_taken() {
        assert!(Remote::new("http://127.0.0.1:7171/", None).is_ok());
        for url in ["https://example.com", "localhost:7171", "http://", ""] {
            assert!(Remote::new(url, None).is_err(), "{url}");
        }
    }

    #[test]
    fn what_a_server_refuses_is_shown_at_its_place() {
        let diagnostic = json!({
            "code": "query.syntax", "severity": "error", "message": "no", "gqlstatus": "42001",
            "line": 2, "column": 3, "length": 1, "labels": [], "help": "write é"
        });
        let problem = |diagnostics: &Json| -> ProblemDto {
            serde_json::from_value(json!({ "title": "t", "diagnostics": diagnostics })).unwrap()
        };
        let NoAnswer::Refused(shown) = refused("a\néé=b", 422, &problem(&json!([diagnostic])))
        else {
            panic!("a known code is a refusal");
        };
        let json = shown.to_json();
        assert_eq!(serde_json::to_value(&json[0]).unwrap(), diagnostic);
        let mut other = diagnostic;
        other["code"] = "query.from_the_future".into();
        assert!(matches!(
            refused("a", 422, &problem(&json!([other]))),
            NoAnswer::Failed(said) if said == "t"
        ));
    }
}
