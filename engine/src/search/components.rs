//! Strongly connected components, and the graph condensed to them.
//!
//! Components come out sinks first, so every step leads from a component to the same one or to one
//! with a lower number.

mod around;
mod depth_first;
mod peel;
mod queue;

use self::around::Around;
use self::depth_first::depth_first;
use self::peel::Peeled;
use super::topology::{StateId, offsets_of, shift_back};
use super::view::{Soon, Topology};
use crate::budget::{Budget, Stop};

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

/// Finds the strongly connected components. O(states + steps).
///
/// In three ways, each where it is the cheapest, after Slota, Rajamanickam and Madduri (*BFS and
/// coloring-based parallel algorithms for strongly connected components*, IPDPS 2014): what leads
/// into no cycle and what no cycle leads to is peeled off, the largest component is what a busy
/// state reaches and is reached from, and a depth-first search does the rest. The first two know
/// which rows come next and need not wait for them.
///
/// There is no partial answer: half of the components are not a smaller truth.
pub fn components<T: Topology>(
    graph: &T,
    links: Links,
    budget: &Budget,
) -> Result<Components, Stop> {
    let linked = Linked::new(graph, links);
    let mut numbers = Numbers::new(graph.n_states());
    let peeled = Peeled::new(&linked, &mut numbers, budget)?;
    for &source in &peeled.sources {
        numbers.of_state[source as usize] = LATER;
    }
    if let Some(pivot) = peeled.busiest() {
        let around = Around::new(&linked, &numbers, pivot, budget)?;
        depth_first(&linked, &mut numbers, around.behind(), budget)?;
        numbers.number(&around.members);
    }
    depth_first(&linked, &mut numbers, 0..graph.n_states() as u32, budget)?;
    // What a source leads to has its number now.
    for &source in peeled.sources.iter().rev() {
        numbers.number(&[source]);
    }
    Ok(numbers.finish())
}

/// The mark of a state that is numbered when all others are: no component has so high a number,
/// since there are fewer states than that.
const LATER: u32 = u32::MAX;

/// What is known so far.
struct Numbers {
    /// 0: not visited. Below `next_component`: on the way of a depth-first search, the lowest index
    /// it can get back to. Above: done, the number of its component counted down from the highest.
    of_state: Vec<u32>,
    next_component: u32,
}

impl Numbers {
    fn new(n_states: usize) -> Self {
        Self {
            of_state: vec![0; n_states],
            next_component: u32::MAX - 1,
        }
    }

    /// The states that have none yet.
    fn left(&self) -> impl Iterator<Item = u32> + '_ {
        let states = (0..).zip(&self.of_state);
        states.filter_map(|(state, &number)| (number == 0).then_some(state))
    }

    /// Makes a component of these states.
    fn number(&mut self, states: &[u32]) {
        for &state in states {
            self.of_state[state as usize] = self.next_component;
        }
        self.next_component -= 1;
    }

    fn finish(self) -> Components {
        let mut by_state = self.of_state;
        for component in &mut by_state {
            *component = u32::MAX - 1 - *component;
        }
        let n_components = (u32::MAX - 1 - self.next_component) as usize;
        let mut offsets = offsets_of(n_components, by_state.iter().copied());
        let mut states = vec![0; by_state.len()];
        for (state, &component) in (0u32..).zip(&by_state) {
            let place = &mut offsets[component as usize];
            states[*place as usize] = state;
            *place += 1;
        }
        shift_back(&mut offsets);
        Components {
            by_state,
            states,
            offsets,
        }
    }
}

/// A graph with what counts as a link in it.
struct Linked<'g, T> {
    graph: &'g T,
    has_and: bool,
}

impl<'g, T: Topology> Linked<'g, T> {
    fn new(graph: &'g T, links: Links) -> Self {
        let has_and = links == Links::WithAndSteps && graph.n_and_steps() > 0;
        Self { graph, has_and }
    }

    #[inline]
    fn each_out(&self, state: u32, mut visit: impl FnMut(u32)) {
        self.graph.each_out(state, |_, gain, _| visit(gain));
        if self.has_and {
            self.graph.each_and_out(state, |and| {
                if and.premises[0] == state {
                    visit(and.gain);
                }
            });
        }
    }

    #[inline]
    fn each_in(&self, state: u32, mut visit: impl FnMut(u32)) {
        self.graph.each_in(state, |_, premise, _| visit(premise));
        if self.has_and {
            self.graph.each_and_in(state, |and| visit(and.premises[0]));
        }
    }

    /// How many links lead from a state to others.
    #[inline]
    fn n_out(&self, state: u32) -> u32 {
        let mut n_links = self.graph.n_out(state);
        if self.has_and {
            self.graph.each_and_out(state, |and| {
                n_links += u32::from(and.premises[0] == state && and.gain != state);
            });
        }
        n_links
    }

    /// How many links lead to a state from others.
    #[inline]
    fn n_in(&self, state: u32) -> u32 {
        let mut n_links = self.graph.n_in(state);
        if self.has_and {
            self.graph
                .each_and_in(state, |and| n_links += u32::from(and.premises[0] != state));
        }
        n_links
    }
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
