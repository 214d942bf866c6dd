//! Writes what fuzzing starts from: a folder of queries and one of definitions.
//!
//! `cargo run -p foothold-query --example fuzz_seeds -- DIRECTORY`
//!
//! Queries are those of the conformance kit (`FOOTHOLD_TCK`, where there is one) and of the test
//! cases; definitions are the shipped rules and the test cases, one a file. `words.dict` holds the
//! words of the language in libFuzzer's form.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program that writes files or says why it cannot"
)]

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use foothold_query::token::{Dialect, Keyword, Token, lex};

fn main() {
    let directory = PathBuf::from(std::env::args().nth(1).unwrap());
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut queries = BTreeSet::new();
    let kit = std::env::var_os("FOOTHOLD_TCK").map(PathBuf::from);
    let kits = kit
        .into_iter()
        .chain(["../../shared/tck", "../../../shared/tck"].map(|path| here.join(path)));
    if let Some(kit) = kits.into_iter().find(|path| path.is_dir()) {
        for name in ["cases.jsonl", "paths.jsonl"] {
            for line in fs::read_to_string(kit.join(name)).unwrap().lines() {
                let case: serde_json::Value = serde_json::from_str(line).unwrap();
                queries.insert(case["query"].as_str().unwrap().to_owned());
            }
        }
    } else {
        println!("no conformance kit: seeds come from the test cases alone");
    }
    let mut definitions = BTreeSet::new();
    let files = [
        "tests/cases/answer",
        "tests/cases/parse",
        "../docs",
        "rules",
    ];
    for path in files
        .iter()
        .flat_map(|folder| fs::read_dir(here.join(folder)).unwrap())
    {
        let path = path.unwrap().path();
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        if path.extension().is_some_and(|extension| extension == "fql") {
            definitions.extend(text.split("\n\n").map(str::to_owned));
            continue;
        }
        // Every fenced block, whatever it holds: texts that are nearly queries are good seeds too.
        for block in text.split("```").skip(1).step_by(2) {
            let block = block.split_once('\n').map_or("", |(_, block)| block);
            let starts_definition = ["RULE ", "POLICY ", "ATTACKER ", "GROUP "];
            if starts_definition.iter().any(|word| block.contains(word)) {
                definitions.insert(block.to_owned());
            } else {
                queries.insert(block.to_owned());
            }
        }
    }
    let words = words(&queries, &definitions);
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("words.dict"), words).unwrap();
    for (folder, texts) in [("queries", queries), ("definitions", definitions)] {
        fs::create_dir_all(directory.join(folder)).unwrap();
        println!("{folder}: {}", texts.len());
        for (at, text) in texts.iter().enumerate() {
            fs::write(directory.join(folder).join(at.to_string()), text).unwrap();
        }
    }
}

/// The keywords, the signs, and the names that the seeds call functions and labels by.
fn words(queries: &BTreeSet<String>, definitions: &BTreeSet<String>) -> String {
    let mut words: BTreeSet<String> = Keyword::ALL
        .iter()
        .map(|keyword| format!("{} ", keyword.text()))
        .collect();
    for text in queries.iter().chain(definitions) {
        let lexed = lex(text, Dialect::Definitions);
        for pair in lexed.tokens.windows(2) {
            if let Token::Sign(sign) = pair[0].token {
                words.insert(sign.text().to_owned());
            }
            match (pair[0].token, pair[1].token) {
                (Token::Word(name), Token::Sign(sign)) if sign.text() == "(" => {
                    words.insert(format!("{name}("));
                }
                (Token::Sign(sign), Token::Word(name)) if sign.text() == ":" => {
                    words.insert(format!(":{name}"));
                }
                _ => {}
            }
        }
    }
    words.iter().fold(String::new(), |mut all, word| {
        let escaped = word.replace('\\', "\\\\").replace('"', "\\\"");
        if escaped.is_ascii() {
            writeln!(all, "\"{escaped}\"").unwrap();
        }
        all
    })
}
