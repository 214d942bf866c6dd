//! End to end: the real binary, the real server.

mod checks;
mod cli;
mod crash;
mod http;
mod jobs;
mod support;
