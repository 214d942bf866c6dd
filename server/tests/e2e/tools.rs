//! The tools of the language: `fmt`, `shell`, `completions`.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{Ran, Server, foothold, ran, run, shop};

fn with_input(args: &[&str], input: &str) -> Ran {
    let mut child = foothold()
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    ran(child.wait_with_output().unwrap())
}

fn shell(input: &str) -> Ran {
    let shop = shop();
    with_input(&["shell", "--load", shop.to_str().unwrap()], input)
}

#[test]
fn fmt_lays_out_files_and_keeps_comments() {
    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().join("rules");
    fs::create_dir(&below).unwrap();
    let query = folder.path().join("query.fql");
    let rule = below.join("rule.fql");
    let other = below.join("notes.txt");
    fs::write(
        &query,
        "// why\nmatch (n) return n.name, // the name\n n.id",
    )
    .unwrap();
    fs::write(
        &rule,
        "rule r 'x'  match (w:Workload) given exec(w) gain root(w) likelihood D1 // c",
    )
    .unwrap();
    fs::write(&other, "match").unwrap();
    let folder = folder.path().to_str().unwrap();

    let checked = run(&["fmt", "--check", folder]);
    assert_eq!(checked.code, 1, "{}", checked.err);
    assert!(checked.out.contains("+MATCH (n)"), "{}", checked.out);
    assert!(
        fs::read_to_string(&query)
            .unwrap()
            .starts_with("// why\nmatch")
    );

    let done = run(&["fmt", folder]);
    assert_eq!((done.code, done.out.as_str()), (0, ""), "{}", done.err);
    assert_eq!(
        fs::read_to_string(&query).unwrap(),
        "// why\nMATCH (n)\nRETURN n.name, // the name\n       n.id\n"
    );
    let expected =
        "RULE r 'x'\n  MATCH (w:Workload)\n  GIVEN exec(w)\n  GAIN root(w)\n  LIKELIHOOD D1 // c\n";
    assert_eq!(
        fs::read_to_string(&rule).unwrap().replace('"', "'"),
        expected
    );
    assert_eq!(fs::read_to_string(&other).unwrap(), "match");
    assert_eq!(run(&["fmt", "--check", folder]).code, 0);
}

#[test]
fn fmt_leaves_a_file_with_errors_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("broken.fql");
    fs::write(&file, "MATCH (n RETURN n").unwrap();
    let done = run(&["fmt", file.to_str().unwrap()]);
    assert_eq!(done.code, 1);
    assert!(done.err.contains("query.unclosed_bracket"), "{}", done.err);
    assert_eq!(fs::read_to_string(&file).unwrap(), "MATCH (n RETURN n");
    assert_eq!(run(&["fmt", "/nowhere.fql"]).code, 2);
}

#[test]
fn fmt_reads_stdin() {
    let done = with_input(&["fmt", "-"], "match (n) /* all */ return n");
    assert_eq!(done.code, 0, "{}", done.err);
    assert_eq!(done.out, "MATCH (n) /* all */\nRETURN n\n");
}

#[test]
fn completions_are_there_for_each_shell() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let printed = run(&["completions", shell]);
        assert_eq!(printed.code, 0, "{shell}");
        assert!(printed.out.contains("foothold"), "{shell}");
        assert!(printed.out.contains("snapshots"), "{shell}");
    }
    let syntax = Command::new("bash")
        .args(["-n", "/dev/stdin"])
        .stdin(Stdio::piped())
        .spawn();
    if let Ok(mut bash) = syntax {
        let script = run(&["completions", "bash"]).out;
        bash.stdin
            .take()
            .unwrap()
            .write_all(script.as_bytes())
            .unwrap();
        assert!(bash.wait().unwrap().success());
    }
    assert_eq!(run(&["completions", "tcsh"]).code, 2);
}

#[test]
fn the_shell_reads_statements_and_commands_from_a_pipe() {
    let asked = shell(
        "MATCH (w:Workload)\nRETURN w.name AS name\nORDER BY name;\n\
         :param name=\"batch\"\n\
         :format json\n\
         MATCH (w:Workload {name: $name}) RETURN w.name; RETURN ';' AS x;\n\
         :quit\nRETURN 3;",
    );
    assert_eq!(asked.code, 0, "{}", asked.err);
    let lines: Vec<&str> = asked.out.lines().collect();
    assert_eq!(&lines[..3], ["name", "batch", "checkout"]);
    let answer: Value = serde_json::from_str(lines[3]).unwrap();
    assert_eq!(answer["rows"], serde_json::json!([["batch"]]));
    let answer: Value = serde_json::from_str(lines[4]).unwrap();
    assert_eq!(answer["rows"], serde_json::json!([[";"]]));
    assert_eq!(lines.len(), 5, "nothing is answered after `:quit`");
}

#[test]
fn the_shell_goes_on_after_a_refused_query_and_says_so_at_the_end() {
    let asked = shell("MATCH (n RETURN n;\n:scheme\nRETURN 1 AS x;\n");
    assert_eq!(asked.code, 1);
    assert!(
        asked.err.contains("query.unclosed_bracket"),
        "{}",
        asked.err
    );
    assert!(
        asked.err.contains("did you mean `:schema`"),
        "{}",
        asked.err
    );
    assert_eq!(asked.out, "x\n1\n");
}

#[test]
fn the_shell_shows_what_the_graph_is_made_of() {
    let asked = shell(":schema\n:schema Workload\n:rules\n:help\n:timing off\nRETURN 1;\n");
    assert_eq!(asked.code, 0, "{}", asked.err);
    for part in ["Workload", "privileged-container", ":format", "property"] {
        assert!(asked.out.contains(part), "{part}: {}", asked.out);
    }
    assert!(!asked.err.contains(" ms"), "{}", asked.err);
}

#[test]
fn the_shell_asks_a_running_server() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::with_shop(dir.path());
    let url = format!("http://{}/", server.address);
    let asked = with_input(
        &["shell", "--url", &url],
        "MATCH (w:Workload)\nRETURN w.name AS name\nORDER BY name;\n\
         :param name=\"batch\"\n\
         MATCH (w:Workload {name: $name}) RETURN w.name AS one;\n\
         MATCH (w:Workloads) RETURN w;\n\
         :schema Workload\n:rules\n",
    );
    assert_eq!(asked.code, 0, "{}", asked.err);
    let lines: Vec<&str> = asked.out.lines().collect();
    assert_eq!(&lines[..5], ["name", "batch", "checkout", "one", "batch"]);
    for part in ["property", "privileged-container"] {
        assert!(asked.out.contains(part), "{part}: {}", asked.out);
    }
    assert!(
        asked.err.contains("did you mean `Workload`?"),
        "{}",
        asked.err
    );

    // A refusal is shown as it is for a graph of this machine.
    let broken = "RETURN 1;\nMATCH (n:Workload RETURN n;\n";
    let asked = with_input(&["shell", "--url", &url], broken);
    assert_eq!(asked.code, 1);
    let here = shell(broken);
    let refusal = |err: &str| -> String {
        let from = err.find("error[").expect("a refusal");
        err[from..].to_owned()
    };
    assert_eq!(refusal(&asked.err), refusal(&here.err));
}

#[test]
fn the_shell_is_let_in_with_a_token_and_says_why_not() {
    const TOKEN: &str = "EXAMPLE-TOKEN-EXAMPLE";
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start_with(&dir.path().join("db"), |command| {
        command.env("FOOTHOLD_TOKEN", TOKEN)
    });
    let url = format!("http://{}", server.address);
    let refused = with_input(&["shell", "--url", &url], "RETURN 1 AS x;\n");
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("FOOTHOLD_TOKEN"), "{}", refused.err);

    let file = dir.path().join("token");
    fs::write(&file, format!("{TOKEN}\n")).unwrap();
    let args = [
        "shell",
        "--url",
        &url,
        "--token-file",
        file.to_str().unwrap(),
    ];
    let asked = with_input(&args, "RETURN 1 AS x;\n");
    assert_eq!(asked.code, 0, "{}", asked.err);
    assert_eq!(asked.out, "x\n1\n");

    drop(server);
    let gone = with_input(&args, "RETURN 1 AS x;\n");
    assert_eq!(gone.code, 2);
    assert!(gone.err.contains("does not answer"), "{}", gone.err);
    let wrong = with_input(&["shell", "--url", "https://127.0.0.1"], "");
    assert_eq!(wrong.code, 2);
}
