//! `foothold fsck`.

use clap::Args;
use foothold_engine::store::{Severity, check};

use super::output::{print_json, print_line};
use super::{Context, DbArgs, Exit, ListFormat};

/// Read every byte of the store and say what is wrong and what to do
///
/// Changes nothing. Exit code 0 when nothing is lost, 1 when something is damaged, 2 when some
/// of it could not be looked at, as on a full disk.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  foothold fsck --db foothold-data")]
pub(crate) struct FsckArgs {
    #[command(flatten)]
    db: DbArgs,
    /// How the report is printed
    #[arg(long, value_enum, default_value = "table")]
    format: ListFormat,
}

pub(crate) fn run(context: &Context, args: &FsckArgs) -> anyhow::Result<Exit> {
    let report = check(&context.config.db(args.db.db.as_deref()))?;
    match args.format {
        ListFormat::Json => {
            let mut json = serde_json::to_value(&report)?;
            if let Some(object) = json.as_object_mut() {
                object.insert("sound".to_owned(), report.is_sound().into());
            }
            print_json(&json)?;
        }
        ListFormat::Table => {
            for finding in &report.findings {
                let severity = match finding.severity {
                    Severity::Note => "note",
                    Severity::Unchecked => "not checked",
                    Severity::Damage => "damage",
                };
                print_line(&format!(
                    "{severity}: {}: {}",
                    finding.file, finding.message
                ))?;
                print_line(&format!("  remedy: {}", finding.remedy))?;
            }
            print_line(&format!(
                "read {} segments ({} bytes), {} records, {} exports; {} sources, {} snapshots; {}",
                report.n_segments,
                report.n_segment_bytes,
                report.n_records,
                report.n_exports,
                report.n_sources,
                report.n_snapshots,
                if report.is_sound() {
                    "sound"
                } else if report.is_damaged() {
                    "damaged"
                } else {
                    "nothing damaged found, but not all could be checked"
                }
            ))?;
        }
    }
    Ok(if report.is_sound() {
        Exit::Done
    } else if report.is_damaged() {
        Exit::No
    } else {
        Exit::Failed
    })
}
