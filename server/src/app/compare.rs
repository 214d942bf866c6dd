//! Two answers to one question, compared: what is new, what is gone, what is rescored.
//!
//! Rows are matched by what they speak of, not by their numbers: an attack path by its signature,
//! a row of another verb by its node, state or fix. A path that one answer lacks is looked up in
//! the other graph, so that a path is never new only because `TOP` let it in.

use std::collections::BTreeMap;

use foothold_engine::attack::{Capability, State};
use foothold_engine::budget::Budget;
use foothold_engine::score::cost::{cost_of_likelihood, likelihood_of_cost};
use foothold_engine::search::{StateId, StepId, cheapest_from};
use foothold_query::verb::shown_likelihood;
use serde_json::{Map, Value as Json};

use super::world::World;

/// Columns whose values may change while a row still speaks of the same thing.
const MEASURES: [&str; 23] = [
    "likelihood",
    "confidence",
    "steps",
    "weakest",
    "probability",
    "low",
    "high",
    "entry",
    "reached",
    "assets",
    "by_label",
    "crown_jewels",
    "expected_loss",
    "top",
    "targets_cut",
    "value_cut",
    "rank",
    "cost",
    "steps_removed",
    "risk_before",
    "risk_after",
    "method",
    "owner",
];

/// The columns that say how bad a row is, the first one that a table has.
const SCORES: [&str; 4] = ["likelihood", "expected_loss", "value_cut", "risk_after"];

/// One side of a comparison.
#[derive(Clone, Copy)]
pub(super) struct Side<'a> {
    pub(super) world: &'a World,
    pub(super) rows: &'a [Vec<Json>],
}

/// A row that differs.
#[derive(Debug, Clone)]
pub(crate) struct Difference {
    pub(crate) kind: Kind,
    /// The row as the later answer has it, or the earlier one where it is gone.
    pub(crate) row: Vec<Json>,
    pub(crate) before: Option<f64>,
    pub(crate) after: Option<f64>,
}

/// How a row differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    New,
    Gone,
    Rescored,
}

impl Kind {
    /// The word in answers.
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::New => "new",
            Kind::Gone => "gone",
            Kind::Rescored => "rescored",
        }
    }
}

/// Whether a row is called new or gone that no attack path vouches for.
pub(super) fn is_about_rows(differences: &[Difference]) -> bool {
    let mut found = differences.iter();
    found.any(|one| one.kind != Kind::Rescored && path_of(&one.row).is_none())
}

/// What differs, new rows first, then gone, then rescored, each in the order of its answer.
///
/// Where an answer is not whole, what it lacks may stand all the same: only attack paths, which
/// can be looked up, are called new or gone then.
pub(super) fn compare(
    columns: &[String],
    before: Side<'_>,
    after: Side<'_>,
    is_whole: bool,
) -> Vec<Difference> {
    let keys = Keys::new(columns);
    let (partners, unpaired) = keys.pair(before.rows, after.rows);
    let mut found = Vec::new();
    let rescored = |row: &[Json], was: Option<f64>, is: Option<f64>, out: &mut Vec<_>| {
        if is_other(was, is) {
            out.push(Difference {
                kind: Kind::Rescored,
                row: row.to_vec(),
                before: was,
                after: is,
            });
        }
    };
    let after_rows = after.rows.iter().zip(partners);
    for (row, partner) in after_rows.filter(|(row, _)| keys.says_something(row)) {
        let is = keys.score(row);
        if let Some(other) = partner {
            rescored(row, keys.score(other), is, &mut found);
            continue;
        }
        let path = path_of(row);
        match path.and_then(|path| stands(path, after.world, before.world)) {
            // It stood, but lower down than the answer goes.
            Some((is, was)) => rescored(row, Some(was), Some(is), &mut found),
            None if is_whole || path.is_some() => found.push(Difference {
                kind: Kind::New,
                row: row.clone(),
                before: None,
                after: is,
            }),
            None => {}
        }
    }
    for row in unpaired {
        let path = path_of(row);
        match path.and_then(|path| stands(path, before.world, after.world)) {
            Some((was, is)) => rescored(row, Some(was), Some(is), &mut found),
            None if is_whole || path.is_some() => found.push(Difference {
                kind: Kind::Gone,
                row: row.clone(),
                before: keys.score(row),
                after: None,
            }),
            None => {}
        }
    }
    found.sort_by_key(|difference| difference.kind);
    found
}

/// Six digits are shown, so less is no difference.
fn is_other(was: Option<f64>, is: Option<f64>) -> bool {
    match (was, is) {
        (Some(was), Some(is)) => (was - is).abs() > 2e-6,
        _ => false,
    }
}

/// How the rows of one table are told apart.
struct Keys {
    /// Places of the columns that say what a row is about.
    identity: Vec<usize>,
    score: Option<usize>,
    is_likelihood: bool,
}

impl Keys {
    fn new(columns: &[String]) -> Self {
        let place = |name: &str| columns.iter().position(|column| column == name);
        // The likeliest state of a node may change while the row still speaks of the node.
        let is_about_nodes = place("node").is_some() && place("entry").is_some();
        let identity = (0..columns.len())
            .filter(|&at| {
                let name = columns.get(at).map_or("", String::as_str);
                let is_measure = MEASURES.contains(&name) || (is_about_nodes && name == "state");
                !is_measure
            })
            .collect();
        Self {
            identity,
            score: SCORES.iter().find_map(|name| place(name)),
            is_likelihood: place("likelihood").is_some(),
        }
    }

    /// For each later row the earlier row that speaks of the same thing, and the earlier rows that
    /// no later row is paired with. Several rows may speak of one thing, as far as their columns
    /// tell: those with the same score belong together, the others in their order.
    fn pair<'r>(
        &self,
        before: &'r [Vec<Json>],
        after: &[Vec<Json>],
    ) -> (Vec<Option<&'r Vec<Json>>>, Vec<&'r Vec<Json>>) {
        let mut waiting: BTreeMap<String, Vec<&'r Vec<Json>>> = BTreeMap::new();
        for row in before.iter().filter(|row| self.says_something(row)) {
            waiting.entry(self.key(row)).or_default().push(row);
        }
        let mut partners = vec![None; after.len()];
        for is_same_score in [true, false] {
            for (row, partner) in after.iter().zip(&mut partners) {
                if partner.is_some() || !self.says_something(row) {
                    continue;
                }
                let Some(rows) = waiting.get_mut(&self.key(row)) else {
                    continue;
                };
                let score = self.score(row);
                let found = rows
                    .iter()
                    .position(|old| !is_same_score || !is_other(self.score(old), score));
                *partner = found.map(|at| rows.remove(at));
            }
        }
        let mut unpaired = Vec::new();
        for row in before.iter().filter(|row| self.says_something(row)) {
            let rows = waiting.get(&self.key(row));
            if rows.is_some_and(|rows| rows.iter().any(|&left| std::ptr::eq(left, row))) {
                unpaired.push(row);
            }
        }
        (partners, unpaired)
    }

    fn key(&self, row: &[Json]) -> String {
        if let Some(path) = path_of(row) {
            return path["signature"].as_str().unwrap_or_default().to_owned();
        }
        let cells = self.identity.iter().filter_map(|&at| row.get(at));
        let texts: Vec<String> = cells.map(cell_key).collect();
        texts.join("\u{1}")
    }

    fn score(&self, row: &[Json]) -> Option<f64> {
        let cell = self.score.and_then(|at| row.get(at)).and_then(Json::as_f64);
        cell.or_else(|| path_of(row).and_then(|path| path["likelihood"].as_f64()))
    }

    /// A row that says "cannot be reached" is as good as none.
    fn says_something(&self, row: &[Json]) -> bool {
        !self.is_likelihood || self.score(row) != Some(0.0)
    }
}

fn cell_key(cell: &Json) -> String {
    let wrapped = ["$node", "$rel"]
        .iter()
        .find_map(|wrapper| cell.get(wrapper));
    if let Some(thing) = wrapped {
        return thing["id"].as_str().unwrap_or_default().to_owned();
    }
    if cell.is_f64() {
        return String::new();
    }
    cell.to_string()
}

/// The attack path of a row, if it has one.
pub(super) fn path_of(row: &[Json]) -> Option<&Json> {
    row.iter().find_map(|cell| cell.get("$attack_path"))
}

/// How likely a path is in its own graph, as it says, and in the other one; `None` where one of its
/// steps is missing there, or nothing supports it. Between the two lies what its steps cost more or
/// less, so that a path none of whose steps changed is exactly as likely, at whatever skill the attacker
/// has.
fn stands(path: &Json, own: &World, other: &World) -> Option<(f64, f64)> {
    let steps_of = |name: &str| path[name].as_array().into_iter().flatten();
    let costs = |step: &Json| {
        let cost = |world: &World| {
            let found = find_step(world, step)?;
            Some(i64::from(world.attack.topology().cost(found)))
        };
        Some((cost(own)?, cost(other)?))
    };
    let mut change = 0_i64;
    for step in steps_of("steps") {
        let (was, is) = costs(step)?;
        change += is - was;
    }
    let is_as_before = |step| costs(step).is_some_and(|(was, is)| was == is);
    if !steps_of("supporting_steps").all(is_as_before) {
        change += support(path, other)? - support(path, own)?;
    }
    let own = path["likelihood"].as_f64()?;
    let cost = i64::from(cost_of_likelihood(own)) + change;
    let cost = u32::try_from(cost.max(0)).unwrap_or(u32::MAX - 1);
    let other = if change == 0 {
        own
    } else {
        shown_likelihood(likelihood_of_cost(cost))
    };
    Some((own, other))
}

/// What it costs in this graph to support the path's steps that need several states, from where the
/// path and its support start; `None` where that is not possible, or only by what such a step gains.
fn support(path: &Json, world: &World) -> Option<i64> {
    let steps_of = |name: &str| path[name].as_array().into_iter().flatten();
    let all = || steps_of("supporting_steps").chain(steps_of("steps"));
    let gained: Vec<&str> = all().filter_map(|step| step["gain"].as_str()).collect();
    let premises = all().flat_map(|step| step["premises"].as_array().into_iter().flatten());
    let starts = premises
        .chain([&path["source"]["id"]])
        .filter_map(Json::as_str)
        .filter(|premise| !gained.contains(premise) || path["source"]["id"] == *premise);
    let starts: Vec<StateId> = starts
        .filter_map(|state| find_state(world, state))
        .collect();
    let topology = world.attack.topology();
    let budget = Budget::unlimited();
    let forward = cheapest_from(topology, &starts, &budget).into_parts().0;
    let mut total = 0;
    for step in steps_of("steps") {
        let step = find_step(world, step)?;
        for side in topology.premises(step).into_iter().skip(1) {
            let derivation = forward.derivation(topology, side)?;
            let gain = topology.gain(step);
            let runs_through = |step: StepId| topology.gain(step) == gain;
            if !starts.contains(&gain) && derivation.into_iter().any(runs_through) {
                return None;
            }
            total += i64::from(forward.cost(side));
        }
    }
    Some(total)
}

/// The step of this graph that says what a step of another one says.
pub(super) fn find_step(world: &World, step: &Json) -> Option<StepId> {
    let graph = &world.attack;
    let rule = graph.rules().find(step["rule"].as_str()?)?;
    let gain = find_state(world, step["gain"].as_str()?)?;
    let premises: Option<Vec<StateId>> = step["premises"]
        .as_array()?
        .iter()
        .map(|premise| find_state(world, premise.as_str()?))
        .collect();
    let mut premises = premises?;
    premises.sort_unstable();
    let topology = graph.topology();
    let singles = topology.in_steps(gain).map(|(step, _, _)| step);
    singles.chain(topology.in_and_steps(gain)).find(|&found| {
        let mut needed: Vec<StateId> = topology.premises(found).into_iter().collect();
        needed.sort_unstable();
        graph.rule_of(found) == rule && needed == premises
    })
}

/// The state that is written like this.
pub(super) fn find_state(world: &World, text: &str) -> Option<StateId> {
    let (capability, rest) = text.split_once('(')?;
    let asset = world.snapshot.node(rest.strip_suffix(')')?)?;
    let capability = Capability::from_name(capability)?;
    world.attack.find_state(State { asset, capability })
}

/// A row with its columns as keys; wrappers of attack paths taken off.
pub(crate) fn as_object(columns: &[String], row: &[Json]) -> Map<String, Json> {
    let cells = row.iter().map(|cell| match cell.get("$attack_path") {
        Some(path) => path.clone(),
        None => cell.clone(),
    });
    columns.iter().cloned().zip(cells).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The scores of the pairs, earlier and later, and of the earlier rows without a partner.
    fn paired(before: &Json, after: &Json) -> (Vec<[Option<f64>; 2]>, Vec<Option<f64>>) {
        let rows =
            |table: &Json| -> Vec<Vec<Json>> { serde_json::from_value(table.clone()).unwrap() };
        let keys = Keys::new(&["store".to_owned(), "likelihood".to_owned()]);
        let (before, after) = (rows(before), rows(after));
        let (partners, unpaired) = keys.pair(&before, &after);
        let pairs = after.iter().zip(partners).map(|(row, partner)| {
            let was = partner.and_then(|old| keys.score(old));
            [was, keys.score(row)]
        });
        let left = unpaired.iter().map(|row| keys.score(row));
        (pairs.collect(), left.collect())
    }

    #[test]
    fn rows_of_one_key_are_paired_by_their_score_and_then_in_order() {
        let two = json!([["customers", 0.7], ["customers", 0.013]]);
        // Nothing changed, whatever the order.
        let turned = json!([["customers", 0.013], ["customers", 0.7]]);
        let same = [[Some(0.013), Some(0.013)], [Some(0.7), Some(0.7)]];
        assert_eq!(paired(&two, &turned), (same.to_vec(), vec![]));
        // One of them is gone: the one whose score is.
        let small = json!([["customers", 0.013]]);
        let kept = [[Some(0.013), Some(0.013)]];
        assert_eq!(paired(&two, &small), (kept.to_vec(), vec![Some(0.7)]));
        // One of them changed.
        let lower = json!([["customers", 0.5], ["customers", 0.013], ["orders", 0.4]]);
        let lowered = [
            [Some(0.7), Some(0.5)],
            [Some(0.013), Some(0.013)],
            [None, Some(0.4)],
        ];
        assert_eq!(paired(&two, &lower), (lowered.to_vec(), vec![]));
    }
}
