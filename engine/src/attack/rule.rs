//! Rules as data: a pattern over the asset graph, states that must be held, a state that is gained.
//!
//! Rules are written in FQL; the query crate lowers the text to these types, so that the engine
//! knows no syntax.

use std::fmt::Debug;
use std::sync::Arc;

use crate::graph::{EdgeId, NodeId, Snapshot};
use crate::model::Value;
use crate::pattern::{Binding, Bindings, RuleCondition, RulePattern, Var};

use super::state::Capability;

/// A state in terms of the variables of a rule's pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateTemplate {
    /// The node variable.
    pub var: Var,
    /// What is held over it.
    pub capability: Capability,
}

/// One number that went into a likelihood.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Factor {
    /// What it is, such as `epss`.
    pub name: Arc<str>,
    /// Its value as found, if it is a value of the graph.
    pub value: Option<Value>,
    /// What it did, such as `base 0.94`.
    pub effect: String,
}

/// How likely one application of a rule succeeds.
pub trait Likelihood: Send + Sync + Debug {
    /// The likelihood between 0 and 1 for these bindings. `factors`, where asked for, receives
    /// every number that went into it.
    fn eval(
        &self,
        snapshot: &Snapshot,
        bindings: &Bindings,
        factors: Option<&mut Vec<Factor>>,
    ) -> f64;

    /// The variables of the pattern it reads, if it reads nothing else; `None` where that is not
    /// known.
    fn variables(&self) -> Option<&[Var]> {
        None
    }

    /// How explanations show it.
    fn text(&self) -> &str;
}

/// What lowers the likelihood of a step, or removes it.
#[derive(Debug, Clone)]
pub struct Guard {
    /// Its name in explanations.
    pub name: Arc<str>,
    /// What the likelihood is multiplied with; 0 removes the step.
    pub factor: f64,
    /// When it holds. Unknown is not held.
    pub condition: RuleCondition,
}

/// A change that breaks the step.
#[derive(Debug, Clone)]
pub struct FixTemplate {
    /// What is done, in lower case: `upgrade`, `detach`, `close`.
    pub action: Arc<str>,
    /// What is changed: a node or edge variable.
    pub target: Var,
    /// What to do, in words.
    pub title: Template,
    /// What it costs, in units of the user's choice; 1 is the least.
    pub cost: u32,
}

/// Text with `{variable.property}` holes.
#[derive(Debug, Clone, Default)]
pub struct Template(pub Vec<TemplatePart>);

/// A piece of a [`Template`].
#[derive(Debug, Clone)]
pub enum TemplatePart {
    /// As it is.
    Text(Arc<str>),
    /// A property of what a variable stands for; without a property its name or id.
    Hole {
        /// The variable.
        var: Var,
        /// The property.
        property: Option<Arc<str>>,
    },
    /// Left out where one of its holes has no value.
    Optional(Vec<TemplatePart>),
}

impl Template {
    /// The text for one match.
    pub fn render(&self, snapshot: &Snapshot, bindings: &Bindings) -> String {
        let mut out = String::new();
        for part in &self.0 {
            match part.render(snapshot, bindings) {
                Some(text) => out.push_str(&text),
                None if matches!(part, TemplatePart::Optional(_)) => {}
                None => out.push('?'),
            }
        }
        out
    }
}

impl TemplatePart {
    /// None where a property has no value.
    fn render(&self, snapshot: &Snapshot, bindings: &Bindings) -> Option<String> {
        match self {
            TemplatePart::Text(text) => Some(text.to_string()),
            TemplatePart::Hole { var, property } => {
                render_hole(snapshot, bindings.get(*var), property.as_deref())
            }
            TemplatePart::Optional(parts) => parts
                .iter()
                .map(|part| part.render(snapshot, bindings))
                .collect(),
        }
    }
}

fn render_hole(snapshot: &Snapshot, binding: &Binding, property: Option<&str>) -> Option<String> {
    let value = match (binding, property) {
        (Binding::Node(node), None) => return Some(display_name(snapshot, *node).to_owned()),
        (Binding::Edge(edge), None) => {
            return Some(snapshot.kind_name(snapshot.edge(*edge).kind).to_owned());
        }
        (Binding::Node(node), Some(property)) => snapshot
            .prop_id(property)
            .and_then(|prop| snapshot.node_prop(*node, prop)),
        (Binding::Edge(edge), Some(property)) => snapshot
            .prop_id(property)
            .and_then(|prop| snapshot.edge_prop(*edge, prop)),
        _ => None,
    };
    value.map(|value| plain_text(&value))
}

/// What people call a node: its `name`, else its stable id.
pub fn display_name(snapshot: &Snapshot, node: NodeId) -> &str {
    snapshot
        .prop_id("name")
        .and_then(|prop| snapshot.node_str(node, prop))
        .unwrap_or_else(|| snapshot.stable_id(node))
}

/// A value as people write it in a sentence.
pub fn plain_text(value: &Value) -> String {
    match value {
        Value::Bool(flag) => flag.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Str(text) => text.to_string(),
        Value::List(items) => items.iter().map(plain_text).collect::<Vec<_>>().join(", "),
    }
}

/// What the conditions, guards and likelihood of a rule read of a snapshot, beyond the labels, ends
/// and confidence of the nodes and edges that they are judged on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reads {
    /// These properties of them, in order of name.
    Properties(Vec<Arc<str>>),
    /// Any property of them.
    Matched,
    /// Anything: other nodes and edges, sources, counts.
    Everything,
}

impl Reads {
    /// Whether a value of this property may matter.
    pub fn reads(&self, property: &str) -> bool {
        match self {
            Reads::Properties(names) => names.iter().any(|name| &**name == property),
            Reads::Matched | Reads::Everything => true,
        }
    }
}

/// What the conditions of a rule look at beyond the nodes and edges that they are judged on: what
/// stands in its subqueries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beyond {
    /// Edges of these kinds, and the labels of their ends.
    pub kinds: Vec<Arc<str>>,
    /// These properties of any node or edge.
    pub properties: Vec<Arc<str>>,
}

/// A rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its stable name, `exploit-network-cve`.
    pub name: Arc<str>,
    /// Its number in the catalogue, `R01`, if it has one.
    pub id: Option<Arc<str>>,
    /// Its title for people.
    pub title: Arc<str>,
    /// Its family, `initial-access`.
    pub family: Arc<str>,
    /// ATT&CK techniques.
    pub techniques: Vec<Arc<str>>,
    /// The facts it needs. Every variable is a node or a single edge.
    pub pattern: RulePattern,
    /// What the attacker must hold already: at least one, and all of them.
    pub given: Vec<StateTemplate>,
    /// What the attacker gains; each is a step of its own.
    pub gain: Vec<StateTemplate>,
    /// How likely it succeeds.
    pub likelihood: Arc<dyn Likelihood>,
    /// How sure the rule is of itself, 0 to 1.
    pub confidence: f64,
    /// What lowers the likelihood.
    pub guards: Vec<Guard>,
    /// What breaks it.
    pub fixes: Vec<FixTemplate>,
    /// One sentence for one step.
    pub explanation: Template,
    /// What to do, in general.
    pub remediation: Arc<str>,
    /// What it was made from, all of it: rules with the same definition judge alike on every
    /// snapshot. Empty where that is not known.
    pub definition: Arc<str>,
    /// What it reads.
    pub reads: Reads,
    /// What of that decides whether there is a match at all: what conditions read, guards that
    /// remove, and a likelihood that may be 0. The rest only decides how likely it is.
    pub decides: Reads,
    /// What it looks at beyond its match; nothing where `reads` is everything.
    pub beyond: Beyond,
    /// Properties without which no condition of the pattern can hold, in order of name: where
    /// nothing in the graph has one of them, the rule cannot fire.
    pub needs: Vec<Arc<str>>,
}

/// A rule of one [`RuleSet`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(pub u16);

/// The rules that are in force, in order of name; names are unique.
#[derive(Debug, Clone, Default)]
pub struct RuleSet(Vec<Rule>);

impl RuleSet {
    /// Sorts the rules by name. Of two rules with one name the later wins, so that a user's rule
    /// replaces a shipped one.
    pub fn new(rules: impl IntoIterator<Item = Rule>) -> Self {
        let mut sorted: Vec<Rule> = Vec::new();
        for rule in rules {
            match sorted.binary_search_by(|probe| probe.name.cmp(&rule.name)) {
                Ok(at) => sorted[at] = rule,
                Err(at) => sorted.insert(at, rule),
            }
        }
        RuleSet(sorted)
    }

    /// Every rule with its id.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (RuleId, &Rule)> {
        self.0
            .iter()
            .enumerate()
            .map(|(at, rule)| (RuleId(at as u16), rule))
    }

    /// The rules in order.
    pub fn rules(&self) -> &[Rule] {
        &self.0
    }

    /// One rule.
    pub fn get(&self, id: RuleId) -> &Rule {
        &self.0[usize::from(id.0)]
    }

    /// The rule of this name or catalogue number.
    pub fn find(&self, name: &str) -> Option<RuleId> {
        self.iter()
            .find(|(_, rule)| &*rule.name == name || rule.id.as_deref() == Some(name))
            .map(|(id, _)| id)
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What a rule asks for that no document supplied.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct SilentRule {
    /// The rule's name.
    pub rule: Arc<str>,
    /// Labels and kinds of its pattern that the graph does not have at all; where it has all of
    /// them, the properties (`.privileged`) that its conditions need and nothing has.
    pub missing: Vec<String>,
}

impl Rule {
    /// The labels (`:Route`) and kinds (`-[:RUNS]-`) that the pattern needs and `snapshot` has
    /// none of; empty when the rule could fire.
    pub fn missing_facts(&self, snapshot: &Snapshot) -> Vec<String> {
        let mut missing = Vec::new();
        for node in &self.pattern.nodes {
            let known = |label: &str| snapshot.label_id(label).is_some();
            if !node.labels.names().is_empty() && !node.labels.holds(&known) {
                missing.extend(node.labels.names().iter().map(|name| format!(":{name}")));
            }
        }
        for edge in &self.pattern.edges {
            let known = |kind: &str| snapshot.kind_id(kind).is_some();
            if !edge.kinds.names().is_empty() && !edge.kinds.holds(&known) {
                missing.extend(edge.kinds.names().iter().map(|name| format!("-[:{name}]-")));
            }
        }
        missing.sort_unstable();
        missing.dedup();
        missing
    }
}

impl Rule {
    /// The properties (`.privileged`) that the conditions need and nothing in `snapshot` has.
    pub fn missing_properties(&self, snapshot: &Snapshot) -> Vec<String> {
        let needs = self.needs.iter();
        let missing = needs.filter(|name| snapshot.prop_id(name).is_none());
        missing.map(|name| format!(".{name}")).collect()
    }
}

/// What a fix changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FixTarget {
    /// A node.
    Node(NodeId),
    /// An edge.
    Edge(EdgeId),
}
