//! Facts by source: segments, the manifest, and what an import does to them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

use super::error::{OnPath, Result, StoreError};
use super::files::{Files, TEMPORARY_SUFFIX, temporary_name};
use super::manifest::{
    MANIFEST_NAME, Manifest, SnapshotEntry, SnapshotId, SourceEntry, segment_name,
};
use super::segment::{self, FirstSeen};
use crate::model::{Facts, SourceInfo};

/// How many snapshots stay readable when nothing else is said.
pub const DEFAULT_KEPT_SNAPSHOTS: usize = 64;

/// Up to this many segments are made durable one after the other.
const N_SERIAL_WRITES: usize = 16;

/// Facts by source in immutable segments, and the snapshots they make up.
pub struct Segments {
    files: Arc<dyn Files>,
    root: PathBuf,
    n_kept_snapshots: usize,
    /// The lock is held through a whole change: one writer at a time.
    manifest: Mutex<Manifest>,
}

/// What one import brings.
#[derive(Debug)]
pub struct Import<'a> {
    /// The documents that were read. A document replaces what its source said before.
    pub documents: &'a [(SourceInfo, Facts)],
    /// When set, the documents are everything there is under this name: a source imported under it
    /// before and absent now is removed.
    pub group: Option<&'a str>,
    /// Sources of the group that could not be read this time; what they said before stands.
    pub unread: &'a [Arc<str>],
    /// Kept with the snapshot.
    pub reason: &'a str,
    /// The time of the import, in milliseconds since 1970 UTC.
    pub at_ms: i64,
}

/// What one import did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The newest snapshot: a new one if anything changed.
    pub snapshot: Option<SnapshotId>,
    /// Sources that were not there before.
    pub n_added: usize,
    /// Sources that said something else before.
    pub n_replaced: usize,
    /// Sources that said the same before.
    pub n_unchanged: usize,
    /// Sources of the group that are gone.
    pub n_removed: usize,
}

/// The stored facts of one source; what is stored under one never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentId(u64);

/// One source as read back from a snapshot.
#[derive(Debug)]
pub struct StoredSource {
    /// The source.
    pub info: SourceInfo,
    /// What it says.
    pub facts: Facts,
    /// Since when it says so.
    pub first_seen: FirstSeen,
}

/// What opening had to repair.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Files of changes that never completed; they were removed.
    pub removed: Vec<String>,
    /// Segments that the manifest names and that are not there.
    pub missing: Vec<String>,
    /// Why the records were restored from their newest export, if they were.
    pub records_restored: Option<String>,
}

impl Segments {
    /// Opens the segments under `root`, or starts with none; removes what a change that never
    /// completed left behind.
    pub fn open(
        files: Arc<dyn Files>,
        root: &Path,
        n_kept_snapshots: usize,
    ) -> Result<(Self, Recovery)> {
        let segments_dir = root.join("segments");
        files
            .create_dir(&segments_dir)
            .on("create", &segments_dir)?;
        let path = root.join(MANIFEST_NAME);
        let manifest = match files.read(&path) {
            Ok(bytes) => Manifest::decode(&bytes)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let manifest = Manifest::default();
                files
                    .replace(&path, &manifest.encode()?)
                    .on("write", &path)?;
                manifest
            }
            Err(error) => return Err(error).on("read", &path),
        };
        let store = Self {
            files,
            root: root.to_owned(),
            n_kept_snapshots: n_kept_snapshots.max(1),
            manifest: Mutex::new(manifest),
        };
        let recovery = store.recover()?;
        Ok((store, recovery))
    }

    fn recover(&self) -> Result<Recovery> {
        let manifest = self.manifest();
        let live: Vec<String> = manifest
            .live_segments()
            .into_iter()
            .map(segment_name)
            .collect();
        let mut recovery = Recovery::default();
        for (dir, is_left_over) in [
            (self.root.clone(), false),
            (self.root.join("segments"), true),
        ] {
            for name in self.files.list(&dir).on("list", &dir)? {
                let is_dead = name.ends_with(TEMPORARY_SUFFIX)
                    || is_left_over && live.binary_search(&name).is_err();
                if is_dead {
                    let path = dir.join(&name);
                    self.files.remove(&path).on("remove", &path)?;
                    recovery.removed.push(name);
                }
            }
        }
        let present = self
            .files
            .list(&self.root.join("segments"))
            .on("list", &self.root)?;
        recovery.missing = live
            .into_iter()
            .filter(|name| present.binary_search(name).is_err())
            .collect();
        Ok(recovery)
    }

    /// Every source, by name.
    pub fn sources(&self) -> Vec<SourceEntry> {
        self.manifest().sources.clone()
    }

    /// Every snapshot that can still be asked, oldest first.
    pub fn snapshots(&self) -> Vec<SnapshotEntry> {
        self.manifest().snapshots.clone()
    }

    /// The newest snapshot, once anything was imported.
    pub fn newest(&self) -> Option<SnapshotEntry> {
        self.manifest().snapshots.last().cloned()
    }

    /// Stores what an import brings. When this returns, all of it survives a power cut; when the
    /// process dies before, none of it is there.
    pub fn import(&self, import: &Import<'_>) -> Result<Imported> {
        let mut current = self.manifest();
        let mut next = current.clone();
        let mut sources: BTreeMap<Arc<str>, SourceEntry> = next
            .sources
            .drain(..)
            .map(|source| (Arc::clone(&source.info.name), source))
            .collect();
        let mut done = Imported {
            snapshot: None,
            n_added: 0,
            n_replaced: 0,
            n_unchanged: 0,
            n_removed: 0,
        };

        let encoded: Vec<Encoded> = import
            .documents
            .par_iter()
            .map(|(info, facts)| self.encode(info, facts, sources.get(&info.name), import.at_ms))
            .collect::<Result<_>>()?;

        let mut written: Vec<(u64, Vec<u8>)> = Vec::new();
        let mut named: BTreeSet<&str> = BTreeSet::new();
        for ((info, facts), encoded) in import.documents.iter().zip(encoded) {
            if !named.insert(&info.name) {
                return Err(StoreError::DuplicateSource {
                    name: info.name.to_string(),
                });
            }
            let before = sources.get(&info.name);
            let (segment, n_bytes) = match encoded {
                Encoded::Unchanged => {
                    done.n_unchanged += 1;
                    before.map_or((0, 0), |entry| (entry.segment, entry.n_bytes))
                }
                Encoded::New(file) => {
                    if before.is_some() {
                        done.n_replaced += 1;
                    } else {
                        done.n_added += 1;
                    }
                    let number = next.next_segment;
                    next.next_segment += 1;
                    let n_bytes = file.len() as u64;
                    written.push((number, file));
                    (number, n_bytes)
                }
            };
            // The same bytes once more are no new observation: only the source was seen again.
            let observed_at_ms = match before {
                Some(before) if before.segment == segment && before.info.digest == info.digest => {
                    before.info.observed_at_ms
                }
                _ => info.observed_at_ms,
            };
            let entry = SourceEntry {
                info: SourceInfo {
                    observed_at_ms,
                    ..info.clone()
                },
                group: import.group.map(Arc::from),
                n_nodes: facts.nodes().len() as u64,
                n_edges: facts.edges().len() as u64,
                n_bytes,
                first_seen_ms: before.map_or(import.at_ms, |entry| entry.first_seen_ms),
                last_seen_ms: import.at_ms,
                segment,
            };
            sources.insert(Arc::clone(&info.name), entry);
        }
        if let Some(group) = import.group {
            let n_before = sources.len();
            sources.retain(|name, source| {
                source.group.as_deref() != Some(group)
                    || named.contains(&**name)
                    || import.unread.contains(name)
            });
            done.n_removed = n_before - sources.len();
        }

        // Should this change fail half-way, its numbers are spent: the manifest on disk may name
        // them although this one does not.
        current.next_segment = next.next_segment;
        self.write_segments(&written)?;
        next.sources = sources.into_values().collect();
        let changed = done.n_added + done.n_replaced + done.n_removed > 0;
        self.commit(&mut current, next, changed, import.reason, import.at_ms)?;
        done.snapshot = current.snapshots.last().map(|snapshot| snapshot.id);
        Ok(done)
    }

    /// Removes the sources with these names, and those of the groups with these names; returns how
    /// many were there.
    pub fn remove(&self, names: &[&str], at_ms: i64) -> Result<usize> {
        let mut current = self.manifest();
        let mut next = current.clone();
        next.sources.retain(|source| {
            let group = source.group.as_deref();
            !names.contains(&&*source.info.name) && !group.is_some_and(|name| names.contains(&name))
        });
        let n_removed = current.sources.len() - next.sources.len();
        if n_removed > 0 {
            let reason = format!("remove {}", names.join(", "));
            self.commit(&mut current, next, true, &reason, at_ms)?;
        }
        Ok(n_removed)
    }

    /// The sources of a snapshot, of the newest when none is named; in parallel in the current
    /// rayon pool. O(bytes of its segments).
    pub fn load(&self, id: Option<SnapshotId>) -> Result<Vec<StoredSource>> {
        let segments = self.segments_of(id)?;
        segments
            .par_iter()
            .map(|(segment, info)| self.read(*segment, info.as_ref()))
            .collect()
    }

    /// The segments of a snapshot, of the newest when none is named. With each goes what is known of
    /// its source by now, if it still has one: a source imported again without a change keeps its
    /// segment, which says what was known then.
    pub fn segments_of(
        &self,
        id: Option<SnapshotId>,
    ) -> Result<Vec<(SegmentId, Option<SourceInfo>)>> {
        let manifest = self.manifest();
        let sources = manifest.sources.iter();
        let infos: BTreeMap<u64, &SourceInfo> = sources
            .map(|source| (source.segment, &source.info))
            .collect();
        let segments = match id {
            Some(id) => manifest.snapshot(id)?.segments.clone(),
            None => manifest.sources.iter().map(|it| it.segment).collect(),
        };
        let with_info = |number| {
            let info = infos.get(&number).copied().cloned();
            (SegmentId(number), info)
        };
        Ok(segments.into_iter().map(with_info).collect())
    }

    /// What a segment holds, under what is known of its source by now. What it says of its source
    /// itself stands where nothing is. O(bytes).
    pub fn read(&self, segment: SegmentId, info: Option<&SourceInfo>) -> Result<StoredSource> {
        let read = self.read_segment(segment.0)?;
        Ok(StoredSource {
            info: info.cloned().unwrap_or(read.info),
            facts: read.facts,
            first_seen: read.first_seen,
        })
    }

    pub(super) fn read_segment(&self, number: u64) -> Result<segment::Segment> {
        let name = segment_name(number);
        let path = self.root.join("segments").join(&name);
        let bytes = self.files.read(&path).on("read", &path)?;
        segment::decode(&name, &bytes)
    }

    /// The bytes of a segment, once they are known to be sound.
    pub(super) fn read_checked(&self, name: &str) -> Result<Vec<u8>> {
        let path = self.root.join("segments").join(name);
        let bytes = self.files.read(&path).on("read", &path)?;
        segment::decode(name, &bytes)?;
        Ok(bytes)
    }

    pub(super) fn manifest(&self) -> MutexGuard<'_, Manifest> {
        // A panic while the lock is held leaves the manifest as it was: it is replaced whole.
        self.manifest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Points the manifest at another records folder.
    pub(super) fn switch_records(&self, number: u64) -> Result<()> {
        let mut current = self.manifest();
        let mut next = current.clone();
        next.records = number;
        self.replace_manifest(&mut current, next)
    }

    fn encode(
        &self,
        info: &SourceInfo,
        facts: &Facts,
        before: Option<&SourceEntry>,
        at_ms: i64,
    ) -> Result<Encoded> {
        let rows = segment::encode_rows(&info.name, facts)?;
        let mut first_seen = FirstSeen::all_at(at_ms);
        if let Some(before) = before {
            let name = segment_name(before.segment);
            let path = self.root.join("segments").join(&name);
            // A segment that cannot be read any more is replaced like any other; only its
            // first-seen times are lost.
            if let Ok(file) = self.files.read(&path) {
                if segment::has_rows(&name, &file, &rows).unwrap_or(false) {
                    return Ok(Encoded::Unchanged);
                }
                if let Ok(old) = segment::decode(&name, &file) {
                    first_seen = FirstSeen::carried_over(facts, at_ms, &old.facts, &old.first_seen);
                }
            }
        }
        segment::encode(info, &first_seen, &rows).map(Encoded::New)
    }

    fn write_segments(&self, written: &[(u64, Vec<u8>)]) -> Result<()> {
        if written.is_empty() {
            return Ok(());
        }
        let dir = self.root.join("segments");
        let write_one = |(number, file): &(u64, Vec<u8>)| -> Result<()> {
            let path = dir.join(segment_name(*number));
            let temporary = temporary_name(&path);
            self.files.write(&temporary, file).on("write", &temporary)?;
            self.files.sync(&temporary).on("sync", &temporary)?;
            self.files.rename(&temporary, &path).on("rename", &path)
        };
        if written.len() <= N_SERIAL_WRITES {
            written.iter().try_for_each(write_one)?;
        } else {
            // An fsync waits for the device, not for the processor, and file systems commit
            // several at once: threads beyond the number of cores pay here.
            let n_per_thread = written.len().div_ceil(N_SERIAL_WRITES);
            std::thread::scope(|scope| {
                let threads: Vec<_> = written
                    .chunks(n_per_thread)
                    .map(|chunk| scope.spawn(move || chunk.iter().try_for_each(write_one)))
                    .collect();
                threads.into_iter().try_for_each(|thread| {
                    thread.join().unwrap_or_else(|_| {
                        Err(StoreError::Damaged {
                            name: "segments".to_owned(),
                            reason: "a writer stopped",
                        })
                    })
                })
            })?;
        }
        self.files.sync_dir(&dir).on("sync", &dir)
    }

    fn commit(
        &self,
        current: &mut Manifest,
        mut next: Manifest,
        changed: bool,
        reason: &str,
        at_ms: i64,
    ) -> Result<()> {
        if changed {
            next.snapshots.push(SnapshotEntry {
                id: SnapshotId(next.next_snapshot),
                created_at_ms: at_ms,
                reason: reason.into(),
                n_sources: next.sources.len() as u64,
                n_node_facts: next.sources.iter().map(|source| source.n_nodes).sum(),
                n_edge_facts: next.sources.iter().map(|source| source.n_edges).sum(),
                segments: next.sources.iter().map(|source| source.segment).collect(),
            });
            next.next_snapshot += 1;
            let n_excess = next.snapshots.len().saturating_sub(self.n_kept_snapshots);
            next.snapshots.drain(..n_excess);
        }
        let before = current.live_segments();
        self.replace_manifest(current, next)?;
        let live = current.live_segments();
        for number in before {
            if live.binary_search(&number).is_err() {
                let path = self.root.join("segments").join(segment_name(number));
                // The change is done; what cannot be removed now is removed at the next start.
                let _ = self.files.remove(&path);
            }
        }
        Ok(())
    }

    fn replace_manifest(&self, current: &mut Manifest, mut next: Manifest) -> Result<()> {
        next.generation += 1;
        let path = self.root.join(MANIFEST_NAME);
        self.files
            .replace(&path, &next.encode()?)
            .on("replace", &path)?;
        *current = next;
        Ok(())
    }
}

enum Encoded {
    Unchanged,
    New(Vec<u8>),
}

#[cfg(test)]
mod tests;
