//! What the variables of a pattern stand for in one match.

use std::sync::Arc;

use crate::graph::{EdgeId, NodeId};

use super::ir::Var;

/// What one variable stands for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Binding {
    /// Nothing yet.
    #[default]
    Unbound,
    /// A node.
    Node(NodeId),
    /// An edge.
    Edge(EdgeId),
    /// The edges of a walk in order.
    Walk(Arc<[EdgeId]>),
    /// A walk of which nobody reads more than how long it is.
    Length(u32),
}

/// The bindings of every variable of one pattern.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bindings(Vec<Binding>);

impl Bindings {
    /// Room for the variables of a pattern, all unbound.
    pub fn new(n_vars: usize) -> Self {
        Bindings(vec![Binding::Unbound; n_vars])
    }

    /// What `var` stands for.
    pub fn get(&self, var: Var) -> &Binding {
        self.0.get(usize::from(var.0)).unwrap_or(&Binding::Unbound)
    }

    /// Binds `var`, or unbinds it.
    pub fn set(&mut self, var: Var, binding: Binding) {
        if let Some(slot) = self.0.get_mut(usize::from(var.0)) {
            *slot = binding;
        }
    }

    /// Whether `var` stands for something.
    pub fn is_bound(&self, var: Var) -> bool {
        !matches!(self.get(var), Binding::Unbound)
    }

    /// The node that `var` stands for.
    pub fn node(&self, var: Var) -> Option<NodeId> {
        match self.get(var) {
            Binding::Node(node) => Some(*node),
            _ => None,
        }
    }

    /// The edge that `var` stands for.
    pub fn edge(&self, var: Var) -> Option<EdgeId> {
        match self.get(var) {
            Binding::Edge(edge) => Some(*edge),
            _ => None,
        }
    }

    /// The edges that `var` stands for: one, or those of a walk.
    pub fn edges_of(&self, var: Var) -> &[EdgeId] {
        match self.get(var) {
            Binding::Edge(edge) => std::slice::from_ref(edge),
            Binding::Walk(edges) => edges,
            _ => &[],
        }
    }

    /// How many edges `var` stands for.
    pub fn length_of(&self, var: Var) -> u64 {
        match self.get(var) {
            Binding::Edge(_) => 1,
            Binding::Walk(edges) => edges.len() as u64,
            Binding::Length(length) => u64::from(*length),
            Binding::Unbound | Binding::Node(_) => 0,
        }
    }

    /// Every matched edge, variable by variable: the evidence of a match.
    pub fn edges(&self) -> impl Iterator<Item = EdgeId> {
        self.0.iter().flat_map(|binding| match binding {
            Binding::Edge(edge) => std::slice::from_ref(edge).iter().copied(),
            Binding::Walk(edges) => edges.iter().copied(),
            _ => [].iter().copied(),
        })
    }

    /// Every matched node, variable by variable.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> {
        self.0.iter().filter_map(|binding| match binding {
            Binding::Node(node) => Some(*node),
            _ => None,
        })
    }
}
