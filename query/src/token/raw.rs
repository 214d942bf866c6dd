//! The first pass: words, numbers and signs.

use super::Comment;
use logos::{Lexer, Logos};

/// What a piece of text is, before its neighbours are looked at.
#[derive(Logos, Debug, Clone, Copy, PartialEq, Eq)]
#[logos(skip r"[\p{White_Space}\u{FEFF}]+")]
#[logos(skip(r"//[^\n]*", allow_greedy = true))]
pub(super) enum Raw {
    #[regex(r"[\p{XID_Start}_]\p{XID_Continue}*")]
    Word,
    #[regex(r"[0-9][0-9A-Za-z_]*")]
    Integer,
    #[regex(r"[0-9]*\.[0-9]+[0-9A-Za-z_]*")]
    #[regex(r"[0-9]*\.[0-9]+[eE][+-]?[0-9A-Za-z_]+")]
    #[regex(r"[0-9]+[eE][+-]?[0-9A-Za-z_]+", priority = 20)]
    Float,
    #[regex(r"\$[\p{XID_Start}_]\p{XID_Continue}*")]
    #[regex(r"\$[0-9]+")]
    Parameter,
    #[token("$`", |lexer| name(lexer))]
    QuotedParameter(End),
    #[token("`", |lexer| name(lexer))]
    Quoted(End),
    #[token("'", |lexer| string(lexer, b'\''))]
    #[token("\"", |lexer| string(lexer, b'"'))]
    Str(End),
    #[token("/*", comment)]
    OpenComment,
    #[token("(")]
    LParen,
    #[token(")")]
    RParen,
    #[token("[")]
    LBracket,
    #[token("]")]
    RBracket,
    #[token("{")]
    LBrace,
    #[token("}")]
    RBrace,
    #[token(",")]
    Comma,
    #[token(".")]
    Dot,
    #[token("..")]
    DotDot,
    #[token(";")]
    Semicolon,
    #[token(":")]
    Colon,
    #[token("=")]
    Equal,
    #[token("==")]
    DoubleEqual,
    #[token("<>")]
    NotEqual,
    #[token("!=")]
    BangEqual,
    #[token("<")]
    Less,
    #[token("<=")]
    LessOrEqual,
    #[token(">")]
    Greater,
    #[token(">=")]
    GreaterOrEqual,
    #[token("=~")]
    Matches,
    #[token("+")]
    Plus,
    #[token("-")]
    Minus,
    #[token("*")]
    Star,
    #[token("/")]
    Slash,
    #[token("%")]
    Percent,
    #[token("^")]
    Caret,
    #[token("|")]
    Bar,
    #[token("||")]
    Concat,
    #[token("&")]
    Ampersand,
    #[token("&&")]
    DoubleAmpersand,
    #[token("!")]
    Bang,
    /// A character with no meaning.
    Unknown,
}

/// Whether a quoted piece has its closing quote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Closed,
    Missing,
}

/// A piece and the bytes it covers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    pub(super) raw: Raw,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Cuts the text into pieces.
pub(super) fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::with_capacity(text.len() / 4);
    for (raw, range) in Raw::lexer(text).spanned() {
        pieces.push(Piece {
            raw: raw.unwrap_or(Raw::Unknown),
            start: range.start,
            end: range.end,
        });
    }
    pieces
}

/// The comments that stand between the pieces of a text.
pub(super) fn comments(text: &str) -> Vec<Comment<'_>> {
    let mut comments = Vec::new();
    let mut at = 0;
    let ends = pieces(text)
        .into_iter()
        .map(|piece| (piece.start, piece.end));
    for (start, end) in ends.chain([(text.len(), text.len())]) {
        while let Some(mut gap) = text.get(at..start) {
            let Some(found) = gap.find("//").into_iter().chain(gap.find("/*")).min() else {
                break;
            };
            gap = gap.get(found..).unwrap_or("");
            let length = if gap.starts_with("//") {
                gap.find('\n').unwrap_or(gap.len())
            } else {
                gap.find("*/").map_or(gap.len(), |close| close + 2)
            };
            let comment = gap.get(..length).unwrap_or("");
            comments.push(Comment {
                start: at + found,
                text: comment.trim_end(),
            });
            at += found + length;
        }
        at = end;
    }
    comments
}

fn name(lexer: &mut Lexer<'_, Raw>) -> End {
    let rest = lexer.remainder().as_bytes();
    let mut at = 0;
    while let Some(byte) = rest.get(at) {
        if *byte != b'`' {
            at += 1;
        } else if rest.get(at + 1) == Some(&b'`') {
            at += 2;
        } else {
            lexer.bump(at + 1);
            return End::Closed;
        }
    }
    lexer.bump(rest.len());
    End::Missing
}

fn string(lexer: &mut Lexer<'_, Raw>, quote: u8) -> End {
    let rest = lexer.remainder().as_bytes();
    let mut at = 0;
    while let Some(byte) = rest.get(at) {
        if *byte == b'\\' && at + 1 < rest.len() {
            at += 2;
        } else if *byte == quote {
            lexer.bump(at + 1);
            return End::Closed;
        } else {
            at += 1;
        }
    }
    lexer.bump(rest.len());
    End::Missing
}

/// Skips a closed comment; keeps the rest of the text as one piece where it does not close.
fn comment(lexer: &mut Lexer<'_, Raw>) -> logos::Filter<()> {
    let length = lexer.remainder().len();
    match lexer.remainder().find("*/") {
        Some(at) => {
            lexer.bump(at + 2);
            logos::Filter::Skip
        }
        None => {
            lexer.bump(length);
            logos::Filter::Emit(())
        }
    }
}
