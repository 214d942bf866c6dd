//! `/api/v1/queries`: saved queries.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use foothold_engine::store::records::{get as get_record, list as list_records, number_key, put};
use foothold_engine::store::{Change, KvStore};
use foothold_query::parse::parse_query;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::extract::{Body, Params, Part};
use super::query::{BudgetRequest, QueryRequest, answer, refused_problem, request_id};
use super::{Result, blocking};
use crate::app::{Mode, Refused};
use crate::clock;
use crate::dto::answer::AnswerDto;
use crate::dto::list::{ListDto, PageParams};
use crate::problem::Problem;
use crate::records::{QUERIES, VERSION};
use crate::server::Server;

/// The longest query that can be saved; a record has little room.
const MAX_QUERY_BYTES: usize = 12 * 1024;

/// The longest of the other texts.
const MAX_TEXT_BYTES: usize = 1024;

/// A saved query as stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct QueryRecord {
    id: u64,
    name: String,
    query: String,
    description: Option<String>,
    folder: Option<String>,
    tags: Vec<String>,
    created_at_ms: i64,
    updated_at_ms: i64,
}

/// A saved query.
#[derive(Debug, Clone, Serialize)]
pub(super) struct QueryDto {
    id: String,
    name: String,
    query: String,
    description: Option<String>,
    folder: Option<String>,
    tags: Vec<String>,
    created_at: String,
    updated_at: String,
}

/// What a client says about a saved query.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct QueryBody {
    name: String,
    query: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    folder: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
}

/// How to run a saved query.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RunBody {
    #[serde(default)]
    params: Map<String, Value>,
    #[serde(default)]
    at: Option<String>,
    #[serde(default)]
    budget: BudgetRequest,
}

/// Every saved query, by number.
pub(super) async fn list(
    State(server): State<Arc<Server>>,
    Params(page): Params<PageParams>,
) -> Result<Json<ListDto<QueryDto>>> {
    let records = Arc::clone(server.app().records());
    let items = blocking(move || {
        let all: Vec<(Vec<u8>, QueryRecord)> = list_records(&*records, QUERIES, VERSION)?;
        Ok(all.into_iter().map(|(_, it)| QueryDto::from(it)).collect())
    })
    .await?;
    Ok(Json(page.cut(items, |item: &QueryDto| item.id.clone())))
}

/// Saves a query.
pub(super) async fn create(
    State(server): State<Arc<Server>>,
    Body(body): Body<QueryBody>,
) -> Result<Response> {
    body.check()?;
    let records = Arc::clone(server.app().records());
    let saved = blocking(move || {
        let now_ms = clock::now_ms();
        let id = records.next_id("queries")?;
        store(&*records, body.record(id, now_ms, now_ms))
    })
    .await?;
    let location = format!("/api/v1/queries/{}", saved.id);
    let response = (
        StatusCode::CREATED,
        [(header::LOCATION, location)],
        Json(saved),
    );
    Ok(response.into_response())
}

/// One saved query.
pub(super) async fn get(
    State(server): State<Arc<Server>>,
    Part(id): Part<String>,
) -> Result<Json<QueryDto>> {
    let records = Arc::clone(server.app().records());
    let record = blocking(move || find(&*records, &id)).await?;
    Ok(Json(record.into()))
}

/// Replaces a saved query.
pub(super) async fn replace(
    State(server): State<Arc<Server>>,
    Part(id): Part<String>,
    Body(body): Body<QueryBody>,
) -> Result<Json<QueryDto>> {
    body.check()?;
    let records = Arc::clone(server.app().records());
    let saved = blocking(move || {
        let before = find(&*records, &id)?;
        let record = body.record(before.id, before.created_at_ms, clock::now_ms());
        store(&*records, record)
    })
    .await?;
    Ok(Json(saved))
}

/// Forgets a saved query.
pub(super) async fn remove(
    State(server): State<Arc<Server>>,
    Part(id): Part<String>,
) -> Result<StatusCode> {
    let records = Arc::clone(server.app().records());
    blocking(move || {
        let record = find(&*records, &id)?;
        let key = number_key(record.id).to_vec();
        Ok(records.apply(&[Change::Delete(QUERIES, key)])?)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Runs a saved query.
pub(super) async fn run(
    State(server): State<Arc<Server>>,
    headers: HeaderMap,
    Part(id): Part<String>,
    Body(body): Body<RunBody>,
) -> Result<Json<AnswerDto>> {
    let records = Arc::clone(server.app().records());
    let record = blocking(move || find(&*records, &id)).await?;
    let request = QueryRequest {
        query: record.query,
        params: body.params,
        at: body.at,
        what_if: None,
        budget: body.budget,
    };
    let id = request_id(&headers);
    answer(&server, id, request, Mode::AsWritten)
        .await
        .map(Json)
}

fn find(records: &dyn KvStore, id: &str) -> Result<QueryRecord> {
    let number = id.parse::<u64>().ok();
    let record = match number {
        Some(number) => get_record(records, QUERIES, &number_key(number), VERSION)?,
        None => None,
    };
    record.ok_or_else(|| Problem::not_found("saved query", id))
}

fn store(records: &dyn KvStore, record: QueryRecord) -> Result<QueryDto> {
    let change = put(QUERIES, &number_key(record.id), VERSION, &record)?;
    records.apply(&[change])?;
    Ok(record.into())
}

impl QueryBody {
    fn check(&self) -> Result<()> {
        if self.name.trim().is_empty() {
            return Err(Problem::invalid("`name` is empty"));
        }
        if self.query.trim().is_empty() {
            return Err(Problem::invalid("`query` is empty"));
        }
        if self.query.len() > MAX_QUERY_BYTES {
            return Err(Problem::invalid("`query` is longer than 12 KiB"));
        }
        // Names and parameters are known when it runs; what cannot be read never is.
        let parsed = parse_query(&self.query);
        if parsed.tree.is_none() {
            return Err(refused_problem(&Refused::new(
                &self.query,
                parsed.diagnostics,
            )));
        }
        let others = [
            Some(&self.name),
            self.description.as_ref(),
            self.folder.as_ref(),
        ];
        let too_long = others
            .into_iter()
            .flatten()
            .chain(&self.tags)
            .map(String::len)
            .sum::<usize>()
            > MAX_TEXT_BYTES;
        if too_long {
            return Err(Problem::invalid(
                "name, description, folder and tags are longer than 1 KiB together",
            ));
        }
        Ok(())
    }

    fn record(self, id: u64, created_at_ms: i64, updated_at_ms: i64) -> QueryRecord {
        QueryRecord {
            id,
            name: self.name,
            query: self.query,
            description: self.description,
            folder: self.folder,
            tags: self.tags,
            created_at_ms,
            updated_at_ms,
        }
    }
}

impl From<QueryRecord> for QueryDto {
    fn from(record: QueryRecord) -> Self {
        Self {
            id: record.id.to_string(),
            name: record.name,
            query: record.query,
            description: record.description,
            folder: record.folder,
            tags: record.tags,
            created_at: clock::text(record.created_at_ms),
            updated_at: clock::text(record.updated_at_ms),
        }
    }
}
