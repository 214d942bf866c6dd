//! From documents to what an attacker can do, without a store.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use foothold_engine::attack::{AttackGraph, derive};
use foothold_engine::budget::Budget;
use foothold_engine::build::{Staging, assemble};
use foothold_engine::score::ScoringModel;
use foothold_engine::search::closure;
use foothold_loaders::{Options, Outcome, load_bytes};
use foothold_query::define::Definitions;

/// The corpus beside the repository. It must be there in CI.
pub(crate) fn corpus() -> Option<PathBuf> {
    if let Ok(path) = std::env::var("FOOTHOLD_CORPUS") {
        return Some(path.into());
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let found = ["../shared/corpus", "../../shared/corpus"]
        .iter()
        .map(|place| root.join(place))
        .find(|path| path.join("facts.json").is_file());
    if found.is_none() {
        assert!(std::env::var("CI").is_err(), "the corpus is missing");
        println!("skipped: no corpus beside the repository; set FOOTHOLD_CORPUS");
    }
    found
}

/// The attack graph of documents, each with its name.
pub(crate) fn derived(documents: &[(String, Vec<u8>)]) -> AttackGraph {
    let mut staging = Staging::new();
    for (name, bytes) in documents {
        match load_bytes(name, bytes.clone(), &Options::new(0)) {
            Outcome::Read(loaded) => staging.add(&loaded.source, &loaded.facts),
            other => panic!("{name}: {:?}", other.report()),
        }
    }
    let snapshot = Arc::new(assemble(staging).unwrap());
    let model = Arc::new(ScoringModel::shipped());
    let (rules, broken) = Definitions::shipped().compile(&snapshot, &model);
    assert!(broken.is_empty());
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(2)
        .build()
        .unwrap();
    derive(
        &snapshot,
        &Arc::new(rules),
        &Arc::new(pool),
        &Budget::unlimited(),
    )
    .unwrap()
}

/// The states that follow from holding this one.
pub(crate) fn held_from(graph: &AttackGraph, from: &str) -> Vec<String> {
    let topology = graph.topology();
    let start = topology
        .states()
        .find(|&state| graph.state_text(state) == from);
    let Some(start) = start else {
        return Vec::new();
    };
    let held = closure(topology, &[start], &Budget::unlimited());
    topology
        .states()
        .filter(|state| held.value().contains(state.0))
        .map(|state| graph.state_text(state))
        .collect()
}

/// Whether some state that starts like `target` follows from holding `from`.
pub(crate) fn reaches(graph: &AttackGraph, from: &str, target: &str) -> bool {
    let held = held_from(graph, from);
    held.iter().any(|state| state.starts_with(target))
}
