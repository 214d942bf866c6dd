//! Imports: what became of each document.

use std::fmt;

use foothold_engine::store::Imported;
use foothold_loaders::{DocumentReport, Status};
use serde::{Deserialize, Serialize};

use crate::app::World;

/// The answer to an import.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ImportDto {
    /// Every document, by name.
    pub(crate) documents: Vec<DocumentDto>,
    /// Sums, and the graph afterwards.
    pub(crate) totals: TotalsDto,
    /// What the import did to the store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sources: Option<SourcesDto>,
}

/// One document.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DocumentDto {
    /// Its path; `!` between an archive and what lies in it.
    pub(crate) path: String,
    /// The format, if a loader knew it.
    pub(crate) format: Option<String>,
    /// The tool that wrote it, where it says so.
    pub(crate) tool: Option<String>,
    /// `read`, `skipped` or `failed`.
    pub(crate) status: String,
    /// Distinct nodes.
    pub(crate) nodes: u64,
    /// Edges.
    pub(crate) edges: u64,
    /// Findings and vulnerable packages.
    pub(crate) findings: u64,
    /// Oddities.
    pub(crate) warnings: Vec<WarningDto>,
    /// Place and reason of a failure.
    pub(crate) error: Option<String>,
    /// The stable code of a failure.
    pub(crate) code: Option<String>,
    /// Why it was skipped.
    pub(crate) reason: Option<String>,
}

/// An oddity that a loader noted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct WarningDto {
    /// Its kind.
    pub(crate) kind: String,
    /// How often it occurred.
    pub(crate) count: u64,
    /// The first case.
    pub(crate) example: String,
}

/// Sums over the documents, and the size of the graph they are now part of.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TotalsDto {
    pub(crate) documents: usize,
    pub(crate) read: usize,
    pub(crate) skipped: usize,
    pub(crate) failed: usize,
    pub(crate) nodes: u64,
    pub(crate) edges: u64,
    pub(crate) findings: u64,
    pub(crate) warnings: u64,
    /// The graph after merging and correlation.
    pub(crate) graph: GraphSizeDto,
}

/// The size of the current graph.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct GraphSizeDto {
    /// The stored snapshot.
    pub(crate) snapshot: Option<String>,
    pub(crate) nodes: usize,
    pub(crate) edges: usize,
}

/// What the import did to the sources of the store.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SourcesDto {
    pub(crate) added: usize,
    pub(crate) replaced: usize,
    pub(crate) unchanged: usize,
    pub(crate) removed: usize,
}

impl ImportDto {
    /// Gathers the reports of an import.
    pub(crate) fn new(reports: &[DocumentReport], world: &World, done: Option<&Imported>) -> Self {
        let documents: Vec<DocumentDto> = reports.iter().map(DocumentDto::from).collect();
        let totals = TotalsDto::of(&documents, world);
        Self {
            documents,
            totals,
            sources: done.map(SourcesDto::from),
        }
    }
}

impl TotalsDto {
    /// Sums up the documents of an import.
    pub(crate) fn of(documents: &[DocumentDto], world: &World) -> Self {
        let count = |status: Status| {
            let name = status.as_str();
            documents.iter().filter(|it| it.status == name).count()
        };
        Self {
            documents: documents.len(),
            read: count(Status::Read),
            skipped: count(Status::Skipped),
            failed: count(Status::Failed),
            nodes: documents.iter().map(|it| it.nodes).sum(),
            edges: documents.iter().map(|it| it.edges).sum(),
            findings: documents.iter().map(|it| it.findings).sum(),
            warnings: documents
                .iter()
                .flat_map(|it| &it.warnings)
                .map(|warning| warning.count)
                .sum(),
            graph: GraphSizeDto::of(world),
        }
    }
}

impl GraphSizeDto {
    /// The size of a world.
    pub(crate) fn of(world: &World) -> Self {
        Self {
            snapshot: world.id.map(|id| id.to_string()),
            nodes: world.snapshot.n_nodes(),
            edges: world.snapshot.n_edges(),
        }
    }
}

impl From<&DocumentReport> for DocumentDto {
    fn from(report: &DocumentReport) -> Self {
        let tool = match (&report.tool, &report.tool_version) {
            (Some(tool), Some(version)) => Some(format!("{tool} {version}")),
            (tool, _) => tool.clone(),
        };
        Self {
            path: report.path.to_string(),
            format: report.format.map(str::to_owned),
            tool,
            status: report.status.as_str().to_owned(),
            nodes: report.n_nodes,
            edges: report.n_edges,
            findings: report.findings,
            warnings: report
                .warnings
                .iter()
                .map(|(kind, warning)| WarningDto {
                    kind: (*kind).to_owned(),
                    count: warning.count,
                    example: warning.example.clone(),
                })
                .collect(),
            error: report.error.as_ref().map(|error| error.message.clone()),
            code: report.error.as_ref().map(|error| error.code.to_owned()),
            reason: report.reason.clone(),
        }
    }
}

impl From<&Imported> for SourcesDto {
    fn from(done: &Imported) -> Self {
        Self {
            added: done.n_added,
            replaced: done.n_replaced,
            unchanged: done.n_unchanged,
            removed: done.n_removed,
        }
    }
}

impl fmt::Display for TotalsDto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}: {} read, {} skipped, {} failed; graph: {} nodes, {} edges",
            self.documents,
            if self.documents == 1 {
                "document"
            } else {
                "documents"
            },
            self.read,
            self.skipped,
            self.failed,
            self.graph.nodes,
            self.graph.edges
        )
    }
}

impl fmt::Display for SourcesDto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "sources: {} new, {} changed, {} unchanged, {} removed",
            self.added, self.replaced, self.unchanged, self.removed
        )
    }
}
