//! The store: one folder, owned by one process, that survives a kill and a power cut.
//!
//! ```text
//! DIR/LOCK           held by the process that owns the folder
//! DIR/MANIFEST       which segments make up the sources and the snapshots; replaced atomically
//! DIR/segments/*.seg facts by source, immutable
//! DIR/records-<n>/   small records in sled (see `records`)
//! DIR/exports/       logical copies of the records, the newest seven
//! ```
//!
//! Invariants: whatever is persisted starts with magic, format version and checksum; a change is
//! acknowledged only after an fsync of file and directory; the manifest is the only file that is
//! ever replaced, and always whole, so an import is there or it is not.
//! The crate reads no clock: callers pass the time.

mod backup;
mod check;
mod error;
mod files;
mod folder;
mod manifest;
pub mod records;
mod sealed;
mod segment;
mod segments;
mod varint;

pub use backup::{BackupSummary, restore};
pub use check::{CheckReport, Finding, Severity, check};
pub use error::{Result, StoreError};
pub use files::{DiskFiles, FaultyFiles, Files, MemoryFiles};
pub use folder::{Store, StoreOptions};
pub use manifest::{SnapshotEntry, SnapshotId, SourceEntry};
pub use records::{Change, KvStore, MemoryRecords, SledRecords, Table};
pub use segment::FirstSeen;
pub use segments::{
    DEFAULT_KEPT_SNAPSHOTS, Import, Imported, Recovery, SegmentId, Segments, StoredSource,
};
