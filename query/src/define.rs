//! Definitions as files: rules, policies, attackers and groups become what the engine runs.
//!
//! A folder of files is read into [`Definitions`] once; rules are then compiled for one snapshot,
//! because names become ids there. A broken definition is a diagnostic and the others go on.

mod evaluate;
pub mod fixture;
mod reads;
mod rule;
mod template;

use std::collections::BTreeMap;
use std::sync::Arc;

use foothold_engine::attack::RuleSet;
use foothold_engine::graph::Snapshot;
use foothold_engine::score::ScoringModel;

use crate::ast::{
    AttackerDefinition, Definition, GroupDefinition, Import, PolicyDefinition, RuleDefinition,
};
use crate::diagnostic::Diagnostic;
use crate::parse::parse_definitions;

/// The rules that come with the program, by file name.
const SHIPPED: &[(&str, &str)] = &[
    ("attackers.fql", include_str!("../rules/attackers.fql")),
    ("cloud.fql", include_str!("../rules/cloud.fql")),
    ("code-and-ci.fql", include_str!("../rules/code-and-ci.fql")),
    (
        "control-plane.fql",
        include_str!("../rules/control-plane.fql"),
    ),
    ("identity.fql", include_str!("../rules/identity.fql")),
    ("impact.fql", include_str!("../rules/impact.fql")),
    (
        "initial-access.fql",
        include_str!("../rules/initial-access.fql"),
    ),
    (
        "lateral-movement.fql",
        include_str!("../rules/lateral-movement.fql"),
    ),
    (
        "supply-chain.fql",
        include_str!("../rules/supply-chain.fql"),
    ),
    ("workload.fql", include_str!("../rules/workload.fql")),
];

/// A file of definitions.
#[derive(Debug, Clone)]
struct File {
    name: Arc<str>,
    text: Arc<str>,
    definitions: Arc<[Definition]>,
}

/// What is wrong in a file of definitions.
#[derive(Debug, Clone)]
pub struct FileDiagnostic {
    /// The name of the file.
    pub file: Arc<str>,
    /// Its text, for showing the place.
    pub text: Arc<str>,
    /// What is wrong.
    pub diagnostic: Diagnostic,
}

/// Definitions of one or more files. A later one replaces an earlier one of the same name.
#[derive(Debug, Clone, Default)]
pub struct Definitions {
    files: Vec<File>,
    diagnostics: Vec<FileDiagnostic>,
    disabled: Vec<String>,
    likelihoods: BTreeMap<String, f64>,
}

impl Definitions {
    /// Nothing defined.
    pub fn new() -> Self {
        Self::default()
    }

    /// The rules and attackers that come with the program.
    pub fn shipped() -> Self {
        let mut definitions = Self::new();
        for (name, text) in SHIPPED {
            definitions.add(name, text);
        }
        definitions
    }

    /// Reads one file. What can be read of a broken file is kept.
    pub fn add(&mut self, name: &str, text: &str) {
        let parsed = parse_definitions(text);
        let (name, text): (Arc<str>, Arc<str>) = (name.into(), text.into());
        let broken = parsed
            .diagnostics
            .into_iter()
            .map(|diagnostic| FileDiagnostic {
                file: Arc::clone(&name),
                text: Arc::clone(&text),
                diagnostic,
            });
        self.diagnostics.extend(broken);
        let definitions = parsed.tree.unwrap_or_default().into();
        self.files.push(File {
            name,
            text,
            definitions,
        });
    }

    /// Leaves out the rule of this name or catalogue number.
    pub fn disable(&mut self, rule: &str) {
        self.disabled.push(rule.to_owned());
    }

    /// Replaces the likelihood of the rule of this name or catalogue number.
    pub fn override_likelihood(&mut self, rule: &str, likelihood: f64) {
        self.likelihoods.insert(rule.to_owned(), likelihood);
    }

    /// The rules by whose names or numbers a likelihood is replaced.
    fn overridden(&self, rule: &RuleDefinition) -> Option<f64> {
        let named = self
            .likelihoods
            .iter()
            .find(|(name, _)| is_named(rule, name));
        named.map(|(_, likelihood)| *likelihood)
    }

    /// What a file imports, with the file's text.
    pub fn imports(&self, file: &str) -> Vec<(Arc<str>, Import)> {
        self.all()
            .filter(|(found, _)| &*found.name == file)
            .filter_map(|(found, definition)| match definition {
                Definition::Import(import) => Some((Arc::clone(&found.text), import.clone())),
                _ => None,
            })
            .collect()
    }

    /// What is wrong in the files, as far as their text tells.
    pub fn diagnostics(&self) -> &[FileDiagnostic] {
        &self.diagnostics
    }

    /// The policies with the names and texts of their files.
    pub fn policies(&self) -> impl Iterator<Item = (&PolicyDefinition, &Arc<str>, &Arc<str>)> {
        self.all()
            .filter_map(|(file, definition)| match definition {
                Definition::Policy(policy) => Some((&**policy, &file.name, &file.text)),
                _ => None,
            })
    }

    /// The attacker of this name, the last one defined, with the text of its file.
    pub fn attacker(&self, name: &str) -> Option<(&AttackerDefinition, &Arc<str>)> {
        self.attackers()
            .filter(|(attacker, _)| attacker.name.name == name)
            .last()
    }

    /// Every attacker with the text of its file.
    pub fn attackers(&self) -> impl Iterator<Item = (&AttackerDefinition, &Arc<str>)> {
        self.all()
            .filter_map(|(file, definition)| match definition {
                Definition::Attacker(attacker) => Some((&**attacker, &file.text)),
                _ => None,
            })
    }

    /// The group of kinds of this name, the last one defined.
    pub fn group(&self, name: &str) -> Option<&GroupDefinition> {
        self.all()
            .filter_map(|(_, definition)| match definition {
                Definition::Group(group) if group.name.name == name => Some(group),
                _ => None,
            })
            .last()
    }

    /// Whether a condition, guard or likelihood of a rule looks at relationships beyond the rule's
    /// pattern, so that a fact that goes away could open a step. Errs on the side of yes.
    pub fn conditions_read_relationships(&self) -> bool {
        self.all().any(|(file, definition)| match definition {
            Definition::Rule(rule) => {
                let filters = rule
                    .matches
                    .iter()
                    .filter_map(|clause| clause.filter.as_ref());
                let guards = rule.guards.iter().map(|guard| &guard.condition);
                let mut conditions = filters.chain(guards).chain(rule.likelihood.as_ref());
                conditions.any(|condition| {
                    let text = condition.span.slice(&file.text);
                    ["-[", "--", "]-", "<-", "->"]
                        .iter()
                        .any(|arrow| text.contains(arrow))
                }) || has_inner_patterns(rule, &file.text)
            }
            _ => false,
        })
    }

    /// Every rule as written, with the file it stands in.
    pub fn rules(&self) -> impl Iterator<Item = (&RuleDefinition, &Arc<str>)> {
        self.all()
            .filter_map(|(file, definition)| match definition {
                Definition::Rule(rule) => Some((&**rule, &file.name)),
                _ => None,
            })
    }

    /// Compiles the rules for one snapshot. A rule that cannot be compiled is left out and reported.
    pub fn compile(
        &self,
        snapshot: &Snapshot,
        model: &Arc<ScoringModel>,
    ) -> (RuleSet, Vec<FileDiagnostic>) {
        let mut rules = Vec::new();
        let mut broken = Vec::new();
        let scoring = format!("{model:?}");
        for file in &self.files {
            for definition in file.definitions.iter() {
                let Definition::Rule(definition) = definition else {
                    continue;
                };
                if self.is_disabled(definition) {
                    continue;
                }
                match rule::compile(snapshot, &file.text, definition, (model, &scoring)) {
                    Ok(mut rule) => {
                        if let Some(likelihood) = self.overridden(definition) {
                            rule.definition = format!("{}\n{likelihood}", rule.definition).into();
                            rule.likelihood = Arc::new(evaluate::Overridden::new(likelihood));
                        }
                        rules.push(rule);
                    }
                    Err(diagnostics) => {
                        broken.extend(diagnostics.into_iter().map(|diagnostic| FileDiagnostic {
                            file: Arc::clone(&file.name),
                            text: Arc::clone(&file.text),
                            diagnostic,
                        }));
                    }
                }
            }
        }
        (RuleSet::new(rules), broken)
    }

    /// The rule of this name or catalogue number, the last one defined.
    pub fn rule(&self, name: &str) -> Option<&RuleDefinition> {
        self.rules()
            .map(|(rule, _)| rule)
            .filter(|rule| is_named(rule, name))
            .last()
    }

    /// Whether the rule is left out by name.
    pub fn is_disabled(&self, rule: &RuleDefinition) -> bool {
        self.disabled.iter().any(|name| is_named(rule, name))
    }

    fn all(&self) -> impl Iterator<Item = (&File, &Definition)> {
        self.files
            .iter()
            .flat_map(|file| file.definitions.iter().map(move |one| (file, one)))
    }
}

fn is_named(rule: &RuleDefinition, name: &str) -> bool {
    rule.name.name == name || rule.id.as_ref().is_some_and(|id| id.name == name)
}

/// Whether a pattern of the rule holds a condition with a pattern of its own.
fn has_inner_patterns(rule: &RuleDefinition, text: &str) -> bool {
    let words = ["EXISTS", "COUNT", "COLLECT"];
    rule.matches.iter().any(|clause| {
        let text = clause.span.slice(text).to_ascii_uppercase();
        words.iter().any(|word| text.contains(word))
    })
}
