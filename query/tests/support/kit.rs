//! A case of the conformance kit: its graph, its query and what is expected.

use foothold_engine::build::Staging;
use foothold_engine::graph::Snapshot;
use foothold_engine::model::{FactRef, Facts, SourceInfo, Value as Property};
use foothold_query::json::{from_json, to_json};
use foothold_query::{Answer, Params};
use serde_json::{Map, Value, json};

/// One line of the kit.
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) query: String,
    json: Value,
}

impl Case {
    pub(crate) fn parse(line: &str) -> Case {
        let json: Value = serde_json::from_str(line).expect("a case is JSON");
        let text = |name: &str| json[name].as_str().expect("a text").to_owned();
        Case {
            id: text("id"),
            query: text("query"),
            json,
        }
    }

    /// When it must be refused, if it must.
    pub(crate) fn error_phase(&self) -> Option<&str> {
        self.json["expect"]["error"]["phase"].as_str()
    }

    pub(crate) fn params(&self) -> Params {
        let Some(params) = self.json["params"].as_object() else {
            return Params::new();
        };
        params
            .iter()
            .map(|(name, value)| (name.clone(), from_json(value)))
            .collect()
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let mut facts = Facts::new();
        let id = |value: &Value| format!("tck:{value}").replace('"', "");
        for node in self.json["nodes"].as_array().into_iter().flatten() {
            let labels: Vec<&str> = node["labels"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            let fact = facts.node(&id(&node["id"]), &labels).expect("a valid id");
            set_all(&mut facts, fact, &node["props"]);
        }
        for edge in self.json["edges"].as_array().into_iter().flatten() {
            let kind = edge["type"].as_str().expect("a type");
            let fact = facts
                .edge(&id(&edge["src"]), kind, &id(&edge["dst"]))
                .expect("valid ids");
            facts.set_key(fact, &edge["id"].to_string());
            set_all(&mut facts, fact, &edge["props"]);
        }
        let mut staging = Staging::new();
        staging.add(&SourceInfo::default(), &facts);
        staging.snapshot().expect("the graph is small")
    }

    /// Compares an answer with what is expected.
    pub(crate) fn compare(&self, snapshot: &Snapshot, answer: &Answer) -> Result<(), String> {
        let expect = &self.json["expect"];
        if expect["empty"].as_bool() == Some(true) {
            return if answer.rows.is_empty() {
                Ok(())
            } else {
                Err(format!("expected no rows, found {}", answer.rows.len()))
            };
        }
        let columns: Vec<&str> = answer.columns.iter().map(|name| &**name).collect();
        let wanted: Vec<&str> = expect["columns"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        if columns != wanted {
            return Err(format!("expected columns {wanted:?}, found {columns:?}"));
        }
        let loose = expect["ignore_list_order"].as_bool() == Some(true);
        let row_text = |cells: Vec<Value>| -> String {
            let cells = cells.into_iter().map(|cell| normal(&cell, loose));
            Value::Array(cells.collect()).to_string()
        };
        let mut found: Vec<String> = answer
            .rows
            .iter()
            .map(|row| row_text(row.iter().map(|value| to_json(snapshot, value)).collect()))
            .collect();
        let mut wanted: Vec<String> = expect["rows"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|row| row_text(row.as_array().cloned().unwrap_or_default()))
            .collect();
        if expect["ordered"].as_bool() != Some(true) {
            found.sort();
            wanted.sort();
        }
        if found == wanted {
            return Ok(());
        }
        let show = |rows: &[String]| rows.iter().take(6).cloned().collect::<Vec<_>>().join(" ");
        Err(format!(
            "expected {} rows {}\n    found {} rows {}",
            wanted.len(),
            show(&wanted),
            found.len(),
            show(&found)
        ))
    }
}

fn set_all(facts: &mut Facts, fact: FactRef, props: &Value) {
    for (name, value) in props.as_object().into_iter().flatten() {
        facts.set(fact, name, property(value));
    }
}

fn property(value: &Value) -> Property {
    match value {
        Value::Bool(flag) => Property::Bool(*flag),
        Value::Number(number) => match number.as_i64() {
            Some(int) => Property::Int(int),
            None => Property::Float(number.as_f64().expect("a float")),
        },
        Value::String(text) => Property::from(text),
        Value::Array(items) => Property::from(items.iter().map(property).collect::<Vec<_>>()),
        Value::Object(fields) => match fields.get("$float").and_then(Value::as_str) {
            Some("NaN") => Property::Float(f64::NAN),
            other => panic!("no property: {other:?}"),
        },
        Value::Null => panic!("no property: null"),
    }
}

/// Without ids, which the kit does not name; labels in order of name.
fn normal(value: &Value, loose: bool) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(|item| normal(item, loose)).collect();
            if loose {
                items.sort_by_key(Value::to_string);
            }
            Value::Array(items)
        }
        Value::Object(fields) => {
            let is_node = fields.contains_key("labels");
            let is_rel = fields.contains_key("type") && fields.contains_key("props");
            let mut kept: Map<String, Value> = Map::new();
            for (name, field) in fields {
                let is_identity = matches!(name.as_str(), "id" | "start" | "end");
                if (is_node || is_rel) && is_identity {
                    continue;
                }
                kept.insert(name.clone(), normal(field, loose));
            }
            if is_node && let Some(labels) = fields["labels"].as_array() {
                let mut labels: Vec<&str> = labels.iter().filter_map(Value::as_str).collect();
                labels.sort_unstable();
                kept.insert("labels".to_owned(), json!(labels));
            }
            Value::Object(kept)
        }
        // The last digit of a float depends on how the kit's JSON was read; -0.0 equals 0.0.
        Value::Number(number) if number.is_f64() => {
            let number = number.as_f64().unwrap_or_default() + 0.0;
            json!(format!("float {number:.13e}"))
        }
        other => other.clone(),
    }
}
