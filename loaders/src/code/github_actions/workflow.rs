//! A workflow taken apart: what every question about it starts from.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::error::LoadError;
use crate::report::Report;

use super::expression::{Expr, Piece, pieces};
use super::triggers::Triggers;

/// How many jobs before a job are looked at.
pub(super) const MAX_BEFORE: usize = 64;

/// Signs that a step asks who caused the run, and stops where that is nobody known.
const ASKING_WHO: [&str; 7] = [
    "getcollaboratorpermissionlevel",
    "/collaborators/",
    "permission-check",
    "check-user-permission",
    "actor-permission",
    "team-membership",
    "author_association",
];

/// A mapping of the document.
pub(super) type Mapping = Map<String, Value>;

/// A workflow.
#[derive(Debug)]
pub(super) struct Workflow<'a> {
    pub(super) body: &'a Mapping,
    pub(super) triggers: Triggers,
    /// In order of their keys.
    pub(super) jobs: Vec<Job<'a>>,
}

/// A job of it.
#[derive(Debug)]
pub(super) struct Job<'a> {
    pub(super) key: &'a str,
    pub(super) body: &'a Mapping,
    pub(super) steps: Vec<Step<'a>>,
    /// The jobs that must have run before.
    pub(super) needs: Vec<&'a str>,
    /// What decides whether it runs.
    pub(super) condition: Condition,
    /// Some step asks who caused the run.
    pub(super) asks_who: bool,
}

/// A step of a job.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step<'a> {
    pub(super) body: &'a Mapping,
}

impl<'a> Workflow<'a> {
    /// Takes the root of a document apart.
    pub(super) fn of(root: &'a Value, report: &mut Report) -> Result<Self, LoadError> {
        let Some(body) = root.as_object() else {
            return Err(LoadError::at("", "a workflow is a mapping"));
        };
        // Readers of YAML 1.1 take `on` for a truth value.
        let on = ["on", "true", "True"].iter().find_map(|key| body.get(*key));
        let triggers = Triggers::of(on.unwrap_or(&Value::Null), report);
        let Some(jobs) = body.get("jobs").and_then(Value::as_object) else {
            return Err(LoadError::at("/jobs", "expected a mapping of jobs"));
        };
        let mut found = Vec::new();
        for (key, value) in jobs {
            match value.as_object() {
                Some(body) => found.push(Job::of(key, body, report)),
                None => report.warn("job-not-a-mapping", || format!("`{key}`")),
            }
        }
        found.sort_by_key(|job| job.key);
        for job in &found {
            for needed in &job.needs {
                if !jobs.contains_key(*needed) {
                    report.warn("needs-unknown", || format!("{}: `{needed}`", job.key));
                }
            }
        }
        Ok(Self {
            body,
            triggers,
            jobs: found,
        })
    }

    pub(super) fn job(&self, key: &str) -> Option<&Job<'a>> {
        let place = self.jobs.binary_search_by_key(&key, |job| job.key).ok()?;
        self.jobs.get(place)
    }

    /// The jobs that must have run before, and those before them, up to a limit; the job itself is
    /// not among them.
    pub(super) fn before(&self, job: &Job<'a>) -> Vec<&Job<'a>> {
        let mut seen = BTreeSet::from([job.key]);
        let mut open: Vec<&str> = job.needs.clone();
        let mut found = Vec::new();
        while let Some(key) = open.pop() {
            if seen.contains(&key) || seen.len() > MAX_BEFORE {
                continue;
            }
            seen.insert(key);
            if let Some(needed) = self.job(key) {
                open.extend(&needed.needs);
                found.push(needed);
            }
        }
        found
    }
}

impl<'a> Job<'a> {
    fn of(key: &'a str, body: &'a Mapping, report: &mut Report) -> Self {
        let mut steps = Vec::new();
        match body.get("steps") {
            None | Some(Value::Null) => {}
            Some(Value::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    match item.as_object() {
                        Some(body) => steps.push(Step { body }),
                        None => report.warn("step-not-a-mapping", || format!("{key}: {index}")),
                    }
                }
            }
            Some(_) => report.warn("steps-not-a-list", || format!("`{key}`")),
        }
        let is_empty = steps.is_empty() && !body.contains_key("uses");
        if is_empty {
            report.warn("job-without-steps", || format!("`{key}`"));
        }
        let asks_who = steps.iter().any(|step| {
            let text = serde_json::to_string(step.body).unwrap_or_default();
            let text = text.to_lowercase();
            ASKING_WHO.iter().any(|sign| text.contains(sign))
        });
        let conditions = steps.iter().map(|step| step.body).chain([body]);
        for body in conditions {
            if matches!(Condition::of(body.get("if")), Condition::Unreadable) {
                report.warn("condition-unreadable", || format!("`{key}`"));
            }
        }
        Self {
            key,
            body,
            steps,
            needs: strings(body.get("needs")),
            condition: Condition::of(body.get("if")),
            asks_who,
        }
    }

    /// The reusable workflow that the job calls.
    pub(super) fn uses(&self) -> Option<&'a str> {
        self.body.get("uses")?.as_str()
    }

    /// The environment's name; `Err` where it is only known once it runs.
    pub(super) fn environment(&self) -> Option<Result<Cow<'a, str>, ()>> {
        let name = match self.body.get("environment")? {
            Value::Object(object) => object.get("name")?,
            other => other,
        };
        let name = scalar(name)?;
        if name.is_empty() {
            None
        } else if name.contains("${{") {
            Some(Err(()))
        } else {
            Some(Ok(name))
        }
    }
}

impl<'a> Step<'a> {
    /// The action that the step takes.
    pub(super) fn uses(self) -> Option<&'a str> {
        self.body.get("uses")?.as_str().map(str::trim)
    }

    /// The name of the action in lower case without its version: `actions/checkout`.
    pub(super) fn action(self) -> Option<String> {
        let uses = self.uses()?;
        let name = uses.split_once('@').map_or(uses, |(name, _)| name);
        Some(name.to_lowercase())
    }

    pub(super) fn run(self) -> Option<&'a str> {
        self.body.get("run")?.as_str()
    }

    /// What is handed to the action.
    pub(super) fn with(self, name: &str) -> Option<Cow<'a, str>> {
        let with = self.body.get("with")?.as_object()?;
        let entry = with.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        scalar(entry?.1)
    }

    pub(super) fn condition(self) -> Condition {
        Condition::of(self.body.get("if"))
    }
}

/// What decides whether a job or step runs.
#[derive(Debug)]
pub(super) enum Condition {
    /// Nothing.
    Always,
    /// This.
    If(Expr),
    /// Something that is not readable.
    Unreadable,
}

impl Condition {
    fn of(value: Option<&Value>) -> Self {
        let text = match value {
            None | Some(Value::Null) => return Condition::Always,
            Some(value) => scalar(value),
        };
        let Some(text) = text else {
            return Condition::Unreadable;
        };
        // `${{ }}` may stand around all of it; around a part it makes a text that always holds,
        // which nobody means.
        let text = text.trim();
        let inner = match pieces(text).as_slice() {
            [Piece::Filled(inner)] => inner,
            _ if text.contains("${{") => return Condition::Unreadable,
            _ => text,
        };
        match Expr::parse(inner) {
            Some(expr) => Condition::If(expr),
            None => Condition::Unreadable,
        }
    }
}

/// A text, number or truth value as text.
pub(super) fn scalar(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        Value::Bool(flag) => Some(Cow::Borrowed(if *flag { "true" } else { "false" })),
        _ => None,
    }
}

/// The texts of a list; a single text counts as a list of one.
pub(super) fn strings(value: Option<&Value>) -> Vec<&str> {
    match value {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// Hands every text below a value to `each`, keys left out.
pub(super) fn texts<'a>(value: &'a Value, each: &mut dyn FnMut(&'a str)) {
    match value {
        Value::String(text) => each(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, each)),
        Value::Object(object) => object.values().for_each(|item| texts(item, each)),
        _ => {}
    }
}

/// Hands every expression in the texts below a value to `each`.
pub(super) fn expressions(value: &Value, each: &mut dyn FnMut(&Expr)) {
    texts(value, &mut |text| {
        for piece in pieces(text) {
            if let Piece::Filled(inner) = piece
                && let Some(expr) = Expr::parse(inner)
            {
                each(&expr);
            }
        }
    });
}
