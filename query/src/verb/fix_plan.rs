//! `FIX PLAN`: the cheapest set of changes that breaks the paths.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use foothold_engine::attack::{AttackGraph, Fix, display_name};
use foothold_engine::score::cost::{Cost, UNREACHED, cost_of_likelihood};
use foothold_engine::search::{
    Bits, Fixes, PlanGoal, PlanQuality, StateId, StepGraph, StepGraphBuilder, TopologyError, View,
    cheapest_from, fix_plan, fix_plan_within,
};

use crate::ast::{self, FixGoal, Span};
use crate::diagnostic::{Code, Diagnostic};
use crate::exec::Cx;
use crate::fault::Fault;
use crate::plan::{Table, TakeRow};
use crate::resolve::{Resolver, Scope, VerbTable};
use crate::value::Val;

use super::between::{Between, values};
use super::ends::EndNode;
use super::path_value::{limit_of_shown, rounded};
use super::{AttackContext, columns, constant, count, stop_if, whole};

/// Branches that the exact solver may try before it turns greedy.
const EXACT_LIMIT: u64 = 20_000;

/// So many targets that no plan protects are named.
const MAX_NAMED: usize = 5;

#[derive(Debug)]
struct FixPlan {
    between: Between,
    max_cost: Cost,
    budget: Option<u64>,
}

pub(super) fn plan(
    context: &AttackContext,
    resolver: &mut Resolver<'_>,
    parts: &ast::FixPlan,
    scope: &Scope,
) -> VerbTable {
    let (mut max_cost, mut budget) = (UNREACHED - 1, None);
    match &parts.goal {
        Some(FixGoal::Likelihood(tree)) => {
            max_cost = constant(resolver, Some(tree), scope).map_or(max_cost, limit_of_shown);
        }
        Some(FixGoal::Budget(tree)) => budget = whole(resolver, Some(tree), scope),
        None => {}
    }
    let table = FixPlan {
        between: Between::plan(
            context,
            resolver,
            parts.from.as_ref(),
            parts.to.as_ref(),
            scope,
        ),
        max_cost,
        budget,
    };
    VerbTable {
        table: Arc::new(table),
        columns: columns::FIX_PLAN.typed(),
    }
}

/// The attack graph with every match as a step of its own, because a fix breaks matches: a step
/// with two vulnerabilities behind it stands until both are fixed. Each target asset is one state.
struct Board {
    topology: StepGraph,
    targets: Vec<(StateId, u32)>,
    fixes: Vec<Fix>,
    /// For each fix the steps of `topology` that it removes.
    removes: Vec<Vec<u32>>,
}

/// Everything that goes by one id: who makes the change makes it everywhere, as `WHAT IF APPLY` does.
#[derive(Default)]
struct Change {
    /// As it is put in different places, in order.
    said: BTreeSet<Fix>,
    breaks: Vec<u32>,
}

impl Change {
    fn add(&mut self, fix: Fix, step: u32) {
        // Steps come in order; a rule may name one fix twice.
        if self.breaks.last() != Some(&step) {
            self.breaks.push(step);
        }
        self.said.insert(fix);
    }

    /// One fix with the words of the first, every owner, and the highest cost.
    fn finish(self) -> Option<(Fix, Vec<u32>)> {
        let titles: BTreeSet<&str> = self.said.iter().map(|fix| fix.title.as_str()).collect();
        let owners: BTreeSet<&str> = self
            .said
            .iter()
            .filter_map(|fix| fix.owner.as_deref())
            .collect();
        let mut fix = self.said.first()?.clone();
        if titles.len() > 1 {
            let others = titles.len() - 1;
            fix.title = format!("{}, and {others} more like it", fix.title);
        }
        if owners.len() > 1 {
            fix.owner = Some(owners.into_iter().collect::<Vec<_>>().join(", "));
        }
        fix.cost = self
            .said
            .iter()
            .map(|one| one.cost)
            .max()
            .unwrap_or(fix.cost);
        Some((fix, self.breaks))
    }
}

impl Board {
    fn new(
        graph: &AttackGraph,
        sources: &[StateId],
        targets: &[EndNode],
        cx: &Cx<'_>,
    ) -> Result<Result<Self, TopologyError>, Fault> {
        let (forward, stop) = cheapest_from(graph.topology(), sources, cx.budget).into_parts();
        stop_if(cx, stop)?;
        let value_of = values(graph);
        let n_states = graph.n_states() as u32;
        let mut builder = StepGraphBuilder::new(n_states + targets.len() as u32);
        let mut found: BTreeMap<String, Change> = BTreeMap::new();
        let mut n_inserted = 0_u32;
        let mut build = || -> Result<(), TopologyError> {
            for step in graph.topology().steps() {
                let premises: Vec<StateId> = graph.topology().premises(step).into_iter().collect();
                if !premises.iter().all(|&premise| forward.is_reached(premise)) {
                    continue;
                }
                for instance in graph.instances_of(step) {
                    let cost = cost_of_likelihood(graph.instance(instance).likelihood);
                    builder.step(&premises, graph.topology().gain(step), cost)?;
                    for fix in graph.fixes_of(step, instance) {
                        let change = found.entry(fix.id.clone()).or_default();
                        change.add(fix, n_inserted);
                    }
                    n_inserted += 1;
                }
            }
            for (at, target) in (0..).zip(targets) {
                for &state in &target.states {
                    builder.step(&[state], StateId(n_states + at), 0)?;
                    n_inserted += 1;
                }
            }
            Ok(())
        };
        if let Err(error) = build() {
            return Ok(Err(error));
        }
        let (topology, order) = builder.finish();
        let mut step_of = vec![0; order.len()];
        for (step, &inserted) in (0_u32..).zip(&order) {
            step_of[inserted as usize] = step;
        }
        let (fixes, removes) = found
            .into_values()
            .filter_map(|change| {
                let (fix, inserted) = change.finish()?;
                let steps = inserted.into_iter();
                Some((fix, steps.map(|at| step_of[at as usize]).collect()))
            })
            .unzip();
        let targets = (0..)
            .zip(targets)
            .map(|(at, target)| {
                let value = value_of.get(&target.node).copied().unwrap_or(1.0);
                #[allow(clippy::cast_sign_loss, reason = "clamped to at least 1")]
                let value = value.round().clamp(1.0, f64::from(u32::MAX)) as u32;
                (StateId(n_states + at), value)
            })
            .collect();
        Ok(Ok(Board {
            topology,
            targets,
            fixes,
            removes,
        }))
    }

    /// How many targets can still be reached without the steps that these fixes remove.
    fn n_open(&self, sources: &[StateId], applied: &[u32], max_cost: Cost, cx: &Cx<'_>) -> u64 {
        let removed = applied
            .iter()
            .flat_map(|&fix| self.removes[fix as usize].iter().copied());
        let hidden = Bits::of(self.topology.n_steps(), removed);
        let view = View::new(&self.topology).without_steps(&hidden);
        let forward = cheapest_from(&view, sources, cx.budget).into_parts().0;
        let is_open = |state: StateId| forward.is_reached(state) && forward.cost(state) <= max_cost;
        self.targets
            .iter()
            .filter(|&&(state, _)| is_open(state))
            .count() as u64
    }
}

impl FixPlan {
    /// Says which targets stay in reach whatever is fixed.
    fn warn_of_open(&self, cx: &mut Cx<'_>, targets: &[EndNode], open: &[StateId]) {
        let graph = self.between.graph();
        // Each target is one state behind those of the graph.
        let nodes = open
            .iter()
            .filter_map(|state| targets.get(state.idx() - graph.n_states()));
        let names: Vec<String> = nodes
            .take(MAX_NAMED)
            .map(|end| format!("`{}`", display_name(graph.snapshot(), end.node)))
            .collect();
        if names.is_empty() {
            return;
        }
        let others = open.len() - names.len();
        let others = if others > 0 {
            format!(" and {others} more")
        } else {
            String::new()
        };
        let (names, reach) = (
            names.join(", "),
            match self.max_cost {
                most if most < UNREACHED - 1 => "as likely as that",
                _ => "in reach",
            },
        );
        let message = format!(
            "{names}{others} would stay {reach} with every fix applied: the plan makes that as \
             unlikely as fixes can"
        );
        cx.warn(Diagnostic::new(Code::Unfixable, Span::default(), message));
    }
}

impl Table for FixPlan {
    fn rows<'c>(
        &self,
        cx: &mut Cx<'c>,
        take: &mut TakeRow<'_, 'c>,
    ) -> Result<ControlFlow<()>, Fault> {
        let graph = &**self.between.graph();
        let sources = self.between.sources(cx)?;
        let targets = self.between.targets(cx)?;
        let Ok(board) = Board::new(graph, &sources, &targets, cx)? else {
            // More matches than ids: as good as out of memory.
            return Err(cx
                .budget
                .give_up(foothold_engine::budget::Stop::Memory)
                .into());
        };
        let costs = board.fixes.iter().zip(&board.removes);
        let fixes = Fixes::new(
            board.topology.n_steps(),
            costs.map(|(fix, removes)| (fix.cost, removes.clone())),
        );
        let goal = PlanGoal {
            starts: sources.clone(),
            targets: board.targets.clone(),
            max_cost: self.max_cost,
            exact_limit: EXACT_LIMIT,
        };
        let (plan, stop) = match self.budget {
            Some(budget) => fix_plan_within(&board.topology, &fixes, &goal, budget, cx.budget),
            None => fix_plan(&board.topology, &fixes, &goal, cx.budget),
        }
        .into_parts();
        let method = match plan.quality {
            PlanQuality::Exact => "exact".to_owned(),
            PlanQuality::AtLeast(bound) if self.budget.is_some() => {
                let risk = bound as f64 / foothold_engine::score::cost::UNIT;
                format!("greedy; no plan leaves less risk than {risk:.3}")
            }
            PlanQuality::AtLeast(bound) => format!("greedy; no plan costs less than {bound}"),
        };
        self.warn_of_open(cx, &targets, &plan.unfixable);
        let mut applied = Vec::new();
        let mut open = board.n_open(&sources, &applied, self.max_cost, cx);
        let mut before = plan.risk_before;
        for (rank, planned) in (1..).zip(&plan.fixes) {
            applied.push(planned.fix);
            let still_open = board.n_open(&sources, &applied, self.max_cost, cx);
            let fix = &board.fixes[planned.fix as usize];
            let row = [
                Val::Int(rank),
                Val::str(&fix.id),
                Val::str(&fix.title),
                fix.owner.as_deref().map_or(Val::Null, Val::str),
                Val::Int(i64::from(fix.cost)),
                count(planned.n_steps as u64),
                count(open.saturating_sub(still_open)),
                Val::Float(rounded(before)),
                Val::Float(rounded(planned.risk_after)),
                Val::str(&method),
            ];
            open = still_open;
            before = planned.risk_after;
            if take(cx, &row)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        stop_if(cx, stop)?;
        Ok(ControlFlow::Continue(()))
    }

    fn text(&self) -> String {
        "FixPlan".to_owned()
    }
}
