//! End to end: the real binary, the real server.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::format_push_string,
    reason = "a test that cannot go on stops, and reads better than it runs fast"
)]

mod changes;
mod checks;
mod cli;
mod crash;
mod http;
mod jobs;
mod prompt;
mod sequences;
mod support;
mod supported;
mod tools;
