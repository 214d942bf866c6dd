//! The attack graph with assets as states of their own.
//!
//! Questions about an asset are questions about all of its states at once. For each asset two
//! states are added: *holding* it, from which every state of the asset is gained at no cost, and
//! having it *fallen*, which every state of the asset but network access gains at no cost. Then one
//! sweep over states answers for assets, each counted once.

use crate::attack::{AttackGraph, Capability};
use crate::graph::NodeId;
use crate::search::{StateId, StepGraph, StepGraphBuilder, TopologyError};

/// The place of a state that is left out.
const OUTSIDE: u32 = u32::MAX;

/// The topology of an attack graph with two more states for each asset.
#[derive(Debug)]
pub struct AssetGraph {
    topology: StepGraph,
    assets: Box<[NodeId]>,
    n_states: u32,
}

impl AssetGraph {
    /// Adds the states of assets. O(states + steps).
    pub fn new(graph: &AttackGraph) -> Result<Self, TopologyError> {
        Self::of(graph, &(0..graph.n_states() as u32).collect::<Vec<u32>>())
    }

    /// Of these states alone, ascending, and the steps between them.
    pub(super) fn of(graph: &AttackGraph, states: &[u32]) -> Result<Self, TopologyError> {
        let mut ids = vec![OUTSIDE; graph.n_states()];
        for (id, &state) in (0..).zip(states) {
            ids[state as usize] = id;
        }
        let n_states = states.len() as u32;
        let asset_of = |state: u32| graph.state(StateId(state)).asset;
        let mut assets: Vec<NodeId> = states.iter().map(|&state| asset_of(state)).collect();
        assets.dedup();
        let n_assets = assets.len() as u32;
        let topology = graph.topology();
        let n_steps = topology.n_steps() + 2 * states.len();
        let mut builder = StepGraphBuilder::with_capacity(n_states + 2 * n_assets, n_steps);
        let mut premises = Vec::new();
        for step in topology.steps() {
            let own = topology.premises(step).into_iter();
            premises.clear();
            premises.extend(own.map(|state| StateId(ids[state.idx()])));
            let gain = StateId(ids[topology.gain(step).idx()]);
            if premises
                .iter()
                .chain([&gain])
                .all(|state| state.0 != OUTSIDE)
            {
                builder.step(&premises, gain, topology.cost(step))?;
            }
        }
        let mut at = 0;
        for (id, &state) in (0..).zip(states) {
            if asset_of(state) != assets[at as usize] {
                at += 1;
            }
            builder.step(&[StateId(n_states + at)], StateId(id), 0)?;
            if graph.state(StateId(state)).capability != Capability::Reach {
                builder.step(&[StateId(id)], StateId(n_states + n_assets + at), 0)?;
            }
        }
        let (topology, _) = builder.finish();
        Ok(AssetGraph {
            topology,
            assets: assets.into_boxed_slice(),
            n_states,
        })
    }

    /// States, steps and costs, the added ones among them.
    pub fn topology(&self) -> &StepGraph {
        &self.topology
    }

    /// The assets that have states, in node order.
    pub fn assets(&self) -> &[NodeId] {
        &self.assets
    }

    /// The state of holding everything over the asset at this place.
    pub fn holding(&self, at: usize) -> StateId {
        StateId(self.n_states + at as u32)
    }

    /// The state of the asset at this place having fallen.
    pub fn fallen(&self, at: usize) -> StateId {
        StateId(self.n_states + self.assets.len() as u32 + at as u32)
    }

    /// The place of an asset, if it has states.
    pub fn place(&self, asset: NodeId) -> Option<usize> {
        self.assets.binary_search(&asset).ok()
    }
}
