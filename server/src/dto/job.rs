//! Jobs.

use serde::Serialize;

use crate::clock;
use crate::jobs::JobRecord;

/// One job.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct JobDto {
    pub(crate) id: String,
    pub(crate) kind: &'static str,
    pub(crate) status: &'static str,
    pub(crate) created_at: String,
    pub(crate) started_at: Option<String>,
    pub(crate) finished_at: Option<String>,
    pub(crate) progress: ProgressDto,
    pub(crate) error: Option<String>,
}

/// How far a job is.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ProgressDto {
    pub(crate) done: u64,
    /// 0 while unknown.
    pub(crate) total: u64,
    pub(crate) phase: String,
}

impl From<&JobRecord> for JobDto {
    fn from(record: &JobRecord) -> Self {
        Self {
            id: record.id.to_string(),
            kind: record.kind.name(),
            status: record.status.name(),
            created_at: clock::text(record.created_at_ms),
            started_at: record.started_at_ms.map(clock::text),
            finished_at: record.finished_at_ms.map(clock::text),
            progress: ProgressDto {
                done: record.done,
                total: record.total,
                phase: record.phase.clone(),
            },
            error: record.error.clone(),
        }
    }
}
