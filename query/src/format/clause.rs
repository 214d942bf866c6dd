//! Clauses as lines.

use super::WIDTH;
use super::expr::{self, Level};
use super::line::{Line, Source};
use super::name;
use super::pattern::write_path;
use super::verb;
use crate::ast::{
    CallClause, Change, ChangeKind, Clause, Expr, ExprKind, MatchClause, Projection,
    ProjectionItem, Query, QueryMode, SnapshotRef, SnapshotRefKind, SortItem, Union,
};

/// How lines are broken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout<'c> {
    /// `None`: everything on one line.
    width: Option<usize>,
    /// What is laid out, if it is a text.
    source: Option<&'c Source<'c>>,
}

impl<'c> Layout<'c> {
    /// Lines that start `indent` columns in.
    pub(super) fn lines(indent: usize, source: &'c Source<'c>) -> Layout<'c> {
        Layout {
            width: Some(WIDTH.saturating_sub(indent)),
            source: Some(source),
        }
    }

    /// One line, whatever its length.
    pub(super) fn one_line() -> Layout<'static> {
        Layout {
            width: None,
            source: None,
        }
    }

    fn narrower(self) -> Layout<'c> {
        Layout {
            width: self.width.map(|width| width.saturating_sub(2)),
            ..self
        }
    }

    /// Whether items may share a line: it is not too long, and no comment stands between them.
    fn fits(self, line: &str, items: &[Line]) -> bool {
        let ends = || items.iter().filter_map(|item| item.end);
        let first = ends().next().unwrap_or(0);
        let last = ends().next_back().unwrap_or(0);
        let is_split = self
            .source
            .is_some_and(|source| source.has_comment_between(first, last));
        self.width.is_none_or(|width| line.len() <= width) && !is_split
    }

    /// The lines of every clause under `UNION`.
    pub(super) fn union(self, union: &Union) -> Vec<Line> {
        let mut lines = Vec::new();
        for clause in &union.first.clauses {
            lines.extend(self.clause(clause));
        }
        for part in &union.rest {
            let text = if part.all { "UNION ALL" } else { "UNION" };
            // The words end before the clause after them; `ALL` may stand on a line of its own.
            let word_end = part.span.start + "UNION".len() as u32;
            let next = part.query.clauses.first();
            let end = next.map_or(word_end, |clause| clause.span().start);
            lines.push(Line::new(text, end));
            for clause in &part.query.clauses {
                lines.extend(self.clause(clause));
            }
        }
        lines
    }

    /// The lines of a clause.
    pub(super) fn clause(self, clause: &Clause) -> Vec<Line> {
        match clause {
            Clause::Match(clause) => self.match_clause(clause),
            Clause::Unwind(clause) => {
                let mut line = "UNWIND ".to_owned();
                expr::write(&mut line, &clause.list);
                line.push_str(" AS ");
                name::write(&mut line, &clause.variable.name);
                vec![Line::new(line, clause.span.end)]
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

    pub(super) fn match_clause(self, clause: &MatchClause) -> Vec<Line> {
        let head = if clause.optional {
            "OPTIONAL MATCH"
        } else {
            "MATCH"
        };
        let patterns = clause.patterns.iter().map(|pattern| {
            let mut text = String::new();
            write_path(&mut text, pattern);
            Line::new(text, pattern.span.end)
        });
        let mut lines = self.list(head, patterns.collect());
        lines.extend(self.filter(clause.filter.as_ref()));
        lines
    }

    /// `head item, item`, on one line or an item a line.
    pub(super) fn list(self, head: &str, items: Vec<Line>) -> Vec<Line> {
        let texts: Vec<&str> = items.iter().map(|item| item.text.as_str()).collect();
        let flat = format!("{head} {}", texts.join(", "));
        if self.fits(&flat, &items) || items.len() < 2 {
            let end = items.last().and_then(|item| item.end);
            return vec![Line { text: flat, end }];
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
            Line {
                text: format!("{start}{}{comma}", item.text),
                end: item.end,
            }
        });
        lines.collect()
    }

    /// Parts on one line, or a part a line after the first.
    pub(super) fn parts(self, parts: Vec<Line>) -> Vec<Line> {
        let texts: Vec<&str> = parts.iter().map(|part| part.text.as_str()).collect();
        let flat = texts.join(" ");
        if self.fits(&flat, &parts) {
            let end = parts.iter().filter_map(|part| part.end).max();
            return vec![Line { text: flat, end }];
        }
        let lines = parts
            .into_iter()
            .enumerate()
            .map(|(at, part)| if at == 0 { part } else { part.indented(2) });
        lines.collect()
    }

    /// `WHERE`, a condition a line where they do not fit on one.
    pub(super) fn filter(self, filter: Option<&Expr>) -> Vec<Line> {
        let Some(filter) = filter else {
            return Vec::new();
        };
        let mut flat = "WHERE ".to_owned();
        expr::write(&mut flat, filter);
        let (word, operands, least) = match &filter.kind {
            ExprKind::And(operands) => ("AND", operands.as_slice(), Level::Not),
            ExprKind::Or(operands) => ("OR", operands.as_slice(), Level::Not),
            _ => ("", &[][..], Level::Or),
        };
        let lines = operands.iter().enumerate().map(|(at, operand)| {
            let mut line = if at == 0 {
                "WHERE ".to_owned()
            } else {
                format!("  {word} ")
            };
            expr::write_at(&mut line, operand, least);
            Line::new(line, operand.span.end)
        });
        let lines: Vec<Line> = lines.collect();
        if lines.is_empty() || self.fits(&flat, &lines) {
            return vec![Line::new(flat, filter.span.end)];
        }
        lines
    }

    fn projection(self, head: &str, projection: &Projection) -> Vec<Line> {
        let mut items: Vec<Line> = Vec::new();
        if let Some(star) = projection.star {
            items.push(Line::new("*", star.end));
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
                lines.push(Line::new(line, count.span.end));
            }
        }
        lines
    }

    fn call(self, clause: &CallClause) -> Vec<Line> {
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
        let mut lines = vec![Line::new(head, clause.span.start + 4)];
        let pad = if self.width.is_some() { 2 } else { 0 };
        let body = self.narrower().union(&clause.body);
        lines.extend(body.into_iter().map(|line| line.indented(pad)));
        lines.push(Line::new("}", clause.span.end));
        lines
    }
}

fn projection_item(item: &ProjectionItem) -> Line {
    let mut text = String::new();
    expr::write(&mut text, &item.expr);
    if let Some(alias) = &item.alias {
        text.push_str(" AS ");
        name::write(&mut text, &alias.name);
    }
    Line::new(text, item.span.end)
}

fn sort_item(item: &SortItem) -> Line {
    let mut text = String::new();
    expr::write(&mut text, &item.expr);
    if item.descending {
        text.push_str(" DESC");
    }
    Line::new(text, item.span.end)
}

/// The lines before the first clause.
pub(super) fn prefix(query: &Query) -> Vec<Line> {
    let mut lines = Vec::new();
    let start = query.span.start;
    match query.mode {
        QueryMode::Run => {}
        QueryMode::Explain => lines.push(Line::new("EXPLAIN", start)),
        QueryMode::Profile => lines.push(Line::new("PROFILE", start)),
    }
    if let Some(diff) = &query.diff {
        let line = format!("DIFF {} TO {}", snapshot(&diff.from), snapshot(&diff.to));
        lines.push(Line::new(line, diff.span.end));
    }
    if let Some(at) = &query.at {
        lines.push(Line::new(format!("AT {}", snapshot(at)), at.span.end));
    }
    let last = query.what_if.len().saturating_sub(1);
    for (at, item) in query.what_if.iter().enumerate() {
        let head = if at == 0 { "WHAT IF " } else { "        " };
        let comma = if at == last { "" } else { "," };
        let line = format!("{head}{}{comma}", change(item));
        lines.push(Line::new(line, item.span.end));
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
