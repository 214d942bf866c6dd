//! The tree as text: one canonical form, which reads back to the same tree.
//!
//! `print_*` print a tree; `format_*` lay out a text again and keep its comments. A comment stays
//! in front of the clause or part it stood in or before; at the end of a line it stays there.

mod clause;
mod definition;
mod expr;
mod name;
mod pattern;
mod verb;

use crate::ast::{Clause, Definition, Expr, MatchClause, PathPattern, Query, Span, WithClause};
use crate::diagnostic::Diagnostic;
use crate::parse::{parse_definitions, parse_query};
use crate::token::{Comment, comments};
use clause::Layout;

/// The widest line that is not broken.
const WIDTH: usize = 100;

/// Prints a query, a clause a line, without a final line break.
pub fn print_query(query: &Query) -> String {
    let mut printer = Printer::new(Vec::new(), "");
    printer.query(query, 0);
    printer.finish()
}

/// Prints definitions with a blank line between them.
pub fn print_definitions(definitions: &[Definition]) -> String {
    let mut printer = Printer::new(Vec::new(), "");
    printer.definitions(definitions);
    printer.finish()
}

/// Prints an expression on one line.
pub fn print_expr(expr: &Expr) -> String {
    let mut out = String::new();
    expr::write(&mut out, expr);
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
    let mut printer = Printer::new(comments(text), text);
    printer.query(&query, 0);
    Ok(printer.finish())
}

/// Lays out a file of definitions again; ends with a line break.
pub fn format_definitions(text: &str) -> Result<String, Vec<Diagnostic>> {
    let definitions = parse_definitions(text).ok()?;
    let mut printer = Printer::new(comments(text), text);
    printer.definitions(&definitions);
    let mut out = printer.finish();
    if !out.is_empty() {
        out.push('\n');
    }
    Ok(out)
}

/// Lines, with the comments of the source woven in.
struct Printer<'s> {
    lines: Vec<String>,
    comments: std::iter::Peekable<std::vec::IntoIter<Comment<'s>>>,
    text: &'s str,
}

impl<'s> Printer<'s> {
    fn new(comments: Vec<Comment<'s>>, text: &'s str) -> Printer<'s> {
        Printer {
            lines: Vec::new(),
            comments: comments.into_iter().peekable(),
            text,
        }
    }

    /// Adds the lines of a part of the source, its comments first.
    fn part(&mut self, indent: usize, span: Span, lines: Vec<String>) {
        self.comments_before(indent, span.end as usize);
        for line in lines {
            self.lines.push(format!("{:indent$}{line}", ""));
        }
        self.trailing_comments(span.end as usize);
    }

    /// Adds the comments that start before a byte of the source.
    fn comments_before(&mut self, indent: usize, end: usize) {
        while let Some(comment) = self.comments.next_if(|comment| comment.start < end) {
            self.lines.push(format!("{:indent$}{}", "", comment.text));
            if self.is_set_off(&comment) {
                self.lines.push(String::new());
            }
        }
    }

    /// Whether a blank line separates a comment from what follows it.
    fn is_set_off(&self, comment: &Comment<'_>) -> bool {
        let after = self.text.get(comment.start + comment.text.len()..);
        let rest = after.unwrap_or("");
        let blank = rest.len() - rest.trim_start().len();
        let n_breaks = rest
            .get(..blank)
            .map_or(0, |blank| blank.matches('\n').count());
        n_breaks > 1 && blank < rest.len()
    }

    /// Adds the comments that follow on the same line of the source.
    fn trailing_comments(&mut self, end: usize) {
        let mut from = end;
        loop {
            let text = self.text;
            let follows = |comment: &Comment<'_>| {
                text.get(from..comment.start)
                    .is_some_and(|between| !between.contains('\n'))
            };
            let Some(comment) = self.comments.next_if(follows) else {
                return;
            };
            from = comment.start + comment.text.len();
            if let Some(line) = self.lines.last_mut() {
                line.push(' ');
                line.push_str(comment.text);
            }
        }
    }

    fn query(&mut self, query: &Query, indent: usize) {
        for (span, line) in clause::prefix(query) {
            self.part(indent, span, vec![line]);
        }
        self.clauses(&query.body.first.clauses, indent);
        for part in &query.body.rest {
            let word = Span {
                start: part.span.start,
                end: part.span.start + 5,
            };
            let line = if part.all { "UNION ALL" } else { "UNION" };
            self.part(indent, word, vec![line.to_owned()]);
            self.clauses(&part.query.clauses, indent);
        }
    }

    fn clauses(&mut self, clauses: &[Clause], indent: usize) {
        let layout = Layout::lines(indent);
        for clause in clauses {
            // A comment between `MATCH` and its `WHERE` stays there.
            let (Clause::Match(MatchClause {
                filter: Some(filter),
                ..
            })
            | Clause::With(WithClause {
                filter: Some(filter),
                ..
            })) = clause
            else {
                self.part(indent, clause.span(), layout.clause(clause));
                continue;
            };
            let lines = layout.clause(clause);
            let at = lines
                .iter()
                .position(|line| line.starts_with("WHERE "))
                .unwrap_or(lines.len());
            let (head, tail) = lines.split_at(at);
            let span = Span {
                start: clause.span().start,
                end: head_end(clause),
            };
            self.part(indent, span, head.to_vec());
            self.part(indent, filter.span.to(clause.span()), tail.to_vec());
        }
    }

    fn definitions(&mut self, definitions: &[Definition]) {
        for (at, definition) in definitions.iter().enumerate() {
            if at > 0 {
                self.lines.push(String::new());
            }
            self.definition(definition);
        }
    }

    fn finish(mut self) -> String {
        self.comments_before(0, usize::MAX);
        self.lines.join("\n")
    }
}

/// Where the part of a clause before its `WHERE` ends.
fn head_end(clause: &Clause) -> u32 {
    match clause {
        Clause::Match(clause) => clause
            .patterns
            .last()
            .map_or(clause.span.end, |pattern| pattern.span.end),
        Clause::With(clause) => clause.projection.span.end,
        _ => clause.span().end,
    }
}
