//! `foothold rules test`: every fixture of the shipped and of the user's rules.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use foothold_engine::score::ScoringModel;
use foothold_query::define::Definitions;
use foothold_query::define::fixture::{Fixture, read_fixtures, shipped_fixtures};
use serde_json::json;

use super::super::output::{print_json, print_line, printable};
use super::super::{Context, Exit, ListFormat};
use crate::app::{InForce, files_below, new_pool, read_text};

/// One case that went wrong.
struct Wrong {
    file: String,
    case: Fixture,
    found: String,
}

pub(super) fn test(
    context: &Context,
    folder: Option<&Path>,
    format: ListFormat,
) -> anyhow::Result<Exit> {
    let pool = new_pool(context.n_threads)?;
    let mut n_cases = 0;
    let mut wrong = Vec::new();
    let mut run = |file: &str, case: Fixture, definitions: &Definitions, model| {
        n_cases += 1;
        let found = match pool.install(|| case.run(definitions, model, &pool)) {
            Ok(found) => found,
            Err(reason) => format!("{reason}\n"),
        };
        if found != case.steps {
            let file = file.to_owned();
            wrong.push(Wrong { file, case, found });
        }
    };

    // Shipped cases hold for the shipped rules and constants, whatever the user changes.
    let shipped = Definitions::shipped();
    let shipped_model = Arc::new(ScoringModel::shipped());
    for (file, case) in shipped_fixtures() {
        run(file, case, &shipped, &shipped_model);
    }

    let own;
    let in_force = match folder {
        Some(folder) => {
            own = InForce::load(Some(folder), None)?;
            super::report_problems(context.terminal, &own)?;
            &own
        }
        None => &*context.rules,
    };
    let mut seen: BTreeMap<String, (bool, bool)> = BTreeMap::new();
    if let Some(root) = &in_force.folder {
        for path in files_below(root, "md")? {
            let name = path
                .strip_prefix(root)
                .unwrap_or(&path)
                .display()
                .to_string();
            for case in read_fixtures(&read_text(&path)?) {
                let entry = seen.entry(case.rule.clone()).or_default();
                entry.0 |= !case.is_negative();
                entry.1 |= case.is_negative();
                run(&name, case, &in_force.definitions, &in_force.model);
            }
        }
    }
    let untested: Vec<String> = own_rules(in_force)
        .into_iter()
        .filter_map(|rule| {
            let (fires, stays_silent) = seen.get(&rule).copied().unwrap_or_default();
            match (fires, stays_silent) {
                (true, true) => None,
                (false, _) => Some(format!("`{rule}` has no case in which it fires")),
                (true, false) => Some(format!("`{rule}` has no case in which it stays silent")),
            }
        })
        .collect();
    let n_broken = in_force.problems.len();
    report(format, n_cases, &wrong, &untested, n_broken)?;
    let is_good = wrong.is_empty() && n_broken == 0;
    Ok(if is_good { Exit::Done } else { Exit::No })
}

/// The names of the rules that the user's files define.
fn own_rules(in_force: &InForce) -> Vec<String> {
    let n_shipped = Definitions::shipped().rules().count();
    let own = in_force.definitions.rules().skip(n_shipped);
    own.map(|(rule, _)| rule.name.name.clone()).collect()
}

fn report(
    format: ListFormat,
    n_cases: usize,
    wrong: &[Wrong],
    untested: &[String],
    n_broken: usize,
) -> anyhow::Result<()> {
    if format == ListFormat::Json {
        let failures: Vec<_> = wrong
            .iter()
            .map(|one| {
                json!({
                    "file": one.file, "rule": one.case.rule, "case": one.case.title,
                    "expected": one.case.steps, "found": one.found,
                })
            })
            .collect();
        print_json(&json!({
            "cases": n_cases, "failed": failures, "untested": untested, "broken": n_broken,
        }))?;
        return Ok(());
    }
    for one in wrong {
        let heading = format!("{}: {}: {}", one.file, one.case.rule, one.case.title);
        print_line(&printable(&heading))?;
        print_line(&format!("  expected:\n{}", indented(&one.case.steps)))?;
        print_line(&format!("  found:\n{}", indented(&one.found)))?;
    }
    for one in untested {
        print_line(&format!("not tested: {one}"))?;
    }
    let n_wrong = wrong.len();
    print_line(&format!(
        "{n_cases} cases, {n_wrong} failed, {n_broken} errors in rule files"
    ))?;
    Ok(())
}

fn indented(lines: &str) -> String {
    if lines.is_empty() {
        return "    nothing".to_owned();
    }
    let lines: Vec<String> = lines
        .lines()
        .map(|line| format!("    {}", printable(line)))
        .collect();
    lines.join("\n")
}
