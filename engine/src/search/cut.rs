//! The cheapest set of states or steps whose removal separates sources from targets.
//!
//! Maximum flow by Dinic's method on the graph with every state split into an entry and an exit
//! (the split is implicit). The cut is the one nearest to the sources, which is the same whatever
//! flow was found; that its cost equals the flow is asserted.
//!
//! Exact without AND steps. With them the flow runs along main premises: the cut separates (every
//! derivation has a main chain), but cutting a side premise might have been cheaper.

use super::bits::Bits;
use super::closure::closure;
use super::topology::{StateId, StepId, offsets_of, shift_back};
use super::view::Topology;
use crate::budget::{Budget, Stop};

/// What cutting costs: a whole number, or [`Capacity::UNCUTTABLE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Capacity(pub u64);

impl Capacity {
    /// Stands for what cannot be cut.
    pub const UNCUTTABLE: Self = Self(u64::MAX >> 8);
}

/// What may be cut, and at what cost.
#[derive(Clone, Copy)]
pub enum Cuttable<'a> {
    /// States other than sources and targets, each at cost 1.
    States,
    /// Steps, each at cost 1.
    Steps,
    /// As these functions say, for states and for steps.
    Weighted {
        /// The cost of a state; sources and targets are asked for too.
        state: &'a dyn Fn(StateId) -> Capacity,
        /// The cost of a step.
        step: &'a dyn Fn(StepId) -> Capacity,
    },
}

impl std::fmt::Debug for Cuttable<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::States => "States",
            Self::Steps => "Steps",
            Self::Weighted { .. } => "Weighted",
        })
    }
}

/// A cheapest cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The states to take away, ascending.
    pub states: Vec<StateId>,
    /// The steps to take away, ascending.
    pub steps: Vec<StepId>,
    /// What they cost together, equal to the maximum flow.
    pub cost: u64,
}

/// The cheapest cut between sources and targets, [`None`] if they cannot be separated with what
/// is cuttable. There is no partial answer.
///
/// O(states * sqrt(states + steps)) phases at most, in practice a handful, each O(states + steps)
/// in the part that lies between the sources and the targets.
pub fn minimum_cut<T: Topology>(
    graph: &T,
    sources: &[StateId],
    targets: &[StateId],
    cuttable: Cuttable<'_>,
    budget: &Budget,
) -> Result<Option<Cut>, Stop> {
    let mut network = Network::new(graph, sources, targets, cuttable, budget)?;
    let Some(flow) = network.maximum_flow(budget)? else {
        return Ok(None);
    };
    let cut = network.nearest_cut();
    debug_assert_eq!(cut.cost, flow, "the cut must cost what flows");
    Ok(Some(cut))
}

/// The part between sources and targets, renumbered. Node `2 v` is the entry of state `v`, node
/// `2 v + 1` its exit.
struct Network {
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
    fn new<T: Topology>(
        graph: &T,
        sources: &[StateId],
        targets: &[StateId],
        cuttable: Cuttable<'_>,
        budget: &Budget,
    ) -> Result<Self, Stop> {
        let (held, stop) = closure(graph, sources, budget).into_parts();
        if let Some(stop) = stop {
            return Err(stop);
        }
        let leading = leading_to(graph, targets, &held, budget)?;
        let states: Vec<u32> = leading.iter().collect();
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
                let works = and.premises.iter().all(|&premise| held.contains(premise));
                if and.premises[0] == state && works {
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
    fn maximum_flow(&mut self, budget: &Budget) -> Result<Option<u64>, Stop> {
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
    fn nearest_cut(&self) -> Cut {
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

/// The held states from which main chains over held states lead to a target.
fn leading_to<T: Topology>(
    graph: &T,
    targets: &[StateId],
    held: &Bits,
    budget: &Budget,
) -> Result<Bits, Stop> {
    let mut leading = Bits::new(graph.n_states());
    let mut pending = Vec::new();
    for target in targets {
        if held.contains(target.0) && leading.insert(target.0) {
            pending.push(target.0);
        }
    }
    let mut n_expanded = 0u64;
    while let Some(state) = pending.pop() {
        let mut comes_from = |premise: u32| {
            n_expanded += 1;
            if held.contains(premise) && leading.insert(premise) {
                pending.push(premise);
            }
        };
        graph.each_in(state, |_, premise, _| comes_from(premise));
        graph.each_and_in(state, |and| {
            if and.premises.iter().all(|&premise| held.contains(premise)) {
                comes_from(and.premises[0]);
            }
        });
    }
    budget.expand(n_expanded)?;
    Ok(leading)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::random::SplitMix64;
    use crate::search::testing::{naive_closure, random_graph, random_states};
    use crate::search::{StepGraph, View};

    fn separates(graph: &StepGraph, cut: &Cut, sources: &[StateId], targets: &[StateId]) -> bool {
        let states = Bits::of(graph.n_states(), cut.states.iter().map(|state| state.0));
        let steps = Bits::of(graph.n_steps(), cut.steps.iter().map(|step| step.0));
        let view = View::new(graph)
            .without_states(&states)
            .without_steps(&steps);
        let left = naive_closure(&view, sources);
        !targets.iter().any(|target| left[target.idx()])
    }

    /// The cheapest separating subset by trying all of them.
    fn cheapest_by_trying(
        graph: &StepGraph,
        sources: &[StateId],
        targets: &[StateId],
        candidates: &[(Option<StateId>, Option<StepId>, u64)],
    ) -> Option<u64> {
        (0u32..1 << candidates.len())
            .filter_map(|subset| {
                let chosen = || {
                    candidates
                        .iter()
                        .enumerate()
                        .filter(|(idx, _)| subset >> idx & 1 == 1)
                };
                let cut = Cut {
                    states: chosen().filter_map(|(_, candidate)| candidate.0).collect(),
                    steps: chosen().filter_map(|(_, candidate)| candidate.1).collect(),
                    cost: chosen().map(|(_, candidate)| candidate.2).sum(),
                };
                separates(graph, &cut, sources, targets).then_some(cut.cost)
            })
            .min()
    }

    #[test]
    fn no_cheaper_set_of_states_separates() {
        let mut n_cuts = 0;
        for seed in 0..1000 {
            let graph = random_graph(seed);
            let mut random = SplitMix64::new(!seed);
            let sources = random_states(&mut random, graph.n_states());
            let targets = random_states(&mut random, graph.n_states());
            let found = minimum_cut(
                &graph,
                &sources,
                &targets,
                Cuttable::States,
                &Budget::unlimited(),
            )
            .unwrap();
            let candidates: Vec<_> = graph
                .states()
                .filter(|state| !sources.contains(state) && !targets.contains(state))
                .map(|state| (Some(state), None, 1))
                .collect();
            let expected = cheapest_by_trying(&graph, &sources, &targets, &candidates);
            if graph.n_and_steps() == 0 {
                assert_eq!(found.as_ref().map(|cut| cut.cost), expected, "seed {seed}");
            }
            if let Some(cut) = found {
                assert!(separates(&graph, &cut, &sources, &targets), "seed {seed}");
                assert!(cut.steps.is_empty() && cut.cost as usize == cut.states.len());
                n_cuts += usize::from(cut.cost > 0);
            }
        }
        assert!(n_cuts > 50);
    }

    #[test]
    fn no_cheaper_set_of_weighted_states_and_steps_separates() {
        let mut n_cuts = 0;
        for seed in 0..1000 {
            let graph = random_graph(seed);
            if graph.n_states() + graph.n_steps() > 14 || graph.n_and_steps() > 0 {
                continue;
            }
            let mut random = SplitMix64::new(!seed);
            let sources = random_states(&mut random, graph.n_states());
            let targets = random_states(&mut random, graph.n_states());
            let mut capacities = |n: usize| -> Vec<Capacity> {
                let capacity = |random: &mut SplitMix64| match random.below(4) {
                    0 => Capacity::UNCUTTABLE,
                    _ => Capacity(1 + random.below(9)),
                };
                (0..n).map(|_| capacity(&mut random)).collect()
            };
            let (states, steps) = (capacities(graph.n_states()), capacities(graph.n_steps()));
            let cuttable = Cuttable::Weighted {
                state: &|state| states[state.idx()],
                step: &|step| steps[step.idx()],
            };
            let found =
                minimum_cut(&graph, &sources, &targets, cuttable, &Budget::unlimited()).unwrap();
            let cuttable_states = graph
                .states()
                .map(|state| (Some(state), None, states[state.idx()].0));
            let cuttable_steps = graph
                .steps()
                .map(|step| (None, Some(step), steps[step.idx()].0));
            let candidates: Vec<_> = cuttable_states
                .chain(cuttable_steps)
                .filter(|candidate| candidate.2 < Capacity::UNCUTTABLE.0)
                .collect();
            let expected = cheapest_by_trying(&graph, &sources, &targets, &candidates);
            assert_eq!(found.as_ref().map(|cut| cut.cost), expected, "seed {seed}");
            if let Some(cut) = found {
                assert!(separates(&graph, &cut, &sources, &targets), "seed {seed}");
                n_cuts += usize::from(cut.cost > 0);
            }
        }
        assert!(n_cuts > 10, "{n_cuts}");
    }

    #[test]
    fn steps_alone_separate_at_the_cost_of_disjoint_paths() {
        for seed in 0..1000 {
            let graph = random_graph(seed);
            if graph.n_steps() > 12 || graph.n_and_steps() > 0 {
                continue;
            }
            let mut random = SplitMix64::new(!seed);
            let sources = random_states(&mut random, graph.n_states());
            let targets = random_states(&mut random, graph.n_states());
            let found = minimum_cut(
                &graph,
                &sources,
                &targets,
                Cuttable::Steps,
                &Budget::unlimited(),
            )
            .unwrap();
            let candidates: Vec<_> = graph.steps().map(|step| (None, Some(step), 1)).collect();
            let expected = cheapest_by_trying(&graph, &sources, &targets, &candidates);
            assert_eq!(found.map(|cut| cut.cost), expected, "seed {seed}");
        }
    }
}
