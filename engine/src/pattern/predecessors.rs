//! A product read backwards: what leads where, and how far it is to an end.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use crate::budget::{Budget, CHECK_EVERY, Stop};

use super::product::Product;

/// The arcs of a product by where they lead.
pub(super) struct Predecessors {
    offsets: Vec<u32>,
    /// Where the arc starts, and the arc.
    arcs: Vec<(u32, u32)>,
}

impl Predecessors {
    pub(super) fn new(product: &Product) -> Self {
        let mut offsets = vec![0_u32; product.vertices.len() + 1];
        for arc in &product.arcs {
            if let Some(slot) = offsets.get_mut(arc.to as usize + 1) {
                *slot += 1;
            }
        }
        let mut sum = 0;
        for slot in &mut offsets {
            sum += *slot;
            *slot = sum;
        }
        let mut next = offsets.clone();
        let mut arcs = vec![(0, 0); product.arcs.len()];
        for vertex in 0..product.vertices.len() as u32 {
            for arc_idx in product.arcs_of(vertex) {
                let Some(arc) = product.arcs.get(arc_idx) else {
                    continue;
                };
                if let Some(at) = next.get_mut(arc.to as usize) {
                    if let Some(slot) = arcs.get_mut(*at as usize) {
                        *slot = (vertex, arc_idx as u32);
                    }
                    *at += 1;
                }
            }
        }
        Predecessors { offsets, arcs }
    }

    fn of(&self, vertex: u32) -> std::ops::Range<usize> {
        let at = |idx: usize| self.offsets.get(idx).copied().unwrap_or(0) as usize;
        at(vertex as usize)..at(vertex as usize + 1)
    }

    /// The least cost from each vertex to one of `ends`, by Dijkstra's algorithm backwards.
    pub(super) fn distances(
        &self,
        budget: &Budget,
        product: &Product,
        ends: &[u32],
        is_weighted: bool,
    ) -> Result<Vec<f64>, Stop> {
        let mut n_settled = 0;
        let mut distances = vec![f64::INFINITY; product.vertices.len()];
        let mut heap = BinaryHeap::new();
        for &end in ends {
            if let Some(slot) = distances.get_mut(end as usize) {
                *slot = 0.0;
            }
            heap.push(Reverse((Cost(0.0), end)));
        }
        while let Some(Reverse((Cost(distance), vertex))) = heap.pop() {
            n_settled += 1;
            if n_settled == CHECK_EVERY {
                budget.expand(n_settled)?;
                n_settled = 0;
            }
            if distances
                .get(vertex as usize)
                .is_some_and(|&known| known < distance)
            {
                continue;
            }
            for &(before, arc_idx) in self.arcs.get(self.of(vertex)).unwrap_or_default() {
                let Some(arc) = product.arcs.get(arc_idx as usize) else {
                    continue;
                };
                let cost = if is_weighted {
                    arc.cost
                } else {
                    f64::from(arc.n_edges)
                };
                if let Some(known) = distances.get_mut(before as usize)
                    && distance + cost < *known
                {
                    *known = distance + cost;
                    heap.push(Reverse((Cost(distance + cost), before)));
                }
            }
        }
        budget.expand(n_settled)?;
        Ok(distances)
    }

    /// Which vertices reach one of `ends`.
    pub(super) fn reaching(&self, product: &Product, ends: &[u32]) -> Vec<bool> {
        let mut is_reaching = vec![false; product.vertices.len()];
        let mut stack = ends.to_vec();
        while let Some(vertex) = stack.pop() {
            let Some(slot) = is_reaching.get_mut(vertex as usize) else {
                continue;
            };
            if std::mem::replace(slot, true) {
                continue;
            }
            stack.extend(
                self.arcs
                    .get(self.of(vertex))
                    .unwrap_or_default()
                    .iter()
                    .map(|arc| arc.0),
            );
        }
        is_reaching
    }
}

/// A cost that sorts; never NaN.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cost(pub(super) f64);

impl Eq for Cost {}

impl PartialOrd for Cost {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Cost {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}
