//! Interned strings: one buffer, dense ids, no allocation per string.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

/// A string in one [`Strings`] table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StrId(pub u32);

/// An append-only string table.
///
/// Ids are dense and given in order of first appearance. The hasher is randomly seeded because
/// strings come from untrusted documents; nothing observable depends on the seed.
#[derive(Debug, Clone, Default)]
pub struct Strings {
    bytes: String,
    ends: Vec<usize>,
    table: HashTable<u32>,
    hasher: RandomState,
}

impl Strings {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// The id of `text`, adding it if it is new. Expected O(length).
    pub fn intern(&mut self, text: &str) -> StrId {
        let hash = self.hasher.hash_one(text);
        let Self {
            bytes,
            ends,
            table,
            hasher,
        } = self;
        let entry = table.entry(
            hash,
            |&idx| slice(bytes, ends, idx) == text,
            |&idx| hasher.hash_one(slice(bytes, ends, idx)),
        );
        match entry {
            hashbrown::hash_table::Entry::Occupied(found) => StrId(*found.get()),
            hashbrown::hash_table::Entry::Vacant(slot) => {
                let idx = ends.len() as u32;
                slot.insert(idx);
                bytes.push_str(text);
                ends.push(bytes.len());
                StrId(idx)
            }
        }
    }

    /// The id of `text` if it was interned before.
    pub fn get(&self, text: &str) -> Option<StrId> {
        let hash = self.hasher.hash_one(text);
        self.table
            .find(hash, |&idx| self.resolve(StrId(idx)) == text)
            .map(|&idx| StrId(idx))
    }

    /// The text of an id of this table.
    ///
    /// # Panics
    /// When the id belongs to another, larger table.
    pub fn resolve(&self, id: StrId) -> &str {
        slice(&self.bytes, &self.ends, id.0)
    }

    /// How many distinct strings there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether no string was interned.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All strings in order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len() as u32).map(|idx| self.resolve(StrId(idx)))
    }

    /// The strings as `T`, and what finds their ids.
    pub(crate) fn into_shared<T: for<'a> From<&'a str>>(self) -> (Vec<T>, StringIds) {
        let texts = self.iter().map(T::from).collect();
        let ids = StringIds {
            table: self.table,
            hasher: self.hasher,
        };
        (texts, ids)
    }

    /// Bytes held on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * 8 + self.table.capacity() * 5
    }
}

/// Finds the ids of strings that lie elsewhere.
#[derive(Debug, Clone, Default)]
pub(crate) struct StringIds {
    table: HashTable<u32>,
    hasher: RandomState,
}

impl StringIds {
    /// The id of `text` among `texts`, which is added to them if it is new. Expected O(length).
    pub(crate) fn intern<T>(&mut self, texts: &mut Vec<T>, text: &str) -> StrId
    where
        T: AsRef<str> + for<'a> From<&'a str>,
    {
        let Self { table, hasher } = self;
        let of = |texts: &[T], idx: u32| -> u64 { hasher.hash_one(texts[idx as usize].as_ref()) };
        let entry = table.entry(
            hasher.hash_one(text),
            |&idx| texts[idx as usize].as_ref() == text,
            |&idx| of(texts, idx),
        );
        match entry {
            hashbrown::hash_table::Entry::Occupied(found) => StrId(*found.get()),
            hashbrown::hash_table::Entry::Vacant(slot) => {
                let idx = texts.len() as u32;
                slot.insert(idx);
                texts.push(T::from(text));
                StrId(idx)
            }
        }
    }

    /// Bytes held on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.table.capacity() * 5
    }
}

fn slice<'a>(bytes: &'a str, ends: &[usize], idx: u32) -> &'a str {
    let idx = idx as usize;
    let start = if idx == 0 { 0 } else { ends[idx - 1] };
    &bytes[start..ends[idx]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interning_is_idempotent_and_dense() {
        let mut strings = Strings::new();
        let first = strings.intern("pkg:npm/a@1");
        let empty = strings.intern("");
        assert_eq!(strings.intern("pkg:npm/a@1"), first);
        assert_eq!((first, empty), (StrId(0), StrId(1)));
        assert_eq!(strings.resolve(first), "pkg:npm/a@1");
        assert_eq!(strings.resolve(empty), "");
        assert_eq!(strings.get("absent"), None);
    }
}
