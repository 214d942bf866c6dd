//! `WHY NOT`: why a rule gives no step here.

use std::ops::ControlFlow;
use std::sync::Arc;

use foothold_engine::attack::{Rule, RuleId, Standing, State, StateTemplate, Verdict, why_not};

use crate::ast;
use crate::diagnostic::{Code, Diagnostic};
use crate::exec::Cx;
use crate::fault::Fault;
use crate::plan::{Table, TakeRow};
use crate::resolve::{Resolver, Scope, VerbTable};
use crate::value::Val;

use super::between::{Between, Held};
use super::ends::EndNode;
use super::{AttackContext, columns};

/// The rule that is asked about.
#[derive(Debug, Clone)]
enum Asked {
    InForce(RuleId),
    /// Left out by name.
    Disabled(Arc<str>),
    /// Written, but its definition has errors.
    Broken(Arc<str>),
}

#[derive(Debug)]
struct WhyNot {
    rule: Option<Asked>,
    between: Between,
}

pub(super) fn plan(
    context: &AttackContext,
    resolver: &mut Resolver<'_>,
    parts: &ast::WhyNot,
    scope: &Scope,
) -> VerbTable {
    let from = parts.from.as_ref();
    let table = WhyNot {
        rule: find(context, resolver, parts),
        between: Between::plan(context, resolver, from, Some(&parts.to), scope),
    };
    VerbTable {
        table: Arc::new(table),
        columns: columns::WHY_NOT.typed(),
    }
}

fn find(
    context: &AttackContext,
    resolver: &mut Resolver<'_>,
    parts: &ast::WhyNot,
) -> Option<Asked> {
    let name = &parts.rule.name;
    let rules = context.graph.rules();
    if let Some(rule) = rules.find(name) {
        return Some(Asked::InForce(rule));
    }
    if let Some(rule) = context.definitions.rule(name) {
        let written: Arc<str> = rule.name.name.as_str().into();
        let is_disabled = context.definitions.is_disabled(rule);
        return Some(if is_disabled {
            Asked::Disabled(written)
        } else {
            Asked::Broken(written)
        });
    }
    let message = format!("no rule `{name}`");
    let known = rules.rules().iter().map(|rule| &*rule.name);
    let diagnostic = Diagnostic::new(Code::UnknownVariable, parts.rule.span, message);
    resolver.report(diagnostic.suggest(name, known));
    None
}

impl WhyNot {
    fn verdict(
        &self,
        rule: &Rule,
        end: &EndNode,
        held: &Held,
        cx: &Cx<'_>,
    ) -> Result<Verdict, Fault> {
        let graph = &**self.between.graph();
        let is_held = |state: State| held.has(graph, state);
        let mut furthest: Option<Verdict> = None;
        for gain in rule.gain.iter().filter(|gain| end.means(gain.capability)) {
            let snapshot = graph.snapshot();
            let verdict = why_not(snapshot, rule, *gain, end.node, &is_held, cx.budget)?;
            if furthest
                .as_ref()
                .is_none_or(|before| verdict.n_held > before.n_held)
            {
                furthest = Some(verdict);
            }
        }
        Ok(furthest.unwrap_or_else(|| Verdict {
            n_held: 0,
            premise: Some(format!("GAIN {}", gains(rule))),
            standing: Standing::False,
        }))
    }
}

/// What a rule gains, as written: `exec(w), root(n)`.
fn gains(rule: &Rule) -> String {
    let text = |gain: &StateTemplate| {
        let spec = rule.pattern.vars.get(usize::from(gain.var.0));
        format!(
            "{}({})",
            gain.capability,
            spec.map_or("", |spec| &spec.name)
        )
    };
    let all: Vec<String> = rule.gain.iter().map(text).collect();
    all.join(", ")
}

impl Table for WhyNot {
    fn rows<'c>(
        &self,
        cx: &mut Cx<'c>,
        take: &mut TakeRow<'_, 'c>,
    ) -> Result<ControlFlow<()>, Fault> {
        let graph = Arc::clone(self.between.graph());
        let ends = self.between.targets(cx)?;
        let id = match &self.rule {
            Some(Asked::InForce(id)) => *id,
            Some(Asked::Disabled(name)) => {
                return same_for_all(cx, take, &ends, name, "the rule is disabled", "disabled");
            }
            Some(Asked::Broken(name)) => {
                let premise = "the rule's definition has errors and is not in force";
                return same_for_all(cx, take, &ends, name, premise, "disabled");
            }
            None => return Ok(ControlFlow::Continue(())),
        };
        let rule = graph.rules().get(id);
        let held = self.between.held(cx)?;
        for end in &ends {
            let verdict = self.verdict(rule, end, &held, cx)?;
            let row = [
                Val::str(&rule.name),
                verdict.premise.map_or(Val::Null, |text| Val::str(&text)),
                Val::str(verdict.standing.name()),
            ];
            if take(cx, &row)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn text(&self) -> String {
        "WhyNot".to_owned()
    }
}

fn same_for_all<'c>(
    cx: &mut Cx<'c>,
    take: &mut TakeRow<'_, 'c>,
    ends: &[EndNode],
    rule: &str,
    premise: &str,
    status: &str,
) -> Result<ControlFlow<()>, Fault> {
    for _ in ends {
        let row = [Val::str(rule), Val::str(premise), Val::str(status)];
        if take(cx, &row)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}
