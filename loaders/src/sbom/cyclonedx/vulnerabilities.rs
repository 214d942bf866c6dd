//! Vulnerabilities and what was decided about them.

use std::collections::BTreeSet;

use foothold_engine::model::Facts;

use super::bom::{Affects, Bom, Rating, Vulnerability};
use super::graph::{Refs, resolve};
use crate::advisory::{Advisories, Advisory};
use crate::error::LoadError;
use crate::keys::PackageKey;
use crate::report::Report;

/// States vulnerabilities and which packages they affect.
pub(super) fn state(
    bom: &Bom,
    refs: &Refs<'_>,
    facts: &mut Facts,
    report: &mut Report,
) -> Result<(), LoadError> {
    let mut advisories = Advisories::default();
    let mut edges = Vec::new();
    let mut ids = BTreeSet::new();
    report.count("vulnerabilities", bom.vulnerabilities.len() as u64);
    report.finding(bom.vulnerabilities.len() as u64);
    for (index, vulnerability) in bom.vulnerabilities.iter().enumerate() {
        let pointer = format!("/vulnerabilities/{index}");
        let Some(id) = vulnerability
            .id
            .as_deref()
            .or(vulnerability.bom_ref.as_deref())
        else {
            report.warn("vulnerability-without-id", || pointer.clone());
            continue;
        };
        ids.insert(id);
        let Some(primary) = advisories.note(id, advisory_of(vulnerability)) else {
            report.warn("vulnerability-without-id", || pointer.clone());
            continue;
        };
        if let Some(state) = vulnerability
            .analysis
            .as_ref()
            .and_then(|it| it.state.as_deref())
        {
            report.count(&format!("analysis_states.{state}"), 1);
        }
        for affects in &vulnerability.affects {
            report.count("vulnerability_affects", 1);
            let target = resolve(&affects.reference, refs)
                .or_else(|| PackageKey::parse(&affects.reference).map(|key| key.id));
            match target {
                Some(target) => edges.push((target, primary.clone(), vulnerability, affects)),
                None => report.warn("affects-nothing-here", || {
                    format!("{pointer}/affects: `{}`", affects.reference)
                }),
            }
        }
    }
    report.count("distinct_vulnerability_ids", ids.len() as u64);
    let n_cves = ids.iter().filter(|id| id.starts_with("CVE-")).count();
    report.count("distinct_cves", n_cves as u64);
    advisories.state(facts)?;
    for (target, id, vulnerability, affects) in edges {
        let edge = facts.edge(&target, "AFFECTED_BY", &format!("vuln:{id}"))?;
        facts.set_opt(edge, "status", status_of(vulnerability, affects));
        let analysis = vulnerability.analysis.as_ref();
        let justification = analysis.and_then(|analysis| analysis.justification.as_deref());
        facts.set_opt(edge, "justification", justification);
        let severity = vulnerability
            .ratings
            .iter()
            .find_map(|rating| rating.severity.as_deref());
        facts.set_opt(edge, "severity", severity.map(str::to_lowercase));
        facts.set_opt(edge, "fixed_version", fixed_version(vulnerability));
    }
    Ok(())
}

fn advisory_of(vulnerability: &Vulnerability) -> Advisory {
    let mut advisory = Advisory {
        aliases: vulnerability
            .references
            .iter()
            .filter_map(|reference| reference.id.clone())
            .collect(),
        title: vulnerability
            .description
            .as_deref()
            .and_then(|text| {
                text.lines()
                    .map(|line| line.trim_start_matches('#').trim())
                    .find(|line| line.len() > 12)
            })
            .map(str::to_owned),
        ..Advisory::default()
    };
    advisory.cwes(vulnerability.cwes.iter().map(ToString::to_string));
    for rating in &vulnerability.ratings {
        if is_epss(rating) {
            advisory.epss = rating.score.filter(|score| (0.0..=1.0).contains(score));
            continue;
        }
        if let Some(severity) = &rating.severity {
            advisory.severity(severity);
        }
        if let Some(vector) = &rating.vector {
            advisory.vector(vector, rating.score);
        }
    }
    advisory
}

/// Grype writes the exploit prediction score as a rating of FIRST.
fn is_epss(rating: &Rating) -> bool {
    rating.vector.is_none()
        && rating.source.as_ref().is_some_and(|source| {
            source.name.as_deref() == Some("FIRST")
                || source
                    .url
                    .as_deref()
                    .is_some_and(|url| url.contains("epss"))
        })
}

/// The VEX status, where someone decided.
fn status_of(vulnerability: &Vulnerability, affects: &Affects) -> Option<&'static str> {
    let decided = vulnerability
        .analysis
        .as_ref()
        .and_then(|analysis| analysis.state.as_deref())
        .and_then(|state| match state {
            "resolved" | "resolved_with_pedigree" => Some("fixed"),
            "exploitable" => Some("affected"),
            "in_triage" => Some("under_investigation"),
            "false_positive" | "not_affected" => Some("not_affected"),
            _ => None,
        });
    let all_unaffected = !affects.versions.is_empty()
        && affects
            .versions
            .iter()
            .all(|version| version.status.as_deref() == Some("unaffected"));
    decided.or_else(|| all_unaffected.then_some("not_affected"))
}

/// The version that a recommendation of the form `Upgrade x to version y` names.
fn fixed_version(vulnerability: &Vulnerability) -> Option<&str> {
    let text = vulnerability.recommendation.as_deref()?;
    let (_, rest) = text.split_once(" to version ")?;
    let version = rest.split([' ', ';', ',', '\n']).next()?;
    let version = version.trim_end_matches('.');
    (!version.is_empty()).then_some(version)
}
