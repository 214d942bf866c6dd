//! `foothold restore`.

use std::path::PathBuf;

use clap::Args;
use foothold_engine::store::restore;

use super::backup::print_summary;
use super::{Context, DbArgs, Exit, ListFormat};

/// Make a store in a new folder from a backup
///
/// The whole backup is checked before anything is written.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  foothold restore --db restored /backups/foothold-2026-11-21")]
pub(crate) struct RestoreArgs {
    #[command(flatten)]
    db: DbArgs,
    /// How the summary is printed
    #[arg(long, value_enum, default_value = "table")]
    format: ListFormat,
    /// The folder that `foothold backup` wrote
    #[arg(value_name = "BACKUP")]
    backup: PathBuf,
}

pub(crate) fn run(context: &Context, args: &RestoreArgs) -> anyhow::Result<Exit> {
    let target = context.config.db(args.db.db.as_deref());
    let summary = restore(&args.backup, &target)?;
    print_summary(args.format, "restored", &summary)?;
    Ok(Exit::Done)
}
