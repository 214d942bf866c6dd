//! `WHAT IF` gives the graph that really changing the import gives: random small estates with the
//! shipped rules, joins included, compared node by node, edge by edge and step by step.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

use std::fmt::Write as _;
use std::sync::Arc;

use foothold_engine::attack::{AttackGraph, derive};
use foothold_engine::budget::Budget;
use foothold_engine::build::{Changes, Staging, assemble_changed};
use foothold_engine::graph::Snapshot;
use foothold_engine::model::SourceInfo;
use foothold_engine::score::ScoringModel;
use foothold_query::define::{Definitions, fixture};
use foothold_query::parse::parse_query;
use foothold_query::{CoreOnly, Params};

use foothold_query::verb::{ChangeEnv, resolve_changes};

#[path = "support/random.rs"]
mod random;

use random::Random;

const NODES: &[(&str, &str)] = &[
    ("net://internet", "Internet"),
    ("k8s://c/a/Service/front", "Service"),
    ("k8s://c/a/Service/back", "Service"),
    ("k8s://c/a/Deployment/web", "Workload"),
    ("k8s://c/a/Deployment/api", "Workload"),
    ("k8s://c/a/ServiceAccount/sa", "ServiceAccount:Identity"),
    ("k8s://c/a/Secret/s", "Secret"),
    ("image://x/web:1", "Image"),
    ("pkg:npm/left@1.0.0", "Package"),
    ("pkg:npm/right@2.0.0", "Package"),
    ("vuln:CVE-1", "Vulnerability"),
    ("vuln:CVE-2", "Vulnerability"),
    ("db:orders", "DataStore"),
    ("node:one", "Node"),
];

/// Kinds with the labels of their ends, so that many facts have meaning.
const EDGES: &[(&str, &str, &str)] = &[
    ("Internet", "CAN_REACH", "Service"),
    ("Service", "ROUTES_TO", "Workload"),
    ("Workload", "CAN_REACH", "Service"),
    ("Workload", "RUNS", "Image"),
    ("Image", "CONTAINS", "Package"),
    ("Package", "AFFECTED_BY", "Vulnerability"),
    ("Workload", "RUNS_AS", "ServiceAccount"),
    ("Workload", "MOUNTS", "Secret"),
    ("Workload", "CONNECTS_TO", "DataStore"),
    ("Workload", "SCHEDULED_ON", "Node"),
    ("Secret", "AUTHENTICATES", "ServiceAccount"),
];

/// One line of a graph.
#[derive(Clone, PartialEq)]
enum Line {
    Node {
        id: String,
        labels: String,
        props: Vec<(String, String)>,
    },
    Edge {
        from: String,
        kind: String,
        to: String,
        props: Vec<(String, String)>,
    },
}

impl Line {
    fn text(&self) -> String {
        let (mut text, props) = match self {
            Line::Node { id, labels, props } => (format!("{id} :{labels}"), props),
            Line::Edge {
                from,
                kind,
                to,
                props,
            } => (format!("{from} -{kind}-> {to}"), props),
        };
        for (name, value) in props {
            let _ = write!(text, " {name}={value}");
        }
        text
    }
}

fn estate(random: &mut Random) -> Vec<Line> {
    let mut lines = Vec::new();
    for (id, labels) in NODES {
        if random.below(8) == 0 {
            continue;
        }
        let mut props = Vec::new();
        if labels.contains("Vulnerability") {
            for (name, values) in [
                ("attack_vector", &["network", "local"]),
                ("kev", &["true", "false"]),
                ("severity", &["high", "low"]),
            ] {
                if random.below(3) > 0 {
                    props.push((name.to_owned(), random.pick(values).to_owned()));
                }
            }
        }
        if *labels == "DataStore" {
            props.push(("value".to_owned(), "5".to_owned()));
        }
        lines.push(Line::Node {
            id: (*id).to_owned(),
            labels: (*labels).to_owned(),
            props,
        });
    }
    for (from_label, kind, to_label) in EDGES {
        for (from, labels) in NODES {
            for (to, others) in NODES {
                let fits = labels.contains(from_label) && others.contains(to_label);
                if fits && random.below(10) < 6 {
                    let mut props = Vec::new();
                    if *kind == "CAN_REACH" && random.below(4) == 0 {
                        props.push(("decision".to_owned(), "unknown".to_owned()));
                    }
                    lines.push(Line::Edge {
                        from: (*from).to_owned(),
                        kind: (*kind).to_owned(),
                        to: (*to).to_owned(),
                        props,
                    });
                }
            }
        }
    }
    lines
}

/// A change as FQL, and what it does to the lines.
fn change(lines: &[Line], random: &mut Random) -> (String, Vec<Line>) {
    // Nodes are few among the lines; they are to be chosen as often.
    let n_nodes = lines
        .iter()
        .filter(|line| matches!(line, Line::Node { .. }))
        .count();
    let at = match random.below(2) {
        0 => random.below(n_nodes),
        _ => random.below(lines.len()),
    };
    match &lines[at] {
        Line::Edge { from, kind, to, .. } if random.below(3) > 0 => {
            let text =
                format!("REMOVE (a WHERE id(a) = '{from}')-[:{kind}]->(b WHERE id(b) = '{to}')");
            (
                text,
                lines
                    .iter()
                    .filter(|line| *line != &lines[at])
                    .cloned()
                    .collect(),
            )
        }
        Line::Edge {
            from,
            kind,
            to,
            props,
        } => {
            let text = format!(
                "SET (a WHERE id(a) = '{from}')-[:{kind}]->(b WHERE id(b) = '{to}').decision = 'unknown'"
            );
            let mut props: Vec<(String, String)> = props
                .iter()
                .filter(|(name, _)| name != "decision")
                .cloned()
                .collect();
            props.push(("decision".to_owned(), "unknown".to_owned()));
            let mut changed = lines.to_vec();
            changed[at] = Line::Edge {
                from: from.clone(),
                kind: kind.clone(),
                to: to.clone(),
                props,
            };
            (text, changed)
        }
        Line::Node { id, .. } if random.below(3) == 0 => {
            let text = format!("REMOVE (n WHERE id(n) = '{id}')");
            let left = lines.iter().filter(|line| match line {
                Line::Node { id: other, .. } => other != id,
                Line::Edge { from, to, .. } => from != id && to != id,
            });
            (text, left.cloned().collect())
        }
        Line::Node { id, labels, props } if random.below(2) == 0 => {
            let text = format!("SET (n WHERE id(n) = '{id}').attack_vector = null");
            let props = props.iter().filter(|(name, _)| name != "attack_vector");
            let mut changed = lines.to_vec();
            changed[at] = Line::Node {
                id: id.clone(),
                labels: labels.clone(),
                props: props.cloned().collect(),
            };
            (text, changed)
        }
        Line::Node { .. } => {
            // A relationship that fits, so that it may open something.
            let (from_label, kind, to_label) = EDGES[random.below(EDGES.len())];
            let ends = |label: &str| -> Vec<&(&str, &str)> {
                let fitting = NODES.iter().filter(|(_, labels)| labels.contains(label));
                fitting.collect()
            };
            let (sources, targets) = (ends(from_label), ends(to_label));
            let from = sources[random.below(sources.len())];
            let to = targets[random.below(targets.len())];
            let colons = |labels: &str| labels.replace(':', "&");
            let text = format!(
                "ADD (a:{} {{id: '{}'}})-[:{kind} {{by: 'x'}}]->(b:{} {{id: '{}'}})",
                colons(from.1),
                from.0,
                colons(to.1),
                to.0
            );
            let mut changed = lines.to_vec();
            for (id, labels) in [from, to] {
                let is_known = lines.iter().any(|line| match line {
                    Line::Node { id: known, .. } => known == id,
                    Line::Edge { from, to, .. } => from == id || to == id,
                });
                if !is_known {
                    changed.push(Line::Node {
                        id: (*id).to_owned(),
                        labels: (*labels).to_owned(),
                        props: Vec::new(),
                    });
                }
            }
            // Another source states the same relationship where there is one already.
            let same = changed.iter_mut().find_map(|line| match line {
                Line::Edge {
                    from: source,
                    kind: known,
                    to: target,
                    props,
                } if source == from.0 && known == kind && target == to.0 => Some(props),
                _ => None,
            });
            let by = ("by".to_owned(), "x".to_owned());
            match same {
                Some(props) => props.push(by),
                None => changed.push(Line::Edge {
                    from: from.0.to_owned(),
                    kind: kind.to_owned(),
                    to: to.0.to_owned(),
                    props: vec![by],
                }),
            }
            (text, changed)
        }
    }
}

fn snapshot(lines: &[Line], changes: &Changes) -> Arc<Snapshot> {
    let text: Vec<String> = lines.iter().map(Line::text).collect();
    let mut staging = Staging::new();
    let info = SourceInfo {
        name: "estate".into(),
        ..SourceInfo::default()
    };
    staging.add(&info, &fixture::facts(&text.join("\n")).expect("a graph"));
    Arc::new(assemble_changed(staging, changes).expect("a small graph"))
}

fn attack(snapshot: &Arc<Snapshot>, pool: &rayon::ThreadPool) -> AttackGraph {
    let model = Arc::new(ScoringModel::shipped());
    let (rules, _) = Definitions::shipped().compile(snapshot, &model);
    derive(snapshot, &Arc::new(rules), pool, &Budget::unlimited()).expect("derives")
}

/// Everything a graph says, sources left out.
fn dump(snapshot: &Snapshot, graph: &AttackGraph) -> String {
    let mut text = String::new();
    for node in snapshot.nodes() {
        let labels: Vec<&str> = snapshot
            .labels_of(node)
            .iter()
            .map(|&label| snapshot.label_name(label))
            .collect();
        let props: Vec<String> = snapshot
            .node_props(node)
            .map(|(prop, value)| format!("{}={value:?}", snapshot.prop_name(prop)))
            .collect();
        let _ = writeln!(text, "{} {labels:?} {props:?}", snapshot.stable_id(node));
    }
    for edge in snapshot.edges() {
        let ends = snapshot.edge(edge);
        let props: Vec<String> = snapshot
            .edge_props(edge)
            .map(|(prop, value)| format!("{}={value:?}", snapshot.prop_name(prop)))
            .collect();
        let _ = writeln!(
            text,
            "{} {} {} {props:?} {}",
            snapshot.stable_id(ends.source),
            snapshot.kind_name(ends.kind),
            snapshot.stable_id(ends.target),
            snapshot.edge_confidence(edge)
        );
    }
    text + &steps(graph)
}

fn steps(graph: &AttackGraph) -> String {
    let topology = graph.topology();
    let mut lines: Vec<String> = topology
        .steps()
        .map(|step| {
            let premises: Vec<String> = topology
                .premises(step)
                .into_iter()
                .map(|one| graph.state_text(one))
                .collect();
            format!(
                "{} {premises:?} {} {} {:.6}\n",
                graph.rules().get(graph.rule_of(step)).name,
                graph.state_text(topology.gain(step)),
                topology.cost(step),
                graph.confidence_of(step),
            )
        })
        .collect();
    lines.sort_unstable();
    let states = (0..graph.n_states()).len();
    format!("{states} states\n{}", lines.concat())
}

fn pool() -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .stack_size(8 << 20)
        .build()
        .expect("a pool")
}

#[test]
fn a_pretended_change_is_the_real_one() {
    let pool = pool();
    let mut n_opened = 0;
    let mut n_steps_changed = 0;
    for seed in 0..60 {
        let random = &mut Random(seed);
        let lines = estate(random);
        let (text, changed) = change(&lines, random);
        let base = snapshot(&lines, &Changes::new());
        let before = attack(&base, &pool);
        let query = format!("WHAT IF {text} RETURN 1 AS one");
        let tree = parse_query(&query)
            .ok()
            .unwrap_or_else(|error| panic!("{query}: {error:?}"));
        let env = ChangeEnv {
            snapshot: &base,
            graph: &before,
            surroundings: &CoreOnly,
            text: &query,
            params: &Params::new(),
            now_ms: 0,
            budget: &Budget::unlimited(),
        };
        let what_if = resolve_changes(&env, &tree.what_if)
            .unwrap_or_else(|error| panic!("{query}: {error:?}"));
        let pretended = snapshot(&lines, &what_if.facts);
        let real = snapshot(&changed, &Changes::new());
        let (pretended_attack, real_attack) = (attack(&pretended, &pool), attack(&real, &pool));
        let (is, wanted) = (
            dump(&pretended, &pretended_attack),
            dump(&real, &real_attack),
        );
        let differing = is
            .lines()
            .zip(wanted.lines())
            .find(|(is, wanted)| is != wanted);
        assert!(is == wanted, "seed {seed}: {query}\n{differing:#?}");
        n_steps_changed += usize::from(steps(&before) != steps(&real_attack));
        n_opened += usize::from(real_attack.n_steps() > before.n_steps());
    }
    // The estates are rich enough for changes to matter, in both directions.
    assert!(n_steps_changed > 15, "{n_steps_changed}");
    assert!(n_opened > 0, "{n_opened}");
}

#[test]
fn without_some_edges_is_derived_again_without_them() {
    let pool = pool();
    let mut n_shorter = 0;
    for seed in 1000..1060 {
        let random = &mut Random(seed);
        let lines = estate(random);
        let base = snapshot(&lines, &Changes::new());
        let before = attack(&base, &pool);
        let Some(kind) = base.kind_id("AFFECTED_BY") else {
            continue;
        };
        let gone: Vec<_> = base
            .edges_of_kind(kind)
            .filter(|_| random.below(2) == 0)
            .map(foothold_engine::graph::EdgeId)
            .collect();
        let fast = before
            .without(|step, instance| {
                before
                    .bindings_of(step, instance)
                    .edges()
                    .any(|edge| gone.contains(&edge))
            })
            .expect("a smaller graph");
        let mut changes = Changes::new();
        for &edge in &gone {
            changes.remove_edge(&base, edge);
        }
        let slow = attack(&snapshot(&lines, &changes), &pool);
        assert_eq!(steps(&fast), steps(&slow), "seed {seed}");
        n_shorter += usize::from(fast.n_steps() < before.n_steps());
    }
    assert!(n_shorter > 1, "{n_shorter}");
}
