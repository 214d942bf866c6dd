//! 512 worlds searched at once, one bit each.
//!
//! The loops over [`Lanes`] are plain Rust that the caller compiles for the widest vectors of the
//! machine; everything here is inlined into that. The answer is the same with any of them.

#![allow(
    clippy::inline_always,
    clippy::needless_range_loop,
    reason = "loops over lanes are compiled for the widest vectors, which takes inlining and plain indexes"
)]

use crate::bits::Bits;
use crate::budget::{Budget, CHECK_EVERY, Stop};
use crate::score::cost::{Cost, likelihood_of_cost};
use crate::search::components::{Components, Links, components};
use crate::search::topology::StateId;
use crate::search::view::Topology;

/// Words of 64 worlds in a block.
pub(super) const WORDS: usize = 8;

/// One bit for each world of a block.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Lanes([u64; WORDS]);

impl Lanes {
    const NONE: Self = Self([0; WORDS]);

    #[inline(always)]
    fn is_empty(&self) -> bool {
        self.0.iter().fold(0, |all, word| all | word) == 0
    }

    #[inline(always)]
    fn zip(self, other: Self, combine: impl Fn(u64, u64) -> u64) -> Self {
        let mut result = self;
        for (word, other) in result.0.iter_mut().zip(other.0) {
            *word = combine(*word, other);
        }
        result
    }

    #[inline(always)]
    fn and(self, other: Self) -> Self {
        self.zip(other, |a, b| a & b)
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        self.zip(other, |a, b| a | b)
    }

    /// What is in this one and not in the other.
    #[inline(always)]
    fn without(self, other: Self) -> Self {
        self.zip(other, |a, b| a & !b)
    }
}

/// What all blocks share: the order of the search and the odds of the steps.
pub(super) struct Plan {
    starts: Vec<u32>,
    components: Components,
    /// By step the likelihood in 2^-32.
    odds: Vec<u32>,
}

impl Plan {
    pub(super) fn new<T: Topology>(
        graph: &T,
        starts: &[StateId],
        budget: &Budget,
    ) -> Result<Self, Stop> {
        let components = components(graph, Links::WithAndSteps, budget)?;
        budget.charge(graph.n_steps() as u64 * 4)?;
        let mut odds = vec![0; graph.n_steps()];
        let mut known = KnownOdds::new();
        for state in 0..graph.n_states() as u32 {
            graph.each_out(state, |step, _, cost| odds[step as usize] = known.of(cost));
        }
        graph.each_and(|and| odds[and.step as usize] = known.of(and.cost));
        let starts: Vec<u32> = starts
            .iter()
            .map(|start| start.0)
            .filter(|&start| graph.has_state(start))
            .collect();
        Ok(Self {
            starts,
            components,
            odds,
        })
    }
}

/// Remembers the odds of costs, of which rules give only a few different ones.
struct KnownOdds(Vec<(Cost, u32)>);

impl KnownOdds {
    fn new() -> Self {
        Self(vec![(0, CERTAIN); 1024])
    }

    fn of(&mut self, cost: Cost) -> u32 {
        let place = (cost ^ cost >> 10) as usize % self.0.len();
        let known = &mut self.0[place];
        if known.0 != cost {
            *known = (cost, odds_of(cost));
        }
        known.1
    }
}

/// The highest odds mean certain.
const CERTAIN: u32 = u32::MAX;

/// The likelihood in 2^-32.
fn odds_of(cost: Cost) -> u32 {
    if cost == 0 {
        return CERTAIN;
    }
    let scaled = likelihood_of_cost(cost) * 4_294_967_296.0;
    #[allow(
        clippy::cast_sign_loss,
        reason = "a likelihood is not negative; the cast saturates"
    )]
    let odds = scaled as u32;
    odds
}

/// One block of worlds.
pub(super) struct Worlds {
    /// By state the worlds in which it is reached.
    reached: Vec<Lanes>,
    /// By state of the component at hand the worlds whose steps were tried.
    tried: Vec<Lanes>,
    is_pending: Bits,
    queue: Vec<u32>,
    next_queue: Vec<u32>,
}

impl Worlds {
    pub(super) fn new(n_states: usize, budget: &Budget) -> Result<Self, Stop> {
        budget.charge(n_states as u64 * 2 * size_of::<Lanes>() as u64)?;
        Ok(Self {
            reached: vec![Lanes::NONE; n_states],
            tried: vec![Lanes::NONE; n_states],
            is_pending: Bits::new(n_states),
            queue: Vec::new(),
            next_queue: Vec::new(),
        })
    }

    /// Searches `n_words` * 64 worlds and adds to `hits` in how many each state is reached.
    #[inline(always)]
    pub(super) fn search<T: Topology>(
        &mut self,
        graph: &T,
        plan: &Plan,
        base: u64,
        n_words: usize,
        hits: &mut [u32],
        budget: &Budget,
    ) -> Result<(), Stop> {
        self.reached.fill(Lanes::NONE);
        let mut all = Lanes::NONE;
        all.0[..n_words].fill(u64::MAX);
        let mut highest = None;
        for &start in &plan.starts {
            self.reached[start as usize] = all;
            self.is_pending.insert(start);
            highest = highest.max(Some(plan.components.of(StateId(start))));
        }
        let has_and = graph.n_and_steps() > 0;
        if has_and {
            self.tried.fill(Lanes::NONE);
        }
        let mut n_expanded = 0;
        // From the sources to the sinks. Only AND steps can lead back up: then once more.
        while let Some(from) = highest.take() {
            for component in (0..=from).rev() {
                let row = plan.components.row(component);
                self.queue.clear();
                for &state in row {
                    if self.is_pending.contains(state) {
                        self.queue.push(state);
                    }
                    if !has_and && row.len() > 1 {
                        self.tried[state as usize] = Lanes::NONE;
                    }
                }
                let is_single = row.len() == 1 && !has_and;
                while !self.queue.is_empty() {
                    let queue = std::mem::take(&mut self.queue);
                    for &state in &queue {
                        self.is_pending.remove(state);
                        // What failed once in a world fails always: only new worlds are tried.
                        let mut own = self.reached[state as usize];
                        if !is_single {
                            let before = std::mem::replace(&mut self.tried[state as usize], own);
                            own = own.without(before);
                        }
                        let mut attempts = Attempts {
                            plan,
                            base,
                            component,
                            reached: &mut self.reached,
                            is_pending: &mut self.is_pending,
                            queue: &mut self.next_queue,
                            highest: &mut highest,
                        };
                        graph.each_out(
                            state,
                            #[inline(always)]
                            |step, gain, _| {
                                n_expanded += 1;
                                attempts.attempt(step, gain, own);
                            },
                        );
                        if has_and {
                            graph.each_and_out(state, |and| {
                                n_expanded += 1;
                                let able = and.premises.iter().fold(all, |able, &premise| {
                                    able.and(attempts.reached[premise as usize])
                                });
                                attempts.attempt(and.step, and.gain, able);
                            });
                        }
                    }
                    self.queue = queue;
                    self.queue.clear();
                    std::mem::swap(&mut self.queue, &mut self.next_queue);
                }
                if n_expanded >= CHECK_EVERY {
                    budget.expand(n_expanded)?;
                    n_expanded = 0;
                }
            }
        }
        budget.expand(n_expanded)?;
        for (hits, reached) in hits.iter_mut().zip(&self.reached) {
            *hits += reached.0.iter().map(|word| word.count_ones()).sum::<u32>();
        }
        Ok(())
    }
}

/// What trying a step needs and changes.
struct Attempts<'a> {
    plan: &'a Plan,
    base: u64,
    component: u32,
    reached: &'a mut [Lanes],
    is_pending: &'a mut Bits,
    queue: &'a mut Vec<u32>,
    highest: &'a mut Option<u32>,
}

impl Attempts<'_> {
    /// Tries a step in the worlds that are able and have not reached its gain.
    #[inline(always)]
    fn attempt(&mut self, step: u32, gain: u32, able: Lanes) {
        let of_gain = &mut self.reached[gain as usize];
        let new = able.without(*of_gain);
        if new.is_empty() {
            return;
        }
        let new = new.and(successes(
            self.base,
            step,
            self.plan.odds[step as usize],
            new,
        ));
        if new.is_empty() {
            return;
        }
        *of_gain = of_gain.or(new);
        if self.is_pending.insert(gain) {
            let of_gain = self.plan.components.of(StateId(gain));
            if of_gain == self.component {
                self.queue.push(gain);
            } else if of_gain > self.component {
                *self.highest = (*self.highest).max(Some(of_gain));
            }
        }
    }
}

/// How many binary digits are drawn between two looks at whether it was enough.
const DIGITS_A_LOOK: u32 = 4;

/// The worlds in which the step succeeds, right at least in those asked for.
///
/// Compares a random number with the odds in every world at once, binary digit by binary digit
/// from the highest, until no world that matters is undecided. The digits are those of
/// xoroshiro128+ (Blackman and Vigna 2018), one generator for each word.
#[inline(always)]
fn successes(base: u64, step: u32, odds: u32, asked: Lanes) -> Lanes {
    if odds == CERTAIN {
        return asked;
    }
    let seed = base ^ u64::from(step).wrapping_mul(0x9fb2_1c65_1e98_df25);
    let (mut first, mut second) = ([0; WORDS], [0; WORDS]);
    for word in 0..WORDS {
        first[word] = spread(seed.wrapping_add((2 * word as u64 + 1).wrapping_mul(GOLDEN)));
        second[word] = spread(seed.wrapping_add((2 * word as u64 + 2).wrapping_mul(GOLDEN)));
    }
    let mut undecided = asked.0;
    let mut successful = [0; WORDS];
    let mut odds = odds;
    while odds != 0 {
        for _ in 0..DIGITS_A_LOOK {
            // All ones where the digit of the odds is 1.
            let is_one = 0u64.wrapping_sub(u64::from(odds >> 31));
            odds <<= 1;
            for word in 0..WORDS {
                let digit = first[word].wrapping_add(second[word]);
                successful[word] |= undecided[word] & !digit & is_one;
                undecided[word] &= !(digit ^ is_one);
                second[word] ^= first[word];
                first[word] = first[word].rotate_left(24) ^ second[word] ^ (second[word] << 16);
                second[word] = second[word].rotate_left(37);
            }
        }
        if Lanes(undecided).is_empty() {
            break;
        }
    }
    Lanes(successful)
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The mixer of `SplitMix64`.
#[inline(always)]
fn spread(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}
