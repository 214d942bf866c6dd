//! What single queries take on the generated estate, in processor time of the calling thread.
//!
//! `cargo run --release -p foothold-benches --example query_core -- [scale] [filter]`

#![allow(
    missing_docs,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a program for a person at a terminal"
)]

use foothold_engine::memory::HugePages;
use std::time::{Duration, Instant};

use foothold_benches::estate;
use foothold_engine::budget::{Budget, Limits, Stop};
use foothold_engine::graph::Snapshot;
use foothold_query::{Env, Params, prepare};

#[global_allocator]
static MEMORY: HugePages = HugePages;

/// Name, text.
const QUERIES: &[(&str, &str)] = &[
    (
        "one hop, filter",
        "MATCH (i:Image)-[:CONTAINS]->(p:Package) WHERE p.reachability = 'executed' RETURN count(*)",
    ),
    (
        "four hops, filter, groups",
        "MATCH (s:Service)-[:ROUTES_TO]->(w:Workload)-[:RUNS]->(i:Image)-[:CONTAINS]->(p:Package)\
         -[:AFFECTED_BY]->(v:Vulnerability) WHERE v.cvss_score >= 7.0 \
         RETURN s.name AS service, count(*) AS n ORDER BY n DESC LIMIT 10",
    ),
    (
        "four hops, two ends",
        "MATCH (s:Service)-[:ROUTES_TO]->(w:Workload)-[:RUNS]->(i:Image)-[:CONTAINS]->(p:Package)\
         -[:AFFECTED_BY]->(v:Vulnerability) WHERE v.cvss_score >= 9.0 \
         RETURN s.name AS service, v.severity AS severity, count(*) AS n ORDER BY n DESC LIMIT 10",
    ),
    (
        "four hops, distinct ends",
        "MATCH (w:Workload)-[:RUNS]->(:Image)-[:CONTAINS]->(:Package)-[:AFFECTED_BY]->(v:Vulnerability) \
         RETURN count(DISTINCT v) AS n",
    ),
    (
        "every edge of a kind, counted",
        "MATCH (a:Package)-[:DEPENDS_ON]->(b:Package) RETURN count(*) AS n",
    ),
    (
        "every edge of a kind, counted by name",
        "MATCH ()-[r:DEPENDS_ON]->() RETURN count(r) AS n",
    ),
    (
        "everything reached",
        "MATCH (a:Internet)-[*]->(b) RETURN count(DISTINCT b) AS n",
    ),
    (
        "reached from any workload",
        "MATCH (a:Workload)-[*]->(b:DataStore) RETURN count(DISTINCT b) AS n",
    ),
    (
        "shortest, many to many, count",
        "MATCH p = shortestPath((a:Workload)-[*]->(b:DataStore)) RETURN length(p) AS n, count(*) ORDER BY n",
    ),
    (
        "shortest, many to many, paths",
        "MATCH p = shortestPath((a:Service)-[*]->(b:DataStore)) RETURN id(a), id(b), length(p)",
    ),
    (
        "shortest, all to all, count",
        "MATCH p = shortestPath((a)-[*]->(b)) RETURN length(p) AS n, count(*) ORDER BY n",
    ),
    (
        "shortest, all to all, ten",
        "MATCH p = shortestPath((a)-[*]->(b)) RETURN p LIMIT 10",
    ),
];

/// Processor time of this thread so far.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = stat.split(' ').next().and_then(|text| text.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or_default())
}

fn kinds(snapshot: &Snapshot) {
    for label in snapshot.labels() {
        println!(
            "{:>9}  :{}",
            snapshot.labelled(label).len(),
            snapshot.label_name(label)
        );
    }
    for kind in snapshot.kinds() {
        println!(
            "{:>9}  -[:{}]->",
            snapshot.edges_of_kind(kind).len(),
            snapshot.kind_name(kind)
        );
    }
}

/// What the first query that asks for it waits for: the index of each property, the labels of the
/// ends of each kind.
fn first(snapshot: &Snapshot) {
    let mut took: Vec<(Duration, String)> = Vec::new();
    for prop in snapshot.props() {
        let before = cpu();
        let n_distinct = snapshot.n_distinct(prop);
        let usage = snapshot.prop_usage(prop);
        took.push((
            cpu().saturating_sub(before),
            format!(
                "{} on {} nodes, {n_distinct} values",
                snapshot.prop_name(prop),
                usage.n_nodes
            ),
        ));
    }
    if let Some(label) = snapshot.labels().next() {
        for kind in snapshot.kinds() {
            let before = cpu();
            snapshot.ends_have_label(kind, true, label);
            snapshot.ends_have_label(kind, false, label);
            let name = format!("ends of {}", snapshot.kind_name(kind));
            took.push((cpu().saturating_sub(before), name));
        }
    }
    took.sort();
    for (took, what) in took.iter().rev().take(20) {
        println!("{:>10.3} ms  {what}", took.as_secs_f64() * 1e3);
    }
}

fn main() {
    let mut args = std::env::args().skip(1);
    let scale = args
        .next()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1.0);
    let filter = args.next().unwrap_or_default();
    let snapshot = estate::import(estate::lines(scale).expect("a scale in range"))
        .expect("an estate that fits");
    println!("{} nodes, {} edges", snapshot.n_nodes(), snapshot.n_edges());
    if filter == "kinds" {
        kinds(&snapshot);
    }
    if filter == "first" {
        first(&snapshot);
    }
    let params = Params::new();
    for (name, text) in QUERIES.iter().filter(|(name, _)| name.contains(&filter)) {
        let prepared = match prepare(&snapshot, text, &params, &Env::default()) {
            Ok(prepared) => prepared,
            Err(diagnostics) => {
                println!("{name}: {:?}", diagnostics.first().map(|one| &one.message));
                continue;
            }
        };
        let mut best = Duration::MAX;
        let mut last = String::new();
        let begun = Instant::now();
        for _ in 0..7 {
            let before = cpu();
            let answer = prepared
                .run(&Budget::unlimited())
                .expect("a query that runs");
            best = best.min(cpu().saturating_sub(before));
            last = format!("{} rows, {:?}", answer.rows.len(), answer.rows.first());
            if begun.elapsed() > Duration::from_secs(8) {
                break;
            }
        }
        println!("{:>10.3} ms  {name}: {last}", best.as_secs_f64() * 1e3);
        if std::env::var_os("PLAN").is_some() {
            for row in prepared.plan() {
                println!("      {}", row.text());
            }
        }
    }
    if "pairs".contains(&filter) {
        pairs(&snapshot);
    }
    if "explosive".contains(&filter) {
        explosive(&snapshot);
    }
}

/// Twenty shortest paths between two nodes each, planning included and left out.
fn pairs(snapshot: &std::sync::Arc<Snapshot>) {
    let ids = |label: &str| -> Vec<String> {
        let label = snapshot.label_id(label).expect("a label of the estate");
        let nodes = snapshot.labelled(label).iter();
        nodes
            .map(|node| {
                snapshot
                    .stable_id(foothold_engine::graph::NodeId(node))
                    .to_owned()
            })
            .collect()
    };
    let (starts, ends) = (ids("Workload"), ids("Vulnerability"));
    let texts: Vec<String> = (0..20)
        .map(|at| {
            let from = &starts[at * starts.len() / 20];
            let to = &ends[at * ends.len() / 20];
            format!(
                "MATCH p = shortestPath((a)-[*]->(b)) WHERE id(a) = '{from}' AND id(b) = '{to}' RETURN length(p)"
            )
        })
        .collect();
    let params = Params::new();
    let (mut whole, mut running) = (Duration::MAX, Duration::MAX);
    let mut n_found = 0;
    for _ in 0..20 {
        n_found = 0;
        let before = cpu();
        let mut ran = Duration::ZERO;
        for text in &texts {
            let prepared =
                prepare(snapshot, text, &params, &Env::default()).expect("a valid query");
            let begun = cpu();
            let answer = prepared
                .run(&Budget::unlimited())
                .expect("a query that runs");
            ran += cpu().saturating_sub(begun);
            n_found += answer.rows.len();
        }
        whole = whole.min(cpu().saturating_sub(before));
        running = running.min(ran);
    }
    println!(
        "{:>10.3} ms  twenty shortest paths ({:.3} ms without reading and planning): {n_found} found",
        whole.as_secs_f64() * 1e3,
        running.as_secs_f64() * 1e3
    );
}

/// How long after its limit a query that never ends still runs, and what it holds.
fn explosive(snapshot: &std::sync::Arc<Snapshot>) {
    for text in [
        "MATCH (a)-[*]->(b)-[*]->(c) RETURN count(*)",
        "MATCH p = (a)-[*]->(b) RETURN a, b, collect(p)",
        "MATCH p = allShortestPaths((a)-[*]-(b)) RETURN a, b, p ORDER BY length(p) DESC",
        "MATCH (a), (b), (c) RETURN DISTINCT a, b, c",
        "MATCH p = SHORTEST 1000 (a)-[*]->(b) RETURN p",
    ] {
        let limits = Limits {
            memory_bytes: 256 << 20,
            ..Limits::NONE
        };
        let budget = Budget::new(limits);
        let stop = budget.stop_handle();
        let timer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_secs(1));
            stop.stop(Stop::Time);
            Instant::now()
        });
        let prepared =
            prepare(snapshot, text, &Params::new(), &Env::default()).expect("a valid query");
        let answer = prepared.run(&budget).expect("a query that runs");
        let ended = Instant::now();
        let said = timer.join().expect("the timer ends");
        println!(
            "{:>10.3} ms after its limit: {:?}, {} rows, {} MB accounted, {} MB resident, {text}",
            ended.saturating_duration_since(said).as_secs_f64() * 1e3,
            answer.completeness.stop,
            answer.rows.len(),
            budget.memory_bytes() >> 20,
            resident_mb(),
        );
    }
}

fn resident_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() >> 10
}
