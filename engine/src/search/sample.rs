//! How likely it is that *at least one* way succeeds: sampled, and bounded from both sides.
//!
//! The exact figure is #P-hard (two-terminal reliability). A world decides for every step alone
//! whether it succeeds; 512 worlds are searched at once, one bit each. A step's draw depends only on
//! the seed, the block of worlds and the step, so the answer does not depend on threads or order.
//! AND steps are exact in every world: a premise that two branches share is drawn once, which the
//! cheapest derivation (see [`super::Cheapest`]) counts twice.

use std::sync::atomic::{AtomicU64, Ordering};

mod worlds;

use fearless_simd::{Level, dispatch};
use worlds::{Plan, WORDS, Worlds};

use super::dominators::Dominators;
use super::random::SplitMix64;
use super::topology::StateId;
use super::view::Topology;
use crate::budget::{Budget, Outcome};

/// In how many sampled worlds each state was reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sampled {
    n_worlds: u64,
    hits: Vec<u32>,
}

/// A sampled probability with its 95 % interval (Wilson's, which stays inside 0 and 1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The share of worlds.
    pub probability: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
}

impl Sampled {
    /// How many worlds were searched.
    pub fn n_worlds(&self) -> u64 {
        self.n_worlds
    }

    /// In how many of them the state was reached.
    pub fn hits(&self, state: StateId) -> u32 {
        self.hits[state.idx()]
    }

    /// The probability that the state is reached.
    pub fn estimate(&self, state: StateId) -> Estimate {
        let n = self.n_worlds as f64;
        if self.n_worlds == 0 {
            return Estimate {
                probability: 0.0,
                low: 0.0,
                high: 1.0,
            };
        }
        let z = 1.959_964;
        let share = f64::from(self.hits[state.idx()]) / n;
        let scale = 1.0 + z * z / n;
        let middle = (share + z * z / (2.0 * n)) / scale;
        let half = z / scale * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
        Estimate {
            probability: share,
            low: (middle - half).max(0.0),
            high: (middle + half).min(1.0),
        }
    }
}

/// Samples `n_worlds` worlds (rounded up to a multiple of 64) and searches each from the starts.
///
/// O(steps tried) for each 512 worlds; blocks of 512 run in parallel. A partial answer rests on
/// fewer worlds, and says on how many.
pub fn sample<T: Topology>(
    graph: &T,
    starts: &[StateId],
    n_worlds: u64,
    seed: u64,
    pool: &rayon::ThreadPool,
    budget: &Budget,
) -> Outcome<Sampled> {
    let n_states = graph.n_states();
    let nothing = || Sampled {
        n_worlds: 0,
        hits: vec![0; n_states],
    };
    let plan = match Plan::new(graph, starts, budget) {
        Ok(plan) => plan,
        Err(stop) => return Outcome::Partial(nothing(), stop),
    };
    let n_words = n_worlds.div_ceil(64);
    let n_blocks = n_words.div_ceil(WORDS as u64);
    let next_block = AtomicU64::new(0);
    let level = Level::new();
    let parts = pool.broadcast(|_| {
        let mut part = nothing();
        let mut worlds = match Worlds::new(n_states, budget) {
            Ok(worlds) => worlds,
            Err(stop) => return (part, Some(stop)),
        };
        loop {
            let block = next_block.fetch_add(1, Ordering::Relaxed);
            if block >= n_blocks {
                return (part, None);
            }
            let n_words = (n_words - block * WORDS as u64).min(WORDS as u64) as usize;
            let base = SplitMix64::new(seed ^ block.wrapping_mul(0xd134_2543_de82_ef95)).word();
            let searched = dispatch!(level, simd => {
                let _ = simd;
                worlds.search(graph, &plan, base, n_words, &mut part.hits, budget)
            });
            match searched {
                Ok(()) => part.n_worlds += n_words as u64 * 64,
                Err(stop) => return (part, Some(stop)),
            }
        }
    });
    let mut total = nothing();
    let mut stop = None;
    for (part, reason) in parts {
        total.n_worlds += part.n_worlds;
        for (sum, hits) in total.hits.iter_mut().zip(&part.hits) {
            *sum += hits;
        }
        stop = stop.or(reason);
    }
    Outcome::new(total, stop)
}

/// An upper bound of each state's probability, by state: cut products along the dominator tree.
///
/// To get to a state, its dominator must be reached and one of the steps that enter it must
/// succeed; the two do not depend on each other. O(states + steps). The matching lower bound is
/// the likelihood of the cheapest derivation.
pub fn probability_ceilings<T: Topology>(graph: &T, tree: &Dominators) -> Vec<f64> {
    tree.ceilings(graph)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::Bits;
    use crate::budget::Stop;
    use crate::score::cost::likelihood_of_cost;
    use crate::search::cheapest::cheapest_from;
    use crate::search::dominators::dominators;
    use crate::search::testing::{all_steps, naive_closure, random_graph, random_states};
    use crate::search::{StepGraph, View};

    fn pool(n_threads: usize) -> rayon::ThreadPool {
        rayon::ThreadPoolBuilder::new()
            .num_threads(n_threads)
            .build()
            .unwrap()
    }

    /// The exact probability of each state, by adding up every world.
    fn exact(graph: &StepGraph, starts: &[StateId]) -> Vec<f64> {
        let steps = all_steps(graph);
        let mut total = vec![0.0; graph.n_states()];
        for world in 0u32..1 << steps.len() {
            let fails = |idx: &usize| world >> idx & 1 == 1;
            let hidden = Bits::of(
                graph.n_steps(),
                (0..steps.len()).filter(fails).map(|idx| steps[idx].0.0),
            );
            let weight: f64 = steps
                .iter()
                .map(|(step, parts)| {
                    let likelihood = likelihood_of_cost(parts.cost);
                    if hidden.contains(step.0) {
                        1.0 - likelihood
                    } else {
                        likelihood
                    }
                })
                .product();
            let view = View::new(graph).without_steps(&hidden);
            for (sum, is_reached) in total.iter_mut().zip(naive_closure(&view, starts)) {
                *sum += if is_reached { weight } else { 0.0 };
            }
        }
        total
    }

    /// Likelier failures than the common test graphs have.
    fn uncertain_graph(seed: u64) -> StepGraph {
        let graph = random_graph(seed);
        let mut random = SplitMix64::new(seed);
        let mut builder = crate::search::StepGraphBuilder::new(graph.n_states() as u32);
        for (_, parts) in all_steps(&graph) {
            builder
                .step(&parts.premises, parts.gain, random.below(120_000) as u32)
                .unwrap();
        }
        builder.finish().0
    }

    #[test]
    fn sampled_and_bounds_agree_with_adding_up_every_world() {
        let pool = pool(1);
        let (mut n_inside, mut n_all) = (0, 0);
        for seed in 0..600 {
            let graph = uncertain_graph(seed);
            if graph.n_steps() > 9 {
                continue;
            }
            let mut random = SplitMix64::new(!seed);
            let starts = random_states(&mut random, graph.n_states());
            let budget = Budget::unlimited();
            let expected = exact(&graph, &starts);
            let (found, stop) = sample(&graph, &starts, 20_000, seed, &pool, &budget).into_parts();
            assert_eq!(stop, None);
            assert_eq!(found.n_worlds(), 20_032);
            let floor = cheapest_from(&graph, &starts, &budget).into_parts().0;
            let tree = dominators(&graph, &starts, &budget).unwrap();
            let ceilings = probability_ceilings(&graph, &tree);
            for state in graph.states() {
                let exact = expected[state.idx()];
                let estimate = found.estimate(state);
                assert!(
                    (estimate.probability - exact).abs() < 0.02,
                    "seed {seed} {state:?}"
                );
                assert!(estimate.low <= estimate.probability + 1e-12);
                assert!(estimate.probability <= estimate.high + 1e-12);
                assert!(
                    floor.likelihood(state) <= exact + 1e-4,
                    "seed {seed} {state:?}"
                );
                assert!(
                    exact <= ceilings[state.idx()] + 1e-9,
                    "seed {seed} {state:?}"
                );
                if exact > 0.0 && exact < 1.0 {
                    n_all += 1;
                    n_inside += usize::from(estimate.low <= exact && exact <= estimate.high);
                }
            }
        }
        assert!(n_all > 100);
        // 95 of 100, with room for chance; the seeds are fixed, so this never flickers.
        assert!(n_inside * 100 > n_all * 91, "{n_inside} of {n_all}");
    }

    #[test]
    fn threads_do_not_change_the_sample_and_seeds_do() {
        let mut n_different = 0;
        for seed in 0..50 {
            let graph = uncertain_graph(seed);
            let starts = [StateId(0)];
            let budget = Budget::unlimited();
            let one = sample(&graph, &starts, 1000, seed, &pool(1), &budget);
            let three = sample(&graph, &starts, 1000, seed, &pool(3), &budget);
            assert_eq!(one, three);
            let other = sample(&graph, &starts, 1000, seed + 1, &pool(1), &budget);
            n_different += usize::from(one != other);
        }
        assert!(n_different > 10);
    }

    #[test]
    fn a_stopped_sample_rests_on_fewer_worlds() {
        let budget = Budget::unlimited();
        budget.stop_handle().stop(Stop::Time);
        let graph = uncertain_graph(3);
        let outcome = sample(&graph, &[StateId(0)], 1 << 20, 1, &pool(1), &budget);
        let Outcome::Partial(found, Stop::Time) = outcome else {
            panic!("not stopped");
        };
        assert_eq!(found.n_worlds(), 0);
        assert_eq!(found.estimate(StateId(0)).high.to_bits(), 1f64.to_bits());
    }
}
