//! The names in a pattern: what they stand for, here and in earlier clauses.

use foothold_engine::pattern::{LabelExpr, Var, VarKind};

use crate::ast::{Ident, Labels, LabelsKind};
use crate::diagnostic::{Code, Diagnostic};
use crate::expr::Slot;
use crate::plan::{Output, Source};
use crate::types::Ty;

use super::Resolver;
use super::pattern::Builder;

impl Resolver<'_> {
    /// A node of the pattern; the same name is the same node.
    pub(super) fn pattern_node(
        &mut self,
        node: &crate::ast::NodePattern,
        builder: &mut Builder<'_>,
    ) -> Var {
        let labels = match (&node.variable, &node.labels) {
            (_, None) => LabelExpr::Any,
            (Some(name), Some(labels)) => match self.swapped(name, labels, true) {
                Some(label) => label,
                None => self.labels(labels),
            },
            (None, Some(labels)) => self.labels(labels),
        };
        let known = node
            .variable
            .as_ref()
            .and_then(|name| self.known_node(name, builder));
        if let (Some(name), None, None) = (&node.variable, &node.labels, &known) {
            self.check_name(name, true);
        }
        match known {
            Some(var) => {
                let pattern = builder
                    .pattern
                    .nodes
                    .iter_mut()
                    .find(|node| node.var == var);
                if let Some(pattern) = pattern {
                    let before = std::mem::replace(&mut pattern.labels, LabelExpr::Any);
                    pattern.labels = before.and(labels);
                }
                var
            }
            None => {
                let name = node.variable.as_ref().map_or("", |name| name.name.as_str());
                let var = builder.pattern.node(name, labels);
                let slot = self.slot();
                introduce(
                    node.variable.as_ref(),
                    (var, VarKind::Node),
                    slot,
                    Ty::Node,
                    Source::Node(var),
                    builder,
                );
                var
            }
        }
    }

    /// Warns of `(Label:name)` and `-[KIND:name]->`: name and label have changed places.
    pub(super) fn swapped(
        &mut self,
        name: &Ident,
        labels: &Labels,
        is_node: bool,
    ) -> Option<LabelExpr> {
        let LabelsKind::Name(written) = &labels.kind else {
            return None;
        };
        let is_known = |word: &str| {
            if is_node {
                self.snapshot.label_id(word).is_some()
            } else {
                self.snapshot.kind_id(word).is_some()
            }
        };
        if !is_known(&name.name) || is_known(written) {
            return None;
        }
        let (code, message) = if is_node {
            let message = format!("no label `{written}` in the graph");
            (Code::UnknownLabel, message)
        } else {
            let message = format!("no relationship kind `{written}` in the graph");
            (Code::UnknownKind, message)
        };
        let diagnostic = Diagnostic::new(code, labels.span, message);
        self.report(diagnostic.help(swapped_help(written, &name.name)));
        self.swapped.push((written.clone(), name.name.clone()));
        Some(LabelExpr::name(written))
    }

    /// A named node that this `MATCH` or an earlier clause knows.
    fn known_node(&mut self, name: &Ident, builder: &mut Builder<'_>) -> Option<Var> {
        if let Some((_, var, kind)) = builder.names.iter().find(|known| known.0 == name.name) {
            let (var, kind) = (*var, *kind);
            if kind != VarKind::Node || !builder.pattern.nodes.iter().any(|node| node.var == var) {
                self.two_kinds(name, "a node", kind_name(kind, var));
            }
            return builder
                .pattern
                .nodes
                .iter()
                .any(|node| node.var == var)
                .then_some(var);
        }
        let (_, variable) = builder.scope.find(&name.name)?;
        let (slot, ty) = (variable.slot, variable.ty.clone());
        if variable.is_ungrouped {
            self.ungrouped(&name.name, name.span);
        }
        if !ty.is_open() && ty != Ty::Node {
            self.two_kinds(name, "a node", ty.name());
        }
        let var = builder.pattern.node(&name.name, LabelExpr::Any);
        builder.names.push((name.name.clone(), var, VarKind::Node));
        builder.inputs.push((var, slot, name.span));
        builder.sources.push(Output {
            slot,
            source: Source::Node(var),
        });
        Some(var)
    }

    pub(super) fn two_kinds(&mut self, name: &Ident, wanted: &str, found: &str) {
        let message = format!("`{}` is {found}, not {wanted}", name.name);
        self.error(Code::VariableKind, name.span, message);
    }

    /// The slot that stands for a variable of the pattern.
    pub(super) fn slot_of(var: Var, builder: &Builder<'_>) -> Option<Slot> {
        builder
            .sources
            .iter()
            .find(|output| match output.source {
                Source::Node(other) | Source::Edge(other) => other == var,
                _ => false,
            })
            .map(|output| output.slot)
    }
}

/// Gives a part of the pattern its slot, and its name if it has one.
pub(super) fn introduce(
    name: Option<&Ident>,
    var: (Var, VarKind),
    slot: Slot,
    ty: Ty,
    source: Source,
    builder: &mut Builder<'_>,
) {
    builder.sources.push(Output {
        slot,
        source: source.clone(),
    });
    let Some(name) = name else {
        return;
    };
    builder.names.push((name.name.clone(), var.0, var.1));
    builder.scope.add(&name.name, slot, ty);
    builder.outputs.push(Output { slot, source });
    builder.introduced.push((name.name.clone(), name.span));
}

/// What to do about a name and a label that have changed places.
pub(super) fn swapped_help(name: &str, label: &str) -> String {
    format!("the name stands before the colon: `{name}:{label}`")
}

/// What messages call a part of a pattern.
pub(super) fn kind_name(kind: VarKind, var: Var) -> &'static str {
    match kind {
        VarKind::Node => "a node",
        VarKind::Edge => "a relationship",
        VarKind::Walk if var == Var(u16::MAX) => "a path",
        VarKind::Walk => "a list",
    }
}
