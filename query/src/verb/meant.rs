//! What was probably meant by an end that no node matches.

use std::collections::BTreeSet;
use std::sync::Arc;

use foothold_engine::graph::{LabelId, NodeId, Snapshot};
use foothold_engine::model::Value;

use crate::ast::{CompareOp, Expr, ExprKind, Labels, LabelsKind, NodePattern};
use crate::nearest::nearest;

/// Among more nodes no name is looked for.
const MAX_NODES: u64 = 20_000;

/// A text that a property of the end must be: `{name: 'checkout'}`, `n.name = 'checkout'`.
#[derive(Debug, Clone)]
pub(super) struct Meant {
    /// All of these are labels of the end.
    labels: Vec<String>,
    property: String,
    text: String,
}

impl Meant {
    pub(super) fn of(node: &NodePattern) -> Option<Self> {
        let in_map = node.properties.as_deref().and_then(text_in_map);
        let in_filter = || node.filter.as_deref().and_then(text_in_condition);
        let (property, text) = in_map.or_else(in_filter)?;
        let mut labels = Vec::new();
        if let Some(written) = &node.labels {
            all_of(written, &mut labels);
        }
        Some(Meant {
            labels,
            property: property.to_owned(),
            text: text.to_owned(),
        })
    }

    /// The nearest text that such a node has there.
    pub(super) fn nearest(&self, snapshot: &Snapshot) -> Option<String> {
        let prop = snapshot.prop_id(&self.property)?;
        let labels = self.labels.iter().map(|label| snapshot.label_id(label));
        let mut labels = labels.collect::<Option<Vec<LabelId>>>()?;
        labels.sort_by_key(|label| snapshot.labelled(*label).len());
        let n_nodes = labels.first().map_or(snapshot.n_nodes() as u64, |rarest| {
            snapshot.labelled(*rarest).len()
        });
        if n_nodes > MAX_NODES {
            return None;
        }
        let mut texts: BTreeSet<Arc<str>> = BTreeSet::new();
        let mut look_at = |node: NodeId| {
            if labels.iter().all(|&label| snapshot.has_label(node, label))
                && let Some(Value::Str(text)) = snapshot.node_prop(node, prop)
            {
                texts.insert(text);
            }
        };
        match labels.first() {
            Some(rarest) => {
                let nodes = snapshot.labelled(*rarest).iter();
                nodes.for_each(|node| look_at(NodeId(node)));
            }
            None => snapshot.nodes().for_each(look_at),
        }
        let near = nearest(&self.text, texts.iter().map(|text| &**text));
        near.map(str::to_owned)
    }
}

/// The labels that every node of the expression has, as far as they are plain.
fn all_of(labels: &Labels, found: &mut Vec<String>) {
    match &labels.kind {
        LabelsKind::Name(name) => found.push(name.clone()),
        LabelsKind::And(both) => both.iter().for_each(|one| all_of(one, found)),
        LabelsKind::Any | LabelsKind::Not(_) | LabelsKind::Or(_) => {}
    }
}

fn text_in_map(map: &Expr) -> Option<(&str, &str)> {
    let ExprKind::Map(entries) = &map.kind else {
        return None;
    };
    entries.iter().find_map(|entry| match &entry.value.kind {
        ExprKind::String(text) => Some((&*entry.key.name, &**text)),
        _ => None,
    })
}

fn text_in_condition(condition: &Expr) -> Option<(&str, &str)> {
    match &condition.kind {
        ExprKind::And(parts) => parts.iter().find_map(text_in_condition),
        ExprKind::Compare { first, rest } => match rest.as_slice() {
            [link] if link.op == CompareOp::Equal => match (&first.kind, &link.operand.kind) {
                (ExprKind::Property { key, .. }, ExprKind::String(text))
                | (ExprKind::String(text), ExprKind::Property { key, .. }) => {
                    Some((&*key.name, &**text))
                }
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}
