//! Findings of secret scanners to the credentials that they show.

use crate::build::Join;
use crate::graph::NodeId;
use crate::model::Facts;

use super::view::{Method, View, plain};

/// A scanner recognised the form of a credential; whether it still works is another question.
const SCANNER: Method = Method::new("secret-scanner", 80);

/// Weaknesses that are a credential in the code, among those that the class `secret` covers.
const HARD_CODED: [&str; 5] = ["CWE-259", "CWE-321", "CWE-540", "CWE-547", "CWE-798"];

/// `Finding REVEALS Secret`.
pub(super) struct Leaks;

impl Join for Leaks {
    fn name(&self) -> &'static str {
        "leaks"
    }

    fn run(&self, view: View<'_>, facts: &mut Facts) {
        for finding in view.labelled("Finding") {
            if view.text(finding, "class") != Some("secret")
                || !is_credential(view, finding)
                || !view.out(finding, "REVEALS").is_empty()
            {
                continue;
            }
            let id = view.id(finding);
            let secret = format!("leak:{}", id.strip_prefix("finding:").unwrap_or(id));
            if let Ok(node) = facts.node(&secret, &["Secret"]) {
                let rule = view.text(finding, "rule_id").unwrap_or("secret");
                let name = match view.text(finding, "path") {
                    Some(path) => format!("{rule} in {path}"),
                    None => rule.to_owned(),
                };
                facts.set(node, "name", name);
                facts.set(node, "kind", rule);
                facts.set_opt(node, "validity", view.text(finding, "validity"));
                SCANNER.link(facts, id, "REVEALS", &secret, plain);
            }
        }
    }
}

/// Whether the finding is about a credential, and not about how one is kept or sent.
fn is_credential(view: View<'_>, finding: NodeId) -> bool {
    let weaknesses = view.list(finding, "cwe");
    weaknesses.is_empty()
        || weaknesses
            .iter()
            .any(|weakness| HARD_CODED.contains(&weakness.as_str()))
}
