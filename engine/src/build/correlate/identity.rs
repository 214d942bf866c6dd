//! Which ids name one thing, decided before the merge.

use std::collections::{BTreeMap, BTreeSet};

use crate::build::Staging;
use crate::build::scope::Scope;
use crate::model::{Facts, Value};

/// What documents say about names.
#[derive(Default)]
pub(in crate::build) struct Identity<'a> {
    /// The workloads that are described.
    described: BTreeSet<&'a str>,
    /// Runs and what controls them.
    controlled: Vec<(&'a str, &'a str)>,
    /// The other names of each vulnerability.
    vulnerabilities: BTreeMap<&'a str, BTreeSet<&'a str>>,
}

const WORKLOAD: &str = "Workload";
const VULNERABILITY: &str = "Vulnerability";
const CONTROLLED_BY: &str = "CONTROLLED_BY";
const ALIASES: &str = "aliases";

impl<'a> Identity<'a> {
    /// What it reads.
    pub(in crate::build) fn scope() -> Scope {
        let mut scope = Scope::default();
        scope.label(WORKLOAD);
        scope.label(VULNERABILITY);
        scope.kind(CONTROLLED_BY);
        scope.prop(ALIASES);
        scope
    }

    pub(in crate::build) fn of_staging(staging: &'a Staging) -> Self {
        let mut identity = Identity::default();
        for node in staging.nodes() {
            if node.has_label(WORKLOAD) {
                identity.described.insert(node.id());
            }
            if node.has_label(VULNERABILITY) {
                identity.vulnerability(node.id(), node.prop(ALIASES));
            }
        }
        let controlled = staging.edges().filter(|edge| edge.kind() == CONTROLLED_BY);
        let controlled = controlled.map(|edge| (edge.from(), edge.to()));
        identity.controlled = controlled.collect();
        identity
    }

    pub(in crate::build) fn of_documents(documents: impl Iterator<Item = &'a Facts>) -> Self {
        let mut identity = Identity::default();
        for facts in documents {
            let name = |name: &str| facts.strings().get(name);
            let (workload, vulnerability) = (name(WORKLOAD), name(VULNERABILITY));
            for node in facts.nodes() {
                let is = |label| node.labels.iter().any(|&own| Some(own) == label);
                if is(workload) {
                    identity.described.insert(facts.str(node.id));
                }
                if is(vulnerability) {
                    let aliases = facts.prop(&node.props, ALIASES);
                    identity.vulnerability(facts.str(node.id), aliases);
                }
            }
            let Some(controlled_by) = name(CONTROLLED_BY) else {
                continue;
            };
            for edge in facts
                .edges()
                .iter()
                .filter(|edge| edge.kind == controlled_by)
            {
                let ends = (facts.str(edge.from), facts.str(edge.to));
                identity.controlled.push(ends);
            }
        }
        identity
    }

    fn vulnerability(&mut self, id: &'a str, aliases: Option<&'a Value>) {
        let known = self.vulnerabilities.entry(id).or_default();
        let list = aliases.and_then(|value| value.as_list());
        known.extend(
            list.into_iter()
                .flatten()
                .filter_map(|alias| alias.as_str()),
        );
    }

    /// Ids and what they are merged into: runs of a workload into the workload that controls them,
    /// and ids of one vulnerability into one.
    pub(in crate::build) fn aliases(&self) -> Vec<(String, String)> {
        let mut aliases = controllers(self);
        aliases.extend(vulnerabilities(&self.vulnerabilities));
        aliases
    }
}

/// `CONTROLLED_BY` says so itself; another document describes the controller.
fn controllers(identity: &Identity<'_>) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = identity
        .controlled
        .iter()
        .filter(|(_, controller)| identity.described.contains(controller))
        .map(|&(run, controller)| (run.to_owned(), controller.to_owned()))
        .collect();
    pairs.sort_unstable();
    pairs.dedup_by(|later, first| later.0 == first.0);
    pairs
}

/// Groups of ids joined by stated aliases. A record that would join two CVEs joins nothing: each
/// CVE is one vulnerability by definition, so such a record is wrong or speaks of several.
fn vulnerabilities(stated: &BTreeMap<&str, BTreeSet<&str>>) -> Vec<(String, String)> {
    let mut groups = Groups::default();
    for (id, aliases) in stated {
        let mut ids: BTreeSet<String> = [(*id).to_owned()].into();
        for alias in aliases {
            ids.insert(match alias.strip_prefix("vuln:") {
                Some(_) => (*alias).to_owned(),
                None => format!("vuln:{alias}"),
            });
        }
        groups.join(&ids);
    }
    let known = |id: &str| stated.contains_key(id);
    let mut aliases = Vec::new();
    for members in groups.members() {
        // The CVE names the group where there is one, else the first id in byte order.
        let cve = members.iter().find(|id| is_cve(id));
        let Some(canonical) = cve.or_else(|| members.iter().find(|id| known(id))) else {
            continue;
        };
        let others = members.iter().filter(|id| *id != canonical && known(id));
        aliases.extend(others.map(|id| (id.clone(), canonical.clone())));
    }
    aliases
}

fn is_cve(id: &str) -> bool {
    id.starts_with("vuln:CVE-")
}

/// Disjoint groups of ids, none with two CVEs.
#[derive(Default)]
struct Groups {
    group_of: BTreeMap<String, usize>,
    members: Vec<BTreeSet<String>>,
}

impl Groups {
    fn join(&mut self, ids: &BTreeSet<String>) {
        let mut united: BTreeSet<String> = ids.clone();
        let mut touched = BTreeSet::new();
        for id in ids {
            if let Some(&group) = self.group_of.get(id) {
                touched.insert(group);
                united.extend(self.members.get(group).into_iter().flatten().cloned());
            }
        }
        if united.iter().filter(|id| is_cve(id)).count() > 1 {
            return;
        }
        for group in touched {
            if let Some(members) = self.members.get_mut(group) {
                members.clear();
            }
        }
        let group = self.members.len();
        for id in &united {
            self.group_of.insert(id.clone(), group);
        }
        self.members.push(united);
    }

    fn members(&self) -> impl Iterator<Item = &BTreeSet<String>> {
        self.members.iter().filter(|members| members.len() > 1)
    }
}
