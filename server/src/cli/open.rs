//! The way from command-line arguments to an opened application.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use foothold_engine::store::{Recovery, Store, StoreOptions};
use foothold_loaders::{Context as DocumentContext, DocumentReport, Status};

use super::import::report_failures;
use super::output::{note, printable};
use super::{Context, DbArgs};
use crate::app::{App, Estate, ImportRequest, load_without_store, new_pool};
use crate::clock;

impl Context {
    /// Opens the store that the arguments name; makes one when there is none.
    pub(crate) fn open_or_create(&self, args: &DbArgs) -> anyhow::Result<App> {
        self.open_with(args, StoreOptions::create_or_open())
    }

    /// Opens the store that the arguments name.
    pub(crate) fn open_existing(&self, args: &DbArgs) -> anyhow::Result<App> {
        self.open_with(args, StoreOptions::open_existing())
    }

    /// Opens the store that the arguments name without building its graph: for commands that only
    /// look at what is stored.
    pub(crate) fn open_store(&self, args: &DbArgs) -> anyhow::Result<Store> {
        let db = self.config.db(args.db.as_deref());
        let (store, recovery) = Store::open(&db, StoreOptions::open_existing())?;
        self.report_recovery(&db, &recovery);
        Ok(store)
    }

    /// The graph that a question is asked of: straight from files when any are named, else the
    /// newest of the store.
    pub(crate) fn estate(&self, db: &DbArgs, load: &[PathBuf]) -> anyhow::Result<Estate> {
        if load.is_empty() {
            return Ok(Estate::Stored(Arc::new(self.open_existing(db)?)));
        }
        let pool = new_pool(self.n_threads)?;
        let terminal = self.terminal;
        let request = ImportRequest {
            paths: load,
            source: None,
            strip: None,
            context: DocumentContext::default(),
            reason: "load",
            now_ms: clock::now_ms(),
            cancelled: &AtomicBool::new(false),
            on_document: &|report| terminal.progress(&printable(&report.path)),
        };
        let loaded = load_without_store(&request, &self.rules, &pool);
        terminal.end_progress();
        let (world, reports) = loaded?;
        report_failures(self, &reports);
        self.report_unread(load, &reports);
        Ok(Estate::Loaded {
            world: Arc::new(world),
            pool,
        })
    }

    /// Says what was skipped, when it was asked for by name or when nothing else was read: an empty
    /// answer would look like an estate without findings.
    fn report_unread(&self, load: &[PathBuf], reports: &[DocumentReport]) {
        let is_anything_read = reports.iter().any(|report| report.status == Status::Read);
        let is_named =
            |report: &DocumentReport| load.iter().any(|path| path == Path::new(&*report.path));
        for report in reports {
            if report.status == Status::Skipped && (!is_anything_read || is_named(report)) {
                let reason = report.reason.as_deref().unwrap_or("no known format");
                self.terminal.warn(&format!(
                    "{}: skipped: {}",
                    printable(&report.path),
                    printable(reason)
                ));
            }
        }
        if reports.is_empty() {
            self.terminal
                .warn("no document was found in what was to be loaded");
        }
    }

    fn open_with(&self, args: &DbArgs, options: StoreOptions) -> anyhow::Result<App> {
        let db = self.config.db(args.db.as_deref());
        let (app, recovery) = App::open(&db, options, self.n_threads, &self.rules)?;
        self.report_recovery(&db, &recovery);
        Ok(app)
    }

    /// Says what opening had to repair.
    fn report_recovery(&self, db: &Path, recovery: &Recovery) {
        let db = db.display();
        if !recovery.removed.is_empty() {
            let n_removed = recovery.removed.len();
            note(&format!(
                "{db}: removed {n_removed} files of a change that never completed"
            ));
        }
        for name in &recovery.missing {
            self.terminal.warn(&format!(
                "{db}: the segment `{name}` is gone; run `foothold fsck` for the remedy"
            ));
        }
        if let Some(reason) = &recovery.records_restored {
            self.terminal.warn(&format!(
                "{db}: the records were restored from their newest export: {reason}"
            ));
        }
    }
}
