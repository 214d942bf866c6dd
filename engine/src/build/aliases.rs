//! Which ids name one thing, as texts.

use std::collections::BTreeMap;

use crate::model::Facts;

use super::correlate::Identity;
use super::scope::Scope;
use super::staging::Staging;

/// Ids that are merged into others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Aliases {
    /// Into which id each is merged; that one may be merged itself.
    direct: BTreeMap<Box<str>, Box<str>>,
    /// The ids behind each that is not merged itself.
    behind: BTreeMap<Box<str>, Vec<Box<str>>>,
}

impl Aliases {
    /// What documents say together.
    pub(super) fn of<'a>(documents: impl Iterator<Item = &'a Facts> + Clone) -> Self {
        let mut aliases = Aliases::default();
        for (id, canonical) in Identity::of_documents(documents).aliases() {
            if aliases.resolve(&canonical) != id && id != canonical {
                aliases.direct.insert(id.into(), canonical.into());
            }
        }
        for id in aliases.direct.keys() {
            let canonical = aliases.resolve(id).into();
            let behind: &mut Vec<Box<str>> = aliases.behind.entry(canonical).or_default();
            behind.push(id.clone());
        }
        aliases
    }

    /// Whether they depend on what these names are of.
    pub(super) fn are_about(scope: &Scope) -> bool {
        scope.meets(&Identity::scope())
    }

    /// The id that names the thing.
    pub(super) fn resolve<'a>(&'a self, id: &'a str) -> &'a str {
        let mut id = id;
        for _ in 0..=self.direct.len() {
            match self.direct.get(id) {
                Some(next) => id = next,
                None => break,
            }
        }
        id
    }

    /// The ids that are merged into this one.
    pub(super) fn behind(&self, canonical: &str) -> impl Iterator<Item = &str> {
        let behind = self.behind.get(canonical);
        behind.into_iter().flatten().map(|id| &**id)
    }

    /// The ids that are merged into another id than before, with both.
    pub(super) fn moved<'a>(&'a self, before: &'a Aliases) -> Vec<&'a str> {
        let mut moved = Vec::new();
        for id in self.direct.keys().chain(before.direct.keys()) {
            let (old, new) = (before.resolve(id), self.resolve(id));
            if old != new {
                moved.extend([&**id, old, new]);
            }
        }
        moved.sort_unstable();
        moved.dedup();
        moved
    }

    /// Says so to what is staged.
    pub(super) fn state(&self, staging: &mut Staging) {
        for (id, canonical) in &self.direct {
            staging.alias(id, canonical);
        }
    }
}
