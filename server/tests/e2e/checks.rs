//! Policies: verdicts, exit codes, baselines and reports.

use std::fs;
use std::path::Path;

use crate::support::{Server, run, shop};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

const TO_DATA: &str = "no-path-from-internet-to-personal-data";
const EXPLOITED: &str = "no-known-exploited-on-exposed-workload";
const TO_ADMIN: &str = "no-path-from-internet-to-admin";

#[test]
fn the_shipped_policies_find_what_is_planted_and_nothing_else() {
    let checked = run(&["check", "--load", text(&shop()), "--format", "json"]);
    assert_eq!(checked.code, 1, "{}", checked.err);
    let report = checked.json();
    let verdict = |name: &str| {
        let policies = report["policies"].as_array().unwrap();
        policies
            .iter()
            .find(|it| it["name"] == name)
            .unwrap()
            .clone()
    };
    assert_eq!(verdict(TO_DATA)["status"], "fail");
    let path = &verdict(TO_DATA)["violations"][0]["row"]["path"]["$attack_path"];
    assert_eq!(
        path["target"]["asset"],
        "aws://111122223333/s3/bucket/customers"
    );
    // The same image runs in a workload that nobody reaches: only the exposed one counts.
    let exploited = verdict(EXPLOITED);
    assert_eq!(exploited["status"], "fail", "{exploited}");
    assert_eq!(
        exploited["violations"].as_array().unwrap().len(),
        1,
        "{exploited}"
    );
    assert_eq!(verdict(TO_ADMIN)["status"], "pass");
    assert_eq!(report["totals"]["failed"], 2);
}

#[test]
fn with_a_baseline_only_what_is_new_fails() {
    let dir = tempfile::tempdir().unwrap();
    let baseline = dir.path().join("known.json");
    let known = run(&["check", "--load", text(&shop()), "--format", "json"]);
    fs::write(&baseline, &known.out).unwrap();
    let again = run(&[
        "check",
        "--load",
        text(&shop()),
        "--baseline",
        text(&baseline),
        "--format",
        "json",
    ]);
    assert_eq!(again.code, 0, "{}", again.out);
    assert_eq!(again.json()["totals"]["new_violations"], 0);
    assert_eq!(
        again.json()["totals"]["violations"],
        known.json()["totals"]["violations"]
    );

    // Another exposed workload with the same image is new.
    let more = dir.path().join("more.jsonl");
    fs::write(&more, "{\"edge\":{\"from\":\"net://internet\",\"to\":\"k8s://prod/shop/Deployment/batch\",\"kind\":\"CAN_REACH\"}}\n").unwrap();
    let new = run(&[
        "check",
        "--load",
        text(&shop()),
        "--load",
        text(&more),
        "--baseline",
        text(&baseline),
        "--format",
        "json",
        EXPLOITED,
    ]);
    assert_eq!(new.code, 1, "{}", new.err);
    assert_eq!(new.json()["totals"]["new_violations"], 1);
    assert_eq!(new.json()["totals"]["violations"], 2);
    let broken = run(&["check", "--load", text(&shop()), "--baseline", text(&more)]);
    assert_eq!(broken.code, 2);
}

#[test]
fn what_cannot_be_decided_is_code_2() {
    let dir = tempfile::tempdir().unwrap();
    let policy = dir.path().join("p.fql");
    let check = |source: &str| {
        fs::write(&policy, source).unwrap();
        run(&[
            "check",
            "--load",
            text(&shop()),
            "--format",
            "json",
            text(&policy),
        ])
    };
    assert_eq!(
        check("POLICY p \"t\" EXPECT NO ROWS MATCH (n:Nothing) RETURN n").code,
        0
    );
    assert_eq!(
        check("POLICY p \"t\" EXPECT AT LEAST 2 ROWS MATCH (n:Workload) RETURN n").code,
        0
    );
    assert_eq!(
        check("POLICY p \"t\" EXPECT AT MOST 1 ROWS MATCH (n:Workload) RETURN n").code,
        1
    );
    assert_eq!(
        check("POLICY p \"t\" EXPECT ROWS MATCH (n:Nothing) RETURN n").code,
        1
    );
    let refused = check("POLICY p \"t\" EXPECT NO ROWS MATCH (n RETURN n");
    assert_eq!((refused.code, refused.out.as_str()), (2, ""));
    assert!(refused.err.contains('^'), "{}", refused.err);
    let unknown_variable = check("POLICY p \"t\" EXPECT NO ROWS MATCH (n) RETURN m");
    assert_eq!(unknown_variable.code, 2);
    assert_eq!(unknown_variable.json()["policies"][0]["status"], "error");
    assert_eq!(
        run(&["check", "--load", text(&shop()), "no-such-policy"]).code,
        2
    );
}

/// A name that is not there gives no rows, which is no proof of anything.
#[test]
fn a_policy_about_what_is_not_there_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("p.fql");
    let policy = "POLICY p \"t\" EXPECT NO ROWS ATTACK PATHS TO (d:DataStore {name: 'custmers'})";
    fs::write(&file, policy).unwrap();
    let check = |format: &str| {
        let shop = shop();
        run(&[
            "check",
            "--load",
            text(&shop),
            "--format",
            format,
            text(&file),
        ])
    };
    let checked = check("json");
    assert_eq!(checked.code, 0);
    assert!(
        checked.err.contains("no node matches this"),
        "{}",
        checked.err
    );
    let diagnostic = &checked.json()["policies"][0]["diagnostics"][0];
    assert_eq!(diagnostic["code"], "query.empty_end");
    let run = &check("sarif").json()["runs"][0];
    let notified = &run["invocations"][0]["toolExecutionNotifications"][0];
    assert_eq!(notified["level"], "warning");
    assert_eq!(run["invocations"][0]["executionSuccessful"], true);
}

#[test]
fn sarif_carries_rule_level_place_and_fingerprint() {
    let checked = run(&[
        "check",
        "--load",
        text(&shop()),
        "--format",
        "sarif",
        TO_DATA,
    ]);
    assert_eq!(checked.code, 1);
    let sarif = checked.json();
    assert_eq!(sarif["version"], "2.1.0");
    let run_ = &sarif["runs"][0];
    assert_eq!(run_["tool"]["driver"]["name"], "foothold");
    assert_eq!(run_["tool"]["driver"]["rules"][0]["id"], TO_DATA);
    assert_eq!(run_["invocations"][0]["executionSuccessful"], true);
    let results = run_["results"].as_array().unwrap();
    assert!(!results.is_empty());
    for result in results {
        assert_eq!(
            (&result["ruleId"], &result["ruleIndex"]),
            (&TO_DATA.into(), &0.into())
        );
        assert_eq!(result["level"], "error");
        assert!(
            result["message"]["text"]
                .as_str()
                .unwrap()
                .contains("customers")
        );
        assert!(
            !result["partialFingerprints"]["foothold/v1"]
                .as_str()
                .unwrap()
                .is_empty()
        );
        let place = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
        assert!(place.as_str().unwrap().ends_with("shop.jsonl"), "{result}");
    }
}

#[test]
fn every_sarif_result_has_a_file() {
    // Code scanning refuses results without one. A row may name a node, a path whose evidence was
    // joined, or nothing that a document speaks of.
    let dir = tempfile::tempdir().unwrap();
    let policy = dir.path().join("named only.fql");
    fs::write(
        &policy,
        "POLICY a-node \"t\" EXPECT NO ROWS MATCH (w:Workload) RETURN [w] AS it\n\
         POLICY a-name \"t\" EXPECT NO ROWS MATCH (w:Workload) RETURN w.name\n\
         POLICY too-few \"t\" EXPECT AT LEAST 1000 ROWS MATCH (w:Workload) RETURN w\n",
    )
    .unwrap();
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/../datasets/demo");
    let asked = ["check", "--load", demo, "--format", "sarif"];
    let checked = run(&[&asked[..], &[TO_DATA, EXPLOITED, text(&policy)]].concat());
    assert_eq!(checked.code, 1, "{}", checked.err);
    let sarif = checked.json();
    let mut rules = std::collections::BTreeSet::new();
    for result in sarif["runs"][0]["results"].as_array().unwrap() {
        let rule = result["ruleId"].as_str().unwrap();
        rules.insert(rule);
        let place = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
        let place = place.as_str().unwrap_or_else(|| panic!("{result}"));
        let by_policy = matches!(rule, "a-name" | "too-few");
        let wanted = if by_policy {
            "named%20only.fql"
        } else {
            "datasets/demo"
        };
        assert!(place.contains(wanted), "{rule}: {place}");
    }
    assert_eq!(rules.len(), 5, "{rules:?}");
}

#[test]
fn policies_of_the_rules_folder_are_run_and_listed() {
    let dir = tempfile::tempdir().unwrap();
    let rules = dir.path().join("rules");
    let db = dir.path().join("db");
    fs::create_dir(&rules).unwrap();
    fs::write(
        rules.join("own.fql"),
        format!(
            "GROUP RUNNING KINDS RUNS\n\
             POLICY own \"Own\" EXPECT NO ROWS MATCH (w)-[:RUNNING]->(i) RETURN w\n\
             POLICY {TO_ADMIN} \"Looser\" EXPECT ROWS MATCH (n) RETURN n\n"
        ),
    )
    .unwrap();
    let shop = shop();
    let check = |names: &[&str]| {
        let asked = ["check", "--load", text(&shop), "--format", "json"];
        let rules = ["--rules", text(&rules)];
        run(&[&asked[..], &rules[..], names].concat())
    };
    let all = check(&[]);
    assert_eq!(all.code, 1, "{}", all.err);
    let report = all.json();
    let verdicts: Vec<(&str, &str)> = report["policies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            (
                it["title"].as_str().unwrap(),
                it["status"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(verdicts.len(), 4, "{verdicts:?}");
    assert!(verdicts.contains(&("Own", "fail")), "{verdicts:?}");
    assert!(verdicts.contains(&("Looser", "pass")), "{verdicts:?}");
    assert_eq!(check(&["own"]).code, 1);

    let server = Server::start_with(&db, |it| it.arg("--rules").arg(&rules));
    let listed = server.get("/api/v1/policies/own").json();
    assert_eq!(listed["origin"], "own.fql");
    server
        .delete("/api/v1/policies/own")
        .problem(409, "policy.shipped");
    drop(server);

    // Nobody may take a policy that could not be read for one that passed.
    fs::write(
        rules.join("half.fql"),
        "POLICY half EXPECT NO ROWS MATCH (\n",
    )
    .unwrap();
    let broken = check(&[TO_ADMIN]);
    assert_eq!(broken.code, 2, "{}", broken.err);
    assert!(broken.err.contains("half.fql"), "{}", broken.err);
}

#[test]
fn junit_counts_and_escapes() {
    let checked = run(&["check", "--load", text(&shop()), "--format", "junit"]);
    assert_eq!(checked.code, 1);
    assert!(checked.out.starts_with("<?xml"));
    assert!(
        checked
            .out
            .contains("tests=\"3\" failures=\"2\" errors=\"0\""),
        "{}",
        checked.out
    );
    assert!(
        checked.out.contains("reach(net://internet) -&gt; "),
        "{}",
        checked.out
    );
}

#[test]
fn policies_over_http_are_added_run_and_remembered() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::with_shop(dir.path());
    let listed = server.get("/api/v1/policies").json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 3);

    let source = "POLICY few-workloads \"Few workloads\" SEVERITY low EXPECT AT MOST 1 ROWS MATCH (w:Workload) RETURN w";
    let added = server.post("/api/v1/policies", &serde_json::json!({ "source": source }));
    assert_eq!(added.status, 201, "{}", added.body);
    assert_eq!(
        added.header("location"),
        Some("/api/v1/policies/few-workloads")
    );
    let run_ = server.post(
        "/api/v1/policies/few-workloads/runs",
        &serde_json::json!({}),
    );
    assert_eq!(run_.status, 201, "{}", run_.body);
    assert_eq!(run_.json()["status"], "fail");
    assert_eq!(
        run_.json()["verdict"]["violations"]
            .as_array()
            .unwrap()
            .len(),
        2
    );

    // Remembered over a restart, and known to the command line.
    drop(server);
    let checked = run(&[
        "check",
        "--db",
        text(dir.path()),
        "--format",
        "json",
        "few-workloads",
    ]);
    assert_eq!(checked.code, 1, "{}", checked.err);
    let server = Server::start(dir.path());
    let runs = server.get("/api/v1/policies/few-workloads/runs").json();
    assert_eq!(runs["items"].as_array().unwrap().len(), 1);
    assert_eq!(server.delete("/api/v1/policies/few-workloads").status, 204);
    server
        .get("/api/v1/policies/few-workloads")
        .problem(404, "request.not_found");
    server
        .delete(&format!("/api/v1/policies/{TO_DATA}"))
        .problem(409, "policy.shipped");
    let refused = server.post(
        "/api/v1/policies",
        &serde_json::json!({ "source": "POLICY x" }),
    );
    let problem = refused.problem(422, "query.refused");
    assert!(problem["diagnostics"][0]["line"].is_number());
}
