//! Cheapest derivations from many starts to every state, and chains back out of them.
//!
//! Without AND steps this is Dijkstra's search on a bucket queue. With them it is Knuth's
//! generalisation (*A generalization of Dijkstra's algorithm*, 1977): an AND step costs its own
//! cost plus the cost of **every** premise. That is exact for derivations counted as trees; a
//! premise that two branches share is paid twice, so the cost is an upper bound (the likelihood a
//! lower bound) of the derivation with sharing. [`super::sample`] gives the corrected figure.

use super::frontier::{Frontier, Key, NO_KEY, key, key_after, key_cost, key_steps};
use super::topology::{StateId, StepId};
use super::view::Topology;
use crate::budget::{Budget, CHECK_EVERY, Outcome, Stop};
use crate::score::cost::{Cost, UNREACHED, likelihood_of_cost};

/// The cheapest derivation of each state from one set of starts (or, from
/// [`cheapest_to`], the cheapest chain from each state to one set of targets).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cheapest {
    pub(crate) keys: Vec<Key>,
    /// What other premises of AND steps cost an attacker who holds more than the starts.
    held: Option<Vec<Key>>,
}

impl Cheapest {
    /// The cost, [`UNREACHED`] if there is none.
    pub fn cost(&self, state: StateId) -> Cost {
        match self.keys[state.idx()] {
            NO_KEY => UNREACHED,
            key => key_cost(key).min(u64::from(UNREACHED - 1)) as Cost,
        }
    }

    /// The likelihood, 0 if there is none.
    pub fn likelihood(&self, state: StateId) -> f64 {
        likelihood_of_cost(self.cost(state))
    }

    /// Whether the state is reached at all.
    pub fn is_reached(&self, state: StateId) -> bool {
        self.keys[state.idx()] != NO_KEY
    }

    /// How many states are reached.
    pub fn n_reached(&self) -> usize {
        self.keys.iter().filter(|&&key| key != NO_KEY).count()
    }

    /// How many steps one after the other the derivation takes, if the state is reached: the
    /// fewest among the cheapest.
    pub fn n_steps(&self, state: StateId) -> Option<u64> {
        let key = self.keys[state.idx()];
        (key != NO_KEY).then(|| key_steps(key))
    }

    /// The last step of the state's derivation: of those that fit the smallest id.
    ///
    /// `None` for a start and for what is not reached. O(steps that gain the state).
    pub fn last_step<T: Topology>(&self, graph: &T, state: StateId) -> Option<StepId> {
        let own = self.keys[state.idx()];
        if own == NO_KEY || own == 0 {
            return None;
        }
        let mut last: Option<u32> = None;
        graph.each_in(state.0, |step, premise, cost| {
            let before = self.keys[premise as usize];
            if before != NO_KEY && key_after(before, cost) == own {
                last = Some(last.map_or(step, |known| known.min(step)));
            }
        });
        graph.each_and_in(state.0, |and| {
            if and_key(and.premises, and.cost, &self.keys, self.held.as_deref()) == own {
                last = Some(last.map_or(and.step, |known| known.min(and.step)));
            }
        });
        last.map(StepId)
    }

    /// The chain of main premises that ends in this state: the start, and the steps in order.
    ///
    /// After [`cheapest_from_holding`] a chain may also start in a state that is held anyway.
    /// `None` if the state is not reached.
    pub fn chain<T: Topology>(&self, graph: &T, state: StateId) -> Option<(StateId, Vec<StepId>)> {
        if !self.is_reached(state) {
            return None;
        }
        let mut steps = Vec::new();
        let mut at = state;
        while let Some(step) = self.last_step(graph, at) {
            steps.push(step);
            let premises = graph.step(step).premises;
            at = premises[0];
            if !self.own_premises(&premises).contains(&at) {
                break;
            }
        }
        steps.reverse();
        Some((at, steps))
    }

    /// The premises of a step that are derived from the starts rather than held anyway.
    fn own_premises(&self, premises: &[StateId]) -> Vec<StateId> {
        let raw: Vec<u32> = premises.iter().map(|premise| premise.0).collect();
        let own = own_premise(&raw, &self.keys, self.held.as_deref());
        let is_cheaper = |state: &StateId| {
            self.held
                .as_ref()
                .is_none_or(|held| self.keys[state.idx()] <= held[state.idx()])
        };
        let places = premises.iter().enumerate();
        places
            .filter(|(place, premise)| Some(*place) == own || is_cheaper(premise))
            .map(|(_, premise)| *premise)
            .collect()
    }

    /// Every step of the state's derivation, side derivations of AND steps included, each once
    /// and after the steps that its premises need. `None` if the state is not reached.
    pub fn derivation<T: Topology>(&self, graph: &T, state: StateId) -> Option<Vec<StepId>> {
        if !self.is_reached(state) {
            return None;
        }
        let mut pending = vec![state];
        let mut seen = rustc_hash::FxHashSet::default();
        let mut found: Vec<(Key, StepId)> = Vec::new();
        while let Some(at) = pending.pop() {
            if !seen.insert(at) {
                continue;
            }
            if let Some(step) = self.last_step(graph, at) {
                found.push((self.keys[at.idx()], step));
                pending.extend(self.own_premises(&graph.step(step).premises));
            }
        }
        // A state's key is higher than that of each premise, so this order puts premises first.
        found.sort_unstable();
        Some(found.into_iter().map(|(_, step)| step).collect())
    }
}

/// The key that an AND step gives its gain, [`NO_KEY`] while a premise is not reached.
///
/// Costs add; the number of steps is that of the longest branch. A premise that is held anyway
/// costs what it costs there, if that is less; but not the one of [`own_premise`].
fn and_key(premises: &[u32], cost: Cost, keys: &[Key], held: Option<&[Key]>) -> Key {
    match held {
        None => sum_key(premises.iter().map(|&premise| keys[premise as usize]), cost),
        Some(held) => (0..premises.len())
            .map(|own| held_sum_key(premises, own, cost, keys, held))
            .min()
            .unwrap_or(NO_KEY),
    }
}

/// The place of the premise that comes from the starts themselves, the others being held anyway
/// or not: the one with which the step is cheapest.
fn own_premise(premises: &[u32], keys: &[Key], held: Option<&[Key]>) -> Option<usize> {
    let held = held?;
    (0..premises.len()).min_by_key(|&own| held_sum_key(premises, own, 0, keys, held))
}

fn held_sum_key(premises: &[u32], own: usize, cost: Cost, keys: &[Key], held: &[Key]) -> Key {
    let of_premises = premises.iter().enumerate().map(|(place, &premise)| {
        let from_starts = keys[premise as usize];
        if place == own {
            from_starts
        } else {
            from_starts.min(held[premise as usize])
        }
    });
    sum_key(of_premises, cost)
}

fn sum_key(of_premises: impl Iterator<Item = Key>, cost: Cost) -> Key {
    let mut total = u64::from(cost);
    let mut n_steps = 0;
    for of_premise in of_premises {
        if of_premise == NO_KEY {
            return NO_KEY;
        }
        total = total.saturating_add(key_cost(of_premise));
        n_steps = n_steps.max(key_steps(of_premise));
    }
    key(total, n_steps + 1)
}

/// The cheapest derivation of every state from the starts, all of which the attacker holds.
///
/// O((states + steps) + re-corrections inside a bucket) in the reached part. A partial answer
/// holds true derivations, but perhaps not the cheapest ones and not of every state.
pub fn cheapest_from<T: Topology>(
    graph: &T,
    starts: &[StateId],
    budget: &Budget,
) -> Outcome<Cheapest> {
    search_from(graph, starts, None, budget)
}

/// What falls if these states fall, for an attacker who holds other states anyway.
///
/// As [`cheapest_from`] the starts, but other premises of AND steps may come from `held` (the search
/// from the attacker's own starts on the same view) at what they cost there. At least one premise
/// must come from the starts, so what the attacker reaches without them is not counted.
pub fn cheapest_from_holding<T: Topology>(
    graph: &T,
    starts: &[StateId],
    held: &Cheapest,
    budget: &Budget,
) -> Outcome<Cheapest> {
    let held = (graph.n_and_steps() > 0).then(|| held.keys.clone());
    search_from(graph, starts, held, budget)
}

fn search_from<T: Topology>(
    graph: &T,
    starts: &[StateId],
    held: Option<Vec<Key>>,
    budget: &Budget,
) -> Outcome<Cheapest> {
    let mut keys = vec![NO_KEY; graph.n_states()];
    let mut frontier = Frontier::new();
    let mut missing = MissingPremises::of(graph, held.as_deref());
    for start in starts {
        if graph.has_state(start.0) && keys[start.idx()] != 0 {
            keys[start.idx()] = 0;
            frontier.push(0, start.0);
        }
    }
    let stop = budget
        .charge(graph.n_states() as u64 * 8)
        .and_then(|()| settle(graph, &mut keys, &mut frontier, &mut missing, budget))
        .err();
    budget.release(graph.n_states() as u64 * 8);
    Outcome::new(Cheapest { keys, held }, stop)
}

/// For each AND step how many of its premises were not yet taken from the queue nor are held.
struct MissingPremises<'a> {
    by_and: Vec<u32>,
    taken: super::bits::Bits,
    held: Option<&'a [Key]>,
}

impl<'a> MissingPremises<'a> {
    fn of<T: Topology>(graph: &T, held: Option<&'a [Key]>) -> Option<Self> {
        if graph.n_and_steps() == 0 {
            return None;
        }
        let mut by_and = vec![0; graph.n_and_steps()];
        let is_missing =
            |premise: &&u32| held.is_none_or(|held| held[**premise as usize] == NO_KEY);
        graph.each_and(|and| {
            by_and[and.and as usize] = and.premises.iter().filter(is_missing).count() as u32;
        });
        Some(Self {
            held,
            by_and,
            taken: super::bits::Bits::new(graph.n_states()),
        })
    }
}

fn settle<T: Topology>(
    graph: &T,
    keys: &mut [Key],
    frontier: &mut Frontier,
    missing: &mut Option<MissingPremises<'_>>,
    budget: &Budget,
) -> Result<(), Stop> {
    let mut n_expanded = 0;
    while let Some((at_key, at)) = frontier.pop() {
        if keys[at as usize] != at_key {
            continue;
        }
        graph.each_out(at, |_, gain, cost| {
            n_expanded += 1;
            let found = key_after(at_key, cost);
            let known = &mut keys[gain as usize];
            if found < *known {
                *known = found;
                frontier.push(found, gain);
            }
        });
        if let Some(missing) = missing {
            let is_held = missing.held.is_some_and(|held| held[at as usize] != NO_KEY);
            let first_time = missing.taken.insert(at) && !is_held;
            graph.each_and_out(at, |and| {
                n_expanded += 1;
                let open = &mut missing.by_and[and.and as usize];
                *open -= u32::from(first_time);
                if *open > 0 {
                    return;
                }
                // Also when a premise is taken again with a lower key: the sum went down.
                let found = and_key(and.premises, and.cost, keys, missing.held);
                if found < keys[and.gain as usize] {
                    keys[and.gain as usize] = found;
                    frontier.push(found, and.gain);
                }
            });
        }
        if n_expanded >= CHECK_EVERY {
            budget.expand(n_expanded)?;
            n_expanded = 0;
        }
    }
    budget.expand(n_expanded)
}

/// What the AND steps cost as links of a chain: their own cost and that of the side derivations.
///
/// A path runs through an AND step along its main premise; the other premises are supported by
/// their cheapest derivations from all starts. A step is no link if a side premise cannot be
/// derived, or only by way of the state that the step gains.
#[derive(Clone, Debug)]
pub struct SideCosts {
    /// By `and` number; [`NO_KEY`] where the step is no link.
    pub(crate) link_costs: Vec<u64>,
}

impl SideCosts {
    /// Side derivations taken from this search forward. O(1) without AND steps.
    pub fn new<T: Topology>(graph: &T, forward: &Cheapest) -> Self {
        let mut link_costs = vec![NO_KEY; graph.n_and_steps()];
        graph.each_and(|and| {
            let mut total = u64::from(and.cost);
            let own = forward.keys[and.gain as usize];
            for &side in &and.premises[1..] {
                let of_side = forward.keys[side as usize];
                if of_side == NO_KEY || side == and.gain {
                    return;
                }
                // Only a derivation that costs as much as the gain's own can run through the gain.
                if of_side > own && own != 0 && runs_through(graph, forward, side, and.gain) {
                    return;
                }
                total = total.saturating_add(key_cost(of_side));
            }
            link_costs[and.and as usize] = total;
        });
        Self { link_costs }
    }

    /// As if side premises were held already: a lower bound of every chain's cost.
    pub fn free<T: Topology>(graph: &T) -> Self {
        let mut link_costs = vec![NO_KEY; graph.n_and_steps()];
        graph.each_and(|and| link_costs[and.and as usize] = u64::from(and.cost));
        Self { link_costs }
    }
}

fn runs_through<T: Topology>(graph: &T, forward: &Cheapest, state: u32, through: u32) -> bool {
    let steps = forward
        .derivation(graph, StateId(state))
        .unwrap_or_default();
    steps
        .into_iter()
        .any(|step| graph.step(step).gain.0 == through)
}

/// The key after one link of a chain whose cost may exceed that of a step.
#[inline]
pub(crate) fn key_after_link(before: Key, link_cost: u64) -> Key {
    if link_cost == NO_KEY {
        return NO_KEY;
    }
    before.saturating_add(key(link_cost, 1)).min(NO_KEY - 1)
}

/// The cheapest chain from every state to the targets, searched backwards.
///
/// Exact without AND steps; with them a chain pays for side derivations as `sides` says.
pub fn cheapest_to<T: Topology>(
    graph: &T,
    targets: &[StateId],
    sides: &SideCosts,
    budget: &Budget,
) -> Outcome<Cheapest> {
    let mut horizon = Horizon {
        max_cost: u64::MAX,
        sources: Vec::new(),
        beyond: 0,
    };
    cheapest_to_within(graph, targets, sides, &mut horizon, budget)
}

/// How far a backward search goes: what costs more than `max_cost` may be missing or too high.
#[derive(Clone, Debug)]
pub(crate) struct Horizon {
    pub(crate) max_cost: u64,
    /// When the last of these is met, if there are any, the limit falls to its cost and `beyond`.
    pub(crate) sources: Vec<StateId>,
    pub(crate) beyond: u64,
}

/// As [`cheapest_to`] up to the horizon; leaves in `horizon.max_cost` how far it went.
pub(crate) fn cheapest_to_within<T: Topology>(
    graph: &T,
    targets: &[StateId],
    sides: &SideCosts,
    horizon: &mut Horizon,
    budget: &Budget,
) -> Outcome<Cheapest> {
    let mut keys = vec![NO_KEY; graph.n_states()];
    let mut frontier = Frontier::new();
    for target in targets {
        if graph.has_state(target.0) && keys[target.idx()] != 0 {
            keys[target.idx()] = 0;
            frontier.push(0, target.0);
        }
    }
    let stop = budget
        .charge(graph.n_states() as u64 * 8)
        .and_then(|()| settle_back(graph, sides, &mut keys, &mut frontier, horizon, budget))
        .err();
    budget.release(graph.n_states() as u64 * 8);
    Outcome::new(Cheapest { keys, held: None }, stop)
}

fn settle_back<T: Topology>(
    graph: &T,
    sides: &SideCosts,
    keys: &mut [Key],
    frontier: &mut Frontier,
    horizon: &mut Horizon,
    budget: &Budget,
) -> Result<(), Stop> {
    let has_and = graph.n_and_steps() > 0;
    let mut n_expanded = 0;
    while let Some((at_key, at)) = frontier.pop() {
        if keys[at as usize] != at_key || key_cost(at_key) > horizon.max_cost {
            continue;
        }
        if let Some(met) = horizon.sources.iter().position(|source| source.0 == at) {
            horizon.sources.swap_remove(met);
            if horizon.sources.is_empty() {
                horizon.max_cost = horizon.max_cost.min(key_cost(at_key) + horizon.beyond);
            }
        }
        let max_cost = horizon.max_cost;
        let mut relax = |premise: u32, found: Key| {
            n_expanded += 1;
            let known = &mut keys[premise as usize];
            if found < *known && key_cost(found) <= max_cost {
                *known = found;
                frontier.push(found, premise);
            }
        };
        graph.each_in(at, |_, premise, cost| {
            relax(premise, key_after(at_key, cost));
        });
        if has_and {
            graph.each_and_in(at, |and| {
                let link_cost = sides.link_costs[and.and as usize];
                relax(and.premises[0], key_after_link(at_key, link_cost));
            });
        }
        if n_expanded >= CHECK_EVERY {
            budget.expand(n_expanded)?;
            n_expanded = 0;
        }
    }
    budget.expand(n_expanded)
}

#[cfg(test)]
mod tests {
    use super::super::random::SplitMix64;
    use super::super::testing::{
        all_steps, naive_cheapest, naive_closure, random_graph, random_states,
    };
    use super::super::view::{Additions, View};
    use super::*;
    use crate::budget::Limits;
    use crate::search::bits::Bits;

    fn complete<T>(outcome: Outcome<T>) -> T {
        match outcome {
            Outcome::Complete(value) => value,
            Outcome::Partial(_, stop) => panic!("stopped: {stop}"),
        }
    }

    fn check_forward<T: Topology>(graph: &T, starts: &[StateId], seed: u64) {
        let found = complete(cheapest_from(graph, starts, &Budget::unlimited()));
        let expected = naive_cheapest(graph, starts);
        for (state, expected) in (0u32..).zip(&expected) {
            let state = StateId(state);
            assert_eq!(
                expected.map(|best| best.0),
                found
                    .is_reached(state)
                    .then(|| u64::from(found.cost(state))),
                "seed {seed}, {state:?}"
            );
            assert_eq!(
                expected.map(|best| best.1),
                found.n_steps(state),
                "seed {seed}"
            );
            check_derivation(graph, starts, &found, state);
        }
    }

    /// The derivation's steps can be taken one after the other and end in the state.
    fn check_derivation<T: Topology>(
        graph: &T,
        starts: &[StateId],
        found: &Cheapest,
        state: StateId,
    ) {
        let Some(steps) = found.derivation(graph, state) else {
            assert!(!found.is_reached(state));
            return;
        };
        let mut held: Vec<StateId> = starts.to_vec();
        for step in steps {
            assert!(graph.has_step(step.0));
            let parts = graph.step(step);
            assert!(parts.premises.iter().all(|premise| held.contains(premise)));
            held.push(parts.gain);
        }
        assert!(held.contains(&state));
        let (start, chain) = found.chain(graph, state).unwrap();
        assert!(starts.contains(&start));
        let mut at = start;
        for step in chain {
            let parts = graph.step(step);
            assert_eq!(parts.premises[0], at);
            at = parts.gain;
        }
        assert_eq!(at, state);
    }

    #[test]
    fn forward_agrees_with_relaxing_until_nothing_changes() {
        for seed in 0..4000 {
            let graph = random_graph(seed);
            let mut random = SplitMix64::new(!seed);
            let starts = random_states(&mut random, graph.n_states());
            check_forward(&graph, &starts, seed);
        }
    }

    #[test]
    fn a_view_is_searched_as_the_graph_it_shows() {
        for seed in 0..3000 {
            let graph = random_graph(seed);
            let mut random = SplitMix64::new(!seed);
            let pick = |n: usize, random: &mut SplitMix64| {
                Bits::of(
                    n,
                    (0..n as u32)
                        .filter(|_| random.below(4) == 0)
                        .collect::<Vec<_>>(),
                )
            };
            let hidden_steps = pick(graph.n_steps(), &mut random);
            let hidden_states = pick(graph.n_states(), &mut random);
            let n_all = graph.n_states() + 2;
            let added: Vec<(Vec<StateId>, StateId, Cost)> = (0..random.below(4))
                .map(|_| {
                    let premises = random_states(&mut random, n_all);
                    let gain = StateId(random.below(n_all as u64) as u32);
                    (premises, gain, random.below(3) as u32 * 3000)
                })
                .collect();
            let (additions, _) = Additions::new(
                &graph,
                2,
                added
                    .iter()
                    .map(|(premises, gain, cost)| (premises.as_slice(), *gain, *cost)),
            )
            .unwrap();
            let view = View::new(&graph)
                .without_steps(&hidden_steps)
                .without_states(&hidden_states)
                .with(&additions);
            // The same steps, built as a graph of their own.
            let mut builder = crate::search::StepGraphBuilder::new(n_all as u32);
            let shown = |parts: &crate::search::StepParts| {
                parts
                    .premises
                    .iter()
                    .chain([&parts.gain])
                    .all(|state| !hidden_states.contains(state.0))
            };
            let mut n_shown = 0;
            for step in graph.steps().filter(|step| !hidden_steps.contains(step.0)) {
                let parts = Topology::step(&graph, step);
                if shown(&parts) {
                    builder
                        .step(&parts.premises, parts.gain, parts.cost)
                        .unwrap();
                    n_shown += 1;
                }
            }
            for (premises, gain, cost) in &added {
                let parts = crate::search::StepParts {
                    premises: premises.clone(),
                    gain: *gain,
                    cost: *cost,
                };
                if shown(&parts) {
                    builder.step(premises, *gain, *cost).unwrap();
                    n_shown += 1;
                }
            }
            let copy = builder.finish().0;
            assert_eq!(all_steps(&view).len(), n_shown, "seed {seed}");
            let starts: Vec<StateId> = random_states(&mut random, n_all)
                .into_iter()
                .filter(|state| view.has_state(state.0))
                .collect();
            check_forward(&view, &starts, seed);
            assert_eq!(
                complete(cheapest_from(&view, &starts, &Budget::unlimited())),
                complete(cheapest_from(&copy, &starts, &Budget::unlimited())),
                "seed {seed}"
            );
            let by_rows = |state: u32| {
                let mut rows = (Vec::new(), Vec::new());
                view.each_out(state, |step, gain, _| rows.0.push((step, gain)));
                let mut cursor = 0;
                while let Some(next) = view.next_out(state, &mut cursor) {
                    rows.1.push(next);
                }
                rows
            };
            for state in 0..n_all as u32 {
                let (visited, by_cursor) = by_rows(state);
                assert_eq!(visited, by_cursor, "seed {seed}");
            }
        }
    }

    #[test]
    fn backward_agrees_with_forward_where_there_is_no_and_step() {
        for seed in 0..4000 {
            let graph = random_graph(seed);
            let mut random = SplitMix64::new(!seed);
            let targets = random_states(&mut random, graph.n_states());
            let budget = Budget::unlimited();
            let back = complete(cheapest_to(
                &graph,
                &targets,
                &SideCosts::free(&graph),
                &budget,
            ));
            for start in graph.states() {
                let forward = complete(cheapest_from(&graph, &[start], &budget));
                let best = targets
                    .iter()
                    .map(|target| forward.keys[target.idx()])
                    .min();
                if graph.n_and_steps() == 0 {
                    assert_eq!(Some(back.keys[start.idx()]), best, "seed {seed}");
                } else {
                    assert!(Some(back.keys[start.idx()]) <= best, "seed {seed}");
                }
                let closure = naive_closure(&graph, &[start]);
                assert_eq!(
                    best != Some(NO_KEY),
                    targets.iter().any(|target| closure[target.idx()])
                );
            }
        }
    }

    #[test]
    fn what_is_held_anyway_supports_but_opens_nothing_alone() {
        let mut n_more = 0;
        for seed in 0..4000 {
            let graph = random_graph(seed);
            let mut random = SplitMix64::new(!seed);
            let budget = Budget::unlimited();
            let held_starts = random_states(&mut random, graph.n_states());
            let held = complete(cheapest_from(&graph, &held_starts, &budget));
            let starts = random_states(&mut random, graph.n_states());
            let found = complete(cheapest_from_holding(&graph, &starts, &held, &budget));
            let mut best: Vec<Option<u64>> = vec![None; graph.n_states()];
            for start in &starts {
                best[start.idx()] = Some(0);
            }
            let steps = all_steps(&graph);
            loop {
                let before = best.clone();
                for (_, step) in &steps {
                    // Each premise in turn is the one that must come from the starts.
                    for own in &step.premises {
                        let cost_of = |premise: &StateId| {
                            let elsewhere = (premise != own && held.is_reached(*premise))
                                .then(|| u64::from(held.cost(*premise)));
                            best[premise.idx()].into_iter().chain(elsewhere).min()
                        };
                        let costs: Option<Vec<u64>> = step.premises.iter().map(cost_of).collect();
                        if let Some(costs) = costs {
                            let cost = costs.iter().sum::<u64>() + u64::from(step.cost);
                            let known = &mut best[step.gain.idx()];
                            *known = Some(known.map_or(cost, |known| known.min(cost)));
                        }
                    }
                }
                if before == best {
                    break;
                }
            }
            let alone = complete(cheapest_from(&graph, &starts, &budget));
            n_more += usize::from(found.n_reached() > alone.n_reached());
            for state in graph.states() {
                let cost = found
                    .is_reached(state)
                    .then(|| u64::from(found.cost(state)));
                assert_eq!(cost, best[state.idx()], "seed {seed}, {state:?}");
                let mut have: Vec<StateId> = starts.clone();
                have.extend(graph.states().filter(|&state| held.is_reached(state)));
                for step in found.derivation(&graph, state).unwrap_or_default() {
                    let parts = Topology::step(&graph, step);
                    assert!(parts.premises.iter().all(|premise| have.contains(premise)));
                    have.push(parts.gain);
                }
                assert!(!found.is_reached(state) || have.contains(&state));
            }
        }
        assert!(n_more > 20);
    }

    #[test]
    fn a_step_more_never_raises_a_cost() {
        for seed in 0..500 {
            let graph = random_graph(seed);
            let mut random = SplitMix64::new(!seed);
            let starts = random_states(&mut random, graph.n_states());
            let budget = Budget::unlimited();
            let before = complete(cheapest_from(&graph, &starts, &budget));
            let premises = random_states(&mut random, graph.n_states());
            let gain = StateId(random.below(graph.n_states() as u64) as u32);
            let added = [(premises.as_slice(), gain, 1000)];
            let (additions, _) = Additions::new(&graph, 0, added).unwrap();
            let view = View::new(&graph).with(&additions);
            let after = complete(cheapest_from(&view, &starts, &budget));
            assert!(
                before
                    .keys
                    .iter()
                    .zip(&after.keys)
                    .all(|(before, after)| after <= before)
            );
        }
    }

    #[test]
    fn a_search_that_was_stopped_says_so() {
        let mut builder = crate::search::StepGraphBuilder::new(5000);
        for state in 0..4999 {
            builder
                .step(&[StateId(state)], StateId(state + 1), 5000)
                .unwrap();
        }
        let graph = builder.finish().0;
        let budget = Budget::new(Limits {
            expansions: 2000,
            ..Limits::NONE
        });
        let Outcome::Partial(found, Stop::Expansions) =
            cheapest_from(&graph, &[StateId(0)], &budget)
        else {
            panic!("not stopped");
        };
        assert!(found.n_reached() >= 1000 && found.n_reached() < 5000);
        let cancelled = Budget::unlimited();
        cancelled.stop_handle().stop(Stop::Cancelled);
        let outcome = cheapest_from(&graph, &[StateId(0)], &cancelled);
        assert!(matches!(outcome, Outcome::Partial(_, Stop::Cancelled)));
    }
}
