//! Text that strangers choose, and shell steps that hold it.
//!
//! What is put into a script before the shell reads it is code. The same text in a variable of the
//! environment is data, however the script uses it.

use serde_json::Value;

use super::condition::{Scenario, Truth};
use super::expression::{Expr, Piece, pieces};
use super::workflow::{Job, Step, Workflow, scalar};

/// How often a variable may be made of another.
const MAX_DEPTH: usize = 8;

/// What strangers choose freely, as the event and the place below `github.event`. Names of
/// accounts, numbers and commits are not among it: no shell reads anything else into them.
const CHOSEN: &[(&[&str], &str)] = &[
    (PROPOSALS, "pull_request.title"),
    (PROPOSALS, "pull_request.body"),
    (PROPOSALS, "pull_request.head.ref"),
    (PROPOSALS, "pull_request.head.label"),
    (PROPOSALS, "pull_request.head.repo.default_branch"),
    (PROPOSALS, "pull_request.head.repo.description"),
    (PROPOSALS, "pull_request.head.repo.homepage"),
    (PROPOSALS, "changes.title.from"),
    (PROPOSALS, "changes.body.from"),
    (ISSUES, "issue.title"),
    (ISSUES, "issue.body"),
    (ISSUES, "changes.title.from"),
    (ISSUES, "changes.body.from"),
    (COMMENTS, "comment.body"),
    (DISCUSSIONS, "discussion.title"),
    (DISCUSSIONS, "discussion.body"),
    (RUNS, "workflow_run.head_branch"),
    (RUNS, "workflow_run.display_title"),
    (RUNS, "workflow_run.head_commit.message"),
    (RUNS, "workflow_run.head_commit.author.name"),
    (RUNS, "workflow_run.head_commit.author.email"),
    (RUNS, "workflow_run.head_repository.description"),
    (RUNS, "workflow_run.pull_requests.*.head.ref"),
    (&["gollum"], "pages.*.page_name"),
    (&["gollum"], "pages.*.title"),
    (&["fork"], "forkee.description"),
    (&["fork"], "forkee.homepage"),
];

const PROPOSALS: &[&str] = &["pull_request_target"];
const ISSUES: &[&str] = &["issues", "issue_comment"];
const COMMENTS: &[&str] = &["issue_comment", "discussion_comment"];
const DISCUSSIONS: &[&str] = &["discussion", "discussion_comment"];
const RUNS: &[&str] = &["workflow_run"];

/// What a text holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Taint {
    /// Nothing that a stranger chooses.
    Clean,
    /// What another step, job or workflow hands on.
    Unknown,
    /// What a stranger chooses.
    Chosen,
}

/// Where a text stands: what its variables are made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'s, 'a> {
    pub(super) workflow: &'s Workflow<'a>,
    pub(super) job: &'s Job<'a>,
    pub(super) step: Option<Step<'a>>,
    pub(super) event: &'s str,
}

impl Place<'_, '_> {
    /// What a text with expressions in it holds.
    pub(super) fn of_text(&self, text: &str, depth: usize) -> Taint {
        let mut found = Taint::Clean;
        for piece in pieces(text) {
            if let Piece::Filled(inner) = piece {
                found = found.max(match Expr::parse(inner) {
                    Some(expr) => self.of_value(&expr, depth),
                    None => Taint::Unknown,
                });
            }
        }
        found
    }

    fn of_value(&self, expr: &Expr, depth: usize) -> Taint {
        match expr {
            Expr::Path(path) => self.of_path(path, depth),
            // Either is the value of the other.
            Expr::Or(a, b) => self.of_value(a, depth).max(self.of_value(b, depth)),
            Expr::And(_, b) => self.of_value(b, depth),
            Expr::Call(name, arguments) => match name.as_str() {
                "contains" | "startswith" | "endswith" | "hashfiles" | "always" | "success"
                | "failure" | "cancelled" => Taint::Clean,
                _ => {
                    let arguments = arguments.iter().map(|inner| self.of_value(inner, depth));
                    arguments.fold(Taint::Clean, Taint::max)
                }
            },
            _ => Taint::Clean,
        }
    }

    fn of_path(&self, path: &[String], depth: usize) -> Taint {
        let parts: Vec<&str> = path.iter().map(String::as_str).collect();
        match parts.as_slice() {
            ["github"] | ["github", "event"] | ["github", "*", ..] => Taint::Chosen,
            ["github", "head_ref"] => match self.event {
                "pull_request_target" => Taint::Chosen,
                _ => Taint::Clean,
            },
            ["github", "event", "inputs", ..] => Taint::Clean,
            ["github", "event", rest @ ..] => self.of_event(rest),
            ["inputs", ..] if self.workflow.triggers.is_called() => Taint::Unknown,
            ["inputs", ..] => Taint::Clean,
            ["env", name] => match self.variable(name) {
                Some(text) if depth < MAX_DEPTH => self.of_text(&text, depth + 1),
                // Set by a step before, or nowhere.
                _ => Taint::Unknown,
            },
            ["env", ..]
            | ["steps" | "needs" | "jobs", .., "outputs", _]
            | ["steps" | "needs" | "jobs", .., "outputs"]
            | ["steps" | "needs" | "jobs"] => Taint::Unknown,
            ["matrix", ..] => match self.job.body.get("strategy") {
                Some(strategy) if !has_expressions(strategy) => Taint::Clean,
                _ => Taint::Unknown,
            },
            _ => Taint::Clean,
        }
    }

    fn of_event(&self, path: &[&str]) -> Taint {
        let fits = |place: &str| {
            let mut parts = place.split('.');
            let mut asked = path.iter();
            loop {
                match (parts.next(), asked.next()) {
                    // What holds it, holds it; what lies in it, is part of it.
                    (None, _) | (_, None) => return true,
                    (Some(part), Some(asked)) if part == *asked || part == "*" || *asked == "*" => {
                    }
                    _ => return false,
                }
            }
        };
        let mut chosen = CHOSEN.iter();
        let is_chosen = chosen.any(|(events, place)| events.contains(&self.event) && fits(place));
        if is_chosen {
            Taint::Chosen
        } else {
            Taint::Clean
        }
    }

    /// The variable as the nearest of step, job and workflow sets it.
    pub(super) fn variable(&self, name: &str) -> Option<String> {
        let of_step = self.step.map(|step| step.body);
        let bodies = [of_step, Some(self.job.body), Some(self.workflow.body)];
        bodies.into_iter().flatten().find_map(|body| {
            let env = body.get("env")?.as_object()?;
            let (_, value) = env.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
            scalar(value).map(String::from)
        })
    }
}

fn has_expressions(value: &Value) -> bool {
    let mut found = false;
    super::workflow::texts(value, &mut |text| found |= text.contains("${{"));
    found
}

/// The texts of a step that are run as code.
fn scripts(step: Step<'_>) -> Vec<std::borrow::Cow<'_, str>> {
    let mut found: Vec<_> = step
        .run()
        .map(std::borrow::Cow::Borrowed)
        .into_iter()
        .collect();
    let input = match step.action().as_deref() {
        Some("actions/github-script") => step.with("script"),
        Some("azure/cli" | "azure/powershell") => step.with("inlineScript"),
        _ => None,
    };
    found.extend(input);
    found
}

/// Whether a step of the job puts text of strangers into code in a run that this scenario
/// describes. `reached` says whether the job itself runs.
pub(super) fn injected(
    workflow: &Workflow<'_>,
    job: &Job<'_>,
    scenario: &Scenario<'_>,
    reached: Truth,
) -> Truth {
    let mut found = Truth::No;
    for step in &job.steps {
        let place = Place {
            workflow,
            job,
            step: Some(*step),
            event: scenario.event,
        };
        let texts = scripts(*step);
        let taint = texts.iter().map(|text| place.of_text(text, 0));
        let mut taint = taint.fold(Taint::Clean, Taint::max);
        // What an own action does with what it is handed stands in another document.
        if step.uses().is_some_and(|uses| uses.starts_with("./"))
            && let Some(with) = step.body.get("with")
        {
            super::workflow::texts(with, &mut |text| {
                taint = taint.max(place.of_text(text, 0).min(Taint::Unknown));
            });
        }
        let of_text = match taint {
            Taint::Clean => continue,
            Taint::Unknown => Truth::Unknown,
            Taint::Chosen => Truth::Yes,
        };
        let runs = reached.min(scenario.passes(&step.condition()));
        found = found.max(of_text.min(runs));
    }
    found
}
