//! Counts that the snapshot has at hand: nodes with a label, edges of a kind.

use crate::graph::Snapshot;

use super::compile::{EdgeTest, NodeTest};
use super::ir::{Condition, Direction};
use super::step::{Op, Step, Tail};

impl<C: Condition> Tail<C> {
    /// How many matches it has, where nobody needs to look at one: a label without conditions, or
    /// the edges of some kinds whose ends all have the labels that are asked for.
    pub(super) fn at_once(&self, snapshot: &Snapshot) -> Option<u64> {
        let (first, rest) = self.steps.split_first()?;
        let Op::Scan { var, test } = &first.op else {
            return None;
        };
        if self.key.is_some() || !first.conditions.is_empty() {
            return None;
        }
        let Some((second, [])) = rest.split_first() else {
            return rest.is_empty().then(|| test.count(snapshot));
        };
        let Op::Expand {
            from,
            edges,
            test: end,
            is_free: true,
            ..
        } = &one(second)?.op
        else {
            return None;
        };
        let counts = from == var && end.admits_all() && edges.start_in(snapshot, test);
        counts.then(|| {
            let kinds = edges.kinds.iter();
            let lengths = kinds.map(|&kind| snapshot.edges_of_kind(kind).len() as u64);
            lengths.sum()
        })
    }
}

/// The step itself, or the only one of the tail that it counts; none with a condition.
fn one<C>(step: &Step<C>) -> Option<&Step<C>> {
    let step = match &step.op {
        Op::Tail(tail) if !tail.is_once && step.conditions.is_empty() => match &*tail.steps {
            [only] => only,
            _ => return None,
        },
        _ => step,
    };
    step.conditions.is_empty().then_some(step)
}

impl EdgeTest {
    /// Whether each of these edges is walked once from a node that `test` admits.
    fn start_in(&self, snapshot: &Snapshot, test: &NodeTest) -> bool {
        let is_source = match self.direction {
            Direction::Out => true,
            Direction::In => false,
            Direction::Any => return false,
        };
        match test {
            NodeTest::Any => true,
            NodeTest::Label(label) | NodeTest::Implied(label) => self
                .kinds
                .iter()
                .all(|&kind| snapshot.ends_have_label(kind, is_source, *label)),
            NodeTest::Set(_) => false,
        }
    }
}
