//! The plan within a budget that leaves the least risk.

use super::order::ordered;
use super::{FixPlan, Fixes, PlanGoal, PlanQuality, breaking_fixes};
use crate::bits::Bits;
use crate::budget::{Budget, Outcome, Stop};
use crate::search::cheapest::cheapest_from;
use crate::search::topology::StepGraph;
use crate::search::view::View;

/// The plan of at most this cost that leaves the least risk.
///
/// Exact by branching as long as `goal.exact_limit` searches suffice: some derivation of the
/// riskiest target is either broken by one of its fixes or stays, and then that much risk stays.
/// Otherwise the best plan met, with the lowest risk that any plan could leave. It starts from what
/// choosing one fix after the other gives, by what it brings and by what it brings for its cost; a
/// ratio known beforehand does not bound that, because two fixes may bring something only together.
/// No single fix, and no fix more, would leave less. The limit of cost in `goal` does not matter here.
pub fn fix_plan_within(
    graph: &StepGraph,
    fixes: &Fixes,
    goal: &PlanGoal,
    max_plan_cost: u64,
    budget: &Budget,
) -> Outcome<FixPlan> {
    let mut search = BudgetSearch {
        graph,
        fixes,
        goal,
        budget,
        best: Vec::new(),
        best_risk: u64::MAX,
        floor_left_open: u64::MAX,
        n_searches: 0,
        stop: None,
    };
    for by_ratio in [true, false] {
        search.choose_greedily(&mut Vec::new(), max_plan_cost, by_ratio);
    }
    let mut forbidden = Bits::new(fixes.costs.len());
    let mut floors = vec![0; goal.targets.len()];
    search.branch(&mut Vec::new(), &mut forbidden, &mut floors, max_plan_cost);
    let quality = if search.floor_left_open >= search.best_risk {
        PlanQuality::Exact
    } else {
        PlanQuality::AtLeast(search.floor_left_open)
    };
    if quality != PlanQuality::Exact {
        let mut best = search.best.clone();
        let spent: u64 = best.iter().map(|&fix| u64::from(fixes.cost(fix))).sum();
        search.choose_greedily(&mut best, max_plan_cost - spent, true);
    }
    let (chosen, stop) = (search.best, search.stop);
    let (plan, stop_after) = ordered(graph, fixes, goal, chosen, quality, Vec::new(), budget);
    Outcome::new(plan, stop.or(stop_after))
}

struct BudgetSearch<'a> {
    graph: &'a StepGraph,
    fixes: &'a Fixes,
    goal: &'a PlanGoal,
    budget: &'a Budget,
    best: Vec<u32>,
    best_risk: u64,
    /// The lowest bound of a branch that was given up for lack of searches.
    floor_left_open: u64,
    n_searches: u64,
    stop: Option<Stop>,
}

impl BudgetSearch<'_> {
    /// Adds the fix that lowers the risk most, by itself or for its cost, as long as one does.
    fn choose_greedily(&mut self, chosen: &mut Vec<u32>, mut left: u64, by_ratio: bool) {
        let Some((mut risk, mut options)) = self.risk_after(chosen) else {
            return;
        };
        loop {
            self.keep(chosen, risk);
            let mut best: Option<(f64, u32, (u64, Vec<u32>))> = None;
            for fix in options {
                if u64::from(self.fixes.cost(fix)) > left {
                    continue;
                }
                chosen.push(fix);
                let after = self.risk_after(chosen);
                chosen.pop();
                let Some(after) = after else { return };
                let gain = risk.saturating_sub(after.0) as f64;
                let gain = if by_ratio {
                    gain / f64::from(self.fixes.cost(fix))
                } else {
                    gain
                };
                if gain > best.as_ref().map_or(0.0, |best| best.0) {
                    best = Some((gain, fix, after));
                }
            }
            let Some((_, fix, after)) = best else { return };
            chosen.push(fix);
            left -= u64::from(self.fixes.cost(fix));
            (risk, options) = after;
        }
    }

    /// The risk that these fixes leave, and the fixes of the derivations that make it up.
    fn risk_after(&mut self, chosen: &[u32]) -> Option<(u64, Vec<u32>)> {
        let removed = self.fixes.removed_by(chosen, self.graph.n_steps());
        let view = View::new(self.graph).without_steps(&removed);
        let (cheapest, stop) = cheapest_from(&view, &self.goal.starts, self.budget).into_parts();
        if stop.is_some() {
            self.stop = self.stop.or(stop);
            return None;
        }
        let mut risk = 0;
        let mut options = Vec::new();
        for &(target, value) in &self.goal.targets {
            risk += scaled_risk(value, cheapest.likelihood(target));
            options.extend(breaking_fixes(&view, &cheapest, self.fixes, target));
        }
        options.sort_unstable();
        options.dedup();
        Some((risk, options))
    }

    fn keep(&mut self, chosen: &[u32], risk: u64) {
        if risk < self.best_risk {
            self.best_risk = risk;
            self.best = chosen.to_vec();
        }
    }

    /// Tries every way to go on from the chosen fixes without the forbidden ones. `floors` is for
    /// each target a risk that is known to stay.
    fn branch(
        &mut self,
        chosen: &mut Vec<u32>,
        forbidden: &mut Bits,
        floors: &mut [u64],
        left: u64,
    ) {
        let floor: u64 = floors.iter().sum();
        if floor >= self.best_risk {
            return;
        }
        if self.stop.is_some() || self.n_searches > self.goal.exact_limit {
            self.floor_left_open = self.floor_left_open.min(floor);
            return;
        }
        self.n_searches += 1;
        let removed = self.fixes.removed_by(chosen, self.graph.n_steps());
        let view = View::new(self.graph).without_steps(&removed);
        let (cheapest, stop) = cheapest_from(&view, &self.goal.starts, self.budget).into_parts();
        if stop.is_some() {
            self.stop = stop;
            self.floor_left_open = self.floor_left_open.min(floor);
            return;
        }
        let risks: Vec<u64> = self
            .goal
            .targets
            .iter()
            .map(|&(target, value)| scaled_risk(value, cheapest.likelihood(target)))
            .collect();
        self.keep(chosen, risks.iter().sum());
        // The target with the most risk that is not yet known to stay.
        let open = (0..risks.len())
            .filter(|&idx| risks[idx] > floors[idx])
            .max_by_key(|&idx| (risks[idx] - floors[idx], std::cmp::Reverse(idx)));
        let Some(open) = open else { return };
        let mut options = breaking_fixes(&view, &cheapest, self.fixes, self.goal.targets[open].0);
        options.retain(|&fix| !forbidden.contains(fix) && u64::from(self.fixes.cost(fix)) <= left);
        options.sort_by_key(|&fix| (self.fixes.cost(fix), fix));
        for &fix in &options {
            chosen.push(fix);
            self.branch(
                chosen,
                forbidden,
                floors,
                left - u64::from(self.fixes.cost(fix)),
            );
            chosen.pop();
            // From here on plans without this one: those with it were all tried.
            forbidden.insert(fix);
        }
        // No fix of this derivation: its risk stays.
        let before = std::mem::replace(&mut floors[open], risks[open]);
        self.branch(chosen, forbidden, floors, left);
        floors[open] = before;
        for &fix in &options {
            forbidden.remove(fix);
        }
    }
}

/// Value times likelihood in 2^-16.
pub(super) fn scaled_risk(value: u32, likelihood: f64) -> u64 {
    #[allow(
        clippy::cast_sign_loss,
        reason = "values and likelihoods are not negative"
    )]
    let risk = (f64::from(value) * likelihood * 65536.0) as u64;
    risk
}
