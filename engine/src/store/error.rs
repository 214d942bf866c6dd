//! What can go wrong with a store, and what the user can do about it.

use std::io;
use std::path::{Path, PathBuf};

/// Errors raised while opening, reading or writing a store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The operating system refused an operation; look at the path, the permissions and the space left.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Another process owns the folder; stop it, or ask it over HTTP.
    #[error("the folder `{}` is in use by {owner}; stop that process, or ask it over HTTP", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
        /// The process that owns it, as far as the lock file tells.
        owner: String,
    },
    /// The folder was written by a newer release; upgrade, or restore a backup.
    #[error(
        "`{name}` has format {found}, newer than the supported format {supported}; use a newer release"
    )]
    FormatTooNew {
        /// The file.
        name: String,
        /// The version in the file.
        found: u32,
        /// The newest version this release reads.
        supported: u32,
    },
    /// The path is no store: it holds other files, or does not exist.
    #[error("`{}` is not a foothold store: {reason}", path.display())]
    NotAStore {
        /// The folder.
        path: PathBuf,
        /// Why not.
        reason: &'static str,
    },
    /// A file's bytes do not match its recorded checksum; run `foothold fsck`.
    #[error("`{name}` failed its checksum; run `foothold fsck` for the remedy")]
    ChecksumMismatch {
        /// The file or record.
        name: String,
    },
    /// A file is cut short, or its content contradicts itself; run `foothold fsck`.
    #[error("`{name}` is damaged: {reason}; run `foothold fsck` for the remedy")]
    Damaged {
        /// The file or record.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A small record is larger than the record store accepts.
    #[error("a record of {bytes} bytes is larger than the limit of {limit}")]
    ValueTooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The embedded record database failed; run `foothold fsck`.
    #[error("the record database failed: {reason}")]
    Records {
        /// What it said.
        reason: String,
    },
    /// The embedded record database had no room on the disk; free some space.
    #[error("the record database needs space on the disk: {reason}")]
    NoSpace {
        /// What it said.
        reason: String,
    },
    /// No snapshot has this id; `foothold snapshots` lists them.
    #[error("no snapshot `{id}` in this store; `foothold snapshots` lists them")]
    UnknownSnapshot {
        /// The id asked for.
        id: String,
    },
    /// Two documents of one import have one name; give them different names.
    #[error("two documents of one import are named `{name}`")]
    DuplicateSource {
        /// The name.
        name: String,
    },
    /// The target folder of a restore or backup already holds something; choose an empty one.
    #[error("`{}` is not empty; choose a new folder", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
}

impl StoreError {
    /// A stable dotted code.
    pub fn code(&self) -> &'static str {
        match self {
            StoreError::Io { .. } => "store.io",
            StoreError::Locked { .. } => "store.locked",
            StoreError::FormatTooNew { .. } => "store.format_too_new",
            StoreError::NotAStore { .. } => "store.not_a_store",
            StoreError::ChecksumMismatch { .. } => "store.checksum_mismatch",
            StoreError::Damaged { .. } => "store.damaged",
            StoreError::ValueTooLarge { .. } => "store.value_too_large",
            StoreError::Records { .. } => "store.records",
            StoreError::NoSpace { .. } => "store.no_space",
            StoreError::UnknownSnapshot { .. } => "store.unknown_snapshot",
            StoreError::DuplicateSource { .. } => "store.duplicate_source",
            StoreError::NotEmpty { .. } => "store.not_empty",
        }
    }

    /// Whether the disk had no room for what an operation had to write.
    pub fn is_for_want_of_space(&self) -> bool {
        match self {
            StoreError::Io { source, .. } => source.kind() == io::ErrorKind::StorageFull,
            StoreError::NoSpace { .. } => true,
            _ => false,
        }
    }

    /// Whether the stored bytes themselves are bad, as opposed to the way to them.
    pub fn is_damage(&self) -> bool {
        matches!(
            self,
            StoreError::ChecksumMismatch { .. } | StoreError::Damaged { .. }
        )
    }
}

/// The result of a store operation.
pub type Result<T> = std::result::Result<T, StoreError>;

/// Names the action and the path that an operating system error belongs to.
pub(super) trait OnPath<T> {
    fn on(self, action: &'static str, path: &Path) -> Result<T>;
}

impl<T> OnPath<T> for io::Result<T> {
    fn on(self, action: &'static str, path: &Path) -> Result<T> {
        self.map_err(|source| StoreError::Io {
            action,
            path: path.to_owned(),
            source,
        })
    }
}
