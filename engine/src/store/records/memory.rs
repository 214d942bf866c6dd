//! Records in memory: the model of the real ones in tests, and the store of a run without a folder.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Change, KvStore, Row, Table, check_sizes, full_key, next_in_sequence};
use crate::store::error::Result;

/// Records in a sorted map.
#[derive(Debug, Default)]
pub struct MemoryRecords {
    rows: Mutex<BTreeMap<Vec<u8>, Vec<u8>>>,
}

impl MemoryRecords {
    fn rows(&self) -> MutexGuard<'_, BTreeMap<Vec<u8>, Vec<u8>>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KvStore for MemoryRecords {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.rows().get(&full_key(table, key)).cloned())
    }

    fn apply(&self, changes: &[Change]) -> Result<()> {
        check_sizes(changes)?;
        let mut rows = self.rows();
        for change in changes {
            match change {
                Change::Put(table, key, value) => {
                    rows.insert(full_key(*table, key), value.clone());
                }
                Change::Delete(table, key) => {
                    rows.remove(&full_key(*table, key));
                }
            }
        }
        Ok(())
    }

    fn compare_and_swap(
        &self,
        table: Table,
        key: &[u8],
        expected: Option<&[u8]>,
        value: Option<&[u8]>,
    ) -> Result<bool> {
        if let Some(value) = value {
            check_sizes(&[Change::Put(table, key.to_vec(), value.to_vec())])?;
        }
        let mut rows = self.rows();
        let key = full_key(table, key);
        if rows.get(&key).map(Vec::as_slice) != expected {
            return Ok(false);
        }
        match value {
            Some(value) => rows.insert(key, value.to_vec()),
            None => rows.remove(&key),
        };
        Ok(true)
    }

    fn scan(&self, table: Table, after: Option<&[u8]>, limit: usize) -> Result<Vec<Row>> {
        let start = match after {
            Some(after) => Bound::Excluded(full_key(table, after)),
            None => Bound::Included(vec![table.0]),
        };
        Ok(self
            .rows()
            .range((start, Bound::Unbounded))
            .take_while(|(key, _)| key.first() == Some(&table.0))
            .take(limit)
            .map(|(key, value)| (key.get(1..).unwrap_or_default().to_vec(), value.clone()))
            .collect())
    }

    fn next_id(&self, sequence: &str) -> Result<u64> {
        next_in_sequence(self, sequence)
    }

    fn dump(&self) -> Result<Vec<Row>> {
        let rows = self.rows();
        Ok(rows.iter().map(|(k, v)| (k.clone(), v.clone())).collect())
    }

    fn size_bytes(&self) -> Result<u64> {
        let rows = self.rows();
        Ok(rows.iter().map(|(k, v)| (k.len() + v.len()) as u64).sum())
    }

    fn check(&self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }
}
