//! In which order the fixes of a plan are best applied.

use super::{FixPlan, Fixes, PlanGoal, PlanQuality, PlannedFix};
use crate::budget::{Budget, Stop};
use crate::search::bits::Bits;
use crate::search::cheapest::cheapest_from_until;
use crate::search::topology::{StateId, StepGraph};
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
    let mut stop = None;
    let mut risk_with = |plan: &[u32]| {
        let (left, reason) = Left::after(graph, fixes, goal, plan, budget);
        stop = stop.or(reason);
        left
    };
    let cost = chosen.iter().map(|&fix| u64::from(fixes.cost(fix))).sum();
    let mut now = risk_with(&[]);
    let risk_before = now.risk;
    let mut plan: Vec<u32> = Vec::new();
    let mut planned = Vec::new();
    let n_tried = if chosen.len() <= MAX_TRIED {
        MAX_TRIED
    } else {
        1
    };
    chosen.sort_by_key(|&fix| (fixes.cost(fix), fix));
    while !chosen.is_empty() {
        let mut best: (usize, Option<Left>, f64) = (0, None, f64::NEG_INFINITY);
        for (place, &fix) in chosen.iter().enumerate().take(n_tried) {
            // What removes no step of a derivation in use changes no likelihood.
            let steps = fixes.steps_of(fix);
            let left = steps
                .iter()
                .any(|&step| now.in_use.contains(step))
                .then(|| {
                    plan.push(fix);
                    let left = risk_with(&plan);
                    plan.pop();
                    left
                });
            let risk = left.as_ref().map_or(now.risk, |left| left.risk);
            let gain = (now.risk - risk) / f64::from(fixes.cost(fix));
            if gain > best.2 {
                best = (place, left, gain);
            }
        }
        let fix = chosen.remove(best.0);
        plan.push(fix);
        if let Some(left) = best.1 {
            now = left;
        }
        planned.push(PlannedFix {
            fix,
            n_steps: fixes.steps_of(fix).len(),
            risk_after: now.risk,
        });
    }
    let plan = FixPlan {
        fixes: planned,
        cost,
        quality,
        unfixable,
        risk_before,
        risk_after: now.risk,
    };
    (plan, stop)
}

/// What some fixes leave.
struct Left {
    /// The sum of value times likelihood over the targets.
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
        let risk =
            |&(target, value): &(StateId, u32)| f64::from(value) * cheapest.likelihood(target);
        let in_use = goal
            .targets
            .iter()
            .flat_map(|&(target, _)| cheapest.derivation(&view, target).unwrap_or_default())
            .map(|step| step.0);
        let left = Self {
            risk: goal.targets.iter().map(risk).sum(),
            in_use: Bits::of(graph.n_steps(), in_use),
        };
        (left, stop)
    }
}
