//! The immutable property graph: compressed sparse rows in both directions for every edge kind,
//! typed columns, symbols, bitmap indexes, provenance.
//!
//! A [`Snapshot`] never changes. Readers share it as `Arc<Snapshot>`; a running query keeps its own
//! while a newer one is swapped in.

mod column;
mod corridor;
mod delta;
mod index;
mod label_reach;
mod levels;
mod neighbours;
mod provenance;
mod rows;
mod snapshot;
mod symbols;
mod visit;

pub(crate) use column::ColumnBuilder;
pub(crate) use corridor::{Corridor, Ends as CorridorEnds, Way};
pub use delta::{ChangedProperty, SnapshotDelta};
pub use index::ValueRange;
pub(crate) use levels::Levels;
pub(crate) use neighbours::Neighbours;
pub(crate) use provenance::ProvenanceBuilder;
pub use provenance::SourceId;
pub(crate) use rows::{EdgeTable, EdgeTriple};
pub use rows::{InRow, OutRow};
pub(crate) use snapshot::{Columns, Parts, Replaced};
pub use snapshot::{EdgeRef, MoreEdge, PropUsage, Snapshot, Stats};
pub(crate) use symbols::{Symbols, TextPool};
pub use visit::View;

/// A node of one snapshot: dense, in byte order of stable ids.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct NodeId(pub u32);

/// An edge of one snapshot: dense, in order of kind, start, end and key.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct EdgeId(pub u32);

/// A label of one snapshot, in byte order of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LabelId(pub u16);

/// An edge kind of one snapshot, in byte order of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KindId(pub u16);

/// A property name of one snapshot, in byte order of names; nodes and edges share the names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PropId(pub u16);
