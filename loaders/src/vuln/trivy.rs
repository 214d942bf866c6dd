//! Trivy JSON: images, file systems, repositories, whole clusters, and the array of old versions.

mod model;
mod results;

use foothold_engine::model::Facts;

use self::model::{ClusterReport, Report as TrivyReport, Resource, ScanResult};
use self::results::Scan;
use crate::document::Document;
use crate::error::LoadError;
use crate::head::{Head, Shape};
use crate::keys::{ImageRef, repository_id};
use crate::loader::{Loader, Match};
use crate::report::Report;
use crate::subject::{ImageSubject, is_archive, state_repository, surroundings};

/// The loader.
pub(crate) struct Trivy;

impl Loader for Trivy {
    fn format(&self) -> &'static str {
        "trivy-json"
    }

    fn describe(&self) -> &'static str {
        "Trivy reports, JSON: image, file system, repository, Kubernetes"
    }

    fn detect(&self, head: &Head<'_>) -> Match {
        let Shape::Json(sketch) = head.shape else {
            return Match::No;
        };
        let has = |path| sketch.has(path);
        let cluster = [
            "Resources",
            "Vulnerabilities",
            "Misconfigurations",
            "Findings",
        ];
        let is_artifact = has("SchemaVersion") && (has("ArtifactName") || has("ArtifactType"));
        let is_cluster = has("ClusterName") && cluster.iter().any(|key| sketch.has(key));
        if is_artifact || is_cluster {
            Match::Certain
        } else if has("[].Target") && (has("[].Vulnerabilities") || has("[].Misconfigurations")) {
            Match::Likely
        } else if has("ArtifactName") || has("[].Target") {
            Match::Near(
                "has no `SchemaVersion`, and no list of results with `Vulnerabilities`".to_owned(),
            )
        } else {
            Match::No
        }
    }

    fn load(
        &self,
        document: &Document,
        facts: &mut Facts,
        report: &mut Report,
    ) -> Result<(), LoadError> {
        report.tool("Trivy", None);
        let mut scan = Scan::default();
        let Shape::Json(sketch) = document.shape() else {
            return Err(LoadError::at("", "not JSON"));
        };
        if sketch.has("ClusterName") {
            let cluster: ClusterReport = document.value()?;
            load_cluster(&cluster, document, &mut scan, facts, report)?;
        } else if sketch.has("[].Target") {
            let results: Vec<ScanResult> = document.value()?;
            load_array(&results, document, &mut scan, facts, report)?;
        } else {
            let trivy: TrivyReport = document.value()?;
            load_artifact(&trivy, document, &mut scan, facts, report)?;
        }
        scan.finish(facts, report)
    }
}

fn load_artifact(
    trivy: &TrivyReport,
    document: &Document,
    scan: &mut Scan,
    facts: &mut Facts,
    report: &mut Report,
) -> Result<(), LoadError> {
    report.tool("Trivy", trivy.trivy.version.as_deref());
    if let Some(time) = &trivy.created_at {
        report.observed_at(time);
    }
    let mut holders = Vec::new();
    if trivy.artifact_type == "container_image" {
        holders.extend(image_of(trivy).state(facts)?);
    } else if let Some(id) = trivy.metadata.repo_url.as_deref().and_then(repository_id) {
        state_repository(&id, facts)?;
        holders.push(id);
    }
    for id in surroundings(document, facts)? {
        if !holders.contains(&id) {
            holders.push(id);
        }
    }
    if holders.is_empty() {
        holders.push(application(&trivy.artifact_name, facts)?);
    }
    scan.results(&trivy.results, &holders, "/Results", facts, report)
}

fn load_array(
    results: &[ScanResult],
    document: &Document,
    scan: &mut Scan,
    facts: &mut Facts,
    report: &mut Report,
) -> Result<(), LoadError> {
    // `debian (debian 10.8)` is the image and its distribution; the image may be a bare name.
    let image = results.iter().find_map(image_of_target);
    let mut holders = match image {
        Some(image) => image.state(facts)?.into_iter().collect(),
        None => Vec::new(),
    };
    for id in surroundings(document, facts)? {
        if !holders.contains(&id) {
            holders.push(id);
        }
    }
    if holders.is_empty() {
        let target = results.first().map_or("", |result| result.target.as_str());
        holders.push(application(target, facts)?);
    }
    scan.results(results, &holders, "", facts, report)
}

fn load_cluster(
    cluster: &ClusterReport,
    document: &Document,
    scan: &mut Scan,
    facts: &mut Facts,
    report: &mut Report,
) -> Result<(), LoadError> {
    let name = match (&document.context().cluster, cluster.cluster_name.as_str()) {
        (Some(stated), _) => stated.as_ref(),
        (None, "") => document.context().cluster(),
        (None, named) => named.rsplit('/').next().unwrap_or(named),
    };
    let mut namespaces = std::collections::BTreeSet::new();
    let lists = [
        ("/Resources", &cluster.resources),
        ("/Vulnerabilities", &cluster.vulnerabilities),
        ("/Misconfigurations", &cluster.misconfigurations),
        ("/Findings", &cluster.findings),
    ];
    for (pointer, resources) in lists {
        for (index, resource) in resources.iter().enumerate() {
            report.count("cluster_resources", 1);
            report.count(&format!("resource_kinds.{}", resource.kind), 1);
            if !resource.namespace.is_empty() {
                namespaces.insert(resource.namespace.as_str());
            }
            let pointer = format!("{pointer}/{index}/Results");
            load_resource(resource, name, &pointer, scan, facts, report)?;
        }
    }
    report.count("namespaces", namespaces.len() as u64);
    Ok(())
}

fn load_resource(
    resource: &Resource,
    cluster: &str,
    pointer: &str,
    scan: &mut Scan,
    facts: &mut Facts,
    report: &mut Report,
) -> Result<(), LoadError> {
    const WORKLOADS: &[&str] = &[
        "Deployment",
        "StatefulSet",
        "DaemonSet",
        "Job",
        "CronJob",
        "ReplicaSet",
        "Pod",
        "ReplicationController",
    ];
    let kind = resource.kind.as_str();
    let namespace = match resource.namespace.as_str() {
        "" => "-",
        namespace => namespace,
    };
    let object = format!("k8s://{cluster}/{namespace}/{kind}/{}", resource.name);
    let is_workload = WORKLOADS.contains(&kind);
    let fact = if is_workload {
        facts.node(&object, &["Workload", kind])?
    } else {
        facts.node(&object, &[])?
    };
    facts.set(fact, "name", resource.name.as_str());
    facts.set(fact, "kind", kind);
    if is_workload {
        facts.set(fact, "namespace", namespace);
        facts.set(fact, "cluster", cluster);
    }
    let has_packages = resource
        .results
        .iter()
        .any(|result| !result.vulnerabilities.is_empty() || !result.packages.is_empty());
    let mut holders = vec![object.clone()];
    if is_workload && has_packages {
        let mut image = resource
            .results
            .iter()
            .find_map(image_of_target)
            .unwrap_or_default();
        for metadata in &resource.metadata.0 {
            image.references.extend(references(metadata));
        }
        let id = match image.state(facts)? {
            Some(id) => id,
            None => unnamed_image(resource, facts)?,
        };
        facts.edge(&object, "RUNS", &id)?;
        holders = vec![id];
    }
    for (index, result) in resource.results.iter().enumerate() {
        let pointer = format!("{pointer}/{index}");
        // Packages are in the image; a misconfiguration is in the object.
        let holder = if result.class.as_deref() == Some("config") {
            std::slice::from_ref(&object)
        } else {
            &holders
        };
        scan.result(result, holder, &pointer, facts, report)?;
    }
    Ok(())
}

/// An image that the report does not name, standing between the workload and its packages.
fn unnamed_image(resource: &Resource, facts: &mut Facts) -> Result<String, LoadError> {
    let id = format!(
        "image://unnamed/{}/{}/{}",
        resource.namespace, resource.kind, resource.name
    );
    let fact = facts.node(&id, &["Image"])?;
    facts.set(fact, "name", format!("image of {}", resource.name));
    Ok(id)
}

fn application(name: &str, facts: &mut Facts) -> Result<String, LoadError> {
    let name = if name.trim().is_empty() {
        "unnamed"
    } else {
        name
    };
    let id = format!(
        "app://{}",
        name.replace(|c: char| c.is_whitespace() || c.is_control(), "-")
    );
    let fact = facts.node(&id, &["Application"])?;
    facts.set(fact, "name", name);
    Ok(id)
}

fn references(metadata: &model::Metadata) -> Vec<ImageRef> {
    metadata
        .repo_digests
        .iter()
        .chain(&metadata.repo_tags)
        .filter_map(|text| ImageRef::parse(text))
        .collect()
}

fn image_of(trivy: &TrivyReport) -> ImageSubject {
    let metadata = &trivy.metadata;
    let mut image = ImageSubject {
        references: references(metadata),
        ..ImageSubject::default()
    };
    if !is_archive(&trivy.artifact_name) {
        image
            .references
            .extend(ImageRef::parse(&trivy.artifact_name));
    }
    if image.references.is_empty() {
        // An image that was never pushed has the digest of its configuration only.
        image
            .references
            .extend(metadata.image_id.as_deref().and_then(ImageRef::parse));
    }
    let name = [Some(&trivy.artifact_name), metadata.repo_tags.first()];
    image.name = name
        .into_iter()
        .flatten()
        .find(|name| !name.is_empty())
        .cloned();
    image.os = metadata
        .os
        .as_ref()
        .map(|os| format!("{} {}", os.family, os.name));
    let labels = &metadata.image_config.config.labels;
    image.source_repository = labels.get("org.opencontainers.image.source").cloned();
    image.revision = labels.get("org.opencontainers.image.revision").cloned();
    image
}

/// The image in a target of operating-system packages, `nginx:1.25 (debian 12.1)`.
fn image_of_target(result: &ScanResult) -> Option<ImageSubject> {
    let (name, os) = result.target.rsplit_once(" (")?;
    let os = os.strip_suffix(')')?;
    let mut image = ImageSubject::of([name]);
    image.os = Some(os.to_owned());
    (!image.references.is_empty()).then_some(image)
}
