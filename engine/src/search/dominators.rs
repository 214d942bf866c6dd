//! Choke points that are one state or one step: dominators from all starts at once.
//!
//! Semi-NCA (Georgiadis, *Linear-time algorithms for dominators and related problems*, 2005) over
//! a super source that stands before the starts.
//!
//! With AND steps the tree is that of main chains (among steps that can be taken at all): every
//! dominator is a choke point, but a state that is needed only as a side premise is not seen.
//! [`choke_points_of`] finds those too, for the targets it is given.

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};

use super::cheapest::cheapest_from;
use super::closure::{closure, closure_without};
use super::topology::{StateId, StepGraph, StepId};
use super::view::{Soon, Topology};
use crate::bits::Bits;
use crate::budget::{Budget, CHECK_EVERY, Stop};
use crate::score::cost::{Cost, likelihood_of_cost};

/// The dominator tree of the states that can be reached from the starts.
#[derive(Clone, Debug)]
pub struct Dominators {
    /// Preorder number by state; 0 for what is not reached (the super source has that number).
    numbers: Vec<u32>,
    /// State by number; entry 0 means nothing.
    states: Vec<u32>,
    /// Immediate dominator by number.
    immediate: Vec<u32>,
    /// Place in a preorder of the dominator tree, and size of the subtree, by number.
    places: Vec<(u32, u32)>,
    /// AND steps all of whose premises can be derived.
    and_works: Bits,
    is_start: Bits,
}

impl Dominators {
    /// Whether the starts reach the state at all.
    pub fn is_reached(&self, state: StateId) -> bool {
        self.numbers[state.idx()] != 0
    }

    /// The nearest other state that everything on its way here passes; [`None`] if there is none
    /// (a start, or several independent ways) or if the state is not reached.
    pub fn immediate(&self, state: StateId) -> Option<StateId> {
        let number = self.numbers[state.idx()];
        let dominator = self.immediate[number as usize];
        (number != 0 && dominator != 0).then(|| StateId(self.states[dominator as usize]))
    }

    /// Every other state that all ways here pass, the nearest first.
    pub fn of(&self, state: StateId) -> impl Iterator<Item = StateId> + '_ {
        std::iter::successors(self.immediate(state), |&at| self.immediate(at))
    }

    /// Whether all ways to `b` pass `a`; a reached state dominates itself.
    pub fn dominates(&self, a: StateId, b: StateId) -> bool {
        let (a, b) = (self.numbers[a.idx()], self.numbers[b.idx()]);
        a != 0 && b != 0 && self.subtree_holds(a, b)
    }

    fn subtree_holds(&self, a: u32, b: u32) -> bool {
        let (start, size) = self.places[a as usize];
        (start..start + size).contains(&self.places[b as usize].0)
    }

    /// How many states can be reached only through this one, itself included.
    pub fn n_dominated(&self, state: StateId) -> u32 {
        match self.numbers[state.idx()] {
            0 => 0,
            number => self.places[number as usize].1,
        }
    }

    /// For each state how many of the targets are reached only through it, and their value.
    ///
    /// A target counts for itself too. States that cut no target are left out; the rest is
    /// ordered by value, then number of targets, then id. O(states).
    pub fn targets_cut(&self, targets: &[(StateId, u32)]) -> Vec<(StateId, u32, u64)> {
        let mut sums = vec![(0u32, 0u64); self.states.len()];
        for (target, value) in targets {
            let sum = &mut sums[self.numbers[target.idx()] as usize];
            *sum = (sum.0 + 1, sum.1 + u64::from(*value));
        }
        for number in (1..self.states.len()).rev() {
            let own = sums[number];
            let above = &mut sums[self.immediate[number] as usize];
            *above = (above.0 + own.0, above.1 + own.1);
        }
        let mut cut: Vec<(StateId, u32, u64)> = (1..self.states.len())
            .filter(|&number| sums[number].0 > 0)
            .map(|number| (StateId(self.states[number]), sums[number].0, sums[number].1))
            .collect();
        cut.sort_unstable_by_key(|&(state, n, value)| (std::cmp::Reverse((value, n)), state));
        cut
    }

    /// The one step that every way to this state must take to get there for the first time;
    /// [`None`] if there are several, or for a start. O(steps that gain the state).
    pub fn only_step_into<T: Topology>(&self, graph: &T, state: StateId) -> Option<StepId> {
        let own = self.numbers[state.idx()];
        if own == 0 || self.is_start.contains(state.0) {
            return None;
        }
        let mut n_entries = 0;
        let mut entry = None;
        let mut consider = |step: u32, premise: u32| {
            let from = self.numbers[premise as usize];
            if from != 0 && !self.subtree_holds(own, from) {
                n_entries += 1;
                entry = Some(StepId(step));
            }
        };
        graph.each_in(state.0, |step, premise, _| consider(step, premise));
        graph.each_and_in(state.0, |and| {
            if self.and_works.contains(and.and) {
                consider(and.step, and.premises[0]);
            }
        });
        // A start is entered without any step.
        let is_start = self.immediate[own as usize] == 0 && n_entries == 0;
        if n_entries == 1 && !is_start {
            entry
        } else {
            None
        }
    }

    /// See [`super::probability_ceilings`].
    pub(crate) fn ceilings<T: Topology>(&self, graph: &T) -> Vec<f64> {
        let mut by_number = vec![1.0; self.states.len()];
        let mut by_state = vec![0.0; graph.n_states()];
        for own in 1..self.states.len() as u32 {
            let state = self.states[own as usize];
            let mut all_fail = 1.0;
            let mut consider = |premise: u32, cost: Cost| {
                let from = self.numbers[premise as usize];
                if from != 0 && !self.subtree_holds(own, from) {
                    all_fail *= 1.0 - likelihood_of_cost(cost);
                }
            };
            graph.each_in(state, |_, premise, cost| consider(premise, cost));
            graph.each_and_in(state, |and| {
                if self.and_works.contains(and.and) {
                    consider(and.premises[0], and.cost);
                }
            });
            let enters = if self.is_start.contains(state) {
                1.0
            } else {
                1.0 - all_fail
            };
            // The immediate dominator has a lower number, so it is done.
            by_number[own as usize] = by_number[self.immediate[own as usize] as usize] * enters;
            by_state[state as usize] = by_number[own as usize];
        }
        by_state
    }
}

/// So many states ahead of its turn a row is asked for.
const AHEAD: u32 = 8;

/// The dominator tree from all starts. Nearly O(states + steps) in the reached part.
pub fn dominators<T: Topology>(
    graph: &T,
    starts: &[StateId],
    budget: &Budget,
) -> Result<Dominators, Stop> {
    let mut and_works = Bits::new(graph.n_and_steps());
    if graph.n_and_steps() > 0 {
        let (held, stop) = closure(graph, starts, budget).into_parts();
        if let Some(stop) = stop {
            return Err(stop);
        }
        graph.each_and(|and| {
            if and.premises.iter().all(|&premise| held.contains(premise)) {
                and_works.insert(and.and);
            }
        });
    }
    let mut is_start = Bits::new(graph.n_states());
    for start in starts {
        if graph.has_state(start.0) {
            is_start.insert(start.0);
        }
    }
    let Preorder {
        numbers,
        states,
        parents,
    } = preorder(graph, &is_start, &and_works, budget)?;
    let n = states.len();
    // By number the nearest ancestor that is not compressed away, and the lowest semidominator on
    // the way up to it; one's own at first.
    let mut ways: Vec<Way> = (0u32..)
        .zip(&parents)
        .map(|(own, &parent)| Way {
            up: parent,
            lowest: own,
        })
        .collect();
    let mut semi = vec![0; n];
    let has_and = graph.n_and_steps() > 0;
    let mut path = Vec::new();
    // A lone start comes first and everything else behind it, so nothing gets below its number.
    let floor = u32::from(is_start.iter().nth(1).is_none());
    let mut n_expanded = 0;
    for own in (1..n as u32).rev() {
        let mut lowest = parents[own as usize];
        let mut consider = |premise: u32| {
            n_expanded += 1;
            if lowest <= floor {
                return;
            }
            let from = numbers[premise as usize];
            if from == 0 {
                return;
            }
            let candidate = if from <= own {
                from
            } else {
                lowest_above(from, own, &mut ways, &mut path)
            };
            lowest = lowest.min(candidate);
        };
        let state = states[own as usize];
        if own > AHEAD {
            graph.expect_in(states[(own - AHEAD) as usize], Soon::Later);
            graph.expect_in(states[(own - AHEAD / 2) as usize], Soon::Next);
        }
        graph.each_in(state, |_, premise, _| consider(premise));
        if has_and {
            graph.each_and_in(state, |and| {
                if and_works.contains(and.and) {
                    consider(and.premises[0]);
                }
            });
        }
        if is_start.contains(state) {
            lowest = 0;
        }
        ways[own as usize].lowest = lowest;
        semi[own as usize] = lowest;
        if n_expanded >= CHECK_EVERY {
            budget.expand(n_expanded)?;
            n_expanded = 0;
        }
    }
    let mut immediate = parents;
    for own in 1..n {
        let mut dominator = immediate[own];
        while dominator > semi[own] {
            dominator = immediate[dominator as usize];
        }
        immediate[own] = dominator;
    }
    let places = places(&immediate);
    Ok(Dominators {
        numbers,
        states,
        immediate,
        places,
        and_works,
        is_start,
    })
}

struct Preorder {
    numbers: Vec<u32>,
    states: Vec<u32>,
    parents: Vec<u32>,
}

/// Depth-first numbers from 1; number 0 is the super source.
fn preorder<T: Topology>(
    graph: &T,
    is_start: &Bits,
    and_works: &Bits,
    budget: &Budget,
) -> Result<Preorder, Stop> {
    let mut numbers = vec![0u32; graph.n_states()];
    let mut states = vec![u32::MAX];
    let mut parents = vec![0];
    // The states on the way down, with how many of their steps were looked at.
    let mut path: Vec<(u32, u32, u32)> = Vec::new();
    let mut n_expanded = 0;
    for start in is_start.iter() {
        let mut next = (numbers[start as usize] == 0).then_some((start, 0));
        loop {
            if let Some((state, parent)) = next.take() {
                let own = states.len() as u32;
                numbers[state as usize] = own;
                states.push(state);
                parents.push(parent);
                path.push((state, 0, 0));
            }
            let Some((state, cursor, and_cursor)) = path.last_mut() else {
                break;
            };
            let own = numbers[*state as usize];
            let found = graph.find_out(*state, cursor, |gain| {
                n_expanded += 1;
                numbers[gain as usize] == 0
            });
            if let Some(gain) = found {
                next = Some((gain, own));
            }
            if next.is_none() && !and_works.is_empty() {
                next = next_and(graph, and_works, &numbers, *state, and_cursor)
                    .map(|gain| (gain, own));
            }
            if next.is_none() {
                path.pop();
            }
            if n_expanded >= CHECK_EVERY {
                budget.expand(n_expanded)?;
                n_expanded = 0;
            }
        }
    }
    Ok(Preorder {
        numbers,
        states,
        parents,
    })
}

/// The next state without a number that a working AND step gains from this main premise.
fn next_and<T: Topology>(
    graph: &T,
    and_works: &Bits,
    numbers: &[u32],
    state: u32,
    cursor: &mut u32,
) -> Option<u32> {
    let mut place = 0;
    let mut found = None;
    graph.each_and_out(state, |and| {
        place += 1;
        if found.is_none() && place > *cursor {
            *cursor = place;
            let leads_on = and.premises[0] == state && and_works.contains(and.and);
            if leads_on && numbers[and.gain as usize] == 0 {
                found = Some(and.gain);
            }
        }
    });
    found
}

/// A number's way up in the depth-first tree, as far as it is compressed.
#[derive(Clone, Copy)]
struct Way {
    up: u32,
    lowest: u32,
}

/// The lowest semidominator on the way from `from` up to, not including, the last number that is
/// not above `until`; compresses the way.
#[inline]
fn lowest_above(from: u32, until: u32, ways: &mut [Way], path: &mut Vec<u32>) -> u32 {
    let way = ways[from as usize];
    if way.up <= until {
        return way.lowest;
    }
    path.clear();
    let mut at = from;
    loop {
        let way = ways[at as usize];
        if way.up <= until {
            break;
        }
        path.push(at);
        at = way.up;
    }
    let mut above = ways[at as usize];
    while let Some(below) = path.pop() {
        let way = &mut ways[below as usize];
        way.lowest = way.lowest.min(above.lowest);
        way.up = above.up;
        above = *way;
    }
    above.lowest
}

fn places(immediate: &[u32]) -> Vec<(u32, u32)> {
    let n = immediate.len();
    let mut places = vec![(0u32, 1u32); n];
    for number in (1..n).rev() {
        let size = places[number].1;
        places[immediate[number] as usize].1 += size;
    }
    // Where the next child of each number goes.
    let mut next = vec![1u32; n];
    for number in 1..n {
        let above = immediate[number] as usize;
        let place = next[above];
        next[above] += places[number].1;
        places[number].0 = place;
        next[number] = place + 1;
    }
    places
}

/// For each target the states without any one of which it could not be derived; exact with AND steps.
///
/// Starts and the target itself are not listed. Only states of one derivation can qualify. One that
/// the derivation of another step into the target does without is none; each of the others is taken
/// away once, for all targets: O(such states * reached part). In the order of the cheapest
/// derivation. Empty for a target that cannot be derived at all, or is a start.
pub fn choke_points_of(
    graph: &StepGraph,
    starts: &[StateId],
    targets: &[StateId],
    budget: &Budget,
) -> Result<Vec<Vec<StateId>>, Stop> {
    let (cheapest, stop) = cheapest_from(graph, starts, budget).into_parts();
    if let Some(stop) = stop {
        return Err(stop);
    }
    let passed = |state: StateId| -> Vec<StateId> {
        let steps = cheapest.derivation(graph, state).unwrap_or_default();
        steps.into_iter().map(|step| graph.gain(step)).collect()
    };
    let mut known: FxHashMap<StateId, Vec<StateId>> = FxHashMap::default();
    let mut found: Vec<Vec<StateId>> = Vec::with_capacity(targets.len());
    for &target in targets {
        let mut candidates = passed(target);
        let is_one = |state: &StateId| *state != target && !starts.contains(state);
        candidates.retain(is_one);
        let mut is_new = FxHashSet::default();
        candidates.retain(|state| is_new.insert(*state));
        // A derivation through the target passes every state that the target's own does.
        let single = graph.in_steps(target).map(|(step, ..)| step);
        for step in single.chain(graph.in_and_steps(target)) {
            if candidates.is_empty() {
                break;
            }
            budget.expand(1)?;
            let premises = graph.premises(step).into_iter();
            let premises: Vec<StateId> = premises.collect();
            if premises.iter().all(|&premise| cheapest.is_reached(premise)) {
                for &premise in &premises {
                    known.entry(premise).or_insert_with(|| passed(premise));
                }
                candidates.retain(|state| {
                    let mut ways = premises.iter().filter_map(|premise| known.get(premise));
                    ways.any(|way| way.contains(state))
                });
            }
        }
        found.push(candidates);
    }
    let mut by_state: BTreeMap<StateId, Vec<usize>> = BTreeMap::new();
    for (at, candidates) in found.iter().enumerate() {
        for &state in candidates {
            by_state.entry(state).or_default().push(at);
        }
    }
    for (state, ats) in by_state {
        let left = closure_without(graph, starts, state, budget)?;
        for at in ats {
            if left.contains(targets[at].0) {
                found[at].retain(|one| *one != state);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::View;
    use crate::search::random::SplitMix64;
    use crate::search::testing::{naive_closure, random_graph, random_states};

    #[test]
    fn a_dominator_is_a_state_without_which_nothing_arrives() {
        let mut n_true = 0;
        for seed in 0..4000 {
            let graph = random_graph(seed);
            let mut random = SplitMix64::new(!seed);
            let starts = random_states(&mut random, graph.n_states());
            let budget = Budget::unlimited();
            let tree = dominators(&graph, &starts, &budget).unwrap();
            let reached = naive_closure(&graph, &starts);
            for a in graph.states() {
                assert_eq!(tree.is_reached(a), reached[a.idx()], "seed {seed}");
                let hidden = Bits::of(graph.n_states(), [a.0]);
                let left = naive_closure(&View::new(&graph).without_states(&hidden), &starts);
                let mut n_dominated = 0;
                for b in graph
                    .states()
                    .filter(|b| reached[b.idx()] && reached[a.idx()])
                {
                    let expected = !left[b.idx()];
                    if graph.n_and_steps() == 0 {
                        assert_eq!(tree.dominates(a, b), expected, "seed {seed}: {a:?} {b:?}");
                        assert_eq!(a != b && expected, tree.of(b).any(|state| state == a));
                        n_dominated += u32::from(expected);
                    } else {
                        assert!(
                            !tree.dominates(a, b) || expected,
                            "seed {seed}: {a:?} {b:?}"
                        );
                    }
                    n_true += usize::from(a != b && tree.dominates(a, b));
                }
                if graph.n_and_steps() == 0 {
                    assert_eq!(tree.n_dominated(a), n_dominated);
                }
            }
            let values: Vec<(StateId, u32)> =
                graph.states().map(|state| (state, state.0 + 1)).collect();
            for (state, n, value) in tree.targets_cut(&values) {
                let cut: Vec<StateId> = graph
                    .states()
                    .filter(|&b| tree.dominates(state, b))
                    .collect();
                assert_eq!(n as usize, cut.len());
                assert_eq!(value, cut.iter().map(|b| u64::from(b.0) + 1).sum::<u64>());
            }
        }
        assert!(n_true > 1000);
    }

    #[test]
    fn exact_choke_points_see_side_premises_too() {
        let mut n_more = 0;
        for seed in 0..3000 {
            let graph = random_graph(seed);
            let mut random = SplitMix64::new(!seed);
            let starts = random_states(&mut random, graph.n_states());
            let budget = Budget::unlimited();
            let tree = dominators(&graph, &starts, &budget).unwrap();
            let all: Vec<StateId> = graph.states().collect();
            let mut found = choke_points_of(&graph, &starts, &all, &budget).unwrap();
            for target in graph.states() {
                let found = &mut found[target.idx()];
                found.sort_unstable();
                let reached = naive_closure(&graph, &starts)[target.idx()];
                let is_needed = |state: &StateId| {
                    let hidden = Bits::of(graph.n_states(), [state.0]);
                    let view = View::new(&graph).without_states(&hidden);
                    !naive_closure(&view, &starts)[target.idx()]
                };
                let expected: Vec<StateId> = graph
                    .states()
                    .filter(|state| reached && *state != target && !starts.contains(state))
                    .filter(is_needed)
                    .collect();
                assert_eq!(*found, expected, "seed {seed} {target:?}");
                n_more += usize::from(found.len() > tree.of(target).count());
            }
        }
        assert!(n_more > 10);
    }

    #[test]
    fn the_only_step_into_a_state_is_one_without_which_it_is_lost() {
        let mut n_found = 0;
        for seed in 0..3000 {
            let graph = random_graph(seed);
            let mut random = SplitMix64::new(!seed);
            let starts = random_states(&mut random, graph.n_states());
            let budget = Budget::unlimited();
            let tree = dominators(&graph, &starts, &budget).unwrap();
            for state in graph.states().filter(|&state| tree.is_reached(state)) {
                let needed: Vec<StepId> = graph
                    .steps()
                    .filter(|&step| graph.gain(step) == state)
                    .filter(|step| {
                        let hidden = Bits::of(graph.n_steps(), [step.0]);
                        let view = View::new(&graph).without_steps(&hidden);
                        !naive_closure(&view, &starts)[state.idx()]
                    })
                    .collect();
                let found = tree.only_step_into(&graph, state);
                n_found += usize::from(found.is_some());
                if graph.n_and_steps() == 0 || found.is_some() {
                    assert_eq!(found, needed.first().copied(), "seed {seed} {state:?}");
                }
            }
        }
        assert!(n_found > 1000);
    }
}
