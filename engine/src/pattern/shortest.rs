//! Plain shortest paths: breadth-first from the start, or from both ends at once when both are
//! known (Pohl 1971). Paths are read off the distances, so none is enumerated that is not shortest.

use std::ops::ControlFlow;

use roaring::RoaringBitmap;

use crate::graph::{Corridor, EdgeId, Levels, NodeId};

use super::bindings::Binding;
use super::closed::{Closed, closed};
use super::compile::NodeTest;
use super::ir::{Condition, Read};
use super::meet::{self, Judged, Open, Packed, Sides, meet};
use super::run::{Flow, Host, Run};
use super::step::{HopStep, Part, PathStep, Step};

/// Up to so many ends are searched for one by one, from both sides.
const FEW_ENDS: u64 = 4;

impl<H> Run<'_, H> {
    /// Answers a path that is plain (see `is_plain_shortest`). Also tells whether the start itself
    /// may be an end that only a search can judge.
    pub(super) fn plain_shortest<C: Condition + Clone>(
        &mut self,
        path: &PathStep<C>,
        start: NodeId,
        step: &Step<C>,
        rest: &[Step<C>],
    ) -> Result<(ControlFlow<()>, bool), H::Error>
    where
        H: Host<C>,
    {
        let (Some(part), Some(to)) = (path.parts.first(), path.to()) else {
            return Ok((ControlFlow::Continue(()), false));
        };
        let Some(hop) = part.hops.first() else {
            return Ok((ControlFlow::Continue(()), false));
        };
        let given = self.bindings.node(to);
        if let Some(target) = given
            && target != start
        {
            let flow = self.between(path, part, hop, (start, target), step, rest)?;
            return Ok((flow, false));
        }
        if given.is_none()
            && let NodeTest::Set(ends) = &part.to_test
            && ends.len() <= FEW_ENDS
            && !ends.contains(start.0)
        {
            let flow = self.between_few(path, (part, hop), start, ends, step, rest)?;
            return Ok((flow, false));
        }
        let mut levels = self.snapshot.take_levels();
        let flow = self.spread_shortest(path, part, hop, start, &mut levels, step, rest);
        self.snapshot.give_levels(levels);
        let needs_search = matches!(closed(path, start, start), Closed::Search);
        Ok((flow?, needs_search))
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one search state, split for reading"
    )]
    fn spread_shortest<C: Condition + Clone>(
        &mut self,
        path: &PathStep<C>,
        part: &Part<C>,
        hop: &HopStep<C>,
        start: NodeId,
        levels: &mut Levels,
        step: &Step<C>,
        rest: &[Step<C>],
    ) -> Flow<H::Error>
    where
        H: Host<C>,
    {
        let snapshot = self.snapshot;
        let given = self.bindings.node(part.to);
        // Back to the start: no step where none is needed, else the shortest cycle.
        let mut cycle = (part.min == 0).then_some(0);
        let mut next = 0;
        // Ends not found yet, the start left out: without any, the search is over.
        let mut n_missing = part.to_test.count(snapshot);
        let start_is_end = part.to_test.holds(snapshot, start);
        n_missing -= u64::from(start_is_end);
        levels.set(start, 0);
        while let Some(&node) = levels.reached().get(next) {
            next += 1;
            let depth = levels.get(node).unwrap_or(0);
            let is_closed = cycle.is_some() || (given.is_none() && !start_is_end);
            let is_found = (given.is_some() || n_missing == 0) && is_closed;
            if part.max.is_some_and(|max| depth >= max) || is_found {
                break;
            }
            hop.edges.each(snapshot, node, |edge, end| {
                self.tick()?;
                let closes = end == start && cycle.is_none();
                if (closes || levels.get(end).is_none())
                    && self.admits(part, hop, (node, edge, end))?
                {
                    if levels.set(end, depth + 1) && part.to_test.holds(snapshot, end) {
                        n_missing -= 1;
                    }
                    if closes {
                        cycle = Some(depth + 1);
                    }
                }
                Ok::<(), H::Error>(())
            })?;
        }
        let mut ends: Vec<NodeId> = levels.reached().to_vec();
        if given.is_some() || !matches!(closed(path, start, start), Closed::Plain) {
            ends.retain(|&end| end != start && given.is_none());
        }
        if given.is_some() && matches!(closed(path, start, start), Closed::Plain) {
            ends.push(start);
        }
        ends.sort_unstable();
        for end in ends {
            if given.is_none() && !part.to_test.holds(snapshot, end) {
                continue;
            }
            self.bindings.set(part.to, Binding::Node(end));
            let is_wanted = self.hold(&part.exit_conditions)? && self.hold(&path.end_conditions)?;
            self.bindings
                .set(part.to, given.map_or(Binding::Unbound, Binding::Node));
            let length = if end == start { cycle } else { levels.get(end) };
            let (Some(length), true) = (length, is_wanted) else {
                continue;
            };
            let known = Known {
                length,
                forward: levels,
                backward: None,
            };
            let flow = self.give(path, (part, hop), (start, end), &known, step, rest);
            if flow?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// From both ends at once to each of a few ends.
    fn between_few<C: Condition + Clone>(
        &mut self,
        path: &PathStep<C>,
        (part, hop): (&Part<C>, &HopStep<C>),
        start: NodeId,
        ends: &RoaringBitmap,
        step: &Step<C>,
        rest: &[Step<C>],
    ) -> Flow<H::Error>
    where
        H: Host<C>,
    {
        for end in ends {
            let end = NodeId(end);
            self.bindings.set(part.to, Binding::Node(end));
            let flow = self.between(path, part, hop, (start, end), step, rest);
            self.bindings.set(part.to, Binding::Unbound);
            if flow?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn between<C: Condition + Clone>(
        &mut self,
        path: &PathStep<C>,
        part: &Part<C>,
        hop: &HopStep<C>,
        ends: (NodeId, NodeId),
        step: &Step<C>,
        rest: &[Step<C>],
    ) -> Flow<H::Error>
    where
        H: Host<C>,
    {
        if !self.hold(&part.exit_conditions)? || !self.hold(&path.end_conditions)? {
            return Ok(ControlFlow::Continue(()));
        }
        let snapshot = self.snapshot;
        let labels = meet::between(snapshot, hop.edges.direction, ends);
        let is_bare = self.is_bare(part, hop);
        if is_bare
            && let Some(labels) = labels
            && let Some(corridor) = snapshot.corridors().get(labels)
        {
            return self.between_packed(path, (part, hop), ends, &corridor, step, rest);
        }
        let mut levels = Sides {
            forward: snapshot.take_levels(),
            backward: snapshot.take_levels(),
        };
        let length = if is_bare {
            let ground = Open::new(snapshot, hop.edges.direction, labels);
            let length = meet(self, &ground, part.max, ends, &mut levels)?;
            if let Some(labels) = labels {
                snapshot
                    .corridors()
                    .looked(snapshot, labels, ground.n_looked());
            }
            length
        } else {
            let ground = Judged::new(snapshot, (part, hop), labels);
            meet(self, &ground, part.max, ends, &mut levels)?
        };
        let flow = match length {
            Some(length) => {
                let known = Known {
                    length,
                    forward: &levels.forward,
                    backward: Some(&levels.backward),
                };
                self.give(path, (part, hop), ends, &known, step, rest)
            }
            None => Ok(ControlFlow::Continue(())),
        };
        snapshot.give_levels(levels.forward);
        snapshot.give_levels(levels.backward);
        flow
    }

    /// The same in a corridor: the nodes are found under its numbers.
    fn between_packed<C: Condition + Clone>(
        &mut self,
        path: &PathStep<C>,
        (part, hop): (&Part<C>, &HopStep<C>),
        ends: (NodeId, NodeId),
        corridor: &Corridor,
        step: &Step<C>,
        rest: &[Step<C>],
    ) -> Flow<H::Error>
    where
        H: Host<C>,
    {
        let (Some(start), Some(target)) = (corridor.place(ends.0), corridor.place(ends.1)) else {
            return Ok(ControlFlow::Continue(()));
        };
        let mut levels = Sides {
            forward: corridor.take_levels(),
            backward: corridor.take_levels(),
        };
        let ground = Packed::new(corridor, hop.edges.direction);
        let flow = match meet(self, &ground, part.max, (start, target), &mut levels)? {
            Some(length) => {
                let within = |levels| Within { corridor, levels };
                let known = Known {
                    length,
                    forward: &within(&levels.forward),
                    backward: Some(&within(&levels.backward)),
                };
                self.give(path, (part, hop), ends, &known, step, rest)
            }
            None => Ok(ControlFlow::Continue(())),
        };
        corridor.give_levels(levels.forward);
        corridor.give_levels(levels.backward);
        flow
    }

    /// Hands on what was found: the paths, or the length alone where nobody reads more.
    pub(super) fn give<C: Condition + Clone>(
        &mut self,
        path: &PathStep<C>,
        (part, hop): (&Part<C>, &HopStep<C>),
        (start, end): (NodeId, NodeId),
        known: &Known<'_>,
        step: &Step<C>,
        rest: &[Step<C>],
    ) -> Flow<H::Error>
    where
        H: Host<C>,
    {
        if path.takes_all() || part.read == Read::Edges {
            return self.read_off(path, part, hop, (start, end), known, step, rest);
        }
        let given = self.bindings.get(part.to).clone();
        self.bindings.set(part.to, Binding::Node(end));
        if part.read == Read::Length {
            self.bindings.set(part.var, Binding::Length(known.length));
        }
        let flow = self.proceed(step, rest);
        self.bindings.set(part.to, given);
        self.bindings.set(part.var, Binding::Unbound);
        flow
    }

    /// Walks forward from the start over nodes at the right distances; a node that leads nowhere is
    /// noted and not entered again.
    #[expect(
        clippy::too_many_arguments,
        reason = "one search state, split for reading"
    )]
    fn read_off<C: Condition + Clone>(
        &mut self,
        path: &PathStep<C>,
        part: &Part<C>,
        hop: &HopStep<C>,
        (start, end): (NodeId, NodeId),
        known: &Known<'_>,
        step: &Step<C>,
        rest: &[Step<C>],
    ) -> Flow<H::Error>
    where
        H: Host<C>,
    {
        let snapshot = self.snapshot;
        let takes_all = path.takes_all();
        // From the end backwards when only distances from the start are known.
        let is_backward = known.backward.is_none();
        let edges = if is_backward {
            hop.edges.reversed()
        } else {
            hop.edges.clone()
        };
        let (origin, goal) = if is_backward {
            (end, start)
        } else {
            (start, end)
        };
        let mut dead: rustc_hash::FxHashSet<NodeId> = rustc_hash::FxHashSet::default();
        let mut walked: Vec<EdgeId> = Vec::new();
        let open = |node| edges.neighbours(snapshot, node).collect::<Vec<_>>();
        let mut stack: Vec<Place> = vec![Place {
            node: origin,
            open: open(origin),
            next: 0,
            is_live: false,
        }];
        while let Some(place) = stack.last_mut() {
            let node = place.node;
            if node == goal && walked.len() as u32 == known.length {
                let mut found = walked.clone();
                if is_backward {
                    found.reverse();
                }
                for place in &mut stack {
                    place.is_live = true;
                }
                let flow = self.emit_parts(path, vec![found], &[end], step, rest)?;
                if flow.is_break() || !takes_all {
                    return Ok(flow);
                }
                stack.pop();
                walked.pop();
                continue;
            }
            let Some(&(edge, other)) = place.open.get(place.next) else {
                if !place.is_live {
                    dead.insert(node);
                }
                stack.pop();
                walked.pop();
                continue;
            };
            place.next += 1;
            self.tick()?;
            let done = walked.len() as u32 + 1;
            if done > known.length || dead.contains(&other) || !known.fits(other, done) {
                continue;
            }
            let (from, to) = if is_backward {
                (other, node)
            } else {
                (node, other)
            };
            if !self.admits(part, hop, (from, edge, to))? {
                continue;
            }
            walked.push(edge);
            stack.push(Place {
                node: other,
                open: open(other),
                next: 0,
                is_live: false,
            });
        }
        Ok(ControlFlow::Continue(()))
    }
}

struct Place {
    node: NodeId,
    open: Vec<(EdgeId, NodeId)>,
    next: usize,
    is_live: bool,
}

/// How far nodes are from where a search began.
pub(super) trait Distances {
    /// The distance of a node that was reached.
    fn of(&self, node: NodeId) -> Option<u32>;
}

impl Distances for Levels {
    fn of(&self, node: NodeId) -> Option<u32> {
        self.get(node)
    }
}

/// Distances under the numbers of a corridor. What does not lie in it is on no way.
struct Within<'c> {
    corridor: &'c Corridor,
    levels: &'c Levels,
}

impl Distances for Within<'_> {
    fn of(&self, node: NodeId) -> Option<u32> {
        self.levels.get(self.corridor.place(node)?)
    }
}

/// Distances known around a shortest path.
pub(super) struct Known<'a> {
    pub(super) length: u32,
    pub(super) forward: &'a dyn Distances,
    pub(super) backward: Option<&'a dyn Distances>,
}

impl Known<'_> {
    /// Whether a shortest path can be at `node` after `done` steps of the walk that reads it off.
    fn fits(&self, node: NodeId, done: u32) -> bool {
        let left = self.length - done;
        match self.backward {
            None => self.forward.of(node) == Some(left),
            Some(backward) => match (self.forward.of(node), backward.of(node)) {
                (_, Some(known)) => known == left,
                (Some(known), None) => known == done,
                (None, None) => false,
            },
        }
    }
}
