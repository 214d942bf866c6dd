//! What lies between two labels, packed once it has been searched often enough.
//!
//! Searches from services to data stores look at the same few nodes over and over, and most of
//! what the rows of those nodes list leads elsewhere. Packed, the nodes between both labels have
//! numbers of their own and their rows keep what lies between: a tenth of the estate, small enough
//! for the cache of one core. A search finds there what it would have found in the whole graph, in
//! the same order.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustc_hash::FxHashMap;

use super::levels::LevelPool;
use super::neighbours::Neighbours;
use super::{LabelId, Levels, NodeId, Snapshot};
use crate::bits::Bits;

/// The nodes between two labels and the edges between those. Its nodes are numbered from 0 in the
/// order of the graph's; [`Corridor::place`] tells the number of one.
#[derive(Debug)]
pub(crate) struct Corridor {
    nodes: Box<[u32]>,
    ways: [Way; 2],
    levels: LevelPool,
}

/// One direction of a corridor: along the edges or against them.
#[derive(Debug)]
pub(crate) struct Way {
    /// By number: the numbers next to it.
    pub(crate) neighbours: Neighbours,
    /// By number: how many edges the whole graph has there. What a search counts and compares are
    /// these, so that it goes the same way here as there.
    pub(crate) degrees: Box<[u32]>,
}

/// No corridor has more than one of so many nodes: walking the whole graph is hardly dearer.
const NARROW: usize = 4;

impl Corridor {
    /// O(nodes + edges at the nodes between). `None` if more lies between than is worth it.
    fn new(snapshot: &Snapshot, leading: &Bits, reached: &Bits) -> Option<Self> {
        let nodes: Box<[u32]> = leading
            .iter()
            .filter(|&node| reached.contains(node))
            .collect();
        if nodes.len() * NARROW > snapshot.n_nodes() {
            return None;
        }
        let mut places = vec![u32::MAX; snapshot.n_nodes()];
        for (place, &node) in (0..).zip(&nodes) {
            places[node as usize] = place;
        }
        let way = |every_end: &Neighbours| {
            let (mut from, mut to) = (Vec::new(), Vec::new());
            let mut degrees = Vec::with_capacity(nodes.len());
            for (place, &node) in (0_u32..).zip(&nodes) {
                let row = every_end.of(NodeId(node));
                degrees.push(row.len() as u32);
                let between = row.iter().map(|&end| places[end as usize]);
                to.extend(between.filter(|&end| end != u32::MAX));
                from.resize(to.len(), place);
            }
            Way {
                neighbours: Neighbours::new(&from, &to, nodes.len()),
                degrees: degrees.into_boxed_slice(),
            }
        };
        let ways = snapshot.neighbours().map(way);
        Some(Corridor {
            ways,
            nodes,
            levels: LevelPool::default(),
        })
    }

    /// The number of a node; `None` if it does not lie between.
    pub(crate) fn place(&self, node: NodeId) -> Option<NodeId> {
        let place = self.nodes.binary_search(&node.0).ok()?;
        Some(NodeId(place as u32))
    }

    /// Along the edges, then against them.
    pub(crate) fn ways(&self) -> &[Way; 2] {
        &self.ways
    }

    /// Room for the distances of one search, by number. Give it back when done.
    pub(crate) fn take_levels(&self) -> Levels {
        self.levels.take(self.nodes.len())
    }

    pub(crate) fn give_levels(&self, levels: Levels) {
        self.levels.give(levels);
    }

    fn heap_bytes(&self) -> usize {
        let ways = self.ways.iter();
        let rows = ways.map(|way| way.neighbours.heap_bytes() + way.degrees.len() * 4);
        self.nodes.len() * 4 + rows.sum::<usize>()
    }
}

/// A corridor is packed when searches between its labels have looked at as many edges as one in so
/// many of the graph's, about what packing costs.
const PATIENCE: u64 = 16;
/// No more than so many are kept.
const KEPT: usize = 8;

/// The corridors of a snapshot, by the labels where they begin and end.
#[derive(Debug, Default)]
pub(crate) struct Corridors(Mutex<FxHashMap<Ends, Worth>>);

/// Where a corridor begins and where it ends.
pub(crate) type Ends = (LabelId, LabelId);

#[derive(Debug)]
enum Worth {
    /// Edges that searches have looked at without one.
    Looked(u64),
    /// It is being packed, or would bring nothing.
    Without,
    Packed(Arc<Corridor>),
}

impl Corridors {
    /// The corridor, if it was packed. O(1).
    pub(crate) fn get(&self, ends: Ends) -> Option<Arc<Corridor>> {
        match self.open().get(&ends) {
            Some(Worth::Packed(corridor)) => Some(Arc::clone(corridor)),
            _ => None,
        }
    }

    /// Notes how many edges a search without the corridor has looked at, and packs it when it is
    /// time to. Searches beside go on without meanwhile.
    pub(crate) fn looked(&self, snapshot: &Snapshot, ends: Ends, n_edges: u64) {
        let Some(reach) = snapshot.label_reach() else {
            return;
        };
        {
            let mut known = self.open();
            let worth = known.entry(ends).or_insert(Worth::Looked(0));
            let Worth::Looked(looked) = worth else {
                return;
            };
            *looked += n_edges;
            if *looked * PATIENCE < snapshot.n_edges() as u64 {
                return;
            }
            *worth = Worth::Without;
            let packed = known.values().filter(|w| matches!(w, Worth::Packed(_)));
            if packed.count() >= KEPT {
                return;
            }
        }
        let (Some(behind), Some(before)) = (reach.behind(ends.0), reach.before(ends.1)) else {
            return;
        };
        if let Some(corridor) = Corridor::new(snapshot, before, behind) {
            let packed = Worth::Packed(Arc::new(corridor));
            self.open().insert(ends, packed);
        }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        let known = self.open();
        let packed = known.values().filter_map(|worth| match worth {
            Worth::Packed(corridor) => Some(corridor.heap_bytes()),
            _ => None,
        });
        packed.sum()
    }

    fn open(&self) -> MutexGuard<'_, FxHashMap<Ends, Worth>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
