//! Two ways to ask the same must give the same rows, on random graphs: one that the planner
//! answers by a search or an index, and one that it has to answer row by row.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a query that fails is a failure of the test"
)]

use std::sync::Arc;

use foothold_engine::budget::Budget;
use foothold_engine::build::Staging;
use foothold_engine::graph::Snapshot;
use foothold_engine::model::{Facts, SourceInfo, Value};
use foothold_query::json::to_json;
use foothold_query::{Env, Params, run};
use proptest::prelude::*;

/// Each pair gives the same bag of rows.
const PAIRS: &[(&str, &str)] = &[
    // Reachability against walks.
    (
        "MATCH (a)-[:K*]->(b) RETURN DISTINCT a.id, b.id",
        "MATCH p = (a)-[:K*]->(b) WITH a, b, length(p) AS l RETURN DISTINCT a.id, b.id",
    ),
    (
        "MATCH (a)-[:K*]-(b) RETURN DISTINCT a.id, b.id",
        "MATCH p = (a)-[:K*]-(b) WITH a, b, length(p) AS l RETURN DISTINCT a.id, b.id",
    ),
    (
        "MATCH (a)-[:K*0..3]->(b:M) RETURN DISTINCT a.id, b.id",
        "MATCH p = (a)-[:K*0..3]->(b:M) WITH a, b, length(p) AS l RETURN DISTINCT a.id, b.id",
    ),
    (
        "MATCH (a)-[:K*1..2]-(b)-[:L]->(c) RETURN DISTINCT a.id, b.id, c.id",
        "MATCH p = (a)-[:K*1..2]-(b)-[:L]->(c) WITH a, b, c, length(p) AS l RETURN DISTINCT a.id, b.id, c.id",
    ),
    (
        "MATCH (a) WHERE (a)-[*]->(:M) RETURN a.id",
        "MATCH (a) WHERE size([p = (a)-[*]->(:M) | length(p)]) > 0 RETURN a.id",
    ),
    (
        "MATCH (a) WHERE EXISTS { (a)-[:K*2..]->(a) } RETURN a.id",
        "MATCH (a) WHERE COUNT { MATCH p = (a)-[:K*2..]->(a) RETURN length(p) } > 0 RETURN a.id",
    ),
    (
        "MATCH (a)-[:K*]-(a) RETURN DISTINCT a.id",
        "MATCH p = (a)-[:K*]-(a) WITH a, length(p) AS l RETURN DISTINCT a.id",
    ),
    // Shortest paths against the least of all lengths.
    (
        "MATCH p = shortestPath((a)-[:K*]->(b)) RETURN a.id, b.id, length(p)",
        "MATCH p = (a)-[:K*]->(b) RETURN a.id, b.id, min(length(p)) AS `length(p)`",
    ),
    (
        "MATCH (a), (b) MATCH p = shortestPath((a)-[*]-(b)) RETURN a.id, b.id, length(p)",
        "MATCH p = (a)-[*]-(b) RETURN a.id, b.id, min(length(p)) AS `length(p)`",
    ),
    (
        "MATCH (a), (b) MATCH p = shortestPath((a)-[*0..3]->(b)) RETURN a.id, b.id, length(p)",
        "MATCH p = (a)-[*0..3]->(b) RETURN a.id, b.id, min(length(p)) AS `length(p)`",
    ),
    (
        "MATCH (a), (b) MATCH p = allShortestPaths((a)-[:K*]->(b)) RETURN a.id, b.id, length(p), count(*)",
        "MATCH p = (a)-[:K*]->(b) WITH a, b, length(p) AS l, count(*) AS n ORDER BY l \
         WITH a, b, collect([l, n])[0] AS best RETURN a.id, b.id, best[0] AS `length(p)`, best[1] AS `count(*)`",
    ),
    (
        "MATCH p = allShortestPaths((a)-[:K*..4]-(b)) RETURN a.id, b.id, length(p), count(*)",
        "MATCH p = (a)-[:K*..4]-(b) WITH a, b, length(p) AS l, count(*) AS n ORDER BY l \
         WITH a, b, collect([l, n])[0] AS best RETURN a.id, b.id, best[0] AS `length(p)`, best[1] AS `count(*)`",
    ),
    (
        "MATCH p = shortestPath((a)-[*]->(b)) WHERE none(r IN relationships(p) WHERE r.w = 1) RETURN a.id, b.id, length(p)",
        "MATCH p = (a)-[*]->(b) WHERE none(r IN relationships(p) WHERE r.w = 1) \
         RETURN a.id, b.id, min(length(p)) AS `length(p)`",
    ),
    (
        "MATCH p = shortestPath((a)-[*]->(b)) WHERE all(n IN nodes(p) WHERE n:M) RETURN a.id, b.id, length(p)",
        "MATCH p = (a)-[*]->(b) WHERE all(n IN nodes(p) WHERE n:M) RETURN a.id, b.id, min(length(p)) AS `length(p)`",
    ),
    (
        "MATCH p = ANY CHEAPEST (a)-[r:K COST r.w]->{1,4}(b) \
         RETURN a.id, b.id, reduce(s = 0, r IN relationships(p) | s + r.w) AS cost",
        "MATCH p = TRAIL (a)-[r:K]->{1,4}(b) \
         RETURN a.id, b.id, min(reduce(s = 0, r IN relationships(p) | s + r.w)) AS cost",
    ),
    (
        "MATCH p = ANY CHEAPEST (a)-[r COST r.w]->+(b:M) \
         RETURN a.id, b.id, reduce(s = 0, r IN relationships(p) | s + r.w) AS cost",
        "MATCH p = TRAIL (a)-[r]->+(b:M) \
         RETURN a.id, b.id, min(reduce(s = 0, r IN relationships(p) | s + r.w)) AS cost",
    ),
    (
        "MATCH (a), (b) MATCH p = ANY CHEAPEST (a)-[r:K COST r.w + 1]-*(b) \
         RETURN a.id, b.id, reduce(s = 0, r IN relationships(p) | s + r.w + 1) AS cost",
        "MATCH p = TRAIL (a)-[r:K]-*(b) \
         RETURN a.id, b.id, min(reduce(s = 0, r IN relationships(p) | s + r.w + 1)) AS cost",
    ),
    (
        "MATCH p = ANY CHEAPEST (a)-[r:K COST r.w]-+(b) \
         RETURN a.id, b.id, reduce(s = 0, r IN relationships(p) | s + r.w) AS cost",
        "MATCH p = TRAIL (a)-[r:K]-+(b) \
         RETURN a.id, b.id, min(reduce(s = 0, r IN relationships(p) | s + r.w)) AS cost",
    ),
    // Groups against plain parts.
    (
        "MATCH ((a)-[:K]->(b)-[:L]->(c)){1,1} (d) RETURN [n IN a | n.id] AS a, d.id",
        "MATCH (a)-[:K]->(b)-[:L]->(d) RETURN [a.id] AS a, d.id",
    ),
    (
        "MATCH (s) ((a)-[r:K]->(b) WHERE a.x <= b.x){1,3} (t) RETURN s.id, t.id, size(r) AS n",
        "MATCH p = (s)-[:K*1..3]->(t) \
         WHERE all(i IN range(0, length(p) - 1) WHERE nodes(p)[i].x <= nodes(p)[i + 1].x) \
         RETURN s.id, t.id, length(p) AS n",
    ),
    // Indexes and look-ups against filters.
    (
        "MATCH (a) WHERE a.x = 1 RETURN a.id",
        "MATCH (a) WITH a, a.x AS x WHERE x = 1 RETURN a.id",
    ),
    (
        "MATCH (a) WHERE 0 < a.x <= 2 AND a:M RETURN a.id",
        "MATCH (a) WITH a, a.x AS x WHERE x > 0 AND x < 3 AND 'M' IN labels(a) RETURN a.id",
    ),
    (
        "MATCH (a) WHERE a.x IN [0, 2, null] RETURN a.id",
        "MATCH (a) WITH a, a.x AS x WHERE x = 0 OR x = 2 RETURN a.id",
    ),
    (
        "MATCH (a:M), (b) WHERE b.x = a.id RETURN a.id, b.id",
        "MATCH (a:M) MATCH (b) WITH a, b, a.id AS i, b.x AS x WHERE i = x RETURN a.id, b.id",
    ),
    (
        "UNWIND [0, 1, null, 1.0] AS v MATCH (a {x: v}) RETURN v, a.id",
        "UNWIND [0, 1, null, 1.0] AS v MATCH (a) WITH v, a, a.x AS x WHERE x = v RETURN v, a.id",
    ),
    // Join order.
    (
        "MATCH (a)-[:K]->(b)-[:L]->(c)-[:K]->(a) RETURN a.id, b.id, c.id",
        "MATCH (a)-[:K]->(b) MATCH (b)-[:L]->(c) MATCH (c)-[:K]->(a2) WITH a, b, c, a2 \
         WHERE a = a2 MATCH (a)-[r1:K]->(b), (c)-[r2:K]->(a) \
         WITH DISTINCT a, b, c, r1, r2 MATCH (b)-[:L]->(c) RETURN a.id, b.id, c.id",
    ),
    // Top rows against a full sort.
    (
        "MATCH (a) RETURN a.x AS x, a.id AS i ORDER BY x DESC, i LIMIT 2",
        "MATCH (a) WITH a.x AS x, a.id AS i ORDER BY x DESC, i WITH collect([x, i]) AS all \
         UNWIND all[0..2] AS row RETURN row[0] AS x, row[1] AS i",
    ),
];

type Edges = Vec<(usize, usize, bool, i64)>;

fn graph(nodes: &[(bool, i64)], edges: &Edges) -> Snapshot {
    let mut facts = Facts::new();
    for (idx, (is_marked, x)) in nodes.iter().enumerate() {
        let labels: &[&str] = if *is_marked { &["N", "M"] } else { &["N"] };
        let node = facts.node(&format!("t:{idx}"), labels).expect("a valid id");
        facts.set(node, "id", Value::Int(i64::try_from(idx).unwrap_or(0)));
        facts.set(node, "x", Value::Int(*x));
    }
    for (idx, (from, to, is_k, w)) in edges.iter().enumerate() {
        let (from, to) = (from % nodes.len(), to % nodes.len());
        let kind = if *is_k { "K" } else { "L" };
        let edge = facts.edge(&format!("t:{from}"), kind, &format!("t:{to}"));
        let edge = edge.expect("valid ids");
        facts.set_key(edge, &idx.to_string());
        facts.set(edge, "w", Value::Int(*w));
    }
    let mut staging = Staging::new();
    staging.add(&SourceInfo::default(), &facts);
    staging.snapshot().expect("the graph is small")
}

fn rows(snapshot: &Arc<Snapshot>, text: &str) -> Vec<String> {
    let answer = run(
        snapshot,
        text,
        &Params::new(),
        &Budget::unlimited(),
        &Env::default(),
    );
    let answer = match answer {
        Ok(answer) => answer,
        Err(diagnostics) => panic!(
            "{text}: {}",
            diagnostics.first().map_or("", |one| &one.message)
        ),
    };
    let mut rows: Vec<String> = answer
        .rows
        .iter()
        .map(|row| {
            row.iter()
                .map(|value| to_json(snapshot, value).to_string())
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    rows.sort();
    rows
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn pairs_agree(
        nodes in prop::collection::vec((any::<bool>(), 0..4_i64), 1..5),
        edges in prop::collection::vec((0..4_usize, 0..4_usize, any::<bool>(), 0..3_i64), 0..7),
    ) {
        let snapshot = Arc::new(graph(&nodes, &edges));
        for (left, right) in PAIRS {
            prop_assert_eq!(rows(&snapshot, left), rows(&snapshot, right), "{}\n{}", left, right);
        }
    }
}
