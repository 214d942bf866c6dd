//! `MATCH` clauses and patterns in expressions.

use std::sync::Arc;

use foothold_engine::pattern::{Lookup, NodePattern, Pattern, Plan, Var, VarKind};

use crate::ast::{CompareOp, Expr as Tree, ExprKind, Ident, MatchClause, PathPattern, Span};
use crate::diagnostic::{Code, Diagnostic};
use crate::expr::{Expr, Slot};
use crate::plan::hint::{decides, hints};
use crate::plan::lookup::lookups;
use crate::plan::path_filter::{Parts, path_filter};
use crate::plan::{Body, Cond, Line, MatchOp, Node, Op, Output, Source, Subplan};
use crate::plan::{live, wanted};
use crate::types::Ty;

use super::{Resolver, Scope};

/// Parts of a pattern are matched by nested calls, so their number is bounded.
const MAX_PARTS: usize = 400;

/// A condition met while the shape of a pattern is read; resolved once every name is known.
pub(super) enum Pending<'t> {
    /// Inline `WHERE`.
    Where(&'t Tree),
    /// An entry of a property map of the thing in a slot.
    Property(Slot, &'t Ident, &'t Tree),
}

/// Where a condition belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Home {
    /// The whole pattern.
    Pattern,
    /// A repeated part among the pattern's edges.
    Repeat(usize),
    /// A path with its own mode or selector.
    Path(usize),
    /// A repeated part of such a path.
    PathRepeat(usize, usize),
}

/// A condition with its home and the names only it sees.
pub(super) struct Draft<'t> {
    pub(super) pending: Pending<'t>,
    pub(super) home: Home,
    pub(super) locals: Vec<(String, Slot, Ty)>,
}

/// A cost expression with the part it belongs to.
pub(super) struct CostDraft<'t> {
    pub(super) tree: &'t Tree,
    pub(super) home: Home,
    pub(super) edge: usize,
    pub(super) locals: Vec<(String, Slot, Ty)>,
}

/// A pattern while it is read.
pub(super) struct Builder<'t> {
    pub(super) pattern: Pattern<Cond>,
    /// The names of this `MATCH`: what they stand for.
    pub(super) names: Vec<(String, Var, VarKind)>,
    pub(super) scope: Scope,
    pub(super) inputs: Vec<(Var, Slot, Span)>,
    /// Every slot the pattern fills, named or not.
    pub(super) sources: Vec<Output>,
    /// Those that later clauses see.
    pub(super) outputs: Vec<Output>,
    pub(super) drafts: Vec<Draft<'t>>,
    pub(super) costs: Vec<CostDraft<'t>>,
    /// The paths of `shortestPath` and its kin: their slots and places.
    pub(super) searched: Vec<(Slot, usize)>,
    /// Names that were not there before.
    pub(super) introduced: Vec<(String, Span)>,
}

impl Resolver<'_> {
    pub(crate) fn match_clause(
        &mut self,
        clause: &MatchClause,
        scope: &mut Scope,
        nodes: &mut Vec<Node>,
    ) {
        let paths: Vec<&PathPattern> = clause.patterns.iter().collect();
        let (mut op, after, _) = self.unplanned(&paths, clause.filter.as_ref(), scope);
        op.is_optional = clause.optional;
        *scope = after;
        let node = self.node(Op::Match(Box::new(op)), 1.0);
        nodes.push(node);
    }

    /// A pattern inside an expression, as a subquery. With `map`, or for a named path, the slot and
    /// type of its result.
    pub(super) fn pattern_subplan(
        &mut self,
        path: &PathPattern,
        filter: Option<&Tree>,
        map: Option<&Tree>,
        scope: &Scope,
    ) -> (Arc<Subplan>, Option<(Slot, Ty)>) {
        let (plan, result) = self.isolated(|resolver| {
            let first_new = resolver.open_reads();
            let (op, inner, introduced) = resolver.unplanned(&[path], filter, scope);
            if map.is_none() {
                for (name, span) in introduced {
                    resolver.unknown_variable(&name, span, scope);
                }
            }
            let path_slot = op
                .outputs
                .iter()
                .find(|output| matches!(output.source, Source::Path(..)));
            let mut result = path_slot.map(|output| (output.slot, Ty::Path));
            let node = resolver.node(Op::Match(Box::new(op)), 1.0);
            let mut nodes = vec![node];
            if let Some(map) = map {
                resolver.no_aggregate = Some("an aggregate cannot stand inside a comprehension");
                let (expr, ty) = resolver.value(map, &inner);
                let slot = resolver.slot();
                let node = resolver.node(Op::Assign(vec![(slot, expr)]), 1.0);
                nodes.push(node);
                result = Some((slot, ty));
            }
            let outputs: Vec<Slot> = result.iter().map(|result| result.0).collect();
            resolver.plan_line(&mut nodes, &outputs, result.is_none());
            let reads = resolver.close_reads(first_new);
            let body = Body {
                parts: vec![Line {
                    nodes,
                    outputs: Vec::new(),
                }],
                is_distinct: false,
                columns: Vec::new(),
                results: Vec::new(),
            };
            (Subplan { body, reads }, result)
        });
        (Arc::new(plan), result)
    }

    /// Plans the matches of a line whose operators are all known. `outputs` are the slots read after
    /// it; `is_exists`: only whether it has a row.
    pub(super) fn plan_line(&mut self, nodes: &mut Vec<Node>, outputs: &[Slot], is_exists: bool) {
        let line = wanted::LineUse {
            outputs,
            ends_in_exists: is_exists,
            is_random: self.is_random,
            order: self.order,
        };
        let snapshot = self.snapshot;
        wanted::rewrite(snapshot, nodes, &line, &mut || self.slot());
        for node in nodes {
            if let Op::Match(op) = &node.op {
                let lines = op.plan.lines(snapshot);
                node.estimate = lines.last().map_or(1.0, |line| line.estimate);
            }
        }
    }

    /// Resolves and plans path patterns that are matched together; returns the scope after them and
    /// the names they introduce.
    pub(crate) fn matching(
        &mut self,
        paths: &[&PathPattern],
        filter: Option<&Tree>,
        scope: &Scope,
    ) -> (MatchOp, Scope, Vec<(String, Span)>) {
        let (mut op, after, introduced) = self.unplanned(paths, filter, scope);
        let bound: Vec<Var> = op.inputs.iter().map(|input| input.0).collect();
        op.plan = Plan::new(self.snapshot, &op.pattern, &bound);
        (op, after, introduced)
    }

    /// The same, to be planned by [`Resolver::plan_line`] when every use of its rows is known.
    fn unplanned(
        &mut self,
        paths: &[&PathPattern],
        filter: Option<&Tree>,
        scope: &Scope,
    ) -> (MatchOp, Scope, Vec<(String, Span)>) {
        let mut builder = Builder {
            pattern: Pattern::default(),
            names: Vec::new(),
            scope: scope.clone(),
            inputs: Vec::new(),
            sources: Vec::new(),
            outputs: Vec::new(),
            drafts: Vec::new(),
            costs: Vec::new(),
            searched: Vec::new(),
            introduced: Vec::new(),
        };
        for path in paths {
            self.path(path, &mut builder);
        }
        let n_parts = builder.pattern.nodes.len() + builder.pattern.edges.len();
        self.n_parts += n_parts;
        if self.n_parts > MAX_PARTS {
            let span = paths.first().map_or(Span::default(), |path| path.span);
            let message =
                format!("the patterns of a query have at most {MAX_PARTS} nodes and relationships");
            self.error(Code::TooLarge, span, message);
            builder.pattern = Pattern::default();
        }
        let (drafts, costs) = (
            std::mem::take(&mut builder.drafts),
            std::mem::take(&mut builder.costs),
        );
        for draft in drafts {
            self.draft(draft, &mut builder);
        }
        for cost in costs {
            self.cost(&cost, &mut builder);
        }
        if let Some(filter) = filter {
            let before = self.is_condition;
            self.is_condition = true;
            for conjunct in conjuncts(filter) {
                let (expr, ty) = self.expr(conjunct, &builder.scope.clone());
                if !ty.may_be_bool() {
                    self.mismatch(conjunct.span, "a boolean", &ty);
                }
                add_hints(&mut builder, &expr);
                self.add_lookups(&mut builder, &expr, conjunct.span);
                self.add_path_filter(&mut builder, &expr, conjunct.span);
                let cond = self.cond(expr, conjunct.span, &builder.sources);
                builder.pattern.conditions.push(cond);
            }
            self.is_condition = before;
        }
        self.check_reach(paths, &builder);
        live::mark_reads(&mut builder.pattern, &builder.outputs);
        for input in &builder.inputs {
            self.read(input.1);
        }
        let op = MatchOp {
            pattern: builder.pattern,
            plan: Plan::none(),
            inputs: builder.inputs,
            outputs: builder.outputs,
            is_optional: false,
        };
        (op, builder.scope, builder.introduced)
    }

    /// A condition that a selector must know beforehand cannot look at two far places of the path.
    fn check_reach(&mut self, paths: &[&PathPattern], builder: &Builder<'_>) {
        for path in &builder.pattern.paths {
            if path.selector == foothold_engine::pattern::Selector::All {
                continue;
            }
            for condition in &path.conditions {
                let vars: Vec<Var> = condition
                    .vars
                    .iter()
                    .copied()
                    .filter(|var| !builder.inputs.iter().any(|input| input.0 == *var))
                    .collect();
                let start = path.edges.first().map(|edge| edge.from);
                let open: Vec<Var> = vars
                    .iter()
                    .copied()
                    .filter(|var| Some(*var) != start)
                    .collect();
                let is_near = open.len() < 2
                    || path.edges.iter().any(|edge| {
                        edge.repeat.is_none()
                            && open
                                .iter()
                                .all(|var| [edge.var, edge.from, edge.to].contains(var))
                    });
                if !is_near {
                    let span = paths.first().map_or(condition.span, |_| condition.span);
                    let message =
                        "a condition inside a selected path looks at two distant places of it";
                    let diagnostic = Diagnostic::new(Code::NotSupported, span, message);
                    self.report(diagnostic.help(
                        "move it to `WHERE` after the pattern, if it may apply to the chosen paths",
                    ));
                }
            }
        }
    }

    fn draft(&mut self, draft: Draft<'_>, builder: &mut Builder<'_>) {
        let mut scope = builder.scope.clone();
        for (name, slot, ty) in draft.locals {
            scope.add(&name, slot, ty);
        }
        let conditions: Vec<(Expr, Span)> = match draft.pending {
            Pending::Where(tree) => conjuncts(tree)
                .into_iter()
                .map(|tree| (self.condition(tree, &scope), tree.span))
                .collect(),
            Pending::Property(slot, key, value) => {
                let (value_expr, _) = self.value(value, &scope);
                let property = Expr::Property {
                    base: Box::new(Expr::Slot(slot)),
                    name: key.name.as_str().into(),
                    prop: self.snapshot.prop_id(&key.name),
                    span: key.span,
                };
                self.check_property(&key.name, key.span);
                let links = vec![(CompareOp::Equal, value_expr)];
                vec![(
                    Expr::Compare(Box::new(property), links),
                    key.span.to(value.span),
                )]
            }
        };
        for (expr, span) in conditions {
            add_hints(builder, &expr);
            self.add_lookups(builder, &expr, span);
            let cond = self.cond(expr, span, &builder.sources);
            match draft.home {
                Home::Pattern => builder.pattern.conditions.push(cond),
                Home::Path(path) => {
                    if let Some(path) = builder.pattern.paths.get_mut(path) {
                        path.conditions.push(cond);
                    }
                }
                Home::Repeat(edge) => {
                    let edge = builder.pattern.edges.get_mut(edge);
                    if let Some(repeat) = edge.and_then(|edge| edge.repeat.as_mut()) {
                        repeat.conditions.push(cond);
                    }
                }
                Home::PathRepeat(path, edge) => {
                    let path = builder.pattern.paths.get_mut(path);
                    let edge = path.and_then(|path| path.edges.get_mut(edge));
                    if let Some(repeat) = edge.and_then(|edge| edge.repeat.as_mut()) {
                        repeat.conditions.push(cond);
                    }
                }
            }
        }
    }

    fn cost(&mut self, draft: &CostDraft<'_>, builder: &mut Builder<'_>) {
        let mut scope = builder.scope.clone();
        for (name, slot, ty) in &draft.locals {
            scope.add(name, *slot, ty.clone());
        }
        let (expr, ty) = self.value(draft.tree, &scope);
        if !ty.may_be_number() {
            self.mismatch(draft.tree.span, "a number", &ty);
        }
        let cond = self.cond(expr, draft.tree.span, &builder.sources);
        let edge = match draft.home {
            Home::Path(path) | Home::PathRepeat(path, _) => builder
                .pattern
                .paths
                .get_mut(path)
                .and_then(|path| path.edges.get_mut(draft.edge)),
            _ => builder.pattern.edges.get_mut(draft.edge),
        };
        if let Some(edge) = edge {
            match edge
                .repeat
                .as_mut()
                .and_then(|repeat| repeat.body.first_mut())
            {
                Some(hop) => hop.cost = Some(cond),
                None => edge.cost = Some(cond),
            }
        }
    }

    fn add_lookups(&mut self, builder: &mut Builder<'_>, condition: &Expr, span: Span) {
        for (slot, property, value) in lookups(condition) {
            let var = builder
                .sources
                .iter()
                .find_map(|output| match output.source {
                    Source::Node(var) if output.slot == slot => Some(var),
                    _ => None,
                });
            let Some(var) =
                var.filter(|&var| builder.pattern.nodes.iter().any(|node| node.var == var))
            else {
                continue;
            };
            let value = self.cond(value.clone(), span, &builder.sources);
            builder.pattern.lookups.push(Lookup {
                var,
                property,
                value,
            });
        }
    }

    /// Lets `shortestPath` search only among paths that obey a condition on each of their parts.
    fn add_path_filter(&mut self, builder: &mut Builder<'_>, condition: &Expr, span: Span) {
        let Some(filter) = path_filter(condition, span) else {
            return;
        };
        let Some((_, path)) = builder
            .searched
            .iter()
            .find(|(slot, _)| *slot == filter.path)
            .copied()
        else {
            return;
        };
        let Some(edge) = builder
            .pattern
            .paths
            .get(path)
            .and_then(|path| path.edges.first())
        else {
            return;
        };
        let start = edge.from;
        let Some(hop) = edge.repeat.as_ref().and_then(|repeat| repeat.body.first()) else {
            return;
        };
        let source = match filter.parts {
            Parts::Nodes => Source::Node(hop.target.var),
            Parts::Relationships => Source::Edge(hop.edge),
        };
        let mut sources = builder.sources.clone();
        sources.push(Output {
            slot: filter.part,
            source,
        });
        let inside = self.cond(filter.condition.clone(), span, &sources);
        let at_start = (filter.parts == Parts::Nodes).then(|| {
            let mut sources = builder.sources.clone();
            sources.push(Output {
                slot: filter.part,
                source: Source::Node(start),
            });
            self.cond(filter.condition.clone(), span, &sources)
        });
        let Some(path) = builder.pattern.paths.get_mut(path) else {
            return;
        };
        path.conditions.extend(at_start);
        if let Some(repeat) = path.edges.first_mut().and_then(|edge| edge.repeat.as_mut()) {
            repeat.conditions.push(inside);
        }
    }

    fn cond(&mut self, expr: Expr, span: Span, sources: &[Output]) -> Cond {
        let mut slots = Vec::new();
        expr.slots(&mut |slot| slots.push(slot));
        slots.sort_unstable();
        slots.dedup();
        let mut fills: Vec<Output> = Vec::new();
        for slot in slots {
            fills.extend(sources.iter().find(|output| output.slot == slot).cloned());
        }
        let mut vars: Vec<Var> = fills
            .iter()
            .flat_map(|output| output.source.vars())
            .collect();
        vars.sort_unstable();
        vars.dedup();
        let decides = decides(&expr).and_then(|slot| {
            fills.iter().find_map(|fill| match fill.source {
                Source::Node(var) if fill.slot == slot => Some(var),
                _ => None,
            })
        });
        Cond {
            decides,
            expr: Arc::new(expr),
            vars: vars.into(),
            fills: fills.into(),
            span,
            text: span.slice(self.text).into(),
        }
    }

    /// The entries of a property map as conditions on the thing in `slot`.
    pub(super) fn properties<'t>(
        &mut self,
        properties: Option<&'t Tree>,
        slot: Slot,
        home: Home,
        locals: &[(String, Slot, Ty)],
        builder: &mut Builder<'t>,
    ) {
        let Some(tree) = properties else {
            return;
        };
        match &tree.kind {
            ExprKind::Map(entries) => {
                for entry in entries {
                    let pending = Pending::Property(slot, &entry.key, &entry.value);
                    builder.drafts.push(Draft {
                        pending,
                        home,
                        locals: locals.to_vec(),
                    });
                }
            }
            ExprKind::Parameter(name) => {
                let message = format!("`${name}` cannot stand for the properties of a pattern");
                let diagnostic = Diagnostic::new(Code::ParameterPattern, tree.span, message);
                self.report(diagnostic.help(format!("write `{{name: ${name}.name}}`")));
            }
            _ => self.mismatch(tree.span, "a map", &Ty::Any),
        }
    }
}

/// The operands of a conjunction.
pub(super) fn conjuncts(tree: &Tree) -> Vec<&Tree> {
    match &tree.kind {
        ExprKind::And(operands) => operands.iter().flat_map(conjuncts).collect(),
        _ => vec![tree],
    }
}

fn add_hints(builder: &mut Builder<'_>, condition: &Expr) {
    for (slot, hint) in hints(condition) {
        let var = builder
            .sources
            .iter()
            .find_map(|output| match output.source {
                Source::Node(var) if output.slot == slot => Some(var),
                _ => None,
            });
        let node = |node: &&mut NodePattern| Some(node.var) == var;
        if let Some(node) = builder.pattern.nodes.iter_mut().find(node) {
            node.hints.push(hint);
        }
    }
}
