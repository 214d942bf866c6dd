//! The six verbs and the changes of `WHAT IF`.

pub use foothold_engine::attack::Capability;

use super::{Expr, Ident, NodePattern, PathPattern, Span, Text};

/// A verb at clause position.
#[derive(Debug, Clone, PartialEq)]
pub struct VerbClause {
    /// Which verb, with its parts.
    pub verb: Verb,
    /// `YIELD`; `None` keeps every column.
    pub yields: Option<Vec<YieldItem>>,
    /// `WHERE` after `YIELD`.
    pub filter: Option<Expr>,
    /// The two words of the verb.
    pub head: Span,
    /// The whole clause.
    pub span: Span,
}

/// `column [AS alias]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct YieldItem {
    /// A column of the verb.
    pub column: Ident,
    /// The name it gets.
    pub alias: Option<Ident>,
}

/// A verb with its parts. Ends left out are `None`: the default attacker, or every crown jewel.
#[derive(Debug, Clone, PartialEq)]
pub enum Verb {
    /// `ATTACK PATHS`.
    AttackPaths(Box<AttackPaths>),
    /// `EXPLOITABILITY OF`.
    Exploitability(Exploitability),
    /// `BLAST RADIUS OF`.
    BlastRadius(BlastRadius),
    /// `CHOKE POINTS`.
    ChokePoints(ChokePoints),
    /// `FIX PLAN`.
    FixPlan(FixPlan),
    /// `WHY NOT`.
    WhyNot(WhyNot),
}

/// `ATTACK PATHS`. Every bound is a number or a parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct AttackPaths {
    /// `FROM`.
    pub from: Option<Ends>,
    /// `TO`.
    pub to: Option<Ends>,
    /// `VIA`.
    pub via: Option<Ends>,
    /// Each `AVOIDING`.
    pub avoiding: Vec<Avoiding>,
    /// `WITHIN n STEPS`.
    pub within: Option<Expr>,
    /// `LIKELIHOOD >= x`.
    pub likelihood: Option<Expr>,
    /// `CONFIDENCE >= x`.
    pub confidence: Option<Expr>,
    /// `TOP k`.
    pub top: Option<Top>,
}

/// What a path must not touch.
#[derive(Debug, Clone, PartialEq)]
pub enum Avoiding {
    /// `AVOIDING ends`.
    Ends(Ends),
    /// `AVOIDING RULES r, ...`: names or ids.
    Rules(Vec<Ident>),
    /// `AVOIDING TECHNIQUES t, ...`.
    Techniques(Vec<Ident>),
}

/// `TOP k [PER ...]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Top {
    /// How many.
    pub count: Expr,
    /// Counted for each of these; over all without.
    pub per: Option<Per>,
    /// The whole part.
    pub span: Span,
}

/// What `TOP k` counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Per {
    /// `PER SOURCE`.
    Source,
    /// `PER TARGET`.
    Target,
    /// `PER PAIR`.
    Pair,
}

/// `EXPLOITABILITY OF ends [FROM ends] [SAMPLED n]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Exploitability {
    /// `OF`.
    pub of: Ends,
    /// `FROM`.
    pub from: Option<Ends>,
    /// `SAMPLED n`.
    pub sampled: Option<Expr>,
}

/// `BLAST RADIUS OF ends [LIKELIHOOD >= x] [WITHIN n STEPS]`.
#[derive(Debug, Clone, PartialEq)]
pub struct BlastRadius {
    /// `OF`.
    pub of: Ends,
    /// `LIKELIHOOD >= x`.
    pub likelihood: Option<Expr>,
    /// `WITHIN n STEPS`.
    pub within: Option<Expr>,
}

/// `CHOKE POINTS [FROM ends] [TO ends]`.
#[derive(Debug, Clone, PartialEq)]
pub struct ChokePoints {
    /// `FROM`.
    pub from: Option<Ends>,
    /// `TO`.
    pub to: Option<Ends>,
}

/// `FIX PLAN [FROM ends] [TO ends] [BUDGET n | UNTIL LIKELIHOOD < x]`.
#[derive(Debug, Clone, PartialEq)]
pub struct FixPlan {
    /// `FROM`.
    pub from: Option<Ends>,
    /// `TO`.
    pub to: Option<Ends>,
    /// When to stop; when no path is left without.
    pub goal: Option<FixGoal>,
}

/// When a fix plan is long enough.
#[derive(Debug, Clone, PartialEq)]
pub enum FixGoal {
    /// `BUDGET n`: the cost of the fixes.
    Budget(Expr),
    /// `UNTIL LIKELIHOOD < x`.
    Likelihood(Expr),
}

/// `WHY NOT rule [FROM ends] TO ends`.
#[derive(Debug, Clone, PartialEq)]
pub struct WhyNot {
    /// The rule's name or id.
    pub rule: Ident,
    /// `FROM`.
    pub from: Option<Ends>,
    /// `TO`.
    pub to: Ends,
}

/// A comma-separated list of ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Ends {
    /// At least one.
    pub items: Vec<End>,
    /// The whole list.
    pub span: Span,
}

/// One end.
#[derive(Debug, Clone, PartialEq)]
pub struct End {
    /// What it says.
    pub kind: EndKind,
    /// Where it stands.
    pub span: Span,
}

/// A set of states to start from or to reach.
#[derive(Debug, Clone, PartialEq)]
pub enum EndKind {
    /// `(n:Label WHERE ...)`: any state of the node.
    Node(NodePattern),
    /// `exec(w:Workload)`.
    State(State),
    /// `ATTACKER profile`.
    Attacker(Ident),
}

/// `capability(node)`.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// What the attacker holds.
    pub capability: Capability,
    /// Over which node. In a rule's `GIVEN` and `GAIN` this is a variable of its pattern.
    pub node: NodePattern,
    /// Capability and parentheses.
    pub span: Span,
}

/// One change of `WHAT IF`.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// What it says.
    pub kind: ChangeKind,
    /// Where it stands.
    pub span: Span,
}

/// What to pretend.
#[derive(Debug, Clone, PartialEq)]
pub enum ChangeKind {
    /// `REMOVE (n)` removes matching nodes with their relationships, `REMOVE (a)-[r]->(b)` the
    /// matching relationships.
    Remove(PathPattern),
    /// `ADD (a)-[:KIND {..}]->(b)`: between every matching pair; an end that matches nothing and
    /// has an `id` property is created.
    Add(PathPattern),
    /// `SET pattern.property = value`: on the node of a node pattern, else on the relationships of
    /// the path.
    Set {
        /// What to change.
        pattern: PathPattern,
        /// Which property.
        property: Ident,
        /// Its value.
        value: Expr,
    },
    /// `UPGRADE purl TO version`.
    Upgrade {
        /// The package URL.
        package: Text,
        /// The new version.
        version: Text,
    },
    /// `APPLY fix`.
    Apply(Text),
}
