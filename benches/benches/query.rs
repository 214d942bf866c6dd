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

use foothold_engine::memory::HugePages;
use std::hint::black_box;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use foothold_benches::estate;
use foothold_benches::frontend::long_queries;
use foothold_benches::query::{Asked, pairs, questions};
use foothold_query::define::Definitions;
use foothold_query::verb::AttackContext;
use foothold_query::{Env, Params, prepare};

#[global_allocator]
static MEMORY: HugePages = HugePages;

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

/// Reading and planning long queries: what stands between a text and its first row.
fn frontend(criterion: &mut Criterion) {
    let lines = estate::lines(0.02).expect("a scale in range");
    let snapshot = estate::import(lines).expect("an estate that fits");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let pool = Arc::new(pool.expect("a pool"));
    let context = AttackContext {
        graph: estate::attack(&snapshot, &pool).expect("an attack graph that fits"),
        definitions: Arc::new(Definitions::shipped()),
        pool,
        unknowns: foothold_query::verb::Unknowns::default(),
    };
    let env = Env {
        now_ms: 0,
        surroundings: &context,
    };
    let mut group = criterion.benchmark_group("frontend");
    group.sample_size(10);
    group.warm_up_time(Duration::from_millis(100));
    group.measurement_time(Duration::from_millis(300));
    for query in long_queries(10 * 1024) {
        let result = match prepare(&snapshot, &query.text, &Params::new(), &env) {
            Ok(_) => "accepted".to_owned(),
            Err(diagnostics) => diagnostics[0].code.name().to_owned(),
        };
        let name = format!("{}, {} bytes, {result}", query.name, query.text.len());
        group.bench_function(name, |bench| {
            bench.iter(|| prepare(&snapshot, black_box(&query.text), &Params::new(), &env).is_ok());
        });
    }
    group.finish();
}

criterion_group!(benches, queries, frontend);
criterion_main!(benches);
