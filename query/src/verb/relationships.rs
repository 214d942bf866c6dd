//! Relationship groups: attack steps by name where a kind may stand.
//!
//! `:ATTACK` is every attack step; a family, a technique (its sub-techniques too), a rule's name and
//! a rule's number are groups of them; a user's `GROUP` may hold kinds of the asset graph, rules and
//! other groups. A name may be written as kinds are: `INITIAL_ACCESS` for `initial-access`.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use foothold_engine::pattern::LabelExpr;

use crate::ast::VerbClause;
use crate::resolve::{Resolver, Scope, Surroundings, VerbTable};

use super::{AttackContext, Unknowns};

/// The group of every attack step.
const EVERY_STEP: &str = "ATTACK";

impl AttackContext {
    /// The kinds that a name stands for; `None` when it is no group.
    pub(super) fn group(&self, name: &str) -> Option<Vec<String>> {
        let mut kinds = BTreeSet::new();
        self.expand(name, &mut BTreeSet::new(), &mut kinds)
            .then(|| kinds.into_iter().collect())
    }

    /// Whether the kinds of a group are attack steps, some of them at least.
    fn has_steps(&self, kinds: &[String]) -> bool {
        let rules = self.graph.rules();
        kinds.iter().any(|kind| {
            let found = rules
                .rules()
                .binary_search_by(|rule| (*rule.name).cmp(kind));
            found.is_ok()
        })
    }

    /// Adds what `name` stands for; false when it is no group. A group within itself adds nothing.
    fn expand(
        &self,
        name: &str,
        around: &mut BTreeSet<String>,
        kinds: &mut BTreeSet<String>,
    ) -> bool {
        if let Some(group) = self.definitions.group(name) {
            if around.insert(name.to_owned()) {
                for kind in &group.kinds {
                    if !self.expand(&kind.name, around, kinds) {
                        kinds.insert(kind.name.clone());
                    }
                }
            }
            return true;
        }
        let n_before = kinds.len();
        let like_a_name = name.to_ascii_lowercase().replace('_', "-");
        for rule in self.graph.rules().rules() {
            let is_technique = super::between::uses_technique(rule, name);
            if name == EVERY_STEP
                || is_technique
                || *rule.name == *like_a_name
                || *rule.family == *like_a_name
                || rule.id.as_deref() == Some(name)
            {
                kinds.insert(rule.name.to_string());
            }
        }
        kinds.len() > n_before || name == EVERY_STEP
    }
}

/// An [`AttackContext`] that notes whether a query asks for attack steps as relationships.
#[derive(Debug)]
pub struct StepWatch {
    /// With notes of its own.
    context: AttackContext,
    asked: AtomicBool,
    /// Whether the snapshot has the steps as relationships.
    is_extended: bool,
}

impl StepWatch {
    /// For the snapshot of the assets alone.
    pub fn new(context: &AttackContext) -> Self {
        let context = AttackContext {
            unknowns: Unknowns::default(),
            ..context.clone()
        };
        StepWatch {
            context,
            asked: AtomicBool::new(false),
            is_extended: false,
        }
    }

    /// For a snapshot that has the attack steps as relationships
    /// ([`foothold_engine::attack::AttackGraph::with_steps`]).
    pub fn extended(context: &AttackContext) -> Self {
        StepWatch {
            is_extended: true,
            ..Self::new(context)
        }
    }

    /// What could not be decided while the query ran.
    pub fn unknowns(&self) -> Unknowns {
        self.context.unknowns.clone()
    }

    /// Whether the query needs the attack steps as relationships.
    pub fn asks_for_steps(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Surroundings for StepWatch {
    fn kind_group(&self, name: &str) -> Option<Vec<String>> {
        let kinds = self.context.group(name)?;
        if self.context.has_steps(&kinds) || name == EVERY_STEP {
            self.asked.store(true, Ordering::Relaxed);
        }
        Some(kinds)
    }

    fn verb(
        &self,
        resolver: &mut Resolver<'_>,
        clause: &VerbClause,
        scope: &Scope,
    ) -> Option<VerbTable> {
        self.context.verb(resolver, clause, scope)
    }

    fn any_kind(&self) -> LabelExpr {
        if !self.is_extended {
            return LabelExpr::Any;
        }
        // A relationship without a kind is one of the asset graph.
        let rules = self.context.graph.rules().rules();
        let steps = rules.iter().map(|rule| LabelExpr::name(&rule.name));
        LabelExpr::Not(Box::new(LabelExpr::Or(steps.collect())))
    }
}
