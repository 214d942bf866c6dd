//! The attack model: what can be done to the assets.
//!
//! Configuration is evaluated first ([`network`], [`permission`]); its results are edges of the
//! asset graph. Rules then derive attack steps from the asset graph, each with its evidence.
//! Nothing else draws a step.

mod derive;
mod explain;
mod graph;
mod jewel;
pub mod network;
pub mod permission;
mod relationship;
mod rule;
mod state;
mod why_not;
mod without;

pub use derive::{DeriveError, derive, derive_again};
pub use explain::{Evidence, Explanation, Fix};
pub use graph::{AttackGraph, Instance, InstanceId};
pub use jewel::{CrownJewel, crown_jewels, sensitive_stores};
pub use rule::{
    Beyond, Factor, FixTarget, FixTemplate, Guard, Likelihood, Reads, Rule, RuleId, RuleSet,
    SilentRule, StateTemplate, Template, TemplatePart, display_name, plain_text,
};
pub use state::{Capability, State};
pub use why_not::{Places, Standing, UnknownStep, Verdict, unknown_steps, why_not};

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
