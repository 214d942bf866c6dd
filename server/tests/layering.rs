//! The architecture's arrows and absences, read from `cargo metadata` and from the sources.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on stops"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Which of our crates each of them may use, tests left out.
const MAY_USE: &[(&str, &[&str])] = &[
    ("foothold-engine", &[]),
    ("foothold-query", &["foothold-engine"]),
    ("foothold-loaders", &["foothold-engine"]),
    ("foothold-datasets", &["foothold-engine"]),
    (
        "foothold-server",
        &[
            "foothold-engine",
            "foothold-query",
            "foothold-loaders",
            "foothold-datasets",
        ],
    ),
    (
        "foothold-benches",
        &[
            "foothold-engine",
            "foothold-query",
            "foothold-loaders",
            "foothold-datasets",
        ],
    ),
];

/// What the inner crates must not pull in, by any way.
const ONLY_IN_SERVER: &[&str] = &["tokio", "axum", "clap", "hyper"];

fn root() -> PathBuf {
    let server = Path::new(env!("CARGO_MANIFEST_DIR"));
    server.parent().unwrap().to_owned()
}

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Package names by id, and what each package depends on outside its tests.
fn dependencies(metadata: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let names: BTreeMap<&str, &str> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| {
            (
                package["id"].as_str().unwrap(),
                package["name"].as_str().unwrap(),
            )
        })
        .collect();
    let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for node in metadata["resolve"]["nodes"].as_array().unwrap() {
        let name = names[node["id"].as_str().unwrap()];
        let of_node = uses.entry(name.to_owned()).or_default();
        for dependency in node["deps"].as_array().unwrap() {
            let kinds = dependency["dep_kinds"].as_array().unwrap();
            if kinds.iter().any(|kind| kind["kind"].is_null()) {
                of_node.insert(names[dependency["pkg"].as_str().unwrap()].to_owned());
            }
        }
    }
    uses
}

#[test]
fn crates_use_only_whom_they_may() {
    let uses = dependencies(&metadata());
    for (name, allowed) in MAY_USE {
        let ours: Vec<&String> = uses[*name]
            .iter()
            .filter(|used| used.starts_with("foothold-") && !allowed.contains(&used.as_str()))
            .collect();
        assert!(ours.is_empty(), "{name} uses {ours:?}");
    }
    let known: BTreeSet<&str> = MAY_USE.iter().map(|(name, _)| *name).collect();
    let all: BTreeSet<&str> = uses
        .keys()
        .map(String::as_str)
        .filter(|name| name.starts_with("foothold-"))
        .collect();
    assert_eq!(known, all, "a new crate needs its arrows here");
}

#[test]
fn async_network_and_command_line_stay_in_the_server() {
    let uses = dependencies(&metadata());
    for name in [
        "foothold-engine",
        "foothold-query",
        "foothold-loaders",
        "foothold-datasets",
    ] {
        let mut seen = BTreeSet::new();
        let mut left = vec![name.to_owned()];
        while let Some(next) = left.pop() {
            if seen.insert(next.clone()) {
                left.extend(uses.get(&next).into_iter().flatten().cloned());
            }
        }
        let found: Vec<&&str> = ONLY_IN_SERVER
            .iter()
            .filter(|it| seen.contains(**it))
            .collect();
        assert!(found.is_empty(), "{name} pulls in {found:?}");
    }
}

/// The sources below a folder, without their tests.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|it| it == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap().to_owned();
            let is_test = path
                .file_name()
                .is_some_and(|it| it == "tests.rs" || it == "testing.rs");
            if !is_test {
                found.push((path, code));
            }
        }
    }
    found
}

/// Lines of code that hold one of `words`; comments do not count.
fn lines_with(folder: &Path, words: &[&str], except: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for (path, code) in sources(folder) {
        if path.starts_with(except) || path == except.with_extension("rs") {
            continue;
        }
        for (idx, line) in code.lines().enumerate() {
            let line = line.trim();
            if !line.starts_with("//") && words.iter().any(|word| line.contains(word)) {
                found.push(format!("{}:{}: {line}", path.display(), idx + 1));
            }
        }
    }
    found
}

#[test]
fn engine_and_query_touch_no_file_outside_the_store() {
    let store = root().join("engine/src/store");
    for folder in ["engine/src", "query/src"] {
        let found = lines_with(
            &root().join(folder),
            &["std::fs", "File::open", "TcpStream", "UdpSocket"],
            &store,
        );
        assert!(found.is_empty(), "{found:#?}");
    }
}

#[test]
fn only_the_server_reads_a_clock() {
    let nowhere = Path::new("/nowhere");
    for folder in ["engine/src", "query/src", "loaders/src", "datasets/src"] {
        let words = [
            "SystemTime::now",
            "Instant::now",
            "Timestamp::now",
            "Zoned::now",
        ];
        let found = lines_with(&root().join(folder), &words, nowhere);
        assert!(found.is_empty(), "{found:#?}");
    }
    let server = lines_with(
        &root().join("server/src"),
        &["SystemTime::now", "Instant::now"],
        &root().join("server/src/clock"),
    );
    assert!(server.is_empty(), "one file reads the clock: {server:#?}");
}

#[test]
fn main_is_a_few_lines() {
    let main = fs::read_to_string(root().join("server/src/main.rs")).unwrap();
    assert!(main.lines().count() < 60);
}
