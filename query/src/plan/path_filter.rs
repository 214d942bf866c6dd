//! Conditions on every part of a shortest path hold while it is searched: of
//! `all(r IN relationships(p) WHERE ...)` a shortest path that obeys it is found, not the shortest
//! path of all and then perhaps none.

use crate::ast::{QuantifierKind, Span};
use crate::expr::{Expr, Slot};

/// Which parts of a path a condition is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parts {
    /// `nodes(p)`.
    Nodes,
    /// `relationships(p)`.
    Relationships,
}

/// A condition on each part of a path.
#[derive(Debug, Clone)]
pub(crate) struct PathFilter {
    /// The slot of the path.
    pub(crate) path: Slot,
    /// Which parts.
    pub(crate) parts: Parts,
    /// The slot that stands for one part.
    pub(crate) part: Slot,
    /// What must hold.
    pub(crate) condition: Expr,
}

/// Recognises `all(x IN relationships(p) WHERE c)` and `none(..)`, over nodes or relationships.
pub(crate) fn path_filter(condition: &Expr, span: Span) -> Option<PathFilter> {
    let Expr::Quantifier {
        kind,
        slot,
        list,
        filter,
        ..
    } = condition
    else {
        return None;
    };
    let Expr::Call(function, args, _) = &**list else {
        return None;
    };
    let parts = match function.name {
        "nodes" => Parts::Nodes,
        "relationships" | "rels" | "edges" => Parts::Relationships,
        _ => return None,
    };
    let [Expr::Slot(path)] = args.as_slice() else {
        return None;
    };
    let condition = match kind {
        QuantifierKind::All => (**filter).clone(),
        QuantifierKind::None => Expr::Not(filter.clone(), span),
        QuantifierKind::Any | QuantifierKind::Single => return None,
    };
    let mut reads_path = false;
    condition.slots(&mut |read| reads_path |= read == *path);
    (!reads_path).then_some(PathFilter {
        path: *path,
        parts,
        part: *slot,
        condition,
    })
}
