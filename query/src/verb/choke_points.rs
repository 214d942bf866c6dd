//! `CHOKE POINTS`: what every path must pass.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use foothold_engine::graph::NodeId;
use foothold_engine::search::{
    Cheapest, Cutting, Effort, StateId, cheapest_from, choke_points_of, smallest_cut,
};

use crate::ast::{self, Span};
use crate::diagnostic::{Code, Diagnostic};
use crate::exec::Cx;
use crate::fault::Fault;
use crate::plan::{Table, TakeRow};
use crate::resolve::{Resolver, Scope, VerbTable};
use crate::value::Val;

use super::between::{Between, values};
use super::ends::EndNode;
use super::{AttackContext, columns, count, state_value};

/// Branches that the exact solver of cuts may try.
const EXACT_LIMIT: u64 = 20_000;

/// Edges that the search for a smaller cut may look at, about.
const MAX_EXPANDED: u64 = 20_000_000;

#[derive(Debug)]
struct ChokePoints {
    between: Between,
}

pub(super) fn plan(
    context: &AttackContext,
    resolver: &mut Resolver<'_>,
    parts: &ast::ChokePoints,
    scope: &Scope,
) -> VerbTable {
    let table = ChokePoints {
        between: Between::plan(
            context,
            resolver,
            parts.from.as_ref(),
            parts.to.as_ref(),
            scope,
        ),
    };
    VerbTable {
        table: Arc::new(table),
        columns: columns::CHOKE_POINTS.typed(),
    }
}

/// What passing a state would cut.
#[derive(Debug, Default, Clone, Copy)]
struct Gain {
    targets: u64,
    value: f64,
}

impl ChokePoints {
    /// The states that every path to a target asset passes, each with what it cuts.
    fn dominating(
        &self,
        sources: &[StateId],
        targets: &[EndNode],
        forward: &Cheapest,
        value_of: &BTreeMap<NodeId, f64>,
        cx: &Cx<'_>,
    ) -> Result<BTreeMap<StateId, Gain>, Fault> {
        let topology = self.between.graph().topology();
        let mut gains: BTreeMap<StateId, Gain> = BTreeMap::new();
        let of = |target: &EndNode| {
            let states = target.states.iter().copied();
            let reached = states.filter(|&state| forward.is_reached(state));
            reached.collect::<Vec<StateId>>()
        };
        let states: Vec<StateId> = targets.iter().flat_map(of).collect();
        let mut needed = choke_points_of(topology, sources, &states, cx.budget)?.into_iter();
        for target in targets {
            // An asset is safe when each of its states is: only what all of them need cuts it.
            let mut shared: Option<Vec<StateId>> = None;
            for needed in needed.by_ref().take(of(target).len()) {
                shared = Some(match shared {
                    None => needed,
                    Some(before) => before
                        .into_iter()
                        .filter(|one| needed.contains(one))
                        .collect(),
                });
            }
            for state in shared.unwrap_or_default() {
                let gain = gains.entry(state).or_default();
                gain.targets += 1;
                gain.value += value_of.get(&target.node).copied().unwrap_or(0.0);
            }
        }
        Ok(gains)
    }
}

impl Table for ChokePoints {
    fn rows<'c>(
        &self,
        cx: &mut Cx<'c>,
        take: &mut TakeRow<'_, 'c>,
    ) -> Result<ControlFlow<()>, Fault> {
        let graph = &**self.between.graph();
        let topology = graph.topology();
        let sources = self.between.sources(cx)?;
        let targets = self.between.targets(cx)?;
        let (forward, stop) = cheapest_from(topology, &sources, cx.budget).into_parts();
        super::stop_if(cx, stop)?;
        let reached: Vec<EndNode> = targets
            .into_iter()
            .filter(|target| target.states.iter().any(|&state| forward.is_reached(state)))
            .collect();
        let value_of = values(graph);

        let mut rows: Vec<(StateId, Gain, &str)> = self
            .dominating(&sources, &reached, &forward, &value_of, cx)?
            .into_iter()
            .map(|(state, gain)| (state, gain, "dominator"))
            .collect();
        rows.sort_by(|a, b| {
            b.1.value
                .total_cmp(&a.1.value)
                .then(b.1.targets.cmp(&a.1.targets))
                .then(a.0.cmp(&b.0))
        });
        let mut steps = Vec::new();
        let all = reached.len() as u64;
        if all > 0 && !rows.iter().any(|row| row.1.targets == all) {
            // No single state cuts everything: the fewest that do so together.
            let states: Vec<StateId> = reached.iter().flat_map(|end| end.states.clone()).collect();
            let value = reached
                .iter()
                .filter_map(|end| value_of.get(&end.node))
                .sum();
            let gain = Gain {
                targets: all,
                value,
            };
            let size = (topology.n_states() + topology.n_steps()) as u64;
            let effort = Effort {
                branches: EXACT_LIMIT,
                searches: (MAX_EXPANDED / size.max(1)).clamp(16, 1000) as u32,
            };
            let by =
                |cutting| smallest_cut(topology, &sources, &states, cutting, effort, cx.budget);
            let mut found = by(Cutting::States)?;
            if found.is_none() {
                // A step leads from a start to a target: no state lies between.
                found = by(Cutting::Steps)?;
            }
            if let Some(found) = found {
                let (cut, at_least) = (found.cut, found.at_least);
                if at_least < cut.cost {
                    let message = format!(
                        "the cut separates, but a smaller one may be there: none is known with \
                         fewer than {} parts, and none has fewer than {at_least}",
                        cut.cost
                    );
                    cx.warn(Diagnostic::new(Code::NotProven, Span::default(), message));
                }
                rows.extend(cut.states.into_iter().map(|state| (state, gain, "cut")));
                steps.extend(cut.steps.into_iter().map(|step| (step, gain)));
            }
        }
        let of_states = rows
            .into_iter()
            .map(|(state, gain, kind)| (state, forward.last_step(topology, state), gain, kind));
        let of_steps = steps
            .into_iter()
            .map(|(step, gain)| (topology.gain(step), Some(step), gain, "cut"));
        for (state, step, gain, kind) in of_states.chain(of_steps) {
            let rule = step.map_or(Val::Null, |step| {
                Val::str(&graph.rules().get(graph.rule_of(step)).name)
            });
            let row = [
                Val::Node(graph.state(state).asset),
                state_value(graph, state),
                rule,
                count(gain.targets),
                Val::Float(gain.value),
                Val::str(kind),
            ];
            if take(cx, &row)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn text(&self) -> String {
        "ChokePoints".to_owned()
    }
}
