//! One line of the generic graph format.

use std::borrow::Cow;
use std::fmt;

use foothold_engine::model::{FactRef, Facts, Value};
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::error::{LoadError, Place};

/// A parsed line and its number from 1.
pub(super) struct Line<'a> {
    pub(super) number: u64,
    pub(super) item: Item<'a>,
}

/// What a line states.
#[derive(serde::Deserialize)]
#[serde(
    rename_all = "lowercase",
    expecting = "`{\"node\": ..}` or `{\"edge\": ..}`"
)]
pub(super) enum Item<'a> {
    #[serde(borrow)]
    Node(NodeLine<'a>),
    #[serde(borrow)]
    Edge(EdgeLine<'a>),
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with an `id`")]
pub(super) struct NodeLine<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow, default)]
    labels: Vec<Text<'a>>,
    #[serde(borrow, default)]
    props: Props<'a>,
    #[serde(default)]
    confidence: Option<Confidence>,
}

#[derive(serde::Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "an object with `from`, `to` and `kind`"
)]
pub(super) struct EdgeLine<'a> {
    #[serde(borrow)]
    from: Text<'a>,
    #[serde(borrow)]
    to: Text<'a>,
    #[serde(borrow)]
    kind: Text<'a>,
    #[serde(borrow, default)]
    key: Option<Text<'a>>,
    #[serde(borrow, default)]
    props: Props<'a>,
    #[serde(default)]
    confidence: Option<Confidence>,
}

impl Line<'_> {
    /// Adds what the line states.
    pub(super) fn state(self, facts: &mut Facts) -> Result<(), LoadError> {
        let place = |source| LoadError::Id {
            place: Place::line(self.number, 1),
            source,
        };
        let (fact, props, confidence) = match self.item {
            Item::Node(node) => {
                let labels: Vec<&str> = node.labels.iter().map(|label| label.0.as_ref()).collect();
                let fact = facts.node(&node.id.0, &labels).map_err(place)?;
                (fact, node.props, node.confidence)
            }
            Item::Edge(edge) => {
                let fact = facts
                    .edge(&edge.from.0, &edge.kind.0, &edge.to.0)
                    .map_err(place)?;
                if let Some(key) = &edge.key {
                    facts.set_key(fact, &key.0);
                }
                (fact, edge.props, edge.confidence)
            }
        };
        for (name, value) in props.0 {
            facts.set(fact, &name, value);
        }
        if let Some(Confidence(hundredths)) = confidence {
            infer(facts, fact, hundredths);
        }
        Ok(())
    }
}

/// A confidence below one means that whoever wrote the line inferred the fact.
fn infer(facts: &mut Facts, fact: FactRef, hundredths: u8) {
    if hundredths < foothold_engine::model::CERTAIN {
        facts.infer(fact, "stated", hundredths);
    }
}

/// Text borrowed from the line where it holds no escapes.
struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Cow<'de, str>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(text))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Cow::Owned(text.to_owned()))
            }
            fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
                Ok(Cow::Owned(text))
            }
        }
        deserializer.deserialize_str(TextVisitor).map(Text)
    }
}

/// A confidence from 0 to 1, kept in hundredths.
struct Confidence(u8);

impl<'de> Deserialize<'de> for Confidence {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = f64::deserialize(deserializer)?;
        if !(0.0..=1.0).contains(&number) {
            return Err(de::Error::custom(format_args!(
                "confidence {number} is not between 0 and 1"
            )));
        }
        #[allow(
            clippy::cast_sign_loss,
            reason = "between 0 and 100 by the check above"
        )]
        let hundredths = (number * 100.0).round() as u8;
        Ok(Confidence(hundredths))
    }
}

/// Properties, nested objects flattened to dotted names.
#[derive(Default)]
struct Props<'a>(Vec<(Cow<'a, str>, Value)>);

impl<'de: 'a, 'a> Deserialize<'de> for Props<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PropsVisitor;
        impl<'de> Visitor<'de> for PropsVisitor {
            type Value = Props<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of properties")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Props<'de>, A::Error> {
                let mut out = Vec::new();
                while let Some(Text(name)) = access.next_key()? {
                    access.next_value_seed(PropSeed {
                        name,
                        out: &mut out,
                    })?;
                }
                Ok(Props(out))
            }
            fn visit_unit<E>(self) -> Result<Props<'de>, E> {
                Ok(Props::default())
            }
        }
        deserializer.deserialize_any(PropsVisitor)
    }
}

/// Reads the value of one property into `out`.
struct PropSeed<'de, 'out> {
    name: Cow<'de, str>,
    out: &'out mut Vec<(Cow<'de, str>, Value)>,
}

impl PropSeed<'_, '_> {
    fn put(self, value: Value) {
        self.out.push((self.name, value));
    }
}

impl<'de> DeserializeSeed<'de> for PropSeed<'de, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for PropSeed<'de, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a property value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, flag: bool) -> Result<(), E> {
        self.put(flag.into());
        Ok(())
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.put(number.into());
        Ok(())
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.put(match i64::try_from(number) {
            Ok(number) => Value::Int(number),
            Err(_) => Value::Float(number as f64),
        });
        Ok(())
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        self.put(number.into());
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.put(text.into());
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element::<serde_json::Value>()? {
            items.push(crate::decode::tree::to_value(&item));
        }
        self.put(Value::from(items));
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        while let Some(Text(key)) = access.next_key()? {
            access.next_value_seed(PropSeed {
                name: Cow::Owned(format!("{}.{key}", self.name)),
                out: &mut *self.out,
            })?;
        }
        Ok(())
    }
}
