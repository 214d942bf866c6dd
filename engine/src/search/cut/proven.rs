//! The smallest cut where steps with several premises lie between, and how sure that is.
//!
//! What has to be cut of each derivation is one of its states or steps: a hitting set over
//! derivations, found as they are needed, as in [`super::super::fix_plan`]. The flow along main
//! premises gives a cut to start from.

use super::{Cut, Cuttable, minimum_cut};
use crate::bits::Bits;
use crate::budget::{Budget, Stop};
use crate::search::cheapest::{Cheapest, cheapest_from};
use crate::search::closure::closure;
use crate::search::fix_plan::HittingSet;
use crate::search::topology::{StateId, StepGraph, StepId};
use crate::search::view::{Topology, View};

/// A cut, and what is known of every other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvenCut {
    /// The cut. Nothing of it can be left out, unless the effort ran out.
    pub cut: Cut,
    /// No cut has fewer parts; as many as the cut has itself where it is known to be the smallest.
    pub at_least: u64,
}

/// What is to be cut, each at cost 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cutting {
    /// States other than sources and targets.
    States,
    /// Steps.
    Steps,
}

/// How long to look for a proof.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Branches of the exact solver, in all.
    pub branches: u64,
    /// Searches of the graph, in all.
    pub searches: u32,
}

impl Effort {
    fn spend(&mut self) -> bool {
        let has_one = self.searches > 0;
        self.searches -= u32::from(has_one);
        has_one
    }
}

/// What looking for derivations beside the chosen items came to.
enum Met {
    /// A derivation has nothing that can be cut.
    Uncuttable,
    /// The searches ran out.
    OutOfEffort,
    /// These items separate.
    Separated(Vec<u32>),
}

/// So many derivations are solved for at most.
const MAX_SETS: usize = 2000;

/// So many targets at most add a derivation in one round.
const AT_ONCE: usize = 32;

/// The fewest states or steps without which no target can be derived from the sources; [`None`]
/// if there are none such. Where no AND step lies between this is [`minimum_cut`].
pub fn smallest_cut(
    graph: &StepGraph,
    sources: &[StateId],
    targets: &[StateId],
    cutting: Cutting,
    effort: Effort,
    budget: &Budget,
) -> Result<Option<ProvenCut>, Stop> {
    let cuttable = match cutting {
        Cutting::States => Cuttable::States,
        Cutting::Steps => Cuttable::Steps,
    };
    let by_flow = minimum_cut(graph, sources, targets, cuttable, budget)?;
    if !has_and_between(graph, sources, targets, budget)? {
        return Ok(by_flow.map(|cut| ProvenCut {
            at_least: cut.cost,
            cut,
        }));
    }
    let search = Search {
        graph,
        sources,
        targets,
        cutting,
        budget,
    };
    let by_flow = by_flow.map(|cut| match cutting {
        Cutting::States => cut.states.iter().map(|state| state.0).collect(),
        Cutting::Steps => cut.steps.iter().map(|step| step.0).collect(),
    });
    search.run(by_flow, effort)
}

/// Whether a step with several premises that can be taken leads on to a target.
fn has_and_between(
    graph: &StepGraph,
    sources: &[StateId],
    targets: &[StateId],
    budget: &Budget,
) -> Result<bool, Stop> {
    if graph.n_and_steps() == 0 {
        return Ok(false);
    }
    let between = super::Between::new(graph, sources, targets, budget)?;
    let mut found = false;
    graph.each_and(|and| {
        found |= between.leading.contains(and.gain) && between.works(and.premises);
    });
    Ok(found)
}

struct Search<'a> {
    graph: &'a StepGraph,
    sources: &'a [StateId],
    targets: &'a [StateId],
    cutting: Cutting,
    budget: &'a Budget,
}

impl Search<'_> {
    fn run(&self, by_flow: Option<Vec<u32>>, mut left: Effort) -> Result<Option<ProvenCut>, Stop> {
        let n_items = match self.cutting {
            Cutting::States => self.graph.n_states(),
            Cutting::Steps => self.graph.n_steps(),
        };
        let costs = vec![1; n_items];
        let mut problem = HittingSet::new(&costs);
        let mut best = match by_flow {
            Some(cut) => Some(self.without_spare(cut, &mut left)?),
            None => None,
        };
        let mut chosen: Vec<u32> = Vec::new();
        let mut at_least = 0;
        loop {
            let is_needed = best.is_none();
            let met = self.separate(&chosen, &mut problem, is_needed, &mut left)?;
            let mut is_smallest = false;
            match met {
                Met::Uncuttable => return Ok(None),
                Met::OutOfEffort => {}
                Met::Separated(set) => {
                    // What hits all that is known and separates is as small as any that hits it.
                    is_smallest = set.len() == chosen.len();
                    let set = self.without_spare(set, &mut left)?;
                    if best.as_ref().is_none_or(|best| set.len() < best.len()) {
                        best = Some(set);
                    }
                }
            }
            if !is_smallest {
                let solution = problem.solve(left.branches);
                left.branches -= solution.n_branches;
                at_least = at_least.max(solution.lower_bound);
                if !solution.is_exact {
                    left.searches = 0;
                }
                chosen = solution.chosen;
            }
            let Some(found) = &best else { continue };
            let cost = found.len() as u64;
            if is_smallest || at_least >= cost || left.searches == 0 {
                return Ok(Some(ProvenCut {
                    cut: self.cut(found),
                    at_least: at_least.min(cost),
                }));
            }
        }
    }

    /// The chosen items and more of them until nothing gets through; every derivation met on the
    /// way is added to the problem.
    fn separate(
        &self,
        chosen: &[u32],
        problem: &mut HittingSet<'_>,
        is_needed: bool,
        left: &mut Effort,
    ) -> Result<Met, Stop> {
        let mut chosen = chosen.to_vec();
        loop {
            if !left.spend() && !is_needed {
                return Ok(Met::OutOfEffort);
            }
            let sets = self.derivations(&chosen)?;
            if sets.is_empty() {
                return Ok(Met::Separated(chosen));
            }
            if sets.iter().any(Vec::is_empty) {
                return Ok(Met::Uncuttable);
            }
            for set in &sets {
                if set.iter().any(|item| chosen.contains(item)) {
                    continue;
                }
                let n_hit = |item: &u32| sets.iter().filter(|set| set.contains(item)).count();
                let most = set
                    .iter()
                    .copied()
                    .max_by_key(|item| (n_hit(item), std::cmp::Reverse(*item)));
                chosen.extend(most);
            }
            for set in sets {
                if problem.n_sets() < MAX_SETS {
                    problem.add(set);
                } else {
                    // What is known bounds every cut; comparing more with each other takes too long.
                    left.searches = 0;
                }
            }
        }
    }

    /// What can be cut of a derivation of each target that is left, each sorted.
    fn derivations(&self, chosen: &[u32]) -> Result<Vec<Vec<u32>>, Stop> {
        self.viewed(chosen, |view| {
            let (left, stop) = cheapest_from(view, self.sources, self.budget).into_parts();
            if let Some(stop) = stop {
                return Err(stop);
            }
            let reached = self
                .targets
                .iter()
                .filter(|target| left.is_reached(**target));
            let sets = reached
                .take(AT_ONCE)
                .map(|&target| self.items(view, &left, target));
            Ok(sets.collect())
        })
    }

    fn items(&self, view: &View<'_>, left: &Cheapest, target: StateId) -> Vec<u32> {
        let steps = left.derivation(view, target).unwrap_or_default();
        let mut items: Vec<u32> = match self.cutting {
            Cutting::Steps => steps.into_iter().map(|step| step.0).collect(),
            Cutting::States => {
                let gains = steps.into_iter().map(|step| self.graph.gain(step));
                let is_end =
                    |state: &StateId| self.sources.contains(state) || self.targets.contains(state);
                let between = gains.filter(|state| !is_end(state));
                between.map(|state| state.0).collect()
            }
        };
        items.sort_unstable();
        items.dedup();
        items
    }

    /// A separating set without what it does not need.
    fn without_spare(&self, mut cut: Vec<u32>, left: &mut Effort) -> Result<Vec<u32>, Stop> {
        for place in (0..cut.len()).rev() {
            if !left.spend() {
                break;
            }
            let item = cut.remove(place);
            let separates = self.viewed(&cut, |view| {
                let (held, stop) = closure(view, self.sources, self.budget).into_parts();
                match stop {
                    Some(stop) => Err(stop),
                    None => Ok(!self.targets.iter().any(|target| held.contains(target.0))),
                }
            })?;
            if !separates {
                cut.insert(place, item);
            }
        }
        cut.sort_unstable();
        Ok(cut)
    }

    fn viewed<T>(&self, hidden: &[u32], ask: impl FnOnce(&View<'_>) -> T) -> T {
        let view = View::new(self.graph);
        match self.cutting {
            Cutting::States => {
                let hidden = Bits::of(self.graph.n_states(), hidden.iter().copied());
                ask(&view.without_states(&hidden))
            }
            Cutting::Steps => {
                let hidden = Bits::of(self.graph.n_steps(), hidden.iter().copied());
                ask(&view.without_steps(&hidden))
            }
        }
    }

    fn cut(&self, items: &[u32]) -> Cut {
        let cost = items.len() as u64;
        let (mut states, mut steps) = (Vec::new(), Vec::new());
        match self.cutting {
            Cutting::States => states = items.iter().copied().map(StateId).collect(),
            Cutting::Steps => steps = items.iter().copied().map(StepId).collect(),
        }
        Cut {
            states,
            steps,
            cost,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{cheapest_by_trying, separates};
    use super::*;
    use crate::search::random::SplitMix64;
    use crate::search::testing::{random_graph, random_states};

    const ENOUGH: Effort = Effort {
        branches: 1 << 20,
        searches: 1 << 20,
    };

    /// Compares with trying every set; how often an AND step made the flow's cut too large, or hid
    /// that there is one.
    fn check(cutting: Cutting, effort: Effort) -> (usize, usize) {
        let (mut n_better, mut n_open) = (0, 0);
        for seed in 0..2000 {
            let graph = random_graph(seed);
            if cutting == Cutting::Steps && graph.n_steps() > 12 {
                continue;
            }
            let mut random = SplitMix64::new(!seed);
            let sources = random_states(&mut random, graph.n_states());
            let targets = random_states(&mut random, graph.n_states());
            let budget = Budget::unlimited();
            let found = smallest_cut(&graph, &sources, &targets, cutting, effort, &budget).unwrap();
            let candidates: Vec<_> = match cutting {
                Cutting::States => graph
                    .states()
                    .filter(|state| !sources.contains(state) && !targets.contains(state))
                    .map(|state| (Some(state), None, 1))
                    .collect(),
                Cutting::Steps => graph.steps().map(|step| (None, Some(step), 1)).collect(),
            };
            let expected = cheapest_by_trying(&graph, &sources, &targets, &candidates);
            assert_eq!(found.is_some(), expected.is_some(), "seed {seed}");
            let (Some(found), Some(expected)) = (found, expected) else {
                continue;
            };
            let cut = &found.cut;
            assert!(separates(&graph, cut, &sources, &targets), "seed {seed}");
            assert!(
                found.at_least <= expected && expected <= cut.cost,
                "seed {seed}"
            );
            assert_eq!(cut.cost as usize, cut.states.len() + cut.steps.len());
            for place in 0..cut.cost as usize * usize::from(effort.searches > 6) {
                let mut less = cut.clone();
                match cutting {
                    Cutting::States => drop(less.states.remove(place)),
                    Cutting::Steps => drop(less.steps.remove(place)),
                }
                assert!(!separates(&graph, &less, &sources, &targets), "seed {seed}");
            }
            if effort.searches == ENOUGH.searches {
                assert_eq!(
                    (found.at_least, cut.cost),
                    (expected, expected),
                    "seed {seed}"
                );
            }
            n_open += usize::from(found.at_least < cut.cost);
            let cuttable = match cutting {
                Cutting::States => Cuttable::States,
                Cutting::Steps => Cuttable::Steps,
            };
            let by_flow = minimum_cut(&graph, &sources, &targets, cuttable, &budget).unwrap();
            n_better += usize::from(by_flow.is_none_or(|flow| flow.cost > cut.cost));
        }
        (n_better, n_open)
    }

    #[test]
    fn no_smaller_set_of_states_separates_even_with_and_steps() {
        let (n_better, n_open) = check(Cutting::States, ENOUGH);
        assert!(n_better > 10 && n_open == 0, "{n_better} {n_open}");
    }

    #[test]
    fn no_smaller_set_of_steps_separates_even_with_and_steps() {
        let (n_better, n_open) = check(Cutting::Steps, ENOUGH);
        assert!(n_better > 5 && n_open == 0, "{n_better} {n_open}");
    }

    #[test]
    fn without_effort_the_bound_still_holds() {
        let mut n_open = [0; 3];
        for (searches, n_open) in [0, 3, 6].into_iter().zip(&mut n_open) {
            let little = Effort {
                branches: 0,
                searches,
            };
            for cutting in [Cutting::States, Cutting::Steps] {
                *n_open += check(cutting, little).1;
            }
        }
        assert!(n_open[0] > 20 && n_open[2] < n_open[0], "{n_open:?}");
    }
}
