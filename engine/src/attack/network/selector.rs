//! Label selectors.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The labels of an object.
pub type Labels = BTreeMap<String, String>;

/// Reads labels from `key=value` texts; a text without `=` is a key with an empty value.
pub fn parse_labels<'a>(texts: impl IntoIterator<Item = &'a str>) -> Labels {
    texts
        .into_iter()
        .map(|text| {
            let (key, value) = text.split_once('=').unwrap_or((text, ""));
            (key.to_owned(), value.to_owned())
        })
        .collect()
}

/// A Kubernetes label selector. All parts must hold; the empty selector matches everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LabelSelector {
    match_labels: Option<BTreeMap<String, String>>,
    match_expressions: Option<Vec<Expression>>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
struct Expression {
    key: String,
    operator: Operator,
    #[serde(default)]
    values: Option<Vec<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

impl LabelSelector {
    /// Selects what has this label.
    pub fn of_label(key: &str, value: &str) -> Self {
        Self {
            match_labels: Some([(key.to_owned(), value.to_owned())].into()),
            match_expressions: None,
        }
    }

    /// Whether an object with `labels` is selected.
    pub fn matches(&self, labels: &Labels) -> bool {
        let equal = self
            .match_labels
            .iter()
            .flatten()
            .all(|(key, value)| labels.get(key) == Some(value));
        equal
            && self
                .match_expressions
                .iter()
                .flatten()
                .all(|expression| expression.matches(labels))
    }

    /// Whether it selects everything.
    pub fn is_empty(&self) -> bool {
        self.match_labels.as_ref().is_none_or(BTreeMap::is_empty)
            && self.match_expressions.as_ref().is_none_or(Vec::is_empty)
    }

    /// The keys it looks at.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let equal = self.match_labels.iter().flat_map(BTreeMap::keys);
        let expressions = self.match_expressions.iter().flatten();
        equal
            .chain(expressions.map(|expression| &expression.key))
            .map(String::as_str)
    }
}

impl Expression {
    fn matches(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.key);
        let listed = || {
            value.is_some_and(|value| self.values.as_ref().is_some_and(|all| all.contains(value)))
        };
        match self.operator {
            Operator::In => listed(),
            // An object without the key is selected by NotIn.
            Operator::NotIn => !listed(),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
        }
    }
}
