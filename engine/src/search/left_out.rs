//! Ways that ranked paths leave out.
//!
//! A path pays for the cheapest support of a step that needs several states. Where that support runs
//! through what the step gains, the step is no link of any path, see [`super::SideCosts`]: the attacker
//! would have what it gains before. A dearer support may do without it, and then the step is a way of
//! its own that no ranked path takes. Who lists paths can say so.

use super::cheapest::{Cheapest, SideCosts, cheapest_to};
use super::closure::closure_without;
use super::topology::{StateId, StepId};
use super::view::Topology;
use crate::budget::{Budget, Stop};

/// The AND steps on the way from the sources to the targets that are no link of a ranked path although
/// what they need can be had without what they gain.
///
/// `forward` is the search from the sources. Looks at the first `most` steps that may be such. O(AND
/// steps), and O(steps) for each that may.
pub fn left_out<T: Topology>(
    graph: &T,
    sources: &[StateId],
    targets: &[StateId],
    forward: &Cheapest,
    most: usize,
    budget: &Budget,
) -> Result<Vec<StepId>, Stop> {
    let sides = SideCosts::new(graph, forward);
    let mut may_be: Vec<StepId> = Vec::new();
    graph.each_and(|and| {
        let is_reached = |state: &u32| forward.is_reached(StateId(*state));
        if !sides.is_link(and.and)
            && !and.premises.contains(&and.gain)
            && and.premises.iter().all(is_reached)
        {
            may_be.push(StepId(and.step));
        }
    });
    if may_be.is_empty() {
        return Ok(may_be);
    }
    let whole = |outcome: crate::budget::Outcome<Cheapest>| match outcome.into_parts() {
        (_, Some(stop)) => Err(stop),
        (found, None) => Ok(found),
    };
    let onward = whole(cheapest_to(graph, targets, &SideCosts::free(graph), budget))?;
    let mut found = Vec::new();
    for step in may_be.into_iter().take(most) {
        let parts = graph.step(step);
        if !onward.is_reached(parts.gain) {
            continue;
        }
        let held = closure_without(graph, sources, parts.gain, budget)?;
        if parts
            .premises
            .iter()
            .all(|premise| held.contains(premise.0))
        {
            found.push(step);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use crate::bits::Bits;
    use crate::search::random::SplitMix64;
    use crate::search::testing::{all_steps, naive_closure, random_graph, random_states};
    use crate::search::{PathQuery, StepGraph, View, cheapest_from, stream_attack_paths};

    /// Every simple chain, each step of which has its premises from what the sources give without what
    /// the step gains.
    fn walk(
        links: &[(StepId, StateId, StateId)],
        targets: &[StateId],
        passed: &mut Vec<StateId>,
        steps: &mut Vec<StepId>,
        found: &mut Vec<Vec<StepId>>,
    ) {
        let at = passed[passed.len() - 1];
        if !steps.is_empty() && targets.contains(&at) {
            found.push(steps.clone());
        }
        for &(step, from, to) in links {
            if from == at && !passed.contains(&to) {
                passed.push(to);
                steps.push(step);
                walk(links, targets, passed, steps, found);
                steps.pop();
                passed.pop();
            }
        }
    }

    fn links(graph: &StepGraph, sources: &[StateId]) -> Vec<(StepId, StateId, StateId)> {
        let steps = all_steps(graph).into_iter();
        steps
            .filter(|(_, parts)| {
                let mut hidden = Bits::new(graph.n_states());
                if !sources.contains(&parts.gain) {
                    hidden.insert(parts.gain.0);
                }
                let view = View::new(graph).without_states(&hidden);
                let held = naive_closure(&view, sources);
                parts.premises[1..]
                    .iter()
                    .all(|side| *side != parts.gain && held[side.idx()])
            })
            .map(|(step, parts)| (step, parts.premises[0], parts.gain))
            .collect()
    }

    #[test]
    fn where_a_way_is_missing_some_step_of_one_is_named() {
        let (mut n_missing, mut n_named) = (0, 0);
        for seed in 0..20_000 {
            let graph = random_graph(seed);
            if graph.n_and_steps() == 0 {
                continue;
            }
            let mut random = SplitMix64::new(!seed);
            let sources = random_states(&mut random, graph.n_states());
            let targets = random_states(&mut random, graph.n_states());
            let budget = Budget::unlimited();
            let forward = cheapest_from(&graph, &sources, &budget).into_parts().0;
            let named =
                left_out(&graph, &sources, &targets, &forward, usize::MAX, &budget).unwrap();
            let links = links(&graph, &sources);
            for step in &named {
                assert!(
                    links.iter().any(|link| link.0 == *step),
                    "seed {seed} {step:?}"
                );
            }
            if links.len() > 14 {
                continue;
            }
            let mut all = Vec::new();
            let mut starts = sources.clone();
            starts.sort_unstable();
            starts.dedup();
            for source in starts {
                walk(
                    &links,
                    &targets,
                    &mut vec![source],
                    &mut Vec::new(),
                    &mut all,
                );
            }
            let mut listed = Vec::new();
            let query = PathQuery::best(sources, targets, 0);
            let _ = stream_attack_paths(&graph, &query, &budget, |path| {
                listed.push(path.steps);
                ControlFlow::Continue(())
            });
            for path in &listed {
                assert!(all.contains(path), "seed {seed}: {path:?}");
            }
            let is_missing = |path: &Vec<StepId>| !listed.contains(path);
            for path in all.into_iter().filter(is_missing) {
                n_missing += 1;
                assert!(
                    path.iter().any(|step| named.contains(step)),
                    "seed {seed}: {path:?}, {named:?}"
                );
            }
            n_named += named.len();
        }
        assert!(n_missing > 5 && n_named > 5, "{n_missing} {n_named}");
    }
}
