//! Times every search on the synthetic attack graph and prints one JSON line for each.
//!
//! `cargo run --release -p foothold-benches --example search_timings -- SCALE [REPEATS [ONLY]]`

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a program that measures and prints"
)]

use std::hint::black_box;
use std::time::Instant;

use foothold_datasets::attack_graph::{AttackGraphParams, synthetic_attack_graph};
use foothold_engine::budget::{Budget, Outcome};
use foothold_engine::memory::HugePages;
use foothold_engine::search::{
    self, Additions, Bits, Condensation, Cuttable, Fixes, Links, PathQuery, PlanGoal, StateId, Top,
    ValuedAsset, View,
};

#[global_allocator]
static MEMORY: HugePages = HugePages;

fn complete<T>(outcome: Outcome<T>) -> T {
    match outcome {
        Outcome::Complete(value) => value,
        Outcome::Partial(_, stop) => panic!("stopped: {stop}"),
    }
}

/// CPU time of all threads of this process so far, in milliseconds.
fn cpu_ms() -> f64 {
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten();
    let spent_ns: u64 = threads
        .flatten()
        .filter_map(|thread| std::fs::read_to_string(thread.path().join("schedstat")).ok())
        .filter_map(|stat| stat.split_whitespace().next()?.parse::<u64>().ok())
        .sum();
    spent_ns as f64 / 1e6
}

/// Prints the best wall time and the best CPU time; what was not asked for is left out.
fn time<T>(name: &str, repeats: u32, mut work: impl FnMut() -> T) -> Option<T> {
    let only = std::env::args().nth(3).unwrap_or_default();
    if !name.contains(&only) {
        return None;
    }
    let mut best = f64::INFINITY;
    let mut best_cpu = f64::INFINITY;
    let mut last = None;
    for _ in 0..repeats {
        let cpu_before = cpu_ms();
        let start = Instant::now();
        last = Some(black_box(work()));
        best = best.min(start.elapsed().as_secs_f64() * 1e3);
        best_cpu = best_cpu.min(cpu_ms() - cpu_before);
    }
    println!("{{\"work\":\"{name}\",\"ms\":{best:.3},\"cpu_ms\":{best_cpu:.3}}}");
    last
}

fn main() {
    let mut args = std::env::args().skip(1);
    let scale: f64 = args.next().map_or(1.0, |scale| scale.parse().unwrap());
    let repeats: u32 = args.next().map_or(5, |repeats| repeats.parse().unwrap());
    let made = synthetic_attack_graph(AttackGraphParams::at_scale(scale)).unwrap();
    let (graph, start) = (&made.graph, made.start);
    let budget = Budget::unlimited();
    println!(
        "{{\"states\":{},\"steps\":{},\"bytes_per_step\":{:.2}}}",
        graph.n_states(),
        graph.n_steps(),
        graph.memory_bytes() as f64 / graph.n_steps() as f64
    );
    let cheapest = time("exploitability", repeats, || {
        complete(search::cheapest_from(graph, &[start], &budget))
    });
    if let Some(cheapest) = cheapest {
        println!("{{\"reached\":{}}}", cheapest.n_reached());
    }
    let sides = search::SideCosts::free(graph);
    time("reverse tree of one jewel", repeats, || {
        complete(search::cheapest_to(
            graph,
            &[made.jewels[0].0],
            &sides,
            &budget,
        ))
    });
    let pool = rayon::ThreadPoolBuilder::new().build().unwrap();
    let jewels: Vec<StateId> = made.jewels.iter().map(|jewel| jewel.0).collect();
    let to_all = PathQuery::best(vec![start], jewels.clone(), 100);
    let paths = time("100 paths to all jewels", repeats, || {
        complete(search::attack_paths(graph, &to_all, &pool, &budget))
    });
    let paths = paths.unwrap_or_default();
    let n_steps: usize = paths.iter().map(|path| path.steps.len()).sum();
    println!("{{\"paths\":{},\"steps\":{n_steps}}}", paths.len());
    time("10 paths for 20 pairs", repeats, || {
        let mut query = PathQuery::best(vec![start], jewels[..20].to_vec(), 0);
        query.top = Top::PerPair(10);
        complete(search::attack_paths(graph, &query, &pool, &budget))
    });
    let found = time("components", repeats, || {
        search::components(graph, Links::Single, &budget).unwrap()
    });
    if let Some(found) = found {
        println!(
            "{{\"components\":{},\"largest\":{}}}",
            found.n_components(),
            found.largest()
        );
    }
    time("reach, condensed anew", repeats, || {
        let condensed = Condensation::new(graph, Links::WithAndSteps, &budget).unwrap();
        complete(search::reach_of_all(
            &condensed,
            &made.jewels,
            &pool,
            &budget,
        ))
    });
    let condensed = Condensation::new(graph, Links::Single, &budget).unwrap();
    time("reach, condensed before", repeats, || {
        complete(search::reach_of_all(
            &condensed,
            &made.jewels,
            &pool,
            &budget,
        ))
    });
    time("dominators", repeats, || {
        search::dominators(graph, &[start], &budget).unwrap()
    });
    let cut = time("minimum vertex cut", repeats, || {
        search::minimum_cut(graph, &[start], &jewels, Cuttable::States, &budget).unwrap()
    });
    println!("{{\"cut\":{}}}", cut.flatten().map_or(0, |cut| cut.cost));
    time("sampled probability, 4096 worlds", repeats.min(3), || {
        complete(search::sample(graph, &[start], 4096, 1, &pool, &budget))
    });
    let assets: Vec<ValuedAsset> = made
        .jewels
        .iter()
        .map(|&(state, value)| ValuedAsset {
            value,
            states: vec![state],
        })
        .collect();
    time("blast radius sizes, estimated", repeats, || {
        let condensed = Condensation::new(graph, Links::WithAndSteps, &budget).unwrap();
        complete(search::estimate_blast_sizes(
            &condensed, None, 64, 1, &budget,
        ))
    });
    time("expected loss of all", repeats, || {
        complete(search::expected_loss_of_all(
            graph, &assets, &sides, &pool, &budget,
        ))
    });
    time(
        "what-if: exploitability with steps hidden and added",
        repeats,
        || {
            let hidden = Bits::of(graph.n_steps(), (0..graph.n_steps() as u32).step_by(1000));
            let premises = [start];
            let added = [(premises.as_slice(), jewels[0], 1000)];
            let (additions, _) = Additions::new(graph, 0, added).unwrap();
            let view = View::new(graph).without_steps(&hidden).with(&additions);
            complete(search::cheapest_from(&view, &[start], &budget))
        },
    );
    time("fix plan, exact", repeats.min(3), || {
        // A fix for each pair of neighbouring steps.
        let fixes =
            (0..graph.n_steps() as u32 / 2).map(|fix| (1 + fix % 5, vec![2 * fix, 2 * fix + 1]));
        let fixes = Fixes::new(graph.n_steps(), fixes);
        let goal = PlanGoal {
            starts: vec![start],
            targets: made.jewels[..10].to_vec(),
            max_cost: 20_000,
            exact_limit: 10_000,
        };
        complete(search::fix_plan(graph, &fixes, &goal, &budget))
    });
    if scale <= 2.0 || repeats == 1 {
        time("blast radius sizes", repeats, || {
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
    }
}
