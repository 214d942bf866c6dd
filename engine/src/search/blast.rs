//! The blast radius of every state: how many states, and what value, fall if it falls. Exact.
//!
//! The closure is never stored: a block of lanes is swept over the condensed graph, counted and
//! thrown away; blocks run in parallel.
//!
//! - Without AND steps a lane is a *target* component and the sweep goes from the sinks up; what a
//!   component reaches in the block is a popcount.
//! - With AND steps a lane is a *source* component and the sweep goes the other way: an AND step
//!   passes on the lanes that hold all of its premises, and the sweep is repeated until no AND step
//!   adds a lane. Lane counts are kept bit by bit (one word per binary digit).

#![allow(
    clippy::inline_always,
    clippy::needless_range_loop,
    reason = "loops over lanes are compiled for the widest vectors, which takes inlining and plain indexes"
)]

use std::sync::atomic::{AtomicUsize, Ordering};

use fearless_simd::{Level, dispatch};

use super::components::Condensation;
use super::topology::StateId;
use super::view::Topology;
use crate::bits::Bits;
use crate::budget::{Budget, Outcome, Stop};

/// How many states each state reaches, itself included, and what they are worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlastSizes {
    /// By component: states reached and their value.
    by_component: Vec<(u32, u64)>,
}

impl BlastSizes {
    /// How many states fall with this one, itself included.
    pub fn n_states(&self, condensed: &Condensation, state: StateId) -> u32 {
        self.by_component[condensed.components.of(state) as usize].0
    }

    /// What the states that fall with this one are worth together, itself included.
    pub fn value(&self, condensed: &Condensation, state: StateId) -> u64 {
        self.by_component[condensed.components.of(state) as usize].1
    }
}

const WORDS: usize = 16;
const LANES: usize = 64 * WORDS;
type Lanes = [u64; WORDS];

/// The exact size and value of every state's blast radius.
///
/// `values` is the value of a state by its id, empty for none. `held` is what the attacker holds
/// anyway, as [`super::closure`] gives it: such a state may support an AND step, but at least one
/// premise must come from the state in question; [`None`] for an attacker who holds nothing else.
/// Where the radius of some states is asked `only`, what is said of others may be nothing.
///
/// The condensation must be made with [`super::Links::Single`]. O(components * (components +
/// links) / 1024), times the repetitions that AND steps need (one or two unless they feed each
/// other backwards). If stopped, sizes are lower bounds: some targets, or some sources, are missing.
pub fn blast_sizes<T: Topology>(
    graph: &T,
    condensed: &Condensation,
    values: &[u32],
    held: Option<&Bits>,
    only: Option<&[StateId]>,
    pool: &rayon::ThreadPool,
    budget: &Budget,
) -> Outcome<BlastSizes> {
    let weights = Weights::new(condensed, values);
    if graph.n_and_steps() == 0 {
        return by_targets(condensed, &weights, pool, budget);
    }
    let mut sources: Vec<u32> = match only {
        Some(states) => states
            .iter()
            .map(|&state| condensed.components.of(state))
            .collect(),
        None => (0..condensed.n_components() as u32).collect(),
    };
    sources.sort_unstable();
    sources.dedup();
    let links = AndLink::all(graph, condensed, held);
    by_sources(condensed, &weights, (&links, &sources), pool, budget)
}

/// What each component adds to a count.
struct Weights {
    values: Vec<u64>,
    /// Components that are more than one state without a value.
    is_special: Bits,
}

impl Weights {
    fn new(condensed: &Condensation, values: &[u32]) -> Self {
        let n_components = condensed.n_components();
        let mut of_components = vec![0; n_components];
        for (state, &value) in (0u32..).zip(values) {
            of_components[condensed.components.of(StateId(state)) as usize] += u64::from(value);
        }
        let is_special = Bits::of(
            n_components,
            (0..n_components as u32).filter(|&component| {
                of_components[component as usize] > 0 || condensed.components.size(component) > 1
            }),
        );
        Self {
            values: of_components,
            is_special,
        }
    }
}

fn by_targets(
    condensed: &Condensation,
    weights: &Weights,
    pool: &rayon::ThreadPool,
    budget: &Budget,
) -> Outcome<BlastSizes> {
    let n_components = condensed.n_components();
    // The first blocks sweep the most; each thread takes the next one when it is done.
    let next_block = AtomicUsize::new(0);
    let level = Level::new();
    let sweeps = pool.broadcast(|_| {
        let mut sweep = TargetSweep::new(n_components);
        let stop = take_blocks(&next_block, n_components, |block| {
            dispatch!(level, simd => {
                let _ = simd;
                sweep.run(condensed, weights, block, budget)
            })
        });
        (sweep.counts, stop.err())
    });
    let mut by_component = vec![(0, 0); n_components];
    let mut stop = None;
    for (counts, reason) in sweeps {
        for (sum, part) in by_component.iter_mut().zip(counts) {
            sum.0 += part.0;
            sum.1 += part.1;
        }
        stop = stop.or(reason);
    }
    Outcome::new(BlastSizes { by_component }, stop)
}

/// Runs one block of lanes after the other until none is left.
fn take_blocks(
    next_block: &AtomicUsize,
    n_components: usize,
    mut run: impl FnMut(usize) -> Result<(), Stop>,
) -> Result<(), Stop> {
    loop {
        let block = next_block.fetch_add(1, Ordering::Relaxed) * LANES;
        if block >= n_components {
            return Ok(());
        }
        run(block)?;
    }
}

struct TargetSweep {
    lanes: Vec<Lanes>,
    counts: Vec<(u32, u64)>,
}

impl TargetSweep {
    fn new(n_components: usize) -> Self {
        Self {
            lanes: vec![[0; WORDS]; n_components],
            counts: vec![(0, 0); n_components],
        }
    }

    /// Adds to every component what it reaches among the components of one block.
    #[inline(always)]
    fn run(
        &mut self,
        condensed: &Condensation,
        weights: &Weights,
        block: usize,
        budget: &Budget,
    ) -> Result<(), Stop> {
        let n_components = condensed.n_components();
        let block_end = (block + LANES).min(n_components);
        // For each lane that counts for more than one state: its place, states and value.
        let mut special = [0u64; WORDS];
        for lane in 0..block_end - block {
            if weights.is_special.contains((block + lane) as u32) {
                special[lane / 64] |= 1 << (lane % 64);
            }
        }
        let mut is_filled = Bits::new(n_components);
        let mut n_expanded = 0;
        // Steps lead to lower numbers, so what comes before the block reaches nothing in it.
        for component in block..n_components {
            let mut own = [0u64; WORDS];
            let mut is_empty = true;
            if component < block_end {
                let lane = component - block;
                own[lane / 64] = 1 << (lane % 64);
                is_empty = false;
            }
            let successors = condensed.successors(component as u32);
            for &successor in successors {
                if is_filled.contains(successor) {
                    is_empty = false;
                    let other = &self.lanes[successor as usize];
                    for word in 0..WORDS {
                        own[word] |= other[word];
                    }
                }
            }
            n_expanded += successors.len() as u64;
            if component % 4096 == 0 {
                budget.expand(n_expanded)?;
                n_expanded = 0;
            }
            if is_empty {
                continue;
            }
            is_filled.insert(component as u32);
            let count = &mut self.counts[component];
            let mut n_plain = 0;
            for word in 0..WORDS {
                n_plain += own[word].count_ones();
                let mut rest = own[word] & special[word];
                while rest != 0 {
                    let lane = block + word * 64 + rest.trailing_zeros() as usize;
                    rest &= rest - 1;
                    // One state was counted already.
                    n_plain += condensed.components.size(lane as u32) - 1;
                    count.1 += weights.values[lane];
                }
            }
            count.0 += n_plain;
            self.lanes[component] = own;
        }
        budget.expand(n_expanded)
    }
}

/// An AND step between components.
struct AndLink {
    /// Component and whether the attacker holds the premise anyway.
    premises: Vec<(u32, bool)>,
    gain: u32,
}

impl AndLink {
    /// Gains with the highest numbers first, as the sweep meets them.
    fn all<T: Topology>(graph: &T, condensed: &Condensation, held: Option<&Bits>) -> Vec<Self> {
        let of = |state: u32| condensed.components.of(StateId(state));
        let mut links = Vec::new();
        graph.each_and(|and| {
            let is_held = |state: u32| held.is_some_and(|held| held.contains(state));
            let premises = and
                .premises
                .iter()
                .map(|&state| (of(state), is_held(state)))
                .collect();
            links.push(AndLink {
                premises,
                gain: of(and.gain),
            });
        });
        links.sort_by_key(|link| std::cmp::Reverse(link.gain));
        links
    }
}

fn by_sources(
    condensed: &Condensation,
    weights: &Weights,
    (links, sources): (&[AndLink], &[u32]),
    pool: &rayon::ThreadPool,
    budget: &Budget,
) -> Outcome<BlastSizes> {
    let n_components = condensed.n_components();
    let (offsets, predecessors) = condensed.predecessors();
    let next_block = AtomicUsize::new(0);
    let sweep = SourceSweep {
        condensed,
        offsets: &offsets,
        predecessors: &predecessors,
        links,
    };
    let level = Level::new();
    let counted = pool.broadcast(|_| {
        let mut lanes = vec![[0u64; WORDS]; n_components];
        let mut counted = Vec::new();
        let stop = take_blocks(&next_block, sources.len(), |block| {
            let sources = &sources[block..sources.len().min(block + LANES)];
            let counts = dispatch!(level, simd => {
                let _ = simd;
                let run = sweep.run(&mut lanes, sources, budget);
                run.map(|()| count_lanes(condensed, weights, &lanes, sources.len()))
            });
            counted.push((sources, counts?));
            Ok(())
        });
        (counted, stop.err())
    });
    let mut by_component = vec![(0, 0); n_components];
    let mut stop = None;
    for (blocks, reason) in counted {
        for (sources, counts) in blocks {
            for (&source, count) in sources.iter().zip(counts) {
                by_component[source as usize] = count;
            }
        }
        stop = stop.or(reason);
    }
    Outcome::new(BlastSizes { by_component }, stop)
}

struct SourceSweep<'a> {
    condensed: &'a Condensation,
    offsets: &'a [u32],
    predecessors: &'a [u32],
    links: &'a [AndLink],
}

impl SourceSweep<'_> {
    /// Fills in for each component which of these sources, ascending, derive it.
    #[inline(always)]
    fn run(&self, lanes: &mut [Lanes], sources: &[u32], budget: &Budget) -> Result<(), Stop> {
        lanes.fill([0; WORDS]);
        for (lane, &source) in sources.iter().enumerate() {
            lanes[source as usize][lane / 64] = 1 << (lane % 64);
        }
        // From the sources down; nothing above them derives from them but through AND steps.
        let mut from = sources.last().map_or(0, |&highest| highest as usize + 1);
        loop {
            let mut next_link = self
                .links
                .partition_point(|link| link.gain as usize >= from);
            let mut n_expanded = 0;
            for component in (0..from).rev() {
                let mut own = lanes[component];
                while self
                    .links
                    .get(next_link)
                    .is_some_and(|link| link.gain as usize == component)
                {
                    let passed = self.links[next_link].passes(lanes);
                    for word in 0..WORDS {
                        own[word] |= passed[word];
                    }
                    next_link += 1;
                }
                let row = self.offsets[component] as usize..self.offsets[component + 1] as usize;
                n_expanded += row.len() as u64;
                for &predecessor in &self.predecessors[row] {
                    let other = &lanes[predecessor as usize];
                    for word in 0..WORDS {
                        own[word] |= other[word];
                    }
                }
                lanes[component] = own;
                if component % 4096 == 0 {
                    budget.expand(n_expanded)?;
                    n_expanded = 0;
                }
            }
            // AND steps that lead back up, or whose premises came after them.
            let mut highest = None;
            for link in self.links {
                let passed = link.passes(lanes);
                let gain = &mut lanes[link.gain as usize];
                if (0..WORDS).any(|word| passed[word] & !gain[word] != 0) {
                    for word in 0..WORDS {
                        gain[word] |= passed[word];
                    }
                    highest = highest.max(Some(link.gain));
                }
            }
            match highest {
                Some(highest) => from = highest as usize + 1,
                None => break,
            }
        }
        debug_assert_eq!(lanes.len(), self.condensed.n_components());
        Ok(())
    }
}

impl AndLink {
    /// The sources that hold every premise, at least one of them by their own doing.
    #[inline(always)]
    fn passes(&self, lanes: &[Lanes]) -> Lanes {
        let mut all = [u64::MAX; WORDS];
        let mut any = [0u64; WORDS];
        for &(premise, is_held) in &self.premises {
            let of_premise = &lanes[premise as usize];
            for word in 0..WORDS {
                any[word] |= of_premise[word];
                if !is_held {
                    all[word] &= of_premise[word];
                }
            }
        }
        for word in 0..WORDS {
            all[word] &= any[word];
        }
        all
    }
}

/// Counts how often each lane is set, and what the components where it is are worth.
#[inline(always)]
fn count_lanes(
    condensed: &Condensation,
    weights: &Weights,
    lanes: &[Lanes],
    n_lanes: usize,
) -> Vec<(u32, u64)> {
    // Binary digits of the counts and values, the lowest first, one bit for each lane.
    let mut sizes = [[0u64; WORDS]; 32];
    let mut values = [[0u64; WORDS]; 64];
    for (component, own) in (0u32..).zip(lanes) {
        if own.iter().all(|&word| word == 0) {
            continue;
        }
        let mut size = condensed.components.size(component);
        while size != 0 {
            add_at(&mut sizes, size.trailing_zeros() as usize, own);
            size &= size - 1;
        }
        let mut value = weights.values[component as usize];
        while value != 0 {
            add_at(&mut values, value.trailing_zeros() as usize, own);
            value &= value - 1;
        }
    }
    let sum = |digits: &[Lanes], lane: usize| {
        let bit = |digit: &Lanes| digit[lane / 64] >> (lane % 64) & 1;
        let digits = digits.iter().rev();
        digits.fold(0u64, |sum, digit| sum * 2 + bit(digit))
    };
    (0..n_lanes)
        .map(|lane| (sum(&sizes, lane) as u32, sum(&values, lane)))
        .collect()
}

#[inline(always)]
fn add_at(digits: &mut [Lanes], first: usize, lanes: &Lanes) {
    let mut carry = *lanes;
    for digit in &mut digits[first..] {
        let mut is_done = true;
        for word in 0..WORDS {
            let both = digit[word] & carry[word];
            digit[word] ^= carry[word];
            carry[word] = both;
            is_done &= both == 0;
        }
        if is_done {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::closure::closure;
    use crate::search::components::Links;
    use crate::search::random::SplitMix64;
    use crate::search::testing::{all_steps, naive_closure, random_graph, random_states};
    use crate::search::{StepGraph, StepGraphBuilder};

    fn sizes(
        graph: &StepGraph,
        values: &[u32],
        held: Option<&Bits>,
        n_threads: usize,
    ) -> Vec<(u32, u64)> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(n_threads)
            .build()
            .unwrap();
        let budget = Budget::unlimited();
        let condensed = Condensation::new(graph, Links::Single, &budget).unwrap();
        let (sizes, stop) =
            blast_sizes(graph, &condensed, values, held, None, &pool, &budget).into_parts();
        assert_eq!(stop, None);
        let of = |state| {
            (
                sizes.n_states(&condensed, state),
                sizes.value(&condensed, state),
            )
        };
        graph.states().map(of).collect()
    }

    /// Of these states alone.
    fn sizes_of(graph: &StepGraph, values: &[u32], states: &[StateId]) -> Vec<(u32, u64)> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .build()
            .unwrap();
        let budget = Budget::unlimited();
        let condensed = Condensation::new(graph, Links::Single, &budget).unwrap();
        let only = Some(states);
        let found = blast_sizes(graph, &condensed, values, None, only, &pool, &budget);
        let found = found.into_parts().0;
        let of = |&state| {
            let n_states = found.n_states(&condensed, state);
            (n_states, found.value(&condensed, state))
        };
        states.iter().map(of).collect()
    }

    #[test]
    fn sizes_and_values_are_those_of_the_closures() {
        for seed in 0..3000 {
            let graph = random_graph(seed);
            let mut random = SplitMix64::new(!seed);
            let values: Vec<u32> = graph.states().map(|_| random.below(3) as u32 * 7).collect();
            let found = sizes(&graph, &values, None, 1);
            let some = random_states(&mut random, graph.n_states());
            for (state, size) in some.iter().zip(sizes_of(&graph, &values, &some)) {
                assert_eq!(size, found[state.idx()], "seed {seed}, {some:?}");
            }
            for state in graph.states() {
                let reached = naive_closure(&graph, &[state]);
                let n = reached.iter().filter(|&&is| is).count();
                let value = values
                    .iter()
                    .zip(&reached)
                    .filter(|pair| *pair.1)
                    .map(|pair| u64::from(*pair.0));
                assert_eq!(
                    found[state.idx()],
                    (n as u32, value.sum()),
                    "seed {seed}, {state:?}"
                );
            }
        }
    }

    #[test]
    fn what_is_held_anyway_supports_but_does_not_count() {
        for seed in 0..3000 {
            let graph = random_graph(seed);
            let mut random = SplitMix64::new(!seed);
            let budget = Budget::unlimited();
            let held = random_states(&mut random, graph.n_states());
            let held = closure(&graph, &held, &budget).into_parts().0;
            let found = sizes(&graph, &[], Some(&held), 1);
            for state in graph.states() {
                let mut reached = vec![false; graph.n_states()];
                reached[state.idx()] = true;
                loop {
                    let before = reached.clone();
                    for (_, parts) in all_steps(&graph) {
                        let holds = |premise: &StateId| reached[premise.idx()];
                        let all = parts.premises.iter().all(|premise| {
                            holds(premise) || parts.premises.len() > 1 && held.contains(premise.0)
                        });
                        if all && parts.premises.iter().any(holds) {
                            reached[parts.gain.idx()] = true;
                        }
                    }
                    if before == reached {
                        break;
                    }
                }
                let n = reached.iter().filter(|&&is| is).count();
                assert_eq!(found[state.idx()].0 as usize, n, "seed {seed}, {state:?}");
            }
        }
    }

    #[test]
    fn many_blocks_and_threads_give_the_same_sizes() {
        let mut random = SplitMix64::new(7);
        for and_every in [u64::MAX, 50] {
            let n = 5000u64;
            let mut builder = StepGraphBuilder::new(n as u32);
            let mut state = || StateId(random.below(n) as u32);
            for idx in 0..6000 {
                if idx % and_every == and_every - 1 {
                    builder.step(&[state(), state()], state(), 1).unwrap();
                } else {
                    builder.step(&[state()], state(), 1).unwrap();
                }
            }
            let graph = builder.finish().0;
            let values: Vec<u32> = (0..n as u32).map(|state| state % 11).collect();
            let found = sizes(&graph, &values, None, 1);
            assert_eq!(found, sizes(&graph, &values, None, 3));
            for state in graph.states().step_by(97) {
                let reached = naive_closure(&graph, &[state]);
                let n = reached.iter().filter(|&&is| is).count();
                assert_eq!(found[state.idx()].0 as usize, n, "{state:?}");
            }
        }
    }
}
