//! Facts in a stable text form, for tests that a person can read.

use std::fmt::Write;

use foothold_engine::model::{CERTAIN, Facts, Origin, PropRange, Value};

use crate::load::{Options, load_bytes};
use crate::report::Outcome;

/// Loads a document and compares its facts, counts and warnings with the expected text.
#[track_caller]
pub(crate) fn check(name: &str, text: &str, expected: &expect_test::Expect) {
    check_with(&Options::new(0), name, text, expected);
}

/// As [`check`], with options.
#[track_caller]
pub(crate) fn check_with(
    options: &Options<'_>,
    name: &str,
    text: &str,
    expected: &expect_test::Expect,
) {
    let outcome = load_bytes(name, text.as_bytes().to_vec(), options);
    expected.assert_eq(&render(&outcome));
}

/// Loads a document that must fail and compares the message.
#[track_caller]
pub(crate) fn check_error(name: &str, text: &str, expected: &expect_test::Expect) {
    match load_bytes(name, text.as_bytes().to_vec(), &Options::new(0)) {
        Outcome::Failed(report) => expected.assert_eq(&report.error.unwrap().message),
        other => panic!("not refused: {}", render(&other)),
    }
}

/// The outcome as text: facts in order of statement, counts, warnings.
pub(crate) fn render(outcome: &Outcome) -> String {
    let report = outcome.report();
    let mut out = String::new();
    match outcome {
        Outcome::Read(loaded) => render_facts(&mut out, &loaded.facts),
        Outcome::Skipped(report) => {
            let _ = writeln!(out, "skipped: {}", report.reason.as_deref().unwrap_or(""));
        }
        Outcome::Failed(report) => {
            let _ = writeln!(out, "failed: {}", report.error.as_ref().unwrap().message);
        }
    }
    let counts: Vec<_> = report
        .counts
        .iter()
        .map(|(name, count)| format!("{name}={count}"))
        .collect();
    if !counts.is_empty() {
        let _ = writeln!(out, "{}", counts.join(" "));
    }
    for (kind, warning) in &report.warnings {
        let _ = writeln!(
            out,
            "warning {kind} x{}: {}",
            warning.count, warning.example
        );
    }
    out
}

fn render_facts(out: &mut String, facts: &Facts) {
    for node in facts.nodes() {
        let _ = write!(out, "{} ", facts.str(node.id));
        for label in &node.labels {
            let _ = write!(out, ":{}", facts.str(*label));
        }
        if node.confidence < CERTAIN {
            let _ = write!(out, " ({}%)", node.confidence);
        }
        render_props(out, facts, &node.props);
        out.push('\n');
    }
    for edge in facts.edges() {
        let _ = write!(
            out,
            "{} -{}-> {}",
            facts.str(edge.from),
            facts.str(edge.kind),
            facts.str(edge.to)
        );
        if let Some(key) = edge.key {
            let _ = write!(out, " [{}]", facts.str(key));
        }
        if let Origin::Inferred(method) = edge.origin {
            let _ = write!(out, " ({}% {})", edge.confidence, facts.str(method));
        }
        render_props(out, facts, &edge.props);
        out.push('\n');
    }
}

fn render_props(out: &mut String, facts: &Facts, range: &PropRange) {
    let mut props: Vec<_> = facts
        .props(range)
        .iter()
        .map(|(name, value)| (facts.str(*name), value))
        .collect();
    props.sort_by_key(|(name, _)| *name);
    for (name, value) in props {
        let _ = write!(out, " {name}={}", render_value(value));
    }
}

fn render_value(value: &Value) -> String {
    match value {
        Value::Bool(flag) => flag.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => format!("{number:?}"),
        Value::Str(text) => format!("{text:?}"),
        Value::List(items) => {
            let items: Vec<_> = items.iter().map(render_value).collect();
            format!("[{}]", items.join(", "))
        }
    }
}
