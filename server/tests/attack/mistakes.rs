//! Each of these has burned another product (attack model, section 7). Two more of the list are
//! held where the code is: item 2, `namesakes_in_two_tenants_never_meet`, in the engine's `correlate`
//! tests, item 4, `administrator_shortcuts_honour_denies_and_boundaries`, in its `iam` tests, and there the
//! policies of item 3 as well, `inbound_trust_is_not_outbound`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{derived, held_from};

fn demo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../datasets/demo")
}

fn run(threads: &str, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_foothold"))
        .env("FOOTHOLD_THREADS", threads)
        .args(arguments)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

fn ask(threads: &str, query: &str) -> Value {
    let demo = demo();
    let load = demo.to_str().unwrap();
    let answer = run(
        threads,
        &["query", "--format", "json", "--load", load, query],
    );
    serde_json::from_str(&answer).unwrap()
}

fn node(id: &str, labels: &[&str]) -> Value {
    json!({"node": {"id": id, "labels": labels, "props": {"name": id}}})
}

fn edge(from: &str, kind: &str, to: &str) -> Value {
    json!({"edge": {"from": from, "kind": kind, "to": to, "props": {}}})
}

fn lines(records: &[Value]) -> Vec<u8> {
    let lines: Vec<String> = records.iter().map(Value::to_string).collect();
    lines.join("\n").into_bytes()
}

/// Every step of every path to a store of the demo, with the path's states.
fn demo_paths() -> Vec<Value> {
    let answer = ask("1", "ATTACK PATHS TO (d:DataStore) TOP 200");
    let rows = answer["rows"].as_array().unwrap();
    assert!(rows.len() > 5);
    rows.iter()
        .map(|row| row[0]["$attack_path"].clone())
        .collect()
}

/// Item 1: Two children of one parent have nothing of each other.
#[test]
fn no_path_climbs_to_a_shared_parent_and_descends_to_a_sibling() {
    let shared = [
        ("IN_NAMESPACE", "k8s://c/-/Namespace/shop", "Namespace"),
        ("IN_CLUSTER", "k8s://c", "Cluster"),
        ("BUILT_FROM", "repo:example/shop", "Repository"),
        ("OWNED_BY", "team:shop", "Team"),
        ("IN_ACCOUNT", "aws://111122223333", "Account"),
        ("MEMBER_OF", "group:developers", "Group"),
        ("RUNS", "image://registry.example/shop:1", "Image"),
        ("CONTAINS", "pkg:npm/shared@1", "Package"),
        ("SCHEDULED_ON", "node:shared", "Node"),
        ("PART_OF", "k8s://c/shop/Deployment/shop", "Workload"),
    ];
    let kinds = [
        "Workload",
        "CloudRole",
        "ServiceAccount",
        "Secret",
        "DataStore",
    ];
    let mut records = Vec::new();
    for (_, parent, label) in shared {
        records.push(node(parent, &[label]));
    }
    for kind in kinds {
        for which in ["one", "two"] {
            let id = format!("x:{kind}-{which}");
            records.push(node(&id, &[kind, "Identity"]));
            for (relation, parent, _) in shared {
                records.push(edge(&id, relation, parent));
            }
        }
    }
    let graph = derived(&[("estate.jsonl".into(), lines(&records))]);
    let mut n_held = 0;
    for kind in kinds {
        for capability in ["exec", "as", "know", "read", "reach"] {
            let held = held_from(&graph, &format!("{capability}(x:{kind}-one)"));
            n_held += held.len();
            let sibling = held.iter().find(|state| state.contains("-two)"));
            assert!(sibling.is_none(), "{capability} of {kind}: {sibling:?}");
        }
    }
    assert!(n_held > 0);
}

/// Item 3: That b trusts a gives a something on b, and b nothing on a, along whatever edge the trust is
/// stated.
#[test]
fn who_trusts_gains_nothing_from_whom_it_trusts() {
    let role = |name: &str, principal: &Value| {
        let trust = json!({"Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}
        ]});
        json!({"node": {"id": format!("arn:aws:iam::111111111111:role/{name}"),
            "labels": ["Identity", "CloudRole"],
            "props": {"name": name, "trust_policy": trust.to_string()}}})
    };
    let (a, b) = (
        "arn:aws:iam::111111111111:role/a",
        "arn:aws:iam::111111111111:role/b",
    );
    let records = [
        role("a", &json!({"Service": "ec2.amazonaws.com"})),
        role("b", &json!({"AWS": a})),
        edge(b, "TRUSTS", a),
    ];
    let graph = derived(&[("estate.jsonl".into(), lines(&records))]);
    assert!(held_from(&graph, &format!("as({a})")).contains(&format!("as({b})")));
    let back = held_from(&graph, &format!("as({b})"));
    assert!(!back.iter().any(|state| state.contains(a)), "{back:?}");
}

/// Item 5: Each step starts from what was held before, nothing is held twice, and each step names its
/// rule and its evidence.
#[test]
fn a_path_is_contiguous_and_simple_and_each_step_has_its_evidence() {
    for path in demo_paths() {
        let mut held = vec![path["source"]["id"].clone()];
        for step in path["steps"].as_array().unwrap() {
            let premises = step["premises"].as_array().unwrap();
            assert!(premises.contains(held.last().unwrap()), "{step}");
            assert!(!held.contains(&step["gain"]), "{step}");
            assert!(!step["rule"].as_str().unwrap().is_empty());
            assert!(!step["evidence"].as_array().unwrap().is_empty(), "{step}");
            held.push(step["gain"].clone());
        }
        assert_eq!(held.last(), Some(&path["target"]["id"]));
    }
}

/// Item 6: The same bytes with one thread and with four.
#[test]
fn parallel_and_sequential_answers_are_the_same_bytes() {
    for query in [
        "ATTACK PATHS TOP 50",
        "ATTACK PATHS TO (d:DataStore) TOP 3 PER TARGET",
        "EXPLOITABILITY OF (d:DataStore) SAMPLED 4096",
        "BLAST RADIUS OF (w:Workload)",
        "CHOKE POINTS",
        "FIX PLAN",
        "MATCH (w:Workload)-[r]->(x) RETURN w.name, type(r), count(*)",
    ] {
        let [one, four] = ["1", "4"].map(|threads| ask(threads, query)["rows"].to_string());
        assert!(one.len() > 2, "{query}");
        assert!(one == four, "{query}");
    }
}

/// Item 7: A path is never likelier than the same path with a step less.
#[test]
fn a_further_step_never_raises_a_score() {
    for path in demo_paths() {
        let mut product = 1.0;
        for step in path["steps"].as_array().unwrap() {
            let likelihood = step["likelihood"].as_f64().unwrap();
            assert!((0.0..=1.0).contains(&likelihood));
            product *= likelihood;
        }
        // Fixed-point costs round each step.
        let likelihood = path["likelihood"].as_f64().unwrap();
        assert!(likelihood <= product * 1.001, "{likelihood} {product}");
        let weakest = usize::try_from(path["weakest"].as_u64().unwrap()).unwrap();
        let weakest = path["steps"][weakest]["likelihood"].as_f64().unwrap();
        assert!(likelihood <= weakest * 1.001, "{likelihood} {weakest}");
        for step in path["steps"].as_array().unwrap() {
            assert!(weakest <= step["likelihood"].as_f64().unwrap());
        }
    }
    // A way more, of whatever likelihood, makes no way less likely, and no way likelier than 1.
    let best = |answer: &Value| -> Vec<(String, f64)> {
        let rows = answer["rows"].as_array().unwrap().iter();
        rows.map(|row| {
            let store = row[0]["$node"]["id"].as_str().unwrap().to_owned();
            (store, row[1].as_f64().unwrap())
        })
        .collect()
    };
    let question = "EXPLOITABILITY OF (d:DataStore) YIELD node, likelihood";
    let before = best(&ask("1", question));
    let more = "WHAT IF ADD (:Internet)-[:CAN_REACH]->(w:Workload)";
    let after = best(&ask("1", &format!("{more} {question}")));
    assert_eq!(before.len(), after.len());
    let mut n_likelier = 0;
    for ((store, was), (same, is)) in before.iter().zip(&after) {
        assert_eq!(store, same);
        assert!(was <= is && *is <= 1.0, "{store}: {was} {is}");
        n_likelier += usize::from(was < is);
    }
    assert!(n_likelier > 0, "{after:?}");
}

/// Item 8: A rule that cannot fire for lack of facts is listed, with what it lacks.
#[test]
fn a_rule_without_its_facts_is_in_the_answer() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("estate.jsonl");
    fs::write(&file, lines(&[node("w:lonely", &["Workload"])])).unwrap();
    let load = file.to_str().unwrap();
    let text = run(
        "1",
        &["query", "--format", "json", "--load", load, "ATTACK PATHS"],
    );
    let answer: Value = serde_json::from_str(&text).unwrap();
    let silent = answer["completeness"]["silent_rules"].as_array().unwrap();
    let cve = silent
        .iter()
        .find(|entry| entry["rule"] == "exploit-network-cve");
    let missing = cve.unwrap()["missing"].to_string();
    assert!(missing.contains("Vulnerability"), "{missing}");
}

/// Item 9: An edge of the user's own, of a kind that joins state too, is there after every analysis,
/// and what was derived from it is there with it.
#[test]
fn edges_of_the_user_survive_recomputation() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("db");
    let db = db.to_str().unwrap();
    let write = |name: &str, records: &[Value]| {
        let path = folder.path().join(name);
        fs::write(&path, lines(records)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let by_hand = write(
        "by-hand.jsonl",
        &[
            node("i:ci", &["Identity"]),
            node("i:admin", &["Identity", "CloudRole"]),
            edge("i:ci", "CAN_ASSUME", "i:admin"),
        ],
    );
    run("1", &["import", "--db", db, &by_hand]);
    let question = "MATCH (:Identity {name: 'i:ci'})-[r:CAN_ASSUME]->(x) RETURN x.name";
    let asked = || {
        let text = run("1", &["query", "--format", "json", "--db", db, question]);
        let answer: Value = serde_json::from_str(&text).unwrap();
        answer["rows"].clone()
    };
    assert_eq!(asked(), json!([["i:admin"]]));
    // What follows from it.
    let derived = || {
        let question = "EXPLOITABILITY OF as(i:Identity {name: 'i:admin'}) \
             FROM as(i:Identity {name: 'i:ci'}) YIELD likelihood";
        let text = run("1", &["query", "--format", "json", "--db", db, question]);
        let answer: Value = serde_json::from_str(&text).unwrap();
        answer["rows"].clone()
    };
    assert_eq!(derived(), json!([[0.98]]));
    let other = write("other.jsonl", &[node("w:web", &["Workload"])]);
    run("1", &["import", "--db", db, &other]);
    run("1", &["analyze", "--db", db]);
    assert_eq!(asked(), json!([["i:admin"]]));
    assert_eq!(derived(), json!([[0.98]]));
}

/// Item 10: Removing one source leaves what another asserts.
#[test]
fn removing_a_source_leaves_what_others_assert() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("db");
    let db = db.to_str().unwrap();
    for (name, only) in [("first", "w:first"), ("second", "w:second")] {
        let path = folder.path().join(format!("{name}.jsonl"));
        let records = [
            node("w:both", &["Workload"]),
            node(only, &["Workload"]),
            edge("w:both", "DEPENDS_ON", only),
        ];
        fs::write(&path, lines(&records)).unwrap();
        let path = path.to_str().unwrap();
        run("1", &["import", "--db", db, "--source", name, path]);
    }
    run("1", &["sources", "--db", db, "--remove", "first"]);
    let question =
        "MATCH (w:Workload) OPTIONAL MATCH (w)-[r]->(x) RETURN w.name, x.name ORDER BY w.name";
    let text = run("1", &["query", "--format", "json", "--db", db, question]);
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        answer["rows"],
        json!([["w:both", "w:second"], ["w:second", null]])
    );
}
