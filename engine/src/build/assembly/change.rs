//! What differs between the documents of an assembly and others.

use std::collections::HashMap;
use std::sync::Arc;

use crate::build::aliases::Aliases;
use crate::build::assemble::Joined;
use crate::build::change::Changes;
use crate::build::difference::{Difference, Rows};
use crate::build::scope::Scope;

use super::precedence::Precedence;
use super::touched::{Places, Touched};
use super::{Assembly, Document};

/// What is said otherwise than before, in terms of the snapshot before.
pub(super) struct Change {
    pub(super) aliases: Arc<Aliases>,
    pub(super) touched: Touched,
    /// By source: rows that are new or differ.
    pub(super) rows: RowsBySource,
    pub(super) scope: Scope,
}

pub(super) type RowsBySource = HashMap<Arc<str>, Rows>;

impl Change {
    /// Nothing where sources cannot be told apart by name.
    pub(super) fn between(before: &Assembly, documents: &[Arc<Document>]) -> Option<Self> {
        let old = by_name(&before.documents, &before.joined)?;
        let new = by_name(documents, &before.joined)?;
        let mut differences: Vec<Pair<'_>> = Vec::new();
        for document in documents {
            let name = &document.info.name;
            let earlier = old.get(&**name).copied();
            let difference = match earlier {
                Some(earlier) if Arc::ptr_eq(&earlier.facts, &document.facts) => {
                    Difference::default()
                }
                Some(earlier) => Difference::new(&earlier.facts, &document.facts),
                None => Difference::appeared(&document.facts),
            };
            differences.push((Arc::clone(name), earlier, Some(document), difference));
        }
        for earlier in &before.documents {
            let name = &earlier.info.name;
            if !new.contains_key(&**name) {
                let difference = Difference::disappeared(&earlier.facts);
                differences.push((Arc::clone(name), Some(earlier), None, difference));
            }
        }
        let mut scope = Scope::default();
        for (.., difference) in &differences {
            scope.add(&difference.scope);
        }
        let aliases = if Aliases::are_about(&scope) {
            let facts = documents.iter().map(|document| &*document.facts);
            Arc::new(Aliases::of(facts))
        } else {
            Arc::clone(&before.aliases)
        };

        let snapshot = &before.snapshot;
        let mut touched = Touched::default();
        let mut rows = RowsBySource::new();
        let names: &[&Aliases] = if Arc::ptr_eq(&before.aliases, &aliases) {
            &[&before.aliases]
        } else {
            &[&before.aliases, &aliases]
        };
        for (name, earlier, now, difference) in differences {
            let Difference { old, new, only, .. } = difference;
            for aliases in names {
                for (document, rows, only) in [(earlier, &old, &only[0]), (now, &new, &only[1])] {
                    if let Some(document) = document.filter(|_| !rows.is_empty()) {
                        let places = &mut Places::new(&document.facts, aliases);
                        touched.add_rows(snapshot, places, rows);
                        touched.note_moves(snapshot, places, only);
                    }
                }
            }
            rows.insert(name, new);
        }
        scope.ids |= touched.moves_nodes;
        let moved = aliases.moved(&before.aliases);
        scope.everything |= !moved.is_empty();
        for id in moved {
            touched.add_node_and_edges(snapshot, id);
        }
        let precedence = Precedence::new(before, &old, documents);
        touched.add_disputed(snapshot, &precedence, &mut scope);
        Some(Change {
            aliases,
            touched: touched.sorted(snapshot),
            rows,
            scope,
        })
    }

    /// What changes to pretend are about.
    pub(super) fn pretended(before: &Assembly, changes: &Changes) -> Option<Self> {
        by_name(&before.documents, &before.joined)?;
        let mut touched = Touched::default();
        let mut scope = Scope::default();
        changes.concern(&before.snapshot, &before.aliases, &mut touched);
        changes.name(&before.snapshot, &mut scope);
        Some(Change {
            aliases: Arc::clone(&before.aliases),
            touched: touched.sorted(&before.snapshot),
            rows: RowsBySource::new(),
            scope,
        })
    }
}

/// A source, what it said and says, and how these differ.
type Pair<'a> = (
    Arc<str>,
    Option<&'a Document>,
    Option<&'a Document>,
    Difference,
);

/// Documents by name; nothing if two have one name, or one has that of a join.
fn by_name<'a>(
    documents: &'a [Arc<Document>],
    joined: &[Joined],
) -> Option<HashMap<&'a str, &'a Document>> {
    let mut found: HashMap<&str, &Document> = HashMap::with_capacity(documents.len());
    for document in documents {
        if found.insert(&document.info.name, document).is_some() {
            return None;
        }
    }
    let mut joined = joined.iter();
    let is_clear = !joined.any(|joined| found.contains_key(&*joined.document.info.name));
    is_clear.then_some(found)
}
