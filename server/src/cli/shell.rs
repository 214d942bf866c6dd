//! `foothold shell`: a prompt that answers queries.
//!
//! On a terminal there is history, completion against the graph that is asked, and colour; away
//! from one the same statements and commands are read from stdin, so that a script can use it.

mod command;
mod editor;
mod graph;
mod highlight;
mod history;
mod remote;
mod statement;

use std::collections::BTreeMap;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::Args;
use foothold_engine::budget::Limits;
use rustyline::error::ReadlineError;
use serde_json::Value as Json;

use super::output::{Terminal, note};
use super::query::{Format, print_answer, report_refusal, warnings};
use super::serve::read_token;
use super::{Context, DbArgs, Exit};
use command::Next;
use graph::{Graph, NoAnswer};
use remote::Remote;
use statement::Statements;

/// Ask one query after another
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  foothold shell --load scans/
  foothold shell --db /var/lib/foothold
  FOOTHOLD_TOKEN=... foothold shell --url http://127.0.0.1:7171
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
    /// Ask a running server, `http://host:port`, in place of a store
    #[arg(long, value_name = "URL", conflicts_with = "load")]
    url: Option<String>,
    /// A file that holds the server's API token; `FOOTHOLD_TOKEN` holds the token itself
    #[arg(long, value_name = "FILE", requires = "url")]
    token_file: Option<PathBuf>,
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
    graph: Graph,
    format: Format,
    shows_time: bool,
    params: BTreeMap<String, Json>,
    time: Duration,
    limits: Limits,
    interrupt: Interrupt,
    n_refused: usize,
}

pub(crate) fn run(context: &Context, args: &ShellArgs) -> anyhow::Result<Exit> {
    let graph = match &args.url {
        Some(url) => {
            let token = args.token_file.as_ref();
            let token = read_token(token.or(context.config.token_file.as_ref()))?;
            let remote = Remote::new(url, token)?;
            // A server that is not there, or lets nobody in, is said before the first question.
            remote.schema()?;
            Graph::There(remote)
        }
        None => Graph::Here(context.estate(&args.db, &args.load)?),
    };
    let mut session = Session {
        terminal: context.terminal,
        graph,
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
        let mut editor = editor::new(&self.graph, self.terminal)?;
        let history = history::file();
        if let Some(path) = &history {
            // No history yet, or one that cannot be read, is no reason to stop.
            let _ = editor.load_history(path);
        }
        self.greet()?;
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

    fn greet(&self) -> anyhow::Result<()> {
        let world = self.graph.schema()?.snapshot;
        let place = self.graph.place().map(|place| format!("{place}: "));
        note(&format!(
            "{}{} nodes, {} edges, {} attack steps; `:help` lists the commands, Ctrl-D ends",
            place.unwrap_or_default(),
            world.nodes,
            world.edges,
            world.steps
        ));
        Ok(())
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
        let limits = (self.time, self.limits);
        let asked = self.graph.ask(text, &params, limits, &self.interrupt);
        match asked {
            Ok(answer) => {
                print_answer(self.terminal, self.format, &answer)?;
                let ending = &answer.ending;
                warnings(self.terminal, text, ending);
                if self.shows_time {
                    let (rows, ms) = (ending.stats.rows, ending.stats.elapsed_ms);
                    let unit = if rows == 1 { "row" } else { "rows" };
                    note(&format!("{rows} {unit}, {ms:.1} ms"));
                }
            }
            Err(NoAnswer::Refused(refused)) => {
                self.n_refused += 1;
                report_refusal(self.terminal, false, &refused)?;
            }
            Err(NoAnswer::Failed(error)) => {
                self.n_refused += 1;
                let prefix = self.terminal.error_prefix();
                writeln!(io::stderr(), "{prefix} {error}")?;
            }
        }
        Ok(())
    }
}

/// What Ctrl-C stops: the query that runs, and nothing between queries.
#[derive(Default, Clone)]
struct Interrupt {
    running: Arc<Mutex<Option<Stopper>>>,
}

/// Ends the work of a query.
type Stopper = Box<dyn Fn() + Send>;

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
        if let Some(stop) = &*self.running.lock().unwrap_or_else(PoisonError::into_inner) {
            stop();
        }
    }

    fn during(&self, stop: impl Fn() + Send + 'static) -> Running {
        self.set(Some(Box::new(stop)));
        Running(self.clone())
    }

    fn set(&self, stop: Option<Stopper>) {
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = stop;
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
