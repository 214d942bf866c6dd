//! Twenty shortest paths asked in FQL, on the synthetic attack graph instead of the estate.
//!
//! `cargo run --release -p foothold-benches --example attack_graph_paths -- [SCALE [REPEATS]]`
//!
//! The graph is that of `search_timings`: states as nodes, steps as relationships. The pairs are
//! twenty states spread over the graph and twenty crown jewels. Prints the best wall time of all
//! twenty, from text to rows, as one query and as twenty.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a program that measures and prints"
)]

use foothold_engine::memory::HugePages;
use std::sync::Arc;
use std::time::Instant;

use foothold_benches::query::{Asked, Question};
use foothold_datasets::attack_graph::{AttackGraphParams, synthetic_attack_graph};
use foothold_engine::build::Staging;
use foothold_engine::graph::Snapshot;
use foothold_engine::model::{Facts, SourceInfo, Value};
use foothold_engine::search::StateId;

#[global_allocator]
static MEMORY: HugePages = HugePages;

const N_PAIRS: usize = 20;

fn main() {
    let mut args = std::env::args().skip(1);
    let scale: f64 = args
        .next()
        .map_or(Ok(1.0), |text| text.parse())
        .expect("a number");
    let repeats: usize = args
        .next()
        .map_or(Ok(20), |text| text.parse())
        .expect("a number");
    let made = synthetic_attack_graph(AttackGraphParams::at_scale(scale));
    let made = made.expect("a graph that fits");
    let mut facts = Facts::new();
    let id = |state: StateId| format!("state:{}", state.0);
    for state in made.graph.states() {
        let node = facts.node(&id(state), &["State"]).expect("a valid id");
        facts.set(node, "name", Value::Str(format!("s{}", state.0).into()));
    }
    for step in made.graph.steps() {
        let (from, to) = (made.graph.main_premise(step), made.graph.gain(step));
        facts
            .edge(&id(from), "STEP", &id(to))
            .expect("a valid kind");
    }
    let mut staging = Staging::new();
    staging.add(&SourceInfo::default(), &facts);
    let snapshot: Arc<Snapshot> = Arc::new(staging.snapshot().expect("a graph that fits"));
    println!("{} nodes, {} edges", snapshot.n_nodes(), snapshot.n_edges());
    let pairs: Vec<(String, String)> = (0..N_PAIRS)
        .map(|nth| {
            let from = nth * 4_973 % made.graph.n_states();
            let to = made.jewels[nth * 7 % made.jewels.len()].0;
            (format!("s{from}"), format!("s{}", to.0))
        })
        .collect();
    let one = Question {
        name: "one query".to_owned(),
        title: String::new(),
        fql: "UNWIND $pairs AS pair WITH pair[0] AS f, pair[1] AS t \
              MATCH (a:State {name: f}), (b:State {name: t}) \
              MATCH p = shortestPath((a)-[*]->(b)) RETURN f, t, length(p) AS hops"
            .to_owned(),
        each_pair: false,
    };
    let each = Question {
        name: "twenty queries".to_owned(),
        title: String::new(),
        fql: "MATCH p = shortestPath((a:State {name: $f})-[*]->(b:State {name: $t})) \
              RETURN length(p) AS hops"
            .to_owned(),
        each_pair: true,
    };
    for question in [one, each] {
        let asked = Asked::new(&question, &pairs);
        let rows = asked.answer(&snapshot).expect("a valid query");
        let mut best = f64::INFINITY;
        for _ in 0..repeats {
            let start = Instant::now();
            asked.answer(&snapshot).expect("a valid query");
            best = best.min(start.elapsed().as_secs_f64() * 1e3);
        }
        println!("{}: {best:.3} ms, {} found", question.name, rows.len());
    }
}
