//! What a supplier says of a vulnerability in an image (VEX), brought to the packages it is about.
//!
//! The statement is an edge from the image. It says nothing of the same package in other images, so
//! it cannot stand on the package; it goes to the edge between image and package.

use std::collections::{BTreeMap, BTreeSet};

use crate::build::Join;
use crate::graph::NodeId;
use crate::model::{CERTAIN, Facts, Value};

use super::view::View;

/// How sure two references must be of being one image for the statement on one to hold for the
/// other: tags move, digests do not.
const SAME_IMAGE: u8 = 80;

/// `Image CONTAINS Package` with `not_affected`.
pub(super) struct SupplierWord;

impl Join for SupplierWord {
    fn name(&self) -> &'static str {
        "supplier-word"
    }

    fn run(&self, view: View<'_>, facts: &mut Facts) {
        // By image and package, the vulnerabilities that do not matter.
        let mut said: BTreeMap<(NodeId, NodeId), BTreeSet<&str>> = BTreeMap::new();
        let images = view.labelled("Image");
        let mut by_digest: BTreeMap<&str, Vec<NodeId>> = BTreeMap::new();
        for &image in &images {
            if let Some(digest) = view.text(image, "digest") {
                by_digest.entry(digest).or_default().push(image);
            }
        }
        for image in images {
            for (edge, vulnerability) in view.out_edges(image, "AFFECTED_BY") {
                if !matches!(
                    view.edge_text(edge, "status"),
                    Some("not_affected" | "fixed")
                ) {
                    continue;
                }
                let Some(name) = view.text(vulnerability, "name") else {
                    continue;
                };
                let only = view.edge_list(edge, "subcomponents");
                for holder in same_images(view, image, &by_digest) {
                    let affected = view
                        .starts(vulnerability, "AFFECTED_BY")
                        .into_iter()
                        .filter(|package| only.is_empty() || names(view, *package, &only));
                    let held: BTreeSet<NodeId> = view.out(holder, "CONTAINS").into_iter().collect();
                    for package in affected.filter(|package| held.contains(package)) {
                        said.entry((holder, package)).or_default().insert(name);
                    }
                }
            }
        }
        for ((image, package), vulnerabilities) in said {
            if let Ok(edge) = facts.edge(view.id(image), "CONTAINS", view.id(package)) {
                facts.set(edge, "not_affected", Value::strings(vulnerabilities));
                facts.infer(edge, "vex", CERTAIN);
            }
        }
    }
}

/// The image and other references to it: of the same digest, or joined by one that is sure enough.
fn same_images(
    view: View<'_>,
    image: NodeId,
    by_digest: &BTreeMap<&str, Vec<NodeId>>,
) -> BTreeSet<NodeId> {
    let mut images = BTreeSet::from([image]);
    let digest = view.text(image, "digest");
    images.extend(
        digest
            .and_then(|digest| by_digest.get(digest))
            .into_iter()
            .flatten(),
    );
    for (edge, other) in view.out_edges(image, "SAME_AS") {
        if view.edge_confidence(edge) >= SAME_IMAGE {
            images.insert(other);
        }
    }
    images
}

/// Whether one of the package URLs is this package; qualifiers left out match any.
fn names(view: View<'_>, package: NodeId, wanted: &[String]) -> bool {
    let id = view.id(package);
    let bare = |text: &str| text.split(['?', '#']).next().map(str::to_owned);
    wanted
        .iter()
        .any(|wanted| wanted == id || (!wanted.contains('?') && bare(id) == bare(wanted)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::{Staging, assemble};
    use crate::model::SourceInfo;

    /// What is said of `pkg:npm/a@1` in the image that the statement names and in another one.
    fn said(subcomponents: &[&str], status: &str, confidence: u8) -> [Option<Value>; 3] {
        let mut facts = Facts::new();
        let mut edge = |from: &str, kind: &str, to: &str, props: &[(&str, Value)]| {
            let edge = facts.edge(from, kind, to).unwrap();
            for (name, value) in props {
                facts.set(edge, name, value.clone());
            }
            if kind == "SAME_AS" {
                facts.infer(edge, "test", confidence);
            }
        };
        let images = ["image://a", "image://same", "image://other"];
        for image in images.into_iter().chain(["image://digest"]) {
            edge(image, "CONTAINS", "pkg:npm/a@1", &[]);
        }
        edge("image://a", "SAME_AS", "image://same", &[]);
        edge("pkg:npm/a@1", "AFFECTED_BY", "vuln:CVE-1", &[]);
        let statement = [
            ("status", Value::from(status)),
            ("subcomponents", Value::strings(subcomponents)),
        ];
        edge("image://a", "AFFECTED_BY", "vuln:CVE-1", &statement);
        for image in images {
            facts.node(image, &["Image"]).unwrap();
        }
        for image in ["image://a", "image://digest"] {
            let node = facts.node(image, &["Image"]).unwrap();
            facts.set(node, "digest", "sha256:aa");
        }
        facts.node("pkg:npm/a@1", &["Package"]).unwrap();
        let node = facts.node("vuln:CVE-1", &["Vulnerability"]).unwrap();
        facts.set(node, "name", "CVE-1");
        let mut staging = Staging::new();
        staging.add(&SourceInfo::default(), &facts);
        let snapshot = assemble(staging).unwrap();
        let view = View::new(&snapshot);
        let of = |image| {
            let image = snapshot.node(image).unwrap();
            let (edge, _) = view.out_edges(image, "CONTAINS")[0];
            view.edge_value(edge, "not_affected")
        };
        // One digest is one image, whatever it is called.
        assert_eq!(of("image://a"), of("image://digest"));
        images.map(of)
    }

    #[test]
    fn a_statement_holds_for_its_image_and_no_other() {
        let word = Some(Value::strings(["CVE-1"]));
        assert_eq!(
            said(&[], "not_affected", 100),
            [word.clone(), word.clone(), None]
        );
        assert_eq!(said(&[], "not_affected", 50), [word.clone(), None, None]);
        assert_eq!(said(&["pkg:npm/a@1"], "fixed", 50), [word, None, None]);
    }

    #[test]
    fn a_statement_on_another_part_or_of_harm_changes_nothing() {
        assert_eq!(
            said(&["pkg:npm/b@1"], "not_affected", 100),
            [None, None, None]
        );
        assert_eq!(said(&[], "affected", 100), [None, None, None]);
        assert_eq!(said(&[], "under_investigation", 100), [None, None, None]);
    }
}
