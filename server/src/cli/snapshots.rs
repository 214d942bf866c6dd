//! `foothold snapshots`.

use clap::Args;

use super::output::{Table, print_json};
use super::{Context, DbArgs, Exit, ListFormat};
use crate::clock;
use crate::dto::store::SnapshotDto;

/// List the states of the graph that can still be asked
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  foothold snapshots --format json")]
pub(crate) struct SnapshotsArgs {
    #[command(flatten)]
    db: DbArgs,
    /// How the list is printed
    #[arg(long, value_enum, default_value = "table")]
    format: ListFormat,
}

pub(crate) fn run(context: &Context, args: &SnapshotsArgs) -> anyhow::Result<Exit> {
    let store = context.open_store(&args.db)?;
    let snapshots = store.segments().snapshots();
    match args.format {
        ListFormat::Json => {
            let list: Vec<SnapshotDto> = snapshots.iter().map(SnapshotDto::from).collect();
            print_json(&list)?;
        }
        ListFormat::Table => {
            let headings = [
                "snapshot",
                "created",
                "sources",
                "node facts",
                "edge facts",
                "reason",
            ];
            let mut table = Table::new(headings).right(&[2, 3, 4]);
            for snapshot in &snapshots {
                table.row([
                    &snapshot.id.to_string(),
                    &clock::text(snapshot.created_at_ms),
                    &snapshot.n_sources.to_string(),
                    &snapshot.n_node_facts.to_string(),
                    &snapshot.n_edge_facts.to_string(),
                    &*snapshot.reason,
                ]);
            }
            table.print()?;
        }
    }
    Ok(Exit::Done)
}
