//! Every fix that a rule offers breaks the step: what it says to do is done to the graph of each
//! case, and the step has to be gone or less likely.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use foothold_engine::attack::{AttackGraph, FixTarget, derive};
use foothold_engine::budget::Budget;
use foothold_engine::score::ScoringModel;
use foothold_query::define::Definitions;
use foothold_query::define::fixture::{Fixture, shipped_fixtures};

/// What is done to the target of a fix.
enum Done {
    /// Its properties become these.
    Set(&'static str),
    /// It loses its relationships of these kinds, in either direction, and the properties.
    Lose(&'static [&'static str], &'static str),
    /// It is gone.
    Gone,
    /// It lies beyond the step: what the identity or image is good for afterwards.
    Beyond,
}

use Done::{Beyond, Gone, Lose, Set};

/// What each action means in facts.
const ACTIONS: &[(&str, Done)] = &[
    ("approve", Set("approval=true")),
    ("bind", Gone),
    ("change_code", Set("suppressed=true")),
    ("change_password", Lose(&["AUTHENTICATES"], "")),
    ("close", Lose(&["CAN_REACH"], "management")),
    (
        "close_to_machine",
        Set("privileged=false runtime_socket=false host_paths=[] capabilities_added=[]"),
    ),
    ("detach", Gone),
    ("distrust", Lose(&["TRUSTS_DOMAIN"], "")),
    ("drop_capabilities", Set("capabilities_added=[]")),
    ("drop_privileges", Set("privileged=false")),
    ("enforce_pod_security", Set("pod_security=baseline")),
    ("forbid_escalation", Set("allow_privilege_escalation=false")),
    ("isolate", Lose(&["SCHEDULED_ON"], "")),
    ("leave_host_network", Set("host_network=false")),
    ("limit_trigger", Set("any_branch=false")),
    ("lower_role", Set("role=read")),
    ("make_ephemeral", Set("ephemeral=true")),
    ("mount_read_only", Set("host_paths=[]")),
    ("narrow", Beyond),
    ("pass_by_variable", Set("injectable=false")),
    ("pin", Set("pinned=true")),
    ("protect_branch", Set("requires_code_owner_review=true")),
    ("remove", Gone),
    ("replace", Lose(&["AUTHENTICATES"], "")),
    ("require_authentication", Set("authenticated=true")),
    ("require_key", Set("mfa=phishing-resistant")),
    (
        "require_token",
        Set("metadata_token_required=true metadata_hop_limit=1"),
    ),
    ("reserve", Set("reserved=true")),
    ("restrict", Set("public_access_blocked=true")),
    ("restrict_egress", Lose(&["CAN_REACH"], "")),
    ("restrict_trust", Lose(&["CAN_ASSUME", "FEDERATES_TO"], "")),
    ("review", Set("reviewed=true")),
    ("rotate", Set("validity=revoked")),
    (
        "separate",
        Lose(
            &["READS", "RESTORES", "RUNS_AS", "RUNS_ON"],
            "share_process_namespace",
        ),
    ),
    ("sign", Beyond),
    ("single_index", Set("mixed_indexes=false")),
    ("split_job", Set("checks_out_proposal=false")),
    ("unassign", Gone),
    ("unmount", Lose(&["MOUNTS"], "")),
    (
        "unmount_host_path",
        Set("host_paths=[] host_paths_read_only=[]"),
    ),
    ("unmount_socket", Set("runtime_socket=false")),
    ("unmount_token", Set("automount_token=false")),
    ("upgrade", Lose(&["AFFECTED_BY"], "")),
    ("verify", Set("signature_enforced=true")),
];

/// The lines of a case after something is done to the target.
fn done(graph: &str, attack: &AttackGraph, target: FixTarget, done: &Done) -> String {
    let snapshot = attack.snapshot();
    let is_target = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        match target {
            FixTarget::Node(node) => {
                let id = snapshot.stable_id(node);
                words.first() == Some(&id) && !line.contains("-> ")
            }
            FixTarget::Edge(edge) => {
                let ends = snapshot.edge(edge);
                let kind = format!("-{}->", snapshot.kind_name(ends.kind));
                let action = snapshot
                    .prop_id("action")
                    .and_then(|action| snapshot.edge_str(edge, action));
                words.first() == Some(&snapshot.stable_id(ends.source))
                    && words.get(1) == Some(&kind.as_str())
                    && words.get(2) == Some(&snapshot.stable_id(ends.target))
                    && action.is_none_or(|action| line.replace('"', "").contains(action))
            }
        }
    };
    let touches = |line: &str| match target {
        FixTarget::Node(node) => {
            let id = snapshot.stable_id(node);
            line.split(' ').any(|word| word == id)
        }
        FixTarget::Edge(_) => is_target(line),
    };
    let mut lines = Vec::new();
    for line in graph.lines() {
        match done {
            Set(properties) if is_target(line) => lines.push(format!("{line} {properties}")),
            Lose(kinds, _) if kinds.iter().any(|kind| line.contains(kind)) && touches(line) => {}
            Lose(_, property) if !property.is_empty() && is_target(line) => {
                let words = line.split(' ').filter(|word| !word.starts_with(property));
                lines.push(words.collect::<Vec<_>>().join(" "));
            }
            Gone if touches(line) => {}
            _ => lines.push(line.to_owned()),
        }
    }
    lines.join("\n")
}

struct Judge {
    definitions: Definitions,
    model: Arc<ScoringModel>,
    pool: rayon::ThreadPool,
}

impl Judge {
    fn derive(&self, case: &Fixture) -> AttackGraph {
        let snapshot = Arc::new(case.snapshot().expect("a graph"));
        let (rules, _) = self.definitions.compile(&snapshot, &self.model);
        derive(
            &snapshot,
            &Arc::new(rules),
            &self.pool,
            &Budget::unlimited(),
        )
        .expect("an attack graph")
    }

    /// The steps of the rule of a case with what each costs.
    fn steps(&self, case: &Fixture) -> BTreeMap<String, u32> {
        let attack = self.derive(case);
        let topology = attack.topology();
        let of_rule = topology
            .steps()
            .filter(|step| attack.rules().get(attack.rule_of(*step)).name.as_ref() == case.rule);
        of_rule
            .map(|step| (text(&attack, step), topology.cost(step)))
            .collect()
    }
}

fn text(attack: &AttackGraph, step: foothold_engine::search::StepId) -> String {
    let topology = attack.topology();
    let given: Vec<String> = topology
        .premises(step)
        .into_iter()
        .map(|state| attack.state_text(state))
        .collect();
    format!(
        "{} => {}",
        given.join(" & "),
        attack.state_text(topology.gain(step))
    )
}

#[test]
fn every_fix_breaks_its_step_or_lowers_it() {
    let judge = Judge {
        definitions: Definitions::shipped(),
        model: Arc::new(ScoringModel::shipped()),
        pool: rayon::ThreadPoolBuilder::new()
            .num_threads(2)
            .build()
            .expect("a pool"),
    };
    let mut idle = Vec::new();
    let mut tried = BTreeSet::new();
    for (_, case) in shipped_fixtures() {
        if case.is_negative() {
            continue;
        }
        let attack = judge.derive(&case);
        let topology = attack.topology();
        for step in topology.steps() {
            let rule = attack.rules().get(attack.rule_of(step));
            let instances: Vec<_> = attack.instances_of(step).collect();
            if *rule.name != *case.rule || instances.len() != 1 {
                continue;
            }
            for fix in attack.fixes_of(step, instances[0]) {
                let action = ACTIONS.iter().find(|(action, _)| *action == &*fix.action);
                let Some((_, change)) = action else {
                    panic!("what does `{}` of {} do?", fix.action, rule.name);
                };
                if matches!(change, Beyond) || !tried.insert((case.rule.clone(), fix.id.clone())) {
                    continue;
                }
                let mended = Fixture {
                    graph: done(&case.graph, &attack, fix.target, change),
                    ..case.clone()
                };
                let still = judge.steps(&mended);
                let cost = still.get(&text(&attack, step));
                if cost.is_some_and(|cost| *cost <= topology.cost(step)) {
                    idle.push(format!("{}: {}: {}", case.rule, case.title, fix.id));
                }
            }
        }
    }
    assert!(idle.is_empty(), "break nothing:\n{}", idle.join("\n"));
}
