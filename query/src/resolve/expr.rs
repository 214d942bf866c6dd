//! Expressions: names to slots, operands to types.

use std::sync::Arc;

use foothold_engine::pattern::LabelExpr;

use crate::ast::{
    BinaryOp, Expr as Tree, ExprKind, Ident, Labels, LabelsKind, MapProjectionItem, PathPattern,
    Span, UnaryOp, Union,
};
use crate::diagnostic::{Code, Diagnostic};
use crate::expr::{Arith, Expr, ProjectionPart, SubqueryKind, TextTest, arithmetic};
use crate::func::Function;
use crate::func::aggregate::Aggregate;
use crate::plan::Subplan;
use crate::types::Ty;
use crate::value::{Map, Val};

use super::body::BodyKind;
use super::{Resolver, Scope};

const IN_COMPREHENSION: &str = "an aggregate cannot stand inside a comprehension";

fn null() -> (Expr, Ty) {
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
        let diagnostic = Diagnostic::new(Code::UnknownVariable, span, message);
        self.report(diagnostic.suggest(name, known));
    }

    fn variable(&mut self, name: &str, span: Span, scope: &Scope) -> (Expr, Ty) {
        let Some((at, variable)) = scope.find(name) else {
            self.unknown_variable(name, span, scope);
            return null();
        };
        if let Some(grouping) = &self.grouping
            && (grouping.n_outer..grouping.first_local).contains(&at)
        {
            let message = format!("`{name}` is neither grouped by nor aggregated here");
            let diagnostic = Diagnostic::new(Code::AmbiguousAggregation, span, message);
            self.report(diagnostic.help("make it a column of its own, or aggregate it"));
            return null();
        }
        let (slot, ty) = (variable.slot, variable.ty.clone());
        (self.read(slot), ty)
    }

    pub(crate) fn expr(&mut self, tree: &Tree, scope: &Scope) -> (Expr, Ty) {
        if let Some(known) = self.substitutions.iter().find(|known| known.tree == *tree) {
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
            ExprKind::Compare { first, rest } => {
                let first = self.expr(first, scope).0;
                let mut links = Vec::new();
                for link in rest {
                    links.push((link.op, self.expr(&link.operand, scope).0));
                }
                (Expr::Compare(Box::new(first), links), Ty::Bool)
            }
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

    fn unary(&mut self, op: UnaryOp, operand: &Tree, span: Span, scope: &Scope) -> (Expr, Ty) {
        match op {
            UnaryOp::Not => {
                let (expr, ty) = self.expr(operand, scope);
                if !ty.may_be_bool() {
                    self.mismatch(operand.span, "a boolean", &ty);
                }
                (Expr::Not(Box::new(expr), span), Ty::Bool)
            }
            UnaryOp::IsNull | UnaryOp::IsNotNull => {
                let expr = Expr::IsNull(Box::new(self.value(operand, scope).0));
                match op {
                    UnaryOp::IsNull => (expr, Ty::Bool),
                    _ => (Expr::Not(Box::new(expr), span), Ty::Bool),
                }
            }
            UnaryOp::Minus | UnaryOp::Plus => {
                let (expr, ty) = self.value(operand, scope);
                if !ty.may_be_number() && ty != Ty::Temporal {
                    self.mismatch(operand.span, "a number", &ty);
                }
                let folded = match (&expr, op) {
                    (_, UnaryOp::Plus) => expr,
                    (Expr::Const(Val::Int(number)), _) if *number != i64::MIN => {
                        Expr::Const(Val::Int(-number))
                    }
                    (Expr::Const(Val::Float(number)), _) => Expr::Const(Val::Float(-number)),
                    _ => Expr::Negate(Box::new(expr), span),
                };
                (folded, ty)
            }
        }
    }

    fn booleans(&mut self, operands: &[Tree], word: &str, scope: &Scope) -> Vec<Expr> {
        let mut resolved = Vec::with_capacity(operands.len());
        for operand in operands {
            let (expr, ty) = self.expr(operand, scope);
            if !ty.may_be_bool() {
                let message = format!("`{word}` works on booleans, not on {}", ty.name());
                self.error(Code::TypeMismatch, operand.span, message);
            }
            resolved.push(expr);
        }
        resolved
    }

    fn binary(
        &mut self,
        op: BinaryOp,
        left: &Tree,
        right: &Tree,
        span: Span,
        scope: &Scope,
    ) -> (Expr, Ty) {
        let (left_expr, left_ty) = self.value(left, scope);
        let (right_expr, right_ty) = self.value(right, scope);
        let (left_box, right_box) = (Box::new(left_expr), Box::new(right_expr));
        let arith = match op {
            BinaryOp::Add => Arith::Add,
            BinaryOp::Subtract => Arith::Subtract,
            BinaryOp::Multiply => Arith::Multiply,
            BinaryOp::Divide => Arith::Divide,
            BinaryOp::Modulo => Arith::Modulo,
            BinaryOp::Power => Arith::Power,
            BinaryOp::Concat => Arith::Concat,
            BinaryOp::In => {
                if !right_ty.may_be_list() {
                    self.mismatch(right.span, "a list", &right_ty);
                }
                return (Expr::In(left_box, right_box, span), Ty::Bool);
            }
            BinaryOp::StartsWith => {
                return (
                    Expr::Text(TextTest::StartsWith, left_box, right_box),
                    Ty::Bool,
                );
            }
            BinaryOp::EndsWith => {
                return (
                    Expr::Text(TextTest::EndsWith, left_box, right_box),
                    Ty::Bool,
                );
            }
            BinaryOp::Contains => {
                return (
                    Expr::Text(TextTest::Contains, left_box, right_box),
                    Ty::Bool,
                );
            }
            BinaryOp::Matches => return (Expr::Matches(left_box, right_box, span), Ty::Bool),
        };
        let Some(ty) = arith_type(arith, &left_ty, &right_ty) else {
            let message = format!(
                "the operator does not work on {} and {}",
                left_ty.name(),
                right_ty.name()
            );
            self.error(Code::TypeMismatch, span, message);
            return null();
        };
        if let (Some(a), Some(b)) = (left_box.constant(), right_box.constant())
            && let Ok(value) = arithmetic(arith, a.clone(), b.clone(), span)
        {
            return (Expr::Const(value), ty);
        }
        (Expr::Arith(arith, left_box, right_box, span), ty)
    }

    fn call_function(
        &mut self,
        name: &Ident,
        args: &[Tree],
        span: Span,
        scope: &Scope,
    ) -> (Expr, Ty) {
        if name.name.eq_ignore_ascii_case("exists") {
            return self.exists_function(args, span, scope);
        }
        if name.name.eq_ignore_ascii_case("coalesce") {
            let mut resolved = Vec::new();
            let mut ty = Ty::Null;
            for arg in args {
                let (expr, arg_ty) = self.value(arg, scope);
                ty = ty.join(arg_ty);
                resolved.push(expr);
            }
            if args.is_empty() {
                self.error(
                    Code::ArgumentCount,
                    span,
                    "`coalesce()` takes at least one argument",
                );
            }
            return (Expr::Coalesce(resolved), ty);
        }
        let Some(function) = Function::find(&name.name) else {
            let message = format!("there is no function `{}()`", name.name);
            let diagnostic = Diagnostic::new(Code::UnknownFunction, name.span, message);
            self.report(diagnostic.suggest(&name.name, Function::names()));
            for arg in args {
                self.value(arg, scope);
            }
            return null();
        };
        let (min, max) = (function.min, function.params.len());
        if args.len() < min || args.len() > max {
            let wanted = if min == max {
                format!("{min}")
            } else {
                format!("{min} to {max}")
            };
            let message = format!(
                "`{}()` takes {wanted} arguments, not {}",
                function.name,
                args.len()
            );
            self.error(Code::ArgumentCount, span, message);
        }
        let mut resolved = Vec::new();
        let mut tys = Vec::new();
        for (at, arg) in args.iter().enumerate() {
            let (expr, ty) = self.value(arg, scope);
            if let Some(param) = function.params.get(at)
                && !param.admits(&ty)
            {
                let message = format!(
                    "`{}()` takes {} here, not {}",
                    function.name,
                    param.name(),
                    ty.name()
                );
                self.error(Code::TypeMismatch, arg.span, message);
            }
            resolved.push(expr);
            tys.push(ty);
        }
        (Expr::Call(function, resolved, span), function.ty(&tys))
    }

    /// `exists(n.property)` and `exists((a)-->(b))`.
    fn exists_function(&mut self, args: &[Tree], span: Span, scope: &Scope) -> (Expr, Ty) {
        let [arg] = args else {
            self.error(Code::ArgumentCount, span, "`exists()` takes one argument");
            return null();
        };
        if matches!(arg.kind, ExprKind::Pattern(_)) {
            let expr = self.condition(arg, scope);
            return (expr, Ty::Bool);
        }
        let (expr, _) = self.value(arg, scope);
        let is_null = Expr::IsNull(Box::new(expr));
        (Expr::Not(Box::new(is_null), span), Ty::Bool)
    }

    fn map_projection(
        &mut self,
        variable: &Ident,
        items: &[MapProjectionItem],
        span: Span,
        scope: &Scope,
    ) -> (Expr, Ty) {
        let tree = Tree {
            kind: ExprKind::Variable(variable.name.clone()),
            span: variable.span,
        };
        let (base, ty) = self.value(&tree, scope);
        if !ty.may_have_properties() {
            self.mismatch(variable.span, "a node, a relationship or a map", &ty);
        }
        let mut parts = Vec::new();
        for item in items {
            parts.push(match item {
                MapProjectionItem::All(_) => ProjectionPart::All,
                MapProjectionItem::Property(key) => {
                    if matches!(ty, Ty::Node | Ty::Rel) {
                        self.check_property(&key.name, key.span);
                    }
                    let prop = self.snapshot.prop_id(&key.name);
                    ProjectionPart::Property(key.name.as_str().into(), prop)
                }
                MapProjectionItem::Entry(entry) => {
                    let value = self.value(&entry.value, scope).0;
                    ProjectionPart::Entry(entry.key.name.as_str().into(), value)
                }
                MapProjectionItem::Variable(name) => {
                    let value = self.variable(&name.name, name.span, scope).0;
                    ProjectionPart::Entry(name.name.as_str().into(), value)
                }
            });
        }
        (Expr::MapProjection(Box::new(base), parts, span), Ty::Map)
    }

    /// A pattern as a truth value, or a shortest path as a value.
    fn pattern_value(&mut self, path: &PathPattern, scope: &Scope) -> (Expr, Ty) {
        if path.selector.is_none() && !self.is_condition {
            let message = "a pattern is a condition, not a value";
            let diagnostic = Diagnostic::new(Code::InvalidPattern, path.span, message);
            self.report(diagnostic.help("write `EXISTS { ... }` or `[pattern | value]`"));
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
        let substitutions = std::mem::take(&mut self.substitutions);
        let no_aggregate = self.no_aggregate.take();
        let is_condition = std::mem::replace(&mut self.is_condition, false);
        let result = resolve(self);
        self.grouping = grouping;
        self.substitutions = substitutions;
        self.no_aggregate = no_aggregate;
        self.is_condition = is_condition;
        result
    }

    /// A label expression over nodes.
    pub(crate) fn labels(&mut self, labels: &Labels) -> LabelExpr {
        match &labels.kind {
            LabelsKind::Name(name) => {
                self.check_label(name, labels.span);
                LabelExpr::name(name)
            }
            LabelsKind::Any => {
                let snapshot = self.snapshot;
                let names = snapshot
                    .labels()
                    .map(|label| LabelExpr::name(snapshot.label_name(label)));
                LabelExpr::Or(names.collect())
            }
            LabelsKind::Not(inner) => LabelExpr::Not(Box::new(self.labels(inner))),
            LabelsKind::And(all) => {
                LabelExpr::And(all.iter().map(|one| self.labels(one)).collect())
            }
            LabelsKind::Or(any) => LabelExpr::Or(any.iter().map(|one| self.labels(one)).collect()),
        }
    }

    /// An expression over relationship kinds and groups of them.
    pub(crate) fn kinds(&mut self, kinds: &Labels) -> LabelExpr {
        match &kinds.kind {
            LabelsKind::Name(name) => {
                if self.snapshot.kind_id(name).is_none()
                    && let Some(group) = self.surroundings.kind_group(name)
                {
                    return LabelExpr::Or(group.iter().map(|kind| LabelExpr::name(kind)).collect());
                }
                self.check_kind(name, kinds.span);
                LabelExpr::name(name)
            }
            LabelsKind::Any => LabelExpr::Any,
            LabelsKind::Not(inner) => LabelExpr::Not(Box::new(self.kinds(inner))),
            LabelsKind::And(all) => LabelExpr::And(all.iter().map(|one| self.kinds(one)).collect()),
            LabelsKind::Or(any) => LabelExpr::Or(any.iter().map(|one| self.kinds(one)).collect()),
        }
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

/// The type of an operator's result; `None` when it never works on these operands.
fn arith_type(op: Arith, left: &Ty, right: &Ty) -> Option<Ty> {
    let concatenates = matches!(op, Arith::Add | Arith::Concat);
    match (left, right) {
        (Ty::List(a), Ty::List(b)) if concatenates => {
            Some(Ty::list((**a).clone().join((**b).clone())))
        }
        (Ty::List(a), item) | (item, Ty::List(a)) if concatenates => {
            // Whether an unknown operand is joined or appended shows only later.
            let element = if item.is_open() {
                Ty::Any
            } else {
                (**a).clone().join(item.clone())
            };
            Some(Ty::list(element))
        }
        (a, b) if a.is_open() || b.is_open() => {
            let known = if a.is_open() { b } else { a };
            let fits = known.is_open()
                || known.may_be_number()
                || *known == Ty::Temporal
                || (concatenates && matches!(known, Ty::Str));
            fits.then_some(Ty::Any).or(concatenates.then_some(Ty::Any))
        }
        (Ty::Str, other) | (other, Ty::Str) if concatenates => {
            let joins = matches!(
                other,
                Ty::Str | Ty::Int | Ty::Float | Ty::Number | Ty::Bool | Ty::Temporal
            );
            joins.then_some(Ty::Str)
        }
        (Ty::Temporal, Ty::Temporal) if matches!(op, Arith::Add | Arith::Subtract) => {
            Some(Ty::Temporal)
        }
        (Ty::Temporal, number)
            if number.may_be_number() && matches!(op, Arith::Multiply | Arith::Divide) =>
        {
            Some(Ty::Temporal)
        }
        (number, Ty::Temporal) if number.may_be_number() && op == Arith::Multiply => {
            Some(Ty::Temporal)
        }
        (a, b) if a.may_be_number() && b.may_be_number() && op != Arith::Concat => {
            Some(match (op, a, b) {
                (Arith::Power, ..) => Ty::Float,
                (_, Ty::Int, Ty::Int) => Ty::Int,
                (_, Ty::Float, _) | (_, _, Ty::Float) => Ty::Float,
                _ => Ty::Number,
            })
        }
        _ => None,
    }
}
