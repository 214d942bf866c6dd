//! Random small attack graphs, and slow, obviously right versions of the searches.

use super::random::SplitMix64;
use super::topology::{StateId, StepGraph, StepGraphBuilder, StepId};
use super::view::{StepParts, Topology};

/// A small graph with what searches stumble over: parallel steps, loops, cycles, equal and zero
/// costs, unreachable parts, and AND steps in every second one.
pub(crate) fn random_graph(seed: u64) -> StepGraph {
    let mut random = SplitMix64::new(seed);
    let n_states = 1 + random.below(10) as u32;
    let n_steps = random.below(u64::from(n_states) * 3 + 1);
    let n_costs = 1 + random.below(6);
    let with_and = random.below(2) == 0;
    let mut builder = StepGraphBuilder::new(n_states);
    let state = |random: &mut SplitMix64| StateId(random.below(u64::from(n_states)) as u32);
    for _ in 0..n_steps {
        let n_premises = if with_and && random.below(4) == 0 {
            2 + random.below(2)
        } else {
            1
        };
        let premises: Vec<StateId> = (0..n_premises).map(|_| state(&mut random)).collect();
        let gain = state(&mut random);
        let cost = random.below(n_costs) as u32 * 3000;
        builder.step(&premises, gain, cost).unwrap();
    }
    builder.finish().0
}

/// One to three states of the graph.
pub(crate) fn random_states(random: &mut SplitMix64, n_states: usize) -> Vec<StateId> {
    (0..=random.below(3))
        .map(|_| StateId(random.below(n_states as u64) as u32))
        .collect()
}

/// Every step that the graph or view shows, found through its rows.
pub(crate) fn all_steps<T: Topology>(graph: &T) -> Vec<(StepId, StepParts)> {
    let mut steps = Vec::new();
    for state in 0..graph.n_states() as u32 {
        graph.each_out(state, |step, _, _| steps.push(StepId(step)));
    }
    graph.each_and(|and| steps.push(StepId(and.step)));
    steps.sort_unstable();
    steps
        .into_iter()
        .map(|step| (step, graph.step(step)))
        .collect()
}

/// The states derivable from `held`, by trying every step until nothing changes.
pub(crate) fn naive_closure<T: Topology>(graph: &T, held: &[StateId]) -> Vec<bool> {
    let steps = all_steps(graph);
    let mut reached = vec![false; graph.n_states()];
    for state in held {
        reached[state.idx()] = graph.has_state(state.0);
    }
    loop {
        let mut changed = false;
        for (_, step) in &steps {
            let holds = step.premises.iter().all(|premise| reached[premise.idx()]);
            if holds && !reached[step.gain.idx()] {
                reached[step.gain.idx()] = true;
                changed = true;
            }
        }
        if !changed {
            return reached;
        }
    }
}

/// Cost and steps of the cheapest derivation of each state, by relaxing until nothing changes.
pub(crate) fn naive_cheapest<T: Topology>(
    graph: &T,
    starts: &[StateId],
) -> Vec<Option<(u64, u64)>> {
    let steps = all_steps(graph);
    let mut best: Vec<Option<(u64, u64)>> = vec![None; graph.n_states()];
    for start in starts {
        if graph.has_state(start.0) {
            best[start.idx()] = Some((0, 0));
        }
    }
    loop {
        let mut changed = false;
        for (_, step) in &steps {
            let premises: Option<Vec<(u64, u64)>> = step
                .premises
                .iter()
                .map(|premise| best[premise.idx()])
                .collect();
            let Some(premises) = premises else { continue };
            let cost: u64 = premises.iter().map(|premise| premise.0).sum();
            let n_steps = premises.iter().map(|premise| premise.1).max().unwrap();
            let found = Some((cost + u64::from(step.cost), n_steps + 1));
            let known = &mut best[step.gain.idx()];
            if known.is_none() || found < *known {
                *known = found;
                changed = true;
            }
        }
        if !changed {
            return best;
        }
    }
}
