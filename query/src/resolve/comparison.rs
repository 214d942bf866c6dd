//! Comparisons, and what is suspicious about them.

use crate::ast::{BinaryOp, CompareLink, CompareOp, Expr as Tree, ExprKind, Span};
use crate::diagnostic::{Code, Diagnostic};
use crate::expr::Expr;
use crate::types::Ty;

use super::{Resolver, Scope, advice};

impl Resolver<'_> {
    pub(super) fn comparison(
        &mut self,
        first: &Tree,
        rest: &[CompareLink],
        scope: &Scope,
    ) -> (Expr, Ty) {
        self.check_null_comparison(first, rest);
        self.check_bars(first, rest);
        let (resolved, ty) = self.expr(first, scope);
        let mut links = Vec::new();
        let mut left = (self.stored_type(first, ty, scope), first.span);
        for link in rest {
            let (operand, ty) = self.expr(&link.operand, scope);
            let ty = self.stored_type(&link.operand, ty, scope);
            let right = (ty, link.operand.span);
            if link.op != CompareOp::NotEqual {
                self.check_types(&left, &right);
            }
            links.push((link.op, operand));
            left = right;
        }
        (Expr::Compare(Box::new(resolved), links), Ty::Bool)
    }

    /// The type of `n.name` where every node that has the property has it as one.
    fn stored_type(&self, tree: &Tree, ty: Ty, scope: &Scope) -> Ty {
        let ExprKind::Property { base, key } = &tree.kind else {
            return ty;
        };
        let ExprKind::Variable(name) = &base.kind else {
            return ty;
        };
        let variable = scope.find(name).map(|(_, variable)| &variable.ty);
        let stored = self.snapshot.prop_id(&key.name).and_then(|prop| {
            let usage = self.snapshot.prop_usage(prop);
            match variable {
                Some(Ty::Node) => usage.node_type,
                Some(Ty::Rel) => usage.edge_type,
                _ => None,
            }
        });
        match stored {
            Some("bool") => Ty::Bool,
            Some("int" | "float") => Ty::Number,
            Some("string") => Ty::Str,
            _ => ty,
        }
    }

    /// Warns of `x = null`.
    fn check_null_comparison(&mut self, first: &Tree, rest: &[CompareLink]) {
        let operands = std::iter::once(first).chain(rest.iter().map(|link| &link.operand));
        let mut found = None;
        for operand in operands {
            if matches!(operand.kind, ExprKind::Null) {
                found = Some(operand.span);
            }
        }
        if let Some(span) = found {
            let message = "a comparison with null is never true";
            let diagnostic = Diagnostic::new(Code::NullComparison, span, message);
            self.report(diagnostic.help("write `IS NULL` or `IS NOT NULL`"));
        }
    }

    /// Warns of `labels(n) = 'A'`.
    fn check_types(&mut self, left: &(Ty, Span), right: &(Ty, Span)) {
        if !advice::never_compare(&left.0, &right.0) {
            return;
        }
        let (left_name, right_name) = (left.0.name(), right.0.name());
        let message = format!("a comparison of {left_name} and {right_name} is never true");
        let help = advice::for_comparison(
            (&left.0, left.1.slice(self.text)),
            (&right.0, right.1.slice(self.text)),
        );
        let span = left.1.to(right.1);
        let diagnostic = Diagnostic::new(Code::TypeComparison, span, message);
        self.report(advice::with(diagnostic, help));
    }

    /// Warns of `a > 1 || b = 2`, which compares `1 || b` with its neighbours.
    fn check_bars(&mut self, first: &Tree, rest: &[CompareLink]) {
        if rest.len() < 2 {
            return;
        }
        let operands = std::iter::once(first).chain(rest.iter().map(|link| &link.operand));
        for operand in operands {
            if let ExprKind::Binary {
                op: BinaryOp::Concat,
                ..
            } = operand.kind
            {
                let message = "`||` joins texts and lists here; it is no `OR`";
                let diagnostic = Diagnostic::new(Code::SuspectOperator, operand.span, message);
                self.report(diagnostic.help("write `OR`"));
                return;
            }
        }
    }
}
