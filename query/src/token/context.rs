//! The second pass: what only the neighbourhood can tell.

use super::keyword::{Keyword, Scope};
use super::literal::check_string;
use super::nesting::{Bracket, Nesting, TooDeep};
use super::raw::{self, End, Piece, Raw};
use super::{Dialect, Lexed, Lexeme, MAX_NESTING, MAX_TEXT_BYTES, Sign, Token};
use crate::ast::Span;
use crate::diagnostic::{Code, Diagnostic};

/// See [`super::lex`].
pub(super) fn lex(text: &str, dialect: Dialect) -> Lexed<'_> {
    if text.len() > MAX_TEXT_BYTES {
        let message = format!(
            "the text has {} bytes, more than the {MAX_TEXT_BYTES} that are read",
            text.len()
        );
        let diagnostic = Diagnostic::new(Code::TooLong, Span::new(0, 0), message)
            .help("pass long lists as parameters");
        return Lexed::refused(diagnostic);
    }
    let mut lexer = ContextLexer {
        text,
        dialect,
        pieces: raw::pieces(text),
        at: 0,
        tokens: Vec::new(),
        diagnostics: Vec::new(),
        nesting: Nesting::new(),
        names: Names::None,
        is_before_clauses: true,
        is_what_if: false,
    };
    lexer.tokens.reserve(lexer.pieces.len());
    while lexer.at < lexer.pieces.len() {
        if let Err(diagnostic) = lexer.step() {
            return Lexed::refused(diagnostic);
        }
    }
    Lexed {
        tokens: lexer.tokens,
        diagnostics: lexer.diagnostics,
        is_refused: false,
    }
}

impl<'s> Lexed<'s> {
    fn refused(diagnostic: Diagnostic) -> Lexed<'s> {
        Lexed {
            tokens: Vec::new(),
            diagnostics: vec![diagnostic],
            is_refused: true,
        }
    }
}

/// How far the end of a list is looked for after a minus that may begin an arrow.
const MAX_LIST_AHEAD: usize = 64;

/// Whether the next pieces are names with dashes or bare text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    None,
    /// One name with dashes.
    Dashed,
    /// Names with dashes, separated by commas.
    DashedList,
    /// Whatever stands up to the next blank or comma.
    Bare,
    /// The same, separated by commas.
    BareList,
}

struct ContextLexer<'s> {
    text: &'s str,
    dialect: Dialect,
    pieces: Vec<Piece>,
    at: usize,
    tokens: Vec<Lexeme<'s>>,
    diagnostics: Vec<Diagnostic>,
    nesting: Nesting,
    names: Names,
    /// No clause has begun: `AT` and `DIFF` are words of the prefix.
    is_before_clauses: bool,
    /// Between `WHAT IF` and the first clause.
    is_what_if: bool,
}

impl<'s> ContextLexer<'s> {
    /// Turns the next piece or pieces into a token.
    fn step(&mut self) -> Result<(), Diagnostic> {
        let Some(piece) = self.piece(0) else {
            return Ok(());
        };
        let names = std::mem::replace(&mut self.names, Names::None);
        if names != Names::None && self.try_name(names) {
            return Ok(());
        }
        match piece.raw {
            Raw::Word => return self.word(piece),
            Raw::Integer | Raw::Float => self.push(Token::Number(self.slice(piece)), 1),
            Raw::Parameter => self.push(Token::Parameter(self.slice(piece)), 1),
            Raw::QuotedParameter(End::Closed) => {
                self.push(Token::Parameter(self.slice(piece)), 1);
            }
            Raw::Quoted(End::Closed) => self.push(Token::Quoted(self.slice(piece)), 1),
            Raw::Str(End::Closed) => {
                let text = self.slice(piece);
                check_string(text, piece.start, &mut self.diagnostics);
                self.push(Token::Str(text), 1);
            }
            Raw::Str(End::Missing) => {
                let message = "this string does not end";
                let quote = self.slice(piece).get(..1).unwrap_or("'");
                let help = format!("write `{quote}` where it ends");
                self.invalid(piece, Code::UnterminatedString, message, &help);
            }
            Raw::Quoted(End::Missing) | Raw::QuotedParameter(End::Missing) => {
                let message = "this name in back quotes does not end";
                let help = "write a back quote where it ends";
                self.invalid(piece, Code::UnterminatedString, message, help);
            }
            Raw::OpenComment => {
                let message = "this comment does not end";
                let help = "write `*/` where it ends";
                self.invalid(piece, Code::UnterminatedComment, message, help);
            }
            Raw::Unknown => self.unknown(piece),
            _ => return self.sign(piece),
        }
        Ok(())
    }

    fn piece(&self, ahead: usize) -> Option<Piece> {
        self.pieces.get(self.at + ahead).copied()
    }

    fn raw(&self, ahead: usize) -> Option<Raw> {
        self.piece(ahead).map(|piece| piece.raw)
    }

    fn slice(&self, piece: Piece) -> &'s str {
        self.text.get(piece.start..piece.end).unwrap_or("")
    }

    /// Whether no blank stands between a piece and the one after it.
    fn touches(&self, ahead: usize) -> bool {
        match (self.piece(ahead), self.piece(ahead + 1)) {
            (Some(this), Some(next)) => this.end == next.start,
            _ => false,
        }
    }

    /// Emits a token made of the next `count` pieces.
    fn push(&mut self, token: Token<'s>, count: usize) {
        let (Some(first), Some(last)) = (self.piece(0), self.piece(count.max(1) - 1)) else {
            return;
        };
        self.tokens.push(Lexeme {
            token,
            start: first.start,
            end: last.end,
        });
        self.at += count.max(1);
    }

    fn last(&self) -> Option<Token<'s>> {
        self.tokens.last().map(|lexeme| lexeme.token)
    }

    fn last_is(&self, sign: Sign) -> bool {
        self.last() == Some(Token::Sign(sign))
    }

    /// Whether the last token is the `%` that stands for any label.
    fn follows_any_label(&self) -> bool {
        let before = self.tokens.len().checked_sub(2);
        let sign = before
            .and_then(|at| self.tokens.get(at))
            .map(|lexeme| lexeme.token);
        self.last_is(Sign::Percent)
            && matches!(
                sign,
                Some(Token::Sign(
                    Sign::Colon | Sign::LabelBar | Sign::Ampersand | Sign::Bang
                ))
            )
    }

    fn bracket(&self) -> Bracket {
        self.nesting.bracket()
    }

    /// The diagnostic of a limit that the last token passed.
    fn too_deep(&self, TooDeep: TooDeep) -> Diagnostic {
        let last = self.tokens.last();
        let (start, end) = last.map_or((0, 0), |lexeme| (lexeme.start, lexeme.end));
        let message =
            format!("brackets and operators nest deeper here than the {MAX_NESTING} that are read");
        Diagnostic::new(Code::TooDeep, Span::new(start, end), message)
    }

    fn invalid(&mut self, piece: Piece, code: Code, message: &str, help: &str) {
        let span = Span::new(piece.start, piece.end);
        let diagnostic = Diagnostic::new(code, span, message);
        self.diagnostics.push(diagnostic.help(help));
        self.push(Token::Invalid, 1);
    }

    fn unknown(&mut self, piece: Piece) {
        let text = self.slice(piece);
        let span = Span::new(piece.start, piece.end);
        let meant = match text {
            "\u{2010}" | "\u{2011}" | "\u{2012}" | "\u{2013}" | "\u{2014}" | "\u{2015}"
            | "\u{2212}" => Some("-"),
            "\u{2018}" | "\u{2019}" | "\u{b4}" => Some("'"),
            "\u{201c}" | "\u{201d}" | "\u{201e}" => Some("\""),
            "\u{d7}" => Some("*"),
            "\u{2260}" => Some("<>"),
            "\u{2264}" => Some("<="),
            "\u{2265}" => Some(">="),
            "\u{2192}" => Some("-->"),
            "\u{2190}" => Some("<--"),
            _ => None,
        };
        let shown: String = text.escape_debug().collect();
        let diagnostic = match meant {
            Some(meant) => Diagnostic::new(
                Code::InvalidUnicode,
                span,
                format!("`{shown}` is not a sign of the language"),
            )
            .help(format!("write `{meant}`")),
            None => {
                let message = format!("`{shown}` has no meaning here");
                let diagnostic = Diagnostic::new(Code::UnexpectedCharacter, span, message);
                match text {
                    "#" => diagnostic.help("a comment starts with `//`"),
                    "$" => diagnostic.help("a parameter is written `$name`"),
                    "?" => diagnostic.help("write `CASE WHEN ... THEN ... ELSE ... END`"),
                    _ => diagnostic,
                }
            }
        };
        self.diagnostics.push(diagnostic);
        self.push(Token::Invalid, 1);
    }

    // ---- names with dashes, and bare text

    /// Reads a name where one is expected; false where the next piece is none.
    fn try_name(&mut self, names: Names) -> bool {
        let Some(piece) = self.piece(0) else {
            return false;
        };
        if matches!(names, Names::DashedList | Names::BareList) && piece.raw == Raw::Comma {
            self.push(Token::Sign(Sign::Comma), 1);
            self.names = names;
            return true;
        }
        let count = match names {
            Names::Dashed | Names::DashedList => self.dashed_length(),
            Names::Bare | Names::BareList => self.bare_length(),
            Names::None => 0,
        };
        // A single word or number is an ordinary token.
        if count > 1
            && let Some(last) = self.piece(count - 1)
        {
            let text = self.text.get(piece.start..last.end).unwrap_or("");
            self.push(Token::Bare(text), count);
        } else if piece.raw == Raw::Word && Keyword::from_word(self.slice(piece)).is_none() {
            self.push(Token::Word(self.slice(piece)), 1);
        } else if matches!(piece.raw, Raw::Str(End::Closed)) {
            let text = self.slice(piece);
            check_string(text, piece.start, &mut self.diagnostics);
            self.push(Token::Str(text), 1);
        } else {
            return false;
        }
        if matches!(names, Names::DashedList | Names::BareList) {
            self.names = names;
        }
        true
    }

    /// How many pieces make a name such as `exploit-network-cve`.
    fn dashed_length(&self) -> usize {
        if self.raw(0) != Some(Raw::Word) {
            return 0;
        }
        let mut count = 1;
        while self.touches(count - 1)
            && self.touches(count)
            && self.raw(count) == Some(Raw::Minus)
            && matches!(self.raw(count + 1), Some(Raw::Word | Raw::Integer))
        {
            count += 2;
        }
        count
    }

    /// How many pieces stand without a blank or comma between them.
    fn bare_length(&self) -> usize {
        let starts = matches!(self.raw(0), Some(Raw::Word | Raw::Integer | Raw::Float));
        if !starts {
            return 0;
        }
        let mut count = 1;
        while self.touches(count - 1)
            && !matches!(
                self.raw(count),
                Some(Raw::Comma | Raw::Semicolon | Raw::RParen | Raw::RBrace | Raw::Str(_)) | None
            )
        {
            count += 1;
        }
        count
    }

    // ---- words

    fn word(&mut self, piece: Piece) -> Result<(), Diagnostic> {
        let text = self.slice(piece);
        if let Some(head) = self.two_word_head(text) {
            self.push(Token::Keyword(head), 2);
            self.enter(head);
            self.nesting.separate();
            return Ok(());
        }
        let keyword = match Keyword::from_word(text) {
            Some(keyword) if !self.is_name_position(keyword) => keyword,
            _ => {
                self.push(Token::Word(text), 1);
                return Ok(());
            }
        };
        let is_keyword = match keyword.scope() {
            Scope::Reserved | Scope::Soft => true,
            Scope::Definition => self.dialect == Dialect::Definitions,
            Scope::Context => self.is_context_keyword(keyword),
        };
        if !is_keyword {
            self.push(Token::Word(text), 1);
            return Ok(());
        }
        let before = self.last();
        // Right behind an operand stands no second one: a word is no name there.
        let ends_operand = before.is_some_and(ends_operand) || self.follows_any_label();
        self.push(Token::Keyword(keyword), 1);
        self.enter(keyword);
        match keyword {
            Keyword::Case => self
                .nesting
                .open(Bracket::Case)
                .map_err(|limit| self.too_deep(limit))?,
            Keyword::End if ends_operand && self.bracket() == Bracket::Case => self.nesting.close(),
            Keyword::Not => self
                .nesting
                .grow_run()
                .map_err(|limit| self.too_deep(limit))?,
            Keyword::In | Keyword::Starts | Keyword::Ends | Keyword::Contains | Keyword::Is => {
                self.nesting
                    .grow_chain()
                    .map_err(|limit| self.too_deep(limit))?;
            }
            Keyword::Null | Keyword::True | Keyword::False | Keyword::Distinct => {}
            Keyword::With
                if matches!(
                    before,
                    Some(Token::Keyword(Keyword::Starts | Keyword::Ends))
                ) => {}
            _ if keyword.is_reserved() || ends_operand => self.nesting.separate(),
            _ => {}
        }
        Ok(())
    }

    /// The head of a verb, or another pair of words that is one keyword.
    fn two_word_head(&self, text: &str) -> Option<Keyword> {
        if self.raw(1) != Some(Raw::Word) || self.last_is(Sign::Dot) {
            return None;
        }
        let second = self.slice(self.piece(1)?);
        let pair = |first: &str, other: &str| {
            text.eq_ignore_ascii_case(first) && second.eq_ignore_ascii_case(other)
        };
        let is_definition = self.dialect == Dialect::Definitions;
        Some(match () {
            () if pair("ATTACK", "PATHS") => Keyword::AttackPaths,
            () if pair("EXPLOITABILITY", "OF") => Keyword::ExploitabilityOf,
            () if pair("BLAST", "RADIUS") => Keyword::BlastRadius,
            () if pair("CHOKE", "POINTS") => Keyword::ChokePoints,
            () if pair("FIX", "PLAN") => Keyword::FixPlan,
            () if pair("WHY", "NOT") => Keyword::WhyNot,
            () if pair("WHAT", "IF") => Keyword::WhatIf,
            () if is_definition && pair("NO", "ROWS") => Keyword::NoRows,
            () if is_definition && pair("AT", "MOST") => Keyword::AtMost,
            () if is_definition && pair("AT", "LEAST") => Keyword::AtLeast,
            () => return None,
        })
    }

    /// Whether any word is a name here: after a dot, in a label, after `AS`, as a map key.
    fn is_name_position(&self, keyword: Keyword) -> bool {
        let next = self.raw(1);
        match self.last() {
            Some(Token::Sign(Sign::Dot | Sign::Ampersand | Sign::Bang | Sign::LabelBar)) => true,
            Some(Token::Sign(Sign::Colon)) => self.bracket() != Bracket::Map,
            Some(Token::Keyword(Keyword::As)) => true,
            Some(Token::Sign(Sign::LBrace | Sign::Comma)) if self.bracket() == Bracket::Map => {
                next == Some(Raw::Colon)
            }
            // `as(identity)` is a state; the word `AS` is never followed by a parenthesis.
            _ => keyword == Keyword::As && next == Some(Raw::LParen),
        }
    }

    fn is_context_keyword(&self, keyword: Keyword) -> bool {
        let next = self.raw(1);
        match keyword {
            Keyword::Exists | Keyword::Count | Keyword::Collect => {
                next == Some(Raw::LBrace) && !matches!(self.last(), Some(Token::Sign(Sign::LParen)))
                    || next == Some(Raw::LBrace) && self.block_follows()
            }
            Keyword::Reduce | Keyword::ShortestPath | Keyword::AllShortestPaths => {
                next == Some(Raw::LParen)
            }
            Keyword::Cost => {
                let is_first = self.last_is(Sign::LeftOpen) || self.last_is(Sign::LeftArrowOpen);
                let is_relationship = self.bracket() == Bracket::Relationship
                    && !(is_first && self.names_a_relationship());
                let is_fix = self.dialect == Dialect::Definitions && self.bracket() == Bracket::Top;
                is_relationship || is_fix
            }
            _ => false,
        }
    }

    /// Whether the first word of a relationship is its variable, judged by what follows.
    fn names_a_relationship(&self) -> bool {
        match self.piece(1) {
            Some(piece) if piece.raw == Raw::Word => {
                matches!(
                    Keyword::from_word(self.slice(piece)),
                    Some(Keyword::Where | Keyword::Cost)
                )
            }
            Some(piece) => matches!(
                piece.raw,
                Raw::Colon | Raw::RBracket | Raw::Star | Raw::LBrace | Raw::Parameter
            ),
            None => true,
        }
    }

    /// Whether the brace after this word opens a subquery: its first piece is a word of a clause or
    /// of a pattern. Otherwise `count {name: 1}` is a name and a map.
    fn block_follows(&self) -> bool {
        match self.piece(2) {
            Some(piece) if piece.raw == Raw::Word => self.raw(3) != Some(Raw::Colon),
            Some(piece) => matches!(piece.raw, Raw::LParen | Raw::Quoted(_)),
            None => true,
        }
    }

    /// What a keyword changes for the words after it.
    fn enter(&mut self, keyword: Keyword) {
        let before = self
            .tokens
            .len()
            .checked_sub(2)
            .and_then(|at| self.tokens.get(at));
        let before = before.map(|lexeme| lexeme.token);
        let is_after = |wanted: Keyword| before == Some(Token::Keyword(wanted));
        if keyword.starts_clause() {
            self.is_before_clauses = false;
            self.is_what_if = false;
        }
        let is_definition = self.dialect == Dialect::Definitions;
        self.names = match keyword {
            Keyword::WhatIf => {
                self.is_what_if = true;
                Names::None
            }
            Keyword::WhyNot => Names::Dashed,
            Keyword::Rules if is_after(Keyword::Avoiding) => Names::DashedList,
            Keyword::Techniques if is_after(Keyword::Avoiding) => Names::BareList,
            Keyword::Technique => Names::BareList,
            Keyword::Attacker | Keyword::Group => Names::Dashed,
            Keyword::Rule | Keyword::Policy | Keyword::Id | Keyword::Family if is_definition => {
                Names::Dashed
            }
            Keyword::Upgrade | Keyword::Apply if self.is_what_if => Names::Bare,
            Keyword::At | Keyword::Diff if self.is_before_clauses => Names::Bare,
            Keyword::To if self.is_what_if || self.is_before_clauses => Names::Bare,
            // The query of a policy has a prefix of its own.
            Keyword::Expect => {
                self.is_before_clauses = true;
                Names::None
            }
            _ => Names::None,
        };
    }

    // ---- signs

    fn sign(&mut self, piece: Piece) -> Result<(), Diagnostic> {
        if self.bracket() == Bracket::Relationship && piece.raw == Raw::RBracket {
            let (sign, count) = match (self.raw(1), self.raw(2)) {
                (Some(Raw::Minus), Some(Raw::Greater)) if self.touches(1) => {
                    (Sign::RightArrowClose, 3)
                }
                (Some(Raw::Minus), _) => (Sign::RightClose, 2),
                _ => (Sign::RBracket, 1),
            };
            self.push(Token::Sign(sign), count);
            self.nesting.close();
            return Ok(());
        }
        if piece.raw == Raw::DoubleAmpersand {
            self.foreign(piece, "&&", Sign::Ampersand, "AND");
            self.push(Token::Keyword(Keyword::And), 1);
            self.nesting.separate();
            return Ok(());
        }
        if let Some((sign, count)) = self.arrow() {
            self.push(Token::Sign(sign), count);
            // A path is a list of nodes and relationships, however long.
            self.nesting.end_run();
            if matches!(sign, Sign::LeftOpen | Sign::LeftArrowOpen) {
                self.nesting
                    .open(Bracket::Relationship)
                    .map_err(|limit| self.too_deep(limit))?;
            }
            return Ok(());
        }
        let sign = self.plain_sign(piece);
        let bracket = self.bracket_of(sign);
        self.push(Token::Sign(sign), 1);
        match sign {
            Sign::LParen | Sign::LBracket | Sign::LBrace => self
                .nesting
                .open(bracket)
                .map_err(|limit| self.too_deep(limit))?,
            Sign::RParen | Sign::RBracket | Sign::RBrace => self.nesting.close(),
            Sign::Comma | Sign::Bar | Sign::Semicolon | Sign::DotDot => {
                self.nesting.separate();
            }
            Sign::Plus
            | Sign::Minus
            | Sign::Star
            | Sign::Slash
            | Sign::Percent
            | Sign::Caret
            | Sign::Concat
            | Sign::Matches => self
                .nesting
                .grow_chain()
                .map_err(|limit| self.too_deep(limit))?,
            Sign::Dot | Sign::Colon | Sign::Bang => self
                .nesting
                .grow_run()
                .map_err(|limit| self.too_deep(limit))?,
            // Comparisons chain without nesting.
            _ => self.nesting.end_run(),
        }
        Ok(())
    }

    /// The arrow part that starts here, with its number of pieces. Arrows follow only the end of a
    /// node or of a group.
    fn arrow(&self) -> Option<(Sign, usize)> {
        let before_last = self
            .tokens
            .len()
            .checked_sub(2)
            .and_then(|at| self.tokens.get(at));
        let ends_quantifier = (self.last_is(Sign::Plus) || self.last_is(Sign::Star))
            && before_last.is_some_and(|lexeme| lexeme.token == Token::Sign(Sign::RParen));
        if !self.last_is(Sign::RParen) && !self.last_is(Sign::RBrace) && !ends_quantifier {
            return None;
        }
        let at = |ahead: usize, raw: Raw| self.raw(ahead) == Some(raw);
        match self.raw(0)? {
            Raw::Minus if at(1, Raw::LBracket) => (!self.is_list(1)).then_some((Sign::LeftOpen, 2)),
            Raw::Minus if at(1, Raw::Minus) && self.touches(0) => {
                if at(2, Raw::Greater) && self.touches(1) {
                    Some((Sign::RightArrow, 3))
                } else if !ends_quantifier
                    && matches!(
                        self.raw(2),
                        Some(Raw::LParen | Raw::LBrace | Raw::Plus | Raw::Star)
                    )
                {
                    Some((Sign::Line, 2))
                } else {
                    None
                }
            }
            Raw::Less if at(1, Raw::Minus) && at(2, Raw::LBracket) => {
                Some((Sign::LeftArrowOpen, 3))
            }
            Raw::Less if at(1, Raw::Minus) && at(2, Raw::Minus) && self.touches(1) => {
                if at(3, Raw::Greater) && self.touches(2) {
                    Some((Sign::BothArrow, 4))
                } else {
                    Some((Sign::LeftArrow, 3))
                }
            }
            _ => None,
        }
    }

    /// Whether the bracket `ahead` encloses a list, as in `size(l) - [1, 2][0]`: no arrow follows
    /// it, and it starts like a value or is read into.
    fn is_list(&self, ahead: usize) -> bool {
        let starts_a_value = matches!(
            self.raw(ahead + 1),
            Some(Raw::Integer | Raw::Float | Raw::LBracket | Raw::LParen | Raw::Minus)
        );
        let mut depth = 0_usize;
        for at in (ahead..).take(MAX_LIST_AHEAD) {
            match self.raw(at) {
                Some(Raw::LBracket) => depth += 1,
                Some(Raw::RBracket) if depth == 1 => {
                    return match self.raw(at + 1) {
                        Some(Raw::Minus) => false,
                        Some(Raw::LBracket) => true,
                        _ => starts_a_value,
                    };
                }
                Some(Raw::RBracket) => depth -= 1,
                Some(_) => {}
                None => return false,
            }
        }
        false
    }

    fn plain_sign(&mut self, piece: Piece) -> Sign {
        match piece.raw {
            Raw::LParen => Sign::LParen,
            Raw::RParen => Sign::RParen,
            Raw::LBracket => Sign::LBracket,
            Raw::RBracket => Sign::RBracket,
            Raw::LBrace => Sign::LBrace,
            Raw::RBrace => Sign::RBrace,
            Raw::Comma => Sign::Comma,
            Raw::Dot => Sign::Dot,
            Raw::DotDot => Sign::DotDot,
            Raw::Semicolon => Sign::Semicolon,
            Raw::Colon => Sign::Colon,
            Raw::DoubleEqual => self.foreign(piece, "==", Sign::Equal, "="),
            Raw::NotEqual => Sign::NotEqual,
            Raw::BangEqual => self.foreign(piece, "!=", Sign::NotEqual, "<>"),
            Raw::Less => Sign::Less,
            Raw::LessOrEqual => Sign::LessOrEqual,
            Raw::Greater => Sign::Greater,
            Raw::GreaterOrEqual => Sign::GreaterOrEqual,
            Raw::Matches => Sign::Matches,
            Raw::Plus => Sign::Plus,
            Raw::Minus => Sign::Minus,
            Raw::Star => Sign::Star,
            Raw::Slash => Sign::Slash,
            Raw::Percent => Sign::Percent,
            Raw::Caret => Sign::Caret,
            Raw::Bar => match self.bracket() {
                Bracket::List | Bracket::Reduce => Sign::Bar,
                _ => Sign::LabelBar,
            },
            Raw::Concat => Sign::Concat,
            Raw::Ampersand => Sign::Ampersand,
            Raw::Bang => Sign::Bang,
            // The other pieces never come here; an equals sign is the harmless reading.
            _ => Sign::Equal,
        }
    }

    /// A sign of other languages, read as what it means there.
    fn foreign(&mut self, piece: Piece, written: &str, sign: Sign, meant: &str) -> Sign {
        let span = Span::new(piece.start, piece.end);
        let message = format!("`{written}` is not an operator of the language");
        let diagnostic = Diagnostic::new(Code::Syntax, span, message);
        self.diagnostics
            .push(diagnostic.help(format!("write `{meant}`")));
        sign
    }

    /// What a sign opens, judged by what stands before it.
    fn bracket_of(&self, sign: Sign) -> Bracket {
        let last = self.last();
        match (sign, last) {
            (Sign::LBracket, _) => Bracket::List,
            (Sign::LParen, Some(Token::Keyword(Keyword::Reduce))) => Bracket::Reduce,
            (Sign::LParen, Some(Token::Keyword(Keyword::Call))) => Bracket::CallImports,
            (Sign::LParen, _) => Bracket::Paren,
            (
                _,
                Some(Token::Keyword(
                    Keyword::Exists | Keyword::Count | Keyword::Collect | Keyword::Call,
                )),
            ) => Bracket::Block,
            (_, Some(Token::Sign(Sign::RParen)))
                if self.nesting.closed() == Bracket::CallImports =>
            {
                Bracket::Block
            }
            _ => Bracket::Map,
        }
    }
}

/// Whether an operand can end with this token.
fn ends_operand(token: Token<'_>) -> bool {
    match token {
        Token::Word(_)
        | Token::Quoted(_)
        | Token::Bare(_)
        | Token::Str(_)
        | Token::Number(_)
        | Token::Parameter(_)
        | Token::Invalid => true,
        Token::Sign(sign) => matches!(sign, Sign::RParen | Sign::RBracket | Sign::RBrace),
        Token::Keyword(keyword) => {
            !keyword.is_reserved()
                || matches!(keyword, Keyword::Null | Keyword::True | Keyword::False)
        }
        Token::StartQuery | Token::StartDefinitions => false,
    }
}
