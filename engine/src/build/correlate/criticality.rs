//! What the user says about every asset with a label and a name: value, sensitivity, owner.

use std::collections::BTreeMap;

use crate::build::Join;
use crate::graph::NodeId;
use crate::model::{CERTAIN, Facts, Value};

use super::view::{Method, View, plain};

const RULE: Method = Method::new("criticality-rule", CERTAIN);
/// What a rule sets, and the asset's property for it.
const SETS: &[(&str, &str)] = &[("sets_value", "value"), ("sets_sensitivity", "sensitivity")];

/// Applies `CriticalityRule` nodes to the assets they match; the longer pattern wins.
pub(super) struct Criticality;

impl Join for Criticality {
    fn name(&self) -> &'static str {
        "criticality"
    }

    /// Over every tool (0), under what the user says of one asset by its id (10).
    fn authority(&self) -> u8 {
        9
    }

    fn run(&self, view: View<'_>, facts: &mut Facts) {
        let mut rules: Vec<Rule<'_>> = view
            .labelled("CriticalityRule")
            .into_iter()
            .filter_map(|node| {
                Some(Rule {
                    node,
                    label: view.text(node, "match_label")?,
                    name: view.text(node, "match_name")?,
                })
            })
            .collect();
        // The most specific rule comes last and replaces what others said.
        rules.sort_by_key(|rule| (rule.name.matches(|c| !"*?".contains(c)).count(), rule.node));
        let mut set: BTreeMap<NodeId, BTreeMap<&str, Value>> = BTreeMap::new();
        for rule in rules {
            for asset in view.labelled(rule.label) {
                let name = view.text(asset, "name").unwrap_or_default();
                if !matches(rule.name, name) {
                    continue;
                }
                for (from, to) in SETS {
                    if let Some(value) = view.value(rule.node, from) {
                        set.entry(asset).or_default().insert(to, value);
                    }
                }
                for team in view.out(rule.node, "OWNED_BY") {
                    RULE.link(facts, view.id(asset), "OWNED_BY", view.id(team), plain);
                }
            }
        }
        for (asset, properties) in set {
            if let Ok(fact) = facts.node(view.id(asset), &[]) {
                for (name, value) in properties {
                    facts.set(fact, name, value);
                }
            }
        }
    }
}

struct Rule<'a> {
    node: NodeId,
    label: &'a str,
    name: &'a str,
}

/// Whether a name fits a pattern of `*` (any text) and `?` (one character). O(pattern x name).
fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut at, mut pos) = (0, 0);
    let mut star = None;
    while pos < name.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, pos));
                at += 1;
            }
            Some(c) if *c == '?' || Some(c) == name.get(pos) => {
                at += 1;
                pos += 1;
            }
            // Let the last star take one character more.
            _ => match star {
                Some((star_at, star_pos)) => {
                    star = Some((star_at, star_pos + 1));
                    at = star_at + 1;
                    pos = star_pos + 1;
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(at).all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::{Staging, assemble};
    use crate::model::SourceInfo;
    use std::sync::Arc;

    #[test]
    fn patterns() {
        for (pattern, name, fits) in [
            ("orders*", "orders-eu", true),
            ("*cards*", "acme-cards-export", true),
            ("*a*b", "aXbXab", true),
            ("db?", "db1", true),
            ("db?", "db", false),
            ("orders", "orders-eu", false),
            ("", "", true),
            ("*", "", true),
            ("*a*a*a*b", &"a".repeat(2000), false),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn the_longer_pattern_wins_and_one_id_wins_over_both() {
        let mut tool = Facts::new();
        for name in ["orders", "orders-eu", "logs"] {
            let fact = tool.node(&format!("db:{name}"), &["DataStore"]).unwrap();
            tool.set(fact, "name", name);
            tool.set(fact, "sensitivity", "public");
        }
        let mut user = Facts::new();
        for (pattern, value) in [("orders-*", 5.0), ("o*", 1.0)] {
            let id = format!("criticality:DataStore/{pattern}");
            let fact = user.node(&id, &["CriticalityRule"]).unwrap();
            user.set(fact, "match_label", "DataStore");
            user.set(fact, "match_name", pattern);
            user.set(fact, "sets_value", value);
            user.set(fact, "sets_sensitivity", "pii");
        }
        user.edge("criticality:DataStore/o*", "OWNED_BY", "team://shop")
            .unwrap();
        let fact = user.node("db:orders", &[]).unwrap();
        user.set(fact, "value", 9.0);
        let source = |name: &str, authority| SourceInfo {
            name: Arc::from(name),
            authority,
            ..SourceInfo::default()
        };
        let mut staging = Staging::new();
        staging.add(&source("tool", 0), &tool);
        staging.add(&source("user", 10), &user);
        let snapshot = assemble(staging).unwrap();
        let view = View::new(&snapshot);
        let said: Vec<_> = ["db:orders", "db:orders-eu", "db:logs"]
            .iter()
            .map(|id| {
                let node = snapshot.node(id).unwrap();
                let value = view.value(node, "value").and_then(|value| value.as_f64());
                (
                    value,
                    view.text(node, "sensitivity"),
                    view.out(node, "OWNED_BY").len(),
                )
            })
            .collect();
        assert_eq!(
            said,
            [
                (Some(9.0), Some("pii"), 1),
                (Some(5.0), Some("pii"), 1),
                (None, Some("public"), 0)
            ]
        );
    }
}
