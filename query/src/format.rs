//! The tree as text: one canonical form, which reads back to the same tree.
//!
//! `print_*` print a tree; `format_*` lay out a text again and keep its comments. A comment stays
//! above the line of the clause or part it stood in or before; behind a part it stays there, and a
//! list with comments between its items gets a line for each item.

mod clause;
mod definition;
mod expr;
mod line;
mod name;
mod pattern;
mod verb;

use crate::ast::{Definition, Expr, PathPattern, Query};
use crate::diagnostic::Diagnostic;
use crate::parse::{parse_definitions, parse_query};
use crate::token::{Dialect, Token, lex};
use clause::Layout;
use line::{Line, Source};

/// The widest line that is not broken.
const WIDTH: usize = 100;

/// Prints a query, a clause a line, without a final line break.
pub fn print_query(query: &Query) -> String {
    Source::NONE.weave(query_lines(&Source::NONE, query, 0))
}

/// Prints definitions with a blank line between them.
pub fn print_definitions(definitions: &[Definition]) -> String {
    Source::NONE.weave(definition_lines(&Source::NONE, definitions))
}

/// Prints an expression on one line.
pub fn print_expr(expr: &Expr) -> String {
    let mut out = String::new();
    expr::write(&mut out, expr);
    out
}

/// Prints a name, in back quotes where it needs them.
pub fn print_name(name: &str) -> String {
    let mut out = String::new();
    name::write(&mut out, name);
    out
}

/// Prints a path pattern on one line.
pub fn print_pattern(pattern: &PathPattern) -> String {
    let mut out = String::new();
    pattern::write_path(&mut out, pattern);
    out
}

/// Lays out a query again. A text with errors is given back as diagnostics.
pub fn format_query(text: &str) -> Result<String, Vec<Diagnostic>> {
    let query = parse_query(text).ok()?;
    let source = Source::new(text, Dialect::Query);
    Ok(source.weave(query_lines(&source, &query, 0)))
}

/// Lays out a file of definitions again; ends with a line break.
pub fn format_definitions(text: &str) -> Result<String, Vec<Diagnostic>> {
    let definitions = parse_definitions(text).ok()?;
    let source = Source::new(text, Dialect::Definitions);
    Ok(ended(source.weave(definition_lines(&source, &definitions))))
}

/// Lays out a file, of definitions or of one query; ends with a line break.
pub fn format_file(text: &str) -> Result<String, Vec<Diagnostic>> {
    if holds_query(text) {
        format_query(text).map(ended)
    } else {
        format_definitions(text)
    }
}

/// Whether a file holds a query; else it holds definitions, or nothing but comments.
pub fn holds_query(text: &str) -> bool {
    let lexed = lex(text, Dialect::Definitions);
    match lexed.tokens.first().map(|lexeme| lexeme.token) {
        None => lexed.is_refused,
        Some(Token::Keyword(keyword)) => !keyword.starts_definition(),
        Some(_) => true,
    }
}

fn ended(mut text: String) -> String {
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

fn query_lines(source: &Source<'_>, query: &Query, indent: usize) -> Vec<Line> {
    let mut lines = clause::prefix(query);
    lines.extend(Layout::lines(indent, source).union(&query.body));
    lines
        .into_iter()
        .map(|line| line.indented(indent))
        .collect()
}

fn definition_lines(source: &Source<'_>, definitions: &[Definition]) -> Vec<Line> {
    let mut lines = Vec::new();
    for (at, definition) in definitions.iter().enumerate() {
        if at > 0 {
            lines.push(Line::blank());
        }
        lines.extend(definition::lines(source, definition));
    }
    lines
}
