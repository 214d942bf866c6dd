//! `foothold generate`.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use foothold_datasets::estate::{EstateConfig, generate};

use super::Exit;

/// Write a synthetic estate as JSON lines
///
/// Deterministic by seed; scale 1 is about 100,000 nodes and one million edges.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  foothold generate --scale 0.01 --seed 7 > small.jsonl
  foothold generate --scale 1 --output estate.jsonl")]
pub(crate) struct GenerateArgs {
    /// Size; 1 is about 100,000 nodes
    #[arg(long, default_value_t = 1.0, value_name = "S")]
    scale: f64,
    /// The same seed gives the same estate, byte for byte
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// Write to a file instead of stdout
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(crate) fn run(args: &GenerateArgs) -> anyhow::Result<Exit> {
    let config = EstateConfig::new(args.scale, args.seed)?;
    let totals = match &args.output {
        Some(path) => {
            let file =
                File::create(path).with_context(|| format!("cannot write `{}`", path.display()))?;
            let mut out = BufWriter::new(file);
            let totals = generate(&config, &mut out)?;
            out.flush()?;
            totals
        }
        None => {
            let mut out = BufWriter::new(io::stdout().lock());
            let totals = generate(&config, &mut out)?;
            out.flush()?;
            totals
        }
    };
    let _ = writeln!(
        io::stderr(),
        "{} nodes, {} edges, {} bytes",
        totals.nodes,
        totals.edges,
        totals.bytes
    );
    Ok(Exit::Done)
}
