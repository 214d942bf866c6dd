//! Actions for patterns.

use super::build::{Context, expr};
use crate::ast::{
    Direction, Expr, ExprKind, Ident, Labels, MapProjectionItem, NodePattern, PathElement,
    PathMode, PathPattern, Quantifier, QuantifierStyle, RelationshipPattern, Selector, Span,
};
use crate::diagnostic::{Code, Diagnostic};

/// What stands between the brackets of a relationship.
#[derive(Default)]
pub(crate) struct Inner {
    pub(crate) variable: Option<Ident>,
    pub(crate) kinds: Option<Labels>,
    pub(crate) length: Option<Quantifier>,
    pub(crate) properties: Option<Expr>,
    pub(crate) filter: Option<Expr>,
    pub(crate) cost: Option<Expr>,
}

/// The largest bound of a quantifier that is taken seriously.
const MAX_REPEAT: u64 = 1_000_000_000;

pub(crate) fn quantifier(
    cx: &Context<'_>,
    (min, max): (Option<u64>, Option<u64>),
    style: QuantifierStyle,
    span: Span,
) -> Quantifier {
    if let (Some(least), Some(most)) = (min, max)
        && least > most
    {
        let message = format!("at least {least} and at most {most} is never");
        // openCypher takes such a star as a pattern that matches nothing.
        if style == QuantifierStyle::Postfix {
            let diagnostic = Diagnostic::new(Code::InvalidQuantifier, span, message);
            cx.report(diagnostic.help(format!("write `{{{most},{least}}}`")));
        }
    }
    if min.max(max).is_some_and(|bound| bound > MAX_REPEAT) {
        let message = format!("a quantifier's bound is at most {MAX_REPEAT}");
        cx.report(Diagnostic::new(Code::InvalidQuantifier, span, message));
    }
    Quantifier {
        min,
        max,
        style,
        span,
    }
}

pub(crate) fn relationship(
    cx: &Context<'_>,
    direction: Direction,
    inner: Inner,
    after: Option<Quantifier>,
    span: Span,
) -> RelationshipPattern {
    if let (Some(inside), Some(after)) = (&inner.length, &after) {
        let message = "a relationship has one quantifier, inside the brackets or after them";
        let diagnostic = Diagnostic::new(Code::InvalidQuantifier, after.span, message);
        cx.report(
            diagnostic
                .label(inside.span, "the other one")
                .help("leave one of them out"),
        );
    }
    RelationshipPattern {
        direction,
        variable: inner.variable,
        kinds: inner.kinds,
        quantifier: after.or(inner.length),
        properties: inner.properties.map(Box::new),
        filter: inner.filter.map(Box::new),
        cost: inner.cost.map(Box::new),
        span,
    }
}

/// A path of these elements without variable, selector and mode.
pub(crate) fn elements(cx: &Context<'_>, elements: Vec<PathElement>, span: Span) -> PathPattern {
    for pair in elements.windows(2) {
        if let [PathElement::Node(one), PathElement::Node(two)] = pair {
            let message = "two nodes stand side by side without a relationship";
            let diagnostic = Diagnostic::new(Code::InvalidPattern, two.span, message);
            cx.report(
                diagnostic
                    .label(one.span, "the node before")
                    .help("write `-->` between them, or a comma to start another path"),
            );
        }
    }
    PathPattern {
        variable: None,
        selector: None,
        mode: None,
        elements,
        span,
    }
}

pub(crate) fn path(
    pattern: PathPattern,
    variable: Option<Ident>,
    (selector, mode): (Option<Selector>, Option<PathMode>),
    span: Span,
) -> PathPattern {
    PathPattern {
        variable,
        selector,
        mode,
        elements: pattern.elements,
        span,
    }
}

/// A pattern whose first node was read as an expression.
pub(crate) fn pattern_expr(
    cx: &Context<'_>,
    first: NodePattern,
    rest: Vec<(RelationshipPattern, NodePattern)>,
    span: Span,
) -> Expr {
    let mut all = Vec::with_capacity(rest.len() * 2 + 1);
    all.push(PathElement::Node(first));
    for (relationship, node) in rest {
        all.push(PathElement::Relationship(Box::new(relationship)));
        all.push(PathElement::Node(node));
    }
    let pattern = elements(cx, all, span);
    Expr {
        kind: ExprKind::Pattern(Box::new(pattern)),
        span,
    }
}

pub(crate) fn shortest_expr(
    _: &Context<'_>,
    selector: Selector,
    pattern: PathPattern,
    span: Span,
) -> Expr {
    let pattern = path(pattern, None, (Some(selector), None), span);
    Expr {
        kind: ExprKind::Pattern(Box::new(pattern)),
        span,
    }
}

/// A node pattern from what was read as an expression in parentheses.
pub(crate) fn cover(
    cx: &Context<'_>,
    inner: Option<Expr>,
    properties: Option<Expr>,
    filter: Option<Expr>,
    span: Span,
) -> NodePattern {
    let mut node = NodePattern {
        variable: None,
        labels: None,
        properties: properties.map(Box::new),
        filter: filter.map(Box::new),
        span,
    };
    let Some(inner) = inner else {
        return node;
    };
    let place = inner.span;
    if !fill(&mut node, inner) {
        let message = "expected a node before a relationship, found an expression";
        let diagnostic = Diagnostic::new(Code::InvalidPattern, place, message);
        cx.report(diagnostic.help("a node is written `(variable:Label {property: value})`"));
    }
    node
}

/// Reads an expression as the inside of a node pattern; false where it is none.
fn fill(node: &mut NodePattern, inner: Expr) -> bool {
    let span = inner.span;
    match inner.kind {
        ExprKind::Variable(name) => {
            node.variable = Some(Ident { name, span });
            true
        }
        ExprKind::HasLabels { operand, labels } => {
            node.labels = Some(labels);
            matches!(operand.kind, ExprKind::Variable(_)) && fill(node, *operand)
        }
        ExprKind::Map(_) | ExprKind::Parameter(_) if node.properties.is_none() => {
            node.properties = Some(Box::new(inner));
            true
        }
        // `(n {a: 1})` was read as a map projection.
        ExprKind::MapProjection { variable, items } if node.properties.is_none() => {
            node.variable = Some(variable.clone());
            let mut entries = Vec::with_capacity(items.len());
            for item in items {
                match item {
                    MapProjectionItem::Entry(entry) => entries.push(entry),
                    _ => return false,
                }
            }
            let start = variable.span.end as usize;
            let end = span.end as usize;
            node.properties = Some(Box::new(expr(start, ExprKind::Map(entries), end)));
            true
        }
        _ => false,
    }
}
