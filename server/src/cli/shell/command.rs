//! The commands of the shell: `:help` and its like.

use std::io;

use clap::ValueEnum;
use rustyline::completion::Pair;

use super::Session;
use super::graph::Graph;
use crate::cli::output::{Table, note, print_line};
use crate::cli::query::Format;
use crate::dto::schema::SchemaDto;

/// What the shell does after a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Prompt,
    Quit,
}

/// The commands, with what they take and do.
const COMMANDS: [(&str, &str, &str); 8] = [
    ("help", "", "this list"),
    (
        "schema",
        "[LABEL or KIND]",
        "what the graph is made of, or one label or kind of it",
    ),
    (
        "rules",
        "",
        "the attack rules, and how many steps each gave",
    ),
    (
        "format",
        "[table|json|ndjson|csv|dot|graphml]",
        "how answers are printed",
    ),
    (
        "timing",
        "[on|off]",
        "whether the time of an answer is printed",
    ),
    (
        "param",
        "NAME=JSON",
        "sets the parameter `$NAME`; `:param NAME=` takes it back",
    ),
    ("params", "", "the parameters that are set"),
    ("quit", "", "ends the shell"),
];

/// Runs a command. `:`, `\` and `.` mean the same.
pub(super) fn run(session: &mut Session, text: &str) -> io::Result<Next> {
    let text = text.trim().trim_end_matches(';');
    let rest = text.get(1..).unwrap_or("");
    let (name, argument) = match rest.split_once(char::is_whitespace) {
        Some((name, argument)) => (name, argument.trim()),
        None => (rest, ""),
    };
    match name {
        "help" | "h" | "?" => help()?,
        "schema" | "d" => match session.graph.schema() {
            Ok(known) => schema(&known, argument)?,
            Err(error) => unknown(session, &format!("{error:#}")),
        },
        "rules" => match session.graph.schema() {
            Ok(known) => rules(known)?,
            Err(error) => unknown(session, &format!("{error:#}")),
        },
        "format" if argument.is_empty() => {
            let value = session.format.to_possible_value();
            let name = value.map_or_else(String::new, |value| value.get_name().to_owned());
            print_line(&name)?;
        }
        "format" => match Format::from_str(argument, true) {
            Ok(format) => session.format = format,
            Err(_) => unknown(session, &format!("no format `{argument}`")),
        },
        "timing" => match argument {
            "on" => session.shows_time = true,
            "off" => session.shows_time = false,
            "" => session.shows_time = !session.shows_time,
            _ => unknown(session, "`:timing` takes `on` or `off`"),
        },
        "param" => param(session, argument),
        "params" => {
            let mut table = Table::new(["parameter", "value"]);
            for (name, value) in &session.params {
                table.row([format!("${name}"), value.to_string()]);
            }
            table.print()?;
        }
        "quit" | "q" | "exit" => return Ok(Next::Quit),
        _ => {
            let known = COMMANDS.iter().map(|(name, _, _)| *name);
            let guess = foothold_query::nearest::nearest(name, known);
            let guess = guess.map(|near| format!("; did you mean `:{near}`?"));
            let guess = guess.unwrap_or_else(|| "; `:help` lists the commands".to_owned());
            unknown(session, &format!("no command `:{name}`{guess}"));
        }
    }
    Ok(Next::Prompt)
}

fn unknown(session: &mut Session, message: &str) {
    session.n_refused += 1;
    note(&format!("{} {message}", session.terminal.error_prefix()));
}

fn help() -> io::Result<()> {
    let mut table = Table::new(["command", "", "what it does"]);
    for (name, takes, does) in COMMANDS {
        table.row([&format!(":{name}"), takes, does]);
    }
    table.print()?;
    print_line(
        "\nAnything else is a query. It ends with `;`, with its first line when that is whole,",
    )?;
    print_line("or with an empty line. Tab completes. Ctrl-C stops the running query.")
}

fn schema(schema: &SchemaDto, name: &str) -> io::Result<()> {
    if name.is_empty() {
        let mut table = Table::new(["label", "nodes"]).right(&[1]);
        for label in &schema.labels {
            table.row([label.name.clone(), label.count.to_string()]);
        }
        table.print()?;
        print_line("")?;
        let mut table = Table::new(["kind", "edges", "from", "to"]).right(&[1]);
        for kind in &schema.kinds {
            let count = kind.count.to_string();
            table.row([
                kind.name.clone(),
                count,
                kind.from.join(", "),
                kind.to.join(", "),
            ]);
        }
        return table.print();
    }
    if let Some(label) = schema.labels.iter().find(|label| label.name == name) {
        if let Some(doc) = &label.doc {
            print_line(doc)?;
        }
        let mut table = Table::new(["property", "type", "nodes"]).right(&[2]);
        for property in &label.properties {
            let count = property.count.to_string();
            table.row([property.name.clone(), property.r#type.clone(), count]);
        }
        return table.print();
    }
    if let Some(kind) = schema.kinds.iter().find(|kind| kind.name == name) {
        if let Some(doc) = &kind.doc {
            print_line(doc)?;
        }
        let (from, to) = (kind.from.join(", "), kind.to.join(", "));
        return print_line(&format!("{} edges, from {from} to {to}", kind.count));
    }
    let labels = schema.labels.iter().map(|label| label.name.as_str());
    let kinds = schema.kinds.iter().map(|kind| kind.name.as_str());
    let guess = foothold_query::nearest::nearest(name, labels.chain(kinds));
    let guess = guess.map(|near| format!("; did you mean `{near}`?"));
    note(&format!(
        "no label or kind `{name}`{}",
        guess.unwrap_or_default()
    ));
    Ok(())
}

fn rules(schema: SchemaDto) -> io::Result<()> {
    let mut table = Table::new(["steps", "rule", "title"]).right(&[0]);
    for rule in schema.rules {
        table.row([rule.steps.to_string(), rule.name, rule.title]);
    }
    table.print()
}

fn param(session: &mut Session, argument: &str) {
    let Some((name, value)) = argument.split_once('=') else {
        return unknown(session, "`:param` takes NAME=JSON");
    };
    let name = name.trim().trim_start_matches('$').to_owned();
    if value.trim().is_empty() {
        session.params.remove(&name);
        return;
    }
    match serde_json::from_str(value) {
        Ok(value) => {
            session.params.insert(name, value);
        }
        Err(error) => unknown(
            session,
            &format!("the value is not JSON: {error}; a text is written `{name}=\"text\"`"),
        ),
    }
}

/// What may be typed in a command.
pub(super) fn complete(line: &str, pos: usize, graph: &Graph) -> (usize, Vec<Pair>) {
    let before = line.get(..pos).unwrap_or(line);
    let (from, candidates): (usize, Vec<String>) = match before.find(char::is_whitespace) {
        None => (
            1,
            COMMANDS
                .iter()
                .map(|(name, _, _)| (*name).to_owned())
                .collect(),
        ),
        Some(space) => {
            let names = match before.get(1..space).unwrap_or("") {
                "format" => Format::value_variants()
                    .iter()
                    .filter_map(ValueEnum::to_possible_value)
                    .map(|value| value.get_name().to_owned())
                    .collect(),
                "timing" => vec!["on".to_owned(), "off".to_owned()],
                "schema" => graph.schema().map_or_else(
                    |_| Vec::new(),
                    |schema| {
                        let labels = schema.labels.into_iter().map(|label| label.name);
                        let kinds = schema.kinds.into_iter().map(|kind| kind.name);
                        labels.chain(kinds).collect()
                    },
                ),
                _ => Vec::new(),
            };
            (space + 1, names)
        }
    };
    let typed = before.get(from..).unwrap_or("").trim_start();
    let pairs = candidates
        .into_iter()
        .filter(|name| name.starts_with(typed))
        .map(|name| Pair {
            display: name.clone(),
            replacement: name,
        });
    (pos - typed.len(), pairs.collect())
}
