//! Policy documents, as far as loaders look into them: to count, and to see what they are about.
//! Whether one allows something is decided in the engine.

use std::collections::BTreeSet;

use serde_json::Value;

use super::arn::Arn;

/// A policy document: the JSON as it is, decoded where the export wrote it as text, plain or
/// percent-encoded. `None` where it is neither.
pub(super) fn document(value: Value) -> Option<Value> {
    match value {
        Value::Object(_) => Some(value),
        Value::String(text) => {
            let trimmed = text.trim_start();
            let plain = if trimmed.starts_with('{') {
                trimmed.to_owned()
            } else {
                percent_decode(trimmed)?
            };
            serde_json::from_str(&plain).ok().filter(Value::is_object)
        }
        _ => None,
    }
}

fn percent_decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                (digit()? * 16 + digit()?) as u8
            }
            other => other,
        });
    }
    String::from_utf8(out).ok()
}

/// The statements: a list, or one alone.
pub(super) fn statements(document: &Value) -> impl Iterator<Item = &Value> {
    let listed = document.get("Statement");
    let (list, single) = match listed {
        Some(Value::Array(items)) => (items.as_slice(), None),
        Some(Value::Object(_)) => (&[][..], listed),
        _ => (&[][..], None),
    };
    list.iter().chain(single)
}

/// The texts of a member that may be one text or a list.
pub(super) fn texts<'a>(value: &'a Value, member: &str) -> impl Iterator<Item = &'a str> {
    let (list, single) = match value.get(member) {
        Some(Value::Array(items)) => (items.as_slice(), None),
        other => (&[][..], other),
    };
    list.iter().chain(single).filter_map(Value::as_str)
}

/// Whether a statement holds under conditions only.
pub(super) fn is_conditional(statement: &Value) -> bool {
    statement
        .get("Condition")
        .and_then(Value::as_object)
        .is_some_and(|condition| !condition.is_empty())
}

/// Whether a statement allows.
pub(super) fn allows(statement: &Value) -> bool {
    statement.get("Effect").and_then(Value::as_str) == Some("Allow")
}

/// The one resource that a resource policy is attached to, from the resources it names: such a
/// policy can only speak of its own resource. `None` where they differ or say nothing.
pub(super) fn subject(document: &Value) -> Option<String> {
    let mut subjects = BTreeSet::new();
    for statement in statements(document) {
        for resource in texts(statement, "Resource") {
            let Some(arn) = Arn::parse(resource) else {
                // `*` stands for the resource itself, whichever that is.
                continue;
            };
            subjects.insert(attached_to(resource, &arn)?);
        }
    }
    let subject = subjects.pop_first()?;
    (subjects.is_empty() && !subject.contains(['*', '?'])).then_some(subject)
}

/// The resource whose policy can speak of this one: the bucket of an object, the function of a
/// version.
fn attached_to(text: &str, arn: &Arn<'_>) -> Option<String> {
    match arn.service {
        "s3" => {
            let bucket = arn.resource.split('/').next()?;
            Some(format!("arn:{}:s3:::{bucket}", arn.partition))
        }
        "lambda" => {
            let mut parts = arn.resource.split(':');
            let (kind, name) = (parts.next()?, parts.next()?);
            Some(format!(
                "arn:{}:lambda:{}:{}:{kind}:{name}",
                arn.partition, arn.region, arn.account
            ))
        }
        _ => Some(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn documents_in_every_encoding() {
        let plain = json!({"Statement": []});
        for value in [
            plain.clone(),
            json!("{\"Statement\": []}"),
            json!("%7B%22Statement%22%3A%20%5B%5D%7D"),
        ] {
            assert_eq!(document(value), Some(plain.clone()));
        }
        for value in [json!(3), json!("x"), json!("%7"), json!("[]"), json!("%FF")] {
            assert_eq!(document(value), None);
        }
    }

    #[test]
    fn a_resource_policy_names_its_resource() {
        let policy =
            |resources: Value| json!({"Statement": {"Effect": "Allow", "Resource": resources}});
        for (resources, expected) in [
            (
                json!(["arn:aws:s3:::b", "arn:aws:s3:::b/*"]),
                Some("arn:aws:s3:::b"),
            ),
            (
                json!("arn:aws:sqs:eu-west-1:111122223333:q"),
                Some("arn:aws:sqs:eu-west-1:111122223333:q"),
            ),
            (
                json!("arn:aws:lambda:eu-west-1:111122223333:function:f:1"),
                Some("arn:aws:lambda:eu-west-1:111122223333:function:f"),
            ),
            (json!(["arn:aws:s3:::a/*", "arn:aws:s3:::b/*"]), None),
            (json!("arn:aws:s3:::*"), None),
            (json!("*"), None),
        ] {
            assert_eq!(subject(&policy(resources)).as_deref(), expected);
        }
    }
}
