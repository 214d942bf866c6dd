//! The attack graph as searches see it: states, steps, costs, and nothing else.
//!
//! A step has one or more premises (states that the attacker must hold, **all** of them), one
//! gained state and a cost. A step with several premises is an AND step, a hyperedge.
//!
//! ```
//! use foothold_engine::search::{StateId, StepGraphBuilder};
//!
//! let mut builder = StepGraphBuilder::new(3);
//! builder.step(&[StateId(0)], StateId(1), 10)?;
//! builder.step(&[StateId(0), StateId(1)], StateId(2), 5)?;
//! let (graph, order) = builder.finish();
//! assert_eq!(graph.n_steps(), 2);
//! assert_eq!(order, [0, 1]); // step ids in terms of insertions
//! # Ok::<(), foothold_engine::search::TopologyError>(())
//! ```
//!
//! Memory: 16 bytes for each step with one premise (gain and cost in the forward row, source and
//! step in the reverse row) and 8 bytes for each state. AND steps are few and lie apart, so that
//! the rows of the others need no test for them.

mod builder;

pub use builder::StepGraphBuilder;

use super::view::Soon;
use crate::memory::prefetch;
use crate::score::cost::{Cost, MAX_STEP_COST};

/// A state of one attack graph: something the attacker may hold. Dense from 0.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct StateId(pub u32);

/// A step of one attack graph. Dense from 0; AND steps have the highest ids.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct StepId(pub u32);

impl StateId {
    /// The id as an index.
    pub fn idx(self) -> usize {
        self.0 as usize
    }
}

impl StepId {
    /// The id as an index.
    pub fn idx(self) -> usize {
        self.0 as usize
    }
}

/// Errors raised while building a [`StepGraph`]; each is a bug of the caller, none of the user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TopologyError {
    /// A step needs something to start from; let a start state be its premise.
    #[error("a step has no premise")]
    NoPremise,
    /// A premise or gain lies outside the states that the builder was made for.
    #[error("state {state} does not exist, there are {n_states}")]
    UnknownState {
        /// The id that was given.
        state: u32,
        /// How many states there are.
        n_states: u32,
    },
    /// Ids are 32 bits wide with two values kept back.
    #[error("more than 2^32 - 2 steps or premises")]
    TooMany,
}

/// One end of a forward row: what a step gains and costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arc {
    pub(crate) gain: u32,
    pub(crate) cost: Cost,
}

/// One end of a reverse row: the premise of a step, and the step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BackArc {
    pub(crate) source: u32,
    pub(crate) step: u32,
}

/// The topology of one attack graph. Never changes; shared freely between threads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepGraph {
    n_states: u32,
    /// Steps of state `s` are `out_offsets[s]..out_offsets[s + 1]`; the position is the step's id.
    out_offsets: Vec<u32>,
    out_arcs: Vec<Arc>,
    in_offsets: Vec<u32>,
    in_arcs: Vec<BackArc>,
    /// Whether some step with one premise gains that premise.
    has_loops: bool,
    and: AndSteps,
}

/// The AND steps; index `i` here is step `n_single_steps + i`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct AndSteps {
    arcs: Vec<Arc>,
    premise_offsets: Vec<u32>,
    premises: Vec<u32>,
    /// For each state the AND steps that it is a premise of; both empty without AND steps.
    out_offsets: Vec<u32>,
    out: Vec<u32>,
    /// For each state the AND steps that gain it; both empty without AND steps.
    in_offsets: Vec<u32>,
    in_: Vec<u32>,
}

impl StepGraph {
    /// Gives a step another cost; it keeps its place.
    pub(crate) fn set_cost(&mut self, step: StepId, cost: Cost) {
        let n_singles = self.out_arcs.len();
        let arc = match step.idx().checked_sub(n_singles) {
            None => &mut self.out_arcs[step.idx()],
            Some(at) => &mut self.and.arcs[at],
        };
        arc.cost = cost.min(MAX_STEP_COST);
    }

    /// How many states there are, reachable or not.
    pub fn n_states(&self) -> usize {
        self.n_states as usize
    }

    /// How many steps there are, AND steps included.
    pub fn n_steps(&self) -> usize {
        self.out_arcs.len() + self.and.arcs.len()
    }

    /// How many steps have one premise; their ids come first.
    pub fn n_single_steps(&self) -> usize {
        self.out_arcs.len()
    }

    /// How many steps have two or more premises.
    pub fn n_and_steps(&self) -> usize {
        self.and.arcs.len()
    }

    /// Every state.
    pub fn states(&self) -> impl ExactSizeIterator<Item = StateId> + use<> {
        (0..self.n_states).map(StateId)
    }

    /// Every step.
    pub fn steps(&self) -> impl ExactSizeIterator<Item = StepId> + use<> {
        (0..self.n_steps() as u32).map(StepId)
    }

    /// What the step gains. O(1).
    pub fn gain(&self, step: StepId) -> StateId {
        StateId(self.arc(step).gain)
    }

    /// What the step costs. O(1).
    pub fn cost(&self, step: StepId) -> Cost {
        self.arc(step).cost
    }

    /// Whether the step has more than one premise.
    pub fn is_and(&self, step: StepId) -> bool {
        step.idx() >= self.out_arcs.len()
    }

    /// The first premise the rule named: the one that a path's chain runs through.
    ///
    /// O(log states) for a step with one premise, O(1) for an AND step.
    pub fn main_premise(&self, step: StepId) -> StateId {
        if let Some(and) = step.idx().checked_sub(self.out_arcs.len()) {
            return StateId(self.and_premises(and as u32)[0]);
        }
        let rows_until = self.out_offsets.partition_point(|&offset| offset <= step.0);
        StateId(rows_until as u32 - 1)
    }

    /// All premises of the step, the main one first, the others in the order the rule named them.
    pub fn premises(&self, step: StepId) -> Premises<'_> {
        match step.idx().checked_sub(self.out_arcs.len()) {
            Some(and) => Premises::Many(self.and_premises(and as u32)),
            None => Premises::One(self.main_premise(step)),
        }
    }

    /// The steps with this state as their only premise: id, gain, cost; by gain.
    pub fn out_steps(
        &self,
        state: StateId,
    ) -> impl ExactSizeIterator<Item = (StepId, StateId, Cost)> {
        let range = self.out_range(state.0);
        let first = range.start as u32;
        self.out_arcs[range]
            .iter()
            .enumerate()
            .map(move |(place, arc)| (StepId(first + place as u32), StateId(arc.gain), arc.cost))
    }

    /// The steps with one premise that gain this state: id, premise, cost; by premise.
    pub fn in_steps(
        &self,
        state: StateId,
    ) -> impl ExactSizeIterator<Item = (StepId, StateId, Cost)> {
        self.in_row(state.0).iter().map(|back| {
            (
                StepId(back.step),
                StateId(back.source),
                self.out_arcs[back.step as usize].cost,
            )
        })
    }

    /// The AND steps that this state is a premise of, in order of id.
    pub fn out_and_steps(&self, state: StateId) -> impl ExactSizeIterator<Item = StepId> {
        let n_single = self.out_arcs.len() as u32;
        self.and_out(state.0)
            .iter()
            .map(move |and| StepId(n_single + and))
    }

    /// The AND steps that gain this state, in order of id.
    pub fn in_and_steps(&self, state: StateId) -> impl ExactSizeIterator<Item = StepId> {
        let n_single = self.out_arcs.len() as u32;
        self.and_in(state.0)
            .iter()
            .map(move |and| StepId(n_single + and))
    }

    /// The bytes that the rows occupy.
    pub fn memory_bytes(&self) -> usize {
        let words = self.out_offsets.len()
            + self.in_offsets.len()
            + self.and.premise_offsets.len()
            + self.and.premises.len()
            + self.and.out_offsets.len()
            + self.and.out.len()
            + self.and.in_offsets.len()
            + self.and.in_.len();
        4 * words + 8 * (self.out_arcs.len() + self.in_arcs.len() + self.and.arcs.len())
    }

    fn arc(&self, step: StepId) -> Arc {
        match step.idx().checked_sub(self.out_arcs.len()) {
            Some(and) => self.and_arc(and as u32),
            None => self.out_arcs()[step.idx()],
        }
    }

    #[inline]
    pub(crate) fn out_range(&self, state: u32) -> std::ops::Range<usize> {
        let state = state as usize;
        self.out_offsets[state] as usize..self.out_offsets[state + 1] as usize
    }

    /// The forward rows one after the other; the position is the step's id.
    #[inline]
    pub(crate) fn out_arcs(&self) -> &[Arc] {
        &self.out_arcs
    }

    #[inline]
    pub(crate) fn in_row(&self, state: u32) -> &[BackArc] {
        let state = state as usize;
        &self.in_arcs[self.in_offsets[state] as usize..self.in_offsets[state + 1] as usize]
    }

    /// Whether some step with one premise gains that premise.
    pub(super) fn has_loops(&self) -> bool {
        self.has_loops
    }

    #[inline]
    pub(super) fn prefetch_out(&self, state: u32, how_soon: Soon) {
        prefetch_row(&self.out_offsets, &self.out_arcs, state, how_soon);
    }

    #[inline]
    pub(super) fn prefetch_in(&self, state: u32, how_soon: Soon) {
        prefetch_row(&self.in_offsets, &self.in_arcs, state, how_soon);
    }

    #[inline]
    pub(crate) fn and_out(&self, state: u32) -> &[u32] {
        row(&self.and.out_offsets, &self.and.out, state)
    }

    #[inline]
    pub(crate) fn and_in(&self, state: u32) -> &[u32] {
        row(&self.and.in_offsets, &self.and.in_, state)
    }

    #[inline]
    pub(crate) fn and_arc(&self, and: u32) -> Arc {
        self.and.arcs[and as usize]
    }

    #[inline]
    pub(crate) fn and_premises(&self, and: u32) -> &[u32] {
        row(&self.and.premise_offsets, &self.and.premises, and)
    }
}

/// The place of a row first, then the lines that an average row has.
#[inline]
fn prefetch_row<T>(offsets: &[u32], entries: &[T], state: u32, how_soon: Soon) {
    match how_soon {
        Soon::Later => prefetch(offsets, state as usize),
        Soon::Next => {
            let start = offsets[state as usize] as usize;
            prefetch(entries, start);
            prefetch(entries, start + 64 / size_of::<T>());
        }
    }
}

/// One row of compressed rows that are empty vectors when there is nothing in any row.
#[inline]
fn row<'a>(offsets: &[u32], entries: &'a [u32], idx: u32) -> &'a [u32] {
    if entries.is_empty() {
        return &[];
    }
    let idx = idx as usize;
    &entries[offsets[idx] as usize..offsets[idx + 1] as usize]
}

/// The premises of one step, the main one first.
#[derive(Clone, Copy, Debug)]
pub enum Premises<'a> {
    /// The only premise.
    One(StateId),
    /// Two or more, as raw ids.
    Many(&'a [u32]),
}

impl Premises<'_> {
    /// How many there are, at least one.
    #[allow(clippy::len_without_is_empty, reason = "there is always a premise")]
    pub fn len(self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Many(premises) => premises.len(),
        }
    }

    /// The premise at this place; the main one is at 0.
    pub fn get(self, place: usize) -> Option<StateId> {
        match self {
            Self::One(premise) => (place == 0).then_some(premise),
            Self::Many(premises) => premises.get(place).map(|&premise| StateId(premise)),
        }
    }
}

impl<'a> IntoIterator for Premises<'a> {
    type Item = StateId;
    type IntoIter = PremisesIter<'a>;

    fn into_iter(self) -> PremisesIter<'a> {
        PremisesIter {
            premises: self,
            place: 0,
        }
    }
}

/// Iterates over [`Premises`].
#[derive(Clone, Debug)]
pub struct PremisesIter<'a> {
    premises: Premises<'a>,
    place: usize,
}

impl Iterator for PremisesIter<'_> {
    type Item = StateId;

    fn next(&mut self) -> Option<StateId> {
        let premise = self.premises.get(self.place)?;
        self.place += 1;
        Some(premise)
    }
}

/// Where the run of each key starts, and one more offset for the end.
pub(crate) fn offsets_of(n_keys: usize, keys: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut offsets = vec![0u32; n_keys + 1];
    for key in keys {
        offsets[key as usize + 1] += 1;
    }
    for idx in 0..n_keys {
        offsets[idx + 1] += offsets[idx];
    }
    offsets
}

/// Undoes the advance of a filling pass, after which each offset stands at its run's end.
pub(crate) fn shift_back(offsets: &mut [u32]) {
    let last = offsets.len() - 1;
    offsets.copy_within(0..last, 1);
    offsets[0] = 0;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::cost::MAX_STEP_COST;

    fn states(ids: &[u32]) -> Vec<StateId> {
        ids.iter().map(|&id| StateId(id)).collect()
    }

    #[test]
    fn rows_agree_with_what_was_inserted() {
        let inserted: [(&[u32], u32, u32); 8] = [
            (&[3], 1, 7),
            (&[0], 2, 5),
            (&[0, 3], 4, 9),
            (&[0], 1, 5),
            (&[0], 2, 4),
            (&[4, 0, 4, 1], 2, 1),
            (&[1, 1], 1, 2),
            (&[2], 0, u32::MAX),
        ];
        let mut builder = StepGraphBuilder::new(6);
        for (premises, gain, cost) in inserted {
            builder
                .step(&states(premises), StateId(gain), cost)
                .unwrap();
        }
        let (graph, order) = builder.finish();
        assert_eq!(order, [3, 1, 4, 6, 7, 0, 2, 5]);
        assert_eq!(
            (graph.n_states(), graph.n_steps(), graph.n_and_steps()),
            (6, 8, 2)
        );
        for (step, &insertion) in graph.steps().zip(&order) {
            let (premises, gain, cost) = inserted[insertion as usize];
            let mut expected = states(premises);
            let mut seen = Vec::new();
            expected.retain(|premise| {
                !seen.contains(premise) && {
                    seen.push(*premise);
                    true
                }
            });
            assert_eq!(
                graph.premises(step).into_iter().collect::<Vec<_>>(),
                expected
            );
            assert_eq!(graph.premises(step).len(), expected.len());
            assert_eq!(graph.main_premise(step), expected[0]);
            assert_eq!(graph.gain(step), StateId(gain));
            assert_eq!(graph.cost(step), cost.min(MAX_STEP_COST));
            assert_eq!(graph.is_and(step), expected.len() > 1);
            if graph.is_and(step) {
                assert!(graph.in_and_steps(StateId(gain)).any(|other| other == step));
                for premise in expected {
                    assert!(graph.out_and_steps(premise).any(|other| other == step));
                }
            } else {
                let out: Vec<_> = graph.out_steps(expected[0]).collect();
                assert!(out.contains(&(step, StateId(gain), graph.cost(step))));
                let back: Vec<_> = graph.in_steps(StateId(gain)).collect();
                assert!(back.contains(&(step, expected[0], graph.cost(step))));
            }
        }
        let n_out: usize = graph
            .states()
            .map(|state| graph.out_steps(state).len())
            .sum();
        let n_in: usize = graph
            .states()
            .map(|state| graph.in_steps(state).len())
            .sum();
        assert_eq!((n_out, n_in), (6, 6));
        let n_and_out: usize = graph
            .states()
            .map(|state| graph.out_and_steps(state).len())
            .sum();
        assert_eq!(n_and_out, 5);
    }

    #[test]
    fn wrong_steps_are_refused_and_leave_no_trace() {
        let mut builder = StepGraphBuilder::new(2);
        assert_eq!(
            builder.step(&[], StateId(0), 1),
            Err(TopologyError::NoPremise)
        );
        let unknown = TopologyError::UnknownState {
            state: 2,
            n_states: 2,
        };
        assert_eq!(
            builder.step(&states(&[2]), StateId(0), 1),
            Err(unknown.clone())
        );
        assert_eq!(builder.step(&states(&[0]), StateId(2), 1), Err(unknown));
        assert_eq!(builder.step(&states(&[0]), StateId(1), 1), Ok(0));
        assert_eq!(builder.finish().0.n_steps(), 1);
    }

    #[test]
    fn a_step_with_one_premise_takes_16_bytes() {
        let mut builder = StepGraphBuilder::new(2);
        for _ in 0..1000 {
            builder.step(&states(&[0]), StateId(1), 1).unwrap();
        }
        let graph = builder.finish().0;
        assert_eq!(graph.memory_bytes(), 16 * 1000 + 2 * 4 * 3);
    }

    #[test]
    fn no_states_no_rows() {
        let (graph, order) = StepGraphBuilder::new(0).finish();
        assert_eq!((graph.n_states(), graph.n_steps(), order.len()), (0, 0, 0));
        assert_eq!(graph.states().len() + graph.steps().len(), 0);
    }
}
