//! Every rule on graphs a person can read: `tests/rules/*.md`.
//!
//! A case is a heading `## <rule>: <what it shows>`, a block `graph` and a block `steps`. Lines of a
//! graph are `id :Label:Label name=value ...` and `id -KIND-> id name=value ...`; values are JSON,
//! bare words are text. The steps are those of the rule in the heading, with their likelihood;
//! none for a case that must stay silent. `REWRITE=1 cargo test` writes what the rules now say.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use foothold_engine::attack::derive;
use foothold_engine::budget::Budget;
use foothold_engine::build::Staging;
use foothold_engine::model::{Facts, SourceInfo, Value};
use foothold_engine::score::ScoringModel;
use foothold_engine::score::cost::likelihood_of_cost;
use foothold_query::define::Definitions;

struct Case {
    rule: String,
    title: String,
    graph: String,
    steps: String,
}

fn cases_of(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut block: Option<&str> = None;
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            let (rule, title) = heading
                .split_once(": ")
                .expect("a heading is `rule: title`");
            cases.push(Case {
                rule: rule.to_owned(),
                title: title.to_owned(),
                graph: String::new(),
                steps: String::new(),
            });
        } else if let Some(name) = line.strip_prefix("```") {
            block = block.is_none().then_some(match name {
                "graph" => "graph",
                _ => "steps",
            });
        } else if let (Some(block), Some(case)) = (block, cases.last_mut()) {
            let target = if block == "graph" {
                &mut case.graph
            } else {
                &mut case.steps
            };
            writeln!(target, "{line}").expect("writing to a string");
        }
    }
    cases
}

fn value_of(text: &str) -> Value {
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(serde_json::Value::Bool(flag)) => Value::Bool(flag),
        Ok(serde_json::Value::Number(number)) => match number.as_i64() {
            Some(whole) => Value::Int(whole),
            None => Value::Float(number.as_f64().expect("a JSON number")),
        },
        Ok(serde_json::Value::String(text)) => Value::from(text),
        Ok(serde_json::Value::Array(items)) => Value::strings(
            items
                .iter()
                .map(|item| item.as_str().expect("a list of texts")),
        ),
        _ => Value::from(text),
    }
}

/// Words of a line; a quoted or bracketed value is one word.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let (mut quoted, mut depth) = (false, 0);
    for char in line.chars() {
        match char {
            '"' => quoted = !quoted,
            '[' if !quoted => depth += 1,
            ']' if !quoted => depth -= 1,
            ' ' if !quoted && depth == 0 => {
                words.push(String::new());
                continue;
            }
            _ => {}
        }
        words.last_mut().expect("never empty").push(char);
    }
    words.retain(|word| !word.is_empty());
    words
}

fn facts_of(graph: &str) -> Facts {
    let mut facts = Facts::new();
    for line in graph.lines().filter(|line| !line.trim().is_empty()) {
        let words = words(line);
        let is_edge = words
            .get(1)
            .is_some_and(|word| word.starts_with('-') && word.ends_with("->"));
        let (fact, rest) = if is_edge {
            let kind = words[1].trim_start_matches('-').trim_end_matches("->");
            (
                facts
                    .edge(&words[0], kind, &words[2])
                    .expect("qualified ids"),
                &words[3..],
            )
        } else {
            let labels: Vec<&str> = words[1]
                .split(':')
                .filter(|label| !label.is_empty())
                .collect();
            (
                facts.node(&words[0], &labels).expect("a qualified id"),
                &words[2..],
            )
        };
        for assignment in rest {
            let (name, value) = assignment.split_once('=').expect("name=value");
            facts.set(fact, name, value_of(value));
        }
    }
    facts
}

fn steps_of(case: &Case, pool: &rayon::ThreadPool) -> String {
    let mut staging = Staging::new();
    let info = SourceInfo {
        name: "case".into(),
        ..SourceInfo::default()
    };
    staging.add(&info, &facts_of(&case.graph));
    let snapshot = Arc::new(staging.snapshot().expect("a small graph"));
    let model = Arc::new(ScoringModel::shipped());
    let (rules, _) = Definitions::shipped().compile(&snapshot, &model);
    let wanted = rules
        .find(&case.rule)
        .unwrap_or_else(|| panic!("no rule {}", case.rule));
    let graph = derive(&snapshot, &Arc::new(rules), pool, &Budget::unlimited()).expect("derives");
    let topology = graph.topology();
    let mut lines: Vec<String> = topology
        .steps()
        .filter(|&step| graph.rule_of(step) == wanted)
        .map(|step| {
            let premises: Vec<String> = topology
                .premises(step)
                .into_iter()
                .map(|state| graph.state_text(state))
                .collect();
            let likelihood = likelihood_of_cost(topology.cost(step));
            format!(
                "{} => {} {likelihood:.2}",
                premises.join(" & "),
                graph.state_text(topology.gain(step))
            )
        })
        .collect();
    lines.sort_unstable();
    lines.iter().fold(String::new(), |mut all, line| {
        writeln!(all, "{line}").expect("writing to a string");
        all
    })
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the folder of cases")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    files.sort();
    files
}

#[test]
fn rules_derive_what_their_cases_say() {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(2)
        .build()
        .expect("a pool");
    let rewrite = std::env::var_os("REWRITE").is_some();
    let mut wrong = Vec::new();
    for path in files() {
        let text = std::fs::read_to_string(&path).expect("a case file");
        let mut rewritten = text.clone();
        for case in cases_of(&text) {
            let found = steps_of(&case, &pool);
            if found == case.steps {
                continue;
            }
            let heading = format!("## {}: {}\n", case.rule, case.title);
            let at = rewritten
                .find(&heading)
                .expect("the heading stands in the file");
            let old = format!("```steps\n{}```", case.steps);
            let place = rewritten[at..].find(&old).expect("a block of steps") + at;
            rewritten.replace_range(place..place + old.len(), &format!("```steps\n{found}```"));
            wrong.push(format!(
                "{}: {}: {}\nexpected:\n{}found:\n{found}",
                path.display(),
                case.rule,
                case.title,
                case.steps
            ));
        }
        if rewrite {
            std::fs::write(&path, rewritten).expect("a writable case file");
        }
    }
    assert!(rewrite || wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_has_a_case_that_fires_and_one_that_stays_silent() {
    let mut seen: BTreeMap<String, (bool, bool)> = BTreeMap::new();
    for path in files() {
        for case in cases_of(&std::fs::read_to_string(path).expect("a case file")) {
            let entry = seen.entry(case.rule).or_default();
            if case.steps.is_empty() {
                entry.1 = true;
            } else {
                entry.0 = true;
            }
        }
    }
    let definitions = Definitions::shipped();
    let lacking: Vec<&str> = definitions
        .rules()
        .map(|(rule, _)| rule.name.name.as_str())
        .filter(|name| seen.get(*name) != Some(&(true, true)))
        .collect();
    assert!(lacking.is_empty(), "rules without both cases: {lacking:?}");
}
