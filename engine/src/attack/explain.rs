//! Explanations: why a step is possible, what its likelihood is made of, and what breaks it.

use std::sync::Arc;

use crate::graph::{EdgeId, NodeId, Snapshot};
use crate::pattern::{Binding, Bindings, Var};

use super::derive::unpack;
use super::graph::{AttackGraph, InstanceId};
use super::rule::{Factor, FixTarget, Rule, RuleId};
use crate::search::StepId;

/// A fact behind a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Evidence {
    /// A node that the rule matched and no matched edge mentions.
    Node(NodeId),
    /// An edge that the rule matched.
    Edge(EdgeId),
}

/// A change that breaks an instance of a step.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fix {
    /// Stable: `<action>:<id of the target>`.
    pub id: String,
    /// What is done: `upgrade`, `detach`, `close`.
    pub action: Arc<str>,
    /// What to do, in words.
    pub title: String,
    /// What is changed.
    pub target: FixTarget,
    /// The team that owns the target or what it belongs to.
    pub owner: Option<String>,
    /// What it costs; 1 is the least.
    pub cost: u32,
}

/// Why one instance of a step is possible.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The rule.
    pub rule: RuleId,
    /// The likelihood after guards.
    pub likelihood: f64,
    /// The confidence of its evidence.
    pub confidence: f64,
    /// One sentence.
    pub text: String,
    /// Every number that went into the likelihood, guards included.
    pub factors: Vec<Factor>,
    /// The facts.
    pub evidence: Vec<Evidence>,
    /// What breaks it.
    pub fixes: Vec<Fix>,
}

impl AttackGraph {
    /// What the variables of the rule stood for in one match.
    pub fn bindings_of(&self, step: StepId, instance: InstanceId) -> Bindings {
        let rule = self.rules.get(self.rule_of(step));
        let at = instance.0 as usize;
        let range = self.binding_starts[at] as usize..self.binding_starts[at + 1] as usize;
        unpack(rule, &self.bindings[range])
    }

    /// Explains one match of a step.
    pub fn explain(&self, step: StepId, instance: InstanceId) -> Explanation {
        let rule_id = self.rule_of(step);
        let rule = self.rules.get(rule_id);
        let snapshot = &*self.snapshot;
        let bindings = self.bindings_of(step, instance);
        let mut factors = Vec::new();
        rule.likelihood
            .eval(snapshot, &bindings, Some(&mut factors));
        for guard in &rule.guards {
            if guard.condition.eval(snapshot, &bindings) == Some(true) {
                factors.push(Factor {
                    name: Arc::clone(&guard.name),
                    value: None,
                    effect: format!("x {}", guard.factor),
                });
            }
        }
        let found = self.instance(instance);
        Explanation {
            rule: rule_id,
            likelihood: found.likelihood,
            confidence: found.confidence,
            text: rule.explanation.render(snapshot, &bindings),
            factors,
            evidence: evidence(snapshot, rule, &bindings),
            fixes: fixes(snapshot, rule, &bindings),
        }
    }

    /// What breaks one match of a step. Cheaper than [`AttackGraph::explain`].
    pub fn fixes_of(&self, step: StepId, instance: InstanceId) -> Vec<Fix> {
        let rule = self.rules.get(self.rule_of(step));
        fixes(&self.snapshot, rule, &self.bindings_of(step, instance))
    }
}

fn evidence(snapshot: &Snapshot, rule: &Rule, bindings: &Bindings) -> Vec<Evidence> {
    let edges: Vec<EdgeId> = bindings.edges().collect();
    let mentioned = |node: NodeId| {
        edges.iter().any(|&edge| {
            let ends = snapshot.edge(edge);
            ends.source == node || ends.target == node
        })
    };
    let mut out: Vec<Evidence> = edges.iter().copied().map(Evidence::Edge).collect();
    for at in 0..rule.pattern.vars.len() as u16 {
        if let Some(node) = bindings.node(Var(at))
            && !mentioned(node)
        {
            out.push(Evidence::Node(node));
        }
    }
    out
}

fn fixes(snapshot: &Snapshot, rule: &Rule, bindings: &Bindings) -> Vec<Fix> {
    rule.fixes
        .iter()
        .filter_map(|fix| {
            let (target, id) = match bindings.get(fix.target) {
                Binding::Node(node) => {
                    (FixTarget::Node(*node), snapshot.stable_id(*node).to_owned())
                }
                Binding::Edge(edge) => (FixTarget::Edge(*edge), edge_text(snapshot, *edge)),
                _ => return None,
            };
            Some(Fix {
                id: format!("{}:{id}", fix.action),
                action: Arc::clone(&fix.action),
                title: fix.title.render(snapshot, bindings),
                target,
                owner: owner(snapshot, target, bindings),
                cost: fix.cost,
            })
        })
        .collect()
}

/// An edge in words that stay the same over reloads: `<from> -[KIND key]-> <to>`.
fn edge_text(snapshot: &Snapshot, edge: EdgeId) -> String {
    let ends = snapshot.edge(edge);
    let action = snapshot
        .prop_id("action")
        .and_then(|prop| snapshot.edge_str(edge, prop))
        .map(|action| format!(" {action}"))
        .unwrap_or_default();
    format!(
        "{} -[{}{action}]-> {}",
        snapshot.stable_id(ends.source),
        snapshot.kind_name(ends.kind),
        snapshot.stable_id(ends.target)
    )
}

/// The team of the target; failing that, of anything else the rule matched, in order of variables.
fn owner(snapshot: &Snapshot, target: FixTarget, bindings: &Bindings) -> Option<String> {
    let kind = snapshot.kind_id("OWNED_BY")?;
    let first: Vec<NodeId> = match target {
        FixTarget::Node(node) => vec![node],
        FixTarget::Edge(edge) => {
            let ends = snapshot.edge(edge);
            vec![ends.source, ends.target]
        }
    };
    first.into_iter().chain(bindings.nodes()).find_map(|node| {
        let (_, team) = snapshot.out_edges(node, kind).iter().next()?;
        Some(super::rule::display_name(snapshot, team).to_owned())
    })
}
