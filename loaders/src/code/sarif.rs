//! SARIF 2.1.0, of any tool.
//!
//! A result becomes a finding in the repository or image that the run is about, located in its
//! files. Results of package scanners (Grype, Trivy, Snyk) also say which package has which
//! vulnerability; that is read out of their texts, which is why those edges are inferred.

mod component;
mod model;
mod rule;
mod run;

use foothold_engine::model::Facts;

use self::model::Log;
use crate::advisory::Advisories;
use crate::document::Document;
use crate::error::LoadError;
use crate::finding::FindingIds;
use crate::head::Head;
use crate::loader::{Loader, Match};
use crate::report::Report;

/// The loader.
pub(crate) struct Sarif;

impl Loader for Sarif {
    fn format(&self) -> &'static str {
        "sarif"
    }

    fn describe(&self) -> &'static str {
        "SARIF 2.1.0 of any analyser"
    }

    fn detect(&self, head: &Head<'_>) -> Match {
        let Some(sketch) = head.json() else {
            return Match::No;
        };
        let is_schema = sketch
            .scalar("$schema")
            .is_some_and(|schema| schema.to_ascii_lowercase().contains("sarif"));
        let has_runs =
            sketch.has("runs") && (sketch.has("runs[].tool") || sketch.has("runs[].results"));
        match sketch.scalar("version") {
            Some("2.1.0") if has_runs || is_schema => Match::Certain,
            Some(version) if is_schema || has_runs => {
                Match::Near(format!("`version` is `{version}`, not `2.1.0`"))
            }
            None if is_schema && has_runs => Match::Likely,
            None if is_schema => Match::Near("has the schema of SARIF but no `runs`".to_owned()),
            _ => Match::No,
        }
    }

    fn load(
        &self,
        document: &Document,
        facts: &mut Facts,
        report: &mut Report,
    ) -> Result<(), LoadError> {
        let log: Log = document.value()?;
        let mut ids = FindingIds::default();
        let mut advisories = Advisories::default();
        let mut totals = run::Totals::default();
        for (index, sarif_run) in log.runs.iter().enumerate() {
            let pointer = format!("/runs/{index}");
            let mut reading = run::Reading {
                document,
                facts,
                report,
                ids: &mut ids,
                advisories: &mut advisories,
                totals: &mut totals,
            };
            reading.run(sarif_run, &pointer)?;
        }
        totals.count(report);
        advisories.state(facts)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, check_error};
    use expect_test::expect;

    #[test]
    fn a_finding_with_flow_fingerprint_and_provenance() {
        check(
            "scan.sarif",
            r#"{"version": "2.1.0", "runs": [{
              "tool": {"driver": {"name": "CodeQL", "version": "2.5", "rules": [{
                "id": "js/sql-injection", "shortDescription": {"text": "Database query built from user input"},
                "defaultConfiguration": {"level": "error"},
                "properties": {"tags": ["security", "external/cwe/cwe-089"], "security-severity": "8.8"}}]}},
              "versionControlProvenance": [{"repositoryUri": "https://github.com/Acme/Shop", "revisionId": "abc", "branch": "main"}],
              "results": [
                {"ruleId": "js/sql-injection", "ruleIndex": 0, "message": {"text": "This query depends on {0}.", "arguments": ["input"]},
                 "partialFingerprints": {"primaryLocationLineHash": "39fa:1"},
                 "locations": [{"physicalLocation": {"artifactLocation": {"uri": "src/db%20x.js", "uriBaseId": "%SRCROOT%"}, "region": {"startLine": 7}},
                   "logicalLocations": [{"fullyQualifiedName": "db.find", "kind": "function"}]}],
                 "codeFlows": [{"threadFlows": [{"locations": [
                   {"location": {"physicalLocation": {"artifactLocation": {"uri": "src/route.js"}, "region": {"startLine": 3}}}},
                   {"location": {"physicalLocation": {"artifactLocation": {"uri": "src/db%20x.js"}, "region": {"startLine": 7}}}}]}]}]},
                {"ruleId": "js/sql-injection", "message": {"text": "again"}, "suppressions": [{"kind": "inSource"}],
                 "locations": [{"physicalLocation": {"artifactLocation": {"uri": "src/b.js"}}}]},
                {"ruleId": "js/sql-injection", "kind": "pass", "message": {"text": "fine"}}]}]}"#,
            &expect![[r#"
                repo://github.com/acme/shop :Repository branch="main" name="shop" revision="abc"
                finding:codeql/5bc773fcd4a8f6b2f638 :Finding class="sql-injection" cwe=["CWE-89"] flow_sink="src/db x.js:7" flow_source="src/route.js:3" function="db.find" level="error" line=7 message="This query depends on input." name="js/sql-injection" path="src/db x.js" rule_id="js/sql-injection" severity="high" tool="CodeQL"
                repo://github.com/acme/shop#src/db x.js :File name="db x.js" path="src/db x.js"
                repo://github.com/acme/shop#src/route.js :File name="route.js" path="src/route.js"
                finding:codeql/a35db8e9515a4ce05919 :Finding class="sql-injection" cwe=["CWE-89"] level="error" message="again" name="js/sql-injection" path="src/b.js" rule_id="js/sql-injection" severity="high" suppressed=true tool="CodeQL"
                repo://github.com/acme/shop#src/b.js :File name="b.js" path="src/b.js"
                repo://github.com/acme/shop -HAS_FINDING-> finding:codeql/5bc773fcd4a8f6b2f638
                finding:codeql/5bc773fcd4a8f6b2f638 -LOCATED_IN-> repo://github.com/acme/shop#src/db x.js line=7
                finding:codeql/5bc773fcd4a8f6b2f638 -LOCATED_IN-> repo://github.com/acme/shop#src/route.js line=3
                repo://github.com/acme/shop -HAS_FINDING-> finding:codeql/a35db8e9515a4ce05919
                finding:codeql/a35db8e9515a4ce05919 -LOCATED_IN-> repo://github.com/acme/shop#src/b.js
                distinct_cves_in_rule_ids=0 distinct_files=2 distinct_rule_ids=1 levels.(default)=3 locations=2 related_locations=0 results=3 results_with_code_flows=1 results_with_fingerprints=0 results_with_partial_fingerprints=1 rules=1 runs=1 suppressed_results=1 thread_flow_locations=2
            "#]],
        );
    }

    #[test]
    fn an_import_is_no_flaw_and_a_call_is_one() {
        check(
            "bandit.sarif",
            r#"{"version": "2.1.0", "runs": [{
              "tool": {"driver": {"name": "Bandit", "rules": [{"id": "B403", "name": "blacklist"}, {"id": "B301", "name": "blacklist"}]}},
              "results": [
                {"ruleId": "B403", "level": "note", "message": {"text": "Consider the implications of the pickle module."},
                 "properties": {"issue_cwe": "CWE-502", "tags": ["CWE-502"]},
                 "locations": [{"physicalLocation": {"artifactLocation": {"uri": "app.py"}, "region": {"startLine": 1}}}]},
                {"ruleId": "B301", "level": "warning", "message": {"text": "Pickle can be unsafe."},
                 "properties": {"tags": ["CWE-502"]},
                 "locations": [{"physicalLocation": {"artifactLocation": {"uri": "app.py"}, "region": {"startLine": 9}}}]}]}]}"#,
            &expect![[r#"
                repo://unnamed/bandit :Repository name="bandit"
                finding:bandit/0ec5270b19c436ddf028 :Finding class="other" cwe=["CWE-502"] level="note" line=1 message="Consider the implications of the pickle module." name="B403" path="app.py" rule_id="B403" severity="low" tool="Bandit"
                repo://unnamed/bandit#app.py :File name="app.py" path="app.py"
                finding:bandit/83a000004b1d9c149383 :Finding class="deserialization" cwe=["CWE-502"] level="warning" line=9 message="Pickle can be unsafe." name="B301" path="app.py" rule_id="B301" severity="medium" tool="Bandit"
                repo://unnamed/bandit -HAS_FINDING-> finding:bandit/0ec5270b19c436ddf028
                finding:bandit/0ec5270b19c436ddf028 -LOCATED_IN-> repo://unnamed/bandit#app.py line=1
                repo://unnamed/bandit -HAS_FINDING-> finding:bandit/83a000004b1d9c149383
                finding:bandit/83a000004b1d9c149383 -LOCATED_IN-> repo://unnamed/bandit#app.py line=9
                distinct_cves_in_rule_ids=0 distinct_files=1 distinct_rule_ids=2 levels.note=1 levels.warning=1 locations=2 related_locations=0 results=2 results_with_code_flows=0 results_with_fingerprints=0 results_with_partial_fingerprints=0 rules=2 runs=1 suppressed_results=0 thread_flow_locations=0
                warning repository-unknown x1: results stand in `repo://unnamed/bandit`; name the repository in foothold.yaml
            "#]],
        );
    }

    #[test]
    fn broken_documents_are_refused_with_their_place() {
        check_error(
            "scan.sarif",
            r#"{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "x"}}, "results": [{"ruleId": "a", "message": {"text": ["no"]}}]}]}"#,
            &expect![
                "line 1 column 114 at `/runs/0/results/0/message/text`: invalid type: sequence, expected a string"
            ],
        );
        check_error(
            "scan.sarif",
            r#"{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "x"}}, "results": [{"ruleId": "a", "#,
            &expect!["line 1 column 94 at `/runs/0/results/0`: the document ends inside a value"],
        );
        check_error(
            "scan.sarif",
            r#"{"version": "2.1.0", "runs": [{"tool": {}, "results": {}}]}"#,
            &expect![
                "line 1 column 54 at `/runs/0/results`: invalid type: map, expected a sequence"
            ],
        );
    }
}
