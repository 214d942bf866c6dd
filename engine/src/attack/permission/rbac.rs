//! Kubernetes roles: who holds which of the rights that attack rules care about.

mod rights;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::attack::network::{LabelSelector, Labels};

pub use rights::{RIGHTS, Right, Scoped};

/// The group of those who may do everything, whatever the roles say.
pub const MASTERS: &str = "system:masters";

/// The action of a grant through a role that was not collected: it may be any or none.
pub const UNKNOWN: &str = "?";

/// One rule of a role.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PolicyRule {
    verbs: Option<Vec<String>>,
    api_groups: Option<Vec<String>>,
    resources: Option<Vec<String>>,
    resource_names: Option<Vec<String>>,
}

/// A cluster role.
#[derive(Debug, Clone, Default)]
pub struct ClusterRole {
    /// Its own rules.
    pub rules: Vec<PolicyRule>,
    /// Its labels, by which others aggregate it.
    pub labels: Labels,
    /// It also has the rules of every cluster role that one of these selects.
    pub aggregation: Vec<LabelSelector>,
}

/// Reads the `rules` of a role from JSON text; `null` is none.
pub fn parse_rules(json: &str) -> Result<Vec<PolicyRule>, serde_json::Error> {
    Ok(serde_json::from_str::<Option<_>>(json)?.unwrap_or_default())
}

/// Reads an `aggregationRule`, or only its `clusterRoleSelectors`, from JSON text.
pub fn parse_aggregation(json: &str) -> Result<Vec<LabelSelector>, serde_json::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Rule {
        cluster_role_selectors: Option<Vec<LabelSelector>>,
    }
    if json.trim_start().starts_with('[') {
        return serde_json::from_str(json);
    }
    let rule: Option<Rule> = serde_json::from_str(json)?;
    Ok(rule
        .and_then(|rule| rule.cluster_role_selectors)
        .unwrap_or_default())
}

/// Who a binding grants to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A service account.
    ServiceAccount {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// A user.
    User(String),
    /// A group.
    Group(String),
}

impl Subject {
    /// The groups the API server puts it in by itself.
    pub fn groups(&self) -> Vec<String> {
        let authenticated = "system:authenticated".to_owned();
        match self {
            Subject::ServiceAccount { namespace, .. } => vec![
                "system:serviceaccounts".to_owned(),
                format!("system:serviceaccounts:{namespace}"),
                authenticated,
            ],
            Subject::User(name) if name == "system:anonymous" => {
                vec!["system:unauthenticated".to_owned()]
            }
            Subject::User(_) => vec![authenticated],
            Subject::Group(_) => Vec::new(),
        }
    }
}

/// Which role a binding gives.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RoleRef {
    /// A role of the binding's namespace.
    Role(String),
    /// A cluster role.
    ClusterRole(String),
}

/// A role binding or cluster role binding.
#[derive(Debug, Clone)]
pub struct Binding {
    /// How answers name it.
    pub name: String,
    /// Its namespace; none for a cluster role binding.
    pub namespace: Option<String>,
    /// The role.
    pub role: RoleRef,
    /// Whom it grants to.
    pub subjects: Vec<Subject>,
}

/// Where a right holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Everywhere in the cluster.
    Cluster,
    /// In one namespace.
    Namespace(String),
}

/// One right that a subject holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Grant {
    /// `secrets:list`; `*:*` for everything, [`UNKNOWN`] for what a role that was not collected
    /// may give.
    pub action: &'static str,
    /// Where.
    pub scope: Scope,
    /// The one object it is limited to, if it is limited.
    pub name: Option<String>,
    /// The binding and role that give it, `<binding> -> <role>`.
    pub through: String,
}

/// The roles and bindings of one cluster.
#[derive(Debug, Clone, Default)]
pub struct Rbac {
    /// Cluster roles by name.
    pub cluster_roles: BTreeMap<String, ClusterRole>,
    /// Roles by namespace and name.
    pub roles: BTreeMap<(String, String), Vec<PolicyRule>>,
    /// Bindings.
    pub bindings: Vec<Binding>,
}

/// Effective rights of every subject of a cluster.
#[derive(Debug, Clone, Default)]
pub struct Rights {
    by_subject: BTreeMap<Subject, Vec<Grant>>,
    /// Bindings whose role was not collected, as `<binding> -> <role>`: what they give is unknown.
    pub unresolved: Vec<String>,
}

impl Rbac {
    /// Works out what every subject of a binding is given. O(bindings x rules x rights).
    pub fn resolve(&self) -> Rights {
        let mut rights = Rights::default();
        for binding in &self.bindings {
            let (role, rules) = match &binding.role {
                RoleRef::Role(name) => {
                    let namespace = binding.namespace.clone().unwrap_or_default();
                    let rules = self.roles.get(&(namespace, name.clone()));
                    (name, rules.cloned())
                }
                RoleRef::ClusterRole(name) => (name, self.rules_of_cluster_role(name)),
            };
            let through = format!("{} -> {role}", binding.name);
            let scope = match &binding.namespace {
                Some(namespace) => Scope::Namespace(namespace.clone()),
                None => Scope::Cluster,
            };
            let grants = match rules {
                Some(rules) => grants_of(&rules, &scope, &through),
                None => {
                    rights.unresolved.push(through.clone());
                    vec![Grant {
                        action: UNKNOWN,
                        scope,
                        name: None,
                        through,
                    }]
                }
            };
            for subject in &binding.subjects {
                let held = rights.by_subject.entry(subject.clone()).or_default();
                held.extend(grants.iter().cloned());
            }
        }
        for held in rights.by_subject.values_mut() {
            *held = widest(std::mem::take(held));
        }
        rights.unresolved.sort_unstable();
        rights.unresolved.dedup();
        rights
    }

    /// The rules of a cluster role with what it aggregates, and what those aggregate in turn; those
    /// of the roles every cluster has where they were not collected.
    fn rules_of_cluster_role(&self, name: &str) -> Option<Vec<PolicyRule>> {
        let mut seen: BTreeSet<&str> = BTreeSet::from([name]);
        let mut open = Vec::new();
        let mut rules = match self.cluster_roles.get(name) {
            Some(role) => {
                open.push(Cow::Borrowed(&role.aggregation));
                role.rules.clone()
            }
            None => {
                let rules = rights::built_in(name)?;
                open.push(Cow::Owned(rights::aggregation_of_built_in(name)));
                rules
            }
        };
        while let Some(selectors) = open.pop() {
            for (other, candidate) in &self.cluster_roles {
                let selected = || {
                    let mut selectors = selectors.iter();
                    selectors.any(|selector| selector.matches(&candidate.labels))
                };
                if !seen.contains(other.as_str()) && selected() {
                    seen.insert(other);
                    rules.extend(candidate.rules.iter().cloned());
                    open.push(Cow::Borrowed(&candidate.aggregation));
                }
            }
        }
        Some(rules)
    }

    /// Whether a role gives every right there is.
    pub fn is_everything(&self, role: &RoleRef, namespace: Option<&str>) -> bool {
        let rules = match role {
            RoleRef::ClusterRole(name) => self.rules_of_cluster_role(name),
            RoleRef::Role(name) => {
                let key = (namespace.unwrap_or_default().to_owned(), name.clone());
                self.roles.get(&key).cloned()
            }
        };
        rules.is_some_and(|rules| rules.iter().any(PolicyRule::is_everything))
    }
}

impl Rights {
    /// What a subject holds by itself and through its groups, the widest of each right.
    pub fn of(&self, subject: &Subject) -> Vec<Grant> {
        let mut held = self.by_subject.get(subject).cloned().unwrap_or_default();
        for group in subject.groups() {
            if let Some(grants) = self.by_subject.get(&Subject::Group(group)) {
                held.extend(grants.iter().cloned());
            }
        }
        if *subject == Subject::Group(MASTERS.to_owned()) {
            let everything = [PolicyRule::everything()];
            held.extend(grants_of(&everything, &Scope::Cluster, MASTERS));
        }
        widest(held)
    }

    /// Every subject that some binding names.
    pub fn subjects(&self) -> impl Iterator<Item = &Subject> {
        self.by_subject.keys()
    }
}

impl PolicyRule {
    pub(crate) fn everything() -> Self {
        let all = || Some(vec!["*".to_owned()]);
        Self {
            verbs: all(),
            api_groups: all(),
            resources: all(),
            resource_names: None,
        }
    }

    fn is_everything(&self) -> bool {
        let star = |list: &Option<Vec<String>>| list.iter().flatten().any(|item| item == "*");
        star(&self.verbs)
            && star(&self.api_groups)
            && star(&self.resources)
            && self.names().is_empty()
    }

    fn names(&self) -> &[String] {
        self.resource_names.as_deref().unwrap_or_default()
    }

    /// Whether it speaks of the right, names left aside.
    fn covers(&self, right: &Right) -> bool {
        let has = |list: &Option<Vec<String>>, wanted: &[&str]| {
            let mut items = list.iter().flatten();
            items.any(|item| item == "*" || wanted.contains(&item.as_str()))
        };
        // What is created or deleted by the collection has no name when it is judged, unless it is
        // a part of something that has.
        let is_part = right
            .resources
            .iter()
            .all(|resource| resource.contains('/'));
        let verbs: Cow<'_, [&str]> = if self.names().is_empty() || is_part {
            Cow::Borrowed(right.verbs)
        } else {
            let mut named = right.verbs.to_vec();
            named.retain(|verb| !matches!(*verb, "create" | "deletecollection"));
            Cow::Owned(named)
        };
        !verbs.is_empty()
            && has(&self.verbs, &verbs)
            && has(&self.api_groups, right.groups)
            && right.resources.iter().any(|resource| {
                let subresource = resource.split_once('/').map(|(_, subresource)| subresource);
                self.resources.iter().flatten().any(|item| {
                    item == "*"
                        || item == resource
                        || (item.strip_prefix("*/").is_some()
                            && item.strip_prefix("*/") == subresource)
                })
            })
    }
}

fn grants_of(rules: &[PolicyRule], scope: &Scope, through: &str) -> Vec<Grant> {
    let mut grants = Vec::new();
    let mut add = |action, name: Option<&String>| {
        grants.push(Grant {
            action,
            scope: scope.clone(),
            name: name.cloned(),
            through: through.to_owned(),
        });
    };
    for rule in rules {
        if rule.is_everything() {
            add("*:*", None);
        }
        for right in RIGHTS {
            // A binding of one namespace gives nothing on what lies in none.
            if right.scoped == Scoped::Cluster && *scope != Scope::Cluster {
                continue;
            }
            if !rule.covers(right) {
                continue;
            }
            if rule.names().is_empty() {
                add(right.action, None);
            } else if right.nameable {
                rule.names()
                    .iter()
                    .for_each(|name| add(right.action, Some(name)));
            }
        }
    }
    grants
}

/// Drops what a wider grant says already: everything over a right, the cluster over a namespace,
/// all objects over one.
fn widest(mut grants: Vec<Grant>) -> Vec<Grant> {
    let administers = |grant: &Grant| grant.action == "*:*" && grant.scope == Scope::Cluster;
    if grants.iter().any(administers) {
        grants.retain(administers);
    }
    grants.sort_unstable();
    grants.dedup_by(|later, first| {
        (later.action, &later.scope, &later.name) == (first.action, &first.scope, &first.name)
    });
    let held: BTreeSet<_> = grants
        .iter()
        .map(|grant| (grant.action, grant.scope.clone(), grant.name.clone()))
        .collect();
    grants.retain(|grant| {
        let cluster = || Scope::Cluster;
        let wider = [
            (grant.action, cluster(), None),
            (grant.action, cluster(), grant.name.clone()),
            (grant.action, grant.scope.clone(), None),
        ];
        let own = (grant.action, grant.scope.clone(), grant.name.clone());
        wider
            .into_iter()
            .all(|other| other == own || !held.contains(&other))
    });
    grants
}
