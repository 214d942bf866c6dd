//! Paths one after the other, best first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::{AttackPath, PathQuery, path_cost};
use crate::budget::{Budget, CHECK_EVERY, Stop};
use crate::search::cheapest::{Cheapest, Horizon, SideCosts, cheapest_to_within, key_after_link};
use crate::search::frontier::{Key, NO_KEY, key_cost, key_steps};
use crate::search::topology::{StateId, StepId};
use crate::search::view::Topology;

/// Stands for "the path ends here" among the links of a target.
const END: u32 = u32::MAX;

/// What every search toward the same targets shares.
#[derive(Debug)]
pub(super) struct Toward<'a> {
    /// Sorted; those that the view shows.
    targets: Vec<StateId>,
    sides: &'a SideCosts,
    distance: Cheapest,
    /// The fewest steps from each state to a target, if their number is limited.
    fewest: Option<Vec<u32>>,
    max_steps: u64,
    max_cost: u64,
    is_cut_short: bool,
}

impl<'a> Toward<'a> {
    /// Searches backwards from the targets, which are sorted, as far as the horizon says.
    ///
    /// Paths beyond the horizon are not found; [`Self::is_cut_short`] says if there may be any.
    pub(super) fn new<T: Topology>(
        graph: &T,
        targets: &[StateId],
        sides: &'a SideCosts,
        query: &PathQuery,
        horizon: &mut Horizon,
        budget: &Budget,
    ) -> Result<Self, Stop> {
        let (distance, stop) =
            cheapest_to_within(graph, targets, sides, horizon, budget).into_parts();
        if let Some(stop) = stop {
            return Err(stop);
        }
        let fewest = query
            .max_steps
            .map(|_| fewest_steps_to(graph, targets, sides));
        Ok(Self {
            targets: targets.to_vec(),
            sides,
            distance,
            fewest,
            max_steps: query.max_steps.map_or(u64::MAX, u64::from),
            max_cost: horizon.max_cost,
            is_cut_short: horizon.max_cost < u64::from(query.max_cost),
        })
    }

    /// Whether paths that the query asks for may lie beyond the horizon.
    pub(super) fn is_cut_short(&self) -> bool {
        self.is_cut_short
    }

    fn within(&self, n_steps: u64, state: u32) -> bool {
        match &self.fewest {
            Some(fewest) if state != END => {
                n_steps + u64::from(fewest[state as usize]) <= self.max_steps
            }
            _ => n_steps <= self.max_steps,
        }
    }
}

fn fewest_steps_to<T: Topology>(graph: &T, targets: &[StateId], sides: &SideCosts) -> Vec<u32> {
    // Far enough from overflow to add to.
    let mut fewest = vec![u32::MAX / 2; graph.n_states()];
    let mut queue: Vec<u32> = targets.iter().map(|target| target.0).collect();
    for target in targets {
        fewest[target.idx()] = 0;
    }
    let mut head = 0;
    while let Some(&at) = queue.get(head) {
        head += 1;
        let next = fewest[at as usize] + 1;
        let mut reach = |premise: u32| {
            if fewest[premise as usize] > next {
                fewest[premise as usize] = next;
                queue.push(premise);
            }
        };
        graph.each_in(at, |_, premise, _| reach(premise));
        graph.each_and_in(at, |and| {
            if sides.link_costs[and.and as usize] != NO_KEY {
                reach(and.premises[0]);
            }
        });
    }
    fewest
}

/// A way on from a state, under a lower bound of what is left to the targets.
#[derive(Clone, Copy, Debug)]
struct Link {
    /// The link's own key and the distance from its end.
    bound: Key,
    own: Key,
    step: u32,
    to: u32,
}

/// A path prefix with some ways on forbidden: one part of the space of paths.
#[derive(Clone, Debug)]
struct Part {
    source: StateId,
    /// The fixed beginning: steps and the states they gain.
    prefix: Vec<(u32, u32)>,
    prefix_key: Key,
    /// Steps that may not come next, or [`END`].
    forbidden: Vec<u32>,
}

#[derive(Debug)]
enum Entry {
    /// Not searched; the key is a lower bound of its best path.
    Unsearched(Part),
    /// Its best path.
    Searched(Part, Rest),
}

/// What follows a prefix: steps, the states they gain, and the keys up to there.
type Rest = Vec<(u32, u32, Key)>;

/// A label's next link to look at: its bound, the label's key (further on comes first), the label
/// in order of making, and the link's place.
type Open = Reverse<(Key, Reverse<Key>, u32, u32)>;

/// A lazy sequence of paths, best first: ask for one more as long as you like.
///
/// Memory grows with the number of paths taken and the states they touch.
#[derive(Debug)]
pub(super) struct RankedPaths<'a, T> {
    graph: &'a T,
    toward: &'a Toward<'a>,
    budget: &'a Budget,
    /// Order of entries: key, then order of insertion.
    heap: BinaryHeap<Reverse<(Key, u64)>>,
    entries: FxHashMap<u64, Entry>,
    n_entries: u64,
    /// For states that were touched, their ways on by bound.
    links: FxHashMap<u32, Arc<[Link]>>,
    n_expanded: u64,
}

impl<'a, T: Topology> RankedPaths<'a, T> {
    pub(super) fn over(
        graph: &'a T,
        toward: &'a Toward<'a>,
        sources: &[StateId],
        budget: &'a Budget,
    ) -> Self {
        let mut ranked = Self {
            graph,
            toward,
            budget,
            heap: BinaryHeap::new(),
            entries: FxHashMap::default(),
            n_entries: 0,
            links: FxHashMap::default(),
            n_expanded: 0,
        };
        for &source in sources {
            // A path of no steps is none.
            let part = Part {
                source,
                prefix: Vec::new(),
                prefix_key: 0,
                forbidden: vec![END],
            };
            // The distance of a source that is a target is 0; the bound holds all the same.
            ranked.push(toward.distance.keys[source.idx()], Entry::Unsearched(part));
        }
        ranked
    }

    /// The next best path, [`None`] when there is no further one within the limits.
    pub(super) fn next_path(&mut self) -> Result<Option<AttackPath>, Stop> {
        while let Some(Reverse((bound, number))) = self.heap.pop() {
            match self.entries.remove(&number) {
                Some(Entry::Unsearched(part)) => {
                    if let Some((key, rest)) = self.search(&part)? {
                        debug_assert!(key >= bound);
                        self.push(key, Entry::Searched(part, rest));
                    }
                }
                Some(Entry::Searched(part, rest)) => {
                    let path = path_of(&part, &rest, bound);
                    self.split(part, &rest);
                    return Ok(Some(path));
                }
                None => {}
            }
        }
        Ok(None)
    }

    fn push(&mut self, key: Key, entry: Entry) {
        if key != NO_KEY && key_cost(key) <= self.toward.max_cost {
            self.heap.push(Reverse((key, self.n_entries)));
            self.entries.insert(self.n_entries, entry);
            self.n_entries += 1;
        }
    }

    /// Puts the rest of the part back: all its paths but the one just found.
    fn split(&mut self, mut part: Part, rest: &[(u32, u32, Key)]) {
        for place in 0..=rest.len() {
            let mut smaller = part.clone();
            match rest.get(place) {
                Some(&(step, state, key)) => {
                    smaller.forbidden.push(step);
                    part.prefix.push((step, state));
                    part.prefix_key = key;
                    part.forbidden.clear();
                }
                None => smaller.forbidden.push(END),
            }
            if let Some(bound) = self.bound(&smaller) {
                self.push(bound, Entry::Unsearched(smaller));
            }
        }
    }

    /// The cheapest way on that is not forbidden, as a lower bound of the part's best path.
    fn bound(&mut self, part: &Part) -> Option<Key> {
        let links = self.links_of(part.last());
        let n_steps = part.prefix.len() as u64;
        links
            .iter()
            .find(|link| {
                !part.forbidden.contains(&link.step)
                    && !part.contains(link.to)
                    && self
                        .toward
                        .within(n_steps + u64::from(link.to != END), link.to)
            })
            .map(|link| part.prefix_key.saturating_add(link.bound))
    }

    /// The best path of the part: its key and what follows the prefix.
    ///
    /// A* that expands one link at a time. As the estimate is consistent, the first label that
    /// comes up for a state is its cheapest; with a limit on steps a later label counts only if it
    /// took fewer steps.
    fn search(&mut self, part: &Part) -> Result<Option<(Key, Rest)>, Stop> {
        let mut labels = vec![Label {
            state: part.last(),
            key: part.prefix_key,
            n_steps: part.prefix.len() as u64,
            step: END,
            before: 0,
        }];
        let mut fewest: FxHashMap<u32, u64> = FxHashMap::default();
        fewest.insert(part.source.0, 0);
        for &(_, state) in &part.prefix {
            fewest.insert(state, 0);
        }
        let mut open: BinaryHeap<Open> = BinaryHeap::new();
        let mut links_of_label = vec![self.links_of(part.last())];
        if let Some(link) = links_of_label[0].first() {
            let bound = part.prefix_key.saturating_add(link.bound);
            open.push(Reverse((bound, Reverse(part.prefix_key), 0, 0)));
        }
        while let Some(Reverse((bound, _, label_idx, link_idx))) = open.pop() {
            if key_cost(bound) > self.toward.max_cost {
                return Ok(None);
            }
            self.count_expansion()?;
            let Label { key, n_steps, .. } = labels[label_idx as usize];
            let links = &links_of_label[label_idx as usize];
            let link = links[link_idx as usize];
            if let Some(next) = links.get(link_idx as usize + 1) {
                let next_bound = key.saturating_add(next.bound);
                open.push(Reverse((next_bound, Reverse(key), label_idx, link_idx + 1)));
            }
            if label_idx == 0 && part.forbidden.contains(&link.step) {
                continue;
            }
            if link.to == END {
                return Ok(Some((bound, follow(&labels, label_idx))));
            }
            let n_steps = n_steps + 1;
            if !self.toward.within(n_steps, link.to) {
                continue;
            }
            let known = fewest.entry(link.to).or_insert(u64::MAX);
            if *known == u64::MAX || (self.toward.fewest.is_some() && n_steps < *known) {
                *known = n_steps;
                let label = Label {
                    state: link.to,
                    key: key.saturating_add(link.own),
                    n_steps,
                    step: link.step,
                    before: label_idx,
                };
                let links = self.links_of(link.to);
                if let Some(first) = links.first() {
                    let bound = label.key.saturating_add(first.bound);
                    open.push(Reverse((bound, Reverse(label.key), labels.len() as u32, 0)));
                }
                labels.push(label);
                links_of_label.push(links);
            }
        }
        Ok(None)
    }

    fn links_of(&mut self, state: u32) -> Arc<[Link]> {
        if let Some(links) = self.links.get(&state) {
            return Arc::clone(links);
        }
        let mut links = Vec::new();
        if self.toward.targets.binary_search(&StateId(state)).is_ok() {
            links.push(Link {
                bound: 0,
                own: 0,
                step: END,
                to: END,
            });
        }
        let distance = &self.toward.distance.keys;
        let mut link = |step: u32, to: u32, link_cost: u64| {
            let left = distance[to as usize];
            let own = key_after_link(0, link_cost);
            if left != NO_KEY && own != NO_KEY && to != state {
                links.push(Link {
                    bound: own.saturating_add(left),
                    own,
                    step,
                    to,
                });
            }
        };
        self.graph
            .each_out(state, |step, gain, cost| link(step, gain, u64::from(cost)));
        self.graph.each_and_out(state, |and| {
            if and.premises[0] == state {
                link(
                    and.step,
                    and.gain,
                    self.toward.sides.link_costs[and.and as usize],
                );
            }
        });
        self.n_expanded += links.len() as u64;
        links.sort_unstable_by_key(|link| (link.bound, link.step));
        let links: Arc<[Link]> = links.into();
        self.links.insert(state, Arc::clone(&links));
        links
    }

    fn count_expansion(&mut self) -> Result<(), Stop> {
        self.n_expanded += 1;
        if self.n_expanded >= CHECK_EVERY {
            self.budget.expand(self.n_expanded)?;
            self.n_expanded = 0;
        }
        Ok(())
    }
}

#[derive(Clone, Copy, Debug)]
struct Label {
    state: u32,
    key: Key,
    n_steps: u64,
    step: u32,
    before: u32,
}

impl Part {
    fn last(&self) -> u32 {
        self.prefix.last().map_or(self.source.0, |last| last.1)
    }

    fn contains(&self, state: u32) -> bool {
        self.source.0 == state || self.prefix.iter().any(|passed| passed.1 == state)
    }
}

fn follow(labels: &[Label], last: u32) -> Rest {
    let mut steps = Vec::new();
    let mut idx = last;
    while idx != 0 {
        let label = labels[idx as usize];
        steps.push((label.step, label.state, label.key));
        idx = label.before;
    }
    steps.reverse();
    steps
}

fn path_of(part: &Part, rest: &[(u32, u32, Key)], key: Key) -> AttackPath {
    let target = rest.last().map_or(part.last(), |last| last.1);
    let steps: Vec<StepId> = part
        .prefix
        .iter()
        .map(|passed| StepId(passed.0))
        .chain(rest.iter().map(|next| StepId(next.0)))
        .collect();
    debug_assert_eq!(steps.len() as u64, key_steps(key));
    AttackPath {
        source: part.source,
        target: StateId(target),
        cost: path_cost(key),
        steps,
    }
}
