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
        let set = match last.or_else(|| self.ids.get(sources.as_slice()).copied()) {
            Some(set) => set,
            None => {
                let set = self.sets.len() as u32;
                self.sets.push(sources.clone().into_boxed_slice());
                self.ids.insert(sources.clone().into_boxed_slice(), set);
                set
            }
        };
        self.of_row.push(set);
        self.confidence.push(confidence);
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
