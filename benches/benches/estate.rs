//! The main job on the generated estate: import, derive, recompute, paths.
//!
//! `cargo bench -p foothold-benches --bench estate`; `FOOTHOLD_SCALE=0.1` for a smaller one.

#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a bench for a person at a terminal"
)]

use foothold_engine::memory::HugePages;
use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use foothold_benches::estate;
use foothold_engine::attack::crown_jewels;
use foothold_engine::budget::Budget;
use foothold_engine::recompute::recompute;
use foothold_engine::search::{PathQuery, StateId, attack_paths};
use foothold_query::verb::default_start;

#[global_allocator]
static MEMORY: HugePages = HugePages;

fn scale() -> f64 {
    std::env::var("FOOTHOLD_SCALE")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1.0)
}

fn main_job(criterion: &mut Criterion) {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(2)
        .build()
        .expect("a pool of two");
    let lines = estate::lines(scale()).expect("a scale in range");
    let mut group = criterion.benchmark_group("estate");
    group.sample_size(10);
    group.bench_function("import", |bench| {
        bench.iter_batched(
            || lines.clone(),
            |lines| pool.install(|| estate::import(lines).expect("an estate that fits")),
            BatchSize::PerIteration,
        );
    });

    let snapshot = pool.install(|| estate::import(lines.clone()).expect("an estate that fits"));
    let stats = snapshot.stats();
    group.bench_function("derive", |bench| {
        bench.iter(|| {
            estate::attack(black_box(&snapshot), &pool).expect("an attack graph that fits")
        });
    });

    let graph = estate::attack(&snapshot, &pool).expect("an attack graph that fits");
    eprintln!(
        "{} nodes, {} edges, snapshot {:.1} MB ({:.1} B/edge topology); {} states, {} steps, attack graph {:.1} MB",
        stats.n_nodes,
        stats.n_edges,
        stats.heap_bytes as f64 / 1e6,
        stats.topology_bytes as f64 / stats.n_edges as f64,
        graph.n_states(),
        graph.n_steps(),
        graph.heap_bytes() as f64 / 1e6,
    );
    let starts = default_start(&graph);
    group.bench_function("exploitability and blast radius of all assets", |bench| {
        bench.iter(|| recompute(&graph, &starts, &pool, &Budget::unlimited(), &|_| {}));
    });

    let targets: Vec<StateId> = crown_jewels(&snapshot)
        .iter()
        .flat_map(|jewel| graph.target_states(jewel.asset).collect::<Vec<_>>())
        .collect();
    let question = PathQuery::best(starts, targets, 100);
    group.bench_function(
        "100 likeliest paths, internet to all crown jewels",
        |bench| {
            bench.iter(|| attack_paths(graph.topology(), &question, &pool, &Budget::unlimited()));
        },
    );
    group.finish();
}

criterion_group!(benches, main_job);
criterion_main!(benches);
