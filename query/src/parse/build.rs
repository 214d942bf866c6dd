//! The grammar's actions: from what the grammar read to nodes of the tree.

use crate::ast::{
    BinaryOp, CallClause, Capability, Clause, Definition, Expr, ExprKind, Ident, Labels,
    LabelsKind, MatchClause, NodePattern, PathPattern, Projection, Query, SingleQuery, Span, State,
    UnaryOp, Union, UnionPart, WithClause,
};
use crate::diagnostic::{Code, Diagnostic};
use crate::token;
use std::cell::RefCell;

pub(crate) use super::build_definition::{DefinitionPart, attacker, fix, policy, rule};
pub(crate) use super::build_list::{comprehension, list, quantified};
pub(crate) use super::build_verb::{VerbPart, verb};

/// What the grammar reads.
pub(crate) enum Built {
    Query(Box<Query>),
    Definitions(Vec<Definition>),
}

/// What actions need beside the tokens.
pub(crate) struct Context<'s> {
    text: &'s str,
    diagnostics: RefCell<Vec<Diagnostic>>,
}

impl<'s> Context<'s> {
    pub(super) fn new(text: &'s str) -> Context<'s> {
        Context {
            text,
            diagnostics: RefCell::default(),
        }
    }

    pub(super) fn into_diagnostics(self) -> Vec<Diagnostic> {
        self.diagnostics.into_inner()
    }

    pub(crate) fn slice(&self, start: usize, end: usize) -> &'s str {
        self.text.get(start..end).unwrap_or("")
    }

    pub(super) fn report(&self, diagnostic: Diagnostic) {
        self.diagnostics.borrow_mut().push(diagnostic);
    }
}

// ---- leaves

pub(crate) fn string(text: &str) -> String {
    token::string_value(text)
}

pub(crate) fn quoted(text: &str) -> String {
    token::quoted_name(text)
}

pub(crate) fn parameter(text: &str) -> String {
    let name = text.strip_prefix('$').unwrap_or(text);
    if name.starts_with('`') {
        quoted(name)
    } else {
        name.to_owned()
    }
}

pub(crate) fn expr(start: usize, kind: ExprKind, end: usize) -> Expr {
    Expr {
        kind,
        span: Span::new(start, end),
    }
}

pub(crate) fn number(cx: &Context<'_>, start: usize, text: &str, end: usize) -> Expr {
    let span = Span::new(start, end);
    let kind =
        match token::number(text) {
            token::Number::Integer(value) => ExprKind::Integer(value),
            token::Number::Float(value) => ExprKind::Float(value),
            token::Number::SmallestMagnitude if follows_minus(cx.slice(0, start)) => {
                ExprKind::Integer(i64::MIN)
            }
            token::Number::SmallestMagnitude | token::Number::IntegerOverflow => {
                let message = format!("`{}` does not fit a whole number of 64 bits", shorten(text));
                let diagnostic = Diagnostic::new(Code::IntegerOverflow, span, message);
                cx.report(diagnostic.help("write it as a float, `1.0e20`, or as a text in quotes"));
                ExprKind::Invalid
            }
            token::Number::FloatOverflow => {
                let message = format!("`{}` is too large", shorten(text));
                cx.report(Diagnostic::new(Code::FloatOverflow, span, message));
                ExprKind::Invalid
            }
            token::Number::Malformed => {
                let message = format!("`{}` is no number", shorten(text));
                let diagnostic = Diagnostic::new(Code::InvalidNumber, span, message);
                cx.report(diagnostic.help(
                    "a name that starts with a digit stands in back quotes, a text in quotes",
                ));
                ExprKind::Invalid
            }
        };
    Expr { kind, span }
}

fn follows_minus(before: &str) -> bool {
    before.trim_end().ends_with('-')
}

fn shorten(text: &str) -> String {
    const SHOWN: usize = 40;
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text.to_owned(),
    }
}

/// A whole number that is a count, not a value.
pub(crate) fn whole(cx: &Context<'_>, start: usize, text: &str, end: usize) -> u64 {
    if let token::Number::Integer(value) = token::number(text) {
        return value.unsigned_abs();
    }
    // `1...3` is read as `1`, `..` and `.3`.
    let is_dot_too_many = text.starts_with('.') && cx.slice(0, start).ends_with("..");
    let diagnostic = if is_dot_too_many {
        let message = "a range has two dots, not three";
        let span = Span::new(start - 2, start + 1);
        Diagnostic::new(Code::InvalidNumber, span, message).help("write `*1..3`")
    } else {
        let message = format!("`{}` is no count: expected a whole number", shorten(text));
        Diagnostic::new(Code::InvalidNumber, Span::new(start, end), message)
    };
    cx.report(diagnostic);
    1
}

// ---- operators

pub(crate) fn chain(first: Expr, rest: Vec<Expr>) -> Vec<Expr> {
    let mut operands = Vec::with_capacity(rest.len() + 1);
    operands.push(first);
    operands.extend(rest);
    operands
}

pub(crate) fn unary(start: usize, op: UnaryOp, operand: Expr, end: usize) -> Expr {
    let kind = ExprKind::Unary {
        op,
        operand: Box::new(operand),
    };
    expr(start, kind, end)
}

/// A minus sign in front. The smallest whole number is one literal with its sign.
pub(crate) fn minus(cx: &Context<'_>, start: usize, operand: Expr, end: usize) -> Expr {
    match operand.kind {
        ExprKind::Integer(i64::MIN) if !is_signed(cx, &operand) => {
            expr(start, ExprKind::Integer(i64::MIN), end)
        }
        _ => unary(start, UnaryOp::Minus, operand, end),
    }
}

fn is_signed(cx: &Context<'_>, literal: &Expr) -> bool {
    cx.slice(literal.span.start as usize, literal.span.end as usize)
        .starts_with('-')
}

pub(crate) fn binary(
    cx: &Context<'_>,
    start: usize,
    left: Expr,
    op: BinaryOp,
    right: Expr,
    end: usize,
) -> Expr {
    // `a - 9223372036854775808`: the minus is an operator here, the number is too large.
    if matches!(right.kind, ExprKind::Integer(i64::MIN)) && !is_signed(cx, &right) {
        let message = "`9223372036854775808` does not fit a whole number of 64 bits";
        cx.report(Diagnostic::new(Code::IntegerOverflow, right.span, message));
    }
    let kind = ExprKind::Binary {
        op,
        left: Box::new(left),
        right: Box::new(right),
    };
    expr(start, kind, end)
}

// ---- calls

/// What stands between the parentheses of a call.
#[derive(Default)]
pub(crate) struct Arguments {
    pub(crate) distinct: bool,
    pub(crate) star: bool,
    pub(crate) args: Vec<Expr>,
}

pub(crate) fn call(
    cx: &Context<'_>,
    start: usize,
    name: (String, Span),
    arguments: Arguments,
    end: usize,
) -> Expr {
    let name = Ident {
        name: name.0,
        span: name.1,
    };
    if arguments.star && !name.name.eq_ignore_ascii_case("count") {
        let message = format!(
            "`{}(*)` is not a function; only `count` takes `*`",
            name.name
        );
        let diagnostic = Diagnostic::new(Code::Syntax, name.span, message);
        let help = format!("write `{}(n.x)`, or `count(*)`", name.name);
        cx.report(diagnostic.help(help));
    }
    let kind = ExprKind::Call {
        name,
        distinct: arguments.distinct,
        star: arguments.star,
        args: arguments.args,
    };
    expr(start, kind, end)
}

/// `a.b.f(x)`: the words before the last are the function's name space.
pub(crate) fn qualified_call(
    cx: &Context<'_>,
    start: usize,
    base: &Expr,
    key: &Ident,
    arguments: Arguments,
    end: usize,
) -> Expr {
    let span = base.span.to(key.span);
    let Some(space) = dotted(base) else {
        let message = format!("`{}` cannot be called on a value", key.name);
        let diagnostic = Diagnostic::new(Code::Syntax, key.span, message);
        cx.report(diagnostic.help(format!("write `{}(...)` with the value inside", key.name)));
        return expr(start, ExprKind::Invalid, end);
    };
    call(
        cx,
        start,
        (format!("{space}.{}", key.name), span),
        arguments,
        end,
    )
}

fn dotted(base: &Expr) -> Option<String> {
    match &base.kind {
        ExprKind::Variable(name) => Some(name.clone()),
        ExprKind::Property { base, key } => Some(format!("{}.{}", dotted(base)?, key.name)),
        _ => None,
    }
}

// ---- labels

pub(crate) fn labels_and(left: Labels, right: Labels, span: Span) -> Labels {
    let operands = match left.kind {
        LabelsKind::And(mut operands) => {
            operands.push(right);
            operands
        }
        kind => vec![
            Labels {
                kind,
                span: left.span,
            },
            right,
        ],
    };
    Labels {
        kind: LabelsKind::And(operands),
        span,
    }
}

pub(crate) fn labels_or(left: Labels, right: Labels, span: Span) -> Labels {
    let operands = match left.kind {
        LabelsKind::Or(mut operands) => {
            operands.push(right);
            operands
        }
        kind => vec![
            Labels {
                kind,
                span: left.span,
            },
            right,
        ],
    };
    Labels {
        kind: LabelsKind::Or(operands),
        span,
    }
}

// ---- clauses

/// Moves the start of a projection to its head word.
pub(crate) fn projection(cx: &Context<'_>, start: usize, mut projection: Projection) -> Projection {
    for item in &projection.items {
        if let ExprKind::Pattern(pattern) = &item.expr.kind
            && pattern.selector.is_none()
        {
            let message = "a pattern is a condition, not a value";
            let diagnostic = Diagnostic::new(Code::InvalidPattern, item.text, message);
            cx.report(diagnostic.help(
                "write `EXISTS { ... }` for a truth value, or `[pattern | value]` for a list",
            ));
        }
    }
    projection.span = Span::new(start, projection.span.end as usize);
    projection
}

pub(crate) fn with(
    cx: &Context<'_>,
    projection: Projection,
    filter: Option<Expr>,
    span: Span,
) -> Clause {
    for item in &projection.items {
        let is_named = item.alias.is_some() || matches!(item.expr.kind, ExprKind::Variable(_));
        if !is_named && !matches!(item.expr.kind, ExprKind::Invalid) {
            let message = "an expression in `WITH` needs a name";
            let diagnostic = Diagnostic::new(Code::MissingAlias, item.span, message);
            let is_condition = matches!(
                item.expr.kind,
                ExprKind::Compare { .. } | ExprKind::And(_) | ExprKind::Or(_)
            );
            cx.report(diagnostic.help(if is_condition {
                "add `AS name`; a condition stands behind `WHERE`"
            } else {
                "add `AS name`"
            }));
        }
    }
    Clause::With(WithClause {
        projection,
        filter,
        span,
    })
}

/// `CALL name(...)`: other graphs have procedures, this language has none.
pub(crate) fn procedure(cx: &Context<'_>, name: Ident, rest: Vec<Ident>, span: Span) -> Clause {
    let mut full = name.name;
    for part in rest {
        full.push('.');
        full.push_str(&part.name);
    }
    let message = format!("there is no procedure `{full}`: the language has no procedures");
    let help = "`CALL { ... }` runs a subquery; the verbs `ATTACK PATHS`, `BLAST RADIUS` and the others stand at clause position";
    cx.report(Diagnostic::new(Code::UnknownProcedure, span, message).help(help));
    Clause::Call(CallClause {
        imports: None,
        imports_all: false,
        body: Box::new(Union {
            first: SingleQuery {
                clauses: Vec::new(),
                span,
            },
            rest: Vec::new(),
            span,
        }),
        span,
    })
}

pub(crate) fn union(
    cx: &Context<'_>,
    first: SingleQuery,
    rest: Vec<UnionPart>,
    span: Span,
) -> Union {
    let mixed = rest
        .windows(2)
        .find(|pair| matches!(pair, [one, two] if one.all != two.all));
    if let Some([one, two]) = mixed {
        let message = "`UNION` and `UNION ALL` cannot be mixed";
        let diagnostic = Diagnostic::new(Code::MixedUnion, head(two.span, 5), message);
        cx.report(
            diagnostic
                .label(head(one.span, 5), "the other kind is used here")
                .help("use one of them; `UNION` gives each row once"),
        );
    }
    Union { first, rest, span }
}

/// The first bytes of a span.
fn head(span: Span, length: u32) -> Span {
    Span {
        start: span.start,
        end: span.end.min(span.start + length),
    }
}

/// Clauses in an order that can work: `RETURN` last, and nothing but `WITH` takes `OPTIONAL MATCH`
/// back to `MATCH`.
pub(crate) fn single_query(cx: &Context<'_>, clauses: Vec<Clause>, span: Span) -> SingleQuery {
    for pair in clauses.windows(2) {
        if let [Clause::Return(before), after] = pair {
            let message = "nothing can follow `RETURN` in one query";
            let diagnostic = Diagnostic::new(Code::ClauseOrder, head(after.span(), 6), message);
            cx.report(
                diagnostic
                    .label(head(before.span, 6), "the query ends with this clause")
                    .help("`RETURN` comes last; `WITH` passes rows on, `UNION` adds rows"),
            );
        }
    }
    SingleQuery { clauses, span }
}

/// `EXISTS { (a)-->(b) WHERE ... }` reads as a query of one `MATCH`.
pub(crate) fn pattern_body(patterns: Vec<PathPattern>, filter: Option<Expr>, span: Span) -> Union {
    let clause = Clause::Match(MatchClause {
        optional: false,
        patterns,
        filter,
        span,
    });
    Union {
        first: SingleQuery {
            clauses: vec![clause],
            span,
        },
        rest: Vec::new(),
        span,
    }
}

pub(crate) fn state(cx: &Context<'_>, capability: &Ident, node: NodePattern, span: Span) -> State {
    let known = Capability::from_name(&capability.name);
    if known.is_none() {
        let names = Capability::ALL.map(Capability::name);
        let message = format!("no capability `{}`", capability.name);
        let mut diagnostic = Diagnostic::new(Code::UnknownCapability, capability.span, message)
            .suggest(&capability.name, names);
        if diagnostic.help.is_none() {
            diagnostic = diagnostic.help(format!("the capabilities are {}", names.join(", ")));
        }
        cx.report(diagnostic);
    }
    State {
        capability: known.unwrap_or(Capability::Exec),
        node,
        span,
    }
}

pub(crate) use super::build_pattern::{
    Inner, cover, elements, path, pattern_expr, quantifier, relationship, shortest_expr,
};
