//! FQL, the Foothold query language: text in, rows and paths out. The crate knows no transport.

pub mod ast;
pub mod diagnostic;
pub mod format;
pub mod nearest;
pub mod parse;
pub mod token;
