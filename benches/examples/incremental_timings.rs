//! What a change costs beside starting over.
//!
//! `cargo run --release -p foothold-benches --example incremental_timings -- 1 0.01` for scale 1
//! and 1 % of all facts. Wall time and CPU time, best of three; on a busy machine CPU time is the
//! one to read.

#![allow(
    missing_docs,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "for a person at a terminal"
)]

use std::sync::Arc;
use std::time::Instant;

use foothold_benches::change::{Change, changed};
use foothold_benches::estate;
use foothold_benches::process::cpu_ms;
use foothold_datasets::attack_graph::{AttackGraphParams, synthetic_attack_graph};
use foothold_engine::attack::{RuleSet, derive, derive_again};
use foothold_engine::budget::Budget;
use foothold_engine::graph::{Snapshot, SnapshotDelta};
use foothold_engine::recompute::recompute;
use foothold_engine::score::ScoringModel;
use foothold_engine::search::{FreshCosts, FreshReach, StateId, StepChange, StepId, ValuedAsset};
use foothold_query::define::Definitions;
use foothold_query::verb::default_start;

fn main() {
    let mut args = std::env::args().skip(1);
    let mut number = |or: f64| args.next().and_then(|text| text.parse().ok()).unwrap_or(or);
    let (scale, part) = (number(1.0), number(0.01));
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(2)
        .build()
        .expect("a pool of two");
    pool.install(|| facts(scale, part, &pool));
    single_steps(scale, &pool);
}

/// The best of three, as wall and CPU milliseconds.
fn best<T>(mut work: impl FnMut() -> T) -> (T, f64, f64) {
    let mut once = || {
        let (start, cpu) = (Instant::now(), cpu_ms());
        let value = work();
        let wall = start.elapsed().as_secs_f64() * 1e3;
        (value, wall, cpu_ms() - cpu)
    };
    let mut found = once();
    for _ in 0..2 {
        let (value, wall, cpu) = once();
        found = (value, found.1.min(wall), found.2.min(cpu));
    }
    found
}

fn rules(snapshot: &Snapshot) -> Arc<RuleSet> {
    let model = Arc::new(ScoringModel::shipped());
    Arc::new(Definitions::shipped().compile(snapshot, &model).0)
}

fn facts(scale: f64, part: f64, pool: &rayon::ThreadPool) {
    let budget = Budget::unlimited();
    let lines = estate::lines(scale).expect("a scale in range");
    let old = estate::import(lines.clone()).expect("an estate that fits");
    let old_rules = rules(&old);
    let full = || derive(&old, &old_rules, pool, &budget).expect("a graph that fits");
    let (graph, full_wall, full_cpu) = best(full);
    println!(
        "\n{} nodes, {} edges; {} states, {} steps, {} matches",
        old.n_nodes(),
        old.n_edges(),
        graph.n_states(),
        graph.n_steps(),
        graph.n_instances()
    );
    println!("full derivation: {full_wall:.0} ms, {full_cpu:.0} ms CPU");
    let starts = default_start(&graph);
    let (_, wall, cpu) = best(|| recompute(&graph, &starts, pool, &budget, &|_| {}));
    println!("full recomputation of all assets: {wall:.0} ms, {cpu:.0} ms CPU");
    println!("\nchange | facts | delta ms (CPU) | derive ms (CPU) | both, CPU, of full");
    for change in Change::ALL {
        let lines = changed(&lines, change, part, 7);
        let new = estate::import(lines).expect("an estate that fits");
        let new_rules = rules(&new);
        let (delta, delta_wall, delta_cpu) = best(|| SnapshotDelta::new(&old, &new));
        let (again, wall, cpu) = best(|| {
            derive_again(&graph, &delta, &new, &new_rules, pool, &budget)
                .expect("a graph that fits")
        });
        let full = derive(&new, &new_rules, pool, &budget).expect("a graph that fits");
        let same = if again.is_identical(&full) {
            ""
        } else {
            " DIFFERS"
        };
        println!(
            "{} | {} | {delta_wall:.1} ({delta_cpu:.1}) | {wall:.1} ({cpu:.1}) | {:.1} %{same}",
            change.name(),
            delta.n_facts(),
            100.0 * (delta_cpu + cpu) / full_cpu
        );
    }
}

/// One step removed, put back, made dearer and added, on the synthetic attack graph.
fn single_steps(scale: f64, pool: &rayon::ThreadPool) {
    let generated = synthetic_attack_graph(AttackGraphParams::at_scale(scale));
    let generated = generated.expect("a graph that fits");
    let graph = &generated.graph;
    let assets: Vec<ValuedAsset> = generated
        .jewels
        .iter()
        .map(|&(state, value)| ValuedAsset {
            value,
            states: vec![state],
        })
        .collect();
    println!(
        "{} states, {} steps, {} crown jewels",
        graph.n_states(),
        graph.n_steps(),
        assets.len()
    );
    let budget = Budget::unlimited();
    let start = Instant::now();
    let mut reach = FreshReach::new(graph, &generated.jewels, &budget).expect("no limit");
    println!("weighted reach, first time: {:.0} ms", ms(start));
    one_step_each(
        "weighted reach of every state",
        |change| reach.apply(&[change]),
        graph.n_states(),
        graph.n_steps(),
    );
    let start = Instant::now();
    let mut to = FreshCosts::to_assets(graph, &assets, pool, &budget).expect("no limit");
    println!(
        "likeliest way to every jewel, first time: {:.0} ms",
        ms(start)
    );
    one_step_each(
        "likeliest way of every state to every jewel",
        |change| {
            to.apply(&[change]);
        },
        graph.n_states(),
        graph.n_steps(),
    );
    let start = Instant::now();
    let mut from = FreshCosts::from_starts(graph, &[generated.start], &budget).expect("no limit");
    println!("exploitability, first time: {:.1} ms", ms(start));
    one_step_each(
        "exploitability of every state",
        |change| {
            from.apply(&[change]);
        },
        graph.n_states(),
        graph.n_steps(),
    );
}

fn ms(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}

fn one_step_each(name: &str, mut apply: impl FnMut(StepChange), n_states: usize, n_steps: usize) {
    let mut state = 1_u64;
    let mut random = |n: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as usize % n
    };
    let mut times: [Vec<f64>; 4] = Default::default();
    for at in 0..300 {
        let step = StepId(random(n_steps) as u32);
        let ends = [random(n_states), random(n_states)].map(|id| StateId(id as u32));
        let add = StepChange::Add {
            premises: vec![ends[0]],
            gain: ends[1],
            cost: 6905,
        };
        // What was added goes again, so that shortcuts do not pile up.
        let added = StepId((n_steps + at) as u32);
        let back = StepChange::Cost(step, 6905);
        let changes = [
            StepChange::Remove(step),
            back,
            add,
            StepChange::Remove(added),
        ];
        for (times, change) in times.iter_mut().zip(changes) {
            let start = Instant::now();
            apply(change);
            times.push(ms(start));
        }
    }
    let names = [
        "removed",
        "put back",
        "added between any two states",
        "that one removed",
    ];
    for (what, mut times) in names.into_iter().zip(times) {
        times.sort_by(f64::total_cmp);
        let at = |part: usize| times[(times.len() - 1) * part / 100];
        println!(
            "{name}, {what}: median {:.4} ms, 90 % {:.3} ms, 99 % {:.3} ms, worst {:.2} ms",
            at(50),
            at(90),
            at(99),
            at(100)
        );
    }
}
