//! `foothold analyze`.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use foothold_engine::budget::Budget;
use foothold_engine::recompute::NoCheckpoint;

use super::output::{Table, print_json, print_line};
use super::{Context, DbArgs, Exit, ListFormat};
use crate::app::{Analysis, Estate, percent, phase_name, search_timings};
use crate::dto::asset::AnalysisDto;

/// Compute exploitability and blast radius of every asset
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  foothold analyze --top 20
  foothold analyze --load scans/ --format json
  foothold analyze --timings")]
pub(crate) struct AnalyzeArgs {
    #[command(flatten)]
    db: DbArgs,
    /// Read these files and folders instead of a store
    #[arg(long, value_name = "PATH", num_args = 1..)]
    load: Vec<PathBuf>,
    /// How many assets are printed, the riskiest first
    #[arg(long, default_value_t = 50, value_name = "N")]
    top: usize,
    /// Print how long each search takes on this estate instead
    #[arg(long)]
    timings: bool,
    /// How they are printed
    #[arg(long, value_enum, default_value = "table")]
    format: ListFormat,
}

pub(crate) fn run(context: &Context, args: &AnalyzeArgs) -> anyhow::Result<Exit> {
    let estate = context.estate(&args.db, &args.load)?;
    if args.timings {
        return print_timings(args.format, &estate);
    }
    let terminal = context.terminal;
    let analysis = Analysis::new(
        &estate.world(),
        estate.pool(),
        &Budget::unlimited(),
        &|timing| {
            let (percent, phase) = (percent(timing.done), phase_name(timing.phase));
            terminal.progress(&format!("{percent:>3}% {phase}"));
        },
        &NoCheckpoint,
    );
    terminal.end_progress();
    let dto = AnalysisDto::new(&Arc::new(analysis), args.top);
    match args.format {
        ListFormat::Json => print_json(&dto)?,
        ListFormat::Table => {
            let headings = [
                "likelihood",
                "steps",
                "falls",
                "jewels",
                "expected loss",
                "asset",
            ];
            let mut table = Table::new(headings).right(&[0, 1, 2, 3, 4]);
            for asset in &dto.assets {
                table.row([
                    &format!("{:.3}", asset.likelihood),
                    &asset.steps.to_string(),
                    &asset.blast_radius.assets.to_string(),
                    &asset.blast_radius.crown_jewels.to_string(),
                    &format!("{:.2}", asset.blast_radius.expected_loss),
                    &asset.id,
                ]);
            }
            table.print()?;
            print_line(&format!(
                "\n{} of {} assets; {} states, {} reached, {} steps; {:.0} ms",
                dto.assets.len(),
                dto.stats.assets,
                dto.stats.states,
                dto.stats.states_reached,
                dto.stats.steps,
                dto.stats.elapsed_ms
            ))?;
            if let Some(error) = dto.completeness.size_error {
                print_line(&format!(
                    "what falls is estimated, with a standard error of {:.1} %; jewels and losses are not",
                    100.0 * error
                ))?;
            }
        }
    }
    Ok(Exit::Done)
}

fn print_timings(format: ListFormat, estate: &Estate) -> anyhow::Result<Exit> {
    let world = estate.world();
    let rows = search_timings(&world, estate.pool());
    match format {
        ListFormat::Json => print_json(&rows)?,
        ListFormat::Table => {
            let mut table = Table::new(["ms", "search"]).right(&[0]);
            for row in &rows {
                table.row([format!("{:.1}", row.elapsed_ms).as_str(), row.work]);
            }
            table.print()?;
            let topology = world.attack.topology();
            print_line(&format!(
                "\n{} states, {} steps, {:.1} bytes a step",
                topology.n_states(),
                topology.n_steps(),
                topology.memory_bytes() as f64 / topology.n_steps().max(1) as f64
            ))?;
        }
    }
    Ok(Exit::Done)
}
