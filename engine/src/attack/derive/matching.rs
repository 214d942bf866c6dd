//! Matching one rule: in parts, each condition on one node or edge judged once.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU8, Ordering};

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::attack::rule::Rule;
use crate::attack::rule::StateTemplate;
use crate::attack::state::State;
use crate::budget::{Budget, Stop};
use crate::graph::{EdgeId, Snapshot};
use crate::model::CERTAIN;
use crate::pattern::{
    Binding, Bindings, Host, Plan, Predicate, RuleCondition, RulePattern, Var, VarKind, find,
    find_morsel,
};

use super::found::{Found, Premises, Row, pack};

/// Seeds that one part of the work starts from.
const PART: usize = 256;

/// Every match of one rule that its guards leave standing, sorted.
pub(super) fn matches(snapshot: &Snapshot, rule: &Rule, budget: &Budget) -> Result<Found, Stop> {
    if !rule.missing_facts(snapshot).is_empty() {
        return Ok(Found::new(rule));
    }
    let plan = Plan::new(snapshot, &rule.pattern, &[]);
    let verdicts = Verdicts::new(snapshot, rule);
    let budget = &budget.part(u64::MAX);
    let mut found = match plan.morsels(snapshot) {
        Some(morsels) => {
            let parts: Result<Vec<Found>, Stop> = morsels
                .into_par_iter()
                .map(|morsel| {
                    let mut matcher = Matcher::new(snapshot, rule, Some(&verdicts));
                    let mut bindings = plan.bindings();
                    let (own, out) = (&mut bindings, &mut matcher);
                    let _ = find_morsel(snapshot, budget, &plan, own, out, morsel)?;
                    Ok(matcher.found)
                })
                .collect();
            let mut all = Found::new(rule);
            for part in parts? {
                all.append(part);
            }
            all
        }
        None => {
            let mut matcher = Matcher::new(snapshot, rule, Some(&verdicts));
            let mut bindings = plan.bindings();
            let _ = find(snapshot, budget, &plan, &mut bindings, &mut matcher)?;
            matcher.found
        }
    };
    found.sort();
    found.effort = budget.expansions();
    Ok(found)
}

/// Every match of one rule in which `var` stands for one of `ids` and that `is_wanted`; in parts.
pub(super) fn matches_from(
    snapshot: &Snapshot,
    (rule, pattern): (&Rule, &RulePattern),
    (var, ids): (Var, &[u32]),
    verdicts: Option<&Verdicts>,
    budget: &Budget,
    is_wanted: &(dyn Fn(&Bindings) -> bool + Sync),
) -> Result<Found, Stop> {
    let plan = Plan::new(snapshot, pattern, &[var]);
    let parts: Result<Vec<Found>, Stop> = ids
        .par_chunks(PART)
        .map(|ids| {
            let mut matcher = Matcher::new(snapshot, rule, verdicts);
            matcher.is_wanted = Some(is_wanted);
            matcher.run_from(&plan, var, ids, budget)?;
            Ok(matcher.found)
        })
        .collect();
    let mut all = Found::new(rule);
    for part in parts? {
        all.append(part);
    }
    Ok(all)
}

/// What conditions that read one variable say of each node or edge it may stand for.
pub(super) struct Verdicts(Vec<Verdict>);

struct Verdict {
    /// Where the condition lies; it stays there while the rule is borrowed.
    address: usize,
    var: Var,
    /// The id that `of` begins with.
    base: u32,
    of: Box<[AtomicU8]>,
}

const UNKNOWN: u8 = 0;
const HOLDS: u8 = 1;
const FAILS: u8 = 2;

impl Verdicts {
    pub(super) fn new(snapshot: &Snapshot, rule: &Rule) -> Self {
        let conditions = rule.pattern.conditions.iter();
        let all = conditions.chain(rule.guards.iter().map(|guard| &guard.condition));
        Verdicts(
            all.filter_map(|condition| {
                let &[var] = Predicate::variables(&**condition) else {
                    return None;
                };
                let ids = ids_of(snapshot, rule, var)?;
                Some(Verdict {
                    address: address(condition),
                    var,
                    base: ids.start,
                    of: ids.map(|_| AtomicU8::new(UNKNOWN)).collect(),
                })
            })
            .collect(),
        )
    }
}

/// The ids that a variable may stand for.
fn ids_of(snapshot: &Snapshot, rule: &Rule, var: Var) -> Option<std::ops::Range<u32>> {
    match rule.pattern.vars.get(usize::from(var.0))?.kind {
        VarKind::Node => Some(0..snapshot.n_nodes() as u32),
        VarKind::Edge => {
            let edge = rule.pattern.edges.iter().find(|edge| edge.var == var)?;
            let kinds = edge.kinds.names();
            let ranges = kinds
                .iter()
                .filter_map(|name| snapshot.kind_id(name))
                .map(|kind| snapshot.edges_of_kind(kind));
            let start = ranges.clone().map(|range| range.start).min()?;
            let end = ranges.map(|range| range.end).max()?;
            Some(start..end)
        }
        VarKind::Walk => None,
    }
}

fn address(condition: &RuleCondition) -> usize {
    std::sync::Arc::as_ptr(condition).cast::<()>().addr()
}

/// Takes the matches of one part.
pub(super) struct Matcher<'a> {
    snapshot: &'a Snapshot,
    rule: &'a Rule,
    verdicts: Option<&'a Verdicts>,
    is_wanted: Option<&'a (dyn Fn(&Bindings) -> bool + Sync)>,
    /// By what the likelihood reads.
    likelihoods: FxHashMap<[u32; 3], f64>,
    found: Found,
}

impl<'a> Matcher<'a> {
    pub(super) fn new(
        snapshot: &'a Snapshot,
        rule: &'a Rule,
        verdicts: Option<&'a Verdicts>,
    ) -> Self {
        Matcher {
            snapshot,
            rule,
            verdicts,
            is_wanted: None,
            likelihoods: FxHashMap::default(),
            found: Found::new(rule),
        }
    }

    /// Runs a plan that has `var` bound for each of `ids`.
    fn run_from(
        &mut self,
        plan: &Plan<RuleCondition>,
        var: Var,
        ids: &[u32],
        budget: &Budget,
    ) -> Result<(), Stop> {
        let is_edge = self.rule.pattern.vars[usize::from(var.0)].kind == VarKind::Edge;
        let mut bindings = plan.bindings();
        for &id in ids {
            let seed = if is_edge {
                Binding::Edge(EdgeId(id))
            } else {
                Binding::Node(crate::graph::NodeId(id))
            };
            bindings.set(var, seed);
            let _ = find(self.snapshot, budget, plan, &mut bindings, self)?;
        }
        Ok(())
    }

    fn judge(&self, condition: &RuleCondition, bindings: &Bindings) -> bool {
        let known = self.verdicts.and_then(|verdicts| {
            let own = address(condition);
            let verdict = verdicts.0.iter().find(|one| one.address == own)?;
            let id = match bindings.get(verdict.var) {
                Binding::Node(node) => node.0,
                Binding::Edge(edge) => edge.0,
                _ => return None,
            };
            verdict.of.get(id.checked_sub(verdict.base)? as usize)
        });
        match known.map(|known| known.load(Ordering::Relaxed)) {
            Some(HOLDS) => return true,
            Some(FAILS) => return false,
            _ => {}
        }
        let holds = condition.eval(self.snapshot, bindings) == Some(true);
        if let Some(known) = known {
            // Whoever judges it judges alike.
            known.store(if holds { HOLDS } else { FAILS }, Ordering::Relaxed);
        }
        holds
    }

    fn likelihood(&mut self, bindings: &Bindings) -> f64 {
        let eval = || {
            self.rule
                .likelihood
                .eval(self.snapshot, bindings, None)
                .clamp(0.0, 1.0)
        };
        let Some(key) = self.likelihood_key(bindings) else {
            return eval();
        };
        if let Some(&known) = self.likelihoods.get(&key) {
            return known;
        }
        let likelihood = eval();
        self.likelihoods.insert(key, likelihood);
        likelihood
    }

    /// What the likelihood reads, if that is little.
    fn likelihood_key(&self, bindings: &Bindings) -> Option<[u32; 3]> {
        let vars = self.rule.likelihood.variables()?;
        let mut key = [0; 3];
        for (slot, var) in vars.iter().enumerate() {
            *key.get_mut(slot)? = match bindings.get(*var) {
                Binding::Node(node) => node.0,
                Binding::Edge(edge) => edge.0,
                _ => return None,
            };
        }
        Some(key)
    }

    /// How likely a match succeeds and how sure its evidence is; nothing if a guard removes it.
    pub(super) fn score(&mut self, bindings: &Bindings) -> Option<(f64, f64)> {
        let mut likelihood = self.likelihood(bindings);
        for guard in &self.rule.guards {
            if likelihood > 0.0 && self.judge(&guard.condition, bindings) {
                likelihood *= guard.factor;
            }
        }
        let confidence = self.rule.confidence * evidence_confidence(self.snapshot, bindings);
        (likelihood > 0.0).then_some((likelihood, confidence))
    }

    /// Adds one match, once for each state it gains.
    fn add(&mut self, bindings: &Bindings) {
        let Some((likelihood, confidence)) = self.score(bindings) else {
            return;
        };
        let state = |template: &StateTemplate| {
            bindings.node(template.var).map(|asset| State {
                asset,
                capability: template.capability,
            })
        };
        let premises: Option<Premises> = self.rule.given.iter().map(state).collect();
        let Some(mut premises) = premises else { return };
        premises.sort_unstable();
        premises.dedup();
        let at = self.found.bindings.len() as u32;
        for gain in self.rule.gain.iter().filter_map(state) {
            // Holding what one gains already makes no step.
            if premises.contains(&gain) {
                continue;
            }
            if self.found.bindings.len() as u32 == at {
                pack(self.rule, bindings, &mut self.found.bindings);
            }
            self.found.rows.push(Row {
                gain,
                premises: premises.clone(),
                likelihood,
                confidence,
                at,
            });
        }
    }
}

impl Host<RuleCondition> for Matcher<'_> {
    type Error = Stop;

    fn holds(&mut self, condition: &RuleCondition, bindings: &Bindings) -> Result<bool, Stop> {
        Ok(self.judge(condition, bindings))
    }

    fn cost(&mut self, _: &RuleCondition, _: &Bindings) -> Result<f64, Stop> {
        Ok(1.0)
    }

    fn found(&mut self, bindings: &Bindings, _: u64) -> Result<ControlFlow<()>, Stop> {
        if self.is_wanted.is_none_or(|is_wanted| is_wanted(bindings)) {
            self.add(bindings);
        }
        Ok(ControlFlow::Continue(()))
    }
}

/// The product over matched edges: evidence that hangs on two guesses is weaker than evidence that
/// hangs on one.
fn evidence_confidence(snapshot: &Snapshot, bindings: &Bindings) -> f64 {
    let edges = bindings
        .edges()
        .map(|edge: EdgeId| snapshot.edge_confidence(edge));
    edges.fold(1.0, |product, hundredths| {
        product * f64::from(hundredths) / f64::from(CERTAIN)
    })
}
