//! CycloneDX, JSON of versions 1.2 to 1.7.
//!
//! Components become packages in the image, repository or application that the document is about;
//! `dependencies` become `DEPENDS_ON`; vulnerabilities become `AFFECTED_BY` with their VEX status.

mod bom;
mod graph;
mod vulnerabilities;

pub(crate) use bom::Bom;
pub(crate) use graph::oci_references;

use foothold_engine::model::Facts;

use crate::document::Document;
use crate::error::LoadError;
use crate::head::Head;
use crate::loader::{Loader, Match};
use crate::report::Report;

/// The JSON loader.
pub(crate) struct CycloneDxJson;

impl Loader for CycloneDxJson {
    fn format(&self) -> &'static str {
        "cyclonedx-json"
    }

    fn describe(&self) -> &'static str {
        "CycloneDX bill of materials, JSON 1.2 to 1.7"
    }

    fn detect(&self, head: &Head<'_>) -> Match {
        let Some(sketch) = head.json() else {
            return Match::No;
        };
        match sketch.scalar("bomFormat") {
            Some("CycloneDX") if sketch.has("specVersion") => Match::Certain,
            Some("CycloneDX") => Match::Near("has `bomFormat` but not `specVersion`".to_owned()),
            Some(other) => Match::Near(format!("`bomFormat` is `{other}`")),
            None if sketch.has("specVersion") && sketch.has("components") => {
                Match::Near("has `specVersion` and `components` but not `bomFormat`".to_owned())
            }
            None => Match::No,
        }
    }

    fn load(
        &self,
        document: &Document,
        facts: &mut Facts,
        report: &mut Report,
    ) -> Result<(), LoadError> {
        let bom: Bom = document.value()?;
        state(&bom, document, facts, report)
    }
}

/// States what a bill of materials says, whichever encoding it came in.
pub(crate) fn state(
    bom: &Bom,
    document: &Document,
    facts: &mut Facts,
    report: &mut Report,
) -> Result<(), LoadError> {
    for (index, tool) in bom.tools().into_iter().enumerate() {
        if index == 0 {
            report.tool(tool.0, tool.1);
        }
    }
    if let Some(time) = &bom.metadata.timestamp {
        report.observed_at(time);
    }
    let refs = graph::state(bom, document, facts, report)?;
    vulnerabilities::state(bom, &refs, facts, report)
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, check_error};
    use expect_test::expect;

    #[test]
    fn an_image_with_packages_and_a_vulnerability() {
        check(
            "x.json",
            r#"{"bomFormat": "CycloneDX", "specVersion": "1.6",
              "metadata": {"timestamp": "2024-01-02T03:04:05Z",
                "tools": {"components": [{"name": "trivy", "version": "0.50"}]},
                "component": {"bom-ref": "r", "type": "container", "name": "acme/web:1.2",
                  "purl": "pkg:oci/web@sha256%3Aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa?repository_url=index.docker.io%2Facme%2Fweb"}},
              "components": [
                {"bom-ref": "os", "type": "operating-system", "name": "alpine", "version": "3.19"},
                {"bom-ref": "a", "type": "library", "name": "a", "version": "1", "purl": "pkg:npm/a@1", "licenses": [{"license": {"id": "MIT"}}]},
                {"bom-ref": "b", "type": "library", "name": "b", "version": "2"},
                {"bom-ref": "f", "type": "file", "name": "/bin/sh"}],
              "dependencies": [
                {"ref": "r", "dependsOn": ["a"]}, {"ref": "a", "dependsOn": ["b", "gone"]}],
              "vulnerabilities": [{"id": "GHSA-aaaa-bbbb-cccc", "references": [{"id": "CVE-2021-1"}],
                "ratings": [{"severity": "high", "vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"},
                  {"source": {"name": "FIRST"}, "score": 0.5, "method": "other"}],
                "cwes": [502], "recommendation": "Upgrade b to version 2.1",
                "analysis": {"state": "not_affected", "justification": "code_not_reachable"},
                "affects": [{"ref": "b"}]}]}"#,
            &expect![[r#"
                image://sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa :Image digest="sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" name="acme/web:1.2" os="alpine 3.19" registry="docker.io" repository="acme/web" tag="1.2"
                image://docker.io/acme/web:1.2 :Image name="acme/web:1.2" registry="docker.io" repository="acme/web" tag="1.2"
                pkg:npm/a@1 :Package ecosystem="npm" licenses=["MIT"] name="a" purl="pkg:npm/a@1" version="1"
                pkg:generic/b@2 :Package ecosystem="generic" name="b" purl="pkg:generic/b@2" version="2"
                vuln:CVE-2021-1 :Vulnerability aliases=["GHSA-aaaa-bbbb-cccc"] attack_complexity="low" attack_vector="network" availability_impact="high" confidentiality_impact="high" cvss_score=9.8 cvss_vector="CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H" cwe=["CWE-502"] effect="code-execution" epss=0.5 integrity_impact="high" name="CVE-2021-1" privileges_required="none" scope_changed=false severity="high" user_interaction="none"
                image://sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa -SAME_AS-> image://docker.io/acme/web:1.2
                image://sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa -CONTAINS-> pkg:npm/a@1 direct=true
                image://sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa -CONTAINS-> pkg:generic/b@2 direct=false
                pkg:npm/a@1 -DEPENDS_ON-> pkg:generic/b@2
                pkg:generic/b@2 -AFFECTED_BY-> vuln:CVE-2021-1 fixed_version="2.1" justification="code_not_reachable" severity="high" status="not_affected"
                analysis_states.not_affected=1 bom_refs=4 component_types.file=1 component_types.library=2 component_types.operating-system=1 components_top_level=4 components_total=4 dangling_dependency_refs=1 dependency_edges=3 dependency_entries=2 dependency_provides_edges=0 distinct_cves=0 distinct_purls=1 distinct_vulnerability_ids=1 purl_types.npm=1 purls=1 vulnerabilities=1 vulnerability_affects=1
                warning dangling-dependency x1: /dependencies/1/dependsOn/1: `gone`
            "#]],
        );
    }

    #[test]
    fn broken_documents_are_refused_with_their_place() {
        let head = r#"{"bomFormat": "CycloneDX", "specVersion": "1.6", "#;
        for (rest, expected) in [
            (
                r#""components": [{"name": 3}]}"#,
                expect![
                    "line 1 column 74 at `/components/0/name`: invalid type: integer `3`, expected a string"
                ],
            ),
            (
                r#""components": [{"name": "a", "purl": "pkg:npm/a@1"}"#,
                expect!["line 1 column 100 at `/components`: the document ends inside a list"],
            ),
            (
                r#""components": "none"}"#,
                expect![[
                    r#"line 1 column 69 at `/components`: invalid type: string "none", expected a sequence"#
                ]],
            ),
            (
                r#""components": [], "components": []}"#,
                expect!["line 1 column 79: duplicate field `components`"],
            ),
            (
                r#""components": [{"type": "library", "bom-ref": "x", "name": "a"}, {"type": "library", "bom-ref": "x", "name": "b"}]}"#,
                expect!["at `/components/1/bom-ref`: `x` names a second component"],
            ),
        ] {
            check_error("x.json", &format!("{head}{rest}"), &expected);
        }
    }
}
