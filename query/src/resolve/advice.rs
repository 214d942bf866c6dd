//! What to write instead, where names and types show the mistake.

use crate::ast::Span;
use crate::diagnostic::Diagnostic;
use crate::func::Function;
use crate::token::{Dialect, Keyword, Lexeme, Token, lex};
use crate::types::Ty;

use super::Scope;

/// For a value of the wrong type that is written as `text`.
pub(super) fn for_type(wanted: &str, found: &Ty, text: &str) -> Option<String> {
    let unquoted = text.trim_matches(['\'', '"']);
    let is_truth = unquoted.eq_ignore_ascii_case("true") || unquoted.eq_ignore_ascii_case("false");
    let wants = |what: &str| wanted.contains(what);
    Some(match found {
        Ty::Str if wants("a boolean") && is_truth => {
            format!("write `{}` without quotes", unquoted.to_ascii_lowercase())
        }
        Ty::Str if wants("an integer") || wants("a number") => {
            "`toInteger()` and `toFloat()` read a number from a text".to_owned()
        }
        Ty::Float | Ty::Number if wants("an integer") => {
            format!("write `toInteger({text})`")
        }
        Ty::Path if wants("a node, a relationship or a map") => {
            "`nodes()` and `relationships()` give the parts of a path".to_owned()
        }
        Ty::List(element)
            if wants("a node, a relationship or a map") && has_properties(element) =>
        {
            "take one element, `list[0].name`, or all: `[x IN list | x.name]`".to_owned()
        }
        Ty::Path if wants("a list") => {
            "write `nodes()` or `relationships()` of the path".to_owned()
        }
        Ty::Map if wants("a list") => "`keys()` gives a list of its names".to_owned(),
        Ty::Int | Ty::Float | Ty::Number if wants("a boolean") => {
            "a condition compares: `n.x > 0`".to_owned()
        }
        Ty::Str if wants("a boolean") => "a condition compares: `n.name = 'web'`".to_owned(),
        Ty::Node | Ty::Rel if wants("a boolean") => {
            "a condition asks something of it: `n.name IS NOT NULL`, `n:Label`, `(n)-->()`"
                .to_owned()
        }
        Ty::Int | Ty::Float | Ty::Number | Ty::Str | Ty::Node if wanted == "a list" => {
            format!("a list stands in square brackets: `[{text}]`")
        }
        _ => return None,
    })
}

fn has_properties(ty: &Ty) -> bool {
    matches!(ty, Ty::Node | Ty::Rel | Ty::Map)
}

/// For a function called with an argument of a type that it does not take.
pub(super) fn for_argument(function: &Function, found: &Ty, text: &str) -> Option<String> {
    let instead = match (function.name, found) {
        ("length", Ty::List(_) | Ty::Str) => "size",
        ("size", Ty::Path) => "length",
        ("type", Ty::Node) => "labels",
        ("labels", Ty::Rel) => "type",
        ("labels", Ty::Path) => return Some(format!("write `[n IN nodes({text}) | labels(n)]`")),
        ("type", Ty::Path) => {
            return Some(format!("write `[x IN relationships({text}) | type(x)]`"));
        }
        ("type" | "startNode" | "endNode", Ty::List(_)) => {
            return Some(format!("write `[x IN {text} | {}(x)]`", function.name));
        }
        ("length" | "nodes" | "relationships", Ty::Node | Ty::Rel) => {
            return Some("give the path a name: `MATCH p = (a)-->(b)`".to_owned());
        }
        ("size", Ty::Node) => {
            return Some(format!("count a pattern: `COUNT {{ ({text})-->() }}`"));
        }
        _ => {
            let param = function.params.first()?.name();
            return for_type(param, found, text);
        }
    };
    Some(format!("write `{instead}({text})`"))
}

/// For a name that stands for nothing at a place of the text.
pub(super) fn for_name(name: &str, span: Span, text: &str, scope: &Scope) -> Option<String> {
    let (before, after) = text.split_at_checked(span.start as usize)?;
    let before = lex(before, Dialect::Query).tokens;
    let is_head = |token: &Token<'_>| {
        matches!(token, Token::Word(word) if matches!(*word, "RULE" | "POLICY" | "ATTACKER"))
            || *token == Token::Keyword(Keyword::Union)
    };
    // From here back to the start of the query.
    let back = before.iter().rev().map(|lexeme| lexeme.token);
    let back: Vec<Token<'_>> = back.take_while(|token| !is_head(token)).collect();
    let stands = |tokens: &[Token<'_>]| tokens.contains(&Token::Word(name));
    let is_with = |pair: &[Token<'_>]| {
        let [word, before] = pair else { return false };
        let is_text = [Keyword::Starts, Keyword::Ends]
            .map(Token::Keyword)
            .contains(before);
        *word == Token::Keyword(Keyword::With) && !is_text
    };
    if let Some(at) = back.windows(2).position(is_with)
        && stands(back.get(at..)?)
    {
        return Some(format!(
            "`WITH` did not pass it on: add `{name}` to its items"
        ));
    }
    let ends = |token: &Token<'_>| *token == Token::Keyword(Keyword::Return);
    if let Some(at) = back.iter().position(ends)
        && back.get(..at)?.contains(&Token::Keyword(Keyword::Order))
        && stands(back.get(at..)?)
    {
        let help = "behind `DISTINCT` or an aggregate, `ORDER BY` sees the columns only";
        return Some(help.to_owned());
    }
    let after = lex(after, Dialect::Query).tokens;
    let is_named = |pair: &[Lexeme<'_>]| {
        let [word, named] = pair else { return false };
        word.token == Token::Keyword(Keyword::As) && named.token == Token::Word(name)
    };
    if after.windows(2).any(is_named) {
        return Some(format!(
            "the name is given later; `WITH ... AS {name} WHERE ...` filters by it"
        ));
    }
    known_names(scope)
}

/// The shortest known name that `name` begins or ends: `cvss_score` for `cvss`.
pub(super) fn longer_name<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    const SHORTEST: usize = 4;
    let last = format!("_{name}");
    known
        .filter(|known| name.len() >= SHORTEST && known.starts_with(name) || known.ends_with(&last))
        .min_by_key(|known| (known.len(), *known))
}

/// What can be named here.
fn known_names(scope: &Scope) -> Option<String> {
    const SHOWN: usize = 6;
    let names: Vec<String> = scope
        .own()
        .iter()
        .take(SHOWN)
        .map(|var| format!("`{}`", var.name))
        .collect();
    (!names.is_empty()).then(|| format!("known here: {}", names.join(", ")))
}

/// For an operator that does not work on these operands.
pub(super) fn for_operands(left: &Ty, right: &Ty) -> Option<&'static str> {
    let has = |wanted: fn(&Ty) -> bool| wanted(left) || wanted(right);
    if has(|ty| *ty == Ty::Str) && has(Ty::may_be_number) {
        Some("`toInteger()` and `toFloat()` read a number from a text")
    } else if has(|ty| *ty == Ty::Bool) {
        Some("`CASE WHEN x THEN 1 ELSE 0 END` makes a number of a boolean")
    } else if has(|ty| matches!(ty, Ty::Node | Ty::Rel)) {
        Some("name a property: `n.name`")
    } else {
        None
    }
}

/// How a function is called.
pub(super) fn call(function: &Function) -> String {
    let params = function.params.iter().enumerate().map(|(at, param)| {
        let name = param.name();
        let is_optional = at >= function.min;
        if is_optional {
            format!("perhaps {name}")
        } else {
            name.to_owned()
        }
    });
    let params: Vec<String> = params.collect();
    match params.as_slice() {
        [] => format!("write `{}()`", function.name),
        _ => format!("in the parentheses stands {}", params.join(", then ")),
    }
}

/// For two types whose values are never equal, and never in an order.
pub(super) fn for_comparison(left: (&Ty, &str), right: (&Ty, &str)) -> Option<String> {
    let of = |wanted: fn(&Ty) -> bool| {
        if wanted(left.0) {
            Some((left, right))
        } else {
            wanted(right.0).then_some((right, left))
        }
    };
    if let Some((list, other)) = of(|ty| matches!(ty, Ty::List(_))) {
        return Some(format!("write `{} IN {}`", other.1, list.1));
    }
    if let Some((thing, _)) = of(|ty| matches!(ty, Ty::Node | Ty::Rel)) {
        return Some(format!(
            "compare a property of it, such as `{}.name`",
            thing.1
        ));
    }
    if let Some((_, other)) = of(|ty| *ty == Ty::Temporal) {
        return Some(match other.0 {
            Ty::Str => format!("write `date({0})` or `datetime({0})`", other.1),
            _ => "write `date('2026-01-31')` or `datetime('2026-01-31T12:00:00Z')`".to_owned(),
        });
    }
    if let Some((number, text)) = of(Ty::may_be_number)
        && *text.0 == Ty::Str
    {
        let is_written = text.1.starts_with(['\'', '"']);
        let is_digits = number.1.starts_with(|first: char| first.is_ascii_digit());
        return Some(if is_written {
            format!(
                "write `{}` without quotes",
                text.1.trim_matches(['\'', '"'])
            )
        } else if is_digits {
            format!("write `'{}'`", number.1)
        } else {
            "`toInteger()` and `toFloat()` read a number from a text".to_owned()
        });
    }
    if of(|ty| *ty == Ty::Bool).is_some() && of(|ty| *ty == Ty::Str).is_some() {
        return Some("`true` and `false` have no quotes".to_owned());
    }
    None
}

/// Whether no value of one type is ever equal to, less or greater than one of the other.
pub(super) fn never_compare(left: &Ty, right: &Ty) -> bool {
    let is_number = |ty: &Ty| matches!(ty, Ty::Int | Ty::Float | Ty::Number);
    let are_alike = std::mem::discriminant(left) == std::mem::discriminant(right)
        || is_number(left) && is_number(right);
    !left.is_open() && !right.is_open() && !are_alike
}

/// A diagnostic with help, if there is any.
pub(super) fn with(diagnostic: Diagnostic, help: Option<String>) -> Diagnostic {
    match help {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
}
