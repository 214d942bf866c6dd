//! Fixtures: what a rule says about a small graph, in files that a person can read.
//!
//! A case is a heading `## <rule>: <what it shows>`, a block `graph` and a block `steps`. Lines of a
//! graph are `id :Label:Label name=value ...` and `id -KIND-> id name=value ...`; values are JSON,
//! bare words are text. The steps are those of the rule in the heading, with their likelihood; none
//! for a case that must stay silent.

use std::sync::Arc;

use foothold_engine::attack::derive;
use foothold_engine::budget::Budget;
use foothold_engine::build::Staging;
use foothold_engine::graph::Snapshot;
use foothold_engine::model::{Facts, SourceInfo, Value};
use foothold_engine::score::ScoringModel;
use foothold_engine::score::cost::likelihood_of_cost;

use super::Definitions;

/// The fixtures of the shipped rules, by file name.
const SHIPPED: &[(&str, &str)] = &[
    ("cloud.md", include_str!("../../tests/rules/cloud.md")),
    (
        "control-plane.md",
        include_str!("../../tests/rules/control-plane.md"),
    ),
    ("impact.md", include_str!("../../tests/rules/impact.md")),
    (
        "initial-access.md",
        include_str!("../../tests/rules/initial-access.md"),
    ),
    (
        "code-and-ci.md",
        include_str!("../../tests/rules/code-and-ci.md"),
    ),
    ("identity.md", include_str!("../../tests/rules/identity.md")),
    (
        "lateral-movement.md",
        include_str!("../../tests/rules/lateral-movement.md"),
    ),
    (
        "supply-chain.md",
        include_str!("../../tests/rules/supply-chain.md"),
    ),
    ("workload.md", include_str!("../../tests/rules/workload.md")),
];

/// One case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fixture {
    /// The rule's name.
    pub rule: String,
    /// What the case shows.
    pub title: String,
    /// The lines of the graph.
    pub graph: String,
    /// The lines of the steps that are expected.
    pub steps: String,
}

/// The cases of the shipped rules with the names of their files.
pub fn shipped_fixtures() -> Vec<(&'static str, Fixture)> {
    let files = SHIPPED.iter();
    files
        .flat_map(|(name, text)| read_fixtures(text).into_iter().map(|case| (*name, case)))
        .collect()
}

/// The cases of a file; headings without a graph are prose.
pub fn read_fixtures(text: &str) -> Vec<Fixture> {
    let mut cases: Vec<Fixture> = Vec::new();
    let mut block: Option<&str> = None;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("```") {
            block = match block {
                Some(_) => None,
                None => Some(name.trim()),
            };
        } else if let Some(name) = block {
            let Some(case) = cases.last_mut() else {
                continue;
            };
            let target = match name {
                "graph" => &mut case.graph,
                "steps" => &mut case.steps,
                _ => continue,
            };
            target.push_str(line);
            target.push('\n');
        } else if let Some(heading) = line.strip_prefix("## ") {
            let (rule, title) = heading.split_once(": ").unwrap_or((heading, ""));
            cases.push(Fixture {
                rule: rule.trim().to_owned(),
                title: title.trim().to_owned(),
                graph: String::new(),
                steps: String::new(),
            });
        }
    }
    cases.retain(|case| !case.graph.trim().is_empty());
    cases
}

impl Fixture {
    /// Whether the case shows that the rule stays silent.
    pub fn is_negative(&self) -> bool {
        self.steps.trim().is_empty()
    }

    /// What the graph of the case says.
    pub fn snapshot(&self) -> Result<Snapshot, String> {
        let mut staging = Staging::new();
        let info = SourceInfo {
            name: "case".into(),
            ..SourceInfo::default()
        };
        staging.add(&info, &facts(&self.graph)?);
        staging.snapshot().map_err(|error| error.to_string())
    }

    /// The steps that the rule gives on the graph of the case, one a line, sorted.
    pub fn run(
        &self,
        definitions: &Definitions,
        model: &Arc<ScoringModel>,
        pool: &rayon::ThreadPool,
    ) -> Result<String, String> {
        let snapshot = Arc::new(self.snapshot()?);
        let (rules, _) = definitions.compile(&snapshot, model);
        let wanted = rules
            .find(&self.rule)
            .ok_or_else(|| format!("no rule `{}` is in force", self.rule))?;
        let graph = derive(&snapshot, &Arc::new(rules), pool, &Budget::unlimited())
            .map_err(|error| error.to_string())?;
        let topology = graph.topology();
        let steps = topology
            .steps()
            .filter(|&step| graph.rule_of(step) == wanted);
        let mut lines: Vec<String> = steps
            .map(|step| {
                let premises: Vec<String> = topology
                    .premises(step)
                    .into_iter()
                    .map(|state| graph.state_text(state))
                    .collect();
                let likelihood = likelihood_of_cost(topology.cost(step));
                let gain = graph.state_text(topology.gain(step));
                format!("{} => {gain} {likelihood:.2}\n", premises.join(" & "))
            })
            .collect();
        lines.sort_unstable();
        Ok(lines.concat())
    }
}

/// The facts that the lines of a graph state.
pub fn facts(graph: &str) -> Result<Facts, String> {
    let mut facts = Facts::new();
    for line in graph.lines().filter(|line| !line.trim().is_empty()) {
        let words = words(line);
        let wrong = |error: &dyn std::fmt::Display| format!("`{line}`: {error}");
        let middle = words.get(1).map_or("", String::as_str);
        let kind = middle
            .strip_prefix('-')
            .and_then(|kind| kind.strip_suffix("->"));
        let id = words.first().map_or("", String::as_str);
        let (fact, rest) = match (kind, words.get(2)) {
            (Some(kind), Some(to)) => (
                facts.edge(id, kind, to).map_err(|error| wrong(&error))?,
                words.get(3..),
            ),
            (Some(_), None) => return Err(wrong(&"a relationship needs an end")),
            (None, _) => {
                let labels: Vec<&str> = middle
                    .split(':')
                    .filter(|label| !label.is_empty())
                    .collect();
                let fact = facts.node(id, &labels).map_err(|error| wrong(&error))?;
                (fact, words.get(2..))
            }
        };
        for assignment in rest.unwrap_or_default() {
            let Some((name, value)) = assignment.split_once('=') else {
                return Err(wrong(&format!("`{assignment}` is not `name=value`")));
            };
            facts.set(fact, name, value_of(value));
        }
    }
    Ok(facts)
}

fn value_of(text: &str) -> Value {
    use serde_json::Value as Json;
    match serde_json::from_str::<Json>(text) {
        Ok(Json::Bool(flag)) => Value::Bool(flag),
        Ok(Json::Number(number)) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Value::Int(whole),
            (None, Some(float)) => Value::Float(float),
            (None, None) => Value::from(text),
        },
        Ok(Json::String(text)) => Value::from(text.as_str()),
        Ok(Json::Array(items)) => Value::strings(items.iter().filter_map(Json::as_str)),
        _ => Value::from(text),
    }
}

/// Words of a line; a quoted or bracketed value is one word.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let (mut quoted, mut depth) = (false, 0_usize);
    for char in line.chars() {
        match char {
            '"' => quoted = !quoted,
            '[' if !quoted => depth += 1,
            ']' if !quoted => depth = depth.saturating_sub(1),
            ' ' if !quoted && depth == 0 => {
                words.push(std::mem::take(&mut word));
                continue;
            }
            _ => {}
        }
        word.push(char);
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}
