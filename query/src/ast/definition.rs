//! Definitions as files: rules, policies, attackers, groups of kinds.

use super::{Ends, Expr, Ident, MatchClause, Query, Span, State, Text};

/// One definition of a file.
#[derive(Debug, Clone, PartialEq)]
pub enum Definition {
    /// `RULE`.
    Rule(Box<RuleDefinition>),
    /// `POLICY`.
    Policy(Box<PolicyDefinition>),
    /// `ATTACKER`.
    Attacker(Box<AttackerDefinition>),
    /// `GROUP`.
    Group(GroupDefinition),
    /// `IMPORT`.
    Import(Import),
}

impl Definition {
    /// Where the definition stands.
    pub fn span(&self) -> Span {
        match self {
            Definition::Rule(definition) => definition.span,
            Definition::Policy(definition) => definition.span,
            Definition::Attacker(definition) => definition.span,
            Definition::Group(definition) => definition.span,
            Definition::Import(import) => import.span,
        }
    }
}

/// A rule: what an attacker gains where.
///
/// ```text
/// RULE name "title"
///   ID R01  FAMILY initial-access  TECHNIQUE 'T1190', 'T1210'
///   MATCH pattern, ... WHERE expr          (any number, also OPTIONAL MATCH)
///   GIVEN state, ...                       (all must be held)
///   GAIN state, ...                        (one step for each)
///   LIKELIHOOD expr
///   CONFIDENCE expr
///   GUARD "name" factor WHEN expr          (any number)
///   FIX action target "text" OWNER expr COST expr   (any number)
///   EXPLANATION "text"
///   REMEDIATION "text"
/// ```
///
/// The parts after the title stand in any order; only `MATCH`, `GUARD` and `FIX` may repeat.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleDefinition {
    /// The rule's stable name, `exploit-network-cve`.
    pub name: Ident,
    /// The title for people.
    pub title: Option<Text>,
    /// `ID R01`: the catalogue number.
    pub id: Option<Ident>,
    /// `FAMILY initial-access`.
    pub family: Option<Ident>,
    /// `TECHNIQUE 'T1190', ...`.
    pub techniques: Vec<Text>,
    /// The pattern over the asset graph. Empty for a rule over states alone.
    pub matches: Vec<MatchClause>,
    /// States the attacker must hold; with several, all of them.
    pub given: Vec<State>,
    /// States the attacker gains, at least one in a tree without errors; each is a step of its own.
    pub gain: Vec<State>,
    /// The chance of success: a number, a class such as `D1`, or a scoring function.
    pub likelihood: Option<Expr>,
    /// How sure the rule is of itself; 1 without.
    pub confidence: Option<Expr>,
    /// What lowers the likelihood.
    pub guards: Vec<Guard>,
    /// What breaks the step.
    pub fixes: Vec<Fix>,
    /// One sentence with `{variable.property}` holes.
    pub explanation: Option<Text>,
    /// What to do, in words.
    pub remediation: Option<Text>,
    /// The whole definition.
    pub span: Span,
}

/// `GUARD ["name"] factor WHEN condition`.
#[derive(Debug, Clone, PartialEq)]
pub struct Guard {
    /// The name in explanations.
    pub name: Option<Text>,
    /// What the likelihood is multiplied with; 0 removes the step.
    pub factor: Expr,
    /// When it holds.
    pub condition: Expr,
    /// The whole line.
    pub span: Span,
}

/// `FIX action target ["text"] [OWNER expr] [COST expr]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Fix {
    /// The action in lower case: `upgrade`, `detach`, `close`.
    pub action: Ident,
    /// What to change: a variable of the pattern, or an expression over it.
    pub target: Expr,
    /// What to do, with `{variable.property}` holes.
    pub text: Option<Text>,
    /// Who does it.
    pub owner: Option<Expr>,
    /// What it costs; 1 without.
    pub cost: Option<Expr>,
    /// The whole line.
    pub span: Span,
}

/// A policy: a query and what it must return.
///
/// ```text
/// POLICY name "title"
///   SEVERITY critical  CONTROLS 'SOC2:CC6.1', ...  OWNER 'team'
///   DESCRIPTION "text"  REMEDIATION "text"
///   EXPECT NO ROWS
///   query
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyDefinition {
    /// The policy's stable name.
    pub name: Ident,
    /// The title for people.
    pub title: Option<Text>,
    /// `SEVERITY critical`, in lower case.
    pub severity: Option<Ident>,
    /// `CONTROLS 'SOC2:CC6.1', ...`.
    pub controls: Vec<Text>,
    /// `OWNER 'team'`.
    pub owner: Option<Text>,
    /// `DESCRIPTION "text"`.
    pub description: Option<Text>,
    /// `REMEDIATION "text"`.
    pub remediation: Option<Text>,
    /// `EXPECT ...`; no rows without.
    pub expectation: Expectation,
    /// The query.
    pub query: Query,
    /// The whole definition.
    pub span: Span,
}

/// What a policy's query must return.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Expectation {
    /// `EXPECT NO ROWS`.
    NoRows,
    /// `EXPECT ROWS`.
    Rows,
    /// `EXPECT AT MOST n ROWS`.
    AtMost(u64),
    /// `EXPECT AT LEAST n ROWS`.
    AtLeast(u64),
}

/// An attacker profile.
///
/// ```text
/// ATTACKER name "title"
///   START ends
///   AVOIDING RULES r, ...
///   AVOIDING TECHNIQUES t, ...
///   SKILL 0.8
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct AttackerDefinition {
    /// The profile's name.
    pub name: Ident,
    /// The title for people.
    pub title: Option<Text>,
    /// `START ends`: what the attacker holds at first.
    pub start: Option<Ends>,
    /// `AVOIDING RULES ...`.
    pub forbidden_rules: Vec<Ident>,
    /// `AVOIDING TECHNIQUES ...`.
    pub forbidden_techniques: Vec<Ident>,
    /// `SKILL x`: multiplies every likelihood; 1 without.
    pub skill: Option<Expr>,
    /// The whole definition.
    pub span: Span,
}

/// `GROUP name ["title"] KINDS a, b, ...`: a set of kinds usable wherever a kind is.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupDefinition {
    /// The group's name.
    pub name: Ident,
    /// The title for people.
    pub title: Option<Text>,
    /// The kinds, at least one.
    pub kinds: Vec<Ident>,
    /// The whole definition.
    pub span: Span,
}

/// `IMPORT 'file.fql'`: whoever reads files decides whether the path is allowed.
#[derive(Debug, Clone, PartialEq)]
pub struct Import {
    /// The path as written.
    pub path: Text,
    /// The whole definition.
    pub span: Span,
}
