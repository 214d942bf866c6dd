//! One question on two worlds, and what differs between the answers.

use std::ops::ControlFlow;
use std::sync::Arc;

use foothold_query::ast::{Query, QueryMode};
use foothold_query::diagnostic::{Code, Diagnostic};
use foothold_query::uncut::{Uncut, uncut};
use serde_json::Value as Json;

use super::super::compare::{Difference, Side, compare, is_about_rows};
use super::super::diff;
use super::super::what_if::changed_world;
use super::super::world::World;
use super::{Answered, Asking, Part, TakePart, diagnostics_json};
use crate::dto::answer::{Ending, WhatIfDto};

/// An answer to compare.
struct Rows {
    rows: Vec<Vec<Json>>,
    /// Whether no limit of the budget cut it short.
    is_whole: bool,
}

impl Asking<'_> {
    /// On the changed world; beside its rows what opened and what closed.
    pub(super) fn what_if(&self, world: &Arc<World>, take: &mut TakePart<'_>) -> Answered<Ending> {
        let changed = changed_world(self, world)?;
        let after = &changed.world;
        if self.query.mode == QueryMode::Explain {
            return self.run(self.query, after, &changed.warnings, take);
        }
        let uncut = uncut(self.query);
        // The rows that were asked for come first; what is left of the budget is for comparing.
        let mut columns = Vec::new();
        let mut rows = Vec::new();
        let asked = if uncut.was_cut {
            self.query
        } else {
            &uncut.query
        };
        let n_hidden = usize::from(uncut.adds_path && !uncut.was_cut);
        let mut ending = self.run(asked, after, &changed.warnings, &mut |mut part| {
            match &mut part {
                Part::Columns(names) => {
                    names.truncate(names.len() - n_hidden);
                    columns.clone_from(names);
                }
                Part::Row(row) => {
                    if !uncut.was_cut {
                        rows.push(row.clone());
                    }
                    row.truncate(row.len() - n_hidden);
                }
            }
            take(part)
        })?;
        let new = if uncut.was_cut {
            self.rows(&uncut.query, after)?
        } else {
            let is_whole = ending.completeness.complete;
            Rows { rows, is_whole }
        };
        let old = self.rows(&uncut.query, world)?;
        let is_whole = old.is_whole && new.is_whole;
        let old = Side {
            world,
            rows: &old.rows,
        };
        let new = Side {
            world: after,
            rows: &new.rows,
        };
        let differences = compare(&columns, old, new, is_whole);
        self.warn_of_cuts(&uncut, &differences, &mut ending);
        ending.what_if = Some(WhatIfDto::new(&columns, is_whole, differences));
        Ok(ending)
    }

    /// On two worlds: the rows that differ.
    pub(super) fn difference(
        &self,
        before: &Arc<World>,
        after: &Arc<World>,
        take: &mut TakePart<'_>,
    ) -> Answered<Ending> {
        if self.query.mode == QueryMode::Explain {
            return self.run(self.query, after, &[], take);
        }
        let uncut = uncut(self.query);
        let (_, old, old_ending) = self.collect(&uncut.query, before)?;
        let (mut columns, new, mut ending) = self.collect(&uncut.query, after)?;
        columns.truncate(columns.len() - usize::from(uncut.adds_path));
        let is_whole = old_ending.completeness.complete && ending.completeness.complete;
        let old = Side {
            world: before,
            rows: &old,
        };
        let new = Side {
            world: after,
            rows: &new,
        };
        let differences = compare(&columns, old, new, is_whole);
        self.warn_of_cuts(&uncut, &differences, &mut ending);
        let (skip, limit) = self.counts(&uncut, after)?;
        let _ = take(Part::Columns(diff::columns(&columns)));
        let mut rows = diff::rows(columns.len(), differences, before, after);
        rows.drain(..skip.min(rows.len()));
        rows.truncate(limit);
        let n_rows = diff::hand_out(rows, &mut |row| take(Part::Row(row)));
        ending.count(n_rows, &old_ending, self.watch);
        Ok(ending)
    }

    /// Says that rows may be called new or gone because others of a cut answer moved.
    fn warn_of_cuts(&self, uncut: &Uncut, differences: &[Difference], ending: &mut Ending) {
        let Some(span) = uncut.still_cut.filter(|_| is_about_rows(differences)) else {
            return;
        };
        let message = "answers are compared as this cuts them: a row may be new or gone only \
            because another one took its place";
        let help = "compare without the limit, or let `ATTACK PATHS` give its rows as they are";
        let warning = Diagnostic::new(Code::CutComparison, span, message).help(help);
        let json = diagnostics_json(self.question.text, &[warning]);
        ending.warnings.extend(json);
    }

    /// How many differences to leave out, and how many to give.
    fn counts(&self, uncut: &Uncut, world: &Arc<World>) -> Answered<(usize, usize)> {
        let Some(counts) = &uncut.counts else {
            return Ok((0, usize::MAX));
        };
        let (_, rows, _) = self.collect(counts, world)?;
        let count = |at: usize| {
            let cell = rows.first().and_then(|row| row.get(at));
            cell.and_then(Json::as_u64)
                .and_then(|n| usize::try_from(n).ok())
        };
        Ok((count(0).unwrap_or(0), count(1).unwrap_or(usize::MAX)))
    }

    fn rows(&self, query: &Query, world: &Arc<World>) -> Answered<Rows> {
        let (_, rows, ending) = self.collect(query, world)?;
        let is_whole = ending.completeness.complete;
        Ok(Rows { rows, is_whole })
    }

    fn collect(
        &self,
        query: &Query,
        world: &Arc<World>,
    ) -> Answered<(Vec<String>, Vec<Vec<Json>>, Ending)> {
        let (mut columns, mut rows) = (Vec::new(), Vec::new());
        let ending = self.run(query, world, &[], &mut |part| {
            match part {
                Part::Columns(names) => columns = names,
                Part::Row(row) => rows.push(row),
            }
            ControlFlow::Continue(())
        })?;
        Ok((columns, rows, ending))
    }
}
