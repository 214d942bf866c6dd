//! The segment: what one source says, in one immutable file.
//!
//! ```text
//! envelope (see `sealed`)
//!   length of A, A    the source as postcard, so that a segment explains itself
//!   length of B, B    first-seen times of the rows
//!   C                 the facts: strings, values, node rows, edge rows
//! ```
//!
//! Part C depends on the facts alone. Two imports that say the same thing have the same part C,
//! byte for byte, which is how an import that changes nothing is recognised.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::error::{Result, StoreError};
use super::sealed::{self, FileKind};
use super::varint::{self, Malformed, Reader};
use crate::model::{
    EdgeFact, Facts, NodeFact, Origin, PropRange, SourceInfo, StrId, Strings, Value,
};

const SEGMENT: FileKind = FileKind {
    magic: *b"FHFACTS\0",
    version: 1,
};

/// Lists deeper than this are refused, on both sides.
const MAX_DEPTH: usize = 64;

/// When each row of a segment was first stated by its source, in milliseconds since 1970 UTC.
///
/// Takes no room while every row has the same time, which is so until a source is imported again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FirstSeen {
    times: Vec<i64>,
    nodes: Vec<u32>,
    edges: Vec<u32>,
}

impl FirstSeen {
    /// Every row was first seen at one time.
    pub(super) fn all_at(at_ms: i64) -> Self {
        Self {
            times: vec![at_ms],
            ..Self::default()
        }
    }

    /// The time of the node row with this index.
    pub fn node(&self, idx: usize) -> i64 {
        self.time(&self.nodes, idx)
    }

    /// The time of the edge row with this index.
    pub fn edge(&self, idx: usize) -> i64 {
        self.time(&self.edges, idx)
    }

    fn time(&self, rows: &[u32], idx: usize) -> i64 {
        let time_idx = rows.get(idx).copied().unwrap_or(0);
        self.times.get(time_idx as usize).copied().unwrap_or(0)
    }

    /// The times of `new`, keeping for every fact that `old` held the time it had there.
    pub(super) fn carried_over(new: &Facts, at_ms: i64, old: &Facts, seen: &FirstSeen) -> Self {
        let mut times = vec![at_ms];
        let mut time_idx = FxHashMap::default();
        let mut intern = |time: i64| -> u32 {
            if time == at_ms {
                return 0;
            }
            *time_idx.entry(time).or_insert_with(|| {
                times.push(time);
                times.len() as u32 - 1
            })
        };

        let mut old_nodes: FxHashMap<&str, i64> = FxHashMap::default();
        for (idx, node) in old.nodes().iter().enumerate() {
            let time = seen.node(idx);
            let earliest = old_nodes.entry(old.str(node.id)).or_insert(time);
            *earliest = time.min(*earliest);
        }
        let nodes = new.nodes().iter().map(|node| {
            let time = old_nodes.get(new.str(node.id)).copied();
            intern(time.unwrap_or(at_ms))
        });
        let nodes: Vec<u32> = nodes.collect();

        let mut old_edges: FxHashMap<EdgeIdentity<'_>, i64> = FxHashMap::default();
        for (idx, edge) in old.edges().iter().enumerate() {
            let time = seen.edge(idx);
            let earliest = old_edges.entry(identity(old, edge)).or_insert(time);
            *earliest = time.min(*earliest);
        }
        let edges = new.edges().iter().map(|edge| {
            let time = old_edges.get(&identity(new, edge)).copied();
            intern(time.unwrap_or(at_ms))
        });
        let edges: Vec<u32> = edges.collect();

        Self {
            times,
            nodes,
            edges,
        }
    }
}

type EdgeIdentity<'a> = (&'a str, &'a str, &'a str, Option<&'a str>);

fn identity<'a>(facts: &'a Facts, edge: &EdgeFact) -> EdgeIdentity<'a> {
    (
        facts.str(edge.from),
        facts.str(edge.kind),
        facts.str(edge.to),
        edge.key.map(|key| facts.str(key)),
    )
}

/// A segment as read back.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) info: SourceInfo,
    pub(super) facts: Facts,
    pub(super) first_seen: FirstSeen,
}

/// The rows of a segment, which depend on the facts alone. O(size of the facts).
pub(super) fn encode_rows(name: &str, facts: &Facts) -> Result<Vec<u8>> {
    let mut values = ValueTable::default();
    let mut props = Vec::new();
    let mut nodes = Vec::with_capacity(facts.nodes().len() * 8);
    let mut edges = Vec::with_capacity(facts.edges().len() * 12);

    varint::put(&mut nodes, facts.nodes().len() as u64);
    for node in facts.nodes() {
        varint::put(&mut nodes, u64::from(node.id.0));
        varint::put(&mut nodes, node.labels.len() as u64);
        for label in &node.labels {
            varint::put(&mut nodes, u64::from(label.0));
        }
        nodes.push(node.confidence);
        encode_props(name, facts, &node.props, &mut values, &mut props)?;
    }
    varint::put(&mut edges, facts.edges().len() as u64);
    for edge in facts.edges() {
        varint::put(&mut edges, u64::from(edge.from.0));
        varint::put(&mut edges, u64::from(edge.kind.0));
        varint::put(&mut edges, u64::from(edge.to.0));
        varint::put(&mut edges, edge.key.map_or(0, |key| u64::from(key.0) + 1));
        edges.push(edge.confidence);
        let origin = match edge.origin {
            Origin::Stated => 0,
            Origin::Inferred(method) => u64::from(method.0) + 1,
        };
        varint::put(&mut edges, origin);
        encode_props(name, facts, &edge.props, &mut values, &mut props)?;
    }

    let mut rows = Vec::with_capacity(
        facts.strings().heap_bytes() + values.n_bytes + props.len() + nodes.len() + edges.len(),
    );
    encode_strings(
        &mut rows,
        facts.strings().len(),
        (0..facts.strings().len() as u32).map(|idx| facts.str(StrId(idx))),
    );
    encode_strings(&mut rows, values.texts.len(), values.texts.iter().copied());
    rows.extend_from_slice(&nodes);
    rows.extend_from_slice(&edges);
    rows.extend_from_slice(&props);
    Ok(rows)
}

/// The file of a segment.
pub(super) fn encode(info: &SourceInfo, first_seen: &FirstSeen, rows: &[u8]) -> Result<Vec<u8>> {
    let info = postcard::to_stdvec(info).map_err(|_| StoreError::Damaged {
        name: info.name.to_string(),
        reason: "its source cannot be encoded",
    })?;
    let mut body = Vec::with_capacity(rows.len() + info.len() + 64);
    varint::put(&mut body, info.len() as u64);
    body.extend_from_slice(&info);
    let mut seen = Vec::new();
    varint::put(&mut seen, first_seen.times.len() as u64);
    for &time in &first_seen.times {
        varint::put_signed(&mut seen, time);
    }
    // With a single time the rows need none of their own.
    let rows_of_seen: [&[u32]; 2] = if first_seen.times.len() > 1 {
        [&first_seen.nodes, &first_seen.edges]
    } else {
        [&[], &[]]
    };
    for column in rows_of_seen {
        varint::put(&mut seen, column.len() as u64);
        for &time_idx in column {
            varint::put(&mut seen, u64::from(time_idx));
        }
    }
    varint::put(&mut body, seen.len() as u64);
    body.extend_from_slice(&seen);
    body.extend_from_slice(rows);
    Ok(sealed::seal(SEGMENT, &body))
}

/// Reads a segment back. O(size of the file); never panics, never allocates more than a small
/// multiple of the file.
pub(super) fn decode(name: &str, file: &[u8]) -> Result<Segment> {
    let body = sealed::unseal(SEGMENT, name, file)?;
    decode_body(body).map_err(|reason| StoreError::Damaged {
        name: name.to_owned(),
        reason,
    })
}

/// Whether the file is a segment whose rows are exactly these.
pub(super) fn has_rows(name: &str, file: &[u8], rows: &[u8]) -> Result<bool> {
    let mut reader = Reader::new(sealed::unseal(SEGMENT, name, file)?);
    let split = |reader: &mut Reader<'_>| -> std::result::Result<(), Malformed> {
        for _ in 0..2 {
            let length = reader.count()?;
            reader.bytes(length)?;
        }
        Ok(())
    };
    split(&mut reader).map_err(|reason| StoreError::Damaged {
        name: name.to_owned(),
        reason,
    })?;
    Ok(reader.rest() == rows)
}

fn decode_body(body: &[u8]) -> std::result::Result<Segment, Malformed> {
    let mut reader = Reader::new(body);
    let info_length = reader.count()?;
    let info = postcard::from_bytes(reader.bytes(info_length)?)
        .map_err(|_| "its source cannot be decoded")?;
    let seen_length = reader.count()?;
    let first_seen = decode_seen(reader.bytes(seen_length)?)?;
    let facts = decode_rows(&mut reader)?;
    if !reader.is_at_end() {
        return Err("it holds more than its rows");
    }
    Ok(Segment {
        info,
        facts,
        first_seen,
    })
}

fn decode_seen(bytes: &[u8]) -> std::result::Result<FirstSeen, Malformed> {
    let mut reader = Reader::new(bytes);
    let n_times = reader.count()?;
    let mut times = Vec::with_capacity(n_times);
    for _ in 0..n_times {
        times.push(reader.signed()?);
    }
    let mut columns = [Vec::new(), Vec::new()];
    for column in &mut columns {
        let n_rows = reader.count()?;
        column.reserve_exact(n_rows);
        for _ in 0..n_rows {
            column.push(reader.index(times.len())?);
        }
    }
    let [nodes, edges] = columns;
    Ok(FirstSeen {
        times,
        nodes,
        edges,
    })
}

fn decode_rows(reader: &mut Reader<'_>) -> std::result::Result<Facts, Malformed> {
    let mut strings = Strings::new();
    let n_strings = decode_strings(reader, |text| {
        let before = strings.len();
        strings.intern(text);
        if strings.len() > before {
            Ok(())
        } else {
            Err("a string occurs twice")
        }
    })?;
    let mut values: Vec<Arc<str>> = Vec::new();
    decode_strings(reader, |text| {
        values.push(text.into());
        Ok(())
    })?;

    let n_nodes = reader.count()?;
    let mut nodes = Vec::with_capacity(n_nodes);
    for _ in 0..n_nodes {
        let id = StrId(reader.index(n_strings)?);
        let n_labels = reader.count()?;
        let mut labels = smallvec::SmallVec::with_capacity(n_labels);
        for _ in 0..n_labels {
            labels.push(StrId(reader.index(n_strings)?));
        }
        let confidence = reader.byte()?;
        nodes.push(NodeFact {
            id,
            labels,
            props: 0..0,
            confidence,
        });
    }
    let n_edges = reader.count()?;
    let mut edges = Vec::with_capacity(n_edges);
    for _ in 0..n_edges {
        let from = StrId(reader.index(n_strings)?);
        let kind = StrId(reader.index(n_strings)?);
        let to = StrId(reader.index(n_strings)?);
        let key = reader.index(n_strings + 1)?;
        let confidence = reader.byte()?;
        let origin = reader.index(n_strings + 1)?;
        edges.push(EdgeFact {
            from,
            to,
            kind,
            key: key.checked_sub(1).map(StrId),
            props: 0..0,
            confidence,
            origin: match origin.checked_sub(1) {
                None => Origin::Stated,
                Some(method) => Origin::Inferred(StrId(method)),
            },
        });
    }
    let mut props = Vec::new();
    for range in nodes
        .iter_mut()
        .map(|node: &mut NodeFact| &mut node.props)
        .chain(edges.iter_mut().map(|edge: &mut EdgeFact| &mut edge.props))
    {
        let start = props.len() as u32;
        for _ in 0..reader.count()? {
            let name = StrId(reader.index(n_strings)?);
            props.push((name, decode_value(reader, &values, 0)?));
        }
        *range = start..props.len() as u32;
    }
    Ok(Facts::from_rows(strings, nodes, edges, props))
}

/// String values, each kept once: loaders state the same `critical` a hundred thousand times.
#[derive(Default)]
struct ValueTable<'a> {
    texts: Vec<&'a str>,
    idx: FxHashMap<&'a str, u32>,
    n_bytes: usize,
}

impl<'a> ValueTable<'a> {
    fn intern(&mut self, text: &'a str) -> u32 {
        *self.idx.entry(text).or_insert_with(|| {
            self.texts.push(text);
            self.n_bytes += text.len();
            self.texts.len() as u32 - 1
        })
    }
}

fn encode_props<'a>(
    name: &str,
    facts: &'a Facts,
    range: &PropRange,
    values: &mut ValueTable<'a>,
    out: &mut Vec<u8>,
) -> Result<()> {
    let props = facts.props(range);
    varint::put(out, props.len() as u64);
    for (prop, value) in props {
        varint::put(out, u64::from(prop.0));
        encode_value(value, values, out, 0).map_err(|reason| StoreError::Damaged {
            name: name.to_owned(),
            reason,
        })?;
    }
    Ok(())
}

const TOO_DEEP: Malformed = "a list is nested too deep";

fn encode_value<'a>(
    value: &'a Value,
    values: &mut ValueTable<'a>,
    out: &mut Vec<u8>,
    depth: usize,
) -> std::result::Result<(), Malformed> {
    match value {
        Value::Bool(flag) => out.push(u8::from(*flag)),
        Value::Int(number) => {
            out.push(2);
            varint::put_signed(out, *number);
        }
        Value::Float(number) => {
            out.push(3);
            out.extend_from_slice(&number.to_bits().to_le_bytes());
        }
        Value::Str(text) => {
            out.push(4);
            varint::put(out, u64::from(values.intern(text)));
        }
        Value::List(items) => {
            if depth == MAX_DEPTH {
                return Err(TOO_DEEP);
            }
            out.push(5);
            varint::put(out, items.len() as u64);
            for item in items.iter() {
                encode_value(item, values, out, depth + 1)?;
            }
        }
    }
    Ok(())
}

fn decode_value(
    reader: &mut Reader<'_>,
    values: &[Arc<str>],
    depth: usize,
) -> std::result::Result<Value, Malformed> {
    Ok(match reader.byte()? {
        0 => Value::Bool(false),
        1 => Value::Bool(true),
        2 => Value::Int(reader.signed()?),
        3 => Value::Float(f64::from_bits(u64::from_le_bytes(reader.array()?))),
        4 => {
            let idx = reader.index(values.len())?;
            let text = values.get(idx as usize).ok_or("a value is missing")?;
            Value::Str(Arc::clone(text))
        }
        5 if depth == MAX_DEPTH => return Err(TOO_DEEP),
        5 => {
            let n_items = reader.count()?;
            let mut items = Vec::with_capacity(n_items.min(1024));
            for _ in 0..n_items {
                items.push(decode_value(reader, values, depth + 1)?);
            }
            Value::List(items.into())
        }
        _ => return Err("a value has an unknown type"),
    })
}

fn encode_strings<'a>(
    out: &mut Vec<u8>,
    n_texts: usize,
    texts: impl Iterator<Item = &'a str> + Clone,
) {
    varint::put(out, n_texts as u64);
    for text in texts.clone() {
        varint::put(out, text.len() as u64);
    }
    for text in texts {
        out.extend_from_slice(text.as_bytes());
    }
}

fn decode_strings(
    reader: &mut Reader<'_>,
    mut each: impl FnMut(&str) -> std::result::Result<(), Malformed>,
) -> std::result::Result<usize, Malformed> {
    let n_strings = reader.count()?;
    let mut lengths = Vec::with_capacity(n_strings);
    for _ in 0..n_strings {
        lengths.push(reader.number()? as usize);
    }
    for length in lengths {
        let text =
            std::str::from_utf8(reader.bytes(length)?).map_err(|_| "a string is no UTF-8")?;
        each(text)?;
    }
    Ok(n_strings)
}

#[cfg(test)]
mod tests;
