//! Packages and vulnerabilities in the results of package scanners.

use super::model::{Rule, Run, SarifResult};
use super::rule::{property_texts, rule_id};
use crate::advisory::Advisory;
use crate::keys::PackageKey;

/// What one result of a package scanner says.
#[derive(Debug)]
pub(super) struct VulnerableComponent {
    pub(super) package: PackageKey,
    pub(super) vulnerability: String,
    pub(super) advisory: Advisory,
    pub(super) fixed_version: Option<String>,
    pub(super) severity: Option<String>,
}

/// Reads the package and the vulnerability out of a result, where its tool is known to write them.
pub(super) fn read(
    run: &Run,
    rule: Option<&Rule>,
    result: &SarifResult,
    distribution: Option<(&'static str, &'static str)>,
) -> Option<VulnerableComponent> {
    let tool = run.tool.driver.name.to_ascii_lowercase();
    if tool.contains("grype") {
        grype(rule?)
    } else if tool.contains("trivy") {
        trivy(rule, result, distribution)
    } else if tool.contains("snyk") {
        snyk(rule?)
    } else {
        None
    }
}

/// The value of a line `Name: value`.
fn line<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.trim() == name)
        .map(|(_, value)| value.trim())
        .filter(|value| !value.is_empty())
}

fn advisory(rule: Option<&Rule>, severity: Option<&str>) -> Advisory {
    let mut advisory = Advisory::default();
    if let Some(severity) = severity {
        advisory.severity(severity);
    }
    let Some(rule) = rule else { return advisory };
    advisory.title.clone_from(&rule.short_description.text);
    let number = |name: &str| {
        rule.properties
            .get(name)
            .and_then(serde_json::Value::as_f64)
    };
    for (vector, score) in [
        ("cvssv3_vector", "cvssv3_baseScore"),
        ("cvssv2_vector", "cvssv2_score"),
        ("cvssv40_vector", "cvssv40_baseScore"),
    ] {
        for text in property_texts(&rule.properties, vector) {
            advisory.vector(text, number(score));
        }
    }
    advisory.cwes(
        property_texts(&rule.properties, "tags")
            .into_iter()
            .filter(|tag| tag.starts_with("CWE-")),
    );
    advisory
}

/// Grype lists name, version, type and the data set in the rule's help.
fn grype(rule: &Rule) -> Option<VulnerableComponent> {
    let help = rule.help.text.as_deref()?;
    let id = line(help, "Vulnerability").or_else(|| {
        let first = help.lines().next()?;
        first.strip_prefix("Vulnerability ").map(str::trim)
    })?;
    let severity = line(help, "Severity");
    let purl = property_texts(&rule.properties, "purls").first().copied();
    let package = purl.and_then(PackageKey::parse).or_else(|| {
        let (name, version) = (line(help, "Package")?, line(help, "Version"));
        let source = line(help, "Data Namespace").unwrap_or_default();
        let distribution = source.split(':').next().unwrap_or_default();
        match line(help, "Type")? {
            "deb" => PackageKey::from_parts("deb", Some(distribution), name, version),
            "apk" => PackageKey::from_parts("apk", Some(distribution), name, version),
            "rpm" => PackageKey::from_parts("rpm", Some(distribution), name, version),
            kind => PackageKey::from_name(language(kind), name, version),
        }
    })?;
    Some(VulnerableComponent {
        package,
        vulnerability: id.to_owned(),
        advisory: advisory(Some(rule), severity),
        fixed_version: line(help, "Fix Version").map(str::to_owned),
        severity: severity.map(str::to_lowercase),
    })
}

/// Grype's package types as package URL types.
fn language(kind: &str) -> &'static str {
    match kind {
        "npm" => "npm",
        "python" => "pypi",
        "go-module" => "golang",
        "java-archive" | "jenkins-plugin" => "maven",
        "gem" => "gem",
        "php-composer" => "composer",
        "rust-crate" => "cargo",
        "dotnet" => "nuget",
        _ => "generic",
    }
}

/// Trivy lists name and version in the result's message, without the distribution.
fn trivy(
    rule: Option<&Rule>,
    result: &SarifResult,
    distribution: Option<(&'static str, &'static str)>,
) -> Option<VulnerableComponent> {
    let message = result.message.text.as_deref()?;
    let (name, version) = (
        line(message, "Package")?,
        line(message, "Installed Version")?,
    );
    let is_system = rule.is_none_or(|rule| rule.name.as_deref() == Some("OsPackageVulnerability"));
    let package = match distribution {
        Some((ecosystem, namespace)) if is_system => {
            PackageKey::from_parts(ecosystem, Some(namespace), name, Some(version))
        }
        // The message does not say of which ecosystem a language package is.
        _ => PackageKey::from_parts("generic", None, name, Some(version)),
    }?;
    let severity = line(message, "Severity");
    Some(VulnerableComponent {
        package,
        vulnerability: rule_id(result)?.to_owned(),
        advisory: advisory(rule, severity),
        fixed_version: line(message, "Fixed Version").map(str::to_owned),
        severity: severity.map(str::to_lowercase),
    })
}

/// The distribution that the versions in Trivy's messages betray, the same for all of an image.
pub(super) fn distribution(run: &Run) -> Option<(&'static str, &'static str)> {
    if !run.tool.driver.name.to_ascii_lowercase().contains("trivy") {
        return None;
    }
    let results = run.results.iter().flatten();
    let versions =
        results.filter_map(|result| line(result.message.text.as_deref()?, "Installed Version"));
    let mut found = None;
    for version in versions {
        let tail = version.rsplit('-').next().unwrap_or_default();
        let is_alpine = tail
            .strip_prefix('r')
            .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()));
        if version.contains("ubuntu") {
            return Some(("deb", "ubuntu"));
        } else if version.contains(".el") {
            return Some(("rpm", "redhat"));
        } else if version.contains(".amzn") {
            return Some(("rpm", "amazon"));
        } else if version.contains("+deb") || version.contains("~deb") {
            found = Some(("deb", "debian"));
        } else if is_alpine {
            found = found.or(Some(("apk", "alpine")));
        }
    }
    found
}

/// Snyk writes `(CVE-1, CVE-2) source/package@version` as the rule's description and names the
/// ecosystem in the rule's id.
fn snyk(rule: &Rule) -> Option<VulnerableComponent> {
    let text = rule.full_description.text.as_deref()?;
    let (cves, package) = match text
        .strip_prefix('(')
        .and_then(|rest| rest.split_once(") "))
    {
        Some((cves, package)) => (cves, package),
        None => ("", text),
    };
    let (name, version) = package.trim().rsplit_once('@')?;
    let ecosystem = rule.id.strip_prefix("SNYK-")?.split('-').next()?;
    let letters = ecosystem.trim_end_matches(|c: char| c.is_ascii_digit());
    // `source/binary`: the binary is what is installed.
    let binary = name.rsplit('/').next().unwrap_or(name);
    let key = match letters {
        "DEBIAN" => PackageKey::from_parts("deb", Some("debian"), binary, Some(version)),
        "UBUNTU" => PackageKey::from_parts("deb", Some("ubuntu"), binary, Some(version)),
        "ALPINE" => PackageKey::from_parts("apk", Some("alpine"), binary, Some(version)),
        "RHEL" | "CENTOS" => PackageKey::from_parts("rpm", Some("redhat"), binary, Some(version)),
        "AMZN" => PackageKey::from_parts("rpm", Some("amazon"), binary, Some(version)),
        "JS" => PackageKey::from_name("npm", name, Some(version)),
        "PYTHON" => PackageKey::from_name("pypi", name, Some(version)),
        "JAVA" => PackageKey::from_name("maven", name, Some(version)),
        "GOLANG" => PackageKey::from_name("golang", name, Some(version)),
        "RUBY" => PackageKey::from_name("gem", name, Some(version)),
        "PHP" => PackageKey::from_name("composer", name, Some(version)),
        "DOTNET" => PackageKey::from_name("nuget", name, Some(version)),
        "RUST" => PackageKey::from_name("cargo", name, Some(version)),
        _ => None,
    }?;
    let severity = rule
        .short_description
        .text
        .as_deref()
        .and_then(|text| text.split(' ').next());
    let mut advisory = advisory(Some(rule), severity);
    advisory.aliases.extend(
        cves.split(',')
            .map(|cve| cve.trim().to_owned())
            .filter(|cve| cve.starts_with("CVE-")),
    );
    Some(VulnerableComponent {
        package: key,
        vulnerability: rule.id.clone(),
        advisory,
        fixed_version: None,
        severity: severity.map(str::to_lowercase),
    })
}
