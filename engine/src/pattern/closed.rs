//! Paths from a node back to itself.

use rustc_hash::FxHashMap;

use crate::budget::Stop;
use crate::graph::{EdgeId, NodeId};

use super::ir::{Direction, Mode};
use super::run::Run;
use super::step::PathStep;

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

impl<H> Run<'_, H> {
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
