//! Parenthesised parts of a path, `((a)-[r]->(b) WHERE ...){1,3}`.

use foothold_engine::pattern::{Hop, LabelExpr, NodePattern, Repeat, Var, VarKind};

use crate::ast::{self, Ident, PathElement, PathGroup, RelationshipPattern};
use crate::diagnostic::Code;
use crate::expr::Slot;
use crate::plan::Source;
use crate::types::Ty;

use super::Resolver;
use super::names::introduce;
use super::path::{Local, WalkDraft, bound, direction, edge_pattern};
use super::pattern::{Builder, CostDraft, Draft, Pending};

impl Resolver<'_> {
    /// `((a)-[r]->(b) WHERE ...){1,3}`.
    pub(super) fn group<'t>(
        &mut self,
        group: &'t PathGroup,
        walk: &mut WalkDraft,
        builder: &mut Builder<'t>,
    ) {
        if let Some(selector_or_mode) = group.path.mode.map(|_| group.path.span) {
            let message = "a mode stands at the start of a path, not inside a group";
            self.error(Code::NotSupported, selector_or_mode, message);
        }
        if let Some(name) = &group.path.variable {
            self.error(
                Code::NotSupported,
                name.span,
                "a path inside a group cannot be named",
            );
        }
        let Some(quantifier) = &group.quantifier else {
            // Exactly once: as if its elements stood there themselves.
            self.joined(&group.path.elements, walk, builder);
            if let Some(filter) = &group.filter {
                let pending = Pending::Where(filter);
                builder.drafts.push(Draft {
                    pending,
                    home: walk.home(),
                    locals: Vec::new(),
                });
            }
            return;
        };
        let from = walk.end_or_new(self, builder);
        let to = self.anonymous(builder);
        let n_hops = group
            .path
            .elements
            .iter()
            .filter(|element| matches!(element, PathElement::Relationship(_)))
            .count();
        let var = builder.pattern.var("", VarKind::Walk);
        let mut locals: Vec<Local> = Vec::new();
        let mut outer: Vec<(&'t Ident, Ty, Source)> = Vec::new();
        let mut drafts: Vec<(Option<Slot>, Option<&'t ast::Expr>, Option<&'t ast::Expr>)> =
            Vec::new();
        let mut nodes: Vec<NodePattern> = Vec::new();
        let mut hops: Vec<(Var, &'t RelationshipPattern, LabelExpr)> = Vec::new();
        for element in &group.path.elements {
            match element {
                PathElement::Node(node) => {
                    let labels = node
                        .labels
                        .as_ref()
                        .map_or(LabelExpr::Any, |labels| self.labels(labels));
                    let node_var = builder.pattern.var("", VarKind::Node);
                    let slot = self.slot();
                    builder.sources.push(crate::plan::Output {
                        slot,
                        source: Source::Node(node_var),
                    });
                    if let Some(name) = &node.variable {
                        self.check_group_name(name, builder, &locals);
                        locals.push((name.name.clone(), slot, Ty::Node));
                        let source = Source::GroupNodes {
                            start: from,
                            walk: var,
                            at: nodes.len(),
                            n: n_hops,
                        };
                        outer.push((name, Ty::list(Ty::Node), source));
                    }
                    drafts.push((
                        Some(slot),
                        node.properties.as_deref(),
                        node.filter.as_deref(),
                    ));
                    nodes.push(NodePattern {
                        var: node_var,
                        labels,
                        hints: Vec::new(),
                    });
                }
                PathElement::Relationship(relationship) => {
                    if let Some(inner) = &relationship.quantifier {
                        let message = "a quantifier cannot stand inside a quantified group";
                        self.error(Code::NotSupported, inner.span, message);
                    }
                    let kinds = relationship
                        .kinds
                        .as_ref()
                        .map(|kinds| self.kinds(kinds))
                        .unwrap_or_else(|| self.surroundings.any_kind());
                    let edge_var = builder.pattern.var("", VarKind::Edge);
                    let slot = self.slot();
                    builder.sources.push(crate::plan::Output {
                        slot,
                        source: Source::Edge(edge_var),
                    });
                    if let Some(name) = &relationship.variable {
                        self.check_group_name(name, builder, &locals);
                        locals.push((name.name.clone(), slot, Ty::Rel));
                        let source = Source::GroupEdges {
                            walk: var,
                            at: hops.len(),
                            n: n_hops,
                        };
                        outer.push((name, Ty::list(Ty::Rel), source));
                    }
                    drafts.push((
                        Some(slot),
                        relationship.properties.as_deref(),
                        relationship.filter.as_deref(),
                    ));
                    hops.push((edge_var, relationship, kinds));
                }
                PathElement::Group(inner) => {
                    let message = "a group cannot stand inside a quantified group";
                    self.error(Code::NotSupported, inner.span, message);
                }
            }
        }
        if hops.is_empty() || nodes.len() != hops.len() + 1 {
            let message = "a quantified group holds at least one relationship, between two nodes";
            self.error(Code::InvalidPattern, group.span, message);
            walk.reach(to);
            return;
        }
        let mut targets = nodes.into_iter();
        let Some(start) = targets.next() else {
            return;
        };
        let body = hops
            .iter()
            .zip(targets)
            .map(|((edge, relationship, kinds), target)| Hop {
                edge: *edge,
                direction: direction(relationship.direction),
                kinds: kinds.clone(),
                target,
                cost: None,
            })
            .collect();
        let repeat = Repeat {
            min: bound(quantifier.min_or_default()),
            max: quantifier.max.map(bound),
            start,
            body,
            conditions: Vec::new(),
            is_reach: false,
        };
        let at = walk.push(edge_pattern(var, from, to, Some(repeat)), builder);
        let home = walk.repeat_home(at);
        for (slot, properties, filter) in drafts {
            if let Some(slot) = slot {
                self.properties(properties, slot, home, &locals, builder);
            }
            if let Some(filter) = filter {
                let pending = Pending::Where(filter);
                builder.drafts.push(Draft {
                    pending,
                    home,
                    locals: locals.clone(),
                });
            }
        }
        if let Some(filter) = &group.filter {
            let pending = Pending::Where(filter);
            builder.drafts.push(Draft {
                pending,
                home,
                locals: locals.clone(),
            });
        }
        if let [(_, relationship, _)] = hops.as_slice()
            && let Some(tree) = &relationship.cost
        {
            builder.costs.push(CostDraft {
                tree,
                home,
                edge: at,
                locals: locals.clone(),
            });
        }
        for (name, ty, source) in outer {
            let slot = self.slot();
            introduce(Some(name), (var, VarKind::Walk), slot, ty, source, builder);
        }
        walk.end = Some(to);
    }

    fn check_group_name(&mut self, name: &Ident, builder: &Builder<'_>, locals: &[Local]) {
        let is_known = builder.names.iter().any(|known| known.0 == name.name)
            || builder.scope.find(&name.name).is_some()
            || locals.iter().any(|local| local.0 == name.name);
        if is_known {
            let message = format!(
                "`{}` is bound already; names in a quantified group are its own",
                name.name
            );
            self.error(Code::VariableBound, name.span, message);
        }
    }

    /// Elements that continue the walk from where it is.
    fn joined<'t>(
        &mut self,
        elements: &'t [PathElement],
        walk: &mut WalkDraft,
        builder: &mut Builder<'t>,
    ) {
        if let (Some(PathElement::Node(node)), Some(end)) = (elements.first(), walk.end) {
            let var = self.same_node(end, node, builder);
            self.node_conditions(node, var, walk.home(), builder);
            walk.end = Some(var);
            self.elements(elements.get(1..).unwrap_or_default(), walk, builder);
        } else {
            self.elements(elements, walk, builder);
        }
    }
}
