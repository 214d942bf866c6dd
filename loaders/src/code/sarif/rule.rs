//! What a result's rule says about it: weakness, class, severity.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::model::{Component, Reference, Rule, Run, SarifResult};
use crate::advisory::{class_of_cwes, class_of_words, cwe_id, severity_name};

/// Finds the rule of a result: by index, in the extension it names, or by id.
pub(super) fn rule_of<'a>(run: &'a Run, result: &SarifResult) -> Option<&'a Rule> {
    let reference = result.rule.as_ref();
    let component = reference
        .and_then(|rule| rule.tool_component.as_ref())
        .map_or(Some(&run.tool.driver), |component| {
            match (component.index, &component.name) {
                (Some(index), _) => run.tool.extensions.get(usize::try_from(index).ok()?),
                (None, Some(name)) => run
                    .tool
                    .extensions
                    .iter()
                    .find(|extension| extension.name == *name),
                (None, None) => Some(&run.tool.driver),
            }
        })?;
    let index = result.rule_index.or(reference.and_then(|rule| rule.index));
    let by_index = index
        .and_then(|index| usize::try_from(index).ok())
        .and_then(|index| component.rules.get(index));
    let id = rule_id(result)?;
    by_index
        .filter(|rule| rule.id == id || id.starts_with(&rule.id) || result.rule_id.is_none())
        .or_else(|| by_id(component, id))
        .or_else(|| {
            run.tool
                .extensions
                .iter()
                .find_map(|extension| by_id(extension, id))
        })
}

/// Looks up an id, then the id without its last part (`CA1000/1` is a case of `CA1000`).
fn by_id<'a>(component: &'a Component, id: &str) -> Option<&'a Rule> {
    let exact = |id: &str| component.rules.iter().find(|rule| rule.id == id);
    exact(id).or_else(|| exact(id.rsplit_once('/')?.0))
}

/// The id that a result gives its rule.
pub(super) fn rule_id(result: &SarifResult) -> Option<&str> {
    result
        .rule_id
        .as_deref()
        .or_else(|| result.rule.as_ref().and_then(|rule| rule.id.as_deref()))
}

/// Weakness classes of a result.
pub(super) fn cwes_of(rule: Option<&Rule>, result: &SarifResult) -> BTreeSet<String> {
    let mut cwes = BTreeSet::new();
    let mut add = |text: &str| {
        if text.to_ascii_lowercase().contains("cwe") {
            cwes.extend(cwe_id(text));
        }
    };
    if let Some(rule) = rule {
        property_texts(&rule.properties, "tags")
            .into_iter()
            .for_each(&mut add);
        for name in ["cwe", "cwe_ids"] {
            property_texts(&rule.properties, name)
                .into_iter()
                .for_each(&mut add);
        }
        if let Some(uri) = &rule.help_uri {
            add(uri);
        }
        for relationship in &rule.relationships {
            cwes.extend(taxon(&relationship.target));
        }
    }
    cwes.extend(result.taxa.iter().filter_map(taxon));
    for name in ["cwe", "cwes", "tags"] {
        for text in property_texts(&result.properties, name) {
            if text.to_ascii_lowercase().contains("cwe") {
                cwes.extend(cwe_id(text));
            }
        }
    }
    cwes
}

/// A reference into the CWE taxonomy.
fn taxon(reference: &Reference) -> Option<String> {
    let of_cwe = reference
        .tool_component
        .as_ref()
        .and_then(|component| component.name.as_deref())
        .is_some_and(|name| name.eq_ignore_ascii_case("cwe"));
    let id = reference.id.as_deref()?;
    (of_cwe || id.to_ascii_uppercase().starts_with("CWE"))
        .then(|| cwe_id(id))
        .flatten()
}

/// The class of a finding, from weakness classes, the rule's name, or the kind of tool.
pub(super) fn class_of(
    tool: &str,
    id: &str,
    rule: Option<&Rule>,
    cwes: &BTreeSet<String>,
) -> &'static str {
    let tool = tool.to_ascii_lowercase();
    let is_tool = |names: &[&str]| names.iter().any(|name| tool.contains(name));
    let is_vulnerability = ["CVE-", "GHSA-", "GO-", "RUSTSEC-", "PYSEC-"]
        .iter()
        .any(|prefix| id.starts_with(prefix))
        || is_tool(&[
            "snyk container",
            "snyk open source",
            "grype",
            "govulncheck",
            "dependency-check",
            "osv-scanner",
        ]);
    if is_vulnerability {
        return "vulnerable-component";
    }
    let is_configuration = is_tool(&[
        "checkov",
        "kics",
        "tfsec",
        "terrascan",
        "kubescape",
        "kube-linter",
        "hadolint",
        "infrastructure as code",
    ]) || ["AVD-", "KSV", "DS0", "AWS-0"]
        .iter()
        .any(|prefix| id.starts_with(prefix));
    if is_configuration {
        return "misconfiguration";
    }
    if is_tool(&["gitleaks", "trufflehog", "detect-secrets"]) {
        return "secret";
    }
    // Bandit's notes on imports: what is imported is not yet used.
    let is_import_note = is_tool(&["bandit"])
        && id
            .strip_prefix("B4")
            .and_then(|digits| digits.parse::<u8>().ok())
            .is_some_and(|number| number <= 19);
    if is_import_note {
        return "other";
    }
    let words = rule.map(|rule| {
        [
            rule.name.as_deref().unwrap_or_default(),
            rule.short_description.text.as_deref().unwrap_or_default(),
        ]
    });
    class_of_cwes(cwes)
        .or_else(|| class_of_words([id]))
        .or_else(|| class_of_words(words?))
        .unwrap_or("other")
}

/// The severity: a score if there is one, then a word, then the level.
pub(super) fn severity_of(rule: Option<&Rule>, result: &SarifResult, level: &str) -> &'static str {
    let rule_properties = rule.map(|rule| &rule.properties);
    let properties = [Some(&result.properties), rule_properties];
    for properties in properties.into_iter().flatten() {
        for name in ["security-severity", "severity", "issue_severity"] {
            let severity = match properties.get(name) {
                Some(Value::Number(score)) => score.as_f64().and_then(severity_of_score),
                Some(Value::String(text)) => match text.parse() {
                    Ok(score) => severity_of_score(score),
                    Err(_) => severity_name(text),
                },
                _ => None,
            };
            if let Some(severity) = severity {
                return severity;
            }
        }
    }
    match level {
        "error" => "high",
        "warning" => "medium",
        "note" => "low",
        _ => "info",
    }
}

fn severity_of_score(score: f64) -> Option<&'static str> {
    Some(match score {
        _ if !(0.0..=10.0).contains(&score) => return None,
        _ if score >= 9.0 => "critical",
        _ if score >= 7.0 => "high",
        _ if score >= 4.0 => "medium",
        _ if score > 0.0 => "low",
        _ => "info",
    })
}

/// A property's text or texts.
pub(super) fn property_texts<'a>(properties: &'a Map<String, Value>, name: &str) -> Vec<&'a str> {
    match properties.get(name) {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}
