//! `foothold diff`.

use std::time::Duration;

use clap::Args;
use foothold_engine::budget::{Budget, Limits};

use super::query::{Format, notes, parse_params, print_answer, report_refusal};
use super::{Context, DbArgs, Exit};
use crate::app::{Mode, Question, Unanswered, ask, diff_text};

/// Enough for any comparison that a person reads.
const MAX_ROWS: u64 = 1_000_000;

/// Enough for the answers on both sides.
const MAX_MEMORY_BYTES: u64 = 2 << 30;

/// What is compared when no question is given.
const QUESTION: &str = "ATTACK PATHS TOP 100";

/// What changed between two snapshots: paths that are new, gone or rescored, and why
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  foothold diff 2026-01-05 2026-01-12
  foothold diff 3f2a 9c01 'EXPLOITABILITY OF (d:DataStore)' --format json

A snapshot is named by its id, an instant or a date; `foothold snapshots` lists them. Without a \
question the hundred likeliest attack paths to the crown jewels are compared.")]
pub(crate) struct DiffArgs {
    #[command(flatten)]
    db: DbArgs,
    /// The older snapshot
    #[arg(value_name = "SNAPSHOT")]
    from: String,
    /// The newer snapshot
    #[arg(value_name = "SNAPSHOT")]
    to: String,
    /// The question to ask of both
    #[arg(value_name = "FQL", default_value = QUESTION)]
    query: String,
    /// A parameter; the value is JSON
    #[arg(long = "param", value_name = "NAME=JSON")]
    params: Vec<String>,
    /// How the answer is printed
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    /// Stop after this many milliseconds with what was found
    #[arg(long, default_value_t = 120_000, value_name = "MS")]
    time_ms: u64,
}

pub(crate) fn run(context: &Context, args: &DiffArgs) -> anyhow::Result<Exit> {
    let params = parse_params(&args.params)?;
    let estate = context.estate(&args.db, &[])?;
    let text = diff_text(&args.from, &args.to, &args.query);
    let question = Question {
        text: &text,
        tree: None,
        params: &params,
        at: None,
        what_if: None,
        mode: Mode::AsWritten,
        time: Duration::from_millis(args.time_ms),
    };
    let budget = Budget::new(Limits {
        rows: MAX_ROWS,
        memory_bytes: MAX_MEMORY_BYTES,
        expansions: u64::MAX,
    });
    match ask(&estate, &question, &budget) {
        Ok(answer) => {
            print_answer(context.terminal, args.format, &answer)?;
            if !args.format.is_json() {
                notes(context.terminal, &text, &answer.ending);
            }
            Ok(Exit::Done)
        }
        Err(Unanswered::Refused(refused)) => {
            report_refusal(context.terminal, args.format.is_json(), &refused)?;
            Ok(Exit::No)
        }
        Err(Unanswered::App(error)) => Err(error.into()),
    }
}
