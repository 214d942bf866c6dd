//! Cheapest derivations from many starts to every state, and chains back out of them.
//!
//! Without AND steps this is Dijkstra's search on a bucket queue. With them it is Knuth's
//! generalisation (*A generalization of Dijkstra's algorithm*, 1977): an AND step costs its own
//! cost plus the cost of **every** premise. That is exact for derivations counted as trees; a
//! premise that two branches share is paid twice, so the cost is an upper bound (the likelihood a
//! lower bound) of the derivation with sharing. [`super::sample`] gives the corrected figure.

mod backward;
#[cfg(test)]
mod tests;

pub(crate) use backward::{Horizon, cheapest_to_within, key_after_link};
pub use backward::{SideCosts, cheapest_to};

use super::frontier::{Frontier, Key, NO_KEY, key, key_after, key_cost, key_steps};
use super::topology::{StateId, StepId};
use super::view::{Soon, Topology};
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
    search_from(graph, starts, None, Limit::NONE, budget)
}

/// As [`cheapest_from`], but what costs more than `max_cost` counts as not reached.
pub(crate) fn cheapest_from_within<T: Topology>(
    graph: &T,
    starts: &[StateId],
    max_cost: Cost,
    budget: &Budget,
) -> Outcome<Cheapest> {
    let limit = Limit {
        key: key(u64::from(max_cost) + 1, 0),
        targets: &[],
    };
    search_from(graph, starts, None, limit, budget)
}

/// As [`cheapest_from`], but only for these targets and what their derivations pass; what is
/// dearer than all of them may be missing.
pub(crate) fn cheapest_from_until<T: Topology>(
    graph: &T,
    starts: &[StateId],
    targets: &[StateId],
    budget: &Budget,
) -> Outcome<Cheapest> {
    let limit = Limit {
        key: NO_KEY,
        targets,
    };
    search_from(graph, starts, None, limit, budget)
}

/// Corrects a search from the same starts after these steps came back into view.
pub(crate) fn restore<T: Topology>(
    graph: &T,
    cheapest: &mut Cheapest,
    steps: impl Iterator<Item = StepId>,
    budget: &Budget,
) -> Result<(), Stop> {
    let keys = &mut cheapest.keys;
    let mut frontier = Frontier::new();
    let mut missing = MissingPremises::after(graph, keys);
    let mut lowered: Vec<(Key, u32)> = Vec::new();
    for step in steps {
        let parts = graph.step(step);
        let premises: Vec<u32> = parts.premises.iter().map(|premise| premise.0).collect();
        if !graph.has_step(step.0)
            || premises
                .iter()
                .any(|&premise| keys[premise as usize] == NO_KEY)
        {
            continue;
        }
        let found = and_key(&premises, parts.cost, keys, None);
        if found < keys[parts.gain.idx()] {
            keys[parts.gain.idx()] = found;
            lowered.push((found, parts.gain.0));
        }
    }
    lowered.sort_unstable();
    for (key, state) in lowered {
        frontier.push(key, state);
    }
    settle(
        graph,
        keys,
        &mut frontier,
        &mut missing,
        Limit::NONE,
        budget,
    )
}

/// How far a forward search goes.
#[derive(Clone, Copy)]
struct Limit<'a> {
    /// Keys from here on are not recorded.
    key: Key,
    /// Once these are all reached, if there are any, nothing beyond the last of them matters.
    targets: &'a [StateId],
}

impl Limit<'_> {
    const NONE: Self = Self {
        key: NO_KEY,
        targets: &[],
    };

    /// Lowers the limit if this state is one of the targets.
    fn met(&mut self, state: u32, keys: &[Key]) {
        if self.targets.iter().any(|target| target.0 == state) {
            let last = self.targets.iter().map(|target| keys[target.idx()]).max();
            self.key = self.key.min(last.unwrap_or(NO_KEY).saturating_add(1));
        }
    }
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
    search_from(graph, starts, held, Limit::NONE, budget)
}

fn search_from<T: Topology>(
    graph: &T,
    starts: &[StateId],
    held: Option<Vec<Key>>,
    limit: Limit<'_>,
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
        .and_then(|()| settle(graph, &mut keys, &mut frontier, &mut missing, limit, budget))
        .err();
    budget.release(graph.n_states() as u64 * 8);
    Outcome::new(Cheapest { keys, held }, stop)
}

/// For each AND step how many of its premises were not yet taken from the queue nor are held.
struct MissingPremises<'a> {
    by_and: Vec<u32>,
    taken: crate::bits::Bits,
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
            taken: crate::bits::Bits::new(graph.n_states()),
        })
    }

    /// As they are after a search that gave these keys.
    fn after<T: Topology>(graph: &T, keys: &[Key]) -> Option<Self> {
        let by_and = MissingPremises::of(graph, Some(keys))?.by_and;
        let reached = (0u32..).zip(keys).filter(|pair| *pair.1 != NO_KEY);
        Some(Self {
            by_and,
            taken: crate::bits::Bits::of(graph.n_states(), reached.map(|pair| pair.0)),
            held: None,
        })
    }
}

/// So many states ahead of its turn a row is asked for.
const AHEAD: usize = 4;

fn settle<T: Topology>(
    graph: &T,
    keys: &mut [Key],
    frontier: &mut Frontier,
    missing: &mut Option<MissingPremises<'_>>,
    mut limit: Limit<'_>,
    budget: &Budget,
) -> Result<(), Stop> {
    let mut n_expanded = 0;
    while let Some((at_key, at)) = frontier.pop() {
        if let Some(later) = frontier.ahead(AHEAD) {
            graph.expect_out(later, Soon::Later);
        }
        if let Some(next) = frontier.ahead(AHEAD / 2) {
            graph.expect_out(next, Soon::Next);
        }
        if keys[at as usize] != at_key || at_key >= limit.key {
            continue;
        }
        limit.met(at, keys);
        graph.each_out(at, |_, gain, cost| {
            n_expanded += 1;
            let found = key_after(at_key, cost);
            let known = &mut keys[gain as usize];
            if found < *known && found < limit.key {
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
                if found < keys[and.gain as usize] && found < limit.key {
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
