//! FQL, the Foothold query language: text in, rows and paths out. The crate knows no transport.
//!
//! ```text
//! text --token, parse--> tree --resolve--> plan --exec--> rows --json--> answer
//!                          |                  |
//!                     diagnostics          explain
//! ```
//!
//! [`run`] goes all the way; [`prepare`] stops before the first row, so that a plan can be shown,
//! run several times, or streamed. Matching is the engine's: a `MATCH` becomes a pattern whose
//! conditions are evaluated here. Nothing reads a clock; limits come in a budget, and an answer
//! that a limit cut short says so.

pub mod ast;
pub mod complete;
pub mod define;
pub mod diagnostic;
pub mod exec;
pub mod explain;
pub mod expr;
pub mod fault;
pub mod format;
pub mod func;
pub mod json;
pub mod nearest;
pub mod parse;
pub mod plan;
pub mod resolve;
mod run;
pub mod token;
pub mod types;
pub mod uncut;
pub mod value;
pub mod verb;

pub use resolve::Params;
pub use run::{
    Answer, Completeness, CoreOnly, Env, Prepared, QueryStats, RunOptions, Summary, prepare,
    prepare_as_written, prepare_tree, refuse_other_snapshots, run,
};
