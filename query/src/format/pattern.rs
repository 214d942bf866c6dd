//! Patterns on one line.

use super::expr::{self, Level};
use super::name;
use crate::ast::{
    Count, Direction, Expr, ExprKind, Labels, LabelsKind, NodePattern, PathElement, PathGroup,
    PathMode, PathPattern, Quantifier, QuantifierStyle, RelationshipPattern, Selector,
};
use std::fmt::Write;

/// Writes a path with its variable, selector and mode.
pub(super) fn write_path(out: &mut String, path: &PathPattern) {
    if let Some(variable) = &path.variable {
        name::write(out, &variable.name);
        out.push_str(" = ");
    }
    match &path.selector {
        Some(Selector::ShortestPathFunction) => write_function(out, "shortestPath", path),
        Some(Selector::AllShortestPathsFunction) => write_function(out, "allShortestPaths", path),
        selector => {
            write_search(out, selector.as_ref(), path.mode);
            write_elements(out, path);
        }
    }
}

fn write_function(out: &mut String, function: &str, path: &PathPattern) {
    out.push_str(function);
    out.push('(');
    write_elements(out, path);
    out.push(')');
}

fn write_search(out: &mut String, selector: Option<&Selector>, mode: Option<PathMode>) {
    let (words, count, is_group) = match selector {
        None => ("", None, false),
        Some(Selector::All) => ("ALL ", None, false),
        Some(Selector::Any(count)) => ("ANY ", count.as_ref(), false),
        Some(Selector::AnyShortest) => ("ANY SHORTEST ", None, false),
        Some(Selector::AllShortest) => ("ALL SHORTEST ", None, false),
        Some(Selector::Shortest(count)) => ("SHORTEST ", Some(count), false),
        Some(Selector::ShortestGroups(count)) => ("SHORTEST ", count.as_ref(), true),
        Some(Selector::AnyCheapest) => ("ANY CHEAPEST ", None, false),
        Some(Selector::Cheapest(count)) => ("CHEAPEST ", count.as_ref(), false),
        Some(Selector::ShortestPathFunction | Selector::AllShortestPathsFunction) => {
            ("", None, false)
        }
    };
    out.push_str(words);
    match count {
        Some(Count::Number(number, _)) => {
            let _ = write!(out, "{number} ");
        }
        Some(Count::Parameter(parameter, _)) => {
            name::write_parameter(out, parameter);
            out.push(' ');
        }
        None => {}
    }
    if let Some(mode) = mode {
        out.push_str(match mode {
            PathMode::Walk => "WALK ",
            PathMode::Trail => "TRAIL ",
            PathMode::Acyclic => "ACYCLIC ",
            PathMode::Simple => "SIMPLE ",
        });
    }
    if is_group {
        out.push_str("GROUPS ");
    }
}

/// Writes nodes, relationships and groups.
pub(super) fn write_elements(out: &mut String, path: &PathPattern) {
    let mut follows_joint = false;
    for element in &path.elements {
        match element {
            PathElement::Relationship(relationship) => {
                write_relationship(out, relationship);
                follows_joint = false;
            }
            PathElement::Node(node) => {
                if follows_joint {
                    out.push(' ');
                }
                write_node(out, node);
                follows_joint = true;
            }
            PathElement::Group(group) => {
                if follows_joint {
                    out.push(' ');
                }
                write_group(out, group);
                follows_joint = true;
            }
        }
    }
}

fn write_group(out: &mut String, group: &PathGroup) {
    out.push('(');
    write_path(out, &group.path);
    if let Some(filter) = &group.filter {
        out.push_str(" WHERE ");
        expr::write(out, filter);
    }
    out.push(')');
    if let Some(quantifier) = &group.quantifier {
        write_quantifier(out, quantifier);
    }
}

/// Writes a node pattern.
pub(super) fn write_node(out: &mut String, node: &NodePattern) {
    out.push('(');
    let start = out.len();
    if let Some(variable) = &node.variable {
        if node.labels.is_none() && node.properties.is_some() {
            name::write_before_brace(out, &variable.name);
        } else {
            name::write(out, &variable.name);
        }
    }
    if let Some(labels) = &node.labels {
        out.push(':');
        write_labels(out, labels);
    }
    write_inside(
        out,
        start,
        node.properties.as_deref(),
        node.filter.as_deref(),
    );
    out.push(')');
}

fn write_inside(out: &mut String, start: usize, properties: Option<&Expr>, filter: Option<&Expr>) {
    if let Some(properties) = properties {
        if out.len() > start {
            out.push(' ');
        }
        match &properties.kind {
            ExprKind::Map(entries) => expr::write_map(out, entries),
            _ => expr::write_at(out, properties, Level::Postfix),
        }
    }
    if let Some(filter) = filter {
        if out.len() > start {
            out.push(' ');
        }
        out.push_str("WHERE ");
        expr::write(out, filter);
    }
}

fn write_relationship(out: &mut String, relationship: &RelationshipPattern) {
    let mut inner = String::new();
    if let Some(variable) = &relationship.variable {
        name::write_before_brace(&mut inner, &variable.name);
    }
    if let Some(kinds) = &relationship.kinds {
        inner.push(':');
        write_labels(&mut inner, kinds);
    }
    let (star, postfix) = match &relationship.quantifier {
        Some(quantifier) if quantifier.style == QuantifierStyle::Star => (Some(quantifier), None),
        quantifier => (None, quantifier.as_ref()),
    };
    if let Some(star) = star {
        write_quantifier(&mut inner, star);
    }
    write_inside(
        &mut inner,
        0,
        relationship.properties.as_deref(),
        relationship.filter.as_deref(),
    );
    if let Some(cost) = &relationship.cost {
        if !inner.is_empty() {
            inner.push(' ');
        }
        // Alone, `COST {` would read as a variable and its properties.
        let is_alone = inner.is_empty();
        inner.push_str(if is_alone { "COST (" } else { "COST " });
        expr::write(&mut inner, cost);
        if is_alone {
            inner.push(')');
        }
    }
    // A quantifier after a bare arrow is written with brackets, which read the same everywhere; so
    // is a line after a quantifier, where `+--(` would be three signs before a value.
    let is_sum = relationship.direction == Direction::Either && out.ends_with(['+', '*']);
    if inner.is_empty() && postfix.is_none() && !is_sum {
        out.push_str(match relationship.direction {
            Direction::Outgoing => "-->",
            Direction::Incoming => "<--",
            Direction::Either => "--",
        });
        return;
    }
    let (open, close) = match relationship.direction {
        Direction::Outgoing => ("-[", "]->"),
        Direction::Incoming => ("<-[", "]-"),
        Direction::Either => ("-[", "]-"),
    };
    out.push_str(open);
    out.push_str(&inner);
    out.push_str(close);
    if let Some(postfix) = postfix {
        write_quantifier(out, postfix);
    }
}

fn write_quantifier(out: &mut String, quantifier: &Quantifier) {
    let bound = |bound: Option<u64>| bound.map(|bound| bound.to_string()).unwrap_or_default();
    let (min, max) = (quantifier.min, quantifier.max);
    let _ = match (quantifier.style, min, max) {
        (QuantifierStyle::Star, None, None) => write!(out, "*"),
        (QuantifierStyle::Star, Some(min), Some(max)) if min == max => write!(out, "*{min}"),
        (QuantifierStyle::Star, _, _) => write!(out, "*{}..{}", bound(min), bound(max)),
        (QuantifierStyle::Postfix, Some(1), None) => write!(out, "+"),
        (QuantifierStyle::Postfix, Some(0), None) => write!(out, "*"),
        (QuantifierStyle::Postfix, Some(min), Some(max)) if min == max => write!(out, "{{{min}}}"),
        (QuantifierStyle::Postfix, _, _) => write!(out, "{{{},{}}}", bound(min), bound(max)),
    };
}

/// Writes a label expression without its first colon.
pub(super) fn write_labels(out: &mut String, labels: &Labels) {
    match &labels.kind {
        // `:A:B` is how most people write `:A&B`; a colon stands only outside everything else.
        LabelsKind::And(operands)
            if operands
                .iter()
                .all(|operand| matches!(operand.kind, LabelsKind::Name(_))) =>
        {
            write_label_list(out, operands, ':', true);
        }
        _ => write_inner_labels(out, labels),
    }
}

fn write_inner_labels(out: &mut String, labels: &Labels) {
    match &labels.kind {
        LabelsKind::Name(label) => name::write_label(out, label),
        LabelsKind::Any => out.push('%'),
        LabelsKind::Not(operand) => {
            out.push('!');
            write_label_operand(out, operand, true);
        }
        LabelsKind::And(operands) => write_label_list(out, operands, '&', true),
        LabelsKind::Or(operands) => write_label_list(out, operands, '|', false),
    }
}

fn write_label_list(out: &mut String, operands: &[Labels], sign: char, binds: bool) {
    for (at, operand) in operands.iter().enumerate() {
        if at > 0 {
            out.push(sign);
        }
        write_label_operand(out, operand, binds);
    }
}

/// Writes an operand; `binds` says that the operator around it binds as tightly as `&`.
fn write_label_operand(out: &mut String, operand: &Labels, binds: bool) {
    let needs_parens = match operand.kind {
        LabelsKind::Or(_) => true,
        LabelsKind::And(_) => binds,
        _ => false,
    };
    if needs_parens {
        out.push('(');
        write_inner_labels(out, operand);
        out.push(')');
    } else {
        write_inner_labels(out, operand);
    }
}
