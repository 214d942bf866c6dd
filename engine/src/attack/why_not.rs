//! Why a rule gives no step to a place: its premises tried one after the other, as written.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::ops::ControlFlow;

use crate::budget::{Budget, Stop};
use crate::graph::{EdgeId, NodeId, Snapshot};
use crate::pattern::{
    Binding, Bindings, Direction, LabelExpr, NodePattern, Plan, RulePattern, Var, VarKind,
    for_each_match,
};

use super::rule::{Rule, StateTemplate};
use super::state::State;

/// Whether a premise is known not to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// Every premise holds: the rule gives a step.
    Fires,
    /// A premise is decided by a fact that nobody supplied.
    Unknown,
    /// A premise does not hold.
    False,
}

impl Standing {
    /// The word in answers.
    pub fn name(self) -> &'static str {
        match self {
            Standing::Fires => "fires",
            Standing::Unknown => "unknown",
            Standing::False => "false",
        }
    }
}

/// How far a rule gets at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// How many premises hold, in the order in which they are tried.
    pub n_held: usize,
    /// The first premise that fails, in words; `None` when the rule fires.
    pub premise: Option<String>,
    /// Whether that premise is false or unknown.
    pub standing: Standing,
}

/// Where premises are looked for: variables of the rule with the nodes that count; one of the
/// variables at least has to stand for one of its nodes. Empty for anywhere.
pub type Places = Vec<(Var, BTreeSet<NodeId>)>;

/// Why `rule` does not gain `gain` over `target` for an attacker who holds `held`.
///
/// `places` keeps the answer to what a question is about: who asks what one identity lacks is not
/// told of another one that has it.
///
/// The premises are tried in the order in which people read a rule: the parts of its pattern, its
/// conditions, the states that must be held, the guards. A premise fails when no match of those
/// before it satisfies it too. It is unknown where the graph has no fact of the kind at all, or
/// where a condition has no value. O(premises x matches near the target).
pub fn why_not(
    snapshot: &Snapshot,
    rule: &Rule,
    gain: StateTemplate,
    target: NodeId,
    held: &dyn Fn(State) -> bool,
    places: &Places,
    budget: &Budget,
) -> Result<Verdict, Stop> {
    let trial = Trial {
        snapshot,
        rule,
        gain,
        target,
        held,
        places,
        budget,
    };
    trial.verdict()
}

/// A match of a rule that would be a step if what is not known of it were so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownStep {
    /// What must be held.
    pub given: Vec<State>,
    /// The unknown conditions in words.
    pub text: String,
}

/// The matches of `rule` that would gain `gain` over `target` for whoever holds what they need, if
/// what is not known of them were so. Shows each to `take` until that breaks.
///
/// None where a condition is false, a guard removes the step, or the likelihood is 0. A rule that
/// lacks a whole kind of facts is silent, not unknown.
pub fn unknown_steps(
    snapshot: &Snapshot,
    rule: &Rule,
    gain: StateTemplate,
    target: NodeId,
    budget: &Budget,
    take: &mut dyn FnMut(UnknownStep) -> ControlFlow<()>,
) -> Result<(), Stop> {
    let place = rule.pattern.nodes.iter().find(|node| node.var == gain.var);
    let has = |label: &str| {
        let label = snapshot.label_id(label);
        label.is_some_and(|label| snapshot.has_label(target, label))
    };
    let fits = place.is_none_or(|node| node.labels.holds(&has));
    if !fits || !rule.missing_facts(snapshot).is_empty() {
        return Ok(());
    }
    let trial = Trial {
        snapshot,
        rule,
        gain,
        target,
        held: &|_| true,
        places: &Places::new(),
        budget,
    };
    trial.matches(&trial.parts(), 0, |bindings| {
        let unknown = trial.undecided(bindings).unwrap_or_default();
        if unknown.is_empty() {
            return ControlFlow::Continue(());
        }
        let given = rule.given.iter().filter_map(|template| {
            bindings.node(template.var).map(|asset| State {
                asset,
                capability: template.capability,
            })
        });
        take(UnknownStep {
            given: given.collect(),
            text: unknown.join(" and "),
        })
    })?;
    Ok(())
}

/// A part of a pattern: an index of its nodes or of its edges.
#[derive(Debug, Clone, Copy)]
enum Part {
    Node(usize),
    Edge(usize),
}

struct Trial<'a> {
    snapshot: &'a Snapshot,
    rule: &'a Rule,
    gain: StateTemplate,
    target: NodeId,
    held: &'a dyn Fn(State) -> bool,
    places: &'a Places,
    budget: &'a Budget,
}

impl Trial<'_> {
    fn verdict(&self) -> Result<Verdict, Stop> {
        let parts = self.parts();
        for n in 1..=parts.len() {
            let tried = parts.get(..n).unwrap_or_default();
            if !self.matches(tried, 0, |_| ControlFlow::Break(()))? {
                let failing = tried.last().copied();
                let (text, standing) = failing.map_or_else(
                    || (String::new(), Standing::False),
                    |part| self.failing_part(part),
                );
                return Ok(fails(n - 1, text, standing));
            }
        }
        let n_conditions = self.rule.pattern.conditions.len();
        for n in 1..=n_conditions {
            if !self.matches(&parts, n, |_| ControlFlow::Break(()))? {
                let (text, standing) = self.failing_condition(&parts, n - 1)?;
                return Ok(fails(parts.len() + n - 1, text, standing));
            }
        }
        self.beyond_facts(&parts, parts.len() + n_conditions)
    }

    /// The parts in the order of the text: variables are numbered as they are written.
    fn parts(&self) -> Vec<Part> {
        let pattern = &self.rule.pattern;
        let nodes = pattern.nodes.iter().enumerate();
        let nodes = nodes.map(|(at, node)| (node.var, 0, Part::Node(at)));
        let edges = pattern.edges.iter().enumerate();
        let edges =
            edges.map(|(at, edge)| (edge.var.max(edge.from).max(edge.to), 1, Part::Edge(at)));
        let mut parts: Vec<(Var, u8, Part)> = nodes.chain(edges).collect();
        parts.sort_by_key(|&(var, rank, _)| (var, rank));
        parts.into_iter().map(|(_, _, part)| part).collect()
    }

    /// Whether the first parts and conditions have a match with the target in its place. Shows
    /// each to `take` until that breaks.
    fn matches(
        &self,
        parts: &[Part],
        n_conditions: usize,
        mut take: impl FnMut(&Bindings) -> ControlFlow<()>,
    ) -> Result<bool, Stop> {
        let whole = &self.rule.pattern;
        let mut pattern = RulePattern {
            vars: whole.vars.clone(),
            ..RulePattern::default()
        };
        for part in parts {
            match *part {
                Part::Node(at) => {
                    // What indexes may narrow a node to comes from conditions, tried later.
                    let node = whole.nodes.get(at).map(|node| NodePattern {
                        hints: Vec::new(),
                        ..node.clone()
                    });
                    pattern.nodes.extend(node);
                }
                Part::Edge(at) => pattern.edges.extend(whole.edges.get(at).cloned()),
            }
        }
        let conditions = whole.conditions.iter().take(n_conditions).cloned();
        pattern.conditions.extend(conditions);
        let is_written = |var: Var| pattern.nodes.iter().any(|node| node.var == var);
        let bound: Vec<(Var, NodeId)> = std::iter::once((self.gain.var, self.target))
            .chain(self.only_place())
            .filter(|&(var, _)| is_written(var))
            .collect();
        let vars: Vec<Var> = bound.iter().map(|&(var, _)| var).collect();
        let plan = Plan::new(self.snapshot, &pattern, &vars);
        let mut bindings = plan.bindings();
        for (var, node) in bound {
            bindings.set(var, Binding::Node(node));
        }
        let mut found = false;
        let _ = for_each_match(
            self.snapshot,
            self.budget,
            &plan,
            &mut bindings,
            |bindings| {
                if !self.is_in_place(bindings) {
                    return ControlFlow::Continue(());
                }
                found = true;
                take(bindings)
            },
        )?;
        Ok(found)
    }

    /// The variable that can stand for one node alone.
    fn only_place(&self) -> Option<(Var, NodeId)> {
        let [(var, nodes)] = self.places.as_slice() else {
            return None;
        };
        let first = nodes.first().filter(|_| nodes.len() == 1);
        first.map(|&node| (*var, node))
    }

    fn is_in_place(&self, bindings: &Bindings) -> bool {
        let mut places = self.places.iter();
        let stands = |(var, nodes): &(Var, BTreeSet<NodeId>)| {
            let node = bindings.node(*var);
            node.is_none_or(|node| nodes.contains(&node))
        };
        self.places.is_empty() || places.any(stands)
    }

    fn failing_part(&self, part: Part) -> (String, Standing) {
        let pattern = &self.rule.pattern;
        match part {
            Part::Node(at) => {
                let Some(node) = pattern.nodes.get(at) else {
                    return (String::new(), Standing::False);
                };
                let mut text = self.node_text(node.var);
                if node.var == self.gain.var {
                    let id = self.snapshot.stable_id(self.target);
                    let _ = write!(text, ", but {id} is not one");
                    return (text, Standing::False);
                }
                // No such node in the whole graph: nobody said that there is none.
                (text, Standing::Unknown)
            }
            Part::Edge(at) => {
                let Some(edge) = pattern.edges.get(at) else {
                    return (String::new(), Standing::False);
                };
                let kinds = label_text(&edge.kinds);
                let (before, after) = match edge.direction {
                    Direction::Out => ("-", "->"),
                    Direction::In => ("<-", "-"),
                    Direction::Any => ("-", "-"),
                };
                let mut text = format!(
                    "{}{before}[{kinds}]{after}{}",
                    self.node_text(edge.from),
                    self.node_text(edge.to)
                );
                let is_end = |var: Var| edge.from == var || edge.to == var;
                let target = std::iter::once((self.gain.var, self.target));
                let told = target.chain(self.only_place());
                let mut sign = " with";
                for (var, node) in told.filter(|&(var, _)| is_end(var)) {
                    let id = self.snapshot.stable_id(node);
                    let _ = write!(text, "{sign} {} = {id}", self.var_name(var));
                    sign = ",";
                }
                let many = self.places.iter().map(|place| place.0);
                for var in many.filter(|&var| is_end(var) && self.only_place().is_none()) {
                    let _ = write!(text, "{sign} {} any that FROM holds", self.var_name(var));
                    sign = ",";
                }
                let known = |kind: &str| self.snapshot.kind_id(kind).is_some();
                let is_known = edge.kinds.names().is_empty() || edge.kinds.holds(&known);
                let standing = if is_known {
                    Standing::False
                } else {
                    Standing::Unknown
                };
                (text, standing)
            }
        }
    }

    /// What the first match of all that comes before says of the condition; an unknown one before
    /// a false one, because it is nearer to a step.
    fn failing_condition(&self, parts: &[Part], at: usize) -> Result<(String, Standing), Stop> {
        let Some(condition) = self.rule.pattern.conditions.get(at) else {
            return Ok((String::new(), Standing::False));
        };
        let mut nearest: Option<(Bindings, Standing)> = None;
        self.matches(parts, at, |bindings| {
            let standing = match condition.eval(self.snapshot, bindings) {
                None => Standing::Unknown,
                Some(_) => Standing::False,
            };
            if nearest.is_none() || standing == Standing::Unknown {
                nearest = Some((bindings.clone(), standing));
            }
            if standing == Standing::Unknown {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        let Some((bindings, standing)) = nearest else {
            return Ok((condition.text().to_owned(), Standing::False));
        };
        let vars = condition.variables();
        let place = self.place(&bindings, vars);
        Ok((format!("{}{place}", condition.text()), standing))
    }

    /// States, guards and the likelihood, on the matches that the facts allow.
    fn beyond_facts(&self, parts: &[Part], n_facts: usize) -> Result<Verdict, Stop> {
        let mut furthest: Option<Verdict> = None;
        let n_conditions = self.rule.pattern.conditions.len();
        self.matches(parts, n_conditions, |bindings| {
            let found = self.one_match(bindings, n_facts);
            let is_fire = found.standing == Standing::Fires;
            if furthest
                .as_ref()
                .is_none_or(|before| found.n_held > before.n_held)
            {
                furthest = Some(found);
            }
            if is_fire {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        Ok(furthest.unwrap_or_else(|| fails(n_facts, String::new(), Standing::False)))
    }

    /// The conditions of one match that have no value, if nothing else stands against a step.
    fn undecided(&self, bindings: &Bindings) -> Option<Vec<String>> {
        let mut unknown = Vec::new();
        for condition in &self.rule.pattern.conditions {
            match condition.eval(self.snapshot, bindings) {
                Some(true) => {}
                Some(false) => return None,
                None => {
                    let place = self.place(bindings, condition.variables());
                    unknown.push(format!("{}{place}", condition.text()));
                }
            }
        }
        let verdict = self.one_match(bindings, 0);
        (verdict.standing == Standing::Fires).then_some(unknown)
    }

    fn one_match(&self, bindings: &Bindings, n_facts: usize) -> Verdict {
        let state = |template: &StateTemplate| {
            bindings.node(template.var).map(|asset| State {
                asset,
                capability: template.capability,
            })
        };
        let text = |template: &StateTemplate| {
            let asset = bindings.node(template.var);
            let id = asset.map_or("?", |asset| self.snapshot.stable_id(asset));
            format!("{}({id})", template.capability)
        };
        let mut n_held = n_facts;
        for given in &self.rule.given {
            if state(given) == state(&self.gain) {
                let text = format!("GAIN {}, which must be held already", text(&self.gain));
                return fails(n_held, text, Standing::False);
            }
            if !state(given).is_some_and(|state| (self.held)(state)) {
                return fails(n_held, format!("GIVEN {}", text(given)), Standing::False);
            }
            n_held += 1;
        }
        for guard in &self.rule.guards {
            let holds = guard.condition.eval(self.snapshot, bindings) == Some(true);
            if holds && guard.factor <= 0.0 {
                let evidence = self.evidence(bindings);
                let text = format!(
                    "GUARD \"{}\" holds: {}{evidence}",
                    guard.name,
                    guard.condition.text()
                );
                return fails(n_held, text, Standing::False);
            }
            n_held += 1;
        }
        if super::derive::guarded_likelihood(self.snapshot, self.rule, bindings) <= 0.0 {
            let text = format!("LIKELIHOOD {} is 0", self.rule.likelihood.text());
            return fails(n_held, text, Standing::False);
        }
        Verdict {
            n_held: n_held + 1,
            premise: None,
            standing: Standing::Fires,
        }
    }

    /// ` with w = k8s://..., v = cve:...` for the nodes among these variables.
    fn place(&self, bindings: &Bindings, vars: &[Var]) -> String {
        let mut all: Vec<Var> = vars.to_vec();
        all.sort_unstable();
        all.dedup();
        let named: Vec<String> = all
            .into_iter()
            .filter_map(|var| {
                let name = self.var_name(var);
                let value = match bindings.get(var) {
                    Binding::Node(node) => self.snapshot.stable_id(*node).to_owned(),
                    Binding::Edge(edge) => edge_text(self.snapshot, *edge),
                    _ => return None,
                };
                (!name.is_empty()).then(|| format!("{name} = {value}"))
            })
            .collect();
        if named.is_empty() {
            String::new()
        } else {
            format!(" with {}", named.join(", "))
        }
    }

    /// What was matched when a guard held.
    fn evidence(&self, bindings: &Bindings) -> String {
        let named: Vec<Var> = (0..self.rule.pattern.vars.len() as u16).map(Var).collect();
        self.place(bindings, &named)
    }

    fn var_name(&self, var: Var) -> &str {
        let spec = self.rule.pattern.vars.get(usize::from(var.0));
        spec.filter(|spec| spec.kind != VarKind::Walk)
            .map_or("", |spec| &spec.name)
    }

    fn node_text(&self, var: Var) -> String {
        let node = self.rule.pattern.nodes.iter().find(|node| node.var == var);
        let labels = node.map_or_else(String::new, |node| label_text(&node.labels));
        format!("({}{labels})", self.var_name(var))
    }
}

fn fails(n_held: usize, premise: String, standing: Standing) -> Verdict {
    Verdict {
        n_held,
        premise: Some(premise),
        standing,
    }
}

fn edge_text(snapshot: &Snapshot, edge: EdgeId) -> String {
    let ends = snapshot.edge(edge);
    format!(
        "{} -[{}]-> {}",
        snapshot.stable_id(ends.source),
        snapshot.kind_name(ends.kind),
        snapshot.stable_id(ends.target)
    )
}

/// `:A|B` as people write it; empty for anything.
fn label_text(labels: &LabelExpr) -> String {
    fn write(labels: &LabelExpr) -> String {
        let joined = |all: &[LabelExpr], sign: &str| {
            let all: Vec<String> = all.iter().map(write).collect();
            all.join(sign)
        };
        match labels {
            LabelExpr::Any => "%".to_owned(),
            LabelExpr::Name(name) => name.to_string(),
            LabelExpr::Not(inner) => format!("!{}", write(inner)),
            LabelExpr::And(all) => joined(all, "&"),
            LabelExpr::Or(any) => joined(any, "|"),
        }
    }
    match labels {
        LabelExpr::Any => String::new(),
        other => format!(":{}", write(other)),
    }
}
