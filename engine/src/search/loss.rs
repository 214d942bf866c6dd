//! The expected loss of every state: the sum over assets of value times likelihood of the best path.
//!
//! Sixteen assets at a time: for each state the costs of its best chains to them, one beside the
//! other, so that a step is one vector addition and one vector minimum. States are taken in
//! topological order of their components, sinks first; inside a larger component the costs are
//! corrected until nothing changes. That is exact: costs are whole numbers, and a 32-bit float
//! holds those up to 256 nats (a likelihood of 10^-111) without rounding.
//!
//! With AND steps a chain pays for side derivations as [`SideCosts`] says: with those of an
//! attacker's starts, the loss is that of holding the state on top of them; with
//! [`SideCosts::free`] it is an upper bound.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::bits::Bits;
use super::cheapest::SideCosts;
use super::components::{Components, Links, components};
use super::frontier::NO_KEY;
use super::topology::StateId;
use super::view::Topology;
use crate::budget::{Budget, Outcome, Stop};
use crate::score::cost::UNIT;

/// An asset as loss sees it: what it is worth, and the states any of which means that it fell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValuedAsset {
    /// The value in whatever whole unit the caller counts.
    pub value: u32,
    /// The asset's states that count as its loss.
    pub states: Vec<StateId>,
}

/// The expected loss of holding each state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedLoss {
    /// In 2^-24 of the unit, whole numbers, so that sums are the same in any order.
    scaled: Vec<i64>,
}

const SCALE: f64 = 16_777_216.0;

impl ExpectedLoss {
    /// The loss if the attacker holds this state, in units of the assets' values.
    pub fn of(&self, state: StateId) -> f64 {
        self.scaled[state.idx()] as f64 / SCALE
    }
}

const LANES: usize = 16;
type Costs = [f32; LANES];

/// The expected loss of every state, exact.
///
/// O((states + steps) for each 16 assets), and a few corrections inside components; groups of
/// assets run in parallel. If stopped, the loss lacks some of the assets: a lower bound.
pub fn expected_loss_of_all<T: Topology>(
    graph: &T,
    assets: &[ValuedAsset],
    sides: &SideCosts,
    pool: &rayon::ThreadPool,
    budget: &Budget,
) -> Outcome<ExpectedLoss> {
    let nothing = || ExpectedLoss {
        scaled: vec![0; graph.n_states()],
    };
    let components = match components(graph, Links::WithAndSteps, budget) {
        Ok(components) => components,
        Err(stop) => return Outcome::Partial(nothing(), stop),
    };
    let likelihoods = Likelihoods::new();
    let groups: Vec<&[ValuedAsset]> = assets.chunks(LANES).collect();
    let next_group = AtomicUsize::new(0);
    let parts = pool.broadcast(|_| {
        let mut part = nothing();
        let mut costs = vec![[f32::INFINITY; LANES]; graph.n_states()];
        while let Some(group) = groups.get(next_group.fetch_add(1, Ordering::Relaxed)) {
            if let Err(stop) = chain_costs(graph, &components, group, sides, &mut costs, budget) {
                return (part, Some(stop));
            }
            for (loss, costs) in part.scaled.iter_mut().zip(&costs) {
                for (asset, &cost) in group.iter().zip(costs) {
                    *loss = loss.saturating_add(likelihoods.scaled_loss(asset.value, cost));
                }
            }
        }
        (part, None)
    });
    let mut total = nothing();
    let mut stop = None;
    for (part, reason) in parts {
        for (sum, loss) in total.scaled.iter_mut().zip(part.scaled) {
            *sum = sum.saturating_add(loss);
        }
        stop = stop.or(reason);
    }
    Outcome::new(total, stop)
}

/// Fills in each state's costs to the assets of one group.
fn chain_costs<T: Topology>(
    graph: &T,
    components: &Components,
    group: &[ValuedAsset],
    sides: &SideCosts,
    costs: &mut [Costs],
    budget: &Budget,
) -> Result<(), Stop> {
    costs.fill([f32::INFINITY; LANES]);
    for (lane, asset) in group.iter().enumerate() {
        for state in asset.states.iter().filter(|state| graph.has_state(state.0)) {
            costs[state.idx()][lane] = 0.0;
        }
    }
    let mut is_dirty = Bits::new(graph.n_states());
    let mut n_expanded = 0u64;
    for component in 0..components.n_components() as u32 {
        let row = components.row(component);
        if let &[state] = row {
            let own = improved(graph, sides, costs, state, &mut n_expanded);
            costs[state as usize] = own;
        } else {
            for &state in row {
                is_dirty.insert(state);
            }
            settle_component(
                graph,
                components,
                component,
                sides,
                costs,
                &mut is_dirty,
                &mut n_expanded,
            );
        }
        if n_expanded >= 1 << 14 {
            budget.expand(n_expanded)?;
            n_expanded = 0;
        }
    }
    budget.expand(n_expanded)
}

/// Corrects the states of one component until none changes.
fn settle_component<T: Topology>(
    graph: &T,
    components: &Components,
    component: u32,
    sides: &SideCosts,
    costs: &mut [Costs],
    is_dirty: &mut Bits,
    n_expanded: &mut u64,
) {
    let row = components.row(component);
    let mut has_changed = true;
    while has_changed {
        has_changed = false;
        for &state in row {
            if !is_dirty.contains(state) {
                continue;
            }
            is_dirty.remove(state);
            let own = improved(graph, sides, costs, state, n_expanded);
            if own.map(f32::to_bits) == costs[state as usize].map(f32::to_bits) {
                continue;
            }
            costs[state as usize] = own;
            has_changed = true;
            let mut mark = |premise: u32| {
                if components.of(StateId(premise)) == component {
                    is_dirty.insert(premise);
                }
            };
            graph.each_in(state, |_, premise, _| mark(premise));
            graph.each_and_in(state, |and| mark(and.premises[0]));
        }
    }
}

/// The state's costs, given those of what its steps gain.
#[inline]
fn improved<T: Topology>(
    graph: &T,
    sides: &SideCosts,
    costs: &[Costs],
    state: u32,
    n_expanded: &mut u64,
) -> Costs {
    let mut own = costs[state as usize];
    let mut via = |gain: u32, link_cost: f32| {
        *n_expanded += 1;
        let of_gain = &costs[gain as usize];
        for lane in 0..LANES {
            let cost = of_gain[lane] + link_cost;
            own[lane] = if cost < own[lane] { cost } else { own[lane] };
        }
    };
    graph.each_out(state, |_, gain, cost| via(gain, cost as f32));
    graph.each_and_out(state, |and| {
        let link_cost = sides.link_costs[and.and as usize];
        if and.premises[0] == state && link_cost != NO_KEY {
            via(and.gain, link_cost as f32);
        }
    });
    own
}

/// exp(-cost) as the product of two table entries.
struct Likelihoods {
    high: Vec<f64>,
    low: Vec<f64>,
}

/// Costs from here on (64 nats, a likelihood of 10^-28) count as never.
const NEVER: u32 = 1 << 22;

impl Likelihoods {
    fn new() -> Self {
        let table = |n: u32, step: f64| {
            (0..n)
                .map(|idx| (-f64::from(idx) * step / UNIT).exp())
                .collect()
        };
        Self {
            high: table(NEVER >> 10, 1024.0),
            low: table(1 << 10, 1.0),
        }
    }

    #[inline]
    fn scaled_loss(&self, value: u32, cost: f32) -> i64 {
        if cost >= NEVER as f32 {
            return 0;
        }
        #[allow(clippy::cast_sign_loss, reason = "costs are not negative")]
        let cost = cost as u32 as usize;
        let likelihood = self.high[cost >> 10] * self.low[cost & 1023];
        (f64::from(value) * likelihood * SCALE) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::cheapest::{cheapest_from, cheapest_to};
    use crate::search::random::SplitMix64;
    use crate::search::testing::{random_graph, random_states};

    #[test]
    fn loss_is_value_times_likelihood_of_the_best_chain() {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(2)
            .build()
            .unwrap();
        for seed in 0..3000 {
            let graph = random_graph(seed);
            let mut random = SplitMix64::new(!seed);
            // Every tenth case needs more than one group.
            let n_assets = if seed % 10 == 0 { 40 } else { random.below(5) };
            let assets: Vec<ValuedAsset> = (0..n_assets)
                .map(|_| ValuedAsset {
                    value: random.below(10_000) as u32,
                    states: random_states(&mut random, graph.n_states()),
                })
                .collect();
            let budget = Budget::unlimited();
            let starts = random_states(&mut random, graph.n_states());
            let forward = cheapest_from(&graph, &starts, &budget).into_parts().0;
            for sides in [SideCosts::free(&graph), SideCosts::new(&graph, &forward)] {
                let (found, stop) =
                    expected_loss_of_all(&graph, &assets, &sides, &pool, &budget).into_parts();
                assert_eq!(stop, None);
                let mut expected = vec![0.0; graph.n_states()];
                for asset in &assets {
                    let back = cheapest_to(&graph, &asset.states, &sides, &budget)
                        .into_parts()
                        .0;
                    for state in graph.states() {
                        expected[state.idx()] += f64::from(asset.value) * back.likelihood(state);
                    }
                }
                for state in graph.states() {
                    let difference = (found.of(state) - expected[state.idx()]).abs();
                    assert!(difference < 1e-4, "seed {seed} {state:?}: {difference}");
                }
            }
        }
    }
}
