//! The schema: what the graph is made of, with counts.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use foothold_engine::attack::Rule;
use foothold_engine::graph::{LabelId, Snapshot};
use foothold_engine::model::Value;
use foothold_engine::model::schema;
use serde::{Deserialize, Serialize};

use crate::app::World;
use crate::clock;

/// What the graph is made of.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SchemaDto {
    pub(crate) labels: Vec<LabelDto>,
    pub(crate) kinds: Vec<KindDto>,
    pub(crate) rules: Vec<RuleDto>,
    pub(crate) snapshot: WorldDto,
}

/// A label and how often it occurs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LabelDto {
    pub(crate) name: String,
    pub(crate) count: u64,
    pub(crate) doc: Option<Cow<'static, str>>,
    pub(crate) properties: Vec<PropertyDto>,
}

/// A property of a label, as the nodes have it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PropertyDto {
    pub(crate) name: String,
    pub(crate) r#type: String,
    pub(crate) count: u64,
}

/// An edge kind, how often it occurs and between what.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct KindDto {
    pub(crate) name: String,
    pub(crate) count: u64,
    pub(crate) from: Vec<String>,
    pub(crate) to: Vec<String>,
    pub(crate) doc: Option<Cow<'static, str>>,
}

/// An attack rule and how many steps it gave.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RuleDto {
    pub(crate) name: String,
    pub(crate) id: Option<String>,
    pub(crate) title: String,
    pub(crate) technique: Option<String>,
    pub(crate) family: Option<String>,
    pub(crate) steps: u64,
}

/// The world that is asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct WorldDto {
    pub(crate) id: Option<String>,
    pub(crate) created_at: String,
    pub(crate) nodes: usize,
    pub(crate) edges: usize,
    pub(crate) states: usize,
    pub(crate) steps: usize,
}

impl RuleDto {
    /// Describes a rule.
    pub(crate) fn new(rule: &Rule, steps: u64) -> Self {
        Self {
            name: rule.name.to_string(),
            id: rule.id.as_deref().map(str::to_owned),
            title: rule.title.to_string(),
            technique: rule.techniques.first().map(ToString::to_string),
            family: Some(rule.family.to_string()),
            steps,
        }
    }
}

impl SchemaDto {
    /// Counts everything once. O(nodes x properties + edges).
    pub(crate) fn new(world: &World) -> Self {
        let snapshot = &*world.snapshot;
        Self {
            labels: labels(snapshot),
            kinds: kinds(snapshot),
            rules: world.rules(),
            snapshot: WorldDto {
                id: world.id.map(|id| id.to_string()),
                created_at: clock::text(world.created_at_ms),
                nodes: snapshot.n_nodes(),
                edges: snapshot.n_edges(),
                states: world.attack.n_states(),
                steps: world.attack.n_steps(),
            },
        }
    }
}

fn labels(snapshot: &Snapshot) -> Vec<LabelDto> {
    let mut labels: Vec<LabelDto> = snapshot
        .labels()
        .map(|label| {
            let name = snapshot.label_name(label).to_owned();
            let spec = schema::label(&name);
            LabelDto {
                count: snapshot.labelled(label).len(),
                doc: spec.map(|spec| spec.doc.into()),
                properties: properties(snapshot, label),
                name,
            }
        })
        .collect();
    labels.sort_by(|a, b| a.name.cmp(&b.name));
    labels
}

fn properties(snapshot: &Snapshot, label: LabelId) -> Vec<PropertyDto> {
    let mut found: BTreeMap<&str, (&'static str, u64)> = BTreeMap::new();
    for node in snapshot.labelled(label) {
        for (prop, value) in snapshot.node_props(foothold_engine::graph::NodeId(node)) {
            let ty = type_name(&value);
            let entry = found.entry(snapshot.prop_name(prop)).or_insert((ty, 0));
            entry.1 += 1;
            if entry.0 != ty {
                entry.0 = "mixed";
            }
        }
    }
    found
        .into_iter()
        .map(|(name, (ty, count))| PropertyDto {
            name: name.to_owned(),
            r#type: ty.to_owned(),
            count,
        })
        .collect()
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "boolean",
        Value::Int(_) => "integer",
        Value::Float(_) => "float",
        Value::Str(_) => "string",
        Value::List(_) => "list",
    }
}

fn kinds(snapshot: &Snapshot) -> Vec<KindDto> {
    let mut kinds: Vec<KindDto> = snapshot
        .kinds()
        .map(|kind| {
            let name = snapshot.kind_name(kind).to_owned();
            let spec = schema::kind(&name);
            let edges = snapshot.edges_of_kind(kind);
            let (mut from, mut to) = (BTreeSet::new(), BTreeSet::new());
            for edge in edges.clone() {
                let ends = snapshot.edge(foothold_engine::graph::EdgeId(edge));
                from.extend(snapshot.labels_of(ends.source));
                to.extend(snapshot.labels_of(ends.target));
            }
            KindDto {
                count: u64::from(edges.end - edges.start),
                from: names(snapshot, &from),
                to: names(snapshot, &to),
                doc: spec.map(|spec| spec.doc.into()),
                name,
            }
        })
        .collect();
    kinds.sort_by(|a, b| a.name.cmp(&b.name));
    kinds
}

fn names(snapshot: &Snapshot, labels: &BTreeSet<LabelId>) -> Vec<String> {
    let mut names: Vec<String> = labels
        .iter()
        .map(|&label| snapshot.label_name(label).to_owned())
        .collect();
    names.sort();
    names
}
