//! What someone outside comes in through without a packet to anything of ours: public code,
//! packages and actions of strangers, people, names.
//!
//! Reports of malicious packages come as vulnerabilities; each is marked, so that a rule about
//! malice does not look at every vulnerability there is.

use crate::build::Join;
use crate::graph::NodeId;
use crate::model::Facts;
use crate::model::schema::INTERNET_ID;

use super::view::View;

/// The internet, where something is open to it in such a way, for rules start there; and
/// `malicious` on vulnerabilities.
pub(super) struct Openings;

impl Join for Openings {
    fn name(&self) -> &'static str {
        "openings"
    }

    fn run(&self, view: View<'_>, facts: &mut Facts) {
        let any = |label: &str, holds: &dyn Fn(NodeId) -> bool| {
            view.labelled(label).into_iter().any(holds)
        };
        let mut vulnerabilities = view.labelled("Vulnerability");
        vulnerabilities.retain(|vulnerability| is_malicious(view, *vulnerability));
        for vulnerability in &vulnerabilities {
            if let Ok(node) = facts.node(view.id(*vulnerability), &["Vulnerability"]) {
                facts.set(node, "malicious", true);
            }
        }
        let is_open = !vulnerabilities.is_empty()
            || any("Repository", &|node| {
                view.text(node, "visibility") == Some("public")
            })
            || any("Package", &|node| view.flag(node, "internal") == Some(true))
            || any("DnsRecord", &|node| {
                view.flag(node, "claimable") == Some(true)
            })
            || any("Human", &|node| view.text(node, "email").is_some())
            || any("Action", &|_| true);
        if is_open && let Ok(node) = facts.node(INTERNET_ID, &["Internet"]) {
            facts.set(node, "name", "internet");
        }
    }
}

/// By the feed, by the id of a report, or by its weakness: embedded malicious code.
fn is_malicious(view: View<'_>, vulnerability: NodeId) -> bool {
    let name = view.text(vulnerability, "name").unwrap_or_default();
    let is_report = |id: &str| id.trim_start_matches("vuln:").starts_with("MAL-");
    view.flag(vulnerability, "malicious") == Some(true)
        || is_report(name)
        || view
            .list(vulnerability, "aliases")
            .iter()
            .any(|id| is_report(id))
        || view
            .list(vulnerability, "cwe")
            .iter()
            .any(|cwe| cwe == "CWE-506")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::{Staging, assemble};
    use crate::model::{SourceInfo, Value};

    #[test]
    fn a_report_of_malice_is_marked() {
        let mut facts = Facts::new();
        for (id, name, cwe) in [
            ("vuln:MAL-1", "MAL-1", "CWE-1"),
            ("vuln:GHSA-2", "GHSA-2", "CWE-506"),
            ("vuln:CVE-3", "CVE-3", "CWE-79"),
        ] {
            let node = facts.node(id, &["Vulnerability"]).unwrap();
            facts.set(node, "name", name);
            facts.set(node, "cwe", Value::strings([cwe]));
        }
        let node = facts.node("vuln:GHSA-4", &["Vulnerability"]).unwrap();
        facts.set(node, "aliases", Value::strings(["vuln:MAL-4"]));
        let mut staging = Staging::new();
        staging.add(&SourceInfo::default(), &facts);
        let snapshot = assemble(staging).unwrap();
        let view = View::new(&snapshot);
        let marked: Vec<&str> = view
            .labelled("Vulnerability")
            .into_iter()
            .filter(|node| view.flag(*node, "malicious") == Some(true))
            .map(|node| view.id(node))
            .collect();
        assert_eq!(marked, ["vuln:GHSA-2", "vuln:GHSA-4", "vuln:MAL-1"]);
    }

    fn opens(id: &str, label: &str, property: &str, value: Value) -> bool {
        let mut facts = Facts::new();
        let node = facts.node(id, &[label]).unwrap();
        facts.set(node, property, value);
        let mut staging = Staging::new();
        staging.add(&SourceInfo::default(), &facts);
        let snapshot = assemble(staging).unwrap();
        snapshot.node(INTERNET_ID).is_some()
    }

    #[test]
    fn the_internet_is_there_where_something_is_open_to_it() {
        let text = |text: &str| Value::from(text);
        assert!(opens(
            "repo://h/o/r",
            "Repository",
            "visibility",
            text("public")
        ));
        assert!(!opens(
            "repo://h/o/r",
            "Repository",
            "visibility",
            text("private")
        ));
        assert!(opens("vuln:MAL-1", "Vulnerability", "name", text("MAL-1")));
        assert!(opens(
            "vuln:GHSA-1",
            "Vulnerability",
            "cwe",
            Value::strings(["CWE-506"])
        ));
        assert!(!opens("vuln:CVE-1", "Vulnerability", "name", text("CVE-1")));
        assert!(opens(
            "dns:x.example",
            "DnsRecord",
            "claimable",
            Value::Bool(true)
        ));
        assert!(!opens(
            "dns:x.example",
            "DnsRecord",
            "claimable",
            Value::Bool(false)
        ));
        assert!(opens(
            "idp://a/user/b",
            "Human",
            "email",
            text("b@a.example")
        ));
    }
}
