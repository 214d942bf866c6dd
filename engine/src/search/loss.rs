//! The expected loss of every state: the sum over assets of value times likelihood of the best path.
//!
//! Sixteen assets at a time: for each state the costs of its best chains to them, one beside the
//! other, so that a step is one vector addition and one vector minimum. States are taken in
//! topological order of their components, sinks first; inside a larger component lower costs are
//! passed on until none is left. That is exact: costs are whole numbers, and a 32-bit float
//! holds those up to 256 nats (a likelihood of 10^-111) without rounding.
//!
//! With AND steps a chain pays for side derivations as [`SideCosts`] says: with those of an
//! attacker's starts, the loss is that of holding the state on top of them; with
//! [`SideCosts::free`] it is an upper bound.

#![allow(
    clippy::inline_always,
    clippy::needless_range_loop,
    reason = "loops over lanes are compiled for the widest vectors, which takes inlining and plain indexes"
)]

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};

use fearless_simd::{Level, dispatch};

use super::cheapest::SideCosts;
use super::components::{Components, Links, components};
use super::frontier::NO_KEY;
use super::topology::StateId;
use super::view::Topology;
use crate::bits::Bits;
use crate::budget::{Budget, Outcome, Stop};
use crate::score::cost::{Cost, UNIT};

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
    /// In 2^-24 of the unit, whole numbers, so that groups can be added up in any order.
    scaled: Vec<i64>,
}

const SCALE: f64 = 16_777_216.0;

impl ExpectedLoss {
    /// The loss if the attacker holds this state, in units of the assets' values.
    pub fn of(&self, state: StateId) -> f64 {
        loss_in_units(self.scaled[state.idx()])
    }

    /// The same as a whole number of [`loss_in_units`], for adding up.
    pub fn scaled_of(&self, state: StateId) -> i64 {
        self.scaled[state.idx()]
    }
}

/// A scaled loss in units of the assets' values.
pub fn loss_in_units(scaled: i64) -> f64 {
    scaled as f64 / SCALE
}

/// The loss of one asset at this cost, scaled.
pub(super) fn scaled_loss_of(value: u32, cost: Cost) -> i64 {
    let cost = f64::from(cost);
    if cost < f64::from(NEVER) {
        (f64::from(value) * SCALE * likelihood(cost)) as i64
    } else {
        0
    }
}

const LANES: usize = 16;

/// One state's costs to the assets of a group.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Costs([f32; LANES]);

impl Costs {
    const NEVER: Self = Self([f32::INFINITY; LANES]);

    /// The lower of each cost and that of the other end of a link and the link.
    #[inline(always)]
    fn lowered(&self, other: &Self, link_cost: f32) -> Self {
        let mut lowest = *self;
        for lane in 0..LANES {
            let cost = other.0[lane] + link_cost;
            let own = self.0[lane];
            lowest.0[lane] = if cost < own { cost } else { own };
        }
        lowest
    }

    #[inline(always)]
    fn differs(&self, other: &Self) -> bool {
        let mut difference = 0;
        for lane in 0..LANES {
            difference |= self.0[lane].to_bits() ^ other.0[lane].to_bits();
        }
        difference != 0
    }
}

/// The expected loss of every state, exact: [`LossSearch`] for one set of assets.
pub fn expected_loss_of_all<T: Topology>(
    graph: &T,
    assets: &[ValuedAsset],
    sides: &SideCosts,
    pool: &rayon::ThreadPool,
    budget: &Budget,
) -> Outcome<ExpectedLoss> {
    match LossSearch::new(graph, sides, budget) {
        Ok(search) => search.of(assets, None, pool, budget),
        Err(stop) => Outcome::Partial(ExpectedLoss::none(graph), stop),
    }
}

impl ExpectedLoss {
    fn none<T: Topology>(graph: &T) -> Self {
        Self {
            scaled: vec![0; graph.n_states()],
        }
    }
}

/// A graph made ready for the losses of one set of assets after the other.
pub struct LossSearch<'a, T> {
    graph: &'a T,
    sides: &'a SideCosts,
    components: Components,
    inner: InnerLinks,
}

impl<'a, T: Topology> LossSearch<'a, T> {
    /// Finds the components. O(states + steps).
    pub fn new(graph: &'a T, sides: &'a SideCosts, budget: &Budget) -> Result<Self, Stop> {
        let components = components(graph, Links::WithAndSteps, budget)?;
        Ok(Self {
            inner: InnerLinks::new(graph, &components, sides),
            graph,
            sides,
            components,
        })
    }

    /// The expected loss of every state, or of these only, exact.
    ///
    /// O(states + steps) for each 16 assets, and a few corrections inside components; of the steps
    /// only those from states that lead to one of the 16 touch more than a bit. Groups of assets
    /// run in parallel. If stopped, the loss lacks some of the assets: a lower bound.
    pub fn of(
        &self,
        assets: &[ValuedAsset],
        only: Option<&Bits>,
        pool: &rayon::ThreadPool,
        budget: &Budget,
    ) -> Outcome<ExpectedLoss> {
        let groups: Vec<&[ValuedAsset]> = assets.chunks(LANES).collect();
        let next_group = AtomicUsize::new(0);
        let level = Level::new();
        let parts = pool.broadcast(|_| {
            let mut part = ExpectedLoss::none(self.graph);
            let mut sweep = Sweep {
                search: self,
                costs: vec![Costs::NEVER; self.graph.n_states()],
                is_known: Bits::default(),
                is_waiting: Bits::new(self.graph.n_states()),
                waiting: VecDeque::new(),
            };
            while let Some(group) = groups.get(next_group.fetch_add(1, Ordering::Relaxed)) {
                let filled = dispatch!(level, simd => {
                    let _ = simd;
                    sweep
                        .fill(group, budget)
                        .map(|()| sweep.add_to(&mut part.scaled, group, only))
                });
                if let Err(stop) = filled {
                    return (part, Some(stop));
                }
            }
            (part, None)
        });
        let mut total = ExpectedLoss::none(self.graph);
        let mut stop = None;
        for (part, reason) in parts {
            for (sum, loss) in total.scaled.iter_mut().zip(part.scaled) {
                *sum = sum.saturating_add(loss);
            }
            stop = stop.or(reason);
        }
        Outcome::new(total, stop)
    }
}

/// The links inside components of more than one state, backwards.
struct InnerLinks {
    /// By state where its links start.
    offsets: Vec<u32>,
    /// Premise and cost.
    links: Vec<(u32, f32)>,
}

impl InnerLinks {
    fn new<T: Topology>(graph: &T, components: &Components, sides: &SideCosts) -> Self {
        let mut offsets = Vec::with_capacity(graph.n_states() + 1);
        let mut links = Vec::new();
        for state in 0..graph.n_states() as u32 {
            offsets.push(links.len() as u32);
            let component = components.of(StateId(state));
            if components.size(component) == 1 {
                continue;
            }
            let mut link = |premise: u32, cost: f32| {
                if premise != state && components.of(StateId(premise)) == component {
                    links.push((premise, cost));
                }
            };
            graph.each_in(state, |_, premise, cost| link(premise, cost as f32));
            graph.each_and_in(state, |and| {
                let link_cost = sides.link_costs[and.and as usize];
                if link_cost != NO_KEY {
                    link(and.premises[0], link_cost as f32);
                }
            });
        }
        offsets.push(links.len() as u32);
        Self { offsets, links }
    }

    #[inline(always)]
    fn of(&self, state: u32) -> &[(u32, f32)] {
        let state = state as usize;
        &self.links[self.offsets[state] as usize..self.offsets[state + 1] as usize]
    }
}

/// One group of assets after the other, by one thread.
struct Sweep<'a, T> {
    search: &'a LossSearch<'a, T>,
    /// Only where they are known: of other states what an earlier group left.
    costs: Vec<Costs>,
    /// The states that lead to one of the group.
    is_known: Bits,
    is_waiting: Bits,
    waiting: VecDeque<u32>,
}

impl<T: Topology> Sweep<'_, T> {
    /// Fills in each state's costs to the assets of one group.
    #[inline(always)]
    fn fill(&mut self, group: &[ValuedAsset], budget: &Budget) -> Result<(), Stop> {
        let LossSearch {
            graph, components, ..
        } = self.search;
        self.is_known = Bits::new(graph.n_states());
        for (lane, asset) in group.iter().enumerate() {
            for state in asset.states.iter().filter(|state| graph.has_state(state.0)) {
                let mut costs = self.costs_of(state.0);
                costs.0[lane] = 0.0;
                self.note(state.0, costs);
            }
        }
        let mut n_expanded = 0u64;
        for component in 0..components.n_components() as u32 {
            let row = components.row(component);
            for &state in row {
                let Some(own) = self.improved(state, &mut n_expanded) else {
                    continue;
                };
                self.note(state, own);
                if row.len() > 1 {
                    self.is_waiting.insert(state);
                    self.waiting.push_back(state);
                }
            }
            self.settle(&mut n_expanded);
            if n_expanded >= 1 << 14 {
                budget.expand(n_expanded)?;
                n_expanded = 0;
            }
        }
        budget.expand(n_expanded)
    }

    /// Adds to each state's loss what it loses of the group.
    #[inline(always)]
    fn add_to(&self, scaled: &mut [i64], group: &[ValuedAsset], only: Option<&Bits>) {
        let mut values = [0.0; LANES];
        for (value, asset) in values.iter_mut().zip(group) {
            *value = f64::from(asset.value) * SCALE;
        }
        let is_asked = |state: &u32| only.is_none_or(|only| only.contains(*state));
        for state in self.is_known.iter().filter(is_asked) {
            let loss = &mut scaled[state as usize];
            let more = scaled_loss(&values, &self.costs[state as usize]);
            *loss = loss.saturating_add(more);
        }
    }

    #[inline(always)]
    fn costs_of(&self, state: u32) -> Costs {
        if self.is_known.contains(state) {
            self.costs[state as usize]
        } else {
            Costs::NEVER
        }
    }

    #[inline(always)]
    fn note(&mut self, state: u32, costs: Costs) {
        self.costs[state as usize] = costs;
        self.is_known.insert(state);
    }

    /// The state's costs, given those of what its steps gain; `None` if it leads to nothing.
    #[inline(always)]
    fn improved(&self, state: u32, n_expanded: &mut u64) -> Option<Costs> {
        let LossSearch { graph, sides, .. } = self.search;
        let mut own = self.costs_of(state);
        let mut is_known = self.is_known.contains(state);
        let mut look = |gain: u32, cost: f32| {
            *n_expanded += 1;
            if self.is_known.contains(gain) {
                own = own.lowered(&self.costs[gain as usize], cost);
                is_known = true;
            }
        };
        graph.each_out(
            state,
            #[inline(always)]
            |_, gain, cost| look(gain, cost as f32),
        );
        if graph.n_and_steps() > 0 {
            graph.each_and_out(state, |and| {
                let link_cost = sides.link_costs[and.and as usize];
                if and.premises[0] == state && link_cost != NO_KEY {
                    look(and.gain, link_cost as f32);
                }
            });
        }
        is_known.then_some(own)
    }

    /// Passes lower costs on inside the component at hand until none is left.
    #[inline(always)]
    fn settle(&mut self, n_expanded: &mut u64) {
        while let Some(state) = self.waiting.pop_front() {
            self.is_waiting.remove(state);
            let own = self.costs[state as usize];
            let links = self.search.inner.of(state);
            *n_expanded += links.len() as u64;
            for &(premise, cost) in links {
                let of_premise = self.costs_of(premise);
                let lowered = of_premise.lowered(&own, cost);
                if lowered.differs(&of_premise) {
                    self.note(premise, lowered);
                    if self.is_waiting.insert(premise) {
                        self.waiting.push_back(premise);
                    }
                }
            }
        }
    }
}

/// Costs from here on (64 nats, a likelihood of 10^-28) count as never.
const NEVER: f32 = 4_194_304.0;

/// The sum of value times likelihood over the lanes, scaled.
///
/// The order of the sum is fixed, so that the answer is the same on every machine.
#[inline(always)]
fn scaled_loss(values: &[f64; LANES], costs: &Costs) -> i64 {
    let mut losses = [0.0; LANES];
    for lane in 0..LANES {
        let cost = costs.0[lane];
        let loss = values[lane] * likelihood(f64::from(cost));
        losses[lane] = if cost < NEVER { loss } else { 0.0 };
    }
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            losses[lane] += losses[lane + width];
        }
        width /= 2;
    }
    losses[0] as i64
}

/// exp(-cost) to 12 digits for costs below [`NEVER`], without a call or a branch.
///
/// The power of two nearest below or above comes from the exponent's bits, the rest from the
/// Taylor series.
#[inline(always)]
fn likelihood(cost: f64) -> f64 {
    /// One divided by each term's number: a division takes as long as ten products.
    const PARTS: [f64; 10] = {
        let mut parts = [0.0; 10];
        let mut at = 0;
        while at < parts.len() {
            parts[at] = 1.0 / (at + 1) as f64;
            at += 1;
        }
        parts
    };
    /// Adding it leaves a number's nearest integer in the lowest bits.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    let nats = cost / UNIT;
    let rounded = nats * std::f64::consts::LOG2_E + ROUND;
    let rest = (rounded - ROUND) * std::f64::consts::LN_2 - nats;
    let power = f64::from_bits((1023u64 << 52).wrapping_sub(rounded.to_bits() << 52));
    let mut series = 1.0;
    let mut term = PARTS.len();
    while term > 0 {
        term -= 1;
        series = 1.0 + series * rest * PARTS[term];
    }
    power * series
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
