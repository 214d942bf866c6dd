//! The links that are there now, and the parts of the graph that hang together by them.

use rustc_hash::{FxHashMap, FxHashSet};

use super::super::components::Components;
use super::super::topology::{StateId, StepGraph, StepId};
use crate::bits::Bits;

/// The links between states that the parts are made of.
#[derive(Debug)]
pub(super) struct LinksNow<'g> {
    pub(super) graph: &'g StepGraph,
    /// Steps of the graph that are not among the links.
    pub(super) gone: Bits,
    /// All that was ever added, by id less the number of steps of the graph.
    pub(super) added: Vec<(u32, u32)>,
    /// Which of those are not among the links.
    pub(super) added_gone: FxHashSet<u32>,
    pub(super) added_out: FxHashMap<u32, Vec<u32>>,
    pub(super) added_in: FxHashMap<u32, Vec<u32>>,
}

impl LinksNow<'_> {
    /// Premise and gain of a step.
    pub(super) fn ends(&self, step: u32) -> (u32, u32) {
        match (step as usize).checked_sub(self.graph.n_steps()) {
            Some(added) => self.added[added],
            None => {
                let id = StepId(step);
                (self.graph.main_premise(id).0, self.graph.gain(id).0)
            }
        }
    }

    pub(super) fn n_steps(&self) -> usize {
        self.graph.n_steps() + self.added.len()
    }

    pub(super) fn holds(&self, step: u32) -> bool {
        if (step as usize) < self.graph.n_steps() {
            !self.gone.contains(step)
        } else {
            !self.added_gone.contains(&step)
        }
    }

    pub(super) fn take(&mut self, step: u32) {
        if (step as usize) < self.graph.n_steps() {
            self.gone.insert(step);
            return;
        }
        self.added_gone.insert(step);
        let (from, to) = self.ends(step);
        for (map, key) in [(&mut self.added_out, from), (&mut self.added_in, to)] {
            if let Some(steps) = map.get_mut(&key) {
                steps.retain(|&other| other != step);
            }
        }
    }

    pub(super) fn put(&mut self, step: u32) {
        if (step as usize) < self.graph.n_steps() {
            self.gone.remove(step);
            return;
        }
        self.added_gone.remove(&step);
        let (from, to) = self.ends(step);
        self.added_out.entry(from).or_default().push(step);
        self.added_in.entry(to).or_default().push(step);
    }

    /// Where links lead from this state.
    pub(super) fn gains_of(&self, state: u32) -> impl Iterator<Item = u32> + '_ {
        let range = self.graph.out_range(state);
        let first = range.start as u32;
        let single = self.graph.out_arcs()[range]
            .iter()
            .zip(first..)
            .filter(|&(_, step)| !self.gone.contains(step))
            .map(|(arc, _)| arc.gain);
        let first_and = self.graph.n_single_steps() as u32;
        let and = self
            .graph
            .and_out(state)
            .iter()
            .filter(move |&&and| {
                self.graph.and_premises(and).first() == Some(&state)
                    && !self.gone.contains(first_and + and)
            })
            .map(|&and| self.graph.and_arc(and).gain);
        let added = self.added_out.get(&state).into_iter().flatten();
        single
            .chain(and)
            .chain(added.map(|&step| self.ends(step).1))
    }

    /// Where links come from to this state.
    pub(super) fn premises_of(&self, state: u32) -> impl Iterator<Item = u32> + '_ {
        let single = self
            .graph
            .in_row(state)
            .iter()
            .filter(|back| !self.gone.contains(back.step))
            .map(|back| back.source);
        let first_and = self.graph.n_single_steps() as u32;
        let and = self
            .graph
            .and_in(state)
            .iter()
            .filter(move |&&and| !self.gone.contains(first_and + and))
            .filter_map(|&and| self.graph.and_premises(and).first().copied());
        let added = self.added_in.get(&state).into_iter().flatten();
        single
            .chain(and)
            .chain(added.map(|&step| self.ends(step).0))
    }
}

/// The components of the links, some of them fallen into parts since they were found.
#[derive(Debug)]
pub(super) struct Parts {
    found: Components,
    pub(super) of: Vec<u32>,
    /// Links lead to a part of a lower rank, or to another part of what was one component.
    pub(super) ranks: Vec<u32>,
    /// States of the parts behind the components that were found.
    pub(super) split: Vec<Vec<u32>>,
}

impl Parts {
    pub(super) fn new(found: Components) -> Self {
        let of = (0..found.n_states() as u32)
            .map(|state| found.of(StateId(state)))
            .collect();
        let ranks = (0..found.n_components() as u32).collect();
        Self {
            found,
            of,
            ranks,
            split: Vec::new(),
        }
    }

    pub(super) fn states(&self, part: u32) -> impl Iterator<Item = u32> + '_ {
        let listed = match (part as usize).checked_sub(self.found.n_components()) {
            Some(split) => self.split[split].as_slice(),
            None => self.found.row(part),
        };
        // States that were split off are still listed where they were found.
        listed
            .iter()
            .copied()
            .filter(move |&state| self.of[state as usize] == part)
    }
}
