//! One analysed state of the estate: the snapshot and what an attacker can do to it.

use std::sync::{Arc, OnceLock};

use foothold_engine::attack::{AttackGraph, derive, derive_again};
use foothold_engine::budget::Budget;
use foothold_engine::build::{Changes, Staging, assemble_changed};
use foothold_engine::graph::{Snapshot, SnapshotDelta};
use foothold_engine::model::{Facts, SourceInfo};
use foothold_engine::search::StateId;
use foothold_engine::store::{SnapshotId, Store};

use foothold_query::verb::{AttackContext, Unknowns, default_start};

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
    base: Base,
    schema: OnceLock<SchemaDto>,
    /// The snapshot with attack steps as relationships; built when a query asks for them.
    with_steps: OnceLock<Arc<Snapshot>>,
}

/// What a world is built from.
#[derive(Clone)]
struct Base {
    id: Option<SnapshotId>,
    created_at_ms: i64,
    /// What documents state, where no store can be asked again.
    documents: Option<Arc<[(SourceInfo, Facts)]>>,
}

impl Base {
    fn staging(&self, store: Option<&Store>) -> Result<Staging> {
        let mut staging = Staging::new();
        if let Some(documents) = &self.documents {
            for (info, facts) in documents.iter() {
                staging.add(info, facts);
            }
        } else if let Some(store) = store {
            for source in store.segments().load(self.id)? {
                staging.add(&source.info, &source.facts);
            }
        }
        Ok(staging)
    }
}

impl World {
    /// Builds the world of a stored snapshot, of the newest when none is named.
    pub(crate) fn from_store(
        store: &Store,
        id: Option<SnapshotId>,
        rules: &Arc<InForce>,
        pool: &Arc<rayon::ThreadPool>,
    ) -> Result<Self> {
        Self::stored(store, id, None, rules, pool)
    }

    /// Builds the world of the newest stored snapshot under the same rules. The same as building it
    /// from the start, and quicker the less it differs from the world before it.
    pub(crate) fn after(
        before: &World,
        store: &Store,
        pool: &Arc<rayon::ThreadPool>,
    ) -> Result<Self> {
        Self::stored(store, None, Some(before), &before.rules, pool)
    }

    fn stored(
        store: &Store,
        id: Option<SnapshotId>,
        before: Option<&World>,
        rules: &Arc<InForce>,
        pool: &Arc<rayon::ThreadPool>,
    ) -> Result<Self> {
        pool.install(|| {
            let entry = match id {
                Some(id) => store
                    .segments()
                    .snapshots()
                    .into_iter()
                    .find(|entry| entry.id == id),
                None => store.segments().newest(),
            };
            let base = Base {
                created_at_ms: entry.as_ref().map_or(0, |entry| entry.created_at_ms),
                // An id that is not there is refused where its facts are loaded.
                id: id.or(entry.map(|entry| entry.id)),
                documents: None,
            };
            let staging = base.staging(Some(store))?;
            let world = Self::analyse(staging, &Changes::new(), base, before, rules, pool)?;
            world.snapshot.prepare_searches();
            Ok(world)
        })
    }

    /// Builds a world straight from facts, without a store.
    pub(crate) fn from_facts(
        documents: impl IntoIterator<Item = (SourceInfo, Facts)>,
        now_ms: i64,
        rules: &Arc<InForce>,
        pool: &Arc<rayon::ThreadPool>,
    ) -> Result<Self> {
        let documents: Vec<(SourceInfo, Facts)> = documents.into_iter().collect();
        let base = Base {
            id: None,
            created_at_ms: now_ms,
            documents: Some(documents.into()),
        };
        let staging = base.staging(None)?;
        pool.install(|| Self::analyse(staging, &Changes::new(), base, None, rules, pool))
    }

    /// The same estate after changes to what its documents state; nothing is stored.
    pub(crate) fn changed(
        &self,
        changes: &Changes,
        store: Option<&Store>,
        pool: &Arc<rayon::ThreadPool>,
    ) -> Result<Self> {
        let staging = self.base.staging(store)?;
        let base = self.base.clone();
        pool.install(|| Self::analyse(staging, changes, base, Some(self), &self.rules, pool))
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
            base: self.base.clone(),
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

    fn analyse(
        staging: Staging,
        changes: &Changes,
        base: Base,
        before: Option<&World>,
        rules: &Arc<InForce>,
        pool: &Arc<rayon::ThreadPool>,
    ) -> Result<Self> {
        let snapshot = Arc::new(assemble_changed(staging, changes)?);
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
