//! Plans for people.

use crate::graph::Snapshot;

use super::compile::{EdgeTest, NodeTest};
use super::ir::{Condition, Var};
use super::plan::Plan;
use super::step::{Op, Part, Step};

/// One line of a plan for people.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanLine {
    /// How deep it is nested.
    pub depth: usize,
    /// What the step does, such as `Expand`.
    pub name: &'static str,
    /// On what, such as `(a)-[:RUNS]->(b)`.
    pub detail: String,
    /// Rows expected after it.
    pub estimate: f64,
}

impl<C: Condition + Clone> Plan<C> {
    /// The plan for people, in order.
    pub fn lines(&self, snapshot: &Snapshot) -> Vec<PlanLine> {
        let mut lines = Vec::new();
        self.show_steps(snapshot, &self.steps, 0, &mut lines);
        lines
    }

    fn show_steps(
        &self,
        snapshot: &Snapshot,
        steps: &[Step<C>],
        depth: usize,
        lines: &mut Vec<PlanLine>,
    ) {
        let mut before: Option<&Step<C>> = None;
        for step in steps {
            let many = match before {
                Some(Step {
                    op: Op::Scan { var, .. },
                    ..
                }) => super::many::is_searched_together(*var, step),
                _ => false,
            };
            lines.push(self.line(snapshot, step, many, depth));
            match &step.op {
                Op::Tail(tail) => self.show_steps(snapshot, &tail.steps, depth + 1, lines),
                Op::Fold(fold) => self.show_steps(snapshot, &fold.steps, depth + 1, lines),
                _ => {}
            }
            before = Some(step);
        }
    }

    fn line(&self, snapshot: &Snapshot, step: &Step<C>, is_many: bool, depth: usize) -> PlanLine {
        let (name, mut detail) = match &step.op {
            Op::Test { var, test } => (
                "Test",
                format!("({}{})", self.name(*var), show(snapshot, test)),
            ),
            Op::Scan { var, test } => (
                "Scan",
                format!("({}{})", self.name(*var), show(snapshot, test)),
            ),
            Op::Lookup { var, prop, .. } => (
                "Lookup",
                format!("({}.{})", self.name(*var), snapshot.prop_name(*prop)),
            ),
            Op::Expand {
                edge,
                from,
                to,
                edges,
                test,
                ..
            } => (
                "Expand",
                format!(
                    "({}){}({}{})",
                    self.name(*from),
                    show_edges(snapshot, self.name(*edge), edges),
                    self.name(*to),
                    show(snapshot, test)
                ),
            ),
            Op::Close {
                edge,
                from,
                to,
                edges,
            } => (
                "ExpandInto",
                format!(
                    "({}){}({})",
                    self.name(*from),
                    show_edges(snapshot, self.name(*edge), edges),
                    self.name(*to)
                ),
            ),
            Op::Intersect(op) => (
                "Intersect",
                op.legs
                    .iter()
                    .map(|leg| {
                        format!(
                            "({}){}({}{})",
                            self.name(leg.from),
                            show_edges(snapshot, self.name(leg.edge), &leg.edges),
                            self.name(op.to),
                            show(snapshot, &op.test)
                        )
                    })
                    .collect::<Vec<_>>()
                    .join(", "),
            ),
            Op::Given { edge, from, to, .. } => (
                "Ends",
                format!(
                    "({})-[{}]-({})",
                    self.name(*from),
                    self.name(*edge),
                    self.name(*to)
                ),
            ),
            Op::GivenWalk { part, .. } => ("Ends", self.show_part(snapshot, part)),
            Op::Repeat(part) if part.is_reach => ("Reach", self.show_part(snapshot, part)),
            Op::Repeat(part) => ("Repeat", self.show_part(snapshot, part)),
            Op::Path(path) => (
                "Paths",
                format!(
                    "{:?} {:?} {}{}",
                    path.selector,
                    path.mode,
                    path.parts
                        .iter()
                        .map(|part| self.show_part(snapshot, part))
                        .collect::<Vec<_>>()
                        .join(" "),
                    match (is_many, &path.sums) {
                        (true, Some(_)) => " from all starts together, pairs only counted",
                        (true, None) => " from many starts together",
                        (false, _) => "",
                    }
                ),
            ),
            Op::Tail(tail) => (
                if tail.is_once { "Any" } else { "Count" },
                match tail.key {
                    Some(key) => format!("for each ({})", self.name(key)),
                    None => String::new(),
                },
            ),
            Op::Fold(fold) => (
                "Fold",
                match &fold.union {
                    Some(union) => format!(
                        "into ({}) by one search {}",
                        self.name(fold.var),
                        self.show_part(snapshot, &union.part)
                    ),
                    None => format!("into ({})", self.name(fold.var)),
                },
            ),
        };
        for condition in step.decided.iter().chain(&step.conditions) {
            detail.push_str(" WHERE ");
            detail.push_str(condition.text());
        }
        PlanLine {
            depth,
            name,
            detail,
            estimate: step.estimate,
        }
    }

    fn show_part(&self, snapshot: &Snapshot, part: &Part<C>) -> String {
        let max = part.max.map_or(String::new(), |max| max.to_string());
        let hops: Vec<String> = part
            .hops
            .iter()
            .map(|hop| show_edges(snapshot, "", &hop.edges))
            .collect();
        format!(
            "({}){}{{{},{max}}}({}{})",
            self.name(part.from),
            hops.join("()"),
            part.min,
            self.name(part.to),
            show(snapshot, &part.to_test)
        )
    }

    fn name(&self, var: Var) -> &str {
        self.vars
            .get(usize::from(var.0))
            .map_or("", |spec| &spec.name)
    }
}

fn show(snapshot: &Snapshot, test: &NodeTest) -> String {
    match test {
        NodeTest::Any => String::new(),
        NodeTest::Label(label) | NodeTest::Implied(label) => {
            format!(":{}", snapshot.label_name(*label))
        }
        NodeTest::Set(set) => format!(" of {}", set.len()),
    }
}

fn show_edges(snapshot: &Snapshot, name: &str, edges: &EdgeTest) -> String {
    let kinds: Vec<&str> = edges
        .kinds
        .iter()
        .map(|&kind| snapshot.kind_name(kind))
        .collect();
    let kinds = match kinds.len() {
        n if n == snapshot.kinds().len() => String::new(),
        0 => ":no such kind".to_owned(),
        n if n > 4 => format!(":{n} kinds"),
        _ => format!(":{}", kinds.join("|")),
    };
    match edges.direction {
        super::Direction::Out => format!("-[{name}{kinds}]->"),
        super::Direction::In => format!("<-[{name}{kinds}]-"),
        super::Direction::Any => format!("-[{name}{kinds}]-"),
    }
}
