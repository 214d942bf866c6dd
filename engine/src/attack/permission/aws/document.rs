//! Policy documents as data.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use super::super::Truth;
use super::condition::{Condition, Context, Expanded};
use super::pattern::{self, Coverage};

/// Why a policy document could not be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// The text is no JSON or not of the shape of a policy.
    #[error("policy document cannot be read")]
    Json(#[from] serde_json::Error),
    /// A statement's effect is neither `Allow` nor `Deny`.
    #[error("effect `{0}` is neither `Allow` nor `Deny`")]
    Effect(String),
}

/// A policy: statements in order.
#[derive(Debug, Clone, Default)]
pub struct Document {
    /// The statements.
    pub statements: Vec<Statement>,
}

/// One statement.
#[derive(Debug, Clone)]
pub struct Statement {
    /// Its `Sid`, or its place counted from 0.
    pub name: String,
    /// Whether it allows; otherwise it denies.
    pub allows: bool,
    pub(super) principals: Option<Principals>,
    actions: Patterns,
    resources: Option<Patterns>,
    pub(super) conditions: Vec<Condition>,
}

/// Who a resource or trust policy speaks of, by type (`AWS`, `Service`, `Federated`).
#[derive(Debug, Clone)]
pub(super) struct Principals {
    pub(super) negated: bool,
    pub(super) anyone: bool,
    pub(super) by_type: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Clone)]
struct Patterns {
    negated: bool,
    patterns: Vec<String>,
}

impl Document {
    /// Reads a policy from JSON text. URL-encoded documents, as AWS lists them, are decoded.
    pub fn parse(text: &str) -> Result<Self, DocumentError> {
        let raw: RawDocument = if text.trim_start().starts_with('%') {
            serde_json::from_str(&percent_decoded(text))?
        } else {
            serde_json::from_str(text)?
        };
        let statements = raw.statement.into_vec().into_iter().enumerate();
        let statements = statements
            .map(|(idx, statement)| statement.read(idx))
            .collect::<Result<_, _>>()?;
        Ok(Self { statements })
    }

    /// The policy that allows everything.
    pub fn everything() -> Self {
        let all = || Patterns {
            negated: false,
            patterns: vec!["*".to_owned()],
        };
        Self {
            statements: vec![Statement {
                name: "0".to_owned(),
                allows: true,
                principals: None,
                actions: all(),
                resources: Some(all()),
                conditions: Vec::new(),
            }],
        }
    }

    /// Whether a statement allows every action on every resource without condition.
    pub fn allows_everything(&self) -> bool {
        self.statements.iter().any(|statement| {
            statement.allows
                && statement.conditions.is_empty()
                && statement.actions.is_everything()
                && statement
                    .resources
                    .as_ref()
                    .is_some_and(Patterns::is_everything)
        })
    }

    /// Whether any statement denies.
    pub fn denies_anything(&self) -> bool {
        self.statements.iter().any(|statement| !statement.allows)
    }
}

impl Statement {
    /// Whether it speaks of this action.
    pub fn covers_action(&self, action: &str) -> bool {
        let found = self
            .actions
            .patterns
            .iter()
            .any(|pattern| pattern::matches_ignoring_case(pattern, action));
        found != self.actions.negated
    }

    /// Whether one of its conditions looks at `key`.
    pub fn mentions(&self, key: &str) -> bool {
        let mut conditions = self.conditions.iter();
        conditions.any(|condition| condition.key.eq_ignore_ascii_case(key))
    }

    /// Whether it may speak of some of `resource`; variables without a known value may be anything.
    pub fn may_cover(&self, resource: &str, context: &Context) -> bool {
        self.covers_resource(resource, context).0 > Coverage::None
    }

    /// How much of `resource` it speaks of, and whether that can be said at all: a variable in it
    /// may have no known value.
    pub(super) fn covers_resource(&self, resource: &str, context: &Context) -> (Coverage, Truth) {
        let Some(resources) = &self.resources else {
            // Trust policies have no resource: they speak of the role they belong to.
            return (Coverage::Whole, Truth::True);
        };
        let mut best = Coverage::None;
        let mut unknown = false;
        for pattern in &resources.patterns {
            match context.expand(pattern) {
                Expanded::Known(pattern) => {
                    best = best.max(pattern::coverage(&pattern, resource));
                }
                // Nothing matches; AWS may hold a statement about everything else for invalid.
                Expanded::Absent => unknown |= resources.negated,
                // Any value could stand there.
                Expanded::Unknown => {
                    unknown |=
                        pattern::coverage(&Context::blanked(pattern), resource) > Coverage::None;
                }
            }
        }
        if resources.negated {
            let rest = match best {
                Coverage::None => Coverage::Whole,
                Coverage::Part => Coverage::Part,
                Coverage::Whole => Coverage::None,
            };
            let known = rest == Coverage::None || !unknown;
            return (
                rest,
                if known {
                    (rest > Coverage::None).into()
                } else {
                    Truth::Unknown
                },
            );
        }
        match (best, unknown) {
            (Coverage::Whole, _) | (Coverage::Part, false) => (best, Truth::True),
            (_, true) => (Coverage::Whole, Truth::Unknown),
            (Coverage::None, false) => (best, Truth::False),
        }
    }

    /// Whether its conditions hold.
    pub(super) fn conditions_hold(&self, context: &Context) -> Truth {
        self.conditions
            .iter()
            .map(|condition| condition.holds(context))
            .fold(Truth::True, Truth::and)
    }
}

impl Patterns {
    fn is_everything(&self) -> bool {
        !self.negated
            && self
                .patterns
                .iter()
                .any(|pattern| pattern == "*" || pattern == "*:*")
    }
}

/// AWS lets one value stand where a list may.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMany<T> {
    /// First, because a list is a value as well.
    Many(Vec<T>),
    One(T),
}

impl<T> OneOrMany<T> {
    pub(super) fn into_vec(self) -> Vec<T> {
        match self {
            OneOrMany::One(item) => vec![item],
            OneOrMany::Many(items) => items,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawDocument {
    statement: OneOrMany<RawStatement>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawStatement {
    sid: Option<String>,
    effect: String,
    principal: Option<RawPrincipal>,
    not_principal: Option<RawPrincipal>,
    action: Option<OneOrMany<String>>,
    not_action: Option<OneOrMany<String>>,
    resource: Option<OneOrMany<String>>,
    not_resource: Option<OneOrMany<String>>,
    #[serde(default)]
    condition: Option<BTreeMap<String, BTreeMap<String, OneOrMany<Value>>>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawPrincipal {
    Text(String),
    ByType(BTreeMap<String, OneOrMany<String>>),
}

impl RawStatement {
    fn read(self, idx: usize) -> Result<Statement, DocumentError> {
        let allows = match self.effect.as_str() {
            "Allow" => true,
            "Deny" => false,
            _ => return Err(DocumentError::Effect(self.effect)),
        };
        let principals = match (self.principal, self.not_principal) {
            (Some(principal), _) => Some(principal.read(false)),
            (None, Some(principal)) => Some(principal.read(true)),
            (None, None) => None,
        };
        let conditions = self.condition.unwrap_or_default();
        Ok(Statement {
            name: self
                .sid
                .filter(|sid| !sid.is_empty())
                .unwrap_or_else(|| idx.to_string()),
            allows,
            principals,
            actions: patterns(self.action, self.not_action).unwrap_or(Patterns {
                negated: false,
                patterns: Vec::new(),
            }),
            resources: patterns(self.resource, self.not_resource),
            conditions: conditions
                .into_iter()
                .flat_map(|(operator, keys)| {
                    keys.into_iter().map(move |(key, values)| {
                        Condition::new(&operator, &key, values.into_vec())
                    })
                })
                .collect(),
        })
    }
}

fn patterns(
    positive: Option<OneOrMany<String>>,
    negative: Option<OneOrMany<String>>,
) -> Option<Patterns> {
    let (negated, patterns) = match (positive, negative) {
        (Some(patterns), _) => (false, patterns),
        (None, Some(patterns)) => (true, patterns),
        (None, None) => return None,
    };
    Some(Patterns {
        negated,
        patterns: patterns.into_vec(),
    })
}

impl RawPrincipal {
    fn read(self, negated: bool) -> Principals {
        let by_type: BTreeMap<_, _> = match self {
            RawPrincipal::Text(text) => [("AWS".to_owned(), vec![text])].into(),
            RawPrincipal::ByType(map) => map
                .into_iter()
                .map(|(ty, names)| (ty, names.into_vec()))
                .collect(),
        };
        let anyone = by_type
            .get("AWS")
            .is_some_and(|names| names.iter().any(|name| name == "*"));
        Principals {
            negated,
            anyone,
            by_type,
        }
    }
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let code = (byte == b'%')
            .then(|| tail.get(..2))
            .flatten()
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match code {
            Some(decoded) => {
                bytes.push(decoded);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
