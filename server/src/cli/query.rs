//! `foothold query`.

mod format;

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use foothold_engine::budget::{Budget, Limits};
use foothold_query::Params;
use foothold_query::ast::{Clause, ExprKind, FixGoal, Verb};
use foothold_query::diagnostic::Colour;
use foothold_query::parse::parse_query;

use super::output::{Terminal, note};
use super::{Context, DbArgs, Exit};
use crate::app::{Mode, Part, Question, Refused, Unanswered, ask, ask_streaming, params_from_json};
use crate::dto::answer::{AnswerDto, Ending};

/// Answer one query, on a store or straight on files
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  foothold query 'ATTACK PATHS TO (d:DataStore) TOP 10'
  foothold query --load scans/ --format json 'MATCH (w:Workload) RETURN w.name LIMIT 5'
  foothold query --param name='\"checkout\"' 'MATCH (w:Workload {name: $name}) RETURN w'

Exit codes: 0 with or without rows; 1 when the query is refused (its diagnostics are on stderr, as \
JSON under `--format json` and `ndjson`); 2 for anything else.")]
pub(crate) struct QueryArgs {
    #[command(flatten)]
    db: DbArgs,
    /// Read these files and folders instead of a store
    #[arg(long, value_name = "PATH", num_args = 1..)]
    load: Vec<PathBuf>,
    /// A parameter; the value is JSON
    #[arg(long = "param", value_name = "NAME=JSON")]
    params: Vec<String>,
    /// Ask this snapshot: an id, an instant or a date
    #[arg(long, value_name = "SNAPSHOT")]
    at: Option<String>,
    /// How the answer is printed
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    /// Read the query from a file
    #[arg(short, long, value_name = "FILE", conflicts_with = "query")]
    file: Option<PathBuf>,
    /// Stop after this many milliseconds with what was found
    #[arg(long, default_value_t = 60_000, value_name = "MS")]
    time_ms: u64,
    /// Stop after this many rows
    #[arg(long, default_value_t = 1_000_000, value_name = "N")]
    max_rows: u64,
    /// Stop at this much memory
    #[arg(long, default_value_t = 2048, value_name = "MIB")]
    max_memory_mib: u64,
    /// The query
    #[arg(value_name = "FQL")]
    query: Option<String>,
}

/// Formats of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// One JSON document.
    Json,
    /// The columns, then one row a line, then how it ended.
    Ndjson,
    /// Comma-separated values, safe for spreadsheets.
    Csv,
    /// The things in the answer, for Graphviz.
    Dot,
    /// The things in the answer, as GraphML.
    Graphml,
}

impl Format {
    pub(crate) fn is_json(self) -> bool {
        matches!(self, Format::Json | Format::Ndjson)
    }
}

pub(crate) fn run(context: &Context, args: &QueryArgs) -> anyhow::Result<Exit> {
    let mut load = args.load.clone();
    let text = match (&args.query, &args.file) {
        (Some(text), _) => text.clone(),
        (None, Some(path)) => std::fs::read_to_string(path)
            .with_context(|| format!("cannot read `{}`", path.display()))?,
        // `--load PATH... FQL`: the last of several values is the query, unless it is there as a file.
        (None, None) => match load.pop() {
            Some(last) if !load.is_empty() && !last.exists() => last.to_string_lossy().into_owned(),
            _ => anyhow::bail!("no query: write it at the end, or name a file with `--file`"),
        },
    };
    let params = parse_params(&args.params)?;
    let estate = context.estate(&args.db, &load)?;
    let question = Question {
        text: &text,
        tree: None,
        params: &params,
        at: args.at.as_deref(),
        what_if: None,
        mode: Mode::AsWritten,
        time: Duration::from_millis(args.time_ms),
    };
    let budget = Budget::new(Limits {
        rows: args.max_rows,
        memory_bytes: args.max_memory_mib.saturating_mul(1 << 20),
        expansions: u64::MAX,
    });
    let asked =
        if args.format == Format::Ndjson {
            let mut failed = None;
            let ending = ask_streaming(&estate, &question, &budget, &mut |part| match print_part(
                part,
            ) {
                Ok(()) => std::ops::ControlFlow::Continue(()),
                Err(error) => {
                    failed = Some(error);
                    std::ops::ControlFlow::Break(())
                }
            });
            if let Some(error) = failed {
                return Err(error.into());
            }
            ending.map(|ending| (None, ending))
        } else {
            ask(&estate, &question, &budget).map(|answer| {
                let ending = answer.ending.clone();
                (Some(answer), ending)
            })
        };
    match asked {
        Ok((Some(answer), ending)) => {
            print_answer(context.terminal, args.format, &answer)?;
            if !args.format.is_json() {
                notes(context.terminal, &text, &ending);
            }
            Ok(Exit::Done)
        }
        Ok((None, ending)) => {
            let mut out = io::stdout().lock();
            serde_json::to_writer(&mut out, &ending).map_err(io::Error::from)?;
            writeln!(out)?;
            Ok(Exit::Done)
        }
        Err(Unanswered::Refused(refused)) => {
            report_refusal(context.terminal, args.format.is_json(), &refused)?;
            Ok(Exit::No)
        }
        Err(Unanswered::App(error)) => Err(error.into()),
    }
}

/// Says on stderr what is wrong with a query.
pub(crate) fn report_refusal(
    terminal: Terminal,
    as_json: bool,
    refused: &Refused,
) -> io::Result<()> {
    let mut err = io::stderr().lock();
    if as_json {
        let diagnostics = serde_json::json!({ "diagnostics": refused.to_json() });
        return writeln!(err, "{diagnostics}");
    }
    let colour = if terminal.colour_err {
        Colour::Always
    } else {
        Colour::Never
    };
    write!(err, "{}", refused.render(colour))
}

/// Says on stderr what is worth knowing beside the rows.
pub(crate) fn notes(terminal: Terminal, text: &str, ending: &Ending) {
    warnings(terminal, text, ending);
    let n_rows = ending.stats.rows;
    let rows = if n_rows == 1 { "row" } else { "rows" };
    note(&format!(
        "{n_rows} {rows}, {:.1} ms",
        ending.stats.elapsed_ms
    ));
}

/// Says on stderr how an answer was found, if that was asked, and why it may not be what was meant.
pub(crate) fn warnings(terminal: Terminal, text: &str, ending: &Ending) {
    for line in ending.plan.iter().flatten() {
        note(line);
    }
    for warning in &ending.warnings {
        let help = warning.help.as_deref();
        let help = help.map(|help| format!("; {help}")).unwrap_or_default();
        terminal.warn(&format!(
            "{}:{}: {}{help} ({})",
            warning.line, warning.column, warning.message, warning.code
        ));
    }
    if let Some(limit) = &ending.completeness.limit {
        terminal.warn(&if limit == "cancelled" {
            "the answer is not complete: the query was stopped".to_owned()
        } else {
            format!("the answer is not complete: it reached the limit on {limit}")
        });
    }
    let is_empty = ending.completeness.answer != "some";
    let n_silent = ending.completeness.silent_rules.len();
    if is_empty && n_silent > 0 && asks_what_is(text) {
        note(&format!(
            "{n_silent} rules could not fire because no document supplied their facts; \
             `--format json` lists them"
        ));
    }
}

/// Whether rules that could not fire may be why there is no row: not where two snapshots are
/// compared that lack the same, and not of a plan that may cost nothing.
fn asks_what_is(text: &str) -> bool {
    let Some(query) = parse_query(text).tree else {
        return true;
    };
    let costs_nothing = |clause: &Clause| match clause {
        Clause::Verb(clause) => match &clause.verb {
            Verb::FixPlan(plan) => {
                matches!(&plan.goal, Some(FixGoal::Budget(budget)) if budget.kind == ExprKind::Integer(0))
            }
            _ => false,
        },
        _ => false,
    };
    query.diff.is_none() && !query.body.first.clauses.iter().any(costs_nothing)
}

fn print_part(part: Part) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match part {
        Part::Columns(columns) => {
            let line = serde_json::json!({ "columns": columns });
            writeln!(out, "{line}")
        }
        Part::Row(row) => {
            serde_json::to_writer(&mut out, &row).map_err(io::Error::from)?;
            writeln!(out)
        }
    }
}

/// Prints an answer.
pub(crate) fn print_answer(
    terminal: Terminal,
    format: Format,
    answer: &AnswerDto,
) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    match format {
        Format::Table => format::table(&mut out, terminal, answer)?,
        Format::Json | Format::Ndjson => {
            serde_json::to_writer(&mut out, answer).map_err(io::Error::from)?;
            writeln!(out)?;
        }
        Format::Csv => format::csv(&mut out, answer)?,
        Format::Dot => format::dot(&mut out, answer)?,
        Format::Graphml => format::graphml(&mut out, answer)?,
    }
    out.flush()
}

/// Prints an answer as people read it.
pub(crate) fn print_stories(terminal: Terminal, answer: &AnswerDto) -> io::Result<()> {
    print_answer(terminal, Format::Table, answer)
}

/// Parameters from `name=<JSON>`.
pub(crate) fn parse_params(pairs: &[String]) -> anyhow::Result<Params> {
    let mut params = serde_json::Map::new();
    for pair in pairs {
        let Some((name, value)) = pair.split_once('=') else {
            anyhow::bail!("`--param {pair}` is not of the form `name=<JSON>`");
        };
        let value = serde_json::from_str(value).map_err(|error| {
            anyhow::anyhow!(
                "the value of `--param {name}` is not JSON: {error}; a text is written `{name}='\"text\"'`"
            )
        })?;
        params.insert(name.to_owned(), value);
    }
    Ok(params_from_json(&params))
}
