//! Clauses of the reading core.

use super::{Expr, Ident, PathPattern, Span, Union, VerbClause};

/// One clause.
#[derive(Debug, Clone, PartialEq)]
pub enum Clause {
    /// `MATCH` or `OPTIONAL MATCH`.
    Match(MatchClause),
    /// `UNWIND list AS x`.
    Unwind(UnwindClause),
    /// `WITH ... [WHERE ...]`.
    With(WithClause),
    /// `RETURN ...`.
    Return(Projection),
    /// `CALL { ... }`.
    Call(CallClause),
    /// One of the six verbs.
    Verb(VerbClause),
}

impl Clause {
    /// Where the clause stands.
    pub fn span(&self) -> Span {
        match self {
            Clause::Match(clause) => clause.span,
            Clause::Unwind(clause) => clause.span,
            Clause::With(clause) => clause.span,
            Clause::Return(clause) => clause.span,
            Clause::Call(clause) => clause.span,
            Clause::Verb(clause) => clause.span,
        }
    }
}

/// `[OPTIONAL] MATCH pattern, ... [WHERE ...]`.
#[derive(Debug, Clone, PartialEq)]
pub struct MatchClause {
    /// `OPTIONAL MATCH`.
    pub optional: bool,
    /// The path patterns, at least one.
    pub patterns: Vec<PathPattern>,
    /// `WHERE`.
    pub filter: Option<Expr>,
    /// The whole clause.
    pub span: Span,
}

/// `UNWIND list AS variable`.
#[derive(Debug, Clone, PartialEq)]
pub struct UnwindClause {
    /// The list.
    pub list: Expr,
    /// The name of each element.
    pub variable: Ident,
    /// The whole clause.
    pub span: Span,
}

/// `WITH projection [WHERE ...]`.
#[derive(Debug, Clone, PartialEq)]
pub struct WithClause {
    /// What passes on.
    pub projection: Projection,
    /// `WHERE`, which sees the names from before and after the projection.
    pub filter: Option<Expr>,
    /// The whole clause.
    pub span: Span,
}

/// What `WITH` and `RETURN` have in common.
#[derive(Debug, Clone, PartialEq)]
pub struct Projection {
    /// `DISTINCT`.
    pub distinct: bool,
    /// Where `*` stands, if it does.
    pub star: Option<Span>,
    /// The items after `*`, or all of them.
    pub items: Vec<ProjectionItem>,
    /// `ORDER BY`; empty without.
    pub order_by: Vec<SortItem>,
    /// `SKIP`.
    pub skip: Option<Expr>,
    /// `LIMIT`.
    pub limit: Option<Expr>,
    /// From the head word to the last part.
    pub span: Span,
}

/// `expr [AS name]`.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectionItem {
    /// The expression.
    pub expr: Expr,
    /// The name after `AS`.
    pub alias: Option<Ident>,
    /// The expression as it was written, parentheses included. Without an alias this text is the
    /// name of the column.
    pub text: Span,
    /// The whole item.
    pub span: Span,
}

/// `expr [ASC | DESC]`.
#[derive(Debug, Clone, PartialEq)]
pub struct SortItem {
    /// The key.
    pub expr: Expr,
    /// `DESC`.
    pub descending: bool,
    /// The whole item.
    pub span: Span,
}

/// `CALL [(imports)] { subquery }`.
#[derive(Debug, Clone, PartialEq)]
pub struct CallClause {
    /// The names in `CALL (a, b) {`; `None` for the plain form, whose subquery imports by a first
    /// `WITH`.
    pub imports: Option<Vec<Ident>>,
    /// `CALL (*) {`: every name is imported.
    pub imports_all: bool,
    /// The subquery.
    pub body: Box<Union>,
    /// The whole clause.
    pub span: Span,
}
