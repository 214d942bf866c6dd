//! The merge: one node an id, one edge a (kind, ends, key), whatever the order of sources.

use std::cmp::Ordering;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::graph::{
    ColumnBuilder, Columns, EdgeTable, EdgeTriple, LabelId, Parts, ProvenanceBuilder, Snapshot,
    SourceId, Symbols, TextPool,
};
use crate::model::{CERTAIN, StrId, Strings, Value};

use super::staging::{EdgeKey, EdgeRow, NodeRow, Staging, StagingError};

/// The property that names how an inferred edge came about.
const METHOD: &str = "method";
/// The property that says how sure an inferred edge is, 0 to 1.
const CONFIDENCE: &str = "confidence";

/// The order of rows in an earlier merge of the same staging. What was added since is sorted in
/// between; where the order came to be different, it only takes longer.
#[derive(Debug, Default)]
pub(super) struct Orders {
    ids: Vec<StrId>,
    nodes: Vec<u32>,
    edges: Vec<u32>,
}

/// The rows below `n`, those that were sorted before first.
fn start_from(order: &mut Vec<u32>, n: usize) {
    if order.len() > n {
        order.clear();
    }
    order.extend(order.len() as u32..n as u32);
}

pub(super) fn merge(staging: &Staging, orders: &mut Orders) -> Result<Snapshot, StagingError> {
    let names = Names::new(staging)?;
    let sources = SourceOrder::new(staging);
    let (ids, node_of) = number_nodes(staging, &mut orders.ids)?;
    let mut parts = Parts {
        node_columns: Vec::new(),
        edge_columns: Vec::new(),
        sources: sources.sorted(staging),
        ..Parts::default()
    };
    let mut strings = Strings::new();
    merge_nodes(
        staging,
        &names,
        &sources,
        (&node_of, ids.len()),
        &mut orders.nodes,
        &mut parts,
        &mut strings,
    );
    merge_edges(
        staging,
        &names,
        &sources,
        (&node_of, ids.len()),
        &mut orders.edges,
        &mut parts,
        &mut strings,
    )?;
    parts.ids = Arc::new(ids);
    parts.strings = strings;
    parts.labels = names.labels.symbols;
    parts.kinds = names.kinds.symbols;
    parts.props = used(&names.props.symbols, &mut parts);
    Ok(Snapshot::from_parts(parts))
}

/// The names of properties that something has; the columns of others go. Where every inferred edge is
/// stated too, none says how it came about.
fn used(names: &Symbols, parts: &mut Parts) -> Symbols {
    let columns = parts.node_columns.iter().zip(&parts.edge_columns);
    let is_used: Vec<bool> = columns
        .map(|(nodes, edges)| nodes.is_some() || edges.is_some())
        .collect();
    for columns in [&mut parts.node_columns, &mut parts.edge_columns] {
        let mut is_used = is_used.iter();
        columns.retain(|_| is_used.next() == Some(&true));
    }
    let ranks = (0..).zip(&is_used).filter(|(_, is_used)| **is_used);
    Symbols::new(ranks.map(|(rank, _)| names.name(rank)))
}

/// Symbols of one sort, with the way from staged string ids to ranks.
struct NameTable {
    symbols: Symbols,
    rank_of: FxHashMap<StrId, u16>,
}

impl NameTable {
    fn new(
        what: &'static str,
        strings: &Strings,
        used: impl Iterator<Item = StrId>,
        extra: &[&str],
    ) -> Result<Self, StagingError> {
        let mut used: Vec<StrId> = used.collect();
        used.sort_unstable();
        used.dedup();
        let names = used
            .iter()
            .map(|&id| strings.resolve(id))
            .chain(extra.iter().copied());
        let symbols = Symbols::new(names);
        if symbols.len() > usize::from(u16::MAX) {
            return Err(StagingError::TooManyNames {
                what,
                count: symbols.len(),
            });
        }
        let rank_of = used
            .into_iter()
            .filter_map(|id| Some((id, symbols.find(strings.resolve(id))? as u16)))
            .collect();
        Ok(NameTable { symbols, rank_of })
    }

    fn rank(&self, id: StrId) -> u16 {
        self.rank_of[&id]
    }
}

struct Names {
    labels: NameTable,
    kinds: NameTable,
    props: NameTable,
}

impl Names {
    fn new(staging: &Staging) -> Result<Self, StagingError> {
        let strings = &staging.strings;
        let labels = staging
            .nodes
            .iter()
            .flat_map(|node| node.labels.iter().copied());
        let mut kinds: Vec<StrId> = Vec::new();
        for edge in &staging.edges {
            if kinds.last() != Some(&edge.kind) {
                kinds.push(edge.kind);
            }
        }
        let inferred = staging.edges.iter().any(|edge| edge.method.is_some());
        let extra: &[&str] = if inferred { &[METHOD, CONFIDENCE] } else { &[] };
        // Not those of rows that were taken away.
        let of_nodes = staging.nodes.iter().map(|row| row.props);
        let of_edges = staging.edges.iter().map(|row| row.props);
        let mut props: Vec<StrId> = Vec::new();
        let mut is_known = vec![false; strings.len()];
        for (start, end) in of_nodes.chain(of_edges) {
            for (name, _) in &staging.props[start as usize..end as usize] {
                if !std::mem::replace(&mut is_known[name.0 as usize], true) {
                    props.push(*name);
                }
            }
        }
        Ok(Names {
            labels: NameTable::new("labels", strings, labels, &[])?,
            kinds: NameTable::new("edge kinds", strings, kinds.into_iter(), &[])?,
            props: NameTable::new("property names", strings, props.into_iter(), extra)?,
        })
    }
}

/// Sources by name, and which of two wins a disagreement.
struct SourceOrder {
    /// Staged source -> rank by name.
    rank: Vec<u32>,
    /// Staged source -> precedence; lower wins.
    precedence: Vec<u32>,
}

impl SourceOrder {
    fn new(staging: &Staging) -> Self {
        let infos = &staging.sources;
        let by_name = |a: usize, b: usize| {
            infos[a]
                .name
                .cmp(&infos[b].name)
                .then_with(|| infos[a].digest.cmp(&infos[b].digest))
        };
        let by_precedence = |a: usize, b: usize| {
            infos[b]
                .authority
                .cmp(&infos[a].authority)
                .then_with(|| infos[b].observed_at_ms.cmp(&infos[a].observed_at_ms))
                .then_with(|| by_name(a, b))
        };
        SourceOrder {
            rank: ranks(infos.len(), by_name),
            precedence: ranks(infos.len(), by_precedence),
        }
    }

    fn sorted(&self, staging: &Staging) -> Vec<crate::model::SourceInfo> {
        let mut order: Vec<usize> = (0..self.rank.len()).collect();
        order.sort_by_key(|&source| self.rank[source]);
        order
            .into_iter()
            .map(|source| staging.sources[source].clone())
            .collect()
    }

    /// Which of two statements comes first: authority (within precedence) splits before
    /// confidence only when a person's own file speaks.
    fn compare(&self, staging: &Staging, a: (u32, u8), b: (u32, u8)) -> Ordering {
        let authority = |source: u32| staging.sources[source as usize].authority;
        authority(b.0)
            .cmp(&authority(a.0))
            .then(b.1.cmp(&a.1))
            .then(self.precedence[a.0 as usize].cmp(&self.precedence[b.0 as usize]))
    }
}

fn ranks(n: usize, compare: impl Fn(usize, usize) -> Ordering) -> Vec<u32> {
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| compare(a, b));
    let mut rank = vec![0; n];
    for (at, source) in order.into_iter().enumerate() {
        rank[source] = at as u32;
    }
    rank
}

const NO_NODE: u32 = u32::MAX;

/// Gives every id that is stated or referenced a dense number in byte order.
fn number_nodes(
    staging: &Staging,
    ids: &mut Vec<StrId>,
) -> Result<(TextPool, Vec<u32>), StagingError> {
    let strings = &staging.strings;
    let mut is_node = vec![false; strings.len()];
    for node in &staging.nodes {
        is_node[staging.resolve_alias(node.id).0 as usize] = true;
    }
    for edge in &staging.edges {
        is_node[staging.resolve_alias(edge.from).0 as usize] = true;
        is_node[staging.resolve_alias(edge.to).0 as usize] = true;
    }
    // Those of an earlier merge come first, in their order; what is left over is new.
    ids.retain(|id| std::mem::take(&mut is_node[id.0 as usize]));
    let all = (0..strings.len() as u32).map(StrId);
    ids.extend(all.filter(|id| is_node[id.0 as usize]));
    if ids.len() >= NO_NODE as usize {
        return Err(StagingError::TooMany {
            what: "nodes",
            count: ids.len(),
        });
    }
    ids.sort_by(|&a, &b| strings.resolve(a).cmp(strings.resolve(b)));
    let mut node_of = vec![NO_NODE; strings.len()];
    for (node, id) in ids.iter().enumerate() {
        node_of[id.0 as usize] = node as u32;
    }
    for &alias in staging
        .aliases
        .keys()
        .collect::<std::collections::BTreeSet<_>>()
    {
        node_of[alias.0 as usize] = node_of[staging.resolve_alias(alias).0 as usize];
    }
    Ok((
        TextPool::from_sorted(ids.iter().map(|&id| strings.resolve(id))),
        node_of,
    ))
}

/// Collects property values of one row over several statements; the first statement wins.
struct RowProps {
    seen: Vec<u32>,
    row: u32,
}

impl RowProps {
    fn new(n_props: usize) -> Self {
        RowProps {
            seen: vec![u32::MAX; n_props],
            row: 0,
        }
    }

    fn start(&mut self, row: u32) {
        self.row = row;
    }

    fn set(&mut self, columns: &mut [ColumnBuilder], prop: u16, value: &Value) {
        let slot = &mut self.seen[usize::from(prop)];
        if *slot != self.row {
            *slot = self.row;
            columns[usize::from(prop)].push(self.row, value.clone());
        }
    }
}

fn merge_nodes(
    staging: &Staging,
    names: &Names,
    sources: &SourceOrder,
    (node_of, n_nodes): (&[u32], usize),
    order: &mut Vec<u32>,
    parts: &mut Parts,
    strings: &mut Strings,
) {
    start_from(order, staging.nodes.len());
    let row_of = |at: u32| -> &NodeRow { &staging.nodes[at as usize] };
    order.sort_by(|&a, &b| {
        let (left, right) = (row_of(a), row_of(b));
        node_of[left.id.0 as usize]
            .cmp(&node_of[right.id.0 as usize])
            .then_with(|| {
                sources.compare(
                    staging,
                    (left.source, left.confidence),
                    (right.source, right.confidence),
                )
            })
            .then(a.cmp(&b))
    });
    let n_props = names.props.symbols.len();
    let mut columns: Vec<ColumnBuilder> = (0..n_props).map(|_| ColumnBuilder::default()).collect();
    let mut props = RowProps::new(n_props);
    let mut label_sets: FxHashMap<Box<[LabelId]>, u32> = FxHashMap::default();
    let mut provenance = ProvenanceBuilder::default();
    let mut labels: Vec<LabelId> = Vec::new();
    let mut row_sources: Vec<SourceId> = Vec::new();
    let mut at = 0;
    for node in 0..n_nodes as u32 {
        labels.clear();
        row_sources.clear();
        props.start(node);
        let mut confidence = 0;
        while at < order.len() && node_of[row_of(order[at]).id.0 as usize] == node {
            let row = row_of(order[at]);
            labels.extend(
                row.labels
                    .iter()
                    .map(|&label| LabelId(names.labels.rank(label))),
            );
            row_sources.push(SourceId(sources.rank[row.source as usize]));
            confidence = confidence.max(row.confidence);
            for (name, value) in staged_props(staging, row.props) {
                props.set(&mut columns, names.props.rank(*name), value);
            }
            at += 1;
        }
        labels.sort_unstable();
        labels.dedup();
        let set = match label_sets.get(labels.as_slice()) {
            Some(&set) => set,
            None => {
                let set = parts.label_sets.len() as u32;
                parts.label_sets.push(labels.clone().into_boxed_slice());
                label_sets.insert(labels.clone().into_boxed_slice(), set);
                set
            }
        };
        parts.label_set_of_node.push(set);
        provenance.push(&mut row_sources, confidence);
    }
    parts.node_columns = finish_columns(columns, n_nodes, strings);
    parts.node_provenance = provenance;
}

/// Later statements within one fact win, so properties are read from the back.
fn staged_props(staging: &Staging, range: (u32, u32)) -> impl Iterator<Item = &(StrId, Value)> {
    staging.props[range.0 as usize..range.1 as usize]
        .iter()
        .rev()
}

fn finish_columns(columns: Vec<ColumnBuilder>, n_rows: usize, strings: &mut Strings) -> Columns {
    columns
        .into_iter()
        .map(|column| {
            let column = column.finish(n_rows, strings);
            (column.len() > 0).then(|| Arc::new(column))
        })
        .collect()
}

/// An edge statement with its merged ends, ready to sort.
#[derive(Clone, Copy)]
struct EdgeEntry {
    triple: EdgeTriple,
    row: u32,
}

fn merge_edges(
    staging: &Staging,
    names: &Names,
    sources: &SourceOrder,
    (node_of, n_nodes): (&[u32], usize),
    order: &mut Vec<u32>,
    parts: &mut Parts,
    strings: &mut Strings,
) -> Result<(), StagingError> {
    if staging.edges.len() > u32::MAX as usize {
        return Err(StagingError::TooMany {
            what: "edges",
            count: staging.edges.len(),
        });
    }
    let row_of = |entry: &EdgeEntry| -> &EdgeRow { &staging.edges[entry.row as usize] };
    start_from(order, staging.edges.len());
    let mut entries: Vec<EdgeEntry> = order
        .iter()
        .map(|&row| {
            let edge = &staging.edges[row as usize];
            let triple = EdgeTriple {
                kind: names.kinds.rank(edge.kind),
                source: node_of[edge.from.0 as usize],
                target: node_of[edge.to.0 as usize],
            };
            EdgeEntry { triple, row }
        })
        .collect();
    entries.sort_by(|a, b| {
        a.triple.cmp(&b.triple).then_with(|| {
            let (left, right) = (row_of(a), row_of(b));
            compare_keys(staging, left.key, right.key)
                .then_with(|| {
                    sources.compare(
                        staging,
                        (left.source, left.confidence),
                        (right.source, right.confidence),
                    )
                })
                .then(a.row.cmp(&b.row))
        })
    });

    order.clear();
    order.extend(entries.iter().map(|entry| entry.row));
    let n_props = names.props.symbols.len();
    let method_rank = names.props.symbols.find(METHOD).map(|rank| rank as u16);
    let confidence_rank = names.props.symbols.find(CONFIDENCE).map(|rank| rank as u16);
    let mut columns: Vec<ColumnBuilder> = (0..n_props).map(|_| ColumnBuilder::default()).collect();
    let mut props = RowProps::new(n_props);
    let mut provenance = ProvenanceBuilder::default();
    let mut row_sources: Vec<SourceId> = Vec::new();
    let mut triples: Vec<EdgeTriple> = Vec::with_capacity(entries.len());
    let same = |a: &EdgeEntry, b: &EdgeEntry| {
        a.triple == b.triple && compare_keys(staging, row_of(a).key, row_of(b).key).is_eq()
    };
    for group in entries.chunk_by(same) {
        let edge = triples.len() as u32;
        triples.push(group[0].triple);
        row_sources.clear();
        props.start(edge);
        let mut confidence = 0;
        let stated = group.iter().any(|entry| row_of(entry).method.is_none());
        for entry in group {
            let row = row_of(entry);
            row_sources.push(SourceId(sources.rank[row.source as usize]));
            confidence = confidence.max(row.confidence);
            for (name, value) in staged_props(staging, row.props) {
                props.set(&mut columns, names.props.rank(*name), value);
            }
            if let (Some(method), false, Some(rank)) = (row.method, stated, method_rank) {
                props.set(
                    &mut columns,
                    rank,
                    &Value::from(staging.strings.resolve(method)),
                );
            }
        }
        if let (false, Some(rank)) = (stated, confidence_rank) {
            let value = Value::Float(f64::from(confidence) / f64::from(CERTAIN));
            props.set(&mut columns, rank, &value);
        }
        provenance.push(&mut row_sources, confidence);
    }
    let table = EdgeTable::new(&triples, names.kinds.symbols.len(), n_nodes);
    parts.edges = Some(Arc::new(table));
    parts.edge_columns = finish_columns(columns, triples.len(), strings);
    parts.edge_provenance = provenance;
    Ok(())
}

/// Ordinals before named keys; named keys by text, so the order does not depend on interning.
fn compare_keys(staging: &Staging, a: EdgeKey, b: EdgeKey) -> Ordering {
    match (a, b) {
        (EdgeKey::Ordinal(a), EdgeKey::Ordinal(b)) => a.cmp(&b),
        (EdgeKey::Ordinal(_), EdgeKey::Named(_)) => Ordering::Less,
        (EdgeKey::Named(_), EdgeKey::Ordinal(_)) => Ordering::Greater,
        (EdgeKey::Named(a), EdgeKey::Named(b)) => {
            if a == b {
                Ordering::Equal
            } else {
                staging.strings.resolve(a).cmp(staging.strings.resolve(b))
            }
        }
    }
}
