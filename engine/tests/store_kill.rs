//! A real child process imports and is killed with `SIGKILL` at random moments, fifty times on one
//! folder. Whatever it acknowledged is there afterwards; what it did not is there whole or not at all.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use foothold_engine::model::{Facts, SourceInfo};
use foothold_engine::store::records::{get, put};
use foothold_engine::store::{Import, Store, StoreOptions, Table, check};

const FOLDER: &str = "FOOTHOLD_KILL_TEST_FOLDER";
const N_KILLS: u64 = 50;
const N_SOURCES: u64 = 5;
const N_NODES: u64 = 300;
const TABLE: Table = Table(9);

fn open(dir: &Path) -> Store {
    Store::open(dir, StoreOptions::create_or_open()).unwrap().0
}

/// The round that each source of the newest snapshot speaks of.
fn rounds(store: &Store) -> Vec<i64> {
    let mut rounds = Vec::new();
    for source in store.segments().load(None).unwrap() {
        let facts = &source.facts;
        assert_eq!(facts.nodes().len() as u64, N_NODES, "a source is whole");
        for node in facts.nodes() {
            let (_, value) = &facts.props(&node.props)[0];
            rounds.push(value.as_int().unwrap());
        }
    }
    rounds.sort_unstable();
    rounds.dedup();
    rounds
}

fn record(store: &Store, key: &str) -> u64 {
    get(&**store.records(), TABLE, key.as_bytes(), 1)
        .unwrap()
        .unwrap_or(0)
}

/// Not a test of its own: the child's part, which does nothing unless the parent asks.
#[test]
fn child() {
    let Ok(folder) = std::env::var(FOLDER) else {
        return;
    };
    let store = open(Path::new(&folder));
    let first = rounds(&store).pop().unwrap_or(0) + 1;
    for round in first.. {
        let documents: Vec<(SourceInfo, Facts)> = (0..N_SOURCES)
            .map(|source| {
                let mut facts = Facts::new();
                for number in 0..N_NODES {
                    let node = facts
                        .node(&format!("x:{source}-{number}"), &["Thing"])
                        .unwrap();
                    facts.set(node, "round", round);
                }
                let info = SourceInfo {
                    name: format!("source-{source}").into(),
                    ..SourceInfo::default()
                };
                (info, facts)
            })
            .collect();
        store
            .segments()
            .import(&Import {
                documents: &documents,
                group: None,
                unread: &[],
                reason: "kill test",
                at_ms: round,
            })
            .unwrap();
        // Two records in one change: after a kill they are equal.
        let number = round.unsigned_abs();
        let changes = ["left", "right"].map(|key| put(TABLE, key.as_bytes(), 1, &number).unwrap());
        store.records().apply(&changes).unwrap();
        println!("acknowledged {round}");
        std::io::stdout().flush().unwrap();
    }
}

fn spawn(folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn what_was_acknowledged_survives_fifty_kills() {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = 0;
    let mut last_stored = 0;
    let mut random: u64 = 0x9e37_79b9_7f4a_7c15;
    for kill in 0..N_KILLS {
        let mut child = spawn(dir.path());
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        // Some acknowledgements, then a random moment: inside opening, writing or committing.
        let n_lines = random % 4;
        let delay = Duration::from_micros((random >> 8) % 8_000);
        let mut n_seen = 0;
        let mut killed = false;
        if n_lines == 0 {
            std::thread::sleep(delay);
            child.kill().unwrap();
            killed = true;
        }
        for line in lines {
            let Some(round) = line
                .unwrap()
                .strip_prefix("acknowledged ")
                .map(str::to_owned)
            else {
                continue;
            };
            acknowledged = acknowledged.max(round.parse().unwrap());
            n_seen += 1;
            if n_seen == n_lines && !killed {
                std::thread::sleep(delay);
                child.kill().unwrap();
                killed = true;
            }
        }
        child.wait().unwrap();
        assert!(killed, "the child stopped by itself at kill {kill}");

        let store = open(dir.path());
        let rounds = rounds(&store);
        assert!(
            rounds.len() <= 1,
            "half an import after kill {kill}: {rounds:?}"
        );
        let stored = rounds.last().copied().unwrap_or(0);
        assert!(
            stored >= acknowledged && stored <= acknowledged.max(last_stored) + 1,
            "kill {kill}: acknowledged {acknowledged}, stored {stored}, before {last_stored}"
        );
        let (left, right) = (record(&store, "left"), record(&store, "right"));
        assert_eq!(left, right, "half a change after kill {kill}");
        assert!(left >= acknowledged.unsigned_abs(), "kill {kill}");
        last_stored = stored;
    }
    assert!(
        acknowledged > 20,
        "too little was imported to mean anything: {acknowledged}"
    );
    assert!(check(dir.path()).unwrap().is_sound());
}
