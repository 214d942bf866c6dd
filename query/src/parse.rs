//! Text to a tree and diagnostics.
//!
//! Parsing never fails: it returns what could be read together with what is wrong. A tree beside
//! an error is for tools that show it; it is never run.

pub(crate) mod build;
mod build_definition;
mod build_list;
mod build_pattern;
mod build_verb;
mod error;
mod hint;
mod missing;
mod slip;

use crate::ast::{Definition, Query};
use crate::diagnostic::{Code, Diagnostic};
use crate::token::{Dialect, Lexeme, Token, lex};
use build::{Built, Context};

#[expect(
    clippy::pedantic,
    clippy::panic,
    clippy::unwrap_used,
    clippy::all,
    unused_imports,
    unreachable_pub,
    unused_qualifications,
    clippy::allow_attributes_without_reason,
    reason = "generated code"
)]
mod grammar {
    include!(concat!(env!("OUT_DIR"), "/grammar.rs"));
}

/// A tree and what is wrong with the text it was read from.
#[derive(Debug, Clone)]
pub struct Parsed<T> {
    /// The tree; `None` where the text could not be read to its end.
    pub tree: Option<T>,
    /// In the order of the text.
    pub diagnostics: Vec<Diagnostic>,
}

impl<T> Parsed<T> {
    /// The tree, if nothing is wrong with it.
    pub fn ok(self) -> Result<T, Vec<Diagnostic>> {
        match self.tree {
            Some(tree) if !crate::diagnostic::has_errors(&self.diagnostics) => Ok(tree),
            _ => Err(self.diagnostics),
        }
    }
}

/// Reads a query. O(text), within the limits of [`crate::token`].
pub fn parse_query(text: &str) -> Parsed<Query> {
    let (built, diagnostics) = parse(text, Dialect::Query);
    let tree = match built {
        Some(Built::Query(query)) => Some(*query),
        _ => None,
    };
    Parsed { tree, diagnostics }
}

/// Reads a file of definitions.
pub fn parse_definitions(text: &str) -> Parsed<Vec<Definition>> {
    let (built, diagnostics) = parse(text, Dialect::Definitions);
    let tree = match built {
        Some(Built::Definitions(definitions)) => Some(definitions),
        _ => None,
    };
    Parsed { tree, diagnostics }
}

fn parse(text: &str, dialect: Dialect) -> (Option<Built>, Vec<Diagnostic>) {
    let lexed = lex(text, dialect);
    let mut diagnostics = lexed.diagnostics;
    if lexed.is_refused {
        return (None, diagnostics);
    }
    if lexed.tokens.is_empty() && dialect == Dialect::Query && diagnostics.is_empty() {
        let span = crate::ast::Span::new(0, text.len());
        let diagnostic = Diagnostic::new(Code::Empty, span, "there is no query here");
        diagnostics.push(diagnostic.help("a first one: `MATCH (n) RETURN labels(n), count(*)`"));
        return (None, diagnostics);
    }
    let mut built = None;
    let mut rest: &[Lexeme<'_>] = &lexed.tokens;
    // After an error, reading goes on at the next clause or definition, so that one run reports
    // several errors; what is read after the first error is thrown away.
    for round in 0..error::MAX_ERRORS {
        let cx = Context::new(text);
        let result = parse_tokens(&cx, rest, dialect);
        let found = cx.into_diagnostics();
        match result {
            Ok(tree) => {
                diagnostics.extend(found);
                if round == 0 {
                    built = Some(tree);
                }
                break;
            }
            Err(failure) => {
                let at = error::report(text, rest, &failure, found, &mut diagnostics);
                match error::resume(text, rest, at, dialect) {
                    Some(next) => rest = next,
                    None => break,
                }
            }
        }
    }
    diagnostics.sort_by_key(|diagnostic| (diagnostic.span.start, diagnostic.span.end));
    (built, diagnostics)
}

type Failure<'s> = lalrpop_util::ParseError<usize, Token<'s>, ()>;

fn parse_tokens<'s>(
    cx: &Context<'s>,
    tokens: &[Lexeme<'s>],
    dialect: Dialect,
) -> Result<Built, Failure<'s>> {
    let start = match dialect {
        Dialect::Query => Token::StartQuery,
        Dialect::Definitions => Token::StartDefinitions,
    };
    let at = tokens.first().map_or(0, |lexeme| lexeme.start);
    let first = std::iter::once(Ok((at, start, at)));
    let rest = tokens
        .iter()
        .map(|lexeme| Ok((lexeme.start, lexeme.token, lexeme.end)));
    grammar::StartParser::new().parse(cx, first.chain(rest))
}

/// The terminals of the grammar that can follow the tokens of an unfinished query; empty where the
/// tokens already hold an error.
pub(crate) fn expected_after(tokens: &[Lexeme<'_>], at: usize) -> Vec<String> {
    // The first token of every text never comes again: it makes the parser say what it wants.
    let probe = Lexeme {
        token: Token::StartQuery,
        start: at,
        end: at,
    };
    let all: Vec<Lexeme<'_>> = tokens.iter().copied().chain([probe]).collect();
    let cx = Context::new("");
    match parse_tokens(&cx, &all, Dialect::Query) {
        Err(lalrpop_util::ParseError::UnrecognizedToken { token, expected })
            if token.1 == Token::StartQuery =>
        {
            expected
                .iter()
                .map(|name| name.trim_matches('"').to_owned())
                .collect()
        }
        _ => Vec::new(),
    }
}
