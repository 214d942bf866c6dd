//! Importing: documents in, facts stored, a new world served.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};

use foothold_engine::model::{Facts, SourceInfo};
use foothold_engine::store::{Import, Imported};
use foothold_loaders::{Context, DocumentReport, Options, Outcome, load_paths};

use super::error::AppError;
use super::rules::InForce;
use super::world::World;
use super::{App, Result};

/// What to import and under which names.
pub(crate) struct ImportRequest<'a> {
    /// Files and folders.
    pub(crate) paths: &'a [PathBuf],
    /// When set, everything read belongs to this source and replaces what it said before; names
    /// are relative to the paths. When not, every document is a source of its own.
    pub(crate) source: Option<&'a str>,
    /// Cut off the front of every name: the folder that an upload lies in.
    pub(crate) strip: Option<&'a Path>,
    /// What holds for documents that do not say so themselves.
    pub(crate) context: Context,
    /// Kept with the snapshot.
    pub(crate) reason: &'a str,
    /// The time of import.
    pub(crate) now_ms: i64,
    /// Set from outside to stop before anything is stored.
    pub(crate) cancelled: &'a AtomicBool,
    /// Called for each document as it is read.
    pub(crate) on_document: &'a (dyn Fn(&DocumentReport) + Sync),
}

/// Reads and stores what the request names, then serves it. All of the import is stored or, on an
/// error, none of it; documents that are broken fail alone.
pub(crate) fn import_into_store(
    app: &App,
    request: &ImportRequest<'_>,
) -> Result<(Vec<DocumentReport>, Imported)> {
    let _one = app.importing.lock().unwrap_or_else(PoisonError::into_inner);
    let read = read_documents(request, app.pool())?;
    if request.cancelled.load(Ordering::Relaxed) {
        return Err(AppError::Cancelled);
    }
    let import = Import {
        documents: &read.documents,
        group: request.source,
        unread: &read.unread,
        reason: request.reason,
        at_ms: request.now_ms,
    };
    let done = app
        .pool()
        .install(|| app.store().segments().import(&import))?;
    // Facts that did not change are no new snapshot, but who says them last may have changed.
    if done.snapshot != app.world().id || !app.world().has_sources_of(app.store())? {
        // What was stored is read back, so that what is served is what is stored.
        drop(read.documents);
        app.serve_newest()?;
    }
    Ok((read.reports, done))
}

/// Reads what the request names into a world, without a store.
pub(crate) fn load_without_store(
    request: &ImportRequest<'_>,
    rules: &Arc<InForce>,
    pool: &Arc<rayon::ThreadPool>,
) -> Result<(World, Vec<DocumentReport>)> {
    let read = read_documents(request, pool)?;
    let world = World::from_facts(read.documents, request.now_ms, rules, pool)?;
    Ok((world, read.reports))
}

struct Read {
    documents: Vec<(SourceInfo, Facts)>,
    /// Names of documents that were there but could not be read.
    unread: Vec<Arc<str>>,
    reports: Vec<DocumentReport>,
}

fn read_documents(request: &ImportRequest<'_>, pool: &rayon::ThreadPool) -> Result<Read> {
    if let Some(absent) = request.paths.iter().find(|path| !path.exists()) {
        return Err(AppError::NoSuchPath(absent.clone()));
    }
    let mut options = Options::new(request.now_ms);
    options.context = request.context.clone();
    options.pool = Some(pool);
    options.cancelled = Some(request.cancelled);
    let mut read = Read {
        documents: Vec::new(),
        unread: Vec::new(),
        reports: Vec::new(),
    };
    let mut names = Names {
        request,
        taken: BTreeSet::new(),
    };
    load_paths(request.paths, &options, &mut |outcome| {
        let mut report = match outcome {
            Outcome::Read(loaded) => {
                let mut info = loaded.source;
                info.name = names.source_name(&loaded.report.path);
                read.documents.push((info, loaded.facts));
                loaded.report
            }
            Outcome::Skipped(report) | Outcome::Failed(report) => {
                read.unread.push(names.source_name(&report.path));
                report
            }
        };
        report.path = names.shown(&report.path);
        (request.on_document)(&report);
        read.reports.push(report);
    })?;
    Ok(read)
}

/// Gives documents the names they are stored under.
struct Names<'a> {
    request: &'a ImportRequest<'a>,
    taken: BTreeSet<Arc<str>>,
}

impl Names<'_> {
    fn source_name(&mut self, path: &str) -> Arc<str> {
        let base: Arc<str> = match self.request.source {
            Some(source) => format!("{source}/{}", self.relative(path)).into(),
            None => self.shown(path),
        };
        let mut name = Arc::clone(&base);
        let mut n_same = 1;
        // Two folders of one import may hold files of one relative name.
        while !self.taken.insert(Arc::clone(&name)) {
            n_same += 1;
            name = format!("{base} ({n_same})").into();
        }
        name
    }

    /// The path as people see it.
    fn shown(&self, path: &str) -> Arc<str> {
        let strip = self.request.strip.map(|strip| strip.to_string_lossy());
        strip
            .and_then(|strip| path.strip_prefix(&*strip))
            .map_or(path, |rest| rest.trim_start_matches('/'))
            .into()
    }

    /// The path below the argument that named it: the same file is the same source, wherever the
    /// folder lies this time.
    fn relative(&self, path: &str) -> String {
        for root in self.request.paths {
            let root_text = root.to_string_lossy().replace('\\', "/");
            let root_text = root_text.strip_prefix("./").unwrap_or(&root_text);
            if path == root_text {
                let file = root.file_name().map(|name| name.to_string_lossy());
                return file.map_or_else(|| path.to_owned(), std::borrow::Cow::into_owned);
            }
            let root_text = root_text.trim_end_matches('/');
            let below = if root_text.is_empty() || root_text == "." {
                Some(path)
            } else {
                path.strip_prefix(root_text)
                    .and_then(|rest| rest.strip_prefix('/'))
            };
            if let Some(rest) = below {
                return rest.to_owned();
            }
        }
        path.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request<'a>(
        paths: &'a [PathBuf],
        source: Option<&'a str>,
        strip: Option<&'a Path>,
        cancelled: &'a AtomicBool,
    ) -> ImportRequest<'a> {
        ImportRequest {
            paths,
            source,
            strip,
            context: Context::default(),
            reason: "test",
            now_ms: 0,
            cancelled,
            on_document: &|_| {},
        }
    }

    #[test]
    fn a_named_source_names_its_documents_below_it_wherever_they_lie() {
        let flag = AtomicBool::new(false);
        for (root, path) in [
            ("/tmp/run1", "/tmp/run1/k8s/pods.json"),
            ("./run2/", "run2/k8s/pods.json"),
            (".", "k8s/pods.json"),
        ] {
            let paths = [PathBuf::from(root)];
            let request = request(&paths, Some("prod"), None, &flag);
            let mut names = Names {
                request: &request,
                taken: BTreeSet::new(),
            };
            assert_eq!(&*names.source_name(path), "prod/k8s/pods.json");
            assert_eq!(&*names.source_name(path), "prod/k8s/pods.json (2)");
        }
    }

    #[test]
    fn an_upload_is_named_as_the_client_named_it() {
        let flag = AtomicBool::new(false);
        let paths = [PathBuf::from("/tmp/x7")];
        let strip = Path::new("/tmp/x7");
        let request = request(&paths, None, Some(strip), &flag);
        let mut names = Names {
            request: &request,
            taken: BTreeSet::new(),
        };
        assert_eq!(&*names.source_name("/tmp/x7/sbom/a.json"), "sbom/a.json");
        assert_eq!(&*names.shown("/tmp/x7/sbom/a.json"), "sbom/a.json");
    }
}
