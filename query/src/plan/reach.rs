//! Reachability instead of walks: where equal rows count once, only the ends of a variable-length
//! relationship matter, not how many walks lead there.

use foothold_engine::graph::{KindId, Snapshot};
use foothold_engine::pattern::{EdgePattern, LabelExpr, Read};

use crate::plan::{Cond, MatchOp};

/// Marks the walks of a match of which only the ends matter.
pub(crate) fn mark(snapshot: &Snapshot, op: &mut MatchOp) {
    let marked: Vec<usize> = (0..op.pattern.edges.len())
        .filter(|&at| can_be_reach(snapshot, op, at))
        .collect();
    for at in marked {
        let edge = op.pattern.edges.get_mut(at);
        if let Some(repeat) = edge.and_then(|edge| edge.repeat.as_mut()) {
            repeat.is_reach = true;
        }
    }
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
        .is_none_or(|spec| spec.read != Read::Nothing);
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
