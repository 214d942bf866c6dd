//! What-if, comparison of snapshots, the user's own rules.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::support::{Server, foothold, ran, run, shop};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

const PATHS: &str = "ATTACK PATHS TO (d:DataStore) TOP 5";

fn ask_shop(query: &str) -> Value {
    let asked = run(&["query", "--load", text(&shop()), "--format", "json", query]);
    assert_eq!(asked.code, 0, "{query}: {}", asked.err);
    asked.json()
}

#[test]
fn what_if_answers_on_the_changed_graph_and_says_what_closed() {
    let as_it_is = ask_shop(PATHS);
    assert!(!as_it_is["rows"].as_array().unwrap().is_empty());
    assert!(as_it_is["what_if"].is_null());

    // The vulnerability gone: by a pattern, and by an upgrade.
    for change in [
        "REMOVE (p:Package)-[:AFFECTED_BY]->(v)",
        "REMOVE (v:Vulnerability)",
        "SET (p:Package)-[:AFFECTED_BY]->(v).status = 'not_affected'",
        "UPGRADE 'pkg:npm/example-parser@1.0.0' TO '1.0.1'",
    ] {
        let changed = ask_shop(&format!("WHAT IF {change} {PATHS}"));
        let n_closed = changed["what_if"]["closed"].as_array().unwrap().len();
        assert!(n_closed > 0, "{change}: {changed}");
        assert_eq!(changed["what_if"]["opened"], json!([]), "{change}");
        let left = changed["rows"].as_array().unwrap().len();
        assert_eq!(
            left + n_closed,
            as_it_is["rows"].as_array().unwrap().len(),
            "{change}"
        );
    }
    // Nothing was stored or kept.
    assert_eq!(ask_shop(PATHS)["rows"], as_it_is["rows"]);
}

#[test]
fn a_fix_closes_what_its_plan_says() {
    let plan = ask_shop("FIX PLAN TO (d:DataStore)");
    let fixes: Vec<String> = plan["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row[1].as_str().unwrap().to_owned())
        .collect();
    assert!(!fixes.is_empty());
    let changes: Vec<String> = fixes
        .iter()
        .map(|fix| format!("APPLY '{}'", fix.replace('\'', "\\'")))
        .collect();
    let after = ask_shop(&format!("WHAT IF {} {PATHS}", changes.join(", ")));
    assert_eq!(after["rows"], json!([]), "the plan leaves no path");
    assert!(!after["what_if"]["closed"].as_array().unwrap().is_empty());
}

#[test]
fn each_fix_of_a_plan_leaves_the_risk_that_its_row_says() {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../datasets/demo");
    let ask = |query: &str| {
        let asked = run(&["query", "--load", text(&demo), "--format", "json", query]);
        assert_eq!(asked.code, 0, "{query}: {}", asked.err);
        asked.json()["rows"].as_array().unwrap().clone()
    };
    let question = "FIX PLAN YIELD fix, risk_before, risk_after";
    let plan = ask(question);
    assert!(plan.len() > 4);
    let mut changes: Vec<String> = Vec::new();
    for row in &plan[..plan.len() - 1] {
        let fix = row[0].as_str().unwrap();
        changes.push(format!("APPLY '{fix}'"));
        assert_eq!(
            plan.iter().filter(|other| other[0] == row[0]).count(),
            1,
            "{fix}"
        );
        let left = ask(&format!("WHAT IF {} {question}", changes.join(", ")));
        let (said, is) = (row[2].as_f64().unwrap(), left[0][1].as_f64().unwrap());
        assert!(
            (said - is).abs() < 1e-3 * said.max(1.0),
            "{changes:?}: {said} {is}"
        );
    }
}

#[test]
fn what_if_opens_what_a_new_fact_allows() {
    let changed = ask_shop(
        "WHAT IF ADD (a:Internet)-[:CAN_REACH]->(s:Service {id: 'svc:new'}), \
         ADD (s {id: 'svc:new'})-[:ROUTES_TO]->(w:Workload) \
         EXPLOITABILITY OF (s WHERE id(s) = 'svc:new')",
    );
    assert_eq!(
        changed["what_if"]["opened"].as_array().unwrap().len(),
        1,
        "{changed}"
    );
    let refused = run(&[
        "query",
        "--load",
        text(&shop()),
        "WHAT IF APPLY 'no:such-fix' ATTACK PATHS",
    ]);
    assert_eq!(refused.code, 1);
    assert!(
        refused.err.contains("no fix `no:such-fix`"),
        "{}",
        refused.err
    );
    let pointless =
        ask_shop("WHAT IF REMOVE (n:Workload WHERE n.name = 'nowhere') RETURN 1 AS one");
    assert_eq!(pointless["warnings"][0]["code"], "query.no_change");
}

#[test]
fn a_change_with_a_misspelt_name_names_the_one_that_was_meant() {
    for (change, code, near) in [
        (
            "SET (w:Workload).privilegd = true",
            "query.unknown_property",
            "privileged",
        ),
        (
            "ADD (w:Workload)-[:CAN_RECH]->(d:DataStore)",
            "query.unknown_kind",
            "CAN_REACH",
        ),
    ] {
        let warned = ask_shop(&format!("WHAT IF {change} RETURN 1 AS one"));
        let warning = &warned["warnings"][0];
        assert_eq!(warning["code"], code, "{warned}");
        assert_eq!(
            warning["help"],
            format!("did you mean `{near}`?"),
            "{warned}"
        );
    }
    // What rules read and this graph lacks is no mistake.
    let plain = ask_shop("WHAT IF SET (w:Workload).host_pid = true RETURN 1 AS one");
    assert_eq!(
        plain["warnings"].as_array().map(Vec::len),
        Some(0),
        "{plain}"
    );
}

#[test]
fn what_if_over_http_in_both_ways() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::with_shop(dir.path());
    let body = json!({ "changes": "REMOVE (v:Vulnerability)", "query": PATHS });
    let answer = server.post("/api/v1/what-if", &body);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let closed = answer.json()["what_if"]["closed"].clone();
    assert!(!closed.as_array().unwrap().is_empty());
    let body = json!({ "query": PATHS, "what_if": "REMOVE (v:Vulnerability)" });
    let answer = server.post("/api/v1/query", &body);
    assert_eq!(answer.json()["what_if"]["closed"], closed);
    let body = json!({ "what_if": "REMOVE (v:Vulnerability)", "to": "(d:DataStore)" });
    let paths = server.post("/api/v1/paths", &body);
    assert_eq!(paths.status, 200, "{}", paths.body);
    let of_paths = paths.json()["what_if"]["closed"].as_array().unwrap().len();
    assert_eq!(of_paths, closed.as_array().unwrap().len());
    let wrong = server.post("/api/v1/what-if", &json!({ "changes": "REMOVE (v" }));
    wrong.problem(422, "query.refused");
}

#[test]
fn a_diff_names_the_fact_behind_each_change() {
    let dir = tempfile::tempdir().unwrap();
    let db = dir.path().join("db");
    let file = dir.path().join("estate.jsonl");
    let whole = fs::read_to_string(shop()).unwrap();
    let import = |content: &str| {
        fs::write(&file, content).unwrap();
        let done = run(&["import", "--db", text(&db), text(&file)]);
        assert_eq!(done.code, 0, "{}", done.err);
    };
    // s1: as it is. s2: an unrelated application more. s3: the vulnerability is fixed.
    import(&whole);
    let unrelated = r#"{"node":{"id":"app://other","labels":["Application"],"props":{}}}"#;
    import(&format!("{}\n{unrelated}\n", whole.trim_end()));
    let fixed: Vec<&str> = whole
        .lines()
        .filter(|line| !line.contains("AFFECTED_BY"))
        .collect();
    import(&format!("{}\n", fixed.join("\n")));

    let diff = |from: &str, to: &str| {
        let asked = run(&[
            "diff",
            "--db",
            text(&db),
            "--format",
            "json",
            from,
            to,
            PATHS,
        ]);
        assert_eq!(asked.code, 0, "{}", asked.err);
        asked.json()
    };
    let unchanged = diff("s1", "s2");
    assert_eq!(unchanged["rows"], json!([]), "signatures are stable");
    assert_eq!(unchanged["completeness"]["answer"], "none");

    let gone = diff("s2", "s3");
    let row = gone["rows"][0].as_array().unwrap();
    assert_eq!(row[0], "gone");
    let cause = row.last().unwrap().as_array().unwrap();
    assert!(
        cause
            .iter()
            .any(|fact| fact["kind"] == "AFFECTED_BY" && fact["change"] == "removed"),
        "{cause:?}"
    );
    let back = diff("s3", "s1");
    assert_eq!(back["rows"][0][0], "new");
    assert!(back["rows"][0].as_array().unwrap().last().unwrap()[0]["change"] == "added");

    let people = run(&["diff", "--db", text(&db), "s2", "s3"]);
    assert!(
        people.out.contains("GONE") && people.out.contains("because"),
        "{}",
        people.out
    );
    let unknown = run(&["diff", "--db", text(&db), "s1", "s9"]);
    assert_eq!(unknown.code, 1);

    let server = Server::start(&db);
    let over_http = server.post(
        "/api/v1/diff",
        &json!({ "from": "s2", "to": "s3", "query": PATHS }),
    );
    assert_eq!(over_http.status, 200, "{}", over_http.body);
    assert_eq!(over_http.json()["rows"][0][0], "gone");
}

#[test]
fn a_changed_property_rescores_a_path() {
    let dir = tempfile::tempdir().unwrap();
    let db = dir.path().join("db");
    let file = dir.path().join("estate.jsonl");
    let rules = dir.path().join("rules");
    fs::create_dir(&rules).unwrap();
    fs::write(
        rules.join("own.fql"),
        "RULE own-door \"A door\"\n  MATCH (i:Internet)-[e:DOOR]->(d:DataStore)\n  GIVEN reach(i)\n  \
         GAIN read(d)\n  LIKELIHOOD e.p\n",
    )
    .unwrap();
    for p in ["0.3", "0.7"] {
        fs::write(
            &file,
            format!(
                "{{\"node\":{{\"id\":\"net://internet\",\"labels\":[\"Internet\"],\"props\":{{}}}}}}\n\
                 {{\"node\":{{\"id\":\"db:one\",\"labels\":[\"DataStore\"],\"props\":{{\"value\":1}}}}}}\n\
                 {{\"edge\":{{\"from\":\"net://internet\",\"to\":\"db:one\",\"kind\":\"DOOR\",\"props\":{{\"p\":{p}}}}}}}\n"
            ),
        )
        .unwrap();
        assert_eq!(run(&["import", "--db", text(&db), text(&file)]).code, 0);
    }
    let asked = run(&[
        "diff",
        "--rules",
        text(&rules),
        "--db",
        text(&db),
        "--format",
        "json",
        "s1",
        "s2",
    ]);
    assert_eq!(asked.code, 0, "{}", asked.err);
    let answer = asked.json();
    let columns: Vec<&str> = answer["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    let cell = |name: &str| {
        let at = columns.iter().position(|column| *column == name).unwrap();
        answer["rows"][0][at].clone()
    };
    assert_eq!(cell("change"), "rescored");
    let near = |name: &str, wanted: f64| (cell(name).as_f64().unwrap() - wanted).abs() < 1e-4;
    assert!(near("before", 0.3) && near("after", 0.7), "{answer}");
    assert_eq!(cell("cause")[0]["property"], "p");
    assert_eq!(
        (&cell("cause")[0]["before"], &cell("cause")[0]["after"]),
        (&json!(0.3), &json!(0.7))
    );
}

/// A folder of rules: one that works, one file that is broken, settings.
fn own_rules(root: &Path) {
    fs::create_dir(root).unwrap();
    fs::create_dir(root.join("more")).unwrap();
    fs::write(
        root.join("own.fql"),
        "IMPORT 'more/groups.fql'\n\
         RULE own-jump \"From any service to any store\"\n  ID OWN1\n  \
         MATCH (w:Workload)-[:OWN_LINK]->(d:DataStore)\n  GIVEN exec(w)\n  GAIN read(d)\n  \
         LIKELIHOOD D2\n",
    )
    .unwrap();
    fs::write(
        root.join("more/groups.fql"),
        "GROUP LINKS KINDS OWN_LINK, MOUNTS\n",
    )
    .unwrap();
    fs::write(
        root.join("broken.fql"),
        "RULE half \"No end\"\n  MATCH (a)-[\n",
    )
    .unwrap();
    fs::write(
        root.join("outside.fql"),
        "IMPORT '../secret.fql'\nATTACKER own-attacker \"Own\"\n  START exec(w:Workload)\n",
    )
    .unwrap();
    fs::write(
        root.join("settings.toml"),
        "disable = [\"workload-secrets\"]\n[likelihood]\nexploit-network-cve = 0.123\nown-jump = \"D1\"\n",
    )
    .unwrap();
    fs::write(
        root.join("own.md"),
        "# Cases\n\n## own-jump: a link is enough\n```graph\nw:a :Workload\nd:a :DataStore\nw:a -OWN_LINK-> d:a\n```\n\
         ```steps\nexec(w:a) => read(d:a) 0.90\n```\n\n## own-jump: without a link nothing\n```graph\nw:a :Workload\nd:a :DataStore\nw:a -MOUNTS-> d:a\n```\n```steps\n```\n",
    )
    .unwrap();
}

#[test]
fn own_rules_stand_beside_the_shipped_ones() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("rules");
    own_rules(&root);
    fs::write(dir.path().join("secret.fql"), "GROUP SECRET KINDS A\n").unwrap();
    let listed = run(&[
        "rules",
        "list",
        "--format",
        "json",
        "--rules",
        text(&root),
        "--load",
        text(&shop()),
    ]);
    assert_eq!(listed.code, 0, "{}", listed.err);
    // Broken files are named; the others go on.
    assert!(listed.err.contains("broken.fql"), "{}", listed.err);
    assert!(
        listed.err.contains("query.import_refused"),
        "{}",
        listed.err
    );
    assert!(listed.err.contains("scoring model"), "{}", listed.err);
    let rules = listed.json();
    let find = |name: &str| -> Value {
        let mut all = rules.as_array().unwrap().iter().rev();
        all.find(|rule| rule["name"] == name).unwrap().clone()
    };
    assert_eq!(find("own-jump")["file"], "own.fql");
    assert_eq!(find("workload-secrets")["disabled"], true);

    let ask = |query: &str| {
        run(&[
            "query",
            "--rules",
            text(&root),
            "--load",
            text(&shop()),
            "--format",
            "json",
            query,
        ])
    };
    let paths = ask("ATTACK PATHS TO exec(w:Workload) TOP 1").json();
    let steps = paths["rows"][0][0]["$attack_path"]["steps"].clone();
    let exploit = steps
        .as_array()
        .unwrap()
        .iter()
        .find(|step| step["rule"] == "exploit-network-cve")
        .unwrap();
    assert!((exploit["likelihood"].as_f64().unwrap() - 0.123).abs() < 1e-4);
    assert_eq!(exploit["factors"][0]["name"], "settings");
    let disabled = ask("WHY NOT workload-secrets TO know(s:Secret) YIELD status").json();
    for row in disabled["rows"].as_array().unwrap() {
        assert_eq!(row[0], "disabled");
    }
    let attacker = ask("EXPLOITABILITY OF (d:DataStore) FROM ATTACKER `own-attacker`");
    assert_eq!(attacker.code, 0, "{}", attacker.err);

    // The environment names the folder too, and a folder that is not there is refused.
    let named = foothold()
        .args(["rules", "explain", "OWN1"])
        .env("FOOTHOLD_RULES", &root)
        .output()
        .unwrap();
    assert!(ran(named).out.contains("own-jump"));
    let typo = ["rules", "explain", "own-jmp", "--rules", text(&root)];
    let shop = shop();
    let step = ["--on", "read(d:a)", "--load", text(&shop)];
    for asked in [typo.to_vec(), [&typo[..], &step[..]].concat()] {
        let typo = run(&asked);
        assert_eq!(typo.code, 2);
        assert!(
            typo.err.contains("did you mean `own-jump`?"),
            "{}",
            typo.err
        );
    }
    assert_eq!(run(&["rules", "list", "--rules", "/nowhere"]).code, 2);
    fs::write(root.join("settings.toml"), "disable = [\"no-such-rule\"]\n").unwrap();
    let wrong = run(&["rules", "list", "--rules", text(&root)]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("no-such-rule"), "{}", wrong.err);
}

#[test]
fn sizes_are_estimated_only_where_the_settings_say_so_and_the_answer_states_it() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("rules");
    fs::create_dir(&root).unwrap();
    let analyze = || {
        let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/../datasets/demo");
        let rules = ["--rules", text(&root)];
        let asked = ["analyze", "--format", "json", "--load", demo];
        run(&[&asked[..], &rules[..]].concat()).json()
    };
    assert!(analyze()["completeness"].get("size_error").is_none());
    let settings = root.join("settings.toml");
    fs::write(&settings, "[blast_radius]\nestimate_above = 1000000\n").unwrap();
    assert!(analyze()["completeness"].get("size_error").is_none());
    fs::write(&settings, "[blast_radius]\nestimate_above = 10\n").unwrap();
    let error = analyze()["completeness"]["size_error"].as_f64().unwrap();
    assert!((0.01..0.2).contains(&error), "{error}");
}

#[test]
fn fixtures_of_own_rules_are_run() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("rules");
    own_rules(&root);
    let with_a_broken_file = run(&["rules", "test", text(&root), "--format", "json"]);
    assert_eq!(with_a_broken_file.code, 1);
    fs::remove_file(root.join("broken.fql")).unwrap();
    fs::remove_file(root.join("outside.fql")).unwrap();
    let good = run(&["rules", "test", text(&root), "--format", "json"]);
    assert_eq!(good.code, 0, "{} {}", good.out, good.err);
    assert!(good.json()["cases"].as_u64().unwrap() > 100);
    assert_eq!(good.json()["untested"], json!([]));
    let cases = fs::read_to_string(root.join("own.md")).unwrap();
    fs::write(root.join("own.md"), cases.replace("0.90", "0.10")).unwrap();
    let wrong = run(&["rules", "test", text(&root)]);
    assert_eq!(wrong.code, 1);
    assert!(
        wrong.out.contains("own.md: own-jump: a link is enough"),
        "{}",
        wrong.out
    );
    assert_eq!(run(&["rules", "test"]).code, 0, "the shipped ones alone");
}

#[test]
fn one_step_of_a_rule_is_explained() {
    let paths = ask_shop("ATTACK PATHS TO exec(w:Workload) TOP 1");
    let steps = paths["rows"][0][0]["$attack_path"]["steps"].clone();
    let step = steps.as_array().unwrap().last().unwrap().clone();
    let premises: Vec<&str> = step["premises"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one.as_str().unwrap())
        .collect();
    let gain = step["gain"].as_str().unwrap();
    let rule = step["rule"].as_str().unwrap();
    for on in [
        gain.to_owned(),
        format!("{} => {gain}", premises.join(" & ")),
    ] {
        let explained = run(&[
            "rules",
            "explain",
            rule,
            "--on",
            &on,
            "--load",
            text(&shop()),
        ]);
        assert_eq!(explained.code, 0, "{}", explained.err);
        for part in [
            "premises:",
            "evidence:",
            "factors:",
            "guards:",
            "fixes:",
            gain,
        ] {
            assert!(explained.out.contains(part), "{part}: {}", explained.out);
        }
    }
    let json = run(&[
        "rules",
        "explain",
        rule,
        "--on",
        gain,
        "--load",
        text(&shop()),
        "--format",
        "json",
    ]);
    assert!(json.json()[0]["guards"].is_array());
    let load = shop();
    let batch = "k8s://prod/shop/Deployment/batch";
    let checkout = "k8s://prod/shop/Deployment/checkout";
    for (rule, on, wanted) in [
        (rule, "exec(x:y)".to_owned(), "no asset `x:y`"),
        (
            rule,
            format!("exec({checkout}s)"),
            "did you mean `k8s://prod/shop/Deployment/checkout`?",
        ),
        (
            rule,
            "k8s://prod/shop/Deployment/checkou".to_owned(),
            "did you mean",
        ),
        (
            rule,
            format!("has({checkout})"),
            "`has` is no capability; they are reach, exec",
        ),
        (rule, format!("root({checkout})"), "gains exec(w), not root"),
        (
            "R66",
            format!("exec({checkout})"),
            "`pass-role` gains as(r), not exec",
        ),
        ("R66", checkout.to_owned(), "is not one"),
        (
            rule,
            format!("reach(net://internet) => {gain}"),
            "it needs reach(k8s://prod/shop/Deployment/checkout)",
        ),
        (
            "R36",
            "know(k8s://prod/shop/Deployment/batch)".to_owned(),
            "is not one",
        ),
        (
            "service-forwards",
            batch.to_owned(),
            "with w = k8s://prod/shop/Deployment/batch is false",
        ),
    ] {
        let asked = ["rules", "explain", rule, "--on", &on, "--load", text(&load)];
        let none = run(&asked);
        assert_eq!(none.code, 2, "{rule} {on}");
        assert!(none.err.contains(wanted), "{rule} {on}: {}", none.err);
    }
}

#[test]
fn the_constants_can_be_replaced_and_carry_their_version() {
    let dir = tempfile::tempdir().unwrap();
    let model = dir.path().join("model.json");
    let shipped = include_str!("../../../engine/src/score/model.json");
    let mut own: Value = serde_json::from_str(shipped).unwrap();
    own["version"] = json!("own-7");
    own["classes"]["D0"] = json!(0.5);
    fs::write(&model, own.to_string()).unwrap();
    let asked = run(&[
        "query",
        "--model",
        text(&model),
        "--load",
        text(&shop()),
        "--format",
        "json",
        PATHS,
    ]);
    assert_eq!(asked.code, 0, "{}", asked.err);
    let answer = asked.json();
    assert_eq!(answer["stats"]["model"], "own-7");
    let likelihood = |answer: &Value| answer["rows"][0][3].as_f64().unwrap();
    assert!(likelihood(&answer) < likelihood(&ask_shop(PATHS)));
    fs::write(&model, "{}").unwrap();
    let wrong = run(&[
        "query",
        "--model",
        text(&model),
        "--load",
        text(&shop()),
        "RETURN 1",
    ]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("no scoring model"), "{}", wrong.err);
}

#[test]
fn an_empty_answer_says_none_or_why_it_is_unknown() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("rules");
    fs::create_dir(&root).unwrap();
    fs::write(
        root.join("own.fql"),
        "RULE own-swap \"Swapped\"\n  MATCH (i:Internet)-[:CAN_REACH]->(s:Service)-[:ROUTES_TO]->(w:Workload)\n  \
         WHERE w.is_swappable = true\n  GIVEN reach(i)\n  GAIN write(w)\n  LIKELIHOOD D1\n",
    )
    .unwrap();
    let ask = |to: &str| {
        let query = format!("ATTACK PATHS TO write(w:Workload WHERE w.name = '{to}')");
        run(&[
            "query",
            "--rules",
            text(&root),
            "--load",
            text(&shop()),
            "--format",
            "json",
            &query,
        ])
        .json()["completeness"]
            .clone()
    };
    let unknown = ask("checkout");
    assert_eq!(unknown["answer"], "unknown");
    assert!(
        unknown["unknown"][0]
            .as_str()
            .unwrap()
            .contains("w.is_swappable"),
        "{unknown}"
    );
    let none = ask("batch");
    assert_eq!(
        (&none["answer"], &none["unknown"]),
        (&json!("none"), &json!([]))
    );
}

#[test]
fn attack_steps_are_relationships_in_patterns() {
    let answer = ask_shop(
        "MATCH p = shortestPath((i:Internet)-[:ATTACK*]->(d:DataStore)) \
         RETURN length(p) AS steps, [r IN relationships(p) | type(r)] AS rules",
    );
    assert!(answer["rows"][0][0].as_i64().unwrap() >= 2, "{answer}");
    let by_family = ask_shop("MATCH ()-[r:INITIAL_ACCESS]->() RETURN DISTINCT r.family AS family");
    assert_eq!(by_family["rows"], json!([["initial-access"]]));
    // Without a group the asset graph is as it was.
    let plain = ask_shop("MATCH ()-[r]->() WHERE r.rule IS NOT NULL RETURN count(r) AS n");
    assert_eq!(plain["rows"], json!([[0]]));
}

/// Five workloads, each behind a door of its own, and each with a store.
fn row_of_houses(path: &Path) {
    let mut lines = vec![
        json!({"node": {"id": "net://internet", "labels": ["Internet"], "props": {}}}),
        json!({"node": {"id": "net://backbone", "labels": ["NetworkZone"], "props": {}}}),
    ];
    for n in 1..=5 {
        let (door, house) = (format!("svc:door{n}"), format!("db:house{n}"));
        let named = |id: &str, label: &str| json!({"node": {"id": id, "labels": [label], "props": {"name": id, "value": 1}}});
        let edge = |from: &str, kind: &str, to: &str| json!({"edge": {"from": from, "to": to, "kind": kind, "props": {"p": 0.987_654 - 0.1 * f64::from(n)}}});
        lines.extend([named(&door, "Service"), named(&house, "DataStore")]);
        lines.push(edge("net://internet", "CAN_REACH", &door));
        lines.push(edge(&door, "OPENS", &house));
    }
    let text: Vec<String> = lines.iter().map(Value::to_string).collect();
    fs::write(path, text.join("\n")).unwrap();
}

const OPENS: &str = "RULE opens \"A door\"\n  MATCH (s:Service)-[e:OPENS]->(d:DataStore)\n  \
     GIVEN reach(s)\n  GAIN read(d)\n  LIKELIHOOD e.p\n";

#[test]
fn a_limit_makes_nothing_new_and_nothing_gone() {
    let dir = tempfile::tempdir().unwrap();
    let (file, rules) = (dir.path().join("houses.jsonl"), dir.path().join("rules"));
    row_of_houses(&file);
    fs::create_dir(&rules).unwrap();
    fs::write(rules.join("own.fql"), OPENS).unwrap();
    let ask = |query: &str| {
        let command = ["query", "--rules", text(&rules), "--load", text(&file)];
        let asked = run(&[&command[..], &["--format", "json", query]].concat());
        assert_eq!(asked.code, 0, "{query}: {}", asked.err);
        asked.json()
    };
    let first = "WHAT IF REMOVE (:Internet)-[:CAN_REACH]->(:Service {name: 'svc:door1'})";
    let gone = "WHAT IF REMOVE (:Service {name: 'svc:door1'})";
    let paths = "ATTACK PATHS TO read(d:DataStore)";
    for (changes, query, n_rows, n_closed) in [
        (
            gone,
            "MATCH (s:Service) RETURN s.name AS name ORDER BY name LIMIT 2",
            2,
            1,
        ),
        (
            gone,
            "MATCH (s:Service) RETURN s.name AS name ORDER BY name SKIP 1 LIMIT 2",
            2,
            1,
        ),
        (
            gone,
            "MATCH (s:Service) RETURN s.name AS name UNION \
            MATCH (s:NetworkZone) RETURN s.name AS name LIMIT 1",
            5,
            1,
        ),
        (first, &format!("{paths} TOP 2"), 2, 1),
        (
            first,
            &format!("{paths} TOP 2 YIELD target, likelihood"),
            2,
            1,
        ),
        (
            first,
            &format!("{paths} TOP 2 YIELD path, likelihood RETURN path.target.name AS store"),
            2,
            1,
        ),
        (
            first,
            &format!("{paths} YIELD target AS t RETURN t ORDER BY t SKIP 1 LIMIT 2"),
            2,
            1,
        ),
        (
            first,
            &format!(
                "{paths} TOP 3 YIELD target AS t WITH t WHERE t <> 'read(db:house2)' RETURN t LIMIT 1"
            ),
            1,
            1,
        ),
        (
            first,
            "EXPLOITABILITY OF (d:DataStore) YIELD node, likelihood \
            RETURN node.name AS store, likelihood ORDER BY likelihood DESC LIMIT 3",
            3,
            1,
        ),
        // What cannot be compared before the limit is compared as it is, with a warning.
        (
            gone,
            "MATCH (s:Service) WITH s ORDER BY s.name LIMIT 2 RETURN s.name AS name",
            2,
            1,
        ),
    ] {
        let answer = ask(&format!("{changes} {query}"));
        let what_if = &answer["what_if"];
        let is_cut = query.contains("WITH s ORDER");
        assert_eq!(
            answer["rows"].as_array().unwrap().len(),
            n_rows,
            "{query}: {answer}"
        );
        assert_eq!(
            what_if["closed"].as_array().unwrap().len(),
            n_closed,
            "{query}: {answer}"
        );
        assert_eq!(
            what_if["opened"].as_array().unwrap().len(),
            usize::from(is_cut),
            "{query}: {answer}"
        );
        assert_eq!(what_if["rescored"], json!([]), "{query}: {answer}");
        assert_eq!(what_if["complete"], true, "{query}");
        let cut = answer["warnings"][0]["code"] == "query.cut_comparison";
        assert_eq!(cut, is_cut, "{query}: {answer}");
        assert!(!answer.to_string().contains("\\u0001"), "{answer}");
    }
}

#[test]
fn an_answer_that_the_budget_cuts_calls_nothing_new_or_gone() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("houses.jsonl");
    row_of_houses(&file);
    let db = dir.path().join("db");
    assert_eq!(run(&["import", "--db", text(&db), text(&file)]).code, 0);
    let server = Server::start(&db);
    let body = json!({
        "query": "MATCH (s:Service) RETURN s.name AS name ORDER BY name",
        "what_if": "REMOVE (:Service {name: 'svc:door1'})",
        "budget": { "rows": 3 },
    });
    let answer = server.post("/api/v1/query", &body).json();
    assert_eq!(answer["completeness"]["limit"], "rows", "{answer}");
    assert_eq!(answer["what_if"]["complete"], false, "{answer}");
    assert_eq!(answer["what_if"]["opened"], json!([]), "{answer}");
    assert_eq!(answer["what_if"]["closed"], json!([]), "{answer}");
}

#[test]
fn a_diff_is_made_before_its_limit() {
    let dir = tempfile::tempdir().unwrap();
    let (db, file) = (dir.path().join("db"), dir.path().join("houses.jsonl"));
    row_of_houses(&file);
    assert_eq!(run(&["import", "--db", text(&db), text(&file)]).code, 0);
    let whole = fs::read_to_string(&file).unwrap();
    let left: Vec<&str> = whole
        .lines()
        .filter(|line| !line.contains("door1") && !line.contains("door2"))
        .collect();
    fs::write(&file, left.join("\n")).unwrap();
    assert_eq!(run(&["import", "--db", text(&db), text(&file)]).code, 0);
    for (cut, expected) in [
        ("", vec!["svc:door1", "svc:door2"]),
        ("LIMIT 1 + 0", vec!["svc:door1"]),
        ("SKIP 1 LIMIT 3", vec!["svc:door2"]),
    ] {
        let query = format!("MATCH (s:Service) RETURN s.name AS name ORDER BY name {cut}");
        let asked = run(&[
            "diff",
            "--db",
            text(&db),
            "--format",
            "json",
            "s1",
            "s2",
            &query,
        ]);
        let answer = asked.json();
        let rows = answer["rows"].as_array().unwrap();
        let found: Vec<&str> = rows.iter().map(|row| row[1].as_str().unwrap()).collect();
        assert_eq!(found, expected, "{query}: {answer}");
        assert!(rows.iter().all(|row| row[0] == "gone"), "{answer}");
    }
}
