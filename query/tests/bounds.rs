//! What narrows a question gives the answer to the plain question on the estate that is left: random
//! small estates, each part of `ATTACK PATHS` alone and together with others.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use foothold_engine::budget::Budget;
use foothold_engine::build::Staging;
use foothold_engine::graph::Snapshot;
use foothold_engine::model::{Facts, SourceInfo};
use foothold_query::define::Definitions;
use foothold_query::diagnostic::{Colour, render_all};
use foothold_query::value::Val;
use foothold_query::verb::{AttackContext, AttackPathValue, StepWatch};
use foothold_query::{Env, Params, run};

#[path = "support/attack.rs"]
mod attack;
#[path = "support/random.rs"]
mod random;

use random::Random;

/// Houses with doors between them; two rules walk through one door, one needs two houses.
const RULES: [(&str, &str); 3] = [
    (
        "walk",
        "RULE walk \"Walk\"\n  TECHNIQUE 'T1001'\n  MATCH (a:House)-[e:WALK]->(b:House)\n  \
         GIVEN exec(a)\n  GAIN exec(b)\n  LIKELIHOOD e.p\n",
    ),
    (
        "jump",
        "RULE jump \"Jump\"\n  TECHNIQUE 'T1002.001'\n  MATCH (a:House)-[e:JUMP]->(b:House)\n  \
         GIVEN exec(a)\n  GAIN exec(b)\n  LIKELIHOOD e.p\n",
    ),
    (
        "pair",
        "RULE pair \"Pair\"\n  TECHNIQUE 'T1003'\n  \
         MATCH (a:House)-[e:FRONT]->(c:House), (b:House)-[:BACK]->(c)\n  \
         GIVEN exec(a), exec(b)\n  GAIN exec(c)\n  LIKELIHOOD e.p\n",
    ),
];

const SLOW: &str = "ATTACKER slow \"Slow\"\n  START exec(h:House WHERE h.name = 'h0')\n  \
     AVOIDING RULES jump\n  SKILL 0.5\n";

#[derive(Clone)]
struct Door {
    from: usize,
    kind: &'static str,
    to: usize,
    likelihood: f64,
    confidence: u8,
}

const N_HOUSES: usize = 6;

fn doors(random: &mut Random) -> Vec<Door> {
    let n_doors = 8 + random.below(7);
    (0..n_doors)
        .map(|_| {
            let kind = random.pick(&["WALK", "WALK", "JUMP", "FRONT", "BACK"]);
            Door {
                from: random.below(N_HOUSES),
                kind,
                to: random.below(N_HOUSES),
                likelihood: random.pick(&[1.0, 0.9, 0.5, 0.3]),
                // What is behind a house is known: then a match is as sure as one door.
                confidence: match kind {
                    "BACK" => 100,
                    _ => random.pick(&[100, 90, 80, 50]),
                },
            }
        })
        .collect()
}

/// A row of `ATTACK PATHS`: signature, likelihood, confidence, steps, source and target, states.
type Row = (String, f64, f64, i64, [String; 2], Vec<String>);

struct Estate {
    snapshot: Arc<Snapshot>,
    context: AttackContext,
}

impl Estate {
    fn new(
        doors: &[Door],
        without_house: &[usize],
        without_rule: &[&str],
        pool: &Arc<rayon::ThreadPool>,
    ) -> Self {
        let mut facts = Facts::new();
        let is_there = |house: &usize| !without_house.contains(house);
        for house in (0..N_HOUSES).filter(is_there) {
            let node = facts
                .node(&format!("x:h{house}"), &["House"])
                .expect("an id");
            facts.set(node, "name", format!("h{house}").as_str());
        }
        for (at, door) in doors.iter().enumerate() {
            if !is_there(&door.from) || !is_there(&door.to) {
                continue;
            }
            let ends = [door.from, door.to].map(|house| format!("x:h{house}"));
            let edge = facts.edge(&ends[0], door.kind, &ends[1]).expect("an edge");
            facts.set(edge, "p", door.likelihood);
            facts.set_key(edge, &format!("door {at}"));
            facts.infer(edge, "guess", door.confidence);
        }
        let mut staging = Staging::new();
        let info = SourceInfo {
            name: "case".into(),
            ..SourceInfo::default()
        };
        staging.add(&info, &facts);
        let snapshot = Arc::new(staging.snapshot().expect("a small graph"));
        let mut definitions = Definitions::new();
        for (name, text) in RULES {
            if !without_rule.contains(&name) {
                definitions.add(&format!("{name}.fql"), text);
            }
        }
        definitions.add("slow.fql", SLOW);
        let context = attack::context(&snapshot, definitions, pool);
        Estate { snapshot, context }
    }

    fn rows(&self, query: &str) -> Vec<Vec<Val>> {
        let watch = StepWatch::new(&self.context);
        let env = Env {
            now_ms: 0,
            surroundings: &watch,
        };
        match run(
            &self.snapshot,
            query,
            &Params::new(),
            &Budget::unlimited(),
            &env,
        ) {
            Ok(answer) => answer.rows,
            Err(diagnostics) => panic!("{}", render_all(&diagnostics, query, Colour::Never)),
        }
    }

    fn paths(&self, parts: &str) -> Vec<Row> {
        let query = format!("ATTACK PATHS {parts} YIELD path, likelihood, confidence, steps");
        let rows = self.rows(&query).into_iter();
        rows.map(|row| match &row[..] {
            [
                Val::Foreign(path),
                Val::Float(likelihood),
                Val::Float(confidence),
                Val::Int(steps),
            ] => {
                let path: &AttackPathValue = path.as_any().downcast_ref().expect("a path");
                let text = |state| path.graph().state_text(state);
                let states: Vec<String> = path.states().into_iter().map(text).collect();
                let ends = [path.path().source, path.path().target].map(text);
                (
                    path.signature().to_owned(),
                    *likelihood,
                    *confidence,
                    *steps,
                    ends,
                    states,
                )
            }
            other => panic!("{other:?}"),
        })
        .collect()
    }
}

const FROM: &str = "FROM exec(h:House WHERE h.name IN ['h0', 'h1'])";
const TO: &str = "TO exec(h:House WHERE h.name IN ['h4', 'h5'])";
const ALL: &str = "TOP 100000";

/// A narrowed question, and what is left of the estate and of its answer.
#[derive(Default)]
struct Narrowed {
    parts: String,
    confidence: f64,
    likelihood: f64,
    within: Option<i64>,
    via: Option<usize>,
    avoided: Vec<usize>,
    without: Vec<&'static str>,
    top: Option<(usize, &'static str)>,
}

impl Narrowed {
    /// A question with these parts, by bit.
    fn of(which: usize, random: &mut Random) -> Self {
        let mut narrowed = Narrowed::default();
        let parts = &mut narrowed.parts;
        let has = |bit: usize| which & (1 << bit) != 0;
        if has(3) {
            let via = 1 + random.below(3);
            let _ = write!(parts, " VIA (h:House {{name: 'h{via}'}})");
            narrowed.via = Some(via);
        }
        if has(4) {
            for _ in 0..=random.below(2) {
                let house = 2 + random.below(2);
                let _ = write!(parts, " AVOIDING (h:House {{name: 'h{house}'}})");
                narrowed.avoided.push(house);
            }
        }
        if has(5) {
            let rule = random.pick(&["walk", "jump", "pair"]);
            let _ = write!(parts, " AVOIDING RULES {rule}");
            narrowed.without.push(rule);
        }
        if has(6) {
            // A technique stands for its sub-techniques.
            let (technique, rule) = random.pick(&[("T1002", "jump"), ("T1003", "pair")]);
            let _ = write!(parts, " AVOIDING TECHNIQUES {technique}");
            narrowed.without.push(rule);
        }
        if has(2) {
            let within = 1 + random.below(4);
            let _ = write!(parts, " WITHIN {within} STEPS");
            narrowed.within = i64::try_from(within).ok();
        }
        if has(1) {
            narrowed.likelihood = random.pick(&[0.05, 0.3, 0.81]);
            let _ = write!(parts, " LIKELIHOOD >= {}", narrowed.likelihood);
        }
        if has(0) {
            narrowed.confidence = random.pick(&[0.5, 0.72, 0.8, 0.9, 1.0]);
            let _ = write!(parts, " CONFIDENCE >= {}", narrowed.confidence);
        }
        if has(7) {
            let per = random.pick(&["", "PER SOURCE", "PER TARGET", "PER PAIR"]);
            let n = 1 + random.below(3);
            let _ = write!(parts, " TOP {n} {per}");
            narrowed.top = Some((n, per));
        } else {
            let _ = write!(parts, " {ALL}");
        }
        narrowed
    }

    fn keeps(&self, row: &Row) -> bool {
        let via = self
            .via
            .is_none_or(|via| row.5.contains(&format!("exec(x:h{via})")));
        row.1 >= self.likelihood
            && row.2 >= self.confidence
            && self.within.is_none_or(|most| row.3 <= most)
            && via
    }

    /// The answer to the plain question on what is left.
    fn expected(&self, doors: &[Door], pool: &Arc<rayon::ThreadPool>) -> Vec<Row> {
        let is_sure = |door: &&Door| f64::from(door.confidence) / 100.0 >= self.confidence;
        let left: Vec<Door> = doors.iter().filter(is_sure).cloned().collect();
        let estate = Estate::new(&left, &self.avoided, &self.without, pool);
        let mut rows = estate.paths(&format!("{FROM} {TO} {ALL}"));
        rows.retain(|row| self.keeps(row));
        let mut counts: BTreeMap<Vec<String>, usize> = BTreeMap::new();
        if let Some((most, per)) = self.top {
            rows.retain(|row| {
                let group = match per {
                    "PER SOURCE" => vec![row.4[0].clone()],
                    "PER TARGET" => vec![row.4[1].clone()],
                    "PER PAIR" => row.4.to_vec(),
                    _ => Vec::new(),
                };
                let count = counts.entry(group).or_default();
                *count += 1;
                *count <= most
            });
        }
        rows
    }
}

/// What of the rows does not hang on the order of equals.
fn ranks(rows: &[Row]) -> Vec<(u64, i64)> {
    rows.iter().map(|row| (row.1.to_bits(), row.3)).collect()
}

fn sorted(rows: &[Row]) -> Vec<String> {
    let mut rows: Vec<String> = rows.iter().map(|row| format!("{row:?}")).collect();
    rows.sort();
    rows
}

fn pool() -> Arc<rayon::ThreadPool> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(2)
        .stack_size(8 << 20)
        .build();
    Arc::new(pool.expect("a pool"))
}

#[test]
fn a_narrowed_question_is_the_plain_one_of_what_is_left() {
    let pool = pool();
    let (mut n_rows, mut n_fewer) = (0, 0);
    for seed in 0..200 {
        let mut random = Random(seed);
        let doors = doors(&mut random);
        let estate = Estate::new(&doors, &[], &[], &pool);
        let all = estate.paths(&format!("{FROM} {TO} {ALL}")).len();
        // Each part alone, all of them, and some of them.
        for which in (0..8).map(|bit| 1 << bit).chain([0xff, random.below(256)]) {
            let narrowed = Narrowed::of(which, &mut random);
            let question = format!("{FROM} {TO}{}", narrowed.parts);
            let found = estate.paths(&question);
            let expected = narrowed.expected(&doors, &pool);
            assert_eq!(ranks(&found), ranks(&expected), "seed {seed}: {question}");
            if narrowed.top.is_none() {
                assert_eq!(sorted(&found), sorted(&expected), "seed {seed}: {question}");
            }
            n_rows += found.len();
            n_fewer += usize::from(found.len() < all);
        }
    }
    assert!(n_rows > 1000 && n_fewer > 500, "{n_rows} {n_fewer}");
}

#[test]
fn an_attacker_with_limits_is_anyone_without_what_they_do_not_do() {
    let pool = pool();
    let mut n_rows = 0;
    for seed in 0..200 {
        let doors = doors(&mut Random(seed));
        let estate = Estate::new(&doors, &[], &[], &pool);
        let found = estate.paths(&format!("FROM ATTACKER slow {TO} {ALL}"));
        // Each step, those in support too, succeeds half as often.
        let slower: Vec<Door> = doors
            .iter()
            .map(|door| Door {
                likelihood: door.likelihood * 0.5,
                ..door.clone()
            })
            .collect();
        let other = Estate::new(&slower, &[], &["jump"], &pool);
        let from = "FROM exec(h:House {name: 'h0'})";
        let expected = other.paths(&format!("{from} {TO} {ALL}"));
        assert_eq!(ranks(&found), ranks(&expected), "seed {seed}");
        assert_eq!(sorted(&found), sorted(&expected), "seed {seed}");
        n_rows += found.len();
        let questions = ["FROM ATTACKER slow", from];
        let [found, expected] =
            [(&estate, questions[0]), (&other, questions[1])].map(|(estate, from)| {
                let question =
                    format!("EXPLOITABILITY OF exec(h:House) {from} YIELD node, likelihood");
                format!("{:?}", estate.rows(&question))
            });
        assert_eq!(found, expected, "seed {seed}");
    }
    assert!(n_rows > 50, "{n_rows}");
}
