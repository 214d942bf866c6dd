//! The secrets that a job is handed.

use std::collections::BTreeSet;

use serde_json::Value;

use super::expression::Expr;
use super::workflow::{Job, Workflow, expressions};

/// The token that every job has; its rights stand elsewhere.
const TOKEN: &str = "GITHUB_TOKEN";

/// Secrets by name.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    /// In upper case, the token left out.
    pub(super) names: BTreeSet<String>,
    /// All that the repository has, or ones whose names are known only once it runs.
    pub(super) all: bool,
}

impl Secrets {
    /// What a job is handed by its own text and by the variables of the workflow.
    pub(super) fn of(workflow: &Workflow<'_>, job: &Job<'_>) -> Self {
        let mut found = Self::default();
        let mut note = |expr: &Expr| {
            expr.paths(&mut |path| found.note(path));
        };
        if let Some(env) = workflow.body.get("env") {
            expressions(env, &mut note);
        }
        for (key, value) in job.body {
            if key != "if" {
                expressions(value, &mut note);
            }
        }
        found.all |= job.body.get("secrets").and_then(Value::as_str) == Some("inherit");
        found
    }

    fn note(&mut self, path: &[String]) {
        match path {
            [context] if context == "secrets" => self.all = true,
            [context, name, ..] if context == "secrets" => {
                let name = name.to_uppercase();
                if name == "*" {
                    self.all = true;
                } else if name != TOKEN {
                    self.names.insert(name);
                }
            }
            _ => {}
        }
    }

    pub(super) fn any(&self) -> bool {
        self.all || !self.names.is_empty()
    }
}

/// Every name of a secret in a document, the token too: what a reader would count.
pub(super) fn all_names(root: &Value) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    expressions(root, &mut |expr| {
        expr.paths(&mut |path| {
            if let [context, name, ..] = path
                && context == "secrets"
                && name != "*"
            {
                names.insert(name.to_uppercase());
            }
        });
    });
    names
}
