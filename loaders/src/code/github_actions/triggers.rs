//! What starts a workflow, and who can make that happen.

use serde_json::Value;

use crate::report::Report;

use super::condition::Truth;
use super::workflow::strings;

/// Events that anyone can cause and that run with the rights of the repository. Those of proposals
/// and their reviews (`pull_request`, ..) are not among them: from a fork they get no secrets and
/// a token that only reads.
pub(super) const OPEN_TO_STRANGERS: [&str; 9] = [
    "pull_request_target",
    "workflow_run",
    "issue_comment",
    "issues",
    "discussion",
    "discussion_comment",
    "gollum",
    "fork",
    "watch",
];

/// Events that run the workflow as it stands in a branch that whoever may write can make.
const OF_ANY_BRANCH: [&str; 5] = [
    "pull_request",
    "pull_request_review",
    "pull_request_review_comment",
    "workflow_dispatch",
    "create",
];

/// Events that run what a tag, a deployment or a queue names; who may make one is a setting.
const OF_SOME_REF: [&str; 7] = [
    "release",
    "deployment",
    "deployment_status",
    "merge_group",
    "registry_package",
    "workflow_call",
    "status",
];

/// The other events that there are; they run what the default branch says.
const OTHERS: [&str; 15] = [
    "push",
    "schedule",
    "repository_dispatch",
    "check_run",
    "check_suite",
    "branch_protection_rule",
    "delete",
    "label",
    "milestone",
    "page_build",
    "project",
    "project_card",
    "project_column",
    "public",
    "image_version",
];

/// Activities that only people with a role in the repository cause.
const BY_A_PERSON: [&str; 14] = [
    "labeled",
    "unlabeled",
    "assigned",
    "unassigned",
    "milestoned",
    "demilestoned",
    "locked",
    "unlocked",
    "pinned",
    "unpinned",
    "transferred",
    "review_requested",
    "auto_merge_enabled",
    "enqueued",
];

/// One event of a workflow.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) name: String,
    pub(super) types: Vec<String>,
    branches: Option<Vec<String>>,
    branches_ignore: bool,
    tags: Option<Vec<String>>,
    tags_ignore: bool,
}

/// The events of a workflow.
#[derive(Debug, Default)]
pub(super) struct Triggers {
    /// In order of their names.
    pub(super) events: Vec<Event>,
    /// Names of the secrets that a caller hands in.
    pub(super) handed_secrets: Vec<String>,
}

impl Triggers {
    /// Reads the value of `on`.
    pub(super) fn of(on: &Value, report: &mut Report) -> Self {
        let mut triggers = Self::default();
        match on {
            Value::String(name) => triggers.add(name, &Value::Null, report),
            Value::Array(names) => {
                for name in names {
                    match name.as_str() {
                        Some(name) => triggers.add(name, &Value::Null, report),
                        None => report.warn("trigger-not-a-name", || name.to_string()),
                    }
                }
            }
            Value::Object(events) => {
                for (name, filter) in events {
                    triggers.add(name, filter, report);
                }
            }
            _ => report.warn("triggers-missing", || "`on` names no event".to_owned()),
        }
        triggers.events.sort_by(|a, b| a.name.cmp(&b.name));
        triggers
    }

    fn add(&mut self, name: &str, filter: &Value, report: &mut Report) {
        if !is_known(name) {
            report.warn("trigger-unknown", || format!("`{name}`"));
        }
        let list = |key: &str| {
            let value = filter.get(key)?;
            let texts = strings(Some(value)).into_iter().map(str::to_owned);
            Some(texts.collect::<Vec<_>>())
        };
        self.events.push(Event {
            name: name.to_owned(),
            types: list("types").unwrap_or_default(),
            branches: list("branches"),
            branches_ignore: filter.get("branches-ignore").is_some(),
            tags: list("tags"),
            tags_ignore: filter.get("tags-ignore").is_some(),
        });
        if name == "workflow_call"
            && let Some(secrets) = filter.get("secrets").and_then(Value::as_object)
        {
            self.handed_secrets
                .extend(secrets.keys().map(|name| name.to_uppercase()));
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.events.iter().any(|event| event.name == name)
    }

    /// Whether other workflows call this one, so that what they say holds as well.
    pub(super) fn is_called(&self) -> bool {
        self.has("workflow_call")
    }
}

/// Whether there is such an event.
fn is_known(name: &str) -> bool {
    let known = [
        &OPEN_TO_STRANGERS[..],
        &OF_ANY_BRANCH,
        &OF_SOME_REF,
        &OTHERS,
    ];
    known.iter().any(|names| names.contains(&name))
}

impl Event {
    pub(super) fn is_open_to_strangers(&self) -> bool {
        OPEN_TO_STRANGERS.contains(&self.name.as_str())
    }

    /// Whether the event runs what the default branch says, and in its cache.
    pub(super) fn is_of_default_branch(&self) -> bool {
        match self.name.as_str() {
            "push" => self.branches.is_some() || self.branches_ignore || self.tags.is_none(),
            name => {
                self.is_open_to_strangers() || OTHERS.contains(&name) || name == "workflow_dispatch"
            }
        }
    }

    /// Whether only a person with a role causes it.
    pub(super) fn is_by_a_person(&self) -> bool {
        !self.types.is_empty()
            && self
                .types
                .iter()
                .all(|activity| BY_A_PERSON.contains(&activity.as_str()))
    }

    /// Whether whoever may write can make it run what a branch of theirs says.
    pub(super) fn runs_any_branch(&self) -> Truth {
        let name = self.name.as_str();
        if name != "push" {
            return if OF_ANY_BRANCH.contains(&name) {
                Truth::Yes
            } else if OF_SOME_REF.contains(&name) || !is_known(name) {
                Truth::Unknown
            } else {
                Truth::No
            };
        }
        let tags = self.tags.is_some() || self.tags_ignore;
        match &self.branches {
            _ if self.branches_ignore => Truth::Yes,
            Some(patterns) => {
                let is_open = |pattern: &&String| {
                    !pattern.starts_with('!') && pattern.contains(['*', '?', '+', '['])
                };
                if patterns.iter().any(|pattern| is_open(&pattern)) {
                    Truth::Yes
                } else if tags {
                    Truth::Unknown
                } else {
                    Truth::No
                }
            }
            // Who may make a tag is a setting of the repository.
            None if tags => Truth::Unknown,
            None => Truth::Yes,
        }
    }

    /// What the subject of an identity token says after the repository, `*` for any text.
    pub(super) fn subjects(&self) -> Vec<String> {
        let glob = |pattern: &String| {
            // What GitHub's other wildcards stand for is part of what `*` does.
            let open = pattern.replace("**", "*").replace(['?', '+', '['], "*");
            (!pattern.starts_with('!')).then_some(open)
        };
        match self.name.as_str() {
            "pull_request" | "pull_request_review" | "pull_request_review_comment" => {
                vec!["pull_request".to_owned()]
            }
            "push" => {
                let of = |patterns: &Option<Vec<String>>, kind: &str| {
                    let patterns = patterns.iter().flatten().filter_map(glob);
                    patterns
                        .map(|name| format!("ref:refs/{kind}/{name}"))
                        .collect::<Vec<_>>()
                };
                let mut found = of(&self.branches, "heads");
                found.extend(of(&self.tags, "tags"));
                let only_tags = self.tags.is_some() || self.tags_ignore;
                let only_branches = self.branches.is_some() || self.branches_ignore;
                if self.branches_ignore || !only_tags && self.branches.is_none() {
                    found.push("ref:refs/heads/*".to_owned());
                }
                if self.tags_ignore || !only_branches && self.tags.is_none() {
                    found.push("ref:refs/tags/*".to_owned());
                }
                found
            }
            "workflow_dispatch" | "create" | "deployment" | "deployment_status" => {
                vec!["ref:refs/heads/*".to_owned(), "ref:refs/tags/*".to_owned()]
            }
            "release" => vec!["ref:refs/tags/*".to_owned()],
            "merge_group" => vec!["ref:refs/heads/gh-readonly-queue/*".to_owned()],
            "workflow_call" => vec!["*".to_owned()],
            // Its token names the branch; whether its subject does, is not documented. The `*`
            // keeps either from being certain.
            "pull_request_target" => {
                vec!["pull_request*".to_owned(), "ref:refs/heads/*".to_owned()]
            }
            name if !is_known(name) => vec!["*".to_owned()],
            // The default branch, whose name stands elsewhere.
            _ => vec!["default".to_owned()],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(yaml: &str) -> Triggers {
        let value: crate::decode::Tree = serde_saphyr::from_str(yaml).unwrap();
        Triggers::of(&value.0, &mut Report::default())
    }

    /// What GitHub documents for each event and filter.
    #[test]
    fn branches_that_a_writer_may_make() {
        for (on, expected) in [
            ("push", Truth::Yes),
            ("pull_request", Truth::Yes),
            ("workflow_dispatch", Truth::Yes),
            ("schedule", Truth::No),
            ("pull_request_target", Truth::No),
            ("issue_comment", Truth::No),
            ("release", Truth::Unknown),
            ("workflow_call", Truth::Unknown),
            ("{push: {branches: [main, master]}}", Truth::No),
            ("{push: {branches: main}}", Truth::No),
            ("{push: {branches: [main, 'release/**']}}", Truth::Yes),
            ("{push: {branches: ['!feature/*', main]}}", Truth::No),
            ("{push: {branches-ignore: [main]}}", Truth::Yes),
            ("{push: {tags: ['v*']}}", Truth::Unknown),
            ("{push: {branches: [main], tags: ['v*']}}", Truth::Unknown),
            ("{push: {paths: ['src/**']}}", Truth::Yes),
            ("{pull_request: {branches: [main]}}", Truth::Yes),
        ] {
            let found = events(on);
            assert_eq!(found.events[0].runs_any_branch(), expected, "{on}");
        }
    }

    #[test]
    fn subjects_of_tokens() {
        for (on, expected) in [
            ("push", &["ref:refs/heads/*", "ref:refs/tags/*"][..]),
            (
                "{push: {branches: [main, 'r/**']}}",
                &["ref:refs/heads/main", "ref:refs/heads/r/*"],
            ),
            ("{push: {tags: ['v*']}}", &["ref:refs/tags/v*"]),
            ("{push: {branches-ignore: [x]}}", &["ref:refs/heads/*"]),
            ("pull_request", &["pull_request"]),
            ("schedule", &["default"]),
            ("release", &["ref:refs/tags/*"]),
        ] {
            assert_eq!(events(on).events[0].subjects(), expected, "{on}");
        }
    }

    #[test]
    fn odd_triggers_are_warned_of() {
        let mut report = Report::default();
        for value in [
            serde_json::json!(["push", 3, "pushed"]),
            serde_json::json!(null),
            serde_json::json!({"push": null, "pull_request": []}),
        ] {
            Triggers::of(&value, &mut report);
        }
        let kinds: Vec<_> = report.warnings.keys().copied().collect();
        assert_eq!(
            kinds,
            ["trigger-not-a-name", "trigger-unknown", "triggers-missing"]
        );
    }
}
