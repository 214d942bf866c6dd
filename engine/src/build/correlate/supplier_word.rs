//! What a supplier says of a vulnerability in an image (VEX), brought to the packages it is about.
//!
//! The statement is an edge from the image. It says nothing of the same package in other images, so
//! it cannot stand on the package; it goes to the edge between image and package.

use std::collections::{BTreeMap, BTreeSet};

use crate::build::Join;
use crate::graph::{NodeId, Snapshot};
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

    fn run(&self, snapshot: &Snapshot, facts: &mut Facts) {
        let view = View::new(snapshot);
        // By image and package, the vulnerabilities that do not matter.
        let mut said: BTreeMap<(NodeId, NodeId), BTreeSet<&str>> = BTreeMap::new();
        for image in view.labelled("Image") {
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
                for holder in same_images(view, image) {
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

/// The image and other references to it.
fn same_images(view: View<'_>, image: NodeId) -> Vec<NodeId> {
    let mut images = vec![image];
    images.extend(
        view.out_edges(image, "SAME_AS")
            .into_iter()
            .filter(|(edge, _)| view.snapshot.edge_confidence(*edge) >= SAME_IMAGE)
            .map(|(_, other)| other),
    );
    images.sort_unstable();
    images.dedup();
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
