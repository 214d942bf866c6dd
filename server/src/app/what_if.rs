//! `WHAT IF`: the world that a query's changes give. Nothing is stored.

use std::collections::BTreeSet;
use std::sync::Arc;

use foothold_engine::attack::AttackGraph;
use foothold_engine::build::Changes;
use foothold_engine::graph::{EdgeId, Snapshot};
use foothold_query::ast::{Clause, Query};
use foothold_query::diagnostic::Diagnostic;
use foothold_query::verb::{ChangeEnv, ChangeFault, WhatIf, resolve_changes};

use super::fql::{Asking, Refused, Unanswered};
use super::world::World;
use super::{AppError, Estate, Result};

/// Kinds that neither a join nor a condition of a shipped rule reads: without such an edge, what
/// is left of the attack graph are the matches that do not use it, and nothing can open.
/// `engine/src/build/correlate` is checked against the list by a test.
const READ_BY_NO_JOIN: [&str; 8] = [
    "ALLOWS_FROM",
    "BOUND_TO",
    "BUILT_FROM",
    "CALLS",
    "DEPENDS_ON",
    "SELECTS",
    "STORED_IN",
    "TRUSTS",
];

/// The changed world and what is suspicious about the changes.
pub(super) struct Changed {
    pub(super) world: Arc<World>,
    pub(super) warnings: Vec<Diagnostic>,
}

/// Builds the world that a question's changes give.
pub(super) fn changed_world(
    asking: &Asking<'_>,
    world: &Arc<World>,
) -> std::result::Result<Changed, Unanswered> {
    let what_if = resolve(asking, world)?;
    let is_about_states = !reads_relationships(asking.query, asking.question.text);
    let built = build(asking.estate, world, &what_if, is_about_states)?;
    Ok(Changed {
        world: built,
        warnings: what_if.warnings,
    })
}

fn resolve(asking: &Asking<'_>, world: &World) -> std::result::Result<WhatIf, Unanswered> {
    let text = asking.changes_text;
    let env = ChangeEnv {
        snapshot: &world.snapshot,
        graph: &world.attack,
        surroundings: world.surroundings(),
        text,
        params: asking.question.params,
        now_ms: world.created_at_ms,
        budget: asking.budget,
    };
    resolve_changes(&env, &asking.query.what_if).map_err(|fault| match fault {
        ChangeFault::Refused(diagnostics) => Refused::new(text, diagnostics).into(),
        ChangeFault::Stopped(stop) => AppError::ChangeStopped(stop).into(),
    })
}

fn build(
    estate: &Estate,
    world: &Arc<World>,
    what_if: &WhatIf,
    is_about_states: bool,
) -> Result<Arc<World>> {
    let mut changed = Arc::clone(world);
    if !what_if.facts.is_empty() {
        let gone = is_about_states
            .then(|| removable(&world.snapshot, &what_if.facts))
            .flatten()
            .filter(|_| !world.rules.reads_relationships());
        changed = Arc::new(match gone {
            Some(gone) => world.with_attack(without_edges(&world.attack, &gone)?),
            None => world.changed(&what_if.facts, estate.pool())?,
        });
    }
    if !what_if.fixes.is_empty() {
        let left = without_fixes(&changed.attack, &what_if.fixes)?;
        changed = Arc::new(changed.with_attack(left));
    }
    Ok(changed)
}

/// The edges to take away, where that is all that changes and nothing else depends on them.
fn removable(snapshot: &Snapshot, changes: &Changes) -> Option<BTreeSet<EdgeId>> {
    let edges = changes.only_removed_edges(snapshot)?;
    let is_safe = edges.iter().all(|&edge| {
        let kind = snapshot.kind_name(snapshot.edge(edge).kind);
        READ_BY_NO_JOIN.contains(&kind)
    });
    is_safe.then(|| edges.into_iter().collect())
}

fn without_edges(graph: &AttackGraph, gone: &BTreeSet<EdgeId>) -> Result<AttackGraph> {
    Ok(graph.without(|step, instance| {
        let bindings = graph.bindings_of(step, instance);
        bindings.edges().any(|edge| gone.contains(&edge))
    })?)
}

/// The attack graph after fixes: what they break is gone, as in a fix plan.
fn without_fixes(graph: &AttackGraph, fixes: &BTreeSet<String>) -> Result<AttackGraph> {
    let actions: BTreeSet<&str> = fixes
        .iter()
        .filter_map(|fix| fix.split_once(':').map(|(action, _)| action))
        .collect();
    let is_concerned: Vec<bool> = graph
        .rules()
        .rules()
        .iter()
        .map(|rule| rule.fixes.iter().any(|fix| actions.contains(&*fix.action)))
        .collect();
    Ok(graph.without(|step, instance| {
        let rule = usize::from(graph.rule_of(step).0);
        is_concerned.get(rule).copied().unwrap_or(false)
            && graph
                .fixes_of(step, instance)
                .iter()
                .any(|fix| fixes.contains(&fix.id))
    })?)
}

/// Whether the query itself looks at relationships of the asset graph, beyond what its verbs do.
fn reads_relationships(query: &Query, text: &str) -> bool {
    let parts = query.body.rest.iter().map(|part| &part.query);
    let clauses = std::iter::once(&query.body.first)
        .chain(parts)
        .flat_map(|single| &single.clauses);
    let only_verbs = clauses.into_iter().all(|clause| {
        matches!(
            clause,
            Clause::Verb(_) | Clause::Return(_) | Clause::With(_) | Clause::Unwind(_)
        )
    });
    let body = query.body.span.slice(text);
    let has_arrow = ["-[", "--", "]-", "<-", "->"]
        .iter()
        .any(|arrow| body.contains(arrow));
    !only_verbs || has_arrow
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_join_mentions_what_no_join_reads() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../engine/src/build");
        let mut pending = vec![std::path::PathBuf::from(folder)];
        let mut n_files = 0;
        while let Some(path) = pending.pop() {
            if path.is_dir() {
                let entries = std::fs::read_dir(path).unwrap();
                pending.extend(entries.map(|entry| entry.unwrap().path()));
                continue;
            }
            let is_test = path.file_name().is_some_and(|name| name == "tests.rs");
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            n_files += 1;
            for kind in READ_BY_NO_JOIN {
                let is_read = !is_test && code.contains(&format!("\"{kind}\""));
                assert!(!is_read, "{} reads {kind}", path.display());
            }
        }
        assert!(n_files > 10, "the joins are somewhere else");
    }
}
