//! Limits: a query that would never end stops with what it has, and says why.

#![expect(
    clippy::expect_used,
    reason = "a graph that cannot be built is a failure"
)]

use std::ops::ControlFlow;
use std::sync::Arc;

use foothold_engine::budget::{Budget, Limits, Stop};
use foothold_engine::build::Staging;
use foothold_engine::graph::Snapshot;
use foothold_engine::model::{Facts, SourceInfo};
use foothold_query::{Answer, Env, Params, prepare, run};

/// Every node has an edge to every other.
fn dense(n: usize) -> Arc<Snapshot> {
    let mut facts = Facts::new();
    for from in 0..n {
        facts
            .node(&format!("t:{from}"), &["N"])
            .expect("a valid id");
        for to in (0..n).filter(|&to| to != from) {
            let (from, to) = (format!("t:{from}"), format!("t:{to}"));
            facts.edge(&from, "K", &to).expect("valid ids");
        }
    }
    let mut staging = Staging::new();
    staging.add(&SourceInfo::default(), &facts);
    Arc::new(staging.snapshot().expect("the graph is small"))
}

fn answer(snapshot: &Arc<Snapshot>, text: &str, limits: Limits) -> Answer {
    let budget = Budget::new(limits);
    run(snapshot, text, &Params::new(), &budget, &Env::default()).expect("the query is valid")
}

#[test]
fn explosive_queries_stop_at_the_expansion_limit() {
    let snapshot = dense(30);
    let limits = Limits {
        expansions: 200_000,
        ..Limits::NONE
    };
    for text in [
        "MATCH (a)-[*]->(b)-[*]->(c) RETURN count(*)",
        "MATCH (a), (b), (c), (d), (e) WHERE id(a) + id(b) + id(c) + id(d) <> id(e) RETURN count(*)",
        "MATCH p = (a)-[*]-(b) RETURN max(length(p))",
        "MATCH p = SHORTEST 100000 ACYCLIC (a)-[:K]->{5,20}(b) RETURN count(*)",
        "MATCH ((a)-[:K]->(b)-[:K]->(c)){1,9} RETURN count(*)",
        "MATCH (a) WHERE COUNT { (a)-[*]->() } > 1 RETURN a",
        "MATCH (a) RETURN [(a)-->(b)-->(c)-->(d)-->(e) | 1] AS l",
        "UNWIND range(1, 30000000) AS x RETURN count(x)",
        "RETURN reduce(n = 0, x IN range(1, 100000) | n + size([y IN range(1, 100000) WHERE y > x])) AS n",
        "RETURN reduce(l = [], x IN range(1, 1000000) | l + x) AS l",
    ] {
        let answer = answer(&snapshot, text, limits);
        assert_eq!(answer.completeness.stop, Some(Stop::Expansions), "{text}");
        // Whoever works looks at the limit every thousand steps or so.
        let n_beyond = answer.stats.expansions - limits.expansions;
        assert!(n_beyond < 8 * 1024, "{n_beyond} steps beyond: {text}");
    }
}

#[test]
fn little_is_done_after_the_word_to_stop() {
    let snapshot = dense(30);
    for text in [
        "MATCH (a)-[*]->(b)-[*]->(c) RETURN a, b, c",
        "MATCH (a)-[*]->(b) WHERE a = b RETURN a",
        "MATCH (a), (b), (c), (d), (e) RETURN a, e",
        "MATCH p = (a)-[*]-(b) RETURN length(p)",
        "MATCH p = SHORTEST 100000 ACYCLIC (a)-[:K]->{5,20}(b) RETURN p",
        "MATCH p = allShortestPaths((a)-[*3..]->(b)) RETURN p",
        "MATCH p = ANY CHEAPEST (a)-[r COST 1]->+(b) RETURN p",
        "MATCH ((a)-[:K]->(b)-[:K]->(c)){1,9} RETURN a",
        "MATCH (a)-->(b)-->(c)-->(d)-->(e) RETURN DISTINCT a, b, c, d, e",
        "UNWIND range(1, 3000000) AS x WITH x WHERE x = 1 OR x > 3000000 RETURN x",
        "MATCH (a) CALL (a) { MATCH (a)-[*]->(b) RETURN b } RETURN a, b",
        "MATCH (a) RETURN a UNION ALL MATCH (a)-[*]->(b) RETURN b AS a",
    ] {
        let budget = Budget::unlimited();
        let prepared = prepare(&snapshot, text, &Params::new(), &Env::default());
        let mut at_stop = None;
        let summary = prepared.expect("the query is valid").stream(&budget, |_| {
            if at_stop.is_none() {
                at_stop = Some(budget.expansions());
                budget.stop_handle().stop(Stop::Time);
            }
            Ok(ControlFlow::Continue(()))
        });
        let summary = summary.expect("a limit is no error");
        assert_eq!(summary.completeness.stop, Some(Stop::Time), "{text}");
        let n_after = budget.expansions() - at_stop.expect("a row was found");
        assert!(
            n_after <= 4 * 1024,
            "{n_after} steps after the word: {text}"
        );
    }
}

#[test]
fn what_is_kept_counts_against_the_memory_limit() {
    let snapshot = dense(30);
    let limits = Limits {
        memory_bytes: 1_000_000,
        ..Limits::NONE
    };
    for text in [
        "MATCH (a)-->(b)-->(c)-->(d) RETURN collect([a, b, c, d])",
        "MATCH (a)-->(b)-->(c)-->(d) RETURN a, b, c, d ORDER BY id(d)",
        "MATCH (a)-->(b)-->(c)-->(d) RETURN DISTINCT a, b, c, d",
        "MATCH (a)-->(b)-->(c)-->(d) RETURN a, b, c, d",
        "MATCH (a)-->(b)-->(c) RETURN a, b, c, count(*)",
        "RETURN reduce(s = 'ab', x IN range(1, 60) | s + s) AS s",
        "RETURN reduce(s = 'ab', x IN range(1, 60) | replace(s, 'a', s)) AS s",
        "RETURN range(1, 1000000000) AS r",
    ] {
        let answer = answer(&snapshot, text, limits);
        assert_eq!(answer.completeness.stop, Some(Stop::Memory), "{text}");
    }
}

#[test]
fn passing_values_do_not_add_up() {
    let snapshot = dense(30);
    let limits = Limits {
        memory_bytes: 1_000_000,
        ..Limits::NONE
    };
    for text in [
        "MATCH (a)-->(b)-->(c) RETURN sum(size([(c)-->(d) | d])) AS n",
        "MATCH (a)-->(b)-->(c) RETURN count(size(range(1, 500))) AS n",
        "MATCH (a)-->(b)-->(c) WHERE EXISTS { MATCH (c)-->(d) WITH DISTINCT d ORDER BY id(d) RETURN d } RETURN count(*)",
        "MATCH (a)-->(b)-->(c) CALL (c) { MATCH (c)-->(d) RETURN count(DISTINCT d) AS n } RETURN sum(n) AS n",
        "MATCH (a)-->(b)-->(c) WITH a, b, c ORDER BY id(c) LIMIT 5 RETURN count(*)",
    ] {
        let answer = answer(&snapshot, text, limits);
        assert_eq!(answer.completeness.stop, None, "{text}");
        assert_eq!(answer.rows.len(), 1, "{text}");
    }
}

/// Only one pair of neighbours, a ladder away, lies on a cycle; the start does not.
#[test]
fn a_node_on_no_cycle_is_not_searched_for_one() {
    let mut facts = Facts::new();
    let mut link = |from: String, to: String| {
        facts.node(&from, &["N"]).expect("a valid id");
        facts.node(&to, &["N"]).expect("a valid id");
        facts.edge(&from, "K", &to).expect("valid ids");
    };
    link("t:start".into(), "t:a0".into());
    for rung in 0..40 {
        link(format!("t:a{rung}"), format!("t:b{rung}"));
        link(format!("t:a{rung}"), format!("t:a{}", rung + 1));
        link(format!("t:b{rung}"), format!("t:b{}", rung + 1));
    }
    let mut staging = Staging::new();
    staging.add(&SourceInfo::default(), &facts);
    let snapshot = Arc::new(staging.snapshot().expect("the graph is small"));
    for text in [
        "MATCH p = shortestPath((a)-[*]-(a)) WHERE id(a) = 't:start' RETURN length(p)",
        "MATCH (a WHERE id(a) = 't:start'), (b) MATCH p = shortestPath((a)-[*]-(b)) WHERE a = b RETURN length(p)",
        "MATCH (a WHERE id(a) = 't:start') MATCH p = ANY SHORTEST (a)-[:K]-+(a) RETURN length(p)",
    ] {
        let answer = answer(&snapshot, text, Limits::NONE);
        assert_eq!(answer.rows.len(), 0, "{text}");
        assert!(answer.stats.expansions < 10_000, "{text}");
    }
}

/// The start lies on a long ring. Behind a bridge stand nodes that all know each other: there are
/// more trails among them than could ever be tried.
#[test]
fn the_shortest_cycle_is_found_without_trying_trails() {
    let mut facts = Facts::new();
    let mut link = |from: String, to: String| {
        facts.node(&from, &["N"]).expect("a valid id");
        facts.node(&to, &["N"]).expect("a valid id");
        facts.edge(&from, "K", &to).expect("valid ids");
    };
    for at in 0..60 {
        link(format!("t:r{at}"), format!("t:r{}", (at + 1) % 60));
    }
    link("t:r0".into(), "t:c0".into());
    for from in 0..12 {
        for to in from + 1..12 {
            link(format!("t:c{from}"), format!("t:c{to}"));
        }
    }
    let mut staging = Staging::new();
    staging.add(&SourceInfo::default(), &facts);
    let snapshot = Arc::new(staging.snapshot().expect("the graph is small"));
    for text in [
        "MATCH p = shortestPath((a)-[*]-(a)) WHERE id(a) = 't:r0' RETURN length(p)",
        "MATCH (a WHERE id(a) = 't:r0'), (b) MATCH p = shortestPath((a)-[*]-(b)) WHERE a = b RETURN length(p)",
        "MATCH (a WHERE id(a) = 't:r0') MATCH p = ANY SHORTEST (a)-[:K]-+(a) RETURN length(p)",
    ] {
        let answer = answer(&snapshot, text, Limits::NONE);
        let length = answer.rows.first().and_then(|row| row[0].as_f64());
        assert_eq!(length, Some(60.0), "{text}");
        assert!(answer.stats.expansions < 10_000, "{text}");
    }
}

#[test]
fn a_list_is_counted_once() {
    let snapshot = dense(2);
    for (text, most) in [
        ("RETURN size(range(1, 5)) AS n", 100),
        ("RETURN size(range(1, 1000000)) AS n", 1_000_000),
        (
            "UNWIND range(1, 1000000) AS x RETURN count(x) AS n",
            3_000_000,
        ),
        ("RETURN size(range(1, -1000000, -2)) AS n", 1_000_000),
    ] {
        let answer = answer(&snapshot, text, Limits::NONE);
        let n_counted = answer.stats.expansions;
        assert!(n_counted <= most, "{n_counted} of {most}: {text}");
    }
}

#[test]
fn rows_found_before_a_limit_stand() {
    let snapshot = dense(30);
    let all = answer(
        &snapshot,
        "MATCH (a)-->(b) RETURN a, b",
        Limits {
            rows: 7,
            ..Limits::NONE
        },
    );
    assert_eq!(
        (all.completeness.stop, all.rows.len()),
        (Some(Stop::Rows), 7)
    );
    let exact = answer(
        &snapshot,
        "MATCH (a) RETURN a LIMIT 7",
        Limits {
            rows: 7,
            ..Limits::NONE
        },
    );
    assert_eq!((exact.completeness.stop, exact.rows.len()), (None, 7));
}

#[test]
fn a_cancelled_query_stops() {
    let snapshot = dense(30);
    let budget = Budget::unlimited();
    budget.stop_handle().stop(Stop::Cancelled);
    let text = "MATCH (a)-[*]->(b) RETURN count(*)";
    let answer = run(&snapshot, text, &Params::new(), &budget, &Env::default());
    let stop = answer.expect("the query is valid").completeness.stop;
    assert_eq!(stop, Some(Stop::Cancelled));
}

#[test]
fn a_query_or_pattern_of_any_length_is_refused_or_answered() {
    let snapshot = dense(3);
    let clauses = format!("{} RETURN x", "WITH 1 AS x ".repeat(2000));
    let hops = format!("MATCH ({} RETURN count(*)", ")-->(".repeat(3000) + ")");
    let names: Vec<String> = (0..2000).map(|n| format!("{n} AS c{n}")).collect();
    let columns = format!("RETURN {}", names.join(", "));
    let terms = format!("RETURN {}1 AS n", "1 + ".repeat(5000));
    // Subqueries nest calls as clauses and patterns do.
    let inner = (0..24).fold("RETURN 1 AS one".to_owned(), |inner, level| {
        let hops = ")-->(".repeat(7);
        format!("MATCH (n{level} {hops}) WHERE EXISTS {{ {inner} }} RETURN 1 AS one")
    });
    let nested = inner.replace(" )-->", ")-->");
    for text in [clauses, hops, columns, terms, nested] {
        let limits = Limits {
            expansions: 1_000_000,
            ..Limits::NONE
        };
        let result = run(
            &snapshot,
            &text,
            &Params::new(),
            &Budget::new(limits),
            &Env::default(),
        );
        if let Err(diagnostics) = result {
            let codes: Vec<&str> = diagnostics.iter().map(|one| one.code.name()).collect();
            let is_size = codes.iter().all(|code| {
                matches!(
                    *code,
                    "query.too_large" | "query.too_deep" | "query.too_long"
                )
            });
            assert!(is_size, "{codes:?}");
        }
    }
}
