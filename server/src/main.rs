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

fn main() -> ExitCode {
    cli::run()
}
