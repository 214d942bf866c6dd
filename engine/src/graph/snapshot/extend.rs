//! A snapshot with more relationships: what is derived, beside what is stated.

use std::sync::{Arc, OnceLock};

use crate::model::{Strings, Value};

use super::super::column::ColumnBuilder;
use super::super::corridor::Corridors;
use super::super::levels::LevelPool;
use super::super::provenance::ProvenanceBuilder;
use super::super::rows::{EdgeTable, EdgeTriple};
use super::super::symbols::{StringValues, Symbols};
use super::super::{EdgeId, NodeId, PropId};
use super::{Columns, Snapshot};

/// A relationship to add.
#[derive(Debug, Clone)]
pub struct MoreEdge {
    /// Its kind.
    pub kind: Arc<str>,
    /// Where it starts.
    pub source: NodeId,
    /// Where it ends.
    pub target: NodeId,
    /// What it says.
    pub props: Vec<(&'static str, Value)>,
    /// How sure it is, in hundredths.
    pub confidence: u8,
}

impl Snapshot {
    /// The same nodes, with the same ids, and more relationships between them. O(nodes + edges);
    /// meant to be built once and asked often.
    #[must_use]
    pub fn with_edges(&self, more: &[MoreEdge]) -> Snapshot {
        let kinds = Symbols::new(
            self.kinds()
                .map(|kind| self.kind_name(kind))
                .chain(more.iter().map(|edge| &*edge.kind)),
        );
        let props = Symbols::new(
            self.props().map(|prop| self.prop_name(prop)).chain(
                more.iter()
                    .flat_map(|edge| edge.props.iter().map(|(name, _)| *name)),
            ),
        );
        // Every name was put into the tables above.
        let kind_rank = |name: &str| kinds.find(name).unwrap_or_default() as u16;
        let prop_rank = |name: &str| props.find(name).unwrap_or_default() as usize;

        let n_old = self.n_edges();
        let mut order: Vec<(EdgeTriple, u32)> = Vec::with_capacity(n_old + more.len());
        for edge in self.edges() {
            let ends = self.edge(edge);
            let triple = EdgeTriple {
                kind: kind_rank(self.kind_name(ends.kind)),
                source: ends.source.0,
                target: ends.target.0,
            };
            order.push((triple, edge.0));
        }
        for (at, edge) in (n_old as u32..).zip(more) {
            let triple = EdgeTriple {
                kind: kind_rank(&edge.kind),
                source: edge.source.0,
                target: edge.target.0,
            };
            order.push((triple, at));
        }
        order.sort_unstable();

        // String values keep their ids, so that the columns of nodes can be taken as they are.
        let mut strings = Strings::new();
        for id in 0..self.strings.len() {
            strings.intern(self.strings.text(crate::model::StrId(id as u32)));
        }
        let mut node_columns: Columns = vec![None; props.len()];
        for prop in self.props() {
            if let Some(slot) = node_columns.get_mut(prop_rank(self.prop_name(prop))) {
                slot.clone_from(&self.node_columns[usize::from(prop.0)]);
            }
        }
        let mut columns: Vec<ColumnBuilder> =
            (0..props.len()).map(|_| ColumnBuilder::default()).collect();
        let moved: Vec<usize> = self
            .props()
            .map(|prop| prop_rank(self.prop_name(prop)))
            .collect();
        let mut provenance = ProvenanceBuilder::default();
        for (row, &(_, from)) in (0_u32..).zip(&order) {
            if (from as usize) < n_old {
                let old = EdgeId(from);
                for (PropId(prop), value) in self.edge_props(old) {
                    columns[moved[usize::from(prop)]].push(row, value);
                }
                let mut sources = self.edge_sources(old).to_vec();
                provenance.push(&mut sources, self.edge_confidence(old));
            } else {
                let edge = &more[from as usize - n_old];
                for (name, value) in &edge.props {
                    columns[prop_rank(name)].push(row, value.clone());
                }
                provenance.push(&mut Vec::new(), edge.confidence);
            }
        }
        let edge_columns: Columns = columns
            .into_iter()
            .map(|column| {
                let column = column.finish(order.len(), &mut strings);
                (column.len() > 0).then(|| Arc::new(column))
            })
            .collect();
        let triples: Vec<EdgeTriple> = order.iter().map(|(triple, _)| *triple).collect();
        let end_labels = (0..kinds.len()).map(|_| Default::default()).collect();
        Snapshot {
            ids: Arc::clone(&self.ids),
            labels: self.labels.clone(),
            edges: Arc::new(EdgeTable::new(&triples, kinds.len(), self.n_nodes())),
            kinds,
            props,
            label_sets: self.label_sets.clone(),
            label_set_of_node: self.label_set_of_node.clone(),
            labelled: self.labelled.clone(),
            node_indexes: node_columns.iter().map(|_| OnceLock::new()).collect(),
            node_columns: node_columns.into_boxed_slice(),
            edge_columns: edge_columns.into_boxed_slice(),
            strings: StringValues::new(strings),
            sources: self.sources.clone(),
            node_provenance: Arc::clone(&self.node_provenance),
            edge_provenance: Arc::new(provenance.finish()),
            levels: LevelPool::default(),
            label_reach: OnceLock::new(),
            corridors: Corridors::default(),
            end_labels,
        }
    }
}
