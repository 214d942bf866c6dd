//! `EXISTS` asked for many rows: when asking row by row has cost as much as finding every node that
//! has a match, these are found at once, and rows only look whether they are among them. Whatever
//! comes, that is at most twice the work of the better way (ski rental; Karlin et al. 1988).

use foothold_engine::graph::NodeId;
use foothold_engine::pattern::{Order, Plan, Request, Var, Wanted};
use rustc_hash::FxHashSet;

use crate::exec::{Cx, matching};
use crate::expr::Slot;
use crate::fault::Fault;
use crate::plan::{Cond, MatchOp, Node, Op, Subplan};
use crate::value::Val;

/// Before so many edges were looked at nothing is planned.
const LEAST: u64 = 16 * 1024;

/// What is known of one `EXISTS`.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// Edges looked at so far, row by row.
    spent: u64,
    plan: Option<Box<Plan<Cond>>>,
    nodes: Option<FxHashSet<NodeId>>,
}

/// A subquery that is one pattern hanging on one node of the outer row.
struct Apt<'p> {
    op: &'p MatchOp,
    id: usize,
    var: Var,
    slot: Slot,
}

fn apt(plan: &Subplan) -> Option<Apt<'_>> {
    let [line] = plan.body.parts.as_slice() else {
        return None;
    };
    let [
        Node {
            op: Op::Match(op),
            id,
            ..
        },
    ] = line.nodes.as_slice()
    else {
        return None;
    };
    let [(var, slot, _)] = op.inputs.as_slice() else {
        return None;
    };
    let is_node = op.pattern.nodes.iter().any(|node| node.var == *var);
    let is_apt = is_node && !op.is_optional && plan.reads == [*slot];
    is_apt.then_some(Apt {
        op,
        id: *id,
        var: *var,
        slot: *slot,
    })
}

/// The answer for the current row, when every node that has a match is known or worth finding.
pub(super) fn known(plan: &Subplan, cx: &mut Cx<'_>) -> Result<Option<bool>, Fault> {
    let Some(apt) = apt(plan) else {
        return Ok(None);
    };
    let Val::Node(node) = *cx.get(apt.slot) else {
        return Ok(None);
    };
    let Some(asked) = cx.exists.get_mut(&apt.id) else {
        return Ok(None);
    };
    if let Some(nodes) = &asked.nodes {
        return Ok(Some(nodes.contains(&node)));
    }
    if asked.spent < LEAST {
        return Ok(None);
    }
    let snapshot = cx.snapshot;
    let all = asked.plan.take().unwrap_or_else(|| {
        let request = Request {
            bound: &[],
            wanted: Wanted::Distinct(&[apt.var]),
            order: Order::Cheapest,
        };
        Box::new(Plan::make(snapshot, &apt.op.pattern, &request))
    });
    if all.cost() > asked.spent as f64 {
        asked.plan = Some(all);
        return Ok(None);
    }
    let nodes = matching::nodes(apt.op, &all, apt.var, apt.slot, cx)?;
    cx.budget.charge(nodes.len() as u64 * 8)?;
    let is_found = nodes.contains(&node);
    cx.set(apt.slot, Val::Node(node));
    if let Some(asked) = cx.exists.get_mut(&apt.id) {
        asked.nodes = Some(nodes);
    }
    Ok(Some(is_found))
}

/// Notes what asking for one row took.
pub(super) fn note(plan: &Subplan, cx: &mut Cx<'_>, spent: u64) {
    if spent > 0
        && let Some(apt) = apt(plan)
    {
        cx.exists.entry(apt.id).or_default().spent += spent;
    }
}
