//! Images that a job publishes.

use std::collections::BTreeSet;

use crate::keys::ImageRef;

use super::expression::{Expr, Piece, pieces};
use super::runner::filled;
use super::untrusted::Place;
use super::workflow::{Job, Step, Workflow};

/// Stands for what is only known once the job runs.
const OPEN: char = '*';
/// How often a variable may be made of another.
const MAX_DEPTH: usize = 8;
/// How many texts one may become by the values of a matrix.
const MAX_TEXTS: usize = 64;

/// What a job publishes.
#[derive(Debug, Default)]
pub(super) struct Published {
    /// References that are known as a whole.
    pub(super) images: BTreeSet<String>,
    /// `registry/repository`, those of the images too.
    pub(super) repositories: BTreeSet<String>,
    /// References of which not even that is known.
    pub(super) n_unknown: u64,
}

/// Gathers what the steps of a job publish; `repository` is `owner/name` where it is known.
pub(super) fn published(
    workflow: &Workflow<'_>,
    job: &Job<'_>,
    repository: Option<&str>,
) -> Published {
    let mut found = Published::default();
    for step in &job.steps {
        let texts = Texts {
            place: Place {
                workflow,
                job,
                step: Some(*step),
                event: "",
            },
            repository,
        };
        if step.action().as_deref() == Some("docker/build-push-action") && pushes(*step) {
            let tags = step.with("tags").unwrap_or_default();
            for tag in tags
                .split(['\n', ','])
                .map(str::trim)
                .filter(|tag| !tag.is_empty())
            {
                match texts.of_metadata(tag) {
                    Some(names) => {
                        for name in names {
                            found.note(&format!("{name}:{OPEN}"));
                        }
                    }
                    None => {
                        for tag in texts.resolved(tag, 0) {
                            found.note(&tag);
                        }
                    }
                }
            }
        }
        for line in step.run().unwrap_or_default().lines() {
            for reference in pushed(line) {
                let spelled = texts.with_variables(reference);
                let resolved = texts.resolved(&spelled, 0);
                for reference in &resolved {
                    found.note(reference);
                }
            }
        }
    }
    found
}

impl Published {
    fn note(&mut self, text: &str) {
        if !text.contains(OPEN) {
            if let Some(image) = ImageRef::parse(text) {
                self.repositories
                    .insert(format!("{}/{}", image.registry, image.repository));
                self.images.insert(text.to_owned());
                return;
            }
        } else if let Some((name, _)) = text.rsplit_once(':')
            && !name.contains(OPEN)
            && let Some(image) = ImageRef::parse(name)
        {
            self.repositories
                .insert(format!("{}/{}", image.registry, image.repository));
            return;
        }
        self.n_unknown += 1;
    }
}

/// Whether the action publishes what it builds, in some run at least.
fn pushes(step: Step<'_>) -> bool {
    let push = step.with("push").unwrap_or_default();
    let outputs = step.with("outputs").unwrap_or_default();
    !matches!(push.trim(), "" | "false")
        || outputs.contains("push=true")
        || outputs.contains("type=registry")
}

/// The references behind `docker push` in a line.
fn pushed(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for command in line.split(['|', ';', '&']) {
        let mut words = command.split_whitespace();
        let is_tool = words
            .find(|word| *word != "sudo")
            .is_some_and(|word| matches!(word, "docker" | "podman" | "nerdctl"));
        if !is_tool || words.next() != Some("push") {
            continue;
        }
        let is_option = |word: &&str| word.starts_with('-');
        // An expression with blanks in it is more than one word.
        if let Some(word) = words.find(|word| !is_option(word))
            && let Some(start) = command.find(word)
            && let Some(rest) = command.get(start..)
        {
            let end = if rest.contains("${{") {
                rest.trim_end().len()
            } else {
                word.len()
            };
            found.extend(rest.get(..end).map(|text| text.trim_matches(['"', '\''])));
        }
    }
    found
}

/// Texts of one step with what is known filled in.
struct Texts<'s, 'a> {
    place: Place<'s, 'a>,
    repository: Option<&'s str>,
}

impl Texts<'_, '_> {
    /// Every text that it may become: one for each value of a matrix, [`OPEN`] for what is not
    /// known.
    fn resolved(&self, text: &str, depth: usize) -> Vec<String> {
        let mut found = vec![String::new()];
        for piece in pieces(text) {
            let values = match piece {
                Piece::Plain(plain) => vec![plain.to_owned()],
                Piece::Filled(inner) => match self.value(inner, depth) {
                    Some(value) => vec![value],
                    None => filled(&format!("${{{{ {inner} }}}}"), self.place.job.body)
                        .unwrap_or_else(|| vec![OPEN.to_string()]),
                },
            };
            let longer = found.iter().flat_map(|one| {
                let with = |value: &String| format!("{one}{value}");
                values.iter().map(with).collect::<Vec<_>>()
            });
            found = longer.take(MAX_TEXTS).collect();
        }
        found
    }

    fn value(&self, inner: &str, depth: usize) -> Option<String> {
        let Expr::Path(path) = Expr::parse(inner)? else {
            return None;
        };
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        match path.as_slice() {
            ["github", "repository"] => self.repository.map(str::to_owned),
            ["github", "repository_owner"] => {
                let owner = self.repository?.split('/').next()?;
                Some(owner.to_owned())
            }
            ["github", "event", "repository", "name"] => {
                let name = self.repository?.split('/').nth(1)?;
                Some(name.to_owned())
            }
            ["env", name] if depth < MAX_DEPTH => {
                let text = self.place.variable(name)?;
                let mut values = self.resolved(&text, depth + 1);
                values.truncate(1);
                values.pop()
            }
            _ => None,
        }
    }

    /// The names of images that a step before made tags for.
    fn of_metadata(&self, tag: &str) -> Option<Vec<String>> {
        let parts = pieces(tag);
        let [Piece::Filled(inner)] = parts.as_slice() else {
            return None;
        };
        let Some(Expr::Path(path)) = Expr::parse(inner) else {
            return None;
        };
        let [steps, id, ..] = path.as_slice() else {
            return None;
        };
        let has_id = |step: &&Step<'_>| {
            let own = step.body.get("id").and_then(|own| own.as_str());
            own.is_some_and(|own| own.eq_ignore_ascii_case(id))
        };
        let step = self.place.job.steps.iter().find(has_id)?;
        if steps != "steps" || step.action().as_deref() != Some("docker/metadata-action") {
            return None;
        }
        let images = step.with("images")?;
        let names = images.split(['\n', ',']).map(str::trim);
        let names = names.filter(|name| !name.is_empty() && !name.starts_with("name="));
        Some(names.flat_map(|name| self.resolved(name, 0)).collect())
    }

    /// Variables of the shell as the environment sets them.
    fn with_variables(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('$') {
            out.push_str(before);
            if behind.starts_with("{{") {
                // An expression, not a variable.
                let end = behind.find("}}").map_or(behind.len(), |at| at + 2);
                out.push('$');
                out.push_str(behind.get(..end).unwrap_or_default());
                rest = behind.get(end..).unwrap_or_default();
                continue;
            }
            let is_braced = behind.starts_with('{');
            let name = behind.strip_prefix('{').unwrap_or(behind);
            let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let end = name.find(|c| !is_part(c)).unwrap_or(name.len());
            let (name, after) = name.split_at_checked(end).unwrap_or((name, ""));
            let value = match (name, self.repository) {
                ("GITHUB_REPOSITORY", Some(repository)) => Some(repository.to_owned()),
                _ => self.place.variable(name),
            };
            match value {
                Some(value) => out.push_str(&value),
                None => out.push(OPEN),
            }
            rest = match after.strip_prefix('}') {
                Some(after) if is_braced => after,
                // `${NAME:-..}` and the like.
                _ if is_braced => after.split_once('}').map_or("", |(_, after)| after),
                _ => after,
            };
        }
        out.push_str(rest);
        out
    }
}
