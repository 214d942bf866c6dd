//! The function library: a table of names, arguments and bodies.

pub(crate) mod aggregate;
mod convert;
mod exact_sum;
mod graph;
mod list;
mod math;
mod string;
mod temporal;

use std::fmt;

use crate::ast::Span;
use crate::diagnostic::Code;
use crate::exec::Cx;
use crate::fault::Fault;
use crate::types::Ty;
use crate::value::Val;

pub(crate) use convert::{float_text, to_text};
pub(crate) use graph::edge_id;

/// What resolution demands of an argument; what it cannot know is judged when it is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Param {
    /// Anything.
    Any,
    /// A string.
    Str,
    /// A number.
    Number,
    /// An integer.
    Int,
    /// A list.
    List,
    /// A list or a string.
    Sequence,
    /// A node.
    Node,
    /// A relationship.
    Rel,
    /// A node or a relationship.
    Entity,
    /// A node, a relationship or a map.
    Properties,
    /// A path.
    Path,
}

impl Param {
    /// Whether an argument of this static type may do.
    pub fn admits(self, ty: &Ty) -> bool {
        if ty.is_open() {
            return true;
        }
        match self {
            Param::Any => true,
            Param::Str => *ty == Ty::Str,
            Param::Number => ty.may_be_number(),
            Param::Int => ty.may_be_int(),
            Param::List => ty.may_be_list(),
            Param::Sequence => ty.may_be_list() || *ty == Ty::Str,
            Param::Node => *ty == Ty::Node,
            Param::Rel => *ty == Ty::Rel,
            Param::Entity => matches!(ty, Ty::Node | Ty::Rel),
            Param::Properties => matches!(ty, Ty::Node | Ty::Rel | Ty::Map),
            Param::Path => *ty == Ty::Path,
        }
    }

    /// What messages call it.
    pub fn name(self) -> &'static str {
        match self {
            Param::Any => "any value",
            Param::Str => "a string",
            Param::Number => "a number",
            Param::Int => "an integer",
            Param::List => "a list",
            Param::Sequence => "a list or a string",
            Param::Node => "a node",
            Param::Rel => "a relationship",
            Param::Entity => "a node or a relationship",
            Param::Properties => "a node, a relationship or a map",
            Param::Path => "a path",
        }
    }
}

/// The static type of a function's result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Out {
    /// Not known.
    Any,
    /// A truth value.
    Bool,
    /// An integer.
    Int,
    /// A float.
    Float,
    /// A number.
    Number,
    /// A string.
    Str,
    /// A map.
    Map,
    /// A node.
    Node,
    /// A list of strings.
    Strs,
    /// A list of integers.
    Ints,
    /// A list of nodes.
    Nodes,
    /// A list of relationships.
    Rels,
    /// A date, instant or duration.
    Temporal,
    /// The type of the first argument.
    Same,
    /// The element type of the first argument.
    Element,
}

type Body = fn(&mut Cx<'_>, &[Val], Span) -> Result<Val, Fault>;

/// One function.
pub struct Function {
    /// Its name as it is documented; compared without case.
    pub name: &'static str,
    /// The arguments it takes at most.
    pub params: &'static [Param],
    /// How many it needs.
    pub min: usize,
    /// Its result.
    pub out: Out,
    /// Whether a null argument makes the result null without calling the body.
    pub is_strict: bool,
    body: Body,
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Function {
    /// Finds a function by name, whatever its case.
    pub fn find(name: &str) -> Option<&'static Function> {
        tables().find(|function| function.name.eq_ignore_ascii_case(name))
    }

    /// Every name, those of aggregates and of forms with their own syntax included.
    pub fn names() -> impl Iterator<Item = &'static str> {
        tables()
            .map(|function| function.name)
            .chain(aggregate::Aggregate::NAMES.iter().copied())
            .chain([
                "coalesce", "exists", "reduce", "all", "any", "none", "single",
            ])
    }

    pub(crate) fn call(&self, cx: &mut Cx<'_>, args: &[Val], span: Span) -> Result<Val, Fault> {
        if self.is_strict && args.iter().any(Val::is_null) {
            return Ok(Val::Null);
        }
        (self.body)(cx, args, span)
    }

    /// The static type of the result.
    pub fn ty(&self, args: &[Ty]) -> Ty {
        match self.out {
            Out::Any => Ty::Any,
            Out::Bool => Ty::Bool,
            Out::Int => Ty::Int,
            Out::Float => Ty::Float,
            Out::Number => Ty::Number,
            Out::Str => Ty::Str,
            Out::Map => Ty::Map,
            Out::Node => Ty::Node,
            Out::Strs => Ty::list(Ty::Str),
            Out::Ints => Ty::list(Ty::Int),
            Out::Nodes => Ty::list(Ty::Node),
            Out::Rels => Ty::list(Ty::Rel),
            Out::Temporal => Ty::Temporal,
            Out::Same => args.first().cloned().unwrap_or(Ty::Any),
            Out::Element => args.first().map_or(Ty::Any, Ty::element),
        }
    }
}

fn tables() -> impl Iterator<Item = &'static Function> {
    [
        convert::TABLE,
        graph::TABLE,
        list::TABLE,
        math::FLOATS,
        math::TABLE,
        string::TABLE,
        temporal::TABLE,
    ]
    .into_iter()
    .flatten()
}

const fn function(name: &'static str, params: &'static [Param], out: Out, body: Body) -> Function {
    Function {
        name,
        params,
        min: params.len(),
        out,
        is_strict: true,
        body,
    }
}

impl Function {
    const fn min(mut self, min: usize) -> Self {
        self.min = min;
        self
    }

    const fn lenient(mut self) -> Self {
        self.is_strict = false;
        self
    }
}

fn value_error(span: Span, message: impl Into<String>) -> Fault {
    Fault::error(Code::ArgumentValue, span, message)
}

fn wrong(span: Span, wanted: &str, found: &Val) -> Fault {
    Fault::error(
        Code::ArgumentValue,
        span,
        format!("expected {wanted}, found {}", found.type_name()),
    )
}

fn str_arg(args: &[Val], at: usize, span: Span) -> Result<&str, Fault> {
    match args.get(at) {
        Some(Val::Str(text)) => Ok(text),
        other => Err(Fault::wrong_type(
            span,
            "a string",
            other.map_or("nothing", Val::type_name),
        )),
    }
}

fn int_arg(args: &[Val], at: usize, span: Span) -> Result<i64, Fault> {
    match args.get(at) {
        Some(Val::Int(number)) => Ok(*number),
        other => Err(Fault::wrong_type(
            span,
            "an integer",
            other.map_or("nothing", Val::type_name),
        )),
    }
}

fn float_arg(args: &[Val], at: usize, span: Span) -> Result<f64, Fault> {
    match args.get(at).and_then(Val::as_f64) {
        Some(number) => Ok(number),
        None => Err(Fault::wrong_type(
            span,
            "a number",
            args.get(at).map_or("nothing", Val::type_name),
        )),
    }
}

fn first(args: &[Val]) -> &Val {
    args.first().unwrap_or(&Val::Null)
}
