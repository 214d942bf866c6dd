//! What is stated of one job.

use std::collections::{BTreeMap, BTreeSet};

use foothold_engine::model::{CERTAIN, Facts, IdError, Value as Property};

use crate::keys::ImageRef;
use crate::report::Report;

use super::condition::{Scenario, Truth, Who};
use super::permissions::Token;
use super::runner::{Host, RunsOn, host_of};
use super::secrets::Secrets;
use super::uses::{Uses, is_commit, is_of_the_host};
use super::workflow::{Condition, Job, MAX_BEFORE, Workflow};
use super::{Home, caches, images, infrastructure, proposal, untrusted};

/// A version of an action keeps a cache unless it is told otherwise; older ones do not.
const CACHE_BY_ITSELF: u8 = 70;
/// Machines with the labels may be several, and which one runs the job is not said.
const SAME_LABELS: u8 = 70;

/// What strangers can do with a job.
#[derive(Debug, Default, PartialEq, Eq)]
struct Exposure {
    /// It runs for them with the rights of the repository.
    privileged: Option<bool>,
    /// It runs what they propose.
    proposal: Option<bool>,
    /// It puts text of theirs into code.
    injectable: Option<bool>,
    /// Whether a person lets it run.
    approval: Option<&'static str>,
}

/// States a job with what hangs on it.
pub(super) fn state(
    home: &Home,
    workflow: &Workflow<'_>,
    job: &Job<'_>,
    facts: &mut Facts,
    report: &mut Report,
) -> Result<(), IdError> {
    let id = home.job(job.key);
    facts.edge(&home.repository, "HAS_JOB", &id)?;
    let token = Token::of(workflow, job, report);
    let secrets = Secrets::of(workflow, job);
    let exposure = exposure(home, workflow, job, report);
    let environment = job.environment();
    let runs_on = RunsOn::of(job);
    let published = images::published(workflow, job, home.path());
    let fact = facts.node(&id, &["CiJob"])?;
    facts.set(fact, "name", format!("{}/{}", home.file, job.key));
    let events = workflow.triggers.events.iter();
    facts.set(
        fact,
        "triggers",
        Property::strings(events.map(|event| event.name.as_str())),
    );
    facts.set_opt(fact, "any_branch", any_branch(home, workflow, job));
    facts.set_opt(fact, "privileged_trigger", exposure.privileged);
    facts.set_opt(fact, "checks_out_proposal", exposure.proposal);
    facts.set_opt(fact, "injectable", exposure.injectable);
    facts.set_opt(fact, "approval", exposure.approval);
    facts.set(fact, "secrets", secrets.any());
    facts.set_opt(fact, "write_token", token.writes);
    facts.set_opt(fact, "token_federation", token.federates);
    if let Some(Ok(name)) = &environment {
        facts.set(fact, "environment", name.as_ref());
    }
    facts.set(fact, "subjects", Property::strings(subjects(workflow, job)));
    if !runs_on.labels.is_empty() {
        let labels: BTreeSet<&String> = runs_on.labels.iter().flatten().collect();
        facts.set(fact, "runs_on", Property::strings(labels));
    }
    if !published.repositories.is_empty() {
        facts.set(
            fact,
            "publishes",
            Property::strings(&published.repositories),
        );
    }
    if published.n_unknown > 0 {
        report.warn("image-unknown", || {
            format!(
                "`{}` publishes an image whose name is made as it runs",
                job.key
            )
        });
    }
    if matches!(environment, Some(Err(()))) {
        report.warn("environment-unknown", || format!("`{}`", job.key));
    }
    state_secrets(
        home,
        workflow,
        &id,
        &secrets,
        environment.and_then(Result::ok).as_deref(),
        facts,
    )?;
    state_actions(home, job, &id, facts, report)?;
    state_runners(home, &id, &runs_on, facts, report)?;
    state_caches(home, workflow, job, &id, facts)?;
    for reference in &published.images {
        if let Some(image) = ImageRef::parse(reference) {
            state_image(&id, reference, &image, facts)?;
        }
    }
    for arn in infrastructure::applied_as(job) {
        facts.edge(&home.repository, "APPLIED_AS", &arn)?;
    }
    Ok(())
}

/// Whether the job runs in a scenario: its own condition and those of the jobs before it.
fn reached(workflow: &Workflow<'_>, job: &Job<'_>, scenario: &Scenario<'_>) -> Truth {
    let own = &job.condition;
    let mut found = scenario.passes(own);
    // A condition may let a job run though one before it did not.
    let ignores_others = match own {
        Condition::If(expr) => {
            let text = format!("{expr:?}");
            ["\"always\"", "\"cancelled\"", "\"failure\""]
                .iter()
                .any(|name| text.contains(name))
        }
        _ => false,
    };
    let before = workflow.before(job);
    if !ignores_others {
        for needed in &before {
            found = found.min(scenario.passes(&needed.condition));
        }
    }
    let asks_who = job.asks_who || before.iter().any(|needed| needed.asks_who);
    // What was not looked at may stand in the way.
    let is_cut_off = before.len() >= MAX_BEFORE;
    if is_cut_off || scenario.who == Who::Stranger && asks_who {
        found = found.min(Truth::Unknown);
    }
    found
}

/// Whether the job runs what a branch says that whoever may write has made.
fn any_branch(home: &Home, workflow: &Workflow<'_>, job: &Job<'_>) -> Option<bool> {
    let mut found = Truth::No;
    for event in &workflow.triggers.events {
        let scenario = Scenario {
            event: &event.name,
            repository: home.path(),
            who: Who::Writer,
        };
        let runs = event.runs_any_branch();
        found = found.max(runs.min(reached(workflow, job, &scenario)));
    }
    known(found)
}

fn known(truth: Truth) -> Option<bool> {
    match truth {
        Truth::No => Some(false),
        Truth::Unknown => None,
        _ => Some(true),
    }
}

/// What strangers can do with the job, over all events that they can cause.
fn exposure(home: &Home, workflow: &Workflow<'_>, job: &Job<'_>, report: &mut Report) -> Exposure {
    // What a caller's events are stands in another document.
    let start = if workflow.triggers.is_called() {
        Truth::Unknown
    } else {
        Truth::No
    };
    let (mut privileged, mut runs, mut injected) = (start, start, start);
    let mut approvals: BTreeSet<Option<&'static str>> = BTreeSet::new();
    for event in &workflow.triggers.events {
        if !event.is_open_to_strangers() {
            continue;
        }
        let scenario = Scenario {
            event: &event.name,
            repository: home.path(),
            who: Who::Stranger,
        };
        let caused = if event.is_by_a_person() {
            Truth::Person
        } else if event.name == "workflow_run" && !expects_proposals(job) {
            // Whether what it follows runs for proposals stands in another document.
            Truth::Unknown
        } else {
            Truth::Yes
        };
        let passes = caused.min(reached(workflow, job, &scenario));
        if passes == Truth::Unknown {
            report.warn("condition-unknown", || {
                format!(
                    "whether a stranger's {} starts `{}` is not known",
                    event.name, job.key
                )
            });
        }
        privileged = privileged.max(passes);
        let proposal = proposal::looked_at(workflow, job, &scenario, passes);
        runs = runs.max(proposal.runs);
        injected = injected.max(untrusted::injected(workflow, job, &scenario, passes));
        if job.uses().is_some() {
            // What is called stands in another document.
            runs = runs.max(passes.min(Truth::Unknown));
            injected = injected.max(passes.min(Truth::Unknown));
        }
        if !passes.passes() {
            continue;
        }
        let is_waiting = job.environment().is_some()
            || workflow
                .before(job)
                .iter()
                .any(|needed| needed.environment().is_some());
        approvals.insert(match passes {
            // Who sorts issues lets nothing run, and templates of issues add labels by themselves.
            Truth::Person if event.name != "pull_request_target" => None,
            Truth::Person if event.is_by_a_person() && proposal.is_fixed => Some("required"),
            Truth::Person => Some("once"),
            // Reviewers of an environment, and of a first proposal, are settings.
            _ if is_waiting || event.name == "workflow_run" => None,
            _ => Some("none"),
        });
    }
    // The least that stands in the way of a stranger.
    let approval = ["none", "once", "required"]
        .into_iter()
        .find(|approval| approvals.contains(&Some(*approval)));
    Exposure {
        privileged: known(privileged),
        proposal: known(runs),
        injectable: known(injected),
        approval: if approvals.contains(&None) {
            None
        } else {
            approval
        },
    }
}

/// Whether the job says that it follows runs for proposals.
fn expects_proposals(job: &Job<'_>) -> bool {
    match &job.condition {
        Condition::If(expr) => {
            let mut asks = false;
            expr.paths(&mut |path| {
                asks |= path.join(".") == "github.event.workflow_run.event";
            });
            asks && format!("{expr:?}").contains("Text(\"pull_request\")")
        }
        _ => false,
    }
}

/// What the subject of the job's identity token says after the repository.
fn subjects(workflow: &Workflow<'_>, job: &Job<'_>) -> BTreeSet<String> {
    match job.environment() {
        Some(Ok(name)) => BTreeSet::from([format!("environment:{name}")]),
        Some(Err(())) => BTreeSet::from(["environment:*".to_owned()]),
        None => {
            let events = workflow.triggers.events.iter();
            events.flat_map(super::triggers::Event::subjects).collect()
        }
    }
}

fn state_secrets(
    home: &Home,
    workflow: &Workflow<'_>,
    id: &str,
    secrets: &Secrets,
    environment: Option<&str>,
    facts: &mut Facts,
) -> Result<(), IdError> {
    for name in &secrets.names {
        // What a caller hands in has its own name there.
        if workflow.triggers.handed_secrets.contains(name) {
            continue;
        }
        let secret = home.secret(environment, name);
        let fact = facts.node(&secret, &["Secret"])?;
        facts.set(fact, "name", name.as_str());
        facts.set(fact, "kind", "pipeline-secret");
        facts.edge(id, "MOUNTS", &secret)?;
    }
    Ok(())
}

fn state_actions(
    home: &Home,
    job: &Job<'_>,
    id: &str,
    facts: &mut Facts,
    report: &mut Report,
) -> Result<(), IdError> {
    // Several steps may take one action, in one version or several.
    let mut taken: BTreeMap<(String, String), (String, bool, bool)> = BTreeMap::new();
    let steps = job.steps.iter().filter_map(|step| step.uses());
    for text in steps.chain(job.uses()) {
        match Uses::of(text) {
            Uses::Local => {}
            // Whoever changes it writes the own repositories.
            Uses::Repository { owner, .. } if home.owner() == Some(owner.as_str()) => {
                report.count("uses_own", 1);
            }
            Uses::Repository {
                owner,
                name,
                version,
            } => {
                let action = format!("action://{}/{owner}/{name}", home.host());
                let is_pinned = is_commit(version);
                taken.insert(
                    (action, version.to_owned()),
                    (format!("{owner}/{name}"), is_pinned, is_of_the_host(&owner)),
                );
            }
            Uses::Image { reference } => match ImageRef::parse(reference) {
                Some(image) => {
                    let name = format!("{}/{}", image.registry, image.repository);
                    let version = image.digest.clone().or(image.tag.clone());
                    taken.insert(
                        (format!("action://{name}"), version.unwrap_or_default()),
                        (name, image.digest.is_some(), false),
                    );
                }
                None => report.warn("action-unreadable", || format!("`{text}`")),
            },
            Uses::Unreadable => report.warn("action-unreadable", || format!("`{text}`")),
        }
    }
    for ((action, version), (name, is_pinned, is_trusted)) in taken {
        let fact = facts.node(&action, &["Action"])?;
        facts.set(fact, "name", name);
        if is_trusted {
            facts.set(fact, "trusted_publisher", true);
        }
        let edge = facts.edge(id, "USES", &action)?;
        facts.set_key(edge, &version);
        facts.set(edge, "ref", version);
        facts.set(edge, "pinned", is_pinned);
    }
    Ok(())
}

fn state_runners(
    home: &Home,
    id: &str,
    runs_on: &RunsOn,
    facts: &mut Facts,
    report: &mut Report,
) -> Result<(), IdError> {
    let mut unknown = runs_on.open;
    let mut machines = Vec::new();
    if let Some(group) = &runs_on.group {
        // Groups are of the organisation; the code host's larger machines are in groups as well.
        unknown = true;
        machines.push((home.runner_group(group), group.clone(), None));
    }
    for labels in &runs_on.labels {
        let name = labels.join("+").to_lowercase();
        match host_of(labels) {
            Host::Own if runs_on.group.is_none() => {
                machines.push((home.runner(&name), name, Some(true)));
            }
            Host::Own | Host::Hosted => {}
            Host::Unknown => unknown = true,
        }
    }
    if unknown {
        report.warn("runner-unknown", || {
            let labels = runs_on.labels.iter().flatten().cloned();
            let labels: Vec<String> = labels.chain(runs_on.group.clone()).collect();
            if labels.is_empty() {
                "the name of a machine is made as the job runs".to_owned()
            } else {
                format!("whose machine `{}` is, is not known", labels.join("`, `"))
            }
        });
    }
    for (machine, name, is_own) in machines {
        let fact = facts.node(&machine, &["Runner"])?;
        facts.set(fact, "name", name);
        facts.set_opt(fact, "self_hosted", is_own);
        let edge = facts.edge(id, "RUNS_ON", &machine)?;
        facts.infer(edge, "runner-labels", SAME_LABELS);
    }
    Ok(())
}

fn state_caches(
    home: &Home,
    workflow: &Workflow<'_>,
    job: &Job<'_>,
    id: &str,
    facts: &mut Facts,
) -> Result<(), IdError> {
    let is_shared = caches::are_shared(&workflow.triggers);
    // Whether each cache is saved, restored, and stated to be.
    let mut kept: BTreeMap<String, (bool, bool, bool)> = BTreeMap::new();
    for cache in job.steps.iter().copied().flat_map(caches::of) {
        // A cache of one run is seen by jobs of the same workflow alone.
        let key = if cache.key.contains("github.run_id") {
            format!("{}/{}", home.file, cache.key)
        } else {
            cache.key
        };
        let all = kept.entry(key).or_default();
        all.0 |= cache.saves && is_shared;
        all.1 |= cache.restores;
        all.2 |= cache.is_stated;
    }
    for (key, (saves, restores, is_stated)) in kept {
        let cache = home.cache(&key);
        let fact = facts.node(&cache, &["CiCache"])?;
        facts.set(fact, "name", key);
        for (kind, holds) in [("SAVES", saves), ("RESTORES", restores)] {
            if holds {
                let edge = facts.edge(id, kind, &cache)?;
                let confidence = if is_stated { CERTAIN } else { CACHE_BY_ITSELF };
                if !is_stated {
                    facts.infer(edge, "default-of-the-action", confidence);
                }
            }
        }
    }
    Ok(())
}

fn state_image(id: &str, name: &str, image: &ImageRef, facts: &mut Facts) -> Result<(), IdError> {
    let target = image.id();
    let fact = facts.node(&target, &["Image"])?;
    facts.set(fact, "name", name);
    facts.set(fact, "registry", image.registry.as_str());
    facts.set(fact, "repository", image.repository.as_str());
    facts.set_opt(fact, "tag", image.tag.as_deref());
    facts.edge(id, "BUILDS", &target)?;
    Ok(())
}
