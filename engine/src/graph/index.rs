//! Value indexes: for each property, the rows in order of value, built when first asked.

use std::cmp::Ordering;
use std::ops::Bound;

use roaring::RoaringBitmap;

use crate::model::Value;

use super::column::Column;
use super::symbols::StringValues;

/// A range of values, as in `n.cvss_score >= 7.0 AND n.cvss_score < 9.0`.
pub type ValueRange<'a> = (Bound<&'a Value>, Bound<&'a Value>);

/// The rows of one column ordered by value, then row.
#[derive(Debug)]
pub(crate) struct ValueIndex {
    rows: Box<[u32]>,
    values: Box<[Value]>,
    n_distinct: usize,
}

impl ValueIndex {
    /// Sorts the column once: O(n log n).
    pub(crate) fn new(column: &Column, strings: &StringValues) -> Self {
        let mut pairs: Vec<(Value, u32)> = column
            .rows()
            .filter_map(|row| column.get(row, strings).map(|value| (value, row)))
            .collect();
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let rows = pairs.iter().map(|pair| pair.1).collect();
        let changes = pairs.windows(2);
        let changes = changes.filter(|pair| pair[0].0.total_cmp(&pair[1].0) != Ordering::Equal);
        let n_distinct = changes.count() + usize::from(!pairs.is_empty());
        let values = pairs.into_iter().map(|pair| pair.0).collect();
        ValueIndex {
            rows,
            values,
            n_distinct,
        }
    }

    /// Rows whose value equals `value` (numbers compare across integer and float).
    pub(crate) fn equal(&self, value: &Value) -> RoaringBitmap {
        self.range((Bound::Included(value), Bound::Included(value)))
    }

    /// Rows whose value lies in `range`. Only values of the type of the bound qualify, and NaN lies
    /// in no range.
    pub(crate) fn range(&self, range: ValueRange<'_>) -> RoaringBitmap {
        let start = match range.0 {
            Bound::Included(low) => self.first(|value| value.total_cmp(low) != Ordering::Less),
            Bound::Excluded(low) => self.first(|value| value.total_cmp(low) == Ordering::Greater),
            Bound::Unbounded => match range.1 {
                Bound::Included(high) | Bound::Excluded(high) => self.first(|value| {
                    same_type(value, high) || value.total_cmp(high) != Ordering::Less
                }),
                Bound::Unbounded => 0,
            },
        };
        let end = match range.1 {
            Bound::Included(high) => self.first(|value| value.total_cmp(high) == Ordering::Greater),
            Bound::Excluded(high) => self.first(|value| value.total_cmp(high) != Ordering::Less),
            Bound::Unbounded => match range.0 {
                Bound::Included(low) | Bound::Excluded(low) => self.first(|value| {
                    value.total_cmp(low) == Ordering::Greater
                        && (!same_type(value, low) || is_nan(value))
                }),
                Bound::Unbounded => self.rows.len(),
            },
        };
        self.rows
            .get(start..end)
            .unwrap_or_default()
            .iter()
            .copied()
            .collect()
    }

    /// Rows whose value is a string that starts with `prefix`.
    pub(crate) fn prefix(&self, prefix: &str) -> RoaringBitmap {
        let low = Value::from(prefix);
        let start = self.first(|value| value.total_cmp(&low) != Ordering::Less);
        let matching = self.values[start..]
            .partition_point(|value| value.as_str().is_some_and(|text| text.starts_with(prefix)));
        self.rows[start..start + matching].iter().copied().collect()
    }

    /// How many distinct values there are; used by the planner's statistics. O(1).
    pub(crate) fn n_distinct(&self) -> usize {
        self.n_distinct
    }

    fn first(&self, reached: impl Fn(&Value) -> bool) -> usize {
        self.values.partition_point(|value| !reached(value))
    }
}

fn is_nan(value: &Value) -> bool {
    matches!(value, Value::Float(number) if number.is_nan())
}

fn same_type(a: &Value, b: &Value) -> bool {
    matches!(
        (a, b),
        (Value::Bool(_), Value::Bool(_))
            | (
                Value::Int(_) | Value::Float(_),
                Value::Int(_) | Value::Float(_)
            )
            | (Value::Str(_), Value::Str(_))
            | (Value::List(_), Value::List(_))
    )
}
