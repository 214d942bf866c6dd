//! Text to tokens. Never fails.
//!
//! Two passes. `raw` cuts the text into words, numbers and signs and drops blanks and comments.
//! `context` then decides what only the neighbourhood can tell: whether a word is a keyword or a
//! name, which signs form an arrow, which bar belongs to a comprehension, which two words are the
//! head of a verb. What cannot be read becomes [`Token::Invalid`] and a diagnostic.
//!
//! The passes also enforce the limits on text and nesting, so that whatever recurses over a tree
//! later (dropping, printing, planning) has a bounded depth.

mod context;
mod keyword;
mod literal;
mod nesting;
mod raw;

pub use keyword::Keyword;
pub(crate) use literal::{Number, number, quoted_name, string_value};

use crate::diagnostic::Diagnostic;
use std::fmt;

/// The longest text that is read, in bytes. Long lists belong in parameters.
pub const MAX_TEXT_BYTES: usize = 512 * 1024;

/// How deep brackets and operators may nest, together.
pub const MAX_NESTING: usize = 256;

/// What a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// A query.
    Query,
    /// A file of definitions, where further words are keywords.
    Definitions,
}

/// A token. Slices are the text as written, quotes included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token<'s> {
    /// Tells the grammar that a query follows.
    StartQuery,
    /// Tells the grammar that definitions follow.
    StartDefinitions,
    /// A word that is a name.
    Word(&'s str),
    /// A name in back quotes.
    Quoted(&'s str),
    /// A name with dashes or dots, read only where one is expected: a rule, a snapshot, a package.
    Bare(&'s str),
    /// A string in single or double quotes.
    Str(&'s str),
    /// A number.
    Number(&'s str),
    /// `$name`, the dollar sign included.
    Parameter(&'s str),
    /// A keyword.
    Keyword(Keyword),
    /// A sign.
    Sign(Sign),
    /// Text that has no meaning; there is a diagnostic for it.
    Invalid,
}

/// A sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the text of each sign stands in `Sign::text`, right below"
)]
pub enum Sign {
    LParen,
    RParen,
    LBracket,
    RBracket,
    LBrace,
    RBrace,
    Comma,
    Dot,
    DotDot,
    Semicolon,
    Colon,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Matches,
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    Caret,
    Concat,
    /// The bar of a comprehension.
    Bar,
    /// The bar of a label expression.
    LabelBar,
    Ampersand,
    Bang,
    /// `-[`.
    LeftOpen,
    /// `<-[`.
    LeftArrowOpen,
    /// `]-`.
    RightClose,
    /// `]->`.
    RightArrowClose,
    /// `-->`.
    RightArrow,
    /// `<--`.
    LeftArrow,
    /// `--`.
    Line,
    /// `<-->`.
    BothArrow,
}

impl Sign {
    /// The sign as written.
    pub fn text(self) -> &'static str {
        match self {
            Sign::LParen => "(",
            Sign::RParen => ")",
            Sign::LBracket => "[",
            Sign::RBracket => "]",
            Sign::LBrace => "{",
            Sign::RBrace => "}",
            Sign::Comma => ",",
            Sign::Dot => ".",
            Sign::DotDot => "..",
            Sign::Semicolon => ";",
            Sign::Colon => ":",
            Sign::Equal => "=",
            Sign::NotEqual => "<>",
            Sign::Less => "<",
            Sign::LessOrEqual => "<=",
            Sign::Greater => ">",
            Sign::GreaterOrEqual => ">=",
            Sign::Matches => "=~",
            Sign::Plus => "+",
            Sign::Minus => "-",
            Sign::Star => "*",
            Sign::Slash => "/",
            Sign::Percent => "%",
            Sign::Caret => "^",
            Sign::Concat => "||",
            Sign::Bar | Sign::LabelBar => "|",
            Sign::Ampersand => "&",
            Sign::Bang => "!",
            Sign::LeftOpen => "-[",
            Sign::LeftArrowOpen => "<-[",
            Sign::RightClose => "]-",
            Sign::RightArrowClose => "]->",
            Sign::RightArrow => "-->",
            Sign::LeftArrow => "<--",
            Sign::Line => "--",
            Sign::BothArrow => "<-->",
        }
    }
}

impl fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Token::StartQuery | Token::StartDefinitions => f.write_str("the start"),
            Token::Word(text)
            | Token::Quoted(text)
            | Token::Bare(text)
            | Token::Str(text)
            | Token::Number(text)
            | Token::Parameter(text) => f.write_str(text),
            Token::Keyword(keyword) => f.write_str(keyword.text()),
            Token::Sign(sign) => f.write_str(sign.text()),
            Token::Invalid => f.write_str("unreadable text"),
        }
    }
}

/// A token and the bytes it covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lexeme<'s> {
    /// The token.
    pub token: Token<'s>,
    /// Its first byte.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
}

/// The tokens of a text.
#[derive(Debug)]
pub struct Lexed<'s> {
    /// In order.
    pub tokens: Vec<Lexeme<'s>>,
    /// What could not be read.
    pub diagnostics: Vec<Diagnostic>,
    /// A limit was passed: `tokens` is empty and nothing further should be read from the text.
    pub is_refused: bool,
}

/// Cuts `text` into tokens. O(text); memory is bounded by [`MAX_TEXT_BYTES`].
pub fn lex(text: &str, dialect: Dialect) -> Lexed<'_> {
    context::lex(text, dialect)
}

/// A comment with its marks, and its first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Comment<'s> {
    /// Where it starts.
    pub start: usize,
    /// `// ...` or `/* ... */`.
    pub text: &'s str,
}

/// The comments of a text that [`lex`] accepts.
pub fn comments(text: &str) -> Vec<Comment<'_>> {
    raw::comments(text)
}
