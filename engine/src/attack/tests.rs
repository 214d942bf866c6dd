//! Derivation on graphs a person can read.

use std::fmt::Write as _;
use std::sync::Arc;

use super::testing::{Flag, derived, hop, snapshot};
use super::*;
use crate::pattern::Var;

fn dump(graph: &AttackGraph) -> Vec<String> {
    let topology = graph.topology();
    topology
        .steps()
        .map(|step| {
            let premises: Vec<String> = topology
                .premises(step)
                .into_iter()
                .map(|state| graph.state_text(state))
                .collect();
            format!(
                "{}: {} => {} x{}",
                graph.rules().get(graph.rule_of(step)).name,
                premises.join(" & "),
                graph.state_text(topology.gain(step)),
                graph.instances_of(step).len()
            )
        })
        .collect()
}

#[test]
fn matches_with_the_same_premises_and_gain_are_one_step() {
    let snapshot = snapshot("a K b\na K b\nb K c");
    let graph = derived(
        &snapshot,
        vec![hop("h", "K", Capability::Exec, Capability::Exec, 0.5)],
        1,
    );
    assert_eq!(
        dump(&graph),
        [
            "h: exec(n:a) => exec(n:b) x2",
            "h: exec(n:b) => exec(n:c) x1"
        ]
    );
}

#[test]
fn a_step_that_gains_what_it_needs_is_left_out() {
    let snapshot = snapshot("a K a\na K b");
    let graph = derived(
        &snapshot,
        vec![hop("h", "K", Capability::Exec, Capability::Exec, 0.5)],
        1,
    );
    assert_eq!(dump(&graph), ["h: exec(n:a) => exec(n:b) x1"]);
}

#[test]
fn several_premises_make_an_and_step() {
    let mut rule = hop("both", "K", Capability::Know, Capability::Read, 0.9);
    let Var(a) = rule.given[0].var;
    rule.given.push(StateTemplate {
        var: Var(a + 1),
        capability: Capability::Reach,
    });
    let graph = derived(&snapshot("k K d"), vec![rule], 1);
    assert_eq!(
        dump(&graph),
        ["both: reach(n:d) & know(n:k) => read(n:d) x1"]
    );
    assert_eq!(graph.topology().n_and_steps(), 1);
}

#[test]
fn guards_lower_or_remove_and_unknown_does_neither() {
    let snapshot = snapshot("a K b\na K c\na K d\nb flag true\nc flag false");
    let guarded = |factor: f64| {
        let mut rule = hop("h", "K", Capability::Exec, Capability::Exec, 0.8);
        let b = rule.gain[0].var;
        rule.guards.push(Guard {
            name: "g".into(),
            factor,
            condition: Arc::new(Flag(b)),
        });
        derived(&snapshot, vec![rule], 1)
    };
    let lowered = guarded(0.5);
    let likelihoods: Vec<f64> = lowered
        .topology()
        .steps()
        .flat_map(|step| lowered.instances_of(step))
        .map(|instance| lowered.instance(instance).likelihood)
        .collect();
    assert_eq!(likelihoods, [0.4, 0.8, 0.8]);
    assert_eq!(dump(&guarded(0.0)).len(), 2);
}

#[test]
fn a_rule_without_its_facts_is_reported_as_silent() {
    let rules = vec![
        hop("h", "K", Capability::Exec, Capability::Exec, 0.5),
        hop("quiet", "ABSENT", Capability::Exec, Capability::Exec, 0.5),
    ];
    let graph = derived(&snapshot("a K b"), rules, 1);
    assert_eq!(
        graph.silent_rules(),
        [SilentRule {
            rule: "quiet".into(),
            missing: vec!["-[:ABSENT]-".to_owned()]
        }]
    );
}

#[test]
fn a_rule_whose_property_nothing_has_is_reported_as_silent() {
    let mut rule = hop("flagged", "K", Capability::Exec, Capability::Exec, 0.5);
    rule.needs = vec!["flag".into()];
    let silent = |lines: &str| {
        let graph = derived(&snapshot(lines), vec![rule.clone()], 1);
        graph.silent_rules().to_vec()
    };
    assert_eq!(silent("a K b")[0].missing, [".flag"]);
    assert_eq!(silent("a K b\na flag false"), []);
}

#[test]
fn a_step_explains_itself() {
    let graph = derived(
        &snapshot("a K b"),
        vec![hop("h", "K", Capability::Exec, Capability::Exec, 0.5)],
        1,
    );
    let step = graph.topology().steps().next().unwrap();
    let instance = graph.instances_of(step).next().unwrap();
    let explanation = graph.explain(step, instance);
    assert_eq!(explanation.text, "n:a");
    assert_eq!(explanation.evidence.len(), 1);
    assert_eq!(explanation.fixes[0].id, "close:n:b");
    assert_eq!(explanation.fixes[0].title, "Close n:b");
    assert_eq!(&*explanation.factors[0].name, "fixed");
}

#[test]
fn the_number_of_threads_does_not_matter() {
    let mut lines = String::new();
    for at in 0..300_u32 {
        writeln!(
            lines,
            "n{} K n{}\nn{} L n{}",
            at % 40,
            at * 7 % 50,
            at % 30,
            at * 11 % 60
        )
        .unwrap();
    }
    let snapshot = snapshot(&lines);
    let rules = || {
        vec![
            hop("k", "K", Capability::Exec, Capability::Exec, 0.5),
            hop("l", "L", Capability::Exec, Capability::Read, 0.7),
        ]
    };
    assert_eq!(
        dump(&derived(&snapshot, rules(), 1)),
        dump(&derived(&snapshot, rules(), 4))
    );
}
