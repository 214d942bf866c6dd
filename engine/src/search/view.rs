//! What a search walks: the graph itself, or the graph seen through a filter and an overlay.

#![allow(
    clippy::inline_always,
    reason = "the rows of the plain graph are the inside of every loop there is"
)]

use super::topology::{StateId, StepGraph, StepGraphBuilder, StepId, TopologyError};
use crate::bits::Bits;
use crate::score::cost::Cost;

/// An AND step as searches see it.
#[derive(Clone, Copy, Debug)]
pub struct AndStep<'a> {
    /// Its place among the AND steps, below [`Topology::n_and_steps`].
    pub and: u32,
    /// Its id.
    pub step: u32,
    /// Its premises, the main one first; all must hold.
    pub premises: &'a [u32],
    /// What it gains.
    pub gain: u32,
    /// What it costs.
    pub cost: Cost,
}

/// States and steps to search over.
///
/// Implemented by [`StepGraph`] (nothing to test in the inner loops) and by [`View`]; every search
/// takes either. Ids are raw here: this is the inside of the searches.
pub trait Topology: Sync {
    /// States are `0..n_states`.
    fn n_states(&self) -> usize;
    /// Step ids are below this.
    fn n_steps(&self) -> usize;
    /// The `and` numbers of AND steps are below this.
    fn n_and_steps(&self) -> usize;
    /// Whether the state may be used at all.
    fn has_state(&self, state: u32) -> bool;
    /// Whether the step may be used at all.
    fn has_step(&self, step: u32) -> bool;
    /// Says that the steps out of this state will be visited after a few others. A hint.
    fn expect_out(&self, _state: u32, _how_soon: Soon) {}
    /// Says that the steps into this state will be visited after a few others. A hint.
    fn expect_in(&self, _state: u32, _how_soon: Soon) {}
    /// Calls `visit(step, gain, cost)` for each step with this state as its only premise.
    fn each_out(&self, state: u32, visit: impl FnMut(u32, u32, Cost));
    /// Calls `visit(step, premise, cost)` for each step with one premise that gains this state.
    fn each_in(&self, state: u32, visit: impl FnMut(u32, u32, Cost));
    /// How many of the steps of [`Topology::each_out`] gain another state.
    fn n_out(&self, state: u32) -> u32 {
        let mut n_steps = 0;
        self.each_out(state, |_, gain, _| n_steps += u32::from(gain != state));
        n_steps
    }
    /// How many of the steps of [`Topology::each_in`] start from another state.
    fn n_in(&self, state: u32) -> u32 {
        let mut n_steps = 0;
        self.each_in(state, |_, premise, _| {
            n_steps += u32::from(premise != state);
        });
        n_steps
    }
    /// The next gain of a state's row that is wanted; the cursor starts at 0, and stands behind
    /// what was found afterwards. `wanted` sees each gain before it, in order and once.
    fn find_out(
        &self,
        state: u32,
        cursor: &mut u32,
        wanted: impl FnMut(u32) -> bool,
    ) -> Option<u32>;
    /// Visits each AND step that the state is a premise of.
    fn each_and_out<'a>(&'a self, state: u32, visit: impl FnMut(AndStep<'a>));
    /// Visits each AND step that gains the state.
    fn each_and_in<'a>(&'a self, state: u32, visit: impl FnMut(AndStep<'a>));
    /// Visits every AND step.
    fn each_and<'a>(&'a self, visit: impl FnMut(AndStep<'a>));
    /// What a step needs, gains and costs. O(log states).
    fn step(&self, step: StepId) -> StepParts;
}

/// How far ahead of its visit a row is announced: first where it lies, then what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Soon {
    /// After a few others.
    Later,
    /// After one or two, and announced before.
    Next,
}

/// One step taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepParts {
    /// All premises, the main one first.
    pub premises: Vec<StateId>,
    /// The gained state.
    pub gain: StateId,
    /// The cost.
    pub cost: Cost,
}

impl StepGraph {
    fn and_step(&self, and: u32) -> AndStep<'_> {
        let arc = self.and_arc(and);
        AndStep {
            and,
            step: self.n_single_steps() as u32 + and,
            premises: self.and_premises(and),
            gain: arc.gain,
            cost: arc.cost,
        }
    }
}

impl Topology for StepGraph {
    #[inline]
    fn n_states(&self) -> usize {
        self.n_states()
    }

    #[inline]
    fn n_steps(&self) -> usize {
        self.n_steps()
    }

    #[inline]
    fn n_and_steps(&self) -> usize {
        self.n_and_steps()
    }

    #[inline]
    fn has_state(&self, state: u32) -> bool {
        (state as usize) < self.n_states()
    }

    #[inline]
    fn has_step(&self, step: u32) -> bool {
        (step as usize) < self.n_steps()
    }

    #[inline(always)]
    fn expect_out(&self, state: u32, how_soon: Soon) {
        self.prefetch_out(state, how_soon);
    }

    #[inline(always)]
    fn expect_in(&self, state: u32, how_soon: Soon) {
        self.prefetch_in(state, how_soon);
    }

    #[inline(always)]
    fn each_out(&self, state: u32, mut visit: impl FnMut(u32, u32, Cost)) {
        let range = self.out_range(state);
        let first = range.start as u32;
        for (arc, step) in self.out_arcs()[range].iter().zip(first..) {
            visit(step, arc.gain, arc.cost);
        }
    }

    #[inline(always)]
    fn each_in(&self, state: u32, mut visit: impl FnMut(u32, u32, Cost)) {
        let arcs = self.out_arcs();
        for back in self.in_row(state) {
            visit(back.step, back.source, arcs[back.step as usize].cost);
        }
    }

    #[inline]
    fn n_out(&self, state: u32) -> u32 {
        let row = &self.out_arcs()[self.out_range(state)];
        if self.has_loops() {
            return row.iter().filter(|arc| arc.gain != state).count() as u32;
        }
        row.len() as u32
    }

    #[inline]
    fn n_in(&self, state: u32) -> u32 {
        let row = self.in_row(state);
        if self.has_loops() {
            return row.iter().filter(|back| back.source != state).count() as u32;
        }
        row.len() as u32
    }

    #[inline(always)]
    fn find_out(
        &self,
        state: u32,
        cursor: &mut u32,
        mut wanted: impl FnMut(u32) -> bool,
    ) -> Option<u32> {
        let row = &self.out_arcs()[self.out_range(state)];
        for arc in row.get(*cursor as usize..).unwrap_or_default() {
            *cursor += 1;
            if wanted(arc.gain) {
                return Some(arc.gain);
            }
        }
        None
    }

    #[inline]
    fn each_and_out<'a>(&'a self, state: u32, mut visit: impl FnMut(AndStep<'a>)) {
        for &and in self.and_out(state) {
            visit(self.and_step(and));
        }
    }

    #[inline]
    fn each_and_in<'a>(&'a self, state: u32, mut visit: impl FnMut(AndStep<'a>)) {
        for &and in self.and_in(state) {
            visit(self.and_step(and));
        }
    }

    fn each_and<'a>(&'a self, mut visit: impl FnMut(AndStep<'a>)) {
        for and in 0..self.n_and_steps() as u32 {
            visit(self.and_step(and));
        }
    }

    fn step(&self, step: StepId) -> StepParts {
        StepParts {
            premises: self.premises(step).into_iter().collect(),
            gain: self.gain(step),
            cost: self.cost(step),
        }
    }
}

/// Steps and states that a what-if adds to a graph. The ids go on where the graph's end.
#[derive(Clone, Debug)]
pub struct Additions {
    /// Over all states, the graph's and the new ones.
    steps: StepGraph,
}

impl Additions {
    /// Additions to `graph`: so many new states, and steps over old and new ones.
    ///
    /// Each step is its premises (the main one first), its gain and its cost. Also returns, in
    /// terms of the order given, where each added step went: added step `i` has the id
    /// `graph.n_steps() + i`. O(states) to set up, nothing of the graph is copied.
    pub fn new<'s>(
        graph: &StepGraph,
        n_new_states: u32,
        steps: impl IntoIterator<Item = (&'s [StateId], StateId, Cost)>,
    ) -> Result<(Self, Vec<u32>), TopologyError> {
        let mut builder = StepGraphBuilder::new(graph.n_states() as u32 + n_new_states);
        for (premises, gain, cost) in steps {
            builder.step(premises, gain, cost)?;
        }
        let (steps, order) = builder.finish();
        Ok((Self { steps }, order))
    }
}

/// A graph seen through a filter and an overlay; nothing is copied.
///
/// The filter takes steps away (by rule, technique, confidence, fix: the caller marks them) and
/// states; the overlay adds steps and states. Searches on a view are exact for what it shows.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    graph: &'a StepGraph,
    without_steps: Option<&'a Bits>,
    without_states: Option<&'a Bits>,
    additions: Option<&'a Additions>,
}

impl<'a> View<'a> {
    /// The whole graph.
    pub fn new(graph: &'a StepGraph) -> Self {
        Self {
            graph,
            without_steps: None,
            without_states: None,
            additions: None,
        }
    }

    /// Hides these steps.
    #[must_use]
    pub fn without_steps(mut self, steps: &'a Bits) -> Self {
        self.without_steps = Some(steps);
        self
    }

    /// Hides these states and so every step that needs or gains one of them.
    #[must_use]
    pub fn without_states(mut self, states: &'a Bits) -> Self {
        self.without_states = Some(states);
        self
    }

    /// Shows these states and steps too.
    #[must_use]
    pub fn with(mut self, additions: &'a Additions) -> Self {
        self.additions = Some(additions);
        self
    }

    #[inline]
    fn shows_state(&self, state: u32) -> bool {
        self.without_states
            .is_none_or(|hidden| !hidden.contains(state))
    }

    #[inline]
    fn shows_step(&self, step: u32) -> bool {
        self.without_steps
            .is_none_or(|hidden| !hidden.contains(step))
    }

    fn shows_and(&self, and: &AndStep<'_>) -> bool {
        self.shows_step(and.step)
            && self.shows_state(and.gain)
            && and
                .premises
                .iter()
                .all(|&premise| self.shows_state(premise))
    }

    /// An AND step of the additions with the ids it has in this view.
    fn lifted<'b>(&self, and: AndStep<'b>) -> AndStep<'b> {
        AndStep {
            and: and.and + self.graph.n_and_steps() as u32,
            step: and.step + self.graph.n_steps() as u32,
            ..and
        }
    }
}

impl Topology for View<'_> {
    fn n_states(&self) -> usize {
        self.additions
            .map_or(self.graph.n_states(), |added| added.steps.n_states())
    }

    fn n_steps(&self) -> usize {
        self.graph.n_steps() + self.additions.map_or(0, |added| added.steps.n_steps())
    }

    fn n_and_steps(&self) -> usize {
        self.graph.n_and_steps() + self.additions.map_or(0, |added| added.steps.n_and_steps())
    }

    fn has_state(&self, state: u32) -> bool {
        (state as usize) < self.n_states() && self.shows_state(state)
    }

    fn has_step(&self, step: u32) -> bool {
        (step as usize) < self.n_steps() && self.shows_step(step)
    }

    #[inline]
    fn each_out(&self, state: u32, mut visit: impl FnMut(u32, u32, Cost)) {
        if !self.shows_state(state) {
            return;
        }
        if (state as usize) < self.graph.n_states() {
            self.graph.each_out(state, |step, gain, cost| {
                if self.shows_step(step) && self.shows_state(gain) {
                    visit(step, gain, cost);
                }
            });
        }
        if let Some(added) = self.additions {
            let first = self.graph.n_steps() as u32;
            added.steps.each_out(state, |step, gain, cost| {
                if self.shows_step(first + step) && self.shows_state(gain) {
                    visit(first + step, gain, cost);
                }
            });
        }
    }

    #[inline]
    fn each_in(&self, state: u32, mut visit: impl FnMut(u32, u32, Cost)) {
        if !self.shows_state(state) {
            return;
        }
        if (state as usize) < self.graph.n_states() {
            self.graph.each_in(state, |step, premise, cost| {
                if self.shows_step(step) && self.shows_state(premise) {
                    visit(step, premise, cost);
                }
            });
        }
        if let Some(added) = self.additions {
            let first = self.graph.n_steps() as u32;
            added.steps.each_in(state, |step, premise, cost| {
                if self.shows_step(first + step) && self.shows_state(premise) {
                    visit(first + step, premise, cost);
                }
            });
        }
    }

    #[inline]
    fn find_out(
        &self,
        state: u32,
        cursor: &mut u32,
        mut wanted: impl FnMut(u32) -> bool,
    ) -> Option<u32> {
        if !self.shows_state(state) {
            return None;
        }
        let mut row = 0..0;
        if (state as usize) < self.graph.n_states() {
            row = self.graph.out_range(state);
            let arcs = self.graph.out_arcs();
            while (*cursor as usize) < row.len() {
                let step = row.start + *cursor as usize;
                *cursor += 1;
                let gain = arcs[step].gain;
                if self.shows_step(step as u32) && self.shows_state(gain) && wanted(gain) {
                    return Some(gain);
                }
            }
        }
        let added = &self.additions?.steps;
        let n_base = row.len() as u32;
        let added_row = added.out_range(state);
        while ((*cursor - n_base) as usize) < added_row.len() {
            let step = added_row.start + (*cursor - n_base) as usize;
            *cursor += 1;
            let gain = added.out_arcs()[step].gain;
            let id = (self.graph.n_steps() + step) as u32;
            if self.shows_step(id) && self.shows_state(gain) && wanted(gain) {
                return Some(gain);
            }
        }
        None
    }

    fn each_and_out<'b>(&'b self, state: u32, mut visit: impl FnMut(AndStep<'b>)) {
        if (state as usize) < self.graph.n_states() {
            self.graph.each_and_out(state, |and| {
                if self.shows_and(&and) {
                    visit(and);
                }
            });
        }
        if let Some(added) = self.additions {
            added.steps.each_and_out(state, |and| {
                let and = self.lifted(and);
                if self.shows_and(&and) {
                    visit(and);
                }
            });
        }
    }

    fn each_and_in<'b>(&'b self, state: u32, mut visit: impl FnMut(AndStep<'b>)) {
        if (state as usize) < self.graph.n_states() {
            self.graph.each_and_in(state, |and| {
                if self.shows_and(&and) {
                    visit(and);
                }
            });
        }
        if let Some(added) = self.additions {
            added.steps.each_and_in(state, |and| {
                let and = self.lifted(and);
                if self.shows_and(&and) {
                    visit(and);
                }
            });
        }
    }

    fn each_and<'b>(&'b self, mut visit: impl FnMut(AndStep<'b>)) {
        self.graph.each_and(|and| {
            if self.shows_and(&and) {
                visit(and);
            }
        });
        if let Some(added) = self.additions {
            added.steps.each_and(|and| {
                let and = self.lifted(and);
                if self.shows_and(&and) {
                    visit(and);
                }
            });
        }
    }

    fn step(&self, step: StepId) -> StepParts {
        match (step.idx().checked_sub(self.graph.n_steps()), self.additions) {
            (Some(added_step), Some(added)) => added.steps.step(StepId(added_step as u32)),
            _ => self.graph.step(step),
        }
    }
}
