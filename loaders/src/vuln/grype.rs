//! Grype JSON: packages of an image or folder and their vulnerabilities. Also as `kubevuln` of
//! Kubescape wraps it (`Content`).

use std::collections::{BTreeMap, BTreeSet};

use foothold_engine::model::{Facts, Value};
use serde::Deserialize;

use crate::advisory::{Advisories, Advisory};
use crate::decode::or_default;
use crate::document::Document;
use crate::error::LoadError;
use crate::head::Head;
use crate::keys::PackageKey;
use crate::loader::{Loader, Match};
use crate::report::Report;
use crate::subject::{ImageSubject, stem, surroundings};
use crate::vuln::nearest_fix;

/// The loader.
pub(crate) struct Grype;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wrapped {
    #[serde(rename = "ID")]
    id: Option<String>,
    #[serde(rename = "Content")]
    content: Scan,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Scan {
    #[serde(deserialize_with = "or_default")]
    matches: Vec<Found>,
    #[serde(deserialize_with = "or_default")]
    ignored_matches: Vec<serde::de::IgnoredAny>,
    #[serde(deserialize_with = "or_default")]
    source: Source,
    #[serde(deserialize_with = "or_default")]
    distro: Distro,
    #[serde(deserialize_with = "or_default")]
    descriptor: Descriptor,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Source {
    /// A path, or what is known of an image.
    target: serde_json::Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Distro {
    name: String,
    version: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Descriptor {
    name: String,
    version: Option<String>,
    timestamp: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Found {
    vulnerability: Vulnerability,
    #[serde(deserialize_with = "or_default")]
    related_vulnerabilities: Vec<Vulnerability>,
    artifact: Artifact,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Vulnerability {
    id: String,
    severity: Option<String>,
    description: Option<String>,
    #[serde(deserialize_with = "or_default")]
    cvss: Vec<Cvss>,
    #[serde(deserialize_with = "or_default")]
    epss: Vec<Epss>,
    #[serde(deserialize_with = "or_default")]
    known_exploited: Vec<serde::de::IgnoredAny>,
    #[serde(deserialize_with = "or_default")]
    cwes: Vec<Cwe>,
    fix: Option<Fix>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Cvss {
    vector: String,
    #[serde(deserialize_with = "or_default")]
    metrics: Metrics,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metrics {
    base_score: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Epss {
    epss: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Cwe {
    cwe: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Fix {
    #[serde(deserialize_with = "or_default")]
    versions: Vec<String>,
    state: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Artifact {
    name: String,
    version: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(deserialize_with = "or_default")]
    locations: Vec<Place>,
    #[serde(deserialize_with = "or_default")]
    purl: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Place {
    path: String,
}

impl Loader for Grype {
    fn format(&self) -> &'static str {
        "grype-json"
    }

    fn describe(&self) -> &'static str {
        "Grype matches, JSON"
    }

    fn detect(&self, head: &Head<'_>) -> Match {
        let Some(sketch) = head.json() else {
            return Match::No;
        };
        let is_named = sketch.scalar("descriptor.name") == Some("grype");
        let has_matches = sketch.has("matches") && sketch.has("descriptor");
        if has_matches && (is_named || sketch.has("matches[].artifact"))
            || sketch.has("Content.matches")
        {
            Match::Certain
        } else if is_named || sketch.has("matches[].vulnerability") {
            Match::Near("has no `matches` beside a `descriptor`".to_owned())
        } else {
            Match::No
        }
    }

    fn load(
        &self,
        document: &Document,
        facts: &mut Facts,
        report: &mut Report,
    ) -> Result<(), LoadError> {
        let is_wrapped = document
            .head()
            .json()
            .is_some_and(|sketch| sketch.has("Content.matches"));
        let (scan, image_id) = if is_wrapped {
            let wrapped: Wrapped = document.value()?;
            (wrapped.content, wrapped.id)
        } else {
            (document.value()?, None)
        };
        let descriptor = &scan.descriptor;
        let tool = if descriptor.name.is_empty() {
            "grype"
        } else {
            &descriptor.name
        };
        report.tool(tool, descriptor.version.as_deref());
        if let Some(time) = &descriptor.timestamp {
            report.observed_at(time);
        }
        report.count("ignored_matches", scan.ignored_matches.len() as u64);
        let holders = holders(&scan, image_id.as_deref(), document, facts)?;
        state(&scan, &holders, facts, report)
    }
}

/// The image that was scanned, and what the surroundings name.
fn holders(
    scan: &Scan,
    image_id: Option<&str>,
    document: &Document,
    facts: &mut Facts,
) -> Result<Vec<String>, LoadError> {
    let target = &scan.source.target;
    let mut texts: Vec<&str> = Vec::new();
    // What others refer to comes first: digests in the registry, then the local manifest's.
    for name in ["repoDigests", "tags"] {
        let list = target.get(name).and_then(|value| value.as_array());
        texts.extend(list.into_iter().flatten().filter_map(|item| item.as_str()));
    }
    texts.extend(image_id);
    for name in ["userInput", "manifestDigest"] {
        texts.extend(target.get(name).and_then(|value| value.as_str()));
    }
    // `REDACTED` is a legal image name, but no tool's input.
    texts.retain(|text| *text != "REDACTED" && !crate::subject::is_archive(text));
    let mut image = ImageSubject::of(texts);
    if !scan.distro.name.is_empty() {
        image.os = Some(
            format!("{} {}", scan.distro.name, scan.distro.version)
                .trim()
                .to_owned(),
        );
    }
    let label = |name: &str| {
        let labels = target.get("labels")?;
        labels.get(name)?.as_str().map(str::to_owned)
    };
    image.source_repository = label("org.opencontainers.image.source");
    image.revision = label("org.opencontainers.image.revision");
    let mut holders: Vec<String> = image.state(facts)?.into_iter().collect();
    for id in surroundings(document, facts)? {
        if !holders.contains(&id) {
            holders.push(id);
        }
    }
    if holders.is_empty() {
        let name = target.as_str().filter(|path| !path.trim().is_empty());
        let name = name.map_or_else(|| stem(document), str::to_owned);
        let slug = name.replace(|c: char| c.is_whitespace() || c.is_control(), "-");
        let id = format!("app://{slug}");
        let fact = facts.node(&id, &["Application"])?;
        facts.set(fact, "name", name);
        holders.push(id);
    }
    Ok(holders)
}

fn state(
    scan: &Scan,
    holders: &[String],
    facts: &mut Facts,
    report: &mut Report,
) -> Result<(), LoadError> {
    let mut advisories = Advisories::default();
    let (mut ids, mut cves, mut packages) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut contained: BTreeMap<PackageId, BTreeSet<&str>> = BTreeMap::new();
    let mut affected = BTreeMap::new();
    for (index, found) in scan.matches.iter().enumerate() {
        let (vulnerability, artifact) = (&found.vulnerability, &found.artifact);
        report.count("matches", 1);
        report.finding(1);
        report.count(&format!("package_types.{}", artifact.kind), 1);
        let severity = vulnerability.severity.as_deref().unwrap_or("None");
        report.count(&format!("severities.{severity}"), 1);
        let fix_state = vulnerability
            .fix
            .as_ref()
            .and_then(|fix| fix.state.as_deref());
        report.count(&format!("fix_states.{}", fix_state.unwrap_or("None")), 1);
        report.count(
            "matches_with_epss",
            u64::from(!vulnerability.epss.is_empty()),
        );
        report.count(
            "matches_with_kev",
            u64::from(!vulnerability.known_exploited.is_empty()),
        );
        ids.insert(vulnerability.id.as_str());
        let named = std::iter::once(vulnerability).chain(&found.related_vulnerabilities);
        cves.extend(
            named
                .map(|it| it.id.as_str())
                .filter(|id| id.starts_with("CVE-")),
        );
        packages.insert((artifact.name.as_str(), artifact.version.as_str()));
        let key = PackageKey::parse(&artifact.purl).or_else(|| {
            PackageKey::from_parts("generic", None, &artifact.name, Some(&artifact.version))
        });
        let id = advisories.note(&vulnerability.id, advisory_of(found));
        let (Some(key), Some(id)) = (key, id) else {
            report.warn("match-without-package", || format!("/matches/{index}"));
            continue;
        };
        let fixed = vulnerability
            .fix
            .as_ref()
            .map(|fix| fix.versions.join(", "));
        let fixed = fixed.filter(|list| !list.is_empty());
        let fixed = fixed.map(|list| nearest_fix(&artifact.version, &list).to_owned());
        affected.insert((key.id.clone(), id), (fixed, severity.to_lowercase()));
        contained
            .entry(PackageId(key))
            .or_default()
            .extend(artifact.locations.iter().map(|place| place.path.as_str()));
    }
    report.count("distinct_vulnerability_ids", ids.len() as u64);
    report.count("distinct_cves_incl_related", cves.len() as u64);
    report.count("distinct_packages", packages.len() as u64);
    for (PackageId(key), paths) in &contained {
        key.state(facts)?;
        for holder in holders {
            let edge = facts.edge(holder, "CONTAINS", &key.id)?;
            if !paths.is_empty() {
                facts.set(edge, "paths", Value::strings(paths));
            }
        }
    }
    advisories.state(facts)?;
    for ((package, id), (fixed, severity)) in affected {
        let edge = facts.edge(&package, "AFFECTED_BY", &format!("vuln:{id}"))?;
        facts.set_opt(edge, "fixed_version", fixed);
        facts.set(edge, "severity", severity);
    }
    Ok(())
}

/// A package in order of its id.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct PackageId(PackageKey);

fn advisory_of(found: &Found) -> Advisory {
    let vulnerability = &found.vulnerability;
    let mut advisory = Advisory {
        aliases: found
            .related_vulnerabilities
            .iter()
            .map(|related| related.id.clone())
            .collect(),
        title: vulnerability.description.clone(),
        epss: vulnerability
            .epss
            .iter()
            .find_map(|score| score.epss)
            .filter(|score| (0.0..=1.0).contains(score)),
        kev: (!vulnerability.known_exploited.is_empty()).then_some(true),
        ..Advisory::default()
    };
    if let Some(severity) = &vulnerability.severity {
        advisory.severity(severity);
    }
    advisory.cwes(vulnerability.cwes.iter().map(|cwe| cwe.cwe.as_str()));
    // Distributions score on their own; the related record has the vector of the CVE.
    let scored = std::iter::once(vulnerability).chain(&found.related_vulnerabilities);
    for cvss in scored.flat_map(|it| &it.cvss) {
        advisory.vector(&cvss.vector, cvss.metrics.base_score);
    }
    advisory
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, check_error};
    use expect_test::expect;

    #[test]
    fn a_match_of_an_image() {
        check(
            "g.json",
            r#"{"matches": [{"vulnerability": {"id": "GHSA-aaaa-bbbb-cccc", "severity": "High", "cvss": null, "epss": [{"epss": 0.5}], "knownExploited": [{}], "fix": {"versions": ["2.0", "1.1"], "state": "fixed"}},
              "relatedVulnerabilities": [{"id": "CVE-2024-1", "cvss": [{"vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "metrics": {"baseScore": 9.8}}]}],
              "artifact": {"name": "a", "version": "1.0", "type": "npm", "purl": "pkg:npm/a@1.0", "locations": [{"path": "/app/a"}]}}],
              "source": {"type": "image", "target": {"userInput": "acme/web:1", "tags": ["acme/web:1"], "repoDigests": [], "manifestDigest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}},
              "distro": {"name": "alpine", "version": "3.19"}, "descriptor": {"name": "grype", "version": "0.70"}}"#,
            &expect![[r#"
                image://sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa :Image digest="sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" name="acme/web:1" os="alpine 3.19" registry="docker.io" repository="acme/web" tag="1"
                image://docker.io/acme/web:1 :Image name="acme/web:1" registry="docker.io" repository="acme/web" tag="1"
                pkg:npm/a@1.0 :Package ecosystem="npm" name="a" purl="pkg:npm/a@1.0" version="1.0"
                vuln:CVE-2024-1 :Vulnerability aliases=["GHSA-aaaa-bbbb-cccc"] attack_complexity="low" attack_vector="network" availability_impact="high" confidentiality_impact="high" cvss_score=9.8 cvss_vector="CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H" effect="code-execution" epss=0.5 integrity_impact="high" kev=true name="CVE-2024-1" privileges_required="none" scope_changed=false severity="high" user_interaction="none"
                image://sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa -SAME_AS-> image://docker.io/acme/web:1
                image://sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa -CONTAINS-> pkg:npm/a@1.0 paths=["/app/a"]
                pkg:npm/a@1.0 -AFFECTED_BY-> vuln:CVE-2024-1 fixed_version="1.1" severity="high"
                distinct_cves_incl_related=1 distinct_packages=1 distinct_vulnerability_ids=1 fix_states.fixed=1 ignored_matches=0 matches=1 matches_with_epss=1 matches_with_kev=1 package_types.npm=1 severities.High=1
            "#]],
        );
        check_error(
            "g.json",
            r#"{"matches": [{"vulnerability": {"id": 3}}], "descriptor": {"name": "grype"}}"#,
            &expect![
                "line 1 column 39 at `/matches/0/vulnerability/id`: invalid type: integer `3`, expected a string"
            ],
        );
    }
}
