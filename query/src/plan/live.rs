//! What later operators read: a match fills no slot that nobody reads, and of a path of which only
//! the length is asked no more than the length is found.

use std::collections::BTreeSet;
use std::sync::Arc;

use foothold_engine::pattern::{Pattern, Read, Var};

use crate::expr::{Expr, Slot};
use crate::plan::{Cond, MatchOp, Node, Op, Output, Source};

/// Trims the matches of a line. `outputs` are the slots that are read after its last operator;
/// `fresh` gives slots that are not used yet.
pub(crate) fn trim(nodes: &mut [Node], outputs: &[Slot], fresh: &mut dyn FnMut() -> Slot) {
    for at in 0..nodes.len() {
        lengths(nodes, at, outputs, fresh);
    }
    let mut live: BTreeSet<Slot> = outputs.iter().copied().collect();
    // Verbs read what they like.
    let mut is_everything = false;
    for node in nodes.iter_mut().rev() {
        match &mut node.op {
            Op::Match(op) => {
                if !is_everything {
                    op.outputs.retain(|output| live.contains(&output.slot));
                }
                mark_reads(&mut op.pattern, &op.outputs);
            }
            Op::Verb(_) => is_everything = true,
            _ => {}
        }
        reads(&node.op, &mut |slot| {
            live.insert(slot);
        });
    }
}

/// Notes what is read of each walk.
pub(crate) fn mark_reads(pattern: &mut Pattern<Cond>, outputs: &[Output]) {
    let mut read = vec![Read::Nothing; pattern.vars.len()];
    let mut note = |source: &Source| {
        let how = match source {
            Source::Length(_) => Read::Length,
            _ => Read::Edges,
        };
        for var in source.vars() {
            if let Some(known) = read.get_mut(usize::from(var.0)) {
                *known = how.max(*known);
            }
        }
    };
    for output in outputs {
        note(&output.source);
    }
    let inside = pattern.paths.iter().flat_map(|path| &path.conditions);
    for condition in pattern.conditions.iter().chain(inside) {
        for fill in condition.fills.iter() {
            note(&fill.source);
        }
    }
    for (spec, read) in pattern.vars.iter_mut().zip(read) {
        spec.read = read;
    }
}

/// Calls `visit` for every slot an operator reads.
fn reads(op: &Op, visit: &mut dyn FnMut(Slot)) {
    match op {
        Op::Match(op) => {
            for input in &op.inputs {
                visit(input.1);
            }
            conditions(&op.pattern, &mut |condition| condition.expr.slots(visit));
        }
        Op::Unwind(list, _) => list.slots(visit),
        Op::Filter(condition, _) => condition.slots(visit),
        Op::Assign(items) => items.iter().for_each(|(_, expr)| expr.slots(visit)),
        Op::Aggregate(op) => {
            op.keys.iter().for_each(|(_, expr)| expr.slots(visit));
            for item in &op.aggregates {
                item.arg.iter().for_each(|arg| arg.slots(visit));
                item.second.iter().for_each(|arg| arg.slots(visit));
            }
        }
        Op::Distinct(slots) => slots.iter().for_each(|&slot| visit(slot)),
        Op::Sort(sort) => {
            sort.keys.iter().for_each(|(slot, _)| visit(*slot));
            sort.carried.iter().for_each(|&slot| visit(slot));
        }
        Op::Skip(count, _) | Op::Limit(count, _) => count.slots(visit),
        Op::Call(plan) => plan.reads.iter().for_each(|&slot| visit(slot)),
        Op::Verb(_) => {}
    }
}

fn conditions(pattern: &Pattern<Cond>, visit: &mut dyn FnMut(&Cond)) {
    let edges = pattern
        .edges
        .iter()
        .chain(pattern.paths.iter().flat_map(|path| &path.edges));
    for edge in edges {
        edge.cost.iter().for_each(&mut *visit);
        if let Some(repeat) = &edge.repeat {
            repeat.conditions.iter().for_each(&mut *visit);
            for hop in &repeat.body {
                hop.cost.iter().for_each(&mut *visit);
            }
        }
    }
    let inside = pattern.paths.iter().flat_map(|path| &path.conditions);
    pattern
        .conditions
        .iter()
        .chain(inside)
        .for_each(&mut *visit);
    for lookup in &pattern.lookups {
        visit(&lookup.value);
    }
}

/// A path or walk bound by a match whose every use is its length becomes that number.
fn lengths(nodes: &mut [Node], at: usize, outputs: &[Slot], fresh: &mut dyn FnMut() -> Slot) {
    let has_verb = nodes.iter().any(|node| matches!(node.op, Op::Verb(_)));
    let Some(Node {
        op: Op::Match(op), ..
    }) = nodes.get(at)
    else {
        return;
    };
    let mut sized: Vec<(Slot, Arc<[Var]>)> = Vec::new();
    for output in &op.outputs {
        match &output.source {
            Source::Path(_, walks) => sized.push((output.slot, Arc::clone(walks))),
            Source::Walk(walk) => sized.push((output.slot, Arc::from([*walk]))),
            _ => {}
        }
    }
    for (slot, walks) in sized {
        if has_verb || outputs.contains(&slot) {
            continue;
        }
        let mut n_reads = 0;
        for node in nodes.iter() {
            reads(&node.op, &mut |read| n_reads += usize::from(read == slot));
        }
        let mut n_lengths = 0;
        for node in nodes.iter_mut() {
            expressions(&mut node.op, &mut |expr| {
                n_lengths += replace(expr, slot, None);
            });
        }
        if n_reads == 0 || n_reads != n_lengths {
            continue;
        }
        let length = fresh();
        for node in nodes.iter_mut() {
            expressions(&mut node.op, &mut |expr| {
                replace(expr, slot, Some(length));
            });
        }
        if let Some(Node {
            op: Op::Match(op), ..
        }) = nodes.get_mut(at)
        {
            measured(op, slot, length, &walks);
        }
    }
}

/// Lets a match fill a length instead of a path.
fn measured(op: &mut MatchOp, slot: Slot, length: Slot, walks: &Arc<[Var]>) {
    let new = Output {
        slot: length,
        source: Source::Length(Arc::clone(walks)),
    };
    let swap = |outputs: &mut Vec<Output>| {
        for output in outputs {
            if output.slot == slot {
                *output = new.clone();
            }
        }
    };
    swap(&mut op.outputs);
    let inside = op
        .pattern
        .paths
        .iter_mut()
        .flat_map(|path| &mut path.conditions);
    for condition in op.pattern.conditions.iter_mut().chain(inside) {
        let mut fills = condition.fills.to_vec();
        swap(&mut fills);
        // A path is filled from its start too, which its length does not need.
        let mut vars: Vec<Var> = fills.iter().flat_map(|fill| fill.source.vars()).collect();
        vars.sort_unstable();
        vars.dedup();
        condition.fills = fills.into();
        condition.vars = vars.into();
    }
}

/// Calls `visit` for the expressions of an operator that may hold `length(p)`.
fn expressions(op: &mut Op, visit: &mut dyn FnMut(&mut Expr)) {
    match op {
        Op::Match(op) => {
            let inside = op
                .pattern
                .paths
                .iter_mut()
                .flat_map(|path| &mut path.conditions);
            for condition in op.pattern.conditions.iter_mut().chain(inside) {
                visit(Arc::make_mut(&mut condition.expr));
            }
        }
        Op::Unwind(list, _) => visit(list),
        Op::Filter(condition, _) => visit(condition),
        Op::Assign(items) => items.iter_mut().for_each(|(_, expr)| visit(expr)),
        Op::Aggregate(op) => {
            op.keys.iter_mut().for_each(|(_, expr)| visit(expr));
            for item in &mut op.aggregates {
                item.arg.iter_mut().for_each(&mut *visit);
                item.second.iter_mut().for_each(&mut *visit);
            }
        }
        Op::Distinct(_)
        | Op::Sort(_)
        | Op::Skip(..)
        | Op::Limit(..)
        | Op::Call(_)
        | Op::Verb(_) => {}
    }
}

/// Counts the places where `expr` asks for the length of what is in `slot`; puts `with` there.
fn replace(expr: &mut Expr, slot: Slot, with: Option<Slot>) -> usize {
    if let Expr::Call(function, args, _) = expr
        && matches!(function.name, "length" | "path_length" | "size")
        && matches!(args.as_slice(), [Expr::Slot(found)] if *found == slot)
    {
        if let Some(with) = with {
            *expr = Expr::Slot(with);
        }
        return 1;
    }
    let mut n = 0;
    expr.each_part_mut(&mut |child| n += replace(child, slot, with));
    n
}
