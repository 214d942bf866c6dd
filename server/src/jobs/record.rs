//! What is remembered of a job.

use serde::{Deserialize, Serialize};

/// What a job does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum JobKind {
    /// Reads uploaded documents.
    Import {
        /// The source they belong to together, if any.
        source: Option<String>,
        /// What holds for documents that do not say so themselves, as JSON.
        context: String,
    },
    /// Computes exploitability and blast radius of every asset.
    Recompute,
}

impl JobKind {
    /// `import` or `recompute`.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            JobKind::Import { .. } => "import",
            JobKind::Recompute => "recompute",
        }
    }
}

/// Where a job is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum JobStatus {
    /// Stored, not begun.
    Queued,
    /// Under way.
    Running,
    /// Ended well.
    Done,
    /// Could not be done.
    Failed,
    /// Stopped on request.
    Cancelled,
}

impl JobStatus {
    /// The status in lower case.
    pub(crate) fn name(self) -> &'static str {
        match self {
            JobStatus::Queued => "queued",
            JobStatus::Running => "running",
            JobStatus::Done => "done",
            JobStatus::Failed => "failed",
            JobStatus::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more will happen.
    pub(crate) fn has_ended(self) -> bool {
        !matches!(self, JobStatus::Queued | JobStatus::Running)
    }
}

/// One job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JobRecord {
    pub(crate) id: u64,
    pub(crate) kind: JobKind,
    pub(crate) status: JobStatus,
    pub(crate) created_at_ms: i64,
    pub(crate) started_at_ms: Option<i64>,
    pub(crate) finished_at_ms: Option<i64>,
    pub(crate) done: u64,
    pub(crate) total: u64,
    pub(crate) phase: String,
    pub(crate) error: Option<String>,
}

impl JobRecord {
    /// A job that has not begun.
    pub(crate) fn queued(id: u64, kind: JobKind, now_ms: i64) -> Self {
        Self {
            id,
            kind,
            status: JobStatus::Queued,
            created_at_ms: now_ms,
            started_at_ms: None,
            finished_at_ms: None,
            done: 0,
            total: 0,
            phase: "queued".to_owned(),
            error: None,
        }
    }
}
