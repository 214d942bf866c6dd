//! Writes the synthetic attack graph as plain arrays for other programs.
//!
//! `cargo run --release -p foothold-benches --example export_attack_graph -- DIRECTORY SCALE`
//!
//! `sources.u32`, `gains.u32`, `costs.u32`: one little-endian number for each step.
//! `jewels.u32`: state and value, alternating. The attacker starts at state 0.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program that writes files or says why it cannot"
)]

use std::path::PathBuf;

use foothold_datasets::attack_graph::{AttackGraphParams, synthetic_attack_graph};

fn main() {
    let mut args = std::env::args().skip(1);
    let directory = PathBuf::from(args.next().unwrap());
    let scale: f64 = args.next().map_or(1.0, |scale| scale.parse().unwrap());
    let made = synthetic_attack_graph(AttackGraphParams::at_scale(scale)).unwrap();
    let (mut sources, mut gains, mut costs) = (Vec::new(), Vec::new(), Vec::new());
    for state in made.graph.states() {
        for (_, gain, cost) in made.graph.out_steps(state) {
            sources.push(state.0);
            gains.push(gain.0);
            costs.push(cost);
        }
    }
    let jewels: Vec<u32> = made
        .jewels
        .iter()
        .flat_map(|&(state, value)| [state.0, value])
        .collect();
    std::fs::create_dir_all(&directory).unwrap();
    for (name, numbers) in [
        ("sources", sources),
        ("gains", gains),
        ("costs", costs),
        ("jewels", jewels),
    ] {
        let bytes: Vec<u8> = numbers
            .iter()
            .flat_map(|number| number.to_le_bytes())
            .collect();
        std::fs::write(directory.join(format!("{name}.u32")), bytes).unwrap();
    }
    println!("{}", made.graph.n_states());
}
