//! Findings: what one tool found in one place, under an id that survives the next run.

use std::collections::HashMap;

use foothold_engine::model::{FactRef, Facts, IdError};
use sha2::{Digest, Sha256};

/// Gives out the ids of a document's findings.
///
/// An id is made of what identifies the finding and never of its line or words; findings that
/// agree in all of it are numbered in their order.
#[derive(Debug, Default)]
pub(crate) struct FindingIds {
    seen: HashMap<String, u32>,
}

impl FindingIds {
    /// The id of the next finding of `tool` that `parts` identify.
    pub(crate) fn next(&mut self, tool: &str, parts: &[&str]) -> String {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        let mut id = format!("finding:{}/", slug(tool));
        for byte in hasher.finalize().iter().take(10) {
            for digit in [byte >> 4, byte & 15] {
                id.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
            }
        }
        let ordinal = self.seen.entry(id.clone()).or_insert(0);
        *ordinal += 1;
        if *ordinal > 1 {
            id.push('~');
            id.push_str(&ordinal.to_string());
        }
        id
    }
}

/// A tool's name as a part of an id: lower case, words joined by `-`.
pub(crate) fn slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.chars() {
        if c.is_ascii_alphanumeric() || c == '.' {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.ends_with('-') && !slug.is_empty() {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() {
        "unnamed".to_owned()
    } else {
        slug.to_owned()
    }
}

/// The properties that every finding has.
pub(crate) struct FindingHead<'a> {
    pub(crate) tool: &'a str,
    pub(crate) rule_id: &'a str,
    pub(crate) message: &'a str,
    pub(crate) severity: &'a str,
    pub(crate) class: &'a str,
}

impl FindingHead<'_> {
    /// States the finding's node; more properties may follow.
    pub(crate) fn state(&self, id: &str, facts: &mut Facts) -> Result<FactRef, IdError> {
        let fact = facts.node(id, &["Finding"])?;
        facts.set(fact, "name", self.rule_id);
        facts.set(fact, "rule_id", self.rule_id);
        facts.set(fact, "tool", self.tool);
        facts.set(fact, "message", crate::advisory::clip(self.message, 500));
        facts.set(fact, "severity", self.severity);
        facts.set(fact, "class", self.class);
        Ok(fact)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_findings_are_numbered_and_parts_do_not_run_together() {
        let mut ids = FindingIds::default();
        let first = ids.next("Semgrep OSS", &["rule", "file"]);
        let second = ids.next("Semgrep OSS", &["rule", "file"]);
        assert!(first.starts_with("finding:semgrep-oss/"), "{first}");
        assert_eq!(second, format!("{first}~2"));
        assert_ne!(ids.next("a", &["bc", "d"]), ids.next("a", &["b", "cd"]));
    }
}
