//! Label expressions and relationship kinds.

use foothold_engine::pattern::LabelExpr;

use crate::ast::{Labels, LabelsKind};

use super::Resolver;

impl Resolver<'_> {
    /// A label expression over nodes.
    pub(crate) fn labels(&mut self, labels: &Labels) -> LabelExpr {
        match &labels.kind {
            LabelsKind::Name(name) => {
                self.check_label(name, labels.span);
                LabelExpr::name(name)
            }
            LabelsKind::Any => {
                let snapshot = self.snapshot;
                let names = snapshot
                    .labels()
                    .map(|label| LabelExpr::name(snapshot.label_name(label)));
                LabelExpr::Or(names.collect())
            }
            LabelsKind::Not(inner) => LabelExpr::Not(Box::new(self.labels(inner))),
            LabelsKind::And(all) => {
                LabelExpr::And(all.iter().map(|one| self.labels(one)).collect())
            }
            LabelsKind::Or(any) => LabelExpr::Or(any.iter().map(|one| self.labels(one)).collect()),
        }
    }

    /// An expression over relationship kinds and groups of them.
    pub(crate) fn kinds(&mut self, kinds: &Labels) -> LabelExpr {
        match &kinds.kind {
            LabelsKind::Name(name) => {
                if self.snapshot.kind_id(name).is_none()
                    && let Some(group) = self.surroundings.kind_group(name)
                {
                    return LabelExpr::Or(group.iter().map(|kind| LabelExpr::name(kind)).collect());
                }
                self.check_kind(name, kinds.span);
                LabelExpr::name(name)
            }
            LabelsKind::Any => self.surroundings.any_kind(),
            LabelsKind::Not(inner) => LabelExpr::Not(Box::new(self.kinds(inner))),
            LabelsKind::And(all) => LabelExpr::And(all.iter().map(|one| self.kinds(one)).collect()),
            LabelsKind::Or(any) => LabelExpr::Or(any.iter().map(|one| self.kinds(one)).collect()),
        }
    }
}
