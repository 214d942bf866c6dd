//! Distances of breadth-first searches: one slot a node, forgotten without touching it and kept for
//! the next search on the same snapshot, so that a short search costs only what it looks at.

use std::sync::{Mutex, PoisonError};

use super::NodeId;

/// How far nodes are from where a search began.
#[derive(Debug)]
pub(crate) struct Levels {
    /// A distance above `base`; what is not above it is of an earlier search.
    of_node: Box<[u32]>,
    base: u32,
    /// The greatest distance noted.
    top: u32,
    /// Room for the nodes in order of discovery, of which so many are there.
    reached: Vec<NodeId>,
    n_reached: usize,
}

impl Levels {
    fn new(n_nodes: usize) -> Self {
        Levels {
            of_node: vec![0; n_nodes].into_boxed_slice(),
            base: 0,
            top: 0,
            reached: Vec::new(),
            n_reached: 0,
        }
    }

    #[inline]
    pub(crate) fn get(&self, node: NodeId) -> Option<u32> {
        let known = self.of_node.get(node.0 as usize).copied()?;
        known.checked_sub(self.base)?.checked_sub(1)
    }

    /// Whether the node has a distance. For loops that must not branch on it.
    #[inline]
    pub(crate) fn has(&self, node: NodeId) -> bool {
        let known = self.of_node.get(node.0 as usize);
        known.is_some_and(|&known| known > self.base)
    }

    /// Notes a distance; `false` when the node has one already.
    #[inline]
    pub(crate) fn set(&mut self, node: NodeId, level: u32) -> bool {
        let n_before = self.n_reached;
        self.set_new(&[node.0], level, |_| true);
        self.n_reached > n_before
    }

    /// Notes the distance of every node of a row that has none yet and is wanted. Whether a node
    /// is new is as good as random, so nothing branches on it: each is written down, and stays if
    /// the place is counted.
    #[inline]
    pub(crate) fn set_new(&mut self, row: &[u32], level: u32, is_wanted: impl Fn(u32) -> bool) {
        let n_places = self.n_reached + row.len();
        if self.reached.len() < n_places {
            let room = n_places.next_power_of_two().max(1024);
            self.reached.resize(room, NodeId(0));
        }
        let base = self.base;
        let noted = base + 1 + level;
        let mut n_reached = self.n_reached;
        for &node in row {
            let (Some(known), Some(place)) = (
                self.of_node.get_mut(node as usize),
                self.reached.get_mut(n_reached),
            ) else {
                continue;
            };
            let is_new = (*known <= base) & is_wanted(node);
            *known = if is_new { noted } else { *known };
            *place = NodeId(node);
            n_reached += usize::from(is_new);
        }
        self.n_reached = n_reached;
        self.top = self.top.max(level);
    }

    /// The nodes in order of discovery.
    #[inline]
    pub(crate) fn reached(&self) -> &[NodeId] {
        self.reached.get(..self.n_reached).unwrap_or_default()
    }

    /// Forgets everything. O(1), but for one search in about a thousand million levels.
    fn forget(&mut self) {
        self.n_reached = 0;
        self.base += 1 + self.top;
        self.top = 0;
        if self.base > u32::MAX / 2 {
            self.of_node.fill(0);
            self.base = 0;
        }
    }
}

/// No more than so many are kept.
const KEPT: usize = 16;

/// Distances of searches that are over.
#[derive(Debug, Default)]
pub(crate) struct LevelPool(Mutex<Vec<Levels>>);

impl LevelPool {
    pub(crate) fn take(&self, n_nodes: usize) -> Levels {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.pop().unwrap_or_else(|| Levels::new(n_nodes))
    }

    pub(crate) fn give(&self, mut levels: Levels) {
        levels.forget();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT {
            kept.push(levels);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_earlier_search_is_forgotten() {
        let pool = LevelPool::default();
        for round in 0..5_u32 {
            let mut levels = pool.take(4);
            assert!((0..4).all(|node| levels.get(NodeId(node)).is_none()));
            assert!(levels.set(NodeId(round % 4), round));
            assert!(!levels.set(NodeId(round % 4), round + 1));
            assert_eq!(levels.get(NodeId(round % 4)), Some(round));
            assert_eq!(levels.reached(), [NodeId(round % 4)]);
            assert!(!levels.set(NodeId(9), 0));
            pool.give(levels);
        }
    }

    #[test]
    fn numbers_never_run_out() {
        let mut levels = Levels::new(2);
        for level in [u32::MAX / 2 - 2, 7, u32::MAX / 2 - 1, 0] {
            assert!(levels.set(NodeId(1), level));
            assert_eq!(levels.get(NodeId(1)), Some(level));
            assert_eq!(levels.get(NodeId(0)), None);
            levels.forget();
            assert_eq!(levels.get(NodeId(1)), None);
        }
    }
}
