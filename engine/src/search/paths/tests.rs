//! Ranked paths against every simple chain there is.

use super::*;
use crate::budget::Limits;
use crate::search::random::SplitMix64;
use crate::search::testing::{all_steps, naive_cheapest, random_graph, random_states};
use crate::search::{StepGraph, StepGraphBuilder};

fn pool(n_threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new()
        .num_threads(n_threads)
        .build()
        .unwrap()
}

/// Every simple chain from the sources to the targets, with its cost.
fn every_path(graph: &StepGraph, query: &PathQuery) -> Vec<AttackPath> {
    let support = naive_cheapest(graph, &query.sources);
    let forward = match cheapest_from(graph, &query.sources, &Budget::unlimited()) {
        Outcome::Complete(forward) => forward,
        Outcome::Partial(..) => panic!("stopped"),
    };
    let links: Vec<(StepId, u32, u32, u64)> = all_steps(graph)
        .into_iter()
        .filter_map(|(step, parts)| {
            let mut cost = u64::from(parts.cost);
            for side in &parts.premises[1..] {
                cost += support[side.idx()]?.0;
                // The side derivation may not run through what the step gains.
                let derivation = forward.derivation(graph, *side).unwrap();
                let gained = derivation
                    .iter()
                    .any(|step| graph.gain(*step) == parts.gain);
                if *side == parts.gain || gained && !query.sources.contains(&parts.gain) {
                    return None;
                }
            }
            Some((step, parts.premises[0].0, parts.gain.0, cost))
        })
        .collect();
    let mut found = Vec::new();
    let mut sources = query.sources.clone();
    sources.sort_unstable();
    sources.dedup();
    for source in sources {
        walk(
            &links,
            query,
            source,
            &mut vec![source.0],
            &mut Vec::new(),
            0,
            &mut found,
        );
    }
    found.sort_by_key(|path| (path.cost, path.steps.len()));
    found
}

fn walk(
    links: &[(StepId, u32, u32, u64)],
    query: &PathQuery,
    source: StateId,
    passed: &mut Vec<u32>,
    steps: &mut Vec<StepId>,
    cost: u64,
    found: &mut Vec<AttackPath>,
) {
    let at = *passed.last().unwrap();
    if !steps.is_empty()
        && query.targets.contains(&StateId(at))
        && cost <= u64::from(query.max_cost)
    {
        let path = AttackPath {
            source,
            target: StateId(at),
            cost: cost as u32,
            steps: steps.clone(),
        };
        found.push(path);
    }
    if query
        .max_steps
        .is_some_and(|most| steps.len() >= most as usize)
    {
        return;
    }
    for &(step, from, to, link_cost) in links {
        if from == at && !passed.contains(&to) {
            passed.push(to);
            steps.push(step);
            walk(links, query, source, passed, steps, cost + link_cost, found);
            steps.pop();
            passed.pop();
        }
    }
}

fn ranks(paths: &[AttackPath]) -> Vec<(u32, usize)> {
    paths
        .iter()
        .map(|path| (path.cost, path.steps.len()))
        .collect()
}

/// A limit on the number of paths that keeps the oracle fast on dense cases.
const MOST: usize = 3000;

fn random_query(seed: u64, graph: &StepGraph, top: Top) -> PathQuery {
    let mut random = SplitMix64::new(!seed);
    let mut query = PathQuery::best(
        random_states(&mut random, graph.n_states()),
        random_states(&mut random, graph.n_states()),
        0,
    );
    query.top = top;
    if random.below(3) == 0 {
        query.max_steps = Some(random.below(5) as u32);
    }
    if random.below(3) == 0 {
        query.max_cost = random.below(8) as u32 * 3000;
    }
    query
}

#[test]
fn all_paths_come_and_in_order() {
    let pool = pool(1);
    let mut n_paths = 0;
    for seed in 0..6000 {
        let graph = random_graph(seed);
        let query = random_query(seed, &graph, Top::Overall(MOST));
        let expected = every_path(&graph, &query);
        let (found, stop) = attack_paths(&graph, &query, &pool, &Budget::unlimited()).into_parts();
        assert_eq!(stop, None);
        let n = expected.len().min(MOST);
        assert_eq!(ranks(&found), ranks(&expected)[..n], "seed {seed}");
        for path in &found {
            assert!(expected.contains(path), "seed {seed}: {path:?}");
        }
        let mut distinct: Vec<&[StepId]> = found.iter().map(|path| path.steps.as_slice()).collect();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(
            distinct.len(),
            found.len(),
            "seed {seed}: a path came twice"
        );
        n_paths += found.len();
    }
    assert!(n_paths > 10_000, "the graphs are too thin: {n_paths}");
}

#[test]
fn the_best_of_each_source_target_and_pair() {
    let (one, three) = (pool(1), pool(3));
    for seed in 0..2000 {
        let graph = random_graph(seed);
        for top in [Top::PerSource(2), Top::PerTarget(2), Top::PerPair(2)] {
            let query = random_query(seed, &graph, top);
            let mut expected: Vec<(Vec<StateId>, Vec<AttackPath>)> = Vec::new();
            for path in every_path(&graph, &query) {
                let group = match top {
                    Top::PerSource(_) => vec![path.source],
                    Top::PerTarget(_) => vec![path.target],
                    _ => vec![path.source, path.target],
                };
                match expected.iter_mut().find(|known| known.0 == group) {
                    Some(known) if known.1.len() < 2 => known.1.push(path),
                    Some(_) => {}
                    None => expected.push((group, vec![path])),
                }
            }
            let mut expected: Vec<AttackPath> =
                expected.into_iter().flat_map(|group| group.1).collect();
            expected.sort_by_key(|path| (path.cost, path.steps.len()));
            let budget = Budget::unlimited();
            let found = attack_paths(&graph, &query, &one, &budget).into_parts().0;
            assert_eq!(ranks(&found), ranks(&expected), "seed {seed} {top:?}");
            let parallel = attack_paths(&graph, &query, &three, &budget).into_parts().0;
            assert_eq!(found, parallel, "seed {seed} {top:?}");
        }
    }
}

#[test]
fn paths_are_contiguous_and_simple_and_their_sides_are_derivable() {
    let pool = pool(1);
    let mut n_sides = 0;
    for seed in 0..3000 {
        let graph = random_graph(seed);
        let query = random_query(seed, &graph, Top::Overall(20));
        let budget = Budget::unlimited();
        let forward = cheapest_from(&graph, &query.sources, &budget)
            .into_parts()
            .0;
        for path in attack_paths(&graph, &query, &pool, &budget).into_parts().0 {
            let mut passed = vec![path.source];
            for &step in &path.steps {
                assert_eq!(graph.main_premise(step), *passed.last().unwrap());
                assert!(!passed.contains(&graph.gain(step)), "seed {seed}");
                passed.push(graph.gain(step));
            }
            assert_eq!(passed.last(), Some(&path.target));
            let mut held = query.sources.clone();
            let sides = side_steps(&graph, &forward, &path);
            n_sides += sides.len();
            for step in sides.into_iter().chain(path.steps.iter().copied()) {
                let parts = Topology::step(&graph, step);
                assert!(
                    parts.premises.iter().all(|premise| held.contains(premise)),
                    "seed {seed}"
                );
                held.push(parts.gain);
            }
        }
    }
    assert!(n_sides > 100);
}

#[test]
fn the_best_path_costs_what_the_cheapest_derivation_costs() {
    let pool = pool(1);
    for seed in 0..2000 {
        let graph = random_graph(seed);
        let mut random = SplitMix64::new(!seed);
        let sources = random_states(&mut random, graph.n_states());
        let budget = Budget::unlimited();
        let forward = cheapest_from(&graph, &sources, &budget).into_parts().0;
        for target in graph.states().filter(|state| !sources.contains(state)) {
            let query = PathQuery::best(sources.clone(), vec![target], 1);
            let found = attack_paths(&graph, &query, &pool, &budget).into_parts().0;
            let cost = found.first().map_or(UNREACHED, |path| path.cost);
            assert_eq!(cost, forward.cost(target), "seed {seed}, {target:?}");
        }
    }
}

#[test]
fn a_stream_gives_the_same_paths_until_told_to_stop() {
    let pool = pool(1);
    for seed in 0..500 {
        let graph = random_graph(seed);
        let query = random_query(seed, &graph, Top::Overall(3));
        let budget = Budget::unlimited();
        let expected = attack_paths(&graph, &query, &pool, &budget);
        let mut streamed = Vec::new();
        let outcome = stream_attack_paths(&graph, &query, &budget, |path| {
            streamed.push(path);
            if streamed.len() < 3 {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        assert_eq!(outcome, Outcome::Complete(streamed.len()));
        assert_eq!(expected, Outcome::Complete(streamed), "seed {seed}");
    }
}

#[test]
fn a_budget_stops_the_stream_and_says_so() {
    // A ladder with 2^40 paths, all of one length.
    let mut builder = StepGraphBuilder::new(81);
    for rung in 0..40 {
        for side in 0..2 {
            for next in 0..2 {
                let cost = 1000 * (side + next);
                builder
                    .step(
                        &[StateId(2 * rung + side)],
                        StateId(2 * rung + 2 + next.min(1)),
                        cost,
                    )
                    .ok();
            }
        }
    }
    let graph = builder.finish().0;
    let budget = Budget::new(Limits {
        expansions: 50_000,
        ..Limits::NONE
    });
    let query = PathQuery::best(vec![StateId(0)], vec![StateId(80)], usize::MAX);
    let outcome = attack_paths(&graph, &query, &pool(1), &budget);
    let Outcome::Partial(paths, Stop::Expansions) = outcome else {
        panic!("not stopped");
    };
    assert!(!paths.is_empty());
    assert!(paths.is_sorted_by_key(|path| path.cost));
}
