//! Kubernetes objects one by one: lists expanded, kinds resolved, names qualified.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::decode::{json, tree};
use crate::error::LoadError;
use crate::report::Report;

use crate::text::Text;

/// What the API server keeps for itself: half of a dump, and nothing the mapping reads.
const NOISE: &[&str] = &[
    "managedFields",
    "kubectl.kubernetes.io/last-applied-configuration",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
];

/// A document without the noise.
pub(super) struct Slim(pub(super) Value);

impl<'de> Deserialize<'de> for Slim {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        tree::decode(deserializer, |key| NOISE.contains(&key)).map(Slim)
    }
}

/// Lists nest at most so deep; real ones hold objects only.
const MAX_LIST_DEPTH: usize = 8;

/// What every object says about itself.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metadata {
    pub(super) name: Option<Text>,
    generate_name: Option<Text>,
    pub(super) namespace: Option<Text>,
    cluster_name: Option<Text>,
    labels: Option<BTreeMap<String, Option<Text>>>,
    annotations: Option<BTreeMap<String, Option<Text>>>,
    owner_references: Option<Vec<OwnerReference>>,
}

/// The object that manages another.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OwnerReference {
    pub(super) kind: Text,
    pub(super) name: Text,
    controller: Option<bool>,
}

impl Metadata {
    pub(super) fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        pairs(self.labels.as_ref())
    }

    pub(super) fn label(&self, key: &str) -> Option<&str> {
        self.labels.as_ref()?.get(key)?.as_deref()
    }

    pub(super) fn annotations(&self) -> impl Iterator<Item = (&str, &str)> {
        pairs(self.annotations.as_ref())
    }

    pub(super) fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.as_ref()?.get(key)?.as_deref()
    }

    /// The managing controller, or the only owner.
    pub(super) fn controller(&self) -> Option<&OwnerReference> {
        let owners = self.owner_references.as_deref().unwrap_or_default();
        owners
            .iter()
            .find(|owner| owner.controller == Some(true))
            .or(match owners {
                [owner] if owner.controller.is_none() => Some(owner),
                _ => None,
            })
    }
}

/// The entries of an optional map that have a value, in order.
pub(super) fn pairs(
    map: Option<&BTreeMap<String, Option<Text>>>,
) -> impl Iterator<Item = (&str, &str)> {
    map.into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.as_str(), value.as_deref()?)))
}

/// One object.
#[derive(Debug)]
pub(super) struct Object {
    /// API group, empty for the core.
    pub(super) group: String,
    pub(super) kind: String,
    pub(super) name: String,
    /// Namespace as written.
    pub(super) namespace: Option<String>,
    pub(super) meta: Metadata,
    rest: Map<String, Value>,
    pointer: String,
}

impl Object {
    /// The cluster that the object itself names.
    pub(super) fn cluster(&self) -> Option<&str> {
        self.meta
            .cluster_name
            .as_deref()
            .filter(|name| !name.is_empty())
    }

    /// Takes a member out and decodes it; the default where it is absent or null.
    pub(super) fn take<T: DeserializeOwned + Default>(
        &mut self,
        member: &str,
    ) -> Result<T, LoadError> {
        match self.rest.remove(member) {
            None | Some(Value::Null) => Ok(T::default()),
            Some(value) => json::from_value(value, &format!("{}/{member}", self.pointer))
                .map_err(|error| self.explain(error)),
        }
    }

    /// Takes a member out as it is.
    pub(super) fn take_raw(&mut self, member: &str) -> Option<Value> {
        self.rest.remove(member).filter(|value| !value.is_null())
    }

    /// Looks at a member.
    pub(super) fn get(&self, member: &str) -> Option<&Value> {
        self.rest.get(member)
    }

    /// Names the object in an error, since a pointer into a long list tells a person little.
    fn explain(&self, error: LoadError) -> LoadError {
        match error {
            LoadError::Malformed { place, message } => LoadError::Malformed {
                place,
                message: format!("{message}, in {} `{}`", self.kind, self.name),
            },
            other => other,
        }
    }
}

/// Expands documents and lists into objects, in order.
pub(super) fn expand(documents: Vec<Value>, report: &mut Report) -> Result<Vec<Object>, LoadError> {
    let mut objects = Vec::new();
    let n_documents = documents.len();
    for (idx, document) in documents.into_iter().enumerate() {
        let pointer = if n_documents > 1 {
            format!("/{idx}")
        } else {
            String::new()
        };
        expand_value(
            document,
            &pointer,
            &Inherited::default(),
            0,
            &mut objects,
            report,
        )?;
    }
    Ok(objects)
}

/// Kind and group of the items of a typed list, which leave them out.
#[derive(Debug, Default)]
struct Inherited {
    api_version: String,
    kind: String,
}

fn expand_value(
    value: Value,
    pointer: &str,
    inherited: &Inherited,
    depth: usize,
    objects: &mut Vec<Object>,
    report: &mut Report,
) -> Result<(), LoadError> {
    if depth > MAX_LIST_DEPTH {
        return Err(LoadError::Limit {
            what: "depth of lists",
            limit: MAX_LIST_DEPTH as u64,
        });
    }
    let mut map = match value {
        Value::Object(map) => map,
        Value::Array(items) => {
            for (idx, item) in items.into_iter().enumerate() {
                let inner = format!("{pointer}/{idx}");
                expand_value(item, &inner, inherited, depth + 1, objects, report)?;
            }
            return Ok(());
        }
        Value::Null => return Ok(()),
        other => {
            return Err(LoadError::at(
                pointer,
                format!("{} where an object is expected", kind_of(&other)),
            ));
        }
    };
    let api_version =
        text_member(&map, "apiVersion", pointer)?.unwrap_or_else(|| inherited.api_version.clone());
    let kind = text_member(&map, "kind", pointer)?.unwrap_or_else(|| inherited.kind.clone());
    let is_list = map.contains_key("items") && (kind.is_empty() || is_list_kind(&kind));
    if is_list {
        let items = match map.remove("items") {
            Some(Value::Array(items)) => items,
            Some(Value::Null) | None => Vec::new(),
            Some(other) => {
                return Err(LoadError::at(
                    format!("{pointer}/items"),
                    format!("{} where a sequence is expected", kind_of(&other)),
                ));
            }
        };
        let inherited = Inherited {
            api_version,
            kind: item_kind(&kind),
        };
        for (idx, item) in items.into_iter().enumerate() {
            let inner = format!("{pointer}/items/{idx}");
            expand_value(item, &inner, &inherited, depth + 1, objects, report)?;
        }
        return Ok(());
    }
    if kind.is_empty() {
        report.warn("object without a kind", || format!("at `{pointer}`"));
        return Ok(());
    }
    let meta: Metadata = match map.remove("metadata") {
        None | Some(Value::Null) => Metadata::default(),
        Some(value) => json::from_value(value, &format!("{pointer}/metadata"))?,
    };
    let group = match api_version.split_once('/') {
        Some((group, _)) => group.to_owned(),
        None => String::new(),
    };
    let name = match (&meta.name, &meta.generate_name) {
        (Some(name), _) if !name.is_empty() => name.to_string(),
        (_, Some(prefix)) if !prefix.is_empty() => format!("{}*", prefix.as_str()),
        _ => String::new(),
    };
    let namespace = meta
        .namespace
        .as_deref()
        .filter(|namespace| !namespace.is_empty())
        .map(str::to_owned);
    objects.push(Object {
        group,
        kind,
        name,
        namespace,
        meta,
        rest: map,
        pointer: pointer.to_owned(),
    });
    Ok(())
}

/// `List`, `PodList` and the lower-case kinds that some collectors write.
pub(super) fn is_list_kind(kind: &str) -> bool {
    kind.len() >= 4 && kind.is_char_boundary(kind.len() - 4) && {
        kind[kind.len() - 4..].eq_ignore_ascii_case("list")
    }
}

fn item_kind(list_kind: &str) -> String {
    list_kind
        .get(..list_kind.len().saturating_sub(4))
        .unwrap_or_default()
        .to_owned()
}

fn text_member(
    map: &Map<String, Value>,
    member: &str,
    pointer: &str,
) -> Result<Option<String>, LoadError> {
    match map.get(member) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(LoadError::at(
            format!("{pointer}/{member}"),
            format!("{} where a string is expected", kind_of(other)),
        )),
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a sequence",
        Value::Object(_) => "an object",
    }
}
