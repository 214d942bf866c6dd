//! Workflows of a repository and the roles of a cloud account: what a stranger gets, and what only
//! looks alike. The folder is `tests/data/pipelines`; each workflow says what it is.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::corpus;

fn estate() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/pipelines")
}

fn ask(folder: &Path, query: &str) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_foothold"))
        .args(["query", "--format", "json", "--load"])
        .arg(folder)
        .arg(query)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{query}: {errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The rows as text, one a line.
fn rows(query: &str) -> Vec<String> {
    rows_of(&estate(), query)
}

fn rows_of(load: &Path, query: &str) -> Vec<String> {
    let answer = ask(load, query);
    let rows = answer["rows"].as_array().unwrap().iter();
    rows.map(|row| {
        let values = row.as_array().unwrap().iter();
        let values = values.map(|value| match (value.as_str(), value.as_f64()) {
            (Some(text), _) => text.to_owned(),
            (None, Some(number)) => format!("{number:.2}"),
            (None, None) => value.to_string(),
        });
        values.collect::<Vec<_>>().join(" ")
    })
    .collect()
}

#[test]
fn a_stranger_gets_into_these_jobs_and_no_others() {
    let found = rows(
        "MATCH (:Internet)-[r:ATTACK]->(j:CiJob) RETURN r.rule, j.name, r.likelihood ORDER BY j.name",
    );
    assert_eq!(
        found,
        [
            "unpinned-action lint.yml/lint 0.05",
            "privileged-trigger preview.yml/build 0.90",
            "injection-into-pipeline triage.yml/sort 0.90",
        ]
    );
}

#[test]
fn from_the_title_of_an_issue_to_a_store() {
    let answer = ask(&estate(), "ATTACK PATHS TO read(d:DataStore)");
    let paths: Vec<(String, String)> = answer["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let path = &row[0]["$attack_path"];
            let steps = path["steps"].as_array().unwrap().iter();
            let ids: Vec<&str> = steps.map(|step| step["id"].as_str().unwrap()).collect();
            let target = path["target"]["id"].as_str().unwrap();
            (ids.join(" "), target.to_owned())
        })
        .collect();
    let expected = ("R19 R26 R75", "read(arn:aws:s3:::acme-tickets)");
    let expected = (expected.0.to_owned(), expected.1.to_owned());
    assert_eq!(paths, [expected], "{answer:#}");
}

#[test]
fn a_role_trusts_one_environment_and_reviewers_stand_in_the_way() {
    let found = rows(
        "MATCH (j:CiJob)-[r:`pipeline-role`]->(role:CloudRole) RETURN j.name, role.name, r.likelihood ORDER BY j.name",
    );
    assert_eq!(
        found,
        [
            // Somebody else lets it run.
            "deploy.yml/deploy shop-deploy 0.18",
            // The other role trusts whatever runs for the main branch, and this does.
            "deploy.yml/sign shop-triage 0.90",
            "triage.yml/sort shop-triage 0.90",
        ]
    );
}

#[test]
fn secrets_and_machines_that_fall_with_a_job() {
    let found = rows(
        "MATCH (a)-[r:CODE_AND_CI]->(b) WHERE b:Secret OR b:Runner OR a:Runner RETURN a.name, r.rule, b.name ORDER BY a.name, b.name",
    );
    assert_eq!(
        found,
        [
            "build+self-hosted runner-to-jobs nightly.yml/scan",
            "build+self-hosted runner-to-jobs preview.yml/build",
            "ci.yml/test pipeline-secret TEST_KEY",
            "greet.yml/answer pipeline-secret GREET_KEY",
            "nightly.yml/scan pipeline-secret SCAN_KEY",
            "nightly.yml/scan persistent-runner build+self-hosted",
            "preview.yml/build pipeline-secret PREVIEW_KEY",
            "preview.yml/build persistent-runner build+self-hosted",
            "triage.yml/sort pipeline-secret BOT_TOKEN",
        ]
    );
    let known = rows(
        "MATCH (k:Secret) WHERE EXISTS { MATCH (:Internet)-[:ATTACK*]->(k) } RETURN k.name ORDER BY k.name",
    );
    assert_eq!(known, ["BOT_TOKEN", "PREVIEW_KEY", "SCAN_KEY"]);
}

/// Without the word that the repository is public the answer says what it lacks.
#[test]
fn what_a_setting_decides_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let workflows = folder.path().join(".github/workflows");
    std::fs::create_dir_all(&workflows).unwrap();
    let triage = estate().join(".github/workflows/triage.yml");
    std::fs::copy(triage, workflows.join("triage.yml")).unwrap();
    let answer = ask(folder.path(), "ATTACK PATHS TO exec(j:CiJob)");
    assert_eq!(answer["rows"].as_array().unwrap().len(), 0, "{answer:#}");
    let silent = answer["completeness"]["silent_rules"].as_array().unwrap();
    let injection = silent
        .iter()
        .find(|rule| rule["rule"] == "injection-into-pipeline")
        .unwrap();
    assert!(
        injection["missing"].to_string().contains(".visibility"),
        "{injection}"
    );
}

/// Real workflows, read by a person before the loader read them: where an action of somebody else is
/// not pinned, how many secrets jobs hold, and nothing else. All are started by pushes or by hand.
#[test]
fn real_workflows_of_the_corpus() {
    let Some(corpus) = corpus() else {
        return;
    };
    for (file, unpinned, n_secrets) in [
        (
            "argo-cd-release",
            &[
                "argocd-image-provenance slsa-framework/slsa-github-generator",
                "goreleaser-provenance slsa-framework/slsa-github-generator",
                "sbom-provenance slsa-framework/slsa-github-generator",
            ][..],
            4,
        ),
        (
            "crapi-publish",
            &[
                "build docker/build-push-action",
                "build docker/login-action",
                "build docker/setup-buildx-action",
                "build docker/setup-qemu-action",
                "build tj-actions/branch-names",
            ],
            2,
        ),
        (
            "microservices-demo-ci-main",
            &[
                "deployment-tests docker/setup-buildx-action",
                "deployment-tests docker/setup-qemu-action",
                "deployment-tests google-github-actions/auth",
                "deployment-tests google-github-actions/setup-gcloud",
            ],
            0,
        ),
        ("syft-release", &[], 14),
        ("tetragon-build-images", &[], 4),
        ("trivy-release", &[], 12),
    ] {
        let path = corpus.join(format!("github-actions/{file}.yaml"));
        let found = rows_of(
            &path,
            "MATCH (j:CiJob)-[u:USES]->(a:Action) WHERE NOT u.pinned AND NOT coalesce(a.trusted_publisher, false) RETURN j.name, a.name ORDER BY j.name, a.name",
        );
        let expected: Vec<String> = unpinned
            .iter()
            .map(|line| format!("{file}.yaml/{line}"))
            .collect();
        assert_eq!(found, expected, "{file}");
        // One step for each job, whichever of its actions is taken over, and one for each secret.
        let jobs: BTreeSet<&str> = unpinned
            .iter()
            .filter_map(|line| line.split(' ').next())
            .collect();
        let mut expected = Vec::new();
        for (id, n_steps) in [("R20", jobs.len()), ("R25", n_secrets)] {
            if n_steps > 0 {
                expected.push(format!("{id} {n_steps}.00"));
            }
        }
        let steps = rows_of(
            &path,
            "MATCH (a)-[r:ATTACK]->(b) RETURN r.id, count(*) ORDER BY r.id",
        );
        assert_eq!(steps, expected, "{file}");
    }
}
