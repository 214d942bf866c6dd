//! Every change against starting over.

use super::*;
use crate::search::StepId;
use crate::search::random::SplitMix64;
use crate::search::testing::{random_graph, random_states};

/// What every state reaches, by following links until nothing changes.
fn naive(n_states: usize, links: &[(u32, u32)], jewels: &[(StateId, u32)]) -> Vec<u64> {
    (0..n_states as u32)
        .map(|start| {
            let mut reached = vec![false; n_states];
            reached[start as usize] = true;
            let mut is_changed = true;
            while is_changed {
                is_changed = false;
                for &(from, to) in links {
                    if reached[from as usize] && !reached[to as usize] {
                        reached[to as usize] = true;
                        is_changed = true;
                    }
                }
            }
            jewels
                .iter()
                .filter(|(state, _)| reached[state.idx()])
                .map(|(_, value)| u64::from(*value))
                .sum()
        })
        .collect()
}

/// `n_changes` random changes of one graph, each compared with starting over.
fn check(graph: &StepGraph, seed: u64, n_changes: usize) {
    let mut random = SplitMix64::new(seed ^ 0x5eed);
    let n_states = graph.n_states();
    let jewels: Vec<(StateId, u32)> = random_states(&mut random, n_states)
        .into_iter()
        .zip(1..)
        .map(|(state, nth)| (state, 1 << nth))
        .collect();
    let mut fresh = FreshReach::new(graph, &jewels, &Budget::unlimited()).unwrap();
    let mut all: Vec<((u32, u32), bool)> = (0..graph.n_steps() as u32)
        .map(|step| (fresh.links.ends(step), true))
        .collect();
    for nth in 0..n_changes {
        let mut state = || StateId(random.below(n_states as u64) as u32);
        let (from, gain) = (state(), state());
        let change = match random.below(4) {
            0 => StepChange::Add {
                premises: vec![from],
                gain,
                cost: 7,
            },
            1 => StepChange::Cost(StepId(random.below(all.len() as u64 + 1) as u32), 9),
            _ => StepChange::Remove(StepId(random.below(all.len() as u64 + 1) as u32)),
        };
        match &change {
            StepChange::Add { .. } => all.push(((from.0, gain.0), true)),
            StepChange::Cost(step, _) | StepChange::Remove(step) => {
                if let Some(known) = all.get_mut(step.idx()) {
                    known.1 = matches!(change, StepChange::Cost(..));
                }
            }
        }
        fresh.apply(&[change]);
        let links: Vec<(u32, u32)> = all
            .iter()
            .filter(|(_, is_there)| *is_there)
            .map(|(ends, _)| *ends)
            .collect();
        let expected = naive(n_states, &links, &jewels);
        let found: Vec<u64> = graph.states().map(|state| fresh.value(state)).collect();
        assert_eq!(found, expected, "seed {seed}, change {nth}");
    }
}

#[test]
fn every_change_leaves_what_starting_over_finds() {
    for seed in 0..4000 {
        check(&random_graph(seed), seed, 12);
    }
}

#[test]
fn so_do_long_sequences_that_condense_again() {
    for seed in 0..60 {
        check(&random_graph(seed), seed, 300);
    }
}

#[test]
fn a_large_component_that_loses_its_ring_falls_apart() {
    let n = 400;
    let mut builder = StepGraphBuilder::new(n);
    for state in 0..n {
        let next = StateId((state + 1) % n);
        builder.step(&[StateId(state)], next, 1).unwrap();
        if state % 7 == 0 {
            let jump = StateId((state * 13 + 5) % n);
            builder.step(&[StateId(state)], jump, 1).unwrap();
        }
    }
    check(&builder.finish().0, 11, 250);
}
