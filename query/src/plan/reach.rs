//! Reachability instead of walks: where equal rows count once, only the ends of a variable-length
//! relationship matter, not how many walks lead there.

use foothold_engine::graph::{KindId, Snapshot};
use foothold_engine::pattern::{EdgePattern, LabelExpr, Plan, Var};

use crate::func::aggregate::Aggregate;
use crate::plan::{Cond, MatchOp, Node, Op};

/// Rewrites the `MATCH`es of a line whose number of equal rows changes nothing. `ends_in_exists`:
/// after the last operator only matters whether there is a row.
pub(crate) fn rewrite(snapshot: &Snapshot, nodes: &mut [Node], ends_in_exists: bool) {
    let mut is_set = ends_in_exists;
    for node in nodes.iter_mut().rev() {
        match &mut node.op {
            Op::Match(op) if is_set => rewrite_match(snapshot, op),
            Op::Match(_) | Op::Unwind(..) | Op::Filter(..) | Op::Assign(_) => {}
            Op::Distinct(_) => is_set = true,
            Op::Aggregate(op) => {
                is_set = op.aggregates.iter().all(|item| {
                    item.is_distinct || matches!(item.aggregate, Aggregate::Min | Aggregate::Max)
                });
            }
            Op::Sort(sort) => is_set &= sort.top.is_none(),
            Op::Skip(..) | Op::Limit(..) | Op::Call(_) | Op::Verb(_) => is_set = false,
        }
    }
}

fn rewrite_match(snapshot: &Snapshot, op: &mut MatchOp) {
    let pattern = &op.pattern;
    let rewritten: Vec<usize> = (0..pattern.edges.len())
        .filter(|&at| can_be_reach(snapshot, op, at))
        .collect();
    if rewritten.is_empty() {
        return;
    }
    for at in rewritten {
        let edge = op.pattern.edges.get_mut(at);
        if let Some(repeat) = edge.and_then(|edge| edge.repeat.as_mut()) {
            repeat.is_reach = true;
        }
    }
    let bound: Vec<Var> = op.inputs.iter().map(|input| input.0).collect();
    op.plan = Plan::new(snapshot, &op.pattern, &bound);
}

/// A walk of single edges that nobody reads, and that shares no kind with another edge of the
/// pattern: else a walk might have to avoid that edge.
fn can_be_reach(snapshot: &Snapshot, op: &MatchOp, at: usize) -> bool {
    let pattern = &op.pattern;
    let Some(edge) = pattern.edges.get(at) else {
        return false;
    };
    let Some(repeat) = &edge.repeat else {
        return false;
    };
    let is_read = pattern
        .vars
        .get(usize::from(edge.var.0))
        .is_none_or(|spec| spec.is_read);
    let is_given = op.inputs.iter().any(|input| input.0 == edge.var);
    let is_long = repeat.max.is_none_or(|max| max > 1);
    if is_read || is_given || !is_long || repeat.min > 1 || repeat.body.len() != 1 {
        return false;
    }
    let own = kinds(snapshot, edge);
    pattern.edges.iter().enumerate().all(|(other_at, other)| {
        other_at == at
            || kinds(snapshot, other)
                .iter()
                .all(|kind| !own.contains(kind))
    })
}

fn kinds(snapshot: &Snapshot, edge: &EdgePattern<Cond>) -> Vec<KindId> {
    let of = |expr: &LabelExpr| -> Vec<KindId> {
        let kinds = snapshot.kinds();
        kinds
            .filter(|&kind| expr.holds(&|name| snapshot.kind_name(kind) == name))
            .collect()
    };
    match &edge.repeat {
        None => of(&edge.kinds),
        Some(repeat) => repeat.body.iter().flat_map(|hop| of(&hop.kinds)).collect(),
    }
}
