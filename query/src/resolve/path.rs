//! One path pattern: its elements become nodes, edges and repeated parts.

use std::sync::Arc;

use foothold_engine::pattern::{
    Direction, EdgePattern, Hop, LabelExpr, Mode, NodePattern, PathPattern as EnginePath, Repeat,
    Selector, Var, VarKind,
};

use crate::ast::{self, Count, Ident, PathElement, PathMode, PathPattern, RelationshipPattern};
use crate::diagnostic::{Code, Diagnostic};
use crate::expr::Slot;
use crate::plan::{Cond, Source};
use crate::types::Ty;
use crate::value::Val;

use super::Resolver;
use super::names::{introduce, kind_name};
use super::pattern::{Builder, CostDraft, Draft, Home, Pending};

/// A name seen only inside a repeated part.
pub(super) type Local = (String, Slot, Ty);

impl Resolver<'_> {
    pub(super) fn path<'t>(&mut self, path: &'t PathPattern, builder: &mut Builder<'t>) {
        if let Some(name) = &path.variable {
            let is_known = builder.names.iter().any(|known| known.0 == name.name)
                || builder.scope.find(&name.name).is_some();
            if is_known {
                let message = format!(
                    "`{}` is bound already; a path needs a name of its own",
                    name.name
                );
                self.error(Code::VariableBound, name.span, message);
            }
            // Reserved at once, so that no element of the path can take it.
            builder
                .names
                .push((name.name.clone(), Var(u16::MAX), VarKind::Walk));
        }
        let has_edges = path
            .elements
            .iter()
            .any(|element| !matches!(element, PathElement::Node(_)));
        let is_special = (path.selector.is_some() || path.mode.is_some()) && has_edges;
        let special = is_special.then(|| {
            let selector = self.selector(path);
            let mode = match path.mode {
                Some(PathMode::Walk) => Mode::Walk,
                None | Some(PathMode::Trail) => Mode::Trail,
                Some(PathMode::Acyclic) => Mode::Acyclic,
                Some(PathMode::Simple) => Mode::Simple,
            };
            builder.pattern.paths.push(EnginePath {
                mode,
                selector,
                edges: Vec::new(),
                conditions: Vec::new(),
            });
            builder.pattern.paths.len() - 1
        });
        let mut walk = WalkDraft {
            special,
            start: None,
            end: None,
            edges: Vec::new(),
        };
        self.elements(&path.elements, &mut walk, builder);
        self.check_unbounded_walk(path, special, builder);
        if let (Some(name), Some(start)) = (&path.variable, walk.start) {
            builder
                .names
                .retain(|known| known.1 != Var(u16::MAX) || known.0 != name.name);
            let slot = self.slot();
            let source = Source::Path(start, Arc::from(walk.edges));
            let is_searched = matches!(
                path.selector,
                Some(ast::Selector::ShortestPathFunction | ast::Selector::AllShortestPathsFunction)
            );
            if let (true, Some(at)) = (is_searched, special) {
                builder.searched.push((slot, at));
            }
            introduce(
                Some(name),
                (Var(u16::MAX), VarKind::Walk),
                slot,
                Ty::Path,
                source,
                builder,
            );
        } else if path.selector.is_some() && path.variable.is_none() {
            // `shortestPath(...)` as a value: the path is the result though it has no name.
            if let Some(start) = walk.start {
                let slot = self.slot();
                let source = Source::Path(start, Arc::from(walk.edges));
                builder.sources.push(crate::plan::Output {
                    slot,
                    source: source.clone(),
                });
                builder.outputs.push(crate::plan::Output { slot, source });
            }
        }
    }

    fn check_unbounded_walk(
        &mut self,
        path: &PathPattern,
        special: Option<usize>,
        builder: &Builder<'_>,
    ) {
        let Some(drawn) = special.and_then(|at| builder.pattern.paths.get(at)) else {
            return;
        };
        let is_unbounded = drawn.edges.iter().any(|edge| {
            edge.repeat
                .as_ref()
                .is_some_and(|repeat| repeat.max.is_none())
        });
        if drawn.mode == Mode::Walk && drawn.selector == Selector::All && is_unbounded {
            let message = "an unbounded `WALK` has no end";
            let diagnostic = Diagnostic::new(Code::UnboundedWalk, path.span, message);
            self.report(diagnostic.help("give a bound such as `{1,5}`, a selector such as `ANY SHORTEST`, or the mode `TRAIL`"));
        }
    }

    fn selector(&mut self, path: &PathPattern) -> Selector {
        match &path.selector {
            None | Some(ast::Selector::All) => Selector::All,
            Some(ast::Selector::Any(count)) => Selector::Any(self.path_count(count.as_ref())),
            Some(ast::Selector::AnyShortest | ast::Selector::ShortestPathFunction) => {
                Selector::Shortest(1)
            }
            Some(ast::Selector::AllShortest | ast::Selector::AllShortestPathsFunction) => {
                Selector::AllShortest
            }
            Some(ast::Selector::Shortest(count)) => {
                Selector::Shortest(self.path_count(Some(count)))
            }
            Some(ast::Selector::ShortestGroups(count)) => {
                Selector::ShortestGroups(self.path_count(count.as_ref()))
            }
            Some(ast::Selector::AnyCheapest) => Selector::Cheapest(1),
            Some(ast::Selector::Cheapest(count)) => {
                Selector::Cheapest(self.path_count(count.as_ref()))
            }
        }
    }

    fn path_count(&mut self, count: Option<&Count>) -> u32 {
        let (number, span) = match count {
            None => return 1,
            Some(Count::Number(number, span)) => (i64::try_from(*number).ok(), *span),
            Some(Count::Parameter(name, span)) => match self.params.get(name) {
                Some(Val::Int(number)) => (Some(*number), *span),
                Some(_) => (None, *span),
                None => {
                    let message = format!("the parameter `${name}` was not given");
                    self.error(Code::MissingParameter, *span, message);
                    return 1;
                }
            },
        };
        match number.and_then(|number| u32::try_from(number).ok()) {
            Some(number) if number > 0 => number,
            _ => {
                self.error(
                    Code::NegativeCount,
                    span,
                    "a number of paths is a positive integer",
                );
                1
            }
        }
    }

    pub(super) fn elements<'t>(
        &mut self,
        elements: &'t [PathElement],
        walk: &mut WalkDraft,
        builder: &mut Builder<'t>,
    ) {
        let mut at = 0;
        while let Some(element) = elements.get(at) {
            match element {
                PathElement::Node(node) => {
                    let var = match walk.end {
                        // Beside a group: the same node under a second pattern.
                        Some(end) if !follows_edge(elements, at) => {
                            self.same_node(end, node, builder)
                        }
                        _ => self.pattern_node(node, builder),
                    };
                    self.node_conditions(node, var, walk.home(), builder);
                    walk.reach(var);
                    at += 1;
                }
                PathElement::Relationship(relationship) => {
                    let from = walk.end_or_new(self, builder);
                    let to = match elements.get(at + 1) {
                        Some(PathElement::Node(node)) => {
                            let var = self.pattern_node(node, builder);
                            self.node_conditions(node, var, walk.home(), builder);
                            var
                        }
                        _ => self.anonymous(builder),
                    };
                    self.relationship(relationship, from, to, walk, builder);
                    walk.end = Some(to);
                    at += if matches!(elements.get(at + 1), Some(PathElement::Node(_))) {
                        2
                    } else {
                        1
                    };
                }
                PathElement::Group(group) => {
                    self.group(group, walk, builder);
                    at += 1;
                }
            }
        }
    }

    pub(super) fn anonymous(&mut self, builder: &mut Builder<'_>) -> Var {
        let var = builder.pattern.node("", LabelExpr::Any);
        let slot = self.slot();
        introduce(
            None,
            (var, VarKind::Node),
            slot,
            Ty::Node,
            Source::Node(var),
            builder,
        );
        var
    }

    /// A second pattern for a node that is there already, perhaps under a second name.
    pub(super) fn same_node(
        &mut self,
        var: Var,
        node: &ast::NodePattern,
        builder: &mut Builder<'_>,
    ) -> Var {
        let labels = node
            .labels
            .as_ref()
            .map_or(LabelExpr::Any, |labels| self.labels(labels));
        let Some(name) = &node.variable else {
            if let Some(pattern) = builder
                .pattern
                .nodes
                .iter_mut()
                .find(|known| known.var == var)
            {
                let before = std::mem::replace(&mut pattern.labels, LabelExpr::Any);
                pattern.labels = before.and(labels);
            }
            return var;
        };
        let is_known = builder.names.iter().any(|known| known.0 == name.name)
            || builder.scope.find(&name.name).is_some();
        if is_known {
            // Two known nodes that must be one: join them by a walk of no step.
            let other = self.pattern_node(node, builder);
            if other != var {
                join(var, other, builder);
            }
            return other;
        }
        if let Some(pattern) = builder
            .pattern
            .nodes
            .iter_mut()
            .find(|known| known.var == var)
        {
            let before = std::mem::replace(&mut pattern.labels, LabelExpr::Any);
            pattern.labels = before.and(labels);
        }
        let slot = self.slot();
        introduce(
            Some(name),
            (var, VarKind::Node),
            slot,
            Ty::Node,
            Source::Node(var),
            builder,
        );
        var
    }

    pub(super) fn node_conditions<'t>(
        &mut self,
        node: &'t ast::NodePattern,
        var: Var,
        home: Home,
        builder: &mut Builder<'t>,
    ) {
        if let Some(slot) = Self::slot_of(var, builder) {
            self.properties(node.properties.as_deref(), slot, home, &[], builder);
        }
        if let Some(filter) = &node.filter {
            let pending = Pending::Where(filter);
            builder.drafts.push(Draft {
                pending,
                home,
                locals: Vec::new(),
            });
        }
    }

    fn relationship<'t>(
        &mut self,
        relationship: &'t RelationshipPattern,
        from: Var,
        to: Var,
        walk: &mut WalkDraft,
        builder: &mut Builder<'t>,
    ) {
        let kinds = match (&relationship.variable, &relationship.kinds) {
            (_, None) => self.surroundings.any_kind(),
            (Some(name), Some(kinds)) => match self.swapped(name, kinds, false) {
                Some(kind) => kind,
                None => self.kinds(kinds),
            },
            (None, Some(kinds)) => self.kinds(kinds),
        };
        let direction = direction(relationship.direction);
        let name = relationship.variable.as_ref();
        if let (Some(name), None) = (name, &relationship.kinds) {
            self.check_name(name, false);
        }
        let Some(quantifier) = &relationship.quantifier else {
            let var = self.edge_var(name, VarKind::Edge, builder);
            let mut edge = edge_pattern(var, from, to, None);
            edge.direction = direction;
            edge.kinds = kinds;
            let at = walk.push(edge, builder);
            if let Some(slot) = Self::slot_of(var, builder) {
                self.properties(
                    relationship.properties.as_deref(),
                    slot,
                    walk.home(),
                    &[],
                    builder,
                );
            }
            if let Some(filter) = &relationship.filter {
                let pending = Pending::Where(filter);
                builder.drafts.push(Draft {
                    pending,
                    home: walk.home(),
                    locals: Vec::new(),
                });
            }
            if let Some(tree) = &relationship.cost {
                builder.costs.push(CostDraft {
                    tree,
                    home: walk.home(),
                    edge: at,
                    locals: Vec::new(),
                });
            }
            return;
        };
        let var = self.edge_var(name, VarKind::Walk, builder);
        let start = builder.pattern.var("", VarKind::Node);
        let edge_var = builder.pattern.var("", VarKind::Edge);
        let target = builder.pattern.var("", VarKind::Node);
        let slot = self.slot();
        builder.sources.push(crate::plan::Output {
            slot,
            source: Source::Edge(edge_var),
        });
        let any = |var| NodePattern {
            var,
            labels: LabelExpr::Any,
            hints: Vec::new(),
        };
        let hop = Hop {
            edge: edge_var,
            direction,
            kinds,
            target: any(target),
            cost: None,
        };
        let repeat = Repeat {
            min: bound(quantifier.min_or_default()),
            max: quantifier.max.map(bound),
            start: any(start),
            body: vec![hop],
            conditions: Vec::new(),
            is_reach: false,
        };
        let at = walk.push(edge_pattern(var, from, to, Some(repeat)), builder);
        let home = walk.repeat_home(at);
        // Inside the brackets the name stands for one relationship.
        let locals: Vec<Local> = name
            .map(|name| (name.name.clone(), slot, Ty::Rel))
            .into_iter()
            .collect();
        self.properties(
            relationship.properties.as_deref(),
            slot,
            home,
            &locals,
            builder,
        );
        if let Some(filter) = &relationship.filter {
            let pending = Pending::Where(filter);
            builder.drafts.push(Draft {
                pending,
                home,
                locals: locals.clone(),
            });
        }
        if let Some(tree) = &relationship.cost {
            builder.costs.push(CostDraft {
                tree,
                home,
                edge: at,
                locals,
            });
        }
    }

    /// The variable of a relationship or of a repeated one.
    fn edge_var(&mut self, name: Option<&Ident>, kind: VarKind, builder: &mut Builder<'_>) -> Var {
        let Some(name) = name else {
            let var = builder.pattern.var("", kind);
            if kind == VarKind::Edge {
                let slot = self.slot();
                introduce(None, (var, kind), slot, Ty::Rel, Source::Edge(var), builder);
            }
            return var;
        };
        let source = |var| match kind {
            VarKind::Walk => Source::Walk(var),
            _ => Source::Edge(var),
        };
        if let Some((_, known_var, known)) = builder.names.iter().find(|known| known.0 == name.name)
        {
            let is_called = kind_name(*known, *known_var);
            if *known == VarKind::Edge && kind == VarKind::Edge {
                let message = format!("`{}` names two relationships of one pattern", name.name);
                let diagnostic = Diagnostic::new(Code::VariableBound, name.span, message);
                self.report(
                    diagnostic.help("one relationship cannot stand at two places of a `MATCH`"),
                );
            } else {
                self.two_kinds(name, "a relationship", is_called);
            }
            return builder.pattern.var("", kind);
        }
        if let Some((_, variable)) = builder.scope.find(&name.name) {
            let (slot, ty) = (variable.slot, variable.ty.clone());
            if variable.is_ungrouped {
                self.ungrouped(&name.name, name.span);
            }
            let fits = match kind {
                VarKind::Walk => match &ty {
                    Ty::List(element) => element.is_open() || **element == Ty::Rel,
                    other => other.is_open(),
                },
                _ => ty.is_open() || ty == Ty::Rel,
            };
            if !fits {
                self.two_kinds(name, "a relationship", ty.name());
            }
            let var = builder.pattern.var(&name.name, kind);
            builder.names.push((name.name.clone(), var, kind));
            builder.inputs.push((var, slot, name.span));
            builder.sources.push(crate::plan::Output {
                slot,
                source: source(var),
            });
            return var;
        }
        let var = builder.pattern.var(&name.name, kind);
        let slot = self.slot();
        let ty = match kind {
            VarKind::Walk => Ty::list(Ty::Rel),
            _ => Ty::Rel,
        };
        introduce(Some(name), (var, kind), slot, ty, source(var), builder);
        var
    }
}

/// A path while its elements are read.
pub(super) struct WalkDraft {
    /// Its place among the paths with a mode or selector.
    pub(super) special: Option<usize>,
    pub(super) start: Option<Var>,
    pub(super) end: Option<Var>,
    pub(super) edges: Vec<Var>,
}

impl WalkDraft {
    pub(super) fn home(&self) -> Home {
        self.special.map_or(Home::Pattern, Home::Path)
    }

    pub(super) fn repeat_home(&self, edge: usize) -> Home {
        match self.special {
            None => Home::Repeat(edge),
            Some(path) => Home::PathRepeat(path, edge),
        }
    }

    pub(super) fn reach(&mut self, var: Var) {
        self.start.get_or_insert(var);
        self.end = Some(var);
    }

    pub(super) fn end_or_new(
        &mut self,
        resolver: &mut Resolver<'_>,
        builder: &mut Builder<'_>,
    ) -> Var {
        match self.end {
            Some(end) => end,
            None => {
                let var = resolver.anonymous(builder);
                self.reach(var);
                var
            }
        }
    }

    pub(super) fn push(&mut self, edge: EdgePattern<Cond>, builder: &mut Builder<'_>) -> usize {
        self.edges.push(edge.var);
        let path = self
            .special
            .and_then(|at| builder.pattern.paths.get_mut(at));
        let edges = match path {
            Some(path) => &mut path.edges,
            None => &mut builder.pattern.edges,
        };
        edges.push(edge);
        edges.len() - 1
    }
}

/// Two nodes that are one.
fn join(from: Var, to: Var, builder: &mut Builder<'_>) {
    let var = builder.pattern.var("", VarKind::Walk);
    let start = builder.pattern.var("", VarKind::Node);
    let edge = builder.pattern.var("", VarKind::Edge);
    let target = builder.pattern.var("", VarKind::Node);
    let node = |var| NodePattern {
        var,
        labels: LabelExpr::Any,
        hints: Vec::new(),
    };
    let hop = Hop {
        edge,
        direction: Direction::Out,
        kinds: LabelExpr::Any,
        target: node(target),
        cost: None,
    };
    let repeat = Repeat {
        min: 0,
        max: Some(0),
        start: node(start),
        body: vec![hop],
        conditions: Vec::new(),
        is_reach: false,
    };
    builder
        .pattern
        .edges
        .push(edge_pattern(var, from, to, Some(repeat)));
}

/// Whether the node at `at` is the end of the relationship before it.
fn follows_edge(elements: &[PathElement], at: usize) -> bool {
    at.checked_sub(1)
        .and_then(|before| elements.get(before))
        .is_some_and(|before| matches!(before, PathElement::Relationship(_)))
}

pub(super) fn edge_pattern(
    var: Var,
    from: Var,
    to: Var,
    repeat: Option<Repeat<Cond>>,
) -> EdgePattern<Cond> {
    EdgePattern {
        var,
        from,
        to,
        direction: Direction::Out,
        kinds: LabelExpr::Any,
        repeat,
        cost: None,
    }
}

pub(super) fn direction(direction: ast::Direction) -> Direction {
    match direction {
        ast::Direction::Outgoing => Direction::Out,
        ast::Direction::Incoming => Direction::In,
        ast::Direction::Either => Direction::Any,
    }
}

pub(super) fn bound(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
