//! The matches of one rule, before steps are grouped.

use std::cmp::Ordering;

use rayon::prelude::*;
use smallvec::SmallVec;

use crate::attack::rule::Rule;
use crate::attack::state::State;
use crate::graph::{EdgeId, NodeId};
use crate::pattern::{Binding, Bindings, Var, VarKind};

/// In a packed match: the variable stands for nothing.
pub(super) const UNBOUND: u32 = u32::MAX;

/// What is held before a step, sorted.
pub(super) type Premises = SmallVec<[State; 2]>;

/// One match of one rule and one state that it gains.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) gain: State,
    pub(super) premises: Premises,
    pub(super) likelihood: f64,
    pub(super) confidence: f64,
    /// Where its bindings begin.
    pub(super) at: u32,
}

/// The matches of one rule: rows, and what the variables stand for in each match, one `u32` a
/// variable. Rows that differ in what they gain share their bindings.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    pub(super) n_vars: usize,
    pub(super) rows: Vec<Row>,
    pub(super) bindings: Vec<u32>,
    /// Edges looked at when the rule was matched from the start.
    pub(super) effort: u64,
}

impl Found {
    pub(super) fn new(rule: &Rule) -> Self {
        Found {
            n_vars: rule.pattern.vars.len(),
            ..Found::default()
        }
    }

    /// What the variables stand for in the match of a row.
    pub(super) fn bindings_of(&self, row: &Row) -> &[u32] {
        &self.bindings[row.at as usize..row.at as usize + self.n_vars]
    }

    /// Adds the matches of another part of the work.
    pub(super) fn append(&mut self, other: Found) {
        let shift = self.bindings.len() as u32;
        self.bindings.extend(other.bindings);
        let rows = other.rows.into_iter();
        self.rows.extend(rows.map(|mut row| {
            row.at += shift;
            row
        }));
    }

    /// Puts rows into their one order, each match once.
    pub(super) fn sort(&mut self) {
        let mut rows = std::mem::take(&mut self.rows);
        rows.par_sort_unstable_by(|a, b| order(a, self.bindings_of(a), b, self.bindings_of(b)));
        rows.dedup_by(|a, b| {
            a.gain == b.gain
                && a.premises == b.premises
                && self.bindings_of(a) == self.bindings_of(b)
        });
        self.rows = rows;
    }

    /// Puts the rows from `first` on, all of one step, into their order.
    pub(super) fn sort_step(&mut self, first: usize) {
        let mut rows = std::mem::take(&mut self.rows);
        rows[first..]
            .sort_unstable_by(|a, b| order(a, self.bindings_of(a), b, self.bindings_of(b)));
        self.rows = rows;
    }

    /// Adds rows, sorted as these are and none of them among these.
    pub(super) fn merge(&mut self, other: Found) {
        if other.rows.is_empty() {
            return;
        }
        let first = std::mem::take(&mut self.rows);
        self.append(other);
        let second = std::mem::take(&mut self.rows);
        let mut merged = Vec::with_capacity(first.len() + second.len());
        let (mut left, mut right) = (first.into_iter().peekable(), second.into_iter().peekable());
        while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
            let a_first = order(a, self.bindings_of(a), b, self.bindings_of(b)).is_le();
            merged.extend(if a_first { left.next() } else { right.next() });
        }
        merged.extend(left);
        merged.extend(right);
        self.rows = merged;
    }
}

/// By step, then likeliest first; total.
fn order(a: &Row, a_bindings: &[u32], b: &Row, b_bindings: &[u32]) -> Ordering {
    (a.gain, &a.premises)
        .cmp(&(b.gain, &b.premises))
        .then(b.likelihood.total_cmp(&a.likelihood))
        .then(b.confidence.total_cmp(&a.confidence))
        .then_with(|| a_bindings.cmp(b_bindings))
}

/// One `u32` a variable; [`UNBOUND`] for what is not bound.
pub(super) fn pack(rule: &Rule, bindings: &Bindings, packed: &mut Vec<u32>) {
    let vars = 0..rule.pattern.vars.len() as u16;
    packed.extend(vars.map(|var| match bindings.get(Var(var)) {
        Binding::Node(node) => node.0,
        Binding::Edge(edge) => edge.0,
        _ => UNBOUND,
    }));
}

/// The bindings that [`pack`] stored.
pub(super) fn unpack(rule: &Rule, packed: &[u32]) -> Bindings {
    let mut bindings = Bindings::new(rule.pattern.vars.len());
    unpack_into(rule, packed, &mut bindings);
    bindings
}

/// The bindings that [`pack`] stored, in the place of others of the same rule.
pub(super) fn unpack_into(rule: &Rule, packed: &[u32], bindings: &mut Bindings) {
    for (at, (spec, &value)) in rule.pattern.vars.iter().zip(packed).enumerate() {
        let binding = match (spec.kind, value) {
            (_, UNBOUND) => Binding::Unbound,
            (VarKind::Node, node) => Binding::Node(NodeId(node)),
            (VarKind::Edge, edge) => Binding::Edge(EdgeId(edge)),
            _ => Binding::Unbound,
        };
        bindings.set(Var(at as u16), binding);
    }
}
