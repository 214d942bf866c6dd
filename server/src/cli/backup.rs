//! `foothold backup`.

use std::path::PathBuf;

use clap::Args;
use foothold_engine::store::BackupSummary;

use super::output::{print_json, print_line};
use super::{Context, DbArgs, Exit, ListFormat};

/// Copy the store into a new folder, checking every byte on the way
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  foothold backup /backups/foothold-2026-11-21")]
pub(crate) struct BackupArgs {
    #[command(flatten)]
    db: DbArgs,
    /// How the summary is printed
    #[arg(long, value_enum, default_value = "table")]
    format: ListFormat,
    /// A new or empty folder
    #[arg(value_name = "TARGET")]
    target: PathBuf,
}

pub(crate) fn run(context: &Context, args: &BackupArgs) -> anyhow::Result<Exit> {
    let store = context.open_store(&args.db)?;
    let summary = store.backup(&args.target)?;
    print_summary(args.format, "backed up", &summary)?;
    Ok(Exit::Done)
}

/// Says what was moved.
pub(crate) fn print_summary(
    format: ListFormat,
    verb: &str,
    summary: &BackupSummary,
) -> anyhow::Result<()> {
    match format {
        ListFormat::Json => print_json(summary)?,
        ListFormat::Table => print_line(&format!(
            "{verb} {} sources, {} snapshots, {} segments and {} records: {} bytes",
            summary.n_sources,
            summary.n_snapshots,
            summary.n_segments,
            summary.n_records,
            summary.n_bytes
        ))?,
    }
    Ok(())
}
