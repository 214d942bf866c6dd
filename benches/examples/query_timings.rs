//! Asks Foothold the questions of `queries.toml` and prints what it took, one JSON object a line.
//!
//! `cargo run --release -p foothold-benches --example query_timings -- SCALE REPEATS [NAME...]`
//!
//! First `{"load": ..}` with seconds and bytes, then `{"name", "min_ms", "median_ms", "cpu_ms",
//! "rows"}` for each question; `cpu_ms` is the mean of all repeats. `FOOTHOLD_THREADS=2` runs
//! queries in a pool of two.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program that measures or says why it cannot"
)]

use foothold_engine::memory::HugePages;
use std::time::Instant;

use foothold_benches::query::{Asked, pairs, questions};
use foothold_benches::{estate, process};
use foothold_query::json::to_json;
use serde_json::json;

#[global_allocator]
static MEMORY: HugePages = HugePages;

fn main() {
    let mut args = std::env::args().skip(1);
    let scale: f64 = args.next().map_or(1.0, |scale| scale.parse().unwrap());
    let repeats: usize = args.next().map_or(5, |repeats| repeats.parse().unwrap());
    let wanted: Vec<String> = args.collect();
    let threads = std::env::var("FOOTHOLD_THREADS").map_or(1, |threads| threads.parse().unwrap());
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap();
    pool.install(|| measure(scale, repeats, &wanted));
}

fn measure(scale: f64, repeats: usize, wanted: &[String]) {
    let lines = estate::lines(scale).unwrap();
    let (start, cpu) = (Instant::now(), process::cpu_ms());
    let snapshot = estate::import(lines).unwrap();
    let load = json!({
        "seconds": start.elapsed().as_secs_f64(),
        "cpu_seconds": (process::cpu_ms() - cpu) / 1000.0,
        "bytes": snapshot.stats().heap_bytes,
        "nodes": snapshot.stats().n_nodes,
        "edges": snapshot.stats().n_edges,
    });
    println!("{}", json!({ "load": load }));
    let pairs = pairs(&snapshot);
    for question in questions().unwrap() {
        if !wanted.is_empty() && !wanted.contains(&question.name) {
            continue;
        }
        let asked = Asked::new(&question, &pairs);
        let rows = asked.answer(&snapshot).unwrap();
        let cpu = process::cpu_ms();
        let mut times: Vec<f64> = (0..repeats)
            .map(|_| {
                let start = Instant::now();
                asked.answer(&snapshot).unwrap();
                start.elapsed().as_secs_f64() * 1000.0
            })
            .collect();
        let cpu = (process::cpu_ms() - cpu) / repeats as f64;
        times.sort_by(f64::total_cmp);
        let rows: Vec<Vec<_>> = rows
            .iter()
            .map(|row| row.iter().map(|value| to_json(&snapshot, value)).collect())
            .collect();
        let record = json!({
            "name": question.name,
            "min_ms": times[0],
            "median_ms": times[times.len() / 2],
            "cpu_ms": cpu,
            "rows": rows,
        });
        println!("{record}");
    }
}
