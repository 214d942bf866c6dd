//! What the expressions of a rule read of a snapshot.

use std::collections::BTreeSet;
use std::sync::Arc;

use foothold_engine::attack::{Beyond, Reads};
use foothold_engine::pattern::{LabelExpr, Pattern, Var};

use crate::expr::{Expr, ProjectionPart, Slot, SubqueryKind};
use crate::plan::{Cond, Op, Output, Subplan};

/// Functions that look at more than the node or relationship they are given, or at what is not
/// compared between snapshots. (Ids are not among them: what is the same in both has the same id.)
const FAR: &[&str] = &["confidence", "sources", "degree", "outDegree", "inDegree"];

/// Functions that read every property of what they are given.
const EVERY_PROPERTY: &[&str] = &["properties", "keys"];

/// Collects what expressions read.
#[derive(Debug, Clone, Default)]
pub(super) struct Reading {
    properties: BTreeSet<Arc<str>>,
    is_any_property: bool,
    /// In subqueries: kinds of edges, and properties of any node or edge.
    far_kinds: BTreeSet<Arc<str>>,
    far_properties: BTreeSet<Arc<str>>,
    is_far: bool,
}

impl Reading {
    /// What has been read so far.
    pub(super) fn reads(self) -> Reads {
        if self.is_far {
            Reads::Everything
        } else if self.is_any_property {
            Reads::Matched
        } else {
            Reads::Properties(self.properties.into_iter().collect())
        }
    }

    /// What has been read in subqueries.
    pub(super) fn beyond(&self) -> Beyond {
        if self.is_far {
            return Beyond::default();
        }
        Beyond {
            kinds: self.far_kinds.iter().cloned().collect(),
            properties: self.far_properties.iter().cloned().collect(),
        }
    }

    /// What either has read.
    pub(super) fn and(mut self, other: Reading) -> Reading {
        self.properties.extend(other.properties);
        self.far_kinds.extend(other.far_kinds);
        self.far_properties.extend(other.far_properties);
        self.is_any_property |= other.is_any_property;
        self.is_far |= other.is_far;
        self
    }

    /// Adds properties by name.
    pub(super) fn add_properties(&mut self, names: &[&str]) {
        self.properties
            .extend(names.iter().copied().map(Arc::<str>::from));
    }

    /// Adds what an expression reads.
    pub(super) fn add(&mut self, expr: &Expr) {
        match expr {
            Expr::Property { name, .. } => {
                self.properties.insert(Arc::clone(name));
            }
            // `n[name]`: any name.
            Expr::Index(..) => self.is_any_property = true,
            Expr::MapProjection(_, parts, _) => {
                for part in parts {
                    match part {
                        ProjectionPart::Property(name, _) => {
                            self.properties.insert(Arc::clone(name));
                        }
                        ProjectionPart::All => self.is_any_property = true,
                        ProjectionPart::Entry(..) => {}
                    }
                }
            }
            Expr::Call(function, ..) => {
                self.is_far |= FAR.contains(&function.name);
                self.is_any_property |= EVERY_PROPERTY.contains(&function.name);
            }
            Expr::Subquery(kind, plan) => match looked_at(*kind, plan) {
                Some(inside) if !inside.is_any_property => {
                    self.far_kinds.extend(inside.far_kinds);
                    self.far_properties.extend(inside.far_properties);
                    self.far_properties.extend(inside.properties);
                    self.is_far |= inside.is_far;
                }
                _ => self.is_far = true,
            },
            _ => {}
        }
        expr.each_part(&mut |part| self.add(part));
    }
}

/// What a subquery reads, if it does nothing but ask for edges of kinds that it names: then edges of
/// other kinds, and nodes without edges, change nothing in its answer.
fn looked_at(kind: SubqueryKind, plan: &Subplan) -> Option<Reading> {
    if !matches!(kind, SubqueryKind::Exists | SubqueryKind::Count) {
        return None;
    }
    let mut inside = Reading::default();
    for node in plan.body.parts.iter().flat_map(|line| &line.nodes) {
        match &node.op {
            Op::Match(found) if !found.is_optional => {
                let bound: Vec<Var> = found.inputs.iter().map(|(var, ..)| *var).collect();
                inside.far_kinds.extend(kinds(&found.pattern, &bound)?);
                for condition in &found.pattern.conditions {
                    inside.add(&condition.expr);
                }
            }
            Op::Filter(condition, _) => inside.add(condition),
            _ => return None,
        }
    }
    Some(inside)
}

/// The kinds of the edges of a pattern, if each is named, none is repeated, and every node that is
/// not bound outside is the end of one.
fn kinds(pattern: &Pattern<Cond>, bound: &[Var]) -> Option<Vec<Arc<str>>> {
    let mut kinds = Vec::new();
    for edge in &pattern.edges {
        let named = match &edge.kinds {
            LabelExpr::Name(name) => vec![Arc::clone(name)],
            LabelExpr::Or(any) => {
                let names = any.iter().map(|one| match one {
                    LabelExpr::Name(name) => Some(Arc::clone(name)),
                    _ => None,
                });
                names.collect::<Option<Vec<Arc<str>>>>()?
            }
            _ => return None,
        };
        if edge.repeat.is_some() || edge.cost.is_some() {
            return None;
        }
        kinds.extend(named);
    }
    let mut nodes = pattern.nodes.iter();
    let all_held = nodes.all(|node| {
        let is_end = |var: Var| {
            let mut edges = pattern.edges.iter();
            edges.any(|edge| edge.from == var || edge.to == var)
        };
        bound.contains(&node.var) || is_end(node.var)
    });
    (all_held && pattern.paths.is_empty()).then_some(kinds)
}

/// The variables of the pattern that an expression reads.
pub(super) fn variables(expr: &Expr, fills: &[Output]) -> Vec<Var> {
    let mut vars = Vec::new();
    expr.slots(&mut |slot: Slot| {
        for fill in fills.iter().filter(|fill| fill.slot == slot) {
            vars.extend(fill.source.vars());
        }
    });
    vars.sort_unstable();
    vars.dedup();
    vars
}

/// The properties without which a condition is never true: missing ones are null, and what is
/// compared with null is unknown.
pub(super) fn needs(condition: &Expr) -> BTreeSet<Arc<str>> {
    match condition {
        Expr::And(all, _) => all.iter().flat_map(needs).collect(),
        Expr::Or(any, _) => {
            let mut common = any.iter().map(needs);
            let first = common.next().unwrap_or_default();
            common.fold(first, |both, one| &both & &one)
        }
        Expr::Not(inner, _) => match &**inner {
            // `IS NOT NULL`.
            Expr::IsNull(item) => property(item).into_iter().collect(),
            // Not unknown is unknown; but not (unknown and false) is true.
            Expr::And(..) | Expr::Or(..) => BTreeSet::new(),
            Expr::Compare(_, rest) if rest.len() > 1 => BTreeSet::new(),
            inner => needs(inner),
        },
        Expr::Property { base, name, .. } if matches!(**base, Expr::Slot(_)) => {
            BTreeSet::from([Arc::clone(name)])
        }
        Expr::Compare(first, rest) => {
            let operands = std::iter::once(&**first).chain(rest.iter().map(|(_, one)| one));
            operands.filter_map(property).collect()
        }
        Expr::In(item, ..) => property(item).into_iter().collect(),
        Expr::Text(_, text, other) | Expr::Matches(text, other, _) => [&**text, &**other]
            .into_iter()
            .filter_map(property)
            .collect(),
        _ => BTreeSet::new(),
    }
}

/// The name of a property that is read as it is.
fn property(operand: &Expr) -> Option<Arc<str>> {
    match operand {
        Expr::Property { base, name, .. } if matches!(**base, Expr::Slot(_)) => {
            Some(Arc::clone(name))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use foothold_engine::attack::{Reads, RuleSet};
    use foothold_engine::graph::Snapshot;
    use foothold_engine::score::ScoringModel;

    use crate::define::Definitions;

    fn compiled(text: &str) -> RuleSet {
        let mut definitions = Definitions::default();
        definitions.add("rules.fql", text);
        let model = Arc::new(ScoringModel::shipped());
        definitions.compile(&Snapshot::empty(), &model).0
    }

    /// What a rule with this condition reads: `properties; beyond: kinds; properties`.
    fn reads(condition: &str) -> String {
        let text = format!(
            "RULE r \"R\" ID X01 FAMILY f TECHNIQUE 'T1190' MATCH (a:A)-[e:E]->(b:B) WHERE {condition} \
             GIVEN exec(a) GAIN exec(b) LIKELIHOOD 0.5 FIX detach e \"x\" EXPLANATION \"x\" \
             REMEDIATION \"x\""
        );
        let rules = compiled(&text);
        let rule = &rules.rules()[0];
        match &rule.reads {
            Reads::Everything => "everything".into(),
            Reads::Matched => "matched".into(),
            Reads::Properties(names) => {
                let beyond = &rule.beyond;
                format!(
                    "{}; {}; {}",
                    names.join(" "),
                    beyond.kinds.join(" "),
                    beyond.properties.join(" ")
                )
            }
        }
    }

    #[test]
    fn what_a_condition_reads() {
        let cases = [
            ("a.x = 1 AND e.y > b.z", "x y z; ; "),
            ("a <> b", "; ; "),
            ("a[b.name] = 1", "matched"),
            ("id(a) <> elementId(e)", "; ; "),
            ("degree(a) > 1", "everything"),
            ("EXISTS { (a)-[:K|L]->(b) }", "; K L; "),
            (
                "EXISTS { MATCH (a)-[k:K]->(c:C {p: 1}) WHERE k.q = a.r }",
                "; K; p q r",
            ),
            ("COUNT { (a)-[:K]->()<-[:L]-(b) } > 2", "; K L; "),
            (
                "EXISTS { (a)-[:K]->(c) WHERE EXISTS { (c)-[:L]->(:D) } }",
                "; K L; ",
            ),
            // Edges of any kind, walks, and nodes by themselves.
            ("EXISTS { (a)-->(b) }", "everything"),
            ("EXISTS { (a)-[:!K]->(b) }", "everything"),
            ("EXISTS { (a)-[:K]->+(b) }", "everything"),
            ("EXISTS { MATCH (a)-[:K]->(b), (c:C) }", "everything"),
            ("EXISTS { (a)-[:K]->(c) WHERE degree(c) > 2 }", "everything"),
            ("size([(a)-[:K]->(c) | c.x]) > 1", "everything"),
        ];
        for (condition, expected) in cases {
            assert_eq!(reads(condition), expected, "{condition}");
        }
    }

    #[test]
    fn no_shipped_rule_reads_everything() {
        let model = Arc::new(ScoringModel::shipped());
        let rules = Definitions::shipped().compile(&Snapshot::empty(), &model).0;
        let far = rules
            .rules()
            .iter()
            .filter(|rule| rule.reads == Reads::Everything);
        let far: Vec<&str> = far.map(|rule| &*rule.name).collect();
        assert_eq!(far, Vec::<&str>::new());
        assert!(rules.len() > 100);
    }
}
