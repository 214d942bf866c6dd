//! Untrusted bytes in, facts out: what security tools emit, read into one vocabulary.
//!
//! ```text
//! paths -> source (walk, gunzip) -> Document -> detect -> Loader -> Facts + DocumentReport
//! ```
//!
//! A loader turns one document into facts; it touches no store and prints nothing. Detection looks
//! at content. A broken document fails alone, with its place named, and leaves no facts behind.
//!
//! ```
//! use foothold_loaders::{Options, Outcome, load_bytes};
//! let text = br#"{"node":{"id":"app://shop","labels":["Application"],"props":{"name":"shop"}}}"#;
//! let Outcome::Read(loaded) = load_bytes("shop.jsonl", text.to_vec(), &Options::new(0)) else {
//!     panic!("it is a graph");
//! };
//! assert_eq!((loaded.report.format, loaded.facts.nodes().len()), (Some("jsonl"), 1));
//! ```
//!
//! # Invariants
//!
//! - No loader panics or allocates beyond its limits, whatever the bytes.
//! - Outcomes come in the order of document names, at any thread count.
//! - A document that fails has no facts.

mod advisory;
mod api;
mod cloud;
mod cluster;
mod code;
mod context;
mod decode;
mod detect;
mod document;
mod error;
mod exchange;
mod finding;
mod head;
mod hints;
mod keys;
mod limits;
mod load;
mod loader;
mod registry;
mod report;
mod sbom;
mod source;
mod subject;
#[cfg(test)]
mod testing;
mod text;
mod vuln;

pub use context::{CONTEXT_FILE, Context, Runtime};
pub use decode::Tree;
pub use detect::{Detected, detect};
pub use document::Document;
pub use error::{LoadError, Place};
pub use head::{Head, Shape, Sketch};
pub use keys::{ImageRef, PackageKey, repository_id, team_id};
pub use limits::Limits;
pub use load::{Options, load_bytes, load_paths};
pub use loader::{Loader, Match};
pub use registry::{LOADERS, loader};
pub use report::{DocumentReport, Failure, Loaded, Outcome, Report, Status, Warning};
