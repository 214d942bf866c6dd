//! References inside a description, and the fields of schemas behind them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::classify::{DataClass, class_of_field};

/// How many schema nodes are looked at for one description: descriptions with deep webs of
/// references would otherwise cost the product of operations and schemas.
const MAX_VISITS: usize = 4_000_000;
/// How long a chain of references may be.
const MAX_CHAIN: usize = 64;

/// One description, with a purse for the work done on it.
pub(super) struct References<'a> {
    root: &'a Value,
    visits: usize,
    /// References to other documents met, which are not followed.
    pub(super) n_external: usize,
    /// References to nothing.
    pub(super) n_dangling: usize,
}

impl<'a> References<'a> {
    pub(super) fn new(root: &'a Value) -> Self {
        Self {
            root,
            visits: 0,
            n_external: 0,
            n_dangling: 0,
        }
    }

    /// Whether some schemas were left out for cost.
    pub(super) fn is_exhausted(&self) -> bool {
        self.visits >= MAX_VISITS
    }

    /// What a value stands for: itself, or what it refers to. `None` for references that lead out
    /// of the document, to nothing, or in a circle.
    pub(super) fn resolve(&mut self, value: &'a Value) -> Option<&'a Value> {
        let mut value = value;
        for _ in 0..MAX_CHAIN {
            let Some(reference) = value.get("$ref").and_then(Value::as_str) else {
                return Some(value);
            };
            value = self.target(reference)?;
        }
        self.n_dangling += 1;
        None
    }

    fn target(&mut self, reference: &str) -> Option<&'a Value> {
        let Some(pointer) = reference.strip_prefix('#') else {
            self.n_external += 1;
            return None;
        };
        let found = self
            .root
            .pointer(pointer)
            .or_else(|| self.root.pointer(&percent_decoded(pointer)));
        self.n_dangling += usize::from(found.is_none());
        found
    }

    /// Adds the kinds of data in the fields of a schema, through every reference, once each.
    pub(super) fn classify(&mut self, schema: &'a Value, classes: &mut BTreeSet<DataClass>) {
        let mut seen = BTreeSet::new();
        let mut open = vec![schema];
        while let Some(schema) = open.pop() {
            self.visits += 1;
            if self.is_exhausted() {
                return;
            }
            let Value::Object(members) = schema else {
                continue;
            };
            if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                if seen.insert(reference) {
                    open.extend(self.target(reference));
                }
                continue;
            }
            classes.extend(declared(schema));
            match members.get("format").and_then(Value::as_str) {
                Some("password") => drop(classes.insert(DataClass::Credential)),
                Some("email" | "idn-email") => drop(classes.insert(DataClass::Pii)),
                _ => {}
            }
            if let Some(Value::Object(fields)) = members.get("properties") {
                for (name, field) in fields {
                    classes.extend(class_of_field(name));
                    open.push(field);
                }
            }
            for member in ["items", "additionalProperties"] {
                open.extend(members.get(member).filter(|inner| inner.is_object()));
            }
            for member in ["allOf", "anyOf", "oneOf", "prefixItems"] {
                if let Some(Value::Array(inner)) = members.get(member) {
                    open.extend(inner);
                }
            }
        }
    }
}

/// What a schema or operation declares about its data.
pub(super) fn declared(value: &Value) -> BTreeSet<DataClass> {
    let mut classes = BTreeSet::new();
    for member in ["x-data-classification", "x-data-class", "x-sensitivity"] {
        match value.get(member) {
            Some(Value::String(text)) => classes.extend(DataClass::declared(text)),
            Some(Value::Array(items)) => classes.extend(
                items
                    .iter()
                    .filter_map(Value::as_str)
                    .filter_map(DataClass::declared),
            ),
            _ => {}
        }
    }
    if value.get("x-pii").and_then(Value::as_bool) == Some(true) {
        classes.insert(DataClass::Pii);
    }
    classes
}

fn percent_decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hex = bytes
            .get(at + 1..at + 3)
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (byte, hex) {
            (b'%', Some(decoded)) => {
                out.push(decoded);
                at += 3;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
