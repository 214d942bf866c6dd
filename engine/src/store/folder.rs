//! The folder: lock, segments and records together.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::{OnPath, Result, StoreError};
use super::files::{DiskFiles, Files, MemoryFiles};
use super::manifest::MANIFEST_NAME;
use super::records::{
    Change, KvStore, MemoryRecords, Row, SledRecords, Table, decode_export, encode_export,
    n_commits,
};
use super::segments::{DEFAULT_KEPT_SNAPSHOTS, Recovery, Segments};

/// The name of the lock file.
const LOCK_NAME: &str = "LOCK";

/// How many exports of the records are kept.
const N_EXPORTS: usize = 7;

/// Below this size the records are never rewritten.
const COMPACT_ABOVE_BYTES: u64 = 64 * 1024 * 1024;

/// The records are rewritten when they take more than this many times their live bytes.
const COMPACT_ABOVE_RATIO: u64 = 4;

/// Records are moved in batches of this many.
const N_ROWS_PER_BATCH: usize = 256;

/// How a store is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreOptions {
    /// Whether a missing or empty folder becomes a new store.
    pub create: bool,
    /// How many snapshots stay readable.
    pub n_kept_snapshots: usize,
}

impl StoreOptions {
    /// Opens an existing store or starts a new one.
    pub fn create_or_open() -> Self {
        Self {
            create: true,
            n_kept_snapshots: DEFAULT_KEPT_SNAPSHOTS,
        }
    }

    /// Opens an existing store.
    pub fn open_existing() -> Self {
        Self {
            create: false,
            ..Self::create_or_open()
        }
    }
}

/// A store: facts by source, snapshots, and small records, in one folder or in memory.
pub struct Store {
    root: Option<PathBuf>,
    segments: Segments,
    records: Arc<dyn KvStore>,
    /// Held as long as the store is; the operating system lets go of it when the process dies.
    _lock: Option<File>,
}

impl Store {
    /// Takes the lock, opens the folder, and removes what changes that never completed left.
    pub fn open(root: &Path, options: StoreOptions) -> Result<(Self, Recovery)> {
        if options.create {
            fs::create_dir_all(root).on("create", root)?;
        }
        check_is_store(root, options.create)?;
        let lock = take_lock(root)?;
        let (segments, mut recovery) =
            Segments::open(Arc::new(DiskFiles), root, options.n_kept_snapshots)?;
        let (records, restored) = open_records(root, &segments)?;
        recovery.records_restored = restored;
        let store = Self {
            root: Some(root.to_owned()),
            segments,
            records: Arc::new(records),
            _lock: Some(lock),
        };
        Ok((store, recovery))
    }

    /// A store without a folder: for runs straight on files, and as the twin in tests.
    pub fn in_memory() -> Result<Self> {
        let files = Arc::new(MemoryFiles::default());
        let (segments, _) = Segments::open(files, Path::new(""), DEFAULT_KEPT_SNAPSHOTS)?;
        Ok(Self {
            root: None,
            segments,
            records: Arc::new(MemoryRecords::default()),
            _lock: None,
        })
    }

    /// Facts by source, and the snapshots.
    pub fn segments(&self) -> &Segments {
        &self.segments
    }

    /// The small records.
    pub fn records(&self) -> &Arc<dyn KvStore> {
        &self.records
    }

    /// The folder, unless the store is in memory.
    pub fn root(&self) -> Option<&Path> {
        self.root.as_deref()
    }

    /// Writes a logical copy of the records and removes all but the newest seven; called on a
    /// schedule and at shutdown.
    pub fn export_records(&self) -> Result<()> {
        let Some(root) = &self.root else {
            return Ok(());
        };
        let dir = root.join("exports");
        fs::create_dir_all(&dir).on("create", &dir)?;
        let files = DiskFiles;
        let mut names = export_names(&dir)?;
        let number = names
            .last()
            .and_then(|name| export_number(name))
            .unwrap_or(0)
            + 1;
        let path = dir.join(format!("records-{number:08}.fhx"));
        files
            .replace(&path, &encode_export(&self.records.dump()?)?)
            .on("write", &path)?;
        names.push(String::new());
        let n_excess = names.len().saturating_sub(N_EXPORTS);
        for name in names.iter().take(n_excess).filter(|name| !name.is_empty()) {
            let path = dir.join(name);
            files.remove(&path).on("remove", &path)?;
        }
        Ok(())
    }
}

/// Refuses a folder that holds something else, so that a wrong path does no harm.
fn check_is_store(root: &Path, may_create: bool) -> Result<()> {
    let not_a_store = |reason| StoreError::NotAStore {
        path: root.to_owned(),
        reason,
    };
    if !root.is_dir() {
        return Err(not_a_store("there is no such folder"));
    }
    if root.join(MANIFEST_NAME).exists() {
        return Ok(());
    }
    // A start that was interrupted leaves some of our own names and no manifest.
    let is_ours = |name: &str| {
        name == LOCK_NAME
            || name == "segments"
            || name.starts_with(MANIFEST_NAME)
            || name.starts_with("records-")
    };
    for entry in fs::read_dir(root).on("list", root)? {
        let name = entry.on("list", root)?.file_name();
        if !is_ours(&name.to_string_lossy()) {
            return Err(not_a_store("it holds other files and no manifest"));
        }
    }
    if may_create {
        Ok(())
    } else {
        Err(not_a_store("it has no manifest"))
    }
}

pub(super) fn take_lock(root: &Path) -> Result<File> {
    let path = root.join(LOCK_NAME);
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(&path)
        .on("open", &path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut owner = String::new();
            let _ = file.read_to_string(&mut owner);
            let owner = match owner.trim() {
                "" => "another process".to_owned(),
                pid => format!("process {pid}"),
            };
            return Err(StoreError::Locked {
                path: root.to_owned(),
                owner,
            });
        }
        Err(TryLockError::Error(error)) => return Err(error).on("lock", &path),
    }
    // Only a courtesy to whoever finds the folder locked; the lock itself is the system's.
    file.set_len(0).on("write", &path)?;
    write!(file, "{}", std::process::id()).on("write", &path)?;
    Ok(file)
}

pub(super) fn records_dir(root: &Path, number: u64) -> PathBuf {
    root.join(format!("records-{number}"))
}

/// Opens the live records; rebuilds them from the newest export when they cannot be opened, and
/// rewrites them when they have outgrown what they hold.
fn open_records(root: &Path, segments: &Segments) -> Result<(SledRecords, Option<String>)> {
    let number = segments.manifest().records;
    let dir = records_dir(root, number);
    remove_other_records(root, number)?;
    let export = newest_export(root)?;
    let n_known_commits = export.as_deref().map_or(0, n_commits);
    let error = match open_checked(&dir, n_known_commits) {
        Ok(records) => {
            let records = compact_if_outgrown(root, segments, records)?;
            return Ok((records, None));
        }
        // A newer release's records, or another program's, are not damage.
        Err(error @ (StoreError::FormatTooNew { .. } | StoreError::NotAStore { .. })) => {
            return Err(error);
        }
        Err(error) => error,
    };
    let Some(rows) = export else {
        return Err(error);
    };
    let damaged = root.join(format!("damaged-records-{number}"));
    fs::rename(&dir, &damaged).on("rename", &dir)?;
    let records = build_records(root, segments, number + 1, &rows)?;
    let reason = format!(
        "{error}; the damaged files are kept in `{}`",
        damaged.display()
    );
    Ok((records, Some(reason)))
}

/// Opens and reads everything once, so that damage shows now and not in the middle of a request.
fn open_checked(dir: &Path, n_known_commits: u64) -> Result<SledRecords> {
    let records = SledRecords::open(dir)?;
    if let Some(reason) = records.check()?.into_iter().next() {
        return Err(StoreError::Records { reason });
    }
    if n_commits(&records.dump()?) < n_known_commits {
        let reason = "it lost changes that the newest export has".to_owned();
        return Err(StoreError::Records { reason });
    }
    Ok(records)
}

fn compact_if_outgrown(
    root: &Path,
    segments: &Segments,
    records: SledRecords,
) -> Result<SledRecords> {
    let size = records.size_bytes()?;
    if size <= COMPACT_ABOVE_BYTES {
        return Ok(records);
    }
    let rows = records.dump()?;
    let live: u64 = rows.iter().map(|(k, v)| (k.len() + v.len()) as u64).sum();
    if size <= live * COMPACT_ABOVE_RATIO {
        return Ok(records);
    }
    drop(records);
    let number = segments.manifest().records;
    let compacted = build_records(root, segments, number + 1, &rows)?;
    remove_other_records(root, number + 1)?;
    Ok(compacted)
}

/// Builds a fresh records folder from rows and makes it the live one.
pub(super) fn build_records(
    root: &Path,
    segments: &Segments,
    number: u64,
    rows: &[Row],
) -> Result<SledRecords> {
    let dir = records_dir(root, number);
    if dir.exists() {
        fs::remove_dir_all(&dir).on("remove", &dir)?;
    }
    let records = SledRecords::open(&dir)?;
    // Backwards, because the counter of commits comes first in the order of keys and must be set last.
    for batch in rows.rchunks(N_ROWS_PER_BATCH) {
        let changes: Vec<Change> = batch
            .iter()
            .filter_map(|(key, value)| {
                let (&table, key) = key.split_first()?;
                Some(Change::Put(Table(table), key.to_vec(), value.clone()))
            })
            .collect();
        records.apply(&changes)?;
    }
    DiskFiles.sync_dir(root).on("sync", root)?;
    segments.switch_records(number)?;
    Ok(records)
}

/// Folders of a compaction that was interrupted, before or after its switch.
fn remove_other_records(root: &Path, live: u64) -> Result<()> {
    for entry in fs::read_dir(root).on("list", root)? {
        let entry = entry.on("list", root)?;
        let name = entry.file_name();
        let number = name
            .to_str()
            .and_then(|name| name.strip_prefix("records-"))
            .and_then(|number| number.parse::<u64>().ok());
        if number.is_some_and(|number| number != live) {
            let path = entry.path();
            fs::remove_dir_all(&path).on("remove", &path)?;
        }
    }
    Ok(())
}

fn export_names(dir: &Path) -> Result<Vec<String>> {
    let names = DiskFiles.list(dir).on("list", dir)?;
    Ok(names
        .into_iter()
        .filter(|name| export_number(name).is_some())
        .collect())
}

fn export_number(name: &str) -> Option<u64> {
    let number = name.strip_prefix("records-")?.strip_suffix(".fhx")?;
    number.parse().ok()
}

/// The rows of the newest export that reads back whole.
pub(super) fn newest_export(root: &Path) -> Result<Option<Vec<Row>>> {
    let dir = root.join("exports");
    if !dir.is_dir() {
        return Ok(None);
    }
    for name in export_names(&dir)?.iter().rev() {
        let path = dir.join(name);
        let bytes = fs::read(&path).on("read", &path)?;
        if let Ok(rows) = decode_export(name, &bytes) {
            return Ok(Some(rows));
        }
    }
    Ok(None)
}
