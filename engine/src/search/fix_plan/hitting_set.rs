//! The cheapest choice of items that hits every set: branch and bound, or greedy with a bound.

use std::collections::BTreeSet;

/// Sets that each must be hit, over items with costs.
#[derive(Clone, Debug)]
pub(in crate::search) struct HittingSet<'a> {
    costs: &'a [u32],
    sets: Vec<Vec<u32>>,
    known: BTreeSet<Vec<u32>>,
}

/// A choice that hits every set.
#[derive(Clone, Debug)]
pub(in crate::search) struct Solution {
    pub(in crate::search) chosen: Vec<u32>,
    /// No choice costs less.
    pub(in crate::search) lower_bound: u64,
    pub(in crate::search) is_exact: bool,
    /// How many branches it took.
    pub(in crate::search) n_branches: u64,
}

impl<'a> HittingSet<'a> {
    pub(in crate::search) fn new(costs: &'a [u32]) -> Self {
        Self {
            costs,
            sets: Vec::new(),
            known: BTreeSet::new(),
        }
    }

    /// How many sets there are.
    pub(in crate::search) fn n_sets(&self) -> usize {
        self.sets.len()
    }

    /// Adds a set, sorted and not empty; false if it is known already.
    pub(in crate::search) fn add(&mut self, set: Vec<u32>) -> bool {
        let is_new = self.known.insert(set.clone());
        if is_new {
            self.sets.push(set);
        }
        is_new
    }

    /// The cheapest choice if at most so many branches find it, else a greedy one with a bound.
    pub(in crate::search) fn solve(&self, max_branches: u64) -> Solution {
        // A superset of another set is hit with it.
        let mut needed: Vec<&[u32]> = self
            .sets
            .iter()
            .enumerate()
            .filter(|(idx, set)| {
                !self.sets.iter().enumerate().any(|(other_idx, other)| {
                    other.len() < set.len() && other_idx != *idx && is_subset(other, set)
                })
            })
            .map(|(_, set)| set.as_slice())
            .collect();
        needed.sort_by_key(|set| set.len());
        let greedy = self.greedy(&needed);
        let mut packing = Packing::new(self.costs);
        let root_bound = packing.bound(&needed);
        let mut search = Search {
            problem: self,
            packing,
            best_cost: self.cost_of(&greedy),
            best: greedy,
            n_left: max_branches,
            is_cut_short: false,
        };
        if root_bound < search.best_cost {
            search.branch(&needed, &mut Vec::new(), 0, &mut Vec::new());
        }
        let is_exact = !search.is_cut_short;
        let lower_bound = if is_exact {
            search.best_cost
        } else {
            root_bound
        };
        search.best.sort_unstable();
        Solution {
            chosen: search.best,
            lower_bound,
            is_exact,
            n_branches: max_branches - search.n_left,
        }
    }

    fn cost(&self, item: u32) -> u64 {
        u64::from(self.costs[item as usize])
    }

    fn cost_of(&self, items: &[u32]) -> u64 {
        items.iter().map(|&item| self.cost(item)).sum()
    }

    /// The item that hits most sets for its cost, again and again; then what is not needed goes.
    /// At most ln(sets) + 1 times as dear as the cheapest (Chvátal 1979).
    fn greedy(&self, sets: &[&[u32]]) -> Vec<u32> {
        let mut open: Vec<&[u32]> = sets.to_vec();
        let mut chosen: Vec<u32> = Vec::new();
        while !open.is_empty() {
            let mut hits = std::collections::BTreeMap::<u32, u64>::new();
            for &item in open.iter().copied().flatten() {
                *hits.entry(item).or_default() += 1;
            }
            let mut best: Option<(u32, u64)> = None;
            for (item, n) in hits {
                // n / cost > best n / best cost, without division; ties go to the lower number.
                if best.is_none_or(|(known, most)| n * self.cost(known) > most * self.cost(item)) {
                    best = Some((item, n));
                }
            }
            let Some((item, _)) = best else { break };
            chosen.push(item);
            open.retain(|set| !set.contains(&item));
        }
        for place in (0..chosen.len()).rev() {
            let item = chosen.remove(place);
            if sets
                .iter()
                .any(|set| !set.iter().any(|item| chosen.contains(item)))
            {
                chosen.insert(place, item);
            }
        }
        chosen
    }
}

/// Bounds what hitting sets costs from below.
struct Packing<'a> {
    costs: &'a [u32],
    /// What of each item's cost sets have paid; 0 between two calls.
    paid: Vec<u64>,
}

impl<'a> Packing<'a> {
    fn new(costs: &'a [u32]) -> Self {
        Self {
            costs,
            paid: vec![0; costs.len()],
        }
    }

    /// Each set in turn, the smallest first, raises its price until one of its items is paid for
    /// (the dual of the relaxation, fed greedily).
    fn bound(&mut self, sets: &[&[u32]]) -> u64 {
        let mut total = 0;
        for &set in sets {
            let left =
                |&item: &u32| u64::from(self.costs[item as usize]) - self.paid[item as usize];
            let price = set.iter().map(left).min().unwrap_or(0);
            if price > 0 {
                total += price;
                for &item in set {
                    self.paid[item as usize] += price;
                }
            }
        }
        for &item in sets.iter().copied().flatten() {
            self.paid[item as usize] = 0;
        }
        total
    }
}

fn is_subset(small: &[u32], large: &[u32]) -> bool {
    small.iter().all(|item| large.binary_search(item).is_ok())
}

struct Search<'a> {
    problem: &'a HittingSet<'a>,
    packing: Packing<'a>,
    best: Vec<u32>,
    best_cost: u64,
    n_left: u64,
    is_cut_short: bool,
}

impl Search<'_> {
    /// Tries each item of the smallest open set; items tried before at this place are excluded
    /// from then on, so no choice is looked at twice.
    fn branch(
        &mut self,
        open: &[&[u32]],
        chosen: &mut Vec<u32>,
        cost: u64,
        excluded: &mut Vec<u32>,
    ) {
        if open.is_empty() {
            if cost < self.best_cost {
                self.best_cost = cost;
                self.best = chosen.clone();
            }
            return;
        }
        if cost + self.packing.bound(open) >= self.best_cost {
            return;
        }
        if self.n_left == 0 {
            self.is_cut_short = true;
            return;
        }
        self.n_left -= 1;
        let n_free = |set: &&&[u32]| set.iter().filter(|item| !excluded.contains(item)).count();
        let Some(&set) = open.iter().min_by_key(n_free) else {
            return;
        };
        let mut options: Vec<u32> = set
            .iter()
            .copied()
            .filter(|item| !excluded.contains(item))
            .collect();
        let n_hit = |item: &u32| open.iter().filter(|set| set.contains(item)).count();
        options.sort_by_key(|item| {
            (
                std::cmp::Reverse(n_hit(item)),
                self.problem.cost(*item),
                *item,
            )
        });
        let n_excluded = excluded.len();
        for item in options {
            let left: Vec<&[u32]> = open
                .iter()
                .copied()
                .filter(|set| !set.contains(&item))
                .collect();
            chosen.push(item);
            self.branch(&left, chosen, cost + self.problem.cost(item), excluded);
            chosen.pop();
            excluded.push(item);
        }
        excluded.truncate(n_excluded);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::random::SplitMix64;

    #[test]
    fn branching_finds_the_cheapest_choice_and_greedy_stays_within_its_bounds() {
        let (mut n_exact, mut n_greedy, mut n_worse) = (0, 0, 0);
        for seed in 0..1500 {
            let mut random = SplitMix64::new(seed);
            let n_items = 1 + random.below(10) as u32;
            let costs: Vec<u32> = (0..n_items).map(|_| 1 + random.below(6) as u32).collect();
            let mut problem = HittingSet::new(&costs);
            for _ in 0..random.below(14) {
                let mut set: Vec<u32> = (0..=random.below(4))
                    .map(|_| random.below(u64::from(n_items)) as u32)
                    .collect();
                set.sort_unstable();
                set.dedup();
                problem.add(set);
            }
            let hits = |choice: u32| {
                problem
                    .sets
                    .iter()
                    .all(|set| set.iter().any(|item| choice >> item & 1 == 1))
            };
            let cheapest = (0u32..1 << n_items)
                .filter(|&choice| hits(choice))
                .map(|choice| {
                    (0..n_items)
                        .filter(|item| choice >> item & 1 == 1)
                        .map(|item| problem.cost(item))
                        .sum()
                })
                .min()
                .unwrap_or(0u64);
            for max_branches in [u64::MAX, 0, 3] {
                let found = problem.solve(max_branches);
                let choice = found
                    .chosen
                    .iter()
                    .fold(0, |choice, item| choice | 1 << item);
                assert!(hits(choice), "seed {seed}");
                let cost = problem.cost_of(&found.chosen);
                assert!(
                    found.lower_bound <= cheapest && cheapest <= cost,
                    "seed {seed}"
                );
                if found.is_exact {
                    assert_eq!(cost, cheapest, "seed {seed}");
                    n_exact += 1;
                } else {
                    assert!(max_branches != u64::MAX);
                    n_greedy += 1;
                    n_worse += usize::from(cost > cheapest);
                    let n_sets = problem.sets.len() as f64;
                    assert!(
                        cost as f64 <= (n_sets.ln() + 1.0) * cheapest as f64,
                        "seed {seed}"
                    );
                }
            }
        }
        assert!(
            n_exact > 1000 && n_greedy > 50 && n_worse > 10,
            "{n_exact} {n_greedy} {n_worse}"
        );
    }
}
