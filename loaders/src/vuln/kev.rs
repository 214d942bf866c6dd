//! CISA's list of known exploited vulnerabilities.

use std::collections::BTreeSet;

use foothold_engine::model::Facts;
use serde::Deserialize;

use crate::document::Document;
use crate::error::LoadError;
use crate::head::Head;
use crate::loader::{Loader, Match};
use crate::report::Report;

/// The loader.
pub(crate) struct Kev;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Catalog {
    #[serde(rename = "catalogVersion")]
    version: String,
    #[serde(default)]
    date_released: Option<String>,
    #[serde(default)]
    count: u64,
    vulnerabilities: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(rename = "cveID")]
    cve_id: String,
    #[serde(default)]
    vendor_project: String,
    #[serde(default)]
    vulnerability_name: Option<String>,
    #[serde(default)]
    date_added: Option<String>,
    #[serde(default)]
    due_date: Option<String>,
    #[serde(default)]
    known_ransomware_campaign_use: Option<String>,
    #[serde(default)]
    cwes: Vec<String>,
}

impl Loader for Kev {
    fn format(&self) -> &'static str {
        "cisa-kev"
    }

    fn describe(&self) -> &'static str {
        "CISA known exploited vulnerabilities, JSON"
    }

    fn detect(&self, head: &Head<'_>) -> Match {
        if head.json().is_none() {
            return Match::No;
        }
        match head.require(&["catalogVersion", "vulnerabilities[].cveID"]) {
            Match::Near(why) if !why.starts_with("has `catalogVersion`") => Match::No,
            other => other,
        }
    }

    fn load(
        &self,
        document: &Document,
        facts: &mut Facts,
        report: &mut Report,
    ) -> Result<(), LoadError> {
        let catalog: Catalog = document.value()?;
        report.tool("CISA KEV", Some(&catalog.version));
        if let Some(time) = &catalog.date_released {
            report.observed_at(time);
        }
        let n_entries = catalog.vulnerabilities.len() as u64;
        report.count("vulnerabilities", n_entries);
        report.count("declared_count", catalog.count);
        if catalog.count != n_entries {
            report.warn("count-differs", || {
                format!("/count: {} declared, {n_entries} listed", catalog.count)
            });
        }
        let mut cves = BTreeSet::new();
        let mut vendors = BTreeSet::new();
        for entry in &catalog.vulnerabilities {
            let cve = entry.cve_id.trim();
            cves.insert(cve);
            vendors.insert(entry.vendor_project.as_str());
            report.count("with_cwes", u64::from(!entry.cwes.is_empty()));
            let is_ransomware = entry.known_ransomware_campaign_use.as_deref() == Some("Known");
            report.count("ransomware_known", u64::from(is_ransomware));
            let fact = facts.node(&format!("vuln:{cve}"), &["Vulnerability"])?;
            facts.set(fact, "name", cve);
            facts.set(fact, "kev", true);
            facts.set_opt(fact, "kev_added", entry.date_added.as_deref());
            facts.set_opt(fact, "kev_due", entry.due_date.as_deref());
            facts.set(fact, "ransomware", is_ransomware);
            facts.set_opt(fact, "title", entry.vulnerability_name.as_deref());
        }
        report.count("distinct_cves", cves.len() as u64);
        report.count("vendors", vendors.len() as u64);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;
    use expect_test::expect;

    #[test]
    fn entries_mark_vulnerabilities() {
        check(
            "k.json",
            r#"{"catalogVersion": "1", "count": 2, "vulnerabilities": [{"cveID": "CVE-2021-44228", "dueDate": "2021-12-24", "knownRansomwareCampaignUse": "Known"}]}"#,
            &expect![[r#"
                vuln:CVE-2021-44228 :Vulnerability kev=true kev_due="2021-12-24" name="CVE-2021-44228" ransomware=true
                declared_count=2 distinct_cves=1 ransomware_known=1 vendors=1 vulnerabilities=1 with_cwes=0
                warning count-differs x1: /count: 2 declared, 1 listed
            "#]],
        );
    }
}
