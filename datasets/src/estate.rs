//! A synthetic estate of any size: packages, images, workloads, APIs, identities and data, in the
//! shape that a graph has *after* correlation, written as generic JSONL.
//!
//! Scale 1 is about 100,000 nodes and one million edges; sizes grow in proportion. Every fact is a
//! function of the seed and its own index, so the generator streams: its memory is one bitmap over
//! the packages, whatever the scale.
//!
//! The estate holds attack paths on purpose: exposed services with exploitable packages and code,
//! service accounts that federate to cloud roles, assumption cycles, and valued data stores behind
//! them; and as many things that look like paths and are none (packages that are never loaded,
//! policies without exposure, statements of "not affected").

mod api;
mod cloud;
mod cluster;
mod code;
mod emit;
mod layout;
mod rng;
mod supply;
mod vulnerability;

use std::io::{self, Write};

use emit::Emitter;
use layout::Layout;

/// The smallest scale that still has every kind of node.
pub const MIN_SCALE: f64 = 0.001;

/// The largest scale: about ten million nodes and a hundred million edges.
pub const MAX_SCALE: f64 = 100.0;

/// Why an estate cannot be described.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EstateError {
    /// The scale is not a number between [`MIN_SCALE`] and [`MAX_SCALE`]; choose one that is.
    #[error("scale `{0}` is not between {MIN_SCALE} and {MAX_SCALE}")]
    ScaleOutOfRange(f64),
}

impl EstateError {
    /// The stable code of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::ScaleOutOfRange(_) => "datasets.scale_out_of_range",
        }
    }
}

/// Which estate to generate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EstateConfig {
    scale: f64,
    seed: u64,
}

impl EstateConfig {
    /// An estate of `scale` (1 is about 100,000 nodes and one million edges) from `seed`.
    pub fn new(scale: f64, seed: u64) -> Result<Self, EstateError> {
        if (MIN_SCALE..=MAX_SCALE).contains(&scale) {
            Ok(Self { scale, seed })
        } else {
            Err(EstateError::ScaleOutOfRange(scale))
        }
    }

    /// The scale.
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }
}

/// How much was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EstateTotals {
    /// Node lines.
    pub nodes: u64,
    /// Edge lines.
    pub edges: u64,
    /// Bytes, line ends included.
    pub bytes: u64,
}

/// Writes the estate to `out`, one JSON object a line, nodes before the edges that leave them.
/// O(nodes + edges) time. Hand in a buffered writer.
pub fn generate(config: &EstateConfig, out: &mut impl Write) -> io::Result<EstateTotals> {
    let layout = Layout::new(config);
    let mut emitter = Emitter::new(out);
    supply::emit(&layout, &mut emitter)?;
    vulnerability::emit(&layout, &mut emitter)?;
    code::emit(&layout, &mut emitter)?;
    cluster::emit(&layout, &mut emitter)?;
    api::emit(&layout, &mut emitter)?;
    cloud::emit(&layout, &mut emitter)?;
    emitter.finish()
}
