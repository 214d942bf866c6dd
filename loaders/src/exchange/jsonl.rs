//! Generic node and edge lines.
//!
//! ```json
//! {"node": {"id": "k8s://prod/shop/Deployment/web", "labels": ["Workload"], "props": {"replicas": 3}}}
//! {"edge": {"from": "k8s://prod/shop/Deployment/web", "kind": "RUNS", "to": "image://web:1", "props": {}, "key": "web", "confidence": 0.8}}
//! ```
//!
//! `props`, `key`, `labels` and `confidence` (0 to 1) may be left out. Nested objects in `props`
//! become dotted names; `null` is left out. Blank lines are skipped.

mod line;

use foothold_engine::model::Facts;
use rayon::prelude::*;

use self::line::{Item, Line};
use crate::decode::lines::{Batch, Batches};
use crate::document::Document;
use crate::error::{LoadError, Place};
use crate::head::{Head, Shape};
use crate::loader::{Loader, Match};
use crate::report::Report;

const BATCH_BYTES: usize = 4 << 20;
const CHUNK_LINES: usize = 2048;

/// The loader.
pub(crate) struct Jsonl;

impl Loader for Jsonl {
    fn format(&self) -> &'static str {
        "jsonl"
    }

    fn describe(&self) -> &'static str {
        "generic graph lines: {\"node\": ..} and {\"edge\": ..}"
    }

    fn detect(&self, head: &Head<'_>) -> Match {
        let (Shape::Json(sketch) | Shape::JsonStream(sketch)) = head.shape else {
            return Match::No;
        };
        let marks = ["node.id", "edge.from"];
        if marks.iter().any(|mark| sketch.has(mark)) {
            Match::Certain
        } else if sketch.has("node") || sketch.has("edge") {
            Match::Near("`node` has no `id`, or `edge` no `from`".to_owned())
        } else {
            Match::No
        }
    }

    fn load(
        &self,
        document: &Document,
        facts: &mut Facts,
        report: &mut Report,
    ) -> Result<(), LoadError> {
        let mut batches = Batches::new(document.reader()?, BATCH_BYTES);
        let (mut n_nodes, mut n_edges) = (0, 0);
        while let Some(batch) = batches.next_batch()? {
            for line in parse(&batch)? {
                match line.item {
                    Item::Node(_) => n_nodes += 1,
                    Item::Edge(_) => n_edges += 1,
                }
                line.state(facts)?;
            }
        }
        report.count("nodes", n_nodes);
        report.count("edges", n_edges);
        Ok(())
    }
}

/// Parses the lines of a batch, in parallel where a pool is at hand, and in order.
fn parse(batch: &Batch) -> Result<Vec<Line<'_>>, LoadError> {
    let lines: Vec<_> = batch.lines().collect();
    if rayon::current_thread_index().is_none() {
        return lines
            .into_iter()
            .map(|(number, text)| parse_line(number, text))
            .collect();
    }
    let chunks: Vec<Result<Vec<_>, _>> = lines
        .par_chunks(CHUNK_LINES)
        .map(|chunk| {
            chunk
                .iter()
                .map(|&(number, text)| parse_line(number, text))
                .collect()
        })
        .collect();
    let mut parsed = Vec::with_capacity(lines.len());
    for chunk in chunks {
        parsed.extend(chunk?);
    }
    Ok(parsed)
}

fn parse_line(number: u64, text: &[u8]) -> Result<Line<'_>, LoadError> {
    serde_json::from_slice::<Item<'_>>(text)
        .map(|item| Line { number, item })
        .map_err(|error| match crate::decode::json::malformed(&error, None) {
            LoadError::Malformed { mut place, message } => {
                let column = place.line_column.map_or(1, |(_, column)| column);
                place = Place::line(number, column);
                LoadError::Malformed { place, message }
            }
            other => other,
        })
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, check_error};
    use expect_test::expect;

    #[test]
    fn lines_become_facts() {
        check(
            "g.jsonl",
            r#"
{"node": {"id": "k8s://c/n/Deployment/web", "labels": ["Workload", "Deployment"], "props": {"replicas": 3, "a": {"b": "x", "c": null}, "ports": ["80/TCP", 1]}}}
{"edge": {"from": "k8s://c/n/Deployment/web", "kind": "RUNS", "to": "image://web:1", "key": "web", "confidence": 0.8, "props": {"init": false}}}
"#,
            &expect![[r#"
                k8s://c/n/Deployment/web :Workload:Deployment a.b="x" ports=["80/TCP", 1] replicas=3
                k8s://c/n/Deployment/web -RUNS-> image://web:1 [web] (80% stated) init=false
                edges=1 nodes=1
            "#]],
        );
    }

    #[test]
    fn broken_lines_are_named() {
        check_error(
            "g.jsonl",
            "{\"node\":{\"id\":\"a:b\"}}\n\n{\"edge\":{\"from\":\"a:b\",\"kind\":\"K\",\"to\":3}}\n",
            &expect!["line 3 column 39: invalid type: integer `3`, expected a string"],
        );
        check_error(
            "g.jsonl",
            "{\"node\":{\"id\":\"web\"}}\n",
            &expect!["line 1 column 1: id `web` has no scheme; write `scheme:rest`"],
        );
        check_error(
            "g.jsonl",
            "{\"node\":{\"id\":\"a:b\"}}\n{\"node\":{\"id\":\"a:c\", \"id\":\"a:d\"}}\n",
            &expect!["line 2 column 25: duplicate field `id`"],
        );
        check_error(
            "g.jsonl",
            "{\"node\":{\"id\":\"a:b\"}}\n{\"node\":{\"id\":\"a:c\", \"confidence\": 7}}\n",
            &expect!["line 2 column 37: confidence 7 is not between 0 and 1"],
        );
        check_error(
            "g.jsonl",
            "{\"node\":{\"id\":\"a:b\"}}\n{\"node\":{\"id\":\"a:c\"",
            &expect!["line 2 column 19: the document ends inside an object"],
        );
    }
}
