//! The list of formats.

use crate::loader::Loader;

/// Every loader. Where two match a document equally well, the earlier one reads it.
pub static LOADERS: &[&dyn Loader] = &[
    // Clusters.
    &crate::cluster::kubernetes::Kubernetes,
    // Bills of materials.
    &crate::sbom::cyclonedx::CycloneDxJson,
    // Scanners.
    &crate::vuln::trivy::Trivy,
    &crate::vuln::grype::Grype,
    // What is known of vulnerabilities.
    &crate::vuln::epss::Epss,
    &crate::vuln::kev::Kev,
    &crate::vuln::openvex::OpenVex,
    // Analysers of code.
    &crate::code::sarif::Sarif,
    &crate::code::codeowners::Codeowners,
    // Pipelines.
    &crate::code::github_actions::GithubActions,
    // APIs.
    &crate::api::openapi::OpenApi,
    // Clouds.
    &crate::cloud::aws_iam::AwsIam,
    &crate::cloud::aws_describe::AwsDescribe,
    // The user's own words.
    &crate::exchange::criticality::Criticality,
    // Graphs as such.
    &crate::exchange::opengraph::OpenGraph,
    &crate::exchange::jsonl::Jsonl,
];

/// The loader of a format.
pub fn loader(format: &str) -> Option<&'static dyn Loader> {
    LOADERS
        .iter()
        .copied()
        .find(|loader| loader.format() == format)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_have_one_loader_each() {
        let mut formats: Vec<_> = LOADERS.iter().map(|loader| loader.format()).collect();
        formats.sort_unstable();
        let n_formats = formats.len();
        formats.dedup();
        assert_eq!(formats.len(), n_formats);
    }
}
