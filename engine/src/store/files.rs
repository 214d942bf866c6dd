//! The file operations the store is made of, behind one trait: the real ones, an in-memory twin
//! that knows what a power cut would leave, and a wrapper that fails on command.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What the store asks of a file system.
///
/// A write is durable only after [`Files::sync`] of the file, a new or changed name only after
/// [`Files::sync_dir`] of its directory.
pub trait Files: Send + Sync {
    /// The whole content of a file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// Creates or truncates a file and writes `bytes`.
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Makes a file's content durable.
    fn sync(&self, path: &Path) -> io::Result<()>;
    /// Moves a file over another name, atomically.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// The names of the files in a directory, sorted.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
    /// Creates a directory and its parents.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;
    /// Makes the names in a directory durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// Replaces a file's content so that a crash leaves the old or the new, never a mixture.
    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let temporary = temporary_name(path);
        self.write(&temporary, bytes)?;
        self.sync(&temporary)?;
        self.rename(&temporary, path)?;
        self.sync_dir(path.parent().unwrap_or(Path::new("")))
    }
}

/// The suffix of files that no manifest knows yet; they are removed at the next start.
pub(super) const TEMPORARY_SUFFIX: &str = ".tmp";

pub(super) fn temporary_name(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(TEMPORARY_SUFFIX);
    PathBuf::from(name)
}

/// The file system of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct DiskFiles;

impl Files for DiskFiles {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        File::create(path)?.write_all(bytes)
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        // fsync works on the inode, so a second descriptor reaches what the first one wrote.
        File::open(path)?.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        fs::create_dir_all(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let dir = if dir.as_os_str().is_empty() {
            Path::new(".")
        } else {
            dir
        };
        match File::open(dir)?.sync_all() {
            // Some file systems refuse to sync a directory; they order names themselves.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
            other => other,
        }
    }
}

/// A file system in memory that remembers what has been made durable.
///
/// ```
/// use foothold_engine::store::{Files, MemoryFiles};
/// let files = MemoryFiles::default();
/// files.write("a".as_ref(), b"content").unwrap();
/// files.sync("a".as_ref()).unwrap();
/// files.power_cut();
/// assert!(files.read("a".as_ref()).is_err(), "its name was never synced");
/// ```
#[derive(Debug, Default)]
pub struct MemoryFiles {
    state: Mutex<Disk>,
}

#[derive(Debug, Default, Clone)]
struct Disk {
    inodes: Vec<Inode>,
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
}

#[derive(Debug, Default, Clone)]
struct Inode {
    content: Vec<u8>,
    durable: Vec<u8>,
}

impl MemoryFiles {
    /// Forgets everything that was not made durable.
    pub fn power_cut(&self) {
        let mut disk = self.disk();
        disk.names = disk.durable_names.clone();
        for inode in &mut disk.inodes {
            inode.content = inode.durable.clone();
        }
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk {
    fn inode(&mut self, path: &Path) -> io::Result<&mut Inode> {
        let idx = self.names.get(path).copied().ok_or_else(not_found)?;
        self.inodes.get_mut(idx).ok_or_else(not_found)
    }
}

fn not_found() -> io::Error {
    io::Error::from(io::ErrorKind::NotFound)
}

impl Files for MemoryFiles {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.disk().inode(path).map(|inode| inode.content.clone())
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut disk = self.disk();
        if let Ok(inode) = disk.inode(path) {
            inode.content = bytes.to_vec();
        } else {
            disk.inodes.push(Inode {
                content: bytes.to_vec(),
                durable: Vec::new(),
            });
            let idx = disk.inodes.len() - 1;
            disk.names.insert(path.to_owned(), idx);
        }
        Ok(())
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        let mut disk = self.disk();
        let inode = disk.inode(path)?;
        inode.durable.clone_from(&inode.content);
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut disk = self.disk();
        let idx = disk.names.remove(from).ok_or_else(not_found)?;
        disk.names.insert(to.to_owned(), idx);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk()
            .names
            .remove(path)
            .map(|_| ())
            .ok_or_else(not_found)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        Ok(self
            .disk()
            .names
            .keys()
            .filter(|path| path.parent() == Some(dir))
            .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
            .collect())
    }

    fn create_dir(&self, _dir: &Path) -> io::Result<()> {
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut disk = self.disk();
        let Disk {
            names,
            durable_names,
            ..
        } = &mut *disk;
        durable_names.retain(|path, _| path.parent() != Some(dir));
        for (path, idx) in names.iter().filter(|(path, _)| path.parent() == Some(dir)) {
            durable_names.insert(path.clone(), *idx);
        }
        Ok(())
    }
}

/// Fails every operation once a countdown has run out; a failing write leaves half its bytes.
#[derive(Debug)]
pub struct FaultyFiles<F> {
    inner: F,
    left: AtomicI64,
}

impl<F: Files> FaultyFiles<F> {
    /// Lets `n_operations` through, then fails all that follow.
    pub fn failing_after(inner: F, n_operations: i64) -> Self {
        Self {
            inner,
            left: AtomicI64::new(n_operations),
        }
    }

    /// Fails every operation after the next `n_operations`.
    pub fn fail_after(&self, n_operations: i64) {
        self.left.store(n_operations, Ordering::SeqCst);
    }

    /// Lets everything through from now on.
    pub fn repair(&self) {
        self.left.store(i64::MAX, Ordering::SeqCst);
    }

    /// The file system behind the faults.
    pub fn inner(&self) -> &F {
        &self.inner
    }

    fn tick(&self) -> io::Result<()> {
        if self.left.fetch_sub(1, Ordering::SeqCst) > 0 {
            return Ok(());
        }
        self.left.store(-1, Ordering::SeqCst);
        Err(io::Error::from(io::ErrorKind::StorageFull))
    }
}

impl<F: Files> Files for FaultyFiles<F> {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.tick()?;
        self.inner.read(path)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        if let Err(fault) = self.tick() {
            let half = bytes.get(..bytes.len() / 2).unwrap_or_default();
            self.inner.write(path, half)?;
            return Err(fault);
        }
        self.inner.write(path, bytes)
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        self.tick()?;
        self.inner.sync(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.tick()?;
        self.inner.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.tick()?;
        self.inner.remove(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.tick()?;
        self.inner.list(dir)
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.tick()?;
        self.inner.create_dir(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.tick()?;
        self.inner.sync_dir(dir)
    }
}

impl<F: Files + ?Sized> Files for std::sync::Arc<F> {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        (**self).read(path)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        (**self).write(path, bytes)
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        (**self).sync(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        (**self).rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        (**self).remove(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        (**self).list(dir)
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        (**self).create_dir(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        (**self).sync_dir(dir)
    }
}
