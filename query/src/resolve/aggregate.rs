//! Aggregates in expressions.

use crate::ast::{Expr as Tree, ExprKind, MapProjectionItem};
use crate::diagnostic::{Code, Diagnostic};
use crate::expr::Expr;
use crate::func::aggregate::Aggregate;
use crate::plan::AggregateItem;
use crate::types::Ty;
use crate::value::Val;

use super::{Resolver, Scope, Substitution};

/// Whether an aggregate occurs, subqueries left out.
pub(crate) fn has_aggregate(tree: &Tree) -> bool {
    if let ExprKind::Call { name, .. } = &tree.kind
        && Aggregate::find(&name.name).is_some()
    {
        return true;
    }
    children(tree).into_iter().any(has_aggregate)
}

/// Whether a grouping key may be repeated beside an aggregate: a variable or its property.
pub(crate) fn is_simple_key(tree: &Tree) -> bool {
    match &tree.kind {
        ExprKind::Variable(_) => true,
        ExprKind::Property { base, .. } => is_simple_key(base),
        _ => false,
    }
}

/// Every variable in an expression, subqueries and patterns left out.
pub(crate) fn each_name(tree: &Tree, visit: &mut dyn FnMut(&str)) {
    match &tree.kind {
        ExprKind::Variable(name) => visit(name),
        ExprKind::MapProjection { variable, .. } => visit(&variable.name),
        _ => {}
    }
    for part in children(tree) {
        each_name(part, visit);
    }
}

/// The expressions directly inside, subqueries and patterns left out.
pub(crate) fn children(tree: &Tree) -> Vec<&Tree> {
    match &tree.kind {
        ExprKind::List(items)
        | ExprKind::And(items)
        | ExprKind::Or(items)
        | ExprKind::Xor(items) => items.iter().collect(),
        ExprKind::Map(entries) => entries.iter().map(|entry| &entry.value).collect(),
        ExprKind::Property { base, .. } => vec![base],
        ExprKind::Index { base, index } => vec![base, index],
        ExprKind::Slice { base, from, to } => {
            let bounds = [from, to].into_iter().flatten();
            std::iter::once(base)
                .chain(bounds)
                .map(|one| &**one)
                .collect()
        }
        ExprKind::Unary { operand, .. } => vec![operand],
        ExprKind::Binary { left, right, .. } => vec![left, right],
        ExprKind::Compare { first, rest } => {
            let operands = rest.iter().map(|link| &link.operand);
            std::iter::once(&**first).chain(operands).collect()
        }
        ExprKind::HasLabels { operand, .. } => vec![operand],
        ExprKind::Case {
            subject,
            arms,
            otherwise,
        } => {
            let ends = [subject, otherwise].into_iter().flatten().map(|one| &**one);
            ends.chain(arms.iter().flat_map(|arm| [&arm.when, &arm.then]))
                .collect()
        }
        ExprKind::Call { args, .. } => args.iter().collect(),
        ExprKind::ListComprehension {
            list, filter, map, ..
        } => {
            let rest = [filter, map].into_iter().flatten();
            std::iter::once(list)
                .chain(rest)
                .map(|one| &**one)
                .collect()
        }
        ExprKind::Quantifier { list, filter, .. } => std::iter::once(list)
            .chain(filter)
            .map(|one| &**one)
            .collect(),
        ExprKind::Reduce {
            init, list, body, ..
        } => vec![init, list, body],
        ExprKind::MapProjection { items, .. } => items
            .iter()
            .filter_map(|item| match item {
                MapProjectionItem::Entry(entry) => Some(&entry.value),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

impl Resolver<'_> {
    /// Resolves the call of an aggregate.
    pub(super) fn aggregate(
        &mut self,
        aggregate: Aggregate,
        tree: &Tree,
        scope: &Scope,
    ) -> (Expr, Ty) {
        let ExprKind::Call {
            name,
            distinct,
            star,
            args,
        } = &tree.kind
        else {
            return (Expr::Const(Val::Null), Ty::Any);
        };
        let fail = (Expr::Const(Val::Null), Ty::Any);
        let aggregate = if *star {
            Aggregate::CountRows
        } else {
            aggregate
        };
        if let Some(why) = self.no_aggregate {
            self.error(Code::Aggregation, tree.span, why);
            return fail;
        }
        let Some(grouping) = self.grouping.take() else {
            let message = format!(
                "`{}()` aggregates rows, which only `WITH` and `RETURN` do",
                name.name
            );
            let diagnostic = Diagnostic::new(Code::Aggregation, tree.span, message);
            self.report(diagnostic.help(
                "aggregate in a `WITH` first, then filter by its name: `WITH n, count(*) AS found WHERE found > 1`",
            ));
            return fail;
        };
        let known = grouping.seen.iter().find(|known| known.is(tree, scope));
        if let Some(known) = known {
            let known = known.clone();
            self.grouping = Some(grouping);
            return (self.read(known.slot), known.ty);
        }
        if args.len() != aggregate.n_args() {
            let message = format!("`{}()` takes {} arguments", name.name, aggregate.n_args());
            self.error(Code::ArgumentCount, tree.span, message);
        }
        // Inside, every name is that of a row again.
        let substitutions = self.substitutions.split_off(grouping.n_around);
        self.no_aggregate = Some("an aggregate cannot stand inside another");
        let mut resolved: Vec<(Expr, Ty)> = args
            .iter()
            .map(|arg| self.value(arg, &grouping.rows))
            .collect();
        self.no_aggregate = None;
        self.substitutions.extend(substitutions);
        let ty = aggregate.ty(resolved.first().map(|arg| &arg.1));
        if let Some((_, found)) = resolved.first() {
            let numeric = matches!(
                aggregate,
                Aggregate::StDev
                    | Aggregate::StDevP
                    | Aggregate::PercentileCont
                    | Aggregate::PercentileDisc
            );
            let adds = matches!(aggregate, Aggregate::Sum | Aggregate::Avg);
            if (numeric || adds && *found != Ty::Temporal) && !found.may_be_number() {
                let found = found.clone();
                self.mismatch(tree.span, "a number", &found);
            }
        }
        let second = (resolved.len() > 1).then(|| resolved.remove(1).0);
        let arg = (!resolved.is_empty()).then(|| resolved.remove(0).0);
        let slot = self.slot();
        let mut grouping = grouping;
        grouping.items.push(AggregateItem {
            slot,
            aggregate,
            is_distinct: *distinct,
            arg,
            second,
            span: tree.span,
        });
        let seen = Substitution::new(tree, slot, ty.clone(), scope);
        grouping.seen.push(seen);
        self.grouping = Some(grouping);
        (self.read(slot), ty)
    }
}
