//! Roles of a cluster, from cases that a person can read and from labelled cluster snapshots.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use foothold_engine::attack::network::Labels;
use foothold_engine::attack::permission::rbac::{
    Binding, ClusterRole, Rbac, Rights, RoleRef, Scope, Subject, parse_aggregation, parse_rules,
};
use serde_json::Value;

fn add(rbac: &mut Rbac, object: &Value, kind: &str) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let name = text(&object["metadata"]["name"]);
    let namespace = text(&object["metadata"]["namespace"]);
    let rules = || parse_rules(&object["rules"].to_string()).unwrap();
    match kind {
        "Role" => {
            rbac.roles.insert((namespace, name), rules());
        }
        "ClusterRole" => {
            let labels = object["metadata"]["labels"].as_object();
            let labels: Labels = labels
                .into_iter()
                .flatten()
                .map(|(key, value)| (key.clone(), text(value)))
                .collect();
            let role = ClusterRole {
                rules: rules(),
                labels,
                aggregation: parse_aggregation(&object["aggregationRule"].to_string()).unwrap(),
            };
            rbac.cluster_roles.insert(name, role);
        }
        "RoleBinding" | "ClusterRoleBinding" => {
            let role = text(&object["roleRef"]["name"]);
            let subjects = object["subjects"].as_array().into_iter().flatten();
            let subjects = subjects.map(|subject| match text(&subject["kind"]).as_str() {
                "ServiceAccount" => Subject::ServiceAccount {
                    namespace: text(&subject["namespace"]),
                    name: text(&subject["name"]),
                },
                "User" => Subject::User(text(&subject["name"])),
                _ => Subject::Group(text(&subject["name"])),
            });
            rbac.bindings.push(Binding {
                subjects: subjects.collect(),
                namespace: (kind == "RoleBinding").then_some(namespace),
                role: match text(&object["roleRef"]["kind"]).as_str() {
                    "Role" => RoleRef::Role(role),
                    _ => RoleRef::ClusterRole(role),
                },
                name,
            });
        }
        _ => {}
    }
}

/// `user:alice`, `group:x` or `<namespace>/<service account>`.
fn subject(text: &str) -> Subject {
    if let Some(name) = text.strip_prefix("user:") {
        Subject::User(name.to_owned())
    } else if let Some(name) = text.strip_prefix("group:") {
        Subject::Group(name.to_owned())
    } else {
        let (namespace, name) = text.split_once('/').unwrap();
        Subject::ServiceAccount {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }
}

/// `secrets:get @ shop [name] by <binding> -> <role>`.
fn lines(rights: &Rights, of: &Subject) -> Vec<String> {
    let grants = rights.of(of);
    let lines = grants.iter().map(|grant| {
        let scope = match &grant.scope {
            Scope::Cluster => "cluster",
            Scope::Namespace(namespace) => namespace,
        };
        let name = grant
            .name
            .as_ref()
            .map_or_else(String::new, |name| format!(" [{name}]"));
        format!("{} @ {scope}{name} by {}", grant.action, grant.through)
    });
    lines.collect()
}

#[test]
fn cases() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/rbac");
    let mut asked = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path();
        let text = std::fs::read_to_string(&file).unwrap();
        let documents: Vec<Value> = serde_saphyr::from_multiple(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let mut rbac = Rbac::default();
        let mut expected: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut unresolved: Vec<String> = Vec::new();
        for document in &documents {
            let kind = document["kind"].as_str().unwrap_or_default();
            if kind == "Expect" {
                expected = serde_json::from_value(document["rights"].clone()).unwrap();
                if !document["unresolved"].is_null() {
                    unresolved = serde_json::from_value(document["unresolved"].clone()).unwrap();
                }
            }
            add(&mut rbac, document, kind);
        }
        let rights = rbac.resolve();
        assert_eq!(rights.unresolved, unresolved, "{}", file.display());
        for (who, expected) in &expected {
            let mut expected = expected.clone();
            expected.sort();
            let mut found = lines(&rights, &subject(who));
            found.sort();
            assert_eq!(found, expected, "{}: {who}", file.display());
            asked += 1;
        }
    }
    assert!(asked > 10, "{asked}");
}

fn corpus() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let places = [
        std::env::var_os("FOOTHOLD_CORPUS").map(PathBuf::from),
        Some(root.join("../shared/corpus")),
        Some(root.join("../../shared/corpus")),
    ];
    let found = places.into_iter().flatten().find(|place| place.is_dir());
    if found.is_none() {
        assert!(
            std::env::var_os("CI").is_none(),
            "the corpus is missing; set FOOTHOLD_CORPUS"
        );
        eprintln!("skipped: no corpus; set FOOTHOLD_CORPUS to its folder");
    }
    found
}

/// The rights behind the labels of the set, where one right alone makes the finding.
const LABELLED: [(&str, &[&str]); 3] = [
    ("KUBE-PRIVESC-001", &["pods:create"]),
    (
        "KUBE-PRIVESC-003",
        &[
            "deployments:create",
            "deployments:patch",
            "daemonsets:create",
            "statefulsets:create",
        ],
    ),
    ("KUBE-PRIVESC-005", &["secrets:list"]),
];

#[test]
fn rights_agree_with_labelled_snapshots() {
    let Some(corpus) = corpus() else { return };
    let (mut agreed, mut missed, mut extra) = (0, Vec::new(), Vec::new());
    for set in ["minimal-risky", "leastprivilege-demo"] {
        let read = |suffix: &str| -> Value {
            let file = corpus.join(format!("kubernetes/kubesplaining/{set}.{suffix}.json"));
            serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
        };
        let (snapshot, labels) = (read("snapshot"), read("labels"));
        let mut rbac = Rbac::default();
        for (list, kind) in [
            ("roles", "Role"),
            ("cluster_roles", "ClusterRole"),
            ("role_bindings", "RoleBinding"),
            ("cluster_role_bindings", "ClusterRoleBinding"),
        ] {
            let objects = snapshot["resources"][list].as_array();
            for object in objects.into_iter().flatten() {
                add(&mut rbac, object, kind);
            }
        }
        // `<rule>:ServiceAccount/<namespace>/<name>:<scope>:<resources>`
        let expected: BTreeSet<(String, Subject)> = labels["expected"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|id| {
                let mut parts = id.as_str()?.split(':');
                let rule = parts.next()?;
                LABELLED.iter().find(|(known, _)| *known == rule)?;
                let account = parts.next()?.strip_prefix("ServiceAccount/")?;
                Some((rule.to_owned(), subject(account)))
            })
            .collect();
        let rights = rbac.resolve();
        let mut found = BTreeSet::new();
        for subject in rights.subjects() {
            let grants = rights.of(subject);
            // Full administrators are labelled as such and not right by right.
            if grants.iter().any(|grant| grant.action == "*:*") {
                continue;
            }
            for (rule, actions) in LABELLED {
                if grants.iter().any(|grant| actions.contains(&grant.action)) {
                    found.insert((rule.to_owned(), subject.clone()));
                }
            }
        }
        agreed += expected.intersection(&found).count();
        missed.extend(expected.difference(&found).cloned());
        extra.extend(found.difference(&expected).cloned());
    }
    eprintln!("rights: {agreed} agree, missed {missed:?}, extra {extra:?}");
    assert!(
        missed.is_empty() && extra.is_empty(),
        "missed {missed:?}, extra {extra:?}"
    );
    assert_eq!(agreed, 5);
}
