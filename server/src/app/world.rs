//! One analysed state of the estate: the snapshot and what an attacker can do to it.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use foothold_engine::attack::{AttackGraph, derive, derive_again};
use foothold_engine::budget::Budget;
use foothold_engine::build::{Assembly, Changes, Document};
use foothold_engine::graph::{Snapshot, SnapshotDelta};
use foothold_engine::model::{Facts, SourceInfo};
use foothold_engine::search::StateId;
use foothold_engine::store::{SegmentId, SnapshotId, Store};

use foothold_query::verb::{AttackContext, Unknowns, default_start};

use rayon::prelude::*;

use super::Result;
use super::rules::InForce;
use crate::dto::schema::{RuleDto, SchemaDto};

/// What every question is asked of. Never changes.
pub(crate) struct World {
    /// The stored snapshot it is built from, unless it comes straight from files.
    pub(crate) id: Option<SnapshotId>,
    /// When the snapshot was taken, in milliseconds since 1970 UTC.
    pub(crate) created_at_ms: i64,
    /// The asset graph.
    pub(crate) snapshot: Arc<Snapshot>,
    /// The attack steps that the rules derive from it.
    pub(crate) attack: Arc<AttackGraph>,
    /// The rules that derived them.
    pub(crate) rules: Arc<InForce>,
    /// Whether the attack graph holds every step that the rules derive, and no other.
    is_as_derived: bool,
    context: AttackContext,
    base: Arc<Base>,
    schema: OnceLock<SchemaDto>,
    /// The snapshot with attack steps as relationships; built when a query asks for them.
    with_steps: OnceLock<Arc<Snapshot>>,
}

/// What a world is built from.
struct Base {
    id: Option<SnapshotId>,
    created_at_ms: i64,
    /// What documents state, and the snapshot that it gives.
    assembly: Assembly,
    /// For each document where it is stored; none where they come straight from files.
    segments: Vec<SegmentId>,
}

impl Base {
    /// The documents of a stored snapshot. Those that are known are not read again.
    fn stored(store: &Store, id: Option<SnapshotId>, before: Option<&Base>) -> Result<Self> {
        let segments = store.segments();
        let entry = match id {
            Some(id) => segments
                .snapshots()
                .into_iter()
                .find(|entry| entry.id == id),
            None => segments.newest(),
        };
        let known: HashMap<SegmentId, &Arc<Document>> = before.map_or_else(HashMap::new, |base| {
            let documents = base.assembly.documents();
            base.segments.iter().copied().zip(documents).collect()
        });
        // An id that is not there is refused here.
        let listed = segments.segments_of(id)?;
        let documents: Result<Vec<Arc<Document>>> = listed
            .par_iter()
            .map(|(segment, info)| {
                let Some(&known) = known.get(segment) else {
                    let source = segments.read(*segment, info.as_ref())?;
                    return Ok(Arc::new(Document::new(source.info, source.facts)));
                };
                Ok(match info {
                    Some(info) if *info != known.info => Arc::new(known.with_info(info.clone())),
                    _ => Arc::clone(known),
                })
            })
            .collect();
        let documents = documents?;
        let assembly = match before {
            Some(before) => before.assembly.with_documents(documents)?,
            None => Assembly::new(documents)?,
        };
        Ok(Base {
            created_at_ms: entry.as_ref().map_or(0, |entry| entry.created_at_ms),
            id: id.or(entry.map(|entry| entry.id)),
            assembly,
            segments: listed.into_iter().map(|(segment, _)| segment).collect(),
        })
    }
}

impl World {
    /// Builds the world of the newest stored snapshot.
    pub(crate) fn from_store(
        store: &Store,
        rules: &Arc<InForce>,
        pool: &Arc<rayon::ThreadPool>,
    ) -> Result<Self> {
        pool.install(|| {
            let base = Base::stored(store, None, None)?;
            Self::of_base(base, None, rules, pool)
        })
    }

    /// Builds the world of a stored snapshot, of the newest when none is named, under the rules of
    /// another one. The same as building it from the start, and quicker the less it differs from that.
    pub(crate) fn beside(
        other: &World,
        store: &Store,
        id: Option<SnapshotId>,
        pool: &Arc<rayon::ThreadPool>,
    ) -> Result<Self> {
        pool.install(|| {
            let base = Base::stored(store, id, Some(&other.base))?;
            Self::of_base(base, Some(other), &other.rules, pool)
        })
    }

    /// Builds a world straight from facts, without a store.
    pub(crate) fn from_facts(
        documents: impl IntoIterator<Item = (SourceInfo, Facts)>,
        now_ms: i64,
        rules: &Arc<InForce>,
        pool: &Arc<rayon::ThreadPool>,
    ) -> Result<Self> {
        let documents = documents.into_iter();
        let documents = documents.map(|(info, facts)| Arc::new(Document::new(info, facts)));
        let documents = documents.collect();
        pool.install(|| {
            let base = Base {
                id: None,
                created_at_ms: now_ms,
                assembly: Assembly::new(documents)?,
                segments: Vec::new(),
            };
            Self::of_base(base, None, rules, pool)
        })
    }

    /// Whether what is known of its sources is what the store knows of them by now.
    pub(crate) fn has_sources_of(&self, store: &Store) -> Result<bool> {
        let listed = store.segments().segments_of(self.id)?;
        let own = self
            .base
            .segments
            .iter()
            .zip(self.base.assembly.documents());
        let is_same = |((segment, info), (known, document)): (
            &(_, Option<SourceInfo>),
            (_, &Arc<Document>),
        )| {
            segment == known && info.as_ref().is_none_or(|info| *info == document.info)
        };
        Ok(listed.len() == self.base.segments.len() && listed.iter().zip(own).all(is_same))
    }

    /// The same estate after changes to what its documents state; nothing is stored.
    pub(crate) fn changed(&self, changes: &Changes, pool: &Arc<rayon::ThreadPool>) -> Result<Self> {
        pool.install(|| {
            let snapshot = Arc::new(self.base.assembly.changed(changes)?);
            let base = Arc::clone(&self.base);
            Self::analyse(snapshot, base, Some(self), &self.rules, pool)
        })
    }

    /// The same snapshot with another attack graph.
    pub(crate) fn with_attack(&self, attack: AttackGraph) -> Self {
        let attack = Arc::new(attack);
        let context = AttackContext {
            graph: Arc::clone(&attack),
            ..self.context.clone()
        };
        Self {
            id: self.id,
            created_at_ms: self.created_at_ms,
            snapshot: Arc::clone(&self.snapshot),
            attack,
            is_as_derived: false,
            rules: Arc::clone(&self.rules),
            context,
            base: Arc::clone(&self.base),
            schema: OnceLock::new(),
            with_steps: OnceLock::new(),
        }
    }

    /// What the graph is made of; counted once.
    pub(crate) fn schema(&self) -> &SchemaDto {
        self.schema.get_or_init(|| SchemaDto::new(self))
    }

    /// The shipped and the user's rules, each with the number of its steps.
    pub(crate) fn rules(&self) -> Vec<RuleDto> {
        let mut n_steps = vec![0; self.attack.rules().len()];
        for step in self.attack.topology().steps() {
            let rule = usize::from(self.attack.rule_of(step).0);
            if let Some(count) = n_steps.get_mut(rule) {
                *count += 1;
            }
        }
        let rules = self.attack.rules().iter().zip(n_steps);
        rules
            .map(|((_, rule), steps)| RuleDto::new(rule, steps))
            .collect()
    }

    /// The asset graph with attack steps as relationships.
    pub(crate) fn with_steps(&self) -> &Arc<Snapshot> {
        self.with_steps
            .get_or_init(|| Arc::new(self.attack.with_steps()))
    }

    /// What the query language knows beyond the snapshot.
    pub(crate) fn surroundings(&self) -> &AttackContext {
        &self.context
    }

    /// The attacker profiles by name.
    pub(crate) fn attacker_names(&self) -> Vec<String> {
        let attackers = self.context.definitions.attackers();
        attackers
            .map(|(attacker, _)| attacker.name.name.clone())
            .collect()
    }

    /// Where an anonymous attacker starts.
    pub(crate) fn internet_states(&self) -> Vec<StateId> {
        default_start(&self.attack)
    }

    fn of_base(
        base: Base,
        before: Option<&World>,
        rules: &Arc<InForce>,
        pool: &Arc<rayon::ThreadPool>,
    ) -> Result<Self> {
        let snapshot = Arc::clone(base.assembly.snapshot());
        Self::analyse(snapshot, Arc::new(base), before, rules, pool)
    }

    fn analyse(
        snapshot: Arc<Snapshot>,
        base: Arc<Base>,
        before: Option<&World>,
        rules: &Arc<InForce>,
        pool: &Arc<rayon::ThreadPool>,
    ) -> Result<Self> {
        let compiled = rules.compile(&snapshot);
        let budget = Budget::unlimited();
        let attack = match before.filter(|before| before.is_as_derived) {
            Some(before) => {
                let delta = SnapshotDelta::new(&before.snapshot, &snapshot);
                derive_again(&before.attack, &delta, &snapshot, &compiled, pool, &budget)?
            }
            None => derive(&snapshot, &compiled, pool, &budget)?,
        };
        let attack = Arc::new(attack);
        let context = AttackContext {
            graph: Arc::clone(&attack),
            definitions: Arc::clone(&rules.definitions),
            pool: Arc::clone(pool),
            unknowns: Unknowns::default(),
        };
        Ok(Self {
            id: base.id,
            created_at_ms: base.created_at_ms,
            snapshot,
            attack,
            is_as_derived: true,
            rules: Arc::clone(rules),
            context,
            base,
            schema: OnceLock::new(),
            with_steps: OnceLock::new(),
        })
    }
}
