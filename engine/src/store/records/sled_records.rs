//! Records in sled 0.34.7, kept in a cage.
//!
//! What the cage is for: on Linux sled's `flush` does not reach the device, so every change is
//! followed by an fsync of our own; large values leak space, so values are small; opening or reading
//! a damaged file may panic, so panics become errors and the folder is rebuilt from an export; a
//! damaged log may also be taken for a shorter one without a word, so every change is counted and
//! the count compared with the newest export.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sled::transaction::{ConflictableTransactionError, TransactionError, TransactionalTree};

use super::{
    Change, KvStore, Row, Table, check_frame, check_sizes, frame, full_key, next_in_sequence,
};
use crate::store::error::{OnPath, Result, StoreError};

/// What the format record must hold.
const FORMAT_KEY: &[u8] = b"format";
const FORMAT: (&str, u32) = ("foothold-records", 1);

/// Counts changes, inside each of them.
const COMMITS_KEY: &[u8] = b"commits";

/// The default cache of sled is a gigabyte; records are small.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;

/// A net under the explicit syncs, not a replacement for them.
const FLUSH_EVERY_MS: u64 = 100;

/// How often, and after how long each time, a database that is still closing is tried again.
const LOCK_TRIES: u32 = 50;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// Opens the database. A thread of a database that this process has just dropped may hold its lock
/// for a moment more; another process cannot, the folder's own lock keeps it out before.
fn open_db(path: &Path) -> Result<sled::Db> {
    let config = sled::Config::new()
        .path(path)
        .mode(sled::Mode::LowSpace)
        .cache_capacity(CACHE_BYTES)
        .use_compression(false)
        .flush_every_ms(Some(FLUSH_EVERY_MS));
    let mut n_tries = 0;
    loop {
        match caught(|| config.open())? {
            Err(sled::Error::Io(error))
                if n_tries < LOCK_TRIES && error.to_string().contains("could not acquire lock") =>
            {
                n_tries += 1;
                std::thread::sleep(LOCK_PAUSE);
            }
            opened => return opened.map_err(|error| failed(&error)),
        }
    }
}

/// Records in an embedded sled database.
pub struct SledRecords {
    db: sled::Db,
    path: PathBuf,
    /// A second descriptor of the database file: fsync works on the inode.
    file: File,
}

impl SledRecords {
    /// Opens the database in a folder of its own, or creates it.
    pub fn open(path: &Path) -> Result<Self> {
        let is_new = !path.join("db").exists();
        let db = open_db(path)?;
        let file = path.join("db");
        let file = File::open(&file).on("open", &file)?;
        let records = Self {
            db,
            path: path.to_owned(),
            file,
        };
        records.check_format(is_new)?;
        Ok(records)
    }

    fn check_format(&self, is_new: bool) -> Result<()> {
        match self.get(Table::META, FORMAT_KEY)? {
            Some(framed) => {
                let (name, version): (String, u32) = frame::open(1, &framed)?;
                if name != FORMAT.0 {
                    return Err(StoreError::NotAStore {
                        path: self.path.clone(),
                        reason: "its records belong to another program",
                    });
                }
                if version > FORMAT.1 {
                    return Err(StoreError::FormatTooNew {
                        name: "records".to_owned(),
                        found: version,
                        supported: FORMAT.1,
                    });
                }
                Ok(())
            }
            None if is_new || self.is_without_rows()? => {
                let format = frame::seal(1, &FORMAT)?;
                self.apply(&[Change::Put(Table::META, FORMAT_KEY.to_vec(), format)])
            }
            None => Err(StoreError::Damaged {
                name: "records".to_owned(),
                reason: "the format record is gone",
            }),
        }
    }

    fn is_without_rows(&self) -> Result<bool> {
        caught(|| self.db.is_empty())
    }

    /// Makes everything so far durable; only then is a change acknowledged.
    fn make_durable(&self) -> Result<()> {
        caught(|| self.db.flush())?.map_err(|error| failed(&error))?;
        self.file.sync_all().on("sync", &self.path)?;
        File::open(&self.path)
            .and_then(|dir| dir.sync_all())
            .on("sync", &self.path)
    }

    /// Runs a transaction; its closure may run more than once.
    fn transact<T>(&self, transaction: impl Fn(&TransactionalTree) -> Transacted<T>) -> Result<T> {
        caught(|| self.db.transaction(transaction))?.map_err(|error| match error {
            TransactionError::Storage(error) => failed(&error),
            TransactionError::Abort(()) => StoreError::Records {
                reason: "the commit counter cannot be read".to_owned(),
            },
        })
    }

    fn rows(&self, start: Vec<u8>, table: Option<Table>, limit: usize) -> Result<Vec<Row>> {
        caught(|| {
            let mut rows = Vec::new();
            for row in self.db.range(start..) {
                let (key, value) = row.map_err(|error| failed(&error))?;
                let is_beyond = table.is_some_and(|table| key.first() != Some(&table.0));
                if is_beyond || rows.len() == limit {
                    break;
                }
                rows.push((key.to_vec(), value.to_vec()));
            }
            Ok(rows)
        })?
    }
}

impl KvStore for SledRecords {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let found =
            caught(|| self.db.get(full_key(table, key)))?.map_err(|error| failed(&error))?;
        Ok(found.map(|value| value.to_vec()))
    }

    fn apply(&self, changes: &[Change]) -> Result<()> {
        check_sizes(changes)?;
        self.transact(|tree| {
            let mut sets_counter = false;
            for change in changes {
                match change {
                    Change::Put(table, key, value) => {
                        let key = full_key(*table, key);
                        sets_counter |= key == commits_key();
                        tree.insert(key, value.as_slice())?;
                    }
                    Change::Delete(table, key) => {
                        tree.remove(full_key(*table, key))?;
                    }
                }
            }
            // A copy of other records brings their counter with it.
            if !sets_counter {
                count_commit(tree)?;
            }
            Ok(())
        })?;
        self.make_durable()
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
        let key = full_key(table, key);
        let swapped = self.transact(|tree| {
            if tree.get(&key)?.as_deref() != expected {
                return Ok(false);
            }
            match value {
                Some(value) => tree.insert(key.as_slice(), value)?,
                None => tree.remove(key.as_slice())?,
            };
            count_commit(tree)?;
            Ok(true)
        })?;
        if swapped {
            self.make_durable()?;
        }
        Ok(swapped)
    }

    fn scan(&self, table: Table, after: Option<&[u8]>, limit: usize) -> Result<Vec<Row>> {
        let mut start = full_key(table, after.unwrap_or_default());
        if after.is_some() {
            // The smallest key that is greater.
            start.push(0);
        }
        let mut rows = self.rows(start, Some(table), limit)?;
        for (key, _) in &mut rows {
            key.remove(0);
        }
        Ok(rows)
    }

    fn next_id(&self, sequence: &str) -> Result<u64> {
        next_in_sequence(self, sequence)
    }

    fn dump(&self) -> Result<Vec<Row>> {
        self.rows(Vec::new(), None, usize::MAX)
    }

    fn size_bytes(&self) -> Result<u64> {
        caught(|| self.db.size_on_disk())?.map_err(|error| failed(&error))
    }

    fn check(&self) -> Result<Vec<String>> {
        let mut problems = Vec::new();
        for (key, value) in self.dump()? {
            if let Err(error) = check_frame(&value) {
                let table = key.first().copied().unwrap_or(0);
                problems.push(format!("record in table {table}: {error}"));
            }
        }
        if let Err(error) = caught(|| self.db.verify_integrity())?.map_err(|error| failed(&error)) {
            problems.push(error.to_string());
        }
        Ok(problems)
    }
}

type Transacted<T> = std::result::Result<T, ConflictableTransactionError<()>>;

fn commits_key() -> Vec<u8> {
    full_key(Table::META, COMMITS_KEY)
}

/// How many changes the records behind these rows have seen; an export that has seen more than the
/// database proves that the database lost some.
pub(in crate::store) fn n_commits(rows: &[Row]) -> u64 {
    let key = commits_key();
    rows.iter()
        .find(|(row_key, _)| *row_key == key)
        .and_then(|(_, framed)| frame::open(1, framed).ok())
        .unwrap_or(0)
}

fn count_commit(tree: &TransactionalTree) -> Transacted<()> {
    let abort = |_| ConflictableTransactionError::Abort(());
    let before: u64 = match tree.get(commits_key())? {
        Some(framed) => frame::open(1, &framed).map_err(abort)?,
        None => 0,
    };
    tree.insert(commits_key(), frame::seal(1, &(before + 1)).map_err(abort)?)?;
    Ok(())
}

/// Runs a call into sled; a panic becomes an error.
fn caught<T>(call: impl FnOnce() -> T) -> Result<T> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied());
        let reason = format!("it stopped: {}", text.unwrap_or("without a message"));
        if reason.contains("No space left") || reason.contains("StorageFull") {
            StoreError::NoSpace { reason }
        } else {
            StoreError::Records { reason }
        }
    })
}

fn failed(error: &sled::Error) -> StoreError {
    let reason = error.to_string();
    match error {
        sled::Error::Io(error) if error.kind() == std::io::ErrorKind::StorageFull => {
            StoreError::NoSpace { reason }
        }
        _ => StoreError::Records { reason },
    }
}
