//! Answers as tables, spreadsheets and drawings.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use serde_json::Value as Json;

use crate::cli::output::{Table, Terminal, printable};
use crate::dto::answer::AnswerDto;
use crate::dto::text;
use crate::policy::xml;

/// A table for people; attack paths are told as stories below their row.
pub(super) fn table(
    out: &mut impl Write,
    terminal: Terminal,
    answer: &AnswerDto,
) -> io::Result<()> {
    let story_column = answer.rows.first().and_then(|row| {
        row.iter()
            .position(|value| value.get("$attack_path").is_some())
    });
    if let Some(column) = story_column {
        for (idx, row) in answer.rows.iter().enumerate() {
            if let Some(path) = row.get(column).and_then(|value| value.get("$attack_path")) {
                if let Some(change) = change(answer, row) {
                    writeln!(out, "{change}")?;
                }
                story(out, terminal, idx + 1, path)?;
            }
        }
        return what_if(out, answer);
    }
    let numbers: Vec<usize> = (0..answer.columns.len())
        .filter(|&column| {
            !answer.rows.is_empty()
                && answer
                    .rows
                    .iter()
                    .all(|row| row.get(column).is_some_and(Json::is_number))
        })
        .collect();
    let mut table = Table::new(answer.columns.iter().map(|name| printable(name))).right(&numbers);
    for row in &answer.rows {
        table.row(row.iter().map(text::cell));
    }
    table.write(out)?;
    what_if(out, answer)
}

/// What a comparison says of a row: how it differs and which facts did it.
fn change(answer: &AnswerDto, row: &[Json]) -> Option<String> {
    let column = |name: &str| {
        let at = answer.columns.iter().position(|column| column == name);
        at.and_then(|at| row.get(at))
    };
    let word = column("change")?.as_str()?;
    let mut text = word.to_uppercase();
    if let (Some(before), Some(after)) = (
        column("before").and_then(Json::as_f64),
        column("after").and_then(Json::as_f64),
    ) {
        let _ = write!(text, ", likelihood {before:.3} before, {after:.3} now");
    }
    for fact in column("cause")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
    {
        let field = |name: &str| printable(fact[name].as_str().unwrap_or_default());
        let (id, change) = (field("id"), field("change"));
        let _ = write!(text, "\n   because {id} was {change}");
        if let Some(property) = fact["property"].as_str() {
            let (before, after) = (text::cell(&fact["before"]), text::cell(&fact["after"]));
            let property = printable(property);
            let _ = write!(text, ": {property} from {before} to {after}");
        }
    }
    Some(text)
}

/// What opened and what closed, for `WHAT IF`.
fn what_if(out: &mut impl Write, answer: &AnswerDto) -> io::Result<()> {
    let Some(what_if) = &answer.ending.what_if else {
        return Ok(());
    };
    let line = |row: &serde_json::Map<String, Json>| {
        let path = row.values().find(|value| value.get("signature").is_some());
        match path {
            Some(path) => format!(
                "{} -> {}  {}",
                printable(path["source"]["id"].as_str().unwrap_or_default()),
                printable(path["target"]["id"].as_str().unwrap_or_default()),
                text::cell(&path["likelihood"])
            ),
            None => {
                let cells = answer.columns.iter().filter_map(|column| row.get(column));
                let cells: Vec<String> = cells.map(text::cell).collect();
                cells.join("  ")
            }
        }
    };
    for (word, rows) in [
        ("opened", &what_if.opened),
        ("closed", &what_if.closed),
        ("rescored", &what_if.rescored),
    ] {
        writeln!(out, "{word}: {}", rows.len())?;
        for row in rows {
            let change = row.get("was").zip(row.get("now"));
            let change = change
                .map(|(was, now)| format!("  (was {}, is {})", text::cell(was), text::cell(now)));
            writeln!(out, "   {}{}", line(row), change.unwrap_or_default())?;
        }
    }
    if !what_if.complete {
        writeln!(
            out,
            "a limit cut an answer short: more may have opened, closed or changed"
        )?;
    }
    Ok(())
}

/// One attack path, step by step.
pub(crate) fn story(
    out: &mut impl Write,
    terminal: Terminal,
    number: usize,
    path: &Json,
) -> io::Result<()> {
    let (bold, dim, plain) = if terminal.colour_out {
        ("\u{1b}[1m", "\u{1b}[2m", "\u{1b}[0m")
    } else {
        ("", "", "")
    };
    let field = |value: &Json, name: &str| {
        printable(value.get(name).and_then(Json::as_str).unwrap_or_default())
    };
    let float = |value: &Json, name: &str| value.get(name).and_then(Json::as_f64).unwrap_or(0.0);
    let state = |name: &str| {
        path.get(name)
            .map(|state| field(state, "id"))
            .unwrap_or_default()
    };
    let steps = path.get("steps").and_then(Json::as_array);
    let steps = steps.map(Vec::as_slice).unwrap_or_default();
    writeln!(
        out,
        "{bold}{number}. {} -> {}{plain}",
        state("source"),
        state("target")
    )?;
    writeln!(
        out,
        "   likelihood {:.3}, confidence {:.2}, {} steps, signature {}",
        float(path, "likelihood"),
        float(path, "confidence"),
        steps.len(),
        field(path, "signature")
    )?;
    for step in steps {
        let technique = field(step, "technique");
        writeln!(
            out,
            "   {:.2}  {}{}  {dim}{}{plain}",
            float(step, "likelihood"),
            field(step, "title"),
            if technique.is_empty() {
                String::new()
            } else {
                format!(" [{technique}]")
            },
            field(step, "gain")
        )?;
        let explanation = field(step, "explanation");
        if !explanation.is_empty() {
            writeln!(out, "         {explanation}")?;
        }
        let fix = step
            .get("fixes")
            .and_then(Json::as_array)
            .and_then(|fixes| fixes.first());
        if let Some(fix) = fix {
            writeln!(out, "         {dim}fix: {}{plain}", field(fix, "title"))?;
        }
    }
    writeln!(out)
}

/// Comma-separated values, RFC 4180. A text that a spreadsheet would run as a formula gets a quote
/// in front.
pub(super) fn csv(out: &mut impl Write, answer: &AnswerDto) -> io::Result<()> {
    let header: Vec<String> = answer.columns.iter().map(|name| csv_field(name)).collect();
    write!(out, "{}\r\n", header.join(","))?;
    for row in &answer.rows {
        let cells: Vec<String> = row
            .iter()
            .map(|value| match value {
                Json::Null => String::new(),
                Json::Number(number) => number.to_string(),
                other => csv_field(&text::cell(other)),
            })
            .collect();
        write!(out, "{}\r\n", cells.join(","))?;
    }
    Ok(())
}

fn csv_field(field: &str) -> String {
    let field = if field.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{field}")
    } else {
        field.to_owned()
    };
    if field.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field
    }
}

/// The nodes and edges that occur anywhere in an answer.
#[derive(Default)]
struct Drawing {
    /// Label by id.
    nodes: BTreeMap<String, String>,
    /// Kind by ends and own id.
    edges: BTreeMap<(String, String, String), String>,
}

impl Drawing {
    fn of(answer: &AnswerDto) -> Self {
        let mut drawing = Self::default();
        for value in answer.rows.iter().flatten() {
            drawing.add(value);
        }
        drawing
    }

    fn add(&mut self, value: &Json) {
        match value {
            Json::Array(items) => items.iter().for_each(|item| self.add(item)),
            Json::Object(fields) => {
                for (key, inner) in fields {
                    match key.as_str() {
                        "$node" => self.node(inner),
                        "$rel" => self.edge(inner),
                        "$path" => {
                            each(inner, "nodes", |node| self.node(node));
                            each(inner, "rels", |rel| self.edge(rel));
                        }
                        "$attack_path" => self.attack_path(inner),
                        _ => self.add(inner),
                    }
                }
            }
            _ => {}
        }
    }

    fn node(&mut self, node: &Json) {
        let id = string(node, "id");
        let label = node
            .get("labels")
            .and_then(Json::as_array)
            .and_then(|labels| labels.first())
            .and_then(Json::as_str)
            .unwrap_or_default();
        self.nodes.insert(id, label.to_owned());
    }

    fn edge(&mut self, rel: &Json) {
        let (start, end) = (string(rel, "start"), string(rel, "end"));
        self.nodes.entry(start.clone()).or_default();
        self.nodes.entry(end.clone()).or_default();
        let key = (start, end, string(rel, "id"));
        self.edges.insert(key, string(rel, "type"));
    }

    fn attack_path(&mut self, path: &Json) {
        each(path, "states", |state| {
            let capability = string(state, "capability");
            self.nodes.insert(string(state, "id"), capability);
        });
        let steps = path.get("steps").and_then(Json::as_array);
        for step in steps.into_iter().flatten() {
            let gain = string(step, "gain");
            let rule = string(step, "rule");
            let premises = step.get("premises").and_then(Json::as_array);
            for premise in premises.into_iter().flatten().filter_map(Json::as_str) {
                self.nodes.entry(premise.to_owned()).or_default();
                let key = (premise.to_owned(), gain.clone(), rule.clone());
                self.edges.insert(key, rule.clone());
            }
        }
    }
}

fn each(value: &Json, field: &str, act: impl FnMut(&Json)) {
    if let Some(items) = value.get(field).and_then(Json::as_array) {
        items.iter().for_each(act);
    }
}

fn string(value: &Json, field: &str) -> String {
    let text = value.get(field).and_then(Json::as_str);
    text.unwrap_or_default().to_owned()
}

/// Graphviz, left to right.
pub(super) fn dot(out: &mut impl Write, answer: &AnswerDto) -> io::Result<()> {
    let drawing = Drawing::of(answer);
    writeln!(
        out,
        "digraph foothold {{\n  rankdir=LR;\n  node [shape=box];"
    )?;
    for (id, label) in &drawing.nodes {
        let shown = if label.is_empty() {
            quoted(id)
        } else {
            quoted(&format!("{label}\n{id}"))
        };
        writeln!(out, "  {} [label={shown}];", quoted(id))?;
    }
    for ((start, end, _), kind) in &drawing.edges {
        writeln!(
            out,
            "  {} -> {} [label={}];",
            quoted(start),
            quoted(end),
            quoted(kind)
        )?;
    }
    writeln!(out, "}}")
}

fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", text.replace('\n', "\\n"))
}

/// GraphML, with label and kind as data.
pub(super) fn graphml(out: &mut impl Write, answer: &AnswerDto) -> io::Result<()> {
    let drawing = Drawing::of(answer);
    writeln!(
        out,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">\n  \
         <key id=\"label\" for=\"node\" attr.name=\"label\" attr.type=\"string\"/>\n  \
         <key id=\"kind\" for=\"edge\" attr.name=\"kind\" attr.type=\"string\"/>\n  \
         <graph id=\"G\" edgedefault=\"directed\">"
    )?;
    for (id, label) in &drawing.nodes {
        writeln!(
            out,
            "    <node id=\"{}\"><data key=\"label\">{}</data></node>",
            xml(id),
            xml(label)
        )?;
    }
    for ((start, end, _), kind) in &drawing.edges {
        writeln!(
            out,
            "    <edge source=\"{}\" target=\"{}\"><data key=\"kind\">{}</data></edge>",
            xml(start),
            xml(end),
            xml(kind)
        )?;
    }
    writeln!(out, "  </graph>\n</graphml>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spreadsheet_runs_nothing() {
        for (field, expected) in [
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("a,b", "\"a,b\""),
            ("-\"x\"", "\"'-\"\"x\"\"\""),
            ("plain", "plain"),
        ] {
            assert_eq!(csv_field(field), expected);
        }
    }
}
