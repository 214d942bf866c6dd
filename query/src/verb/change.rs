//! `WHAT IF`: what its changes mean on one snapshot.
//!
//! Every pattern matches the graph as it is; the changes are then made together. Nothing is
//! changed here: whoever holds the facts builds the changed graph.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use foothold_engine::attack::AttackGraph;
use foothold_engine::budget::{Budget, Stop};
use foothold_engine::build::Changes;
use foothold_engine::graph::{NodeId, Snapshot};
use foothold_engine::model::{Facts, Value, schema, validate_id};

use crate::ast::{
    Change, ChangeKind, Direction, Expr as Tree, ExprKind, Ident, Labels, LabelsKind, NodePattern,
    PathElement, PathPattern, RelationshipPattern, Span, Text,
};
use crate::diagnostic::{Code, Diagnostic};
use crate::exec::{Cx, run_body};
use crate::expr::{Expr, Slot};
use crate::fault::Fault;
use crate::plan::{Body, Line, Op};
use crate::resolve::{Params, Resolver, Scope, Surroundings};
use crate::value::{DateTime, Val};

use super::version::compare_versions;

/// The name of a path or node that the change leaves unnamed; no query can write it.
const UNNAMED: &str = "\u{1}changed";

/// More added edges than this are a mistake in a pattern.
const MAX_ADDED: usize = 100_000;

/// What is changed: facts, and fixes that break matches of rules.
#[derive(Debug, Clone, Default)]
pub struct WhatIf {
    /// Changed facts.
    pub facts: Changes,
    /// Fixes to apply, by id.
    pub fixes: BTreeSet<String>,
    /// What is suspicious: a change that changes nothing, a name that nothing has.
    pub warnings: Vec<Diagnostic>,
}

/// Why changes could not be made out.
#[derive(Debug, Clone)]
pub enum ChangeFault {
    /// They are wrong.
    Refused(Vec<Diagnostic>),
    /// A limit was reached; half of a change would be another question.
    Stopped(Stop),
}

/// What a query's `WHAT IF` may read.
#[derive(Clone, Copy)]
pub struct ChangeEnv<'a> {
    /// The graph as it is.
    pub snapshot: &'a Snapshot,
    /// What an attacker can do to it, where fixes are known by name.
    pub graph: &'a AttackGraph,
    /// Groups of kinds.
    pub surroundings: &'a dyn Surroundings,
    /// The query's text.
    pub text: &'a str,
    /// Its parameters.
    pub params: &'a Params,
    /// The instant of the snapshot.
    pub now_ms: i64,
    /// The limits.
    pub budget: &'a Budget,
}

impl std::fmt::Debug for ChangeEnv<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChangeEnv")
            .field("text", &self.text)
            .finish_non_exhaustive()
    }
}

/// Makes out what `changes` mean.
pub fn resolve_changes(env: &ChangeEnv<'_>, changes: &[Change]) -> Result<WhatIf, ChangeFault> {
    let mut work = Work {
        env,
        what_if: WhatIf::default(),
    };
    let mut errors = Vec::new();
    for change in changes {
        match work.change(change) {
            Ok(()) => {}
            Err(ChangeFault::Refused(mut found)) => errors.append(&mut found),
            Err(stopped @ ChangeFault::Stopped(_)) => return Err(stopped),
        }
    }
    if errors.is_empty() {
        Ok(work.what_if)
    } else {
        Err(ChangeFault::Refused(errors))
    }
}

impl From<Fault> for ChangeFault {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Stop(stop) => ChangeFault::Stopped(stop),
            Fault::Error(diagnostic) => ChangeFault::Refused(vec![*diagnostic]),
        }
    }
}

fn refuse(code: Code, span: Span, message: impl Into<String>) -> ChangeFault {
    ChangeFault::Refused(vec![Diagnostic::new(code, span, message.into())])
}

struct Work<'a> {
    env: &'a ChangeEnv<'a>,
    what_if: WhatIf,
}

impl Work<'_> {
    fn change(&mut self, change: &Change) -> Result<(), ChangeFault> {
        match &change.kind {
            ChangeKind::Remove(pattern) => self.remove(pattern, change.span),
            ChangeKind::Add(pattern) => self.add(pattern, change.span),
            ChangeKind::Set {
                pattern,
                property,
                value,
            } => self.set(pattern, property, value, change.span),
            ChangeKind::Upgrade { package, version } => self.upgrade(package, version, change.span),
            ChangeKind::Apply(fix) => self.apply(fix),
        }
    }

    fn remove(&mut self, pattern: &PathPattern, span: Span) -> Result<(), ChangeFault> {
        let snapshot = self.env.snapshot;
        let found = self.matches(pattern, None)?;
        let facts = &mut self.what_if.facts;
        for (thing, _) in &found {
            match thing {
                Val::Node(node) => facts.remove_node(snapshot, *node),
                Val::Path(path) => {
                    for edge in path.edges() {
                        facts.remove_edge(snapshot, edge);
                    }
                }
                _ => {}
            }
        }
        self.warn_if_none(found.len(), span);
        Ok(())
    }

    fn set(
        &mut self,
        pattern: &PathPattern,
        property: &Ident,
        value: &Tree,
        span: Span,
    ) -> Result<(), ChangeFault> {
        let snapshot = self.env.snapshot;
        let specs = schema::labels().map(|label| label.properties);
        let specs = specs.chain(schema::kinds().map(|kind| kind.properties));
        let known = snapshot.props().map(|prop| snapshot.prop_name(prop));
        let known: Vec<&str> = known.chain(specs.flatten().map(|spec| spec.name)).collect();
        self.warn_if_new(Code::UnknownProperty, "property", property, &known);
        let found = self.matches(pattern, Some(value))?;
        for (thing, new) in &found {
            let new = property_value(new, value.span)?;
            let name = property.name.as_str();
            let facts = &mut self.what_if.facts;
            match thing {
                Val::Node(node) => facts.set_node(snapshot.stable_id(*node), name, new),
                Val::Path(path) => {
                    for edge in path.edges() {
                        facts.set_edge(snapshot, edge, name, new.clone());
                    }
                }
                _ => {}
            }
        }
        self.warn_if_none(found.len(), span);
        Ok(())
    }

    fn add(&mut self, pattern: &PathPattern, span: Span) -> Result<(), ChangeFault> {
        let snapshot = self.env.snapshot;
        let mut nodes: Vec<Vec<String>> = Vec::new();
        let mut relationships: Vec<&RelationshipPattern> = Vec::new();
        for element in &pattern.elements {
            match element {
                PathElement::Node(node) => nodes.push(self.ends(node)?),
                PathElement::Relationship(relationship) => relationships.push(relationship),
                PathElement::Group(group) => {
                    let message = "`ADD` takes plain nodes and relationships";
                    return Err(refuse(Code::InvalidPattern, group.span, message));
                }
            }
        }
        let mut n_added = 0;
        for (at, relationship) in relationships.into_iter().enumerate() {
            let (Some(left), Some(right)) = (nodes.get(at), nodes.get(at + 1)) else {
                continue;
            };
            let (kind, props) = self.added_relationship(relationship)?;
            let known = snapshot.kinds().map(|kind| snapshot.kind_name(kind));
            let known: Vec<&str> = known.chain(schema::kinds().map(|kind| kind.name)).collect();
            self.warn_if_new(Code::UnknownKind, "relationship kind", &kind, &known);
            let kind = kind.name;
            n_added += left.len() * right.len();
            if n_added > MAX_ADDED {
                let message = format!("this adds more than {MAX_ADDED} relationships");
                return Err(refuse(Code::TooLarge, span, message));
            }
            for from in left {
                for to in right {
                    let (from, to) = match relationship.direction {
                        Direction::Incoming => (to, from),
                        Direction::Outgoing | Direction::Either => (from, to),
                    };
                    add_edge(self.what_if.facts.added_mut(), from, &kind, to, &props);
                }
            }
        }
        if pattern.elements.len() > 1 {
            self.warn_if_none(n_added, span);
        }
        Ok(())
    }

    /// The ids that an end of `ADD` stands for; one that matches nothing and has an `id` is
    /// created.
    fn ends(&mut self, node: &NodePattern) -> Result<Vec<String>, ChangeFault> {
        let snapshot = self.env.snapshot;
        let given = self.map(node.properties.as_deref())?;
        let id = given.iter().find(|(name, _)| name == "id");
        if let Some((_, id)) = id {
            let id = id.as_str().unwrap_or_default().to_owned();
            if snapshot.node(&id).is_some() {
                return Ok(vec![id]);
            }
            if let Err(error) = validate_id(&id) {
                let message = format!("`{id}` cannot be the id of a node: {error}");
                return Err(refuse(Code::ArgumentValue, node.span, message));
            }
            let labels = node.labels.as_ref().map_or(Ok(Vec::new()), label_names)?;
            let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
            let facts = self.what_if.facts.added_mut();
            if let Ok(fact) = facts.node(&id, &labels) {
                for (name, value) in given.iter().filter(|(name, _)| name != "id") {
                    facts.set_opt(fact, name, value.to_property());
                }
            }
            return Ok(vec![id]);
        }
        let path = PathPattern {
            variable: None,
            selector: None,
            mode: None,
            elements: vec![PathElement::Node(node.clone())],
            span: node.span,
        };
        let found = self.matches(&path, None)?;
        let nodes: BTreeSet<NodeId> = found
            .iter()
            .filter_map(|(thing, _)| match thing {
                Val::Node(node) => Some(*node),
                _ => None,
            })
            .collect();
        let ids = nodes
            .into_iter()
            .map(|node| snapshot.stable_id(node).to_owned());
        Ok(ids.collect())
    }

    fn added_relationship(
        &mut self,
        relationship: &RelationshipPattern,
    ) -> Result<(Ident, Vec<(String, Val)>), ChangeFault> {
        let kind = match &relationship.kinds {
            Some(Labels {
                kind: LabelsKind::Name(name),
                span,
            }) => Ident {
                name: name.clone(),
                span: *span,
            },
            _ => {
                let message = "an added relationship has exactly one kind";
                return Err(refuse(Code::InvalidPattern, relationship.span, message));
            }
        };
        if relationship.quantifier.is_some() || relationship.direction == Direction::Either {
            let message = "an added relationship has a direction and occurs once";
            return Err(refuse(Code::InvalidPattern, relationship.span, message));
        }
        Ok((kind, self.map(relationship.properties.as_deref())?))
    }

    /// `UPGRADE`: the package takes the version, and keeps only the vulnerabilities that the
    /// version still has. A vulnerability without a known fixed version stays.
    fn upgrade(&mut self, package: &Text, version: &Text, span: Span) -> Result<(), ChangeFault> {
        let snapshot = self.env.snapshot;
        let found = packages(snapshot, &package.value);
        if found.is_empty() {
            let message = format!("no package `{}` in the graph", package.value);
            let known = snapshot.label_id("Package").map_or_else(Vec::new, |label| {
                let nodes = snapshot.labelled(label).iter();
                nodes.map(|node| snapshot.stable_id(NodeId(node))).collect()
            });
            let diagnostic = Diagnostic::new(Code::ArgumentValue, package.span, message);
            let diagnostic = diagnostic.suggest(&package.value, known);
            return Err(ChangeFault::Refused(vec![diagnostic]));
        }
        let mut n_fixed = 0;
        for node in found {
            n_fixed += self.upgrade_one(node, &version.value);
        }
        if n_fixed == 0 {
            let message = format!(
                "version `{}` is not known to fix any vulnerability of the package",
                version.value
            );
            self.warn(span, message);
        }
        Ok(())
    }

    fn upgrade_one(&mut self, package: NodeId, version: &str) -> usize {
        let snapshot = self.env.snapshot;
        let id = snapshot.stable_id(package).to_owned();
        let facts = &mut self.what_if.facts;
        facts.set_node(&id, "version", Some(Value::from(version)));
        let Some(affected) = snapshot.kind_id("AFFECTED_BY") else {
            return 0;
        };
        let fixed_in = snapshot.prop_id("fixed_version");
        let mut kept: BTreeSet<NodeId> = BTreeSet::new();
        let mut n_fixed = 0;
        for (edge, vulnerability) in snapshot.out_edges(package, affected).iter() {
            let fixed = fixed_in.and_then(|prop| snapshot.edge_str(edge, prop));
            if fixed.is_some_and(|fixed| is_fixed(version, fixed)) {
                facts.remove_edge(snapshot, edge);
                n_fixed += 1;
            } else {
                kept.insert(vulnerability);
            }
        }
        // What the graph knows of the new version, where it is used elsewhere.
        let newer = id.rsplit_once('@').map(|(name, rest)| {
            let qualifiers = rest.find('?').map_or("", |at| rest.get(at..).unwrap_or(""));
            format!("{name}@{version}{qualifiers}")
        });
        let newer = newer.and_then(|newer| snapshot.node(&newer));
        if let Some(newer) = newer.filter(|&newer| newer != package) {
            for (edge, vulnerability) in snapshot.out_edges(newer, affected).iter() {
                if kept.insert(vulnerability) {
                    let props: Vec<(String, Val)> = snapshot
                        .edge_props(edge)
                        .map(|(prop, value)| (snapshot.prop_name(prop).to_owned(), value.into()))
                        .collect();
                    let to = snapshot.stable_id(vulnerability);
                    add_edge(facts.added_mut(), &id, "AFFECTED_BY", to, &props);
                }
            }
        }
        n_fixed
    }

    fn apply(&mut self, fix: &Text) -> Result<(), ChangeFault> {
        let graph = self.env.graph;
        let mut known: BTreeSet<String> = BTreeSet::new();
        for step in graph.topology().steps() {
            for instance in graph.instances_of(step) {
                known.extend(graph.fixes_of(step, instance).into_iter().map(|fix| fix.id));
            }
            if known.contains(&fix.value) {
                self.what_if.fixes.insert(fix.value.clone());
                return Ok(());
            }
        }
        let message = format!("no fix `{}` breaks a step of this graph", fix.value);
        let diagnostic = Diagnostic::new(Code::ArgumentValue, fix.span, message)
            .help("`FIX PLAN` and the steps of a path name their fixes")
            .suggest(&fix.value, known.iter().map(String::as_str));
        Err(ChangeFault::Refused(vec![diagnostic]))
    }

    /// The nodes that a pattern of one node matches, or the paths that a longer one does, each
    /// with the value of `value` there.
    fn matches(
        &mut self,
        pattern: &PathPattern,
        value: Option<&Tree>,
    ) -> Result<Vec<(Val, Val)>, ChangeFault> {
        let env = self.env;
        let mut resolver = Resolver::new(env.snapshot, env.text, env.params, env.surroundings);
        let mut path = pattern.clone();
        let unnamed = |span| Ident {
            name: UNNAMED.to_owned(),
            span,
        };
        let name = match path.elements.as_mut_slice() {
            [PathElement::Node(node)] => {
                let span = node.span;
                node.variable
                    .get_or_insert_with(|| unnamed(span))
                    .name
                    .clone()
            }
            _ => path
                .variable
                .get_or_insert_with(|| unnamed(pattern.span))
                .name
                .clone(),
        };
        let (op, scope, _) = resolver.matching(&[&path], None, &Scope::default());
        let slot = scope.find(&name).map(|(_, variable)| variable.slot);
        let expr = value.map(|tree| resolver.value(tree, &scope).0);
        let op = resolver.node(Op::Match(Box::new(op)), 1.0);
        let body = Body {
            parts: vec![Line {
                nodes: vec![op],
                outputs: Vec::new(),
            }],
            is_distinct: false,
            columns: Vec::new(),
            results: Vec::new(),
        };
        let resolved = resolver.finish(body).map_err(ChangeFault::Refused)?;
        self.what_if.warnings.extend(resolved.warnings);
        let mut cx = Cx::new(
            env.snapshot,
            env.budget,
            DateTime(env.now_ms),
            0,
            resolved.n_slots,
            resolved.n_ops,
        );
        Ok(collect(&resolved.body, &mut cx, slot, expr.as_ref())?)
    }

    /// A property map with values that depend on no match.
    fn map(&mut self, tree: Option<&Tree>) -> Result<Vec<(String, Val)>, ChangeFault> {
        let Some(tree) = tree else {
            return Ok(Vec::new());
        };
        let env = self.env;
        let mut resolver = Resolver::new(env.snapshot, env.text, env.params, env.surroundings);
        let ExprKind::Map(entries) = &tree.kind else {
            let message = "the properties of what is added are written as a map";
            return Err(refuse(Code::InvalidPattern, tree.span, message));
        };
        let mut values = Vec::new();
        for entry in entries {
            let (expr, _) = resolver.value(&entry.value, &Scope::default());
            let Some(value) = expr.constant() else {
                let message = "a property of what is added is a constant or a parameter";
                return Err(refuse(Code::NotConstant, entry.value.span, message));
            };
            values.push((entry.key.name.clone(), value.clone()));
        }
        let nothing = Body {
            parts: Vec::new(),
            is_distinct: false,
            columns: Vec::new(),
            results: Vec::new(),
        };
        resolver.finish(nothing).map_err(ChangeFault::Refused)?;
        Ok(values)
    }

    fn warn_if_none(&mut self, n_changed: usize, span: Span) {
        if n_changed == 0 {
            self.warn(span, "this change matches nothing".to_owned());
        }
    }

    /// Warns of a name that a change would bring into the world: a rule of the reader's own may ask
    /// for it, and more often it is misspelt and the change changes nothing.
    fn warn_if_new(&mut self, code: Code, what: &str, name: &Ident, known: &[&str]) {
        if !known.contains(&name.name.as_str()) {
            let message = format!(
                "no {what} `{}` is known, so no rule that ships asks for it",
                name.name
            );
            let diagnostic = Diagnostic::new(code, name.span, message);
            let diagnostic = diagnostic.suggest(&name.name, known.iter().copied());
            self.what_if.warnings.push(diagnostic);
        }
    }

    fn warn(&mut self, span: Span, message: String) {
        let diagnostic = Diagnostic::new(Code::NoChange, span, message);
        self.what_if.warnings.push(diagnostic);
    }
}

fn collect(
    body: &Body,
    cx: &mut Cx<'_>,
    slot: Option<Slot>,
    value: Option<&Expr>,
) -> Result<Vec<(Val, Val)>, Fault> {
    let mut found = Vec::new();
    let _ = run_body(body, cx, &mut |cx| {
        let thing = slot.map_or(Val::Null, |slot| cx.get(slot).clone());
        cx.budget.charge(48 + thing.heap_bytes())?;
        let value = match value {
            Some(expr) => expr.eval(cx)?,
            None => Val::Null,
        };
        found.push((thing, value));
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

fn add_edge(facts: &mut Facts, from: &str, kind: &str, to: &str, props: &[(String, Val)]) {
    // Ids come from the graph or were validated when they were read.
    let Ok(fact) = facts.edge(from, kind, to) else {
        return;
    };
    for (name, value) in props {
        facts.set_opt(fact, name, value.to_property());
    }
}

fn property_value(value: &Val, span: Span) -> Result<Option<Value>, ChangeFault> {
    match value {
        Val::Null => Ok(None),
        other => other.to_property().map(Some).ok_or_else(|| {
            let message = format!("a property cannot hold {}", other.type_name());
            refuse(Code::TypeMismatch, span, message)
        }),
    }
}

fn label_names(labels: &Labels) -> Result<Vec<String>, ChangeFault> {
    match &labels.kind {
        LabelsKind::Name(name) => Ok(vec![name.clone()]),
        LabelsKind::And(all) => {
            let names: Result<Vec<Vec<String>>, ChangeFault> =
                all.iter().map(label_names).collect();
            Ok(names?.concat())
        }
        _ => {
            let message = "a created node has plain labels";
            Err(refuse(Code::InvalidPattern, labels.span, message))
        }
    }
}

/// The packages that a package URL names: itself, or every version of it when it has none.
fn packages(snapshot: &Snapshot, url: &str) -> Vec<NodeId> {
    if let Some(node) = snapshot.node(url) {
        return vec![node];
    }
    let Some(label) = snapshot.label_id("Package") else {
        return Vec::new();
    };
    let nodes = snapshot.labelled(label).iter().map(NodeId);
    nodes
        .filter(|&node| {
            let rest = snapshot.stable_id(node).strip_prefix(url);
            rest.is_some_and(|rest| rest.starts_with(['@', '?']))
        })
        .collect()
}

/// Whether `version` is at or beyond one of the versions that fix it, `1.2.3` or `1.2.3, 2.0.1`:
/// of several the one in the same line decides.
fn is_fixed(version: &str, fixed: &str) -> bool {
    let major = |text: &str| -> String {
        let digits = text.trim_start_matches(['v', 'V', '=']);
        digits
            .split(['.', '-', '+'])
            .next()
            .unwrap_or("")
            .to_owned()
    };
    let all: Vec<&str> = fixed
        .split([',', ' ', '|'])
        .filter(|one| !one.is_empty())
        .collect();
    let same_line: Vec<&&str> = all
        .iter()
        .filter(|one| all.len() > 1 && major(one) == major(version))
        .collect();
    if same_line.is_empty() {
        return all
            .iter()
            .max_by(|a, b| compare_versions(a, b))
            .is_some_and(|last| compare_versions(version, last).is_ge());
    }
    same_line
        .iter()
        .all(|one| compare_versions(version, one).is_ge())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_fixed_in_its_own_line() {
        assert!(is_fixed("1.2.3", "1.2.3"));
        assert!(!is_fixed("1.2.2", "1.2.3"));
        assert!(is_fixed("1.9.4", "1.9.4, 2.3.1"));
        assert!(!is_fixed("2.0.0", "1.9.4, 2.3.1"));
        assert!(is_fixed("2.3.1", "1.9.4, 2.3.1"));
        assert!(is_fixed("3.0.0", "1.9.4, 2.3.1"));
        assert!(!is_fixed("0.1", "1.9.4, 2.3.1"));
    }
}
