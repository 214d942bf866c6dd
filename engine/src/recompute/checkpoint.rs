//! What a recomputation has done so far, kept for when it is stopped.

/// A part of a recomputation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The size of every asset's blast radius.
    BlastRadius,
    /// What every asset's blast radius costs, for one group of crown jewels.
    ExpectedLoss(u32),
}

impl Part {
    /// A number of its own.
    pub fn number(self) -> u64 {
        match self {
            Part::BlastRadius => 0,
            Part::ExpectedLoss(group) => 1 + u64::from(group),
        }
    }
}

/// Keeps the parts that are done. It belongs to one attack graph: the same facts and rules.
pub trait Checkpoint: Sync {
    /// The part, if it was kept.
    fn load(&self, part: Part) -> Option<Vec<u64>>;
    /// Keeps a part that is done. What cannot be kept is computed again some day.
    fn save(&self, part: Part, words: &[u64]);
}

/// Keeps nothing.
#[derive(Debug, Clone, Copy)]
pub struct NoCheckpoint;

impl Checkpoint for NoCheckpoint {
    fn load(&self, _: Part) -> Option<Vec<u64>> {
        None
    }

    fn save(&self, _: Part, _: &[u64]) {}
}
