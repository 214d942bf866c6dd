//! Who owns what: from CODEOWNERS of a repository to findings, images, workloads and services.

use std::collections::BTreeSet;

use crate::build::Join;
use crate::graph::NodeId;
use crate::model::Facts;

use super::view::{Method, View};

const FILE_RULE: Method = Method::new("codeowners-file", 95);
const DEFAULT_RULE: Method = Method::new("codeowners-default", 80);

/// `Finding|Image|Workload|Service|Api OWNED_BY Team`.
pub(super) struct Owners;

impl Join for Owners {
    fn name(&self) -> &'static str {
        "owners"
    }

    fn run(&self, view: View<'_>, facts: &mut Facts) {
        for repository in view.labelled("Repository") {
            let rules: Vec<Rule> = view
                .list(repository, "codeowners")
                .iter()
                .map(|line| Rule::parse(line))
                .collect();
            if rules.is_empty() {
                continue;
            }
            for finding in view.out(repository, "HAS_FINDING") {
                if let Some(path) = view.text(finding, "path") {
                    own(view, FILE_RULE, finding, owners_of(&rules, path), facts);
                }
            }
            // The last rule that speaks of everything owns what is built from it.
            let default = rules.iter().rev().find(|rule| rule.is_default());
            let owners = default.map_or(&[][..], |rule| &rule.owners);
            for built in built_from(view, repository) {
                if view.out(built, "OWNED_BY").is_empty() {
                    own(view, DEFAULT_RULE, built, owners, facts);
                }
            }
        }
    }
}

/// Images of a repository, workloads that run them, services before those, APIs they serve.
fn built_from(view: View<'_>, repository: NodeId) -> BTreeSet<NodeId> {
    let mut built = BTreeSet::new();
    for image in view.out(repository, "BUILDS") {
        built.insert(image);
        for workload in view.starts(image, "RUNS") {
            built.insert(workload);
            for service in view.starts(workload, "ROUTES_TO") {
                built.insert(service);
                for route in view.starts(service, "SERVED_BY") {
                    built.extend(view.starts(route, "HAS_ROUTE"));
                }
            }
        }
    }
    built
}

fn own(view: View<'_>, method: Method, thing: NodeId, owners: &[String], facts: &mut Facts) {
    for owner in owners {
        method.link(facts, view.id(thing), "OWNED_BY", owner, |facts, edge| {
            facts.set_key(edge, "codeowners");
        });
    }
}

/// A line of CODEOWNERS: a pattern and ids of teams.
struct Rule {
    pattern: String,
    owners: Vec<String>,
}

impl Rule {
    fn parse(line: &str) -> Self {
        let mut words = line.split_whitespace();
        let pattern = words.next().unwrap_or_default().to_owned();
        let owners = words.map(str::to_owned).collect();
        Self { pattern, owners }
    }

    fn is_default(&self) -> bool {
        matches!(self.pattern.as_str(), "*" | "/" | "**" | "/**" | "/*")
    }

    /// Patterns are those of gitignore: one with a slash inside is anchored at the root, one
    /// without matches a name at any depth, and a folder owns what is in it.
    fn matches(&self, path: &str) -> bool {
        if self.is_default() {
            return true;
        }
        let pattern = self.pattern.as_str();
        let is_folder = pattern.ends_with('/');
        let trimmed = pattern.trim_matches('/');
        let anchored = pattern.starts_with('/') || trimmed.contains('/');
        let wanted: Vec<&str> = trimmed.split('/').collect();
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let starts = if anchored { 1 } else { parts.len() };
        (0..starts).any(|start| {
            let Some(rest) = parts.get(start..) else {
                return false;
            };
            match_parts(&wanted, rest, is_folder)
        })
    }
}

/// Whether the parts of a pattern match the first parts of a path. A folder needs something in it;
/// a file pattern that names a folder owns what is in that folder too.
fn match_parts(wanted: &[&str], parts: &[&str], is_folder: bool) -> bool {
    match (wanted.split_first(), parts.split_first()) {
        (None, rest) => rest.is_some() || !is_folder,
        (Some((&"**", more)), _) => (0..=parts.len()).any(|skip| {
            let rest = parts.get(skip..).unwrap_or_default();
            match_parts(more, rest, is_folder)
        }),
        // `docs/*` owns the files of the folder, not those further down.
        (Some((&"*", [])), Some((_, rest))) => rest.is_empty(),
        (Some((first, more)), Some((part, rest))) => {
            crate::attack::permission::aws::wildcard_matches(first, part)
                && match_parts(more, rest, is_folder)
        }
        (Some(_), None) => false,
    }
}

/// The owners of the last rule that matches; a rule without owners frees what it matches.
fn owners_of<'r>(rules: &'r [Rule], path: &str) -> &'r [String] {
    let rule = rules.iter().rev().find(|rule| rule.matches(path));
    rule.map_or(&[], |rule| &rule.owners)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_rule_that_matches_decides() {
        let rules: Vec<Rule> = [
            "* team://all",
            "*.py team://python",
            "/api/ team://api",
            "docs/* team://docs",
            "**/secrets team://security",
            "/api/public/",
        ]
        .iter()
        .map(|line| Rule::parse(line))
        .collect();
        for (path, owner) in [
            ("README.md", Some("team://all")),
            ("deep/down/x.py", Some("team://python")),
            ("api/x.py", Some("team://api")),
            ("lib/api/x.js", Some("team://all")),
            ("docs/a.md", Some("team://docs")),
            ("docs/more/a.md", Some("team://all")),
            ("a/b/secrets/key", Some("team://security")),
            ("api/public/x", None),
        ] {
            let owners = owners_of(&rules, path);
            assert_eq!(owners.first().map(String::as_str), owner, "{path}");
        }
    }
}
