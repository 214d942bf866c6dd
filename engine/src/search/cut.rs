//! The cheapest set of states or steps whose removal separates sources from targets.
//!
//! Maximum flow by Dinic's method: [`disjoint`] counts chains that share no state, which is all that
//! a cut of states at equal cost needs; [`flow`] takes weights and steps. The cut is the one nearest
//! to the sources, which is the same whatever flow was found; that its cost equals the flow is
//! asserted.
//!
//! Exact without AND steps. With them the flow runs along main premises: the cut separates (every
//! derivation has a main chain), but cutting a side premise might have been cheaper, or possible where
//! this is not. [`smallest_cut`] looks for that and says how sure it is.

mod disjoint;
mod flow;
mod proven;

use disjoint::DisjointChains;
use flow::Network;
pub use proven::{Cutting, Effort, ProvenCut, smallest_cut};

use super::closure::closure;
use super::topology::{StateId, StepId};
use super::view::Topology;
use crate::bits::Bits;
use crate::budget::{Budget, Stop};

/// What cutting costs: a whole number, or [`Capacity::UNCUTTABLE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Capacity(pub u64);

impl Capacity {
    /// Stands for what cannot be cut.
    pub const UNCUTTABLE: Self = Self(u64::MAX >> 8);
}

/// What may be cut, and at what cost.
#[derive(Clone, Copy)]
pub enum Cuttable<'a> {
    /// States other than sources and targets, each at cost 1.
    States,
    /// Steps, each at cost 1.
    Steps,
    /// As these functions say, for states and for steps.
    Weighted {
        /// The cost of a state; sources and targets are asked for too.
        state: &'a dyn Fn(StateId) -> Capacity,
        /// The cost of a step.
        step: &'a dyn Fn(StepId) -> Capacity,
    },
}

impl std::fmt::Debug for Cuttable<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::States => "States",
            Self::Steps => "Steps",
            Self::Weighted { .. } => "Weighted",
        })
    }
}

/// A cheapest cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The states to take away, ascending.
    pub states: Vec<StateId>,
    /// The steps to take away, ascending.
    pub steps: Vec<StepId>,
    /// What they cost together, equal to the maximum flow.
    pub cost: u64,
}

/// The cheapest cut between sources and targets, [`None`] if they cannot be separated with what
/// is cuttable. There is no partial answer.
///
/// O(states * sqrt(states + steps)) phases at most, in practice a handful, each O(states + steps)
/// in the part that lies between the sources and the targets.
pub fn minimum_cut<T: Topology>(
    graph: &T,
    sources: &[StateId],
    targets: &[StateId],
    cuttable: Cuttable<'_>,
    budget: &Budget,
) -> Result<Option<Cut>, Stop> {
    let between = Between::new(graph, sources, targets, budget)?;
    if matches!(cuttable, Cuttable::States) {
        let Some(mut chains) = DisjointChains::new(graph, sources, targets, &between, budget)?
        else {
            return Ok(None);
        };
        chains.find_all(budget)?;
        let states = chains.nearest_cut();
        debug_assert_eq!(
            states.len(),
            chains.n_chains(),
            "one state cut for each chain"
        );
        return Ok(Some(Cut {
            cost: states.len() as u64,
            states,
            steps: Vec::new(),
        }));
    }
    let mut network = Network::new(graph, sources, targets, cuttable, &between, budget)?;
    let Some(flow) = network.maximum_flow(budget)? else {
        return Ok(None);
    };
    let cut = network.nearest_cut();
    debug_assert_eq!(cut.cost, flow, "the cut must cost what flows");
    Ok(Some(cut))
}

/// The part of the graph that a cut has to look at.
struct Between {
    /// What can be derived from the sources.
    held: Bits,
    /// What of it leads to a target.
    leading: Bits,
}

impl Between {
    fn new<T: Topology>(
        graph: &T,
        sources: &[StateId],
        targets: &[StateId],
        budget: &Budget,
    ) -> Result<Self, Stop> {
        let (held, stop) = closure(graph, sources, budget).into_parts();
        if let Some(stop) = stop {
            return Err(stop);
        }
        let leading = leading_to(graph, targets, &held, budget)?;
        Ok(Self { held, leading })
    }

    /// Whether all premises of an AND step can be derived.
    fn works(&self, premises: &[u32]) -> bool {
        premises.iter().all(|&premise| self.held.contains(premise))
    }
}

/// The held states from which main chains over held states lead to a target.
fn leading_to<T: Topology>(
    graph: &T,
    targets: &[StateId],
    held: &Bits,
    budget: &Budget,
) -> Result<Bits, Stop> {
    let mut leading = Bits::new(graph.n_states());
    let mut pending = Vec::new();
    for target in targets {
        if held.contains(target.0) && leading.insert(target.0) {
            pending.push(target.0);
        }
    }
    let mut n_expanded = 0u64;
    while let Some(state) = pending.pop() {
        let mut comes_from = |premise: u32| {
            n_expanded += 1;
            if held.contains(premise) && leading.insert(premise) {
                pending.push(premise);
            }
        };
        graph.each_in(state, |_, premise, _| comes_from(premise));
        graph.each_and_in(state, |and| {
            if and.premises.iter().all(|&premise| held.contains(premise)) {
                comes_from(and.premises[0]);
            }
        });
    }
    budget.expand(n_expanded)?;
    Ok(leading)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::random::SplitMix64;
    use crate::search::testing::{naive_closure, random_graph, random_states};
    use crate::search::{StepGraph, StepGraphBuilder, View};

    pub(super) fn separates(
        graph: &StepGraph,
        cut: &Cut,
        sources: &[StateId],
        targets: &[StateId],
    ) -> bool {
        let states = Bits::of(graph.n_states(), cut.states.iter().map(|state| state.0));
        let steps = Bits::of(graph.n_steps(), cut.steps.iter().map(|step| step.0));
        let view = View::new(graph)
            .without_states(&states)
            .without_steps(&steps);
        let left = naive_closure(&view, sources);
        !targets.iter().any(|target| left[target.idx()])
    }

    /// The cheapest separating subset by trying all of them.
    pub(super) fn cheapest_by_trying(
        graph: &StepGraph,
        sources: &[StateId],
        targets: &[StateId],
        candidates: &[(Option<StateId>, Option<StepId>, u64)],
    ) -> Option<u64> {
        (0u32..1 << candidates.len())
            .filter_map(|subset| {
                let chosen = || {
                    candidates
                        .iter()
                        .enumerate()
                        .filter(|(idx, _)| subset >> idx & 1 == 1)
                };
                let cut = Cut {
                    states: chosen().filter_map(|(_, candidate)| candidate.0).collect(),
                    steps: chosen().filter_map(|(_, candidate)| candidate.1).collect(),
                    cost: chosen().map(|(_, candidate)| candidate.2).sum(),
                };
                separates(graph, &cut, sources, targets).then_some(cut.cost)
            })
            .min()
    }

    #[test]
    fn no_cheaper_set_of_states_separates() {
        let mut n_cuts = 0;
        for seed in 0..1000 {
            let graph = random_graph(seed);
            let mut random = SplitMix64::new(!seed);
            let sources = random_states(&mut random, graph.n_states());
            let targets = random_states(&mut random, graph.n_states());
            let found = minimum_cut(
                &graph,
                &sources,
                &targets,
                Cuttable::States,
                &Budget::unlimited(),
            )
            .unwrap();
            let candidates: Vec<_> = graph
                .states()
                .filter(|state| !sources.contains(state) && !targets.contains(state))
                .map(|state| (Some(state), None, 1))
                .collect();
            let expected = cheapest_by_trying(&graph, &sources, &targets, &candidates);
            if graph.n_and_steps() == 0 {
                assert_eq!(found.as_ref().map(|cut| cut.cost), expected, "seed {seed}");
            }
            if let Some(cut) = found {
                assert!(separates(&graph, &cut, &sources, &targets), "seed {seed}");
                assert!(cut.steps.is_empty() && cut.cost as usize == cut.states.len());
                n_cuts += usize::from(cut.cost > 0);
            }
        }
        assert!(n_cuts > 50);
    }

    #[test]
    fn no_cheaper_set_of_weighted_states_and_steps_separates() {
        let mut n_cuts = 0;
        for seed in 0..1000 {
            let graph = random_graph(seed);
            if graph.n_states() + graph.n_steps() > 14 || graph.n_and_steps() > 0 {
                continue;
            }
            let mut random = SplitMix64::new(!seed);
            let sources = random_states(&mut random, graph.n_states());
            let targets = random_states(&mut random, graph.n_states());
            let mut capacities = |n: usize| -> Vec<Capacity> {
                let capacity = |random: &mut SplitMix64| match random.below(4) {
                    0 => Capacity::UNCUTTABLE,
                    _ => Capacity(1 + random.below(9)),
                };
                (0..n).map(|_| capacity(&mut random)).collect()
            };
            let (states, steps) = (capacities(graph.n_states()), capacities(graph.n_steps()));
            let cuttable = Cuttable::Weighted {
                state: &|state| states[state.idx()],
                step: &|step| steps[step.idx()],
            };
            let found =
                minimum_cut(&graph, &sources, &targets, cuttable, &Budget::unlimited()).unwrap();
            let cuttable_states = graph
                .states()
                .map(|state| (Some(state), None, states[state.idx()].0));
            let cuttable_steps = graph
                .steps()
                .map(|step| (None, Some(step), steps[step.idx()].0));
            let candidates: Vec<_> = cuttable_states
                .chain(cuttable_steps)
                .filter(|candidate| candidate.2 < Capacity::UNCUTTABLE.0)
                .collect();
            let expected = cheapest_by_trying(&graph, &sources, &targets, &candidates);
            assert_eq!(found.as_ref().map(|cut| cut.cost), expected, "seed {seed}");
            if let Some(cut) = found {
                assert!(separates(&graph, &cut, &sources, &targets), "seed {seed}");
                n_cuts += usize::from(cut.cost > 0);
            }
        }
        assert!(n_cuts > 10, "{n_cuts}");
    }

    #[test]
    fn steps_alone_separate_at_the_cost_of_disjoint_paths() {
        for seed in 0..1000 {
            let graph = random_graph(seed);
            if graph.n_steps() > 12 || graph.n_and_steps() > 0 {
                continue;
            }
            let mut random = SplitMix64::new(!seed);
            let sources = random_states(&mut random, graph.n_states());
            let targets = random_states(&mut random, graph.n_states());
            let found = minimum_cut(
                &graph,
                &sources,
                &targets,
                Cuttable::Steps,
                &Budget::unlimited(),
            )
            .unwrap();
            let candidates: Vec<_> = graph.steps().map(|step| (None, Some(step), 1)).collect();
            let expected = cheapest_by_trying(&graph, &sources, &targets, &candidates);
            assert_eq!(found.map(|cut| cut.cost), expected, "seed {seed}");
        }
    }

    #[test]
    fn disjoint_chains_and_weighted_flow_find_the_same_cut() {
        let mut n_large = 0;
        for seed in 0..600 {
            let mut random = SplitMix64::new(seed);
            let n = 20 + random.below(180);
            let and_every = if seed % 3 == 0 { 7 } else { u64::MAX };
            let mut builder = StepGraphBuilder::new(n as u32);
            let state = |random: &mut SplitMix64| StateId(random.below(n) as u32);
            for idx in 0..n * (2 + random.below(3)) {
                let premises = [state(&mut random), state(&mut random)];
                let n_premises = 1 + usize::from(idx % and_every == 1);
                builder
                    .step(&premises[..n_premises], state(&mut random), 1)
                    .unwrap();
            }
            let graph = builder.finish().0;
            let mut ends = || -> Vec<StateId> { (0..4).map(|_| state(&mut random)).collect() };
            let (sources, targets) = (ends(), ends());
            let budget = Budget::unlimited();
            let is_end = |state: &StateId| sources.contains(state) || targets.contains(state);
            let weights = Cuttable::Weighted {
                state: &|state| {
                    if is_end(&state) {
                        Capacity::UNCUTTABLE
                    } else {
                        Capacity(1)
                    }
                },
                step: &|_| Capacity::UNCUTTABLE,
            };
            let by_flow = minimum_cut(&graph, &sources, &targets, weights, &budget).unwrap();
            let by_chains =
                minimum_cut(&graph, &sources, &targets, Cuttable::States, &budget).unwrap();
            assert_eq!(by_chains, by_flow, "seed {seed}");
            n_large += usize::from(by_chains.is_some_and(|cut| cut.cost > 3));
        }
        assert!(n_large > 50, "{n_large}");
    }
}
