//! `foothold fmt`.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use foothold_query::diagnostic::Colour;
use foothold_query::format::format_file;
use similar::TextDiff;

use super::output::{Terminal, note};
use super::{Context, Exit};
use crate::app::Refused;

/// Lay out `.fql` files again, comments kept
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  foothold fmt rules/ policies/login.fql
  foothold fmt --check rules/
  echo 'match (n) return n' | foothold fmt -

Exit codes: 0 done; 1 a file has errors (nothing is written to it), or `--check` found one that is \
not laid out; 2 for anything else.")]
pub(crate) struct FmtArgs {
    /// Change nothing: print what would change, and exit with 1 if there is anything
    #[arg(long)]
    check: bool,
    /// Files, folders (every `.fql` file below), or `-` for stdin to stdout
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

/// What became of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Same,
    Changed,
    Refused,
}

pub(crate) fn run(context: &Context, args: &FmtArgs) -> anyhow::Result<Exit> {
    let mut n_changed = 0;
    let mut n_refused = 0;
    let files = listed(&args.files)?;
    for file in &files {
        let outcome = if file == Path::new("-") {
            stdin(context.terminal, args.check)?
        } else {
            one_file(context.terminal, file, args.check)?
        };
        n_changed += usize::from(outcome == Outcome::Changed);
        n_refused += usize::from(outcome == Outcome::Refused);
    }
    if args.files != [Path::new("-")] {
        let n_files = files.len();
        let verb = if args.check {
            "would change"
        } else {
            "changed"
        };
        note(&format!(
            "{n_files} files, {n_changed} {verb}, {n_refused} with errors"
        ));
    }
    let is_wrong = n_refused > 0 || (args.check && n_changed > 0);
    Ok(if is_wrong { Exit::No } else { Exit::Done })
}

/// The files that were named, and those below the folders that were, in order.
fn listed(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            below(path, &mut files)?;
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

fn below(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let read = || -> io::Result<Vec<PathBuf>> {
        let entries = std::fs::read_dir(folder)?;
        entries.map(|entry| Ok(entry?.path())).collect()
    };
    let mut entries = read().with_context(|| format!("cannot read `{}`", folder.display()))?;
    entries.sort();
    for path in entries {
        // A link to a folder could lead around in a circle.
        if path.is_dir() && !path.is_symlink() {
            below(&path, files)?;
        } else if path.extension().is_some_and(|end| end == "fql") {
            files.push(path);
        }
    }
    Ok(())
}

fn stdin(terminal: Terminal, check: bool) -> anyhow::Result<Outcome> {
    let mut text = String::new();
    io::stdin()
        .read_to_string(&mut text)
        .context("cannot read stdin")?;
    let Some(laid_out) = lay_out(terminal, "stdin", &text)? else {
        return Ok(Outcome::Refused);
    };
    if check {
        return compare("stdin", &text, &laid_out);
    }
    io::stdout().lock().write_all(laid_out.as_bytes())?;
    Ok(Outcome::Same)
}

fn one_file(terminal: Terminal, file: &Path, check: bool) -> anyhow::Result<Outcome> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read `{name}`"))?;
    let Some(laid_out) = lay_out(terminal, &name, &text)? else {
        return Ok(Outcome::Refused);
    };
    if check {
        return compare(&name, &text, &laid_out);
    }
    if text == laid_out {
        return Ok(Outcome::Same);
    }
    std::fs::write(file, laid_out).with_context(|| format!("cannot write `{name}`"))?;
    Ok(Outcome::Changed)
}

fn compare(name: &str, text: &str, laid_out: &str) -> anyhow::Result<Outcome> {
    if text == laid_out {
        return Ok(Outcome::Same);
    }
    let diff = TextDiff::from_lines(text, laid_out);
    let mut diff = diff.unified_diff();
    let wanted = format!("{name} (laid out)");
    let shown = diff.context_radius(2).header(name, &wanted);
    write!(io::stdout().lock(), "{shown}")?;
    Ok(Outcome::Changed)
}

/// The text laid out; says on stderr what is wrong with one that cannot be.
fn lay_out(terminal: Terminal, name: &str, text: &str) -> io::Result<Option<String>> {
    match format_file(text) {
        Ok(laid_out) => Ok(Some(laid_out)),
        Err(diagnostics) => {
            let colour = if terminal.colour_err {
                Colour::Always
            } else {
                Colour::Never
            };
            let shown = Refused::new(text, diagnostics).render(colour);
            write!(io::stderr().lock(), "{name}:\n{shown}")?;
            Ok(None)
        }
    }
}
