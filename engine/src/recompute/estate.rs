//! Exploitability and blast radius of every asset in one pass.

use crate::attack::{AttackGraph, Capability, crown_jewels};
use crate::budget::{Budget, Outcome, Stop};
use crate::graph::NodeId;
use crate::score::cost::{Cost, UNREACHED, likelihood_of_cost};
use crate::search::{
    Bits, Condensation, Links, LossSearch, SideCosts, StateId, StepGraph, ValuedAsset, blast_sizes,
    cheapest_from, estimate_blast_sizes, loss_in_units,
};

use super::assets::AssetGraph;
use super::checkpoint::{Checkpoint, NoCheckpoint, Part};

/// What one asset risks and endangers.
#[derive(Debug, Clone, PartialEq)]
pub struct AssetRisk {
    /// The asset.
    pub asset: NodeId,
    /// The cost of the likeliest way for the attacker to get more than network access to it;
    /// [`UNREACHED`] if there is none.
    pub cost: Cost,
    /// Steps of that way.
    pub n_steps: u32,
    /// How many other states fall when this asset falls.
    pub states: u64,
    /// How many other assets fall when this one falls.
    pub assets: u64,
    /// How many crown jewels fall when this asset falls, itself among them.
    pub crown_jewels: u64,
    /// The sum over crown jewels of value times likelihood of the best path from here. Where AND
    /// steps occur, an upper bound: their other premises are taken as held.
    pub expected_loss: f64,
}

impl AssetRisk {
    /// The likelihood behind [`AssetRisk::cost`].
    pub fn likelihood(&self) -> f64 {
        likelihood_of_cost(self.cost)
    }
}

/// What every asset risks and endangers.
#[derive(Debug, Clone, PartialEq)]
pub struct EstateRisk {
    /// One entry for each asset that has a state, in node order.
    pub assets: Vec<AssetRisk>,
    /// How many states of the attack graph the attacker can hold.
    pub n_reached: usize,
    /// Where numbers of states and assets that fall are estimates: their relative standard error.
    /// `None` where they are counted, as they are unless the user sets a limit.
    pub size_error: Option<f64>,
}

/// The places of each sketch, where sizes are estimated: a standard error of 8.9 %.
const SKETCH_PLACES: u32 = 128;

/// With fewer crown jewels than this, those that fall are counted even where sizes are estimated.
const COUNTED_JEWELS: u32 = 1024;

/// What a recomputation is doing, for progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Assets become states.
    Prepare,
    /// The likeliest way to every asset.
    Exploitability,
    /// What falls with every asset.
    BlastRadius,
    /// What that costs, one crown jewel after the other.
    ExpectedLoss,
}

/// A phase that begins, and how much of the whole is done, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timing {
    /// The phase.
    pub phase: Phase,
    /// The part that is done.
    pub done: f64,
}

/// Values are whole numbers to the search: so many parts make one.
const VALUE_PARTS: f64 = 256.0;

/// A crown jewel in the weight of a fallen asset; the low bits count assets.
const JEWEL_WEIGHT: u32 = 1 << 24;

/// How many crown jewels one part of the work answers for.
const JEWELS_PER_PART: usize = 64;

/// Computes exploitability from `starts` and the blast radius of every asset.
///
/// One forward search, one exact closure over the condensed graph, one backward search for each
/// crown jewel; parallel in `pool`, the same bytes at any number of threads. `progress` is told at
/// every phase. A partial answer holds true lower bounds of likelihoods and sizes.
pub fn recompute(
    graph: &AttackGraph,
    starts: &[StateId],
    pool: &rayon::ThreadPool,
    budget: &Budget,
    progress: &(dyn Fn(Timing) + Sync),
) -> Outcome<EstateRisk> {
    let exact = usize::MAX;
    recompute_resuming(graph, starts, pool, budget, progress, &NoCheckpoint, exact)
}

/// As [`recompute`], in parts that `checkpoint` keeps: what it has kept already is not computed
/// again, and the result is the same to the byte. The checkpoint must be of this graph.
///
/// In a graph of more than `estimate_above` states how many states and assets fall with each is
/// estimated, and [`EstateRisk::size_error`] says how far off that may be; everything else stays
/// exact.
pub fn recompute_resuming(
    graph: &AttackGraph,
    starts: &[StateId],
    pool: &rayon::ThreadPool,
    budget: &Budget,
    progress: &(dyn Fn(Timing) + Sync),
    checkpoint: &dyn Checkpoint,
    estimate_above: usize,
) -> Outcome<EstateRisk> {
    let tell = |phase, done| progress(Timing { phase, done });
    tell(Phase::Prepare, 0.0);
    // The graph was built from one that fits, and two states an asset are no more than two a state.
    let Ok(assets) = AssetGraph::new(graph) else {
        let nothing = EstateRisk {
            assets: Vec::new(),
            n_reached: 0,
            size_error: None,
        };
        return Outcome::Partial(nothing, Stop::Memory);
    };

    tell(Phase::Exploitability, 0.1);
    let (forward, stop) = cheapest_from(assets.topology(), starts, budget).into_parts();
    let mut stopped = stop;
    let n_reached = (0..graph.n_states() as u32)
        .filter(|&state| forward.is_reached(StateId(state)))
        .count();

    tell(Phase::BlastRadius, 0.25);
    let jewels = crown_jewels(graph.snapshot());
    let places: Vec<Place> = jewels
        .iter()
        .filter_map(|jewel| Some((Some(assets.place(jewel.asset)?), jewel.value)))
        .collect();
    let is_estimated = graph.n_states() > estimate_above;
    let (sizes, stop, size_error) = if is_estimated {
        estimates_of_assets(&assets, &places, budget)
    } else {
        let (sizes, stop) = part(checkpoint, Part::BlastRadius, || {
            sizes_of_assets(&assets, &places, pool, budget)
        });
        (sizes, stop, None)
    };
    stopped = stopped.or(stop);

    let mut losses = vec![0_i64; assets.assets().len()];
    let n_parts = places.len().div_ceil(JEWELS_PER_PART).max(1) as f64;
    let sides = SideCosts::free(assets.topology());
    let search = LossSearch::new(assets.topology(), &sides, budget);
    for (at, jewels) in (0..).zip(places.chunks(JEWELS_PER_PART)) {
        tell(Phase::ExpectedLoss, 0.6 + 0.4 * f64::from(at) / n_parts);
        let search = match &search {
            Ok(search) => search,
            Err(stop) => {
                stopped = stopped.or(Some(*stop));
                break;
            }
        };
        let (of_part, stop) = part(checkpoint, Part::ExpectedLoss(at), || {
            losses_of_assets(&assets, search, jewels, pool, budget)
        });
        stopped = stopped.or(stop);
        for (sum, loss) in losses.iter_mut().zip(of_part) {
            *sum = sum.saturating_add(loss.cast_signed());
        }
    }

    let risks = assets.assets().iter().enumerate().map(|(at, &asset)| {
        let fallen = assets.fallen(at);
        let mut risk = AssetRisk {
            asset,
            cost: if forward.is_reached(fallen) {
                forward.cost(fallen)
            } else {
                UNREACHED
            },
            // The last step, from a state to its asset, is ours and not the attacker's.
            n_steps: forward
                .n_steps(fallen)
                .map_or(0, |steps| steps.saturating_sub(1) as u32),
            ..AssetRisk::unknown(asset)
        };
        risk.endangers(graph, sizes.get(2 * at..2 * at + 2), losses[at]);
        risk
    });
    Outcome::new(
        EstateRisk {
            assets: risks.collect(),
            n_reached,
            size_error,
        },
        stopped,
    )
}

impl AssetRisk {
    /// Nothing known yet: neither endangered nor endangering.
    pub(super) fn unknown(asset: NodeId) -> Self {
        AssetRisk {
            asset,
            cost: UNREACHED,
            n_steps: 0,
            states: 0,
            assets: 0,
            crown_jewels: 0,
            expected_loss: 0.0,
        }
    }

    /// Fills in what the asset endangers, from the weight and number of the states that fall with
    /// it and from its scaled loss.
    pub(super) fn endangers(&mut self, graph: &AttackGraph, sizes: Option<&[u64]>, loss: i64) {
        let &[value, all] = sizes.unwrap_or(&[0, 0]) else {
            return;
        };
        let fallen = value % u64::from(JEWEL_WEIGHT);
        let mut own = graph.states_of(self.asset).map(StateId);
        let n_own = own.len() as u64;
        // The asset itself is no damage beyond itself.
        let falls_itself = own.any(|state| graph.state(state).capability != Capability::Reach);
        self.states = all.saturating_sub(1 + fallen + n_own);
        self.assets = fallen.saturating_sub(u64::from(falls_itself));
        self.crown_jewels = value / u64::from(JEWEL_WEIGHT);
        self.expected_loss = loss_in_units(loss) / VALUE_PARTS;
    }
}

/// A part from the checkpoint, or computed and, unless it was stopped, kept there.
fn part(
    checkpoint: &dyn Checkpoint,
    part: Part,
    compute: impl FnOnce() -> (Vec<u64>, Option<Stop>),
) -> (Vec<u64>, Option<Stop>) {
    if let Some(kept) = checkpoint.load(part) {
        return (kept, None);
    }
    let (words, stop) = compute();
    if stop.is_none() {
        checkpoint.save(part, &words);
    }
    (words, stop)
}

/// Where a crown jewel stands among the assets, if it does, and its value.
pub(super) type Place = (Option<usize>, f64);

/// For each asset the weight and the number of the states that fall with it.
pub(super) fn sizes_of_assets(
    assets: &AssetGraph,
    jewels: &[Place],
    pool: &rayon::ThreadPool,
    budget: &Budget,
) -> (Vec<u64>, Option<Stop>) {
    let topology = assets.topology();
    let mut weights = vec![0_u32; topology.n_states()];
    for at in 0..assets.assets().len() {
        weights[assets.fallen(at).idx()] = 1;
    }
    for at in jewels.iter().filter_map(|jewel| jewel.0) {
        weights[assets.fallen(at).idx()] += JEWEL_WEIGHT;
    }
    let condensed = match Condensation::new(topology, Links::Single, budget) {
        Ok(condensed) => condensed,
        Err(stop) => return (Vec::new(), Some(stop)),
    };
    let held = (0..assets.assets().len()).map(|at| assets.holding(at));
    let held: Vec<StateId> = held.collect();
    let (weights, only) = (weights.as_slice(), Some(held.as_slice()));
    let (sizes, stop) =
        blast_sizes(topology, &condensed, weights, None, only, pool, budget).into_parts();
    let mut words = Vec::with_capacity(2 * assets.assets().len());
    for at in 0..assets.assets().len() {
        words.push(sizes.value(&condensed, assets.holding(at)));
        words.push(u64::from(sizes.n_states(&condensed, assets.holding(at))));
    }
    (words, stop)
}

/// As [`sizes_of_assets`], from sketches, and their relative standard error.
fn estimates_of_assets(
    assets: &AssetGraph,
    jewels: &[Place],
    budget: &Budget,
) -> (Vec<u64>, Option<Stop>, Option<f64>) {
    let topology = assets.topology();
    let condensed = match Condensation::new(topology, Links::Single, budget) {
        Ok(condensed) => condensed,
        Err(stop) => return (Vec::new(), Some(stop), None),
    };
    let n = assets.assets().len();
    let set = |states: &mut dyn Iterator<Item = u32>| Bits::of(topology.n_states(), states);
    let own = set(&mut (0..topology.n_states().saturating_sub(2 * n) as u32));
    let fallen = set(&mut (0..n).map(|at| assets.fallen(at).0));
    let places = jewels.iter().filter_map(|jewel| jewel.0);
    let treasured = set(&mut places.map(|at| assets.fallen(at).0));
    let n_treasured = treasured.count() as u32;
    let of_jewels = SKETCH_PLACES.max(n_treasured.min(COUNTED_JEWELS) + 1);
    let sketches = [
        (&own, SKETCH_PLACES),
        (&fallen, SKETCH_PLACES),
        (&treasured, of_jewels),
    ];
    let mut stopped = None;
    let mut error = None;
    let [own, fallen, treasured] = sketches.map(|(counted, k)| {
        let outcome = estimate_blast_sizes(&condensed, Some(counted), k, 1, budget);
        let (sizes, stop) = outcome.into_parts();
        stopped = stopped.or(stop);
        error = error.or(Some(sizes.standard_error()));
        sizes
    });
    let mut words = Vec::with_capacity(2 * n);
    for holding in (0..n).map(|at| assets.holding(at)) {
        #[allow(clippy::cast_sign_loss, reason = "a number of states is positive")]
        let [own, fallen, treasured] = [&own, &fallen, &treasured]
            .map(|sizes| sizes.of(&condensed, holding).n_states.round() as u64);
        let fallen = fallen.min(u64::from(JEWEL_WEIGHT) - 1);
        words.push(treasured * u64::from(JEWEL_WEIGHT) + fallen);
        // With the states of holding the asset and of having assets fallen, as they are counted.
        words.push(own + 1 + fallen);
    }
    (words, stopped, error)
}

/// For each asset the sum over these jewels of value times likelihood, scaled.
pub(super) fn losses_of_assets(
    assets: &AssetGraph,
    search: &LossSearch<'_, StepGraph>,
    jewels: &[Place],
    pool: &rayon::ThreadPool,
    budget: &Budget,
) -> (Vec<u64>, Option<Stop>) {
    let valued: Vec<ValuedAsset> = jewels
        .iter()
        .map(|&(place, value)| {
            #[allow(clippy::cast_sign_loss, reason = "values of jewels are positive")]
            let value = (value * VALUE_PARTS).round().min(f64::from(u32::MAX)) as u32;
            ValuedAsset {
                value,
                states: place
                    .map(|place| assets.fallen(place))
                    .into_iter()
                    .collect(),
            }
        })
        .collect();
    let all = 0..assets.assets().len();
    let held = all.clone().map(|at| assets.holding(at).0);
    let held = Bits::of(assets.topology().n_states(), held);
    let (losses, stop) = search.of(&valued, Some(&held), pool, budget).into_parts();
    let of_assets = all
        .map(|at| losses.scaled_of(assets.holding(at)).cast_unsigned())
        .collect();
    (of_assets, stop)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::attack::testing::{derived, hop, snapshot};
    use crate::attack::{Capability, State};

    /// `seed` decides which of twelve assets may be taken over from which; some are jewels.
    fn estate(seed: u32) -> AttackGraph {
        let mut lines = String::from("i R a0\n");
        let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12345);
        let mut random = |n: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) % n
        };
        for _ in 0..16 {
            writeln!(lines, "a{} K a{}", random(12), random(12)).unwrap();
            writeln!(lines, "a{} R a{}", random(12), random(12)).unwrap();
            writeln!(lines, "a{} X a{}", random(12), random(12)).unwrap();
        }
        writeln!(lines, "a{} value 5\na{} value 7", random(12), random(12)).unwrap();
        let rules = vec![
            hop("reach", "R", Capability::Exec, Capability::Reach, 0.9),
            hop("start", "R", Capability::Reach, Capability::Reach, 0.9),
            hop("take", "K", Capability::Reach, Capability::Exec, 0.5),
            hop("move", "X", Capability::Exec, Capability::Exec, 0.7),
        ];
        derived(&snapshot(&lines), rules, 1)
    }

    fn pool(n_threads: usize) -> rayon::ThreadPool {
        let builder = rayon::ThreadPoolBuilder::new().num_threads(n_threads);
        builder.build().unwrap()
    }

    /// Computed with sizes estimated, and without.
    fn estimated_and_counted(graph: &AttackGraph) -> [EstateRisk; 2] {
        let (pool, budget) = (pool(1), Budget::unlimited());
        let starts = [StateId(0)];
        [0, usize::MAX].map(|above| {
            let none = &NoCheckpoint;
            recompute_resuming(graph, &starts, &pool, &budget, &|_| {}, none, above)
                .into_parts()
                .0
        })
    }

    #[test]
    fn what_fits_into_a_sketch_is_counted_though_estimates_are_asked_for() {
        for seed in 0..100 {
            let [estimated, counted] = estimated_and_counted(&estate(seed));
            assert_eq!(estimated.assets, counted.assets, "seed {seed}");
            assert!(estimated.size_error.is_some() && counted.size_error.is_none());
        }
    }

    #[test]
    fn estimates_are_as_near_as_they_say_and_the_rest_is_exact() {
        let n = 900;
        let mut state = 3_u32;
        let mut random = |n: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) % n
        };
        let mut lines = String::from("a7 value 5\na400 value 7\n");
        for from in 0..n {
            for kind in ["K", "X", "R"] {
                // Mostly onwards, so that sizes differ.
                let to = from + random(40);
                writeln!(lines, "a{from} {kind} a{}", to % (n + 20)).unwrap();
            }
        }
        let rules = vec![
            hop("reach", "R", Capability::Exec, Capability::Reach, 0.9),
            hop("take", "K", Capability::Reach, Capability::Exec, 0.5),
            hop("move", "X", Capability::Exec, Capability::Exec, 0.7),
        ];
        let graph = derived(&snapshot(&lines), rules, 1);
        let [estimated, counted] = estimated_and_counted(&graph);
        let error = estimated.size_error.unwrap();
        let (mut n_large, mut n_near) = (0, 0);
        for (estimate, exact) in estimated.assets.iter().zip(&counted.assets) {
            assert_eq!(estimate.crown_jewels, exact.crown_jewels);
            assert_eq!(
                estimate.expected_loss.to_bits(),
                exact.expected_loss.to_bits()
            );
            assert_eq!(
                (estimate.cost, estimate.n_steps),
                (exact.cost, exact.n_steps)
            );
            if exact.assets > 200 {
                let off = estimate.assets as f64 / exact.assets as f64 - 1.0;
                n_large += 1;
                n_near += usize::from(off.abs() < 2.0 * error);
            }
        }
        assert!(n_large > 200, "{n_large}");
        assert!(n_near * 10 > n_large * 8, "{n_near} of {n_large}");
        assert_ne!(estimated.assets, counted.assets);
    }

    #[test]
    fn every_asset_agrees_with_a_search_of_its_own() {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(2)
            .build()
            .unwrap();
        for seed in 0..200 {
            let graph = estate(seed);
            let snapshot = graph.snapshot();
            let internet = snapshot.node("n:i").unwrap();
            let start = graph.find_state(State {
                asset: internet,
                capability: Capability::Reach,
            });
            let starts: Vec<StateId> = start.into_iter().collect();
            let budget = Budget::unlimited();
            let (risk, stop) = recompute(&graph, &starts, &pool, &budget, &|_| {}).into_parts();
            assert_eq!(stop, None);
            let jewels = crown_jewels(snapshot);
            let from_start = cheapest_from(graph.topology(), &starts, &budget)
                .into_parts()
                .0;
            for found in &risk.assets {
                let own: Vec<StateId> = graph.states_of(found.asset).map(StateId).collect();
                let forward = cheapest_from(graph.topology(), &own, &budget)
                    .into_parts()
                    .0;
                let reached = |state: u32| forward.is_reached(StateId(state));
                let is_fallen = |asset: NodeId, search: &crate::search::Cheapest| {
                    graph
                        .states_of(asset)
                        .map(StateId)
                        .filter(|&state| graph.state(state).capability != Capability::Reach)
                        .map(|state| search.cost(state))
                        .min()
                        .filter(|&cost| cost != UNREACHED)
                };
                let states = (0..graph.n_states() as u32)
                    .filter(|&state| {
                        reached(state) && graph.state(StateId(state)).asset != found.asset
                    })
                    .count();
                assert_eq!(found.states, states as u64, "seed {seed}");
                let assets = snapshot
                    .nodes()
                    .filter(|&asset| asset != found.asset && is_fallen(asset, &forward).is_some())
                    .count();
                assert_eq!(found.assets, assets as u64, "seed {seed}");
                let costs = jewels
                    .iter()
                    .map(|jewel| (jewel.value, is_fallen(jewel.asset, &forward)));
                let loss: f64 = costs
                    .filter_map(|(value, cost)| Some(value * likelihood_of_cost(cost?)))
                    .sum();
                assert!((found.expected_loss - loss).abs() < 1e-3, "seed {seed}");
                let cost = is_fallen(found.asset, &from_start).unwrap_or(UNREACHED);
                assert_eq!(found.cost, cost, "seed {seed}");
            }
        }
    }

    /// Keeps parts, and stops the work after so many.
    struct Interrupted {
        parts: std::sync::Mutex<std::collections::BTreeMap<Part, Vec<u64>>>,
        n_before_stop: usize,
        stop: crate::budget::StopHandle,
    }

    impl Checkpoint for Interrupted {
        fn load(&self, part: Part) -> Option<Vec<u64>> {
            self.parts.lock().unwrap().get(&part).cloned()
        }

        fn save(&self, part: Part, words: &[u64]) {
            let mut parts = self.parts.lock().unwrap();
            assert!(
                parts.insert(part, words.to_vec()).is_none(),
                "computed twice"
            );
            if parts.len() == self.n_before_stop {
                self.stop.stop(Stop::Cancelled);
            }
        }
    }

    #[test]
    fn what_was_stopped_goes_on_where_it_was() {
        let mut lines = String::from("i R a0\n");
        for at in 0..150 {
            writeln!(lines, "a{at} X a{}\na{at} R a{}", at + 1, (at * 7) % 150).unwrap();
            writeln!(lines, "a{at} value {}", 1 + at % 9).unwrap();
        }
        let rules = vec![
            hop("reach", "R", Capability::Reach, Capability::Exec, 0.9),
            hop("move", "X", Capability::Exec, Capability::Exec, 0.7),
        ];
        let graph = derived(&snapshot(&lines), rules, 1);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(2)
            .build()
            .unwrap();
        let starts = [StateId(0)];
        let whole = recompute(&graph, &starts, &pool, &Budget::unlimited(), &|_| {});
        assert!(matches!(whole, Outcome::Complete(_)));
        let mut kept = std::collections::BTreeMap::new();
        for n_parts in 1..=4 {
            let budget = Budget::unlimited();
            let interrupted = Interrupted {
                parts: std::sync::Mutex::new(kept),
                n_before_stop: n_parts,
                stop: budget.stop_handle(),
            };
            let outcome = recompute_resuming(
                &graph,
                &starts,
                &pool,
                &budget,
                &|_| {},
                &interrupted,
                usize::MAX,
            );
            kept = interrupted.parts.into_inner().unwrap();
            // A fourth part is the last one: nothing is left to be stopped.
            assert_eq!(kept.len(), n_parts);
            if n_parts == 4 {
                assert_eq!(outcome, whole);
            } else {
                assert!(matches!(outcome, Outcome::Partial(..)));
            }
        }
    }

    #[test]
    fn the_number_of_threads_does_not_matter() {
        let graph = estate(3);
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            recompute(&graph, &[StateId(0)], &pool, &Budget::unlimited(), &|_| {})
        };
        assert_eq!(run(1), run(4));
    }
}
