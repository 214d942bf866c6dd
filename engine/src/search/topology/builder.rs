//! Makes a [`StepGraph`] out of steps in any order.

use super::{AndSteps, Arc, BackArc, StateId, StepGraph, TopologyError, offsets_of, shift_back};
use crate::score::cost::{Cost, MAX_STEP_COST};

/// Collects steps in any order and compresses them into a [`StepGraph`].
#[derive(Clone, Debug, Default)]
pub struct StepGraphBuilder {
    n_states: u32,
    n_inserted: u32,
    /// Premise, gain, cost and insertion of the steps with one premise.
    singles: Vec<[u32; 4]>,
    /// Gain, cost and insertion of the AND steps, and where their premises end.
    ands: Vec<[u32; 4]>,
    and_premises: Vec<u32>,
}

impl StepGraphBuilder {
    /// A builder for states `0..n_states`.
    pub fn new(n_states: u32) -> Self {
        Self {
            n_states,
            ..Self::default()
        }
    }

    /// As [`Self::new`], with room for that many steps.
    pub fn with_capacity(n_states: u32, n_steps: usize) -> Self {
        Self {
            n_states,
            singles: Vec::with_capacity(n_steps),
            ..Self::default()
        }
    }

    /// Adds a step and returns its insertion number, counted from 0.
    ///
    /// A premise given twice counts once. A cost above [`MAX_STEP_COST`] is lowered to it.
    /// Parallel steps (same premises, same gain) are kept apart: another rule or other evidence.
    pub fn step(
        &mut self,
        premises: &[StateId],
        gain: StateId,
        cost: Cost,
    ) -> Result<u32, TopologyError> {
        for &state in premises.iter().chain([&gain]) {
            if state.0 >= self.n_states {
                return Err(TopologyError::UnknownState {
                    state: state.0,
                    n_states: self.n_states,
                });
            }
        }
        let insertion = self.n_inserted;
        if insertion >= u32::MAX - 1
            || self.and_premises.len() + premises.len() >= u32::MAX as usize
        {
            return Err(TopologyError::TooMany);
        }
        let cost = cost.min(MAX_STEP_COST);
        let main = *premises.first().ok_or(TopologyError::NoPremise)?;
        if premises.iter().all(|&premise| premise == main) {
            self.singles.push([main.0, gain.0, cost, insertion]);
        } else {
            let start = self.and_premises.len();
            for premise in premises {
                if !self.and_premises[start..].contains(&premise.0) {
                    self.and_premises.push(premise.0);
                }
            }
            self.ands
                .push([gain.0, cost, insertion, self.and_premises.len() as u32]);
        }
        self.n_inserted += 1;
        Ok(insertion)
    }

    /// The graph, and for each step id the insertion number that it came from.
    ///
    /// Steps with one premise are ordered by premise, gain and insertion; AND steps follow in
    /// order of insertion. O(states + steps).
    pub fn finish(self) -> (StepGraph, Vec<u32>) {
        let n_states = self.n_states as usize;
        // Two stable counting sorts: by gain, then by premise.
        let by_gain = counting_sort(n_states, self.singles, |single| single[1]).0;
        let (sorted, out_offsets) = counting_sort(n_states, by_gain, |single| single[0]);
        let mut order: Vec<u32> = sorted.iter().map(|single| single[3]).collect();
        order.extend(self.ands.iter().map(|and| and[2]));
        let out_arcs: Vec<Arc> = sorted
            .iter()
            .map(|single| Arc {
                gain: single[1],
                cost: single[2],
            })
            .collect();
        let mut in_offsets = offsets_of(n_states, out_arcs.iter().map(|arc| arc.gain));
        let mut in_arcs = vec![BackArc { source: 0, step: 0 }; out_arcs.len()];
        for (step, single) in (0u32..).zip(&sorted) {
            let place = &mut in_offsets[single[1] as usize];
            in_arcs[*place as usize] = BackArc {
                source: single[0],
                step,
            };
            *place += 1;
        }
        shift_back(&mut in_offsets);
        let and = AndSteps::new(n_states, &self.ands, self.and_premises);
        let graph = StepGraph {
            n_states: self.n_states,
            out_offsets,
            out_arcs,
            in_offsets,
            in_arcs,
            has_loops: sorted.iter().any(|single| single[0] == single[1]),
            and,
        };
        (graph, order)
    }
}

impl AndSteps {
    fn new(n_states: usize, ands: &[[u32; 4]], premises: Vec<u32>) -> Self {
        if ands.is_empty() {
            return Self::default();
        }
        let arcs = ands
            .iter()
            .map(|and| Arc {
                gain: and[0],
                cost: and[1],
            })
            .collect();
        let premise_offsets: Vec<u32> = std::iter::once(0)
            .chain(ands.iter().map(|and| and[3]))
            .collect();
        let mut by_premise = Vec::with_capacity(premises.len());
        for (and, ends) in (0u32..).zip(premise_offsets.windows(2)) {
            for &premise in &premises[ends[0] as usize..ends[1] as usize] {
                by_premise.push((premise, and));
            }
        }
        let by_gain = (0u32..).zip(ands).map(|(idx, and)| (and[0], idx)).collect();
        let (out, out_offsets) = counting_sort(n_states, by_premise, |pair: &(u32, u32)| pair.0);
        let (in_, in_offsets) = counting_sort(n_states, by_gain, |pair: &(u32, u32)| pair.0);
        Self {
            arcs,
            premise_offsets,
            premises,
            out_offsets,
            out: out.into_iter().map(|pair| pair.1).collect(),
            in_offsets,
            in_: in_.into_iter().map(|pair| pair.1).collect(),
        }
    }
}

/// A stable counting sort; also returns where each key's run starts (`n_keys + 1` offsets).
fn counting_sort<T: Copy>(
    n_keys: usize,
    items: Vec<T>,
    key: impl Fn(&T) -> u32,
) -> (Vec<T>, Vec<u32>) {
    let mut offsets = offsets_of(n_keys, items.iter().map(&key));
    let mut sorted = items.clone();
    for item in items {
        let place = &mut offsets[key(&item) as usize];
        sorted[*place as usize] = item;
        *place += 1;
    }
    shift_back(&mut offsets);
    (sorted, offsets)
}
