//! An attack path as a value: what the `path` column of `ATTACK PATHS` holds.

use std::any::Any;
use std::sync::Arc;

use foothold_engine::attack::{
    AttackGraph, Capability, Evidence, Explanation, Fix, FixTarget, display_name,
};
use foothold_engine::graph::Snapshot;
use foothold_engine::score::cost::{Cost, UNREACHED, likelihood_of_cost};
use foothold_engine::search::{AttackPath, Cheapest, StateId, StepId, side_steps};
use serde_json::{Value as Json, json};

use crate::value::{Foreign, Val};

/// One attack path with what is needed to explain it.
#[derive(Debug, Clone)]
pub struct AttackPathValue {
    graph: Arc<AttackGraph>,
    /// The chain from source to target.
    path: AttackPath,
    /// What supports the AND steps of the chain, premises before what needs them.
    sides: Vec<StepId>,
    confidence: f64,
    signature: String,
    sort_key: Vec<u8>,
}

impl AttackPathValue {
    /// Wraps a path that a search found. `forward` is the search from the same sources; it finds
    /// what supports AND steps.
    pub fn new(graph: &Arc<AttackGraph>, forward: Option<&Cheapest>, path: AttackPath) -> Self {
        let topology = graph.topology();
        let sides = forward
            .map(|forward| side_steps(topology, forward, &path))
            .unwrap_or_default();
        let confidence = path
            .steps
            .iter()
            .chain(&sides)
            .map(|&step| graph.confidence_of(step))
            .product();
        let signature = signature(graph, &path);
        let mut sort_key = path.cost.to_be_bytes().to_vec();
        sort_key.extend_from_slice(signature.as_bytes());
        AttackPathValue {
            graph: Arc::clone(graph),
            path,
            sides,
            confidence,
            signature,
            sort_key,
        }
    }

    /// The path itself.
    pub fn path(&self) -> &AttackPath {
        &self.path
    }

    /// The attack graph it runs through.
    pub fn graph(&self) -> &Arc<AttackGraph> {
        &self.graph
    }

    /// The product of its steps' likelihoods, side derivations included.
    pub fn likelihood(&self) -> f64 {
        likelihood_of_cost(self.path.cost)
    }

    /// The product of its steps' confidences.
    pub fn confidence(&self) -> f64 {
        self.confidence
    }

    /// Names the path over reloads: the same states and rules give the same signature, whatever
    /// else the graph holds.
    pub fn signature(&self) -> &str {
        &self.signature
    }

    /// Whether its likelihood counts a step twice, because two premises rest on it.
    pub(super) fn counts_twice(&self) -> bool {
        let topology = self.graph.topology();
        let mut steps: Vec<StepId> = self.path.steps.iter().chain(&self.sides).copied().collect();
        steps.sort_unstable();
        steps.dedup();
        let once: u64 = steps
            .iter()
            .map(|&step| u64::from(topology.cost(step)))
            .sum();
        once < u64::from(self.path.cost)
    }

    /// The states in order, source first.
    pub fn states(&self) -> Vec<StateId> {
        let gains = self
            .path
            .steps
            .iter()
            .map(|&step| self.graph.topology().gain(step));
        std::iter::once(self.path.source).chain(gains).collect()
    }

    /// The index of the least likely step.
    pub fn weakest(&self) -> usize {
        let costs = self
            .path
            .steps
            .iter()
            .map(|&step| self.graph.topology().cost(step));
        // The first of equals.
        costs
            .enumerate()
            .fold(
                (0, 0),
                |best, (at, cost)| if cost > best.1 { (at, cost) } else { best },
            )
            .0
    }

    /// The least likely step in words.
    pub fn weakest_text(&self) -> String {
        let Some(&step) = self.path.steps.get(self.weakest()) else {
            return String::new();
        };
        let rule = self.graph.rules().get(self.graph.rule_of(step));
        let likelihood = likelihood_of_cost(self.graph.topology().cost(step));
        format!("{} ({likelihood:.2})", rule.name)
    }

    /// The path as the API writes it, without a wrapper.
    pub fn json(&self) -> Json {
        let states: Vec<Json> = self
            .states()
            .into_iter()
            .map(|id| state_json(&self.graph, id))
            .collect();
        let steps: Vec<Json> = self
            .path
            .steps
            .iter()
            .map(|&step| step_json(&self.graph, step))
            .collect();
        let sides: Vec<Json> = self
            .sides
            .iter()
            .map(|&step| step_json(&self.graph, step))
            .collect();
        json!({
            "source": states.first(),
            "target": states.last(),
            "likelihood": shown_likelihood(self.likelihood()),
            "confidence": rounded(self.confidence),
            "signature": self.signature,
            "weakest": self.weakest(),
            "states": states,
            "steps": steps,
            "supporting_steps": sides,
        })
    }
}

impl Foreign for AttackPathValue {
    fn type_name(&self) -> &'static str {
        "attack path"
    }

    fn field(&self, _: &Snapshot, name: &str) -> Option<Val> {
        Some(match name {
            "likelihood" => Val::Float(shown_likelihood(self.likelihood())),
            "confidence" => Val::Float(rounded(self.confidence)),
            "steps" => super::count(self.path.steps.len() as u64),
            "signature" => Val::Str(self.signature.as_str().into()),
            "source" => Val::Node(self.graph.state(self.path.source).asset),
            "target" => Val::Node(self.graph.state(self.path.target).asset),
            _ => return None,
        })
    }

    fn sort_key(&self) -> &[u8] {
        &self.sort_key
    }

    fn to_json(&self, _: &Snapshot) -> Json {
        json!({ "$attack_path": self.json() })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Six digits say all that a likelihood means, and make answers readable.
pub(crate) fn rounded(number: f64) -> f64 {
    // Adding zero turns a negative zero into zero.
    (number * 1e6).round() / 1e6 + 0.0
}

/// A likelihood to four significant digits. Costs are whole numbers of 2^-16 nats, so what was
/// written as 0.9 comes back as 0.899999, and `likelihood >= 0.9` would not hold for it.
pub fn shown_likelihood(likelihood: f64) -> f64 {
    // What was written as a number is read as one.
    format!("{likelihood:.3e}").parse().unwrap_or(likelihood)
}

/// The highest cost of a path that still counts for `LIKELIHOOD >= at_least`: of one whose
/// likelihood, as it is shown, is no less. The costs of several steps round to a sum that may be a
/// little more than the cost of their product.
pub(super) fn limit_of_shown(at_least: f64) -> Cost {
    let counts = |cost| shown_likelihood(likelihood_of_cost(cost)) >= at_least;
    let (mut least, mut most) = (0, UNREACHED - 1);
    if at_least.is_nan() || at_least <= 0.0 {
        return most;
    }
    // The likelihood falls with the cost.
    while least < most {
        let middle = least + (most - least).div_ceil(2);
        if counts(middle) {
            least = middle;
        } else {
            most = middle - 1;
        }
    }
    least
}

/// FNV-1a over the texts of states and rules, 64 bits in hexadecimal: short, and the same on every
/// machine and in every release.
fn signature(graph: &AttackGraph, path: &AttackPath) -> String {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let mut hash = OFFSET;
    let mut feed = |text: &str| {
        for byte in text.bytes().chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(PRIME);
        }
    };
    feed(&graph.state_text(path.source));
    for &step in &path.steps {
        feed(&graph.rules().get(graph.rule_of(step)).name);
        feed(&graph.state_text(graph.topology().gain(step)));
    }
    format!("{hash:016x}")
}

/// A state as the API writes it.
pub fn state_json(graph: &AttackGraph, id: StateId) -> Json {
    let state = graph.state(id);
    let snapshot = graph.snapshot();
    let labels: Vec<&str> = snapshot
        .labels_of(state.asset)
        .iter()
        .map(|&label| snapshot.label_name(label))
        .collect();
    let capability: Capability = state.capability;
    json!({
        "id": graph.state_text(id),
        "asset": snapshot.stable_id(state.asset),
        "capability": capability.name(),
        "labels": labels,
        "name": display_name(snapshot, state.asset),
    })
}

/// A step as the API writes it: its likeliest instance explained, the others counted.
pub fn step_json(graph: &AttackGraph, step: StepId) -> Json {
    let rule = graph.rules().get(graph.rule_of(step));
    let topology = graph.topology();
    let premises: Vec<String> = topology
        .premises(step)
        .into_iter()
        .map(|state| graph.state_text(state))
        .collect();
    let instances = graph.instances_of(step);
    let others = instances.len().saturating_sub(1);
    let mut out = json!({
        "rule": rule.name,
        "id": rule.id,
        "title": rule.title,
        "family": rule.family,
        "technique": rule.techniques.first(),
        "techniques": rule.techniques,
        "likelihood": shown_likelihood(likelihood_of_cost(topology.cost(step))),
        "confidence": rounded(graph.confidence_of(step)),
        "premises": premises,
        "gain": graph.state_text(topology.gain(step)),
        "alternatives": others,
        "remediation": rule.remediation,
    });
    if let Some(best) = instances.into_iter().next()
        && let Json::Object(fields) = &mut out
    {
        let explanation = graph.explain(step, best);
        fields.insert("explanation".into(), json!(explanation.text));
        fields.insert("factors".into(), factors_json(&explanation));
        let evidence = explanation
            .evidence
            .iter()
            .map(|item| evidence_json(graph.snapshot(), *item));
        fields.insert("evidence".into(), evidence.collect());
        let fixes = explanation
            .fixes
            .iter()
            .map(|fix| fix_json(graph.snapshot(), fix));
        fields.insert("fixes".into(), fixes.collect());
    }
    out
}

fn factors_json(explanation: &Explanation) -> Json {
    explanation
        .factors
        .iter()
        .map(|factor| {
            let value = factor.value.as_ref().map(plain_json);
            json!({ "name": factor.name, "value": value, "effect": factor.effect })
        })
        .collect()
}

/// A property value as plain JSON.
fn plain_json(value: &foothold_engine::model::Value) -> Json {
    use foothold_engine::model::Value;
    match value {
        Value::Bool(flag) => json!(flag),
        Value::Int(number) => json!(number),
        Value::Float(number) => json!(number),
        Value::Str(text) => json!(text),
        Value::List(items) => items.iter().map(plain_json).collect(),
    }
}

fn evidence_json(snapshot: &Snapshot, item: Evidence) -> Json {
    let names = |sources: &[foothold_engine::graph::SourceId]| -> Vec<String> {
        sources
            .iter()
            .map(|&source| snapshot.source(source).name.to_string())
            .collect()
    };
    match item {
        Evidence::Node(node) => json!({
            "type": "node",
            "id": snapshot.stable_id(node),
            "sources": names(snapshot.node_sources(node)),
        }),
        Evidence::Edge(edge) => {
            let ends = snapshot.edge(edge);
            let (from, to) = (
                snapshot.stable_id(ends.source),
                snapshot.stable_id(ends.target),
            );
            let kind = snapshot.kind_name(ends.kind);
            let method = snapshot
                .prop_id("method")
                .and_then(|prop| snapshot.edge_str(edge, prop));
            json!({
                "type": "edge",
                "id": format!("{from} {kind} {to}"),
                "kind": kind,
                "from": from,
                "to": to,
                "method": method,
                "confidence": f64::from(snapshot.edge_confidence(edge)) / 100.0,
                "sources": names(snapshot.edge_sources(edge)),
            })
        }
    }
}

/// A fix as the API writes it.
pub fn fix_json(snapshot: &Snapshot, fix: &Fix) -> Json {
    let target = match fix.target {
        FixTarget::Node(node) => snapshot.stable_id(node).to_owned(),
        FixTarget::Edge(edge) => {
            let ends = snapshot.edge(edge);
            format!(
                "{} {} {}",
                snapshot.stable_id(ends.source),
                snapshot.kind_name(ends.kind),
                snapshot.stable_id(ends.target)
            )
        }
    };
    json!({
        "id": fix.id,
        "action": fix.action,
        "title": fix.title,
        "target": target,
        "owner": fix.owner,
        "cost": fix.cost,
    })
}
