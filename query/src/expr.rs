//! Expressions with every name resolved to a slot, ready to be evaluated row by row.

pub(crate) mod access;
mod arithmetic;
pub(crate) mod eval;
mod visit;

use std::sync::Arc;

use foothold_engine::graph::PropId;
use foothold_engine::pattern::LabelExpr;

use crate::ast::{CompareOp, QuantifierKind, Span};
use crate::func::Function;
use crate::plan::Subplan;
use crate::value::Val;

pub(crate) use arithmetic::arithmetic;

/// The place of a variable in the frame of a running query. Every variable of a query has its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot(pub u32);

/// Arithmetic and concatenation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arith {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Modulo,
    /// `^`
    Power,
    /// `||`
    Concat,
}

/// Tests on two strings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextTest {
    /// `STARTS WITH`
    StartsWith,
    /// `ENDS WITH`
    EndsWith,
    /// `CONTAINS`
    Contains,
}

/// What a subquery in an expression yields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubqueryKind {
    /// Whether it has a row.
    Exists,
    /// How many rows it has.
    Count,
    /// The values of one slot, as a list.
    Collect(Slot),
    /// The value of one slot in the first row.
    First(Slot),
}

/// An item of a map projection.
#[derive(Debug, Clone)]
pub enum ProjectionPart {
    /// One property.
    Property(Arc<str>, Option<PropId>),
    /// Every property.
    All,
    /// A key with its own value.
    Entry(Arc<str>, Expr),
}

/// A resolved expression.
#[derive(Debug, Clone)]
pub enum Expr {
    /// A literal or parameter.
    Const(Val),
    /// A variable.
    Slot(Slot),
    /// A list.
    List(Vec<Expr>),
    /// A map.
    Map(Vec<(Arc<str>, Expr)>),
    /// `base.name`.
    Property {
        /// What has the property.
        base: Box<Expr>,
        /// Its name.
        name: Arc<str>,
        /// Its id in the snapshot.
        prop: Option<PropId>,
        /// For errors.
        span: Span,
    },
    /// `base[index]`.
    Index(Box<Expr>, Box<Expr>, Span),
    /// `base[from..to]`.
    Slice(Box<Expr>, Option<Box<Expr>>, Option<Box<Expr>>, Span),
    /// `NOT x`.
    Not(Box<Expr>, Span),
    /// `-x`.
    Negate(Box<Expr>, Span),
    /// `x IS NULL`.
    IsNull(Box<Expr>),
    /// Arithmetic.
    Arith(Arith, Box<Expr>, Box<Expr>, Span),
    /// `AND`.
    And(Vec<Expr>, Span),
    /// `OR`.
    Or(Vec<Expr>, Span),
    /// `XOR`.
    Xor(Vec<Expr>, Span),
    /// A comparison chain.
    Compare(Box<Expr>, Vec<(CompareOp, Expr)>),
    /// `x IN list`.
    In(Box<Expr>, Box<Expr>, Span),
    /// Tests on strings.
    Text(TextTest, Box<Expr>, Box<Expr>),
    /// `text =~ pattern`.
    Matches(Box<Expr>, Box<Expr>, Span),
    /// `n:A|B`.
    HasLabels(Box<Expr>, LabelExpr, Span),
    /// `CASE`.
    Case {
        /// Compared with every `WHEN`.
        subject: Option<Box<Expr>>,
        /// When, then.
        arms: Vec<(Expr, Expr)>,
        /// Else.
        otherwise: Option<Box<Expr>>,
        /// For errors.
        span: Span,
    },
    /// A function.
    Call(&'static Function, Vec<Expr>, Span),
    /// `coalesce(..)`: evaluates no further than it must.
    Coalesce(Vec<Expr>),
    /// `[x IN list WHERE filter | map]`.
    Comprehension {
        /// The element.
        slot: Slot,
        /// The list.
        list: Box<Expr>,
        /// Which elements.
        filter: Option<Box<Expr>>,
        /// What becomes of them.
        map: Option<Box<Expr>>,
        /// For errors.
        span: Span,
    },
    /// `all(x IN list WHERE filter)` and its kin.
    Quantifier {
        /// Which.
        kind: QuantifierKind,
        /// The element.
        slot: Slot,
        /// The list.
        list: Box<Expr>,
        /// The condition.
        filter: Box<Expr>,
        /// For errors.
        span: Span,
    },
    /// `reduce(acc = init, x IN list | body)`.
    Reduce {
        /// The accumulator.
        accumulator: Slot,
        /// Its first value.
        init: Box<Expr>,
        /// The element.
        slot: Slot,
        /// The list.
        list: Box<Expr>,
        /// The next value.
        body: Box<Expr>,
        /// For errors.
        span: Span,
    },
    /// `n {.name, ...}`.
    MapProjection(Box<Expr>, Vec<ProjectionPart>, Span),
    /// A subquery or pattern.
    Subquery(SubqueryKind, Arc<Subplan>),
}

impl Expr {
    /// The value, if it is the same in every row.
    pub fn constant(&self) -> Option<&Val> {
        match self {
            Expr::Const(value) => Some(value),
            _ => None,
        }
    }

    /// Calls `visit` for every slot it reads, those of its own variables included.
    pub fn slots(&self, visit: &mut dyn FnMut(Slot)) {
        match self {
            Expr::Slot(slot) => visit(*slot),
            Expr::Subquery(_, plan) => {
                for &slot in &plan.reads {
                    visit(slot);
                }
            }
            _ => self.each_part(&mut |part| part.slots(visit)),
        }
    }
}
