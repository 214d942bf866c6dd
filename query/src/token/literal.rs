//! What strings, names and numbers mean.

use crate::ast::Span;
use crate::diagnostic::{Code, Diagnostic};
use std::borrow::Cow;

/// A number literal read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    /// A whole number.
    Integer(i64),
    /// 2^63, which only a minus sign in front makes fit.
    SmallestMagnitude,
    /// A number with a fraction or exponent.
    Float(f64),
    /// Too large to be a whole number.
    IntegerOverflow,
    /// Too large to be a float.
    FloatOverflow,
    /// Not a number.
    Malformed,
}

/// Reads a number literal.
pub(crate) fn number(text: &str) -> Number {
    let lower = text.to_ascii_lowercase();
    let (digits, radix) = if let Some(digits) = lower.strip_prefix("0x") {
        (digits, 16)
    } else if let Some(digits) = lower.strip_prefix("0o") {
        (digits, 8)
    } else if lower.contains(['.', 'e']) {
        return match lower.parse::<f64>() {
            Ok(value) if value.is_finite() => Number::Float(value),
            Ok(_) => Number::FloatOverflow,
            Err(_) => Number::Malformed,
        };
    } else {
        (lower.as_str(), 10)
    };
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return Number::Malformed;
    }
    match u64::from_str_radix(digits, radix) {
        Ok(value) => match i64::try_from(value) {
            Ok(value) => Number::Integer(value),
            Err(_) if value == 1 << 63 => Number::SmallestMagnitude,
            Err(_) => Number::IntegerOverflow,
        },
        Err(_) => Number::IntegerOverflow,
    }
}

/// The name inside back quotes; a doubled back quote stands for one.
pub(crate) fn quoted_name(text: &str) -> String {
    let inner = text.strip_prefix('`').unwrap_or(text);
    let inner = inner.strip_suffix('`').unwrap_or(inner);
    inner.replace("``", "`")
}

/// The value of a string literal whose quotes and escapes were checked by [`check_string`].
/// Wrong escapes stay as they are.
pub(crate) fn string_value(text: &str) -> String {
    let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or("");
    if !inner.contains('\\') {
        return inner.to_owned();
    }
    let mut value = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        value.push_str(&rest[..at]);
        let (read, length) = escape(&rest[at..]);
        match read {
            Ok(character) => value.push(character),
            Err(_) => value.push_str(&rest[at..at + length]),
        }
        rest = &rest[at + length..];
    }
    value.push_str(rest);
    value
}

/// Reports the wrong escapes of a string literal that starts at `start`.
pub(super) fn check_string(text: &str, start: usize, diagnostics: &mut Vec<Diagnostic>) {
    let mut at = 0;
    while let Some(found) = text[at..].find('\\') {
        at += found;
        let (read, length) = escape(&text[at..]);
        if let Err(reason) = read {
            let span = Span::new(start + at, start + at + length);
            let written = &text[at..at + length];
            let message = format!("`{written}` is no escape sequence: {reason}");
            let help = r#"an escape is one of `\\`, `\'`, `\"`, `` \` ``, `\b`, `\f`, `\n`, `\r`, `\t`, `\uXXXX`, `\UXXXXXXXX`; write `\\` for a backslash"#;
            diagnostics.push(Diagnostic::new(Code::InvalidEscape, span, message).help(help));
        }
        at += length;
    }
}

/// Reads the escape at the start of `text`; the length in bytes is at least one.
fn escape(text: &str) -> (Result<char, Cow<'static, str>>, usize) {
    let mut characters = text.chars();
    characters.next();
    let Some(letter) = characters.next() else {
        return (Err("the string ends here".into()), 1);
    };
    let length = 1 + letter.len_utf8();
    let plain = match letter {
        '\\' | '\'' | '"' | '`' => letter,
        'b' | 'B' => '\u{8}',
        'f' | 'F' => '\u{c}',
        'n' | 'N' => '\n',
        'r' | 'R' => '\r',
        't' | 'T' => '\t',
        'u' => return unicode_escape(text, 4),
        'U' => return unicode_escape(text, 8),
        _ => {
            return (
                Err(format!("`{letter}` has no meaning after a backslash").into()),
                length,
            );
        }
    };
    (Ok(plain), length)
}

fn unicode_escape(text: &str, digits: usize) -> (Result<char, Cow<'static, str>>, usize) {
    let hex: String = text
        .chars()
        .skip(2)
        .take(digits)
        .take_while(char::is_ascii_hexdigit)
        .collect();
    let length = 2 + hex.len();
    if hex.len() < digits {
        return (
            Err(format!("it needs {digits} hexadecimal digits").into()),
            length,
        );
    }
    let value = u32::from_str_radix(&hex, 16).unwrap_or(u32::MAX);
    // A pair of surrogates, as JSON and Java write them, is one character.
    if digits == 4 && (0xD800..0xDC00).contains(&value) {
        let low = text.get(length..length + 6).and_then(|next| {
            let hex = next.strip_prefix("\\u")?;
            u32::from_str_radix(hex, 16).ok()
        });
        if let Some(low) = low.filter(|low| (0xDC00..0xE000).contains(low)) {
            let joined = 0x1_0000 + ((value - 0xD800) << 10) + (low - 0xDC00);
            if let Some(character) = char::from_u32(joined) {
                return (Ok(character), length + 6);
            }
        }
    }
    match char::from_u32(value) {
        Some(character) => (Ok(character), length),
        None => (Err("it names no character".into()), length),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!(number("0"), Number::Integer(0));
        assert_eq!(number("0x1F"), Number::Integer(31));
        assert_eq!(number("0o17"), Number::Integer(15));
        assert_eq!(number("9223372036854775807"), Number::Integer(i64::MAX));
        assert_eq!(number("9223372036854775808"), Number::SmallestMagnitude);
        assert_eq!(number("9223372036854775809"), Number::IntegerOverflow);
        assert_eq!(number("99999999999999999999"), Number::IntegerOverflow);
        assert_eq!(number(".5"), Number::Float(0.5));
        assert_eq!(number("1e-3"), Number::Float(0.001));
        assert_eq!(number("1.5e400"), Number::FloatOverflow);
        assert_eq!(number("12ab"), Number::Malformed);
        assert_eq!(number("0x"), Number::Malformed);
        assert_eq!(number("1.5x"), Number::Malformed);
    }

    #[test]
    fn strings() {
        assert_eq!(string_value(r"'a\'b'"), "a'b");
        assert_eq!(string_value(r#""\u00e9\n""#), "é\n");
        assert_eq!(string_value(r"'\uD83D\uDE00'"), "😀");
        assert_eq!(string_value(r"'\q'"), r"\q");
        assert_eq!(quoted_name("`a``b`"), "a`b");
        let mut diagnostics = Vec::new();
        check_string(r"'\uH1 \q \\'", 0, &mut diagnostics);
        assert_eq!(diagnostics.len(), 2);
    }
}
