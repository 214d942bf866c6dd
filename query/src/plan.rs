//! What a query does, operator by operator, with every name resolved.
//!
//! Operators form a line, not a tree: each row flows from one to the next through one frame of
//! slots. Subqueries are lines of their own that run on the same frame.

pub(crate) mod count_rows;
pub(crate) mod hint;
pub(crate) mod live;
pub(crate) mod lookup;
pub(crate) mod merge;
pub(crate) mod path_filter;
pub(crate) mod reach;
pub(crate) mod wanted;

use std::fmt;
use std::sync::Arc;

use foothold_engine::pattern::{Condition, Pattern, Plan, Var};

use crate::ast::{CompareOp, Span};
use crate::expr::{Expr, Slot};
use crate::fault::Fault;
use crate::func::aggregate::Aggregate;
use crate::value::Val;

/// A query or subquery: one or more lines of operators under `UNION`.
#[derive(Debug, Clone)]
pub struct Body {
    /// The lines in order.
    pub parts: Vec<Line>,
    /// `UNION` without `ALL`: equal rows come once.
    pub is_distinct: bool,
    /// The names of the columns.
    pub columns: Vec<Arc<str>>,
    /// Where each column's value is found when a row is handed out.
    pub results: Vec<Slot>,
}

/// A line of operators and where it leaves its columns.
#[derive(Debug, Clone)]
pub struct Line {
    /// The operators in order.
    pub nodes: Vec<Node>,
    /// Copied to the body's results, column by column.
    pub outputs: Vec<Slot>,
}

/// An operator with what the planner and the profiler know of it.
#[derive(Debug, Clone)]
pub struct Node {
    /// What it does.
    pub op: Op,
    /// Its number in the query, for the profile.
    pub id: usize,
    /// Rows expected after it, for each row before it.
    pub estimate: f64,
}

/// A subquery with the outer variables it reads.
#[derive(Debug, Clone)]
pub struct Subplan {
    /// What it does.
    pub body: Body,
    /// Slots of the outer query.
    pub reads: Vec<Slot>,
}

/// An operator.
#[derive(Debug, Clone)]
pub enum Op {
    /// `MATCH`, `OPTIONAL MATCH`.
    Match(Box<MatchOp>),
    /// `UNWIND`.
    Unwind(Expr, Slot),
    /// `WHERE`.
    Filter(Expr, Span),
    /// Computes slots from slots.
    Assign(Vec<(Slot, Expr)>),
    /// Groups rows and aggregates each group.
    Aggregate(Box<AggregateOp>),
    /// Lets equal rows through once.
    Distinct(Vec<Slot>),
    /// `ORDER BY`, with a bound when only the first rows are wanted.
    Sort(Box<SortOp>),
    /// `SKIP`.
    Skip(Expr, Span),
    /// `LIMIT`.
    Limit(Expr, Span),
    /// `CALL { }`.
    Call(Arc<Subplan>),
    /// A verb.
    Verb(Box<VerbOp>),
}

/// What a condition of a pattern reads, and what it says.
#[derive(Debug, Clone)]
pub struct Cond {
    /// The expression.
    pub expr: Arc<Expr>,
    /// The variables of the pattern it reads.
    pub vars: Arc<[Var]>,
    /// The slots to fill from the pattern before it is evaluated.
    pub fills: Arc<[Output]>,
    /// The node that an index decides it for (see [`hint::decides`]).
    pub decides: Option<Var>,
    /// Where it stands.
    pub span: Span,
    /// Its text.
    pub text: Arc<str>,
}

impl Condition for Cond {
    fn variables(&self) -> &[Var] {
        &self.vars
    }

    fn text(&self) -> &str {
        &self.text
    }

    fn decided(&self) -> Option<Var> {
        self.decides
    }

    fn differing(&self) -> Option<(Var, Var)> {
        let Expr::Compare(first, rest) = &*self.expr else {
            return None;
        };
        let (Expr::Slot(left), [(CompareOp::NotEqual, Expr::Slot(right))]) =
            (&**first, rest.as_slice())
        else {
            return None;
        };
        let node = |slot: &Slot| {
            self.fills.iter().find_map(|fill| match fill.source {
                Source::Node(var) if fill.slot == *slot => Some(var),
                _ => None,
            })
        };
        Some((node(left)?, node(right)?))
    }
}

/// A slot that a match fills.
#[derive(Debug, Clone)]
pub struct Output {
    /// The slot.
    pub slot: Slot,
    /// From what.
    pub source: Source,
}

/// Where the value of a pattern's variable comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// A node.
    Node(Var),
    /// A relationship.
    Edge(Var),
    /// The relationships of a walk.
    Walk(Var),
    /// Every `n`-th relationship of a walk over a group of several.
    GroupEdges {
        /// The walk.
        walk: Var,
        /// Which relationship of each round.
        at: usize,
        /// Relationships in a round.
        n: usize,
    },
    /// The nodes at one place of each round of a walk.
    GroupNodes {
        /// Where the walk starts.
        start: Var,
        /// The walk.
        walk: Var,
        /// Which node of each round, counted from its start.
        at: usize,
        /// Relationships in a round.
        n: usize,
    },
    /// A path over these variables, starting at the first.
    Path(Var, Arc<[Var]>),
    /// How many relationships these variables stand for together.
    Length(Arc<[Var]>),
}

impl Source {
    /// The variables it reads.
    pub fn vars(&self) -> Vec<Var> {
        match self {
            Source::Node(var) | Source::Edge(var) | Source::Walk(var) => vec![*var],
            Source::GroupEdges { walk, .. } => vec![*walk],
            Source::GroupNodes { start, walk, .. } => vec![*start, *walk],
            Source::Path(start, walks) => {
                let mut vars = vec![*start];
                vars.extend(walks.iter().copied());
                vars
            }
            Source::Length(walks) => walks.to_vec(),
        }
    }
}

/// `MATCH`.
#[derive(Debug, Clone)]
pub struct MatchOp {
    /// The pattern.
    pub pattern: Pattern<Cond>,
    /// The order of work.
    pub plan: Plan<Cond>,
    /// Variables bound by earlier clauses.
    pub inputs: Vec<(Var, Slot, Span)>,
    /// Variables it binds.
    pub outputs: Vec<Output>,
    /// `OPTIONAL`: without a match, one row with nulls.
    pub is_optional: bool,
}

/// Grouping.
#[derive(Debug, Clone)]
pub struct AggregateOp {
    /// What rows are grouped by, and where it goes.
    pub keys: Vec<(Slot, Expr)>,
    /// What is computed for each group, and where it goes.
    pub aggregates: Vec<AggregateItem>,
}

/// One aggregate of a grouping.
#[derive(Debug, Clone)]
pub struct AggregateItem {
    /// Where the result goes.
    pub slot: Slot,
    /// Which function.
    pub aggregate: Aggregate,
    /// `DISTINCT`.
    pub is_distinct: bool,
    /// The first argument.
    pub arg: Option<Expr>,
    /// The second argument.
    pub second: Option<Expr>,
    /// Where it stands.
    pub span: Span,
}

/// `ORDER BY`.
#[derive(Debug, Clone)]
pub struct SortOp {
    /// Key slots; `true` for descending.
    pub keys: Vec<(Slot, bool)>,
    /// The slots that live on.
    pub carried: Vec<Slot>,
    /// `SKIP` and `LIMIT` that follow at once: only their sum of rows is kept.
    pub top: Option<(Option<Expr>, Expr, Span)>,
}

/// A verb in the line: yields a table for each incoming row.
#[derive(Debug, Clone)]
pub struct VerbOp {
    /// The verb.
    pub table: Arc<dyn Table>,
    /// Which column goes to which slot.
    pub columns: Vec<(usize, Slot)>,
}

/// Whoever takes the rows of a [`Table`].
pub type TakeRow<'a, 'c> =
    dyn FnMut(&mut crate::exec::Cx<'c>, &[Val]) -> Result<std::ops::ControlFlow<()>, Fault> + 'a;

/// A source of rows inside a query, such as a verb.
pub trait Table: fmt::Debug + Send + Sync {
    /// Hands out the rows for the current incoming row, which expressions of the verb may read
    /// through `cx`. Must hand on `Break` at once.
    fn rows<'c>(
        &self,
        cx: &mut crate::exec::Cx<'c>,
        take: &mut TakeRow<'_, 'c>,
    ) -> Result<std::ops::ControlFlow<()>, Fault>;
    /// How plans show it.
    fn text(&self) -> String;
}

impl Op {
    /// The name in plans.
    pub fn name(&self) -> &'static str {
        match self {
            Op::Match(op) if op.is_optional => "OptionalMatch",
            Op::Match(_) => "Match",
            Op::Unwind(..) => "Unwind",
            Op::Filter(..) => "Filter",
            Op::Assign(_) => "Project",
            Op::Aggregate(_) => "Aggregate",
            Op::Distinct(_) => "Distinct",
            Op::Sort(sort) if sort.top.is_some() => "Top",
            Op::Sort(_) => "Sort",
            Op::Skip(..) => "Skip",
            Op::Limit(..) => "Limit",
            Op::Call(_) => "Call",
            Op::Verb(_) => "Verb",
        }
    }
}
