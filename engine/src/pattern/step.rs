//! The steps of a plan.

use super::compile::{EdgeTest, NodeTest};
use super::intersect::Intersect;
use super::ir::{Condition, EdgePattern, Mode, NodePattern, Read, Selector, Var};
use crate::graph::{PropId, Snapshot};

/// One step with the conditions that can be judged once it is done.
#[derive(Debug, Clone)]
pub(super) struct Step<C> {
    pub(super) op: Op<C>,
    pub(super) conditions: Vec<C>,
    /// Conditions that hold for every node the step finds; plans show them.
    pub(super) decided: Vec<C>,
    /// Rows expected after this step.
    pub(super) estimate: f64,
}

/// What a step does.
#[derive(Debug, Clone)]
pub(super) enum Op<C> {
    /// Tests a node that was bound beforehand.
    Test { var: Var, test: NodeTest },
    /// Tries every admitted node.
    Scan { var: Var, test: NodeTest },
    /// Looks up the nodes with a property value that other variables give.
    Lookup {
        var: Var,
        prop: PropId,
        value: C,
        test: NodeTest,
    },
    /// Follows edges from a bound node to new ones.
    Expand {
        edge: Var,
        from: Var,
        to: Var,
        edges: EdgeTest,
        test: NodeTest,
        /// No other edge of the pattern can be the same edge.
        is_free: bool,
    },
    /// Finds the edges between two bound nodes.
    Close {
        edge: Var,
        from: Var,
        to: Var,
        edges: EdgeTest,
    },
    /// Follows edges from several bound nodes to those that all of them lead to.
    Intersect(Intersect),
    /// Takes an edge bound beforehand and binds or tests its ends.
    Given {
        edge: Var,
        from: Var,
        to: Var,
        edges: EdgeTest,
        from_test: NodeTest,
        to_test: NodeTest,
    },
    /// Takes a walk bound beforehand and binds or tests its ends.
    GivenWalk { part: Part<C>, from_test: NodeTest },
    /// Walks a repeated part, no edge twice.
    Repeat(Part<C>),
    /// Finds paths under a mode and selector.
    Path(PathStep<C>),
    /// Counts the matches of the last steps.
    Tail(Tail<C>),
    /// Goes on with each node that the first steps lead to, once.
    Fold(Fold<C>),
}

/// Steps at the end that bind nothing wanted.
#[derive(Debug, Clone)]
pub(super) struct Tail<C> {
    /// The one node they depend on.
    pub(super) key: Option<Var>,
    /// Where counts are remembered by that node.
    pub(super) memo: Option<usize>,
    /// Only whether there is a match matters.
    pub(super) is_once: bool,
    /// What they bind.
    pub(super) binds: Vec<Var>,
    pub(super) steps: Vec<Step<C>>,
}

/// Steps at the beginning of which only one node goes on.
#[derive(Debug, Clone)]
pub(super) struct Fold<C> {
    /// That node.
    pub(super) var: Var,
    /// Only whether it is reached matters.
    pub(super) is_once: bool,
    pub(super) steps: Vec<Step<C>>,
    /// A reach as the last of them, searched from all starts at once.
    pub(super) union: Option<Union<C>>,
}

/// A reach from every node that the steps before it lead to.
#[derive(Debug, Clone)]
pub(super) struct Union<C> {
    pub(super) part: Part<C>,
    /// On its ends.
    pub(super) conditions: Vec<C>,
}

impl<C: Condition> Step<C> {
    /// Calls `visit` for every variable that must be bound before or by this step.
    pub(super) fn reads(&self, visit: &mut dyn FnMut(Var)) {
        self.op.reads(visit);
        for condition in &self.conditions {
            condition.variables().iter().for_each(|&var| visit(var));
        }
    }
}

impl<C: Condition> Op<C> {
    fn reads(&self, visit: &mut dyn FnMut(Var)) {
        match self {
            Op::Test { var, .. } => visit(*var),
            Op::Scan { .. } => {}
            Op::Lookup { value, .. } => value.variables().iter().for_each(|&var| visit(var)),
            Op::Expand { from, .. } => visit(*from),
            Op::Close { from, to, .. } => {
                visit(*from);
                visit(*to);
            }
            Op::Intersect(op) => op.legs.iter().for_each(|leg| visit(leg.from)),
            Op::Given { edge, from, to, .. } => {
                visit(*edge);
                visit(*from);
                visit(*to);
            }
            Op::GivenWalk { part, .. } => {
                visit(part.var);
                part.reads(visit);
            }
            Op::Repeat(part) => part.reads(visit),
            Op::Path(path) => {
                for part in &path.parts {
                    part.reads(visit);
                }
                for condition in path.start_conditions.iter().chain(&path.end_conditions) {
                    condition.variables().iter().for_each(|&var| visit(var));
                }
            }
            Op::Tail(tail) => {
                tail.key.into_iter().for_each(&mut *visit);
                for step in &tail.steps {
                    step.reads(visit);
                }
            }
            Op::Fold(fold) => {
                for step in &fold.steps {
                    step.reads(visit);
                }
            }
        }
    }

    /// Calls `visit` for every variable this binds.
    pub(super) fn binds(&self, visit: &mut dyn FnMut(Var)) {
        match self {
            Op::Test { .. } | Op::Tail(_) => {}
            Op::Scan { var, .. } | Op::Lookup { var, .. } => visit(*var),
            Op::Expand { edge, to, .. } => {
                visit(*edge);
                visit(*to);
            }
            Op::Close { edge, .. } => visit(*edge),
            Op::Intersect(op) => {
                op.legs.iter().for_each(|leg| visit(leg.edge));
                visit(op.to);
            }
            Op::Given { edge, from, to, .. } => {
                visit(*edge);
                visit(*from);
                visit(*to);
            }
            Op::GivenWalk { part, .. } => {
                visit(part.var);
                visit(part.from);
                visit(part.to);
            }
            Op::Repeat(part) => {
                visit(part.var);
                visit(part.to);
            }
            Op::Path(path) => {
                for part in &path.parts {
                    visit(part.var);
                    visit(part.to);
                }
            }
            Op::Fold(fold) => visit(fold.var),
        }
    }
}

impl<C: Condition> Part<C> {
    fn reads(&self, visit: &mut dyn FnMut(Var)) {
        visit(self.from);
        visit(self.to);
        let hops = self.hops.iter();
        let conditions = hops.flat_map(|hop| hop.conditions.iter().chain(&hop.cost));
        let ends = self.start_conditions.iter().chain(&self.exit_conditions);
        for condition in conditions.chain(ends) {
            condition.variables().iter().for_each(|&var| visit(var));
        }
    }
}

/// An edge or repeated part in the direction it is walked.
#[derive(Debug, Clone)]
pub(super) struct Part<C> {
    pub(super) var: Var,
    pub(super) read: Read,
    /// Whether the variable is one edge and not a walk.
    pub(super) is_single: bool,
    /// Whether it is walked against the order it is written in.
    pub(super) is_reversed: bool,
    pub(super) from: Var,
    pub(super) to: Var,
    pub(super) to_test: NodeTest,
    /// Conditions on `to` alone that hold before a selector chooses.
    pub(super) exit_conditions: Vec<C>,
    pub(super) is_reach: bool,
    pub(super) min: u32,
    pub(super) max: Option<u32>,
    pub(super) start: Var,
    pub(super) start_test: NodeTest,
    pub(super) start_conditions: Vec<C>,
    pub(super) hops: Vec<HopStep<C>>,
}

/// One edge of a part.
#[derive(Debug, Clone)]
pub(super) struct HopStep<C> {
    pub(super) edge: Var,
    pub(super) edges: EdgeTest,
    pub(super) target: Var,
    pub(super) test: NodeTest,
    pub(super) conditions: Vec<C>,
    pub(super) cost: Option<C>,
}

/// A path pattern in the direction it is walked.
#[derive(Debug, Clone)]
pub(super) struct PathStep<C> {
    pub(super) mode: Mode,
    pub(super) selector: Selector,
    pub(super) parts: Vec<Part<C>>,
    /// Conditions on the start that hold before a selector chooses.
    pub(super) start_conditions: Vec<C>,
    /// Conditions over both ends; they do not change which paths a selector chooses.
    pub(super) end_conditions: Vec<C>,
    /// Set when only sums over the starts are wanted.
    pub(super) sums: Option<Sums<C>>,
}

/// What must be told apart when pairs are counted and not listed.
#[derive(Debug, Clone)]
pub(super) struct Sums<C> {
    /// The ends.
    pub(super) by_end: bool,
    /// The lengths.
    pub(super) by_length: bool,
    /// A start is no end of its own.
    pub(super) excludes_start: bool,
    /// What an end must fulfil.
    pub(super) conditions: Vec<C>,
}

impl<C> PathStep<C> {
    pub(super) fn from(&self) -> Option<Var> {
        self.parts.first().map(|part| part.from)
    }

    pub(super) fn to(&self) -> Option<Var> {
        self.parts.last().map(|part| part.to)
    }

    /// Whether every path of the least length is wanted, not one.
    pub(super) fn takes_all(&self) -> bool {
        matches!(
            self.selector,
            Selector::AllShortest | Selector::ShortestGroups(_)
        )
    }
}

impl<C: Condition + Clone> Part<C> {
    /// Compiles an edge pattern. `to_test` is the test of the node it is walked to.
    pub(super) fn new(
        snapshot: &Snapshot,
        pattern: &EdgePattern<C>,
        read: Read,
        is_reversed: bool,
        to_test: NodeTest,
    ) -> Self {
        let (from, to) = if is_reversed {
            (pattern.to, pattern.from)
        } else {
            (pattern.from, pattern.to)
        };
        let mut part = Part {
            var: pattern.var,
            read,
            is_single: pattern.repeat.is_none(),
            is_reversed,
            from,
            to,
            to_test,
            exit_conditions: Vec::new(),
            is_reach: false,
            min: 1,
            max: Some(1),
            start: from,
            start_test: NodeTest::Any,
            start_conditions: Vec::new(),
            hops: Vec::new(),
        };
        let oriented = |edges: EdgeTest| if is_reversed { edges.reversed() } else { edges };
        let Some(repeat) = &pattern.repeat else {
            let edges = EdgeTest::new(snapshot, pattern.direction, &pattern.kinds);
            part.hops.push(HopStep {
                edge: pattern.var,
                edges: oriented(edges),
                target: to,
                test: NodeTest::Any,
                conditions: Vec::new(),
                cost: pattern.cost.clone(),
            });
            return part;
        };
        part.is_reach = repeat.is_reach;
        part.min = repeat.min;
        part.max = repeat.max;
        let mut nodes: Vec<&NodePattern> = vec![&repeat.start];
        nodes.extend(repeat.body.iter().map(|hop| &hop.target));
        let mut hops: Vec<_> = repeat.body.iter().collect();
        if is_reversed {
            nodes.reverse();
            hops.reverse();
        }
        let test = |node: &NodePattern| {
            NodeTest::new(snapshot, &node.labels).narrowed(snapshot, &node.hints)
        };
        for (hop, node) in hops.iter().zip(nodes.iter().skip(1)) {
            let edges = EdgeTest::new(snapshot, hop.direction, &hop.kinds);
            part.hops.push(HopStep {
                edge: hop.edge,
                edges: oriented(edges),
                target: node.var,
                test: test(node),
                conditions: Vec::new(),
                cost: hop.cost.clone(),
            });
        }
        if let Some(first) = nodes.first() {
            part.start = first.var;
            part.start_test = test(first);
        }
        for condition in &repeat.conditions {
            part.place(condition.clone());
        }
        part
    }

    /// Puts a condition of the body where its variables are first known.
    pub(super) fn place(&mut self, condition: C) {
        let reads = |var: Var| condition.variables().contains(&var);
        let last = self
            .hops
            .iter()
            .rposition(|hop| reads(hop.edge) || reads(hop.target));
        match last.and_then(|at| self.hops.get_mut(at)) {
            Some(hop) => hop.conditions.push(condition),
            None => self.start_conditions.push(condition),
        }
    }

    /// Whether rounds must bind their variables for someone to read.
    pub(super) fn has_conditions(&self) -> bool {
        !self.start_conditions.is_empty()
            || self
                .hops
                .iter()
                .any(|hop| !hop.conditions.is_empty() || hop.cost.is_some())
    }

    /// The edges of a walk in the order they are written.
    pub(super) fn written(
        &self,
        mut edges: Vec<crate::graph::EdgeId>,
    ) -> Vec<crate::graph::EdgeId> {
        if self.is_reversed {
            edges.reverse();
        }
        edges
    }
}
