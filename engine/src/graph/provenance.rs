//! Who says so: the sources behind every node and edge.

use std::collections::HashMap;

use crate::model::SourceInfo;

/// A source of one snapshot, in order of name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u32);

/// The sources of every row (nodes or edges), as interned sets.
#[derive(Debug, Clone, Default)]
pub(crate) struct Provenance {
    sets: Box<[Box<[SourceId]>]>,
    of_row: Box<[u32]>,
    confidence: Box<[u8]>,
}

impl Provenance {
    pub(crate) fn sources(&self, row: u32) -> &[SourceId] {
        &self.sets[self.of_row[row as usize] as usize]
    }

    /// The sets of sources that occur; a row has one of them.
    pub(crate) fn sets(&self) -> impl ExactSizeIterator<Item = &[SourceId]> {
        self.sets.iter().map(|set| &**set)
    }

    /// The rows whose set is such a one, ascending.
    pub(crate) fn rows_by_sources(&self, is_such: impl Fn(&[SourceId]) -> bool) -> Vec<u32> {
        let is_such: Vec<bool> = self.sets().map(is_such).collect();
        let rows = (0..).zip(&self.of_row);
        let rows = rows.filter(|&(_, &set)| is_such[set as usize]);
        rows.map(|(row, _)| row).collect()
    }

    /// The number of a row's set.
    pub(crate) fn set_of(&self, row: u32) -> u32 {
        self.of_row[row as usize]
    }

    pub(crate) fn confidence(&self, row: u32) -> u8 {
        self.confidence[row as usize]
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.of_row.len() * 5
            + self
                .sets
                .iter()
                .map(|set| set.len() * 4 + 16)
                .sum::<usize>()
    }
}

/// Builds [`Provenance`] row by row.
#[derive(Debug, Default)]
pub(crate) struct ProvenanceBuilder {
    ids: HashMap<Box<[SourceId]>, u32>,
    sets: Vec<Box<[SourceId]>>,
    of_row: Vec<u32>,
    confidence: Vec<u8>,
}

impl ProvenanceBuilder {
    /// Adds the next row. `sources` need not be sorted.
    pub(crate) fn push(&mut self, sources: &mut Vec<SourceId>, confidence: u8) {
        sources.sort_unstable();
        sources.dedup();
        // Neighbours mostly come from the same sources.
        let last = self.of_row.last().copied();
        let last = last.filter(|&set| *self.sets[set as usize] == **sources);
        let set = last.unwrap_or_else(|| self.set(sources));
        self.of_row.push(set);
        self.confidence.push(confidence);
    }

    /// Adds a row of another provenance. `known` has room for one number a set of the other, at first
    /// `u32::MAX`; `renamed` gives a source its number here.
    pub(crate) fn push_row(
        &mut self,
        (other, row): (&Provenance, u32),
        known: &mut [u32],
        renamed: impl Fn(SourceId) -> SourceId,
    ) {
        let place = &mut known[other.set_of(row) as usize];
        if *place == u32::MAX {
            let mut sources: Vec<SourceId> =
                other.sources(row).iter().copied().map(renamed).collect();
            sources.sort_unstable();
            *place = self.set(&sources);
        }
        self.of_row.push(*place);
        self.confidence.push(other.confidence(row));
    }

    /// The number of a set, sorted.
    fn set(&mut self, sources: &[SourceId]) -> u32 {
        match self.ids.get(sources) {
            Some(&set) => set,
            None => {
                let set = self.sets.len() as u32;
                self.sets.push(sources.into());
                self.ids.insert(sources.into(), set);
                set
            }
        }
    }

    pub(crate) fn finish(self) -> Provenance {
        Provenance {
            sets: self.sets.into_boxed_slice(),
            of_row: self.of_row.into_boxed_slice(),
            confidence: self.confidence.into_boxed_slice(),
        }
    }
}

/// First and last time any of `sources` observed its document.
pub(crate) fn seen(sources: &[SourceId], infos: &[SourceInfo]) -> Option<(i64, i64)> {
    let times = sources
        .iter()
        .map(|source| infos[source.0 as usize].observed_at_ms);
    let first = times.clone().min()?;
    let last = times.max()?;
    Some((first, last))
}
