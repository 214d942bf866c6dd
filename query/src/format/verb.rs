//! Verbs as lines.

use super::clause::Layout;
use super::expr;
use super::line::Line;
use super::name;
use super::pattern::write_node;
use crate::ast::{
    AttackPaths, Avoiding, End, EndKind, Ends, Expr, FixGoal, Ident, Per, State, Verb, VerbClause,
};

/// The lines of a verb: its head with the first part, then a part a line where they do not fit.
pub(super) fn lines(layout: Layout<'_>, clause: &VerbClause) -> Vec<Line> {
    let mut parts: Vec<Line> = Vec::new();
    let head_end = clause.head.end;
    match &clause.verb {
        Verb::AttackPaths(verb) => {
            parts.push(Line::new("ATTACK PATHS", head_end));
            attack_paths(&mut parts, verb);
        }
        Verb::Exploitability(verb) => {
            let head = format!("EXPLOITABILITY OF {}", ends(&verb.of));
            parts.push(Line::new(head, verb.of.span.end));
            optional_ends(&mut parts, "FROM", verb.from.as_ref());
            bound(&mut parts, "SAMPLED ", verb.sampled.as_ref(), "");
        }
        Verb::BlastRadius(verb) => {
            let head = format!("BLAST RADIUS OF {}", ends(&verb.of));
            parts.push(Line::new(head, verb.of.span.end));
            bound(&mut parts, "LIKELIHOOD >= ", verb.likelihood.as_ref(), "");
            bound(&mut parts, "WITHIN ", verb.within.as_ref(), " STEPS");
        }
        Verb::ChokePoints(verb) => {
            parts.push(Line::new("CHOKE POINTS", head_end));
            optional_ends(&mut parts, "FROM", verb.from.as_ref());
            optional_ends(&mut parts, "TO", verb.to.as_ref());
        }
        Verb::FixPlan(verb) => {
            parts.push(Line::new("FIX PLAN", head_end));
            optional_ends(&mut parts, "FROM", verb.from.as_ref());
            optional_ends(&mut parts, "TO", verb.to.as_ref());
            match &verb.goal {
                Some(FixGoal::Budget(budget)) => bound(&mut parts, "BUDGET ", Some(budget), ""),
                Some(FixGoal::Likelihood(limit)) => {
                    bound(&mut parts, "UNTIL LIKELIHOOD < ", Some(limit), "");
                }
                None => {}
            }
        }
        Verb::WhyNot(verb) => {
            let mut head = "WHY NOT ".to_owned();
            name::write_title(&mut head, &verb.rule.name);
            parts.push(Line::new(head, verb.rule.span.end));
            optional_ends(&mut parts, "FROM", verb.from.as_ref());
            optional_ends(&mut parts, "TO", Some(&verb.to));
        }
    }
    let mut lines = layout.parts(parts);
    if let Some(items) = &clause.yields {
        let items = items.iter().map(|item| {
            let mut text = String::new();
            name::write(&mut text, &item.column.name);
            let mut end = item.column.span.end;
            if let Some(alias) = &item.alias {
                text.push_str(" AS ");
                name::write(&mut text, &alias.name);
                end = alias.span.end;
            }
            Line::new(text, end)
        });
        lines.extend(layout.list("YIELD", items.collect()));
        lines.extend(layout.filter(clause.filter.as_ref()));
    }
    lines
}

fn attack_paths(parts: &mut Vec<Line>, verb: &AttackPaths) {
    optional_ends(parts, "FROM", verb.from.as_ref());
    optional_ends(parts, "TO", verb.to.as_ref());
    optional_ends(parts, "VIA", verb.via.as_ref());
    for avoiding in &verb.avoiding {
        let last = |names: &[Ident]| names.last().map_or(0, |name| name.span.end);
        let (text, end) = match avoiding {
            Avoiding::Ends(avoided) => (ends(avoided), avoided.span.end),
            Avoiding::Rules(rules) => (format!("RULES {}", titles(rules)), last(rules)),
            Avoiding::Techniques(names) => (format!("TECHNIQUES {}", titles(names)), last(names)),
        };
        parts.push(Line::new(format!("AVOIDING {text}"), end));
    }
    bound(parts, "WITHIN ", verb.within.as_ref(), " STEPS");
    bound(parts, "LIKELIHOOD >= ", verb.likelihood.as_ref(), "");
    bound(parts, "CONFIDENCE >= ", verb.confidence.as_ref(), "");
    if let Some(top) = &verb.top {
        let per = match top.per {
            Some(Per::Source) => " PER SOURCE",
            Some(Per::Target) => " PER TARGET",
            Some(Per::Pair) => " PER PAIR",
            None => "",
        };
        bound(parts, "TOP ", Some(&top.count), per);
    }
}

fn bound(parts: &mut Vec<Line>, before: &str, value: Option<&Expr>, after: &str) {
    if let Some(value) = value {
        let mut text = before.to_owned();
        expr::write(&mut text, value);
        text.push_str(after);
        parts.push(Line::new(text, value.span.end));
    }
}

fn optional_ends(parts: &mut Vec<Line>, word: &str, value: Option<&Ends>) {
    if let Some(value) = value {
        parts.push(Line::new(format!("{word} {}", ends(value)), value.span.end));
    }
}

/// A list of ends on one line.
pub(super) fn ends(ends: &Ends) -> String {
    let mut text = String::new();
    expr::separated(&mut text, &ends.items, write_end);
    text
}

fn write_end(out: &mut String, end: &End) {
    match &end.kind {
        EndKind::Node(node) => write_node(out, node),
        EndKind::State(state) => write_state(out, state),
        EndKind::Attacker(profile) => {
            out.push_str("ATTACKER ");
            name::write_title(out, &profile.name);
        }
    }
}

/// Writes `capability(node)`.
pub(super) fn write_state(out: &mut String, state: &State) {
    out.push_str(state.capability.name());
    write_node(out, &state.node);
}

/// Names of rules or techniques.
pub(super) fn titles(names: &[Ident]) -> String {
    let mut text = String::new();
    expr::separated(&mut text, names, |out, name| {
        name::write_title(out, &name.name);
    });
    text
}
