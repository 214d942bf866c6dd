//! Whether a condition lets a run pass that somebody in particular causes.

use super::expression::Expr;
use super::workflow::Condition;

/// Whether something holds, in order of how sure the attacker can be of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Truth {
    /// It does not.
    No,
    /// Settings, secrets or what happens on the way decide.
    Unknown,
    /// Once a person with a role in the repository did something, such as adding a label.
    Person,
    /// If whoever causes the run wants it.
    Chosen,
    /// It does.
    Yes,
}

impl Truth {
    fn not(self) -> Self {
        match self {
            // As long as nobody helps.
            Truth::No | Truth::Person => Truth::Yes,
            Truth::Yes => Truth::No,
            other => other,
        }
    }

    /// Whether a run gets here, with or without somebody's help.
    pub(super) fn passes(self) -> bool {
        self >= Truth::Person
    }
}

/// Who causes a run, and by which event.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scenario<'a> {
    pub(super) event: &'a str,
    /// `owner/name` where it is known.
    pub(super) repository: Option<&'a str>,
    pub(super) who: Who,
}

/// Who causes a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// Somebody without any role in the repository, from a fork.
    Stranger,
    /// Somebody who may write, by a branch that they made.
    Writer,
}

impl Scenario<'_> {
    /// Whether a run with this condition happens.
    pub(super) fn passes(&self, condition: &Condition) -> Truth {
        match condition {
            Condition::Always => Truth::Yes,
            Condition::If(expr) => self.truth(expr),
            Condition::Unreadable => Truth::Unknown,
        }
    }

    fn truth(&self, expr: &Expr) -> Truth {
        match expr {
            Expr::Not(inner) => self.truth(inner).not(),
            Expr::And(a, b) => self.truth(a).min(self.truth(b)),
            Expr::Or(a, b) => self.truth(a).max(self.truth(b)),
            Expr::Equal(a, b) => equal(&self.known(a), &self.known(b)),
            Expr::Call(name, arguments) => self.call(name, arguments),
            _ => self.known(expr).truth(),
        }
    }

    fn call(&self, name: &str, arguments: &[Expr]) -> Truth {
        let [first, second] = [arguments.first(), arguments.get(1)]
            .map(|argument| argument.map_or(Known::Unknown, |argument| self.known(argument)));
        match name {
            "always" | "success" => Truth::Yes,
            "contains" => match (&first, &second) {
                (Known::Text(list), member) => match list_of(list) {
                    // One of a list, as `fromJSON` makes it.
                    Some(members) => members
                        .iter()
                        .map(|one| equal(&Known::Text(one.clone()), member))
                        .fold(Truth::No, Truth::max),
                    None => match member {
                        Known::Text(part) => of(fold(list).contains(&fold(part))),
                        _ => Truth::Unknown,
                    },
                },
                (Known::Branch(_), Known::Text(_)) | (Known::Chosen, _) => Truth::Chosen,
                (Known::Label, _) => Truth::Person,
                _ => Truth::Unknown,
            },
            "startswith" | "endswith" => match (&first, &second) {
                (Known::Text(text), Known::Text(part)) => {
                    let (text, part) = (fold(text), fold(part));
                    of(if name == "startswith" {
                        text.starts_with(&part)
                    } else {
                        text.ends_with(&part)
                    })
                }
                (Known::Branch(prefix), Known::Text(part)) if name == "startswith" => {
                    let part = fold(part);
                    if prefix.starts_with(&part) {
                        Truth::Yes
                    } else if part.starts_with(prefix) {
                        Truth::Chosen
                    } else {
                        Truth::No
                    }
                }
                (Known::Branch(_), Known::Text(_)) | (Known::Chosen, _) => Truth::Chosen,
                (Known::Label, _) => Truth::Person,
                _ => Truth::Unknown,
            },
            _ => Truth::Unknown,
        }
    }

    /// What is known of a value.
    fn known(&self, expr: &Expr) -> Known {
        match expr {
            Expr::Text(text) => Known::Text(text.clone()),
            Expr::Bool(flag) => Known::Bool(*flag),
            Expr::Null => Known::Null,
            Expr::Path(path) => {
                let path: Vec<&str> = path.iter().map(String::as_str).collect();
                self.place(&path)
            }
            Expr::Call(name, arguments) => match (name.as_str(), arguments.first()) {
                ("fromjson" | "tojson" | "format", Some(inner)) => self.known(inner),
                _ => Known::Unknown,
            },
            _ => Known::Unknown,
        }
    }

    fn place(&self, path: &[&str]) -> Known {
        let ["github", rest @ ..] = path else {
            // How another job ended is up to who runs in it.
            return match path {
                ["needs", _, "result"] => Known::Chosen,
                ["inputs", ..] if self.is_by_hand() => Known::Chosen,
                _ => Known::Unknown,
            };
        };
        let is_stranger = self.who == Who::Stranger;
        let text = |text: &str| Known::Text(text.to_owned());
        match rest {
            ["event_name"] => text(self.event),
            ["repository"] | ["event", "repository", "full_name"] => {
                self.repository.map_or(Known::Unknown, text)
            }
            ["repository_owner"] | ["event", "repository", "owner", "login"] => self
                .repository
                .and_then(|repository| repository.split('/').next())
                .map_or(Known::Unknown, text),
            // The default branch, or the one that a proposal is for.
            ["ref" | "ref_name" | "base_ref"] if is_stranger => Known::Chosen,
            ["ref"] => match self.event {
                "pull_request" => Known::Branch("refs/pull/"),
                _ => Known::Branch("refs/heads/"),
            },
            ["ref_name"] => Known::Branch(""),
            ["ref_type"] if !is_stranger => text("branch"),
            ["base_ref"] => Known::Chosen,
            ["head_ref"] => Known::Chosen,
            ["actor" | "triggering_actor"] if is_stranger => Known::Stranger,
            ["event", event @ ..] => self.of_event(event),
            _ => Known::Unknown,
        }
    }

    /// Whether whoever causes the run also fills in its form.
    fn is_by_hand(&self) -> bool {
        self.event == "workflow_dispatch" && self.who == Who::Writer
    }

    fn of_event(&self, path: &[&str]) -> Known {
        let is_stranger = self.who == Who::Stranger;
        match path {
            _ if path.contains(&"labels") => Known::Label,
            ["label", ..] => Known::Label,
            [.., "user", "login"] if is_stranger => Known::Author,
            ["sender", "login"] | [.., "actor" | "triggering_actor", "login"] if is_stranger => {
                Known::Stranger
            }
            [.., "author_association"] if is_stranger => Known::Association,
            ["pull_request", "head", "repo", "fork"]
            | ["workflow_run", "head_repository", "fork"] => Known::Bool(is_stranger),
            ["pull_request", "head", "repo", "full_name"]
            | ["workflow_run", "head_repository", "full_name"] => match self.repository {
                _ if is_stranger => Known::Fork,
                Some(repository) => Known::Text(repository.to_owned()),
                None => Known::Unknown,
            },
            ["pull_request", "head", "repo", "owner", "login"]
            | ["pull_request", "head", "user", "login"]
            | ["workflow_run", "head_repository", "owner", "login"]
                if is_stranger =>
            {
                Known::Fork
            }
            ["pull_request", "base", "repo", "full_name"] => {
                let repository = self.repository.map(str::to_owned);
                repository.map_or(Known::Unknown, Known::Text)
            }
            // Who may not write, may not merge.
            ["pull_request", "merged"] if is_stranger => Known::Bool(false),
            ["action"] => Known::Action,
            ["workflow_run", "event"] if is_stranger => Known::Text("pull_request".to_owned()),
            ["issue", "pull_request", ..]
            | ["pull_request", "draft" | "title" | "body"]
            | ["pull_request", "base" | "head", "ref"]
            | [
                "issue" | "comment" | "discussion" | "review",
                "title" | "body",
            ]
            | [
                "workflow_run",
                "conclusion" | "head_branch" | "name" | "status" | "display_title",
            ] => Known::Chosen,
            // Who starts a run by hand says so.
            ["inputs", ..] if self.is_by_hand() => Known::Chosen,
            ["inputs", ..] if is_stranger => Known::Null,
            _ => Known::Unknown,
        }
    }
}

/// What is known of a value.
#[derive(Debug, Clone, PartialEq)]
enum Known {
    Text(String),
    Bool(bool),
    Null,
    /// Whoever causes the run chooses it.
    Chosen,
    /// A branch that a writer made, behind this prefix.
    Branch(&'static str),
    /// The name of whoever acts, whom the repository does not know.
    Stranger,
    /// The name of whoever wrote it, whom the repository does not know.
    Author,
    /// The name of a repository or account that is not the own one.
    Fork,
    /// What a stranger is to the repository.
    Association,
    /// A label, which a person with a role adds.
    Label,
    /// What happened: opened, labeled, ..
    Action,
    Unknown,
}

impl Known {
    fn truth(&self) -> Truth {
        match self {
            Known::Text(text) => of(!text.is_empty()),
            Known::Bool(flag) => of(*flag),
            Known::Null => Truth::No,
            Known::Chosen => Truth::Chosen,
            Known::Branch(_)
            | Known::Stranger
            | Known::Author
            | Known::Fork
            | Known::Association
            | Known::Action => Truth::Yes,
            Known::Label => Truth::Person,
            Known::Unknown => Truth::Unknown,
        }
    }
}

fn equal(a: &Known, b: &Known) -> Truth {
    match (a, b) {
        (Known::Text(a), Known::Text(b)) => of(fold(a) == fold(b)),
        (Known::Bool(a), Known::Bool(b)) => of(a == b),
        // A truth value as text is what a box to tick gives.
        (Known::Bool(flag), Known::Text(text)) | (Known::Text(text), Known::Bool(flag)) => {
            of(text == if *flag { "true" } else { "false" })
        }
        (Known::Null, Known::Text(text)) | (Known::Text(text), Known::Null) => of(text.is_empty()),
        (Known::Chosen, _) | (_, Known::Chosen) => Truth::Chosen,
        (Known::Author, Known::Text(_)) | (Known::Text(_), Known::Author) => Truth::No,
        // Whoever makes a robot act on their proposal acts by its name.
        (Known::Stranger, Known::Text(name)) | (Known::Text(name), Known::Stranger) => {
            if name.ends_with("[bot]") {
                Truth::Unknown
            } else {
                Truth::No
            }
        }
        (Known::Fork, Known::Text(_) | Known::Unknown)
        | (Known::Text(_) | Known::Unknown, Known::Fork) => Truth::No,
        (Known::Association, Known::Text(name)) | (Known::Text(name), Known::Association) => {
            let has_role = ["OWNER", "MEMBER", "COLLABORATOR"];
            if has_role.iter().any(|role| name.eq_ignore_ascii_case(role)) {
                Truth::No
            } else {
                Truth::Chosen
            }
        }
        (Known::Label, _) | (_, Known::Label) => Truth::Person,
        (Known::Action, Known::Text(name)) | (Known::Text(name), Known::Action) => {
            match name.as_str() {
                "labeled" | "unlabeled" | "assigned" | "milestoned" => Truth::Person,
                _ => Truth::Chosen,
            }
        }
        // A branch with a name that somebody wrote down is there already.
        (Known::Branch(_), Known::Text(_)) | (Known::Text(_), Known::Branch(_)) => Truth::No,
        _ => Truth::Unknown,
    }
}

fn of(holds: bool) -> Truth {
    if holds { Truth::Yes } else { Truth::No }
}

fn fold(text: &str) -> String {
    text.to_lowercase()
}

/// The texts of a JSON list.
fn list_of(text: &str) -> Option<Vec<String>> {
    serde_json::from_str(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn truth(who: Who, event: &str, text: &str) -> Truth {
        let scenario = Scenario {
            event,
            repository: Some("acme/shop"),
            who,
        };
        scenario.truth(&Expr::parse(text).unwrap())
    }

    /// Conditions as they are found in workflows, and what they mean for a stranger.
    #[test]
    fn what_stops_a_stranger() {
        for (text, expected) in [
            ("github.repository == 'Acme/Shop'", Truth::Yes),
            ("github.repository == 'upstream/shop'", Truth::No),
            ("github.repository_owner == 'acme'", Truth::Yes),
            (
                "github.event.pull_request.head.repo.full_name == github.repository",
                Truth::No,
            ),
            (
                "github.event.pull_request.head.repo.full_name != github.repository",
                Truth::Yes,
            ),
            (
                "github.event.pull_request.head.repo.fork == false",
                Truth::No,
            ),
            ("!github.event.pull_request.head.repo.fork", Truth::No),
            ("github.actor == 'dependabot[bot]'", Truth::Unknown),
            ("github.actor != 'dependabot[bot]'", Truth::Unknown),
            ("github.actor == 'ann'", Truth::No),
            (
                "github.event.pull_request.user.login == 'dependabot[bot]'",
                Truth::No,
            ),
            (
                "contains(fromJSON('[\"ann\", \"bob\"]'), github.actor)",
                Truth::No,
            ),
            (
                "github.event.comment.author_association == 'MEMBER'",
                Truth::No,
            ),
            (
                "contains(fromJSON('[\"OWNER\",\"MEMBER\"]'), github.event.comment.author_association)",
                Truth::No,
            ),
            (
                "contains(fromJSON('[\"CONTRIBUTOR\"]'), github.event.comment.author_association)",
                Truth::Chosen,
            ),
            (
                "github.event.issue.pull_request && contains(github.event.comment.body, '/test')",
                Truth::Chosen,
            ),
            ("!github.event.issue.pull_request", Truth::Chosen),
            (
                "startsWith(github.event.comment.body, '/ok') && github.event.comment.user.login == 'ann'",
                Truth::No,
            ),
            (
                "contains(github.event.pull_request.labels.*.name, 'safe to test')",
                Truth::Person,
            ),
            ("github.event.label.name == 'safe to test'", Truth::Person),
            (
                "!contains(github.event.pull_request.labels.*.name, 'skip')",
                Truth::Yes,
            ),
            ("github.event.pull_request.merged == true", Truth::No),
            (
                "github.event.action == 'opened' || github.event.action == 'labeled'",
                Truth::Chosen,
            ),
            ("github.event.workflow_run.event == 'push'", Truth::No),
            (
                "github.event.workflow_run.event == 'pull_request' && github.event.workflow_run.conclusion == 'success'",
                Truth::Chosen,
            ),
            ("github.event_name == 'pull_request_target'", Truth::Yes),
            ("github.event_name == 'push'", Truth::No),
            ("vars.ENABLED == 'true'", Truth::Unknown),
            ("needs.check.outputs.ok == 'true'", Truth::Unknown),
            ("always() && needs.check.result == 'success'", Truth::Chosen),
            ("failure()", Truth::Unknown),
        ] {
            assert_eq!(
                truth(Who::Stranger, "pull_request_target", text),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn what_stops_a_writer_with_a_branch() {
        for (text, expected) in [
            ("github.ref == 'refs/heads/main'", Truth::No),
            ("github.ref != 'refs/heads/main'", Truth::Yes),
            ("github.ref_name == 'main'", Truth::No),
            ("startsWith(github.ref, 'refs/tags/')", Truth::No),
            (
                "startsWith(github.ref, 'refs/heads/release/')",
                Truth::Chosen,
            ),
            ("startsWith(github.ref, 'refs/')", Truth::Yes),
            (
                "github.event_name == 'push' && github.ref == 'refs/heads/main'",
                Truth::No,
            ),
            ("github.event_name != 'pull_request'", Truth::Yes),
            (
                "github.event.pull_request.head.repo.full_name == github.repository",
                Truth::Yes,
            ),
            ("github.actor == 'ann'", Truth::Unknown),
            ("github.ref_type == 'tag'", Truth::No),
        ] {
            assert_eq!(truth(Who::Writer, "push", text), expected, "{text}");
        }
    }
}
