//! How likely it is that *at least one* way succeeds: sampled, and bounded from both sides.
//!
//! The exact figure is #P-hard (two-terminal reliability). A world decides for every step alone
//! whether it succeeds; 64 worlds are searched at once, one bit each. A step's draw depends only on
//! the seed, the block of worlds and the step, so the answer does not depend on threads or order.
//! AND steps are exact in every world: a premise that two branches share is drawn once, which the
//! cheapest derivation (see [`super::Cheapest`]) counts twice.

use std::sync::atomic::{AtomicU64, Ordering};

use super::bits::Bits;
use super::components::{Components, Links, components};
use super::dominators::Dominators;
use super::random::SplitMix64;
use super::topology::StateId;
use super::view::Topology;
use crate::budget::{Budget, CHECK_EVERY, Outcome, Stop};
use crate::score::cost::{Cost, likelihood_of_cost};

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

const WORLDS_A_BLOCK: u64 = 64;

/// Samples `n_worlds` worlds (rounded up to a multiple of 64) and searches each from the starts.
///
/// O(steps tried) for each 64 worlds. A partial answer rests on fewer worlds, and says on how many.
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
    let n_blocks = n_worlds.div_ceil(WORLDS_A_BLOCK);
    let next_block = AtomicU64::new(0);
    let parts = pool.broadcast(|_| {
        let mut worlds = Worlds::new(n_states);
        let mut part = nothing();
        loop {
            let block = next_block.fetch_add(1, Ordering::Relaxed);
            if block >= n_blocks {
                return (part, None);
            }
            if let Err(stop) = worlds.search(graph, &plan, seed, block, budget) {
                return (part, Some(stop));
            }
            for (hits, reached) in part.hits.iter_mut().zip(&worlds.reached) {
                *hits += reached.count_ones();
            }
            part.n_worlds += WORLDS_A_BLOCK;
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

/// What all blocks share: the order of the search and the odds of the steps.
struct Plan {
    starts: Vec<u32>,
    components: Components,
    /// By step the likelihood in 2^-32.
    odds: Vec<u32>,
}

impl Plan {
    fn new<T: Topology>(graph: &T, starts: &[StateId], budget: &Budget) -> Result<Self, Stop> {
        let components = components(graph, Links::WithAndSteps, budget)?;
        budget.charge(graph.n_steps() as u64 * 4)?;
        let mut odds = vec![0; graph.n_steps()];
        for state in 0..graph.n_states() as u32 {
            graph.each_out(state, |step, _, cost| odds[step as usize] = odds_of(cost));
        }
        graph.each_and(|and| odds[and.step as usize] = odds_of(and.cost));
        let starts: Vec<u32> = starts
            .iter()
            .map(|start| start.0)
            .filter(|&start| graph.has_state(start))
            .collect();
        Ok(Self {
            starts,
            components,
            odds,
        })
    }
}

/// The likelihood in 2^-32; the highest value means certain.
fn odds_of(cost: Cost) -> u32 {
    if cost == 0 {
        return u32::MAX;
    }
    let scaled = likelihood_of_cost(cost) * 4_294_967_296.0;
    #[allow(
        clippy::cast_sign_loss,
        reason = "a likelihood is not negative; the cast saturates"
    )]
    let odds = scaled as u32;
    odds
}

/// One block of 64 worlds.
struct Worlds {
    /// By state the worlds in which it is reached.
    reached: Vec<u64>,
    is_pending: Bits,
}

impl Worlds {
    fn new(n_states: usize) -> Self {
        Self {
            reached: vec![0; n_states],
            is_pending: Bits::new(n_states),
        }
    }

    fn search<T: Topology>(
        &mut self,
        graph: &T,
        plan: &Plan,
        seed: u64,
        block: u64,
        budget: &Budget,
    ) -> Result<(), Stop> {
        let base = SplitMix64::new(seed ^ block.wrapping_mul(0xd134_2543_de82_ef95)).word();
        self.reached.fill(0);
        let mut highest = None;
        for &start in &plan.starts {
            self.reached[start as usize] = u64::MAX;
            self.is_pending.insert(start);
            highest = highest.max(Some(plan.components.of(StateId(start))));
        }
        let has_and = graph.n_and_steps() > 0;
        let mut n_expanded = 0;
        let mut queue: Vec<u32> = Vec::new();
        // From the sources to the sinks. Only AND steps can lead back up: then once more.
        while let Some(from) = highest.take() {
            for component in (0..=from).rev() {
                queue.clear();
                let row = plan.components.row(component);
                queue.extend(row.iter().filter(|&&state| self.is_pending.contains(state)));
                while let Some(state) = queue.pop() {
                    if !self.is_pending.contains(state) {
                        continue;
                    }
                    self.is_pending.remove(state);
                    let own = self.reached[state as usize];
                    let mut attempt = |step: u32, gain: u32, able: u64| {
                        n_expanded += 1;
                        let new = able & !self.reached[gain as usize];
                        if new == 0 {
                            return;
                        }
                        let new = new & successes(base, step, plan.odds[step as usize], new);
                        if new == 0 {
                            return;
                        }
                        self.reached[gain as usize] |= new;
                        if self.is_pending.insert(gain) {
                            let of_gain = plan.components.of(StateId(gain));
                            if of_gain == component {
                                queue.push(gain);
                            } else if of_gain > component {
                                highest = highest.max(Some(of_gain));
                            }
                        }
                    };
                    graph.each_out(state, |step, gain, _| attempt(step, gain, own));
                    if has_and {
                        let mut able_steps = Vec::new();
                        graph.each_and_out(state, |and| {
                            let all =
                                |able: u64, premise: &u32| able & self.reached[*premise as usize];
                            able_steps.push((
                                and.step,
                                and.gain,
                                and.premises.iter().fold(u64::MAX, all),
                            ));
                        });
                        self.attempt_and(
                            plan,
                            base,
                            component,
                            &able_steps,
                            &mut queue,
                            &mut highest,
                        );
                    }
                }
                if n_expanded >= CHECK_EVERY {
                    budget.expand(n_expanded)?;
                    n_expanded = 0;
                }
            }
        }
        budget.expand(n_expanded)
    }

    fn attempt_and(
        &mut self,
        plan: &Plan,
        base: u64,
        component: u32,
        steps: &[(u32, u32, u64)],
        queue: &mut Vec<u32>,
        highest: &mut Option<u32>,
    ) {
        for &(step, gain, able) in steps {
            let new = able & !self.reached[gain as usize];
            let new = new & successes(base, step, plan.odds[step as usize], new);
            if new != 0 {
                self.reached[gain as usize] |= new;
                if self.is_pending.insert(gain) {
                    let of_gain = plan.components.of(StateId(gain));
                    if of_gain == component {
                        queue.push(gain);
                    } else if of_gain > component {
                        *highest = (*highest).max(Some(of_gain));
                    }
                }
            }
        }
    }
}

/// The worlds in which the step succeeds, right at least in those asked for.
///
/// Compares a random number with the odds in every world at once, binary digit by binary digit
/// from the highest, until no world that matters is undecided.
#[inline]
fn successes(base: u64, step: u32, odds: u32, asked: u64) -> u64 {
    if odds == u32::MAX {
        return u64::MAX;
    }
    let mut random = SplitMix64::new(base ^ u64::from(step).wrapping_mul(0x9fb2_1c65_1e98_df25));
    let mut undecided = asked;
    let mut successful = 0;
    let mut odds = odds;
    while undecided != 0 && odds != 0 {
        let digit = random.word();
        if odds >> 31 == 1 {
            successful |= undecided & !digit;
            undecided &= digit;
        } else {
            undecided &= !digit;
        }
        odds <<= 1;
    }
    successful
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
