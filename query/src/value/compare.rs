//! Equality, comparison and order of values, as openCypher 9 says.

use std::cmp::Ordering;

use super::Val;

/// Whether two values are equal: `None` when a null makes that unknown.
///
/// Values of different types are not equal; an integer and a float are equal when they are the
/// same number; NaN equals nothing. Lists and maps are equal element by element.
#[expect(clippy::float_cmp, reason = "equality of floats is what is asked for")]
pub fn equals(left: &Val, right: &Val) -> Option<bool> {
    match (left, right) {
        (Val::Null, _) | (_, Val::Null) => None,
        (Val::Int(a), Val::Int(b)) => Some(a == b),
        (Val::Str(a), Val::Str(b)) => Some(a == b),
        (Val::Float(a), Val::Float(b)) => Some(a == b),
        (Val::Int(int), Val::Float(float)) | (Val::Float(float), Val::Int(int)) => {
            Some(!float.is_nan() && cmp_int_float(*int, *float) == Ordering::Equal)
        }
        (Val::List(a), Val::List(b)) => {
            if a.len() != b.len() {
                return Some(false);
            }
            all_equal(a.iter().zip(b.iter()))
        }
        (Val::Map(a), Val::Map(b)) => {
            if a.len() != b.len() || !a.keys().eq(b.keys()) {
                return Some(false);
            }
            all_equal(a.values().zip(b.values()))
        }
        _ => Some(order(left, right) == Ordering::Equal),
    }
}

fn all_equal<'a>(pairs: impl Iterator<Item = (&'a Val, &'a Val)>) -> Option<bool> {
    let mut known = true;
    for (left, right) in pairs {
        match equals(left, right) {
            Some(false) => return Some(false),
            None => known = false,
            Some(true) => {}
        }
    }
    known.then_some(true)
}

/// How two values compare under `<`. Lists compare element by element; values of different types do
/// not compare.
pub fn compare(left: &Val, right: &Val) -> Result<Ordering, Incomparable> {
    match (left, right) {
        (Val::Int(a), Val::Int(b)) => Ok(a.cmp(b)),
        (Val::Int(_) | Val::Float(_), Val::Int(_) | Val::Float(_)) => {
            if is_nan(left) || is_nan(right) {
                return Err(Incomparable::NotANumber);
            }
            Ok(order(left, right))
        }
        (Val::Str(a), Val::Str(b)) => Ok(a.cmp(b)),
        (Val::Bool(a), Val::Bool(b)) => Ok(a.cmp(b)),
        (Val::Date(_), Val::Date(_)) | (Val::DateTime(_), Val::DateTime(_)) => {
            Ok(order(left, right))
        }
        (Val::List(a), Val::List(b)) => {
            for (one, other) in a.iter().zip(b.iter()) {
                match equals(one, other) {
                    Some(true) => {}
                    Some(false) => return compare(one, other),
                    None => return Err(Incomparable::Unknown),
                }
            }
            Ok(a.len().cmp(&b.len()))
        }
        _ => Err(Incomparable::Unknown),
    }
}

/// Why two values do not compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Incomparable {
    /// One is null, or their types do not compare: the comparison is null.
    Unknown,
    /// One is NaN: the comparison is false.
    NotANumber,
}

fn is_nan(value: &Val) -> bool {
    matches!(value, Val::Float(float) if float.is_nan())
}

fn rank(value: &Val) -> u8 {
    match value {
        Val::Map(_) => 0,
        Val::Node(_) => 1,
        Val::Rel(_) => 2,
        Val::List(_) => 3,
        Val::Path(_) => 4,
        Val::Foreign(_) => 5,
        Val::DateTime(_) => 6,
        Val::Date(_) => 7,
        Val::Duration(_) => 8,
        Val::Str(_) => 9,
        Val::Bool(_) => 10,
        Val::Int(_) | Val::Float(_) => 11,
        Val::Null => 12,
    }
}

/// The total order of `ORDER BY`: maps, nodes, relationships, lists, paths, times, strings,
/// booleans, numbers with NaN last, then null. Two values are equal here exactly when `DISTINCT`
/// and grouping take them for one.
pub fn order(left: &Val, right: &Val) -> Ordering {
    match (left, right) {
        (Val::Int(a), Val::Int(b)) => a.cmp(b),
        (Val::Str(a), Val::Str(b)) => a.cmp(b),
        (Val::Float(a), Val::Float(b)) => cmp_floats(*a, *b),
        (Val::Int(a), Val::Float(b)) => cmp_int_float(*a, *b),
        (Val::Float(a), Val::Int(b)) => cmp_int_float(*b, *a).reverse(),
        (Val::Bool(a), Val::Bool(b)) => a.cmp(b),
        (Val::Node(a), Val::Node(b)) => a.cmp(b),
        (Val::Rel(a), Val::Rel(b)) => a.cmp(b),
        (Val::List(a), Val::List(b)) => order_lists(a.iter(), b.iter()),
        (Val::Map(a), Val::Map(b)) => a
            .keys()
            .cmp(b.keys())
            .then_with(|| order_lists(a.values(), b.values())),
        (Val::Path(a), Val::Path(b)) => {
            let key = |path: &super::Path| {
                (
                    path.start,
                    path.steps
                        .iter()
                        .map(|step| (step.edge, step.node))
                        .collect::<Vec<_>>(),
                )
            };
            key(a).cmp(&key(b))
        }
        (Val::Date(a), Val::Date(b)) => a.cmp(b),
        (Val::DateTime(a), Val::DateTime(b)) => a.cmp(b),
        (Val::Duration(a), Val::Duration(b)) => a.cmp(b),
        (Val::Foreign(a), Val::Foreign(b)) => a
            .type_name()
            .cmp(b.type_name())
            .then_with(|| a.sort_key().cmp(b.sort_key())),
        _ => rank(left).cmp(&rank(right)),
    }
}

fn order_lists<'a>(
    mut left: impl Iterator<Item = &'a Val>,
    mut right: impl Iterator<Item = &'a Val>,
) -> Ordering {
    loop {
        match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(a), Some(b)) => match order(a, b) {
                Ordering::Equal => {}
                unequal => return unequal,
            },
        }
    }
}

fn cmp_floats(left: f64, right: f64) -> Ordering {
    left.partial_cmp(&right)
        .unwrap_or_else(|| left.is_nan().cmp(&right.is_nan()))
}

/// Compares without rounding the integer: above 2^53 a cast would make distinct numbers equal.
fn cmp_int_float(int: i64, float: f64) -> Ordering {
    if float.is_nan() || float >= 9_223_372_036_854_775_808.0 {
        return Ordering::Less;
    }
    if float < -9_223_372_036_854_775_808.0 {
        return Ordering::Greater;
    }
    let whole = float.trunc();
    int.cmp(&(whole as i64))
        .then_with(|| cmp_floats(0.0, float - whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_with_null_are_unequal_only_for_sure() {
        let with_null = |first| Val::list(vec![Val::Int(first), Val::Null]);
        let plain = |first| Val::list(vec![Val::Int(first), Val::Int(2)]);
        assert_eq!(equals(&with_null(1), &plain(1)), None);
        assert_eq!(equals(&with_null(1), &plain(2)), Some(false));
        assert_eq!(equals(&plain(1), &plain(1)), Some(true));
    }

    #[test]
    fn big_integers_are_not_rounded() {
        let big = Val::Int(9_007_199_254_740_993);
        let near = Val::Float(9_007_199_254_740_992.0);
        assert_eq!(equals(&big, &near), Some(false));
        assert_eq!(compare(&near, &big), Ok(Ordering::Less));
    }

    #[test]
    fn types_are_ordered_with_null_last() {
        let mut values = [
            Val::Null,
            Val::Float(f64::NAN),
            Val::Int(1),
            Val::Bool(true),
            Val::str("a"),
            Val::list(vec![]),
            Val::Map(std::sync::Arc::default()),
        ];
        values.sort_by(order);
        let types: Vec<_> = values.iter().map(Val::type_name).collect();
        assert_eq!(
            types,
            [
                "a map",
                "a list",
                "a string",
                "a boolean",
                "an integer",
                "a float",
                "null"
            ]
        );
    }
}
