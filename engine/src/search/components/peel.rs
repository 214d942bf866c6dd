//! States that lead into no cycle, and states that no cycle leads to (Kahn's order, from both
//! ends): with queues, so that the rows that come next are known and asked for.

use super::queue::Queue;
use super::{Linked, Numbers};
use crate::budget::{Budget, Stop};
use crate::search::view::Topology;

/// What peeling leaves: the links of each state that are left, out and in, and the sources in
/// order. What was peeled off has none in one of the two, or more than a state can have.
pub(super) struct Peeled {
    n_out: Vec<u32>,
    n_in: Vec<u32>,
    pub(super) sources: Vec<u32>,
}

/// More links than a state has.
const DONE: u32 = u32::MAX;
/// As many links as a state may have; what is done counts down and never gets there.
const MOST_LINKS: u32 = u32::MAX / 2;

impl Peeled {
    /// Numbers what leads to nothing but numbered states, sinks first, and then finds what only
    /// sources lead to.
    pub(super) fn new<T: Topology>(
        linked: &Linked<'_, T>,
        numbers: &mut Numbers,
        budget: &Budget,
    ) -> Result<Self, Stop> {
        let states = 0..linked.graph.n_states() as u32;
        let mut n_out: Vec<u32> = states.map(|state| linked.n_out(state)).collect();
        for sink in peel::<T, true>(linked, &mut n_out, budget)? {
            numbers.number(&[sink]);
        }
        // Nothing that has a number leads to what has none.
        let mut n_in = vec![DONE; linked.graph.n_states()];
        for state in numbers.left() {
            n_in[state as usize] = linked.n_in(state);
        }
        let sources = peel::<T, false>(linked, &mut n_in, budget)?;
        Ok(Self {
            n_out,
            n_in,
            sources,
        })
    }

    /// Of what is left, the state with most ways through it; `None` if nothing is left.
    pub(super) fn busiest(&self) -> Option<u32> {
        let links = (0..).zip(self.n_out.iter().zip(&self.n_in));
        let left = links.filter(|&(_, (&n_out, &n_in))| n_out.max(n_in) <= MOST_LINKS);
        let busiest = left.max_by_key(|&(_, (&n_out, &n_in))| u64::from(n_out) * u64::from(n_in));
        Some(busiest?.0)
    }
}

/// Takes states off by which nothing is held back any more, and looks at what they held back:
/// with `BACK` what leads to them, else what they lead to. `n_left` says how many links each state
/// waits for; a link to itself is none of them.
fn peel<T: Topology, const BACK: bool>(
    linked: &Linked<'_, T>,
    n_left: &mut [u32],
    budget: &Budget,
) -> Result<Vec<u32>, Stop> {
    let mut queue = Queue::new(n_left.len());
    for (state, &n_left) in (0..).zip(&*n_left) {
        queue.push_if(state, n_left == 0);
    }
    queue.in_turn::<T, BACK>(linked, budget, |other| {
        let left = &mut n_left[other as usize];
        // A link of a state to itself comes when it waits for none: it is never found twice.
        *left = left.wrapping_sub(1);
        *left == 0
    })
}
