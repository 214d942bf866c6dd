//! Which labels, kinds and properties something reads, or a change is about.

use rustc_hash::FxHashSet;

use crate::model::Facts;

/// Names of a graph.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    /// Labels of nodes: which nodes have them, and which nodes there are.
    pub(super) labels: FxHashSet<Box<str>>,
    /// Kinds: which edges there are.
    pub(super) kinds: FxHashSet<Box<str>>,
    /// Values of nodes or edges.
    pub(super) props: FxHashSet<Box<str>>,
    /// Whether there is a node of some id, whatever its labels.
    pub(super) ids: bool,
    /// Whether it is about every name.
    pub(super) everything: bool,
}

impl Scope {
    /// Every name that occurs, and no word on whether nodes come or go.
    pub(super) fn of(facts: &Facts) -> Self {
        let mut scope = Scope::default();
        let mut named = FxHashSet::default();
        for label in facts.nodes().iter().flat_map(|node| &node.labels) {
            if named.insert(*label) {
                scope.label(facts.str(*label));
            }
        }
        named.clear();
        for edge in facts.edges() {
            if named.insert(edge.kind) {
                scope.kind(facts.str(edge.kind));
            }
        }
        named.clear();
        let of_nodes = facts.nodes().iter().map(|node| &node.props);
        let of_edges = facts.edges().iter().map(|edge| &edge.props);
        for (name, _) in of_nodes
            .chain(of_edges)
            .flat_map(|range| facts.props(range))
        {
            if named.insert(*name) {
                scope.prop(facts.str(*name));
            }
        }
        scope
    }

    /// Whether what changes in one may be noticed in the other.
    pub(super) fn meets(&self, other: &Scope) -> bool {
        self.everything
            || other.everything
            || !self.labels.is_disjoint(&other.labels)
            || !self.kinds.is_disjoint(&other.kinds)
            || !self.props.is_disjoint(&other.props)
            || self.ids && other.ids
    }

    /// Adds the names of another.
    pub(super) fn add(&mut self, other: &Scope) {
        self.labels.extend(other.labels.iter().cloned());
        self.kinds.extend(other.kinds.iter().cloned());
        self.props.extend(other.props.iter().cloned());
        self.ids |= other.ids;
        self.everything |= other.everything;
    }

    /// Adds a label.
    pub(super) fn label(&mut self, name: &str) {
        add(&mut self.labels, name);
    }

    /// Adds a kind.
    pub(super) fn kind(&mut self, name: &str) {
        add(&mut self.kinds, name);
    }

    /// Adds a property.
    pub(super) fn prop(&mut self, name: &str) {
        add(&mut self.props, name);
    }
}

fn add(names: &mut FxHashSet<Box<str>>, name: &str) {
    if !names.contains(name) {
        names.insert(name.into());
    }
}
