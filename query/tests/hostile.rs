//! Hostile text is refused with a diagnostic: no stack overflow, no memory without bound.

use std::sync::Arc;

use foothold_engine::budget::{Budget, Limits};
use foothold_engine::build::Staging;
use foothold_engine::graph::Snapshot;
use foothold_engine::model::{Facts, SourceInfo};
use foothold_query::diagnostic::{Colour, has_errors, render_all};
use foothold_query::format::{print_definitions, print_query};
use foothold_query::parse::{parse_definitions, parse_query};
use foothold_query::token::MAX_TEXT_BYTES;
use foothold_query::{Env, Params, run};

/// Texts that nest or go on as far as the length allows: before, repeated, after.
const SHAPES: &[(&str, &str, &str)] = &[
    ("RETURN ", "(", ""),
    ("RETURN ", "[", ""),
    ("RETURN ", "{a:", ""),
    ("RETURN ", "[x IN ", ""),
    ("RETURN ", "[[1],", ""),
    ("RETURN ", "NOT ", "true"),
    ("RETURN ", "- ", "1"),
    ("RETURN ", "-(", ""),
    ("RETURN 1", "+1", ""),
    ("RETURN 1", "^1", ""),
    ("RETURN 1", " +top", ""),
    ("RETURN 1", "+null", ""),
    ("RETURN 1", "+(n:A|B)", ""),
    ("RETURN 1", " + n:A|B", ""),
    ("RETURN 1", "+(a)--()", ""),
    ("RETURN a", " STARTS WITH b", ""),
    ("RETURN a", " IN b", ""),
    ("RETURN a", " IS NULL", ""),
    ("RETURN a", " = b", ""),
    ("RETURN a", " AND b", ""),
    ("RETURN a", " AND NOT b OR c", ""),
    ("RETURN a", ".b", ""),
    ("RETURN a", "[0]", ""),
    ("RETURN a", "[0..1]", ""),
    ("RETURN a", ":A", ""),
    ("RETURN a:", "!", "A"),
    ("RETURN a:", "(", "A"),
    ("RETURN a:A", "|B", ""),
    ("RETURN ", "f(", ""),
    ("RETURN ", "reduce(a = ", ""),
    ("RETURN ", "all(x IN ", ""),
    ("RETURN ", "CASE WHEN ", ""),
    ("RETURN ", "CASE WHEN true THEN end + ", "1"),
    ("RETURN ", "CASE x WHEN 1 THEN 2 END + ", "1"),
    ("RETURN 1", ", 1", ""),
    ("RETURN [1", ", 1", "]"),
    ("RETURN {a: 1", ", a: 1", "}"),
    ("RETURN '", "\\\\", "'"),
    ("RETURN '", "\\", "'"),
    ("RETURN `", "``", "`"),
    ("RETURN ", "1", ""),
    ("RETURN a", "b", ""),
    ("RETURN ", "\u{2014}", ""),
    ("RETURN ", "'", ""),
    ("RETURN 1 ", "/*", ""),
    ("RETURN 1 ", "//\n", ""),
    ("RETURN 1 ", "]", ""),
    ("", "EXISTS {", ""),
    ("RETURN ", "EXISTS { MATCH (a) WHERE ", ""),
    ("MATCH (a)", "-->(b)", " RETURN 1"),
    ("MATCH (a)", "-[", ""),
    ("MATCH ", "(", ""),
    ("MATCH ", "((a)-->", ""),
    ("MATCH (a)", "(", ""),
    ("MATCH (a)", " ((b)-->(c))+", " RETURN 1"),
    ("MATCH (a WHERE ", "(a)-->(b WHERE ", ""),
    ("MATCH (a)", ", (a)", " RETURN 1"),
    ("", "MATCH (a) ", "RETURN 1"),
    ("", "CALL { ", ""),
    ("", "WITH 1 AS a ", "RETURN 1"),
    ("RETURN 1", " UNION RETURN 1", ""),
    ("RETURN 1", " UNION RETURN", ""),
    ("", "RETURN (", ""),
    ("ATTACK PATHS TO (a)", ", (a)", ""),
    ("ATTACK PATHS", " AVOIDING RULES a-b-c", ""),
    ("WHAT IF APPLY a", ", APPLY a", " RETURN 1"),
    ("WHY NOT a", "-a", " TO (b)"),
];

fn text_of(shape: &(&str, &str, &str), length: usize) -> String {
    let (before, again, after) = shape;
    let count = length.saturating_sub(before.len() + after.len()) / again.len();
    format!("{before}{}{after}", again.repeat(count))
}

/// Texts that are read, and may only be refused, or cut short, when they are planned and run.
const PLANNED: &[(&str, &str, &str)] = &[
    ("MATCH (a:A)", "-[:K]->(:A)", " RETURN count(*)"),
    ("MATCH (a:A)", ", (a)-[:K]->(:A)", " RETURN count(*)"),
    ("MATCH (a:A)", ", (:A)-[:K]->(:A)", " RETURN count(*)"),
    ("MATCH (a:A)", "-[:K*]->(:A)", " RETURN count(*)"),
    ("MATCH (a:A)", " (()-[:K]->()){1,3}", " (b) RETURN count(*)"),
    ("MATCH (a:A", "|B|C", ") RETURN a"),
    ("MATCH (a)-[:K", "|K|L", "]->(b) RETURN a"),
    ("MATCH (a) WHERE a.x = 1", " OR a.x = 2", " RETURN a"),
    ("MATCH (a) WHERE a.x = 1", " AND a.x <> 2", " RETURN a"),
    ("MATCH (a) WHERE a.x IN [1", ", 2", "] RETURN a"),
    ("MATCH (a) WHERE true", " AND (a)-[:K]->(:A)", " RETURN a"),
    (
        "MATCH (a) WHERE true",
        " OR EXISTS { (a)-[:L]->(:B) }",
        " RETURN a",
    ),
    ("MATCH (a) RETURN a.x", ", a.x", ""),
    ("MATCH (a) RETURN count(a)", " + sum(a.x)", " AS n"),
    (
        "MATCH (a) RETURN [(a)-->(b) | b]",
        " + [(a)-->(c) | c]",
        " AS l",
    ),
    ("MATCH (a) RETURN a ORDER BY a.x", ", a.x", ""),
    ("RETURN CASE 1", " WHEN 2 THEN 3", " END AS c"),
    (
        "RETURN size([x IN range(1, 9) | x])",
        " + size([x IN range(1, 9) | x])",
        " AS n",
    ),
    ("RETURN [1", ", 1", "] AS l"),
    ("RETURN {a: 1", ", a: 1", "} AS m"),
    ("RETURN missing", ", missing", ""),
    ("RETURN missing(1)", ", missing(1)", ""),
    ("MATCH (a:Misssing", "|Misssing", ") RETURN a"),
    ("", "WITH 1 AS a ", "RETURN a"),
    ("", "UNWIND [1, 2] AS a WITH a ", "RETURN a"),
    ("MATCH (a) ", "OPTIONAL MATCH (a)-->() ", "RETURN a"),
    ("", "CALL { RETURN 1 AS a } WITH 1 AS b ", "RETURN 1 AS c"),
    ("RETURN 1 AS a", " UNION RETURN 1 AS a", ""),
];

/// What nests, as deep as it is admitted: before, opening, inside, closing, after.
const NESTED: &[(&str, &str, &str, &str, &str)] = &[
    ("RETURN ", "(1 + ", "1", ")", " AS n"),
    ("RETURN ", "[", "1", "]", " AS n"),
    ("RETURN ", "{a: ", "1", "}", " AS n"),
    ("RETURN ", "abs(", "1", ")", " AS n"),
    ("RETURN ", "NOT (", "true", ")", " AS n"),
    ("RETURN ", "[x IN [1] | ", "1", "]", " AS n"),
    ("RETURN ", "reduce(s = 0, x IN [1] | ", "1", ")", " AS n"),
    ("RETURN ", "all(x IN [1] WHERE ", "true", ")", " AS n"),
    ("RETURN ", "CASE WHEN true THEN ", "1", " END", " AS n"),
    (
        "MATCH (a) WHERE ",
        "EXISTS { MATCH (a)-->(b) WHERE ",
        "true",
        " }",
        " RETURN a",
    ),
    (
        "MATCH (a) RETURN ",
        "COUNT { MATCH (a) WHERE 0 < ",
        "1",
        " }",
        " AS n",
    ),
    ("MATCH (a) RETURN ", "[(a)-->(b) | ", "1", "]", " AS n"),
    ("MATCH (a:", "(", "A", ")", ") RETURN a"),
    ("MATCH (a:", "!(A|", "B", ")", ") RETURN a"),
    ("", "CALL { ", "UNWIND [1] AS n", " RETURN n }", " RETURN n"),
];

/// As a server does: queries run on stacks of their own. This is half of what it gives them.
#[expect(clippy::expect_used, reason = "this is how a test fails")]
fn on_query_stack(test: impl FnOnce() + Send + 'static) {
    const STACK_BYTES: usize = 8 << 20;
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
    let result = thread.spawn(test).expect("a thread starts").join();
    if let Err(panic) = result {
        std::panic::resume_unwind(panic);
    }
}

#[expect(
    clippy::expect_used,
    reason = "a graph that cannot be built is a failure"
)]
fn ring() -> Arc<Snapshot> {
    let mut facts = Facts::new();
    for at in 0..6 {
        let labels: &[&str] = if at % 2 == 0 { &["A"] } else { &["A", "B"] };
        facts.node(&format!("t:{at}"), labels).expect("a valid id");
        let (from, to) = (format!("t:{at}"), format!("t:{}", (at + 1) % 6));
        facts.edge(&from, "K", &to).expect("valid ids");
    }
    let mut staging = Staging::new();
    staging.add(&SourceInfo::default(), &facts);
    Arc::new(staging.snapshot().expect("the graph is small"))
}

/// Runs it under tight limits. Whether it has an answer.
fn is_answered(snapshot: &Arc<Snapshot>, text: &str) -> bool {
    let budget = Budget::new(Limits {
        expansions: 10_000,
        memory_bytes: 8 << 20,
        rows: 100,
    });
    match run(snapshot, text, &Params::new(), &budget, &Env::default()) {
        Ok(_) => true,
        Err(diagnostics) => {
            assert!(has_errors(&diagnostics), "{}", &text[..text.len().min(200)]);
            let shown = diagnostics.get(..1).unwrap_or(&[]);
            let shown = render_all(shown, text, Colour::Never);
            assert!(shown.len() < 4_000, "{}", &shown[..4_000]);
            false
        }
    }
}

#[test]
fn long_texts_are_answered_or_refused() {
    on_query_stack(|| {
        let snapshot = ring();
        for shape in PLANNED.iter().chain(SHAPES) {
            for length in [64, 10 * 1_024] {
                is_answered(&snapshot, &text_of(shape, length));
            }
        }
        for shape in PLANNED.iter().step_by(5) {
            is_answered(&snapshot, &text_of(shape, MAX_TEXT_BYTES / 4));
        }
        assert!(is_answered(&snapshot, &text_of(&PLANNED[9], 10 * 1_024)));
    });
}

#[test]
fn what_nests_is_answered_or_refused_at_every_depth() {
    on_query_stack(|| {
        let snapshot = ring();
        for (before, open, inside, close, after) in NESTED {
            let mut deepest = 0;
            for depth in [1, 3, 9, 20, 40, 62, 64, 100, 126, 128, 200, 250, 254, 260] {
                let (open, close) = (open.repeat(depth), close.repeat(depth));
                let text = [before, &*open, inside, &*close, after].concat();
                if is_answered(&snapshot, &text) {
                    deepest = depth;
                }
            }
            assert!((4..256).contains(&deepest), "{open}: {deepest}");
        }
    });
}

/// Runs on a stack half as large as a thread usually has.
#[expect(clippy::expect_used, reason = "this is how a test fails")]
fn on_small_stack(test: impl FnOnce() + Send + 'static) {
    const STACK_BYTES: usize = 1 << 20;
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
    let result = thread.spawn(test).expect("a thread starts").join();
    if let Err(panic) = result {
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn a_megabyte_is_refused() {
    on_small_stack(|| {
        for shape in SHAPES {
            let text = text_of(shape, 1 << 20);
            for diagnostics in [
                parse_query(&text).diagnostics,
                parse_definitions(&text).diagnostics,
            ] {
                let codes: Vec<&str> = diagnostics.iter().map(|one| one.code.name()).collect();
                assert_eq!(codes, ["query.too_long"], "{shape:?}");
            }
        }
    });
}

#[test]
fn long_texts_are_read_or_refused() {
    on_small_stack(|| {
        for (at, shape) in SHAPES.iter().enumerate() {
            // Reading takes time in proportion to the text, so a few of full length are enough.
            let length = if at % 16 == 0 {
                MAX_TEXT_BYTES
            } else {
                MAX_TEXT_BYTES / 16
            };
            let text = text_of(shape, length);
            let parsed = parse_query(&text);
            match parsed.tree {
                Some(tree) => {
                    assert!(!print_query(&tree).is_empty());
                    assert_eq!(tree, tree.clone());
                }
                None => assert!(has_errors(&parsed.diagnostics), "{shape:?}"),
            }
            // What is shown of a line of half a megabyte stays small.
            assert!(
                parsed.diagnostics.len() <= 20 || shape.1 == "\u{2014}",
                "{shape:?}"
            );
            let shown = render_all(
                parsed.diagnostics.get(..1).unwrap_or(&[]),
                &text,
                Colour::Never,
            );
            assert!(shown.len() < 2_000, "{shape:?}: {}", shown.len());
        }
    });
}

#[test]
fn every_prefix_of_a_deep_text_is_read_or_refused() {
    on_small_stack(|| {
        for shape in SHAPES {
            for length in (0..4096).step_by(397) {
                let text = text_of(shape, length);
                if let Some(tree) = parse_query(&text).tree {
                    assert!(!print_query(&tree).is_empty(), "{shape:?}");
                }
                if let Some(tree) = parse_definitions(&text).tree {
                    let _ = print_definitions(&tree);
                }
            }
        }
    });
}

#[test]
fn brackets_nest_as_deep_as_people_write() {
    let depth = 100;
    let lists = format!("RETURN {}1{}", "[".repeat(depth), "]".repeat(depth));
    assert!(parse_query(&lists).ok().is_ok());
    let sums = format!("RETURN 1{}", " + 1".repeat(200));
    assert!(parse_query(&sums).ok().is_ok());
    let conditions = format!(
        "MATCH (n) WHERE n.x = 1{} RETURN n",
        " OR n.x = 1".repeat(2_000)
    );
    assert!(parse_query(&conditions).ok().is_ok());
    let path = format!("MATCH (n){} RETURN n", "-->(n:A {x: 1})".repeat(1_000));
    assert!(parse_query(&path).ok().is_ok());
}

/// Pieces that texts are thrown together from.
const PIECES: &[&str] = &[
    "MATCH ",
    "RETURN ",
    "WHERE ",
    "WITH ",
    "(a)",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "-[",
    "]->",
    "-->",
    "<--",
    "--",
    "<",
    ">",
    "=",
    "|",
    ":",
    ",",
    ".",
    "..",
    "*",
    "+",
    "-",
    "a",
    "b",
    ":A",
    "1",
    "2.5",
    "'x'",
    "`q`",
    "$p",
    "IN ",
    "AND ",
    "OR ",
    "NOT ",
    "IS NULL ",
    "AS c ",
    "CASE ",
    "WHEN ",
    "THEN ",
    "END ",
    "EXISTS ",
    "COUNT ",
    "all(",
    "reduce(",
    "shortestPath(",
    "ANY ",
    "SHORTEST ",
    "COST ",
    "ATTACK PATHS ",
    "FROM ",
    "TO ",
    "exec(",
    "RULE r ",
    "GAIN ",
    "GIVEN ",
    "LIKELIHOOD ",
    "FIX ",
    "POLICY p ",
    "EXPECT ",
    "NO ROWS ",
    "WHAT IF ",
    "UPGRADE ",
    "AT ",
    "DIFF ",
    "UNION ",
    "CALL ",
    "'",
    "`",
    "/*",
    "//",
    "\n",
    "\\",
    "\u{2013}",
    "é",
    "\u{0}",
    "!",
    "&",
    "%",
    "^",
    "||",
    "=~",
    ";",
];

#[test]
fn text_thrown_together_never_panics() {
    // A fixed linear congruential sequence: the same texts in every run.
    let mut state: u64 = 0x5eed;
    let mut next = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap_or(0) % below
    };
    let mut n_read = 0;
    for _ in 0..4_000 {
        let length = 1 + next(14);
        let text: String = (0..length).map(|_| PIECES[next(PIECES.len())]).collect();
        let query = parse_query(&text);
        match query.tree {
            Some(tree) if !has_errors(&query.diagnostics) => {
                n_read += 1;
                let printed = print_query(&tree);
                assert_eq!(
                    parse_query(&printed).tree.as_ref(),
                    Some(&tree),
                    "{text}\n{printed}"
                );
            }
            _ => assert!(has_errors(&query.diagnostics), "{text}"),
        }
        let definitions = parse_definitions(&text);
        if definitions.tree.is_none() {
            assert!(has_errors(&definitions.diagnostics), "{text}");
        }
        let _ = render_all(&query.diagnostics, &text, Colour::Always);
    }
    assert!(n_read > 5, "only {n_read} texts were queries");
}
