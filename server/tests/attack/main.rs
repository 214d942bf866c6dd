//! What attackers can do, held against other tools' labels and other products' mistakes.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and says what it measured"
)]

mod again;
mod assembly;
mod findings;
mod labels;
mod mistakes;
mod pipelines;
/// A running server, as the end-to-end tests have it.
#[path = "../e2e/support.rs"]
#[allow(dead_code, reason = "the other tests use the rest")]
mod server;
mod support;
