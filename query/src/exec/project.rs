//! Filters and projections: they look at one row at a time.

use crate::ast::Span;
use crate::exec::{Cx, Flow, Sink};
use crate::expr::{Expr, Slot};
use crate::fault::Fault;

/// `WHERE`.
pub(super) struct FilterSink<'p> {
    pub(super) condition: &'p Expr,
    pub(super) span: Span,
    pub(super) next: Box<dyn Sink + 'p>,
}

impl Sink for FilterSink<'_> {
    fn row(&mut self, cx: &mut Cx<'_>) -> Result<Flow, Fault> {
        if self.condition.holds(self.span, cx)? {
            self.next.row(cx)
        } else {
            Ok(Flow::Continue(()))
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) -> Result<(), Fault> {
        self.next.finish(cx)
    }
}

/// Computes slots.
pub(super) struct AssignSink<'p> {
    pub(super) items: &'p [(Slot, Expr)],
    pub(super) next: Box<dyn Sink + 'p>,
}

impl Sink for AssignSink<'_> {
    fn row(&mut self, cx: &mut Cx<'_>) -> Result<Flow, Fault> {
        for (slot, expr) in self.items {
            let value = expr.eval(cx)?;
            cx.set(*slot, value);
        }
        self.next.row(cx)
    }

    fn finish(&mut self, cx: &mut Cx<'_>) -> Result<(), Fault> {
        self.next.finish(cx)
    }
}
