//! What can be typed next.
//!
//! The grammar itself says which words fit after the text before the cursor; the neighbourhood
//! says which names: labels after a colon, kinds inside a relationship, properties of what a
//! variable was declared as, columns after `YIELD`.

use crate::ast::Capability;
use crate::func::Function;
use crate::parse::expected_after;
use crate::token::{Dialect, Keyword, Lexeme, Sign, Token, comments, lex};
use crate::verb::verb_columns;
use std::collections::BTreeSet;

/// The names that completion offers beside those of the language.
pub trait Catalogue {
    /// The labels of the graph.
    fn labels(&self) -> Vec<Known>;
    /// The kinds of the graph and the groups of kinds.
    fn kinds(&self) -> Vec<Known>;
    /// The properties of a label or kind; of everything for `None` and for unknown names.
    fn properties(&self, owner: Option<&str>) -> Vec<Known>;
    /// The rules by name.
    fn rules(&self) -> Vec<String>;
    /// The techniques of the rules.
    fn techniques(&self) -> Vec<String>;
    /// The attacker profiles by name.
    fn attackers(&self) -> Vec<String>;
}

/// A label, kind or property and how often the graph has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// The name.
    pub name: String,
    /// The type of a property's values.
    pub r#type: Option<String>,
    /// Nodes that have it.
    pub n_nodes: u64,
    /// Relationships that have it.
    pub n_edges: u64,
}

impl Known {
    /// What it is and how often it occurs: `label, 12 nodes`.
    fn detail(&self, what: &str) -> String {
        let mut parts = vec![self.r#type.as_deref().unwrap_or(what).to_owned()];
        for (n, one, many) in [
            (self.n_nodes, "node", "nodes"),
            (self.n_edges, "relationship", "relationships"),
        ] {
            match n {
                0 => {}
                1 => parts.push(format!("1 {one}")),
                n => parts.push(format!("{n} {many}")),
            }
        }
        parts.join(", ")
    }
}

/// What can be typed at the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// The byte at which the word being typed starts; an item replaces the text from here.
    pub from: usize,
    /// The best first.
    pub items: Vec<Item>,
}

/// One thing that can be typed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Item {
    /// What it is; items are sorted by this first.
    pub kind: ItemKind,
    /// The text to insert.
    pub label: String,
    /// A few words about it.
    pub detail: String,
}

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ItemKind {
    /// A column of a verb.
    Column,
    /// A name declared before the cursor.
    Variable,
    /// A property.
    Property,
    /// A label.
    Label,
    /// A kind of relationship or a group of kinds.
    Kind,
    /// A parameter.
    Parameter,
    /// A rule.
    Rule,
    /// A technique of an attack.
    Technique,
    /// An attacker profile.
    Attacker,
    /// A capability of an attacker.
    Capability,
    /// A word of the language.
    Keyword,
    /// A function.
    Function,
}

impl ItemKind {
    /// The word used in JSON.
    pub fn name(self) -> &'static str {
        match self {
            ItemKind::Column => "column",
            ItemKind::Variable => "variable",
            ItemKind::Property => "property",
            ItemKind::Label => "label",
            ItemKind::Kind => "kind",
            ItemKind::Parameter => "parameter",
            ItemKind::Rule => "rule",
            ItemKind::Technique => "technique",
            ItemKind::Attacker => "attacker",
            ItemKind::Capability => "capability",
            ItemKind::Keyword => "keyword",
            ItemKind::Function => "function",
        }
    }
}

/// The most items that are offered.
const MAX_ITEMS: usize = 200;

/// What can be typed at byte `offset` of a query. O(text before the cursor).
pub fn complete(text: &str, offset: usize, catalogue: &dyn Catalogue) -> Completion {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let before = &text[..offset];
    let nothing = Completion {
        from: offset,
        items: Vec::new(),
    };
    let in_comment = comments(before)
        .last()
        .is_some_and(|last| last.start + last.text.len() == offset && last.text.starts_with("//"));
    if let Some(from) = parameter_at(before).filter(|_| !in_comment) {
        return parameters(text, from, before);
    }
    let lexed = lex(before, Dialect::Query);
    let in_literal = lexed.tokens.last().is_some_and(|last| {
        last.end == offset
            && matches!(
                last.token,
                Token::Invalid | Token::Str(_) | Token::Number(_) | Token::Parameter(_)
            )
    });
    if in_comment || in_literal || lexed.is_refused {
        return nothing;
    }
    let (tokens, prefix) = split_prefix(&lexed.tokens, before);
    let from = offset - prefix.len();
    let mut items = candidates(tokens, prefix, from, catalogue);
    // `ATTACK PA` is the first half of one keyword.
    let mut start = from;
    if items.is_empty()
        && let Some((last, rest)) = tokens.split_last()
        && let Token::Word(word) = last.token
    {
        let both = format!("{word} {prefix}");
        items = candidates(rest, &both, last.start, catalogue);
        start = last.start;
    }
    items.sort();
    items.dedup();
    items.truncate(MAX_ITEMS);
    let from = if items.is_empty() { from } else { start };
    Completion { from, items }
}

/// Takes the word that is being typed off the tokens.
fn split_prefix<'t, 's>(tokens: &'t [Lexeme<'s>], before: &'s str) -> (&'t [Lexeme<'s>], &'s str) {
    match tokens.split_last() {
        Some((last, rest))
            if last.end == before.len()
                && matches!(
                    last.token,
                    Token::Word(_) | Token::Keyword(_) | Token::Bare(_)
                ) =>
        {
            (rest, before.get(last.start..).unwrap_or(""))
        }
        _ => (tokens, ""),
    }
}

fn candidates(
    tokens: &[Lexeme<'_>],
    prefix: &str,
    from: usize,
    catalogue: &dyn Catalogue,
) -> Vec<Item> {
    let expected = expected_after(tokens, from);
    let takes = |terminal: &str| expected.iter().any(|name| name == terminal);
    let mut offers = Offers {
        prefix: prefix.to_lowercase(),
        items: Vec::new(),
    };
    let last = tokens.last().map(|lexeme| lexeme.token);
    let before_last = tokens.len().checked_sub(2).and_then(|at| tokens.get(at));
    let follows = |word: Keyword| last == Some(Token::Keyword(word));
    match last {
        Some(Token::Sign(Sign::Dot)) => {
            let owner = before_last.and_then(|lexeme| owner_of(tokens, lexeme.token));
            offers.known(ItemKind::Property, &catalogue.properties(owner), "property");
            return offers.items;
        }
        Some(Token::Sign(Sign::Colon | Sign::LabelBar | Sign::Ampersand | Sign::Bang))
            if takes("word") && innermost(tokens) != Some(Sign::LBrace) =>
        {
            let (named, variable) = alternatives(tokens);
            let (kind, mut known, what) = if innermost(tokens) == Some(Sign::LeftOpen)
                || variable.is_some_and(|name| is_relationship(tokens, name))
            {
                (ItemKind::Kind, catalogue.kinds(), "kind")
            } else {
                (ItemKind::Label, catalogue.labels(), "label")
            };
            known.retain(|known| !named.contains(&&*known.name));
            offers.known(kind, &known, what);
            return offers.items;
        }
        _ => {}
    }
    let list = title_list(tokens);
    if follows(Keyword::WhyNot) || list == Some(Keyword::Rules) {
        offers.all(ItemKind::Rule, catalogue.rules(), "rule");
        return offers.items;
    }
    if list == Some(Keyword::Techniques) {
        let techniques = catalogue.techniques();
        offers.all(ItemKind::Technique, techniques, "technique");
        return offers.items;
    }
    if follows(Keyword::Attacker) {
        offers.all(ItemKind::Attacker, catalogue.attackers(), "attacker");
        return offers.items;
    }
    if let Some(columns) = yielding(tokens) {
        offers.all(
            ItemKind::Column,
            columns.iter().map(|column| (*column).to_owned()),
            "column",
        );
        return offers.items;
    }
    if is_map_key(tokens) && takes("word") {
        let owner = map_owner(tokens);
        offers.known(ItemKind::Property, &catalogue.properties(owner), "property");
        return offers.items;
    }
    let takes_value = takes("CASE") && takes("number");
    let is_pattern = takes("shortestPath") && !takes_value;
    for terminal in &expected {
        // In a place for names the grammar takes every soft word; most are only noise there.
        let is_noise = takes("word") && is_soft(terminal) && !(is_pattern && is_search(terminal));
        if !is_noise && let Some(word) = offered_word(terminal) {
            offers.one(ItemKind::Keyword, word, "keyword");
        }
    }
    let takes_node_name = matches!(last, Some(Token::Sign(Sign::LParen | Sign::LeftOpen)));
    if takes_value || takes_node_name {
        offers.all(ItemKind::Variable, variables(tokens), "variable");
    }
    if takes_value {
        for name in Function::names() {
            offers.one(ItemKind::Function, name, &signature(name));
        }
    }
    let takes_ends = matches!(
        last,
        Some(Token::Keyword(
            Keyword::From
                | Keyword::To
                | Keyword::Via
                | Keyword::Of
                | Keyword::Avoiding
                | Keyword::ExploitabilityOf
        ))
    );
    if takes_ends && takes("word") {
        let names = Capability::ALL.map(|capability| capability.name().to_owned());
        offers.all(ItemKind::Capability, names, "capability");
        offers.one(ItemKind::Keyword, "ATTACKER", "keyword");
        if follows(Keyword::Avoiding) {
            offers.one(ItemKind::Keyword, "RULES", "keyword");
            offers.one(ItemKind::Keyword, "TECHNIQUES", "keyword");
        }
    }
    offers.items
}

/// The labels or kinds already named in the expression that ends here, and its variable.
fn alternatives<'s>(tokens: &[Lexeme<'s>]) -> (Vec<&'s str>, Option<&'s str>) {
    let is_joint = |token: Token<'_>| {
        matches!(
            token,
            Token::Sign(Sign::Colon | Sign::LabelBar | Sign::Ampersand | Sign::Bang)
        )
    };
    let mut named = Vec::new();
    let mut before = tokens;
    while let Some((last, rest)) = before.split_last() {
        match last.token {
            token if is_joint(token) => {}
            Token::Word(name) if rest.last().is_some_and(|lexeme| is_joint(lexeme.token)) => {
                named.push(name);
            }
            Token::Word(name) => return (named, Some(name)),
            _ => break,
        }
        before = rest;
    }
    (named, None)
}

/// Whether a name stands for a relationship in a pattern before.
fn is_relationship(tokens: &[Lexeme<'_>], name: &str) -> bool {
    let mut pairs = tokens.iter().zip(tokens.iter().skip(1));
    pairs.any(|(open, word)| {
        let is_open = matches!(
            open.token,
            Token::Sign(Sign::LeftOpen | Sign::LeftArrowOpen)
        );
        is_open && matches!(word.token, Token::Word(found) if found == name)
    })
}

struct Offers {
    /// In lower case.
    prefix: String,
    items: Vec<Item>,
}

impl Offers {
    fn one(&mut self, kind: ItemKind, label: &str, detail: &str) {
        if label.to_lowercase().starts_with(&self.prefix) {
            let is_name = matches!(
                kind,
                ItemKind::Variable | ItemKind::Property | ItemKind::Label | ItemKind::Kind
            );
            self.items.push(Item {
                kind,
                label: if is_name {
                    crate::format::print_name(label)
                } else {
                    label.to_owned()
                },
                detail: detail.to_owned(),
            });
        }
    }

    fn known(&mut self, kind: ItemKind, names: &[Known], what: &str) {
        for known in names {
            self.one(kind, &known.name, &known.detail(what));
        }
    }

    fn all(&mut self, kind: ItemKind, labels: impl IntoIterator<Item = String>, detail: &str) {
        for label in labels {
            self.one(kind, &label, detail);
        }
    }
}

/// The arguments of a function, for people.
fn signature(name: &str) -> String {
    match Function::find(name) {
        Some(function) => {
            let params = function.params.iter().enumerate().map(|(at, param)| {
                let is_optional = at >= function.min;
                let name = param.name();
                if is_optional {
                    format!("[{name}]")
                } else {
                    name.to_owned()
                }
            });
            format!("({})", params.collect::<Vec<_>>().join(", "))
        }
        None => "function".to_owned(),
    }
}

/// Where the `$` stands whose name is being typed.
fn parameter_at(before: &str) -> Option<usize> {
    let typed = before.trim_end_matches(|c: char| c.is_alphanumeric() || c == '_');
    typed.ends_with('$').then(|| typed.len() - 1)
}

/// The parameters that the rest of the text names.
fn parameters(text: &str, from: usize, before: &str) -> Completion {
    let typed = before.get(from..).unwrap_or("$");
    let mut names: BTreeSet<&str> = BTreeSet::new();
    for lexeme in lex(text, Dialect::Query).tokens {
        if let Token::Parameter(name) = lexeme.token
            && lexeme.start != from
            && name.starts_with(typed)
        {
            names.insert(name);
        }
    }
    let items = names.into_iter().map(|name| Item {
        kind: ItemKind::Parameter,
        label: name.to_owned(),
        detail: "parameter".to_owned(),
    });
    Completion {
        from,
        items: items.collect(),
    }
}

/// `RULES` or `TECHNIQUES`, where the cursor stands in the list behind it.
fn title_list(tokens: &[Lexeme<'_>]) -> Option<Keyword> {
    for (at, lexeme) in tokens.iter().rev().enumerate() {
        match lexeme.token {
            Token::Keyword(word @ (Keyword::Rules | Keyword::Techniques)) => return Some(word),
            // Names and commas take turns; a comma or the word itself stands before the cursor.
            Token::Sign(Sign::Comma) if at % 2 == 0 => {}
            Token::Word(_) | Token::Bare(_) | Token::Str(_) | Token::Quoted(_) if at % 2 == 1 => {}
            _ => return None,
        }
    }
    None
}

/// A terminal of the grammar as a word to type, if it is one that is worth offering.
fn offered_word(terminal: &str) -> Option<&str> {
    let is_word = terminal.starts_with(|first: char| first.is_ascii_uppercase())
        || terminal == "shortestPath"
        || terminal == "allShortestPaths";
    let is_long_form = matches!(terminal, "ASCENDING" | "DESCENDING" | "OFFSET" | "GROUP");
    (is_word && !is_long_form).then_some(terminal)
}

/// Whether a word is a keyword that may also be a name.
fn is_soft(terminal: &str) -> bool {
    Keyword::ALL
        .iter()
        .any(|keyword| keyword.text() == terminal && keyword.is_soft())
}

/// Whether a path pattern may start with this word.
fn is_search(terminal: &str) -> bool {
    matches!(
        terminal,
        "ALL" | "ANY" | "SHORTEST" | "CHEAPEST" | "WALK" | "TRAIL" | "ACYCLIC" | "SIMPLE"
    )
}

/// The sign that opened the innermost bracket that is still open; both relationship brackets
/// count as [`Sign::LeftOpen`].
fn innermost(tokens: &[Lexeme<'_>]) -> Option<Sign> {
    innermost_at(tokens).map(|(_, sign)| sign)
}

fn innermost_at(tokens: &[Lexeme<'_>]) -> Option<(usize, Sign)> {
    let mut open = Vec::new();
    for (at, lexeme) in tokens.iter().enumerate() {
        let Token::Sign(sign) = lexeme.token else {
            continue;
        };
        match sign {
            Sign::LParen | Sign::LBracket | Sign::LBrace | Sign::LeftOpen => open.push((at, sign)),
            Sign::LeftArrowOpen => open.push((at, Sign::LeftOpen)),
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

/// Whether the cursor stands where a map has a key.
fn is_map_key(tokens: &[Lexeme<'_>]) -> bool {
    matches!(
        tokens.last().map(|lexeme| lexeme.token),
        Some(Token::Sign(Sign::LBrace | Sign::Comma))
    ) && innermost(tokens) == Some(Sign::LBrace)
}

/// The label or kind of the pattern whose map the cursor is in.
fn map_owner<'s>(tokens: &[Lexeme<'s>]) -> Option<&'s str> {
    let (at, _) = innermost_at(tokens)?;
    let before = tokens.get(at.checked_sub(1)?)?;
    match before.token {
        Token::Word(name) => {
            let colon = at.checked_sub(2).and_then(|at| tokens.get(at));
            if colon.map(|lexeme| lexeme.token) == Some(Token::Sign(Sign::Colon)) {
                Some(name)
            } else {
                owner_of(tokens, before.token)
            }
        }
        _ => None,
    }
}

/// The label or kind that a variable is declared with: `(n:Label` or `-[r:KIND`.
fn owner_of<'s>(tokens: &[Lexeme<'s>], variable: Token<'s>) -> Option<&'s str> {
    let Token::Word(_) = variable else {
        return None;
    };
    tokens.windows(4).rev().find_map(|window| match window {
        [open, name, colon, label]
            if matches!(
                open.token,
                Token::Sign(Sign::LParen | Sign::LeftOpen | Sign::LeftArrowOpen)
            ) && name.token == variable
                && colon.token == Token::Sign(Sign::Colon) =>
        {
            match label.token {
                Token::Word(label) => Some(label),
                _ => None,
            }
        }
        _ => None,
    })
}

/// The names that the text before the cursor declares.
fn variables(tokens: &[Lexeme<'_>]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, lexeme) in tokens.iter().enumerate() {
        let Token::Word(name) = lexeme.token else {
            continue;
        };
        let before = at.checked_sub(1).and_then(|at| tokens.get(at));
        let after = tokens.get(at + 1).map(|lexeme| lexeme.token);
        let is_declared = match before.map(|lexeme| lexeme.token) {
            Some(Token::Sign(Sign::LParen | Sign::LeftOpen | Sign::LeftArrowOpen)) => {
                after != Some(Token::Sign(Sign::Dot))
            }
            Some(Token::Keyword(Keyword::As)) => true,
            Some(Token::Keyword(Keyword::Match) | Token::Sign(Sign::Comma)) => {
                after == Some(Token::Sign(Sign::Equal))
            }
            _ => false,
        };
        if is_declared {
            names.insert(name.to_owned());
        }
    }
    // The columns of a verb without `YIELD` are names too.
    for (at, lexeme) in tokens.iter().enumerate() {
        if let Token::Keyword(head) = lexeme.token
            && head.is_verb()
        {
            let items = tokens.get(at..).unwrap_or(&[]);
            let has_yield = items
                .iter()
                .any(|lexeme| lexeme.token == Token::Keyword(Keyword::Yield));
            if !has_yield {
                names.extend(verb_columns(head).iter().map(|column| (*column).to_owned()));
            }
        }
    }
    names
}

/// The columns of the verb whose `YIELD` the cursor is in.
fn yielding(tokens: &[Lexeme<'_>]) -> Option<&'static [&'static str]> {
    let is_in_list = matches!(
        tokens.last()?.token,
        Token::Keyword(Keyword::Yield) | Token::Sign(Sign::Comma)
    );
    let at = tokens.iter().rposition(|lexeme| {
        matches!(lexeme.token, Token::Keyword(keyword) if keyword == Keyword::Yield
            || keyword.starts_clause() || keyword == Keyword::Where)
    })?;
    if !is_in_list || tokens.get(at)?.token != Token::Keyword(Keyword::Yield) {
        return None;
    }
    let head = tokens
        .get(..at)?
        .iter()
        .rev()
        .find_map(|lexeme| match lexeme.token {
            Token::Keyword(keyword) if keyword.is_verb() => Some(keyword),
            _ => None,
        })?;
    Some(verb_columns(head))
}
