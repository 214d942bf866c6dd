//! petgraph's visit traits on a snapshot, so that petgraph's own algorithms run on our graph
//! without a copy: an independent oracle for tests and a toolbox for users of the library.

use petgraph::visit::{
    Data, EdgeRef as PetEdgeRef, GraphBase, GraphProp, GraphRef, IntoEdgeReferences, IntoEdges,
    IntoEdgesDirected, IntoNeighbors, IntoNeighborsDirected, IntoNodeIdentifiers,
    IntoNodeReferences, NodeCompactIndexable, NodeCount, NodeIndexable, VisitMap, Visitable,
};
use petgraph::{Directed, Direction};

use super::{EdgeId, KindId, NodeId, Snapshot};

/// A snapshot seen through a set of edge kinds.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    snapshot: &'a Snapshot,
    kinds: &'a [KindId],
}

impl<'a> View<'a> {
    /// Only edges of these kinds are visible.
    pub fn new(snapshot: &'a Snapshot, kinds: &'a [KindId]) -> Self {
        View { snapshot, kinds }
    }

    fn edges_at(
        self,
        node: NodeId,
        direction: Direction,
    ) -> impl Iterator<Item = EdgeReference> + use<'a> {
        let (out_kinds, in_kinds): (&[KindId], &[KindId]) = match direction {
            Direction::Outgoing => (self.kinds, &[]),
            Direction::Incoming => (&[], self.kinds),
        };
        let out = out_kinds.iter().flat_map(move |&kind| {
            self.snapshot
                .out_edges(node, kind)
                .iter()
                .map(move |(id, target)| EdgeReference {
                    id,
                    kind,
                    source: node,
                    target,
                })
        });
        let incoming = in_kinds.iter().flat_map(move |&kind| {
            self.snapshot
                .in_edges(node, kind)
                .iter()
                .map(move |(id, source)| EdgeReference {
                    id,
                    kind,
                    source,
                    target: node,
                })
        });
        out.chain(incoming)
    }
}

/// An edge as petgraph sees it; its weight is its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EdgeReference {
    id: EdgeId,
    kind: KindId,
    source: NodeId,
    target: NodeId,
}

impl PetEdgeRef for EdgeReference {
    type NodeId = NodeId;
    type EdgeId = EdgeId;
    type Weight = KindId;

    fn source(&self) -> NodeId {
        self.source
    }

    fn target(&self) -> NodeId {
        self.target
    }

    fn weight(&self) -> &KindId {
        &self.kind
    }

    fn id(&self) -> EdgeId {
        self.id
    }
}

/// The visited nodes of a petgraph traversal.
#[derive(Debug, Clone, Default)]
pub struct Visited(Vec<u64>);

impl VisitMap<NodeId> for Visited {
    fn visit(&mut self, node: NodeId) -> bool {
        let fresh = !self.is_visited(&node);
        self.0[node.0 as usize / 64] |= 1 << (node.0 % 64);
        fresh
    }

    fn is_visited(&self, node: &NodeId) -> bool {
        self.0[node.0 as usize / 64] & (1 << (node.0 % 64)) != 0
    }

    fn unvisit(&mut self, node: NodeId) -> bool {
        let was = self.is_visited(&node);
        self.0[node.0 as usize / 64] &= !(1 << (node.0 % 64));
        was
    }
}

impl GraphBase for View<'_> {
    type NodeId = NodeId;
    type EdgeId = EdgeId;
}

impl GraphRef for View<'_> {}

impl Data for View<'_> {
    type NodeWeight = ();
    type EdgeWeight = KindId;
}

impl GraphProp for View<'_> {
    type EdgeType = Directed;
}

impl NodeCount for View<'_> {
    fn node_count(&self) -> usize {
        self.snapshot.n_nodes()
    }
}

impl NodeIndexable for View<'_> {
    fn node_bound(&self) -> usize {
        self.snapshot.n_nodes()
    }

    fn to_index(&self, node: NodeId) -> usize {
        node.0 as usize
    }

    fn from_index(&self, idx: usize) -> NodeId {
        NodeId(idx as u32)
    }
}

impl NodeCompactIndexable for View<'_> {}

impl Visitable for View<'_> {
    type Map = Visited;

    fn visit_map(&self) -> Visited {
        Visited(vec![0; self.snapshot.n_nodes().div_ceil(64)])
    }

    fn reset_map(&self, map: &mut Visited) {
        map.0.fill(0);
    }
}

type Boxed<'a, T> = Box<dyn Iterator<Item = T> + 'a>;

impl<'a> IntoNodeIdentifiers for View<'a> {
    type NodeIdentifiers = Boxed<'a, NodeId>;

    fn node_identifiers(self) -> Self::NodeIdentifiers {
        Box::new(self.snapshot.nodes())
    }
}

impl<'a> IntoNodeReferences for View<'a> {
    type NodeRef = (NodeId, &'a ());
    type NodeReferences = Boxed<'a, (NodeId, &'a ())>;

    fn node_references(self) -> Self::NodeReferences {
        Box::new(self.snapshot.nodes().map(|node| (node, &())))
    }
}

impl<'a> IntoNeighbors for View<'a> {
    type Neighbors = Boxed<'a, NodeId>;

    fn neighbors(self, node: NodeId) -> Self::Neighbors {
        self.neighbors_directed(node, Direction::Outgoing)
    }
}

impl<'a> IntoNeighborsDirected for View<'a> {
    type NeighborsDirected = Boxed<'a, NodeId>;

    fn neighbors_directed(self, node: NodeId, direction: Direction) -> Self::NeighborsDirected {
        Box::new(
            self.edges_at(node, direction)
                .map(move |edge| match direction {
                    Direction::Outgoing => edge.target,
                    Direction::Incoming => edge.source,
                }),
        )
    }
}

impl<'a> IntoEdgeReferences for View<'a> {
    type EdgeRef = EdgeReference;
    type EdgeReferences = Boxed<'a, EdgeReference>;

    fn edge_references(self) -> Self::EdgeReferences {
        Box::new(
            self.snapshot
                .nodes()
                .flat_map(move |node| self.edges_at(node, Direction::Outgoing)),
        )
    }
}

impl<'a> IntoEdges for View<'a> {
    type Edges = Boxed<'a, EdgeReference>;

    fn edges(self, node: NodeId) -> Self::Edges {
        Box::new(self.edges_at(node, Direction::Outgoing))
    }
}

impl<'a> IntoEdgesDirected for View<'a> {
    type EdgesDirected = Boxed<'a, EdgeReference>;

    fn edges_directed(self, node: NodeId, direction: Direction) -> Self::EdgesDirected {
        Box::new(self.edges_at(node, direction))
    }
}
