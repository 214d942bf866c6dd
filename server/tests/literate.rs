//! Runs every query of the language pages, and of the pages of `tests/migration`, and compares the
//! answers that stand below them.
//!
//! A page names what it asks in a comment, `<!-- asks: datasets/demo -->`, a folder of the
//! repository, or `corpus/...` for the shared corpus. A block `fql` has its answer in the block
//! `answer` that follows; `fql json` is answered with columns and rows as JSON. A block
//! `fql definitions` must be laid out as `foothold fmt` would. Any other block is prose.
//! `REWRITE=1 cargo test -p foothold-server --test literate` writes the answers anew.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test stops at the first surprise, and says what it skips"
)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use foothold_query::ast::Capability;
use foothold_query::diagnostic::Code;
use foothold_query::format::format_file;
use foothold_query::func::Function;
use foothold_query::token::Keyword;
use foothold_query::verb::verb_columns;
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A part of a page.
enum Part {
    /// Lines that stay as they are.
    Text(String),
    /// A query.
    Query { info: String, text: String },
    /// Definitions.
    Definitions(String),
}

/// A page in parts, its answers left out.
fn parts(page: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut prose = String::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else {
            // No blank lines pile up where answers were.
            if !(line.is_empty() && prose.is_empty() && !parts.is_empty()) {
                prose.push_str(line);
                prose.push('\n');
            }
            continue;
        };
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        let text = block.join("\n");
        match info {
            "fql" | "fql json" => {
                parts.push(Part::Text(std::mem::take(&mut prose)));
                let info = info.to_owned();
                parts.push(Part::Query { info, text });
            }
            "fql definitions" => {
                parts.push(Part::Text(std::mem::take(&mut prose)));
                parts.push(Part::Definitions(text));
            }
            "answer" => {}
            _ => {
                let _ = writeln!(prose, "{line}\n{text}\n```");
            }
        }
    }
    parts.push(Part::Text(prose));
    parts
}

/// What a page asks; `None` where the shared corpus is not at hand.
fn asked(page: &str, path: &Path) -> Option<PathBuf> {
    let name = page
        .lines()
        .find_map(|line| line.strip_prefix("<!-- asks: ")?.strip_suffix(" -->"))
        .unwrap_or_else(|| panic!("{}: no `<!-- asks: ... -->`", path.display()));
    let Some(name) = name.strip_prefix("corpus/") else {
        // Relative, because answers name the documents.
        return Some(PathBuf::from(name));
    };
    let near = ["../shared/corpus", "../../shared/corpus"].map(|folder| root().join(folder));
    let named = std::env::var_os("FOOTHOLD_CORPUS").map(PathBuf::from);
    let found = named.into_iter().chain(near).find(|folder| folder.is_dir());
    let Some(folder) = found else {
        assert!(
            std::env::var_os("CI").is_none(),
            "the corpus is not at hand: set FOOTHOLD_CORPUS"
        );
        return None;
    };
    Some(folder.join(name))
}

/// Answers queries in one run of the shell.
fn answers(asked: &Path, queries: &[(&str, &str)]) -> Vec<String> {
    let mut script = ":timing off\n".to_owned();
    let marker = |at: usize| format!("RETURN '@@{at}' AS m;\n:@@{at}\n");
    for (at, (info, query)) in queries.iter().enumerate() {
        script.push_str(&marker(at));
        let format = if *info == "fql json" { "json" } else { "table" };
        let _ = write!(script, ":format {format}\n{query}\n;\n:format table\n");
    }
    script.push_str(&marker(queries.len()));
    let mut child = Command::new(env!("CARGO_BIN_EXE_foothold"))
        .args(["shell", "--load"])
        .arg(asked)
        .env("NO_COLOR", "1")
        .env("FOOTHOLD_THREADS", "2")
        .current_dir(root())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program");
    let mut stdin = child.stdin.take().expect("stdin");
    let typing = std::thread::spawn(move || stdin.write_all(script.as_bytes()));
    let output = child.wait_with_output().expect("the shell ends");
    typing
        .join()
        .expect("no panic")
        .expect("the shell reads everything");
    let (out, err) = (
        String::from_utf8(output.stdout).expect("text"),
        String::from_utf8(output.stderr).expect("text"),
    );
    let between = |text: &str, from: &str, to: &str| -> String {
        let rest = text
            .split_once(from)
            .unwrap_or_else(|| panic!("no {from:?} in {text}"))
            .1;
        let part = rest.split_once(to).expect("the next marker").0;
        part.to_owned()
    };
    let err_marker = |at| format!("error: no command `:@@{at}`; `:help` lists the commands\n");
    (0..queries.len())
        .map(|at| {
            let (from, to) = (format!("m\n@@{at}\n"), format!("m\n@@{}\n", at + 1));
            let mut answer = between(&out, &from, &to);
            if queries[at].0 == "fql json" && !answer.is_empty() {
                let whole: Value = serde_json::from_str(&answer).expect("JSON");
                answer = format!("{{\n  \"columns\": {},\n  \"rows\": [", whole["columns"]);
                let rows = whole["rows"].as_array().expect("rows");
                let rows: Vec<String> = rows.iter().map(|row| format!("\n    {row}")).collect();
                answer.push_str(&rows.join(","));
                answer.push_str(if rows.is_empty() {
                    "]\n}\n"
                } else {
                    "\n  ]\n}\n"
                });
            }
            answer + &between(&err, &err_marker(at), &err_marker(at + 1))
        })
        .collect()
}

/// The page with every answer as it is now; `None` where it cannot be asked.
fn rewrite(page: &str, path: &Path) -> Option<String> {
    let parts = parts(page);
    let asked = asked(page, path)?;
    let queries: Vec<(&str, &str)> = parts
        .iter()
        .filter_map(|part| match part {
            Part::Query { info, text } => Some((info.as_str(), text.as_str())),
            _ => None,
        })
        .collect();
    let mut answers = answers(&asked, &queries).into_iter();
    let mut out = String::new();
    for part in &parts {
        match part {
            Part::Text(text) => {
                if !out.is_empty() && !text.is_empty() && !text.starts_with('\n') {
                    out.push('\n');
                }
                out.push_str(text);
            }
            Part::Query { info, text } => {
                let answer = answers.next().unwrap_or_default();
                let answer: Vec<&str> = answer.lines().map(str::trim_end).collect();
                let answer = answer.join("\n");
                let _ = write!(out, "```{info}\n{text}\n```\n\n```answer\n{answer}\n```\n");
            }
            Part::Definitions(text) => {
                let laid_out = format_file(text)
                    .unwrap_or_else(|wrong| panic!("{}: {text}\n{wrong:?}", path.display()));
                let _ = write!(out, "```fql definitions\n{laid_out}```\n");
            }
        }
    }
    Some(out)
}

fn pages_below(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(folder)).expect("the folder is there");
    let mut pages: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|end| end == "md"))
        .collect();
    pages.sort();
    pages
}

fn check(pages: &[PathBuf]) {
    let mut report = String::new();
    for path in pages {
        let page = std::fs::read_to_string(path).expect("readable");
        let Some(rewritten) = rewrite(&page, path) else {
            eprintln!("skipped: {} asks the shared corpus", path.display());
            continue;
        };
        if page == rewritten {
            continue;
        }
        if std::env::var_os("REWRITE").is_some() {
            std::fs::write(path, rewritten).expect("writable");
            continue;
        }
        let lines = page.lines().zip(rewritten.lines()).enumerate();
        let _ = writeln!(report, "{}", path.display());
        for (at, (want, is)) in lines {
            if want != is {
                let _ = writeln!(report, "  line {}\n  want {want}\n  is   {is}", at + 1);
                break;
            }
        }
    }
    assert!(report.is_empty(), "answers differ:\n{report}");
}

#[test]
fn every_example_of_the_reference_answers_as_printed() {
    let mut pages = pages_below("docs/fql");
    assert!(pages.len() > 5, "pages are missing");
    pages.push(root().join("docs/coming-from-cypher.md"));
    check(&pages);
}

#[test]
fn queries_of_other_products_run() {
    let pages = pages_below("server/tests/migration");
    let n_queries: usize = pages
        .iter()
        .map(|path| {
            let page = std::fs::read_to_string(path).expect("readable");
            parts(&page)
                .iter()
                .filter(|part| matches!(part, Part::Query { .. }))
                .count()
        })
        .sum();
    assert!(n_queries >= 40, "only {n_queries} queries");
    check(&pages);
}

/// What the reference must name: a thing that the language has and no page mentions is undocumented.
#[test]
fn the_reference_is_complete() {
    let mut text = String::new();
    for path in pages_below("docs/fql") {
        text.push_str(&std::fs::read_to_string(path).expect("readable"));
    }
    let lower_text = text.to_lowercase();
    let mut missing: BTreeSet<String> = BTreeSet::new();
    let mut need = |what: String, is_there: bool| {
        if !is_there {
            missing.insert(what);
        }
    };
    for name in Function::names() {
        let called = text.contains(&format!("`{name}(")) || text.contains(&format!(" {name}("));
        need(format!("function {name}"), called);
    }
    for code in Code::ALL {
        let row = format!("| `{}` | {} |", code.name(), code.gqlstatus());
        need(format!("diagnostic {row}"), text.contains(&row));
    }
    for capability in Capability::ALL {
        let name = format!("`{}`", capability.name());
        need(format!("capability {name}"), text.contains(&name));
    }
    for keyword in Keyword::ALL {
        let word = keyword.text();
        let lower = word.to_lowercase();
        let is_there = text
            .match_indices(word)
            .any(|(at, _)| stands_alone(&text, at, at + word.len()))
            || lower_text.contains(&format!("`{lower}("))
            || lower_text.contains(&format!("`{lower}`"));
        need(format!("keyword {word}"), is_there);
        for column in verb_columns(*keyword) {
            let is_there = text.contains(&format!("| `{column}` |"));
            need(format!("column {column} of {word}"), is_there);
        }
    }
    assert!(missing.is_empty(), "undocumented: {missing:#?}");
}

/// The console colours what the parser knows as a word.
#[test]
fn the_editor_knows_every_word() {
    let path = root().join("server/console/src/editor/fql.ts");
    let source = std::fs::read_to_string(path).expect("readable");
    let words: BTreeSet<&str> = source
        .split(|c: char| !c.is_ascii_lowercase())
        .filter(|word| !word.is_empty())
        .collect();
    let missing: Vec<String> = Keyword::ALL
        .iter()
        .flat_map(|keyword| keyword.text().split(' '))
        .map(str::to_lowercase)
        .filter(|word| !words.contains(word.as_str()))
        .collect();
    assert!(missing.is_empty(), "not coloured: {missing:?}");
}

/// Whether no letter stands right before or after a range of the text.
fn stands_alone(text: &str, start: usize, end: usize) -> bool {
    let before = text.get(..start).and_then(|text| text.chars().next_back());
    let after = text.get(end..).and_then(|text| text.chars().next());
    let is_letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    !is_letter(before) && !is_letter(after)
}
