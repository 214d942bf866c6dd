//! Definitions as lines.

use super::clause::Layout;
use super::expr::{self, Level};
use super::verb::{ends, titles, write_state};
use super::{Printer, name};
use crate::ast::{
    AttackerDefinition, Definition, Expectation, Fix, Guard, Ident, PolicyDefinition,
    RuleDefinition, Span, State, Text,
};

/// How far the parts of a definition stand in.
const INDENT: usize = 2;

impl Printer<'_> {
    pub(super) fn definition(&mut self, definition: &Definition) {
        match definition {
            Definition::Rule(rule) => self.rule(rule),
            Definition::Policy(policy) => self.policy(policy),
            Definition::Attacker(attacker) => self.attacker(attacker),
            Definition::Group(group) => {
                let mut line = head("GROUP", &group.name, group.title.as_ref());
                line.push_str(" KINDS ");
                expr::separated(&mut line, &group.kinds, |out, kind| {
                    name::write(out, &kind.name);
                });
                self.part(0, group.span, vec![line]);
            }
            Definition::Import(import) => {
                let mut line = "IMPORT ".to_owned();
                name::write_string(&mut line, &import.path.value, '\'');
                self.part(0, import.span, vec![line]);
            }
        }
        self.comments_before(INDENT, definition.span().end as usize);
    }

    fn head(&mut self, word: &str, name: &Ident, title: Option<&Text>) {
        let span = title.map_or(name.span, |title| title.span);
        self.part(0, span, vec![head(word, name, title)]);
    }

    /// A line of a definition.
    fn line(&mut self, span: Span, line: String) {
        self.part(INDENT, span, vec![line]);
    }

    fn text(&mut self, word: &str, text: Option<&Text>) {
        if let Some(text) = text {
            let mut line = format!("{word} ");
            name::write_text(&mut line, text);
            self.line(text.span, line);
        }
    }

    fn rule(&mut self, rule: &RuleDefinition) {
        self.head("RULE", &rule.name, rule.title.as_ref());
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
        if let Some((span, _)) = facts.last() {
            let span = *span;
            let texts: Vec<String> = facts.into_iter().map(|(_, text)| text).collect();
            self.line(span, texts.join("  "));
        }
        for clause in &rule.matches {
            let lines = Layout::lines(INDENT).match_clause(clause);
            self.part(INDENT, clause.span, lines);
        }
        self.states("GIVEN", &rule.given);
        self.states("GAIN", &rule.gain);
        for (word, value) in [
            ("LIKELIHOOD ", &rule.likelihood),
            ("CONFIDENCE ", &rule.confidence),
        ] {
            if let Some(value) = value {
                let mut line = word.to_owned();
                expr::write(&mut line, value);
                self.line(value.span, line);
            }
        }
        for item in &rule.guards {
            self.line(item.span, guard(item));
        }
        for item in &rule.fixes {
            self.line(item.span, fix(item));
        }
        self.text("EXPLANATION", rule.explanation.as_ref());
        self.text("REMEDIATION", rule.remediation.as_ref());
    }

    fn states(&mut self, word: &str, states: &[State]) {
        if let Some(last) = states.last() {
            let mut line = format!("{word} ");
            expr::separated(&mut line, states, write_state);
            self.line(last.span, line);
        }
    }

    fn policy(&mut self, policy: &PolicyDefinition) {
        self.head("POLICY", &policy.name, policy.title.as_ref());
        let mut facts: Vec<(Span, String)> = Vec::new();
        if let Some(severity) = &policy.severity {
            facts.push((severity.span, format!("SEVERITY {}", severity.name)));
        }
        if let Some(last) = policy.controls.last() {
            facts.push((last.span, format!("CONTROLS {}", strings(&policy.controls))));
        }
        if let Some((span, _)) = facts.last() {
            let span = *span;
            let texts: Vec<String> = facts.into_iter().map(|(_, text)| text).collect();
            self.line(span, texts.join("  "));
        }
        self.text("OWNER", policy.owner.as_ref());
        self.text("DESCRIPTION", policy.description.as_ref());
        self.text("REMEDIATION", policy.remediation.as_ref());
        let expectation = match policy.expectation {
            Expectation::NoRows => "EXPECT NO ROWS".to_owned(),
            Expectation::Rows => "EXPECT ROWS".to_owned(),
            Expectation::AtMost(count) => format!("EXPECT AT MOST {count} ROWS"),
            Expectation::AtLeast(count) => format!("EXPECT AT LEAST {count} ROWS"),
        };
        let start = Span {
            start: policy.query.span.start,
            end: policy.query.span.start,
        };
        self.line(start, expectation);
        self.query(&policy.query, INDENT);
    }

    fn attacker(&mut self, attacker: &AttackerDefinition) {
        self.head("ATTACKER", &attacker.name, attacker.title.as_ref());
        if let Some(start) = &attacker.start {
            self.line(start.span, format!("START {}", ends(start)));
        }
        for (word, names) in [
            ("RULES", &attacker.forbidden_rules),
            ("TECHNIQUES", &attacker.forbidden_techniques),
        ] {
            if let Some(last) = names.last() {
                self.line(last.span, format!("AVOIDING {word} {}", titles(names)));
            }
        }
        if let Some(skill) = &attacker.skill {
            let mut line = "SKILL ".to_owned();
            expr::write(&mut line, skill);
            self.line(skill.span, line);
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
