//! Matching again after a change: what is kept of the matches before, and where new ones may be.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::attack::graph::{AttackGraph, Instance};
use crate::attack::rule::{Reads, Rule};
use crate::attack::state::State;
use crate::budget::{Budget, Stop};
use crate::graph::{EdgeId, NodeId, Snapshot, SnapshotDelta};
use crate::pattern::{Binding, Bindings, LabelExpr, RulePattern, Var, VarKind};
use crate::search::{Bits, StepId};

use super::found::{Found, Premises, Row, UNBOUND};
use super::matching::{matches, matches_from};

/// With more than one seed for so many nodes and edges that the rule could match, looking around
/// each seed costs more than starting over.
pub(super) const WORTH: usize = 3;

/// The attack graph before a change, in the order of its matches.
pub(super) struct Before<'a> {
    old: &'a AttackGraph,
    delta: &'a SnapshotDelta,
    worth: usize,
    /// For each step the premise, if it has one only.
    premise: Vec<u32>,
    /// The steps of each rule, in order of their matches.
    steps: FxHashMap<Arc<str>, Vec<u32>>,
}

impl<'a> Before<'a> {
    pub(super) fn new(old: &'a AttackGraph, delta: &'a SnapshotDelta, worth: usize) -> Self {
        let topology = old.topology();
        let mut premise = vec![u32::MAX; topology.n_single_steps()];
        for state in topology.states() {
            for (step, ..) in topology.out_steps(state) {
                premise[step.idx()] = state.0;
            }
        }
        let mut step_of_first = vec![u32::MAX; old.n_instances()];
        for (step, meta) in (0..).zip(&old.steps) {
            step_of_first[meta.instances.start as usize] = step;
        }
        let mut steps: Vec<Vec<u32>> = vec![Vec::new(); old.rules().len()];
        for step in step_of_first.into_iter().filter(|&step| step != u32::MAX) {
            steps[usize::from(old.rule_of(StepId(step)).0)].push(step);
        }
        let names = old
            .rules()
            .rules()
            .iter()
            .map(|rule| Arc::clone(&rule.name));
        Before {
            old,
            delta,
            worth,
            premise,
            steps: names.zip(steps).collect(),
        }
    }

    /// Every match of one rule on the newer snapshot, sorted.
    pub(super) fn matches(
        &self,
        snapshot: &Snapshot,
        rule: &Rule,
        budget: &Budget,
    ) -> Result<Found, Stop> {
        let Some(steps) = self.comparable(snapshot, rule) else {
            return matches(snapshot, rule, budget);
        };
        if !rule.missing_facts(snapshot).is_empty() {
            return Ok(Found::new(rule));
        }
        let dirty = Dirty::new(snapshot, self.delta, rule);
        let seeds = Seeds::new(snapshot, rule, self.delta, &dirty);
        if seeds.n() * self.worth > seeds.n_candidates {
            return matches(snapshot, rule, budget);
        }
        let mut found = self.kept(rule, steps, &dirty);
        found.merge(seeds.matches(snapshot, rule, budget)?);
        Ok(found)
    }

    /// The steps of the same rule before, if what it said then tells what it says now.
    fn comparable(&self, snapshot: &Snapshot, rule: &Rule) -> Option<&[u32]> {
        let before = self.old.rules().find(&rule.name)?;
        let before = self.old.rules().get(before);
        let was_silent = !before.missing_facts(self.old.snapshot()).is_empty();
        let is_silent = !rule.missing_facts(snapshot).is_empty();
        let is_same = before.name == rule.name
            && !rule.definition.is_empty()
            && before.definition == rule.definition
            && was_silent == is_silent
            && before.reads != Reads::Everything
            && rule.reads != Reads::Everything;
        is_same.then(|| self.steps.get(&rule.name).map_or(&[][..], Vec::as_slice))
    }

    /// The matches before that rest on nothing that changed, in terms of the newer snapshot. Their
    /// order stays: new ids ascend where old ones do.
    fn kept(&self, rule: &Rule, steps: &[u32], dirty: &Dirty) -> Found {
        let mut kept = Found::new(rule);
        let is_edge: Vec<bool> = rule
            .pattern
            .vars
            .iter()
            .map(|spec| spec.kind == VarKind::Edge)
            .collect();
        for &step in steps {
            let mut ends: Option<(State, Premises)> = None;
            for instance in self.old.steps[step as usize].instances.clone() {
                let at = kept.bindings.len();
                if !self.keep(instance, &is_edge, dirty, &mut kept.bindings) {
                    kept.bindings.truncate(at);
                    continue;
                }
                if ends.is_none() {
                    ends = self.ends(StepId(step));
                }
                let Some((gain, premises)) = &ends else {
                    kept.bindings.truncate(at);
                    continue;
                };
                let Instance {
                    likelihood,
                    confidence,
                } = self.old.instances[instance as usize];
                kept.rows.push(Row {
                    gain: *gain,
                    premises: premises.clone(),
                    likelihood,
                    confidence,
                    at: at as u32,
                });
            }
        }
        kept
    }

    /// Adds the bindings of one match in terms of the newer snapshot; false if it must be looked at
    /// anew, or is gone.
    fn keep(&self, instance: u32, is_edge: &[bool], dirty: &Dirty, out: &mut Vec<u32>) -> bool {
        let starts = &self.old.binding_starts;
        let range = starts[instance as usize] as usize..starts[instance as usize + 1] as usize;
        for (&id, &is_edge) in self.old.bindings[range].iter().zip(is_edge) {
            let now = if id == UNBOUND {
                Some(UNBOUND)
            } else if is_edge {
                let edge = self.delta.edge(EdgeId(id)).map(|edge| edge.0);
                edge.filter(|&edge| !dirty.edges.contains(edge))
            } else {
                let node = self.delta.node(NodeId(id)).map(|node| node.0);
                node.filter(|&node| !dirty.nodes.contains(node))
            };
            match now {
                Some(id) => out.push(id),
                None => return false,
            }
        }
        true
    }

    /// What a step gains and needs, in terms of the newer snapshot.
    fn ends(&self, step: StepId) -> Option<(State, Premises)> {
        let topology = self.old.topology();
        let now = |state| {
            let State { asset, capability } = self.old.state(state);
            let asset = self.delta.node(asset)?;
            Some(State { asset, capability })
        };
        let premises: Option<Premises> = match self.premise.get(step.idx()) {
            Some(&state) => {
                now(crate::search::StateId(state)).map(|state| Premises::from_elem(state, 1))
            }
            None => topology.premises(step).into_iter().map(now).collect(),
        };
        Some((now(topology.gain(step))?, premises?))
    }
}

/// The nodes and edges of the newer snapshot that were there before and of which the rule may read
/// something that changed, and those that are new.
struct Dirty {
    nodes: Bits,
    edges: Bits,
}

impl Dirty {
    fn new(snapshot: &Snapshot, delta: &SnapshotDelta, rule: &Rule) -> Self {
        let mut nodes = Bits::new(snapshot.n_nodes());
        let mut edges = Bits::new(snapshot.n_edges());
        let properties = |all: &[crate::graph::ChangedProperty], bits: &mut Bits| {
            for changed in all.iter().filter(|changed| rule.reads.reads(&changed.name)) {
                insert_all(bits, &changed.ids);
            }
        };
        properties(delta.node_properties(), &mut nodes);
        properties(delta.edge_properties(), &mut edges);
        insert_all(&mut nodes, delta.relabelled());
        insert_all(&mut nodes, delta.new_nodes());
        insert_all(&mut edges, delta.edge_confidence());
        insert_all(&mut edges, delta.new_edges());
        Dirty { nodes, edges }
    }
}

fn insert_all(bits: &mut Bits, ids: &[u32]) {
    for &id in ids {
        bits.insert(id);
    }
}

/// For each variable the dirty nodes or edges that it may stand for. Every match on the newer
/// snapshot that is not kept has one of them.
struct Seeds {
    of: Vec<(Var, Vec<u32>)>,
    /// The fewest nodes or edges that one variable may stand for, over those that have seeds.
    n_candidates: usize,
}

impl Seeds {
    fn new(snapshot: &Snapshot, rule: &Rule, delta: &SnapshotDelta, dirty: &Dirty) -> Self {
        let mut seeds = Seeds {
            of: Vec::new(),
            n_candidates: usize::MAX,
        };
        let new_nodes = Bits::of(snapshot.n_nodes(), delta.new_nodes().iter().copied());
        for edge in &rule.pattern.edges {
            let mut ids = Vec::new();
            let mut n_candidates = 0;
            for kind in snapshot.kinds() {
                let name = snapshot.kind_name(kind);
                if edge.kinds.holds(&|one: &str| one == name) {
                    let range = snapshot.edges_of_kind(kind);
                    n_candidates += range.len();
                    ids.extend(dirty.edges.iter_in(range));
                }
            }
            seeds.add(edge.var, ids, n_candidates);
        }
        for node in &rule.pattern.nodes {
            let is_end = |var: Var| {
                let mut edges = rule.pattern.edges.iter();
                edges.any(|edge| edge.from == var || edge.to == var)
            };
            // All edges of a new node are new, and seeds themselves.
            let skips_new = is_end(node.var);
            let mut n_candidates = snapshot.n_nodes();
            let mut ids: Vec<u32> = dirty.nodes.iter_in(0..snapshot.n_nodes() as u32).collect();
            ids.retain(|&id| {
                !(skips_new && new_nodes.contains(id)) && admits(snapshot, &node.labels, id)
            });
            if let LabelExpr::Name(name) = &node.labels {
                let label = snapshot.label_id(name);
                n_candidates = label.map_or(0, |label| snapshot.labelled(label).len() as usize);
            }
            seeds.add(node.var, ids, n_candidates);
        }
        seeds
    }

    fn add(&mut self, var: Var, ids: Vec<u32>, n_candidates: usize) {
        if !ids.is_empty() {
            self.n_candidates = self.n_candidates.min(n_candidates);
            self.of.push((var, ids));
        }
    }

    fn n(&self) -> usize {
        self.of.iter().map(|(_, ids)| ids.len()).sum()
    }

    fn matches(&self, snapshot: &Snapshot, rule: &Rule, budget: &Budget) -> Result<Found, Stop> {
        // Seeds are fewer than what an index would narrow to, and the conditions decide anyway.
        let mut pattern: RulePattern = rule.pattern.clone();
        for node in &mut pattern.nodes {
            node.hints.clear();
        }
        let mut found = Found::new(rule);
        for (at, (var, ids)) in self.of.iter().enumerate() {
            let earlier = &self.of[..at];
            // A match with several seeds is taken at the first of them.
            let is_first = |bindings: &Bindings| {
                let mut earlier = earlier.iter();
                !earlier.any(|(var, ids)| match bindings.get(*var) {
                    Binding::Node(node) => ids.binary_search(&node.0).is_ok(),
                    Binding::Edge(edge) => ids.binary_search(&edge.0).is_ok(),
                    _ => false,
                })
            };
            let part = matches_from(snapshot, rule, &pattern, (*var, ids), budget, &is_first)?;
            found.append(part);
        }
        found.sort();
        Ok(found)
    }
}

fn admits(snapshot: &Snapshot, labels: &LabelExpr, node: u32) -> bool {
    labels.holds(&|name: &str| {
        let label = snapshot.label_id(name);
        label.is_some_and(|label| snapshot.has_label(NodeId(node), label))
    })
}
