//! Any text becomes tokens that stand in its order and cover whole characters of it.

#![no_main]

use foothold_fuzz::check_places;
use foothold_query::token::{Dialect, comments, lex};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for dialect in [Dialect::Query, Dialect::Definitions] {
        let lexed = lex(text, dialect);
        let mut end = 0;
        for lexeme in &lexed.tokens {
            assert!(
                end <= lexeme.start && lexeme.start < lexeme.end,
                "{lexeme:?}"
            );
            assert!(text.get(lexeme.start..lexeme.end).is_some(), "{lexeme:?}");
            end = lexeme.end;
        }
        check_places(text, &lexed.diagnostics);
        if !lexed.is_refused {
            for comment in comments(text) {
                assert!(text[comment.start..].starts_with(comment.text));
            }
        }
    }
});
