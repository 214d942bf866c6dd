//! `/api/v1/policies`: checks, shipped and added, and the history of their runs.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use foothold_engine::budget::{Budget, Limits};
use serde::{Deserialize, Serialize};

use super::extract::{Body, Params, Part};
use super::query::refused_problem;
use super::{Result, blocking};
use crate::app::{Allowance, App, Estate};
use crate::clock;
use crate::dto::list::{ListDto, PageParams};
use crate::dto::policy::{PolicyDto, VerdictDto};
use crate::policies::{self, AddProblem, RunRecord};
use crate::policy::{Policy, evaluate};
use crate::problem::Problem;
use crate::server::Server;

/// A policy as text.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPolicy {
    /// One `POLICY` definition.
    source: String,
}

/// A run of a policy.
#[derive(Debug, Clone, Serialize)]
pub(super) struct RunDto {
    id: String,
    policy: String,
    at: String,
    snapshot: Option<String>,
    status: String,
    violations: u64,
    signatures: Vec<String>,
    error: Option<String>,
    elapsed_ms: f64,
    /// Every violation; only in the answer to the run itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<VerdictDto>,
}

/// A policy with its last run.
#[derive(Debug, Serialize)]
pub(super) struct PolicyView {
    #[serde(flatten)]
    policy: PolicyDto,
    last_run: Option<RunDto>,
}

/// Every policy, by name, with its last run.
pub(super) async fn list(
    State(server): State<Arc<Server>>,
    Params(page): Params<PageParams>,
) -> Result<Json<ListDto<PolicyView>>> {
    let app = Arc::clone(server.app());
    let items = blocking(move || {
        let known = known(&app)?;
        known
            .iter()
            .map(|policy| view(&server, policy))
            .collect::<Result<Vec<PolicyView>>>()
    })
    .await?;
    Ok(Json(
        page.cut(items, |item: &PolicyView| item.policy.id.clone()),
    ))
}

/// Adds a policy, or replaces the one of its name.
pub(super) async fn create(
    State(server): State<Arc<Server>>,
    Body(new): Body<NewPolicy>,
) -> Result<Response> {
    let app = Arc::clone(server.app());
    let policy = blocking(move || {
        policies::add(&**app.records(), &new.source).map_err(|problem| match problem {
            AddProblem::Refused(refused) => refused_problem(&refused),
            AddProblem::NotOne(n) => {
                Problem::invalid(format!("`source` holds {n} policies; send exactly one"))
            }
            AddProblem::Store(error) => error.into(),
        })
    })
    .await?;
    let location = format!("/api/v1/policies/{}", policy.name());
    let dto = PolicyDto::from(&policy);
    let response = (
        StatusCode::CREATED,
        [(header::LOCATION, location)],
        Json(dto),
    );
    Ok(response.into_response())
}

/// One policy.
pub(super) async fn get(
    State(server): State<Arc<Server>>,
    Part(name): Part<String>,
) -> Result<Json<PolicyView>> {
    blocking(move || {
        let policy = find(&server, &name)?;
        view(&server, &policy)
    })
    .await
    .map(Json)
}

/// Removes an added policy; a shipped one of its name is back then.
pub(super) async fn remove(
    State(server): State<Arc<Server>>,
    Part(name): Part<String>,
) -> Result<StatusCode> {
    blocking(move || {
        if policies::remove(&**server.app().records(), &name)? {
            return Ok(StatusCode::NO_CONTENT);
        }
        let policy = find(&server, &name)?;
        let detail = if policy.is_shipped() {
            format!("`{name}` comes with the program; add one of its name to replace it")
        } else {
            let file = &policy.origin;
            format!("`{name}` stands in `{file}` of the rules folder; take it out there")
        };
        Err(Problem::new(StatusCode::CONFLICT, "policy.shipped", detail))
    })
    .await
}

/// The runs of a policy, newest first.
pub(super) async fn runs(
    State(server): State<Arc<Server>>,
    Part(name): Part<String>,
    Params(page): Params<PageParams>,
) -> Result<Json<ListDto<RunDto>>> {
    let items = blocking(move || {
        let policy = find(&server, &name)?;
        let runs = policies::runs(&**server.app().records(), policy.name())?;
        Ok(runs.into_iter().map(RunDto::from).collect())
    })
    .await?;
    Ok(Json(page.cut(items, |item: &RunDto| item.id.clone())))
}

/// Runs a policy now and remembers the verdict.
pub(super) async fn run(
    State(server): State<Arc<Server>>,
    Part(name): Part<String>,
) -> Result<Response> {
    let permit = super::query::enter(&server).await?;
    let allowance = Allowance {
        time: server.limits().query_max,
        limits: Limits {
            rows: server.limits().max_rows,
            memory_bytes: server.limits().max_memory_bytes,
            expansions: u64::MAX,
        },
    };
    let budget = Budget::new(allowance.limits);
    let for_work = Arc::clone(&server);
    let _running = server.running().add(None, budget.stop_handle());
    let dto = blocking(move || {
        let server = for_work;
        let policy = find(&server, &name)?;
        let estate = Estate::Stored(Arc::clone(server.app()));
        let snapshot = estate.world().id.map(|id| id.to_string());
        let result = evaluate(&estate, &policy, None, &allowance, &budget);
        let records = &**server.app().records();
        let run = policies::remember(records, &result, clock::now_ms(), snapshot)?;
        drop(permit);
        let mut dto = RunDto::from(run);
        dto.verdict = Some(VerdictDto::from(&result));
        Ok(dto)
    })
    .await?;
    Ok((StatusCode::CREATED, Json(dto)).into_response())
}

fn known(app: &App) -> Result<Vec<Policy>> {
    policies::known(&app.world().rules, Some(app)).map_err(|error| Problem::internal(&error))
}

fn find(server: &Server, name: &str) -> Result<Policy> {
    known(server.app())?
        .into_iter()
        .find(|policy| policy.name() == name)
        .ok_or_else(|| Problem::not_found("policy", name))
}

fn view(server: &Server, policy: &Policy) -> Result<PolicyView> {
    let runs = policies::runs(&**server.app().records(), policy.name())?;
    Ok(PolicyView {
        policy: PolicyDto::from(policy),
        last_run: runs.into_iter().next().map(RunDto::from),
    })
}

impl From<RunRecord> for RunDto {
    fn from(run: RunRecord) -> Self {
        Self {
            id: run.id.to_string(),
            policy: run.policy,
            at: clock::text(run.at_ms),
            snapshot: run.snapshot,
            status: run.status,
            violations: run.violations,
            signatures: run.signatures,
            error: run.error,
            elapsed_ms: run.elapsed_ms,
            verdict: None,
        }
    }
}
