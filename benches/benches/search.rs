//! Every search on the synthetic attack graph of 100,000 states and 1 million steps.
//!
//! `cargo bench -p foothold-benches --bench search`; set `FOOTHOLD_BENCH_SCALE=10` for 1 million
//! states and 10 million steps.

#![allow(missing_docs, reason = "made by criterion's macros")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a bench that cannot run says why and ends"
)]

use foothold_engine::memory::HugePages;
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use foothold_datasets::attack_graph::{
    AttackGraphParams, SyntheticAttackGraph, synthetic_attack_graph,
};
use foothold_engine::budget::{Budget, Outcome};
use foothold_engine::search::{
    self, Condensation, Cuttable, Links, PathQuery, SideCosts, StateId, Top, ValuedAsset,
};

#[global_allocator]
static MEMORY: HugePages = HugePages;

fn complete<T>(outcome: Outcome<T>) -> T {
    match outcome {
        Outcome::Complete(value) => value,
        Outcome::Partial(_, stop) => panic!("stopped: {stop}"),
    }
}

fn generated() -> SyntheticAttackGraph {
    let scale = std::env::var("FOOTHOLD_BENCH_SCALE").map_or(1.0, |scale| scale.parse().unwrap());
    synthetic_attack_graph(AttackGraphParams::at_scale(scale)).unwrap()
}

fn searches(criterion: &mut Criterion) {
    let made = generated();
    let (graph, starts) = (&made.graph, [made.start]);
    let jewels: Vec<StateId> = made.jewels.iter().map(|jewel| jewel.0).collect();
    let pool = rayon::ThreadPoolBuilder::new().build().unwrap();
    let budget = Budget::unlimited();
    let condensed = Condensation::new(graph, Links::Single, &budget).unwrap();
    let sides = SideCosts::free(graph);
    let mut group = criterion.benchmark_group("search");
    group.sample_size(10);
    group.bench_function("exploitability of all", |bencher| {
        bencher.iter(|| complete(search::cheapest_from(graph, &starts, &budget)));
    });
    group.bench_function("components", |bencher| {
        bencher.iter(|| search::components(graph, Links::Single, &budget).unwrap());
    });
    group.bench_function("reach to jewels, condensed anew", |bencher| {
        bencher.iter(|| {
            let condensed = Condensation::new(graph, Links::WithAndSteps, &budget).unwrap();
            complete(search::reach_of_all(
                &condensed,
                &made.jewels,
                &pool,
                &budget,
            ))
        });
    });
    group.bench_function("blast radius of all", |bencher| {
        bencher.iter(|| {
            complete(search::blast_sizes(
                graph,
                &condensed,
                &[],
                None,
                None,
                &pool,
                &budget,
            ))
        });
    });
    group.bench_function("10 paths for 20 pairs", |bencher| {
        let mut query = PathQuery::best(starts.to_vec(), jewels[..20].to_vec(), 0);
        query.top = Top::PerPair(10);
        bencher.iter(|| complete(search::attack_paths(graph, &query, &pool, &budget)));
    });
    group.bench_function("100 paths to all jewels", |bencher| {
        let query = PathQuery::best(starts.to_vec(), jewels.clone(), 100);
        bencher.iter(|| complete(search::attack_paths(graph, &query, &pool, &budget)));
    });
    group.bench_function("dominators", |bencher| {
        bencher.iter(|| search::dominators(graph, &starts, &budget).unwrap());
    });
    group.bench_function("minimum vertex cut", |bencher| {
        bencher.iter(|| {
            search::minimum_cut(graph, &starts, &jewels, Cuttable::States, &budget).unwrap()
        });
    });
    group.bench_function("sampled probability, 4096 worlds", |bencher| {
        bencher.iter(|| complete(search::sample(graph, &starts, 4096, 1, &pool, &budget)));
    });
    group.bench_function("expected loss of all", |bencher| {
        let assets: Vec<ValuedAsset> = made
            .jewels
            .iter()
            .map(|&(state, value)| ValuedAsset {
                value,
                states: vec![state],
            })
            .collect();
        bencher.iter(|| {
            let loss = search::expected_loss_of_all(graph, &assets, &sides, &pool, &budget);
            black_box(complete(loss))
        });
    });
    group.finish();
}

criterion_group!(benches, searches);
criterion_main!(benches);
