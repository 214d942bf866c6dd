//! Printing a tree and reading it again gives the same tree.

#[path = "support/shared.rs"]
mod shared;
#[path = "support/tree.rs"]
mod tree;

use foothold_query::ast::{Definition, Query};
use foothold_query::diagnostic::{Colour, render_all};
use foothold_query::format::{format_definitions, format_query, print_definitions, print_query};
use foothold_query::parse::{parse_definitions, parse_query};
use foothold_query::token::comments;
use proptest::prelude::{Strategy, TestCaseError};
use proptest::test_runner::{Config, TestError, TestRunner};
use std::path::Path;

fn reread(query: &Query) -> Result<(), String> {
    let text = print_query(query);
    let parsed = parse_query(&text);
    if !parsed.diagnostics.is_empty() {
        let why = render_all(&parsed.diagnostics, &text, Colour::Never);
        return Err(format!("{text}\n{why}"));
    }
    match parsed.tree {
        Some(again) if again == *query => Ok(()),
        again => Err(format!("{text}\nwas  {query:?}\nread {again:?}")),
    }
}

fn reread_definitions(definitions: &[Definition]) -> Result<(), String> {
    let text = print_definitions(definitions);
    let parsed = parse_definitions(&text);
    if !parsed.diagnostics.is_empty() {
        let why = render_all(&parsed.diagnostics, &text, Colour::Never);
        return Err(format!("{text}\n{why}"));
    }
    match parsed.tree {
        Some(again) if again == *definitions => Ok(()),
        again => Err(format!("{text}\nwas  {definitions:?}\nread {again:?}")),
    }
}

/// Random trees are built by deep calls, so their tests bring a stack of their own.
#[expect(
    clippy::panic,
    clippy::expect_used,
    reason = "this is how a test fails"
)]
fn check<S>(make: fn() -> S, test: fn(&S::Value) -> Result<(), String>)
where
    S: Strategy + 'static,
{
    const STACK_BYTES: usize = 256 << 20;
    let run = move || {
        let mut runner = TestRunner::new(Config {
            cases: 64,
            failure_persistence: None,
            ..Config::default()
        });
        let result = runner.run(&make(), |value| test(&value).map_err(TestCaseError::fail));
        match result {
            Ok(()) => {}
            Err(TestError::Fail(reason, _)) => panic!("{reason}"),
            Err(error) => panic!("{error}"),
        }
    };
    let thread = std::thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(run);
    if let Err(panic) = thread.expect("a thread starts").join() {
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn queries_read_back() {
    check(tree::query, reread);
}

#[test]
fn definitions_read_back() {
    check(tree::definition, |definition| {
        reread_definitions(std::slice::from_ref(definition))
    });
}

#[test]
fn layout_is_stable() {
    check(tree::query, |query| {
        let once = print_query(query);
        match format_query(&once) {
            Ok(twice) if once == twice => Ok(()),
            twice => Err(format!("{once}\n{twice:?}")),
        }
    });
}

#[test]
fn definition_layout_is_stable() {
    check(tree::definition, |definition| {
        let once = format!("{}\n", print_definitions(std::slice::from_ref(definition)));
        match format_definitions(&once) {
            Ok(twice) if once == twice => Ok(()),
            twice => Err(format!("{once}\n{twice:?}")),
        }
    });
}

#[test]
fn rules_read_back_with_their_comments() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let mut n_files = 0;
    for entry in std::fs::read_dir(folder).expect("the rules are there") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("readable");
        let parsed = parse_definitions(&text);
        let why = render_all(&parsed.diagnostics, &text, Colour::Never);
        assert!(why.is_empty(), "{}\n{why}", path.display());
        let tree = parsed.tree.expect("a tree");
        let printed = format_definitions(&text).expect("no errors");
        let again = parse_definitions(&printed).tree.expect("a tree");
        assert_eq!(tree, again, "{}", path.display());
        assert_eq!(format_definitions(&printed).ok().as_ref(), Some(&printed));
        let words = |text: &str| -> Vec<String> {
            let mut words: Vec<String> = comments(text)
                .iter()
                .map(|one| one.text.to_owned())
                .collect();
            words.sort();
            words
        };
        assert_eq!(words(&text), words(&printed), "{}", path.display());
        n_files += 1;
    }
    assert!(n_files > 0, "no rules were read");
}

#[test]
fn queries_of_the_kit_read_back() {
    let Some(folder) = shared::folder("FOOTHOLD_TCK", "tck") else {
        return;
    };
    let mut n_queries = 0;
    for name in ["cases.jsonl", "paths.jsonl"] {
        let text = std::fs::read_to_string(folder.join(name)).expect("the kit is readable");
        for line in text.lines() {
            let case: serde_json::Value = serde_json::from_str(line).expect("a case is JSON");
            let query = case["query"].as_str().expect("a case has a query");
            let Ok(tree) = parse_query(query).ok() else {
                continue;
            };
            n_queries += 1;
            if let Err(why) = reread(&tree) {
                panic!("{query}\n{why}");
            }
        }
    }
    assert!(n_queries > 1000, "only {n_queries} queries were read");
}
