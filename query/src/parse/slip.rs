//! Slips of the pen: a sign or word that belongs elsewhere, judged by what is around it.

use super::error::{Wanted, closing, innermost_open};
use super::hint::Site;
use crate::func::{Function, aggregate::Aggregate};
use crate::token::{Keyword, Sign, Token};

/// What was probably meant at the failing token.
pub(super) fn slip(site: &Site<'_, '_>, wanted: &Wanted) -> Option<String> {
    let token = site.token?;
    let open = innermost_open(site.all_before()).map(|open| open.token);
    let help = match open {
        Some(Token::Sign(Sign::LeftOpen | Sign::LeftArrowOpen)) => relationship(site, token),
        Some(Token::Sign(Sign::LParen)) => parenthesis(site, token, wanted),
        Some(Token::Sign(Sign::LBrace)) => map(token, wanted),
        Some(Token::Sign(Sign::LBracket)) if separates(wanted, "]") && is_value(token) => {
            Some("the items of a list are separated by commas")
        }
        _ => None,
    };
    if let Some(help) = help.or_else(|| anywhere(site, token, wanted)) {
        return Some(help.to_owned());
    }
    if let Some(open) = open
        && is_closing(token)
        && closing(open) != token.to_string()
    {
        return Some(format!("write `{}`: `{open}` is open", closing(open)));
    }
    uncalled(site, token, wanted)
}

fn is_closing(token: Token<'_>) -> bool {
    matches!(
        token,
        Token::Sign(Sign::RParen | Sign::RBracket | Sign::RBrace)
    )
}

fn is_value(token: Token<'_>) -> bool {
    matches!(
        token,
        Token::Word(_) | Token::Quoted(_) | Token::Str(_) | Token::Number(_) | Token::Parameter(_)
    )
}

fn separates(wanted: &Wanted, end: &str) -> bool {
    wanted.has_word(",") && wanted.has_word(end)
}

/// Inside `-[...]-`.
fn relationship(site: &Site<'_, '_>, token: Token<'_>) -> Option<&'static str> {
    const RANGE: &str = "a length is written `*1..3`";
    let follows_number = matches!(site.before(1), Some(Token::Number(_)));
    Some(match token {
        Token::Sign(Sign::RBracket) => match site.after() {
            Some(Token::Sign(Sign::Star | Sign::LBrace)) => {
                "a length stands inside the brackets, `-[:KIND*1..3]->`, or behind the arrow, `-[:KIND]->{1,3}`"
            }
            _ => "a relationship ends with `]->` or `]-`",
        },
        Token::Sign(Sign::Comma) | Token::Word(_) | Token::Keyword(_) if follows_number => RANGE,
        Token::Sign(Sign::Comma)
            if site.before(2) == Some(Token::Sign(Sign::Colon))
                || site.before(2) == Some(Token::Sign(Sign::LabelBar)) =>
        {
            "several kinds are separated by `|`: `-[:CALLS|READS]->`"
        }
        Token::Sign(Sign::Colon) if follows_number => {
            "the kind stands before the length: `-[:KIND*1..3]->`"
        }
        Token::Str(_) if site.before(1) == Some(Token::Sign(Sign::Colon)) => {
            "a kind has no quotes; one with blanks stands in back quotes"
        }
        _ => return None,
    })
}

/// Inside `(...)`.
fn parenthesis(site: &Site<'_, '_>, token: Token<'_>, wanted: &Wanted) -> Option<&'static str> {
    let follows_label = wanted.labels && site.before(2) == Some(Token::Sign(Sign::Colon));
    Some(match token {
        Token::Sign(Sign::Comma) | Token::Keyword(Keyword::Or | Keyword::And) if follows_label => {
            "labels are joined with `|` for either, `&` for both: `(n:Workload|DataStore)`"
        }
        Token::Sign(Sign::Dot) if wanted.labels => "a label follows a colon: `(w:Workload)`",
        Token::Str(_) if site.before(1) == Some(Token::Sign(Sign::Colon)) => {
            "a label has no quotes; one with blanks stands in back quotes"
        }
        Token::Word(_)
            if matches!(
                site.before(2),
                Some(Token::Keyword(
                    Keyword::ShortestPath | Keyword::AllShortestPaths
                ))
            ) =>
        {
            "the pattern has its own parentheses inside: `shortestPath((a)-[*]->(b))`"
        }
        _ => return None,
    })
}

/// Inside `{...}`.
fn map(token: Token<'_>, wanted: &Wanted) -> Option<&'static str> {
    Some(match token {
        Token::Str(_) if wanted.name => "a key has no quotes: `{name: 'web'}`",
        Token::Sign(
            Sign::Less | Sign::LessOrEqual | Sign::Greater | Sign::GreaterOrEqual | Sign::NotEqual,
        ) if wanted.has_word(":") => {
            "a property of a pattern is written `name: value`; a condition goes to `WHERE`"
        }
        _ if is_value(token) && wanted.has_word(":") => {
            "a colon stands between a key and its value: `{name: 'web'}`"
        }
        _ if is_value(token) && separates(wanted, "}") => {
            "the entries of a map are separated by commas"
        }
        _ => return None,
    })
}

fn anywhere(site: &Site<'_, '_>, token: Token<'_>, wanted: &Wanted) -> Option<&'static str> {
    let is_named = site.before(2) == Some(Token::Keyword(Keyword::As))
        || site.before(1) == Some(Token::Keyword(Keyword::As));
    Some(match token {
        _ if site.before(1) == Some(Token::Sign(Sign::Semicolon)) => {
            "`;` ends the query: leave it out, or ask one query after the other"
        }
        Token::Sign(Sign::Star) if site.before(1) == Some(Token::Sign(Sign::Dot)) => {
            "every property is `n{.*}`, or `properties(n)`"
        }
        Token::Sign(Sign::Comma) if site.before(2) == Some(Token::Keyword(Keyword::Limit)) => {
            "write `SKIP 1 LIMIT 2`"
        }
        Token::Sign(Sign::Comma) if wanted.clause && is_in_where(site) => {
            "conditions are joined with `AND` or `OR`"
        }
        Token::Keyword(Keyword::Where) if wanted.clause && is_in_where(site) => {
            "write one `WHERE` and `AND` between its conditions"
        }
        Token::Sign(Sign::Slash) if site.before(1) == Some(Token::Sign(Sign::Matches)) => {
            "a regular expression stands in quotes: `=~ 'web.*'`"
        }
        Token::Sign(
            Sign::RightArrow | Sign::LeftArrow | Sign::Line | Sign::LeftOpen | Sign::LeftArrowOpen,
        ) if follows_exists(site) => "write `EXISTS { (a)-->(b) }`",
        Token::Keyword(Keyword::Not) if wanted.operator => match site.after() {
            Some(Token::Keyword(Keyword::Null)) => "write `IS NOT NULL`",
            Some(Token::Sign(Sign::Equal)) => "write `<>` for not equal",
            _ => return None,
        },
        Token::Word(_)
            if matches!(
                site.before(1),
                Some(Token::Keyword(Keyword::Asc | Keyword::Desc))
            ) && site.before(2) == Some(Token::Keyword(Keyword::By)) =>
        {
            "the direction stands behind: `ORDER BY n.name DESC`"
        }
        Token::Word(_) if site.before(1) == Some(Token::Keyword(Keyword::Shortest)) => {
            "write `shortestPath((a)-[*]->(b))`, or `SHORTEST 1 (a)-->*(b)`"
        }
        Token::Sign(Sign::Dot) if is_named => "the new name comes last: `a.team AS team`",
        Token::Word(word) if is_named && !is_clause_of_sql(word) => NEW_NAME,
        Token::Str(_) | Token::Sign(Sign::Minus) if is_named => NEW_NAME,
        _ => return None,
    })
}

const NEW_NAME: &str =
    "a new name is one word without quotes, or stands in back quotes: `` AS `team name` ``";

fn is_clause_of_sql(word: &str) -> bool {
    ["FROM", "HAVING", "GROUP"]
        .iter()
        .any(|clause| word.eq_ignore_ascii_case(clause))
}

/// Whether the last clause has a `WHERE` already.
fn is_in_where(site: &Site<'_, '_>) -> bool {
    let before = site.all_before().iter().rev();
    before
        .take_while(
            |lexeme| !matches!(lexeme.token, Token::Keyword(keyword) if keyword.starts_clause()),
        )
        .any(|lexeme| lexeme.token == Token::Keyword(Keyword::Where))
}

/// `EXISTS (a)` stands before the failing token.
fn follows_exists(site: &Site<'_, '_>) -> bool {
    let before = site.all_before();
    let open = before
        .iter()
        .rposition(|lexeme| lexeme.token == Token::Sign(Sign::LParen));
    let word = open
        .and_then(|at| at.checked_sub(1))
        .and_then(|at| before.get(at));
    word.is_some_and(
        |lexeme| matches!(lexeme.token, Token::Word(word) if word.eq_ignore_ascii_case("exists")),
    )
}

/// `collect n.name`: a function without its parentheses.
fn uncalled(site: &Site<'_, '_>, token: Token<'_>, wanted: &Wanted) -> Option<String> {
    let Some(Token::Word(name)) = site.before(1) else {
        return None;
    };
    let is_function = Function::find(name).is_some() || Aggregate::find(name).is_some();
    (is_function && wanted.operator && is_value(token))
        .then(|| format!("a function has parentheses: `{name}({token})`"))
}
