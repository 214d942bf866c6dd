//! The policies that are there: those shipped with the program and those that users added, and the
//! history of their runs.

use std::collections::BTreeMap;

use foothold_engine::store::records::{get, list, number_key, put};
use foothold_engine::store::{Change, KvStore, StoreError};
use serde::{Deserialize, Serialize};

use crate::app::{App, InForce, Refused};
use crate::policy::{self, Policy, PolicyResult};
use crate::records::{POLICIES, RUNS, VERSION};

/// How many runs of a policy are remembered.
const N_RUNS: usize = 100;

/// The most signatures that a run remembers.
const N_SIGNATURES: usize = 200;

/// A run of a policy.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RunRecord {
    pub(crate) id: u64,
    pub(crate) policy: String,
    pub(crate) at_ms: i64,
    pub(crate) snapshot: Option<String>,
    pub(crate) status: String,
    pub(crate) violations: u64,
    pub(crate) signatures: Vec<String>,
    pub(crate) error: Option<String>,
    pub(crate) elapsed_ms: f64,
}

/// A policy that a user added, as it was written.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct AddedPolicy {
    text: String,
}

/// Every policy by name: the shipped ones, those of the user's rules folder and, with a store, the
/// added ones. A later one replaces an earlier one of its name.
pub(crate) fn known(rules: &InForce, app: Option<&App>) -> Result<Vec<Policy>, String> {
    let mut policies = policy::shipped().map_err(|refused| refused.summary())?;
    policies.extend(policy::defined(&rules.definitions));
    if let Some(app) = app {
        let added: Vec<(Vec<u8>, AddedPolicy)> =
            list(&**app.records(), POLICIES, VERSION).map_err(|error| error.to_string())?;
        for (_, added) in added {
            policies.extend(policy::parse(&added.text, "added").map_err(|it| it.summary())?);
        }
    }
    let by_name: BTreeMap<String, Policy> = policies
        .into_iter()
        .map(|policy| (policy.name().to_owned(), policy))
        .collect();
    Ok(by_name.into_values().collect())
}

/// Why a policy could not be added.
#[derive(Debug)]
pub(crate) enum AddProblem {
    /// Its text is wrong.
    Refused(Refused),
    /// It is not exactly one policy.
    NotOne(usize),
    /// The store refused.
    Store(StoreError),
}

/// Adds the policy of a text, or replaces the one of its name.
pub(crate) fn add(records: &dyn KvStore, text: &str) -> Result<Policy, AddProblem> {
    let mut policies = policy::parse(text, "added").map_err(AddProblem::Refused)?;
    let policy = match (policies.pop(), policies.len()) {
        (Some(policy), 0) => policy,
        (last, n_more) => return Err(AddProblem::NotOne(n_more + usize::from(last.is_some()))),
    };
    let added = AddedPolicy {
        text: text.to_owned(),
    };
    let change =
        put(POLICIES, policy.name().as_bytes(), VERSION, &added).map_err(AddProblem::Store)?;
    records.apply(&[change]).map_err(AddProblem::Store)?;
    Ok(policy)
}

/// Removes an added policy; says whether there was one.
pub(crate) fn remove(records: &dyn KvStore, name: &str) -> Result<bool, StoreError> {
    let was_there = get::<AddedPolicy>(records, POLICIES, name.as_bytes(), VERSION)?.is_some();
    if was_there {
        records.apply(&[Change::Delete(POLICIES, name.as_bytes().to_vec())])?;
    }
    Ok(was_there)
}

/// Remembers a run, and forgets those that are too many.
pub(crate) fn remember(
    records: &dyn KvStore,
    result: &PolicyResult,
    at_ms: i64,
    snapshot: Option<String>,
) -> Result<RunRecord, StoreError> {
    let signatures = result.violations.iter().take(N_SIGNATURES);
    let run = RunRecord {
        id: records.next_id("runs")?,
        policy: result.policy.name().to_owned(),
        at_ms,
        snapshot,
        status: result.status.name().to_owned(),
        violations: result.violations.len() as u64,
        signatures: signatures.map(|it| it.signature.clone()).collect(),
        error: result.error.clone(),
        elapsed_ms: result.elapsed_ms,
    };
    let mut changes = vec![put(RUNS, &run_key(&run.policy, run.id), VERSION, &run)?];
    let earlier = runs(records, &run.policy)?;
    changes.extend(
        earlier
            .iter()
            .skip(N_RUNS - 1)
            .map(|run| Change::Delete(RUNS, run_key(&run.policy, run.id))),
    );
    records.apply(&changes)?;
    Ok(run)
}

/// The runs of a policy, newest first.
pub(crate) fn runs(records: &dyn KvStore, policy: &str) -> Result<Vec<RunRecord>, StoreError> {
    let all: Vec<(Vec<u8>, RunRecord)> = list(records, RUNS, VERSION)?;
    let mut runs: Vec<RunRecord> = all
        .into_iter()
        .map(|(_, run)| run)
        .filter(|run| run.policy == policy)
        .collect();
    runs.sort_by_key(|run| std::cmp::Reverse(run.id));
    Ok(runs)
}

fn run_key(policy: &str, id: u64) -> Vec<u8> {
    [policy.as_bytes(), &[0], &number_key(id)].concat()
}
