//! Index look-ups whose value another part of the query gives: joins by property.

use std::sync::Arc;

use crate::ast::CompareOp;
use crate::expr::{Expr, Slot};

/// The look-ups that a condition allows: the slot of the node, the property, the value.
pub(crate) fn lookups(condition: &Expr) -> Vec<(Slot, Arc<str>, &Expr)> {
    let Expr::Compare(first, rest) = condition else {
        return Vec::new();
    };
    let [(CompareOp::Equal, second)] = rest.as_slice() else {
        return Vec::new();
    };
    let sides = [(&**first, second), (second, &**first)];
    let mut found = Vec::new();
    for (property, value) in sides {
        let Expr::Property { base, name, .. } = property else {
            continue;
        };
        let Expr::Slot(slot) = **base else {
            continue;
        };
        let mut reads_itself = false;
        value.slots(&mut |read| reads_itself |= read == slot);
        if !reads_itself && value.constant().is_none() && is_cheap(value) {
            found.push((slot, Arc::clone(name), value));
        }
    }
    found
}

/// Whether a value may be computed once more than the condition itself does.
fn is_cheap(value: &Expr) -> bool {
    match value {
        Expr::Slot(_) => true,
        Expr::Property { base, .. } => is_cheap(base),
        _ => false,
    }
}
