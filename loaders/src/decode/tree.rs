//! A JSON or YAML value of unknown form whose objects hold every key once.

use foothold_engine::model::Value as PropertyValue;
use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::{Map, Number, Value};

/// A value decoded strictly: a key that occurs twice in one object is an error, where
/// `serde_json::Value` would keep the last.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tree(pub Value);

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        decode(deserializer, |_| false).map(Tree)
    }
}

/// Decodes a value as [`Tree`] does, without the members whose keys are to be skipped, at any
/// depth. What is skipped takes no memory.
pub(crate) fn decode<'de, D: Deserializer<'de>>(
    deserializer: D,
    skip: fn(&str) -> bool,
) -> Result<Value, D::Error> {
    deserializer.deserialize_any(TreeVisitor { skip })
}

/// A property value for a JSON value; objects, which are no property values, become their text.
pub(crate) fn to_value(value: &Value) -> PropertyValue {
    match value {
        Value::Bool(flag) => (*flag).into(),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => whole.into(),
            (None, Some(float)) => float.into(),
            (None, None) => number.to_string().into(),
        },
        Value::String(text) => text.into(),
        Value::Array(items) => items.iter().map(to_value).collect::<Vec<_>>().into(),
        Value::Null | Value::Object(_) => value.to_string().into(),
    }
}

#[derive(Clone, Copy)]
struct TreeVisitor {
    skip: fn(&str) -> bool,
}

impl<'de> DeserializeSeed<'de> for TreeVisitor {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Number::from_f64(number).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(self)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            if (self.skip)(&key) {
                access.next_value::<IgnoredAny>()?;
                continue;
            }
            let value = access.next_value_seed(self)?;
            if object.contains_key(&key) {
                return Err(de::Error::custom(format_args!("key `{key}` occurs twice")));
            }
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_twice_is_refused() {
        let error = serde_json::from_str::<Tree>(r#"{"a": {"b": 1, "b": 2}}"#).unwrap_err();
        assert!(error.to_string().starts_with("key `b` occurs twice"));
        let tree: Tree = serde_json::from_str(r#"{"a": [1, -2, 1.5, "x", null, true]}"#).unwrap();
        assert_eq!(
            tree.0,
            serde_json::json!({"a": [1, -2, 1.5, "x", null, true]})
        );
    }
}
