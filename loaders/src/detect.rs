//! Which loader reads a document.

use crate::head::Head;
use crate::loader::{Loader, Match};
use crate::registry::LOADERS;

/// What was found out about a document.
pub enum Detected {
    /// This loader reads it.
    Format(&'static dyn Loader),
    /// None does, and why.
    Unknown(String),
}

/// Asks every loader and takes the best match, the first of equals.
pub fn detect(head: &Head<'_>) -> Detected {
    let mut best: Option<(Match, &'static dyn Loader)> = None;
    for loader in LOADERS {
        let found = loader.detect(head);
        if best
            .as_ref()
            .is_none_or(|(known, _)| rank(&found) > rank(known))
        {
            best = Some((found, *loader));
        }
    }
    match best {
        Some((Match::Likely | Match::Certain, loader)) => Detected::Format(loader),
        Some((Match::Near(why), loader)) => {
            Detected::Unknown(format!("nearest format is {}: {why}", loader.format()))
        }
        _ => Detected::Unknown(format!("{}; no known format starts so", head.describe())),
    }
}

fn rank(found: &Match) -> u8 {
    match found {
        Match::No => 0,
        Match::Near(_) => 1,
        Match::Likely => 2,
        Match::Certain => 3,
    }
}
