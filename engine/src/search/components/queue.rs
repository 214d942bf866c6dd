//! The order in which states come to their turn.

use super::Linked;
use crate::budget::{Budget, CHECK_EVERY, Stop};
use crate::search::view::{Soon, Topology};

/// So many states ahead of its turn a row is asked for: a turn is short here.
const AHEAD: usize = 32;

/// States in the order found, each at most once, with a cursor.
pub(super) struct Queue {
    /// One place more than there are states.
    places: Vec<u32>,
    n_found: usize,
    next: usize,
}

impl Queue {
    pub(super) fn new(n_states: usize) -> Self {
        Self {
            places: vec![0; n_states + 1],
            n_found: 0,
            next: 0,
        }
    }

    /// Puts the state at the end if it is wanted. Whether it is is as good as random, so nothing
    /// branches on it: it is written down, and stays if the place is counted.
    #[inline]
    pub(super) fn push_if(&mut self, state: u32, is_wanted: bool) {
        if let Some(place) = self.places.get_mut(self.n_found) {
            *place = state;
        }
        self.n_found += usize::from(is_wanted);
    }

    /// The next state; the rows of those after it are asked for, with `BACK` the rows into them.
    #[inline]
    fn next<T: Topology, const BACK: bool>(&mut self, linked: &Linked<'_, T>) -> Option<u32> {
        let found = self.places.get(..self.n_found)?;
        let state = *found.get(self.next)?;
        let expect = |ahead, soon| {
            let Some(&state) = found.get(self.next + ahead) else {
                return;
            };
            if BACK {
                linked.graph.expect_in(state, soon);
            } else {
                linked.graph.expect_out(state, soon);
            }
        };
        expect(AHEAD, Soon::Later);
        expect(AHEAD / 2, Soon::Next);
        self.next += 1;
        Some(state)
    }

    /// Gives every state its turn, those found meanwhile too, and returns all in order. `is_next`
    /// sees the other end of each link out of a state, with `BACK` into it, and says whether that
    /// end is found now.
    pub(super) fn in_turn<T: Topology, const BACK: bool>(
        mut self,
        linked: &Linked<'_, T>,
        budget: &Budget,
        mut is_next: impl FnMut(u32) -> bool,
    ) -> Result<Vec<u32>, Stop> {
        let mut n_expanded = 0;
        while let Some(state) = self.next::<T, BACK>(linked) {
            let visit = |other| {
                n_expanded += 1;
                let is_found = is_next(other);
                self.push_if(other, is_found);
            };
            if BACK {
                linked.each_in(state, visit);
            } else {
                linked.each_out(state, visit);
            }
            if n_expanded >= CHECK_EVERY {
                budget.expand(std::mem::take(&mut n_expanded))?;
            }
        }
        budget.expand(n_expanded)?;
        self.places.truncate(self.n_found);
        Ok(self.places)
    }
}
