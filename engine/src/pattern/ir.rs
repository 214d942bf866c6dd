//! What a pattern says, by name: nothing here belongs to one snapshot.

use std::ops::Bound;
use std::sync::Arc;

use crate::graph::Snapshot;
use crate::model::Value;

use super::bindings::Bindings;

/// A variable of one pattern: an index into [`Pattern::vars`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Var(pub u16);

/// What a variable stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VarKind {
    /// One node.
    Node,
    /// One edge.
    Edge,
    /// The edges of a repeated part, in the order they are walked.
    Walk,
}

/// A variable's name and use.
#[derive(Debug, Clone)]
pub struct VarSpec {
    /// Its name; empty for a part the text does not name.
    pub name: Arc<str>,
    /// What it stands for.
    pub kind: VarKind,
    /// What the caller or a condition reads of a [`VarKind::Walk`] variable. What nobody reads is
    /// not copied into the bindings, and perhaps not searched.
    pub read: Read,
}

/// What is read of a walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Read {
    /// Nothing.
    Nothing,
    /// How long it is.
    Length,
    /// Its edges.
    Edges,
}

/// A boolean combination of labels, or of kinds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LabelExpr {
    /// Anything.
    Any,
    /// This label.
    Name(Arc<str>),
    /// Not that.
    Not(Box<LabelExpr>),
    /// All of them.
    And(Vec<LabelExpr>),
    /// One of them.
    Or(Vec<LabelExpr>),
}

impl LabelExpr {
    /// One label or kind by name.
    pub fn name(name: &str) -> Self {
        LabelExpr::Name(name.into())
    }

    /// Any of these; everything when there are none.
    pub fn any_of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut names: Vec<LabelExpr> = names.into_iter().map(LabelExpr::name).collect();
        match names.len() {
            0 => LabelExpr::Any,
            1 => names.remove(0),
            _ => LabelExpr::Or(names),
        }
    }

    /// Both; `Any` disappears.
    #[must_use]
    pub fn and(self, other: LabelExpr) -> Self {
        match (self, other) {
            (LabelExpr::Any, one) | (one, LabelExpr::Any) => one,
            (LabelExpr::And(mut all), one) => {
                all.push(one);
                LabelExpr::And(all)
            }
            (left, right) => LabelExpr::And(vec![left, right]),
        }
    }

    /// Whether a set that answers `has` satisfies this.
    pub fn holds(&self, has: &impl Fn(&str) -> bool) -> bool {
        match self {
            LabelExpr::Any => true,
            LabelExpr::Name(name) => has(name),
            LabelExpr::Not(inner) => !inner.holds(has),
            LabelExpr::And(all) => all.iter().all(|one| one.holds(has)),
            LabelExpr::Or(any) => any.iter().any(|one| one.holds(has)),
        }
    }

    /// Every name that occurs.
    pub fn names(&self) -> Vec<&str> {
        match self {
            LabelExpr::Any => Vec::new(),
            LabelExpr::Name(name) => vec![name],
            LabelExpr::Not(inner) => inner.names(),
            LabelExpr::And(all) | LabelExpr::Or(all) => {
                all.iter().flat_map(LabelExpr::names).collect()
            }
        }
    }
}

/// Which way an edge is walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Along the edge.
    Out,
    /// Against the edge.
    In,
    /// Either way. A loop is walked once.
    Any,
}

impl Direction {
    /// The direction as seen from the other end.
    #[must_use]
    pub fn reversed(self) -> Self {
        match self {
            Direction::Out => Direction::In,
            Direction::In => Direction::Out,
            Direction::Any => Direction::Any,
        }
    }
}

/// What an index may narrow a node to. Only a hint: the condition it comes from stays in the
/// pattern and decides.
#[derive(Debug, Clone, PartialEq)]
pub enum Hint {
    /// The node has one of these stable ids.
    Ids(Vec<Arc<str>>),
    /// The property equals one of these values.
    In(Arc<str>, Vec<Value>),
    /// The property is a string that starts so.
    Prefix(Arc<str>, Arc<str>),
    /// The property lies between these bounds.
    Range(Arc<str>, Bound<Value>, Bound<Value>),
}

/// A node of the pattern.
#[derive(Debug, Clone)]
pub struct NodePattern {
    /// Its variable.
    pub var: Var,
    /// Its labels.
    pub labels: LabelExpr,
    /// What indexes may use.
    pub hints: Vec<Hint>,
}

/// An edge of the pattern, or a repeated part between two nodes.
#[derive(Debug, Clone)]
pub struct EdgePattern<C> {
    /// Its variable: an edge, or a walk when it repeats.
    pub var: Var,
    /// The node it is written from.
    pub from: Var,
    /// The node it is written to.
    pub to: Var,
    /// Which way it is walked from `from`. Unused when it repeats: then the hops say.
    pub direction: Direction,
    /// Its kinds. Unused when it repeats.
    pub kinds: LabelExpr,
    /// Set when it repeats.
    pub repeat: Option<Repeat<C>>,
    /// What a step costs in a cheapest path; 1 when absent.
    pub cost: Option<C>,
}

/// A part that is walked several times in a row.
#[derive(Debug, Clone)]
pub struct Repeat<C> {
    /// At least this often.
    pub min: u32,
    /// At most this often.
    pub max: Option<u32>,
    /// The node each round starts from; a variable that only the body's conditions see.
    pub start: NodePattern,
    /// The edges of one round, at least one.
    pub body: Vec<Hop<C>>,
    /// Conditions that hold in every round, over the variables of the body and of the pattern.
    pub conditions: Vec<C>,
    /// Only where it can lead matters: every end is reported once, however many walks lead there.
    /// The body is one edge, `min` is 0 or 1, and nobody reads the walk.
    pub is_reach: bool,
}

/// A property of a node that equals a value known only while matching: what an index can look up.
#[derive(Debug, Clone)]
pub struct Lookup<C> {
    /// The node.
    pub var: Var,
    /// The property.
    pub property: Arc<str>,
    /// Its value, over other variables.
    pub value: C,
}

/// One edge of a repeated part with the node it leads to. Its variables are seen only by the
/// conditions of the same part.
#[derive(Debug, Clone)]
pub struct Hop<C> {
    /// The edge.
    pub edge: Var,
    /// Which way it is walked.
    pub direction: Direction,
    /// Its kinds.
    pub kinds: LabelExpr,
    /// The node it leads to.
    pub target: NodePattern,
    /// What the step costs in a cheapest path; 1 when absent.
    pub cost: Option<C>,
}

/// What may occur twice in one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Anything.
    Walk,
    /// No edge.
    Trail,
    /// No node.
    Acyclic,
    /// No node, except that the last may be the first.
    Simple,
}

/// Which of the paths between one start and one end are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selector {
    /// All of them.
    All,
    /// Any so many; the shortest ones are taken.
    Any(u32),
    /// Every path of the least length.
    AllShortest,
    /// So many, shortest first.
    Shortest(u32),
    /// Every path of the so many least lengths.
    ShortestGroups(u32),
    /// So many, cheapest first.
    Cheapest(u32),
}

/// A path pattern under a mode or selector of its own. Its edges are not part of
/// [`Pattern::edges`]; its nodes are part of [`Pattern::nodes`].
#[derive(Debug, Clone)]
pub struct PathPattern<C> {
    /// What may occur twice.
    pub mode: Mode,
    /// Which paths are taken.
    pub selector: Selector,
    /// The edges in order; each starts where the one before it ends. At least one.
    pub edges: Vec<EdgePattern<C>>,
    /// Conditions written inside the path, which hold before a selector chooses.
    pub conditions: Vec<C>,
}

/// A conjunctive pattern.
#[derive(Debug, Clone)]
pub struct Pattern<C> {
    /// The variables.
    pub vars: Vec<VarSpec>,
    /// The nodes, one entry per node variable.
    pub nodes: Vec<NodePattern>,
    /// The edges; within one pattern no two of them are the same edge of the graph.
    pub edges: Vec<EdgePattern<C>>,
    /// Paths with a mode or selector.
    pub paths: Vec<PathPattern<C>>,
    /// Conditions over the variables.
    pub conditions: Vec<C>,
    /// What indexes may look up. Only hints: the conditions they come from stay.
    pub lookups: Vec<Lookup<C>>,
}

impl<C> Default for Pattern<C> {
    fn default() -> Self {
        Pattern {
            vars: Vec::new(),
            nodes: Vec::new(),
            edges: Vec::new(),
            paths: Vec::new(),
            conditions: Vec::new(),
            lookups: Vec::new(),
        }
    }
}

impl<C> Pattern<C> {
    /// Adds a variable.
    pub fn var(&mut self, name: &str, kind: VarKind) -> Var {
        let var = Var(self.vars.len() as u16);
        self.vars.push(VarSpec {
            name: name.into(),
            kind,
            read: Read::Edges,
        });
        var
    }

    /// Adds a node with a new variable.
    pub fn node(&mut self, name: &str, labels: LabelExpr) -> Var {
        let var = self.var(name, VarKind::Node);
        self.nodes.push(NodePattern {
            var,
            labels,
            hints: Vec::new(),
        });
        var
    }

    /// Adds a single edge with a new variable, walked along from `from` to `to`.
    pub fn edge(&mut self, name: &str, from: Var, kinds: LabelExpr, to: Var) -> Var {
        let var = self.var(name, VarKind::Edge);
        self.edges.push(EdgePattern {
            var,
            from,
            to,
            direction: Direction::Out,
            kinds,
            repeat: None,
            cost: None,
        });
        var
    }

    /// The variable of this name.
    pub fn find_var(&self, name: &str) -> Option<Var> {
        self.vars
            .iter()
            .position(|spec| &*spec.name == name)
            .map(|idx| Var(idx as u16))
    }
}

/// What the planner needs to know of a condition.
pub trait Condition {
    /// The variables of the pattern it reads.
    fn variables(&self) -> &[Var];
    /// How plans show it.
    fn text(&self) -> &str;
    /// The node, when the hints of that node say all that it says: what the node's pattern admits
    /// then need not be judged again.
    fn decided(&self) -> Option<Var> {
        None
    }
    /// The two nodes, when all it says is that they differ.
    fn differing(&self) -> Option<(Var, Var)> {
        None
    }
}

/// A condition of a rule.
pub trait Predicate: Send + Sync + std::fmt::Debug {
    /// Whether it holds; `None` when that is not known.
    fn eval(&self, snapshot: &Snapshot, bindings: &Bindings) -> Option<bool>;
    /// The variables of the pattern it reads.
    fn variables(&self) -> &[Var];
    /// How explanations show it.
    fn text(&self) -> &str;
}

/// A shared [`Predicate`].
pub type RuleCondition = Arc<dyn Predicate>;

/// The pattern of a rule.
pub type RulePattern = Pattern<RuleCondition>;

impl Condition for RuleCondition {
    fn variables(&self) -> &[Var] {
        Predicate::variables(&**self)
    }

    fn text(&self) -> &str {
        Predicate::text(&**self)
    }
}
