//! The pattern matcher that both queries and attack rules run on.
//!
//! ```text
//! Pattern (names, conditions) --Plan::new--> Plan (ids, join order) --find--> every match
//! ```
//!
//! A [`Pattern`] is a conjunction of node and edge patterns over variables, with conditions that
//! the matcher does not understand: whoever runs it evaluates them (see [`Host`]). A [`Plan`] fixes
//! the order of work for one snapshot and one set of variables bound beforehand. Matches come in a
//! fixed order: the same pattern on the same snapshot gives the same matches in the same order.

mod at_once;
mod bindings;
mod cheapest;
mod closed;
mod compile;
mod count;
mod estimate;
mod intersect;
mod ir;
mod lanes;
mod many;
mod meet;
mod plan;
mod predecessors;
mod product;
mod reach;
mod repeat;
mod run;
mod select;
mod shape;
mod shortest;
mod show;
mod step;
mod trace;

pub use bindings::{Binding, Bindings};
pub use ir::{
    Condition, Direction, EdgePattern, Hint, Hop, LabelExpr, Lookup, Mode, NodePattern,
    PathPattern, Pattern, Predicate, Read, Repeat, RuleCondition, RulePattern, Selector, Var,
    VarKind, VarSpec,
};
pub use plan::{Order, Plan, Request, Wanted};
pub use run::{Host, find, find_morsel, for_each_match};
pub use show::PlanLine;

#[cfg(test)]
mod tests;
