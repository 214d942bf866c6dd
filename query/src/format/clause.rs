//! Clauses as lines.

use super::WIDTH;
use super::expr::{self, Level};
use super::name;
use super::pattern::write_path;
use super::verb;
use crate::ast::{
    CallClause, Change, ChangeKind, Clause, Expr, ExprKind, MatchClause, Projection,
    ProjectionItem, Query, QueryMode, SnapshotRef, SnapshotRefKind, SortItem, Span, Union,
};

/// How lines are broken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    /// `None`: everything on one line.
    width: Option<usize>,
}

impl Layout {
    /// Lines that start `indent` columns in.
    pub(super) fn lines(indent: usize) -> Layout {
        Layout {
            width: Some(WIDTH.saturating_sub(indent)),
        }
    }

    /// One line, whatever its length.
    pub(super) fn one_line() -> Layout {
        Layout { width: None }
    }

    fn narrower(self) -> Layout {
        Layout {
            width: self.width.map(|width| width.saturating_sub(2)),
        }
    }

    fn fits(self, line: &str) -> bool {
        self.width.is_none_or(|width| line.len() <= width)
    }

    /// The lines of every clause under `UNION`.
    pub(super) fn union(self, union: &Union) -> Vec<String> {
        let mut lines = Vec::new();
        for clause in &union.first.clauses {
            lines.extend(self.clause(clause));
        }
        for part in &union.rest {
            lines.push(if part.all { "UNION ALL" } else { "UNION" }.to_owned());
            for clause in &part.query.clauses {
                lines.extend(self.clause(clause));
            }
        }
        lines
    }

    /// The lines of a clause.
    pub(super) fn clause(self, clause: &Clause) -> Vec<String> {
        match clause {
            Clause::Match(clause) => self.match_clause(clause),
            Clause::Unwind(clause) => {
                let mut line = "UNWIND ".to_owned();
                expr::write(&mut line, &clause.list);
                line.push_str(" AS ");
                name::write(&mut line, &clause.variable.name);
                vec![line]
            }
            Clause::With(clause) => {
                let mut lines = self.projection("WITH", &clause.projection);
                lines.extend(self.filter(clause.filter.as_ref()));
                lines
            }
            Clause::Return(projection) => self.projection("RETURN", projection),
            Clause::Call(clause) => self.call(clause),
            Clause::Verb(clause) => verb::lines(self, clause),
        }
    }

    pub(super) fn match_clause(self, clause: &MatchClause) -> Vec<String> {
        let head = if clause.optional {
            "OPTIONAL MATCH"
        } else {
            "MATCH"
        };
        let patterns = clause.patterns.iter().map(|pattern| {
            let mut text = String::new();
            write_path(&mut text, pattern);
            text
        });
        let mut lines = self.list(head, patterns.collect());
        lines.extend(self.filter(clause.filter.as_ref()));
        lines
    }

    /// `head item, item`, on one line or an item a line.
    pub(super) fn list(self, head: &str, items: Vec<String>) -> Vec<String> {
        let flat = format!("{head} {}", items.join(", "));
        if self.fits(&flat) || items.len() < 2 {
            return vec![flat];
        }
        let pad = " ".repeat(head.len() + 1);
        let last = items.len() - 1;
        let lines = items.into_iter().enumerate().map(|(at, item)| {
            let start = if at == 0 {
                format!("{head} ")
            } else {
                pad.clone()
            };
            let comma = if at == last { "" } else { "," };
            format!("{start}{item}{comma}")
        });
        lines.collect()
    }

    /// Parts on one line, or a part a line after the first.
    pub(super) fn parts(self, parts: Vec<String>) -> Vec<String> {
        let flat = parts.join(" ");
        if self.fits(&flat) {
            return vec![flat];
        }
        let lines =
            parts.into_iter().enumerate().map(
                |(at, part)| {
                    if at == 0 { part } else { format!("  {part}") }
                },
            );
        lines.collect()
    }

    /// `WHERE`, a condition a line where they do not fit on one.
    pub(super) fn filter(self, filter: Option<&Expr>) -> Vec<String> {
        let Some(filter) = filter else {
            return Vec::new();
        };
        let mut flat = "WHERE ".to_owned();
        expr::write(&mut flat, filter);
        if self.fits(&flat) {
            return vec![flat];
        }
        let (word, operands, least) = match &filter.kind {
            ExprKind::And(operands) => ("AND", operands, Level::Not),
            ExprKind::Or(operands) => ("OR", operands, Level::Xor),
            _ => return vec![flat],
        };
        let lines = operands.iter().enumerate().map(|(at, operand)| {
            let mut line = if at == 0 {
                "WHERE ".to_owned()
            } else {
                format!("  {word} ")
            };
            expr::write_at(&mut line, operand, least);
            line
        });
        lines.collect()
    }

    fn projection(self, head: &str, projection: &Projection) -> Vec<String> {
        let mut items: Vec<String> = Vec::new();
        if projection.star.is_some() {
            items.push("*".to_owned());
        }
        items.extend(projection.items.iter().map(projection_item));
        let head = if projection.distinct {
            format!("{head} DISTINCT")
        } else {
            head.to_owned()
        };
        let mut lines = self.list(&head, items);
        if !projection.order_by.is_empty() {
            let keys = projection.order_by.iter().map(sort_item).collect();
            lines.extend(self.list("ORDER BY", keys));
        }
        for (word, count) in [("SKIP ", &projection.skip), ("LIMIT ", &projection.limit)] {
            if let Some(count) = count {
                let mut line = word.to_owned();
                expr::write(&mut line, count);
                lines.push(line);
            }
        }
        lines
    }

    fn call(self, clause: &CallClause) -> Vec<String> {
        let mut head = "CALL ".to_owned();
        if clause.imports_all {
            head.push_str("(*) ");
        }
        if let Some(imports) = &clause.imports {
            head.push('(');
            expr::separated(&mut head, imports, |out, import| {
                name::write(out, &import.name);
            });
            head.push_str(") ");
        }
        head.push('{');
        let mut lines = vec![head];
        let pad = if self.width.is_some() { "  " } else { "" };
        let body = self.narrower().union(&clause.body);
        lines.extend(body.into_iter().map(|line| format!("{pad}{line}")));
        lines.push("}".to_owned());
        lines
    }
}

fn projection_item(item: &ProjectionItem) -> String {
    let mut text = String::new();
    expr::write(&mut text, &item.expr);
    if let Some(alias) = &item.alias {
        text.push_str(" AS ");
        name::write(&mut text, &alias.name);
    }
    text
}

fn sort_item(item: &SortItem) -> String {
    let mut text = String::new();
    expr::write(&mut text, &item.expr);
    if item.descending {
        text.push_str(" DESC");
    }
    text
}

/// The lines before the first clause, with their place in the source.
pub(super) fn prefix(query: &Query) -> Vec<(Span, String)> {
    let mut lines = Vec::new();
    let start = Span {
        start: query.span.start,
        end: query.span.start,
    };
    match query.mode {
        QueryMode::Run => {}
        QueryMode::Explain => lines.push((start, "EXPLAIN".to_owned())),
        QueryMode::Profile => lines.push((start, "PROFILE".to_owned())),
    }
    if let Some(diff) = &query.diff {
        let line = format!("DIFF {} TO {}", snapshot(&diff.from), snapshot(&diff.to));
        lines.push((diff.span, line));
    }
    if let Some(at) = &query.at {
        lines.push((at.span, format!("AT {}", snapshot(at))));
    }
    let last = query.what_if.len().saturating_sub(1);
    for (at, item) in query.what_if.iter().enumerate() {
        let head = if at == 0 { "WHAT IF " } else { "        " };
        let comma = if at == last { "" } else { "," };
        lines.push((item.span, format!("{head}{}{comma}", change(item))));
    }
    lines
}

fn snapshot(snapshot: &SnapshotRef) -> String {
    let mut text = String::new();
    match &snapshot.kind {
        SnapshotRefKind::Text(value) => name::write_string(&mut text, value, '\''),
        SnapshotRefKind::Parameter(parameter) => name::write_parameter(&mut text, parameter),
    }
    text
}

fn change(change: &Change) -> String {
    let mut text = String::new();
    match &change.kind {
        ChangeKind::Remove(pattern) => {
            text.push_str("REMOVE ");
            write_path(&mut text, pattern);
        }
        ChangeKind::Add(pattern) => {
            text.push_str("ADD ");
            write_path(&mut text, pattern);
        }
        ChangeKind::Set {
            pattern,
            property,
            value,
        } => {
            text.push_str("SET ");
            write_path(&mut text, pattern);
            text.push('.');
            name::write(&mut text, &property.name);
            text.push_str(" = ");
            expr::write(&mut text, value);
        }
        ChangeKind::Upgrade { package, version } => {
            text.push_str("UPGRADE ");
            name::write_string(&mut text, &package.value, '\'');
            text.push_str(" TO ");
            name::write_string(&mut text, &version.value, '\'');
        }
        ChangeKind::Apply(fix) => {
            text.push_str("APPLY ");
            name::write_string(&mut text, &fix.value, '\'');
        }
    }
    text
}
