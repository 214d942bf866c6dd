//! Walking an expression.

use super::{Expr, ProjectionPart};

/// The parts of an expression, shared or exclusive as the expression is.
macro_rules! for_each_part {
    ($expr:expr, $visit:expr) => {
        match $expr {
            Expr::Const(_) | Expr::Slot(_) | Expr::Subquery(..) => {}
            Expr::List(items)
            | Expr::And(items, _)
            | Expr::Or(items, _)
            | Expr::Xor(items, _)
            | Expr::Coalesce(items)
            | Expr::Call(_, items, _) => {
                for item in items {
                    $visit(item);
                }
            }
            Expr::Map(entries) => {
                for (_, value) in entries {
                    $visit(value);
                }
            }
            Expr::Property { base, .. }
            | Expr::Not(base, _)
            | Expr::Negate(base, _)
            | Expr::IsNull(base)
            | Expr::HasLabels(base, ..) => $visit(base),
            Expr::Index(a, b, _)
            | Expr::Arith(_, a, b, _)
            | Expr::In(a, b, _)
            | Expr::Text(_, a, b)
            | Expr::Matches(a, b, _) => {
                $visit(a);
                $visit(b);
            }
            Expr::Slice(base, from, to, _) => {
                $visit(base);
                for bound in [from, to].into_iter().flatten() {
                    $visit(bound);
                }
            }
            Expr::Compare(first, rest) => {
                $visit(first);
                for (_, operand) in rest {
                    $visit(operand);
                }
            }
            Expr::Case {
                subject,
                arms,
                otherwise,
                ..
            } => {
                for one in [subject, otherwise].into_iter().flatten() {
                    $visit(one);
                }
                for (when, then) in arms {
                    $visit(when);
                    $visit(then);
                }
            }
            Expr::Comprehension {
                list, filter, map, ..
            } => {
                $visit(list);
                for one in [filter, map].into_iter().flatten() {
                    $visit(one);
                }
            }
            Expr::Quantifier { list, filter, .. } => {
                $visit(list);
                $visit(filter);
            }
            Expr::Reduce {
                init, list, body, ..
            } => {
                $visit(init);
                $visit(list);
                $visit(body);
            }
            Expr::MapProjection(base, parts, _) => {
                $visit(base);
                for part in parts {
                    if let ProjectionPart::Entry(_, value) = part {
                        $visit(value);
                    }
                }
            }
        }
    };
}

impl Expr {
    /// Calls `visit` for every expression that this one is directly made of; not for those of a
    /// subquery.
    pub fn each_part<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        for_each_part!(self, visit);
    }

    /// The same, to change them.
    pub(crate) fn each_part_mut(&mut self, visit: &mut dyn FnMut(&mut Expr)) {
        for_each_part!(self, visit);
    }
}
