//! `UNWIND`.

use crate::exec::{Cx, Flow, Sink};
use crate::expr::{Expr, Slot};
use crate::fault::Fault;
use crate::value::Val;

/// One row for each element; none for null; one for what is no list.
pub(super) struct UnwindSink<'p> {
    pub(super) list: &'p Expr,
    pub(super) slot: Slot,
    pub(super) next: Box<dyn Sink + 'p>,
}

impl Sink for UnwindSink<'_> {
    fn row(&mut self, cx: &mut Cx<'_>) -> Result<Flow, Fault> {
        match self.list.eval(cx)? {
            Val::Null => Ok(Flow::Continue(())),
            Val::List(items) => {
                for item in items.iter() {
                    cx.tick()?;
                    cx.set(self.slot, item.clone());
                    if self.next.row(cx)?.is_break() {
                        return Ok(Flow::Break(()));
                    }
                }
                Ok(Flow::Continue(()))
            }
            single => {
                cx.set(self.slot, single);
                self.next.row(cx)
            }
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) -> Result<(), Fault> {
        self.next.finish(cx)
    }
}
