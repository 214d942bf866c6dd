//! Expressions of rules, evaluated on the bindings of a match.

use std::sync::Arc;

use foothold_engine::attack::{Factor, Likelihood};
use foothold_engine::budget::Budget;
use foothold_engine::graph::Snapshot;
use foothold_engine::pattern::{Binding, Bindings, Predicate, Var};
use foothold_engine::score::{ExploitFacts, ScoringModel, exploit_likelihood};

use crate::exec::{Cx, fill};
use crate::expr::{Expr, Slot};
use crate::plan::Output;
use crate::value::{DateTime, Val};

/// An expression with what it needs to be evaluated outside a query.
#[derive(Debug, Clone)]
pub(super) struct Evaluator {
    pub(super) expr: Arc<Expr>,
    /// Slots filled from the match.
    pub(super) fills: Arc<[Output]>,
    /// Slots that always hold the same.
    pub(super) constants: Arc<[(Slot, Val)]>,
    pub(super) n_slots: usize,
    pub(super) vars: Arc<[Var]>,
    pub(super) text: Arc<str>,
}

impl Evaluator {
    /// The value for one match; null where evaluation fails, which no condition holds for.
    pub(super) fn value(&self, snapshot: &Snapshot, bindings: &Bindings) -> Val {
        let budget = Budget::unlimited();
        let mut cx = Cx::new(snapshot, &budget, DateTime(0), 0, self.n_slots, 0);
        for (slot, value) in self.constants.iter() {
            cx.set(*slot, value.clone());
        }
        fill(&mut cx, &self.fills, bindings);
        self.expr.eval(&mut cx).unwrap_or_default()
    }
}

/// A condition of a rule.
#[derive(Debug, Clone)]
pub(super) struct RulePredicate(pub(super) Evaluator);

impl Predicate for RulePredicate {
    fn eval(&self, snapshot: &Snapshot, bindings: &Bindings) -> Option<bool> {
        match self.0.value(snapshot, bindings) {
            Val::Bool(holds) => Some(holds),
            _ => None,
        }
    }

    fn variables(&self) -> &[Var] {
        &self.0.vars
    }

    fn text(&self) -> &str {
        &self.0.text
    }
}

/// A likelihood written as an expression: a number, a class, a `CASE` over them.
#[derive(Debug, Clone)]
pub(super) struct ExpressionLikelihood(pub(super) Evaluator);

impl Likelihood for ExpressionLikelihood {
    fn eval(
        &self,
        snapshot: &Snapshot,
        bindings: &Bindings,
        factors: Option<&mut Vec<Factor>>,
    ) -> f64 {
        let likelihood = self.0.value(snapshot, bindings).as_f64().unwrap_or(0.0);
        if let Some(factors) = factors {
            factors.push(Factor {
                name: "class".into(),
                value: None,
                effect: format!("{} = {likelihood}", self.0.text),
            });
        }
        likelihood
    }

    fn variables(&self) -> Option<&[Var]> {
        Some(&self.0.vars)
    }

    fn text(&self) -> &str {
        &self.0.text
    }
}

/// A likelihood that the user's settings put in the place of the rule's own.
#[derive(Debug, Clone)]
pub(super) struct Overridden {
    likelihood: f64,
    text: String,
}

impl Overridden {
    pub(super) fn new(likelihood: f64) -> Self {
        Overridden {
            likelihood,
            text: likelihood.to_string(),
        }
    }
}

impl Likelihood for Overridden {
    fn eval(&self, _: &Snapshot, _: &Bindings, factors: Option<&mut Vec<Factor>>) -> f64 {
        if let Some(factors) = factors {
            factors.push(Factor {
                name: "settings".into(),
                value: None,
                effect: format!("set to {}", self.likelihood),
            });
        }
        self.likelihood
    }

    fn text(&self) -> &str {
        &self.text
    }
}

/// `exploit(vulnerability, package[, contains])`: the formula of the scoring model.
#[derive(Debug, Clone)]
pub(super) struct ExploitLikelihood {
    /// The vulnerability, the package and, where the rule names it, the edge from what holds the
    /// package.
    pub(super) vars: Vec<Var>,
    pub(super) model: Arc<ScoringModel>,
    pub(super) text: Arc<str>,
}

impl Likelihood for ExploitLikelihood {
    fn eval(
        &self,
        snapshot: &Snapshot,
        bindings: &Bindings,
        factors: Option<&mut Vec<Factor>>,
    ) -> f64 {
        let [vulnerability, package] = [0, 1].map(|at| bindings.node(*self.vars.get(at)?));
        let (Some(vulnerability), Some(package)) = (vulnerability, package) else {
            return 0.0;
        };
        let contains = self.vars.get(2).and_then(|var| match bindings.get(*var) {
            Binding::Edge(edge) => Some(*edge),
            _ => None,
        });
        let facts = ExploitFacts::read(snapshot, vulnerability, package, contains);
        exploit_likelihood(&self.model.exploit, &facts, factors)
    }

    fn variables(&self) -> Option<&[Var]> {
        Some(&self.vars)
    }

    fn text(&self) -> &str {
        &self.text
    }
}
