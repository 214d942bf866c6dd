//! A small graph as text: a node a line (`name:Label:Label key=value`), or an edge
//! (`from -KIND-> to key=value`). A value is an integer, a float, `true`, `false`, a list of those
//! without spaces, or text. `parallel=2` tells an edge from another one of its kind and ends.

use foothold_engine::build::Staging;
use foothold_engine::graph::Snapshot;
use foothold_engine::model::{FactRef, Facts, SourceInfo, Value};

pub(crate) fn graph(text: &str) -> Snapshot {
    let mut facts = Facts::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let mut words = line.split_whitespace();
        let first = words.next().expect("a name");
        if let Some((from, kind, to)) = edge(line) {
            let fact = facts
                .edge(&format!("t:{from}"), kind, &format!("t:{to}"))
                .expect("valid ids");
            words.next();
            words.next();
            set_all(&mut facts, fact, words);
        } else {
            let mut parts = first.split(':');
            let name = parts.next().expect("a name");
            let labels: Vec<&str> = parts.collect();
            let fact = facts
                .node(&format!("t:{name}"), &labels)
                .expect("a valid id");
            facts.set(fact, "name", name);
            set_all(&mut facts, fact, words);
        }
    }
    let mut staging = Staging::new();
    staging.add(&SourceInfo::default(), &facts);
    staging.snapshot().expect("the graph is small")
}

/// `from -KIND-> to`.
fn edge(line: &str) -> Option<(&str, &str, &str)> {
    let mut words = line.split_whitespace();
    let (from, arrow, to) = (words.next()?, words.next()?, words.next()?);
    let kind = arrow.strip_prefix('-')?.strip_suffix("->")?;
    Some((from, kind, to))
}

fn set_all<'a>(facts: &mut Facts, fact: FactRef, pairs: impl Iterator<Item = &'a str>) {
    for pair in pairs {
        let (name, text) = pair.split_once('=').expect("`key=value`");
        if name == "parallel" {
            facts.set_key(fact, text);
        } else {
            facts.set(fact, name, value(text));
        }
    }
}

fn value(text: &str) -> Value {
    if let Some(items) = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        let items = items.split(',').filter(|item| !item.is_empty());
        return Value::from(items.map(value).collect::<Vec<_>>());
    }
    match (
        text.parse::<i64>(),
        text.parse::<f64>(),
        text.parse::<bool>(),
    ) {
        (Ok(int), ..) => Value::Int(int),
        (_, Ok(float), _) => Value::Float(float),
        (_, _, Ok(flag)) => Value::Bool(flag),
        _ => Value::from(text),
    }
}
