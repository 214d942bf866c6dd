//! `WITH` and `RETURN`: projection, grouping, order, bounds.

use std::sync::Arc;

use crate::ast::{Expr as Tree, ExprKind, Ident, Projection, Span};
use crate::diagnostic::{Code, Diagnostic};
use crate::expr::{Expr, Slot};
use crate::plan::{AggregateOp, Node, Op, SortOp};
use crate::types::Ty;
use crate::value::Val;

use super::aggregate::{each_name, has_aggregate, is_simple_key};
use super::body::Column;
use super::{Grouping, Resolver, Scope, Substitution};

/// An item after `*` is spelled out.
struct Item {
    name: Arc<str>,
    tree: Tree,
    span: Span,
}

impl Resolver<'_> {
    /// Resolves a projection with what follows it; returns the scope after it and its columns.
    pub(crate) fn projection(
        &mut self,
        projection: &Projection,
        filter: Option<&Tree>,
        scope: &Scope,
        nodes: &mut Vec<Node>,
        is_return: bool,
    ) -> (Scope, Vec<Column>) {
        let items = self.items(projection, scope, is_return);
        let is_grouped = items.iter().any(|item| has_aggregate(&item.tree));
        let mut next = scope.outer_only();
        let mut columns: Vec<Column> = Vec::new();
        let mut assigned: Vec<(Slot, Expr)> = Vec::new();
        let resolved = if is_grouped {
            self.grouped(&items, scope, nodes, &mut assigned)
        } else {
            self.plain(&items, scope, &mut assigned)
        };
        for (item, (slot, ty)) in items.iter().zip(&resolved) {
            if columns.iter().any(|(name, ..)| *name == item.name) {
                let message = format!("two columns are called `{}`", item.name);
                self.error(Code::DuplicateColumn, item.span, message);
            }
            columns.push((Arc::clone(&item.name), *slot, ty.clone()));
            next.add(&item.name, *slot, ty.clone());
        }
        // After grouping or `DISTINCT` the rows from before are gone; their expressions live on
        // only as columns.
        let forgets = is_grouped || projection.distinct;
        let mut around = scope.clone();
        if forgets {
            around = scope.outer_only();
            for (item, (slot, ty)) in items.iter().zip(&resolved) {
                if let ExprKind::Variable(name) = &item.tree.kind {
                    around.add(name, *slot, ty.clone());
                }
            }
        }
        let own = next.vars.get(next.n_outer..).unwrap_or_default();
        around.vars.extend(own.iter().cloned());
        let substitutions: Vec<Substitution> = if forgets {
            let columns = items.iter().zip(&resolved);
            columns
                .filter(|(item, _)| !is_hidden(&item.tree, &items))
                .map(|(item, (slot, ty))| Substitution::new(&item.tree, *slot, ty.clone(), &around))
                .collect()
        } else {
            Vec::new()
        };
        let n_around = self.substitutions.len();
        let mut keys = Vec::new();
        self.no_aggregate = Some("`ORDER BY` can use an aggregate only when it is a column too");
        for sort in &projection.order_by {
            // Beside an aggregate only a simple key may be repeated, as in the columns themselves.
            let is_mixed = has_aggregate(&sort.expr);
            let usable = |tree: &Tree| !is_mixed || is_simple_key(tree) || has_aggregate(tree);
            let columns = substitutions.iter().filter(|column| usable(&column.tree));
            self.substitutions.extend(columns.cloned());
            let (expr, _) = self.value(&sort.expr, &around);
            self.substitutions.truncate(n_around);
            let slot = match expr {
                Expr::Slot(slot) => slot,
                expr => {
                    let slot = self.slot();
                    assigned.push((slot, expr));
                    slot
                }
            };
            keys.push((slot, sort.descending));
        }
        self.no_aggregate = None;
        let plain = substitutions
            .iter()
            .filter(|column| !has_aggregate(&column.tree));
        self.substitutions.extend(plain.cloned());
        let condition = filter.map(|filter| (self.condition(filter, &around), filter.span));
        self.substitutions.truncate(n_around);
        let skip = projection
            .skip
            .as_ref()
            .map(|count| (self.count(count), count.span));
        let limit = projection
            .limit
            .as_ref()
            .map(|count| (self.count(count), count.span));
        // `DISTINCT` looks at the columns alone, so keys computed from them may come first.
        if !assigned.is_empty() {
            let node = self.node(Op::Assign(assigned), 1.0);
            nodes.push(node);
        }
        if projection.distinct {
            let slots = columns.iter().map(|column| column.1).collect();
            let node = self.node(Op::Distinct(slots), 0.5);
            nodes.push(node);
        }
        if !keys.is_empty() {
            let mut carried: Vec<Slot> = columns.iter().map(|column| column.1).collect();
            if let Some((condition, _)) = &condition {
                condition.slots(&mut |slot| carried.push(slot));
            }
            carried.sort_unstable();
            carried.dedup();
            let top = limit.as_ref().map(|(limit, span)| {
                (
                    skip.as_ref().map(|(skip, _)| skip.clone()),
                    limit.clone(),
                    *span,
                )
            });
            let node = self.node(Op::Sort(Box::new(SortOp { keys, carried, top })), 1.0);
            nodes.push(node);
        }
        if let Some((count, span)) = skip {
            let node = self.node(Op::Skip(count, span), 1.0);
            nodes.push(node);
        }
        if let Some((count, span)) = limit {
            let node = self.node(Op::Limit(count, span), 1.0);
            nodes.push(node);
        }
        if let Some((condition, span)) = condition {
            let node = self.node(Op::Filter(condition, span), 0.5);
            nodes.push(node);
        }
        (next, columns)
    }

    fn items(&mut self, projection: &Projection, scope: &Scope, is_return: bool) -> Vec<Item> {
        let mut items = Vec::new();
        if let Some(star) = projection.star {
            let mut own = scope.own();
            own.sort_by(|a, b| a.name.cmp(&b.name));
            if own.is_empty() && is_return {
                let message = "`*` stands for every name, but there is none here";
                let diagnostic = Diagnostic::new(Code::NothingInScope, star, message);
                self.report(diagnostic.help("give a node a name: `MATCH (n) RETURN *`"));
            }
            for variable in own {
                let tree = Tree {
                    kind: ExprKind::Variable(variable.name.to_string()),
                    span: star,
                };
                items.push(Item {
                    name: Arc::clone(&variable.name),
                    tree,
                    span: star,
                });
            }
        }
        for item in &projection.items {
            let name: Arc<str> = match (&item.alias, &item.expr.kind) {
                (Some(Ident { name, .. }), _) | (None, ExprKind::Variable(name)) => {
                    name.as_str().into()
                }
                _ => item.text.slice(self.text).into(),
            };
            items.push(Item {
                name,
                tree: item.expr.clone(),
                span: item.span,
            });
        }
        items
    }

    fn plain(
        &mut self,
        items: &[Item],
        scope: &Scope,
        assigned: &mut Vec<(Slot, Expr)>,
    ) -> Vec<(Slot, Ty)> {
        let mut resolved = Vec::new();
        for item in items {
            let (expr, ty) = self.value(&item.tree, scope);
            // A variable passes on under its new name without being copied.
            let slot = match expr {
                Expr::Slot(slot) => slot,
                expr => {
                    let slot = self.slot();
                    assigned.push((slot, expr));
                    slot
                }
            };
            resolved.push((slot, ty));
        }
        resolved
    }

    /// Items without an aggregate are what rows are grouped by.
    fn grouped(
        &mut self,
        items: &[Item],
        scope: &Scope,
        nodes: &mut Vec<Node>,
        assigned: &mut Vec<(Slot, Expr)>,
    ) -> Vec<(Slot, Ty)> {
        let mut keys = Vec::new();
        let mut resolved: Vec<Option<(Slot, Ty)>> = Vec::new();
        let (mut names, mut properties) = (Vec::new(), Vec::new());
        for item in items {
            if has_aggregate(&item.tree) {
                resolved.push(None);
                continue;
            }
            let (expr, ty) = self.value(&item.tree, scope);
            let slot = self.slot();
            keys.push((slot, expr));
            match &item.tree.kind {
                ExprKind::Variable(name) => names.push((name.as_str(), slot)),
                _ if is_simple_key(&item.tree) => properties.push((item, slot, ty.clone())),
                _ => {}
            }
            resolved.push(Some((slot, ty)));
        }
        let beside = scope.grouped_by(&names);
        let n_around = self.substitutions.len();
        let properties = properties.into_iter();
        let properties =
            properties.map(|(item, slot, ty)| Substitution::new(&item.tree, slot, ty, &beside));
        self.substitutions.extend(properties);
        self.grouping = Some(Grouping {
            rows: scope.clone(),
            n_around,
            ..Grouping::default()
        });
        let mut results = Vec::new();
        for (item, known) in items.iter().zip(resolved) {
            results.push(known.unwrap_or_else(|| {
                let (expr, ty) = self.value(&item.tree, &beside);
                let slot = match expr {
                    Expr::Slot(slot) => slot,
                    expr => {
                        let slot = self.slot();
                        assigned.push((slot, expr));
                        slot
                    }
                };
                (slot, ty)
            }));
        }
        self.substitutions.truncate(n_around);
        let aggregates = self.grouping.take().unwrap_or_default().items;
        let op = AggregateOp { keys, aggregates };
        let node = self.node(Op::Aggregate(Box::new(op)), 0.2);
        nodes.push(node);
        results
    }

    /// `SKIP` and `LIMIT`: the same in every row, an integer, not negative.
    fn count(&mut self, tree: &Tree) -> Expr {
        let n_before = self.diagnostics.len();
        let (expr, ty) = self.value(tree, &Scope::default());
        let found = self.diagnostics.get(n_before..).unwrap_or_default();
        let is_row_bound = asks_the_graph(&expr)
            || found
                .iter()
                .any(|diagnostic| diagnostic.code == Code::UnknownVariable);
        if is_row_bound {
            self.diagnostics.truncate(n_before);
            let message = "a count must be the same for every row";
            let diagnostic = Diagnostic::new(Code::NotConstant, tree.span, message);
            self.report(diagnostic.help("use a number or a parameter"));
            return Expr::Const(Val::Int(0));
        }
        if !ty.may_be_int() {
            self.mismatch(tree.span, "an integer", &ty);
        }
        let is_literal = !matches!(tree.kind, ExprKind::Parameter(_));
        if let (Expr::Const(Val::Int(number)), true) = (&expr, is_literal)
            && *number < 0
        {
            let message = format!("a count is {number}, which is negative");
            self.error(Code::NegativeCount, tree.span, message);
        }
        expr
    }
}

fn asks_the_graph(expr: &Expr) -> bool {
    let mut found = matches!(expr, Expr::Subquery(..));
    expr.each_part(&mut |part| found |= asks_the_graph(part));
    found
}

/// Whether a name in a column's expression stands for another column after the projection. A
/// variable passes on by name anyway.
fn is_hidden(tree: &Tree, items: &[Item]) -> bool {
    let mut hidden = matches!(tree.kind, ExprKind::Variable(_));
    each_name(tree, &mut |name| {
        let column = items.iter().find(|item| *item.name == *name);
        hidden |= column.is_some_and(|column| !is_variable(&column.tree, name));
    });
    hidden
}

fn is_variable(tree: &Tree, name: &str) -> bool {
    matches!(&tree.kind, ExprKind::Variable(found) if found == name)
}
