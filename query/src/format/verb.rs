//! Verbs as lines.

use super::clause::Layout;
use super::expr;
use super::name;
use super::pattern::write_node;
use crate::ast::{
    AttackPaths, Avoiding, End, EndKind, Ends, Expr, FixGoal, Ident, Per, State, Verb, VerbClause,
};

/// The lines of a verb: its head with the first part, then a part a line where they do not fit.
pub(super) fn lines(layout: Layout, clause: &VerbClause) -> Vec<String> {
    let mut parts = Vec::new();
    match &clause.verb {
        Verb::AttackPaths(verb) => {
            parts.push("ATTACK PATHS".to_owned());
            attack_paths(&mut parts, verb);
        }
        Verb::Exploitability(verb) => {
            parts.push(format!("EXPLOITABILITY OF {}", ends(&verb.of)));
            optional_ends(&mut parts, "FROM", verb.from.as_ref());
            bound(&mut parts, "SAMPLED ", verb.sampled.as_ref(), "");
        }
        Verb::BlastRadius(verb) => {
            parts.push(format!("BLAST RADIUS OF {}", ends(&verb.of)));
            bound(&mut parts, "LIKELIHOOD >= ", verb.likelihood.as_ref(), "");
            bound(&mut parts, "WITHIN ", verb.within.as_ref(), " STEPS");
        }
        Verb::ChokePoints(verb) => {
            parts.push("CHOKE POINTS".to_owned());
            optional_ends(&mut parts, "FROM", verb.from.as_ref());
            optional_ends(&mut parts, "TO", verb.to.as_ref());
        }
        Verb::FixPlan(verb) => {
            parts.push("FIX PLAN".to_owned());
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
            parts.push(head);
            optional_ends(&mut parts, "FROM", verb.from.as_ref());
            optional_ends(&mut parts, "TO", Some(&verb.to));
        }
    }
    let mut lines = layout.parts(parts);
    if let Some(items) = &clause.yields {
        let items = items.iter().map(|item| {
            let mut text = String::new();
            name::write(&mut text, &item.column.name);
            if let Some(alias) = &item.alias {
                text.push_str(" AS ");
                name::write(&mut text, &alias.name);
            }
            text
        });
        lines.extend(layout.list("YIELD", items.collect()));
        lines.extend(layout.filter(clause.filter.as_ref()));
    }
    lines
}

fn attack_paths(parts: &mut Vec<String>, verb: &AttackPaths) {
    optional_ends(parts, "FROM", verb.from.as_ref());
    optional_ends(parts, "TO", verb.to.as_ref());
    optional_ends(parts, "VIA", verb.via.as_ref());
    for avoiding in &verb.avoiding {
        parts.push(match avoiding {
            Avoiding::Ends(avoided) => format!("AVOIDING {}", ends(avoided)),
            Avoiding::Rules(rules) => format!("AVOIDING RULES {}", titles(rules)),
            Avoiding::Techniques(techniques) => {
                format!("AVOIDING TECHNIQUES {}", titles(techniques))
            }
        });
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

fn bound(parts: &mut Vec<String>, before: &str, value: Option<&Expr>, after: &str) {
    if let Some(value) = value {
        let mut text = before.to_owned();
        expr::write(&mut text, value);
        text.push_str(after);
        parts.push(text);
    }
}

fn optional_ends(parts: &mut Vec<String>, word: &str, value: Option<&Ends>) {
    if let Some(value) = value {
        parts.push(format!("{word} {}", ends(value)));
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
