//! Typed columns: one property over all rows (nodes or edges) that have it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::bits::ones;
use crate::model::{StrId, Strings, Value};

use super::symbols::{GrowingStrings, StringValues};

/// Which rows have a value, and where in the value array it lies.
#[derive(Debug, Clone)]
enum Presence {
    /// Every row.
    All,
    /// One bit a row, with the number of set bits before each block of 64.
    Ranked {
        words: Box<[u64]>,
        ranks: Box<[u32]>,
    },
    /// The rows themselves, ascending.
    Sparse(Box<[u32]>),
}

impl Presence {
    fn new(rows: Vec<u32>, n_rows: usize) -> Self {
        if rows.len() == n_rows {
            return Presence::All;
        }
        // A bit and a rank cost 1.5 bits a row, an entry 32 bits a value.
        if rows.len() * 21 < n_rows {
            return Presence::Sparse(rows.into_boxed_slice());
        }
        let mut words = vec![0_u64; n_rows.div_ceil(64)];
        for &row in &rows {
            words[row as usize / 64] |= 1 << (row % 64);
        }
        let mut ranks = Vec::with_capacity(words.len());
        let mut before = 0;
        for word in &words {
            ranks.push(before);
            before += word.count_ones();
        }
        Presence::Ranked {
            words: words.into_boxed_slice(),
            ranks: ranks.into_boxed_slice(),
        }
    }

    fn position(&self, row: u32) -> Option<usize> {
        match self {
            Presence::All => Some(row as usize),
            Presence::Ranked { words, ranks } => {
                let word = words[row as usize / 64];
                let bit = 1_u64 << (row % 64);
                (word & bit != 0).then(|| {
                    ranks[row as usize / 64] as usize + (word & (bit - 1)).count_ones() as usize
                })
            }
            Presence::Sparse(rows) => rows.binary_search(&row).ok(),
        }
    }

    /// Every row, ascending.
    fn each(&self, n_values: usize, visit: impl FnMut(u32)) {
        match self {
            Presence::All => (0..n_values as u32).for_each(visit),
            Presence::Ranked { words, .. } => ones(words).for_each(visit),
            Presence::Sparse(rows) => rows.iter().copied().for_each(visit),
        }
    }

    fn rows(&self, n_values: usize) -> Box<dyn Iterator<Item = u32> + '_> {
        match self {
            Presence::All => Box::new(0..n_values as u32),
            Presence::Ranked { words, .. } => Box::new(ones(words)),
            Presence::Sparse(rows) => Box::new(rows.iter().copied()),
        }
    }

    fn heap_bytes(&self) -> usize {
        match self {
            Presence::All => 0,
            Presence::Ranked { words, ranks } => words.len() * 8 + ranks.len() * 4,
            Presence::Sparse(rows) => rows.len() * 4,
        }
    }
}

#[derive(Debug, Clone)]
enum Values {
    Bool(Box<[bool]>),
    Int(Box<[i64]>),
    Float(Box<[f64]>),
    Str(Box<[StrId]>),
    Mixed(Box<[Value]>),
}

/// The values of one property.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    presence: Presence,
    values: Values,
}

impl Column {
    /// The value of `row`, if it has one. O(1), or O(log values) for a sparse column.
    pub(crate) fn get(&self, row: u32, strings: &StringValues) -> Option<Value> {
        let at = self.presence.position(row)?;
        Some(self.at(at, strings))
    }

    /// Whether `row` has a value.
    pub(crate) fn has(&self, row: u32) -> bool {
        self.presence.position(row).is_some()
    }

    /// The text of `row`, if its value is a string, without touching a reference count.
    pub(crate) fn get_str<'a>(&'a self, row: u32, strings: &'a StringValues) -> Option<&'a str> {
        let at = self.presence.position(row)?;
        match &self.values {
            Values::Str(values) => Some(strings.text(values[at])),
            Values::Mixed(values) => values[at].as_str(),
            _ => None,
        }
    }

    /// The texts of a column of strings, in the order of its rows.
    pub(crate) fn text_ids(&self) -> Option<&[StrId]> {
        match &self.values {
            Values::Str(values) => Some(values),
            _ => None,
        }
    }

    /// The rows that have a new number, with their values; with no values of a mixed column.
    fn renumbered(
        &self,
        new_rows: &[u32],
        moved: impl FnMut(StrId) -> StrId,
    ) -> (Vec<u32>, Values) {
        fn pick<T: Copy>(values: &[T], kept: &[u32]) -> Box<[T]> {
            kept.iter().map(|&at| values[at as usize]).collect()
        }
        // Places of values that stay, and their new rows.
        let (mut kept, mut rows) = (Vec::new(), Vec::new());
        let mut at = 0;
        self.presence.each(self.len(), |row| {
            let row = new_rows[row as usize];
            if row != u32::MAX {
                kept.push(at);
                rows.push(row);
            }
            at += 1;
        });
        let values = match &self.values {
            Values::Bool(values) => Values::Bool(pick(values, &kept)),
            Values::Int(values) => Values::Int(pick(values, &kept)),
            Values::Float(values) => Values::Float(pick(values, &kept)),
            Values::Str(values) => {
                let texts = kept.iter().map(|&at| values[at as usize]);
                Values::Str(texts.map(moved).collect())
            }
            Values::Mixed(_) => Values::Mixed(Box::new([])),
        };
        (rows, values)
    }

    /// How many rows have a value.
    pub(crate) fn len(&self) -> usize {
        match &self.values {
            Values::Bool(values) => values.len(),
            Values::Int(values) => values.len(),
            Values::Float(values) => values.len(),
            Values::Str(values) => values.len(),
            Values::Mixed(values) => values.len(),
        }
    }

    /// The rows that have a value, ascending.
    pub(crate) fn rows(&self) -> Box<dyn Iterator<Item = u32> + '_> {
        self.presence.rows(self.len())
    }

    /// The new ids of rows whose value is not what it was, ascending, those of rows that are new
    /// among them. `paired` gives the new row of each old one, `u32::MAX` where there is none.
    pub(crate) fn changed_rows(
        &self,
        (old_strings, memo): (&StringValues, &StringMemo),
        (new, new_strings): (&Column, &StringValues),
        paired: &[u32],
        changed: &mut Vec<u32>,
    ) {
        let before = self.rows().map(|row| paired[row as usize]).enumerate();
        let mut before = before.filter(|&(_, row)| row != u32::MAX).peekable();
        for (now_at, row) in new.rows().enumerate() {
            while let Some((_, gone)) = before.next_if(|&(_, old_row)| old_row < row) {
                changed.push(gone);
            }
            let same = before.next_if(|&(_, old_row)| old_row == row);
            let is_same = same.is_some_and(|(at, _)| match (&self.values, &new.values) {
                (Values::Bool(a), Values::Bool(b)) => a[at] == b[now_at],
                (Values::Int(a), Values::Int(b)) => a[at] == b[now_at],
                (Values::Float(a), Values::Float(b)) => a[at].to_bits() == b[now_at].to_bits(),
                (Values::Str(a), Values::Str(b)) => {
                    memo.same(old_strings, a[at], new_strings, b[now_at])
                }
                _ => {
                    let now = new.at(now_at, new_strings);
                    self.at(at, old_strings).is_identical(&now)
                }
            });
            if !is_same {
                changed.push(row);
            }
        }
        changed.extend(before.map(|(_, row)| row));
    }

    fn at(&self, at: usize, strings: &StringValues) -> Value {
        match &self.values {
            Values::Bool(values) => Value::Bool(values[at]),
            Values::Int(values) => Value::Int(values[at]),
            Values::Float(values) => Value::Float(values[at]),
            Values::Str(values) => Value::Str(strings.get(values[at])),
            Values::Mixed(values) => values[at].clone(),
        }
    }

    /// The name of the type of the values: `bool`, `int`, `float`, `string` or `mixed`.
    pub(crate) fn type_name(&self) -> &'static str {
        match &self.values {
            Values::Bool(_) => "bool",
            Values::Int(_) => "int",
            Values::Float(_) => "float",
            Values::Str(_) => "string",
            Values::Mixed(_) => "mixed",
        }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        let values = match &self.values {
            Values::Bool(values) => values.len(),
            Values::Int(values) => values.len() * 8,
            Values::Float(values) => values.len() * 8,
            Values::Str(values) => values.len() * 4,
            Values::Mixed(values) => values.iter().map(value_bytes).sum(),
        };
        values + self.presence.heap_bytes()
    }
}

/// Which new string each old one was last found equal to. Strings of one snapshot are unique, so
/// that each text is compared once.
#[derive(Debug)]
pub(crate) struct StringMemo(Box<[AtomicU32]>);

impl StringMemo {
    pub(crate) fn new(old: &StringValues) -> Self {
        StringMemo((0..old.len()).map(|_| AtomicU32::new(u32::MAX)).collect())
    }

    fn same(&self, old: &StringValues, a: StrId, new: &StringValues, b: StrId) -> bool {
        let known = &self.0[a.0 as usize];
        if known.load(Ordering::Relaxed) == b.0 {
            return true;
        }
        let is_same = old.text(a) == new.text(b);
        if is_same {
            known.store(b.0, Ordering::Relaxed);
        }
        is_same
    }
}

fn value_bytes(value: &Value) -> usize {
    let inner = match value {
        Value::Str(text) => text.len(),
        Value::List(items) => items.iter().map(value_bytes).sum(),
        _ => 0,
    };
    size_of::<Value>() + inner
}

/// Collects the values of one property, rows ascending.
#[derive(Debug, Default)]
pub(crate) struct ColumnBuilder {
    rows: Vec<u32>,
    values: Vec<Value>,
}

impl ColumnBuilder {
    pub(crate) fn push(&mut self, row: u32, value: Value) {
        self.rows.push(row);
        self.values.push(value);
    }

    /// Chooses the narrowest type that holds every value; `strings` collects string values.
    pub(crate) fn finish(self, n_rows: usize, strings: &mut Strings) -> Column {
        self.finish_with(n_rows, |text| strings.intern(text))
    }

    fn finish_with(self, n_rows: usize, intern: impl FnMut(&str) -> StrId) -> Column {
        let values = self.values;
        let typed = if let Some(all) = every(&values, Value::as_bool) {
            Values::Bool(all)
        } else if let Some(all) = every(&values, Value::as_int) {
            Values::Int(all)
        } else if let Some(all) = every(&values, |value| match value {
            Value::Float(number) => Some(*number),
            _ => None,
        }) {
            Values::Float(all)
        } else if values.iter().all(|value| value.as_str().is_some()) {
            Values::Str(
                values
                    .iter()
                    .filter_map(Value::as_str)
                    .map(intern)
                    .collect(),
            )
        } else {
            Values::Mixed(share_lists(&values))
        };
        Column {
            presence: Presence::new(self.rows, n_rows),
            values: typed,
        }
    }
}

/// The rows of a column and of another that replaces a part of it, under new numbers.
pub(crate) struct Splice<'a> {
    /// The new number of each row of the column, `u32::MAX` where it is gone; ascending.
    pub(crate) of_old: &'a [u32],
    /// The same for the other.
    pub(crate) of_part: &'a [u32],
    /// How many rows there are now.
    pub(crate) n_rows: usize,
    /// The rows that are replaced, if all others have the number they had and there are no more.
    pub(crate) replaced: Option<&'a [u32]>,
    /// The strings of the column, which keep their ids.
    pub(crate) old_strings: &'a StringValues,
    /// The strings of the other.
    pub(crate) part_strings: &'a StringValues,
}

impl Splice<'_> {
    /// The column that [`ColumnBuilder`] would give for the rows of both; none without a value.
    pub(crate) fn column(
        &self,
        old: Option<&Arc<Column>>,
        part: Option<&Arc<Column>>,
        strings: &mut GrowingStrings,
    ) -> Option<Arc<Column>> {
        let (rows, values) = match (old, part) {
            (None, None) => return None,
            (Some(old), None)
                if (self.replaced)
                    .is_some_and(|replaced| !replaced.iter().any(|&row| old.has(row))) =>
            {
                return Some(Arc::clone(old));
            }
            (Some(old), None) => old.renumbered(self.of_old, |text| text),
            (None, Some(part)) => part.renumbered(self.of_part, |text| {
                strings.intern(self.part_strings.text(text))
            }),
            (Some(old), Some(part)) => match (&old.values, &part.values) {
                (Values::Bool(a), Values::Bool(b)) => {
                    let (rows, values) = self.both((old, a), (part, b), |value| value);
                    (rows, Values::Bool(values))
                }
                (Values::Int(a), Values::Int(b)) => {
                    let (rows, values) = self.both((old, a), (part, b), |value| value);
                    (rows, Values::Int(values))
                }
                (Values::Float(a), Values::Float(b)) => {
                    let (rows, values) = self.both((old, a), (part, b), |value| value);
                    (rows, Values::Float(values))
                }
                (Values::Str(a), Values::Str(b)) => {
                    let moved = |text| strings.intern(self.part_strings.text(text));
                    let (rows, values) = self.both((old, a), (part, b), moved);
                    (rows, Values::Str(values))
                }
                _ => return self.anew(Some(old), Some(part), strings).map(Arc::new),
            },
        };
        if let Values::Mixed(_) = values {
            let (old, part) = (old.map(|column| &**column), part.map(|column| &**column));
            return self.anew(old, part, strings).map(Arc::new);
        }
        (!rows.is_empty()).then(|| {
            Arc::new(Column {
                presence: Presence::new(rows, self.n_rows),
                values,
            })
        })
    }

    /// The rows of both columns in order.
    fn both<T: Copy>(
        &self,
        (old, of_old): (&Column, &[T]),
        (part, of_part): (&Column, &[T]),
        mut moved: impl FnMut(T) -> T,
    ) -> (Vec<u32>, Box<[T]>) {
        let n = of_old.len() + of_part.len();
        let (mut rows, mut values) = (Vec::with_capacity(n), Vec::with_capacity(n));
        let ours = old.rows().map(|row| self.of_old[row as usize]).zip(of_old);
        let mut ours = ours.filter(|&(row, _)| row != u32::MAX).peekable();
        let others = part.rows().map(|row| self.of_part[row as usize]);
        for (row, &value) in others.zip(of_part).filter(|&(row, _)| row != u32::MAX) {
            while let Some((before, &own)) = ours.next_if(|&(own, _)| own < row) {
                rows.push(before);
                values.push(own);
            }
            rows.push(row);
            values.push(moved(value));
        }
        for (row, &own) in ours {
            rows.push(row);
            values.push(own);
        }
        (rows, values.into_boxed_slice())
    }

    /// The column built value by value: its type may be another now.
    fn anew(
        &self,
        old: Option<&Column>,
        part: Option<&Column>,
        strings: &mut GrowingStrings,
    ) -> Option<Column> {
        let sides = [
            (old, self.of_old, self.old_strings),
            (part, self.of_part, self.part_strings),
        ];
        let mut all: Vec<(u32, Value)> = Vec::new();
        for (column, new_rows, texts) in sides {
            let Some(column) = column else { continue };
            let rows = column.rows().map(|row| new_rows[row as usize]).enumerate();
            let rows = rows.filter(|&(_, row)| row != u32::MAX);
            all.extend(rows.map(|(at, row)| (row, column.at(at, texts))));
        }
        // Two ascending runs.
        all.sort_by_key(|&(row, _)| row);
        if all.is_empty() {
            return None;
        }
        let (rows, values): (Vec<u32>, Vec<Value>) = all.into_iter().unzip();
        let type_of = std::mem::discriminant::<Value>;
        let is_list = matches!(values[0], Value::List(_));
        if is_list
            || values
                .iter()
                .any(|value| type_of(value) != type_of(&values[0]))
        {
            // Equal lists of the column share their items already.
            return Some(Column {
                presence: Presence::new(rows, self.n_rows),
                values: Values::Mixed(values.into_boxed_slice()),
            });
        }
        let builder = ColumnBuilder { rows, values };
        Some(builder.finish_with(self.n_rows, |text| strings.intern(text)))
    }
}

fn every<T>(values: &[Value], pick: impl Fn(&Value) -> Option<T>) -> Option<Box<[T]>> {
    values.iter().map(pick).collect()
}

/// Equal lists become one allocation; ports and labels repeat across an estate.
fn share_lists(values: &[Value]) -> Box<[Value]> {
    let mut sorted: Vec<usize> = (0..values.len()).collect();
    sorted.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut shared = values.to_vec();
    let mut current: Option<Arc<[Value]>> = None;
    for idx in sorted {
        if let Value::List(items) = &values[idx] {
            match &current {
                Some(seen) if **seen == **items => shared[idx] = Value::List(Arc::clone(seen)),
                _ => current = Some(Arc::clone(items)),
            }
        }
    }
    shared.into_boxed_slice()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(rows: &[(u32, Value)], n_rows: usize) -> (Column, StringValues) {
        let mut builder = ColumnBuilder::default();
        for (row, value) in rows {
            builder.push(*row, value.clone());
        }
        let mut strings = Strings::new();
        let column = builder.finish(n_rows, &mut strings);
        (column, StringValues::new(strings))
    }

    #[test]
    fn every_presence_layout_answers_alike() {
        for (n_rows, step) in [(10, 1), (1000, 3), (100_000, 997)] {
            let rows: Vec<(u32, Value)> = (0..n_rows)
                .step_by(step)
                .map(|row| (row as u32, Value::from(row as u32)))
                .collect();
            let (column, strings) = column(&rows, n_rows);
            for row in 0..n_rows as u32 {
                let expected = (row as usize)
                    .is_multiple_of(step)
                    .then(|| Value::Int(i64::from(row)));
                assert_eq!(column.get(row, &strings), expected);
            }
            assert_eq!(column.rows().count(), rows.len());
        }
    }

    #[test]
    fn a_column_of_several_types_keeps_each_value() {
        let rows = [
            (0, Value::Int(1)),
            (1, Value::from("x")),
            (2, Value::strings(["a", "b"])),
        ];
        let (column, strings) = column(&rows, 3);
        assert_eq!(column.type_name(), "mixed");
        for (row, value) in rows {
            assert_eq!(column.get(row, &strings), Some(value));
        }
    }
}
