//! Definitions as lines.

use super::clause::Layout;
use super::expr::{self, Level};
use super::line::{Line, Source};
use super::verb::{ends, titles, write_state};
use super::{name, query_lines};
use crate::ast::{
    AttackerDefinition, Definition, Expectation, Expr, Fix, Guard, Ident, PolicyDefinition,
    RuleDefinition, Span, State, Text,
};

/// How far the parts of a definition stand in.
const INDENT: usize = 2;

pub(super) fn lines(source: &Source<'_>, definition: &Definition) -> Vec<Line> {
    match definition {
        Definition::Rule(rule) => rule_lines(source, rule),
        Definition::Policy(policy) => policy_lines(source, policy),
        Definition::Attacker(attacker) => attacker_lines(attacker),
        Definition::Group(group) => {
            let mut line = head("GROUP", &group.name, group.title.as_ref());
            line.push_str(" KINDS ");
            expr::separated(&mut line, &group.kinds, |out, kind| {
                name::write(out, &kind.name);
            });
            vec![Line::new(line, group.span.end)]
        }
        Definition::Import(import) => {
            let mut line = "IMPORT ".to_owned();
            name::write_string(&mut line, &import.path.value, '\'');
            vec![Line::new(line, import.span.end)]
        }
    }
}

fn rule_lines(source: &Source<'_>, rule: &RuleDefinition) -> Vec<Line> {
    let mut parts = Parts::new("RULE", &rule.name, rule.title.as_ref());
    let mut facts: Vec<(Span, String)> = Vec::new();
    for (word, name) in [("ID ", &rule.id), ("FAMILY ", &rule.family)] {
        if let Some(name) = name {
            let mut text = word.to_owned();
            name::write_title(&mut text, &name.name);
            facts.push((name.span, text));
        }
    }
    if let Some(last) = rule.techniques.last() {
        facts.push((
            last.span,
            format!("TECHNIQUE {}", strings(&rule.techniques)),
        ));
    }
    parts.facts(facts);
    for clause in &rule.matches {
        parts.extend(Layout::lines(INDENT, source).match_clause(clause));
    }
    parts.states("GIVEN", &rule.given);
    parts.states("GAIN", &rule.gain);
    parts.value("LIKELIHOOD ", rule.likelihood.as_ref());
    parts.value("CONFIDENCE ", rule.confidence.as_ref());
    for item in &rule.guards {
        parts.line(item.span, guard(item));
    }
    for item in &rule.fixes {
        parts.line(item.span, fix(item));
    }
    parts.text("EXPLANATION", rule.explanation.as_ref());
    parts.text("REMEDIATION", rule.remediation.as_ref());
    parts.lines
}

fn policy_lines(source: &Source<'_>, policy: &PolicyDefinition) -> Vec<Line> {
    let mut parts = Parts::new("POLICY", &policy.name, policy.title.as_ref());
    let mut facts: Vec<(Span, String)> = Vec::new();
    if let Some(severity) = &policy.severity {
        facts.push((severity.span, format!("SEVERITY {}", severity.name)));
    }
    if let Some(last) = policy.controls.last() {
        facts.push((last.span, format!("CONTROLS {}", strings(&policy.controls))));
    }
    parts.facts(facts);
    parts.text("OWNER", policy.owner.as_ref());
    parts.text("DESCRIPTION", policy.description.as_ref());
    parts.text("REMEDIATION", policy.remediation.as_ref());
    let expectation = match policy.expectation {
        Expectation::NoRows => "EXPECT NO ROWS".to_owned(),
        Expectation::Rows => "EXPECT ROWS".to_owned(),
        Expectation::AtMost(count) => format!("EXPECT AT MOST {count} ROWS"),
        Expectation::AtLeast(count) => format!("EXPECT AT LEAST {count} ROWS"),
    };
    parts
        .lines
        .push(Line::new(expectation, policy.query.span.start).indented(INDENT));
    parts
        .lines
        .extend(query_lines(source, &policy.query, INDENT));
    parts.lines
}

fn attacker_lines(attacker: &AttackerDefinition) -> Vec<Line> {
    let mut parts = Parts::new("ATTACKER", &attacker.name, attacker.title.as_ref());
    if let Some(start) = &attacker.start {
        parts.line(start.span, format!("START {}", ends(start)));
    }
    for (word, names) in [
        ("RULES", &attacker.forbidden_rules),
        ("TECHNIQUES", &attacker.forbidden_techniques),
    ] {
        if let Some(last) = names.last() {
            parts.line(last.span, format!("AVOIDING {word} {}", titles(names)));
        }
    }
    parts.value("SKILL ", attacker.skill.as_ref());
    parts.lines
}

/// The lines of a definition: its head, then a part a line.
struct Parts {
    lines: Vec<Line>,
}

impl Parts {
    fn new(word: &str, name: &Ident, title: Option<&Text>) -> Parts {
        let end = title.map_or(name.span, |title| title.span).end;
        Parts {
            lines: vec![Line::new(head(word, name, title), end)],
        }
    }

    fn line(&mut self, span: Span, text: String) {
        self.extend([Line::new(text, span.end)]);
    }

    fn extend(&mut self, lines: impl IntoIterator<Item = Line>) {
        let lines = lines.into_iter();
        self.lines.extend(lines.map(|line| line.indented(INDENT)));
    }

    /// Short parts that share a line.
    fn facts(&mut self, facts: Vec<(Span, String)>) {
        let Some(end) = facts.iter().map(|(span, _)| span.end).max() else {
            return;
        };
        let texts: Vec<String> = facts.into_iter().map(|(_, text)| text).collect();
        self.extend([Line::new(texts.join("  "), end)]);
    }

    fn text(&mut self, word: &str, text: Option<&Text>) {
        if let Some(text) = text {
            let mut line = format!("{word} ");
            name::write_text(&mut line, text);
            self.line(text.span, line);
        }
    }

    fn value(&mut self, word: &str, value: Option<&Expr>) {
        if let Some(value) = value {
            let mut line = word.to_owned();
            expr::write(&mut line, value);
            self.line(value.span, line);
        }
    }

    fn states(&mut self, word: &str, states: &[State]) {
        if let Some(last) = states.last() {
            let mut line = format!("{word} ");
            expr::separated(&mut line, states, write_state);
            self.line(last.span, line);
        }
    }
}

fn head(word: &str, name: &Ident, title: Option<&Text>) -> String {
    let mut line = format!("{word} ");
    name::write_title(&mut line, &name.name);
    if let Some(title) = title {
        line.push(' ');
        name::write_text(&mut line, title);
    }
    line
}

fn strings(texts: &[Text]) -> String {
    let mut line = String::new();
    expr::separated(&mut line, texts, |out, text| {
        name::write_string(out, &text.value, '\'');
    });
    line
}

fn guard(guard: &Guard) -> String {
    let mut line = "GUARD ".to_owned();
    if let Some(name) = &guard.name {
        name::write_text(&mut line, name);
        line.push(' ');
    }
    expr::write(&mut line, &guard.factor);
    line.push_str(" WHEN ");
    expr::write(&mut line, &guard.condition);
    line
}

fn fix(fix: &Fix) -> String {
    let mut line = "FIX ".to_owned();
    // `FIX PLAN` is a verb.
    if fix.action.name == "plan" {
        line.push_str("`plan`");
    } else {
        name::write(&mut line, &fix.action.name);
    }
    line.push(' ');
    expr::write_at(&mut line, &fix.target, Level::Postfix);
    if let Some(text) = &fix.text {
        line.push(' ');
        name::write_text(&mut line, text);
    }
    if let Some(owner) = &fix.owner {
        line.push_str(" OWNER ");
        expr::write(&mut line, owner);
    }
    if let Some(cost) = &fix.cost {
        line.push_str(" COST ");
        expr::write(&mut line, cost);
    }
    line
}
