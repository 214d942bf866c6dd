//! Derivation after a change against derivation from the start, on random small estates.

use std::fmt::Write as _;
use std::sync::Arc;

use super::*;
use crate::attack::testing::{Fixed, Flag, hop, snapshot};
use crate::attack::{Capability, Factor, Guard, Likelihood, Reads, RuleSet, StateTemplate};
use crate::budget::Limits;
use crate::pattern::{Direction, LabelExpr, Predicate, RulePattern, Var};

struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % n
    }
}

const N: u64 = 12;

fn line(random: &mut Random) -> String {
    let (a, b) = (random.below(N), random.below(N));
    match random.below(10) {
        0..3 => format!("n{a} K n{b}"),
        3..6 => format!("n{a} L n{b}"),
        6..8 => format!("n{a} X n{b}"),
        _ => format!("n{a} flag {}", random.below(2) == 0),
    }
}

/// Whether the node has any edge of kind X: a condition that reads more than what is matched.
#[derive(Debug)]
struct HasX(Var);

impl Predicate for HasX {
    fn eval(&self, snapshot: &Snapshot, bindings: &Bindings) -> Option<bool> {
        let Some(kind) = snapshot.kind_id("X") else {
            return Some(false);
        };
        Some(!snapshot.out_edges(bindings.node(self.0)?, kind).is_empty())
    }

    fn variables(&self) -> &[Var] {
        std::slice::from_ref(&self.0)
    }

    fn text(&self) -> &'static str {
        "has x"
    }
}

/// Likelier where the node is flagged.
#[derive(Debug)]
struct LikelierFlagged(Var);

impl Likelihood for LikelierFlagged {
    fn eval(&self, snapshot: &Snapshot, bindings: &Bindings, _: Option<&mut Vec<Factor>>) -> f64 {
        match Flag(self.0).eval(snapshot, bindings) {
            Some(true) => 0.9,
            Some(false) => 0.2,
            None => 0.4,
        }
    }

    fn variables(&self) -> Option<&[Var]> {
        Some(std::slice::from_ref(&self.0))
    }

    fn text(&self) -> &'static str {
        "likelier where flagged"
    }
}

fn rules() -> Arc<RuleSet> {
    let (exec, read) = (Capability::Exec, Capability::Read);
    let plain = hop("plain", "K", exec, exec, 0.9);

    // (a)-[:K]->(b)-[:L]-(c): two edges, one either way, a condition in the middle.
    let mut joined = hop("joined", "K", exec, read, 0.7);
    let b = joined.gain[0].var;
    let c = joined.pattern.node("c", LabelExpr::Any);
    joined.pattern.edge("f", b, LabelExpr::name("L"), c);
    joined.pattern.edges[1].direction = Direction::Any;
    joined.pattern.conditions.push(Arc::new(Flag(b)));
    joined.gain[0].var = c;

    // Both ends held, lowered where the target is flagged.
    let mut both = hop("both", "L", exec, Capability::As, 0.8);
    let b = both.gain[0].var;
    both.given.push(StateTemplate {
        var: b,
        capability: read,
    });
    both.guards.push(Guard {
        name: "flagged".into(),
        factor: 0.5,
        condition: Arc::new(Flag(b)),
    });
    both.decides = Reads::Properties(Vec::new());

    // Several matches a step, of which the flags decide which comes first.
    let mut scored = hop("scored", "K", exec, Capability::Root, 0.8);
    let (from, to) = (scored.given[0].var, scored.gain[0].var);
    let c = scored.pattern.node("c", LabelExpr::Any);
    scored.pattern.edge("f", to, LabelExpr::name("L"), c);
    scored.likelihood = Arc::new(LikelierFlagged(c));
    scored.guards.push(Guard {
        name: "flagged".into(),
        factor: 0.5,
        condition: Arc::new(Flag(from)),
    });
    scored.decides = Reads::Properties(Vec::new());

    // A node alone, and every pair of such nodes.
    let mut alone = hop("alone", "K", Capability::Reach, read, 0.6);
    alone.pattern = RulePattern::default();
    let d = alone.pattern.node("d", LabelExpr::Any);
    let e = alone.pattern.node("e", LabelExpr::Any);
    alone.pattern.conditions.push(Arc::new(Flag(d)));
    alone.pattern.conditions.push(Arc::new(Flag(e)));
    alone.given[0].var = d;
    alone.gain[0].var = e;
    alone.fixes.clear();

    // Reads beyond its match.
    let mut far = hop("far", "L", exec, Capability::Know, 0.4);
    far.pattern
        .conditions
        .push(Arc::new(HasX(far.given[0].var)));
    far.reads = Reads::Everything;

    // The same, and says where.
    let mut beyond = hop("beyond", "L", exec, Capability::Admin, 0.4);
    beyond
        .pattern
        .conditions
        .push(Arc::new(HasX(beyond.given[0].var)));
    beyond.beyond.kinds = vec!["X".into()];

    // Silent while nothing is of kind X.
    let quiet = hop("quiet", "X", read, Capability::Write, 0.5);

    // Says nothing of what it was made from.
    let mut unknown = hop("unknown", "K", read, Capability::Write, 0.5);
    unknown.definition = "".into();
    Arc::new(RuleSet::new([
        plain, joined, both, scored, alone, far, beyond, quiet, unknown,
    ]))
}

fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap()
}

fn estate(lines: &[String]) -> Arc<Snapshot> {
    let mut text = String::new();
    for line in lines {
        writeln!(text, "{line}").unwrap();
    }
    snapshot(&text)
}

#[test]
fn deriving_again_is_deriving() {
    let (one, many) = (pool(1), pool(3));
    let budget = Budget::unlimited();
    let (mut n_kept_rules, mut n_patched) = (0, 0);
    for seed in 0..400 {
        let mut random = Random(seed);
        let n_lines = 3 + random.below(40);
        let mut lines: Vec<String> = (0..n_lines).map(|_| line(&mut random)).collect();
        let mut old = derive(&estate(&lines), &rules(), &one, &budget).unwrap();
        for round in 0..5 {
            let only_flags = random.below(3) == 0;
            for _ in 0..=random.below(4) {
                if only_flags {
                    let (node, flag) = (random.below(N), random.below(2) == 0);
                    lines.push(format!("n{node} flag {flag}"));
                } else if random.below(2) == 0 && !lines.is_empty() {
                    let at = random.below(lines.len() as u64) as usize;
                    lines.remove(at);
                } else {
                    lines.push(line(&mut random));
                }
            }
            let snapshot = estate(&lines);
            let delta = SnapshotDelta::new(old.snapshot(), &snapshot);
            let full = derive(&snapshot, &rules(), &many, &budget).unwrap();
            let fresh = derive_again(&old, &delta, &snapshot, &rules(), &one, &budget).unwrap();
            assert!(fresh.is_identical(&full), "seed {seed}, round {round}");
            // However much changed, only around what changed.
            let before = Before::new(&old, &delta, 0);
            let around = again(&before, &snapshot, &rules(), &one, &budget).unwrap();
            assert!(around.is_identical(&full), "seed {seed}, round {round}");
            // Where the steps stay, the graph before is taken with other likelihoods.
            let rules = rules();
            let parts = rules.rules().iter();
            let found: Result<Vec<_>, Stop> = parts
                .map(|rule| before.matches(&snapshot, rule, &budget))
                .collect();
            if let Some(patched) = before.patched(&snapshot, &rules, &found.unwrap()) {
                assert!(patched.is_identical(&full), "seed {seed}, round {round}");
                n_patched += usize::from(!patched.is_identical(&old));
            }
            n_kept_rules += usize::from(!delta.is_empty() && full.n_steps() > 0);
            old = fresh;
        }
    }
    assert!(n_kept_rules > 1000);
    assert!(n_patched > 30, "{n_patched}");
}

#[test]
fn another_definition_is_matched_from_the_start() {
    let budget = Budget::unlimited();
    let snapshot = snapshot("a K b\nb K c");
    let rules = |likelihood: f64| {
        let rule = hop("h", "K", Capability::Exec, Capability::Exec, likelihood);
        Arc::new(RuleSet::new([rule]))
    };
    let old = derive(&snapshot, &rules(0.5), &pool(1), &budget).unwrap();
    let delta = SnapshotDelta::new(&snapshot, &snapshot);
    assert!(delta.is_empty());
    let new = rules(0.25);
    let again = derive_again(&old, &delta, &snapshot, &new, &pool(1), &budget).unwrap();
    let full = derive(&snapshot, &new, &pool(1), &budget).unwrap();
    assert!(again.is_identical(&full));
    assert!(!again.is_identical(&old));
}

#[test]
fn what_nothing_concerns_is_not_looked_at() {
    // A likelihood that changes between calls shows which matches are judged again.
    let mut rule = hop("h", "K", Capability::Exec, Capability::Exec, 0.5);
    let lines: String = (0..40).fold(String::new(), |mut lines, at| {
        writeln!(lines, "a{at} K b{at}").unwrap();
        lines
    });
    let budget = Budget::unlimited();
    let before = snapshot(&lines);
    let old = derive(
        &before,
        &Arc::new(RuleSet::new([rule.clone()])),
        &pool(1),
        &budget,
    )
    .unwrap();
    rule.likelihood = Arc::new(Fixed(0.25));
    let after = snapshot(&format!("{lines}a3 flag true\nc K d\n"));
    let delta = SnapshotDelta::new(&before, &after);
    let rules = Arc::new(RuleSet::new([rule]));
    let again = derive_again(&old, &delta, &after, &rules, &pool(1), &budget).unwrap();
    let judged = again
        .instances
        .iter()
        .filter(|instance| instance.likelihood < 0.3)
        .count();
    assert_eq!((again.n_instances(), judged), (41, 2));
}

#[test]
fn the_parts_of_a_rule_come_together_at_any_number_of_threads() {
    let mut random = Random(7);
    let lines: Vec<String> = (0..4000)
        .map(|_| format!("n{} K n{}", random.below(900), random.below(900)))
        .collect();
    let snapshot = estate(&lines);
    let budget = Budget::unlimited();
    let one = derive(&snapshot, &rules(), &pool(1), &budget).unwrap();
    let four = derive(&snapshot, &rules(), &pool(4), &budget).unwrap();
    assert!(one.n_steps() > 3000);
    assert!(one.is_identical(&four));
}

#[test]
fn a_pattern_that_is_cheap_from_one_end_is_matched_from_there() {
    // (a)-[:X]->(b)-[:K]->(c)-[:L]->(d): one edge is X, and each c has many K and L.
    let mut rule = hop("far", "X", Capability::Exec, Capability::Exec, 0.5);
    let b = rule.gain[0].var;
    let c = rule.pattern.node("c", LabelExpr::Any);
    let d = rule.pattern.node("d", LabelExpr::Any);
    rule.pattern.edge("f", b, LabelExpr::name("K"), c);
    rule.pattern.edge("g", c, LabelExpr::name("L"), d);
    let rules = Arc::new(RuleSet::new([rule]));
    let mut lines = String::from("a X b\nb K c0\n");
    for c in 0..40 {
        for at in 0..40 {
            writeln!(lines, "b{at} K c{c}\nc{c} L d{at}").unwrap();
        }
    }
    let before = snapshot(&lines);
    let budget = Budget::unlimited();
    let old = derive(&before, &rules, &pool(1), &budget).unwrap();
    let full = budget.expansions();
    for c in 0..40 {
        writeln!(lines, "c{c} L e").unwrap();
    }
    let after = snapshot(&lines);
    let delta = SnapshotDelta::new(&before, &after);
    let budget = Budget::unlimited();
    let again = derive_again(&old, &delta, &after, &rules, &pool(1), &budget).unwrap();
    let fresh = derive(&after, &rules, &pool(1), &Budget::unlimited()).unwrap();
    assert!(again.is_identical(&fresh));
    // Without a limit it looks at 1,640 edges from the new ones back.
    assert!(full < 200, "{full}");
    let most = full + 1_200;
    assert!(budget.expansions() < most, "{}", budget.expansions());
    // What was given up counts for whoever asked.
    let small = Budget::new(Limits {
        expansions: 100,
        ..Limits::NONE
    });
    let stopped = derive_again(&old, &delta, &after, &rules, &pool(1), &small);
    assert_eq!(stopped.err(), Some(DeriveError::Stopped(Stop::Expansions)));
}
