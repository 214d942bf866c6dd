//! One analysed state of the estate: the snapshot and what an attacker can do to it.

use std::sync::{Arc, OnceLock};

use foothold_engine::attack::{AttackGraph, derive};
use foothold_engine::budget::Budget;
use foothold_engine::build::{Staging, assemble};
use foothold_engine::graph::Snapshot;
use foothold_engine::model::{Facts, SourceInfo};
use foothold_engine::search::StateId;
use foothold_engine::store::{SnapshotId, Store};

use foothold_query::resolve::Surroundings;
use foothold_query::verb::{AttackContext, default_start};

use super::Result;
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
    context: AttackContext,
    schema: OnceLock<SchemaDto>,
}

impl World {
    /// Builds the world of a stored snapshot, of the newest when none is named.
    pub(crate) fn from_store(
        store: &Store,
        id: Option<SnapshotId>,
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
            let mut staging = Staging::new();
            for source in store.segments().load(id)? {
                staging.add(&source.info, &source.facts);
            }
            let created_at_ms = entry.as_ref().map_or(0, |entry| entry.created_at_ms);
            Self::analyse(staging, entry.map(|entry| entry.id), created_at_ms, pool)
        })
    }

    /// Builds a world straight from facts, without a store.
    pub(crate) fn from_facts(
        documents: impl IntoIterator<Item = (SourceInfo, Facts)>,
        now_ms: i64,
        pool: &Arc<rayon::ThreadPool>,
    ) -> Result<Self> {
        let mut staging = Staging::new();
        for (info, facts) in documents {
            staging.add(&info, &facts);
        }
        pool.install(|| Self::analyse(staging, None, now_ms, pool))
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

    /// What the query language knows beyond the snapshot.
    pub(crate) fn surroundings(&self) -> &dyn Surroundings {
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
        id: Option<SnapshotId>,
        created_at_ms: i64,
        pool: &Arc<rayon::ThreadPool>,
    ) -> Result<Self> {
        let snapshot = Arc::new(assemble(staging)?);
        let definitions = super::rules::in_force();
        let rules = super::rules::compile(&definitions, &snapshot);
        let attack = Arc::new(derive(&snapshot, &rules, pool, &Budget::unlimited())?);
        let context = AttackContext {
            graph: Arc::clone(&attack),
            definitions,
            pool: Arc::clone(pool),
        };
        Ok(Self {
            id,
            created_at_ms,
            snapshot,
            attack,
            context,
            schema: OnceLock::new(),
        })
    }
}
