//! What the user knows and no tool does: what an asset is worth, what data it holds, who owns it.
//!
//! ```yaml
//! # criticality.yaml
//! criticality:
//!   - match: arn:aws:s3:::acme-card-exports     # the id of one asset
//!     value: 900
//!     sensitivity: card
//!     owner: payments
//!   - match: {label: DataStore, name: "orders*"}  # every asset with the label and name
//!     value: 200
//! ```
//!
//! `value` is what losing the asset would cost, on the user's own scale, the same for all files;
//! an asset with a value is a crown jewel. `sensitivity` is `pii`, `card`, `health`, `credential`,
//! `internal` or `public`. `owner` is a team. In a name, `*` stands for any text and `?` for one
//! character; a rule by label and name applies to what other sources state, so it becomes a
//! `CriticalityRule` node that correlation reads. What this file says wins over every tool.

use foothold_engine::model::{Facts, validate_id};
use serde::Deserialize;

use crate::document::Document;
use crate::error::LoadError;
use crate::head::{Head, Shape};
use crate::keys::team_id;
use crate::loader::{Loader, Match};
use crate::report::Report;

/// How the user's word compares with a tool's (0).
const AUTHORITY: u8 = 10;
const SENSITIVITIES: &[&str] = &["pii", "card", "health", "credential", "internal", "public"];

/// The loader.
pub(crate) struct Criticality;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with `criticality`")]
struct File {
    criticality: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a rule with `match`")]
struct Rule {
    #[serde(rename = "match")]
    matched: Matched,
    #[serde(default)]
    value: Option<f64>,
    #[serde(default)]
    sensitivity: Option<String>,
    #[serde(default)]
    owner: Option<String>,
}

/// One id, or a label and a pattern of names.
#[derive(Debug)]
enum Matched {
    Id(String),
    Pattern(Pattern),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an id, or `label` and `name`")]
struct Pattern {
    label: String,
    name: String,
}

impl<'de> Deserialize<'de> for Matched {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MatchedVisitor;
        impl<'de> serde::de::Visitor<'de> for MatchedVisitor {
            type Value = Matched;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an id, or `label` and `name`")
            }
            fn visit_str<E>(self, text: &str) -> Result<Matched, E> {
                Ok(Matched::Id(text.to_owned()))
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                access: A,
            ) -> Result<Matched, A::Error> {
                let access = serde::de::value::MapAccessDeserializer::new(access);
                Pattern::deserialize(access).map(Matched::Pattern)
            }
        }
        deserializer.deserialize_any(MatchedVisitor)
    }
}

impl Loader for Criticality {
    fn format(&self) -> &'static str {
        "criticality"
    }

    fn describe(&self) -> &'static str {
        "the user's own values, sensitivities and owners, YAML or JSON"
    }

    fn detect(&self, head: &Head<'_>) -> Match {
        match head.tree() {
            Some(sketch) if sketch.has("criticality") => Match::Certain,
            Some(sketch)
                if matches!(head.shape, Shape::Yaml(_))
                    && sketch.has("[].match")
                    && sketch.has("[].value") =>
            {
                Match::Near("the list must stand under the key `criticality`".to_owned())
            }
            _ => Match::No,
        }
    }

    fn load(
        &self,
        document: &Document,
        facts: &mut Facts,
        report: &mut Report,
    ) -> Result<(), LoadError> {
        let file: File = document.value()?;
        report.authority(AUTHORITY);
        for (index, rule) in file.criticality.iter().enumerate() {
            let pointer = format!("/criticality/{index}");
            report.count("rules", 1);
            state(rule, &pointer, facts)?;
        }
        Ok(())
    }
}

fn state(rule: &Rule, pointer: &str, facts: &mut Facts) -> Result<(), LoadError> {
    if rule
        .value
        .is_some_and(|value| !value.is_finite() || value < 0.0)
    {
        return Err(LoadError::at(
            format!("{pointer}/value"),
            "a value is a number of at least 0",
        ));
    }
    if let Some(sensitivity) = &rule.sensitivity
        && !SENSITIVITIES.contains(&sensitivity.as_str())
    {
        return Err(LoadError::at(
            format!("{pointer}/sensitivity"),
            format!("`{sensitivity}` is none of {}", SENSITIVITIES.join(", ")),
        ));
    }
    let team = match rule.owner.as_deref() {
        Some(owner) => Some(team_id(owner).ok_or_else(|| {
            LoadError::at(format!("{pointer}/owner"), format!("`{owner}` is no team"))
        })?),
        None => None,
    };
    let id = match &rule.matched {
        Matched::Id(id) => {
            validate_id(id).map_err(|source| LoadError::Id {
                place: crate::error::Place::pointer(format!("{pointer}/match")),
                source,
            })?;
            let fact = facts.node(id, &[])?;
            facts.set_opt(fact, "value", rule.value);
            facts.set_opt(fact, "sensitivity", rule.sensitivity.as_deref());
            id.clone()
        }
        Matched::Pattern(pattern) => {
            let id = format!("criticality:{}/{}", pattern.label, pattern.name);
            let fact = facts.node(&id, &["CriticalityRule"])?;
            facts.set(fact, "match_label", pattern.label.as_str());
            facts.set(fact, "match_name", pattern.name.as_str());
            // Not `value`: the rule itself is no crown jewel.
            facts.set_opt(fact, "sets_value", rule.value);
            facts.set_opt(fact, "sets_sensitivity", rule.sensitivity.as_deref());
            id
        }
    };
    if let (Some(team), Some(owner)) = (team, &rule.owner) {
        let fact = facts.node(&team, &["Team"])?;
        facts.set(fact, "name", owner.trim_start_matches('@'));
        facts.edge(&id, "OWNED_BY", &team)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, check_error};
    use expect_test::expect;

    #[test]
    fn values_by_id_and_by_name() {
        check(
            "c.yaml",
            "criticality:\n  - match: arn:aws:s3:::cards\n    value: 900\n    sensitivity: card\n    owner: payments\n  - match: {label: DataStore, name: \"orders*\"}\n    value: 200.5\n",
            &expect![[r#"
                arn:aws:s3:::cards  sensitivity="card" value=900.0
                team://payments :Team name="payments"
                criticality:DataStore/orders* :CriticalityRule match_label="DataStore" match_name="orders*" sets_value=200.5
                arn:aws:s3:::cards -OWNED_BY-> team://payments
                rules=2
            "#]],
        );
    }

    #[test]
    fn mistakes_are_named() {
        for (text, expected) in [
            (
                "criticality:\n  - match: orders\n",
                expect![
                    "at `/criticality/0/match`: id `orders` has no scheme; write `scheme:rest`"
                ],
            ),
            (
                "criticality:\n  - match: a:b\n    sensitivity: secret\n",
                expect![
                    "at `/criticality/0/sensitivity`: `secret` is none of pii, card, health, credential, internal, public"
                ],
            ),
            (
                "criticality:\n  - match: a:b\n    value: -1\n",
                expect!["at `/criticality/0/value`: a value is a number of at least 0"],
            ),
            (
                "criticality:\n  - match: a:b\n    worth: 1\n",
                expect![
                    "line 3 column 5: unknown field `worth`, expected one of match, value, sensitivity, owner"
                ],
            ),
            (
                "criticality:\n  - match: {label: DataStore}\n",
                expect!["line 2 column 13: missing field `name`"],
            ),
        ] {
            check_error("c.yaml", text, &expected);
        }
    }
}
