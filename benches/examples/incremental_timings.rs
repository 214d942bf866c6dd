//! What a change costs beside starting over.
//!
//! `cargo run --release -p foothold-benches --example incremental_timings -- 1 0.01` for scale 1
//! and 1 % of all facts; any third argument leaves out the changes of one step. Wall time and CPU time, best of three; on a busy machine CPU time is the
//! one to read.

#![allow(
    missing_docs,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "for a person at a terminal"
)]

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

use foothold_benches::change::{Change, changed};
use foothold_benches::estate;
use foothold_benches::process::cpu_ms;
use foothold_datasets::attack_graph::{AttackGraphParams, synthetic_attack_graph};
use foothold_engine::attack::{AttackGraph, RuleSet, derive, derive_again};
use foothold_engine::budget::Budget;
use foothold_engine::build::{Staging, assemble};
use foothold_engine::graph::{Snapshot, SnapshotDelta};
use foothold_engine::memory::HugePages;
use foothold_engine::recompute::{Computed, EstateRisk, recompute, recompute_again};
use foothold_engine::score::ScoringModel;
use foothold_engine::search::{FreshCosts, FreshReach, StateId, StepChange, StepId, ValuedAsset};
use foothold_engine::store::{Import, Store};
use foothold_loaders::{Options, Outcome, load_bytes};
use foothold_query::define::Definitions;
use foothold_query::verb::default_start;

#[global_allocator]
static MEMORY: HugePages = HugePages;

fn main() {
    let mut args = std::env::args().skip(1);
    let mut number = |or: f64| args.next().and_then(|text| text.parse().ok()).unwrap_or(or);
    let (scale, part) = (number(1.0), number(0.01));
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(2)
        .build()
        .expect("a pool of two");
    pool.install(|| facts(scale, part, &pool));
    if args.next().is_none() {
        single_steps(scale, &pool);
    }
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

/// What is served: a snapshot, what an attacker can do, what every asset risks.
struct World {
    snapshot: Arc<Snapshot>,
    attack: AttackGraph,
    risk: EstateRisk,
}

/// What a server does after an import, phase by phase.
const PHASES: [&str; 7] = [
    "read", "stage", "assemble", "index", "delta", "derive", "risks",
];

/// Where deriving stands among the phases, and comparing before it.
const DERIVE: usize = 5;

/// The facts of an import in a store, as they lie there when the server reads them.
fn stored(lines: Vec<u8>) -> Store {
    let store = Store::in_memory().expect("memory");
    if let Outcome::Read(loaded) = load_bytes("estate.jsonl", lines, &Options::new(0)) {
        let import = Import {
            documents: &[(loaded.source, loaded.facts)],
            group: None,
            unread: &[],
            reason: "",
            at_ms: 0,
        };
        store.segments().import(&import).expect("memory");
    }
    store
}

/// From what lies in the store to a served world, with the CPU milliseconds of each phase: the best
/// of three for each, and the result of the last. Without a world before it, all of it is done from
/// nothing.
fn served(
    store: &Store,
    before: Option<&World>,
    pool: &rayon::ThreadPool,
) -> (World, [f64; PHASES.len()]) {
    let budget = Budget::unlimited();
    let (sources, _, read) = best(|| store.segments().load(None).expect("memory"));
    let stage = || {
        let mut staging = Staging::new();
        for source in &sources {
            staging.add(&source.info, &source.facts);
        }
        staging
    };
    let (_, _, staged) = best(stage);
    let mut stagings: Vec<Staging> = (0..3).map(|_| stage()).collect();
    let (snapshot, _, assembled) = best(|| {
        let staging = stagings.pop().expect("one for each of three");
        Arc::new(assemble(staging).expect("an estate that fits"))
    });
    // What is kept of the snapshot for searches is made once; so one time must do.
    let cpu = cpu_ms();
    snapshot.prepare_searches();
    let indexed = cpu_ms() - cpu;
    let rules = rules(&snapshot);
    let (delta, _, compared) = best(|| {
        before.map_or_else(SnapshotDelta::default, |before| {
            SnapshotDelta::new(&before.snapshot, &snapshot)
        })
    });
    let (attack, _, derived) = best(|| {
        let attack = match before {
            None => derive(&snapshot, &rules, pool, &budget),
            Some(before) => derive_again(&before.attack, &delta, &snapshot, &rules, pool, &budget),
        };
        attack.expect("a graph that fits")
    });
    let starts = default_start(&attack);
    let (risk, _, computed) = best(|| {
        let risk = match before {
            None => recompute(&attack, &starts, pool, &budget, &|_| {}),
            Some(before) => {
                let computed = Computed {
                    graph: &before.attack,
                    risk: &before.risk,
                };
                recompute_again(computed, &attack, &delta, &starts, pool, &budget)
            }
        };
        risk.into_parts().0
    });
    let world = World {
        snapshot,
        attack,
        risk,
    };
    let times = [
        read, staged, assembled, indexed, compared, derived, computed,
    ];
    (world, times)
}

fn facts(scale: f64, part: f64, pool: &rayon::ThreadPool) {
    let lines = estate::lines(scale).expect("a scale in range");
    let (old, full) = served(&stored(lines.clone()), None, pool);
    println!(
        "\n{} nodes, {} edges; {} states, {} steps, {} matches",
        old.snapshot.n_nodes(),
        old.snapshot.n_edges(),
        old.attack.n_states(),
        old.attack.n_steps(),
        old.attack.n_instances()
    );
    println!("\nCPU milliseconds | {} | all", PHASES.join(" | "));
    row("from nothing", &full);
    let mut lines_of_derivation = String::new();
    for change in Change::ALL {
        let store = stored(changed(&lines, change, part, 7));
        let (new, times) = served(&store, Some(&old), pool);
        row(change.name(), &times);
        let all = |times: &[f64]| times.iter().sum::<f64>();
        let (fresh, _) = served(&store, None, pool);
        let same = if new.attack.is_identical(&fresh.attack) && new.risk == fresh.risk {
            ""
        } else {
            " DIFFERS"
        };
        let _ = writeln!(
            lines_of_derivation,
            "{} | {:.1} % | {:.1} %{same}",
            change.name(),
            100.0 * all(&times) / all(&full),
            100.0 * all(&times[DERIVE - 1..=DERIVE]) / full[DERIVE],
        );
    }
    println!("\nchange | all phases, of from nothing | delta and derivation, of full derivation");
    println!("{lines_of_derivation}");
}

fn row(name: &str, times: &[f64]) {
    let cells = times.iter().map(|time| format!("{time:.0}"));
    let cells: Vec<String> = cells.collect();
    let all = times.iter().sum::<f64>();
    println!("{name} | {} | {all:.0}", cells.join(" | "));
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
