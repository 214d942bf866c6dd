//! Paths from a node back to itself.

use rustc_hash::FxHashMap;

use crate::budget::Stop;
use crate::graph::{EdgeId, NodeId};

use super::ir::{Direction, Mode, Selector};
use super::run::Run;
use super::step::{HopStep, Part, PathStep};

pub(super) enum Closed {
    /// No such path can exist.
    Never,
    /// The shortest walk obeys the mode.
    Plain,
    /// It may not: search.
    Search,
}

/// Whether the shortest walk obeys the mode. Between two nodes it repeats nothing; back to its own
/// start it may run along one edge twice when the direction is free.
pub(super) fn closed<C>(path: &PathStep<C>, start: NodeId, target: NodeId) -> Closed {
    let Some(part) = path.parts.first() else {
        return Closed::Never;
    };
    if target != start || part.min == 0 || path.mode == Mode::Walk {
        return Closed::Plain;
    }
    if path.mode == Mode::Acyclic {
        return Closed::Never;
    }
    let is_free = part
        .hops
        .iter()
        .any(|hop| hop.edges.direction == Direction::Any);
    if is_free {
        Closed::Search
    } else {
        Closed::Plain
    }
}

/// The part of a path that asks for one shortest cycle over any edges of some kinds.
pub(super) fn wants_a_cycle<C>(path: &PathStep<C>) -> Option<(&Part<C>, &HopStep<C>)> {
    let [part] = path.parts.as_slice() else {
        return None;
    };
    let [hop] = part.hops.as_slice() else {
        return None;
    };
    let wants_one = matches!(path.selector, Selector::Any(1) | Selector::Shortest(1));
    let is_bare = hop.conditions.is_empty()
        && part.start_conditions.is_empty()
        && hop.test.admits_all()
        && part.start_test.admits_all();
    let is_free = hop.edges.direction == Direction::Any && part.min == 1;
    let repeats_no_edge = matches!(path.mode, Mode::Trail | Mode::Simple);
    (wants_one && is_bare && is_free && repeats_no_edge).then_some((part, hop))
}

/// How a breadth-first search came to a node.
#[derive(Debug, Clone, Copy)]
struct Came {
    /// The edge of the start that the way begins with.
    branch: EdgeId,
    last: EdgeId,
    from: NodeId,
    depth: usize,
}

impl<H> Run<'_, H> {
    /// The edges of a shortest cycle through `start` over edges of free direction. Nodes that are
    /// reached by different edges of the start have nothing else in common on their ways, so the
    /// edge that joins two of them closes a cycle; the least of these is a shortest one, for on
    /// every cycle two neighbours are reached by different edges. O(edges nearer than half of it).
    pub(super) fn shortest_cycle<C>(
        &mut self,
        hop: &HopStep<C>,
        start: NodeId,
    ) -> Result<Option<Vec<EdgeId>>, Stop> {
        let snapshot = self.snapshot;
        let mut reached: FxHashMap<NodeId, Came> = FxHashMap::default();
        let mut open = vec![start];
        let mut next = 0;
        // The length, and the edge with its ends.
        let mut best: Option<(usize, NodeId, EdgeId, NodeId)> = None;
        while let Some(&node) = open.get(next) {
            next += 1;
            let own = reached.get(&node).copied();
            let depth = own.map_or(0, |came| came.depth);
            // Nearer neighbours were looked at from the other side.
            if best.is_some_and(|(length, ..)| 2 * depth + 1 >= length) {
                break;
            }
            hop.edges.each(snapshot, node, |edge, end| {
                self.tick()?;
                let mut offer = |length: usize| {
                    if best.is_none_or(|(known, ..)| length < known) {
                        best = Some((length, node, edge, end));
                    }
                };
                if own.is_some_and(|came| came.last == edge) {
                    // Where it came from.
                } else if end == start {
                    offer(depth + 1);
                } else if let Some(other) = reached.get(&end) {
                    let is_joined = own.is_none_or(|came| came.branch != other.branch);
                    if is_joined && other.last != edge {
                        offer(depth + other.depth + 1);
                    }
                } else {
                    let came = Came {
                        branch: own.map_or(edge, |came| came.branch),
                        last: edge,
                        from: node,
                        depth: depth + 1,
                    };
                    reached.insert(end, came);
                    open.push(end);
                }
                Ok::<(), Stop>(())
            })?;
        }
        let Some((_, left, edge, right)) = best else {
            return Ok(None);
        };
        let way = |mut node: NodeId| {
            let mut edges = Vec::new();
            while let Some(came) = reached.get(&node) {
                edges.push(came.last);
                node = came.from;
            }
            edges
        };
        let mut cycle = way(left);
        cycle.reverse();
        cycle.push(edge);
        cycle.extend(way(right));
        // Of its two directions the one that begins with the smaller edge.
        if cycle.first() > cycle.last() {
            cycle.reverse();
        }
        Ok(Some(cycle))
    }

    /// Whether a walk over edges of free direction can lead from `start` back to it without taking
    /// an edge twice, conditions left aside. Where none can, a search for one would try every
    /// trail there is. O(edges): a breadth-first search that notes by which edge of the start each
    /// node was reached; the start lies on a cycle when two such branches touch.
    pub(super) fn may_close<C>(&mut self, path: &PathStep<C>, start: NodeId) -> Result<bool, Stop> {
        let [part] = path.parts.as_slice() else {
            return Ok(true);
        };
        let [hop] = part.hops.as_slice() else {
            return Ok(true);
        };
        let snapshot = self.snapshot;
        // The branch and the last edge on the way to each node.
        let mut reached: FxHashMap<NodeId, (EdgeId, EdgeId)> = FxHashMap::default();
        let mut open = vec![start];
        let mut next = 0;
        while let Some(&node) = open.get(next) {
            next += 1;
            let own = reached.get(&node).copied();
            let mut has_met = false;
            hop.edges.each(snapshot, node, |edge, end| {
                self.tick()?;
                let branch = own.map_or(edge, |(branch, _)| branch);
                if own.is_some_and(|(_, last)| last == edge) {
                    // Where it came from.
                } else if end == start {
                    has_met = true;
                } else if let Some(&(other, last)) = reached.get(&end) {
                    has_met |= other != branch && last != edge;
                } else {
                    reached.insert(end, (branch, edge));
                    open.push(end);
                }
                Ok::<(), Stop>(())
            })?;
            if has_met {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
