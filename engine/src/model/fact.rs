//! Facts: what one document says exists.

use std::ops::Range;
use std::sync::Arc;

use smallvec::SmallVec;

use super::key::{IdError, validate_id};
use super::strings::{StrId, Strings};
use super::value::Value;

/// How sure a source is of a fact, in hundredths: 100 is stated by a tool, less is inferred.
pub const CERTAIN: u8 = 100;

/// Where a document's facts come from.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct SourceInfo {
    /// The name the user or the path gave this source; importing it again replaces its facts.
    pub name: Arc<str>,
    /// The format as the loader registry names it, such as `cyclonedx-json`.
    pub format: Arc<str>,
    /// The tool that wrote the document and its version, where it says so.
    pub tool: Option<Arc<str>>,
    /// A digest of the document's bytes, `sha256:<hex>`.
    pub digest: Arc<str>,
    /// When the document's content was observed, in milliseconds since 1970 UTC: its own
    /// timestamp if it has one, else the time of import.
    pub observed_at_ms: i64,
    /// Which source wins when two set one property: a user's own file (10) over a tool (0).
    pub authority: u8,
}

/// How a fact came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Origin {
    /// The document says so.
    #[default]
    Stated,
    /// A correlation method inferred it; the name of the method.
    Inferred(StrId),
}

/// A range in the property arena of one [`Facts`].
pub type PropRange = Range<u32>;

/// One node as a document states it.
#[derive(Debug, Clone)]
pub struct NodeFact {
    /// The stable id (`scheme:rest`).
    pub id: StrId,
    /// The labels, in order of statement.
    pub labels: SmallVec<[StrId; 2]>,
    /// Its properties in the arena.
    pub props: PropRange,
    /// Confidence in hundredths.
    pub confidence: u8,
}

/// One edge as a document states it.
#[derive(Debug, Clone)]
pub struct EdgeFact {
    /// The stable id of the start node.
    pub from: StrId,
    /// The stable id of the end node.
    pub to: StrId,
    /// The kind.
    pub kind: StrId,
    /// Tells parallel edges of one kind between the same ends apart. Two facts with the same ends,
    /// kind and key are the same edge, whichever source states them. Without a key, the n-th such
    /// edge of one document is the n-th of another.
    pub key: Option<StrId>,
    /// Its properties in the arena.
    pub props: PropRange,
    /// Confidence in hundredths.
    pub confidence: u8,
    /// Stated or inferred.
    pub origin: Origin,
}

/// Everything one document says: a bag of node and edge facts over one string table.
///
/// ```
/// use foothold_engine::model::Facts;
/// let mut facts = Facts::new();
/// let image = facts.node("image://docker.io/library/nginx:1.25", &["Image"]).unwrap();
/// facts.set(image, "tag", "1.25");
/// facts.node("pkg:deb/debian/openssl@3.0.11", &["Package"]).unwrap();
/// facts.edge("image://docker.io/library/nginx:1.25", "CONTAINS", "pkg:deb/debian/openssl@3.0.11").unwrap();
/// assert_eq!((facts.nodes().len(), facts.edges().len()), (1 + 1, 1));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Facts {
    strings: Strings,
    nodes: Vec<NodeFact>,
    edges: Vec<EdgeFact>,
    props: Vec<(StrId, Value)>,
}

/// A node fact under construction: properties may be set until the next node or edge is added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactRef {
    /// Index of a node fact.
    Node(u32),
    /// Index of an edge fact.
    Edge(u32),
}

impl Facts {
    /// No facts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Facts as the store read them back; every id and range lies within its table.
    pub(crate) fn from_rows(
        strings: Strings,
        nodes: Vec<NodeFact>,
        edges: Vec<EdgeFact>,
        props: Vec<(StrId, Value)>,
    ) -> Self {
        Self {
            strings,
            nodes,
            edges,
            props,
        }
    }

    /// States a node. The same id may be stated many times; the facts merge later.
    pub fn node(&mut self, id: &str, labels: &[&str]) -> Result<FactRef, IdError> {
        validate_id(id)?;
        let id = self.strings.intern(id);
        let labels = labels
            .iter()
            .map(|label| self.strings.intern(label))
            .collect();
        let start = self.props.len() as u32;
        self.nodes.push(NodeFact {
            id,
            labels,
            props: start..start,
            confidence: CERTAIN,
        });
        Ok(FactRef::Node(self.nodes.len() as u32 - 1))
    }

    /// States an edge. Its ends need not be stated as nodes here: an end that no source states is
    /// kept as a node without labels, so a dangling reference stays visible.
    pub fn edge(&mut self, from: &str, kind: &str, to: &str) -> Result<FactRef, IdError> {
        validate_id(from)?;
        validate_id(to)?;
        let start = self.props.len() as u32;
        let edge = EdgeFact {
            from: self.strings.intern(from),
            to: self.strings.intern(to),
            kind: self.strings.intern(kind),
            key: None,
            props: start..start,
            confidence: CERTAIN,
            origin: Origin::Stated,
        };
        self.edges.push(edge);
        Ok(FactRef::Edge(self.edges.len() as u32 - 1))
    }

    /// Sets a property of the fact added last. A later value for the same name wins.
    ///
    /// # Panics
    /// In debug builds, when `fact` is not the fact added last: properties lie side by side.
    pub fn set(&mut self, fact: FactRef, name: &str, value: impl Into<Value>) {
        let name = self.strings.intern(name);
        self.props.push((name, value.into()));
        let end = self.props.len() as u32;
        match fact {
            FactRef::Node(idx) => {
                if let Some(node) = self.nodes.get_mut(idx as usize) {
                    debug_assert_eq!(node.props.end + 1, end, "not the fact added last");
                    node.props.end = end;
                }
            }
            FactRef::Edge(idx) => {
                if let Some(edge) = self.edges.get_mut(idx as usize) {
                    debug_assert_eq!(edge.props.end + 1, end, "not the fact added last");
                    edge.props.end = end;
                }
            }
        }
    }

    /// Sets a property when there is a value.
    pub fn set_opt<V: Into<Value>>(&mut self, fact: FactRef, name: &str, value: Option<V>) {
        if let Some(value) = value {
            self.set(fact, name, value);
        }
    }

    /// Sets a property of every edge of these kinds that does not have it yet.
    pub fn set_on_edges(&mut self, kinds: &[&str], name: &str, value: impl Into<Value>) {
        let name = self.strings.intern(name);
        let value = value.into();
        let Facts {
            strings,
            edges,
            props,
            ..
        } = self;
        let wanted = edges
            .iter_mut()
            .filter(|edge| kinds.contains(&strings.resolve(edge.kind)));
        for edge in wanted {
            let own = edge.props.start as usize..edge.props.end as usize;
            if props[own.clone()].iter().any(|(known, _)| *known == name) {
                continue;
            }
            // What belongs to one fact lies side by side.
            let start = props.len() as u32;
            props.extend_from_within(own);
            props.push((name, value.clone()));
            edge.props = start..props.len() as u32;
        }
    }

    /// Gives an edge its key (see [`EdgeFact::key`]).
    pub fn set_key(&mut self, edge: FactRef, key: &str) {
        let key = self.strings.intern(key);
        if let FactRef::Edge(idx) = edge
            && let Some(edge) = self.edges.get_mut(idx as usize)
        {
            edge.key = Some(key);
        }
    }

    /// Marks a fact as inferred by `method` with `confidence` in hundredths.
    pub fn infer(&mut self, fact: FactRef, method: &str, confidence: u8) {
        let method = self.strings.intern(method);
        let confidence = confidence.min(CERTAIN);
        match fact {
            FactRef::Node(idx) => {
                if let Some(node) = self.nodes.get_mut(idx as usize) {
                    node.confidence = confidence;
                }
            }
            FactRef::Edge(idx) => {
                if let Some(edge) = self.edges.get_mut(idx as usize) {
                    edge.confidence = confidence;
                    edge.origin = Origin::Inferred(method);
                }
            }
        }
    }

    /// The string table behind every [`StrId`] here.
    pub fn strings(&self) -> &Strings {
        &self.strings
    }

    /// The node facts in order of statement.
    pub fn nodes(&self) -> &[NodeFact] {
        &self.nodes
    }

    /// The edge facts in order of statement.
    pub fn edges(&self) -> &[EdgeFact] {
        &self.edges
    }

    /// The properties of a fact.
    pub fn props(&self, range: &PropRange) -> &[(StrId, Value)] {
        self.props
            .get(range.start as usize..range.end as usize)
            .unwrap_or_default()
    }

    /// What a fact says last about a property.
    pub fn prop(&self, range: &PropRange, name: &str) -> Option<&Value> {
        let name = self.strings.get(name)?;
        let mut props = self.props(range).iter().rev();
        props
            .find(|(prop, _)| *prop == name)
            .map(|(_, value)| value)
    }

    /// The text of an id of this table.
    pub fn str(&self, id: StrId) -> &str {
        self.strings.resolve(id)
    }

    /// Whether nothing was stated.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.edges.is_empty()
    }
}
