//! Texts with `{variable.property}` holes and `[optional parts]` around them.

use std::sync::Arc;

use foothold_engine::attack::{Template, TemplatePart};
use foothold_engine::pattern::{Pattern, Var};

use crate::ast::Text;
use crate::diagnostic::{Code, Diagnostic};

/// Reads a text. `{{` and `}}` stand for braces, and brackets without a hole for themselves. A hole
/// that names no variable is reported.
pub(super) fn template<C>(
    text: &Text,
    pattern: &Pattern<C>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Template {
    Template(parts(text, &text.value, pattern, diagnostics))
}

fn parts<C>(
    text: &Text,
    value: &str,
    pattern: &Pattern<C>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<TemplatePart> {
    let mut found = Vec::new();
    let mut plain = String::new();
    let mut rest = value;
    while let Some(at) = rest.find(['{', '}', '[']) {
        plain.push_str(&rest[..at]);
        let mark = &rest[at..=at];
        let after = &rest[at + 1..];
        if mark == "[" {
            // Brackets do not nest.
            match after
                .split_once(']')
                .filter(|(inner, _)| inner.contains('{'))
            {
                Some((inner, after)) => {
                    found.push(TemplatePart::Text(std::mem::take(&mut plain).into()));
                    let inner = parts(text, inner, pattern, diagnostics);
                    found.push(TemplatePart::Optional(inner));
                    rest = after;
                }
                None => {
                    plain.push_str(mark);
                    rest = after;
                }
            }
            continue;
        }
        if let Some(after) = after.strip_prefix(mark) {
            plain.push_str(mark);
            rest = after;
            continue;
        }
        let hole = (mark == "{").then(|| after.split_once('}')).flatten();
        let Some((hole, after)) = hole else {
            plain.push_str(mark);
            rest = after;
            continue;
        };
        match find(hole, pattern) {
            Some(part) => {
                found.push(TemplatePart::Text(std::mem::take(&mut plain).into()));
                found.push(part);
            }
            None => {
                let message = format!("`{{{hole}}}` names no variable of the pattern");
                diagnostics.push(Diagnostic::new(Code::UnknownVariable, text.span, message));
            }
        }
        rest = after;
    }
    plain.push_str(rest);
    found.push(TemplatePart::Text(plain.into()));
    found
}

fn find<C>(hole: &str, pattern: &Pattern<C>) -> Option<TemplatePart> {
    let (name, property) = match hole.split_once('.') {
        Some((name, property)) => (name.trim(), Some(Arc::from(property.trim()))),
        None => (hole.trim(), None),
    };
    let var: Var = pattern.find_var(name)?;
    (!name.is_empty()).then_some(TemplatePart::Hole { var, property })
}
