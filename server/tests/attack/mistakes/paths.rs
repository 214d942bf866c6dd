//! Items 5 and 7: what a path is, and what its likelihood says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{ask, ask_of, demo, edge, lines, node, run};

/// The attack paths that are the first column of an answer.
fn paths_in(answer: &Value) -> Vec<Value> {
    let rows = answer["rows"].as_array().unwrap().iter();
    rows.map(|row| row[0]["$attack_path"].clone()).collect()
}

fn texts(values: &Value) -> Vec<&str> {
    let values = values.as_array().unwrap().iter();
    values.map(|value| value.as_str().unwrap()).collect()
}

/// Item 5: Each step starts from what was held before, nothing is held twice, and each step names its
/// rule and its evidence: what it names are facts of the graph, they speak of what the step needs and
/// gains, and the step is one of that rule.
#[test]
fn a_path_is_contiguous_and_simple_and_each_step_has_its_evidence() {
    let folder = tempfile::tempdir().unwrap();
    let more = folder.path().join("open.jsonl");
    // A step whose only fact is a node.
    let open = json!({"node": {"id": "store:open", "labels": ["DataStore"],
        "props": {"name": "open", "public_read": true, "value": 1}}});
    let door = edge("net://internet", "CAN_REACH", "store:open");
    fs::write(&more, lines(&[open, door])).unwrap();
    let load = [demo(), more];
    let load: Vec<&Path> = load.iter().map(PathBuf::as_path).collect();
    let facts = Facts::of(&load);
    for question in [
        "ATTACK PATHS TO (d:DataStore) TOP 200",
        "ATTACK PATHS TOP 2 PER TARGET",
        "ATTACK PATHS TO (d:DataStore) WITHIN 8 STEPS TOP 100",
        "ATTACK PATHS TO (d:DataStore) VIA (i:Identity) TOP 20",
        "ATTACK PATHS TO (d:DataStore) CONFIDENCE >= 0.5 TOP 20",
        "ATTACK PATHS FROM ATTACKER `compromised-dependency` TO (d:DataStore) TOP 50",
    ] {
        let paths = paths_in(&ask_of("2", &load, question));
        assert!(paths.len() > 3, "{question}");
        let starts: Vec<&str> = paths
            .iter()
            .map(|path| path["source"]["id"].as_str().unwrap())
            .collect();
        let mut n_supported = 0;
        for path in &paths {
            // What supports a step with several premises comes from the starts too.
            let mut derived = starts.clone();
            for step in path["supporting_steps"].as_array().unwrap() {
                let premises = texts(&step["premises"]);
                assert!(premises.iter().all(|held| derived.contains(held)), "{step}");
                facts.check(step);
                derived.push(step["gain"].as_str().unwrap());
            }
            let mut held = vec![path["source"]["id"].as_str().unwrap()];
            for step in path["steps"].as_array().unwrap() {
                let premises = texts(&step["premises"]);
                assert!(premises.contains(held.last().unwrap()), "{step}");
                let is_held = |premise| held.contains(premise) || derived.contains(premise);
                assert!(premises.iter().all(is_held), "{step}");
                n_supported += usize::from(premises.len() > 1);
                let gain = step["gain"].as_str().unwrap();
                assert!(!held.contains(&gain), "{step}");
                facts.check(step);
                held.push(gain);
            }
            let states = path["states"].as_array().unwrap().iter();
            let states: Vec<&str> = states.map(|state| state["id"].as_str().unwrap()).collect();
            assert_eq!(held, states);
            assert_eq!(held.last().copied(), path["target"]["id"].as_str());
        }
        assert!(n_supported > 0 || !question.ends_with("TOP 200"));
    }
}

/// What the graph itself says, asked apart from any path.
struct Facts {
    /// The sources of each relationship, by how evidence names it.
    edges: BTreeMap<String, BTreeSet<String>>,
    nodes: BTreeSet<String>,
    /// Rule, id, technique, one premise, gain.
    steps: BTreeSet<[String; 5]>,
}

impl Facts {
    fn of(load: &[&Path]) -> Self {
        let rows = |query: &str| ask_of("2", load, query)["rows"].as_array().unwrap().clone();
        // A rule may lack an id or a technique.
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for row in rows("MATCH (a)-[r]->(b) RETURN id(a), type(r), id(b), sources(r)") {
            let [from, kind, to] = [0, 1, 2].map(|at| text(&row[at]));
            let sources = texts(&row[3]).into_iter().map(str::to_owned);
            edges
                .entry(format!("{from} {kind} {to}"))
                .or_default()
                .extend(sources);
        }
        let nodes = rows("MATCH (n) RETURN id(n)")
            .iter()
            .map(|row| text(&row[0]))
            .collect();
        let steps = rows(
            "MATCH (a)-[r:ATTACK]->(b)
             RETURN r.rule, r.id, r.technique, r.from, id(a), r.to, id(b)",
        );
        let steps = steps.iter().map(|row| {
            let state = |at: usize| format!("{}({})", text(&row[at]), text(&row[at + 1]));
            let [rule, id, technique] = [0, 1, 2].map(|at| text(&row[at]));
            [rule, id, technique, state(3), state(5)]
        });
        Facts {
            edges,
            nodes,
            steps: steps.collect(),
        }
    }

    #[track_caller]
    fn check(&self, step: &Value) {
        let text = |name: &str| step[name].as_str().unwrap_or_default().to_owned();
        let is_step = |premise: &str| {
            let of_rule = [text("rule"), text("id"), text("technique")];
            let [rule, id, technique] = of_rule;
            let known = [rule, id, technique, premise.to_owned(), text("gain")];
            self.steps.contains(&known)
        };
        let premises = texts(&step["premises"]);
        assert!(premises.iter().any(|premise| is_step(premise)), "{step}");
        let mut spoken_of: BTreeSet<&str> = BTreeSet::new();
        for item in step["evidence"].as_array().unwrap() {
            let id = item["id"].as_str().unwrap();
            let sources = texts(&item["sources"]);
            assert!(!sources.is_empty(), "{item}");
            if item["type"] == "node" {
                assert!(self.nodes.contains(id), "{item}");
                spoken_of.insert(id);
                continue;
            }
            let known = self
                .edges
                .get(id)
                .unwrap_or_else(|| panic!("no fact: {item}"));
            assert!(
                sources.iter().all(|source| known.contains(*source)),
                "{item}"
            );
            spoken_of.extend(["from", "to"].map(|end| item[end].as_str().unwrap()));
        }
        // Nothing that the step needs or gains is without a fact.
        for state in premises.into_iter().chain(step["gain"].as_str()) {
            let (_, asset) = state.trim_end_matches(')').split_once('(').unwrap();
            assert!(spoken_of.contains(asset), "{state}: {step}");
        }
    }
}

/// Item 7: A path is never likelier than the same path with a step less, nor than any of its steps.
#[test]
fn a_further_step_never_raises_a_score() {
    let likelihood = |of: &Value| of["likelihood"].as_f64().unwrap();
    let product = |steps: &Value| -> f64 {
        let steps = steps.as_array().unwrap().iter();
        steps
            .map(|step| {
                assert!((0.0..=1.0).contains(&likelihood(step)), "{step}");
                likelihood(step)
            })
            .product()
    };
    let mut n_supported = 0;
    for path in paths_in(&ask("1", "ATTACK PATHS TO (d:DataStore) TOP 200")) {
        // Fixed-point costs round each step.
        let chain = product(&path["steps"]);
        let all = chain * product(&path["supporting_steps"]);
        let is = likelihood(&path);
        assert!(is <= all * 1.001, "{is} {all}");
        if path["supporting_steps"] == json!([]) {
            assert!(is >= chain * 0.999, "{is} {chain}");
        } else {
            n_supported += 1;
            assert!(is < chain * 0.999, "{is} {chain}");
        }
        let weakest = usize::try_from(path["weakest"].as_u64().unwrap()).unwrap();
        let weakest = likelihood(&path["steps"][weakest]);
        assert!(is <= weakest * 1.001, "{is} {weakest}");
        for step in path["steps"].as_array().unwrap() {
            assert!(weakest <= likelihood(step));
        }
    }
    assert!(n_supported > 3);

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
    // Nor does asking for the way itself.
    let ways = ask(
        "1",
        "ATTACK PATHS TO (d:DataStore) TOP 1 PER TARGET YIELD path, likelihood",
    );
    for (store, is) in &before {
        let rows = ways["rows"].as_array().unwrap().iter();
        let own = rows.filter(|row| row[0]["$attack_path"]["target"]["asset"] == **store);
        let way = own.map(|row| row[1].as_f64().unwrap()).fold(0.0, f64::max);
        assert!((way - is).abs() < 1e-9, "{store}: {way} {is}");
    }
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

/// Item 7 again, step by step: one house after the other, a house with two doors that both must be
/// open, and a step that always succeeds.
#[test]
fn each_further_step_multiplies_its_likelihood() {
    let folder = tempfile::tempdir().unwrap();
    let (file, rules) = (folder.path().join("row.jsonl"), folder.path().join("rules"));
    fs::create_dir(&rules).unwrap();
    let own = "RULE hop \"Next door\"\n  MATCH (a:House)-[e:NEXT]->(b:House)\n  \
         GIVEN exec(a)\n  GAIN exec(b)\n  LIKELIHOOD e.p\n\
         RULE both \"Two doors\"\n  MATCH (a:House)-[:FRONT]->(c:House), (b:House)-[:BACK]->(c)\n  \
         GIVEN exec(a), exec(b)\n  GAIN exec(c)\n  LIKELIHOOD 0.5\n";
    fs::write(rules.join("own.fql"), own).unwrap();
    let chances = [1.0, 0.5, 1.0, 0.9, 0.05, 1.0, 0.25];
    let mut records = vec![node("h:0", &["House"])];
    let mut expected = vec![1.0];
    for (at, chance) in chances.into_iter().enumerate() {
        let (from, to) = (format!("h:{at}"), format!("h:{}", at + 1));
        records.push(node(&to, &["House"]));
        records.push(
            json!({"edge": {"from": from, "kind": "NEXT", "to": to, "props": {"p": chance}}}),
        );
        expected.push(expected[at] * chance);
    }
    records.push(node("h:8", &["House"]));
    records.extend([edge("h:2", "FRONT", "h:8"), edge("h:4", "BACK", "h:8")]);
    // Both ways are paid in full.
    expected.push(expected[2] * expected[4] * 0.5);
    fs::write(&file, lines(&records)).unwrap();
    let [load, rules] = [&file, &rules].map(|path| path.to_str().unwrap());
    let rows = |query: &str| {
        let asked = [
            "query", "--format", "json", "--rules", rules, "--load", load, query,
        ];
        let answer: Value = serde_json::from_str(&run("1", &asked)).unwrap();
        answer["rows"].as_array().unwrap().clone()
    };
    let from = "FROM exec(h:House {name: 'h:0'})";
    let found = rows(&format!(
        "EXPLOITABILITY OF exec(h:House) {from} YIELD node, likelihood RETURN node.name, likelihood"
    ));
    assert_eq!(found.len(), expected.len());
    for (at, wanted) in expected.iter().enumerate().skip(1) {
        let house = format!("h:{at}");
        let row = found.iter().find(|row| row[0] == *house).unwrap();
        let is = row[1].as_f64().unwrap();
        assert!(
            (is - wanted).abs() < 1e-3 * wanted,
            "{house}: {is} {wanted}"
        );
        let to = format!("TO exec(h:House {{name: '{house}'}})");
        let way = rows(&format!("ATTACK PATHS {from} {to} TOP 1 YIELD likelihood"));
        assert_eq!(way, [json!([is])], "{house}");
    }
}
