//! Grouping and aggregation.

use std::hash::BuildHasher;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

use crate::exec::discard::discard;
use crate::exec::{Cx, Flow, Sink};
use crate::fault::Fault;
use crate::func::aggregate::Accumulator;
use crate::plan::AggregateOp;
use crate::value::{RowKey, Val};

/// One accumulator for each group and aggregate; groups come out in order of first appearance.
pub(super) struct AggregateSink<'p> {
    op: &'p AggregateOp,
    id: usize,
    /// Places in `groups` by the hash of their keys.
    index: HashTable<usize>,
    groups: Vec<Group>,
    bytes: u64,
    next: Box<dyn Sink + 'p>,
}

/// A key with what its rows add up to.
type Group = (RowKey, Vec<Accumulator>);

/// The groups of a part of the rows, in order of first appearance.
#[derive(Default)]
pub(super) struct Groups {
    groups: Vec<Group>,
    bytes: u64,
}

impl<'p> AggregateSink<'p> {
    pub(super) fn new(op: &'p AggregateOp, id: usize, next: Box<dyn Sink + 'p>) -> Self {
        AggregateSink {
            op,
            id,
            index: HashTable::new(),
            groups: Vec::new(),
            bytes: 0,
            next,
        }
    }

    /// Takes the groups out.
    pub(super) fn take(&mut self) -> Groups {
        self.index.clear();
        Groups {
            groups: std::mem::take(&mut self.groups),
            bytes: std::mem::take(&mut self.bytes),
        }
    }

    /// Adds the groups of rows that come after those taken so far.
    pub(super) fn absorb(&mut self, more: Groups, cx: &mut Cx<'_>) -> Result<(), Fault> {
        for (key, accumulators) in more.groups {
            cx.tick()?;
            let Some(group) = self.find(&key) else {
                self.insert(key, accumulators);
                continue;
            };
            let known = self.groups.get_mut(group).map(|group| &mut group.1);
            for (known, other) in known.into_iter().flatten().zip(accumulators) {
                known.merge(other)?;
            }
        }
        // Accounted for until the end: what was merged is at most double.
        self.bytes += more.bytes;
        Ok(())
    }

    fn find(&self, key: &RowKey) -> Option<usize> {
        let is_same = |&at: &usize| self.groups.get(at).is_some_and(|group| group.0 == *key);
        self.index.find(hash(key), is_same).copied()
    }

    fn insert(&mut self, key: RowKey, accumulators: Vec<Accumulator>) -> usize {
        let place = self.groups.len();
        let groups = &self.groups;
        self.index.insert_unique(hash(&key), place, |&at| {
            groups.get(at).map_or(0, |group| hash(&group.0))
        });
        self.groups.push((key, accumulators));
        place
    }

    fn accumulators(&self) -> Vec<Accumulator> {
        let items = self.op.aggregates.iter();
        items
            .map(|item| Accumulator::new(item.aggregate, item.is_distinct, item.span))
            .collect()
    }
}

impl Sink for AggregateSink<'_> {
    fn row(&mut self, cx: &mut Cx<'_>) -> Result<Flow, Fault> {
        let mut key = Vec::with_capacity(self.op.keys.len());
        for (_, expr) in &self.op.keys {
            key.push(expr.eval(cx)?);
        }
        let key = RowKey(key.into());
        let group = match self.find(&key) {
            Some(group) => group,
            None => {
                let bytes = key.heap_bytes() + 64 + 160 * self.op.aggregates.len() as u64;
                cx.kept(self.id, bytes)?;
                self.bytes += bytes;
                let accumulators = self.accumulators();
                self.insert(key, accumulators)
            }
        };
        for (at, item) in self.op.aggregates.iter().enumerate() {
            let value = match &item.arg {
                Some(arg) => arg.eval(cx)?,
                None => Val::Null,
            };
            let second = item.second.as_ref().map(|arg| arg.eval(cx)).transpose()?;
            let accumulators = self.groups.get_mut(group).map(|group| &mut group.1);
            if let Some(accumulator) = accumulators.and_then(|group| group.get_mut(at)) {
                let kept = accumulator.add(value, second.as_ref(), cx.weight)?;
                if kept > 0 {
                    cx.kept(self.id, kept)?;
                    self.bytes += kept;
                }
            }
        }
        Ok(Flow::Continue(()))
    }

    fn finish(&mut self, cx: &mut Cx<'_>) -> Result<(), Fault> {
        // Without keys there is one group even when there is no row.
        if self.groups.is_empty() && self.op.keys.is_empty() {
            let accumulators = self.accumulators();
            self.insert(RowKey(Box::new([])), accumulators);
        }
        let Groups { groups, bytes } = self.take();
        for (key, accumulators) in groups {
            cx.tick()?;
            for ((slot, _), value) in self.op.keys.iter().zip(key.0) {
                cx.set(*slot, value);
            }
            for (item, accumulator) in self.op.aggregates.iter().zip(accumulators) {
                cx.set(item.slot, accumulator.finish()?);
            }
            if self.next.row(cx)?.is_break() {
                break;
            }
        }
        cx.budget.release(bytes);
        self.next.finish(cx)
    }
}

impl Drop for AggregateSink<'_> {
    fn drop(&mut self) {
        discard(std::mem::take(&mut self.groups), self.bytes);
    }
}

fn hash(key: &RowKey) -> u64 {
    FxBuildHasher.hash_one(key)
}
