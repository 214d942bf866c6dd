//! The queue of a cheapest-first search over fixed-point costs: a ring of buckets.
//!
//! A bucket holds keys of one width; entries inside a bucket come out in any order, so a search
//! corrects labels within a bucket and is exact nevertheless (delta-stepping with one thread,
//! Meyer and Sanders 2003). What lies beyond the ring waits in a heap.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::score::cost::Cost;

/// Cost and number of steps in one integer: order by cost, then by fewer steps.
///
/// Every step adds at least 1, so equal keys never form a cycle and "the smallest step id among
/// the tight ones" is a predecessor that does not depend on the order of the search.
pub(crate) type Key = u64;

/// What is not reached.
pub(crate) const NO_KEY: Key = u64::MAX;

const STEP_BITS: u32 = 24;
const STEP_MASK: u64 = (1 << STEP_BITS) - 1;
/// Costs are capped here, so that sums of AND steps cannot run over.
const MAX_KEY_COST: u64 = (1 << (64 - STEP_BITS)) - 2;

/// The key of that much cost over that many steps.
#[inline]
pub(crate) fn key(cost: u64, n_steps: u64) -> Key {
    (cost.min(MAX_KEY_COST) << STEP_BITS) | n_steps.min(STEP_MASK)
}

/// The key after one more step.
#[inline]
pub(crate) fn key_after(key: Key, cost: Cost) -> Key {
    key.saturating_add((u64::from(cost) << STEP_BITS) + 1)
        .min(NO_KEY - 1)
}

/// The cost inside the key.
#[inline]
pub(crate) fn key_cost(key: Key) -> u64 {
    key >> STEP_BITS
}

/// The number of steps inside the key.
#[inline]
pub(crate) fn key_steps(key: Key) -> u64 {
    key & STEP_MASK
}

const N_BUCKETS: usize = 512;
/// Bucket width 2^12 in cost: about a sixteenth of a nat, between the two likeliest classes.
const WIDTH_BITS: u32 = 12 + STEP_BITS;

/// The queue. Entries are never decreased: push again, and skip what is stale when it comes out.
#[derive(Debug)]
pub(crate) struct Frontier {
    ring: Vec<Vec<(Key, u32)>>,
    occupied: [u64; N_BUCKETS / 64],
    current: u64,
    far: BinaryHeap<Reverse<(Key, u32)>>,
}

impl Frontier {
    pub(crate) fn new() -> Self {
        Self {
            ring: vec![Vec::new(); N_BUCKETS],
            occupied: [0; N_BUCKETS / 64],
            current: 0,
            far: BinaryHeap::new(),
        }
    }

    /// Adds a node; the key must not lie below the bucket last popped from.
    #[inline]
    pub(crate) fn push(&mut self, key: Key, node: u32) {
        let bucket = key >> WIDTH_BITS;
        debug_assert!(bucket >= self.current);
        if bucket - self.current < N_BUCKETS as u64 {
            let place = bucket as usize % N_BUCKETS;
            self.ring[place].push((key, node));
            self.occupied[place / 64] |= 1 << (place % 64);
        } else {
            self.far.push(Reverse((key, node)));
        }
    }

    /// Takes an entry out of the lowest bucket.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<(Key, u32)> {
        loop {
            let place = self.current as usize % N_BUCKETS;
            if let Some(entry) = self.ring[place].pop() {
                return Some(entry);
            }
            self.occupied[place / 64] &= !(1 << (place % 64));
            self.advance()?;
        }
    }

    /// The node that comes out after so many others, if nothing is pushed before it.
    #[inline]
    pub(crate) fn ahead(&self, n_before: usize) -> Option<u32> {
        let bucket = &self.ring[self.current as usize % N_BUCKETS];
        let at = bucket.len().checked_sub(n_before + 1)?;
        bucket.get(at).map(|entry| entry.1)
    }

    /// A lower bound of every key still to come: the start of the lowest bucket that holds one.
    #[cfg(test)]
    pub(crate) fn floor(&self) -> Key {
        self.current << WIDTH_BITS
    }

    fn advance(&mut self) -> Option<()> {
        let next_far = self.far.peek().map(|Reverse((key, _))| key >> WIDTH_BITS);
        self.current = match (self.next_in_ring(), next_far) {
            (None, None) => return None,
            (Some(near), None) => near,
            (None, Some(far)) => far,
            (Some(near), Some(far)) => near.min(far),
        };
        while let Some(&Reverse((key, node))) = self.far.peek() {
            if (key >> WIDTH_BITS) - self.current >= N_BUCKETS as u64 {
                break;
            }
            self.far.pop();
            self.push(key, node);
        }
        Some(())
    }

    fn next_in_ring(&self) -> Option<u64> {
        let start = self.current as usize % N_BUCKETS;
        let n_words = self.occupied.len();
        for turn in 0..=n_words {
            let word_idx = (start / 64 + turn) % n_words;
            let mut word = self.occupied[word_idx];
            if turn == 0 {
                word &= u64::MAX << (start % 64);
            } else if turn == n_words {
                word &= !(u64::MAX << (start % 64));
            }
            if word != 0 {
                let place = word_idx * 64 + word.trailing_zeros() as usize;
                let ahead = (place + N_BUCKETS - start) % N_BUCKETS;
                return Some(self.current + ahead as u64);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_come_out_in_order_however_far_apart() {
        let mut frontier = Frontier::new();
        let mut state = 1u64;
        let mut expected = Vec::new();
        for node in 0..5000u32 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let cost = (state >> 33) % if node % 50 == 0 { 1 << 34 } else { 1 << 22 };
            frontier.push(key(cost, 1), node);
            expected.push(cost >> 12);
        }
        expected.sort_unstable();
        let mut out = Vec::new();
        while let Some((popped, _)) = frontier.pop() {
            assert!(popped >= frontier.floor());
            out.push(key_cost(popped) >> 12);
        }
        assert_eq!(out, expected);
    }

    #[test]
    fn a_key_orders_by_cost_then_by_steps() {
        assert!(key(1, 5) < key(2, 0) && key(1, 5) < key(1, 6));
        let long = key_after(key_after(key(7, 0), 3), 0);
        assert_eq!((key_cost(long), key_steps(long)), (10, 2));
        assert!(key_after(NO_KEY - 1, 5) < NO_KEY);
        assert!(key(u64::MAX, u64::MAX) < NO_KEY);
    }
}
