//! Runs the cases of `tests/cases/parse`: what the parser says about a text, and how it is printed.
//!
//! A case is a heading, a block `fql` or `fql definitions`, and blocks with what is expected:
//! `diagnostics`, `format`. `REWRITE=1 cargo test -p foothold-query --test cases` writes them anew.

use foothold_query::diagnostic::{Colour, Diagnostic, render_all};
use foothold_query::format::{format_definitions, format_query};
use foothold_query::parse::{parse_definitions, parse_query};
use std::fmt::Write;
use std::path::Path;

#[test]
fn parser_cases() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/parse");
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .expect("the cases are there")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    assert!(files.len() > 3, "cases are missing");
    let mut n_wrong = 0;
    let mut report = String::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("readable");
        let rewritten = run(&text);
        if rewritten == text {
            continue;
        }
        if std::env::var_os("REWRITE").is_some() {
            std::fs::write(&file, rewritten).expect("writable");
            continue;
        }
        n_wrong += 1;
        let _ = writeln!(report, "{}", file.display());
        for (want, is) in text.lines().zip(rewritten.lines()) {
            if want != is {
                let _ = writeln!(report, "  want {want}\n  is   {is}");
                break;
            }
        }
    }
    assert_eq!(n_wrong, 0, "REWRITE=1 accepts what is:\n{report}");
}

/// The file with every expectation as it is now.
fn run(text: &str) -> String {
    let mut out = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```fql") else {
            // Old expectations are dropped; new ones follow each text.
            if line == "```diagnostics" || line == "```format" {
                lines.by_ref().find(|line| *line == "```");
                continue;
            }
            // No blank lines pile up where expectations were.
            if !(line.is_empty() && out.ends_with("\n\n")) {
                out.push_str(line);
                out.push('\n');
            }
            continue;
        };
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        let source = block.join("\n");
        let _ = writeln!(out, "{line}\n{source}\n```\n");
        let (diagnostics, formatted) = outcome(&source, info.trim() == "definitions");
        if !diagnostics.is_empty() {
            let text = render_all(&diagnostics, &source, Colour::Never);
            let _ = writeln!(out, "```diagnostics\n{}\n```\n", text.trim_end());
        }
        if let Some(formatted) = formatted {
            let _ = writeln!(out, "```format\n{}\n```\n", formatted.trim_end());
        }
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn outcome(source: &str, is_definitions: bool) -> (Vec<Diagnostic>, Option<String>) {
    if is_definitions {
        let parsed = parse_definitions(source);
        (parsed.diagnostics, format_definitions(source).ok())
    } else {
        let parsed = parse_query(source);
        (parsed.diagnostics, format_query(source).ok())
    }
}
