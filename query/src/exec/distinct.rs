//! `DISTINCT`.

use rustc_hash::FxHashSet;

use crate::exec::discard::discard;
use crate::exec::{Cx, Flow, Sink};
use crate::expr::Slot;
use crate::fault::Fault;
use crate::value::RowKey;

/// Lets each different row through once.
pub(super) struct DistinctSink<'p> {
    slots: &'p [Slot],
    id: usize,
    seen: FxHashSet<RowKey>,
    bytes: u64,
    next: Box<dyn Sink + 'p>,
}

impl<'p> DistinctSink<'p> {
    pub(super) fn new(slots: &'p [Slot], id: usize, next: Box<dyn Sink + 'p>) -> Self {
        DistinctSink {
            slots,
            id,
            seen: FxHashSet::default(),
            bytes: 0,
            next,
        }
    }
}

impl Sink for DistinctSink<'_> {
    fn row(&mut self, cx: &mut Cx<'_>) -> Result<Flow, Fault> {
        let key = RowKey(
            self.slots
                .iter()
                .map(|&slot| cx.get(slot).clone())
                .collect(),
        );
        let bytes = key.heap_bytes() + 32;
        if !self.seen.insert(key) {
            return Ok(Flow::Continue(()));
        }
        cx.kept(self.id, bytes)?;
        self.bytes += bytes;
        self.next.row(cx)
    }

    fn finish(&mut self, cx: &mut Cx<'_>) -> Result<(), Fault> {
        let bytes = std::mem::take(&mut self.bytes);
        discard(std::mem::take(&mut self.seen), bytes);
        cx.budget.release(bytes);
        self.next.finish(cx)
    }
}

impl Drop for DistinctSink<'_> {
    fn drop(&mut self) {
        discard(std::mem::take(&mut self.seen), self.bytes);
    }
}
