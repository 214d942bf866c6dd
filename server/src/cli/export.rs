//! `foothold export`.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use foothold_engine::graph::Snapshot;
use serde_json::json;

use super::{Context, DbArgs, Exit};
use crate::dto::graph;

/// Write the graph after merging and correlation
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  foothold export > graph.jsonl
  foothold query --load graph.jsonl 'MATCH (n) RETURN count(*)'")]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    db: DbArgs,
    /// `jsonl` reads back with `foothold import`
    #[arg(long, value_enum, default_value = "jsonl")]
    format: ExportFormat,
    /// Write to a file instead of stdout
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Formats of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// One node or edge a line.
    Jsonl,
}

pub(crate) fn run(context: &Context, args: &ExportArgs) -> anyhow::Result<Exit> {
    let app = context.open_existing(&args.db)?;
    let world = app.world();
    let ExportFormat::Jsonl = args.format;
    match &args.output {
        Some(path) => {
            let file =
                File::create(path).with_context(|| format!("cannot write `{}`", path.display()))?;
            write_jsonl(&world.snapshot, BufWriter::new(file))?;
        }
        None => write_jsonl(&world.snapshot, BufWriter::new(io::stdout().lock()))?,
    }
    Ok(Exit::Done)
}

fn write_jsonl(snapshot: &Snapshot, mut out: impl Write) -> io::Result<()> {
    for node in snapshot.nodes() {
        let line = json!({ "node": {
            "id": snapshot.stable_id(node),
            "labels": graph::labels(snapshot, node),
            "props": graph::node_props(snapshot, node),
        }});
        writeln!(out, "{line}")?;
    }
    for edge in snapshot.edges() {
        let ends = snapshot.edge(edge);
        let line = json!({ "edge": {
            "from": snapshot.stable_id(ends.source),
            "to": snapshot.stable_id(ends.target),
            "kind": snapshot.kind_name(ends.kind),
            "props": graph::edge_props(snapshot, edge),
        }});
        writeln!(out, "{line}")?;
    }
    out.flush()
}
