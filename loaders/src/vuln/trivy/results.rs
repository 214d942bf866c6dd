//! Results: packages, vulnerabilities, misconfigurations and secrets of one target.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use foothold_engine::model::{Facts, Value};

use super::model::{Package, ScanResult, Vulnerability};
use crate::advisory::{Advisories, Advisory, severity_name};
use crate::error::LoadError;
use crate::finding::{FindingHead, FindingIds};
use crate::keys::PackageKey;
use crate::report::Report;
use crate::vuln::nearest_fix;

/// What was gathered over all results of a document.
#[derive(Debug, Default)]
pub(super) struct Scan {
    advisories: Advisories,
    affected: BTreeMap<(String, String), AffectedBy>,
    contained: BTreeMap<(String, String), BTreeSet<String>>,
    stated: BTreeSet<String>,
    ids: FindingIds,
    vulnerability_ids: BTreeSet<String>,
    vulnerable: BTreeSet<(String, String)>,
}

#[derive(Debug, Default)]
struct AffectedBy {
    fixed_version: Option<String>,
    status: Option<&'static str>,
    severity: String,
}

impl Scan {
    /// Reads a list of results whose packages are in `holders`.
    pub(super) fn results(
        &mut self,
        results: &[ScanResult],
        holders: &[String],
        pointer: &str,
        facts: &mut Facts,
        report: &mut Report,
    ) -> Result<(), LoadError> {
        for (index, result) in results.iter().enumerate() {
            self.result(
                result,
                holders,
                &format!("{pointer}/{index}"),
                facts,
                report,
            )?;
        }
        Ok(())
    }

    /// Reads one result.
    pub(super) fn result(
        &mut self,
        result: &ScanResult,
        holders: &[String],
        pointer: &str,
        facts: &mut Facts,
        report: &mut Report,
    ) -> Result<(), LoadError> {
        report.count("results", 1);
        let class = result.class.as_deref().unwrap_or("None");
        report.count(&format!("result_classes.{class}"), 1);
        let kind = result.kind.as_deref().unwrap_or("None");
        report.count(&format!("result_types.{kind}"), 1);
        report.count("licenses", result.licenses.len() as u64);
        self.packages(result, holders, pointer, facts, report)?;
        for (index, vulnerability) in result.vulnerabilities.iter().enumerate() {
            let pointer = format!("{pointer}/Vulnerabilities/{index}");
            self.vulnerability(result, vulnerability, holders, &pointer, facts, report)?;
        }
        self.misconfigurations(result, holders, facts, report)?;
        self.secrets(result, holders, facts, report)
    }

    fn packages(
        &mut self,
        result: &ScanResult,
        holders: &[String],
        pointer: &str,
        facts: &mut Facts,
        report: &mut Report,
    ) -> Result<(), LoadError> {
        let mut by_id = HashMap::new();
        for (index, package) in result.packages.iter().enumerate() {
            report.count("packages", 1);
            let Some(key) = key_of(
                package.identifier.purl.as_deref(),
                result,
                &package.name,
                &package.version,
            ) else {
                report.warn("package-without-name", || {
                    format!("{pointer}/Packages/{index}")
                });
                continue;
            };
            if self.stated.insert(key.id.clone()) {
                let fact = key.state(facts)?;
                if !package.licenses.is_empty() {
                    facts.set(fact, "licenses", Value::strings(&package.licenses));
                }
            }
            for holder in holders {
                self.contained
                    .entry((holder.clone(), key.id.clone()))
                    .or_default();
            }
            if let Some(id) = &package.id {
                by_id.insert(id.as_str(), key.id);
            }
        }
        for package in &result.packages {
            Self::dependencies(package, &by_id, facts)?;
        }
        Ok(())
    }

    fn dependencies(
        package: &Package,
        by_id: &HashMap<&str, String>,
        facts: &mut Facts,
    ) -> Result<(), LoadError> {
        // The root of a lock file is the project itself.
        if package.relationship.as_deref() == Some("root") {
            return Ok(());
        }
        let Some(from) = package.id.as_deref().and_then(|id| by_id.get(id)) else {
            return Ok(());
        };
        for target in &package.depends_on {
            if let Some(to) = by_id.get(target.as_str())
                && from != to
            {
                facts.edge(from, "DEPENDS_ON", to)?;
            }
        }
        Ok(())
    }

    fn vulnerability(
        &mut self,
        result: &ScanResult,
        vulnerability: &Vulnerability,
        holders: &[String],
        pointer: &str,
        facts: &mut Facts,
        report: &mut Report,
    ) -> Result<(), LoadError> {
        report.count("vulnerabilities", 1);
        report.finding(1);
        report.count(
            &format!("vulnerability_severities.{}", vulnerability.severity),
            1,
        );
        let fixed = vulnerability
            .fixed_version
            .as_deref()
            .filter(|text| !text.is_empty());
        report.count("with_fixed_version", u64::from(fixed.is_some()));
        self.vulnerability_ids.insert(vulnerability.id.clone());
        self.vulnerable.insert((
            vulnerability.pkg_name.clone(),
            vulnerability.installed_version.clone(),
        ));
        let key = key_of(
            vulnerability.pkg_identifier.purl.as_deref(),
            result,
            &vulnerability.pkg_name,
            &vulnerability.installed_version,
        );
        let id = self
            .advisories
            .note(&vulnerability.id, advisory_of(vulnerability));
        let (Some(key), Some(id)) = (key, id) else {
            report.warn("vulnerability-without-package", || pointer.to_owned());
            return Ok(());
        };
        if self.stated.insert(key.id.clone()) {
            key.state(facts)?;
        }
        for holder in holders {
            let paths = self
                .contained
                .entry((holder.clone(), key.id.clone()))
                .or_default();
            paths.extend(vulnerability.pkg_path.clone());
        }
        let affected = self.affected.entry((key.id, id)).or_default();
        affected.fixed_version =
            fixed.map(|list| nearest_fix(&vulnerability.installed_version, list).to_owned());
        // `fixed` says that a fix exists, not that this version has it.
        affected.status = match vulnerability.status.as_deref() {
            Some("not_affected") => Some("not_affected"),
            Some("under_investigation") => Some("under_investigation"),
            _ => None,
        };
        affected.severity = vulnerability.severity.to_lowercase();
        Ok(())
    }

    fn misconfigurations(
        &mut self,
        result: &ScanResult,
        holders: &[String],
        facts: &mut Facts,
        report: &mut Report,
    ) -> Result<(), LoadError> {
        for found in &result.misconfigurations {
            report.count("misconfigurations", 1);
            report.count(
                &format!("misconfiguration_severities.{}", found.severity),
                1,
            );
            report.count(&format!("misconfiguration_status.{}", found.status), 1);
            if found.status == "PASS" {
                continue;
            }
            report.finding(1);
            let holder = holders.first().map_or("", String::as_str);
            let parts = [
                holder,
                &result.target,
                &found.id,
                &found.cause_metadata.resource,
            ];
            let id = self.ids.next("trivy", &parts);
            let head = FindingHead {
                tool: "Trivy",
                rule_id: &found.id,
                message: if found.message.is_empty() {
                    &found.title
                } else {
                    &found.message
                },
                severity: severity_name(&found.severity).unwrap_or("unknown"),
                class: "misconfiguration",
            };
            let fact = head.state(&id, facts)?;
            facts.set(fact, "path", result.target.as_str());
            if found.cause_metadata.start_line > 0 {
                facts.set(fact, "line", found.cause_metadata.start_line);
            }
            if found.status == "EXCEPTION" {
                facts.set(fact, "suppressed", true);
            }
            for holder in holders {
                facts.edge(holder, "HAS_FINDING", &id)?;
            }
        }
        Ok(())
    }

    fn secrets(
        &mut self,
        result: &ScanResult,
        holders: &[String],
        facts: &mut Facts,
        report: &mut Report,
    ) -> Result<(), LoadError> {
        for secret in &result.secrets {
            report.count("secrets", 1);
            report.finding(1);
            let holder = holders.first().map_or("", String::as_str);
            let id = self
                .ids
                .next("trivy", &[holder, &result.target, &secret.rule_id]);
            let head = FindingHead {
                tool: "Trivy",
                rule_id: &secret.rule_id,
                message: &secret.title,
                severity: severity_name(&secret.severity).unwrap_or("unknown"),
                class: "secret",
            };
            let fact = head.state(&id, facts)?;
            facts.set(fact, "path", result.target.as_str());
            if secret.start_line > 0 {
                facts.set(fact, "line", secret.start_line);
            }
            for holder in holders {
                facts.edge(holder, "HAS_FINDING", &id)?;
            }
        }
        Ok(())
    }

    /// States what spans results.
    pub(super) fn finish(self, facts: &mut Facts, report: &mut Report) -> Result<(), LoadError> {
        let ids = &self.vulnerability_ids;
        report.count("distinct_vulnerability_ids", ids.len() as u64);
        let n_cves = ids.iter().filter(|id| id.starts_with("CVE-")).count();
        report.count("distinct_cves", n_cves as u64);
        report.count("vulnerable_packages", self.vulnerable.len() as u64);
        for ((holder, package), paths) in &self.contained {
            let edge = facts.edge(holder, "CONTAINS", package)?;
            if !paths.is_empty() {
                facts.set(edge, "paths", Value::strings(paths));
            }
        }
        self.advisories.state(facts)?;
        for ((package, id), affected) in &self.affected {
            let edge = facts.edge(package, "AFFECTED_BY", &format!("vuln:{id}"))?;
            facts.set_opt(edge, "fixed_version", affected.fixed_version.as_deref());
            facts.set_opt(edge, "status", affected.status);
            facts.set(edge, "severity", affected.severity.as_str());
        }
        Ok(())
    }
}

fn advisory_of(vulnerability: &Vulnerability) -> Advisory {
    let mut advisory = Advisory {
        title: vulnerability.title.clone(),
        ..Advisory::default()
    };
    advisory.severity(&vulnerability.severity);
    advisory.cwes(&vulnerability.cwe_ids);
    for scored in vulnerability.cvss.values() {
        let vectors = [
            (&scored.v2_vector, scored.v2_score),
            (&scored.v3_vector, scored.v3_score),
            (&scored.v40_vector, scored.v40_score),
        ];
        for (vector, score) in vectors {
            if let Some(vector) = vector {
                advisory.vector(vector, score);
            }
        }
    }
    advisory
}

/// The package of a row: its package URL, or one made from the kind of the result.
fn key_of(
    purl: Option<&str>,
    result: &ScanResult,
    name: &str,
    version: &str,
) -> Option<PackageKey> {
    if let Some(key) = purl.and_then(PackageKey::parse) {
        return Some(key);
    }
    let kind = result.kind.as_deref().unwrap_or("");
    if name.is_empty() {
        return None;
    }
    match kind {
        "alpine" | "wolfi" | "chainguard" => {
            PackageKey::from_parts("apk", Some(kind), name, Some(version))
        }
        "debian" | "ubuntu" => PackageKey::from_parts("deb", Some(kind), name, Some(version)),
        "redhat" | "centos" | "rocky" | "alma" | "oracle" | "amazon" | "fedora" | "photon"
        | "cbl-mariner" | "azurelinux" => {
            PackageKey::from_parts("rpm", Some(kind), name, Some(version))
        }
        _ if kind.starts_with("opensuse")
            || kind.starts_with("suse")
            || kind.starts_with("sles") =>
        {
            PackageKey::from_parts("rpm", Some("opensuse"), name, Some(version))
        }
        _ => PackageKey::from_name(language(kind), name, Some(version)),
    }
}

/// The ecosystem of a kind of language packages.
fn language(kind: &str) -> &'static str {
    match kind {
        "npm" | "yarn" | "pnpm" | "bun" | "node-pkg" | "javascript" => "npm",
        "pip" | "pipenv" | "poetry" | "uv" | "python-pkg" => "pypi",
        "gobinary" | "gomod" => "golang",
        "jar" | "pom" | "gradle" | "sbt" => "maven",
        "bundler" | "gemspec" => "gem",
        "composer" | "composer-vendor" => "composer",
        "cargo" | "rustbinary" => "cargo",
        "nuget" | "dotnet-core" | "packages-props" => "nuget",
        "conan" => "conan",
        "hex" => "hex",
        "pub" => "pub",
        "swift" => "swift",
        "cocoapods" => "cocoapods",
        "conda-pkg" | "conda-environment" => "conda",
        _ => "generic",
    }
}
