//! What was probably meant, where the grammar alone says only what fits.
//!
//! People come from SQL, from Cypher with its writes, and from programming languages; each table
//! here holds what they write and what this language has for it.

use super::error::Wanted;
use super::missing::missing;
use super::slip::slip;
use crate::ast::Span;
use crate::token::{Keyword, Lexeme, Sign, Token};

/// The text around a failure.
pub(super) struct Site<'t, 's> {
    pub(super) text: &'s str,
    pub(super) tokens: &'t [Lexeme<'s>],
    /// The token that does not fit; `None` at the end of the text.
    pub(super) token: Option<Token<'s>>,
    pub(super) span: Span,
}

impl<'s> Site<'_, 's> {
    /// The token `n` places before the failure; the nearest is 1.
    pub(super) fn before(&self, n: usize) -> Option<Token<'s>> {
        let at = self.at().checked_sub(n)?;
        self.tokens.get(at).map(|lexeme| lexeme.token)
    }

    /// The token after the failing one.
    pub(super) fn after(&self) -> Option<Token<'s>> {
        self.tokens.get(self.at() + 1).map(|lexeme| lexeme.token)
    }

    /// The tokens before the failure.
    pub(super) fn all_before(&self) -> &[Lexeme<'s>] {
        self.tokens.get(..self.at()).unwrap_or(self.tokens)
    }

    /// The index of the failing token.
    fn at(&self) -> usize {
        let start = self.span.start as usize;
        self.tokens.partition_point(|lexeme| lexeme.start < start)
    }

    pub(super) fn follows(&self, keyword: Keyword) -> bool {
        self.before(1) == Some(Token::Keyword(keyword))
    }

    fn follows_sign(&self, sign: Sign) -> bool {
        self.before(1) == Some(Token::Sign(sign))
    }

    /// The word that starts the clause the failure is in.
    pub(super) fn clause(&self) -> Option<Keyword> {
        let before = self.tokens.get(..self.at())?;
        before.iter().rev().find_map(|lexeme| match lexeme.token {
            Token::Keyword(keyword) if keyword.starts_clause() || keyword.is_verb() => {
                Some(keyword)
            }
            _ => None,
        })
    }

    pub(super) fn is_in_verb(&self) -> bool {
        let before = self.tokens.get(..self.at()).unwrap_or(&[]);
        let yields = before
            .iter()
            .rev()
            .take_while(|lexeme| !matches!(lexeme.token, Token::Keyword(word) if word.is_verb()))
            .any(|lexeme| lexeme.token == Token::Keyword(Keyword::Yield));
        self.clause().is_some_and(Keyword::is_verb) && !yields
    }

    /// Whether two minus signs without a space stand before the failure: a comment of SQL.
    fn follows_dashes(&self) -> bool {
        let before = self.tokens.get(..self.at()).unwrap_or(&[]);
        before.windows(2).any(|pair| match pair {
            [first, second] => {
                first.end == second.start
                    && first.token == Token::Sign(Sign::Minus)
                    && second.token == Token::Sign(Sign::Minus)
            }
            _ => false,
        })
    }
}

/// A guess at what was meant.
pub(super) fn hint(site: &Site<'_, '_>, wanted: &Wanted) -> Option<String> {
    if site.follows_dashes() {
        return Some("a comment starts with `//`".to_owned());
    }
    let Some(token) = site.token else {
        return missing(site, wanted);
    };
    if site.before(2) == Some(Token::Keyword(Keyword::Upgrade)) {
        return Some(UPGRADE.to_owned());
    }
    if let Some(help) = slip(site, wanted) {
        return Some(help);
    }
    let fixed = match token {
        Token::Sign(sign) => of_sign(site, sign, wanted),
        Token::Str(_) => of_string(site),
        Token::Number(_) => of_number(site),
        _ => None,
    };
    if let Some(help) = fixed {
        return Some(help.to_owned());
    }
    let word = match token {
        Token::Word(word) => word,
        Token::Keyword(keyword) => keyword.text(),
        _ => return missing(site, wanted),
    };
    if let Some(help) = of_word(site, &word.to_ascii_uppercase(), wanted) {
        return Some(help.to_owned());
    }
    if let Some(help) = missing(site, wanted) {
        return Some(help);
    }
    if let Token::Keyword(keyword) = token {
        let written = site.span.slice(site.text);
        return (wanted.name && keyword.is_reserved()).then(|| {
            format!(
                "`{written}` is a word of the language; write `` `{written}` `` to use it as a name"
            )
        });
    }
    if wanted.clause
        && let Some(verb) = near_verb(word)
    {
        return Some(format!("did you mean `{verb}`?"));
    }
    if let Some(near) = near_keyword(word) {
        return Some(format!("did you mean `{near}`?"));
    }
    if site.all_before().is_empty() && wanted.clause {
        return Some(FIRST_WORD.to_owned());
    }
    let follows_operand = matches!(
        site.before(1),
        Some(Token::Word(_) | Token::Sign(Sign::RParen))
    );
    (wanted.alias && follows_operand)
        .then(|| "write `,` between two items, or `AS` before a new name".to_owned())
}

pub(super) const ENDS: &str = "an end is a node such as `(d:DataStore)`, a state such as `exec(w:Workload)`, or `ATTACKER` with a profile";
const FIRST_WORD: &str =
    "a query starts with `MATCH (n:Label)`, or with a verb such as `ATTACK PATHS`";
const ARROWS: &str = "a relationship is written `-->`, `<--`, `--` or `-[:KIND]->`";
pub(super) const NODES: &str = "a node stands in parentheses: `(w:Workload)`";
const UPGRADE: &str = "a package is named by its package URL, with the version that replaces it: `WHAT IF UPGRADE 'pkg:npm/x@1' TO '2'`";
const AFTER_YIELD: &str =
    "`RETURN` stands between: `YIELD state RETURN state ORDER BY state LIMIT 5`";
const ORDER_PLACE: &str =
    "`ORDER BY`, `SKIP` and `LIMIT` follow the items of a `WITH` or `RETURN`, in this order";

fn of_sign(site: &Site<'_, '_>, sign: Sign, wanted: &Wanted) -> Option<&'static str> {
    let starts_pattern = site.follows(Keyword::Match) || site.before(2) == MATCH;
    Some(match sign {
        Sign::Minus if wanted.arrow && matches!(site.after(), Some(Token::Word(_))) => {
            "a kind stands in brackets: `-[:KIND]->`"
        }
        Sign::Minus | Sign::Less | Sign::Greater | Sign::Equal if wanted.arrow => ARROWS,
        Sign::Colon
        | Sign::Minus
        | Sign::Less
        | Sign::RightArrow
        | Sign::LBracket
        | Sign::LBrace
            if starts_pattern =>
        {
            NODES
        }
        Sign::Equal if site.before(2) == LBRACE || site.before(2) == COMMA => {
            "a property of a pattern is written `name: value`; a condition goes to `WHERE`"
        }
        Sign::RBrace if site.before(2) == LBRACE => "a parameter is written `$name`",
        Sign::Minus if matches!(site.before(1), Some(Token::Number(_))) => {
            "a range is written `*1..3`"
        }
        Sign::Greater if site.follows(Keyword::Likelihood) || site.follows(Keyword::Confidence) => {
            "the bound counts: write `>=`"
        }
        Sign::Percent if site.is_in_verb() => "a likelihood is a number from 0 to 1, such as `0.5`",
        Sign::Greater if site.follows_sign(Sign::Minus) => {
            "a test of each element is written `any(x IN list WHERE x > 1)`"
        }
        Sign::Bang if wanted.expression => "write `NOT`",
        Sign::Comma if site.is_in_verb() => "no comma stands between the parts of a verb",
        Sign::Comma if is_in_parenthesis_after_in(site) => {
            "a list stands in square brackets: `[1, 2]`"
        }
        Sign::LParen if site.follows(Keyword::Upgrade) => UPGRADE,
        Sign::LParen if site.clause() == Some(Keyword::WhyNot) => {
            "name the rule first: `WHY NOT exploit-network-cve TO (d)`"
        }
        _ => return None,
    })
}

const MATCH: Option<Token<'static>> = Some(Token::Keyword(Keyword::Match));
const LBRACE: Option<Token<'static>> = Some(Token::Sign(Sign::LBrace));
const COMMA: Option<Token<'static>> = Some(Token::Sign(Sign::Comma));

/// `x IN (1, 2`: the first item and the parenthesis stand before the comma.
fn is_in_parenthesis_after_in(site: &Site<'_, '_>) -> bool {
    site.before(2) == Some(Token::Sign(Sign::LParen))
        && site.before(3) == Some(Token::Keyword(Keyword::In))
}

fn of_string(site: &Site<'_, '_>) -> Option<&'static str> {
    Some(match site.before(1)? {
        Token::Str(_) => "a quote inside a text is written with a backslash: `'it\\'s'`",
        Token::Sign(Sign::Dot) => "texts are joined with `+`",
        Token::Keyword(Keyword::Not) if site.before(2) == Some(Token::Keyword(Keyword::Is)) => {
            "write `<>` for not equal"
        }
        _ => return None,
    })
}

fn of_number(site: &Site<'_, '_>) -> Option<&'static str> {
    Some(match site.before(1)? {
        Token::Sign(Sign::LBrace) => "a quantifier follows the bracket: `-[:KIND]->{1,3}`",
        Token::Keyword(Keyword::Top) if !site.is_in_verb() => "write `LIMIT` at the end",
        Token::Keyword(Keyword::Not) if site.before(2) == Some(Token::Keyword(Keyword::Is)) => {
            "write `<>` for not equal"
        }
        Token::Word(word) if word.eq_ignore_ascii_case("top") => "write `LIMIT` at the end",
        _ => return None,
    })
}

/// Words of other languages, and words of this one at a wrong place.
fn of_word(site: &Site<'_, '_>, word: &str, wanted: &Wanted) -> Option<&'static str> {
    let is_first = site.at() == 0;
    let returns = matches!(site.clause(), Some(Keyword::Return | Keyword::With));
    Some(match word {
        "SELECT" if is_first => {
            "start with `MATCH (n:Label)`; what to return comes last: `RETURN n.name`"
        }
        "WHERE" if is_first => "`WHERE` follows the `MATCH` whose rows it filters",
        "SHOW" | "DESCRIBE" if is_first => {
            "`MATCH (n) RETURN labels(n), count(*)` lists labels, `MATCH ()-[r]->() RETURN type(r), count(*)` kinds"
        }
        "USE" if is_first => "leave it out: there is one graph",
        "WHERE" if site.is_in_verb() => {
            "put the condition inside an end, `(d:DataStore WHERE ...)`, or behind `YIELD`"
        }
        "LIMIT" | "ORDER" | "SKIP" if site.is_in_verb() => {
            "write `TOP 5` in the verb, or `YIELD ... RETURN ... LIMIT 5` behind it"
        }
        "TOO" if site.is_in_verb() => "did you mean `TO`?",
        "WHERE" if returns => {
            "`WHERE` stands before `RETURN`; what is returned is filtered by `WITH ... WHERE ... RETURN`"
        }
        "GROUP" if returns => "leave it out: rows are grouped by the items without an aggregate",
        "HAVING" if returns => "write `WITH ... WHERE ... RETURN ...` to filter groups",
        "ORDER" | "LIMIT" | "SKIP" | "OFFSET"
            if wanted.clause && site.clause().is_some_and(Keyword::is_verb) =>
        {
            AFTER_YIELD
        }
        "ORDER" | "LIMIT" | "SKIP" | "OFFSET" if wanted.clause => ORDER_PLACE,
        "FROM" if returns => "leave it out: `MATCH (n:Label)` before says where the rows come from",
        "LIKE" | "ILIKE" | "RLIKE" | "REGEXP" if wanted.operator => {
            "write `CONTAINS`, `STARTS WITH` or `ENDS WITH`, or `=~` with a regular expression"
        }
        "NOT" if wanted.operator => {
            "`NOT` stands before the whole condition: `NOT n.name IN ['a']`"
        }
        "BETWEEN" if wanted.operator => "write `1 <= n.count <= 3`",
        "JOIN" | "INNER" | "LEFT" | "RIGHT" | "CROSS" if wanted.clause => {
            "write the relationship into the pattern: `(a)-[:KIND]->(b)`; `OPTIONAL MATCH` keeps rows without one"
        }
        "USING" if wanted.clause => {
            "leave the hint out: the planner chooses indexes and join order"
        }
        "INTERSECT" | "EXCEPT" | "MINUS" if wanted.clause => {
            "write `WHERE EXISTS { ... }` or `WHERE NOT EXISTS { ... }`"
        }
        _ if site.before(2) == Some(Token::Sign(Sign::LParen))
            && matches!(site.before(1), Some(Token::Word(_)))
            && matches!(site.token, Some(Token::Word(_)))
            && wanted.labels =>
        {
            "a label follows a colon: `(w:Workload)`"
        }
        _ if wanted.labels && site.before(2) == Some(Token::Sign(Sign::Colon)) => {
            "a condition inside a pattern starts with `WHERE`"
        }
        _ => return None,
    })
}

/// The verb whose first word this is, or nearly is.
fn near_verb(word: &str) -> Option<&'static str> {
    const VERBS: [&str; 7] = [
        "ATTACK PATHS",
        "EXPLOITABILITY OF",
        "BLAST RADIUS OF",
        "CHOKE POINTS",
        "FIX PLAN",
        "WHY NOT",
        "WHAT IF",
    ];
    let upper = word.to_ascii_uppercase();
    let first = |verb: &'static str| verb.split(' ').next().unwrap_or(verb);
    let near = VERBS
        .into_iter()
        .find(|verb| first(verb) == upper || verb.replace(' ', "") == upper);
    near.or_else(|| {
        let near = crate::nearest::nearest(&upper, VERBS.into_iter().map(first))?;
        VERBS
            .into_iter()
            .find(|verb| near.len() > 3 && first(verb) == near)
    })
}

fn near_keyword(word: &str) -> Option<&'static str> {
    let known = Keyword::ALL
        .iter()
        .filter(|keyword| keyword.is_reserved() || keyword.starts_clause())
        .map(|keyword| keyword.text())
        .chain([
            "ORDER", "LIMIT", "SKIP", "STARTS", "ENDS", "CONTAINS", "YIELD", "FROM", "AVOIDING",
        ]);
    crate::nearest::nearest(word, known).filter(|near| near.len() > 2)
}
