//! The matcher against brute force on small graphs.

use std::ops::ControlFlow;
use std::sync::Arc;

use proptest::prelude::*;

use crate::budget::{Budget, Limits, Stop};
use crate::build::Staging;
use crate::graph::{EdgeId, NodeId, Snapshot};
use crate::model::{Facts, SourceInfo};

use super::{
    Binding, Bindings, Direction, LabelExpr, Plan, Predicate, RulePattern, Var, for_each_match,
};

fn graph(labels: &[bool], edges: &[(usize, usize, bool)]) -> Snapshot {
    let mut facts = Facts::new();
    for (idx, is_marked) in labels.iter().enumerate() {
        let labels: &[&str] = if *is_marked { &["N", "M"] } else { &["N"] };
        facts.node(&format!("t:{idx}"), labels).unwrap();
    }
    for (idx, (from, to, is_k)) in edges.iter().enumerate() {
        let kind = if *is_k { "K" } else { "L" };
        let edge = facts
            .edge(&format!("t:{from}"), kind, &format!("t:{to}"))
            .unwrap();
        facts.set_key(edge, &idx.to_string());
    }
    let mut staging = Staging::new();
    staging.add(&SourceInfo::default(), &facts);
    staging.snapshot().unwrap()
}

fn all(snapshot: &Snapshot, pattern: &RulePattern, bindings: &mut Bindings) -> Vec<Bindings> {
    let bound: Vec<Var> = (0..pattern.vars.len() as u16)
        .map(Var)
        .filter(|&var| bindings.is_bound(var))
        .collect();
    let plan = Plan::new(snapshot, pattern, &bound);
    let mut found = Vec::new();
    let flow = for_each_match(
        snapshot,
        &Budget::unlimited(),
        &plan,
        bindings,
        |bindings| {
            found.push(bindings.clone());
            ControlFlow::Continue(())
        },
    );
    assert_eq!(flow, Ok(ControlFlow::Continue(())));
    found
}

#[derive(Debug)]
struct Differ([Var; 2]);

impl Predicate for Differ {
    fn eval(&self, _: &Snapshot, bindings: &Bindings) -> Option<bool> {
        Some(bindings.node(self.0[0])? != bindings.node(self.0[1])?)
    }
    fn variables(&self) -> &[Var] {
        &self.0
    }
    fn text(&self) -> &'static str {
        "they differ"
    }
}

/// `(a:M)-[:K]->(b)-[]-(c)-[:L]->(a)` with `a <> c`; `is_sorted`: `(b)-[:K]->(c)`, so that every
/// row is sorted.
fn triangle(is_sorted: bool) -> (RulePattern, [Var; 3]) {
    let mut pattern = RulePattern::default();
    let a = pattern.node("a", LabelExpr::name("M"));
    let b = pattern.node("b", LabelExpr::Any);
    let c = pattern.node("c", LabelExpr::Any);
    pattern.edge("x", a, LabelExpr::name("K"), b);
    let kinds = if is_sorted {
        LabelExpr::name("K")
    } else {
        LabelExpr::Any
    };
    pattern.edge("y", b, kinds, c);
    pattern.edge("z", c, LabelExpr::name("L"), a);
    if let Some(edge) = pattern.edges.get_mut(1).filter(|_| !is_sorted) {
        edge.direction = Direction::Any;
    }
    pattern.conditions.push(Arc::new(Differ([a, c])));
    (pattern, [a, b, c])
}

fn brute_force(snapshot: &Snapshot, is_sorted: bool) -> Vec<[u32; 6]> {
    let mut found = Vec::new();
    let edges: Vec<EdgeId> = snapshot.edges().collect();
    let kind = |edge: EdgeId| snapshot.kind_name(snapshot.edge(edge).kind).to_owned();
    for &x in &edges {
        let (a, b) = (snapshot.edge(x).source, snapshot.edge(x).target);
        let is_marked = snapshot
            .label_id("M")
            .is_some_and(|label| snapshot.has_label(a, label));
        if kind(x) != "K" || !is_marked {
            continue;
        }
        for &y in &edges {
            let ends = snapshot.edge(y);
            let mut others: Vec<NodeId> = Vec::new();
            if ends.source == b {
                others.push(ends.target);
            }
            if is_sorted {
                others.retain(|_| kind(y) == "K");
            } else if ends.target == b && ends.source != b {
                others.push(ends.source);
            }
            for c in others {
                for &z in &edges {
                    let ends = snapshot.edge(z);
                    let fits = ends.source == c && ends.target == a && kind(z) == "L";
                    if fits && a != c && x != y && y != z && x != z {
                        found.push([a.0, b.0, c.0, x.0, y.0, z.0]);
                    }
                }
            }
        }
    }
    found.sort_unstable();
    found
}

proptest! {
    #[test]
    fn a_cyclic_pattern_equals_brute_force(
        labels in prop::collection::vec(any::<bool>(), 1..5),
        edges in prop::collection::vec((0..4_usize, 0..4_usize, any::<bool>()), 0..14),
        is_sorted in any::<bool>(),
    ) {
        let n = labels.len();
        let edges: Vec<_> = edges.into_iter().map(|(from, to, kind)| (from % n, to % n, kind)).collect();
        let snapshot = graph(&labels, &edges);
        let (pattern, [a, b, c]) = triangle(is_sorted);
        let row = |bindings: &Bindings| {
            let node = |var| bindings.node(var).map_or(u32::MAX, |node| node.0);
            let edge = |name| pattern.find_var(name).and_then(|var| bindings.edge(var)).map_or(u32::MAX, |edge| edge.0);
            [node(a), node(b), node(c), edge("x"), edge("y"), edge("z")]
        };
        let matches = all(&snapshot, &pattern, &mut Bindings::new(pattern.vars.len()));
        let mut rows: Vec<_> = matches.iter().map(row).collect();
        rows.sort_unstable();
        prop_assert_eq!(&rows, &brute_force(&snapshot, is_sorted));
        // Binding a node beforehand gives the matches with that node.
        for node in snapshot.nodes() {
            let mut bindings = Bindings::new(pattern.vars.len());
            bindings.set(c, Binding::Node(node));
            let given = all(&snapshot, &pattern, &mut bindings);
            let expected = rows.iter().filter(|row| row[2] == node.0).count();
            prop_assert_eq!(given.len(), expected);
        }
    }
}

#[test]
fn a_budget_stops_an_explosive_pattern() {
    let edges: Vec<_> = (0..40)
        .flat_map(|a| (0..40).map(move |b| (a, b, true)))
        .collect();
    let snapshot = graph(&[true; 40], &edges);
    let mut pattern = RulePattern::default();
    let nodes: Vec<Var> = (0..6)
        .map(|idx| pattern.node(&format!("n{idx}"), LabelExpr::Any))
        .collect();
    for pair in nodes.windows(2) {
        pattern.edge("", pair[0], LabelExpr::Any, pair[1]);
    }
    let plan = Plan::new(&snapshot, &pattern, &[]);
    let budget = Budget::new(Limits {
        expansions: 100_000,
        ..Limits::NONE
    });
    let stop = for_each_match(&snapshot, &budget, &plan, &mut plan.bindings(), |_| {
        ControlFlow::Continue(())
    });
    assert_eq!(stop, Err(Stop::Expansions));
}
