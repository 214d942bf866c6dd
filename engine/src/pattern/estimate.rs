//! How many rows a step leaves and what it costs, from samples of the graph.

use crate::graph::PropId;

use super::compile::NodeTest;
use super::ir::{Condition, Direction};
use super::plan::{Action, Order, Planner, ends, get};

/// How many nodes and neighbours are looked at to guess how a step fans out.
const SAMPLE: u64 = 24;

/// How one row fans out when an edge is walked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fan {
    /// Rows after it.
    pub(super) rows: f64,
    /// Edges looked at.
    pub(super) work: f64,
}

impl<C: Condition + Clone> Planner<'_, C> {
    /// How many rows one row becomes when this edge is walked, from a sample of the nodes it would
    /// start at: knows that kinds and labels go together.
    pub(super) fn sample(&self, idx: usize, is_reversed: bool) -> Fan {
        let (Some(pattern), Some(edges)) = (self.pattern.edges.get(idx), self.edges.get(idx))
        else {
            return Fan {
                rows: 1.0,
                work: 1.0,
            };
        };
        let (from, to) = ends(pattern, is_reversed);
        let oriented = if is_reversed {
            edges.reversed()
        } else {
            edges.clone()
        };
        let any = NodeTest::Any;
        let from_test = self.test(from).unwrap_or(&any);
        let starts = from_test.sample(self.snapshot, SAMPLE);
        let mut n_edges = 0_f64;
        let mut n_admitted = 0_f64;
        for &start in &starts {
            for (_, end) in oriented
                .neighbours(self.snapshot, start)
                .take(SAMPLE as usize)
            {
                n_edges += 1.0;
                let is_admitted = self
                    .test(to)
                    .is_none_or(|test| test.holds(self.snapshot, end));
                n_admitted += f64::from(u8::from(is_admitted));
            }
        }
        let mut degree = 0_f64;
        for &start in &starts {
            for &kind in &oriented.kinds {
                if oriented.direction != Direction::In {
                    degree += self.snapshot.out_edges(start, kind).len() as f64;
                }
                if oriented.direction != Direction::Out {
                    degree += self.snapshot.in_edges(start, kind).len() as f64;
                }
            }
        }
        let starts = (starts.len() as f64).max(1.0);
        let all = self.snapshot.n_nodes().max(1) as f64;
        let share = self.count(to) / all;
        let admitted = if n_edges == 0.0 {
            share
        } else {
            n_admitted / n_edges
        };
        let n_edges = oriented.n_edges(self.snapshot) as f64;
        let ways = if oriented.direction == Direction::Any {
            2.0
        } else {
            1.0
        };
        let average = ways * n_edges / all;
        let degree = (degree / starts).max(average.min(0.5 / starts));
        let Some(repeat) = &pattern.repeat else {
            let rows = degree * admitted.max(share.min(0.5 / starts));
            return Fan { rows, work: degree };
        };
        // A repeated part fans out by the power of its length; beyond a few hops nobody knows.
        let hops = repeat.body.len() as f64;
        let longest = repeat.max.map_or(8.0, f64::from).clamp(1.0, 8.0) * hops;
        let walks = degree.max(1.0) * average.max(1.05).powf(longest - 1.0);
        let work = if repeat.is_reach {
            walks.min(ways * n_edges)
        } else {
            walks
        };
        let ends = if repeat.is_reach {
            walks.min(all)
        } else {
            walks
        };
        Fan {
            rows: ends * share.max(1.0 / all),
            work: work.max(16.0),
        }
    }

    pub(super) fn estimate(&self, rows: f64, bound: &[bool], action: Action) -> f64 {
        match action {
            Action::Scan(idx) => rows * self.scanned(bound, idx),
            Action::Edge { idx, is_reversed } => {
                let Some(edge) = self.pattern.edges.get(idx) else {
                    return rows;
                };
                if get(bound, edge.var) {
                    return rows;
                }
                let fan_out = self
                    .fan_out
                    .get(idx)
                    .map_or(1.0, |both| both[usize::from(is_reversed)].rows);
                let (_, to) = ends(edge, is_reversed);
                if get(bound, to) {
                    rows * (fan_out / self.count(to).max(1.0)).min(1.0)
                } else {
                    rows * fan_out
                }
            }
            Action::Path { idx, is_reversed } => {
                let Some(path) = self.pattern.paths.get(idx) else {
                    return rows;
                };
                let end = if is_reversed {
                    path.edges.first().map(|edge| edge.from)
                } else {
                    path.edges.last().map(|edge| edge.to)
                };
                let start = if is_reversed {
                    path.edges.last().map(|edge| edge.to)
                } else {
                    path.edges.first().map(|edge| edge.from)
                };
                // Where only sums over the starts are wanted, pairs are not listed.
                let is_summed = self
                    .wanted
                    .as_ref()
                    .zip(start)
                    .is_some_and(|(wanted, start)| !get(wanted, start));
                match end {
                    Some(end) if !get(bound, end) && is_summed => self.count(end).max(1.0),
                    Some(end) if !get(bound, end) => rows * self.count(end).max(1.0),
                    _ => rows,
                }
            }
        }
    }

    /// How many nodes a scan tries: all that are admitted, or those a look-up finds.
    pub(super) fn scanned(&self, bound: &[bool], idx: usize) -> f64 {
        let count = self.counts.get(idx).copied().unwrap_or(1.0);
        match self.lookup(bound, idx) {
            Some((prop, _)) => {
                let n_values = self.snapshot.n_distinct(prop).max(1) as f64;
                (count / n_values).max(1.0).min(count)
            }
            None => count,
        }
    }

    /// A look-up of this node whose value is known.
    pub(super) fn lookup(&self, bound: &[bool], idx: usize) -> Option<(PropId, &C)> {
        if self.request_order == Order::AsWritten {
            return None;
        }
        let node = self.pattern.nodes.get(idx)?;
        let lookup = self.pattern.lookups.iter().find(|lookup| {
            let vars = lookup.value.variables();
            lookup.var == node.var && vars.iter().all(|&var| get(bound, var))
        })?;
        let prop = self.snapshot.prop_id(&lookup.property)?;
        Some((prop, &lookup.value))
    }

    /// How much one row costs to work on.
    pub(super) fn effort(&self, bound: &[bool], action: Action) -> f64 {
        match action {
            Action::Scan(idx) => self.scanned(bound, idx),
            Action::Edge { idx, is_reversed } => {
                let Some(edge) = self.pattern.edges.get(idx) else {
                    return 1.0;
                };
                let is_closing = get(bound, edge.to) && get(bound, edge.from);
                if edge.repeat.is_none() && is_closing {
                    return 1.0;
                }
                self.fan_out
                    .get(idx)
                    .map_or(1.0, |both| both[usize::from(is_reversed)].work)
            }
            Action::Path { .. } => (self.snapshot.n_edges() as f64).max(1.0),
        }
    }
}
