//! `SKIP` and `LIMIT`.

use crate::ast::Span;
use crate::diagnostic::Code;
use crate::exec::{Cx, Flow, Sink};
use crate::expr::Expr;
use crate::fault::Fault;
use crate::value::Val;

/// Evaluates a count that does not depend on a row.
pub(super) fn count(expr: &Expr, span: Span, cx: &mut Cx<'_>) -> Result<u64, Fault> {
    match expr.eval(cx)? {
        Val::Int(number) => u64::try_from(number).map_err(|_| {
            let message = format!("a count is {number}, which is negative");
            Fault::error(Code::NegativeCount, span, message)
        }),
        other => Err(Fault::wrong_type(span, "an integer", other.type_name())),
    }
}

/// Drops the first rows.
pub(super) struct SkipSink<'p> {
    count: &'p Expr,
    span: Span,
    left: Option<u64>,
    next: Box<dyn Sink + 'p>,
}

impl<'p> SkipSink<'p> {
    pub(super) fn new(count: &'p Expr, span: Span, next: Box<dyn Sink + 'p>) -> Self {
        SkipSink {
            count,
            span,
            left: None,
            next,
        }
    }
}

impl Sink for SkipSink<'_> {
    fn row(&mut self, cx: &mut Cx<'_>) -> Result<Flow, Fault> {
        let left = match self.left {
            Some(left) => left,
            None => count(self.count, self.span, cx)?,
        };
        self.left = Some(left.saturating_sub(1));
        if left > 0 {
            return Ok(Flow::Continue(()));
        }
        self.next.row(cx)
    }

    fn finish(&mut self, cx: &mut Cx<'_>) -> Result<(), Fault> {
        if self.left.is_none() {
            count(self.count, self.span, cx)?;
        }
        self.next.finish(cx)
    }
}

/// Hands on the first rows and asks for no more.
pub(super) struct LimitSink<'p> {
    count: &'p Expr,
    span: Span,
    left: Option<u64>,
    next: Box<dyn Sink + 'p>,
}

impl<'p> LimitSink<'p> {
    pub(super) fn new(count: &'p Expr, span: Span, next: Box<dyn Sink + 'p>) -> Self {
        LimitSink {
            count,
            span,
            left: None,
            next,
        }
    }
}

impl Sink for LimitSink<'_> {
    fn row(&mut self, cx: &mut Cx<'_>) -> Result<Flow, Fault> {
        let left = match self.left {
            Some(left) => left,
            None => count(self.count, self.span, cx)?,
        };
        if left == 0 {
            self.left = Some(0);
            return Ok(Flow::Break(()));
        }
        self.left = Some(left - 1);
        if self.next.row(cx)?.is_break() || left == 1 {
            return Ok(Flow::Break(()));
        }
        Ok(Flow::Continue(()))
    }

    fn finish(&mut self, cx: &mut Cx<'_>) -> Result<(), Fault> {
        if self.left.is_none() {
            count(self.count, self.span, cx)?;
        }
        self.next.finish(cx)
    }
}
