//! Runs the cases of `tests/cases/answer`: what a query answers on a small graph.
//!
//! A file starts with a block `graph`, see `support/graph_text.rs`. A case is a heading, a block
//! `fql` and a block `answer`.
//! `REWRITE=1 cargo test -p foothold-query --test answers` writes the answers anew.

#![expect(
    clippy::expect_used,
    reason = "a case that cannot be read is a failure"
)]

#[path = "support/graph_text.rs"]
mod graph_text;

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use foothold_engine::budget::{Budget, Limits};
use foothold_engine::graph::Snapshot;
use foothold_query::diagnostic::{Colour, render_all};
use foothold_query::json::{from_json, to_json};
use foothold_query::{Env, Params, prepare};
use graph_text::graph;

#[test]
fn answers_are_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/answer");
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .expect("the cases are there")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    assert!(files.len() > 3, "cases are missing");
    let mut report = String::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("readable");
        let rewritten = rewrite(&text);
        if rewritten == text {
            continue;
        }
        if std::env::var_os("REWRITE").is_some() {
            std::fs::write(&file, rewritten).expect("writable");
            continue;
        }
        let _ = writeln!(report, "{}", file.display());
        for (at, (want, is)) in text.lines().zip(rewritten.lines()).enumerate() {
            if want != is {
                let _ = writeln!(report, "  line {}\n  want {want}\n  is   {is}", at + 1);
                break;
            }
        }
    }
    assert!(report.is_empty(), "answers differ:\n{report}");
}

/// The file with every answer as it is now.
fn rewrite(text: &str) -> String {
    let mut snapshot = Arc::new(Snapshot::empty());
    let mut out = String::new();
    let mut query = String::new();
    let mut block: Option<(String, String)> = None;
    for line in text.lines() {
        match (&mut block, line.strip_prefix("```")) {
            (None, Some(kind)) => {
                block = Some((kind.to_owned(), String::new()));
                if kind != "answer" {
                    let _ = writeln!(out, "{line}");
                }
            }
            (Some((kind, content)), Some(_)) => {
                match kind.as_str() {
                    "graph" => snapshot = Arc::new(graph(content)),
                    "fql" => query.clone_from(content),
                    _ => {
                        let _ = write!(out, "```answer\n{}", answer(&snapshot, query.trim_end()));
                    }
                }
                let _ = writeln!(out, "```");
                block = None;
            }
            (Some((kind, content)), None) => {
                let _ = writeln!(content, "{line}");
                if kind != "answer" {
                    let _ = writeln!(out, "{line}");
                }
            }
            (None, None) => {
                let _ = writeln!(out, "{line}");
            }
        }
    }
    out
}

fn answer(snapshot: &Arc<Snapshot>, text: &str) -> String {
    let mut params = Params::new();
    params.insert(
        "names".to_owned(),
        from_json(&serde_json::json!(["web", "db"])),
    );
    params.insert("n".to_owned(), from_json(&serde_json::json!(2)));
    // 2026-01-15T12:00:00Z.
    let env = Env {
        now_ms: 1_768_478_400_000,
        ..Env::default()
    };
    let prepared = match prepare(snapshot, text, &params, &env) {
        Ok(prepared) => prepared,
        Err(diagnostics) => return render_all(&diagnostics, text, Colour::Never),
    };
    let mut out = render_all(prepared.warnings(), text, Colour::Never);
    let limits = Limits {
        expansions: 1_000_000,
        ..Limits::NONE
    };
    match prepared.run(&Budget::new(limits)) {
        Err(diagnostics) => out.push_str(&render_all(&diagnostics, text, Colour::Never)),
        Ok(answer) => {
            let columns: Vec<&str> = answer.columns.iter().map(|name| &**name).collect();
            let _ = writeln!(out, "{}", columns.join(" | "));
            for row in &answer.rows {
                let cells: Vec<String> = row.iter().map(|value| cell(snapshot, value)).collect();
                let _ = writeln!(out, "{}", cells.join(" | "));
            }
            if let Some(stop) = answer.completeness.stop {
                let _ = writeln!(out, "({stop})");
            }
        }
    }
    out
}

/// Nodes, relationships and paths shorter than JSON has them.
fn cell(snapshot: &Snapshot, value: &foothold_query::value::Val) -> String {
    use foothold_query::value::Val;
    match value {
        Val::Node(node) => format!("({})", snapshot.stable_id(*node).trim_start_matches("t:")),
        Val::Str(text) => text.to_string(),
        Val::List(items) => {
            let items: Vec<String> = items.iter().map(|item| cell(snapshot, item)).collect();
            format!("[{}]", items.join(", "))
        }
        Val::Path(path) => {
            let mut text = cell(snapshot, &Val::Node(path.start));
            for step in &path.steps {
                let kind = snapshot.kind_name(snapshot.edge(step.edge).kind);
                let arrow = if step.is_forward {
                    format!("-{kind}->")
                } else {
                    format!("<-{kind}-")
                };
                let _ = write!(text, "{arrow}{}", cell(snapshot, &Val::Node(step.node)));
            }
            text
        }
        other => to_json(snapshot, other).to_string(),
    }
}
