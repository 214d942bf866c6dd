//! The attack graph: states, steps between them, and the evidence of every step.

use std::ops::Range;
use std::sync::Arc;

use crate::graph::{NodeId, Snapshot};
use crate::search::{StateId, StepGraph, StepId};

use super::rule::{RuleId, RuleSet, SilentRule};
use super::state::{Capability, State};

/// One match of a rule behind a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceId(pub u32);

/// What the attack graph keeps of one match of a rule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Instance {
    /// How likely it succeeds.
    pub likelihood: f64,
    /// How sure its evidence is, 0 to 1.
    pub confidence: f64,
}

/// A step's rule and the matches behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StepMeta {
    pub(crate) rule: RuleId,
    pub(crate) instances: Range<u32>,
}

/// What an attacker can do, derived from one snapshot by one set of rules.
///
/// A step stands for every match of one rule with the same premises and the same gain: ten
/// vulnerabilities in one image are one step with ten instances. The step is as likely as its best
/// instance, and broken only when every instance is.
#[derive(Debug)]
pub struct AttackGraph {
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) rules: Arc<RuleSet>,
    pub(crate) states: Box<[State]>,
    pub(crate) topology: StepGraph,
    pub(crate) steps: Box<[StepMeta]>,
    pub(crate) instances: Box<[Instance]>,
    /// Bindings of each instance, one `u32` a variable of its rule.
    pub(crate) bindings: Box<[u32]>,
    pub(crate) binding_starts: Box<[u32]>,
    /// For each rule the edges that were looked at when it was last matched from the start.
    pub(crate) efforts: Box<[u64]>,
    pub(crate) silent: Box<[SilentRule]>,
}

impl AttackGraph {
    /// Whether the other graph is the same to the byte: states, steps, matches and their order. The
    /// snapshots themselves are not compared, nor what the work was.
    pub fn is_identical(&self, other: &AttackGraph) -> bool {
        self.states == other.states
            && self.topology == other.topology
            && self.steps == other.steps
            && self.instances == other.instances
            && self.bindings == other.bindings
            && self.binding_starts == other.binding_starts
            && self.silent == other.silent
    }

    /// The snapshot it was derived from.
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// The rules it was derived by.
    pub fn rules(&self) -> &Arc<RuleSet> {
        &self.rules
    }

    /// States, steps and costs, as searches see them.
    pub fn topology(&self) -> &StepGraph {
        &self.topology
    }

    /// How many states.
    pub fn n_states(&self) -> usize {
        self.states.len()
    }

    /// How many steps.
    pub fn n_steps(&self) -> usize {
        self.steps.len()
    }

    /// What a state is.
    pub fn state(&self, id: StateId) -> State {
        self.states[id.idx()]
    }

    /// The id of a state, if any step starts from it or gains it. O(log states).
    pub fn find_state(&self, state: State) -> Option<StateId> {
        self.states
            .binary_search(&state)
            .ok()
            .map(|at| StateId(at as u32))
    }

    /// The states of an asset, in order of capability. O(log states).
    pub fn states_of(&self, asset: NodeId) -> Range<u32> {
        let start = self.states.partition_point(|state| state.asset < asset);
        let end = start + self.states[start..].partition_point(|state| state.asset == asset);
        start as u32..end as u32
    }

    /// How a state is written: `exec(k8s://prod/shop/Deployment/checkout)`.
    pub fn state_text(&self, id: StateId) -> String {
        let State { asset, capability } = self.state(id);
        format!("{capability}({})", self.snapshot.stable_id(asset))
    }

    /// The rule of a step.
    pub fn rule_of(&self, step: StepId) -> RuleId {
        self.steps[step.idx()].rule
    }

    /// The matches behind a step, likeliest first.
    pub fn instances_of(&self, step: StepId) -> impl ExactSizeIterator<Item = InstanceId> + use<> {
        self.steps[step.idx()].instances.clone().map(InstanceId)
    }

    /// One match.
    pub fn instance(&self, id: InstanceId) -> Instance {
        self.instances[id.0 as usize]
    }

    /// How many matches there are over all steps.
    pub fn n_instances(&self) -> usize {
        self.instances.len()
    }

    /// The confidence of a step: that of its likeliest instance.
    pub fn confidence_of(&self, step: StepId) -> f64 {
        let best = self.steps[step.idx()].instances.start;
        self.instances
            .get(best as usize)
            .map_or(1.0, |instance| instance.confidence)
    }

    /// The rules that could not fire because no document supplied their facts.
    pub fn silent_rules(&self) -> &[SilentRule] {
        &self.silent
    }

    /// Bytes on the heap, snapshot and rules left out.
    pub fn heap_bytes(&self) -> usize {
        self.topology.memory_bytes()
            + self.states.len() * size_of::<State>()
            + self.steps.len() * size_of::<StepMeta>()
            + self.instances.len() * (size_of::<Instance>() + 4)
            + self.bindings.len() * 4
    }

    /// The states of an asset that count when a question names the asset and no capability: all
    /// of them, but network access only where there is nothing more to hold.
    pub fn target_states(&self, asset: NodeId) -> impl Iterator<Item = StateId> + '_ {
        let all = self.states_of(asset);
        let only_reach = all
            .clone()
            .all(|at| self.states[at as usize].capability == Capability::Reach);
        let data_store = self.snapshot.label_id("DataStore");
        let holds_data = data_store.is_some_and(|label| self.snapshot.has_label(asset, label));
        all.filter(move |&at| {
            self.states[at as usize].capability != Capability::Reach || (only_reach && !holds_data)
        })
        .map(StateId)
    }
}
