//! Printing a tree and reading it again gives the same tree.

#[path = "support/shared.rs"]
mod shared;
#[path = "support/tree.rs"]
mod tree;

use foothold_query::ast::{Definition, Query};
use foothold_query::diagnostic::{Colour, Diagnostic, render_all};
use foothold_query::format::{
    format_definitions, format_file, format_query, print_definitions, print_query,
};
use foothold_query::parse::{parse_definitions, parse_query};
use foothold_query::token::{Dialect, Sign, Token, comments, lex};
use proptest::prelude::{Just, Strategy, TestCaseError};
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

/// Puts comments of every shape between the tokens of a text: at `picks`, counted around.
fn with_comments(text: &str, dialect: Dialect, picks: &[usize]) -> String {
    let lexed = lex(text, dialect);
    let mut places: Vec<usize> = vec![0];
    for pair in lexed.tokens.windows(2) {
        // The smallest number is one literal with its sign.
        if pair[0].token != Token::Sign(Sign::Minus) {
            places.push(pair[1].start);
        }
    }
    places.push(text.len());
    let mut cuts: Vec<usize> = picks
        .iter()
        .filter_map(|pick| places.get(pick % places.len()).copied())
        .collect();
    cuts.sort_unstable();
    let mut out = String::new();
    let mut from = 0;
    for (at, cut) in cuts.into_iter().enumerate() {
        out.push_str(text.get(from..cut).unwrap_or(""));
        from = cut;
        let comment = match at % 5 {
            0 => format!(" /* c{at} */ "),
            1 => format!(" // c{at}\n"),
            2 => format!("\n// c{at}\n\n"),
            3 => format!(" /* c{at}\n   more */\n"),
            _ => format!("\n\n  // it's \"c{at}\n  "),
        };
        out.push_str(&comment);
    }
    out.push_str(text.get(from..).unwrap_or(""));
    out
}

/// Laying out keeps the comments and their order, and a second time changes nothing.
fn keeps_comments(text: &str, order_matters: bool) -> Result<String, String> {
    let fail = |found: &[Diagnostic]| format!("{text}\n{}", render_all(found, text, Colour::Never));
    let once = format_file(text).map_err(|found| fail(&found))?;
    let twice = format_file(&once).map_err(|found| fail(&found))?;
    if once != twice {
        return Err(format!("not stable:\n{text}\n--\n{once}\n--\n{twice}"));
    }
    let words = |text: &str| -> Vec<String> {
        let mut words: Vec<String> = comments(text)
            .iter()
            .map(|one| one.text.to_owned())
            .collect();
        if !order_matters {
            words.sort();
        }
        words
    };
    if words(text) != words(&once) {
        return Err(format!("comments differ:\n{text}\n--\n{once}"));
    }
    Ok(once)
}

#[test]
fn queries_keep_their_comments() {
    fn make() -> impl Strategy<Value = (Query, Vec<usize>)> {
        tree::query().prop_flat_map(|query| {
            let picks = proptest::collection::vec(0..1000usize, 0..8);
            (Just(query), picks)
        })
    }
    check(make, |(query, picks)| {
        let text = with_comments(&print_query(query), Dialect::Query, picks);
        let laid_out = keeps_comments(&text, true)?;
        match parse_query(&laid_out).tree {
            Some(again) if again == *query => Ok(()),
            again => Err(format!("{laid_out}\nwas  {query:?}\nread {again:?}")),
        }
    });
}

#[test]
fn definitions_keep_their_comments() {
    fn make() -> impl Strategy<Value = (Vec<Definition>, Vec<usize>)> {
        let definitions = proptest::collection::vec(tree::definition(), 1..3);
        let picks = proptest::collection::vec(0..1000usize, 0..8);
        (definitions, picks)
    }
    check(make, |(definitions, picks)| {
        let text = with_comments(&print_definitions(definitions), Dialect::Definitions, picks);
        let laid_out = keeps_comments(&text, true)?;
        match parse_definitions(&laid_out).tree {
            Some(again) if again == *definitions => Ok(()),
            again => Err(format!("{laid_out}\nwas  {definitions:?}\nread {again:?}")),
        }
    });
}

#[test]
fn shipped_files_are_laid_out() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut n_files = 0;
    for folder in ["query/rules", "server/policies"] {
        for entry in std::fs::read_dir(root.join(folder)).expect("the folder is there") {
            let path = entry.expect("an entry").path();
            let text = std::fs::read_to_string(&path).expect("readable");
            let parsed = parse_definitions(&text);
            let why = render_all(&parsed.diagnostics, &text, Colour::Never);
            assert!(why.is_empty(), "{}\n{why}", path.display());
            let laid_out = keeps_comments(&text, true).expect("no errors");
            assert_eq!(parsed.tree, parse_definitions(&laid_out).tree);
            if std::env::var_os("REWRITE").is_some() {
                std::fs::write(&path, &laid_out).expect("writable");
                continue;
            }
            assert!(text == laid_out, "run `foothold fmt {}`", path.display());
            n_files += 1;
        }
    }
    assert!(
        n_files > 3 || std::env::var_os("REWRITE").is_some(),
        "only {n_files} files were read"
    );
}

/// Parts of a definition that are written in another order keep their comments beside them.
#[test]
fn comments_move_with_their_part() {
    let text = "RULE r \"t\"\n  // what it is worth\n  LIKELIHOOD 0.5 // half\n  // what it gives\n  GAIN exec(w)\n  // where\n  MATCH (w:Workload)\n";
    let laid_out = keeps_comments(text, false).expect("no errors");
    let expected = "RULE r \"t\"\n  // where\n  MATCH (w:Workload)\n  // what it gives\n  GAIN exec(w)\n  // what it is worth\n  LIKELIHOOD 0.5 // half\n";
    assert_eq!(laid_out, expected);
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
