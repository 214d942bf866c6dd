//! The command line. Machine output goes to stdout, everything else to stderr.

mod analyze;
mod backup;
mod check;
mod completions;
mod demo;
mod diff;
mod export;
mod fmt;
mod fsck;
mod generate;
mod import;
mod open;
mod output;
mod query;
mod restore;
mod rules;
mod serve;
mod shell;
mod snapshots;
mod sources;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::app::InForce;
use crate::config::FileConfig;
use output::Terminal;

/// Exit codes, the same for every command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0: done.
    Done,
    /// 1: done, and the answer is no: a refused query, a failed policy, a broken document.
    No,
    /// 2: it could not be done.
    Failed,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(match exit {
            Exit::Done => 0,
            Exit::No => 1,
            Exit::Failed => 2,
        })
    }
}

/// Files from security tools in, ranked attack paths out.
#[derive(Debug, Parser)]
#[command(
    name = "foothold",
    version,
    propagate_version = true,
    max_term_width = 100
)]
#[command(after_help = "\
Exit codes: 0 done; 1 done, and the answer is no (a refused query, a failed policy, a broken \
document); 2 it could not be done.

Settings: a flag wins over an environment variable (FOOTHOLD_DB, FOOTHOLD_LISTEN, FOOTHOLD_TOKEN, \
FOOTHOLD_THREADS, FOOTHOLD_RULES, FOOTHOLD_MODEL), which wins over `foothold.toml` in the working directory.")]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Threads for graph work; 0 means one per core
    #[arg(long, global = true, env = "FOOTHOLD_THREADS", value_name = "N")]
    threads: Option<usize>,
    /// A folder of your own rules, policies, attackers and groups, beside the shipped ones
    #[arg(long, global = true, env = "FOOTHOLD_RULES", value_name = "DIR")]
    rules: Option<PathBuf>,
    /// A scoring model in place of the shipped one
    #[arg(long, global = true, env = "FOOTHOLD_MODEL", value_name = "FILE")]
    model: Option<PathBuf>,
}

/// The store a command works on.
#[derive(Debug, Args)]
pub(crate) struct DbArgs {
    /// Folder of the store [default: foothold-data]
    #[arg(long, env = "FOOTHOLD_DB", value_name = "DIR")]
    db: Option<PathBuf>,
}

/// How a list is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListFormat {
    /// For people.
    Table,
    /// For programs.
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::DemoArgs),
    Import(import::ImportArgs),
    Query(query::QueryArgs),
    Shell(shell::ShellArgs),
    Check(check::CheckArgs),
    Analyze(analyze::AnalyzeArgs),
    Rules(rules::RulesArgs),
    Fmt(fmt::FmtArgs),
    Serve(serve::ServeArgs),
    Snapshots(snapshots::SnapshotsArgs),
    Diff(diff::DiffArgs),
    Sources(sources::SourcesArgs),
    Export(export::ExportArgs),
    Generate(generate::GenerateArgs),
    Fsck(fsck::FsckArgs),
    Backup(backup::BackupArgs),
    Restore(restore::RestoreArgs),
    Completions(completions::CompletionsArgs),
}

/// What commands share: settings and the way to the terminal.
pub(crate) struct Context {
    pub(crate) config: FileConfig,
    pub(crate) terminal: Terminal,
    /// The rules that every graph is analysed with.
    pub(crate) rules: Arc<InForce>,
    n_threads: usize,
}

/// Parses the command line of the process and runs it.
pub(crate) fn run() -> ExitCode {
    run_with(std::env::args_os())
}

fn run_with(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers; a wrong command line is code 2, as clap has it.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let terminal = Terminal::detect();
    let outcome = FileConfig::read()
        .map_err(anyhow::Error::msg)
        .and_then(|config| {
            let n_threads = cli.global.threads.or(config.threads).unwrap_or(0);
            let folder = cli.global.rules.as_deref().or(config.rules.as_deref());
            let model = cli.global.model.as_deref().or(config.model.as_deref());
            let rules = InForce::load(folder, model)?;
            rules::report_problems(terminal, &rules)?;
            let context = Context {
                rules: Arc::new(rules),
                config,
                terminal,
                n_threads,
            };
            dispatch(&context, cli.command)
        });
    match outcome {
        Ok(exit) => exit.into(),
        Err(error) if is_broken_pipe(&error) => Exit::Done.into(),
        Err(error) => {
            let _ = writeln!(io::stderr(), "{} {error:#}", terminal.error_prefix());
            Exit::Failed.into()
        }
    }
}

fn dispatch(context: &Context, command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Demo(args) => demo::run(context, &args),
        Command::Import(args) => import::run(context, &args),
        Command::Query(args) => query::run(context, &args),
        Command::Shell(args) => shell::run(context, &args),
        Command::Check(args) => check::run(context, &args),
        Command::Analyze(args) => analyze::run(context, &args),
        Command::Rules(args) => rules::run(context, &args),
        Command::Fmt(args) => fmt::run(context, &args),
        Command::Serve(args) => serve::run(context, &args),
        Command::Snapshots(args) => snapshots::run(context, &args),
        Command::Diff(args) => diff::run(context, &args),
        Command::Sources(args) => sources::run(context, &args),
        Command::Export(args) => export::run(context, &args),
        Command::Generate(args) => generate::run(&args),
        Command::Fsck(args) => fsck::run(context, &args),
        Command::Backup(args) => backup::run(context, &args),
        Command::Restore(args) => restore::run(context, &args),
        Command::Completions(args) => completions::run(&args),
    }
}

/// Whoever read our output has seen enough: `foothold ... | head` is no failure.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
