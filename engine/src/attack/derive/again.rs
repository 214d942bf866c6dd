//! Matching again after a change: what is kept of the matches before, and where new ones may be.
//!
//! Of the properties that a rule reads some decide whether there is a match; the rest, such as the
//! EPSS score of a vulnerability, only how likely it is. Where nothing but these changed, the match
//! is the same and is scored again.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::attack::graph::{AttackGraph, Instance};
use crate::attack::rule::{Beyond, Reads, Rule, RuleSet};
use crate::attack::state::State;
use crate::budget::{Budget, CHECK_EVERY, Stop};
use crate::graph::{EdgeId, NodeId, Snapshot, SnapshotDelta};
use crate::pattern::{Binding, Bindings, LabelExpr, RulePattern, Var, VarKind};
use crate::score::cost::cost_of_likelihood;
use crate::search::{Bits, StepId};

use super::assemble::silent;
use super::found::{Found, Premises, Row, UNBOUND, unpack_into};
use super::matching::{Matcher, Verdicts, matches, matches_from};

/// With more than one part in so many of what a rule could match for seeds, looking around each
/// seed costs more than starting over.
pub(super) const WORTH: usize = 3;

/// Up to so many seeds, remembering what was judged costs more than judging.
const FEW: usize = 64;

/// The attack graph before a change, in the order of its matches.
pub(super) struct Before<'a> {
    old: &'a AttackGraph,
    delta: &'a SnapshotDelta,
    worth: usize,
    /// Whether every node and edge is called what it was called before, and there are no others.
    keeps_ids: bool,
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
            keeps_ids: delta.keeps_ids(),
            premise,
            steps: names.zip(steps).collect(),
        }
    }

    /// Every match of one rule on the newer snapshot, sorted; nothing if they are those before, in
    /// the same terms.
    pub(super) fn matches(
        &self,
        snapshot: &Snapshot,
        rule: &Rule,
        budget: &Budget,
    ) -> Result<Option<Found>, Stop> {
        let Some(steps) = self.comparable(snapshot, rule) else {
            return matches(snapshot, rule, budget).map(Some);
        };
        if !rule.missing_facts(snapshot).is_empty() {
            return Ok(self.keeps_ids.then(|| Found::new(rule)));
        }
        let dirty = Dirty::new(snapshot, self.delta, rule);
        let seeds = Seeds::new(snapshot, rule, self.delta, &dirty.decided);
        if seeds.part * self.worth as f64 > 1.0 {
            return matches(snapshot, rule, budget).map(Some);
        }
        if self.keeps_ids && dirty.decided.is_empty() && dirty.scored.is_empty() {
            return Ok(None);
        }
        // A pattern may be cheap from one end only, and the seeds lie at the other.
        let part = budget.part(self.effort(rule).max(CHECK_EVERY));
        let Ok(new) = seeds.matches(snapshot, rule, &part) else {
            budget.check()?;
            return matches(snapshot, rule, budget).map(Some);
        };
        let mut found = self.kept(snapshot, rule, steps, &dirty, budget)?;
        found.merge(new);
        Ok(Some(found))
    }

    /// The edges looked at when the rule was last matched from the start.
    fn effort(&self, rule: &Rule) -> u64 {
        let before = self.old.rules().find(&rule.name);
        before.map_or(0, |before| self.old.efforts[usize::from(before.0)])
    }

    /// The matches of a rule that are those before.
    pub(super) fn same(&self, snapshot: &Snapshot, rule: &Rule) -> Result<Found, Stop> {
        let steps = self.steps.get(&rule.name).map_or(&[][..], Vec::as_slice);
        self.kept(
            snapshot,
            rule,
            steps,
            &Dirty::default(),
            &Budget::unlimited(),
        )
    }

    /// The attack graph before with other matches behind its steps, if it is that one: with the same
    /// states and steps, and as many matches behind each. `found` holds nothing for the rules whose
    /// matches are those before.
    pub(super) fn patched(
        &self,
        snapshot: &Arc<Snapshot>,
        rules: &Arc<RuleSet>,
        found: &[Option<Found>],
    ) -> Option<AttackGraph> {
        let names = |rules: &RuleSet| -> Vec<Arc<str>> {
            let names = rules.rules().iter().map(|rule| Arc::clone(&rule.name));
            names.collect()
        };
        if !self.keeps_ids || names(self.old.rules()) != names(rules) {
            return None;
        }
        let changed = || {
            let both = rules.rules().iter().zip(found);
            both.filter_map(|(rule, found)| {
                let steps = self.steps.get(&rule.name)?;
                Some((rule, steps, found.as_ref()?))
            })
        };
        if !changed().all(|(rule, steps, found)| self.has_steps(rule, steps, found)) {
            return None;
        }
        let mut topology = self.old.topology().clone();
        let mut instances = self.old.instances.clone();
        let mut bindings = self.old.bindings.clone();
        for (_, steps, found) in changed() {
            let mut rows = found.rows.iter();
            for &step in steps {
                let own = self.old.steps[step as usize].instances.clone();
                let mut best = 0.0;
                for (instance, row) in own.clone().zip(&mut rows) {
                    instances[instance as usize] = Instance {
                        likelihood: row.likelihood,
                        confidence: row.confidence,
                    };
                    let range = self.bindings_of(instance);
                    bindings[range].copy_from_slice(found.bindings_of(row));
                    if instance == own.start {
                        best = row.likelihood;
                    }
                }
                topology.set_cost(StepId(step), cost_of_likelihood(best));
            }
        }
        Some(AttackGraph {
            snapshot: Arc::clone(snapshot),
            rules: Arc::clone(rules),
            states: self.old.states.clone(),
            topology,
            steps: self.old.steps.clone(),
            instances,
            bindings,
            binding_starts: self.old.binding_starts.clone(),
            efforts: self.old.efforts.clone(),
            silent: silent(snapshot, rules),
        })
    }

    /// Whether these matches stand behind these steps, as many behind each as before.
    fn has_steps(&self, rule: &Rule, steps: &[u32], found: &Found) -> bool {
        let before = self.old.rules().find(&rule.name);
        let n_vars = before.map(|before| self.old.rules().get(before).pattern.vars.len());
        if n_vars != Some(found.n_vars) {
            return false;
        }
        let mut rows = found.rows.as_slice();
        for &step in steps {
            let n = self.old.steps[step as usize].instances.len();
            let Some((own, rest)) = rows.split_at_checked(n) else {
                return false;
            };
            let Some((gain, premises)) = self.ends(StepId(step)) else {
                return false;
            };
            if !own
                .iter()
                .all(|row| row.gain == gain && row.premises == premises)
            {
                return false;
            }
            rows = rest;
        }
        rows.is_empty()
    }

    fn bindings_of(&self, instance: u32) -> std::ops::Range<usize> {
        let starts = &self.old.binding_starts;
        starts[instance as usize] as usize..starts[instance as usize + 1] as usize
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
            && rule.reads != Reads::Everything
            && !self.concerns(snapshot, &rule.beyond);
        is_same.then(|| self.steps.get(&rule.name).map_or(&[][..], Vec::as_slice))
    }

    /// Whether something changed that the conditions of a rule look at beyond its match.
    fn concerns(&self, snapshot: &Snapshot, beyond: &Beyond) -> bool {
        if beyond.kinds.is_empty() && beyond.properties.is_empty() {
            return false;
        }
        let changed = [self.delta.node_properties(), self.delta.edge_properties()];
        let mut changed = changed.into_iter().flatten();
        let is_gone = |edge: u32| self.delta.edge(EdgeId(edge)).is_none();
        let of = |snapshot: &Snapshot, kind: &str| {
            let kind = snapshot.kind_id(kind);
            kind.map_or(0..0, |kind| snapshot.edges_of_kind(kind))
        };
        !self.delta.relabelled().is_empty()
            || changed.any(|changed| beyond.properties.contains(&changed.name))
            || beyond.kinds.iter().any(|kind| {
                let new = self.delta.new_edges();
                let now = of(snapshot, kind);
                let first = new.partition_point(|&edge| edge < now.start);
                new.get(first).is_some_and(|&edge| edge < now.end)
                    || of(self.old.snapshot(), kind).any(is_gone)
            })
    }

    /// The matches before that rest on nothing that may decide otherwise now, in terms of the newer
    /// snapshot and as likely as they are there. The order of steps stays: new ids ascend where old
    /// ones do.
    fn kept(
        &self,
        snapshot: &Snapshot,
        rule: &Rule,
        steps: &[u32],
        dirty: &Dirty,
        budget: &Budget,
    ) -> Result<Found, Stop> {
        let mut kept = Found::new(rule);
        kept.effort = self.effort(rule);
        let is_edge: Vec<bool> = rule
            .pattern
            .vars
            .iter()
            .map(|spec| spec.kind == VarKind::Edge)
            .collect();
        let verdicts = (!dirty.scored.is_empty()).then(|| Verdicts::new(snapshot, rule));
        let mut scorer = Matcher::new(snapshot, rule, verdicts.as_ref());
        let mut bindings = Bindings::new(rule.pattern.vars.len());
        for (n_steps, &step) in steps.iter().enumerate() {
            if n_steps % 4096 == 0 {
                budget.check()?;
            }
            let mut ends: Option<(State, Premises)> = None;
            let first = kept.rows.len();
            let mut is_scored = false;
            for instance in self.old.steps[step as usize].instances.clone() {
                let at = kept.bindings.len();
                let fate = self.fate(instance, &is_edge, dirty, &mut kept.bindings);
                let Instance {
                    mut likelihood,
                    mut confidence,
                } = self.old.instances[instance as usize];
                let mut stays = fate != Fate::Gone;
                if fate == Fate::Scored {
                    unpack_into(rule, &kept.bindings[at..], &mut bindings);
                    match scorer.score(&bindings) {
                        Some(score) => (likelihood, confidence) = score,
                        None => stays = false,
                    }
                    is_scored = true;
                }
                if stays && ends.is_none() {
                    ends = self.ends(StepId(step));
                }
                let Some((gain, premises)) = ends.as_ref().filter(|_| stays) else {
                    kept.bindings.truncate(at);
                    continue;
                };
                kept.rows.push(Row {
                    gain: *gain,
                    premises: premises.clone(),
                    likelihood,
                    confidence,
                    at: at as u32,
                });
            }
            if is_scored {
                kept.sort_step(first);
            }
        }
        Ok(kept)
    }

    /// What becomes of one match; adds its bindings in terms of the newer snapshot.
    fn fate(&self, instance: u32, is_edge: &[bool], dirty: &Dirty, out: &mut Vec<u32>) -> Fate {
        let mut fate = Fate::Kept;
        let old = &self.old.bindings[self.bindings_of(instance)];
        for (&id, &is_edge) in old.iter().zip(is_edge) {
            if id == UNBOUND {
                out.push(UNBOUND);
                continue;
            }
            let now = if is_edge {
                self.delta.edge(EdgeId(id)).map(|edge| edge.0)
            } else {
                self.delta.node(NodeId(id)).map(|node| node.0)
            };
            let Some(now) = now.filter(|&now| !dirty.decided.contains(is_edge, now)) else {
                return Fate::Gone;
            };
            if dirty.scored.contains(is_edge, now) {
                fate = Fate::Scored;
            }
            out.push(now);
        }
        fate
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

/// What becomes of a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It is what it was.
    Kept,
    /// It holds; how likely it is may have changed.
    Scored,
    /// It does not hold any more, or must be looked at anew.
    Gone,
}

/// Some nodes and edges of the newer snapshot.
#[derive(Default)]
struct Marks {
    nodes: Bits,
    edges: Bits,
}

impl Marks {
    fn contains(&self, is_edge: bool, id: u32) -> bool {
        let bits = if is_edge { &self.edges } else { &self.nodes };
        bits.contains(id)
    }

    fn is_empty(&self) -> bool {
        self.nodes.capacity() == 0 && self.edges.capacity() == 0
    }
}

/// Of what may be read by a rule something changed.
#[derive(Default)]
struct Dirty {
    /// What may decide otherwise now, or is new.
    decided: Marks,
    /// What may make a match more or less likely.
    scored: Marks,
}

impl Dirty {
    fn new(snapshot: &Snapshot, delta: &SnapshotDelta, rule: &Rule) -> Self {
        let mut dirty = Dirty::default();
        let (n_nodes, n_edges) = (snapshot.n_nodes(), snapshot.n_edges());
        let Dirty { decided, scored } = &mut dirty;
        for changed in delta.node_properties() {
            if rule.decides.reads(&changed.name) {
                mark(&mut decided.nodes, n_nodes, &changed.ids);
            } else if rule.reads.reads(&changed.name) {
                mark(&mut scored.nodes, n_nodes, &changed.ids);
            }
        }
        for changed in delta.edge_properties() {
            if rule.decides.reads(&changed.name) {
                mark(&mut decided.edges, n_edges, &changed.ids);
            } else if rule.reads.reads(&changed.name) {
                mark(&mut scored.edges, n_edges, &changed.ids);
            }
        }
        mark(&mut decided.nodes, n_nodes, delta.relabelled());
        mark(&mut decided.nodes, n_nodes, delta.new_nodes());
        mark(&mut decided.edges, n_edges, delta.new_edges());
        mark(&mut scored.edges, n_edges, delta.edge_confidence());
        dirty
    }
}

/// Puts ids into a set that has no room before there are any.
fn mark(bits: &mut Bits, room: usize, ids: &[u32]) {
    if !ids.is_empty() && bits.capacity() == 0 {
        *bits = Bits::new(room);
    }
    for &id in ids {
        bits.insert(id);
    }
}

/// For each variable the dirty nodes or edges that it may stand for. Every match on the newer
/// snapshot that is not kept has one of them.
struct Seeds {
    of: Vec<(Var, Vec<u32>)>,
    /// How large a part of all nodes and edges that a variable may stand for are seeds, summed over
    /// the variables: about the part of all matches that lie around seeds.
    part: f64,
}

impl Seeds {
    fn new(snapshot: &Snapshot, rule: &Rule, delta: &SnapshotDelta, dirty: &Marks) -> Self {
        let mut seeds = Seeds {
            of: Vec::new(),
            part: 0.0,
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
            self.part += ids.len() as f64 / n_candidates.max(1) as f64;
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
        let verdicts = (self.n() > FEW).then(|| Verdicts::new(snapshot, rule));
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
            let part = matches_from(
                snapshot,
                (rule, &pattern),
                (*var, ids),
                verdicts.as_ref(),
                budget,
                &is_first,
            )?;
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
