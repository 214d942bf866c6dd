//! `WHY NOT`: why a rule gives no step here.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use foothold_engine::attack::{
    Places, Rule, RuleId, Standing, State, StateTemplate, Verdict, why_not,
};
use foothold_engine::graph::NodeId;

use crate::ast::{self, EndKind};
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
    /// Whether `FROM` names nodes or states, and no attacker.
    is_from_named: bool,
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
        is_from_named: from.is_some_and(|ends| {
            let mut items = ends.items.iter();
            !items.any(|end| matches!(end.kind, EndKind::Attacker(_)))
        }),
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
        places: &[Places],
        cx: &Cx<'_>,
    ) -> Result<Verdict, Fault> {
        let graph = &**self.between.graph();
        let is_held = |state: State| held.has(graph, state);
        let mut furthest: Option<Verdict> = None;
        let asked = rule.gain.iter().zip(places);
        for (gain, places) in asked.filter(|(gain, _)| end.means(gain.capability)) {
            let snapshot = graph.snapshot();
            let (node, budget) = (end.node, cx.budget);
            let tried =
                |places: &Places| why_not(snapshot, rule, *gain, node, &is_held, places, budget);
            let mut verdict = tried(&Places::new())?;
            // The step may come from elsewhere than what was named: then it is there.
            if verdict.standing != Standing::Fires && !places.is_empty() {
                verdict = tried(places)?;
            }
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

impl WhyNot {
    /// The nodes that may stand in the states a rule needs, where `FROM` names nodes or states:
    /// those that it names itself, else those that follow from it.
    fn places(&self, rule: &Rule, gain: StateTemplate, held: &Held) -> Places {
        let graph = self.between.graph();
        let snapshot = graph.snapshot();
        let of = |is_named: bool| -> Places {
            let others = rule.given.iter().filter(|given| given.var != gain.var);
            let places = others.map(|given| {
                let pattern = rule.pattern.nodes.iter().find(|node| node.var == given.var);
                let fits = |node: NodeId| {
                    let has = |label: &str| {
                        let label = snapshot.label_id(label);
                        label.is_some_and(|label| snapshot.has_label(node, label))
                    };
                    pattern.is_none_or(|pattern| pattern.labels.holds(&has))
                };
                let nodes = if is_named {
                    held.named(given.capability)
                } else {
                    held.derived(graph, given.capability)
                };
                (
                    given.var,
                    nodes.into_iter().filter(|&node| fits(node)).collect(),
                )
            });
            let places = places.filter(|(_, nodes): &(_, BTreeSet<_>)| !nodes.is_empty());
            places.collect()
        };
        if !self.is_from_named {
            return Places::new();
        }
        let named = of(true);
        if named.is_empty() { of(false) } else { named }
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
        let gains = rule.gain.iter();
        let places: Vec<Places> = gains.map(|gain| self.places(rule, *gain, &held)).collect();
        for end in &ends {
            let verdict = self.verdict(rule, end, &held, &places, cx)?;
            let row = [
                Val::str(&rule.name),
                verdict.premise.map_or(Val::Null, |text| Val::str(&text)),
                Val::str(verdict.standing.name()),
                Val::Node(end.node),
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
    for end in ends {
        let (rule, premise, status) = (Val::str(rule), Val::str(premise), Val::str(status));
        let row = [rule, premise, status, Val::Node(end.node)];
        if take(cx, &row)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}
