//! Costs that stay exact while steps come, go and change.
//!
//! The method is that of G. Ramalingam and T. Reps, "An Incremental Algorithm for a Generalization
//! of the Shortest-Path Problem" (Journal of Algorithms 21, 1996): first the states whose cost no
//! longer has a ground are found, in order of their old cost; then only these, and what has become
//! cheaper, are searched anew. Their generalisation is Knuth's grammar problem, so that AND steps
//! are hyperedges like any other. A step that costs nothing never counts as a ground in the first
//! part, because two states could then vouch for each other; that costs a little work and no
//! exactness.
//!
//! Each lane is a search of its own over the same steps: one lane for each asset that is worth
//! something, or one lane for the attacker's starts.

mod steps;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rayon::prelude::*;
use rustc_hash::FxHashSet;

use self::steps::{ABSENT, Sense, Steps, through};
use super::cheapest::{SideCosts, cheapest_from, cheapest_to};
use super::loss::{ValuedAsset, loss_in_units, scaled_loss_of};
use super::topology::{StateId, StepGraph, StepId};
use crate::budget::{Budget, Stop};
use crate::score::cost::{Cost, MAX_STEP_COST, UNREACHED};

/// A change of one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepChange {
    /// The step is gone.
    Remove(StepId),
    /// The step is there, now at this cost; a removed one comes back.
    Cost(StepId, Cost),
    /// A new step; ids go on after those of the graph, in order of addition.
    Add {
        /// What must be held, the main premise first. Nothing is added without one.
        premises: Vec<StateId>,
        /// What it gains.
        gain: StateId,
        /// What it costs.
        cost: Cost,
    },
}

/// What a lane knows of a state while it is brought up to date.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Untouched,
    /// One of its grounds is gone.
    InDoubt,
    /// It keeps its cost, unless it becomes cheaper.
    Grounded,
    /// Its old cost has no ground left.
    Groundless,
    /// Its old cost was grounded, and it has become cheaper.
    Cheaper,
}

/// Exact costs in several lanes, kept while steps change.
///
/// Memory: four bytes for each state and lane, beside the steps' costs.
pub struct FreshCosts<'g> {
    steps: Steps<'g>,
    n_lanes: usize,
    /// By state, then lane.
    costs: Vec<Cost>,
    values: Vec<u32>,
    roots: Vec<FxHashSet<u32>>,
    /// By state: the value of the lanes that are reached.
    reached: Vec<u64>,
    /// By state, scaled as [`super::ExpectedLoss`] is.
    losses: Vec<i64>,
    scratch: Scratch,
}

struct Scratch {
    marks: Vec<Mark>,
    queue: BinaryHeap<Reverse<(Cost, u32)>>,
    groundless: Vec<u32>,
    /// States with their costs before, in this lane.
    before: Vec<(u32, Cost)>,
    touched: Vec<u32>,
}

impl<'g> FreshCosts<'g> {
    /// One lane for each asset: the cost of the best chain from every state to it, side premises
    /// taken as held. Begins with one search an asset, in `pool`.
    pub fn to_assets(
        graph: &'g StepGraph,
        assets: &[ValuedAsset],
        pool: &rayon::ThreadPool,
        budget: &Budget,
    ) -> Result<Self, Stop> {
        let sides = SideCosts::free(graph);
        let lanes: Result<Vec<Vec<Cost>>, Stop> = pool.install(|| {
            let search = |asset: &ValuedAsset| {
                let (found, stop) = cheapest_to(graph, &asset.states, &sides, budget).into_parts();
                let costs = graph.states().map(|state| found.cost(state));
                stop.map_or_else(|| Ok(costs.collect()), Err)
            };
            assets.par_iter().map(search).collect()
        });
        let roots = assets.iter().map(|asset| &asset.states[..]);
        let values = assets.iter().map(|asset| asset.value).collect();
        Ok(Self::new(graph, Sense::To, &lanes?, roots, values))
    }

    /// One lane: the cost of the best derivation of every state from the attacker's starts.
    pub fn from_starts(
        graph: &'g StepGraph,
        starts: &[StateId],
        budget: &Budget,
    ) -> Result<Self, Stop> {
        let (found, stop) = cheapest_from(graph, starts, budget).into_parts();
        if let Some(stop) = stop {
            return Err(stop);
        }
        let costs: Vec<Cost> = graph.states().map(|state| found.cost(state)).collect();
        Ok(Self::new(
            graph,
            Sense::From,
            &[costs],
            std::iter::once(starts),
            vec![1],
        ))
    }

    fn new<'a>(
        graph: &'g StepGraph,
        sense: Sense,
        lanes: &[Vec<Cost>],
        roots: impl Iterator<Item = &'a [StateId]>,
        values: Vec<u32>,
    ) -> Self {
        let n_states = graph.n_states();
        let mut fresh = FreshCosts {
            steps: Steps::new(graph, sense),
            n_lanes: lanes.len(),
            costs: vec![UNREACHED; n_states * lanes.len()],
            values,
            roots: roots
                .map(|states| states.iter().map(|state| state.0).collect())
                .collect(),
            reached: vec![0; n_states],
            losses: vec![0; n_states],
            scratch: Scratch {
                marks: vec![Mark::Untouched; n_states],
                queue: BinaryHeap::new(),
                groundless: Vec::new(),
                before: Vec::new(),
                touched: Vec::new(),
            },
        };
        for (lane, costs) in lanes.iter().enumerate() {
            for (state, &cost) in costs.iter().enumerate() {
                fresh.costs[state * lanes.len() + lane] = cost;
                fresh.account(state, lane, UNREACHED, cost);
            }
        }
        fresh
    }

    /// The cost between a state and the root of a lane.
    pub fn cost(&self, state: StateId, lane: usize) -> Cost {
        self.costs[state.idx() * self.n_lanes + lane]
    }

    /// The summed value of the lanes that the state reaches.
    pub fn value(&self, state: StateId) -> u64 {
        self.reached[state.idx()]
    }

    /// The sum over lanes of value times likelihood.
    pub fn expected_loss(&self, state: StateId) -> f64 {
        loss_in_units(self.losses[state.idx()])
    }

    /// Takes changes in and brings every cost up to date. Returns the states with another cost in
    /// some lane, ascending.
    ///
    /// O(lanes) for each change, and for each lane that it concerns O(log) for each state whose
    /// cost changes, and each step beside one. Ids beyond the graph are ignored.
    pub fn apply(&mut self, changes: &[StepChange]) -> Vec<StateId> {
        let mut doubts: Vec<(usize, u32)> = Vec::new();
        let mut lowered: Vec<u32> = Vec::new();
        // Doubts go by what costs were before any of the changes.
        for change in changes {
            let (step, cost) = match change {
                StepChange::Remove(step) => (step.0, ABSENT),
                StepChange::Cost(step, cost) => (step.0, (*cost).min(MAX_STEP_COST)),
                StepChange::Add { .. } => continue,
            };
            if let Some(&before) = self.steps.costs.get(step as usize)
                && cost > before
            {
                self.doubts(step, &mut doubts);
            }
        }
        for change in changes {
            match change {
                StepChange::Remove(step) => {
                    if let Some(own) = self.steps.costs.get_mut(step.idx()) {
                        *own = ABSENT;
                    }
                }
                StepChange::Cost(step, cost) => {
                    if let Some(own) = self.steps.costs.get_mut(step.idx()) {
                        let cost = (*cost).min(MAX_STEP_COST);
                        if cost < *own {
                            lowered.push(step.0);
                        }
                        *own = cost;
                    }
                }
                StepChange::Add {
                    premises,
                    gain,
                    cost,
                } => {
                    let n_states = self.steps.graph.n_states();
                    let mut ends = premises.iter().chain([gain]);
                    if !premises.is_empty() && ends.all(|state| state.idx() < n_states) {
                        lowered.push(self.steps.add(premises, *gain, *cost));
                    }
                }
            }
        }
        doubts.sort_unstable();
        let mut changed: Vec<StateId> = Vec::new();
        for lane in 0..self.n_lanes {
            let first = doubts.partition_point(|doubt| doubt.0 < lane);
            let own = &doubts[first..];
            let own = &own[..own.partition_point(|doubt| doubt.0 == lane)];
            if own.is_empty() && !lowered.iter().any(|&step| self.improves(step, lane)) {
                continue;
            }
            self.refresh(lane, own, &lowered, &mut changed);
        }
        changed.sort_unstable();
        changed.dedup();
        changed
    }

    /// The lanes in which a step is a ground of the cost it decides.
    fn doubts(&self, step: u32, doubts: &mut Vec<(usize, u32)>) {
        let head = self.steps.head(step);
        for lane in 0..self.n_lanes {
            let own = self.costs[head as usize * self.n_lanes + lane];
            if own != UNREACHED && self.through(step, lane) <= own {
                doubts.push((lane, head));
            }
        }
    }

    fn improves(&self, step: u32, lane: usize) -> bool {
        let head = self.steps.head(step) as usize;
        self.through(step, lane) < self.costs[head * self.n_lanes + lane]
    }

    fn through(&self, step: u32, lane: usize) -> Cost {
        let own = self.steps.costs[step as usize];
        through(own, self.steps.tails(step), |tail| {
            self.costs[tail as usize * self.n_lanes + lane]
        })
    }

    fn refresh(
        &mut self,
        lane: usize,
        doubts: &[(usize, u32)],
        lowered: &[u32],
        changed: &mut Vec<StateId>,
    ) {
        self.find_groundless(lane, doubts);
        self.settle(lane, lowered);
        let before = std::mem::take(&mut self.scratch.before);
        for &(state, before) in &before {
            let now = self.costs[state as usize * self.n_lanes + lane];
            if now != before {
                self.account(state as usize, lane, before, now);
                changed.push(StateId(state));
            }
        }
        for &state in &self.scratch.touched {
            self.scratch.marks[state as usize] = Mark::Untouched;
        }
        self.scratch.before = before;
        self.scratch.before.clear();
        self.scratch.touched.clear();
        self.scratch.groundless.clear();
    }

    /// Marks the states whose old cost has no ground left.
    fn find_groundless(&mut self, lane: usize, doubts: &[(usize, u32)]) {
        let FreshCosts {
            steps,
            n_lanes,
            costs,
            roots,
            scratch,
            ..
        } = self;
        let cost_of = |state: u32| costs[state as usize * *n_lanes + lane];
        for &(_, state) in doubts {
            scratch.doubt(state, cost_of(state));
        }
        while let Some(Reverse((cost, state))) = scratch.queue.pop() {
            if scratch.marks[state as usize] != Mark::InDoubt {
                continue;
            }
            let mut is_grounded = roots[lane].contains(&state);
            if !is_grounded {
                steps.each_to(state, |step, tails| {
                    let own = steps.costs[step as usize];
                    // What costs less than this state has been judged already.
                    is_grounded |= own != 0
                        && through(own, tails, cost_of) <= cost
                        && tails.all(|tail| scratch.marks[tail as usize] != Mark::Groundless);
                });
            }
            if is_grounded {
                scratch.marks[state as usize] = Mark::Grounded;
                continue;
            }
            scratch.marks[state as usize] = Mark::Groundless;
            scratch.groundless.push(state);
            scratch.before.push((state, cost));
            steps.each_from(state, |step, head| {
                let of_head = cost_of(head);
                if of_head != UNREACHED
                    && scratch.marks[head as usize] == Mark::Untouched
                    && through(steps.costs[step as usize], steps.tails(step), cost_of) <= of_head
                {
                    scratch.doubt(head, of_head);
                }
            });
        }
    }

    /// Gives groundless states new costs and lowers what has become cheaper.
    fn settle(&mut self, lane: usize, lowered: &[u32]) {
        let FreshCosts {
            steps,
            n_lanes,
            costs,
            scratch,
            ..
        } = self;
        let place = |state: u32| state as usize * *n_lanes + lane;
        for &state in &scratch.groundless {
            let mut best = UNREACHED;
            steps.each_to(state, |step, tails| {
                if tails.all(|tail| scratch.marks[tail as usize] != Mark::Groundless) {
                    let own = steps.costs[step as usize];
                    best = best.min(through(own, tails, |tail| costs[place(tail)]));
                }
            });
            costs[place(state)] = best;
            if best != UNREACHED {
                scratch.queue.push(Reverse((best, state)));
            }
        }
        for &step in lowered {
            let own = steps.costs[step as usize];
            let cost = through(own, steps.tails(step), |tail| costs[place(tail)]);
            let head = steps.head(step);
            if cost < costs[place(head)] {
                scratch.cheaper(head, costs[place(head)]);
                costs[place(head)] = cost;
                scratch.queue.push(Reverse((cost, head)));
            }
        }
        while let Some(Reverse((cost, state))) = scratch.queue.pop() {
            if cost > costs[place(state)] {
                continue;
            }
            steps.each_from(state, |step, head| {
                let own = steps.costs[step as usize];
                if own == ABSENT || own.saturating_add(cost) >= costs[place(head)] {
                    return;
                }
                let cost = through(own, steps.tails(step), |tail| costs[place(tail)]);
                if cost < costs[place(head)] {
                    scratch.cheaper(head, costs[place(head)]);
                    costs[place(head)] = cost;
                    scratch.queue.push(Reverse((cost, head)));
                }
            });
        }
    }

    /// Keeps the sums of a state in step with one of its costs.
    fn account(&mut self, state: usize, lane: usize, before: Cost, now: Cost) {
        let value = self.values[lane];
        let reaches = |cost: Cost| u64::from(cost != UNREACHED) * u64::from(value);
        self.reached[state] = self.reached[state] + reaches(now) - reaches(before);
        let loss = |cost: Cost| {
            if cost == UNREACHED {
                0
            } else {
                scaled_loss_of(value, cost)
            }
        };
        self.losses[state] += loss(now) - loss(before);
    }
}

impl Scratch {
    fn doubt(&mut self, state: u32, cost: Cost) {
        let mark = &mut self.marks[state as usize];
        if *mark == Mark::Untouched {
            *mark = Mark::InDoubt;
            self.touched.push(state);
            self.queue.push(Reverse((cost, state)));
        }
    }

    fn cheaper(&mut self, state: u32, before: Cost) {
        let mark = &mut self.marks[state as usize];
        match mark {
            Mark::Groundless | Mark::Cheaper => return,
            Mark::Untouched => self.touched.push(state),
            Mark::InDoubt | Mark::Grounded => {}
        }
        *mark = Mark::Cheaper;
        self.before.push((state, before));
    }
}
