//! Values of answers as one line of text, for tables, messages and identities.

use std::fmt::Write;

use serde_json::Value as Json;

/// A value as people read it: names instead of ids where there are names.
pub(crate) fn cell(value: &Json) -> String {
    render(value, true)
}

/// A value by what it is, not by what is known about it.
pub(crate) fn identity(value: &Json) -> String {
    render(value, false)
}

fn render(value: &Json, for_people: bool) -> String {
    match value {
        Json::Null if for_people => "-".to_owned(),
        Json::Null => "null".to_owned(),
        Json::Bool(flag) => flag.to_string(),
        Json::Number(number) => match number.as_f64() {
            Some(float) if for_people && number.is_f64() => short(float),
            _ => number.to_string(),
        },
        Json::String(text) => text.clone(),
        Json::Array(items) => {
            let items: Vec<String> = items.iter().map(|it| render(it, for_people)).collect();
            format!("[{}]", items.join(", "))
        }
        Json::Object(fields) => match fields.iter().next() {
            Some((key, inner)) if fields.len() == 1 && key.starts_with('$') => {
                wrapped(key, inner, for_people)
            }
            _ => value.to_string(),
        },
    }
}

fn wrapped(key: &str, inner: &Json, for_people: bool) -> String {
    let text = |value: &Json, field: &str| {
        let field = value.get(field).and_then(Json::as_str);
        field.unwrap_or_default().to_owned()
    };
    match key {
        "$float" => render(inner, for_people),
        "$node" => text(inner, "id"),
        "$rel" if for_people => format!(
            "{} -{}-> {}",
            text(inner, "start"),
            text(inner, "type"),
            text(inner, "end")
        ),
        "$rel" => text(inner, "id"),
        "$map" => {
            let fields = inner.as_object().into_iter().flatten();
            let fields: Vec<String> = fields
                .map(|(name, value)| format!("{name}: {}", render(value, for_people)))
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
        "$path" => path(inner, for_people),
        "$attack_path" => {
            let states = inner.get("states").and_then(Json::as_array);
            let states: Vec<String> = states
                .into_iter()
                .flatten()
                .map(|state| text(state, "id"))
                .collect();
            states.join(" -> ")
        }
        _ => inner.to_string(),
    }
}

fn path(inner: &Json, for_people: bool) -> String {
    let items = |field: &str| {
        let items = inner.get(field).and_then(Json::as_array);
        items.cloned().unwrap_or_default()
    };
    let id = |value: &Json| {
        let id = value.get("id").and_then(Json::as_str);
        id.unwrap_or_default().to_owned()
    };
    let nodes = items("nodes");
    let mut out = nodes.first().map(id).unwrap_or_default();
    for (rel, node) in items("rels").iter().zip(nodes.iter().skip(1)) {
        let name = if for_people { "type" } else { "id" };
        let name = rel.get(name).and_then(Json::as_str).unwrap_or_default();
        if rel.get("dir").and_then(Json::as_str) == Some("in") {
            let _ = write!(out, " <-{name}- ");
        } else {
            let _ = write!(out, " -{name}-> ");
        }
        out.push_str(&id(node));
    }
    out
}

/// Four digits are enough for people.
fn short(number: f64) -> String {
    if number == 0.0 || (1e-4..1e15).contains(&number.abs()) {
        let text = format!("{number:.4}");
        let text = text.trim_end_matches('0');
        match text.strip_suffix('.') {
            Some(whole) => format!("{whole}.0"),
            None => text.to_owned(),
        }
    } else {
        format!("{number:e}")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_read_as_people_write_them() {
        for (value, expected) in [
            (json!(null), "-"),
            (json!(1.0), "1.0"),
            (json!(0.412_345), "0.4123"),
            (json!([1, "a"]), "[1, a]"),
            (json!({"$map": {"a": 1}}), "{a: 1}"),
            (
                json!({"$node": {"id": "x:1", "labels": [], "props": {}}}),
                "x:1",
            ),
            (
                json!({"$path": {"nodes": [{"id": "x:1"}, {"id": "x:2"}],
                    "rels": [{"type": "K", "dir": "in"}]}}),
                "x:1 <-K- x:2",
            ),
            (
                json!({"$attack_path": {"states": [{"id": "reach(x:1)"}, {"id": "exec(x:2)"}]}}),
                "reach(x:1) -> exec(x:2)",
            ),
        ] {
            assert_eq!(cell(&value), expected);
        }
    }
}
