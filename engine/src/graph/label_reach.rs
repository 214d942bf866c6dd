//! Which nodes can matter on a way between labels: what a search between two nodes leaves out.
//!
//! In a graph of an estate most nodes lie on no way to a data store: a package leads to its
//! vulnerabilities and no further. For each label that few nodes have, one bit a node says whether
//! a node with the label can be reached from it, and another whether it can be reached from one.
//! A search from `a` to `b` keeps to the nodes that lead to `b`'s label and can be reached from
//! `a`'s.

use std::collections::VecDeque;

use super::{LabelId, Neighbours, NodeId, Snapshot};
use crate::bits::Bits;

/// Labels that more than one node in so many has say little about a single node.
const RARE: u64 = 8;
/// Of the rare labels, so many of the rarest; no more than a word has bits.
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
    /// All labels at once, one bit of a word each: an edge is looked at again only when more labels
    /// have come to its end. O(labels * edges) at worst, a few times the edges as a rule.
    pub(crate) fn new(snapshot: &Snapshot) -> Self {
        let size = |label: LabelId| snapshot.labelled(label).len();
        let mut rare: Vec<LabelId> = snapshot.labels().collect();
        rare.retain(|&label| size(label) > 0 && size(label) * RARE <= snapshot.n_nodes() as u64);
        rare.sort_by_key(|&label| (size(label), label));
        rare.truncate(MOST_LABELS);
        let mut own = vec![0_u64; snapshot.n_nodes()];
        for (at, &label) in rare.iter().enumerate() {
            for node in snapshot.labelled(label) {
                own[node as usize] |= 1 << at;
            }
        }
        let [targets, sources] = snapshot.neighbours();
        let (before, behind) = rayon::join(|| spread(&own, sources), || spread(&own, targets));
        let bits_of = |words: &[u64], at: usize| {
            let nodes = (0..).zip(words);
            let nodes = nodes.filter_map(|(node, word)| (word >> at & 1 == 1).then_some(node));
            Bits::of(words.len(), nodes)
        };
        let mut by_label: Box<[Option<Reach>]> = snapshot.labels().map(|_| None).collect();
        for (at, label) in rare.into_iter().enumerate() {
            by_label[usize::from(label.0)] = Some(Reach {
                n_nodes: size(label),
                before: bits_of(&before, at),
                behind: bits_of(&behind, at),
            });
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

/// For each node the labels of everything from which it can be reached, its own included.
fn spread(own: &[u64], next: &Neighbours) -> Vec<u64> {
    let mut words = own.to_vec();
    let mut is_open = Bits::new(own.len());
    let mut open = VecDeque::new();
    for (node, &word) in (0..).zip(own) {
        if word != 0 {
            is_open.insert(node);
            open.push_back(node);
        }
    }
    while let Some(node) = open.pop_front() {
        is_open.remove(node);
        let word = words[node as usize];
        for &end in next.of(NodeId(node)) {
            let of_end = &mut words[end as usize];
            if *of_end | word != *of_end {
                *of_end |= word;
                if is_open.insert(end) {
                    open.push_back(end);
                }
            }
        }
    }
    words
}
