//! GitHub Actions workflows: what starts each job, with which rights, and whose code it runs.
//!
//! A fact that a setting of the repository decides (the rights of a token that no one limits, who
//! must approve a run, whether a name is that of an own machine) is left out, not guessed.
//!
//! A workflow does not name its repository; the surroundings must (`foothold.yaml`). Without that,
//! the repository's id is made of the document's own path, so that two never share one.

mod caches;
mod condition;
mod expression;
mod images;
mod infrastructure;
mod job;
mod permissions;
mod proposal;
mod runner;
mod secrets;
#[cfg(test)]
#[allow(clippy::needless_raw_string_hashes, reason = "expect-test writes them")]
mod tests;
mod triggers;
mod untrusted;
mod uses;
mod workflow;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use foothold_engine::model::Facts;
use serde_json::Value;

use crate::decode::{Tree, yaml};
use crate::document::Document;
use crate::error::LoadError;
use crate::head::Head;
use crate::limits::Limits;
use crate::loader::{Loader, Match};
use crate::report::Report;
use crate::subject::{state_repository, surrounding_repository};

use self::uses::{Uses, is_commit};
use self::workflow::Workflow;

/// Where workflows lie in a repository.
const FOLDER: &str = ".github/workflows/";

/// The loader.
pub(crate) struct GithubActions;

impl Loader for GithubActions {
    fn format(&self) -> &'static str {
        "github-actions"
    }

    fn describe(&self) -> &'static str {
        "GitHub Actions workflows"
    }

    fn detect(&self, head: &Head<'_>) -> Match {
        let Some(sketch) = head.tree() else {
            return Match::No;
        };
        let has_on = ["on", "true", "True"].iter().any(|key| sketch.has(key));
        let other = [
            "apiVersion",
            "kind",
            "openapi",
            "swagger",
            "services",
            "stages",
        ];
        if other.iter().any(|key| sketch.has(key)) || !sketch.has("jobs") {
            return Match::No;
        }
        let text = head.text();
        let has_jobs = text.contains("runs-on") || text.contains("uses");
        match (has_on, has_jobs) {
            (true, true) => Match::Certain,
            (true, false) => Match::Likely,
            (false, true) => Match::Near("has `jobs` but not `on`".to_owned()),
            (false, false) => Match::No,
        }
    }

    fn load(
        &self,
        document: &Document,
        facts: &mut Facts,
        report: &mut Report,
    ) -> Result<(), LoadError> {
        let Tree(root) = document.value()?;
        let workflow = Workflow::of(&root, report)?;
        let home = Home::of(document, facts, report)?;
        count(&root, &workflow, report);
        for job in &workflow.jobs {
            job::state(&home, &workflow, job, facts, report)?;
        }
        Ok(())
    }
}

/// States the jobs of a workflow whose text another document holds, for a repository that it names.
pub(crate) fn state_text(
    repository: &str,
    file: &str,
    text: &str,
    limits: &Limits,
    facts: &mut Facts,
    report: &mut Report,
) -> Result<(), LoadError> {
    let trees: Vec<Tree> = yaml::documents(text, limits)?;
    let [Tree(root)] = trees.as_slice() else {
        return Err(LoadError::at("", "expected one YAML document"));
    };
    let workflow = Workflow::of(root, report)?;
    let home = Home {
        repository: repository.to_owned(),
        is_named: true,
        file: encoded(file, false),
    };
    for job in &workflow.jobs {
        job::state(&home, &workflow, job, facts, report)?;
    }
    Ok(())
}

/// Where a workflow belongs.
#[derive(Debug)]
struct Home {
    /// Id of the repository.
    repository: String,
    /// Whether somebody named it.
    is_named: bool,
    /// File name of the workflow.
    file: String,
}

impl Home {
    fn of(document: &Document, facts: &mut Facts, report: &mut Report) -> Result<Self, LoadError> {
        let name = document.name();
        let file = name.rsplit(['/', '!']).next().unwrap_or(name);
        let file = encoded(file, false);
        if let Some(repository) = surrounding_repository(document, facts)? {
            return Ok(Self {
                repository,
                is_named: true,
                file,
            });
        }
        // Workflows of one folder are of one repository; any other is alone.
        let root = match name.rfind(FOLDER) {
            Some(0) => ".",
            Some(at) => name
                .get(..at)
                .unwrap_or_default()
                .trim_end_matches(['/', '!']),
            None => name,
        };
        let repository = format!("repo://unnamed/{}", encoded(root, true));
        report.warn("repository-unknown", || {
            format!("jobs stand at `{repository}`; name the repository in foothold.yaml")
        });
        state_repository(&repository, facts)?;
        Ok(Self {
            repository,
            is_named: false,
            file,
        })
    }

    /// The id of the repository without its scheme.
    fn rest(&self) -> &str {
        self.repository
            .strip_prefix("repo://")
            .unwrap_or(&self.repository)
    }

    /// `owner/name`, where the repository is known.
    fn path(&self) -> Option<&str> {
        let (_, path) = self.rest().split_once('/')?;
        self.is_named.then_some(path)
    }

    fn owner(&self) -> Option<&str> {
        self.path()?.split('/').next()
    }

    /// The host that actions are taken from.
    fn host(&self) -> &str {
        let host = self.rest().split('/').next().unwrap_or_default();
        if self.is_named { host } else { "github.com" }
    }

    fn job(&self, key: &str) -> String {
        format!("ci://{}/{}/{}", self.rest(), self.file, encoded(key, false))
    }

    /// Environments may have secrets of the same name, and so may the repository.
    fn secret(&self, environment: Option<&str>, name: &str) -> String {
        match environment {
            Some(environment) => {
                let environment = encoded(environment, false);
                format!("ci-secret://{}/{environment}/{name}", self.rest())
            }
            None => format!("ci-secret://{}/{name}", self.rest()),
        }
    }

    fn cache(&self, key: &str) -> String {
        format!("ci-cache://{}/{}", self.rest(), encoded(key, true))
    }

    /// Machines with these labels that jobs of the repository may get.
    fn runner(&self, name: &str) -> String {
        format!("runner://{}/{}", self.rest(), encoded(name, false))
    }

    fn runner_group(&self, name: &str) -> String {
        let name = encoded(name, false);
        match self.owner() {
            Some(owner) => format!("runner://{}/{owner}/group:{name}", self.host()),
            None => format!("runner://{}/group:{name}", self.rest()),
        }
    }
}

/// A name as a part of an id: what would end the part or break the id is written as `%` and two
/// digits, so that two names never become one. A very long one is cut and ends with its digest.
fn encoded(name: &str, slashes: bool) -> String {
    const MAX_BYTES: usize = 400;
    let mut out = String::new();
    for c in name.chars() {
        if c.is_control() || c.is_whitespace() || c == '%' || c == '/' && !slashes {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                let _ = write!(out, "%{byte:02x}");
            }
        } else {
            out.push(c);
        }
    }
    if out.is_empty() {
        "%".to_owned()
    } else if out.len() > MAX_BYTES {
        let digest = crate::finding::FindingIds::default().next("long", &[&out]);
        let digest = digest.rsplit('/').next().unwrap_or_default().to_owned();
        let kept: String = out.chars().take(80).collect();
        format!("{kept}%%{digest}")
    } else {
        out
    }
}

/// Counts what a reader of the document would count.
fn count(root: &Value, workflow: &Workflow<'_>, report: &mut Report) {
    let mut actions = BTreeSet::new();
    for job in &workflow.jobs {
        report.count("jobs", 1);
        report.count("steps", job.steps.len() as u64);
        report.count("needs_edges", job.needs.len() as u64);
        report.count("reusable_workflow_jobs", u64::from(job.uses().is_some()));
        let is_own = runner::RunsOn::of(job)
            .labels
            .iter()
            .any(|labels| runner::host_of(labels) == runner::Host::Own);
        report.count("self_hosted_jobs", u64::from(is_own));
        let steps = job.steps.iter().filter_map(|step| step.uses());
        for text in steps.chain(job.uses()) {
            let (name, version) = text.split_once('@').unwrap_or((text, ""));
            actions.insert(name);
            report.count("uses", 1);
            let is_pinned = !matches!(Uses::of(text), Uses::Local) && is_commit(version);
            report.count("uses_pinned_to_sha", u64::from(is_pinned));
        }
    }
    for name in ["uses", "uses_pinned_to_sha"] {
        report.count(name, 0);
    }
    report.count("distinct_actions", actions.len() as u64);
    report.count("distinct_secrets", secrets::all_names(root).len() as u64);
}
