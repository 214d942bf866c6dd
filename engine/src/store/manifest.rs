//! The manifest: which segments are the store. Replaced as a whole, so a change happens or does not.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::error::{Result, StoreError};
use super::sealed::{self, FileKind};
use crate::model::SourceInfo;

const MANIFEST: FileKind = FileKind {
    magic: *b"FHMANIF\0",
    version: 1,
};

/// The file name of the manifest.
pub(super) const MANIFEST_NAME: &str = "MANIFEST";

/// The id of a stored snapshot; reads and prints as `s12`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SnapshotId(pub u64);

impl fmt::Display for SnapshotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s{}", self.0)
    }
}

impl FromStr for SnapshotId {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self> {
        text.strip_prefix('s')
            .and_then(|number| number.parse().ok())
            .map(SnapshotId)
            .ok_or_else(|| StoreError::UnknownSnapshot {
                id: text.to_owned(),
            })
    }
}

/// One source as the store knows it now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceEntry {
    /// What the last import said about it.
    pub info: SourceInfo,
    /// The name under which it was imported together with others, if it was.
    pub group: Option<Arc<str>>,
    /// Node facts.
    pub n_nodes: u64,
    /// Edge facts.
    pub n_edges: u64,
    /// Size of its segment.
    pub n_bytes: u64,
    /// When it was imported first, in milliseconds since 1970 UTC.
    pub first_seen_ms: i64,
    /// When it was imported last, changed or not.
    pub last_seen_ms: i64,
    pub(super) segment: u64,
}

/// One state of the whole graph that can still be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotEntry {
    /// Its id.
    pub id: SnapshotId,
    /// When it became the newest, in milliseconds since 1970 UTC.
    pub created_at_ms: i64,
    /// What led to it, in the words of the caller (an import's id, a removal).
    pub reason: Arc<str>,
    /// How many sources it has.
    pub n_sources: u64,
    /// Node facts over all sources, before merging.
    pub n_node_facts: u64,
    /// Edge facts over all sources, before merging.
    pub n_edge_facts: u64,
    pub(super) segments: Vec<u64>,
}

/// The content of the manifest file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// Counts replacements.
    pub(super) generation: u64,
    pub(super) next_segment: u64,
    pub(super) next_snapshot: u64,
    /// Which `records-<n>` folder is the live one; compaction builds the next one beside it.
    pub(super) records: u64,
    /// By name.
    pub(super) sources: Vec<SourceEntry>,
    /// Oldest first.
    pub(super) snapshots: Vec<SnapshotEntry>,
}

impl Default for Manifest {
    fn default() -> Self {
        Self {
            generation: 0,
            next_segment: 1,
            next_snapshot: 1,
            records: 1,
            sources: Vec::new(),
            snapshots: Vec::new(),
        }
    }
}

impl Manifest {
    pub(super) fn encode(&self) -> Result<Vec<u8>> {
        let body = postcard::to_stdvec(self).map_err(|_| StoreError::Damaged {
            name: MANIFEST_NAME.to_owned(),
            reason: "it cannot be encoded",
        })?;
        Ok(sealed::seal(MANIFEST, &body))
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self> {
        let body = sealed::unseal(MANIFEST, MANIFEST_NAME, bytes)?;
        postcard::from_bytes(body).map_err(|_| StoreError::Damaged {
            name: MANIFEST_NAME.to_owned(),
            reason: "its content cannot be decoded",
        })
    }

    /// Every segment that a source or a snapshot needs, ascending, each once.
    pub(super) fn live_segments(&self) -> Vec<u64> {
        let of_sources = self.sources.iter().map(|source| source.segment);
        let of_snapshots = self
            .snapshots
            .iter()
            .flat_map(|snapshot| snapshot.segments.iter().copied());
        let mut live: Vec<u64> = of_sources.chain(of_snapshots).collect();
        live.sort_unstable();
        live.dedup();
        live
    }

    pub(super) fn snapshot(&self, id: SnapshotId) -> Result<&SnapshotEntry> {
        self.snapshots
            .iter()
            .find(|snapshot| snapshot.id == id)
            .ok_or_else(|| StoreError::UnknownSnapshot { id: id.to_string() })
    }
}

/// The file name of a segment.
pub(super) fn segment_name(number: u64) -> String {
    format!("{number:08}.seg")
}
