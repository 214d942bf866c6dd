//! Derivation: every match of every rule becomes an instance of a step.
//!
//! A rule's pattern reads the asset graph alone; what must be held stands beside it as premises.
//! So one pass over the rules finds every step that could ever apply, from whatever state, and the
//! fixed point over states is the reachability of the resulting graph. AND rules give steps with
//! several premises.

use std::ops::ControlFlow;
use std::sync::Arc;

use rayon::prelude::*;
use smallvec::SmallVec;
use thiserror::Error;

use crate::budget::{Budget, Stop};
use crate::graph::{EdgeId, NodeId, Snapshot};
use crate::model::CERTAIN;
use crate::pattern::{Binding, Bindings, Plan, Var, VarKind, for_each_match};
use crate::score::cost::cost_of_likelihood;
use crate::search::{StateId, StepGraphBuilder, TopologyError};

use super::graph::{AttackGraph, Instance, StepMeta};
use super::rule::{Rule, RuleId, RuleSet, SilentRule, StateTemplate};
use super::state::State;

/// Why derivation failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DeriveError {
    /// The budget ran out; an attack graph with steps missing would be wrong, so there is none.
    #[error("deriving attack steps stopped: {0}")]
    Stopped(Stop),
    /// There are more steps than fit 32-bit ids.
    #[error("the attack graph does not fit")]
    Topology(#[from] TopologyError),
}

/// One match of one rule, before steps are grouped.
struct Match {
    gain: State,
    premises: SmallVec<[State; 1]>,
    likelihood: f64,
    confidence: f64,
    bindings: Box<[u32]>,
}

/// Derives every step. Parallel over rules in `pool`; the result does not depend on its size.
pub fn derive(
    snapshot: &Arc<Snapshot>,
    rules: &Arc<RuleSet>,
    pool: &rayon::ThreadPool,
    budget: &Budget,
) -> Result<AttackGraph, DeriveError> {
    let matches: Result<Vec<Vec<Match>>, Stop> = pool.install(|| {
        rules
            .rules()
            .par_iter()
            .map(|rule| {
                let mut matches = match_rule(snapshot, rule, budget)?;
                matches.par_sort_by(|a, b| {
                    (a.gain, &a.premises)
                        .cmp(&(b.gain, &b.premises))
                        .then(b.likelihood.total_cmp(&a.likelihood))
                        .then(b.confidence.total_cmp(&a.confidence))
                        .then_with(|| a.bindings.cmp(&b.bindings))
                });
                matches.dedup_by(|a, b| {
                    a.gain == b.gain && a.premises == b.premises && a.bindings == b.bindings
                });
                Ok(matches)
            })
            .collect()
    });
    let matches = matches.map_err(DeriveError::Stopped)?;
    assemble(snapshot, rules, &matches)
}

/// Every match of one rule that its guards leave standing.
fn match_rule(snapshot: &Snapshot, rule: &Rule, budget: &Budget) -> Result<Vec<Match>, Stop> {
    let mut found = Vec::new();
    if !rule.missing_facts(snapshot).is_empty() {
        return Ok(found);
    }
    let plan = Plan::new(snapshot, &rule.pattern, &[]);
    let mut bindings = plan.bindings();
    let _ = for_each_match(snapshot, budget, &plan, &mut bindings, |bindings| {
        add_match(snapshot, rule, bindings, &mut found);
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

/// Adds one match, once for each state it gains.
fn add_match(snapshot: &Snapshot, rule: &Rule, bindings: &Bindings, found: &mut Vec<Match>) {
    let likelihood = guarded_likelihood(snapshot, rule, bindings);
    if likelihood <= 0.0 {
        return;
    }
    let state = |template: &StateTemplate| {
        bindings.node(template.var).map(|asset| State {
            asset,
            capability: template.capability,
        })
    };
    let premises: Option<SmallVec<[State; 1]>> = rule.given.iter().map(state).collect();
    let Some(mut premises) = premises else { return };
    premises.sort_unstable();
    premises.dedup();
    let confidence = rule.confidence * evidence_confidence(snapshot, bindings);
    let packed = pack(rule, bindings);
    for gain in rule.gain.iter().filter_map(state) {
        // Holding what one gains already makes no step.
        if !premises.contains(&gain) {
            found.push(Match {
                gain,
                premises: premises.clone(),
                likelihood,
                confidence,
                bindings: packed.clone(),
            });
        }
    }
}

/// The likelihood after guards; 0 removes the match.
pub(super) fn guarded_likelihood(snapshot: &Snapshot, rule: &Rule, bindings: &Bindings) -> f64 {
    let mut likelihood = rule
        .likelihood
        .eval(snapshot, bindings, None)
        .clamp(0.0, 1.0);
    for guard in &rule.guards {
        if likelihood > 0.0 && guard.condition.eval(snapshot, bindings) == Some(true) {
            likelihood *= guard.factor;
        }
    }
    likelihood
}

/// The product over matched edges and nodes: evidence that hangs on two guesses is weaker than
/// evidence that hangs on one.
fn evidence_confidence(snapshot: &Snapshot, bindings: &Bindings) -> f64 {
    let edges = bindings
        .edges()
        .map(|edge: EdgeId| snapshot.edge_confidence(edge));
    edges.fold(1.0, |product, hundredths| {
        product * f64::from(hundredths) / f64::from(CERTAIN)
    })
}

/// One `u32` a variable; `u32::MAX` for what is not bound.
fn pack(rule: &Rule, bindings: &Bindings) -> Box<[u32]> {
    (0..rule.pattern.vars.len() as u16)
        .map(|var| match bindings.get(Var(var)) {
            Binding::Node(node) => node.0,
            Binding::Edge(edge) => edge.0,
            _ => u32::MAX,
        })
        .collect()
}

/// The bindings that [`pack`] stored.
pub(super) fn unpack(rule: &Rule, packed: &[u32]) -> Bindings {
    let mut bindings = Bindings::new(rule.pattern.vars.len());
    for (at, (spec, &value)) in rule.pattern.vars.iter().zip(packed).enumerate() {
        let binding = match (spec.kind, value) {
            (_, u32::MAX) => Binding::Unbound,
            (VarKind::Node, node) => Binding::Node(NodeId(node)),
            (VarKind::Edge, edge) => Binding::Edge(EdgeId(edge)),
            _ => Binding::Unbound,
        };
        bindings.set(Var(at as u16), binding);
    }
    bindings
}

fn assemble(
    snapshot: &Arc<Snapshot>,
    rules: &Arc<RuleSet>,
    matches: &[Vec<Match>],
) -> Result<AttackGraph, DeriveError> {
    let mut states: Vec<State> = matches
        .iter()
        .flatten()
        .flat_map(|found| found.premises.iter().copied().chain([found.gain]))
        .collect();
    states.sort_unstable();
    states.dedup();
    let id_of = |state: &State| match states.binary_search(state) {
        Ok(at) => StateId(at as u32),
        // Every premise and gain was collected above.
        Err(_) => StateId(u32::MAX),
    };

    let mut builder = StepGraphBuilder::new(states.len() as u32);
    let mut inserted: Vec<StepMeta> = Vec::new();
    let mut instances: Vec<Instance> = Vec::new();
    let mut bindings: Vec<u32> = Vec::new();
    let mut binding_starts: Vec<u32> = Vec::new();
    for (rule, found) in matches.iter().enumerate() {
        for group in found.chunk_by(|a, b| a.gain == b.gain && a.premises == b.premises) {
            let premises: SmallVec<[StateId; 1]> = group[0].premises.iter().map(id_of).collect();
            let cost = cost_of_likelihood(group[0].likelihood);
            builder.step(&premises, id_of(&group[0].gain), cost)?;
            let first = instances.len() as u32;
            for found in group {
                instances.push(Instance {
                    likelihood: found.likelihood,
                    confidence: found.confidence,
                });
                binding_starts.push(bindings.len() as u32);
                bindings.extend_from_slice(&found.bindings);
            }
            let instances = first..instances.len() as u32;
            inserted.push(StepMeta {
                rule: RuleId(rule as u16),
                instances,
            });
        }
    }
    binding_starts.push(bindings.len() as u32);
    let (topology, order) = builder.finish();
    let steps = order
        .iter()
        .map(|&at| inserted[at as usize].clone())
        .collect();
    let silent = rules
        .rules()
        .iter()
        .filter_map(|rule| {
            let missing = rule.missing_facts(snapshot);
            let rule = Arc::clone(&rule.name);
            (!missing.is_empty()).then_some(SilentRule { rule, missing })
        })
        .collect();
    Ok(AttackGraph {
        snapshot: Arc::clone(snapshot),
        rules: Arc::clone(rules),
        states: states.into_boxed_slice(),
        topology,
        steps,
        instances: instances.into_boxed_slice(),
        bindings: bindings.into_boxed_slice(),
        binding_starts: binding_starts.into_boxed_slice(),
        silent,
    })
}
