//! How many chains from the sources to the targets share no state: Dinic's method where every state
//! but the ends lets one chain through.
//!
//! A state that no chain uses is one node of the residual network. A state in use is two: its entry,
//! from which the only way on is back along the chain that comes in, and its exit, to which one gets
//! only by taking back the chain that goes out. So a flow is one state before and one after for each
//! state, and no capacity is stored at all.
//!
//! Chains can be cut short at the last state that a source leads to and at the first state that leads
//! to a target without sharing anything new, so steps into the former and out of the latter are left
//! out.

use super::Between;
use crate::bits::Bits;
use crate::budget::{Budget, Stop};
use crate::search::topology::StateId;
use crate::search::view::Topology;

/// No state before or after: the state is on no chain. Also "no level".
const NONE: u32 = u32::MAX;
/// What is before the first state of a chain, and after its last.
const END: u32 = u32::MAX - 1;

/// The states between sources and targets, renumbered, and the chains found so far.
pub(super) struct DisjointChains {
    /// The states' ids, ascending.
    states: Vec<u32>,
    /// Those that a source leads to.
    first: Vec<u32>,
    is_first: Bits,
    /// Those that lead to a target.
    last: Vec<u32>,
    is_last: Bits,
    out_offsets: Vec<u32>,
    out: Vec<u32>,
    in_offsets: Vec<u32>,
    in_: Vec<u32>,
    /// The state before and after on the state's chain.
    before: Vec<u32>,
    after: Vec<u32>,
    /// How far the entry and the exit are from the end; [`NONE`] once they were used.
    levels: Vec<[u32; 2]>,
    n_chains: usize,
}

const ENTRY: u32 = 0;
const EXIT: u32 = 1;

/// One node of the way that is being searched, and how many steps out of it were tried.
struct Visit {
    state: u32,
    side: u32,
    cursor: u32,
}

impl Visit {
    fn new(state: u32, side: u32) -> Self {
        Self {
            state,
            side,
            cursor: 0,
        }
    }
}

impl DisjointChains {
    /// [`None`] if a source leads to a target in one step or is one: nothing cuts that.
    pub(super) fn new<T: Topology>(
        graph: &T,
        sources: &[StateId],
        targets: &[StateId],
        between: &Between,
        budget: &Budget,
    ) -> Result<Option<Self>, Stop> {
        let Between { held, leading } = between;
        let mut is_source = Bits::new(graph.n_states());
        let mut is_target = Bits::new(graph.n_states());
        for source in sources.iter().filter(|source| held.contains(source.0)) {
            is_source.insert(source.0);
        }
        for target in targets.iter().filter(|target| held.contains(target.0)) {
            if is_source.contains(target.0) {
                return Ok(None);
            }
            is_target.insert(target.0);
        }
        let states: Vec<u32> = leading
            .iter()
            .filter(|&state| !is_source.contains(state) && !is_target.contains(state))
            .collect();
        let n = states.len();
        budget.charge(graph.n_states() as u64 * 4 + n as u64 * 28)?;
        let mut local = vec![NONE; graph.n_states()];
        for (idx, &state) in (0u32..).zip(&states) {
            local[state as usize] = idx;
        }
        let mut is_first = Bits::new(n);
        let mut is_direct = false;
        for source in is_source.iter() {
            each_gain(graph, between, source, |gain| {
                is_direct |= is_target.contains(gain);
                if local[gain as usize] != NONE {
                    is_first.insert(local[gain as usize]);
                }
            });
        }
        if is_direct {
            return Ok(None);
        }
        let mut is_last = Bits::new(n);
        for target in is_target.iter() {
            each_premise(graph, between, target, |premise| {
                if local[premise as usize] != NONE {
                    is_last.insert(local[premise as usize]);
                }
            });
        }
        let (mut out_offsets, mut out) = (vec![0u32], Vec::new());
        let (mut in_offsets, mut in_) = (vec![0u32], Vec::new());
        for (idx, &state) in (0u32..).zip(&states) {
            if !is_last.contains(idx) {
                each_gain(graph, between, state, |gain| {
                    let to = local[gain as usize];
                    if to != NONE && to != idx && !is_first.contains(to) {
                        out.push(to);
                    }
                });
            }
            if !is_first.contains(idx) {
                each_premise(graph, between, state, |premise| {
                    let from = local[premise as usize];
                    if from != NONE && from != idx && !is_last.contains(from) {
                        in_.push(from);
                    }
                });
            }
            out_offsets.push(out.len() as u32);
            in_offsets.push(in_.len() as u32);
        }
        budget.expand(out.len() as u64)?;
        Ok(Some(Self {
            states,
            first: is_first.iter().collect(),
            is_first,
            last: is_last.iter().collect(),
            is_last,
            out_offsets,
            out,
            in_offsets,
            in_,
            before: vec![NONE; n],
            after: vec![NONE; n],
            levels: vec![[NONE; 2]; n],
            n_chains: 0,
        }))
    }

    pub(super) fn n_chains(&self) -> usize {
        self.n_chains
    }

    /// Adds chains, shortest ways first, until there is no way left.
    pub(super) fn find_all(&mut self, budget: &Budget) -> Result<(), Stop> {
        let mut way = Vec::new();
        while let Some(length) = self.find_levels(budget)? {
            for idx in 0..self.first.len() {
                let state = self.first[idx];
                let is_free = self.after[state as usize] == NONE;
                if is_free
                    && self.levels[state as usize][1] == length
                    && self.find_way(state, length, &mut way)
                {
                    self.apply(&way);
                }
            }
            budget.check()?;
        }
        Ok(())
    }

    /// Levels backwards from the end, as far as the nearest free state that a source leads to;
    /// [`None`] if there is none.
    fn find_levels(&mut self, budget: &Budget) -> Result<Option<u32>, Stop> {
        self.levels.fill([NONE; 2]);
        let mut length = None;
        let mut level = 1;
        let mut reached: Vec<(u32, u32)> = Vec::new();
        for &state in &self.last {
            if self.after[state as usize] == NONE {
                self.levels[state as usize] = [level; 2];
                reached.push((state, ENTRY));
            }
        }
        let mut next: Vec<(u32, u32)> = Vec::new();
        let mut n_expanded = 0;
        while !reached.is_empty() && length.is_none() {
            for &(state, side) in &reached {
                let idx = state as usize;
                let is_used = self.after[idx] != NONE;
                if side == EXIT && is_used {
                    // Only by taking back what goes out.
                    let after = self.after[idx];
                    if after != END && self.levels[after as usize][0] == NONE {
                        self.levels[after as usize][0] = level + 1;
                        next.push((after, ENTRY));
                    }
                    continue;
                }
                if !is_used && self.is_first.contains(state) {
                    length = Some(level);
                    continue;
                }
                // Taking back what passes a state in use leads from its exit to its entry.
                if is_used && self.levels[idx][1] == NONE {
                    self.levels[idx][1] = level + 1;
                    next.push((state, EXIT));
                }
                let row = self.in_offsets[idx] as usize..self.in_offsets[idx + 1] as usize;
                n_expanded += row.len() as u64;
                for &from in &self.in_[row] {
                    let levels = &mut self.levels[from as usize];
                    if levels[1] != NONE {
                        continue;
                    }
                    levels[1] = level + 1;
                    if self.after[from as usize] == NONE {
                        levels[0] = level + 1;
                        next.push((from, ENTRY));
                    } else {
                        next.push((from, EXIT));
                    }
                }
            }
            std::mem::swap(&mut reached, &mut next);
            next.clear();
            level += 1;
        }
        budget.expand(n_expanded)?;
        Ok(length)
    }

    /// A way from this free state to the end along falling levels. Whatever is looked at is used up
    /// for this round: it lies on the way or leads nowhere.
    fn find_way(&mut self, start: u32, length: u32, way: &mut Vec<Visit>) -> bool {
        way.clear();
        self.levels[start as usize] = [NONE; 2];
        way.push(Visit::new(start, EXIT));
        while let Some(depth) = way.len().checked_sub(1) {
            // A node's level follows from its place on the way.
            let wanted = length - depth as u32 - 1;
            let visit = &mut way[depth];
            let idx = visit.state as usize;
            let is_used = self.after[idx] != NONE;
            if wanted == 0 {
                if visit.side == EXIT && !is_used && self.is_last.contains(visit.state) {
                    return true;
                }
                way.pop();
                continue;
            }
            let mut found = None;
            if visit.side == ENTRY {
                let before = self.before[idx];
                if visit.cursor == 0 && before != END {
                    visit.cursor = 1;
                    if self.levels[before as usize][1] == wanted {
                        found = Some((before, EXIT));
                    }
                }
            } else {
                let end = self.out_offsets[idx + 1];
                let mut place = self.out_offsets[idx] + visit.cursor;
                while place < end {
                    let to = self.out[place as usize];
                    place += 1;
                    if self.levels[to as usize][0] == wanted {
                        let is_free = self.after[to as usize] == NONE;
                        found = Some((to, if is_free { EXIT } else { ENTRY }));
                        break;
                    }
                }
                visit.cursor = place - self.out_offsets[idx];
                if found.is_none() && is_used && self.levels[idx][0] == wanted {
                    found = Some((visit.state, ENTRY));
                }
            }
            match found {
                Some((state, side)) => {
                    if self.after[state as usize] == NONE {
                        self.levels[state as usize] = [NONE; 2];
                    } else {
                        self.levels[state as usize][side as usize] = NONE;
                    }
                    way.push(Visit::new(state, side));
                }
                None => {
                    way.pop();
                }
            }
        }
        false
    }

    /// Sends a chain along the way: what the way takes back is taken out of the chains there are.
    fn apply(&mut self, way: &[Visit]) {
        let (Some(start), Some(end)) = (way.first(), way.last()) else {
            return;
        };
        self.before[start.state as usize] = END;
        for pair in way.windows(2) {
            let (from, to) = (&pair[0], &pair[1]);
            if from.side == ENTRY {
                // Back to the exit of the state before; what goes on from there says what is after.
                continue;
            }
            if from.state == to.state {
                self.before[from.state as usize] = NONE;
                self.after[from.state as usize] = NONE;
            } else {
                self.after[from.state as usize] = to.state;
                self.before[to.state as usize] = from.state;
            }
        }
        self.after[end.state as usize] = END;
        self.n_chains += 1;
    }

    /// The states in use that the sources still get to but not through, once no way is left.
    pub(super) fn nearest_cut(&self) -> Vec<StateId> {
        let n = self.states.len();
        let mut is_entered = Bits::new(n);
        let mut is_left = Bits::new(n);
        // Nodes of which only the entry was looked at so far.
        let mut pending: Vec<u32> = Vec::new();
        for &state in &self.first {
            if is_entered.insert(state) {
                pending.push(state);
            }
        }
        let mut left: Vec<u32> = Vec::new();
        loop {
            if let Some(state) = pending.pop() {
                let exit = match self.after[state as usize] {
                    NONE => state,
                    _ => self.before[state as usize],
                };
                if exit != END && is_left.insert(exit) {
                    left.push(exit);
                }
                continue;
            }
            let Some(state) = left.pop() else { break };
            let idx = state as usize;
            let row = self.out_offsets[idx] as usize..self.out_offsets[idx + 1] as usize;
            // From an exit one also gets back to the entry of the same state.
            for &to in self.out[row].iter().chain([&state]) {
                if is_entered.insert(to) {
                    pending.push(to);
                }
            }
        }
        (0..n as u32)
            .filter(|&state| {
                let is_used = self.after[state as usize] != NONE;
                is_used && is_entered.contains(state) && !is_left.contains(state)
            })
            .map(|state| StateId(self.states[state as usize]))
            .collect()
    }
}

/// Calls `visit` for what each step or working AND step gains whose main premise this is.
fn each_gain<T: Topology>(graph: &T, between: &Between, state: u32, mut visit: impl FnMut(u32)) {
    graph.each_out(state, |_, gain, _| visit(gain));
    if graph.n_and_steps() > 0 {
        graph.each_and_out(state, |and| {
            if and.premises[0] == state && between.works(and.premises) {
                visit(and.gain);
            }
        });
    }
}

/// Calls `visit` for the main premise of each step or working AND step that gains the state.
fn each_premise<T: Topology>(graph: &T, between: &Between, state: u32, mut visit: impl FnMut(u32)) {
    graph.each_in(state, |_, premise, _| visit(premise));
    if graph.n_and_steps() > 0 {
        graph.each_and_in(state, |and| {
            if between.works(and.premises) {
                visit(and.premises[0]);
            }
        });
    }
}
