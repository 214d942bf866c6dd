//! Attack steps against the labels that other tools' authors gave their own test clusters:
//! `data/attack-labels.json` holds which rule answers which label, and every disagreement with its
//! reason. Precision and recall follow from it; a change in either direction fails the test.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use foothold_engine::attack::AttackGraph;
use serde_json::{Value, json};

use crate::support::{corpus, derived, reaches};

/// Ways that every workload or administrator has; no tool labels them.
const STRUCTURAL: &[&str] = &[
    "network-reach",
    "ingress-forwards",
    "service-forwards",
    "image-rollout",
    "workload-position",
    "service-account-token",
    "secret-authenticates",
    "node-to-pods",
    "administrator-machines",
    "administrator-identities",
    "administrator-secrets",
];

/// Lists by resource, as one tool keeps a cluster, as the API server lists them.
fn as_list(snapshot: &Value) -> Vec<u8> {
    let rbac = "rbac.authorization.k8s.io/v1";
    let kinds = [
        ("namespaces", "v1", "Namespace"),
        ("service_accounts", "v1", "ServiceAccount"),
        ("pods", "v1", "Pod"),
        ("cluster_roles", rbac, "ClusterRole"),
        ("cluster_role_bindings", rbac, "ClusterRoleBinding"),
        ("roles", rbac, "Role"),
        ("role_bindings", rbac, "RoleBinding"),
        ("deployments", "apps/v1", "Deployment"),
        ("network_policies", "networking.k8s.io/v1", "NetworkPolicy"),
    ];
    let mut items = Vec::new();
    for (member, version, kind) in kinds {
        for item in snapshot["resources"][member]
            .as_array()
            .into_iter()
            .flatten()
        {
            let mut item = item.clone();
            item["apiVersion"] = version.into();
            item["kind"] = kind.into();
            items.push(item);
        }
    }
    serde_json::to_vec(&json!({"apiVersion": "v1", "kind": "List", "items": items})).unwrap()
}

fn documents(corpus: &Path, files: &Value) -> Vec<(String, Vec<u8>)> {
    let mut documents = Vec::new();
    for file in files.as_array().unwrap() {
        let path = corpus.join("kubernetes").join(file.as_str().unwrap());
        let paths = if path.is_dir() {
            let mut inside: Vec<PathBuf> = std::fs::read_dir(&path)
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .collect();
            inside.sort();
            inside
        } else {
            vec![path]
        };
        for path in paths {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let bytes = std::fs::read(&path).unwrap();
            documents.push(if name.ends_with(".snapshot.json") {
                (name, as_list(&serde_json::from_slice(&bytes).unwrap()))
            } else {
                (name, bytes)
            });
        }
    }
    documents
}

/// `state -> rules of the steps that start from it`.
fn fired(graph: &AttackGraph) -> BTreeMap<String, BTreeSet<String>> {
    let topology = graph.topology();
    let mut fired: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for step in topology.steps() {
        let rule = &graph.rules().get(graph.rule_of(step)).name;
        if !STRUCTURAL.contains(&&**rule) {
            let from = graph.state_text(topology.main_premise(step));
            fired.entry(from).or_default().insert(rule.to_string());
        }
    }
    fired
}

fn texts(value: &Value) -> BTreeSet<String> {
    let items = value.as_array().into_iter().flatten();
    items
        .map(|item| item.as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn steps_agree_with_the_labels_of_two_other_tools() {
    let Some(corpus) = corpus() else { return };
    let data: Value = serde_json::from_str(include_str!("../data/attack-labels.json")).unwrap();
    let answers = data["rules_of_label"].as_object().unwrap();
    let known = data["disagreements"].as_object().unwrap();
    let (mut missing, mut unlabelled) = (BTreeSet::new(), BTreeSet::new());
    for (estate, case) in data["estates"].as_object().unwrap() {
        let graph = derived(&documents(&corpus, &case["files"]));
        let mut fired = fired(&graph);
        let (mut n_labels, mut n_found, mut n_steps, mut n_supported) = (0, 0, 0, 0);
        for (subject, labels) in case["labels"].as_object().unwrap() {
            let rules = fired.remove(subject).unwrap_or_default();
            let mut supported = BTreeSet::new();
            for label in texts(labels) {
                n_labels += 1;
                let found = match label.split_once('>') {
                    Some((_, target)) => reaches(&graph, subject, target.trim()),
                    None => {
                        let answering = texts(&answers[&label]);
                        let mut hits = answering.intersection(&rules).peekable();
                        let found = hits.peek().is_some();
                        supported.extend(hits.cloned());
                        found
                    }
                };
                if found {
                    n_found += 1;
                } else {
                    missing.insert(format!("{estate}: {subject}: {label}"));
                }
            }
            n_steps += rules.len();
            n_supported += rules.intersection(&supported).count();
            for rule in rules.difference(&supported) {
                unlabelled.insert(format!("{estate}: {subject}: {rule}"));
            }
        }
        // Subjects that nobody labelled.
        for (subject, rules) in fired {
            n_steps += rules.len();
            for rule in rules {
                unlabelled.insert(format!("{estate}: {subject}: {rule}"));
            }
        }
        for (subject, denied) in case["denied"].as_object().into_iter().flatten() {
            for target in texts(denied) {
                assert!(
                    !reaches(&graph, subject, &target),
                    "{estate}: {subject} must not come to {target}"
                );
            }
        }
        println!(
            "{estate}: {n_found} of {n_labels} labels found, {n_supported} of {n_steps} kinds of step labelled"
        );
    }
    let found: BTreeSet<&String> = missing.iter().chain(&unlabelled).collect();
    let known: BTreeSet<&String> = known.keys().collect();
    assert_eq!(found, known, "left: found now; right: known disagreements");
}
