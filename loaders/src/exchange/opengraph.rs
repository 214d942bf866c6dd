//! BloodHound OpenGraph: what any BloodHound collector writes.
//!
//! Ids are global to a BloodHound instance and not case-sensitive there, so they become
//! `bloodhound:<ID>`. Kinds become labels, the first one first. Whether an edge is a step of an
//! attacker is not decided here. What a collector for GitHub says is said in our own words too.

mod github;

use std::collections::{BTreeMap, HashMap, HashSet};

use foothold_engine::model::{FactRef, Facts};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::code::github_actions;
use crate::decode::tree::to_value;
use crate::document::Document;
use crate::error::{LoadError, Place};
use crate::head::Head;
use crate::loader::{Loader, Match};
use crate::report::Report;

/// The loader.
pub(crate) struct OpenGraph;

#[derive(Debug, Deserialize)]
struct File {
    graph: Graph,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Debug, Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    source_kind: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Graph {
    #[serde(default)]
    nodes: Vec<Node>,
    #[serde(default)]
    edges: Vec<Edge>,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
    #[serde(default)]
    kinds: Vec<String>,
    #[serde(default)]
    properties: Option<Map<String, Value>>,
}

#[derive(Debug, Deserialize)]
struct Edge {
    kind: String,
    start: End,
    end: End,
    #[serde(default)]
    properties: Option<Map<String, Value>>,
}

#[derive(Debug, Deserialize)]
struct End {
    value: String,
    #[serde(default)]
    match_by: Option<String>,
    #[serde(default)]
    kind: Option<String>,
}

impl Loader for OpenGraph {
    fn format(&self) -> &'static str {
        "opengraph"
    }

    fn describe(&self) -> &'static str {
        "BloodHound OpenGraph, JSON"
    }

    fn detect(&self, head: &Head<'_>) -> Match {
        let Some(sketch) = head.json() else {
            return Match::No;
        };
        match (sketch.has("graph.nodes"), sketch.has("graph.edges")) {
            (true, true) => Match::Certain,
            (true, false) => Match::Likely,
            (false, true) => Match::Likely,
            (false, false) if sketch.has("graph") => {
                Match::Near("`graph` has neither `nodes` nor `edges`".to_owned())
            }
            _ => Match::No,
        }
    }

    fn load(
        &self,
        document: &Document,
        facts: &mut Facts,
        report: &mut Report,
    ) -> Result<(), LoadError> {
        let file: File = document.value()?;
        report.tool("BloodHound OpenGraph", None);
        let source_kind = file.metadata.source_kind.as_deref();
        let ids = github::known_ids(&file.graph);
        let mut known = HashSet::new();
        let mut by_name: HashMap<(String, String), String> = HashMap::new();
        for (index, node) in file.graph.nodes.iter().enumerate() {
            report.count("nodes", 1);
            let kind = node.kinds.first().map_or("", String::as_str);
            report.count(&format!("node_primary_kinds.{kind}"), 1);
            let id = renamed(object_id(&node.id), &ids);
            if !known.insert(id.clone()) {
                report.count("duplicate_node_ids", 1);
                report.warn("node-twice", || {
                    format!("/graph/nodes/{index}/id: `{}`", node.id)
                });
            }
            if let Some(name) = node.properties.iter().flatten().find_map(name_of) {
                for kind in &node.kinds {
                    let key = (kind.to_uppercase(), name.to_uppercase());
                    by_name.entry(key).or_insert_with(|| id.clone());
                }
            }
            let labels: Vec<&str> = node.kinds.iter().map(String::as_str).collect();
            let fact = facts
                .node(&id, &labels)
                .map_err(|source| at(format!("/graph/nodes/{index}/id"), source))?;
            set_properties(facts, fact, node.properties.as_ref());
            facts.set_opt(fact, "source_kind", source_kind);
        }
        for (index, edge) in file.graph.edges.iter().enumerate() {
            report.count("edges", 1);
            report.count(&format!("edge_kinds.{}", edge.kind), 1);
            let ends = [("start", &edge.start), ("end", &edge.end)].map(|(name, end)| {
                let id = renamed(end_id(end, &by_name), &ids);
                let is_known = known.contains(&id);
                if !is_known {
                    report.warn("end-not-in-document", || {
                        format!("/graph/edges/{index}/{name}: `{}`", end.value)
                    });
                }
                (id, is_known)
            });
            let [(from, from_known), (to, to_known)] = &ends;
            report.count("dangling_edges", u64::from(!(*from_known && *to_known)));
            let fact = facts
                .edge(from, &edge.kind, to)
                .map_err(|source| at(format!("/graph/edges/{index}"), source))?;
            set_properties(facts, fact, edge.properties.as_ref());
        }
        let is_whole = github::state(&file.graph, &ids, facts).map_err(|source| {
            // Every id was accepted above; what is made of one is named by the document as a whole.
            at("/graph".to_owned(), source)
        })?;
        if !is_whole {
            report.warn("roles-not-followed", || "/graph/edges".to_owned());
        }
        for workflow in github::workflows(&file.graph, &ids) {
            let stated = github_actions::state_text(
                workflow.repository,
                workflow.file,
                workflow.text,
                document.limits(),
                facts,
                report,
            );
            match stated {
                Ok(()) => report.count("workflows_read", 1),
                Err(error) => report.warn("workflow-unreadable", || {
                    format!("`{}` of `{}`: {error}", workflow.file, workflow.repository)
                }),
            }
        }
        Ok(())
    }
}

fn renamed(id: String, ids: &BTreeMap<String, String>) -> String {
    ids.get(&id).cloned().unwrap_or(id)
}

/// The node an end names by id.
fn end_id_of(end: &End, ids: &BTreeMap<String, String>) -> Option<String> {
    (end.match_by.as_deref() != Some("name")).then(|| renamed(object_id(&end.value), ids))
}

fn at(pointer: String, source: foothold_engine::model::IdError) -> LoadError {
    LoadError::Id {
        place: Place::pointer(pointer),
        source,
    }
}

fn name_of((key, value): (&String, &Value)) -> Option<String> {
    (key == "name").then(|| value.as_str().map(str::to_owned))?
}

fn object_id(id: &str) -> String {
    let id: String = id
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    format!("bloodhound:{}", id.trim().to_uppercase())
}

/// The node an end names: by id, or by name and kind where the document has such a node.
fn end_id(end: &End, by_name: &HashMap<(String, String), String>) -> String {
    if end.match_by.as_deref() != Some("name") {
        return object_id(&end.value);
    }
    let kind = end.kind.as_deref().unwrap_or_default().to_uppercase();
    let key = (kind, end.value.to_uppercase());
    match by_name.get(&key) {
        Some(id) => id.clone(),
        None => object_id(&format!("{}/{}", key.0, key.1)),
    }
}

fn set_properties(facts: &mut Facts, fact: FactRef, properties: Option<&Map<String, Value>>) {
    let sorted: BTreeMap<_, _> = properties.into_iter().flatten().collect();
    for (name, value) in sorted {
        if !value.is_null() {
            facts.set(fact, name, to_value(value));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;
    use expect_test::expect;

    #[test]
    fn what_a_collector_for_github_says_is_said_in_our_words_too() {
        check(
            "github.json",
            r#"{"metadata": {"source_kind": "GitHub"}, "graph": {
              "nodes": [
                {"id": "o", "kinds": ["GH_Organization"], "properties": {"login": "acme"}},
                {"id": "owners", "kinds": ["GH_OrgRole", "GH_Role"], "properties": {"short_name": "owners"}},
                {"id": "r", "kinds": ["GH_Repository"], "properties": {"html_url": "https://github.com/Acme/Shop", "visibility": "private", "default_branch": "main"}},
                {"id": "write", "kinds": ["GH_RepoRole", "GH_Role"], "properties": {"short_name": "write"}},
                {"id": "read", "kinds": ["GH_RepoRole", "GH_Role"], "properties": {"short_name": "read"}},
                {"id": "b", "kinds": ["GH_Branch"], "properties": {"short_name": "main"}},
                {"id": "p", "kinds": ["GH_BranchProtectionRule"], "properties": {"required_pull_request_reviews": true}},
                {"id": "ann", "kinds": ["GH_User"], "properties": {"login": "ann", "email": "ann@acme.example"}},
                {"id": "bob", "kinds": ["GH_User"], "properties": {"login": "bob", "email": ""}},
                {"id": "t", "kinds": ["GH_Team"]}, {"id": "tm", "kinds": ["GH_TeamRole", "GH_Role"], "properties": {"short_name": "members"}},
                {"id": "k", "kinds": ["GH_RepoSecret", "GH_Secret"]},
                {"id": "i", "kinds": ["GH_AppInstallation"], "properties": {"app_slug": "ci", "repository_selection": "selected", "permissions": "{\"contents\": \"write\"}"}},
                {"id": "a", "kinds": ["GH_App"], "properties": {"slug": "ci", "owner_login": "Vendor"}},
                {"id": "pat", "kinds": ["GH_PersonalAccessToken"], "properties": {"permissions": "{\"repository\": {\"contents\": \"write\"}}"}}],
              "edges": [
                {"kind": "GH_Owns", "start": {"value": "o"}, "end": {"value": "r"}},
                {"kind": "GH_Contains", "start": {"value": "o"}, "end": {"value": "owners"}},
                {"kind": "GH_HasBranch", "start": {"value": "r"}, "end": {"value": "b"}},
                {"kind": "GH_ProtectedBy", "start": {"value": "p"}, "end": {"value": "b"}},
                {"kind": "GH_WriteRepoContents", "start": {"value": "write"}, "end": {"value": "r"}},
                {"kind": "GH_ReadRepoContents", "start": {"value": "read"}, "end": {"value": "r"}},
                {"kind": "GH_HasBaseRole", "start": {"value": "write"}, "end": {"value": "read"}},
                {"kind": "GH_CanWriteBranch", "start": {"value": "ann"}, "end": {"value": "b"}},
                {"kind": "GH_HasRole", "start": {"value": "ann"}, "end": {"value": "owners"}},
                {"kind": "GH_HasRole", "start": {"value": "bob"}, "end": {"value": "tm"}},
                {"kind": "GH_MemberOf", "start": {"value": "tm"}, "end": {"value": "t"}},
                {"kind": "GH_HasRole", "start": {"value": "t"}, "end": {"value": "write"}},
                {"kind": "GH_HasSecret", "start": {"value": "r"}, "end": {"value": "k"}},
                {"kind": "GH_CanAccess", "start": {"value": "i"}, "end": {"value": "r"}},
                {"kind": "GH_CanAccess", "start": {"value": "pat"}, "end": {"value": "r"}}]}}"#,
            &expect![[r#"
                bloodhound:O :GH_Organization login="acme" source_kind="GitHub"
                bloodhound:OWNERS :GH_OrgRole:GH_Role short_name="owners" source_kind="GitHub"
                repo://github.com/acme/shop :GH_Repository default_branch="main" html_url="https://github.com/Acme/Shop" source_kind="GitHub" visibility="private"
                bloodhound:WRITE :GH_RepoRole:GH_Role short_name="write" source_kind="GitHub"
                bloodhound:READ :GH_RepoRole:GH_Role short_name="read" source_kind="GitHub"
                bloodhound:B :GH_Branch short_name="main" source_kind="GitHub"
                bloodhound:P :GH_BranchProtectionRule required_pull_request_reviews=true source_kind="GitHub"
                bloodhound:ANN :GH_User email="ann@acme.example" login="ann" source_kind="GitHub"
                bloodhound:BOB :GH_User email="" login="bob" source_kind="GitHub"
                bloodhound:T :GH_Team source_kind="GitHub"
                bloodhound:TM :GH_TeamRole:GH_Role short_name="members" source_kind="GitHub"
                bloodhound:K :GH_RepoSecret:GH_Secret source_kind="GitHub"
                bloodhound:I :GH_AppInstallation app_slug="ci" permissions="{\"contents\": \"write\"}" repository_selection="selected" source_kind="GitHub"
                bloodhound:A :GH_App owner_login="Vendor" slug="ci" source_kind="GitHub"
                bloodhound:PAT :GH_PersonalAccessToken permissions="{\"repository\": {\"contents\": \"write\"}}" source_kind="GitHub"
                vendor://vendor :Vendor name="Vendor"
                bloodhound:ANN :Identity
                bloodhound:ANN :Human
                bloodhound:B :Branch requires_code_owner_review=false requires_review=true restricts_pushes=false
                bloodhound:BOB :Identity
                bloodhound:I :Identity:App
                bloodhound:K :Secret
                bloodhound:O :Organization
                bloodhound:PAT :Secret kind="access-token"
                bloodhound:T :Identity:Group
                repo://github.com/acme/shop :Repository visibility="private"
                bloodhound:B :Branch default=true
                bloodhound:O -GH_Owns-> repo://github.com/acme/shop
                bloodhound:O -GH_Contains-> bloodhound:OWNERS
                repo://github.com/acme/shop -GH_HasBranch-> bloodhound:B
                bloodhound:P -GH_ProtectedBy-> bloodhound:B
                bloodhound:WRITE -GH_WriteRepoContents-> repo://github.com/acme/shop
                bloodhound:READ -GH_ReadRepoContents-> repo://github.com/acme/shop
                bloodhound:WRITE -GH_HasBaseRole-> bloodhound:READ
                bloodhound:ANN -GH_CanWriteBranch-> bloodhound:B
                bloodhound:ANN -GH_HasRole-> bloodhound:OWNERS
                bloodhound:BOB -GH_HasRole-> bloodhound:TM
                bloodhound:TM -GH_MemberOf-> bloodhound:T
                bloodhound:T -GH_HasRole-> bloodhound:WRITE
                repo://github.com/acme/shop -GH_HasSecret-> bloodhound:K
                bloodhound:I -GH_CanAccess-> repo://github.com/acme/shop
                bloodhound:PAT -GH_CanAccess-> repo://github.com/acme/shop
                vendor://vendor -OPERATES-> bloodhound:I
                bloodhound:ANN -HAS_ROLE_ON-> bloodhound:O [owner] role="owner"
                bloodhound:ANN -CAN_BYPASS-> bloodhound:B
                bloodhound:BOB -MEMBER_OF-> bloodhound:T
                bloodhound:I -INSTALLED_ON-> repo://github.com/acme/shop permissions=["contents:write"]
                bloodhound:PAT -CAN_WRITE-> repo://github.com/acme/shop
                bloodhound:T -HAS_ROLE_ON-> repo://github.com/acme/shop role="write"
                repo://github.com/acme/shop -HAS_BRANCH-> bloodhound:B
                repo://github.com/acme/shop -HAS_SECRET-> bloodhound:K
                repo://github.com/acme/shop -IN_ORGANIZATION-> bloodhound:O
                dangling_edges=0 edge_kinds.GH_CanAccess=2 edge_kinds.GH_CanWriteBranch=1 edge_kinds.GH_Contains=1 edge_kinds.GH_HasBaseRole=1 edge_kinds.GH_HasBranch=1 edge_kinds.GH_HasRole=3 edge_kinds.GH_HasSecret=1 edge_kinds.GH_MemberOf=1 edge_kinds.GH_Owns=1 edge_kinds.GH_ProtectedBy=1 edge_kinds.GH_ReadRepoContents=1 edge_kinds.GH_WriteRepoContents=1 edges=15 node_primary_kinds.GH_App=1 node_primary_kinds.GH_AppInstallation=1 node_primary_kinds.GH_Branch=1 node_primary_kinds.GH_BranchProtectionRule=1 node_primary_kinds.GH_OrgRole=1 node_primary_kinds.GH_Organization=1 node_primary_kinds.GH_PersonalAccessToken=1 node_primary_kinds.GH_RepoRole=2 node_primary_kinds.GH_RepoSecret=1 node_primary_kinds.GH_Repository=1 node_primary_kinds.GH_Team=1 node_primary_kinds.GH_TeamRole=1 node_primary_kinds.GH_User=2 nodes=15
            "#]],
        );
    }

    #[test]
    fn workflows_of_the_default_branch_become_jobs() {
        check(
            "github.json",
            r#"{"metadata": {"source_kind": "GitHub"}, "graph": {
              "nodes": [
                {"id": "r", "kinds": ["GH_Repository"], "properties": {"html_url": "https://github.com/Acme/Shop", "default_branch": "main"}},
                {"id": "w1", "kinds": ["GH_Workflow"], "properties": {"repository_id": "r", "branch": "main", "state": "active", "path": ".github/workflows/ci.yml", "contents": "on: push\njobs: {j: {runs-on: ubuntu-latest, steps: [{uses: some/tool@v1}]}}"}},
                {"id": "w2", "kinds": ["GH_Workflow"], "properties": {"repository_id": "r", "branch": "test", "state": "active", "path": "a/other.yml", "contents": "on: push\njobs: {j: {}}"}},
                {"id": "w3", "kinds": ["GH_Workflow"], "properties": {"repository_id": "r", "branch": "main", "state": "disabled_manually", "path": "a/off.yml", "contents": "on: push\njobs: {j: {}}"}},
                {"id": "w4", "kinds": ["GH_Workflow"], "properties": {"repository_id": "r", "branch": "main", "path": "a/broken.yml", "contents": "on: push\njobs: []"}},
                {"id": "w5", "kinds": ["GH_Workflow"], "properties": {"repository_id": "elsewhere", "path": "a/lost.yml", "contents": "on: push\njobs: {j: {}}"}}],
              "edges": []}}"#,
            &expect![[r#"
                repo://github.com/acme/shop :GH_Repository default_branch="main" html_url="https://github.com/Acme/Shop" source_kind="GitHub"
                bloodhound:W1 :GH_Workflow branch="main" contents="on: push\njobs: {j: {runs-on: ubuntu-latest, steps: [{uses: some/tool@v1}]}}" path=".github/workflows/ci.yml" repository_id="r" source_kind="GitHub" state="active"
                bloodhound:W2 :GH_Workflow branch="test" contents="on: push\njobs: {j: {}}" path="a/other.yml" repository_id="r" source_kind="GitHub" state="active"
                bloodhound:W3 :GH_Workflow branch="main" contents="on: push\njobs: {j: {}}" path="a/off.yml" repository_id="r" source_kind="GitHub" state="disabled_manually"
                bloodhound:W4 :GH_Workflow branch="main" contents="on: push\njobs: []" path="a/broken.yml" repository_id="r" source_kind="GitHub"
                bloodhound:W5 :GH_Workflow contents="on: push\njobs: {j: {}}" path="a/lost.yml" repository_id="elsewhere" source_kind="GitHub"
                repo://github.com/acme/shop :Repository
                ci://github.com/acme/shop/ci.yml/j :CiJob any_branch=true checks_out_proposal=false injectable=false name="ci.yml/j" privileged_trigger=false runs_on=["ubuntu-latest"] secrets=false subjects=["ref:refs/heads/*", "ref:refs/tags/*"] token_federation=false triggers=["push"]
                action://github.com/some/tool :Action name="some/tool"
                repo://github.com/acme/shop -HAS_JOB-> ci://github.com/acme/shop/ci.yml/j
                ci://github.com/acme/shop/ci.yml/j -USES-> action://github.com/some/tool [v1] pinned=false ref="v1"
                node_primary_kinds.GH_Repository=1 node_primary_kinds.GH_Workflow=5 nodes=6 workflows_read=1
                warning workflow-unreadable x1: `broken.yml` of `repo://github.com/acme/shop`: at `/jobs`: expected a mapping of jobs
            "#]],
        );
    }

    #[test]
    fn nodes_and_edges_by_id_and_by_name() {
        check(
            "g.json",
            r#"{"metadata": {"source_kind": "Base"}, "graph": {
              "nodes": [{"id": "s-1", "kinds": ["User", "Base"], "properties": {"name": "bob", "n": 1, "x": null}}],
              "edges": [
                {"kind": "Knows", "start": {"value": "S-1"}, "end": {"value": "BOB", "match_by": "name", "kind": "User"}, "properties": {"traversable": true}},
                {"kind": "Knows", "start": {"value": "s-1", "match_by": "id"}, "end": {"value": "gone"}}]}}"#,
            &expect![[r#"
                bloodhound:S-1 :User:Base n=1 name="bob" source_kind="Base"
                bloodhound:S-1 -Knows-> bloodhound:S-1 traversable=true
                bloodhound:S-1 -Knows-> bloodhound:GONE
                dangling_edges=1 edge_kinds.Knows=2 edges=2 node_primary_kinds.User=1 nodes=1
                warning end-not-in-document x1: /graph/edges/1/end: `gone`
            "#]],
        );
    }
}
