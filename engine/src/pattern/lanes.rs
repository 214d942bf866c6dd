//! Breadth-first searches from many sources at once, one bit a source: an edge is looked at once a
//! level for all of them (Then et al., "The More the Merrier: Efficient Multi-Source Graph
//! Traversal", VLDB 2014), from the frontier or from what is not reached yet, whichever is smaller
//! (Beamer et al., "Direction-Optimizing Breadth-First Search", SC 2012).

use crate::budget::Stop;
use crate::graph::NodeId;

use super::compile::every_end;
use super::ir::Condition;
use super::run::{Host, Run};
use super::step::{HopStep, Part};

/// One bit for each source.
pub(super) type Bits<const W: usize> = [u64; W];

/// Which sources reach a node for the first time at some distance.
#[derive(Debug, Clone, Copy)]
struct Entry<const W: usize> {
    level: u32,
    /// The entry of the same node before this one.
    before: u32,
    bits: Bits<W>,
}

const NONE: u32 = u32::MAX;

/// The distances from up to `64 * W` sources.
#[derive(Debug)]
pub(super) struct Lanes<const W: usize> {
    sources: Vec<NodeId>,
    seen: Vec<Bits<W>>,
    current: Vec<Bits<W>>,
    next: Vec<Bits<W>>,
    /// The last entry of each node.
    heads: Vec<u32>,
    entries: Vec<Entry<W>>,
    /// Nodes with an entry, each once.
    noted: Vec<u32>,
    /// Nodes that some source reaches, each once.
    reached: Vec<u32>,
    charged: u64,
}

/// Which nodes keep their distances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// All: paths are read off.
    Every,
    /// Those a path may end at.
    Ends,
}

/// A frontier of more than one in so many nodes is looked for from the other side.
const BOTTOM_UP_SHARE: usize = 12;
/// A smaller one is not worth looking at every node.
const BOTTOM_UP_LEAST: usize = 8;

impl<const W: usize> Lanes<W> {
    /// Bytes that the search itself needs.
    pub(super) fn bytes(n_nodes: usize) -> u64 {
        (n_nodes * (3 * W * 8 + 4)) as u64
    }

    pub(super) fn new(n_nodes: usize) -> Self {
        Lanes {
            sources: Vec::new(),
            seen: vec![[0; W]; n_nodes],
            current: vec![[0; W]; n_nodes],
            next: vec![[0; W]; n_nodes],
            heads: vec![NONE; n_nodes],
            entries: Vec::new(),
            noted: Vec::new(),
            reached: Vec::new(),
            charged: 0,
        }
    }

    /// Bytes accounted for by the last search.
    pub(super) fn charged(&self) -> u64 {
        self.charged
    }

    /// Forgets everything. O(reached nodes).
    fn clear(&mut self) {
        for node in self.reached.drain(..) {
            let node = node as usize;
            for place in [&mut self.seen, &mut self.current, &mut self.next] {
                if let Some(bits) = place.get_mut(node) {
                    *bits = [0; W];
                }
            }
        }
        for node in self.noted.drain(..) {
            if let Some(head) = self.heads.get_mut(node as usize) {
                *head = NONE;
            }
        }
        self.entries.clear();
        self.sources.clear();
    }

    fn note(&mut self, node: u32, level: u32, bits: Bits<W>) {
        let idx = self.entries.len() as u32;
        let Some(head) = self.heads.get_mut(node as usize) else {
            return;
        };
        if *head == NONE {
            self.noted.push(node);
        }
        self.entries.push(Entry {
            level,
            before: *head,
            bits,
        });
        *head = idx;
    }

    /// The nodes whose distances were kept, ascending.
    pub(super) fn ends(&mut self) -> Vec<u32> {
        self.noted.sort_unstable();
        self.noted.clone()
    }

    /// Distances of a node with the sources that are so far away, greatest distance first.
    pub(super) fn levels(&self, node: u32) -> impl Iterator<Item = (u32, &Bits<W>)> {
        let mut at = self.heads.get(node as usize).copied().unwrap_or(NONE);
        std::iter::from_fn(move || {
            let entry = self.entries.get(at as usize)?;
            at = entry.before;
            Some((entry.level, &entry.bits))
        })
    }

    /// How far a node is from one source.
    pub(super) fn level(&self, node: NodeId, lane: usize) -> Option<u32> {
        self.levels(node.0)
            .find(|(_, bits)| has(bits, lane))
            .map(|(level, _)| level)
    }

    /// Which of some sources have not reached a node.
    fn missing(&self, node: u32, bits: Bits<W>) -> Bits<W> {
        match self.seen.get(node as usize) {
            Some(seen) => without(bits, seen),
            None => [0; W],
        }
    }

    /// Some sources reach a node for the first time.
    fn touch(&mut self, node: u32, new: &Bits<W>, touched: &mut Vec<u32>) {
        let at = node as usize;
        let (Some(seen), Some(next)) = (self.seen.get_mut(at), self.next.get_mut(at)) else {
            return;
        };
        if is_empty(seen) {
            self.reached.push(node);
        }
        if is_empty(next) {
            touched.push(node);
        }
        add(seen, new);
        add(next, new);
    }

    fn get(place: &[Bits<W>], node: u32) -> Bits<W> {
        place.get(node as usize).copied().unwrap_or([0; W])
    }
}

fn has<const W: usize>(bits: &Bits<W>, lane: usize) -> bool {
    bits.get(lane / 64)
        .is_some_and(|word| word >> (lane % 64) & 1 == 1)
}

/// The lanes of a set, ascending.
pub(super) fn lanes_of<const W: usize>(bits: &Bits<W>) -> impl Iterator<Item = usize> {
    bits.iter().enumerate().flat_map(|(at, &word)| {
        let mut left = word;
        std::iter::from_fn(move || {
            let lane = left.trailing_zeros() as usize;
            (left != 0).then(|| {
                left &= left - 1;
                at * 64 + lane
            })
        })
    })
}

pub(super) fn one<const W: usize>(lane: usize) -> Bits<W> {
    let mut bits = [0; W];
    if let Some(word) = bits.get_mut(lane / 64) {
        *word = 1 << (lane % 64);
    }
    bits
}

pub(super) fn count<const W: usize>(bits: &Bits<W>) -> u64 {
    bits.iter().map(|word| u64::from(word.count_ones())).sum()
}

pub(super) fn without<const W: usize>(mut bits: Bits<W>, other: &Bits<W>) -> Bits<W> {
    for (word, other) in bits.iter_mut().zip(other) {
        *word &= !other;
    }
    bits
}

fn both<const W: usize>(mut bits: Bits<W>, other: &Bits<W>) -> Bits<W> {
    for (word, other) in bits.iter_mut().zip(other) {
        *word &= other;
    }
    bits
}

fn add<const W: usize>(bits: &mut Bits<W>, other: &Bits<W>) {
    for (word, other) in bits.iter_mut().zip(other) {
        *word |= other;
    }
}

fn is_empty<const W: usize>(bits: &Bits<W>) -> bool {
    bits.iter().all(|&word| word == 0)
}

impl<H> Run<'_, H> {
    /// Finds how far every node is from each of `sources`. With a least length of one, a source is
    /// as far from itself as its shortest cycle. O(levels × edges), charged to the budget.
    pub(super) fn flood<C: Condition + Clone, const W: usize>(
        &mut self,
        part: &Part<C>,
        hop: &HopStep<C>,
        sources: &[NodeId],
        keep: Keep,
        lanes: &mut Lanes<W>,
    ) -> Result<(), H::Error>
    where
        H: Host<C>,
    {
        let snapshot = self.snapshot;
        lanes.clear();
        lanes.sources.extend_from_slice(sources);
        let mut full = [0; W];
        // Pairs not found yet: when none is left, the search is over.
        let mut n_missing = part.to_test.count(snapshot) * sources.len() as u64;
        let mut frontier: Vec<u32> = Vec::new();
        for (lane, source) in sources.iter().enumerate() {
            let bit = one::<W>(lane);
            add(&mut full, &bit);
            if is_empty(&Lanes::get(&lanes.seen, source.0))
                && is_empty(&Lanes::get(&lanes.current, source.0))
            {
                frontier.push(source.0);
                lanes.reached.push(source.0);
            }
            if let Some(bits) = lanes.current.get_mut(source.0 as usize) {
                add(bits, &bit);
            }
            if part.min == 0 {
                if let Some(bits) = lanes.seen.get_mut(source.0 as usize) {
                    add(bits, &bit);
                }
                let is_end = part.to_test.holds(snapshot, *source);
                n_missing -= u64::from(is_end);
                if keep == Keep::Every || is_end {
                    lanes.note(source.0, 0, bit);
                }
            }
        }
        let mut touched: Vec<u32> = Vec::new();
        let mut level = 0;
        while !frontier.is_empty() && n_missing > 0 && part.max.is_none_or(|max| level < max) {
            level += 1;
            if frontier.len() > BOTTOM_UP_LEAST.max(snapshot.n_nodes() / BOTTOM_UP_SHARE) {
                self.pull(part, hop, &full, &frontier, lanes, &mut touched)?;
            } else {
                for &node in &frontier {
                    self.push(part, hop, node, lanes, &mut touched)?;
                }
            }
            for node in frontier.drain(..) {
                if let Some(bits) = lanes.current.get_mut(node as usize) {
                    *bits = [0; W];
                }
            }
            for &node in &touched {
                let at = node as usize;
                let new = Lanes::get(&lanes.next, node);
                if let (Some(next), Some(current)) =
                    (lanes.next.get_mut(at), lanes.current.get_mut(at))
                {
                    *next = [0; W];
                    *current = new;
                }
                let is_end = part.to_test.holds(snapshot, NodeId(node));
                if is_end {
                    n_missing = n_missing.saturating_sub(count(&new));
                }
                if keep == Keep::Every || is_end {
                    lanes.note(node, level, new);
                }
            }
            std::mem::swap(&mut frontier, &mut touched);
            self.charge_lanes(lanes)?;
        }
        Ok(())
    }

    fn charge_lanes<const W: usize>(&mut self, lanes: &mut Lanes<W>) -> Result<(), Stop> {
        let bytes = lanes.entries.len() as u64 * size_of::<Entry<W>>() as u64;
        if bytes > lanes.charged {
            let more = bytes - lanes.charged;
            lanes.charged = bytes;
            self.budget.charge(more)?;
        }
        self.budget.check()
    }

    /// From one node of the frontier to what its sources have not reached.
    fn push<C: Condition + Clone, const W: usize>(
        &mut self,
        part: &Part<C>,
        hop: &HopStep<C>,
        node: u32,
        lanes: &mut Lanes<W>,
        touched: &mut Vec<u32>,
    ) -> Result<(), H::Error>
    where
        H: Host<C>,
    {
        let from = NodeId(node);
        let bits = Lanes::get(&lanes.current, node);
        if self.is_bare(part, hop) {
            for &end in every_end(self.snapshot, hop.edges.direction, from) {
                self.tick()?;
                let new = lanes.missing(end, bits);
                if !is_empty(&new) {
                    lanes.touch(end, &new, touched);
                }
            }
            return Ok(());
        }
        hop.edges.each(self.snapshot, from, |edge, end| {
            self.tick()?;
            let new = lanes.missing(end.0, bits);
            if !is_empty(&new) && self.admits(part, hop, (from, edge, end))? {
                lanes.touch(end.0, &new, touched);
            }
            Ok(())
        })
    }

    /// From every node that some source has not reached back to the frontier.
    fn pull<C: Condition + Clone, const W: usize>(
        &mut self,
        part: &Part<C>,
        hop: &HopStep<C>,
        full: &Bits<W>,
        frontier: &[u32],
        lanes: &mut Lanes<W>,
        touched: &mut Vec<u32>,
    ) -> Result<(), H::Error>
    where
        H: Host<C>,
    {
        let snapshot = self.snapshot;
        let is_bare = self.is_bare(part, hop);
        let back = hop.edges.reversed();
        let mut is_ahead = vec![0_u64; snapshot.n_nodes().div_ceil(64)];
        for &node in frontier {
            if let Some(word) = is_ahead.get_mut(node as usize / 64) {
                *word |= 1 << (node % 64);
            }
        }
        let is_ahead = |node: u32| {
            let word = is_ahead.get(node as usize / 64);
            word.is_some_and(|word| word >> (node % 64) & 1 == 1)
        };
        for node in 0..snapshot.n_nodes() as u32 {
            let missing = lanes.missing(node, *full);
            if is_empty(&missing) {
                continue;
            }
            let mut new = [0; W];
            if is_bare {
                for &before in every_end(snapshot, back.direction, NodeId(node)) {
                    self.tick()?;
                    if is_ahead(before) {
                        add(&mut new, &Lanes::get(&lanes.current, before));
                        if is_empty(&without(missing, &new)) {
                            break;
                        }
                    }
                }
                new = both(new, &missing);
            } else {
                let mut left = missing;
                for (edge, before) in back.neighbours(snapshot, NodeId(node)) {
                    self.tick()?;
                    if !is_ahead(before.0) {
                        continue;
                    }
                    let found = both(left, &Lanes::get(&lanes.current, before.0));
                    if is_empty(&found) || !self.admits(part, hop, (before, edge, NodeId(node)))? {
                        continue;
                    }
                    add(&mut new, &found);
                    left = without(left, &found);
                    if is_empty(&left) {
                        break;
                    }
                }
            }
            if !is_empty(&new) {
                lanes.touch(node, &new, touched);
            }
        }
        Ok(())
    }
}
