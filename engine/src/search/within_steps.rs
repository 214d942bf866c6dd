//! The cheapest derivations of at most so many steps one after the other.
//!
//! The cheapest derivation of all may be a long one, and say nothing of what a few steps do. So costs
//! are found round by round (Bellman and Ford), each from the round before; only states that the
//! round before made cheaper are looked at.

use super::topology::StateId;
use super::view::Topology;
use crate::bits::Bits;
use crate::budget::{Budget, CHECK_EVERY, Outcome, Stop};
use crate::score::cost::{Cost, UNREACHED};

/// The cost of the cheapest derivation of each state with at most so many steps one after the other,
/// [`UNREACHED`] where there is none.
///
/// As in [`super::closure_within`] an AND step comes after the longest of its premises' derivations, and
/// as in [`super::cheapest_from`] it costs what all of them cost. O(steps) a round at most. A partial
/// answer holds the costs of fewer rounds.
pub fn cheapest_within_steps<T: Topology>(
    graph: &T,
    starts: &[StateId],
    max_steps: u64,
    budget: &Budget,
) -> Outcome<Vec<Cost>> {
    let mut costs = vec![UNREACHED; graph.n_states()];
    let mut level: Vec<u32> = Vec::new();
    for start in starts.iter().filter(|start| graph.has_state(start.0)) {
        if costs[start.idx()] != 0 {
            costs[start.idx()] = 0;
            level.push(start.0);
        }
    }
    let mut round = Round {
        next: Vec::new(),
        is_next: Bits::new(graph.n_states()),
        made: vec![UNREACHED; graph.n_states()],
    };
    for _ in 0..max_steps {
        if level.is_empty() {
            break;
        }
        if let Err(stop) = round.run(graph, &costs, &level, budget) {
            return Outcome::Partial(costs, stop);
        }
        for &state in &round.next {
            costs[state as usize] = round.made[state as usize];
            round.made[state as usize] = UNREACHED;
            round.is_next.remove(state);
        }
        std::mem::swap(&mut level, &mut round.next);
        round.next.clear();
    }
    Outcome::Complete(costs)
}

/// What one round makes cheaper.
struct Round {
    next: Vec<u32>,
    is_next: Bits,
    /// The new cost of each state of `next`.
    made: Vec<Cost>,
}

impl Round {
    fn run<T: Topology>(
        &mut self,
        graph: &T,
        costs: &[Cost],
        level: &[u32],
        budget: &Budget,
    ) -> Result<(), Stop> {
        let mut n_expanded = 0;
        for &state in level {
            let own = costs[state as usize];
            let mut gained = |gain: u32, cost: u64| {
                n_expanded += 1;
                let cost = cost.min(u64::from(UNREACHED - 1)) as Cost;
                if cost < costs[gain as usize] && cost < self.made[gain as usize] {
                    self.made[gain as usize] = cost;
                    if self.is_next.insert(gain) {
                        self.next.push(gain);
                    }
                }
            };
            graph.each_out(state, |_, gain, cost| {
                gained(gain, u64::from(own) + u64::from(cost));
            });
            graph.each_and_out(state, |and| {
                let premises = and.premises.iter().map(|&premise| costs[premise as usize]);
                if premises.clone().all(|cost| cost != UNREACHED) {
                    let held: u64 = premises.map(u64::from).sum();
                    gained(and.gain, held + u64::from(and.cost));
                }
            });
            if n_expanded >= CHECK_EVERY {
                budget.expand(n_expanded)?;
                n_expanded = 0;
            }
        }
        budget.expand(n_expanded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::closure::closure_within;
    use crate::search::random::SplitMix64;
    use crate::search::testing::{all_steps, naive_cheapest, random_graph, random_states};

    #[test]
    fn each_round_is_every_step_tried_once() {
        let mut n_dearer = 0;
        for seed in 0..3000 {
            let graph = random_graph(seed);
            let mut random = SplitMix64::new(!seed);
            let starts = random_states(&mut random, graph.n_states());
            let budget = Budget::unlimited();
            let mut expected: Vec<Option<u64>> = vec![None; graph.n_states()];
            for start in &starts {
                expected[start.idx()] = Some(0);
            }
            let best = naive_cheapest(&graph, &starts);
            for n_rounds in 0..12 {
                let found = cheapest_within_steps(&graph, &starts, n_rounds, &budget);
                let found = found.into_parts().0;
                let reached = closure_within(&graph, &starts, n_rounds as u32, &budget);
                for state in graph.states() {
                    let cost = found[state.idx()];
                    let wanted = expected[state.idx()];
                    let known = (cost != UNREACHED).then(|| u64::from(cost));
                    assert_eq!(known, wanted, "seed {seed} {state:?} {n_rounds}");
                    assert_eq!(known.is_some(), reached.value().contains(state.0));
                    n_dearer += usize::from(wanted > best[state.idx()].map(|best| best.0));
                }
                let before = expected.clone();
                for (_, parts) in all_steps(&graph) {
                    let premises = parts.premises.iter().map(|premise| before[premise.idx()]);
                    let Some(held) = premises.sum::<Option<u64>>() else {
                        continue;
                    };
                    let cost = held + u64::from(parts.cost);
                    let known = &mut expected[parts.gain.idx()];
                    *known = Some(known.map_or(cost, |known| known.min(cost)));
                }
            }
            let last = cheapest_within_steps(&graph, &starts, u64::MAX, &budget)
                .into_parts()
                .0;
            for (cost, best) in last.into_iter().zip(best) {
                assert_eq!(
                    (cost != UNREACHED).then(|| u64::from(cost)),
                    best.map(|best| best.0)
                );
            }
        }
        assert!(n_dearer > 100, "{n_dearer}");
    }
}
