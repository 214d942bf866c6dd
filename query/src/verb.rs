//! The verbs: questions about what an attacker can do, answered as tables that compose with every
//! clause.
//!
//! | verb | file |
//! |---|---|
//! | `ATTACK PATHS` | `attack_paths` |
//! | `EXPLOITABILITY OF` | `exploitability` |
//! | `BLAST RADIUS OF` | `blast_radius` |
//! | `CHOKE POINTS` | `choke_points` |
//! | `FIX PLAN` | `fix_plan` |
//! | `WHY NOT` | `why_not` |

mod attack_paths;
mod between;
mod blast_radius;
mod change;
mod choke_points;
mod columns;
mod ends;
mod exploitability;
mod fix_plan;
mod meant;
mod path_value;
mod relationships;
mod unknown_ways;
mod version;
mod why_not;

use std::sync::Arc;

use foothold_engine::attack::AttackGraph;
use foothold_engine::search::StateId;

use crate::ast::{Expr as Tree, Span, Verb, VerbClause};
use crate::define::Definitions;
use crate::diagnostic::{Code, Diagnostic};
use crate::exec::Cx;
use crate::expr::Expr;
use crate::fault::Fault;
use crate::resolve::{Resolver, Scope, Surroundings, VerbTable};
use crate::value::Val;

pub use between::Unknowns;
pub use change::{ChangeEnv, ChangeFault, WhatIf, resolve_changes};
pub use columns::verb_columns;
pub use ends::default_start;
pub use path_value::{AttackPathValue, fix_json, shown_likelihood, state_json, step_json};
pub use relationships::StepWatch;

/// Everything the verbs need beyond a snapshot.
#[derive(Debug, Clone)]
pub struct AttackContext {
    /// What an attacker can do.
    pub graph: Arc<AttackGraph>,
    /// Attackers and groups by name.
    pub definitions: Arc<Definitions>,
    /// Where searches run.
    pub pool: Arc<rayon::ThreadPool>,
    /// What could not be decided while answering.
    pub unknowns: Unknowns,
}

impl Surroundings for AttackContext {
    fn kind_group(&self, name: &str) -> Option<Vec<String>> {
        self.group(name)
    }

    fn verb(
        &self,
        resolver: &mut Resolver<'_>,
        clause: &VerbClause,
        scope: &Scope,
    ) -> Option<VerbTable> {
        match &clause.verb {
            Verb::AttackPaths(parts) => Some(attack_paths::plan(self, resolver, parts, scope)),
            Verb::Exploitability(parts) => Some(exploitability::plan(self, resolver, parts, scope)),
            Verb::BlastRadius(parts) => Some(blast_radius::plan(self, resolver, parts, scope)),
            Verb::ChokePoints(parts) => Some(choke_points::plan(self, resolver, parts, scope)),
            Verb::FixPlan(parts) => Some(fix_plan::plan(self, resolver, parts, scope)),
            Verb::WhyNot(parts) => Some(why_not::plan(self, resolver, parts, scope)),
        }
    }
}

/// A bound of a verb, such as `TOP 10`: the same in every row.
fn constant(resolver: &mut Resolver<'_>, tree: Option<&Tree>, scope: &Scope) -> Option<f64> {
    let tree = tree?;
    let (expr, _) = resolver.value(tree, scope);
    let number = match &expr {
        Expr::Const(value) => value.as_f64().filter(|number| number.is_finite()),
        _ => None,
    };
    if number.is_none_or(|number| number < 0.0) {
        let message = "expected a number that is not negative, or a parameter that holds one";
        resolver.report(Diagnostic::new(Code::NotConstant, tree.span, message));
        return None;
    }
    number
}

/// A whole bound, such as `WITHIN 5 STEPS`.
fn whole(resolver: &mut Resolver<'_>, tree: Option<&Tree>, scope: &Scope) -> Option<u64> {
    let number = constant(resolver, tree, scope)?;
    if number.fract() != 0.0 {
        let span = tree.map_or_else(Default::default, |tree| tree.span);
        resolver.report(Diagnostic::new(
            Code::NotConstant,
            span,
            "expected a whole number",
        ));
        return None;
    }
    #[allow(clippy::cast_sign_loss, reason = "`constant` refuses negative numbers")]
    Some(number as u64)
}

/// A count as a value.
fn count(n: u64) -> Val {
    Val::Int(i64::try_from(n).unwrap_or(i64::MAX))
}

/// A state as a value: its text.
fn state_value(graph: &AttackGraph, state: StateId) -> Val {
    Val::Str(graph.state_text(state).into())
}

/// Says that likelihoods of steps with several premises are lower bounds here.
fn warn_of_shared(cx: &mut Cx<'_>) {
    let message = "several premises rest on one step, which counts for each of them: likelihoods \
        with such steps are lower bounds";
    let help = "`EXPLOITABILITY OF .. SAMPLED n` draws each step once";
    cx.warn(Diagnostic::new(Code::LowerBound, Span::default(), message).help(help));
}

/// Stops a verb whose budget ran out after it handed out what it had.
fn stop_if(cx: &Cx<'_>, stop: Option<foothold_engine::budget::Stop>) -> Result<(), Fault> {
    match stop {
        Some(stop) => Err(cx.budget.give_up(stop).into()),
        None => Ok(()),
    }
}
