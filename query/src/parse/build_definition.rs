//! Actions for definitions as files.

use super::build::Context;
use crate::ast::{
    AttackerDefinition, Definition, Ends, Expectation, Expr, Fix, Guard, Ident, MatchClause,
    PolicyDefinition, Query, RuleDefinition, Span, State, Text,
};
use crate::diagnostic::{Code, Diagnostic};

/// A part of a definition, in the order of the text.
pub(crate) enum DefinitionPart {
    Id(Ident),
    Family(Ident),
    Techniques(Vec<Text>),
    Match(MatchClause),
    Given(Vec<State>),
    Gain(Vec<State>),
    Likelihood(Expr),
    Confidence(Expr),
    Guard(Guard),
    Fix(Fix),
    Explanation(Text),
    Remediation(Text),
    Severity(Ident),
    Controls(Vec<Text>),
    Owner(Text),
    Description(Text),
    Expect(Expectation),
    Start(Ends),
    ForbiddenRules(Vec<Ident>),
    ForbiddenTechniques(Vec<Ident>),
    Skill(Expr),
}

impl DefinitionPart {
    /// The first word of the part, and whether it may repeat.
    fn name(&self) -> (&'static str, bool) {
        match self {
            DefinitionPart::Id(_) => ("ID", false),
            DefinitionPart::Family(_) => ("FAMILY", false),
            DefinitionPart::Techniques(_) => ("TECHNIQUE", false),
            DefinitionPart::Match(_) => ("MATCH", true),
            DefinitionPart::Given(_) => ("GIVEN", false),
            DefinitionPart::Gain(_) => ("GAIN", false),
            DefinitionPart::Likelihood(_) => ("LIKELIHOOD", false),
            DefinitionPart::Confidence(_) => ("CONFIDENCE", false),
            DefinitionPart::Guard(_) => ("GUARD", true),
            DefinitionPart::Fix(_) => ("FIX", true),
            DefinitionPart::Explanation(_) => ("EXPLANATION", false),
            DefinitionPart::Remediation(_) => ("REMEDIATION", false),
            DefinitionPart::Severity(_) => ("SEVERITY", false),
            DefinitionPart::Controls(_) => ("CONTROLS", false),
            DefinitionPart::Owner(_) => ("OWNER", false),
            DefinitionPart::Description(_) => ("DESCRIPTION", false),
            DefinitionPart::Expect(_) => ("EXPECT", false),
            DefinitionPart::Start(_) => ("START", false),
            DefinitionPart::ForbiddenRules(_) => ("AVOIDING RULES", true),
            DefinitionPart::ForbiddenTechniques(_) => ("AVOIDING TECHNIQUES", true),
            DefinitionPart::Skill(_) => ("SKILL", false),
        }
    }
}

/// Drops, with a diagnostic, every part that is given twice.
fn unique(
    cx: &Context<'_>,
    parts: Vec<(DefinitionPart, Span)>,
) -> impl Iterator<Item = DefinitionPart> {
    let mut seen: Vec<(&'static str, Span)> = Vec::new();
    let mut kept = Vec::with_capacity(parts.len());
    for (part, span) in parts {
        let (name, may_repeat) = part.name();
        let word = Span {
            start: span.start,
            end: span.end.min(span.start + name.len() as u32),
        };
        let before = seen.iter().find(|(known, _)| *known == name);
        match before {
            Some((_, before)) if !may_repeat => {
                let message = format!("`{name}` is given twice");
                let diagnostic = Diagnostic::new(Code::DuplicatePart, word, message);
                cx.report(diagnostic.label(*before, "first given here"));
            }
            _ => {
                seen.push((name, word));
                kept.push(part);
            }
        }
    }
    kept.into_iter()
}

pub(crate) fn rule(
    cx: &Context<'_>,
    name: Ident,
    title: Option<Text>,
    parts: Vec<(DefinitionPart, Span)>,
    span: Span,
) -> Definition {
    let mut rule = RuleDefinition {
        name,
        title,
        id: None,
        family: None,
        techniques: Vec::new(),
        matches: Vec::new(),
        given: Vec::new(),
        gain: Vec::new(),
        likelihood: None,
        confidence: None,
        guards: Vec::new(),
        fixes: Vec::new(),
        explanation: None,
        remediation: None,
        span,
    };
    for part in unique(cx, parts) {
        match part {
            DefinitionPart::Id(id) => rule.id = Some(id),
            DefinitionPart::Family(family) => rule.family = Some(family),
            DefinitionPart::Techniques(techniques) => rule.techniques = techniques,
            DefinitionPart::Match(clause) => rule.matches.push(clause),
            DefinitionPart::Given(states) => rule.given = states,
            DefinitionPart::Gain(states) => rule.gain = states,
            DefinitionPart::Likelihood(likelihood) => rule.likelihood = Some(likelihood),
            DefinitionPart::Confidence(confidence) => rule.confidence = Some(confidence),
            DefinitionPart::Guard(guard) => rule.guards.push(guard),
            DefinitionPart::Fix(fix) => rule.fixes.push(fix),
            DefinitionPart::Explanation(text) => rule.explanation = Some(text),
            DefinitionPart::Remediation(text) => rule.remediation = Some(text),
            _ => {}
        }
    }
    let name = &rule.name;
    if rule.gain.is_empty() {
        missing(
            cx,
            name,
            "GAIN",
            "what the attacker gets, as in `GAIN exec(w)`",
        );
    }
    if rule.likelihood.is_none() {
        missing(
            cx,
            name,
            "LIKELIHOOD",
            "a number, a class or a scoring function",
        );
    }
    if rule.matches.is_empty() && rule.given.is_empty() {
        missing(
            cx,
            name,
            "MATCH",
            "a pattern over the asset graph, or `GIVEN` and a state",
        );
    }
    Definition::Rule(Box::new(rule))
}

fn missing(cx: &Context<'_>, name: &Ident, part: &str, what: &str) {
    let message = format!("`{}` has no `{part}`", name.name);
    let diagnostic = Diagnostic::new(Code::MissingPart, name.span, message);
    cx.report(diagnostic.help(format!("add `{part}`: {what}")));
}

pub(crate) fn fix(
    action: &Ident,
    target: Expr,
    text: Option<Text>,
    owner: Option<Expr>,
    cost: Option<Expr>,
    span: Span,
) -> Fix {
    Fix {
        action: Ident {
            name: action.name.to_lowercase(),
            span: action.span,
        },
        target,
        text,
        owner,
        cost,
        span,
    }
}

/// The severities of findings and policies, in lower case.
const SEVERITIES: [&str; 5] = ["critical", "high", "medium", "low", "info"];

pub(crate) fn policy(
    cx: &Context<'_>,
    name: Ident,
    title: Option<Text>,
    parts: Vec<(DefinitionPart, Span)>,
    query: Query,
    span: Span,
) -> Definition {
    let mut policy = PolicyDefinition {
        name,
        title,
        severity: None,
        controls: Vec::new(),
        owner: None,
        description: None,
        remediation: None,
        expectation: Expectation::NoRows,
        query,
        span,
    };
    for part in unique(cx, parts) {
        match part {
            DefinitionPart::Severity(severity) => policy.severity = Some(known(cx, &severity)),
            DefinitionPart::Controls(controls) => policy.controls = controls,
            DefinitionPart::Owner(owner) => policy.owner = Some(owner),
            DefinitionPart::Description(text) => policy.description = Some(text),
            DefinitionPart::Remediation(text) => policy.remediation = Some(text),
            DefinitionPart::Expect(expectation) => policy.expectation = expectation,
            _ => {}
        }
    }
    Definition::Policy(Box::new(policy))
}

fn known(cx: &Context<'_>, severity: &Ident) -> Ident {
    let name = severity.name.to_lowercase();
    if !SEVERITIES.contains(&name.as_str()) {
        let message = format!("no severity `{}`", severity.name);
        let mut diagnostic = Diagnostic::new(Code::UnknownSeverity, severity.span, message)
            .suggest(&severity.name, SEVERITIES);
        if diagnostic.help.is_none() {
            diagnostic = diagnostic.help(format!("the severities are {}", SEVERITIES.join(", ")));
        }
        cx.report(diagnostic);
    }
    Ident {
        name,
        span: severity.span,
    }
}

pub(crate) fn attacker(
    cx: &Context<'_>,
    name: Ident,
    title: Option<Text>,
    parts: Vec<(DefinitionPart, Span)>,
    span: Span,
) -> Definition {
    let mut attacker = AttackerDefinition {
        name,
        title,
        start: None,
        forbidden_rules: Vec::new(),
        forbidden_techniques: Vec::new(),
        skill: None,
        span,
    };
    for part in unique(cx, parts) {
        match part {
            DefinitionPart::Start(ends) => attacker.start = Some(ends),
            DefinitionPart::ForbiddenRules(rules) => attacker.forbidden_rules.extend(rules),
            DefinitionPart::ForbiddenTechniques(names) => {
                attacker.forbidden_techniques.extend(names);
            }
            DefinitionPart::Skill(skill) => attacker.skill = Some(skill),
            _ => {}
        }
    }
    if attacker.start.is_none() {
        let what = "the states the attacker holds at first";
        missing(cx, &attacker.name, "START", what);
    }
    Definition::Attacker(Box::new(attacker))
}
