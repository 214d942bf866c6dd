//! Completion: what may stand at a place of a query, from the words of the language and the names
//! of the graph.

use serde_json::{Value as Json, json};

use super::world::World;

/// The words that begin or join clauses.
const KEYWORDS: &[&str] = &[
    "MATCH",
    "OPTIONAL MATCH",
    "WHERE",
    "RETURN",
    "WITH",
    "UNWIND",
    "ORDER BY",
    "LIMIT",
    "SKIP",
    "DISTINCT",
    "UNION",
    "UNION ALL",
    "CALL",
    "AND",
    "OR",
    "XOR",
    "NOT",
    "IN",
    "IS NULL",
    "IS NOT NULL",
    "STARTS WITH",
    "ENDS WITH",
    "CONTAINS",
    "CASE",
    "WHEN",
    "THEN",
    "ELSE",
    "END",
    "EXISTS",
    "COUNT",
    "COLLECT",
    "AS",
    "ASC",
    "DESC",
    "ATTACK PATHS",
    "EXPLOITABILITY OF",
    "BLAST RADIUS OF",
    "CHOKE POINTS",
    "FIX PLAN",
    "WHY NOT",
    "FROM",
    "TO",
    "VIA",
    "AVOIDING",
    "WITHIN",
    "LIKELIHOOD",
    "CONFIDENCE",
    "TOP",
    "PER SOURCE",
    "PER TARGET",
    "PER PAIR",
    "ATTACKER",
    "YIELD",
    "EXPLAIN",
    "PROFILE",
    "AT",
];

/// Where in a query a name stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Label,
    Kind,
    Property,
    Parameter,
    Text,
    Word,
}

/// The items that fit at `offset`, in UTF-16 units, and where the word they replace begins.
pub(crate) fn complete(world: &World, query: &str, offset: usize) -> Json {
    let end = byte_offset(query, offset);
    let before = query.get(..end).unwrap_or(query);
    let (start, place) = place_of(before);
    let typed = before.get(start..).unwrap_or_default().to_lowercase();
    let schema = world.schema();
    let mut items: Vec<(String, &str, Option<String>)> = Vec::new();
    match place {
        Place::Label => items.extend(schema.labels.iter().map(|label| {
            let detail = label.doc.map(str::to_owned);
            (label.name.clone(), "label", detail)
        })),
        Place::Kind => {
            items.push((
                "ATTACK".to_owned(),
                "group",
                Some("every attack step".to_owned()),
            ));
            items.extend(schema.kinds.iter().map(|kind| {
                let detail = kind.doc.map(str::to_owned);
                (kind.name.clone(), "kind", detail)
            }));
        }
        Place::Property => {
            let props = world.snapshot.props();
            let mut names: Vec<&str> = props.map(|prop| world.snapshot.prop_name(prop)).collect();
            names.sort_unstable();
            items.extend(
                names
                    .iter()
                    .map(|name| ((*name).to_owned(), "property", None)),
            );
        }
        Place::Parameter | Place::Text => {}
        Place::Word => {
            items.extend(
                KEYWORDS
                    .iter()
                    .map(|word| ((*word).to_owned(), "keyword", None)),
            );
        }
    }
    items.retain(|(name, _, _)| name.to_lowercase().starts_with(&typed));
    let items: Vec<Json> = items
        .into_iter()
        .map(|(label, kind, detail)| json!({ "label": label, "kind": kind, "detail": detail }))
        .collect();
    let from = query
        .get(..start)
        .unwrap_or_default()
        .encode_utf16()
        .count();
    json!({ "from": from, "items": items })
}

fn byte_offset(text: &str, utf16: usize) -> usize {
    let mut units = 0;
    for (at, c) in text.char_indices() {
        if units >= utf16 {
            return at;
        }
        units += c.len_utf16();
    }
    text.len()
}

/// Where the word that ends `before` begins, and what kind of name it is.
fn place_of(before: &str) -> (usize, Place) {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let start = before
        .char_indices()
        .rev()
        .take_while(|(_, c)| is_word(*c))
        .last()
        .map_or(before.len(), |(at, _)| at);
    let head = before.get(..start).unwrap_or_default();
    let mut open: Vec<char> = Vec::new();
    let mut quote = None;
    for c in head.chars() {
        match quote {
            Some(mark) if c == mark => quote = None,
            Some(_) => {}
            None => match c {
                '\'' | '"' | '`' => quote = Some(c),
                '(' | '[' | '{' => open.push(c),
                ')' | ']' | '}' => {
                    open.pop();
                }
                _ => {}
            },
        }
    }
    if quote.is_some() {
        return (start, Place::Text);
    }
    let place = match head.chars().next_back() {
        Some('.') => Place::Property,
        Some('$') => Place::Parameter,
        Some(':' | '|' | '&' | '!') => match open.last() {
            Some('(') => Place::Label,
            Some('[') => Place::Kind,
            // Inside a map a value follows the colon; elsewhere `n:Label` is a label test.
            Some('{') => Place::Word,
            _ => Place::Label,
        },
        _ => Place::Word,
    };
    (start, place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_decides_what_is_offered() {
        for (before, expected) in [
            ("MA", (0, Place::Word)),
            ("MATCH (n:Wo", (9, Place::Label)),
            ("MATCH (n)-[:RU", (12, Place::Kind)),
            ("MATCH (n)-[r:A|B", (15, Place::Kind)),
            ("MATCH (n) WHERE n.na", (18, Place::Property)),
            ("MATCH (n) WHERE n.name = 'a:b", (28, Place::Text)),
            ("MATCH (n {name: $p", (17, Place::Parameter)),
            ("MATCH (n) WHERE n:W", (18, Place::Label)),
        ] {
            assert_eq!(place_of(before), expected, "{before}");
        }
    }

    #[test]
    fn offsets_count_as_editors_do() {
        assert_eq!(byte_offset("a😀b", 3), 5);
        assert_eq!(byte_offset("ab", 9), 2);
    }
}
