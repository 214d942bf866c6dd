//! `foothold completions`.

use std::io::{self, Write};

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, Exit};

/// Print the completion script of a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  foothold completions bash > ~/.local/share/bash-completion/completions/foothold
  foothold completions zsh > ~/.zfunc/_foothold
  foothold completions fish > ~/.config/fish/completions/foothold.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

pub(crate) fn run(args: &CompletionsArgs) -> anyhow::Result<Exit> {
    // Written whole: the generator does not return the error of a closed pipe.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "foothold", &mut script);
    io::stdout().lock().write_all(&script)?;
    Ok(Exit::Done)
}
