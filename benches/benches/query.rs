//! Queries on the generated estate, from text to rows, and the front end alone.
//!
//! `cargo bench -p foothold-benches --bench query`; `-- frontend` or another name for a part of it,
//! `FOOTHOLD_SCALE=0.1` for a smaller estate. `FOOTHOLD_THREADS=2` runs queries in a pool of two.

#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a bench for a person at a terminal"
)]

use std::hint::black_box;
use std::str::FromStr;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use foothold_benches::estate;
use foothold_benches::query::{Asked, pairs, questions};

fn number<T: FromStr>(variable: &str) -> Option<T> {
    std::env::var(variable).ok()?.parse().ok()
}

fn queries(criterion: &mut Criterion) {
    // Making the estate takes seconds; a run that is for another group does without.
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    if wanted.iter().any(|word| word.starts_with("frontend")) {
        return;
    }
    let lines = estate::lines(number("FOOTHOLD_SCALE").unwrap_or(1.0)).expect("a scale in range");
    let snapshot = estate::import(lines).expect("an estate that fits");
    let stats = snapshot.stats();
    eprintln!("{} nodes, {} edges", stats.n_nodes, stats.n_edges);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(number("FOOTHOLD_THREADS").unwrap_or(1))
        .build()
        .expect("a pool");
    let pairs = pairs(&snapshot);
    let mut group = criterion.benchmark_group("query");
    group.sample_size(10);
    group.warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(2));
    for question in questions().expect("questions") {
        let asked = Asked::new(&question, &pairs);
        group.bench_function(&question.name, |bench| {
            pool.install(|| {
                bench.iter(|| asked.answer(black_box(&snapshot)).expect("an answer"));
            });
        });
    }
    group.finish();
}

criterion_group!(benches, queries);
criterion_main!(benches);
