//! Operators: operands to types.

use crate::ast::{BinaryOp, Expr as Tree, Span, UnaryOp};
use crate::diagnostic::{Code, Diagnostic};
use crate::expr::{Arith, Expr, TextTest, arithmetic};
use crate::types::Ty;
use crate::value::Val;

use super::expr::null;
use super::{Resolver, Scope, advice};

impl Resolver<'_> {
    pub(super) fn unary(
        &mut self,
        op: UnaryOp,
        operand: &Tree,
        span: Span,
        scope: &Scope,
    ) -> (Expr, Ty) {
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

    pub(super) fn booleans(&mut self, operands: &[Tree], word: &str, scope: &Scope) -> Vec<Expr> {
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

    pub(super) fn binary(
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
            let help = advice::for_operands(&left_ty, &right_ty).map(str::to_owned);
            let diagnostic = Diagnostic::new(Code::TypeMismatch, span, message);
            self.report(advice::with(diagnostic, help));
            return null();
        };
        if let (Some(a), Some(b)) = (left_box.constant(), right_box.constant())
            && let Ok(value) = arithmetic(arith, a.clone(), b.clone(), span)
        {
            return (Expr::Const(value), ty);
        }
        (Expr::Arith(arith, left_box, right_box, span), ty)
    }
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
