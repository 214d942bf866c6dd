//! Which nodes can matter on a way between labels: what a search between two nodes leaves out.
//!
//! In a graph of an estate most nodes lie on no way to a data store: a package leads to its
//! vulnerabilities and no further. For each label that few nodes have, one bit a node says whether
//! a node with the label can be reached from it, and another whether it can be reached from one.
//! A search from `a` to `b` keeps to the nodes that lead to `b`'s label and can be reached from
//! `a`'s.

use rayon::prelude::*;
use roaring::RoaringBitmap;

use super::{LabelId, NodeId, Snapshot};
use crate::bits::Bits;

/// Labels that more than one node in so many has say little about a single node.
const RARE: u64 = 8;
/// Of the rare labels, so many of the rarest.
const MOST_LABELS: usize = 48;

/// For each rare label, the nodes before it and behind it, over edges of every kind.
#[derive(Debug)]
pub(crate) struct LabelReach {
    by_label: Box<[Option<Reach>]>,
}

/// The nodes with a label are in both.
#[derive(Debug)]
struct Reach {
    n_nodes: u64,
    before: Bits,
    behind: Bits,
}

impl LabelReach {
    /// One breadth-first search a label and direction, side by side: O(labels * edges), with one
    /// bit a node to look at for each edge.
    pub(crate) fn new(snapshot: &Snapshot) -> Self {
        let size = |label: LabelId| snapshot.labelled(label).len();
        let mut rare: Vec<LabelId> = snapshot.labels().collect();
        rare.retain(|&label| size(label) > 0 && size(label) * RARE <= snapshot.n_nodes() as u64);
        rare.sort_by_key(|&label| (size(label), label));
        rare.truncate(MOST_LABELS);
        let found: Vec<(LabelId, Reach)> = rare
            .into_par_iter()
            .map(|label| {
                let nodes = snapshot.labelled(label);
                let (before, behind) = rayon::join(
                    || {
                        spread(snapshot.n_nodes(), nodes, |node| {
                            snapshot.every_source(node)
                        })
                    },
                    || {
                        spread(snapshot.n_nodes(), nodes, |node| {
                            snapshot.every_target(node)
                        })
                    },
                );
                let n_nodes = nodes.len();
                (
                    label,
                    Reach {
                        n_nodes,
                        before,
                        behind,
                    },
                )
            })
            .collect();
        let mut by_label: Box<[Option<Reach>]> = snapshot.labels().map(|_| None).collect();
        for (label, reach) in found {
            by_label[usize::from(label.0)] = Some(reach);
        }
        LabelReach { by_label }
    }

    /// The nodes from which one with the label can be reached.
    pub(crate) fn before(&self, label: LabelId) -> Option<&Bits> {
        Some(&self.of(label)?.before)
    }

    /// The nodes that can be reached from one with the label.
    pub(crate) fn behind(&self, label: LabelId) -> Option<&Bits> {
        Some(&self.of(label)?.behind)
    }

    /// The label of these that says most.
    pub(crate) fn rarest(&self, labels: &[LabelId]) -> Option<LabelId> {
        let known = labels.iter().filter(|&&label| self.of(label).is_some());
        let size = |label: &&LabelId| self.of(**label).map(|reach| reach.n_nodes);
        known.min_by_key(size).copied()
    }

    fn of(&self, label: LabelId) -> Option<&Reach> {
        self.by_label.get(usize::from(label.0))?.as_ref()
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        let kept = self.by_label.iter().flatten();
        kept.map(|reach| (reach.before.capacity() + reach.behind.capacity()) / 8)
            .sum()
    }
}

/// Everything that can be reached from the nodes, themselves included.
fn spread<'s>(n_nodes: usize, nodes: &RoaringBitmap, next: impl Fn(NodeId) -> &'s [u32]) -> Bits {
    let mut seen = Bits::of(n_nodes, nodes);
    let mut open: Vec<u32> = nodes.iter().collect();
    while let Some(node) = open.pop() {
        for &end in next(NodeId(node)) {
            if seen.insert(end) {
                open.push(end);
            }
        }
    }
    seen
}
