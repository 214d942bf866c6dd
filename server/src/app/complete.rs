//! Completion: what may stand at a place of a query, from the grammar and the names of the graph.

use foothold_query::complete::{Catalogue, Completion, Known, complete as complete_text};
use serde_json::{Value as Json, json};

use super::world::World;

/// The items that fit at a byte of a query.
pub(crate) fn complete_in_bytes(world: &World, query: &str, at: usize) -> Completion {
    complete_text(query, at, world)
}

/// The items that fit at `offset`, in UTF-16 units, and where the word they replace begins.
pub(crate) fn complete(world: &World, query: &str, offset: usize) -> Json {
    let completion = complete_in_bytes(world, query, byte_offset(query, offset));
    let items: Vec<Json> = completion
        .items
        .iter()
        .map(|item| json!({ "label": item.label, "kind": item.kind.name(), "detail": item.detail }))
        .collect();
    let before = query.get(..completion.from).unwrap_or_default();
    json!({ "from": before.encode_utf16().count(), "items": items })
}

/// The byte at which a UTF-16 unit of a text stands.
pub(crate) fn byte_offset(text: &str, utf16: usize) -> usize {
    let mut units = 0;
    for (at, c) in text.char_indices() {
        if units >= utf16 {
            return at;
        }
        units += c.len_utf16();
    }
    text.len()
}

impl Catalogue for World {
    fn labels(&self) -> Vec<Known> {
        let labels = self.schema().labels.iter().map(|label| Known {
            name: label.name.clone(),
            n_nodes: label.count,
            ..Known::default()
        });
        labels.collect()
    }

    fn kinds(&self) -> Vec<Known> {
        let kinds = self.schema().kinds.iter().map(|kind| Known {
            name: kind.name.clone(),
            n_edges: kind.count,
            ..Known::default()
        });
        kinds.collect()
    }

    fn properties(&self, owner: Option<&str>) -> Vec<Known> {
        let label = owner.and_then(|owner| {
            let mut labels = self.schema().labels.iter();
            labels.find(|label| label.name == owner)
        });
        if let Some(label) = label {
            let properties = label.properties.iter().map(|property| Known {
                name: property.name.clone(),
                r#type: Some(property.r#type.clone()),
                n_nodes: property.count,
                n_edges: 0,
            });
            return properties.collect();
        }
        // What is known of a property tells nodes from relationships, but no kind from another.
        let is_kind = owner.is_some_and(|owner| self.snapshot.kind_id(owner).is_some());
        let known = self.snapshot.props().map(|prop| {
            let usage = self.snapshot.prop_usage(prop);
            Known {
                name: self.snapshot.prop_name(prop).to_owned(),
                r#type: usage.edge_type.filter(|_| is_kind).map(str::to_owned),
                n_nodes: if is_kind { 0 } else { usage.n_nodes as u64 },
                n_edges: usage.n_edges as u64,
            }
        });
        let mut known: Vec<Known> = known
            .filter(|known| !is_kind || known.n_edges > 0)
            .collect();
        known.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        known
    }

    fn rules(&self) -> Vec<String> {
        let rules = self.attack.rules().rules().iter();
        rules.map(|rule| rule.name.to_string()).collect()
    }

    fn techniques(&self) -> Vec<String> {
        let rules = self.attack.rules().rules().iter();
        let techniques = rules.flat_map(|rule| rule.techniques.iter().map(ToString::to_string));
        let mut names: Vec<String> = techniques.collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    fn attackers(&self) -> Vec<String> {
        self.attacker_names()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_count_as_editors_do() {
        assert_eq!(byte_offset("a😀b", 3), 5);
        assert_eq!(byte_offset("ab", 9), 2);
    }
}
