//! The work of an import job, and what is remembered of its documents.

use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use foothold_engine::store::records::{number_key, put};
use foothold_engine::store::{Change, KvStore, StoreError};
use foothold_loaders::LoadError;

use super::error::AppError;
use super::{App, ImportRequest, import_into_store};
use crate::clock;
use crate::dto::import::DocumentDto;
use crate::jobs::{JobFailure, JobHandle};
use crate::records::{DOCUMENTS, VERSION};

/// Records are written in batches of this many.
const N_PER_BATCH: usize = 256;

/// Texts of documents are cut to this length, so that a record stays small.
const MAX_TEXT_BYTES: usize = 1024;

/// The most warnings that are remembered of one document.
const MAX_WARNINGS: usize = 8;

/// Reads an upload into the store and remembers what became of each document.
pub(crate) fn import_upload(
    app: &App,
    job: &JobHandle,
    upload: &Path,
    source: Option<&str>,
    context: &str,
) -> Result<(), JobFailure> {
    let context = serde_json::from_str(context)
        .map_err(|error| JobFailure::Failed(format!("the context of the upload: {error}")))?;
    let n_read = AtomicU64::new(0);
    let request = ImportRequest {
        paths: &[upload.to_owned()],
        source,
        strip: Some(upload),
        context,
        reason: &format!("import {}", job.id()),
        now_ms: clock::now_ms(),
        cancelled: job.cancelled(),
        on_document: &|_| {
            let done = n_read.fetch_add(1, Ordering::Relaxed) + 1;
            job.progress(done, 0, "reading");
        },
    };
    let outcome = import_into_store(app, &request);
    let (reports, _) = match outcome {
        Ok(done) => done,
        Err(AppError::Cancelled | AppError::Load(LoadError::Cancelled)) => {
            return Err(JobFailure::Cancelled);
        }
        Err(error) => return Err(JobFailure::Failed(error.to_string())),
    };
    let n_documents = reports.len() as u64;
    job.progress(n_documents, n_documents, "done");
    let documents: Vec<DocumentDto> = reports
        .iter()
        .map(|report| shortened(DocumentDto::from(report)))
        .collect();
    remember(&**app.records(), job.id(), &documents)
        .map_err(|error| JobFailure::Failed(error.to_string()))
}

/// The documents of an import, in order of their paths.
pub(crate) fn imported_documents(
    records: &dyn KvStore,
    job: u64,
) -> Result<Vec<DocumentDto>, StoreError> {
    let prefix = number_key(job);
    let mut documents = Vec::new();
    let mut after = prefix.to_vec();
    loop {
        let rows = records.scan(DOCUMENTS, Some(&after), N_PER_BATCH)?;
        let n_rows = rows.len();
        for (key, framed) in rows {
            if !key.starts_with(&prefix) {
                return Ok(documents);
            }
            documents.push(foothold_engine::store::records::open(VERSION, &framed)?);
            after = key;
        }
        if n_rows < N_PER_BATCH {
            return Ok(documents);
        }
    }
}

fn remember(records: &dyn KvStore, job: u64, documents: &[DocumentDto]) -> Result<(), StoreError> {
    let mut changes: Vec<Change> = Vec::new();
    for (position, document) in documents.iter().enumerate() {
        let key = [number_key(job), number_key(position as u64)].concat();
        changes.push(put(DOCUMENTS, &key, VERSION, document)?);
    }
    changes
        .chunks(N_PER_BATCH)
        .try_for_each(|batch| records.apply(batch))
}

fn shortened(mut document: DocumentDto) -> DocumentDto {
    document.warnings.truncate(MAX_WARNINGS);
    let texts = [
        Some(&mut document.path),
        document.error.as_mut(),
        document.reason.as_mut(),
        document.tool.as_mut(),
    ];
    let examples = document
        .warnings
        .iter_mut()
        .map(|warning| &mut warning.example);
    for text in texts.into_iter().flatten().chain(examples) {
        if text.len() > MAX_TEXT_BYTES {
            let end = (0..=MAX_TEXT_BYTES)
                .rev()
                .find(|&at| text.is_char_boundary(at))
                .unwrap_or(0);
            text.truncate(end);
            text.push('…');
        }
    }
    document
}
