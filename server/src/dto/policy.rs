//! Policies and their verdicts.

use serde::Serialize;
use serde_json::{Map, Value as Json};

use crate::policy::{Policy, PolicyResult, Status, expectation_text};

/// A policy.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PolicyDto {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) severity: String,
    pub(crate) controls: Vec<String>,
    pub(crate) owner: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) remediation: Option<String>,
    pub(crate) expect: String,
    pub(crate) origin: String,
    pub(crate) source: String,
}

/// The outcome of a check.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct CheckDto {
    pub(crate) policies: Vec<VerdictDto>,
    pub(crate) totals: CheckTotalsDto,
}

/// Sums.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct CheckTotalsDto {
    pub(crate) policies: usize,
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) errors: usize,
    pub(crate) violations: usize,
    pub(crate) new_violations: usize,
}

/// The verdict on one policy.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct VerdictDto {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) severity: String,
    pub(crate) status: &'static str,
    pub(crate) violations: Vec<ViolationDto>,
    pub(crate) error: Option<String>,
    pub(crate) diagnostics: Vec<Json>,
    pub(crate) elapsed_ms: f64,
}

/// One row that should not be there.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ViolationDto {
    pub(crate) signature: String,
    pub(crate) new: bool,
    pub(crate) message: String,
    pub(crate) row: Map<String, Json>,
}

impl From<&Policy> for PolicyDto {
    fn from(policy: &Policy) -> Self {
        Self {
            id: policy.name().to_owned(),
            name: policy.name().to_owned(),
            title: policy.title().to_owned(),
            severity: policy.severity().to_owned(),
            controls: policy.controls(),
            owner: policy.owner().map(str::to_owned),
            description: policy.description().map(str::to_owned),
            remediation: policy.remediation().map(str::to_owned),
            expect: expectation_text(policy.expectation()),
            origin: policy.origin.clone(),
            source: policy.source().to_owned(),
        }
    }
}

impl From<&PolicyResult> for VerdictDto {
    fn from(result: &PolicyResult) -> Self {
        Self {
            name: result.policy.name().to_owned(),
            title: result.policy.title().to_owned(),
            severity: result.policy.severity().to_owned(),
            status: result.status.name(),
            violations: result
                .violations
                .iter()
                .map(|violation| ViolationDto {
                    signature: violation.signature.clone(),
                    new: violation.is_new,
                    message: violation.message.clone(),
                    row: violation.row.clone(),
                })
                .collect(),
            error: result.error.clone(),
            diagnostics: result.diagnostics.clone(),
            elapsed_ms: result.elapsed_ms,
        }
    }
}

impl CheckDto {
    /// Gathers verdicts.
    pub(crate) fn new(results: &[PolicyResult]) -> Self {
        let count = |status| results.iter().filter(|it| it.status == status).count();
        let violations = || results.iter().flat_map(|result| &result.violations);
        Self {
            policies: results.iter().map(VerdictDto::from).collect(),
            totals: CheckTotalsDto {
                policies: results.len(),
                passed: count(Status::Pass),
                failed: count(Status::Fail),
                errors: count(Status::Error),
                violations: violations().count(),
                new_violations: violations().filter(|it| it.is_new).count(),
            },
        }
    }
}
