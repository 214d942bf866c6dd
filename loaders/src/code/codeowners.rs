//! CODEOWNERS: who is responsible for which files.
//!
//! The repository is not named in the file; the surroundings must say it (`foothold.yaml`).
//! Each owner of each rule becomes an `OWNED_BY` edge of the repository with the rule's pattern.
//! The repository also carries all rules in order (`codeowners`), because the last rule that
//! matches a file decides, and a rule without owners takes them away.

use std::collections::{BTreeMap, BTreeSet};

use foothold_engine::model::{Facts, Value};

use crate::document::Document;
use crate::error::LoadError;
use crate::head::{Head, Shape};
use crate::keys::team_id;
use crate::loader::{Loader, Match};
use crate::report::Report;
use crate::subject::{state_repository, stem, surrounding_repository};

/// The loader.
pub(crate) struct Codeowners;

impl Loader for Codeowners {
    fn format(&self) -> &'static str {
        "codeowners"
    }

    fn describe(&self) -> &'static str {
        "CODEOWNERS of GitHub, GitLab and Bitbucket"
    }

    fn detect(&self, head: &Head<'_>) -> Match {
        if !matches!(head.shape, Shape::Text) {
            return Match::No;
        }
        let text = head.text();
        let rules: Vec<_> = text.lines().filter_map(rule).take(50).collect();
        let n_owned = rules
            .iter()
            .filter(|(_, owners)| !owners.is_empty() && owners.iter().all(|owner| is_owner(owner)))
            .count();
        let is_named = head
            .file_name()
            .to_ascii_uppercase()
            .ends_with("CODEOWNERS");
        match (is_named, n_owned) {
            (true, 0) if rules.is_empty() => Match::Near("holds no rule".to_owned()),
            (true, 0) => Match::Near("no line is a pattern followed by owners".to_owned()),
            (true, _) => Match::Certain,
            (false, n_owned) if n_owned > 1 && n_owned * 10 >= rules.len() * 9 => Match::Likely,
            _ => Match::No,
        }
    }

    fn load(
        &self,
        document: &Document,
        facts: &mut Facts,
        report: &mut Report,
    ) -> Result<(), LoadError> {
        let repository = match surrounding_repository(document, facts)? {
            Some(id) => id,
            None => {
                let id = format!("repo://unnamed/{}", stem(document).replace(' ', "-"));
                report.warn("repository-unknown", || {
                    format!("owners stand at `{id}`; name the repository in foothold.yaml")
                });
                state_repository(&id, facts)?;
                id
            }
        };
        let mut rules = Vec::new();
        let mut owned: BTreeMap<String, (String, BTreeSet<String>)> = BTreeMap::new();
        for (index, line) in document.text()?.lines().enumerate() {
            let Some((pattern, owners)) = rule(line) else {
                continue;
            };
            report.count("rules", 1);
            let mut known = Vec::new();
            for owner in owners {
                match team_id(owner).filter(|_| is_owner(owner)) {
                    Some(id) => {
                        known.push(id.clone());
                        let entry = owned
                            .entry(id)
                            .or_insert_with(|| (owner.to_owned(), BTreeSet::new()));
                        entry.1.insert(pattern.to_owned());
                    }
                    None => {
                        report.warn("not-an-owner", || format!("line {}: `{owner}`", index + 1));
                    }
                }
            }
            report.count("rules_without_owner", u64::from(known.is_empty()));
            rules.push(
                format!("{pattern} {}", known.join(" "))
                    .trim_end()
                    .to_owned(),
            );
        }
        report.count("distinct_owners", owned.len() as u64);
        let fact = facts.node(&repository, &["Repository"])?;
        facts.set(fact, "codeowners", Value::strings(&rules));
        for (team, (name, patterns)) in owned {
            let fact = facts.node(&team, &["Team"])?;
            facts.set(fact, "name", name.trim_start_matches('@'));
            for pattern in patterns {
                let edge = facts.edge(&repository, "OWNED_BY", &team)?;
                facts.set_key(edge, &pattern);
                facts.set(edge, "path", pattern);
            }
        }
        Ok(())
    }
}

/// Pattern and owners of a line; `None` for blanks, comments and section headings.
fn rule(line: &str) -> Option<(&str, Vec<&str>)> {
    let line = line.trim();
    let is_section = line.starts_with('[') || line.starts_with("^[");
    if line.is_empty() || line.starts_with('#') || is_section {
        return None;
    }
    // A `#` behind a blank starts a comment; blanks in a pattern are escaped.
    let line = line.split(" #").next().unwrap_or(line);
    let mut end = line.len();
    let mut escaped = false;
    for (at, c) in line.char_indices() {
        if c.is_whitespace() && !escaped {
            end = at;
            break;
        }
        escaped = c == '\\' && !escaped;
    }
    let pattern = line.get(..end)?;
    let owners = line.get(end..)?.split_whitespace().collect();
    Some((pattern, owners))
}

/// `@user`, `@org/team` or a mail address.
fn is_owner(text: &str) -> bool {
    match text.split_once('@') {
        Some(("", name)) => !name.is_empty(),
        Some((_, host)) => host.contains('.'),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::context::Context;
    use crate::load::Options;
    use crate::testing::check_with;
    use expect_test::expect;

    #[test]
    fn rules_become_owners_of_the_repository() {
        let mut options = Options::new(0);
        options.context = Context {
            repository: Some("https://github.com/acme/shop".into()),
            ..Context::default()
        };
        check_with(
            &options,
            "CODEOWNERS",
            "# who\n*  @acme/core ann@acme.example # all\n[Section]\n/docs\\ old/ @acme/Docs\n/free/\n*.js @acme/docs nobody\n",
            &expect![[r#"
                repo://github.com/acme/shop :Repository name="shop"
                repo://github.com/acme/shop :Repository codeowners=["* team://acme/core team://ann@acme.example", "/docs\\ old/ team://acme/docs", "/free/", "*.js team://acme/docs"]
                team://acme/core :Team name="acme/core"
                team://acme/docs :Team name="acme/Docs"
                team://ann@acme.example :Team name="ann@acme.example"
                repo://github.com/acme/shop -OWNED_BY-> team://acme/core [*] path="*"
                repo://github.com/acme/shop -OWNED_BY-> team://acme/docs [*.js] path="*.js"
                repo://github.com/acme/shop -OWNED_BY-> team://acme/docs [/docs\ old/] path="/docs\\ old/"
                repo://github.com/acme/shop -OWNED_BY-> team://ann@acme.example [*] path="*"
                distinct_owners=3 rules=4 rules_without_owner=1
                warning not-an-owner x1: line 6: `nobody`
            "#]],
        );
    }
}
