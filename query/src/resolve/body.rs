//! Queries, subqueries and their clauses.

use std::sync::Arc;

use crate::ast::{CallClause, Clause, SingleQuery, Union, UnwindClause, VerbClause};
use crate::diagnostic::{Code, Diagnostic};
use crate::expr::Slot;
use crate::plan::{Body, Line, Node, Op, Subplan, VerbOp};
use crate::types::Ty;

use super::{Resolver, Scope};

/// Rows pass from clause to clause by calls, so their number is bounded.
const MAX_CLAUSES: usize = 256;

/// Where a body stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyKind {
    /// A whole query.
    Query,
    /// In an expression; `RETURN` may be missing.
    Expression,
    /// The same, where only matters whether there is a row.
    Exists,
    /// `CALL`.
    Call,
    /// `CALL` that imports by a first `WITH`.
    CallWith,
}

/// A column of a body.
pub(crate) type Column = (Arc<str>, Slot, Ty);

impl Resolver<'_> {
    /// Resolves a query or subquery; `scope` holds the outer names.
    pub(crate) fn body(
        &mut self,
        union: &Union,
        scope: &Scope,
        kind: BodyKind,
    ) -> (Body, Vec<Column>) {
        let mut lines = vec![self.line(&union.first, scope, kind)];
        for part in &union.rest {
            let line = self.line(&part.query, scope, kind);
            let names = |columns: &[Column]| -> Vec<Arc<str>> {
                columns.iter().map(|column| Arc::clone(&column.0)).collect()
            };
            let same = lines
                .first()
                .is_none_or(|first| names(&first.1) == names(&line.1));
            if !same {
                let message = "the parts of a `UNION` have different columns";
                let diagnostic = Diagnostic::new(Code::UnionColumns, part.span, message);
                self.report(
                    diagnostic.help("name them alike in the same order: `RETURN a.name AS name`"),
                );
            }
            lines.push(line);
        }
        let is_distinct = union.rest.first().is_some_and(|part| !part.all);
        let mut columns: Vec<Column> = lines.first().map(|line| line.1.clone()).unwrap_or_default();
        if lines.len() > 1 {
            for (at, column) in columns.iter_mut().enumerate() {
                column.1 = self.slot();
                for (_, other) in lines.iter().skip(1) {
                    if let Some((_, _, ty)) = other.get(at) {
                        column.2 = column.2.clone().join(ty.clone());
                    }
                }
            }
        }
        let body = Body {
            columns: columns.iter().map(|column| Arc::clone(&column.0)).collect(),
            results: columns.iter().map(|column| column.1).collect(),
            is_distinct,
            parts: lines
                .into_iter()
                .map(|(nodes, columns)| Line {
                    nodes,
                    outputs: columns.iter().map(|column| column.1).collect(),
                })
                .collect(),
        };
        (body, columns)
    }

    fn line(
        &mut self,
        query: &SingleQuery,
        outer: &Scope,
        kind: BodyKind,
    ) -> (Vec<Node>, Vec<Column>) {
        let mut scope = outer.clone();
        let mut nodes = Vec::new();
        let mut columns = None;
        let n_clauses = query.clauses.len();
        let around = (self.n_clauses, self.n_parts);
        self.n_clauses += n_clauses;
        if self.n_clauses > MAX_CLAUSES {
            let message = format!("a query has at most {MAX_CLAUSES} clauses, subqueries included");
            self.error(Code::TooLarge, query.span, message);
            (self.n_clauses, self.n_parts) = around;
            return (nodes, Vec::new());
        }
        for (at, clause) in query.clauses.iter().enumerate() {
            let is_last = at + 1 == n_clauses;
            match clause {
                Clause::Match(clause) => self.match_clause(clause, &mut scope, &mut nodes),
                Clause::Unwind(clause) => self.unwind(clause, &mut scope, &mut nodes),
                Clause::With(clause) => {
                    let (next, _) = self.projection(
                        &clause.projection,
                        clause.filter.as_ref(),
                        &scope,
                        &mut nodes,
                        false,
                    );
                    scope = next;
                    if at == 0 && kind == BodyKind::CallWith {
                        // What the first `WITH` imports is all the subquery sees, and its own.
                        scope.vars = scope.vars.split_off(scope.n_outer);
                        scope.n_outer = 0;
                    }
                }
                Clause::Return(projection) => {
                    columns = Some(
                        self.projection(projection, None, &scope, &mut nodes, true)
                            .1,
                    );
                }
                Clause::Call(clause) => self.call(clause, &mut scope, &mut nodes),
                Clause::Verb(clause) => {
                    let added = self.verb(clause, &mut scope, &mut nodes);
                    if is_last {
                        columns = Some(added);
                    }
                }
            }
            if kind == BodyKind::CallWith && at == 0 && !matches!(clause, Clause::With(_)) {
                // Nothing was imported; the scope was empty from the start.
                scope.n_outer = 0;
            }
        }
        if columns.is_none() && !matches!(kind, BodyKind::Expression | BodyKind::Exists) {
            let span = query.clauses.last().map_or(query.span, Clause::span);
            let diagnostic = Diagnostic::new(Code::ClauseOrder, span, "a query ends with `RETURN`");
            self.report(diagnostic.help("add `RETURN` and what the answer should hold"));
        }
        (self.n_clauses, self.n_parts) = around;
        let columns = columns.unwrap_or_default();
        let outputs: Vec<Slot> = columns.iter().map(|column| column.1).collect();
        self.plan_line(&mut nodes, &outputs, kind == BodyKind::Exists);
        (nodes, columns)
    }

    fn unwind(&mut self, clause: &UnwindClause, scope: &mut Scope, nodes: &mut Vec<Node>) {
        let (list, ty) = self.value(&clause.list, scope);
        let name = &clause.variable;
        if let Some((at, _)) = scope.find(&name.name)
            && at >= scope.n_outer
        {
            let message = format!("`{}` is bound already", name.name);
            self.error(Code::VariableBound, name.span, message);
        }
        let slot = self.slot();
        scope.add(&name.name, slot, ty.element());
        let node = self.node(Op::Unwind(list, slot), 8.0);
        nodes.push(node);
    }

    fn call(&mut self, clause: &CallClause, scope: &mut Scope, nodes: &mut Vec<Node>) {
        let (outer, kind) = match &clause.imports {
            _ if clause.imports_all => (scope.as_outer(), BodyKind::Call),
            Some(imports) => {
                let mut outer = Scope::default();
                for name in imports {
                    match scope.find(&name.name) {
                        Some((_, variable)) => {
                            if variable.is_ungrouped {
                                self.ungrouped(&name.name, name.span);
                            }
                            outer.vars.push(variable.clone());
                        }
                        None => self.unknown_variable(&name.name, name.span, scope),
                    }
                }
                (outer.as_outer(), BodyKind::Call)
            }
            None if imports_by_with(&clause.body) => (scope.as_outer(), BodyKind::CallWith),
            None => (Scope::default(), BodyKind::Call),
        };
        let first_new = self.open_reads();
        let (body, columns) = self.body(&clause.body, &outer, kind);
        let reads = self.close_reads(first_new);
        for (name, slot, ty) in columns {
            if scope.find(&name).is_some() {
                let message = format!("the subquery returns `{name}`, which is bound already");
                self.error(Code::VariableBound, clause.span, message);
            }
            scope.add(&name, slot, ty);
        }
        let node = self.node(Op::Call(Arc::new(Subplan { body, reads })), 1.0);
        nodes.push(node);
    }

    fn verb(
        &mut self,
        clause: &VerbClause,
        scope: &mut Scope,
        nodes: &mut Vec<Node>,
    ) -> Vec<Column> {
        let surroundings = self.surroundings;
        let Some(planned) = surroundings.verb(self, clause, scope) else {
            let message = "the verbs need an attack graph, which is not at hand here";
            self.error(Code::NotSupported, clause.head, message);
            return Vec::new();
        };
        let mut added: Vec<Column> = Vec::new();
        let mut wired = Vec::new();
        match &clause.yields {
            None => {
                for (at, (name, ty)) in planned.columns.iter().enumerate() {
                    let slot = self.slot();
                    wired.push((at, slot));
                    added.push(((*name).into(), slot, ty.clone()));
                }
            }
            Some(items) => {
                for item in items {
                    let name = item.column.name.as_str();
                    let Some(at) = planned.columns.iter().position(|column| column.0 == name)
                    else {
                        let message = format!("the verb has no column `{name}`");
                        let diagnostic =
                            Diagnostic::new(Code::UnknownColumn, item.column.span, message);
                        let known = planned.columns.iter().map(|column| column.0);
                        self.report(diagnostic.suggest(name, known));
                        continue;
                    };
                    let slot = self.slot();
                    wired.push((at, slot));
                    let alias = item
                        .alias
                        .as_ref()
                        .map_or(name, |alias| alias.name.as_str());
                    let ty = planned
                        .columns
                        .get(at)
                        .map_or(Ty::Any, |column| column.1.clone());
                    added.push((alias.into(), slot, ty));
                }
            }
        }
        for (name, slot, ty) in &added {
            if scope.find(name).is_some_and(|(at, _)| at >= scope.n_outer) {
                let message = format!("the verb yields `{name}`, which is bound already");
                let diagnostic = Diagnostic::new(Code::VariableBound, clause.head, message);
                self.report(diagnostic.help("rename it: `YIELD column AS name`"));
            }
            scope.add(name, *slot, ty.clone());
        }
        let op = VerbOp {
            table: planned.table,
            columns: wired,
        };
        let node = self.node(Op::Verb(Box::new(op)), 10.0);
        nodes.push(node);
        if let Some(filter) = &clause.filter {
            let condition = self.condition(filter, scope);
            let node = self.node(Op::Filter(condition, filter.span), 0.5);
            nodes.push(node);
        }
        added
    }
}

fn imports_by_with(union: &Union) -> bool {
    matches!(union.first.clauses.first(), Some(Clause::With(_)))
}
