//! A search from both ends at once (Pohl 1971): the side with fewer edges to look at grows, level
//! by level, until the sides meet.

use std::cell::Cell;

use super::compile::EdgeTest;
use super::ir::{Condition, Direction};
use super::run::{Host, Run};
use super::step::{HopStep, Part};
use crate::bits::Bits;
use crate::budget::Stop;
use crate::graph::{Corridor, CorridorEnds, Levels, Neighbours, NodeId, Snapshot, Way};
use crate::memory::prefetch;

/// A side of the search: from the start ahead, or from the target back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Ahead,
    Behind,
}

/// What a search from both ends walks; `R` is the run that it is a part of.
pub(super) trait Ground<R> {
    /// Why it stops early.
    type Error;
    /// Edges that a side looks at from `node` when its level comes.
    fn growth(&self, side: Side, node: NodeId) -> u64;
    /// Notes the distance of the nodes one hop on that have none.
    fn next(
        &self,
        run: &mut R,
        side: Side,
        node: NodeId,
        levels: &mut Levels,
        level: u32,
    ) -> Result<(), Self::Error>;
}

/// How far nodes are from the start, and from the target.
pub(super) struct Sides {
    pub(super) forward: Levels,
    pub(super) backward: Levels,
}

/// The distance from start to target, at most `max`. Nodes nearer to a side than its last level are
/// then known, of the last level perhaps not all: what reads paths off needs no more, since the
/// sides did not meet before.
pub(super) fn meet<R, G: Ground<R>>(
    run: &mut R,
    ground: &G,
    max: Option<u32>,
    (start, target): (NodeId, NodeId),
    levels: &mut Sides,
) -> Result<Option<u32>, G::Error> {
    levels.forward.set(start, 0);
    levels.backward.set(target, 0);
    let mut ahead = Frontier::new(ground.growth(Side::Ahead, start));
    let mut behind = Frontier::new(ground.growth(Side::Behind, target));
    loop {
        let Sides { forward, backward } = &mut *levels;
        let is_over = ahead.first == forward.reached().len()
            || behind.first == backward.reached().len()
            || max.is_some_and(|max| ahead.depth + behind.depth >= max);
        if is_over {
            return Ok(None);
        }
        let (side, frontier, own, other) = if ahead.n_edges <= behind.n_edges {
            (Side::Ahead, &mut ahead, forward, &*backward)
        } else {
            (Side::Behind, &mut behind, backward, &*forward)
        };
        frontier.depth += 1;
        let level = frontier.first..own.reached().len();
        frontier.first = level.end;
        frontier.n_edges = 0;
        for at in level {
            let Some(&node) = own.reached().get(at) else {
                break;
            };
            let n_before = own.reached().len();
            ground.next(run, side, node, own, frontier.depth)?;
            let mut has_met = false;
            for &end in own.reached().get(n_before..).unwrap_or_default() {
                has_met |= other.has(end);
                frontier.n_edges += ground.growth(side, end);
            }
            if has_met {
                return Ok(Some(ahead.depth + behind.depth));
            }
        }
    }
}

/// The last level of a side.
struct Frontier {
    /// Its first place among the nodes that the side has reached.
    first: usize,
    depth: u32,
    /// Edges that growing it looks at.
    n_edges: u64,
}

impl Frontier {
    fn new(n_edges: u64) -> Self {
        Frontier {
            first: 0,
            depth: 0,
            n_edges,
        }
    }
}

/// The labels that the ends of all ways between two nodes have, in the direction of the edges.
pub(super) fn between(
    snapshot: &Snapshot,
    direction: Direction,
    (start, target): (NodeId, NodeId),
) -> Option<CorridorEnds> {
    let reach = snapshot.label_reach()?;
    let rarest = |node| reach.rarest(snapshot.labels_of(node));
    match direction {
        Direction::Out => Some((rarest(start)?, rarest(target)?)),
        Direction::In => Some((rarest(target)?, rarest(start)?)),
        Direction::Any => None,
    }
}

/// What each side can keep to: a node on a way leads to what has the label of the one end, and is
/// reached from what has that of the other.
fn kept_to(
    snapshot: &Snapshot,
    direction: Direction,
    ends: Option<CorridorEnds>,
) -> [Option<&Bits>; 2] {
    let (Some(reach), Some((from, to))) = (snapshot.label_reach(), ends) else {
        return [None, None];
    };
    match direction {
        Direction::In => [reach.behind(from), reach.before(to)],
        _ => [reach.before(to), reach.behind(from)],
    }
}

/// The whole graph, over edges of every kind and without conditions.
pub(super) struct Open<'s> {
    /// For each side, who is next along the edges and who against them, as far as it may go there.
    rows: [[Option<&'s Neighbours>; 2]; 2],
    kept_to: [Option<&'s Bits>; 2],
    n_looked: Cell<u64>,
}

impl<'s> Open<'s> {
    pub(super) fn new(
        snapshot: &'s Snapshot,
        direction: Direction,
        ends: Option<CorridorEnds>,
    ) -> Self {
        let [along, against] = snapshot.neighbours().map(Some);
        Open {
            rows: match direction {
                Direction::Out => [[along, None], [None, against]],
                Direction::In => [[None, against], [along, None]],
                Direction::Any => [[along, against]; 2],
            },
            kept_to: kept_to(snapshot, direction, ends),
            n_looked: Cell::new(0),
        }
    }

    /// How many edges were looked at.
    pub(super) fn n_looked(&self) -> u64 {
        self.n_looked.get()
    }
}

impl<H> Ground<Run<'_, H>> for Open<'_> {
    type Error = Stop;

    #[inline]
    fn growth(&self, side: Side, node: NodeId) -> u64 {
        let rows = self.rows[side as usize].iter().flatten();
        let lengths = rows.map(|neighbours| {
            let row = neighbours.of(node);
            prefetch(row, 0);
            row.len() as u64
        });
        lengths.sum()
    }

    #[inline]
    fn next(
        &self,
        run: &mut Run<'_, H>,
        side: Side,
        node: NodeId,
        levels: &mut Levels,
        level: u32,
    ) -> Result<(), Stop> {
        let mut n_looked = 0;
        for neighbours in self.rows[side as usize].iter().flatten() {
            let row = neighbours.of(node);
            n_looked += row.len() as u64;
            match self.kept_to[side as usize] {
                Some(nodes) => levels.set_new(row, level, |end| nodes.contains(end)),
                None => levels.set_new(row, level, |_| true),
            }
        }
        self.n_looked.set(self.n_looked.get() + n_looked);
        run.ticks(n_looked)
    }
}

/// The same where what lies between was packed: nodes are numbers of the corridor. What is counted
/// is what the whole graph has, so that a search goes the same way and a budget ends it at the
/// same place.
pub(super) struct Packed<'c> {
    ways: [&'c Way; 2],
}

impl<'c> Packed<'c> {
    pub(super) fn new(corridor: &'c Corridor, direction: Direction) -> Self {
        let [along, against] = corridor.ways();
        Packed {
            ways: match direction {
                Direction::In => [against, along],
                _ => [along, against],
            },
        }
    }
}

impl<H> Ground<Run<'_, H>> for Packed<'_> {
    type Error = Stop;

    #[inline]
    fn growth(&self, side: Side, node: NodeId) -> u64 {
        let way = self.ways[side as usize];
        prefetch(way.neighbours.of(node), 0);
        u64::from(way.degrees[node.0 as usize])
    }

    #[inline]
    fn next(
        &self,
        run: &mut Run<'_, H>,
        side: Side,
        node: NodeId,
        levels: &mut Levels,
        level: u32,
    ) -> Result<(), Stop> {
        let way = self.ways[side as usize];
        levels.set_new(way.neighbours.of(node), level, |_| true);
        run.ticks(u64::from(way.degrees[node.0 as usize]))
    }
}

/// The edges that pass the tests and conditions of one hop.
pub(super) struct Judged<'s, 'p, C> {
    snapshot: &'s Snapshot,
    part: &'p Part<C>,
    hop: &'p HopStep<C>,
    back: EdgeTest,
    kept_to: [Option<&'s Bits>; 2],
}

impl<'s, 'p, C> Judged<'s, 'p, C> {
    pub(super) fn new(
        snapshot: &'s Snapshot,
        (part, hop): (&'p Part<C>, &'p HopStep<C>),
        ends: Option<CorridorEnds>,
    ) -> Self {
        Judged {
            snapshot,
            part,
            hop,
            back: hop.edges.reversed(),
            kept_to: kept_to(snapshot, hop.edges.direction, ends),
        }
    }

    fn edges(&self, side: Side) -> &EdgeTest {
        match side {
            Side::Ahead => &self.hop.edges,
            Side::Behind => &self.back,
        }
    }
}

impl<H: Host<C>, C: Condition + Clone> Ground<Run<'_, H>> for Judged<'_, '_, C> {
    type Error = H::Error;

    fn growth(&self, side: Side, node: NodeId) -> u64 {
        self.edges(side).degree(self.snapshot, node)
    }

    fn next(
        &self,
        run: &mut Run<'_, H>,
        side: Side,
        node: NodeId,
        levels: &mut Levels,
        level: u32,
    ) -> Result<(), H::Error> {
        let kept_to = self.kept_to[side as usize];
        self.edges(side).each(self.snapshot, node, |edge, end| {
            run.tick()?;
            let is_kept = kept_to.is_none_or(|nodes| nodes.contains(end.0));
            if !is_kept || levels.has(end) {
                return Ok(());
            }
            let (from, to) = match side {
                Side::Ahead => (node, end),
                Side::Behind => (end, node),
            };
            if run.admits(self.part, self.hop, (from, edge, to))? {
                levels.set(end, level);
            }
            Ok(())
        })
    }
}
