//! Why a running query ends early.

use foothold_engine::budget::Stop;

use crate::ast::Span;
use crate::diagnostic::{Code, Diagnostic};

/// Why a running query ends early.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The query cannot be answered: a value of the wrong type, an overflow.
    Error(Box<Diagnostic>),
    /// A limit was reached or someone cancelled; what was found so far stands.
    Stop(Stop),
}

impl Fault {
    /// An error at a place in the query.
    pub fn error(code: Code, span: Span, message: impl Into<String>) -> Self {
        Fault::Error(Box::new(Diagnostic::new(code, span, message)))
    }

    /// A value of the wrong type.
    pub fn wrong_type(span: Span, wanted: &str, found: &str) -> Self {
        Fault::error(
            Code::ArgumentType,
            span,
            format!("expected {wanted}, found {found}"),
        )
    }
}

impl From<Stop> for Fault {
    fn from(stop: Stop) -> Self {
        Fault::Stop(stop)
    }
}
