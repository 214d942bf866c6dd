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

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

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

/// The cost of a step that is not there.
const ABSENT: Cost = UNREACHED;

/// Which way costs are summed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sense {
    /// From roots along steps: an AND step costs what all of its premises cost.
    From,
    /// Against steps towards roots: an AND step links its main premise with its gain.
    To,
}

/// What the cost of a state through one step depends on.
#[derive(Clone, Copy)]
enum Tails<'a> {
    One(u32),
    Many(&'a [u32]),
}

impl Tails<'_> {
    fn all(&self, mut holds: impl FnMut(u32) -> bool) -> bool {
        match self {
            Tails::One(tail) => holds(*tail),
            Tails::Many(tails) => tails.iter().all(|&tail| holds(tail)),
        }
    }
}

struct Added {
    premises: SmallVec<[u32; 2]>,
    gain: u32,
}

/// The steps as they are now: those of a graph, some changed, and some more.
struct Steps<'g> {
    graph: &'g StepGraph,
    sense: Sense,
    costs: Vec<Cost>,
    added: Vec<Added>,
    /// Added steps by the state whose cost they decide.
    added_to: FxHashMap<u32, Vec<u32>>,
    /// Added steps by each state they depend on.
    added_from: FxHashMap<u32, Vec<u32>>,
}

impl<'g> Steps<'g> {
    fn new(graph: &'g StepGraph, sense: Sense) -> Self {
        Steps {
            graph,
            sense,
            costs: graph.steps().map(|step| graph.cost(step)).collect(),
            added: Vec::new(),
            added_to: FxHashMap::default(),
            added_from: FxHashMap::default(),
        }
    }

    fn add(&mut self, premises: &[StateId], gain: StateId, cost: Cost) -> u32 {
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

    fn added(&self, step: u32) -> Option<&Added> {
        let at = (step as usize).checked_sub(self.graph.n_steps())?;
        self.added.get(at)
    }

    /// The state whose cost the step decides.
    fn head(&self, step: u32) -> u32 {
        match (self.sense, self.added(step)) {
            (Sense::From, Some(added)) => added.gain,
            (Sense::To, Some(added)) => added.premises[0],
            (Sense::From, None) => self.graph.gain(StepId(step)).0,
            (Sense::To, None) => self.graph.main_premise(StepId(step)).0,
        }
    }

    fn tails(&self, step: u32) -> Tails<'_> {
        match (self.sense, self.added(step)) {
            (Sense::From, Some(added)) => Tails::Many(&added.premises),
            (Sense::To, Some(added)) => Tails::One(added.gain),
            (Sense::To, None) => Tails::One(self.graph.gain(StepId(step)).0),
            (Sense::From, None) => match self.graph.premises(StepId(step)) {
                super::topology::Premises::One(state) => Tails::One(state.0),
                super::topology::Premises::Many(states) => Tails::Many(states),
            },
        }
    }

    /// Every step that decides the cost of `head`, with what it depends on.
    fn each_to(&self, head: u32, mut visit: impl FnMut(u32, Tails<'_>)) {
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
    fn each_from(&self, tail: u32, mut visit: impl FnMut(u32, u32)) {
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
fn through(own: Cost, tails: Tails<'_>, cost_of: impl Fn(u32) -> Cost) -> Cost {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::{StepGraphBuilder, expected_loss_of_all};

    struct Random(u64);

    impl Random {
        fn below(&mut self, n: u64) -> u32 {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            ((self.0 >> 33) % n) as u32
        }

        /// Zero is frequent: it is what goes wrong.
        fn cost(&mut self) -> Cost {
            if self.below(3) == 0 {
                0
            } else {
                self.below(5) * 10_000
            }
        }

        fn step(&mut self, n: u64) -> (Vec<StateId>, StateId, Cost) {
            let n_premises = 1 + u64::from(self.below(4) == 0) + u64::from(self.below(9) == 0);
            let premises = (0..n_premises).map(|_| StateId(self.below(n))).collect();
            (premises, StateId(self.below(n)), self.cost())
        }
    }

    type Model = Vec<Option<(Vec<StateId>, StateId, Cost)>>;

    fn graph(n_states: u32, model: &Model) -> StepGraph {
        let mut builder = StepGraphBuilder::new(n_states);
        for (premises, gain, cost) in model.iter().flatten() {
            builder.step(premises, *gain, *cost).unwrap();
        }
        builder.finish().0
    }

    /// The steps of a graph in order of id.
    fn model(graph: &StepGraph) -> Model {
        graph
            .steps()
            .map(|step| {
                let premises = graph.premises(step).into_iter().collect();
                Some((premises, graph.gain(step), graph.cost(step)))
            })
            .collect()
    }

    fn changes(random: &mut Random, n: u64, model: &mut Model) -> Vec<StepChange> {
        let mut changes = Vec::new();
        for _ in 0..=random.below(3) {
            let at = random.below(model.len() as u64) as usize;
            let is_named_already = changes.iter().any(|change| {
                matches!(change, StepChange::Remove(step) | StepChange::Cost(step, _) if step.idx() == at)
            });
            match (random.below(3), &mut model[at]) {
                (0, step) if !is_named_already => {
                    *step = None;
                    changes.push(StepChange::Remove(StepId(at as u32)));
                }
                (1, Some(step)) if !is_named_already => {
                    step.2 = random.cost();
                    changes.push(StepChange::Cost(StepId(at as u32), step.2));
                }
                _ => {
                    let (premises, gain, cost) = random.step(n);
                    model.push(Some((premises.clone(), gain, cost)));
                    changes.push(StepChange::Add {
                        premises,
                        gain,
                        cost,
                    });
                }
            }
        }
        changes
    }

    #[test]
    fn costs_from_the_starts_are_those_of_a_new_search() {
        let budget = Budget::unlimited();
        for seed in 0..3000 {
            let mut random = Random(seed);
            let n = 2 + u64::from(random.below(9));
            let n_steps = 1 + random.below(25);
            let first: Model = (0..n_steps).map(|_| Some(random.step(n))).collect();
            let base = graph(n as u32, &first);
            let mut model = model(&base);
            let starts = [StateId(0)];
            let mut fresh = FreshCosts::from_starts(&base, &starts, &budget).unwrap();
            for round in 0..6 {
                let before: Vec<Cost> = base.states().map(|state| fresh.cost(state, 0)).collect();
                let changed = fresh.apply(&changes(&mut random, n, &mut model));
                let now = graph(n as u32, &model);
                let full = cheapest_from(&now, &starts, &budget).into_parts().0;
                for state in base.states() {
                    assert_eq!(
                        fresh.cost(state, 0),
                        full.cost(state),
                        "seed {seed}, round {round}, {state:?}"
                    );
                    let is_changed = before[state.idx()] != full.cost(state);
                    assert_eq!(changed.contains(&state), is_changed);
                }
            }
        }
    }

    #[test]
    fn costs_and_sums_to_assets_are_those_of_new_searches() {
        let budget = Budget::unlimited();
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .build()
            .unwrap();
        for seed in 0..2000 {
            let mut random = Random(seed);
            let n = 2 + u64::from(random.below(9));
            let n_steps = 1 + random.below(25);
            let first: Model = (0..n_steps).map(|_| Some(random.step(n))).collect();
            let base = graph(n as u32, &first);
            let mut model = model(&base);
            let assets: Vec<ValuedAsset> = (0..3)
                .map(|_| ValuedAsset {
                    value: 1 + random.below(100),
                    states: (0..=random.below(2))
                        .map(|_| StateId(random.below(n)))
                        .collect(),
                })
                .collect();
            let mut fresh = FreshCosts::to_assets(&base, &assets, &pool, &budget).unwrap();
            for round in 0..6 {
                fresh.apply(&changes(&mut random, n, &mut model));
                let now = graph(n as u32, &model);
                let sides = SideCosts::free(&now);
                let losses = expected_loss_of_all(&now, &assets, &sides, &pool, &budget);
                let losses = losses.into_parts().0;
                let mut values = vec![0; n as usize];
                for (lane, asset) in assets.iter().enumerate() {
                    let full = cheapest_to(&now, &asset.states, &sides, &budget);
                    let full = full.into_parts().0;
                    for state in base.states() {
                        let context = format!("seed {seed}, round {round}, {state:?}");
                        assert_eq!(fresh.cost(state, lane), full.cost(state), "{context}");
                        if full.is_reached(state) {
                            values[state.idx()] += u64::from(asset.value);
                        }
                    }
                }
                for state in base.states() {
                    assert_eq!(fresh.value(state), values[state.idx()]);
                    let (kept, full) = (fresh.expected_loss(state), losses.of(state));
                    // Each lane is rounded down by itself.
                    assert!((kept - full).abs() < 1e-6, "seed {seed}, round {round}");
                }
            }
        }
    }
}
