//! Conditions, in three values: a key that the caller does not know makes its condition unknown.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

use crate::attack::network::AddressRange;

use super::super::Truth;
use super::pattern;

/// What is known about a request. A key that was never mentioned is unknown.
#[derive(Debug, Clone, Default)]
pub struct Context {
    values: BTreeMap<String, Vec<String>>,
}

impl Context {
    /// Nothing is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// The key has this value. Keys ignore case.
    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Self {
        let values = self.values.entry(key.to_ascii_lowercase()).or_default();
        values.push(value.to_owned());
        self
    }

    /// The request certainly does not carry the key.
    #[must_use]
    pub fn without(mut self, key: &str) -> Self {
        self.values.insert(key.to_ascii_lowercase(), Vec::new());
        self
    }

    /// Known values of a key: none where unknown, an empty list where the request lacks it.
    fn get(&self, key: &str) -> Option<&[String]> {
        self.values.get(key).map(Vec::as_slice)
    }

    /// Puts values in the place of `${key}`; none where a value is unknown.
    pub(super) fn expand<'p>(&self, pattern: &'p str) -> Option<Cow<'p, str>> {
        if !pattern.contains("${") {
            return Some(Cow::Borrowed(pattern));
        }
        let mut expanded = String::with_capacity(pattern.len());
        let mut rest = pattern;
        while let Some((before, after)) = rest.split_once("${") {
            let (variable, tail) = after.split_once('}')?;
            expanded.push_str(before);
            match variable {
                // Written this way to mean the character itself; as a wildcard it admits more,
                // never less.
                "*" | "?" | "$" => expanded.push_str(variable),
                _ => {
                    let key = variable.split(',').next().unwrap_or(variable).trim();
                    let [value] = self.get(&key.to_ascii_lowercase())? else {
                        return None;
                    };
                    expanded.push_str(value);
                }
            }
            rest = tail;
        }
        expanded.push_str(rest);
        Some(Cow::Owned(expanded))
    }

    /// The pattern with every variable replaced by `*`.
    pub(super) fn blanked(pattern: &str) -> String {
        let mut blanked = String::with_capacity(pattern.len());
        let mut rest = pattern;
        while let Some((before, after)) = rest.split_once("${") {
            blanked.push_str(before);
            blanked.push('*');
            rest = after.split_once('}').map_or("", |(_, tail)| tail);
        }
        blanked.push_str(rest);
        blanked
    }
}

/// One operator on one key.
#[derive(Debug, Clone)]
pub(super) struct Condition {
    test: Option<Test>,
    negated: bool,
    if_exists: bool,
    quantifier: Quantifier,
    pub(super) key: String,
    pub(super) values: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quantifier {
    /// The key has one value.
    Single,
    /// `ForAnyValue:`
    Any,
    /// `ForAllValues:`
    All,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Test {
    Equals,
    EqualsIgnoringCase,
    Like,
    Arn,
    Number(Compare),
    Date(Compare),
    Bool,
    Address,
    Null,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compare {
    Equals,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Condition {
    pub(super) fn new(operator: &str, key: &str, values: Vec<Value>) -> Self {
        let (quantifier, operator) = match operator.split_once(':') {
            Some(("ForAllValues", rest)) => (Quantifier::All, rest),
            Some(("ForAnyValue", rest)) => (Quantifier::Any, rest),
            _ => (Quantifier::Single, operator),
        };
        let (operator, if_exists) = match operator.strip_suffix("IfExists") {
            Some(operator) => (operator, true),
            None => (operator, false),
        };
        let (test, negated) = read_operator(operator);
        let text = |value: Value| match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        Self {
            test,
            negated,
            if_exists,
            quantifier,
            key: key.to_ascii_lowercase(),
            values: values.into_iter().map(text).collect(),
        }
    }

    pub(super) fn holds(&self, context: &Context) -> Truth {
        let Some(test) = self.test else {
            // An operator of a later day.
            return Truth::Unknown;
        };
        let Some(known) = context.get(&self.key) else {
            return Truth::Unknown;
        };
        if test == Test::Null {
            let wants_null = self
                .values
                .iter()
                .any(|value| value.eq_ignore_ascii_case("true"));
            return (wants_null == known.is_empty()).into();
        }
        if known.is_empty() {
            // A key the request lacks: a negated operator holds, `ForAllValues` holds, and
            // `IfExists` says so itself.
            let holds = self.if_exists || self.negated || self.quantifier == Quantifier::All;
            return holds.into();
        }
        let each = known.iter().map(|actual| self.one(test, actual, context));
        match self.quantifier {
            Quantifier::All => each.fold(Truth::True, Truth::and),
            Quantifier::Single | Quantifier::Any => each.fold(Truth::False, Truth::or),
        }
    }

    fn one(&self, test: Test, actual: &str, context: &Context) -> Truth {
        let found = self
            .values
            .iter()
            .map(|wanted| match context.expand(wanted) {
                Some(wanted) => compare(test, &wanted, actual),
                None => Truth::Unknown,
            })
            .fold(Truth::False, Truth::or);
        if self.negated { found.negate() } else { found }
    }
}

fn read_operator(operator: &str) -> (Option<Test>, bool) {
    let known = |test| (Some(test), false);
    let negated = |test| (Some(test), true);
    match operator {
        "StringEquals" | "BinaryEquals" => known(Test::Equals),
        "StringNotEquals" => negated(Test::Equals),
        "StringEqualsIgnoreCase" => known(Test::EqualsIgnoringCase),
        "StringNotEqualsIgnoreCase" => negated(Test::EqualsIgnoringCase),
        "StringLike" => known(Test::Like),
        "StringNotLike" => negated(Test::Like),
        "ArnEquals" | "ArnLike" => known(Test::Arn),
        "ArnNotEquals" | "ArnNotLike" => negated(Test::Arn),
        "NumericEquals" => known(Test::Number(Compare::Equals)),
        "NumericNotEquals" => negated(Test::Number(Compare::Equals)),
        "NumericLessThan" => known(Test::Number(Compare::Less)),
        "NumericLessThanEquals" => known(Test::Number(Compare::LessOrEqual)),
        "NumericGreaterThan" => known(Test::Number(Compare::Greater)),
        "NumericGreaterThanEquals" => known(Test::Number(Compare::GreaterOrEqual)),
        "DateEquals" => known(Test::Date(Compare::Equals)),
        "DateNotEquals" => negated(Test::Date(Compare::Equals)),
        "DateLessThan" => known(Test::Date(Compare::Less)),
        "DateLessThanEquals" => known(Test::Date(Compare::LessOrEqual)),
        "DateGreaterThan" => known(Test::Date(Compare::Greater)),
        "DateGreaterThanEquals" => known(Test::Date(Compare::GreaterOrEqual)),
        "Bool" => known(Test::Bool),
        "IpAddress" => known(Test::Address),
        "NotIpAddress" => negated(Test::Address),
        "Null" => known(Test::Null),
        _ => (None, false),
    }
}

fn compare(test: Test, wanted: &str, actual: &str) -> Truth {
    match test {
        Test::Equals => (wanted == actual).into(),
        Test::EqualsIgnoringCase | Test::Bool => wanted.eq_ignore_ascii_case(actual).into(),
        Test::Like => pattern::matches(wanted, actual).into(),
        Test::Arn => arn_matches(wanted, actual).into(),
        Test::Number(how) => match (wanted.parse::<f64>(), actual.parse::<f64>()) {
            (Ok(wanted), Ok(actual)) => how.holds(actual.total_cmp(&wanted)).into(),
            _ => Truth::False,
        },
        // Times of one form (`2026-01-01T00:00:00Z`) are in the order of their text; others are
        // not compared.
        Test::Date(how) if wanted.len() == actual.len() && wanted.ends_with('Z') => {
            how.holds(actual.cmp(wanted)).into()
        }
        Test::Date(_) => Truth::Unknown,
        Test::Address => match (AddressRange::parse(wanted), AddressRange::parse(actual)) {
            (Some(block), Some(address)) => block.contains(&address).into(),
            _ => Truth::Unknown,
        },
        Test::Null => Truth::Unknown,
    }
}

impl Compare {
    fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Compare::Equals => order.is_eq(),
            Compare::Less => order.is_lt(),
            Compare::LessOrEqual => order.is_le(),
            Compare::Greater => order.is_gt(),
            Compare::GreaterOrEqual => order.is_ge(),
        }
    }
}

/// ARNs match part by part: a wildcard does not cross a colon of the first five.
fn arn_matches(wanted: &str, actual: &str) -> bool {
    let parts = |arn: &str| arn.splitn(6, ':').map(str::to_owned).collect::<Vec<_>>();
    let (wanted_parts, actual_parts) = (parts(wanted), parts(actual));
    if wanted_parts.len() != actual_parts.len() {
        return wanted == "*";
    }
    let mut pairs = wanted_parts.iter().zip(&actual_parts);
    pairs.all(|(wanted, actual)| pattern::matches(wanted, actual))
}
