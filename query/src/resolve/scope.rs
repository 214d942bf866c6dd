//! The names that can be used at one place of a query.

use std::sync::Arc;

use crate::expr::Slot;
use crate::types::Ty;

/// A name and what it stands for.
#[derive(Debug, Clone)]
pub struct Variable {
    /// The name.
    pub name: Arc<str>,
    /// Its place in the frame.
    pub slot: Slot,
    /// What is known of its type.
    pub ty: Ty,
    /// Whether grouping left it without one value here.
    pub is_ungrouped: bool,
}

/// The names in scope; a later one hides an earlier one of the same name.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// The names in order of introduction.
    pub vars: Vec<Variable>,
    /// How many of them come from an outer query.
    pub n_outer: usize,
}

impl Scope {
    /// Finds a name.
    pub fn find(&self, name: &str) -> Option<(usize, &Variable)> {
        let at = self.vars.iter().rposition(|var| &*var.name == name)?;
        self.vars.get(at).map(|var| (at, var))
    }

    /// Adds a name.
    pub fn add(&mut self, name: &str, slot: Slot, ty: Ty) {
        self.vars.push(Variable {
            name: name.into(),
            slot,
            ty,
            is_ungrouped: false,
        });
    }

    /// The scope beside an aggregate: a variable of this query has a value only when rows are
    /// grouped by it, the one in its slot of `keys`.
    #[must_use]
    pub fn grouped_by(&self, keys: &[(&str, Slot)]) -> Scope {
        let mut scope = self.clone();
        for variable in scope.vars.iter_mut().skip(self.n_outer) {
            variable.is_ungrouped = true;
        }
        for (name, slot) in keys {
            let at = self.find(name).map(|(at, _)| at);
            let own = at.filter(|&at| at >= self.n_outer);
            if let Some(variable) = own.and_then(|at| scope.vars.get_mut(at)) {
                variable.is_ungrouped = false;
                variable.slot = *slot;
            }
        }
        scope
    }

    /// With one more name, for an expression that introduces it.
    #[must_use]
    pub fn with(&self, name: &str, slot: Slot, ty: Ty) -> Scope {
        let mut scope = self.clone();
        scope.add(name, slot, ty);
        scope
    }

    /// The names of this query, without those of an outer one, each once.
    pub fn own(&self) -> Vec<&Variable> {
        let own = self.vars.get(self.n_outer..).unwrap_or_default();
        own.iter()
            .enumerate()
            .filter(|(at, var)| !own.iter().skip(at + 1).any(|later| later.name == var.name))
            .map(|(_, var)| var)
            .collect()
    }

    /// Only the names of the outer query, as a fresh start.
    #[must_use]
    pub fn outer_only(&self) -> Scope {
        Scope {
            vars: self.vars.get(..self.n_outer).unwrap_or_default().to_vec(),
            n_outer: self.n_outer,
        }
    }

    /// The scope of a subquery that sees everything here.
    #[must_use]
    pub fn as_outer(&self) -> Scope {
        Scope {
            vars: self.vars.clone(),
            n_outer: self.vars.len(),
        }
    }
}
