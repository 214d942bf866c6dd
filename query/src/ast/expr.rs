//! Expressions.

use super::{Ident, Labels, PathPattern, Span, Union};

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// What it says.
    pub kind: ExprKind,
    /// Where it stands, without enclosing parentheses.
    pub span: Span,
}

/// What an expression says.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// Stands where the text could not be read; there is an error diagnostic for it, so a query
    /// that holds one never runs.
    Invalid,
    /// `null`.
    Null,
    /// `true`, `false`.
    Boolean(bool),
    /// A whole number. Negative only for the smallest one, whose minus sign belongs to it.
    Integer(i64),
    /// A number with a fraction or an exponent.
    Float(f64),
    /// A string, escapes resolved.
    String(String),
    /// `$name`.
    Parameter(String),
    /// A variable.
    Variable(String),
    /// `[a, b]`.
    List(Vec<Expr>),
    /// `{a: 1}`.
    Map(Vec<MapEntry>),
    /// `base.key`.
    Property {
        /// What is looked into.
        base: Box<Expr>,
        /// The property.
        key: Ident,
    },
    /// `base[index]`.
    Index {
        /// A list, map, node or relationship.
        base: Box<Expr>,
        /// A position or a name.
        index: Box<Expr>,
    },
    /// `base[from..to]`.
    Slice {
        /// A list.
        base: Box<Expr>,
        /// The first position.
        from: Option<Box<Expr>>,
        /// The position after the last.
        to: Option<Box<Expr>>,
    },
    /// `-x`, `+x`, `NOT x`, `x IS NULL`, `x IS NOT NULL`.
    Unary {
        /// The operator.
        op: UnaryOp,
        /// The operand.
        operand: Box<Expr>,
    },
    /// Operators of two operands.
    Binary {
        /// The operator.
        op: BinaryOp,
        /// Left.
        left: Box<Expr>,
        /// Right.
        right: Box<Expr>,
    },
    /// `a AND b AND ...`: two or more operands, in order.
    And(Vec<Expr>),
    /// `a OR b OR ...`.
    Or(Vec<Expr>),
    /// `a XOR b XOR ...`.
    Xor(Vec<Expr>),
    /// `a < b <= c`: one or more links; holds when every neighbouring pair does.
    Compare {
        /// The first operand.
        first: Box<Expr>,
        /// An operator and the next operand, each.
        rest: Vec<CompareLink>,
    },
    /// `n:A|B`.
    HasLabels {
        /// A node or relationship.
        operand: Box<Expr>,
        /// The label expression.
        labels: Labels,
    },
    /// `CASE [subject] WHEN .. THEN .. ELSE .. END`.
    Case {
        /// Compared with every `WHEN`, in the short form.
        subject: Option<Box<Expr>>,
        /// At least one.
        arms: Vec<CaseArm>,
        /// `ELSE`.
        otherwise: Option<Box<Expr>>,
    },
    /// `name(args)`, `name(DISTINCT x)`, `count(*)`.
    Call {
        /// The function with its name space, `a.b.f`, as one name. Compared without case.
        name: Ident,
        /// `DISTINCT`.
        distinct: bool,
        /// `count(*)`: no arguments then.
        star: bool,
        /// The arguments.
        args: Vec<Expr>,
    },
    /// `[x IN list WHERE filter | map]`.
    ListComprehension {
        /// Names each element.
        variable: Ident,
        /// The list.
        list: Box<Expr>,
        /// `WHERE`.
        filter: Option<Box<Expr>>,
        /// After the bar; the element itself without.
        map: Option<Box<Expr>>,
    },
    /// `[p = (a)-->(b) WHERE filter | map]`; the pattern holds the path's name.
    PatternComprehension {
        /// The pattern.
        pattern: Box<PathPattern>,
        /// `WHERE`.
        filter: Option<Box<Expr>>,
        /// After the bar.
        map: Box<Expr>,
    },
    /// `all(x IN list WHERE filter)` and its kin.
    Quantifier {
        /// Which of the four.
        kind: QuantifierKind,
        /// Names each element.
        variable: Ident,
        /// The list.
        list: Box<Expr>,
        /// `WHERE`; always there in a tree without errors.
        filter: Option<Box<Expr>>,
    },
    /// `reduce(acc = init, x IN list | body)`.
    Reduce {
        /// Names the accumulator.
        accumulator: Ident,
        /// Its first value.
        init: Box<Expr>,
        /// Names each element.
        variable: Ident,
        /// The list.
        list: Box<Expr>,
        /// The next value.
        body: Box<Expr>,
    },
    /// `n {.name, .*, extra: 1, m}`.
    MapProjection {
        /// The variable.
        variable: Ident,
        /// The items.
        items: Vec<MapProjectionItem>,
    },
    /// A pattern as a predicate, `(a)-->(b)`, or `shortestPath(...)` as a value: then its selector
    /// says so.
    Pattern(Box<PathPattern>),
    /// `EXISTS { ... }`.
    Exists(Box<Union>),
    /// `COUNT { ... }`.
    CountQuery(Box<Union>),
    /// `COLLECT { ... }`.
    CollectQuery(Box<Union>),
}

/// Operators of one operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `-x`.
    Minus,
    /// `+x`.
    Plus,
    /// `NOT x`.
    Not,
    /// `x IS NULL`.
    IsNull,
    /// `x IS NOT NULL`.
    IsNotNull,
}

/// Operators of two operands that do not chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `+`.
    Add,
    /// `-`.
    Subtract,
    /// `*`.
    Multiply,
    /// `/`.
    Divide,
    /// `%`.
    Modulo,
    /// `^`.
    Power,
    /// `||`, GQL's concatenation.
    Concat,
    /// `IN`.
    In,
    /// `STARTS WITH`.
    StartsWith,
    /// `ENDS WITH`.
    EndsWith,
    /// `CONTAINS`.
    Contains,
    /// `=~`.
    Matches,
}

/// Comparison operators, which chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CompareOp {
    /// `=`.
    Equal,
    /// `<>`.
    NotEqual,
    /// `<`.
    Less,
    /// `<=`.
    LessOrEqual,
    /// `>`.
    Greater,
    /// `>=`.
    GreaterOrEqual,
}

/// One more operand of a comparison chain.
#[derive(Debug, Clone, PartialEq)]
pub struct CompareLink {
    /// Between the operand before and this one.
    pub op: CompareOp,
    /// The operand.
    pub operand: Expr,
}

/// `key: value`.
#[derive(Debug, Clone, PartialEq)]
pub struct MapEntry {
    /// The key.
    pub key: Ident,
    /// The value.
    pub value: Expr,
}

/// An item of a map projection.
#[derive(Debug, Clone, PartialEq)]
pub enum MapProjectionItem {
    /// `.name`.
    Property(Ident),
    /// `.*`.
    All(Span),
    /// `key: value`.
    Entry(MapEntry),
    /// `name`: a variable under its own name.
    Variable(Ident),
}

/// `WHEN when THEN then`.
#[derive(Debug, Clone, PartialEq)]
pub struct CaseArm {
    /// A condition, or a value to compare the subject with.
    pub when: Expr,
    /// The value.
    pub then: Expr,
}

/// Which quantifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QuantifierKind {
    /// `all`.
    All,
    /// `any`.
    Any,
    /// `none`.
    None,
    /// `single`.
    Single,
}
