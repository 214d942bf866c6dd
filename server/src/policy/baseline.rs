//! Baselines: what was known before. The JSON output of an earlier `foothold check` is one.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

/// The violations that are known, by policy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Baseline {
    known: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Deserialize)]
struct File {
    policies: Vec<FilePolicy>,
}

#[derive(Deserialize)]
struct FilePolicy {
    name: String,
    violations: Vec<FileViolation>,
}

#[derive(Deserialize)]
struct FileViolation {
    signature: String,
}

impl Baseline {
    /// Reads the JSON output of an earlier check.
    pub(crate) fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let file: File = serde_json::from_str(text)?;
        let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for policy in file.policies {
            let signatures = policy.violations.into_iter().map(|it| it.signature);
            known.entry(policy.name).or_default().extend(signatures);
        }
        Ok(Self { known })
    }

    /// Whether a violation was there before.
    pub(crate) fn knows(&self, policy: &str, signature: &str) -> bool {
        self.known
            .get(policy)
            .is_some_and(|signatures| signatures.contains(signature))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_earlier_report_is_a_baseline() {
        let text = r#"{"policies":[{"name":"a","status":"fail","violations":[{"signature":"x1","new":true}]}],"totals":{}}"#;
        let baseline = Baseline::parse(text).unwrap();
        assert!(baseline.knows("a", "x1"));
        assert!(!baseline.knows("a", "x2") && !baseline.knows("b", "x1"));
        assert!(Baseline::parse("[]").is_err());
    }
}
