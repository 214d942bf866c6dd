//! Where the time goes from lines of an estate to a snapshot: `cargo run --release --example phases -- 1`.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a tool for a person at a terminal"
)]

use std::time::Instant;

use foothold_datasets::estate::{EstateConfig, generate};
use foothold_engine::build::Staging;
use foothold_loaders::{Options, Outcome, load_bytes};

fn main() {
    let scale: f64 = std::env::args()
        .nth(1)
        .map_or(1.0, |text| text.parse().unwrap());
    let mut lines = Vec::new();
    let started = Instant::now();
    let totals = generate(&EstateConfig::new(scale, 1).unwrap(), &mut lines).unwrap();
    println!(
        "generate {:?} {totals:?} {} MB",
        started.elapsed(),
        lines.len() / 1_000_000
    );
    let started = Instant::now();
    let loaded = load_bytes("estate.jsonl", lines, &Options::new(0));
    println!("load {:?}", started.elapsed());
    let started = Instant::now();
    let mut staging = Staging::new();
    if let Outcome::Read(loaded) = &loaded {
        staging.add(&loaded.source, &loaded.facts);
    }
    println!("stage {:?} {:?}", started.elapsed(), staging.len());
    let started = Instant::now();
    let snapshot = staging.snapshot().unwrap();
    println!("merge {:?} {:?}", started.elapsed(), snapshot.stats());
    let started = Instant::now();
    let snapshot = foothold_engine::build::assemble(staging).unwrap();
    println!("assemble {:?} {:?}", started.elapsed(), snapshot.stats());
}
