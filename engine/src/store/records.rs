//! Small records: saved queries, policies and their runs, jobs, tokens, audit, settings.
//!
//! The [`KvStore`] trait has two implementations: [`SledRecords`] on disk and [`MemoryRecords`], its
//! model in tests. Values are at most [`MAX_VALUE_BYTES`]; larger things belong into segments or files.
//! On top of the bytes, [`put`], [`get`] and [`list`] speak in types, each value in a frame of
//! version, checksum and postcard bytes.

mod export;
mod frame;
mod memory;
mod sled_records;

pub use memory::MemoryRecords;
pub use sled_records::SledRecords;

pub(super) use export::{decode_export, encode_export};
pub(super) use frame::check_frame;
pub(super) use sled_records::n_commits;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{Result, StoreError};

/// The largest value of a record.
pub const MAX_VALUE_BYTES: usize = 16 * 1024;

/// A table of records: the first byte of every key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Table(pub u8);

impl Table {
    /// The format record and the counters; not for callers.
    pub(super) const META: Table = Table(0);
}

/// A change of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Sets a value.
    Put(Table, Vec<u8>, Vec<u8>),
    /// Removes a value, if there is one.
    Delete(Table, Vec<u8>),
}

/// One record as listed: its key within the table, and its value.
pub type Row = (Vec<u8>, Vec<u8>);

/// Durable, ordered, small: what the store asks of an embedded key-value database.
pub trait KvStore: Send + Sync {
    /// The value of a key.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>>;

    /// Applies all changes or none. When this returns they survive a power cut.
    fn apply(&self, changes: &[Change]) -> Result<()>;

    /// Sets a value if the present one is `expected`; says whether it did. Durable like `apply`.
    fn compare_and_swap(
        &self,
        table: Table,
        key: &[u8],
        expected: Option<&[u8]>,
        value: Option<&[u8]>,
    ) -> Result<bool>;

    /// Up to `limit` records after the key `after`, in the order of their keys.
    fn scan(&self, table: Table, after: Option<&[u8]>, limit: usize) -> Result<Vec<Row>>;

    /// The next number of a sequence, starting at 1; never given twice.
    fn next_id(&self, sequence: &str) -> Result<u64>;

    /// Every record of every table, in the order of their keys, the table as first byte of the key.
    fn dump(&self) -> Result<Vec<Row>>;

    /// Bytes on disk, as far as there is a disk.
    fn size_bytes(&self) -> Result<u64>;

    /// Reads everything and reports what is wrong, one line each.
    fn check(&self) -> Result<Vec<String>>;
}

/// The key of a number, so that numbers sort as keys do.
pub fn number_key(number: u64) -> [u8; 8] {
    number.to_be_bytes()
}

/// A change that sets `key` to `value`, framed with the version of its type.
pub fn put<T: Serialize>(table: Table, key: &[u8], version: u8, value: &T) -> Result<Change> {
    let framed = frame::seal(version, value)?;
    if framed.len() > MAX_VALUE_BYTES {
        return Err(StoreError::ValueTooLarge {
            bytes: framed.len(),
            limit: MAX_VALUE_BYTES,
        });
    }
    Ok(Change::Put(table, key.to_vec(), framed))
}

/// The value of `key`, if it was written with this version of its type.
pub fn get<T: DeserializeOwned>(
    store: &dyn KvStore,
    table: Table,
    key: &[u8],
    version: u8,
) -> Result<Option<T>> {
    match store.get(table, key)? {
        Some(framed) => frame::open(version, &framed).map(Some),
        None => Ok(None),
    }
}

/// The value in a frame that `scan` returned.
pub fn open<T: DeserializeOwned>(version: u8, framed: &[u8]) -> Result<T> {
    frame::open(version, framed)
}

/// Every record of a table with its key, in the order of keys.
pub fn list<T: DeserializeOwned>(
    store: &dyn KvStore,
    table: Table,
    version: u8,
) -> Result<Vec<(Vec<u8>, T)>> {
    let rows = store.scan(table, None, usize::MAX)?;
    rows.into_iter()
        .map(|(key, framed)| Ok((key, frame::open(version, &framed)?)))
        .collect()
}

/// What every implementation checks before it changes anything.
fn check_sizes(changes: &[Change]) -> Result<()> {
    for change in changes {
        if let Change::Put(_, _, value) = change
            && value.len() > MAX_VALUE_BYTES
        {
            return Err(StoreError::ValueTooLarge {
                bytes: value.len(),
                limit: MAX_VALUE_BYTES,
            });
        }
    }
    Ok(())
}

/// The key on disk: the table's byte, then the key.
fn full_key(table: Table, key: &[u8]) -> Vec<u8> {
    let mut full = Vec::with_capacity(key.len() + 1);
    full.push(table.0);
    full.extend_from_slice(key);
    full
}

/// Moves the counter of a sequence on by one, over `get` and `compare_and_swap`.
fn next_in_sequence(store: &dyn KvStore, sequence: &str) -> Result<u64> {
    let key = [b"sequence/", sequence.as_bytes()].concat();
    loop {
        let before = store.get(Table::META, &key)?;
        let last: u64 = match &before {
            Some(framed) => frame::open(1, framed)?,
            None => 0,
        };
        let after = frame::seal(1, &(last + 1))?;
        if store.compare_and_swap(Table::META, &key, before.as_deref(), Some(&after))? {
            return Ok(last + 1);
        }
    }
}

#[cfg(test)]
mod tests;
