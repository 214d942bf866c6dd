//! A fixed set of dense ids, one bit each: what searches mark as seen, forbidden or held.

/// A set of ids `0..len`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bits {
    words: Vec<u64>,
    len: usize,
}

impl Bits {
    /// The empty set over ids `0..len`.
    pub fn new(len: usize) -> Self {
        Self {
            words: vec![0; len.div_ceil(64)],
            len,
        }
    }

    /// The set of these ids over `0..len`; ids beyond are left out.
    pub fn of(len: usize, ids: impl IntoIterator<Item = u32>) -> Self {
        let mut bits = Self::new(len);
        for id in ids {
            if (id as usize) < len {
                bits.insert(id);
            }
        }
        bits
    }

    /// How many ids the set could hold.
    pub fn capacity(&self) -> usize {
        self.len
    }

    /// Whether the id is in the set; an id outside the range never is.
    #[inline]
    pub fn contains(&self, id: u32) -> bool {
        self.words
            .get(id as usize / 64)
            .is_some_and(|word| word >> (id % 64) & 1 == 1)
    }

    /// Puts the id in; true if it was not there.
    #[inline]
    pub fn insert(&mut self, id: u32) -> bool {
        debug_assert!((id as usize) < self.len);
        let word = &mut self.words[id as usize / 64];
        let before = *word;
        *word |= 1 << (id % 64);
        before != *word
    }

    /// The ids of the set within a range, ascending.
    pub fn iter_in(&self, range: std::ops::Range<u32>) -> impl Iterator<Item = u32> + '_ {
        let words = range.start / 64..range.end.min(self.len as u32).div_ceil(64);
        words.flat_map(move |word| {
            let mut rest = self.words[word as usize];
            let range = range.clone();
            std::iter::from_fn(move || {
                while rest != 0 {
                    let id = word * 64 + rest.trailing_zeros();
                    rest &= rest - 1;
                    if range.contains(&id) {
                        return Some(id);
                    }
                }
                None
            })
        })
    }

    /// Takes the id out.
    #[inline]
    pub fn remove(&mut self, id: u32) {
        if let Some(word) = self.words.get_mut(id as usize / 64) {
            *word &= !(1 << (id % 64));
        }
    }

    /// Takes the id out; true if it was there.
    #[inline]
    pub fn take(&mut self, id: u32) -> bool {
        let Some(word) = self.words.get_mut(id as usize / 64) else {
            return false;
        };
        let before = *word;
        *word &= !(1 << (id % 64));
        before != *word
    }

    /// How many ids are in the set.
    pub fn count(&self) -> usize {
        self.words
            .iter()
            .map(|word| word.count_ones() as usize)
            .sum()
    }

    /// Whether no id is in the set.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|&word| word == 0)
    }

    /// The ids in the set, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        ones(&self.words)
    }
}

/// The places of the bits that are set, ascending; the lowest bit of the first word is 0.
pub(crate) fn ones(words: &[u64]) -> impl Iterator<Item = u32> + '_ {
    (0u32..).zip(words).flat_map(|(idx, &word)| {
        let mut rest = word;
        std::iter::from_fn(move || {
            let bit = (rest != 0).then(|| rest.trailing_zeros())?;
            rest &= rest - 1;
            Some(idx * 64 + bit)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out_in_order() {
        let mut bits = Bits::of(200, [199, 0, 64, 63, 64, 500]);
        assert_eq!(bits.iter().collect::<Vec<_>>(), [0, 63, 64, 199]);
        assert_eq!((bits.count(), bits.is_empty()), (4, false));
        assert!(!bits.insert(63));
        bits.remove(63);
        bits.remove(5000);
        assert!(!bits.contains(63) && !bits.contains(5000) && bits.contains(64));
        assert!(bits.insert(63));
        assert!(bits.take(63) && !bits.take(63) && !bits.take(5000));
    }
}
