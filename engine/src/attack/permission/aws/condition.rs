//! Conditions, in three values: a key that the caller does not know makes its condition unknown.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

use crate::attack::network::AddressRange;

use super::super::Truth;
use super::pattern::{self, Coverage};

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

    /// What somebody of none of our accounts may have their request carry. Whether their account is
    /// in an organisation is their choice; it is not in ours.
    pub fn of_strangers() -> [Self; 2] {
        let alone = Self::new()
            .with("aws:PrincipalAccount", "000000000000")
            .with("aws:PrincipalIsAWSService", "false")
            .with("aws:SecureTransport", "true");
        let organised = alone
            .clone()
            .with("aws:PrincipalOrgID", "o-stranger")
            .with("aws:PrincipalOrgPaths", "o-stranger/r-stranger/");
        let alone = alone
            .without("aws:PrincipalOrgID")
            .without("aws:PrincipalOrgPaths");
        [alone, organised]
    }

    /// Known values of a key: none where unknown, an empty list where the request lacks it.
    fn get(&self, key: &str) -> Option<&[String]> {
        self.values.get(key).map(Vec::as_slice)
    }

    /// Puts values in the place of `${key}` and `${key, 'default'}`.
    pub(super) fn expand<'p>(&self, pattern: &'p str) -> Expanded<'p> {
        if !pattern.contains("${") {
            return Expanded::Known(Cow::Borrowed(pattern));
        }
        let mut expanded = String::with_capacity(pattern.len());
        let mut rest = pattern;
        let mut is_known = true;
        while let Some((before, after)) = rest.split_once("${") {
            let Some((variable, tail)) = after.split_once('}') else {
                return Expanded::Unknown;
            };
            expanded.push_str(before);
            rest = tail;
            if matches!(variable, "*" | "?" | "$") {
                // Written this way to mean the character itself; as a wildcard it admits more,
                // never less.
                expanded.push_str(variable);
                continue;
            }
            let (key, default) = match variable.split_once(',') {
                Some((key, default)) => (key, Some(default.trim().trim_matches('\''))),
                None => (variable, None),
            };
            match (self.get(&key.trim().to_ascii_lowercase()), default) {
                (Some([value]), _) => expanded.push_str(value),
                (Some([]), Some(default)) => expanded.push_str(default),
                (Some([]), None) => return Expanded::Absent,
                (None | Some(_), _) => is_known = false,
            }
        }
        if !is_known {
            return Expanded::Unknown;
        }
        expanded.push_str(rest);
        Expanded::Known(Cow::Owned(expanded))
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

/// A pattern with values in the place of its variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expanded<'p> {
    /// Every variable has a value.
    Known(Cow<'p, str>),
    /// The value of a variable is not known.
    Unknown,
    /// The request lacks the key of a variable: the pattern matches nothing.
    Absent,
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
            // A key the request lacks: `ForAllValues` holds and `ForAnyValue` does not, since there
            // is no value; without a quantifier a negated operator holds, and `IfExists` says so
            // itself. What `IfExists` means after `ForAnyValue` AWS does not say.
            return match self.quantifier {
                Quantifier::All => Truth::True,
                Quantifier::Any if self.if_exists => Truth::Unknown,
                Quantifier::Any => Truth::False,
                Quantifier::Single => (self.if_exists || self.negated).into(),
            };
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
                Expanded::Known(wanted) => compare(test, &wanted, actual),
                Expanded::Unknown => Truth::Unknown,
                // A statement that AWS may hold for invalid as a whole.
                Expanded::Absent if self.negated => Truth::Unknown,
                Expanded::Absent => Truth::False,
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

/// A `*` in `actual` stands for any text: the answer is what holds for all that it may be.
fn compare(test: Test, wanted: &str, actual: &str) -> Truth {
    if actual.contains('*') {
        let is_fixed = matches!(test, Test::Equals | Test::EqualsIgnoringCase);
        return match test {
            Test::Equals | Test::EqualsIgnoringCase | Test::Like => {
                match pattern::coverage(wanted, actual) {
                    Coverage::Whole if !is_fixed => Truth::True,
                    Coverage::None => Truth::False,
                    _ if is_fixed && wanted.contains('*') => Truth::False,
                    _ => Truth::Unknown,
                }
            }
            _ => Truth::Unknown,
        };
    }
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
