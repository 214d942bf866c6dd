//! What someone outside comes in through without a packet to anything of ours: public code,
//! packages and actions of strangers, people, names.

use crate::build::Join;
use crate::graph::{NodeId, Snapshot};
use crate::model::Facts;
use crate::model::schema::INTERNET_ID;

use super::view::View;

/// The internet, where something is open to it in such a way; rules start there.
pub(super) struct Openings;

impl Join for Openings {
    fn name(&self) -> &'static str {
        "openings"
    }

    fn run(&self, snapshot: &Snapshot, facts: &mut Facts) {
        let view = View::new(snapshot);
        let any = |label: &str, holds: &dyn Fn(NodeId) -> bool| {
            view.labelled(label).into_iter().any(holds)
        };
        let is_open = any("Repository", &|node| {
            view.text(node, "visibility") == Some("public")
        }) || any("Vulnerability", &|node| is_malicious(view, node))
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

/// As the rules for malicious packages have it.
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
