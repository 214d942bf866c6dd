//! The verbs on graphs a person can read: `tests/cases/verb/*.md`.
//!
//! A file has a block `graph` (as in `define::fixture`), maybe a block `rules` with definitions
//! beside the shipped ones, and cases: a heading, a block `fql` and a block `answer`. Where the file
//! says `only own rules`, the shipped ones are left out. A later block `graph` or `rules` replaces
//! the one before. `REWRITE=1 cargo test` writes what the verbs now say.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use foothold_engine::budget::Budget;
use foothold_engine::build::Staging;
use foothold_engine::graph::Snapshot;
use foothold_engine::model::SourceInfo;
use foothold_query::define::{Definitions, fixture};
use foothold_query::diagnostic::{Colour, render_all};
use foothold_query::value::Val;
use foothold_query::verb::{AttackContext, AttackPathValue, StepWatch, Unknowns};
use foothold_query::{Env, Params, run};

#[path = "support/attack.rs"]
mod attack;

/// What a case is asked of.
struct Estate {
    snapshot: Arc<Snapshot>,
    context: AttackContext,
}

impl Estate {
    fn new(graph: &str, rules: &str, only_own: bool, pool: &Arc<rayon::ThreadPool>) -> Self {
        let mut staging = Staging::new();
        let info = SourceInfo {
            name: "case".into(),
            ..SourceInfo::default()
        };
        staging.add(&info, &fixture::facts(graph).expect("a graph"));
        let snapshot = Arc::new(staging.snapshot().expect("a small graph"));
        let mut definitions = if only_own {
            Definitions::new()
        } else {
            Definitions::shipped()
        };
        for line in rules.lines() {
            if let Some(name) = line.strip_prefix("// disable ") {
                definitions.disable(name.trim());
            }
        }
        definitions.add("case.fql", rules);
        let context = attack::context(&snapshot, definitions, pool);
        Estate { snapshot, context }
    }

    fn answer(&self, query: &str) -> String {
        let watch = StepWatch::new(&self.context);
        let env = Env {
            now_ms: 0,
            surroundings: &watch,
        };
        let params = Params::new();
        let _ = foothold_query::prepare(&self.snapshot, query, &params, &env);
        if watch.asks_for_steps() {
            let watch = StepWatch::extended(&self.context);
            let env = Env {
                now_ms: 0,
                surroundings: &watch,
            };
            return self.on(
                &Arc::new(self.context.graph.with_steps()),
                query,
                &env,
                &watch.unknowns(),
            );
        }
        self.on(&self.snapshot, query, &env, &watch.unknowns())
    }

    fn on(
        &self,
        snapshot: &Arc<Snapshot>,
        query: &str,
        env: &Env<'_>,
        unknowns: &Unknowns,
    ) -> String {
        let answer = match run(snapshot, query, &Params::new(), &Budget::unlimited(), env) {
            Ok(answer) => answer,
            Err(diagnostics) => return render_all(&diagnostics, query, Colour::Never),
        };
        let columns: Vec<&str> = answer.columns.iter().map(|name| &**name).collect();
        let mut text = columns.join(" | ");
        text.push('\n');
        for row in &answer.rows {
            let cells: Vec<String> = row.iter().map(|value| self.cell(value)).collect();
            let _ = writeln!(text, "{}", cells.join(" | "));
        }
        for unknown in unknowns.noted() {
            let _ = writeln!(text, "unknown: {unknown}");
        }
        for warning in &answer.warnings {
            let _ = writeln!(text, "warning: {}", warning.message);
            if let Some(help) = &warning.help {
                let _ = writeln!(text, "  help: {help}");
            }
        }
        text
    }

    fn cell(&self, value: &Val) -> String {
        match value {
            Val::Null => "-".to_owned(),
            Val::Node(node) => self.snapshot.stable_id(*node).to_owned(),
            Val::Str(text) => text.to_string(),
            Val::Float(number) => format!("{number:.3}"),
            Val::Foreign(value) => match value.as_any().downcast_ref::<AttackPathValue>() {
                Some(path) => {
                    let graph = path.graph();
                    let states = path.states().into_iter();
                    let texts: Vec<String> = states.map(|state| graph.state_text(state)).collect();
                    texts.join(" > ")
                }
                None => value.type_name().to_owned(),
            },
            Val::List(items) => {
                let items: Vec<String> = items.iter().map(|item| self.cell(item)).collect();
                format!("[{}]", items.join(", "))
            }
            Val::Map(map) => {
                let entries: Vec<String> = map
                    .iter()
                    .map(|(key, item)| format!("{key}: {}", self.cell(item)))
                    .collect();
                format!("{{{}}}", entries.join(", "))
            }
            Val::Bool(flag) => flag.to_string(),
            Val::Int(number) => number.to_string(),
            other => other.type_name().to_owned(),
        }
    }
}

/// The file with every answer as it is now.
fn rewritten(text: &str, pool: &Arc<rayon::ThreadPool>) -> String {
    let only_own = text.contains("only own rules");
    let mut out = String::new();
    let (mut graph, mut rules) = (String::new(), String::new());
    let mut estate: Option<Estate> = None;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(block) = line.strip_prefix("```") else {
            out.push_str(line);
            out.push('\n');
            continue;
        };
        let inner: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        let inner = inner.join("\n");
        match block {
            "answer" => {
                // Replaced by what follows the query.
                continue;
            }
            "graph" => (graph, estate) = (inner.clone(), None),
            "rules" => (rules, estate) = (inner.clone(), None),
            _ => {}
        }
        let _ = write!(out, "{line}\n{inner}\n```\n");
        if block == "fql" {
            let estate = estate.get_or_insert_with(|| Estate::new(&graph, &rules, only_own, pool));
            let _ = write!(
                out,
                "```answer\n{}\n```\n",
                estate.answer(&inner).trim_end()
            );
        }
    }
    out
}

#[test]
fn verbs_answer_what_their_cases_say() {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(2)
        .stack_size(8 << 20)
        .build()
        .expect("a pool");
    let pool = Arc::new(pool);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/verb");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder of cases")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    assert!(files.len() > 3, "cases are missing");
    let mut wrong = String::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a case file");
        let now = pool.install(|| rewritten(&text, &pool));
        if now == text {
            continue;
        }
        if std::env::var_os("REWRITE").is_some() {
            std::fs::write(&file, now).expect("a writable case file");
            continue;
        }
        let differing = text.lines().zip(now.lines()).find(|(want, is)| want != is);
        let (want, is) = differing.unwrap_or_default();
        let _ = writeln!(wrong, "{}\n  want {want}\n  is   {is}", file.display());
    }
    assert!(wrong.is_empty(), "REWRITE=1 accepts what is:\n{wrong}");
}
