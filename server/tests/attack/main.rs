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
mod support;
