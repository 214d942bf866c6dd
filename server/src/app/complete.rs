//! Completion: what may stand at a place of a query, from the grammar and the names of the graph.

use foothold_query::complete::{Catalogue, complete as complete_text};
use serde_json::{Value as Json, json};

use super::world::World;

/// The items that fit at `offset`, in UTF-16 units, and where the word they replace begins.
pub(crate) fn complete(world: &World, query: &str, offset: usize) -> Json {
    let completion = complete_text(query, byte_offset(query, offset), world);
    let items: Vec<Json> = completion
        .items
        .iter()
        .map(|item| json!({ "label": item.label, "kind": item.kind.name(), "detail": item.detail }))
        .collect();
    let before = query.get(..completion.from).unwrap_or_default();
    json!({ "from": before.encode_utf16().count(), "items": items })
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

impl Catalogue for World {
    fn labels(&self) -> Vec<String> {
        let labels = self.schema().labels.iter();
        labels.map(|label| label.name.clone()).collect()
    }

    fn kinds(&self) -> Vec<String> {
        let kinds = self.schema().kinds.iter();
        kinds.map(|kind| kind.name.clone()).collect()
    }

    fn properties(&self, owner: Option<&str>) -> Vec<String> {
        let label = owner.and_then(|owner| {
            let mut labels = self.schema().labels.iter();
            labels.find(|label| label.name == owner)
        });
        match label {
            Some(label) => {
                let properties = label.properties.iter();
                properties.map(|property| property.name.clone()).collect()
            }
            None => {
                let props = self.snapshot.props();
                let mut names: Vec<String> = props
                    .map(|prop| self.snapshot.prop_name(prop).to_owned())
                    .collect();
                names.sort_unstable();
                names
            }
        }
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
