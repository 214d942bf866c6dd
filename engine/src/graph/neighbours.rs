//! Who is next to whom, whatever the kinds of the edges between.

use super::NodeId;

/// The ends of all edges at each node in one direction: for searches that ask for no kind.
#[derive(Debug, Clone)]
pub(crate) struct Neighbours {
    /// One entry a node and one more.
    offsets: Box<[u32]>,
    ends: Box<[u32]>,
}

impl Neighbours {
    /// Sorts by node and keeps the order of edges at each: O(edges).
    pub(crate) fn new(nodes: &[u32], ends: &[u32], n_nodes: usize) -> Self {
        let mut offsets = vec![0_u32; n_nodes + 1].into_boxed_slice();
        for &node in nodes {
            offsets[node as usize + 1] += 1;
        }
        for node in 0..n_nodes {
            offsets[node + 1] += offsets[node];
        }
        let mut next = offsets.clone();
        let mut sorted = vec![0_u32; ends.len()].into_boxed_slice();
        for (&node, &end) in nodes.iter().zip(ends) {
            let place = &mut next[node as usize];
            sorted[*place as usize] = end;
            *place += 1;
        }
        Neighbours {
            offsets,
            ends: sorted,
        }
    }

    /// The ends of the edges at a node, one for each edge.
    #[inline]
    pub(crate) fn of(&self, node: NodeId) -> &[u32] {
        let at = node.0 as usize;
        &self.ends[self.offsets[at] as usize..self.offsets[at + 1] as usize]
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        (self.offsets.len() + self.ends.len()) * 4
    }
}
