//! `ATTACK PATHS`: the most likely ways from here to there.
//!
//! A path ends in a state. Two states of one asset are two targets, so `TOP k` counts a path to each;
//! and a way over an asset that the sources reach directly as well is a path of its own, because it
//! stays open when the direct way is closed. Who wants one path a store asks for one capability, or
//! for `TOP 1 PER TARGET`.

use std::ops::ControlFlow;
use std::sync::Arc;

use foothold_engine::attack::AttackGraph;
use foothold_engine::budget::Stop;
use foothold_engine::score::cost::UNREACHED;
use foothold_engine::search::{
    Bits, Cheapest, PathQuery, StateId, StepId, Top, View, attack_paths, cheapest_from, left_out,
    stream_attack_paths,
};

use crate::ast::{self, Avoiding, Ident, Per, Span};
use crate::diagnostic::{Code, Diagnostic};
use crate::exec::Cx;
use crate::fault::Fault;
use crate::plan::{Table, TakeRow};
use crate::resolve::{Resolver, Scope, VerbTable};
use crate::value::Val;

use super::between::{Between, uses_technique};
use super::ends::{EndNode, EndsPlan, Role};
use super::path_value::{AttackPathValue, limit_of_shown, rounded, shown_likelihood};
use super::{AttackContext, columns, constant, count, state_value, stop_if, warn_of_shared, whole};

/// Without `TOP`, so many paths: enough to read.
const DEFAULT_TOP: usize = 10;

#[derive(Debug)]
struct AttackPaths {
    between: Between,
    via: Option<EndsPlan>,
    avoiding: Vec<EndsPlan>,
    /// Steps by rules or techniques that the question leaves out.
    hidden_steps: Bits,
    within: Option<u32>,
    max_cost: u32,
    min_confidence: f64,
    top: usize,
    per: Option<Per>,
}

pub(super) fn plan(
    context: &AttackContext,
    resolver: &mut Resolver<'_>,
    parts: &ast::AttackPaths,
    scope: &Scope,
) -> VerbTable {
    let min_confidence = constant(resolver, parts.confidence.as_ref(), scope).unwrap_or(0.0);
    let ends = (parts.from.as_ref(), parts.to.as_ref());
    let between = Between::plan_of_sure(context, resolver, ends, scope, min_confidence);
    let context = &between.context.clone();
    let via = parts
        .via
        .as_ref()
        .map(|ends| EndsPlan::of(context, resolver, ends, scope));
    let mut avoided = Vec::new();
    let mut hidden_steps = Bits::new(context.graph.n_steps());
    for avoiding in &parts.avoiding {
        match avoiding {
            Avoiding::Ends(ends) => {
                avoided.push(EndsPlan::of(context, resolver, ends, scope));
            }
            Avoiding::Rules(names) => {
                hide_rules(&context.graph, resolver, names, &mut hidden_steps);
            }
            Avoiding::Techniques(names) => {
                hide_techniques(&context.graph, resolver, names, &mut hidden_steps);
            }
        }
    }
    let likelihood = constant(resolver, parts.likelihood.as_ref(), scope);
    let top = parts.top.as_ref();
    let table = AttackPaths {
        between,
        via,
        avoiding: avoided,
        hidden_steps,
        within: whole(resolver, parts.within.as_ref(), scope)
            .map(|steps| steps.min(u64::from(u32::MAX)) as u32),
        max_cost: likelihood.map_or(UNREACHED - 1, limit_of_shown),
        min_confidence,
        top: whole(resolver, top.map(|top| &top.count), scope).map_or(DEFAULT_TOP, |top| {
            usize::try_from(top).unwrap_or(usize::MAX)
        }),
        per: top.and_then(|top| top.per),
    };
    VerbTable {
        table: Arc::new(table),
        columns: columns::ATTACK_PATHS.typed(),
    }
}

fn hide_rules(
    graph: &AttackGraph,
    resolver: &mut Resolver<'_>,
    names: &[Ident],
    hidden: &mut Bits,
) {
    for name in names {
        match graph.rules().find(&name.name) {
            Some(rule) => {
                for step in graph
                    .topology()
                    .steps()
                    .filter(|&step| graph.rule_of(step) == rule)
                {
                    hidden.insert(step.0);
                }
            }
            None => {
                let message = format!("no rule `{}`", name.name);
                let known = graph.rules().rules().iter().map(|rule| &*rule.name);
                let diagnostic = Diagnostic::new(Code::UnknownVariable, name.span, message);
                resolver.report(diagnostic.suggest(&name.name, known));
            }
        }
    }
}

fn hide_techniques(
    graph: &AttackGraph,
    resolver: &mut Resolver<'_>,
    names: &[Ident],
    hidden: &mut Bits,
) {
    for name in names {
        let rules = graph.rules().rules();
        // A technique stands for its sub-techniques.
        if !rules.iter().any(|rule| uses_technique(rule, &name.name)) {
            let message = format!("no rule uses the technique `{}`", name.name);
            let known = rules
                .iter()
                .flat_map(|rule| rule.techniques.iter().map(|one| &**one));
            let diagnostic = Diagnostic::new(Code::UnknownVariable, name.span, message);
            resolver.report(diagnostic.suggest(&name.name, known));
        }
        for step in graph.topology().steps() {
            let rule = graph.rules().get(graph.rule_of(step));
            if uses_technique(rule, &name.name) {
                hidden.insert(step.0);
            }
        }
    }
}

/// So many steps that ranked paths leave out are looked at.
const MOST_LEFT_OUT: usize = 64;

/// Says which ways are not among the paths, if there are any.
fn warn_of_left_out(cx: &mut Cx<'_>, graph: &AttackGraph, steps: &[StepId]) {
    let Some(&step) = steps.first() else {
        return;
    };
    let rule = &graph.rules().get(graph.rule_of(step)).name;
    let gain = graph.state_text(graph.topology().gain(step));
    let others = match steps.len() {
        1 => String::new(),
        n => format!(" (and {} more)", n - 1),
    };
    let message = format!(
        "ways through `{rule}` to {gain}{others} are not among the paths: what else it needs comes \
         likeliest through what it gains"
    );
    let help = "hide the likelier way with `AVOIDING`, and the others are listed";
    cx.warn(Diagnostic::new(Code::NotProven, Span::default(), message).help(help));
}

/// What one row asks for, and what is hidden from it.
struct Question {
    ends: Vec<EndNode>,
    query: PathQuery,
    via: Option<Bits>,
    hidden_steps: Bits,
    hidden_states: Bits,
}

impl AttackPaths {
    fn question(&self, cx: &mut Cx<'_>) -> Result<Question, Fault> {
        let graph = &**self.between.graph();
        let n_states = graph.n_states();
        let bits =
            |states: Vec<StateId>| Bits::of(n_states, states.into_iter().map(|state| state.0));
        let sources = self.between.sources(cx)?;
        let ends = self.between.targets(cx)?;
        let mut targets: Vec<StateId> = ends.iter().flat_map(|end| end.states.clone()).collect();
        targets.sort_unstable();
        targets.dedup();
        let via = match &self.via {
            Some(via) => Some(bits(via.states(cx, graph, Role::Source)?)),
            None => None,
        };
        let mut avoided = Vec::new();
        for avoiding in &self.avoiding {
            avoided.extend(avoiding.states(cx, graph, Role::Source)?);
        }
        let hidden_states = bits(avoided);
        let mut hidden_steps = self.hidden_steps.clone();
        if self.min_confidence > 0.0 {
            // No path is surer than its least sure step.
            for step in graph.topology().steps() {
                if rounded(graph.confidence_of(step)) < self.min_confidence {
                    hidden_steps.insert(step.0);
                }
            }
        }
        let top = match self.per {
            None => Top::Overall(self.top),
            Some(Per::Source) => Top::PerSource(self.top),
            Some(Per::Target) => Top::PerTarget(self.top),
            Some(Per::Pair) => Top::PerPair(self.top),
        };
        let query = PathQuery {
            sources,
            targets,
            top,
            max_steps: self.within,
            max_cost: self.max_cost,
        };
        Ok(Question {
            ends,
            query,
            via,
            hidden_steps,
            hidden_states,
        })
    }

    /// The paths of one row, best first.
    fn answer(&self, cx: &mut Cx<'_>, question: &Question) -> (Vec<AttackPathValue>, Option<Stop>) {
        let graph = self.between.graph();
        let view = View::new(graph.topology())
            .without_steps(&question.hidden_steps)
            .without_states(&question.hidden_states);
        let forward: Option<Cheapest> = (graph.topology().n_and_steps() > 0).then(|| {
            cheapest_from(&view, &question.query.sources, cx.budget)
                .into_parts()
                .0
        });
        if let Some(forward) = &forward {
            let PathQuery {
                sources, targets, ..
            } = &question.query;
            let (most, budget) = (MOST_LEFT_OUT, cx.budget);
            match left_out(&view, sources, targets, forward, most, budget) {
                Ok(steps) => warn_of_left_out(cx, graph, &steps),
                Err(stop) => return (Vec::new(), Some(stop)),
            }
        }
        let is_wanted = |path: &AttackPathValue| {
            let passes = question
                .via
                .as_ref()
                .is_none_or(|via| path.states().iter().any(|state| via.contains(state.0)));
            passes && rounded(path.confidence()) >= self.min_confidence
        };
        let value = |path| AttackPathValue::new(graph, forward.as_ref(), path);
        // What a search cannot be told is asked of each path as it comes, best first, until there
        // are enough; the order makes the first ones the answer.
        if question.via.is_some() || self.min_confidence > 0.0 {
            let mut kept = Kept::new(self.top, self.per);
            let mut paths = Vec::new();
            let (_, stop) = stream_attack_paths(&view, &question.query, cx.budget, |path| {
                let path = value(path);
                if is_wanted(&path) && kept.has_room(&path) {
                    paths.push(path);
                }
                if kept.is_full() {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            })
            .into_parts();
            return (paths, stop);
        }
        let (paths, stop) = attack_paths(
            &view,
            &question.query,
            &self.between.context.pool,
            cx.budget,
        )
        .into_parts();
        (paths.into_iter().map(value).collect(), stop)
    }
}

/// Counts kept paths for `TOP k` and `TOP k PER ..`.
struct Kept {
    top: usize,
    per: Option<Per>,
    counts: std::collections::BTreeMap<(u32, u32), usize>,
    total: usize,
}

impl Kept {
    fn new(top: usize, per: Option<Per>) -> Self {
        Kept {
            top,
            per,
            counts: std::collections::BTreeMap::new(),
            total: 0,
        }
    }

    /// Whether one more path like this is wanted; if so it is counted.
    fn has_room(&mut self, path: &AttackPathValue) -> bool {
        let (source, target) = (path.path().source.0, path.path().target.0);
        let key = match self.per {
            None => (0, 0),
            Some(Per::Source) => (source, 0),
            Some(Per::Target) => (0, target),
            Some(Per::Pair) => (source, target),
        };
        let count = self.counts.entry(key).or_insert(0);
        let has_room = *count < self.top;
        *count += usize::from(has_room);
        self.total += usize::from(has_room);
        has_room
    }

    fn is_full(&self) -> bool {
        self.per.is_none() && self.total >= self.top
    }
}

impl Table for AttackPaths {
    fn rows<'c>(
        &self,
        cx: &mut Cx<'c>,
        take: &mut TakeRow<'_, 'c>,
    ) -> Result<ControlFlow<()>, Fault> {
        let question = self.question(cx)?;
        let (paths, stop) = self.answer(cx, &question);
        if paths.is_empty() && stop.is_none() {
            self.between.note_unknown(cx, &question.ends)?;
        }
        if paths.iter().any(AttackPathValue::counts_twice) {
            warn_of_shared(cx);
        }
        for path in paths {
            let graph = path.graph();
            let row = [
                state_value(graph, path.path().source),
                state_value(graph, path.path().target),
                Val::Float(shown_likelihood(path.likelihood())),
                Val::Float(rounded(path.confidence())),
                count(path.path().steps.len() as u64),
                Val::Str(path.weakest_text().into()),
                Val::Str(path.signature().into()),
            ];
            let mut full = vec![Val::Foreign(Arc::new(path))];
            full.extend(row);
            if take(cx, &full)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        stop_if(cx, stop)?;
        Ok(ControlFlow::Continue(()))
    }

    fn text(&self) -> String {
        format!("AttackPaths top {}", self.top)
    }
}
