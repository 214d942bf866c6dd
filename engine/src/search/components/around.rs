//! The component around one state, with queues.

use super::queue::Queue;
use super::{Linked, Numbers};
use crate::bits::Bits;
use crate::budget::{Budget, Stop};
use crate::search::view::Topology;

/// The component around a state, and what else the state reaches.
pub(super) struct Around {
    reached: Vec<u32>,
    /// The component.
    pub(super) members: Vec<u32>,
    is_member: Bits,
}

impl Around {
    pub(super) fn new<T: Topology>(
        linked: &Linked<'_, T>,
        numbers: &Numbers,
        pivot: u32,
        budget: &Budget,
    ) -> Result<Self, Stop> {
        let n_states = numbers.of_state.len();
        let mut open = Bits::of(n_states, numbers.left());
        let reached = spread::<T, false>(linked, pivot, &mut open, budget)?;
        // Back over nothing but what was reached: that is the component.
        let mut open = Bits::of(n_states, reached.iter().copied());
        let members = spread::<T, true>(linked, pivot, &mut open, budget)?;
        Ok(Self {
            is_member: Bits::of(n_states, members.iter().copied()),
            reached,
            members,
        })
    }

    /// What is reached and not of the component.
    pub(super) fn behind(&self) -> impl Iterator<Item = u32> + '_ {
        let reached = self.reached.iter().copied();
        reached.filter(|&state| !self.is_member.contains(state))
    }
}

/// What `start` reaches over `open` states, or with `BACK` is reached from; itself first. What is
/// found is open no longer.
fn spread<T: Topology, const BACK: bool>(
    linked: &Linked<'_, T>,
    start: u32,
    open: &mut Bits,
    budget: &Budget,
) -> Result<Vec<u32>, Stop> {
    let mut queue = Queue::new(linked.graph.n_states());
    open.remove(start);
    queue.push_if(start, true);
    queue.in_turn::<T, BACK>(linked, budget, |end| open.take(end))
}
