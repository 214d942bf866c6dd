//! Reading a snapshot by names, and stating edges: what every join needs.

use std::cell::{Cell, RefCell};

use rustc_hash::FxHashSet;

use crate::build::scope::Scope;
use crate::graph::{EdgeId, KindId, LabelId, NodeId, PropId, Snapshot};
use crate::model::{FactRef, Facts, Value};

/// A snapshot read by the names of labels, kinds and properties. It is all that a join sees, and
/// notes which names it was asked for: what a join states depends on nothing else.
#[derive(Debug, Clone, Copy)]
pub(in crate::build) struct View<'a> {
    snapshot: &'a Snapshot,
    asked: Option<&'a Asked>,
}

impl<'a> View<'a> {
    /// A view that nobody asks what was read.
    #[cfg(test)]
    pub(super) fn new(snapshot: &'a Snapshot) -> Self {
        Self {
            snapshot,
            asked: None,
        }
    }

    /// A view that notes what is read.
    pub(in crate::build) fn noting(snapshot: &'a Snapshot, asked: &'a Asked) -> Self {
        Self {
            snapshot,
            asked: Some(asked),
        }
    }

    fn label(self, name: &str) -> Option<LabelId> {
        let found = self.snapshot.label_id(name);
        if let Some(asked) = self.asked {
            asked.labels.note(found.map(|label| label.0), name);
        }
        found
    }

    fn kind(self, name: &str) -> Option<KindId> {
        let found = self.snapshot.kind_id(name);
        if let Some(asked) = self.asked {
            asked.kinds.note(found.map(|kind| kind.0), name);
        }
        found
    }

    fn prop(self, name: &str) -> Option<PropId> {
        let found = self.snapshot.prop_id(name);
        if let Some(asked) = self.asked {
            asked.props.note(found.map(|prop| prop.0), name);
        }
        found
    }

    /// The node with this stable id, whatever it is.
    pub(in crate::build) fn node(self, id: &str) -> Option<NodeId> {
        if let Some(asked) = self.asked {
            asked.by_id.set(true);
        }
        self.snapshot.node(id)
    }

    /// The nodes with a label, ascending.
    pub(in crate::build) fn labelled(self, label: &str) -> Vec<NodeId> {
        self.label(label)
            .map(|label| self.snapshot.labelled(label).iter().map(NodeId).collect())
            .unwrap_or_default()
    }

    pub(super) fn is(self, node: NodeId, label: &str) -> bool {
        self.label(label)
            .is_some_and(|label| self.snapshot.has_label(node, label))
    }

    pub(in crate::build) fn id(self, node: NodeId) -> &'a str {
        self.snapshot.stable_id(node)
    }

    pub(in crate::build) fn text(self, node: NodeId, property: &str) -> Option<&'a str> {
        self.snapshot.node_str(node, self.prop(property)?)
    }

    pub(super) fn value(self, node: NodeId, property: &str) -> Option<Value> {
        self.snapshot.node_prop(node, self.prop(property)?)
    }

    pub(super) fn flag(self, node: NodeId, property: &str) -> Option<bool> {
        self.value(node, property)?.as_bool()
    }

    /// The texts of a list property; a single text counts as a list of one.
    pub(super) fn list(self, node: NodeId, property: &str) -> Vec<String> {
        texts(self.value(node, property))
    }

    /// Every edge of a kind with its ends, ascending.
    pub(in crate::build) fn edges(
        self,
        kind: &str,
    ) -> impl Iterator<Item = (EdgeId, NodeId, NodeId)> + use<'a> {
        let snapshot = self.snapshot;
        let range = self.kind(kind).map(|kind| snapshot.edges_of_kind(kind));
        range.unwrap_or(0..0).map(move |edge| {
            let ends = snapshot.edge(EdgeId(edge));
            (EdgeId(edge), ends.source, ends.target)
        })
    }

    /// The ends of the outgoing edges of a kind.
    pub(super) fn out(self, node: NodeId, kind: &str) -> Vec<NodeId> {
        self.out_edges(node, kind)
            .into_iter()
            .map(|(_, end)| end)
            .collect()
    }

    pub(super) fn out_edges(self, node: NodeId, kind: &str) -> Vec<(EdgeId, NodeId)> {
        self.kind(kind)
            .map(|kind| self.snapshot.out_edges(node, kind).iter().collect())
            .unwrap_or_default()
    }

    /// The starts of the incoming edges of a kind.
    pub(super) fn starts(self, node: NodeId, kind: &str) -> Vec<NodeId> {
        self.kind(kind)
            .map(|kind| {
                let row = self.snapshot.in_edges(node, kind);
                row.iter().map(|(_, start)| start).collect()
            })
            .unwrap_or_default()
    }

    pub(super) fn edge_list(self, edge: EdgeId, property: &str) -> Vec<String> {
        texts(self.edge_value(edge, property))
    }

    pub(super) fn edge_text(self, edge: EdgeId, property: &str) -> Option<&'a str> {
        self.snapshot.edge_str(edge, self.prop(property)?)
    }

    pub(super) fn edge_value(self, edge: EdgeId, property: &str) -> Option<Value> {
        self.snapshot.edge_prop(edge, self.prop(property)?)
    }

    pub(super) fn edge_flag(self, edge: EdgeId, property: &str) -> bool {
        let value = self.edge_value(edge, property);
        value.and_then(|value| value.as_bool()) == Some(true)
    }

    /// In hundredths.
    pub(super) fn edge_confidence(self, edge: EdgeId) -> u8 {
        self.snapshot.edge_confidence(edge)
    }
}

/// The names that a join asked for.
#[derive(Debug)]
pub(in crate::build) struct Asked {
    labels: Names,
    kinds: Names,
    props: Names,
    by_id: Cell<bool>,
}

/// Names of one sort: those that are there by rank, for they are asked for often.
#[derive(Debug)]
struct Names {
    known: Box<[Cell<bool>]>,
    absent: RefCell<FxHashSet<Box<str>>>,
}

impl Names {
    fn new(n_known: usize) -> Self {
        Names {
            known: vec![Cell::new(false); n_known].into_boxed_slice(),
            absent: RefCell::default(),
        }
    }

    fn note(&self, rank: Option<u16>, name: &str) {
        match rank.and_then(|rank| self.known.get(usize::from(rank))) {
            Some(is_asked) => is_asked.set(true),
            None => {
                let mut absent = self.absent.borrow_mut();
                if !absent.contains(name) {
                    absent.insert(name.into());
                }
            }
        }
    }

    fn into_set<'a>(self, name: impl Fn(u16) -> &'a str) -> FxHashSet<Box<str>> {
        let mut names = self.absent.into_inner();
        let asked = (0..)
            .zip(&self.known)
            .filter(|(_, is_asked)| is_asked.get());
        names.extend(asked.map(|(rank, _)| Box::from(name(rank))));
        names
    }
}

impl Asked {
    pub(in crate::build) fn new(snapshot: &Snapshot) -> Self {
        Asked {
            labels: Names::new(snapshot.labels().len()),
            kinds: Names::new(snapshot.kinds().len()),
            props: Names::new(snapshot.props().len()),
            by_id: Cell::new(false),
        }
    }

    /// What was asked of this snapshot.
    pub(in crate::build) fn into_scope(self, snapshot: &Snapshot) -> Scope {
        Scope {
            labels: self
                .labels
                .into_set(|rank| snapshot.label_name(LabelId(rank))),
            kinds: self.kinds.into_set(|rank| snapshot.kind_name(KindId(rank))),
            props: self.props.into_set(|rank| snapshot.prop_name(PropId(rank))),
            ids: self.by_id.get(),
            everything: false,
        }
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
