//! One run: its subject, its results, their places.

use std::collections::BTreeSet;

use foothold_engine::model::{FactRef, Facts, Value};

use super::component::{self, VulnerableComponent};
use super::model::{ArtifactLocation, Location, Rule, Run, SarifResult};
use super::rule::{class_of, cwes_of, property_texts, rule_id, rule_of, severity_of};
use crate::advisory::Advisories;
use crate::document::Document;
use crate::error::LoadError;
use crate::finding::{FindingHead, FindingIds};
use crate::keys::repository_id;
use crate::report::Report;
use crate::subject::{ImageSubject, is_archive, state_repository, stem, surrounding_repository};

/// Counts over all runs.
#[derive(Debug, Default)]
pub(super) struct Totals {
    files: BTreeSet<String>,
    rules: BTreeSet<String>,
    cves: BTreeSet<String>,
}

impl Totals {
    pub(super) fn count(&self, report: &mut Report) {
        report.count("distinct_files", self.files.len() as u64);
        report.count("distinct_rule_ids", self.rules.len() as u64);
        report.count("distinct_cves_in_rule_ids", self.cves.len() as u64);
    }
}

/// What reading a run needs and fills.
pub(super) struct Reading<'a> {
    pub(super) document: &'a Document,
    pub(super) facts: &'a mut Facts,
    pub(super) report: &'a mut Report,
    pub(super) ids: &'a mut FindingIds,
    pub(super) advisories: &'a mut Advisories,
    pub(super) totals: &'a mut Totals,
}

/// What a run is about.
struct Subject {
    /// The repository that files are in.
    repository: Option<String>,
    /// The image that was scanned.
    image: Option<String>,
}

impl Subject {
    /// The node that has the findings.
    fn holder(&self) -> Option<&str> {
        self.image.as_deref().or(self.repository.as_deref())
    }
}

impl Reading<'_> {
    pub(super) fn run(&mut self, run: &Run, pointer: &str) -> Result<(), LoadError> {
        let driver = &run.tool.driver;
        let version = driver
            .version
            .as_deref()
            .or(driver.semantic_version.as_deref());
        self.report.count("runs", 1);
        self.report.count("rules", driver.rules.len() as u64);
        self.report.tool(&driver.name, version);
        if let Some(time) = run
            .invocations
            .iter()
            .find_map(|it| it.end_time_utc.as_deref())
        {
            self.report.observed_at(time);
        }
        let results = run.results.as_deref().unwrap_or_default();
        if results.is_empty() {
            return Ok(());
        }
        let subject = self.subject(run)?;
        let distribution = component::distribution(run);
        let mut stated_files = BTreeSet::new();
        let mut contained = BTreeSet::new();
        for (index, result) in results.iter().enumerate() {
            let pointer = format!("{pointer}/results/{index}");
            self.count(run, result);
            let rule = rule_of(run, result);
            if rule_id(result).is_none() && rule.is_none() {
                self.report.warn("result-without-rule", || pointer.clone());
            }
            let is_present = !matches!(result.kind.as_deref(), Some("pass" | "notApplicable"))
                && result.baseline_state.as_deref() != Some("absent");
            if !is_present {
                continue;
            }
            let component = component::read(run, rule, result, distribution);
            if let Some(component) = &component {
                self.component(component, &subject, &mut contained)?;
            }
            self.finding(
                run,
                rule,
                result,
                &subject,
                component.as_ref(),
                &mut stated_files,
            )?;
        }
        Ok(())
    }

    fn count(&mut self, run: &Run, result: &SarifResult) {
        let report = &mut *self.report;
        report.count("results", 1);
        report.finding(1);
        let level = result.level.as_deref().unwrap_or("(default)");
        report.count(&format!("levels.{level}"), 1);
        report.count("locations", result.locations.len() as u64);
        report.count("related_locations", result.related_locations.len() as u64);
        report.count(
            "results_with_code_flows",
            u64::from(!result.code_flows.is_empty()),
        );
        report.count(
            "results_with_fingerprints",
            u64::from(!result.fingerprints.is_empty()),
        );
        report.count(
            "results_with_partial_fingerprints",
            u64::from(!result.partial_fingerprints.is_empty()),
        );
        report.count("suppressed_results", u64::from(is_suppressed(result)));
        let n_flow_locations: usize = result
            .code_flows
            .iter()
            .flat_map(|flow| &flow.thread_flows)
            .map(|thread| thread.locations.len())
            .sum();
        report.count("thread_flow_locations", n_flow_locations as u64);
        if let Some(id) = rule_id(result) {
            self.totals.rules.insert(id.to_owned());
            self.totals.cves.extend(cve_in(id));
        }
        for location in &result.locations {
            let artifact = &location.physical_location.artifact_location;
            self.totals
                .files
                .extend(uri_of(run, artifact).map(str::to_owned));
        }
    }

    fn subject(&mut self, run: &Run) -> Result<Subject, LoadError> {
        let image = image_of(run).state(self.facts)?;
        let image = match (image, &self.document.context().image) {
            (Some(image), _) => Some(image),
            (None, Some(text)) if is_package_scanner(run) => {
                ImageSubject::of([text.as_ref()]).state(self.facts)?
            }
            _ => None,
        };
        let provenance = run
            .version_control_provenance
            .iter()
            .find_map(|version_control| {
                let id = repository_id(version_control.repository_uri.as_deref()?)?;
                Some((id, version_control))
            });
        let repository = match provenance {
            Some((id, version_control)) => {
                let fact = self.facts.node(&id, &["Repository"])?;
                self.facts
                    .set(fact, "name", id.rsplit('/').next().unwrap_or(&id));
                self.facts
                    .set_opt(fact, "revision", version_control.revision_id.as_deref());
                self.facts
                    .set_opt(fact, "branch", version_control.branch.as_deref());
                Some(id)
            }
            None => surrounding_repository(self.document, self.facts)?,
        };
        let repository = match (repository, &image) {
            (None, None) => {
                let id = format!("repo://unnamed/{}", stem(self.document).replace(' ', "-"));
                self.report.warn("repository-unknown", || {
                    format!("results stand in `{id}`; name the repository in foothold.yaml")
                });
                state_repository(&id, self.facts)?;
                Some(id)
            }
            (repository, _) => repository,
        };
        Ok(Subject { repository, image })
    }

    fn component(
        &mut self,
        component: &VulnerableComponent,
        subject: &Subject,
        contained: &mut BTreeSet<String>,
    ) -> Result<(), LoadError> {
        let package = &component.package;
        if contained.insert(package.id.clone()) {
            package.state(self.facts)?;
            if let Some(holder) = subject.holder() {
                let edge = self.facts.edge(holder, "CONTAINS", &package.id)?;
                self.facts.infer(edge, "sarif-text", 90);
            }
        }
        let advisory = component.advisory.clone();
        let Some(id) = self.advisories.note(&component.vulnerability, advisory) else {
            return Ok(());
        };
        let edge = self
            .facts
            .edge(&package.id, "AFFECTED_BY", &format!("vuln:{id}"))?;
        self.facts
            .set_opt(edge, "fixed_version", component.fixed_version.as_deref());
        self.facts
            .set_opt(edge, "severity", component.severity.as_deref());
        self.facts.infer(edge, "sarif-text", 90);
        Ok(())
    }

    fn finding(
        &mut self,
        run: &Run,
        rule: Option<&Rule>,
        result: &SarifResult,
        subject: &Subject,
        component: Option<&VulnerableComponent>,
        stated_files: &mut BTreeSet<String>,
    ) -> Result<(), LoadError> {
        let tool = run.tool.driver.name.as_str();
        let id = rule_id(result)
            .or(rule.map(|rule| rule.id.as_str()))
            .unwrap_or("unnamed");
        let level = result
            .level
            .as_deref()
            .or(rule.and_then(|rule| rule.default_configuration.level.as_deref()))
            .unwrap_or("warning");
        let cwes = cwes_of(rule, result);
        let first = result.locations.first();
        let path = first.and_then(|location| path_of(run, location));
        let mark = fingerprint(result);
        let holder = subject.holder().unwrap_or_default();
        let package = component.map_or("", |component| component.package.id.as_str());
        let parts = [
            holder,
            id,
            path.as_deref().unwrap_or_default(),
            package,
            &mark,
        ];
        let finding_id = self.ids.next(tool, &parts);
        let message = message_of(rule, result);
        let class = match component {
            Some(_) => "vulnerable-component",
            None => class_of(tool, id, rule, &cwes),
        };
        let head = FindingHead {
            tool,
            rule_id: id,
            message: &message,
            severity: severity_of(rule, result, level),
            class,
        };
        let fact = head.state(&finding_id, self.facts)?;
        self.facts.set(fact, "level", level);
        if !cwes.is_empty() {
            self.facts.set(fact, "cwe", Value::strings(&cwes));
        }
        self.facts.set_opt(fact, "path", path.as_deref());
        let line = first.and_then(|location| location.physical_location.region.start_line);
        self.facts.set_opt(fact, "line", line);
        self.facts
            .set_opt(fact, "function", first.and_then(function_of));
        if is_suppressed(result) {
            self.facts.set(fact, "suppressed", true);
        }
        let ends = flow_ends(result);
        self.flow(run, fact, ends);
        match component {
            Some(component) => {
                self.facts
                    .edge(&component.package.id, "HAS_FINDING", &finding_id)?;
            }
            None if !holder.is_empty() => {
                self.facts.edge(holder, "HAS_FINDING", &finding_id)?;
            }
            None => {}
        }
        let Some(repository) = subject
            .repository
            .as_deref()
            .filter(|_| component.is_none())
        else {
            return Ok(());
        };
        let mut located = BTreeSet::new();
        let source = ends.map(|(source, _)| source);
        for location in result.locations.iter().chain(source) {
            let Some(path) = path_of(run, location) else {
                continue;
            };
            let file = format!("{repository}#{path}");
            if !located.insert(file.clone()) {
                continue;
            }
            if stated_files.insert(file.clone()) {
                let fact = self.facts.node(&file, &["File"])?;
                self.facts
                    .set(fact, "name", path.rsplit('/').next().unwrap_or(&path));
                self.facts.set(fact, "path", path.as_str());
            }
            let edge = self.facts.edge(&finding_id, "LOCATED_IN", &file)?;
            self.facts
                .set_opt(edge, "line", location.physical_location.region.start_line);
        }
        Ok(())
    }

    /// Where data enters and where it does harm.
    fn flow(&mut self, run: &Run, fact: FactRef, ends: Option<(&Location, &Location)>) {
        let Some((source, sink)) = ends else { return };
        for (name, location) in [("flow_source", source), ("flow_sink", sink)] {
            if let Some(path) = path_of(run, location) {
                let line = location.physical_location.region.start_line.unwrap_or(0);
                self.facts.set(fact, name, format!("{path}:{line}"));
            }
        }
    }
}

/// First and last place of the first code flow.
fn flow_ends(result: &SarifResult) -> Option<(&Location, &Location)> {
    let thread = result.code_flows.first()?.thread_flows.first()?;
    let first = thread.locations.first()?;
    let last = thread.locations.last()?;
    Some((&first.location, &last.location))
}

fn is_suppressed(result: &SarifResult) -> bool {
    result.suppressions.iter().flatten().any(|suppression| {
        !matches!(
            suppression.status.as_deref(),
            Some("rejected" | "underReview")
        )
    })
}

fn is_package_scanner(run: &Run) -> bool {
    let tool = run.tool.driver.name.to_ascii_lowercase();
    ["grype", "trivy", "snyk container"]
        .iter()
        .any(|name| tool.contains(name))
}

/// The image that a scanner names in its own ways.
fn image_of(run: &Run) -> ImageSubject {
    let mut texts = Vec::new();
    for name in ["repoDigests", "repoTags", "imageName"] {
        texts.extend(
            property_texts(&run.properties, name)
                .into_iter()
                .map(str::to_owned),
        );
    }
    // A scanned archive is no reference.
    texts.retain(|text| !is_archive(text));
    if texts.is_empty() && is_package_scanner(run) {
        let first = run.results.iter().flatten().next();
        let location = first.and_then(|result| result.locations.first());
        let logical = location
            .and_then(|location| location.logical_locations.first())
            .and_then(|logical| logical.fully_qualified_name.as_deref());
        let uri = location
            .and_then(|location| location.physical_location.artifact_location.uri.as_deref());
        // Grype: `<image>@<layer>:<path>`; Snyk: `name@sha256_<hex>`.
        let of_layer =
            logical.and_then(|name| name.rsplit_once("@sha256:").map(|(image, _)| image));
        let of_uri = uri
            .filter(|uri| uri.contains("@sha256_"))
            .map(|uri| uri.replace("@sha256_", "@sha256:"));
        texts.extend(
            of_layer
                .map(str::to_owned)
                .filter(|name| name.contains([':', '@'])),
        );
        texts.extend(of_uri);
    }
    ImageSubject::of(texts.iter().map(String::as_str))
}

/// The address of an artifact, directly or by its index in the run's list.
fn uri_of<'a>(run: &'a Run, artifact: &'a ArtifactLocation) -> Option<&'a str> {
    let indexed = || {
        let index = usize::try_from(artifact.index?).ok()?;
        run.artifacts.get(index)?.location.uri.as_deref()
    };
    artifact.uri.as_deref().or_else(indexed)
}

/// The path of a location from the root of its repository, as far as the run says where that is.
fn path_of(run: &Run, location: &Location) -> Option<String> {
    let artifact = &location.physical_location.artifact_location;
    let uri = uri_of(run, artifact)?;
    let base = artifact
        .uri_base_id
        .as_deref()
        .and_then(|id| run.original_uri_base_ids.get(id))
        .and_then(|base| base.uri.as_deref());
    let bases = base.into_iter().chain(
        run.original_uri_base_ids
            .values()
            .filter_map(|base| base.uri.as_deref()),
    );
    let mut relative = uri;
    for base in bases {
        if let Some(rest) = uri.strip_prefix(base).filter(|_| !base.is_empty()) {
            relative = rest;
            break;
        }
    }
    let path = relative.strip_prefix("file://").unwrap_or(relative);
    let path = percent_decode(path);
    let path = path.trim_start_matches("./").trim_start_matches('/');
    let clean: String = path.chars().filter(|c| !c.is_control()).collect();
    (!clean.is_empty()).then_some(clean)
}

fn percent_decode(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let decoded = match (first, tail) {
            (b'%', [high, low, after @ ..]) => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                digit(high)
                    .zip(digit(low))
                    .map(|(high, low)| ((high * 16 + low) as u8, after))
            }
            _ => None,
        };
        let (byte, after) = decoded.unwrap_or((first, tail));
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn function_of(location: &Location) -> Option<&str> {
    let logical = location.logical_locations.iter().find(|logical| {
        matches!(
            logical.kind.as_deref(),
            None | Some("function" | "member" | "method")
        )
    })?;
    logical
        .fully_qualified_name
        .as_deref()
        .or(logical.name.as_deref())
}

/// What tells a result from others of its rule in its file: the tool's fingerprint, or the code
/// without its blanks.
fn fingerprint(result: &SarifResult) -> String {
    // Semgrep writes this in place of a fingerprint when it runs without an account.
    let stated = result
        .fingerprints
        .values()
        .chain(result.partial_fingerprints.get("primaryLocationLineHash"))
        .chain(result.partial_fingerprints.values())
        .find(|value| !value.is_empty() && *value != "requires login");
    if let Some(stated) = stated {
        return stated.clone();
    }
    let snippet = result
        .locations
        .first()
        .and_then(|location| location.physical_location.region.snippet.text.as_deref());
    snippet
        .unwrap_or_default()
        .chars()
        .filter(|c| !c.is_whitespace())
        .collect()
}

/// The message, from the rule's templates where the result only names one.
fn message_of(rule: Option<&Rule>, result: &SarifResult) -> String {
    let message = &result.message;
    let template = || {
        let rule = rule?;
        rule.message_strings
            .get(message.id.as_deref()?)?
            .text
            .clone()
    };
    let mut text = match &message.text {
        Some(text) => text.clone(),
        None => template().unwrap_or_default(),
    };
    for (index, argument) in message.arguments.iter().take(20).enumerate() {
        text = text.replace(&format!("{{{index}}}"), argument);
    }
    if text.is_empty() {
        text = rule
            .and_then(|rule| rule.short_description.text.clone())
            .unwrap_or_default();
    }
    text
}

fn cve_in(id: &str) -> Option<String> {
    let rest = id.get(id.find("CVE-")?..)?;
    let mut parts = rest.splitn(4, '-');
    let (_, year, number) = (parts.next()?, parts.next()?, parts.next()?);
    let number: String = number.chars().take_while(char::is_ascii_digit).collect();
    (year.len() == 4 && number.len() >= 4).then(|| format!("CVE-{year}-{number}"))
}
