//! Actions for the six verbs.

use super::build::Context;
use crate::ast::{
    AttackPaths, Avoiding, BlastRadius, ChokePoints, Ends, Exploitability, Expr, FixGoal, FixPlan,
    Ident, Span, Top, Verb, VerbClause, WhyNot, YieldItem,
};
use crate::diagnostic::{Code, Diagnostic};
use crate::token::Keyword;

/// A part of a verb, in the order of the text.
pub(crate) enum VerbPart {
    From(Ends),
    To(Ends),
    Via(Ends),
    Avoiding(Avoiding),
    Within(Expr),
    Likelihood(Expr),
    Confidence(Expr),
    Top(Top),
    Sampled(Expr),
    Goal(FixGoal),
}

impl VerbPart {
    fn name(&self) -> &'static str {
        match self {
            VerbPart::From(_) => "FROM",
            VerbPart::To(_) => "TO",
            VerbPart::Via(_) => "VIA",
            VerbPart::Avoiding(_) => "AVOIDING",
            VerbPart::Within(_) => "WITHIN",
            VerbPart::Likelihood(_) => "LIKELIHOOD",
            VerbPart::Confidence(_) => "CONFIDENCE",
            VerbPart::Top(_) => "TOP",
            VerbPart::Sampled(_) => "SAMPLED",
            VerbPart::Goal(FixGoal::Budget(_)) => "BUDGET",
            VerbPart::Goal(FixGoal::Likelihood(_)) => "UNTIL",
        }
    }
}

/// The parts a verb may have.
fn allowed(verb: Keyword) -> &'static [&'static str] {
    match verb {
        Keyword::AttackPaths => &[
            "FROM",
            "TO",
            "VIA",
            "AVOIDING",
            "WITHIN",
            "LIKELIHOOD",
            "CONFIDENCE",
            "TOP",
        ],
        Keyword::ExploitabilityOf => &["FROM", "SAMPLED"],
        Keyword::BlastRadius => &["LIKELIHOOD", "WITHIN"],
        Keyword::FixPlan => &["FROM", "TO", "BUDGET", "UNTIL"],
        _ => &["FROM", "TO"],
    }
}

#[derive(Default)]
struct Parts {
    from: Option<Ends>,
    to: Option<Ends>,
    via: Option<Ends>,
    avoiding: Vec<Avoiding>,
    within: Option<Expr>,
    likelihood: Option<Expr>,
    confidence: Option<Expr>,
    top: Option<Top>,
    sampled: Option<Expr>,
    goal: Option<FixGoal>,
}

pub(crate) fn verb(
    cx: &Context<'_>,
    (head, head_span): (Keyword, Span),
    of: Option<Ends>,
    rule: Option<Ident>,
    given: Vec<(VerbPart, Span)>,
    yields: Option<(Vec<YieldItem>, Option<Expr>)>,
    span: Span,
) -> VerbClause {
    let parts = collect(cx, head, head_span, given);
    let no_ends = Ends {
        items: Vec::new(),
        span: head_span,
    };
    let verb = match head {
        Keyword::AttackPaths => Verb::AttackPaths(Box::new(AttackPaths {
            from: parts.from,
            to: parts.to,
            via: parts.via,
            avoiding: parts.avoiding,
            within: parts.within,
            likelihood: parts.likelihood,
            confidence: parts.confidence,
            top: parts.top,
        })),
        Keyword::ExploitabilityOf => Verb::Exploitability(Exploitability {
            of: of.unwrap_or(no_ends),
            from: parts.from,
            sampled: parts.sampled,
        }),
        Keyword::BlastRadius => Verb::BlastRadius(BlastRadius {
            of: of.unwrap_or(no_ends),
            likelihood: parts.likelihood,
            within: parts.within,
        }),
        Keyword::FixPlan => Verb::FixPlan(FixPlan {
            from: parts.from,
            to: parts.to,
            goal: parts.goal,
        }),
        Keyword::WhyNot => {
            if parts.to.is_none() {
                let message = "`WHY NOT` needs `TO` and what the rule should have given";
                let diagnostic = Diagnostic::new(Code::MissingPart, head_span, message);
                cx.report(diagnostic.help("write `WHY NOT exploit-network-cve TO (w:Workload)`"));
            }
            Verb::WhyNot(WhyNot {
                rule: rule.unwrap_or(Ident {
                    name: String::new(),
                    span: head_span,
                }),
                from: parts.from,
                to: parts.to.unwrap_or(no_ends),
            })
        }
        _ => Verb::ChokePoints(ChokePoints {
            from: parts.from,
            to: parts.to,
        }),
    };
    let (yields, filter) = match yields {
        Some((items, filter)) => (Some(items), filter),
        None => (None, None),
    };
    VerbClause {
        verb,
        yields,
        filter,
        head: head_span,
        span,
    }
}

fn collect(
    cx: &Context<'_>,
    head: Keyword,
    head_span: Span,
    given: Vec<(VerbPart, Span)>,
) -> Parts {
    let allowed = allowed(head);
    let mut parts = Parts::default();
    let mut seen: Vec<(&'static str, Span)> = Vec::new();
    for (part, span) in given {
        let name = part.name();
        let word = Span {
            start: span.start,
            end: span.end.min(span.start + name.len() as u32),
        };
        if !allowed.contains(&name) {
            let message = format!("`{}` takes no `{name}`", head.text());
            let diagnostic = Diagnostic::new(Code::Syntax, word, message);
            cx.report(
                diagnostic
                    .label(head_span, "this verb")
                    .help(format!("it takes {}", list(allowed))),
            );
            continue;
        }
        // `BUDGET` and `UNTIL` are two ways to say one thing.
        let slot = if name == "UNTIL" { "BUDGET" } else { name };
        let before = seen.iter().find(|(known, _)| *known == slot);
        if let Some((_, before)) = before
            && name != "AVOIDING"
        {
            let is_same = before.end - before.start == word.end - word.start;
            let message = if slot == "BUDGET" && !is_same {
                "a plan has one goal, `BUDGET` or `UNTIL`".to_owned()
            } else {
                format!("`{name}` is given twice")
            };
            let diagnostic = Diagnostic::new(Code::DuplicatePart, word, message);
            let help = match (slot, name) {
                ("BUDGET", _) => "leave one of them out",
                (_, "FROM" | "TO" | "VIA") => "several ends stand behind one word: `TO (a), (b)`",
                _ => "leave one of them out",
            };
            cx.report(diagnostic.label(*before, "first given here").help(help));
            continue;
        }
        seen.push((slot, word));
        match part {
            VerbPart::From(ends) => parts.from = Some(ends),
            VerbPart::To(ends) => parts.to = Some(ends),
            VerbPart::Via(ends) => parts.via = Some(ends),
            VerbPart::Avoiding(avoiding) => parts.avoiding.push(avoiding),
            VerbPart::Within(steps) => parts.within = Some(steps),
            VerbPart::Likelihood(bound) => parts.likelihood = Some(bound),
            VerbPart::Confidence(bound) => parts.confidence = Some(bound),
            VerbPart::Top(top) => parts.top = Some(top),
            VerbPart::Sampled(count) => parts.sampled = Some(count),
            VerbPart::Goal(goal) => parts.goal = Some(goal),
        }
    }
    parts
}

fn list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
