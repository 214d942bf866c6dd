//! What `GitHound`, the collector of `BloodHound` for GitHub, says, in our own words beside its own.
//!
//! The collector works out which roles contain which and who may write a branch in spite of its
//! protection. Here roles become what they give: `HAS_ROLE_ON` with the highest role, membership of
//! teams, and `CAN_BYPASS` where a protected branch may be written or its protection be edited.

use std::collections::{BTreeMap, BTreeSet};

use foothold_engine::model::{Facts, IdError, Value};

use super::{Graph, Node, end_id_of, object_id};
use crate::keys::repository_id;

/// Roles on a repository, the least first.
const ROLES: [&str; 5] = ["read", "triage", "write", "maintain", "admin"];

/// Rights of an application or token with which it changes what is built.
const WRITING: [&str; 3] = ["administration", "contents", "workflows"];

/// Ids that other documents know as well: repositories by their address.
pub(super) fn known_ids(graph: &Graph) -> BTreeMap<String, String> {
    graph
        .nodes
        .iter()
        .filter(|node| node.is("GH_Repository"))
        .filter_map(|node| Some((object_id(&node.id), repository_id(node.text("html_url")?)?)))
        .collect()
}

/// A workflow whose text the document holds.
pub(super) struct WorkflowText<'a> {
    /// Id of its repository.
    pub(super) repository: &'a str,
    /// Its file name.
    pub(super) file: &'a str,
    /// What stands in it.
    pub(super) text: &'a str,
}

/// The workflows that are in force on the default branch of a repository with a known address.
/// Those of other branches are left out: few events start them.
pub(super) fn workflows<'a>(
    graph: &'a Graph,
    ids: &'a BTreeMap<String, String>,
) -> Vec<WorkflowText<'a>> {
    let repositories = graph.nodes.iter().filter(|node| node.is("GH_Repository"));
    let defaults: BTreeMap<String, &str> = repositories
        .filter_map(|node| Some((object_id(&node.id), node.text("default_branch")?)))
        .collect();
    let mut found = Vec::new();
    for node in graph.nodes.iter().filter(|node| node.is("GH_Workflow")) {
        let (Some(repository), Some(path), Some(text)) = (
            node.text("repository_id").map(object_id),
            node.text("path"),
            node.text("contents"),
        ) else {
            continue;
        };
        let is_active = node.text("state").is_none_or(|state| state == "active");
        let default = defaults.get(&repository).copied();
        let is_default = node.text("branch").is_none_or(|own| Some(own) == default);
        if let Some(repository) = ids.get(&repository)
            && is_active
            && is_default
            && !text.is_empty()
        {
            found.push(WorkflowText {
                repository,
                file: path.rsplit('/').next().unwrap_or(path),
                text,
            });
        }
    }
    found
}

/// The graph by id.
struct Estate<'a> {
    nodes: BTreeMap<String, &'a Node>,
    out: BTreeMap<String, Vec<(&'a str, String)>>,
    /// The organisation that holds each role, token or installation, or owns each repository.
    holder: BTreeMap<String, String>,
    organizations: BTreeSet<String>,
    /// The rules that protect each branch.
    rules: BTreeMap<String, Vec<&'a Node>>,
    /// Installations by the short name of their application.
    installed: BTreeMap<&'a str, Vec<String>>,
}

/// Up to so many relationships are followed in all to work out roles; a collector's document needs
/// a small part of it.
const MAX_FOLLOWED: usize = 20_000_000;

/// States it, where the document is of that collector; whether all roles could be followed.
pub(super) fn state(
    graph: &Graph,
    ids: &BTreeMap<String, String>,
    facts: &mut Facts,
) -> Result<bool, IdError> {
    if !graph.nodes.iter().any(|node| node.is("GH_Repository")) {
        return Ok(true);
    }
    let estate = Estate::of(graph, ids);
    let mut n_left = MAX_FOLLOWED;
    for (id, node) in &estate.nodes {
        match node.kinds.first().map_or("", String::as_str) {
            "GH_Organization" => {
                facts.node(id, &["Organization"])?;
            }
            "GH_Repository" => estate.repository(id, node, facts)?,
            "GH_Branch" => estate.branch(id, facts)?,
            "GH_User" => {
                facts.node(id, &["Identity"])?;
                if node.text("email").is_some_and(|email| !email.is_empty()) {
                    facts.node(id, &["Human"])?;
                }
                estate.principal(id, &mut n_left, facts)?;
            }
            "GH_Team" => {
                facts.node(id, &["Identity", "Group"])?;
                estate.principal(id, &mut n_left, facts)?;
            }
            "GH_AppInstallation" => estate.installation(id, node, facts)?,
            "GH_App" => estate.application(node, facts)?,
            "GH_PersonalAccessToken" => estate.token(id, node, facts)?,
            "GH_RepoSecret" | "GH_OrgSecret" => {
                facts.node(id, &["Secret"])?;
            }
            _ => {}
        }
    }
    Ok(n_left > 0)
}

impl Node {
    fn is(&self, kind: &str) -> bool {
        self.kinds.iter().any(|own| own == kind)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.properties.as_ref()?.get(name)?.as_str()
    }

    fn flag(&self, name: &str) -> bool {
        let value = self.properties.as_ref().and_then(|own| own.get(name));
        value.and_then(serde_json::Value::as_bool) == Some(true)
    }

    /// The rights written as JSON text, `contents:write`; those of a token lie one level deeper.
    fn rights(&self) -> Vec<String> {
        let text = self.text("permissions").unwrap_or_default();
        let Ok(serde_json::Value::Object(all)) = serde_json::from_str(text) else {
            return Vec::new();
        };
        let of_repositories = match all.get("repository") {
            Some(serde_json::Value::Object(inner)) => inner,
            _ => &all,
        };
        let rights = of_repositories
            .iter()
            .filter_map(|(name, level)| Some(format!("{name}:{}", level.as_str()?)));
        let mut rights: Vec<String> = rights.collect();
        rights.sort_unstable();
        rights
    }

    fn writes_code(&self) -> bool {
        let mut rights = self.rights().into_iter();
        rights.any(|right| {
            let (name, level) = right.split_once(':').unwrap_or_default();
            level == "write" && WRITING.contains(&name)
        })
    }
}

impl<'a> Estate<'a> {
    fn of(graph: &'a Graph, ids: &BTreeMap<String, String>) -> Self {
        let mut nodes = BTreeMap::new();
        for node in &graph.nodes {
            let id = object_id(&node.id);
            nodes.insert(ids.get(&id).cloned().unwrap_or(id), node);
        }
        let mut out: BTreeMap<String, Vec<(&str, String)>> = BTreeMap::new();
        for edge in &graph.edges {
            // Ends by name are those of other collectors.
            let (Some(from), Some(to)) = (end_id_of(&edge.start, ids), end_id_of(&edge.end, ids))
            else {
                continue;
            };
            if nodes.contains_key(&from) && nodes.contains_key(&to) {
                out.entry(from).or_default().push((edge.kind.as_str(), to));
            }
        }
        let mut estate = Self {
            nodes,
            out,
            holder: BTreeMap::new(),
            organizations: BTreeSet::new(),
            rules: BTreeMap::new(),
            installed: BTreeMap::new(),
        };
        for (from, edges) in &estate.out {
            let Some(node) = estate.nodes.get(from) else {
                continue;
            };
            for (kind, to) in edges {
                if node.is("GH_Organization") && matches!(*kind, "GH_Contains" | "GH_Owns") {
                    estate.holder.insert(to.clone(), from.clone());
                }
                if *kind == "GH_ProtectedBy" {
                    estate.rules.entry(to.clone()).or_default().push(node);
                }
            }
        }
        for (id, node) in &estate.nodes {
            if node.is("GH_Organization") {
                estate.organizations.insert(id.clone());
            }
            if let Some(slug) = node
                .text("app_slug")
                .filter(|_| node.is("GH_AppInstallation"))
            {
                estate.installed.entry(slug).or_default().push(id.clone());
            }
        }
        estate
    }

    fn targets<'s>(&'s self, from: &str, kind: &'static str) -> impl Iterator<Item = &'s str> {
        let edges = self.out.get(from).into_iter().flatten();
        edges
            .filter(move |(own, _)| *own == kind)
            .map(|(_, to)| to.as_str())
    }

    fn is(&self, id: &str, kind: &str) -> bool {
        self.nodes.get(id).is_some_and(|node| node.is(kind))
    }

    fn repository(&self, id: &str, node: &Node, facts: &mut Facts) -> Result<(), IdError> {
        let fact = facts.node(id, &["Repository"])?;
        if let Some(visibility) = node.text("visibility") {
            facts.set(fact, "visibility", visibility);
        }
        for branch in self.targets(id, "GH_HasBranch") {
            facts.edge(id, "HAS_BRANCH", branch)?;
            let is_default = node.text("default_branch").is_some()
                && node.text("default_branch")
                    == self.nodes.get(branch).copied().and_then(short_name);
            let fact = facts.node(branch, &["Branch"])?;
            facts.set(fact, "default", is_default);
        }
        for secret in self.targets(id, "GH_HasSecret") {
            facts.edge(id, "HAS_SECRET", secret)?;
        }
        if let Some(organization) = self.holder.get(id) {
            facts.edge(id, "IN_ORGANIZATION", organization)?;
        }
        Ok(())
    }

    fn branch(&self, id: &str, facts: &mut Facts) -> Result<(), IdError> {
        let fact = facts.node(id, &["Branch"])?;
        for (name, says) in [
            ("requires_review", "required_pull_request_reviews"),
            ("requires_code_owner_review", "require_code_owner_reviews"),
            ("restricts_pushes", "push_restrictions"),
        ] {
            let mut rules = self.rules.get(id).into_iter().flatten();
            let holds = rules.any(|rule| rule.flag(says));
            facts.set(fact, name, holds);
        }
        Ok(())
    }

    fn is_protected(&self, branch: &str) -> bool {
        let mut rules = self.rules.get(branch).into_iter().flatten();
        rules.any(|rule| {
            rule.flag("required_pull_request_reviews") || rule.flag("push_restrictions")
        })
    }

    /// What a user or team holds by itself and by its roles, other than through teams.
    fn principal(&self, id: &str, n_left: &mut usize, facts: &mut Facts) -> Result<(), IdError> {
        let mut roles = BTreeSet::new();
        let mut teams = BTreeSet::new();
        let mut open = vec![id];
        while let Some(at) = open.pop() {
            for (kind, to) in self.out.get(at).into_iter().flatten() {
                let Some(left) = n_left.checked_sub(1) else {
                    return Ok(());
                };
                *n_left = left;
                let is_role = self.is(to, "GH_Role");
                if matches!(*kind, "GH_HasRole" | "GH_HasBaseRole") && is_role {
                    if roles.insert(to.as_str()) {
                        open.push(to);
                    }
                } else if *kind == "GH_MemberOf" && self.is(to, "GH_Team") && teams.insert(to) {
                    // The teams around a team; their roles are their own.
                    let mut around = vec![to.as_str()];
                    while let Some(team) = around.pop() {
                        let outer = self.out.get(team).into_iter().flatten();
                        for (_, outer) in outer.filter(|(kind, _)| *kind == "GH_MemberOf") {
                            *n_left = n_left.saturating_sub(1);
                            if teams.insert(outer) {
                                around.push(outer);
                            }
                        }
                    }
                }
            }
        }
        for team in teams {
            facts.edge(id, "MEMBER_OF", team)?;
        }
        let mut on_repositories: BTreeMap<&str, usize> = BTreeMap::new();
        let mut passing: BTreeSet<&str> = BTreeSet::new();
        let mut editing: BTreeSet<&str> = BTreeSet::new();
        for holder in roles.iter().copied().chain([id]) {
            let name = self
                .nodes
                .get(holder)
                .copied()
                .and_then(short_name)
                .unwrap_or_default();
            for (kind, to) in self.out.get(holder).into_iter().flatten() {
                match *kind {
                    "GH_CanWriteBranch" => {
                        passing.insert(to);
                    }
                    "GH_CanEditProtection" => {
                        editing.insert(to);
                    }
                    _ if self.is(holder, "GH_RepoRole") && self.is(to, "GH_Repository") => {
                        if let Some(rank) = ROLES.iter().position(|role| *role == name) {
                            let held = on_repositories.entry(to).or_default();
                            *held = (*held).max(rank);
                        }
                    }
                    _ => {}
                }
            }
            if self.is(holder, "GH_OrgRole")
                && let Some(organization) = self.holder.get(holder)
                && let Some(role) = self.role_on_organization(holder, name)
            {
                let edge = facts.edge(id, "HAS_ROLE_ON", organization)?;
                facts.set_key(edge, role);
                facts.set(edge, "role", role);
            }
        }
        for (repository, rank) in &on_repositories {
            let edge = facts.edge(id, "HAS_ROLE_ON", repository)?;
            facts.set(edge, "role", ROLES.get(*rank).copied().unwrap_or("read"));
        }
        // Whoever edits the protection as an administrator has the role that says so.
        editing.retain(|branch| {
            let administered = on_repositories
                .iter()
                .filter(|(_, rank)| ROLES.get(**rank) == Some(&"admin"));
            !administered
                .flat_map(|(repository, _)| self.targets(repository, "GH_HasBranch"))
                .any(|own| own == *branch)
        });
        for branch in passing.union(&editing) {
            if self.is_protected(branch) {
                facts.edge(id, "CAN_BYPASS", branch)?;
            }
        }
        Ok(())
    }

    fn role_on_organization(&self, role: &str, name: &str) -> Option<&'static str> {
        let mut edges = self.out.get(role).into_iter().flatten();
        match name {
            "owners" => Some("owner"),
            "members" => Some("member"),
            _ => edges
                .any(|(kind, _)| *kind == "GH_WriteOrganizationCustomOrgRole")
                .then_some("manage-roles"),
        }
    }

    fn installation(&self, id: &str, node: &Node, facts: &mut Facts) -> Result<(), IdError> {
        facts.node(id, &["Identity", "App"])?;
        let rights = node.rights();
        let all = node.text("repository_selection") == Some("all");
        let on_all = self.holder.get(id).filter(|_| all).map(String::as_str);
        let some = self
            .targets(id, "GH_CanAccess")
            .filter(|_| on_all.is_none());
        for target in on_all.into_iter().chain(some) {
            let edge = facts.edge(id, "INSTALLED_ON", target)?;
            let rights = Value::strings(rights.iter().map(String::as_str));
            facts.set(edge, "permissions", rights);
        }
        Ok(())
    }

    /// Whoever owns an application that is not ours runs it.
    fn application(&self, node: &Node, facts: &mut Facts) -> Result<(), IdError> {
        let (Some(owner), Some(slug)) = (node.text("owner_login"), node.text("slug")) else {
            return Ok(());
        };
        let ours = |id: &str| self.nodes.get(id).and_then(|own| own.text("login")) == Some(owner);
        if self.organizations.iter().any(|id| ours(id)) {
            return Ok(());
        }
        let vendor = format!("vendor://{}", owner.to_lowercase());
        for installed in self.installed.get(slug).into_iter().flatten() {
            let fact = facts.node(&vendor, &["Vendor"])?;
            facts.set(fact, "name", owner);
            facts.edge(&vendor, "OPERATES", installed)?;
        }
        Ok(())
    }

    fn token(&self, id: &str, node: &Node, facts: &mut Facts) -> Result<(), IdError> {
        let fact = facts.node(id, &["Secret"])?;
        facts.set(fact, "kind", "access-token");
        if node.flag("token_expired") {
            facts.set(fact, "validity", "expired");
        }
        if node.writes_code() {
            for repository in self.targets(id, "GH_CanAccess") {
                if self.is(repository, "GH_Repository") {
                    facts.edge(id, "CAN_WRITE", repository)?;
                }
            }
        }
        Ok(())
    }
}

fn short_name(node: &Node) -> Option<&str> {
    node.text("short_name")
}
