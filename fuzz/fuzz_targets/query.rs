//! Any query runs to an answer or a diagnostic within its limits, and asking it again, or asking
//! the printed form of it, gives the same rows.

#![no_main]

use foothold_fuzz::{CONTEXT, SNAPSHOT, budget};
use foothold_query::format::print_query;
use foothold_query::json::to_json;
use foothold_query::parse::parse_query;
use foothold_query::{Answer, Env, Params, run};
use libfuzzer_sys::fuzz_target;

fn ask(text: &str) -> Option<Answer> {
    let env = Env {
        now_ms: 1_700_000_000_000,
        surroundings: &*CONTEXT,
    };
    run(&SNAPSHOT, text, &Params::new(), &budget(), &env).ok()
}

fn rows(answer: &Answer) -> Vec<String> {
    let mut rows: Vec<String> = answer
        .rows
        .iter()
        .map(|row| {
            assert_eq!(row.len(), answer.columns.len());
            row.iter()
                .map(|value| to_json(&SNAPSHOT, value).to_string() + " ")
                .collect()
        })
        .collect();
    rows.sort();
    rows
}

fuzz_target!(|text: &str| {
    let Some(answer) = ask(text) else { return };
    let found = rows(&answer);
    let again = ask(text).expect("it was answered before");
    assert_eq!(found, rows(&again), "asked twice: {text}");
    let tree = parse_query(text).tree.expect("it was read before");
    let printed = print_query(&tree);
    let is_whole = answer.completeness.stop.is_none();
    // Random numbers come from the text, and plans show it.
    let lower = text.to_lowercase();
    if is_whole
        && !["rand", "explain", "profile"]
            .iter()
            .any(|word| lower.contains(word))
    {
        let reprinted = ask(&printed).expect("the printed form is a query");
        if reprinted.completeness.stop.is_none() {
            assert_eq!(found, rows(&reprinted), "{text}\n{printed}");
        }
    }
});
