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

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

use foothold_benches::change::{Change, changed};
use foothold_benches::estate;
use foothold_benches::process::cpu_ms;
use foothold_datasets::attack_graph::{AttackGraphParams, synthetic_attack_graph};
use foothold_engine::attack::{AttackGraph, RuleSet, derive, derive_again};
use foothold_engine::budget::Budget;
use foothold_engine::build::{Assembly, Changes, Document};
use foothold_engine::graph::{Snapshot, SnapshotDelta};
use foothold_engine::memory::HugePages;
use foothold_engine::model::{Facts, SourceInfo};
use foothold_engine::recompute::{Computed, EstateRisk, recompute, recompute_again};
use foothold_engine::score::ScoringModel;
use foothold_engine::search::{FreshCosts, FreshReach, StateId, StepChange, StepId, ValuedAsset};
use foothold_engine::store::{Import, Store};
use foothold_loaders::{Options, Outcome, load_bytes};
use foothold_query::define::Definitions;
use foothold_query::verb::default_start;
use rayon::prelude::*;

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

/// What is served: documents and their snapshot, what an attacker can do, what every asset risks.
struct World {
    assembly: Assembly,
    attack: AttackGraph,
    risk: EstateRisk,
}

/// What a server does from documents to risks, phase by phase.
const PHASES: [&str; 7] = [
    "parse", "store", "read", "assemble", "delta", "derive", "risks",
];

/// Where deriving stands among the phases, and comparing before it.
const DERIVE: usize = 5;

/// How many facts a document has.
const FACTS_IN_A_DOCUMENT: usize = 1_000;

/// An estate as documents of random facts, before and after a change. What changes stands in as few
/// of them as hold it: as if some documents were drawn, and all they say had changed.
struct Documents {
    /// Those that say the same after the change.
    same: Vec<Vec<u8>>,
    before: Vec<Vec<u8>>,
    after: Vec<Vec<u8>>,
}

impl Documents {
    fn new(before: &[u8], after: &[u8]) -> Self {
        let (before, after) = (statements(before), statements(after));
        let is_same = |(key, lines): &(&String, &Vec<String>)| after.get(*key) == Some(*lines);
        let (same, gone): (Vec<_>, Vec<_>) = before.iter().partition(is_same);
        let new: Vec<(&String, &Vec<String>)> = after
            .iter()
            .filter(|(key, lines)| before.get(*key) != Some(*lines))
            .collect();
        let n_changed = gone.len().max(new.len()).div_ceil(FACTS_IN_A_DOCUMENT);
        Documents {
            before: dealt(&gone, n_changed),
            after: dealt(&new, n_changed),
            same: dealt(&same, same.len().div_ceil(FACTS_IN_A_DOCUMENT)),
        }
    }
}

/// Lines by the node or edges that they are about, so that parallel edges stay together.
fn statements(lines: &[u8]) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in lines
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        let fact: serde_json::Value = serde_json::from_slice(line).expect("a line of JSON");
        let edge = &fact["edge"];
        let key = format!(
            "{} {} {} {}",
            fact["node"]["id"], edge["from"], edge["kind"], edge["to"]
        );
        found.entry(key).or_default().push(fact.to_string());
    }
    found
}

/// Statements dealt at random into so many documents.
fn dealt(statements: &[(&String, &Vec<String>)], n: usize) -> Vec<Vec<u8>> {
    let mut documents = vec![Vec::new(); n.min(statements.len())];
    let n = documents.len();
    let mut state = 1_u64;
    for (_, lines) in statements {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let document = &mut documents[(state >> 33) as usize % n];
        for line in *lines {
            document.extend_from_slice(line.as_bytes());
            document.push(b'\n');
        }
    }
    documents
}

/// From documents to a served world, with the CPU milliseconds of each phase: the best of three of
/// what can be done again, and the result of the last. Without a world before it, all of it is done
/// from nothing.
fn served(
    store: &Store,
    documents: &[(String, &[u8])],
    before: Option<&World>,
    pool: &rayon::ThreadPool,
) -> (World, [f64; PHASES.len()]) {
    let budget = Budget::unlimited();
    let (loaded, _, parsed) = best(|| {
        let loaded = documents.par_iter().map(|(name, lines)| {
            match load_bytes(name, lines.to_vec(), &Options::new(0)) {
                Outcome::Read(loaded) => (loaded.source, loaded.facts),
                _ => (SourceInfo::default(), Facts::new()),
            }
        });
        loaded.collect::<Vec<_>>()
    });
    let cpu = cpu_ms();
    let import = Import {
        documents: &loaded,
        group: None,
        unread: &[],
        reason: "",
        at_ms: 0,
    };
    store.segments().import(&import).expect("memory");
    let stored = cpu_ms() - cpu;
    let known: HashMap<&str, &Arc<Document>> = before
        .iter()
        .flat_map(|world| world.assembly.documents())
        .map(|document| (&*document.info.name, document))
        .collect();
    let renewed: HashSet<&str> = documents.iter().map(|(name, _)| &**name).collect();
    let (documents, _, read) = best(|| {
        let listed = store.segments().segments_of(None).expect("memory");
        let read = listed.par_iter().map(|(segment, info)| {
            let name = info.as_ref().map_or("", |info| &*info.name);
            match known.get(name).filter(|_| !renewed.contains(name)) {
                Some(&known) => Arc::clone(known),
                None => {
                    let source = store.segments().read(*segment, info.as_ref());
                    let source = source.expect("memory");
                    Arc::new(Document::new(source.info, source.facts))
                }
            }
        });
        read.collect::<Vec<_>>()
    });
    let (assembly, _, assembled) = best(|| {
        let documents = documents.clone();
        let assembly = match before {
            None => Assembly::new(documents),
            Some(before) => before.assembly.with_documents(documents),
        };
        assembly.expect("an estate that fits")
    });
    let snapshot = assembly.snapshot();
    let rules = rules(snapshot);
    let (delta, _, compared) = best(|| {
        before.map_or_else(SnapshotDelta::default, |before| {
            SnapshotDelta::new(before.assembly.snapshot(), snapshot)
        })
    });
    let (attack, _, derived) = best(|| {
        let attack = match before {
            None => derive(snapshot, &rules, pool, &budget),
            Some(before) => derive_again(&before.attack, &delta, snapshot, &rules, pool, &budget),
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
        assembly,
        attack,
        risk,
    };
    let times = [parsed, stored, read, assembled, compared, derived, computed];
    (world, times)
}

fn slices(documents: &[(String, Vec<u8>)]) -> Vec<(String, &[u8])> {
    let slices = documents.iter().map(|(name, text)| (name.clone(), &**text));
    slices.collect()
}

fn facts(scale: f64, part: f64, pool: &rayon::ThreadPool) {
    let lines = estate::lines(scale).expect("a scale in range");
    let mut lines_of_derivation = String::new();
    for (at, change) in Change::ALL.into_iter().enumerate() {
        let documents = Documents::new(&lines, &changed(&lines, change, part, 7));
        let named = |kind: &str, documents: &[Vec<u8>]| -> Vec<String> {
            let names = (0..documents.len()).map(|at| format!("{kind}/{at}.jsonl"));
            names.collect()
        };
        let side = |changed: &[Vec<u8>]| {
            let names = named("changed", changed);
            let texts = changed.to_vec();
            names
                .into_iter()
                .zip(texts)
                .collect::<Vec<(String, Vec<u8>)>>()
        };
        let (before, after) = (side(&documents.before), side(&documents.after));
        let same: Vec<(String, Vec<u8>)> = named("same", &documents.same)
            .into_iter()
            .zip(documents.same)
            .collect();
        let store = Store::in_memory().expect("memory");
        let everything = [slices(&same), slices(&before)].concat();
        let (old, full) = served(&store, &everything, None, pool);
        if at == 0 {
            println!(
                "\n{} nodes, {} edges; {} states, {} steps, {} matches",
                old.assembly.snapshot().n_nodes(),
                old.assembly.snapshot().n_edges(),
                old.attack.n_states(),
                old.attack.n_steps(),
                old.attack.n_instances()
            );
            println!("\nCPU milliseconds | {} | all", PHASES.join(" | "));
        }
        row("from nothing", &full);
        if at == 0 {
            pretended(&old, pool);
        }
        let (new, times) = served(&store, &slices(&after), Some(&old), pool);
        row(change.name(), &times);
        let all = |times: &[f64]| times.iter().sum::<f64>();
        let everything = [slices(&same), slices(&after)].concat();
        let (fresh, _) = served(
            &Store::in_memory().expect("memory"),
            &everything,
            None,
            pool,
        );
        let same = if new.attack.is_identical(&fresh.attack) && new.risk == fresh.risk {
            ""
        } else {
            " DIFFERS"
        };
        let _ = writeln!(
            lines_of_derivation,
            "{} | {} of {} documents | {:.1} % | {:.1} % | {:.1} %{same}",
            change.name(),
            after.len(),
            everything.len(),
            100.0 * all(&times) / all(&full),
            100.0 * all(&times[2..]) / all(&full[2..]),
            100.0 * all(&times[DERIVE - 1..=DERIVE]) / full[DERIVE],
        );
    }
    println!(
        "\nchange | in | from documents to risks, of from nothing | from the store | delta and \
         derivation, of full derivation"
    );
    println!("{lines_of_derivation}");
}

/// One fact changed in thought: what `WHAT IF` does before it asks.
fn pretended(world: &World, pool: &rayon::ThreadPool) {
    let budget = Budget::unlimited();
    let snapshot = world.assembly.snapshot();
    let rules = rules(snapshot);
    let node = snapshot.nodes().nth(snapshot.n_nodes() / 2);
    let edge = snapshot.edges().nth(snapshot.n_edges() / 2);
    for what in ["a property set", "an edge taken away", "a node taken away"] {
        let mut changes = Changes::new();
        match what {
            "a property set" => {
                let id = node.map_or("", |node| snapshot.stable_id(node));
                changes.set_node(id, "pretended", Some(true.into()));
            }
            "an edge taken away" => {
                if let Some(edge) = edge {
                    changes.remove_edge(snapshot, edge);
                }
            }
            _ => {
                if let Some(node) = node {
                    changes.remove_node(snapshot, node);
                }
            }
        }
        let (changed, assembled, _) = best(|| {
            Arc::new(
                world
                    .assembly
                    .changed(&changes)
                    .expect("an estate that fits"),
            )
        });
        let (_, derived, _) = best(|| {
            let delta = SnapshotDelta::new(snapshot, &changed);
            derive_again(&world.attack, &delta, &changed, &rules, pool, &budget)
        });
        println!("what if {what}: assembled {assembled:.0} ms, derived {derived:.0} ms (wall)");
    }
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
