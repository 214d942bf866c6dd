//! Rows of bits, one bit for each jewel, and how they spread against the links.

use smallvec::SmallVec;

use super::links::{LinksNow, Parts};

/// One bit for each jewel.
pub(super) type Lanes = SmallVec<[u64; 2]>;

/// Joins lanes into the row of a part, and from there into all that leads to it.
pub(super) fn spread(
    links: &LinksNow<'_>,
    parts: &Parts,
    rows: &mut [u64],
    into: u32,
    gained: &[u64],
    mut changed: impl FnMut(u32),
) {
    let n_words = gained.len();
    let mut waiting = Vec::new();
    if join(&mut rows[row_range(into, n_words)], gained) {
        changed(into);
        waiting.push(into);
    }
    while let Some(part) = waiting.pop() {
        let lanes = Lanes::from_slice(&rows[row_range(part, n_words)]);
        for state in parts.states(part) {
            for premise in links.premises_of(state) {
                let higher = parts.of[premise as usize];
                if higher != part && join(&mut rows[row_range(higher, n_words)], &lanes) {
                    changed(higher);
                    waiting.push(higher);
                }
            }
        }
    }
}

pub(super) fn row_range(part: u32, n_words: usize) -> std::ops::Range<usize> {
    part as usize * n_words..(part as usize + 1) * n_words
}

/// Sets the bits of `more`; whether one of them was not set.
pub(super) fn join(lanes: &mut [u64], more: &[u64]) -> bool {
    let mut is_changed = false;
    for (own, more) in lanes.iter_mut().zip(more) {
        is_changed |= more & !*own != 0;
        *own |= more;
    }
    is_changed
}

pub(super) fn take_away(lanes: &mut [u64], less: &[u64]) {
    for (own, less) in lanes.iter_mut().zip(less) {
        *own &= !less;
    }
}

pub(super) fn keep_common(lanes: &mut [u64], other: &[u64]) {
    for (own, other) in lanes.iter_mut().zip(other) {
        *own &= other;
    }
}

pub(super) fn is_nothing(lanes: &[u64]) -> bool {
    lanes.iter().all(|&word| word == 0)
}
