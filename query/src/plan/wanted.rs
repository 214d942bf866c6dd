//! Which of its rows a match must tell apart: where rows are only counted, or equal rows count once,
//! the matcher counts or skips what nobody reads instead of listing it.

use foothold_engine::graph::Snapshot;
use foothold_engine::pattern::{Order, Plan, Request, Var, Wanted};

use crate::expr::Slot;
use crate::func::aggregate::Aggregate;
use crate::plan::{AggregateOp, MatchOp, Node, Op, count_rows, live, merge, reach};

/// What becomes of the rows that an operator hands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    /// Each is looked at.
    Each,
    /// Equal ones are counted.
    Counted,
    /// Equal ones count once.
    Distinct,
}

/// How the matches of a line are planned.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LineUse<'a> {
    /// Slots read after the last operator.
    pub(crate) outputs: &'a [Slot],
    /// After the last operator only matters whether there is a row.
    pub(crate) ends_in_exists: bool,
    /// A random number in a row makes equal rows different.
    pub(crate) is_random: bool,
    pub(crate) order: Order,
}

/// Plans the matches of a line for what becomes of their rows.
pub(crate) fn rewrite(
    snapshot: &Snapshot,
    nodes: &mut Vec<Node>,
    line: &LineUse<'_>,
    fresh: &mut dyn FnMut() -> Slot,
) {
    if line.order == Order::AsWritten {
        for node in nodes {
            if let Op::Match(op) = &mut node.op {
                plan(snapshot, op, Use::Each, line.order);
            }
        }
        return;
    }
    if !line.is_random {
        merge::merge(nodes);
    }
    count_rows::count_rows(nodes);
    live::trim(nodes, line.outputs, fresh);
    let mut rows = if line.ends_in_exists {
        Use::Distinct
    } else {
        Use::Each
    };
    for node in nodes.iter_mut().rev() {
        match &mut node.op {
            Op::Match(op) => {
                let rows = if line.is_random { Use::Each } else { rows };
                if rows == Use::Distinct {
                    reach::mark(snapshot, op);
                }
                plan(snapshot, op, rows, line.order);
            }
            Op::Unwind(..) | Op::Filter(..) | Op::Assign(_) => {}
            Op::Distinct(_) => rows = Use::Distinct,
            Op::Aggregate(op) => rows = of_aggregate(op),
            Op::Sort(sort) if sort.top.is_none() && rows == Use::Distinct => {}
            Op::Sort(_) | Op::Skip(..) | Op::Limit(..) | Op::Call(_) | Op::Verb(_) => {
                rows = Use::Each;
            }
        }
    }
}

fn of_aggregate(op: &AggregateOp) -> Use {
    let mut items = op.aggregates.iter();
    let is_extreme = |aggregate| matches!(aggregate, Aggregate::Min | Aggregate::Max);
    let is_count = |aggregate| {
        matches!(
            aggregate,
            Aggregate::CountRows | Aggregate::Count | Aggregate::Sum | Aggregate::Avg
        )
    };
    // The order in which values come shows in a list.
    let keeps_order = |aggregate| {
        matches!(
            aggregate,
            Aggregate::Collect | Aggregate::StDev | Aggregate::StDevP
        )
    };
    if items
        .clone()
        .any(|item| keeps_order(item.aggregate) && !item.is_distinct)
    {
        return Use::Each;
    }
    if items
        .clone()
        .all(|item| item.is_distinct || is_extreme(item.aggregate))
    {
        return Use::Distinct;
    }
    if items.all(|item| item.is_distinct || is_extreme(item.aggregate) || is_count(item.aggregate))
    {
        return Use::Counted;
    }
    Use::Each
}

fn plan(snapshot: &Snapshot, op: &mut MatchOp, rows: Use, order: Order) {
    let bound: Vec<Var> = op.inputs.iter().map(|input| input.0).collect();
    let mut vars: Vec<Var> = op
        .outputs
        .iter()
        .flat_map(|output| output.source.vars())
        .collect();
    vars.sort_unstable();
    vars.dedup();
    let request = Request {
        bound: &bound,
        wanted: match rows {
            Use::Each => Wanted::Every,
            Use::Counted => Wanted::Counted(&vars),
            Use::Distinct => Wanted::Distinct(&vars),
        },
        order,
    };
    op.plan = Plan::make(snapshot, &op.pattern, &request);
}
