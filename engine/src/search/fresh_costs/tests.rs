//! Every change against searching anew.

use super::*;
use crate::search::{StepGraphBuilder, expected_loss_of_all};

struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % n) as u32
    }

    /// Zero is frequent: it is what goes wrong.
    fn cost(&mut self) -> Cost {
        if self.below(3) == 0 {
            0
        } else {
            self.below(5) * 10_000
        }
    }

    fn step(&mut self, n: u64) -> (Vec<StateId>, StateId, Cost) {
        let n_premises = 1 + u64::from(self.below(4) == 0) + u64::from(self.below(9) == 0);
        let premises = (0..n_premises).map(|_| StateId(self.below(n))).collect();
        (premises, StateId(self.below(n)), self.cost())
    }
}

type Model = Vec<Option<(Vec<StateId>, StateId, Cost)>>;

fn graph(n_states: u32, model: &Model) -> StepGraph {
    let mut builder = StepGraphBuilder::new(n_states);
    for (premises, gain, cost) in model.iter().flatten() {
        builder.step(premises, *gain, *cost).unwrap();
    }
    builder.finish().0
}

/// The steps of a graph in order of id.
fn model(graph: &StepGraph) -> Model {
    graph
        .steps()
        .map(|step| {
            let premises = graph.premises(step).into_iter().collect();
            Some((premises, graph.gain(step), graph.cost(step)))
        })
        .collect()
}

fn changes(random: &mut Random, n: u64, model: &mut Model) -> Vec<StepChange> {
    let mut changes = Vec::new();
    for _ in 0..=random.below(3) {
        let at = random.below(model.len() as u64) as usize;
        let is_named_already = changes.iter().any(|change| {
            matches!(change, StepChange::Remove(step) | StepChange::Cost(step, _) if step.idx() == at)
        });
        match (random.below(3), &mut model[at]) {
            (0, step) if !is_named_already => {
                *step = None;
                changes.push(StepChange::Remove(StepId(at as u32)));
            }
            (1, Some(step)) if !is_named_already => {
                step.2 = random.cost();
                changes.push(StepChange::Cost(StepId(at as u32), step.2));
            }
            _ => {
                let (premises, gain, cost) = random.step(n);
                model.push(Some((premises.clone(), gain, cost)));
                changes.push(StepChange::Add {
                    premises,
                    gain,
                    cost,
                });
            }
        }
    }
    changes
}

#[test]
fn costs_from_the_starts_are_those_of_a_new_search() {
    let budget = Budget::unlimited();
    for seed in 0..3000 {
        let mut random = Random(seed);
        let n = 2 + u64::from(random.below(9));
        let n_steps = 1 + random.below(25);
        let first: Model = (0..n_steps).map(|_| Some(random.step(n))).collect();
        let base = graph(n as u32, &first);
        let mut model = model(&base);
        let starts = [StateId(0)];
        let mut fresh = FreshCosts::from_starts(&base, &starts, &budget).unwrap();
        for round in 0..6 {
            let before: Vec<Cost> = base.states().map(|state| fresh.cost(state, 0)).collect();
            let changed = fresh.apply(&changes(&mut random, n, &mut model));
            let now = graph(n as u32, &model);
            let full = cheapest_from(&now, &starts, &budget).into_parts().0;
            for state in base.states() {
                assert_eq!(
                    fresh.cost(state, 0),
                    full.cost(state),
                    "seed {seed}, round {round}, {state:?}"
                );
                let is_changed = before[state.idx()] != full.cost(state);
                assert_eq!(changed.contains(&state), is_changed);
            }
        }
    }
}

#[test]
fn costs_and_sums_to_assets_are_those_of_new_searches() {
    let budget = Budget::unlimited();
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    for seed in 0..2000 {
        let mut random = Random(seed);
        let n = 2 + u64::from(random.below(9));
        let n_steps = 1 + random.below(25);
        let first: Model = (0..n_steps).map(|_| Some(random.step(n))).collect();
        let base = graph(n as u32, &first);
        let mut model = model(&base);
        let assets: Vec<ValuedAsset> = (0..3)
            .map(|_| ValuedAsset {
                value: 1 + random.below(100),
                states: (0..=random.below(2))
                    .map(|_| StateId(random.below(n)))
                    .collect(),
            })
            .collect();
        let mut fresh = FreshCosts::to_assets(&base, &assets, &pool, &budget).unwrap();
        for round in 0..6 {
            fresh.apply(&changes(&mut random, n, &mut model));
            let now = graph(n as u32, &model);
            let sides = SideCosts::free(&now);
            let losses = expected_loss_of_all(&now, &assets, &sides, &pool, &budget);
            let losses = losses.into_parts().0;
            let mut values = vec![0; n as usize];
            for (lane, asset) in assets.iter().enumerate() {
                let full = cheapest_to(&now, &asset.states, &sides, &budget);
                let full = full.into_parts().0;
                for state in base.states() {
                    let context = format!("seed {seed}, round {round}, {state:?}");
                    assert_eq!(fresh.cost(state, lane), full.cost(state), "{context}");
                    if full.is_reached(state) {
                        values[state.idx()] += u64::from(asset.value);
                    }
                }
            }
            for state in base.states() {
                assert_eq!(fresh.value(state), values[state.idx()]);
                let (kept, full) = (fresh.expected_loss(state), losses.of(state));
                // Each lane is rounded down by itself.
                assert!((kept - full).abs() < 1e-6, "seed {seed}, round {round}");
            }
        }
    }
}
