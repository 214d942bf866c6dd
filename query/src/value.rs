//! The values a query computes with: everything a property can hold, and nodes, relationships,
//! paths, maps, dates and what the verbs return.

mod compare;
mod key;
mod temporal;

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use foothold_engine::graph::{EdgeId, NodeId, Snapshot};
use foothold_engine::model::Value;

pub use compare::{Incomparable, compare, equals, order};
pub use key::RowKey;
pub use temporal::{Date, DateTime, Duration, ParseTemporalError};

/// A map value; keys are sorted.
pub type Map = BTreeMap<Arc<str>, Val>;

/// A value of a query. Cloning is cheap.
#[derive(Debug, Clone, Default)]
pub enum Val {
    /// Nothing, or not known.
    #[default]
    Null,
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A float.
    Float(f64),
    /// A string.
    Str(Arc<str>),
    /// A list.
    List(Arc<[Val]>),
    /// A map.
    Map(Arc<Map>),
    /// A node of the snapshot.
    Node(NodeId),
    /// A relationship of the snapshot.
    Rel(EdgeId),
    /// A path through the snapshot.
    Path(Arc<Path>),
    /// A calendar day.
    Date(Date),
    /// An instant.
    DateTime(DateTime),
    /// A length of time.
    Duration(Duration),
    /// Something only its maker understands, such as an attack path.
    Foreign(Arc<dyn Foreign>),
}

/// A value of another part of the product, such as an attack path of a verb.
pub trait Foreign: std::fmt::Debug + Send + Sync {
    /// What messages call this kind of value.
    fn type_name(&self) -> &'static str;
    /// A field, read by `value.name`.
    fn field(&self, snapshot: &Snapshot, name: &str) -> Option<Val>;
    /// What makes two values the same, and orders them.
    fn sort_key(&self) -> &[u8];
    /// How it looks in an answer, with its wrapper.
    fn to_json(&self, snapshot: &Snapshot) -> serde_json::Value;
    /// For its maker to recognise it.
    fn as_any(&self) -> &dyn Any;
}

/// A path: a start and the steps walked from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// Where it starts.
    pub start: NodeId,
    /// The steps in order.
    pub steps: Vec<PathStep>,
}

/// One step of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathStep {
    /// The relationship.
    pub edge: EdgeId,
    /// Whether it is walked along its direction.
    pub is_forward: bool,
    /// The node it leads to.
    pub node: NodeId,
}

impl Path {
    /// The nodes in order.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> {
        std::iter::once(self.start).chain(self.steps.iter().map(|step| step.node))
    }

    /// The relationships in order.
    pub fn edges(&self) -> impl Iterator<Item = EdgeId> {
        self.steps.iter().map(|step| step.edge)
    }

    /// Appends a walk over `edges` from where the path ends now.
    pub fn walk(&mut self, snapshot: &Snapshot, edges: &[EdgeId]) {
        let mut at = self.end();
        for &edge in edges {
            let ends = snapshot.edge(edge);
            let is_forward = ends.source == at;
            let node = if is_forward { ends.target } else { ends.source };
            self.steps.push(PathStep {
                edge,
                is_forward,
                node,
            });
            at = node;
        }
    }

    /// Where it ends.
    pub fn end(&self) -> NodeId {
        self.steps.last().map_or(self.start, |step| step.node)
    }
}

impl Val {
    /// A string.
    pub fn str(text: &str) -> Self {
        Val::Str(text.into())
    }

    /// How many there are of something.
    pub fn count(n: usize) -> Self {
        Val::Int(i64::try_from(n).unwrap_or(i64::MAX))
    }

    /// A list.
    pub fn list(items: Vec<Val>) -> Self {
        Val::List(items.into())
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Val::Null)
    }

    /// The number inside as a float.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Val::Int(number) => Some(*number as f64),
            Val::Float(number) => Some(*number),
            _ => None,
        }
    }

    /// The string inside.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Val::Str(text) => Some(text),
            _ => None,
        }
    }

    /// What messages call its type.
    pub fn type_name(&self) -> &'static str {
        match self {
            Val::Null => "null",
            Val::Bool(_) => "a boolean",
            Val::Int(_) => "an integer",
            Val::Float(_) => "a float",
            Val::Str(_) => "a string",
            Val::List(_) => "a list",
            Val::Map(_) => "a map",
            Val::Node(_) => "a node",
            Val::Rel(_) => "a relationship",
            Val::Path(_) => "a path",
            Val::Date(_) => "a date",
            Val::DateTime(_) => "an instant",
            Val::Duration(_) => "a duration",
            Val::Foreign(value) => value.type_name(),
        }
    }

    /// The property value it is, if a property could hold it.
    pub fn to_property(&self) -> Option<Value> {
        match self {
            Val::Bool(flag) => Some(Value::Bool(*flag)),
            Val::Int(number) => Some(Value::Int(*number)),
            Val::Float(number) => Some(Value::Float(*number)),
            Val::Str(text) => Some(Value::Str(Arc::clone(text))),
            Val::List(items) => items
                .iter()
                .map(Val::to_property)
                .collect::<Option<Vec<_>>>()
                .map(Value::from),
            _ => None,
        }
    }

    /// What a value takes where it lies, without what it holds on the heap.
    pub(crate) const BYTES: u64 = size_of::<Self>() as u64;

    /// About how many bytes it holds on the heap; shared parts count fully.
    pub fn heap_bytes(&self) -> u64 {
        match self {
            Val::Str(text) => text.len() as u64 + 16,
            Val::List(items) => {
                16 + items
                    .iter()
                    .map(|item| Val::BYTES + item.heap_bytes())
                    .sum::<u64>()
            }
            Val::Map(map) => map
                .iter()
                .map(|(key, item)| 64 + key.len() as u64 + item.heap_bytes())
                .sum(),
            Val::Path(path) => 32 + 12 * path.steps.len() as u64,
            Val::Foreign(_) => 512,
            _ => 0,
        }
    }
}

impl From<Value> for Val {
    fn from(value: Value) -> Self {
        match value {
            Value::Bool(flag) => Val::Bool(flag),
            Value::Int(number) => Val::Int(number),
            Value::Float(number) => Val::Float(number),
            Value::Str(text) => Val::Str(text),
            Value::List(items) => Val::List(items.iter().cloned().map(Val::from).collect()),
        }
    }
}

impl From<bool> for Val {
    fn from(flag: bool) -> Self {
        Val::Bool(flag)
    }
}

impl From<Option<bool>> for Val {
    fn from(truth: Option<bool>) -> Self {
        truth.map_or(Val::Null, Val::Bool)
    }
}
