//! Every query of the conformance kit that is not a syntax error must parse.

#[path = "support/shared.rs"]
mod shared;

use foothold_query::diagnostic::{Colour, render_all};
use foothold_query::parse::parse_query;
use serde_json::Value;

/// What the kit calls a syntax error although the text follows the grammar.
fn is_for_the_resolver(detail: &str) -> bool {
    !matches!(
        detail,
        "UnexpectedSyntax"
            | "InvalidNumberLiteral"
            | "IntegerOverflow"
            | "FloatingPointOverflow"
            | "InvalidUnicodeLiteral"
            | "InvalidUnicodeCharacter"
            | "InvalidClauseComposition"
            | "NoExpressionAlias"
            | "InvalidRelationshipPattern"
    )
}

#[test]
fn queries_of_the_kit_parse() {
    let Some(folder) = shared::folder("FOOTHOLD_TCK", "tck") else {
        return;
    };
    let mut wrong = Vec::new();
    let mut n_cases = 0;
    for name in ["cases.jsonl", "paths.jsonl"] {
        let text = std::fs::read_to_string(folder.join(name)).expect("the kit is readable");
        for line in text.lines() {
            let case: Value = serde_json::from_str(line).expect("a case is JSON");
            let query = case["query"].as_str().expect("a case has a query");
            let detail = case["expect"]["error"]["detail"].as_str();
            let kind = case["expect"]["error"]["type"].as_str();
            n_cases += 1;
            let parsed = parse_query(query);
            let must_parse = kind != Some("SyntaxError") || detail.is_some_and(is_for_the_resolver);
            // One case wants a missing name and an ambiguous aggregate refused for the second.
            let is_refused_anyway = detail == Some("AmbiguousAggregationExpression");
            if must_parse
                && !is_refused_anyway
                && (parsed.tree.is_none() || !parsed.diagnostics.is_empty())
            {
                let id = case["id"].as_str().unwrap_or_default();
                let why = render_all(&parsed.diagnostics, query, Colour::Never);
                wrong.push(format!("{id}\n{query}\n{why}"));
            }
            if !must_parse && parsed.diagnostics.is_empty() {
                wrong.push(format!("accepted although {detail:?}:\n{query}\n"));
            }
        }
    }
    assert!(n_cases > 1000, "only {n_cases} cases were found");
    assert!(
        wrong.is_empty(),
        "{} of {n_cases}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
