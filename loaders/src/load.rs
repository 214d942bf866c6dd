//! The way in: paths or bytes to facts.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use foothold_engine::model::{Facts, SourceInfo};
use rayon::prelude::*;

use crate::context::Context;
use crate::detect::{Detected, detect};
use crate::document::Document;
use crate::error::LoadError;
use crate::limits::Limits;
use crate::loader::Loader;
use crate::report::{DocumentReport, Loaded, Outcome, Report, Status};
use crate::source::{Candidate, walk};

/// How many bytes of files are read at the same moment.
const WINDOW_BYTES: u64 = 256 << 20;

/// How to read.
#[derive(Debug, Clone)]
pub struct Options<'a> {
    /// The time of import, in milliseconds since 1970 UTC, for documents that state none.
    pub now_ms: i64,
    /// Limits for each document.
    pub limits: Limits,
    /// What holds for every document that no `foothold.yaml` says otherwise of.
    pub context: Context,
    /// Where to read in parallel; `None` reads one document after the other.
    pub pool: Option<&'a rayon::ThreadPool>,
    /// Set from outside to stop: documents not yet read are left out.
    pub cancelled: Option<&'a AtomicBool>,
}

impl Options<'_> {
    /// Default limits, no context, one document after the other.
    pub fn new(now_ms: i64) -> Self {
        Self {
            now_ms,
            limits: Limits::default(),
            context: Context::default(),
            pool: None,
            cancelled: None,
        }
    }

    fn check(&self) -> Result<(), LoadError> {
        match self.cancelled {
            Some(flag) if flag.load(Ordering::Relaxed) => Err(LoadError::Cancelled),
            _ => Ok(()),
        }
    }
}

/// Reads every file below `paths` and hands each outcome to `sink`, sorted by document name at
/// any thread count. At most a window of documents is in memory.
pub fn load_paths(
    paths: &[PathBuf],
    options: &Options<'_>,
    sink: &mut dyn FnMut(Outcome),
) -> Result<(), LoadError> {
    let mut candidates = walk(paths, &options.context, &options.limits)
        .into_iter()
        .peekable();
    let n_window = match options.pool {
        Some(pool) => pool.current_num_threads() * 8,
        None => 1,
    };
    while candidates.peek().is_some() {
        options.check()?;
        let mut window = Vec::new();
        let mut n_bytes = 0;
        while let Some(candidate) = candidates.next_if(|candidate| {
            window.is_empty()
                || window.len() < n_window && n_bytes + candidate.n_bytes <= WINDOW_BYTES
        }) {
            n_bytes += candidate.n_bytes;
            window.push(candidate);
        }
        let outcomes: Vec<Outcome> = match options.pool {
            Some(pool) if window.len() > 1 => pool.install(|| {
                window
                    .into_par_iter()
                    .map(|candidate| read_candidate(candidate, options))
                    .collect()
            }),
            Some(pool) => pool.install(|| {
                window
                    .into_iter()
                    .map(|candidate| read_candidate(candidate, options))
                    .collect()
            }),
            None => window
                .into_iter()
                .map(|candidate| read_candidate(candidate, options))
                .collect(),
        };
        outcomes.into_iter().for_each(&mut *sink);
    }
    Ok(())
}

/// Reads one document from memory.
pub fn load_bytes(name: &str, bytes: Vec<u8>, options: &Options<'_>) -> Outcome {
    let name: Arc<str> = name.into();
    let context = options.context.clone();
    match Document::from_bytes(Arc::clone(&name), bytes, context, options.limits) {
        Ok(document) => read_document(&document, options),
        Err(error) => Outcome::Failed(DocumentReport::failed(name, &error)),
    }
}

fn read_candidate(candidate: Candidate, options: &Options<'_>) -> Outcome {
    let Candidate {
        name,
        path,
        context,
        refused,
        ..
    } = candidate;
    let opened = match refused {
        Some(error) => Err(error),
        None => Document::open(Arc::clone(&name), &path, context, options.limits),
    };
    match opened {
        Ok(document) => read_document(&document, options),
        Err(error) => Outcome::Failed(DocumentReport::failed(name, &error)),
    }
}

fn read_document(document: &Document, options: &Options<'_>) -> Outcome {
    let name = Arc::clone(document.name());
    let loader = match detect(&document.head()) {
        Detected::Format(loader) => loader,
        Detected::Unknown(why) => return Outcome::Skipped(DocumentReport::skipped(name, why)),
    };
    let mut report = Report::default();
    match run(loader, document, &mut report, options) {
        Ok((source, facts)) => {
            let mut summary = DocumentReport::new(name, Status::Read);
            summary.format = Some(loader.format());
            summary.take(report);
            summary.count_facts(&facts);
            Outcome::Read(Box::new(Loaded {
                source,
                facts,
                report: summary,
            }))
        }
        Err(error) => {
            let mut summary = DocumentReport::failed(name, &error);
            summary.format = Some(loader.format());
            Outcome::Failed(summary)
        }
    }
}

fn run(
    loader: &'static dyn Loader,
    document: &Document,
    report: &mut Report,
    options: &Options<'_>,
) -> Result<(SourceInfo, Facts), LoadError> {
    options.check()?;
    let mut facts = Facts::new();
    // No loader should panic; if one does, its document fails and the import goes on.
    catch_unwind(AssertUnwindSafe(|| {
        loader.load(document, &mut facts, report)
    }))
    .unwrap_or(Err(LoadError::Internal {
        format: loader.format(),
    }))?;
    if let Some(runtime) = document.context().runtime {
        runtime.mark(&mut facts);
    }
    let tool = report.tool.as_ref().map(|tool| match &report.tool_version {
        Some(version) => format!("{tool} {version}").into(),
        None => tool.as_str().into(),
    });
    let source = SourceInfo {
        name: Arc::clone(document.name()),
        format: loader.format().into(),
        tool,
        digest: document.digest()?.into(),
        observed_at_ms: report.observed_at_ms.unwrap_or(options.now_ms),
        authority: report.authority,
    };
    Ok((source, facts))
}
