//! `count(x)` where `x` is never null counts rows: what `x` is then interests nobody.

use rustc_hash::FxHashSet;

use crate::expr::{Expr, Slot};
use crate::func::aggregate::Aggregate;
use crate::plan::{Node, Op};

/// Rewrites the counts of a line.
pub(crate) fn count_rows(nodes: &mut [Node]) {
    // What a match that is not optional finds is there in each of its rows.
    let mut bound: FxHashSet<Slot> = FxHashSet::default();
    for node in nodes {
        match &mut node.op {
            Op::Match(op) if !op.is_optional => {
                bound.extend(op.outputs.iter().map(|output| output.slot));
            }
            Op::Match(op) => {
                for output in &op.outputs {
                    bound.remove(&output.slot);
                }
            }
            Op::Assign(items) => {
                for (slot, expr) in items {
                    if is_there(expr, &bound) {
                        bound.insert(*slot);
                    } else {
                        bound.remove(slot);
                    }
                }
            }
            Op::Aggregate(op) => {
                for item in &mut op.aggregates {
                    let is_there = item.arg.as_ref().is_some_and(|arg| is_there(arg, &bound));
                    if item.aggregate == Aggregate::Count && !item.is_distinct && is_there {
                        item.aggregate = Aggregate::CountRows;
                        item.arg = None;
                    }
                }
                let keys: Vec<Slot> = op
                    .keys
                    .iter()
                    .filter(|(_, expr)| is_there(expr, &bound))
                    .map(|(slot, _)| *slot)
                    .collect();
                bound = keys.into_iter().collect();
            }
            Op::Unwind(_, slot) => {
                bound.remove(slot);
            }
            Op::Call(_) | Op::Verb(_) => bound.clear(),
            Op::Filter(..) | Op::Distinct(_) | Op::Sort(_) | Op::Skip(..) | Op::Limit(..) => {}
        }
    }
}

fn is_there(expr: &Expr, bound: &FxHashSet<Slot>) -> bool {
    match expr {
        Expr::Slot(slot) => bound.contains(slot),
        Expr::Const(value) => !value.is_null(),
        _ => false,
    }
}
