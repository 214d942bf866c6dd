//! Jobs of pipelines to what other documents know: images that they publish, secrets that they are
//! handed.

use std::collections::BTreeMap;

use crate::build::Join;
use crate::graph::NodeId;
use crate::model::Facts;

use super::images::Reference;
use super::view::{Method, View, plain};

/// The job pushes to the repository of the registry; which tags, is made as it runs.
const SAME_REPOSITORY: Method = Method::new("published-repository", 80);
/// The repository has one secret of the name.
const SECRET_NAME: Method = Method::new("secret-name", 90);
/// So it has, but the job's environment may have another.
const SHADOWED_NAME: Method = Method::new("secret-name", 60);

/// `CiJob BUILDS Image` and `CiJob MOUNTS Secret`.
pub(super) struct Pipelines;

impl Join for Pipelines {
    fn name(&self) -> &'static str {
        "pipelines"
    }

    fn run(&self, view: View<'_>, facts: &mut Facts) {
        let jobs = view.labelled("CiJob");
        let publishes = |job: &NodeId| !view.list(*job, "publishes").is_empty();
        if jobs.iter().any(publishes) {
            published(view, &jobs, facts);
        }
        handed(view, facts);
    }
}

fn published(view: View<'_>, jobs: &[NodeId], facts: &mut Facts) {
    let mut by_repository: BTreeMap<String, Vec<NodeId>> = BTreeMap::new();
    for image in view.labelled("Image") {
        if let Some(path) = Reference::of(view, image).by_repository() {
            by_repository.entry(path).or_default().push(image);
        }
    }
    for &job in jobs {
        let known = view.out(job, "BUILDS");
        for path in view.list(job, "publishes") {
            let images = by_repository.get(&path).into_iter().flatten();
            for image in images.filter(|image| !known.contains(image)) {
                SAME_REPOSITORY.link(facts, view.id(job), "BUILDS", view.id(*image), plain);
            }
        }
    }
}

/// Secrets as the code host lists them, by the name that a workflow uses.
fn handed(view: View<'_>, facts: &mut Facts) {
    for (_, repository, job) in view.edges("HAS_JOB") {
        let listed = view.out(repository, "HAS_SECRET");
        if listed.is_empty() {
            continue;
        }
        let method = match view.text(job, "environment") {
            Some(_) => SHADOWED_NAME,
            None => SECRET_NAME,
        };
        let handed = view.out(job, "MOUNTS");
        for secret in &handed {
            let Some(name) = view.text(*secret, "name") else {
                continue;
            };
            let has_name = |other: &&NodeId| {
                let own = view.text(**other, "name");
                own.is_some_and(|own| own.eq_ignore_ascii_case(name)) && !handed.contains(other)
            };
            for other in listed.iter().filter(has_name) {
                method.link(facts, view.id(job), "MOUNTS", view.id(*other), plain);
            }
        }
    }
}
