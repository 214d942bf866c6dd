//! Joins between documents, from cases that a person can read.
//!
//! A case states nodes and edges as loaders would, names the kinds of edges it is about, and
//! lists every edge of these kinds that correlation adds. `REWRITE=1` writes what is found.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use foothold_engine::build::{Staging, assemble};
use foothold_engine::graph::Snapshot;
use foothold_engine::model::{FactRef, Facts, SourceInfo, Value};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    #[serde(rename = "case")]
    title: String,
    nodes: Vec<BTreeMap<String, serde_json::Value>>,
    #[serde(default)]
    edges: Vec<serde_json::Value>,
    /// Kinds of edges to list.
    kinds: Vec<String>,
    /// `from -KIND-> to | method confidence | property=value ..`
    expect: Vec<String>,
}

fn value(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Bool(flag) => Value::from(*flag),
        serde_json::Value::Number(number) => number
            .as_i64()
            .map_or_else(|| Value::from(number.as_f64().unwrap()), Value::from),
        serde_json::Value::String(text) => Value::from(text.as_str()),
        serde_json::Value::Array(items) => {
            Value::strings(items.iter().map(|item| item.as_str().unwrap()))
        }
        // Documents inside documents, such as policies, are text.
        other @ serde_json::Value::Object(_) => Value::from(other.to_string().as_str()),
        serde_json::Value::Null => panic!("null is no value"),
    }
}

fn set(facts: &mut Facts, fact: FactRef, properties: &BTreeMap<String, serde_json::Value>) {
    for (name, json) in properties {
        if !["id", "is", "edge"].contains(&name.as_str()) {
            facts.set(fact, name, value(json));
        }
    }
}

fn snapshot(case: &Case) -> Snapshot {
    let mut facts = Facts::new();
    for node in &case.nodes {
        let labels: Vec<&str> = node["is"]
            .as_array()
            .unwrap()
            .iter()
            .map(|label| label.as_str().unwrap())
            .collect();
        let fact = facts.node(node["id"].as_str().unwrap(), &labels).unwrap();
        set(&mut facts, fact, node);
    }
    for edge in &case.edges {
        // `from -KIND-> to`, alone or under `edge` beside properties.
        let (text, properties) = match edge {
            serde_json::Value::Object(map) => (
                map["edge"].as_str().unwrap(),
                map.clone().into_iter().collect(),
            ),
            other => (other.as_str().unwrap(), BTreeMap::new()),
        };
        let (from, rest) = text.split_once(" -").unwrap();
        let (kind, to) = rest.split_once("-> ").unwrap();
        let fact = facts.edge(from, kind, to).unwrap();
        set(&mut facts, fact, &properties);
    }
    let mut staging = Staging::new();
    let info = SourceInfo {
        name: Arc::from("case"),
        ..SourceInfo::default()
    };
    staging.add(&info, &facts);
    assemble(staging).unwrap()
}

fn text(value: &Value) -> String {
    match value {
        Value::Str(text) => text.to_string(),
        Value::List(items) => items.iter().map(text).collect::<Vec<_>>().join(","),
        Value::Bool(flag) => flag.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
    }
}

fn found(case: &Case) -> Vec<String> {
    let snapshot = snapshot(case);
    let method = snapshot.prop_id("method");
    let mut lines = BTreeSet::new();
    for edge in snapshot.edges() {
        let ends = snapshot.edge(edge);
        let kind = snapshot.kind_name(ends.kind);
        let method = method.and_then(|method| snapshot.edge_prop(edge, method));
        let (Some(method), true) = (method, case.kinds.iter().any(|wanted| wanted == kind)) else {
            continue;
        };
        let mut line = format!(
            "{} -{kind}-> {} | {} {}",
            snapshot.stable_id(ends.source),
            snapshot.stable_id(ends.target),
            text(&method),
            snapshot.edge_confidence(edge)
        );
        let mut separator = " |";
        for (prop, value) in snapshot.edge_props(edge) {
            let name = snapshot.prop_name(prop);
            if !["method", "confidence"].contains(&name) {
                write!(line, "{separator} {name}={}", text(&value)).unwrap();
                separator = "";
            }
        }
        lines.insert(line);
    }
    lines.into_iter().collect()
}

fn run(file: &Path) -> usize {
    let content = std::fs::read_to_string(file).unwrap();
    let cases: Vec<Case> = serde_saphyr::from_multiple(&content)
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    if std::env::var_os("REWRITE").is_some() {
        rewrite(file, &content, &cases);
        return cases.len();
    }
    for case in &cases {
        assert_eq!(
            found(case),
            case.expect,
            "{}: {}",
            file.display(),
            case.title
        );
    }
    cases.len()
}

/// Replaces what stands under `expect:` at the end of each case.
fn rewrite(file: &Path, content: &str, cases: &[Case]) {
    let mut rewritten = Vec::new();
    for (part, case) in content.split("\n---\n").zip(cases) {
        let (head, _) = part.split_once("\nexpect:").unwrap();
        let lines = found(case);
        let mut part = format!("{head}\nexpect:");
        if lines.is_empty() {
            part += " []";
        }
        for line in lines {
            write!(part, "\n  - \"{}\"", line.replace('"', "\\\"")).unwrap();
        }
        rewritten.push(part);
    }
    std::fs::write(file, rewritten.join("\n---\n") + "\n").unwrap();
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/correlate")
}

#[test]
fn every_case() {
    let mut n_cases = 0;
    for entry in std::fs::read_dir(folder()).unwrap() {
        n_cases += run(&entry.unwrap().path());
    }
    assert!(n_cases > 0);
}

/// Two things with one display name in two clusters or accounts never share a node or an edge: the
/// estate of two tenants is the two estates side by side.
#[test]
fn namesakes_in_two_tenants_never_meet() {
    let tenant = |cluster: &str, account: &str| {
        let trust = format!(
            r#"{{"Statement":[{{"Effect":"Allow","Action":"sts:AssumeRoleWithWebIdentity","Principal":{{"Federated":"arn:aws:iam::{account}:oidc-provider/oidc.example/{cluster}"}},"Condition":{{"StringEquals":{{"oidc.example/{cluster}:sub":"system:serviceaccount:shop:web"}}}}}}]}}"#
        );
        let policy =
            r#"{"Statement":[{"Effect":"Allow","Action":"dynamodb:GetItem","Resource":"*"}]}"#;
        let node = |id: String, labels: &[&str], properties: &[(&str, &str)]| {
            let mut node: BTreeMap<String, serde_json::Value> = properties
                .iter()
                .map(|(name, value)| {
                    let value = match value.strip_prefix('*') {
                        Some(list) => serde_json::json!([list]),
                        None => serde_json::json!(value),
                    };
                    ((*name).to_owned(), value)
                })
                .collect();
            node.insert("id".to_owned(), id.into());
            node.insert("is".to_owned(), serde_json::json!(labels));
            node
        };
        let k8s = |rest: &str| format!("k8s://{cluster}/shop/{rest}");
        let role = format!("arn:aws:iam::{account}:role/web");
        let web = [("name", "web"), ("selector", "*app=web")];
        let nodes = vec![
            node(
                format!("k8s://{cluster}"),
                &["Cluster"],
                &[("oidc_issuer", &format!("oidc.example/{cluster}"))],
            ),
            node(k8s("Service/web"), &["Service"], &web),
            node(
                k8s("Deployment/web"),
                &["Workload"],
                &[("labels", "*app=web"), ("env_hosts", "*A=web")],
            ),
            node(
                k8s("ServiceAccount/web"),
                &["Identity", "ServiceAccount"],
                &[("irsa_role_arn", &role)],
            ),
            node(
                k8s("Ingress/web"),
                &["Ingress"],
                &[("hosts", "*web.example")],
            ),
            node(
                role.clone(),
                &["Identity", "CloudRole"],
                &[("trust_policy", &trust)],
            ),
            node(
                format!("{role}#p"),
                &["CloudPolicy"],
                &[("document", policy)],
            ),
            node(
                format!("arn:aws:dynamodb:eu-west-1:{account}:table/t"),
                &["DataStore"],
                &[("name", "t")],
            ),
        ];
        let edges = vec![
            format!("{role} -HAS_POLICY-> {role}#p"),
            format!("{} -ROUTES_TO-> {}", k8s("Ingress/web"), k8s("Service/web")),
        ];
        (nodes, edges)
    };
    let case = |tenants: &[(&str, &str)]| {
        let parts: Vec<_> = tenants
            .iter()
            .map(|(cluster, account)| tenant(cluster, account))
            .collect();
        let kinds = [
            "ROUTES_TO",
            "CAN_REACH",
            "FEDERATES_TO",
            "HAS_PERMISSION",
            "CAN_ASSUME",
            "CONNECTS_TO",
            "SERVED_BY",
        ];
        Case {
            title: String::new(),
            nodes: parts.iter().flat_map(|(nodes, _)| nodes.clone()).collect(),
            edges: parts
                .iter()
                .flat_map(|(_, edges)| edges.clone())
                .map(Into::into)
                .collect(),
            kinds: kinds.map(str::to_owned).into(),
            expect: Vec::new(),
        }
    };
    let (one, two) = (("one", "111111111111"), ("two", "222222222222"));
    let mut apart = found(&case(&[one]));
    apart.extend(found(&case(&[two])));
    apart.sort();
    apart.dedup();
    let mut together = found(&case(&[one, two]));
    together.sort();
    assert!(apart.len() > 8, "{apart:#?}");
    assert_eq!(together, apart);
}

fn ids_after_merge(vulnerabilities: &[(&str, &[&str])]) -> Vec<String> {
    let mut facts = Facts::new();
    for (id, aliases) in vulnerabilities {
        let fact = facts
            .node(&format!("vuln:{id}"), &["Vulnerability"])
            .unwrap();
        facts.set(fact, "aliases", Value::strings(*aliases));
    }
    let mut staging = Staging::new();
    staging.add(&SourceInfo::default(), &facts);
    let snapshot = assemble(staging).unwrap();
    let label = snapshot.label_id("Vulnerability").unwrap();
    let nodes = snapshot
        .nodes()
        .filter(|node| snapshot.has_label(*node, label));
    nodes
        .map(|node| snapshot.stable_id(node).to_owned())
        .collect()
}

#[test]
fn ids_of_one_vulnerability_are_one_node() {
    let merged = ids_after_merge(&[
        ("GHSA-aaaa", &["CVE-2024-1"]),
        ("RHSA-1", &["GHSA-aaaa"]),
        ("CVE-2024-1", &[]),
        ("CVE-2024-2", &[]),
        ("GO-1", &["GHSA-bbbb"]),
        ("GHSA-bbbb", &[]),
    ]);
    assert_eq!(
        merged,
        ["vuln:CVE-2024-1", "vuln:CVE-2024-2", "vuln:GHSA-bbbb"]
    );
}

/// One wrong record must not melt two vulnerabilities into one.
#[test]
fn an_alias_that_links_two_cves_joins_nothing() {
    let merged = ids_after_merge(&[
        ("GHSA-aaaa", &["CVE-2024-1"]),
        ("CVE-2024-1", &[]),
        ("CVE-2024-2", &[]),
        ("POISON-1", &["CVE-2024-1", "CVE-2024-2"]),
    ]);
    assert_eq!(
        merged,
        ["vuln:CVE-2024-1", "vuln:CVE-2024-2", "vuln:POISON-1"]
    );
}

/// Ten thousand services that no policy separates give a number of edges that grows with them and
/// not with their square.
#[test]
fn a_large_cluster_without_policies_stays_linear() {
    let n_services = 10_000;
    let mut facts = Facts::new();
    for idx in 0..n_services {
        let service = facts
            .node(
                &format!("k8s://a/n{}/Service/s{idx}", idx % 50),
                &["Service"],
            )
            .unwrap();
        facts.set(service, "selector", Value::strings([format!("app=s{idx}")]));
        facts.set(service, "target_ports", Value::strings(["80/TCP=8080"]));
        let workload = facts
            .node(
                &format!("k8s://a/n{}/Deployment/s{idx}", idx % 50),
                &["Workload"],
            )
            .unwrap();
        facts.set(workload, "labels", Value::strings([format!("app=s{idx}")]));
    }
    let mut staging = Staging::new();
    staging.add(&SourceInfo::default(), &facts);
    let snapshot = assemble(staging).unwrap();
    let kind = snapshot.kind_id("CAN_REACH").unwrap();
    assert_eq!(snapshot.edges_of_kind(kind).len(), 2 * n_services);
}
