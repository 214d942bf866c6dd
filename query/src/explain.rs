//! Plans for people: a line for each operator, indented by depth.

use std::fmt::Write;

use foothold_engine::graph::Snapshot;

use crate::exec::OpStats;
use crate::plan::{Body, Node, Op};

/// One line of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanRow {
    /// How deep it is nested.
    pub depth: usize,
    /// The operator.
    pub name: String,
    /// What it works on.
    pub detail: String,
    /// Rows expected, where they are.
    pub estimate: Option<f64>,
    /// What it did, in a profile.
    pub stats: Option<OpStats>,
}

impl PlanRow {
    /// The line as text.
    pub fn text(&self) -> String {
        let mut text = format!("{}{}", "  ".repeat(self.depth), self.name);
        if !self.detail.is_empty() {
            text.push(' ');
            text.push_str(&self.detail);
        }
        if let Some(estimate) = self.estimate {
            let _ = write!(text, "  (about {} rows)", rounded(estimate));
        }
        if let Some(stats) = self.stats {
            let _ = write!(text, "  [{} rows, {} bytes", stats.rows, stats.memory_bytes);
            if let Some(time_ns) = stats.time_ns {
                let _ = write!(text, ", {:.3} ms", time_ns as f64 / 1e6);
            }
            text.push(']');
        }
        text
    }
}

fn rounded(estimate: f64) -> String {
    if estimate < 10.0 {
        format!("{estimate:.1}")
    } else {
        format!("{estimate:.0}")
    }
}

/// The lines of a plan; `stats` when it ran.
pub fn plan_rows(snapshot: &Snapshot, body: &Body, stats: Option<&[OpStats]>) -> Vec<PlanRow> {
    let mut rows = Vec::new();
    body_rows(snapshot, body, stats, 0, &mut rows);
    rows
}

fn body_rows(
    snapshot: &Snapshot,
    body: &Body,
    stats: Option<&[OpStats]>,
    depth: usize,
    rows: &mut Vec<PlanRow>,
) {
    let is_union = body.parts.len() > 1;
    if is_union {
        let name = if body.is_distinct {
            "Union"
        } else {
            "UnionAll"
        };
        rows.push(PlanRow {
            depth,
            name: name.to_owned(),
            detail: String::new(),
            estimate: None,
            stats: None,
        });
    }
    for part in &body.parts {
        if is_union {
            rows.push(PlanRow {
                depth: depth + 1,
                name: "Part".to_owned(),
                detail: String::new(),
                estimate: None,
                stats: None,
            });
        }
        let depth = depth + 2 * usize::from(is_union);
        let mut expected = 1.0;
        for node in &part.nodes {
            expected *= node.estimate;
            node_rows(snapshot, node, expected, stats, depth, rows);
        }
    }
}

fn node_rows(
    snapshot: &Snapshot,
    node: &Node,
    expected: f64,
    stats: Option<&[OpStats]>,
    depth: usize,
    rows: &mut Vec<PlanRow>,
) {
    let detail = match &node.op {
        Op::Aggregate(op) => format!("{} keys, {} aggregates", op.keys.len(), op.aggregates.len()),
        Op::Sort(op) => format!("{} keys", op.keys.len()),
        Op::Distinct(slots) => format!("{} columns", slots.len()),
        Op::Assign(items) => format!("{} expressions", items.len()),
        Op::Verb(op) => op.table.text(),
        _ => String::new(),
    };
    rows.push(PlanRow {
        depth,
        name: node.op.name().to_owned(),
        detail,
        estimate: Some(expected),
        stats: stats.and_then(|stats| stats.get(node.id)).copied(),
    });
    match &node.op {
        Op::Match(op) => {
            for line in op.plan.lines(snapshot) {
                rows.push(PlanRow {
                    depth: depth + 1 + line.depth,
                    name: line.name.to_owned(),
                    detail: line.detail,
                    estimate: Some(line.estimate),
                    stats: None,
                });
            }
        }
        Op::Call(plan) => body_rows(snapshot, &plan.body, stats, depth + 1, rows),
        _ => {}
    }
}
