//! Values as keys: what `DISTINCT`, grouping and `UNION` take for the same.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use super::{Val, order};

/// A row of values that compares and hashes by equivalence: nulls are the same, NaN is the same as
/// NaN, and an integer the same as an equal float.
#[derive(Debug, Clone)]
pub struct RowKey(pub Box<[Val]>);

impl RowKey {
    /// About how many bytes it holds.
    pub fn heap_bytes(&self) -> u64 {
        self.0
            .iter()
            .map(|value| Val::BYTES + value.heap_bytes())
            .sum()
    }
}

impl PartialEq for RowKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.len() == other.0.len()
            && self
                .0
                .iter()
                .zip(other.0.iter())
                .all(|(a, b)| order(a, b) == Ordering::Equal)
    }
}

impl Eq for RowKey {}

impl Hash for RowKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for value in &self.0 {
            hash_value(value, state);
        }
    }
}

fn hash_value<H: Hasher>(value: &Val, state: &mut H) {
    match value {
        Val::Null => 0_u8.hash(state),
        Val::Bool(flag) => (1_u8, flag).hash(state),
        Val::Int(number) => (2_u8, number).hash(state),
        Val::Float(number) => hash_float(*number, state),
        Val::Str(text) => (3_u8, text).hash(state),
        Val::List(items) => {
            (4_u8, items.len()).hash(state);
            for item in items.iter() {
                hash_value(item, state);
            }
        }
        Val::Map(map) => {
            (5_u8, map.len()).hash(state);
            for (key, item) in map.iter() {
                key.hash(state);
                hash_value(item, state);
            }
        }
        Val::Node(node) => (6_u8, node.0).hash(state),
        Val::Rel(edge) => (7_u8, edge.0).hash(state),
        Val::Path(path) => {
            (8_u8, path.start.0, path.steps.len()).hash(state);
            for edge in path.edges() {
                edge.0.hash(state);
            }
        }
        Val::Date(date) => (9_u8, date).hash(state),
        Val::DateTime(instant) => (10_u8, instant).hash(state),
        Val::Duration(duration) => (11_u8, duration).hash(state),
        Val::Foreign(foreign) => (12_u8, foreign.sort_key()).hash(state),
    }
}

/// A whole float hashes as the integer it equals.
fn hash_float<H: Hasher>(number: f64, state: &mut H) {
    let whole = number.trunc();
    let fits = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&number);
    if fits && whole.to_bits() == (number + 0.0).to_bits() || number == 0.0 {
        (2_u8, whole as i64).hash(state);
    } else if number.is_nan() {
        (13_u8, u64::MAX).hash(state);
    } else {
        (13_u8, number.to_bits()).hash(state);
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher, RandomState};

    use super::*;

    #[test]
    fn equal_numbers_hash_alike() {
        let hasher = RandomState::new();
        let hash = |value: Val| hasher.hash_one(RowKey(Box::new([value])));
        assert_eq!(hash(Val::Int(3)), hash(Val::Float(3.0)));
        assert_eq!(hash(Val::Int(0)), hash(Val::Float(-0.0)));
        assert_eq!(hash(Val::Int(-7)), hash(Val::Float(-7.0)));
        assert_eq!(hash(Val::Float(f64::NAN)), hash(Val::Float(-f64::NAN)));
        assert_ne!(hash(Val::Float(0.5)), hash(Val::Int(0)));
    }
}
