//! Strongly connected components, and the graph condensed to them.
//!
//! Pearce's one-array version of Tarjan's search (*A space-efficient algorithm for finding strongly
//! connected components*, IPL 116, 2016), without recursion. Components come out sinks first, so
//! every step leads from a component to the same one or to one with a lower number.

use super::topology::{StateId, offsets_of, shift_back};
use super::view::{Soon, Topology};
use crate::budget::{Budget, CHECK_EVERY, Stop};

/// What counts as a link when states are condensed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// Steps with one premise; what holds one state of a component holds them all.
    Single,
    /// Those, and AND steps as a link from their main premise to their gain: everything that can
    /// be derived is then reached, and perhaps more.
    WithAndSteps,
}

/// The strongly connected components.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Components {
    by_state: Vec<u32>,
    /// States by component, ascending inside.
    states: Vec<u32>,
    offsets: Vec<u32>,
}

impl Components {
    /// How many components there are.
    pub fn n_components(&self) -> usize {
        self.offsets.len() - 1
    }

    /// How many states there are.
    pub(crate) fn n_states(&self) -> usize {
        self.by_state.len()
    }

    /// The component of a state; steps lead to the same or to a lower number.
    #[inline]
    pub fn of(&self, state: StateId) -> u32 {
        self.by_state[state.idx()]
    }

    /// The states of a component, ascending.
    pub fn states(&self, component: u32) -> impl ExactSizeIterator<Item = StateId> + '_ {
        self.row(component).iter().map(|&state| StateId(state))
    }

    /// How many states the component has.
    #[inline]
    pub fn size(&self, component: u32) -> u32 {
        self.offsets[component as usize + 1] - self.offsets[component as usize]
    }

    /// The number of states in the largest component.
    pub fn largest(&self) -> u32 {
        (0..self.n_components() as u32)
            .map(|component| self.size(component))
            .max()
            .unwrap_or(0)
    }

    pub(crate) fn row(&self, component: u32) -> &[u32] {
        let component = component as usize;
        &self.states[self.offsets[component] as usize..self.offsets[component + 1] as usize]
    }
}

/// So many states ahead of its turn a row is asked for.
const AHEAD: usize = 8;

struct Visit {
    state: u32,
    cursor: u32,
    and_cursor: u32,
    is_root: bool,
}

/// Finds the strongly connected components. O(states + steps).
///
/// There is no partial answer: half of the components are not a smaller truth.
pub fn components<T: Topology>(
    graph: &T,
    links: Links,
    budget: &Budget,
) -> Result<Components, Stop> {
    let n_states = graph.n_states();
    // 0: not visited. Below `next_component`: on the way, the lowest index it can get back to.
    // Above: done, the number of its component counted down from the highest.
    let mut index = vec![0u32; n_states];
    let mut next_index = 1u32;
    let mut next_component = u32::MAX;
    let has_and = links == Links::WithAndSteps && graph.n_and_steps() > 0;
    let mut path: Vec<Visit> = Vec::new();
    let mut waiting: Vec<u32> = Vec::new();
    let mut n_expanded = 0;
    for root in 0..n_states as u32 {
        if index[root as usize] != 0 {
            continue;
        }
        index[root as usize] = next_index;
        next_index += 1;
        path.push(Visit {
            state: root,
            cursor: 0,
            and_cursor: 0,
            is_root: true,
        });
        while let Some(visit) = path.last_mut() {
            let state = visit.state as usize;
            // The lowest index that the links looked at so far lead back to.
            let before = index[state];
            let mut own = before;
            let mut is_unvisited = |gain: u32| {
                n_expanded += 1;
                let of_gain = index[gain as usize];
                own = own.min(if of_gain == 0 { own } else { of_gain });
                of_gain == 0
            };
            let mut unvisited = graph.find_out(visit.state, &mut visit.cursor, &mut is_unvisited);
            if unvisited.is_none() && has_and {
                unvisited = find_and_out(graph, visit, is_unvisited);
            }
            visit.is_root &= own == before;
            index[state] = own;
            if let Some(gain) = unvisited {
                index[gain as usize] = next_index;
                next_index += 1;
                path.push(Visit {
                    state: gain,
                    cursor: 0,
                    and_cursor: 0,
                    is_root: true,
                });
                continue;
            }
            let is_root = visit.is_root;
            path.pop();
            if is_root {
                next_index -= 1;
                while let Some(&top) = waiting.last() {
                    if index[top as usize] < own {
                        break;
                    }
                    waiting.pop();
                    index[top as usize] = next_component;
                    next_index -= 1;
                }
                index[state] = next_component;
                next_component -= 1;
            } else {
                waiting.push(state as u32);
            }
            if let Some(parent) = path.last_mut() {
                let done = index[state];
                if done < index[parent.state as usize] {
                    index[parent.state as usize] = done;
                    parent.is_root = false;
                }
            }
        }
        if n_expanded >= CHECK_EVERY {
            budget.expand(n_expanded)?;
            n_expanded = 0;
        }
    }
    budget.expand(n_expanded)?;
    for component in &mut index {
        *component = u32::MAX - *component;
    }
    let n_components = (u32::MAX - next_component) as usize;
    let mut offsets = offsets_of(n_components, index.iter().copied());
    let mut states = vec![0; n_states];
    for (state, &component) in (0u32..).zip(&index) {
        let place = &mut offsets[component as usize];
        states[*place as usize] = state;
        *place += 1;
    }
    shift_back(&mut offsets);
    Ok(Components {
        by_state: index,
        states,
        offsets,
    })
}

/// The next wanted gain of an AND step whose main premise the state is.
fn find_and_out<T: Topology>(
    graph: &T,
    visit: &mut Visit,
    mut wanted: impl FnMut(u32) -> bool,
) -> Option<u32> {
    let mut place = 0;
    let mut found = None;
    graph.each_and_out(visit.state, |and| {
        if and.premises[0] == visit.state {
            if found.is_none() && place == visit.and_cursor {
                visit.and_cursor += 1;
                found = wanted(and.gain).then_some(and.gain);
            }
            place += 1;
        }
    });
    found
}

/// The components and the distinct links between them.
#[derive(Clone, Debug)]
pub struct Condensation {
    /// The components.
    pub components: Components,
    offsets: Vec<u32>,
    successors: Vec<u32>,
}

impl Condensation {
    /// Condenses the graph. O(states + steps), and the index that every closure reuses.
    pub fn new<T: Topology>(graph: &T, links: Links, budget: &Budget) -> Result<Self, Stop> {
        let components = components(graph, links, budget)?;
        let n_components = components.n_components();
        let mut offsets = Vec::with_capacity(n_components + 1);
        offsets.push(0);
        let mut successors: Vec<u32> = Vec::new();
        // The component that last listed this one as a successor.
        let mut listed_by = vec![u32::MAX; n_components];
        let mut n_listed = 0;
        for component in 0..n_components as u32 {
            listed_by[component as usize] = component;
            for &state in components.row(component) {
                let later = components.states.get(n_listed + AHEAD);
                let next = components.states.get(n_listed + AHEAD / 2);
                if let (Some(&later), Some(&next)) = (later, next) {
                    graph.expect_out(later, Soon::Later);
                    graph.expect_out(next, Soon::Next);
                }
                n_listed += 1;
                let mut list = |gain: u32| {
                    let successor = components.by_state[gain as usize];
                    if listed_by[successor as usize] != component {
                        listed_by[successor as usize] = component;
                        successors.push(successor);
                    }
                };
                graph.each_out(state, |_, gain, _| list(gain));
                if links == Links::WithAndSteps && graph.n_and_steps() > 0 {
                    graph.each_and_out(state, |and| {
                        if and.premises[0] == state {
                            list(and.gain);
                        }
                    });
                }
            }
            offsets.push(successors.len() as u32);
        }
        budget.expand(successors.len() as u64)?;
        Ok(Self {
            components,
            offsets,
            successors,
        })
    }

    /// The components one link away; each has a lower number, in no particular order.
    #[inline]
    pub fn successors(&self, component: u32) -> &[u32] {
        let component = component as usize;
        &self.successors[self.offsets[component] as usize..self.offsets[component + 1] as usize]
    }

    /// How many components there are.
    pub fn n_components(&self) -> usize {
        self.components.n_components()
    }

    /// How many distinct links between components there are.
    pub fn n_links(&self) -> usize {
        self.successors.len()
    }

    /// The links backwards: offsets and predecessors.
    pub(crate) fn predecessors(&self) -> (Vec<u32>, Vec<u32>) {
        let mut offsets = offsets_of(self.n_components(), self.successors.iter().copied());
        let mut predecessors = vec![0; self.successors.len()];
        for component in 0..self.n_components() as u32 {
            for &successor in self.successors(component) {
                let place = &mut offsets[successor as usize];
                predecessors[*place as usize] = component;
                *place += 1;
            }
        }
        shift_back(&mut offsets);
        (offsets, predecessors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::testing::{all_steps, random_graph};

    #[test]
    fn components_are_the_states_that_reach_each_other() {
        for seed in 0..4000 {
            let graph = random_graph(seed);
            for links in [Links::Single, Links::WithAndSteps] {
                let n = graph.n_states();
                let mut reach = vec![vec![false; n]; n];
                for (state, row) in reach.iter_mut().enumerate() {
                    row[state] = true;
                }
                let edges: Vec<(usize, usize)> = all_steps(&graph)
                    .into_iter()
                    .filter(|(_, parts)| links == Links::WithAndSteps || parts.premises.len() == 1)
                    .map(|(_, parts)| (parts.premises[0].idx(), parts.gain.idx()))
                    .collect();
                for _ in 0..n {
                    for &(from, to) in &edges {
                        for row in &mut reach {
                            row[to] |= row[from];
                        }
                    }
                }
                let budget = Budget::unlimited();
                let condensed = Condensation::new(&graph, links, &budget).unwrap();
                let components = &condensed.components;
                for a in graph.states() {
                    assert!(components.states(components.of(a)).any(|state| state == a));
                    for b in graph.states() {
                        let together = reach[a.idx()][b.idx()] && reach[b.idx()][a.idx()];
                        assert_eq!(
                            together,
                            components.of(a) == components.of(b),
                            "seed {seed}"
                        );
                    }
                }
                let mut expected: Vec<(u32, u32)> = edges
                    .iter()
                    .map(|edge| {
                        let of = |state| components.of(StateId(state as u32));
                        (of(edge.0), of(edge.1))
                    })
                    .filter(|(from, to)| from != to)
                    .collect();
                expected.sort_unstable();
                expected.dedup();
                let mut found: Vec<(u32, u32)> = (0..condensed.n_components() as u32)
                    .flat_map(|from| condensed.successors(from).iter().map(move |&to| (from, to)))
                    .collect();
                found.sort_unstable();
                assert_eq!(found, expected, "seed {seed}");
                assert!(found.iter().all(|(from, to)| from > to), "seed {seed}");
                let total: u32 = (0..condensed.n_components() as u32)
                    .map(|c| components.size(c))
                    .sum();
                assert_eq!(total as usize, n);
                let (offsets, predecessors) = condensed.predecessors();
                let mut back: Vec<(u32, u32)> = (0..condensed.n_components())
                    .flat_map(|to| {
                        predecessors[offsets[to] as usize..offsets[to + 1] as usize]
                            .iter()
                            .map(move |&from| (from, to as u32))
                    })
                    .collect();
                back.sort_unstable();
                assert_eq!(back, expected, "seed {seed}");
            }
        }
    }
}
