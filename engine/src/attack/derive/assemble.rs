//! Matches become states, steps and instances.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::attack::graph::{AttackGraph, Instance, StepMeta};
use crate::attack::rule::{RuleId, RuleSet, SilentRule};
use crate::attack::state::{Capability, State};
use crate::graph::{NodeId, Snapshot};
use crate::score::cost::cost_of_likelihood;
use crate::search::{StateId, StepGraphBuilder, TopologyError};

use super::found::Found;

/// `found` holds the matches of each rule, sorted.
pub(super) fn assemble(
    snapshot: &Arc<Snapshot>,
    rules: &Arc<RuleSet>,
    found: &[Found],
) -> Result<AttackGraph, TopologyError> {
    let states = States::of(snapshot, found);
    let mut builder = StepGraphBuilder::new(states.all.len() as u32);
    let mut inserted: Vec<StepMeta> = Vec::new();
    let n_instances = found.iter().map(|found| found.rows.len()).sum();
    let n_words = found.iter().map(|found| found.rows.len() * found.n_vars);
    let mut instances: Vec<Instance> = Vec::with_capacity(n_instances);
    let mut bindings: Vec<u32> = Vec::with_capacity(n_words.sum());
    let mut binding_starts: Vec<u32> = Vec::with_capacity(n_instances + 1);
    for (rule, found) in found.iter().enumerate() {
        let steps = found
            .rows
            .chunk_by(|a, b| a.gain == b.gain && a.premises == b.premises);
        for step in steps {
            let premises = step[0].premises.iter().map(|&state| states.id(state));
            let premises: SmallVec<[StateId; 2]> = premises.collect();
            let cost = cost_of_likelihood(step[0].likelihood);
            builder.step(&premises, states.id(step[0].gain), cost)?;
            let first = instances.len() as u32;
            for row in step {
                instances.push(Instance {
                    likelihood: row.likelihood,
                    confidence: row.confidence,
                });
                binding_starts.push(bindings.len() as u32);
                bindings.extend_from_slice(found.bindings_of(row));
            }
            inserted.push(StepMeta {
                rule: RuleId(rule as u16),
                instances: first..instances.len() as u32,
            });
        }
    }
    binding_starts.push(bindings.len() as u32);
    let (topology, order) = builder.finish();
    let steps = order
        .iter()
        .map(|&at| inserted[at as usize].clone())
        .collect();
    Ok(AttackGraph {
        snapshot: Arc::clone(snapshot),
        rules: Arc::clone(rules),
        states: states.all.into_boxed_slice(),
        topology,
        steps,
        instances: instances.into_boxed_slice(),
        bindings: bindings.into_boxed_slice(),
        binding_starts: binding_starts.into_boxed_slice(),
        efforts: found.iter().map(|found| found.effort).collect(),
        silent: silent(snapshot, rules),
    })
}

/// The rules that have nothing to work on.
pub(super) fn silent(snapshot: &Snapshot, rules: &RuleSet) -> Box<[SilentRule]> {
    let silent = rules.rules().iter().filter_map(|rule| {
        let mut missing = rule.missing_facts(snapshot);
        if missing.is_empty() {
            missing = rule.missing_properties(snapshot);
        }
        let rule = Arc::clone(&rule.name);
        (!missing.is_empty()).then_some(SilentRule { rule, missing })
    });
    silent.collect()
}

const N_CAPABILITIES: usize = Capability::ALL.len();

/// The states that occur, ascending, and the id of each.
struct States {
    all: Vec<State>,
    /// By asset and capability.
    ids: Vec<u32>,
}

impl States {
    fn of(snapshot: &Snapshot, found: &[Found]) -> Self {
        let mut ids = vec![u32::MAX; snapshot.n_nodes() * N_CAPABILITIES];
        for row in found.iter().flat_map(|found| &found.rows) {
            for &state in row.premises.iter().chain([&row.gain]) {
                ids[place(state)] = 0;
            }
        }
        let mut all = Vec::new();
        for (place, id) in ids.iter_mut().enumerate().filter(|(_, id)| **id == 0) {
            *id = all.len() as u32;
            all.push(State {
                asset: NodeId((place / N_CAPABILITIES) as u32),
                capability: Capability::ALL[place % N_CAPABILITIES],
            });
        }
        States { all, ids }
    }

    fn id(&self, state: State) -> StateId {
        StateId(self.ids[place(state)])
    }
}

/// States in order of asset and capability.
fn place(state: State) -> usize {
    state.asset.0 as usize * N_CAPABILITIES + state.capability as usize
}
