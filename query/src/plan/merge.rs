//! Two `MATCH` clauses in a row as one: the second then takes part in the order of work, and what
//! the first binds is not handed on row by row.

use foothold_engine::pattern::{EdgePattern, LabelExpr, NodePattern, Repeat, Var};

use crate::expr::Slot;
use crate::plan::{Cond, MatchOp, Node, Op, Output, Source};

/// Merges each match of plain nodes into the match that follows it at once.
pub(crate) fn merge(nodes: &mut Vec<Node>) {
    let mut at = 0;
    while at + 1 < nodes.len() {
        let is_mergeable = match (nodes.get(at), nodes.get(at + 1)) {
            (Some(first), Some(second)) => match (&first.op, &second.op) {
                (Op::Match(first), Op::Match(second)) => can_merge(first, second),
                _ => false,
            },
            _ => false,
        };
        if !is_mergeable {
            at += 1;
            continue;
        }
        let first = nodes.remove(at);
        if let (Op::Match(first), Some(Op::Match(second))) =
            (first.op, nodes.get_mut(at).map(|node| &mut node.op))
        {
            join(*first, second);
        }
    }
}

/// A pattern without relationships keeps none from the next one. Its conditions are on one node
/// each: they are judged as soon as the node is known, before any of the next pattern.
fn can_merge(first: &MatchOp, second: &MatchOp) -> bool {
    let pattern = &first.pattern;
    let is_plain = pattern.edges.is_empty() && pattern.paths.is_empty();
    let is_local = |condition: &Cond| condition.vars.len() <= 1;
    let are_nodes = first
        .outputs
        .iter()
        .all(|output| matches!(output.source, Source::Node(_)));
    let n_vars = pattern.vars.len() + second.pattern.vars.len();
    !first.is_optional
        && !second.is_optional
        && is_plain
        && are_nodes
        && u16::try_from(n_vars).is_ok()
        && pattern.conditions.iter().all(is_local)
}

/// Puts `first` before what `second` matches.
fn join(first: MatchOp, second: &mut MatchOp) {
    let n_first = first.pattern.vars.len() as u16;
    // What the second match takes from the first, and what both take from elsewhere.
    let known = |slot: Slot| {
        let bound = first.outputs.iter().find_map(|output| match output.source {
            Source::Node(var) if output.slot == slot => Some(var),
            _ => None,
        });
        let given = first.inputs.iter().find(|input| input.1 == slot);
        bound.or(given.map(|input| input.0))
    };
    let shared: Vec<(Var, Var)> = second
        .inputs
        .iter()
        .filter_map(|input| Some((input.0, known(input.1)?)))
        .collect();
    let renamed = |var: Var| {
        let shared = shared.iter().find(|(own, _)| *own == var);
        shared.map_or(Var(var.0 + n_first), |(_, known)| *known)
    };
    let rename = Rename {
        var: &renamed,
        outer: &first.outputs,
    };
    let mut pattern = first.pattern;
    let mut later = std::mem::take(&mut second.pattern);
    pattern.vars.append(&mut later.vars);
    for mut node in later.nodes {
        rename.node(&mut node);
        match pattern.nodes.iter_mut().find(|known| known.var == node.var) {
            None => pattern.nodes.push(node),
            Some(known) => {
                let labels = std::mem::replace(&mut known.labels, LabelExpr::Any);
                known.labels = labels.and(node.labels);
                known.hints.append(&mut node.hints);
            }
        }
    }
    for mut edge in later.edges {
        rename.edge(&mut edge);
        pattern.edges.push(edge);
    }
    for mut path in later.paths {
        path.edges.iter_mut().for_each(|edge| rename.edge(edge));
        rename.conditions(&mut path.conditions);
        pattern.paths.push(path);
    }
    rename.conditions(&mut later.conditions);
    pattern.conditions.append(&mut later.conditions);
    for mut lookup in later.lookups {
        lookup.var = renamed(lookup.var);
        rename.condition(&mut lookup.value);
        pattern.lookups.push(lookup);
    }
    second.pattern = pattern;
    let mut inputs = first.inputs.clone();
    for (var, slot, span) in second.inputs.drain(..) {
        if known(slot).is_none() {
            inputs.push((renamed(var), slot, span));
        }
    }
    second.inputs = inputs;
    let mut outputs = first.outputs.clone();
    for mut output in second.outputs.drain(..) {
        rename.source(&mut output.source);
        if outputs.iter().all(|known| known.slot != output.slot) {
            outputs.push(output);
        }
    }
    second.outputs = outputs;
}

/// The variables of the second pattern in the merged one.
struct Rename<'a> {
    var: &'a dyn Fn(Var) -> Var,
    /// What the first match fills: read from the frame before, now from the pattern.
    outer: &'a [Output],
}

impl Rename<'_> {
    fn node(&self, node: &mut NodePattern) {
        node.var = (self.var)(node.var);
    }

    fn edge(&self, edge: &mut EdgePattern<Cond>) {
        for var in [&mut edge.var, &mut edge.from, &mut edge.to] {
            *var = (self.var)(*var);
        }
        edge.cost.iter_mut().for_each(|cost| self.condition(cost));
        if let Some(repeat) = &mut edge.repeat {
            self.repeat(repeat);
        }
    }

    fn repeat(&self, repeat: &mut Repeat<Cond>) {
        self.node(&mut repeat.start);
        for hop in &mut repeat.body {
            hop.edge = (self.var)(hop.edge);
            self.node(&mut hop.target);
            hop.cost.iter_mut().for_each(|cost| self.condition(cost));
        }
        self.conditions(&mut repeat.conditions);
    }

    fn conditions(&self, conditions: &mut [Cond]) {
        for condition in conditions {
            self.condition(condition);
        }
    }

    fn condition(&self, condition: &mut Cond) {
        let mut fills = condition.fills.to_vec();
        for fill in &mut fills {
            self.source(&mut fill.source);
        }
        condition.expr.slots(&mut |slot| {
            if fills.iter().all(|fill| fill.slot != slot) {
                fills.extend(self.outer.iter().find(|outer| outer.slot == slot).cloned());
            }
        });
        let mut vars: Vec<Var> = fills.iter().flat_map(|fill| fill.source.vars()).collect();
        vars.sort_unstable();
        vars.dedup();
        condition.decides = condition.decides.map(self.var);
        condition.fills = fills.into();
        condition.vars = vars.into();
    }

    fn source(&self, source: &mut Source) {
        let rename = self.var;
        match source {
            Source::Node(var) | Source::Edge(var) | Source::Walk(var) => *var = rename(*var),
            Source::GroupEdges { walk, .. } => *walk = rename(*walk),
            Source::GroupNodes { start, walk, .. } => {
                *start = rename(*start);
                *walk = rename(*walk);
            }
            Source::Path(start, walks) => {
                *start = rename(*start);
                *walks = walks.iter().map(|walk| rename(*walk)).collect();
            }
            Source::Length(walks) => {
                *walks = walks.iter().map(|walk| rename(*walk)).collect();
            }
        }
    }
}
