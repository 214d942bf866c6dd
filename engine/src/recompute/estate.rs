//! Exploitability and blast radius of every asset in one pass.

use crate::attack::{AttackGraph, crown_jewels};
use crate::budget::{Budget, Outcome, Stop};
use crate::graph::NodeId;
use crate::score::cost::{Cost, UNREACHED, likelihood_of_cost};
use crate::search::{
    Condensation, Links, SideCosts, StateId, ValuedAsset, blast_sizes, cheapest_from,
    expected_loss_of_all,
};

use super::assets::AssetGraph;

/// What one asset risks and endangers.
#[derive(Debug, Clone, PartialEq)]
pub struct AssetRisk {
    /// The asset.
    pub asset: NodeId,
    /// The cost of the likeliest way for the attacker to get more than network access to it;
    /// [`UNREACHED`] if there is none.
    pub cost: Cost,
    /// Steps of that way.
    pub n_steps: u32,
    /// How many other states fall when this asset falls.
    pub states: u64,
    /// How many other assets fall when this one falls.
    pub assets: u64,
    /// How many crown jewels fall when this asset falls, itself among them.
    pub crown_jewels: u64,
    /// The sum over crown jewels of value times likelihood of the best path from here. Where AND
    /// steps occur, an upper bound: their other premises are taken as held.
    pub expected_loss: f64,
}

impl AssetRisk {
    /// The likelihood behind [`AssetRisk::cost`].
    pub fn likelihood(&self) -> f64 {
        likelihood_of_cost(self.cost)
    }
}

/// What every asset risks and endangers.
#[derive(Debug, Clone, PartialEq)]
pub struct EstateRisk {
    /// One entry for each asset that has a state, in node order.
    pub assets: Vec<AssetRisk>,
    /// How many states of the attack graph the attacker can hold.
    pub n_reached: usize,
}

/// What a recomputation is doing, for progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Assets become states.
    Prepare,
    /// The likeliest way to every asset.
    Exploitability,
    /// What falls with every asset.
    BlastRadius,
    /// What that costs, one crown jewel after the other.
    ExpectedLoss,
}

/// A phase that begins, and how much of the whole is done, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timing {
    /// The phase.
    pub phase: Phase,
    /// The part that is done.
    pub done: f64,
}

/// Values are whole numbers to the search: so many parts make one.
const VALUE_PARTS: f64 = 256.0;

/// A crown jewel in the weight of a fallen asset; the low bits count assets.
const JEWEL_WEIGHT: u32 = 1 << 24;

/// Computes exploitability from `starts` and the blast radius of every asset.
///
/// One forward search, one exact closure over the condensed graph, one backward search for each
/// crown jewel; parallel in `pool`, the same bytes at any number of threads. `progress` is told at
/// every phase. A partial answer holds true lower bounds of likelihoods and sizes.
pub fn recompute(
    graph: &AttackGraph,
    starts: &[StateId],
    pool: &rayon::ThreadPool,
    budget: &Budget,
    progress: &(dyn Fn(Timing) + Sync),
) -> Outcome<EstateRisk> {
    let tell = |phase, done| progress(Timing { phase, done });
    tell(Phase::Prepare, 0.0);
    // The graph was built from one that fits, and two states an asset are no more than two a state.
    let Ok(assets) = AssetGraph::new(graph) else {
        let nothing = EstateRisk {
            assets: Vec::new(),
            n_reached: 0,
        };
        return Outcome::Partial(nothing, Stop::Memory);
    };
    let topology = assets.topology();

    tell(Phase::Exploitability, 0.1);
    let (forward, stop) = cheapest_from(topology, starts, budget).into_parts();
    let mut stopped = stop;
    let n_reached = (0..graph.n_states() as u32)
        .filter(|&state| forward.is_reached(StateId(state)))
        .count();

    tell(Phase::BlastRadius, 0.25);
    let jewels = crown_jewels(graph.snapshot());
    let places: Vec<(usize, f64)> = jewels
        .iter()
        .filter_map(|jewel| Some((assets.place(jewel.asset)?, jewel.value)))
        .collect();
    let mut weights = vec![0_u32; topology.n_states()];
    for at in 0..assets.assets().len() {
        weights[assets.fallen(at).idx()] = 1;
    }
    for &(at, _) in &places {
        weights[assets.fallen(at).idx()] += JEWEL_WEIGHT;
    }
    let sizes = match Condensation::new(topology, Links::Single, budget) {
        Ok(condensed) => {
            let (sizes, stop) =
                blast_sizes(topology, &condensed, &weights, None, pool, budget).into_parts();
            stopped = stopped.or(stop);
            Some((condensed, sizes))
        }
        Err(stop) => {
            stopped = stopped.or(Some(stop));
            None
        }
    };

    tell(Phase::ExpectedLoss, 0.6);
    let (losses, stop) = expected_losses(&assets, &places, pool, budget);
    stopped = stopped.or(stop);

    let risks = assets.assets().iter().enumerate().map(|(at, &asset)| {
        let fallen = assets.fallen(at);
        let (mut states, mut fallen_assets, mut crown_jewels) = (0, 0, 0);
        if let Some((condensed, sizes)) = &sizes {
            let value = sizes.value(condensed, assets.holding(at));
            fallen_assets = value % u64::from(JEWEL_WEIGHT);
            crown_jewels = value / u64::from(JEWEL_WEIGHT);
            let all = u64::from(sizes.n_states(condensed, assets.holding(at)));
            let own = graph.states_of(asset).len() as u64;
            states = all.saturating_sub(1 + fallen_assets + own);
            // The asset itself is no damage beyond itself.
            let falls_itself = graph.states_of(asset).any(|state| {
                graph.state(StateId(state)).capability != crate::attack::Capability::Reach
            });
            fallen_assets = fallen_assets.saturating_sub(u64::from(falls_itself));
        }
        AssetRisk {
            asset,
            cost: if forward.is_reached(fallen) {
                forward.cost(fallen)
            } else {
                UNREACHED
            },
            // The last step, from a state to its asset, is ours and not the attacker's.
            n_steps: forward
                .n_steps(fallen)
                .map_or(0, |steps| steps.saturating_sub(1) as u32),
            states,
            assets: fallen_assets,
            crown_jewels,
            expected_loss: losses[at],
        }
    });
    Outcome::new(
        EstateRisk {
            assets: risks.collect(),
            n_reached,
        },
        stopped,
    )
}

/// For each asset the sum over jewels of value times likelihood.
fn expected_losses(
    assets: &AssetGraph,
    jewels: &[(usize, f64)],
    pool: &rayon::ThreadPool,
    budget: &Budget,
) -> (Vec<f64>, Option<Stop>) {
    let valued: Vec<ValuedAsset> = jewels
        .iter()
        .map(|&(place, value)| {
            #[allow(clippy::cast_sign_loss, reason = "values of jewels are positive")]
            let value = (value * VALUE_PARTS).round().min(f64::from(u32::MAX)) as u32;
            ValuedAsset {
                value,
                states: vec![assets.fallen(place)],
            }
        })
        .collect();
    let topology = assets.topology();
    let sides = SideCosts::free(topology);
    let (losses, stop) = expected_loss_of_all(topology, &valued, &sides, pool, budget).into_parts();
    let of_assets = (0..assets.assets().len())
        .map(|at| losses.of(assets.holding(at)) / VALUE_PARTS)
        .collect();
    (of_assets, stop)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::attack::testing::{derived, hop, snapshot};
    use crate::attack::{Capability, State};

    /// `seed` decides which of twelve assets may be taken over from which; some are jewels.
    fn estate(seed: u32) -> AttackGraph {
        let mut lines = String::from("i R a0\n");
        let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12345);
        let mut random = |n: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) % n
        };
        for _ in 0..16 {
            writeln!(lines, "a{} K a{}", random(12), random(12)).unwrap();
            writeln!(lines, "a{} R a{}", random(12), random(12)).unwrap();
            writeln!(lines, "a{} X a{}", random(12), random(12)).unwrap();
        }
        writeln!(lines, "a{} value 5\na{} value 7", random(12), random(12)).unwrap();
        let rules = vec![
            hop("reach", "R", Capability::Exec, Capability::Reach, 0.9),
            hop("start", "R", Capability::Reach, Capability::Reach, 0.9),
            hop("take", "K", Capability::Reach, Capability::Exec, 0.5),
            hop("move", "X", Capability::Exec, Capability::Exec, 0.7),
        ];
        derived(&snapshot(&lines), rules, 1)
    }

    #[test]
    fn every_asset_agrees_with_a_search_of_its_own() {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(2)
            .build()
            .unwrap();
        for seed in 0..200 {
            let graph = estate(seed);
            let snapshot = graph.snapshot();
            let internet = snapshot.node("n:i").unwrap();
            let start = graph.find_state(State {
                asset: internet,
                capability: Capability::Reach,
            });
            let starts: Vec<StateId> = start.into_iter().collect();
            let budget = Budget::unlimited();
            let (risk, stop) = recompute(&graph, &starts, &pool, &budget, &|_| {}).into_parts();
            assert_eq!(stop, None);
            let jewels = crown_jewels(snapshot);
            let from_start = cheapest_from(graph.topology(), &starts, &budget)
                .into_parts()
                .0;
            for found in &risk.assets {
                let own: Vec<StateId> = graph.states_of(found.asset).map(StateId).collect();
                let forward = cheapest_from(graph.topology(), &own, &budget)
                    .into_parts()
                    .0;
                let reached = |state: u32| forward.is_reached(StateId(state));
                let is_fallen = |asset: NodeId, search: &crate::search::Cheapest| {
                    graph
                        .states_of(asset)
                        .map(StateId)
                        .filter(|&state| graph.state(state).capability != Capability::Reach)
                        .map(|state| search.cost(state))
                        .min()
                        .filter(|&cost| cost != UNREACHED)
                };
                let states = (0..graph.n_states() as u32)
                    .filter(|&state| {
                        reached(state) && graph.state(StateId(state)).asset != found.asset
                    })
                    .count();
                assert_eq!(found.states, states as u64, "seed {seed}");
                let assets = snapshot
                    .nodes()
                    .filter(|&asset| asset != found.asset && is_fallen(asset, &forward).is_some())
                    .count();
                assert_eq!(found.assets, assets as u64, "seed {seed}");
                let costs = jewels
                    .iter()
                    .map(|jewel| (jewel.value, is_fallen(jewel.asset, &forward)));
                let loss: f64 = costs
                    .filter_map(|(value, cost)| Some(value * likelihood_of_cost(cost?)))
                    .sum();
                assert!((found.expected_loss - loss).abs() < 1e-3, "seed {seed}");
                let cost = is_fallen(found.asset, &from_start).unwrap_or(UNREACHED);
                assert_eq!(found.cost, cost, "seed {seed}");
            }
        }
    }

    #[test]
    fn the_number_of_threads_does_not_matter() {
        let graph = estate(3);
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            recompute(&graph, &[StateId(0)], &pool, &Budget::unlimited(), &|_| {})
        };
        assert_eq!(run(1), run(4));
    }
}
