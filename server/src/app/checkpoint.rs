//! What a recomputation has done so far, in the store: after a cancellation or a crash the next one
//! over the same snapshot and rules goes on from there.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use foothold_engine::recompute::{Checkpoint, Part};
use foothold_engine::store::records::{get, number_key, put};
use foothold_engine::store::{Change, KvStore, StoreError};
use serde::{Deserialize, Serialize};

use super::world::World;
use crate::records::{CHECKPOINTS, VERSION};

/// Numbers in one record: as many as fit its largest size however large they are.
const WORDS_PER_RECORD: usize = 1500;

/// A piece of a part.
#[derive(Serialize, Deserialize)]
struct Piece {
    /// Numbers of the whole part.
    n_words: u64,
    words: Vec<u64>,
}

/// The parts of one world.
pub(crate) struct StoredCheckpoint {
    records: Arc<dyn KvStore>,
    /// Snapshot, then a digest of the rules and of what else decides what it says: who says it, and
    /// who said it last.
    key: [u8; 16],
}

impl StoredCheckpoint {
    /// The checkpoint of a stored world; others have nothing that outlives the process.
    pub(crate) fn of(records: &Arc<dyn KvStore>, world: &World) -> Option<Self> {
        let mut digest = DefaultHasher::new();
        for (_, rule) in world.attack.rules().iter() {
            (&rule.name, &rule.definition).hash(&mut digest);
        }
        world.attack.n_steps().hash(&mut digest);
        for source in world.snapshot.sources() {
            let precedence = (source.authority, source.observed_at_ms);
            (&source.name, &source.digest, precedence).hash(&mut digest);
        }
        let mut key = [0; 16];
        key[..8].copy_from_slice(&number_key(world.id?.0));
        key[8..].copy_from_slice(&number_key(digest.finish()));
        Some(Self {
            records: Arc::clone(records),
            key,
        })
    }

    /// Removes what is kept of other worlds, whose recomputation nobody will go on with.
    pub(crate) fn forget_others(&self) -> Result<(), StoreError> {
        self.forget(|key| !key.starts_with(&self.key))
    }

    /// Removes what is kept of this world: it is done.
    pub(crate) fn clear(&self) -> Result<(), StoreError> {
        self.forget(|key| key.starts_with(&self.key))
    }

    fn forget(&self, is_due: impl Fn(&[u8]) -> bool) -> Result<(), StoreError> {
        let rows = self.records.scan(CHECKPOINTS, None, usize::MAX)?;
        let changes: Vec<Change> = rows
            .into_iter()
            .filter(|(key, _)| is_due(key))
            .map(|(key, _)| Change::Delete(CHECKPOINTS, key))
            .collect();
        if changes.is_empty() {
            return Ok(());
        }
        self.records.apply(&changes)
    }

    fn piece_key(&self, part: Part, piece: usize) -> Vec<u8> {
        let mut key = self.key.to_vec();
        key.extend(number_key(part.number()));
        key.extend(number_key(piece as u64));
        key
    }

    fn read(&self, part: Part) -> Result<Option<Vec<u64>>, StoreError> {
        let mut words = Vec::new();
        for piece in 0.. {
            let key = self.piece_key(part, piece);
            let Some(found) = get::<Piece>(&*self.records, CHECKPOINTS, &key, VERSION)? else {
                return Ok(None);
            };
            words.extend(found.words);
            if words.len() as u64 >= found.n_words {
                return Ok(Some(words));
            }
        }
        Ok(None)
    }

    fn write(&self, part: Part, words: &[u64]) -> Result<(), StoreError> {
        let n_words = words.len() as u64;
        let mut changes = Vec::new();
        let n_pieces = words.len().div_ceil(WORDS_PER_RECORD).max(1);
        for piece in 0..n_pieces {
            let from = piece * WORDS_PER_RECORD;
            let to = words.len().min(from + WORDS_PER_RECORD);
            let words = words[from..to].to_vec();
            let key = self.piece_key(part, piece);
            changes.push(put(CHECKPOINTS, &key, VERSION, &Piece { n_words, words })?);
        }
        self.records.apply(&changes)
    }
}

impl Checkpoint for StoredCheckpoint {
    fn load(&self, part: Part) -> Option<Vec<u64>> {
        self.read(part).unwrap_or_else(|error| {
            crate::telemetry::log_bug(&error);
            None
        })
    }

    fn save(&self, part: Part, words: &[u64]) {
        if let Err(error) = self.write(part, words) {
            crate::telemetry::log_bug(&error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use foothold_engine::model::{Facts, SourceInfo};
    use foothold_engine::store::{Import, MemoryRecords, Store, StoreOptions};

    use crate::app::InForce;

    fn checkpoint(records: &Arc<dyn KvStore>, snapshot: u8) -> StoredCheckpoint {
        StoredCheckpoint {
            records: Arc::clone(records),
            key: [snapshot; 16],
        }
    }

    #[test]
    fn parts_of_any_size_come_back_as_they_were() {
        let records: Arc<dyn KvStore> = Arc::new(MemoryRecords::default());
        let one = checkpoint(&records, 1);
        for (at, n_words) in (0..).zip([0, 1, 1499, 1500, 1501, 10_000]) {
            let words: Vec<u64> = (0..n_words).map(|word| u64::MAX - word).collect();
            let part = Part::ExpectedLoss(at);
            assert_eq!(one.load(part), None);
            one.save(part, &words);
            assert_eq!(one.load(part), Some(words));
        }
    }

    /// Facts that are written anew are no new snapshot, but win where sources disagree.
    #[test]
    fn whoever_says_it_last_is_another_world() {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(folder.path(), StoreOptions::create_or_open()).unwrap();
        let pool = crate::app::new_pool(1).unwrap();
        let rules = Arc::new(InForce::shipped());
        let key_after = |digest: &str, at_ms: i64| {
            let mut facts = Facts::new();
            facts.node("w:a", &["Workload"]).unwrap();
            let info = SourceInfo {
                name: "scan".into(),
                digest: digest.into(),
                observed_at_ms: at_ms,
                ..SourceInfo::default()
            };
            let import = Import {
                documents: &[(info, facts)],
                group: None,
                unread: &[],
                reason: "test",
                at_ms,
            };
            store.segments().import(&import).unwrap();
            let world = World::from_store(&store, &rules, &pool).unwrap();
            let stored = StoredCheckpoint::of(store.records(), &world).unwrap();
            (world.id, stored.key)
        };
        let first = key_after("one", 1);
        assert_eq!(key_after("one", 2), first);
        let anew = key_after("two", 3);
        assert_eq!(anew.0, first.0);
        assert_ne!(anew.1, first.1);
    }

    #[test]
    fn what_belongs_to_another_world_is_not_taken_and_goes() {
        let records: Arc<dyn KvStore> = Arc::new(MemoryRecords::default());
        let (one, two) = (checkpoint(&records, 1), checkpoint(&records, 2));
        one.save(Part::BlastRadius, &[1]);
        two.save(Part::BlastRadius, &[2]);
        assert_eq!(two.load(Part::BlastRadius), Some(vec![2]));
        two.forget_others().unwrap();
        assert_eq!(one.load(Part::BlastRadius), None);
        two.clear().unwrap();
        assert_eq!(two.load(Part::BlastRadius), None);
    }
}
