//! Searches compared with relaxing every step until nothing changes.

use super::super::random::SplitMix64;
use super::super::testing::{
    all_steps, naive_cheapest, naive_closure, random_graph, random_states,
};
use super::super::view::{Additions, View};
use super::*;
use crate::bits::Bits;
use crate::budget::Limits;

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
fn check_derivation<T: Topology>(graph: &T, starts: &[StateId], found: &Cheapest, state: StateId) {
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
            view.each_out(state, |_, gain, _| rows.0.push(gain));
            let mut cursor = 0;
            while let Some(gain) = view.find_out(state, &mut cursor, |_| true) {
                rows.1.push(gain);
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
    let Outcome::Partial(found, Stop::Expansions) = cheapest_from(&graph, &[StateId(0)], &budget)
    else {
        panic!("not stopped");
    };
    assert!(found.n_reached() >= 1000 && found.n_reached() < 5000);
    let cancelled = Budget::unlimited();
    cancelled.stop_handle().stop(Stop::Cancelled);
    let outcome = cheapest_from(&graph, &[StateId(0)], &cancelled);
    assert!(matches!(outcome, Outcome::Partial(_, Stop::Cancelled)));
}
