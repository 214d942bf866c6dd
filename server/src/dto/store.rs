//! Sources and snapshots.

use foothold_engine::store::{SnapshotEntry, SourceEntry};
use serde::Serialize;

use crate::clock;

/// One state of the graph.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SnapshotDto {
    pub(crate) id: String,
    pub(crate) created_at: String,
    pub(crate) reason: String,
    pub(crate) sources: u64,
    pub(crate) node_facts: u64,
    pub(crate) edge_facts: u64,
}

/// One source of facts.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SourceDto {
    pub(crate) name: String,
    pub(crate) group: Option<String>,
    pub(crate) format: String,
    pub(crate) tool: Option<String>,
    pub(crate) digest: String,
    pub(crate) observed_at: String,
    pub(crate) first_seen: String,
    pub(crate) last_seen: String,
    pub(crate) nodes: u64,
    pub(crate) edges: u64,
    pub(crate) bytes: u64,
}

impl From<&SnapshotEntry> for SnapshotDto {
    fn from(entry: &SnapshotEntry) -> Self {
        Self {
            id: entry.id.to_string(),
            created_at: clock::text(entry.created_at_ms),
            reason: entry.reason.to_string(),
            sources: entry.n_sources,
            node_facts: entry.n_node_facts,
            edge_facts: entry.n_edge_facts,
        }
    }
}

impl From<&SourceEntry> for SourceDto {
    fn from(entry: &SourceEntry) -> Self {
        Self {
            name: entry.info.name.to_string(),
            group: entry.group.as_deref().map(str::to_owned),
            format: entry.info.format.to_string(),
            tool: entry.info.tool.as_deref().map(str::to_owned),
            digest: entry.info.digest.to_string(),
            observed_at: clock::text(entry.info.observed_at_ms),
            first_seen: clock::text(entry.first_seen_ms),
            last_seen: clock::text(entry.last_seen_ms),
            nodes: entry.n_nodes,
            edges: entry.n_edges,
            bytes: entry.n_bytes,
        }
    }
}
