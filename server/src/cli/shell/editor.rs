//! The line editor: completion, colours, and where a statement ends.

use std::borrow::Cow;

use rustyline::completion::{Completer, Pair};
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Config, Context, Editor, Helper, Result};

use super::command;
use super::graph::Graph;
use super::highlight::highlight;
use super::statement::{is_command, is_finished};
use crate::cli::output::Terminal;

/// How many entries the history keeps.
const N_HISTORY: usize = 1000;

/// An editor over the names of a graph.
pub(super) fn new(graph: &Graph, terminal: Terminal) -> Result<Editor<Assistant, FileHistory>> {
    let config = Config::builder()
        .completion_type(CompletionType::List)
        .max_history_size(N_HISTORY)?
        .history_ignore_space(true)
        .build();
    let mut editor = Editor::with_config(config)?;
    editor.set_helper(Some(Assistant {
        graph: graph.clone(),
        is_coloured: terminal.colour_out,
    }));
    Ok(editor)
}

/// What helps while typing.
pub(super) struct Assistant {
    graph: Graph,
    is_coloured: bool,
}

impl Helper for Assistant {}

impl Hinter for Assistant {
    type Hint = String;
}

impl Completer for Assistant {
    type Candidate = Pair;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> Result<(usize, Vec<Pair>)> {
        if is_command(line) {
            return Ok(command::complete(line, pos, &self.graph));
        }
        let offer = self.graph.complete(line, pos);
        let pairs = offer.items.into_iter().map(|(label, detail)| Pair {
            display: format!("{label}  ({detail})"),
            replacement: label,
        });
        Ok((offer.from, pairs.collect()))
    }
}

impl Validator for Assistant {
    fn validate(&self, ctx: &mut ValidationContext<'_>) -> Result<ValidationResult> {
        Ok(if is_finished(ctx.input()) {
            ValidationResult::Valid(None)
        } else {
            ValidationResult::Incomplete
        })
    }
}

impl Highlighter for Assistant {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        if self.is_coloured && !is_command(line) {
            Cow::Owned(highlight(line))
        } else {
            Cow::Borrowed(line)
        }
    }

    fn highlight_char(&self, _: &str, _: usize, _: CmdKind) -> bool {
        self.is_coloured
    }
}
