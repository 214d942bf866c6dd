//! What hostile bytes do to the loaders: never a panic, always a place.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use foothold_loaders::{LOADERS, Limits, Options, Outcome, load_bytes, load_paths};
use proptest::prelude::*;

/// One small document of every format, name and bytes.
fn seeds() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/seeds");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read(&path).unwrap())
        })
        .collect()
}

fn load(name: &str, bytes: Vec<u8>) -> Outcome {
    load_bytes(name, bytes, &Options::new(0))
}

/// Fails if a loader panicked, or refused a document without saying where.
#[track_caller]
fn assert_sound(outcome: &Outcome) {
    if let Outcome::Failed(report) = outcome {
        let error = report.error.as_ref().unwrap();
        assert_ne!(
            error.code, "load.internal",
            "{}: a loader panicked",
            report.path
        );
        let names_place = error.message.starts_with("line ")
            || error.message.starts_with("at `")
            || error.message.starts_with("whole document")
            || error.code != "load.malformed";
        assert!(names_place, "{}: {}", report.path, error.message);
    }
}

#[test]
fn every_loader_has_a_seed_that_it_reads() {
    let mut read = BTreeSet::new();
    for (name, bytes) in seeds() {
        match load(&name, bytes) {
            Outcome::Read(loaded) => {
                assert!(!loaded.facts.is_empty(), "{name} states nothing");
                read.insert(loaded.report.format.unwrap());
            }
            other => panic!("{name}: {:?}", other.report()),
        }
    }
    let formats: BTreeSet<_> = LOADERS.iter().map(|loader| loader.format()).collect();
    let unread: Vec<_> = formats.difference(&read).collect();
    assert!(unread.is_empty(), "no seed for {unread:?}");
}

#[test]
fn cut_off_documents_fail_with_a_place_or_are_whole_by_chance() {
    for (name, bytes) in seeds() {
        let step = (bytes.len() / 150).max(1);
        for end in (0..bytes.len()).step_by(step) {
            assert_sound(&load(&name, bytes[..end].to_vec()));
        }
    }
}

#[test]
fn cut_off_json_never_passes() {
    for (name, bytes) in seeds() {
        let is_single = bytes.starts_with(b"{") && !name.contains("jsonl");
        if is_single {
            let end = bytes.len() - 3;
            let outcome = load(&name, bytes[..end].to_vec());
            assert!(
                matches!(outcome, Outcome::Failed(_)),
                "{name} passes without its end"
            );
        }
    }
}

#[test]
fn wrong_encodings_are_refused() {
    for (name, mut bytes) in seeds() {
        let middle = bytes.len() / 2;
        bytes.splice(middle..middle, [0xff, 0xfe, 0xc3, 0x28]);
        assert_sound(&load(&name, bytes));
    }
}

#[test]
fn deep_nesting_is_refused_or_stepped_over() {
    let deep =
        |open: &str, close: &str| format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
    // What no loader reads is stepped over without recursion.
    let unread = format!(
        "{{\"bomFormat\": \"CycloneDX\", \"specVersion\": \"1.6\", \"x\": {}}}",
        deep("[", "]")
    );
    assert!(matches!(
        load("deep.json", unread.into_bytes()),
        Outcome::Read(_)
    ));
    let message = |name: &str, text: String| match load(name, text.into_bytes()) {
        Outcome::Failed(report) => report.error.unwrap().message,
        other => panic!("{name}: {:?}", other.report()),
    };
    let props = format!(
        "{{\"node\": {{\"id\": \"a:b\", \"props\": {}}}}}",
        deep("{\"a\":", "}")
    );
    assert!(message("deep.jsonl", props).contains("recursion limit"));
    let object = format!(
        "{{\"apiVersion\": \"v1\", \"kind\": \"Service\", \"metadata\": {{\"name\": \"a\"}}, \"spec\": {}}}",
        deep("[", "]")
    );
    assert!(message("deep.json", object).contains("recursion limit"));
    let yaml = format!("criticality:\n  - match: {}\n", deep("[", "]"));
    assert!(message("deep.yaml", yaml).starts_with("line 2 column "));
}

#[test]
fn unknown_documents_name_what_they_look_like() {
    let reason = |name: &str, text: &str| match load(name, text.as_bytes().to_vec()) {
        Outcome::Skipped(report) => report.reason.unwrap(),
        other => panic!("{name}: {:?}", other.report()),
    };
    assert_eq!(
        reason("a.json", "{\"hello\": 1, \"world\": {\"x\": 2}}"),
        "JSON with the keys `hello`, `world`; no known format starts so"
    );
    assert_eq!(
        reason(
            "a.json",
            "{\"bomFormat\": \"SPDX\", \"specVersion\": \"1\"}"
        ),
        "nearest format is cyclonedx-json: `bomFormat` is `SPDX`"
    );
    assert_eq!(
        reason(
            "a.sarif",
            "{\"version\": \"2.0.0\", \"$schema\": \"sarif-2.0.0\", \"runs\": []}"
        ),
        "nearest format is sarif: `version` is `2.0.0`, not `2.1.0`"
    );
    assert_eq!(
        reason("a.txt", "hello"),
        "plain text; no known format starts so"
    );
    assert_eq!(reason("a", ""), "an empty file; no known format starts so");
}

#[test]
fn one_broken_file_does_not_stop_the_others() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in seeds() {
        std::fs::write(folder.path().join(&name), &bytes).unwrap();
    }
    std::fs::write(
        folder.path().join("broken.json"),
        "{\"bomFormat\": \"CycloneDX\", \"specVersion\": \"1.6\", \"components\": [",
    )
    .unwrap();
    let summary = |pool: Option<&rayon::ThreadPool>| {
        let mut lines = Vec::new();
        let mut options = Options::new(0);
        options.pool = pool;
        let paths: Vec<PathBuf> = vec![folder.path().to_owned()];
        load_paths(&paths, &options, &mut |outcome| {
            let report = outcome.report();
            lines.push(format!(
                "{} {:?} {} {}",
                report.path.rsplit('/').next().unwrap(),
                report.format,
                report.n_nodes,
                report.n_edges
            ));
        })
        .unwrap();
        lines
    };
    let serial = summary(None);
    assert_eq!(serial.len(), seeds().len() + 1);
    assert!(serial.contains(&"broken.json Some(\"cyclonedx-json\") 0 0".to_owned()));
    for n_threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(n_threads)
            .build()
            .unwrap();
        assert_eq!(summary(Some(&pool)), serial);
    }
}

#[test]
fn a_document_above_the_size_limit_is_refused() {
    let mut options = Options::new(0);
    options.limits = Limits {
        max_document_bytes: 100,
        ..Limits::default()
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("g.jsonl");
    std::fs::write(&path, "{\"node\":{\"id\":\"a:b\"}}\n".repeat(10)).unwrap();
    let mut codes = Vec::new();
    load_paths(&[path], &options, &mut |outcome| {
        codes.push(outcome.report().error.as_ref().map(|error| error.code));
    })
    .unwrap();
    assert_eq!(codes, [Some("load.limit")]);
}

/// A change to a document's bytes.
#[derive(Debug, Clone)]
enum Mutation {
    Cut { at: usize, len: usize },
    Repeat { at: usize, len: usize, times: usize },
    Replace { at: usize, byte: u8 },
    Insert { at: usize, token: usize },
    SwapToken { at: usize, token: usize },
}

const TOKENS: &[&str] = &[
    "null",
    "[]",
    "{}",
    "-1",
    "1e999",
    "18446744073709551616",
    "\"\"",
    "\"\\ud800\"",
    "true",
    ",",
    "\"\u{202e}x\"",
    "\u{0}",
    "\n---\n",
    "&a [*a]",
    "*a",
    "- ",
    ": ",
    "\"pkg:npm/\"",
    "[[[[[[[[",
    "\"CVE-\"",
    "\"a@b@c\"",
    "\"sha256:\"",
    "9999999999999999999999",
    "\t",
    "#",
];

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = 0..4000_usize;
    let token = 0..TOKENS.len();
    prop_oneof![
        (at.clone(), 0..200_usize).prop_map(|(at, len)| Mutation::Cut { at, len }),
        (at.clone(), 0..60_usize, 1..5_usize).prop_map(|(at, len, times)| Mutation::Repeat {
            at,
            len,
            times
        }),
        (at.clone(), any::<u8>()).prop_map(|(at, byte)| Mutation::Replace { at, byte }),
        (at.clone(), token.clone()).prop_map(|(at, token)| Mutation::Insert { at, token }),
        (at, token).prop_map(|(at, token)| Mutation::SwapToken { at, token }),
    ]
}

fn mutate(bytes: &mut Vec<u8>, mutation: &Mutation) {
    let n_bytes = bytes.len().max(1);
    match *mutation {
        Mutation::Cut { at, len } => {
            let start = (at % n_bytes).min(bytes.len());
            let end = (start + len).min(bytes.len());
            bytes.drain(start..end);
        }
        Mutation::Repeat { at, len, times } => {
            let start = (at % n_bytes).min(bytes.len());
            let end = (start + len).min(bytes.len());
            let part = bytes[start..end].repeat(times);
            bytes.splice(end..end, part);
        }
        Mutation::Replace { at, byte } => {
            if let Some(place) = bytes.get_mut(at % n_bytes) {
                *place = byte;
            }
        }
        Mutation::Insert { at, token } => {
            let start = (at % n_bytes).min(bytes.len());
            bytes.splice(start..start, TOKENS[token].bytes());
        }
        // Puts the token where a value stood: behind a colon, up to the next comma or bracket.
        Mutation::SwapToken { at, token } => {
            let from = (at % n_bytes).min(bytes.len());
            let colon = bytes[from..].iter().position(|&byte| byte == b':');
            if let Some(colon) = colon {
                let start = from + colon + 1;
                let len = bytes[start..]
                    .iter()
                    .position(|byte| b",}]\n".contains(byte))
                    .unwrap_or(0);
                bytes.splice(start..start + len, TOKENS[token].bytes());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_loader_panics_on_changed_documents(
        seed in any::<prop::sample::Index>(),
        mutations in prop::collection::vec(mutation(), 1..6),
    ) {
        let seeds = seeds();
        let (name, bytes) = seed.get(&seeds);
        let mut bytes = bytes.clone();
        for mutation in &mutations {
            mutate(&mut bytes, mutation);
        }
        assert_sound(&load(name, bytes));
    }

    #[test]
    fn no_loader_panics_on_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        assert_sound(&load("x", bytes));
    }
}
