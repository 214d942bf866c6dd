//! The attack graph that is left when some matches are broken.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::score::cost::cost_of_likelihood;
use crate::search::{Bits, StateId, StepGraphBuilder, StepId, TopologyError};

use super::graph::{AttackGraph, Instance, InstanceId, StepMeta};
use super::state::State;

impl AttackGraph {
    /// The attack graph without the matches that `is_broken` picks: what derivation gives when
    /// their facts are gone and nothing else changed. A step stands while one of its matches
    /// does, as likely as the likeliest of those. O(matches), no rule is matched again.
    pub fn without(
        &self,
        is_broken: impl FnMut(StepId, InstanceId) -> bool,
    ) -> Result<AttackGraph, TopologyError> {
        self.adjusted(1.0, is_broken)
    }

    /// The same, with every likelihood multiplied by `factor`: the attack graph of someone with
    /// less skill who does not do everything.
    pub fn adjusted(
        &self,
        factor: f64,
        mut is_broken: impl FnMut(StepId, InstanceId) -> bool,
    ) -> Result<AttackGraph, TopologyError> {
        let mut standing: Vec<(StepId, SmallVec<[InstanceId; 2]>)> = Vec::new();
        let mut used = Bits::new(self.n_states());
        for step in self.topology.steps() {
            let left: SmallVec<[InstanceId; 2]> = self
                .instances_of(step)
                .filter(|&instance| !is_broken(step, instance))
                .collect();
            if left.is_empty() {
                continue;
            }
            for premise in self.topology.premises(step) {
                used.insert(premise.0);
            }
            used.insert(self.topology.gain(step).0);
            standing.push((step, left));
        }
        // Only states that a step touches are states, as in derivation.
        let mut states: Vec<State> = Vec::new();
        let mut place = vec![u32::MAX; self.n_states()];
        for (at, state) in self.states.iter().enumerate() {
            if used.contains(at as u32) {
                place[at] = states.len() as u32;
                states.push(*state);
            }
        }
        let moved = |state: StateId| StateId(place[state.idx()]);

        let mut builder = StepGraphBuilder::with_capacity(states.len() as u32, standing.len());
        let mut steps: Vec<StepMeta> = Vec::with_capacity(standing.len());
        let mut instances: Vec<Instance> = Vec::new();
        let mut bindings: Vec<u32> = Vec::new();
        let mut binding_starts: Vec<u32> = Vec::new();
        for (step, left) in &standing {
            let premises: SmallVec<[StateId; 1]> = self
                .topology
                .premises(*step)
                .into_iter()
                .map(moved)
                .collect();
            let first = instances.len() as u32;
            for &instance in left {
                let at = instance.0 as usize;
                let range = self.binding_starts[at] as usize..self.binding_starts[at + 1] as usize;
                let found = self.instance(instance);
                instances.push(Instance {
                    likelihood: found.likelihood * factor,
                    ..found
                });
                binding_starts.push(bindings.len() as u32);
                bindings.extend_from_slice(&self.bindings[range]);
            }
            let best = instances[first as usize].likelihood;
            let gain = moved(self.topology.gain(*step));
            builder.step(&premises, gain, cost_of_likelihood(best))?;
            steps.push(StepMeta {
                rule: self.rule_of(*step),
                instances: first..instances.len() as u32,
            });
        }
        binding_starts.push(bindings.len() as u32);
        let (topology, order) = builder.finish();
        let steps = order.iter().map(|&at| steps[at as usize].clone()).collect();
        Ok(AttackGraph {
            snapshot: Arc::clone(&self.snapshot),
            rules: Arc::clone(&self.rules),
            states: states.into_boxed_slice(),
            topology,
            steps,
            instances: instances.into_boxed_slice(),
            bindings: bindings.into_boxed_slice(),
            binding_starts: binding_starts.into_boxed_slice(),
            efforts: self.efforts.clone(),
            silent: self.silent.clone(),
        })
    }
}
