//! The `foothold` program: command line, HTTP API and console over one application.

mod api;
mod app;
mod assets;
mod cli;
mod clock;
mod config;
mod dto;
mod gate;
mod jobs;
mod policies;
mod policy;
mod problem;
mod records;
mod running;
mod server;
mod telemetry;

use std::process::ExitCode;

use foothold_engine::memory::HugePages;

/// Searches wait for memory, and less so on large pages.
#[global_allocator]
static MEMORY: HugePages = HugePages;

fn main() -> ExitCode {
    cli::run()
}
