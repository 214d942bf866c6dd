//! Names and texts.

use crate::ast::Text;
use crate::token::Keyword;
use std::fmt::Write;

/// Writes a name, in back quotes where it needs them.
pub(super) fn write(out: &mut String, name: &str) {
    // `cost` inside a relationship would be read as the clause.
    if is_word(name) && !is_reserved(name) && !name.eq_ignore_ascii_case("cost") {
        out.push_str(name);
    } else {
        quote(out, name);
    }
}

/// Writes a name after a dot, where every word is a name.
pub(super) fn write_key(out: &mut String, name: &str) {
    if is_word(name) {
        out.push_str(name);
    } else {
        quote(out, name);
    }
}

/// Writes a label or kind.
pub(super) fn write_label(out: &mut String, name: &str) {
    if is_word(name) && !is_reserved(name) {
        out.push_str(name);
    } else {
        quote(out, name);
    }
}

/// Writes a name that a brace follows: `count {` would open a subquery.
pub(super) fn write_before_brace(out: &mut String, name: &str) {
    let opens = ["exists", "count", "collect"]
        .iter()
        .any(|word| name.eq_ignore_ascii_case(word));
    if opens {
        quote(out, name);
    } else {
        write(out, name);
    }
}

/// Writes the name of a function with its name space.
pub(super) fn write_function(out: &mut String, name: &str) {
    let is_plain = name.split('.').all(|part| {
        is_word(part)
            && !is_reserved(part)
            && ![
                "reduce",
                "shortestpath",
                "allshortestpaths",
                "all",
                "any",
                "none",
                "single",
            ]
            .iter()
            .any(|word| part.eq_ignore_ascii_case(word))
    });
    if is_plain {
        out.push_str(name);
    } else if name.contains('.') {
        for (at, part) in name.split('.').enumerate() {
            if at > 0 {
                out.push('.');
            }
            quote(out, part);
        }
    } else {
        quote(out, name);
    }
}

/// Writes a parameter.
pub(super) fn write_parameter(out: &mut String, name: &str) {
    out.push('$');
    let is_number = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    if is_number || is_word(name) {
        out.push_str(name);
    } else {
        quote(out, name);
    }
}

/// Writes the name of a rule, profile or the like: with dashes as it is, else as text.
pub(super) fn write_title(out: &mut String, name: &str) {
    let mut parts = name.split('-');
    let first = parts.next().unwrap_or("");
    let is_plain = is_word(first)
        && parts.all(|part| is_word(part) || is_digits(part))
        && (name.contains('-') || !is_reserved(name));
    if is_plain {
        out.push_str(name);
    } else {
        write_string(out, name, '\'');
    }
}

/// Writes a text in double quotes, as titles and sentences are.
pub(super) fn write_text(out: &mut String, text: &Text) {
    write_string(out, &text.value, '"');
}

/// Writes a string literal.
pub(super) fn write_string(out: &mut String, value: &str, quote: char) {
    out.push(quote);
    for character in value.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            character if character == quote => {
                out.push('\\');
                out.push(character);
            }
            character if character.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(character));
            }
            character => out.push(character),
        }
    }
    out.push(quote);
}

fn quote(out: &mut String, name: &str) {
    out.push('`');
    out.push_str(&name.replace('`', "``"));
    out.push('`');
}

fn is_reserved(name: &str) -> bool {
    Keyword::ALL
        .iter()
        .any(|keyword| keyword.is_reserved() && keyword.text().eq_ignore_ascii_case(name))
}

/// Whether a name is a word as ASCII has them; others are quoted, which is always right.
fn is_word(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn is_digits(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())
}
