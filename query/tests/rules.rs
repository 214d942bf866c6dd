//! Every rule on graphs a person can read: `tests/rules/*.md`.
//!
//! `define::fixture` says how a case is written. `REWRITE=1 cargo test` writes what the rules now say.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use foothold_engine::attack::{Rule, RuleSet, derive};
use foothold_engine::budget::Budget;
use foothold_engine::graph::Snapshot;
use foothold_engine::score::ScoringModel;
use foothold_query::define::Definitions;
use foothold_query::define::fixture::{Fixture, read_fixtures, shipped_fixtures};
use rayon::ThreadPool;

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the folder of cases")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    files.sort();
    files
}

#[test]
fn rules_derive_what_their_cases_say() {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(2)
        .build()
        .expect("a pool");
    let definitions = Definitions::shipped();
    let model = Arc::new(ScoringModel::shipped());
    let rewrite = std::env::var_os("REWRITE").is_some();
    let mut wrong = Vec::new();
    for path in files() {
        let text = std::fs::read_to_string(&path).expect("a case file");
        let mut rewritten = text.clone();
        for case in read_fixtures(&text) {
            let found = case.run(&definitions, &model, &pool).expect("a case");
            if found == case.steps {
                continue;
            }
            let heading = format!("## {}: {}\n", case.rule, case.title);
            let at = rewritten
                .find(&heading)
                .expect("the heading stands in the file");
            let old = format!("```steps\n{}```", case.steps);
            let place = rewritten[at..].find(&old).expect("a block of steps") + at;
            rewritten.replace_range(place..place + old.len(), &format!("```steps\n{found}```"));
            wrong.push(format!(
                "{}: {}: {}\nexpected:\n{}found:\n{found}",
                path.display(),
                case.rule,
                case.title,
                case.steps
            ));
        }
        if rewrite {
            std::fs::write(&path, rewritten).expect("a writable case file");
        }
    }
    assert!(rewrite || wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_has_a_case_that_fires_and_one_that_stays_silent() {
    let mut seen: BTreeMap<String, (bool, bool)> = BTreeMap::new();
    for path in files() {
        for case in read_fixtures(&std::fs::read_to_string(path).expect("a case file")) {
            let entry = seen.entry(case.rule).or_default();
            if case.steps.is_empty() {
                entry.1 = true;
            } else {
                entry.0 = true;
            }
        }
    }
    let definitions = Definitions::shipped();
    let lacking: Vec<&str> = definitions
        .rules()
        .map(|(rule, _)| rule.name.name.as_str())
        .filter(|name| seen.get(*name) != Some(&(true, true)))
        .collect();
    assert!(lacking.is_empty(), "rules without both cases: {lacking:?}");
}

/// The steps of one rule on a graph.
fn steps_of(rule: Rule, snapshot: &Arc<Snapshot>, pool: &ThreadPool) -> String {
    let rules = Arc::new(RuleSet::new([rule]));
    let graph = derive(snapshot, &rules, pool, &Budget::unlimited()).expect("an attack graph");
    let topology = graph.topology();
    let mut lines: Vec<String> = topology
        .steps()
        .map(|step| {
            let given = topology.premises(step).into_iter();
            let given: Vec<_> = given.map(|state| graph.state_text(state)).collect();
            let gain = graph.state_text(topology.gain(step));
            format!("{given:?} {gain} {}\n", topology.cost(step))
        })
        .collect();
    lines.sort_unstable();
    lines.concat()
}

/// Takes each condition and each guard of each rule away, one at a time: some case has to notice.
#[test]
fn every_condition_and_guard_has_a_case_that_needs_it() {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(2)
        .build()
        .expect("a pool");
    let model = Arc::new(ScoringModel::shipped());
    let definitions = Definitions::shipped();
    // What each rule has, and whether a case noticed that it was gone.
    let mut noticed: BTreeMap<String, bool> = BTreeMap::new();
    for (_, case) in shipped_fixtures() {
        let snapshot = Arc::new(case.snapshot().expect("a graph"));
        let (rules, _) = definitions.compile(&snapshot, &model);
        let rule = rules.get(rules.find(&case.rule).expect("a rule"));
        let whole = steps_of(rule.clone(), &snapshot, &pool);
        let mut judge = |what: String, mutant: Rule| {
            let seen = noticed.entry(format!("{}: {what}", case.rule)).or_default();
            *seen = *seen || steps_of(mutant, &snapshot, &pool) != whole;
        };
        for (idx, condition) in rule.pattern.conditions.iter().enumerate() {
            let mut mutant = rule.clone();
            mutant.pattern.conditions.remove(idx);
            mutant.pattern.lookups.clear();
            for node in &mut mutant.pattern.nodes {
                node.hints.clear();
            }
            mutant.needs.clear();
            judge(format!("WHERE {}", condition.text()), mutant);
        }
        for (idx, guard) in rule.guards.iter().enumerate() {
            let mut mutant = rule.clone();
            mutant.guards.remove(idx);
            judge(format!("GUARD {}", guard.name), mutant);
        }
    }
    let unnoticed = noticed.into_iter().filter(|(_, seen)| !seen);
    let unnoticed: Vec<String> = unnoticed.map(|(what, _)| what).collect();
    assert!(
        unnoticed.is_empty(),
        "no case needs\n{}",
        unnoticed.join("\n")
    );
}

/// Of each rule some case that fires has nothing to spare: without any one of its relationships
/// it says something else.
#[test]
fn every_rule_has_a_case_of_which_every_relationship_is_needed() {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(2)
        .build()
        .expect("a pool");
    let model = Arc::new(ScoringModel::shipped());
    let definitions = Definitions::shipped();
    let mut spare: BTreeMap<String, String> = BTreeMap::new();
    let mut bare = BTreeSet::new();
    for (_, case) in shipped_fixtures() {
        if case.is_negative() || bare.contains(&case.rule) {
            continue;
        }
        let lines: Vec<&str> = case.graph.lines().collect();
        let is_idle = |idx: usize| {
            let mut fewer = lines.clone();
            fewer.remove(idx);
            let without = Fixture {
                graph: fewer.join("\n"),
                ..case.clone()
            };
            without.run(&definitions, &model, &pool).expect("a case") == case.steps
        };
        let relationships = (0..lines.len()).filter(|idx| lines[*idx].contains("-> "));
        match relationships.into_iter().find(|idx| is_idle(*idx)) {
            Some(idx) => {
                spare.insert(case.rule.clone(), format!("{}: {}", case.title, lines[idx]));
            }
            None => {
                bare.insert(case.rule.clone());
            }
        }
    }
    spare.retain(|rule, _| !bare.contains(rule));
    assert!(spare.is_empty(), "not needed: {spare:#?}");
}

#[test]
fn the_program_carries_every_case() {
    let written: usize = files()
        .iter()
        .map(|path| read_fixtures(&std::fs::read_to_string(path).expect("a case file")).len())
        .sum();
    assert_eq!(shipped_fixtures().len(), written);
}
