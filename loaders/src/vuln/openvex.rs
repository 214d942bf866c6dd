//! `OpenVEX`: whether a vulnerability matters in a product.
//!
//! A statement is about its product: an image or a package. It becomes an `AFFECTED_BY` edge of
//! that product with the status, and with the packages inside that it is limited to
//! (`subcomponents`). It says nothing about the same packages in other products.

use std::collections::{BTreeMap, BTreeSet};

use foothold_engine::model::{Facts, Value};
use serde::Deserialize;

use crate::advisory::{Advisories, Advisory};
use crate::document::Document;
use crate::error::LoadError;
use crate::head::Head;
use crate::keys::PackageKey;
use crate::loader::{Loader, Match};
use crate::report::Report;
use crate::sbom::cyclonedx::oci_references;
use crate::subject::ImageSubject;

/// A supplier's word about its product against a scanner's (0) and the user's own (10).
const AUTHORITY: u8 = 5;

/// The loader.
pub(crate) struct OpenVex;

#[derive(Debug, Deserialize)]
struct File {
    #[serde(default)]
    author: Option<String>,
    #[serde(default)]
    timestamp: Option<String>,
    statements: Vec<Statement>,
}

#[derive(Debug, Deserialize)]
struct Statement {
    vulnerability: NameOrObject,
    #[serde(default)]
    products: Vec<NameOrObject>,
    status: String,
    #[serde(default)]
    justification: Option<String>,
    #[serde(default)]
    timestamp: Option<String>,
}

/// A plain id, as up to version 0.0.1, or an object.
#[derive(Debug, Default)]
struct NameOrObject(Object);

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Object {
    #[serde(rename = "@id")]
    id: Option<String>,
    name: Option<String>,
    aliases: Vec<String>,
    identifiers: Identifiers,
    subcomponents: Vec<NameOrObject>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Identifiers {
    purl: Option<String>,
}

impl<'de> Deserialize<'de> for NameOrObject {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor;
        impl<'de> serde::de::Visitor<'de> for ObjectVisitor {
            type Value = Object;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an id or an object")
            }
            fn visit_str<E>(self, text: &str) -> Result<Object, E> {
                Ok(Object {
                    id: Some(text.to_owned()),
                    ..Object::default()
                })
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                access: A,
            ) -> Result<Object, A::Error> {
                Object::deserialize(serde::de::value::MapAccessDeserializer::new(access))
            }
        }
        deserializer
            .deserialize_any(ObjectVisitor)
            .map(NameOrObject)
    }
}

impl Loader for OpenVex {
    fn format(&self) -> &'static str {
        "openvex"
    }

    fn describe(&self) -> &'static str {
        "OpenVEX statements, JSON"
    }

    fn detect(&self, head: &Head<'_>) -> Match {
        let Some(sketch) = head.json() else {
            return Match::No;
        };
        let is_openvex = sketch
            .scalar("@context")
            .is_some_and(|context| context.contains("openvex"));
        match (is_openvex, sketch.has("statements")) {
            (true, true) => Match::Certain,
            (true, false) => {
                Match::Near("has the context of OpenVEX but no `statements`".to_owned())
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
        report.tool(file.author.as_deref().unwrap_or("OpenVEX"), None);
        if let Some(time) = &file.timestamp {
            report.observed_at(time);
        }
        let mut advisories = Advisories::default();
        let mut names = BTreeSet::new();
        let mut decided: BTreeMap<(String, String), Decision<'_>> = BTreeMap::new();
        for (index, statement) in file.statements.iter().enumerate() {
            let pointer = format!("/statements/{index}");
            report.count("statements", 1);
            report.count(&format!("statuses.{}", statement.status), 1);
            if let Some(justification) = &statement.justification {
                report.count(&format!("justifications.{justification}"), 1);
            }
            if !matches!(
                statement.status.as_str(),
                "affected" | "not_affected" | "fixed" | "under_investigation"
            ) {
                return Err(LoadError::at(
                    format!("{pointer}/status"),
                    format!("`{}` is no VEX status", statement.status),
                ));
            }
            let vulnerability = &statement.vulnerability.0;
            let name = vulnerability
                .name
                .as_deref()
                .or(vulnerability.id.as_deref());
            names.extend(name.map(str::to_owned));
            let advisory = Advisory {
                aliases: vulnerability.aliases.iter().cloned().collect(),
                ..Advisory::default()
            };
            let Some(id) = name.and_then(|name| advisories.note(name, advisory)) else {
                report.warn("statement-without-vulnerability", || pointer.clone());
                continue;
            };
            for product in &statement.products {
                report.count("products", 1);
                report.count("subcomponents", product.0.subcomponents.len() as u64);
                let Some(holder) = state_product(&product.0, facts)? else {
                    report.warn("unknown-product", || {
                        format!(
                            "{pointer}/products: `{}`",
                            product.0.id.as_deref().unwrap_or("")
                        )
                    });
                    continue;
                };
                let parts = product
                    .0
                    .subcomponents
                    .iter()
                    .filter_map(|part| package(&part.0));
                let decision = Decision {
                    time: statement.timestamp.as_deref().or(file.timestamp.as_deref()),
                    status: &statement.status,
                    justification: statement.justification.as_deref(),
                    subcomponents: parts.map(|key| key.id).collect(),
                };
                decided
                    .entry((holder, id.clone()))
                    .and_modify(|known| known.replace(&decision))
                    .or_insert(decision);
            }
        }
        report.count("distinct_vulnerabilities", names.len() as u64);
        advisories.state(facts)?;
        for ((holder, id), decision) in decided {
            let edge = facts.edge(&holder, "AFFECTED_BY", &format!("vuln:{id}"))?;
            facts.set(edge, "status", decision.status);
            facts.set_opt(edge, "justification", decision.justification);
            if !decision.subcomponents.is_empty() {
                facts.set(
                    edge,
                    "subcomponents",
                    Value::strings(&decision.subcomponents),
                );
            }
        }
        Ok(())
    }
}

/// What was last said about a product and a vulnerability.
#[derive(Debug, Clone)]
struct Decision<'a> {
    time: Option<&'a str>,
    status: &'a str,
    justification: Option<&'a str>,
    subcomponents: BTreeSet<String>,
}

impl<'a> Decision<'a> {
    /// Takes a later statement; one of the same status at the same time adds its parts.
    fn replace(&mut self, other: &Decision<'a>) {
        let instant =
            |time: Option<&str>| time.and_then(|time| time.parse::<jiff::Timestamp>().ok());
        if instant(other.time) < instant(self.time) {
            return;
        }
        let adds = other.status == self.status && !other.subcomponents.is_empty();
        let mut parts = other.subcomponents.clone();
        if adds {
            parts.extend(self.subcomponents.iter().cloned());
        }
        *self = Decision {
            subcomponents: parts,
            ..other.clone()
        };
    }
}

fn package(object: &Object) -> Option<PackageKey> {
    let texts = [object.identifiers.purl.as_deref(), object.id.as_deref()];
    texts.into_iter().flatten().find_map(PackageKey::parse)
}

/// States the image or package that a product names, and returns its id.
fn state_product(object: &Object, facts: &mut Facts) -> Result<Option<String>, LoadError> {
    let texts = [object.identifiers.purl.as_deref(), object.id.as_deref()];
    for text in texts.into_iter().flatten() {
        let references = oci_references(text);
        let image = ImageSubject::of(references.iter().map(String::as_str));
        if let Some(id) = image.state(facts)? {
            return Ok(Some(id));
        }
    }
    let Some(key) = package(object) else {
        return Ok(None);
    };
    key.state(facts)?;
    Ok(Some(key.id))
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, check_error};
    use expect_test::expect;

    #[test]
    fn the_last_statement_stands() {
        check(
            "v.json",
            r#"{"@context": "https://openvex.dev/ns/v0.2.0", "author": "Acme", "timestamp": "2024-01-01T00:00:00Z", "statements": [
              {"vulnerability": {"name": "CVE-2024-1"}, "timestamp": "2024-02-01T00:00:00Z", "status": "not_affected", "justification": "component_not_present",
               "products": [{"@id": "pkg:oci/web@sha256%3Aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "subcomponents": [{"@id": "pkg:npm/a@1"}]}]},
              {"vulnerability": {"name": "CVE-2024-1"}, "status": "affected",
               "products": [{"@id": "pkg:oci/web@sha256%3Aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}]},
              {"vulnerability": "GHSA-1234-5678-9abc", "status": "fixed", "products": ["pkg:npm/b@2", "thing"]}]}"#,
            &expect![[r#"
                image://sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa :Image digest="sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" name="sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                image://sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa :Image digest="sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" name="sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                pkg:npm/b@2 :Package ecosystem="npm" name="b" purl="pkg:npm/b@2" version="2"
                vuln:CVE-2024-1 :Vulnerability name="CVE-2024-1"
                vuln:GHSA-1234-5678-9abc :Vulnerability name="GHSA-1234-5678-9abc"
                image://sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa -AFFECTED_BY-> vuln:CVE-2024-1 justification="component_not_present" status="not_affected" subcomponents=["pkg:npm/a@1"]
                pkg:npm/b@2 -AFFECTED_BY-> vuln:GHSA-1234-5678-9abc status="fixed"
                distinct_vulnerabilities=2 justifications.component_not_present=1 products=4 statements=3 statuses.affected=1 statuses.fixed=1 statuses.not_affected=1 subcomponents=1
                warning unknown-product x1: /statements/2/products: `thing`
            "#]],
        );
        check_error(
            "v.json",
            r#"{"@context": "https://openvex.dev/ns", "statements": [{"vulnerability": "CVE-2024-1", "status": "fine"}]}"#,
            &expect!["at `/statements/0/status`: `fine` is no VEX status"],
        );
    }
}
