//! `foothold check`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use foothold_engine::budget::{Budget, Limits};

use super::output::{Table, print_json, print_line};
use super::query::report_refusal;
use super::{Context, DbArgs, Exit};
use crate::app::{Allowance, App, Estate};
use crate::dto::policy::CheckDto;
use crate::policies;
use crate::policy::{self, Baseline, FileProblem, Policy, PolicyResult, Status, evaluate};

/// Run policies: queries that must return nothing
///
/// Without names, every shipped and every added policy runs, and those of the rules folder.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  foothold check
  foothold check --load scans/ --format sarif > foothold.sarif
  foothold check --format json > known.json && foothold check --baseline known.json
  foothold check policies/ours.fql no-path-from-internet-to-admin

Exit codes: 0 all pass; 1 some fail; 2 some could not be decided, or a file of the rules folder is \
broken. With a baseline, only what it does \
not know fails.")]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    db: DbArgs,
    /// Read these files and folders instead of a store
    #[arg(long, value_name = "PATH", num_args = 1)]
    load: Vec<PathBuf>,
    /// The JSON report of an earlier check; what it holds does not fail again
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// How the verdicts are printed
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    /// Names of policies, or files that hold some
    #[arg(value_name = "POLICY")]
    policies: Vec<String>,
}

/// Formats of the verdicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Table,
    /// For programs, and as a baseline.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// `JUnit` XML, for pipelines.
    Junit,
}

/// The limits of a policy: it may take longer than a person would wait.
const ALLOWANCE: Allowance = Allowance {
    limits: Limits {
        rows: 100_000,
        memory_bytes: 512 << 20,
        expansions: u64::MAX,
    },
    time: Duration::from_secs(60),
};

pub(crate) fn run(context: &Context, args: &CheckArgs) -> anyhow::Result<Exit> {
    let terminal = context.terminal;
    let baseline = match &args.baseline {
        Some(path) => Some(read_baseline(path)?),
        None => None,
    };
    let estate = context.estate(&args.db, &args.load)?;
    let stored = match &estate {
        Estate::Stored(app) => Some(&**app),
        Estate::Loaded { .. } => None,
    };
    let Some(policies) = choose(context, stored, &args.policies)? else {
        return Ok(Exit::Failed);
    };
    let mut results: Vec<PolicyResult> = Vec::new();
    for policy in &policies {
        terminal.progress(policy.name());
        let budget = Budget::new(ALLOWANCE.limits);
        results.push(evaluate(
            &estate,
            policy,
            baseline.as_ref(),
            &ALLOWANCE,
            &budget,
        ));
    }
    terminal.end_progress();
    match args.format {
        Format::Table => print_table(&results)?,
        Format::Json => print_json(&CheckDto::new(&results))?,
        Format::Sarif => print_json(&policy::sarif(&results))?,
        Format::Junit => write!(io::stdout().lock(), "{}", policy::junit(&results))?,
    }
    for result in &results {
        if let Some(error) = &result.error {
            terminal.warn(&format!("{}: {error}", result.policy.name()));
        } else {
            for diagnostic in &result.diagnostics {
                let message = diagnostic["message"].as_str().unwrap_or_default();
                let line = &diagnostic["line"];
                terminal.warn(&format!("{}:{line}: {message}", result.policy.name()));
            }
        }
    }
    let any = |status| results.iter().any(|result| result.status == status);
    // A verdict with half of the rules, or without a policy that could not be read, is none.
    Ok(if any(Status::Error) || context.rules.is_broken() {
        Exit::Failed
    } else if any(Status::Fail) {
        Exit::No
    } else {
        Exit::Done
    })
}

fn read_baseline(path: &Path) -> anyhow::Result<Baseline> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the baseline `{shown}`"))?;
    Baseline::parse(&text)
        .with_context(|| format!("`{shown}` is not the JSON report of an earlier check"))
}

/// The policies that the arguments name; `None` when one cannot be read, which was reported.
fn choose(
    context: &Context,
    app: Option<&App>,
    names: &[String],
) -> anyhow::Result<Option<Vec<Policy>>> {
    let known = policies::known(&context.rules, app).map_err(anyhow::Error::msg)?;
    if names.is_empty() {
        return Ok(Some(known));
    }
    let mut chosen = Vec::new();
    for name in names {
        if let Some(policy) = known.iter().find(|policy| policy.name() == name) {
            chosen.push(policy.clone());
            continue;
        }
        let path = Path::new(name);
        if !path.is_file() {
            let names: Vec<&str> = known.iter().map(Policy::name).collect();
            anyhow::bail!(
                "no policy and no file `{name}`; there is {}",
                names.join(", ")
            );
        }
        match policy::read_file(path) {
            Ok(policies) => chosen.extend(policies),
            Err(FileProblem::Refused(refused)) => {
                report_refusal(context.terminal, false, &refused)?;
                return Ok(None);
            }
            Err(FileProblem::Unreadable(error)) => {
                return Err(error).with_context(|| format!("cannot read `{name}`"));
            }
            Err(FileProblem::Empty) => anyhow::bail!("`{name}` holds no policy"),
        }
    }
    Ok(Some(chosen))
}

fn print_table(results: &[PolicyResult]) -> io::Result<()> {
    let mut table =
        Table::new(["verdict", "severity", "violations", "new", "policy"]).right(&[2, 3]);
    for result in results {
        let n_new = result.violations.iter().filter(|it| it.is_new).count();
        table.row([
            result.status.name(),
            result.policy.severity(),
            &result.violations.len().to_string(),
            &n_new.to_string(),
            result.policy.name(),
        ]);
    }
    table.print()?;
    for result in results.iter().filter(|it| it.status == Status::Fail) {
        print_line(&format!("\n{}", result.policy.title()))?;
        for violation in result.violations.iter().filter(|it| it.is_new) {
            let message = super::output::printable(&violation.message);
            print_line(&format!("  {} {message}", violation.signature))?;
        }
        if let Some(remediation) = result.policy.remediation() {
            print_line(&format!("  what to do: {remediation}"))?;
        }
    }
    Ok(())
}
