//! Any text becomes tokens that stand in its order and cover whole characters of it.

#![no_main]

use foothold_query::diagnostic::{Colour, render_all};
use foothold_query::token::{Dialect, comments, lex};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for dialect in [Dialect::Query, Dialect::Definitions] {
        let lexed = lex(text, dialect);
        let mut end = 0;
        for lexeme in &lexed.tokens {
            assert!(end <= lexeme.start && lexeme.start < lexeme.end, "{lexeme:?}");
            assert!(text.get(lexeme.start..lexeme.end).is_some(), "{lexeme:?}");
            end = lexeme.end;
        }
        for diagnostic in &lexed.diagnostics {
            let span = diagnostic.span;
            assert!(text.get(span.start..span.end).is_some(), "{diagnostic:?}");
        }
        let _ = render_all(&lexed.diagnostics, text, Colour::Never);
        if !lexed.is_refused {
            for comment in comments(text) {
                assert!(text[comment.start..].starts_with(comment.text));
            }
        }
    }
});
