//! Verdicts in the formats that pipelines read: SARIF 2.1.0 and `JUnit` XML.

use std::fmt::Write;

use serde_json::{Value as Json, json};

use super::run::Violation;
use super::{Policy, PolicyResult, Status};

/// SARIF 2.1.0: one rule a policy, one result a violation.
pub(crate) fn sarif(results: &[PolicyResult]) -> Json {
    let rules: Vec<Json> = results
        .iter()
        .map(|result| {
            let policy = &result.policy;
            json!({
                "id": policy.name(),
                "name": policy.name(),
                "shortDescription": { "text": policy.title() },
                "fullDescription": { "text": policy.description().unwrap_or(policy.title()) },
                "help": { "text": policy.remediation().unwrap_or("Break the path, or change the policy.") },
                "defaultConfiguration": { "level": level(policy.severity()) },
                "properties": {
                    "security-severity": security_severity(policy.severity()),
                    "tags": policy.controls(),
                },
            })
        })
        .collect();
    let found: Vec<Json> = results
        .iter()
        .enumerate()
        .flat_map(|(idx, result)| result.violations.iter().map(move |it| (idx, result, it)))
        .map(|(idx, result, violation)| {
            let policy = &result.policy;
            json!({
                "ruleId": policy.name(),
                "ruleIndex": idx,
                "level": level(policy.severity()),
                "kind": "fail",
                "message": { "text": format!("{}: {}", policy.title(), violation.message) },
                "baselineState": if violation.is_new { "new" } else { "unchanged" },
                "partialFingerprints": { "foothold/v1": violation.signature },
                "locations": [location(policy, violation)],
            })
        })
        .collect();
    let mut notifications: Vec<Json> = results
        .iter()
        .filter_map(|result| {
            let error = result.error.as_deref()?;
            Some(notification(result, "error", error))
        })
        .collect();
    let is_successful = notifications.is_empty();
    for result in results.iter().filter(|result| result.error.is_none()) {
        let messages = result.diagnostics.iter();
        let messages = messages.filter_map(|diagnostic| diagnostic["message"].as_str());
        notifications.extend(messages.map(|message| notification(result, "warning", message)));
    }
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "foothold",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "invocations": [{
                "executionSuccessful": is_successful,
                "toolExecutionNotifications": notifications,
            }],
            "results": found,
        }],
    })
}

/// What is to be said about a policy beside its results.
fn notification(result: &PolicyResult, level: &str, text: &str) -> Json {
    json!({
        "level": level,
        "message": { "text": format!("{}: {text}", result.policy.name()) },
        "associatedRule": { "id": result.policy.name() },
    })
}

/// Where a violation is: the document that speaks of it, else the file of its policy, and the thing
/// by its id. Code scanning refuses a result without a file.
fn location(policy: &Policy, violation: &Violation) -> Json {
    let file = violation.document.as_deref().unwrap_or(&policy.origin);
    let mut location = json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri(file) },
            "region": { "startLine": 1 },
        },
    });
    if let Some(id) = violation.row.values().find_map(named_id) {
        location["logicalLocations"] = json!([{ "fullyQualifiedName": id, "kind": "resource" }]);
    }
    location
}

fn named_id(value: &Json) -> Option<String> {
    let id = |value: &Json| value.get("id").and_then(Json::as_str).map(str::to_owned);
    value
        .get("$attack_path")
        .and_then(|path| path.get("target"))
        .or_else(|| value.get("$node"))
        .and_then(id)
}

/// A file name as a relative URI reference.
fn uri(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.trim_start_matches('/').bytes() {
        let is_plain = byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=@".contains(&byte);
        if is_plain {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn level(severity: &str) -> &'static str {
    match severity {
        "critical" | "high" => "error",
        "medium" => "warning",
        _ => "note",
    }
}

fn security_severity(severity: &str) -> &'static str {
    match severity {
        "critical" => "9.5",
        "high" => "8.0",
        "medium" => "5.5",
        "low" => "3.0",
        _ => "0.0",
    }
}

/// `JUnit` XML: one test case a policy.
pub(crate) fn junit(results: &[PolicyResult]) -> String {
    let count = |status| results.iter().filter(|it| it.status == status).count();
    let seconds: f64 = results.iter().map(|result| result.elapsed_ms / 1e3).sum();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        out,
        "<testsuites>\n  <testsuite name=\"foothold\" tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{seconds:.3}\">",
        results.len(),
        count(Status::Fail),
        count(Status::Error),
    );
    for result in results {
        let _ = write!(
            out,
            "    <testcase classname=\"foothold.policy\" name=\"{}\" time=\"{:.3}\"",
            xml(result.policy.name()),
            result.elapsed_ms / 1e3
        );
        let new: Vec<_> = result.violations.iter().filter(|it| it.is_new).collect();
        match result.status {
            Status::Pass => out.push_str("/>\n"),
            Status::Fail => {
                let _ = writeln!(
                    out,
                    ">\n      <failure type=\"{}\" message=\"{}\">",
                    xml(result.policy.severity()),
                    xml(&format!(
                        "{}: {} violations",
                        result.policy.title(),
                        new.len()
                    )),
                );
                for violation in new {
                    let _ = writeln!(
                        out,
                        "{} {}",
                        xml(&violation.signature),
                        xml(&violation.message)
                    );
                }
                out.push_str("      </failure>\n    </testcase>\n");
            }
            Status::Error => {
                let _ = writeln!(
                    out,
                    ">\n      <error message=\"{}\"/>\n    </testcase>",
                    xml(result.error.as_deref().unwrap_or("not decided"))
                );
            }
        }
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

/// Text inside XML: special characters escaped, those that XML cannot hold replaced.
pub(crate) fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn untrusted_text_stays_text() {
        assert_eq!(
            xml("<a b=\"&\">\u{1}"),
            "&lt;a b=&quot;&amp;&quot;&gt;\u{fffd}"
        );
        assert_eq!(uri("/a b/ü?.json"), "a%20b/%C3%BC%3F.json");
    }
}
