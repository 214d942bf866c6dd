//! Backups: a folder with the manifest, its segments and a logical copy of the records.

use std::fs;
use std::path::Path;

use super::error::{OnPath, Result, StoreError};
use super::files::{DiskFiles, Files};
use super::folder::{Store, StoreOptions, build_records};
use super::manifest::{MANIFEST_NAME, Manifest, segment_name};
use super::records::{decode_export, encode_export};
use super::segment;

/// The file of the records in a backup.
const RECORDS_NAME: &str = "records.fhx";

/// What a backup or a restore moved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct BackupSummary {
    /// Sources.
    pub n_sources: usize,
    /// Snapshots.
    pub n_snapshots: usize,
    /// Segments.
    pub n_segments: usize,
    /// Records.
    pub n_records: usize,
    /// Bytes of segments and records.
    pub n_bytes: u64,
}

impl Store {
    /// Writes a backup into a new or empty folder, while the store goes on working. Every segment
    /// is checked on its way. O(bytes of the store).
    pub fn backup(&self, target: &Path) -> Result<BackupSummary> {
        let segments = target.join("segments");
        fs::create_dir_all(target).on("create", target)?;
        check_is_empty(target)?;
        fs::create_dir_all(&segments).on("create", &segments)?;
        // The guard keeps imports out, so that no segment of this manifest goes away meanwhile.
        let manifest = self.segments().manifest();
        let mut summary = summary_of(&manifest);
        for number in manifest.live_segments() {
            let name = segment_name(number);
            let bytes = self.segments().read_checked(&name)?;
            summary.n_bytes += bytes.len() as u64;
            write_durable(&segments.join(name), &bytes)?;
        }
        let rows = self.records().dump()?;
        let records = encode_export(&rows)?;
        summary.n_records = rows.len();
        summary.n_bytes += records.len() as u64;
        write_durable(&target.join(RECORDS_NAME), &records)?;
        DiskFiles.sync_dir(&segments).on("sync", &segments)?;
        // Last, so that a backup that was interrupted is none.
        let path = target.join(MANIFEST_NAME);
        DiskFiles
            .replace(&path, &manifest.encode()?)
            .on("write", &path)?;
        Ok(summary)
    }
}

/// Makes a store in a new or empty folder from a backup. Everything is checked before anything is
/// written; an interrupted restore leaves a folder that is refused, not half a store.
pub fn restore(backup: &Path, target: &Path) -> Result<BackupSummary> {
    let path = backup.join(MANIFEST_NAME);
    if !path.exists() {
        return Err(StoreError::NotAStore {
            path: backup.to_owned(),
            reason: "it has no manifest",
        });
    }
    let manifest = Manifest::decode(&fs::read(&path).on("read", &path)?)?;
    let mut summary = summary_of(&manifest);
    let mut files = Vec::new();
    for number in manifest.live_segments() {
        let name = segment_name(number);
        let path = backup.join("segments").join(&name);
        let bytes = fs::read(&path).on("read", &path)?;
        segment::decode(&name, &bytes)?;
        summary.n_bytes += bytes.len() as u64;
        files.push((name, path));
    }
    let path = backup.join(RECORDS_NAME);
    let records = fs::read(&path).on("read", &path)?;
    let rows = decode_export(RECORDS_NAME, &records)?;
    summary.n_records = rows.len();
    summary.n_bytes += records.len() as u64;

    fs::create_dir_all(target).on("create", target)?;
    check_is_empty(target)?;
    let segments = target.join("segments");
    fs::create_dir_all(&segments).on("create", &segments)?;
    for (name, path) in files {
        let bytes = fs::read(&path).on("read", &path)?;
        write_durable(&segments.join(name), &bytes)?;
    }
    DiskFiles.sync_dir(&segments).on("sync", &segments)?;
    let path = target.join(MANIFEST_NAME);
    let live = Manifest {
        records: 1,
        ..manifest
    };
    DiskFiles
        .replace(&path, &live.encode()?)
        .on("write", &path)?;
    let (store, _) = Store::open(target, StoreOptions::open_existing())?;
    build_records(target, store.segments(), 2, &rows)?;
    Ok(summary)
}

fn summary_of(manifest: &Manifest) -> BackupSummary {
    BackupSummary {
        n_sources: manifest.sources.len(),
        n_snapshots: manifest.snapshots.len(),
        n_segments: manifest.live_segments().len(),
        ..BackupSummary::default()
    }
}

fn check_is_empty(dir: &Path) -> Result<()> {
    match fs::read_dir(dir).on("list", dir)?.next() {
        None => Ok(()),
        Some(_) => Err(StoreError::NotEmpty {
            path: dir.to_owned(),
        }),
    }
}

fn write_durable(path: &Path, bytes: &[u8]) -> Result<()> {
    DiskFiles.write(path, bytes).on("write", path)?;
    DiskFiles.sync(path).on("sync", path)
}
