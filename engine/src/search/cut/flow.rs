//! Maximum flow by Dinic's method, for cuts of steps and for weights.
//!
//! Every state is split into an entry and an exit; the split is implicit.

use super::{Between, Capacity, Cut, Cuttable};
use crate::budget::{Budget, Stop};
use crate::search::topology::{StateId, StepId, offsets_of, shift_back};
use crate::search::view::Topology;

/// The part between sources and targets, renumbered. Node `2 v` is the entry of state `v`, node
/// `2 v + 1` its exit.
pub(super) struct Network {
    /// The states of the part, ascending.
    states: Vec<u32>,
    sources: Vec<u32>,
    is_target: Vec<bool>,
    /// What the state lets through and what flows through it now.
    state_capacity: Vec<u64>,
    through: Vec<u64>,
    out_offsets: Vec<u32>,
    /// End and arc; the arc is the place here.
    out: Vec<u32>,
    in_offsets: Vec<u32>,
    /// Start and arc.
    in_: Vec<(u32, u32)>,
    arc_capacity: Vec<u64>,
    arc_flow: Vec<u64>,
    arc_step: Vec<u32>,
    levels: Vec<u32>,
    cursors: Vec<u32>,
}

const NO_LEVEL: u32 = u32::MAX;

impl Network {
    pub(super) fn new<T: Topology>(
        graph: &T,
        sources: &[StateId],
        targets: &[StateId],
        cuttable: Cuttable<'_>,
        between: &Between,
        budget: &Budget,
    ) -> Result<Self, Stop> {
        let states: Vec<u32> = between.leading.iter().collect();
        let mut local = vec![u32::MAX; graph.n_states()];
        for (idx, &state) in (0u32..).zip(&states) {
            local[state as usize] = idx;
        }
        let locals = |of: &[StateId]| -> Vec<u32> {
            let mut found: Vec<u32> = of
                .iter()
                .filter(|state| graph.has_state(state.0))
                .map(|state| local[state.idx()])
                .filter(|&idx| idx != u32::MAX)
                .collect();
            found.sort_unstable();
            found.dedup();
            found
        };
        let (sources, targets) = (locals(sources), locals(targets));
        let mut is_target = vec![false; states.len()];
        for &target in &targets {
            is_target[target as usize] = true;
        }
        let mut out_offsets = vec![0u32];
        let mut out = Vec::new();
        let mut arc_step = Vec::new();
        for &state in &states {
            let mut arc = |step: u32, gain: u32| {
                let to = local[gain as usize];
                if to != u32::MAX && gain != state {
                    out.push(to);
                    arc_step.push(step);
                }
            };
            graph.each_out(state, |step, gain, _| arc(step, gain));
            graph.each_and_out(state, |and| {
                if and.premises[0] == state && between.works(and.premises) {
                    arc(and.step, and.gain);
                }
            });
            out_offsets.push(out.len() as u32);
        }
        budget.expand(out.len() as u64)?;
        let mut in_offsets = offsets_of(states.len(), out.iter().copied());
        let mut in_ = vec![(0, 0); out.len()];
        for from in 0..states.len() {
            for arc in out_offsets[from]..out_offsets[from + 1] {
                let place = &mut in_offsets[out[arc as usize] as usize];
                in_[*place as usize] = (from as u32, arc);
                *place += 1;
            }
        }
        shift_back(&mut in_offsets);
        let uncuttable = Capacity::UNCUTTABLE.0;
        let state_capacity = (0u32..).zip(&states).map(|(idx, &state)| match cuttable {
            Cuttable::States => {
                let is_end = is_target[idx as usize] || sources.binary_search(&idx).is_ok();
                if is_end { uncuttable } else { 1 }
            }
            Cuttable::Steps => uncuttable,
            Cuttable::Weighted {
                state: capacity, ..
            } => capacity(StateId(state)).0.min(uncuttable),
        });
        let arc_capacity = arc_step.iter().map(|&step| match cuttable {
            Cuttable::States => uncuttable,
            Cuttable::Steps => 1,
            Cuttable::Weighted { step: capacity, .. } => capacity(StepId(step)).0.min(uncuttable),
        });
        Ok(Self {
            state_capacity: state_capacity.collect(),
            through: vec![0; states.len()],
            arc_capacity: arc_capacity.collect(),
            arc_flow: vec![0; out.len()],
            levels: vec![NO_LEVEL; 2 * states.len()],
            cursors: vec![0; 2 * states.len()],
            states,
            sources,
            is_target,
            out_offsets,
            out,
            in_offsets,
            in_,
            arc_step,
        })
    }

    /// The flow, [`None`] if it has no limit.
    pub(super) fn maximum_flow(&mut self, budget: &Budget) -> Result<Option<u64>, Stop> {
        let mut total: u64 = 0;
        while self.find_levels() {
            budget.expand((self.out.len() + self.states.len()) as u64)?;
            self.cursors.fill(0);
            for idx in 0..self.sources.len() {
                loop {
                    let pushed = self.augment(2 * self.sources[idx]);
                    if pushed >= Capacity::UNCUTTABLE.0 {
                        return Ok(None);
                    }
                    if pushed == 0 {
                        break;
                    }
                    total += pushed;
                    budget.check()?;
                }
            }
        }
        Ok(Some(total))
    }

    /// Breadth-first levels in the residual network; whether a target's exit has one.
    fn find_levels(&mut self) -> bool {
        self.levels.fill(NO_LEVEL);
        let mut queue: Vec<u32> = self.sources.iter().map(|source| 2 * source).collect();
        for &node in &queue {
            self.levels[node as usize] = 0;
        }
        let mut head = 0;
        let mut target_level = NO_LEVEL;
        while let Some(&node) = queue.get(head) {
            head += 1;
            let level = self.levels[node as usize];
            if level >= target_level {
                break;
            }
            if !is_entry(node) && self.is_target[node as usize / 2] {
                target_level = level;
                continue;
            }
            let mut cursor = 0;
            while let Some((next, _)) = self.next_residual(node, &mut cursor) {
                if self.levels[next as usize] == NO_LEVEL {
                    self.levels[next as usize] = level + 1;
                    queue.push(next);
                }
            }
        }
        target_level != NO_LEVEL
    }

    /// The next node that the residual network leads to, and how much it lets through.
    #[inline]
    fn next_residual(&self, node: u32, cursor: &mut u32) -> Option<(u32, u64)> {
        let state = node as usize / 2;
        loop {
            let place = *cursor;
            *cursor += 1;
            let (next, left) = if is_entry(node) {
                if place == 0 {
                    (node + 1, self.state_capacity[state] - self.through[state])
                } else if self.through[state] == 0 {
                    // Nothing flows in that could be sent back.
                    return None;
                } else {
                    let idx = self.in_offsets[state] + place - 1;
                    if idx >= self.in_offsets[state + 1] {
                        return None;
                    }
                    let (from, arc) = self.in_[idx as usize];
                    (2 * from + 1, self.arc_flow[arc as usize])
                }
            } else {
                if place == 0 {
                    (node - 1, self.through[state])
                } else {
                    let arc = self.out_offsets[state] + place - 1;
                    if arc >= self.out_offsets[state + 1] {
                        return None;
                    }
                    let arc = arc as usize;
                    (
                        2 * self.out[arc],
                        self.arc_capacity[arc] - self.arc_flow[arc],
                    )
                }
            };
            if left > 0 {
                return Some((next, left));
            }
        }
    }

    /// Sends flow along one path of rising levels; how much, 0 if there is no path left.
    fn augment(&mut self, source: u32) -> u64 {
        let mut path = vec![source];
        while let Some(&node) = path.last() {
            if !is_entry(node) && self.is_target[node as usize / 2] {
                return self.push_along(&path);
            }
            let level = self.levels[node as usize];
            let mut cursor = self.cursors[node as usize];
            let mut found = None;
            while let Some((next, _)) = self.next_residual(node, &mut cursor) {
                if level != NO_LEVEL && self.levels[next as usize] == level + 1 {
                    // The cursor stays on this way on until it is used up.
                    cursor -= 1;
                    found = Some(next);
                    break;
                }
            }
            self.cursors[node as usize] = cursor;
            match found {
                Some(next) => path.push(next),
                None => {
                    path.pop();
                    if let Some(&before) = path.last() {
                        self.cursors[before as usize] += 1;
                    }
                }
            }
        }
        0
    }

    fn push_along(&mut self, path: &[u32]) -> u64 {
        let mut least = Capacity::UNCUTTABLE.0;
        for pair in path.windows(2) {
            let mut cursor = self.cursors[pair[0] as usize];
            if let Some((_, left)) = self.next_residual(pair[0], &mut cursor) {
                least = least.min(left);
            }
        }
        if least >= Capacity::UNCUTTABLE.0 {
            return least;
        }
        for pair in path.windows(2) {
            let (node, state) = (pair[0], pair[0] as usize / 2);
            let place = self.cursors[node as usize];
            match (is_entry(node), place) {
                (true, 0) => self.through[state] += least,
                (true, place) => {
                    let arc = self.in_[(self.in_offsets[state] + place - 1) as usize].1;
                    self.arc_flow[arc as usize] -= least;
                }
                (false, 0) => self.through[state] -= least,
                (false, place) => {
                    self.arc_flow[(self.out_offsets[state] + place - 1) as usize] += least;
                }
            }
        }
        least
    }

    /// What leaves the part of the residual network that the sources still reach. After the last
    /// call of [`Self::find_levels`] that part is what has a level.
    pub(super) fn nearest_cut(&self) -> Cut {
        let mut cut = Cut {
            states: Vec::new(),
            steps: Vec::new(),
            cost: 0,
        };
        let is_near = |node: usize| self.levels[node] != NO_LEVEL;
        for (state, &id) in self.states.iter().enumerate() {
            if is_near(2 * state) && !is_near(2 * state + 1) {
                cut.states.push(StateId(id));
                cut.cost += self.state_capacity[state];
            }
            if is_near(2 * state + 1) {
                for arc in self.out_offsets[state] as usize..self.out_offsets[state + 1] as usize {
                    if !is_near(2 * self.out[arc] as usize) {
                        cut.steps.push(StepId(self.arc_step[arc]));
                        cut.cost += self.arc_capacity[arc];
                    }
                }
            }
        }
        cut.steps.sort_unstable();
        cut
    }
}

fn is_entry(node: u32) -> bool {
    node & 1 == 0
}
