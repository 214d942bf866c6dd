//! Every case of the conformance kit: rows where rows are expected, refusal where an error is.
//!
//! `tck_known_failures.txt` lists the cases that do not pass, each with its reason; the test fails
//! when the list is wrong in either direction.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a kit that cannot be read is a failure"
)]

#[path = "support/kit.rs"]
mod kit;
#[path = "support/shared.rs"]
mod shared;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use foothold_engine::budget::{Budget, Limits};
use foothold_query::{Env, Params, prepare};
use kit::Case;

const KNOWN: &str = include_str!("tck_known_failures.txt");

/// Runs one case; `Err` says what went wrong.
fn check(case: &Case) -> Result<(), String> {
    let snapshot = Arc::new(case.snapshot());
    let params: Params = case.params();
    let budget = Budget::new(Limits {
        expansions: 20_000_000,
        ..Limits::NONE
    });
    let prepared = match prepare(&snapshot, &case.query, &params, &Env::default()) {
        Ok(prepared) => prepared,
        Err(diagnostics) => {
            let first = diagnostics
                .first()
                .map(|one| format!("{}: {}", one.code, one.message));
            let first = first.unwrap_or_default();
            return match case.error_phase() {
                Some("compile time" | "any time") => Ok(()),
                Some(phase) => Err(format!(
                    "refused before running, expected at {phase}: {first}"
                )),
                None => Err(format!("refused: {first}")),
            };
        }
    };
    if case.error_phase() == Some("compile time") {
        return Err("not refused before running".to_owned());
    }
    let answer = match prepared.run(&budget) {
        Ok(answer) => answer,
        Err(diagnostics) => {
            let first = diagnostics
                .first()
                .map(|one| format!("{}: {}", one.code, one.message));
            return match case.error_phase() {
                Some(_) => Ok(()),
                None => Err(format!("failed: {}", first.unwrap_or_default())),
            };
        }
    };
    if let Some(phase) = case.error_phase() {
        return Err(format!("not refused at {phase}"));
    }
    if let Some(stop) = answer.completeness.stop {
        return Err(format!("stopped: {stop}"));
    }
    case.compare(&snapshot, &answer)
}

fn known_failures() -> BTreeMap<&'static str, &'static str> {
    KNOWN
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("//"))
        .map(|line| line.split_once(" :: ").expect("`id :: reason`"))
        .collect()
}

fn run_file(path: &Path) -> (BTreeMap<String, String>, usize, usize, usize, usize) {
    let text = std::fs::read_to_string(path).expect("the kit is readable");
    let mut failures = BTreeMap::new();
    let (mut n_rows, mut n_rows_failed, mut n_errors, mut n_errors_failed) = (0, 0, 0, 0);
    for line in text.lines() {
        let case = Case::parse(line);
        let result = check(&case);
        let failed = usize::from(result.is_err());
        if case.error_phase().is_some() {
            n_errors += 1;
            n_errors_failed += failed;
        } else {
            n_rows += 1;
            n_rows_failed += failed;
        }
        if let Err(why) = result {
            failures.insert(case.id.clone(), why);
        }
    }
    (failures, n_rows, n_rows_failed, n_errors, n_errors_failed)
}

#[test]
fn cases_of_the_kit_pass() {
    let Some(folder) = shared::folder("FOOTHOLD_TCK", "tck") else {
        return;
    };
    let known = known_failures();
    let mut wrong = Vec::new();
    let mut failed_ids = Vec::new();
    for name in ["cases.jsonl", "paths.jsonl"] {
        let (failures, n_rows, n_rows_failed, n_errors, n_errors_failed) =
            run_file(&folder.join(name));
        report(name, n_rows, n_rows_failed, n_errors, n_errors_failed);
        for (id, why) in failures {
            if !known.contains_key(id.as_str()) {
                wrong.push(format!("{id}\n    {why}"));
            }
            failed_ids.push(id);
        }
    }
    for id in known.keys() {
        if !failed_ids.iter().any(|failed| failed == id) {
            wrong.push(format!("{id}\n    passes, but is listed as a failure"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} cases:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[expect(
    clippy::print_stdout,
    reason = "the pass rate is what one wants to see"
)]
fn report(
    name: &str,
    n_rows: usize,
    n_rows_failed: usize,
    n_errors: usize,
    n_errors_failed: usize,
) {
    println!(
        "{name}: {} of {n_rows} row cases, {} of {n_errors} error cases",
        n_rows - n_rows_failed,
        n_errors - n_errors_failed
    );
}
