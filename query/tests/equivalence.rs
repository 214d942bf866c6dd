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
use foothold_query::diagnostic::Diagnostic;
use foothold_query::exec::Parallel;
use foothold_query::json::to_json;
use foothold_query::{Answer, Env, Params, RunOptions, prepare, prepare_as_written, run};
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
    // The shortest way back, over any edge, and that it repeats none.
    (
        "MATCH p = shortestPath((a)-[:K*]-(a)) UNWIND relationships(p) AS r \
         RETURN a.id, length(p) AS l, count(DISTINCT r) AS n",
        "MATCH p = (a)-[:K*]-(a) RETURN a.id, min(length(p)) AS l, min(length(p)) AS n",
    ),
    (
        "MATCH p = shortestPath((a)-[*..3]-(b)) WHERE a = b RETURN a.id, length(p) AS l",
        "MATCH p = (a)-[*..3]-(a) RETURN a.id, min(length(p)) AS l",
    ),
    (
        "MATCH p = ANY SHORTEST SIMPLE (a:M)-[:K]-+(a) RETURN a.id, length(p), \
         nodes(p)[0] = a AND nodes(p)[-1] = a AS back",
        "MATCH p = (a:M)-[:K*]-(a) RETURN a.id, min(length(p)) AS `length(p)`, true AS back",
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
    // Counts at hand against counts of what is listed.
    (
        "MATCH ()-[r:K]->() RETURN count(r) AS n",
        "MATCH ()-[r:K]->() RETURN size(collect(id(r))) AS n",
    ),
    (
        "MATCH p = (a)-[:K]->(b) OPTIONAL MATCH (b)-[r:L]->(c) RETURN a.id, count(p) AS p, count(r) AS r, count(c) AS c, count(1) AS one",
        "MATCH p = (a)-[:K]->(b) OPTIONAL MATCH (b)-[r:L]->(c) WITH a, collect(length(p)) AS p, collect(id(r)) AS r, \
         collect(c.id) AS c RETURN a.id, size(p) AS p, size(r) AS r, size(c) AS c, size(p) AS one",
    ),
    (
        "MATCH (a)-[:K]->(b) WITH b AS x, count(a) AS n OPTIONAL MATCH (x)-[:L]->(y) RETURN count(x) AS x, count(y) AS y, sum(n) AS n",
        "MATCH (a)-[:K]->(b) WITH b AS x, size(collect(id(a))) AS n OPTIONAL MATCH (x)-[:L]->(y) \
         WITH collect(id(x)) AS x, collect(id(y)) AS y, sum(n) AS n RETURN size(x) AS x, size(y) AS y, n",
    ),
    (
        "MATCH (a:M)-[:L]->(b) RETURN count(*) AS n",
        "MATCH (a:M)-[r:L]->(b) RETURN size(collect(id(r))) AS n",
    ),
    (
        "MATCH (a:M)<-[:K|L]-(b:M) RETURN count(*) AS n",
        "MATCH (a:M)<-[r:K|L]-(b:M) RETURN size(collect(id(r))) AS n",
    ),
    (
        "MATCH (a)-[r]-(b) RETURN count(r) AS n",
        "MATCH (a)-[r]-(b) RETURN size(collect(id(r))) AS n",
    ),
    (
        "MATCH (a:M), ()-[r:K]->() RETURN count(*) AS n",
        "MATCH (a:M), ()-[r:K]->() RETURN size(collect(id(a) + id(r))) AS n",
    ),
    (
        "MATCH (a:M) RETURN count(*) AS n, EXISTS { ()-[:L]->() } AS l",
        "MATCH (a:M) RETURN size(collect(id(a))) AS n, size([()-[r:L]->() | id(r)]) > 0 AS l",
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

/// Each gives the same bag of rows with and without every optimisation.
const QUERIES: &[&str] = &[
    // Counting without listing.
    "MATCH (a)-[:K]->(b)-[:L]->(c) RETURN count(*)",
    "MATCH (a)-[:K]->(b)-[:K]->(c) RETURN a.id, count(*)",
    "MATCH (a)-[:K]->(b)-[:L]->(c) RETURN c.id, count(*), count(DISTINCT a.id)",
    "MATCH (a)-[:K]->(b)<-[:L]-(c), (b)-[r:K]->(d) RETURN b.x, count(r), sum(a.x)",
    "MATCH (a)-[:K]->(b)-[:L]->(c)-[:K]->(d:M) RETURN b.id, c.id, count(*)",
    "MATCH (a)-->(b)-->(c)-->(d) RETURN b.id, count(*)",
    "MATCH (a)--(b)--(c) RETURN c.id, count(*)",
    "MATCH (a), (b), (c) RETURN count(*)",
    "MATCH (a:M), (b) RETURN sum(a.x), avg(b.x), count(*)",
    "MATCH (a:M)-[:K]->(b), (c)-[:L]->(d) RETURN count(*), count(DISTINCT d)",
    "MATCH (a)-[:K*]->(b)-[:L]->(c) RETURN c.id, count(*)",
    "MATCH (a)-[:K*0..2]->(b)-[:L]->(c) RETURN a.id, sum(c.x)",
    "MATCH (a)-[r:K]->(b)-[s]->(a) RETURN count(*), min(r.w), max(s.w)",
    "MATCH (a)-[:K]->(b)-[:L]->(c), (a)-[:L]->(c) RETURN a.x, count(*)",
    "MATCH (a)-[r:K]->(b) WHERE r.w = 1 MATCH (b)-[:L]->(c) WHERE c.x > a.x RETURN b.id, count(*)",
    "MATCH (a)-[:K]->(b) WHERE b.x > 0 RETURN a.id, avg(b.x / 2.0), stDev(b.x), percentileDisc(b.x, 0.5)",
    "MATCH (a) OPTIONAL MATCH (a)-[:K]->(b)-[:L]->(c) RETURN a.id, count(c), count(*)",
    "MATCH (a)-[:K]->(b) WITH a, count(*) AS n MATCH (a)-[:L]->(c) RETURN n, count(*)",
    "MATCH (a)-[:K]->(b) MATCH (b)-[:K]->(c) RETURN count(*)",
    "MATCH (a)-[:K]->(b) UNWIND [1, 2] AS u MATCH (b)-[:L]->(c) RETURN u, sum(u), count(*)",
    "MATCH (a) WHERE EXISTS { (a)-[:K]->()-[:L]->() } RETURN a.id",
    "MATCH (a) WHERE EXISTS { (a)-[:K]->(b)-[:K*]->(c) WHERE c.x > a.x } RETURN a.id",
    "MATCH (a) RETURN a.id, COUNT { (a)-[:K]->()-[:K]->() } AS n",
    "MATCH (a)-[:K]->(b) WITH b, COUNT { (b)-[:L]->(c) WHERE COUNT { (c)-->() } > 0 } AS n RETURN n, count(*)",
    // Ends of walks from many starts at once.
    "MATCH (a)-[:K*]->(b)-[:L]->(c) RETURN DISTINCT c.id",
    "MATCH (a:M)-[*]->(b) RETURN count(DISTINCT b) AS n",
    "MATCH (a)-[*0..]->(b:M) RETURN DISTINCT b.id",
    "MATCH (a:M)-[*..2]->(b) RETURN DISTINCT b.id",
    "MATCH (a)-[:K*1..2]-(b) RETURN DISTINCT b.id",
    "MATCH (a)-[:K*]->(b)<-[:L*]-(c) RETURN count(DISTINCT b) AS n, min(b.x)",
    "MATCH (a)-[:K*]->(b) WHERE a.x < b.x RETURN DISTINCT b.id",
    // Matches in a row as one.
    "MATCH (a) WHERE a.x > 1 MATCH (a)-[*]->(b:M) RETURN count(DISTINCT b) AS n",
    "MATCH (a:M) MATCH (a:N)-[:K]->(b) RETURN a.id, b.id",
    "MATCH (a:M), (b) MATCH p = shortestPath((a)-[*]->(b)) RETURN a.id, b.id, length(p)",
    "MATCH (a {x: 1}), (b {x: 2}) MATCH p = shortestPath((a)-[:K*]-(b)) RETURN a.id, b.id, length(p)",
    "MATCH (a:M) MATCH (b)-[:K]->(c) WHERE c.x = a.x RETURN a.id, b.id, c.id",
    "MATCH (a) MATCH (b:M) MATCH (a)-[r:K]->(b) WHERE r.w >= b.x RETURN a.id, count(*)",
    "UNWIND [1, 2] AS x MATCH (a {x: x}) MATCH (a)-[:K]->(b) WHERE b.x >= x RETURN x, a.id, b.id",
    "MATCH (a) WITH a WHERE a.x > 0 MATCH (b:M) MATCH (a)-[:K]->(b), (b)-[:L]->(c) RETURN a.id, b.id, c.id",
    "MATCH (a:M) MATCH (b)-[:K* {w: a.x}]->(c) RETURN DISTINCT c.id",
    "MATCH (a:M), (b)-[:K* {w: a.x}]->(c) RETURN DISTINCT c.id",
    "MATCH (a:M) MATCH p = ANY CHEAPEST (b)-[r:K COST r.w + a.x]->{1,3}(c) RETURN a.id, b.id, c.id, length(p)",
    "MATCH (a), (b) WHERE a.x = b.x MATCH (a)-[:K]->(b) RETURN a.id, b.id",
    "MATCH (a) MATCH (b) MATCH (c) RETURN count(*)",
    "MATCH (a) MATCH (a)-[:K]->(b) MATCH (b)-[:K]->(c) RETURN a.id, count(*)",
    // Conditions that an index decides, and those it cannot.
    "MATCH (a)-[:K]->(b) WHERE b.x > 1 AND a.x IN [0, 2, null] RETURN a.id, b.id",
    "MATCH (a)-[:K]->(b) WHERE 1 <= b.x AND b.x < 2.5 RETURN b.id, count(*)",
    "MATCH (a)-[:K]->(b) WHERE b.x = 'no' OR b.x = 1 RETURN b.id, count(*)",
    "MATCH (a)-[:K]->(b) WHERE b.x > '' OR b.x = null RETURN count(*)",
    "MATCH (b {x: 1}) WITH b MATCH (a)-[:K]->(b) WHERE b.x = 2 RETURN a.id",
    "MATCH (b {x: 1}) WITH b MATCH (a)-[:K]->(b) WHERE b.x = 1.0 AND a.x > b.x RETURN a.id",
    "MATCH (a) OPTIONAL MATCH (a)-[:K]->(b {x: 2}) WHERE a.x = 1 RETURN a.id, b.id",
    "MATCH (a)-[:K]->(b)<-[:L]-(a) WHERE a.x > 0 AND b.x > 0 RETURN a.id, b.id, count(*)",
    "MATCH p = shortestPath((a {x: 1})-[*]->(b)) WHERE b.x >= 1 RETURN a.id, b.id, length(p)",
    "MATCH p = (a {x: 1})-[:K*0..2]->(b {x: 1}) RETURN a.id, b.id, length(p)",
    // Labels that every end of a kind has, or only some.
    "MATCH (a:N)-[:K]->(b:N)-[:L]->(c:M) RETURN count(*)",
    "MATCH (a)<-[:K]-(b:N)-[:L]-(c:M) RETURN a.id, count(*)",
    "MATCH (a)-[:K]->(b:M) RETURN a.id, count(*)",
    "MATCH (a:M)-[:K]->(b)-[:K]->(c:N), (a)-[:K]->(c) RETURN c.id, count(*)",
    // Cycles: every choice among parallel relationships, none used twice.
    "MATCH (a)-[:K]->(b)-[:K]->(c), (a)-[:K]->(c) RETURN count(*)",
    "MATCH (a)-[:K]->(b)-[:K]->(c), (a)-[:K]->(c) RETURN a.id, b.id, c.id",
    "MATCH (a)-[r:K]->(b)-[s:K]->(c)<-[t:K]-(a) WHERE s.w <= t.w RETURN r.w, s.w, t.w, c.id",
    "MATCH (a:M)-[:K]->(b)<-[:L]-(c)-[:K]->(a) RETURN b.id, count(*)",
    "MATCH (a)-[:L]->(b)-[:K]->(d), (a)-[:K]->(d), (b)-[:L]->(c)-[:K]->(d) RETURN count(*)",
    "MATCH (a)-[:K]->(b)-[:K]->(c)-[:K]->(d)-[:K]->(a) RETURN count(*)",
    "MATCH (a)-[:K]->(b)-[:K]->(a) RETURN a.id, b.id",
    "MATCH (a)-[:K]->(b)-[:K]->(c:M), (a)-[:K]->(c) RETURN DISTINCT c.id",
    "MATCH (a)-[:K]->(b) MATCH (a)-[:K]->(c)<-[:K]-(b) RETURN a.id, b.id, c.id",
    "MATCH (a)-[:K]->(b)-[:K|L]->(c), (a)-[:K]-(c) RETURN a.id, b.id, c.id",
    // Lengths without paths, and sums over pairs.
    "MATCH p = (a)-[:K*1..3]->(b) WHERE length(p) > 1 RETURN length(p) AS n, count(*)",
    "MATCH (a)-[r:K*1..3]->(b) RETURN size(r) AS n, count(*)",
    "MATCH p = (a)-[:K]->()-[:L*0..2]->(b) RETURN a.id, b.id, length(p) AS n",
    "MATCH (a) OPTIONAL MATCH p = (a)-[:K*]->(:M) RETURN a.id, max(length(p)) AS n",
    "MATCH p = shortestPath((a)-[*]->(b)) RETURN length(p) AS n, count(*)",
    "MATCH p = shortestPath((a)-[*]-(b)) RETURN length(p) AS n, count(*)",
    "MATCH p = shortestPath((a)-[*]->(b)) RETURN a.id, count(*), sum(length(p))",
    "MATCH p = shortestPath((a)-[*]->(b)) WHERE a <> b RETURN b.id, length(p) AS n, count(*)",
    "MATCH p = shortestPath((a)-[*]-(b)) WHERE a <> b RETURN a.id, count(*)",
    "MATCH p = shortestPath((a:M)-[:K*]->(b)) WHERE b.x > 1 RETURN count(p), max(length(p))",
    "MATCH p = shortestPath((a)-[*0..2]->(b)) RETURN sum(length(p)), count(*)",
    "MATCH p = shortestPath((a)-[:K*]->(b)) WHERE a.x > b.x RETURN length(p) AS n, count(*)",
    "MATCH p = ANY SHORTEST ACYCLIC (a)-[:K]->+(b) RETURN length(p) AS n, count(*)",
    "MATCH p = ANY SHORTEST WALK (a)-[:K]-+(b) RETURN length(p) AS n, count(*)",
    "MATCH p = allShortestPaths((a)-[*]->(b)) RETURN count(p), sum(length(p))",
    "MATCH p = allShortestPaths((a)-[*]-(b)) RETURN a.id, b.id, count(p), sum(length(p))",
    "MATCH p = shortestPath((a)-[*]->(b)) RETURN DISTINCT a.id",
    "MATCH p = shortestPath((a)-[*]->(b:M)) RETURN count(DISTINCT b.id) AS n",
    "MATCH (a {x: 1}), (b {x: 2}), p = shortestPath((a)-[*]->(b)) RETURN a.id, b.id, length(p)",
    "MATCH p = shortestPath((a)-[:K*]->(b)), (b)-[:L]->(c) RETURN c.id, count(*), min(length(p))",
    "MATCH p = shortestPath((a)-[*]->(b)) WHERE all(n IN nodes(p) WHERE n.x > 0) RETURN length(p) AS n, count(*)",
];

/// Each gives the same rows in the same order on one thread and on several.
const ORDERED: &[&str] = &[
    "MATCH (a)-[:K]->(b) RETURN a.id, b.id",
    "MATCH (a)-[r:K]->(b)-[s:L]-(c) WHERE r.w <= s.w RETURN a.id, b.id, c.id",
    "MATCH (a)-[:K]->(b) RETURN a.id, b.id SKIP 3 LIMIT 7",
    "MATCH (a)-->(b) RETURN DISTINCT b.x, a.x",
    "MATCH (a)-->(b) RETURN DISTINCT b.id LIMIT 5",
    "MATCH (a)-->(b) RETURN a.id, b.id ORDER BY b.x DESC LIMIT 9",
    "MATCH (a)-->(b) RETURN a.id, b.x ORDER BY b.x SKIP 3 LIMIT 9",
    "MATCH (a)-->(b) RETURN a.id, b.id ORDER BY a.x, b.x",
    "MATCH (a)-->(b) WITH b, a ORDER BY b.x LIMIT 20 MATCH (b)-->(c) RETURN a.id, c.id",
    "MATCH (a)-->(b)-->(c) RETURN count(*) AS n",
    "MATCH (a)-[:K]->(b)-[:L]->(c) RETURN a.x, count(*), count(DISTINCT c.x)",
    "MATCH (a)-[:K]->(b)-[:L]->(c) RETURN c.id, sum(a.x * 0.1), avg(b.x / 3.0)",
    "MATCH (a)-->(b) RETURN a.x, collect(b.id), min(b.id), max(b.x)",
    "MATCH (a)-->(b) RETURN b.x, stDev(a.x), percentileCont(a.id, 0.3)",
    "MATCH (a)-->(b) RETURN b.x, collect(DISTINCT a.x), sum(DISTINCT a.id)",
    "MATCH (a)-->(b) WITH a, count(*) AS n WHERE n > 1 RETURN n, count(*) ORDER BY n",
    "MATCH (a) WHERE a.x > 0 OPTIONAL MATCH (a)-[:L]->(b:M) RETURN a.id, b.id",
    "MATCH (a) UNWIND range(0, a.x) AS u RETURN a.id, u",
    "MATCH (a)-[:K]->(b) CALL (b) { MATCH (b)-->(c) RETURN count(c) AS n } RETURN a.id, n",
    "MATCH (a:M) RETURN a.id UNION ALL MATCH (a)-[:K]->(b) RETURN b.id AS `a.id`",
    "MATCH (a)-[:K]->(b) RETURN b.x UNION MATCH (a) RETURN a.x AS `b.x`",
    "MATCH (a) WHERE EXISTS { (a)-[:K]->()-[:L]->() } RETURN a.id",
    "MATCH (a)-[:K*1..2]->(b) RETURN a.id, b.id",
    "MATCH p = shortestPath((a:M)-[:K*..3]->(b)) RETURN a.id, length(p), count(*)",
    "MATCH p = shortestPath((a)-[:K*..3]->(b)) WHERE a <> b RETURN length(p), count(*)",
    "MATCH (a), (b:M) RETURN a.id, b.id",
    "MATCH (a)-->(b) RETURN a.id, 10 / (a.id - 400)",
    "MATCH (a)-->(b) RETURN a.id, 10 / (a.id - 400) LIMIT 30",
    "MATCH (a)-->(b) RETURN sum(10 / (a.id - 400))",
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
    let budget = Budget::unlimited();
    let answer = run(snapshot, text, &Params::new(), &budget, &Env::default());
    sorted(snapshot, text, answer)
}

/// The rows of a query run as it is written.
fn plain_rows(snapshot: &Arc<Snapshot>, text: &str) -> Vec<String> {
    let prepared = prepare_as_written(snapshot, text, &Params::new(), &Env::default());
    let answer = prepared.and_then(|prepared| prepared.run(&Budget::unlimited()));
    sorted(snapshot, text, answer)
}

fn sorted(snapshot: &Snapshot, text: &str, answer: Result<Answer, Vec<Diagnostic>>) -> Vec<String> {
    let mut rows = texts(snapshot, text, answer);
    rows.sort();
    rows
}

fn texts(snapshot: &Snapshot, text: &str, answer: Result<Answer, Vec<Diagnostic>>) -> Vec<String> {
    let answer = match answer {
        Ok(answer) => answer,
        Err(diagnostics) => panic!(
            "{text}: {}",
            diagnostics.first().map_or("", |one| &one.message)
        ),
    };
    answer
        .rows
        .iter()
        .map(|row| {
            row.iter()
                .map(|value| to_json(snapshot, value).to_string())
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
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

    #[test]
    fn optimisations_change_no_rows(
        nodes in prop::collection::vec((any::<bool>(), 0..4_i64), 1..6),
        edges in prop::collection::vec((0..5_usize, 0..5_usize, any::<bool>(), 0..3_i64), 0..8),
    ) {
        let snapshot = Arc::new(graph(&nodes, &edges));
        let pairs = PAIRS.iter().flat_map(|(left, right)| [*left, *right]);
        for text in QUERIES.iter().copied().chain(pairs) {
            prop_assert_eq!(rows(&snapshot, text), plain_rows(&snapshot, text), "{}", text);
        }
    }

    #[test]
    fn searches_from_many_starts_find_what_each_finds(
        nodes in prop::collection::vec((any::<bool>(), 0..4_i64), 70..90),
        edges in prop::collection::vec((0..90_usize, 0..90_usize, any::<bool>(), 0..3_i64), 40..260),
    ) {
        let snapshot = Arc::new(graph(&nodes, &edges));
        for text in [
            "MATCH p = shortestPath((a)-[*]->(b)) RETURN a.id, b.id, length(p)",
            "MATCH p = shortestPath((a)-[*..3]->(b:M)) RETURN a.id, b.id, length(p)",
            "MATCH p = shortestPath((a)<-[:K*0..]-(b)) WHERE a.x <> b.x RETURN a.id, b.id, length(p)",
            "MATCH p = allShortestPaths((a:M)-[:K*]->(b)) RETURN a.id, b.id, count(p), length(p)",
            "MATCH p = shortestPath((a)-[*]->(b)) RETURN a.id, b.id, size(nodes(p))",
            "MATCH p = shortestPath((a)-[*]->(b)) RETURN b.x, length(p), count(*)",
            "MATCH p = shortestPath((a)-[*]-(b)) WHERE a <> b RETURN b.id, count(*)",
        ] {
            prop_assert_eq!(rows(&snapshot, text), plain_rows(&snapshot, text), "{}", text);
        }
    }

    #[test]
    fn what_is_prepared_changes_no_rows(
        nodes in prop::collection::vec((any::<bool>(), 0..4_i64), 40..60),
        edges in prop::collection::vec((0..60_usize, 0..60_usize, any::<bool>(), 0..3_i64), 20..140),
    ) {
        // Few nodes have the label, as few of an estate are data stores.
        let nodes: Vec<_> = (0..).zip(&nodes).map(|(at, node)| (node.0 && at % 9 == 0, node.1)).collect();
        let plain = Arc::new(graph(&nodes, &edges));
        let prepared = Arc::new(graph(&nodes, &edges));
        prepared.prepare_searches();
        for text in [
            "MATCH (a), (b:M) MATCH p = shortestPath((a)-[*]->(b)) RETURN a.id, b.id, length(p), [n IN nodes(p) | n.id]",
            "MATCH (a:M), (b) MATCH p = shortestPath((a)-[*]->(b)) RETURN a.id, b.id, length(p)",
            "MATCH (a:M), (b) MATCH p = shortestPath((a)<-[*]-(b)) RETURN a.id, b.id, length(p)",
            "MATCH (a:M), (b:M) MATCH p = allShortestPaths((a)-[*..4]->(b)) RETURN a.id, b.id, length(p), count(p)",
            "MATCH (a:M), (b) MATCH p = shortestPath((a)-[:K*]->(b)) RETURN a.id, b.id, length(p)",
            "MATCH (a:M), (b) MATCH p = shortestPath((a)-[*]-(b)) RETURN a.id, b.id, length(p)",
        ] {
            // What was searched often is walked another way.
            let expected = rows(&plain, text);
            for _ in 0..3 {
                prop_assert_eq!(&rows(&prepared, text), &expected, "{}", text);
            }
        }
    }

    #[test]
    fn conditions_asked_often_give_what_each_row_gives(
        nodes in prop::collection::vec((any::<bool>(), 0..4_i64), 300..400),
        edges in prop::collection::vec((0..400_usize, 0..400_usize, any::<bool>(), 0..3_i64), 500..900),
    ) {
        let snapshot = Arc::new(graph(&nodes, &edges));
        for (asked, found) in [
            (
                "MATCH (a) WHERE EXISTS { (a)-[*]->(b:M) WHERE b.x = 3 } RETURN a.id",
                "MATCH (a)-[*]->(b:M) WHERE b.x = 3 RETURN DISTINCT a.id",
            ),
            (
                "MATCH (a) WHERE a.x > 0 AND NOT (a)-[:K*]->({x: 0}) RETURN a.id",
                "MATCH (c)-[:K*]->({x: 0}) WITH collect(DISTINCT c) AS known \
                 MATCH (a) WHERE a.x > 0 AND NOT a IN known RETURN a.id",
            ),
        ] {
            prop_assert_eq!(rows(&snapshot, asked), rows(&snapshot, found), "{}", asked);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]
    #[test]
    fn threads_change_nothing(
        nodes in prop::collection::vec((any::<bool>(), 0..4_i64), 520..700),
        edges in prop::collection::vec((0..700_usize, 0..700_usize, any::<bool>(), 0..3_i64), 400..900),
    ) {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().expect("a pool of three");
        let parallel = Parallel { pool: &pool, n_threads: 3, least_cost: 0.0 };
        let options = RunOptions { parallel: Some(parallel), clock: None };
        let snapshot = Arc::new(graph(&nodes, &edges));
        for text in ORDERED.iter().copied().chain(QUERIES.iter().copied().filter(|text| is_bounded(text))) {
            let run_with = |options: &RunOptions<'_>| {
                let prepared = prepare(&snapshot, text, &Params::new(), &Env::default());
                let answer = prepared.and_then(|prepared| prepared.run_with(options, &Budget::unlimited()));
                match answer {
                    Ok(answer) => texts(&snapshot, text, Ok(answer)),
                    Err(diagnostics) => diagnostics.iter().map(|one| one.message.clone()).collect(),
                }
            };
            prop_assert_eq!(run_with(&RunOptions::default()), run_with(&options), "{}", text);
        }
    }
}

/// Whether a query lists no walks of any length and no cartesian product.
fn is_bounded(text: &str) -> bool {
    !text.contains("*]")
        && !text.contains("* {")
        && !text.contains(" COST ")
        && !text.contains("*0..]")
        && !text.contains("), (")
        && !text.contains("]-+(")
}
