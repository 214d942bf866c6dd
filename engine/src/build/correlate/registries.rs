//! Which repository of a registry holds an image, from the image's reference.

use std::collections::BTreeSet;

use crate::build::Join;
use crate::graph::NodeId;
use crate::model::Facts;

use super::view::{Method, View, plain};

/// The reference names the registry itself.
const REFERENCE: Method = Method::new("registry-host", 100);

/// `RegistryRepository HOLDS Image`, for registries whose rights are known to be granted by their
/// cloud.
pub(super) struct Registries;

impl Join for Registries {
    fn name(&self) -> &'static str {
        "registries"
    }

    fn run(&self, view: View<'_>, facts: &mut Facts) {
        let mut stated = BTreeSet::new();
        for image in view.labelled("Image") {
            let Some(arn) = arn_of(view, image) else {
                continue;
            };
            if stated.insert(arn.clone())
                && let Ok(node) = facts.node(&arn, &["RegistryRepository"])
            {
                let name = arn.split_once("repository/").map_or("", |(_, name)| name);
                facts.set(node, "name", name);
            }
            REFERENCE.link(facts, &arn, "HOLDS", view.id(image), plain);
        }
    }
}

/// Every such repository that an image names.
pub(super) fn named(view: View<'_>) -> BTreeSet<String> {
    let images = view.labelled("Image").into_iter();
    images.filter_map(|image| arn_of(view, image)).collect()
}

/// `111122223333.dkr.ecr.eu-west-1.amazonaws.com/shop/web` is the repository `shop/web` of an
/// account and region.
fn arn_of(view: View<'_>, image: NodeId) -> Option<String> {
    let registry = view.text(image, "registry")?;
    let repository = view.text(image, "repository")?;
    let mut parts = registry.split('.');
    let account = parts.next()?;
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    let is_ecr = parts.next() == Some("dkr") && parts.next() == Some("ecr");
    let region = parts.next()?;
    let is_aws = parts.next() == Some("amazonaws");
    (is_account && is_ecr && is_aws)
        .then(|| format!("arn:aws:ecr:{region}:{account}:repository/{repository}"))
}
