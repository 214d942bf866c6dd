//! `BLAST RADIUS OF`: what falls if this falls.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use foothold_engine::attack::{AttackGraph, Capability, crown_jewels, display_name};
use foothold_engine::budget::{Budget, Outcome, Stop};
use foothold_engine::graph::NodeId;
use foothold_engine::score::cost::{Cost, UNREACHED, likelihood_of_cost};
use foothold_engine::search::{Cheapest, StateId, cheapest_from, cheapest_within_steps};
use rayon::prelude::*;

use crate::ast;
use crate::exec::Cx;
use crate::fault::Fault;
use crate::plan::{Table, TakeRow};
use crate::resolve::{Resolver, Scope, VerbTable};
use crate::value::{Map, Val};

use super::ends::{EndNode, EndsPlan, Role};
use super::path_value::{limit_of_shown, rounded, shown_likelihood};
use super::{AttackContext, columns, constant, count, stop_if, whole};

/// How many of the worst losses a row names.
const TOP: usize = 5;

#[derive(Debug)]
struct BlastRadius {
    context: AttackContext,
    of: EndsPlan,
    max_cost: Cost,
    within: Option<u64>,
}

pub(super) fn plan(
    context: &AttackContext,
    resolver: &mut Resolver<'_>,
    parts: &ast::BlastRadius,
    scope: &Scope,
) -> VerbTable {
    let likelihood = constant(resolver, parts.likelihood.as_ref(), scope);
    let table = BlastRadius {
        context: context.clone(),
        of: EndsPlan::of(context, resolver, &parts.of, scope),
        max_cost: likelihood.map_or(UNREACHED - 1, limit_of_shown),
        within: whole(resolver, parts.within.as_ref(), scope),
    };
    VerbTable {
        table: Arc::new(table),
        columns: columns::BLAST_RADIUS.typed(),
    }
}

/// What each state costs.
enum Costs {
    Any(Cheapest),
    /// Of derivations of so many steps; the cheapest of all may be longer.
    Within(Vec<Cost>),
}

impl Costs {
    fn of(&self, state: StateId) -> Cost {
        match self {
            Costs::Any(cheapest) => cheapest.cost(state),
            Costs::Within(costs) => costs[state.idx()],
        }
    }
}

/// What falls with one node.
struct Radius {
    reached: i64,
    assets: Vec<NodeId>,
    jewels: Vec<(NodeId, f64, f64)>,
    stop: Option<Stop>,
}

impl BlastRadius {
    fn costs(&self, graph: &AttackGraph, end: &EndNode, budget: &Budget) -> Outcome<Costs> {
        let topology = graph.topology();
        match self.within {
            None => {
                let (found, stop) = cheapest_from(topology, &end.states, budget).into_parts();
                Outcome::new(Costs::Any(found), stop)
            }
            Some(most) => {
                let found = cheapest_within_steps(topology, &end.states, most, budget);
                let (costs, stop) = found.into_parts();
                Outcome::new(Costs::Within(costs), stop)
            }
        }
    }

    fn radius(&self, graph: &AttackGraph, end: &EndNode, budget: &Budget) -> Radius {
        let topology = graph.topology();
        let (costs, stop) = self.costs(graph, end, budget).into_parts();
        let is_within = |state: StateId| {
            let cost = costs.of(state);
            cost != UNREACHED && cost <= self.max_cost
        };
        let mut reached = 0;
        // States are in order of assets, so an asset's states stand together.
        let mut best: Vec<(NodeId, Cost)> = Vec::new();
        for state in topology.states().filter(|&state| is_within(state)) {
            let found = graph.state(state);
            if found.asset == end.node {
                continue;
            }
            reached += 1;
            if found.capability == Capability::Reach {
                continue;
            }
            let cost = costs.of(state);
            match best.last_mut() {
                Some((asset, least)) if *asset == found.asset => *least = cost.min(*least),
                _ => best.push((found.asset, cost)),
            }
        }
        let mut jewels: Vec<(NodeId, f64, f64)> = crown_jewels(graph.snapshot())
            .into_iter()
            .filter_map(|jewel| {
                let likelihood = if jewel.asset == end.node {
                    1.0
                } else {
                    let at = best
                        .binary_search_by_key(&jewel.asset, |fallen| fallen.0)
                        .ok()?;
                    likelihood_of_cost(best.get(at)?.1)
                };
                Some((jewel.asset, jewel.value, likelihood))
            })
            .collect();
        jewels.sort_by(|a, b| (b.1 * b.2).total_cmp(&(a.1 * a.2)).then(a.0.cmp(&b.0)));
        let assets = best.into_iter().map(|fallen| fallen.0).collect();
        Radius {
            reached,
            assets,
            jewels,
            stop,
        }
    }
}

impl Table for BlastRadius {
    fn rows<'c>(
        &self,
        cx: &mut Cx<'c>,
        take: &mut TakeRow<'_, 'c>,
    ) -> Result<ControlFlow<()>, Fault> {
        let graph = &*self.context.graph;
        let asked = self.of.nodes(cx, graph, Role::Source)?;
        let budget = cx.budget;
        // Enough at once to keep every thread busy, few enough to hand rows out early.
        for window in asked.chunks(self.context.pool.current_num_threads() * 32) {
            let found: Vec<Radius> = self.context.pool.install(|| {
                window
                    .par_iter()
                    .map(|end| self.radius(graph, end, budget))
                    .collect()
            });
            let mut stop = None;
            for (end, radius) in window.iter().zip(found) {
                stop = stop.or(radius.stop);
                if take(cx, &row(graph, end, &radius))?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            stop_if(cx, stop)?;
        }
        Ok(ControlFlow::Continue(()))
    }

    fn text(&self) -> String {
        "BlastRadius".to_owned()
    }
}

fn row(graph: &AttackGraph, end: &EndNode, radius: &Radius) -> [Val; 7] {
    let snapshot = graph.snapshot();
    let mut by_label: BTreeMap<&str, i64> = BTreeMap::new();
    for &asset in &radius.assets {
        for &label in snapshot.labels_of(asset) {
            *by_label.entry(snapshot.label_name(label)).or_insert(0) += 1;
        }
    }
    let by_label: Map = by_label
        .into_iter()
        .map(|(label, n)| (label.into(), Val::Int(n)))
        .collect();
    let loss: f64 = radius
        .jewels
        .iter()
        .map(|(_, value, likelihood)| value * likelihood)
        .sum();
    let top = radius
        .jewels
        .iter()
        .take(TOP)
        .map(|&(asset, value, likelihood)| {
            let mut entry = Map::new();
            entry.insert("name".into(), Val::str(display_name(snapshot, asset)));
            entry.insert("asset".into(), Val::str(snapshot.stable_id(asset)));
            entry.insert("value".into(), Val::Float(value));
            entry.insert(
                "likelihood".into(),
                Val::Float(shown_likelihood(likelihood)),
            );
            Val::Map(Arc::new(entry))
        });
    [
        Val::Node(end.node),
        Val::Int(radius.reached),
        count(radius.assets.len() as u64),
        Val::Map(Arc::new(by_label)),
        count(radius.jewels.len() as u64),
        Val::Float(rounded(loss)),
        Val::list(top.collect()),
    ]
}
