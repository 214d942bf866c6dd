//! What the expressions of a rule read of a snapshot.

use std::collections::BTreeSet;
use std::sync::Arc;

use foothold_engine::attack::Reads;
use foothold_engine::pattern::Var;

use crate::expr::{Expr, ProjectionPart, Slot};
use crate::plan::Output;

/// Functions that look at more than the node or relationship they are given, or at what is not
/// compared between snapshots.
const FAR: &[&str] = &[
    "id",
    "elementId",
    "confidence",
    "sources",
    "degree",
    "outDegree",
    "inDegree",
];

/// Functions that read every property of what they are given.
const EVERY_PROPERTY: &[&str] = &["properties", "keys"];

/// Collects what expressions read.
#[derive(Debug, Clone, Default)]
pub(super) struct Reading {
    properties: BTreeSet<Arc<str>>,
    is_any_property: bool,
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

    /// What either has read.
    pub(super) fn and(mut self, other: Reading) -> Reading {
        self.properties.extend(other.properties);
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
            Expr::Subquery(..) => self.is_far = true,
            _ => {}
        }
        expr.each_part(&mut |part| self.add(part));
    }
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
