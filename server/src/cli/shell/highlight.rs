//! Colours for the text being typed.

use foothold_query::token::{Dialect, Sign, Token, comments, lex};

const PLAIN: &str = "\u{1b}[0m";

/// The text with colours; the same characters without them.
pub(super) fn highlight(text: &str) -> String {
    let lexed = lex(text, Dialect::Query);
    let mut pieces: Vec<(usize, usize, &str)> = Vec::new();
    for comment in comments(text) {
        pieces.push((
            comment.start,
            comment.start + comment.text.len(),
            "\u{1b}[2m",
        ));
    }
    let mut before = None;
    for lexeme in &lexed.tokens {
        let colour = match lexeme.token {
            Token::Keyword(_) => Some("\u{1b}[1;34m"),
            Token::Str(_) => Some("\u{1b}[32m"),
            Token::Number(_) | Token::Parameter(_) => Some("\u{1b}[36m"),
            Token::Invalid => Some("\u{1b}[31m"),
            Token::Word(_) | Token::Quoted(_) if is_type_sign(before) => Some("\u{1b}[33m"),
            _ => None,
        };
        if let Some(colour) = colour {
            pieces.push((lexeme.start, lexeme.end, colour));
        }
        before = Some(lexeme.token);
    }
    pieces.sort_unstable();
    let mut out = String::with_capacity(text.len() * 2);
    let mut from = 0;
    for (start, end, colour) in pieces {
        let (Some(between), Some(piece)) = (text.get(from..start), text.get(start..end)) else {
            continue;
        };
        out.push_str(between);
        out.push_str(colour);
        out.push_str(piece);
        out.push_str(PLAIN);
        from = end;
    }
    out.push_str(text.get(from..).unwrap_or(""));
    out
}

/// Whether a label or kind follows.
fn is_type_sign(token: Option<Token<'_>>) -> bool {
    matches!(
        token,
        Some(Token::Sign(
            Sign::Colon | Sign::LabelBar | Sign::Ampersand | Sign::Bang
        ))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_change_no_character() {
        for text in [
            "MATCH (w:Workload {name: 'a'}) // c\nRETURN w, $p, 1.5",
            "RETURN 'open",
            "MATCH (a)-[:A|B]->(b:`x y`) /* c */",
            "é \u{1f600} \\",
            "",
        ] {
            let coloured = highlight(text);
            let mut plain = String::new();
            let mut rest = coloured.as_str();
            while let Some((before, after)) = rest.split_once('\u{1b}') {
                plain.push_str(before);
                rest = after.split_once('m').map_or("", |(_, rest)| rest);
            }
            plain.push_str(rest);
            assert_eq!(plain, text);
        }
        assert!(highlight("RETURN 1").starts_with("\u{1b}[1;34mRETURN\u{1b}[0m "));
    }
}
