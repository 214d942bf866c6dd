//! The shipped rules after a change of the generated estate: what is derived again is what is
//! derived from the start.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use foothold_benches::change::{Change, changed};
use foothold_benches::estate;
use foothold_engine::attack::{AttackGraph, Reads, RuleSet, derive, derive_again};
use foothold_engine::budget::Budget;
use foothold_engine::graph::{Snapshot, SnapshotDelta};
use foothold_engine::score::ScoringModel;
use foothold_query::define::Definitions;

fn rules(snapshot: &Snapshot) -> Arc<RuleSet> {
    let model = Arc::new(ScoringModel::shipped());
    Arc::new(Definitions::shipped().compile(snapshot, &model).0)
}

#[test]
fn every_kind_of_change_gives_the_bytes_of_a_full_derivation() {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(2)
        .build()
        .unwrap();
    let budget = Budget::unlimited();
    let full = |snapshot: &Arc<Snapshot>| -> AttackGraph {
        derive(snapshot, &rules(snapshot), &pool, &budget).unwrap()
    };
    let lines = estate::lines(0.01).unwrap();
    let first = full(&estate::import(lines.clone()).unwrap());
    assert!(first.n_steps() > 1000);
    for (seed, change) in (0..).zip(Change::ALL) {
        let mut before = lines.clone();
        let mut kept = full(&estate::import(lines.clone()).unwrap());
        for (round, part) in (0..).zip([0.001, 0.01, 0.1]) {
            before = changed(&before, change, part, seed * 100 + round);
            let snapshot = estate::import(before.clone()).unwrap();
            let delta = SnapshotDelta::new(kept.snapshot(), &snapshot);
            assert!(!delta.is_empty());
            let rules = rules(&snapshot);
            let again = derive_again(&kept, &delta, &snapshot, &rules, &pool, &budget).unwrap();
            let name = change.name();
            assert!(
                again.is_identical(&full(&snapshot)),
                "{name}, round {round}"
            );
            kept = again;
        }
        assert!(!kept.is_identical(&first), "{}", change.name());
    }
}

#[test]
fn shipped_rules_say_what_they_read() {
    let snapshot = estate::import(estate::lines(0.01).unwrap()).unwrap();
    let rules = rules(&snapshot);
    let of = |name: &str| &rules.get(rules.find(name).unwrap()).reads;
    let needs = |name: &str| -> Vec<&str> {
        let rule = rules.get(rules.find(name).unwrap());
        rule.needs.iter().map(|name| &**name).collect()
    };
    assert!(needs("privileged-container").contains(&"privileged"));
    // Either of several, or what is unknown without: no property is needed.
    assert!(!needs("exploit-network-cve").contains(&"epss"));
    assert!(of("privileged-container").reads("privileged"));
    assert!(!of("privileged-container").reads("epss"));
    assert!(of("assume-role").reads("mfa"));
    assert!(of("exploit-network-cve").reads("epss"));
    assert!(!of("exploit-network-cve").reads("owner"));
    let far: Vec<&str> = rules
        .iter()
        .filter(|(_, rule)| rule.reads == Reads::Everything)
        .map(|(_, rule)| &*rule.name)
        .collect();
    assert!(far.len() * 4 < rules.len(), "{far:?}");
}
