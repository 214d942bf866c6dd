//! The crown-jewel value that every state reaches, kept exact while steps come and go.
//!
//! The graph is condensed once, and every component has one bit lane for each jewel. What a change
//! costs is then mostly nothing: a step inside a component changes no reach as long as its ends
//! stay together, which two searches that meet decide after a few states; a step between two
//! components matters only for jewels that nothing else leads to. When a component does fall
//! apart, only the part that was cut off is condensed anew.
//!
//! Steps that might close a cycle through several components are kept apart ("pending") until
//! there are [`MAX_PENDING`] of them; then the graph is condensed again. So the parts under them
//! stay a graph without cycles, where a lost jewel is found by looking at direct successors only.

mod lanes;
mod links;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

use self::lanes::{Lanes, is_nothing, join, keep_common, row_range, spread, take_away};
use self::links::{LinksNow, Parts};
use super::components::{Condensation, Links, components};
use super::fresh_costs::StepChange;
use super::topology::{StateId, StepGraph, StepGraphBuilder};
use super::view::{Additions, View};
use crate::bits::Bits;
use crate::budget::{Budget, Stop};

/// Pending steps before the graph is condensed again.
const MAX_PENDING: usize = 64;

/// When more ways out of a part would have to be looked for, its component is condensed as a whole.
const MAX_EXITS: usize = 64;

/// What every state reaches of the jewels, whatever happens to the steps.
///
/// As [`super::reach_of_all`]: an AND step counts as a link from its main premise, so with AND
/// steps the value is an upper bound.
#[derive(Debug)]
pub struct FreshReach<'g> {
    graph: &'g StepGraph,
    jewels: Vec<(StateId, u32)>,
    /// Lanes by state that is a jewel.
    lanes_of: FxHashMap<u32, Lanes>,
    n_words: usize,
    links: LinksNow<'g>,
    /// Steps that are there but not among `links`.
    pending: Vec<u32>,
    parts: Parts,
    /// Lanes of each part through `links`, a row of `n_words` each.
    lanes: Vec<u64>,
    /// Lanes of its own states, likewise.
    own: Vec<u64>,
    /// Lanes of each part with pending steps.
    now: Vec<u64>,
    /// The parts for which that is more than `lanes` says.
    beyond: Vec<u32>,
    /// Places of states among those that are condensed anew; scratch.
    places: Vec<u32>,
}

/// How two searches towards each other ended.
enum Meeting {
    Met,
    /// All that the first state leads to; the other is not among it.
    Before(FxHashSet<u32>),
    /// All that leads to the second state.
    Behind(FxHashSet<u32>),
}

impl<'g> FreshReach<'g> {
    /// Condenses the graph. O(states + steps), and a row of lanes for each component.
    pub fn new(
        graph: &'g StepGraph,
        jewels: &[(StateId, u32)],
        budget: &Budget,
    ) -> Result<Self, Stop> {
        let condensed = Condensation::new(graph, Links::WithAndSteps, budget)?;
        let n_words = jewels.len().div_ceil(64).max(1);
        let n_rows = condensed.n_components() * n_words;
        budget.charge(n_rows as u64 * 24)?;
        let mut lanes_of: FxHashMap<u32, Lanes> = FxHashMap::default();
        for (lane, (state, _)) in jewels.iter().enumerate() {
            let lanes = lanes_of.entry(state.0);
            let lanes = lanes.or_insert_with(|| SmallVec::from_elem(0, n_words));
            lanes[lane / 64] |= 1 << (lane % 64);
        }
        let mut fresh = Self {
            graph,
            jewels: jewels.to_vec(),
            lanes_of,
            n_words,
            links: LinksNow {
                graph,
                gone: Bits::new(graph.n_steps()),
                added: Vec::new(),
                added_gone: FxHashSet::default(),
                added_out: FxHashMap::default(),
                added_in: FxHashMap::default(),
            },
            pending: Vec::new(),
            parts: Parts::new(condensed.components),
            lanes: Vec::new(),
            own: Vec::new(),
            now: Vec::new(),
            beyond: Vec::new(),
            places: vec![u32::MAX; graph.n_states()],
        };
        fresh.fill();
        Ok(fresh)
    }

    /// The value of the jewels that this state reaches, its own included. O(jewels).
    pub fn value(&self, state: StateId) -> u64 {
        self.reached(state)
            .map(|lane| u64::from(self.jewels[lane].1))
            .sum()
    }

    /// How many jewels this state reaches, itself included.
    pub fn n_jewels(&self, state: StateId) -> u32 {
        self.reached(state).count() as u32
    }

    /// The reached jewels, as indexes of the list given at first.
    pub fn reached(&self, state: StateId) -> impl Iterator<Item = usize> + '_ {
        let lanes = self.now(self.parts.of[state.idx()]);
        lanes.iter().enumerate().flat_map(|(word, &bits)| {
            (0..64)
                .filter(move |bit| bits >> bit & 1 == 1)
                .map(move |bit| word * 64 + bit)
        })
    }

    /// Makes these changes one after the other. A step that does not exist is left alone.
    ///
    /// Mostly O(a few states); O(states + steps) of a component that falls apart in many pieces,
    /// and of the whole graph when too many steps are pending.
    pub fn apply(&mut self, changes: &[StepChange]) {
        for change in changes {
            match change {
                StepChange::Remove(step) => self.remove(step.0),
                StepChange::Cost(step, _) => self.restore(step.0),
                StepChange::Add { premises, gain, .. } => {
                    let Some(main) = premises.first() else {
                        continue;
                    };
                    let step = self.links.n_steps() as u32;
                    self.links.added.push((main.0, gain.0));
                    self.links.added_gone.insert(step);
                    self.restore(step);
                }
            }
        }
    }

    fn restore(&mut self, step: u32) {
        let is_there = step as usize >= self.links.n_steps()
            || self.links.holds(step)
            || self.pending.contains(&step);
        if is_there {
            return;
        }
        let (from, to) = self.links.ends(step);
        let (above, below) = (self.part(from), self.part(to));
        let ranks = &self.parts.ranks;
        if above == below {
            self.links.put(step);
        } else if ranks[above as usize] > ranks[below as usize] {
            self.links.put(step);
            self.raise(above, below);
        } else {
            self.pending.push(step);
            if self.pending.len() > MAX_PENDING {
                self.condense();
            } else {
                self.settle();
            }
        }
    }

    fn remove(&mut self, step: u32) {
        if let Some(at) = self.pending.iter().position(|&other| other == step) {
            self.pending.swap_remove(at);
            self.forget_pending();
            self.settle();
            return;
        }
        if step as usize >= self.links.n_steps() || !self.links.holds(step) {
            return;
        }
        let (from, to) = self.links.ends(step);
        self.links.take(step);
        // Judged by the links alone; what pending steps add comes afterwards.
        let (above, below) = (self.part(from), self.part(to));
        if above != below {
            self.forget_pending();
            let suspect = Lanes::from_slice(self.row(below));
            self.lower(vec![(above, suspect)]);
        } else if from != to {
            match self.meet(from, to, above, None) {
                Meeting::Met => return,
                Meeting::Before(states) => self.cut_off(above, &states, |links, state| {
                    // Every way in from outside has to find its way to where the step led.
                    (links.premises_of(state).collect(), to, false)
                }),
                Meeting::Behind(states) => self.cut_off(above, &states, |links, state| {
                    (links.gains_of(state).collect(), from, true)
                }),
            }
        }
        self.settle();
    }

    fn part(&self, state: u32) -> u32 {
        self.parts.of[state as usize]
    }

    fn row(&self, part: u32) -> &[u64] {
        &self.lanes[row_range(part, self.n_words)]
    }

    fn now(&self, part: u32) -> &[u64] {
        &self.now[row_range(part, self.n_words)]
    }

    /// Back to what the links alone lead to.
    fn forget_pending(&mut self) {
        for part in std::mem::take(&mut self.beyond) {
            let row = row_range(part, self.n_words);
            self.now[row.clone()].copy_from_slice(&self.lanes[row]);
        }
    }

    /// The lanes of the states of a part.
    fn own_lanes(&self, part: u32) -> Lanes {
        let mut own: Lanes = SmallVec::from_elem(0, self.n_words);
        for state in self.parts.states(part) {
            if let Some(lanes) = self.lanes_of.get(&state) {
                join(&mut own, lanes);
            }
        }
        own
    }

    /// Fills all rows, from the sinks up. Pending steps are left out.
    fn fill(&mut self) {
        self.lanes.clear();
        self.own.clear();
        for part in 0..self.parts.ranks.len() as u32 {
            let own = self.own_lanes(part);
            let mut lanes = own.clone();
            for state in self.parts.states(part) {
                for gain in self.links.gains_of(state) {
                    let below = self.part(gain);
                    if below != part {
                        join(&mut lanes, self.row(below));
                    }
                }
            }
            self.own.extend_from_slice(&own);
            self.lanes.extend_from_slice(&lanes);
        }
        self.now.clone_from(&self.lanes);
        self.beyond.clear();
    }

    /// Takes pending steps in and condenses everything again.
    fn condense(&mut self) {
        for step in std::mem::take(&mut self.pending) {
            self.links.put(step);
        }
        let added: Vec<(Vec<StateId>, StateId)> = (0u32..)
            .zip(&self.links.added)
            .filter(|(at, _)| self.links.holds(self.graph.n_steps() as u32 + at))
            .map(|(_, &(from, to))| (vec![StateId(from)], StateId(to)))
            .collect();
        let steps = added.iter().map(|(from, to)| (from.as_slice(), *to, 0));
        let Ok((additions, _)) = Additions::new(self.graph, 0, steps) else {
            return;
        };
        let view = View::new(self.graph)
            .without_steps(&self.links.gone)
            .with(&additions);
        // Without a limit it does not stop.
        if let Ok(found) = components(&view, Links::WithAndSteps, &Budget::unlimited()) {
            self.parts = Parts::new(found);
            self.fill();
        }
    }

    /// What `below` reaches is now reached from `above` and from all that leads there.
    fn raise(&mut self, above: u32, below: u32) {
        let gained = Lanes::from_slice(self.row(below));
        let gained_now = Lanes::from_slice(self.now(below));
        spread(
            &self.links,
            &self.parts,
            &mut self.lanes,
            above,
            &gained,
            |_| {},
        );
        self.raise_now(above, &gained_now);
        if self.pending.is_empty() {
            self.beyond.clear();
        } else {
            self.settle();
        }
    }

    /// Follows pending steps until nothing more is reached.
    fn settle(&mut self) {
        let mut is_changed = true;
        while is_changed {
            is_changed = false;
            for at in 0..self.pending.len() {
                let (from, to) = self.links.ends(self.pending[at]);
                let gained = Lanes::from_slice(self.now(self.part(to)));
                is_changed |= self.raise_now(self.part(from), &gained);
            }
        }
    }

    fn raise_now(&mut self, above: u32, gained: &[u64]) -> bool {
        let n_before = self.beyond.len();
        let beyond = &mut self.beyond;
        spread(
            &self.links,
            &self.parts,
            &mut self.now,
            above,
            gained,
            |part| beyond.push(part),
        );
        self.beyond.len() > n_before
    }

    /// Takes from these parts the lanes that nothing leads to any more, and from what is above.
    fn lower(&mut self, suspects: Vec<(u32, Lanes)>) {
        let mut queue = VecDeque::new();
        let mut suspect_of: FxHashMap<u32, Lanes> = FxHashMap::default();
        for (part, suspect) in suspects {
            queue.push_back(part);
            suspect_of.insert(part, suspect);
        }
        while let Some(part) = queue.pop_front() {
            let Some(suspect) = suspect_of.remove(&part) else {
                continue;
            };
            let held = Lanes::from_slice(&self.own[row_range(part, self.n_words)]);
            let mut lost: Lanes = suspect;
            take_away(&mut lost, &held);
            'justified: for state in self.parts.states(part) {
                for gain in self.links.gains_of(state) {
                    if is_nothing(&lost) {
                        break 'justified;
                    }
                    let below = self.part(gain);
                    if below != part {
                        take_away(&mut lost, self.row(below));
                    }
                }
            }
            keep_common(&mut lost, self.row(part));
            if is_nothing(&lost) {
                continue;
            }
            let row = row_range(part, self.n_words);
            take_away(&mut self.lanes[row.clone()], &lost);
            take_away(&mut self.now[row], &lost);
            for state in self.parts.states(part) {
                for premise in self.links.premises_of(state) {
                    let higher = self.part(premise);
                    if higher == part {
                        continue;
                    }
                    let mut suspect = lost.clone();
                    keep_common(&mut suspect, self.row(higher));
                    if is_nothing(&suspect) {
                        continue;
                    }
                    match suspect_of.entry(higher) {
                        std::collections::hash_map::Entry::Occupied(mut known) => {
                            join(known.get_mut(), &suspect);
                        }
                        std::collections::hash_map::Entry::Vacant(place) => {
                            place.insert(suspect);
                            queue.push_back(higher);
                        }
                    }
                }
            }
        }
    }

    /// Whether one state of a part still leads to another, `without` some of its states.
    ///
    /// Goes on where fewer states wait.
    fn meet(&self, from: u32, to: u32, part: u32, without: Option<&FxHashSet<u32>>) -> Meeting {
        if from == to {
            return Meeting::Met;
        }
        let counts = |state: u32| {
            self.part(state) == part && without.is_none_or(|hidden| !hidden.contains(&state))
        };
        let mut before: FxHashSet<u32> = std::iter::once(from).collect();
        let mut behind: FxHashSet<u32> = std::iter::once(to).collect();
        let (mut ahead, mut back) = (VecDeque::from([from]), VecDeque::from([to]));
        loop {
            if ahead.len() <= back.len() {
                let Some(state) = ahead.pop_front() else {
                    return Meeting::Before(before);
                };
                for gain in self.links.gains_of(state).filter(|&gain| counts(gain)) {
                    if behind.contains(&gain) {
                        return Meeting::Met;
                    }
                    if before.insert(gain) {
                        ahead.push_back(gain);
                    }
                }
            } else {
                let Some(state) = back.pop_front() else {
                    return Meeting::Behind(behind);
                };
                for premise in self
                    .links
                    .premises_of(state)
                    .filter(|&premise| counts(premise))
                {
                    if before.contains(&premise) {
                        return Meeting::Met;
                    }
                    if behind.insert(premise) {
                        back.push_back(premise);
                    }
                }
            }
        }
    }

    /// A part is not strongly connected any more: `states` have lost the rest of it.
    ///
    /// `crossings` names for one of them the neighbours over which the rest may have gone through
    /// `states`, the state of the rest that the removed step touched (or of `states`), and whether
    /// ways lead from that to the neighbours or the other way round.
    fn cut_off(
        &mut self,
        part: u32,
        states: &FxHashSet<u32>,
        crossings: impl Fn(&LinksNow<'g>, u32) -> (Vec<u32>, u32, bool),
    ) {
        let mut neighbours: FxHashSet<u32> = FxHashSet::default();
        let mut is_whole = true;
        #[allow(
            clippy::iter_over_hash_type,
            reason = "a set is filled and a condition decided, both the same in every order"
        )]
        for &state in states {
            let (crossed, root, is_from_root) = crossings(&self.links, state);
            for other in crossed {
                let is_rest = self.part(other) == part && !states.contains(&other);
                if is_rest && is_whole && neighbours.insert(other) {
                    let (from, to) = if is_from_root {
                        (root, other)
                    } else {
                        (other, root)
                    };
                    is_whole = neighbours.len() <= MAX_EXITS
                        && matches!(self.meet(from, to, part, Some(states)), Meeting::Met);
                }
            }
            if !is_whole {
                break;
            }
        }
        let mut pieces: Vec<u32> = if is_whole {
            states.iter().copied().collect()
        } else {
            self.parts.states(part).collect()
        };
        pieces.sort_unstable();
        self.forget_pending();
        self.split(part, &pieces, is_whole);
    }

    /// Condenses these states of a part anew; the others, or the largest of the pieces, remain it.
    fn split(&mut self, part: u32, states: &[u32], has_rest: bool) {
        for (at, &state) in (0u32..).zip(states) {
            self.places[state as usize] = at;
        }
        let mut builder = StepGraphBuilder::new(states.len() as u32);
        for (at, &state) in (0u32..).zip(states) {
            for gain in self.links.gains_of(state) {
                let place = self.places[gain as usize];
                if place != u32::MAX {
                    // Both ends are below the number of states.
                    let _ = builder.step(&[StateId(at)], StateId(place), 0);
                }
            }
        }
        for &state in states {
            self.places[state as usize] = u32::MAX;
        }
        let (graph, _) = builder.finish();
        // Without a limit it does not stop.
        let Ok(found) = components(&graph, Links::Single, &Budget::unlimited()) else {
            return;
        };
        let stays = (0..found.n_components() as u32)
            .max_by_key(|&piece| found.size(piece))
            .filter(|_| !has_rest);
        let all = Lanes::from_slice(self.row(part));
        let mut suspects = Vec::new();
        for piece in 0..found.n_components() as u32 {
            let mut own_part = part;
            if stays != Some(piece) {
                own_part = self.parts.ranks.len() as u32;
                let members: Vec<u32> = found
                    .states(piece)
                    .map(|state| states[state.idx()])
                    .collect();
                for &state in &members {
                    self.parts.of[state as usize] = own_part;
                }
                self.parts.ranks.push(self.parts.ranks[part as usize]);
                self.parts.split.push(members);
                self.lanes.extend_from_slice(&all);
                self.now.extend_from_slice(&all);
                let own = self.own_lanes(own_part);
                self.own.extend_from_slice(&own);
            }
            suspects.push((own_part, all.clone()));
        }
        if has_rest {
            suspects.push((part, all));
        }
        let own = self.own_lanes(part);
        let n_words = self.n_words;
        self.own[row_range(part, n_words)].copy_from_slice(&own);
        self.lower(suspects);
    }
}
