//! Policies: queries with an expectation. Files in, verdicts out.

mod baseline;
mod report;
mod run;

use std::path::Path;

use foothold_query::ast::{Definition, Expectation, PolicyDefinition};
use foothold_query::define::Definitions;
use foothold_query::diagnostic::{Code, Diagnostic};
use foothold_query::parse::parse_definitions;

use crate::app::Refused;

pub(crate) use baseline::Baseline;
pub(crate) use report::{junit, sarif, xml};
pub(crate) use run::{PolicyResult, Status, evaluate};

/// The policies that come with the program.
const SHIPPED: &[(&str, &str)] = &[
    (
        "no-path-from-internet-to-personal-data.fql",
        include_str!("../policies/no-path-from-internet-to-personal-data.fql"),
    ),
    (
        "no-known-exploited-on-exposed-workload.fql",
        include_str!("../policies/no-known-exploited-on-exposed-workload.fql"),
    ),
    (
        "no-path-from-internet-to-admin.fql",
        include_str!("../policies/no-path-from-internet-to-admin.fql"),
    ),
];

/// What the origin of a policy begins with that comes with the program.
const SHIPPED_ORIGIN: &str = "shipped/";

/// A policy, ready to be run.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    definition: PolicyDefinition,
    /// The whole file, which the places of diagnostics speak of.
    text: String,
    /// Where it comes from, for people.
    pub(crate) origin: String,
}

impl Policy {
    /// Its stable name.
    pub(crate) fn name(&self) -> &str {
        &self.definition.name.name
    }

    /// Whether it comes with the program.
    pub(crate) fn is_shipped(&self) -> bool {
        self.origin.starts_with(SHIPPED_ORIGIN)
    }

    /// Its title, or its name where it has none.
    pub(crate) fn title(&self) -> &str {
        match &self.definition.title {
            Some(title) => &title.value,
            None => self.name(),
        }
    }

    /// `critical`, `high`, `medium`, `low` or `info`.
    pub(crate) fn severity(&self) -> &str {
        self.definition
            .severity
            .as_ref()
            .map_or("medium", |severity| &severity.name)
    }

    /// The controls it is evidence for.
    pub(crate) fn controls(&self) -> Vec<String> {
        let controls = self.definition.controls.iter();
        controls.map(|control| control.value.clone()).collect()
    }

    /// Who answers for it.
    pub(crate) fn owner(&self) -> Option<&str> {
        self.definition.owner.as_ref().map(|owner| &*owner.value)
    }

    /// What it says, in a sentence or two.
    pub(crate) fn description(&self) -> Option<&str> {
        let description = self.definition.description.as_ref();
        description.map(|description| &*description.value)
    }

    /// What to do when it fails.
    pub(crate) fn remediation(&self) -> Option<&str> {
        let remediation = self.definition.remediation.as_ref();
        remediation.map(|remediation| &*remediation.value)
    }

    /// What its query must return.
    pub(crate) fn expectation(&self) -> Expectation {
        self.definition.expectation
    }

    /// The policy as it was written.
    pub(crate) fn source(&self) -> &str {
        let span = self.definition.span;
        self.text
            .get(span.start as usize..span.end as usize)
            .unwrap_or(&self.text)
    }
}

/// The expectation in the words of the language.
pub(crate) fn expectation_text(expectation: Expectation) -> String {
    match expectation {
        Expectation::NoRows => "no rows".to_owned(),
        Expectation::Rows => "rows".to_owned(),
        Expectation::AtMost(n) => format!("at most {n} rows"),
        Expectation::AtLeast(n) => format!("at least {n} rows"),
    }
}

/// The policies that come with the program, by name.
pub(crate) fn shipped() -> Result<Vec<Policy>, Refused> {
    let mut policies = Vec::new();
    for (name, text) in SHIPPED {
        policies.extend(parse(text, &format!("{SHIPPED_ORIGIN}{name}"))?);
    }
    policies.sort_by(|a, b| a.name().cmp(b.name()));
    Ok(policies)
}

/// The policies of the user's rules folder.
pub(crate) fn defined(definitions: &Definitions) -> impl Iterator<Item = Policy> {
    definitions
        .policies()
        .map(|(definition, file, text)| Policy {
            definition: definition.clone(),
            text: text.to_string(),
            origin: file.to_string(),
        })
}

/// The policies of a file.
pub(crate) fn parse(text: &str, origin: &str) -> Result<Vec<Policy>, Refused> {
    let refuse = |diagnostics| Refused::new(text, diagnostics);
    let definitions = parse_definitions(text).ok().map_err(refuse)?;
    let mut policies = Vec::new();
    for definition in definitions {
        match definition {
            Definition::Policy(definition) => policies.push(Policy {
                definition: *definition,
                text: text.to_owned(),
                origin: origin.to_owned(),
            }),
            other => {
                let message = "only policies are read here";
                let diagnostic = Diagnostic::new(Code::NotSupported, other.span(), message);
                return Err(refuse(vec![diagnostic]));
            }
        }
    }
    Ok(policies)
}

/// A policy file that cannot be used.
#[derive(Debug)]
pub(crate) enum FileProblem {
    /// It cannot be read.
    Unreadable(std::io::Error),
    /// Its text is wrong.
    Refused(Refused),
    /// It holds no policy.
    Empty,
}

/// Reads the policies of a file.
pub(crate) fn read_file(path: &Path) -> Result<Vec<Policy>, FileProblem> {
    let text = std::fs::read_to_string(path).map_err(FileProblem::Unreadable)?;
    let policies = parse(&text, &path.display().to_string()).map_err(FileProblem::Refused)?;
    if policies.is_empty() {
        return Err(FileProblem::Empty);
    }
    Ok(policies)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_policies_read_and_say_everything() {
        let policies = shipped().unwrap_or_else(|refused| panic!("{}", refused.summary()));
        assert_eq!(policies.len(), 3);
        for policy in policies {
            assert!(policy.origin.ends_with(&format!("{}.fql", policy.name())));
            assert!(!policy.controls().is_empty());
            assert!(policy.description().is_some() && policy.remediation().is_some());
            assert!(matches!(policy.severity(), "critical" | "high"));
        }
    }
}
