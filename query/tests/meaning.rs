//! Runs the cases of `tests/cases/meaning`: what the reading core means, a line a case.
//!
//! Blocks of a file:
//!
//! - `graph`: the graph of the cases below it, see `support/graph_text.rs`; empty at the start.
//! - `params`: their parameters, a JSON object.
//! - `values`: `expression => value`, run as `RETURN expression`.
//! - `rows`: `query => row; row`, cells joined by ` | `; `nothing` is no row. Rows are compared as
//!   a bag unless the query says `ORDER BY`.
//! - `columns`: `query => name | name`.
//!
//! `refused <code>` is an error before any row is read, `fails <code>` one while running. A line
//! that starts with two spaces goes on with the query above it.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a case that cannot be read is a failure"
)]

#[path = "support/graph_text.rs"]
mod graph_text;

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use foothold_engine::budget::{Budget, Limits};
use foothold_engine::graph::Snapshot;
use foothold_query::json::from_json;
use foothold_query::value::Val;
use foothold_query::{Env, Params, prepare};
use graph_text::graph;

#[test]
fn queries_mean_what_the_language_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/meaning");
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .expect("the cases are there")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    let (mut n_cases, mut report) = (0, String::new());
    for file in files {
        let text = std::fs::read_to_string(&file).expect("readable");
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        n_cases += run_file(&name, &text, &mut report);
    }
    assert!(report.is_empty(), "of {n_cases} cases:\n{report}");
    assert!(n_cases > 500, "cases are missing: {n_cases}");
}

/// Runs every case of a file; how many there are.
fn run_file(name: &str, text: &str, report: &mut String) -> usize {
    let mut snapshot = Arc::new(Snapshot::empty());
    let mut params = Params::new();
    let mut n_cases = 0;
    let mut block: Option<(String, Vec<(usize, String)>)> = None;
    for (at, line) in text.lines().enumerate() {
        match (&mut block, line.strip_prefix("```")) {
            (None, Some(kind)) => block = Some((kind.to_owned(), Vec::new())),
            (Some((kind, lines)), Some(_)) => {
                let whole = || {
                    let lines: Vec<&str> = lines.iter().map(|(_, line)| &**line).collect();
                    lines.join("\n")
                };
                match kind.as_str() {
                    "graph" => snapshot = Arc::new(graph(&whole())),
                    "params" => params = read_params(&whole()),
                    _ => {
                        for (at, case) in &*lines {
                            n_cases += 1;
                            if let Err(why) = check(kind, case, &snapshot, &params) {
                                let _ = writeln!(report, "{name}:{}: {why}", at + 1);
                            }
                        }
                    }
                }
                block = None;
            }
            (Some((_, lines)), None) => match (line.strip_prefix("  "), lines.last_mut()) {
                (Some(rest), Some((_, last))) => {
                    last.push('\n');
                    last.push_str(rest);
                }
                _ if line.is_empty() => {}
                _ => lines.push((at, line.to_owned())),
            },
            (None, None) => {}
        }
    }
    assert!(block.is_none(), "{name}: a block does not end");
    n_cases
}

fn read_params(text: &str) -> Params {
    let json: serde_json::Value = serde_json::from_str(text).expect("a JSON object");
    let fields = json.as_object().expect("an object").iter();
    fields
        .map(|(name, value)| (name.clone(), from_json(value)))
        .collect()
}

/// Runs one case; `Err` says what differs.
fn check(kind: &str, case: &str, snapshot: &Arc<Snapshot>, params: &Params) -> Result<(), String> {
    let (query, wanted) = case
        .rsplit_once(" => ")
        .unwrap_or_else(|| panic!("no ` => ` in {case}"));
    let query = match kind {
        "values" => format!("RETURN {}", query.trim()),
        "rows" | "columns" => query.trim().to_owned(),
        other => panic!("no block `{other}`"),
    };
    let found = run(kind, &query, snapshot, params);
    let sorted = |text: &str| {
        let mut rows: Vec<&str> = text.split("; ").collect();
        if !query.contains("ORDER BY") {
            rows.sort_unstable();
        }
        rows.join("; ")
    };
    if sorted(wanted.trim()) == sorted(&found) {
        Ok(())
    } else {
        Err(format!("{query}\n  want {}\n  is   {found}", wanted.trim()))
    }
}

fn run(kind: &str, query: &str, snapshot: &Arc<Snapshot>, params: &Params) -> String {
    let prepared = match prepare(snapshot, query, params, &Env::default()) {
        Ok(prepared) => prepared,
        Err(diagnostics) => {
            let codes: Vec<&str> = diagnostics.iter().map(|one| one.code.name()).collect();
            return format!("refused {}", codes.join(", "));
        }
    };
    let limits = Limits {
        expansions: 1_000_000,
        ..Limits::NONE
    };
    let answer = match prepared.run(&Budget::new(limits)) {
        Ok(answer) => answer,
        Err(diagnostics) => {
            let codes: Vec<&str> = diagnostics.iter().map(|one| one.code.name()).collect();
            return format!("fails {}", codes.join(", "));
        }
    };
    if let Some(stop) = answer.completeness.stop {
        return format!("stops: {stop}");
    }
    if kind == "columns" {
        let columns: Vec<&str> = answer.columns.iter().map(|name| &**name).collect();
        return columns.join(" | ");
    }
    if answer.rows.is_empty() {
        return "nothing".to_owned();
    }
    let rows = answer.rows.iter().map(|row| {
        let cells: Vec<String> = row.iter().map(|value| cell(snapshot, value)).collect();
        cells.join(" | ")
    });
    rows.collect::<Vec<_>>().join("; ")
}

/// A value as the language writes it; nodes as `(name)`, relationships as `[from KIND to]`.
fn cell(snapshot: &Snapshot, value: &Val) -> String {
    let name = |node| snapshot.stable_id(node).trim_start_matches("t:");
    let relationship = |edge| {
        let ends = snapshot.edge(edge);
        let kind = snapshot.kind_name(ends.kind);
        (name(ends.source), kind, name(ends.target))
    };
    match value {
        Val::Node(node) => format!("({})", name(*node)),
        Val::Rel(edge) => {
            let (from, kind, to) = relationship(*edge);
            format!("[{from} {kind} {to}]")
        }
        Val::Str(text) => format!("'{text}'"),
        Val::List(items) => {
            let items: Vec<String> = items.iter().map(|item| cell(snapshot, item)).collect();
            format!("[{}]", items.join(", "))
        }
        Val::Map(map) => {
            let entries = map.iter();
            let entries: Vec<String> = entries
                .map(|(key, value)| format!("{key}: {}", cell(snapshot, value)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
        Val::Path(path) => {
            let mut text = cell(snapshot, &Val::Node(path.start));
            for step in &path.steps {
                let (_, kind, _) = relationship(step.edge);
                let arrow = if step.is_forward {
                    format!("-{kind}->")
                } else {
                    format!("<-{kind}-")
                };
                let _ = write!(text, "{arrow}({})", name(step.node));
            }
            text
        }
        Val::Float(number) if number.is_nan() => "NaN".to_owned(),
        Val::Float(number) if number.is_infinite() => number.to_string(),
        other => foothold_query::json::to_json(snapshot, other).to_string(),
    }
}
