//! The cheapest set of fixes that breaks every path worth breaking.
//!
//! One fix removes many steps, and one path is broken by any fix that removes one of its steps: a
//! weighted hitting set whose sets are paths, of which there are too many to list. So sets are
//! found as they are needed (implicit hitting set, Moreno-Centeno and Karp, *Operations Research*
//! 61, 2013): solve for the paths known so far, take those fixes away, search for a path that is
//! left, add it, repeat. What is solved for few sets is a lower bound of the whole, so when no path
//! is left the plan is as cheap as can be. A path here is a whole derivation: side derivations of
//! AND steps break with it.

mod hitting_set;
mod order;
mod within;

use std::ops::Range;

use super::cheapest::{Cheapest, Horizon, SideCosts, cheapest_from_within, cheapest_to_within};
use super::topology::{StateId, StepGraph, StepId, offsets_of, shift_back};
use super::view::View;
use crate::bits::Bits;
use crate::budget::{Budget, Outcome, Stop};
use crate::score::cost::Cost;
pub(super) use hitting_set::HittingSet;
use hitting_set::Solution;
use order::ordered;
pub use within::fix_plan_within;

/// The fixes there are. A fix is known by its number.
#[derive(Clone, Debug, Default)]
pub struct Fixes {
    costs: Vec<u32>,
    /// The steps that each fix removes, one fix after the other.
    step_offsets: Vec<u32>,
    steps: Vec<u32>,
    /// The fixes that remove each step, one step after the other.
    fix_offsets: Vec<u32>,
    removing: Vec<u32>,
}

impl Fixes {
    /// Fixes over a graph of so many steps: each one's cost (at least 1 is counted) and the steps
    /// it removes; steps that do not exist are left out. O(fixes + steps).
    pub fn new(n_steps: usize, fixes: impl IntoIterator<Item = (u32, Vec<u32>)>) -> Self {
        let mut made = Self {
            step_offsets: vec![0],
            ..Self::default()
        };
        for (cost, steps) in fixes {
            made.costs.push(cost.max(1));
            let known = steps.iter().filter(|&&step| (step as usize) < n_steps);
            made.steps.extend(known);
            made.step_offsets.push(made.steps.len() as u32);
        }
        made.fix_offsets = offsets_of(n_steps, made.steps.iter().copied());
        made.removing = vec![0; made.steps.len()];
        for fix in 0..made.costs.len() as u32 {
            for idx in made.row_of(fix) {
                let place = &mut made.fix_offsets[made.steps[idx] as usize];
                made.removing[*place as usize] = fix;
                *place += 1;
            }
        }
        shift_back(&mut made.fix_offsets);
        made
    }

    /// What the fix costs.
    pub fn cost(&self, fix: u32) -> u32 {
        self.costs[fix as usize]
    }

    fn row_of(&self, fix: u32) -> Range<usize> {
        let fix = fix as usize;
        self.step_offsets[fix] as usize..self.step_offsets[fix + 1] as usize
    }

    /// The steps that the fix removes.
    fn steps_of(&self, fix: u32) -> &[u32] {
        &self.steps[self.row_of(fix)]
    }

    /// The fixes that remove the step, ascending.
    fn removing(&self, step: StepId) -> &[u32] {
        match self.fix_offsets.get(step.idx()..step.idx() + 2) {
            Some(ends) => &self.removing[ends[0] as usize..ends[1] as usize],
            None => &[],
        }
    }

    fn removed_by(&self, plan: &[u32], n_steps: usize) -> Bits {
        let steps = plan.iter().flat_map(|&fix| self.steps_of(fix));
        Bits::of(n_steps, steps.copied())
    }
}

/// What a plan is to achieve.
#[derive(Clone, Debug)]
pub struct PlanGoal {
    /// Where the attacker stands.
    pub starts: Vec<StateId>,
    /// What is to be protected, and what it is worth.
    pub targets: Vec<(StateId, u32)>,
    /// Paths that cost more than this may stay: [`crate::score::cost::cost_limit`] of the
    /// likelihood that is acceptable, or `UNREACHED - 1` to break all.
    pub max_cost: Cost,
    /// How many branches the exact solver may try in all before it turns greedy (under a budget:
    /// how many searches).
    pub exact_limit: u64,
}

/// How good a plan is known to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanQuality {
    /// No cheaper plan achieves the goal (or, under a budget, none leaves less risk).
    Exact,
    /// Greedy; every plan that achieves the goal costs at least this (under a budget: every plan
    /// leaves at least this risk, in 2^-16 of the value).
    AtLeast(u64),
}

/// A set of fixes, and what it achieves.
#[derive(Clone, Debug, PartialEq)]
pub struct FixPlan {
    /// The fixes, in the order in which they lower the risk most for their cost.
    pub fixes: Vec<PlannedFix>,
    /// What they cost together.
    pub cost: u64,
    /// How good the plan is.
    pub quality: PlanQuality,
    /// Targets with a path that no fix breaks. The plan breaks the likelier ones, so that they are
    /// as unlikely as all fixes together would make them.
    pub unfixable: Vec<StateId>,
    /// The sum of value times likelihood over the targets before.
    pub risk_before: f64,
    /// The same after all fixes of the plan.
    pub risk_after: f64,
}

/// One fix of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedFix {
    /// Its number.
    pub fix: u32,
    /// How many steps it removes.
    pub n_steps: usize,
    /// The risk once it and those before it are applied.
    pub risk_after: f64,
}

/// The cheapest plan that leaves no path to a target within the goal's limit of cost, but for
/// targets where that cannot be: see [`FixPlan::unfixable`].
///
/// One search for each round, which adds the derivation of every target that is not safe yet. If
/// stopped, the plan breaks the paths found so far and perhaps not all.
pub fn fix_plan(
    graph: &StepGraph,
    fixes: &Fixes,
    goal: &PlanGoal,
    budget: &Budget,
) -> Outcome<FixPlan> {
    let mut problem = HittingSet::new(&fixes.costs);
    let mut solution = Solution {
        chosen: Vec::new(),
        lower_bound: 0,
        is_exact: true,
        n_branches: 0,
    };
    let mut exact_left = goal.exact_limit;
    let known = states_beside(graph, goal, budget)
        .and_then(|beside| Ok((beside, limits(graph, fixes, goal, budget)?)));
    let (beside, limits) = match known {
        Ok(known) => known,
        Err(stop) => {
            let quality = PlanQuality::AtLeast(0);
            let plan = ordered(graph, fixes, goal, Vec::new(), quality, Vec::new(), budget).0;
            return Outcome::Partial(plan, stop);
        }
    };
    let cut_short = |&(limit, _): &(&Option<Cost>, _)| *limit != Some(goal.max_cost);
    let targets = goal.targets.iter().map(|target| target.0);
    let mut unfixable: Vec<StateId> = limits
        .iter()
        .zip(targets)
        .filter(cut_short)
        .map(|(_, target)| target)
        .collect();
    unfixable.sort_unstable();
    let paths = Paths {
        graph,
        fixes,
        goal,
        beside,
        limits,
    };
    let stop = loop {
        let found = paths.break_all(&solution.chosen, &mut problem, budget);
        match found {
            Err(stop) => break Some(stop),
            Ok(false) => break None,
            Ok(true) => {
                solution = problem.solve(exact_left);
                exact_left -= solution.n_branches;
            }
        }
    };
    let quality = if solution.is_exact {
        PlanQuality::Exact
    } else {
        PlanQuality::AtLeast(solution.lower_bound)
    };
    let (plan, stop_after) = ordered(
        graph,
        fixes,
        goal,
        solution.chosen,
        quality,
        unfixable,
        budget,
    );
    Outcome::new(plan, stop.or(stop_after))
}

/// The states that no path within the limit of cost passes; none where AND steps make that hard to
/// tell.
fn states_beside(graph: &StepGraph, goal: &PlanGoal, budget: &Budget) -> Result<Bits, Stop> {
    let mut beside = Bits::new(graph.n_states());
    if graph.n_and_steps() > 0 {
        return Ok(beside);
    }
    let targets: Vec<StateId> = goal.targets.iter().map(|target| target.0).collect();
    let mut horizon = Horizon {
        max_cost: u64::from(goal.max_cost),
        sources: Vec::new(),
        beyond: 0,
    };
    let (to, stop) = cheapest_from_within(graph, &goal.starts, goal.max_cost, budget).into_parts();
    let sides = SideCosts::free(graph);
    let (on, stop_back) =
        cheapest_to_within(graph, &targets, &sides, &mut horizon, budget).into_parts();
    if let Some(stop) = stop.or(stop_back) {
        return Err(stop);
    }
    for state in graph.states() {
        let is_passed = to.is_reached(state) && on.is_reached(state);
        let cost = u64::from(to.cost(state)) + u64::from(on.cost(state));
        if !is_passed || cost > u64::from(goal.max_cost) {
            beside.insert(state.0);
        }
    }
    Ok(beside)
}

/// For each target the cost up to which paths are broken: the goal's, or less than what is left
/// when every fix is applied; [`None`] where that is nothing.
fn limits(
    graph: &StepGraph,
    fixes: &Fixes,
    goal: &PlanGoal,
    budget: &Budget,
) -> Result<Vec<Option<Cost>>, Stop> {
    let all: Vec<u32> = (0..fixes.costs.len() as u32).collect();
    let removed = fixes.removed_by(&all, graph.n_steps());
    let view = View::new(graph).without_steps(&removed);
    let (left, stop) =
        cheapest_from_within(&view, &goal.starts, goal.max_cost, budget).into_parts();
    if let Some(stop) = stop {
        return Err(stop);
    }
    let targets = goal.targets.iter().map(|target| target.0);
    let limit = |target| {
        if left.is_reached(target) && left.cost(target) <= goal.max_cost {
            left.cost(target).checked_sub(1)
        } else {
            Some(goal.max_cost)
        }
    };
    Ok(targets.map(limit).collect())
}

/// Where paths are looked for.
struct Paths<'a> {
    graph: &'a StepGraph,
    fixes: &'a Fixes,
    goal: &'a PlanGoal,
    /// States that no path worth breaking passes.
    beside: Bits,
    /// Up to which cost paths are broken, by target.
    limits: Vec<Option<Cost>>,
}

impl Paths<'_> {
    /// Adds what has to be hit beside the chosen fixes; whether there was anything.
    ///
    /// What is found is hit at once by a fix that is good enough, and the search goes on until no path
    /// is left: solving is dearer than searching, so each solution has to count.
    fn break_all(
        &self,
        chosen: &[u32],
        problem: &mut HittingSet<'_>,
        budget: &Budget,
    ) -> Result<bool, Stop> {
        let mut chosen = chosen.to_vec();
        let mut has_grown = false;
        loop {
            let removed = self.fixes.removed_by(&chosen, self.graph.n_steps());
            let view = View::new(self.graph)
                .without_steps(&removed)
                .without_states(&self.beside);
            let (left, stop) =
                cheapest_from_within(&view, &self.goal.starts, self.goal.max_cost, budget)
                    .into_parts();
            if let Some(stop) = stop {
                return Err(stop);
            }
            let mut sets = Vec::new();
            for (&(target, _), limit) in self.goal.targets.iter().zip(&self.limits) {
                let is_within =
                    |limit: &Cost| left.is_reached(target) && left.cost(target) <= *limit;
                if !limit.as_ref().is_some_and(is_within) {
                    continue;
                }
                // Likelier than what all fixes leave, so some fix breaks it.
                let breaking = breaking_fixes(&view, &left, self.fixes, target);
                if !breaking.is_empty() && problem.add(breaking.clone()) {
                    sets.push(breaking);
                }
            }
            if sets.is_empty() {
                return Ok(has_grown);
            }
            has_grown = true;
            for set in &sets {
                if set.iter().any(|fix| chosen.contains(fix)) {
                    continue;
                }
                // The fix that breaks most of these paths for its cost.
                let n_hit = |fix: u32| sets.iter().filter(|set| set.contains(&fix)).count() as u64;
                let best = set.iter().copied().max_by(|&one, &other| {
                    let of_one = n_hit(one) * u64::from(self.fixes.cost(other));
                    let of_other = n_hit(other) * u64::from(self.fixes.cost(one));
                    of_one.cmp(&of_other).then(other.cmp(&one))
                });
                chosen.extend(best);
            }
        }
    }
}

/// The fixes that remove a step of the target's derivation, ascending.
fn breaking_fixes(view: &View<'_>, left: &Cheapest, fixes: &Fixes, target: StateId) -> Vec<u32> {
    let mut breaking: Vec<u32> = left
        .derivation(view, target)
        .unwrap_or_default()
        .into_iter()
        .flat_map(|step| fixes.removing(step).iter().copied())
        .collect();
    breaking.sort_unstable();
    breaking.dedup();
    breaking
}

#[cfg(test)]
mod tests {
    use super::within::scaled_risk;
    use super::*;
    use crate::score::cost::UNREACHED;
    use crate::search::cheapest::cheapest_from;
    use crate::search::random::SplitMix64;
    use crate::search::testing::{random_graph, random_states};

    struct Case {
        graph: StepGraph,
        fixes: Fixes,
        goal: PlanGoal,
    }

    fn random_case(seed: u64) -> Case {
        let graph = random_graph(seed);
        let mut random = SplitMix64::new(!seed);
        let n_fixes = random.below(7);
        let fixes: Vec<(u32, Vec<u32>)> = (0..n_fixes)
            .map(|_| {
                let cost = 1 + random.below(4) as u32;
                let steps = (0..graph.n_steps() as u32).filter(|_| random.below(3) == 0);
                (cost, steps.collect())
            })
            .collect();
        let targets = random_states(&mut random, graph.n_states());
        let goal = PlanGoal {
            starts: random_states(&mut random, graph.n_states()),
            targets: targets
                .into_iter()
                .map(|target| (target, 1 + random.below(9) as u32))
                .collect(),
            max_cost: if random.below(2) == 0 {
                UNREACHED - 1
            } else {
                random.below(9) as u32 * 3000
            },
            exact_limit: 1 << 20,
        };
        Case {
            fixes: Fixes::new(graph.n_steps(), fixes),
            graph,
            goal,
        }
    }

    fn left(case: &Case, plan: &[u32]) -> Cheapest {
        let removed = case.fixes.removed_by(plan, case.graph.n_steps());
        let view = View::new(&case.graph).without_steps(&removed);
        cheapest_from(&view, &case.goal.starts, &Budget::unlimited())
            .into_parts()
            .0
    }

    fn plans(case: &Case) -> impl Iterator<Item = (Vec<u32>, u64)> + '_ {
        let n = case.fixes.costs.len() as u32;
        (0u32..1 << n).map(move |subset| {
            let plan: Vec<u32> = (0..n).filter(|fix| subset >> fix & 1 == 1).collect();
            let cost = plan
                .iter()
                .map(|&fix| u64::from(case.fixes.cost(fix)))
                .sum();
            (plan, cost)
        })
    }

    #[test]
    fn no_cheaper_plan_breaks_what_can_be_broken() {
        let (mut n_plans, mut n_helpless) = (0, 0);
        for seed in 0..1500 {
            let case = random_case(seed);
            let (plan, stop) =
                fix_plan(&case.graph, &case.fixes, &case.goal, &Budget::unlimited()).into_parts();
            assert_eq!((stop, plan.quality), (None, PlanQuality::Exact));
            let all: Vec<u32> = (0..case.fixes.costs.len() as u32).collect();
            // What stays even with every fix cannot be helped: it is as unlikely as it gets.
            let helpless = left(&case, &all);
            let breaks = |plan: &[u32]| {
                let left = left(&case, plan);
                case.goal.targets.iter().all(|(target, _)| {
                    let cost = left.cost(*target);
                    cost > case.goal.max_cost || cost == helpless.cost(*target)
                })
            };
            for &(target, _) in &case.goal.targets {
                let stays = helpless.cost(target) <= case.goal.max_cost;
                assert_eq!(stays, plan.unfixable.contains(&target), "seed {seed}");
            }
            n_helpless += usize::from(plan.cost > 0 && !plan.unfixable.is_empty());
            let chosen: Vec<u32> = plan.fixes.iter().map(|planned| planned.fix).collect();
            assert!(breaks(&chosen), "seed {seed}");
            let cheapest = plans(&case)
                .filter(|(plan, _)| breaks(plan))
                .map(|pair| pair.1)
                .min();
            assert_eq!(Some(plan.cost), cheapest, "seed {seed}");
            n_plans += usize::from(plan.cost > 0);
            let risk = |left: &Cheapest| -> f64 {
                let of = |pair: &(StateId, u32)| f64::from(pair.1) * left.likelihood(pair.0);
                case.goal.targets.iter().map(of).sum()
            };
            assert!((plan.risk_before - risk(&left(&case, &[]))).abs() < 1e-9);
            assert!((plan.risk_after - risk(&left(&case, &chosen))).abs() < 1e-9);
        }
        assert!(n_plans > 50 && n_helpless > 20, "{n_plans} {n_helpless}");
    }

    #[test]
    fn no_plan_within_the_budget_leaves_less_risk() {
        let mut n_better = 0;
        for seed in 0..400 {
            let case = random_case(seed);
            let most = seed % 6;
            let (plan, stop) = fix_plan_within(
                &case.graph,
                &case.fixes,
                &case.goal,
                most,
                &Budget::unlimited(),
            )
            .into_parts();
            assert_eq!((stop, plan.quality), (None, PlanQuality::Exact));
            assert!(plan.cost <= most);
            let risk = |plan: &[u32]| -> u64 {
                let left = left(&case, plan);
                let of = |pair: &(StateId, u32)| scaled_risk(pair.1, left.likelihood(pair.0));
                case.goal.targets.iter().map(of).sum()
            };
            let least = plans(&case)
                .filter(|pair| pair.1 <= most)
                .map(|pair| risk(&pair.0))
                .min();
            let chosen: Vec<u32> = plan.fixes.iter().map(|planned| planned.fix).collect();
            assert_eq!(Some(risk(&chosen)), least, "seed {seed}");
            n_better += usize::from(plan.risk_after < plan.risk_before);
        }
        assert!(n_better > 25);
    }

    #[test]
    fn a_budget_that_is_not_searched_through_is_spent_well_and_within_what_is_said() {
        let (mut n_open, mut n_worse) = (0, 0);
        for seed in 0..1200 {
            let mut case = random_case(seed);
            case.goal.exact_limit = seed % 3;
            let most = 1 + seed % 7;
            let budget = Budget::unlimited();
            let (plan, stop) =
                fix_plan_within(&case.graph, &case.fixes, &case.goal, most, &budget).into_parts();
            assert_eq!(stop, None);
            assert!(plan.cost <= most);
            let risk = |plan: &[u32]| -> u64 {
                let left = left(&case, plan);
                let of = |pair: &(StateId, u32)| scaled_risk(pair.1, left.likelihood(pair.0));
                case.goal.targets.iter().map(of).sum()
            };
            let affordable: Vec<Vec<u32>> = plans(&case)
                .filter(|pair| pair.1 <= most)
                .map(|pair| pair.0)
                .collect();
            let least = affordable.iter().map(|plan| risk(plan)).min().unwrap();
            let chosen: Vec<u32> = plan.fixes.iter().map(|planned| planned.fix).collect();
            let found = risk(&chosen);
            // No single fix would have done better, nor one more that still fits.
            let singles = affordable.iter().filter(|plan| plan.len() < 2);
            assert!(
                singles.map(|plan| risk(plan)).min() >= Some(found),
                "seed {seed}"
            );
            for more in affordable
                .iter()
                .filter(|more| more.len() == chosen.len() + 1)
            {
                let is_more = chosen.iter().all(|fix| more.contains(fix));
                assert!(!is_more || risk(more) >= found, "seed {seed}");
            }
            match plan.quality {
                PlanQuality::Exact => assert_eq!(found, least, "seed {seed}"),
                PlanQuality::AtLeast(bound) => {
                    assert!(bound <= least && least <= found, "seed {seed}");
                    n_open += 1;
                    n_worse += usize::from(found > least);
                }
            }
        }
        assert!(n_open > 20 && n_worse > 0, "{n_open} {n_worse}");
    }

    #[test]
    fn a_greedy_plan_breaks_all_and_says_what_it_may_cost_at_least() {
        for seed in 0..500 {
            let mut case = random_case(seed);
            let budget = Budget::unlimited();
            let exact = fix_plan(&case.graph, &case.fixes, &case.goal, &budget)
                .into_parts()
                .0;
            case.goal.exact_limit = 0;
            let greedy = fix_plan(&case.graph, &case.fixes, &case.goal, &budget)
                .into_parts()
                .0;
            if !greedy.unfixable.is_empty() || !exact.unfixable.is_empty() {
                continue;
            }
            let chosen: Vec<u32> = greedy.fixes.iter().map(|planned| planned.fix).collect();
            let left = left(&case, &chosen);
            for (target, _) in &case.goal.targets {
                assert!(left.cost(*target) > case.goal.max_cost, "seed {seed}");
            }
            match greedy.quality {
                PlanQuality::Exact => assert_eq!(greedy.cost, exact.cost, "seed {seed}"),
                PlanQuality::AtLeast(bound) => {
                    assert!(
                        bound <= exact.cost && exact.cost <= greedy.cost,
                        "seed {seed}"
                    );
                }
            }
        }
    }
}
