//! What is missing: a word that must come, an operand, the end of something.

use super::error::{Wanted, innermost_open};
use super::hint::{ENDS, NODES, Site};
use crate::token::{Keyword, Lexeme, Sign, Token};

/// What to write before the failure, if something is missing there.
pub(super) fn missing(site: &Site<'_, '_>, wanted: &Wanted) -> Option<String> {
    if is_stray(site) {
        return Some("leave it out: no bracket is open here".to_owned());
    }
    if let Some(help) = word(site, wanted) {
        return Some(help.to_owned());
    }
    if is_bare_end(site, wanted) {
        return Some(ENDS.to_owned());
    }
    if !ends_here(site) {
        return None;
    }
    if let Some(help) = end_of_a_pattern(site, wanted) {
        return Some(help.to_owned());
    }
    operand(site, wanted)
}

/// `FROM internet`, `TO 'ledger'`: what stands for an end is no end.
fn is_bare_end(site: &Site<'_, '_>, wanted: &Wanted) -> bool {
    let is_word = |token: Option<Token<'_>>| {
        matches!(
            token,
            Some(Token::Keyword(
                Keyword::ExploitabilityOf
                    | Keyword::Of
                    | Keyword::From
                    | Keyword::To
                    | Keyword::Via
                    | Keyword::Avoiding
            ))
        )
    };
    let is_end = is_word(site.before(1)) || is_word(site.before(2));
    site.is_in_verb() && is_end && wanted.has_word("(")
}

/// Whether the failing token closes what nothing opened.
fn is_stray(site: &Site<'_, '_>) -> bool {
    let closes = matches!(
        site.token,
        Some(Token::Sign(
            Sign::RParen | Sign::RBracket | Sign::RBrace | Sign::RightClose | Sign::RightArrowClose
        ))
    );
    closes && innermost_open(site.all_before()).is_none()
}

/// Whether nothing more of an expression or pattern can come: the text, a clause or a bracket
/// ends.
fn ends_here(site: &Site<'_, '_>) -> bool {
    match site.token {
        None => true,
        Some(Token::Keyword(keyword)) => {
            keyword.starts_clause()
                || matches!(
                    keyword,
                    Keyword::Where
                        | Keyword::Order
                        | Keyword::Skip
                        | Keyword::Limit
                        | Keyword::As
                        | Keyword::Union
                        | Keyword::Yield
                        | Keyword::When
                        | Keyword::Then
                        | Keyword::Else
                        | Keyword::End
                        | Keyword::And
                        | Keyword::Or
                        | Keyword::Xor
                )
        }
        Some(Token::Sign(sign)) => matches!(
            sign,
            Sign::RParen
                | Sign::RBracket
                | Sign::RBrace
                | Sign::RightClose
                | Sign::RightArrowClose
                | Sign::Comma
                | Sign::Semicolon
        ),
        _ => false,
    }
}

/// A word without which the rest has no meaning.
fn word(site: &Site<'_, '_>, wanted: &Wanted) -> Option<&'static str> {
    let has = |word: &str| wanted.has_word(word);
    let clause = site.clause();
    Some(if has("BY") && site.follows(Keyword::Order) {
        "write `ORDER BY`"
    } else if has("END") && ends_here(site) {
        "a `CASE` ends with `END`: `CASE WHEN n.x > 1 THEN 'many' ELSE 'one' END`"
    } else if has("THEN") {
        "what a `WHEN` gives stands behind `THEN`: `CASE WHEN n.x > 1 THEN 'many' END`"
    } else if has("WHEN") && !has("END") {
        "a `CASE` has at least one `WHEN`: `CASE n.x WHEN 1 THEN 'one' END`"
    } else if has("MATCH") && site.follows(Keyword::Optional) {
        "write `OPTIONAL MATCH`"
    } else if has("WITH") && site.follows(Keyword::Starts) {
        "write `STARTS WITH`"
    } else if has("WITH") && site.follows(Keyword::Ends) {
        "write `ENDS WITH`"
    } else if has("NULL") && site.follows(Keyword::Is) {
        "`IS` asks for null only: write `IS NULL`, or `=` for another value"
    } else if has("OF") && clause == Some(Keyword::BlastRadius) {
        "write `BLAST RADIUS OF (w:Workload)`"
    } else if has("STEPS") && site.is_in_verb() {
        "write `WITHIN 5 STEPS`"
    } else if has("PAIR") {
        "write `PER SOURCE`, `PER TARGET` or `PER PAIR`"
    } else if has("APPLY") && site.follows(Keyword::WhatIf) {
        "say what changes: `WHAT IF REMOVE (w:Workload {name: 'web'})` and then the query"
    } else if has("TO") && site.all_before().iter().any(is_upgrade) {
        "write `UPGRADE pkg:npm/x@1 TO 2`"
    } else if has("TO") && site.all_before().iter().any(is_diff) {
        "write two snapshots, then the query: `DIFF first TO second ATTACK PATHS`"
    } else if has("AS") && clause == Some(Keyword::Unwind) {
        "give each element a name: `UNWIND [1, 2] AS x`"
    } else {
        return None;
    })
}

fn is_upgrade(lexeme: &Lexeme<'_>) -> bool {
    lexeme.token == Token::Keyword(Keyword::Upgrade)
}

fn is_diff(lexeme: &Lexeme<'_>) -> bool {
    lexeme.token == Token::Keyword(Keyword::Diff)
}

/// A pattern that stops in the middle.
fn end_of_a_pattern(site: &Site<'_, '_>, wanted: &Wanted) -> Option<&'static str> {
    let Token::Sign(sign) = site.before(1)? else {
        return None;
    };
    Some(match sign {
        Sign::RightClose
        | Sign::RightArrowClose
        | Sign::RightArrow
        | Sign::LeftArrow
        | Sign::Line
        | Sign::BothArrow => "a relationship ends at a node: `-[:KIND]->(n)`",
        Sign::Colon if wanted.name => {
            let is_kind = matches!(
                innermost_open(site.all_before()).map(|open| open.token),
                Some(Token::Sign(Sign::LeftOpen | Sign::LeftArrowOpen))
            );
            if is_kind {
                "a kind follows the colon: `-[:KIND]->`"
            } else {
                "a label follows the colon: `(n:Label)`"
            }
        }
        _ => return None,
    })
}

/// What must follow the last word or sign.
fn operand(site: &Site<'_, '_>, wanted: &Wanted) -> Option<String> {
    let last = site.before(1)?;
    let help = match last {
        Token::Word(_) if site.is_in_verb() && site.token.is_none() => ENDS,
        Token::Keyword(
            Keyword::ExploitabilityOf
            | Keyword::Of
            | Keyword::From
            | Keyword::To
            | Keyword::Via
            | Keyword::Avoiding,
        ) if site.is_in_verb() => ENDS,
        Token::Keyword(Keyword::Match) => NODES,
        Token::Keyword(Keyword::Return) if site.token != Some(Token::Keyword(Keyword::Match)) => {
            "say what to return: `RETURN n.name`, or `RETURN *` for every name"
        }
        Token::Keyword(Keyword::Where) if wanted.expression => {
            "a condition follows `WHERE`: `WHERE n.x > 1`"
        }
        Token::Keyword(Keyword::Limit) => "say how many: `LIMIT 10`",
        Token::Keyword(Keyword::Skip) => "say how many: `SKIP 10`",
        Token::Keyword(Keyword::By) => "say by what: `ORDER BY n.x DESC`",
        Token::Keyword(Keyword::As) => "a new name follows `AS`",
        Token::Sign(Sign::Comma) => "leave the last comma out, or write what follows it",
        Token::Sign(Sign::Dot) => "a property follows the dot: `n.name`",
        Token::Sign(Sign::Plus) if site.before(2) == Some(Token::Sign(Sign::Plus)) => {
            "nothing counts up in place: write `n.x + 1`"
        }
        Token::Sign(
            Sign::Plus
            | Sign::Minus
            | Sign::Star
            | Sign::Slash
            | Sign::Percent
            | Sign::Caret
            | Sign::Concat
            | Sign::Equal
            | Sign::NotEqual
            | Sign::Less
            | Sign::LessOrEqual
            | Sign::Greater
            | Sign::GreaterOrEqual
            | Sign::Matches,
        )
        | Token::Keyword(
            Keyword::And
            | Keyword::Or
            | Keyword::Xor
            | Keyword::Not
            | Keyword::In
            | Keyword::Contains
            | Keyword::With,
        ) if wanted.expression => return Some(format!("`{last}` needs a value behind it")),
        _ => return None,
    };
    Some(help.to_owned())
}
