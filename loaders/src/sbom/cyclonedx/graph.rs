//! Components and their dependencies.

use std::collections::{BTreeSet, HashMap};

use foothold_engine::model::{Facts, Value};

use super::bom::{Bom, Component, Service};
use crate::document::Document;
use crate::error::LoadError;
use crate::keys::PackageKey;
use crate::report::Report;
use crate::subject::{ImageSubject, stem, surroundings};

/// Which node each `bom-ref` of the document names; `None` for what has no node, such as a file.
pub(super) type Refs<'a> = HashMap<&'a str, Option<String>>;

/// States subject, components and dependencies.
pub(super) fn state<'a>(
    bom: &'a Bom,
    document: &Document,
    facts: &mut Facts,
    report: &mut Report,
) -> Result<Refs<'a>, LoadError> {
    let mut refs = Refs::new();
    let holders = state_subject(bom, document, facts, &mut refs)?;
    let direct = direct_refs(bom);
    let mut walk = Walk {
        facts,
        report,
        refs: &mut refs,
        holders: &holders,
        direct: &direct,
        stated: BTreeSet::new(),
        purls: BTreeSet::new(),
        listed: BTreeSet::new(),
    };
    walk.report
        .count("components_top_level", bom.components.len() as u64);
    for (index, component) in bom.components.iter().enumerate() {
        walk.component(component, &format!("/components/{index}"))?;
    }
    walk.services(&bom.services);
    state_dependencies(bom, &refs, facts, report)?;
    Ok(refs)
}

/// States what the document is about; returns the nodes that hold its packages.
fn state_subject<'a>(
    bom: &'a Bom,
    document: &Document,
    facts: &mut Facts,
    refs: &mut Refs<'a>,
) -> Result<Vec<String>, LoadError> {
    let mut holders = surroundings(document, facts)?;
    let Some(root) = &bom.metadata.component else {
        if holders.is_empty() {
            holders.push(state_application(&stem(document), None, facts)?);
        }
        return Ok(holders);
    };
    let mut own = None;
    if root.kind == "container" {
        own = image_of(root, bom).state(facts)?;
    } else if let Some(key) = package_key(root)
        && root.purl.is_some()
    {
        key.state(facts)?;
        own = Some(key.id);
    }
    let is_package = own.as_deref().is_some_and(|id| id.starts_with("pkg:"));
    if let (Some(id), false) = (&own, is_package) {
        if !holders.contains(id) {
            holders.push(id.clone());
        }
    } else if holders.is_empty() {
        holders.push(state_application(
            &full_name(root),
            root.version.as_deref(),
            facts,
        )?);
    }
    if let (Some(id), true) = (&own, is_package) {
        for holder in &holders {
            facts.edge(holder, "CONTAINS", id)?;
        }
    }
    if let Some(bom_ref) = &root.bom_ref {
        refs.insert(bom_ref, own.or_else(|| holders.first().cloned()));
    }
    Ok(holders)
}

fn state_application(
    name: &str,
    version: Option<&str>,
    facts: &mut Facts,
) -> Result<String, LoadError> {
    let name = if name.is_empty() { "unnamed" } else { name };
    let id = format!(
        "app://{}",
        name.replace(|c: char| c.is_whitespace() || c.is_control(), "-")
    );
    let fact = facts.node(&id, &["Application"])?;
    facts.set(fact, "name", name);
    facts.set_opt(fact, "version", version);
    Ok(id)
}

/// The image that a container component names, with the distribution among the components.
fn image_of(component: &Component, bom: &Bom) -> ImageSubject {
    let version = component.version.as_deref().filter(|text| !text.is_empty());
    let mut texts = Vec::new();
    if let Some(purl) = &component.purl {
        texts.extend(oci_references(purl));
    }
    for property in &component.properties {
        if matches!(
            property.name.as_str(),
            "aquasecurity:trivy:RepoDigest" | "aquasecurity:trivy:RepoTag"
        ) {
            texts.extend(property.value.clone());
        }
    }
    if let Some(version) = version {
        if version.starts_with("sha256:") {
            texts.push(format!("{}@{version}", component.name));
            texts.push(component.name.clone());
        } else {
            texts.push(format!("{}:{version}", component.name));
        }
    } else if texts.is_empty() || component.name.contains(':') {
        texts.push(component.name.clone());
    }
    // A digest that the tag of another reference already has needs no `latest` beside it.
    let mut image = ImageSubject::of(texts.iter().map(String::as_str));
    image.name = Some(component.name.clone());
    if let Some(repository) =
        component.property("syft:image:labels:org.opencontainers.image.source")
    {
        image.source_repository = Some(repository.to_owned());
    }
    if let Some(revision) =
        component.property("syft:image:labels:org.opencontainers.image.revision")
    {
        image.revision = Some(revision.to_owned());
    }
    for property in &component.properties {
        let label = property.name.strip_prefix("aquasecurity:trivy:Labels:");
        match label {
            Some("org.opencontainers.image.source") => {
                image.source_repository.clone_from(&property.value);
            }
            Some("org.opencontainers.image.revision") => image.revision.clone_from(&property.value),
            _ => {}
        }
    }
    image.os = bom
        .components
        .iter()
        .find(|component| component.kind == "operating-system")
        .map(|os| match &os.version {
            Some(version) => format!("{} {version}", os.name),
            None => os.name.clone(),
        });
    image
}

/// References that an OCI package URL stands for: `pkg:oci/nginx@sha256:..?repository_url=..&tag=..`.
pub(crate) fn oci_references(purl: &str) -> Vec<String> {
    let Ok(parsed) = purl.parse::<packageurl::PackageUrl<'_>>() else {
        return Vec::new();
    };
    if !matches!(parsed.ty(), "oci" | "docker") {
        return Vec::new();
    }
    let qualifier = |name: &str| parsed.qualifiers().get(name).map(AsRef::as_ref);
    let repository = match (qualifier("repository_url"), parsed.namespace()) {
        // The repository address ends in the name as a rule; some generators leave it out.
        (Some(address), _) if address.rsplit('/').next() == Some(parsed.name()) => {
            address.to_owned()
        }
        (Some(address), _) => format!("{}/{}", address.trim_end_matches('/'), parsed.name()),
        (None, Some(namespace)) => format!("{namespace}/{}", parsed.name()),
        (None, None) => parsed.name().to_owned(),
    };
    let is_placed = qualifier("repository_url").is_some() || parsed.namespace().is_some();
    let mut references = Vec::new();
    match parsed.version() {
        Some(digest) if digest.starts_with("sha256:") && is_placed => {
            references.push(format!("{repository}@{digest}"));
        }
        // The name alone does not say which registry; the digest needs none.
        Some(digest) if digest.starts_with("sha256:") => references.push(digest.to_owned()),
        Some(tag) => references.push(format!("{repository}:{tag}")),
        None => {}
    }
    if let Some(tag) = qualifier("tag") {
        references.push(format!("{repository}:{tag}"));
    }
    references
}

/// What the subject needs directly, by `bom-ref`; `None` where the document does not say.
fn direct_refs(bom: &Bom) -> Option<BTreeSet<&str>> {
    let root = bom.metadata.component.as_ref()?.bom_ref.as_deref()?;
    let entry = bom
        .dependencies
        .iter()
        .find(|dependency| dependency.reference == root)?;
    Some(entry.depends_on.iter().map(String::as_str).collect())
}

struct Walk<'a, 'w> {
    facts: &'w mut Facts,
    report: &'w mut Report,
    refs: &'w mut Refs<'a>,
    holders: &'w [String],
    direct: &'w Option<BTreeSet<&'a str>>,
    /// Packages whose node was stated: one package may be many components.
    stated: BTreeSet<String>,
    purls: BTreeSet<&'a str>,
    listed: BTreeSet<&'a str>,
}

impl<'a> Walk<'a, '_> {
    fn component(&mut self, component: &'a Component, pointer: &str) -> Result<(), LoadError> {
        self.report.count("components_total", 1);
        self.report
            .count(&format!("component_types.{}", component.kind), 1);
        let id = self.state(component, pointer)?;
        if let Some(bom_ref) = &component.bom_ref {
            self.report.count("bom_refs", 1);
            let known = self.refs.insert(bom_ref, id.clone());
            if !self.listed.insert(bom_ref) {
                self.report.count("duplicate_bom_refs", 1);
                // A reference to it would mean two things.
                if known.is_some_and(|known| known != id) {
                    return Err(LoadError::at(
                        format!("{pointer}/bom-ref"),
                        format!("`{bom_ref}` names a second component"),
                    ));
                }
            }
        }
        for (index, child) in component.components.iter().enumerate() {
            self.component(child, &format!("{pointer}/components/{index}"))?;
        }
        Ok(())
    }

    /// States the node of a component, if it is a thing that can be vulnerable or run.
    fn state(
        &mut self,
        component: &'a Component,
        pointer: &str,
    ) -> Result<Option<String>, LoadError> {
        if let Some(purl) = &component.purl {
            self.report.count("purls", 1);
            if self.purls.insert(purl) {
                self.report.count("distinct_purls", 1);
            }
            let ecosystem = purl
                .strip_prefix("pkg:")
                .and_then(|rest| rest.split('/').next());
            if let Some(ecosystem) = ecosystem {
                self.report.count(&format!("purl_types.{ecosystem}"), 1);
            }
            if PackageKey::parse(purl).is_none() {
                self.report.warn("unreadable-package-url", || {
                    format!("{pointer}/purl: `{purl}`")
                });
            }
        }
        if component.kind == "container" {
            let image = ImageSubject::of(
                component
                    .purl
                    .iter()
                    .flat_map(|purl| oci_references(purl))
                    .collect::<Vec<_>>()
                    .iter()
                    .map(String::as_str),
            );
            if !image.references.is_empty() {
                return Ok(image.state(self.facts)?);
            }
        }
        let has_purl = component.purl.is_some();
        let is_package = match component.kind.as_str() {
            // Files are listed with generic package URLs by some generators.
            "file" | "data" | "cryptographic-asset" => false,
            "library" | "framework" | "application" | "machine-learning-model" => true,
            "operating-system" => false,
            _ => has_purl,
        };
        if !is_package {
            return Ok(None);
        }
        let Some(key) = package_key(component) else {
            self.report
                .warn("component-without-name", || pointer.to_owned());
            return Ok(None);
        };
        let is_new = self.stated.insert(key.id.clone());
        if is_new {
            let fact = key.state(self.facts)?;
            let licenses = licenses(component);
            if !licenses.is_empty() {
                self.facts.set(fact, "licenses", Value::strings(&licenses));
            }
            self.facts
                .set_opt(fact, "scope", component.scope.as_deref());
            for holder in self.holders {
                let edge = self.facts.edge(holder, "CONTAINS", &key.id)?;
                if let (Some(direct), Some(bom_ref)) = (self.direct, &component.bom_ref) {
                    self.facts
                        .set(edge, "direct", direct.contains(bom_ref.as_str()));
                }
            }
        }
        Ok(Some(key.id))
    }

    fn services(&mut self, services: &'a [Service]) {
        for service in services {
            self.report.count("services_total", 1);
            if let Some(bom_ref) = &service.bom_ref {
                self.refs.entry(bom_ref).or_insert(None);
            }
            self.services(&service.services);
        }
    }
}

fn full_name(component: &Component) -> String {
    match component.group.as_deref().filter(|group| !group.is_empty()) {
        Some(group) => format!("{group}/{}", component.name),
        None => component.name.clone(),
    }
}

/// The package URL, or a generic one made of group, name and version.
fn package_key(component: &Component) -> Option<PackageKey> {
    let stated = component.purl.as_deref().and_then(PackageKey::parse);
    stated.or_else(|| {
        PackageKey::from_parts(
            "generic",
            component.group.as_deref(),
            &component.name,
            component.version.as_deref(),
        )
    })
}

fn licenses(component: &Component) -> Vec<&str> {
    component
        .licenses
        .iter()
        .filter_map(|choice| {
            let license = choice.license.as_ref();
            choice.expression.as_deref().or_else(|| {
                license.and_then(|license| license.id.as_deref().or(license.name.as_deref()))
            })
        })
        .collect()
}

fn state_dependencies(
    bom: &Bom,
    refs: &Refs<'_>,
    facts: &mut Facts,
    report: &mut Report,
) -> Result<(), LoadError> {
    report.count("dependency_entries", bom.dependencies.len() as u64);
    let mut edges = BTreeSet::new();
    for (index, dependency) in bom.dependencies.iter().enumerate() {
        report.count(
            "dependency_provides_edges",
            dependency.provides.len() as u64,
        );
        let from = refs.get(dependency.reference.as_str());
        if from.is_none() {
            report.count("dangling_dependency_refs", 1);
            report.warn("dangling-dependency", || {
                format!("/dependencies/{index}/ref: `{}`", dependency.reference)
            });
        }
        for (target_index, target) in dependency.depends_on.iter().enumerate() {
            report.count("dependency_edges", 1);
            if *target == dependency.reference {
                report.count("self_dependency_edges", 1);
            }
            let to = refs.get(target.as_str());
            if to.is_none() {
                report.count("dangling_dependency_refs", 1);
                report.warn("dangling-dependency", || {
                    format!("/dependencies/{index}/dependsOn/{target_index}: `{target}`")
                });
            }
            if let (Some(Some(from)), Some(Some(to))) = (from, to)
                && from != to
                && from.starts_with("pkg:")
                && to.starts_with("pkg:")
            {
                edges.insert((from, to));
            }
        }
    }
    for (from, to) in edges {
        facts.edge(from, "DEPENDS_ON", to)?;
    }
    Ok(())
}

/// The node that a reference names: a component, a package URL, or an element of another
/// document (`urn:cdx:<serial>/<version>#<bom-ref>`).
pub(super) fn resolve(reference: &str, refs: &Refs<'_>) -> Option<String> {
    if let Some(known) = refs.get(reference) {
        return known.clone();
    }
    if let Some((_, inner)) = reference.strip_prefix("urn:cdx:")?.split_once('#') {
        if let Some(known) = refs.get(inner) {
            return known.clone();
        }
        return PackageKey::parse(inner).map(|key| key.id);
    }
    None
}
