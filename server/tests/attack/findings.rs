//! Acceptance tests on findings: which of them matter, told by the graph. The numbers are those of
//! the design's list; T12 is the engine's `network` test, the rest of the list belongs to the
//! life cycle of findings.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use foothold_loaders::{Options, load_paths};
use serde_json::{Value, json};

use crate::support::{corpus, derived};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn foothold(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_foothold"));
    command.args(arguments).output().unwrap()
}

/// The rows of an answer, of what these arguments name.
fn rows(of: &[&str], query: &str) -> Vec<Value> {
    let output = foothold(&[&["query", "--format", "json"], of, &[query]].concat());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{query}: {errors}");
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    answer["rows"].as_array().unwrap().clone()
}

fn ask(load: &Path, query: &str) -> Vec<Value> {
    rows(&["--load", text(load)], query)
}

fn node(id: &str, label: &str, props: impl Into<Value>) -> Value {
    let props: Value = props.into();
    json!({"node": {"id": id, "labels": [label], "props": props}})
}

fn edge(from: &str, kind: &str, to: &str) -> Value {
    json!({"edge": {"from": from, "kind": kind, "to": to, "props": {}}})
}

fn lines(records: &[Value]) -> String {
    let lines: Vec<String> = records.iter().map(Value::to_string).collect();
    lines.join("\n")
}

/// A workload that serves a route, exposed or not, and the store that it connects to.
fn service(name: &str, exposed: bool, value: i64) -> Vec<Value> {
    let id = |kind: &str| format!("x:{kind}-{name}");
    let mut records = vec![
        node(&id("service"), "Service", json!({"name": name})),
        node(&id("workload"), "Workload", json!({"name": name})),
        node(
            &id("store"),
            "DataStore",
            json!({"name": name, "kind": "database", "value": value, "crown_jewel": value > 50}),
        ),
        node(
            &id("route"),
            "Route",
            json!({"method": "GET", "path": "/things/{id}"}),
        ),
        edge(&id("route"), "SERVED_BY", &id("service")),
        edge(&id("service"), "ROUTES_TO", &id("workload")),
        edge(&id("workload"), "CONNECTS_TO", &id("store")),
    ];
    if exposed {
        records.push(node("net://internet", "Internet", json!({})));
        records.push(edge("net://internet", "CAN_REACH", &id("service")));
    }
    records
}

/// A folder with documents of the corpus and a `foothold.yaml` that says which of them speak only
/// of what was loaded at run time.
fn with_runtime(documents: &[&str], loaded: &str) -> Option<tempfile::TempDir> {
    let corpus = corpus()?;
    let folder = tempfile::tempdir().unwrap();
    for name in documents {
        fs::copy(corpus.join("grype").join(name), folder.path().join(name)).unwrap();
    }
    let context = format!("documents:\n  \"{loaded}\":\n    runtime: loaded\n");
    fs::write(folder.path().join("foothold.yaml"), context).unwrap();
    Some(folder)
}

const ISSUES: &str = "MATCH (p:Package)-[a:AFFECTED_BY]->(:Vulnerability)
     RETURN count(*), count(DISTINCT p),
         sum(CASE WHEN a.severity = 'critical' THEN 1 ELSE 0 END)";
const LOADED_ISSUES: &str =
    "MATCH (p:Package)-[a:AFFECTED_BY {reachability: 'loaded'}]->(:Vulnerability)
     RETURN count(*), count(DISTINCT p),
         sum(CASE WHEN a.severity = 'critical' THEN 1 ELSE 0 END)";

/// T08: nginx as scanned, and as seen at run time.
#[test]
fn t08_what_is_loaded_is_marked_and_nothing_is_closed() {
    let all = "kubevuln-nginx-cve.json.gz";
    let relevant = "kubevuln-nginx-cve-relevant.json";
    let Some(folder) = with_runtime(&[all, relevant], "*-relevant.json") else {
        return;
    };
    // Issues, packages, critical issues, as `series.runtime-relevancy` of the corpus counts them.
    assert_eq!(ask(folder.path(), ISSUES), [json!([456, 61, 72])]);
    assert_eq!(ask(folder.path(), LOADED_ISSUES), [json!([216, 48, 37])]);
    // The image holds what it held, and knows which of it was loaded.
    let held = "MATCH (:Image)-[c:CONTAINS]->(p:Package)
         RETURN coalesce(c.reachability, 'unknown') AS seen, count(*) ORDER BY seen";
    let seen = [json!(["loaded", 48]), json!(["unknown", 13])];
    assert_eq!(ask(folder.path(), held), seen);
    // Nor is anything closed where the observation comes later than the scan, into a store.
    let db = folder.path().join("db");
    let only = |name: &str| {
        let source = tempfile::tempdir().unwrap();
        for file in [name, "foothold.yaml"] {
            fs::copy(folder.path().join(file), source.path().join(file)).unwrap();
        }
        let done = foothold(&["import", "--db", text(&db), text(source.path())]);
        assert!(done.status.success());
        [ISSUES, LOADED_ISSUES].map(|query| rows(&["--db", text(&db)], query))
    };
    assert_eq!(only(all), [[json!([456, 61, 72])], [json!([0, 0, 0])]]);
    let both = [[json!([456, 61, 72])], [json!([216, 48, 37])]];
    assert_eq!(only(relevant), both);
    assert_eq!(only(all), both);
    // Without the observation nothing else differs.
    fs::remove_file(folder.path().join(relevant)).unwrap();
    assert_eq!(ask(folder.path(), ISSUES), [json!([456, 61, 72])]);
    assert_eq!(ask(folder.path(), LOADED_ISSUES), [json!([0, 0, 0])]);
}

/// T09: where everything is loaded, the loaded view is the whole.
#[test]
fn t09_the_loaded_view_of_alpine_is_all_of_it() {
    let all = "kubevuln-alpine-cve.json";
    let relevant = "kubevuln-alpine-relevant-cve.json";
    let Some(folder) = with_runtime(&[all, relevant], "*relevant*") else {
        return;
    };
    assert_eq!(ask(folder.path(), ISSUES), [json!([20, 2, 0])]);
    assert_eq!(ask(folder.path(), LOADED_ISSUES), [json!([20, 2, 0])]);
}

/// What was seen loaded counts in full, what was not seen stays unknown: it is neither closed nor
/// made less likely than before.
#[test]
fn what_is_loaded_is_likelier_and_the_rest_is_what_it_was() {
    let scan = |packages: &[&str]| {
        let found: Vec<Value> = packages
            .iter()
            .map(|name| {
                json!({
                    "vulnerability": {"id": format!("CVE-2099-{name}"), "severity": "Critical",
                        "cvss": [{"vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]},
                    "artifact": {"name": name, "version": "1", "type": "npm",
                        "purl": format!("pkg:npm/{name}@1")}
                })
            })
            .collect();
        json!({"matches": found, "descriptor": {"name": "grype"},
            "source": {"target": {"tags": ["registry.example/shop:1"]}}})
        .to_string()
    };
    let estate = lines(&[
        node("net://internet", "Internet", json!({})),
        node("x:service", "Service", json!({"name": "shop"})),
        node("x:workload", "Workload", json!({"name": "shop"})),
        edge("net://internet", "CAN_REACH", "x:service"),
        edge("x:service", "ROUTES_TO", "x:workload"),
        edge("x:workload", "RUNS", "image://registry.example/shop:1"),
    ]);
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("estate.jsonl", &estate);
    write("scan.json", &scan(&["1001", "1002"]));
    let likelihood = || {
        let rows = ask(
            folder.path(),
            "MATCH (v:Vulnerability) RETURN v.name ORDER BY v.name",
        );
        assert_eq!(rows.len(), 2, "both stay");
        let paths = ask(
            folder.path(),
            "ATTACK PATHS TO (w:Workload WHERE w.name = 'shop') TOP 1",
        );
        let path = &paths[0][0]["$attack_path"];
        path["likelihood"].as_f64().unwrap()
    };
    let before = likelihood();
    write("seen.json", &scan(&["1002"]));
    write(
        "foothold.yaml",
        "documents:\n  seen.json:\n    runtime: loaded\n",
    );
    let after = likelihood();
    assert!((after / before - 2.0).abs() < 1e-3, "{before} {after}");
}

/// T13: a real cluster of three machines.
#[test]
fn t13_the_live_cluster_is_what_its_dump_says() {
    let Some(corpus) = corpus() else { return };
    let dump = corpus.join("kubernetes/cluster-dump-do");
    let bindings = ask(&dump, "MATCH (b:ClusterRoleBinding) RETURN count(*)");
    assert_eq!(bindings, [json!([90])]);
    let to_admin = ask(
        &dump,
        "MATCH (b:ClusterRoleBinding)-[:BINDS]->(:ClusterRole {name: 'cluster-admin'}) RETURN count(*)",
    );
    assert_eq!(to_admin, [json!([2])]);
    // A pod of each daemon set on each machine, and the replicas of the others.
    let pods = ask(
        &dump,
        "MATCH (n:Node) WITH count(n) AS machines MATCH (w:Workload)
         RETURN sum(CASE WHEN w:DaemonSet THEN machines ELSE coalesce(w.replicas, 1) END)",
    );
    assert_eq!(pods, [json!([33])]);
    // The dump lists them, and 18 privileged containers in them.
    let mut counted = BTreeMap::new();
    let list = dump.join("api_v1_pods.json");
    load_paths(&[list], &Options::new(0), &mut |outcome| {
        counted.append(&mut outcome.report().counts.clone());
    })
    .unwrap();
    let count = |name: &str| counted.get(name).copied();
    assert_eq!(count("kinds.Pod"), Some(33));
    assert_eq!(count("privileged_containers"), Some(18));
    // They run in the pods of three daemon sets.
    let privileged = ask(
        &dump,
        "MATCH (w:Workload {privileged: true}) RETURN w.name ORDER BY w.name",
    );
    assert_eq!(
        privileged,
        [
            json!(["cilium"]),
            json!(["csi-do-node"]),
            json!(["kube-proxy"])
        ]
    );
    let exposed = ask(
        &dump,
        "MATCH (:Internet)-[:CAN_REACH]->(s:Service {type: 'LoadBalancer'}) RETURN s.name",
    );
    assert_eq!(exposed, [json!(["fix-fixcore"])]);
    // It is computed, not read off the type: on the port that it forwards, to what it selects; what is
    // open to the cluster alone is open to nobody else.
    let all = ask(
        &dump,
        "MATCH (:Internet)-[c:CAN_REACH]->(s:Service)-[:ROUTES_TO]->(w:Workload)
         RETURN s.name AS name, s.type, c.ports, w.name ORDER BY name",
    );
    assert_eq!(
        all,
        [
            json!(["fix-fixcore", "LoadBalancer", ["8900/TCP"], "fix-fixcore"]),
            json!([
                "single-server-ea",
                "NodePort",
                ["8529/TCP"],
                "single-server-sngl-hs5itknq-5e6755"
            ]),
        ]
    );
}

/// T14: what matters is what can be reached, not the score of the scanner.
#[test]
fn t14_an_exposed_weak_operation_ranks_above_an_unloaded_critical_library() {
    let mut records = service("orders", true, 90);
    records.extend(service("billing", true, 90));
    records.extend([
        node("img:billing", "Image", json!({"name": "billing"})),
        node(
            "pkg:npm/parser@1.0.0",
            "Package",
            json!({"name": "parser", "reachability": "unreachable"}),
        ),
        node(
            "vuln:CVE-2099-0001",
            "Vulnerability",
            json!({"cvss": 9.8, "severity": "critical", "attack_vector": "network",
                   "privileges_required": "none", "user_interaction": "none",
                   "attack_complexity": "low", "epss": 0.02}),
        ),
        edge("x:workload-billing", "RUNS", "img:billing"),
        edge("img:billing", "CONTAINS", "pkg:npm/parser@1.0.0"),
        edge("pkg:npm/parser@1.0.0", "AFFECTED_BY", "vuln:CVE-2099-0001"),
        node(
            "finding:review/1",
            "Finding",
            json!({"class": "sql-injection", "severity": "medium", "rule_id": "r",
                   "path": "orders.py", "line": 7}),
        ),
        edge("finding:review/1", "EXPLOITABLE_VIA", "x:route-orders"),
    ]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("estate.jsonl");
    fs::write(&file, lines(&records)).unwrap();
    let ranked = ask(
        &file,
        "EXPLOITABILITY OF (d:DataStore) YIELD node, likelihood
         RETURN node.name, max(likelihood) AS likelihood ORDER BY likelihood DESC",
    );
    let likelihood = |name: &str| {
        let row = ranked.iter().find(|row| row[0] == name);
        row.and_then(|row| row[1].as_f64()).unwrap_or(0.0)
    };
    assert_eq!(ranked[0][0], "orders", "{ranked:?}");
    assert!(
        likelihood("orders") > 5.0 * likelihood("billing"),
        "{ranked:?}"
    );
}

/// T15: two tools that saw one weakness on production are one step, above a low finding inside.
#[test]
fn t15_one_weakness_of_two_tools_is_one_step_on_top() {
    let mut records = service("shop", true, 90);
    records.extend(service("wiki", false, 10));
    let finding = |id: &str, more: Value| {
        let mut props =
            json!({"class": "sql-injection", "rule_id": "r", "path": "a.py", "line": 7});
        for (name, value) in more.as_object().unwrap() {
            props[name] = value.clone();
        }
        node(id, "Finding", props)
    };
    records.extend([
        finding("finding:sast/1", json!({"severity": "critical"})),
        finding(
            "finding:dast/1",
            json!({"severity": "critical", "confirmed": true}),
        ),
        finding("finding:sast/2", json!({"severity": "low"})),
        edge("finding:sast/1", "EXPLOITABLE_VIA", "x:route-shop"),
        edge("finding:dast/1", "EXPLOITABLE_VIA", "x:route-shop"),
        edge("finding:sast/2", "EXPLOITABLE_VIA", "x:route-wiki"),
    ]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("estate.jsonl");
    fs::write(&file, lines(&records)).unwrap();
    let rows = ask(&file, "ATTACK PATHS TO (d:DataStore) TOP 10");
    let last_step = |row: &Value| {
        let steps = row[0]["$attack_path"]["steps"].as_array().unwrap();
        steps.last().unwrap().clone()
    };
    let top = last_step(&rows[0]);
    assert_eq!(top["rule"], "sql-injection");
    let likelihood = top["likelihood"].as_f64().unwrap();
    assert!(
        (likelihood - 0.9).abs() < 1e-3,
        "the confirmed member decides: {likelihood}"
    );
    let inside = rows
        .iter()
        .any(|row| row[0].to_string().contains("finding:sast/2"));
    assert!(!inside, "nobody comes to the internal tool");

    let graph = derived(&[("estate.jsonl".into(), lines(&records).into_bytes())]);
    let topology = graph.topology();
    let grouped = topology.steps().find(|&step| {
        graph.rules().get(graph.rule_of(step)).name.as_ref() == "sql-injection"
            && graph.state_text(topology.gain(step)) == "read(x:store-shop)"
    });
    let n_members = graph.instances_of(grouped.unwrap()).len();
    assert_eq!(n_members, 2, "both tools stand behind the step");
}
