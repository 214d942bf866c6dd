//! How many states each state reaches, estimated: for graphs where the exact count takes too long.
//!
//! Bottom-k sketches (Cohen, *Size-estimation framework with applications to transitive closure and
//! reachability*, JCSS 55, 1997). States are put in a random order once; each component keeps the
//! `k` lowest places among what it reaches, which it gets by merging those of its successors. The
//! lower the `k`-th of them, the more is reached.
//!
//! What reaches fewer than `k` states is counted exactly. The others' estimates are unbiased with a
//! relative standard error below `1 / sqrt(k - 2)`, which the answer states. [`super::blast_sizes`]
//! is exact; use this one only above a size that the user chose.
//!
//! AND steps count as links from their main premise, as in [`super::reach_of_all`], so that what is
//! estimated is then an upper bound.

use super::components::Condensation;
use super::random::SplitMix64;
use super::topology::StateId;
use crate::bits::Bits;
use crate::budget::{Budget, Outcome, Stop};

/// Estimated numbers of reached states.
#[derive(Clone, Debug, PartialEq)]
pub struct SizeEstimates {
    k: u32,
    /// By component.
    by_component: Vec<SizeEstimate>,
}

/// How many of the counted states fall with one, itself included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SizeEstimate {
    /// The number.
    pub n_states: f64,
    /// Whether it was counted, not estimated.
    pub is_exact: bool,
}

impl SizeEstimates {
    /// How many states fall with this one, itself included.
    pub fn of(&self, condensed: &Condensation, state: StateId) -> SizeEstimate {
        self.by_component[condensed.components.of(state) as usize]
    }

    /// The relative standard error of what was not counted: two of three estimates are nearer.
    pub fn standard_error(&self) -> f64 {
        1.0 / f64::from(self.k - 2).sqrt()
    }
}

/// The lowest places each sketch keeps at least; fewer have no bounded error.
const MIN_K: u32 = 4;

/// Estimates the size of every state's blast radius from sketches of `k` places (at least 4): how
/// many states fall with it, or how many of the `counted` ones.
///
/// O(links * k), and 4 * k bytes for each component. Make the condensation with
/// [`super::Links::WithAndSteps`]. If stopped, what comes late has an estimate of 0.
pub fn estimate_blast_sizes(
    condensed: &Condensation,
    counted: Option<&Bits>,
    k: u32,
    seed: u64,
    budget: &Budget,
) -> Outcome<SizeEstimates> {
    let k = k.max(MIN_K);
    let nothing = SizeEstimate {
        n_states: 0.0,
        is_exact: false,
    };
    let mut estimates = SizeEstimates {
        k,
        by_component: vec![nothing; condensed.n_components()],
    };
    let stop = sketch(condensed, counted, seed, &mut estimates, budget).err();
    Outcome::new(estimates, stop)
}

fn sketch(
    condensed: &Condensation,
    counted: Option<&Bits>,
    seed: u64,
    estimates: &mut SizeEstimates,
    budget: &Budget,
) -> Result<(), Stop> {
    let components = &condensed.components;
    let n_components = condensed.n_components();
    let k = estimates.k as usize;
    let places = random_places(components.n_states(), seed);
    // Sketches one after the other, each ascending.
    let mut offsets = vec![0usize];
    let mut sketches: Vec<u32> = Vec::new();
    let (mut own, mut merged) = (Vec::new(), Vec::new());
    let (mut n_expanded, mut n_charged) = (0, 0);
    for component in 0..n_components as u32 {
        own.clear();
        own.extend(
            components
                .states(component)
                .filter(|state| counted.is_none_or(|counted| counted.contains(state.0)))
                .map(|state| places[state.idx()]),
        );
        own.sort_unstable();
        own.truncate(k);
        for &successor in condensed.successors(component) {
            let successor = successor as usize;
            let other = &sketches[offsets[successor]..offsets[successor + 1]];
            n_expanded += 1;
            // A full sketch changes only by what is lower than its last place.
            if own.len() == k && other.first().is_none_or(|&first| first >= own[k - 1]) {
                continue;
            }
            merge(&own, other, k, &mut merged);
            std::mem::swap(&mut own, &mut merged);
        }
        estimates.by_component[component as usize] = estimate(&own, k, places.len());
        sketches.extend_from_slice(&own);
        offsets.push(sketches.len());
        if component % 4096 == 0 {
            budget.expand(n_expanded)?;
            budget.charge((sketches.len() as u64 - n_charged) * 4)?;
            (n_expanded, n_charged) = (0, sketches.len() as u64);
        }
    }
    budget.release(n_charged * 4);
    budget.expand(n_expanded)
}

/// Each state's place in a random order, from 1.
fn random_places(n_states: usize, seed: u64) -> Vec<u32> {
    let mut random = SplitMix64::new(seed);
    let mut places: Vec<u32> = (1..=n_states as u32).collect();
    for idx in (1..n_states).rev() {
        places.swap(idx, random.below(idx as u64 + 1) as usize);
    }
    places
}

/// The `k` lowest of two ascending lists, what is in both once.
fn merge(one: &[u32], other: &[u32], k: usize, merged: &mut Vec<u32>) {
    merged.clear();
    let (mut at_one, mut at_other) = (0, 0);
    while merged.len() < k {
        match (one.get(at_one), other.get(at_other)) {
            (Some(&first), Some(&second)) => {
                merged.push(first.min(second));
                at_one += usize::from(first <= second);
                at_other += usize::from(second <= first);
            }
            (Some(_), None) => {
                let n_left = (k - merged.len()).min(one.len() - at_one);
                merged.extend_from_slice(&one[at_one..at_one + n_left]);
                return;
            }
            (None, Some(_)) => {
                let n_left = (k - merged.len()).min(other.len() - at_other);
                merged.extend_from_slice(&other[at_other..at_other + n_left]);
                return;
            }
            (None, None) => return,
        }
    }
}

/// Inverse sampling: the `k`-th lowest place says how dense the reached states lie.
fn estimate(sketch: &[u32], k: usize, n_states: usize) -> SizeEstimate {
    if sketch.len() < k {
        return SizeEstimate {
            n_states: sketch.len() as f64,
            is_exact: true,
        };
    }
    let last = f64::from(sketch[k - 1]);
    SizeEstimate {
        n_states: (k - 1) as f64 / (last - 1.0) * n_states as f64,
        is_exact: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::components::Links;
    use crate::search::testing::{naive_closure, random_graph};
    use crate::search::{StepGraph, StepGraphBuilder};

    fn estimates(graph: &StepGraph, k: u32, seed: u64) -> (Condensation, SizeEstimates) {
        let budget = Budget::unlimited();
        let condensed = Condensation::new(graph, Links::WithAndSteps, &budget).unwrap();
        let outcome = estimate_blast_sizes(&condensed, None, k, seed, &budget);
        let Outcome::Complete(found) = outcome else {
            panic!("stopped");
        };
        (condensed, found)
    }

    #[test]
    fn what_fits_into_a_sketch_is_counted() {
        let mut n_counted = 0;
        for seed in 0..3000 {
            let graph = random_graph(seed);
            if graph.n_and_steps() > 0 {
                continue;
            }
            let (condensed, found) = estimates(&graph, 4, seed);
            for state in graph.states() {
                let closure = naive_closure(&graph, &[state]);
                let n = closure.iter().filter(|&&is| is).count();
                let estimate = found.of(&condensed, state);
                assert_eq!(estimate.is_exact, n < 4, "seed {seed} {state:?}");
                if estimate.is_exact {
                    let error = (estimate.n_states - n as f64).abs();
                    assert!(error < 0.5, "seed {seed} {state:?}");
                    n_counted += 1;
                }
            }
        }
        assert!(n_counted > 1000);
    }

    #[test]
    fn estimates_are_unbiased_and_as_near_as_they_say() {
        let n = 400u64;
        let mut builder = StepGraphBuilder::new(n as u32);
        let mut random = SplitMix64::new(5);
        for _ in 0..n * 2 {
            let (from, to) = (random.below(n), random.below(n));
            let (from, to) = (from.min(to) as u32, from.max(to) as u32);
            builder.step(&[StateId(from)], StateId(to), 1).unwrap();
        }
        let graph = builder.finish().0;
        let sizes: Vec<f64> = graph
            .states()
            .map(|state| {
                let closure = naive_closure(&graph, &[state]);
                closure.iter().filter(|&&is| is).count() as f64
            })
            .collect();
        let k = 18;
        let n_seeds = 300;
        let (mut n_estimated, mut n_near) = (0, 0);
        let mut sums = vec![0.0; sizes.len()];
        for seed in 0..n_seeds {
            let (condensed, found) = estimates(&graph, k, seed);
            for state in graph.states() {
                let estimate = found.of(&condensed, state);
                sums[state.idx()] += estimate.n_states;
                if !estimate.is_exact {
                    let error = estimate.n_states / sizes[state.idx()] - 1.0;
                    n_estimated += 1;
                    n_near += usize::from(error.abs() <= found.standard_error());
                }
            }
        }
        assert!(n_estimated > 10_000, "{n_estimated}");
        // The seeds are fixed, so this never flickers.
        assert!(n_near * 3 > n_estimated * 2, "{n_near} of {n_estimated}");
        for (sum, size) in sums.iter().zip(&sizes) {
            let mean = sum / n_seeds as f64;
            assert!((mean / size - 1.0).abs() < 0.07, "{mean} for {size}");
        }
    }
}
