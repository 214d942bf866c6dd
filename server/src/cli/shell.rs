//! `foothold shell`: a prompt that answers queries.
//!
//! On a terminal there is history, completion against the graph that is asked, and colour; away
//! from one the same statements and commands are read from stdin, so that a script can use it.

mod command;
mod editor;
mod highlight;
mod history;
mod statement;

use std::collections::BTreeMap;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::Args;
use foothold_engine::budget::{Budget, Limits, Stop, StopHandle};
use rustyline::error::ReadlineError;
use serde_json::Value as Json;

use super::output::{Terminal, note};
use super::query::{Format, print_answer, report_refusal, warnings};
use super::{Context, DbArgs, Exit};
use crate::app::{Estate, Mode, Question, Unanswered, ask, params_from_json};
use command::Next;
use statement::Statements;

/// Ask one query after another
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  foothold shell --load scans/
  foothold shell --db /var/lib/foothold
  echo 'MATCH (w:Workload) RETURN w.name;' | foothold shell --load scans/

A query ends with `;`. One that is whole on its first line, and an empty line, end it too. \
`:help` lists the commands. Ctrl-C stops the running query, Ctrl-D ends the shell.

Exit codes: 0 done; 1 a query read from a pipe was refused; 2 for anything else.")]
pub(crate) struct ShellArgs {
    #[command(flatten)]
    db: DbArgs,
    /// Read these files and folders instead of a store
    #[arg(long, value_name = "PATH", num_args = 1..)]
    load: Vec<PathBuf>,
    /// How answers are printed; `:format` changes it
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    /// Stop a query after this many milliseconds with what was found
    #[arg(long, default_value_t = 60_000, value_name = "MS")]
    time_ms: u64,
    /// Stop a query after this many rows
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    max_rows: u64,
    /// Stop a query at this much memory
    #[arg(long, default_value_t = 2048, value_name = "MIB")]
    max_memory_mib: u64,
}

/// One run of the shell.
struct Session {
    terminal: Terminal,
    estate: Estate,
    format: Format,
    shows_time: bool,
    params: BTreeMap<String, Json>,
    time: Duration,
    limits: Limits,
    interrupt: Interrupt,
    n_refused: usize,
}

pub(crate) fn run(context: &Context, args: &ShellArgs) -> anyhow::Result<Exit> {
    let estate = context.estate(&args.db, &args.load)?;
    let mut session = Session {
        terminal: context.terminal,
        estate,
        format: args.format,
        shows_time: true,
        params: BTreeMap::new(),
        time: Duration::from_millis(args.time_ms),
        limits: Limits {
            rows: args.max_rows,
            memory_bytes: args.max_memory_mib.saturating_mul(1 << 20),
            expansions: u64::MAX,
        },
        interrupt: Interrupt::default(),
        n_refused: 0,
    };
    if io::stdin().is_terminal() && io::stdout().is_terminal() {
        session.interactive()?;
        Ok(Exit::Done)
    } else {
        session.piped(io::stdin().lock())?;
        let is_wrong = session.n_refused > 0;
        Ok(if is_wrong { Exit::No } else { Exit::Done })
    }
}

impl Session {
    fn interactive(&mut self) -> anyhow::Result<()> {
        self.interrupt.listen()?;
        let mut editor = editor::new(&self.estate, self.terminal)?;
        let history = history::file();
        if let Some(path) = &history {
            // No history yet, or one that cannot be read, is no reason to stop.
            let _ = editor.load_history(path);
        }
        self.greet();
        loop {
            match editor.readline("foothold> ") {
                Ok(text) => {
                    let text = text.trim();
                    if text.is_empty() {
                        continue;
                    }
                    let _ = editor.add_history_entry(text);
                    if let Some(path) = &history {
                        let _ = editor.append_history(path);
                    }
                    if self.all_of(text)? == Next::Quit {
                        break;
                    }
                }
                // Ctrl-C at the prompt drops the line, as shells do.
                Err(ReadlineError::Interrupted) => {}
                Err(ReadlineError::Eof) => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn greet(&self) {
        let world = self.estate.world();
        let at = world.schema();
        note(&format!(
            "{} nodes, {} edges, {} attack steps; `:help` lists the commands, Ctrl-D ends",
            at.snapshot.nodes, at.snapshot.edges, at.snapshot.steps
        ));
    }

    fn piped(&mut self, input: impl BufRead) -> anyhow::Result<()> {
        let mut statements = Statements::default();
        for line in input.lines() {
            for text in statements.push(&line?) {
                if self.one(&text)? == Next::Quit {
                    return Ok(());
                }
            }
        }
        if let Some(text) = statements.finish() {
            self.one(&text)?;
        }
        Ok(())
    }

    /// Everything that was typed up to one press of the enter key.
    fn all_of(&mut self, text: &str) -> anyhow::Result<Next> {
        let mut statements = Statements::default();
        let mut ready = Vec::new();
        for line in text.lines() {
            ready.extend(statements.push(line));
        }
        ready.extend(statements.finish());
        for text in ready {
            if self.one(&text)? == Next::Quit {
                return Ok(Next::Quit);
            }
        }
        Ok(Next::Prompt)
    }

    fn one(&mut self, text: &str) -> anyhow::Result<Next> {
        if statement::is_command(text) {
            return Ok(command::run(self, text)?);
        }
        self.ask(text)?;
        Ok(Next::Prompt)
    }

    fn ask(&mut self, text: &str) -> anyhow::Result<()> {
        let params = self.params.clone().into_iter().collect();
        let question = Question {
            text,
            tree: None,
            params: &params_from_json(&params),
            at: None,
            what_if: None,
            mode: Mode::AsWritten,
            time: self.time,
        };
        let budget = Budget::new(self.limits);
        let asked = {
            let _running = self.interrupt.during(budget.stop_handle());
            ask(&self.estate, &question, &budget)
        };
        match asked {
            Ok(answer) => {
                print_answer(self.terminal, self.format, &answer)?;
                let ending = &answer.ending;
                warnings(self.terminal, ending);
                if self.shows_time {
                    let (rows, ms) = (ending.stats.rows, ending.stats.elapsed_ms);
                    note(&format!("{rows} rows, {ms:.1} ms"));
                }
            }
            Err(Unanswered::Refused(refused)) => {
                self.n_refused += 1;
                report_refusal(self.terminal, false, &refused)?;
            }
            Err(Unanswered::App(error)) => {
                self.n_refused += 1;
                let prefix = self.terminal.error_prefix();
                writeln!(io::stderr(), "{prefix} {error}")?;
            }
        }
        Ok(())
    }
}

/// What Ctrl-C stops: the query that runs, and nothing between queries.
#[derive(Debug, Default, Clone)]
struct Interrupt {
    running: Arc<Mutex<Option<StopHandle>>>,
}

impl Interrupt {
    /// Takes Ctrl-C over from the system, which would end the process.
    ///
    /// The handler is in place before this returns: the editor puts its own there while a line is
    /// typed, and afterwards what it found.
    fn listen(&self) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let mut signals = {
            let _inside = runtime.enter();
            control_c()?
        };
        let interrupt = self.clone();
        let listening = move || {
            runtime.block_on(async move {
                while signals.recv().await.is_some() {
                    interrupt.stop();
                }
            });
        };
        std::thread::Builder::new()
            .name("interrupt".to_owned())
            .spawn(listening)?;
        Ok(())
    }

    fn stop(&self) {
        if let Some(handle) = &*self.running.lock().unwrap_or_else(PoisonError::into_inner) {
            handle.stop(Stop::Cancelled);
        }
    }

    fn during(&self, handle: StopHandle) -> Running {
        self.set(Some(handle));
        Running(self.clone())
    }

    fn set(&self, handle: Option<StopHandle>) {
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = handle;
    }
}

/// Lets go of the query when it has ended.
struct Running(Interrupt);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.set(None);
    }
}

#[cfg(unix)]
fn control_c() -> io::Result<tokio::signal::unix::Signal> {
    tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())
}

#[cfg(windows)]
fn control_c() -> io::Result<tokio::signal::windows::CtrlC> {
    tokio::signal::windows::ctrl_c()
}
