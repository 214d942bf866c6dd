//! Names and types: a syntax tree becomes a plan, or diagnostics.
//!
//! Everything that can be refused before a row is read is refused here: names that stand for
//! nothing or for two kinds of thing, operands of types that never fit, aggregates where they
//! cannot stand, columns that do not agree. What the checker cannot know is left to evaluation.

mod advice;
mod aggregate;
mod body;
mod call;
mod comparison;
mod expr;
mod group;
mod labels;
mod names;
mod operator;
mod path;
mod pattern;
mod projection;
mod scope;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use foothold_engine::graph::Snapshot;
use foothold_engine::pattern::{LabelExpr, Order};

use crate::ast::{Expr as Tree, Query, Span};
use crate::diagnostic::{Code, Diagnostic};
use crate::expr::{Expr, Slot};
use crate::plan::{AggregateItem, Body, Node, Op};
use crate::types::Ty;
use crate::value::Val;

pub(crate) use aggregate::has_aggregate;
pub use scope::{Scope, Variable};

/// The parameters of a query by name.
pub type Params = BTreeMap<String, Val>;

/// What the language may know beyond one snapshot.
pub trait Surroundings: Sync {
    /// The kinds of a relationship group; `None` when there is no such group.
    fn kind_group(&self, name: &str) -> Option<Vec<String>>;
    /// What a relationship without a kind may be.
    fn any_kind(&self) -> LabelExpr {
        LabelExpr::Any
    }
    /// Plans a verb; `None` when verbs cannot be answered here.
    fn verb(
        &self,
        resolver: &mut Resolver<'_>,
        clause: &crate::ast::VerbClause,
        scope: &Scope,
    ) -> Option<VerbTable>;
}

/// A verb that was planned.
#[derive(Debug, Clone)]
pub struct VerbTable {
    /// Where its rows come from.
    pub table: Arc<dyn crate::plan::Table>,
    /// Its columns in order.
    pub columns: Vec<(&'static str, Ty)>,
}

/// A query ready to run on one snapshot.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// What it does.
    pub body: Body,
    /// Variables in the frame.
    pub n_slots: usize,
    /// Operators.
    pub n_ops: usize,
    /// What is suspicious about it.
    pub warnings: Vec<Diagnostic>,
    /// Whether it asks for random numbers.
    pub is_random: bool,
}

/// An expression that stands for a value computed elsewhere in the query.
#[derive(Debug, Clone)]
pub(crate) struct Substitution {
    pub(crate) tree: Tree,
    pub(crate) slot: Slot,
    pub(crate) ty: Ty,
    /// What its names stand for where it may be written.
    names: Vec<(String, Option<Slot>)>,
}

impl Substitution {
    /// `tree`, when written in `scope` or further in.
    pub(crate) fn new(tree: &Tree, slot: Slot, ty: Ty, scope: &Scope) -> Self {
        let mut names = Vec::new();
        aggregate::each_name(tree, &mut |name| {
            let slot = scope.find(name).map(|(_, variable)| variable.slot);
            names.push((name.to_owned(), slot));
        });
        Substitution {
            tree: tree.clone(),
            slot,
            ty,
            names,
        }
    }

    /// Whether `tree` is this expression, none of its names hidden by one of `scope`.
    fn is(&self, tree: &Tree, scope: &Scope) -> bool {
        let slot = |name: &str| scope.find(name).map(|(_, variable)| variable.slot);
        self.tree == *tree && self.names.iter().all(|(name, known)| slot(name) == *known)
    }
}

/// The aggregates of a projection while its items are resolved.
#[derive(Debug, Default)]
pub(crate) struct Grouping {
    /// The names of a row, for what is aggregated.
    pub(crate) rows: Scope,
    /// Substitutions that come from around the projection.
    pub(crate) n_around: usize,
    pub(crate) items: Vec<AggregateItem>,
    pub(crate) seen: Vec<Substitution>,
}

/// Resolves one query. Verbs use it too, for their patterns and expressions.
pub struct Resolver<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) text: &'a str,
    pub(crate) params: &'a Params,
    pub(crate) surroundings: &'a dyn Surroundings,
    pub(crate) diagnostics: Vec<Diagnostic>,
    n_slots: u32,
    n_ops: usize,
    /// Clauses and parts of patterns around this place: both nest calls while running.
    pub(crate) n_clauses: usize,
    pub(crate) n_parts: usize,
    reads: Vec<BTreeSet<Slot>>,
    pub(crate) grouping: Option<Grouping>,
    pub(crate) substitutions: Vec<Substitution>,
    /// Why aggregates cannot stand here, unless a projection collects them.
    pub(crate) no_aggregate: Option<&'static str>,
    /// Whether a pattern may stand for a truth value here.
    pub(crate) is_condition: bool,
    /// Whether random numbers were asked for so far.
    pub(crate) is_random: bool,
    /// How patterns are planned.
    pub(crate) order: Order,
    /// Names that stand behind a colon, with the label or kind that stands before it.
    pub(crate) swapped: Vec<(String, String)>,
}

impl std::fmt::Debug for Resolver<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resolver")
            .field("n_slots", &self.n_slots)
            .finish_non_exhaustive()
    }
}

/// Resolves `query` on `snapshot`. Either a plan with warnings, or every error that was found.
pub fn resolve(
    snapshot: &Snapshot,
    text: &str,
    query: &Query,
    params: &Params,
    surroundings: &dyn Surroundings,
    order: Order,
) -> Result<Resolved, Vec<Diagnostic>> {
    let mut resolver = Resolver::new(snapshot, text, params, surroundings);
    resolver.order = order;
    let (body, _) = resolver.body(&query.body, &Scope::default(), body::BodyKind::Query);
    resolver.finish(body)
}

impl<'a> Resolver<'a> {
    /// A resolver with nothing resolved yet.
    pub fn new(
        snapshot: &'a Snapshot,
        text: &'a str,
        params: &'a Params,
        surroundings: &'a dyn Surroundings,
    ) -> Self {
        Resolver {
            snapshot,
            text,
            params,
            surroundings,
            diagnostics: Vec::new(),
            n_slots: 0,
            n_ops: 0,
            n_clauses: 0,
            n_parts: 0,
            reads: Vec::new(),
            grouping: None,
            substitutions: Vec::new(),
            no_aggregate: None,
            is_condition: false,
            is_random: false,
            order: Order::Cheapest,
            swapped: Vec::new(),
        }
    }

    /// Ends the work: a plan, or the errors.
    pub fn finish(mut self, body: Body) -> Result<Resolved, Vec<Diagnostic>> {
        self.diagnostics.sort_by_key(|diagnostic| {
            (
                !diagnostic.is_error(),
                diagnostic.span.start,
                diagnostic.span.end,
            )
        });
        self.diagnostics.dedup_by(|a, b| {
            a.code == b.code && a.span.start == b.span.start && a.span.end == b.span.end
        });
        if crate::diagnostic::has_errors(&self.diagnostics) {
            return Err(self.diagnostics);
        }
        Ok(Resolved {
            body,
            n_slots: self.n_slots as usize,
            n_ops: self.n_ops,
            warnings: self.diagnostics,
            is_random: self.is_random,
        })
    }

    /// A fresh place in the frame.
    pub fn slot(&mut self) -> Slot {
        let slot = Slot(self.n_slots);
        self.n_slots += 1;
        slot
    }

    pub(crate) fn node(&mut self, op: Op, estimate: f64) -> Node {
        let id = self.n_ops;
        self.n_ops += 1;
        Node { op, id, estimate }
    }

    /// Notes something wrong or suspicious.
    pub fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    pub(crate) fn error(&mut self, code: Code, span: Span, message: impl Into<String>) {
        self.report(Diagnostic::new(code, span, message));
    }

    pub(crate) fn mismatch(&mut self, span: Span, wanted: &str, found: &Ty) {
        let message = format!("expected {wanted}, found {}", found.name());
        let help = advice::for_type(wanted, found, span.slice(self.text));
        let diagnostic = Diagnostic::new(Code::TypeMismatch, span, message);
        self.report(advice::with(diagnostic, help));
    }

    /// Starts to note which slots are read.
    pub(crate) fn open_reads(&mut self) -> u32 {
        self.reads.push(BTreeSet::new());
        self.n_slots
    }

    /// Ends it: the slots read that were there before.
    pub(crate) fn close_reads(&mut self, first_new: u32) -> Vec<Slot> {
        let read = self.reads.pop().unwrap_or_default();
        if let Some(outer) = self.reads.last_mut() {
            outer.extend(read.iter().copied());
        }
        read.into_iter().filter(|slot| slot.0 < first_new).collect()
    }

    pub(crate) fn read(&mut self, slot: Slot) -> Expr {
        if let Some(reads) = self.reads.last_mut() {
            reads.insert(slot);
        }
        Expr::Slot(slot)
    }

    /// Warns of a label that no node has.
    pub(crate) fn check_label(&mut self, name: &str, span: Span) {
        if self.snapshot.n_nodes() == 0 || self.snapshot.label_id(name).is_some() {
            return;
        }
        let snapshot = self.snapshot;
        let known = snapshot.labels().map(|label| snapshot.label_name(label));
        let message = format!("no label `{name}` in the graph");
        let diagnostic = Diagnostic::new(Code::UnknownLabel, span, message);
        self.report(match snapshot.kind_id(name) {
            Some(_) => diagnostic.help(format!(
                "`{name}` is a kind of relationship: `-[:{name}]->`"
            )),
            None => diagnostic.suggest(name, known),
        });
    }

    /// Warns of a kind that no relationship has.
    pub(crate) fn check_kind(&mut self, name: &str, span: Span) {
        if self.snapshot.n_edges() == 0 || self.snapshot.kind_id(name).is_some() {
            return;
        }
        let snapshot = self.snapshot;
        let known = snapshot.kinds().map(|kind| snapshot.kind_name(kind));
        let message = format!("no relationship kind `{name}` in the graph");
        let diagnostic = Diagnostic::new(Code::UnknownKind, span, message);
        self.report(match snapshot.label_id(name) {
            Some(_) => diagnostic.help(format!(
                "`{name}` is a label; it stands in a node: `(n:{name})`"
            )),
            None => diagnostic.suggest(name, known),
        });
    }

    /// Warns of a variable that is called like a label or kind and has no colon before it.
    pub(crate) fn check_name(&mut self, name: &crate::ast::Ident, is_node: bool) {
        let word = &name.name;
        let (is_known, what) = if is_node {
            (self.snapshot.label_id(word).is_some(), "label")
        } else {
            (self.snapshot.kind_id(word).is_some(), "kind")
        };
        if is_known {
            let message = format!("`{word}` is a variable here, not the {what} of that name");
            let diagnostic = Diagnostic::new(Code::NameOfKind, name.span, message);
            self.report(diagnostic.help(format!("write `:{word}` for the {what}")));
        }
    }

    /// Warns of a property that nothing has.
    pub(crate) fn check_property(&mut self, name: &str, span: Span) {
        if self.snapshot.n_nodes() == 0 || self.snapshot.prop_id(name).is_some() {
            return;
        }
        let snapshot = self.snapshot;
        let known = || snapshot.props().map(|prop| snapshot.prop_name(prop));
        let message = format!("no property `{name}` in the graph");
        let diagnostic = Diagnostic::new(Code::UnknownProperty, span, message);
        self.report(match name.to_ascii_lowercase().as_str() {
            "label" | "labels" => {
                diagnostic.help("write `n:Label` for a test, `labels(n)` for the list")
            }
            "type" | "kind" => diagnostic.help("write `type(r)`"),
            "id" => diagnostic.help("write `id(n)`"),
            _ => {
                let diagnostic = diagnostic.suggest(name, known());
                match advice::longer_name(name, known()) {
                    Some(longer) if diagnostic.help.is_none() => {
                        diagnostic.help(format!("did you mean `{longer}`?"))
                    }
                    _ => diagnostic,
                }
            }
        });
    }
}
