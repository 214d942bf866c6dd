//! What was read from each document, and what was odd about it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use foothold_engine::model::{Facts, SourceInfo};

use crate::error::LoadError;

/// How reading a document ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Its facts were kept.
    Read,
    /// No loader knows it.
    Skipped,
    /// Its format is known but it is broken; nothing of it was kept.
    Failed,
}

impl Status {
    /// `read`, `skipped` or `failed`.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Read => "read",
            Status::Skipped => "skipped",
            Status::Failed => "failed",
        }
    }
}

/// How often one kind of oddity occurred, and the first case of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// How often.
    pub count: u64,
    /// The first case, with its place.
    pub example: String,
}

/// Why a document failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Stable dotted code, such as `load.malformed`.
    pub code: &'static str,
    /// Place and reason.
    pub message: String,
}

impl From<&LoadError> for Failure {
    fn from(error: &LoadError) -> Self {
        Failure {
            code: error.code(),
            message: error.describe(),
        }
    }
}

/// The summary of one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentReport {
    /// The document's name: its path, `!` between an archive and what lies in it.
    pub path: Arc<str>,
    /// The format, if a loader knew it.
    pub format: Option<&'static str>,
    /// The tool that wrote it, where it says so.
    pub tool: Option<String>,
    /// The tool's version.
    pub tool_version: Option<String>,
    /// How reading ended.
    pub status: Status,
    /// Distinct nodes by label.
    pub nodes: BTreeMap<String, u64>,
    /// Distinct nodes in all (a node may carry several labels).
    pub n_nodes: u64,
    /// Edges by kind.
    pub edges: BTreeMap<String, u64>,
    /// Edges in all.
    pub n_edges: u64,
    /// What the tool found wrong: findings and vulnerable packages.
    pub findings: u64,
    /// What the loader counted in the document, by name: `components`, `results`, ...
    pub counts: BTreeMap<String, u64>,
    /// Oddities by kind.
    pub warnings: BTreeMap<&'static str, Warning>,
    /// Why it was skipped: the nearest format and what did not match.
    pub reason: Option<String>,
    /// Why it failed.
    pub error: Option<Failure>,
}

impl DocumentReport {
    pub(crate) fn new(path: Arc<str>, status: Status) -> Self {
        Self {
            path,
            format: None,
            tool: None,
            tool_version: None,
            status,
            nodes: BTreeMap::new(),
            n_nodes: 0,
            edges: BTreeMap::new(),
            n_edges: 0,
            findings: 0,
            counts: BTreeMap::new(),
            warnings: BTreeMap::new(),
            reason: None,
            error: None,
        }
    }

    pub(crate) fn skipped(path: Arc<str>, reason: String) -> Self {
        let mut report = Self::new(path, Status::Skipped);
        report.reason = Some(reason);
        report
    }

    pub(crate) fn failed(path: Arc<str>, error: &LoadError) -> Self {
        let mut report = Self::new(path, Status::Failed);
        report.error = Some(error.into());
        report
    }

    pub(crate) fn take(&mut self, report: Report) {
        self.tool = report.tool;
        self.tool_version = report.tool_version;
        self.findings = report.findings;
        self.counts = report.counts;
        self.warnings = report.warnings;
    }

    pub(crate) fn count_facts(&mut self, facts: &Facts) {
        let mut labelled = BTreeSet::new();
        let mut ids = BTreeSet::new();
        for node in facts.nodes() {
            ids.insert(node.id);
            labelled.extend(node.labels.iter().map(|label| (*label, node.id)));
        }
        self.n_nodes = ids.len() as u64;
        for (label, _) in labelled {
            *self.nodes.entry(facts.str(label).to_owned()).or_default() += 1;
        }
        let mut kinds = BTreeMap::<_, u64>::new();
        for edge in facts.edges() {
            *kinds.entry(edge.kind).or_default() += 1;
        }
        self.n_edges = facts.edges().len() as u64;
        for (kind, count) in kinds {
            self.edges.insert(facts.str(kind).to_owned(), count);
        }
    }
}

/// What a loader says about the document while it reads it.
#[derive(Debug, Clone, Default)]
pub struct Report {
    pub(crate) tool: Option<String>,
    pub(crate) tool_version: Option<String>,
    pub(crate) observed_at_ms: Option<i64>,
    pub(crate) authority: u8,
    pub(crate) findings: u64,
    pub(crate) counts: BTreeMap<String, u64>,
    pub(crate) warnings: BTreeMap<&'static str, Warning>,
}

impl Report {
    /// Names the tool that wrote the document.
    pub fn tool(&mut self, name: &str, version: Option<&str>) {
        self.tool = Some(name.to_owned());
        self.tool_version = version.map(str::to_owned);
    }

    /// States when the content was observed, as an RFC 3339 time; others are ignored.
    pub fn observed_at(&mut self, timestamp: &str) {
        if let Ok(time) = timestamp.parse::<jiff::Timestamp>() {
            self.observed_at_ms = Some(time.as_millisecond());
        }
    }

    /// Gives the document's properties precedence over those of others (0 is a tool, 10 the user).
    pub fn authority(&mut self, authority: u8) {
        self.authority = authority;
    }

    /// Adds to a named count of things in the document.
    pub fn count(&mut self, name: &str, by: u64) {
        match self.counts.get_mut(name) {
            Some(count) => *count += by,
            None => {
                self.counts.insert(name.to_owned(), by);
            }
        }
    }

    /// Adds to the number of findings.
    pub fn finding(&mut self, by: u64) {
        self.findings += by;
    }

    /// Notes something odd; cases of one kind are counted and the first is kept.
    pub fn warn(&mut self, kind: &'static str, example: impl FnOnce() -> String) {
        self.warnings
            .entry(kind)
            .and_modify(|warning| warning.count += 1)
            .or_insert_with(|| Warning {
                count: 1,
                example: example(),
            });
    }
}

/// A document that was read.
#[derive(Debug)]
pub struct Loaded {
    /// Where the facts come from.
    pub source: SourceInfo,
    /// The facts.
    pub facts: Facts,
    /// The summary.
    pub report: DocumentReport,
}

/// What became of one document, in order of the documents' names.
#[derive(Debug)]
pub enum Outcome {
    /// Its facts, to replace what the source of that name said before.
    Read(Box<Loaded>),
    /// No loader knows it. What the source said before stands.
    Skipped(DocumentReport),
    /// It is broken. What the source said before stands.
    Failed(DocumentReport),
}

impl Outcome {
    /// The summary.
    pub fn report(&self) -> &DocumentReport {
        match self {
            Outcome::Read(loaded) => &loaded.report,
            Outcome::Skipped(report) | Outcome::Failed(report) => report,
        }
    }
}
