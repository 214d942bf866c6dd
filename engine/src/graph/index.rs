//! Value indexes: for each property, the rows in order of value, built when first asked.

use std::cmp::Ordering;
use std::ops::Bound;

use roaring::RoaringBitmap;

use crate::model::{StrId, Value};

use super::column::Column;
use super::symbols::StringValues;

/// A range of values, as in `n.cvss_score >= 7.0 AND n.cvss_score < 9.0`.
pub type ValueRange<'a> = (Bound<&'a Value>, Bound<&'a Value>);

/// The rows of one column ordered by value, then row.
#[derive(Debug)]
pub(crate) struct ValueIndex {
    rows: Box<[u32]>,
    /// Each value once, ascending.
    values: Box<[Value]>,
    /// Where the rows of each value begin, and where the last end.
    starts: Box<[u32]>,
}

impl ValueIndex {
    /// Sorts the column once: O(n log n), of strings only each text once.
    pub(crate) fn new(column: &Column, strings: &StringValues) -> Self {
        if let Some(texts) = column.text_ids() {
            return Self::of_texts(column, texts, strings);
        }
        let mut pairs: Vec<(Value, u32)> = column
            .rows()
            .filter_map(|row| column.get(row, strings).map(|value| (value, row)))
            .collect();
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let rows: Box<[u32]> = pairs.iter().map(|pair| pair.1).collect();
        let mut values: Vec<Value> = Vec::new();
        let mut starts = Vec::new();
        for (at, (value, _)) in pairs.into_iter().enumerate() {
            if values.last().map(|last| last.total_cmp(&value)) != Some(Ordering::Equal) {
                values.push(value);
                starts.push(at as u32);
            }
        }
        starts.push(rows.len() as u32);
        ValueIndex {
            rows,
            values: values.into_boxed_slice(),
            starts: starts.into_boxed_slice(),
        }
    }

    /// The texts that occur are sorted, then the rows are counted into their places.
    fn of_texts(column: &Column, texts: &[StrId], strings: &StringValues) -> Self {
        let mut sorted: Vec<u32> = texts.iter().map(|text| text.0).collect();
        sorted.sort_unstable();
        sorted.dedup();
        sorted.sort_unstable_by_key(|&text| strings.text(StrId(text)));
        let highest = sorted.iter().max().map_or(0, |&text| text as usize + 1);
        let mut ranks = vec![0_u32; highest];
        for (rank, &text) in sorted.iter().enumerate() {
            ranks[text as usize] = rank as u32;
        }
        let mut starts = vec![0_u32; sorted.len() + 1];
        for text in texts {
            starts[ranks[text.0 as usize] as usize + 1] += 1;
        }
        for rank in 0..sorted.len() {
            starts[rank + 1] += starts[rank];
        }
        let mut next = starts.clone();
        let mut rows = vec![0_u32; texts.len()];
        for (row, text) in column.rows().zip(texts) {
            let place = &mut next[ranks[text.0 as usize] as usize];
            rows[*place as usize] = row;
            *place += 1;
        }
        let values = sorted.into_iter().map(|text| strings.get(StrId(text)));
        ValueIndex {
            rows: rows.into_boxed_slice(),
            values: values.map(Value::Str).collect(),
            starts: starts.into_boxed_slice(),
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
                Bound::Unbounded => self.values.len(),
            },
        };
        self.rows_of(start, end)
    }

    /// Rows whose value is a string that starts with `prefix`.
    pub(crate) fn prefix(&self, prefix: &str) -> RoaringBitmap {
        let low = Value::from(prefix);
        let start = self.first(|value| value.total_cmp(&low) != Ordering::Less);
        let matching = self.values[start..]
            .partition_point(|value| value.as_str().is_some_and(|text| text.starts_with(prefix)));
        self.rows_of(start, start + matching)
    }

    /// The rows of some values in a row.
    fn rows_of(&self, start: usize, end: usize) -> RoaringBitmap {
        if start >= end {
            return RoaringBitmap::new();
        }
        let (start, end) = (self.starts[start] as usize, self.starts[end] as usize);
        self.rows[start..end].iter().copied().collect()
    }

    /// How many distinct values there are; used by the planner's statistics. O(1).
    pub(crate) fn n_distinct(&self) -> usize {
        self.values.len()
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
