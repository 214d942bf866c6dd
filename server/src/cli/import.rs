//! `foothold import`.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use clap::Args;
use foothold_loaders::{Context as DocumentContext, DocumentReport, Status};

use super::output::{Table, print_json, printable};
use super::{Context, DbArgs, Exit, ListFormat};
use crate::app::{ImportRequest, import_into_store};
use crate::clock;
use crate::dto::import::{ImportDto, SourcesDto};

/// Read documents into the store
///
/// Formats are detected by content. A document replaces what it said before, so importing twice
/// doubles nothing. A broken document fails alone: it is named with its place, the rest of the
/// import stands, and the exit code is 1.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  foothold import scans/
  foothold import --source prod-cluster --context cluster=prod dump.json
  foothold import --format json sbom.cdx.json | jq .totals")]
pub(crate) struct ImportArgs {
    #[command(flatten)]
    db: DbArgs,
    /// Everything read becomes one source of this name: what it said before and does not say now
    /// is gone
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// What holds for documents that do not say so themselves: `repository`, `image`, `cluster`,
    /// `account`, `service`, or `runtime` (`loaded`: they name only what was seen loaded)
    #[arg(long = "context", value_name = "KEY=VALUE")]
    context: Vec<String>,
    /// How the summary is printed
    #[arg(long, value_enum, default_value = "table")]
    format: ListFormat,
    /// Files and folders
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
}

pub(crate) fn run(context: &Context, args: &ImportArgs) -> anyhow::Result<Exit> {
    let app = context.open_or_create(&args.db)?;
    let terminal = context.terminal;
    let request = ImportRequest {
        paths: &args.paths,
        source: args.source.as_deref(),
        strip: None,
        context: parse_context(&args.context)?,
        reason: "import",
        now_ms: clock::now_ms(),
        cancelled: &AtomicBool::new(false),
        on_document: &|report| terminal.progress(&printable(&report.path)),
    };
    let outcome = import_into_store(&app, &request);
    terminal.end_progress();
    let (reports, done) = outcome?;
    app.store().export_records()?;
    match args.format {
        ListFormat::Json => print_json(&ImportDto::new(&reports, &app.world(), Some(&done)))?,
        ListFormat::Table => {
            print_reports(&reports)?;
            let sources = SourcesDto::from(&done);
            let dto = ImportDto::new(&reports, &app.world(), None);
            super::output::print_line(&format!("\n{}; {}", dto.totals, sources))?;
        }
    }
    // The table says it already.
    if matches!(args.format, ListFormat::Json) {
        report_failures(context, &reports);
    }
    let any_failed = reports.iter().any(|report| report.status == Status::Failed);
    Ok(if any_failed { Exit::No } else { Exit::Done })
}

/// Says on stderr what failed, with its place.
pub(crate) fn report_failures(context: &Context, reports: &[DocumentReport]) {
    for report in reports {
        if let Some(error) = &report.error {
            context.terminal.warn(&format!(
                "{}: {} ({})",
                printable(&report.path),
                printable(&error.message),
                error.code
            ));
        }
    }
}

fn print_reports(reports: &[DocumentReport]) -> std::io::Result<()> {
    let headings = [
        "document", "format", "status", "nodes", "edges", "findings", "remarks",
    ];
    let mut table = Table::new(headings).right(&[3, 4, 5]);
    for report in reports {
        let remarks = match (&report.error, &report.reason) {
            (Some(error), _) => format!("{} ({})", error.message, error.code),
            (None, Some(reason)) => reason.clone(),
            (None, None) => {
                let n_odd: u64 = report.warnings.values().map(|warning| warning.count).sum();
                match report.warnings.iter().next() {
                    Some((kind, first)) if n_odd == 1 => format!("{kind}: {}", first.example),
                    Some((kind, first)) => {
                        format!("{n_odd} warnings, first {kind}: {}", first.example)
                    }
                    None => String::new(),
                }
            }
        };
        table.row([
            &*report.path,
            report.format.unwrap_or("-"),
            report.status.as_str(),
            &report.n_nodes.to_string(),
            &report.n_edges.to_string(),
            &report.findings.to_string(),
            &remarks,
        ]);
    }
    table.print()
}

/// Reads `key=value` pairs through the type that reads `foothold.yaml`, so that both know the same
/// keys.
pub(crate) fn parse_context(pairs: &[String]) -> anyhow::Result<DocumentContext> {
    let mut map = serde_json::Map::new();
    for pair in pairs {
        let Some((key, value)) = pair.split_once('=') else {
            anyhow::bail!("`--context {pair}` is not of the form `key=value`");
        };
        map.insert(key.to_owned(), value.into());
    }
    serde_json::from_value(map.into()).map_err(|error| anyhow::anyhow!("`--context`: {error}"))
}
