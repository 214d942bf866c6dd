//! What documents say about published vulnerabilities, gathered per document and stated once.

mod vector;
mod weakness;

pub(crate) use vector::Vector;
pub(crate) use weakness::{class_of_cwes, class_of_words, cwe_id, effect_of};

use std::collections::{BTreeMap, BTreeSet};

use foothold_engine::model::{Facts, IdError, Value};

/// Everything one document says about one vulnerability.
#[derive(Debug, Clone, Default)]
pub(crate) struct Advisory {
    /// Other ids.
    pub(crate) aliases: BTreeSet<String>,
    /// Vulnerabilities that an advisory bundles.
    pub(crate) related: BTreeSet<String>,
    /// The severity as a tool names it, lower case.
    pub(crate) severity: Option<String>,
    /// Scored vectors, any version.
    pub(crate) vectors: Vec<Vector>,
    /// Probability of exploitation within 30 days.
    pub(crate) epss: Option<f64>,
    /// Whether it is on the known-exploited list.
    pub(crate) kev: Option<bool>,
    /// Whether an exploit is public.
    pub(crate) exploit_public: Option<bool>,
    /// Weakness classes as `CWE-79`.
    pub(crate) cwes: BTreeSet<String>,
    /// One line about it.
    pub(crate) title: Option<String>,
}

impl Advisory {
    /// Keeps the worse of two severities.
    pub(crate) fn severity(&mut self, text: &str) {
        let Some(severity) = severity_name(text) else {
            return;
        };
        let known = self.severity.as_deref().map_or(0, severity_rank);
        if severity_rank(severity) > known {
            self.severity = Some(severity.to_owned());
        }
    }

    /// Adds a vector, with the score a tool gave it.
    pub(crate) fn vector(&mut self, text: &str, score: Option<f64>) {
        if let Some(vector) = Vector::parse(text, score)
            && !self.vectors.contains(&vector)
        {
            self.vectors.push(vector);
        }
    }

    /// Adds weakness classes, whatever their spelling.
    pub(crate) fn cwes<I: IntoIterator<Item = S>, S: AsRef<str>>(&mut self, cwes: I) {
        self.cwes
            .extend(cwes.into_iter().filter_map(|cwe| cwe_id(cwe.as_ref())));
    }

    fn absorb(&mut self, other: Advisory) {
        self.aliases.extend(other.aliases);
        self.related.extend(other.related);
        if let Some(severity) = other.severity {
            self.severity(&severity);
        }
        for vector in other.vectors {
            if !self.vectors.contains(&vector) {
                self.vectors.push(vector);
            }
        }
        self.epss = self.epss.or(other.epss);
        self.kev = self.kev.or(other.kev);
        self.exploit_public = self.exploit_public.or(other.exploit_public);
        self.cwes.extend(other.cwes);
        self.title = self.title.take().or(other.title);
    }

    /// States the node.
    fn state(&self, id: &str, facts: &mut Facts) -> Result<(), IdError> {
        let fact = facts.node(&format!("vuln:{id}"), &["Vulnerability"])?;
        facts.set(fact, "name", id);
        if !self.aliases.is_empty() {
            facts.set(fact, "aliases", Value::strings(&self.aliases));
        }
        if !self.related.is_empty() {
            facts.set(fact, "related", Value::strings(&self.related));
        }
        let vector = self.vectors.iter().max_by(|a, b| a.compare(b));
        let severity = self
            .severity
            .as_deref()
            .or_else(|| vector.and_then(Vector::severity));
        facts.set_opt(fact, "severity", severity);
        if let Some(vector) = vector {
            facts.set_opt(fact, "cvss_score", vector.score);
            facts.set(fact, "cvss_vector", vector.text.as_str());
            for (name, value) in vector.metrics() {
                facts.set(fact, name, value);
            }
            facts.set_opt(fact, "scope_changed", vector.scope_changed());
        }
        facts.set_opt(fact, "epss", self.epss);
        facts.set_opt(fact, "kev", self.kev);
        facts.set_opt(fact, "exploit_public", self.exploit_public);
        if !self.cwes.is_empty() {
            facts.set(fact, "cwe", Value::strings(&self.cwes));
        }
        if vector.is_some() || !self.cwes.is_empty() {
            facts.set(fact, "effect", effect_of(&self.cwes, vector));
        }
        if let Some(title) = &self.title {
            facts.set(fact, "title", clip(title, 300));
        }
        Ok(())
    }
}

/// The vulnerabilities of one document.
#[derive(Debug, Default)]
pub(crate) struct Advisories {
    known: BTreeMap<String, Advisory>,
}

impl Advisories {
    /// Notes a vulnerability and returns its id without scheme: the CVE id if exactly one is among
    /// the id and its aliases, so that tools that prefer other databases meet in one node.
    pub(crate) fn note(&mut self, id: &str, mut advisory: Advisory) -> Option<String> {
        let id = clean_id(id)?;
        let mut ids: BTreeSet<String> = std::mem::take(&mut advisory.aliases)
            .iter()
            .filter_map(|alias| clean_id(alias))
            .collect();
        ids.insert(id.clone());
        let cves: Vec<&String> = ids.iter().filter(|id| id.starts_with("CVE-")).collect();
        let primary = match cves.as_slice() {
            [cve] => (*cve).clone(),
            _ => id,
        };
        ids.remove(&primary);
        // Several CVEs under one id are several vulnerabilities: an alias would make them one.
        let (related, aliases) = ids.into_iter().partition(|id| id.starts_with("CVE-"));
        advisory.aliases = aliases;
        advisory.related = related;
        self.known
            .entry(primary.clone())
            .or_default()
            .absorb(advisory);
        Some(primary)
    }

    /// States every vulnerability, sorted by id.
    pub(crate) fn state(&self, facts: &mut Facts) -> Result<(), IdError> {
        for (id, advisory) in &self.known {
            advisory.state(id, facts)?;
        }
        Ok(())
    }
}

/// An id without blanks; CVE and GHSA prefixes in upper case.
fn clean_id(id: &str) -> Option<String> {
    let id = id.trim();
    if id.is_empty() || id.len() > 200 || id.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return None;
    }
    let upper = id.to_ascii_uppercase();
    Some(if upper.starts_with("CVE-") {
        upper
    } else if upper.starts_with("GHSA-") {
        format!("GHSA-{}", id.get(5..)?.to_ascii_lowercase())
    } else {
        id.to_owned()
    })
}

/// One of our severities for a tool's word.
pub(crate) fn severity_name(text: &str) -> Option<&'static str> {
    Some(match text.trim().to_ascii_lowercase().as_str() {
        "critical" => "critical",
        "high" | "important" | "error" => "high",
        "medium" | "moderate" | "warning" => "medium",
        "low" | "minor" | "note" => "low",
        "negligible" => "negligible",
        "info" | "informational" | "none" => "info",
        "unknown" => "unknown",
        _ => return None,
    })
}

fn severity_rank(severity: &str) -> u8 {
    match severity {
        "critical" => 6,
        "high" => 5,
        "medium" => 4,
        "low" => 3,
        "negligible" => 2,
        "info" => 1,
        _ => 0,
    }
}

/// The first `n` characters of the first paragraph.
pub(crate) fn clip(text: &str, n: usize) -> String {
    let text = text.trim();
    match text.char_indices().nth(n) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cve_among_the_ids_is_the_id() {
        let mut advisories = Advisories::default();
        let with = |alias: &[&str]| Advisory {
            aliases: alias.iter().map(ToString::to_string).collect(),
            ..Advisory::default()
        };
        assert_eq!(
            advisories
                .note("ghsa-9F46-5r25-5wfm", with(&["cve-2021-32708"]))
                .as_deref(),
            Some("CVE-2021-32708")
        );
        assert_eq!(
            advisories
                .note("RHSA-1", with(&["CVE-2021-1", "CVE-2021-2"]))
                .as_deref(),
            Some("RHSA-1")
        );
        assert_eq!(
            advisories
                .known
                .get("RHSA-1")
                .map(|known| (known.aliases.len(), known.related.len())),
            Some((0, 2))
        );
        assert_eq!(advisories.note("  ", Advisory::default()), None);
        assert_eq!(
            advisories
                .known
                .get("CVE-2021-32708")
                .unwrap()
                .aliases
                .iter()
                .collect::<Vec<_>>(),
            ["GHSA-9f46-5r25-5wfm"]
        );
    }
}
