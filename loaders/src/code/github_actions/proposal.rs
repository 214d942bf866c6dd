//! Whether a job fetches what somebody proposes, and runs it.

use super::condition::{Scenario, Truth};
use super::expression::{Expr, Piece, pieces};
use super::untrusted::Place;
use super::workflow::{Job, Step, Workflow};

/// How often a variable may be made of another.
const MAX_DEPTH: usize = 8;

/// Commands that look at files and run nothing of them.
const READING: [&str; 62] = [
    "echo",
    "printf",
    "cat",
    "ls",
    "cd",
    "pwd",
    "set",
    "export",
    "unset",
    "local",
    "git",
    "gh",
    "grep",
    "egrep",
    "fgrep",
    "sed",
    "awk",
    "wc",
    "head",
    "tail",
    "sort",
    "uniq",
    "jq",
    "yq",
    "diff",
    "cmp",
    "test",
    "[",
    "[[",
    "if",
    "then",
    "else",
    "elif",
    "fi",
    "for",
    "do",
    "done",
    "while",
    "case",
    "esac",
    "true",
    "false",
    "exit",
    "return",
    "mkdir",
    "cp",
    "mv",
    "rm",
    "tar",
    "zip",
    "curl",
    "wget",
    "sleep",
    "date",
    "read",
    "tee",
    "cut",
    "tr",
    "find",
    "touch",
    "sha256sum",
    "base64",
];

/// What a fetched thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    /// What the repository holds.
    Own,
    /// What another step, job or workflow says.
    Unknown,
    /// The proposal, by a name that may mean something else by then.
    Moving,
    /// The proposal, by its commit.
    Fixed,
}

/// What a job does with proposals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Proposal {
    /// Whether it runs code of one.
    pub(super) runs: Truth,
    /// Whether it takes the commit that the event names, so that what a person looked at is what
    /// runs.
    pub(super) is_fixed: bool,
}

/// Looks at a job in a run that this scenario describes. `reached` says whether the job itself
/// runs.
pub(super) fn looked_at(
    workflow: &Workflow<'_>,
    job: &Job<'_>,
    scenario: &Scenario<'_>,
    reached: Truth,
) -> Proposal {
    let mut found = Proposal {
        runs: Truth::No,
        is_fixed: true,
    };
    for (index, step) in job.steps.iter().enumerate() {
        let place = Place {
            workflow,
            job,
            step: Some(*step),
            event: scenario.event,
        };
        let source = fetched(&place, *step);
        if source == Source::Own {
            continue;
        }
        let fetches = match source {
            Source::Unknown => Truth::Unknown,
            _ => Truth::Yes,
        };
        let behind = job.steps.get(index..).unwrap_or_default();
        let runs = behind.iter().enumerate().map(|(offset, later)| {
            let passes = scenario.passes(&later.condition());
            let folder = step.with("path");
            executes(*later, offset == 0, folder.as_deref()).min(passes)
        });
        let runs = runs.fold(Truth::No, Truth::max);
        // Fetched and not known to be run, or run and not known to be fetched.
        let runs = if runs == Truth::No {
            Truth::Unknown
        } else {
            runs
        };
        let passes = reached.min(scenario.passes(&step.condition()));
        let all = fetches.min(runs).min(passes);
        if all > Truth::Unknown {
            found.is_fixed &= source == Source::Fixed;
        }
        found.runs = found.runs.max(all);
    }
    found
}

/// What a step fetches.
fn fetched(place: &Place<'_, '_>, step: Step<'_>) -> Source {
    if step.action().as_deref() == Some("actions/checkout") {
        let of = |name| {
            step.with(name)
                .map_or(Source::Own, |text| source_of(place, &text, 0))
        };
        let (repository, commit) = (of("repository"), of("ref"));
        // A branch of a fork is not in the own repository, but its commits are.
        return match (repository, commit) {
            (Source::Own, Source::Moving) if !is_numbered(place, step) => Source::Own,
            (_, commit) if commit != Source::Own => commit,
            (repository, _) => repository,
        };
    }
    let Some(script) = step.run() else {
        return Source::Own;
    };
    let mut found = Source::Own;
    for line in script.lines() {
        let mut words = line.split_whitespace();
        let is_checkout = line.contains("gh pr checkout");
        let takes = [
            "fetch", "pull", "checkout", "switch", "merge", "reset", "clone", "worktree",
        ];
        let is_git = words.any(|word| word == "git")
            && line.split_whitespace().any(|word| takes.contains(&word));
        if is_checkout {
            found = found.max(Source::Moving);
        } else if is_git {
            found = found.max(source_of(place, line, 0));
            for name in variables(line) {
                if let Some(text) = place.variable(&name) {
                    found = found.max(source_of(place, &text, 0));
                }
            }
            if line.contains("refs/pull/") || line.contains("origin pull/") {
                found = found.max(Source::Moving);
            }
        }
    }
    // What a branch is called does not say whose it is.
    if found == Source::Unknown {
        Source::Own
    } else {
        found
    }
}

/// Whether a checkout names a proposal by its number.
fn is_numbered(place: &Place<'_, '_>, step: Step<'_>) -> bool {
    let text = step.with("ref").unwrap_or_default();
    let text = match pieces(&text).as_slice() {
        [Piece::Filled(inner)] => match Expr::parse(inner) {
            Some(Expr::Path(path)) => match path.as_slice() {
                [context, name] if context == "env" => place.variable(name).unwrap_or_default(),
                _ => text.into_owned(),
            },
            _ => text.into_owned(),
        },
        _ => text.into_owned(),
    };
    text.contains("pull/") || text.contains("merge_commit_sha")
}

/// What a text that names a branch, a commit or a repository means.
fn source_of(place: &Place<'_, '_>, text: &str, depth: usize) -> Source {
    let mut found = Source::Own;
    for piece in pieces(text) {
        let Piece::Filled(inner) = piece else {
            continue;
        };
        let Some(expr) = Expr::parse(inner) else {
            found = found.max(Source::Unknown);
            continue;
        };
        let mut paths = Vec::new();
        expr.paths(&mut |path| paths.push(path.join(".")));
        for path in paths {
            found = found.max(of_path(place, text, &path, depth));
        }
    }
    found
}

fn of_path(place: &Place<'_, '_>, text: &str, path: &str, depth: usize) -> Source {
    match path {
        "github.event.pull_request.head.sha"
        | "github.event.workflow_run.head_sha"
        | "github.event.workflow_run.head_commit.id" => Source::Fixed,
        "github.event.pull_request.merge_commit_sha"
        | "github.event.pull_request.head.ref"
        | "github.event.workflow_run.head_branch"
        | "github.head_ref" => Source::Moving,
        "github.event.number"
        | "github.event.pull_request.number"
        | "github.event.issue.number"
            if text.contains("pull/") =>
        {
            Source::Moving
        }
        _ if path.starts_with("github.event.pull_request.head.repo.")
            || path.starts_with("github.event.pull_request.head.user.")
            || path.starts_with("github.event.workflow_run.head_repository.") =>
        {
            Source::Moving
        }
        _ => match path.split_once('.') {
            Some(("env", name)) if depth < MAX_DEPTH => match place.variable(name) {
                Some(text) => source_of(place, &text, depth + 1),
                None => Source::Unknown,
            },
            Some(("steps" | "needs", _)) => Source::Unknown,
            Some(("inputs", _)) if place.workflow.triggers.is_called() => Source::Unknown,
            _ => Source::Own,
        },
    }
}

/// The names of variables of a line: `$NAME`, `${NAME}`.
fn variables(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    for part in line.split('$').skip(1) {
        let part = part.strip_prefix('{').unwrap_or(part);
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = part.find(|c| !is_part(c)).unwrap_or(part.len());
        if let Some(name) = part.get(..end).filter(|name| !name.is_empty()) {
            found.push(name.to_owned());
        }
    }
    found
}

/// Whether a step runs what lies in the folder that was fetched. `is_first` is the step that
/// fetched it; `folder` is where it lies, if not in the middle.
fn executes(step: Step<'_>, is_first: bool, folder: Option<&str>) -> Truth {
    if let Some(uses) = step.uses() {
        return match step.action().as_deref() {
            _ if is_first => Truth::No,
            _ if uses.starts_with("./") => Truth::Yes,
            Some("docker/build-push-action" | "docker/bake-action") => {
                // Without a context the action fetches what the event names by itself.
                match step.with("context") {
                    Some(_) => Truth::Yes,
                    None => Truth::Unknown,
                }
            }
            Some(name) if is_setting_up(name) => Truth::No,
            _ => Truth::Unknown,
        };
    }
    let Some(script) = step.run() else {
        return Truth::No;
    };
    if folder.is_some_and(|folder| {
        let folder = folder.trim_matches(['.', '/']);
        let works_in = step
            .body
            .get("working-directory")
            .and_then(|value| value.as_str());
        !script.contains(folder) && !works_in.is_some_and(|works_in| works_in.contains(folder))
    }) {
        return Truth::Unknown;
    }
    if commands(script).any(|command| !is_reading(command)) {
        Truth::Yes
    } else {
        Truth::No
    }
}

/// Actions that make a machine ready and run nothing of the repository.
fn is_setting_up(name: &str) -> bool {
    let known = [
        "upload-artifact",
        "download-artifact",
        "checkout",
        "cache",
        "github-script",
    ];
    name.strip_prefix("actions/").is_some_and(|rest| {
        rest.starts_with("setup-")
            || rest.starts_with("cache")
            || known.contains(&rest)
            || rest == "labeler"
    }) || [
        "docker/setup-",
        "docker/login-",
        "docker/metadata-",
        "step-security/harden-runner",
    ]
    .iter()
    .any(|prefix| name.starts_with(prefix))
}

/// The commands of a script, roughly.
fn commands(script: &str) -> impl Iterator<Item = &str> {
    let lines = script
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    lines
        .flat_map(|line| line.split(['|', ';', '&']))
        .map(str::trim)
        .filter(|command| !command.is_empty())
}

fn is_reading(command: &str) -> bool {
    let mut words = command.split_whitespace();
    let Some(first) = words.find(|word| !matches!(*word, "!" | "then" | "do" | "else" | "{" | "}"))
    else {
        return true;
    };
    let is_assignment = first.split_once('=').is_some_and(|(name, _)| {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        !name.is_empty() && name.chars().all(is_part)
    });
    // The rest of a text over several lines, or of a command.
    let is_rest = first.starts_with(['"', '\'', '-', '<', '>', '(', ')', '$', '}', '#']);
    is_assignment || is_rest || READING.contains(&first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_that_run_nothing_of_the_repository() {
        for (script, expected) in [
            ("echo \"$TITLE\" | grep x", true),
            ("git diff --name-only && git log", true),
            (
                "VERSION=1\nif [ -n \"$VERSION\" ]; then\n  gh pr comment 1 \\\n    --body x\nfi",
                true,
            ),
            ("npm ci", false),
            ("git fetch origin && make test", false),
            ("./build.sh", false),
            ("# make\necho ok", true),
            ("cd pr\npython setup.py", false),
        ] {
            assert_eq!(commands(script).all(is_reading), expected, "{script}");
        }
    }
}
