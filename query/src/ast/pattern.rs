//! Patterns: nodes, relationships, paths.

use super::{Expr, Ident, Span};

/// `[variable =] [selector] [mode] elements`.
#[derive(Debug, Clone, PartialEq)]
pub struct PathPattern {
    /// Names the path.
    pub variable: Option<Ident>,
    /// Which of the matching paths are wanted; all of them without.
    pub selector: Option<Selector>,
    /// What may repeat along a path.
    pub mode: Option<PathMode>,
    /// Nodes and groups with relationships between them: never empty, starts and ends with a node
    /// or group, never two relationships side by side. Two nodes or groups side by side are the
    /// same node; at least one of the two is a group then.
    pub elements: Vec<PathElement>,
    /// The whole pattern.
    pub span: Span,
}

/// A part of a path.
#[derive(Debug, Clone, PartialEq)]
pub enum PathElement {
    /// `(n)`.
    Node(NodePattern),
    /// `-[r]->`.
    Relationship(Box<RelationshipPattern>),
    /// `((a)-->(b) WHERE ...){1,3}`.
    Group(Box<PathGroup>),
}

impl PathElement {
    /// Where the element stands.
    pub fn span(&self) -> Span {
        match self {
            PathElement::Node(node) => node.span,
            PathElement::Relationship(relationship) => relationship.span,
            PathElement::Group(group) => group.span,
        }
    }
}

/// `(variable:Labels {properties} WHERE filter)`.
#[derive(Debug, Clone, PartialEq)]
pub struct NodePattern {
    /// The variable.
    pub variable: Option<Ident>,
    /// The label expression.
    pub labels: Option<Labels>,
    /// A map or a parameter.
    pub properties: Option<Box<Expr>>,
    /// Inline `WHERE`.
    pub filter: Option<Box<Expr>>,
    /// Parentheses included.
    pub span: Span,
}

/// `-[variable:KINDS*1..3 {properties} WHERE filter COST cost]->{1,3}`.
#[derive(Debug, Clone, PartialEq)]
pub struct RelationshipPattern {
    /// Which way.
    pub direction: Direction,
    /// The variable.
    pub variable: Option<Ident>,
    /// The kinds.
    pub kinds: Option<Labels>,
    /// `*`, `*1..3` inside or a quantifier after the relationship; exactly one relationship
    /// without. With one, the variable names a list.
    pub quantifier: Option<Quantifier>,
    /// A map or a parameter.
    pub properties: Option<Box<Expr>>,
    /// Inline `WHERE`; the variable names one relationship there even when quantified.
    pub filter: Option<Box<Expr>>,
    /// `COST`: what one relationship weighs in a `CHEAPEST` search.
    pub cost: Option<Box<Expr>>,
    /// Arrow parts and quantifier included.
    pub span: Span,
}

/// A parenthesised sub-path.
#[derive(Debug, Clone, PartialEq)]
pub struct PathGroup {
    /// The path inside; it may have a variable and a mode, never a selector.
    pub path: PathPattern,
    /// `WHERE` inside the parentheses.
    pub filter: Option<Expr>,
    /// How often; exactly once without.
    pub quantifier: Option<Quantifier>,
    /// Parentheses and quantifier included.
    pub span: Span,
}

/// Which way a relationship runs, seen from the left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// `-->`.
    Outgoing,
    /// `<--`.
    Incoming,
    /// `--`, also `<-->`.
    Either,
}

/// How often a relationship or group repeats.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Quantifier {
    /// At least; see [`Quantifier::min_or_default`].
    pub min: Option<u64>,
    /// At most; no limit without.
    pub max: Option<u64>,
    /// Which notation.
    pub style: QuantifierStyle,
    /// The quantifier alone.
    pub span: Span,
}

impl Quantifier {
    /// The least count: where it is left out, 1 for the star inside the brackets, as openCypher
    /// has it, and 0 for GQL's braces.
    pub fn min_or_default(&self) -> u64 {
        match (self.min, self.style) {
            (Some(min), _) => min,
            (None, QuantifierStyle::Star) => 1,
            (None, QuantifierStyle::Postfix) => 0,
        }
    }
}

/// The two notations of a quantifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QuantifierStyle {
    /// `[*1..3]`: openCypher.
    Star,
    /// `{1,3}`, `+` (at least 1) and `*` (at least 0) after a relationship or group: GQL.
    Postfix,
}

/// A label expression.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Labels {
    /// What it says.
    pub kind: LabelsKind,
    /// Where it stands, without the first colon.
    pub span: Span,
}

/// What a label expression says.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum LabelsKind {
    /// A label, kind or relationship group.
    Name(String),
    /// `%`: any label.
    Any,
    /// `!A`.
    Not(Box<Labels>),
    /// `A&B`, also `:A:B`: two or more.
    And(Vec<Labels>),
    /// `A|B`: two or more.
    Or(Vec<Labels>),
}

/// Which of the matching paths are wanted.
#[derive(Debug, Clone, PartialEq)]
pub enum Selector {
    /// `ALL`.
    All,
    /// `ANY`, `ANY k`: the count is 1 where left out.
    Any(Option<Count>),
    /// `ANY SHORTEST`.
    AnyShortest,
    /// `ALL SHORTEST`.
    AllShortest,
    /// `SHORTEST k`.
    Shortest(Count),
    /// `SHORTEST k GROUPS`: every path of the k smallest lengths. The count is 1 where left out.
    ShortestGroups(Option<Count>),
    /// `ANY CHEAPEST`.
    AnyCheapest,
    /// `CHEAPEST k`: the count is 1 where left out.
    Cheapest(Option<Count>),
    /// `shortestPath(...)`.
    ShortestPathFunction,
    /// `allShortestPaths(...)`.
    AllShortestPathsFunction,
}

/// A count written as a number or given as a parameter.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Count {
    /// A number, where it stands.
    Number(u64, Span),
    /// `$name`, where it stands.
    Parameter(String, Span),
}

/// What may repeat along a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PathMode {
    /// Anything.
    Walk,
    /// No relationship twice.
    Trail,
    /// No node twice, end nodes included.
    Acyclic,
    /// No node twice, except that the last may be the first.
    Simple,
}
