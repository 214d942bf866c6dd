//! EPSS: how likely each vulnerability is to be exploited within 30 days, as daily CSV.

use std::collections::BTreeSet;

use foothold_engine::model::Facts;

use crate::decode::lines::Batches;
use crate::document::Document;
use crate::error::{LoadError, Place};
use crate::head::{Head, Shape};
use crate::loader::{Loader, Match};
use crate::report::Report;

const HEADER: &str = "cve,epss,percentile";

/// The loader.
pub(crate) struct Epss;

impl Loader for Epss {
    fn format(&self) -> &'static str {
        "epss-csv"
    }

    fn describe(&self) -> &'static str {
        "EPSS scores, CSV of a day"
    }

    fn detect(&self, head: &Head<'_>) -> Match {
        if !matches!(head.shape, Shape::Text | Shape::Yaml(_)) {
            return Match::No;
        }
        let text = head.text();
        let header = text.lines().find(|line| !line.starts_with('#'));
        match header.map(str::trim) {
            Some(HEADER) => Match::Certain,
            Some(line) if line.starts_with("cve,epss") => {
                Match::Near(format!("the header is not `{HEADER}`"))
            }
            _ => Match::No,
        }
    }

    fn load(
        &self,
        document: &Document,
        facts: &mut Facts,
        report: &mut Report,
    ) -> Result<(), LoadError> {
        report.tool("EPSS", None);
        let mut batches = Batches::new(document.reader()?, 1 << 20);
        let mut cves = BTreeSet::new();
        while let Some(batch) = batches.next_batch()? {
            for (number, line) in batch.lines() {
                report.count("lines", 1);
                let line = std::str::from_utf8(line).map_err(|_| malformed(number, "not UTF-8"))?;
                if let Some(comment) = line.strip_prefix('#') {
                    comment
                        .split(',')
                        .filter_map(|part| part.trim().strip_prefix("score_date:"))
                        .for_each(|date| report.observed_at(date));
                    continue;
                }
                if line == HEADER {
                    continue;
                }
                let (cve, epss, percentile) = row(line).ok_or_else(|| {
                    malformed(number, "expected a CVE id and two numbers from 0 to 1")
                })?;
                report.count("rows", 1);
                if !cves.insert(cve.to_owned()) {
                    return Err(malformed(number, "a second row for one CVE"));
                }
                let fact = facts.node(&format!("vuln:{cve}"), &["Vulnerability"])?;
                facts.set(fact, "name", cve);
                facts.set(fact, "epss", epss);
                facts.set(fact, "epss_percentile", percentile);
            }
        }
        report.count("distinct_cves", cves.len() as u64);
        Ok(())
    }
}

fn malformed(line: u64, message: &str) -> LoadError {
    LoadError::Malformed {
        place: Place::line(line, 1),
        message: message.to_owned(),
    }
}

fn row(line: &str) -> Option<(&str, f64, f64)> {
    let mut cells = line.split(',');
    let cve = cells.next()?.trim();
    let mut number = || {
        let number: f64 = cells.next()?.trim().parse().ok()?;
        (0.0..=1.0).contains(&number).then_some(number)
    };
    let (epss, percentile) = (number()?, number()?);
    let is_cve = cve.starts_with("CVE-") && cve.len() < 40 && !cve.contains(char::is_whitespace);
    (is_cve && cells.next().is_none()).then_some((cve, epss, percentile))
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, check_error};
    use expect_test::expect;

    #[test]
    fn rows_become_scores() {
        check(
            "e.csv",
            "#model_version:v1,score_date:2025-02-20T00:00:00+0000\ncve,epss,percentile\nCVE-1999-0001,0.5,0.75\n",
            &expect![[r#"
                vuln:CVE-1999-0001 :Vulnerability epss=0.5 epss_percentile=0.75 name="CVE-1999-0001"
                distinct_cves=1 lines=3 rows=1
            "#]],
        );
        check_error(
            "e.csv",
            "cve,epss,percentile\nCVE-1999-0001,0.5,0.75\nCVE-1999-0002,x,0.75\n",
            &expect!["line 3 column 1: expected a CVE id and two numbers from 0 to 1"],
        );
        check_error(
            "e.csv",
            "cve,epss,percentile\nCVE-1999-0001,0.5,0.75\nCVE-1999-0001,0.5,0.75\n",
            &expect!["line 3 column 1: a second row for one CVE"],
        );
    }
}
