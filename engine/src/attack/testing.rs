//! Small rules and graphs for the tests of several modules.

use std::sync::Arc;

use super::*;
use crate::budget::Budget;
use crate::build::Staging;
use crate::graph::Snapshot;
use crate::model::{Facts, SourceInfo};
use crate::pattern::{Bindings, LabelExpr, Predicate, RulePattern, Var};

#[derive(Debug)]
pub(crate) struct Fixed(pub(crate) f64);

impl Likelihood for Fixed {
    fn eval(&self, _: &Snapshot, _: &Bindings, factors: Option<&mut Vec<Factor>>) -> f64 {
        if let Some(factors) = factors {
            factors.push(Factor {
                name: "fixed".into(),
                value: None,
                effect: self.0.to_string(),
            });
        }
        self.0
    }

    fn text(&self) -> &'static str {
        "fixed"
    }
}

/// Holds where the node has the property `flag` set to true; unknown where it has none.
#[derive(Debug)]
pub(crate) struct Flag(pub(crate) Var);

impl Predicate for Flag {
    fn eval(&self, snapshot: &Snapshot, bindings: &Bindings) -> Option<bool> {
        let prop = snapshot.prop_id("flag")?;
        snapshot.node_prop(bindings.node(self.0)?, prop)?.as_bool()
    }

    fn variables(&self) -> &[Var] {
        std::slice::from_ref(&self.0)
    }

    fn text(&self) -> &'static str {
        "flag"
    }
}

/// `MATCH (a:From)-[:kind]->(b) GIVEN given(a) GAIN gain(b)`.
pub(crate) fn hop(
    name: &str,
    kind: &str,
    given: Capability,
    gain: Capability,
    likelihood: f64,
) -> Rule {
    let mut pattern = RulePattern::default();
    let a = pattern.node("a", LabelExpr::Any);
    let b = pattern.node("b", LabelExpr::Any);
    pattern.edge("e", a, LabelExpr::name(kind), b);
    Rule {
        name: name.into(),
        id: None,
        title: name.into(),
        family: "test".into(),
        techniques: vec!["T1190".into()],
        pattern,
        given: vec![StateTemplate {
            var: a,
            capability: given,
        }],
        gain: vec![StateTemplate {
            var: b,
            capability: gain,
        }],
        likelihood: Arc::new(Fixed(likelihood)),
        confidence: 1.0,
        guards: Vec::new(),
        fixes: vec![FixTemplate {
            action: "close".into(),
            target: b,
            title: Template(vec![
                TemplatePart::Text("Close ".into()),
                TemplatePart::Hole {
                    var: b,
                    property: None,
                },
            ]),
            cost: 1,
        }],
        explanation: Template(vec![TemplatePart::Hole {
            var: a,
            property: None,
        }]),
        remediation: "".into(),
        definition: format!("{name} {kind} {given} {gain} {likelihood}").into(),
        reads: Reads::Properties(vec!["flag".into()]),
        decides: Reads::Properties(vec!["flag".into()]),
        beyond: Beyond::default(),
        needs: Vec::new(),
    }
}

/// Lines `a KIND b`, `a flag true|false` or `a value 5`.
pub(crate) fn snapshot(lines: &str) -> Arc<Snapshot> {
    let mut facts = Facts::new();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        if words[1] == "flag" {
            let node = facts.node(&format!("n:{}", words[0]), &[]).unwrap();
            facts.set(node, "flag", words[2] == "true");
        } else if words[1] == "value" {
            let node = facts.node(&format!("n:{}", words[0]), &[]).unwrap();
            facts.set(node, "value", words[2].parse::<f64>().unwrap());
        } else {
            facts
                .edge(
                    &format!("n:{}", words[0]),
                    words[1],
                    &format!("n:{}", words[2]),
                )
                .unwrap();
        }
    }
    let mut staging = Staging::new();
    staging.add(
        &SourceInfo {
            name: "t".into(),
            ..SourceInfo::default()
        },
        &facts,
    );
    Arc::new(staging.snapshot().unwrap())
}

pub(crate) fn derived(snapshot: &Arc<Snapshot>, rules: Vec<Rule>, threads: usize) -> AttackGraph {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap();
    derive(
        snapshot,
        &Arc::new(RuleSet::new(rules)),
        &pool,
        &Budget::unlimited(),
    )
    .unwrap()
}
