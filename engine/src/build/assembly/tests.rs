use std::fmt::Write as _;

use super::*;
use crate::build::assemble::Join;
use crate::build::correlate::view::View;
use crate::build::{Changes, Staging, assemble, assemble_changed};
use crate::graph::{EdgeId, NodeId, SnapshotDelta};
use crate::model::Value;

/// Numbers that are the same on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    fn of<'a>(&mut self, texts: &[&'a str]) -> &'a str {
        texts[self.below(texts.len() as u64) as usize]
    }
}

/// Ids that several documents speak of, of what joins read.
const IDS: [(&str, &str); 16] = [
    ("vuln:CVE-2024-1", "Vulnerability"),
    ("vuln:GHSA-a", "Vulnerability"),
    ("vuln:GHSA-b", "Vulnerability"),
    ("pkg:npm/a@1", "Package"),
    ("pkg:npm/b@1", "Package"),
    ("k8s://c/n/Deployment/w", "Workload"),
    ("k8s://c/n/Pod/w-1", "Workload"),
    ("k8s://c/n", "Namespace"),
    ("k8s://c", "Cluster"),
    ("k8s://c/-/Node/m", "Node"),
    ("k8s://c/n/Service/s", "Service"),
    ("k8s://c/n/ServiceAccount/sa", "ServiceAccount"),
    ("api://s", "Api"),
    ("route://s/GET/x", "Route"),
    ("image://r/i:1", "Image"),
    ("x:loose", "Thing"),
];

const KINDS: [(&str, usize, usize); 11] = [
    ("AFFECTED_BY", 3, 0),
    ("AFFECTED_BY", 4, 1),
    ("CONTROLLED_BY", 6, 5),
    ("IN_NAMESPACE", 5, 7),
    ("IN_NAMESPACE", 10, 7),
    ("IN_CLUSTER", 7, 8),
    ("IN_CLUSTER", 9, 8),
    ("HAS_ROUTE", 12, 13),
    ("RUNS_IMAGE", 5, 14),
    ("CONTAINS", 14, 3),
    ("HAS_PERMISSION", 11, 7),
];

fn any_facts(random: &mut Random) -> Facts {
    let mut facts = Facts::new();
    for _ in 0..random.below(10) {
        add_any(&mut facts, random);
    }
    facts
}

fn add_any(facts: &mut Facts, random: &mut Random) {
    let (id, label) = IDS[random.below(IDS.len() as u64) as usize];
    if random.below(5) < 3 {
        let more = random.of(&["Thing", "Asset", "Exposed"]);
        let labels = [label, more];
        let n = 1 + random.below(8) as usize / 7;
        let node = facts.node(id, &labels[..n]).unwrap();
        for _ in 0..random.below(3) {
            match random.below(5) {
                0 => facts.set(node, "name", random.of(&["s", "w", "a"])),
                1 => facts.set(node, "cvss_score", random.below(10) as f64),
                2 => facts.set(node, "replicas", random.below(4).cast_signed()),
                3 => facts.set(node, "malicious", random.below(2) == 0),
                _ => facts.set(
                    node,
                    "mixed",
                    match random.below(3) {
                        0 => Value::Int(1),
                        1 => Value::from("text"),
                        _ => Value::strings(["a", "b"]),
                    },
                ),
            }
        }
        if label == "Vulnerability" && random.below(3) == 0 {
            facts.set(
                node,
                "aliases",
                Value::strings([random.of(&["CVE-2024-1", "GHSA-a", "GHSA-b"])]),
            );
        }
        if random.below(5) == 0 {
            facts.infer(node, "guess", 50 + random.below(40) as u8);
        }
    } else {
        let (kind, from, to) = KINDS[random.below(KINDS.len() as u64) as usize];
        let to = if random.below(6) == 0 {
            IDS.len() - 1
        } else {
            to
        };
        let edge = facts.edge(IDS[from].0, kind, IDS[to].0).unwrap();
        if random.below(3) == 0 {
            facts.set(edge, "action", random.of(&["secrets:get", "pods:create"]));
        }
        match random.below(6) {
            0 => facts.set_key(edge, random.of(&["k", "l"])),
            1 => facts.infer(edge, "guess", 50 + random.below(40) as u8),
            _ => {}
        }
    }
}

fn any_document(name: &str, random: &mut Random) -> Arc<Document> {
    let info = any_info(name, random);
    Arc::new(Document::new(info, any_facts(random)))
}

fn any_info(name: &str, random: &mut Random) -> SourceInfo {
    SourceInfo {
        name: name.into(),
        observed_at_ms: random.below(4).cast_signed(),
        authority: random.below(8) as u8 / 7 * 10,
        ..SourceInfo::default()
    }
}

/// The document with a fact more or less, or as known from another time.
fn another(document: &Document, random: &mut Random) -> Arc<Document> {
    match random.below(4) {
        0 => Arc::new(document.with_info(any_info(&document.info.name, random))),
        1 => any_document(&document.info.name, random),
        _ => {
            let mut facts = (*document.facts).clone();
            add_any(&mut facts, random);
            Arc::new(Document::new(document.info.clone(), facts))
        }
    }
}

/// Everything that a snapshot says.
fn dump(snapshot: &Snapshot) -> String {
    let mut out = String::new();
    let labels: Vec<&str> = snapshot
        .labels()
        .map(|it| snapshot.label_name(it))
        .collect();
    let kinds: Vec<&str> = snapshot.kinds().map(|it| snapshot.kind_name(it)).collect();
    let props: Vec<&str> = snapshot.props().map(|it| snapshot.prop_name(it)).collect();
    writeln!(out, "{labels:?} {kinds:?} {props:?}").unwrap();
    for source in snapshot.sources() {
        writeln!(out, "{source:?}").unwrap();
    }
    for node in snapshot.nodes() {
        let labels = snapshot.labels_of(node).iter();
        let labels: Vec<&str> = labels.map(|&it| snapshot.label_name(it)).collect();
        let props: Vec<_> = snapshot
            .node_props(node)
            .map(|(it, value)| (snapshot.prop_name(it), value))
            .collect();
        let said_by = (snapshot.node_sources(node), snapshot.node_confidence(node));
        writeln!(
            out,
            "{} {labels:?} {props:?} {said_by:?}",
            snapshot.stable_id(node)
        )
        .unwrap();
        assert!(snapshot.node(snapshot.stable_id(node)) == Some(node));
        for (edge, kind, target) in snapshot.out_all(node) {
            assert_eq!(snapshot.edge(edge).kind, kind);
            assert_eq!(snapshot.edge(edge).target, target);
        }
        let n_in = snapshot.in_all(node).count();
        assert_eq!(
            n_in,
            snapshot
                .edges()
                .filter(|&edge| snapshot.edge(edge).target == node)
                .count()
        );
    }
    for edge in snapshot.edges() {
        let ends = snapshot.edge(edge);
        let props: Vec<_> = snapshot
            .edge_props(edge)
            .map(|(it, value)| (snapshot.prop_name(it), value))
            .collect();
        let said_by = (snapshot.edge_sources(edge), snapshot.edge_confidence(edge));
        let (from, to) = (
            snapshot.stable_id(ends.source),
            snapshot.stable_id(ends.target),
        );
        writeln!(
            out,
            "{from} -{}-> {to} {props:?} {said_by:?}",
            snapshot.kind_name(ends.kind)
        )
        .unwrap();
    }
    for prop in snapshot.props() {
        writeln!(out, "{:?}", snapshot.prop_usage(prop)).unwrap();
    }
    out
}

fn staged(documents: &[Arc<Document>]) -> Staging {
    let mut staging = Staging::new();
    for document in documents {
        staging.add(&document.info, &document.facts);
    }
    staging
}

#[test]
fn assembling_after_a_change_is_assembling() {
    let (mut n_partly, mut n_shared) = (0, 0);
    for seed in 0..300 {
        let random = &mut Random(seed);
        let mut documents: Vec<Arc<Document>> = (0..=random.below(6))
            .map(|at| any_document(&format!("d{at}"), random))
            .collect();
        let mut assembly = Assembly::new(documents.clone()).unwrap();
        for step in 0..6 {
            match random.below(5) {
                0 => documents.push(any_document(&format!("n{step}"), random)),
                1 if !documents.is_empty() => {
                    documents.swap_remove(random.below(documents.len() as u64) as usize);
                }
                _ if !documents.is_empty() => {
                    let at = random.below(documents.len() as u64) as usize;
                    documents[at] = another(&documents[at], random);
                }
                _ => {}
            }
            let whole = assemble(staged(&documents)).unwrap();
            let change = Change::between(&assembly, &documents).unwrap();
            let partly = assembly
                .renewed(&change, &documents, &Changes::new(), 0)
                .unwrap();
            n_partly += usize::from(partly.is_some());
            if let Some((snapshot, _)) = partly {
                assert_eq!(dump(&snapshot), dump(&whole), "seed {seed}, step {step}");
                // What is shared with the snapshot before is compared no more, and rightly.
                let delta = |now: &Snapshot| SnapshotDelta::new(assembly.snapshot(), now);
                assert_eq!(delta(&snapshot), delta(&whole), "seed {seed}, step {step}");
                n_shared += usize::from(snapshot.shares_edges(assembly.snapshot()));
            }
            assembly = assembly.with_documents(documents.clone()).unwrap();
            assert_eq!(
                dump(assembly.snapshot()),
                dump(&whole),
                "seed {seed}, step {step}"
            );
        }
    }
    assert!(n_partly > 1000, "{n_partly}");
    assert!(n_shared > 100, "{n_shared}");
}

#[test]
fn pretending_a_change_is_assembling_what_was_changed() {
    for seed in 0..300 {
        let random = &mut Random(!seed);
        let documents: Vec<Arc<Document>> = (0..=random.below(6))
            .map(|at| any_document(&format!("d{at}"), random))
            .collect();
        let assembly = Assembly::new(documents.clone()).unwrap();
        let snapshot = assembly.snapshot();
        let mut changes = Changes::new();
        for _ in 0..=random.below(3) {
            let nodes: Vec<NodeId> = snapshot.nodes().collect();
            let edges: Vec<EdgeId> = snapshot.edges().collect();
            match random.below(5) {
                0 if !nodes.is_empty() => {
                    changes.remove_node(snapshot, nodes[random.below(nodes.len() as u64) as usize]);
                }
                1 if !edges.is_empty() => {
                    changes.remove_edge(snapshot, edges[random.below(edges.len() as u64) as usize]);
                }
                2 if !edges.is_empty() => {
                    let edge = edges[random.below(edges.len() as u64) as usize];
                    let value = (random.below(2) == 0).then(|| Value::from("secrets:list"));
                    changes.set_edge(snapshot, edge, "action", value);
                }
                3 if !nodes.is_empty() => {
                    let node = nodes[random.below(nodes.len() as u64) as usize];
                    let value = (random.below(2) == 0).then(|| Value::from("w"));
                    changes.set_node(snapshot.stable_id(node), "name", value);
                }
                _ => add_any(changes.added_mut(), random),
            }
        }
        let whole = assemble_changed(staged(&documents), &changes).unwrap();
        let change = Change::pretended(&assembly, &changes).unwrap();
        let partly = assembly.renewed(&change, &documents, &changes, 0).unwrap();
        let (partly, _) = partly.unwrap();
        assert_eq!(dump(&partly), dump(&whole), "seed {seed}");
        assert_eq!(
            dump(&assembly.changed(&changes).unwrap()),
            dump(&whole),
            "seed {seed}"
        );
    }
}

/// A join that reads what others state only where a switch says so.
struct MadeUp {
    name: &'static str,
    run: fn(View<'_>, &mut Facts),
}

impl Join for MadeUp {
    fn name(&self) -> &'static str {
        self.name
    }

    fn run(&self, view: View<'_>, facts: &mut Facts) {
        (self.run)(view, facts);
    }
}

fn switched(view: View<'_>, name: &str) -> bool {
    let switch = view.labelled("Switch").into_iter();
    switch
        .into_iter()
        .any(|node| view.text(node, "on") == Some(name))
}

fn copied(view: View<'_>, facts: &mut Facts, from: &str, to: &str) {
    for (_, source, target) in view.edges(from) {
        facts.edge(view.id(source), to, view.id(target)).unwrap();
    }
}

/// Each would say something else if it saw what the others state.
const MADE_UP: Rounds = Rounds(&[
    &[
        &MadeUp {
            name: "early",
            run: |view, facts| {
                for (word, kind) in [("b", "B"), ("late", "LATE"), ("c", "C")] {
                    if switched(view, word) {
                        copied(view, facts, kind, "EARLY");
                    }
                }
                if switched(view, "node") && view.node("x:brought").is_some() {
                    facts.edge("x:0", "EARLY", "x:0").unwrap();
                }
                if switched(view, "own") {
                    copied(view, facts, "EARLY", "OWN");
                }
            },
        },
        &MadeUp {
            name: "b",
            run: |view, facts| {
                copied(view, facts, "A", "B");
                if switched(view, "early") {
                    copied(view, facts, "EARLY", "B");
                }
            },
        },
        &MadeUp {
            name: "brings",
            run: |view, facts| {
                if view.edges("A").next().is_some() {
                    facts.node("x:brought", &["Brought"]).unwrap();
                }
            },
        },
    ],
    &[
        &MadeUp {
            name: "late",
            run: |view, facts| {
                copied(view, facts, "B", "LATE");
                copied(view, facts, "EARLY", "LATE");
                if switched(view, "c") {
                    copied(view, facts, "C", "LATER");
                }
            },
        },
        &MadeUp {
            name: "c",
            run: |view, facts| copied(view, facts, "EARLY", "C"),
        },
    ],
]);

#[test]
fn no_join_sees_what_comes_after_it() {
    let mut n_seen = 0;
    for seed in 0..400 {
        let random = &mut Random(seed);
        let document = |name: &str, random: &mut Random| {
            let mut facts = Facts::new();
            for _ in 0..random.below(4) {
                let (from, to) = (random.below(3), random.below(3));
                let kind = random.of(&["A", "A", "B", "EARLY", "C"]);
                facts
                    .edge(&format!("x:{from}"), kind, &format!("x:{to}"))
                    .unwrap();
            }
            for _ in 0..random.below(3) {
                let id = format!("switch:{}", random.below(3));
                let switch = facts.node(&id, &["Switch"]).unwrap();
                facts.set(
                    switch,
                    "on",
                    random.of(&["b", "late", "c", "node", "own", "early"]),
                );
            }
            Arc::new(Document::new(any_info(name, random), facts))
        };
        let mut documents: Vec<_> = (0..3)
            .map(|at| document(&format!("d{at}"), random))
            .collect();
        let mut assembly = Assembly::joining(documents.clone(), MADE_UP).unwrap();
        for step in 0..6 {
            let at = random.below(3) as usize;
            documents[at] = document(&format!("d{at}"), random);
            let whole = Assembly::joining(documents.clone(), MADE_UP).unwrap();
            let change = Change::between(&assembly, &documents).unwrap();
            let renewal = Renewal {
                before: &assembly,
                change: &change,
                documents: &documents,
                changes: &Changes::new(),
                observed_at_ms: observed_at_ms(documents.iter().map(|document| &document.info)),
                worth: 0,
            };
            for hiding in [Hiding::What, Hiding::Everything] {
                match renewal.run(hiding).unwrap() {
                    Renewed::Done(snapshot, _) => assert_eq!(
                        dump(&snapshot),
                        dump(whole.snapshot()),
                        "seed {seed}, step {step}, {hiding:?}"
                    ),
                    Renewed::SawTooMuch => n_seen += 1,
                    Renewed::TooMuch => {}
                }
            }
            assembly = assembly.with_documents(documents.clone()).unwrap();
            assert_eq!(dump(assembly.snapshot()), dump(whole.snapshot()));
        }
    }
    // Some joins came to read what they did not read before.
    assert!((50..1_200).contains(&n_seen), "{n_seen}");
}
