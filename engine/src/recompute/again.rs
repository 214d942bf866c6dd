//! Recomputation after a change: only for assets from which the change can be noticed.
//!
//! What an asset endangers depends on the steps that can be taken from it. So an asset is affected
//! if a state whose steps changed can be reached from it, along any premise of any step. Whatever
//! could be reached only before the change, could be reached up to the first state that lost a step
//! on the way; so it is enough to look backwards in the newer graph.

use crate::attack::{AttackGraph, Capability, crown_jewels};
use crate::budget::{Budget, Outcome};
use crate::graph::{NodeId, SnapshotDelta};
use crate::score::cost::{Cost, UNREACHED};
use crate::search::{Bits, Cheapest, LossSearch, SideCosts, StateId, StepId, cheapest_from};

use super::assets::AssetGraph;
use super::estate::{AssetRisk, EstateRisk, Place, losses_of_assets, recompute, sizes_of_assets};

/// An attack graph and what was computed of it.
#[derive(Debug, Clone, Copy)]
pub struct Computed<'a> {
    /// The graph.
    pub graph: &'a AttackGraph,
    /// All of its assets.
    pub risk: &'a EstateRisk,
}

/// The assets whose blast radius a change may have changed.
#[derive(Debug, Clone)]
pub struct Affected {
    /// Ascending.
    assets: Vec<NodeId>,
    /// The states that what they endanger depends on; not looked for where the assets themselves are
    /// many.
    cone: Option<Vec<u32>>,
    is_few: bool,
}

impl Affected {
    /// Looks for them. O(states + steps).
    pub fn new(old: &AttackGraph, graph: &AttackGraph, delta: &SnapshotDelta) -> Self {
        let assets = affected_assets(old, graph, delta);
        let states = || assets.iter().flat_map(|&asset| graph.states_of(asset));
        let is_few = |n: usize| n * 2 <= graph.n_states();
        let cone = is_few(states().count()).then(|| around(graph, states()));
        Affected {
            is_few: cone.as_ref().is_some_and(|cone| is_few(cone.len())),
            cone,
            assets,
        }
    }

    /// How many there are.
    pub fn n_assets(&self) -> usize {
        self.assets.len()
    }

    /// Whether computing them alone is less work than computing all.
    pub fn is_few(&self) -> bool {
        self.is_few
    }
}

/// As [`recompute`], for a graph that differs from an older one by `delta`, and with the same
/// result. Exploitability is searched anew, which is quick; blast radius and expected loss only for
/// assets that the change affects, unless these are many.
pub fn recompute_again(
    old: Computed<'_>,
    graph: &AttackGraph,
    delta: &SnapshotDelta,
    starts: &[StateId],
    pool: &rayon::ThreadPool,
    budget: &Budget,
) -> Outcome<EstateRisk> {
    let affected = Affected::new(old.graph, graph, delta);
    // What was estimated is no ground to build on.
    if old.risk.size_error.is_some() || !affected.is_few {
        return recompute(graph, starts, pool, budget, &|_| {});
    }
    recompute_affected(old, graph, (delta, &affected), starts, pool, budget)
}

/// As [`recompute_again`], whether the assets that are `affected` are few or many. What was computed
/// before must be exact.
pub fn recompute_affected(
    old: Computed<'_>,
    graph: &AttackGraph,
    (delta, affected): (&SnapshotDelta, &Affected),
    starts: &[StateId],
    pool: &rayon::ThreadPool,
    budget: &Budget,
) -> Outcome<EstateRisk> {
    let topology = graph.topology();
    let Affected {
        assets: affected,
        cone,
        ..
    } = affected;
    let (forward, stop) = cheapest_from(topology, starts, budget).into_parts();
    let mut stopped = stop;
    let n_reached = topology
        .states()
        .filter(|&state| forward.is_reached(state))
        .count();
    let states = affected.iter().flat_map(|&asset| graph.states_of(asset));
    let cone = cone.clone().unwrap_or_else(|| around(graph, states));
    let Ok(assets) = AssetGraph::of(graph, &cone) else {
        return recompute(graph, starts, pool, budget, &|_| {});
    };
    // Losses are added up in groups of jewels, and these must be the groups of a full recomputation.
    let jewels = crown_jewels(graph.snapshot());
    let has_states = |asset: NodeId| !graph.states_of(asset).is_empty();
    let places: Vec<Place> = jewels
        .iter()
        .filter(|jewel| has_states(jewel.asset))
        .map(|jewel| (assets.place(jewel.asset), jewel.value))
        .collect();
    let (sizes, stop) = sizes_of_assets(&assets, &places, pool, budget);
    stopped = stopped.or(stop);
    let sides = SideCosts::free(assets.topology());
    let (losses, stop) = match LossSearch::new(assets.topology(), &sides, budget) {
        Ok(search) => losses_of_assets(&assets, &search, &places, pool, budget),
        Err(stop) => (Vec::new(), Some(stop)),
    };
    stopped = stopped.or(stop);

    let mut kept = old
        .risk
        .assets
        .iter()
        .filter_map(|risk| Some((delta.node(risk.asset)?, risk)))
        .peekable();
    let mut risks = Vec::new();
    let mut state = 0;
    while state < graph.n_states() as u32 {
        let asset = graph.state(StateId(state)).asset;
        let (cost, n_steps) = likeliest(graph, &forward, asset);
        while kept.next_if(|(other, _)| *other < asset).is_some() {}
        let before = kept.next_if(|(other, _)| *other == asset);
        let mut risk = match before {
            Some((_, before)) => AssetRisk {
                asset,
                ..before.clone()
            },
            None => AssetRisk::unknown(asset),
        };
        (risk.cost, risk.n_steps) = (cost, n_steps);
        if affected.binary_search(&asset).is_ok()
            && let Some(at) = assets.place(asset)
        {
            let loss = losses.get(at).copied().unwrap_or(0).cast_signed();
            risk.endangers(graph, sizes.get(2 * at..2 * at + 2), loss);
        }
        risks.push(risk);
        state = graph.states_of(asset).end;
    }
    let risk = EstateRisk {
        assets: risks,
        n_reached,
        size_error: None,
    };
    Outcome::new(risk, stopped)
}

/// The likeliest way to more than network access.
fn likeliest(graph: &AttackGraph, forward: &Cheapest, asset: NodeId) -> (Cost, u32) {
    graph
        .states_of(asset)
        .map(StateId)
        .filter(|&state| graph.state(state).capability != Capability::Reach)
        .filter(|&state| forward.is_reached(state))
        .map(|state| {
            let n_steps = forward.n_steps(state).unwrap_or(0);
            (forward.cost(state), n_steps as u32)
        })
        .min()
        .unwrap_or((UNREACHED, 0))
}

/// The assets whose blast radius may have changed, ascending.
fn affected_assets(old: &AttackGraph, graph: &AttackGraph, delta: &SnapshotDelta) -> Vec<NodeId> {
    let mut found = Bits::new(graph.n_states());
    let mut pending: Vec<u32> = changed_states(old, graph, delta);
    pending.retain(|&state| found.insert(state));
    let topology = graph.topology();
    while let Some(state) = pending.pop() {
        for (_, premise, _) in topology.in_steps(StateId(state)) {
            if found.insert(premise.0) {
                pending.push(premise.0);
            }
        }
        for step in topology.in_and_steps(StateId(state)) {
            for premise in topology.premises(step) {
                if found.insert(premise.0) {
                    pending.push(premise.0);
                }
            }
        }
    }
    let states = found.iter_in(0..graph.n_states() as u32);
    let mut assets: Vec<NodeId> = states
        .map(|state| graph.state(StateId(state)).asset)
        .collect();
    assets.dedup();
    assets
}

/// The states of the newer graph from which steps changed, and those of assets that have other
/// states or another value than before.
fn changed_states(old: &AttackGraph, graph: &AttackGraph, delta: &SnapshotDelta) -> Vec<u32> {
    let now = now_of_states(old, graph, delta);
    let mut changed = Bits::new(graph.n_states());
    let mut is_known = Bits::new(graph.n_states());
    for (before, &now_at) in (0..).zip(&now) {
        if now_at == GONE {
            // The asset has lost a state; which was there to be held with the others.
            if let Some(asset) = delta.node(old.state(StateId(before)).asset) {
                graph.states_of(asset).for_each(|state| {
                    changed.insert(state);
                });
            }
            continue;
        }
        is_known.insert(now_at);
        let row = old.topology().out_steps(StateId(before));
        let row = row.map(|(_, gain, cost)| (now[gain.idx()], cost));
        let own = graph.topology().out_steps(StateId(now_at));
        if !row.eq(own.map(|(_, gain, cost)| (gain.0, cost))) {
            changed.insert(now_at);
        }
    }
    for state in 0..graph.n_states() as u32 {
        if !is_known.contains(state) {
            for own in graph.states_of(graph.state(StateId(state)).asset) {
                changed.insert(own);
            }
        }
    }
    let before = and_steps(old, |state| now[state.idx()]);
    let after = and_steps(graph, |state| state.0);
    for (one, other) in [(&before, &after), (&after, &before)] {
        for step in one.iter().filter(|step| other.binary_search(step).is_err()) {
            for &premise in step.0.iter().filter(|&&premise| premise != GONE) {
                changed.insert(premise);
            }
        }
    }
    for asset in changed_jewels(old, graph, delta) {
        for state in graph.states_of(asset) {
            changed.insert(state);
        }
    }
    changed.iter_in(0..graph.n_states() as u32).collect()
}

/// The new id of a state that is gone.
const GONE: u32 = u32::MAX;

fn now_of_states(old: &AttackGraph, graph: &AttackGraph, delta: &SnapshotDelta) -> Vec<u32> {
    let states = (0..old.n_states() as u32).map(|state| old.state(StateId(state)));
    states
        .map(|mut state| {
            let found = delta.node(state.asset).and_then(|asset| {
                state.asset = asset;
                graph.find_state(state)
            });
            found.map_or(GONE, |state| state.0)
        })
        .collect()
}

/// Premises, gain, cost, and a number among equal ones.
type AndStep = (Vec<u32>, u32, Cost, u32);

fn and_steps(graph: &AttackGraph, id: impl Fn(StateId) -> u32) -> Vec<AndStep> {
    let topology = graph.topology();
    let steps = (topology.n_single_steps() as u32..topology.n_steps() as u32).map(StepId);
    let mut found: Vec<AndStep> = steps
        .map(|step| {
            let premises = topology.premises(step).into_iter().map(&id);
            (
                premises.collect(),
                id(topology.gain(step)),
                topology.cost(step),
                0,
            )
        })
        .collect();
    found.sort_unstable();
    for at in 1..found.len() {
        let (before, own) = found.split_at_mut(at);
        if let (Some(before), Some(own)) = (before.last(), own.first_mut())
            && (&before.0, before.1, before.2) == (&own.0, own.1, own.2)
        {
            own.3 = before.3 + 1;
        }
    }
    found
}

/// Assets of the newer graph that are worth something else than before.
fn changed_jewels(old: &AttackGraph, graph: &AttackGraph, delta: &SnapshotDelta) -> Vec<NodeId> {
    let key = |asset: NodeId, value: f64| (asset, value.to_bits());
    let before = crown_jewels(old.snapshot());
    let before: Vec<_> = before
        .iter()
        .filter_map(|jewel| Some(key(delta.node(jewel.asset)?, jewel.value)))
        .collect();
    let after = crown_jewels(graph.snapshot());
    let after: Vec<_> = after
        .iter()
        .map(|jewel| key(jewel.asset, jewel.value))
        .collect();
    let one_side = |these: &[(NodeId, u64)], those: &[(NodeId, u64)]| -> Vec<NodeId> {
        let missing = these.iter().filter(|one| those.binary_search(one).is_err());
        missing.map(|one| one.0).collect()
    };
    let mut changed = one_side(&before, &after);
    changed.extend(one_side(&after, &before));
    changed
}

/// What can be reached from these states along any premise, and the other premises on the way,
/// ascending.
fn around(graph: &AttackGraph, states: impl Iterator<Item = u32>) -> Vec<u32> {
    let topology = graph.topology();
    let mut found = Bits::new(graph.n_states());
    let mut sides = Bits::new(graph.n_states());
    let mut pending: Vec<u32> = states.filter(|&state| found.insert(state)).collect();
    while let Some(state) = pending.pop() {
        for (_, gain, _) in topology.out_steps(StateId(state)) {
            if found.insert(gain.0) {
                pending.push(gain.0);
            }
        }
        for step in topology.out_and_steps(StateId(state)) {
            for premise in topology.premises(step) {
                sides.insert(premise.0);
            }
            let gain = topology.gain(step);
            if found.insert(gain.0) {
                pending.push(gain.0);
            }
        }
    }
    let all = 0..graph.n_states() as u32;
    all.filter(|&state| found.contains(state) || sides.contains(state))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::attack::testing::{derived, hop, snapshot};
    use crate::attack::{Rule, StateTemplate};

    fn rules() -> Vec<Rule> {
        let mut both = hop("both", "B", Capability::Exec, Capability::Read, 0.6);
        both.given.push(StateTemplate {
            var: both.gain[0].var,
            capability: Capability::Reach,
        });
        vec![
            hop("reach", "R", Capability::Exec, Capability::Reach, 0.9),
            hop("take", "K", Capability::Reach, Capability::Exec, 0.5),
            hop("move", "X", Capability::Exec, Capability::Exec, 0.7),
            hop("again", "X", Capability::Exec, Capability::Exec, 0.4),
            hop("sure", "S", Capability::Read, Capability::Exec, 1.0),
            both,
        ]
    }

    #[test]
    fn computing_again_is_computing() {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .build()
            .unwrap();
        let budget = Budget::unlimited();
        let mut n_partly = 0;
        for seed in 0..150_u32 {
            let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(99);
            let mut random = |n: u32| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) % n
            };
            // Several estates side by side: most of them are not concerned by a change of one.
            let n = 30;
            let mut line = || {
                let from = random(n);
                let to = from / 6 * 6 + random(6);
                match random(12) {
                    0..3 => format!("a{from} X a{to}"),
                    3..6 => format!("a{from} R a{to}"),
                    6..8 => format!("a{from} K a{to}"),
                    8 => format!("a{from} B a{to}"),
                    9 => format!("a{from} S a{to}"),
                    10 => format!("a{from} value {}", 1 + random(9)),
                    _ => format!("a{from} K a{}", random(n)),
                }
            };
            let mut lines: Vec<String> = (0..60).map(|_| line()).collect();
            let make = |lines: &[String]| {
                let mut text = String::new();
                for line in lines {
                    writeln!(text, "{line}").unwrap();
                }
                derived(&snapshot(&text), rules(), 1)
            };
            let mut old = make(&lines);
            let starts = [StateId(0)];
            let full = |graph: &AttackGraph| {
                recompute(graph, &starts, &pool, &budget, &|_| {})
                    .into_parts()
                    .0
            };
            let mut risk = full(&old);
            for round in 0..4 {
                let at = (seed + round) as usize * 7 % lines.len();
                lines.remove(at);
                lines.push(line());
                let graph = make(&lines);
                let delta = SnapshotDelta::new(old.snapshot(), graph.snapshot());
                let computed = Computed {
                    graph: &old,
                    risk: &risk,
                };
                let again = recompute_again(computed, &graph, &delta, &starts, &pool, &budget);
                assert_eq!(
                    again,
                    Outcome::Complete(full(&graph)),
                    "seed {seed}, {round}"
                );
                let n_affected = affected_assets(&old, &graph, &delta).len();
                n_partly += usize::from(n_affected > 0 && n_affected < 10);
                risk = again.into_parts().0;
                old = graph;
            }
        }
        assert!(n_partly > 100, "{n_partly}");
    }
}
