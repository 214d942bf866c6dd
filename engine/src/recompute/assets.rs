//! The attack graph with assets as states of their own.
//!
//! Questions about an asset are questions about all of its states at once. For each asset two
//! states are added: *holding* it, from which every state of the asset is gained at no cost, and
//! having it *fallen*, which every state of the asset but network access gains at no cost. Then one
//! sweep over states answers for assets, each counted once.

use crate::attack::{AttackGraph, Capability};
use crate::graph::NodeId;
use crate::search::{StateId, StepGraph, StepGraphBuilder, TopologyError};

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
        let n_states = graph.n_states() as u32;
        let mut assets: Vec<NodeId> = (0..n_states)
            .map(|state| graph.state(StateId(state)).asset)
            .collect();
        assets.dedup();
        let n_assets = assets.len() as u32;
        let topology = graph.topology();
        let n_steps = topology.n_steps() + 2 * n_states as usize;
        let mut builder = StepGraphBuilder::with_capacity(n_states + 2 * n_assets, n_steps);
        let mut premises = Vec::new();
        for step in topology.steps() {
            premises.clear();
            premises.extend(topology.premises(step));
            builder.step(&premises, topology.gain(step), topology.cost(step))?;
        }
        for (at, &asset) in (0..n_assets).zip(&assets) {
            for state in graph.states_of(asset).map(StateId) {
                builder.step(&[StateId(n_states + at)], state, 0)?;
                if graph.state(state).capability != Capability::Reach {
                    builder.step(&[state], StateId(n_states + n_assets + at), 0)?;
                }
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
