//! Expressions on one line, with the parentheses they need; `AND` beside `OR` has them too, for
//! who reads it.

use super::clause::Layout;
use super::name;
use super::pattern::{write_labels, write_path};
use crate::ast::{
    BinaryOp, CompareOp, Expr, ExprKind, LabelsKind, MapEntry, MapProjectionItem, QuantifierKind,
    UnaryOp, Union,
};
use std::fmt::Write;

/// How tightly an expression binds; the grammar's levels, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Or,
    Xor,
    And,
    Not,
    Compare,
    Predicate,
    Add,
    Multiply,
    Power,
    Sign,
    Postfix,
}

/// Writes an expression.
pub(super) fn write(out: &mut String, expr: &Expr) {
    write_at(out, expr, Level::Or);
}

/// Writes an expression, in parentheses if it binds more loosely than `least`.
pub(super) fn write_at(out: &mut String, expr: &Expr, least: Level) {
    if level(expr) < least {
        out.push('(');
        write_bare(out, expr);
        out.push(')');
    } else {
        write_bare(out, expr);
    }
}

fn level(expr: &Expr) -> Level {
    match &expr.kind {
        ExprKind::Or(_) => Level::Or,
        ExprKind::Xor(_) => Level::Xor,
        ExprKind::And(_) => Level::And,
        ExprKind::Unary { op, .. } => match op {
            UnaryOp::Not => Level::Not,
            UnaryOp::IsNull | UnaryOp::IsNotNull => Level::Predicate,
            UnaryOp::Minus | UnaryOp::Plus => Level::Sign,
        },
        ExprKind::Compare { .. } => Level::Compare,
        ExprKind::Binary { op, .. } => binary_level(*op),
        ExprKind::HasLabels { .. } | ExprKind::Pattern(_) | ExprKind::Integer(i64::MIN) => {
            Level::Sign
        }
        _ => Level::Postfix,
    }
}

fn binary_level(op: BinaryOp) -> Level {
    match op {
        BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Concat => Level::Add,
        BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Modulo => Level::Multiply,
        BinaryOp::Power => Level::Power,
        BinaryOp::In
        | BinaryOp::StartsWith
        | BinaryOp::EndsWith
        | BinaryOp::Contains
        | BinaryOp::Matches => Level::Predicate,
    }
}

/// The level that the right operand must have.
fn right_level(level: Level) -> Level {
    match level {
        Level::Predicate => Level::Add,
        Level::Add => Level::Multiply,
        Level::Multiply => Level::Power,
        _ => Level::Sign,
    }
}

fn write_bare(out: &mut String, expr: &Expr) {
    match &expr.kind {
        ExprKind::Invalid => out.push('?'),
        ExprKind::Null => out.push_str("null"),
        ExprKind::Boolean(value) => out.push_str(if *value { "true" } else { "false" }),
        ExprKind::Integer(value) => {
            let _ = write!(out, "{value}");
        }
        ExprKind::Float(value) => {
            let _ = write!(out, "{value:?}");
        }
        ExprKind::String(value) => name::write_string(out, value, '\''),
        ExprKind::Parameter(parameter) => name::write_parameter(out, parameter),
        ExprKind::Variable(variable) => name::write(out, variable),
        ExprKind::List(items) => write_list(out, items),
        ExprKind::Map(entries) => write_map(out, entries),
        ExprKind::Property { base, key } => {
            write_at(out, base, Level::Postfix);
            // A number and a dot would read as a fraction.
            if matches!(base.kind, ExprKind::Integer(_)) {
                out.push(' ');
            }
            out.push('.');
            name::write_key(out, &key.name);
        }
        ExprKind::Index { base, index } => {
            write_at(out, base, Level::Postfix);
            out.push('[');
            write(out, index);
            out.push(']');
        }
        ExprKind::Slice { base, from, to } => {
            write_at(out, base, Level::Postfix);
            out.push('[');
            if let Some(from) = from {
                write(out, from);
            }
            out.push_str("..");
            if let Some(to) = to {
                write(out, to);
            }
            out.push(']');
        }
        ExprKind::Unary { op, operand } => write_unary(out, *op, operand),
        ExprKind::Binary { op, left, right } => write_binary(out, *op, left, right),
        ExprKind::And(operands) => write_chain(out, operands, " AND ", Level::Not),
        ExprKind::Or(operands) => write_chain(out, operands, " OR ", Level::Not),
        ExprKind::Xor(operands) => write_chain(out, operands, " XOR ", Level::Not),
        ExprKind::Compare { first, rest } => {
            write_at(out, first, Level::Predicate);
            for link in rest {
                let _ = write!(out, " {} ", compare_sign(link.op));
                write_at(out, &link.operand, Level::Predicate);
            }
        }
        ExprKind::HasLabels { operand, labels } => {
            write_at(out, operand, Level::Postfix);
            out.push(':');
            // Inside a list a bar would read as the bar of a comprehension.
            let has_bar = matches!(labels.kind, LabelsKind::Or(_));
            if has_bar {
                out.push('(');
            }
            write_labels(out, labels);
            if has_bar {
                out.push(')');
            }
        }
        ExprKind::Pattern(pattern) => write_path(out, pattern),
        ExprKind::MapProjection { variable, items } => {
            name::write_before_brace(out, &variable.name);
            out.push_str(" {");
            separated(out, items, write_map_projection_item);
            out.push('}');
        }
        ExprKind::Call {
            name,
            distinct,
            star,
            args,
        } => {
            name::write_function(out, &name.name);
            out.push('(');
            if *star {
                out.push('*');
            }
            if *distinct {
                out.push_str("DISTINCT ");
            }
            separated(out, args, write);
            out.push(')');
        }
        ExprKind::Exists(body) => write_subquery(out, "EXISTS", body),
        ExprKind::CountQuery(body) => write_subquery(out, "COUNT", body),
        ExprKind::CollectQuery(body) => write_subquery(out, "COLLECT", body),
        _ => write_scoped(out, expr),
    }
}

/// Expressions that bring names of their own, and `CASE`.
fn write_scoped(out: &mut String, expr: &Expr) {
    match &expr.kind {
        ExprKind::Case {
            subject,
            arms,
            otherwise,
        } => {
            out.push_str("CASE ");
            if let Some(subject) = subject {
                write(out, subject);
                out.push(' ');
            }
            for arm in arms {
                out.push_str("WHEN ");
                write(out, &arm.when);
                out.push_str(" THEN ");
                write(out, &arm.then);
                out.push(' ');
            }
            if let Some(otherwise) = otherwise {
                out.push_str("ELSE ");
                write(out, otherwise);
                out.push(' ');
            }
            out.push_str("END");
        }
        ExprKind::ListComprehension {
            variable,
            list,
            filter,
            map,
        } => {
            out.push('[');
            name::write(out, &variable.name);
            out.push_str(" IN ");
            write_at(out, list, Level::Add);
            write_where(out, filter.as_deref());
            if let Some(map) = map {
                out.push_str(" | ");
                write(out, map);
            }
            out.push(']');
        }
        ExprKind::PatternComprehension {
            pattern,
            filter,
            map,
        } => {
            out.push('[');
            write_path(out, pattern);
            write_where(out, filter.as_deref());
            out.push_str(" | ");
            write(out, map);
            out.push(']');
        }
        ExprKind::Quantifier {
            kind,
            variable,
            list,
            filter,
        } => {
            out.push_str(match kind {
                QuantifierKind::All => "all(",
                QuantifierKind::Any => "any(",
                QuantifierKind::None => "none(",
                QuantifierKind::Single => "single(",
            });
            name::write(out, &variable.name);
            out.push_str(" IN ");
            write_at(out, list, Level::Add);
            write_where(out, filter.as_deref());
            out.push(')');
        }
        ExprKind::Reduce {
            accumulator,
            init,
            variable,
            list,
            body,
        } => {
            out.push_str("reduce(");
            name::write(out, &accumulator.name);
            out.push_str(" = ");
            write(out, init);
            out.push_str(", ");
            name::write(out, &variable.name);
            out.push_str(" IN ");
            write(out, list);
            out.push_str(" | ");
            write(out, body);
            out.push(')');
        }
        _ => {}
    }
}

fn write_where(out: &mut String, filter: Option<&Expr>) {
    if let Some(filter) = filter {
        out.push_str(" WHERE ");
        write(out, filter);
    }
}

fn write_unary(out: &mut String, op: UnaryOp, operand: &Expr) {
    match op {
        UnaryOp::Not => {
            out.push_str("NOT ");
            write_at(out, operand, Level::Not);
        }
        UnaryOp::IsNull => {
            write_at(out, operand, Level::Predicate);
            out.push_str(" IS NULL");
        }
        UnaryOp::IsNotNull => {
            write_at(out, operand, Level::Predicate);
            out.push_str(" IS NOT NULL");
        }
        UnaryOp::Minus => {
            out.push('-');
            write_guarded(out, operand);
        }
        UnaryOp::Plus => {
            out.push('+');
            write_guarded(out, operand);
        }
    }
}

/// Writes the operand of a sign. After `)` the signs `-[` and `<--` would read as arrows, so what
/// starts with a bracket or a minus sign gets parentheses.
fn write_guarded(out: &mut String, operand: &Expr) {
    let mut text = String::new();
    write_at(&mut text, operand, Level::Sign);
    if text.starts_with(['[', '-']) {
        let _ = write!(out, "({text})");
    } else {
        out.push_str(&text);
    }
}

fn write_binary(out: &mut String, op: BinaryOp, left: &Expr, right: &Expr) {
    let level = binary_level(op);
    write_at(out, left, level);
    let _ = write!(out, " {} ", binary_sign(op));
    let mut text = String::new();
    write_at(&mut text, right, right_level(level));
    if op == BinaryOp::Subtract && text.starts_with('[') {
        let _ = write!(out, "({text})");
    } else {
        out.push_str(&text);
    }
}

pub(super) fn binary_sign(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Add => "+",
        BinaryOp::Subtract => "-",
        BinaryOp::Multiply => "*",
        BinaryOp::Divide => "/",
        BinaryOp::Modulo => "%",
        BinaryOp::Power => "^",
        BinaryOp::Concat => "||",
        BinaryOp::In => "IN",
        BinaryOp::StartsWith => "STARTS WITH",
        BinaryOp::EndsWith => "ENDS WITH",
        BinaryOp::Contains => "CONTAINS",
        BinaryOp::Matches => "=~",
    }
}

pub(super) fn compare_sign(op: CompareOp) -> &'static str {
    match op {
        CompareOp::Equal => "=",
        CompareOp::NotEqual => "<>",
        CompareOp::Less => "<",
        CompareOp::LessOrEqual => "<=",
        CompareOp::Greater => ">",
        CompareOp::GreaterOrEqual => ">=",
    }
}

fn write_chain(out: &mut String, operands: &[Expr], word: &str, least: Level) {
    for (at, operand) in operands.iter().enumerate() {
        if at > 0 {
            out.push_str(word);
        }
        write_at(out, operand, least);
    }
}

fn write_list(out: &mut String, items: &[Expr]) {
    out.push('[');
    match items {
        // `[x IN xs]` alone is a comprehension.
        [item] if reads_as_membership(item) => {
            out.push('(');
            write(out, item);
            out.push(')');
        }
        _ => separated(out, items, write),
    }
    out.push(']');
}

/// Whether an expression starts with `variable IN`.
fn reads_as_membership(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Binary {
            op: BinaryOp::In,
            left,
            ..
        } if matches!(left.kind, ExprKind::Variable(_)) => true,
        ExprKind::Binary { left, .. } => reads_as_membership(left),
        ExprKind::And(operands) | ExprKind::Or(operands) | ExprKind::Xor(operands) => {
            operands.first().is_some_and(reads_as_membership)
        }
        ExprKind::Compare { first, .. } => reads_as_membership(first),
        ExprKind::Unary {
            op: UnaryOp::IsNull | UnaryOp::IsNotNull,
            operand,
        } => reads_as_membership(operand),
        _ => false,
    }
}

/// Writes a map.
pub(super) fn write_map(out: &mut String, entries: &[MapEntry]) {
    out.push('{');
    separated(out, entries, write_entry);
    out.push('}');
}

fn write_entry(out: &mut String, entry: &MapEntry) {
    name::write(out, &entry.key.name);
    out.push_str(": ");
    write(out, &entry.value);
}

fn write_map_projection_item(out: &mut String, item: &MapProjectionItem) {
    match item {
        MapProjectionItem::Property(key) => {
            out.push('.');
            name::write_key(out, &key.name);
        }
        MapProjectionItem::All(_) => out.push_str(".*"),
        MapProjectionItem::Entry(entry) => write_entry(out, entry),
        MapProjectionItem::Variable(variable) => name::write(out, &variable.name),
    }
}

fn write_subquery(out: &mut String, word: &str, body: &Union) {
    out.push_str(word);
    out.push_str(" { ");
    let lines = Layout::one_line().union(body);
    let texts: Vec<String> = lines.into_iter().map(|line| line.text).collect();
    out.push_str(&texts.join(" "));
    out.push_str(" }");
}

/// Writes items with commas between them.
pub(super) fn separated<T>(out: &mut String, items: &[T], mut write: impl FnMut(&mut String, &T)) {
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        write(out, item);
    }
}
