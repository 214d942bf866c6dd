//! The syntax tree of FQL.
//!
//! Every node knows where it stands in the text. Two trees are equal when they read the same,
//! wherever they stand: a [`Span`] never makes a difference between two trees.
//!
//! A tree holds what was written, not what it means: names are not resolved, numbers are not
//! folded, and nothing is desugared except that the shorthand `EXISTS { (a)-->(b) }` reads as the
//! query `MATCH (a)-->(b)`. Parentheses leave no node behind; the printer puts them back where the
//! tree needs them.

mod clause;
mod definition;
mod expr;
mod pattern;
mod verb;

pub use clause::{
    CallClause, Clause, MatchClause, Projection, ProjectionItem, SortItem, UnwindClause, WithClause,
};
pub use definition::{
    AttackerDefinition, Definition, Expectation, Fix, GroupDefinition, Guard, Import,
    PolicyDefinition, RuleDefinition,
};
pub use expr::{
    BinaryOp, CaseArm, CompareLink, CompareOp, Expr, ExprKind, MapEntry, MapProjectionItem,
    QuantifierKind, UnaryOp,
};
pub use pattern::{
    Count, Direction, Labels, LabelsKind, NodePattern, PathElement, PathGroup, PathMode,
    PathPattern, Quantifier, QuantifierStyle, RelationshipPattern, Selector,
};
pub use verb::{
    AttackPaths, Avoiding, BlastRadius, Capability, Change, ChangeKind, ChokePoints, End, EndKind,
    Ends, Exploitability, FixGoal, FixPlan, Per, State, Top, Verb, VerbClause, WhyNot, YieldItem,
};

use std::hash::{Hash, Hasher};

/// A half-open range of bytes in the query text.
///
/// Equality and hashing of spans are trivial, so that trees compare by what they say. Compare
/// [`Span::start`] and [`Span::end`] where the place matters.
#[derive(Debug, Clone, Copy, Default)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

impl Span {
    /// The range from `start` up to, not including, `end`.
    pub fn new(start: usize, end: usize) -> Span {
        Span {
            start: u32::try_from(start).unwrap_or(u32::MAX),
            end: u32::try_from(end).unwrap_or(u32::MAX),
        }
    }

    /// The smallest range that holds both.
    #[must_use]
    pub fn to(self, other: Span) -> Span {
        Span {
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }

    /// The bytes of `text` in this range; empty where the range does not fit the text.
    pub fn slice(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize)
            .unwrap_or("")
    }
}

impl PartialEq for Span {
    fn eq(&self, _: &Span) -> bool {
        true
    }
}

impl Eq for Span {}

impl Hash for Span {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

/// A name: of a variable, a label, a kind, a property, a function, a column, a rule.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ident {
    /// The name without back quotes.
    pub name: String,
    /// Where it stands, back quotes included.
    pub span: Span,
}

/// A string literal where the language wants text and no expression.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Text {
    /// The text, escapes resolved.
    pub value: String,
    /// Where it stands, quotes included.
    pub span: Span,
}

/// A whole query.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// `EXPLAIN` or `PROFILE` in front.
    pub mode: QueryMode,
    /// `DIFF a TO b`: answer on both snapshots and return what differs.
    pub diff: Option<Diff>,
    /// `AT s`: answer on this snapshot instead of the newest.
    pub at: Option<SnapshotRef>,
    /// `WHAT IF ...`: changes to pretend, in order; empty when there are none.
    pub what_if: Vec<Change>,
    /// The clauses.
    pub body: Union,
    /// The whole text of the query.
    pub span: Span,
}

/// What to do with a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QueryMode {
    /// Run it.
    Run,
    /// Print its plan.
    Explain,
    /// Run it and print its plan with what each operator did.
    Profile,
}

/// `DIFF from TO to`.
#[derive(Debug, Clone, PartialEq)]
pub struct Diff {
    /// The older snapshot.
    pub from: SnapshotRef,
    /// The newer snapshot.
    pub to: SnapshotRef,
    /// From `DIFF` to the second snapshot.
    pub span: Span,
}

/// A snapshot named by its id or by an instant.
#[derive(Debug, Clone, PartialEq)]
pub struct SnapshotRef {
    /// The id or instant, or the parameter that holds it.
    pub kind: SnapshotRefKind,
    /// Where it stands.
    pub span: Span,
}

/// How a snapshot is named.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SnapshotRefKind {
    /// An id or an ISO instant.
    Text(String),
    /// `$name`.
    Parameter(String),
}

/// One or more queries under `UNION`.
#[derive(Debug, Clone, PartialEq)]
pub struct Union {
    /// The first query.
    pub first: SingleQuery,
    /// The queries after each `UNION`.
    pub rest: Vec<UnionPart>,
    /// All of them.
    pub span: Span,
}

/// `UNION [ALL] query`.
#[derive(Debug, Clone, PartialEq)]
pub struct UnionPart {
    /// `UNION ALL` keeps duplicate rows.
    pub all: bool,
    /// The query after the word.
    pub query: SingleQuery,
    /// From `UNION` to the end of the query.
    pub span: Span,
}

/// Clauses in order. Not checked by the parser: that the last one returns rows.
#[derive(Debug, Clone, PartialEq)]
pub struct SingleQuery {
    /// At least one clause, unless the text had errors.
    pub clauses: Vec<Clause>,
    /// From the first clause to the last.
    pub span: Span,
}
