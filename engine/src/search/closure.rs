//! Everything that can be derived from what is held: plain reachability, AND steps exact.

use super::topology::StateId;
use super::view::Topology;
use crate::bits::Bits;
use crate::budget::{Budget, CHECK_EVERY, Outcome, Stop};

/// The states derivable from the held ones, those included. O(reached part).
///
/// A partial answer holds derivable states, but not all of them.
pub fn closure<T: Topology>(graph: &T, held: &[StateId], budget: &Budget) -> Outcome<Bits> {
    closure_within(graph, held, u32::MAX, budget)
}

/// The states derivable by at most so many steps one after the other.
///
/// Steps that do not depend on each other count as one; an AND step comes after the longest of its
/// premises' derivations.
pub fn closure_within<T: Topology>(
    graph: &T,
    held: &[StateId],
    max_steps: u32,
    budget: &Budget,
) -> Outcome<Bits> {
    let mut reached = Bits::new(graph.n_states());
    let mut level: Vec<u32> = Vec::new();
    for state in held {
        if graph.has_state(state.0) && reached.insert(state.0) {
            level.push(state.0);
        }
    }
    let stop = spread(graph, &mut reached, level, max_steps, budget).err();
    Outcome::new(reached, stop)
}

/// The states derivable from the held ones without ever using `without`, unless it is held.
pub(super) fn closure_without<T: Topology>(
    graph: &T,
    held: &[StateId],
    without: StateId,
    budget: &Budget,
) -> Result<Bits, Stop> {
    let mut reached = Bits::new(graph.n_states());
    let mut level: Vec<u32> = Vec::new();
    for state in held {
        if graph.has_state(state.0) && reached.insert(state.0) {
            level.push(state.0);
        }
    }
    // As if it were expanded already.
    let is_hidden = reached.insert(without.0);
    spread(graph, &mut reached, level, u32::MAX, budget)?;
    if is_hidden {
        reached.remove(without.0);
    }
    Ok(reached)
}

fn spread<T: Topology>(
    graph: &T,
    reached: &mut Bits,
    mut level: Vec<u32>,
    max_steps: u32,
    budget: &Budget,
) -> Result<(), Stop> {
    let mut missing = vec![0u32; graph.n_and_steps()];
    graph.each_and(|and| missing[and.and as usize] = and.premises.len() as u32);
    let has_and = !missing.is_empty();
    let mut next = Vec::new();
    let mut n_expanded = 0;
    for _ in 0..max_steps {
        for &state in &level {
            let mut gained = |gain: u32| {
                n_expanded += 1;
                if reached.insert(gain) {
                    next.push(gain);
                }
            };
            graph.each_out(state, |_, gain, _| gained(gain));
            if has_and {
                graph.each_and_out(state, |and| {
                    let missing = &mut missing[and.and as usize];
                    *missing -= 1;
                    if *missing == 0 {
                        gained(and.gain);
                    }
                });
            }
            if n_expanded >= CHECK_EVERY {
                budget.expand(n_expanded)?;
                n_expanded = 0;
            }
        }
        if next.is_empty() {
            break;
        }
        std::mem::swap(&mut level, &mut next);
        next.clear();
    }
    budget.expand(n_expanded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::cheapest::cheapest_from;
    use crate::search::random::SplitMix64;
    use crate::search::testing::{all_steps, naive_closure, random_graph, random_states};

    #[test]
    fn closure_agrees_with_trying_every_step() {
        for seed in 0..4000 {
            let graph = random_graph(seed);
            let mut random = SplitMix64::new(!seed);
            let held = random_states(&mut random, graph.n_states());
            let budget = Budget::unlimited();
            let (found, stop) = closure(&graph, &held, &budget).into_parts();
            assert_eq!(stop, None);
            let expected = naive_closure(&graph, &held);
            let cheapest = cheapest_from(&graph, &held, &budget).into_parts().0;
            for state in graph.states() {
                assert_eq!(
                    found.contains(state.0),
                    expected[state.idx()],
                    "seed {seed}"
                );
                assert_eq!(
                    found.contains(state.0),
                    cheapest.is_reached(state),
                    "seed {seed}"
                );
            }
        }
    }

    #[test]
    fn a_round_is_every_step_that_can_be_taken_at_once() {
        for seed in 0..2000 {
            let graph = random_graph(seed);
            let mut random = SplitMix64::new(!seed);
            let held = random_states(&mut random, graph.n_states());
            let mut expected = Bits::of(graph.n_states(), held.iter().map(|state| state.0));
            for n_rounds in 0..5 {
                let found = closure_within(&graph, &held, n_rounds, &Budget::unlimited());
                assert_eq!(found, Outcome::Complete(expected.clone()), "seed {seed}");
                let before = expected.clone();
                for (_, parts) in all_steps(&graph) {
                    if parts
                        .premises
                        .iter()
                        .all(|premise| before.contains(premise.0))
                    {
                        expected.insert(parts.gain.0);
                    }
                }
            }
        }
    }
}
