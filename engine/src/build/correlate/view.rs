//! Reading a snapshot by names, and stating edges: what every join needs.

use crate::graph::{EdgeId, NodeId, Snapshot};
use crate::model::{FactRef, Facts, Value};

/// A snapshot read by the names of labels, kinds and properties.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) snapshot: &'a Snapshot,
}

impl<'a> View<'a> {
    pub(super) fn new(snapshot: &'a Snapshot) -> Self {
        Self { snapshot }
    }

    /// The nodes with a label, ascending.
    pub(super) fn labelled(self, label: &str) -> Vec<NodeId> {
        self.snapshot
            .label_id(label)
            .map(|label| self.snapshot.labelled(label).iter().map(NodeId).collect())
            .unwrap_or_default()
    }

    pub(super) fn is(self, node: NodeId, label: &str) -> bool {
        self.snapshot
            .label_id(label)
            .is_some_and(|label| self.snapshot.has_label(node, label))
    }

    pub(super) fn id(self, node: NodeId) -> &'a str {
        self.snapshot.stable_id(node)
    }

    pub(super) fn text(self, node: NodeId, property: &str) -> Option<&'a str> {
        let property = self.snapshot.prop_id(property)?;
        self.snapshot.node_str(node, property)
    }

    pub(super) fn value(self, node: NodeId, property: &str) -> Option<Value> {
        let property = self.snapshot.prop_id(property)?;
        self.snapshot.node_prop(node, property)
    }

    pub(super) fn flag(self, node: NodeId, property: &str) -> Option<bool> {
        self.value(node, property)?.as_bool()
    }

    /// The texts of a list property; a single text counts as a list of one.
    pub(super) fn list(self, node: NodeId, property: &str) -> Vec<String> {
        texts(self.value(node, property))
    }

    /// The ends of the outgoing edges of a kind.
    pub(super) fn out(self, node: NodeId, kind: &str) -> Vec<NodeId> {
        self.out_edges(node, kind)
            .into_iter()
            .map(|(_, end)| end)
            .collect()
    }

    pub(super) fn out_edges(self, node: NodeId, kind: &str) -> Vec<(EdgeId, NodeId)> {
        self.snapshot
            .kind_id(kind)
            .map(|kind| self.snapshot.out_edges(node, kind).iter().collect())
            .unwrap_or_default()
    }

    /// The starts of the incoming edges of a kind.
    pub(super) fn starts(self, node: NodeId, kind: &str) -> Vec<NodeId> {
        self.snapshot
            .kind_id(kind)
            .map(|kind| {
                let row = self.snapshot.in_edges(node, kind);
                row.iter().map(|(_, start)| start).collect()
            })
            .unwrap_or_default()
    }

    pub(super) fn edge_list(self, edge: EdgeId, property: &str) -> Vec<String> {
        let value = self
            .snapshot
            .prop_id(property)
            .and_then(|property| self.snapshot.edge_prop(edge, property));
        texts(value)
    }

    pub(super) fn edge_text(self, edge: EdgeId, property: &str) -> Option<&'a str> {
        let property = self.snapshot.prop_id(property)?;
        self.snapshot.edge_str(edge, property)
    }

    pub(super) fn edge_value(self, edge: EdgeId, property: &str) -> Option<Value> {
        let property = self.snapshot.prop_id(property)?;
        self.snapshot.edge_prop(edge, property)
    }

    pub(super) fn edge_flag(self, edge: EdgeId, property: &str) -> bool {
        self.snapshot
            .prop_id(property)
            .and_then(|property| self.snapshot.edge_prop(edge, property))
            .and_then(|value| value.as_bool())
            == Some(true)
    }
}

fn texts(value: Option<Value>) -> Vec<String> {
    match value {
        Some(Value::Str(text)) => vec![text.to_string()],
        Some(Value::List(items)) => items
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    }
}

/// How a join came to an edge.
#[derive(Debug, Clone, Copy)]
pub(super) struct Method {
    pub(super) name: &'static str,
    /// In hundredths.
    pub(super) confidence: u8,
}

impl Method {
    pub(super) const fn new(name: &'static str, confidence: u8) -> Self {
        Self { name, confidence }
    }

    /// States an edge, hands it to `more` for its properties, and marks it as inferred. Ends that
    /// are no valid ids state nothing.
    pub(super) fn link(
        self,
        facts: &mut Facts,
        from: &str,
        kind: &str,
        to: &str,
        more: impl FnOnce(&mut Facts, FactRef),
    ) {
        if let Ok(edge) = facts.edge(from, kind, to) {
            more(facts, edge);
            facts.infer(edge, self.name, self.confidence);
        }
    }
}

/// Nothing more to say of an edge.
pub(super) fn plain(_: &mut Facts, _: FactRef) {}

/// The cluster part of a `k8s://` id, and so the world in which its names mean something.
pub(super) fn cluster_of(id: &str) -> Option<&str> {
    id.strip_prefix("k8s://")?.split('/').next()
}

/// The namespace part of a `k8s://` id.
pub(super) fn namespace_of(id: &str) -> Option<&str> {
    let namespace = id.strip_prefix("k8s://")?.split('/').nth(1)?;
    (namespace != "-").then_some(namespace)
}
