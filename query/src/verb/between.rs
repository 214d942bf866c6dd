//! What most verbs have in common: where the attacker starts, where the question leads, and what the
//! attacker does not do.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use foothold_engine::attack::{AttackGraph, Capability, InstanceId, Rule, State, crown_jewels};
use foothold_engine::graph::NodeId;
use foothold_engine::search::{Bits, StateId, closure};

use crate::ast::{AttackerDefinition, EndKind, Ends, ExprKind};
use crate::diagnostic::{Code, Diagnostic};
use crate::exec::Cx;
use crate::fault::Fault;
use crate::resolve::{Resolver, Scope};

use super::ends::{EndNode, EndsPlan, Role};
use super::path_value::rounded;
use super::unknown_ways::UnknownWays;
use super::{AttackContext, stop_if};

/// So many targets are asked what is unknown of them; more are not read anyway.
const MAX_ASKED: usize = 16;

/// So many unknown facts are named.
const MAX_UNKNOWN: usize = 20;

/// What could not be decided while a query was answered.
#[derive(Debug, Clone, Default)]
pub struct Unknowns(Arc<Mutex<Vec<String>>>);

impl Unknowns {
    fn add(&self, text: String) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < MAX_UNKNOWN && !all.contains(&text) {
            all.push(text);
        }
    }

    /// What was noted so far.
    pub fn noted(&self) -> Vec<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// `FROM` and `TO` of a verb, over what the attacker named there can do.
#[derive(Debug, Clone)]
pub(super) struct Between {
    /// The attack graph without what the attacker does not do, and at the attacker's skill.
    pub(super) context: AttackContext,
    from: EndsPlan,
    to: EndsPlan,
}

impl Between {
    /// Plans both ends. `FROM` left out is the attacker `internet`; `TO` every crown jewel.
    pub(super) fn plan(
        context: &AttackContext,
        resolver: &mut Resolver<'_>,
        from: Option<&Ends>,
        to: Option<&Ends>,
        scope: &Scope,
    ) -> Self {
        Self::plan_of_sure(context, resolver, (from, to), scope, 0.0)
    }

    /// The same over the matches of rules that are at least so sure.
    pub(super) fn plan_of_sure(
        context: &AttackContext,
        resolver: &mut Resolver<'_>,
        (from, to): (Option<&Ends>, Option<&Ends>),
        scope: &Scope,
        at_least: f64,
    ) -> Self {
        let context = as_attacker(context, resolver, from);
        let context = with_sure_matches(context, at_least);
        let from = EndsPlan::sources(&context, resolver, from, scope);
        let to = EndsPlan::targets(&context, resolver, to, scope);
        Between { context, from, to }
    }

    /// The attack graph.
    pub(super) fn graph(&self) -> &Arc<AttackGraph> {
        &self.context.graph
    }

    /// The nodes that the attacker starts from, for the current row.
    pub(super) fn starts(&self, cx: &mut Cx<'_>) -> Result<Vec<EndNode>, Fault> {
        self.from.nodes(cx, self.graph(), Role::Source)
    }

    /// The states that the attacker starts from, for the current row.
    pub(super) fn sources(&self, cx: &mut Cx<'_>) -> Result<Vec<StateId>, Fault> {
        self.from.states(cx, self.graph(), Role::Source)
    }

    /// The nodes that the question leads to, for the current row.
    pub(super) fn targets(&self, cx: &mut Cx<'_>) -> Result<Vec<EndNode>, Fault> {
        self.to.nodes(cx, self.graph(), Role::Target)
    }

    /// Everything that is derivable from the start.
    pub(super) fn held(&self, cx: &mut Cx<'_>) -> Result<Held, Fault> {
        let starts = self.starts(cx)?;
        let states: Vec<StateId> = starts.iter().flat_map(|end| end.states.clone()).collect();
        let (derived, stop) = closure(self.graph().topology(), &states, cx.budget).into_parts();
        stop_if(cx, stop)?;
        Ok(Held { derived, starts })
    }

    /// Notes why "cannot be reached" is not sure for these targets: steps that would be on a way
    /// there if a fact that nobody supplied were so.
    pub(super) fn note_unknown(&self, cx: &mut Cx<'_>, unreached: &[EndNode]) -> Result<(), Fault> {
        if unreached.is_empty() {
            return Ok(());
        }
        let held = self.held(cx)?;
        let graph = self.graph();
        let mut ways = UnknownWays::new(graph, &held);
        for end in unreached.iter().take(MAX_ASKED) {
            for capability in Capability::ALL.into_iter().filter(|one| end.means(*one)) {
                ways.lead_to(State {
                    asset: end.node,
                    capability,
                });
            }
        }
        for text in ways.find(cx.budget)? {
            self.context.unknowns.add(text);
        }
        Ok(())
    }
}

/// What an attacker holds: everything derivable from where they start, and the start itself even
/// where no step leads on from it.
pub(super) struct Held {
    derived: Bits,
    starts: Vec<EndNode>,
}

impl Held {
    /// Whether the state is held.
    pub(super) fn has(&self, graph: &AttackGraph, state: State) -> bool {
        let found = graph.find_state(state);
        found.is_some_and(|id| self.derived.contains(id.0))
            || self
                .starts
                .iter()
                .any(|start| start.node == state.asset && start.means(state.capability))
    }

    /// The nodes over which the start itself has a capability.
    pub(super) fn named(&self, capability: Capability) -> Vec<NodeId> {
        let means = |start: &&EndNode| start.means(capability);
        self.starts
            .iter()
            .filter(means)
            .map(|start| start.node)
            .collect()
    }

    /// The nodes over which a capability follows from the start.
    pub(super) fn derived(&self, graph: &AttackGraph, capability: Capability) -> Vec<NodeId> {
        let states = self.derived.iter().map(|id| graph.state(StateId(id)));
        let held = states.filter(|state| state.capability == capability);
        held.map(|state| state.asset).collect()
    }
}

/// What every crown jewel is worth.
pub(super) fn values(graph: &AttackGraph) -> BTreeMap<NodeId, f64> {
    let jewels = crown_jewels(graph.snapshot()).into_iter();
    jewels.map(|jewel| (jewel.asset, jewel.value)).collect()
}

/// Whether the rule uses the technique or one of its sub-techniques.
pub(super) fn uses_technique(rule: &Rule, technique: &str) -> bool {
    rule.techniques.iter().any(|one| {
        let rest = one.strip_prefix(technique);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

/// The attack graph as the attacker of `FROM` sees it: without rules and techniques that are not
/// theirs, every likelihood multiplied by their skill.
fn as_attacker(
    context: &AttackContext,
    resolver: &mut Resolver<'_>,
    from: Option<&Ends>,
) -> AttackContext {
    let items = from.map_or(&[][..], |ends| &ends.items);
    let named: Vec<(&str, _)> = match from {
        None => vec![("internet", None)],
        Some(_) => items
            .iter()
            .filter_map(|end| match &end.kind {
                EndKind::Attacker(name) => Some((name.name.as_str(), Some(name.span))),
                _ => None,
            })
            .collect(),
    };
    for (name, span) in named {
        let Some((attacker, _)) = context.definitions.attacker(name) else {
            continue;
        };
        let skill = skill(attacker);
        let is_plain = attacker.forbidden_rules.is_empty()
            && attacker.forbidden_techniques.is_empty()
            && skill >= 1.0;
        if is_plain {
            continue;
        }
        if let (Some(span), true) = (span, items.len() > 1) {
            let message = format!(
                "the attacker `{name}` has rules or a skill of their own and stands alone in `FROM`"
            );
            resolver.report(Diagnostic::new(Code::NotSupported, span, message));
            continue;
        }
        let graph = &context.graph;
        let forbidden: Vec<bool> = graph
            .rules()
            .rules()
            .iter()
            .map(|rule| is_forbidden(attacker, rule))
            .collect();
        let adjusted = graph.adjusted(skill, |step, _| {
            let rule = usize::from(graph.rule_of(step).0);
            forbidden.get(rule).copied().unwrap_or(false)
        });
        // A part of a graph that fits, fits.
        if let Ok(adjusted) = adjusted {
            return AttackContext {
                graph: Arc::new(adjusted),
                ..context.clone()
            };
        }
    }
    context.clone()
}

/// Whether a match is at least so sure, as its confidence is shown.
fn is_sure(graph: &AttackGraph, instance: InstanceId, at_least: f64) -> bool {
    rounded(graph.instance(instance).confidence) >= at_least
}

/// The attack graph in which a step whose likeliest match is not sure enough stands by another one
/// that is; the same where no step has such matches.
fn with_sure_matches(context: AttackContext, at_least: f64) -> AttackContext {
    let graph = &context.graph;
    let mut steps = graph.topology().steps();
    let is_mixed = |step| {
        let mut instances = graph.instances_of(step);
        let mut is_sure = |instance| is_sure(graph, instance, at_least);
        !instances.next().is_none_or(&mut is_sure) && instances.any(is_sure)
    };
    if at_least <= 0.0 || !steps.any(is_mixed) {
        return context;
    }
    // A part of a graph that fits, fits.
    match graph.without(|_, instance| !is_sure(graph, instance, at_least)) {
        Ok(sure) => AttackContext {
            graph: Arc::new(sure),
            ..context
        },
        Err(_) => context,
    }
}

fn is_forbidden(attacker: &AttackerDefinition, rule: &Rule) -> bool {
    let by_name = attacker
        .forbidden_rules
        .iter()
        .any(|name| *name.name == *rule.name || rule.id.as_deref() == Some(name.name.as_str()));
    let mut techniques = attacker.forbidden_techniques.iter();
    by_name || techniques.any(|technique| uses_technique(rule, &technique.name))
}

/// `SKILL`, between 0 and 1; 1 without.
fn skill(attacker: &AttackerDefinition) -> f64 {
    let number = match attacker.skill.as_ref().map(|tree| &tree.kind) {
        Some(ExprKind::Float(number)) => *number,
        #[allow(
            clippy::cast_precision_loss,
            reason = "a skill is 0 or 1 when it is whole"
        )]
        Some(ExprKind::Integer(number)) => *number as f64,
        _ => 1.0,
    };
    number.clamp(0.0, 1.0)
}
