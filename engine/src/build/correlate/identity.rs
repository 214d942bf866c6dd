//! Which ids name one thing, decided before the merge.

use std::collections::{BTreeMap, BTreeSet};

use crate::build::Staging;

/// Merges runs of a workload into the workload that controls them, and ids of one vulnerability
/// into one.
pub(super) fn decide(staging: &mut Staging) {
    let mut aliases = controllers(staging);
    aliases.extend(vulnerabilities(staging));
    for (id, canonical) in aliases {
        staging.alias(&id, &canonical);
    }
}

/// `CONTROLLED_BY` says so itself; another document describes the controller.
fn controllers(staging: &Staging) -> Vec<(String, String)> {
    let described: BTreeSet<&str> = staging
        .nodes()
        .filter(|node| node.has_label("Workload"))
        .map(|node| node.id())
        .collect();
    let mut pairs: Vec<(String, String)> = staging
        .edges()
        .filter(|edge| edge.kind() == "CONTROLLED_BY" && described.contains(edge.to()))
        .map(|edge| (edge.from().to_owned(), edge.to().to_owned()))
        .collect();
    pairs.sort_unstable();
    pairs.dedup_by(|later, first| later.0 == first.0);
    pairs
}

/// Groups of ids joined by stated aliases. A record that would join two CVEs joins nothing: each
/// CVE is one vulnerability by definition, so such a record is wrong or speaks of several.
fn vulnerabilities(staging: &Staging) -> Vec<(String, String)> {
    let mut stated: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for node in staging
        .nodes()
        .filter(|node| node.has_label("Vulnerability"))
    {
        let aliases = stated.entry(node.id()).or_default();
        let list = node.prop("aliases").and_then(|value| value.as_list());
        aliases.extend(
            list.into_iter()
                .flatten()
                .filter_map(|alias| alias.as_str()),
        );
    }
    let mut groups = Groups::default();
    for (id, aliases) in &stated {
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
