//! `foothold rules`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use foothold_query::ast::{Definition, RuleDefinition};
use foothold_query::format::print_definitions;
use serde_json::{Value, json};

use super::output::{Table, print_json, print_line, printable};
use super::{Context, DbArgs, Exit, ListFormat};
use crate::app::{World, rules_in_force};

/// List and explain the attack rules
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  foothold rules list
  foothold rules list --load scans/ --format json
  foothold rules explain exploit-network-cve")]
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
        /// How it is printed
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
            list(estate.map(|estate| estate.world()).as_deref(), *format)
        }
        RulesCommand::Explain { rule, format } => explain(rule, *format),
    }
}

fn list(world: Option<&World>, format: ListFormat) -> anyhow::Result<Exit> {
    let definitions = rules_in_force();
    let steps: BTreeMap<String, u64> = world
        .map(|world| {
            let rules = world.rules().into_iter();
            rules.map(|rule| (rule.name, rule.steps)).collect()
        })
        .unwrap_or_default();
    let mut rules: Vec<&RuleDefinition> = definitions.rules().map(|(rule, _)| rule).collect();
    rules.sort_by(|a, b| a.name.name.cmp(&b.name.name));
    match format {
        ListFormat::Json => {
            let list: Vec<Value> = rules
                .iter()
                .map(|rule| {
                    let mut fields = describe(rule);
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
            for rule in rules {
                let mut cells = vec![
                    rule.name.name.clone(),
                    rule.id.as_ref().map_or("-", |id| &id.name).to_owned(),
                    family(rule).to_owned(),
                    techniques(rule).join(" "),
                    title(rule).to_owned(),
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

fn explain(name: &str, format: ListFormat) -> anyhow::Result<Exit> {
    let definitions = rules_in_force();
    let found = definitions.rules().find(|(rule, _)| {
        rule.name.name == name || rule.id.as_ref().is_some_and(|id| id.name == name)
    });
    let Some((rule, file)) = found else {
        anyhow::bail!("no rule `{name}`; `foothold rules list` names them");
    };
    let source = print_definitions(&[Definition::Rule(Box::new(rule.clone()))]);
    match format {
        ListFormat::Json => {
            let mut fields = describe(rule);
            fields["file"] = (&**file).into();
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
