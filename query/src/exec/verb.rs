//! Verbs: tables computed for each row.

use crate::exec::{Cx, Flow, Sink};
use crate::fault::Fault;
use crate::plan::VerbOp;

/// Joins each row with the rows of a verb.
pub(super) struct VerbSink<'p> {
    pub(super) op: &'p VerbOp,
    pub(super) next: Box<dyn Sink + 'p>,
}

impl Sink for VerbSink<'_> {
    fn row(&mut self, cx: &mut Cx<'_>) -> Result<Flow, Fault> {
        let VerbSink { op, next } = self;
        op.table.rows(cx, &mut |cx, row| {
            for &(column, slot) in &op.columns {
                cx.set(slot, row.get(column).cloned().unwrap_or_default());
            }
            next.row(cx)
        })
    }

    fn finish(&mut self, cx: &mut Cx<'_>) -> Result<(), Fault> {
        self.next.finish(cx)
    }
}
