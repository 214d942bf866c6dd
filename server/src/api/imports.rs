//! `/api/v1/imports`: documents by upload, streamed to disk, read by a job.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use axum::Json;
use axum::body::{Body as HttpBody, Bytes};
use axum::extract::{FromRequest, Multipart, Request, State};
use axum::http::{StatusCode, header};
use axum::response::Response;
use futures_util::{Stream, StreamExt};
use serde::{Deserialize, Serialize};
use tokio::fs::{self, File};
use tokio::io::AsyncWriteExt;

use super::extract::{Params, Part};
use super::jobs::{accepted, find};
use super::{Result, blocking};
use crate::app::imported_documents;
use crate::dto::import::{DocumentDto, TotalsDto};
use crate::dto::job::JobDto;
use crate::dto::list::{ListDto, PageParams};
use crate::jobs::{JobKind, JobRecord};
use crate::problem::Problem;
use crate::server::Server;

/// The most files of one upload.
const MAX_FILES: usize = 10_000;

/// How the upload is named.
#[derive(Debug, Deserialize)]
pub(super) struct ImportParams {
    /// The name of a document sent as the body itself.
    #[serde(default)]
    name: Option<String>,
    /// When set, the upload is everything there is under this name.
    #[serde(default)]
    source: Option<String>,
    #[serde(default)]
    repository: Option<String>,
    #[serde(default)]
    image: Option<String>,
    #[serde(default)]
    cluster: Option<String>,
    #[serde(default)]
    account: Option<String>,
    #[serde(default)]
    service: Option<String>,
    #[serde(default)]
    runtime: Option<String>,
}

/// An import and what became of each document.
#[derive(Debug, Serialize)]
pub(super) struct ImportView {
    #[serde(flatten)]
    job: JobDto,
    documents: Vec<DocumentDto>,
    totals: Option<TotalsDto>,
}

/// Takes an upload: the body itself with `?name=`, or a multipart form of files.
pub(super) async fn create(
    State(server): State<Arc<Server>>,
    Params(params): Params<ImportParams>,
    request: Request,
) -> Result<Response> {
    let kind = JobKind::Import {
        source: params.source.clone(),
        context: params.context(),
    };
    let jobs = Arc::clone(server.jobs());
    let id = blocking(move || Ok(jobs.next_id()?)).await?;
    let dir = server.upload_dir(id);
    let received = receive(&server, &dir, &params, request).await;
    let created = match received {
        Ok(()) => {
            let jobs = Arc::clone(server.jobs());
            blocking(move || Ok(jobs.create_with_id(id, kind)?)).await
        }
        Err(problem) => Err(problem),
    };
    match created {
        Ok(record) => {
            super::start_job(&server, &record);
            Ok(accepted(&record, "imports"))
        }
        Err(problem) => {
            let _ = fs::remove_dir_all(&dir).await;
            Err(problem)
        }
    }
}

/// Every import, newest first.
pub(super) async fn list(
    State(server): State<Arc<Server>>,
    Params(page): Params<PageParams>,
) -> Result<Json<ListDto<JobDto>>> {
    let jobs = Arc::clone(server.jobs());
    let records = blocking(move || Ok(jobs.list()?)).await?;
    let items = records
        .iter()
        .filter(|record| is_import(record))
        .map(JobDto::from)
        .collect();
    Ok(Json(page.cut(items, |item: &JobDto| item.id.clone())))
}

/// One import with its documents.
pub(super) async fn get(
    State(server): State<Arc<Server>>,
    Part(id): Part<String>,
) -> Result<Json<ImportView>> {
    let record = find(&server, &id)?;
    if !is_import(&record) {
        return Err(Problem::not_found("import", &id));
    }
    let app = Arc::clone(server.app());
    let number = record.id;
    let documents = blocking(move || Ok(imported_documents(&**app.records(), number)?)).await?;
    let totals = record
        .status
        .has_ended()
        .then(|| TotalsDto::of(&documents, &server.app().world()));
    Ok(Json(ImportView {
        job: JobDto::from(&record),
        documents,
        totals,
    }))
}

fn is_import(record: &JobRecord) -> bool {
    matches!(record.kind, JobKind::Import { .. })
}

impl ImportParams {
    fn context(&self) -> String {
        let mut map = serde_json::Map::new();
        for (key, value) in [
            ("repository", &self.repository),
            ("image", &self.image),
            ("cluster", &self.cluster),
            ("account", &self.account),
            ("service", &self.service),
            ("runtime", &self.runtime),
        ] {
            if let Some(value) = value {
                map.insert(key.to_owned(), value.as_str().into());
            }
        }
        serde_json::Value::from(map).to_string()
    }
}

async fn receive(
    server: &Arc<Server>,
    dir: &Path,
    params: &ImportParams,
    request: Request,
) -> Result<()> {
    fs::create_dir_all(dir)
        .await
        .map_err(|error| Problem::internal(&error))?;
    let mut left = Allowance {
        n_bytes: server.limits().upload_bytes,
        n_files: MAX_FILES,
    };
    let is_form = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("multipart/form-data"));
    if is_form {
        receive_form(server, dir, request, &mut left).await
    } else {
        let name = params
            .name
            .as_deref()
            .ok_or_else(|| Problem::invalid("name the document with `?name=`"))?;
        let path = place(dir, name)?;
        let body: HttpBody = request.into_body();
        write_stream(&path, body.into_data_stream(), &mut left).await
    }
}

async fn receive_form(
    server: &Arc<Server>,
    dir: &Path,
    request: Request,
    left: &mut Allowance,
) -> Result<()> {
    let mut form = Multipart::from_request(request, server)
        .await
        .map_err(|rejection| Problem::malformed(rejection.body_text()))?;
    let mut n_files = 0;
    while let Some(field) = form
        .next_field()
        .await
        .map_err(|error| Problem::malformed(error.body_text()))?
    {
        let Some(name) = field.file_name().map(str::to_owned) else {
            continue;
        };
        let path = place(dir, &name)?;
        write_stream(&path, field, left).await?;
        n_files += 1;
    }
    if n_files == 0 {
        return Err(Problem::invalid("the form holds no file"));
    }
    Ok(())
}

/// What an upload may still bring.
struct Allowance {
    n_bytes: u64,
    n_files: usize,
}

async fn write_stream<S, E>(path: &Path, mut stream: S, left: &mut Allowance) -> Result<()>
where
    S: Stream<Item = std::result::Result<Bytes, E>> + Unpin,
    E: std::fmt::Display,
{
    let too_large = |detail: &str| {
        Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "import.upload_too_large",
            detail,
        )
    };
    left.n_files = left
        .n_files
        .checked_sub(1)
        .ok_or_else(|| too_large("the upload holds too many files"))?;
    let internal = |error: std::io::Error| Problem::internal(&error);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).await.map_err(internal)?;
    }
    let mut file = File::create_new(path).await.map_err(|error| {
        if error.kind() == std::io::ErrorKind::AlreadyExists {
            Problem::invalid("two files of the upload have one name")
        } else {
            Problem::internal(&error)
        }
    })?;
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| Problem::malformed(error.to_string()))?;
        left.n_bytes = left
            .n_bytes
            .checked_sub(chunk.len() as u64)
            .ok_or_else(|| too_large("the upload is larger than this server takes"))?;
        file.write_all(&chunk).await.map_err(internal)?;
    }
    file.flush().await.map_err(internal)
}

/// Where a named document goes: below `dir`, whatever the name says.
fn place(dir: &Path, name: &str) -> Result<PathBuf> {
    let refuse = || {
        Problem::invalid(format!(
            "`{}` is not a name for a document: use a relative path without `..`",
            name.escape_default()
        ))
    };
    if name.is_empty() || name.len() > 1024 || name.contains(['\0', '\\', ':']) {
        return Err(refuse());
    }
    let relative = Path::new(name);
    if relative
        .components()
        .any(|part| !matches!(part, Component::Normal(_)))
    {
        return Err(refuse());
    }
    Ok(dir.join(relative))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_never_leads_out_of_the_upload() {
        let dir = Path::new("/uploads/7");
        assert_eq!(place(dir, "a/b.json").unwrap(), dir.join("a/b.json"));
        for name in [
            "",
            "../a",
            "/etc/passwd",
            "a/../../b",
            "./a",
            "a\0b",
            "C:\\a",
            "a/..",
        ] {
            assert!(place(dir, name).is_err(), "{name:?}");
        }
    }
}
