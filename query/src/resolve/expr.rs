//! Expressions: names to slots, operands to types.

use std::sync::Arc;

use crate::ast::{Expr as Tree, ExprKind, Ident, PathPattern, Span, Union};
use crate::diagnostic::{Code, Diagnostic};
use crate::expr::{Expr, SubqueryKind};
use crate::func::Function;
use crate::func::aggregate::Aggregate;
use crate::plan::Subplan;
use crate::types::Ty;
use crate::value::{Map, Val};

use super::body::BodyKind;
use super::names::swapped_help;
use super::{Resolver, Scope, advice};

/// Advice reads the whole text again, so that only the first mistakes get some.
const MAX_ADVICE: usize = 10;

const IN_COMPREHENSION: &str = "an aggregate cannot stand inside a comprehension";

pub(super) fn null() -> (Expr, Ty) {
    (Expr::Const(Val::Null), Ty::Any)
}

impl Resolver<'_> {
    /// Resolves a condition: a truth value, in which patterns may stand.
    pub fn condition(&mut self, tree: &Tree, scope: &Scope) -> Expr {
        let before = std::mem::replace(&mut self.is_condition, true);
        let (expr, ty) = self.expr(tree, scope);
        self.is_condition = before;
        if !ty.may_be_bool() {
            self.mismatch(tree.span, "a boolean", &ty);
        }
        expr
    }

    /// Resolves an expression whose value is used: patterns may not stand in it.
    pub fn value(&mut self, tree: &Tree, scope: &Scope) -> (Expr, Ty) {
        let before = std::mem::replace(&mut self.is_condition, false);
        let resolved = self.expr(tree, scope);
        self.is_condition = before;
        resolved
    }

    pub(crate) fn unknown_variable(&mut self, name: &str, span: Span, scope: &Scope) {
        let message = format!("`{name}` is not defined here");
        let known: Vec<&str> = scope.vars.iter().map(|var| &*var.name).collect();
        let mut diagnostic =
            Diagnostic::new(Code::UnknownVariable, span, message).suggest(name, known);
        let swapped = self.swapped.iter().find(|(written, _)| written == name);
        if let Some((written, label)) = swapped {
            diagnostic = diagnostic.help(swapped_help(written, label));
        }
        if diagnostic.help.is_none() {
            let is_function = Function::find(name).is_some() || Aggregate::find(name).is_some();
            let help = if is_function {
                Some(format!("a function is called with parentheses: `{name}()`"))
            } else if self.diagnostics.len() > MAX_ADVICE {
                None
            } else {
                advice::for_name(name, span, self.text, scope)
            };
            diagnostic = advice::with(diagnostic, help);
        }
        self.report(diagnostic);
    }

    pub(super) fn ungrouped(&mut self, name: &str, span: Span) {
        let message = format!("`{name}` is neither grouped by nor aggregated here");
        let diagnostic = Diagnostic::new(Code::AmbiguousAggregation, span, message);
        self.report(diagnostic.help("make it a column of its own, or aggregate it"));
    }

    pub(super) fn variable(&mut self, name: &str, span: Span, scope: &Scope) -> (Expr, Ty) {
        let Some((_, variable)) = scope.find(name) else {
            self.unknown_variable(name, span, scope);
            return null();
        };
        if variable.is_ungrouped {
            self.ungrouped(name, span);
            return null();
        }
        let (slot, ty) = (variable.slot, variable.ty.clone());
        (self.read(slot), ty)
    }

    pub(crate) fn expr(&mut self, tree: &Tree, scope: &Scope) -> (Expr, Ty) {
        let known = self
            .substitutions
            .iter()
            .find(|known| known.is(tree, scope));
        if let Some(known) = known {
            let known = known.clone();
            return (self.read(known.slot), known.ty);
        }
        let span = tree.span;
        match &tree.kind {
            ExprKind::Invalid | ExprKind::Null => (Expr::Const(Val::Null), Ty::Null),
            ExprKind::Boolean(flag) => (Expr::Const(Val::Bool(*flag)), Ty::Bool),
            ExprKind::Integer(number) => (Expr::Const(Val::Int(*number)), Ty::Int),
            ExprKind::Float(number) => (Expr::Const(Val::Float(*number)), Ty::Float),
            ExprKind::String(text) => (Expr::Const(Val::str(text)), Ty::Str),
            ExprKind::Parameter(name) => match self.params.get(name) {
                // Its type is not looked at: a query is judged without its parameters.
                Some(value) => (Expr::Const(value.clone()), Ty::Any),
                None => {
                    let message = format!("the parameter `${name}` was not given");
                    let known = self.params.keys().map(String::as_str);
                    let diagnostic = Diagnostic::new(Code::MissingParameter, span, message);
                    let diagnostic = diagnostic.suggest(name, known);
                    self.report(diagnostic);
                    null()
                }
            },
            ExprKind::Variable(name) => self.variable(name, span, scope),
            ExprKind::List(items) => self.list(items, scope),
            ExprKind::Map(entries) => {
                let mut resolved = Vec::new();
                for entry in entries {
                    let value = self.value(&entry.value, scope).0;
                    resolved.push((Arc::from(entry.key.name.as_str()), value));
                }
                (fold_map(resolved), Ty::Map)
            }
            ExprKind::Property { base, key } => self.property(base, key, span, scope),
            ExprKind::Index { base, index } => self.index(base, index, span, scope),
            ExprKind::Slice { base, from, to } => {
                let (list, ty) = self.value(base, scope);
                if !ty.may_be_list() {
                    self.mismatch(base.span, "a list", &ty);
                }
                let mut bound = |bound: &Option<Box<Tree>>| {
                    bound.as_ref().map(|bound| {
                        let (expr, ty) = self.value(bound, scope);
                        if !ty.may_be_int() {
                            self.mismatch(bound.span, "an integer", &ty);
                        }
                        Box::new(expr)
                    })
                };
                let (from, to) = (bound(from), bound(to));
                (Expr::Slice(Box::new(list), from, to, span), ty)
            }
            ExprKind::Unary { op, operand } => self.unary(*op, operand, span, scope),
            ExprKind::Binary { op, left, right } => self.binary(*op, left, right, span, scope),
            ExprKind::And(operands) => {
                let operands = self.booleans(operands, "AND", scope);
                (Expr::And(operands, span), Ty::Bool)
            }
            ExprKind::Or(operands) => {
                let operands = self.booleans(operands, "OR", scope);
                (Expr::Or(operands, span), Ty::Bool)
            }
            ExprKind::Xor(operands) => {
                let operands = self.booleans(operands, "XOR", scope);
                (Expr::Xor(operands, span), Ty::Bool)
            }
            ExprKind::Compare { first, rest } => self.comparison(first, rest, scope),
            ExprKind::HasLabels { operand, labels } => {
                let (expr, ty) = self.value(operand, scope);
                if !ty.is_open() && !matches!(ty, Ty::Node | Ty::Rel) {
                    self.mismatch(operand.span, "a node or a relationship", &ty);
                }
                let labels = match ty {
                    Ty::Rel => self.kinds(labels),
                    _ => self.labels(labels),
                };
                (Expr::HasLabels(Box::new(expr), labels, span), Ty::Bool)
            }
            ExprKind::Case {
                subject,
                arms,
                otherwise,
            } => {
                let subject = subject
                    .as_ref()
                    .map(|one| Box::new(self.value(one, scope).0));
                let mut ty = Ty::Null;
                let mut resolved = Vec::new();
                for arm in arms {
                    let when = match subject {
                        Some(_) => self.value(&arm.when, scope).0,
                        None => self.condition(&arm.when, scope),
                    };
                    let (then, then_ty) = self.value(&arm.then, scope);
                    ty = ty.join(then_ty);
                    resolved.push((when, then));
                }
                let otherwise = otherwise.as_ref().map(|one| {
                    let (expr, other) = self.value(one, scope);
                    ty = ty.clone().join(other);
                    Box::new(expr)
                });
                (
                    Expr::Case {
                        subject,
                        arms: resolved,
                        otherwise,
                        span,
                    },
                    ty,
                )
            }
            ExprKind::Call {
                name,
                args,
                distinct,
                star,
            } => {
                if let Some(aggregate) = Aggregate::find(&name.name) {
                    return self.aggregate(aggregate, tree, scope);
                }
                if *distinct || *star {
                    let message = format!("`{}()` is no aggregate", name.name);
                    self.error(Code::Aggregation, span, message);
                }
                self.call_function(name, args, span, scope)
            }
            ExprKind::ListComprehension {
                variable,
                list,
                filter,
                map,
            } => {
                let (list, ty) = self.list_operand(list, scope);
                let slot = self.slot();
                let inner = scope.with(&variable.name, slot, ty.element());
                let before = self.no_aggregate.replace(IN_COMPREHENSION);
                let filter = filter
                    .as_ref()
                    .map(|one| Box::new(self.condition(one, &inner)));
                let map = map.as_ref().map(|one| self.value(one, &inner));
                self.no_aggregate = before;
                let element = map
                    .as_ref()
                    .map_or_else(|| ty.element(), |map| map.1.clone());
                let map = map.map(|map| Box::new(map.0));
                (
                    Expr::Comprehension {
                        slot,
                        list: Box::new(list),
                        filter,
                        map,
                        span,
                    },
                    Ty::list(element),
                )
            }
            ExprKind::Quantifier {
                kind,
                variable,
                list,
                filter,
            } => {
                let (list, ty) = self.list_operand(list, scope);
                let slot = self.slot();
                let inner = scope.with(&variable.name, slot, ty.element());
                let before = self.no_aggregate.replace(IN_COMPREHENSION);
                let filter = match filter {
                    Some(filter) => self.condition(filter, &inner),
                    None => Expr::Const(Val::Null),
                };
                self.no_aggregate = before;
                let expr = Expr::Quantifier {
                    kind: *kind,
                    slot,
                    list: Box::new(list),
                    filter: Box::new(filter),
                    span,
                };
                (expr, Ty::Bool)
            }
            ExprKind::Reduce {
                accumulator,
                init,
                variable,
                list,
                body,
            } => {
                let (init, init_ty) = self.value(init, scope);
                let (list, ty) = self.list_operand(list, scope);
                let (acc_slot, slot) = (self.slot(), self.slot());
                // The accumulator may change its type on the way.
                let inner = scope.with(&accumulator.name, acc_slot, Ty::Any).with(
                    &variable.name,
                    slot,
                    ty.element(),
                );
                let before = self.no_aggregate.replace(IN_COMPREHENSION);
                let (body, body_ty) = self.value(body, &inner);
                self.no_aggregate = before;
                let expr = Expr::Reduce {
                    accumulator: acc_slot,
                    init: Box::new(init),
                    slot,
                    list: Box::new(list),
                    body: Box::new(body),
                    span,
                };
                let ty = if init_ty == body_ty { init_ty } else { Ty::Any };
                (expr, ty)
            }
            ExprKind::MapProjection { variable, items } => {
                self.map_projection(variable, items, span, scope)
            }
            ExprKind::Pattern(path) => self.pattern_value(path, scope),
            ExprKind::PatternComprehension {
                pattern,
                filter,
                map,
            } => self.pattern_comprehension(pattern, filter.as_deref(), map, scope),
            ExprKind::Exists(union) => {
                let (plan, _) = self.subquery(union, scope, BodyKind::Exists);
                (Expr::Subquery(SubqueryKind::Exists, plan), Ty::Bool)
            }
            ExprKind::CountQuery(union) => {
                let (plan, _) = self.subquery(union, scope, BodyKind::Expression);
                (Expr::Subquery(SubqueryKind::Count, plan), Ty::Int)
            }
            ExprKind::CollectQuery(union) => {
                let (plan, tys) = self.subquery(union, scope, BodyKind::Expression);
                match (plan.body.results.as_slice(), tys.into_iter().next()) {
                    ([slot], Some(ty)) => {
                        let kind = SubqueryKind::Collect(*slot);
                        (Expr::Subquery(kind, plan), Ty::list(ty))
                    }
                    _ => {
                        let message = "`COLLECT { }` returns one column";
                        self.error(Code::NotSupported, span, message);
                        null()
                    }
                }
            }
        }
    }

    fn list(&mut self, items: &[Tree], scope: &Scope) -> (Expr, Ty) {
        let mut resolved = Vec::with_capacity(items.len());
        let mut element = Ty::Null;
        for item in items {
            let (expr, ty) = self.value(item, scope);
            element = element.join(ty);
            resolved.push(expr);
        }
        let constants: Option<Vec<Val>> = resolved
            .iter()
            .map(|item| item.constant().cloned())
            .collect();
        let expr = constants.map_or(Expr::List(resolved), |items| Expr::Const(Val::list(items)));
        (expr, Ty::list(element))
    }

    fn list_operand(&mut self, tree: &Tree, scope: &Scope) -> (Expr, Ty) {
        let (expr, ty) = self.value(tree, scope);
        if !ty.may_be_list() {
            self.mismatch(tree.span, "a list", &ty);
        }
        (expr, ty)
    }

    fn property(&mut self, base: &Tree, key: &Ident, span: Span, scope: &Scope) -> (Expr, Ty) {
        let (base_expr, ty) = self.value(base, scope);
        if !ty.may_have_properties() {
            self.mismatch(base.span, "a node, a relationship or a map", &ty);
        }
        if matches!(ty, Ty::Node | Ty::Rel) {
            self.check_property(&key.name, key.span);
        }
        if let Some(Val::Map(map)) = base_expr.constant() {
            let value = map.get(key.name.as_str()).cloned().unwrap_or_default();
            return (Expr::Const(value), Ty::Any);
        }
        let expr = Expr::Property {
            base: Box::new(base_expr),
            name: key.name.as_str().into(),
            prop: self.snapshot.prop_id(&key.name),
            span,
        };
        let ty = if ty == Ty::Temporal { Ty::Int } else { Ty::Any };
        (expr, ty)
    }

    fn index(&mut self, base: &Tree, index: &Tree, span: Span, scope: &Scope) -> (Expr, Ty) {
        let (base_expr, ty) = self.value(base, scope);
        let (index_expr, index_ty) = self.value(index, scope);
        match &ty {
            Ty::List(_) if !index_ty.may_be_int() => {
                self.mismatch(index.span, "an integer", &index_ty);
            }
            Ty::Map | Ty::Node | Ty::Rel if !index_ty.is_open() && index_ty != Ty::Str => {
                self.mismatch(index.span, "a string", &index_ty);
            }
            Ty::List(_) | Ty::Map | Ty::Node | Ty::Rel | Ty::Any | Ty::Null => {}
            other => {
                let other = other.clone();
                self.mismatch(base.span, "a list, a map, a node or a relationship", &other);
            }
        }
        let element = match &ty {
            Ty::List(_) => ty.element(),
            _ => Ty::Any,
        };
        (
            Expr::Index(Box::new(base_expr), Box::new(index_expr), span),
            element,
        )
    }

    /// A pattern as a truth value, or a shortest path as a value.
    fn pattern_value(&mut self, path: &PathPattern, scope: &Scope) -> (Expr, Ty) {
        if path.selector.is_none() && !self.is_condition {
            let message = "a pattern is a condition, not a value";
            let diagnostic = Diagnostic::new(Code::InvalidPattern, path.span, message);
            self.report(diagnostic.help(
                "write `EXISTS { ... }` for whether it matches, `COUNT { ... }` for how often, or `[pattern | value]` for a list",
            ));
            return null();
        }
        let (plan, slot) = self.pattern_subplan(path, None, None, scope);
        match (path.selector.is_some(), slot) {
            (true, Some((slot, _))) => (Expr::Subquery(SubqueryKind::First(slot), plan), Ty::Path),
            _ => (Expr::Subquery(SubqueryKind::Exists, plan), Ty::Bool),
        }
    }

    fn pattern_comprehension(
        &mut self,
        path: &PathPattern,
        filter: Option<&Tree>,
        map: &Tree,
        scope: &Scope,
    ) -> (Expr, Ty) {
        let (plan, result) = self.pattern_subplan(path, filter, Some(map), scope);
        let Some((slot, ty)) = result else {
            return null();
        };
        (
            Expr::Subquery(SubqueryKind::Collect(slot), plan),
            Ty::list(ty),
        )
    }

    /// A subquery that sees everything in scope; its columns' types.
    fn subquery(
        &mut self,
        union: &Union,
        scope: &Scope,
        kind: BodyKind,
    ) -> (Arc<Subplan>, Vec<Ty>) {
        let (plan, columns) = self.isolated(|resolver| {
            let first_new = resolver.open_reads();
            let (body, columns) = resolver.body(union, &scope.as_outer(), kind);
            let reads = resolver.close_reads(first_new);
            (Subplan { body, reads }, columns)
        });
        (
            Arc::new(plan),
            columns.into_iter().map(|column| column.2).collect(),
        )
    }

    /// Resolves something that is no part of the projection around it.
    pub(crate) fn isolated<T>(&mut self, resolve: impl FnOnce(&mut Self) -> T) -> T {
        let grouping = self.grouping.take();
        let no_aggregate = self.no_aggregate.take();
        let is_condition = std::mem::replace(&mut self.is_condition, false);
        let result = resolve(self);
        self.grouping = grouping;
        self.no_aggregate = no_aggregate;
        self.is_condition = is_condition;
        result
    }
}

fn fold_map(entries: Vec<(Arc<str>, Expr)>) -> Expr {
    let constants: Option<Map> = entries
        .iter()
        .map(|(key, value)| {
            value
                .constant()
                .map(|value| (Arc::clone(key), value.clone()))
        })
        .collect();
    constants.map_or(Expr::Map(entries), |map| {
        Expr::Const(Val::Map(Arc::new(map)))
    })
}
