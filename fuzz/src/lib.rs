//! What the fuzz targets share: a small graph with something of everything, and tight limits.

use std::sync::{Arc, LazyLock};

use foothold_engine::attack::{AttackGraph, derive};
use foothold_engine::budget::{Budget, Limits};
use foothold_engine::build::Staging;
use foothold_engine::graph::Snapshot;
use foothold_engine::model::{Facts, SourceInfo, Value};
use foothold_engine::score::ScoringModel;
use foothold_query::define::Definitions;
use foothold_query::diagnostic::{Colour, Diagnostic, render_all};
use foothold_query::verb::{AttackContext, Unknowns};

/// The labels of the kit's queries and of the shipped rules, so that patterns match something.
const LABELS: &[&[&str]] = &[
    &["A"],
    &["B"],
    &["A", "B"],
    &["Service"],
    &["Workload", "Deployment"],
    &["Image"],
    &["Package"],
    &["Vulnerability"],
    &["DataStore", "Bucket"],
    &["Identity", "ServiceAccount"],
    &["Internet"],
];

/// The relationships: start, kind, end. Loops, pairs and a cycle are among them.
const EDGES: &[(usize, &str, usize)] = &[
    (0, "T", 1),
    (0, "T", 1),
    (1, "T", 2),
    (2, "KNOWS", 0),
    (2, "REL", 2),
    (1, "LIKES", 3),
    (10, "CAN_REACH", 3),
    (3, "ROUTES_TO", 4),
    (4, "RUNS", 5),
    (5, "CONTAINS", 6),
    (6, "AFFECTED_BY", 7),
    (4, "RUNS_AS", 9),
    (4, "CAN_REACH", 8),
    (9, "HAS_PERMISSION", 8),
];

/// A graph of eleven nodes. Properties hold every type of value, and some are missing.
fn facts() -> Facts {
    let mut facts = Facts::new();
    for (at, labels) in LABELS.iter().enumerate() {
        let Ok(node) = facts.node(&id(at), labels) else {
            continue;
        };
        let number = i64::try_from(at).unwrap_or(0);
        facts.set(node, "name", Value::Str(format!("n{at}").into()));
        facts.set(node, "num", Value::Int(number % 4));
        if at % 2 == 0 {
            facts.set(node, "id", Value::Int(number));
            facts.set(node, "x", Value::Float(number as f64 / 3.0));
        }
        if at % 3 == 0 {
            let list = [Value::Int(number), Value::Str("a".into())];
            facts.set(node, "list", Value::List(list.into()));
            facts.set(node, "flag", Value::Bool(at % 2 == 0));
        }
        let words: &[(&str, &str)] = match labels[0] {
            "Vulnerability" => &[
                ("attack_vector", "network"),
                ("privileges_required", "none"),
                ("user_interaction", "none"),
                ("effect", "code-execution"),
                ("severity", "critical"),
            ],
            "DataStore" => &[("sensitivity", "pii"), ("kind", "bucket")],
            "Package" => &[("reachability", "executed"), ("version", "1.0.0")],
            _ => &[],
        };
        for (name, word) in words {
            facts.set(node, name, Value::Str((*word).into()));
        }
    }
    for (at, &(from, kind, to)) in EDGES.iter().enumerate() {
        let Ok(edge) = facts.edge(&id(from), kind, &id(to)) else {
            continue;
        };
        facts.set_key(edge, &at.to_string());
        facts.set(edge, "w", Value::Int(i64::try_from(at).unwrap_or(0) % 5));
        facts.set(edge, "action", Value::Str("s3:GetObject".into()));
        facts.set(edge, "effect", Value::Str("allow".into()));
    }
    facts
}

fn id(at: usize) -> String {
    if LABELS[at] == ["Internet"] {
        foothold_engine::model::schema::INTERNET_ID.to_owned()
    } else {
        format!("t:{at}")
    }
}

/// The graph that queries run on.
pub static SNAPSHOT: LazyLock<Arc<Snapshot>> = LazyLock::new(|| {
    let mut staging = Staging::new();
    staging.add(&SourceInfo::default(), &facts());
    Arc::new(staging.snapshot().expect("a small graph"))
});

/// Where parallel parts run: one thread, so that a run repeats itself.
pub static POOL: LazyLock<Arc<rayon::ThreadPool>> = LazyLock::new(|| {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    Arc::new(pool.expect("a pool"))
});

/// What the verbs ask.
pub static CONTEXT: LazyLock<AttackContext> = LazyLock::new(|| AttackContext {
    graph: attack_graph(&Definitions::shipped(), &Budget::unlimited()).expect("a small graph"),
    definitions: Arc::new(Definitions::shipped()),
    pool: Arc::clone(&POOL),
    unknowns: Unknowns::default(),
});

/// What an attacker can do after these rules.
pub fn attack_graph(definitions: &Definitions, budget: &Budget) -> Option<Arc<AttackGraph>> {
    let model = Arc::new(ScoringModel::shipped());
    let (rules, _) = definitions.compile(&SNAPSHOT, &model);
    let graph = derive(&SNAPSHOT, &Arc::new(rules), &POOL, budget).ok()?;
    Some(Arc::new(graph))
}

/// Limits that a query reaches within milliseconds.
pub fn budget() -> Budget {
    Budget::new(Limits {
        expansions: 100_000,
        memory_bytes: 8 << 20,
        rows: 1_000,
    })
}

/// What is wrong stands at places that exist, and can be shown.
pub fn check_places(text: &str, diagnostics: &[Diagnostic]) {
    for diagnostic in diagnostics {
        let (start, end) = (diagnostic.span.start as usize, diagnostic.span.end as usize);
        assert!(text.get(start..end).is_some(), "{diagnostic:?}");
    }
    let _ = render_all(diagnostics, text, Colour::Always);
}
