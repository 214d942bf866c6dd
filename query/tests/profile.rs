//! `PROFILE`: what each operator says it took.

#![expect(
    clippy::expect_used,
    reason = "a graph that cannot be built is a failure"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use foothold_engine::budget::Budget;
use foothold_engine::build::Staging;
use foothold_engine::graph::Snapshot;
use foothold_engine::model::{Facts, SourceInfo};
use foothold_query::{Answer, Env, Params, RunOptions, prepare};

const QUERIES: [&str; 4] = [
    "PROFILE MATCH (a)-[:K]->(b) WITH a, count(*) AS n WHERE n > 0 RETURN n ORDER BY n DESC LIMIT 3",
    "PROFILE MATCH (a) RETURN DISTINCT labels(a) AS l UNION MATCH (a:N) RETURN labels(a) AS l",
    "PROFILE UNWIND range(1, 2000) AS x CALL (x) { UNWIND [x, 1] AS y RETURN sum(y) AS s } RETURN max(s)",
    "PROFILE RETURN 1",
];

fn ring(n: usize) -> Arc<Snapshot> {
    let mut facts = Facts::new();
    for at in 0..n {
        facts.node(&format!("t:{at}"), &["N"]).expect("a valid id");
    }
    for at in 0..n {
        let (from, to) = (format!("t:{at}"), format!("t:{}", (at + 1) % n));
        facts.edge(&from, "K", &to).expect("valid ids");
    }
    let mut staging = Staging::new();
    staging.add(&SourceInfo::default(), &facts);
    Arc::new(staging.snapshot().expect("the graph is small"))
}

fn profile(text: &str, options: &RunOptions<'_>) -> Answer {
    let prepared =
        prepare(&ring(40), text, &Params::new(), &Env::default()).expect("a valid query");
    prepared
        .run_with(options, &Budget::unlimited())
        .expect("a query that runs")
}

#[test]
fn times_of_operators_add_up_to_no_more_than_has_passed() {
    // A clock that goes on by a different step each time it is read.
    let (now, n_read) = (AtomicU64::new(1_000_000), AtomicU64::new(0));
    let clock = || {
        let step = 1000 + 37 * (n_read.fetch_add(1, Ordering::Relaxed) % 11);
        now.fetch_add(step, Ordering::Relaxed) + step
    };
    for text in QUERIES {
        let begun = now.load(Ordering::Relaxed);
        let options = RunOptions {
            parallel: None,
            clock: Some(&clock),
        };
        let plan = profile(text, &options).plan.expect("a profile");
        let passed = now.load(Ordering::Relaxed) - begun;
        let profiled: Vec<_> = plan.iter().filter(|row| row.stats.is_some()).collect();
        assert!(!profiled.is_empty(), "{text}");
        let mut sum = 0;
        for row in profiled {
            let time_ns = row.stats.and_then(|stats| stats.time_ns);
            sum += time_ns.expect("each operator has a time");
            let shown = row.text();
            let shown = shown
                .rsplit_once(", ")
                .and_then(|(_, end)| end.strip_suffix(" ms]"));
            let ms: f64 = shown.expect("a time").parse().expect("a number");
            assert!(ms >= 0.0, "{}", row.text());
        }
        assert!(sum > 0 && sum <= passed, "{sum} of {passed} ns: {text}");
    }
}

#[test]
fn without_a_clock_there_is_no_time() {
    for text in QUERIES {
        let plan = profile(text, &RunOptions::default())
            .plan
            .expect("a profile");
        for row in plan {
            assert!(row.stats.is_none_or(|stats| stats.time_ns.is_none()));
            assert!(!row.text().ends_with(" ms]"), "{}", row.text());
        }
    }
}
