//! `foothold rules`.

mod step;
mod test;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use foothold_query::ast::{Definition, RuleDefinition};
use foothold_query::define::Definitions;
use foothold_query::diagnostic::{Colour, render_all};
use foothold_query::format::print_definitions;
use foothold_query::nearest::nearest;
use serde_json::{Value, json};

use super::output::{Table, Terminal, note, print_json, print_line, printable};
use super::{Context, DbArgs, Exit, ListFormat};
use crate::app::{InForce, World};

/// List, explain and test the attack rules
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  foothold rules list
  foothold rules list --load scans/ --format json
  foothold rules explain exploit-network-cve
  foothold rules explain R36 --on 'know(k8s://prod/shop/Secret/db)' --load scans/
  foothold rules test my-rules/

\
--rules DIR (or FOOTHOLD_RULES, or `rules` in foothold.toml) names a folder of your own .fql files. \
Its settings.toml may disable rules and set likelihoods; fixtures are .md files beside the rules.")]
pub(crate) struct RulesArgs {
    #[command(subcommand)]
    command: RulesCommand,
}

#[derive(Debug, Subcommand)]
enum RulesCommand {
    /// Every rule in force; on a graph also how many steps it gave
    List {
        /// Count the steps on the graph of this store
        #[command(flatten)]
        db: DbArgs,
        /// Count the steps on these files and folders
        #[arg(long, value_name = "PATH", num_args = 1..)]
        load: Vec<PathBuf>,
        /// How the list is printed
        #[arg(long, value_enum, default_value = "table")]
        format: ListFormat,
    },
    /// One rule: what it says and how it is written
    Explain {
        /// Its name or catalogue number
        #[arg(value_name = "RULE")]
        rule: String,
        /// Explain a step instead: `premise => gain`, a gained state or an asset
        #[arg(long, value_name = "STEP")]
        on: Option<String>,
        /// The store that has the step
        #[command(flatten)]
        db: DbArgs,
        /// The files and folders that have the step
        #[arg(long, value_name = "PATH", num_args = 1..)]
        load: Vec<PathBuf>,
        /// How it is printed
        #[arg(long, value_enum, default_value = "table")]
        format: ListFormat,
    },
    /// Run the fixtures of the shipped rules and of your own
    Test {
        /// A folder of rules with their fixtures; else the one of `--rules`
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
        /// How the result is printed
        #[arg(long, value_enum, default_value = "table")]
        format: ListFormat,
    },
}

pub(crate) fn run(context: &Context, args: &RulesArgs) -> anyhow::Result<Exit> {
    match &args.command {
        RulesCommand::List { db, load, format } => {
            let estate = if db.db.is_some() || !load.is_empty() {
                Some(context.estate(db, load)?)
            } else {
                None
            };
            let world = estate.map(|estate| estate.world());
            list(&context.rules, world.as_deref(), *format)
        }
        RulesCommand::Explain {
            rule,
            on: Some(on),
            db,
            load,
            format,
        } => step::explain(&context.estate(db, load)?.world(), rule, on, *format),
        RulesCommand::Explain { rule, format, .. } => explain(&context.rules, rule, *format),
        RulesCommand::Test { folder, format } => test::test(context, folder.as_deref(), *format),
    }
}

/// Says on stderr what is wrong in the user's rules; the others are in force.
pub(crate) fn report_problems(terminal: Terminal, rules: &InForce) -> io::Result<()> {
    let colour = if terminal.colour_err {
        Colour::Always
    } else {
        Colour::Never
    };
    let mut err = io::stderr().lock();
    for problem in &rules.problems {
        let text = render_all(
            std::slice::from_ref(&problem.diagnostic),
            &problem.text,
            colour,
        );
        write!(err, "{}: {text}", problem.file)?;
    }
    Ok(())
}

/// The rules as they count: of one name the last, by name.
fn written(definitions: &Definitions) -> Vec<(&RuleDefinition, &str)> {
    let all = definitions.rules();
    let by_name: BTreeMap<&str, (&RuleDefinition, &str)> = all
        .map(|(rule, file)| (rule.name.name.as_str(), (rule, &**file)))
        .collect();
    by_name.into_values().collect()
}

fn list(in_force: &InForce, world: Option<&World>, format: ListFormat) -> anyhow::Result<Exit> {
    let definitions = &*in_force.definitions;
    let steps: BTreeMap<String, u64> = world
        .map(|world| {
            let rules = world.rules().into_iter();
            rules.map(|rule| (rule.name, rule.steps)).collect()
        })
        .unwrap_or_default();
    let rules = written(definitions);
    note(&format!("scoring model {}", in_force.model.version));
    match format {
        ListFormat::Json => {
            let list: Vec<Value> = rules
                .iter()
                .map(|(rule, file)| {
                    let mut fields = describe(rule);
                    fields["file"] = (*file).into();
                    fields["disabled"] = definitions.is_disabled(rule).into();
                    if world.is_some() {
                        fields["steps"] = steps.get(&rule.name.name).copied().unwrap_or(0).into();
                    }
                    fields
                })
                .collect();
            print_json(&list)?;
        }
        ListFormat::Table => {
            let mut headings = vec!["rule", "id", "family", "technique", "title"];
            if world.is_some() {
                headings.insert(0, "steps");
            }
            let mut table = Table::new(headings);
            if world.is_some() {
                table = table.right(&[0]);
            }
            for (rule, _) in rules {
                let mut cells = vec![
                    rule.name.name.clone(),
                    rule.id.as_ref().map_or("-", |id| &id.name).to_owned(),
                    family(rule).to_owned(),
                    techniques(rule).join(" "),
                    shown_title(definitions, rule),
                ];
                if world.is_some() {
                    let n_steps = steps.get(&rule.name.name).copied().unwrap_or(0);
                    cells.insert(0, n_steps.to_string());
                }
                table.row(cells);
            }
            table.print()?;
        }
    }
    Ok(Exit::Done)
}

fn shown_title(definitions: &Definitions, rule: &RuleDefinition) -> String {
    let title = printable(title(rule));
    if definitions.is_disabled(rule) {
        format!("{title} (disabled)")
    } else {
        title
    }
}

/// That there is no such rule, and which was probably meant.
fn unknown(definitions: &Definitions, name: &str) -> String {
    let known = definitions.rules().map(|(rule, _)| rule.name.name.as_str());
    let meant = nearest(name, known);
    let meant = meant.map(|meant| format!("did you mean `{meant}`? "));
    let meant = meant.unwrap_or_default();
    format!("no rule `{name}`; {meant}`foothold rules list` names them")
}

fn explain(in_force: &InForce, name: &str, format: ListFormat) -> anyhow::Result<Exit> {
    let definitions = &*in_force.definitions;
    let found = written(definitions).into_iter().find(|(rule, _)| {
        rule.name.name == name || rule.id.as_ref().is_some_and(|id| id.name == name)
    });
    let Some((rule, file)) = found else {
        anyhow::bail!(unknown(definitions, name));
    };
    let source = print_definitions(&[Definition::Rule(Box::new(rule.clone()))]);
    match format {
        ListFormat::Json => {
            let mut fields = describe(rule);
            fields["file"] = file.into();
            fields["source"] = source.into();
            print_json(&fields)?;
        }
        ListFormat::Table => {
            let shown = |text: &str| printable(text);
            print_line(&format!("{}: {}", rule.name.name, shown(title(rule))))?;
            let id = rule
                .id
                .as_ref()
                .map_or("no catalogue number", |id| &id.name);
            let techniques = techniques(rule).join(", ");
            print_line(&format!("{id}, {}, {techniques}\n", family(rule)))?;
            if let Some(explanation) = &rule.explanation {
                print_line(&shown(&explanation.value))?;
            }
            if let Some(remediation) = &rule.remediation {
                print_line(&format!("What to do: {}", shown(&remediation.value)))?;
            }
            print_line(&format!("\n{}", source.trim_end()))?;
        }
    }
    Ok(Exit::Done)
}

fn describe(rule: &RuleDefinition) -> Value {
    json!({
        "name": rule.name.name,
        "id": rule.id.as_ref().map(|id| &id.name),
        "title": title(rule),
        "family": family(rule),
        "techniques": techniques(rule),
        "explanation": rule.explanation.as_ref().map(|text| &text.value),
        "remediation": rule.remediation.as_ref().map(|text| &text.value),
    })
}

fn title(rule: &RuleDefinition) -> &str {
    match &rule.title {
        Some(title) => &title.value,
        None => &rule.name.name,
    }
}

fn family(rule: &RuleDefinition) -> &str {
    rule.family.as_ref().map_or("-", |family| &family.name)
}

fn techniques(rule: &RuleDefinition) -> Vec<&str> {
    let techniques = rule.techniques.iter();
    techniques.map(|technique| &*technique.value).collect()
}
