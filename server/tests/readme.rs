//! Every command of the README's tour, run as printed.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

/// A block of commands and the exit codes its last command may have.
struct Block {
    commands: Vec<String>,
    exits: Vec<i32>,
}

/// The blocks that follow a `<!-- tour -->` or `<!-- tour: exit 1 -->`.
fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(marker) = line
            .strip_prefix("<!-- tour")
            .and_then(|rest| rest.strip_suffix("-->"))
        else {
            continue;
        };
        let exits: Vec<i32> = marker
            .split_whitespace()
            .filter_map(|word| word.parse().ok())
            .collect();
        assert_eq!(
            lines.next(),
            Some("```sh"),
            "a marker stands before a block of commands"
        );
        let commands = lines
            .by_ref()
            .take_while(|line| *line != "```")
            .map(str::to_owned)
            .collect();
        blocks.push(Block {
            commands,
            exits: if exits.is_empty() { vec![0] } else { exits },
        });
    }
    blocks
}

#[test]
fn the_tour_runs_as_printed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = std::fs::read_to_string(root.join("README.md")).expect("the README");
    let program = PathBuf::from(env!("CARGO_BIN_EXE_foothold"));
    let folder = program.parent().expect("the program lies in a folder");
    let store = tempfile::tempdir().expect("a temporary folder");
    let mut path = std::ffi::OsString::from(folder);
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let blocks = blocks(&text);
    assert!(blocks.len() >= 4, "the README has a tour");
    for block in blocks {
        let last = block.commands.len() - 1;
        for (at, command) in block.commands.iter().enumerate() {
            // The tour's store must not meet one that a person made.
            let command = command.replace("/tmp/foothold-tour", &store.path().to_string_lossy());
            let output = Command::new("sh")
                .args(["-c", &command])
                .current_dir(&root)
                .env("PATH", &path)
                .env("NO_COLOR", "1")
                .output()
                .expect("a shell");
            let code = output.status.code().expect("no signal");
            let expected: &[i32] = if at == last { &block.exits } else { &[0] };
            assert!(
                expected.contains(&code),
                "`{command}` ended with {code}\n{}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
        }
    }
}
