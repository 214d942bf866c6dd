//! AWS policies.
//!
//! [`Document`] is a policy as data; [`evaluate()`] decides one request over every policy that has
//! a say; [`trust`] asks who may become a role.

mod condition;
mod document;
pub mod evaluate;
mod pattern;
pub mod trust;

pub use condition::Context;
pub use document::{Document, DocumentError, Statement};
pub use evaluate::{
    Decision, Policies, Principal, PrincipalKind, Request, ResourceSay, Source, evaluate,
};
pub use pattern::Coverage;

/// Whether `pattern`, in which `*` is any text and `?` any one character, matches `text`.
pub fn wildcard_matches(pattern: &str, text: &str) -> bool {
    pattern::matches(pattern, text)
}
