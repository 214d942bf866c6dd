//! A synthetic attack graph: the topology alone, for measuring searches.
//!
//! States stand in a random order of depth. Most steps lead deeper; between the states of a core
//! (identities that can assume each other, workloads that reach each other) they lead anywhere,
//! so that one large strongly connected component forms. How often a state starts or ends a step
//! follows a power law. Costs are the likelihood classes of the attack model.

use foothold_engine::score::cost::cost_of_likelihood;
use foothold_engine::search::{StateId, StepGraph, StepGraphBuilder, TopologyError};

/// What to generate. The same parameters give the same graph on every machine.
#[derive(Clone, Copy, Debug)]
pub struct AttackGraphParams {
    /// How many states.
    pub n_states: u32,
    /// How many steps.
    pub n_steps: u32,
    /// How many of the steps have two premises.
    pub n_and_steps: u32,
    /// How many states are crown jewels.
    pub n_jewels: u32,
    /// The seed.
    pub seed: u64,
}

impl AttackGraphParams {
    /// About 100,000 states and 1 million steps for each unit of scale, no AND steps.
    pub fn at_scale(scale: f64) -> Self {
        #[allow(clippy::cast_sign_loss, reason = "the maximum with 100 is positive")]
        let n_states = (scale * 100_000.0).max(100.0) as u32;
        Self {
            n_states,
            n_steps: n_states * 10,
            n_and_steps: 0,
            n_jewels: 100,
            seed: 1,
        }
    }
}

/// A generated attack graph.
#[derive(Clone, Debug)]
pub struct SyntheticAttackGraph {
    /// The topology.
    pub graph: StepGraph,
    /// Where the attacker stands.
    pub start: StateId,
    /// The crown jewels and their values, by state.
    pub jewels: Vec<(StateId, u32)>,
}

/// Generates the graph.
pub fn synthetic_attack_graph(
    params: AttackGraphParams,
) -> Result<SyntheticAttackGraph, TopologyError> {
    let mut random = Random(params.seed);
    let n = params.n_states;
    // Depth of each state: a random permutation with the start at the top.
    let mut depth: Vec<u32> = (0..n).collect();
    for idx in (2..n as usize).rev() {
        let other = 1 + random.below(idx as u64) as usize;
        depth.swap(idx, other);
    }
    let core_from = n / 3;
    let core_to = core_from + n / 5;
    let in_core = |state: u32| (core_from..core_to).contains(&depth[state as usize]);
    let mut builder = StepGraphBuilder::with_capacity(n, params.n_steps as usize);
    let n_entries = (n / 100).max(1);
    for _ in 0..n_entries.min(params.n_steps) {
        let entry = 1 + random.below(u64::from(n) - 1) as u32;
        builder.step(&[StateId(0)], StateId(entry), random.cost())?;
    }
    for idx in n_entries..params.n_steps {
        let mut from = random.popular(n, 2.0);
        let mut to = (random.popular(n, 1.6) + n / 2) % n;
        if depth[from as usize] > depth[to as usize] && !(in_core(from) && in_core(to)) {
            std::mem::swap(&mut from, &mut to);
        }
        if from == to || to == 0 {
            to = if from + 1 < n { from + 1 } else { 1 };
        }
        let cost = random.cost();
        if idx < n_entries + params.n_and_steps {
            let other = 1 + random.below(u64::from(n) - 1) as u32;
            builder.step(&[StateId(from), StateId(other)], StateId(to), cost)?;
        } else {
            builder.step(&[StateId(from)], StateId(to), cost)?;
        }
    }
    let graph = builder.finish().0;
    // Nothing valuable lies open to the start in one step: a cut exists.
    let mut is_open = vec![false; n as usize];
    for (_, entry, _) in graph.out_steps(StateId(0)) {
        is_open[entry.idx()] = true;
    }
    let mut by_depth: Vec<u32> = (1..n).filter(|&state| !is_open[state as usize]).collect();
    by_depth.sort_unstable_by_key(|&state| std::cmp::Reverse(depth[state as usize]));
    // The deeper half holds the data.
    let mut jewels: Vec<(StateId, u32)> = (0..params.n_jewels)
        .map(|_| {
            let state = by_depth[random.below(by_depth.len() as u64 / 2) as usize];
            (StateId(state), 1 + random.below(1000) as u32)
        })
        .collect();
    jewels.sort_unstable();
    jewels.dedup_by_key(|jewel| jewel.0);
    Ok(SyntheticAttackGraph {
        graph,
        start: StateId(0),
        jewels,
    })
}

/// `SplitMix64`.
struct Random(u64);

impl Random {
    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let word = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.word() % n.max(1)
    }

    fn unit(&mut self) -> f64 {
        (self.word() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A state below `n`; low numbers are picked more often, by a power law.
    fn popular(&mut self, n: u32, exponent: f64) -> u32 {
        #[allow(clippy::cast_sign_loss, reason = "a power of a number between 0 and 1")]
        let state = (self.unit().powf(exponent) * f64::from(n)) as u32;
        state.min(n - 1)
    }

    /// The cost of a likelihood class, as often as the classes occur.
    fn cost(&mut self) -> u32 {
        let likelihood = match self.below(100) {
            0..30 => 0.98,
            30..65 => 0.90,
            65..80 => 0.70,
            80..88 => 0.45,
            88..92 => 0.20,
            92..95 => 0.05,
            _ => 0.01 + 0.97 * self.unit(),
        };
        cost_of_likelihood(likelihood)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_same_graph_and_sizes_as_asked() {
        let params = AttackGraphParams {
            n_and_steps: 7,
            ..AttackGraphParams::at_scale(0.01)
        };
        let first = synthetic_attack_graph(params).unwrap();
        let second = synthetic_attack_graph(params).unwrap();
        assert_eq!(first.graph.n_states(), 1000);
        assert_eq!(first.graph.n_steps(), 10_000);
        // A second premise that repeats the first leaves a plain step.
        assert!((1..=7).contains(&first.graph.n_and_steps()));
        assert_eq!(first.jewels, second.jewels);
        for state in first.graph.states() {
            assert!(
                first
                    .graph
                    .out_steps(state)
                    .eq(second.graph.out_steps(state))
            );
        }
    }
}
