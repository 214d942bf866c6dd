//! In which order the fixes of a plan are best applied.

use super::{FixPlan, Fixes, PlanGoal, PlanQuality, PlannedFix};
use crate::bits::Bits;
use crate::budget::{Budget, Stop};
use crate::search::cheapest::{Cheapest, cheapest_from, cheapest_from_until, restore};
use crate::search::topology::{StateId, StepGraph, StepId};
use crate::search::view::View;

/// Trying each fix at each place is for plans that a person reads; longer ones go by cost.
const MAX_TRIED: usize = 12;

/// Puts the chosen fixes in the order of what they bring for their cost.
pub(super) fn ordered(
    graph: &StepGraph,
    fixes: &Fixes,
    goal: &PlanGoal,
    mut chosen: Vec<u32>,
    quality: PlanQuality,
    unfixable: Vec<StateId>,
    budget: &Budget,
) -> (FixPlan, Option<Stop>) {
    let (before, mut stop) = Left::after(graph, fixes, goal, &[], budget);
    let risk_before = before.risk;
    chosen.sort_by_key(|&fix| (fixes.cost(fix), fix));
    let cost = chosen.iter().map(|&fix| u64::from(fixes.cost(fix))).sum();
    let (order, reason) = if chosen.len() <= MAX_TRIED {
        by_gain(graph, fixes, goal, chosen, before, budget)
    } else {
        in_given_order(graph, fixes, goal, &chosen, budget)
    };
    stop = stop.or(reason);
    let planned: Vec<PlannedFix> = order
        .into_iter()
        .map(|(fix, risk_after)| PlannedFix {
            fix,
            n_steps: fixes.steps_of(fix).len(),
            risk_after,
        })
        .collect();
    let plan = FixPlan {
        risk_after: planned.last().map_or(risk_before, |last| last.risk_after),
        fixes: planned,
        cost,
        quality,
        unfixable,
        risk_before,
    };
    (plan, stop)
}

/// Fixes, each with the risk once it and those before it are applied.
type Order = (Vec<(u32, f64)>, Option<Stop>);

/// At each place the fix that lowers the risk most for its cost.
fn by_gain(
    graph: &StepGraph,
    fixes: &Fixes,
    goal: &PlanGoal,
    mut open: Vec<u32>,
    mut now: Left,
    budget: &Budget,
) -> Order {
    let mut stop = None;
    let mut plan: Vec<u32> = Vec::new();
    let mut order = Vec::new();
    while !open.is_empty() {
        let mut best: (usize, Option<Left>, f64) = (0, None, f64::NEG_INFINITY);
        for (place, &fix) in open.iter().enumerate() {
            let steps = fixes.steps_of(fix);
            // What removes no step of a derivation in use changes no likelihood.
            let left = steps.iter().any(|&step| now.in_use.contains(step));
            let left = left.then(|| {
                plan.push(fix);
                let (left, reason) = Left::after(graph, fixes, goal, &plan, budget);
                plan.pop();
                stop = stop.or(reason);
                left
            });
            let risk = left.as_ref().map_or(now.risk, |left| left.risk);
            let gain = (now.risk - risk) / f64::from(fixes.cost(fix));
            if gain > best.2 {
                best = (place, left, gain);
            }
        }
        let fix = open.remove(best.0);
        plan.push(fix);
        now = best.1.unwrap_or(now);
        order.push((fix, now.risk));
    }
    (order, stop)
}

/// One search with all fixes applied, which is corrected as they are taken back one by one.
fn in_given_order(
    graph: &StepGraph,
    fixes: &Fixes,
    goal: &PlanGoal,
    plan: &[u32],
    budget: &Budget,
) -> Order {
    let mut removed = fixes.removed_by(plan, graph.n_steps());
    let mut n_removing = vec![0u32; graph.n_steps()];
    for &step in plan.iter().flat_map(|&fix| fixes.steps_of(fix)) {
        n_removing[step as usize] += 1;
    }
    let view = View::new(graph).without_steps(&removed);
    let (mut cheapest, mut stop) = cheapest_from(&view, &goal.starts, budget).into_parts();
    let mut order = Vec::new();
    for &fix in plan.iter().rev() {
        order.push((fix, risk_of(goal, &cheapest)));
        let mut back = Vec::new();
        for &step in fixes.steps_of(fix) {
            n_removing[step as usize] -= 1;
            if n_removing[step as usize] == 0 {
                removed.remove(step);
                back.push(StepId(step));
            }
        }
        let view = View::new(graph).without_steps(&removed);
        if stop.is_none() {
            stop = restore(&view, &mut cheapest, back.into_iter(), budget).err();
        }
    }
    order.reverse();
    (order, stop)
}

/// The sum of value times likelihood over the targets.
fn risk_of(goal: &PlanGoal, cheapest: &Cheapest) -> f64 {
    let risk = |&(target, value): &(StateId, u32)| f64::from(value) * cheapest.likelihood(target);
    goal.targets.iter().map(risk).sum()
}

/// What some fixes leave.
struct Left {
    risk: f64,
    /// The steps of the targets' cheapest derivations.
    in_use: Bits,
}

impl Left {
    fn after(
        graph: &StepGraph,
        fixes: &Fixes,
        goal: &PlanGoal,
        plan: &[u32],
        budget: &Budget,
    ) -> (Self, Option<Stop>) {
        let removed = fixes.removed_by(plan, graph.n_steps());
        let view = View::new(graph).without_steps(&removed);
        let targets: Vec<StateId> = goal.targets.iter().map(|target| target.0).collect();
        let (cheapest, stop) =
            cheapest_from_until(&view, &goal.starts, &targets, budget).into_parts();
        let in_use = goal
            .targets
            .iter()
            .flat_map(|&(target, _)| cheapest.derivation(&view, target).unwrap_or_default())
            .map(|step| step.0);
        let left = Self {
            risk: risk_of(goal, &cheapest),
            in_use: Bits::of(graph.n_steps(), in_use),
        };
        (left, stop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::cost::UNREACHED;
    use crate::search::random::SplitMix64;
    use crate::search::testing::{random_graph, random_states};

    #[test]
    fn taking_fixes_back_gives_the_risk_that_searching_anew_gives() {
        let mut n_steps_down = 0;
        for seed in 0..3000 {
            let graph = random_graph(seed);
            let mut random = SplitMix64::new(!seed);
            let fixes = (0..6u32).map(|fix| {
                let steps = (0..graph.n_steps() as u32).filter(|_| random.below(4) == 0);
                (1 + fix, steps.collect())
            });
            let fixes = Fixes::new(graph.n_steps(), fixes);
            let targets = random_states(&mut random, graph.n_states());
            let goal = PlanGoal {
                starts: random_states(&mut random, graph.n_states()),
                targets: targets.into_iter().map(|target| (target, 7)).collect(),
                max_cost: UNREACHED - 1,
                exact_limit: 0,
            };
            let budget = Budget::unlimited();
            let plan: Vec<u32> = (0..6).collect();
            let (order, stop) = in_given_order(&graph, &fixes, &goal, &plan, &budget);
            assert_eq!((stop, order.len()), (None, 6));
            let mut risk_before = f64::INFINITY;
            for (n, (fix, risk)) in order.into_iter().enumerate() {
                assert_eq!(fix as usize, n);
                let (left, _) = Left::after(&graph, &fixes, &goal, &plan[..=n], &budget);
                assert!((left.risk - risk).abs() < 1e-12, "seed {seed}, fix {n}");
                n_steps_down += usize::from(n > 0 && risk < risk_before);
                risk_before = risk;
            }
        }
        assert!(n_steps_down > 500, "{n_steps_down}");
    }
}
