use std::fmt::Write;
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;

use proptest::prelude::*;

use crate::graph::{EdgeId, NodeId, Snapshot, View};
use crate::model::{Facts, SourceInfo, Value};

use super::Staging;
use super::merge::Orders;

fn source(name: &str) -> SourceInfo {
    SourceInfo {
        name: Arc::from(name),
        ..SourceInfo::default()
    }
}

/// Everything a snapshot says, as text.
fn dump(snapshot: &Snapshot) -> String {
    let mut out = String::new();
    for node in snapshot.nodes() {
        let labels: Vec<&str> = snapshot
            .labels_of(node)
            .iter()
            .map(|&label| snapshot.label_name(label))
            .collect();
        write!(out, "{} {labels:?}", snapshot.stable_id(node)).unwrap();
        for (prop, value) in snapshot.node_props(node) {
            write!(out, " {}={value:?}", snapshot.prop_name(prop)).unwrap();
        }
        writeln!(out, " @{:?}", snapshot.node_sources(node)).unwrap();
    }
    for edge in snapshot.edges() {
        let ends = snapshot.edge(edge);
        write!(
            out,
            "{} -{}-> {}",
            snapshot.stable_id(ends.source),
            snapshot.kind_name(ends.kind),
            snapshot.stable_id(ends.target)
        )
        .unwrap();
        for (prop, value) in snapshot.edge_props(edge) {
            write!(out, " {}={value:?}", snapshot.prop_name(prop)).unwrap();
        }
        writeln!(
            out,
            " @{:?} {}",
            snapshot.edge_sources(edge),
            snapshot.edge_confidence(edge)
        )
        .unwrap();
    }
    out
}

fn merged(documents: &[(SourceInfo, Facts)]) -> Snapshot {
    let mut staging = Staging::new();
    for (info, facts) in documents {
        staging.add(info, facts);
    }
    staging.snapshot().unwrap()
}

#[test]
fn the_same_thing_in_two_sources_is_one_node() {
    let mut sbom = Facts::new();
    let node = sbom.node("pkg:npm/a@1", &["Package"]).unwrap();
    sbom.set(node, "name", "a");
    sbom.set(node, "scope", "required");
    let mut scan = Facts::new();
    let node = scan.node("pkg:npm/a@1", &["Package", "Library"]).unwrap();
    scan.set(node, "scope", "optional");
    let person = SourceInfo {
        authority: 10,
        ..source("mine")
    };
    let snapshot = merged(&[(source("sbom"), sbom), (person, scan)]);
    assert_eq!(
        dump(&snapshot),
        "pkg:npm/a@1 [\"Library\", \"Package\"] name=Str(\"a\") scope=Str(\"optional\") \
         @[SourceId(0), SourceId(1)]\n"
    );
}

#[test]
fn parallel_edges_stay_apart_and_repeated_statements_do_not_double() {
    let mut facts = Facts::new();
    for port in [80_i64, 443] {
        let edge = facts.edge("a:1", "REACHES", "a:2").unwrap();
        facts.set(edge, "port", port);
    }
    let keyed = facts.edge("a:1", "REACHES", "a:2").unwrap();
    facts.set_key(keyed, "ssh");
    let snapshot = merged(&[(source("one"), facts.clone()), (source("two"), facts)]);
    assert_eq!(snapshot.n_edges(), 3);
    assert_eq!(snapshot.edge_sources(EdgeId(0)).len(), 2);
}

#[test]
fn an_inferred_edge_says_how_and_how_sure() {
    let mut facts = Facts::new();
    let edge = facts.edge("a:1", "BUILDS", "a:2").unwrap();
    facts.infer(edge, "oci-source-label", 90);
    let snapshot = merged(&[(source("correlation"), facts)]);
    let method = snapshot.prop_id("method").unwrap();
    let confidence = snapshot.prop_id("confidence").unwrap();
    assert_eq!(
        snapshot.edge_prop(EdgeId(0), method),
        Some(Value::from("oci-source-label"))
    );
    assert_eq!(
        snapshot.edge_prop(EdgeId(0), confidence),
        Some(Value::Float(0.9))
    );
}

#[test]
fn aliases_merge_ids_and_cycles_of_aliases_end() {
    let mut facts = Facts::new();
    facts.node("vuln:GHSA-x", &["Vulnerability"]).unwrap();
    facts.node("vuln:CVE-1", &["Vulnerability"]).unwrap();
    facts
        .edge("pkg:npm/a@1", "AFFECTED_BY", "vuln:GHSA-x")
        .unwrap();
    let mut staging = Staging::new();
    staging.add(&source("s"), &facts);
    staging.alias("vuln:GHSA-x", "vuln:CVE-1");
    staging.alias("vuln:CVE-1", "vuln:GHSA-x");
    let snapshot = staging.snapshot().unwrap();
    assert_eq!(snapshot.node("vuln:GHSA-x"), None);
    let edge = snapshot.edge(EdgeId(0));
    assert_eq!(snapshot.stable_id(edge.target), "vuln:CVE-1");
}

#[test]
fn indexes_answer_equality_prefix_and_range() {
    let mut facts = Facts::new();
    for (at, value) in [
        Value::Int(1),
        Value::Float(1.0),
        Value::Float(2.5),
        Value::from("ab"),
        Value::from("ac"),
        Value::Float(f64::NAN),
    ]
    .into_iter()
    .enumerate()
    {
        let node = facts.node(&format!("n:{at}"), &[]).unwrap();
        facts.set(node, "v", value);
    }
    let snapshot = merged(&[(source("s"), facts)]);
    let prop = snapshot.prop_id("v").unwrap();
    let nodes = |bitmap: roaring::RoaringBitmap| bitmap.iter().collect::<Vec<u32>>();
    assert_eq!(nodes(snapshot.nodes_with(prop, &Value::Int(1))), [0, 1]);
    assert_eq!(nodes(snapshot.nodes_with_prefix(prop, "a")), [3, 4]);
    assert_eq!(
        nodes(snapshot.nodes_in_range(prop, (Excluded(&Value::Int(1)), Unbounded))),
        [2]
    );
    let before_ac = snapshot.nodes_in_range(prop, (Unbounded, Excluded(&Value::from("ac"))));
    assert_eq!(nodes(before_ac), [3]);
    let all_numbers = snapshot.nodes_in_range(prop, (Unbounded, Excluded(&Value::Float(9.0))));
    assert_eq!(nodes(all_numbers), [0, 1, 2]);
}

#[test]
fn labels_of_all_ends_are_known() {
    let mut facts = Facts::new();
    for (id, labels) in [
        ("n:a", ["A", "X"]),
        ("n:b", ["B", "X"]),
        ("n:c", ["B", "Y"]),
    ] {
        facts.node(id, &labels).unwrap();
    }
    for (from, kind, to) in [
        ("n:a", "K", "n:b"),
        ("n:a", "K", "n:c"),
        ("n:c", "L", "n:a"),
    ] {
        facts.edge(from, kind, to).unwrap();
    }
    let snapshot = merged(&[(source("s"), facts)]);
    let have = |kind: &str, is_source: bool| -> Vec<&str> {
        let kind = snapshot.kind_id(kind).unwrap();
        let labels = snapshot.labels();
        labels
            .filter(|&label| snapshot.ends_have_label(kind, is_source, label))
            .map(|label| snapshot.label_name(label))
            .collect()
    };
    assert_eq!(have("K", true), ["A", "X"]);
    assert_eq!(have("K", false), ["B"]);
    assert_eq!(have("L", true), ["B", "Y"]);
    assert_eq!(have("L", false), ["A", "X"]);
}

#[test]
fn rows_of_every_kind_are_the_rows_of_each() {
    let mut facts = Facts::new();
    for at in 0..9 {
        facts.node(&format!("n:{at}"), &[]).unwrap();
    }
    for at in 0..40_usize {
        let (from, to) = (at * 7 % 9, at * at % 5);
        let kind = ["K", "L", "M"][at % 3];
        let edge = facts
            .edge(&format!("n:{from}"), kind, &format!("n:{to}"))
            .unwrap();
        facts.set_key(edge, &at.to_string());
    }
    let snapshot = merged(&[(source("s"), facts)]);
    for node in snapshot.nodes() {
        let out: Vec<u32> = snapshot.out_all(node).map(|(_, _, end)| end.0).collect();
        assert_eq!(snapshot.every_target(node), out);
        let incoming: Vec<u32> = snapshot.in_all(node).map(|(_, _, end)| end.0).collect();
        assert_eq!(snapshot.every_source(node), incoming);
    }
}

fn arbitrary_facts() -> impl Strategy<Value = Vec<(u8, u8, u8, u8)>> {
    prop::collection::vec((0..12_u8, 0..12_u8, 0..3_u8, 0..4_u8), 0..60)
}

fn documents(rows: &[(u8, u8, u8, u8)]) -> Vec<(SourceInfo, Facts)> {
    (0..4_u8)
        .map(|document| {
            let mut facts = Facts::new();
            for &(from, to, kind, owner) in rows {
                if owner == document {
                    let node = facts
                        .node(&format!("n:{from}"), &[["A", "B"][usize::from(kind % 2)]])
                        .unwrap();
                    facts.set(node, "p", i64::from(to));
                    facts
                        .edge(
                            &format!("n:{from}"),
                            ["K", "L", "M"][usize::from(kind)],
                            &format!("n:{to}"),
                        )
                        .unwrap();
                }
            }
            (source(&format!("s{document}")), facts)
        })
        .collect()
}

proptest! {
    #[test]
    fn the_order_of_documents_does_not_matter(rows in arbitrary_facts(), turn in 0..4_usize) {
        let mut shuffled = documents(&rows);
        shuffled.rotate_left(turn);
        shuffled.swap(0, 3);
        prop_assert_eq!(dump(&merged(&documents(&rows))), dump(&merged(&shuffled)));
    }

    #[test]
    fn merging_after_an_earlier_merge_is_merging(
        rows in arbitrary_facts(),
        n_early in 0..4_usize,
        alias in 0..12_u8,
    ) {
        let mut staging = Staging::new();
        let mut orders = Orders::default();
        for (n_added, (info, facts)) in documents(&rows).iter().enumerate() {
            staging.add(info, facts);
            if n_added >= n_early {
                staging.snapshot_after(&mut orders).unwrap();
            }
        }
        let after = staging.snapshot_after(&mut orders).unwrap();
        prop_assert_eq!(dump(&after), dump(&staging.snapshot().unwrap()));
        // A node that takes another place in between.
        staging.alias(&format!("n:{alias}"), "a:first");
        let after = staging.snapshot_after(&mut orders).unwrap();
        prop_assert_eq!(dump(&after), dump(&staging.snapshot().unwrap()));
    }

    #[test]
    fn rows_hold_exactly_the_edges_in_both_directions(rows in arbitrary_facts()) {
        let snapshot = merged(&documents(&rows));
        let mut forward = Vec::new();
        let mut backward = Vec::new();
        for node in snapshot.nodes() {
            for (edge, kind, target) in snapshot.out_all(node) {
                prop_assert_eq!(snapshot.edge(edge), crate::graph::EdgeRef { source: node, kind, target });
                forward.push(edge);
            }
            for (edge, kind, from) in snapshot.in_all(node) {
                prop_assert_eq!(snapshot.edge(edge), crate::graph::EdgeRef { source: from, kind, target: node });
                backward.push(edge);
            }
        }
        forward.sort_unstable();
        backward.sort_unstable();
        let all: Vec<EdgeId> = snapshot.edges().collect();
        prop_assert_eq!(&forward, &all);
        prop_assert_eq!(&backward, &all);
    }

    #[test]
    fn petgraph_runs_on_the_snapshot(rows in arbitrary_facts()) {
        let snapshot = merged(&documents(&rows));
        let kinds: Vec<_> = snapshot.kinds().collect();
        let view = View::new(&snapshot, &kinds);
        let ours: usize = petgraph::algo::tarjan_scc(view).len();
        let mut copy = petgraph::graph::DiGraph::<(), ()>::new();
        for _ in snapshot.nodes() {
            copy.add_node(());
        }
        for edge in snapshot.edges() {
            let ends = snapshot.edge(edge);
            copy.add_edge(ends.source.0.into(), ends.target.0.into(), ());
        }
        prop_assert_eq!(ours, petgraph::algo::tarjan_scc(&copy).len());
        if snapshot.n_nodes() > 0 {
            let mut walk = petgraph::visit::Bfs::new(view, NodeId(0));
            let mut seen = 0;
            while walk.next(view).is_some() {
                seen += 1;
            }
            prop_assert!(seen >= 1);
        }
    }
}

#[test]
fn joins_add_no_node_to_a_graph_they_know_nothing_about() {
    let mut facts = Facts::new();
    facts.node("a:1", &["A"]).unwrap();
    facts.edge("a:1", "KNOWS", "a:2").unwrap();
    let mut staging = Staging::new();
    staging.add(&source("s"), &facts);
    let snapshot = super::assemble(staging).unwrap();
    let ids: Vec<&str> = snapshot
        .nodes()
        .map(|node| snapshot.stable_id(node))
        .collect();
    assert_eq!(ids, ["a:1", "a:2"]);
}
