//! The cheapest chains from every state to a set of targets.

use super::AHEAD;
use super::Cheapest;
use crate::budget::{Budget, CHECK_EVERY, Outcome, Stop};
use crate::search::frontier::{Frontier, Key, NO_KEY, key, key_after, key_cost};
use crate::search::topology::StateId;
use crate::search::view::{Soon, Topology};

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

    /// Whether this AND step is a link of any chain.
    pub(crate) fn is_link(&self, and: u32) -> bool {
        self.link_costs[and as usize] != NO_KEY
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
        if let Some(later) = frontier.ahead(AHEAD) {
            graph.expect_in(later, Soon::Later);
        }
        if let Some(next) = frontier.ahead(AHEAD / 2) {
            graph.expect_in(next, Soon::Next);
        }
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
