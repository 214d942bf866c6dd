//! Join order: which step comes first, by estimated rows.

use std::sync::Arc;

use crate::graph::{KindId, Snapshot};

use super::compile::{EdgeTest, NodeTest};
use super::estimate::Fan;
use super::ir::{
    Condition, EdgePattern, LabelExpr, PathPattern, Pattern, Read, Var, VarKind, VarSpec,
};
use super::shape::{Shaper, Walked};
use super::step::{Op, Part, PathStep, Step};

/// How many starts are tried before the cheapest order is taken.
const MAX_STARTS: usize = 12;

/// The order of work for one pattern on one snapshot, given which variables are bound beforehand.
#[derive(Debug, Clone)]
pub struct Plan<C> {
    pub(super) vars: Arc<[VarSpec]>,
    /// Conditions over nothing but what is bound beforehand.
    pub(super) first: Vec<C>,
    pub(super) steps: Vec<Step<C>>,
    pub(super) n_memos: usize,
    /// Each start is searched from by itself.
    pub(super) is_plain: bool,
    /// Nodes and edges that will be looked at, roughly.
    cost: f64,
}

/// Which matches a plan must tell apart.
#[derive(Debug, Clone, Copy)]
pub enum Wanted<'a> {
    /// Every one.
    Every,
    /// Those that differ in these variables, each with how many equal ones there are. Variables
    /// that are not wanted may be unbound in a match.
    Counted(&'a [Var]),
    /// Those that differ in these variables; how many equal ones there are does not matter, nor
    /// whether one comes twice.
    Distinct(&'a [Var]),
}

/// How the order of work is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// By estimated cost, with every index and shortcut.
    Cheapest,
    /// As the pattern is written, without any: what tests compare with.
    AsWritten,
}

/// What a plan is for.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The variables that every call of [`find`](super::find) binds beforehand.
    pub bound: &'a [Var],
    /// Which matches must be told apart.
    pub wanted: Wanted<'a>,
    /// How the order is found.
    pub order: Order,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Scan(usize),
    Edge { idx: usize, is_reversed: bool },
    Path { idx: usize, is_reversed: bool },
}

pub(super) struct Planner<'a, C> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) pattern: &'a Pattern<C>,
    pub(super) tests: Vec<NodeTest>,
    pub(super) counts: Vec<f64>,
    pub(super) edges: Vec<EdgeTest>,
    /// Average fan-out of each edge, walked as written and against it.
    pub(super) fan_out: Vec<[Fan; 2]>,
    pub(super) request_order: Order,
    /// Variables wanted, when the rest is only counted.
    pub(super) wanted: Option<Vec<bool>>,
}

impl<C: Condition + Clone> Plan<C> {
    /// Plans `pattern`. `bound` are the variables that every call of [`find`](super::find) binds
    /// beforehand. O(edges²) in the pattern, plus index look-ups.
    pub fn new(snapshot: &Snapshot, pattern: &Pattern<C>, bound: &[Var]) -> Self {
        let request = Request {
            bound,
            wanted: Wanted::Every,
            order: Order::Cheapest,
        };
        Self::make(snapshot, pattern, &request)
    }

    /// A plan of no step, to be replaced.
    pub fn none() -> Self {
        Plan {
            vars: Arc::new([]),
            first: Vec::new(),
            steps: Vec::new(),
            n_memos: 0,
            is_plain: false,
            cost: 0.0,
        }
    }

    /// Plans `pattern` for what is wanted of it.
    pub fn make(snapshot: &Snapshot, pattern: &Pattern<C>, request: &Request<'_>) -> Self {
        let mut planner = Planner::new(snapshot, pattern, request.order);
        let flags = |vars: &[Var]| {
            let mut flags = vec![false; pattern.vars.len()];
            for var in vars {
                set(&mut flags, *var);
            }
            flags
        };
        let is_bound = flags(request.bound);
        let wanted = match (request.order, request.wanted) {
            (Order::AsWritten, _) | (_, Wanted::Every) => None,
            (_, Wanted::Counted(vars)) => Some((flags(vars), false)),
            (_, Wanted::Distinct(vars)) => Some((flags(vars), true)),
        };
        planner.wanted = wanted.as_ref().map(|(wanted, _)| wanted.clone());
        let (actions, cost) = match request.order {
            Order::Cheapest => planner.order(&is_bound),
            Order::AsWritten => planner.greedy(&is_bound, None),
        };
        let (first, steps) = planner.steps(is_bound.clone(), &actions);
        let (steps, n_memos) = match wanted {
            None => (steps.into_iter().map(|(step, _)| step).collect(), 0),
            Some((wanted, is_once)) => {
                let mut shaper = Shaper {
                    planner: &planner,
                    wanted,
                    given: is_bound,
                    is_once,
                    n_memos: 0,
                };
                let steps = shaper.shape(steps);
                (steps, shaper.n_memos)
            }
        };
        Plan {
            vars: pattern.vars.clone().into(),
            first,
            steps,
            n_memos,
            is_plain: request.order == Order::AsWritten,
            cost,
        }
    }

    /// Nodes and edges that one call will look at, roughly.
    pub fn cost(&self) -> f64 {
        self.cost
    }

    /// Room for the pattern's variables.
    pub fn bindings(&self) -> super::Bindings {
        super::Bindings::new(self.vars.len())
    }
}

pub(super) fn set(bound: &mut [bool], var: Var) {
    if let Some(slot) = bound.get_mut(usize::from(var.0)) {
        *slot = true;
    }
}

pub(super) fn get(bound: &[bool], var: Var) -> bool {
    bound.get(usize::from(var.0)).copied().unwrap_or(false)
}

impl<'a, C: Condition + Clone> Planner<'a, C> {
    fn new(snapshot: &'a Snapshot, pattern: &'a Pattern<C>, order: Order) -> Self {
        let tests: Vec<NodeTest> = pattern
            .nodes
            .iter()
            .map(|node| {
                let test = NodeTest::new(snapshot, &node.labels);
                match order {
                    Order::Cheapest => test.narrowed(snapshot, &node.hints),
                    Order::AsWritten => test,
                }
            })
            .collect();
        let counts = tests
            .iter()
            .map(|test| test.count(snapshot) as f64)
            .collect();
        let edges: Vec<EdgeTest> = pattern
            .edges
            .iter()
            .map(|edge| match &edge.repeat {
                None => EdgeTest::new(snapshot, edge.direction, &edge.kinds),
                Some(repeat) => match repeat.body.first() {
                    Some(hop) => EdgeTest::new(snapshot, hop.direction, &hop.kinds),
                    None => EdgeTest::new(snapshot, edge.direction, &LabelExpr::Any),
                },
            })
            .collect();
        let mut planner = Planner {
            snapshot,
            pattern,
            tests,
            counts,
            edges,
            fan_out: Vec::new(),
            request_order: order,
            wanted: None,
        };
        planner.fan_out = (0..pattern.edges.len())
            .map(|idx| [planner.sample(idx, false), planner.sample(idx, true)])
            .collect();
        planner
    }

    fn node(&self, var: Var) -> Option<usize> {
        self.pattern.nodes.iter().position(|node| node.var == var)
    }

    pub(super) fn test(&self, var: Var) -> Option<&NodeTest> {
        self.node(var).and_then(|idx| self.tests.get(idx))
    }

    pub(super) fn count(&self, var: Var) -> f64 {
        self.node(var)
            .and_then(|idx| self.counts.get(idx))
            .copied()
            .unwrap_or_else(|| self.snapshot.n_nodes() as f64)
    }

    /// Tries each promising start and keeps the cheapest order; ties go to the earlier node.
    fn order(&self, bound: &[bool]) -> (Vec<Action>, f64) {
        let mut starts: Vec<usize> = (0..self.pattern.nodes.len())
            .filter(|&idx| {
                self.pattern
                    .nodes
                    .get(idx)
                    .is_some_and(|node| !get(bound, node.var))
            })
            .collect();
        starts.sort_by(|&a, &b| {
            let count = |idx: usize| self.counts.get(idx).copied().unwrap_or_default();
            count(a).total_cmp(&count(b)).then(a.cmp(&b))
        });
        starts.truncate(MAX_STARTS);
        let mut best = self.greedy(bound, None);
        for start in starts {
            let candidate = self.greedy(bound, Some(start));
            if candidate.1 < best.1 {
                best = candidate;
            }
        }
        best
    }

    /// From a start, always takes the step that leaves the fewest rows.
    fn greedy(&self, bound: &[bool], start: Option<usize>) -> (Vec<Action>, f64) {
        let mut bound = bound.to_vec();
        let mut actions = Vec::new();
        let mut rows = 1.0;
        let mut cost = 0.0;
        let mut next = start.map(Action::Scan);
        loop {
            let action = next.take().or_else(|| {
                let mut possible = self.possible(&bound, &actions, false);
                if possible.is_empty() {
                    // Parts that wait for each other: take them as they are.
                    possible = self.possible(&bound, &actions, true);
                }
                let mut best: Option<(f64, Action)> = None;
                for action in possible {
                    let estimate = self.estimate(rows, &bound, action);
                    if best.is_none_or(|(least, _)| estimate < least) {
                        best = Some((estimate, action));
                    }
                    if self.request_order == Order::AsWritten {
                        break;
                    }
                }
                best.map(|(_, action)| action)
            });
            let Some(action) = action else {
                return (actions, cost);
            };
            let after = self.estimate(rows, &bound, action);
            // Work is what is looked at, not only what is left.
            cost += after.max(rows * self.effort(&bound, action));
            rows = after.max(1e-3);
            self.bind(&mut bound, action);
            actions.push(action);
        }
    }

    fn possible(&self, bound: &[bool], done: &[Action], is_forced: bool) -> Vec<Action> {
        let mut possible = Vec::new();
        for (idx, edge) in self.pattern.edges.iter().enumerate() {
            let is_done = done
                .iter()
                .any(|action| matches!(action, Action::Edge { idx: other, .. } if *other == idx));
            if is_done {
                continue;
            }
            if !(is_forced || self.is_ready(bound, edge)) {
                continue;
            }
            let is_given = get(bound, edge.var);
            if is_given || get(bound, edge.from) {
                possible.push(Action::Edge {
                    idx,
                    is_reversed: false,
                });
            }
            if !is_given && get(bound, edge.to) {
                possible.push(Action::Edge {
                    idx,
                    is_reversed: true,
                });
            }
        }
        for (idx, path) in self.pattern.paths.iter().enumerate() {
            let is_done = done
                .iter()
                .any(|action| matches!(action, Action::Path { idx: other, .. } if *other == idx));
            let (Some(first), Some(last)) = (path.edges.first(), path.edges.last()) else {
                continue;
            };
            if is_done || !(is_forced || self.is_path_ready(bound, path)) {
                continue;
            }
            if get(bound, first.from) {
                possible.push(Action::Path {
                    idx,
                    is_reversed: false,
                });
            } else if get(bound, last.to) {
                possible.push(Action::Path {
                    idx,
                    is_reversed: true,
                });
            }
        }
        for (idx, node) in self.pattern.nodes.iter().enumerate() {
            if !get(bound, node.var) && !self.is_interior(node.var) {
                possible.push(Action::Scan(idx));
            }
        }
        possible
    }

    /// Whether the conditions inside a repeated part read nothing that another step still binds.
    fn is_ready(&self, bound: &[bool], edge: &EdgePattern<C>) -> bool {
        let inside = edge.repeat.iter().flat_map(|repeat| &repeat.conditions);
        inside.chain(&edge.cost).all(|condition| {
            condition.variables().iter().all(|&var| {
                let is_own = [edge.var, edge.from, edge.to].contains(&var) && edge.repeat.is_none();
                is_own || get(bound, var) || !self.is_bound_elsewhere(var)
            })
        })
    }

    /// Whether some step binds this variable; those of a repeated part are bound inside it.
    fn is_bound_elsewhere(&self, var: Var) -> bool {
        let in_paths = self.pattern.paths.iter().flat_map(|path| &path.edges);
        self.node(var).is_some()
            || self
                .pattern
                .edges
                .iter()
                .chain(in_paths)
                .any(|edge| edge.var == var)
    }

    /// The same for a path: its own parts are its own affair.
    fn is_path_ready(&self, bound: &[bool], path: &PathPattern<C>) -> bool {
        let is_own = |var: Var| {
            path.edges
                .iter()
                .any(|edge| [edge.var, edge.from, edge.to].contains(&var))
        };
        let inside = path.edges.iter().flat_map(|edge| {
            let repeat = edge.repeat.iter();
            let costs = repeat
                .clone()
                .flat_map(|repeat| repeat.body.iter().flat_map(|hop| &hop.cost));
            repeat
                .flat_map(|repeat| &repeat.conditions)
                .chain(costs)
                .chain(&edge.cost)
        });
        inside.chain(&path.conditions).all(|condition| {
            condition
                .variables()
                .iter()
                .all(|&var| is_own(var) || get(bound, var) || !self.is_bound_elsewhere(var))
        })
    }

    /// Whether only a path under a selector binds this node.
    fn is_interior(&self, var: Var) -> bool {
        let is_inside = self
            .pattern
            .paths
            .iter()
            .any(|path| path.edges.iter().skip(1).any(|edge| edge.from == var));
        is_inside
            && !self
                .pattern
                .edges
                .iter()
                .any(|edge| edge.from == var || edge.to == var)
            && !self.pattern.paths.iter().any(|path| {
                path.edges.first().is_some_and(|edge| edge.from == var)
                    || path.edges.last().is_some_and(|edge| edge.to == var)
            })
    }

    fn bind(&self, bound: &mut [bool], action: Action) {
        match action {
            Action::Scan(idx) => {
                if let Some(node) = self.pattern.nodes.get(idx) {
                    set(bound, node.var);
                }
            }
            Action::Edge { idx, .. } => {
                if let Some(edge) = self.pattern.edges.get(idx) {
                    bind_edge(bound, edge);
                }
            }
            Action::Path { idx, .. } => {
                for edge in self
                    .pattern
                    .paths
                    .get(idx)
                    .iter()
                    .flat_map(|path| &path.edges)
                {
                    bind_edge(bound, edge);
                }
            }
        }
    }

    /// The conditions over what is bound beforehand, and the steps with the edges they walk.
    fn steps(&self, mut bound: Vec<bool>, actions: &[Action]) -> (Vec<C>, Vec<Walked<C>>) {
        let (mut judged, mut pending): (Vec<C>, Vec<C>) = self
            .pattern
            .conditions
            .iter()
            .cloned()
            .partition(|condition| self.is_decided(&bound, condition));
        let mut first = Vec::new();
        let mut steps = Vec::new();
        let mut rows = 1.0;
        take_ready(&mut pending, &bound, &mut first);
        for node in &self.pattern.nodes {
            if get(&bound, node.var) && node.labels != LabelExpr::Any {
                let test = NodeTest::new(self.snapshot, &node.labels);
                let step = Step {
                    op: Op::Test {
                        var: node.var,
                        test,
                    },
                    conditions: Vec::new(),
                    decided: Vec::new(),
                    estimate: 1.0,
                };
                steps.push((step, Vec::new()));
            }
        }
        for &action in actions {
            rows = self.estimate(rows, &bound, action);
            let before = bound.clone();
            self.bind(&mut bound, action);
            let Some(op) = self.op(&before, action, &mut pending) else {
                continue;
            };
            let mut conditions = Vec::new();
            if let Action::Path { idx, .. } = action {
                conditions.extend(self.late_conditions(idx, &before));
            }
            take_ready(&mut pending, &bound, &mut conditions);
            let mut decided = Vec::new();
            take_ready(&mut judged, &bound, &mut decided);
            let walked = match action {
                Action::Edge { idx, .. } => vec![idx],
                Action::Scan(_) | Action::Path { .. } => Vec::new(),
            };
            let step = Step {
                op,
                conditions,
                decided,
                estimate: rows,
            };
            steps.push((step, walked));
        }
        if self.request_order == Order::Cheapest {
            steps = Self::intersected(steps);
        }
        (first, steps)
    }

    /// Whether whoever binds the node of this condition finds only nodes for which it holds.
    fn is_decided(&self, bound: &[bool], condition: &C) -> bool {
        self.request_order == Order::Cheapest
            && condition.decided().is_some_and(|var| {
                let node = self.node(var).and_then(|idx| self.pattern.nodes.get(idx));
                !get(bound, var) && node.is_some_and(|node| !node.hints.is_empty())
            })
    }

    /// The kinds an edge of the pattern may walk.
    pub(super) fn kinds_of(&self, edge: &EdgePattern<C>) -> Vec<KindId> {
        let of = |kinds: &LabelExpr| EdgeTest::new(self.snapshot, edge.direction, kinds).kinds;
        match &edge.repeat {
            None => of(&edge.kinds).to_vec(),
            Some(repeat) => repeat
                .body
                .iter()
                .flat_map(|hop| of(&hop.kinds).to_vec())
                .collect(),
        }
    }

    fn op(&self, bound: &[bool], action: Action, pending: &mut Vec<C>) -> Option<Op<C>> {
        match action {
            Action::Scan(idx) => {
                let node = self.pattern.nodes.get(idx)?;
                if let Some((prop, value)) = self.lookup(bound, idx) {
                    return Some(Op::Lookup {
                        var: node.var,
                        prop,
                        value: value.clone(),
                        test: self.tests.get(idx)?.clone(),
                    });
                }
                Some(Op::Scan {
                    var: node.var,
                    test: self.tests.get(idx)?.clone(),
                })
            }
            Action::Edge { idx, is_reversed } => {
                let edge = self.pattern.edges.get(idx)?;
                let (from, to) = ends(edge, is_reversed);
                let test = self.test(to).cloned().unwrap_or(NodeTest::Any);
                let from_test = self.test(from).cloned().unwrap_or(NodeTest::Any);
                let is_given = get(bound, edge.var);
                if edge.repeat.is_some() {
                    let part =
                        Part::new(self.snapshot, edge, self.read(edge.var), is_reversed, test);
                    return Some(if is_given {
                        Op::GivenWalk { part, from_test }
                    } else {
                        Op::Repeat(part)
                    });
                }
                let edges = self.edges.get(idx)?;
                let edges = if is_reversed {
                    edges.reversed()
                } else {
                    edges.clone()
                };
                Some(if is_given {
                    Op::Given {
                        edge: edge.var,
                        from,
                        to,
                        edges,
                        from_test,
                        to_test: test,
                    }
                } else if get(bound, to) || from == to {
                    Op::Close {
                        edge: edge.var,
                        from,
                        to,
                        edges,
                    }
                } else {
                    let others = 0..self.pattern.edges.len();
                    let test = match self.request_order {
                        Order::Cheapest => test.after(self.snapshot, &edges),
                        Order::AsWritten => test,
                    };
                    Op::Expand {
                        edge: edge.var,
                        from,
                        to,
                        edges,
                        test,
                        is_free: others
                            .filter(|&other| other != idx)
                            .all(|other| !self.may_coincide(idx, other)),
                    }
                })
            }
            Action::Path { idx, is_reversed } => {
                Some(Op::Path(self.path(bound, idx, is_reversed, pending)?))
            }
        }
    }

    fn read(&self, var: Var) -> Read {
        self.pattern
            .vars
            .get(usize::from(var.0))
            .map_or(Read::Nothing, |spec| spec.read)
    }

    fn path(
        &self,
        bound: &[bool],
        idx: usize,
        is_reversed: bool,
        pending: &mut Vec<C>,
    ) -> Option<PathStep<C>> {
        let path = self.pattern.paths.get(idx)?;
        let mut order: Vec<&EdgePattern<C>> = path.edges.iter().collect();
        if is_reversed {
            order.reverse();
        }
        let mut parts: Vec<Part<C>> = order
            .iter()
            .map(|edge| {
                let to = ends(edge, is_reversed).1;
                let test = self.test(to).cloned().unwrap_or(NodeTest::Any);
                Part::new(self.snapshot, edge, self.read(edge.var), is_reversed, test)
            })
            .collect();
        let mut start_conditions = Vec::new();
        for condition in &path.conditions {
            match placed(&parts, bound, condition) {
                Place::Start => start_conditions.push(condition.clone()),
                Place::Exit(at) => parts.get_mut(at)?.exit_conditions.push(condition.clone()),
                Place::Within(at) => parts.get_mut(at)?.place(condition.clone()),
                Place::Late => {}
            }
        }
        let mut end_conditions = Vec::new();
        let mut with_ends = bound.to_vec();
        set(&mut with_ends, parts.first()?.from);
        set(&mut with_ends, parts.last()?.to);
        take_ready(pending, &with_ends, &mut end_conditions);
        Some(PathStep {
            mode: path.mode,
            selector: path.selector,
            parts,
            start_conditions,
            end_conditions,
            sums: None,
        })
    }

    /// Conditions of a path that reach too far to be judged while it is walked.
    fn late_conditions(&self, idx: usize, bound: &[bool]) -> Vec<C> {
        let Some(path) = self.pattern.paths.get(idx) else {
            return Vec::new();
        };
        let parts: Vec<Part<C>> = path
            .edges
            .iter()
            .map(|edge| Part::new(self.snapshot, edge, Read::Nothing, false, NodeTest::Any))
            .collect();
        path.conditions
            .iter()
            .filter(|condition| matches!(placed(&parts, bound, *condition), Place::Late))
            .cloned()
            .collect()
    }
}

enum Place {
    Start,
    Exit(usize),
    Within(usize),
    Late,
}

/// Where along a path a condition can be judged.
fn placed<C: Condition>(parts: &[Part<C>], bound: &[bool], condition: &C) -> Place {
    let Some(start) = parts.first().map(|part| part.from) else {
        return Place::Late;
    };
    let open: Vec<Var> = condition
        .variables()
        .iter()
        .copied()
        .filter(|&var| var != start && !get(bound, var))
        .collect();
    if open.is_empty() {
        return Place::Start;
    }
    for (at, part) in parts.iter().enumerate() {
        if open.iter().all(|&var| var == part.to) {
            return Place::Exit(at);
        }
        let is_local = |var: Var| var == part.from || var == part.to || var == part.var;
        if part.is_single && open.iter().all(|&var| is_local(var)) {
            return Place::Within(at);
        }
    }
    Place::Late
}

fn bind_edge<C>(bound: &mut [bool], edge: &EdgePattern<C>) {
    set(bound, edge.var);
    set(bound, edge.from);
    set(bound, edge.to);
}

pub(super) fn ends<C>(edge: &EdgePattern<C>, is_reversed: bool) -> (Var, Var) {
    if is_reversed {
        (edge.to, edge.from)
    } else {
        (edge.from, edge.to)
    }
}

/// Moves the conditions whose variables are all bound.
fn take_ready<C: Condition>(pending: &mut Vec<C>, bound: &[bool], ready: &mut Vec<C>) {
    let mut at = 0;
    while at < pending.len() {
        let is_ready = pending
            .get(at)
            .is_some_and(|condition| condition.variables().iter().all(|&var| get(bound, var)));
        if is_ready {
            ready.push(pending.remove(at));
        } else {
            at += 1;
        }
    }
}

impl VarSpec {
    /// Whether it stands for a walk.
    pub fn is_walk(&self) -> bool {
        self.kind == VarKind::Walk
    }
}
