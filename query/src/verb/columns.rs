//! The columns of the verbs: one table for answers, checks and completion.

use crate::token::Keyword;
use crate::types::Ty;

/// The type of a column, as a constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Any,
    Node,
    Text,
    Whole,
    Number,
    Map,
    Maps,
}

impl Sort {
    fn ty(self) -> Ty {
        match self {
            Sort::Any => Ty::Any,
            Sort::Node => Ty::Node,
            Sort::Text => Ty::Str,
            Sort::Whole => Ty::Int,
            Sort::Number => Ty::Float,
            Sort::Map => Ty::Map,
            Sort::Maps => Ty::list(Ty::Map),
        }
    }
}

/// The columns of one verb, in order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Columns {
    names: &'static [&'static str],
    sorts: &'static [Sort],
}

impl Columns {
    /// Names and types, as the resolver wants them.
    pub(super) fn typed(self) -> Vec<(&'static str, Ty)> {
        let sorts = self.sorts.iter().map(|sort| sort.ty());
        self.names.iter().copied().zip(sorts).collect()
    }
}

macro_rules! columns {
    ($name:ident: $($column:literal $sort:ident),+ $(,)?) => {
        pub(super) const $name: Columns = Columns {
            names: &[$($column),+],
            sorts: &[$(Sort::$sort),+],
        };
    };
}

columns!(ATTACK_PATHS: "path" Any, "source" Text, "target" Text, "likelihood" Number,
    "confidence" Number, "steps" Whole, "weakest" Text, "signature" Text);
columns!(EXPLOITABILITY: "node" Node, "state" Text, "likelihood" Number, "probability" Number,
    "low" Number, "high" Number, "steps" Whole, "entry" Text);
columns!(BLAST_RADIUS: "node" Node, "reached" Whole, "assets" Whole, "by_label" Map,
    "crown_jewels" Whole, "expected_loss" Number, "top" Maps);
columns!(CHOKE_POINTS: "node" Node, "state" Text, "rule" Text, "targets_cut" Whole,
    "value_cut" Number, "kind" Text);
columns!(FIX_PLAN: "rank" Whole, "fix" Text, "action" Text, "owner" Text, "cost" Whole,
    "steps_removed" Whole, "targets_cut" Whole, "risk_before" Number, "risk_after" Number,
    "method" Text);
columns!(WHY_NOT: "rule" Text, "premise" Text, "status" Text, "node" Node);

/// The columns of a verb by its first keyword, in order; empty for other keywords.
pub fn verb_columns(head: Keyword) -> &'static [&'static str] {
    match head {
        Keyword::AttackPaths => ATTACK_PATHS.names,
        Keyword::ExploitabilityOf => EXPLOITABILITY.names,
        Keyword::BlastRadius => BLAST_RADIUS.names,
        Keyword::ChokePoints => CHOKE_POINTS.names,
        Keyword::FixPlan => FIX_PLAN.names,
        Keyword::WhyNot => WHY_NOT.names,
        _ => &[],
    }
}
