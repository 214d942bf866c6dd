//! Texts with `{variable.property}` holes.

use std::sync::Arc;

use foothold_engine::attack::{Template, TemplatePart};
use foothold_engine::pattern::{Pattern, Var};

use crate::ast::Text;
use crate::diagnostic::{Code, Diagnostic};

/// Reads a text. `{{` and `}}` stand for braces. A hole that names no variable is reported.
pub(super) fn template<C>(
    text: &Text,
    pattern: &Pattern<C>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Template {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut rest = text.value.as_str();
    while let Some(at) = rest.find(['{', '}']) {
        plain.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        let after = &rest[at + 1..];
        if let Some(after) = after.strip_prefix(brace) {
            plain.push_str(brace);
            rest = after;
            continue;
        }
        let hole = (brace == "{").then(|| after.split_once('}')).flatten();
        let Some((hole, after)) = hole else {
            plain.push_str(brace);
            rest = after;
            continue;
        };
        match find(hole, pattern) {
            Some(part) => {
                parts.push(TemplatePart::Text(std::mem::take(&mut plain).into()));
                parts.push(part);
            }
            None => {
                let message = format!("`{{{hole}}}` names no variable of the pattern");
                diagnostics.push(Diagnostic::new(Code::UnknownVariable, text.span, message));
            }
        }
        rest = after;
    }
    plain.push_str(rest);
    parts.push(TemplatePart::Text(plain.into()));
    Template(parts)
}

fn find<C>(hole: &str, pattern: &Pattern<C>) -> Option<TemplatePart> {
    let (name, property) = match hole.split_once('.') {
        Some((name, property)) => (name.trim(), Some(Arc::from(property.trim()))),
        None => (hole.trim(), None),
    };
    let var: Var = pattern.find_var(name)?;
    (!name.is_empty()).then_some(TemplatePart::Hole { var, property })
}
