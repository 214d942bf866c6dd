//! How long each search takes on the estate at hand.

use foothold_engine::attack::crown_jewels;
use foothold_engine::budget::Budget;
use foothold_engine::search::{
    Condensation, Cuttable, Links, PathQuery, SideCosts, StateId, Top, ValuedAsset, attack_paths,
    blast_sizes, cheapest_from, components, dominators, estimate_blast_sizes, expected_loss_of_all,
    minimum_cut, reach_of_all, sample,
};

use super::World;
use crate::clock::Stopwatch;

/// One search and how long it took, once.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub(crate) struct SearchTiming {
    /// What was searched for.
    pub(crate) work: &'static str,
    /// How long it took.
    pub(crate) elapsed_ms: f64,
}

/// How many worlds are sampled.
const N_WORLDS: u64 = 4096;
/// How many pairs of start and jewel get paths of their own.
const N_PAIRS: usize = 20;
/// Places in a sketch of a blast radius.
const SKETCH_PLACES: u32 = 64;

/// Runs each search once from the anonymous attacker to all crown jewels.
pub(crate) fn search_timings(world: &World, pool: &rayon::ThreadPool) -> Vec<SearchTiming> {
    let budget = Budget::unlimited();
    let attack = &world.attack;
    let graph = attack.topology();
    let starts = world.internet_states();
    let assets: Vec<ValuedAsset> = crown_jewels(&world.snapshot)
        .iter()
        .map(|jewel| ValuedAsset {
            #[allow(clippy::cast_sign_loss, reason = "the value of a jewel is positive")]
            value: jewel.value as u32,
            states: attack.target_states(jewel.asset).collect(),
        })
        .collect();
    let states = |asset: &ValuedAsset| asset.states.clone();
    let jewels: Vec<StateId> = assets.iter().flat_map(states).collect();
    let weights: Vec<(StateId, u32)> = assets
        .iter()
        .flat_map(|asset| asset.states.iter().map(|&state| (state, asset.value)))
        .collect();
    let mut rows = Vec::new();
    let mut time = |work, search: &mut dyn FnMut()| {
        let watch = Stopwatch::start();
        search();
        rows.push(SearchTiming {
            work,
            elapsed_ms: watch.elapsed_ms(),
        });
    };
    time("exploitability of all states", &mut || {
        drop(cheapest_from(graph, &starts, &budget));
    });
    time("100 likeliest paths to the crown jewels", &mut || {
        let query = PathQuery::best(starts.clone(), jewels.clone(), 100);
        drop(attack_paths(graph, &query, pool, &budget));
    });
    time("10 likeliest paths for each of 20 pairs", &mut || {
        let ends = jewels.iter().copied().take(N_PAIRS).collect();
        let mut query = PathQuery::best(starts.clone(), ends, 0);
        query.top = Top::PerPair(10);
        drop(attack_paths(graph, &query, pool, &budget));
    });
    time("strongly connected components", &mut || {
        drop(components(graph, Links::Single, &budget));
    });
    time("reach of the crown jewels, weighted", &mut || {
        if let Ok(condensed) = Condensation::new(graph, Links::WithAndSteps, &budget) {
            drop(reach_of_all(&condensed, &weights, pool, &budget));
        }
    });
    time("exact blast radius of every state", &mut || {
        if let Ok(condensed) = Condensation::new(graph, Links::Single, &budget) {
            drop(blast_sizes(
                graph,
                &condensed,
                &[],
                None,
                None,
                pool,
                &budget,
            ));
        }
    });
    time("estimated blast radius of every state", &mut || {
        if let Ok(condensed) = Condensation::new(graph, Links::WithAndSteps, &budget) {
            drop(estimate_blast_sizes(
                &condensed,
                None,
                SKETCH_PLACES,
                1,
                &budget,
            ));
        }
    });
    time("expected loss of every state", &mut || {
        let sides = SideCosts::free(graph);
        drop(expected_loss_of_all(graph, &assets, &sides, pool, &budget));
    });
    time("dominators", &mut || {
        drop(dominators(graph, &starts, &budget));
    });
    time("minimum cut of states", &mut || {
        drop(minimum_cut(
            graph,
            &starts,
            &jewels,
            Cuttable::States,
            &budget,
        ));
    });
    time("sampled probability, 4096 worlds", &mut || {
        drop(sample(graph, &starts, N_WORLDS, 1, pool, &budget));
    });
    rows
}
