//! Every rule on graphs a person can read: `tests/rules/*.md`.
//!
//! `define::fixture` says how a case is written. `REWRITE=1 cargo test` writes what the rules now say.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use foothold_engine::score::ScoringModel;
use foothold_query::define::Definitions;
use foothold_query::define::fixture::{read_fixtures, shipped_fixtures};

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

#[test]
fn the_program_carries_every_case() {
    let written: usize = files()
        .iter()
        .map(|path| read_fixtures(&std::fs::read_to_string(path).expect("a case file")).len())
        .sum();
    assert_eq!(shipped_fixtures().len(), written);
}
