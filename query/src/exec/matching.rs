//! `MATCH`: the engine's matcher, with conditions evaluated on the query's frame.

use std::ops::ControlFlow;
use std::sync::Arc;

use foothold_engine::graph::{EdgeId, NodeId, Snapshot};
use foothold_engine::model::Value;
use foothold_engine::pattern::{Binding, Bindings, Host, Plan, Var, find, find_morsel};
use rustc_hash::FxHashSet;

use crate::diagnostic::Code;
use crate::exec::{Cx, Flow, Sink};
use crate::expr::Slot;
use crate::fault::Fault;
use crate::plan::{Cond, MatchOp, Output, Source};
use crate::value::{Path, Val};

/// One row for each match.
pub(super) struct MatchSink<'p> {
    op: &'p MatchOp,
    bindings: Bindings,
    next: Box<dyn Sink + 'p>,
}

impl<'p> MatchSink<'p> {
    pub(super) fn new(op: &'p MatchOp, next: Box<dyn Sink + 'p>) -> Self {
        MatchSink {
            op,
            bindings: op.plan.bindings(),
            next,
        }
    }

    /// Binds what earlier clauses bound; `false` when one of them is null, which matches nothing.
    fn bind_inputs(&mut self, cx: &Cx<'_>) -> Result<bool, Fault> {
        for &(var, slot, span) in &self.op.inputs {
            let binding = match cx.get(slot) {
                Val::Null => return Ok(false),
                Val::Node(node) => Binding::Node(*node),
                Val::Rel(edge) => Binding::Edge(*edge),
                Val::List(items) => {
                    let edges = items.iter().map(|item| match item {
                        Val::Rel(edge) => Ok(*edge),
                        other => Err(Fault::wrong_type(span, "a relationship", other.type_name())),
                    });
                    Binding::Walk(edges.collect::<Result<Vec<EdgeId>, Fault>>()?.into())
                }
                other => {
                    let found = other.type_name();
                    return Err(Fault::wrong_type(span, "a node or relationship", found));
                }
            };
            let fits = match (&binding, self.op.pattern.vars.get(usize::from(var.0))) {
                (Binding::Node(_), Some(spec)) => {
                    spec.kind == foothold_engine::pattern::VarKind::Node
                }
                (Binding::Edge(_), Some(spec)) => {
                    spec.kind == foothold_engine::pattern::VarKind::Edge
                }
                (Binding::Walk(_), Some(spec)) => spec.is_walk(),
                _ => true,
            };
            if !fits {
                let found = cx.get(slot).type_name();
                return Err(Fault::wrong_type(span, "another kind of thing", found));
            }
            self.bindings.set(var, binding);
        }
        Ok(true)
    }
}

impl Sink for MatchSink<'_> {
    fn row(&mut self, cx: &mut Cx<'_>) -> Result<Flow, Fault> {
        let mut has_match = false;
        if self.bind_inputs(cx)? {
            let (snapshot, budget) = (cx.snapshot, cx.budget);
            let mut host = MatchHost {
                cx,
                outputs: &self.op.outputs,
                next: self.next.as_mut(),
                has_match: false,
            };
            let (plan, bindings) = (&self.op.plan, &mut self.bindings);
            let flow = match host.cx.morsel.take() {
                None => find(snapshot, budget, plan, bindings, &mut host)?,
                Some(morsel) => find_morsel(snapshot, budget, plan, bindings, &mut host, morsel)?,
            };
            has_match = host.has_match;
            if flow.is_break() {
                // The search left its last match behind.
                self.bindings = self.op.plan.bindings();
                return Ok(Flow::Break(()));
            }
        }
        if self.op.is_optional && !has_match {
            for output in &self.op.outputs {
                cx.set(output.slot, Val::Null);
            }
            return self.next.row(cx);
        }
        Ok(Flow::Continue(()))
    }

    fn finish(&mut self, cx: &mut Cx<'_>) -> Result<(), Fault> {
        self.next.finish(cx)
    }
}

/// Every node that `var` stands for in some match, by a plan that binds it itself.
pub(super) fn nodes(
    op: &MatchOp,
    plan: &Plan<Cond>,
    var: Var,
    slot: Slot,
    cx: &mut Cx<'_>,
) -> Result<FxHashSet<NodeId>, Fault> {
    let output = [Output {
        slot,
        source: Source::Node(var),
    }];
    let mut found = NodeSet {
        slot,
        nodes: FxHashSet::default(),
    };
    let (snapshot, budget) = (cx.snapshot, cx.budget);
    let mut host = MatchHost {
        cx,
        outputs: &output,
        next: &mut found,
        has_match: false,
    };
    let mut bindings = op.plan.bindings();
    let _ = find(snapshot, budget, plan, &mut bindings, &mut host)?;
    Ok(found.nodes)
}

/// Collects the nodes in a slot.
struct NodeSet {
    slot: Slot,
    nodes: FxHashSet<NodeId>,
}

impl Sink for NodeSet {
    fn row(&mut self, cx: &mut Cx<'_>) -> Result<Flow, Fault> {
        if let Val::Node(node) = cx.get(self.slot) {
            self.nodes.insert(*node);
        }
        Ok(Flow::Continue(()))
    }

    fn finish(&mut self, _: &mut Cx<'_>) -> Result<(), Fault> {
        Ok(())
    }
}

struct MatchHost<'h, 'c, 'p> {
    cx: &'h mut Cx<'c>,
    outputs: &'h [Output],
    next: &'h mut (dyn Sink + 'p),
    has_match: bool,
}

impl Host<Cond> for MatchHost<'_, '_, '_> {
    type Error = Fault;

    fn holds(&mut self, condition: &Cond, bindings: &Bindings) -> Result<bool, Fault> {
        fill(self.cx, &condition.fills, bindings);
        condition.expr.holds(condition.span, self.cx)
    }

    fn cost(&mut self, cost: &Cond, bindings: &Bindings) -> Result<f64, Fault> {
        fill(self.cx, &cost.fills, bindings);
        let value = cost.expr.eval(self.cx)?;
        match value.as_f64() {
            Some(number) if number.is_finite() && number >= 0.0 => Ok(number),
            Some(number) => {
                let message = format!("a step costs {number}; a cost is finite and not negative");
                Err(Fault::error(Code::NegativeCost, cost.span, message))
            }
            None => Err(Fault::wrong_type(cost.span, "a number", value.type_name())),
        }
    }

    fn value(&mut self, value: &Cond, bindings: &Bindings) -> Result<Option<Value>, Fault> {
        fill(self.cx, &value.fills, bindings);
        let found = value.expr.eval(self.cx)?;
        let is_nan = matches!(found, Val::Float(number) if number.is_nan());
        Ok(if is_nan { None } else { found.to_property() })
    }

    fn found(&mut self, bindings: &Bindings, n: u64) -> Result<ControlFlow<()>, Fault> {
        self.has_match = true;
        fill(self.cx, self.outputs, bindings);
        let weight = self.cx.weight;
        self.cx.weight = weight.saturating_mul(n);
        let flow = self.next.row(self.cx);
        self.cx.weight = weight;
        flow
    }
}

pub(crate) fn fill(cx: &mut Cx<'_>, outputs: &[Output], bindings: &Bindings) {
    for output in outputs {
        let value = read(cx.snapshot, &output.source, bindings);
        cx.set(output.slot, value);
    }
}

fn rels(edges: impl Iterator<Item = EdgeId>) -> Val {
    Val::list(edges.map(Val::Rel).collect())
}

fn read(snapshot: &Snapshot, source: &Source, bindings: &Bindings) -> Val {
    match source {
        Source::Node(var) => bindings.node(*var).map_or(Val::Null, Val::Node),
        Source::Edge(var) => bindings.edge(*var).map_or(Val::Null, Val::Rel),
        Source::Walk(var) => rels(bindings.edges_of(*var).iter().copied()),
        Source::GroupEdges { walk, at, n } => rels(
            bindings
                .edges_of(*walk)
                .iter()
                .copied()
                .skip(*at)
                .step_by(*n),
        ),
        Source::GroupNodes { start, walk, at, n } => {
            let Some(start) = bindings.node(*start) else {
                return Val::Null;
            };
            let edges = bindings.edges_of(*walk);
            let nodes = walked(snapshot, start, edges);
            let rounds = edges.len() / (*n).max(1);
            let picked = (0..rounds).filter_map(|round| nodes.get(round * n + at).copied());
            Val::list(picked.map(Val::Node).collect())
        }
        Source::Path(start, walks) => {
            let Some(start) = bindings.node(*start) else {
                return Val::Null;
            };
            let mut path = Path {
                start,
                steps: Vec::new(),
            };
            for walk in walks.iter() {
                path.walk(snapshot, bindings.edges_of(*walk));
            }
            Val::Path(Arc::new(path))
        }
        Source::Length(walks) => {
            let length: u64 = walks.iter().map(|walk| bindings.length_of(*walk)).sum();
            Val::Int(i64::try_from(length).unwrap_or(i64::MAX))
        }
    }
}

/// The nodes of a walk.
fn walked(snapshot: &Snapshot, start: NodeId, edges: &[EdgeId]) -> Vec<NodeId> {
    let mut path = Path {
        start,
        steps: Vec::new(),
    };
    path.walk(snapshot, edges);
    path.nodes().collect()
}
