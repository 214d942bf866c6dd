//! Parser failures as diagnostics, and where to read on after one.

use super::Failure;
use super::hint::{Site, hint};
use crate::ast::Span;
use crate::diagnostic::{Code, Diagnostic};
use crate::token::{Dialect, Keyword, Lexeme, Sign, Token};

/// How many syntax errors one text reports.
pub(super) const MAX_ERRORS: usize = 10;

/// Clauses of other languages that change stored data.
const WRITING: [&str; 10] = [
    "CREATE", "MERGE", "DELETE", "DETACH", "SET", "REMOVE", "FOREACH", "INSERT", "DROP", "LOAD",
];

/// Adds what a failure means to the diagnostics; returns the byte it happened at.
pub(super) fn report<'s>(
    text: &'s str,
    tokens: &[Lexeme<'s>],
    failure: &Failure<'s>,
    found: Vec<Diagnostic>,
    diagnostics: &mut Vec<Diagnostic>,
) -> usize {
    use lalrpop_util::ParseError;
    let (token, span, expected) = match failure {
        ParseError::UnrecognizedToken { token, expected } => (
            Some(token.1),
            Span::new(token.0, token.2),
            expected.as_slice(),
        ),
        ParseError::ExtraToken { token } => (Some(token.1), Span::new(token.0, token.2), &[][..]),
        ParseError::UnrecognizedEof { expected, .. } => {
            let end = tokens.last().map_or(0, |lexeme| lexeme.end);
            (None, Span::new(end, end), expected.as_slice())
        }
        ParseError::InvalidToken { .. } | ParseError::User { .. } => {
            (None, Span::new(text.len(), text.len()), &[][..])
        }
    };
    let at = span.start as usize;
    diagnostics.extend(found);
    // The lexer has already said what is wrong with text that it could not read; what fails right
    // behind such text fails because of it.
    let follows_invalid = before(tokens, at) == Some(Token::Invalid);
    if token != Some(Token::Invalid) && !follows_invalid {
        diagnostics.push(diagnose(text, tokens, token, span, expected));
    }
    at
}

/// The token before a byte.
fn before<'s>(tokens: &[Lexeme<'s>], at: usize) -> Option<Token<'s>> {
    let after = tokens.partition_point(|lexeme| lexeme.start < at);
    tokens.get(after.checked_sub(1)?).map(|lexeme| lexeme.token)
}

fn diagnose<'s>(
    text: &'s str,
    tokens: &[Lexeme<'s>],
    token: Option<Token<'s>>,
    span: Span,
    expected: &[String],
) -> Diagnostic {
    let wanted = Wanted::new(expected);
    if let Some(token) = token
        && wanted.clause
        && let Some(word) = writing_word(token)
    {
        let message = format!("`{word}` would change stored data, and a query only reads");
        return Diagnostic::new(Code::ReadOnly, span, message)
            .help("data comes in through imports; `WHAT IF` answers for a changed graph");
    }
    let follows_open = matches!(
        before(tokens, span.start as usize),
        Some(Token::Sign(
            Sign::LParen | Sign::LeftOpen | Sign::LeftArrowOpen | Sign::Comma | Sign::Colon
        ))
    );
    if (token.is_none() || !follows_open)
        && let Some(open) = unclosed(tokens, token, span)
    {
        let sign = open.token.to_string();
        let message = match token {
            Some(token) => format!("expected the end of `{sign}`, found `{token}`"),
            None => format!("`{sign}` is not closed"),
        };
        let help = match token {
            Some(token) => format!("write `{}` before `{token}`", closing(open.token)),
            None => format!("write `{}` where it ends", closing(open.token)),
        };
        let open = Span::new(open.start, open.end);
        return Diagnostic::new(Code::UnclosedBracket, span, message)
            .label(open, "opened here")
            .help(help);
    }
    let found = match token {
        Some(token) => format!("`{}`", shorten(&token.to_string())),
        None => "the end of the text".to_owned(),
    };
    let message = match wanted.describe() {
        Some(wanted) => format!("expected {wanted}, found {found}"),
        None => format!("{found} cannot stand here"),
    };
    let diagnostic = Diagnostic::new(Code::Syntax, span, message);
    let site = Site {
        text,
        tokens,
        token,
        span,
    };
    match hint(&site, &wanted) {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
}

fn shorten(text: &str) -> String {
    const SHOWN: usize = 40;
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text.to_owned(),
    }
}

fn writing_word(token: Token<'_>) -> Option<String> {
    let word = match token {
        Token::Word(word) => word.to_ascii_uppercase(),
        Token::Keyword(keyword) => keyword.text().to_owned(),
        _ => return None,
    };
    WRITING.contains(&word.as_str()).then_some(word)
}

/// The innermost bracket still open where a clause begins or the text ends.
fn unclosed<'s>(tokens: &[Lexeme<'s>], token: Option<Token<'s>>, span: Span) -> Option<Lexeme<'s>> {
    let is_boundary = match token {
        None => true,
        Some(Token::Keyword(keyword)) => {
            keyword.starts_clause() && keyword != Keyword::With && keyword != Keyword::Optional
        }
        Some(_) => false,
    };
    if !is_boundary {
        return None;
    }
    let end = match token {
        Some(_) => tokens.partition_point(|lexeme| lexeme.start < span.start as usize),
        None => tokens.len(),
    };
    innermost_open(tokens.get(..end).unwrap_or(tokens))
}

/// The innermost bracket that these tokens leave open.
pub(super) fn innermost_open<'s>(tokens: &[Lexeme<'s>]) -> Option<Lexeme<'s>> {
    let mut open: Vec<Lexeme<'s>> = Vec::new();
    for lexeme in tokens {
        let Token::Sign(sign) = lexeme.token else {
            continue;
        };
        match sign {
            Sign::LParen | Sign::LBracket | Sign::LBrace | Sign::LeftOpen | Sign::LeftArrowOpen => {
                open.push(*lexeme);
            }
            Sign::RParen
            | Sign::RBracket
            | Sign::RBrace
            | Sign::RightClose
            | Sign::RightArrowClose => {
                open.pop();
            }
            _ => {}
        }
    }
    open.pop()
}

/// What closes a bracket.
pub(super) fn closing(open: Token<'_>) -> &'static str {
    match open {
        Token::Sign(Sign::LBracket) => "]",
        Token::Sign(Sign::LBrace) => "}",
        Token::Sign(Sign::LeftOpen) => "]->",
        Token::Sign(Sign::LeftArrowOpen) => "]-",
        _ => ")",
    }
}

/// What the grammar would have taken, in groups that people know.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts about one set of tokens"
)]
pub(super) struct Wanted {
    pub(super) expression: bool,
    pub(super) name: bool,
    pub(super) clause: bool,
    pub(super) operator: bool,
    pub(super) arrow: bool,
    /// `AS` and a new name fit.
    pub(super) alias: bool,
    /// The rest of a node pattern fits: its labels, its properties, its condition.
    pub(super) labels: bool,
    words: Vec<String>,
}

impl Wanted {
    fn new(expected: &[String]) -> Wanted {
        let mut names: Vec<&str> = expected.iter().map(|name| name.trim_matches('"')).collect();
        names.sort_unstable();
        let has = |name: &str| names.binary_search(&name).is_ok();
        let expression = has("CASE") && has("number");
        let takes_name = has("word");
        let clause = has("MATCH") && has("RETURN");
        let operator = has("AND") && has("+");
        let arrow = has("-->") && has("-[");
        let alias = has("AS");
        let labels = has(")") && has("WHERE") && has("{") && !expression;
        let words = names
            .iter()
            .filter(|name| {
                let text: &str = name;
                let covered = match text {
                    "start of query"
                    | "start of definitions"
                    | "invalid"
                    | ";"
                    | "word"
                    | "quoted name" => true,
                    "bare" => takes_name,
                    "MATCH" | "OPTIONAL" | "UNWIND" | "WITH" | "RETURN" | "CALL" | "UNION"
                    | "ATTACK PATHS" | "EXPLOITABILITY OF" | "BLAST RADIUS" | "CHOKE POINTS"
                    | "FIX PLAN" | "WHY NOT" => clause,
                    "AND" | "OR" | "XOR" | "=" | "<>" | "<" | "<=" | ">" | ">=" | "=~" | "+"
                    | "-" | "*" | "/" | "%" | "^" | "||" | "IN" | "IS" | "STARTS" | "ENDS"
                    | "CONTAINS" | "." | "[" | ":" | "(" | "{"
                        if operator =>
                    {
                        true
                    }
                    "ORDER" | "SKIP" | "OFFSET" | "LIMIT" if clause || has("AS") => true,
                    "DESCENDING" | "ASCENDING" => true,
                    "-->" | "-[" | "<--" | "<-[" | "--" | "<-->" => arrow,
                    "(" if arrow => true,
                    "number" | "string" | "parameter" | "(" | "[" | "{" | "CASE" | "NOT"
                    | "NULL" | "TRUE" | "FALSE" | "EXISTS" | "COUNT" | "COLLECT" | "REDUCE"
                    | "shortestPath" | "allShortestPaths" | "+" | "-" => expression,
                    _ => false,
                };
                let soft = takes_name && is_soft(text);
                !covered && !soft
            })
            .map(|text| match *text {
                "bar" => "`|`".to_owned(),
                "string" => "a text in quotes".to_owned(),
                "number" => "a number".to_owned(),
                "parameter" => "a parameter".to_owned(),
                "bare" => "a name".to_owned(),
                text => format!("`{text}`"),
            })
            .collect();
        Wanted {
            expression,
            name: takes_name,
            clause,
            operator,
            arrow,
            alias,
            labels,
            words,
        }
    }

    /// Whether a word of the language fits that no group covers.
    pub(super) fn has_word(&self, word: &str) -> bool {
        self.words.iter().any(|own| own.trim_matches('`') == word)
    }

    /// Up to six things, the most telling first.
    fn describe(&self) -> Option<String> {
        const SHOWN: usize = 6;
        let mut parts: Vec<String> = Vec::new();
        if self.expression {
            parts.push("an expression".to_owned());
        } else if self.name {
            parts.push("a name".to_owned());
        }
        parts.extend(self.words.iter().cloned());
        if self.arrow {
            parts.push("a relationship".to_owned());
        }
        if self.operator {
            parts.push("an operator".to_owned());
        }
        if self.clause {
            parts.push("a clause".to_owned());
        }
        parts.dedup();
        match parts.as_slice() {
            [] => None,
            [one] => Some(one.clone()),
            many if many.len() <= SHOWN => {
                let (last, first) = many.split_last()?;
                Some(format!("{} or {last}", first.join(", ")))
            }
            many => Some(format!(
                "one of {} and others",
                many.iter()
                    .take(SHOWN)
                    .cloned()
                    .collect::<Vec<_>>()
                    .join(", ")
            )),
        }
    }
}

fn is_soft(text: &str) -> bool {
    Keyword::ALL
        .iter()
        .any(|keyword| keyword.text() == text && !keyword.is_reserved())
}

/// The tokens to read on with after a failure at byte `at`: from the next clause outside brackets,
/// or the next definition.
pub(super) fn resume<'t, 's>(
    text: &str,
    tokens: &'t [Lexeme<'s>],
    at: usize,
    dialect: Dialect,
) -> Option<&'t [Lexeme<'s>]> {
    let failed = tokens.iter().position(|lexeme| lexeme.start >= at)?;
    // The words that start a definition are names elsewhere; at the start of a line they are not.
    let starts_line = |lexeme: &Lexeme<'_>| {
        text.get(..lexeme.start)
            .is_some_and(|before| before.trim_end_matches([' ', '\t']).ends_with('\n'))
    };
    let starts = |lexeme: &Lexeme<'_>| match (lexeme.token, dialect) {
        (Token::Keyword(keyword), Dialect::Definitions) => {
            keyword.starts_definition() && starts_line(lexeme)
        }
        (Token::Keyword(keyword), Dialect::Query) => {
            keyword.starts_clause() && keyword != Keyword::With
        }
        _ => false,
    };
    let next = tokens
        .iter()
        .enumerate()
        .skip(failed + 1)
        .find(|(_, lexeme)| starts(lexeme))
        .map(|(next, _)| next)?;
    tokens.get(next..)
}
