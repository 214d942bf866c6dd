//! Ends: the states a question starts from or asks about.

use std::ops::ControlFlow;
use std::sync::Arc;

use foothold_engine::attack::{AttackGraph, Capability, State, crown_jewels, sensitive_stores};
use foothold_engine::graph::{NodeId, Snapshot};
use foothold_engine::model::schema::INTERNET_ID;
use foothold_engine::search::StateId;

use crate::ast::{self, EndKind, Ends, Ident, PathElement, PathPattern, Span};
use crate::diagnostic::{Code, Diagnostic};
use crate::exec::{Cx, run_body};
use crate::expr::Slot;
use crate::fault::Fault;
use crate::plan::{Body, Line, Op};
use crate::resolve::{Resolver, Scope};
use crate::value::Val;

use super::AttackContext;
use super::meant::Meant;

/// The name given to a node that the query leaves unnamed; no query can write it.
const UNNAMED: &str = "\u{1}end";

/// A planned list of ends.
#[derive(Debug, Clone)]
pub(super) struct EndsPlan {
    ends: Vec<EndPlan>,
}

#[derive(Debug, Clone)]
enum EndPlan {
    /// Nodes, each with one capability or with any.
    Nodes {
        body: Arc<Body>,
        slot: Slot,
        capability: Option<Capability>,
        /// Where the query picks them out of all with their labels; a definition in another text
        /// has no place there.
        span: Option<Span>,
        /// By what they are picked, for a guess when nothing is found.
        meant: Option<Meant>,
    },
    /// Where the attacker `internet` starts without a definition of it.
    Internet,
    /// Every crown jewel and every sensitive store.
    CrownJewels,
}

/// What is worth protecting where a question names nothing: crown jewels, and stores that somebody
/// called sensitive.
fn jewels(snapshot: &Snapshot) -> Vec<NodeId> {
    let valued = crown_jewels(snapshot).into_iter();
    let mut nodes: Vec<NodeId> = valued.map(|jewel| jewel.asset).collect();
    nodes.extend(sensitive_stores(snapshot));
    nodes.sort_unstable();
    nodes.dedup();
    nodes
}

/// What a list of ends is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Every state of a node is held.
    Source,
    /// A node without a capability means more than network access.
    Target,
}

/// A node with the states of it that are meant; none when no step touches it.
#[derive(Debug, Clone)]
pub(super) struct EndNode {
    pub(super) node: NodeId,
    /// What was written over it: a capability, or `None` for any.
    pub(super) asked: Vec<Option<Capability>>,
    pub(super) states: Vec<StateId>,
}

impl EndNode {
    fn new(graph: &AttackGraph, node: NodeId, asked: Option<Capability>, role: Role) -> Self {
        EndNode {
            node,
            asked: vec![asked],
            states: states_of(graph, node, asked, role),
        }
    }

    /// Whether this capability over the node is meant.
    pub(super) fn means(&self, capability: Capability) -> bool {
        self.asked
            .iter()
            .any(|asked| asked.is_none_or(|asked| asked == capability))
    }
}

impl EndsPlan {
    /// `FROM`, or the attacker `internet`.
    pub(super) fn sources(
        context: &AttackContext,
        resolver: &mut Resolver<'_>,
        ends: Option<&Ends>,
        scope: &Scope,
    ) -> Self {
        match ends {
            Some(ends) => Self::of(context, resolver, ends, scope),
            None => EndsPlan {
                ends: attacker(context, resolver, "internet").unwrap_or(vec![EndPlan::Internet]),
            },
        }
    }

    /// `TO`, or every crown jewel.
    pub(super) fn targets(
        context: &AttackContext,
        resolver: &mut Resolver<'_>,
        ends: Option<&Ends>,
        scope: &Scope,
    ) -> Self {
        match ends {
            Some(ends) => Self::of(context, resolver, ends, scope),
            None => {
                if jewels(context.graph.snapshot()).is_empty() {
                    let message = "nothing has a value and no data store a sensitivity, so there \
                        is no target: the answer says nothing";
                    let help = "name targets with `TO`, or give values in a criticality file";
                    let diagnostic = Diagnostic::new(Code::EmptyEnd, Span::default(), message);
                    resolver.report(diagnostic.help(help));
                }
                EndsPlan {
                    ends: vec![EndPlan::CrownJewels],
                }
            }
        }
    }

    /// Ends that must be given.
    pub(super) fn of(
        context: &AttackContext,
        resolver: &mut Resolver<'_>,
        ends: &Ends,
        scope: &Scope,
    ) -> Self {
        let mut planned = Vec::new();
        for end in &ends.items {
            match &end.kind {
                EndKind::Node(node) => planned.extend(nodes(resolver, node, None, scope)),
                EndKind::State(state) => {
                    planned.extend(nodes(resolver, &state.node, Some(state.capability), scope));
                }
                EndKind::Attacker(name) => planned.extend(profile(context, resolver, name)),
            }
        }
        EndsPlan { ends: planned }
    }

    /// The nodes that are meant for the current row, each once, in node order.
    pub(super) fn nodes(
        &self,
        cx: &mut Cx<'_>,
        graph: &AttackGraph,
        role: Role,
    ) -> Result<Vec<EndNode>, Fault> {
        let mut found: Vec<EndNode> = Vec::new();
        for end in &self.ends {
            match end {
                EndPlan::Nodes {
                    body,
                    slot,
                    capability,
                    span,
                    meant,
                } => {
                    let n_before = found.len();
                    let _ = run_body(body, cx, &mut |cx| {
                        if let Val::Node(node) = *cx.get(*slot) {
                            found.push(EndNode::new(graph, node, *capability, role));
                        }
                        Ok(ControlFlow::Continue(()))
                    })?;
                    if let Some(span) = span {
                        let snapshot = cx.snapshot;
                        let guess = || meant.as_ref().and_then(|meant| meant.nearest(snapshot));
                        cx.note_end(*span, found.len() > n_before, guess);
                    }
                }
                EndPlan::Internet => {
                    let node = internet(graph.snapshot());
                    let reach = Some(Capability::Reach);
                    found.extend(node.map(|node| EndNode::new(graph, node, reach, role)));
                }
                EndPlan::CrownJewels => {
                    let jewels = jewels(graph.snapshot()).into_iter();
                    found.extend(jewels.map(|node| EndNode::new(graph, node, None, role)));
                }
            }
        }
        found.sort_by_key(|end| end.node);
        found.dedup_by(|next, kept| {
            let is_same = next.node == kept.node;
            if is_same {
                kept.asked.append(&mut next.asked);
                kept.states.append(&mut next.states);
                kept.states.sort_unstable();
                kept.states.dedup();
            }
            is_same
        });
        Ok(found)
    }

    /// The states that are meant for the current row, each once, ascending.
    pub(super) fn states(
        &self,
        cx: &mut Cx<'_>,
        graph: &AttackGraph,
        role: Role,
    ) -> Result<Vec<StateId>, Fault> {
        let nodes = self.nodes(cx, graph, role)?;
        let mut states: Vec<StateId> = nodes.into_iter().flat_map(|end| end.states).collect();
        states.sort_unstable();
        states.dedup();
        Ok(states)
    }
}

/// The start states of the default attacker: network access to what the internet is.
pub fn default_start(graph: &AttackGraph) -> Vec<StateId> {
    let node = internet(graph.snapshot());
    node.map(|node| states_of(graph, node, Some(Capability::Reach), Role::Source))
        .unwrap_or_default()
}

fn internet(snapshot: &Snapshot) -> Option<NodeId> {
    snapshot.node(INTERNET_ID)
}

fn states_of(
    graph: &AttackGraph,
    node: NodeId,
    capability: Option<Capability>,
    role: Role,
) -> Vec<StateId> {
    match (capability, role) {
        (Some(capability), _) => graph
            .find_state(State {
                asset: node,
                capability,
            })
            .into_iter()
            .collect(),
        (None, Role::Source) => graph.states_of(node).map(StateId).collect(),
        (None, Role::Target) => graph.target_states(node).collect(),
    }
}

/// Plans `(n:Label WHERE ...)` as a search of its own, run once a row.
fn nodes(
    resolver: &mut Resolver<'_>,
    node: &ast::NodePattern,
    capability: Option<Capability>,
    scope: &Scope,
) -> Option<EndPlan> {
    // Labels that no node has are reported where names are resolved.
    let is_picked = node.properties.is_some() || node.filter.is_some();
    let span = is_picked.then_some(node.span);
    let meant = Meant::of(node);
    let mut node = node.clone();
    let name = node
        .variable
        .get_or_insert_with(|| Ident {
            name: UNNAMED.to_owned(),
            span: node.span,
        })
        .name
        .clone();
    let path = PathPattern {
        variable: None,
        selector: None,
        mode: None,
        span: node.span,
        elements: vec![PathElement::Node(node)],
    };
    let (op, inner, _) = resolver.matching(&[&path], None, scope);
    let slot = inner.find(&name).map(|(_, variable)| variable.slot)?;
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
    Some(EndPlan::Nodes {
        body: Arc::new(body),
        slot,
        capability,
        span,
        meant,
    })
}

fn profile(context: &AttackContext, resolver: &mut Resolver<'_>, name: &Ident) -> Vec<EndPlan> {
    if let Some(planned) = attacker(context, resolver, &name.name) {
        return planned;
    }
    let message = format!("no attacker `{}` is defined", name.name);
    let known: Vec<&str> = context
        .definitions
        .attackers()
        .map(|(known, _)| known.name.name.as_str())
        .collect();
    let diagnostic = Diagnostic::new(Code::UnknownVariable, name.span, message);
    resolver.report(diagnostic.suggest(&name.name, known));
    Vec::new()
}

/// The ends that a defined attacker starts from. They are written in another text, so nothing in
/// them can be reported against the query: a broken definition was reported when it was read.
fn attacker(
    context: &AttackContext,
    resolver: &mut Resolver<'_>,
    name: &str,
) -> Option<Vec<EndPlan>> {
    let definitions = Arc::clone(&context.definitions);
    let (definition, _) = definitions.attacker(name)?;
    let start = definition.start.as_ref()?;
    let before = resolver.diagnostics.len();
    let planned = EndsPlan::of(context, resolver, start, &Scope::default());
    resolver.diagnostics.truncate(before);
    let mut ends = planned.ends;
    for end in &mut ends {
        if let EndPlan::Nodes { span, .. } = end {
            *span = None;
        }
    }
    Some(ends)
}
