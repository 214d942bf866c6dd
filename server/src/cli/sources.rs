//! `foothold sources`.

use clap::Args;

use super::output::{Table, print_json, print_line};
use super::{Context, DbArgs, Exit, ListFormat};
use crate::clock;
use crate::dto::store::SourceDto;

/// List the sources of facts, or remove some
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  foothold sources
  foothold sources --remove prod-cluster")]
pub(crate) struct SourcesArgs {
    #[command(flatten)]
    db: DbArgs,
    /// Remove the sources of this name, and everything imported with `--source NAME`
    #[arg(long, value_name = "NAME")]
    remove: Vec<String>,
    /// How the list is printed
    #[arg(long, value_enum, default_value = "table")]
    format: ListFormat,
}

pub(crate) fn run(context: &Context, args: &SourcesArgs) -> anyhow::Result<Exit> {
    let store = context.open_store(&args.db)?;
    if !args.remove.is_empty() {
        let names: Vec<&str> = args.remove.iter().map(String::as_str).collect();
        let n_removed = store.segments().remove(&names, clock::now_ms())?;
        match args.format {
            ListFormat::Json => print_json(&serde_json::json!({ "removed": n_removed }))?,
            ListFormat::Table => print_line(&format!("removed {n_removed} sources"))?,
        }
        return Ok(if n_removed > 0 { Exit::Done } else { Exit::No });
    }
    let sources = store.segments().sources();
    match args.format {
        ListFormat::Json => {
            let list: Vec<SourceDto> = sources.iter().map(SourceDto::from).collect();
            print_json(&list)?;
        }
        ListFormat::Table => {
            let headings = [
                "source",
                "format",
                "nodes",
                "edges",
                "first seen",
                "last seen",
            ];
            let mut table = Table::new(headings).right(&[2, 3]);
            for source in &sources {
                table.row([
                    &*source.info.name,
                    &*source.info.format,
                    &source.n_nodes.to_string(),
                    &source.n_edges.to_string(),
                    &clock::text(source.first_seen_ms),
                    &clock::text(source.last_seen_ms),
                ]);
            }
            table.print()?;
        }
    }
    Ok(Exit::Done)
}
