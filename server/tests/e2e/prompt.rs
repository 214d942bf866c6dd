//! `foothold shell` on a terminal.

#![cfg(unix)]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use rexpect::session::{PtySession, spawn_command};

use crate::support::{Server, foothold, shop};

/// How long the program may take to say what is waited for; a test fails then, and never before.
const PATIENCE_MS: u64 = 60_000;

fn shell(state: &Path) -> Command {
    on_terminal(state, |command| command.arg("--load").arg(shop()))
}

/// The shell on a graph, as people start it.
fn on_terminal(state: &Path, graph: impl FnOnce(&mut Command) -> &mut Command) -> Command {
    let mut command = foothold();
    graph(command.arg("shell"))
        .env("XDG_STATE_HOME", state)
        .env("TERM", "xterm")
        .env("NO_COLOR", "1")
        // The terminal takes its place.
        .stdin(Stdio::inherit());
    command
}

fn prompt(state: &Path) -> PtySession {
    let mut session = spawn_command(shell(state), Some(PATIENCE_MS)).unwrap();
    session.exp_string("foothold> ").unwrap();
    session
}

/// Types.
fn keys(session: &mut PtySession, text: &str) {
    session.send(text).unwrap();
    session.flush().unwrap();
}

#[test]
fn a_query_over_several_lines_ends_with_a_semicolon() {
    let state = tempfile::tempdir().unwrap();
    let mut session = prompt(state.path());
    keys(&mut session, "MATCH (w:Workload)\r");
    keys(&mut session, "RETURN w.name AS found ORDER BY found;\r");
    session.exp_regex("found\r\nbatch").unwrap();
    session.exp_string("2 rows").unwrap();
    keys(&mut session, ":quit\r");
    session.exp_eof().unwrap();
}

#[test]
fn the_history_is_kept_for_its_owner_alone() {
    let state = tempfile::tempdir().unwrap();
    let mut session = prompt(state.path());
    keys(&mut session, "RETURN 40 + 2 AS sum\r");
    session.exp_string("1 row").unwrap();
    keys(&mut session, "\u{4}");
    session.exp_eof().unwrap();

    let file = state.path().join("foothold/history");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let folder = std::fs::metadata(file.parent().unwrap()).unwrap();
    assert_eq!(folder.permissions().mode() & 0o777, 0o700);

    // The arrow up brings it back.
    let mut session = prompt(state.path());
    keys(&mut session, "\u{1b}[A");
    session.exp_string("RETURN 40 + 2 AS sum").unwrap();
    keys(&mut session, "\r");
    session.exp_string("1 row").unwrap();
    keys(&mut session, ":quit\r");
    session.exp_eof().unwrap();
}

#[test]
fn the_tab_key_completes_names_of_the_graph() {
    let state = tempfile::tempdir().unwrap();
    let mut session = prompt(state.path());
    keys(&mut session, "MATCH (w:");
    counts_workloads(session);
}

/// A label that is begun is completed, and the query runs.
fn counts_workloads(mut session: PtySession) {
    keys(&mut session, "Worklo\t");
    session.exp_string("Workload").unwrap();
    keys(&mut session, ") RETURN count(w) AS n\r");
    session.exp_regex("n\r\n2\r\n").unwrap();
    keys(&mut session, ":quit\r");
    session.exp_eof().unwrap();
}

#[test]
fn the_tab_key_completes_names_of_a_server() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::with_shop(&dir.path().join("db"));
    let url = format!("http://{}", server.address);
    let command = on_terminal(dir.path(), |command| command.args(["--url", &url]));
    let mut session = spawn_command(command, Some(PATIENCE_MS)).unwrap();
    session.exp_string(&url).unwrap();
    session.exp_string("foothold> ").unwrap();
    // What fits is listed with what is known of it.
    keys(&mut session, "MATCH (w:\t\t");
    session.exp_string("Workload  (label, 2 nodes)").unwrap();
    counts_workloads(session);
}

#[test]
fn control_c_stops_the_query_of_a_server() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::with_shop(&dir.path().join("db"));
    let url = format!("http://{}", server.address);
    stops(on_terminal(dir.path(), |command| {
        command.args(["--url", &url])
    }));
}

#[test]
fn control_c_stops_the_query_and_not_the_shell() {
    let state = tempfile::tempdir().unwrap();
    stops(shell(state.path()));
}

fn stops(shell: Command) {
    const WAIT_MS: u64 = 500;
    const N_TRIES: usize = 240;
    let mut session = spawn_command(shell, Some(WAIT_MS)).unwrap();
    let mut tries = 0..N_TRIES;
    assert!(tries.any(|_| session.exp_string("foothold> ").is_ok()));
    // Hours of work that says nothing before its end.
    keys(
        &mut session,
        "UNWIND range(1, 1000000) AS a UNWIND range(1, 1000000) AS b RETURN count(*) AS n\r",
    );
    // One that comes before the query runs belongs to the prompt, so it is sent until it counts.
    let mut tries = 0..N_TRIES;
    assert!(tries.any(|_| {
        keys(&mut session, "\u{3}");
        session.exp_string("the query was stopped").is_ok()
    }));
    keys(&mut session, "RETURN 'still here' AS x;\r");
    let mut tries = 0..N_TRIES;
    assert!(tries.any(|_| session.exp_regex("x\r\nstill here").is_ok()));
    keys(&mut session, ":quit\r");
    let mut tries = 0..N_TRIES;
    assert!(tries.any(|_| session.exp_eof().is_ok()));
}
