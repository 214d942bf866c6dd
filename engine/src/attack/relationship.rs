//! Attack steps as relationships between assets, for questions in terms of patterns.

use std::sync::Arc;

use crate::graph::{MoreEdge, Snapshot};
use crate::model::{CERTAIN, Value};
use crate::score::cost::likelihood_of_cost;

use super::graph::AttackGraph;

impl AttackGraph {
    /// The snapshot with a relationship for every step: from the asset of each premise to the
    /// asset of the gain, its kind the name of the rule.
    ///
    /// Its properties are `rule`, `id`, `family`, `technique`, `likelihood`, `confidence`, `from`
    /// and `to` (the capabilities), and `premises`: how many states the step needs; where that is
    /// more than one, one relationship alone makes no step. Two steps in a row fit when the `to`
    /// of one is the `from` of the next. O(nodes + edges + steps).
    pub fn with_steps(&self) -> Snapshot {
        let mut more = Vec::with_capacity(self.n_steps());
        for step in self.topology.steps() {
            let rule = self.rules.get(self.rule_of(step));
            let gain = self.state(self.topology.gain(step));
            let confidence = self.confidence_of(step);
            let likelihood = likelihood_of_cost(self.topology.cost(step));
            let premises = self.topology.premises(step);
            let n_premises = Value::Int(i64::try_from(premises.len()).unwrap_or(i64::MAX));
            for premise in premises {
                let from = self.state(premise);
                let mut props = vec![
                    ("rule", Value::Str(Arc::clone(&rule.name))),
                    ("family", Value::Str(Arc::clone(&rule.family))),
                    ("likelihood", Value::Float((likelihood * 1e6).round() / 1e6)),
                    ("confidence", Value::Float((confidence * 1e6).round() / 1e6)),
                    ("from", Value::from(from.capability.name())),
                    ("to", Value::from(gain.capability.name())),
                    ("premises", n_premises.clone()),
                ];
                let id = rule
                    .id
                    .as_ref()
                    .map(|id| ("id", Value::Str(Arc::clone(id))));
                props.extend(id);
                let technique = rule.techniques.first();
                props.extend(technique.map(|one| ("technique", Value::Str(Arc::clone(one)))));
                #[allow(clippy::cast_sign_loss, reason = "a confidence is not negative")]
                let hundredths = (confidence * f64::from(CERTAIN)).round() as u8;
                more.push(MoreEdge {
                    kind: Arc::clone(&rule.name),
                    source: from.asset,
                    target: gain.asset,
                    props,
                    confidence: hundredths.min(CERTAIN),
                });
            }
        }
        self.snapshot.with_edges(&more)
    }
}
