//! The steps as they are now, and what the cost of a state through one of them is.

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::super::topology::{StateId, StepGraph, StepId};
use crate::score::cost::{Cost, MAX_STEP_COST, UNREACHED};

/// The cost of a step that is not there.
pub(super) const ABSENT: Cost = UNREACHED;

/// Which way costs are summed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sense {
    /// From roots along steps: an AND step costs what all of its premises cost.
    From,
    /// Against steps towards roots: an AND step links its main premise with its gain.
    To,
}

/// What the cost of a state through one step depends on.
#[derive(Clone, Copy)]
pub(super) enum Tails<'a> {
    One(u32),
    Many(&'a [u32]),
}

impl Tails<'_> {
    pub(super) fn all(&self, mut holds: impl FnMut(u32) -> bool) -> bool {
        match self {
            Tails::One(tail) => holds(*tail),
            Tails::Many(tails) => tails.iter().all(|&tail| holds(tail)),
        }
    }
}

pub(super) struct Added {
    pub(super) premises: SmallVec<[u32; 2]>,
    pub(super) gain: u32,
}

/// The steps as they are now: those of a graph, some changed, and some more.
pub(super) struct Steps<'g> {
    pub(super) graph: &'g StepGraph,
    pub(super) sense: Sense,
    pub(super) costs: Vec<Cost>,
    pub(super) added: Vec<Added>,
    /// Added steps by the state whose cost they decide.
    pub(super) added_to: FxHashMap<u32, Vec<u32>>,
    /// Added steps by each state they depend on.
    pub(super) added_from: FxHashMap<u32, Vec<u32>>,
}

impl<'g> Steps<'g> {
    pub(super) fn new(graph: &'g StepGraph, sense: Sense) -> Self {
        Steps {
            graph,
            sense,
            costs: graph.steps().map(|step| graph.cost(step)).collect(),
            added: Vec::new(),
            added_to: FxHashMap::default(),
            added_from: FxHashMap::default(),
        }
    }

    pub(super) fn add(&mut self, premises: &[StateId], gain: StateId, cost: Cost) -> u32 {
        let step = self.costs.len() as u32;
        let mut own: SmallVec<[u32; 2]> = SmallVec::new();
        for premise in premises {
            if !own.contains(&premise.0) {
                own.push(premise.0);
            }
        }
        match self.sense {
            Sense::From => {
                for &premise in &own {
                    self.added_from.entry(premise).or_default().push(step);
                }
                self.added_to.entry(gain.0).or_default().push(step);
            }
            Sense::To => {
                self.added_from.entry(gain.0).or_default().push(step);
                self.added_to.entry(own[0]).or_default().push(step);
            }
        }
        self.added.push(Added {
            premises: own,
            gain: gain.0,
        });
        self.costs.push(cost.min(MAX_STEP_COST));
        step
    }

    pub(super) fn added(&self, step: u32) -> Option<&Added> {
        let at = (step as usize).checked_sub(self.graph.n_steps())?;
        self.added.get(at)
    }

    /// The state whose cost the step decides.
    pub(super) fn head(&self, step: u32) -> u32 {
        match (self.sense, self.added(step)) {
            (Sense::From, Some(added)) => added.gain,
            (Sense::To, Some(added)) => added.premises[0],
            (Sense::From, None) => self.graph.gain(StepId(step)).0,
            (Sense::To, None) => self.graph.main_premise(StepId(step)).0,
        }
    }

    pub(super) fn tails(&self, step: u32) -> Tails<'_> {
        match (self.sense, self.added(step)) {
            (Sense::From, Some(added)) => Tails::Many(&added.premises),
            (Sense::To, Some(added)) => Tails::One(added.gain),
            (Sense::To, None) => Tails::One(self.graph.gain(StepId(step)).0),
            (Sense::From, None) => match self.graph.premises(StepId(step)) {
                super::super::topology::Premises::One(state) => Tails::One(state.0),
                super::super::topology::Premises::Many(states) => Tails::Many(states),
            },
        }
    }

    /// Every step that decides the cost of `head`, with what it depends on.
    pub(super) fn each_to(&self, head: u32, mut visit: impl FnMut(u32, Tails<'_>)) {
        let n_single = self.graph.n_single_steps() as u32;
        match self.sense {
            Sense::From => {
                for back in self.graph.in_row(head) {
                    visit(back.step, Tails::One(back.source));
                }
                for &and in self.graph.and_in(head) {
                    visit(n_single + and, Tails::Many(self.graph.and_premises(and)));
                }
            }
            Sense::To => {
                let range = self.graph.out_range(head);
                for (step, arc) in (range.start as u32..).zip(&self.graph.out_arcs()[range]) {
                    visit(step, Tails::One(arc.gain));
                }
                for &and in self.graph.and_out(head) {
                    if self.graph.and_premises(and)[0] == head {
                        visit(n_single + and, Tails::One(self.graph.and_arc(and).gain));
                    }
                }
            }
        }
        if self.added.is_empty() {
            return;
        }
        for &step in self.added_to.get(&head).into_iter().flatten() {
            visit(step, self.tails(step));
        }
    }

    /// Every step that depends on the cost of `tail`, with the state whose cost it decides.
    pub(super) fn each_from(&self, tail: u32, mut visit: impl FnMut(u32, u32)) {
        let n_single = self.graph.n_single_steps() as u32;
        match self.sense {
            Sense::From => {
                let range = self.graph.out_range(tail);
                for (step, arc) in (range.start as u32..).zip(&self.graph.out_arcs()[range]) {
                    visit(step, arc.gain);
                }
                for &and in self.graph.and_out(tail) {
                    visit(n_single + and, self.graph.and_arc(and).gain);
                }
            }
            Sense::To => {
                for back in self.graph.in_row(tail) {
                    visit(back.step, back.source);
                }
                for &and in self.graph.and_in(tail) {
                    visit(n_single + and, self.graph.and_premises(and)[0]);
                }
            }
        }
        if self.added.is_empty() {
            return;
        }
        for &step in self.added_from.get(&tail).into_iter().flatten() {
            visit(step, self.head(step));
        }
    }
}

/// The cost through a step: its own and that of what it depends on; [`UNREACHED`] if any of that
/// is not reached or the step is not there.
pub(super) fn through(own: Cost, tails: Tails<'_>, cost_of: impl Fn(u32) -> Cost) -> Cost {
    if own == ABSENT {
        return UNREACHED;
    }
    let mut sum = u64::from(own);
    let is_reached = tails.all(|tail| {
        let cost = cost_of(tail);
        sum += u64::from(cost);
        cost != UNREACHED
    });
    if is_reached {
        sum.min(u64::from(UNREACHED - 1)) as Cost
    } else {
        UNREACHED
    }
}
