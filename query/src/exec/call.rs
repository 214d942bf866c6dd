//! `CALL { }`: a subquery for each row.

use crate::exec::{Cx, Flow, Sink, run_body};
use crate::fault::Fault;
use crate::plan::Subplan;

/// Joins each row with the rows of the subquery.
pub(super) struct CallSink<'p> {
    pub(super) plan: &'p Subplan,
    pub(super) next: Box<dyn Sink + 'p>,
}

impl Sink for CallSink<'_> {
    fn row(&mut self, cx: &mut Cx<'_>) -> Result<Flow, Fault> {
        let next = &mut self.next;
        run_body(&self.plan.body, cx, &mut |cx| next.row(cx))
    }

    fn finish(&mut self, cx: &mut Cx<'_>) -> Result<(), Fault> {
        self.next.finish(cx)
    }
}
