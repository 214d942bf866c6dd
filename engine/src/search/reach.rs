//! How much crown-jewel value every state reaches.
//!
//! One bit lane for each jewel, one sweep over the condensed graph from the sinks up: a component's
//! lanes are those of its successors and its own. Then values are added up lane by lane.
//!
//! Exact without AND steps. With them it is an upper bound: an AND step counts as a link from its
//! main premise alone (who derives its gain holds that premise, but may lack another).
//! [`super::blast`] is exact there too.

use rayon::prelude::*;

use super::components::Condensation;
use super::topology::StateId;
use crate::budget::{Budget, Outcome, Stop};

/// What every state reaches of the jewels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// By component.
    values: Vec<u64>,
    n_jewels: Vec<u32>,
}

impl Reach {
    /// The value of the jewels that this state reaches, its own included.
    pub fn value(&self, condensed: &Condensation, state: StateId) -> u64 {
        self.values[condensed.components.of(state) as usize]
    }

    /// How many jewels this state reaches, itself included.
    pub fn n_jewels(&self, condensed: &Condensation, state: StateId) -> u32 {
        self.n_jewels[condensed.components.of(state) as usize]
    }
}

const WORDS: usize = 2;
const LANES: usize = 64 * WORDS;

/// The jewels that every state reaches, counted and weighed.
///
/// O((components + links) for each 128 jewels); passes run in parallel. Make the condensation with
/// [`super::Links::WithAndSteps`]. A jewel listed twice counts twice. A partial answer lacks some
/// of the jewels everywhere: a lower bound.
pub fn reach_of_all(
    condensed: &Condensation,
    jewels: &[(StateId, u32)],
    pool: &rayon::ThreadPool,
    budget: &Budget,
) -> Outcome<Reach> {
    let passes: Vec<Result<Pass, Stop>> = pool.install(|| {
        jewels
            .par_chunks(LANES)
            .map(|lanes| sweep(condensed, lanes, budget))
            .collect()
    });
    let mut stop = None;
    let mut total: Option<Reach> = None;
    for pass in passes {
        match (pass, &mut total) {
            (Err(reason), _) => stop = stop.or(Some(reason)),
            (Ok((values, n_jewels)), None) => total = Some(Reach { values, n_jewels }),
            (Ok((values, n_jewels)), Some(total)) => {
                for (sum, value) in total.values.iter_mut().zip(values) {
                    *sum += value;
                }
                for (sum, n) in total.n_jewels.iter_mut().zip(n_jewels) {
                    *sum += n;
                }
            }
        }
    }
    let n_components = condensed.n_components();
    let nothing = || Reach {
        values: vec![0; n_components],
        n_jewels: vec![0; n_components],
    };
    Outcome::new(total.unwrap_or_else(nothing), stop)
}

/// By component the value and the number of the jewels of one pass.
type Pass = (Vec<u64>, Vec<u32>);

fn sweep(
    condensed: &Condensation,
    jewels: &[(StateId, u32)],
    budget: &Budget,
) -> Result<Pass, Stop> {
    let n_components = condensed.n_components();
    budget.charge((n_components * WORDS * 8) as u64)?;
    let mut lanes = vec![[0u64; WORDS]; n_components];
    for (lane, (state, _)) in jewels.iter().enumerate() {
        let component = condensed.components.of(*state) as usize;
        lanes[component][lane / 64] |= 1 << (lane % 64);
    }
    let tables = Tables::new(jewels);
    let mut values = Vec::with_capacity(n_components);
    let mut n_jewels = Vec::with_capacity(n_components);
    let mut n_expanded = 0;
    for component in 0..n_components {
        let mut own = lanes[component];
        let successors = condensed.successors(component as u32);
        for &successor in successors {
            let other = lanes[successor as usize];
            for word in 0..WORDS {
                own[word] |= other[word];
            }
        }
        lanes[component] = own;
        values.push(tables.weigh(&own));
        n_jewels.push(own.iter().map(|word| word.count_ones()).sum());
        n_expanded += successors.len() as u64;
        if component % 4096 == 0 {
            budget.expand(n_expanded)?;
            n_expanded = 0;
        }
    }
    budget.release((n_components * WORDS * 8) as u64);
    budget.expand(n_expanded)?;
    Ok((values, n_jewels))
}

/// For each byte of the lanes what its bits weigh together.
struct Tables(Vec<[u64; 256]>);

impl Tables {
    fn new(jewels: &[(StateId, u32)]) -> Self {
        let tables = jewels.chunks(8).map(|jewels| {
            let mut table = [0u64; 256];
            for (byte, sum) in table.iter_mut().enumerate() {
                for (bit, (_, value)) in jewels.iter().enumerate() {
                    if byte >> bit & 1 == 1 {
                        *sum += u64::from(*value);
                    }
                }
            }
            table
        });
        Self(tables.collect())
    }

    #[inline]
    fn weigh(&self, lanes: &[u64; WORDS]) -> u64 {
        let mut total = 0;
        for (tables, &word) in self.0.chunks(8).zip(lanes) {
            if word == 0 {
                continue;
            }
            for (table, byte) in tables.iter().zip(word.to_le_bytes()) {
                total += table[byte as usize];
            }
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::components::Links;
    use crate::search::random::SplitMix64;
    use crate::search::testing::{naive_closure, random_graph};

    #[test]
    fn value_is_that_of_the_jewels_in_the_closure() {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(2)
            .build()
            .unwrap();
        let mut n_exact = 0;
        for seed in 0..3000 {
            let graph = random_graph(seed);
            let mut random = SplitMix64::new(!seed);
            // Every tenth case needs more than one pass.
            let n = if seed % 10 == 0 { 300 } else { random.below(5) };
            let jewels: Vec<(StateId, u32)> = (0..n)
                .map(|_| {
                    let state = random.below(graph.n_states() as u64) as u32;
                    (StateId(state), random.below(1000) as u32)
                })
                .collect();
            let budget = Budget::unlimited();
            let condensed = Condensation::new(&graph, Links::WithAndSteps, &budget).unwrap();
            let (reach, stop) = reach_of_all(&condensed, &jewels, &pool, &budget).into_parts();
            assert_eq!(stop, None);
            for state in graph.states() {
                let closure = naive_closure(&graph, &[state]);
                let reached = jewels.iter().filter(|(jewel, _)| closure[jewel.idx()]);
                let value: u64 = reached.clone().map(|jewel| u64::from(jewel.1)).sum();
                if graph.n_and_steps() == 0 {
                    assert_eq!(reach.value(&condensed, state), value, "seed {seed}");
                    assert_eq!(reach.n_jewels(&condensed, state) as usize, reached.count());
                    n_exact += 1;
                } else {
                    assert!(reach.value(&condensed, state) >= value, "seed {seed}");
                }
            }
        }
        assert!(n_exact > 1000);
    }
}
