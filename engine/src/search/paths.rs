//! The k most likely attack paths, many sources to many targets: exact, loopless, best first.
//!
//! **What a path is.** A chain of steps from a source to a target in which each step's main
//! premise is the state that the step before gained; at least one step, no state twice. It may pass
//! other sources and other targets on its way. The attacker holds all sources at once: the other
//! premises of an AND step are supported by their cheapest derivations from all of them (the side
//! derivations), and the path pays for those, see [`SideCosts`]. So the best path's cost is that of
//! Knuth's cheapest derivation wherever that derivation's main chain is simple. Two paths differ
//! if their steps differ; parallel steps (two rules, or two vulnerabilities) are two paths; two
//! ways to support the same side premise are not, the cheaper one stands for both.
//!
//! **Order.** By cost, then fewer steps, then an order that depends on nothing but the graph, the
//! view and the question; never on the number of threads.
//!
//! **How.** Yen's partition of the path space with Lawler's refinement (*Management Science* 18,
//! 1972), each part kept under a lower bound and searched only when the bound comes up; the part's
//! best path by A* whose estimate is the exact distance to the targets, found once by a backward
//! search and shared by every source and every part.

mod ranked;

use std::ops::ControlFlow;

use ranked::RankedPaths;
use rayon::prelude::*;

use super::cheapest::{Cheapest, Horizon, SideCosts, cheapest_from};
use super::frontier::{NO_KEY, key_cost};
use super::topology::{StateId, StepId};
use super::view::Topology;
use crate::budget::{Budget, Outcome, Stop};
use crate::score::cost::{Cost, UNREACHED};

/// One attack path: a contiguous, simple chain of steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttackPath {
    /// Where it starts.
    pub source: StateId,
    /// What the last step gains.
    pub target: StateId,
    /// The cost of its steps and of the side derivations of its AND steps.
    pub cost: Cost,
    /// Its steps in order, at least one. Side derivations are not among them: see
    /// [`side_steps`].
    pub steps: Vec<StepId>,
}

/// How many paths are wanted, and of what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Top {
    /// The best of all.
    Overall(usize),
    /// The best of each source.
    PerSource(usize),
    /// The best of each target.
    PerTarget(usize),
    /// The best of each pair of source and target.
    PerPair(usize),
}

/// Which paths are wanted. What is to be avoided is hidden by the [`super::View`].
#[derive(Clone, Debug)]
pub struct PathQuery {
    /// Where paths start. The attacker holds all of them.
    pub sources: Vec<StateId>,
    /// Where paths end.
    pub targets: Vec<StateId>,
    /// How many.
    pub top: Top,
    /// The most steps a path may have, [`None`] for any number.
    pub max_steps: Option<u32>,
    /// The highest cost of a path, see [`crate::score::cost::cost_limit`].
    pub max_cost: Cost,
}

impl PathQuery {
    /// The best `k` paths of all, of any length and likelihood.
    pub fn best(sources: Vec<StateId>, targets: Vec<StateId>, k: usize) -> Self {
        Self {
            sources,
            targets,
            top: Top::Overall(k),
            max_steps: None,
            max_cost: UNREACHED - 1,
        }
    }
}

/// The most likely paths, best first.
///
/// Costs one forward search if there are AND steps, one backward search for each group of targets
/// asked for together, and then O(degree + log) for most paths. A partial answer holds true paths
/// of each question's best, in order, but not all of them. With `pool` threads the answer is the
/// same to the byte as with one.
pub fn attack_paths<T: Topology>(
    graph: &T,
    query: &PathQuery,
    pool: &rayon::ThreadPool,
    budget: &Budget,
) -> Outcome<Vec<AttackPath>> {
    let sources = usable(graph, &query.sources);
    let targets = usable(graph, &query.targets);
    let (sides, stop) = side_costs(graph, &sources, budget);
    if stop.is_some() {
        return Outcome::new(Vec::new(), stop);
    }
    let (k, groups) = groups_of(query.top, sources, targets);
    let answers: Vec<Answers> = pool.install(|| {
        groups
            .par_iter()
            .map(|group| paths_of_group(graph, query, group, k, &sides, budget))
            .collect()
    });
    let answers: Vec<_> = answers.into_iter().flatten().collect();
    let stop = answers.iter().find_map(|answer| answer.1);
    let mut paths: Vec<AttackPath> = answers.into_iter().flat_map(|answer| answer.0).collect();
    // Stable: within one group the order of discovery stays.
    paths.sort_by_key(|path| (path.cost, path.steps.len()));
    Outcome::new(paths, stop)
}

/// Sources asked for together, group by group, that share one backward search from the targets.
struct Group {
    sources: Vec<Vec<StateId>>,
    targets: Vec<StateId>,
}

/// For each group of sources its paths, and why there are not more of them.
type Answers = Vec<(Vec<AttackPath>, Option<Stop>)>;

fn groups_of(top: Top, sources: Vec<StateId>, targets: Vec<StateId>) -> (usize, Vec<Group>) {
    let singletons = || {
        sources
            .iter()
            .map(|&source| vec![source])
            .collect::<Vec<_>>()
    };
    let each_target = |sources: &[Vec<StateId>]| {
        targets
            .iter()
            .map(|&target| Group {
                sources: sources.to_vec(),
                targets: vec![target],
            })
            .collect()
    };
    match top {
        Top::Overall(k) => (
            k,
            vec![Group {
                sources: vec![sources],
                targets,
            }],
        ),
        Top::PerSource(k) => (
            k,
            vec![Group {
                sources: singletons(),
                targets,
            }],
        ),
        Top::PerTarget(k) => (k, each_target(&[sources])),
        Top::PerPair(k) => (k, each_target(&singletons())),
    }
}

/// How far beyond the furthest source a backward search first goes: one nat, a factor of e in
/// likelihood. If that is not enough for all paths asked for, it is done again without a limit.
const BEYOND: u64 = 1 << 16;

fn paths_of_group<T: Topology>(
    graph: &T,
    query: &PathQuery,
    group: &Group,
    k: usize,
    sides: &SideCosts,
    budget: &Budget,
) -> Answers {
    let max_cost = u64::from(query.max_cost);
    let all_sources = group.sources.concat();
    let near = Horizon {
        max_cost,
        sources: all_sources,
        beyond: BEYOND,
    };
    let far = Horizon {
        max_cost,
        sources: Vec::new(),
        beyond: 0,
    };
    let mut answers: Answers = Vec::new();
    for mut horizon in [near, far] {
        let made = ranked::Toward::new(graph, &group.targets, sides, query, &mut horizon, budget);
        let toward = match made {
            Ok(toward) => toward,
            // What the near search found stands.
            Err(stop) => {
                answers.push((Vec::new(), Some(stop)));
                return answers;
            }
        };
        answers = group
            .sources
            .par_iter()
            .map(|sources| first_paths(graph, &toward, sources, k, budget))
            .collect();
        let has_all = answers
            .iter()
            .all(|answer: &(Vec<_>, _)| answer.0.len() >= k);
        if has_all || !toward.is_cut_short() {
            break;
        }
    }
    answers
}

/// Gives the most likely paths overall one after the other, best first, until `visit` says stop.
///
/// `query.top` does not matter here. The answer is the number of paths given.
pub fn stream_attack_paths<T: Topology>(
    graph: &T,
    query: &PathQuery,
    budget: &Budget,
    mut visit: impl FnMut(AttackPath) -> ControlFlow<()>,
) -> Outcome<usize> {
    let mut n_paths = 0;
    let stop = stream(graph, query, budget, |path| {
        n_paths += 1;
        visit(path)
    })
    .err();
    Outcome::new(n_paths, stop)
}

fn stream<T: Topology>(
    graph: &T,
    query: &PathQuery,
    budget: &Budget,
    mut visit: impl FnMut(AttackPath) -> ControlFlow<()>,
) -> Result<(), Stop> {
    let sources = usable(graph, &query.sources);
    let (sides, stop) = side_costs(graph, &sources, budget);
    if let Some(stop) = stop {
        return Err(stop);
    }
    let targets = usable(graph, &query.targets);
    let max_cost = u64::from(query.max_cost);
    let mut horizon = Horizon {
        max_cost,
        sources: Vec::new(),
        beyond: 0,
    };
    let toward = ranked::Toward::new(graph, &targets, &sides, query, &mut horizon, budget)?;
    let mut ranked = RankedPaths::over(graph, &toward, &sources, budget);
    while let Some(path) = ranked.next_path()? {
        if visit(path).is_break() {
            break;
        }
    }
    Ok(())
}

fn first_paths<T: Topology>(
    graph: &T,
    toward: &ranked::Toward<'_>,
    sources: &[StateId],
    k: usize,
    budget: &Budget,
) -> (Vec<AttackPath>, Option<Stop>) {
    let mut paths = Vec::new();
    let mut ranked = RankedPaths::over(graph, toward, sources, budget);
    while paths.len() < k {
        match ranked.next_path() {
            Ok(Some(path)) => paths.push(path),
            Ok(None) => break,
            Err(stop) => return (paths, Some(stop)),
        }
    }
    (paths, None)
}

/// The side costs of AND steps for an attacker who holds the sources.
fn side_costs<T: Topology>(
    graph: &T,
    sources: &[StateId],
    budget: &Budget,
) -> (SideCosts, Option<Stop>) {
    if graph.n_and_steps() == 0 {
        return (SideCosts::free(graph), None);
    }
    let (forward, stop) = cheapest_from(graph, sources, budget).into_parts();
    (SideCosts::new(graph, &forward), stop)
}

/// The steps that support the path's AND steps, each once, premises before what needs them.
///
/// `forward` is the search from all sources on the same view. Empty without AND steps.
pub fn side_steps<T: Topology>(graph: &T, forward: &Cheapest, path: &AttackPath) -> Vec<StepId> {
    let mut found = Vec::new();
    for &step in &path.steps {
        for &side in &graph.step(step).premises[1..] {
            for supporting in forward.derivation(graph, side).unwrap_or_default() {
                if !found.contains(&supporting) {
                    found.push(supporting);
                }
            }
        }
    }
    found
}

fn usable<T: Topology>(graph: &T, states: &[StateId]) -> Vec<StateId> {
    let mut usable: Vec<StateId> = states
        .iter()
        .copied()
        .filter(|state| graph.has_state(state.0))
        .collect();
    usable.sort_unstable();
    usable.dedup();
    usable
}

/// The cost inside a key, as paths report it.
fn path_cost(key: u64) -> Cost {
    debug_assert!(key != NO_KEY);
    key_cost(key).min(u64::from(UNREACHED - 1)) as Cost
}

#[cfg(test)]
mod tests;
